"""What merging comes to for people: rules and fields are wholes, and a conflict is told as each side has it."""

import json
import re
import subprocess
import sys

import pytest
from support.reformatting import values_in

from agentpack.compose.parse import parse_sections
from agentpack.differences.rules import Entry, entries_in, entries_of
from agentpack.merge import MAX_BYTES, KnownEntries, merge, resolved
from agentpack.merge.fields import same_value
from agentpack.merge.markers import MarkerLabels, with_markers
from agentpack.merge.rules import carry_edits
from agentpack.model.changes import Conflict, Draft


def test_an_edit_of_one_rule_and_a_change_of_the_next_go_together() -> None:
    """Line by line this is a conflict to git, and none to a person."""
    base, ours, theirs = b"- one\n- two\n", b"- one, edited\n- two\n", b"- one\n- two, changed\n"
    assert merge(base, ours, theirs).content == b"- one, edited\n- two, changed\n"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_rule_that_one_side_takes_out_and_a_change_of_the_next_go_together(swapped: bool) -> None:
    base, sides = b"- one\n- two\n- three\n", (b"- two\n- three\n", b"- one\n- two, changed\n- three\n")
    assert merge(base, *(reversed(sides) if swapped else sides)).content == b"- two, changed\n- three\n"


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


LISTED = "\n## Skills\n\n- When it fails: load the skill `x-errors`.\n"
"""The section that names the skills, which agentpack writes at the end."""


@pytest.mark.parametrize("added", ["- mine\n", "\n## Mine\n\n- mine\n"])
@pytest.mark.parametrize("before", ["", LISTED])
@pytest.mark.parametrize("after", [LISTED, LISTED + "- When it is slow: load the skill `x-fast`.\n"])
@pytest.mark.parametrize("top", ["", "---\nname: x\n---\n"])
def test_what_stands_at_the_end_goes_above_the_list_of_skills(added: str, before: str, after: str, top: str) -> None:
    base, theirs = f"{top}## Rules\n\n- one\n- two\n", f"{top}## Rules\n\n- one, changed\n- two\n"
    merged = merge((base + before).encode(), (base + before + added).encode(), (theirs + after).encode())
    assert merged.content is not None
    assert merged.content.decode() == theirs + added + after


def test_a_list_of_skills_that_the_release_no_longer_has_is_gone() -> None:
    base, ours, theirs = (text.encode() for text in ("- one\n" + LISTED, "- one\n" + LISTED + "- mine\n", "- 1\n"))
    assert merge(base, ours, theirs).content == b"- 1\n- mine\n"


def test_a_list_of_skills_in_a_file_whose_header_cannot_be_read_stays_where_it_is() -> None:
    base = f"x = [\ntext = '''\n- one\n{LISTED}'''\n".encode()
    merged = merge(base, base.replace(b"- one", b"- mine"), base.replace(b"x = [", b"y = ["), form="toml")
    assert merged.content == base.replace(b"- one", b"- mine").replace(b"x = [", b"y = [")


def test_text_that_is_not_utf8_is_a_conflict_and_not_a_crash() -> None:
    merged = merge(b"a\n", b"\xff\n", b"b\n")
    assert merged.content is None
    assert merged.conflicts[0].ours == "text that is not UTF-8"


@pytest.mark.parametrize("longest", range(3))
def test_a_text_beyond_all_measure_is_a_conflict(longest: int) -> None:
    base, ours, theirs = (text * (MAX_BYTES if n == longest else 1) for n, text in enumerate((b"a\n", b"b\n", b"c\n")))
    merged = merge(base, ours, theirs)
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


def test_what_is_between_two_rules_never_decides_which_belong_together() -> None:
    """Every rule ends in the same line end: were it counted, a rule put in could land behind the wrong one."""
    base = b"- rule 0\n- rule 1\n- rule 2\n- rule 3\n"
    ours = b"- rule 0\n- mine\n- rule 1\n- rule 2\n"
    theirs = b"- rule 1\n- new\n- rule 2\n"
    assert merge(base, ours, theirs).content == b"- mine\n- rule 1\n- new\n- rule 2\n"


def test_several_conflicts_are_all_told() -> None:
    base = b"- one\n- two\n- three\n"
    merged = merge(base, b"- one, a\n- two\n- three, a\n", b"- one, b\n- two\n- three, b\n")
    assert [(conflict.ours, conflict.theirs) for conflict in merged.conflicts] == [
        ("- one, a", "- one, b"),
        ("- three, a", "- three, b"),
    ]


def test_two_rules_put_in_at_the_same_place_are_a_conflict() -> None:
    base = b"- one\n- two\n"
    merged = merge(base, b"- one\n- mine\n- two\n", b"- one\n- new\n- two\n")
    assert merged.content is None
    assert len(merged.conflicts) == 1


def carry(base: str, edit: tuple[str, str], theirs: str) -> Draft | None:
    """The new release's text with the edit in it; headings and rules have ids in both, hidden in the texts."""
    plain, wanted = (ID.sub("", text) for text in (base, theirs))
    return carry_edits(plain, plain.replace(*edit), wanted, KnownEntries(_with_ids(base), _with_ids(theirs)))


ID = re.compile(" {#([a-z]+)}")


def _with_ids(text: str) -> tuple[Entry, ...]:
    found = zip(entries_of(parse_sections(text)), entries_of(parse_sections(ID.sub("", text))), strict=True)
    return tuple(plain._replace(id=next(iter(ID.findall(marked.text)), None)) for marked, plain in found)


def carried(base: str, edit: tuple[str, str], theirs: str) -> str:
    draft = carry(base, edit, theirs)
    assert draft is not None
    return resolved(draft, 0)


def test_a_section_of_ours_never_splits_a_section_of_the_release() -> None:
    """The release puts the section it stood before below another one: what is below that stays there."""
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n\n## C {#c}\n\n- three {#three}\n"
    theirs = "## A {#a}\n\n- one {#one}\n\n## Both {#both}\n\n- five {#five}\n\n### C {#c}\n\n- three {#three}\n"
    merged = carried(base, ("## C", "## Ours\n\n- four\n\n## C"), theirs)
    assert merged == "## A\n\n- one\n\n## Ours\n\n- four\n\n## Both\n\n- five\n\n### C\n\n- three\n"


def test_a_section_of_ours_stands_behind_all_that_is_below_the_section_before_it() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## A {#a}\n\n- zero\n\n### Deeper\n\n- one {#one}\n\n## Z\n\n- five\n"
    merged = carried(base, ("## B", "## Ours\n\n- four\n\n## B"), theirs)
    assert merged == "## A\n\n- zero\n\n### Deeper\n\n- one\n\n## Ours\n\n- four\n\n## Z\n\n- five\n"


def test_two_sections_of_ours_keep_the_blank_line_between_them() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## B {#b}\n\n- two {#two}\n\n## A {#a}\n\n- one {#one}\n"
    merged = carried(base, ("## B", "## Ours\n\n- four\n\n## More\n\n- five\n\n## B"), theirs)
    assert merged == "## Ours\n\n- four\n\n## More\n\n- five\n\n## B\n\n- two\n\n## A\n\n- one\n"


def test_a_rule_in_the_place_of_two_stands_in_the_conflict_of_the_first() -> None:
    base = "- one {#one}\n- two {#two}\n- three {#three}\n"
    theirs = "- three {#three}\n- one, new {#one}\n- two, new {#two}\n"
    draft = carry(base, ("- one\n- two\n", "- mine\n"), theirs)
    assert [tuple(found) for found in draft or () if isinstance(found, Conflict)] == [
        ("- one", "- mine", "- one, new"),
        ("- two", "", "- two, new"),
    ]


def test_a_rule_of_ours_behind_a_blank_line_stays_behind_one() -> None:
    draft = carry("- one {#one}\n\n", ("- one\n\n", "- one, mine\n\n- two\n"), "- one {#one}\n")
    assert resolved(draft or (), 0) == "- one, mine\n\n- two\n"


STYLE = "You work.\n\n## Style\n\n- Be brief.\n- Use plain words.\n\n## Output\n\n- A table.\n"


@pytest.mark.parametrize("top", ["", "---\nname: x\n---\n"])
@pytest.mark.parametrize(
    ("changes", "expected"),
    {
        "the rule before it is other words, and a section follows": (
            {"words.": "words, always.", "## Output": "## House\n\n- Ours.\n\n## Output"},
            "## Style\n\n- Be brief.\n- Use plain words, always.\n- Mine.\n\n## House\n\n- Ours.\n\n## Output",
        ),
        "the section has another heading": (
            {"words.": "words, always.", "## Style": "## Tone"},
            "## Tone\n\n- Be brief.\n- Use plain words, always.\n- Mine.\n\n## Output",
        ),
        "the section is gone": (
            {"## Style\n\n- Be brief.\n- Use plain words.\n\n": ""},
            "You work.\n\n## Output\n\n- A table.\n\n## Style\n\n- Mine.\n",
        ),
        "the section is gone, and a rule of it is elsewhere": (
            {"## Style\n\n- Be brief.\n- Use plain words.\n\n": "", "- A table.": "- A table.\n- Be brief."},
            "## Output\n\n- A table.\n- Be brief.\n- Mine.\n",
        ),
    }.values(),
)
def test_a_rule_of_ours_at_the_end_of_a_section_stays_in_it(changes: dict[str, str], expected: str, top: str) -> None:
    ours, theirs = STYLE.replace("words.\n", "words.\n- Mine.\n"), STYLE
    for was, now in changes.items():
        theirs = theirs.replace(was, now)
    sides = [(top + text).encode() for text in (STYLE, ours, theirs)]
    merged = merge(sides[0], sides[1], sides[2], lambda: KnownEntries((), ()))
    assert merged.content is not None
    assert expected in merged.content.decode()
    assert merged.content.decode().count("Mine.") == 1


