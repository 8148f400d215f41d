"""Read a log as the runner of GitHub Actions does: what its `ActionCommand` and `IssueCommandExtension` make of it."""

import re
from typing import NamedTuple

_IN_MESSAGE = {"%0D": "\r", "%0A": "\n", "%25": "%"}
_IN_PROPERTY = {**_IN_MESSAGE, "%3A": ":", "%2C": ","}


class Command(NamedTuple):
    """A command, with its values unescaped."""

    name: str
    properties: dict[str, str]
    message: str


def commands_in(log: str) -> list[Command]:
    """The commands of a log, in order."""
    return [command for line in log.split("\n") if (command := _command(line))]


def _command(line: str) -> Command | None:
    head, separator, message = line.lstrip().removeprefix("::").partition("::")
    if not line.lstrip().startswith("::") or not separator:
        return None
    name, _, words = head.partition(" ")
    pairs = (pair.partition("=") for pair in words.split(",") if "=" in pair)
    properties = {key.strip(): _unescaped(value, _IN_PROPERTY) for key, _, value in pairs}
    return Command(name, properties, _unescaped(message, _IN_MESSAGE))


def _unescaped(text: str, table: dict[str, str]) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: table.get(match[0], match[0]), text)
