"""What differs between two texts or two lists of rules. The laws hold for any text, and nothing takes long."""

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentpack.compose.parse import parse_sections
from agentpack.differences.header import compare_fields, parts_of
from agentpack.differences.lines import edits, heading_above, hunks, lines_of, matches, unified
from agentpack.differences.parsed_files import parse_edited, parse_pristine
from agentpack.differences.rules import EDIT, Entry, compare, entries_in, entries_of, pair, recognise
from agentpack.differences.words import Span, excerpt, marked, paired
from agentpack.model.persona import Origin
from agentpack.model.rendering import Form

RELEASE = Origin("release", "reviews 1.0.0")
LINES = st.lists(st.sampled_from(["- a", "- b", "", "## A", "```", "x", "- a b c d", "\ttab", "é\r"]), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n", "\n\n"]))
BODY = """\
Intro.

## Rules

- Look before you change anything.
- Say what you saw, in numbers.
- Keep facts apart from opinion.

## End

- Stop when done.
"""


def known(body: str = BODY) -> tuple[Entry, ...]:
    """The entries of a body, each with an id made of its place."""
    found = entries_of(parse_sections(body))
    return tuple(entry._replace(id=f"id-{n}", origin=RELEASE) for n, entry in enumerate(found))


def changes(before: str, after: str) -> list[tuple[str, str | None, str]]:
    """What `compare` tells of an edit made by hand."""
    rules = known(before)
    now = recognise(rules, entries_in(after), edited=True)
    return [(change.change, change.id, change.entry.text) for change in compare(rules, now)]


# -- lines -------------------------------------------------------------------------------------------------------------


@given(TEXTS, TEXTS)
def test_the_edits_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    old, new = lines_of(before), lines_of(after)
    made: list[str] = []
    at = 0
    for edit in edits(old, new):
        made += old[at : edit.i] + new[edit.j : edit.j_end]
        at = edit.i_end
    assert made + old[at:] == new


@given(st.lists(st.integers(0, 6), max_size=60), st.lists(st.integers(0, 6), max_size=60), st.integers(0, 200))
def test_a_small_budget_gives_a_coarser_answer_and_never_a_wrong_one(
    before: list[int], after: list[int], budget: int
) -> None:
    old, new = [str(number) for number in before], [str(number) for number in after]
    end_i = end_j = 0
    for i, j, size in matches(old, new, budget=budget):
        assert i >= end_i and j >= end_j and size > 0
        assert old[i : i + size] == new[j : j + size]
        end_i, end_j = i + size, j + size


@given(TEXTS)
def test_equal_texts_have_no_hunks_and_no_patch(text: str) -> None:
    assert hunks(text, text) == []
    assert unified(text, text, "x.md") == ""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.none() | TEXTS, st.none() | TEXTS)
def test_git_applies_a_patch_to_the_new_text(tmp_path: Path, before: str | None, after: str | None) -> None:
    place = tmp_path / "some" / "file.md"
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    if before is not None:
        place.write_bytes(before.encode())
    patch = unified(before, after, "some/file.md")
    if patch:
        command = ["git", "apply", "--whitespace=nowarn", "-p1", "-"]
        env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
        subprocess.run(command, cwd=tmp_path, input=patch.encode(), check=True, env=env)
    here = place.read_bytes() if place.exists() else None
    assert here == (None if after is None else after.encode())


def test_a_patch_says_where_a_line_end_is_missing() -> None:
    assert unified("a\nb", "a\nb\n", "x.md") == (
        "diff --git a/x.md b/x.md\n--- a/x.md\n+++ b/x.md\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    )


def test_a_hunk_knows_the_heading_above_it_and_no_comment_in_code() -> None:
    text = "## One\n\n```\n# a comment\n```\n- rule\n"
    assert [hunk.heading for hunk in hunks(text, text.replace("rule", "law"))] == ["## One"]
    assert heading_above(text, text.index("rule")) == "## One"


def _noise(seed: int, size: int, words: int) -> str:
    """Lines of which each stands often in the text: the worst case of a naive comparison."""
    chosen = random.Random(seed)
    return "".join(f"{chosen.randrange(words)}\n" for _ in range(size))


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("size", "words"), [(200_000, 150), (100_000, 10**9), (300_000, 3)])
def test_a_megabyte_of_random_lines_is_compared(size: int, words: int) -> None:
    before, after = _noise(1, size, words), _noise(2, size, words)
    assert hunks(before, after)


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_changed_words_of_a_line_are_marked() -> None:
    spans = marked("- Say what you saw, in numbers.", "- Say what you saw, in plain words.")
    assert spans == (
        (Span("- Say what you saw, in ", False), Span("numbers", True), Span(".", False)),
        (Span("- Say what you saw, in ", False), Span("plain words", True), Span(".", False)),
    )


def test_lines_with_little_in_common_are_not_marked() -> None:
    assert marked("- Say what you saw.", "- Never touch production on Fridays, whoever asks.") is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_marked_spans_make_the_lines_again(before: str, after: str) -> None:
    found = marked(before, after)
    if found is not None:
        assert ["".join(span.text for span in side) for side in found] == [before, after]


@given(st.lists(st.text(max_size=8), max_size=8), st.lists(st.text(max_size=8), max_size=8))
def test_pairing_keeps_every_line_in_order(removed: list[str], added: list[str]) -> None:
    pairs = list(paired(removed, added))
    assert [old for old, _ in pairs if old is not None] == removed
    assert [new for _, new in pairs if new is not None] == added


