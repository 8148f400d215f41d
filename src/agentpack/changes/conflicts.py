"""Conflicts that stop a change: what each is about, and the options that resolve it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import on_conflict_option
from agentpack.changes.widening import CapabilitiesWidened
from agentpack.errors import DecisionNeeded
from agentpack.model.changes import Action, Change, Plan
from agentpack.model.unmerged import HINT, MARKERS
from agentpack.workspace.workspace import Workspace


def lost_files(workspace: Workspace, paths: Sequence[str]) -> DecisionNeeded:
    """The error for files that match no release and whose lock rows are missing."""
    return DecisionNeeded(
        "agentpack.lock is missing or cannot be read, and some files were edited; nothing was changed",
        details=[f"{workspace.scope.absolute(path)}: {_WHY['lost']}" for path in paths],
        hint="`git restore agentpack.lock` brings the lock back; without it, `agentpack sync --adopt` replaces these "
        "files and keeps the originals in the history",
    )


def _lost_its_row(workspace: Workspace, change: Change) -> bool:
    """Whether agentpack.yaml listed the foreign file's pack before: then somebody edited the file and the lock was
    lost.
    """
    return change.why == "foreign" and workspace.manifest.wanted(change.pack) is not None


_WHY = {
    "foreign": "was not written by agentpack",
    "lost": "it matches no release, and agentpack.lock has no record of it",
    "edited": "was edited, and would be deleted",
    "own": "is your own file, which you adopted",
    "merge": "was edited where the new text changes too",
    "unknown": "was edited, and the text it was edited from can no longer be rendered",
    "unmerged": f"has {MARKERS}",
    "blocked": "is not a regular file",
    "folder": "would be written to a folder with files that agentpack did not write",
}
_EDITOR = "`--on-conflict edit` opens an editor"
"""Only for a terminal."""
_PARTIAL = "`--partial` writes only the other files"
"""Only where there are others to write."""
_ACCEPTS = "accepts the new capabilities and"
_WAYS: Mapping[str, str | tuple[str, ...]] = {
    "foreign": (
        "to keep its text, run `agentpack adopt`: it manages the file as an agent of your own",
        "to replace it with the pack's text, add `--adopt`: it keeps the original in the history",
    ),
    "lost": "`git restore agentpack.lock` brings the lock back (during a merge: `git checkout --merge agentpack.lock`, "
    "then `agentpack lock`); `--adopt` replaces the file and keeps the original in the history",
    "edited": "`--on-conflict theirs` deletes it and keeps the edit in the history, `--on-conflict keep` leaves it on "
    "disk",
    "own": "`--on-conflict keep` leaves it on disk, `--on-conflict theirs` deletes it; the pack keeps its copy",
    "merge": (
        "`--on-conflict keep` keeps your text where the two conflict",
        "`--on-conflict theirs` takes the new text there",
        _EDITOR,
        _PARTIAL,
    ),
    "unknown": "`--on-conflict keep` keeps the file as it is, `--on-conflict theirs` takes the new text and keeps "
    "yours in the history; `--partial` writes only the other files",
    "unmerged": f"{HINT}; `--discard-edits` restores the released text and keeps yours in the history",
    "blocked": "move it elsewhere",
    "folder": "move them, rename the persona (`as:` in agentpack.yaml), or turn off skills (`--set modules=inline`)",
}
"""How to resolve a conflict, by its cause: options of `install`, `upgrade` and `sync`."""
_NOT_REMOVED = (
    "`--keep-files` leaves all files of these packs on disk, unmanaged",
    "`--discard-edits` deletes these files; edits stay in the history, copies of adopted files in their pack",
)
_WAYS_OF: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "keep": {
        "merge": "where the two conflict, `--on-conflict keep` keeps that client's text, and `--on-conflict theirs` "
        "takes the variant's",
    },
    "uninstall": {
        "edited": _NOT_REMOVED,
        "own": _NOT_REMOVED,
        "merge": "`--discard-edits` takes the new text and keeps the edit in the history",
    },
}
"""For commands that resolve conflicts differently."""


class ConflictsFound(DecisionNeeded):
    """The plan has conflicts.

    `outcome` carries the plan, so that they can be shown rule by rule. `ways` are the ways out, and `keep_first` those
    of them that carry edits to where their rules are now.
    """

    code = "conflict"

    def __init__(self, workspace: Workspace, outcome: Outcome, command: str = "") -> None:
        """List every conflict of the plan and the options that resolve it; `command` is what to type with one."""
        self.outcome, conflicts = outcome, outcome.plan.conflicts
        if isinstance(outcome.refusal, CapabilitiesWidened):
            command = outcome.refusal.accepting or command
        self.command = command = _unsettled(command)
        kinds = ["lost" if _lost_its_row(workspace, change) else change.why for change in conflicts]
        places = (f"{workspace.scope.absolute(one.path)}{f':{one.line}' if one.line else ''}" for one in conflicts)
        ways = {**_WAYS, **_WAYS_OF.get(outcome.command.split()[0], {})}
        self.keep_first = tuple(_keep_first(conflicts, command))
        hints, refused = [*self.keep_first], outcome.refusal.hint if outcome.refusal is not None else None
        are_others = any(change not in conflicts for change in outcome.plan.pending)
        for kind in dict.fromkeys(kinds):
            way = ways[kind]
            several = (way,) if isinstance(way, str) else way
            if not workspace.environment.interactive:
                several = tuple(one for one in several if one != _EDITOR)
            if not are_others:
                several = tuple(one for one in several if one != _PARTIAL)
            if kind == "merge" and command:
                first = several[0].replace("`--", f"`agentpack {command} --", 1)
                if isinstance(outcome.refusal, CapabilitiesWidened) and {*kinds} == {kind}:
                    first, refused = first.replace("` keeps", f"` {_ACCEPTS} keeps", 1), outcome.refusal.staying
                several = (first, *several[1:])
                if kinds.count(kind) > 1:
                    one = on_conflict_option(conflicts[kinds.index(kind)].path, "keep")
                    several = (*several, f"`{one}` decides for this file only; repeat it for others")
            hints += several
        details = [f"{place}: {_WHY[kind]}" for place, kind in zip(places, kinds, strict=True)]
        if outcome.refusal is not None:  # a dry run of what would be refused as well
            details += (line.removesuffix("; nothing was changed") for line in outcome.refusal.lines)
            hints.append(refused or "")
        self.ways = tuple(dict.fromkeys(hints))
        hint = "; ".join(self.ways)
        super().__init__(f"{_count(conflicts)} a decision; nothing was changed", details=details, hint=hint)


def _keep_first(conflicts: Sequence[Change], command: str) -> Iterator[str]:
    """For rules that the release moved to other files: what carries the edits there, with the command to type then."""
    moved = {change.pack for change in conflicts if change.moved}
    then = f"`agentpack {command}`" if command else "the same command again"
    for pack in sorted(moved):
        yield f"`agentpack keep {pack}`, then {then}, moves each edit to where its rule is now"


def kept_beside(workspace: Workspace, planned: Plan) -> Iterator[str]:
    """A sentence for each file that keeps the user's text about rules that the new release has in other files."""
    shown = workspace.scope.shown
    for change in planned.changes:
        files = dict.fromkeys(shown(rule.path) for rules in change.moved for rule in rules)
        if files and change.action is not Action.CONFLICT:
            yield (
                f"{shown(change.path)} keeps your text, but {change.pack} has the rule in {' and '.join(files)} now, "
                f"without your edit; `agentpack keep {change.pack}` before this command moves the edit there (after "
                "it, `agentpack rollback` first)"
            )


