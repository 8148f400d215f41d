"""What holds for every client: a persona is carried, noted or lost, never dropped; no key reaches a client that it does
not know; who may only look is never told to a client in words that let it do more.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.clients import CLIENTS, MODULES, VARIABLES
from agentpack.clients.base import Client
from agentpack.clients.grammar import NONE
from agentpack.clients.read_back import read_agent_file
from agentpack.clients.render import render_file
from agentpack.errors import InvalidFile, UsageError
from agentpack.input.setting_forms import fit_setting
from agentpack.model.capabilities import LOOKING
from agentpack.model.fields import COLORS, MODELS, TOOLS, WORDS
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.render import render

NAMES = sorted(MODULES)
ORIGIN = Origin("release", "reviewer 1.0.0")
HOSTILE = (
    "Use when: \"this\": 'that'\nsecond line # no comment --- `tick`, naïve, 🐍 [a, {b}] "
    "*c &d !e %f @g | > ? - : end\\end"
)
TICKS = "''' and \"\"\" and \\ and \\n ${HOME} ${HOME:-x} {file:x} {env:Y} `tick` ümlaut 🐍 \t tab\n---\n# no comment\n"
BODY = "You review.\n\n" + TICKS + "a line ''' \"\"\" \\\\ $HOME {{x}}\n" * 1300 + "\nThe end'"
MAPPED = {
    "opencode": "anthropic/claude-opus-5",
    "kilo": "anthropic/claude-opus-5",
    "cline": "anthropic/claude-opus-5",
    "deepagents": "anthropic:claude-opus-5",
    "codex": "gpt-6",
}


def persona(name: str = "reviewer", body: str = "You review data.\n", **fields: Any) -> Persona:
    """A persona with one rule."""
    fields = {"description": "Reviews data.", **fields}
    rules = (Rule(None, body, "", None, "text", 1, ORIGIN),)
    section = Section(None, 0, "", "", None, 0, rules, ORIGIN)
    return Persona(name, {key: Field(value, ORIGIN) for key, value in fields.items()}, (section,))


def declared(target: Client) -> Client:
    return target


def parsed(target: Client, text: str) -> tuple[dict[str, Any], str]:
    """The fields and the body of a file, read as strictly as any client reads that format."""
    form = declared(target).format
    if form == "body":
        return {}, text
    if form == "markdown":
        assert text.startswith("---\n")
        head, fence, body = text[4:].partition("\n---\n")
        assert fence
        fields = yaml.safe_load(head)
        assert fields == {line.partition(": ")[0]: yaml.safe_load(line.partition(": ")[2]) for line in head.split("\n")}
        return fields, body
    if form == "toml":
        fields = tomllib.loads(text)
    elif form == "json":
        fields = json.loads(text)
    else:
        assert target.shared is not None
        data = target.shared.put(b"", {"reviewer": text})
        assert dict(target.shared.entries(data)) == {"reviewer": text}
        fields = yaml.safe_load(text)
    return fields, fields.pop(declared(target).body)


def native_tools(target: Client, tools: tuple[str, ...] | list[str]) -> set[str]:
    words = declared(target).tools
    assert words is not None
    return {native for tool in tools for native in words.names.get(tool, ())}


def granted(value: Any) -> set[str]:
    """The client's tools that the value of its field lets an agent use."""
    if isinstance(value, dict):
        assert next(iter(value.items())) in (("*", "deny"), ("*", False))
        return {name for name, grant in value.items() if grant not in ("deny", False)}
    return set(value.split(", ") if isinstance(value, str) else value)