def test_two_rules_of_ours_in_a_section_that_is_gone_stand_below_its_heading() -> None:
    ours = STYLE.replace("- Use", "- Mine.\n- Use").replace("words.\n", "words.\n- Mine, too.\n")
    theirs = STYLE.replace("## Style\n\n- Be brief.\n- Use plain words.\n\n", "")
    merged = merge(STYLE.encode(), ours.encode(), theirs.encode(), lambda: KnownEntries((), ()))
    assert merged.content == f"{theirs}\n## Style\n\n- Mine.\n- Mine, too.\n".encode()


def test_a_rule_of_ours_stays_in_its_section_when_the_rule_before_it_moves_away() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n"
    theirs = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- three {#three}\n- two {#two}\n"
    merged = carried(base, ("- two\n", "- two\n- mine\n"), theirs)
    assert merged == "## A\n\n- one\n- mine\n\n## B\n\n- three\n- two\n"


def test_headings_that_the_user_took_out_go_where_the_release_moved_what_they_stood_below() -> None:
    base = "## A {#a}\n\n### B {#b}\n\n### C {#c}\n\n"
    draft = carry(base, ("### B\n\n### C\n\n", "Mine.\n\n"), "### B {#b}\n\n### C {#c}\n\n## A {#a}\n\n")
    assert draft == ("## A\n\nMine.\n",)


def test_the_same_change_on_both_sides_is_made_once_beside_others() -> None:
    base = b"- one\n- two\n- three\n- four\n"
    ours = b"- ONE\n- two\n- three, mine\n- four\n"
    theirs = b"- ONE\n- two\n- three\n- FOUR\n"
    assert merge(base, ours, theirs).content == b"- ONE\n- two\n- three, mine\n- FOUR\n"


def test_blank_lines_at_the_beginning_are_no_part_of_a_conflict() -> None:
    merged = merge(b"\n- one\n", b"\n- one, mine\n", b"\n- one, new\n")
    assert [tuple(conflict) for conflict in merged.conflicts] == [("- one", "- one, mine", "- one, new")]


@pytest.mark.campaign
def test_a_long_text_of_repeated_lines_is_merged_in_bounded_work() -> None:
    words = [f"- rule {n % 50}\n" for n in range(30_000)]
    base = "".join(words).encode()
    ours = "".join([*words[:100], "- mine\n", *words[100:]]).encode()
    theirs = "".join([*words[:20_000], "- new\n", *words[20_000:]]).encode()
    wanted = "".join([*words[:100], "- mine\n", *words[100:20_000], "- new\n", *words[20_000:]]).encode()
    assert merge(base, ours, theirs).content == wanted
    clashing = merge(base, ours.replace(b"- mine", b"- mine\n- rule 3, mine"), ours.replace(b"- mine", b"- theirs"))
    assert len(clashing.conflicts) == 1


@pytest.mark.parametrize("at", [0, 1, 1250, 2499, 2500])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_long_text_is_merged_from_its_first_line_to_its_last(at: int, swapped: bool) -> None:
    rules = [f"- rule {number}\n" for number in range(2500)]
    rules[700] = "- rule 700\n  first\n  second\n  third\n"
    there = "".join([*rules[:at], "- mine\n", *rules[at:]]).replace("first", "first, mine")
    sides = (there, "".join(rules).replace("third", "third, new"))
    base, ours, theirs = (side.encode() for side in ("".join(rules), *(reversed(sides) if swapped else sides)))
    assert merge(base, ours, theirs).content == there.replace("third", "third, new").encode()


# Headers: values, not lines.

HEADER = b"---\nname: x\ndescription: Reviews.\ntools: Read, Grep\nmodel: opus\n---\nText.\n"


def test_the_words_of_a_field_are_the_users_where_the_release_left_its_value() -> None:
    ours = HEADER.replace(
        b"description: Reviews.\ntools: Read, Grep", b"description:  'Reviews.'\ntools: \"Read, Grep\""
    )
    theirs = HEADER.replace(b"tools: Read, Grep", b"tools: Read")
    assert merge(HEADER, ours, theirs).content == ours.replace(b'"Read, Grep"', b"Read")


@pytest.mark.parametrize("description", ["Reviews.", r'"Reviews\u200b all."', '"Reviews: all."'])
def test_a_list_in_a_block_is_no_conflict_with_a_release_that_changes_it(description: str) -> None:
    """Also beside an escape that no reader sees: others warn of it."""
    base = HEADER.replace(b"Read, Grep", b"[Read, Grep]").replace(b"Reviews.", description.encode())
    ours = base.replace(b"[Read, Grep]", b"\n  - Read\n  - Grep  # to find things")
    merged = merge(base, ours, base.replace(b"[Read, Grep]", b"[Read]"))
    assert merged.content == base.replace(b"tools: [Read, Grep]", b"# to find things\ntools: [Read]")


def test_a_comment_of_toml_beside_a_value_that_the_release_changes_stands_above_it() -> None:
    base = b'name = "x"\nmodel = "opus"\n'
    ours = base.replace(b'"opus"', b'"opus"  # we pay for it')
    merged = merge(base, ours, base.replace(b"opus", b"haiku"), form="toml")
    assert merged.content == b'name = "x"\n# we pay for it\nmodel = "haiku"\n'


def test_a_field_that_the_release_takes_out_is_gone_where_the_user_moved_it() -> None:
    """Line by line it would stay: a line taken out here and put in there."""
    ours = HEADER.replace(b"model: opus\n", b"").replace(b"name: x\n", b"model: opus\nname: x\n")
    assert merge(HEADER, ours, HEADER.replace(b"model: opus\n", b"")).content == HEADER.replace(b"model: opus\n", b"")


def test_a_field_that_the_user_takes_out_is_gone_where_the_release_moved_it() -> None:
    ours = HEADER.replace(b"model: opus\n", b"").replace(b"Text.", b"Text of mine.")
    theirs = HEADER.replace(b"model: opus\n", b"").replace(b"name: x\n", b"model: opus\nname: x\n")
    assert merge(HEADER, ours, theirs).content == ours


def test_a_comment_above_a_field_of_the_users_stands_once() -> None:
    base = HEADER.replace(b"tools:", b"# note\n\ntools:")
    ours = base.replace(b"# note\n", b"# note\ncolor: blue\n")
    theirs = base.replace(b"tools: Read, Grep\n", b"")
    assert merge(base, ours, theirs).content == ours.replace(b"tools: Read, Grep\n", b"")


def test_a_field_that_both_put_in_stands_where_the_user_has_it() -> None:
    ours = HEADER.replace(b"name: x\n", b"name: x\neffort: high\n")
    theirs = HEADER.replace(b"tools:", b"color: red\ntools:").replace(b"opus\n", b"opus\neffort: high\n")
    assert merge(HEADER, ours, theirs).content == ours.replace(b"tools:", b"color: red\ntools:")


def test_a_field_of_the_users_stays_on_top() -> None:
    ours = HEADER.replace(b"name: x\n", b"effort: high\nname: x\n").replace(b"Read, Grep", b"Read")
    theirs = HEADER.replace(b"opus", b"haiku")
    assert merge(HEADER, ours, theirs).content == ours.replace(b"opus", b"haiku")


def test_a_table_of_toml_keeps_all_its_keys() -> None:
    base = b'name = "x"\nmodel = "a"\n\n[table]\nkey = 1\nmore = 2\n'
    merged = merge(base, base.replace(b'"a"', b'"b"'), base.replace(b'"x"', b'"y"'), form="toml")
    assert merged.content == base.replace(b'"a"', b'"b"').replace(b'"x"', b'"y"')


def test_a_field_that_both_put_in_at_different_places_is_a_conflict() -> None:
    ours = HEADER.replace(b"name: x\n", b"name: x\neffort: high\n")
    theirs = HEADER.replace(b"model: opus\n", b"model: opus\neffort: low\n")
    assert [tuple(found) for found in merge(HEADER, ours, theirs).conflicts] == [
        ("", "effort: high\n", "effort: low\n")
    ]


@pytest.mark.parametrize("form", ["markdown", "toml"])
def test_a_number_that_both_change_is_a_conflict_like_a_text(form: str) -> None:
    texts = {"markdown": b"---\nname: x\nturns: 5\n---\nText.\n", "toml": b'name = "x"\nturns = 5\n'}
    base, field = texts[form], b"turns: 5\n" if form == "markdown" else b"turns = 5\n"
    merged = merge(base, base.replace(b"5", b"6"), base.replace(b"5", b"7"), form=form)
    sides = (field.replace(b"5", value).decode() for value in (b"5", b"6", b"7"))
    assert [tuple(found) for found in merged.conflicts] == [tuple(sides)]


@pytest.mark.parametrize("side", ["ours", "theirs", "both"])
def test_the_text_of_the_side_that_changed_it_stands_below_a_header_merged_by_fields(side: str) -> None:
    text = b"- One.\n- Two.\n- Three.\n- Four.\n"
    base = HEADER.replace(b"Text.\n", text)
    ours, theirs = base.replace(b"Read, Grep", b"Read"), base.replace(b"opus", b"haiku")
    ours = ours.replace(b"One", b"Mine") if side != "theirs" else ours
    theirs = theirs.replace(b"Four", b"New") if side != "ours" else theirs
    merged = ours.replace(b"opus", b"haiku")
    assert merge(base, ours, theirs).content == (merged.replace(b"Four", b"New") if side != "ours" else merged)


def test_a_field_that_the_user_left_alone_is_written_as_the_release_writes_it() -> None:
    ours = HEADER.replace(b"Reviews.", b"Reviews mine.")
    theirs = HEADER.replace(b"Read, Grep\nmodel: opus", b"Read\nmodel: 'opus'")
    assert merge(HEADER, ours, theirs).content == theirs.replace(b"Reviews.", b"Reviews mine.")


def test_a_comment_above_a_field_that_goes_stays() -> None:
    ours = HEADER.replace(b"model: opus", b"# we pay for opus\nmodel: 'opus'")
    theirs = HEADER.replace(b"model: opus\n", b"").replace(b"Reviews.", b"Reviews all.")
    assert merge(HEADER, ours, theirs).content == theirs.replace(b"\n---\nText", b"\n# we pay for opus\n---\nText")


def test_a_header_that_is_no_yaml_is_merged_by_its_lines() -> None:
    base = HEADER.replace(b"Reviews.", b"Use when: it matters")
    ours, theirs = base.replace(b"model: opus", b"model: 'opus'"), base.replace(b"Read, Grep", b"Read")
    assert merge(base, ours, theirs).content == ours.replace(b"Read, Grep", b"Read")
    assert merge(base, ours, base.replace(b"opus", b"haiku")).content is None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_editors_line_ends_and_byte_order_mark_are_no_change(mark: bytes) -> None:
    ours = mark + HEADER.replace(b"Grep", b"Grep, Bash").replace(b"\n", b"\r\n")
    theirs = HEADER.replace(b"opus", b"haiku").replace(b"Text.", b"New text.")
    merged = merge(HEADER, ours, theirs)
    assert merged.content == ours.replace(b"opus", b"haiku").replace(b"Text.", b"New text.")


def test_the_order_of_a_map_is_a_value_since_some_clients_take_its_last_match() -> None:
    base = b'---\nname: x\npermission: {"*": deny, read: allow}\n---\n'
    ours = base.replace(b'{"*": deny, read: allow}', b'{read: allow, "*": deny}')
    assert merge(base, ours, base.replace(b"read: allow}", b"read: allow, bash: ask}")).content is None


@pytest.mark.parametrize("tools", ["[Read, Grep]", "\n- Read\n- Grep", "'Read, Grep'"])
def test_a_list_and_its_texts_between_commas_are_one_value(tools: str) -> None:
    base = b'---\nname: x\ntools: "Read, Grep"\n---\nText.\n'
    theirs = base.replace(b"Read, Grep", b"Read")
    assert merge(base, base.replace(b'"Read, Grep"', tools.encode()), theirs).content == theirs
    assert merge(base, base.replace(b'"Read, Grep"', b"[Grep]"), theirs).content is None


def test_a_merge_by_lines_loads_no_yaml() -> None:
    program = (
        "import sys; from agentpack.merge import merge; "
        "merge(b'- a\\n- b\\n- c\\n', b'- A\\n- b\\n- c\\n', b'- a\\n- b\\n- C\\n'); print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("tools", ["[Read, 5]", "[5]", "[]", "[[Read, Grep]]", "[Read, Grep, Bash]", "5", "{Read: 1}"])
def test_a_list_of_anything_else_is_another_value(tools: str) -> None:
    base = b'---\nname: x\ntools: "Read, Grep"\nmodel: opus\n---\nText.\n'
    ours = base.replace(b'"Read, Grep"', tools.encode())
    assert merge(base, ours, base.replace(b"opus", b"haiku")).content == ours.replace(b"opus", b"haiku")
    assert merge(base, ours, base.replace(b"Read, Grep", b"Read")).content is None


def test_a_release_that_makes_a_list_of_a_text_is_taken_where_nobody_edited_it() -> None:
    base = b'---\nname: x\ntools: "Read"\n---\nText.\n'
    theirs = base.replace(b'"Read"', b'["Read"]')
    assert merge(base, base.replace(b'"Read"', b"'Read'"), theirs).content == theirs


def test_the_same_new_value_in_other_words_is_no_conflict() -> None:
    ours = HEADER.replace(b"model: opus", b"model: 'haiku'").replace(b"Reviews.", b"Reviews mine.")
    theirs = HEADER.replace(b"model: opus", b"model: haiku").replace(b"Read, Grep", b"Read")
    assert merge(HEADER, ours, theirs).content == theirs.replace(b"Reviews.", b"Reviews mine.")


def test_a_fence_stays_as_the_user_has_it() -> None:
    ours = HEADER.replace(b"---\n", b"---  \n").replace(b"model: opus", b"model: haiku")
    merged = merge(HEADER, ours, HEADER.replace(b"Read, Grep", b"Read"))
    assert merged.content == ours.replace(b"Read, Grep", b"Read")


def test_a_field_that_stands_twice_in_a_header_that_is_no_yaml_loses_no_line() -> None:
    base = HEADER.replace(b"Reviews.", b"Use when: it matters")
    ours = base.replace(b"model: opus\n", b"model: opus\nmodel: haiku\n")
    theirs = base.replace(b"name: x\n", b"name: x\ncolor: red\n")
    assert merge(base, ours, theirs).content == ours.replace(b"name: x\n", b"name: x\ncolor: red\n")


TOML = b'name = "x"\ndescription = "Reviews."\n'


def test_a_field_of_the_release_stands_before_the_table_that_the_user_added() -> None:
    """Behind it, it would belong to the table."""
    ours, theirs = TOML + b"[servers.docs]\nport = 1\n", TOML + b'sandbox = "read-only"\n'
    merged = merge(TOML, ours, theirs, form="toml")
    assert merged.content == theirs + b"[servers.docs]\nport = 1\n"


def test_a_table_that_both_define_otherwise_is_no_file_that_cannot_be_read() -> None:
    ours, theirs = TOML + b"[servers]\nport = 1\n", TOML + b"servers.docs = 2\n"
    assert merge(TOML, ours, theirs, form="toml").content is None


def test_a_rule_that_the_user_moved_is_not_moved_back_unseen() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n- four {#four}\n"
    theirs = "## B {#b}\n\n- one {#one}\n- four {#four}\n\n## A {#a}\n\n- three {#three}\n- two {#two}\n"
    assert carry(base, ("- one\n- two", "- two\n- one"), theirs) is None


def test_rules_below_a_heading_that_both_added_stay_below_it() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## B {#b}\n\n- two {#two}\n\n## More\n\n- theirs\n\n## A {#a}\n\n- one {#one}\n"
    merged = carried(base, ("## B", "## More\n\n- mine\n\n## B"), theirs)
    lines = [line for line in merged.splitlines() if line]
    assert lines[lines.index("- mine") - 1] == "## More"
    assert lines[lines.index("- theirs") - 1] == "## More"


def test_a_rule_of_several_lines_that_moved_has_what_both_changed_in_it() -> None:
    base = "## A {#a}\n\n- one {#one}\n  first\n  second\n  third\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n"
    theirs = "## B {#b}\n\n- three {#three}\n- one {#one}\n  first\n  second\n  third, theirs\n\n"
    theirs += "## A {#a}\n\n- two {#two}\n"
    merged = carried(base, ("  first\n", "  first, mine\n"), theirs)
    assert "- one\n  first, mine\n  second\n  third, theirs\n" in merged


def test_a_rule_put_in_below_a_heading_stands_first_below_it_wherever_it_went() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n- three {#three}\n"
    theirs = "## B {#b}\n\n- three {#three}\n- one {#one}\n\n## A {#a}\n\n- two {#two}\n"
    merged = carried(base, ("- two\n", "- mine\n- two\n"), theirs)
    assert merged.startswith("## B\n\n- mine\n- three\n")


def test_an_edit_of_a_rule_that_the_release_removes_is_shown_behind_the_rule_before_it() -> None:
    """Wherever that one went, even if it is the first of the text."""
    draft = carry(
        "- one {#one}\n- two {#two}\n- three {#three}\n", ("- two", "- two, mine"), "- three {#three}\n- one {#one}\n"
    )
    assert draft is not None
    assert resolved(draft, 1) == "- three\n- one\n- two, mine\n"


def test_a_rule_in_quite_other_words_is_a_conflict_where_the_release_removes_what_it_was() -> None:
    """It has too little in common with its old words to be known by them, but it stands in their place."""
    was = "- Inject clocks, clients and stores, so that tests need no patches."
    theirs = "## A {#a}\n\n- one, changed {#one}\n- Pass in what a test must replace. {#new}\n"
    draft = carry(f"## A {{#a}}\n\n- one {{#one}}\n{was} {{#was}}\n", (was, "- Only clocks."), theirs) or ()
    assert [tuple(piece) for piece in draft if isinstance(piece, Conflict)] == [(was, "- Only clocks.", "")]
    assert resolved(draft, 2) == ID.sub("", theirs)


def test_a_rule_put_in_stays_behind_the_rule_before_it_in_a_section_of_another_order() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n- three {#three}\n"
    theirs = "## A {#a}\n\n- three {#three}\n- two {#two}\n- one {#one}\n"
    assert carried(base, ("- two\n", "- two\n- mine\n"), theirs) == "## A\n\n- three\n- two\n- mine\n- one\n"


def test_a_heading_put_in_right_behind_a_rule_of_the_release_has_a_blank_line_above_it() -> None:
    base, theirs = b"## A\n\n- one\n- two\n", b"## A\n\n- new\n- one\n- two, theirs\n"
    merged = merge(base, b"## A\n\n## B\n\n- mine\n", theirs)
    assert resolved(merged.draft, 1) == "## A\n\n- new\n\n## B\n\n- mine\n"
    assert resolved(merged.draft, 2) == theirs.decode()


def test_whoever_took_out_every_rule_has_none_after_a_release_that_only_moved_them() -> None:
    base, theirs = "- one {#one}\n- two {#two}\n", "- two {#two}\n- one {#one}\n"
    assert carried(base, ("- one\n- two\n", ""), theirs) == ""


def test_a_section_put_in_between_sections_that_are_all_gone_stands_at_the_end() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## New {#new}\n\n- two {#two}\n- one {#one}\n\n## More {#more}\n\n- three {#three}\n"
    merged = carried(base, ("## B", "## Ours\n\n- four\n\n## B"), theirs)
    assert merged == "## New\n\n- two\n- one\n\n## More\n\n- three\n\n## Ours\n\n- four\n"


def test_blanks_at_the_end_of_a_line_are_no_edit_of_a_header_that_is_no_yaml() -> None:
    base = HEADER.replace(b"Reviews.", b"Use when: it matters")
    theirs = base.replace(b"opus", b"haiku")
    assert merge(base, base.replace(b"opus", b"opus "), theirs).content == theirs


@pytest.mark.parametrize("form", ["markdown", "toml", "yaml"])
def test_a_draft_decided_for_one_side_is_the_file_of_that_side(form: str) -> None:
    """Where nothing but one rule was changed."""
    fences = {"markdown": ("---\nname: x\n---\n", "", ""), "toml": ("name = 'x'\nprompt = '''\n", "", "'''\n")}
    head, indent, foot = fences.get(form, ("name: x\nprompt: |2\n", "  ", ""))
    sides = [
        head + "".join(f"{indent}- {rule}\n" for rule in ("one", rule, "three")) + foot
        for rule in ("two", "two, mine", "two, theirs")
    ]
    base, ours, theirs = (side.encode() for side in sides)
    merged = merge(base, ours, theirs, form=form)
    assert [resolved(merged.draft, side) for side in range(3)] == sides


def test_a_copy_to_merge_by_hand_keeps_the_blank_line_behind_a_rule_that_one_side_took_out() -> None:
    sides = ("- one\n- two\n\n## B\n", "- one\n- mine\n\n## B\n", "- one\n\n## B\n")
    marked = with_markers(*sides, MarkerLabels("yours", "before", "new"))
    conflict = "<<<<<<< yours\n- mine\n||||||| before\n- two\n=======\n>>>>>>> new\n"
    assert marked == f"- one\n{conflict}\n## B\n"


def test_a_copy_to_merge_by_hand_gains_no_blank_line_at_the_end_of_a_line() -> None:
    marked = with_markers("- one\n\n", "- one\n- mine\n", "- one", MarkerLabels("yours", "before", "new"))
    assert marked == "- one\n<<<<<<< yours\n- mine\n||||||| before\n\n=======\n>>>>>>> new\n"


def test_a_copy_to_merge_by_hand_ends_each_side_with_one_line_end() -> None:
    base = "- one\nText.\n\n- two\n  more\n"
    ours, theirs = base.replace("Text.\n\n", ""), base.replace("Text.", "## New\n\nText.")
    marked = with_markers(base, ours, theirs, MarkerLabels("yours", "before", "new"))
    conflict = "<<<<<<< yours\n- one\n||||||| before\n- one\nText.\n=======\n- one\n## New\n\nText.\n>>>>>>> new\n"
    assert marked == f"{conflict}- two\n  more\n"


def test_a_copy_to_merge_by_hand_has_nothing_where_one_side_took_a_rule_out() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n- three {#three}\n\n## B {#b}\n\n- four {#four}\n"
    theirs = "## B {#b}\n\n- four {#four}\n- two, theirs {#two}\n- one {#one}\n\n## A {#a}\n\n- three {#three}\n"
    draft, plain = carry(base, ("- two\n", ""), theirs), ID.sub("", base)
    assert draft is not None
    labels = MarkerLabels("yours", "before", "new")
    marked = with_markers(plain, plain.replace("- two\n", ""), ID.sub("", theirs), labels, draft)
    conflict = "<<<<<<< yours\n||||||| before\n- two\n=======\n- two, theirs\n>>>>>>> new\n"
    assert marked == f"## B\n\n- four\n{conflict}- one\n\n## A\n\n- three\n"


def test_a_last_rule_that_is_taken_out_leaves_no_blank_line_at_the_end() -> None:
    sides = ("- one\n\n- two\n", "- one\n\n- two, mine\n", "- one\n")
    base, ours, theirs = (side.encode() for side in sides)
    merged = merge(base, ours, theirs)
    assert [resolved(merged.draft, side) for side in range(3)] == list(sides)
    draft = carry("One. {#one}\n\n- two {#two}\n", ("- two\n", ""), "One. {#one}\n\n- two, theirs {#two}\n")
    assert resolved(draft or (), 1) == "One.\n"


CARRIED: dict[str, tuple[str, str, str, str]] = {
    "rules, a text and a section are put in where they were": (
        "## A {#a}\n\n- One. {#one}\n- Two. {#two}\n\nThree. {#three}\n\n- Four. {#four}\n- Five. {#five}\n",
        "## A\n\n- One.\n- Two.\n- Mine.\n\nThree.\n\n- Four.\n- More.\n- Five.\n\n### B\n\n- Below.\n",
        "## A {#a}\n\n- One. {#one}\n- Two. {#two}\n\nThree. {#three}\n\n- Four. {#four}\n- Five. {#five}\n",
        "## A\n\n- One.\n- Two.\n- Mine.\n\nThree.\n\n- Four.\n- More.\n- Five.\n\n### B\n\n- Below.\n",
    ),
    "a heading that was taken out stays while a rule of the user's is below it": (
        "## A {#a}\n\n- One. {#one}\n\n### B {#b}\n\n- Two. {#two}\n- Four. {#four}\n",
        "### B\n\n- Four, mine.\n",
        "## A {#a}\n\n- Four. {#four}\n- One. {#one}\n\n### B {#b}\n\n- Two. {#two}\n",
        "<|## A>\n\n- Four, mine.\n\n### B\n",
    ),
    "a heading that was taken out stays while a deeper one is below it": (
        "## A {#a}\n\n- Two. {#two}\n\n### B {#b}\n\n- Four. {#four}\n- Five. {#five}\n",
        "### B\n\n- Four.\n- Five.\n",
        "## A {#a}\n\n- Two. {#two}\n\n### B {#b}\n\n- Five. {#five}\n",
        "<|## A>\n\n### B\n\n- Five.\n",
    ),
    "a heading that was taken out with all below it is gone beside a new section": (
        "## A {#a}\n\nTwo. {#two}\n\nFive. {#five}\n",
        "",
        "## A {#a}\n\nTwo. {#two}\n\nFive. {#five}\n\n## New\n\n- New below.\n- Both.\n",
        "## New\n\n- New below.\n- Both.\n",
    ),
    "a heading in other words on both sides, and a rule behind one that the release takes out": (
        "## A {#a}\n\n- One. {#one}\n\nTwo. {#two}\n\n- Four. {#four}\n\nFive. {#five}\n",
        "## A mine\n\n- One.\n\nTwo.\n\n- Four.\n\nFive.\n\n- Mine.\n",
        "## A new {#a}\n\n- One. {#one}\n\nTwo. {#two}\n\n- Four. {#four}\n",
        "<## A mine|## A new>\n\n- One.\n\nTwo.\n\n- Four.\n- Mine.\n",
    ),
    "a section before one that the release takes out stands at the end, and rules below their heading": (
        "- One. {#one}\n- Five. {#five}\n\n## A {#a}\n\n## B {#b}\n\n- Four. {#four}\n",
        "- One.\n- Five.\n\n## Mine\n\n- Below.\n\n## A\n\n- First.\n- Second.\n\n## B\n\n- Four.\n",
        "- One. {#one}\n\nNew.\n\n- Five. {#five}\n\n## B {#b}\n\n- Four. {#four}\n\n## New\n\n- New below.\n",
        "- One.\n\nNew.\n\n- Five.\n\n## B\n\n- Four.\n\n## New\n\n- New below.\n\n"
        "## Mine\n\n- Below.\n\n## A\n\n- First.\n- Second.\n",
    ),
    "a rule among others stays where the release takes out all": (
        "## A {#a}\n\n- One. {#one}\n- Two. {#two}\n- Three. {#three}\n",
        "## A\n\n- One.\n- Two.\n- Mine.\n- Three.\n",
        "",
        "## A\n\n- Mine.\n",
    ),
    "a section stays where the release takes out all": (
        "## A {#a}\n\n- One. {#one}\n\nFour. {#four}\n",
        "## A\n\n- One.\n\nFour.\n\n## Mine\n\n- Below.\n",
        "",
        "## Mine\n\n- Below.\n",
    ),
    "an edit and a rule stay where the release takes out all": (
        "## A {#a}\n\nOne. {#one}\n\n- Two. {#two}\n- Three. {#three}\n",
        "## A\n\nOne.\n\n- Mine.\n- Two, mine.\n- Three.\n",
        "",
        "## A\n\n<- Two, mine.|>\n- Mine.\n",
    ),
    "edits of a section that is gone stay at the end, below its headings": (
        "- One. {#one}\n\n## A {#a}\n\n### B {#b}\n\n- Two. {#two}\n- Three. {#three}\n\n"
        "## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## A\n\n### B\n\n- Two, mine.\n- Three, mine.\n\n## C\n\n- Four.\n",
        "- One. {#one}\n\n## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## C\n\n- Four.\n\n<## A\n\n### B\n\n- Two, mine.|>\n<- Three, mine.|>\n",
    ),
    "a rule of one's own in a section that is gone stays below all its headings": (
        "- One. {#one}\n\n## A {#a}\n\n- Zero. {#zero}\n\n### B {#b}\n\n- Two. {#two}\n",
        "- One.\n\n## A\n\n- Zero.\n\n### B\n\n- Two.\n- Mine.\n",
        "- One. {#one}\n\n## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## C\n\n- Four.\n\n## A\n\n### B\n\n- Mine.\n",
    ),
    "edits of two sections that are gone stay below the heading of each": (
        "- One. {#one}\n\n## A {#a}\n\nTwo. {#two}\n\n## B {#b}\n\n- Three. {#three}\n\n## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## A\n\nTwo, mine.\n\n## B\n\n- Three, mine.\n\n- Mine.\n\n## C\n\n- Four.\n",
        "- One. {#one}\n\n## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## C\n\n- Four.\n\n## B\n\n<- Three, mine.|>\n\n- Mine.\n\n<## A\n\nTwo, mine.|>\n",
    ),
    "an edit stands behind its neighbour while the release has a rule of its section": (
        "- One. {#one}\n\n## A {#a}\n\n- Two. {#two}\n- Three. {#three}\n\n## C {#c}\n\n- Four. {#four}\n",
        "- One.\n\n## A\n\n- Two.\n- Three, mine.\n\n## C\n\n- Four.\n",
        "- One. {#one}\n\n## C {#c}\n\n- Two. {#two}\n- Four. {#four}\n",
        "- One.\n\n## C\n\n- Two.\n<- Three, mine.|>\n- Four.\n",
    ),
    "rules before the first and between two texts stand before and behind the same ones": (
        "## A {#a}\n\n- One. {#one}\n- Two. {#two}\n\nThree. {#three}\n\nFour. {#four}\n\n- Five. {#five}\n",
        "## A\n\n- Mine.\n- More.\n- One.\n- Two.\n\nThree.\n\n- Last.\n\nFour.\n\n- Five.\n",
        "- One. {#one}\n- New.\n- Two. {#two}\n\nThree. {#three}\n\nFour. {#four}\n\n- Five. {#five}\n\n### New\n",
        "- Mine.\n- More.\n- One.\n- New.\n- Two.\n\nThree.\n\n- Last.\n\nFour.\n\n- Five.\n\n### New\n",
    ),
    "a section stands before the one that it preceded": (
        "- One. {#one}\n\n## A {#a}\n\n- Three. {#three}\n\n## B {#b}\n\n- Five. {#five}\n",
        "- One.\n\n## A\n\n- Three.\n\n## Mine\n\n- Below.\n\n## B\n\n- Five.\n",
        "- One. {#one}\n\n## A {#a}\n\n- Three. {#three}\n\n## B {#b}\n\n- Five. {#five}\n\n### New\n",
        "- One.\n\n## A\n\n- Three.\n\n## Mine\n\n- Below.\n\n## B\n\n- Five.\n\n### New\n",
    ),
    "a section at the end stays at the end": (
        "- One. {#one}\n\n## A {#a}\n\n## B {#b}\n\n- Two. {#two}\n- Three. {#three}\n",
        "- One.\n\n## A\n\n## B\n\n- Two.\n- Three.\n\n### Mine\n\n- Below.\n",
        "- One. {#one}\n\n## B {#b}\n\n- Two. {#two}\n- Three. {#three}\n\n## A {#a}\n",
        "- One.\n\n## B\n\n- Two.\n- Three.\n\n## A\n\n### Mine\n\n- Below.\n",
    ),
    "a rule that both put in stands once, where the release has it": (
        "- One. {#one}\n\nThree. {#three}\n\n## A {#a}\n\n## B {#b}\n",
        "- One.\n\nThree.\n\n## A\n\n- Mine.\n- Both.\n- More.\n\n## B\n",
        "- One. {#one}\n- New.\n\n## A {#a}\n\n## B {#b}\n\n- Both.\n",
        "- One.\n- New.\n\n## A\n\n- Mine.\n- More.\n\n## B\n\n- Both.\n",
    ),
    "a text at the end stands behind the last of its section": (
        "## A {#a}\n\nOne. {#one}\n\n- Three. {#three}\n\n## B {#b}\n\n- Four. {#four}\n",
        "## A\n\nOne.\n\n- Three.\n\n## B\n\n- Four.\n\nMine.\n",
        "## A {#a}\n\n- Three. {#three}\n\nOne. {#one}\n\n## B {#b}\n\nNew.\n\nNewer.\n\n## C\n\n- Six.\n",
        "## A\n\n- Three.\n\nOne.\n\n## B\n\nNew.\n\nNewer.\n\nMine.\n\n## C\n\n- Six.\n",
    ),
}
"""By what happens: a text, an edit of it, a release of it, and what both come to, with `<ours|theirs>` in conflict."""


@pytest.mark.parametrize("case", CARRIED)
def test_an_edit_goes_where_its_rules_went(case: str) -> None:
    base, ours, theirs, wanted = CARRIED[case]
    draft = carry(base, (ID.sub("", base), ours), theirs) or ()
    shown = (f"<{piece.ours}|{piece.theirs}>" if isinstance(piece, Conflict) else piece for piece in draft)
    assert "".join(shown) == wanted


@pytest.mark.parametrize(("form", "ours"), [("json", "[1]\n"), ("json", "1\n"), ("yaml", "- 1\n"), ("yaml", "one\n")])
def test_a_file_of_fields_that_an_edit_made_something_else_is_a_conflict(form: str, ours: str) -> None:
    base, theirs = {"json": (b'{"model": "a"}\n', b'{"model": "b"}\n'), "yaml": (b"model: a\n", b"model: b\n")}[form]
    merged = merge(base, ours.encode(), theirs, form=form)
    assert merged.content is None
    assert [resolved(merged.draft, side) for side in (1, 2)] == [ours, theirs.decode()]


@pytest.mark.parametrize("form", ["json", "toml"])
def test_a_last_field_without_a_line_end_is_merged_as_any(form: str) -> None:
    fields = {
        "json": ('{\n  "name": "x",\n  "model": "a"\n}\n', ",\n  ", ": "),
        "toml": ('name = "x"\nmodel = "a"', "\n", " = "),
    }
    text, between, equals = fields[form]
    ours = text.replace('"a"', '"b"')
    theirs = text.replace('"x"', '"y"').replace('"a"', f'"a"{between}"color"{equals}"red"')
    merged = merge(text.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is not None
    assert merged.content.decode().rstrip("\n") == theirs.replace('"a"', '"b"').rstrip("\n")


def test_a_heading_that_was_taken_out_is_a_conflict_while_one_is_shown_below_it() -> None:
    """Of a rule that the release removes and the user edited: it is shown behind the rule before it."""
    base = "## A {#a}\n\n- one {#one}\n- three {#three}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## A {#a}\n\n## B {#b}\n\n- one {#one}\n- two {#two}\n"
    draft = carry(base, ("- one\n- three\n\n## B\n\n- two\n", "- three, mine\n"), theirs)
    assert [piece.base for piece in draft or () if isinstance(piece, Conflict)] == ["## B", "- three"]


def test_a_rule_put_in_goes_with_the_rule_before_it_where_their_section_is_gone() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n"
    theirs = "## B {#b}\n\n- two {#two}\n- one {#one}\n- three {#three}\n"
    assert carried(base, ("- one\n", "- one\n- mine\n"), theirs) == "## B\n\n- two\n- one\n- mine\n- three\n"


def test_a_comment_of_the_release_goes_with_the_value_that_it_explained() -> None:
    base = HEADER.replace(b"Read, Grep", b"Read, Grep  # to look around")
    ours, theirs = base.replace(b"opus", b"sonnet"), HEADER.replace(b"Read, Grep", b"Read")
    assert merge(base, ours, theirs).content == theirs.replace(b"opus", b"sonnet")


def test_lines_of_one_block_are_merged_beside_a_header_that_both_changed() -> None:
    base = HEADER + b"\n```sh\nrun one\nrun two\nrun three\n```\n"
    ours = base.replace(b"Read, Grep", b"Read").replace(b"run one", b"run one, mine")
    theirs = base.replace(b"opus", b"haiku").replace(b"run three", b"run three, theirs")
    wanted = ours.replace(b"opus", b"haiku").replace(b"run three", b"run three, theirs")
    assert merge(base, ours, theirs).content == wanted


def test_fields_stand_in_the_order_that_the_user_gave_them() -> None:
    ours = b"---\nmodel: opus\ntools: Read, Grep\nname: x\ndescription: Reviews.\n---\nText.\n"
    theirs = HEADER.replace(b"Read, Grep", b"Read").replace(b"model: opus", b"model: opus\ncolor: red")
    wanted = ours.replace(b"Read, Grep", b"Read").replace(b"model: opus", b"model: opus\ncolor: red")
    assert merge(HEADER, ours, theirs).content == wanted


def test_a_new_rule_with_only_short_words_of_one_that_both_took_out_is_no_conflict() -> None:
    base = "- one {#one}\n- Ask the owner first. {#two}\n- three {#three}\n"
    theirs = "- three {#three}\n- one {#one}\n"
    draft = carry(base, ("- Ask the owner first.\n", "- Run the long job at night.\n"), theirs)
    assert draft == ("- three\n- one\n- Run the long job at night.\n",)


@pytest.mark.parametrize("top", [b"", b"# ours\n", b"\n", b"\n# ours\n\n"])
def test_blank_lines_in_a_field_of_a_header_that_is_no_yaml_are_no_change_of_its_value(top: bytes) -> None:
    base = b"---\n" + top + b"name: x\ndescription: Use: it\ntools:\n- a\n- b\n---\nbody\n"
    spaced, released = base.replace(b"- a\n", b"- a\n\n"), base.replace(b"- b", b"- c")
    assert merge(base, spaced, released).content == released


def test_a_new_rule_far_below_is_not_taken_for_other_words_of_one_that_was_taken_out() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n"
    theirs = "## B {#b}\n\n- three {#three}\n\n## A {#a}\n\n- two, theirs {#two}\n- one {#one}\n"
    draft = carry(base, ("- two\n\n## B\n\n- three\n", "\n## B\n\n- three\n- mine\n"), theirs)
    assert [tuple(piece) for piece in draft or () if isinstance(piece, Conflict)] == [("- two", "", "- two, theirs")]
    assert resolved(draft or (), 2) == "## B\n\n- three\n- mine\n\n## A\n\n- two, theirs\n- one\n"


def test_a_rule_put_in_at_the_end_does_not_multiply_the_blank_lines_there() -> None:
    base = "- one {#one}\n- two {#two}\n"
    theirs = "- two {#two}\n- one {#one}\n\n"
    assert carried(base, ("- one\n", "- one\n- mine\n"), theirs) == "- two\n- one\n- mine\n"


def test_a_rule_put_in_before_one_that_the_release_removes_stays_behind_the_one_before_it() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n\n## B {#b}\n\n- three {#three}\n"
    theirs = "## B {#b}\n\n- three {#three}\n\n## A {#a}\n\n- one {#one}\n"
    merged = carried(base, ("- two\n", "- mine\n- two\n"), theirs)
    assert merged == "## B\n\n- three\n\n## A\n\n- one\n- mine\n"


def test_a_first_rule_that_is_taken_out_leaves_no_blank_line_at_the_top() -> None:
    theirs = "- one, theirs {#one}\n\nTwo. {#two}\n"
    draft = carry("- one {#one}\n\nTwo. {#two}\n", ("- one\n\n", ""), theirs)
    assert resolved(draft or (), 1) == "Two.\n"


def test_a_heading_that_one_side_words_anew_gets_no_second_blank_line_below_what_the_other_puts_in() -> None:
    base = b"# A\n\nOne.\n\n## B\n\nTwo.\n"
    longer, renamed = base.replace(b"## B", b"Mine.\n\n## B"), base.replace(b"## B", b"## C")
    for ours, theirs in ((longer, renamed), (renamed, longer)):
        assert merge(base, ours, theirs).content == b"# A\n\nOne.\n\nMine.\n\n## C\n\nTwo.\n"


def test_a_heading_that_the_release_puts_in_further_down_gets_no_second_blank_line() -> None:
    """The line above a heading is for one that comes right behind a rule of the other side."""
    ours = b"- zero\n- one\n\n- two, mine\n- three\n"
    theirs = b"- one\n\n## New\n\n- two\n- three, theirs\n"
    wanted = b"- zero\n- one\n\n## New\n\n- two, mine\n- three, theirs\n"
    assert merge(b"- one\n\n- two\n- three\n", ours, theirs).content == wanted


def test_a_rule_that_a_long_text_has_in_many_places_keeps_two_edits_beside_it_apart() -> None:
    rules = [f"- rule {n}\n" if n % 20 else "- see above\n" for n in range(1, 120)]
    ours, theirs, wanted = ([*rules] for _ in range(3))
    ours[58] = wanted[58] = "- mine before\n"
    ours[60] = wanted[60] = "- mine after\n"
    theirs[59] = wanted[59] = "- theirs\n- see above\n"
    base, mine, other = ("".join(side).encode() for side in (rules, ours, theirs))
    assert merge(base, mine, other).content == "".join(wanted).encode()


def test_a_section_that_both_took_apart_leaves_no_blank_lines_at_the_end() -> None:
    """One side took out its heading, the other what stood below."""
    sides = ("- one\n\n\n\n## Two\nText.\n", "- one\n\n\nText.\n", "- one\n\n\n## Two\n")
    base, ours, theirs = (side.encode() for side in sides)
    merged = merge(base, ours, theirs)
    assert resolved(merged.draft, 1) == "- one\n"


def test_what_the_user_put_below_the_skills_stays_there_beside_a_header_that_both_changed() -> None:
    body = "- one\n" + LISTED
    base, theirs = f"---\nmodel: opus\ncolor: red\n---\n{body}", f"---\nmodel: opus\ncolor: blue\n---\n{body}"
    ours = f"---\nmodel: haiku\ncolor: red\n---\n{body}\n## Mine\n\n- mine\n"
    merged = merge(base.encode(), ours.encode(), theirs.encode())
    assert merged.content == ours.replace("color: red", "color: blue").encode()


def test_a_fence_is_as_the_release_has_it_where_the_user_left_it_alone() -> None:
    theirs = HEADER.replace(b"---\n", b"---  \n").replace(b"model: opus", b"model: haiku")
    merged = merge(HEADER, HEADER.replace(b"Read, Grep", b"Read"), theirs)
    assert merged.content == theirs.replace(b"Read, Grep", b"Read")


def test_a_text_that_would_gain_a_line_from_the_field_behind_it_is_a_conflict() -> None:
    """`|+` keeps blank lines, and those of the release would stand behind it in the order of the user."""
    base = b"name: a\nmodel: opus\nprompt: |+\n  Work.\n"
    ours, theirs = b"name: a\nprompt: |+\n  Work.\nmodel: opus\n", b"name: a\n\nmodel: haiku\nprompt: |+\n  Work.\n"
    assert merge(base, ours, theirs, form="yaml").conflicts


@pytest.mark.parametrize("gaps", [("\n", "\n\n"), ("\n\n", "\n")])
def test_a_rule_that_is_taken_out_beside_a_blank_line_leaves_it(gaps: tuple[str, str]) -> None:
    base = f"- one {{#one}}{gaps[0]}- two {{#two}}{gaps[1]}- three {{#three}}\n"
    assert carried(base, (f"- two{gaps[1]}", ""), base) == "- one\n\n- three\n"


def test_a_section_that_is_taken_out_whole_is_gone_whatever_stands_in_the_next_one() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    draft = carry(base, ("## A\n\n- one\n\n", ""), base.replace("- two", "- two, new"))
    assert draft == ("## B\n\n- two, new\n",)


def test_a_rule_that_the_user_took_out_stays_out_where_the_release_moved_it_and_took_out_its_neighbours() -> None:
    rules = [f"- Rule number {number} says something.\n" for number in range(8)]
    base = f"## One\n\n{''.join(rules)}"
    ours = base.replace(rules[2], "")
    theirs = f"## One\n\n{rules[2]}\n## Two\n\n{rules[1]}{rules[3]}"
    known = KnownEntries(entries_in(base), entries_in(theirs))
    merged = merge(base.encode(), ours.encode(), theirs.encode(), lambda: known)
    assert merged.content == f"## One\n\n## Two\n\n{rules[1]}{rules[3]}".encode()


# What the lines of a text come to.


@pytest.mark.parametrize("more", ["nothing", "released", "mine", "dropped", "taken out"])
def test_lines_of_one_block_go_together_whatever_else_the_header_has(more: str) -> None:
    """Neither a field more or less, nor keys that stand in the body, make a conflict of lines that merge."""
    base = HEADER + b"```yaml\nrun: one\nrun: two\nrun: three\n```\n"
    ours, theirs = base.replace(b"run: one", b"run: mine"), base.replace(b"run: three", b"run: theirs")
    wanted = ours.replace(b"run: three", b"run: theirs")
    color, model = (b"name: x\n", b"name: x\ncolor: red\n"), (b"model: opus\n", b"")
    changed = {"nothing": (b"", b""), "released": color, "mine": color, "dropped": model, "taken out": model}[more]
    if more in ("mine", "taken out"):
        ours = ours.replace(*changed)
    else:
        theirs = theirs.replace(*changed)
    assert merge(base, ours, theirs).content == wanted.replace(*changed)


def test_a_field_behind_a_line_of_dashes_is_a_field_of_a_file_that_is_data() -> None:
    base = b"name = 'x'\nprompt = '''\nOne.\n---\nTwo.\n'''\nmodel = 'a'\ncolor = 'red'\n"
    ours = base.replace(b"model = 'a'\n", b"").replace(b"'red'", b"'blue'")
    theirs = base.replace(b"model = 'a'\n", b"").replace(b"prompt", b"model = 'a'\nprompt")
    assert merge(base, ours, theirs, form="toml").content == ours


def test_a_long_text_is_merged_by_the_lines_of_one_rule() -> None:
    rules = "".join(f"- rule {n}\n" for n in range(1200))
    base = f"{rules}- long\n  first\n  second\n  third\n{rules}".encode()
    ours, theirs = base.replace(b"first", b"mine"), base.replace(b"third", b"theirs")
    assert merge(base, ours, theirs).content == ours.replace(b"third", b"theirs")


# Fields.


@pytest.mark.parametrize("form", ["markdown", "yaml"])
def test_an_escape_of_a_hidden_character_in_a_header_is_merged_as_any_text(form: str) -> None:
    base = HEADER if form == "markdown" else HEADER.removeprefix(b"---\n").partition(b"---\n")[0]
    ours = base.replace(b"Reviews.", b'"Reviews\\u200b."')
    theirs = base.replace(b"tools: Read, Grep", b"tools: Read")
    assert merge(base, ours, theirs, form=form).content == ours.replace(b"Read, Grep", b"Read")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1, 2], "1, 2", False),
        (["a", 1], "a, 1", False),
        (["a", "b"], " a,b ", True),
        (["a ", "b"], "a, b", True),
        (["a", "b"], ["a ", "b"], False),
        ("a, b", "a,b", False),
        ({"a": 1}, "a", False),
        (None, "", False),
        (1, True, False),
        (1, 1.0, False),
        ([], "", False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
    ],
)
def test_values_are_the_same_by_type_and_order_and_a_list_is_its_text(one: object, other: object, same: bool) -> None:
    assert same_value(one, other) is same
    assert same_value(other, one) is same


@pytest.mark.parametrize(
    ("top", "settled"), [("# mine\n", True), ("\n", True), ("# mine\n\n", True), ("words\n", False)]
)
def test_what_stands_on_top_of_a_header_that_is_no_yaml(top: str, settled: bool) -> None:
    """A comment or a blank line stays there; with anything else it is no header of fields."""
    text = "name: x\ndescription: Use when: it matters\nmodel: opus\ncolor: blue\n"
    base = f"---\n{top}{text}---\nText.\n".encode()
    ours = base.replace(b"model: opus\n", b"").replace(b"name: x\n", b"model: opus\nname: x\n")
    theirs = base.replace(b"opus", b"haiku")
    assert merge(base, ours, theirs).content == (ours.replace(b"opus", b"haiku") if settled else None)


def test_letters_beyond_ascii_stay_letters_in_a_file_of_json() -> None:
    base = '{\n  "name": "x",\n  "model": "a"\n}\n'
    ours = base.replace('"a"', '"a",\n  "note": "für dich"')
    theirs = base.replace('"a"', '"b",\n  "title": "Größe"')
    wanted = base.replace('"a"', '"b",\n  "note": "für dich",\n  "title": "Größe"')
    assert merge(base.encode(), ours.encode(), theirs.encode(), form="json").content == wanted.encode()


# Rules that go where the release has moved theirs.


def test_a_rule_put_in_stands_at_the_end_of_its_section_when_its_neighbours_moved_away() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## A {#a}\n\n- three {#three}\n- four {#four}\n\n## B {#b}\n\n- two {#two}\n- one {#one}\n"
    merged = carried(base, ("- one\n", "- one\n- mine\n"), theirs)
    assert merged == "## A\n\n- three\n- four\n- mine\n\n## B\n\n- two\n- one\n"


def test_a_rule_put_in_stands_first_below_its_heading_when_nothing_else_does() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## A {#a}\n\n- two {#two}\n- one {#one}\n\n## B {#b}\n"
    merged = carried(base, ("- two\n", "- two\n- mine\n"), theirs)
    assert merged == "## A\n\n- two\n- one\n\n## B\n\n- mine\n"


def test_a_rule_put_in_above_all_headings_stays_there_when_its_neighbours_moved_away() -> None:
    base = "- one {#one}\n\n## A {#a}\n\n- two {#two}\n"
    theirs = "## A {#a}\n\n- one {#one}\n- two {#two}\n"
    assert carried(base, ("- one\n", "- one\n- mine\n"), theirs) == "- mine\n\n## A\n\n- one\n- two\n"


def test_two_rules_put_in_together_stay_together() -> None:
    base = "## A {#a}\n\n- one {#one}\n- two {#two}\n- three {#three}\n"
    theirs = "## A {#a}\n\n- three {#three}\n- two {#two}\n- four {#four}\n"
    merged = carried(base, ("- two\n", "- mine\n- and mine\n- two\n"), theirs)
    assert merged == "## A\n\n- three\n- mine\n- and mine\n- two\n- four\n"


def test_a_rule_and_a_section_put_in_one_after_the_other_go_each_to_its_place() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## B {#b}\n\n- two {#two}\n\n## A {#a}\n\n- one {#one}\n- new {#new}\n"
    merged = carried(base, ("- one\n", "- one\n- mine\n\n## Ours\n\n- four\n"), theirs)
    assert merged == "## Ours\n\n- four\n\n## B\n\n- two\n\n## A\n\n- one\n- mine\n- new\n"


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n"])
def test_the_end_of_a_text_whose_rules_moved_is_as_the_release_has_it(end: str) -> None:
    theirs = f"- two {{#two}}\n- one {{#one}}{end}"
    merged = carried("- one {#one}\n- two {#two}\n", ("- two\n", "- two, mine\n"), theirs)
    assert merged == f"- two, mine\n- one{end}"


def test_text_that_would_become_part_of_the_rule_before_it_is_not_put_there() -> None:
    base = "## A {#a}\n\n- item {#item}\n\nOne. {#one}\n"
    theirs = "## B {#b}\n\n## A {#a}\n\n- item {#item}\n"
    assert carry(base, ("One.\n", "One.\n\n    code of mine\n"), theirs) is None


@pytest.mark.parametrize("line", ["one", "first", "second"])
def test_a_line_that_both_sides_changed_alike_in_a_rule_that_moved_is_no_conflict(line: str) -> None:
    base = "- one {#one}\n  first\n  second\n- two {#two}\n"
    theirs = "- two {#two}\n- one {#one}\n  first\n  second\n".replace(f" {line}", f" {line}, new")
    assert carried(base, (f" {line}", f" {line}, new"), theirs) == ID.sub("", theirs)


@pytest.mark.parametrize(("before", "after"), [("", " and the rest\n"), ("- ", "\n"), ("- ", "")])
def test_a_copy_to_merge_by_hand_has_whole_lines_where_a_conflict_has_none(before: str, after: str) -> None:
    base, ours, theirs = sides = tuple(f"{before}{side}{after}" for side in ("one", "mine", "theirs"))
    draft = (before, Conflict("one", "mine", "theirs"), after)
    marked = with_markers(base, ours, theirs, MarkerLabels("yours", "before", "new"), draft)
    old, mine, new = (side.rstrip("\n") for side in sides)
    assert marked == f"<<<<<<< yours\n{mine}\n||||||| before\n{old}\n=======\n{new}\n>>>>>>> new\n"


# Headers as wholes: which text is written where.


@pytest.mark.parametrize("without", range(3))
def test_a_file_that_has_no_header_on_one_side_is_merged_as_text(without: int) -> None:
    header = "---\nname: x\n---\n"
    sides = [f"{header}- one\n- {word}\n" for word in ("two", "mine", "theirs")]
    sides[without] = sides[without].removeprefix(header)
    base, ours, theirs = (side.encode() for side in sides)
    assert [tuple(found) for found in merge(base, ours, theirs).conflicts] == [("- two", "- mine", "- theirs")]


def rules_in(form: str, name: str, model: str, *rules: str, end: str = "\n") -> str:
    """A file that is data, with rules in its last field."""
    text = "\n".join(f"- {rule}" for rule in rules) + end
    if form == "json":
        return json.dumps({"name": name, "model": model, "prompt": text}, indent=2) + "\n"
    head = f"name = '{name}'\nmodel = '{model}'\n" if form == "toml" else f"name: {name}\nmodel: {model}\n"
    if form == "toml":
        return f"{head}prompt = '''\n{text}'''\n"
    block = "".join(f"  {line}\n" for line in text.splitlines())
    return f"{head}prompt: |2{'' if end else '-'}\n{block}"


@pytest.mark.parametrize(("form", "end"), [("toml", "\n"), ("yaml", "\n"), ("yaml", "")])
def test_a_conflict_in_a_field_of_rules_is_about_one_rule_and_other_fields_are_merged(form: str, end: str) -> None:
    base = rules_in(form, "x", "a", "one", "two", "three", end=end)
    ours = rules_in(form, "mine", "a", "one", "two, mine", "three", end=end)
    theirs = rules_in(form, "x", "b", "one", "two, theirs", "three", "four", end=end)
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    indent = "" if form == "toml" else "  "
    assert [tuple(conflict) for conflict in merged.conflicts] == [
        tuple(f"{indent}- {rule}" for rule in ("two", "two, mine", "two, theirs"))
    ]
    decided = [
        rules_in(form, "mine", "b", "one", rule, "three", "four", end=end) for rule in ("two, mine", "two, theirs")
    ]
    assert [resolved(merged.draft, side) for side in (1, 2)] == decided


@pytest.mark.parametrize("form", ["toml", "yaml", "json"])
def test_rules_that_each_side_changed_in_a_field_go_together_where_the_user_moved_fields(form: str) -> None:
    base = rules_in(form, "x", "a", "one", "two", "three")
    ours = rules_in(form, "x", "a", "one, mine", "two", "three")
    first, second = (next(line for line in ours.splitlines(True) if word in line) for word in ("name", "model"))
    moved = ours.replace(first + second, second + first)
    theirs = rules_in(form, "x", "b", "one", "two", "three, theirs")
    merged = merge(base.encode(), moved.encode(), theirs.encode(), form=form)
    wanted = rules_in(form, "x", "b", "one, mine", "two", "three, theirs")
    first, second = (next(line for line in wanted.splitlines(True) if word in line) for word in ("name", "model"))
    assert merged.content is not None
    assert values_in(form, merged.content.decode()) == values_in(form, wanted)
    assert merged.content.decode().splitlines(True)[form == "json"] == second


@pytest.mark.parametrize(
    ("form", "prompt"),
    [
        ("toml", 'prompt = """\n{}"""\n'),
        ("json", '"prompt": "{}"'),
        ("markdown", "prompt: |\n{}"),
    ],
)
def test_a_field_of_lines_is_in_conflict_as_a_whole_where_no_part_of_it_can_be(form: str, prompt: str) -> None:
    """Between quotes that change with the text, in JSON, or in a header."""
    quotes = "'''" if prompt.startswith('prompt = """') else "..."
    texts = [f"- one\n- {word} {quotes}\n" for word in ("two", "mine", "theirs")]
    if form == "json":
        fields = [prompt.format(text.replace("\n", "\\n")) for text in texts]
        sides = [f'{{\n  {field},\n  "model": "a"\n}}\n' for field in fields]
    elif form == "toml":
        fields = [prompt.format(text) for text in texts]
        sides = [f"{field}model = 'a'\n" for field in fields]
    else:
        fields = [prompt.format("".join(f"  {line}\n" for line in text.splitlines())) for text in texts]
        sides = [f"---\n{field}model: a\n---\nText.\n" for field in fields]
    sides[1] = sides[1].replace("model: a", "model: b").replace("'a'", "'b'").replace('"a"', '"b"')
    base, ours, theirs = (side.encode() for side in sides)
    merged = merge(base, ours, theirs, form=form)
    indent = "  " if form == "json" else ""
    assert [tuple(conflict) for conflict in merged.conflicts] == [tuple(indent + field for field in fields)]


@pytest.mark.parametrize("key", ["name", "model", "color"])
def test_a_field_of_json_that_is_gone_leaves_no_comma(key: str) -> None:
    def written(**fields: str) -> bytes:
        return (json.dumps(fields, indent=2) + "\n").encode()

    base = {"name": "x", "model": "a", "color": "red"}
    changed = "color" if key == "model" else "model"
    theirs = {name: value for name, value in base.items() if name != key}
    merged = merge(written(**base), written(**{**base, changed: "mine"}), written(**theirs), form="json")
    assert merged.content == written(**{**theirs, changed: "mine"})


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ("name description tools model:mine", "model tools description name", "model:mine tools description name"),
        ("name description tools model color", "model tools description name", "model color tools description name"),
        ("name description model:mine", "model tools description name", "model:mine description name"),
        (
            "name:mine description tools model",
            "model color tools description name",
            "model color tools description name:mine",
        ),
        (
            "model:mine tools description name",
            "name description tools model color",
            "model:mine color tools description name",
        ),
        (
            "name description tools model color",
            "color name description tools:theirs model",
            "name description tools:theirs model color",
        ),
        ("model name description tools", "name description tools:theirs", "name description tools:theirs"),
    ],
)
def test_the_order_of_fields_is_the_releases_unless_the_user_made_one(ours: str, theirs: str, wanted: str) -> None:
    def written(fields: str) -> bytes:
        rows = (field.partition(":") for field in fields.split())
        return ("---\n" + "".join(f"{key}: {value or 'x'}\n" for key, _, value in rows) + "---\nText.\n").encode()

    assert merge(written("name description tools model"), written(ours), written(theirs)).content == written(wanted)


def test_a_table_in_conflict_stands_behind_all_that_is_no_table() -> None:
    table = "[servers]\nport = {}\n"
    base, ours = TOML.decode() + table.format(0), TOML.decode() + table.format(1)
    theirs = TOML.decode() + 'sandbox = "read-only"\n'
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form="toml")
    assert [resolved(merged.draft, side) for side in range(3)] == [
        theirs + table.format(0),
        theirs + table.format(1),
        theirs,
    ]


@pytest.mark.parametrize(
    ("mine", "new"),
    [
        ('prompt = """\n- one, mine\n- say \'\'\'\n"""\n', "prompt = '''\n- one, new\n- say\n'''\n"),
        ('prompt = "- one, mine"\n', "prompt = '''\n- one, new\n- say\n'''\n"),
    ],
)
def test_a_field_of_toml_that_one_side_writes_between_other_quotes_is_in_conflict_as_a_whole(
    mine: str, new: str
) -> None:
    base, ours, theirs = ("prompt = '- one'\nmodel = 'a'\n", f"{mine}model = 'b'\n", f"{new}model = 'a'\n")
    if "say" in mine:
        base = base.replace("'- one'", "'''\n- one\n- say\n'''")
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form="toml")
    assert [tuple(conflict)[1:] for conflict in merged.conflicts] == [(mine, new)]
    assert [resolved(merged.draft, side) for side in (1, 2)] == [ours, f"{new}model = 'b'\n"]


