"""From a desired state to a decided change: plan it, and make or demand every decision before anything is written."""

from collections.abc import Iterator, Mapping

from agentpack.changes.commit import DecidedChange, commit, earlier_modes
from agentpack.changes.conflicts import ConflictsFound, kept_beside, with_conflicts
from agentpack.changes.documents import declaration_notes, documents_of_change, merge_notes, pack_changes
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.planning import plan_for
from agentpack.changes.pristine import recognise_releases, recognised_lock
from agentpack.changes.request import ChangeRequest, DesiredState
from agentpack.changes.same_file import refuse_sources, same_file_notes
from agentpack.changes.snapshot import pins_of
from agentpack.changes.widening import capability_changes, gained_over_disk, widening_error
from agentpack.clients import SKILLS
from agentpack.errors import Cancelled, InvalidFile
from agentpack.input.hidden_text import HiddenText, text_findings
from agentpack.model.changes import WRITES, Action, Plan
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.wanted.skipped import left_out_words, skipped_agents
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import as_written
from agentpack.workspace.locations import split_place
from agentpack.workspace.workspace import Workspace


def make_change(workspace: Workspace, command: str, state: DesiredState, request: ChangeRequest) -> Outcome:
    """Plan the state, ask for confirmation if requested, and commit it as one transaction.

    Raises:
        DecisionNeeded: a conflict, a release that gains permissions, or the user declined. Nothing was written.
    """
    return confirm_and_commit(workspace, state.wanted, request, propose_change(workspace, command, state, request))


def propose_change(workspace: Workspace, command: str, state: DesiredState, request: ChangeRequest) -> Outcome:
    """The outcome that reaching the state would have. Writes nothing.

    Raises:
        DecisionNeeded: a conflict, or a release that gains permissions.
        InvalidFile: a text contains hidden characters.
    """
    wanted = state.wanted
    recognise_releases(workspace, wanted)
    capabilities = capability_changes(workspace, wanted)
    accepts = (f"--accept {word}" for word in (*workspace.accepted, *workspace.sources.accepted_words))
    command = " ".join((command, *request.option_words(), *accepts))
    again = _again(workspace, command, request)
    refusal = widening_error(capabilities, again) if request.require_acceptance else None
    planned = plan_for(workspace, wanted, request.decisions)
    if refusal is not None and not request.dry_run:
        raise refusal if request.partial else with_conflicts(refusal, workspace, planned)
    documents = tuple(documents_of_change(workspace, state, planned))
    changed = {change.path for change in planned.pending} if planned.pending or documents else None
    before = recognised_lock(workspace) if workspace.lock is None else as_written(workspace.lock)
    outcome = Outcome(
        command=command,
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=planned,
        documents=documents,
        packs=tuple(pack_changes(before, wanted.lock)),
        notes=(
            *wanted.notes(workspace.scope.kind, changed, before),
            *(declaration_notes(workspace) if documents else ()),
            *merge_notes(workspace, state.lock),
            *state.notes,
            *same_file_notes(workspace, planned),
            *workspace.link_notes(),
            *left_out_words(wanted.lock, before),
            *_unused_variants(workspace, wanted, before),
            *kept_beside(workspace, planned),
            *_own_rules_in_skills(workspace, wanted, planned),
            *state.notes_on(planned),
        ),
        warnings=(*state.warnings, *_same_names(workspace, state, planned), *_unmerged(workspace, planned)),
        dry_run=request.dry_run,
        capabilities=tuple(sorted((*capabilities, *gained_over_disk(workspace, wanted, planned, capabilities)))),
        skipped=wanted.skipped,
        skipped_agents=tuple(skipped_agents(wanted.lock, before)),
        personas={
            change.path: part.persona
            for change in planned.changes
            if change.action in WRITES and (part := wanted.part(change)) is not None
        },
        left=planned.conflicts if request.partial else (),
        asked=request.decisions.packs,
        refusal=refusal,
    )
    if planned.conflicts and not request.partial:
        raise ConflictsFound(workspace, outcome, again)
    if outcome.changes_anything:
        _refuse_hidden(workspace, wanted, state.extra_documents, planned)
        refuse_sources(workspace, planned)
    return outcome


def _again(workspace: Workspace, command: str, request: ChangeRequest) -> str:
    """The command to type once more, where it says all that was asked; else empty."""
    if command.startswith("install "):
        return as_typed(workspace, request)
    if command.partition(" ")[0] not in ("upgrade", "sync"):
        return ""
    is_asked = request.confirm is not None and not workspace.environment.interactive
    return f"{command} --yes" if request.yes or is_asked else command


def as_typed(workspace: Workspace, request: ChangeRequest) -> str:
    """The `install` command that makes the request, without `agentpack`."""
    from shlex import quote  # only for an error

    sources = (f"--source {quote(place)}" for place in request.sources)
    accepts = (f"--accept {quote(word)}" for word in (*workspace.accepted, *workspace.sources.accepted_words))
    return " ".join(("install", *map(quote, request.names), *sources, *request.option_words(), *accepts))