def with_conflicts(refusal: CapabilitiesWidened, workspace: Workspace, planned: Plan) -> CapabilitiesWidened:
    """The refusal, which also lists the conflicts that the command would stop at once it is accepted."""
    if planned.conflicts:
        places = (f"{workspace.scope.absolute(one.path)}: {_WHY[one.why]}" for one in planned.conflicts)
        refusal.details = (*refusal.details, *places)
        look = f"{_count(planned.conflicts)} a decision as well: `--dry-run` shows each place"
        ways = [refusal.hint or "", look]
        if all(one.why == "merge" for one in planned.conflicts):
            settled = [
                "`--on-conflict theirs` takes the new text there",
                *([_EDITOR] if workspace.environment.interactive else ()),
            ]
            if refusal.accepting:
                keep = f"`agentpack {_unsettled(refusal.accepting)} --on-conflict keep`"
                first = f"{keep} {_ACCEPTS} keeps your text where the two conflict"
                ways = [first, *settled, "`--dry-run` shows each place", refusal.staying]
            else:
                ways += ["`--on-conflict keep` keeps your text where the two conflict", *settled]
        ways = [*_keep_first(planned.conflicts, _unsettled(refusal.accepting)), *ways]
        refusal.hint, refusal.ways = "; ".join(ways), tuple(ways)
    return refusal


def _unsettled(command: str) -> str:
    """The command without its answer to all conflicts; those for one file stay."""
    return re.sub(r" --on-conflict \w+(?!\S)", "", command)


def _count(conflicts: Sequence[Change]) -> str:
    return f"{len(conflicts)} files need" if len(conflicts) != 1 else "1 file needs"
