"""Repositories behind a web server: real git on both sides, with and without a password, and servers that misbehave."""

import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.git_server import PASSWORD, USER, GitServer, git_server
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree
from support.web_server import WebServer, content, make_certificate, redirect

from agentpack.remote.credentials import git_login


@pytest.fixture
def kit(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "far/kit").commit({"agents/one.md": agent_text("one", "Work.")}).tag("v1.0.0")


@pytest.fixture
def server(kit: Repository) -> Iterator[GitServer]:
    with git_server(kit.folder.parent) as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "1")


def place(server: GitServer) -> str:
    return f"git+{server.address}/kit"


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> None:
    """A credential helper of the user's, in the user's own configuration of git."""
    program = write_tree(folder, {"helper": f"#!/bin/sh\necho username={USER}\necho password={password}\n"}) / "helper"
    program.chmod(0o755)
    write_tree(folder, {"gitconfig": f'[credential]\n\thelper = "!{program}"\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))


def test_it_gives_what_a_folder_gives(
    agentpack: Agentpack, project: Path, kit: Repository, server: GitServer, tmp_path: Path
) -> None:
    near = Path(shutil.copytree(project, tmp_path / "near"))
    agentpack("install", place(server))
    agentpack("install", f"git+{kit.address}", cwd=near)
    assert tree(project / ".claude") == tree(near / ".claude")
    locks = [(folder / "agentpack.lock").read_text() for folder in (project, near)]
    assert locks[0].replace(f"{server.address}/kit", kit.address) == locks[1]


def test_a_private_repository_is_read_with_gits_own_credentials(
    agentpack: Agentpack, project: Path, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.needs_password = True
    helper(tmp_path, monkeypatch)
    ran = agentpack("install", place(server), "--verbose")
    assert (project / ".claude/agents/one.md").exists()
    found = [*tree(project, without=()).values(), *tree(Path(os.environ["XDG_CACHE_HOME"]), without=()).values()]
    assert not any(PASSWORD.encode() in data for data in found)
    assert PASSWORD not in ran.out + ran.err


@pytest.mark.parametrize("token", [True, False])
def test_variables_for_a_source_open_its_repository_and_no_other(
    agentpack: Agentpack,
    project: Path,
    kit: Repository,
    server: GitServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    token: bool,
) -> None:
    server.needs_password = True
    monkeypatch.setenv("AGENTPACK_USERNAME_KIT", USER)
    monkeypatch.setenv(f"AGENTPACK_{'TOKEN' if token else 'PASSWORD'}_KIT", PASSWORD)
    helper(tmp_path, monkeypatch, "of-the-user")
    refused = agentpack("install", place(server), expect=6)  # nobody has said whose password it is
    assert "For https, set AGENTPACK_TOKEN_KIT and AGENTPACK_HOST_KIT=127.0.0.1\n" in refused.err
    monkeypatch.setenv("AGENTPACK_HOST_KIT", "127.0.0.1")
    ran = agentpack("install", place(server), "--verbose")
    assert (project / ".claude/agents/one.md").exists()
    found = [*tree(project, without=()).values(), *tree(Path(os.environ["XDG_CACHE_HOME"]), without=()).values()]
    assert not any(PASSWORD.encode() in data for data in found)
    assert PASSWORD not in ran.out + ran.err
    with git_server(kit.folder.parent) as other:
        other.needs_password = True
        server.mischief = other.address
        assert "kit was not changed" in agentpack("lock", "--upgrade").err
        assert other.seen
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        assert not any(right in (told or "") for _, told in other.seen)


@pytest.mark.parametrize(("known", "first"), [({}, 0), ({"GIT_CONFIG_COUNT": "2"}, 2), ({"GIT_CONFIG_COUNT": "x"}, 0)])
def test_a_password_alone_is_put_behind_the_settings_that_are_there(known: dict[str, str], first: int) -> None:
    variables = {"AGENTPACK_HOST_KIT": "git.example.com", "AGENTPACK_PASSWORD_KIT": PASSWORD, **known}
    found = git_login("kit", "https", "git.example.com:8443", variables)
    assert found["GIT_CONFIG_COUNT"] == str(first + 2)
    for number in (first, first + 1):
        assert found[f"GIT_CONFIG_KEY_{number}"] == "credential.https://git.example.com:8443.helper"
    assert (found["AGENTPACK_USER"], found["AGENTPACK_SECRET"]) == ("", PASSWORD)
    assert found[f"GIT_CONFIG_VALUE_{first}"] == ""
    assert PASSWORD not in found[f"GIT_CONFIG_VALUE_{first + 1}"]
    assert git_login("kit", "https", "example.com", variables) == {}


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_credentials_it_is_told_and_nobody_is_asked(
    agentpack: Agentpack,
    project: Path,
    server: GitServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str | None,
) -> None:
    server.needs_password = True
    if password:
        helper(tmp_path, monkeypatch, password)
    refused = agentpack("install", place(server), expect=6)
    assert "requires credentials" in refused.err
    assert "a credential helper keeps them" in refused.err
    assert not (project / "agentpack.yaml").exists()


@pytest.mark.many
@pytest.mark.parametrize(
    ("mischief", "words"),
    [
        ("hang", "does not answer in time"),
        ("drip", "does not answer in time"),
        ("truncate", "cannot be reached"),
        ("loop", "cannot be reached"),
        ("403", "requires credentials"),
        ("404", "is not a repository, or you have no access to it"),
        ("429", "fails or is overloaded"),
        ("503", "fails or is overloaded"),
    ],
)
def test_a_server_that_misbehaves_ends_in_a_sentence(
    agentpack: Agentpack, project: Path, server: GitServer, mischief: str, words: str
) -> None:
    before = tree(project)
    server.mischief = mischief
    refused = agentpack("install", place(server), expect=6)
    assert words in refused.err
    assert server.address in refused.err
    assert tree(project) == before


@pytest.mark.parametrize("how", ["files", "sha256"])
def test_what_agentpack_does_not_read_is_told(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, how: str
) -> None:
    if how == "files":
        kit.git("update-server-info")
        files = {f"/kit/{path}": content(data) for path, data in tree(kit.folder / ".git", without=()).items()}
        with WebServer(files) as served:
            told = agentpack("install", f"git+{served.url('/kit')}", expect=6).err
        assert "is on a web server that only serves files (dumb HTTP), which is not supported" in told
    else:
        folder = write_tree(tmp_path / "far/other", {"agents/one.md": agent_text("one", "Work.")})
        for words in (
            ("init", "--quiet", "--object-format=sha256"),
            ("add", "."),
            ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--message", "one"),
        ):
            subprocess.run(["git", *words], cwd=folder, check=True)
        with git_server(folder.parent) as server:
            told = agentpack("install", f"git+{server.address}/other", expect=6).err
        assert "has SHA-256 object names, which are not supported" in told
        assert "SHA-256" in agentpack("install", f"git+file://{folder}", expect=6).err
    assert not (project / "agentpack.yaml").exists()


def test_credentials_go_to_no_other_server(
    agentpack: Agentpack, kit: Repository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = write_tree(
        tmp_path, {"helper": "#!/bin/sh\ngrep -q host=127.0.0.1:$PORT && printf 'username=u\\npassword=p\\n'\n"}
    )
    (program / "helper").chmod(0o755)
    write_tree(
        tmp_path, {"gitconfig": f'[credential]\n\thelper = "!PORT={server.server_address[1]} {program}/helper"\n'}
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with git_server(kit.folder.parent) as other:
        other.needs_password = True
        server.mischief = other.address
        agentpack("install", place(server), expect=6)
        assert other.seen
        assert [told for _, told in other.seen if told] == []


def test_https_never_leads_to_http(
    agentpack: Agentpack, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    for name in ("GIT_ALLOW_PROTOCOL", "GIT_PROTOCOL_FROM_USER"):  # nor as a shell of the user's has it
        monkeypatch.setenv(name, "http:https" if name == "GIT_ALLOW_PROTOCOL" else "1")
    asked, refs = "/kit/info/refs", "/kit/info/refs?service=git-upload-pack"
    with WebServer({asked: redirect(server.address + refs)}, certificate=certificate) as safe:
        refused = agentpack("install", f"git+{safe.url('/kit')}", expect=6)
    assert "redirects to an unencrypted address" in refused.err
    assert safe.asked == [asked] or safe.asked == [refs]
    assert server.seen == []


def test_http_and_https_lead_to_https(
    agentpack: Agentpack, project: Path, kit: Repository, server: GitServer, tmp_path: Path
) -> None:
    with git_server(kit.folder.parent) as other:
        server.mischief = other.address
        agentpack("install", place(server))
    assert (project / ".claude/agents/one.md").exists()


def test_what_to_do_with_an_edit_is_found_out_without_a_request(
    agentpack: Agentpack, project: Path, server: GitServer, tmp_path: Path
) -> None:
    agentpack("install", place(server))
    agent = project / ".claude/agents/one.md"
    agent.write_text(agent.read_text() + "\n## Ours\n\n- Say it.\n")
    server.seen.clear()
    assert "agentpack keep kit " in agentpack().err
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    clone = Path(shutil.copytree(project, tmp_path / "clone", ignore=shutil.ignore_patterns("state")))
    assert "agentpack keep" not in agentpack(cwd=clone).err
    assert server.seen == []


def test_a_server_that_breaks_off_leaves_the_project_as_it_was(
    agentpack: Agentpack, project: Path, kit: Repository, server: GitServer
) -> None:
    agentpack("install", place(server))
    before = tree(project)
    kit.commit({"agents/one.md": agent_text("one", "Work harder.")}).tag("v1.1.0")
    server.mischief = "truncate"
    told = agentpack("upgrade").err
    assert "note: kit was not changed: the source `kit` at" in told
    agentpack("upgrade", "kit", expect=6)
    assert tree(project) == before
    server.mischief = ""
    agentpack("upgrade", "--yes")
    assert "Work harder." in (project / ".claude/agents/one.md").read_text()


def running(mark: str) -> list[str]:
    """The programs that have a mark among their variables."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.many
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux tells which programs run")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_git_ends_with_the_command_that_started_it(
    project: Path, server: GitServer, tmp_path: Path, number: signal.Signals
) -> None:
    server.mischief = "hang"
    mark = f"MARK={tmp_path}"
    command = [sys.executable, "-m", "agentpack", "install", place(server)]
    variables = {**os.environ, "MARK": str(tmp_path), "AGENTPACK_TIMEOUT": "60"}
    with subprocess.Popen(command, cwd=project, env=variables, stderr=subprocess.PIPE) as started:
        while not server.seen:
            time.sleep(0.01)
        assert any("git" in one for one in running(mark))
        started.send_signal(number)
        said = (started.communicate()[1] or b"").decode()
    assert started.returncode in (-number, 128 + number)
    assert "Traceback" not in said
    for _ in range(100):
        if not (left := running(mark)):
            break
        time.sleep(0.02)
    assert left == []
    assert not (project / "agentpack.yaml").exists()


def test_a_place_that_is_looked_at_has_the_name_that_it_would_get(
    agentpack: Agentpack, project: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the variables of a source are the same before and after it is installed."""
    server.needs_password = True
    assert (
        "For https, set AGENTPACK_TOKEN_KIT and AGENTPACK_HOST_KIT=127.0.0.1\n"
        in agentpack("show", place(server), expect=6).err
    )
    monkeypatch.setenv("AGENTPACK_HOST_KIT", "127.0.0.1")
    monkeypatch.setenv("AGENTPACK_USERNAME_KIT", USER)
    monkeypatch.setenv("AGENTPACK_PASSWORD_KIT", PASSWORD)
    assert "kit 1.0.0" in agentpack("show", place(server)).out
    agentpack("install", place(server))
    manifest = (project / "agentpack.yaml").read_text()
    write_tree(project, {"agentpack.yaml": manifest.replace("kit", "ours", 1).replace("source: kit", "source: ours")})
    assert "AGENTPACK_TOKEN_OURS" in agentpack("show", place(server), expect=6).err


def test_an_empty_repository_is_called_so(agentpack: Agentpack, tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    assert "is empty: it has no branches and no tags" in agentpack("install", f"git+{empty.address}", expect=4).err
