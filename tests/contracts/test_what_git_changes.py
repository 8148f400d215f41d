"""Git may give a checkout other line ends than its author had. That is no difference to any command, for any client."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.changes.plan import Decisions, EditedFile, plan
from agentpack.clients import CLIENTS
from agentpack.model.changes import Action, Observed
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import MARK, as_crlf, as_lf, ends_in_crlf, plain
from agentpack.model.names import digest_of, text_digest
from agentpack.model.rendering import Rendering

NAMES = sorted(name for name, target in CLIENTS.items() if target.project is not None)
PERSONA = ".claude/agents/reviewer.md"
PACK = "packs/data-reviewer/1.0.0"
LOCAL = ".agentpack/variants/reviewer/house.md"
MANIFEST = """\
schema: 1
clients: [{clients}]
sources:
  - {{name: ours, path: packs}}
# what we want
packs:
  - data-reviewer[house,strict]~=1.0
"""
LOOKING = (("sync", "--check"), ("lock", "--check"), ("diff",), ("status",), ("audit",), ("explain", "reviewer"))
STEADY = (*LOOKING, ("sync", "--locked"), ("sync", "--frozen"), ("sync",), ("lock",), ("upgrade", "--yes"))
BODY = """\
You review data. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say}

## Habits {#habits}

- Run the tests first. {#tests}
"""


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")


def release(version: str = "1.0.0", body: str = BODY) -> dict[str, bytes]:
    strict = variant_text("\n## Rules {#rules}\n\n- Read it twice. {#twice}\n")
    return make_pack(
        version=version, personas={"reviewer": persona_text(body=body)}, variants={"reviewer/strict": strict}
    )


def filled(project: Path, clients: list[str]) -> None:
    """A project with a manifest that people wrote, a pack and a local variant."""
    publish(project / "packs", release())
    house = variant_text("\n## Rules {#rules}\n\n- Speak plainly. {#plainly}\n")
    write_tree(project, {LOCAL: house, "agentpack.yaml": MANIFEST.format(clients=", ".join(clients))})


@pytest.fixture
def origin(agentpack: Agentpack, project: Path) -> Path:
    """A project in which every client has its file, all committed with LF."""
    filled(project, NAMES)
    agentpack("sync", "--adopt")
    commit(project)
    return project


CHECKOUTS = {
    "autocrlf": (["-c", "core.autocrlf=true"], ""),
    "text=auto with CRLF": (["-c", "core.eol=crlf"], "* text=auto\n"),
    "eol=crlf": ([], "* text eol=crlf\n"),
}


def clone(origin: Path, how: str) -> Path:
    settings, attributes = CHECKOUTS[how]
    if attributes:
        write_tree(origin, {".gitattributes": attributes})
        commit(origin)
    subprocess.run(["git", *settings, "clone", "--quiet", origin, origin.parent / "clone"], check=True)
    folder = origin.parent / "clone"
    for words in settings[1::2]:
        git(folder, "config", *words.split("="))
    return folder


@pytest.mark.many
@pytest.mark.parametrize("how", CHECKOUTS)
def test_a_clone_with_other_line_ends_is_clean_for_every_client(origin: Path, how: str) -> None:
    """Manifest, lock, pack, local variant and every client's file are in CRLF."""
    folder = clone(origin, how)
    before = tree(folder)
    assert {path for path, data in before.items() if path != ".gitattributes" and not ends_in_crlf(data)} == set()
    clients = {file["client"] for file in json.loads(before["agentpack.lock"])["files"]}
    assert clients >= {"claude", "codex", "gemini", "roo", "vibe"}, "md, toml, yaml, and files that many share"
    agentpack = Agentpack(folder)
    for words in STEADY:
        agentpack(*words)
        assert tree(folder) == before, words
    assert "clean" in json.dumps(agentpack("status", "--json").envelope)
    assert not {"edited", "outdated"} & {
        file["state"] for pack in agentpack("status", "--json").envelope["data"]["packs"] for file in pack["files"]
    }
    subprocess.run(["git", "diff", "--exit-code"], cwd=folder, check=True)


@pytest.mark.campaign
def test_the_line_ends_of_a_checkout_may_change_under_a_history(origin: Path, agentpack: Agentpack) -> None:
    """The record says what bytes were left; those of a new checkout are other ones with the same text."""
    write_tree(origin, {path: as_crlf(data) for path, data in tree(origin).items()})
    before = tree(origin)
    for words in STEADY:
        agentpack(*words)
        assert tree(origin) == before, words


def test_a_source_in_crlf_is_written_in_crlf_and_its_clone_in_lf_is_clean(agentpack: Agentpack, project: Path) -> None:
    text = "---\nname: writer\ndescription: Writes.\n---\nYou write.\n\n- plainly\n".replace("\n", "\r\n")
    write_tree(project, {"coll/agents/writer.md": text, ".gitattributes": "* text=auto\n"})
    agentpack("install", "coll", "--source", "coll")
    written = (project / ".claude/agents/writer.md").read_bytes()
    assert written == as_crlf(written)
    agentpack("diff")
    commit(project)
    folder = project.parent / "clone"
    git(project, "clone", "--quiet", ".", str(folder))
    before = tree(folder)
    assert (folder / ".claude/agents/writer.md").read_bytes() == as_lf(written)
    for words in (*STEADY[:-1], ("explain", "writer")):
        if words != ("explain", "reviewer"):
            Agentpack(folder)(*words)
            assert tree(folder) == before, words


def test_what_a_crlf_source_gave_is_kept_when_the_source_is_gone(agentpack: Agentpack, project: Path) -> None:
    """Git makes LF of it in the same checkout; then it is edited."""
    publish(project / "packs", {path: as_crlf(data) for path, data in release().items()})
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    assert ends_in_crlf((project / PERSONA).read_bytes())
    write_tree(project, {PERSONA: as_lf((project / PERSONA).read_bytes())})
    for words in (("sync", "--check"), ("diff",), ("upgrade", "--check")):
        agentpack(*words)
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    shutil.rmtree(project / "packs")
    assert "{+all that+}" in agentpack("diff", expect=1).out


def test_the_cache_does_not_decide_the_line_ends(agentpack: Agentpack, project: Path) -> None:
    """Both forms of a pack have one digest, under which what was read of the first is kept."""
    for form in (as_lf, as_crlf, as_lf):
        folder = project.parent / form.__name__
        publish(folder / "packs", {path: form(data) for path, data in release().items()})
        write_tree(folder, {"agentpack.yaml": MANIFEST.format(clients="claude").replace("house,", "")})
        Agentpack(folder)("sync", "--root", str(folder))
        assert (folder / PERSONA).read_bytes() == form((folder / PERSONA).read_bytes())


def in_crlf(project: Path, agentpack: Agentpack) -> None:
    """A project of one client whose checkout has CRLF."""
    filled(project, ["claude"])
    agentpack("sync")
    commit(project)
    write_tree(project, {path: as_crlf(data) for path, data in tree(project).items()})


def edit(path: Path, before: bytes, after: bytes) -> None:
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after))


