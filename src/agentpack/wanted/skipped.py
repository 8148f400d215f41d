"""Agents of collections that clients do not get, grouped for people: one line for all agents and clients alike."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from agentpack.model.lock import REFUSED, Lock
from agentpack.model.names import first_few

_MOST_NAMED = 6
"""Largest number of agents that one line names."""


class SkippedAgents(NamedTuple):
    """Agents of a pack that are left out for the same clients."""

    pack: str
    clients: tuple[str, ...]
    personas: tuple[str, ...]
    reasons: tuple[str, ...]
    """What the clients cannot express, each once."""
    is_whole: bool
    """Whether these clients get no agent of the pack at all."""
    is_new: bool
    """Whether one of them was not skipped before."""

    def __str__(self) -> str:
        agents = f"all agents of {self.pack}" if self.is_whole else first_few(self.personas, _MOST_NAMED)
        skipped = f"skipped for {', '.join(self.clients)}: {agents}"
        if self.reasons[0].startswith(REFUSED):
            return f"{skipped}: {first_few([reason.removeprefix(REFUSED) for reason in self.reasons], 3)}"
        several = len(self.clients) > 1
        they, options = "they" if several else "it", " ".join(f"--accept widened:{client}" for client in self.clients)
        tools = all(reason.startswith("tools ") for reason in self.reasons)
        cannot = "limit tools" if tools else f"enforce every restriction ({first_few(self.reasons, 3)})"
        files = "this file asks" if len(self.personas) == 1 else "these files ask"
        cannot = f"{they} cannot {cannot}" + (f" as {files}" if tools else "")
        written = "it" if len(self.personas) == 1 else "them"
        return f"{skipped}: {cannot}; `agentpack install {self.pack} {options}` writes {written}"


def skipped_agents(lock: Lock, before: Lock | None = None) -> Iterator[SkippedAgents]:
    """The agents that a lock skips, in one value for all clients that miss the same ones.

    Args:
        before: the previous lock.
    """
    known = {row[:3] for row in before.skipped} if before else set()
    by_client: dict[tuple[str, str, bool], list[tuple[str, str]]] = {}
    for row in lock.skipped:
        key = row.pack, row.client, row.reason.startswith(REFUSED)
        by_client.setdefault(key, []).append((row.persona, row.reason))
    served = {(file.pack, file.client) for file in lock.files}
    groups: dict[tuple[str, tuple[str, ...], bool, bool], tuple[list[str], dict[str, None]]] = {}
    for (pack, client, refused), rows in by_client.items():
        is_whole = (pack, client) not in served and (pack, client, not refused) not in by_client
        group = pack, tuple(persona for persona, _ in rows), is_whole, refused
        clients, reasons = groups.setdefault(group, ([], {}))
        clients.append(client)
        reasons.update(dict.fromkeys(reason for _, reason in rows))
    for (pack, personas, is_whole, _), (clients, reasons) in groups.items():
        is_new = any((client, pack, persona) not in known for client in clients for persona in personas)
        yield SkippedAgents(pack, tuple(clients), personas, tuple(reasons), is_whole, is_new)


def left_out_words(lock: Lock, before: Lock | None = None, *, in_full: bool = False) -> Iterator[str]:
    """A line for each pack of a collection with agent files that cannot be taken.

    Args:
        before: the previous lock, whose lines are not said again.
        in_full: name every file.
    """
    known = {pack.name: pack.agents for pack in before.packs} if before else {}
    for pack in lock.packs:
        out = [f"{row.path} ({row.left_out})" for row in pack.agents or () if row.left_out]
        if out and known.get(pack.name) != pack.agents:
            files = "1 agent file is" if len(out) == 1 else f"{len(out)} agent files are"
            rest = "" if in_full or len(out) <= _MOST_NAMED else " (`agentpack status --verbose` names all)"
            yield f"{pack.name}: {files} skipped: {first_few(out, len(out) if in_full else _MOST_NAMED)}{rest}"


def skipped_data(skipped: Iterable[SkippedAgents]) -> dict[str, Any]:
    """The agents for JSON output; empty if there are none."""
    rows = [
        {key: list(value) if isinstance(value, tuple) else value for key, value in one._asdict().items()}
        for one in skipped
    ]
    return {"skipped_agents": rows} if rows else {}
