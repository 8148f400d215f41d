"""`agentpack pack new`, `test` and `build`: from nothing to an archive that installs."""

import gzip
import io
import re
import shlex
import tarfile
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

AROUND = {"README.md": "# P\n", "LICENSE": "MIT\n", "CHANGELOG.md": "# Changelog\n\n## 1.0.0\n\n- First.\n"}


def pack_with(tests: str, **more: object) -> dict[str, bytes]:
    return make_pack(files={**AROUND, "tests/a.yaml": f"schema: 1\ntests:\n{tests}"}, license="MIT", **more)  # type: ignore[arg-type]


# new


def test_a_new_pack_passes_check_and_tests_as_it_is(agentpack: Agentpack, project: Path) -> None:
    agentpack("pack", "new", "data-reviewer")
    agentpack("pack", "check", "data-reviewer", "--strict")
    done = agentpack("pack", "test", "data-reviewer", "--json").envelope["data"]["packs"][0]
    assert len(done["tests"]) == 3
    assert all(test["passed"] for test in done["tests"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data-reviewer", "the data reviewer"),
        ("sql-editor", "the sql editor"),
        ("my-helper", "my helper"),
        ("a-team", "a team"),
    ],
)
def test_a_new_pack_is_written_in_plain_english(agentpack: Agentpack, project: Path, name: str, words: str) -> None:
    then = (
        f"next: edit it, then `agentpack pack check {name}` and `agentpack pack test {name}`\n"
        f"`agentpack install ./{name}` installs it\n"
        "to release it in git, tag the commit `v<version>`, such as `v0.1.0`\n"
    )
    assert then not in agentpack("pack", "new", name, "--dry-run").err
    assert agentpack("pack", "new", name).err.endswith(then)
    assert f"\nYou are {words}. " in (project / f"{name}/personas/{name}.md").read_text()


@pytest.mark.parametrize("folder", ["my pack", "./packs/mine", "../mine"])
def test_the_commands_that_a_new_pack_ends_with_work(agentpack: Agentpack, project: Path, folder: str) -> None:
    said = agentpack("pack", "new", "mine", folder).err
    commands = re.findall(r"`agentpack ([^`]*)`", said)
    assert len(commands) == 3
    for command in commands:
        agentpack(*shlex.split(command))
    assert (project / ".claude/agents/mine.md").exists()


