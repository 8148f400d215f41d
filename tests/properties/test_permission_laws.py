"""A map of permissions that gives an agent more is a widening, whatever its patterns and their order are.

What it gives is asked of a small model of the client: a flat list of rules, of which the last that matches counts. For
each use of a tool there are four levels, from what is denied to what is allowed whatever the user has configured.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.counting import calls_of
from support.effort import usually
from support.written import rendered

from agentpack.capabilities.of_file import FileReader, capabilities
from agentpack.capabilities.permissions import MAX_TRIED
from agentpack.clients import CLIENTS
from agentpack.clients.read_back import read_agent_file
from agentpack.model.capabilities import gives_of, widening
from agentpack.writers.emit import yaml_header

TOOLS = {
    "bash": "shell",
    "edit": "edit",
    "task": "delegate",
    "skill": "tool:skill",
    "webfetch": "web/webfetch",
    "websearch": "web/websearch",
    "srv_push": "mcp:srv/push",
    "srv_pull": "mcp:srv/pull",
    "s_x": "mcp:s/x",
    "ab": "tool:ab",
}
"""Tools, some of them of servers, and the word for each."""
USES = ("", "r", "rm", "rm a", "x")
Map = dict[str, Any]
ACTIONS = st.sampled_from(("allow", "ask", "deny"))
KEYS = st.sampled_from(
    (
        *("*", "*", "**", "??", "?*", "??*", "*a*", "bash", "bas*", "ba??", "b*", "edit", "*t", "task", "s*", "skill"),
        *("srv_*", "srv_push", "srv_pu??", "s?v_*", "s_x", "*_*", "x_*", "bash *", "r"),
        *("webfetch", "websearch", "web*", "ab", "srv_p*"),
    )
)
USED_ON = st.sampled_from(("*", "*", "rm *", "r*", "?", "**", "x", "rm a"))
PERMISSION = ACTIONS | st.dictionaries(KEYS, ACTIONS | st.dictionaries(USED_ON, ACTIONS, max_size=3), max_size=4)
SWITCHES = st.dictionaries(KEYS, st.booleans(), max_size=2)
FILES = st.fixed_dictionaries({}, optional={"permission": PERMISSION, "tools": SWITCHES})


def rules_of(file: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The flat list: the tool, what it is used on, and the action."""
    switched: Map = {name: "allow" if grant else "deny" for name, grant in file.get("tools", {}).items()}
    permission = file.get("permission", {})
    merged = {**switched, **(permission if isinstance(permission, dict) else {"*": permission})}
    pairs = ((key, grant if isinstance(grant, dict) else {"*": grant}) for key, grant in merged.items())
    return [(key, used_on, action) for key, grants in pairs for used_on, action in grants.items()]


