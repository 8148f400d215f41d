"""Wanted -> done: the plan of a command, the decisions it needs, and the transaction that applies it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from agentpack.apply import transact
from agentpack.changes.meeting import meeting_notes, refuse_sources
from agentpack.changes.outcome import DocumentChange, Outcome, PackChange
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.changes.planning import plan_for
from agentpack.changes.pristine import recognise_releases, recognised_lock
from agentpack.changes.requests import Confirm, Wish
from agentpack.changes.snapshot import documents_of, pins_of, snapshot_to_follow
from agentpack.changes.widening import MayChange, may_changes, refuse_widening
from agentpack.errors import DecisionNeeded, InvalidFile, Refused
from agentpack.model.changes import WRITES, Action, Change, Plan
from agentpack.model.history import Document, Generation, InstalledFile
from agentpack.model.line_ends import as_lf, in_form_of, plain
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.names import Digest, digest_of
from agentpack.model.rendering import Rendering
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.safety.text import HiddenText, text_findings
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.locations import Placed, is_entry, split_place
from agentpack.workspace.workspace import Workspace
from agentpack.workspace.written import as_written, held_files, with_files


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
    documents = tuple(_document_changes(workspace, wish, planned))
    changed = {change.path for change in planned.pending} if planned.pending or documents else None
    outcome = Outcome(
        command=" ".join((command, *_decided(workspace, decisions, partial=partial))),
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=planned,
        documents=documents,
        packs=tuple(pack_changes(_before(workspace), wish.made.lock if wish.made else None)),
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
    return replace(outcome, generation=_apply(workspace, outcome, wish).number)


def refuse_found(workspace: Workspace, made: Wanted, decisions: Decisions) -> None:
    """Raise what would keep these files from being written, but for files that are managed already.

    Raises:
        Conflicted: a file that is not ours is in the way.
        AgentpackError: any other reason.
    """
    recognise_releases(workspace, made)
    planned = plan_for(workspace, made, decisions)
    foreign = tuple(change for change in planned.conflicts if change.path not in workspace.states.recorded)
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
        if line := unmerged_line(workspace.states.contents(change.path)):
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
    return wish.made is not None and bool(wish.made.hidden) and workspace.policies.report_hidden_text


def _document_changes(workspace: Workspace, wish: Wish, planned: Plan) -> Iterator[DocumentChange]:
    lock = None
    if wish.lock is not None:
        # whoever writes files brings an older lock to today's schema
        lock = lock_bytes(workspace, _with_what_is_left(workspace, wish.lock, planned), anew=bool(planned.pending))
    yield from document_changes(
        (
            (workspace.scope.manifest, workspace.documents.manifest_bytes, wish.manifest),
            (workspace.scope.lock, workspace.documents.lock_bytes, lock),
            *((path, workspace.disk.read(path), after) for path, after in wish.beside.items()),
        )
    )


def document_changes(wanted: Iterable[tuple[str, bytes | None, bytes | None]]) -> Iterator[DocumentChange]:
    """What changes of these documents, each a path and its bytes before and after: line ends alone are no change, and
    a document that is there keeps its own, and its byte-order mark.
    """
    for path, before, after in wanted:
        if before is not None and after is not None:
            after = before if plain(before) == plain(after) else in_form_of(before, after)
        if before != after:
            yield DocumentChange(path, before, after)


def _with_what_is_left(workspace: Workspace, lock: Lock, planned: Plan) -> Lock:
    """The lock once the plan is applied: a file that stays in conflict is still what was written there before."""
    left = {change.path for change in planned.conflicts}
    if not left:
        return lock
    held = (file for path, file in held_files(workspace).items() if path in left)
    return with_files(
        lock, (row for row in lock.files if row.path not in left), held, workspace.documents.readable_lock
    )


def lock_bytes(workspace: Workspace, lock: Lock, *, anew: bool = False) -> bytes:
    """The text of a lock; unless `anew` the one on disk, byte for byte, where that says the same."""
    text, there = lock.to_text(), workspace.documents.lock_bytes
    if anew or there is None or there == text.encode() or workspace.documents.lock_sides:
        return text.encode()
    old = workspace.documents.readable_lock
    return there if old is not None and old.to_text() == text else text.encode()


def _before(workspace: Workspace) -> Lock | None:
    """What the files held so far."""
    return recognised_lock(workspace) if workspace.lock is None else as_written(workspace.lock)


def pack_changes(before: Lock | None, after: Lock | None) -> Iterator[PackChange]:
    """What differs between two locks, pack by pack."""
    old = {pack.name: pack for pack in before.packs} if before else {}
    new = {pack.name: pack for pack in after.packs} if after else {}
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        moved = was is not None and now is not None and was.source != now.source
        one, other = (None if pack is None else _words(pack, source=moved) for pack in (was, now))
        if one != other:
            yield PackChange(name, one, other)


def merge_notes(workspace: Workspace, lock: Lock | None) -> Iterator[str]:
    """Of a half merged lock, the packs on which its sides differ, and what was taken."""
    if not workspace.documents.lock_sides:
        return
    sides = (*workspace.documents.lock_sides, lock)
    for name in sorted({pack.name for side in workspace.documents.lock_sides for pack in side.packs}):
        packs = [None if side is None else side.pack(name) for side in sides]
        ours, theirs, taken = ("none" if pack is None else _words(pack, source=False) for pack in packs)
        if ours != theirs:
            yield f"{name}: {ours} on our side of the merge, {theirs} on the other: {taken} is taken"


def _words(pack: LockedPack, *, source: bool) -> str:
    variants = sorted({*pack.variants, *(variant.name for variant in pack.local_variants)})
    asked = f" [{', '.join(variants)}]" if variants else ""
    return f"{pack.version}{asked}" + (f" from `{pack.source}`" if source else "")


def conflict_error(workspace: Workspace, outcome: Outcome) -> "Conflicted":
    """The error that tells every conflict of a plan and the options that decide it."""
    conflicts = outcome.plan.conflicts
    kinds = ["lost" if _lost_its_row(workspace, change) else change.why for change in conflicts]
    return Conflicted(outcome, [workspace.scope.absolute(change.path) for change in conflicts], kinds)


def lost_files(workspace: Workspace, paths: Sequence[str]) -> DecisionNeeded:
    """The error that names files which no release renders to, and whose rows were lost with the lock."""
    return DecisionNeeded(
        "agentpack.lock is missing or cannot be read, and some files were edited; nothing was changed",
        details=[f"{workspace.scope.absolute(path)}: {_WHY['lost']}" for path in paths],
        hint="`git restore agentpack.lock` brings the lock back; without it, `agentpack sync --adopt` replaces these "
        "files and keeps their bytes in the history",
    )


def _lost_its_row(workspace: Workspace, change: Change) -> bool:
    """Whether agentpack.yaml asked for a foreign file's pack before: somebody edited the file, and the lock is lost."""
    return change.why == "foreign" and workspace.manifest.wanted(change.pack) is not None


