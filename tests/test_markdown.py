"""Which lines make up which top-level block of a Markdown text."""

import pytest
from support.cases import case

from agentpack.model.markdown import NESTING_LIMIT, Block, blocks

Expected = list[tuple[str, int, int] | tuple[str, int, int, int]]

STRUCTURE: dict[str, tuple[str, Expected]] = {
    "a heading, a paragraph and the items of a list are blocks of their own": (
        "## Tone\n\nBe brief.\nBe kind.\n\n- one\n- two\n\nThe end.\n",
        [("heading", 0, 1, 2), ("text", 2, 4), ("item", 5, 6), ("item", 6, 7), ("text", 8, 9)],
    ),
    "nothing at all has no blocks": ("", []),
    "blank lines have no blocks": ("\n   \n\t\n", []),
    "the last line needs no ending": ("# a\n- b", [("heading", 0, 1, 1), ("item", 1, 2)]),
    "a line holding a no-break space is not blank": ("a\n\u00a0\nb\n", [("text", 0, 3)]),
}

HEADINGS: dict[str, tuple[str, Expected]] = {
    "one to six marks make a heading of that level": (
        "# a\n###### b\n####### c\n",
        [("heading", 0, 1, 1), ("heading", 1, 2, 6), ("text", 2, 3)],
    ),
    "a mark needs a blank after it or the end of the line": (
        "#tag\n\n#\n\n##\ttab\n",
        [("text", 0, 1), ("heading", 2, 3, 1), ("heading", 4, 5, 2)],
    ),
    "a heading may be indented by three columns, and interrupts a paragraph": (
        "text\n   # a\n",
        [("text", 0, 1), ("heading", 1, 2, 1)],
    ),
    "indented by four columns it goes on with the paragraph": ("text\n    # a\n", [("text", 0, 2)]),
    "an underlined heading spans its text and its underline": (
        "two\nlines\n===\nnext\n--\n",
        [("heading", 0, 3, 1), ("heading", 3, 5, 2)],
    ),
    "an underline without text above it is text or a thematic break": (
        "===\n\n---\n",
        [("text", 0, 1), ("text", 2, 3)],
    ),
    "dashes below an item are a thematic break": ("- a\n---\n", [("item", 0, 1), ("text", 1, 2)]),
    "equals signs below an item continue its paragraph": ("- a\n===\n", [("item", 0, 2)]),
    "dashes below a quotation are a thematic break": ("> a\n---\n", [("text", 0, 1), ("text", 1, 2)]),
    "a heading inside an item is part of the item": ("- # a\n  ## b\n\n  c\n  ---\n", [("item", 0, 5)]),
}

