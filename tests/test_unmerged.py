"""Merge markers of version control are named with file and line, wherever a file is read."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import write_tree

from agentpack.model.unmerged import HINT, MARKERS, unmerged_line

MARKED = "<<<<<<< HEAD\n- Look twice. {#look}\n=======\n- Look again. {#look}\n>>>>>>> other\n"
EXAMPLE = f"Settle a merge like this:\n\n```\n{MARKED}```\n"


@pytest.mark.parametrize(
    "text",
    [
        MARKED,
        MARKED.replace("\n", "\r\n"),
        "\ufeff" + MARKED,
        MARKED.replace("=======", "||||||| base\n- Look. {#look}\n======="),
        MARKED.replace(" HEAD", "").replace(" other", ""),
        f"```\n{MARKED}",  # no code block: it never ends
        "<<<<<<< HEAD\n```\n=======\n~~~\n>>>>>>> other\n",
        f"{EXAMPLE}\n{MARKED}",
    ],
)
def test_an_unresolved_merge_is_known(text: str) -> None:
    line = unmerged_line(text.encode())
    assert text.removeprefix("\ufeff").split("\n")[line - 1].startswith("<<<<<<<")
    assert unmerged_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        EXAMPLE.replace("```", "~~~~ text").replace("~~~~ text\n", "~~~~\n"),
        f"````md\n```\n{MARKED}```\n````\n",
        "Title\n=======\n",
        "<<<<<<< HEAD\n",
        ">>>>>>> other\n=======\n<<<<<<< HEAD\n",
        "".join(f"  {line}\n" for line in MARKED.splitlines()),
        "<<<<<<<<<<\n=======\n>>>>>>>>>>\n",
    ],
)
def test_text_that_only_shows_markers_is_no_merge(text: str) -> None:
    assert unmerged_line(text.encode()) == 0


@given(st.lists(st.sampled_from(["- rule\n", "```\n", "~~~\n", "=======\n", "text\n", "\n"]), max_size=8), st.data())
def test_markers_outside_of_code_are_found_in_any_text(lines: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines)))
    before, after = "".join(lines[:at]), "".join(lines[at:])
    if before.count("```") == before.count("~~~") == 0:
        assert unmerged_line(before + MARKED + after) == at + 1


# Files of ours: exit code 2.


@pytest.fixture
def installed(agentpack: Agentpack, project: Path) -> Agentpack:
    later = persona_text(body="You review data. {#identity}\n\n## Rules {#rules}\n\n- Look. {#look}\n- Tell. {#say}\n")
    publish(project / "packs", make_pack(), make_pack(version="1.1.0", personas={"reviewer": later}))
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Ours. {#ours}\n")})
    return agentpack


OURS = {
    "agentpack.yaml": ("status",),
    ".agentpack/variants/reviewer/house.md": ("install", "data-reviewer[house]==1.0.0"),
    ".agentpack/clients/own.yaml": ("clients",),
    "packs/data-reviewer/1.0.0/pack.yaml": ("pack", "check", "packs/data-reviewer/1.0.0"),
    "packs/data-reviewer/1.0.0/personas/reviewer.md": ("pack", "check", "packs/data-reviewer/1.0.0"),
}


@pytest.mark.parametrize("path", OURS)
def test_a_file_of_ours_with_merge_markers_is_invalid(installed: Agentpack, project: Path, path: str) -> None:
    text = (project / path).read_text() if (project / path).exists() else "schema: 1\n"
    write_tree(project, {path: text + MARKED})
    done = installed(*OURS[path], expect=1 if "check" in OURS[path] else 2)
    said = done.out + done.err
    assert f"{Path(path).name}:{text.count(chr(10)) + 1}: " in said
    assert MARKERS in said


def test_a_policy_with_merge_markers_is_invalid(installed: Agentpack, home: Path) -> None:
    write_tree(home, {".config/agentpack/policy.yaml": f"schema: 1\n{MARKED}"})
    assert f"policy.yaml:2: {MARKERS}" in installed("sync", expect=5).err


def test_a_file_that_several_agents_share_names_its_markers(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    write_tree(project, {".roomodes": f"customModes: []\n{MARKED}"})
    done = agentpack("install", "data-reviewer", "--source", "packs", "--client", "roo", expect=2)
    assert f".roomodes:2: {MARKERS}" in done.err


# Agent files: exit code 3 where they would be merged or kept, and named by whoever looks.


@pytest.fixture
def marked(installed: Agentpack, project: Path) -> str:
    """An agent file that git left in the middle of a merge; its name and line."""
    path = project / ".claude/agents/reviewer.md"
    text = path.read_text()

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=project, check="merge" not in words, capture_output=True)

    def commit(words: str) -> None:
        path.write_text(text.replace("- Say what", words))
        git("add", "-A")
        git("commit", "-qm", "x")

    commit("- Say what")
    git("switch", "-qc", "other")
    commit("- Say all that")
    git("switch", "-q", "main")
    commit("- Write what")
    git("merge", "-q", "other")
    found = path.read_text().split("\n")
    line = next(number for number, words in enumerate(found, 1) if words.startswith("<<<<<<<"))
    return f".claude/agents/reviewer.md:{line}"


@pytest.mark.many
@pytest.mark.parametrize(
    "command",
    [
        ("keep", "reviewer"),
        ("keep", "reviewer", "--patch"),
        ("upgrade", "--latest", "--yes"),
        ("upgrade", "--latest", "--yes", "--on-conflict", "keep"),
        ("install", "data-reviewer==1.1.0"),
        ("sync", "--locked"),
        ("sync", "--frozen"),
    ],
)
def test_a_command_that_would_merge_or_keep_it_stops(
    installed: Agentpack, project: Path, marked: str, command: tuple[str, ...]
) -> None:
    before = (project / ".claude/agents/reviewer.md").read_bytes()
    done = installed(*command, expect=3)
    assert f"{marked}: " in done.err
    assert MARKERS in done.err
    assert (project / ".claude/agents/reviewer.md").read_bytes() == before
    assert not (project / ".agentpack/variants/reviewer/local.md").exists()


def test_a_sync_that_follows_the_manifest_stops_too(installed: Agentpack, project: Path, marked: str) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", "==1.1.0"))
    assert f"{marked}: has {MARKERS}" in installed("sync", expect=3).err
    installed("sync", "--discard-edits")


@pytest.mark.many
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("status",), 0),
        (("diff",), 1),
        (("diff", "--format", "github"), 1),
        (("diff", "--upgrade", "--latest"), 1),
        (("audit",), 1),
        (("doctor",), 1),
        (("sync", "--check"), 1),
        (("sync",), 0),
    ],
)
def test_a_command_that_looks_names_it(installed: Agentpack, marked: str, command: tuple[str, ...], code: int) -> None:
    done = installed(*command, expect=code)
    said = done.out + done.err
    assert MARKERS in said
    path, _, line = marked.rpartition(":")
    assert path in said
    assert f":{line}" in said or f"line {line}" in said or f"line={line}" in said


@pytest.mark.parametrize("command", [("diff",), ("keep", "reviewer"), ("sync", "--locked"), ("sync", "--frozen")])
def test_every_hint_says_to_resolve_the_merge(
    installed: Agentpack, project: Path, marked: str, command: tuple[str, ...]
) -> None:
    if command[0] == "sync":
        installed("install", "python-engineer", "--client", "claude")
        (project / ".claude/agents/python-engineer.md").write_text("Edited otherwise.\n")
    said = installed(*command, expect=None).err
    assert f"hint: {HINT}" in said
    assert "`agentpack keep`" not in said


def test_a_half_merged_lock_is_a_matter_for_one_command(installed: Agentpack, project: Path) -> None:
    lock = project / "agentpack.lock"
    text, begin = lock.read_text(), ' "clients": [\n  "claude"\n'
    assert begin in text
    ours, theirs = '  "claude"\n', '  "claude",\n  "opencode"\n'
    sides = f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"
    lock.write_text(text.replace(begin, begin.removesuffix(ours) + sides))
    for command in ("status", "diff", "doctor"):
        said = installed(command, expect=None)
        assert "unresolved merge" in said.out + said.err
        assert "`agentpack lock`" in said.out + said.err


def test_an_agent_file_with_merge_markers_is_not_adopted(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/mine.md": f"---\nname: mine\ndescription: Mine.\n---\n{MARKED}"})
    done = agentpack("adopt", ".claude/agents/mine.md", expect=2)
    assert f".claude/agents/mine.md: {MARKERS} on line 5" in done.err


def test_a_persona_that_teaches_git_is_no_merge(agentpack: Agentpack, project: Path) -> None:
    body = f"You review merges. {{#identity}}\n\n## Rules {{#rules}}\n\n{EXAMPLE.replace(' {#look}', '')}"
    for version, more in (("1.0.0", ""), ("1.1.0", "\n- New. {#new}\n")):
        publish(project / "packs", make_pack(version=version, personas={"reviewer": persona_text(body=body + more)}))
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    with (project / ".claude/agents/reviewer.md").open("a") as file:
        file.write(f"\nAnd also:\n\n{EXAMPLE}")
    agentpack("upgrade", "--latest", "--yes")
    for command in ("status", "doctor"):
        assert MARKERS not in agentpack(command).out
    assert yaml.safe_load((project / "agentpack.yaml").read_text())
