"""Laws of capabilities: what covers what, and that a header read without YAML says what the YAML door says."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.capabilities.headers import header_rows, parse_fields, parse_rows
from agentpack.capabilities.of_file import FileReader, capabilities
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.render import render_file
from agentpack.errors import UsageError
from agentpack.model.capabilities import BUT, EVERY, HEADS, NARROW, PLAIN, accepted, covers, is_capability, widening
from agentpack.model.fields import COLORS, MODELS, TOOLS
from agentpack.model.persona import Field, Origin, Persona, Rule, Section

# Which set covers which.

TOOL_WORDS = ("read", "edit", "shell", "shell(git)", "edit(plan)", "tool:X", "tool:X(a)", "mcp", "mcp:s")
LIMITS = ("ask", "some-ask~0f", "some-ask~1e", "ask-or-deny~0f", "limits~0f", "limits~1e")
LIMITED = st.tuples(st.sampled_from(("shell", "web/fetch", "mcp:s", "mcp:s/x", "tool:X")), st.sampled_from(LIMITS))
DENIED = st.lists(
    st.sampled_from(("shell", "edit", "changes", "tool:X", "mcp", "mcp:s", "mcp:s/x", "web/fetch", "skills", "others"))
    | st.sampled_from(("shell(allow)", "mcp:s(allow)", "web/fetch(allow)", "skills/a", "skills/a(allow)"))
    | (LIMITED | st.tuples(st.just("others"), st.sampled_from(LIMITS))).map("{0[0]}({0[1]})".format),
    min_size=1,
    unique_by=lambda word: word.partition("(")[0],
)
WORD = st.one_of(
    st.sampled_from(TOOL_WORDS),
    st.sampled_from((EVERY, "bypass", "no-sandbox", "background", "memory", "skills", "unreadable")),
    DENIED.map(lambda words: BUT + "+".join(sorted(words))),
    LIMITED.map("{0[0]}({0[1]})".format),
    st.sampled_from(("model:small", "model:medium", "model:large", "model:x-1", "sandbox:workspace-write")),
    st.sampled_from(("permission:plan", "permission:acceptEdits", "permission:shell", "permission:shell~0f")),
    st.sampled_from(("mcp:s/x", "mcp:s/x~0f", "tool:X/y", "shell(a~b/c)")),
    st.sampled_from(("mcp:s~0f", "mcp:s~1e", "hooks:0f", "hooks:1e", "setting:a", "sandbox:read-only")),
)
SETS = st.frozensets(WORD, max_size=5)


@given(SETS)
def test_a_set_is_no_widening_of_itself(words: frozenset[str]) -> None:
    assert widening(words, words) == ()


@settings(max_examples=usually(60, thorough=200, nightly=500))
@given(SETS, SETS, SETS)
def test_what_is_covered_by_what_is_covered_is_covered(
    one: frozenset[str], two: frozenset[str], three: frozenset[str]
) -> None:
    if not widening(one, two) and not widening(two, three):
        assert widening(one, three) == ()


@settings(max_examples=usually(60, thorough=200, nightly=500))
@given(st.tuples(WORD, WORD, WORD))
def test_the_same_for_single_words(words: tuple[str, str, str]) -> None:
    one, two, three = words
    if covers((one,), two) and covers((two,), three):
        assert covers((one,), three)


@settings(max_examples=usually(250, thorough=500))
@given(SETS, WORD)
def test_a_set_covers_what_one_of_its_words_covers(held: frozenset[str], word: str) -> None:
    assert covers(held, word) == any(covers((one,), word) for one in (*held, "model:small"))


@given(SETS, SETS)
def test_a_widening_is_what_is_not_covered_and_no_more(before: frozenset[str], after: frozenset[str]) -> None:
    found = widening(before, after)
    assert list(found) == sorted(found)
    assert set(found) <= after
    assert all(not covers(before, word) for word in found)
    assert all(covers(before, word) for word in after - set(found))
    assert (found == ()) == all(covers(before, word) for word in after)


@given(SETS, SETS)
def test_more_held_never_covers_less(before: frozenset[str], more: frozenset[str]) -> None:
    assert set(widening(before | more, more | before)) <= set(widening(before, more | before))


@settings(max_examples=usually(250, thorough=500))
@given(WORD, SETS)
def test_a_set_covers_what_one_of_its_words_covers_and_no_more(word: str, held: frozenset[str]) -> None:
    assert covers(held, word) == (covers((), word) or any(covers((one,), word) for one in held))


@given(WORD, SETS)
def test_every_word_can_be_accepted_as_it_is_told(word: str, others: frozenset[str]) -> None:
    assert is_capability(word)
    assert accepted((word, *others), "reviewer", word)
    assert accepted((f"reviewer:{word}",), "reviewer", word)
    if word not in NARROW and not word.startswith("model:"):
        assert not accepted((f"tester:{word}",), "reviewer", word)


def test_the_head_of_a_word_is_a_word() -> None:
    assert all(is_capability(word) for word in (*PLAIN, *HEADS))


# Reading.

ORIGIN = Origin("release", "reviewer 1.0.0")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ODD = st.lists(
    st.sampled_from(
        (
            *"ab '\"\\#:-{}[],|>\n\t",
            "---",
            "\n---\n",
            "'''",
            '"""',
            "\r\n",
            "\ntools: Read\n",
            "\ntools = []\n",
            "\x85",
            "é",
        )
    ),
    max_size=12,
).map("".join)
ANY = st.recursive(
    st.one_of(TEXT, ODD, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(str.strip), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ("Read", "Bash", "Bash(git *, a)", "*", "mcp__s__t", "@s/t", "s/t", "Nothing", "edit", "read_file")
)
GRANT = st.sampled_from(("allow", "ask", "deny"))
FORMS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.one_of(ODD, TEXT, st.sampled_from(("plan", "yolo", "yes", "acceptEdits"))).filter(str.strip),
    "flag": st.booleans(),
    "count": st.integers(1, 10**20),
    "number": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    "list": st.lists(NAMES | TEXT, max_size=3),
    "texts": st.lists(NAMES, max_size=3) | NAMES,
    "map": st.dictionaries(TEXT.filter(str.strip), ANY, max_size=3),
    "maps": st.lists(st.one_of(TEXT, st.dictionaries(TEXT.filter(str.strip), ANY, max_size=2)), max_size=3),
    "permissions": GRANT
    | st.dictionaries(st.sampled_from(("*", "bash", "edit", "x")), GRANT | st.dictionaries(NAMES, GRANT)),
    "color": st.just("primary"),
    "any": ANY,
    "switches": st.dictionaries(st.sampled_from(("*", "bash", "edit", "x")), st.booleans()),
}


