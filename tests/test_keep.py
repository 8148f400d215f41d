"""keep: local edits become a local variant; what a variant cannot say is named and nothing is written."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import tree, with_state, write_tree
from support.workflow_commands import commands_in

from agentpack.commands.keep import keep
from agentpack.commands.render import render
from agentpack.compose.parse import parse_sections, split_front_matter
from agentpack.environment import Environment, project_scope
from agentpack.errors import DecisionNeeded
from agentpack.workspace.workspace import Workspace

FILE = ".claude/agents/reviewer.md"
VARIANT = ".agentpack/variants/reviewer/local.md"
BODY = """\
You review {{ what }} with care. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say}
- Keep {{ what }} apart from opinion. {#apart}

A rule without an id.

### Depth {#depth}

- Go deep. {#deep}

## End {#end}

- Stop when done. {#stop}
"""
PARAMETERS = {"what": {"type": "string", "default": "data", "description": "What it reviews."}}
STRICT = variant_text("- Say exactly what you saw, with numbers. {#say}\n", summary="Strict.")


@pytest.fixture
def installed(agentpack: Agentpack, tmp_path: Path) -> Agentpack:
    def pack(version: str, body: str) -> dict[str, bytes]:
        return make_pack(
            "reviews",
            version,
            personas={"reviewer": persona_text(body=body, model="opus", color="blue", tools=["read", "search"])},
            variants={"reviewer/strict": STRICT},
            parameters=PARAMETERS,
        )

    publish(tmp_path / "packs", pack("1.0.0", BODY), pack("1.1.0", BODY.replace("when done", "when all is done")))
    agentpack("install", "reviews==1.0.0", "--source", str(tmp_path / "packs"), "--client", "claude")
    return agentpack


def edit(project: Path, *changes: tuple[str, str]) -> str:
    text = (project / FILE).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (project / FILE).write_text(text)
    return text


def test_of_other_packs_nothing_is_said(installed: Agentpack, project: Path, tmp_path: Path) -> None:
    """An edit there is no news for whoever names one pack."""
    personas = {"other": persona_text(name="other", body=BODY)}
    publish(tmp_path / "packs", make_pack("others", personas=personas, parameters=PARAMETERS))
    installed("install", "others", "--client", "claude")
    other = project / FILE.replace("reviewer", "other")
    other.write_text(other.read_text().replace("Keep data", "Hold data"))
    edit(project, ("Keep data", "Hold data"))
    for words in (["install", "reviews"], ["upgrade", "--yes", "reviews"], ["keep", "reviewer"]):
        said = installed(*words).err
        assert FILE in said and "other.md" not in said
    assert f"{other.relative_to(project)}  edited by hand" in installed("upgrade", "--yes").err


def test_a_changed_rule_becomes_a_replacement_by_id_and_the_placeholder_stays(
    installed: Agentpack, project: Path
) -> None:
    text = edit(project, ("Keep data apart from opinion.", "Keep data strictly apart from {{ opinion }}."))
    installed("keep", "reviewer")
    assert (project / FILE).read_text() == text
    assert "- Keep {{ what }} strictly apart from {{{{ opinion }}}}. {#apart}" in (project / VARIANT).read_text()
    assert "reviews[local]==1.0.0" in (project / "agentpack.yaml").read_text()
    edit(project, ("You review data with care.", "Here you review all data with great care."))
    installed("keep", "reviewer", "--as", "second")
    second = (project / VARIANT.replace("local", "second")).read_text()
    assert "Here you review all {{ what }} with great care. {#identity}" in second
    installed("diff")


def test_a_rule_is_known_again_where_diff_knows_it(installed: Agentpack, project: Path) -> None:
    edit(project, ("Look before you change.", "Look before the leap, always."))
    assert "~ look changed" in installed("diff", "--format", "rules", expect=1).out
    installed("keep", "reviewer")
    variant = (project / VARIANT).read_text()
    assert "- Look before the leap, always. {#look}" in variant
    assert "remove:" not in variant


def test_removed_and_new_rules_are_said(installed: Agentpack, project: Path) -> None:
    text = edit(
        project,
        ("- Look before you change.\n", ""),
        ("- Say what you saw.\n", "- Say what you saw.\n- Ask when in doubt.\n- Ask twice.\n"),
    )
    installed("keep", "reviewer")
    variant = (project / VARIANT).read_text()
    assert 'remove: ["look"]' in variant
    assert "- Ask when in doubt. {#ask-when-in-doubt after=say}" in variant
    assert "- Ask twice. {#ask-twice after=ask-when-in-doubt}" in variant
    assert (project / FILE).read_text() == text
    installed("diff")


def test_sections_can_be_added_retitled_and_taken_out(installed: Agentpack, project: Path) -> None:
    edit(
        project,
        ("### Depth\n\n- Go deep.\n\n", "## House\n\n- Wipe your feet.\n\nAnd smile.\n\n"),
        ("## End", "## The end"),
    )
    installed("keep", "reviewer")
    variant = (project / VARIANT).read_text()
    assert 'remove: ["depth"]' in variant
    assert "## House {#house before=end}" in variant
    assert "## The end {#end}" in variant
    installed("diff")


def test_known_header_fields_are_set(installed: Agentpack, project: Path) -> None:
    edit(
        project,
        ("model: opus", "model: ours/{{ best }}"),
        ("color: blue\n", "color: red\nmaxTurns: 7\n"),
        ('tools: "Read, Grep, Glob"', 'tools: "Read, Bash"'),
        ("Reviews data as reviewer.", "Reviews all: {{ x }}."),
    )
    installed("keep", "reviewer")
    installed("diff")
    variant = (project / VARIANT).read_text()
    assert '"tools": ["read", "shell"]' in variant
    assert '"clients": {"claude": {"maxTurns": 7}}' in variant


def test_an_upgrade_carries_the_edit_through_the_variant(installed: Agentpack, project: Path) -> None:
    edit(project, ("Look before you change.", "Look twice before you change."))
    installed("keep", "reviewer")
    installed("upgrade", "--latest", "--yes")
    text = (project / FILE).read_text()
    assert "Look twice before you change." in text
    assert "Stop when all is done." in text
    installed("diff")


@pytest.mark.parametrize("words", [("keep", "reviewer"), ("keep", "reviewer", "--as", "local")])
def test_a_second_keep_adds_to_the_variant_of_the_first(
    installed: Agentpack, project: Path, words: tuple[str, ...]
) -> None:
    edit(project, ("Say what you saw.", "Say what you saw, once."), ("Go deep.", "Go deeper."))
    installed("keep", "reviewer")
    text = edit(project, ("Say what you saw, once.", "Say what you saw, once more."), ("Stop when done.\n", "Stop.\n"))
    ran = installed(*words)
    assert f"  ~ {VARIANT}  updated\n" in ran.err
    written = (project / VARIANT).read_text()
    assert ("once more" in written, "Go deeper." in written, "- Stop. {#" in written, "order:" in written) == (
        (True,) * 3 + (False,)
    )
    assert [path.name for path in (project / VARIANT).parent.iterdir()] == ["local.md"]
    assert "reviews[local]==1.0.0" in (project / "agentpack.yaml").read_text()
    assert (project / FILE).read_text() == text
    installed("diff")
    installed("sync", "--locked", "--check")
    installed("rollback")
    assert "once more" not in (project / VARIANT).read_text()


def test_a_second_keep_after_an_upgrade_adds_to_the_variant_as_well(installed: Agentpack, project: Path) -> None:
    edit(project, ("Look before you change.", "Look twice before you change."))
    installed("keep", "reviewer")
    installed("upgrade", "--latest", "--yes")
    text = edit(project, ("Stop when all is done.", "Stop when all is said."))
    installed("keep", "reviewer")
    assert "reviews[local]" in (project / "agentpack.yaml").read_text()
    assert (project / FILE).read_text() == text
    assert {"Look twice", "all is said"} <= {
        words for words in ("Look twice", "all is said") if words in (project / VARIANT).read_text()
    }


def test_a_variant_that_somebody_wrote_in_is_left_alone_by_a_second_keep(installed: Agentpack, project: Path) -> None:
    edit(project, ("Say what you saw.", "Say what you saw, once."))
    installed("keep", "reviewer")
    variant = project / VARIANT
    variant.write_text(variant.read_text().replace('summary: "', 'summary: "Ours. '))
    installed("sync")
    first = variant.read_text()
    text = edit(project, ("Say what you saw, once.", "Say what you saw, once more."))
    assert "a variant `local` already exists" in installed("keep", "reviewer", "--as", "local", expect=2).err
    installed("keep", "reviewer")
    second = (project / VARIANT.replace("local", "local-2")).read_text()
    assert 'order: {"after": ["local"]}' in second
    assert variant.read_text() == first
    assert (project / FILE).read_text() == text
    installed("diff")


def test_a_second_keep_of_another_client_s_edit_reaches_every_client(installed: Agentpack, project: Path) -> None:
    installed("install", "reviews==1.0.0", "--client", "opencode", "--accept", "widened:opencode")
    edit(project, ("Say what you saw.", "Say what you saw, once."))
    installed("keep", "reviewer")
    other = project / ".opencode/agents/reviewer.md"
    other.write_text(other.read_text().replace("Go deep.", "Go deeper."))
    installed("keep", "reviewer")
    assert [path.name for path in (project / VARIANT).parent.iterdir()] == ["local.md"]
    for path in (other, project / FILE):
        assert "Go deeper." in path.read_text() and "once" in path.read_text()
    installed("diff")


def test_an_edit_over_a_variant_of_the_pack_does_not_disagree_with_it(installed: Agentpack, project: Path) -> None:
    installed("install", "reviews[strict]==1.0.0")
    edit(project, ("with numbers", "with numbers and dates"))
    installed("keep", "reviewer", "--as", "house")
    assert "reviews[house,strict]==1.0.0" in (project / "agentpack.yaml").read_text()
    installed("diff")


def test_comments_of_the_manifest_stay(installed: Agentpack, project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text("# ours\n" + manifest.read_text())
    edit(project, ("Go deep.", "Go deeper."))
    installed("keep", "reviewer")
    assert manifest.read_text().startswith("# ours\n")


def test_rollback_brings_back_the_edit_and_takes_the_variant_away(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go deeper."))
    before = tree(project)
    installed("keep", "reviewer")
    after = tree(project)
    installed("upgrade", "--latest", "--yes")
    installed("rollback", "3")
    assert tree(project) == after
    installed("rollback", "2")
    assert tree(project) == before
    installed("rollback", "3")
    assert tree(project) == after


def test_a_dry_run_prints_the_variant_and_writes_nothing(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go deeper."))
    before = tree(project, without=(".git",))
    out = installed("keep", "reviewer", "--dry-run").out
    assert "- Go deeper. {#deep}" in out
    after = tree(project, without=(".git", ".agentpack/state"))
    assert after == {path: data for path, data in before.items() if not path.startswith(".agentpack/state")}


def test_blank_lines_around_a_new_rule_become_those_of_the_pack(installed: Agentpack, project: Path) -> None:
    edit(project, ("- Go deep.\n", "- Go deep.\n\n- Go home.\n"))
    before = (project / FILE).read_bytes()
    assert "blank lines are now formatted by agentpack" in installed("keep", "reviewer").err
    assert "- Go deep.\n- Go home.\n" in (project / FILE).read_text()
    installed("diff")
    installed("rollback")
    assert (project / FILE).read_bytes() == before


def test_a_header_written_in_other_words_becomes_as_we_write_it(installed: Agentpack, project: Path) -> None:
    edit(project, ('"Reviews data as reviewer."', "Reviews everything"), ("Go deep.", "Go deeper."))
    assert "the words of the header are now formatted by agentpack" in installed("keep", "reviewer").err
    assert 'description: "Reviews everything"' in (project / FILE).read_text()
    installed("diff")


@pytest.mark.many
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("A rule without an id.", "A rule with a change.", "without an id"),
        (
            "- Look before you change.\n- Say what you saw.\n",
            "- Say what you saw.\n- Look before you change.\n",
            "the rule `look` was moved to another place",
        ),
        ("- Go deep.\n", "- Go deep.\n\n\n", "white space"),
        ("## Rules\n\n", "", "moved"),
        (
            "A rule without an id.\n\n### Depth\n\n",
            "### Depth\n\nA rule without an id.\n\n",
            "the rule “A rule without an id.” was moved to another place",
        ),
        ("name: reviewer", "name: other", "`as:`"),
        ("model: opus\n", "", "`model` was removed"),
        ("model: opus", "model: 'opus'", "agentpack writes the header differently"),
        ("color: blue", "color: plaid", "`color: plaid`"),
        ("color: blue\n", "color: blue\nwhatever: 1\n", "clients.claude.whatever"),
        ("- Go deep.\n", "- Go deep.  \n  Really.\n", "Go deep"),
        (
            re.compile("## Rules.*(?=### Depth)", re.DOTALL),
            "",
            "the heading “## Rules” was removed, but not everything below it",
        ),
        ("A rule without an id.\n\n", "", "a rule without an id was removed: “A rule without an id.”"),
        (re.compile("---.*?---\n", re.DOTALL), "", "the header was removed"),
        ("Go deep.", b"Go d\xffeep.", "no longer UTF-8"),
    ],
)
def test_what_a_variant_cannot_say_is_named_and_nothing_is_written(
    installed: Agentpack, project: Path, old: str | re.Pattern[str], new: str | bytes, reason: str
) -> None:
    file = project / FILE
    (found,) = re.findall(old, file.read_text())
    file.write_bytes(file.read_bytes().replace(found.encode(), new if isinstance(new, bytes) else new.encode()))
    before = tree(project)
    ran = installed("keep", "reviewer", expect=3)
    assert reason in ran.err
    assert tree(project) == before


BARE = """\
You review. {#identity}

## Without

First of all.

- Look. {#look}

## Also without

- Say. {#say}

## End {#end}

- Stop. {#stop}
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("## Without", "## With", "the heading “## Without” was changed and has no id"),
        ("## Also without\n\n- Say.\n\n", "", "the heading “## Also without” was removed and has no id"),
        ("## Without\n\n", "", "the heading “## Without” was removed"),
        ("First of all.", "Second.\n\nFirst of all.", "no rule with an id is next to the new one “Second.”"),
        ("## Also", "## House\n\n- Wipe.\n\n## Also", "no heading with an id is next to the new heading “## House”"),
    ],
)
def test_what_has_no_id_beside_it_cannot_be_said_by_a_variant(
    agentpack: Agentpack, project: Path, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    publish(tmp_path / "packs", make_pack("reviews", personas={"reviewer": persona_text(body=BARE)}))
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, (old, new))
    before = tree(project)
    assert reason in agentpack("keep", "reviewer", expect=3).err
    assert tree(project) == before


@pytest.mark.parametrize("others", ["", "## Also without\n\n- Do.\n\n"])
def test_a_rule_below_a_heading_without_an_id_is_said_by_the_first_such_heading(
    agentpack: Agentpack, project: Path, tmp_path: Path, others: str
) -> None:
    body = BARE.replace("## Also without", f"{others}## Also without").replace("- Say. {#say}", "- Say.")
    publish(tmp_path / "packs", make_pack("reviews", personas={"reviewer": persona_text(body=body)}))
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Say.\n", "- Say.\n\nNothing.\n"))
    if others:
        told = agentpack("keep", "reviewer", expect=3).err
        assert "the heading above the new rule “Nothing.” has no id" in told
        return
    patch = agentpack("keep", "reviewer", "--patch").out
    assert "\n - Say.\n \n+Nothing. {#nothing}\n+\n" in patch
    agentpack("keep", "reviewer")
    said = (project / ".agentpack/variants/reviewer/local.md").read_text()
    assert said.endswith("---\n## Also without\n\nNothing. {#nothing}\n")


def test_a_new_section_goes_behind_the_one_before_it_where_that_alone_has_an_id(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    body = BARE.replace("## Without", "## With {#with}")
    publish(tmp_path / "packs", make_pack("reviews", personas={"reviewer": persona_text(body=body)}))
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    text = edit(project, ("## Also", "## House\n\n- Wipe.\n\n## Also"))
    agentpack("keep", "reviewer")
    assert "## House {#house after=with}" in (project / VARIANT).read_text()
    assert (project / FILE).read_text() == text
    agentpack("diff")


@pytest.mark.many
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("- More.\n" * 140_000, "larger than 1,024 KiB"),
        (f"- {'More. ' * 90_000}\n", "more than 512 Ki characters"),
        ("- More.\n" * 5000, "more than 5,000 rules and headings"),
    ],
)
def test_a_file_too_large_for_a_variant_is_named_and_not_taken_apart(
    installed: Agentpack, project: Path, more: str, reason: str
) -> None:
    edit(project, ("- Go deep.\n", f"- Go deep.\n{more}"))
    assert reason in installed("keep", "reviewer", expect=3).err
    assert not (project / VARIANT).exists()


def test_a_header_that_is_no_longer_yaml_is_named_and_not_read_as_lines(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Some clients read it all the same; what each of them makes of it is not known."""
    installed("install", "reviews==1.0.0", "--client", "opencode")
    file = project / ".opencode/agents/reviewer.md"
    file.write_text(re.sub("description: .*", "description: Use when: it matters", file.read_text()))
    before = tree(project)
    ran = installed("keep", "reviewer", "--client", "opencode", expect=3)
    assert "the header is invalid" in ran.err
    assert tree(project) == before


def _stale(project: Path) -> None:
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ">=1.0.0"))


def _forged(project: Path) -> None:
    path = project / "agentpack.lock"
    path.write_text(re.sub(r'"capabilities": "[^"]*"', '"capabilities": "every-tool, hooks"', path.read_text()))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_stale, "agentpack.lock is out of date with agentpack.yaml"),
        (_forged, "the locked releases do not match agentpack.lock"),
    ],
)
def test_nothing_is_kept_beside_a_lock_that_is_not_up_to_date(
    installed: Agentpack, project: Path, harm: Callable[[Path], None], told: str
) -> None:
    """The variant would be made for another text than the one that was edited, and the lock be written anew."""
    edit(project, ("Go deep.", "Go deeper."))
    harm(project)
    before = with_state(project)
    for option in ((), ("--patch",)):
        assert told in installed("keep", "reviewer", *option, expect=3).err
    assert with_state(project) == before


def test_text_that_no_reader_sees_is_not_made_a_variant(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go\u200b deep."))
    before = with_state(project)
    assert "hidden text was added" in installed("keep", "reviewer", expect=3).err
    assert with_state(project) == before


AUTHOR = """---
name: Odd one
description: "Odd: {{ it }} is."
tools: Read,   Edit
color: magenta
---

You  work.

## How

- Ask {{ who }}.
"""
SAID_OF_AN_AGENT = {  # what is put for what, and the lines of the variant
    "a field": (("color: magenta", "color: red"), 'set: {"color": "red"}'),
    "a field of the client alone": (("---\n\nYou", "effort: high\n---\n\nYou"), '"effort": "high"'),
    "the description": (("is.", "is not {{ yet }}."), "{{ it }} is not {{ yet }}."),
    "a section": (
        ("who }}.\n", "who }}.\n\n## Ours\n\n- Say {{ what }}.\n"),
        "## Ours {#ours}\n\n- Say {{ what }}. {#say",
    ),
    "a rule at the end of a section": (
        ("- Ask {{ who }}.\n", "- Ask {{ who }}.\n- Say {{ what }}.\n- Stop.\n"),
        "---\n- Say {{ what }}. {#say-what after=theirs-ask-who}\n- Stop. {#stop after=say-what}\n",
    ),
    "a paragraph in a section": (
        ("- Ask {{ who }}.\n", "- Ask {{ who }}.\n\nAnd wait.\n"),
        "---\nAnd wait. {#and-wait after=theirs-ask-who}\n",
    ),
    "text": (("You  work.", "You do."), "---\nYou do. {#theirs-you-work}\n"),
    "a rule": (("- Ask {{", "- Say.\n- Ask {{"), "---\n- Say. {#say before=theirs-ask-who}\n"),
    "a rule in between": (
        ("You  work.", "Hello.\n\nYou  work."),
        "---\nHello. {#hello before=theirs-you-work}\n",
    ),
    "a heading": (
        ("## How", "## Ours\n\n- Say.\n\n## How"),
        "---\n## Ours {#ours before=theirs-how}\n\n- Say. {#say}\n",
    ),
    "a heading changed": (("## How", "## Why"), "---\n## Why {#theirs-how}\n"),
    "a rule less": (("\n## How\n\n- Ask {{ who }}.\n", ""), 'remove: ["theirs-how"]'),
}
UNSAID_OF_AN_AGENT = {
    "a rule moved": (
        ("You  work.\n\n## How\n\n- Ask {{ who }}.\n", "## How\n\n- Ask {{ who }}.\n\nYou  work.\n"),
        "the rule `theirs-you-work` was moved to another place",
    ),
    "a field less": (("color: magenta\n", ""), "the field `color` was removed"),
    "the name": (("Odd one", "Even one"), "`as:` in agentpack.yaml gives a persona another name"),
}


@pytest.fixture
def collected(agentpack: Agentpack, project: Path) -> Agentpack:
    """An agent of a collection."""
    write_tree(project / "kit", {"agents/odd.md": AUTHOR})
    agentpack("install", "./kit", "--client", "claude")
    return agentpack


def edit_collected(project: Path, was: str, now: str) -> str:
    path = project / ".claude/agents/odd-one.md"
    path.write_text(AUTHOR.replace(was, now))
    return path.read_text()


@pytest.mark.many
@pytest.mark.parametrize("case", SAID_OF_AN_AGENT)
def test_of_an_agent_of_a_collection_fields_and_sections_at_the_end_are_kept(
    collected: Agentpack, project: Path, case: str
) -> None:
    (was, now), said = SAID_OF_AN_AGENT[case]
    edited = edit_collected(project, was, now)
    assert "agentpack keep kit " in collected().err
    for words in (("diff",), ("sync", "--locked", "--check"), ("sync", "--locked")):
        assert "`agentpack keep` turns" in collected(*words, expect=None).err, words
    collected("keep", "odd-one")
    assert said in (project / ".agentpack/variants/odd-one/local.md").read_text()
    path = project / ".claude/agents/odd-one.md"
    assert path.read_text().replace('"', "") == edited.replace('"', "")
    collected("sync", "--locked")
    (project / "kit/agents/odd.md").write_text(AUTHOR.replace("You  work.", "You work on."))
    collected("upgrade", "--yes")
    assert path.read_text().replace('"', "") == edited.replace("You  work.", "You work on.").replace('"', "")
    collected("sync", "--locked")


def test_a_rule_added_to_a_section_of_a_collection_s_agent_follows_its_section(
    agentpack: Agentpack, project: Path
) -> None:
    """It follows the rule before it, to another heading too, and else the section of that heading."""
    text = AUTHOR + "\n## Why\n\n- Because.\n\n## How\n\n- Ask again.\n"
    write_tree(project / "kit", {"agents/odd.md": text})
    agentpack("install", "./kit", "--client", "claude")
    path = project / ".claude/agents/odd-one.md"
    path.write_text(text.replace("who }}.\n", "who }}.\n- Say.\n"))
    agentpack("keep", "odd-one")
    moved = text.replace("\n## How\n\n- Ask {{ who }}.\n", "") + "- Ask more.\n"
    (project / "kit/agents/odd.md").write_text(moved)
    agentpack("upgrade", "--yes")
    assert path.read_text() == moved + "- Say.\n"
    (project / "kit/agents/odd.md").write_text(moved.replace("## How", "## So"))
    agentpack("upgrade", "--yes")
    assert path.read_text() == moved.replace("## How", "## So") + "- Say.\n"
    said = (project / ".agentpack/variants/odd-one/local.md").read_text()
    assert said.endswith("\n---\n- Say. {#say after=theirs-ask-more}\n")
    agentpack("sync", "--locked")


def test_an_item_between_numbered_ones_is_kept_without_the_others(agentpack: Agentpack, project: Path) -> None:
    """Whoever renumbers the author's items would have them in the variant, and miss what becomes of them."""
    text = AUTHOR.replace("- Ask {{ who }}.\n", "1. Ask.\n2. Do.\n3. Tell.\n")
    write_tree(project / "kit", {"agents/odd.md": text})
    agentpack("install", "./kit", "--client", "claude")
    path = project / ".claude/agents/odd-one.md"
    path.write_text(text.replace("2. Do.\n3. Tell.", "2. Mine.\n3. Do.\n4. Tell."))
    before = with_state(project)
    told = agentpack("keep", "odd-one", expect=3).err
    assert "  “2. Do.” has another number: leave the number as it was, Markdown counts by itself\n" in told
    assert "  “3. Tell.” has another number" in told
    assert with_state(project) == before
    path.write_text(text.replace("2. Do.", "2. Mine.\n2. Do."))
    agentpack("keep", "odd-one")
    said = (project / ".agentpack/variants/odd-one/local.md").read_text()
    assert said.endswith("---\n2. Mine. {#2-mine after=theirs-1-ask}\n")
    (project / "kit/agents/odd.md").write_text(text.replace("3. Tell.", "3. Tell all."))
    agentpack("upgrade", "--yes")
    assert path.read_text() == text.replace("2. Do.", "2. Mine.\n2. Do.").replace("3. Tell.", "3. Tell all.")


def test_keep_is_named_for_an_adopted_agent_and_where_it_works_for_one_of_two_packs(
    agentpack: Agentpack, project: Path
) -> None:
    """What a variant cannot say of one pack hides nothing about the other."""
    write_tree(project, {".claude/agents/odd-one.md": AUTHOR, "kit/agents/even.md": AUTHOR.replace("Odd", "Even")})
    agentpack("adopt")
    agentpack("install", "./kit", "--client", "claude")
    even = project / ".claude/agents/even-one.md"
    even.write_text(even.read_text().replace("color: magenta\n", ""))
    edited = edit_collected(project, *SAID_OF_AN_AGENT["a section"][0])
    told = agentpack()
    assert "agentpack keep kit " not in told.err
    (command,) = re.findall(r"^  agentpack (keep \S+) ", told.err, re.M)
    for words in (("diff",), ("sync", "--locked", "--check"), ("sync", "--locked")):
        assert "`agentpack keep` turns" in agentpack(*words, expect=None).err, words
    agentpack(*command.split())
    assert (project / ".claude/agents/odd-one.md").read_text() == edited


def test_of_several_agents_each_that_cannot_be_kept_is_named_and_how_the_others_are(
    agentpack: Agentpack, project: Path
) -> None:
    names = ("one", "two", "three", "four")
    agents = {name: AUTHOR.replace("Odd one", name) for name in names}
    write_tree(project / "kit", {f"agents/{name}.md": text for name, text in agents.items()})
    agentpack("install", "./kit", "--client", "claude")
    for name, case in zip(names, (UNSAID_OF_AN_AGENT, SAID_OF_AN_AGENT) * 2, strict=True):
        was, now = next(iter(case.values()))[0]
        (project / f".claude/agents/{name}.md").write_text(agents[name].replace(was, now))
    before = with_state(project)
    told = agentpack("keep", "kit", "--as", "house", expect=3).err
    assert with_state(project) == before
    reason = next(iter(UNSAID_OF_AN_AGENT.values()))[1]
    assert [line.partition(":")[0] for line in told.splitlines() if reason in line] == ["  one", "  three"]
    ways = re.findall(r"`agentpack (keep \w+ --as house)`", told)
    assert ways == ["keep four --as house", "keep two --as house"]
    assert "keep the edits of the other agents" in told
    for way in ways:
        agentpack(*way.split())
    told = agentpack("keep", "kit", expect=3).err
    assert "other agents" not in told
    assert agentpack("diff", "--stat", expect=1).out.count("edited by hand") == 2


@pytest.mark.many
@pytest.mark.parametrize("case", UNSAID_OF_AN_AGENT)
def test_what_a_variant_cannot_say_of_an_agent_of_a_collection_is_a_patch(
    collected: Agentpack, project: Path, case: str
) -> None:
    (was, now), told = UNSAID_OF_AN_AGENT[case]
    edited = edit_collected(project, was, now)
    before = with_state(project)
    ran = collected("keep", "odd-one", expect=3)
    assert told in ran.err
    assert "`agentpack keep odd-one --patch`" in ran.err
    assert with_state(project) == before
    for words in ((), ("diff",), ("sync", "--locked", "--check"), ("sync", "--locked")):
        ran = collected(*words, expect=None)
        assert "edited" in ran.out + ran.err
        assert ("`agentpack keep kit` says which edits cannot become a local variant" in ran.err) == (words != ())
        assert "`agentpack keep` turns" not in ran.err
    patch = collected("keep", "odd-one", "--patch").out
    subprocess.run(["git", "apply", "-p1", "--directory=kit", "-"], input=patch, text=True, cwd=project, check=True)
    assert (project / "kit/agents/odd.md").read_text() == edited


def test_a_patch_of_an_agent_fits_the_line_ends_and_the_variant_of_its_file(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project / "kit", {"agents/odd.md": AUTHOR.replace("\n", "\r\n").removesuffix("\r\n")})
    write_tree(project, {".agentpack/variants/odd-one/house.md": "---\nsummary: x\nset: {model: haiku}\n---\n"})
    agentpack("install", "kit[house]", "--source", "kit", "--client", "claude")
    mine = project / ".claude/agents/odd-one.md"
    mine.write_bytes(mine.read_bytes().replace(b"Ask", b"First ask"))
    patch = agentpack("keep", "odd-one", "--patch").out
    (project / "one.patch").write_bytes(patch.encode())
    subprocess.run(["git", "apply", "-p1", "--directory=kit", "one.patch"], cwd=project, check=True)
    text = AUTHOR.replace("Ask", "First ask").replace("\n", "\r\n").removesuffix("\r\n")
    assert (project / "kit/agents/odd.md").read_bytes() == text.encode()


def test_an_edit_that_has_no_place_in_the_author_s_file_is_named(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {"agents/odd.md": AUTHOR})
    write_tree(project, {".agentpack/variants/odd-one/house.md": "---\nsummary: x\nset: {model: haiku}\n---\n"})
    agentpack("install", "kit[house]", "--source", "kit", "--client", "claude,opencode")
    mine, other = project / ".claude/agents/odd-one.md", project / ".opencode/agents/odd-one.md"
    before = other.read_text()
    other.write_text(before.replace("You  work.", "You work on."))
    ran = agentpack("keep", "odd-one", "--patch", expect=None)
    assert "odd-one: .opencode/agents/odd-one.md is not the author's own file" in ran.err
    other.write_text(before)
    mine.write_text(mine.read_text().replace("haiku", "sonnet"))
    ran = agentpack("keep", "odd-one", "--patch", expect=None)
    assert "odd-one: .claude/agents/odd-one.md changes text that a variant or `as:` already changes" in ran.err


def test_an_edit_of_a_pack_that_only_others_require_says_how_it_can_be_kept(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    publish(
        tmp_path / "packs",
        make_pack("needed"),
        make_pack("needy", personas={"writer": persona_text("writer")}, requires=["needed"]),
    )
    agentpack("install", "needy", "--source", str(tmp_path / "packs"), "--client", "claude")
    text = edit(project, ("Say what you saw.", "Say all that you saw."))
    assert "hint: run `agentpack install needed` first" in agentpack("keep", "reviewer", expect=2).err
    agentpack("install", "needed")
    agentpack("keep", "reviewer")
    assert (project / FILE).read_text() == text


def test_a_list_in_other_words_is_not_kept_as_a_choice_of_tools(installed: Agentpack, project: Path) -> None:
    """A later release may take a tool away."""
    tools = next(line for line in (project / FILE).read_text().splitlines() if line.startswith("tools:"))
    names = ", ".join(name.strip() for name in tools.removeprefix("tools:").replace('"', "").split(","))
    edit(project, (tools, f"tools: [{names}]"), ("Go deep.", "Go deeper."))
    installed("keep", "reviewer")
    assert "tools" not in (project / VARIANT).read_text()


def test_a_new_rule_does_not_take_the_id_of_one_in_a_variant_that_is_not_used(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    extra = variant_text("- Ask first, and twice. {#ask-first after=look}\n")
    publish(tmp_path / "packs", make_pack(variants={"reviewer/extra": extra}))
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Say what you saw.\n", "- Say what you saw.\n- Ask first.\n"))
    agentpack("keep", "reviewer")
    agentpack("install", "data-reviewer[extra,local]")
    text = (project / FILE).read_text()
    assert "- Ask first.\n" in text
    assert "- Ask first, and twice.\n" in text


def test_an_edited_rule_still_goes_with_its_parameter(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    flag = {"compose": {"type": "boolean", "default": True, "description": "Whether there is a compose file."}}
    body = (
        "You look. {#identity}\n\n- Stop. {#stop}\n- Use it. {#use when=compose}\n- Write one. {#write when=!compose}\n"
    )
    personas = {"reviewer": persona_text(body=body)}
    publish(tmp_path / "packs", make_pack(personas=personas, parameters=flag))
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Use it.\n", "- Use it well.\n"))
    agentpack("keep", "reviewer")
    agentpack("install", "data-reviewer", "--set", "compose=false")
    assert "- Write one.\n" in (project / FILE).read_text()
    assert "Use it" not in (project / FILE).read_text()
    agentpack("install", "data-reviewer", "--set", "compose=true")
    assert "- Use it well.\n" in (project / FILE).read_text()


def test_keeping_again_changes_nothing(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go deeper."))
    installed("keep", "reviewer", "--as", "house")
    before = with_state(project)
    assert installed("keep", "reviewer", "--as", "house").err.endswith("no local edits; nothing to change\n")
    assert with_state(project) == before


# Edits of several clients' files.

OTHER = ".opencode/agents/reviewer.md"


@pytest.fixture
def both(installed: Agentpack, project: Path) -> Agentpack:
    """A rule of each client's file edited, and one of both in two ways."""
    installed("install", "reviews", "--client", "claude", "--client", "opencode")
    for path, word, old, new in (
        (FILE, "deeper", "Say what you saw.", "Say all that you saw."),
        (OTHER, "deepest", "Look before you change.", "Look twice before you change."),
    ):
        text = (project / path).read_text().replace("Go deep.", f"Go {word}.").replace(old, new)
        (project / path).write_text(text)
    return installed


def test_edits_that_differ_between_clients_want_one_to_be_named(both: Agentpack, project: Path) -> None:
    before = with_state(project)
    ran = both("keep", "reviewer", expect=3)
    assert f"{FILE}, for claude" in ran.err
    assert f"{OTHER}, for opencode" in ran.err
    assert "hint: choose the edit to keep: `--client claude` or `--client opencode`" in ran.err
    assert with_state(project) == before


@pytest.mark.parametrize(("client", "word"), [("claude", "deeper"), ("opencode", "deepest")])
def test_where_the_other_client_s_edit_says_something_else_it_is_a_conflict(
    both: Agentpack, project: Path, client: str, word: str
) -> None:
    before = with_state(project)
    ran = both("keep", "reviewer", "--client", client, expect=3)
    other = FILE if client == "opencode" else OTHER
    assert f"{other}: was edited where the new text changes too" in ran.err
    assert f"{{+{word}+}}" in ran.err
    assert "`--on-conflict keep` keeps that client's text, and `--on-conflict theirs` takes the variant's" in ran.err
    assert with_state(project) == before


@pytest.mark.parametrize(("decision", "word"), [("keep", "deepest"), ("theirs", "deeper")])
def test_the_other_client_s_file_takes_the_variant_in_and_keeps_what_else_was_edited(
    both: Agentpack, project: Path, decision: str, word: str
) -> None:
    mine = (project / FILE).read_text()
    both("keep", "reviewer", "--client", "claude", "--on-conflict", decision)
    assert (project / FILE).read_text() == mine
    text = (project / OTHER).read_text()
    assert "- Say all that you saw.\n" in text
    assert "- Look twice before you change.\n" in text
    assert f"- Go {word}.\n" in text
    assert "reviews[local]==1.0.0" in (project / "agentpack.yaml").read_text()
    both("keep", "reviewer", "--client", "opencode")
    both("diff")
    assert "- Look twice before you change.\n" in (project / FILE).read_text()


def test_a_client_without_an_edit_has_nothing_to_keep(both: Agentpack, project: Path) -> None:
    both("install", "reviews", "--client", "gemini")
    before = with_state(project)
    ran = both("keep", "reviewer", "--client", "gemini")
    assert ran.err.endswith("reviewer has no local edits for gemini; nothing to change\n")
    assert "there is no client `nobody`" in both("keep", "reviewer", "--client", "nobody", expect=2).err
    assert "takes `keep` or `theirs`" in both("keep", "reviewer", "--on-conflict", "edit", expect=2).err
    assert with_state(project) == before


def test_the_patch_says_the_edit_of_the_client_that_is_named(both: Agentpack) -> None:
    assert "deeper" in both("keep", "reviewer", "--patch").out
    assert "deepest" in both("keep", "reviewer", "--patch", "--client", "opencode").out


def test_an_edit_of_a_file_that_is_older_than_the_lock_waits_for_a_sync(installed: Agentpack, project: Path) -> None:
    """The variant would be made of the difference between two releases."""
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ""))
    installed("lock", "--upgrade")
    edit(project, ("Look before you change.", "Look twice."))
    before = tree(project)
    for more in ((), ("--patch",)):
        assert "run `agentpack sync` first" in installed("keep", "reviewer", *more, expect=3).err
    assert tree(project) == before
    installed("sync")
    installed("keep", "reviewer")
    assert "when all is done" not in (project / VARIANT).read_text()


@pytest.mark.many
@pytest.mark.parametrize("by", ["", "reviewer", "reviews", FILE])
@pytest.mark.parametrize("there", ["nothing", "a folder", "a byte-order mark", "CRLF"])
def test_a_file_without_other_words_has_no_edit_to_keep(
    installed: Agentpack, project: Path, there: str, by: str
) -> None:
    file = project / FILE
    text = file.read_bytes()
    file.unlink()
    if there == "a folder":
        file.mkdir()
    elif there != "nothing":
        file.write_bytes(text.replace(b"\n", b"\r\n") if there == "CRLF" else b"\xef\xbb\xbf" + text)
    before = tree(project)
    what = f"{by} has" if by else "there are"
    told = installed("keep", *filter(None, [by])).err.splitlines()[1:]
    assert told == [f"{what} no local edits; nothing to change"]
    assert tree(project) == before


def test_without_an_edit_there_is_nothing_to_keep(installed: Agentpack) -> None:
    assert "no local edits" in installed("keep", "reviewer").err


def test_an_unknown_client_is_exit_2_with_a_near_one(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go deeper."))
    err = installed("keep", "reviewer", "--client", "cluade", expect=2).err
    assert "no client `cluade`" in err
    assert "did you mean `claude`?" in err


def test_an_unknown_name_is_exit_2_with_a_near_one(installed: Agentpack) -> None:
    assert "`reviewer`" in installed("keep", "reviwer", expect=2).err


def test_a_name_that_is_taken_is_refused(installed: Agentpack, project: Path) -> None:
    edit(project, ("Go deep.", "Go deeper."))
    assert "a variant `strict` already exists" in installed("keep", "reviewer", "--as", "strict", expect=2).err
    assert "not a valid variant name" in installed("keep", "reviewer", "--as", "My Own", expect=2).err


def test_a_name_that_another_persona_has_is_taken_while_nobody_asks_for_that_variant(
    installed: Agentpack, project: Path
) -> None:
    """It would come into use as well, since a variant is asked for by its name."""
    text = variant_text("- More. {#more}\n")
    write_tree(project, {f".agentpack/variants/other/{name}.md": text for name in ("house", "local")})
    edit(project, ("Stop when done.", "Stop when all is said."))
    assert "a variant `house` already exists" in installed("keep", "reviewer", "--as", "house", expect=2).err
    installed("keep", "reviewer")
    assert (project / ".agentpack/variants/reviewer/local-2.md").exists()


def test_a_variant_that_lies_there_unused_is_not_brought_into_use(installed: Agentpack, project: Path) -> None:
    write_tree(project, {VARIANT: STRICT})
    edit(project, ("Go deep.", "Go deeper."))
    installed("keep", "reviewer")
    assert "reviews[local-2]==1.0.0" in (project / "agentpack.yaml").read_text()
    assert (project / VARIANT).read_text() == STRICT


def test_local_variants_whose_folder_is_gone_are_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/reviewer/house.md": STRICT})
    installed("install", "reviews[house]==1.0.0")
    installed("diff")
    shutil.rmtree(project / ".agentpack/variants")
    for command in ("diff", "sync --check"):
        assert "the local variant `house` of reviewer is gone" in installed(*command.split(), expect=1).out


def test_a_renamed_persona_keeps_its_edit_under_its_own_name(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack())
    manifest = "schema: 1\nclients: [claude]\nsources:\n  - {name: acme, path: ../packs}\npacks:\n"
    manifest += "  - require: data-reviewer\n    as: {reviewer: critic}\n"
    write_tree(project, {"agentpack.yaml": manifest})
    agentpack("sync")
    file = project / ".claude/agents/critic.md"
    file.write_text(file.read_text().replace("Say what", "Tell what"))
    agentpack("keep", "critic")
    assert (project / VARIANT).is_file()
    agentpack("diff")


def test_the_patch_applies_to_the_source_of_the_pack_and_gives_the_edited_text(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    text = edit(
        project,
        ("Keep data apart", "Keep data well apart"),
        ("- Look before you change.\n", ""),
        ("- Say what you saw.\n", "- Say what you saw.\n- Ask when in doubt.\n"),
        ("### Depth", "### Depths"),
        ("- Stop when done.\n", "- Stop when done.\n\n## House\n\n- Wipe your feet.\n"),
    )
    before = tree(project)
    patch = installed("keep", "reviewer", "--patch").out
    assert tree(project) == before
    source = tmp_path / "packs/reviews/1.0.0"
    subprocess.run(["patch", "-p1"], input=patch, text=True, cwd=source, check=True, capture_output=True)
    assert "- Keep {{ what }} well apart from opinion. {#apart}" in (source / "personas/reviewer.md").read_text()
    elsewhere = write_tree(
        tmp_path / "other", {"agentpack.yaml": "schema: 1\nsources: [{name: acme, path: ../packs}]\n"}
    )
    assert installed("render", "reviews==1.0.0", "--client", "claude", cwd=elsewhere).out == text


PATCHES = {
    "the first rule": [("- Look before you change.\n", "")],
    "the last section": [("\n## End\n\n- Stop when done.\n", "")],
    "a section with the one below it": [
        ("## Rules\n\n- Look before you change.\n- Say what you saw.\n- Keep data apart from opinion.\n", ""),
        ("\nA rule without an id.\n\n### Depth\n\n- Go deep.\n\n", ""),
    ],
    "a section with the one below it, and a rule behind both": [
        ("## Rules\n\n- Look before you change.\n- Say what you saw.\n- Keep data apart from opinion.\n", ""),
        ("\nA rule without an id.\n\n### Depth\n\n- Go deep.\n\n", ""),
        ("- Stop when done.\n", "- Stop when all is done.\n"),
    ],
    "the section below another": [("### Depth\n\n- Go deep.\n\n", "")],
    "new rules behind new rules": [("- Go deep.\n", "- Go deep.\n- And deeper.\n- And up.\n\nThen rest.\n")],
    "a new rule with what would be a parameter": [("- Look before", "- Ask of {{ what }}.\n- Look before")],
    "rules before the first": [("- Look before", "- Ask first.\n- Look before")],
    "a section before another": [("## End\n", "## House\n\n- Wipe your feet.\n\n## End\n")],
    "a text at the end": [("- Stop when done.\n", "- Stop when done.\n\nGood night.\n")],
    "words before a parameter": [("You review data", "You always review data")],
    "words on both sides of a parameter": [("You review data with", "You always review data with great")],
    "a text before the first rule": [("- Look before", "Mind this.\n\n- Look before")],
}


@pytest.mark.campaign
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", PATCHES)
def test_whatever_was_edited_the_patch_makes_the_author_s_text_say_it(
    installed: Agentpack, project: Path, tmp_path: Path, name: str, end: str
) -> None:
    """In the line ends that the author's files have."""
    source = tmp_path / "packs/reviews/1.0.0/personas/reviewer.md"
    source.write_bytes(source.read_bytes().replace(b"\n", end.encode()))
    text = edit(project, *PATCHES[name])
    ran = installed("keep", "reviewer", "--patch")
    assert "not in the patch" not in ran.err
    folder = source.parents[1]
    words = ["patch", "-p1", "--binary"]
    subprocess.run(words, input=ran.out.encode(), cwd=folder, check=True, capture_output=True)
    assert source.read_bytes().count(b"\n") == source.read_bytes().count(end.encode())
    assert source.read_bytes().endswith(end.encode())
    elsewhere = write_tree(
        tmp_path / "other", {"agentpack.yaml": "schema: 1\nsources: [{name: acme, path: ../packs}]\n"}
    )
    out = installed("render", "reviews==1.0.0", "--client", "claude", cwd=elsewhere).out.replace(end, "\n")
    assert "{{ what }}" in source.read_text().partition("## Rules")[0]
    assert without_blank_lines(out) == without_blank_lines(text)


def test_what_comes_from_another_pack_is_named_and_not_put_into_this_one_s_patch(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    base = persona_text("base", "You look. {#identity}\n\n- Ask first. {#ask}\n\n## End {#end}\n\n- Stop. {#stop}\n")
    ours = persona_text("reviewer", "- Say what you saw. {#say}\n", extends="basics>=1")
    publish(
        tmp_path / "packs",
        make_pack("basics", personas={"base": base}),
        make_pack("reviews", personas={"reviewer": ours}, requires=["basics>=1"]),
    )
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(
        project,
        ("Ask first.", "Ask always."),
        ("Say what you saw.", "Say all that you saw."),
        ("## End", "## H\n\n- A.\n\n## End"),
    )
    ran = agentpack("keep", "reviewer", "--patch")
    assert "the change of `ask`: the rule is not part of this pack's file" in ran.err
    assert "the new section “## H”: its neighbours are not part of this pack's file" in ran.err
    changed = [line for line in ran.out.splitlines() if line.startswith(("+", "-"))]
    assert changed == [
        "--- a/personas/reviewer.md",
        "+++ b/personas/reviewer.md",
        "-- Say what you saw. {#say}",
        "+- Say all that you saw. {#say}",
    ]


def test_an_edit_of_what_a_variant_of_the_pack_says_goes_into_the_variant_s_file(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    installed("install", "reviews[strict]==1.0.0")
    edit(project, ("with numbers", "with numbers and dates"), ("Go deep.", "Go deeper."))
    patch = installed("keep", "reviewer", "--patch").out
    source = tmp_path / "packs/reviews/1.0.0"
    subprocess.run(["patch", "-p1"], input=patch, text=True, cwd=source, check=True, capture_output=True)
    text = (source / "variants/reviewer/strict.md").read_text()
    assert text == STRICT.replace("with numbers", "with numbers and dates")
    assert (source / "personas/reviewer.md").read_text() == persona_text(
        body=BODY.replace("Go deep.", "Go deeper."), model="opus", color="blue", tools=["read", "search"]
    )


def test_a_first_rule_of_a_text_without_headings_goes_below_the_header_of_the_author_s_file(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    author = persona_text("reviewer", "- Look. {#look}\n")
    publish(tmp_path / "packs", make_pack("reviews", personas={"reviewer": author}))
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Look.\n", "Be kind.\n"))
    source = tmp_path / "packs/reviews/1.0.0"
    patch = agentpack("keep", "reviewer", "--patch").out
    subprocess.run(["patch", "-p1"], input=patch, text=True, cwd=source, check=True, capture_output=True)
    said = [line for line in (source / "personas/reviewer.md").read_text().split("---\n")[2].splitlines() if line]
    assert said == ["Be kind. {#be-kind}"]


def test_what_is_taken_out_or_put_beside_text_from_elsewhere_is_named_beside_the_patch(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    base = persona_text("base", "- Ask first. {#ask}\n- Ask again. {#again}\n\n## End {#end}\n\n- Stop. {#stop}\n")
    ours = persona_text("reviewer", "- Say what you saw. {#say}\n", extends="basics>=1")
    publish(
        tmp_path / "packs",
        make_pack("basics", personas={"base": base}),
        make_pack("reviews", personas={"reviewer": ours}, requires=["basics>=1"]),
    )
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Ask again.\n", "- Ask the others.\n- And wait for it.\n"), ("- Stop.\n", ""))
    ran = agentpack("keep", "reviewer", "--patch", expect=None)
    assert "removing `stop`" in ran.err
    assert "the new rule “- And wait for it.”: its neighbours are not part of this pack's file" in ran.err
    assert "Ask" not in ran.out


def test_a_pack_with_files_that_are_no_text_has_a_patch_all_the_same(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack("reviews", files={"docs/picture.png": b"\x89PNG\xff"}))
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(project, ("- Say what you saw.", "- Say all that you saw."))
    assert "+- Say all that you saw. {#say}\n" in agentpack("keep", "reviewer", "--patch").out


def test_what_has_no_place_in_the_patch_is_named(installed: Agentpack, project: Path) -> None:
    edit(project, ("model: opus", "model: sonnet"))
    assert "not in the patch: reviewer: the field `model`" in installed("keep", "reviewer", "--patch").err


# A law: whatever the edit, keeping it gives the edited text again, or says why not.

WORDS = st.text("abc {}#`*-_.é", min_size=1, max_size=20).map(lambda text: "x" + text.strip())


def apply(text: str, edits: list[tuple[str, int, str]]) -> str:
    """Change, delete or insert rules at random places of a rendered file."""
    parts = split_front_matter(text)
    assert parts is not None
    pieces: list[tuple[str, str, str]] = []
    for section in parse_sections(parts[1]):
        pieces.append(("heading", section.heading, section.gap))
        pieces += [(rule.kind, rule.text, rule.gap) for rule in section.rules]
    for kind, at, words in edits:
        index = 1 + at % (len(pieces) - 1)
        old = pieces[index]
        if kind == "change":
            pieces[index] = (old[0], f"{old[1]} {words}", old[2])
        elif kind == "delete":
            gap = max(pieces[index - 1][2], old[2], key=len)
            pieces[index - 1] = (*pieces[index - 1][:2], gap)
            del pieces[index]
        elif kind == "insert":
            gap = old[2] if old[0] != "heading" else "\n\n"
            pieces[index] = (*old[:2], "\n" if old[0] == "item" else "\n\n")
            pieces.insert(index + 1, ("item", f"- {words}", gap))
        elif kind == "section":
            pieces[index] = (*old[:2], "\n\n")
            pieces.insert(index + 1, ("heading", f"## {words}", "\n\n"))
        if len(pieces) < 3:
            break
    return text[: len(text) - len(parts[1])] + "".join(text + gap for _, text, gap in pieces)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the bundled persona installed, to be copied."""
    return tmp_path_factory.mktemp("prepared")


@pytest.mark.campaign
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(["change", "delete", "insert", "section"]), st.integers(0, 500), WORDS),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_keeping_any_edit_gives_the_edited_text_or_a_reason(
    prepared: Path, home: Path, edits: list[tuple[str, int, str]]
) -> None:
    if not (prepared / ".git").exists():
        (prepared / ".git").mkdir()
        Agentpack(prepared)("install", "python-engineer[strict-typing]==1.0.0", "--client", "claude")
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(f"{folder}/project")
        shutil.copytree(prepared, root)
        file = Path(root, ".claude/agents/python-engineer.md")
        text = apply(file.read_text(), edits)
        file.write_text(text)
        environment = Environment(str(home), root, {}, interactive=False)
        workspace = Workspace(environment, project_scope(root, "a test"))
        before = tree(Path(root))
        try:
            kept = keep(workspace, "python-engineer")
        except DecisionNeeded as refusal:
            assert refusal.details
            assert tree(Path(root)) == before
            return
        assert without_blank_lines(file.read_text()) == without_blank_lines(text)
        if kept.variants:
            rendered = render(workspace, "python-engineer[local,strict-typing]==1.0.0", client="claude")
            assert rendered.content.decode() == file.read_text()


def without_blank_lines(text: str) -> list[str]:
    """What a variant can say of a text."""
    return [line for line in text.split("\n") if line.strip()]


def test_an_edit_of_one_of_several_personas_is_kept(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    personas = {name: persona_text(name) for name in ("alpha", "beta")}
    publish(tmp_path / "packs", make_pack("crew", personas=personas))
    agentpack("install", "crew", "--source", str(tmp_path / "packs"))
    place = project / ".claude/agents/alpha.md"
    edited = place.read_text().replace("Look before", "Look twice before")
    place.write_text(edited)
    agentpack("keep", "alpha", "--as", "house")
    assert place.read_text() == edited
    agentpack("diff")
    agentpack("sync", "--locked")
    assert "Look twice" not in (project / ".claude/agents/beta.md").read_text()


# A later release.


@pytest.fixture
def released(installed: Agentpack, tmp_path: Path) -> Agentpack:
    """A release that retitles a section, changes one rule, drops another and has a new one in its place."""
    body = BODY.replace("## Rules", "## The rules").replace("- Look before you change. {#look}\n", "")
    body = body.replace("- Say what you saw. {#say}", "- Ask first. {#ask}\n- Say what you saw. {#say}")
    personas = {"reviewer": persona_text(body=body, model="opus", color="blue", tools=["read", "search"])}
    publish(
        tmp_path / "packs",
        make_pack("reviews", "2.0.0", personas=personas, variants={"reviewer/strict": STRICT}, parameters=PARAMETERS),
    )
    return installed


def test_a_variant_holds_nothing_that_was_not_edited(released: Agentpack, project: Path) -> None:
    edit(project, ("- Say what you saw.", "- Say what you saw, to all."), ("- Go deep.\n", "- Go deep.\n- And up.\n"))
    released("keep", "reviewer")
    variant = (project / VARIANT).read_text()
    assert "#" not in "".join(line.partition("{")[0] for line in variant.splitlines())
    assert len(variant.split("---\n")[2].splitlines()) == 2
    released("upgrade", "--latest", "--yes")
    text = (project / FILE).read_text()
    assert "## The rules\n\n- Ask first.\n- Say what you saw, to all.\n" in text
    assert "- Go deep.\n- And up.\n" in text


def test_the_variant_is_written_anew_where_a_release_moved_its_rules(released: Agentpack, project: Path) -> None:
    edit(project, ("- Look before you change.\n", "- Look before you change.\n- Then look again.\n"))
    released("keep", "reviewer")
    assert "{#then-look-again after=look}" in (project / VARIANT).read_text()
    before = tree(project)
    assert f"{VARIANT}  updated" in released("upgrade", "--latest", "--dry-run").err
    assert tree(project) == before
    ran = released("upgrade", "--latest", "--yes")
    assert "no longer has" not in ran.err
    assert "- Then look again. {#then-look-again after=ask}" in (project / VARIANT).read_text()
    assert "## The rules\n\n- Ask first.\n- Then look again.\n" in (project / FILE).read_text()
    released("diff")
    released("sync", "--locked")
    released("rollback")
    assert tree(project) == before


def test_an_edit_of_a_rule_that_is_gone_stays_and_is_told(released: Agentpack, project: Path) -> None:
    edit(project, ("- Look before you change.", "- Look twice before you change."))
    released("keep", "reviewer")
    assert (
        "changes a place that your variant changes too; your text is kept: “- Look twice before you change.” (the new "
        "release: nothing)\n"
    ) in released("upgrade", "--latest", "--yes").err
    assert "- Look twice before you change.\n" in (project / FILE).read_text()
    released("diff")


def test_a_variant_of_the_user_is_named_by_its_path(installed: Agentpack, home: Path, tmp_path: Path) -> None:
    installed("install", "reviews==1.0.0", "--source", str(tmp_path / "packs"), "--client", "claude", "--user")
    edit(home, ("- Stop when done.", "- Stop when told."))
    installed("keep", "reviewer", "--user")
    told = installed("upgrade", "--latest", "--yes", "--user").err
    assert "note: ~/.config/agentpack/variants/reviewer/local.md: reviews 1.1.0 changes a place" in told


def test_an_edit_of_a_rule_that_the_release_changes_too_stays_and_is_told(installed: Agentpack, project: Path) -> None:
    edit(project, ("- Stop when done.", "- Stop when told."))
    installed("keep", "reviewer")
    for words in (("upgrade", "--latest", "--dry-run"), ("upgrade", "--latest", "--yes")):
        assert (
            f"{VARIANT}: reviews 1.1.0 changes a place that your variant changes too; your text is kept: “- Stop when "
            "told.” (the new release: “- Stop when all is done.”)\n"
        ) in installed(*words).err
    assert "- Stop when told.\n" in (project / FILE).read_text()
    installed("diff")


@pytest.mark.many
@pytest.mark.parametrize(("places", "more"), [(2, ""), (3, ""), (4, ", and 1 more"), (5, ", and 2 more")])
def test_of_many_places_that_both_changed_the_first_ones_are_told(
    agentpack: Agentpack, project: Path, tmp_path: Path, places: int, more: str
) -> None:
    """Each by the words that differ, even far back in a rule."""
    long = "that every test of the project is to be run before anybody looks at what was changed there"
    for version, word in (("1.0.0", "one"), ("1.1.0", "other")):
        rules = "".join(f"- Rule {number}: {long}, {word} way {{#r{number}}}\n" for number in range(places))
        publish(tmp_path / "packs", make_pack("reviews", version, personas={"reviewer": persona_text(body=rules)}))
    agentpack("install", "reviews==1.0.0", "--client", "claude", "--source", str(tmp_path / "packs"))
    file = project / FILE
    file.write_text(file.read_text().replace("one way", "my way"))
    agentpack("keep")
    told = agentpack("install", "reviews@latest").err
    shown = "“… was changed there, my way” (the new release: “… was changed there, other way”)"
    said = f"{places} places that your variant changes too; your text is kept: {', '.join([shown] * min(places, 3))}"
    assert f"{said}{more}\n" in told


HOUSE = """\
---
summary: Ours.
remove: [look]
---
- Then look again. {#again after=look}
"""


def test_a_local_variant_whose_file_is_gone_is_told_whatever_others_are_there(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack(personas={name: persona_text(name) for name in ("one", "two")}))
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    for name in ("one", "two"):
        with (project / f".claude/agents/{name}.md").open("a") as file:
            file.write("\nMore.\n")
        agentpack("keep", name, "--as", f"mine-{name}")
    (project / ".agentpack/variants/two/mine-two.md").unlink()

    def hint(name: str) -> str:
        return (
            "hint: its file is gone, and may never have been committed: restore .agentpack/variants, or run `agentpack "
            f'uninstall "data-reviewer[{name}]"` to remove the variant\n'
        )

    unknown = "error: `data-reviewer` has no variant `mine-two`\n  its variants: mine-one\n"
    for words in (("sync",), ("lock",), ("upgrade", "--yes"), ("install", "data-reviewer")):
        assert agentpack(*words, expect=4).err == f"project {project}\n{unknown}{hint('mine-two')}"
    asked = agentpack("install", "data-reviewer[mine-onr]", expect=4).err
    assert asked.endswith(hint("mine-two"))  # it stays asked for
    agentpack("uninstall", "data-reviewer[mine-two]")
    (project / ".agentpack/variants/one/mine-one.md").unlink()
    unknown = "error: `data-reviewer` has no variant `mine-one`\n  it has no variants\n"
    assert agentpack("sync", expect=4).err == f"project {project}\n{unknown}{hint('mine-one')}"
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("[mine-one]", "[other]"))
    assert "hint: its file" not in agentpack("sync", expect=4).err


def test_an_id_that_a_later_release_no_longer_has_is_a_note(released: Agentpack, project: Path) -> None:
    write_tree(project, {VARIANT: HOUSE})
    released("install", "reviews[local]==1.0.0")
    ran = released("upgrade", "--latest", "--yes")
    assert f"{VARIANT}: reviews 2.0.0 no longer has `look`: nothing to remove" in " ".join(ran.err.split())
    assert "no longer has `look`: `again` was moved to the end" in " ".join(ran.err.split())
    assert (project / VARIANT).read_text() == HOUSE, "what a person wrote is not rewritten"
    assert (project / FILE).read_text().endswith("- Stop when done.\n- Then look again.\n")
    released("diff")
    assert released("sync", "--locked").err.count("no longer has") == 0, "told once, with the change"
    write_tree(project, {VARIANT: HOUSE.replace("after=look", "after=lokk")})
    ran = released("sync", expect=2)
    assert "there is no rule or section `look`" in ran.err, "whoever changes a variant is told again"
    assert "`lokk`" in ran.err


def test_a_variant_that_was_changed_by_hand_is_not_rewritten(released: Agentpack, project: Path) -> None:
    edit(project, ("- Say what you saw.", "- Say what you saw, to all."))
    released("keep", "reviewer")
    text = (project / VARIANT).read_text().replace("to all", "to everybody")
    write_tree(project, {VARIANT: text})
    released("sync")
    released("upgrade", "--latest", "--yes")
    assert (project / VARIANT).read_text() == text
    assert "- Say what you saw, to everybody.\n" in (project / FILE).read_text()


def test_variants_over_one_another_follow_a_release_together(released: Agentpack, project: Path) -> None:
    edit(project, ("- Say what you saw.", "- Say what you saw, to all."))
    released("keep", "reviewer")
    edit(project, (", to all.\n", ", to all and at once.\n- Then rest.\n"), ("# Rules", "# House rules"))
    text = (project / FILE).read_text()
    released("keep", "reviewer")
    assert (project / FILE).read_text() == text
    released("install", "reviews==2.0.0")
    text = (project / FILE).read_text()
    assert "- Ask first.\n- Say what you saw, to all and at once.\n- Then rest.\n" in text
    assert "## House rules\n" in text
    released("diff")
    released("sync", "--locked")


def _of(name: str, *changes: tuple[str, str]) -> str:
    """A file of an agent with two rules of several lines, with these changes."""
    rules = ("- Look before you change. {#look}", "- Say what you saw. {#say}")
    body = "".join(f"{rule}\n  Line two.\n  Line three.\n" for rule in rules)
    for old, new in changes:
        body = body.replace(old, new)
    return persona_text(name, body=f"Of {name}. {{#identity}}\n\n{body}")


def test_of_several_variants_each_follows_the_release_of_its_pack_where_it_can(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """One agent is gone, one variant was changed by hand since, and one is of a pack that stays."""
    newer, names = ("Line three", "The new line three"), ("auditor", "checker", "reviewer")
    older = make_pack("reviews", personas={name: _of(name) for name in names})
    later = make_pack("reviews", "2.0.0", personas={name: _of(name, newer) for name in names[1:]})
    others = (make_pack("others", number, personas={"other": _of("other")}) for number in ("1.0.0", "2.0.0"))
    packs = publish(tmp_path / "packs", older, later, *others)
    asked = ("others==1.0.0", "reviews==1.0.0")
    agentpack("install", *asked, "--client", "claude", "--client", "codex", "--source", str(packs))
    for name in (*names, "other"):
        file = project / f".claude/agents/{name}.md"
        file.write_text(file.read_text().replace("Look before", "Look twice before"))
        agentpack("keep", name)
    edit(project, ("Say what", "Say all that"))
    agentpack("keep", "reviewer", "--as", "second")
    by_hand = (project / VARIANT).read_text().replace("Look twice", "Look thrice")
    write_tree(project, {VARIANT: by_hand})
    assert agentpack("install", "reviews==2.0.0").err.splitlines()[1:] == [
        "reviews 1.0.0 [local, second] -> 2.0.0 [local, second]",
        "  - .claude/agents/auditor.md  removed",
        "  ~ .claude/agents/checker.md  updated",
        "  ~ .claude/agents/reviewer.md  updated",
        "  - .codex/agents/auditor.toml  removed",
        "  ~ .codex/agents/checker.toml  updated",
        "  ~ .codex/agents/reviewer.toml  updated",
        "  ~ agentpack.yaml  updated",
        "  ~ agentpack.lock  updated",
        "  ~ .agentpack/variants/checker/local.md  updated",
        "  ~ .agentpack/variants/reviewer/second.md  updated",
        "note: .agentpack/variants/checker/local.md: rewritten for reviews 2.0.0, so that your edits stay",
        "note: .agentpack/variants/reviewer/second.md: rewritten for reviews 2.0.0, so that your edits stay",
        "note: your local variant .agentpack/variants/auditor/local.md is no longer used, because the agent `auditor` "
        "of reviews is not installed any more; delete the file unless you need it",
        "generation 13; `agentpack rollback` undoes it",
    ]
    old, new = (f"  Line two.\n  {line}.\n" for line in newer)
    look, say = "- Look twice before you change.", "- Say what you saw."
    variants = {str(path.relative_to(project)): path.read_text() for path in project.glob(".agentpack/variants/*/*.md")}
    assert {path.split("/", 2)[2]: text.split("---\n")[2] for path, text in variants.items()} == {
        "auditor/local.md": f"{look} {{#look}}\n{old}",
        "checker/local.md": f"{look} {{#look}}\n{new}",
        "other/local-2.md": f"{look} {{#look}}\n{old}",
        "reviewer/local.md": by_hand.split("---\n")[2],
        "reviewer/second.md": f"- Say all that you saw. {{#say}}\n{new}",
    }
    texts = {path.stem: path.read_text().split("\n\n", 1)[1] for path in project.glob(".claude/agents/*.md")}
    assert texts == {
        "checker": f"{look}\n{new}{say}\n{new}",
        "other": f"{look}\n{old}{say}\n{old}",
        "reviewer": f"- Look thrice before you change.\n{old}- Say all that you saw.\n{new}",
    }
    agentpack("diff")


LONG = "- Look before you change. {#look}\n  Line two.\n  Line three.\n  Line four.\n  Line five.\n"
"""A rule of several lines, of which each can be edited alone."""


def publish_long(agentpack: Agentpack, version: str, *changes: tuple[str, str]) -> None:
    """A release whose first rule is `LONG`, with these changes."""
    body = BODY.replace("- Look before you change. {#look}\n", LONG)
    for old, new in changes:
        assert old in body
        body = body.replace(old, new)
    pack = make_pack("reviews", version, personas={"reviewer": persona_text(body=body)}, parameters=PARAMETERS)
    publish(agentpack.folder.parent / "packs", pack)


def test_two_edits_and_a_release_that_change_one_rule_in_different_lines_all_stay(
    installed: Agentpack, project: Path
) -> None:
    publish_long(installed, "2.0.0")
    installed("install", "reviews==2.0.0", "--accept", "every-tool")
    for old, new in (("Look before", "Look twice before"), ("Line five", "My line five")):
        edit(project, (old, new))
        installed("keep", "reviewer")
    publish_long(installed, "2.1.0", ("Line three", "The new line three"))
    assert "your text is kept" not in installed("upgrade", "--latest", "--yes").err
    rule = "- Look twice before you change.\n  Line two.\n  The new line three.\n  Line four.\n  My line five.\n"
    assert rule in (project / FILE).read_text()
    installed("diff")


def test_an_edit_of_a_renamed_persona_follows_a_release(agentpack: Agentpack, project: Path) -> None:
    publish_long(agentpack, "2.0.0")
    publish_long(agentpack, "2.1.0", ("Line three", "The new line three"))
    manifest = "schema: 1\nclients: [claude]\nsources: [{name: acme, path: ../packs}]\npacks:\n"
    manifest += "  - require: reviews==2.0.0\n    as: {reviewer: critic}\n"
    write_tree(project, {"agentpack.yaml": manifest})
    agentpack("sync")
    file = project / ".claude/agents/critic.md"
    edited = file.read_text().replace("Look before", "Look twice before")
    file.write_text(edited)
    agentpack("keep", "critic")
    agentpack("upgrade", "--latest", "--yes")
    assert file.read_text() == edited.replace("Line three", "The new line three")
    agentpack("diff")


def test_a_variant_follows_a_release_where_clients_are_only_found(released: Agentpack, tmp_path: Path) -> None:
    """Whether each of them takes the pack is tried first, and with the variant as it was."""
    manifest = "schema: 1\nsources: [{name: acme, path: ../packs}]\npacks: [reviews==1.0.0]\n"
    found = {".claude/settings.json": "{}", ".opencode/opencode.json": "{}"}
    project = write_tree(tmp_path / "found", {"agentpack.yaml": manifest, **found})
    agentpack = Agentpack(project)
    agentpack("sync")
    edit(project, ("- Look before you change.\n", "- Look before you change.\n- Then look again.\n"))
    agentpack("keep", "reviewer", "--client", "claude")
    agentpack("upgrade", "--latest", "--yes")
    for file in (FILE, ".opencode/agents/reviewer.md"):
        assert "- Ask first.\n- Then look again.\n- Say what you saw.\n" in (project / file).read_text()
    agentpack("diff")


def test_a_merged_text_that_no_variant_says_leaves_the_variant_as_it_is(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    """The user took out one of two rules, the release the other: no variant says the heading that is left."""
    two = BODY.replace("- Go deep. {#deep}\n", "- Go deep. {#deep}\n- Come back. {#back}\n")
    for version, body in (("2.0.0", two), ("3.0.0", two.replace("- Come back. {#back}\n", ""))):
        personas = {"reviewer": persona_text(body=body, tools=["read"])}
        publish(tmp_path / "packs", make_pack("reviews", version, personas=personas, parameters=PARAMETERS))
    installed("install", "reviews==2.0.0")
    edit(project, ("- Go deep.\n", ""))
    installed("keep", "reviewer")
    before = (project / VARIANT).read_text()
    told = " ".join(installed("install", "reviews==3.0.0").err.split())
    assert f"{VARIANT}: cannot be merged with reviews 3.0.0; the variant is used as it is: read {FILE}, and" in told
    assert (project / VARIANT).read_text() == before
    installed("diff")


def test_looking_at_a_newer_release_leaves_the_lock_up_to_date(released: Agentpack, project: Path) -> None:
    edit(project, ("- Look before you change.\n", "- Look before you change.\n- Then look again.\n"))
    released("keep", "reviewer")
    manifest = (project / "agentpack.yaml").read_text()
    (project / "agentpack.yaml").write_text(manifest.replace("==1.0.0", ">=1.0.0"))
    released("lock")
    before = with_state(project)
    out = released("diff", "--upgrade", expect=1).out
    assert "    - Then look again.\n" in out, "a line that stays"
    assert released("status", "--json").envelope["data"]["stale"] == []
    assert with_state(project) == before


def test_a_variant_that_no_longer_can_be_merged_is_used_as_it_stands_and_told(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    edit(project, ("- Say what you saw.", "- Say what you saw, to all."))
    installed("keep", "reviewer")
    before = (project / VARIANT).read_text()
    personas = {"reviewer": persona_text(body=BODY.replace(" {#say}", ""), model="opus", tools=["read", "search"])}
    publish(tmp_path / "packs", make_pack("reviews", "2.0.0", personas=personas, parameters=PARAMETERS))
    ran = installed("upgrade", "--latest", "--yes")
    told = " ".join(ran.err.split())
    assert f"{VARIANT}: cannot be merged with reviews 2.0.0; the variant is used as it is: read {FILE}, and" in told
    assert (project / VARIANT).read_text() == before
    assert "- Say what you saw, to all.\n" in (project / FILE).read_text()


def test_a_variant_that_is_right_as_it_is_needs_no_note(agentpack: Agentpack, project: Path) -> None:
    """Release and variant both add to the end of an agent of a collection: the variant's text follows its rule."""
    agent = agent_text("one", "Work.")
    write_tree(project / "kit", {"agents/one.md": agent})
    agentpack("install", "./kit", "--client", "claude")
    file = project / ".claude/agents/one.md"
    file.write_text(agent + "\nAsk me.\n")
    agentpack("keep")
    before = (project / ".agentpack/variants/one/local.md").read_text()
    (project / "kit/agents/one.md").write_text(agent + "\nRest.\n")
    assert "local.md" not in agentpack("upgrade", "--yes").err
    assert file.read_text() == agent + "\nAsk me.\n\nRest.\n"
    assert (project / ".agentpack/variants/one/local.md").read_text() == before
    (project / "kit/agents/one.md").write_text(agent + "\nRest on.\n")
    assert "local.md" not in agentpack("upgrade", "--yes").err


def test_a_variant_whose_release_is_gone_is_used_as_it_is_and_told(
    released: Agentpack, project: Path, tmp_path: Path
) -> None:
    edit(project, ("- Say what you saw.", "- Say what you saw, to all."))
    released("keep", "reviewer")
    before = (project / VARIANT).read_bytes()
    shutil.rmtree(tmp_path / "packs/reviews/1.0.0")
    ran = released("upgrade", "--latest", "--yes")
    assert "the local variants of reviews cannot be merged and stay unchanged: no source has reviews 1.0.0" in ran.err
    assert (project / VARIANT).read_bytes() == before
    assert "- Ask first.\n- Say what you saw, to all.\n" in (project / FILE).read_text()


def test_a_variant_that_is_being_changed_by_hand_is_left_to_its_author(released: Agentpack, project: Path) -> None:
    """No command has met what was written since, though `keep` could have written it."""
    edit(project, ("- Look before you change.\n", "- Look before you change.\n- Then look again.\n"))
    released("keep", "reviewer")
    text = (project / VARIANT).read_text().replace("look again", "look twice").replace("look-again", "look-twice")
    write_tree(project, {VARIANT: text})
    before = tree(project)
    err = released("upgrade", "--latest", "--yes", expect=2).err
    assert f"{VARIANT}:4: then-look-twice: there is no rule or section `look`" in err
    assert tree(project) == before


def test_a_variant_of_any_client_s_edit_follows_a_release(installed: Agentpack, project: Path) -> None:
    """Codex's file says more than Claude Code's can, so that only for Codex the variant says all of the edit."""
    publish_long(installed, "2.0.0")
    clients = ("--client", "claude", "--client", "codex")
    installed("install", "reviews==2.0.0", *clients, "--accept", "every-tool")
    codex = project / ".codex/agents/reviewer.toml"
    text = codex.read_text().replace("Look before", "Look twice before")
    codex.write_text('model_reasoning_effort = "high"\n' + text)
    installed("keep", "reviewer", "--client", "codex")
    publish_long(installed, "2.1.0", ("Line four", "The new line four"))
    assert "your text is kept" not in installed("upgrade", "--latest", "--yes").err
    for path in (project / FILE, codex):
        text = path.read_text()
        assert "- Look twice before you change.\n  Line two.\n  Line three.\n  The new line four.\n" in text
    assert 'model_reasoning_effort = "high"' in codex.read_text()
    installed("diff")


def test_without_a_name_the_only_edited_pack_is_kept(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "python-reviewer", "--client", "claude")
    assert agentpack("keep").err.endswith("there are no local edits; nothing to change\n")
    engineer, reviewer = (project / f".claude/agents/{name}.md" for name in ("python-engineer", "python-reviewer"))
    engineer.write_text(engineer.read_text() + "\n- Mine.\n")
    before = reviewer.read_text()
    reviewer.write_text(before + "\n- Mine.\n")
    assert "hint: `agentpack keep python-engineer`" in agentpack("keep", expect=2).err
    reviewer.write_text(before)
    agentpack("keep")
    assert (project / ".agentpack/variants/python-engineer/local.md").exists()


def test_a_file_can_be_named_by_its_path(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "--client", "claude,codex")
    path = ".claude/agents/python-engineer.md"
    (project / path).write_text((project / path).read_text() + "\n- Mine.\n")
    assert path in agentpack("diff", path, expect=1).out
    assert ".codex" not in agentpack("explain", f"./{path}").out
    agentpack("keep", path)
    assert (project / ".agentpack/variants/python-engineer/local.md").exists()


def test_a_file_that_was_managed_before_is_not_called_newly_managed(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "--client", "claude")
    file = project / ".claude/agents/python-engineer.md"
    file.write_text(file.read_text() + "\n- Mine.\n")
    assert ".claude/agents/python-engineer.md  unchanged\n" in agentpack("keep").err


@pytest.mark.parametrize("top", ["", "---\nsummary: Ours.\n---\n"])
def test_a_local_variant_needs_no_ids(agentpack: Agentpack, project: Path, top: str) -> None:
    """Its rules stand below the section of the same heading, else in a new one, and can be named and edited."""
    agentpack("install", "python-engineer==1.1.0", "--client", "claude")
    file, folder = project / ".claude/agents/python-engineer.md", project / ".agentpack/variants/python-engineer"
    heading = next(line for line in file.read_text().splitlines() if line.startswith("## "))
    folder.mkdir(parents=True)
    rules = f"{heading}\n\n- Use structlog for it.\n\n## House\n\n- Wipe your feet.\n- Wipe your feet twice.\n"
    (folder / "house.md").write_text(top + rules)
    (folder / "team.md").write_text(f"{top}## House\n\n- Wipe your feet at home.\n")
    agentpack("install", "python-engineer[house,team]==1.1.0")
    text = file.read_text()
    assert text.count(f"{heading}\n") == 1
    assert text.index("- Use structlog for it.\n") < text.index("\n## House\n")
    own = "\n## House\n\n- Wipe your feet.\n- Wipe your feet twice.\n\n## House\n\n- Wipe your feet at home.\n"
    assert text.endswith(own)
    assert "house-wipe-your-feet-twice" in agentpack("explain", "python-engineer", "--json").out
    file.write_text(text.replace("feet twice.", "feet, and knock.") + "- Mine.\n")
    agentpack("keep")
    assert file.read_text() == text.replace("feet twice.", "feet, and knock.") + "- Mine.\n"
    agentpack("diff")


def test_a_header_that_has_no_end_is_told_also_in_a_local_variant(agentpack: Agentpack, project: Path) -> None:
    file = project / ".agentpack/variants/python-engineer/house.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\nsummary: Ours.\n\n- Mine.\n")
    assert "missing front matter" in agentpack("install", "python-engineer[house]", "-c", "claude", expect=2).err


def test_a_local_variant_is_checked_as_one(agentpack: Agentpack, project: Path) -> None:
    folder = ".agentpack/variants/python-engineer"
    files = {
        f"{folder}/bare.md": "- Mine.\n",
        f"{folder}/bad.md": "---\nsummary: Ours.\nremove: [nothing]\n---\n- {{ nobody }}\n",
        f"{folder}/none.md": "---\nsummary: Ours.\nremove: [nothing]\n---\n",
        f"{folder}/hidden.md": "- Mi\u200bne.\n",
    }
    write_tree(project, files)
    refused = agentpack("pack", "check", f"{folder}/bare.md", expect=2).err
    assert f"`{folder}/bare.md` is a variant of `python-engineer`, which is not installed here" in refused
    agentpack("install", "python-engineer==1.1.0", "--client", "claude")
    told = agentpack("pack", "check", f"{folder}/bare.md").err
    assert f"{folder}/bare.md: local variant of python-engineer, no problems found\n" in told
    found = agentpack("pack", "check", ".agentpack/variants", "--json", expect=1).envelope["data"]
    assert (found["packs"], found["agent_files"]) == ([], [])
    rows = [row for one in found["local_variants"] for row in one["findings"]]
    assert [(row["file"], row["line"], row["rule"]) for row in rows] == [
        (f"{folder}/bad.md", 5, "P101"),
        (f"{folder}/hidden.md", 1, "P101"),
        (f"{folder}/none.md", 0, "P101"),
    ]
    annotated = commands_in(agentpack("pack", "check", ".agentpack/variants", "--format", "github", expect=1).out)
    assert [(one.name, one.properties["file"]) for one in annotated] == [
        ("error", f"{folder}/{name}.md") for name in ("bad", "hidden", "none")
    ]
    below = project / "below"
    below.mkdir()
    assert f"../{folder}/none.md: P101 remove: there is no rule or section `nothing`\n" in (
        agentpack("pack", "check", f"../{folder}/none.md", cwd=below, expect=1).out
    )


BELOW = ["\n## House rules\n\n- Log with structlog.\n", "- Log with structlog.\n", "\nSo.\n", "\n### Deeper\n\n- So.\n"]
"""What somebody may append to a file."""


@pytest.mark.many
@pytest.mark.parametrize("client, path", [("claude", ".claude/agents/{}.md"), ("codex", ".codex/agents/{}.toml")])
@pytest.mark.parametrize("more", BELOW)
def test_what_stands_below_the_generated_list_of_skills_is_kept_above_it(
    agentpack: Agentpack, project: Path, more: str, client: str, path: str
) -> None:
    agentpack("install", "python-engineer==3.0.0", "--client", client)
    file = project / path.format("python-engineer")
    released = file.read_text()
    end = "\n" if client == "claude" else "\n'''\n"
    text = released.removesuffix(end) + "\n" + more + end[1:]
    file.write_text(text)
    said = agentpack("keep").err
    name = path.format("python-engineer")
    assert f"note: {name}: your lines move above `## Skills`, which agentpack writes at the end\n" in said
    kept = file.read_text()
    own, heading, generated = released.partition("## Skills\n")
    assert kept.endswith(heading + generated)
    between = "" if more.startswith("-") else "\n"
    assert kept == f"{own.rstrip()}\n{between}{more.strip()}\n\n{heading}{generated}"
    agentpack("sync")
    assert file.read_text() == kept
    assert "all unchanged" in agentpack("status").out


def test_what_stands_among_the_generated_list_of_skills_is_kept_above_it(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==3.0.0", "--client", "claude")
    file = project / ".claude/agents/python-engineer.md"
    released = file.read_text()
    file.write_text(released.replace("## Skills\n\n", "## Skills\n\n- First.\n") + "- Last.\n\n## More\n")
    agentpack("keep")
    own, heading, generated = released.partition("## Skills\n")
    assert file.read_text() == f"{own.rstrip()}\n- First.\n- Last.\n\n## More\n\n{heading}{generated}"


@pytest.mark.many
@pytest.mark.parametrize("client, path", [("claude", ".claude/agents/{}.md"), ("codex", ".codex/agents/{}.toml")])
@pytest.mark.parametrize("since", ["2.1.0", "3.0.0"])
@pytest.mark.parametrize("more", BELOW)
def test_an_upgrade_puts_what_was_appended_above_the_generated_list_of_skills(
    agentpack: Agentpack, project: Path, more: str, since: str, client: str, path: str
) -> None:
    accepted = [part for word in ("skills", "every-tool", "widened:codex") for part in ("--accept", word)]
    agentpack("install", f"python-engineer=={since}", "--client", client, *accepted)
    file = project / path.format("python-engineer")
    released, end = file.read_text(), "\n" if client == "claude" else "\n'''\n"
    file.write_text(released.removesuffix(end) + "\n" + more + end[1:])
    variant = project / ".agentpack/variants/python-engineer/team.md"
    variant.parent.mkdir(parents=True)
    variant.write_text("---\nsummary: Team.\n---\n## Team {#team}\n\n- We. {#we}\n")
    agentpack("install", "python-engineer[team]==3.0.0", *accepted)
    text = file.read_text()
    assert "\n- We.\n" in text
    assert text.index(more.strip()) < text.index("## Skills\n")
    assert text.endswith(f"`.{end}")
    agentpack("keep")
    assert file.read_text() == text


def test_a_rule_that_is_a_skill_elsewhere_is_said_to_be_read_only_there(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    body = "# One {#one}\n\n## Rules {#rules}\n\n- Look. {#look}\n\n## Deep {#deep}\n\n- Think. {#think}\n"
    persona = persona_text("one", body=body, modules={"deep": "the task is deep"})
    publish(tmp_path / "packs", make_pack("kit", personas={"one": persona}, agentpack=">=0.2"))
    agentpack("install", "kit", "--source", str(tmp_path / "packs"), "--client", "claude,cursor")
    inline, skill = project / ".cursor/agents/one.md", ".claude/skills/one-deep/SKILL.md"
    note = f"note: {skill}: your edit is only read here when the skill is loaded"
    inline.write_text(inline.read_text().replace("- Look.\n", "- Look.\n- Everywhere.\n"))
    assert note not in agentpack("keep").err
    inline.write_text(inline.read_text() + "- Think twice.\n")
    assert note in agentpack("keep").err
    (project / skill).write_text((project / skill).read_text() + "- Once more.\n")
    assert note not in agentpack("keep").err