def check(target: Client, one: Persona, models: Mapping[str, Mapping[str, str]]) -> None:
    """That each field of the persona is in the file, or told."""
    said = render_file(target, one, models)
    assert said == render_file(target, one, models)
    words = declared(target)
    fields, body = parsed(target, said.text)
    told = " ".join((*map(str, said.notes), *said.lost))
    assert "\ufeff" not in said.text[:1]
    assert set(fields) <= words.keys

    assert words.name_key is None or fields[words.name_key] == one.name
    if words.description is None:
        assert "description:" in told
    else:
        assert fields[words.description] == one.value("description")

    expected = one.body.lstrip("\n") if words.format == "body" else one.body
    if body != expected:
        assert words.live
        assert "body:" in told
        assert body.replace("$ {", "${").replace("{ file:", "{file:").replace("{ env:", "{env:") == expected.replace(
            "$ {", "${"
        ).replace("{ file:", "{file:").replace("{ env:", "{env:")
    for live, pattern in {"${word}": r"\$\{\w+\}", "{file:}": r"\{file:", "{env:}": r"\{env:"}.items():
        assert live not in words.live or not re.search(pattern, body)

    model = one.value("model")
    mapped = models.get(model, {}).get(target.name)
    if model and model != "inherit" and "model:" not in told:
        assert words.model is not None
        whole = fields[words.model] if words.provider is None else f"{fields[words.provider]}/{fields[words.model]}"
        assert whole == (mapped or model)
    elif words.model is not None and model != "inherit":
        assert words.model not in fields
    for name in WORDS:
        word = one.value(name)
        if word and f"{name}:" not in told:
            choice = words.choices[name]
            assert fields[choice.key] == choice.words[word]

    tools = one.value("tools") or []
    if tools and not any(lost.startswith("tools limited") for lost in said.lost):
        if words.tools is not None:
            assert granted(fields[words.tools.key]) == native_tools(target, tools)
        else:
            assert words.readonly
            assert LOOKING.issuperset(tools)
            assert words.readonly.items() <= fields.items()
    if tools and LOOKING.issuperset(tools) and words.tools is not None and words.tools.key in fields:
        changing = native_tools(target, ("edit", "shell", "delegate"))
        assert not granted(fields[words.tools.key]) & changing


@pytest.mark.many
@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("tools", [[], ["read", "search"], ["read", "search", "web"], list(TOOLS), ["delegate"]])
def test_a_hostile_persona_is_carried_noted_or_lost(client: str, tools: list[str]) -> None:
    one = persona(body=BODY, description=HOSTILE, model="opus", color="blue", tools=tools)
    check(CLIENTS[client], one, {"opus": MAPPED})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
PIECES = st.lists(
    st.sampled_from([*"abc '\"\\#:-{}$\n\t", "---", "'''", '"""', "${A}", "{file:a}", "{env:A}", "\r\n", "é"])
)


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("client", NAMES)
@settings(max_examples=usually(12, thorough=30, nightly=300))
@given(data=st.data())
def test_any_persona_is_carried_noted_or_lost(client: str, data: st.DataObject) -> None:
    description = data.draw((TEXT | PIECES.map("".join)).filter(str.strip), "description")
    body = "You review.\n" + data.draw(TEXT | PIECES.map("".join), "body")
    fields: dict[str, Any] = {
        "description": description,
        "model": data.draw(st.sampled_from([*MODELS, "gpt-5.2", "anthropic/claude-x", "a:b", "", "gemini-3"])),
        "color": data.draw(st.sampled_from([*COLORS, ""])),
        "tools": data.draw(st.lists(st.sampled_from(TOOLS), unique=True)),
    }
    mapped = data.draw(st.booleans())
    check(CLIENTS[client], persona(body=body, **fields), {"opus": MAPPED} if mapped else {})


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("client", NAMES)
@settings(max_examples=usually(12, thorough=30, nightly=300))
@given(data=st.data())
def test_what_is_written_reads_back_as_the_persona(client: str, data: st.DataObject) -> None:
    target = CLIENTS[client]
    words = declared(target)
    one = persona(
        body="You review data.\n",
        description=data.draw(st.sampled_from(["Reviews data.", HOSTILE.replace("---", "").replace("\\", "")])),
        model=data.draw(st.sampled_from(["", "inherit", "gpt-5.2"])),
        color=data.draw(st.sampled_from([*COLORS, ""])),
        tools=sorted(data.draw(st.sets(st.sampled_from(TOOLS))), key=TOOLS.index),
    )
    said = render_file(target, one, {})
    read = read_agent_file(CLIENTS.named(client), said.text.encode(), one.name)
    assert not read.ignored
    if not said.lost:
        again = render_file(target, persona(body=read.body, **read.header), {})
        assert parsed(target, again.text) == parsed(target, said.text)
    assert read.header["name"] == one.name
    if words.tools is not None and not said.lost and one.value("tools"):
        assert native_tools(target, read.header["tools"]) == native_tools(target, one.value("tools"))