def confirm_and_commit(workspace: Workspace, wanted: Wanted, request: ChangeRequest, proposed: Outcome) -> Outcome:
    """Commit the proposed change, unless it changes nothing or is a dry run. Raises Cancelled if the user
    declines.
    """
    if request.dry_run or not (proposed.changes_anything or _agrees_anew(workspace, request)):
        return proposed
    if request.confirm is not None and not request.confirm(proposed):
        raise Cancelled()
    return commit(workspace, DecidedChange(proposed, pins_of(wanted.lock), earlier_modes(workspace, proposed.plan)))


def _agrees_anew(workspace: Workspace, request: ChangeRequest) -> bool:
    """Whether the user agreed to a source outside of the repository, which the history is to remember."""
    current = workspace.documents.current
    known = () if current is None else current.outside
    return not (request.locked or request.frozen) and not workspace.sources.agreed.issubset(known)


def check_writable(workspace: Workspace, wanted: Wanted, decisions: Decisions) -> None:
    """Raise the error that would keep these files from being written. Files that are managed already are not checked.

    Raises:
        ConflictsFound: a foreign file is in the way.
        AgentpackError: any other reason.
    """
    recognise_releases(workspace, wanted)
    planned = plan_for(workspace, wanted, decisions)
    foreign = tuple(change for change in planned.conflicts if change.path not in workspace.states.recorded)
    if foreign:
        scope = workspace.scope
        stopped = Outcome(command="install", scope=scope.kind, root=scope.root, plan=Plan(changes=foreign))
        raise ConflictsFound(workspace, stopped)
    _refuse_hidden(workspace, wanted, {}, planned)
    refuse_sources(workspace, planned)
    for change in planned.pending:
        if change.action in WRITES:
            workspace.disk.refuse_unwritable(split_place(change.path)[0])


def _same_names(workspace: Workspace, state: DesiredState, planned: Plan) -> Iterator[str]:
    if any(change.previous is None or change.action in WRITES for change in planned.changes):
        from agentpack.workspace.shadowing import same_name_warnings  # only where a file of ours changes

        yield from same_name_warnings(workspace, planned, state.lock.all_clients if state.lock else ())


def _unused_variants(workspace: Workspace, wanted: Wanted, before: Lock | None) -> Iterator[str]:
    """A sentence for each local variant that was in use and whose agent is no longer in its pack."""
    for pack in before.packs if before else ():
        used, now = {(one.persona, one.name) for one in pack.local_variants}, wanted.lock.pack(pack.name)
        if not used or now is None:  # `uninstall` says what it keeps
            continue
        manifest = Manifest.from_data(wanted.lock.manifest)
        installed = (part.persona.name for part in wanted.parts if part.pack.name == pack.name)
        agents = {manifest.name_in_pack(pack.name, name) for name in installed}
        for text in workspace.documents.local_texts:
            if (text.persona, text.name) in used and text.persona not in agents:
                yield (
                    f"your local variant {workspace.scope.shown(text.path)} is no longer used, because the agent "
                    f"`{text.persona}` of {pack.name} is not installed any more; delete the file unless you need it"
                )


def _own_rules_in_skills(workspace: Workspace, wanted: Wanted, planned: Plan) -> Iterator[str]:
    """A sentence for each new skill with rules of local variants: there they are not always read."""
    for change in planned.changes:
        part = wanted.part(change) if change.action is Action.CREATE and change.client in SKILLS else None
        rules = [rule for section in part.persona.sections for rule in section.rules] if part else []
        own = [(rule.text, rule.origin.name) for rule in rules if rule.origin and rule.origin.kind == "local"]
        if own:
            from agentpack.edits.rules import short  # only where a variant has such rules

            text, variant = own[0]
            more = f" and {len(own) - 1} more" if own[1:] else ""
            yield (
                f"your rule “{short(text.removeprefix('- '))}”{more}, of the local variant `{variant}`, is only read "
                f"when the skill {workspace.scope.shown(change.path)} is loaded; rules below a heading of their own "
                "are always read"
            )


def _unmerged(workspace: Workspace, planned: Plan) -> Iterator[str]:
    for change in planned.drift:
        if line := unmerged_line(workspace.states.contents(change.path)):
            yield f"{workspace.scope.absolute(change.path)}:{line} has {MARKERS}; {HINT}"


def _refuse_hidden(workspace: Workspace, wanted: Wanted, documents: Mapping[str, bytes], planned: Plan) -> None:
    """Last check before writing: refuse text with hidden characters in any file agentpack made. Hidden text in packs
    passes if a policy allows it, which was reported.
    """
    own = [found for path, data in documents.items() for found in text_findings(data, path)]
    if own:
        from agentpack.input.hidden_in_files import OWN_HINT, faults_of  # only for an error

        raise InvalidFile(faults_of(own), hint=OWN_HINT)
    for change in planned.changes:
        passes = change.action not in WRITES or (wanted.hidden and workspace.policies.report_hidden_text)
        if not passes and (found := text_findings(wanted.files[change.path].content, change.path)):
            raise HiddenText([one._replace(file=workspace.scope.absolute(one.file)) for one in found])
