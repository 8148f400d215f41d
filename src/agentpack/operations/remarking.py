"""What should be read before a pack from elsewhere is trusted: commands that its personas run by themselves, and that
`audit` has something to say about its texts.

Only releases that are new here are looked through, and only those that do not come with agentpack. This is a pointer
and no proof: what is found is told by `audit`, place by place.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from packaging.version import Version

from agentpack.model.lock import Lock, LockedPack
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.wanted.assemble import Part
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.wanted import Wanted

MOST_BYTES = 256 * 1024
"""Text that is looked through on the way of a change; the scan takes about a second for a megabyte."""
_MOST_COMMANDS = 5


def remarks(candidates: Candidates, lock: Lock | None, made: Wanted) -> tuple[str, ...]:
    """A sentence for each thing that should be read first.

    Args:
        lock: the lock before.
    """
    known = {(pack.name, pack.source, pack.digest) for pack in lock.packs} if lock else set()
    coming = [
        pack
        for pack in made.lock.packs
        if pack.source != BUNDLED and (pack.name, pack.source, pack.digest) not in known
    ]
    if not coming:
        return ()
    parts = {pack.name: [part for part in made.parts if part.pack.name == pack.name] for pack in coming}
    return (
        *(text for pack in coming for part in parts[pack.name] for text in _running(part)),
        *_findings(candidates, coming),
    )


def _running(part: Part) -> Iterator[str]:
    """The commands that clients are told to run for a persona, without being asked."""
    settings = part.persona.value("clients") or {}
    for client, own in sorted(settings.items()):
        for key, what in (("hooks", "a hook"), ("mcpServers", "an MCP server"), ("mcp-servers", "an MCP server")):
            commands = list(dict.fromkeys(_commands(own.get(key))))
            for command in commands[:_MOST_COMMANDS]:
                yield f"`{part.persona.name}` for {client} runs `{command}`, as {what}"
            if len(commands) > _MOST_COMMANDS:
                yield f"`{part.persona.name}` for {client} runs {len(commands) - _MOST_COMMANDS} more, each as {what}"


def _commands(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        command = value.get("command")
        if isinstance(command, str):
            arguments = value.get("args")
            yield " ".join([command, *map(str, arguments if isinstance(arguments, list) else ())])
        for key, inner in value.items():
            if key != "command":
                yield from _commands(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _commands(inner)


def _findings(candidates: Candidates, coming: Sequence[LockedPack]) -> Iterator[str]:
    left = MOST_BYTES
    large = []
    for pack in coming:
        version = Version(pack.version)
        left -= candidates.sizes.get((pack.name, version), 0)
        if left < 0:
            large.append(pack.name)
            continue
        from agentpack.operations.audit import look_through  # its patterns take long to compile

        found = look_through(candidates.files(pack.name, version))
        if found:
            places = f"{len(found)} place{'s' if len(found) != 1 else ''}"
            kinds = ", ".join(dict.fromkeys(finding.name for finding in found))
            yield f"`{pack.name}` has {places} to read before you trust it ({kinds}): `agentpack audit {pack.name}`"
    if large:
        few = ", ".join(f"`{name}`" for name in large[:3]) + (" and others" if len(large) > 3 else "")
        yield f"too large to be looked through on the way: {few}; `agentpack audit {large[0]}` does"