_WHY = {
    "foreign": "was not written by agentpack",
    "lost": "no release renders to it, and agentpack.lock does not say what was written there",
    "edited": "was edited and is no longer wanted",
    "merge": "was edited where the new text changes too",
    "unknown": "was edited, and the text it was edited from can no longer be rendered",
    "unmerged": f"has {MARKERS}",
    "blocked": "is not a regular file",
}
_MERGING = (
    "for these places `--on-conflict keep` keeps your text, `--on-conflict theirs` takes the new one, `--on-conflict "
    "edit` opens an editor; `--partial` lets the other files go on"
)
_WAYS = {
    "foreign": "`--adopt` takes it over and keeps its bytes in the history",
    "lost": "`git restore agentpack.lock` brings the lock back (during a merge: `git checkout --merge agentpack.lock`, "
    "then `agentpack lock`); `--adopt` replaces the file and keeps its bytes in the history",
    "edited": "`--discard-edits` deletes it and keeps the edit in the history, `--on-conflict keep` leaves it there",
    "merge": _MERGING,
    "unknown": "`--on-conflict keep` keeps the file as it is, `--on-conflict theirs` takes the new text and keeps "
    "yours in the history; `--partial` lets the other files go on",
    "unmerged": f"{HINT}; `--discard-edits` restores the released text and keeps yours in the history",
    "blocked": "move it away",
}
"""What decides a conflict, by what it is about: options of `install`, `upgrade` and `sync`."""
_WAYS_OF: Mapping[str, Mapping[str, str]] = {
    "keep": {
        "merge": "for these places `--on-conflict keep` keeps that client's text, `--on-conflict theirs` takes the "
        "variant's",
    },
    "uninstall": {
        "edited": "`--discard-edits` deletes it and keeps the edit in the history, `--keep-files` leaves it there",
        "merge": "`--discard-edits` takes the new text and keeps the edit in the history",
    },
}
"""Where a verb has others."""


