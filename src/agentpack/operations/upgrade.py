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
from agentpack.operations.following import wanted_with_variants
from agentpack.wanted.candidates import Candidates, to_change
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.required import require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing


@changing
def upgrade(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Bring the named packs, or all, to the newest release in range."""
    asked = [parse_requirement(name) for name in request.names]
    packs = tuple(requirement.pack for requirement in asked)
    require_manifest(workspace)
    require_packs(workspace, packs)
    request = request.about(asked)
    chosen, made, followed = newest(
        workspace, packs, latest=request.latest, preview=not request.require_acceptance, decisions=request
    )
    state = followed.added_to(desired_state(workspace, workspace.manifest, chosen.manifest, made))
    if not request.latest:
        beyond = out_of_range(chosen, packs)
        notes = (f"{told}; `agentpack upgrade --latest` takes it" for told in beyond)
        state = state._replace(notes=(*state.notes, *notes))
    if chosen.manifest.sources:
        from agentpack.operations.install_warnings import remarks  # not for the packs that come with agentpack

        state = state._replace(warnings=remarks(chosen.candidates, workspace.lock, made))
    command = " ".join(("upgrade", *(["--latest"] if request.latest else []), *request.names))
    return carry_out(workspace, command, state, request)


def newest(
    workspace: Workspace,
    packs: Sequence[PackName],
    *,
    latest: bool = False,
    preview: bool = False,
    decisions: Decisions = NO_DECISIONS,
) -> tuple[Selection, Wanted, Followed]:
    """The newest releases of the packs, or of all, that are old enough for the policy, what is wanted then, and what
    becomes of local variants. Nothing is written.

    `preview` is as for `wanted_with_variants`, `decisions` as for `settle`.
    """
    manifest = workspace.manifest
    candidates = to_change(workspace, manifest, workspace.lock, refresh=packs or None)
    if latest:
        manifest = _past_ranges(candidates, manifest, packs)
    chosen = settle(choose(candidates, manifest), decisions)
    return chosen, *wanted_with_variants(chosen, preview=preview)


def out_of_range(chosen: Selection, packs: Collection[str]) -> Iterator[str]:
    """The final releases that only `--latest` would take, in words."""
    for pin in chosen.pins:
        final = [ref.version for ref in chosen.candidates.sources.releases(pin.pack) if not ref.version.is_prerelease]
        if final and (not packs or pin.pack in packs) and max(final) != pin.version:
            yield f"{pin.pack} {max(final)} is out of range"


class Sides(NamedTuple):
    """The three texts that a merge is made of."""

    base: bytes
    ours: bytes
    theirs: bytes


def sides_of(workspace: Workspace, change: Change) -> Sides:
    """The texts behind a conflict, in LF: as rendered last, as it lies on disk, as rendered now."""
    row = workspace.states.recorded.get(change.path)
    base = b"" if row is None else Pristine(workspace).text(row) or b""
    return Sides(*map(plain, (base, workspace.states.contents(change.path), change.theirs or b"")))


def _past_ranges(candidates: Candidates, manifest: Manifest, packs: Sequence[PackName]) -> Manifest:
    """The manifest with ranges widened so that the newest release is allowed. An exact pin stays exact, at the new
    version.
    """
    lock = candidates.workspace.lock
    locked = {pack.name: Version(pack.version) for pack in lock.packs} if lock else {}
    entries = []
    for wanted in manifest.packs:
        requirement = wanted.requirement
        final = [version for version in candidates.versions(requirement.pack) if not version.is_prerelease]
        concerned = not packs or requirement.pack in packs
        there = locked.get(requirement.pack)
        stays = not concerned or not final or requirement.range == "" or requirement.allows(max(final))
        if not stays and (there is None or max(final) > there):  # never back
            range = _moved(requirement.range, str(max(final)), max(final).major)
            requirement = replace(requirement, range=range)
            wanted = wanted._replace(requirement=requirement, text=str(requirement))
        entries.append(wanted)
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
