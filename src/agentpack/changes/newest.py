"""The newest releases a command may use, and what is wanted with them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from agentpack.changes.clients import choose_clients
from agentpack.changes.local_variants import wanted_with_variants
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.changes.request import RebasedVariants
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.model.requirement import disallowing
from agentpack.resolve.words import retired
from agentpack.sources.base import Source
from agentpack.sources.git_tags import release_in
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.sources.collection import CollectionPack

_FEW = 6


def newest(
    workspace: Workspace,
    packs: Sequence[PackName],
    *,
    latest: bool = False,
    preview: bool = False,
    decisions: Decisions = NO_DECISIONS,
) -> tuple[Selection, Wanted, RebasedVariants]:
    """Choose the newest releases of the packs (None: all) that the policy considers old enough. Returns the selection,
    what is wanted, and the rebased local variants. Writes nothing.

    `preview` is as for `wanted_with_variants`, `decisions` as for `choose_clients`.
    """
    manifest = workspace.manifest
    notes: list[str] = []

    def refreshed() -> Candidates:
        return candidates_to_install(workspace, manifest, workspace.lock, refresh=packs or None, aside=True)

    if latest:
        manifest, notes = _with_newest_refs(workspace, manifest, packs)
        manifest = _past_ranges(refreshed(), manifest, packs)
    chosen = choose_clients(choose(refreshed(), manifest), decisions)
    wanted, followed = wanted_with_variants(chosen, preview=preview)
    return chosen, wanted, followed._replace(notes=(*notes, *followed.notes))


class HeldBack(NamedTuple):
    """An installed pack whose source has a `ref:`, and the newest final release with its tag, if that is newer than
    what the `ref:` names and what is installed.
    """

    pack: LockedPack
    ref: str
    newer: Version | None
    tag: str
    way: str
    """As `way_past_ref` gives it."""

    def __str__(self) -> str:
        return f"{self.newer}, held back by `ref: {self.ref}` ({self.way})"


def held_back(workspace: Workspace, manifest: Manifest, packs: Collection[str]) -> Iterator[HeldBack]:
    """The packs (without names, all) that a `ref:` may hold back."""
    refs = {source.name: source.options["ref"] for source in manifest.sources if "ref" in source.options}
    for locked in workspace.lock.packs if refs and workspace.lock else ():
        if locked.source in refs and (not packs or locked.name in packs):
            ref, heard = refs[locked.source], workspace.sources.last_heard(manifest, locked)
            tags = heard.tags if heard else {}
            newest = max((version for version in tags if not version.is_prerelease), default=None)
            is_newer = newest is not None and newest > max(Version(locked.version), release_in(ref) or Version("0"))
            tag = tags[newest][0] if newest and is_newer else ""
            yield HeldBack(locked, ref, newest if is_newer else None, tag, way_past_ref(manifest, locked.name, ref))


def beyond_refs(workspace: Workspace) -> Mapping[tuple[str, str], HeldBack]:
    """By pack and source, the newest release of each pack that a `ref:` holds back. No source is asked."""
    found = held_back(workspace, workspace.manifest, ())
    return {(one.pack.name, one.pack.source): one for one in found if one.newer is not None}


def way_past_ref(manifest: Manifest, pack: str, ref: str) -> str:
    """The command that installs the newest release in spite of a `ref:`. One that names a release is moved like a
    version range.
    """
    if release_in(ref) is not None:
        return f"`agentpack upgrade --latest{manifest.name_of_one(pack)}`"
    return f'`agentpack install "{pack}@latest"`'


def held_by_ref(
    workspace: Workspace, manifest: Manifest, packs: Collection[str], *, shown_by: str = ""
) -> Iterator[str]:
    """For each pack whose source has a `ref:`, a sentence; of packs that are not named only if there is a newer tag.

    Args:
        shown_by: for a command that only looks, the `way` of `not_taken` past a `ref:` that names a release.
    """
    for locked, ref, newer, _, way in held_back(workspace, manifest, packs):
        by = f"by `ref: {ref}` of the source `{locked.source}`"
        if newer is not None:
            past = shown_by.format(name=manifest.name_of_one(locked.name)) if release_in(ref) is not None else ""
            yield f"{locked.name} {newer} is held back {by}; {past or f'{way} installs it'}"
        elif packs and not shown_by:
            yield f'{locked.name} is held {by}; `agentpack install "{locked.name}@latest"` removes it'


def _with_newest_refs(workspace: Workspace, manifest: Manifest, packs: Collection[str]) -> tuple[Manifest, list[str]]:
    """The manifest with each `ref:` that names a release moved to the newest one, and a note on each."""
    found = [one for one in held_back(workspace, manifest, packs) if one.newer and release_in(one.ref) is not None]
    moved = {one.pack.source: one.tag for one in sorted(found, key=lambda one: one.newer or Version("0"))}
    sources = (
        source._replace(options={**source.options, "ref": moved[source.name]}) if source.name in moved else source
        for source in manifest.sources
    )
    notes = [f"the source `{source}` moves to `ref: {tag}`, for all its packs" for source, tag in moved.items()]
    return manifest._replace(sources=tuple(sources)), notes


def not_taken(chosen: Selection, packs: Collection[str], way: str) -> Iterator[str]:
    """A sentence for each pack with a newer final release that was not chosen: which pack requires an older one, which
    of its variants that release lacks, or that it is out of range and `way`, which installs it (with `{name}` for
    `Manifest.name_of_one`). Without `way`, the latter is left out.
    """
    ranges = {entry.requirement.pack: entry.requirement for entry in chosen.manifest.packs}
    for pin in chosen.pins:
        wanted = ranges.get(pin.pack)
        if wanted is None or (packs and pin.pack not in packs):
            continue  # nothing but another pack moves one that it brings along
        final = [version for version in chosen.candidates.published(pin.pack) if not version.is_prerelease]
        newest = max(final, default=pin.version)
        if newest > pin.version and (why := kept_out(chosen, pin.pack, newest)):
            yield f"{pin.pack} {newest} is newer, but {' and '.join(why)}"
        elif newest > pin.version:
            in_range = wanted.allows(newest)  # then the choice has read it already
            instead = lost_variants(chosen.candidates, pin.pack, pin.variants, newest) if in_range else ""
            if instead or way:
                there = way.format(name=chosen.manifest.name_of_one(pin.pack))
                yield f"{pin.pack} {newest} {f'lacks {instead}' if instead else f'is out of range; {there}'}"


def unreleased(chosen: Selection, packs: Collection[str]) -> Iterator[str]:
    """A sentence for each pack of which a newer version has no tag, as far as the choice has read it."""
    sources = chosen.candidates.sources
    for pin in chosen.pins:
        if not packs or pin.pack in packs:
            yield from filter(None, (source.unreleased(sources.name_there(pin.pack)) for source in sources.all))


def kept_out(chosen: Selection, pack: PackName, version: Version) -> list[str]:
    """Why other chosen packs keep a version of this one out, as `disallowing` says it."""
    requires = chosen.candidates.requires
    return disallowing(
        ((f"{pin.pack} {pin.version}", requires(pin.pack, pin.version)) for pin in chosen.pins), pack, version
    )


def lost_variants(candidates: Candidates, pack: PackName, variants: Collection[str], newest: Version) -> str:
    """The variants that a release lacks, each with what to do instead; empty if it has them all."""
    lost = {*variants}.difference(candidates.variants(pack, newest)) if variants else set[str]()
    instead = candidates.retired(pack, newest) if lost else {}
    return "; ".join([*retired(sorted(lost), instead), *(f"`{name}`" for name in sorted(lost.difference(instead)))])


def not_installed(chosen: Selection, packs: Collection[str]) -> Iterator[str]:
    """For each marketplace of which most plugins are installed, a note that names the other plugins and how to install
    them.
    """
    entries = [entry for entry in chosen.manifest.packs if entry.source]
    for source in chosen.candidates.sources.all:
        own = {entry.name_there for entry in entries if entry.source == source.name}
        named = not packs or any(entry.requirement.pack in packs for entry in entries if entry.source == source.name)
        if len(own) < 2 or not named or source.is_missing:
            continue
        offered = chosen.candidates.sources.ask(source, partial(_offered_by, source)) or ()
        new = [pack for pack in offered if pack.name not in own]
        if 0 < len(new) <= len(offered) / 2:
            counts = {pack.name: f" ({len(pack.agents)} agent{'s' if len(pack.agents) > 1 else ''})" for pack in new}
            few = [pack.name + (counts[pack.name] if pack.agents else "") for pack in new[:_FEW]]
            more = f" and {len(new) - _FEW} more" if len(new) > _FEW else ""
            from agentpack.changes.place_arguments import typed  # only where there are such plugins

            place = typed(source, chosen.workspace.environment.cwd)
            way = f"{new[0].name} --source {place}" if len(new) == 1 else f"--source {place} --all"
            told = f"`{source.name}` has plugins that are not installed: {', '.join(few)}{more}"
            yield f"{told}; `agentpack install {way}` installs {'it' if len(new) == 1 else 'them'}"


def _offered_by(source: Source) -> "Sequence[CollectionPack]":
    return source.collection.packs


def _past_ranges(candidates: Candidates, manifest: Manifest, packs: Sequence[PackName]) -> Manifest:
    """The manifest with ranges widened to allow the newest releases. An exact pin stays exact, at the new version."""
    lock = candidates.workspace.lock
    locked = {pack.name: Version(pack.version) for pack in lock.packs} if lock else {}
    entries = []
    for wanted in manifest.packs:
        requirement = wanted.requirement
        final = [version for version in candidates.published(requirement.pack) if not version.is_prerelease]
        concerned = not packs or requirement.pack in packs
        there = locked.get(requirement.pack)
        stays = not concerned or not final or requirement.range == "" or requirement.allows(max(final))
        if not stays and (there is None or max(final) > there):  # never back
            range = _moved(requirement.range, str(max(final)), max(final).major)
            requirement = requirement._replace(range=range)
            wanted = wanted._replace(requirement=requirement, text=str(requirement))
        entries.append(wanted)
    return manifest._replace(packs=tuple(entries))


def _moved(range: str, newest: str, major: int) -> str:
    """The old range moved to the newest release: `==` stays `==`, `~=1.0` becomes `~=<newest>`, a bounded range ends at
    the next major version.
    """
    if range.startswith("==") and "," not in range:
        if range.endswith(".*"):
            parts = range.removeprefix("==").removesuffix(".*").split(".")
            return "==" + ".".join(newest.split(".")[: len(parts)]) + ".*"
        return f"=={newest}"
    if range.startswith("~=") and "," not in range:
        places = len(range.removeprefix("~=").split("."))
        return "~=" + ".".join(newest.split(".")[:places])
    return f">={newest},<{major + 1}"
