"""The three states of a file, row by row, and what decisions made beforehand change."""

import pytest

from agentpack.changes.plan import NO_DECISIONS, Decisions, EditedFile, plan
from agentpack.errors import Unavailable
from agentpack.model.changes import FOLDER_OF_OTHERS, Action, Change, Observed, Plan
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


# Every decision: what becomes of the file, why, and what is written.

LOST = Unavailable("the text is nowhere")
CRLF = as_crlf(EDIT)


def decided(
    recorded: bytes | None,
    here: bytes | Observed | None,
    wanted: bytes | None,
    decisions: Decisions = NO_DECISIONS,
    *,
    base: bytes | None = R,
    lost: Unavailable | None = None,
) -> tuple[Action, str, bytes | None]:
    """What a plan says of one file: the action, the cause, and the bytes to write."""
    owner = ("claude", "data-reviewer", "reviewer")
    digest = None if recorded is None else text_digest(recorded)
    exact = digest_of(here) if isinstance(here, bytes) and b"\r" in here else None
    seen = Observed(text_digest(here), 0o644, exact=exact) if isinstance(here, bytes) else here
    (change,) = plan(
        {} if wanted is None else {PATH: Rendering(*owner, PATH, wanted, lost_text=lost)},
        {} if digest is None else {PATH: InstalledFile(PATH, *owner, digest, digest, 0o600)},
        {} if seen is None else {PATH: seen},
        disk=lambda path: here if isinstance(here, bytes) else b"",
        base=lambda file: base,
        decisions=decisions,
    ).changes
    assert change.theirs == (None if lost else wanted)
    return change.action, change.why, change.content


ALL, THIS, OTHERS = (
    Decisions(discard_edits=True, packs=packs) for packs in (None, frozenset({"data-reviewer"}), frozenset({"another"}))
)
KEEP, THEIRS = Decisions(on_conflict="keep"), Decisions(on_conflict="theirs")
HAND_COPIED = Decisions(hand_copied=frozenset({PATH}))
REFORMAT = Decisions(reformat=frozenset({PATH}))
OWN = Decisions(own=frozenset({"data-reviewer"}))
DECIDED_BY_HAND = b"- decided\n"


@pytest.mark.parametrize(
    ("before", "answers", "after"),
    [
        (NO_DECISIONS, {"a": "keep", "b": "keep"}, KEEP),
        (NO_DECISIONS, {"a": "keep", "b": "edit"}, Decisions(of_files={"a": "keep", "b": "edit"})),
        (Decisions(of_files={"a": "keep"}), {"b": "keep"}, Decisions(of_files={"a": "keep", "b": "keep"})),
        (Decisions(of_files={"a": "edit"}), {"a": "edit"}, Decisions(of_files={"a": "edit"})),
    ],
)
def test_one_answer_for_all_files_is_one_decision(before: Decisions, answers: dict[str, str], after: Decisions) -> None:
    assert before.with_answers(answers) == after


