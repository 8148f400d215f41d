"""The laws of merging headers: values are merged, not lines, and the user's words stay where the release lets them."""

import json
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from support.reformatting import STYLES, reformatted, values_in

from agentpack.merge import merge
from agentpack.writers.emit import toml_document, yaml_entry, yaml_header

FORMS = ("markdown", "toml", "yaml", "json")
KEYS = ("name", "description", "model", "tools", "color", "effort", "limits")
BODY = "You review.\n\n- Look.\n- Say.\n- Ask.\n"
words = st.sampled_from(
    ["no", "1.10", "yes", "a: b", "it's", 'a "b"', "# no comment", "plain", "2026-11-23", "- x", ""]
)
grants = st.sampled_from(["allow", "deny"])
values = st.one_of(
    words,
    st.text("ab 'ü🐍\"#:-{}[],&*!|>%@`\\", max_size=8),
    st.integers(-3, 3),
    st.booleans(),
    st.lists(words, max_size=3),
    st.dictionaries(st.sampled_from(["*", "read", "shell"]), grants, min_size=1, max_size=2),
)
headers = st.dictionaries(st.sampled_from(KEYS), values, min_size=1)


def written(form: str, header: dict[str, Any], body: str = BODY) -> str:
    """A file as agentpack renders it."""
    if form == "markdown":
        return yaml_header(header) + body
    fields = {**header, "prompt": body}
    if form == "json":
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
    return toml_document(fields) if form == "toml" else yaml_entry(fields)


class Story(NamedTuple):
    form: str
    base: dict[str, Any]
    ours: dict[str, Any]
    theirs: dict[str, Any]
    wanted: dict[str, Any]
    """What a person would make of both."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A header, and fields that either side set or took out, never both the same one."""
    base, fresh = draw(headers), draw(headers)
    owner = {key: draw(st.sampled_from(["ours", "theirs", "none", "none"])) for key in KEYS}

    def side(names: tuple[str, ...]) -> dict[str, Any]:
        mine = {key for key in KEYS if owner[key] in names}
        kept = {key: value for key, value in base.items() if key not in mine}
        return {**kept, **{key: value for key, value in fresh.items() if key in mine}}

    form = draw(st.sampled_from(FORMS))
    return Story(form, base, side(("ours",)), side(("theirs",)), side(("ours", "theirs")))


orders = st.lists(st.integers(0, 3), min_size=len(KEYS), max_size=len(KEYS))


@given(story=stories(), order=orders, style=st.sampled_from(STYLES), comment=st.sampled_from(["", "# mine"]))
def test_fields_that_only_one_side_changed_are_no_conflict_however_they_are_written(
    story: Story, order: list[int], style: str, comment: str
) -> None:
    form = story.form
    base, theirs = (written(form, side) for side in (story.base, story.theirs))
    ours = reformatted(form, written(form, story.ours), order, style, comment)
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is not None, merged.conflicts
    assert values_in(form, merged.content.decode()) == values_in(form, written(form, story.wanted))


@given(story=stories(), order=orders, style=st.sampled_from(STYLES))
def test_who_only_wrote_the_header_in_other_words_gets_the_values_of_the_release(
    story: Story, order: list[int], style: str
) -> None:
    form = story.form
    base, theirs = (written(form, side) for side in (story.base, story.theirs))
    ours = reformatted(form, base, order, style)
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is not None, merged.conflicts
    assert values_in(form, merged.content.decode()) == values_in(form, theirs)


@given(story=stories(), order=orders, style=st.sampled_from(STYLES), mine=st.booleans())
def test_edits_of_the_body_and_of_the_header_go_together(
    story: Story, order: list[int], style: str, mine: bool
) -> None:
    form, one, other = story.form, BODY.replace("Look.", "Look twice."), BODY.replace("Say.", "Say it.")
    base = written(form, story.base)
    ours = reformatted(form, written(form, story.ours, one if mine else BODY), order, style)
    theirs = written(form, story.theirs, other)
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is not None, merged.conflicts
    both = one.replace("Say.", "Say it.") if mine else other
    assert values_in(form, merged.content.decode()) == values_in(form, written(form, story.wanted, both))


