"""Libraries that are no longer maintained, which a persona should not recommend without naming a successor.

The data file says since when, what replaced it, and when that was checked. A rule may name a retired library if it also
names a successor.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject


class Retired(NamedTuple):
    """A library that is no longer maintained."""

    name: str
    since: str
    """ISO 8601 date of its last release or of the announcement of its end."""
    why: str
    successors: tuple[str, ...]
    """Libraries to name instead: any one of these."""
    checked: str
    """ISO 8601 date when this was checked."""
    pattern: str
    """A regular expression that finds it in a text."""


@cache
def retired_libraries() -> tuple[Retired, ...]:
    """All libraries in the data file of retired libraries."""
    rows = json.loads(Path(__file__).with_name("retired.json").read_text(encoding="utf-8"))
    return tuple(
        Retired(
            row["name"],
            row["since"],
            row["why"],
            tuple(row["successors"]),
            row["checked"],
            row.get("pattern", rf"(?<![\w./-]){re.escape(row['name'])}(?![\w-])"),
        )
        for row in rows["libraries"]
    )


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Rules that name a retired library and no successor."""
    for layer in subject.layers():
        for section in layer.sections:
            for rule in section.rules:
                for library in retired_libraries():
                    if _sends_to(rule.text, library):
                        successors = " or ".join(f"`{name}`" for name in library.successors)
                        message = f"names {library.name}, retired since {library.since}: {library.why}"
                        yield CheckFinding(subject.place(layer.file), rule.line, "P901", message, f"name {successors}")


def names_without_successor(text: str) -> tuple[str, ...]:
    """The retired libraries that a text names without naming a successor anywhere."""
    return tuple(library.name for library in retired_libraries() if _sends_to(text, library))


def _sends_to(text: str, library: Retired) -> bool:
    rest, named = re.subn(library.pattern, "", text, flags=re.IGNORECASE)
    return bool(named) and not any(name.lower() in rest.lower() for name in library.successors)
