"""Enforce policies: collect the facts about chosen releases, and evaluate each rule on them.

What a rule means is decided in `policy/evaluate.py`. Loaded only if a policy is set.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from packaging.version import Version

from agentpack.disk.real_paths import real_path
from agentpack.errors import Unavailable
from agentpack.model.git_places import spellings
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef
from agentpack.policy.evaluate import ReleaseFacts, Verdict
from agentpack.policy.evaluate import release_verdicts as judge_facts
from agentpack.policy.policy import Policy
from agentpack.policy.refusal import PackVerdict, refuse_releases
from agentpack.sources.bundled import NAME, bundled_folder
from agentpack.wanted.candidates import Candidates, is_own
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import lock_of_generation
from agentpack.workspace.workspace import Workspace


def enforce(candidates: Candidates, wanted: Wanted, *, allow_installed: bool) -> None:
    """Refuse releases that a policy does not allow.

    Args:
        allow_installed: do not re-judge packs whose files stay unchanged (used by `uninstall`).

    Raises:
        PolicyRefused: lists every refusal.
    """
    refuse_releases(
        [
            one
            for one in evaluate(candidates, wanted)
            if not (allow_installed and _is_unchanged(candidates.workspace, wanted, one.pack))
        ]
    )


def evaluate(candidates: Candidates, wanted: Wanted) -> Iterator[PackVerdict]:
    """The policy's verdict on each pack in the lock of `wanted`."""
    policy, able = candidates.workspace.policies.strictest, capabilities_of(wanted)
    for pack in wanted.lock.packs:
        verdicts = judge_facts(policy, release_facts(candidates, pack, able.get(pack.name, {})))
        if _is_installed(candidates.workspace, pack):  # a policy that is set later takes no release back for its age
            verdicts = tuple(_allow_installed(verdict) for verdict in verdicts)
        yield PackVerdict(pack.name, pack.version, verdicts)


def _allow_installed(verdict: Verdict) -> Verdict:
    if verdict.rule != "minimum_age" or verdict.allowed:
        return verdict
    return verdict._replace(allowed=True, why="it is installed here already")


def capabilities_of(wanted: Wanted) -> dict[str, dict[str, str]]:
    """For each pack, the capabilities of its files, each with one client that grants it."""
    able: dict[str, dict[str, str]] = {}
    for file in wanted.files.values():
        for capability in file.capabilities:
            able.setdefault(file.pack, {}).setdefault(capability, file.client)
    return able


def release_facts(candidates: Candidates, pack: LockedPack, capabilities: Mapping[str, str]) -> ReleaseFacts:
    """The facts about a chosen release that policy rules look at."""
    name, version = PackName(pack.name), Version(pack.version)
    header = candidates.read(name, version)[1].header
    source = candidates.sources.source(pack.source)
    ref = next((ref for ref in candidates.releases(name) if ref.version == version), None)
    policy = candidates.workspace.policies.strictest
    where = pack.repository or ("" if source is None else source.where)
    claimed: tuple[str, ...] = ()
    supply = candidates.sources.supply
    if supply is not None and candidates.sources.supplied(candidates.sources.locked.get(name)) is not None:
        claimed, where = (where,), supply.where  # only the lock says that it is the same as in its source
    place, spellings = _places(policy, where, (ref and ref.place) or where)
    bundled = pack.source != NAME or where == bundled_folder()
    return ReleaseFacts(
        pack=pack.name,
        version=pack.version,
        variants=tuple({*pack.variants, *(variant.name for variant in pack.local_variants)}),
        source=pack.source if bundled else f"{NAME} at {where}",
        place=place,
        spellings=(*spellings, *claimed),
        license=header.get("license"),
        size=candidates.sizes.get((name, version)),
        age=_age(candidates, pack, ref),
        unsigned=candidates.unsigned(ref),
        capabilities=capabilities,
        own=ref is not None and is_own(candidates, where, ref),
    )


def _age(candidates: Candidates, pack: LockedPack, ref: ReleaseRef | None) -> int | None:
    """The age of a release in seconds; None if unknown, as for an installed one whose source cannot be asked."""
    try:
        return candidates.age(ref)
    except Unavailable:
        if not _is_installed(candidates.workspace, pack):
            raise
        return None


def _places(policy: Policy, where: str, release: str) -> tuple[str, tuple[str, ...]]:
    """The real place of a release's source, and the other names under which a policy could deny it.

    A place has many names: through links, on a case-insensitive disk, or where a folder is mounted twice. So a denied
    place is searched for among the folders around the release.
    """
    if not where.startswith("/"):
        place, *others = spellings(where)
        return place, tuple(others)
    source, inner = real_path(where), real_path(release)
    names = {where, release, inner}
    for entry in policy.sources.deny:
        start = str(entry.value).partition("*")[0]
        start = start.rstrip("/") if start == entry.value else start.rpartition("/")[0]
        if start.startswith("/"):
            names |= {start + path[len(above) :] for path in (source, inner) for above in _aliases(start, path)}
    return source, tuple(names)


def _aliases(folder: str, path: str) -> Iterator[str]:
    """The folders at or above a path that are this folder under another name."""
    while path:
        with suppress(OSError, ValueError):
            if os.path.samefile(folder, path):
                yield path
        path = path.rpartition("/")[0]


def _is_installed(workspace: Workspace, pack: LockedPack) -> bool:
    """Whether this very release was installed in this scope on this machine before, as recorded in the history. A lock
    from elsewhere does not count.
    """
    current = workspace.documents.current
    if current is None or f"{pack.name} {pack.version}" not in current.pins:
        return False
    return _is_locked(lock_of_generation(workspace, current), pack)


def _is_locked(lock: Lock | None, pack: LockedPack) -> bool:
    locked = None if lock is None else lock.pack(pack.name)
    return locked is not None and (locked.version, locked.digest) == (pack.version, pack.digest)


def _is_unchanged(workspace: Workspace, wanted: Wanted, name: str) -> bool:
    """Whether every file of a pack exists on disk as last rendered and as wanted, so that none is written."""
    pack = wanted.lock.pack(name)
    if pack is None or not _is_locked(workspace.lock, pack):
        return False
    recorded = workspace.states.recorded
    digests = {file.path: file.digest for file in wanted.files.values() if file.pack == name}
    there = workspace.states.observe(set(digests))
    return all(
        path in there and path in recorded and recorded[path].rendered == digest for path, digest in digests.items()
    )
