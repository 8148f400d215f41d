"""What policies say of packs from git: the address, by any of its names, and signatures of tags."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.repositories import Repository
from support.running import Agentpack
from support.trees import write_tree


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of repositories that git takes for those of `git.example.com`, whatever the protocol."""
    folder = write_tree(tmp_path / "hub", {})
    addresses = (
        "https://git.example.com/",
        "ssh://git@git.example.com/",
        "ssh://ada@git.example.com:29418/",
        "git@git.example.com:",
    )
    lines = "".join(f"\tinsteadOf = {address}\n" for address in addresses)
    write_tree(tmp_path, {"gitconfig": f'[url "file://{folder}/"]\n{lines}'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("acme/kit", "other/kit"):
        Repository(folder / name).commit({f"agents/{name[0]}.md": agent_text(name[0], "Work.")})
        (folder / f"{name}.git").symlink_to(folder / name)
    return folder


ADDRESSES = (
    "https://git.example.com/acme/kit",
    "https://git.example.com/acme/kit.git",
    "ssh://git@git.example.com/acme/kit",
    "ssh://ada@git.example.com:29418/acme/kit",
    "git@git.example.com:acme/kit.git",
)


def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {"policy.yaml": text})
    monkeypatch.setenv("AGENTPACK_POLICY", str(tmp_path / "policy.yaml"))


@pytest.mark.many
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "entry",
    ["https://git.example.com/acme/kit", "https://git.example.com/acme/kit.git", "https://git.example.com/acme/*"],
)
def test_a_denied_address_is_denied_in_every_spelling(
    agentpack: Agentpack, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, entry: str
) -> None:
    policy(monkeypatch, tmp_path, f"sources: {{deny: ['{entry}']}}\n")
    refused = agentpack("install", f"git+{address}" if "://" in address else address, expect=5)
    assert "is denied by" in refused.err
    agentpack("install", "git+https://git.example.com/other/kit")