WAYS = (("was", "mine", "new"), ("was", "mine", None), ("was", None, "new"), (None, "mine", "new"))
"""What base, ours and theirs say in a field that both sides changed; None where it is not there."""


@given(
    story=stories(),
    order=orders,
    style=st.sampled_from(STYLES),
    key=st.sampled_from(KEYS),
    way=st.sampled_from(WAYS),
)
def test_a_field_that_both_changed_otherwise_or_one_took_out_is_the_only_conflict(
    story: Story, order: list[int], style: str, key: str, way: tuple[str | None, ...]
) -> None:
    form = story.form
    sides = [{**side, key: value} for side, value in zip(story[1:4], way, strict=True)]
    base, mine, new = ({name: value for name, value in side.items() if value is not None} for side in sides)
    ours = reformatted(form, written(form, mine), order, style)
    merged = merge(written(form, base).encode(), ours.encode(), written(form, new).encode(), form=form)
    assert merged.content is None
    assert len(merged.conflicts) == 1
    for piece, value in zip(merged.conflicts[0], way, strict=True):
        assert piece.strip().lstrip("'\"").startswith(key) if value else not piece
        assert (value or "") in piece


@st.composite
def doubled(draw: st.DrawFn) -> tuple[list[str], list[str], list[str], list[str]]:
    """The lines of a header of two to five fields as base, ours and theirs have it, and as a person would have both.

    Each side has changed fields and dropped some, never the same ones, and one of the three has some of them twice,
    which no reader of YAML takes.
    """
    was = [f"{key}: was" for key in KEYS[: draw(st.integers(2, 5))]]
    is_ours = [draw(st.booleans()) for _ in was]
    now = [draw(st.sampled_from((line, line.replace("was", "now"), ""))) for line in was]
    twice = [draw(st.sampled_from(("", "", f"{line} too"))) for line in was]
    by = draw(st.sampled_from(("base", "ours", "theirs")))

    def lines(ours: bool, theirs: bool) -> list[str]:
        found: list[str] = []
        for line, own, changed, again in zip(was, is_ours, now, twice, strict=True):
            has_again = by == "base" or (ours if by == "ours" else theirs)
            found += [changed if (ours if own else theirs) else line, again if has_again else ""]
        return [line for line in found if line]

    return lines(False, False), lines(True, False), lines(False, True), lines(True, True)


@given(doubled())
def test_a_field_that_stands_twice_loses_no_line(sides: tuple[list[str], ...]) -> None:
    base, ours, theirs, wanted = ("\n".join(["---", "name: x", *side, "---", "Text."]).encode() for side in sides)
    assert merge(base, ours, theirs).content in (wanted, None)


# Headers of any kind, also such as no client reads.

NASTY = (
    *("name: x", "'name': y", "name : z", "tools: [a, b]", "tools:", "  - a", "# note", "", "model: |2-", "  text"),
    *("description: Use when: x", "? k", ": v", "a: {b: 1,", "  c: 2}", "{x: 1}", "&a b", "- z", "x: *a", "---", "..."),
    *(
        "a = 1",
        "a.b = 2",
        "[t]",
        "[[l]]",
        "x = '''",
        'y = """',
        "'''",
        "z = [",
        "  1, # c",
        "]",
        "q = {a = 1}",
        "k: 'a",
    ),
)
nasty = st.lists(st.sampled_from(NASTY), max_size=8).map("\n".join)
fences = st.sampled_from([("---\n", "\n---\nText.\n"), ("", "\n")])


@given(base=nasty, ours=nasty, theirs=nasty, fence=fences, key=st.sampled_from(("name: x", "a = 1")))
def test_headers_of_any_kind_are_merged_or_told_alike_for_both_sides(
    base: str, ours: str, theirs: str, fence: tuple[str, str], key: str
) -> None:
    old, mine, new = (f"{fence[0]}{key}\n{text}{fence[1]}".encode() for text in (base, ours, theirs))
    one, other = merge(old, mine, new), merge(old, new, mine)
    assert (one.content is None) == bool(one.conflicts)
    assert (one.content is None) == (other.content is None)
