"""`agentpack.lock`: the same inputs give the same bytes, and what is no lock is told in words."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.locks import DIGEST, FILE, LOCK, pack
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.errors import InvalidFile
from agentpack.model.lock import REFUSED, LocalVariant, Lock, LockedFile, SkippedAgent, WrittenState
from agentpack.model.lock_text import parse_lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import Digest, digest_of
from agentpack.model.pack import AgentRow, digest_of_rows
from agentpack.wanted.assignment import NotWritten, not_written_words
from agentpack.wanted.lock_satisfies import mismatches
from agentpack.wanted.skipped import left_out_words, skipped_agents, skipped_data
from agentpack.workspace.file_releases import FileRelease, as_written, with_files
from agentpack.workspace.found_clients import SkippedClient, UnlistedClients, skipped_words


def test_it_reads_back_as_it_was_written() -> None:
    again = parse_lock(LOCK.to_text().encode(), "agentpack.lock")
    assert again.to_text() == LOCK.to_text()
    assert again.pack("x") == pack("x")
    assert again.pack("other") is None


def test_order_does_not_change_a_byte() -> None:
    other = LOCK._replace(clients=("claude", "codex"), packs=(pack("b"), pack("x", parameters={"a": "é", "b": 1})))
    assert other.to_text() == LOCK.to_text()


def test_it_is_one_value_a_line_and_readable() -> None:
    text = LOCK.to_text()
    assert text.endswith("\n}\n")
    assert '"a": "é"' in text
    assert all(line.count(": ") <= 1 or "sha256:" in line for line in text.splitlines())


@pytest.mark.parametrize("files", [(), (FILE,), (FILE, FILE._replace(path='.x/"é\\\n.md', release="1.0.0"))], ids=len)
def test_it_is_json_as_the_standard_library_indents_it(files: tuple[LockedFile, ...]) -> None:
    text = LOCK._replace(files=files).to_text()
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
    assert len(json.loads(text)["files"]) == len(files)


def test_what_a_file_lets_a_persona_do_is_one_text_and_may_be_missing() -> None:
    told = LOCK._replace(files=(FILE._replace(capabilities="read, shell"), FILE._replace(path="z", capabilities="")))
    assert '"capabilities": "read, shell"' in told.to_text()
    again = parse_lock(told.to_text().encode(), "agentpack.lock")
    assert [file.words for file in again.files] == [("read", "shell"), ()]
    assert again.to_text() == told.to_text()
    assert "capabilities" not in LOCK.to_text()
    assert parse_lock(LOCK.to_text().encode(), "agentpack.lock").files[0].capabilities is None
    assert "is not text" in faults(told.to_text().replace('"read, shell"', '["read"]').encode())


def faults(data: bytes) -> str:
    with pytest.raises(InvalidFile) as refused:
        parse_lock(data, "agentpack.lock")
    assert refused.value.hint
    return refused.value.details[0]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "agentpack.lock:1: not valid JSON"),
        (b"{\n  oops", "agentpack.lock:2: not valid JSON"),
        (b"\xff", "agentpack.lock: not valid JSON"),
        (b"[" * 100_000, "agentpack.lock: not valid JSON"),
        (b'{\n<<<<<<< ours\n"schema": 1\n', "agentpack.lock:2: merge markers of version control"),
        (b"[]", "agentpack.lock: not a lock of schema 2: `[]` is not a map"),
        (b"{}", "agentpack.lock: not a lock of schema 2: 'schema' is missing"),
        (b'{"schema": 3}', "agentpack.lock: schema: schema 3 is newer than this agentpack reads (schema 2)"),
        (b'{"schema": 0}', "agentpack.lock: not a lock of schema 2: schema 0"),
        (b'{"schema": "1"}', "agentpack.lock: not a lock of schema 2: schema 1"),
    ],
)
def test_what_is_no_lock_is_told(data: bytes, fault: str) -> None:
    assert faults(data).startswith(fault)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("clients",), "claude"),
        (("clients",), [1]),
        (("packs",), [1]),
        (("packs", 0, "version"), 1),
        (("packs", 0, "digest"), "sha256:short"),
        (("packs", 0, "digest"), None),
        (("packs", 0, "variants"), [None]),
        (("packs", 0, "parameters"), "x"),
        (("packs", 0, "local_variants"), [{"persona": "reviewer"}]),
        (("files",), {"a": 1}),
        (("files", 0, "sha256"), 7),
        (("files", 0, "path"), None),
    ],
)
def test_a_value_of_another_shape_is_told(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(LOCK.to_text())
    here = data
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    assert "not a lock of schema 2" in faults(json.dumps(data).encode())


def test_a_digest_is_kept_as_it_is() -> None:
    found = parse_lock(LOCK.to_text().encode(), "agentpack.lock").packs[0]
    assert found.digest == Digest(DIGEST)


@pytest.mark.campaign
def test_ten_thousand_personas_for_three_clients_read_back() -> None:
    clients, words = ("claude", "codex", "gemini"), ", ".join(("edit", "fetch", "read", "search", "shell"))
    files = tuple(
        LockedFile(f".{client}/agents/persona-{number}.md", client, "many", f"persona-{number}", "0" * 64, words)
        for client in clients
        for number in range(10_000)
    )
    lock = Lock({}, clients, (pack("many"),), files)
    assert parse_lock(lock.to_text().encode(), "agentpack.lock").files == tuple(sorted(files))


def test_what_a_lock_lacks_is_told_with_the_first_that_asks_for_it() -> None:
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "top"}, {"require": "base"}]})
    lock = Lock(manifest.to_data(), (), (pack("top", requires=("base",), variants=(), local_variants=()),), ())
    assert "agentpack.yaml asks for base, which is not in the lock" in list(mismatches(manifest, lock))


@pytest.mark.parametrize(("commit", "told"), [("", "no commit"), ("b" * 40, "b" * 12)])
def test_a_lock_at_another_commit_than_the_manifest_names_is_told(commit: str, told: str) -> None:
    source = {"name": "ours", "git": "https://example.com/packs", "ref": "a" * 40}
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "x"}], "sources": [source]})
    lock = Lock(manifest.to_data(), (), (pack("x", source="ours", commit=commit, requires=()),), ())
    assert f"x is locked at {told}, but agentpack.yaml names {'a' * 12}" in list(mismatches(manifest, lock))


def test_a_local_variant_that_nothing_asks_for_is_told() -> None:
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "x"}]})
    lock = Lock(manifest.to_data(), (), (pack("x", variants=(), parameters={}, requires=()),), ())
    assert list(mismatches(manifest, lock)) == ["x is locked with the variant `house`, which nothing asks for"]


def test_agents_that_a_client_does_not_get_for_two_reasons_are_named_under_each() -> None:
    rows = (
        SkippedAgent("qwen", "kit", "one", f"{REFUSED}too short"),
        SkippedAgent("qwen", "kit", "two", "tools limited"),
    )
    told = [str(agents) for agents in skipped_agents(Lock({}, (), (), (), skipped=rows))]
    assert [words.partition(": ")[2].partition(":")[0] for words in told] == ["one", "two"]
    (alone,) = skipped_agents(Lock({}, (), (), (), skipped=rows[:1]))
    assert str(alone) == "skipped for qwen: all agents of kit: too short"


def test_agents_that_a_client_does_not_get_are_new_where_one_of_them_is() -> None:
    one, two = (SkippedAgent("codex", "kit", name, "tools limited") for name in ("one", "two"))
    before, now = (Lock({}, (), (), (), skipped=rows) for rows in ((one,), (one, two)))
    assert [agents.is_new for agents in skipped_agents(now, before)] == [True]
    assert [agents.is_new for agents in skipped_agents(now, now)] == [False]


PLAIN: dict[str, Any] = {"variants": (), "local_variants": (), "parameters": {}, "requires": ()}
ROWS = (AgentRow("agents/a.md", "0" * 64), AgentRow("agents/b.md", "1" * 64))
BY_KIT = {**PLAIN, "wanted_by": ("kit 1.0.0",)}
AGENTS = {**PLAIN, "source": "ours", "agents": ROWS, "digest": digest_of_rows(ROWS)}
OURS = [{"name": "ours", "path": "ours"}, {"name": "theirs", "path": "theirs"}]
LOCKED: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[str]]] = {
    "as it was": ({}, [PLAIN], []),
    "the same clients in another order": ({"clients": ["codex", "claude"]}, [PLAIN], []),
    "other clients": (
        {"clients": ["claude", "cursor"]},
        [PLAIN],
        ["the lock is for claude, codex, not for the clients of agentpack.yaml"],
    ),
    "nothing asks": ({"packs": []}, [PLAIN], ["kit 1.0.0 is in the lock, but nothing asks for it"]),
    "nothing is there": ({}, [], ["agentpack.yaml asks for kit, which is not in the lock"]),
    "what is required is not there": (
        {},
        [{**PLAIN, "requires": ("base>=1", "more")}],
        ["kit 1.0.0 asks for base, which is not in the lock", "kit 1.0.0 asks for more, which is not in the lock"],
    ),
    "what is required": (
        {},
        [
            {**PLAIN, "requires": ("base[v]>=1",)},
            {**BY_KIT, "name": "base", "variants": ("v",), "requires": ("deep",)},
            {**PLAIN, "name": "deep", "wanted_by": ("base 1.0.0",)},
        ],
        [],
    ),
    "another release than is asked for": (
        {"packs": [{"require": "kit>=2"}]},
        [{**PLAIN, "requires": ("base<1",)}, {**BY_KIT, "name": "base"}],
        [
            "base 1.0.0 is locked, but kit 1.0.0 asks for base<1",
            "kit 1.0.0 is locked, but agentpack.yaml asks for kit>=2",
        ],
    ),
    "an early release that nobody asked for": (
        {"packs": [{"require": "kit>=1"}]},
        [{**PLAIN, "version": "2.0.0rc1"}],
        ["kit 2.0.0rc1 is locked, but agentpack.yaml asks for kit>=1"],
    ),
    "an early release that the manifest asks for": (
        {"packs": [{"require": "base>=2.0.0rc1"}, {"require": "kit"}]},
        [
            {**PLAIN, "requires": ("base>=1",)},
            {**PLAIN, "name": "base", "version": "2.0.0rc1", "wanted_by": ("agentpack.yaml", "kit 1.0.0")},
        ],
        [],
    ),
    "an early release that another pack asks for": (
        {},
        [
            {**PLAIN, "requires": ("base>=2.0.0rc1",)},
            {**BY_KIT, "name": "base", "version": "2.0.0rc1"},
        ],
        [],
    ),
    "an early release that another pack asks for, and not the manifest": (
        {"packs": [{"require": "base>=1"}, {"require": "kit"}]},
        [
            {**PLAIN, "requires": ("base>=2.0.0rc1",)},
            {**PLAIN, "name": "base", "version": "2.0.0rc1", "wanted_by": ("agentpack.yaml", "kit 1.0.0")},
        ],
        ["base 2.0.0rc1 is locked, but agentpack.yaml asks for base>=1"],
    ),
    "variants": (
        {"packs": [{"require": "kit[a,b,house]"}]},
        [{**PLAIN, "variants": ("b", "d", "c"), "local_variants": (LocalVariant("one", "house", DIGEST),)}],
        [
            "kit is locked without the requested variant `a`",
            "kit is locked with the variant `c`, which nothing asks for",
            "kit is locked with the variant `d`, which nothing asks for",
        ],
    ),
    "a local variant that one asked for may require": (
        {"packs": [{"require": "kit[house]"}]},
        [{**PLAIN, "local_variants": tuple(LocalVariant("one", name, DIGEST) for name in ("base", "house"))}],
        [],
    ),
    "wanted by another": (
        {},
        [{**PLAIN, "requires": ("base",), "wanted_by": ()}, {**PLAIN, "name": "base", "requires": ("base",)}],
        [
            "base is wanted by kit 1.0.0, but in the lock by agentpack.yaml",
            "kit is wanted by agentpack.yaml, but in the lock by nothing",
        ],
    ),
    "parameters": (
        {"packs": [{"require": "kit", "parameters": {"one": 1, "two": True, "same": "x"}}]},
        [{**PLAIN, "parameters": {"two": 1, "more": "", "same": "x"}}],
        [f"kit is locked with another value of its parameter `{name}`" for name in ("more", "one", "two")],
    ),
    "names": (
        {"packs": [{"require": "kit", "as": {"one": "first"}}]},
        [{**PLAIN, "renames": {"one": "other"}}],
        ["kit is locked with other names of its personas (`as`)"],
    ),
    "the same names": (
        {"packs": [{"require": "kit", "as": {"one": "first"}}]},
        [{**PLAIN, "renames": {"one": "first"}}],
        [],
    ),
    "names that the lock does not repeat": ({"packs": [{"require": "kit", "as": {"one": "first"}}]}, [PLAIN], []),
    "fewer clients": (
        {"clients": ["claude", "codex"]},
        [{**PLAIN, "clients": ("claude",)}],
        ["kit is locked for claude, but the manifest names others"],
    ),
    "no client": (
        {"packs": [{"require": "kit", "clients": ["claude"]}]},
        [{**PLAIN, "clients": ()}],
        ["kit is locked for no client, but the manifest names others"],
    ),
    "fewer clients of those found": ({}, [{**PLAIN, "clients": ("claude",)}], []),
    "another source": (
        {"packs": [{"require": "kit", "source": "theirs"}]},
        [{**PLAIN, "source": "ours"}],
        ["kit is locked from the source `ours`, but agentpack.yaml names `theirs`"],
    ),
    "a source that is gone": (
        {},
        [{**PLAIN, "source": "gone"}],
        ["kit is locked from the source `gone`, which agentpack.yaml does not have"],
    ),
    "a source that provides other packs": (
        {"sources": [{**OURS[0], "packs": ["acme-*"]}]},
        [{**PLAIN, "source": "ours"}],
        ["`kit` may not come from `ours`: its `packs` are `acme-*` in agentpack.yaml"],
    ),
    "a collection": ({"packs": [{"require": "kit", "source": "ours"}]}, [AGENTS], []),
    "a collection without a source": (
        {},
        [AGENTS],
        ["kit is locked from a collection, but agentpack.yaml names no source for this pack"],
    ),
    "a collection with other agents": (
        {"packs": [{"require": "kit", "source": "ours"}]},
        [{**AGENTS, "agents": ROWS[:1]}],
        ["kit is locked with agent files that do not match its digest"],
    ),
    "a part of a collection": (
        {"packs": [{"require": "kit", "source": "ours", "personas": ["a"]}]},
        [{**AGENTS, "agents": ROWS[:1]}],
        [],
    ),
    "a collection without one": (
        {"packs": [{"require": "kit", "source": "ours", "without": ["b"]}]},
        [{**AGENTS, "agents": ROWS[:1]}],
        [],
    ),
}


@pytest.mark.parametrize("case", LOCKED)
def test_each_way_in_which_a_lock_is_not_what_the_manifest_asks_for_is_told(case: str) -> None:
    asked, packs, told = LOCKED[case]
    manifest = Manifest.from_data({"packs": [{"require": "kit"}], "sources": OURS, **asked})
    made = tuple(pack(**{"name": "kit", **values}) for values in packs)
    assert list(mismatches(manifest, Lock({}, ("claude", "codex"), made, ()))) == told


def test_a_lock_for_no_client_is_told() -> None:
    told = ["the lock is for no client, not for the clients of agentpack.yaml"]
    assert list(mismatches(Manifest.from_data({"clients": ["claude"]}), Lock({}, (), (), ()))) == told


# What is skipped and left out, in words.

TOOLS = "tools limited to read"
SKIPPED: dict[str, tuple[list[tuple[str, str, str]], list[str]]] = {
    "all agents for one client": (
        [("codex", "one", TOOLS)],
        [
            "skipped for codex: all agents of kit: it cannot limit tools as this file asks; `agentpack install kit "
            "--accept widened:codex` writes it"
        ],
    ),
    "some for several": (
        [(client, name, TOOLS) for client in ("claude", "goose") for name in ("one", "two")],
        [
            "skipped for claude, goose: one, two: they cannot limit tools as these files ask; `agentpack install kit "
            "--accept widened:claude --accept widened:goose` writes them"
        ],
    ),
    "for other reasons": (
        [("claude", name, f"{name} limited") for name in ("a", "b", "c", "d")],
        [
            "skipped for claude: a, b, c, d: it cannot enforce every restriction (a limited, b limited, c limited and "
            "1 more); `agentpack install kit --accept widened:claude` writes them"
        ],
    ),
    "too many to name": (
        [("claude", name, TOOLS) for name in "abcdefg"],
        [
            "skipped for claude: a, b, c, d, e, f and 1 more: it cannot limit tools as these files ask; `agentpack "
            "install kit --accept widened:claude` writes them"
        ],
    ),
    "refused": (
        [("codex", name, f"{REFUSED}{name} is short") for name in ("a", "b")],
        ["skipped for codex: all agents of kit: a is short, b is short"],
    ),
}


@pytest.mark.parametrize("case", SKIPPED)
def test_agents_that_a_client_does_not_get_are_told_with_the_way_to_have_them(case: str) -> None:
    skipped, told = SKIPPED[case]
    rows = tuple(SkippedAgent(client, "kit", name, reason) for client, name, reason in skipped)
    written = tuple(LockedFile(f"{client}/x", client, "kit", "x", "0" * 64) for client in ("claude", "goose"))
    lock = Lock({}, ("claude", "codex", "goose"), (), written, skipped=rows)
    assert [str(agents) for agents in skipped_agents(lock)] == told


def test_skipped_agents_are_data_too() -> None:
    lock = Lock({}, ("codex",), (), (), skipped=(SkippedAgent("codex", "kit", "one", TOOLS),))
    assert skipped_data([]) == {}
    assert skipped_data(skipped_agents(lock)) == {
        "skipped_agents": [
            {
                "pack": "kit",
                "clients": ["codex"],
                "personas": ["one"],
                "reasons": [TOOLS],
                "is_whole": True,
                "is_new": True,
            }
        ]
    }


@pytest.mark.parametrize(
    ("count", "in_full", "told"),
    [
        (1, False, "kit: 1 agent file is skipped: a0 (it is a0)"),
        (2, False, "kit: 2 agent files are skipped: a0 (it is a0), a1 (it is a1)"),
        (6, False, f"kit: 6 agent files are skipped: {', '.join(f'a{n} (it is a{n})' for n in range(6))}"),
        (
            7,
            False,
            f"kit: 7 agent files are skipped: {', '.join(f'a{n} (it is a{n})' for n in range(6))} and 1 more "
            "(`agentpack status --verbose` names all)",
        ),
        (7, True, f"kit: 7 agent files are skipped: {', '.join(f'a{n} (it is a{n})' for n in range(7))}"),
    ],
)
def test_agent_files_that_cannot_be_taken_are_told_once(count: int, in_full: bool, told: str) -> None:
    out = tuple(AgentRow(f"a{n}", "0" * 64, f"it is a{n}") for n in range(count))
    taken = (AgentRow("b", "0" * 64),)
    now = Lock({}, (), (pack("kit", agents=(*out, *taken)), pack("other", agents=taken), pack("plain")), ())
    assert list(left_out_words(now, in_full=in_full)) == [told]
    assert list(left_out_words(now, now, in_full=in_full)) == []
    before = Lock({}, (), (pack("kit", agents=taken),), ())
    assert list(left_out_words(now, before, in_full=in_full)) == [told]


def test_clients_that_read_the_files_of_others_share_a_line() -> None:
    rows = [
        NotWritten("zcode", "ZCode", "project"),
        NotWritten("pool", "Pool", "project"),
        NotWritten("goose", "Goose", "project", "a.md"),
        NotWritten("goose", "Goose", "project", "b.md"),
        NotWritten("goose", "Goose", "project", "c.md", is_wider=True),
        NotWritten("goose", "Goose", "project", "d.md", is_wider=True),
        NotWritten("goose", "Goose", "project", "e.md"),
        NotWritten("copilot", "Copilot", "project", "e.md"),
        NotWritten("copilot", "Copilot", "project", "f.md", is_wider=True),
    ]
    assert list(not_written_words(rows)) == [
        "ZCode, Pool have no agents in the project scope",
        "Goose reads 2 files such as a.md: no second file is written for it",
        "Goose reads 2 files such as c.md, but cannot limit tools as they ask",
        "Goose, Copilot read e.md: no second file is written for them",
        "Copilot reads f.md, but cannot limit tools as it asks",
    ]
    assert list(not_written_words(rows[:1])) == ["ZCode has no agents in the project scope"]


def test_clients_that_were_found_and_skipped_share_a_line() -> None:
    def one(name: str, reason: str, way: str = "", *packs: str) -> SkippedClient:
        return SkippedClient(name, name.title(), reason, way.replace("{}", name), packs)

    accept = "accept it with `--accept widened:{}`, then add it with `--client {}`"
    assert list(
        skipped_words(
            [
                one("codex", "it cannot limit tools", accept),
                one("goose", "it cannot limit tools", accept),
                one("zcode", "it has no agents"),
                one("pool", "it has no agents"),
                one("kilo", "it has no agents", "", "kit", "more"),
                one("roo", "its file is odd", "once that is fixed, add it with `--client {}`"),
            ]
        )
    ) == [
        "skipped Codex, Goose: they cannot limit tools; accept it with `--accept widened:codex,widened:goose`, then "
        "add them with `--client codex,goose`",
        "skipped Zcode, Pool: they have no agents",
        "skipped Kilo for kit, more: it has no agents",
        "skipped Roo: its file is odd; once that is fixed, add it with `--client roo`",
    ]


def test_clients_that_are_used_and_not_listed_are_told_with_the_way_to_add_them() -> None:
    told = "found here, but not in `clients:` of agentpack.yaml: {0}; `agentpack install kit more --client {1}` adds "
    told += "{2}"
    packs = ("kit", "more")
    assert str(UnlistedClients(("codex",), packs)) == told.format("codex", "codex", "it")
    assert str(UnlistedClients(("codex", "goose"), packs)) == told.format("codex, goose", "codex,goose", "them")


# A lock that says otherwise than its releases.

FALSE_ROWS: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "other powers of one": (lambda lock: lock["files"][0].update(capabilities="read"), [".claude/agents/one.md"]),
    "another text of all": (
        lambda lock: [row.update(sha256="0" * 64) for row in lock["files"]],
        [".claude/agents/one.md", ".claude/agents/two.md", ".codex/agents/one.toml", ".codex/agents/two.toml"],
    ),
    "a file less": (lambda lock: lock["files"].pop(2), [".codex/agents/one.toml"]),
    "a file more": (
        lambda lock: lock["files"].append({**lock["files"][0], "path": ".claude/agents/zzz.md", "persona": "zzz"}),
        [".claude/agents/zzz.md"],
    ),
    "an agent that is skipped": (
        lambda lock: lock.update(
            skipped=[{"client": "claude", "pack": "data-reviewer", "persona": "one", "reason": "tools limited"}]
        ),
        ["one for claude (skipped)"],
    ),
}


@pytest.mark.many
@pytest.mark.parametrize("case", FALSE_ROWS)
def test_rows_that_the_releases_do_not_give_are_told(agentpack: Agentpack, project: Path, case: str) -> None:
    publish(project / "packs", make_pack(personas={name: persona_text(name) for name in ("one", "two")}))
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude,codex")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    change, places = FALSE_ROWS[case]
    change(lock)
    path.write_text(json.dumps(lock))
    told = "".join(f"  {place}\n" for place in places)
    for words in (("sync", "--locked"), ("sync", "--frozen")):
        assert agentpack(*words, expect=3).err == (
            f"project {project}\nerror: the locked releases do not match agentpack.lock\n{told}"
            "hint: the lock was changed by hand, or by another version of agentpack: `agentpack lock` rewrites it\n"
        )
    said = "agentpack.lock  does not match the locked releases; `agentpack lock` rewrites it, or says what else "
    said += "differs\n"
    assert agentpack("diff", expect=1).out.startswith(said + told)


def test_of_many_rows_that_the_releases_do_not_give_twenty_are_told(agentpack: Agentpack, project: Path) -> None:
    names = [f"a{number:02}" for number in range(21)]
    publish(project / "packs", make_pack(personas={name: persona_text(name) for name in names}))
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    path = project / "agentpack.lock"
    path.write_text(re.sub('"capabilities": ".*"', '"capabilities": "read"', path.read_text()))
    told = [f"  .claude/agents/{name}.md" for name in names[:20]]
    assert agentpack("sync", "--locked", expect=3).err.splitlines()[2:-1] == told


def test_rows_where_no_client_reads_agents_are_told_and_left(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    [file] = lock["files"]
    strange = [f"docs/a{number}.md" for number in (6, 2, 5, 3, 4, 1)]
    for name in strange:
        (project / "docs").mkdir(exist_ok=True)
        (project / name).write_text("Mine.\n")
    for count in (5, 6):
        lock["files"] = [file, *({**file, "path": name} for name in sorted(strange)[:count])]
        path.write_text(json.dumps(lock))
        names = ", ".join(f"`docs/a{number}.md`" for number in range(1, 6))
        told = f"note: the lock or the history lists {names}, where no client reads agents; not changed\n"
        assert agentpack("status").err == f"project {project}\n{told}"
    agentpack("sync")
    assert json.loads(path.read_text())["files"] == [file]
    assert agentpack("status").err == f"project {project}\n"
    assert {(project / name).read_text() for name in strange} == {"Mine.\n"}


def test_rows_of_another_setting_of_a_variable_are_told_with_it(
    agentpack: Agentpack, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = publish(tmp_path / "packs", make_pack())
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", "codex", "--user")
    monkeypatch.delenv("CODEX_HOME")
    for words in (("sync", "--locked"), ("sync", "--frozen")):
        assert agentpack(*words, "--user", expect=3).err == (
            f"user {home}\nerror: the locked releases do not match agentpack.lock\n"
            "  $CODEX_HOME/agents/reviewer.toml\n  .codex/agents/reviewer.toml\n"
            "hint: the lock was written with another setting of CODEX_HOME: set it as it was, or run `agentpack sync "
            "--user`\n"
        )


# What is not there.


def test_a_lock_that_is_not_there_is_told_with_the_way_to_have_one(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    manifest = project / "agentpack.yaml"
    (project / "agentpack.lock").unlink()
    back = "`git restore agentpack.lock` restores it; `agentpack lock` writes a new one"
    for text, hint in ((manifest.read_text(), back), ("schema: 1\n", "`agentpack lock` writes one")):
        manifest.write_text(text)
        for words in (("sync", "--locked"), ("sync", "--frozen")):
            said = agentpack(*words, expect=3).err
            assert said == f"project {project}\nerror: there is no agentpack.lock\nhint: {hint}\n"


# The rows of files that are left as they are.


def row(name: str, text: str, client: str = "claude", *, of: str = "kit", release: str | None = None) -> LockedFile:
    return LockedFile(f"{client}/{name}", client, of, name, text * 64, release=release)


def test_a_file_that_is_left_keeps_the_row_and_the_release_it_was_written_from() -> None:
    base, newer = pack("base", **PLAIN), pack("base", **PLAIN, version="1.1.0")
    wanted = Lock(
        {},
        ("claude", "codex"),
        (pack("kit", **PLAIN, version="2.0.0"), base, pack("other", **PLAIN)),
        (row("a", "1"), row("b", "2"), row("c", "3", "codex"), row("o", "4", of="other")),
        ("other:shell",),
        declared={"codex": digest_of(b"now"), "claude": DIGEST},
    )
    before = Lock(
        {},
        ("claude",),
        (),
        (),
        ("kit:edit", "kit:widened:codex", "other:web", "shell"),
        declared={"codex": digest_of(b"then"), "house": digest_of(b"x"), "claude": DIGEST},
    )
    old = pack("kit", **PLAIN)
    left = FileRelease(row("a", "0"), old, (base, newer, pack("deep", **PLAIN)))
    written = [row("b", "2"), row("c", "3", "codex"), row("o", "4", of="other")]
    found = with_files(wanted, written, [left], before)
    assert {file.path: file for file in found.files} == {
        "claude/a": row("a", "0", release="1.0.0"),
        **{file.path: file for file in written},
    }
    assert found.written == WrittenState(("claude",), (old, newer, pack("deep", **PLAIN)), {})
    assert found.accepted == ("kit:edit", "other:shell")
    behind = FileRelease(row("c", "9", "codex"), old)
    for told in ({}, {"codex": digest_of(b"before that")}):
        earlier = before._replace(written=WrittenState(("cursor",), (), told))
        found = with_files(wanted, written, [left, behind], earlier)
        assert found.written is not None
        assert found.written.clients == ("cursor",)
        assert found.written.declared == {"codex": digest_of(b"then"), **told}
    found = with_files(wanted, written, [left], None)
    assert (found.accepted, found.written and found.written.clients) == (("other:shell",), ("claude", "codex"))


def test_files_that_are_as_wanted_need_no_release() -> None:
    wanted = Lock({}, ("claude",), (pack("kit", **PLAIN),), (row("a", "1"), row("b", "2")), ("kit:edit",))
    older = row("a", "1", release="0.9.0")._replace(capabilities="all")
    same = FileRelease(older, pack("kit", **PLAIN, version="0.9.0"))
    for before in (None, wanted._replace(accepted=("kit:shell",), written=WrittenState((), (), {}))):
        assert with_files(wanted._replace(written=WrittenState((), (), {})), [row("b", "2")], [same], before) == wanted


def test_a_lock_as_its_files_were_written_has_the_releases_of_then() -> None:
    manifest = Manifest.from_data({"packs": [{"require": "kit[new]>=2", "as": {"one": "now"}}, {"require": "more"}]})
    pins = (
        pack("kit", **{**PLAIN, "variants": ("old",), "parameters": {"a": 1}}, renames={"one": "then"}),
        pack("gone", **{**PLAIN, "variants": ("v",)}),
        pack("below", **{**PLAIN, "wanted_by": ("kit 1.0.0",)}),
    )
    lock = Lock(
        manifest.to_data(),
        ("claude",),
        (pack("kit", **PLAIN, version="2.0.0"), pack("more", **PLAIN)),
        (row("a", "1", release="1.0.0"), row("m", "2", of="more")),
        declared={"house": digest_of(b"now"), "yard": digest_of(b"now")},
        written=WrittenState(("claude", "codex"), pins, {"house": digest_of(b"then")}),
    )
    found = as_written(lock)
    names = ["kit 1.0.0", "more 1.0.0", "gone 1.0.0", "below 1.0.0"]
    assert [f"{one.name} {one.version}" for one in found.packs] == names
    assert found.manifest["packs"] == [
        {"require": "gone[v]"},
        {"require": "kit[old]>=2", "parameters": {"a": 1}, "as": {"one": "then"}},
        {"require": "more"},
    ]
    assert found.clients == ("claude", "codex")
    assert found.files == (row("a", "1"), row("m", "2", of="more"))
    assert found.declared == {"house": digest_of(b"then"), "yard": digest_of(b"now")}
    assert found.written is None
    assert as_written(found) == found
