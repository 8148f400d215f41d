"""Values -> what people and programs read: text, data, Markdown, HTML, SARIF, the commands of a CI system."""
