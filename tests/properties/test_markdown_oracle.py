"""Our blocks are those of markdown-it-py, on documents made of whatever may confuse a reader of Markdown.

Documents on which markdown-it-py departs from CommonMark and its reference implementation are left out, and only
those: `is_misread`, `has_open_definition`. `AGENTPACK_MARKDOWN_EXAMPLES` sets another number of examples.
"""

import os
import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.effort import usually

from agentpack.model.markdown import Block, blocks

EXAMPLES = int(os.environ.get("AGENTPACK_MARKDOWN_EXAMPLES", usually(120, thorough=400, nightly=1000)))

FRAGMENTS = [
    *("- ", "-", "* ", "+ ", "1. ", "1.", "2. ", "1) ", "01. ", "10. ", "1.x", "1234567890. ", "-\t", "*\t"),
    *(">", "> ", "> > ", ">\t", " ", "  ", "   ", "    ", "     ", "\t"),
    *("```", "````", "~~~", "``` a`", "~~~ x", "# ", "##", "###### ", "#x"),
    *("---", "--", "===", "=", "* * *", "***", "- - -", "___"),
    *("<div>", "</div>", "<pre>", "</pre>", "<!--", "-->", "<?x", "?>", "<!X", "<![CDATA[", "]]>"),
    *("<a>", "</a >", "<b c=d e>", "<b c='", "text", "a b", "`x`", "| a | b |", "|---|", "[x]", "[x", "[x](y)", "\\"),
]
DEFINITIONS = ["[x]: /u", "[x]: <u v> 'title'", "[x]: /u (a title)\n[y]: #z", '[x]:\n/u\n"a\ntitle"', "[x\\]y]: u(v)w"]

lines = st.lists(st.sampled_from(FRAGMENTS), max_size=4).map("".join)
definitions = st.sampled_from(DEFINITIONS).map(lambda text: text + "\n")
documents = st.lists(st.one_of(lines, lines, lines, lines, lines, lines, lines, definitions), max_size=9).map("\n".join)

KINDS = {"fence": "code", "code_block": "code", "heading_open": "heading"}


def is_blank(line: str) -> bool:
    return not line.strip(" \t")


def uncovered(source: list[str], start: int, end: int) -> list[Block]:
    """Link reference definitions, which make no token: each run of lines that are not blank is a block of text."""
    texts = [at for at in range(start, end) if not is_blank(source[at])]
    starts = [at for at in texts if at - 1 not in texts]
    ends = [at + 1 for at in texts if at + 1 not in texts]
    return [Block("text", *span, 0) for span in zip(starts, ends, strict=True)]


def oracle(source: list[str]) -> tuple[list[Block], list[dict[str, Any]]]:
    """The top-level blocks and all the link reference definitions that markdown-it-py sees."""
    parser = MarkdownIt("commonmark", {"maxNesting": 1000}).disable("inline")
    environment: dict[str, Any] = {}
    found: list[Block] = []
    covered = 0
    for token in parser.parse("".join(line + "\n" for line in source), environment):
        is_item = token.level == 1 and token.type == "list_item_open"
        is_block = token.level == 0 and token.nesting >= 0 and not token.type.endswith("_list_open")
        if token.map and (is_item or is_block):
            start, end = token.map
            while is_blank(source[end - 1]):
                end -= 1
            level = int(token.tag[1]) if token.type == "heading_open" else 0
            found += uncovered(source, covered, start)
            found.append(Block("item" if is_item else KINDS.get(token.type, "text"), start, end, level))
            covered = end
    found += uncovered(source, covered, len(source))
    return found, [*environment.get("references", {}).values(), *environment.get("duplicate_refs", [])]


PREFIX = re.compile(r"(?:[ >]|(?:[-+*]|[0-9]{1,9}[.)])(?= |$))*")
INDENTED_MARKER = re.compile(r"[ >]* {4}[ >]*[-+*_#`~<>0-9]")
TAB_IN_NESTED_QUOTATION = re.compile(r"[^>]*>[^>]*>.*\t")


def is_misread(source: list[str]) -> bool:
    """Whether markdown-it-py may take an indented marker for a block, or a tab in a nested quotation for too little.

    It forgets the indentation of a line that lacks its container's prefix: in `> > a` or `   - a` followed by
    `    # b`, the second line goes on with the paragraph. After `>` alone, `    > b` is code.
    """
    is_quoted, reach = False, 0
    for line in source:
        text = line.expandtabs(4)
        if is_blank(text):
            is_quoted, reach = False, 0
            continue
        indentation = len(text) - len(text.lstrip(" "))
        if TAB_IN_NESTED_QUOTATION.match(line):
            return True
        if INDENTED_MARKER.match(text) and (is_quoted or reach > indentation):
            return True
        prefix = PREFIX.match(text)
        is_quoted = is_quoted or ">" in text
        reach = max(reach, prefix.end() if prefix else 0)
    return False


def has_open_definition(source: list[str], references: list[dict[str, Any]]) -> bool:
    """Whether something follows a definition without a blank line.

    There markdown-it-py begins a new block, and the reference implementation goes on with the same paragraph.
    """
    ends = [reference["map"][1] for reference in references]
    starts = [reference["map"][0] for reference in references]
    return any(end < len(source) and end not in starts and source[end].strip(" \t>") for end in ends)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(documents)
def test_blocks_are_those_of_markdown_it(document: str) -> None:
    source = document.split("\n")
    assume(not is_misread(source))
    expected, references = oracle(source)
    assume(not has_open_definition(source, references))
    assert blocks(source) == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(documents, st.text(alphabet="->#*+=_`~<1.)[]: \t\n\\ax", max_size=200)))
def test_every_line_with_text_is_in_one_block(document: str) -> None:
    source = document.split("\n")
    found = blocks(source)
    covered = [at for block in found for at in range(block.start, block.end)]
    assert covered == sorted(set(covered))
    assert {at for at, line in enumerate(source) if not is_blank(line)} <= set(covered)
    for block in found:
        assert block.start < block.end
        assert not is_blank(source[block.start])
        assert not is_blank(source[block.end - 1])
        assert (block.level > 0) == (block.kind == "heading")


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents, st.sampled_from(["\n", "\r\n", "\r"]))
def test_line_endings_change_nothing(document: str, ending: str) -> None:
    source = document.split("\n")
    assert blocks([line + ending for line in source]) == blocks(source)


@settings(max_examples=EXAMPLES, deadline=None)
@given(documents, documents)
def test_an_atx_heading_between_two_texts_keeps_them_apart(before: str, after: str) -> None:
    """What was found before a heading at the first column does not depend on what comes after it."""
    head, tail = before.split("\n"), after.split("\n")
    found = blocks([*head, "", "# heading", *tail])
    boundary = len(head) + 1
    if Block("heading", boundary, boundary + 1, 1) in found:  # else it stands in an open fence or raw HTML
        assert [block for block in found if block.start < boundary] == blocks(head)
        rest = [block._replace(start=block.start - boundary - 1, end=block.end - boundary - 1) for block in found]
        assert [block for block in rest if block.start >= 0] == blocks(tail)