@pytest.mark.parametrize("client", NAMES)
def test_an_adapter_tells_what_it_must(client: str) -> None:
    target = CLIENTS[client]
    words = declared(target)
    assert target.name == client
    assert target.title
    assert target.version
    assert date.fromisoformat(target.checked) >= date(2026, 11, 23)
    assert target.verified_by in ("judge", "source", "documentation")
    assert target.wins in ("project", "user", "merge")
    assert target.markers
    assert set(target.also_reads) <= {"project", "user"}
    assert words.format in ("markdown", "toml", "json", "yaml", "body")
    assert words.tools is None or (
        words.tools.style in ("list", "comma", "map", "permissions") and set(words.tools.names) <= set(TOOLS)
    )
    assert (target.shared is not None) == (words.format == "yaml")
    assert ("{name}" in target.file) == (target.shared is None)
    assert set(words.limits) <= set(words.settings)
    assert set(words.idle) <= set(words.settings)
    assert all(set(choice.words) == set(WORDS[name].words) for name, choice in words.choices.items())
    for form in words.settings.values():
        if "|" not in form:
            with pytest.raises(ValueError, match=r"[a-z]"):
                fit_setting(form, None)


def test_the_variables_that_move_folders_are_known_without_the_adapters() -> None:
    used = {target.user.variable for target in CLIENTS.values() if target.user is not None}
    assert set(VARIABLES) == used - {None}
    assert list(VARIABLES) == sorted(VARIABLES)


def test_no_two_clients_share_a_file_of_their_own() -> None:
    for scope in ("project", "user"):
        paths = [path for target in CLIENTS.values() if (path := target.path("reviewer", scope, {})) is not None]
        assert len(paths) == len(set(paths))


def test_markers_are_of_one_client_only() -> None:
    seen: dict[str, str] = {}
    for client, target in CLIENTS.items():
        for marker in target.markers:
            assert seen.setdefault(marker, client) == client
    nested = [(a, b) for a in seen for b in seen if a.startswith(f"{b}/") and seen[a] != seen[b]]
    assert not nested


PLACES = {
    "antigravity": (".agents/agents/x.md", ".gemini/config/agents/x.md"),
    "augment": (".augment/agents/x.md", ".augment/agents/x.md"),
    "claude": (".claude/agents/x.md", ".claude/agents/x.md"),
    "cline": (".cline/agents/x.yaml", ".cline/agents/x.yaml"),
    "codex": (".codex/agents/x.toml", ".codex/agents/x.toml"),
    "commandcode": (".commandcode/agents/x.md", ".commandcode/agents/x.md"),
    "copilot": (".github/agents/x.agent.md", ".copilot/agents/x.agent.md"),
    "cortex": (".cortex/agents/x.md", ".snowflake/cortex/agents/x.md"),
    "cursor": (".cursor/agents/x.md", ".cursor/agents/x.md"),
    "deepagents": (".deepagents/agents/x/AGENTS.md", ".deepagents/agent/agents/x/AGENTS.md"),
    "devin": (".devin/agents/x/AGENT.md", ".config/devin/agents/x/AGENT.md"),
    "droid": (".factory/droids/x.md", ".factory/droids/x.md"),
    "gemini": (".gemini/agents/x.md", ".gemini/agents/x.md"),
    "goose": (".goose/agents/x.md", ".config/goose/agents/x.md"),
    "grok": (".grok/agents/x.md", ".grok/agents/x.md"),
    "junie": (".junie/agents/x.md", ".junie/agents/x.md"),
    "kilo": (".kilo/agents/x.md", ".config/kilo/agents/x.md"),
    "kimi": (".kimi-code/agents/x.md", ".kimi-code/agents/x.md"),
    "kiro": (".kiro/agents/x.md", ".kiro/agents/x.md"),
    "opencode": (".opencode/agents/x.md", ".config/opencode/agents/x.md"),
    "pool": (".poolside/settings.yaml#x", ".config/poolside/settings.yaml#x"),
    "qwen": (".qwen/agents/x.md", ".qwen/agents/x.md"),
    "reasonix": (".reasonix/skills/x/SKILL.md", ".reasonix/skills/x/SKILL.md"),
    "roo": (".roomodes#x", None),
    "rovodev": (".rovodev/subagents/x.md", ".rovodev/subagents/x.md"),
    "tabnine": (".tabnine/agent/agents/x.md", ".tabnine/agent/agents/x.md"),
    "takt": (".takt/facets/personas/x.md", ".takt/facets/personas/x.md"),
    "vibe": (".vibe/agents/x.toml", ".vibe/agents/x.toml"),
    "zcode": (None, ".zcode/agents/x.md"),
}


