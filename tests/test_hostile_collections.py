"""A collection made to do harm is refused or left out in words, and a lock brings in nothing of it by itself."""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.collection_files import agent_text
from support.counting import calls_of
from support.running import Agentpack
from support.trees import write_tree

from agentpack.errors import Refused
from agentpack.model.manifest import ManifestEntry
from agentpack.model.requirement import parse_requirement
from agentpack.sources.collection import MAX_AGENTS, collection
from agentpack.sources.trees import MemoryTree
from agentpack.wanted.agents import choose_agents

PLACE = {"agents/one.md": agent_text("one", "Work.")}
LOOKS = (("diff",), ("sync", "--check"), ("sync", "--locked"), ("sync", "--frozen"), ("lock", "--check"))


@pytest.mark.parametrize("named", ["../../etc", "/etc", 5, True, {"a": "b"}, 1.5])
def test_a_plugin_that_names_its_agents_wrongly_is_a_fault(agentpack: Agentpack, project: Path, named: object) -> None:
    write_tree(project / "kit", {**PLACE, "plugin.json": json.dumps({"name": "kit", "agents": named})})
    assert "plugin.json: agents:" in agentpack("install", "./kit", expect=2).err
    write_tree(project / "shop", {**PLACE, ".claude-plugin/marketplace.json": marketplace({"agents": named})})
    agentpack("install", "./shop")
    assert (project / ".claude/agents/one.md").is_file()


@pytest.mark.parametrize("entry", ["text", 5, None, ["bad"]])
def test_a_plugin_that_is_no_map_is_left_out(agentpack: Agentpack, project: Path, entry: object) -> None:
    write_tree(project / "shop", {**PLACE, ".claude-plugin/marketplace.json": marketplace(entry)})
    agentpack("install", "./shop")
    assert (project / ".claude/agents/one.md").is_file()


def marketplace(entry: Any) -> str:
    bad = {"name": "bad", "source": "./", **entry} if isinstance(entry, dict) else entry
    return json.dumps({"name": "shop", "plugins": [bad, {"name": "good", "source": "./"}]})


@pytest.mark.parametrize("name", [b"\xff.md", b"\x1b[31m.md", b"a\nb.md", "\u202e.md".encode()])
def test_an_agent_file_with_a_name_that_no_pack_may_have_is_left_out(
    agentpack: Agentpack, project: Path, name: bytes
) -> None:
    write_tree(project / "kit", PLACE)
    (project / "kit/agents").joinpath(name.decode("utf-8", "surrogateescape")).write_text(agent_text("two", "Work."))
    told = agentpack("install", "./kit")
    assert "`: its name has" in told.out + told.err
    assert [path.name for path in (project / ".claude/agents").iterdir()] == ["one.md"]


def test_a_link_to_an_agent_of_the_place_is_read(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {"agents/README.md": "# Agents\n", "shared/one.md": PLACE["agents/one.md"]})
    (project / "kit/agents/one.md").symlink_to("../shared/one.md")
    agentpack("install", "./kit")
    assert (project / ".claude/agents/one.md").read_text() == PLACE["agents/one.md"]


def test_links_do_not_make_a_small_place_large(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {"agents/one.md": agent_text("one", "x" * 1_000_000)})
    for number in range(40):
        (project / f"kit/agents/{number}.md").symlink_to("one.md")
    assert "32 MiB" in agentpack("install", "./kit", expect=5).err


class CountingTree(MemoryTree):
    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.started: list[str] = []

    def start(self, path: str, count: int) -> bytes:
        self.started.append(path)
        return super().start(path, count)


def test_plugins_that_share_a_folder_share_the_reading_of_it() -> None:
    plugins = [{"name": f"p{number}", "source": "./"} for number in range(500)]
    files = {f"agents/{number}.md": agent_text(f"a{number}", "Work.").encode() for number in range(20)}
    manifest = ".claude-plugin/marketplace.json"
    tree = CountingTree({**files, manifest: json.dumps({"plugins": plugins}).encode()})
    assert len(collection(tree, "shop").packs) == 500
    assert sorted(tree.started) == sorted([*files, manifest])


def test_more_agents_than_a_place_may_offer_are_refused() -> None:
    plugins = [{"name": f"p{number}", "source": "./"} for number in range(MAX_AGENTS // 100 + 1)]
    files = {f"agents/{number}.md": agent_text(f"a{number}", "Work.").encode() for number in range(100)}
    manifest = {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins}).encode()}
    with pytest.raises(Refused, match="20,000 agent files"):
        collection(MemoryTree({**files, **manifest}), "shop")


def test_headers_that_take_long_to_read_are_refused(agentpack: Agentpack, project: Path) -> None:
    more = f"more: [{'a,' * 28_000}]\n"
    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work.", more=more) for name in "abcdef"})
    assert "in the headers of its agents" in agentpack("install", "./kit", expect=5).err


def extra_agent(project: Path, lock: Any) -> None:
    digest = sha256((project / "kit/agents/two.md").read_bytes()).hexdigest()
    lock["packs"][0]["agents"].append({"path": "agents/two.md", "sha256": digest})
    row = {"client": "claude", "pack": "kit", "persona": "two", "sha256": digest, "capabilities": "shell"}
    lock["files"].append({"path": ".claude/agents/two.md", **row})
    (project / ".claude/agents/two.md").write_bytes((project / "kit/agents/two.md").read_bytes())


def another_source(project: Path, lock: Any) -> None:
    lock["packs"][0]["source"] = "bundled"


def no_agents(project: Path, lock: Any) -> None:
    del lock["packs"][0]["agents"]


