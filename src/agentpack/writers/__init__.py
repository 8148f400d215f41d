"""Values as text: a file written whole, or a change in a text that people wrote."""
