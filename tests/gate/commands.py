"""What a rendered text says of the gate: its commands by the label of their rule, and how new files begin."""

import re
from typing import NamedTuple

from support.bundled import rendered, versions

PLACES = {
    "<changed files>": "src tests",
    "<new files>": "src",
    "<tests of what changed>": "tests/test_pricing.py",
    "<package>": "shop",
    "<its paths>": "src/shop/pricing/*",
}
"""What is put in where the text leaves a word to the reader: as these places are called in the project of the tests."""
DEPENDENCIES = "Dependencies"
"""The label of what is run when dependencies changed."""

_ITEM = re.compile(r"^- (?P<label>[^:`]+): (?P<rest>.*)$", re.MULTILINE)
_PREFIX = re.compile(r"^- Prefix each with `([^`]+)`", re.MULTILINE)
_CHANGED = re.compile(r"^If dependencies changed[^:]*: (.*)$", re.MULTILINE)
_HEAD = re.compile(r"new files begin with `([^`]+)`")
_SPAN = re.compile(r"`([^`]+)`")


class Gate(NamedTuple):
    """The gate as one rendering has it."""

    commands: dict[str, tuple[str, ...]]
    """By the word before the colon: `Style`, `Types`, `Tests` and so on."""
    head: str
    """The line that new files begin with, so that the type checker is strict there; empty for most checkers."""

    def checks(self) -> list[str]:
        """Every command but those for changed dependencies."""
        return [command for label, ones in self.commands.items() if label != DEPENDENCIES for command in ones]

    def with_words(self, label: str, *words: str) -> list[str]:
        """The commands of a label that hold one of these words, or all of them; never none."""
        found = [command for command in self.commands[label] if not words or any(word in command for word in words)]
        assert found, f"{label}: no command with {words} in {self.commands[label]}"
        return found

    def new(self, files: dict[str, str]) -> dict[str, str]:
        """These files as the text wants new ones."""
        return {path: f"{self.head}\n{text}" if self.head else text for path, text in files.items()}


def gate_of(manager: str, checker: str) -> Gate:
    """The gate of the newest release, for a user with this package manager and this type checker."""
    return read_gate(rendered(versions()[-1], package_manager=manager, type_checker=checker))


def read_gate(text: str) -> Gate:
    """Every code span of the list items under `## Gate`, after the prefix, and of the sentence on dependencies."""
    section = re.split(r"^## ", text.partition("\n## Gate\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    (prefix,) = _PREFIX.findall(section)
    head = _HEAD.search(section)
    commands = {
        item["label"]: tuple(
            f"{prefix} {_placed(span)}" for span in _SPAN.findall(item["rest"]) if head is None or span != head[1]
        )
        for item in _ITEM.finditer(section)
    }
    (changed,) = _CHANGED.findall(section)
    return Gate(commands | {DEPENDENCIES: tuple(_SPAN.findall(changed))}, head[1] if head else "")


def _placed(command: str) -> str:
    for place, path in PLACES.items():
        command = command.replace(place, path)
    assert "<" not in command, command
    return command
