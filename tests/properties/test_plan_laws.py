"""A plan that was applied leaves nothing to do, and never writes over what it was not told about."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.changes.plan import Decisions, EditedFile, plan
from agentpack.merge import merge
from agentpack.model.changes import STILL, WRITES, Action, Observed, Plan
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_crlf, as_lf
from agentpack.model.names import Digest, digest_of, text_digest
from agentpack.model.rendering import Rendering

PATHS = ("a.md", "b.md", "c.md")
TEXTS = (
    b"- one\n- two\n- three\n",
    b"- one\n- two\n- three, new\n",
    b"- one, mine\n- two\n- three\n",
    b"foreign\n",
    b"",
)
CRLF = tuple(map(as_crlf, TEXTS))
contents = st.sampled_from((*TEXTS, *CRLF))
decisions = st.builds(
    Decisions,
    adopt=st.booleans(),
    adopt_as_is=st.booleans(),
    on_conflict=st.sampled_from(["stop", "keep", "theirs"]),
    of_files=st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["stop", "keep", "theirs"])),
    discard_edits=st.booleans(),
    keep_files=st.booleans(),
)


def seen(data: bytes) -> Observed:
    exact = None if as_lf(data) is data else digest_of(data)
    return Observed(text_digest(data), 0o644, exact=exact)


class World:
    """A disk and a record of it, in memory."""

    def __init__(self, disk: Mapping[str, bytes], record: Mapping[str, tuple[bytes, bytes]], blocked: set[str]) -> None:
        self.disk = dict(disk)
        self.blocked = blocked
        self.blobs: dict[Digest, bytes] = {}
        self.record = {path: self._installed(path, *sides) for path, sides in record.items()}

    def _installed(self, path: str, rendered: bytes, written: bytes) -> InstalledFile:
        return InstalledFile(path, "claude", "pack", path, self.keep(as_lf(rendered)), self.keep(written), 0o644)

    def keep(self, data: bytes) -> Digest:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def plan(self, wanted: Mapping[str, bytes], decided: Decisions) -> Plan:
        observed = {path: seen(data) for path, data in self.disk.items()}
        observed |= {path: Observed(None, 0o755, "a folder is in the way") for path in self.blocked}
        return plan(
            {path: Rendering("claude", "pack", path, path, data) for path, data in wanted.items()},
            self.record,
            observed,
            disk=self.disk.__getitem__,
            base=lambda file: self.blobs[file.rendered],
            decisions=decided,
        )

    def apply(self, planned: Plan) -> None:
        """What applying and recording come to."""
        for change in planned.changes:
            if change.action is Action.CONFLICT:
                continue
            if change.action in WRITES:
                assert change.content is not None
                self.disk[change.path] = change.content
            elif change.action is Action.DELETE:
                del self.disk[change.path]
            self.record.pop(change.path, None)
            if change.rendered is not None and change.theirs is not None:
                self.record[change.path] = self._installed(change.path, change.theirs, self.disk[change.path])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    disk = draw(st.dictionaries(st.sampled_from(PATHS), contents))
    record = draw(st.dictionaries(st.sampled_from(PATHS), st.tuples(contents, contents)))
    blocked = draw(st.sets(st.sampled_from(PATHS), max_size=1)) - disk.keys()
    return World(disk, record, blocked)


wishes = st.dictionaries(st.sampled_from(PATHS), contents)


@given(worlds(), wishes, decisions)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_after_an_apply_a_new_plan_does_nothing(world: World, wanted: dict[str, bytes], decided: Decisions) -> None:
    planned = world.plan(wanted, decided)
    world.apply(planned)
    again = world.plan(wanted, Decisions())
    left = {change.path for change in planned.conflicts}
    assert [change for change in again.changes if change.action not in STILL and change.path not in left] == []


@given(worlds(), wishes, decisions)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_every_path_is_decided_once_in_order(world: World, wanted: dict[str, bytes], decided: Decisions) -> None:
    planned = world.plan(wanted, decided)
    assert [change.path for change in planned.changes] == sorted({*wanted, *world.record})


@given(worlds(), wishes)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_without_a_decision_nothing_of_the_users_is_lost(world: World, wanted: dict[str, bytes]) -> None:
    """A file goes or is replaced only if it is as it was rendered; else what is written has the edit in it."""
    for change in world.plan(wanted, Decisions()).changes:
        here, old = world.disk.get(change.path), world.record.get(change.path)
        if change.action in (Action.REPLACE, Action.DELETE):
            assert old is not None
            assert text_digest(here or b"") == old.rendered
        if change.action in (Action.CREATE, Action.RESTORE):
            assert here is None
        if change.action is Action.MERGE:
            assert old is not None
            assert here is not None
            assert change.content == merge(world.blobs[old.rendered], here, wanted[change.path]).content
        assert change.action is not Action.DISCARD


BY_HAND = b"- one, by hand\n"


@given(worlds(), wishes, st.data())
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_a_merge_by_hand_counts_for_the_two_texts_it_was_made_of_and_no_other(
    world: World, wanted: dict[str, bytes], data: st.DataObject
) -> None:
    """Who edits the file again meanwhile, or gets another release, is asked again."""
    made_of = {}
    for path in {*wanted} & {*world.disk}:
        right = data.draw(st.tuples(st.booleans(), st.booleans()))
        made_of[path] = [
            now if is_right else data.draw(contents)
            for now, is_right in zip((world.disk[path], wanted[path]), right, strict=True)
        ]
    edited = {path: EditedFile(digest_of(here), text_digest(new), BY_HAND) for path, (here, new) in made_of.items()}
    without = world.plan(wanted, Decisions()).changes
    for change, before in zip(world.plan(wanted, Decisions(edited=edited)).changes, without, strict=True):
        here, new = made_of.get(change.path, (b"", b""))
        if before.why == "merge" and here == world.disk[change.path] and as_lf(new) == as_lf(wanted[change.path]):
            assert (change.action, as_lf(change.content or b"")) == (Action.MERGE, BY_HAND)
        else:
            assert change == before


@given(worlds(), wishes, decisions)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_a_file_keeps_its_line_ends(world: World, wanted: dict[str, bytes], decided: Decisions) -> None:
    for change in world.plan(wanted, decided).changes:
        here = world.disk.get(change.path)
        if here and change.content is not None:
            assert change.content == (as_crlf if here in CRLF else as_lf)(change.content)


@given(worlds(), wishes, decisions)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_line_ends_decide_nothing(world: World, wanted: dict[str, bytes], decided: Decisions) -> None:
    """The plan is the same for a disk on which git wrote every file otherwise."""
    before = world.plan(wanted, decided)
    world.disk = {path: as_lf(data) if data in CRLF else as_crlf(data) for path, data in world.disk.items()}
    after = world.plan(wanted, decided)
    assert [(change.path, change.action) for change in before.changes] == [
        (change.path, change.action) for change in after.changes
    ]


@given(worlds(), wishes, decisions)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_a_change_says_what_lies_there_once_it_is_applied(
    world: World, wanted: dict[str, bytes], decided: Decisions
) -> None:
    planned = world.plan(wanted, decided)
    world.apply(planned)
    for change in planned.changes:
        if change.action not in (Action.DELETE, Action.FORGET, Action.CONFLICT):
            assert change.written == digest_of(world.disk[change.path])
