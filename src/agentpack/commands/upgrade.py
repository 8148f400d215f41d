"""upgrade: install the newest releases in range, with local edits merged."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.decisions import make_change
from agentpack.changes.newest import newest, not_installed, not_taken
from agentpack.changes.outcome import Outcome
from agentpack.changes.pristine import Pristine
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.errors import UsageError
from agentpack.model.changes import Change
from agentpack.model.line_ends import plain
from agentpack.model.names import PackName
from agentpack.model.requirement import parse_requirement
from agentpack.wanted.assignment import RestrictionsLost
from agentpack.workspace.preconditions import require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing


@changing
def upgrade(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Upgrade the named packs, or all, to the newest releases in range."""
    asked = [parse_requirement(name) for name in request.names]
    packs = tuple(requirement.pack for requirement in asked)
    for requirement in asked:
        if requirement.range or requirement.variants:
            hint = f'`agentpack install "{requirement}"` chooses the version or the variants of an installed pack'
            raise UsageError(f"`upgrade` takes the name of a pack, not `{requirement}`", hint=hint)
    require_manifest(workspace)
    require_packs(workspace, packs)
    request = request.restricted_to(asked)
    look, refusal = partial(newest, workspace, packs, latest=request.latest, decisions=request.decisions), None
    try:
        chosen, wanted, followed = look(preview=not request.require_acceptance)
    except RestrictionsLost as error:
        if not request.dry_run:
            raise
        refusal = error
        chosen, wanted, followed = look(preview=True)
    state = followed.add_to(desired_state(workspace, workspace.manifest, chosen.manifest, wanted))
    beyond = not_taken(chosen, packs, "" if request.latest else "`agentpack upgrade --latest` installs it")
    notes = (*not_installed(chosen, packs), *_held_by_ref(workspace, packs), *beyond)
    state = state._replace(notes=(*state.notes, *notes))
    if chosen.manifest.sources:
        from agentpack.audit.install_warnings import install_warnings  # not for the packs that come with agentpack

        state = state._replace(warnings=install_warnings(chosen.candidates, workspace.lock, wanted))
    command = " ".join(("upgrade", *(["--latest"] if request.latest else []), *request.names))
    outcome = make_change(workspace, command, state, request)
    return outcome._replace(refusal=refusal or outcome.refusal)


def _held_by_ref(workspace: Workspace, packs: Sequence[PackName]) -> Iterator[str]:
    """For each pack whose source has a `ref:`, a sentence; of packs that are not named only if there is a newer tag."""
    refs = {source.name: source.options["ref"] for source in workspace.manifest.sources if "ref" in source.options}
    for locked in workspace.lock.packs if refs and workspace.lock else ():
        ref, heard = refs.get(locked.source), workspace.sources.last_heard(workspace.manifest, locked)
        final = [version for version in heard.versions if not version.is_prerelease] if heard else []
        held, way = f"by `ref: {ref}` of the source `{locked.source}`", f'`agentpack install "{locked.name}@latest"`'
        if ref and final and max(final) > Version(locked.version) and (locked.name in packs or not packs):
            yield f"{locked.name} {max(final)} is held back {held}; {way} installs it"
        elif ref and locked.name in packs:
            yield f"{locked.name} is held {held}; {way} removes it"


class MergeSides(NamedTuple):
    """The three texts of a merge."""

    base: bytes
    ours: bytes
    theirs: bytes


def sides_of(workspace: Workspace, change: Change) -> MergeSides:
    """The texts of a conflict, with LF line ends: rendered last, on disk, rendered now."""
    row = workspace.states.recorded.get(change.path)
    base = b"" if row is None else Pristine(workspace).text(row) or b""
    return MergeSides(*map(plain, (base, workspace.states.contents(change.path), change.theirs or b"")))
