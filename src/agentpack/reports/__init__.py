"""Format values for people and programs: text, data, Markdown, HTML, SARIF, CI commands."""
