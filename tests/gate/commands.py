"""What a rendered text says of the gate: its commands by the label of their rule, and the settings they ask for."""

import re
from typing import NamedTuple

from support.bundled import rendered

VERSION = "2.0.0"
PLACES = {
    "PATH": "tests/test_pricing.py",
    "GLOB": "src/shop/pricing/*",
    "SOURCE": "src",
    "PACKAGE": "shop",
    "ENVIRONMENT": "default",
}
"""What is put in where the text leaves a word to the reader: as these places are called in the project of the tests."""

_ITEM = re.compile(r"^- (?P<label>[^:`]+): (?P<rest>.*)$", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_SETTING = re.compile(r"[\w-]+ = .+")
_TABLE = re.compile(r"\[[\w.-]+\]")
_PLACE = re.compile(r"\b[A-Z]{4,}\b")


class Gate(NamedTuple):
    """The gate as one rendering has it."""

    commands: dict[str, tuple[str, ...]]
    """By the word before the colon: `Style`, `Types`, `Tests` and so on."""
    settings: str
    """What the text wants in `pyproject.toml`, as TOML."""

    def with_words(self, label: str, *words: str) -> list[str]:
        """The commands of a label that hold one of these words, or all of them; never none."""
        found = [command for command in self.commands[label] if not words or any(word in command for word in words)]
        assert found, f"{label}: no command with {words} in {self.commands[label]}"
        return found


def gate_of(manager: str, checker: str) -> Gate:
    """The gate that a user reads who asked for this package manager and this type checker."""
    text = rendered(VERSION, package_manager=manager, type_checker=checker)
    return read_gate(text)


def read_gate(text: str) -> Gate:
    """Every code span of the list items under `## Gate`: a command, a setting, or the table that it stands in."""
    section = re.split(r"^## ", text.partition("\n## Gate\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    commands: dict[str, tuple[str, ...]] = {}
    settings: list[str] = []
    for item in _ITEM.finditer(section):
        spans = _SPAN.findall(item["rest"])
        wanted = [span for span in spans if _SETTING.fullmatch(span)]
        tables = [span for span in spans if _TABLE.fullmatch(span)]
        if wanted:
            assert len(tables) == 1, f"in which table is {wanted} to stand: {item[0]}"
            settings += [*tables, *wanted]
        commands[item["label"]] = tuple(_placed(span) for span in spans if span not in (*wanted, *tables))
    return Gate(commands, "\n".join(settings))


def _placed(command: str) -> str:
    return _PLACE.sub(lambda found: PLACES[found[0]], command)