@pytest.mark.parametrize("crlf", [False, True], ids=["new release in LF", "new release in CRLF"])
def test_an_upgrade_merges_an_edit_and_the_file_keeps_its_line_ends(
    agentpack: Agentpack, project: Path, crlf: bool
) -> None:
    in_crlf(project, agentpack)
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    newer = release("1.1.0", BODY.replace("Run the tests first", "Run the tests before and after"))
    publish(project / "packs", {path: as_crlf(data) if crlf else data for path, data in newer.items()})
    shown = agentpack("diff", "--upgrade", expect=1).out
    assert "before and after" in shown
    agentpack("upgrade", "--yes")
    merged = (project / PERSONA).read_bytes()
    assert merged == as_crlf(merged)
    assert b"- Say all that you saw." in merged and b"before and after" in merged
    for path in ("agentpack.lock", "agentpack.yaml"):
        assert (project / path).read_bytes() == as_crlf((project / path).read_bytes()), path
    agentpack("rollback")
    assert b"- Say all that you saw." in (project / PERSONA).read_bytes()
    assert b"before and after" not in (project / PERSONA).read_bytes()


def test_an_unedited_file_in_crlf_is_upgraded_in_crlf(agentpack: Agentpack, project: Path) -> None:
    in_crlf(project, agentpack)
    publish(project / "packs", release("1.1.0", BODY.replace("Run the tests first", "Run the tests before and after")))
    agentpack("upgrade", "--yes")
    now = (project / PERSONA).read_bytes()
    assert b"before and after" in now and now == as_crlf(now)
    agentpack("diff")
    agentpack("sync", "--check")


@pytest.mark.parametrize("decided", ["keep", "theirs"])
def test_a_conflict_in_a_crlf_file_is_decided_in_crlf(agentpack: Agentpack, project: Path, decided: str) -> None:
    in_crlf(project, agentpack)
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    publish(project / "packs", release("1.1.0", BODY.replace("- Say what you saw.", "- Say what you found.")))
    before = tree(project)
    agentpack("upgrade", "--yes", expect=3)
    assert tree(project) == before
    agentpack("upgrade", "--yes", "--on-conflict", decided)
    now = (project / PERSONA).read_bytes()
    assert now == as_crlf(now)
    assert (b"all that you saw" in now, b"what you found" in now) == (decided == "keep", decided == "theirs")


