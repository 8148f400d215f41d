"""Packs and collections in archives at an address: what is installed, locked, cached, and refused."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from support.cases import case
from support.collection_files import agent_text
from support.packs import make_pack, persona_text
from support.running import Agentpack
from support.trees import write_tree
from support.web_server import WebServer, content, dripping_head, silent, status

from agentpack.input.archives import write_archive
from agentpack.model.web_addresses import archive_name, is_archive_address

KIT = write_archive(
    {f"agents/{name}.md": agent_text(name, f"You are {name}.").encode() for name in ("one", "two")}, prefix="kit-1.2"
)
DIGEST = sha256(KIT).hexdigest()
PACK = write_archive(make_pack(), prefix="data-reviewer-1.0.0")
AT = "/kit-1.2.tar.gz"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "0.5")


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({AT: content(KIT), "/pack.tgz": content(PACK)}) as server:
        yield server


def manifest(project: Path) -> str:
    return (project / "agentpack.yaml").read_text()


def is_installed(project: Path, name: str) -> bool:
    return (project / f".claude/agents/{name}.md").is_file()


def forget(project: Path) -> None:
    """Make it a fresh clone: only manifest and lock are left."""
    for path in sorted((project / ".claude").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    for path in sorted((project / ".agentpack").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def test_install_writes_the_digest_and_reads_the_archive_once(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    agentpack("install", server.url(AT))
    assert is_installed(project, "one")
    assert is_installed(project, "two")
    assert f'{{name: kit, archive: "{server.url(AT)}", sha256: {DIGEST}}}' in manifest(project)
    assert "require: kit" in manifest(project)
    agentpack("install", server.url(AT))
    agentpack("sync")
    assert server.asked == [AT]


def test_a_pack_in_an_archive_is_installed_by_its_name(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    agentpack("install", "data-reviewer", "--source", server.url("/pack.tgz"))
    assert is_installed(project, "reviewer")
    lock = json.loads((project / "agentpack.lock").read_text())
    assert [(row["name"], row["version"], row["source"]) for row in lock["packs"]] == [
        ("data-reviewer", "1.0.0", "pack")
    ]
    agentpack("show", server.url("/pack.tgz"))


def test_a_release_that_is_in_an_archive_twice_is_refused_with_both_folders(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    files = {f"{folder}/{path}": data for folder in ("new", "old") for path, data in make_pack().items()}
    (tmp_path / "all.tgz").write_bytes(write_archive(files, prefix="all"))
    err = agentpack("install", "data-reviewer", "--source", str(tmp_path / "all.tgz"), expect=5).err
    assert "data-reviewer 1.0.0 exists twice in " in err
    assert "  in new\n  in old\nhint: keep only one folder for each release\n" in err
    assert not is_installed(project, "reviewer")


def test_a_dry_run_writes_nothing_but_the_cache(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    ran = agentpack("install", server.url(AT), "--dry-run")
    assert ".claude/agents/one.md" in ran.out + ran.err
    assert not (project / "agentpack.yaml").exists()
    assert not is_installed(project, "one")


def test_a_fresh_clone_installs_the_same_online_and_from_the_cache_offline(
    agentpack: Agentpack, project: Path, server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", server.url(AT))
    before = {path.name: path.read_bytes() for path in (project / ".claude/agents").iterdir()}
    forget(project)
    agentpack("sync", "--frozen", "--offline")
    assert {path.name: path.read_bytes() for path in (project / ".claude/agents").iterdir()} == before
    assert server.asked == [AT]
    forget(project)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    said = agentpack("sync", "--frozen", "--offline", expect=6).err
    assert "`kit`" in said
    assert "--offline" in said
    assert not is_installed(project, "one")
    agentpack("sync", "--frozen")
    assert {path.name: path.read_bytes() for path in (project / ".claude/agents").iterdir()} == before
    assert server.asked == [AT, AT]


def test_what_is_installed_from_a_collection_needs_its_place_no_more(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    agentpack("install", server.url(AT))
    server.answers.clear()
    agentpack("cache", "prune", "--all")
    with (project / ".claude/agents/one.md").open("a") as file:
        file.write("Mine.\n")
    (project / ".claude/agents/two.md").unlink()
    for words, code in {
        "diff": 1,
        "status": 0,
        "explain one": 0,
        "sync": 0,
        "sync --frozen --discard-edits": 0,
        "uninstall kit": 0,
        "rollback": 0,
    }.items():
        with case(words):
            agentpack(*words.split(), expect=code)
    assert is_installed(project, "two")
    assert server.asked == [AT]
    assert "kit was not changed: the source `kit` cannot be read" in agentpack("upgrade").err


def test_another_address_and_digest_in_the_manifest_are_an_upgrade(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    def archives(number: int) -> dict[str, bytes]:
        agents = {"agents/one.md": agent_text("one", f"Work {number}.").encode()}
        persona = persona_text(body=f"You are number {number}. {{#identity}}\n")
        pack = make_pack(version=f"1.{number}.0", personas={"reviewer": persona})
        return {
            f"/kit-1.{number}.tgz": write_archive(agents, prefix="kit"),
            f"/crew-1.{number}.zip": write_archive(pack, prefix="crew"),
        }

    first, second = archives(1), archives(2)
    server.answers |= {path: content(data) for path, data in {**first, **second}.items()}
    for path in first:
        agentpack("install", server.url(path))
    text = manifest(project)
    for (old, was), (new, data) in zip(first.items(), second.items(), strict=True):
        assert old in text
        text = text.replace(old, new).replace(sha256(was).hexdigest(), sha256(data).hexdigest())
    for words in ("upgrade --yes", "sync"):
        agentpack("rollback", "2", expect=None)
        (project / "agentpack.yaml").write_text(text)
        agentpack(*words.split())
        assert "Work 2." in (project / ".claude/agents/one.md").read_text() or words == "sync"
        assert "number 2." in (project / ".claude/agents/reviewer.md").read_text()
    assert len(server.asked) == 4


def test_another_digest_at_the_same_address_is_a_reason_to_choose_anew(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    def archive(*versions: str) -> bytes:
        packs = {version: make_pack(version=version) for version in versions}
        files = {f"{version}/{path}": data for version, pack in packs.items() for path, data in pack.items()}
        return write_archive(files, prefix="data-reviewer")

    first, second = archive("1.0.0"), archive("1.0.0", "1.1.0")
    server.answers["/packs.tgz"] = content(first)
    agentpack("install", server.url("/packs.tgz"))
    server.answers["/packs.tgz"] = content(second)
    text = manifest(project).replace(sha256(first).hexdigest(), sha256(second).hexdigest())
    (project / "agentpack.yaml").write_text(text)
    assert "data-reviewer 1.0.0 -> 1.1.0\n" in agentpack("sync").err


def test_a_direct_reference_names_an_archive(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    agentpack("install", f"data-reviewer @ {server.url('/pack.tgz')}")
    assert is_installed(project, "reviewer")
    assert sha256(PACK).hexdigest() in manifest(project)


def test_a_policy_judges_an_archive_by_its_address(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    server.answers |= {"/good/kit.tgz": content(KIT), "/bad/kit.tgz": content(KIT)}
    policy = project / "policy.yaml"
    for key, entry, code in (
        ("allow", "/good/*", (0, 5)),
        ("allow", "/good/kit.tgz", (0, 5)),
        ("allow", "/*", (0, 0)),
        ("deny", "/bad/*", (0, 5)),
    ):
        policy.write_text(f"sources:\n  {key}: ['{server.url(entry)}']\n")
        for path, expected in zip(("/good/kit.tgz", "/bad/kit.tgz"), code, strict=True):
            with case((key, entry, path)), pytest.MonkeyPatch.context() as patch:
                patch.setenv("AGENTPACK_POLICY", str(policy))
                agentpack("install", server.url(path), "--dry-run", expect=expected)


def test_a_policy_does_not_know_when_an_archive_was_released(
    agentpack: Agentpack, project: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "policy.yaml").write_text("minimum_age: 14 days\n")
    monkeypatch.setenv("AGENTPACK_POLICY", str(project / "policy.yaml"))
    refused = agentpack("install", server.url(AT), expect=5)
    assert "its release date is unknown; 14 days must have passed" in refused.err


def test_status_waits_for_no_server(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    agentpack("install", "data-reviewer", "--source", server.url("/pack.tgz"))
    server.answers.clear()
    agentpack("cache", "prune", "--all")
    assert f"  source    pack ({server.url('/pack.tgz')})\n" in agentpack("status").out
    agentpack("diff")
    assert server.asked == ["/pack.tgz"]


def test_a_changed_archive_is_refused_and_nothing_is_written(
    agentpack: Agentpack, project: Path, server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", server.url(AT))
    forget(project)
    server.answers[AT] = content(PACK)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    said = agentpack("sync", "--frozen", expect=5).err
    assert DIGEST in said
    assert sha256(PACK).hexdigest() in said
    assert not is_installed(project, "one")


def test_a_digest_behind_the_address_is_held_against_it(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    agentpack("install", f"{server.url(AT)}#sha256={'0' * 64}", expect=5)
    assert not (project / "agentpack.yaml").exists()
    agentpack("install", f"{server.url(AT)}#sha256=none", expect=2)
    agentpack("install", f"{server.url(AT)}#sha256={DIGEST}")
    assert DIGEST in manifest(project)


def test_a_digest_behind_the_address_of_a_known_source_replaces_its_own(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    agentpack("install", server.url(AT))
    before = manifest(project)
    agentpack("install", f"{server.url(AT)}#sha256={'1' * 64}", expect=5)
    assert manifest(project) == before


def test_an_address_without_a_digest_is_refused_with_the_digest_to_write(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    entry = f'  - {{name: kit, archive: "{server.url(AT)}"'
    head = "schema: 1\npacks:\n  - {require: kit, source: kit}\nsources:\n"
    (project / "agentpack.yaml").write_text(f"{head}{entry}}}\n")
    said = agentpack("sync", expect=2).err
    assert "the source `kit` has no `sha256`" in said
    assert f"sha256: {DIGEST}" in said
    (project / "agentpack.yaml").write_text(f"{head}{entry}, sha256: {DIGEST}}}\n")
    agentpack("sync")
    assert is_installed(project, "one")
    (project / "agentpack.yaml").write_text(f"{head}{entry}, sha256: {DIGEST[:-1]}}}\n")
    assert "agentpack.yaml:5" in agentpack("sync", expect=2).err


def test_an_archive_on_this_machine_is_held_against_its_digest(agentpack: Agentpack, project: Path) -> None:
    (project / "kit.tgz").write_bytes(KIT)
    text = (
        "schema: 1\npacks:\n  - {require: kit, source: kit}\nsources:\n  - {name: kit, archive: kit.tgz, sha256: %s}\n"
    )
    (project / "agentpack.yaml").write_text(text % ("0" * 64))
    assert "is not the archive that was expected" in agentpack("sync", expect=5).err
    assert not is_installed(project, "one")
    (project / "agentpack.yaml").write_text(text % DIGEST)
    agentpack("sync")
    assert is_installed(project, "one")


def test_what_cannot_be_installed_leaves_nothing_behind(agentpack: Agentpack, project: Path, server: WebServer) -> None:
    server.answers |= {
        "/page.tar.gz": content(b"<html>not an archive</html>"),
        "/half.tar.gz": content(KIT[:-100]),
        "/locked.zip": status(401),
        "/large.tgz": content(b"", Content_Length=str(1 << 40)),
    }
    for path, code in (("/page.tar.gz", 5), ("/half.tar.gz", 5), ("/locked.zip", 6), ("/large.tgz", 5), ("/no.tgz", 6)):
        with case(path):
            said = agentpack("install", server.url(path), expect=code).err
            assert server.url(path) in said
            assert not (project / "agentpack.yaml").exists()
            assert not (project / ".claude").exists()
    agentpack("install", "http://example.com/kit.tgz", expect=2)
    agentpack("install", "https://ada:secret@example.com/kit.tgz", expect=2)
    agentpack("install", "https://example.com/kit", expect=2)
    agentpack("install", server.url("/other/kit.tgz"), "--offline", expect=6)


def test_a_server_that_keeps_a_command_waiting_does_not_keep_it_alive(
    agentpack: Agentpack, project: Path, server: WebServer
) -> None:
    """The thread that was left behind says nothing when the program ends."""
    server.answers |= {"/drip.tgz": dripping_head, "/silent.tgz": silent}
    for path, words in (("/drip.tgz", "too slow"), ("/silent.tgz", "no answer from localhost for 0.5 seconds")):
        with case(path):
            ran = agentpack("install", server.url(path), new=True, expect=6)
            assert words in ran.err
            assert "Traceback" not in ran.err
            assert "Exception" not in ran.err


def test_an_interrupt_ends_the_wait(project: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/silent.tgz"] = silent
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "60")
    with subprocess.Popen(
        [sys.executable, "-m", "agentpack", "install", server.url("/silent.tgz")],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while not server.asked:
            server.stopping.wait(0.01)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=20)[1]
    assert running.returncode == 130
    assert "Traceback" not in said
    assert not (project / "agentpack.yaml").exists()


def test_the_token_of_a_source_opens_it_and_is_written_nowhere(
    agentpack: Agentpack, project: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTPACK_TOKEN_KIT", "s3cr3t")
    monkeypatch.setenv("AGENTPACK_HOST_KIT", "localhost")
    agentpack("install", server.url(AT), "--verbose")
    assert server.requests[0].headers["Authorization"] == "Bearer s3cr3t"
    for path in project.parent.rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes()


def test_an_address_that_a_policy_refuses_is_not_asked(
    agentpack: Agentpack, project: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(project.parent, {"policy.yaml": f"schema: 1\nsources: {{deny: ['{server.url('')}/*']}}\n"})
    monkeypatch.setenv("AGENTPACK_POLICY", str(project.parent / "policy.yaml"))
    refused = agentpack("install", server.url(AT), expect=5)
    assert "error: the source `kit` is refused by `sources.deny`" in refused.err
    assert f"it is at {server.url(AT)}" in refused.err
    assert server.asked == []
    write_tree(project, {"agentpack.yaml": f"schema: 1\nsources: [{{name: kit, git: '{server.url('/kit')}'}}]\n"})
    assert "searched without it" in agentpack("install", "python-engineer").err
    assert server.asked == []


def test_an_archive_is_named_after_what_it_is_of() -> None:
    for place, name in {
        "/home/ada/kit-1.2.tar.gz": "kit",
        "kit.tgz": "kit",
        "/packs/1.0.0.zip": "packs",
        "https://example.com/kit-1.2.tar.gz": "kit",
        "https://example.com/kit-v2.zip?x=/y.tgz": "kit",
        "https://example.com/kit_1.0rc1.tgz#sha256=0": "kit",
        "https://github.com/acme/agents/archive/refs/tags/v1.2.0.tar.gz": "agents",
        "https://github.com/acme/agents/archive/refs/heads/main.zip": "agents",
        f"https://github.com/acme/agents/archive/{'ab' * 20}.zip": "agents",
        "https://github.com/acme/agents/releases/download/v1.2.0/kit.tar.gz": "kit",
        "https://example.com/1.0.tgz": "packs",
    }.items():
        with case(place):
            assert archive_name(place) == name
            assert is_archive_address(place) == place.startswith("https:")