def test_a_comment_beside_a_value_of_the_users_stands_once() -> None:
    ours = HEADER.replace(b"Read, Grep", b"Read  # not more")
    theirs = HEADER.replace(b"model: opus", b"model: haiku").replace(b"Reviews.", b"Reviews all.")
    wanted = ours.replace(b"opus", b"haiku").replace(b"Reviews.", b"Reviews all.")
    assert merge(HEADER, ours, theirs).content == wanted


@pytest.mark.parametrize(
    "text", [b"\xff\n", b"- a\n" * (MAX_BYTES // 4) + b"- b\n"], ids=["no UTF-8", "beyond measure"]
)
def test_what_only_one_side_changed_is_taken_whatever_the_texts_are(text: bytes) -> None:
    other = text + b"- more\n"
    assert merge(text, text, other).content == other
    assert merge(text, other, text).content == other
    assert merge(text, other, other).content == other


@pytest.mark.parametrize("more", [0, 1])
def test_a_text_of_just_the_measure_is_merged(more: int) -> None:
    theirs = b"- one\n- two\n- three, theirs\n"
    fill = b"- " + b"x" * (MAX_BYTES + more - len(theirs) - 3) + b"\n"
    theirs = theirs.replace(b"- two\n", fill)
    theirs += b"x" * (MAX_BYTES + more - len(theirs))
    base = theirs.replace(b", theirs", b"")
    ours = base.replace(b"one", b"1")
    assert max(map(len, (base, ours, theirs))) == MAX_BYTES + more
    assert merge(base, ours, theirs).content == (None if more else theirs.replace(b"one", b"1"))


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("- a\n", "", "- a\n"),
        ("- a\n\n", "", "- a\n"),
        ("- a\n", "\n\n", "- a\n\n"),
        ("- a", "\n", "- a\n"),
        ("- a", "", "- a"),
        ("", "\n", "\n"),
        ("- a\n", "\n\n- b\n", "- a\n\n- b\n"),
        ("- a\n\n", "\n- b\n", "- a\n\n- b\n"),
        ("\n", "\n\n- b\n", "\n- b\n"),
        ("", "\n\n- b\n", "- b\n"),
    ],
)
def test_where_nothing_is_left_between_two_texts_one_gap_is(before: str, after: str, joined: str) -> None:
    draft = (before, Conflict("- was", "- mine", ""), after)
    assert resolved(draft, 2) == joined
    assert resolved(draft, 1) == f"{before}- mine{after}"
    more = (*draft[:2], f"{after}- more", Conflict("", "", ""), "\n")
    assert resolved(more, 2).endswith("- more\n")


