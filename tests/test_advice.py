"""Commands that agentpack names work where the command before worked: `--user` and `--root` are named again."""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import make_pack, publish, variant_text
from support.running import Agentpack
from support.trees import write_tree

from agentpack.cli.output import Output

AGENT = ".claude/agents/python-engineer.md"
INSTALL = ("install", "python-engineer", "--client", "claude")


def undo(words: str) -> list[str]:
    """The command that is said to undo a change, as a shell reads it."""
    return shlex.split(re.search(r"`agentpack (rollback[^`]*)` undoes it", words)[1])  # type: ignore[index]


def test_what_undoes_a_change_of_the_user_leaves_the_project_as_it_is(
    agentpack: Agentpack, project: Path, home: Path
) -> None:
    agentpack(*INSTALL)
    words = undo(agentpack(*INSTALL, "--user").err)
    assert (project / AGENT).exists() and (home / AGENT).exists()
    agentpack(*words)
    assert (project / AGENT).exists() and not (home / AGENT).exists()


@pytest.mark.parametrize("form", [lambda root: ["--root", root], lambda root: [f"--root={root}"]], ids=["two", "one"])
def test_a_folder_that_was_named_is_named_again_for_a_shell(
    agentpack: Agentpack, project: Path, form: Callable[[str], list[str]]
) -> None:
    other = project.parent / "it's another's"
    other.mkdir()
    words = undo(agentpack(*form(str(other)), *INSTALL).err)
    assert words == ["rollback", "--root", str(other)]
    agentpack(*words)
    assert not (other / AGENT).exists()


def test_in_the_project_around_the_folder_nothing_need_be_named(agentpack: Agentpack) -> None:
    assert undo(agentpack(*INSTALL).err) == ["rollback"]


def test_errors_tell_the_same_to_people_and_programs(agentpack: Agentpack, home: Path) -> None:
    agentpack(*INSTALL, "--user")
    lock = next(path for path in home.rglob("agentpack.lock"))
    lock.write_text("{")
    told = agentpack("sync", "--user", expect=2)
    data = agentpack("sync", "--user", "--json", expect=2).envelope["errors"][0]
    assert "agentpack lock --user`" in told.err
    assert "agentpack lock --user`" in data["hint"]


def test_what_is_to_be_done_next_too(agentpack: Agentpack, home: Path) -> None:
    agentpack(*INSTALL, "--user")
    (home / AGENT).unlink()
    assert "`agentpack sync --user`" in agentpack("status", "--user").out


@pytest.mark.parametrize(
    "text",
    [
        "`agentpack sync --user`",
        "`agentpack diff --root ../x`",
        "`agentpack keep --help`",
        "`agentpack.yaml`",
        "agentpack",
    ],
)
def test_only_commands_that_name_no_scope_get_one(text: str) -> None:
    assert Output(["status", "--user"]).advice(text) == text


def test_every_command_of_a_sentence_gets_one() -> None:
    told = Output(["--root=a b", "status"]).advice("`agentpack keep x`, or `agentpack sync --discard-edits`")
    assert told == "`agentpack keep x --root 'a b'`, or `agentpack sync --discard-edits --root 'a b'`"


# What is lost or faulty, and the way on.


def test_a_local_variant_whose_file_is_gone(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/python-engineer/house.md": variant_text("- Ours. {#ours}\n")})
    agentpack("install", "python-engineer[house]", "--client", "claude")
    shutil.rmtree(project / ".agentpack/variants")
    told = agentpack("sync", expect=4).err
    assert "restore .agentpack/variants" in told.replace(f"{project}/", "")
    assert 'run `agentpack uninstall "python-engineer[house]"` to remove the variant' in told
    agentpack("uninstall", "python-engineer[house]")
    agentpack("sync", "--check")


def test_a_newest_release_that_does_not_read(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    folder = publish(tmp_path / "packs", make_pack(version="1.0.0"), make_pack(version="1.1.0"))
    with (folder / "data-reviewer/1.1.0/pack.yaml").open("a") as file:
        file.write("nonsense: 1\n")
    told = agentpack("install", "data-reviewer", "--source", str(folder), "--client", "claude", expect=2).err
    assert "hint: write `data-reviewer!=1.1.0` in agentpack.yaml to use another release" in told
    agentpack("install", "data-reviewer!=1.1.0", "--source", str(folder), "--client", "claude")
    shutil.rmtree(folder / "data-reviewer/1.0.0")
    other = tmp_path / "other"
    other.mkdir()
    assert "hint: with" not in agentpack("install", "data-reviewer", "--source", str(folder), cwd=other, expect=2).err