@pytest.mark.parametrize(
    ("recorded", "here", "wanted", "decisions", "expected"),
    [
        (R, OTHER, R, ALL, (Action.DISCARD, "", R)),
        (R, OTHER, R, THIS, (Action.DISCARD, "", R)),
        (R, OTHER, R, OTHERS, (Action.DRIFT, "", None)),
        (R, EDIT, NEW, OTHERS, (Action.MERGE, "", MERGED)),
        (R, CRLF, NEW, NO_DECISIONS, (Action.MERGE, "", as_crlf(MERGED))),
        (R, as_crlf(R), R, NO_DECISIONS, (Action.KEEP, "", None)),
        (None, as_crlf(NEW), NEW, NO_DECISIONS, (Action.ADOPT, "", None)),
        (None, OTHER, NEW, HAND_COPIED, (Action.CONFLICT, "foreign", None)),
        (None, OTHER, NEW, HAND_COPIED._replace(adopt=True), (Action.TAKE, "", None)),
        (None, OTHER, NEW, Decisions(adopt=True), (Action.DISCARD, "", NEW)),
        (None, as_crlf(OTHER), NEW, Decisions(adopt=True), (Action.DISCARD, "", as_crlf(NEW))),
        (None, OTHER, NEW, REFORMAT, (Action.CONFLICT, "foreign", None)),
        (None, OTHER, NEW, REFORMAT._replace(adopt_as_is=True), (Action.DISCARD, "", NEW)),
        (R, OTHER, R, REFORMAT, (Action.REPLACE, "", R)),
        (R, as_crlf(OTHER), R, REFORMAT, (Action.REPLACE, "", as_crlf(R))),
        (R, b"<<<<<<< a\n=======\n>>>>>>> b\n", NEW, KEEP, (Action.CONFLICT, "unmerged", None)),
        (R, b"<<<<<<< a\n=======\n>>>>>>> b\n", R, NO_DECISIONS, (Action.DRIFT, "", None)),
        (R, OTHER, NEW, NO_DECISIONS, (Action.CONFLICT, "merge", None)),
        (R, OTHER, NEW, Decisions(on_conflict="edit"), (Action.CONFLICT, "merge", None)),
        (R, OTHER, NEW, THEIRS, (Action.DISCARD, "", NEW)),
        (R, OTHER, NEW, KEEP, (Action.TAKE, "", None)),
        (R, OTHER, NEW, THEIRS._replace(of_files={PATH: "keep"}), (Action.TAKE, "", None)),
        (R, OTHER, NEW, KEEP._replace(of_files={PATH: "stop"}), (Action.CONFLICT, "merge", None)),
        (R, OTHER, NEW, KEEP._replace(of_files={"another.md": "theirs"}), (Action.TAKE, "", None)),
        (R, OTHER, None, NO_DECISIONS._replace(of_files={PATH: "keep"}), (Action.FORGET, "", None)),
        (R, OTHER, None, ALL, (Action.DELETE, "", None)),
        (R, OTHER, None, NO_DECISIONS, (Action.CONFLICT, "edited", None)),
        (R, OTHER, None, KEEP, (Action.FORGET, "", None)),
        (R, OTHER, None, THEIRS, (Action.DELETE, "", None)),
        (R, OTHER, None, THIS, (Action.DELETE, "", None)),
        (R, OTHER, None, OTHERS, (Action.CONFLICT, "edited", None)),
        (R, R, None, NO_DECISIONS, (Action.DELETE, "", None)),
        (R, R, None, OWN, (Action.CONFLICT, "own", None)),
        (R, EDIT, None, OWN, (Action.CONFLICT, "edited", None)),
        (R, R, None, OWN._replace(on_conflict="keep"), (Action.FORGET, "", None)),
        (R, R, None, OWN._replace(on_conflict="theirs"), (Action.DELETE, "", None)),
        (R, R, None, OWN._replace(discard_edits=True), (Action.DELETE, "", None)),
        (R, R, None, Decisions(own=frozenset({"another"})), (Action.DELETE, "", None)),
        (R, R, None, KEEP, (Action.DELETE, "", None)),
        (R, Observed(None, 0, "a folder"), None, KEEP, (Action.CONFLICT, "blocked", None)),
        (R, Observed(None, 0, "a folder"), None, Decisions(keep_files=True), (Action.FORGET, "", None)),
        (None, Observed(None, 0, "a folder"), NEW, Decisions(adopt=True), (Action.CONFLICT, "blocked", None)),
        (None, FOLDER_OF_OTHERS, NEW, Decisions(adopt=True), (Action.CONFLICT, "folder", None)),
        (R, None, None, NO_DECISIONS, (Action.FORGET, "", None)),
        (R, None, NEW, ALL, (Action.RESTORE, "", NEW)),
    ],
)
def test_what_becomes_of_a_file_is_decided_whole(
    recorded: bytes | None,
    here: bytes | Observed | None,
    wanted: bytes | None,
    decisions: Decisions,
    expected: tuple[Action, str, bytes | None],
) -> None:
    assert decided(recorded, here, wanted, decisions) == expected


