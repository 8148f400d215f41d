"""Change a scope: compare wanted, recorded and observed files, plan the changes, and write them in one transaction."""
