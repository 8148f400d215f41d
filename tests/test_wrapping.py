"""Terminals of every width: no word is broken, and a table that finds no room is told row by row."""

import io
import re
import sys
from pathlib import Path

import pytest
from support.packs import make_pack, publish
from support.running import Agentpack

from agentpack.cli.app import run
from agentpack.cli.output import Output
from agentpack.cli.wrapping import drawn, drawn_table, fill, fits, hang, needed, widened, wrapped

WIDTHS = [40, 60, 100]
QUOTED = re.compile(r"(?:`agentpack [^`]*`|\S)+")
"""Words, where a command of ours is one."""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "dumb")
    value: int = request.param
    return value


def look(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A screen in the place of both streams, from here on."""
    found = Terminal()
    monkeypatch.setattr(sys, "stdout", found)
    monkeypatch.setattr(sys, "stderr", found)
    return found


def spoken() -> Output:
    return Output.of("sync", json=False, quiet=False, verbose=False, no_color=True)


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.many
@pytest.mark.parametrize(
    "arguments",
    [
        *(["doctor"], ["history"], ["search"], ["status"], ["audit", "--level", "note"]),
        *(["explain", "python-engineer", "3.14"], ["show", "python-engineer", "--changes", "1.1.0", "3.0.0"]),
        *(["diff", "--help"], ["--help"], ["pack", "check", "--help"], ["pack"], ["source"], ["cache"]),
    ],
    ids=" ".join,
)
def test_no_word_is_broken_and_no_line_of_words_too_wide(
    agentpack: Agentpack, project: Path, width: int, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", "python-engineer")
    whole = set(words("\n".join(agentpack(*arguments)[1:])))
    screen = look(monkeypatch)
    monkeypatch.chdir(project)
    run(arguments)
    lines = screen.getvalue().splitlines()
    assert {word for line in lines for word in words(line)} <= whole
    assert [line for line in lines if len(line) > width and max(map(len, QUOTED.findall(line))) < width - 25] == []


def test_words_are_wrapped_at_blanks_and_what_is_quoted_stays_together(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    screen, output = look(monkeypatch), spoken()
    output._tell(
        "hint: `agentpack sync --discard-edits` restores what is locked; `agentpack keep` turns an edit into a"
    )
    text = screen.getvalue()
    assert "`agentpack sync --discard-edits`" in text
    assert all(len(line) <= width for line in text.splitlines())
    assert len(text.splitlines()) == {40: 3, 60: 2, 100: 2}[width]


def test_a_command_in_backticks_is_never_broken_and_a_sign_stays_with_its_path(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    look(monkeypatch)
    command = "`agentpack show python-engineer --changes 1.1.0 3.0.0 --client claude`"
    assert command in wrapped(f"  {command} prints the changelog")
    assert command in "\n".join(hang("  ", f"{command} prints the changelog"))
    path = ".claude/skills/python-engineer-performance/SKILL.md"
    for line in (f"  - {path}  removed", f"  \x1b[31m-\x1b[0m {path}  removed"):
        first, *rest = wrapped(line).split("\n")
        assert path in first
        assert all(part == "    removed" for part in rest)


@pytest.mark.parametrize("group", ["source", "pack", "cache"])
def test_the_help_of_a_group_has_whole_sentences(agentpack: Agentpack, width: int, group: str) -> None:
    assert "..." not in agentpack(group).out.replace("...]", "").replace("[ARGS]...", "")


def test_columns_that_find_no_room_are_named(
    agentpack: Agentpack, project: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = look(monkeypatch)
    run(["clients"])
    text = " ".join(screen.getvalue().split())
    for column in ("user", "checked with", "also called"):
        assert column in text
    assert "a wider terminal or `--verbose` also shows: " in text


@pytest.mark.many
def test_explain_has_the_text_of_each_rule_on_every_terminal(
    agentpack: Agentpack, project: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    monkeypatch.chdir(project)
    screen = look(monkeypatch)
    run(["explain", "python-engineer"])
    assert "You are a Python engi" in screen.getvalue()
    assert re.search(r"^[A-Z][A-Za-z ]+ \([a-z-]+\)$", screen.getvalue(), re.MULTILINE)
    way = "`agentpack explain python-engineer description` shows one whole, `--json` all"
    assert f"long texts are cut: {way}" in " ".join(screen.getvalue().split())
    agent = project / ".claude/agents/short.md"
    agent.write_text("---\nname: short\ndescription: Short.\n---\nShort.\n")
    agentpack("adopt", str(agent))
    screen = look(monkeypatch)
    run(["explain", "short"])
    assert "Short." in screen.getvalue()
    assert "cut" not in screen.getvalue()


def test_explain_has_a_rule_below_an_origin_that_leaves_no_room_for_it(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    agentpack("install", "python-engineer", "--client", "claude")
    agent = project / ".claude/agents/python-engineer.md"
    lines = agent.read_text().splitlines(keepends=True)
    first = next(line for line in lines if line.startswith("- "))
    agent.write_text("".join(line for line in lines if line != first))
    monkeypatch.chdir(project)
    screen = look(monkeypatch)
    run(["explain", "python-engineer"])
    lines = screen.getvalue().splitlines()
    (at,) = (n for n, line in enumerate(lines) if re.search(r"removed by a local edit, \S+ [0-9.]+$", line))
    assert lines[at + 1].strip().rstrip("…") in first
    assert [line for line in lines if len(line) > 100] == []


def test_a_path_is_left_whole_for_the_terminal_to_wrap(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    look(monkeypatch)
    path = "/home/ada/" + "a-long-name/" * 12 + "file.md"
    assert wrapped(f"  + {path}  new") == f"  + {path}  new"
    assert path in "\n".join(hang("path  ", path))


def test_styles_take_no_room(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    line = "\x1b[1;31merror:\x1b[0m " + "x" * (width - 7)
    assert wrapped(line) == line


def test_further_lines_stand_below_the_first_word(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    look(monkeypatch)
    label = "ok       python          "
    lines = list(hang(label, "one two three four five six seven eight nine ten eleven twelve thirteen, and so on"))
    assert len(lines) > 1
    indent = 4 if width == 40 else len(label)
    assert all(re.match(rf" {{{indent}}}\S", line) for line in lines[1:])


@pytest.mark.parametrize(("columns", "is_table"), [(60, False), (70, False), (110, True)])
def test_search_leaves_a_description_room(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, columns: int, is_table: bool
) -> None:
    publish(project / "packs", make_pack("reviewer-with-a-long-name", "2.0.0rc12", description="It reviews. " * 9))
    publish(project / "packs", make_pack("python-reviewer", "9.0.0", description="It reviews."))
    agentpack("source", "add", "of-work", "packs")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(project)
    screen = look(monkeypatch)
    run(["search"])
    assert "It reviews. It reviews." in screen.getvalue()
    assert ("newest     source" in screen.getvalue()) == is_table


def test_a_row_that_finds_no_room_is_told_in_lines(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen, output = look(monkeypatch), spoken()
    output.table(
        ("name", "when", "what"),
        [("one", "2026-11-23 10:00:00 +0100", "some documentation of it"), ("two", "-", "")],
        whole=(1,),
    )
    text = screen.getvalue()
    assert "2026-11-23 10:00:00 +0100" in text
    if width == 40:
        assert text == "name one\n  when  2026-11-23 10:00:00 +0100\n  what  some documentation of it\nname two\n"
    else:
        assert text.split("\n")[0].split() == ["name", "when", "what"]


# What a text becomes at a width.


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two ab `c d` e", ["one two ab", "  `c d` e"]),
        ("one `agentpack sync --check --all` two", ["one", "  `agentpack sync --check --all`", "  two"]),
        ("one `a long text of many words` two", ["one `a long", "  text of many", "  words` two"]),
        ("abcdefghijklmnopqrstuv one", ["abcdefghijklmnopqrstuv", "  one"]),
        ("  + path/to/it  is new", ["  + path/to/it", "  is new"]),
        ("\x1b[1mone\x1b[0m two three", ["\x1b[1mone\x1b[0m two three"]),
        ("\x1b[1mone\x1b[0m two three four", ["\x1b[1mone\x1b[0m two three", "  four"]),
        ("", [""]),
    ],
)
def test_a_text_is_filled_into_lines(text: str, lines: list[str]) -> None:
    assert fill(text, 15, "  ", "") == lines


def test_the_first_line_begins_with_its_label_and_never_breaks_behind_it() -> None:
    assert fill("abcdefghijkl mno", 10, "    ", "it: ") == ["it: abcdefghijkl", "    mno"]
    assert fill("one two", 10, "    ", "it: ") == ["it: one", "    two"]
    assert fill("one two", 10, "    ") == ["    one", "    two"]
    assert fill("abcdefghijkl mno", 10, "    ") == ["    abcdefghijkl", "    mno"]


ROWS = [["name", "n", "what it is"], ["one", "12", "a b c d"], ["second-one", "", "-"]]


def test_columns_get_what_they_need_and_share_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert needed(ROWS, ()) == [10, 2, 4]
    assert needed(ROWS, (2,)) == [10, 2, 10]
    assert needed([["a", ""]], ()) == [1, 0]
    for width, laid, is_enough in ((40, [10, 2, 10], True), (24, [10, 2, 8], True), (20, [10, 2, 4], False)):
        monkeypatch.setattr("agentpack.cli.wrapping.columns", lambda width=width: width)
        assert widened([10, 2, 4], ROWS, gap=2) == laid
        assert fits([10, 2, 4], gap=2) is (width >= 20)
        assert fits([10, 2, 5], gap=2) is is_enough


def test_a_table_is_bold_in_its_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    plain = "name        n   what it is\none         12  a b c d   \nsecond-one      -         "
    assert drawn_table(ROWS, [10, 2, 10], styled=False) == plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    styled = drawn_table(ROWS, [10, 2, 10], styled=True)
    assert re.sub("\x1b\\[[0-9;]*m", "", styled) == plain
    assert "\x1b[1m" in styled.split("\n")[0]
    assert "\x1b" not in "".join(styled.split("\n")[1:])


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("One `two` three.", "One `two` three."),
        ("- a\n- b\n", " • a\n • b"),
        ("| a | b |\n| --- | --- |\n| `c` | d |\n| e | f |\n", "a    b\n`c`  d\ne    f"),
        ("a\n\n\n\nb <b>c</b>", "a\n\nb <b>c</b>"),
        (f"| a | b |\n| --- | --- |\n| {'c' * 30} | {'d' * 30} |\n", f"a {'c' * 30}\n  b  {'d' * 30}"),
    ],
)
def test_markdown_is_drawn(monkeypatch: pytest.MonkeyPatch, markdown: str, text: str) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert drawn(markdown, styled=False) == text
