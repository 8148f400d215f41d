"""What an author does with a pack: new, check, test, build."""