def test_an_edit_of_a_crlf_file_is_shown_explained_and_kept(agentpack: Agentpack, project: Path) -> None:
    in_crlf(project, agentpack)
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    shown = agentpack("diff", expect=1).out
    assert "+1 -1" in shown and "{+all that+}" in shown
    patch = agentpack("diff", "--format", "unified", expect=1).out
    assert [
        line.rstrip("\r\n") for line in patch.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ] == [
        "-- Say what you saw.",
        "+- Say all that you saw.",
    ]
    explained = {
        line["name"]: line["state"]
        for line in agentpack("explain", "reviewer", "--json").envelope["data"]["files"][0]["rules"]
    }
    assert explained["say"] == "edited" and explained["look"] == "released"
    agentpack("keep", "reviewer", "--as", "mine")
    now = (project / PERSONA).read_bytes()
    assert b"all that you saw" in now and now == as_crlf(now)
    manifest = (project / "agentpack.yaml").read_bytes()
    assert b"mine" in manifest and b"# what we want" in manifest and manifest == as_crlf(manifest)
    agentpack("diff")


def test_a_crlf_file_is_recognised_by_adopt_and_uninstalled(agentpack: Agentpack, project: Path) -> None:
    text = agentpack("render", "python-engineer<3", "--client", "claude").out
    write_tree(project, {".claude/agents/python-engineer.md": as_crlf(text.encode())})
    before = tree(project)
    (file,) = agentpack("adopt", ".claude/agents/python-engineer.md", "--json").envelope["data"]["adopted"]
    assert (file["edited"], file["rewritten"], file["local"]) == ("", False, False)
    assert tree(project)[".claude/agents/python-engineer.md"] == before[".claude/agents/python-engineer.md"]
    agentpack("diff")
    agentpack("uninstall", "python-engineer")
    assert not (project / ".claude/agents/python-engineer.md").exists()


def test_a_rollback_gives_the_very_bytes_back(agentpack: Agentpack, project: Path) -> None:
    in_crlf(project, agentpack)
    before = tree(project)
    agentpack("uninstall", "data-reviewer")
    agentpack("rollback")
    assert tree(project) == before


# A byte-order mark.

OURS = ("agentpack.yaml", "agentpack.lock", f"{PACK}/pack.yaml", f"{PACK}/personas/reviewer.md", LOCAL)


@pytest.mark.many
@pytest.mark.parametrize("path", OURS)
def test_a_byte_order_mark_in_a_file_of_ours_is_read_and_kept(agentpack: Agentpack, project: Path, path: str) -> None:
    filled(project, ["claude"])
    write_tree(project, {path: MARK + (project / path).read_bytes()} if path != "agentpack.lock" else {})
    agentpack("sync")
    if path == "agentpack.lock":
        write_tree(project, {path: MARK + (project / path).read_bytes()})
    before = tree(project)
    for words in STEADY:
        agentpack(*words)
        assert tree(project) == before, words
    publish(project / "packs", release("1.1.0", BODY.replace("Run the tests first", "Run the tests before and after")))
    agentpack("upgrade", "--yes")
    agentpack("uninstall", "data-reviewer[strict]")
    assert (project / path).read_bytes().startswith(MARK)
    agentpack("diff")


def test_a_byte_order_mark_in_an_agent_file_is_an_edit_that_confuses_nobody(
    agentpack: Agentpack, project: Path
) -> None:
    filled(project, ["claude"])
    agentpack("sync")
    (project / PERSONA).write_bytes(MARK + (project / PERSONA).read_bytes())
    agentpack("diff", expect=1)
    rules = agentpack("explain", "reviewer", "--json").envelope["data"]["files"][0]["rules"]
    assert {rule["state"] for rule in rules} == {"released"}
    publish(project / "packs", release("1.1.0", BODY.replace("Run the tests first", "Run the tests before and after")))
    agentpack("upgrade", "--yes")
    now = (project / PERSONA).read_bytes()
    assert now.startswith(MARK + b"---\n") and b"before and after" in now
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    agentpack("keep", "reviewer")
    kept = (project / PERSONA).read_bytes()
    assert kept.startswith(MARK) and b"all that you saw" in kept
    assert "no local edits" in agentpack("keep", "reviewer").err


# What else people write.


