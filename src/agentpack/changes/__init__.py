"""What becomes of it: wanted, recorded and observed are compared, and the changes are written as one."""
