"""`diff` says what differs between disk and lock, before an upgrade, and between releases, and writes nothing.

Conflicts are shown, and merged by hand in a copy.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import warm
from support.many import Job, run_all
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import marks, write_tree

from agentpack.cli.merge_tool import markers_left
from agentpack.commands.upgrade import MergeSides
from agentpack.disk.version_control import own_settings
from agentpack.merge import merge
from agentpack.merge.markers import MarkerLabels, with_markers

FILE = ".claude/agents/reviewer.md"
OLD = """\
You review data. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say}
- Keep facts apart. {#apart}

## End {#end}

- Stop when done. {#stop}
"""
NEW = OLD.replace("Say what you saw.", "Say exactly what you saw.").replace(
    "- Stop when done. {#stop}\n", "- Stop when done. {#stop}\n- Leave nothing behind. {#leave}\n"
)
STRICT = variant_text(
    "## Rules {#rules}\n\n- Look twice before you change. {#look}\n", summary="Strict.", set={"model": "opus"}
)


def pack(version: str, body: str) -> dict[str, bytes]:
    return make_pack(
        "reviews",
        version,
        personas={"reviewer": persona_text(body=body, model="sonnet", tools=["read", "search"])},
        variants={"reviewer/strict": STRICT},
    )


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return publish(tmp_path / "packs", pack("1.0.0", OLD), pack("1.1.0", NEW))


@pytest.fixture
def installed(agentpack: Agentpack, packs: Path) -> Agentpack:
    agentpack("install", "reviews==1.0.0", "--source", str(packs), "--client", "claude")
    return agentpack


def edit(agentpack: Agentpack, old: str, new: str, path: str = FILE) -> None:
    place = agentpack.folder / path
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_bytes(text.replace(old, new).encode())


def git(folder: Path, *words: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["git", *words], cwd=folder, input=data, check=True, capture_output=True).stdout


# -- disk against lock -------------------------------------------------------------------------------------------------


def test_nothing_differs_right_after_an_install(installed: Agentpack) -> None:
    ran = installed("diff", expect=0)
    assert (ran.out, ran.err) == ("", f"project {installed.folder}\nnothing differs\n")
    assert installed("diff", real=True, expect=0) == ran


@pytest.mark.parametrize("words", [["diff"], ["diff", "--upgrade"]])
def test_that_nothing_is_installed_is_said(agentpack: Agentpack, words: list[str]) -> None:
    assert agentpack(*words, expect=0).err == f"project {agentpack.folder}\nnothing is installed here\n"
    assert agentpack(*words, "--json").envelope["data"]["empty"] is True


def test_the_check_of_sync_does_not_pass_in_a_folder_without_a_manifest(agentpack: Agentpack) -> None:
    ran = agentpack("sync", "--check", expect=2)
    assert ran.err.splitlines()[1:] == agentpack("sync", "--locked", expect=2).err.splitlines()[1:]
    assert "there is no agentpack.yaml\nhint: " in ran.err


def test_an_edit_is_shown_under_its_heading_with_the_changed_words_marked(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    ran = installed("diff", expect=1)
    assert ran.out == (
        f"{FILE}  edited by hand  +1 -1\n"
        "  ## Rules\n"
        "    - Look before you change.\n"
        "  - - Say what you saw.\n"
        "  + - Say what you {+really+} saw.\n"
        "    - Keep facts apart.\n"
    )
    assert ran.err == (
        f"project {installed.folder}\n"
        "locked -> disk: 1 file differs\n"
        "hint: an edit survives `agentpack upgrade`; `agentpack keep` turns it into a local variant\n"
    )


def test_rules_and_fields_are_told_with_id_section_and_origin(installed: Agentpack) -> None:
    edit(installed, "- Say what you saw.\n- Keep facts apart.\n", "- Say what you really saw.\n- Ask who reads it.\n")
    edit(installed, "model: sonnet", "model: opus")
    edit(installed, "Read, Grep, Glob", "Read, Bash")
    assert installed("diff", "--format", "rules", expect=1).out == (
        f"{FILE}  edited by hand\n"
        "  ~ tools +Bash -Grep -Glob  (local edit)\n"
        "  ~ model sonnet -> opus  (local edit)\n"
        "  ~ say changed  Rules  (local edit)\n"
        "    + Say what you {+really+} saw.\n"
        "  - apart removed  Rules  (local edit)\n"
        "      Keep facts apart.\n"
        "  + (no id) added  Rules  (local edit)\n"
        "      Ask who reads it.\n"
    )
    assert installed("diff", "--stat", expect=1).out == (
        f"{FILE}  edited by hand  +4 -4  1 rule changed, 1 added, 1 removed, tools changed, model changed\n"
    )


def test_a_page_of_html_tells_all_of_it_in_order(installed: Agentpack) -> None:
    manifest = installed.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", "==1.1.0"))
    page = installed("diff", "--upgrade", "--format", "html", expect=1).out
    assert page.startswith("<!doctype html>\n<html lang=")
    assert page.endswith("</pre>\n</body>\n</html>\n")
    assert page.partition("<body>\n")[2].partition("<pre>")[0] == (
        "<h1>disk → upgraded</h1>\n"
        "<p><strong>reviews</strong> 1.0.0 → 1.1.0</p>\n"
        f"<h2><code>{FILE}</code>: updated</h2>\n"
        "<ul><li>changed: <code>say</code> (reviews 1.0.0 -&gt; reviews 1.1.0)</li>"
        "<li>added: <code>leave</code> (reviews 1.1.0)</li></ul>"
    )


def test_a_moved_rule_is_told_as_moved(installed: Agentpack) -> None:
    edit(installed, "- Look before you change.\n", "")
    edit(installed, "- Stop when done.\n", "- Stop when done.\n- Look before you change.\n")
    assert installed("diff", "--format", "rules", expect=1).out == (
        f"{FILE}  edited by hand\n  > look moved from Rules  End  (local edit)\n"
    )


def test_a_rule_moved_within_its_section_is_told_without_another(installed: Agentpack) -> None:
    edit(
        installed,
        "- Look before you change.\n- Say what you saw.\n",
        "- Say what you saw.\n- Look before you change.\n",
    )
    assert installed("diff", "--format", "rules", expect=1).out == (
        f"{FILE}  edited by hand\n  > look moved  Rules  (local edit)\n"
    )


def test_only_white_space_is_said_to_differ_in_no_rule(installed: Agentpack) -> None:
    edit(installed, "\n- Look", "\n\n- Look")
    assert "no field or rule differs" in installed("diff", "--format", "rules", expect=1).out


def test_a_missing_file_is_told_in_a_line(installed: Agentpack) -> None:
    (installed.folder / FILE).unlink()
    assert installed("diff", expect=1).out == f"{FILE}  missing; `agentpack sync` restores it\n"


def test_a_link_in_the_place_of_a_file_is_no_file(installed: Agentpack, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not print me\n")
    (installed.folder / FILE).unlink()
    (installed.folder / FILE).symlink_to(secret)
    for format in ("text", "rules", "unified", "markdown", "json"):
        assert "do not print me" not in installed("diff", "--format", format, expect=1).out


def test_a_lock_that_says_the_same_in_other_words_is_no_difference(installed: Agentpack) -> None:
    edit(installed, '"client": "claude"', '"client":  "claude"', "agentpack.lock")
    assert installed("diff", expect=0).out == ""
    before = (installed.folder / "agentpack.lock").read_bytes()
    installed("sync")
    assert (installed.folder / "agentpack.lock").read_bytes() == before


def test_a_file_is_not_up_to_date_with_a_lock_that_wants_other_text(installed: Agentpack, tmp_path: Path) -> None:
    other = shutil.copytree(installed.folder, tmp_path / "other")
    Agentpack(other)("install", "reviews==1.1.0")
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(other / name, installed.folder / name)
    assert installed("diff", "--stat", expect=1).out == (
        f"{FILE}  not up to date with the lock  +1 -2  1 rule changed, 1 removed\n"
    )
    installed("sync")
    installed("diff", expect=0)


def test_a_manifest_that_the_lock_does_not_answer_to_is_named(installed: Agentpack) -> None:
    edit(installed, "reviews==1.0.0", "reviews", "agentpack.yaml")
    assert installed("diff", expect=1).out == (
        "agentpack.lock  is out of date with agentpack.yaml: run `agentpack sync`\n"
        "  agentpack.yaml: `packs` has changed since the lock was written\n"
    )


def test_a_comment_in_the_manifest_makes_no_difference(installed: Agentpack) -> None:
    place = installed.folder / "agentpack.yaml"
    place.write_text("# ours\n" + place.read_text())
    assert installed("diff", expect=0).out == ""


def test_a_missing_lock_or_manifest_is_named(installed: Agentpack) -> None:
    lock = installed.folder / "agentpack.lock"
    kept = lock.read_bytes()
    lock.unlink()
    assert installed("diff", expect=1).out == "agentpack.lock  missing; `agentpack sync` restores it\n"
    lock.write_bytes(kept)
    (installed.folder / "agentpack.yaml").unlink()
    assert installed("diff", expect=1).out.startswith("agentpack.yaml  missing, although there is a lock")


def test_a_changed_local_variant_is_named(installed: Agentpack) -> None:
    path = ".agentpack/variants/reviewer/house.md"
    write_tree(installed.folder, {path: variant_text("## End {#end}\n\n- Sign it. {#sign}\n")})
    installed("install", "reviews[house]==1.0.0")
    installed("diff", expect=0)
    edit(installed, "Sign it.", "Sign it twice.", path)
    assert installed("diff", expect=1).out == (
        "agentpack.lock  is out of date with agentpack.yaml: run `agentpack sync`\n"
        "  the local variant `house` of reviewer has changed since the lock was written\n"
    )


def test_an_edit_that_an_upgrade_kept_still_differs_from_the_lock(installed: Agentpack) -> None:
    edit(installed, "Keep facts apart.", "Keep facts and opinions apart.")
    installed("upgrade", "--latest", "--yes")
    assert "{+and opinions+}" in installed("diff", expect=1).out


def test_names_and_clients_limit_it(installed: Agentpack) -> None:
    edit(installed, "Say what", "Tell what")
    for words in (["reviews"], ["reviewer"], ["--client", "claude"]):
        assert FILE in installed("diff", *words, expect=1).out
    ran = installed("diff", "reviewes", expect=2)
    assert ran.err.endswith(
        "error: no pack or persona `reviewes` is installed here\n"
        "  installed: reviewer, reviews\nhint: did you mean `reviews` or `reviewer`?\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "latex"],
        ["--stat", "--format", "rules"],
        ["--latest"],
        ["--upgrade", "--to", "reviews@1.1.0"],
        ["--client", "nobody"],
    ],
)
def test_words_that_do_not_go_together_are_refused(installed: Agentpack, words: list[str]) -> None:
    ran = installed("diff", *words, expect=2)
    assert ran.out == ""
    assert "error: " in ran.err


# -- a fresh clone -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(installed: Agentpack, tmp_path: Path) -> Agentpack:
    git(installed.folder, "add", "--all")
    git(installed.folder, "commit", "--quiet", "--message", "agents")
    git(tmp_path, "clone", "--quiet", str(installed.folder), str(tmp_path / "clone"))
    return Agentpack(tmp_path / "clone")


def test_a_clean_clone_differs_in_nothing_and_stays_as_it_was(clone: Agentpack) -> None:
    before = marks(clone.folder, without=(".git",))
    assert clone("diff", expect=0).err == f"project {clone.folder}\nnothing differs\n"
    assert marks(clone.folder, without=(".git",)) == before
    assert not (clone.folder / ".agentpack").exists()


def test_an_edit_in_a_clone_is_compared_with_the_text_rendered_again(clone: Agentpack) -> None:
    edit(clone, "Keep facts apart.", "Keep facts and opinions apart.")
    assert "  ~ apart changed  Rules  (local edit)\n" in clone("diff", "--format", "rules", expect=1).out


def test_a_clone_without_its_source_still_says_whether_files_are_as_locked(clone: Agentpack, packs: Path) -> None:
    shutil.rmtree(packs)
    ran = clone("diff", expect=0)
    assert "note: the locked releases were not checked: " in ran.err
    edit(clone, "Keep facts apart.", "Keep facts and opinions apart.")
    ran = clone("diff", expect=1)
    assert ran.out.startswith(f"{FILE}  edited by hand\n  the locked text is not stored here: ")


def test_a_lock_that_does_not_match_its_releases_is_named_in_a_clone(clone: Agentpack) -> None:
    text = (clone.folder / "agentpack.lock").read_text()
    start = text.index('"sha256": "') + len('"sha256": "')
    (clone.folder / "agentpack.lock").write_text(text[:start] + "0" * 64 + text[start + 64 :])
    ran = clone("diff", expect=1)
    assert "agentpack.lock  does not match the locked releases" in ran.out


# -- sync --check ------------------------------------------------------------------------------------------------------


def test_the_check_of_sync_gives_the_same_answer_in_short(installed: Agentpack) -> None:
    assert installed("sync", "--check", expect=0).err == f"project {installed.folder}\nnothing differs\n"
    edit(installed, "Say what", "Tell what")
    assert installed("sync", "--check", expect=1).out == f"{FILE}  edited by hand\n"
    data = installed("sync", "--check", "--json", expect=1).envelope
    assert data["data"] == {"differs": True, "remarks": [], "files": [{"path": FILE, "state": "edited"}]}


# -- formats -----------------------------------------------------------------------------------------------------------


def test_git_applies_the_unified_diff_to_what_is_locked(installed: Agentpack) -> None:
    place = installed.folder / FILE
    locked = place.read_bytes()
    place.write_bytes(locked.replace(b"Say what", b"Tell what").rstrip(b"\n"))
    edited = place.read_bytes()
    code, patch, _ = warm.run_for_bytes(["diff", "--format", "unified"], installed.folder)
    assert code == 1
    place.write_bytes(locked)
    git(installed.folder, "apply", "-", data=patch)
    assert place.read_bytes() == edited


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.integers(0, 200))
def test_a_patch_carries_any_bytes(installed: Agentpack, noise: bytes, at: int) -> None:
    place = installed.folder / FILE
    locked = place.read_bytes()
    try:
        edited = locked[:at] + noise.replace(b"\0", b"") + locked[at:]
        place.write_bytes(edited)
        _, patch, _ = warm.run_for_bytes(["diff", "--format", "unified"], installed.folder)
        place.write_bytes(locked)
        if patch:
            git(installed.folder, "apply", "--whitespace=nowarn", "-", data=patch)
        assert place.read_bytes() == edited
    finally:
        place.write_bytes(locked)


def test_a_missing_file_is_a_deletion_in_the_patch(installed: Agentpack) -> None:
    place = installed.folder / FILE
    locked = place.read_bytes()
    place.unlink()
    patch = installed("diff", "--format", "unified", expect=1).out
    place.write_bytes(locked)
    git(installed.folder, "apply", "-", data=patch.encode())
    assert not place.exists()


HOSTILE = "- Say ```` \x1b[31m\u202e <script> & `x`.\n```\n# out\n::error::\n````\n"


@pytest.mark.parametrize("format", ["text", "rules", "markdown"])
def test_what_a_terminal_would_obey_or_hide_is_shown_escaped(installed: Agentpack, format: str) -> None:
    edit(installed, "- Say what you saw.\n", HOSTILE)
    out = installed("diff", "--format", format, expect=1).out
    assert "\x1b" not in out and "\u202e" not in out
    assert "\\u{1b}[31m\\u{202e}" in out


def test_a_fence_cannot_be_left_by_its_content(installed: Agentpack) -> None:
    from markdown_it import MarkdownIt

    edit(installed, "- Say what you saw.\n", HOSTILE)
    out = installed("diff", "--format", "markdown", expect=1).out
    kinds = [token.type for token in MarkdownIt().parse(out) if token.level == 0]
    assert kinds.count("fence") == 1
    assert kinds[-1] == "fence"
    assert kinds.count("heading_open") == 1


def test_markdown_names_files_fields_and_rules(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    edit(installed, "model: sonnet", "model: opus")
    out = installed("diff", "--format", "markdown", expect=1).out
    assert out.startswith(
        f"\n### `{FILE}`: edited by hand\n\n"
        "- `model`: `sonnet` → `opus` (`local edit`)\n- 1 rule changed: `say`\n\n```diff\n"
    )
    assert out.endswith("\n```\n")


def test_markdown_fits_into_a_pull_request_and_says_what_is_left_out(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    from markdown_it import MarkdownIt

    packs = tmp_path / "packs"
    for version, word in (("1.0.0", "old"), ("1.1.0", "new")):
        lines = {"long": 4_000, "owls": 900, "short": 2}
        bodies = {name: f"You review. {word}\n\n" + f"::{word} \U0001f989 ``` \n" * n for name, n in lines.items()}
        bodies |= {f"reviewer-{n:03}": f"You review {word}.\n" for n in range(150)}
        personas = {name: persona_text(name, body=body) for name, body in bodies.items()}
        publish(packs, make_pack("reviews", version, personas=personas))
    agentpack("install", "reviews==1.0.0", "--source", str(packs), "--client", "claude")
    call = ("diff", "--to", "reviews@1.1.0", "--format")
    out = agentpack(*call, "markdown", expect=1).out
    assert 50_000 < len(out.encode("utf-16-le")) // 2 <= 60_000
    headings = re.findall(r"^### `[^`]*/([a-z0-9-]+)\.md`: changed$", out, re.M)
    assert headings[:3] == ["long", "owls", "reviewer-000"]
    assert "lines of patch are left out." in out
    last = out.strip().rpartition("\n")[2]
    assert last.startswith("**Cut at 60,000 characters.** ") and " are left out; " in last
    tokens = MarkdownIt().parse(out)
    assert tokens[-2].content == last, "no fence holds the last words"
    edit(agentpack, "You review. old", "You review. mine", ".claude/agents/short.md")
    assert "Cut at" not in agentpack("diff", "--format", "markdown", expect=1).out


def test_a_junit_report_has_a_test_for_the_lock_and_each_file(installed: Agentpack, project: Path) -> None:
    def tests(expect: int) -> dict[str | None, list[str | None]]:
        (suite,) = ElementTree.fromstring(installed("sync", "--check", "--format", "junit", expect=expect).out)
        return {test.get("name"): [failure.get("message") for failure in test] for test in suite}

    assert tests(0) == {"agentpack.lock": [], FILE: []}
    (project / FILE).unlink()
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ">=1"))
    found = tests(1)
    assert found[FILE] == ["missing; `agentpack sync` restores it"]
    assert [
        message for message in found["agentpack.lock"] if message and "is out of date with agentpack.yaml" in message
    ]
    assert "`--check`" in installed("sync", "--format", "junit", expect=2).err
    assert "there is no format `xml`" in installed("sync", "--check", "--format", "xml", expect=2).err


def test_json_has_every_fact(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    ran = installed("diff", "--json", expect=1)
    assert ran == installed("diff", "--format", "json", expect=1)
    envelope = ran.envelope
    assert (envelope["command"], envelope["status"], envelope["exit_code"]) == ("diff", "differences", 1)
    data = envelope["data"]
    assert (data["before"], data["after"], data["differs"]) == ("locked", "disk", True)
    (file,) = data["files"]
    patch = file.pop("unified")
    assert patch.startswith(f"diff --git a/{FILE} b/{FILE}\n")
    assert file == {
        "path": FILE,
        "client": "claude",
        "pack": "reviews",
        "persona": "reviewer",
        "state": "edited",
        "outdated": False,
        "why": None,
        "lines": {"added": 1, "removed": 1},
        "fields": [],
        "rules": [
            {
                "change": "changed",
                "moved": False,
                "kind": "item",
                "id": "say",
                "origin": "local edit",
                "before": {
                    "section": "Rules",
                    "text": "- Say what you saw.",
                    "origin": {"kind": "release", "name": "reviews 1.0.0"},
                    "line": 14,
                },
                "after": {
                    "section": "Rules",
                    "text": "- Say what you really saw.",
                    "origin": {"kind": "edit", "name": ""},
                    "line": 12,
                },
            }
        ],
        "conflicts": [],
    }


def test_colour_repeats_what_the_signs_say(installed: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = installed("diff", expect=1).out
    assert "\x1b[32m- Say what you \x1b[0m\x1b[32;7mreally\x1b[0m\x1b[32m saw.\x1b[0m\n" in out
    assert "\x1b" not in installed("diff", "--no-color", expect=1).out


def test_quiet_leaves_the_exit_code(installed: Agentpack) -> None:
    edit(installed, "Say what", "Tell what")
    assert installed("diff", "--quiet", expect=1) == (1, "", "")


# -- what an upgrade would change --------------------------------------------------------------------------------------


def test_an_upgrade_is_shown_as_it_would_be_written(installed: Agentpack) -> None:
    edit(installed, "Look before you change.", "Look well before you change.")
    before = marks(installed.folder)
    ran = installed("diff", "--upgrade", "--latest", expect=1)
    assert ran.out == (
        "reviews 1.0.0 -> 1.1.0\n\n"
        f"{FILE}  updated, your edits kept  +2 -1\n"
        "  ## Rules\n"
        "    - Look well before you change.\n"
        "  - - Say what you saw.\n"
        "  + - Say {+exactly+} what you saw.\n"
        "    - Keep facts apart.\n"
        "  ## End\n"
        "    - Stop when done.\n"
        "  + - Leave nothing behind.\n"
    )
    assert marks(installed.folder) == before
    patch = installed("diff", "--upgrade", "--latest", "--format", "unified", expect=1).out
    git(installed.folder, "apply", "-", data=patch.encode())
    patched = (installed.folder / FILE).read_bytes()
    (installed.folder / FILE).write_bytes(before[FILE].content)
    installed("upgrade", "--latest", "--yes")
    assert (installed.folder / FILE).read_bytes() == patched


def test_a_rule_with_lines_of_both_sides_is_a_local_edit_still(agentpack: Agentpack, tmp_path: Path) -> None:
    old = OLD.replace("- Say what you saw. {#say}\n", "- Say: {#say}\n  what you saw,\n  to whom,\n  and when.\n")
    publish(tmp_path / "packs", pack("1.0.0", old), pack("1.1.0", old.replace("and when.", "and when exactly.")))
    agentpack("install", "reviews==1.0.0", "--source", str(tmp_path / "packs"), "--client", "claude")
    edit(agentpack, "  what you saw", "  what you have seen")
    [file] = agentpack("diff", "--upgrade", "--latest", "--json", expect=1).envelope["data"]["files"]
    side = {"section": "Rules", "origin": {"kind": "edit", "name": ""}, "line": 12}
    text = "- Say:\n  what you have seen,\n  to whom,\n  and when"
    assert file["rules"] == [
        {
            "change": "changed",
            "moved": False,
            "kind": "item",
            "id": "say",
            "origin": "local edit",
            "before": {**side, "text": f"{text}."},
            "after": {**side, "text": f"{text} exactly."},
        }
    ]


def test_what_is_out_of_range_is_mentioned(installed: Agentpack) -> None:
    ran = installed("diff", "--upgrade", expect=0)
    assert "note: reviews 1.1.0 is out of range; `agentpack diff --upgrade --latest` shows it\n" in ran.err


def test_an_upgrade_that_would_collide_shows_the_conflict(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say little.")
    ran = installed("diff", "--upgrade", "--latest", expect=1)
    assert ran.out == f"reviews 1.0.0 -> 1.1.0\n\n{FILE}  in conflict\n" + (CONFLICT)
    way = "diff --to reviews@1.1.0"
    assert f"hint: `agentpack {way}` shows everything that the release changes\n" in ran.err
    assert "exactly" in installed(*way.split(), expect=1).out


# -- releases ----------------------------------------------------------------------------------------------------------


def test_two_releases_are_compared_with_nothing_installed(agentpack: Agentpack, packs: Path) -> None:
    (agentpack.folder / "agentpack.yaml").write_text(f"schema: 1\nsources:\n  - {{name: here, path: {packs}}}\n")
    before = marks(agentpack.folder, without=(".git",))
    ran = agentpack("diff", "--from", "reviews@1.0.0", "--to", "reviews[strict]@1.1.0", "--format", "rules", expect=1)
    assert ran.out == (
        "may use more (reviewer; claude): model:medium, read, search -> model:large, read, search\n"
        "\n"
        f"{FILE}  changed\n"
        "  ~ model sonnet -> opus  (variant strict)\n"
        "  ~ look changed  Rules  (reviews 1.0.0 -> variant strict)\n"
        "    + Look {+twice+} before you change.\n"
        "  ~ say changed  Rules  (reviews 1.0.0 -> reviews 1.1.0)\n"
        "    + Say {+exactly+} what you saw.\n"
        "  + leave added  End  (reviews 1.1.0)\n"
        "      Leave nothing behind.\n"
    )
    assert ran.err.endswith("reviews 1.0.0 -> reviews 1.1.0 [strict]: 1 file differs\n")
    assert marks(agentpack.folder, without=(".git",)) == before


def test_the_side_that_is_not_named_is_what_is_locked(installed: Agentpack) -> None:
    ran = installed("diff", "--to", "reviews@1.1.0", "--stat", expect=1)
    assert ran.out == f"{FILE}  changed  +2 -1  1 rule changed, 1 added\n"
    assert installed("diff", "--from", "reviews@1.1.0", "--stat", expect=1).out == (
        f"{FILE}  changed  +1 -2  1 rule changed, 1 removed\n"
    )
    installed("diff", "--to", "reviews@1.0.0", expect=0)


ASYNC = ".claude/skills/python-engineer-async/SKILL.md"


@pytest.mark.many
@pytest.mark.parametrize("name", ["python-engineer-async", ASYNC])
@pytest.mark.parametrize(
    ("installed_packs", "words"),
    [
        (["python-engineer==1.1.0"], "--from 1.1.0 --to 3.0.0"),
        (["python-engineer==1.1.0"], "--to v3.0.0"),
        (["python-engineer==1.1.0"], "--upgrade --latest"),
        (["python-engineer==3.0.0", "python-reviewer"], "--from 1.1.0 --to 3.0.0"),
        (["python-engineer==1.1.0", "python-reviewer"], "--from python-engineer@1.1.0 --to 3.0.0"),
        (["python-engineer==1.1.0", "python-reviewer"], "--from 1.1.0 --to python-engineer@3.0.0"),
        ([], "--from python-engineer@1.1.0 --to 3.0.0"),
    ],
)
def test_a_skill_or_file_that_the_output_names_limits_the_comparison(
    agentpack: Agentpack, installed_packs: list[str], words: str, name: str
) -> None:
    if installed_packs:
        agentpack("install", *installed_packs, "--client", "claude")
    ran = agentpack("diff", *words.split(), name, expect=1)
    assert [line for line in ran.out.splitlines() if line.startswith(".")] == [f"{ASYNC}  new  +25 -0"]
    assert ran.err.endswith(": 1 file differs\nhint: `--format unified` shows the text of new files\n")
    text = agentpack("diff", *words.split(), name, "--format", "unified", expect=1)
    assert "\n+## Async Python\n" in text.out
    assert "hint: " not in text.err


def test_a_version_alone_is_one_of_the_pack_that_is_named(agentpack: Agentpack) -> None:
    """Also where another is installed."""
    agentpack("install", "python-engineer", "--client", "claude")
    ran = agentpack("diff", "--from", "1.0.0", "--to", "2.0.0", "python-reviewer", "--stat", expect=1)
    assert ran.out.splitlines()[-1].startswith(".claude/agents/python-reviewer.md  changed")


def test_the_text_of_removed_files_is_in_a_patch_too(agentpack: Agentpack) -> None:
    words = ("diff", "--from", "python-engineer@3.0.0", "--to", "2.1.0")
    assert agentpack(*words, expect=1).err.endswith("\nhint: `--format unified` shows the text of removed files\n")
    assert "\n-## Async Python\n" in agentpack(*words, "--format", "unified", expect=1).out
    assert "hint: " not in agentpack(*words, "--stat", expect=1).err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("reviewr", "did you mean `reviewer` or `reviews`?"),
        (".codex/agents/reviewer.toml", "`--client` compares another client's files"),
    ],
)
def test_a_name_that_neither_release_has_is_refused(installed: Agentpack, name: str, hint: str) -> None:
    ran = installed("diff", "--from", "1.0.0", "--to", "reviews@1.1.0", name, expect=2)
    assert f"error: neither release has an agent, a skill or a file `{name}` for Claude Code\n" in ran.err
    assert f"  known: reviewer, reviews\nhint: {hint}\n" in ran.err


def test_a_side_that_is_not_locked_has_to_be_named(agentpack: Agentpack) -> None:
    ran = agentpack("diff", "--to", "python-engineer@1.1.0", expect=2)
    assert "error: `python-engineer` is not locked here\nhint: give both `--from` and `--to`" in ran.err


def test_a_release_that_does_not_exist_cannot_be_compared(installed: Agentpack) -> None:
    installed("diff", "--to", "reviews@7.0.0", expect=4)


# -- conflicts ---------------------------------------------------------------------------------------------------------

CONFLICT = """\
  conflict 1 of 1, ## Rules
    the release had
      - Say what you saw.
    you have
      - Say {+little+}.
    the new release says
      - Say {+exactly+} what you saw.
"""


@pytest.fixture
def colliding(installed: Agentpack) -> Agentpack:
    edit(installed, "Say what you saw.", "Say little.")
    return installed


def test_a_conflict_is_shown_before_the_error(colliding: Agentpack) -> None:
    ran = colliding("upgrade", "--latest", "--yes", expect=3)
    assert ran.err.startswith(f"project {colliding.folder}\n{FILE}\n{CONFLICT}error: 1 file needs a decision; ")


def test_json_has_the_files_with_their_conflicts(colliding: Agentpack) -> None:
    envelope = colliding("upgrade", "--latest", "--yes", "--json", expect=3).envelope
    (file,) = envelope["data"]["files"]
    assert (file["path"], file["action"]) == (FILE, "conflict")
    assert file["conflicts"] == [
        {"base": "- Say what you saw.", "ours": "- Say little.", "theirs": "- Say exactly what you saw.", "moved": []}
    ]
    assert envelope["errors"][0]["code"] == "conflict"


def test_editing_a_conflict_needs_a_terminal(colliding: Agentpack) -> None:
    before = marks(colliding.folder)
    ran = colliding("upgrade", "--latest", "--on-conflict", "edit", real=True, expect=3)
    assert ran.err.endswith(
        "hint: `--on-conflict edit` needs a terminal\n  `--on-conflict keep` keeps your text there, "
        "`--on-conflict theirs` takes the new text\n"
    )
    assert marks(colliding.folder) == before


def on_a_terminal(agentpack: Agentpack, *words: str, typed: str = "") -> tuple[int, str]:
    """Run the program with a terminal at both ends; the exit code and what it said."""
    (done,) = run_all([Job(words, str(agentpack.folder), terminal=True, typed=typed)])
    return done.exit_code, done.out.decode().replace("\r\n", "\n")


def editor(tmp_path: Path, body: str) -> str:
    """A command that does this with the text `t` of the file to edit, without the modules of any site."""
    place = tmp_path / "editor.py"
    place.write_text(f"import re, sys\np = sys.argv[1]\nt = open(p).read()\n{body}\nopen(p, 'w').write(t)\n")
    return f"{sys.executable} -S {place}"


UNITE = r"t = re.sub(r'<{7}.*?\n(.*?)\|{7}.*?={7}\n(.*?)>{7}[^\n]*\n', r'- Say little, exactly.\n', t, flags=re.S)"


def test_what_the_editor_made_becomes_the_file(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_git = "import os\nassert not [name for name in os.environ if name.startswith('GIT_')]\n"
    monkeypatch.setenv("VISUAL", editor(tmp_path, of_git + UNITE))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 0, said
    assert re.search(rf"^editing with {sys.executable}: {tmp_path}/agentpack-merge-\w+/reviewer\.md$", said, re.M)
    text = (colliding.folder / FILE).read_text()
    assert "- Look before you change.\n- Say little, exactly.\n- Keep facts apart.\n" in text
    assert "- Leave nothing behind.\n" in text
    assert not list(tmp_path.glob("agentpack-merge-*"))
    assert "- Say [-exactly what you saw.-]" not in colliding("diff", expect=1).out


QUESTION = "Where they conflict: [k]eep your text, [t]ake the new text, [e]dit, or [s]top? "


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("k", "- Say little.\n"),
        ("Theirs", "- Say exactly what you saw.\n"),
        ("take", "- Say exactly what you saw.\n"),
        ("e", "- Say little, exactly.\n"),
    ],
)
def test_on_a_terminal_a_conflict_is_a_question(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, rule: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    code, said = on_a_terminal(colliding, "upgrade", "--latest", typed=f"{answer}\ny\n")
    assert (code, said.count(QUESTION), said.count("conflict 1 of 1"), said.count("Upgrade? ")) == (0, 1, 1, 1), said
    assert rule in (colliding.folder / FILE).read_text()


@pytest.mark.parametrize("answers", ["s\n", "\n", "what\nSTOP\n", "?\n\x04", "kill\nelse\nno\n", "Quit\n"])
def test_a_conflict_is_asked_about_until_it_is_answered_and_to_stop_changes_nothing(
    colliding: Agentpack, answers: str
) -> None:
    before = marks(colliding.folder)
    code, said = on_a_terminal(colliding, "upgrade", "--latest", typed=answers)
    assert said.count(QUESTION) == answers.count("\n") + answers.count("\x04")
    assert (code, said.endswith(f"{QUESTION}Cancelled. Nothing was changed.\n")) == (3, True), said
    assert marks(colliding.folder) == before


FILES = (FILE, ".cursor/agents/reviewer.md", ".opencode/agents/reviewer.md")
LITTLE, EXACTLY, UNITED = "- Say little.\n", "- Say exactly what you saw.\n", "- Say little, exactly.\n"


@pytest.fixture
def three_colliding(installed: Agentpack) -> Agentpack:
    installed("install", "reviews==1.0.0", "--client", "claude,cursor,opencode")
    for path in FILES:
        edit(installed, "Say what you saw.", "Say little.", path)
    return installed


def decided(*choices: str) -> str:
    return " ".join(f"--on-conflict {path}={choice}" for path, choice in zip(FILES, choices, strict=True))


@pytest.mark.many
@pytest.mark.parametrize(
    ("answers", "rules", "recorded"),
    [
        ("k t e", (LITTLE, EXACTLY, UNITED), decided("keep", "theirs", "edit")),
        ("t|what|keep all", (EXACTLY, LITTLE, LITTLE), decided("theirs", "keep", "keep")),
        ("all|e all", (UNITED, UNITED, UNITED), "--on-conflict edit"),
        ("e|e|take  ALL", (UNITED, UNITED, EXACTLY), decided("edit", "edit", "theirs")),
        ("keep keep keep", (LITTLE, LITTLE, LITTLE), "--on-conflict keep"),
        ("take all", (EXACTLY, EXACTLY, EXACTLY), "--on-conflict theirs"),
    ],
)
def test_each_file_in_conflict_is_a_question_that_can_answer_for_the_rest(
    three_colliding: Agentpack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    rules: tuple[str, ...],
    recorded: str,
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    typed = answers.split("|") if "|" in answers or "all" in answers else answers.split()
    code, said = on_a_terminal(three_colliding, "upgrade", "--latest", typed="\n".join((*typed, "y", "")))
    assert (code, said.count("[k]eep your text"), said.count("Upgrade? ")) == (0, len(typed), 1), said
    for path, rule in zip(FILES, rules, strict=True):
        texts = [one for one in (LITTLE, EXACTLY, UNITED) if one in (three_colliding.folder / path).read_text()]
        assert texts == [rule], path
    assert not list(tmp_path.glob("agentpack-merge-*"))
    generation = three_colliding("history", "--json").envelope["data"]["generations"][-1]
    assert generation["command"] == f"upgrade --latest {recorded}"
    three_colliding("rollback")
    assert all(LITTLE in (three_colliding.folder / path).read_text() for path in FILES)


def test_each_question_names_its_file_and_comes_right_after_its_conflict(
    three_colliding: Agentpack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    before = marks(three_colliding.folder)
    code, said = on_a_terminal(three_colliding, "upgrade", "--latest", typed="k\nwhat\ns\n")
    conflict = CONFLICT.replace("{+", "").replace("+}", "")
    several = "3 files conflict; `keep all`, `take all` or `edit all` answers for this file and all that follow\n"
    asked = "[k]eep your text, [t]ake the new text, [e]dit, or [s]top? "
    assert said.replace("{+", "").replace("+}", "") == (
        f"project {three_colliding.folder}\n"
        f"{FILES[0]}\n{conflict}{several}{FILES[0]} (1 of 3): {asked}"
        f"{FILES[1]}\n{conflict}{FILES[1]} (2 of 3): {asked}{FILES[1]} (2 of 3): {asked}"
        "Cancelled. Nothing was changed.\n"
    )
    assert code == 3
    assert marks(three_colliding.folder) == before


def test_files_are_decided_one_by_one_with_options(three_colliding: Agentpack) -> None:
    keep = f"--on-conflict {FILES[1]}=keep"
    words = ("upgrade", "--latest", "--yes", *keep.split())
    ran = three_colliding(*words, expect=3)
    assert "error: 2 files need a decision; nothing was changed\n" in ran.err
    again = f"upgrade --latest {keep} --yes --on-conflict keep"
    assert f"hint: `agentpack {again}` keeps your text where the two conflict\n" in ran.err
    assert f"\n  `--on-conflict {FILE}=keep` decides for this file only; repeat it for others\n" in ran.err
    ran = three_colliding(*words, "--on-conflict", f"{three_colliding.folder / FILE}=theirs", expect=3)
    assert "error: 1 file needs a decision; nothing was changed\n" in ran.err
    assert "repeat it for others" not in ran.err
    three_colliding(*words, "--on-conflict", "theirs")
    assert [LITTLE in (three_colliding.folder / path).read_text() for path in FILES] == [False, True, False]
    assert f"upgrade --latest --on-conflict theirs {keep}" in three_colliding("history").out


def test_the_name_of_an_agent_decides_for_all_its_files(three_colliding: Agentpack) -> None:
    path = f"{FILES[1]}=theirs"
    three_colliding("upgrade", "--latest", "--yes", "--on-conflict", "reviewer=keep", "--on-conflict", path)
    assert [LITTLE in (three_colliding.folder / path).read_text() for path in FILES] == [True, False, True]


def test_a_file_to_decide_for_has_to_be_installed(three_colliding: Agentpack) -> None:
    ran = three_colliding("upgrade", "--latest", "--on-conflict", ".claude/agents/review.md=keep", expect=2)
    assert "error: `.claude/agents/review.md` is not an installed file or agent\n" in ran.err
    assert f"hint: did you mean `{FILE}`?\n" in ran.err
    ran = three_colliding("upgrade", "--latest", "--on-conflict", "reviewer.md=keep", expect=2)
    ways = [f"`--on-conflict {path}=keep`" for path in FILES[:2]]
    assert f"hint: write {ways[0]} or {ways[1]}\n" in " ".join(ran.err.split()) + "\n"
    ran = three_colliding("upgrade", "--latest", "--on-conflict", "review=keep", expect=2)
    assert "error: `review` is not an installed file or agent\nhint: did you mean `reviewer`?\n" in ran.err
    ran = three_colliding("upgrade", "--latest", "--on-conflict", "someone=keep", expect=2)
    assert "hint: `agentpack status` lists them\n" in ran.err
    ran = three_colliding("upgrade", "--latest", "--on-conflict", f"{FILE}=mine", expect=2)
    assert "`--on-conflict` takes `keep`, `theirs` or `edit`\n" in ran.err
    ran = three_colliding("upgrade", "--latest", "--partial", "--on-conflict", f"{FILE}=edit", expect=2)
    assert "`--on-conflict edit` cannot be used with `--partial`\n" in ran.err


def test_only_the_files_to_edit_are_opened_and_the_way_on_has_the_other_decisions(
    three_colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    edit_one = f"--on-conflict {FILES[1]}=edit"
    code, said = on_a_terminal(three_colliding, "upgrade", "--latest", *edit_one.split(), typed="k\nt\nn\n")
    assert (code, said.count("[k]eep your text"), said.count("editing with ")) == (3, 2, 1), said
    assert f"{FILES[2]} (2 of 2): " in said
    (copy,) = tmp_path.glob("agentpack-merge-*/reviewer.md")
    assert f"\n  your merge of {FILES[1]} is in {copy}\n" in said
    again = f"upgrade --latest {edit_one} --on-conflict {FILES[0]}=keep --on-conflict {FILES[2]}=theirs"
    assert f" `agentpack {again}` opens new copies: copy your merge into these" in " ".join(said.split())
    code, said = on_a_terminal(three_colliding, *again.split(), typed="y\n")
    assert (code, said.count("editing with ")) == (0, 1), said
    for path, rule in zip(FILES, (LITTLE, UNITED, EXACTLY), strict=True):
        assert rule in (three_colliding.folder / path).read_text()


def test_without_a_terminal_the_way_on_has_the_decisions_for_single_files(three_colliding: Agentpack) -> None:
    words = ("upgrade", "--latest", "--yes", *decided("edit", "theirs", "edit").split())
    again = f"upgrade --latest --yes {decided('keep', 'theirs', 'keep')}"
    hint = (
        f"hint: `--on-conflict edit` needs a terminal\n  `agentpack {again}` keeps your text there\n"
        "  with `=theirs` for a file, it takes the new text there\n"
    )
    assert three_colliding(*words, expect=3).err.endswith(hint)
    three_colliding(*again.split())
    assert [LITTLE in (three_colliding.folder / path).read_text() for path in FILES] == [True, False, True]


def test_a_stop_for_new_capabilities_names_the_editor_too_on_a_terminal(colliding: Agentpack, packs: Path) -> None:
    more = persona_text(tools=["read", "edit"]).replace("Say what you saw", "Say exactly what you saw")
    publish(packs, make_pack("reviews", "1.2.0", personas={"reviewer": more}))
    code, said = on_a_terminal(colliding, "upgrade", "--latest")
    assert (code, "`--on-conflict edit` opens an editor\n" in said) == (3, True), said
    assert "an editor" not in colliding("upgrade", "--latest", expect=3).err


def test_nothing_is_asked_with_yes_or_json_or_in_a_dry_run(
    colliding: Agentpack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    for option in ("--yes", "--json", "--dry-run"):
        code, said = on_a_terminal(colliding, "upgrade", "--latest", option)
        assert (code, QUESTION in said) == (3, False), said
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--json", "--on-conflict", "edit")
    assert (code, "`--on-conflict edit` needs a terminal" in said) == (3, True), said


@pytest.mark.parametrize("options", [(), ("--on-conflict", "edit")])
def test_a_conflict_that_an_answer_cannot_resolve_is_no_question(
    colliding: Agentpack, options: tuple[str, ...]
) -> None:
    (colliding.folder / FILE).unlink()
    (colliding.folder / FILE).mkdir()
    code, said = on_a_terminal(colliding, "upgrade", "--latest", *options)
    assert (code, QUESTION in said) == (3, False), said
    assert "1 file needs a decision; nothing was changed\n" in said


def test_a_conflict_is_edited_only_where_the_change_is_made_whole(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = marks(colliding.folder)
    words = ("upgrade", "--latest", "--on-conflict", "edit")
    refused = colliding(*words, "--partial", expect=2)
    assert "error: `--on-conflict edit` cannot be used with `--partial`\n" in refused.err
    refused = colliding("keep", "reviewer", "--patch", "--on-conflict", "keep", expect=2)
    assert "`--patch` writes nothing" in refused.err
    code, said = on_a_terminal(colliding, *words, "--dry-run")
    assert (code, "editing with" in said) == (3, False), said
    assert marks(colliding.folder) == before


def test_settings_of_one_s_own_count_wherever_they_are_and_those_of_a_repository_do_not(project: Path) -> None:
    subprocess.run(["git", "config", "merge.tool", "theirs"], cwd=project, check=True)
    in_variables = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "merge.tool", "GIT_CONFIG_VALUE_0": "mine"}
    with contextlib.chdir(project):
        assert own_settings(r"^merge\.tool$", {**os.environ}) == []
        assert own_settings(r"^merge\.tool$", {**os.environ, **in_variables}) == [("merge.tool", "mine")]


@pytest.mark.many
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("pass", "there are still conflict markers"),
        ("t = t.replace('<<<<<<< you have\\n', '')", "there are still conflict markers"),
        ("sys.exit(7)", "ended with 7"),
    ],
)
def test_an_unfinished_merge_changes_nothing_and_keeps_the_copy(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, why: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, body))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = marks(colliding.folder)
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 3
    assert f"{why}; nothing was changed" in said
    assert marks(colliding.folder) == before
    (copy,) = tmp_path.glob("agentpack-merge-*/reviewer.md")
    assert f"\n  your merge of {FILE} is in {copy}\n" in said
    again = "agentpack upgrade --latest --yes --on-conflict edit"
    assert f" `{again}` opens new copies: copy your merge into these, and finish it\n" in said
    assert "--on-conflict keep" not in said
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    assert on_a_terminal(colliding, *again.split()[1:])[0] == 0
    assert "- Say little, exactly.\n" in (colliding.folder / FILE).read_text()
    colliding("rollback")
    assert marks(colliding.folder)[FILE].content == before[FILE].content


def test_a_finished_merge_is_kept_if_the_next_one_is_not(
    installed: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("install", "reviews==1.0.0", "--client", "claude,opencode")
    for path in (FILE, ".opencode/agents/reviewer.md"):
        edit(installed, "Say what you saw.", "Say little.", path)
    seen = f"open({str(tmp_path / 'seen')!r}, 'x')"
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"try:\n    {seen}\n    {UNITE}\nexcept OSError:\n    pass"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, said = on_a_terminal(installed, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert (code, said.count("your merge of ")) == (3, 2), said
    assert len([*tmp_path.glob("agentpack-merge-*/reviewer.md")]) == 2
    assert "opens new copies: copy your merge into these" in said


LATER = (
    "import subprocess, os\nsubprocess.Popen([sys.executable, '-S', '-c', "
    "f'import os, time; time.sleep(1); os.kill({os.getppid()}, 2)'])"
)
"""Ctrl-C, while `Upgrade?` waits for an answer."""


@pytest.mark.many
@pytest.mark.parametrize(
    ("typed", "body", "words", "code", "end"),
    [
        ("n\n", "", "--latest", 3, "Cancelled. Nothing was changed."),
        ("e\nwhat\n", "", "--latest", 3, "Cancelled. Nothing was changed."),
        ("\x04", "", "--latest", 3, "Cancelled. Nothing was changed."),
        ("", LATER, "--latest", 130, "\nerror: interrupted"),
        ("", "open('{file}', 'a').write('- Mine.\\n')", "--latest --yes", 3, "error: 1 file needs a decision"),
    ],
)
def test_a_merge_by_hand_that_is_not_installed_is_kept(
    colliding: Agentpack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    body: str,
    words: str,
    code: int,
    end: str,
) -> None:
    file = colliding.folder / FILE
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"{UNITE}\n{body.replace('{file}', str(file))}"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    before = file.read_bytes()
    asked = typed.startswith("e")
    options = () if asked else ("--on-conflict", "edit")
    ended, said = on_a_terminal(colliding, "upgrade", *words.split(), *options, typed=typed)
    assert (ended, end in said) == (code, True), said
    assert file.read_text().removesuffix("- Mine.\n").encode() == before
    (copy,) = tmp_path.glob("agentpack-merge-*/reviewer.md")
    assert "- Say little, exactly.\n" in copy.read_text()
    assert f"\n  your merge of {FILE} is in {copy}\n" in said
    assert f"`agentpack upgrade {words} --on-conflict edit` opens new copies: copy your merge into these" in said


def test_ctrl_c_in_the_editor_is_for_the_editor(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt = "import os, time; os.kill(os.getppid(), 2); time.sleep(0.5)"
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"{interrupt}\n{UNITE}"))
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 0, said
    assert "- Say little, exactly.\n" in (colliding.folder / FILE).read_text()


def test_an_editor_that_cannot_be_started_is_told(colliding: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/nowhere/editor -w")
    before = marks(colliding.folder)
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 3
    assert "/nowhere/editor cannot be started: No such file or directory; nothing was changed\n" in said
    assert marks(colliding.folder) == before


@pytest.mark.parametrize(("there", "used"), [(("nano", "vi"), "nano"), (("vi",), "vi"), ((), "")])
def test_without_a_word_of_the_user_s_the_editor_is_one_that_is_there(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], used: str
) -> None:
    for name in ("GIT_EDITOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    for name in there:
        (programs / name).symlink_to(shutil.which("false") or "")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 3, said
    assert (f"{used} ended with 1; nothing was changed" if used else "no editor was found\n") in said


def test_a_text_that_is_no_utf_8_is_not_merged_by_hand(colliding: Agentpack) -> None:
    edit(colliding, "Look", "Schau")
    place = colliding.folder / FILE
    place.write_bytes(place.read_bytes().replace(b"Schau", b"L\xf6ok"))
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert (code, f"{FILE}: the text is not UTF-8\n" in said) == (3, True), said


def test_only_what_conflicts_in_a_header_is_between_markers(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish(
        tmp_path / "packs",
        *(
            make_pack("reviews", f"1.{number}.0", personas={"reviewer": persona_text(description=text, model=model)})
            for number, (text, model) in enumerate((("Reviews.", "opus"), ("Reviews anew.", "sonnet")))
        ),
    )
    agentpack("install", "reviews==1.0.0", "--source", str(folder), "--client", "claude")
    edit(agentpack, "Reviews.", "Reviews it.")
    copy = tmp_path / "copy"
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"open({str(copy)!r}, 'w').write(t)"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, said = on_a_terminal(agentpack, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 3, said
    assert copy.read_text().startswith(
        '---\nname: reviewer\n<<<<<<< you have\ndescription: "Reviews it."\n||||||| the release had\n'
        'description: "Reviews."\n=======\ndescription: "Reviews anew."\n>>>>>>> the new release says\n'
        "model: sonnet\n---\n"
    )


def test_the_marker_below_a_rule_that_moved_names_the_file_that_has_it(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, rules = ("first", "second"), ("- Keep it. {#keep}\n", "- Look. {#look}\n")
    older = [persona_text(name, body="".join(rules[: 2 - number])) for number, name in enumerate(names)]
    newer = [persona_text(name, body="".join(rules[: 1 + number])) for number, name in enumerate(names)]
    crews = (
        make_pack("crew", version, personas=dict(zip(names, texts, strict=True)))
        for version, texts in (("1.0.0", older), ("2.0.0", newer))
    )
    agentpack("install", "crew==1.0.0", "--source", str(publish(tmp_path / "packs", *crews)), "--client", "claude")
    path = agentpack.folder / ".claude/agents/first.md"
    path.write_text(path.read_text().replace("- Keep it.\n- Look.", "- Keep it all.\n- Look twice."))
    copy = tmp_path / "copy"
    monkeypatch.setenv("VISUAL", editor(tmp_path, f"open({str(copy)!r}, 'w').write(t)"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, said = on_a_terminal(agentpack, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 3, said
    assert copy.read_text().endswith(
        "- Keep it all.\n<<<<<<< you have\n- Look twice.\n||||||| the release had\n- Look.\n=======\n"
        ">>>>>>> the new release says it in .claude/agents/second.md\n"
    )
    mine = r"t = re.sub(r'<{7}.*?\n(.*?)\|{7}.*?>{7}[^\n]*\n', r'\1', t, flags=re.S)"
    monkeypatch.setenv("VISUAL", editor(tmp_path, mine))
    code, said = on_a_terminal(agentpack, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert (code, path.read_text().endswith("- Keep it all.\n- Look twice.\n")) == (0, True), said
    assert "first.md keeps your text, but crew has the rule in .claude/agents/second.md" in " ".join(said.split())


PLAIN, MARKED = b"a\n=======\n", b"a\n=======\nb\n=======\n"


@pytest.mark.parametrize(
    ("done", "sides", "left"),
    [
        (b"a\n<<<<<<< you have\n", (b"", b"", b""), True),
        (b"a\n|||||||\n", (b"", b"", b""), True),
        (b"a\r\n=======\r\n", (b"", b"", b""), True),
        (b"a\n>>>>>>> the new release says\n", (b"", b"", b""), True),
        (b"a\n========\n<<<<<<<a\n  =======\n", (b"", b"", b""), False),
        (PLAIN, (PLAIN, b"", b""), False),
        (PLAIN, (b"", PLAIN, b""), False),
        (PLAIN, (b"", b"", PLAIN), False),
        (MARKED, (PLAIN, PLAIN, PLAIN), True),
        (MARKED, (PLAIN, MARKED, b""), False),
    ],
)
def test_a_marker_is_left_if_there_are_more_than_a_side_had_of_its_own(
    done: bytes, sides: tuple[bytes, bytes, bytes], left: bool
) -> None:
    assert markers_left(done, MergeSides(*sides)) is left


def test_gits_mergetool_gets_the_three_texts(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path, "config", "--global", "merge.tool", "both")
    both = 'grep -h "Say\\|Leave" "$BASE" "$LOCAL" "$REMOTE" > "$MERGED"'
    git(tmp_path, "config", "--global", "mergetool.both.cmd", both)
    git(tmp_path, "config", "--global", "mergetool.both.trustExitCode", "true")
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 0, said
    new = "- Leave nothing behind.\n"  # where nothing conflicts, each text is merged already
    assert (colliding.folder / FILE).read_text() == (
        f"- Say what you saw.\n{new}- Say little.\n{new}- Say exactly what you saw.\n{new}"
    )
    assert re.search(r"^merging with both: /.*/reviewer\.md$", said, re.M)


CHAINS = ("its settings", "an included file", "a .git file", "GIT_DIR", "includeIf")
"""How a program that a repository names could come to be the tool."""


def _name_tools(project: Path, tmp_path: Path, chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let settings that came with the project name a mergetool and an editor."""
    named = project / "tools.gitconfig"
    taken = f"touch {tmp_path}/taken; false"
    for key in ("merge.tool", "merge.guitool"):
        git(project, "config", "--file", str(named), key, "evil")
    for key in ("mergetool.evil.cmd", "mergetool.meld.cmd", "core.editor", "core.fsmonitor", "core.sshCommand"):
        git(project, "config", "--file", str(named), key, taken)
    if chain == "includeIf":
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        git(tmp_path, "config", "--global", f"includeIf.gitdir:{project}/.path", str(named))
    elif chain == "its settings":
        (project / ".git/config").write_text((project / ".git/config").read_text() + named.read_text())
    else:
        git(project, "config", "include.path", str(named))
    if chain == "a .git file":
        (project / ".git").rename(project / "elsewhere")
        (project / ".git").write_text("gitdir: elsewhere\n")
    if chain == "GIT_DIR":
        monkeypatch.setenv("GIT_DIR", str(project / ".git"))


@pytest.mark.many
@pytest.mark.parametrize("chain", CHAINS)
def test_no_tool_that_a_project_names_is_run(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("VISUAL", editor(tmp_path, UNITE))
    _name_tools(colliding.folder, tmp_path, chain, monkeypatch)
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 0, said
    assert "- Say little, exactly.\n" in (colliding.folder / FILE).read_text()
    assert not (tmp_path / "taken").exists()


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (("GIT_EDITOR", "core.editor", "VISUAL", "EDITOR"), "GIT_EDITOR"),
        (("core.editor", "VISUAL"), "core.editor"),
        (("VISUAL", "EDITOR"), "VISUAL"),
        (("EDITOR",), "EDITOR"),
    ],
)
def test_the_editor_is_the_one_that_git_would_open(
    colliding: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...], first: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in order:
        command = editor(tmp_path, UNITE) if name == first else "false"
        if name == "core.editor":
            git(tmp_path, "config", "--global", name, command)
        else:
            monkeypatch.setenv(name, command)
    code, said = on_a_terminal(colliding, "upgrade", "--latest", "--yes", "--on-conflict", "edit")
    assert code == 0, said


LABELS = MarkerLabels("ours", "base", "theirs")
PIECES = st.lists(st.sampled_from(["- one", "- two", "", "## A", "text", "text\nmore"]), max_size=8)
BODIES = st.builds(lambda lines: "\n".join(lines) + "\n", PIECES)


@given(BODIES, BODIES, BODIES)
def test_a_copy_to_merge_has_markers_exactly_when_there_is_a_conflict(base: str, ours: str, theirs: str) -> None:
    merged = merge(base.encode(), ours.encode(), theirs.encode())
    marked = with_markers(base, ours, theirs, LABELS)
    if merged.content is None:
        assert marked.count("<<<<<<< ours\n") == marked.count(">>>>>>> theirs\n") >= 1
    assert all(line in ("<<<<<<< ours", "") for line in marked.split("\n") if "<<<<" in line)


@given(BODIES, BODIES)
def test_a_copy_to_merge_without_a_conflict_is_the_merge(base: str, side: str) -> None:
    assert with_markers(base, side, base, LABELS) == side
    assert with_markers(base, base, side, LABELS) == side
    assert with_markers(base, side, side, LABELS) == side


def test_a_release_with_other_bytes_than_were_locked_is_a_difference_in_a_clone(clone: Agentpack, packs: Path) -> None:
    for persona in packs.rglob("reviewer.md"):
        persona.write_text(persona.read_text().replace("Look before", "Leap before"))
    for words in (("diff",), ("sync", "--check")):
        assert "is not what was locked" in clone(*words, expect=1).out


def test_a_local_variant_that_is_gone_is_a_difference(installed: Agentpack) -> None:
    variant = installed.folder / ".agentpack/variants/python-engineer/mine.md"
    write_tree(installed.folder, {str(variant.relative_to(installed.folder)): variant_text("- Mine. {#mine}\n")})
    installed("install", "python-engineer[mine]")
    installed("diff", expect=0)
    shutil.rmtree(installed.folder / ".agentpack/variants")
    for words in (("diff",), ("sync", "--check")):
        assert "the local variant `mine` of python-engineer is gone" in installed(*words, expect=1).out


@pytest.fixture
def two(agentpack: Agentpack, project: Path) -> Agentpack:
    """Two packs for two clients, whose files are all edited."""
    packs = (make_pack(name, personas={f"{name}-er": persona_text(f"{name}-er")}) for name in ("write", "read"))
    publish(project / "packs", *packs)
    agentpack("install", "write", "read", "--source", "packs", "--client", "claude,codex")
    for name in ("write-er", "read-er"):
        for path in (f".claude/agents/{name}.md", f".codex/agents/{name}.toml"):
            edit(agentpack, "Say what", "Tell what", path)
    return agentpack


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (
            "",
            [
                ".claude/agents/read-er.md",
                ".claude/agents/write-er.md",
                ".codex/agents/read-er.toml",
                ".codex/agents/write-er.toml",
            ],
        ),
        ("read", [".claude/agents/read-er.md", ".codex/agents/read-er.toml"]),
        ("write-er", [".claude/agents/write-er.md", ".codex/agents/write-er.toml"]),
        (".codex/agents/write-er.toml", [".codex/agents/write-er.toml"]),
        ("--client codex", [".codex/agents/read-er.toml", ".codex/agents/write-er.toml"]),
        ("read --client claude", [".claude/agents/read-er.md"]),
        (".codex/agents/write-er.toml --client claude", []),
    ],
)
def test_only_what_is_named_is_compared(two: Agentpack, words: str, files: list[str]) -> None:
    ran = two("diff", *words.split(), "--json", expect=1 if files else 0)
    assert [file["path"] for file in ran.envelope["data"]["files"]] == files


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nobody", ""),
        ("3.0.0", "hint: `agentpack diff --to 3.0.0` compares with that release\n"),
        ("read@2.0.0", "hint: `agentpack diff --to read@2.0.0` compares with that release\n"),
        ("nobody@2.0.0", ""),
        ("reader", "hint: did you mean `read-er`?\n"),
        (".claude/agents/write-e", "hint: did you mean `write-er`?\n"),
        ("elsewhere/read-er", "hint: did you mean `read-er`?\n"),
    ],
)
def test_a_name_that_nothing_installed_has_is_told_with_those_there_are(two: Agentpack, name: str, hint: str) -> None:
    assert two("diff", name, expect=2).err == (
        f"project {two.folder}\n"
        f"error: no pack or persona `{name}` is installed here\n"
        f"  installed: read, read-er, write, write-er\n{hint}"
    )


def test_a_name_where_nothing_is_installed_is_told_so(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    agentpack("source", "add", "here", "packs")
    agentpack("sync")
    assert agentpack("diff", "nobody", expect=2).err == (
        f"project {project}\nerror: no pack or persona `nobody` is installed here\n  installed: nothing\n"
    )


def test_a_client_that_there_is_not_is_told(two: Agentpack) -> None:
    told = two("diff", "--client", "clode", expect=2).err
    assert told.startswith(f"project {two.folder}\nerror: ")
    assert "error: there is no client `clode`\n" in told


def test_an_upgrade_to_the_same_text_is_a_difference(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack(version="1.0.0"), make_pack(version="1.0.1"))
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    ran = agentpack("diff", "--upgrade", "--latest", "--json", expect=1)
    assert ran.envelope["data"]["packs"] == [{"name": "data-reviewer", "before": "1.0.0", "after": "1.0.1"}]
    assert (ran.envelope["data"]["files"], ran.envelope["data"]["differs"]) == ([], True)
