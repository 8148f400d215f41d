"""The three states of a file, row by row, and what decisions made beforehand change."""

import pytest

from agentpack.changes.plan import Decisions, plan
from agentpack.model.changes import Action, Change, Observed, Plan
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_crlf
from agentpack.model.names import Digest, digest_of, text_digest
from agentpack.model.rendering import Note, Rendering

R, NEW, EDIT, OTHER = (
    b"- one\n- two\n- three\n",
    b"- one\n- two\n- three, new\n",
    b"- one, mine\n- two\n- three\n",
    b"foreign\n",
)
MERGED = b"- one, mine\n- two\n- three, new\n"
PATH = ".claude/agents/reviewer.md"
NOTES = (Note("a note"),)
Record = tuple[bytes, bytes] | None
"""What was rendered, and what was left on disk."""


def planned(
    record: Record,
    observed: bytes | str | None,
    wanted: bytes | None,
    decided: Decisions | None = None,
) -> Change:
    """The one change of a plan. `observed` as text says what is in the way."""
    blobs = {digest_of(data): data for data in (R, NEW, EDIT, OTHER, MERGED)}
    here = {}
    if isinstance(observed, bytes):
        here[PATH] = Observed(digest_of(observed), 0o644)
    elif observed is not None:
        here[PATH] = Observed(None, 0o755, observed)
    installed = {}
    if record is not None:
        digests = (digest_of(record[0]), digest_of(record[1]))
        installed[PATH] = InstalledFile(PATH, "claude", "data-reviewer", "reviewer", *digests, 0o600)
    made = plan(
        {} if wanted is None else {PATH: Rendering("claude", "data-reviewer", "reviewer", PATH, wanted, NOTES)},
        installed,
        here,
        disk=lambda path: observed if isinstance(observed, bytes) else b"",
        base=lambda file: blobs[file.rendered],
        decisions=decided or Decisions(),
    )
    (change,) = made.changes
    return change


ROWS: list[tuple[str, Record, bytes | None, bytes | None, Action]] = [
    ("a new file", None, None, NEW, Action.CREATE),
    ("a file that is already there as wanted", None, NEW, NEW, Action.ADOPT),
    ("a foreign file", None, OTHER, NEW, Action.CONFLICT),
    ("nothing changed", (R, R), R, R, Action.KEEP),
    ("a new text", (R, R), R, NEW, Action.REPLACE),
    ("an edit and nothing new", (R, R), EDIT, R, Action.DRIFT),
    ("an edit that is the new text", (R, R), NEW, NEW, Action.ADOPT),
    ("an edit and a new text", (R, R), EDIT, NEW, Action.MERGE),
    ("an edit and a new text of the same place", (R, R), OTHER, NEW, Action.CONFLICT),
    ("a deleted file and nothing new", (R, R), None, R, Action.RESTORE),
    ("a deleted file and a new text", (R, R), None, NEW, Action.RESTORE),
    ("a deleted file that is no longer wanted", (R, R), None, None, Action.FORGET),
    ("a file that is no longer wanted", (R, R), R, None, Action.DELETE),
    ("an edited file that is no longer wanted", (R, R), EDIT, None, Action.CONFLICT),
    ("a merged file and nothing new", (R, EDIT), EDIT, R, Action.DRIFT),
    ("a merged file and a new text", (R, EDIT), EDIT, NEW, Action.MERGE),
    ("an edit that already has the new text", (R, R), MERGED, NEW, Action.TAKE),
    ("an edit that was undone by hand", (R, EDIT), R, NEW, Action.REPLACE),
    ("an edit that was undone by hand and nothing new", (R, EDIT), R, R, Action.KEEP),
    ("a merged file that is no longer wanted", (R, EDIT), EDIT, None, Action.CONFLICT),
]


