"""A version that is none is called so, with its place, wherever somebody wrote it."""

import re
from pathlib import Path

import pytest
from support.packs import make_pack, publish
from support.running import Agentpack
from support.trees import write_tree

NONE = ("one", "banana", "1.x", "1.2.0-final", "v", "1..2")
SAYS = "is not a version such as `1.2.0` or `2.0.0rc1`"


@pytest.fixture
def packs(tmp_path: Path, project: Path) -> Path:
    publish(tmp_path / "packs", make_pack("mine", "1.0.0"))
    _manifest(project, "mine")
    return tmp_path / "packs"


def _manifest(project: Path, wanted: str) -> None:
    (project / "agentpack.yaml").write_text(
        f"schema: 1\nclients: [claude]\nsources: [{{name: ours, path: ../packs}}]\npacks: ['{wanted}']\n"
    )


@pytest.mark.parametrize("text", NONE)
def test_in_the_words_of_a_command(agentpack: Agentpack, packs: Path, text: str) -> None:
    for words in (("install", f"mine=={text}"), ("show", f"mine>=1,<{text}"), ("install", f"mine@{text}")):
        assert f"`{text}` {SAYS}" in agentpack(*words, expect=2).err


@pytest.mark.parametrize("text", NONE)
def test_in_the_manifest(agentpack: Agentpack, packs: Path, project: Path, text: str) -> None:
    _manifest(project, f"mine=={text}")
    assert f"agentpack.yaml:4: packs[0]: `mine=={text}`: `{text}` {SAYS}" in agentpack("sync", expect=2).err


@pytest.mark.parametrize("text", NONE)
def test_in_the_lock(agentpack: Agentpack, packs: Path, project: Path, text: str) -> None:
    agentpack("sync")
    lock = project / "agentpack.lock"
    lock.write_text(lock.read_text().replace('"version": "1.0.0"', f'"version": "{text}"'))
    for words in (("sync", "--frozen"), ("diff",), ("status",)):
        assert f"agentpack.lock: not a lock of schema 2: mine: `{text}` {SAYS}" in agentpack(*words, expect=2).err


@pytest.mark.many
@pytest.mark.parametrize("layout", ["mine/1.0.0", "mine", "other", "."])
@pytest.mark.parametrize("text", [*NONE, ""])
def test_in_pack_yaml(agentpack: Agentpack, tmp_path: Path, project: Path, packs: Path, layout: str, text: str) -> None:
    (packs / "mine").rename(tmp_path / "away")
    write_tree(packs / layout, {p.relative_to(tmp_path / "away/1.0.0").as_posix(): p.read_bytes()
                                for p in (tmp_path / "away/1.0.0").rglob("*.*") if p.is_file()})  # fmt: skip
    manifest = packs / layout / "pack.yaml"
    manifest.write_text(re.sub(r"version: .*", f"version: '{text}'", manifest.read_text()))
    for words in (("sync",), ("show", "mine"), ("install", "mine")):
        ran = agentpack(*words, expect=2)
        assert "pack.yaml" in ran.err and "version: " in ran.err
        assert (f"`{text}` {SAYS}" if text else "version") in ran.err
    assert "`mine`" not in agentpack("search", "mine").out


@pytest.mark.parametrize("text", NONE)
def test_in_the_name_of_a_folder(agentpack: Agentpack, packs: Path, text: str) -> None:
    (packs / "mine/1.0.0").rename(packs / "mine" / text)
    ran = agentpack("sync", expect=2)
    assert f"packs/mine/{text}: version: the folder's name `{text}` {SAYS}" in ran.err


def test_a_folder_beside_releases_need_not_be_one(agentpack: Agentpack, packs: Path) -> None:
    write_tree(packs / "mine/drafts", {"pack.yaml": "name: mine\n"})
    agentpack("sync")
