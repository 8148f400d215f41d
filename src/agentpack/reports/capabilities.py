"""Format capabilities for people and programs, with a row for each distinct set."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from agentpack.changes.widening import CapabilityChange
from agentpack.clients import SKILLS
from agentpack.model.capabilities import capability_words, narrowing
from agentpack.model.names import first_few

MOST_ROWS = 20
"""Rows shown to people; JSON output has all."""
_MOST_NAMES = 3
Reached = tuple[str, str, str]
"""Pack, persona, client."""


def may_rows(
    changes: Collection[CapabilityChange], everyone: Collection[Reached] = ()
) -> Iterator[tuple[str, str, str]]:
    """For each set of capabilities: the verb (`may use`, `may use more`), who it applies to, and the capabilities. New
    skills that may use nothing but skills are left out: the list of files names them.

    Args:
        everyone: all personas and clients; a row that applies to all of them lists no names.
    """
    groups: dict[tuple[str, str], list[CapabilityChange]] = {}
    for change in changes:
        if change.client in SKILLS and change.before is None and (*change.after,) == ("skills",):
            continue
        after = capability_words(change.after)
        words = after if change.before is None else f"{capability_words(change.before)} -> {after}"
        groups.setdefault((_said(change), words), []).append(change)
    rows = [(said, who, words) for (said, words), members in groups.items() for who in _who(members, everyone)]
    rows.sort(key=lambda row: _ORDER.index(row[0]))
    yield from rows[:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        yield "may use", "", f"… and {len(rows) - MOST_ROWS} more; `--json` has all"


def may_lines(changes: Collection[CapabilityChange], everyone: Collection[Reached] = ()) -> Iterator[tuple[str, str]]:
    """A label and a text for each row."""
    for said, who, words in may_rows(changes, everyone):
        yield (f"{said} ({who}): " if who else f"{said}: "), words


_ORDER = ("may use more", "may use", "may use other things", "may use less")


def _said(change: CapabilityChange) -> str:
    if change.before is None:
        return "may use"
    if change.widened:
        return "may use more"
    return "may use less" if narrowing(change.before, change.after) else "may use other things"


def _who(members: Sequence[CapabilityChange], everyone: Collection[Reached]) -> Iterator[str]:
    """The members in as few words as possible: nothing for all agents, clients, or personas and clients. Skills are
    counted: the list of files names them.
    """
    skills = sum(change.client in SKILLS for change in members)
    if skills:
        yield "1 skill" if skills == 1 else f"{skills} skills"
    members = [change for change in members if change.client not in SKILLS]
    everyone = [reached for reached in everyone if reached[2] not in SKILLS]
    personas = {reached[:2] for reached in everyone}
    clients = {reached[2] for reached in everyone}
    by_persona: dict[tuple[str, str], list[str]] = {}
    for change in members:
        by_persona.setdefault((change.pack, change.persona), []).append(change.client)
    alike: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for persona, reached in by_persona.items():
        alike.setdefault(tuple(sorted(reached)), []).append(persona)
    for those, named in alike.items():
        words = []
        if set(named) != personas:
            words.append(first_few([persona for _, persona in named], _MOST_NAMES))
        if set(those) != clients:
            words.append(", ".join(those))
        yield "; ".join(words)


def may_data(changes: Collection[CapabilityChange]) -> list[dict[str, Any]]:
    """The capabilities for JSON output."""
    return [
        {
            "pack": change.pack,
            "persona": change.persona,
            "client": change.client,
            "before": None if change.before is None else list(change.before),
            "after": list(change.after),
            "widened": list(change.widened),
        }
        for change in changes
    ]