def test_a_pack_beside_the_project_is_tested_and_built_too(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENTPACK_TRUSTED_PLACES")
    agentpack("pack", "new", "data-reviewer", "../data-reviewer")
    for verb in ("check", "test", "build"):
        agentpack("pack", verb, "../data-reviewer")
    assert (project / "dist/data-reviewer-0.1.0.tar.gz").exists()


@pytest.mark.parametrize(
    "text", ['Reviews: "data" # and {{more}}', "- x: [y, {z", "it's `code` & 100 %", "ünïcode 漢字"]
)
def test_any_line_will_do_as_a_description(text: str, agentpack: Agentpack, project: Path) -> None:
    agentpack("pack", "new", "data-reviewer", "--description", text, "--author", text)
    agentpack("pack", "check", "data-reviewer", "--strict")
    shown = agentpack("show", "data-reviewer", "--json", "--source", "data-reviewer", expect=None)
    agentpack("install", "data-reviewer", "--source", "data-reviewer")
    assert shown.exit_code in (0, 2)
    assert text in (project / ".claude/agents/data-reviewer.md").read_text().replace('\\"', '"')


def test_a_dry_run_makes_nothing(agentpack: Agentpack, project: Path) -> None:
    agentpack("pack", "new", "data-reviewer", "--dry-run")
    assert not (project / "data-reviewer").exists()


def test_a_folder_with_something_in_it_is_left_alone(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "data-reviewer", {"mine.txt": "x"})
    assert "already exists" in agentpack("pack", "new", "data-reviewer", expect=3).err
    assert tree(project / "data-reviewer") == {"mine.txt": b"x"}
    write_tree(project / "new" / ".git", {"HEAD": "x"})
    agentpack("pack", "new", "new", "new")  # `git init` came first


@pytest.mark.parametrize("name", ["Data-Reviewer", "../x", "a/b", "", "default"])
def test_a_name_that_is_none_is_refused(name: str, agentpack: Agentpack, project: Path) -> None:
    before = tree(project)
    agentpack("pack", "new", name, expect=2)
    assert tree(project) == before


# test

VARIANTS = {
    "reviewer/loud": variant_text("## Rules {#rules}\n\n- Shout. {#shout}\n", conflicts=["quiet"]),
    "reviewer/quiet": variant_text("## Rules {#rules}\n\n- Whisper. {#whisper}\n"),
}
HOLDS = {
    "present": "  - {name: a, present: [look, identity, rules]}\n",
    "absent": "  - {name: a, absent: [shout]}\n",
    "a variant": "  - {name: a, variants: [loud], present: [shout], absent: [whisper]}\n",
    "contains": "  - {name: a, contains: [Look before], lacks: [Shout]}\n",
    "fields": "  - {name: a, fields: {model: null}}\n",
    "budgets": "  - {name: a, words: 40, tokens: 100, core_words: 40}\n",
    "a refusal": "  - {name: a, variants: [loud, quiet], refused: exclude each other}\n",
    "another client": "  - {name: a, client: codex, contains: [developer_instructions]}\n",
}
FAILS = {
    "present": ("  - {name: a, present: [lok]}\n", "missing `lok`; did you mean `look`?"),
    "absent": ("  - {name: a, absent: [look]}\n", "unexpected `look`"),
    "contains": ("  - {name: a, contains: [Nothing]}\n", "the text lacks `Nothing`"),
    "lacks": ("  - {name: a, lacks: [Look]}\n", "the text contains `Look`"),
    "fields": ("  - {name: a, fields: {model: opus}}\n", "`model` is not set, not `opus`"),
    "words": ("  - {name: a, words: 2}\n", "words, more than 2"),
    "no refusal": ("  - {name: a, refused: never}\n", "not refused; expected"),
    "another refusal": ("  - {name: a, variants: [loud, quiet], refused: never}\n", "refused with a different message"),
    "an unknown variant": ("  - {name: a, variants: [lod]}\n", "no variant `lod`"),
    "no golden file": ("  - {name: a, golden: g/a.md}\n", "there is no `tests/g/a.md`"),
}


@pytest.mark.parametrize("name", HOLDS)
def test_an_expectation_that_holds_passes(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", pack_with(HOLDS[name], variants=VARIANTS))
    assert "1 test passed" in agentpack("pack", "test", str(folder)).err


@pytest.mark.parametrize("name", FAILS)
def test_an_expectation_that_does_not_hold_says_why(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    tests, said = FAILS[name]
    ran = agentpack("pack", "test", str(write_tree(tmp_path / "pack", pack_with(tests, variants=VARIANTS))), expect=1)
    assert said in ran.out
    assert "1 failed" in ran.err


def test_what_a_project_around_accepts_changes_no_test(agentpack: Agentpack) -> None:
    folder = str(Path(__file__).parents[1] / "packs/python-reviewer/1.0.0")
    agentpack("install", "python-reviewer", "-c", "codex", "--accept", "widened:codex")
    assert "1 failed" not in agentpack("pack", "test", folder).err


def test_golden_text_is_written_then_compared(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", pack_with("  - {name: a, golden: g/a.md}\n"))
    agentpack("pack", "test", str(folder), "--update", "--dry-run")
    assert not (folder / "tests/g").exists()
    agentpack("pack", "test", str(folder), "--update")
    agentpack("pack", "test", str(folder))
    persona = folder / "personas/reviewer.md"
    persona.write_text(persona.read_text().replace("Look before", "Look hard before"))
    ran = agentpack("pack", "test", str(folder), expect=1)
    assert "+- Look hard before you change." in ran.out


def test_a_file_of_tests_that_does_not_read_names_line_and_key(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", pack_with("  - {name: a, presnt: [look]}\n"))
    assert "unknown key `presnt`" in agentpack("pack", "test", str(folder), expect=2).err


def test_several_personas_must_be_named(agentpack: Agentpack, tmp_path: Path) -> None:
    personas = {name: persona_text(name) for name in ("one-a", "two-b")}
    folder = write_tree(tmp_path / "pack", pack_with("  - {name: a, words: 99}\n", personas=personas))
    assert "name one with `persona`" in agentpack("pack", "test", str(folder), expect=1).out


# build


def test_an_archive_is_the_same_bytes_wherever_it_is_built(agentpack: Agentpack, tmp_path: Path) -> None:
    archives = []
    for place in ("one", "two"):
        folder = write_tree(tmp_path / place / "pack", pack_with("  - {name: a, present: [look]}\n"))
        agentpack("pack", "build", str(folder), "--out", str(tmp_path / place / "dist"))
        archives.append((tmp_path / place / "dist/data-reviewer-1.0.0.tar.gz").read_bytes())
    assert archives[0] == archives[1]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archives[0]))) as tar:
        assert "data-reviewer-1.0.0/pack.yaml" in tar.getnames()


def test_a_built_pack_installs_from_its_folder(agentpack: Agentpack, project: Path) -> None:
    agentpack("pack", "new", "data-reviewer")
    agentpack("pack", "build", "data-reviewer")
    agentpack("install", "data-reviewer[places]", "--source", "dist")
    assert "Give file and line" in (project / ".claude/agents/data-reviewer.md").read_text()


def test_a_pack_that_fails_is_not_built(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", pack_with("  - {name: a, present: [nothing-there]}\n"))
    ran = agentpack("pack", "build", str(folder), "--out", str(tmp_path / "dist"), expect=1)
    assert "data-reviewer 1.0.0 was not built" in ran.err
    assert not (tmp_path / "dist").exists()


def test_a_declared_budget_fails_the_build_past_it(agentpack: Agentpack, tmp_path: Path) -> None:
    files = pack_with("  - {name: a, present: [look]}\n", personas={"reviewer": persona_text(budget={"words": 3})})
    ran = agentpack("pack", "build", str(write_tree(tmp_path / "pack", files)), "--out", str(tmp_path / "d"), expect=1)
    assert "its budget is 3" in ran.err


def test_a_release_that_was_built_does_not_change(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", pack_with("  - {name: a, present: [look]}\n"))
    out = str(tmp_path / "dist")
    agentpack("pack", "build", str(folder), "--out", out)
    assert "there already" in agentpack("pack", "build", str(folder), "--out", out).err
    (folder / "README.md").write_text("# Other\n")
    before = tree(tmp_path / "dist")
    refused = agentpack("pack", "build", str(folder), "--out", out, expect=5).err
    assert "contains a different data-reviewer 1.0.0" in refused
    assert tree(tmp_path / "dist") == before