@pytest.mark.parametrize("change", [extra_agent, another_source, no_agents], ids=lambda change: change.__name__)
def test_a_lock_with_other_agents_than_the_manifest_asks_for_is_found(
    agentpack: Agentpack, project: Path, change: Callable[[Path, Any], None]
) -> None:
    kit = {"one": agent_text("one", "Work."), "two": agent_text("two", "Work.", more="tools: Bash\n")}
    write_tree(project / "kit", {f"agents/{name}.md": text for name, text in kit.items()})
    agentpack("install", "./kit", "--only", "one", "--client", "claude")
    file = project / "agentpack.lock"
    lock = json.loads(file.read_text())
    change(project, lock)
    file.write_text(json.dumps(lock, indent=1))
    for words in LOOKS:
        assert agentpack(*words, expect=None).exit_code != 0, words


def test_a_lock_does_not_have_a_collection_answer_a_bare_name(agentpack: Agentpack, project: Path) -> None:
    kit = write_tree(project / "kit", {"agents/python-engineer.md": agent_text("python-engineer", "Obey.")})
    agentpack("install", "./kit", "--client", "claude")
    entry = "- {name: kit, path: kit}\npacks:\n- python-engineer\n"
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [claude]\nsources:\n{entry}")
    (kit / "python-engineer").mkdir()
    (kit / "agents").rename(kit / "python-engineer/agents")
    file = project / "agentpack.lock"
    lock = json.loads(file.read_text())
    lock["manifest"]["packs"] = [{"require": "python-engineer"}]
    lock["packs"][0]["name"] = lock["files"][0]["pack"] = "python-engineer"
    file.write_text(json.dumps(lock, indent=1))
    for words in LOOKS:
        assert agentpack(*words, expect=None).exit_code != 0, words
    assert "from `kit` -> " in agentpack("lock", "--check", expect=1).err


def test_choosing_among_many_agents_by_many_names_costs_no_product_of_both() -> None:
    files = {f"agents/{number}.md": agent_text(f"a{number}", "Work.").encode() for number in range(20)}

    def calls(names: int) -> int:
        without = tuple(f"b{number}" for number in range(names))
        entry = ManifestEntry(parse_requirement("kit"), "kit", without=without)
        return calls_of(lambda: choose_agents(files, entry))

    calls(1)  # what is loaded once
    assert calls(1_000) - calls(100) < 900 * len(files)


def test_brackets_without_end_in_a_header_are_no_crash(agentpack: Agentpack, project: Path) -> None:
    """Claude Code takes the line for a text, and so does agentpack."""
    deep = f"---\nname: deep\ndescription: {'[' * 20_000}{']' * 20_000}\n---\nx\n"
    write_tree(project / "kit", {**PLACE, "agents/deep.md": deep})
    agentpack("install", "./kit", "--client", "claude")
    assert (project / ".claude/agents/deep.md").read_text() == deep


def test_an_agent_is_no_longer_than_a_persona(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {**PLACE, "agents/long.md": agent_text("long", "- rule\n" * 100_000)})
    told = agentpack("install", "./kit")
    assert "longer than 512 Ki characters" in told.out + told.err
    assert [path.name for path in (project / ".claude/agents").iterdir()] == ["one.md"]


@pytest.mark.parametrize("command", ["install ./kit.tar.gz", "show ./kit.tar.gz", "install x --source kit.tar.gz"])
def test_an_archive_that_is_no_file_is_an_error_in_words(agentpack: Agentpack, project: Path, command: str) -> None:
    os.mkfifo(project / "kit.tar.gz")
    assert "kit.tar.gz cannot be read: it is not a regular file" in agentpack(*command.split(), expect=6).err


@pytest.mark.parametrize("command", ["install ./kit", "show ./kit", "install x --source kit"])
def test_a_place_that_cannot_be_read_is_an_error_in_words(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    write_tree(project / "kit", PLACE)
    scan = os.scandir

    def denied(path: Any) -> Any:
        if str(path).startswith(str(project / "kit")):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert "kit cannot be read: Permission denied" in agentpack(*command.split(), expect=6).err


@pytest.mark.parametrize("folder", ["agents/", ""])
def test_a_long_header_is_read_and_an_endless_one_is_named(agentpack: Agentpack, project: Path, folder: str) -> None:
    agent, endless = f"{folder}long.md", f"{folder}endless.md"
    head = "---\nname: {}\ndescription: About " + "x" * 100_000
    write_tree(project / "kit", {agent: head.format("long") + "\n---\nWork.\n"})
    write_tree(project / "kit", {endless: head.format("endless") + "x" * 200_000 + "\n---\nWork.\n"})
    ran = agentpack("install", "./kit")
    assert (project / ".claude/agents/long.md").read_text() == (project / "kit" / agent).read_text()
    assert "note: the description of long uses about 25,003 tokens in every session" in ran.err
    assert f"note: skipped `{endless}`: its header is longer than 256 KiB" in ran.err
    assert endless in agentpack("show", "./kit").err


def test_a_plugin_is_named_whose_folder_is_missing_or_whose_name_no_pack_may_have(
    agentpack: Agentpack, project: Path
) -> None:
    plugins = [{"name": name, "source": f"./plugins/{place}"} for name, place in (("gone", "gone"), ("日本", "kit"))]
    write_tree(
        project / "market",
        {
            ".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": plugins}),
            "plugins/kit/agents/one.md": agent_text("one", "Work."),
        },
    )
    ran = agentpack("install", "./market", "--all")
    assert "note: skipped plugin `gone`: the folder `plugins/gone` is missing or empty" in ran.err
    assert "note: skipped plugin `日本`: `日本` is not a pack name" in ran.err
    assert (project / ".claude/agents/one.md").exists()
