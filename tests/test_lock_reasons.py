"""What is told of a lock that is not of its manifest, and of agents that are left out."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.locks import DIGEST, FILE, pack

from agentpack.model.lock import REFUSED, LocalVariant, Lock, LockedPack, SkippedAgent
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.model.pack import AgentRow, digest_of_rows
from agentpack.wanted.lock_satisfies import changed_sources, mismatches
from agentpack.wanted.skipped import SkippedAgents, left_out_words, skipped_agents, skipped_data


@pytest.mark.parametrize(
    ("clients", "personas", "reasons", "told"),
    [
        (
            ("codex",),
            ("one",),
            ("tools limited",),
            "skipped for codex: one: it cannot limit tools as this file asks; "
            "`agentpack install kit --accept widened:codex` writes it",
        ),
        (
            ("codex", "qwen"),
            ("one",),
            ("tools limited",),
            "skipped for codex, qwen: one: they cannot limit tools as this file asks; "
            "`agentpack install kit --accept widened:codex --accept widened:qwen` writes it",
        ),
        (
            ("codex",),
            ("one", "two"),
            ("tools limited", "tools denied"),
            "skipped for codex: one, two: it cannot limit tools as these files ask; "
            "`agentpack install kit --accept widened:codex` writes them",
        ),
        (
            ("codex",),
            ("one", "two"),
            ("tools limited", "no hooks", "no memory", "no skills"),
            "skipped for codex: one, two: it cannot enforce every restriction (tools limited, no hooks, no memory and "
            "1 more); `agentpack install kit --accept widened:codex` writes them",
        ),
        (
            ("codex",),
            ("one", "two"),
            (f"{REFUSED}too short", f"{REFUSED}no name", f"{REFUSED}too long", f"{REFUSED}odd"),
            "skipped for codex: one, two: too short, no name, too long and 1 more",
        ),
        (("codex",), tuple("abcdef"), (f"{REFUSED}odd",), "skipped for codex: a, b, c, d, e, f: odd"),
        (("codex",), tuple("abcdefg"), (f"{REFUSED}odd",), "skipped for codex: a, b, c, d, e, f and 1 more: odd"),
    ],
)
def test_agents_that_a_client_does_not_get_are_told_in_one_sentence(
    clients: tuple[str, ...], personas: tuple[str, ...], reasons: tuple[str, ...], told: str
) -> None:
    agents = SkippedAgents("kit", clients, personas, reasons, is_whole=False, is_new=True)
    assert str(agents) == told
    whole = ", ".join(personas) if len(personas) < 7 else "a, b, c, d, e, f and 1 more"
    assert str(agents._replace(is_whole=True)) == told.replace(f": {whole}:", ": all agents of kit:")


def test_agents_that_several_clients_do_not_get_are_one_value_where_they_are_the_same() -> None:
    rows = [
        *(SkippedAgent(client, "kit", "one", "tools limited") for client in ("codex", "qwen")),
        SkippedAgent("qwen", "kit", "two", "no hooks"),
        SkippedAgent("goose", "kit", "one", "no hooks"),
        SkippedAgent("goose", "other", "one", "no hooks"),
    ]
    files = (FILE._replace(client="codex", pack="kit"), FILE._replace(client="goose", pack="kit"))
    found = [*skipped_agents(Lock({}, (), (), files, skipped=tuple(rows)))]
    assert found == [
        SkippedAgents("kit", ("codex", "goose"), ("one",), ("tools limited", "no hooks"), is_whole=False, is_new=True),
        SkippedAgents("kit", ("qwen",), ("one", "two"), ("tools limited", "no hooks"), is_whole=True, is_new=True),
        SkippedAgents("other", ("goose",), ("one",), ("no hooks",), is_whole=True, is_new=True),
    ]
    assert skipped_data(found[2:]) == {
        "skipped_agents": [
            {
                "pack": "other",
                "clients": ["goose"],
                "personas": ["one"],
                "reasons": ["no hooks"],
                "is_whole": True,
                "is_new": True,
            }
        ]
    }
    assert skipped_data([]) == {}


@pytest.mark.parametrize(
    ("count", "in_full", "told"),
    [
        (0, False, []),
        (1, False, ["kit: 1 agent file is skipped: a.md (no name)"]),
        (6, False, [f"kit: 6 agent files are skipped: {', '.join(f'{name}.md (no name)' for name in 'abcdef')}"]),
        (
            7,
            False,
            [
                f"kit: 7 agent files are skipped: {', '.join(f'{name}.md (no name)' for name in 'abcdef')} and 1 more "
                "(`agentpack status --verbose` names all)"
            ],
        ),
        (7, True, [f"kit: 7 agent files are skipped: {', '.join(f'{name}.md (no name)' for name in 'abcdefg')}"]),
    ],
)
def test_agent_files_that_cannot_be_taken_are_told_once(count: int, in_full: bool, told: list[str]) -> None:
    rows = tuple(AgentRow(f"{name}.md", "ab" * 32, "no name") for name in "abcdefg"[:count])
    fine = AgentRow("fine.md", "ab" * 32)
    now = Lock({}, (), (pack("kit", agents=(*rows, fine)), pack("x")), ())
    before = Lock({}, (), (pack("kit", agents=(fine,)), pack("x")), ())
    assert [*left_out_words(now, in_full=in_full)] == told
    assert [*left_out_words(now, before, in_full=in_full)] == told
    assert [*left_out_words(now, now, in_full=in_full)] == []


PLAIN = pack("x", variants=(), local_variants=(), parameters={}, requires=())

OURS = {"name": "ours", "path": "ours"}

OF_AGENTS = (AgentRow("a.md", "ab" * 32),)

KIT = PLAIN._replace(source="ours", agents=OF_AGENTS, digest=digest_of_rows(OF_AGENTS))

FROM_OURS = {"sources": [OURS], "packs": [{"require": "x", "source": "ours"}]}

MISMATCHES: list[tuple[dict[str, Any], Sequence[LockedPack], Sequence[str]]] = [
    ({"packs": [{"require": "x"}]}, [PLAIN], []),
    ({"clients": ["codex"]}, [], ["the lock is for claude, not for the clients of agentpack.yaml"]),
    ({"packs": []}, [PLAIN], ["x 1.0.0 is in the lock, but nothing asks for it"]),
    ({"packs": [{"require": "x>=2"}]}, [PLAIN], ["x 1.0.0 is locked, but agentpack.yaml asks for x>=2"]),
    (
        {"packs": [{"require": "x<2"}]},
        [PLAIN._replace(version="1.5.0rc1")],
        ["x 1.5.0rc1 is locked, but agentpack.yaml asks for x<2"],
    ),
    ({"packs": [{"require": "x>=1.5.0rc1"}]}, [PLAIN._replace(version="1.5.0rc1")], []),
    (
        {"packs": [{"require": "x>=1.0rc1"}, {"require": "top"}]},
        [
            PLAIN._replace(version="1.5.0rc1", wanted_by=("agentpack.yaml", "top 1.0.0")),
            PLAIN._replace(name=PackName("top"), requires=("x<2",)),
        ],
        [],
    ),
    (
        {"packs": [{"require": "top"}, {"require": "other"}]},
        [
            PLAIN._replace(version="1.5.0rc1", wanted_by=("other 1.0.0", "top 1.0.0")),
            PLAIN._replace(name=PackName("other"), requires=("x<2",)),
            PLAIN._replace(name=PackName("top"), requires=("x>=1.0rc1",)),
        ],
        ["x 1.5.0rc1 is locked, but other 1.0.0 asks for x<2"],
    ),
    ({"packs": [{"require": "x[a]"}]}, [PLAIN], ["x is locked without the requested variant `a`"]),
    (
        {"packs": [{"require": "x"}]},
        [PLAIN._replace(variants=("a",))],
        ["x is locked with the variant `a`, which nothing asks for"],
    ),
    (
        {"packs": [{"require": "x[house]"}]},
        [
            PLAIN._replace(
                local_variants=(LocalVariant("r", "house", DIGEST), LocalVariant("r", "base-of-it", DIGEST)),
            )
        ],
        [],
    ),
    (
        {"packs": [{"require": "x"}]},
        [PLAIN._replace(wanted_by=())],
        ["x is wanted by agentpack.yaml, but in the lock by nothing"],
    ),
    (
        {"packs": [{"require": "x"}]},
        [PLAIN._replace(wanted_by=("agentpack.yaml", "y 1"))],
        ["x is wanted by agentpack.yaml, but in the lock by agentpack.yaml, y 1"],
    ),
    ({"packs": [{"require": "x"}]}, [PLAIN._replace(requires=("x",))], []),
    (
        {"packs": [{"require": "x", "parameters": {"n": 1, "flag": True}}]},
        [PLAIN._replace(parameters={"n": 1, "flag": 1})],
        ["x is locked with another value of its parameter `flag`"],
    ),
    (
        {"packs": [{"require": "x", "parameters": {"n": 1}}]},
        [PLAIN._replace(parameters={"m": 1})],
        [
            "x is locked with another value of its parameter `m`",
            "x is locked with another value of its parameter `n`",
        ],
    ),
    (
        {"packs": [{"require": "x", "as": {"a": "b"}}]},
        [PLAIN._replace(renames={"a": "c"})],
        ["x is locked with other names of its personas (`as`)"],
    ),
    ({"packs": [{"require": "x", "as": {"a": "b"}}]}, [PLAIN], []),
    ({"packs": [{"require": "x"}]}, [PLAIN._replace(clients=("claude",))], []),
    (
        {"clients": ["claude"], "packs": [{"require": "x"}]},
        [PLAIN._replace(clients=("claude",))],
        ["x is locked for claude, but the manifest names others"],
    ),
    (
        {"packs": [{"require": "x", "clients": ["claude"]}]},
        [PLAIN._replace(clients=())],
        ["x is locked for no client, but the manifest names others"],
    ),
    (
        {"packs": [{"require": "top"}]},
        [
            PLAIN._replace(wanted_by=("top 1.0.0",), clients=("claude",)),
            PLAIN._replace(name=PackName("top"), requires=("x",)),
        ],
        ["x is locked for claude, but the manifest names others"],
    ),
    (FROM_OURS, [KIT], []),
    (FROM_OURS, [KIT._replace(digest=DIGEST)], ["x is locked with agent files that do not match its digest"]),
    (
        {**FROM_OURS, "packs": [{"require": "x", "source": "ours", "without": ["b"]}]},
        [KIT._replace(digest=DIGEST)],
        [],
    ),
    (
        {**FROM_OURS, "packs": [{"require": "x", "source": "ours", "personas": ["a"]}]},
        [KIT._replace(digest=DIGEST)],
        [],
    ),
    (FROM_OURS, [PLAIN], ["x is locked from the source `bundled`, but agentpack.yaml names `ours`"]),
    (
        {"sources": [OURS], "packs": [{"require": "x"}]},
        [KIT],
        ["x is locked from a collection, but agentpack.yaml names no source for this pack"],
    ),
    (
        {"packs": [{"require": "x"}]},
        [PLAIN._replace(source="ours")],
        ["x is locked from the source `ours`, which agentpack.yaml does not have"],
    ),
    (
        {"sources": [{**OURS, "packs": ["y"]}], "packs": [{"require": "y", "name": "x", "source": "ours"}]},
        [PLAIN._replace(source="ours")],
        [],
    ),
    (
        {"sources": [{**OURS, "packs": ["y"]}], "packs": [{"require": "x", "source": "ours"}]},
        [PLAIN._replace(source="ours")],
        ["`x` may not come from `ours`: its `packs` are `y` in agentpack.yaml"],
    ),
    (
        {"sources": [{"name": "ours", "git": "https://example.com/a", "ref": "a" * 40}], "packs": [{"require": "x"}]},
        [PLAIN._replace(source="ours", commit="b" * 40, repository="https://example.com/b")],
        [],
    ),
]


@pytest.mark.parametrize(("manifest", "packs", "told"), MISMATCHES)
def test_each_way_in_which_a_lock_is_not_of_its_manifest_is_told(
    manifest: dict[str, Any], packs: Sequence[LockedPack], told: Sequence[str]
) -> None:
    wanted = Manifest.from_data({"schema": 1, "packs": [], **manifest})
    assert [*mismatches(wanted, Lock(wanted.to_data(), ("claude",), tuple(packs), ()))] == told


def test_a_lock_for_no_client_is_told() -> None:
    wanted = Manifest.from_data({"schema": 1, "clients": ["claude"], "packs": []})
    told = "the lock is for no client, not for the clients of agentpack.yaml"
    assert [*mismatches(wanted, Lock(wanted.to_data(), (), (), ()))] == [told]


def test_the_sources_that_name_another_state_than_the_lock_are_those_with_other_options() -> None:
    def source(name: str, **options: str) -> dict[str, str]:
        return {"name": name, "git": f"https://example.com/{name}", **options}

    before = [
        source("same", ref="v1"),
        source("moved", ref="v1"),
        source("held"),
        source("free", ref="v1"),
        source("gone"),
    ]
    after = [
        source("same", ref="v1"),
        source("moved", ref="v2"),
        source("held", ref="v1"),
        source("free"),
        source("new"),
    ]
    then, now = (Manifest.from_data({"schema": 1, "packs": [], "sources": sources}) for sources in (before, after))
    assert changed_sources(now, Lock(then.to_data(), (), (), ())) == {"moved", "held", "free"}
    assert changed_sources(now, Lock({"packs": []}, (), (), ())) == set()
    assert changed_sources(now, None) == set()