ITEMS: dict[str, tuple[str, Expected]] = {
    "all that is nested under an item belongs to it": (
        "- a\n  - b\n    1. c\n\n  text\n\n  ```\n  - code\n  ```\n- d\n",
        [("item", 0, 9), ("item", 9, 10)],
    ),
    "another bullet or delimiter only starts another list": (
        "- a\n+ b\n1. c\n1) d\n",
        [("item", 0, 1), ("item", 1, 2), ("item", 2, 3), ("item", 3, 4)],
    ),
    "the content of an item begins after its marker and up to four blanks": (
        "1.  a\n\n   b\n\n10. c\n\n    d\n",
        [("item", 0, 1), ("text", 2, 3), ("item", 4, 7)],
    ),
    "a marker needs a blank after it": ("-a\n\n1.a\n", [("text", 0, 1), ("text", 2, 3)]),
    "a number has at most nine digits": ("123456789. a\n\n1234567890. b\n", [("item", 0, 1), ("text", 2, 3)]),
    "an item without text on its first line takes the next line": ("-\n  a\n", [("item", 0, 2)]),
    "an item without text ends at a blank line": ("-\n\n  a\n", [("item", 0, 1), ("text", 2, 3)]),
    "an item may begin with indented code": ("-     code\n\n  text\n", [("item", 0, 3)]),
    "items may be indented by up to three columns": (
        "- a\n - b\n  - c\n   - d\n    - e\n",
        [("item", 0, 1), ("item", 1, 2), ("item", 2, 3), ("item", 3, 5)],
    ),
    "a line indented for the item stays in it after blank lines": (
        "- a\n\n\n  b\n\n\nc\n",
        [("item", 0, 4), ("text", 6, 7)],
    ),
    "a paragraph in an item goes on with a line that lacks the indentation": ("- a\nb\n  c\nd\n", [("item", 0, 4)]),
    "so does a paragraph deep inside": ("- 1. > a\nb\n", [("item", 0, 2)]),
    "after a blank line, a line without the indentation ends the item": (
        "- a\n\nb\n",
        [("item", 0, 1), ("text", 2, 3)],
    ),
    "code in an item does not go on without the indentation": (
        "- ```\n  a\nb\n",
        [("item", 0, 2), ("text", 2, 3)],
    ),
    "a heading in an item does not go on": ("- # a\nb\n", [("item", 0, 1), ("text", 1, 2)]),
    "a quotation in an item that ended does not go on": ("- > a\n  >\nb\n", [("item", 0, 2), ("text", 2, 3)]),
    "only a list that starts with 1 interrupts a paragraph": (
        "text\n2. a\n\ntext\n1. b\n",
        [("text", 0, 2), ("text", 3, 4), ("item", 4, 5)],
    ),
    "an empty item does not interrupt a paragraph": ("text\n*\n+\n", [("text", 0, 3)]),
    "an empty item follows another item": ("- a\n-\n- b\n", [("item", 0, 1), ("item", 1, 2), ("item", 2, 3)]),
    "any number follows another item": ("1. a\n7. b\n", [("item", 0, 1), ("item", 1, 2)]),
    "three stars or dashes with blanks between them are no items": (
        "* * *\n- - -\n- - a\n",
        [("text", 0, 1), ("text", 1, 2), ("item", 2, 3)],
    ),
}

CODE: dict[str, tuple[str, Expected]] = {
    "a list, a heading or a quotation inside a fence is code": (
        "```\n- a\n\n# b\n> c\n```\n- d\n",
        [("code", 0, 6), ("item", 6, 7)],
    ),
    "a fence is closed by its own character, at least as long": (
        "````python\n```\n~~~~\n````` \n~~~\n```\n~~~~\n",
        [("code", 0, 4), ("code", 4, 7)],
    ),
    "a closing fence has no text after it and is not indented by four": (
        "```\n``` x\n    ```\n   ```\n",
        [("code", 0, 4)],
    ),
    "an unclosed fence reaches to the end": ("~~~\na\n\n- b\n\n", [("code", 0, 4)]),
    "backticks after a backtick fence make it text": ("``` a`b\n\n~~~ a`b\n", [("text", 0, 1), ("code", 2, 3)]),
    "a fence interrupts a paragraph": ("text\n```\na\n```\nmore\n", [("text", 0, 1), ("code", 1, 4), ("text", 4, 5)]),
    "indented code goes on over blank lines": ("    a\n\n\n      b\n\nc\n", [("code", 0, 4), ("text", 5, 6)]),
    "indented lines do not interrupt a paragraph": ("text\n    more\n", [("text", 0, 2)]),
    "indented code may follow a heading": ("# a\n    code\n", [("heading", 0, 1, 1), ("code", 1, 2)]),
}