def test_a_copy_to_merge_by_hand_of_a_text_that_one_side_emptied_has_whole_lines() -> None:
    labels = MarkerLabels("ours", "base", "theirs")
    told = "<<<<<<< ours\n{}||||||| base\n x\n=======\n{}>>>>>>> theirs\n"
    assert with_markers(" x\n", "", " x", labels) == told.format("", " x\n")
    assert with_markers(" x\n", " x", "", labels) == told.format(" x\n", "")


def test_a_section_in_the_place_of_a_rule_is_no_other_form_of_it() -> None:
    draft = carry("- six {#six}\n", ("- six", "## Ours"), "- six, new {#six}\n")
    assert draft == ("", Conflict("- six", "", "- six, new"), "\n\n## Ours\n")


def test_a_rule_that_the_user_copied_into_another_section_stands_in_both() -> None:
    base = "## A {#a}\n\n- one {#one}\n\n## B {#b}\n\n- two {#two}\n"
    theirs = "## B {#b}\n\n- two {#two}\n\n## A {#a}\n\n- one {#one}\n"
    merged = carried(base, ("- two\n", "- two\n- one\n"), theirs)
    assert merged == "## B\n\n- two\n- one\n\n## A\n\n- one\n"


def test_a_rule_put_in_last_stands_behind_the_last_one_before_it_that_is_left() -> None:
    base = "- five {#five}\n- one {#one}\n"
    merged = carried(base, ("- one\n", "- one\n- mine\n"), "- five {#five}\n- two {#two}\n")
    assert merged == "- five\n- mine\n- two\n"


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_the_blank_line_above_a_rule_of_the_release_stays_where_the_user_took_out_the_one_above_it(gap: str) -> None:
    theirs = "- mine\n- three {#three}\n" + gap[1:] + "- four {#four}\n"
    assert carried("- three {#three}\n", ("- three\n", ""), theirs) == f"- mine{gap}- four\n"


