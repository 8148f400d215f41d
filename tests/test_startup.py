"""What a command loads, and that the ways past the command-line library answer as the library does.

Nothing here takes time: budgets are ratios, measured by `benchmarks/`. Modules loaded do not flicker.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.crashing_disk import killed_at
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack, Ran
from support.web_server import WebServer, content

import agentpack as package
from agentpack import fast
from agentpack.cli import quick_args
from agentpack.environment import platform_folder
from agentpack.input.archives import write_archive
from agentpack.model.json_text import MAX_VALUES
from agentpack.model.names import digest_of

HEAVY = frozenset(
    "typer rich pydantic pydantic_core yaml httpx2 resolvelib markdown_it dataclasses inspect packaging".split()
)
UNVALIDATED = frozenset(
    (
        "pydantic pydantic_core yaml agentpack.input.schemas agentpack.input.hidden_in_files "
        "agentpack.input.unicode_table agentpack.model.markdown"
    ).split()
)
_START = "import sys; sys.path[:0] = sys.argv.pop(1).split(':'); from agentpack.__main__ import main; main()"


@pytest.fixture
def agentpack(project: Path, unshipped: None) -> Agentpack:
    """The full program: what the ways past it are held against."""
    return Agentpack(project, full=True)


def loaded(folder: Path, *arguments: str, expect: int = 0) -> set[str]:
    """The modules that the real program loads, as the interpreter itself tells.

    Without `site`, so that what an environment loads into every process is not taken for ours.
    """
    places = f"{Path(package.__file__).parents[1]}:{sysconfig.get_paths()['purelib']}"
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", _START, places, *arguments]
    done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    rows = (line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {row[2].strip() for row in rows}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name in HEAVY or name.split(".")[0] in HEAVY}


# What is loaded.


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["diff"], ["sync", "--check"]])
def test_a_hot_command_loads_no_library(agentpack: Agentpack, arguments: list[str]) -> None:
    agentpack("install", "python-engineer")
    modules = loaded(agentpack.folder, *arguments)
    assert "agentpack.fast" in modules
    assert heavy(modules) == set()
    assert not {name for name in modules if name.startswith(("agentpack.cli", "agentpack.commands"))}


def test_completing_a_name_loads_no_library(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    agentpack("install", "python-engineer")
    for name, value in typed("complete_bash", "python").items():
        monkeypatch.setenv(name, value)
    assert heavy(loaded(agentpack.folder)) == set()


def test_installing_what_was_validated_before_loads_neither_yaml_nor_pydantic(
    agentpack: Agentpack, tmp_path: Path
) -> None:
    agentpack("install", "python-engineer")
    other = tmp_path / "other"
    (other / ".git").mkdir(parents=True)
    modules = loaded(other, "install", "python-engineer")
    assert modules & UNVALIDATED == set()
    assert "typer" not in modules
    assert (other / ".claude/agents/python-engineer.md").is_file()


@pytest.mark.parametrize("arguments", [["./agents"], ["data-reviewer", "--source", "./packs"]])
def test_installing_from_a_place_that_was_never_read_loads_no_library(project: Path, arguments: list[str]) -> None:
    (project / "agents").mkdir()
    (project / "agents/reader.md").write_text("---\nname: reader\ndescription: Reads.\n---\nYou read.\n")
    publish(project / "packs", make_pack())
    modules = loaded(project, "install", *arguments)
    assert modules & {"typer", "yaml", "pydantic", "tomllib", "agentpack.authoring"} == set()
    assert ("agentpack.model.markdown" in modules) == ("--source" in arguments)  # an agent's text is not parsed


@pytest.mark.many
@pytest.mark.parametrize("arguments", [["install", "python-engineer"], ["sync"], ["upgrade"], ["lock"]])
def test_a_manifest_that_agentpack_wrote_is_not_validated_again(agentpack: Agentpack, arguments: list[str]) -> None:
    agentpack("install", "python-engineer")
    assert loaded(agentpack.folder, *arguments) & UNVALIDATED == set()


def test_a_manifest_that_agentpack_edited_is_not_validated_again(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer")
    agentpack("install", "python-engineer[strict-typing]")
    assert loaded(agentpack.folder, "sync") & UNVALIDATED == set()


def test_help_of_a_verb_loads_no_operation(agentpack: Agentpack) -> None:
    modules = loaded(agentpack.folder, "install", "--help")
    assert not {name for name in modules if name.startswith(("agentpack.commands", "pydantic", "rich"))}


NETWORK = frozenset("httpx2 httpcore2 h11 ssl _ssl socket _socket http netrc".split())


@pytest.mark.many
@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["diff"],
        ["status"],
        ["sync", "--frozen"],
        ["install", "python-engineer"],
        ["upgrade"],
        ["cache", "list"],
    ],
)
def test_a_command_without_a_source_elsewhere_loads_nothing_of_a_network(
    agentpack: Agentpack, arguments: list[str]
) -> None:
    agentpack("install", "python-engineer")
    modules = loaded(agentpack.folder, *arguments)
    assert not {name for name in modules if name.partition(".")[0] in NETWORK or name.startswith("agentpack.remote.")}


@pytest.mark.many
@pytest.mark.parametrize("arguments", [["install", "python-engineer"], ["upgrade"], ["sync"]])
def test_a_command_without_a_place_loads_nothing_that_reads_one(agentpack: Agentpack, arguments: list[str]) -> None:
    agentpack("install", "python-engineer")
    of_places = {f"agentpack.{name}" for name in ("model.git_places", "model.web_addresses", "sources.collection")}
    assert not of_places & loaded(agentpack.folder, *arguments)


def test_an_archive_that_is_in_the_cache_is_read_without_a_network(agentpack: Agentpack) -> None:
    with WebServer({"/kit.tgz": content(write_archive(make_pack(), prefix="kit"))}) as server:
        agentpack("install", server.url("/kit.tgz"))
    for arguments in (["sync", "--frozen"], ["sync", "--locked"], ["sync"], ["status"], ["diff"]):
        modules = loaded(agentpack.folder, *arguments)
        assert not {name for name in modules if name.partition(".")[0] in NETWORK}


# A clean check.


def nothing(project: Path) -> None:
    pass


def edit(project: Path) -> None:
    with open(project / ".claude/agents/python-engineer.md", "a", encoding="utf-8") as file:
        file.write("- Mine.\n")


def delete(project: Path) -> None:
    (project / ".claude/agents/python-engineer.md").unlink()


def link(project: Path) -> None:
    place = project / ".claude/agents/python-engineer.md"
    place.rename(project / "elsewhere.md")
    place.symlink_to(project / "elsewhere.md")


def change_manifest(project: Path) -> None:
    with open(project / "agentpack.yaml", "a", encoding="utf-8") as file:
        file.write("# a remark\n")


def ask_for_another(project: Path) -> None:
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("python-engineer", "python-engineer==1.0.0"))


def break_manifest(project: Path) -> None:
    (project / "agentpack.yaml").write_text("packs: [")


def drop_lock(project: Path) -> None:
    (project / "agentpack.lock").unlink()


def drop_manifest(project: Path) -> None:
    (project / "agentpack.yaml").unlink()


def clone(project: Path) -> None:
    shutil.rmtree(project / ".agentpack")


def damage_record(project: Path) -> None:
    (project / ".agentpack/state/generations/000001.json").write_text("{")


def take_a_record_of_tomorrow(project: Path) -> None:
    """What a newer agentpack writes may have other meanings."""
    place = project / ".agentpack/state/generations/000001.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"schema": 2}))


def declare_badly(project: Path) -> None:
    """A client that nothing is locked for, in a file that does not read."""
    folder = project / ".agentpack/clients"
    folder.mkdir()
    (folder / "house.yaml").write_text("title: [")


def damage_pointer(project: Path) -> None:
    (project / ".agentpack/state/current").write_text("many\n")


def add_local_variant(project: Path) -> None:
    folder = project / ".agentpack/variants/python-engineer"
    folder.mkdir(parents=True)
    (folder / "house.md").write_text("---\nsummary: Ours.\n---\n\n## Ours {#ours}\n\n- Be kind. {#kind}\n")


def take_all_out(project: Path) -> None:
    Agentpack(project)("uninstall", "python-engineer")


def leave_notes(project: Path) -> None:
    """What a change leaves that was stopped before it was decided."""
    (project / ".agentpack/state/journal.new").write_bytes(b"")


def merge_an_edit(project: Path) -> None:
    """After an upgrade with a merge the file is as the last generation wrote it, and not as locked."""
    agentpack = Agentpack(project)
    agentpack("install", "python-engineer==1.1.0", "--accept", "every-tool")
    edit(project)
    agentpack("install", "python-engineer==2.0.0")
    assert "- Mine." in (project / ".claude/agents/python-engineer.md").read_text()


def lock_more(project: Path) -> None:
    """What is locked is not written: a manifest that asks for more, and `lock`."""
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("- python-engineer", "- python-engineer\n  - python-reviewer"))
    Agentpack(project)("lock")


def leave_a_conflict(project: Path) -> None:
    (project / ".claude/agents/python-reviewer.md").write_text("somebody else's\n")
    Agentpack(project)("install", "python-reviewer", "--partial", expect=3)


def lose_a_row(project: Path) -> None:
    """A record that does not tell of a file that is locked, and the file is not there."""
    Agentpack(project)("install", "python-reviewer")
    place = project / ".agentpack/state/generations/000002.json"
    record = json.loads(place.read_text())
    record["files"] = [row for row in record["files"] if "engineer" not in row[0]]
    place.write_text(json.dumps(record))
    delete(project)


CHECKS = [["diff"], ["sync", "--check"], ["sync", "--locked"], ["sync", "--frozen"]]
SITUATIONS: Sequence[Callable[[Path], None]] = (
    nothing,
    edit,
    delete,
    link,
    change_manifest,
    ask_for_another,
    break_manifest,
    drop_lock,
    drop_manifest,
    clone,
    damage_record,
    damage_pointer,
    take_a_record_of_tomorrow,
    declare_badly,
    add_local_variant,
    take_all_out,
    leave_notes,
    merge_an_edit,
    lock_more,
    leave_a_conflict,
    lose_a_row,
)


def quickly(arguments: Sequence[str], folder: Path) -> Ran | None:
    """What the hot path says; None when it hands over."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = fast.answer(arguments)
    if code is None:
        assert (out.getvalue(), err.getvalue()) == ("", ""), "it handed over after it had spoken"
        return None
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.mark.campaign
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("arguments", CHECKS)
def test_a_check_is_answered_as_the_full_program_does(
    agentpack: Agentpack, arguments: list[str], situation: Callable[[Path], None]
) -> None:
    agentpack("install", "python-engineer")
    situation(agentpack.folder)
    found = quickly(arguments, agentpack.folder)
    assert (found is not None) == (situation is nothing)
    if found is not None:
        assert found == agentpack(*arguments, expect=None)


