"""Write values as text: a whole file, or a change inside a file that a user wrote."""