@pytest.mark.parametrize("client", NAMES)
def test_the_file_stands_where_the_client_looks(client: str) -> None:
    assert client in PLACES, f"{client}: PLACES has no paths of its files"
    target = CLIENTS[client]
    assert (target.path("x", "project", {}), target.path("x", "user", {})) == PLACES[client]


@pytest.mark.parametrize(
    ("client", "variable", "path"),
    [
        ("claude", "CLAUDE_CONFIG_DIR", "agents/x.md"),
        ("cline", "CLINE_DIR", "agents/x.yaml"),
        ("codex", "CODEX_HOME", "agents/x.toml"),
        ("copilot", "COPILOT_HOME", "agents/x.agent.md"),
        ("deepagents", "DEEPAGENTS_HOME", "agent/agents/x/AGENTS.md"),
        ("droid", "FACTORY_HOME_OVERRIDE", ".factory/droids/x.md"),
        ("gemini", "GEMINI_CLI_HOME", ".gemini/agents/x.md"),
        ("kilo", "XDG_CONFIG_HOME", "kilo/agents/x.md"),
        ("kimi", "KIMI_CODE_HOME", "agents/x.md"),
        ("opencode", "XDG_CONFIG_HOME", "opencode/agents/x.md"),
        ("qwen", "QWEN_HOME", "agents/x.md"),
        ("vibe", "VIBE_HOME", "agents/x.toml"),
    ],
)
def test_a_variable_moves_the_user_s_folder(client: str, variable: str, path: str) -> None:
    target = CLIENTS[client]
    assert target.path("x", "user", {variable: "/elsewhere"}) == f"${variable}/{path}"
    assert target.path("x", "project", {variable: "/elsewhere"}) == PLACES[client][0]
    assert target.path("x", "user", {variable: ""}) == PLACES[client][1]


# What the clients were seen to do (docs/reference/clients).


def fields_of(client: str, one: Persona, models: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Any]:
    target = CLIENTS[client]
    return parsed(target, render_file(target, one, models or {}).text)[0]


def body_of(client: str, one: Persona) -> str:
    target = CLIENTS[client]
    return parsed(target, render_file(target, one, {}).text)[1]


def lost_by(client: str, one: Persona) -> tuple[str, ...]:
    return render_file(CLIENTS[client], one, {}).lost


@pytest.mark.many
@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("model", MODELS)
def test_a_family_reaches_only_a_client_that_knows_it(client: str, model: str) -> None:
    one = persona(model=model)
    knows = {"claude": MODELS, **dict.fromkeys(("gemini", "qwen", "cursor", "antigravity"), ("inherit",))}
    header = render_file(CLIENTS[client], one, {}).text.partition("You review")[0]
    assert (model in header.replace("inherit_", "")) == (model in knows.get(client, ()))