def damage_id(project: Path) -> None:
    (project / ".agentpack/state/id").write_bytes(b"\xff\n")


def point_the_id_elsewhere(project: Path) -> None:
    (project / ".agentpack/state/id").write_text("../projects\n")


def open_the_state_to_others(project: Path) -> None:
    (project / ".agentpack/state").chmod(0o777)


def link_the_state(project: Path) -> None:
    state = project / ".agentpack/state"
    state.symlink_to(state.rename(project / "elsewhere"))


def link_a_folder(project: Path) -> None:
    folder = project / ".claude"
    folder.symlink_to(folder.rename(project / "elsewhere"))


def link_one_of_several_folders(project: Path) -> None:
    folder = project / ".claude/skills"
    folder.symlink_to(folder.rename(project / "elsewhere"))


def link_the_manifest(project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.symlink_to(manifest.rename(project / "elsewhere.yaml"))


def put_a_pipe(project: Path) -> None:
    """Opening it would wait for somebody to write."""
    manifest = project / "agentpack.yaml"
    manifest.unlink()
    os.mkfifo(manifest)


def leave_a_decision(project: Path) -> None:
    (project / ".agentpack/state/journal").write_bytes(b"")


def lead_a_variable_elsewhere(project: Path) -> None:
    """The record tells of a folder that a variable named then."""
    place = project / ".agentpack/state/generations/000001.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"roots": {"$CODEX_HOME": "/somewhere"}}))


@pytest.mark.many
@pytest.mark.parametrize(
    "situation",
    [
        damage_id,
        point_the_id_elsewhere,
        open_the_state_to_others,
        link_the_state,
        link_a_folder,
        link_one_of_several_folders,
        link_the_manifest,
        put_a_pipe,
        leave_a_decision,
        lead_a_variable_elsewhere,
    ],
)
def test_a_check_of_a_state_to_look_closer_at_is_left_to_the_full_program(
    agentpack: Agentpack, situation: Callable[[Path], None]
) -> None:
    agentpack("install", "python-engineer")
    assert quickly(["diff"], agentpack.folder) is not None
    situation(agentpack.folder)
    assert quickly(["diff"], agentpack.folder) is None


@pytest.mark.parametrize(
    ("name", "plain"), [("a b-c_1.2", True), ("#a#", True), ("a##b", False), ("ä", False), ("a\tb", False)]
)
def test_a_folder_whose_name_is_shown_escaped_is_left_to_the_full_program(
    tmp_path: Path, unshipped: None, name: str, plain: bool
) -> None:
    """Also one whose name says something to a workflow of GitHub."""
    (tmp_path / name / ".git").mkdir(parents=True)
    agentpack = Agentpack(tmp_path / name, full=True)
    agentpack("install", "python-engineer")
    found = quickly(["diff"], agentpack.folder)
    assert (found is not None) == plain
    assert found in (None, agentpack("diff"))


def test_a_local_variant_of_one_of_two_packs_whose_folder_is_gone_is_left_to_the_full_program(
    agentpack: Agentpack,
) -> None:
    agentpack("install", "python-engineer", "python-reviewer")
    add_local_variant(agentpack.folder)
    agentpack("install", "python-engineer[house]")
    shutil.rmtree(agentpack.folder / ".agentpack/variants")
    for arguments in CHECKS:
        assert quickly(arguments, agentpack.folder) is None


def test_a_client_that_was_declared_and_whose_file_is_gone_is_left_to_the_full_program(agentpack: Agentpack) -> None:
    folder = agentpack.folder / ".agentpack/clients"
    folder.mkdir(parents=True)
    (folder / "house.yaml").write_text("schema: 1\nproject: .house/agents\n")
    agentpack("install", "python-engineer", "--client", "house,claude")
    shutil.rmtree(folder)
    for arguments in CHECKS:
        assert quickly(arguments, agentpack.folder) is None


def test_a_folder_that_a_variable_named_long_ago_is_no_doubt(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer")
    place = agentpack.folder / ".agentpack/state/generations/000001.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"roots": {"$CODEX_HOME@3fa2c1d0": "/somewhere"}}))
    assert quickly(["diff"], agentpack.folder) == agentpack("diff")


def test_the_bytes_of_a_release_from_a_folder_are_compared_though_they_were_those_of_a_bundled_one(
    agentpack: Agentpack, tmp_path: Path
) -> None:
    pack = shutil.copytree(
        Path(__file__).parents[1] / "packs/python-engineer/1.0.0", tmp_path / "packs/python-engineer/1.0.0"
    )
    agentpack("install", "python-engineer", "--source", str(tmp_path / "packs"))
    with open(pack / "pack.yaml", "a", encoding="utf-8") as file:
        file.write("# a remark\n")
    for option in ("--locked", "--frozen"):
        assert quickly(["sync", option], agentpack.folder) is None
        agentpack("sync", option, expect=5)
    for arguments in (["diff"], ["sync", "--check"]):
        assert quickly(arguments, agentpack.folder) is not None


def test_a_bundled_release_that_was_locked_with_other_bytes_is_left_to_the_full_program(agentpack: Agentpack) -> None:
    """As after a change of agentpack itself."""
    agentpack("install", "python-engineer")
    lock, record = (agentpack.folder / name for name in ("agentpack.lock", ".agentpack/state/generations/000001.json"))
    before = lock.read_text()
    digest = json.loads(before)["packs"][0]["digest"]
    after = before.replace(digest, digest_of(b"other bytes"))
    lock.write_text(after)
    record.write_text(record.read_text().replace(digest_of(before.encode()), digest_of(after.encode())))
    for option in ("--locked", "--frozen"):
        assert quickly(["sync", option], agentpack.folder) is None
        agentpack("sync", option, expect=5)


def test_a_collection_of_agents_is_locked_by_its_content_alone(agentpack: Agentpack) -> None:
    (agentpack.folder / "agents").mkdir()
    (agentpack.folder / "agents/reader.md").write_text("---\nname: reader\ndescription: Reads.\n---\nYou read.\n")
    agentpack("install", "./agents")
    for arguments in CHECKS:
        found = quickly(arguments, agentpack.folder)
        assert found is not None
        assert found == agentpack(*arguments)


def set_policy() -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "agentpack"
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text("licenses: {allow: [MIT]}\n")


def say_policy(project: Path) -> None:
    """A policy in a manifest that the last generation knows."""
    with open(project / "agentpack.yaml", "a", encoding="utf-8") as file:
        file.write('"\\x70olicy": {licenses: {allow: [MIT]}}\n')


@pytest.mark.parametrize("whose", ["user", "organisation", "project"])
def test_a_check_is_left_to_the_full_program_where_there_is_a_policy(
    agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    agentpack("install", "python-engineer")
    if whose == "user":
        set_policy()
    elif whose == "organisation":
        monkeypatch.setenv("AGENTPACK_POLICY", "anything")
    else:
        say_policy(agentpack.folder)
        agentpack("install", "python-engineer[strict-typing]")
    for option in ("--check", "--locked", "--frozen"):
        assert quickly(["sync", option], agentpack.folder) is None
    assert quickly(["diff"], agentpack.folder) == agentpack("diff")


@pytest.mark.parametrize("whose", ["user", "project"])
def test_a_policy_is_taken_from_its_own_text_and_never_from_the_cache(agentpack: Agentpack, whose: str) -> None:
    agentpack("install", "python-engineer")
    if whose == "user":
        set_policy()
    else:
        say_policy(agentpack.folder)
    for _ in range(2):
        assert {"agentpack.wanted.policy_check", "yaml", "pydantic"} <= loaded(agentpack.folder, "sync")


def test_without_a_policy_nothing_of_it_is_loaded(agentpack: Agentpack, tmp_path: Path) -> None:
    agentpack("install", "python-engineer")
    (tmp_path / "other/.git").mkdir(parents=True)
    modules = loaded(tmp_path / "other", "install", "python-engineer")
    of_policies = {"agentpack.policy.policy", "agentpack.wanted.policy_check", "agentpack.policy.evaluate"}
    assert not modules & {*of_policies, "packaging.licenses", "calendar"}


@pytest.mark.parametrize("arguments", CHECKS)
def test_a_scope_without_anything_is_left_to_the_full_program(agentpack: Agentpack, arguments: list[str]) -> None:
    assert quickly(arguments, agentpack.folder) is None


def test_a_check_from_a_folder_below_and_in_the_home_scope_is_the_same(agentpack: Agentpack, tmp_path: Path) -> None:
    agentpack("install", "python-engineer")
    below = agentpack.folder / "src/deep"
    below.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    agentpack("install", "python-engineer", cwd=outside)
    for folder in (below, outside):
        assert quickly(["diff"], folder) == agentpack("diff", cwd=folder)


@pytest.mark.parametrize("arguments", [["--version"], ["-V"]])
def test_the_version_is_told_alike(agentpack: Agentpack, arguments: list[str]) -> None:
    told = quickly(arguments, agentpack.folder)
    assert told == agentpack(*arguments)
    assert told is not None
    assert "://" not in told.out  # no address that nobody checked


def test_a_record_of_too_many_values_is_left_to_the_full_program(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    record = project / ".agentpack/state/generations/000001.json"
    many = ",".join(["0"] * (MAX_VALUES + 1))
    record.write_text(record.read_text().replace("{", f'{{"more": [{many}], ', 1))
    assert quickly(("diff",), project) is None
    assert "000001.json` is damaged\n  more than 1,000,000 values" in agentpack("diff", expect=5).err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that takes nothing")
@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [("--version", "full", None), ("--version", "gone", 0), ("diff", "full", 0), ("diff", "gone", 0)],
)
def test_data_that_nobody_takes_is_left_to_the_full_program_and_words_are_not(
    agentpack: Agentpack, words: str, closed: str, code: int | None
) -> None:
    agentpack("install", "python-engineer")
    reader, descriptor = os.pipe()
    os.close(reader)
    if closed == "full":
        os.close(descriptor)
        descriptor = os.open("/dev/full", os.O_WRONLY)
    stream = io.TextIOWrapper(io.FileIO(descriptor, "w"), write_through=True)
    redirected = contextlib.redirect_stdout if words == "--version" else contextlib.redirect_stderr
    with contextlib.chdir(agentpack.folder), redirected(stream):
        assert fast.answer([words]) == code
    with contextlib.suppress(OSError):
        stream.close()


def test_the_real_program_ends_with_what_it_said_written_out(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer", new=True)
    assert agentpack("diff", new=True) == agentpack("diff")
    assert agentpack("lock", "--json", new=True).envelope["status"] == "ok"


@pytest.mark.parametrize(("words", "stream"), [("--version", "stdout"), ("diff", "stderr")])
def test_the_real_program_ends_in_silence_where_nobody_reads(agentpack: Agentpack, words: str, stream: str) -> None:
    agentpack("install", "python-engineer")
    reader, writer = os.pipe()
    os.close(reader)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    command = [sys.executable, "-m", "agentpack", words]
    done = subprocess.run(command, cwd=agentpack.folder, check=False, **pipes)
    os.close(writer)
    assert (done.returncode, done.stdout or b"", done.stderr or b"") == (0, b"", b"")


# Plain calls of install.


FOREIGN = "not ours\n"


@pytest.mark.many
@pytest.mark.parametrize(
    "words",
    [
        "python-engineer",
        "python-engineer --client claude",
        "-c claude python-engineer",
        "python-engineer -c nobody",
        "python-engineer[strict-typing]>=1.0,<2",
        "python-engineer[strict-typing",
        "python-engineer@1.0 --dry-run",
        "python-engineer --json",
        "python-enginer",
        "python-engineer python-engineer",
        "python-engineer --adopt --quiet",
        "python-engineer -v -n",
        "python-engineer==9",
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_a_plain_install_does_what_the_full_program_does(agentpack: Agentpack, words: str, foreign: bool) -> None:
    results = []
    for run in (quickly, lambda arguments, folder: agentpack(*arguments, cwd=folder, expect=None)):
        project = agentpack.folder
        shutil.rmtree(project)
        (project / ".git").mkdir(parents=True)
        if foreign:
            (project / ".claude/agents").mkdir(parents=True)
            (project / ".claude/agents/python-engineer.md").write_text(FOREIGN)
        ran = run(["install", *words.split()], project)
        again = run(["install", *words.split()], project)
        results.append((ran, again, contents(project)))
    assert results[0][0] is not None
    assert results[0] == results[1]


@pytest.mark.many
@pytest.mark.parametrize("words", ["", "--yes", "reviews -y", "nobody", "--latest --yes", "--json", "--yes --json"])
@pytest.mark.parametrize("edited", ["", "A line of mine.\n", "You look hard. {#identity}"])
def test_a_plain_upgrade_does_what_the_full_program_does(
    agentpack: Agentpack, tmp_path: Path, words: str, edited: str
) -> None:
    packs = publish(
        tmp_path / "packs", make_pack("reviews", "1.0.0", personas={"one": persona_text("one", "You look.\n")})
    )
    results = []
    for run in (quickly, lambda arguments, folder: agentpack(*arguments, cwd=folder, expect=None)):
        project = agentpack.folder
        shutil.rmtree(project)
        (project / ".git").mkdir(parents=True)
        shutil.rmtree(packs / "reviews/1.1.0", ignore_errors=True)
        agentpack("install", "reviews", "--source", str(packs))
        publish(
            packs,
            make_pack("reviews", "1.1.0", personas={"one": persona_text("one", "You look twice.\n\nAnd again.\n")}),
        )
        if edited:
            file = project / ".claude/agents/one.md"
            file.write_text(
                file.read_text().replace("You look.", edited) if edited.startswith("You") else edited + file.read_text()
            )
        ran = run(["upgrade", *words.split()], project)
        results.append((ran, contents(project)))
    assert results[0][0] is not None
    assert results[0] == results[1]


@pytest.mark.parametrize("finished", [True, False], ids=["a whole change", "half a change"])
def test_a_check_during_which_another_command_changes_files_is_left_to_the_full_program(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """One of two files is edited before the change, the other one after it: each was clean when it was looked at."""
    project = agentpack.folder
    agents = project / ".claude/agents"
    agentpack("install", "python-engineer")
    with open(agents / "python-engineer.md", "a", encoding="utf-8") as file:
        file.write("\n- Mine.\n")
    agentpack("install", "python-reviewer")
    number = str(agentpack("history", "--json").envelope["data"]["current"])
    agentpack("sync", "--locked", "--discard-edits")
    with open(agents / "python-reviewer.md", "a", encoding="utf-8") as file:
        file.write("\n- Mine.\n")
    agentpack("diff", expect=1)
    kept = shutil.copytree(project, tmp_path / "kept")

    def change() -> None:
        agentpack("rollback", number)

    last = [at for at, call in enumerate(killed_at(None, change)[1]) if call == "rename"][-1]  # makes it count
    agentpack("diff", expect=1)
    shutil.rmtree(project)
    shutil.copytree(kept, project)
    plain_open, waiting = os.open, [agents / "python-reviewer.md"]

    def opening(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if Path(str(path)) in waiting:
            waiting.clear()
            killed_at(None if finished else last, change)
        return plain_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", opening)
    assert quickly(["diff"], project) is None
    assert not waiting


@pytest.mark.parametrize("words", ["install python-engineer", "upgrade --yes"])
def test_a_plain_call_tells_of_an_interrupted_change_as_the_full_program_does(
    agentpack: Agentpack, tmp_path: Path, words: str
) -> None:
    agentpack("install", "python-engineer")
    kept = shutil.copytree(agentpack.folder, tmp_path / "kept")

    def change() -> Ran:
        return agentpack("install", "python-reviewer")

    renames = [number for number, call in enumerate(killed_at(None, change)[1]) if call == "rename"]
    results = []
    for run in (quickly, lambda arguments, folder: agentpack(*arguments, cwd=folder)):
        shutil.rmtree(agentpack.folder)
        shutil.copytree(kept, agentpack.folder)
        assert killed_at(renames[-1], change)[0] == -signal.SIGKILL
        results.append((run(words.split(), agentpack.folder), contents(agentpack.folder)))
    assert results[0] == results[1]
    assert results[0][0] is not None
    assert "an interrupted change was found and finished (generation 2)" in results[0][0].err


@pytest.mark.parametrize("words", ["install python-engineer --client", "install -c", "upgrade --client"])
def test_a_call_that_lacks_a_value_is_left_to_the_full_program(agentpack: Agentpack, words: str) -> None:
    assert quickly(words.split(), agentpack.folder) is None
    agentpack(*words.split(), expect=2)


def contents(project: Path) -> dict[str, bytes]:
    """Every file that does not tell the time or who holds a lock."""
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".agentpack" not in path.parts
    }


_WORDS = (
    "python-engineer a[b]>=1 a@latest a==1.* --client claude -c codex --dry-run -n --json -q --quiet -v --verbose "
    "--adopt --partial --discard-edits -- --set x=y --source . ./a/B ~/c /d -x/e --help -nq --client=claude -cclaude "
    "./a A é --user --root -h --no-color --yes -y --latest --check"
).split()


@given(st.lists(st.sampled_from(["", *_WORDS]), max_size=6), st.sampled_from(sorted(quick_args.GRAMMARS)))
def test_plain_words_are_read_as_the_library_reads_them(words: list[str], verb: str) -> None:
    read = quick_args.read(verb, words)
    if read is None:
        return
    import typer

    module = import_module(f"agentpack.cli.{verb}")
    given = typer.main.get_command(module.app).make_context(verb, list(words)).params
    names = {"install": "requirements", "upgrade": "names", "sync": ""}[verb]
    assert list(given.pop(names, None) or ()) == read.names
    assert list(given.pop("client", None) or ()) == read.clients
    assert list(given.pop("source", None) or ()) == read.sources
    defaults = {"on_conflict": "stop", "format": "text"}
    said = {name for name, value in given.items() if value and value != defaults.get(name)}
    assert said == read.flags


# Completion.


def completed_by_the_library(folder: Path) -> Ran:
    from agentpack.cli.app import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        with pytest.raises(SystemExit) as end:
            run([])
    return Ran(int(end.value.code or 0), out.getvalue(), err.getvalue())


def typed(shell: str, last: str, *before: str) -> dict[str, str]:
    """The variables that a shell sets when the word `last` is to be completed."""
    words = ["agentpack", "install", *before, last]
    return {
        "_AGENTPACK_COMPLETE": shell,
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": " ".join(words),
    }


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("shell", ["complete_bash", "complete_zsh"])
@pytest.mark.parametrize("last", ["", "py", "python-engineer", "nobody", "python-engineer[", "-", "P", "'py"])
@pytest.mark.parametrize("situation", [None, nothing, change_manifest, break_manifest, clone])
def test_names_are_completed_alike(
    agentpack: Agentpack,
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
    last: str,
    situation: Callable[[Path], None] | None,
) -> None:
    if situation is not None:
        agentpack("install", "python-engineer")
        situation(agentpack.folder)
    for name, value in typed(shell, last).items():
        monkeypatch.setenv(name, value)
    found = quickly([], agentpack.folder)
    if last in ("", "py", "nobody") and situation in (None, nothing):
        assert found is not None
    if found is not None:
        assert found == completed_by_the_library(agentpack.folder)


@pytest.mark.parametrize("key", ["sources", '"\\x73ources"'])
def test_names_of_another_source_are_left_to_the_full_program(agentpack: Agentpack, tmp_path: Path, key: str) -> None:
    packs, manifest = tmp_path / "packs", agentpack.folder / "agentpack.yaml"
    packs.mkdir()
    agentpack("install", "python-engineer")
    agentpack("source", "add", "packs", str(packs))
    manifest.write_text(manifest.read_text().replace("sources", key))
    agentpack("install", "python-engineer[strict-typing]")
    with contextlib.chdir(agentpack.folder):
        assert fast.completion(typed("complete_bash", "py")) is None


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("place", ["packs", "src/agentpack/_packs"])
def test_an_empty_folder_among_the_packs_of_a_checkout_or_a_wheel_is_no_pack(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    installation, packs = tmp_path / "installation", tmp_path / "installation" / place
    shutil.copytree(
        Path(package.__file__).parent,
        installation / "src/agentpack",
        ignore=shutil.ignore_patterns("__pycache__", "_packs"),
    )
    publish(packs, make_pack())
    (packs / "data-empty").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(installation / "src"))
    agentpack = Agentpack(project)
    assert [row["name"] for row in agentpack("search", "--json", new=True).envelope["data"]["packs"]] == [
        "data-reviewer"
    ]
    for name, value in typed("complete_bash", "data").items():
        monkeypatch.setenv(name, value)
    assert agentpack(new=True).out.split() == ["data-reviewer"]


@pytest.mark.many
@pytest.mark.parametrize(
    "situation",
    [
        change_manifest,
        link_the_manifest,
        clone,
        damage_id,
        damage_record,
        damage_pointer,
        take_a_record_of_tomorrow,
    ],
)
def test_names_are_left_to_the_full_program_where_the_manifest_may_be_anybodys(
    agentpack: Agentpack, situation: Callable[[Path], None]
) -> None:
    agentpack("install", "python-engineer")
    with contextlib.chdir(agentpack.folder):
        assert fast.completion(typed("complete_bash", "python-e")) == "python-engineer\n"
        situation(agentpack.folder)
        assert fast.completion(typed("complete_bash", "python-e")) is None


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("agentpack", 0),
        ("agentpack install", 0),
        ("agentpack install", 1),
        ("agentpack uninstall py", 2),
        ("agentpack upgrade py", 2),
        ("agentpack history show py", 3),
        ("agentpack --yes install py", 3),
        ("agentpack install --set py", 3),
        ("agentpack install py", "two"),
    ],
)
def test_names_are_completed_after_install_alone(agentpack: Agentpack, words: str, at: int | str) -> None:
    bash = {"_AGENTPACK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    zsh = {"_AGENTPACK_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words}
    with contextlib.chdir(agentpack.folder):
        assert fast.completion(bash) is None
        assert "install py" in words or fast.completion(zsh) is None


@pytest.mark.parametrize("shell", ["complete_bash", "complete_zsh", "complete_fish", "source_bash"])
def test_a_shell_that_does_not_tell_what_was_typed_is_left_to_the_full_program(shell: str) -> None:
    assert fast.completion({"_AGENTPACK_COMPLETE": shell}) is None


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        ("agentpack install", 2, ["python-engineer", "python-reviewer"]),
        ("agentpack install python-r", 2, ["python-reviewer"]),
        ("agentpack install python-reviewer python-e", 3, ["python-engineer"]),
        ("agentpack install python-e python-reviewer", 2, ["python-engineer"]),
    ],
)
def test_the_word_at_the_cursor_is_completed(agentpack: Agentpack, words: str, at: int, found: list[str]) -> None:
    bash = {"_AGENTPACK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    with contextlib.chdir(agentpack.folder):
        offered = fast.completion(bash)
    assert offered is not None
    assert [name for name in offered.split() if name in ("python-engineer", "python-reviewer")] == found


@pytest.mark.parametrize("place", ["packs", "src/agentpack/_packs"])
@pytest.mark.parametrize(
    "other",
    [
        "Data/1.0.0/",
        "data_new/1.0.0/",
        "data-/1.0.0/",
        "-data/1.0.0/",
        "data--new/1.0.0/",
        "agents/1.0.0/",
        "data-new/1.0.0rc1/",
        "data-new/next/",
        "data-reviewer/next/",
        "data-new/",
        "README",
    ],
)
def test_names_are_read_off_a_folder_that_holds_releases_alone(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, other: str
) -> None:
    packs = tmp_path / "installation" / place
    monkeypatch.setattr(fast, "__file__", str(tmp_path / "installation/src/agentpack/fast.py"))
    with contextlib.chdir(agentpack.folder):
        assert fast.completion(typed("complete_bash", "data")) is None  # there is no such folder
        publish(packs, make_pack())
        (packs / ".cache").mkdir()
        (packs / "digests.json").write_text("{}")
        assert fast.completion(typed("complete_bash", "data")) == "data-reviewer\n"
        if other.endswith("/"):
            (packs / other).mkdir(parents=True)
        else:
            (packs / other).write_text("")
        assert fast.completion(typed("complete_bash", "data")) is None


# Folders.


@pytest.mark.many
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@pytest.mark.parametrize("kind", ["cache", "config", "state"])
@pytest.mark.parametrize(
    "moved", [None, "", " ", "/somewhere", "/somewhere/", "relative", "~/x", "/a/../b", "/ spaced "]
)
@pytest.mark.parametrize("home", ["/home/ada", "/home/ada/", "", "/"])
def test_folders_are_where_platformdirs_has_them(
    monkeypatch: pytest.MonkeyPatch, kind: str, moved: str | None, home: str
) -> None:
    variable = f"XDG_{kind.upper()}_HOME"
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv(variable)
    if moved is not None:
        monkeypatch.setenv(variable, moved)
    expected = getattr(platformdirs, f"user_{kind}_dir")("agentpack", appauthor=False)
    assert platform_folder(kind) == expected


def test_the_record_that_the_hot_path_reads_is_the_one_that_is_written(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer")
    record = json.loads((agentpack.folder / ".agentpack/state/generations/000001.json").read_text())
    assert record["schema"] == 1
    assert len(record["files"][0]) == 7
    assert len(record["documents"][0]) == 3