BOTH = (b"- one, mine\n- two\n- three, mine\n", b"- one, mine\n- two\n- three, new\n")


@pytest.mark.parametrize(
    ("here", "decisions", "expected"),
    [
        (BOTH[0], NO_DECISIONS, (Action.CONFLICT, "merge", None)),
        (BOTH[0], KEEP, (Action.TAKE, "", None)),
        (BOTH[0], THEIRS, (Action.MERGE, "theirs", BOTH[1])),
        (as_crlf(BOTH[0]), THEIRS, (Action.MERGE, "theirs", as_crlf(BOTH[1]))),
        (b"- one\n- two\n- three, mine\n", THEIRS, (Action.DISCARD, "", NEW)),
    ],
)
def test_a_conflict_is_settled_place_by_place(
    here: bytes, decisions: Decisions, expected: tuple[Action, str, bytes | None]
) -> None:
    assert decided(R, here, NEW, decisions) == expected


def test_what_the_user_keeps_in_a_conflict_goes_with_what_only_the_release_changed() -> None:
    here, wanted = b"- one\n- two\n- three, mine\n", b"- one, new\n- two\n- three, new\n"
    assert decided(R, here, wanted, KEEP) == (Action.MERGE, "keep", b"- one, new\n- two\n- three, mine\n")
    assert decided(R, here, wanted, THEIRS) == (Action.DISCARD, "", wanted)


@pytest.mark.parametrize(
    ("observed", "rendered", "is_taken"), [(OTHER, NEW, True), (EDIT, NEW, False), (OTHER, R, False)]
)
def test_a_merge_by_hand_counts_for_the_two_texts_that_it_was_made_of(
    observed: bytes, rendered: bytes, is_taken: bool
) -> None:
    by_hand = EditedFile(digest_of(observed), digest_of(rendered), DECIDED_BY_HAND)
    wanted = (Action.MERGE, "", DECIDED_BY_HAND) if is_taken else (Action.CONFLICT, "merge", None)
    assert decided(R, OTHER, NEW, Decisions(edited={PATH: by_hand})) == wanted


def test_a_merge_by_hand_that_leaves_the_file_as_it_is_writes_nothing() -> None:
    by_hand = EditedFile(digest_of(OTHER), digest_of(NEW), OTHER)
    assert decided(R, OTHER, NEW, Decisions(edited={PATH: by_hand})) == (Action.TAKE, "", None)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        (NO_DECISIONS, (Action.CONFLICT, "unknown", None)),
        (KEEP, (Action.TAKE, "", None)),
        (THEIRS, (Action.DISCARD, "", NEW)),
        (ALL, (Action.DISCARD, "", NEW)),
    ],
)
def test_an_edit_of_a_text_that_nobody_has_is_kept_or_discarded_whole(
    decisions: Decisions, expected: tuple[Action, str, bytes | None]
) -> None:
    assert decided(R, EDIT, NEW, decisions, base=None) == expected


@pytest.mark.parametrize(
    ("recorded", "here", "wanted", "decisions", "expected"),
    [
        (R, EDIT, R, NO_DECISIONS, (Action.DRIFT, "", None)),
        (R, EDIT, R, OTHERS, (Action.DRIFT, "", None)),
        (R, EDIT, R, ALL, (Action.LOST, "", None)),
        (R, EDIT, NEW, NO_DECISIONS, (Action.LOST, "", None)),
        (R, None, R, NO_DECISIONS, (Action.LOST, "", None)),
        (None, OTHER, NEW, NO_DECISIONS, (Action.LOST, "", None)),
        (R, Observed(None, 0, "a folder"), R, NO_DECISIONS, (Action.CONFLICT, "blocked", None)),
    ],
)
def test_a_file_whose_text_is_nowhere_is_left_as_it_is(
    recorded: bytes | None,
    here: bytes | Observed | None,
    wanted: bytes,
    decisions: Decisions,
    expected: tuple[Action, str, bytes | None],
) -> None:
    assert decided(recorded, here, wanted, decisions, lost=LOST) == expected
