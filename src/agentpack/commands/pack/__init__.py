"""Commands for pack authors: new, check, test, build."""
