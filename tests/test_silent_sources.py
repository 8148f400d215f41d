"""Sources that cannot be asked: what does not need them works without them, and a line names them."""

from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree
from support.web_server import WebServer
from support.web_server import silent as silent_answer

from agentpack.errors import Unavailable
from agentpack.remote.access import Remote

GONE = "file:///nowhere/acme"
MANIFEST = f'schema: 1\nclients: [claude]\nsources:\n  - {{name: acme, git: "{GONE}"}}\n'
TOLD = f"note: the source `acme` at {GONE} is not a repository"


def pack(name: str, version: str = "1.0.0") -> dict[str, bytes]:
    return make_pack(name, version, personas={name: persona_text(name, body=f"You are {name} {version}.\n")})


@pytest.fixture
def silent(agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch) -> Agentpack:
    """A project whose first source cannot be asked."""
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", "/nowhere")
    write_tree(project, {"agentpack.yaml": MANIFEST})
    return agentpack


@pytest.mark.parametrize(
    "words",
    [
        "install python-engineer",
        "render python-engineer",
        "show python-engineer",
        "search python",
        "search nothing-such",
    ],
)
def test_a_pack_of_another_source_needs_it_not(silent: Agentpack, words: str) -> None:
    ran = silent(*words.split())
    assert ran.err.count(f"the source `acme` at {GONE}") == 1, ran.err
    assert "is not a repository" in ran.err


def test_programs_learn_of_it_too(silent: Agentpack) -> None:
    assert "acme: the source `acme`" in silent("search", "--json").envelope["data"]["unread"][0]


def test_packs_of_a_place_are_installed_beside_it(silent: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "packs", pack("one"))
    ran = silent("install", "one", "--source", "../packs")
    assert TOLD in ran.err
    assert "source: packs" in (project / "agentpack.yaml").read_text()  # acme may have one of that name
    silent("sync", "--locked")


def test_what_only_it_may_have_names_it(silent: Agentpack, project: Path) -> None:
    before = tree(project)
    for words in ("install acme-lint", "show acme-lint"):
        refused = silent(*words.split(), expect=6)
        assert f"error: the source `acme` at {GONE} is not a repository" in refused.err
    assert tree(project) == before


def test_what_comes_from_it_moves_to_no_other_source(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit(pack("one")).tag("v1.0.0")
    publish(tmp_path / "packs", pack("one", "2.0.0"), pack("two"), pack("two", "2.0.0"))
    agentpack("install", f"git+{far.address}")
    agentpack("install", "two<2", "--source", "../packs")
    far.folder.rename(tmp_path / "moved")
    before = tree(project)
    agentpack("upgrade", "one", expect=6)
    assert tree(project) == before
    assert "two 1.0.0 -> 2.0.0" in agentpack("install", "two>=2").err
    assert "You are one 1.0.0." in (project / ".claude/agents/one.md").read_text()


def test_it_is_asked_only_once(
    silent: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    write_tree(tmp_path / "bin", {"git": f'#!/bin/sh\necho "$*" >>{calls}\nexec /usr/bin/git "$@"\n'})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    silent("install", "python-engineer", "python-reviewer")
    assert calls.read_text().count("ls-remote") == 1


@pytest.mark.parametrize("words", ["search x", "show python-engineer", "install python-engineer"])
@pytest.mark.campaign
def test_a_manifest_full_of_silent_sources_costs_no_more_than_a_few_time_outs(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "0.2")
    with WebServer({f"/{number}.tar.gz": silent_answer for number in range(40)}) as server:
        rows = (f'{{name: s{n}, archive: "{server.url(f"/{n}.tar.gz")}", sha256: "{n:064}"}}' for n in range(40))
        sources = "".join(f"  - {row}\n" for row in rows)
        write_tree(project, {"agentpack.yaml": f"schema: 1\nclients: [claude]\nsources:\n{sources}packs: []\n"})
        ran = agentpack(*words.split())
        assert "skipped the source `s39`: waited " in ran.err
        assert 2 <= len(server.asked) < 10
        refused = agentpack("install", "acme-lint", expect=6)
        assert "the source `s0` cannot be read: no answer from localhost" in refused.err


def test_one_source_is_waited_for_as_often_as_it_is_asked_and_several_are_not(tmp_path: Path) -> None:
    remote = Remote(str(tmp_path), {"AGENTPACK_TIMEOUT": "0.05"})

    def fails(source: str, seconds: float) -> None:
        with suppress(Unavailable), remote.waiting(source):
            sleep(seconds)
            raise Unavailable("no answer")

    for _ in range(2):
        fails("slow", 0.15)
        remote.go_online("slow", "https://example.com/slow")
    fails("fast", 0.0)
    with pytest.raises(Unavailable, match="skipped the source `third`: waited"):
        remote.go_online("third", "https://example.com/third")