TEXT: dict[str, tuple[str, Expected]] = {
    "a quotation with all that is in it is one block": (
        "> # a\n> - b\n>\n> c\n\n> d\n",
        [("text", 0, 4), ("text", 5, 6)],
    ),
    "its last paragraph goes on without the mark": ("> a\nb\n    - c\n", [("text", 0, 3)]),
    "an item does not go on with a quotation": ("> a\n2. b\n", [("text", 0, 1), ("item", 1, 2)]),
    "code does not go on with a quotation": ("> ```\na\n", [("text", 0, 1), ("text", 1, 2)]),
    "text does not go on with a quotation that ended its paragraph": ("> a\n>\nb\n", [("text", 0, 2), ("text", 2, 3)]),
    "a table is one block": ("| a | b |\n| --- | --- |\n| 1 | 2 |\n", [("text", 0, 3)]),
    "a thematic break is one line": ("***\ntext\n___\n", [("text", 0, 1), ("text", 1, 2), ("text", 2, 3)]),
    "an element is raw up to a blank line": ("<div>\n- a\n\n- b\n", [("text", 0, 2), ("item", 3, 4)]),
    "a lone tag is raw up to a blank line": ("<custom a='b'>\n# a\n\nb\n", [("text", 0, 2), ("text", 3, 4)]),
    "a lone tag does not interrupt a paragraph": ("text\n<custom>\n# a\n", [("text", 0, 2), ("heading", 2, 3, 1)]),
    "a comment ends where it is closed": ("<!-- a\n\n- b\n--> c\n- d\n", [("text", 0, 4), ("item", 4, 5)]),
    "a comment on one line ends there": ("<!-- a -->\n- b\n", [("text", 0, 1), ("item", 1, 2)]),
    "an unclosed comment reaches to the end": ("<!-- a\n\n- b\n", [("text", 0, 3)]),
    "preformatted elements end with any of their closing tags": (
        "<PRE>\n\n# a\n</script> b\n# c\n",
        [("text", 0, 4), ("heading", 4, 5, 1)],
    ),
    "instructions, declarations and character data end at their own marks": (
        "<?a\n\n?>\n<!A\n\n>\n<![CDATA[\n\n]]>\nb\n",
        [("text", 0, 3), ("text", 3, 6), ("text", 6, 9), ("text", 9, 10)],
    ),
}

DEFINITIONS: dict[str, tuple[str, Expected]] = {
    "link reference definitions are one block, apart from what follows": (
        "[a]: /a\n[b]: <b c>\n  'title\n  goes on'\ntext\n",
        [("text", 0, 4), ("text", 4, 5)],
    ),
    "a thematic break may follow a definition": ("[a]: /a\n---\nb\n", [("text", 0, 1), ("text", 1, 2), ("text", 2, 3)]),
    "an underline takes no definition into its heading": ("[a]: /a\nb\n===\n", [("text", 0, 1), ("heading", 1, 3, 1)]),
    "an underline below definitions alone is text": ("[a]: /a\n===\nb\n", [("text", 0, 1), ("text", 1, 3)]),
    "what lacks a part of a definition is a paragraph": (
        "[a]:\n\n[]: /a\n\n[a]: /a b\n\n[a]: (b\n\n[a] /a\n---\n",
        [("text", 0, 1), ("text", 2, 3), ("text", 4, 5), ("text", 6, 7), ("heading", 8, 10, 2)],
    ),
    "a title that does not end its line leaves a definition without title": (
        "[a]: /a\n'title' b\n===\n",
        [("text", 0, 1), ("heading", 1, 3, 1)],
    ),
    "brackets and parentheses may be escaped": ("[a\\]]: b\\)(c)\n---\n", [("text", 0, 1), ("text", 1, 2)]),
    "a definition is followed by what may interrupt a paragraph": (
        "[a]: /a\n2. b\n\n[a]: /a\n- b\n",
        [("text", 0, 1), ("text", 1, 2), ("text", 3, 4), ("item", 4, 5)],
    ),
    "a definition in a quotation may be underlined only as text": ("> [a]: /a\n> ===\nb\n", [("text", 0, 3)]),
    "text after a definition in a quotation may be underlined": (
        "> [a]: /a\n> b\n> ===\nc\n",
        [("text", 0, 3), ("text", 3, 4)],
    ),
}

