"""upgrade: install the newest releases in range, with local edits merged."""

from functools import partial
from typing import NamedTuple

from agentpack.changes.decisions import make_change
from agentpack.changes.newest import held_by_ref, newest, not_installed, not_taken, unreleased
from agentpack.changes.outcome import Outcome
from agentpack.changes.pristine import Pristine
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.errors import UsageError
from agentpack.model.changes import Change
from agentpack.model.line_ends import plain
from agentpack.model.names import refuse_lone_versions
from agentpack.wanted.assignment import RestrictionsLost
from agentpack.workspace.preconditions import parse_named, require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing


@changing
def upgrade(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Upgrade the named packs, or all, to the newest releases in range."""
    refuse_lone_versions(request.names)
    command = f"upgrade{' --latest' if request.latest else ''}"
    agent = f"`agentpack {command} {{pack}}` upgrades the pack, with all its agents"
    asked = [parse_named(workspace, name, agent=agent) for name in request.names]
    packs = tuple(requirement.pack for requirement in asked)
    if not request.latest and (newest_asked := [one.pack for one in asked if one.newest]):
        hint = f"`agentpack upgrade --latest {' '.join(newest_asked)}` installs the newest release, whatever the range"
        raise UsageError(f"`upgrade` takes the name of a pack, not `{newest_asked[0]}@latest`", hint=hint)
    for requirement in asked:
        if requirement.range or requirement.variants:
            hint = f'`agentpack install "{requirement}"` chooses the version or the variants of an installed pack'
            raise UsageError(f"`upgrade` takes the name of a pack, not `{requirement}`", hint=hint)
    require_manifest(workspace)
    needed = f"`agentpack {command}` without a name also upgrades packs that others need"
    require_packs(workspace, packs, agent=agent, needed=needed)
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
    beyond = not_taken(chosen, packs, "" if request.latest else "`agentpack upgrade --latest{name}` installs it")
    notes = (
        *not_installed(chosen, packs),
        *held_by_ref(workspace, chosen.manifest, packs),
        *beyond,
        *unreleased(chosen, packs),
    )
    state = state._replace(notes=(*state.notes, *notes))
    if chosen.manifest.sources:
        from agentpack.audit.install_warnings import install_warnings  # not for the packs that come with agentpack

        state = state._replace(warnings=install_warnings(chosen.candidates, workspace.lock, wanted))
    outcome = make_change(workspace, " ".join((command, *request.names)), state, request)
    return outcome._replace(refusal=refusal or outcome.refusal)


class MergeSides(NamedTuple):
    """The texts of a merge: `base` as rendered last, `ours` as on disk, `theirs` as rendered now."""

    base: bytes
    ours: bytes
    theirs: bytes


def sides_of(workspace: Workspace, change: Change) -> MergeSides:
    """The texts of a conflict, with LF line ends: rendered last, on disk, rendered now."""
    row = workspace.states.recorded.get(change.path)
    base = b"" if row is None else Pristine(workspace).text(row) or b""
    return MergeSides(*map(plain, (base, workspace.states.contents(change.path), change.theirs or b"")))