class Conflicted(DecisionNeeded):
    """A plan with conflicts. `outcome` carries the plan, for showing them rule by rule."""

    code = "conflict"

    def __init__(self, outcome: Outcome, places: Sequence[str], kinds: Sequence[str]) -> None:
        """`places` and `kinds` (keys of `_WHY`) are those of the plan's conflicts, in its order."""
        self.outcome = outcome
        lines = [f":{change.line}" if change.line else "" for change in outcome.plan.conflicts]
        details = [f"{place}{line}: {_WHY[kind]}" for place, line, kind in zip(places, lines, kinds, strict=True)]
        count = len(places)
        super().__init__(
            f"{count} file{'s' if count != 1 else ''} need{'' if count != 1 else 's'} a decision; nothing was changed",
            details=details,
            hint="; ".join(
                {**_WAYS, **_WAYS_OF.get(outcome.command.split()[0], {})}[kind] for kind in dict.fromkeys(kinds)
            ),
        )


# Applying.


def _apply(workspace: Workspace, outcome: Outcome, wish: Wish) -> Generation:
    workspace.turns.alone()
    snapshot = snapshot_to_follow(workspace)
    current = workspace.documents.current

    def generation(modes: Mapping[str, int]) -> Generation:
        return Generation(
            number=(current.number if current else 0) + 1,
            parent=current.number if current else 0,
            time=workspace.environment.now(),
            command=outcome.command,
            pins=pins_of(wish.made.lock if wish.made else None),
            files=tuple(_installed(outcome.plan, workspace.states.recorded, modes)),
            documents=tuple(_documents(workspace, outcome, modes)),
            folders=current.folders if current else (),
            replaced=(*_taken_over(outcome.plan, workspace.states.recorded), *_there_before(workspace, outcome)),
            elsewhere=outcome.plan.elsewhere,
        )

    done = transact(
        workspace.disk,
        workspace.store,
        steps=workspace.places.steps(_placed(outcome, _modes_left(workspace, outcome.plan))),
        generation=generation,
        blobs=_blobs(workspace, outcome),
        snapshot=snapshot,
        managed=workspace.managed,
    )
    workspace.read_again()
    return done


def _modes_left(workspace: Workspace, planned: Plan) -> Mapping[str, int]:
    """The permissions that deleted files had, by path: of the newest generation that has the file. The last one may be
    without it, and the lock keeps no permissions.
    """
    wanted = {change.path for change in planned.changes if change.action is Action.RESTORE}
    generations, modes = workspace.store.generations, dict[str, int]()
    try:
        for number in reversed(generations.numbers() if wanted else ()):
            files = generations.read(number).files
            modes = {file.path: file.mode for file in files if file.path in wanted and file.mode} | modes
            if wanted == modes.keys():
                break
    except Refused:
        pass  # what is not known is left to the umask, as for a new file
    return modes


def _placed(outcome: Outcome, modes: Mapping[str, int]) -> Iterator[Placed]:
    """The places of an outcome. `modes` are the permissions of files that are written where nothing is."""
    for change in outcome.plan.changes:
        if change.same_as:
            continue
        if change.action in WRITES:
            yield Placed(change.path, change.observed, change.content, modes.get(change.path))
        elif change.action is Action.DELETE:
            yield Placed(change.path, change.observed, None)
    for document in outcome.documents:
        before = None if document.before is None else digest_of(document.before)
        yield Placed(document.path, before, document.after)


def _blobs(workspace: Workspace, outcome: Outcome) -> Iterator[bytes]:
    """The texts to keep beside those that are written: the pristine one of a merged file, and what was there."""
    blobs = workspace.store.blobs
    for change in outcome.plan.changes:
        if change.rendered is None or change.theirs is None or change.action is Action.CONFLICT:
            continue
        pristine = as_lf(change.theirs)  # what has the digest `rendered`
        if pristine is not change.content and not blobs.has(change.rendered):
            yield pristine
        if is_entry(change.path):
            yield from _entry_blobs(workspace, change)
        if change.content is None and change.observed not in (None, change.rendered):
            assert change.observed is not None
            if not blobs.has(change.observed):
                yield workspace.states.contents(change.path)
    changed = {document.path for document in outcome.documents}
    for path, data in documents_of(workspace):
        if path not in changed:
            yield data