TABS: dict[str, tuple[str, Expected]] = {
    "a tab at the beginning of a line is an indentation of four": ("\ta\n \tb\n", [("code", 0, 2)]),
    "a tab after a bullet reaches to column four": ("-\ta\n\n    b\n\n  c\n", [("item", 0, 3), ("text", 4, 5)]),
    "two tabs after a bullet begin indented code": ("-\t\ta\n\n  b\n", [("item", 0, 3)]),
    "a tab indents for an item": ("1. a\n\n\tb\n", [("item", 0, 3)]),
    "a tab after a quotation mark is three columns wide, one of them part of the mark": (
        ">\ta\nb\n\n>\t\ta\nb\n",
        [("text", 0, 2), ("text", 3, 4), ("text", 4, 5)],
    ),
    "tabs at the end of a line are nothing": (
        "-\t\n\t\n#\t\n```\na\n```\t\nb\n",
        [("item", 0, 1), ("heading", 2, 3, 1), ("code", 3, 6), ("text", 6, 7)],
    ),
}

CASES = STRUCTURE | HEADINGS | ITEMS | CODE | TEXT | DEFINITIONS | TABS


def expected_blocks(expected: Expected) -> list[Block]:
    return [Block(block[0], block[1], block[2], block[3] if len(block) == 4 else 0) for block in expected]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\r"], ids=["without", "LF", "CRLF", "CR"])
def test_blocks_with_line_endings_and_without(ending: str) -> None:
    for name, (text, expected) in CASES.items():
        with case(name):
            assert blocks([line + ending for line in text.split("\n")]) == expected_blocks(expected)


def test_containers_beyond_the_limit_are_text() -> None:
    """At the limit the fence is code, so that the next line is not; beyond it the marker before it makes it text."""
    for marker in ("> ", "- "):
        assert len(blocks([marker * NESTING_LIMIT + "```", "text"])) == 2
        assert len(blocks([marker * (NESTING_LIMIT + 1) + "```", "text"])) == 1


LINE = 200_000
HOSTILE = [
    ">",
    "> ",
    "- ",
    "* ",
    "*",
    "-",
    "_ ",
    "1. ",
    "> - ",
    "[",
    "]",
    "[a]: ",
    "\\[",
    "`",
    "~",
    "#",
    "<",
    "<a ",
    "<a b=",
    "<!--",
    "(",
    "'",
    "\t",
    "=",
]


@pytest.mark.untraced
@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("end", ["", "x", "]: /url"])
@pytest.mark.campaign
def test_one_huge_line_comes_to_an_end(unit: str, end: str) -> None:
    line = unit * (LINE // len(unit)) + end
    for lines in ([line], ["[" + line], ["<a " + line], ["- " + line, "lazy"], ["[a]: " + line, "---"]):
        assert all(block.end <= len(lines) for block in blocks(lines))


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("unit", HOSTILE)
def test_many_lines_come_to_an_end(unit: str) -> None:
    for lines in (
        [unit + "x"] * 20_000,
        [unit + "x", "lazy"] * 10_000,
        [unit * 200 + "x"] + ["lazy"] * 20_000,
        [unit * 200 + "x"] * 200 + ["> " + unit, "- " + unit] * 2_000,
        ["[a", unit] * 10_000,
        ["[a]: /a", unit, "==="] * 5_000,
    ):
        assert blocks(lines)


def test_deep_nesting_comes_to_an_end() -> None:
    deep_quotation = [">" * 10_000 + " a", *["lazy"] * 10_000, ">" * 10_000 + " ```", "text"]
    assert [(block.start, block.end) for block in blocks(deep_quotation)] == [(0, 10_003)]
    stairs = [" " * (2 * depth) + "- a" for depth in range(500)]
    assert blocks([*stairs, "lazy", "", "text"]) == [Block("item", 0, 501, 0), Block("text", 502, 503, 0)]
