"""The laws of merging: nobody's change is lost, and where git merges cleanly so do we, to the same text."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpack.merge import merge
from agentpack.merge.markers import MarkerLabels, with_markers
from agentpack.model.line_ends import in_form_of, plain

WORDS = ("- Look.", "- Say.", "## Rules", "", "text", "---", "name: x", "  nested", "```", "1. one", "- Look.")
lines = st.lists(st.sampled_from(WORDS), max_size=12).map(lambda found: "".join(line + "\n" for line in found))
mixed = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(("\n", "\r\n"))), max_size=8)
edited_anywhere = st.tuples(st.sampled_from(("", "\ufeff")), mixed).map(
    lambda found: found[0] + "".join(line + end for line, end in found[1])
)
texts = st.one_of(lines, edited_anywhere, st.text(st.characters(codec="utf-8"), max_size=60)).map(str.encode)
anything = st.one_of(texts, st.binary(max_size=40))


@given(base=anything, ours=anything)
def test_when_nothing_new_came_ours_stays(base: bytes, ours: bytes) -> None:
    assert merge(base, ours, base).content == ours


@given(base=anything, theirs=anything)
def test_when_nothing_was_edited_the_new_text_is_taken(base: bytes, theirs: bytes) -> None:
    assert merge(base, base, theirs).content == (
        base if plain(base) == plain(theirs) else in_form_of(base, plain(theirs))
    )


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
        kept = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=count, max_size=count))
        own = draw(st.lists(st.integers(0, 3).map(lambda n: max(0, n - 2)), min_size=count + 1, max_size=count + 1))
        made = [f"- {side} 0.{i}" for i in range(own[0])]
        for number in range(count):
            made += [base[number]] if kept[number] else []
            made += [f"- {side} {number + 1}.{i}" for i in range(own[number + 1])]
        return made

    return base, version("ours"), version("theirs")


def text(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def joined(lines: list[str]) -> bytes:
    return text(lines).encode()


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
@settings(max_examples=80)
def test_where_git_merges_cleanly_so_do_we_to_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[list[str], list[str], list[str]]
) -> None:
    base, ours, theirs = found
    folder = tmp_path_factory.mktemp("merge")
    done = git_merge(folder, joined(base), joined(ours), joined(theirs))
    if done is not None:
        assert merge(joined(base), joined(ours), joined(theirs)).content == done


def git_merge(folder: Path, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """What git makes of it; None when it finds a conflict."""
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(data)
    done = subprocess.run(
        ["git", "merge-file", "--stdout", "ours", "base", "theirs"], cwd=folder, capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


# A copy with markers, for a merge by hand.

LABELS = MarkerLabels("yours", "before", "new")
MARKERS = ("<<<<<<< yours", "||||||| before", "=======", ">>>>>>> new")


def resolved(marked: str, side: int) -> list[str]:
    """The lines that are left when one side (0 ours, 1 base, 2 theirs) is taken everywhere."""
    left, at = [], -1
    for line in marked.splitlines():
        if line in MARKERS:
            assert MARKERS.index(line) == at + 1, "markers out of order"
            at = MARKERS.index(line) if line != MARKERS[3] else -1
        elif at in (-1, side):
            left.append(line)
    assert at == -1
    return left


@given(sides())
def test_a_copy_with_markers_has_every_line_of_both_sides(found: tuple[list[str], list[str], list[str]]) -> None:
    base, ours, theirs = found
    marked = with_markers(text(base), text(ours), text(theirs), LABELS)
    mine, other = resolved(marked, 0), resolved(marked, 2)
    assert {line for line in ours if line not in base} <= set(mine)
    assert {line for line in theirs if line not in base} <= set(other)
    assert set(marked.splitlines()) <= {*base, *ours, *theirs, *MARKERS}
    if merge(joined(base), joined(ours), joined(theirs)).content is None:
        assert MARKERS[0] in marked.splitlines()


documents = lines.filter(lambda text: "=======" not in text)


@given(base=documents, ours=documents, theirs=documents, cut=st.booleans())
def test_markers_always_stand_on_lines_of_their_own(base: str, ours: str, theirs: str, cut: bool) -> None:
    one, mine, new = (side.removesuffix("\n") if cut else side for side in (base, ours, theirs))
    for side in range(3):
        resolved(with_markers(one, mine, new, LABELS), side)
