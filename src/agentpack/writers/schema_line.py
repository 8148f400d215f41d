"""The comment that tells an editor where the JSON Schema of a YAML file is (docs/decisions/0022)."""

from agentpack import __repository__

_START = "# yaml-language-server: $schema=https://"
_FOLDER = "/src/agentpack/schemas/"


def schema_line(schema: str) -> str:
    """The comment, without its line end, for a file that a schema of `src/agentpack/schemas/` describes."""
    repository = __repository__.removeprefix("https://github.com/")
    return f"{_START}raw.githubusercontent.com/{repository}/HEAD{_FOLDER}{schema}.json"


def without_schema_line(text: str) -> str:
    """The text without the comment that this or another agentpack began it with. One of a user's own is not removed."""
    line, _, rest = text.partition("\n")
    return rest if line.startswith(_START) and _FOLDER in line else text
