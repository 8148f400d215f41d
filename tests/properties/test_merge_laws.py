"""The laws of merging: nobody's change is lost, and where git merges cleanly so do we, to the same text."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentpack.merge import MAX_BYTES, merge

WORDS = ("- Look.", "- Say.", "## Rules", "", "text", "---", "name: x", "  nested", "```", "1. one", "- Look.")
lines = st.lists(st.sampled_from(WORDS), max_size=12).map(lambda found: "".join(line + "\n" for line in found))
texts = st.one_of(lines, st.text(st.characters(codec="utf-8"), max_size=60)).map(str.encode)
anything = st.one_of(texts, st.binary(max_size=40))


@given(base=anything, ours=anything)
def test_when_nothing_new_came_ours_stays(base: bytes, ours: bytes) -> None:
    assert merge(base, ours, base).content == ours


@given(base=anything, theirs=anything)
def test_when_nothing_was_edited_the_new_text_is_taken(base: bytes, theirs: bytes) -> None:
    assert merge(base, base, theirs).content == theirs


@given(base=anything, both=anything)
def test_when_both_did_the_same_it_is_done_once(base: bytes, both: bytes) -> None:
    assert merge(base, both, both).content == both


@given(base=anything, ours=anything, theirs=anything)
def test_a_merge_is_a_text_or_conflicts_and_never_markers(base: bytes, ours: bytes, theirs: bytes) -> None:
    merged = merge(base, ours, theirs)
    assert (merged.content is None) == bool(merged.conflicts)
    if merged.content is not None:
        marker = b"<<<<<<<"
        assert merged.content.count(marker) <= ours.count(marker) + theirs.count(marker)
    for conflict in merged.conflicts:
        assert conflict.ours != conflict.theirs


@given(base=texts, ours=texts, theirs=texts)
def test_the_two_sides_are_equals(base: bytes, ours: bytes, theirs: bytes) -> None:
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert (one.content is None) == (other.content is None)


# A base in which every line is there once, so that it is beyond doubt which line a side changed.


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[str], list[str], list[str]]:
    """Lines, and two versions of them; each side takes lines out and puts lines of its own in."""
    count = draw(st.integers(1, 12))
    base = [f"- rule {number}" for number in range(count)]

    def version(side: str) -> list[str]:
        kept = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        own = draw(st.lists(st.integers(0, 3).map(lambda n: max(0, n - 2)), min_size=count + 1, max_size=count + 1))
        made = [f"- {side} 0.{i}" for i in range(own[0])]
        for number in range(count):
            made += [base[number]] if kept[number] else []
            made += [f"- {side} {number + 1}.{i}" for i in range(own[number + 1])]
        return made

    return base, version("ours"), version("theirs")


def joined(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


@given(sides())
def test_a_clean_merge_has_what_both_added_and_nothing_that_either_removed(
    found: tuple[list[str], list[str], list[str]],
) -> None:
    base, ours, theirs = found
    merged = merge(joined(base), joined(ours), joined(theirs))
    if merged.content is not None:
        made = merged.content.decode().splitlines()
        wanted = {*ours, *theirs} - {line for line in base if line not in ours or line not in theirs}
        assert set(made) == wanted
        assert len(made) == len(wanted)
        for side in (ours, theirs):
            assert [line for line in made if line in side] == [line for line in side if line in wanted]


@given(sides())
@settings(max_examples=60)
def test_where_git_merges_cleanly_so_do_we_to_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[list[str], list[str], list[str]]
) -> None:
    base, ours, theirs = found
    folder = tmp_path_factory.mktemp("merge")
    done = git_merge(folder, joined(base), joined(ours), joined(theirs))
    assume(done is not None)
    assert merge(joined(base), joined(ours), joined(theirs)).content == done


def git_merge(folder: Path, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What git makes of it; None when it finds a conflict."""
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(data)
    done = subprocess.run(
        ["git", "merge-file", "--stdout", "ours", "base", "theirs"], cwd=folder, capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


# -- examples ----------------------------------------------------------------------------------------------------------


def test_an_edit_of_one_rule_and_a_change_of_the_next_go_together() -> None:
    """Line by line this is a conflict to git, and none to a person."""
    base, ours, theirs = b"- one\n- two\n", b"- one, edited\n- two\n", b"- one\n- two, changed\n"
    assert merge(base, ours, theirs).content == b"- one, edited\n- two, changed\n"


def test_an_edit_of_one_field_and_a_change_of_the_next_go_together() -> None:
    base = b"---\nname: x\nmodel: opus\ncolor: blue\n---\nText.\n"
    ours = base.replace(b"opus", b"sonnet")
    theirs = base.replace(b"blue", b"red")
    assert merge(base, ours, theirs).content == base.replace(b"opus", b"sonnet").replace(b"blue", b"red")


def test_a_conflict_tells_the_rule_as_each_side_has_it() -> None:
    base = b"## Rules\n\n- one\n- two\n  more of two\n- three\n"
    merged = merge(base, base.replace(b"- two", b"- two, mine"), base.replace(b"- two", b"- two, yours"))
    assert merged.content is None
    assert [tuple(conflict) for conflict in merged.conflicts] == [
        ("- two\n  more of two", "- two, mine\n  more of two", "- two, yours\n  more of two")
    ]


def test_an_edit_of_a_rule_that_the_release_removes_is_a_conflict() -> None:
    base = b"- one\n- two\n- three\n"
    merged = merge(base, b"- one\n- two, mine\n- three\n", b"- one\n- three\n")
    assert merged.content is None
    assert [(conflict.ours.strip(), conflict.theirs.strip()) for conflict in merged.conflicts] == [("- two, mine", "")]


def test_text_that_is_not_utf8_is_a_conflict_and_not_a_crash() -> None:
    merged = merge(b"a\n", b"\xff\n", b"b\n")
    assert merged.content is None
    assert merged.conflicts[0].ours == "text that is not UTF-8"


def test_a_text_beyond_all_measure_is_a_conflict() -> None:
    merged = merge(b"a\n", b"b\n", b"c\n" * MAX_BYTES)
    assert merged.content is None
    assert merged.conflicts[0].ours == "more than 1024 KiB"


def test_line_ends_of_both_kinds_are_kept() -> None:
    base = b"- one\r\n- two\r\n- three\r\n- four\r\n"
    merged = merge(base, base.replace(b"one", b"ONE"), base.replace(b"four", b"FOUR"))
    assert merged.content == b"- ONE\r\n- two\r\n- three\r\n- FOUR\r\n"


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_last_line_need_not_end(end: str) -> None:
    base = f"- one\n- two\n- three{end}".encode()
    merged = merge(base, base.replace(b"one", b"ONE"), base + b" and more")
    assert merged.content == base.replace(b"one", b"ONE") + b" and more"
