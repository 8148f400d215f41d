"""wanted + recorded + observed -> Plan. The only place that compares the three states.

| recorded | observed | wanted | change |
| --- | --- | --- | --- |
| nothing | nothing | new | create |
| nothing | same as wanted | new | adopt |
| nothing | something else | new | conflict: not our file; with `--adopt` it is replaced, or kept as an edit |
| R | R | R | keep |
| R | R | new | replace |
| R | edited | R | keep the edit and report drift |
| R | edited | same as the edit | adopt |
| R | edited | new | merge(base=R, ours=edited, theirs=new), or conflict |
| R | deleted | any | restore, or forget when nothing is wanted |
| R | R | nothing | delete; conflict if it is the user's own text |
| R | edited | nothing | conflict: edited and no longer wanted |
| any | other than wanted | its text is nowhere | keep the edit, or report that it cannot be written |

What is compared is the text: the line ends of a file, which git may change on checkout, are no difference, and what is
written in its place has them too. R is the file as rendered, not as merged. "Edited" means: other than what
agentpack left there; a file that was left merged and not touched since counts as edited when it is compared with R, so
that the user's lines are carried by every later merge.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from agentpack.model.changes import FOLDER_OF_OTHERS, Action, Change, Conflict, Observed, Plan
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf, in_form_of, with_ends_of
from agentpack.model.names import Digest, text_digest
from agentpack.model.rendering import Rendering
from agentpack.model.unmerged import unmerged_line

if TYPE_CHECKING:
    from agentpack.merge import KnownEntries


class EditedFile(NamedTuple):
    """A conflicting file as the user merged it. Valid only for the two texts it was merged from."""

    observed: Digest
    """The digest of the bytes that were merged."""
    rendered: Digest
    content: bytes


class Decisions(NamedTuple):
    """How conflicts are to be resolved, from command-line options."""

    adopt: bool = False
    """Overwrite foreign files; their bytes are kept for rollback."""
    adopt_as_is: bool = False
    """Adopt foreign files as edits; their bytes stay on disk."""
    on_conflict: str = "stop"
    """When an edit and the new text change the same place: `stop`, `keep` (the edit wins) or `theirs` (the new text
    wins, also where there is no file any more); `edit` stops too. Places that only one side changed are merged either
    way."""
    of_files: Mapping[str, str] = MappingProxyType({})
    """By path, what decides in place of `on_conflict`."""
    edited: Mapping[str, EditedFile] = MappingProxyType({})
    """By path, conflicts that the user merged."""
    discard_edits: bool = False
    packs: frozenset[str] | None = None
    """Packs named on the command line. Edits in files of other packs are never discarded. None for all packs."""
    reformat: frozenset[str] = frozenset()
    """Paths whose text on disk means the same as the new text but is written differently (blank lines, quotes in a
    header): the new text is written."""
    hand_copied: frozenset[str] = frozenset()
    """Paths of foreign files that are the wanted agent, perhaps edited: with `adopt`, their text is kept as an edit."""
    own: frozenset[str] = frozenset()
    """Packs made of the user's own texts, whose files are not deleted without a word."""
    keep_files: bool = False
    """Leave files that are no longer wanted on disk, unmanaged."""

    def discards_edits(self, pack: str) -> bool:
        """Whether edits in this pack's files are discarded."""
        return self.discard_edits and (self.packs is None or pack in self.packs)

    def on_conflict_in(self, path: str) -> str:
        """What decides a conflict in this file: a value of `on_conflict`."""
        return self.of_files.get(path, self.on_conflict)

    def with_answers(self, answers: Mapping[str, str]) -> "Decisions":
        """The decisions with these answers, by path; one for all files is one for whatever conflicts."""
        if self.of_files or len({*answers.values()}) > 1:
            return self._replace(of_files={**self.of_files, **answers})
        return self._replace(on_conflict=next(iter(answers.values())))

    def conflict_words(self) -> Iterator[str]:
        """The decisions about conflicts, as options."""
        if self.on_conflict != "stop":
            yield f"--on-conflict {self.on_conflict}"
        for path in sorted(self.of_files):
            yield on_conflict_option(path, self.of_files[path])