def matches(pattern: str, text: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    if pattern.endswith(" *"):
        expression = expression.removesuffix(r"\ .*") + "(?: .*)?"
    return re.fullmatch(expression, text) is not None


class ClientModel:
    """What the client lets an agent do with this file."""

    def __init__(self, file: Mapping[str, Any]) -> None:
        self.rules = rules_of(file)

    def action(self, tool: str, use: str) -> str | None:
        """What the client does about a use of a tool; None where its own default counts."""
        of_tool = (rule for rule in reversed(self.rules) if matches(rule[0], tool))
        return next((action for _, used_on, action in of_tool if matches(used_on, use)), None)

    def has(self, tool: str) -> bool:
        """Whether the agent has the tool, and some use of it is not denied."""
        last = next((rule for rule in reversed(self.rules) if matches(rule[0], tool)), None)
        if last is not None and last[1:] == ("*", "deny"):
            return False
        return any(self.action(tool, use) != "deny" for use in USES)

    def of_its_own(self) -> bool:
        """Whether what nothing names is denied: then what the client allows a persona's tools is not worth a word."""
        stars = ClientModel({})
        stars.rules = [rule for rule in self.rules if not rule[0].strip("*")]
        return all(stars.action("x", use) == "deny" for use in (*USES, "any other"))

    def level(self, tool: str, use: str) -> int:
        """How far the client lets the agent go."""
        level = LEVELS[self.action(tool, use)]
        return LEVELS[None] if level == LEVELS["allow"] and self.of_its_own() else level


LEVELS = {"deny": 0, "ask": 1, None: 2, "allow": 3}
"""Without a rule the client's default counts, or what the user has configured: that may be anything up to `allow`."""


def told(words: Collection[str], tool: str) -> bool:
    """Whether the words say that the agent has the tool: by its own word, or as one of those that a pattern matches."""
    parts = (unquote(word).partition("(")[0].partition(":") for word in words)
    patterns = [rest.replace("/", "_") for head, _, rest in parts if head in ("tool", "mcp")]
    return any(gives_of(word, TOOLS[tool]) for word in words) or any(matches(pattern, tool) for pattern in patterns)


def told_to_be_allowed(words: Collection[str], tool: str) -> bool:
    """Whether the words say that the client lets the agent use the tool without asking, at least for something."""
    granted = {unquote(word.partition("~")[0].removeprefix("permission:")) for word in words}
    patterns = [word.partition(":")[2].replace("/", "_") for word in granted]
    servers = {TOOLS[tool], TOOLS[tool].partition("/")[0]}
    return (
        "bypass" in words or "custom" in granted or bool(servers & granted) or any(matches(p, tool) for p in patterns)
    )


@pytest.mark.parametrize("client", ["opencode", "kilo"])
@settings(max_examples=usually(200, thorough=400, nightly=700))
@given(file=FILES)
@example(file={"permission": {"?": "deny"}})
@example(file={"permission": {"*": "deny", "s*": "ask", "srv_*": "deny"}})
def test_every_tool_that_the_client_gives_is_told(client: str, file: Map) -> None:
    words, model = FileReader(CLIENTS[client]).words_for(file), ClientModel(file)
    assert [tool for tool in TOOLS if model.has(tool) and not told(words, tool)] == [], words


@settings(max_examples=usually(200, thorough=400, nightly=700))
@given(FILES)
def test_everything_that_is_allowed_without_asking_is_told(file: Map) -> None:
    words, model = FileReader(CLIENTS["opencode"]).words_for(file), ClientModel(file)
    allowed = [tool for tool in TOOLS if any(model.action(tool, use) == "allow" for use in USES)]
    if not model.of_its_own():
        assert [tool for tool in allowed if not told_to_be_allowed(words, tool)] == [], words


def permissions(before: Any, after: Any) -> tuple[Map, Map]:
    return {"permission": before}, {"permission": after}


RAISING = [
    permissions({"bash": {"r*": "allow", "*": "ask"}}, {"bash": {"*": "ask", "r*": "allow"}}),
    permissions({"*a*": "allow", "??": "deny"}, {"*a*": "allow"}),
    permissions({"bash": "ask"}, {}),
    permissions("ask", {}),
    permissions({"bash": {"*": "allow", "rm *": "deny"}}, {}),
    permissions({"bash": {"rm *": "ask"}}, {}),
    permissions({"*": "deny", "bash": "ask"}, {"*": "deny", "bash": "allow"}),
    permissions({"srv_push": "ask"}, {}),
    permissions({"ab": "deny"}, {"ab": "ask"}),
    permissions({"s*": "deny"}, {"s*": "ask"}),
    permissions({"webfetch": "allow"}, {"webfetch": "allow", "websearch": "allow"}),
    permissions({"*": "deny", "webfetch": "ask"}, {"*": "deny", "webfetch": "ask", "websearch": "ask"}),
    # what one rule takes from a tool is not given to another one by the way
    permissions({"*": "allow", "bash": "ask"}, {"*": "ask", "bash": "allow"}),
    permissions({"*": "allow", "s*": "ask"}, {"*": "ask", "srv_*": "allow"}),
    permissions({"*": "allow", "srv_push": "ask"}, {"*": "ask", "s?v_*": "allow"}),
    permissions({"*": "deny", "srv_*": "ask", "srv_push": "deny"}, {"*": "deny", "srv_*": "ask"}),
    permissions({"srv_*": "deny"}, {"*": "deny", "s*": "allow"}),
    permissions({"*": "allow", "??*": "deny"}, {"*": "allow", "??*": "deny", "ab": "allow"}),
    permissions({"*": "deny", "srv_*": {"x": "ask"}}, {"*": "deny", "srv_*": "ask"}),
    permissions({"*": "deny", "srv_*": {}}, {"*": "deny", "srv_*": "allow"}),
    permissions({"?*": {"r*": "allow"}}, {"?*": {"r*": "allow"}, "bash": "allow"}),
]


@pytest.mark.parametrize("client", ["opencode", "kilo"])
@settings(max_examples=usually(150, thorough=500, nightly=20_000))
@given(FILES, FILES)
def test_what_raises_a_level_anywhere_is_a_widening(client: str, before: Map, after: Map) -> None:
    raises_a_level(client, before, after)


@pytest.mark.parametrize("client", ["opencode", "kilo"])
@pytest.mark.parametrize(("before", "after"), RAISING)
def test_what_raised_a_level_is_a_widening(client: str, before: Map, after: Map) -> None:
    assert raises_a_level(client, before, after)


def raises_a_level(client: str, before: Map, after: Map) -> bool:
    reader, old, new = FileReader(CLIENTS[client]), ClientModel(before), ClientModel(after)
    raised = [(tool, use) for tool in TOOLS for use in USES if new.level(tool, use) > old.level(tool, use)]
    words = reader.words_for(before), reader.words_for(after)
    assert widening(*words) or not raised, (raised, *words)
    return bool(raised)


WHOLE = st.dictionaries(
    st.sampled_from(("*", "bash", "edit", "task", "skill", "webfetch", "websearch", "ab", "srv_*")), ACTIONS, max_size=5
)
"""Maps whose rules can be ordered: no tool is limited in part, and no two patterns meet."""
ANY_TOOL = ("bash", "edit", "task", "skill", "webfetch", "websearch", "ab", "srv_push", "zzz")


@settings(max_examples=usually(150, thorough=500, nightly=20_000))
@given(WHOLE, WHOLE)
@example({}, {"bash": "ask"})
@example({"bash": "allow"}, {"bash": "ask"})
@example({"bash": "ask"}, {"bash": "deny"})
@example({"bash": "ask"}, {"*": "ask"})
@example({"bash": "ask"}, {"*": "deny", "bash": "ask"})
@example({"*": "ask", "edit": "allow"}, {"*": "ask"})
def test_what_only_lowers_levels_is_no_widening(before: Map, after: Map) -> None:
    files = permissions(before, after)
    old, new = map(ClientModel, files)
    words = [FileReader(CLIENTS["opencode"]).words_for(file) for file in files]
    if all(new.level(tool, "") <= old.level(tool, "") for tool in ANY_TOOL):
        assert widening(*words) == (), words


PARTS = st.dictionaries(USED_ON, ACTIONS, max_size=3)


@given(PARTS, st.sampled_from(("bash", "edit", "webfetch", "srv_push", "ab")))
@example({"*": "allow", "rm *": "deny"}, "bash")
def test_a_limit_of_a_part_is_less_than_the_whole_and_more_than_nothing(part: Map, tool: str) -> None:
    reader = FileReader(CLIENTS["opencode"])
    whole, limited, denied = (reader.words_for({"permission": {tool: grant}}) for grant in ("allow", part, "deny"))
    assert widening(whole, limited) == ()
    assert widening(limited, denied) == ()
    assert widening(limited, limited) == ()


# The work that rules take.

RULES: dict[str, Callable[[int], Map]] = {
    "plain names": lambda count: {f"t{n}": "allow" for n in range(count)},
    "plain names behind a pattern": lambda count: {"*": "deny", **{f"t{n}": "allow" for n in range(count)}},
    "what each name is used on": lambda count: {f"t{n}": {"*": "ask", f"r{n}": "allow"} for n in range(count)},
    "a pattern of many stars": lambda count: {"a" * count: "allow", "*a" * (count // 4) + "*b": "allow"},
    "one name": lambda count: {"bash": {f"r{n} *": "allow" for n in range(count)}},
}


@pytest.mark.parametrize("family", RULES)
def test_a_rule_takes_no_longer_among_more_rules(family: str) -> None:
    def work(count: int) -> int:
        reader, file = FileReader(CLIENTS["opencode"]), {"permission": RULES[family](count)}
        return calls_of(lambda: reader.words_for(file))

    work(10)
    few, many = work(200), work(800)
    assert many < 5 * few


COMPARED: dict[str, tuple[str, Callable[[str, int], Map]]] = {
    "rules": ("opencode", lambda name, count: {"permission": {f"{name}{n}": "allow" for n in range(count)}}),
    "given": ("claude", lambda name, count: {"tools": [f"mcp__{name}{n}__push" for n in range(count)]}),
    "denied": ("claude", lambda name, count: {"disallowedTools": [f"mcp__{name}{n}__push" for n in range(count)]}),
}


@pytest.mark.parametrize("one", COMPARED)
@pytest.mark.parametrize("other", COMPARED)
def test_a_word_is_compared_with_no_more_words_where_there_are_more(one: str, other: str) -> None:
    def work(count: int) -> int:
        words = [
            FileReader(CLIENTS[client]).words_for(file(name, count))
            for name, (client, file) in {"a": COMPARED[one], "b": COMPARED[other]}.items()
        ]
        return calls_of(lambda: widening(*words))

    few, many = work(200), work(800)
    assert many < 5 * few + 200


def test_more_patterns_than_can_be_tried_are_not_read() -> None:
    reader = FileReader(CLIENTS["opencode"])
    names = {f"t{n:05}": "ask" for n in range(10_000)}
    few, many, other = (
        reader.words_for({"permission": {"*": "deny", **names, **{f"*{n}*": last for n in range(count)}}})
        for count, last in ((2, "deny"), (999, "deny"), (999, "allow"))
    )
    assert "unreadable" not in few
    assert [word for word in many if not word.startswith("permission:custom~")] == ["every-tool", "unreadable"]
    assert widening(few, many)
    assert widening(many, other)
    assert MAX_TRIED >= 1_000_000  # hundreds of names and a hundred patterns are well within it


# What is read back from a file.

SECRETS = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
CANONICAL = st.permutations(("*", "read", "list", "grep", "glob", "bash")).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.just("deny")
            if key == "*"
            else st.sampled_from(("allow", "ask", SECRETS, dict(reversed(SECRETS.items()))))
            for key in keys
        }
    )
)


@pytest.mark.parametrize("client", ["opencode", "kilo"])
@settings(max_examples=usually(150, thorough=300))
@given(permission=CANONICAL)
@example(permission={"read": SECRETS, "list": "allow", "*": "deny"})
@example(permission={"*": "deny", "read": SECRETS, "list": "allow"})
@example(permission={"*": "deny", "read": dict(reversed(SECRETS.items())), "list": "allow"})
def test_the_tools_that_are_read_back_from_a_map_are_what_it_gives(client: str, permission: Map) -> None:
    header = yaml_header({"description": "Reviews data.", "mode": "subagent", "permission": permission})
    found = read_agent_file(CLIENTS[client], f"{header}You review data.\n".encode(), "reviewer").header
    if "tools" in found:
        told = FileReader(CLIENTS[client]).words_for({"permission": permission})
        assert set(capabilities(CLIENTS[client], rendered(client, tools=found["tools"]).text.encode())) == set(told)