def test_an_excerpt_keeps_what_changed_and_a_few_words_around_it() -> None:
    before = "one two three four five six seven eight nine ten old tail"
    spans = marked(before, before.replace("old", "new"))
    assert spans is not None
    assert "".join(span.text for span in excerpt(spans[0])) == "… eight nine ten old tail"


# -- rules -------------------------------------------------------------------------------------------------------------


@given(TEXTS)
def test_equal_texts_have_no_changed_rules(text: str) -> None:
    assert changes(text, text) == []


@given(TEXTS, TEXTS)
def test_a_pairing_takes_each_rule_once(before: str, after: str) -> None:
    pairs = pair(entries_in(before), entries_in(after))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_an_edited_rule_is_known_by_its_likeness() -> None:
    assert changes(BODY, BODY.replace("in numbers", "in plain words")) == [
        ("changed", "id-3", "- Say what you saw, in plain words.")
    ]


def test_a_rule_with_other_words_is_a_removed_and_an_added_one() -> None:
    assert changes(BODY, BODY.replace("- Stop when done.", "- Deploy on Fridays only.")) == [
        ("removed", "id-6", "- Stop when done."),
        ("added", None, "- Deploy on Fridays only."),
    ]


def test_a_rule_that_changed_its_place_has_moved() -> None:
    line = "- Look before you change anything.\n"
    moved = BODY.replace(line, "").replace("- Stop when done.\n", f"- Stop when done.\n{line}")
    assert changes(BODY, moved) == [("moved", "id-2", line.strip())]


def test_what_moves_with_its_section_has_not_moved_itself() -> None:
    intro, rules, end = BODY.partition("## Rules")[0], "## Rules" + BODY.partition("## Rules")[2], ""
    rules, _, end = rules.partition("## End")
    assert changes(BODY, f"{intro}## End{end}\n{rules}") in (
        [("moved", "id-1", "## Rules")],
        [("moved", "id-5", "## End")],
    )


def test_a_renamed_section_keeps_its_rules() -> None:
    assert changes(BODY, BODY.replace("## Rules", "## What to do")) == [("changed", "id-1", "## What to do")]


def test_line_ends_make_no_difference_to_rules() -> None:
    assert changes(BODY, BODY.replace("\n", "\r\n")) == []


def test_rules_with_ids_of_their_own_are_never_taken_for_each_other() -> None:
    one = Entry("item", "- Same words.", "Rules", "first", RELEASE)
    other = one._replace(id="second")
    assert [change.change for change in compare([one], [other])] == ["removed", "added"]


def test_an_edited_rule_remembers_what_it_was() -> None:
    rules = known()
    now = recognise(rules, entries_in(BODY.replace("in numbers", "in words")), edited=True)
    edited = [entry for entry in now if entry.origin == EDIT]
    assert [(entry.id, entry.was) for entry in edited] == [("id-3", rules[3])]


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_thousands_of_unlike_rules_are_compared() -> None:
    before = "".join(f"- {n * 7919} old {n}\n" for n in range(4_000))
    after = "".join(f"- {n * 104729} new {n}\n" for n in range(4_000))
    assert compare(entries_in(before), entries_in(after))


# -- fields ------------------------------------------------------------------------------------------------------------


def test_the_members_of_a_list_are_compared() -> None:
    (change,) = compare_fields({"tools": "Read, Bash"}, {"tools": "Read, WebFetch"})
    assert (change.added, change.removed) == (("WebFetch",), ("Bash",))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('---\nname: a\ntools: "Read, Bash"\n---\nBody\n', {"name": "a", "tools": "Read, Bash"}),
        ("---\nname: a\ntools: [Read, Bash]\n---\nBody\n", {"name": "a", "tools": ["Read", "Bash"]}),
        ("---\nname: a\ndescription: Use: [it\n---\nBody\n", {"name": "a", "description": "Use: [it"}),
        ("Body\n", {}),
    ],
)
def test_a_header_is_read_however_it_was_edited(text: str, fields: dict[str, object]) -> None:
    parts = parts_of(text, Form())
    assert (dict(parts.fields), parts.body) == (fields, "Body\n")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("toml", 'name = "a"\nprompt_text = "Body\\n"\n'),
        ("yaml", "name: a\nprompt_text: |\n  Body\n"),
        ("json", '{"name": "a", "prompt_text": "Body\\n"}'),
    ],
)
def test_the_body_is_under_the_key_that_the_client_names(form: str, text: str) -> None:
    parts = parts_of(text, Form(form, "prompt_text"))
    assert (dict(parts.fields), parts.body) == ({"name": "a"}, "Body\n")
    for other in ("{ not: a file [", *(('["abc"]', "[1]", "12", '"abc"') if form != "toml" else ())):
        assert (dict(parts_of(other, Form(form, "prompt_text")).fields), other) == ({}, other)
        assert parts_of(other, Form(form, "prompt_text")).body == other


def test_text_that_is_not_utf8_is_shown_in_escapes() -> None:
    pristine = parse_pristine(b"---\nname: a\n---\n- Rule.\n", Form(), None)
    edited = parse_edited(b"---\nname: a\n---\n- Rule \xff.\n", pristine)
    assert [entry.text for entry in edited.entries] == ["- Rule \\xff."]
