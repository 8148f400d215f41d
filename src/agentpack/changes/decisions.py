"""Wanted -> decided: the plan of a command, and the decisions that it needs before anything is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from agentpack.changes.commit import Decided, commit, modes_left
from agentpack.changes.conflicts import conflict_error
from agentpack.changes.documents import before_of, documents_of_change, merge_notes, pack_changes
from agentpack.changes.meeting import meeting_notes, refuse_sources
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.changes.planning import plan_for
from agentpack.changes.pristine import recognise_releases
from agentpack.changes.request import Confirm, Wish
from agentpack.changes.snapshot import pins_of
from agentpack.changes.widening import may_changes, refuse_widening
from agentpack.errors import DecisionNeeded, InvalidFile
from agentpack.model.changes import WRITES, Plan
from agentpack.model.rendering import Rendering
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.safety.text import HiddenText, text_findings
from agentpack.wanted.making import Made
from agentpack.workspace.locations import split_place
from agentpack.workspace.workspace import Workspace


def carry_out(
    workspace: Workspace,
    command: str,
    wish: Wish,
    *,
    decisions: Decisions = NO_DECISIONS,
    dry_run: bool = False,
    partial: bool = False,
    confirm: Confirm | None = None,
    stops: bool = True,
    remarks: Callable[[Plan], Iterable[str]] = lambda _: (),
) -> Outcome:
    """Plan the change and apply it as one transaction, the last thing that can fail.

    Args:
        partial: files in conflict are left, the others go on.
        confirm: asked with the outcome before anything is written; False stops it with DecisionNeeded.
        stops: whether a release that may do more than the locked one needs an acceptance.
        remarks: notes about the plan. Asked for before anything is written: what they read may be damaged.

    Raises:
        DecisionNeeded: a conflict, a release that may do more, or the answer was no. Nothing was written.
    """
    recognise_releases(workspace, wish.made)
    capabilities = may_changes(workspace, wish.made) if wish.made else ()
    if stops:
        refuse_widening(capabilities)
    files = wish.made.files if wish.made else {}
    planned = plan_for(workspace, wish.made, decisions)
    documents = tuple(documents_of_change(workspace, wish, planned))
    changed = {change.path for change in planned.pending} if planned.pending or documents else None
    outcome = Outcome(
        command=" ".join((command, *_decided(workspace, decisions, partial=partial))),
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=planned,
        documents=documents,
        packs=tuple(pack_changes(before_of(workspace), wish.made.lock if wish.made else None)),
        notes=(
            *(wish.made.notes(changed) if wish.made else ()),
            *merge_notes(workspace, wish.lock),
            *wish.notes,
            *meeting_notes(workspace, planned),
            *workspace.link_notes(),
            *remarks(planned),
        ),
        warnings=(*wish.warnings, *_same_names(workspace, wish, planned), *_unmerged(workspace, planned)),
        dry_run=dry_run,
        capabilities=capabilities,
        skipped=wish.made.skipped if wish.made else (),
        left=planned.conflicts if partial else (),
    )
    if planned.conflicts and not partial:
        raise conflict_error(workspace, outcome)
    if not outcome.changes_anything:
        return outcome
    _refuse_hidden(workspace, files, wish, planned)
    refuse_sources(workspace, planned)
    if confirm is not None and not confirm(outcome):
        raise DecisionNeeded("not confirmed; nothing was changed", hint="`--yes` answers the question beforehand")
    if dry_run:
        return outcome
    pins = pins_of(wish.made.lock if wish.made else None)
    return commit(workspace, Decided(outcome, pins, modes_left(workspace, planned)))


def refuse_found(workspace: Workspace, made: Made, decisions: Decisions) -> None:
    """Raise what would keep these files from being written, but for files that are managed already.

    Raises:
        Conflicted: a file that is not ours is in the way.
        AgentpackError: any other reason.
    """
    recognise_releases(workspace, made)
    planned = plan_for(workspace, made, decisions)
    foreign = tuple(change for change in planned.conflicts if change.path not in workspace.recorded)
    if foreign:
        scope = workspace.scope
        stopped = Outcome(command="install", scope=scope.kind, root=scope.root, plan=Plan(changes=foreign))
        raise conflict_error(workspace, stopped)
    _refuse_hidden(workspace, made.files, Wish(made, None, None), planned)
    refuse_sources(workspace, planned)
    for change in planned.pending:
        if change.action in WRITES:
            workspace.disk.refuse_unwritable(split_place(change.path)[0])


def _decided(workspace: Workspace, decisions: Decisions, *, partial: bool) -> Iterator[str]:
    """The options that decided something, as the history has them."""
    for name, given in (("adopt", decisions.adopt), ("discard-edits", decisions.discard_edits), ("partial", partial)):
        if given:
            yield f"--{name}"
    if decisions.on_conflict != "stop":
        yield f"--on-conflict {decisions.on_conflict}"
    for word in workspace.accepted:
        yield f"--accept {word}"


def _same_names(workspace: Workspace, wish: Wish, planned: Plan) -> Iterator[str]:
    if any(change.previous is None or change.action in WRITES for change in planned.changes):
        from agentpack.workspace.shadowing import same_name_warnings  # only where a file of ours changes

        yield from same_name_warnings(workspace, planned, wish.lock.clients if wish.lock else ())


def _unmerged(workspace: Workspace, planned: Plan) -> Iterator[str]:
    for change in planned.drift:
        if line := unmerged_line(workspace.contents(change.path)):
            yield f"{workspace.scope.absolute(change.path)}:{line} has {MARKERS}; {HINT}"


def _refuse_hidden(workspace: Workspace, files: Mapping[str, Rendering], wish: Wish, planned: Plan) -> None:
    """The last defence: no text that agentpack made is written with anything in it that no reader sees."""
    own = [found for path, data in wish.beside.items() for found in text_findings(data, path)]
    if own:
        from agentpack.safety.hidden import OWN_HINT, faults_of  # only for an error

        raise InvalidFile(faults_of(own), hint=OWN_HINT)
    for change in planned.changes:
        if change.action in WRITES and change.path in files and not _is_let_pass(workspace, wish):
            found = text_findings(files[change.path].content, change.path)
            if found:
                raise HiddenText([one._replace(file=workspace.scope.absolute(one.file)) for one in found])


def _is_let_pass(workspace: Workspace, wish: Wish) -> bool:
    """Whether a policy let hidden text of a pack pass, which was told."""
    return wish.made is not None and bool(wish.made.hidden) and workspace.reports_hidden_text