@pytest.mark.parametrize(
    ("record", "observed", "wanted", "action"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_the_table_of_states(record: Record, observed: bytes | None, wanted: bytes | None, action: Action) -> None:
    assert planned(record, observed, wanted).action is action


DECIDED: list[tuple[str, Decisions, Record, bytes | None, bytes | None, Action]] = [
    ("--adopt takes a foreign file", Decisions(adopt=True), None, OTHER, NEW, Action.DISCARD),
    ("adopting as it is keeps its bytes", Decisions(adopt_as_is=True), None, OTHER, NEW, Action.TAKE),
    ("--discard-edits", Decisions(discard_edits=True), (R, R), EDIT, R, Action.DISCARD),
    ("--discard-edits of a conflict", Decisions(discard_edits=True), (R, R), OTHER, NEW, Action.DISCARD),
    ("--discard-edits of what is not wanted", Decisions(discard_edits=True), (R, R), EDIT, None, Action.DELETE),
    ("--discard-edits never takes a foreign file", Decisions(discard_edits=True), None, OTHER, NEW, Action.CONFLICT),
    ("--on-conflict keep", Decisions(on_conflict="keep"), (R, R), OTHER, NEW, Action.TAKE),
    ("--on-conflict theirs", Decisions(on_conflict="theirs"), (R, R), OTHER, NEW, Action.DISCARD),
    ("--on-conflict leaves a clean merge alone", Decisions(on_conflict="theirs"), (R, R), EDIT, NEW, Action.MERGE),
    ("--on-conflict keep of what is not wanted", Decisions(on_conflict="keep"), (R, R), EDIT, None, Action.FORGET),
    ("--keep-files", Decisions(keep_files=True), (R, R), EDIT, None, Action.FORGET),
    ("--keep-files of an untouched file", Decisions(keep_files=True), (R, R), R, None, Action.FORGET),
    ("--adopt changes nothing of ours", Decisions(adopt=True), (R, R), OTHER, NEW, Action.CONFLICT),
]


@pytest.mark.parametrize(
    ("decided", "record", "observed", "wanted", "action"), [row[1:] for row in DECIDED], ids=[row[0] for row in DECIDED]
)
def test_a_decision_made_beforehand(
    decided: Decisions, record: Record, observed: bytes | None, wanted: bytes | None, action: Action
) -> None:
    assert planned(record, observed, wanted, decided).action is action


@pytest.mark.parametrize("wanted", [NEW, None])
def test_what_is_no_file_is_in_the_way_whatever_was_decided(wanted: bytes | None) -> None:
    change = planned((R, R), "a folder is in the way", wanted, Decisions(adopt=True, discard_edits=True))
    assert (change.action, change.why) == (Action.CONFLICT, "blocked")


def test_a_merge_writes_both_changes() -> None:
    change = planned((R, R), EDIT, NEW)
    assert change.content == MERGED
    assert (change.previous, change.rendered, change.written) == tuple(map(digest_of, (R, NEW, MERGED)))


@pytest.mark.parametrize("edit", [R, OTHER], ids=["replaced", "discarded"])
def test_a_new_text_has_the_line_ends_of_the_file_in_whose_place_it_comes(edit: bytes) -> None:
    here, digest = as_crlf(edit), digest_of(R)
    (change,) = plan(
        {PATH: Rendering("claude", "data-reviewer", "reviewer", PATH, NEW)},
        {PATH: InstalledFile(PATH, "claude", "data-reviewer", "reviewer", digest, digest, 0o600)},
        {PATH: Observed(text_digest(here), 0o644, exact=digest_of(here))},
        disk=lambda path: here,
        base=lambda file: R,
        decisions=Decisions(discard_edits=edit == OTHER),
    ).changes
    assert change.content == as_crlf(NEW)


def test_a_conflict_says_what_it_is_about() -> None:
    assert planned(None, OTHER, NEW).why == "foreign"
    assert planned((R, R), EDIT, None).why == "edited"
    change = planned((R, R), OTHER, NEW)
    assert change.why == "merge"
    assert change.conflicts
    assert change.content is None


def test_a_change_carries_whose_file_it_is_and_what_is_there() -> None:
    change = planned((R, R), EDIT, NEW)
    assert (change.client, change.pack, change.persona) == ("claude", "data-reviewer", "reviewer")
    assert (change.observed, change.mode, change.notes) == (digest_of(EDIT), 0o644, NOTES)
    gone = planned((R, R), None, None)
    assert (gone.observed, gone.mode, gone.rendered, gone.written) == (None, None, None, None)


def test_a_plan_tells_what_is_pending_what_drifts_and_what_conflicts() -> None:
    changes = tuple(planned(record, observed, wanted) for _, record, observed, wanted, _ in ROWS)
    whole = Plan(changes=changes)
    assert {change.action for change in whole.conflicts} == {Action.CONFLICT}
    assert {change.action for change in whole.drift} == {Action.DRIFT}
    assert not {Action.KEEP, Action.DRIFT} & {change.action for change in whole.pending}
    assert len(whole.pending) + len(whole.drift) + sum(c.action is Action.KEEP for c in changes) == len(changes)


def test_a_plan_has_its_files_in_the_order_of_their_paths() -> None:
    paths = [f".claude/agents/{letter}.md" for letter in "hgfedcba"]
    files = {path: Rendering("claude", "data-reviewer", "reviewer", path, NEW) for path in paths}
    made = plan(files, {}, {}, disk=lambda path: b"", base=lambda file: b"")
    assert [change.path for change in made.changes] == sorted(paths)


def test_nothing_wanted_and_nothing_recorded_is_an_empty_plan() -> None:
    def never(_: object) -> bytes:
        raise AssertionError("nothing has to be read")

    assert plan({}, {}, {"else.md": Observed(Digest("x"), 0o644)}, disk=never, base=never).changes == ()


def test_bytes_are_asked_for_only_where_they_are_merged() -> None:
    for name, record, observed, wanted, action in ROWS:
        asked = ("an edit and a new text of the same place", "an edit that was undone by hand and nothing new")
        if action in (Action.MERGE, Action.TAKE) or name in asked:  # the last could be a change of line ends
            continue

        def never(_: object, name: str = name) -> bytes:
            raise AssertionError(name)

        here = {} if observed is None else {PATH: Observed(digest_of(observed), 0o644)}
        old = (
            {}
            if record is None
            else {PATH: InstalledFile(PATH, "claude", "p", "r", digest_of(record[0]), digest_of(record[1]), 0o600)}
        )
        new = {} if wanted is None else {PATH: Rendering("claude", "p", "r", PATH, wanted)}
        assert plan(new, old, here, disk=never, base=never).changes[0].action is action
