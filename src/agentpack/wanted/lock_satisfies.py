"""Whether a lock satisfies the manifest: its releases (pre-releases too), variants, clients and sources.

The lock stores the manifest it was made from and the requirements of each release, but whoever edits the lock can edit
these too, so they prove nothing. Packs are followed from the manifest instead, requirement by requirement. Whether the
releases really have these requirements is checked when they are read (`from_lock.check_rendering`).
"""

from collections.abc import Iterator, Mapping, Sequence

from packaging.version import Version

from agentpack.model.lock import Lock, LockedPack
from agentpack.model.lock_text import is_commit
from agentpack.model.manifest import ConfiguredSource, Manifest, ManifestEntry, provider_fault
from agentpack.model.pack import digest_of_rows
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.resolve import USER
from agentpack.sources.bundled import NAME as BUNDLED

_Asked = Mapping[str, Sequence[tuple[str, Requirement]]]


def mismatches(manifest: Manifest, lock: Lock) -> Iterator[str]:
    """For each way in which the lock does not satisfy the manifest, a sentence."""
    if manifest.clients is not None and {*lock.clients} != {*manifest.clients}:
        yield f"the lock is for {', '.join(lock.clients) or 'no client'}, not for the clients of agentpack.yaml"
    packs = {str(pack.name): pack for pack in lock.packs}
    asked = _asked(manifest, packs)
    sources = {BUNDLED, *(source.name for source in manifest.sources)}
    for name in sorted({*asked, *packs}):
        if name not in packs:
            yield f"{asked[name][0][0]} asks for {name}, which is not in the lock"
        elif name not in asked:
            yield f"{name} {packs[name].version} is in the lock, but nothing asks for it"
        else:
            yield from _of_pack(packs[name], asked[name])
            yield from _setting_mismatches(manifest, packs[name], sources)


def _asked(manifest: Manifest, packs: Mapping[str, LockedPack]) -> _Asked:
    """For each pack reachable from the manifest: who asks for it, and with which requirement."""
    asked: dict[str, list[tuple[str, Requirement]]] = {}
    for entry in manifest.packs:
        asked.setdefault(entry.requirement.pack, []).append((USER, entry.requirement))
    waiting = list(asked)
    while waiting:
        pack = packs.get(waiting.pop())
        for requirement in map(parse_requirement, pack.requires if pack else ()):
            if requirement.pack not in asked:
                waiting.append(requirement.pack)
            asked.setdefault(requirement.pack, []).append((f"{pack.name} {pack.version}" if pack else "", requirement))
    return asked


def _of_pack(pack: LockedPack, asked: Sequence[tuple[str, Requirement]]) -> Iterator[str]:
    """For each mismatch of release, variants or requirers with what is asked for, a sentence."""
    version = Version(pack.version)
    early = any(who == USER and requirement.specifiers.prereleases for who, requirement in asked)
    for who, requirement in asked:
        specifiers = requirement.specifiers
        if not specifiers.contains(version, prereleases=early or bool(specifiers.prereleases)):
            yield f"{pack.name} {pack.version} is locked, but {who} asks for {requirement.pack}{requirement.range}"
    wanted = {variant for _, requirement in asked for variant in requirement.variants}
    local = {variant.name for variant in pack.local_variants}
    for variant in sorted(wanted - {*pack.variants, *local}):
        yield f"{pack.name} is locked without the requested variant `{variant}`"
    extra = {*pack.variants} - wanted
    if not local & wanted:  # one that is asked for may require others
        extra |= local - wanted
    for variant in sorted(extra):
        yield f"{pack.name} is locked with the variant `{variant}`, which nothing asks for"
    by = sorted({who for who, requirement in asked if who.partition(" ")[0] != pack.name})
    if sorted(pack.wanted_by) != by:
        yield f"{pack.name} is wanted by {', '.join(by)}, but in the lock by {', '.join(pack.wanted_by) or 'nothing'}"


def _setting_mismatches(manifest: Manifest, pack: LockedPack, sources: set[str]) -> Iterator[str]:
    """For each mismatch of parameters, clients or source with the manifest, a sentence."""
    entry = manifest.wanted(pack.name)
    parameters = manifest.parameters(pack.name)
    for name in sorted({*parameters, *pack.parameters}):
        one, other = parameters.get(name), pack.parameters.get(name)
        if type(one) is not type(other) or one != other:
            yield f"{pack.name} is locked with another value of its parameter `{name}`"
    if pack.renames and dict(pack.renames) != dict(manifest.renames(pack.name)):
        yield f"{pack.name} is locked with other names of its personas (`as`)"
    fixed = manifest.clients is not None or entry is None or entry.clients is not None
    if pack.clients is not None and fixed:
        yield f"{pack.name} is locked for {', '.join(pack.clients) or 'no client'}, but the manifest names others"
    if pack.agents is not None:
        yield from _collection_mismatches(pack, entry)
    named = entry.source if entry else ""
    if named and named != pack.source:
        yield f"{pack.name} is locked from the source `{pack.source}`, but agentpack.yaml names `{named}`"
    elif pack.agents is not None and not named:
        yield f"{pack.name} is locked from a collection, but agentpack.yaml names no source for this pack"
    elif pack.source not in sources:
        yield f"{pack.name} is locked from the source `{pack.source}`, which agentpack.yaml does not have"
    elif fault := provider_fault(manifest.sources, pack.source, pack.name, entry.name_there if entry else ""):
        yield f"{fault} in agentpack.yaml"
    if ref := other_commit(manifest, pack):
        yield f"{pack.name} is locked at {pack.commit[:12] or 'no commit'}, but agentpack.yaml names {ref[:12]}"


def other_commit(manifest: Manifest, pack: LockedPack) -> str:
    """The commit that the manifest names for the source of a pack, if the pack is locked at another; else empty."""
    ref = next((source.options.get("ref", "") for source in manifest.sources if source.name == pack.source), "")
    return ref if is_commit(ref) and pack.commit != ref and not pack.repository else ""


def changed_sources(manifest: Manifest, lock: Lock | None) -> set[str]:
    """The sources that name another state than when the lock was made."""
    then = {source["name"]: source for source in (lock.manifest if lock else {}).get("sources", ())}
    now = {source.name: source.options for source in manifest.sources}
    return {name for name in then.keys() & now.keys() if ConfiguredSource.from_data(then[name]).options != now[name]}


def _collection_mismatches(pack: LockedPack, entry: ManifestEntry | None) -> Iterator[str]:
    """For each way in which the digest of a collection's pack is not that of its agent files, a sentence. A part of
    them does not tell.
    """
    is_whole = entry is None or (entry.personas is None and not entry.without)
    if is_whole and digest_of_rows(pack.agents or ()) != pack.digest:
        yield f"{pack.name} is locked with agent files that do not match its digest"
