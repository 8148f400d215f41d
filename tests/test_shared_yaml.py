"""Entries in files that are others' too: whatever is done to ours, every other byte stays."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agentpack.clients.base import SharedFile
from agentpack.clients.pool import CLIENT as POOL
from agentpack.clients.roo import CLIENT as ROO
from agentpack.writers.emit import yaml_entry

assert ROO.shared is not None
assert POOL.shared is not None


class One(NamedTuple):
    """A shared file of which one entry is changed at a time."""

    shared: SharedFile

    def entries(self, data: bytes) -> Mapping[str, str]:
        return self.shared.entries(data)

    def put(self, data: bytes, name: str, text: str | None) -> bytes:
        return self.shared.put(data, {name: text})


MODES, AGENTS = One(ROO.shared), One(POOL.shared)
MODE = yaml_entry({"slug": "py", "name": "py", "roleDefinition": "You write.\n\n  - x: y # z\n", "groups": ["read"]})
AGENT = yaml_entry({"type": "command", "description": "a: b", "instructions": "You write.\n\n\tTabs.\n"})

FILES = {
    "absent": "",
    "a comment": "# mine\n",
    "an empty list": "customModes: []\n",
    "nothing": "customModes:\n",
    "null": "customModes: ~ # none yet\nother: 1\n",
    "an empty list with a comment": "customModes: [] # mine\n# end\n",
    "a block": "customModes:\n  - slug: a\n    name: A # x\n\n  # between\n  - slug: b\n    roleDefinition: |\n"
    "      q\n\n# end\no: 1\n",
    "no indentation": "customModes:\n- slug: a\n  name: 1\n# tail\nother: 1\n",
    "deep indentation": "customModes:\n    - slug: a\n      name: 1\n    # tail\n",
    "other keys": "---\nx: 1\n",
    "an end mark": "x: 1\n...\n",
    "carriage returns": "customModes:\r\n  - slug: a\r\n    name: b\r\n# e\r\n",
    "JSON": '{"customModes": []}\n',
    "JSON on lines": '{\n  "customModes": [\n    {"slug": "a", "name": "b"}\n  ]\n}\n',
    "flow in a block": "customModes: [{slug: a, name: q}] # k\n",
    "an empty list on its line": "a: 1\ncustomModes:\n  []\nb: 2\n",
    "no last line end": "customModes:\n  - slug: a",
    "flow items": "customModes:\n    - {slug: a, n: 1} # hi\n    -\n      slug: z\n",
    "a byte-order mark": "\ufeffcustomModes:\n  - slug: a\n",
    "an empty map": "{}\n",
    "a kept block": "customModes:\n  - slug: a\n    t: |+\n      x\n\n\nother: 1\n",
    "an anchor": "base: &b {n: 1}\ncustomModes:\n  - slug: a\n    x: *b\n",
    "an alias": "base: &b {slug: b}\ncustomModes:\n  - *b\n# end\n",
    "a folded text": "customModes:\n  - slug: a\n    t: one\n      two\n    u: 'three\n\n      four'\n# c\n",
}


def without(text: str, part: str) -> str:
    assert text.count(part) == 1
    return text.replace(part, "", 1)


def names(data: bytes) -> list[str]:
    return [mode["slug"] for mode in (yaml.safe_load(data) or {}).get("customModes") or []]


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_an_entry_is_added_read_again_and_taken_out(text: str) -> None:
    before = text.encode()
    after = MODES.put(before, "py", MODE)
    assert MODES.entries(after)["py"] == MODE
    assert names(after) == [*names(before), "py"]
    assert MODES.put(after, "py", MODE) == after
    removed = MODES.put(after, "py", None)
    assert names(removed) == names(before)
    assert MODES.put(removed, "py", MODE) == after


KEPT = [
    name
    for name in FILES
    if name not in {"an empty list", "nothing", "null", "an empty list on its line", "no last line end", "an empty map"}
]


@pytest.mark.parametrize("name", KEPT)
def test_taking_the_entry_out_gives_the_first_bytes_back(name: str) -> None:
    before = FILES[name].encode()
    assert MODES.put(MODES.put(before, "py", MODE), "py", None) == before


def test_an_added_entry_is_all_that_is_added() -> None:
    after = MODES.put(FILES["a block"].encode(), "py", MODE).decode()
    block = "".join(f"    {line}\n" if line else "\n" for line in MODE.rstrip("\n").split("\n"))
    assert without(after, "  - " + block[4:]) == FILES["a block"]


def test_a_changed_entry_keeps_its_place_and_the_comments_around_it() -> None:
    text = "# top\ncustomModes:\n  # ours\n  - slug: py\n    name: old # why\n\n  # theirs\n  - slug: b\n# end\n"
    assert MODES.entries(text.encode())["py"] == "slug: py\nname: old # why\n"
    after = MODES.put(text.encode(), "py", "slug: py\nname: new # why\n")
    assert after.decode() == text.replace("old", "new")


def test_comments_stay_with_what_they_stand_above() -> None:
    text = "customModes:\n- slug: a\n# of the next\nother: 1\n"
    assert MODES.put(text.encode(), "py", "slug: py\n").decode() == text.replace("# of", "- slug: py\n# of")
    text = "customModes:\n  - slug: a\n  # of a\n\n# of the next\nother: 1\n"
    assert MODES.put(text.encode(), "py", "slug: py\n").decode() == text.replace("of a\n", "of a\n  - slug: py\n")


def test_lines_end_as_they_do_in_the_file() -> None:
    after = MODES.put(FILES["carriage returns"].encode(), "py", MODE)
    assert after.count(b"\n") == after.count(b"\r\n")
    assert MODES.entries(after)["py"] == MODE


@pytest.mark.parametrize(
    "text",
    [
        "customModes: [\n",
        "customModes: {a: 1}\n",
        "- a\n",
        "customModes: text\n",
        "a: 1\n---\nb: 2\n",
        "customModes:\n  - slug: a\n  - slug: a\n",
        "customModes: []\ncustomModes: []\n",
        "x: !tag 1\n",
        "customModes: [ # why\n]\n",
        "base: &b [{slug: a}]\ncustomModes: *b\n",
        "\ttab: 1\n",
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        MODES.put(text.encode(), "py", MODE)


def test_an_alias_in_place_of_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="the value of `customModes` is an alias"):
        MODES.entries(b"base: &b [{slug: a}]\ncustomModes: *b\n")


def test_a_merge_key_between_agents_is_kept() -> None:
    text = "b: &b {o: {type: x}}\nsubagents:\n  agents: {<<: *b, p: {type: y}, q: {type: z}}\n"
    assert AGENTS.put(text.encode(), "p", None).decode() == text.replace("p: {type: y}, ", "")


OURS = "slug: py\ngroups: &g [edit]\n"


@pytest.mark.parametrize(
    "text",
    [
        "customModes:\n  - slug: py\n    groups: &g [read]\nother: *g\n",
        "customModes:\n  - slug: py\n    groups: &g [read]\n  - slug: b\n    groups: *g\n",
        "customModes:\n  - slug: py\n    groups: &g [read]\n  - slug: b\nother: *g\n",
    ],
)
def test_an_entry_from_which_others_take_a_value_is_left_as_it_is(text: str) -> None:
    """With another value there, what is not ours would say something else."""
    for texts in ({"py": OURS}, {"py": OURS, "c": "slug: c\n"}):
        with pytest.raises(ValueError, match="without touching the rest of the file"):
            MODES.shared.put(text.encode(), texts)
    with pytest.raises(ValueError, match=r"."):
        MODES.put(text.encode(), "py", None)


def _doubled(levels: int) -> str:
    return "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(levels))


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        (f"x: {'x' * 1024 * 1024}\n", "longer than 1048576 characters"),
        (f"x: [{'1, ' * 20_000}]\n", "more than 20000 values"),
        (_doubled(20), "more than 20000 values"),
        ("x: &x [*x]\n", "more than 20000 values"),
        (f"x: {'[' * 60}{']' * 60}\n", "nested deeper than 50 levels"),
        (f"x: {'9' * 101}\n", "a number that is too long"),
    ],
)
def test_a_file_that_would_take_long_is_refused_with_the_bound(text: str, bound: str) -> None:
    with pytest.raises(ValueError, match=bound):
        MODES.entries(text.encode())
    with pytest.raises(ValueError, match=bound):
        MODES.put(text.encode(), "py", MODE)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        MODES.entries(b"\xff")


def test_an_entry_must_be_what_it_is_called() -> None:
    with pytest.raises(ValueError, match="not an entry"):
        MODES.put(b"", "py", "slug: other\n")
    with pytest.raises(ValueError, match="not an entry"):
        MODES.put(b"", "py", "- a\n")


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    assert MODES.put(FILES["a block"].encode(), "py", None) == FILES["a block"].encode()


SETTINGS = {
    "absent": "",
    "other settings": "mcp_servers: {a: {command: x}} # mine\n",
    "a default": "subagents:\n  default: o\n",
    "an empty map": "subagents:\n  agents: {}\nz: 1\n",
    "another agent": "subagents:\n  agents:\n    o:\n      type: command # c\n    # tail\nz: 1\n",
    "nothing": "subagents:\n",
    "an agent called by a number": "subagents:\n  agents:\n    1:\n      type: x\n",
    "wide": "subagents:\n    agents:\n        o:\n            type: x\n    default: q\n",
    "flow": "subagents: {agents: {o: {type: x}}}\n",
    "empty flow": "subagents: {}\n",
    "null in flow": "{subagents: ~}\n",
    "agents without a value": "a: 1\nsubagents:\n  agents:\n  default: x\n",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_agent_in_a_map_is_added_and_taken_out(name: str) -> None:
    before = SETTINGS[name].encode()
    after = AGENTS.put(before, "py", AGENT)
    assert AGENTS.entries(after)["py"] == AGENT
    removed = AGENTS.put(after, "py", None)
    assert AGENTS.put(removed, "py", AGENT) == after
    if name not in ("an empty map", "nothing", "empty flow", "null in flow", "agents without a value"):
        assert removed == before


# Any file

WORDS = st.sampled_from(
    ["a", "b c", "'q'", '"x: y"', "1", "true", "[p, q]", "{r: 1}", "|\n{}  one\n\n{}  two", ">-\n{}  t"]
)
COMMENTS = st.sampled_from(["", " # note", "  # ü"])
BETWEEN = st.sampled_from(["", "\n", "{}# about\n", "\n{}# about\n", "# far left\n"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with modes of others, comments and blank lines anywhere."""
    indent = " " * draw(st.sampled_from([0, 2, 4]))
    text = draw(st.sampled_from(["", "# top\n", "---\n", "first: 1\n\n"]))
    count = draw(st.integers(0, 3))
    text += f"customModes:{draw(COMMENTS)}\n" if count else draw(st.sampled_from(["", "customModes: []\n"]))
    for number in range(count):
        text += draw(BETWEEN).replace("{}", indent)
        text += f"{indent}- slug: m{number}{draw(COMMENTS)}\n"
        for key in draw(st.lists(st.sampled_from(["name", "x", "y"]), unique=True)):
            value = draw(WORDS)
            comment = draw(COMMENTS) if "\n" not in value else ""
            text += f"{indent}  {key}: {value.replace('{}', indent + '  ')}{comment}\n"
    text += draw(st.sampled_from(["", "\n", "# end\n", "\n# end\n\n"]))
    text += draw(st.sampled_from(["", "other: 1\n", "other:\n  - slug: py\n# z\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


ENTRIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(
    lambda body: yaml_entry({"slug": "py", "name": "py", "roleDefinition": f"You write.\n{body}", "groups": ["read"]})
)


@pytest.mark.campaign
@pytest.mark.untraced
@given(files(), ENTRIES, ENTRIES)
@example("customModes:\n- slug: m0\n# end\nother: 1\n", MODE, MODE)
def test_whatever_is_put_every_other_byte_stays(text: str, one: str, two: str) -> None:
    before = text.encode()
    first = MODES.put(before, "py", one)
    assert MODES.entries(first)["py"] == one
    second = MODES.put(first, "py", two)
    assert MODES.entries(second)["py"] == two
    assert MODES.put(second, "py", one) == first
    removed = MODES.put(second, "py", None)
    assert MODES.put(removed, "py", two) == second
    if names(before):
        assert removed == before
    others = dict(MODES.entries(before))
    assert {name: entry for name, entry in MODES.entries(second).items() if name != "py"} == others


def _mode(name: str) -> str:
    return yaml_entry({"slug": name, "name": name, "roleDefinition": "You write.\n\n  - x: y # z\n"})


@pytest.mark.untraced
@given(
    files() | st.sampled_from(list(FILES.values())),
    st.dictionaries(st.sampled_from(["m0", "m1", "m2", "a", "b", "n0", "n1"]), st.booleans(), min_size=1),
)
@example(FILES["flow in a block"], {"n0": True, "n1": True})
@example(FILES["a byte-order mark"], {"n0": True, "n1": True})
@example(FILES["no last line end"], {"a": True, "n0": True, "n1": True})
@example('{"customModes": [{"slug": "a"}, {"slug": "m0"}, {"slug": "b"}, {"slug": "m1"}]}', {"m1": False, "b": False})
@example('{"customModes": [{"slug": "a"}, {"slug": "m0"}, {"slug": "b"}]}', {"a": False, "m0": False, "b": False})
def test_many_entries_at_once_are_these_entries_one_after_the_other(text: str, wanted: dict[str, bool]) -> None:
    there = names(text.encode())
    texts = {name: _mode(name) if there_then else None for name, there_then in wanted.items()}
    data = text.encode()
    for name in sorted(texts, key=lambda name: (texts[name] is None, name not in there)):
        data = MODES.put(data, name, texts[name])
    assert MODES.shared.put(text.encode(), texts) == data


@pytest.mark.untraced
@given(files(), st.integers(0, 2))
def test_another_s_entry_taken_out_leaves_the_others(text: str, number: int) -> None:
    before = text.encode()
    entries = MODES.entries(before)
    assume(f"m{number}" in entries)
    removed = MODES.put(before, f"m{number}", None)
    left = {name: entry for name, entry in entries.items() if name != f"m{number}"}
    assert MODES.entries(removed) == left
    assert MODES.put(MODES.put(removed, "py", MODE), "py", None) == removed or not left
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in removed.decode().splitlines() if line.lstrip().startswith("#")] == comments