@pytest.mark.parametrize("name", ["place", "kit"])
def test_a_denied_address_is_not_even_asked(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    policy(monkeypatch, tmp_path, "sources: {deny: ['https://git.invalid/*']}\n")
    source = f"{{name: {name}, git: 'https://git.invalid/kit'}}"
    write_tree(
        project, {"agentpack.yaml": f"schema: 1\nsources: [{source}]\npacks: [{{require: kit, source: {name}}}]\n"}
    )
    assert f"the source `{name}` is refused by `sources.deny`" in agentpack("sync", expect=5).err


def test_only_what_is_allowed_passes(
    agentpack: Agentpack, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(monkeypatch, tmp_path, "sources: {allow: [bundled, 'https://git.example.com/acme/*']}\n")
    assert "is not in the allowed list" in agentpack("install", "git+https://git.example.com/other/kit", expect=5).err
    agentpack("install", "git+https://git.example.com/acme/kit@main")


def test_a_plugin_elsewhere_is_judged_by_where_it_is(
    agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"name": "far", "source": {"source": "url", "url": "https://git.example.com/other/kit"}}
    manifest = json.dumps({"name": "m", "plugins": [entry]})
    Repository(hub / "acme/market").commit({".claude-plugin/marketplace.json": manifest})
    policy(monkeypatch, tmp_path, "sources: {allow: ['https://git.example.com/acme/*']}\n")
    refused = agentpack("install", "far", "--source", "git+https://git.example.com/acme/market", expect=5)
    assert "https://git.example.com/other/kit" in refused.err
    assert not (project / ".claude").exists()


# Signatures.


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the ssh keys `ada` and `eve`; the user trusts the first."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen")
    folder = write_tree(tmp_path / "keys", {})
    for name in ("ada", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    write_tree(folder, {"allowed": f"a@b {(folder / 'ada.pub').read_text()}"})
    write_tree(tmp_path, {"gitconfig": f'[gpg "ssh"]\n\tallowedSignersFile = {folder}/allowed\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    policy(monkeypatch, tmp_path, "signed_tags: true\n")
    return folder


def signed(repository: Repository, tag: str, key: Path) -> Repository:
    repository.git("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "tag", "--sign", "--message", tag, tag)
    return repository


def test_a_tag_signed_with_a_trusted_key_passes(
    agentpack: Agentpack, project: Path, keys: Path, tmp_path: Path
) -> None:
    kit = Repository(tmp_path / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    signed(kit, "v1.0.0", keys / "ada")
    agentpack("install", f"git+{kit.address}")
    shutil.rmtree(project / ".agentpack/state")
    shutil.rmtree(project / ".claude")
    agentpack("sync", "--locked")
    agentpack("install", "python-engineer")


def test_the_commit_of_a_signed_tag_passes_by_its_name_too(
    agentpack: Agentpack, project: Path, keys: Path, tmp_path: Path
) -> None:
    kit = Repository(tmp_path / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    signed(kit, "v1.0.0", keys / "ada")
    kit.git("tag", "a-tag-without-a-signature")
    agentpack("install", f"git+{kit.address}@{kit.head}")
    agentpack("install", f"git+{kit.address}@refs/tags/v1.0.0")
    kit.commit()
    told = agentpack("install", f"git+{kit.address}@{kit.head}", expect=5).err
    assert "its commit has no tag" in told


@pytest.mark.many
@pytest.mark.parametrize("how", ["eve", "annotated", "lightweight", "branch"])
def test_any_other_release_from_git_is_refused(
    agentpack: Agentpack, project: Path, keys: Path, tmp_path: Path, how: str
) -> None:
    kit = Repository(tmp_path / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    if how == "eve":
        signed(kit, "v1.0.0", keys / "eve")
    elif how == "annotated":
        kit.tag("v1.0.0")
    elif how == "lightweight":
        kit.git("tag", "v1.0.0")
    refused = agentpack("install", f"git+{kit.address}", expect=5)
    assert "signed_tags" in refused.err
    assert not (project / "agentpack.lock").exists()


def test_the_repository_has_no_say_in_who_is_trusted(agentpack: Agentpack, keys: Path, tmp_path: Path) -> None:
    kit = Repository(tmp_path / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    write_tree(keys, {"eves": f"a@b {(keys / 'eve.pub').read_text()}"})
    kit.git("config", "gpg.ssh.allowedSignersFile", str(keys / "eves"))
    signed(kit, "v1.0.0", keys / "eve")
    assert os.environ["GIT_CONFIG_GLOBAL"]
    agentpack("install", f"git+{kit.address}", expect=5)


def test_a_tag_that_is_too_young_is_passed_over_until_it_is_old_enough(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> str:
        return str(json.loads((project / "agentpack.lock").read_text())["packs"][0]["version"])

    kit = Repository(tmp_path / "kit")
    kit.day = "2020-01-01"
    kit.commit({"agents/one.md": agent_text("one", "Work.")}).tag("v1.0.0")
    kit.day = f"{datetime.now(UTC):%Y-%m-%d}"
    kit.commit({"agents/one.md": agent_text("one", "Work hard.")}).tag("v1.1.0")
    policy(monkeypatch, tmp_path, "minimum_age: 14\n")
    agentpack("install", f"git+{kit.address}")
    assert locked() == "1.0.0"
    agentpack("upgrade", "--yes")
    assert locked() == "1.0.0"
    agentpack("install", "kit<1.1")
    for words in (("upgrade", "--latest", "--yes"), ("upgrade", "--yes")):
        assert agentpack(*words).err == f"project {project}\nnothing to change\n"
    assert "require: kit<1.1\n" in (project / "agentpack.yaml").read_text()
    agentpack("install", "kit@latest")
    assert locked() == "1.0.0"
    policy(monkeypatch, tmp_path, "minimum_age: 0\n")
    kit.day = "2020-01-02"
    kit.commit({"agents/one.md": agent_text("one", "Work harder.")}).tag("v1.2.0")
    agentpack("upgrade", "--yes")
    assert locked() == "1.2.0"