def test_a_model_is_written_as_the_manifest_maps_it() -> None:
    one = persona(model="opus")
    models = {"opus": MAPPED}
    assert fields_of("opencode", one, models)["model"] == "anthropic/claude-opus-5"
    assert fields_of("deepagents", one, models)["model"] == "anthropic:claude-opus-5"
    assert fields_of("codex", one, models)["model"] == "gpt-6"
    cline = fields_of("cline", one, models)
    assert (cline["providerId"], cline["modelId"]) == ("anthropic", "claude-opus-5")
    assert "model" not in fields_of("kimi", one, {"opus": {"kimi": "k3"}})
    with pytest.raises(UsageError, match="is not a model ID"):
        fields_of("opencode", one, {"opus": {"opencode": "opus"}})
    with pytest.raises(UsageError, match="is not a model ID"):
        fields_of("opencode", persona(clients={"opencode": {"model": "sonnet"}}))


def test_a_client_s_own_model_stands_before_the_persona_s() -> None:
    one = persona(model="opus", clients={"cursor": {"model": "fast"}})
    assert fields_of("cursor", one)["model"] == "fast"
    assert not render_file(CLIENTS["cursor"], one, {}).notes


@pytest.mark.parametrize("client", ["opencode", "kilo"])
def test_opencode_is_denied_all_but_the_tools_listed(client: str) -> None:
    permission = fields_of(client, persona(tools=["read", "search"]))["permission"]
    assert next(iter(permission)) == "*"
    assert permission == {
        "*": "deny",
        "read": {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"},
        "list": "allow",
        "grep": "allow",
        "glob": "allow",
    }
    assert fields_of(client, persona(tools=["delegate"]))["permission"] == {"*": "deny", "task": "allow"}
    assert "permission" not in fields_of(client, persona())


def test_kilo_still_asks_before_a_command() -> None:
    assert fields_of("kilo", persona(tools=["shell"]))["permission"]["bash"] == "ask"


@pytest.mark.parametrize("color", COLORS)
def test_opencode_gets_colours_as_quoted_numbers(color: str) -> None:
    text = render_file(CLIENTS["opencode"], persona(color=color), {}).text
    assert re.search(r'^color: "#[0-9a-f]{6}"$', text, re.MULTILINE)


@pytest.mark.parametrize(
    ("client", "settings"),
    [
        ("opencode", {"mode": "helper"}),
        ("opencode", {"color": "green"}),
        ("opencode", {"tools": {"bash": "no"}}),
        ("opencode", {"tools": "read"}),
        ("opencode", {"temperature": "warm"}),
        ("opencode", {"steps": 0}),
        ("opencode", {"permission": "Read"}),
        ("qwen", {"approvalMode": "sometimes"}),
        ("codex", {"color": "blue"}),
        ("codex", {"sandbox_mode": "none"}),
        ("gemini", {"color": "blue"}),
        ("gemini", {"max_turns": True}),
        ("vibe", {"model": "x"}),
        ("kimi", {"model": "x"}),
        ("deepagents", {"tools": "x"}),
    ],
)
def test_a_setting_that_would_lose_the_file_is_refused(client: str, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"clients.{client}"):
        render_file(CLIENTS[client], persona(clients={client: settings}), {})


def test_a_text_that_is_no_list_is_not_taken_apart() -> None:
    assert (
        fields_of("claude", persona(clients={"claude": {"tools": "Agent(a, b), Read"}}))["tools"] == "Agent(a, b), Read"
    )
    assert fields_of("droid", persona(clients={"droid": {"tools": "read-only"}}))["tools"] == "read-only"
    assert fields_of("gemini", persona(clients={"gemini": {"tools": "glob, read_file"}}))["tools"] == [
        "glob",
        "read_file",
    ]


def test_a_number_with_a_point_is_a_number_in_the_file() -> None:
    one = persona(clients={"opencode": {"temperature": "0.2", "top_p": 1}})
    fields = fields_of("opencode", one)
    assert (fields["temperature"], fields["top_p"]) == (0.2, 1)


def test_an_unknown_setting_offers_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        render_file(CLIENTS["claude"], persona(clients={"claude": {"maxTurn": 3}}), {})
    assert caught.value.hint == "did you mean `maxTurns`?"


def test_another_client_s_settings_are_not_written() -> None:
    one = persona(clients={"claude": {"maxTurns": 3}, "opencode": {"steps": 4}})
    assert "maxTurns" not in render_file(CLIENTS["opencode"], one, {}).text
    assert fields_of("opencode", one)["steps"] == 4


@pytest.mark.parametrize("client", ["gemini", "qwen", "kimi", "tabnine"])
def test_a_word_that_a_client_would_replace_is_broken_up(client: str) -> None:
    body = body_of(client, persona(body="Run echo ${HOME} and ${HOME:-x} and $HOME.\n"))
    assert body == "Run echo $ {HOME} and ${HOME:-x} and $HOME.\n"


def test_kilo_gets_no_file_or_variable_put_into_a_body() -> None:
    body = "See {file:x} and {env:Y}, ${HOME}.\n"
    assert body_of("kilo", persona(body=body)) == "See { file:x} and { env:Y}, ${HOME}.\n"
    for client in ("opencode", "claude", "codex", "copilot"):
        assert body_of(client, persona(body=body)) == body


@pytest.mark.parametrize("client", ["cline", "kimi", "codex", "qwen", "droid", "vibe", "deepagents", "roo"])
def test_an_empty_body_is_refused_where_the_client_refuses_it(client: str) -> None:
    with pytest.raises(UsageError, match="body"):
        render_file(CLIENTS[client], persona(body="\n"), {})


def test_qwen_wants_ten_characters() -> None:
    with pytest.raises(UsageError, match="under 10"):
        render_file(CLIENTS["qwen"], persona(body="Review.\n"), {})
    assert body_of("claude", persona(body="")) == ""


@pytest.mark.parametrize("client", [client for client in NAMES if client != "takt"])
def test_a_description_is_never_empty(client: str) -> None:
    with pytest.raises(UsageError, match="description"):
        render_file(CLIENTS[client], persona(description=" "), {})


@pytest.mark.parametrize(("client", "length"), [("droid", 501), ("qwen", 1001)])
def test_a_long_description_is_told_where_it_is_cut(client: str, length: int) -> None:
    assert render_file(CLIENTS[client], persona(description="x" * length), {}).notes
    assert not render_file(CLIENTS[client], persona(description="x" * (length - 1)), {}).notes


def test_copilot_is_told_of_a_long_body() -> None:
    assert render_file(CLIENTS["copilot"], persona(body="x" * 30_001), {}).notes


def test_claude_code_reads_backslash_n_as_a_line_break() -> None:
    assert any(
        "line break" in str(note) for note in render_file(CLIENTS["claude"], persona(description="A\\nB"), {}).notes
    )


def test_a_rule_in_a_description_does_not_end_the_header() -> None:
    one = persona(description="a --- b ---- c -----", body="x\n---\ny\n")
    for client in ("goose", "claude"):
        _, head, body = render_file(CLIENTS[client], one, {}).text.split("---", 2)
        assert yaml.safe_load(head) == {"name": "reviewer", "description": "a --- b ---- c -----"}
        assert body == "\nx\n---\ny\n"


def test_codex_starts_an_agent_with_the_session_s_sandbox() -> None:
    assert lost_by("codex", persona(tools=["read"])) == ("tools limited to read",)
    asked = persona(clients={"codex": {"sandbox_mode": "read-only"}})
    assert "session's" in lost_by("codex", asked)[0]
    free = persona(clients={"codex": {"sandbox_mode": "danger-full-access"}})
    assert not lost_by("codex", free)


def test_codex_tables_follow_the_plain_keys() -> None:
    servers = {"docs": {"command": "x", "args": ["a"], "env": {"A B": "c"}, "off": None}}
    one = persona(clients={"codex": {"mcp_servers": servers, "nickname_candidates": "Ada, Bob"}})
    fields = fields_of("codex", one)
    assert fields["mcp_servers"] == {"docs": {"command": "x", "args": ["a"], "env": {"A B": "c"}}}
    assert fields["nickname_candidates"] == ["Ada", "Bob"]


def test_vibe_s_agent_is_named_by_its_file_and_can_be_started() -> None:
    fields = fields_of("vibe", persona())
    assert fields == {"description": "Reviews data.", "agent_type": "subagent"}


def test_command_code_and_roo_give_nothing_that_is_not_named() -> None:
    assert fields_of("commandcode", persona())["tools"] == "*"
    assert fields_of("commandcode", persona(tools=["read"]))["tools"] == [
        "read_file",
        "read_multiple_files",
        "read_directory",
    ]
    assert fields_of("roo", persona())["groups"] == ["read", "edit", "command", "mcp"]
    assert fields_of("roo", persona(tools=["read", "search", "web"]))["groups"] == ["read"]


def test_antigravity_gives_an_agent_no_tools_unless_told() -> None:
    assert any("tools:" in str(note) for note in render_file(CLIENTS["antigravity"], persona(), {}).notes)
    told = persona(clients={"antigravity": {"tools": ["view_file"]}})
    assert not render_file(CLIENTS["antigravity"], told, {}).notes


@pytest.mark.parametrize(("client", "key"), [("cursor", "readonly"), ("reasonix", "read-only")])
def test_a_switch_stands_for_tools_that_only_look(client: str, key: str) -> None:
    assert fields_of(client, persona(tools=["read", "web"]))[key] is True
    assert lost_by(client, persona(tools=["read", "edit"])) == ("tools limited to read, edit",)
    undone = persona(tools=["read"], clients={client: {key: False}})
    assert fields_of(client, undone)[key] is True


@pytest.mark.parametrize(
    ("client", "settings"),
    [
        ("claude", {"tools": "Read, Bash"}),
        ("opencode", {"permission": {"bash": "allow"}}),
        ("gemini", {"tools": ["*"]}),
        ("augment", {"disabled_tools": ["view"]}),
        ("vibe", {"enabled_tools": ["bash"]}),
        ("roo", {"groups": ["command"]}),
    ],
)
def test_a_native_setting_cannot_undo_the_tools_of_a_persona(client: str, settings: dict[str, Any]) -> None:
    plain = persona(tools=["read", "search"])
    both = persona(tools=["read", "search"], clients={client: settings})
    assert render_file(CLIENTS[client], both, {}).text == render_file(CLIENTS[client], plain, {}).text
    assert any("is left out" in str(note) for note in render_file(CLIENTS[client], both, {}).notes)


def test_a_native_list_of_tools_speaks_where_canonical_ones_cannot() -> None:
    one = persona(tools=["read"], clients={"junie": {"tools": ["Read"]}})
    assert fields_of("junie", one)["tools"] == ["Read"]
    assert not lost_by("junie", one)
    assert lost_by("junie", persona(tools=["read"])) == ("tools limited to read",)


def test_a_restriction_in_another_client_s_words_is_lost() -> None:
    one = persona(clients={"claude": {"disallowedTools": "Bash", "permissionMode": "plan"}})
    assert lost_by("opencode", one) == (
        "`disallowedTools`, which only claude is given",
        "`permissionMode`, which only claude is given",
    )
    assert not lost_by("claude", one)
    assert not lost_by("opencode", persona(clients={"claude": {"permissionMode": "acceptEdits"}}))


def test_an_empty_list_of_tools_stands_for_none_only_where_the_client_reads_it_so() -> None:
    for client in NAMES:
        words = declared(CLIENTS[client])
        if words.tools is None or words.tools.style == "permissions" or "delegate" in words.tools.names:
            continue
        if words.grammar.empty == NONE:
            assert not lost_by(client, persona(tools=["delegate"]))
            assert fields_of(client, persona(tools=["delegate"]))[words.tools.key] == []
        else:
            assert lost_by(client, persona(tools=["delegate"]))
            assert words.tools.key not in fields_of(client, persona(tools=["delegate"])) or words.unlimited


@pytest.mark.parametrize(
    ("client", "one", "other"),
    [
        ("cline", "data-reviewer", "Data_Reviewer"),
        ("cline", "a.b", "a-b"),
        ("commandcode", "Data.Reviewer", "data_reviewer"),
    ],
)
def test_names_that_a_client_takes_for_one(client: str, one: str, other: str) -> None:
    assert CLIENTS[client].identity(one) == CLIENTS[client].identity(other)
    assert CLIENTS["claude"].identity(one) != CLIENTS["claude"].identity(other)


def test_which_scope_wins_and_what_else_is_read() -> None:
    assert CLIENTS["copilot"].wins == "user"
    assert CLIENTS["opencode"].wins == "merge"
    assert {target.wins for name, target in CLIENTS.items() if name not in ("copilot", "opencode")} == {"project"}
    assert ".claude/agents" in CLIENTS["copilot"].also_reads["project"]
    assert "user" not in CLIENTS["copilot"].also_reads
    for client in ("goose", "augment"):
        assert ".claude/agents" in CLIENTS[client].also_reads["user"]
    for client in ("codex", "gemini", "vibe"):
        assert CLIENTS[client].trust


def test_a_rendering_carries_path_notes_and_what_is_lost() -> None:
    one = persona(color="blue", tools=["read"])
    done = render(one, CLIENTS["codex"], pack="p", scope="project", variables={}, models={})
    assert done is not None
    assert done.path == ".codex/agents/reviewer.toml"
    assert done.lost == ("tools limited to read",)
    assert any("color" in str(note) for note in done.notes)


# What people wrote for a client is read as it reads it.


def test_claude_code_s_header_need_not_be_yaml() -> None:
    data = (
        b'---\nname: reviewer\ndescription: Use when: "x": y\\nthen stop\ntools: Read, Grep, Glob\nodd: 1\n---\nBody.\n'
    )
    read = read_agent_file(CLIENTS.named("claude"), data, "file")
    assert read.header == {
        "name": "reviewer",
        "description": 'Use when: "x": y\nthen stop',
        "tools": ["read", "search"],
    }
    assert read.body == "Body.\n"
    assert read_agent_file(CLIENTS.named("claude"), data.replace(b"Read, Grep, Glob", b"Read, Grep"), "file").header[
        "clients"
    ] == {"claude": {"tools": "Read, Grep"}}


@pytest.mark.parametrize("client", ["gemini", "copilot", "kimi", "cline", "deepagents", "goose"])
def test_a_strict_client_s_file_must_be_yaml(client: str) -> None:
    with pytest.raises(InvalidFile):
        read_agent_file(CLIENTS.named(client), b"---\nname: x\ndescription: a: b\n---\nBody.\n", "x")


def test_fields_become_canonical_where_they_mean_the_same() -> None:
    text = '---\ndescription: d\nmode: subagent\nmodel: a/b\ncolor: "#2563EB"\nsteps: 3\nfoo: 1\n---\nBody.\n'
    read = read_agent_file(CLIENTS.named("opencode"), text.encode(), "reviewer")
    assert read.header == {
        "name": "reviewer",
        "description": "d",
        "model": "a/b",
        "color": "blue",
        "clients": {"opencode": {"steps": 3}},
    }
    assert read.ignored == ("foo",)


def test_a_toml_role_is_read_with_its_own_settings() -> None:
    text = (
        'name = "r"\r\ndescription = "d"\r\nmodel = "my-model"\r\nmodel_reasoning_effort = "high"\r\n'
        'developer_instructions = """\r\nBody.\r\n"""\r\n'
    )
    read = read_agent_file(CLIENTS.named("codex"), text.encode(), "file")
    assert read.header["clients"] == {"codex": {"model": "my-model", "model_reasoning_effort": "high"}}
    assert read.body == "Body.\n"
    with pytest.raises(InvalidFile):
        read_agent_file(CLIENTS.named("codex"), b"name = [", "file")


def test_a_file_without_a_header_is_all_body() -> None:
    read = read_agent_file(CLIENTS.named("droid"), b"\xef\xbb\xbfJust text.\n", "helper")
    assert (read.header, read.body) == ({"name": "helper"}, "Just text.\n")
    assert read_agent_file(CLIENTS.named("takt"), b"---\nx\n", "t").body == "---\nx\n"