def _entry_blobs(workspace: Workspace, change: Change) -> Iterator[bytes]:
    """The entry's own texts: the transaction knows the whole file only."""
    if change.content is not None:
        yield change.content
    if change.observed is not None:
        yield workspace.states.contents(change.path)


def _taken_over(planned: Plan, recorded: Mapping[str, InstalledFile]) -> Iterator[tuple[str, Digest, int]]:
    """Files that were there before they were ours and stay as they are: a rollback leaves them there."""
    for change in planned.changes:
        stays = change.action in (Action.ADOPT, Action.TAKE)
        entry = is_entry(change.path) and change.action is Action.DISCARD
        if (stays or entry) and change.path not in recorded and change.observed is not None:
            yield change.path, change.observed, change.mode or 0


def _there_before(workspace: Workspace, outcome: Outcome) -> Iterator[tuple[str, Digest, int]]:
    """A manifest that people wrote before the first generation, which leaves it as it is: a rollback does too."""
    changed = {document.path for document in outcome.documents}
    for path, data in documents_of(workspace) if workspace.documents.current is None else ():
        seen = workspace.disk.look(path)
        if path not in changed and seen is not None:
            yield path, digest_of(data), seen.mode


def _installed(
    planned: Plan, recorded: Mapping[str, InstalledFile], modes: Mapping[str, int]
) -> Iterator[InstalledFile]:
    for change in planned.changes:
        old = recorded.get(change.path)
        if change.action is Action.CONFLICT:
            if old is not None:
                yield old
        elif change.rendered is not None and change.written is not None:
            mode = modes.get(split_place(change.same_as or change.path)[0], change.mode or 0)
            names = (change.client, change.pack, change.persona)
            yield InstalledFile(change.path, *names, change.rendered, change.written, mode)


def _documents(workspace: Workspace, outcome: Outcome, modes: Mapping[str, int]) -> Iterator[Document]:
    changed = {document.path: document for document in outcome.documents}
    there = dict(documents_of(workspace))
    for path in dict.fromkeys((workspace.scope.manifest, workspace.scope.lock, *there, *changed)):
        if path in changed:
            after = changed[path].after
            if after is not None:
                yield Document(path, digest_of(after), modes[path])
        elif path in there:
            seen = workspace.disk.look(path)
            yield Document(path, digest_of(there[path]), seen.mode if seen else 0)


def write_documents(
    workspace: Workspace,
    command: str,
    documents: tuple[DocumentChange, ...],
    packs: tuple[PackChange, ...],
    made: Wanted,
    capabilities: tuple[MayChange, ...],
    *,
    dry_run: bool,
    stops: bool = True,
) -> Outcome:
    """Change manifest or lock as one transaction, and no agent file.

    Raises:
        DecisionNeeded: with `stops`, a release may do more than the locked one and nobody accepted it.
    """
    if stops:
        refuse_widening(capabilities)
    outcome = Outcome(
        command=command,
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=Plan(changes=()),
        documents=documents,
        packs=packs,
        notes=(*made.notes(made.files if documents else None), *merge_notes(workspace, made.lock)),
        dry_run=dry_run,
        capabilities=capabilities,
        skipped=made.skipped,
    )
    if dry_run or not documents:
        return outcome
    workspace.turns.alone()
    snapshot = snapshot_to_follow(workspace)
    current = workspace.documents.current

    def generation(modes: Mapping[str, int]) -> Generation:
        return Generation(
            number=(current.number if current else 0) + 1,
            parent=current.number if current else 0,
            time=workspace.environment.now(),
            command=command,
            pins=pins_of(made.lock),
            files=current.files if current else (),
            documents=tuple(_documents(workspace, outcome, modes)),
            folders=current.folders if current else (),
            replaced=tuple(_there_before(workspace, outcome)),
            elsewhere=workspace.states.elsewhere,
        )

    steps = list(workspace.places.steps(_placed(outcome, {})))
    blobs = _blobs(workspace, outcome)
    done = transact(
        workspace.disk,
        workspace.store,
        steps=steps,
        generation=generation,
        blobs=blobs,
        snapshot=snapshot,
        managed=workspace.managed,
    )
    workspace.read_again()
    return replace(outcome, generation=done.number)