def test_a_comment_that_both_put_beside_a_value_stands_once() -> None:
    base = HEADER.replace(b"Read, Grep", b"[Read, Grep]")
    ours = base.replace(b" [Read, Grep]", b"\n  - Read\n  - Grep  # to find things")
    theirs = base.replace(b" [Read, Grep]", b"\n  - Read  # to find things")
    assert merge(base, ours, theirs).content == theirs


@pytest.mark.parametrize("who", ["user", "release", "both"])
def test_a_comment_that_is_taken_out_with_its_field_is_gone_whatever_the_texts_below_take(who: str) -> None:
    head, less = b"---\nname: x\n# which tools\ntools: Read\n---\n", b"---\nname: x\n---\n"
    ours = (less if who != "release" else head) + b"- one, mine\n- two\n"
    theirs = (less if who != "user" else head) + b"- one\n- two, theirs\n"
    assert merge(head + b"- one\n- two\n", ours, theirs).content == less + b"- one, mine\n- two, theirs\n"


def test_a_text_of_ours_keeps_the_blank_lines_that_the_user_left_around_it() -> None:
    draft = carry_edits("## Gone\n", "Mine.\n\n\n## Gone\n", "- new\n", KnownEntries((), ()))
    assert draft == ("Mine.\n\n\n- new\n",)


def test_a_heading_put_in_above_a_rule_that_the_release_took_out_is_not_lost() -> None:
    base, ours = b"Look at it.\n", b"## Mine\n\nLook at it twice.\n"
    merged = merge(base, ours, b"", lambda: KnownEntries((), ()))
    assert merged.content is None
    assert resolved(merged.draft, 1).encode() == ours


def test_the_blank_lines_of_a_header_without_fields_are_the_users_where_both_changed_them() -> None:
    base, ours, theirs = b"---\n---\nWork.\n", b"---\n\n---\nWork on.\n", b"---\n\n\n---\nWork.\n"
    assert merge(base, ours, theirs).content == ours