def test_a_policy_a_declared_client_and_a_baseline_may_have_a_mark_and_crlf(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(project, ["claude", "house"])
    client = "schema: 1\ntitle: House\nproject: .house/agents\nfile: '{name}.md'\n"
    policy = "packs: {deny: [something-else]}\n"
    write_tree(project, {".agentpack/clients/house.yaml": client, "policy.yaml": policy})
    monkeypatch.setenv("AGENTPACK_POLICY", str(project / "policy.yaml"))
    agentpack("audit", "./packs", "--baseline", "seen.json", "--write-baseline")
    for path in (".agentpack/clients/house.yaml", "policy.yaml", "seen.json"):
        write_tree(project, {path: MARK + as_crlf((project / path).read_bytes())})
    agentpack("sync")
    assert (project / ".house/agents/reviewer.md").is_file()
    before = tree(project)
    agentpack("audit", "./packs", "--baseline", "seen.json")
    agentpack("audit", "./packs", "--baseline", "seen.json", "--write-baseline")
    assert tree(project) == before
    write_tree(project, {"policy.yaml": MARK + as_crlf(b"packs: {deny: [data-reviewer]}\n")})
    agentpack("install", "data-reviewer[strict]", expect=5)


@pytest.mark.parametrize("form", [as_crlf, lambda data: MARK + as_crlf(data)], ids=["CRLF", "CRLF and a mark"])
def test_a_pack_under_work_keeps_its_line_ends(
    agentpack: Agentpack, project: Path, form: Callable[[bytes], bytes]
) -> None:
    files = {
        **release(body=BODY + "- Nameless rule of the pack.\n"),
        "CHANGELOG.md": b"# Changelog\n\n## 0.9.0\n\n- x\n",
    }
    folder = write_tree(project / "pack", {path: form(data) for path, data in files.items()})
    agentpack("pack", "check", str(folder), "--fix", expect=1)  # what changed is for the author to say
    after = tree(folder)
    assert b"{#nameless-rule-of-the}\r\n" in after["personas/reviewer.md"]
    assert b"## 1.0.0\r\n" in after["CHANGELOG.md"]
    for path, data in after.items():
        assert data == form(plain(data)), path
    assert agentpack("pack", "check", str(folder), "--fix", expect=1).err.count(": fixed") == 0


def test_a_patch_for_the_author_of_a_crlf_pack_applies(agentpack: Agentpack, project: Path) -> None:
    in_crlf(project, agentpack)
    edit(project / PERSONA, b"- Say what you saw.", b"- Say all that you saw.")
    patch = agentpack("keep", "reviewer", "--patch").out
    write_tree(project, {"an.edit": patch})
    git(project / PACK, "apply", str(project / "an.edit"))
    source = (project / PACK / "personas/reviewer.md").read_bytes()
    assert b"- Say all that you saw. {#say}\r\n" in source
    assert source == as_crlf(source)


def test_two_packs_with_one_text_in_other_line_ends_are_the_same_release(agentpack: Agentpack, project: Path) -> None:
    """As an archive that was built from LF, beside a folder that git checked out."""
    files = {**release(), "CHANGELOG.md": b"# Changelog\n\n## 1.0.0\n\n- First release.\n"}
    publish(project / "packs", files)
    agentpack("pack", "build", str(project / PACK), "--out", str(project / "packs/data-reviewer"))
    assert list((project / "packs/data-reviewer").glob("*.tar.gz"))
    write_tree(project / PACK, {path: as_crlf(data) for path, data in files.items()})
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")


@pytest.mark.parametrize(
    "name", ["name: data-reviewer\nschema: 1\n", "version: 1.0.0\nschema: 1\nname: data-reviewer\n"]
)
def test_a_manifest_of_a_pack_is_found_by_the_line_behind_a_mark(
    agentpack: Agentpack, project: Path, name: str
) -> None:
    header = name + ("" if "version" in name else "version: 1.0.0\n") + "description: Reviews data.\n"
    write_tree(project / "elsewhere", {**release(), "pack.yaml": MARK + header.encode()})
    agentpack("install", "data-reviewer", "--source", "elsewhere", "--client", "claude")


def test_what_is_merged_by_hand_gets_the_line_ends_of_the_file() -> None:
    base, ours, theirs = b"- one\n- two\n", b"- mine\r\n- two\r\n", b"- new\n- two\n"
    observed = Observed(text_digest(ours), 0o644, exact=digest_of(ours))
    made = plan(
        {PERSONA: Rendering("claude", "p", "reviewer", PERSONA, theirs)},
        {PERSONA: InstalledFile(PERSONA, "claude", "p", "reviewer", digest_of(base), digest_of(base), 0o644)},
        {PERSONA: observed},
        disk=lambda _: ours,
        base=lambda _: base,
        decisions=Decisions(edited={PERSONA: EditedFile(digest_of(ours), digest_of(theirs), b"- both\n- two\n")}),
    )
    (change,) = made.changes
    assert (change.action, change.content) == (Action.MERGE, b"- both\r\n- two\r\n")