def declared(client: str) -> Client:
    return CLIENTS[client]


@st.composite
def rendered(draw: st.DrawFn, client: str) -> bytes:
    """A persona's file for a client, with settings of its own that may be anything it admits."""
    declaration = declared(client)
    native: dict[str, Any] = {}
    for key in (
        draw(st.lists(st.sampled_from(sorted(declaration.native)), unique=True, max_size=4))
        if declaration.native
        else ()
    ):
        form = declaration.native[key]
        native[key] = draw(st.sampled_from(form.split("|")) if "|" in form else FORMS[form])
    fields = {
        "description": draw((TEXT | ODD).filter(str.strip)),
        "model": draw(st.sampled_from([*MODELS, "gpt-5.2", "anthropic/claude-x", "a:b", ""])),
        "color": draw(st.sampled_from([*COLORS, ""])),
        "tools": draw(st.lists(st.sampled_from(TOOLS), unique=True)),
        "clients": {client: native},
    }
    rules = (Rule(None, "You review it all.\n" + draw(TEXT | ODD), "", None, "text", 1, ORIGIN),)
    persona = Persona(
        "reviewer",
        {k: Field(v, ORIGIN) for k, v in fields.items()},
        (Section(None, 0, "", "", None, 0, rules, ORIGIN),),
    )
    try:
        return render_file(CLIENTS[client], persona, {}).text.encode()
    except (UsageError, UnicodeEncodeError):
        plain = Persona("reviewer", {"description": Field("It.", ORIGIN)}, persona.sections)
        return render_file(CLIENTS[client], plain, {}).text.encode()


@pytest.mark.parametrize("client", sorted(MODULES))
@settings(max_examples=usually(10, thorough=25, nightly=200))
@given(data=st.data())
@pytest.mark.campaign
def test_rows_say_what_the_format_s_own_reader_says(client: str, data: st.DataObject) -> None:
    content = data.draw(rendered(client))
    declaration = declared(client)
    if declaration.format == "body":
        assert capabilities(declaration, content) == (EVERY,)
        return
    reader = FileReader(declaration)
    found = header_rows(declaration.format, reader.harmless, content, reader.texts_as_bytes)
    whole = parse_fields(declaration, found.whole)
    assert whole is not None
    assert capabilities(declaration, content) == reader.words_for(whole) == reader.read(content) == reader.read(content)
    if found.rows is not None and (rows := parse_rows(declaration.format, found.rows)) is not None:
        assert {key: declaration.meaning(key) for key in whole.keys() - rows.keys()} == dict.fromkeys(
            whole.keys() - rows.keys(), "none"
        )
        assert rows.keys() <= whole.keys()


@pytest.mark.parametrize("number", ["12", "999999999999999999", "1000000000000000000", "-1000000000000000000", "1e3"])
def test_a_number_of_any_length_is_read_as_the_format_s_own_reader_reads_it(number: str) -> None:
    content = f'---\nname: reviewer\ndescription: "It."\nmcpServers: {number}\n---\nYou review.\n'.encode()
    fields = parse_fields(declared("claude"), content)
    assert fields is not None
    assert capabilities(declared("claude"), content) == FileReader(declared("claude")).words_for(fields)


@pytest.mark.parametrize("client", sorted(MODULES))
@settings(max_examples=usually(12, thorough=30, nightly=300))
@given(tools=st.sets(st.sampled_from(TOOLS)), description=TEXT.filter(str.strip))
def test_a_plain_persona_is_read_without_yaml(client: str, tools: set[str], description: str) -> None:
    fields = {"description": description, "tools": sorted(tools), "model": "opus", "color": "blue"}
    rules = (Rule(None, "You review data.\n\nAll of it.\n", "", None, "text", 1, ORIGIN),)
    persona = Persona(
        "reviewer",
        {k: Field(v, ORIGIN) for k, v in fields.items()},
        (Section(None, 0, "", "", None, 0, rules, ORIGIN),),
    )
    declaration = declared(client)
    if declaration.format == "body":
        return
    found = header_rows(
        declaration.format, FileReader(declaration).harmless, render_file(CLIENTS[client], persona, {}).text.encode()
    )
    assert found.rows is not None
    assert b"reviewer" not in found.rows
    assert parse_rows(declaration.format, found.rows) is not None


@given(st.one_of(ODD, TEXT).map(str.encode), st.sampled_from(("claude", "codex", "roo", "opencode")))
def test_any_text_has_capabilities(content: bytes, client: str) -> None:
    declaration = declared(client)
    for whole in (content, b"---\n" + content + b"\n---\nYou.\n"):
        found = capabilities(declaration, whole)
        assert list(found) == sorted(set(found))
        assert all(is_capability(word) and ", " not in word and word.isprintable() for word in found)
