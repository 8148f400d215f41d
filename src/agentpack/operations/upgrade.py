"""upgrade: the newest releases in range, with local edits merged."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.decisions import carry_out
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.changes.pristine import Pristine
from agentpack.changes.request import ChangeRequest, Followed, desired_state
from agentpack.model.changes import Change
from agentpack.model.line_ends import plain
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.model.requirement import parse_requirement
from agentpack.operations.clients import settle
from agentpack.operations.following import followed
from agentpack.wanted.candidates import Library, choose
from agentpack.wanted.making import Made
from agentpack.workspace.required import require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing


@changing
def upgrade(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Bring the named packs, or all, to the newest release in range."""
    asked = [parse_requirement(name) for name in request.names]
    packs = tuple(requirement.pack for requirement in asked)
    require_manifest(workspace)
    require_packs(workspace, packs)
    accepted = () if request.require_acceptance else None
    request = request.about(asked)
    newer = newest(workspace, packs, latest=request.latest, accepted=accepted, decisions=request)
    state = newer.followed.added_to(desired_state(workspace, workspace.manifest, newer.manifest, newer.made))
    if not request.latest:
        beyond = out_of_range(newer, packs)
        notes = (f"{told}; `agentpack upgrade --latest` takes it" for told in beyond)
        state = state._replace(notes=(*state.notes, *notes))
    if newer.manifest.sources:
        from agentpack.operations.remarking import remarks  # not for the packs that come with agentpack

        state = state._replace(warnings=remarks(newer.library, workspace.lock, newer.made))
    command = " ".join(("upgrade", *(["--latest"] if request.latest else []), *request.names))
    return carry_out(workspace, command, state, request)


class Newest(NamedTuple):
    """What an upgrade wants: the manifest, perhaps with wider ranges, and all that it makes of what the library has."""

    manifest: Manifest
    made: Made
    library: Library
    followed: Followed


def newest(
    workspace: Workspace,
    packs: Sequence[PackName],
    *,
    latest: bool = False,
    obeying: bool = True,
    accepted: Collection[str] | None = (),
    decisions: Decisions = NO_DECISIONS,
) -> Newest:
    """The newest releases of the packs, or of all, that are old enough for the policy; nothing is written.

    `obeying` refuses what the policy does not allow; `accepted` is as for `make`, `decisions` as for `settle`.
    """
    old = workspace.manifest
    library = Library(workspace, old, workspace.lock.packs if workspace.lock else (), anew=packs or None)
    new = _past_ranges(library, old, packs) if latest else old
    chosen = choose(library, new, workspace.lock, upgrade=packs or None)
    settled = settle(library, new, chosen, decisions)
    moved = followed(library, new, chosen, settled.clients)
    with workspace.as_if(moved.texts):
        made = settled.with_texts(moved.texts).made(library, new, chosen, obeying=obeying, accepted=accepted)
    return Newest(new, made, library, moved)


def out_of_range(newer: Newest, packs: Collection[str]) -> Iterator[str]:
    """The final releases that only `--latest` would take, in words."""
    for pack in newer.made.lock.packs:
        releases = [ref.version for ref in newer.library.sources.releases(pack.name) if not ref.version.is_prerelease]
        if releases and (not packs or pack.name in packs) and str(max(releases)) != pack.version:
            yield f"{pack.name} {max(releases)} is out of range"


class Sides(NamedTuple):
    """The three texts that a merge is made of."""

    base: bytes
    ours: bytes
    theirs: bytes


def sides_of(workspace: Workspace, change: Change) -> Sides:
    """The texts behind a conflict, in LF: as rendered last, as it lies on disk, as rendered now."""
    row = workspace.recorded.get(change.path)
    base = b"" if row is None else Pristine(workspace).text(row) or b""
    return Sides(*map(plain, (base, workspace.contents(change.path), change.theirs or b"")))


def _past_ranges(library: Library, manifest: Manifest, packs: Sequence[PackName]) -> Manifest:
    """The manifest with ranges widened so that the newest release is allowed. An exact pin stays exact, at the new
    version.
    """
    lock = library.workspace.lock
    locked = {pack.name: Version(pack.version) for pack in lock.packs} if lock else {}
    entries = []
    for wanted in manifest.packs:
        requirement = wanted.requirement
        final = [version for version in library.versions(requirement.pack) if not version.is_prerelease]
        concerned = not packs or requirement.pack in packs
        if not concerned or not final or requirement.range == "" or requirement.allows(max(final)):
            entries.append(wanted)
            continue
        if max(final) <= locked.get(requirement.pack, max(final)) and requirement.pack in locked:  # never back
            entries.append(wanted)
            continue
        range = _moved(requirement.range, str(max(final)), max(final).major)
        moved = replace(requirement, range=range)
        entries.append(wanted._replace(requirement=moved, text=str(moved)))
    return manifest._replace(packs=tuple(entries))


def _moved(range: str, newest: str, major: int) -> str:
    """The shape of the old range around the newest release: `==` stays `==`, `~=1.0` becomes `~=<newest>`, a bounded
    one ends at the next major.
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