def on_conflict_option(path: str, choice: str) -> str:
    """The option that decides for one file, as it is typed in a shell."""
    from shlex import quote  # only where files are decided one by one

    return f"--on-conflict {quote(f'{path}={choice}')}"


NO_DECISIONS = Decisions()


class _Inputs(NamedTuple):
    """What the plan of every file goes by; see `plan`."""

    disk: Callable[[str], bytes]
    base: Callable[[InstalledFile], bytes | None]
    known: Callable[[InstalledFile, Rendering], "KnownEntries | None"]
    decisions: Decisions


def _nothing_known(old: InstalledFile, new: Rendering) -> None:
    return None


def plan(
    wanted: Mapping[str, Rendering],
    recorded: Mapping[str, InstalledFile],
    observed: Mapping[str, Observed],
    *,
    disk: Callable[[str], bytes],
    base: Callable[[InstalledFile], bytes | None],
    known: Callable[[InstalledFile, Rendering], "KnownEntries | None"] = _nothing_known,
    decisions: Decisions = NO_DECISIONS,
) -> Plan:
    """The plan for every file that is wanted or recorded.

    Args:
        wanted: by path, what is rendered now.
        recorded: by path, what the last generation wrote.
        observed: by path, what is on disk; absent paths have no file.
        disk: reads the bytes at a path; called only for merges.
        base: reads the pristine bytes of a recorded file, None if lost; called only for merges.
        known: reads the rules behind both texts; called only where lines do not merge.
    """
    inputs = _Inputs(disk, base, known, decisions)
    changes = []
    for path in sorted({*wanted, *recorded}):
        new, old, here = wanted.get(path), recorded.get(path), observed.get(path)
        if new is not None:
            changes.append(_WantedFile(new, old, here, inputs).decided())
        elif old is not None:
            changes.append(_unwanted(old, here, decisions))
    return Plan(changes=tuple(changes))


