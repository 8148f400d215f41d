"""Choose a release of each pack: to install, as the lock pins it, or only to look.

There are three entry points, and nothing else builds `Candidates`:

- to install what the manifest requests: `candidates_to_install`, then `choose`. Locked releases are kept where they
  fit, and releases that a policy considers too new are left out;
- to use what a lock pins: `pinned`. Nothing is chosen;
- to preview: `candidates_to_view`, then `choose`. Releases of any age are offered.
"""

from collections.abc import Collection

from packaging.version import Version

from agentpack.errors import PolicyRefused, Unresolvable
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.resolve import Chosen, resolve
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.selection import Selection, select
from agentpack.workspace.workspace import Workspace

MAX_ASKED = 20
"""Packs that nobody has and that are looked for in collections, to say what to write."""


def pinned(workspace: Workspace, lock: Lock, manifest: Manifest | None = None) -> Selection:
    """The releases pinned in a lock, whatever their age, for the clients it names.

    Args:
        manifest: used instead of the manifest recorded in the lock.
    """
    manifest = Manifest.from_data(lock.manifest) if manifest is None else manifest
    pins = (
        Chosen(
            pack=pack.name,
            version=Version(pack.version),
            variants=tuple(sorted({*pack.variants, *(variant.name for variant in pack.local_variants)})),
            wanted_by=pack.wanted_by,
        )
        for pack in lock.packs
    )
    return select(candidates_to_view(workspace, manifest, lock, as_locked=True), manifest, pins).for_clients(
        lock.clients, lock.clients_by_pack
    )


def choose(
    candidates: Candidates, manifest: Manifest, *, lock: Lock | None = None, newest: Collection[str] | None = ()
) -> Selection:
    """The releases for a manifest. Locked releases are kept where they fit.

    Args:
        lock: releases to keep if the candidates have no lock.
        newest: packs to upgrade to their newest release, besides those to refresh; None for all.

    Raises:
        Unresolvable: no set of releases satisfies the manifest.
        PolicyRefused: only releases that the policy considers too new would satisfy it.
    """
    kept = candidates.lock or lock
    preferred: dict[PackName, Version] = {}
    if kept is not None and newest is not None and candidates.refresh is not None:
        moving = {*newest, *candidates.refresh}
        preferred = {pack.name: Version(pack.version) for pack in kept.packs if pack.name not in moving}
    wanted = [entry.requirement for entry in manifest.packs]
    try:
        try:
            pins = resolve(wanted, candidates, preferred=preferred)
        except Unresolvable:
            if not candidates.look_beyond_pins():
                raise
            pins = resolve(wanted, candidates, preferred=preferred)
        return select(candidates, manifest, pins)
    except Unresolvable as error:
        error.hint = (
            _unnamed_collection(candidates, manifest)
            or _held_by_ref(candidates, manifest)
            or _lost_variants(candidates, manifest, kept)
            or error.hint
        )
        if candidates.passed_over:
            with candidates.ignoring_minimum_age(True):  # what cannot be met even so is told of all releases
                pins = resolve(wanted, candidates, preferred=preferred)
            passed = (candidates.passed_over.get((pin.pack, pin.version)) for pin in pins)
            from agentpack.policy.refusal import refuse_releases  # only where there is a policy

            refuse_releases([verdict for verdict in passed if verdict is not None])
        raise


def _unnamed_collection(candidates: Candidates, manifest: Manifest) -> str | None:
    """A hint for the first bare name that is only in a collection, as a pack or an agent, or in a source that may not
    provide it; None if there is no such name.
    """
    for entry in manifest.packs[:MAX_ASKED]:
        pack = entry.requirement.pack
        source = None if entry.source else candidates.sources.in_collection(pack)
        if source is not None:
            return f"`{source}` offers `{pack}` in a collection: write `{{require: {pack}, source: {source}}}`"
        if not entry.source and (why := candidates.sources.claimed_by(pack)) and not candidates.releases(pack):
            return f"`{pack}`: {why}"
        if not entry.source and not candidates.releases(pack) and (hint := _agent_hint(candidates, pack)):
            return hint
    return None


def _held_by_ref(candidates: Candidates, manifest: Manifest) -> str | None:
    """A hint for the first `ref:` that leaves no release in the requested range; None if there is none."""
    for entry in manifest.packs[:MAX_ASKED]:
        offered = candidates.releases(entry.requirement.pack)
        if offered and not any(entry.requirement.allows(ref.version) for ref in offered):
            return candidates.held_by_ref(entry.requirement.pack)
    return None


def _agent_hint(candidates: Candidates, name: str) -> str | None:
    from agentpack.wanted.offers import agent_hint  # only where a name is unknown

    return agent_hint(candidates.sources, candidates.workspace.manifest, name)


def _lost_variants(candidates: Candidates, manifest: Manifest, lock: Lock | None) -> str | None:
    """A hint for local variants in the lock that are asked for and whose files are missing; None if there are none."""
    there = {(text.persona, text.name) for text in candidates.workspace.documents.local_texts}
    locked = ((pack.name, row) for pack in (lock.packs if lock else ()) for row in pack.local_variants)
    lost = ((pack, row.name) for pack, row in locked if (row.persona, row.name) not in there)
    asked = {(entry.requirement.pack, name) for entry in manifest.packs for name in entry.requirement.variants}
    gone = [f"{pack}[{name}]" for pack, name in lost if (pack, name) in asked]
    if not gone:
        return None
    folder = candidates.workspace.scope.shown(candidates.workspace.scope.local_variants)
    return (
        f"its file is gone, and may never have been committed: restore {folder}, or run "
        f'`agentpack uninstall "{gone[0]}"` to remove the variant'
    )


def choose_as_installed(looked_at: Selection) -> Selection:
    """The selection `install` would make: without releases that are too new, unless nothing else satisfies the
    request.
    """
    asked = {entry.requirement.pack for entry in looked_at.manifest.packs}
    with looked_at.candidates.ignoring_minimum_age(False):
        try:
            return choose(looked_at.candidates, looked_at.manifest, newest=asked)
        except PolicyRefused:
            return looked_at
