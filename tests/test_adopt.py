"""adopt: agent files that are there already come under management, byte for byte."""

from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

AGENTS = ".claude/agents"
PLAIN = """\
---
name: tidy
description: "Tidies up: every corner."
---

You tidy up. {#not-an-id}

## Rules

- Be kind to {{ people }}.
- Be short.

```python
x = "{{ y }}"
```
"""
ODD = """\
---
name: odd
description: Use this when: "odd" things happen.\\nReally.
tools: Read, Write, Bash
mood: good
---
Odd text.\x20\x20
Still odd.
"""


def render(agentpack: Agentpack, requirement: str) -> str:
    return agentpack("render", requirement, "--client", "claude").out


def adopted(agentpack: Agentpack, *files: str) -> list[dict[str, object]]:
    data: list[dict[str, object]] = agentpack("adopt", *files, "--json").envelope["data"]["adopted"]
    return data


def test_the_very_text_of_a_release_is_recognised_with_its_variants(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer[strict-typing]==1.0.0")
    write_tree(project, {f"{AGENTS}/python-engineer.md": text})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert (file["pack"], file["version"], file["variants"]) == ("python-engineer", "1.0.0", ["strict-typing"])
    assert file["exact"] is True
    assert "python-engineer[strict-typing]==1.0.0" in (project / "agentpack.yaml").read_text()
    agentpack("diff")
    agentpack("sync", "--locked")


def test_an_edited_release_is_recognised_and_diff_shows_exactly_the_edits(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.1.0").replace("- Keep architecture decisions", "- Keep all decisions")
    write_tree(project, {f"{AGENTS}/python-engineer.md": text + "\n## House\n\n- Wipe your feet.\n"})
    agentpack("adopt", f"{AGENTS}/python-engineer.md")
    out = agentpack("diff", expect=1).out
    assert "- Keep all decisions" in out.replace("{+", "").replace("+}", "")
    assert "Wipe your feet" in out
    assert (project / f"{AGENTS}/python-engineer.md").read_text().startswith(text)


def test_an_adopted_edit_survives_an_upgrade(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.0.0") + "\n## House\n\n- Wipe your feet.\n"
    write_tree(project, {f"{AGENTS}/python-engineer.md": text})
    agentpack("adopt", f"{AGENTS}/python-engineer.md")
    agentpack("upgrade", "--latest", "--yes")
    upgraded = (project / f"{AGENTS}/python-engineer.md").read_text()
    assert upgraded == render(agentpack, "python-engineer==1.1.0") + "\n## House\n\n- Wipe your feet.\n"


def test_a_release_under_another_name_is_recognised_and_renamed(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.1.0").replace("name: python-engineer", "name: snake")
    write_tree(project, {f"{AGENTS}/snake.md": text})
    (file,) = adopted(agentpack, f"{AGENTS}/snake.md")
    assert (file["pack"], file["exact"]) == ("python-engineer", True)
    assert "as: {python-engineer: snake}" in (project / "agentpack.yaml").read_text()
    agentpack("diff")


def test_an_unknown_file_becomes_a_local_pack_that_renders_to_it(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    (file,) = adopted(agentpack, f"{AGENTS}/tidy.md")
    assert (file["pack"], file["local"], file["exact"]) == ("tidy", True, True)
    assert render(agentpack, "tidy") == PLAIN
    persona = (project / ".agentpack/packs/tidy/0.1.0/personas/tidy.md").read_text()
    assert "- Be short. {#be-short}" in persona
    agentpack("diff")


def test_an_edit_of_a_local_pack_can_be_kept(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    (project / f"{AGENTS}/tidy.md").write_text(PLAIN.replace("Be short.", "Be brief."))
    agentpack("keep", "tidy")
    agentpack("diff")


def test_a_header_that_we_would_write_otherwise_stays_and_counts_as_an_edit(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {f"{AGENTS}/odd.md": ODD})
    ran = agentpack("adopt", f"{AGENTS}/odd.md")
    assert "differs in the header, which agentpack would write otherwise: kept as an edit" in ran.err
    assert (project / f"{AGENTS}/odd.md").read_text() == ODD
    assert "odd.md" in agentpack("diff", expect=1).out
    assert render(agentpack, "odd").endswith("Odd text.  \nStill odd.\n")


def test_crlf_and_a_byte_order_mark_stay(agentpack: Agentpack, project: Path) -> None:
    data = b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode()
    write_tree(project, {f"{AGENTS}/tidy.md": data})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    assert (project / f"{AGENTS}/tidy.md").read_bytes() == data


def test_a_local_pack_does_not_take_the_name_of_a_known_one(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/python-engineer.md": PLAIN.replace("name: tidy", "name: python-engineer")})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert file["pack"] == "python-engineer-local"


def test_a_pack_that_would_bring_other_files_along_is_not_taken(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    personas = {name: persona_text(name) for name in ("alpha", "beta")}
    publish(tmp_path / "packs", make_pack("team", personas=personas))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    write_tree(project, {f"{AGENTS}/alpha.md": agentpack("render", "team", "--persona", "alpha").out})
    (file,) = adopted(agentpack, f"{AGENTS}/alpha.md")
    assert (file["pack"], file["local"]) == ("alpha", True)
    assert not (project / f"{AGENTS}/beta.md").exists()


def test_several_files_are_adopted_in_one_generation_and_rollback_gives_back_what_was(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN, f"{AGENTS}/odd.md": ODD})
    before = tree(project)
    agentpack("adopt", f"{AGENTS}/tidy.md", f"{AGENTS}/odd.md")
    after = tree(project)
    assert after[f"{AGENTS}/odd.md"] == before[f"{AGENTS}/odd.md"]
    agentpack("rollback")
    assert tree(project) == before
    agentpack("rollback")
    assert tree(project) == after
    agentpack("sync", "--check", expect=1)


def test_adopting_into_an_existing_manifest_keeps_what_is_there(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text("# ours\n" + manifest.read_text())
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    text = manifest.read_text()
    assert text.startswith("# ours\n")
    assert "- python-engineer\n" in text
    agentpack("diff")


def test_a_dry_run_changes_nothing(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    before = tree(project)
    ran = agentpack("adopt", f"{AGENTS}/tidy.md", "--dry-run")
    assert "a local pack made from it" in ran.err
    assert tree(project) == before


def test_at_user_scope_local_packs_lie_in_the_configuration(agentpack: Agentpack, home: Path) -> None:
    write_tree(home, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", str(home / AGENTS / "tidy.md"), "--user")
    assert (home / ".config/agentpack/packs/tidy/0.1.0/pack.yaml").is_file()
    agentpack("diff", "--user")


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("README.md", PLAIN, "does not lie in a folder of agents"),
        (f"{AGENTS}/sub/tidy.md", PLAIN, "does not lie in a folder of agents"),
        (f"{AGENTS}/other.md", PLAIN, "rename the file"),
        (f"{AGENTS}/tidy.md", "no header\n", "no header with a name"),
        (f"{AGENTS}/My Agent.md", PLAIN.replace("name: tidy", "name: My Agent"), "lower-case letters"),
        (f"{AGENTS}/tidy.md", b"---\nname: tidy\ndescription: \xff\n---\n", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_adopted_is_refused_with_the_reason_and_the_others_too(
    agentpack: Agentpack, project: Path, path: str, content: str | bytes, reason: str
) -> None:
    write_tree(project, {f"{AGENTS}/fine.md": PLAIN.replace("name: tidy", "name: fine"), path: content})
    before = tree(project)
    ran = agentpack("adopt", f"{AGENTS}/fine.md", path, expect=2)
    assert reason in ran.err
    assert tree(project) == before


def test_what_is_missing_a_link_or_ours_already_is_refused(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    (project / AGENTS / "link.md").symlink_to("python-engineer.md")
    files = [f"{AGENTS}/{name}.md" for name in ("none", "link", "python-engineer")]
    err = agentpack("adopt", *files, expect=2).err
    assert "no such file" in err
    assert "it is a link" in err
    assert "manages it already" in err
