"""What merging comes to for people: rules and fields are wholes, and a conflict is told as each side has it."""

import pytest

from agentpack.merge import MAX_BYTES, merge


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


def test_the_same_change_on_both_sides_is_made_once_beside_others() -> None:
    base = b"- one\n- two\n- three\n- four\n"
    ours = b"- ONE\n- two\n- three, mine\n- four\n"
    theirs = b"- ONE\n- two\n- three\n- FOUR\n"
    assert merge(base, ours, theirs).content == b"- ONE\n- two\n- three, mine\n- FOUR\n"


def test_blank_lines_at_the_beginning_are_no_part_of_a_conflict() -> None:
    merged = merge(b"\n- one\n", b"\n- one, mine\n", b"\n- one, new\n")
    assert [tuple(conflict) for conflict in merged.conflicts] == [("- one", "- one, mine", "- one, new")]


def test_a_long_text_of_repeated_lines_is_merged_in_bounded_work() -> None:
    words = [f"- rule {n % 50}\n" for n in range(30_000)]
    base = "".join(words).encode()
    ours = "".join([*words[:100], "- mine\n", *words[100:]]).encode()
    theirs = "".join([*words[:20_000], "- new\n", *words[20_000:]]).encode()
    content = merge(base, ours, theirs).content
    assert content is not None
    assert b"- mine\n" in content and b"- new\n" in content