class _WantedFile:
    """One file that should be there: what was written last (`old`), what is there (`here`), and what happens to it."""

    def __init__(self, new: Rendering, old: InstalledFile | None, here: Observed | None, inputs: _Inputs) -> None:
        self.new = new
        self.old = old
        self.here = here
        self.inputs = inputs

    def change(self, action: Action, content: bytes | None = None, why: str = "", **more: object) -> Change:
        """A change of this file."""
        new, old, here = self.new, self.old, self.here
        return Change(
            path=new.path,
            action=action,
            client=new.client,
            pack=new.pack,
            persona=new.persona,
            observed=here.raw if here else None,
            mode=here.mode if here else None,
            rendered=new.digest,
            previous=old.rendered if old else None,
            content=content,
            theirs=None if new.lost_text else new.content,
            why=why,
            notes=new.notes,
            **more,  # type: ignore[arg-type]
        )

    def write(self, action: Action) -> Change:
        """The new text in the place of a file, which keeps its line ends."""
        crlf = self.here is not None and self.here.exact is not None
        content = self.new.content
        return self.change(action, with_ends_of(self.inputs.disk(self.new.path), content) if crlf else as_lf(content))

    def decided(self) -> Change:
        """What happens to the file; the table above has the rows."""
        new, old, here, decisions = self.new, self.old, self.here, self.inputs.decisions
        if new.lost_text is not None and not (here and here.blocked):
            is_drift = here is not None and old is not None and new.digest == old.rendered
            return self.change(Action.DRIFT if is_drift and not decisions.discards_edits(new.pack) else Action.LOST)
        if here is None:
            return self.change(Action.RESTORE if old else Action.CREATE, new.content)
        if here.blocked:
            return self.change(Action.CONFLICT, why="folder" if here is FOLDER_OF_OTHERS else "blocked")
        if here.digest == new.digest:
            return self.change(Action.KEEP if old is not None and old.rendered == new.digest else Action.ADOPT)
        if old is None:
            if decisions.adopt_as_is:
                reformat = new.path in decisions.reformat
                return self.write(Action.DISCARD) if reformat else self.change(Action.TAKE)
            if decisions.adopt and new.path in decisions.hand_copied:
                return self.change(Action.TAKE)
            return self.write(Action.DISCARD) if decisions.adopt else self.change(Action.CONFLICT, why="foreign")
        if here.digest == old.rendered:
            return self.write(Action.REPLACE)
        if new.path in decisions.reformat:
            return self.change(Action.REPLACE, in_form_of(self.inputs.disk(new.path), new.content))
        if decisions.discards_edits(new.pack):
            return self.write(Action.DISCARD)
        if new.digest == old.rendered:
            return self.change(Action.DRIFT)
        return self.merged(old, here)

    def merged(self, old: InstalledFile, here: Observed) -> Change:
        """What becomes of an edited file whose new text is another one."""
        new, decisions, ours = self.new, self.inputs.decisions, self.inputs.disk(self.new.path)
        if line := unmerged_line(ours):
            return self.change(Action.CONFLICT, why="unmerged", line=line)
        from agentpack.merge import merge, resolved  # difflib and the merging library: only when a text was edited

        base, choice = self.inputs.base(old), decisions.on_conflict_in(new.path)
        if base is None:
            if choice == "theirs":
                return self.write(Action.DISCARD)
            return self.change(Action.TAKE) if choice == "keep" else self.change(Action.CONFLICT, why="unknown")
        merged = merge(base, ours, new.content, lambda: self.inputs.known(old, new), form=new.form.format)
        if merged.content is not None:
            return self.taken_or(here, merged.content)
        edited = decisions.edited.get(new.path)
        if edited is not None and edited[:2] == (here.raw, new.digest):
            text = edited.content.decode("utf-8", "replace")
            kept = tuple(one for one in merged.conflicts if one.ours.strip() and one.ours.strip() in text)
            return self.taken_or(here, in_form_of(ours, edited.content), conflicts=kept)
        if choice in ("keep", "theirs"):
            winner, whole = (1, ours) if choice == "keep" else (2, new.content)
            content = in_form_of(ours, resolved(merged.draft, winner).encode()) if merged.draft else whole
            if text_digest(content) == new.digest:
                return self.write(Action.DISCARD)
            return self.taken_or(here, content, choice, merged.conflicts if choice == "keep" else ())
        return self.change(Action.CONFLICT, why="merge", conflicts=merged.conflicts, draft=merged.draft)

    def taken_or(self, here: Observed, content: bytes, why: str = "", conflicts: tuple[Conflict, ...] = ()) -> Change:
        """The merged text; nothing is written where the file says so already."""
        if text_digest(content) == here.digest:
            return self.change(Action.TAKE, conflicts=conflicts)
        return self.change(Action.MERGE, content, why=why, conflicts=conflicts)


def _unwanted(old: InstalledFile, here: Observed | None, decisions: Decisions) -> Change:
    def change(action: Action, why: str = "") -> Change:
        return Change(
            path=old.path,
            action=action,
            client=old.client,
            pack=old.pack,
            persona=old.persona,
            observed=here.raw if here else None,
            mode=here.mode if here else None,
            previous=old.rendered,
            why=why,
        )

    if here is None or decisions.keep_files:
        return change(Action.FORGET)
    if here.blocked:
        return change(Action.CONFLICT, "blocked")
    is_edited = here.digest != old.rendered
    is_discarded = decisions.discards_edits(old.pack) or decisions.on_conflict_in(old.path) == "theirs"
    if is_discarded or not (is_edited or old.pack in decisions.own):
        return change(Action.DELETE)
    if decisions.on_conflict_in(old.path) == "keep":
        return change(Action.FORGET)
    return change(Action.CONFLICT, "edited" if is_edited else "own")
