"""Warnings of `install` and `upgrade` before a pack from elsewhere is trusted.

They cover names that resemble others (of a new pack, persona or source, and of a pack that several sources offer),
commands that personas run, and findings of `audit` in their texts. Only new things that do not come with agentpack are
checked. The warnings are a pointer, not a proof: `audit` lists each place.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Any

from packaging.version import Version

from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import Manifest
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.wanted import Wanted

MOST_BYTES = 256 * 1024
"""Bytes scanned during a change; scanning a megabyte takes about a second."""
_MOST_COMMANDS = 5


def install_warnings(candidates: Candidates, lock: Lock | None, wanted: Wanted) -> tuple[str, ...]:
    """A sentence for each thing that should be read first.

    Args:
        lock: the lock before.
    """
    known = {(pack.name, pack.source, pack.digest) for pack in lock.packs} if lock else set()
    coming = [
        pack
        for pack in wanted.lock.packs
        if pack.source != BUNDLED and (pack.name, pack.source, pack.digest) not in known
    ]
    if not coming:
        return ()
    parts = {pack.name: [part for part in wanted.parts if part.pack.name == pack.name] for pack in coming}
    return (
        *(text for pack in coming for part in parts[pack.name] for text in _own_commands(part)),
        *_audit_findings(candidates, coming),
    )


def _own_commands(part: AssembledPersona) -> Iterator[str]:
    """The commands that clients run for a persona without asking."""
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


def _audit_findings(candidates: Candidates, coming: Sequence[LockedPack]) -> Iterator[str]:
    left = MOST_BYTES
    large = []
    for pack in coming:
        version = Version(pack.version)
        left -= candidates.sizes.get((pack.name, version), 0)
        if left < 0:
            large.append(pack.name)
            continue
        from agentpack.audit.scan import scan_release  # its patterns take long to compile

        found = scan_release(candidates.files(pack.name, version))
        if found:
            places = f"{len(found)} place{'s' if len(found) != 1 else ''}"
            kinds = ", ".join(dict.fromkeys(finding.name for finding in found))
            yield f"review {places} in `{pack.name}` before you trust it ({kinds}): `agentpack audit {pack.name}`"
    if large:
        few = ", ".join(f"`{name}`" for name in large[:3]) + (" and others" if len(large) > 3 else "")
        yield f"not scanned, because too large: {few}; run `agentpack audit {large[0]}`"


# Names.


def name_warnings(
    candidates: Candidates, old: Manifest, new: Manifest, lock: Lock | None, wanted: Wanted
) -> tuple[str, ...]:
    """A sentence for each name that may be mistaken for another.

    Args:
        old, new: the manifest before and after.
        lock: the lock before.
    """
    if not new.sources:
        return ()
    far = tuple(unshared_sources(candidates.workspace.scope.kind, old, new))
    known = {(pack.name, pack.source) for pack in lock.packs} if lock else set()
    coming = [pack for pack in wanted.lock.packs if (pack.name, pack.source) not in known and pack.source != BUNDLED]
    sources = {source.name for source in new.sources} - {source.name for source in old.sources}
    if not coming and not sources:
        return far
    offered = _offered(candidates, frozenset(pack.source for pack in coming))
    return (
        *far,
        *_sources(sources, {source.name for source in new.sources} - sources | {BUNDLED}),
        *_shadowed(candidates, coming, offered),
        *_packs(new, coming, offered, {pack.name for pack in lock.packs} if lock else set()),
        *_personas(coming, wanted),
    )


def unshared_sources(kind: str, old: Manifest, new: Manifest) -> Iterator[str]:
    """Sources of a project that a clone of it would not have."""
    for source in new.sources if kind == "project" else ():
        if source not in old.sources and source.is_path and source.place.startswith(("..", "/", "~")):
            yield f"the source `{source.name}` is outside the project: other clones need {source.place} too"


def _offered(candidates: Candidates, coming: frozenset[str]) -> Mapping[str, Collection[str]]:
    """The pack names each source offers. Skips a source that is the only one with new packs; an unreadable source
    offers none, and the command that needs it reports the error.
    """
    found: dict[str, Collection[str]] = {}
    for source in candidates.sources.all:
        if not coming - {source.name}:
            continue  # all that is new comes from it: its thousands of packs need not be listed
        found[source.name] = candidates.sources.ask(source, source.packs) or ()
    return found


def _sources(coming: Set[str], known: Collection[str]) -> Iterator[str]:
    from agentpack.audit.lookalike import nearest  # not where the packs that come with agentpack are all there is

    numbered = {name for name in coming if re.sub(r"-\d+\Z", "", name) in known}  # the number is agentpack's own
    for name, near in nearest(sorted(coming - numbered), known).items():
        yield f"the source `{name}` could be mistaken for `{near.name}`: {near.why}"


def _shadowed(
    candidates: Candidates, coming: Collection[LockedPack], offered: Mapping[str, Collection[str]]
) -> Iterator[str]:
    order = [source.name for source in candidates.sources.all]
    for pack in coming:
        rivals = (source.name for source in candidates.sources.allowed(pack.name) if source.name != pack.source)
        others = [name for name in rivals if pack.name in offered[name]]
        if others:
            first = all(order.index(pack.source) < order.index(name) for name in others)
            why = "which comes first in agentpack.yaml" if first else "which the lock remembers"
            places = " and ".join(f"`{name}`" for name in others)
            yield f"`{pack.name}` is in `{pack.source}` and in {places}: agentpack uses `{pack.source}`, {why}"


def _packs(
    manifest: Manifest,
    coming: Collection[LockedPack],
    offered: Mapping[str, Collection[str]],
    installed: Collection[str],
) -> Iterator[str]:
    from agentpack.audit.lookalike import nearest

    for source in dict.fromkeys(pack.source for pack in coming):
        places = {name: f"of `{other}`" for other, names in offered.items() if other != source for name in names}
        places |= {name: "that is installed" for name in installed if name not in places}
        entries = [(pack.name, manifest.wanted(pack.name)) for pack in coming if pack.source == source]
        names = [entry.name_there if entry else name for name, entry in entries]  # another one is agentpack's own
        for name, near in nearest(names, places).items():
            yield f"`{name}` of `{source}` could be mistaken for `{near.name}` {places[near.name]}: {near.why}"


def _personas(coming: Collection[LockedPack], wanted: Wanted) -> Iterator[str]:
    from agentpack.audit.lookalike import nearest

    packs = {pack.name for pack in coming}
    theirs = {file.persona: file.pack for file in wanted.lock.files if file.pack in packs}
    ours = {file.persona: file.pack for file in wanted.lock.files if file.pack not in packs}
    for name, near in nearest(theirs, ours).items():
        taken = f"`{name}` of `{theirs[name]}` could be mistaken for `{near.name}` of `{ours[near.name]}`"
        yield f"the persona {taken}: {near.why}"
