"""What strangers wrote is escaped wherever it is printed: every verb, every format, in a pipe, on a terminal, as JSON.

A pack, its source's folder, local variants, a declared client, manifests and agent files say hostile things wherever
they may say something. Nothing that is printed may be obeyed by a terminal, a CI system, a renderer of Markdown or a
shell.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.many import Done, Job, run_all
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import write_tree
from support.workflow_commands import commands_in

import agentpack
from agentpack.changes.differences import Differences, FileDifference, Remark
from agentpack.cli.app import VERBS
from agentpack.cli.boundary import guarded
from agentpack.cli.diff import FORMATS as DIFF_FORMATS
from agentpack.cli.output import Output, safe
from agentpack.reports.escaping import for_stream, json_text, workflow_command
from agentpack.reports.junit import junit

JUNIT = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
MARK = "pwned"
CALLS_OF_CI = (
    "::error file=a::pwned ##[error]pwned ##vso[task.setvariable variable=PATH]pwned "
    "##teamcity[testFailed name='pwned'] ::set-output name=x::pwned"
)
MARKUP = (
    "````` <script>pwned()</script> <img src=x onerror=pwned()> [pwned](javascript:pwned) ![pwned](//e) | @everyone *b*"
)
VISIBLE = f"{CALLS_OF_CI} {MARKUP}"
CONTROLS = (
    "\x1b[5mpwned\x1b]8;;https://example.com\x07 \x1b]52;c;cHduZWQ=\x07 \x9b5m\x9d52;c;x\x9c \x07\x08\x7f"
    "\r::error::pwned \u202epwned\u2066 \u200b\u2028::error::pwned\u2029 \U000e0041 \ufeff \u2764\ufe0f\ufe0e\ufe0f"
)
FILE = ".claude/agents/reviewer.md"


def body(words: str) -> str:
    return f"""\
You review. {{#identity}}

## {words} {{#section}}

- Look. {words} {{#look}}
- Show this: {{#show}}

  ```
  {words}
::error::pwned
  ##vso[task.complete]pwned
  ```

::error::pwned at the start {{#start}}
"""


def hostile_pack(name: str, version: str, words: str) -> dict[str, bytes]:
    return make_pack(
        name,
        version,
        personas={"reviewer": persona_text(body=body(f"{words} {version}"), description=f"{words}\n{words}")},
        variants={
            "reviewer/loud": variant_text(
                f"## More {{#more}}\n\n- {words} {{#more-look}}\n", summary=f"::error::{words}"
            )
        },
        files={"CHANGELOG.md": f"# {version}\n\n::error::{words}\n", "NOTES.md": words},
        description=f"::error::{words}",
        license=f"::error::{words}",
        homepage=f"::error::{words}",
        authors=[f"::error::{words}", words],
        keywords=[f"::error::{words}"],
        parameters={
            "tone": {
                "type": "string",
                "default": "::error::pwned ##[error]pwned",
                "description": f"::error::{words}",
            }
        },
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a project in which hostile packs are installed, and others that are broken."""
    top = tmp_path_factory.mktemp("scene")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(top / "home"))
        for name in ("CONFIG", "STATE", "CACHE", "DATA"):
            patch.setenv(f"XDG_{name}_HOME", str(top / "home" / name.lower()))
        patch.setenv("COLUMNS", "60")
        patch.setenv("TERM", "xterm")
        for name in ("NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        make_scene(top)
        yield top


SOURCE = "packs ::error::pwned ##[error]"


def make_scene(top: Path) -> None:
    source = top / SOURCE
    publish(source, hostile_pack("hostile", "1.0.0", VISIBLE), hostile_pack("hostile", "1.1.0", VISIBLE))
    publish(source, hostile_pack("controls", "1.0.0", CONTROLS))
    publish(source, hostile_pack("hostlle", "1.0.0", VISIBLE))
    write_tree(source / "a\x1b[5m\n::error::pwned", {"agents/a\x1b[5m\n::error::pwned.md": persona_text("a", CONTROLS)})
    write_tree(source, {"broken/pack.yaml": f'schema: 1\nname: broken\nversion: 1.0.0\n"::error::{MARK}\\e[5m": x\n'})
    project = top / "project"
    (project / ".git").mkdir(parents=True)
    write_tree(project, {".agentpack/clients/house.yaml": client(f"::error::{MARK} ##[error]")})
    here = Agentpack(project)
    here("install", "hostile==1.0.0", "--source", str(source), "-c", "claude", "-c", "house")
    here("install", "hostile==1.0.0", "--set", "tone=::error::pwned ##vso[x]pwned")
    write_tree(
        project,
        {
            ".agentpack/variants/reviewer/house.md": variant_text(
                f"## A {{#a}}\n\n- {VISIBLE} {{#more}}\n", summary=VISIBLE
            ),
            ".agentpack/variants/reviewer/$(pwned)\x1b[5m\n::error::pwned.md": variant_text(summary="x"),
            ".agentpack/variants/\x1b[5m\n::error::pwned/x.md": variant_text(summary="x"),
            ".claude/agents/\x1b[5m\n::error::pwned.md": persona_text("::error::pwned", CONTROLS),
            ".claude/agents/other.md": persona_text("other", CONTROLS),
            "seen.json": f'{{"schema": "::error::{MARK}"}}',
        },
    )
    for name in ("loud", "collision"):
        shutil.copytree(project, top / name, symlinks=True)
    loud = variant_text(f"## {CONTROLS} {{#loud}}\n\n- {CONTROLS} {{#louder}}\n", summary=CONTROLS)
    write_tree(top / "loud", {".agentpack/variants/reviewer/house.md": loud})
    with open(project / FILE, "a", encoding="utf-8") as file:
        file.write(f"\n::error::pwned\n{CONTROLS}\n`````\n{VISIBLE}\n")
    collided = top / "collision" / FILE
    collided.write_text(collided.read_text().replace("Look.", f"{CONTROLS} {VISIBLE}"))
    key = f'"::error::{MARK}\\e[5m\\n##[error]{MARK}"'
    write_tree(top, {"broken/agentpack.yaml": f"schema: 1\n{key}: [{key}]\npacks: [{key}]\n", "broken/.git/x": ""})
    write_tree(top, {"torn/agentpack.yaml": f"schema: 1\npacks: [a]\n# {CONTROLS}", "torn/.git/x": ""})
    write_tree(top, {"torn/agentpack.lock": f'{{"schema": 1, "::error::{MARK}": 1}}'})
    named = top / "root\x1b[5m\n::error::pwned"
    (named / ".git").mkdir(parents=True)
    Agentpack(named)("install", "python-engineer")


def client(title: str) -> str:
    return f"schema: 1\ntitle: {json.dumps(title)}\nproject: .house/agents\nmodel: model\n"


WORDS = f"::error::pwned {CALLS_OF_CI}\n::error::pwned\x1b[5m"
"""Hostile words on the command line itself, which a script may have taken from somewhere."""
CALLS: dict[str, list[list[str]]] = {
    "install": [
        ["install", "hostile[loud]", "-n"],
        ["install", "hostile", "--set", f"tone={WORDS}", "-n", "-v"],
        ["install", "hostlle", "-n"],
        ["install", "controls", "-n"],
        ["install", "broken", "-n"],
        ["install", WORDS],
        ["install", "hostile", "--set", WORDS],
        ["install", "hostile", "--client", WORDS],
        ["install", "hostile", "--source", WORDS],
    ],
    "uninstall": [["uninstall", "hostile", "-n"], ["uninstall", WORDS]],
    "sync": [
        ["sync", "--check"],
        ["sync", "--check", "--format", "junit"],
        ["sync", "-n"],
        ["sync", "--locked"],
        ["sync", "--frozen", "-v"],
    ],
    "lock": [["lock", "--check"], ["lock", "--upgrade", "-n"], ["lock", "--upgrade-pack", WORDS, "-n"]],
    "upgrade": [
        ["upgrade", "-n", "--latest"],
        ["upgrade", "--latest"],
        ["upgrade", "--latest", "--check"],
        ["upgrade", WORDS],
    ],
    "diff": [
        *(["diff", "--format", name] for name in DIFF_FORMATS),
        *(
            ["diff", "--from", "hostile@1.0.0", "--to", "hostile[loud]@1.1.0", "--format", name]
            for name in DIFF_FORMATS
        ),
        *(["diff", "--upgrade", "--latest", "--format", name] for name in DIFF_FORMATS),
        ["diff", "--stat"],
        ["diff", WORDS],
        ["diff", "--format", WORDS],
    ],
    "status": [["status"], ["status", "-v"]],
    "history": [["history"], ["history", "show", "2"], ["history", WORDS]],
    "rollback": [["rollback", "-n"], ["rollback", "1", "-n"], ["rollback", WORDS]],
    "show": [
        ["show", "hostile[loud]"],
        ["show", "hostile"],
        ["show", "hostile", "-v"],
        ["show", "controls"],
        ["show", "broken"],
        ["show", WORDS],
    ],
    "render": [["render", "hostile[loud]"], ["render", "controls"], ["render", "hostile", "--persona", WORDS]],
    "search": [["search"], ["search", "pwned"], ["search", WORDS]],
    "clients": [["clients"]],
    "explain": [
        ["explain", "hostile"],
        ["explain", "reviewer", "look"],
        ["explain", "reviewer", "tone"],
        ["explain", WORDS],
    ],
    "keep": [["keep", "reviewer", "-n"], ["keep", "reviewer", "--patch"], ["keep", WORDS]],
    "adopt": [
        ["adopt", ".claude/agents/other.md", "-n"],
        ["adopt", ".claude/agents/\x1b[5m\n::error::pwned.md", "-n"],
        ["adopt", WORDS],
    ],
    "audit": [
        *(["audit", "--level", "note", "--format", name] for name in ("text", "json", "sarif", "github")),
        *(
            ["audit", "hostile", "controls", "--level", "note", "--format", name]
            for name in ("text", "sarif", "github")
        ),
        ["audit", "--baseline", "seen.json"],
        ["audit", WORDS],
    ],
    "policy": [["policy", "explain"], ["policy", "explain", "hostile"], ["policy", "explain", WORDS]],
    "source": [
        ["source", "list"],
        ["source", "check"],
        ["source", "add", WORDS, f"../{SOURCE}"],
        ["source", "add", "more", WORDS],
        ["source", "add", "more", f"../{SOURCE}", "--packs", WORDS],
        ["source", "add", "more", f"../{SOURCE}", "--packs", "h*", "-n"],
        *(["source", name, WORDS] for name in ("remove", "check")),
    ],
    "pack": [
        *(["pack", "check", f"../{SOURCE}", "--format", name] for name in ("text", "github", "json")),
        ["pack", "check", f"../{SOURCE}/hostile/1.1.0", "--fix", "-n"],
        ["pack", "check", "--rules"],
        ["pack", "test", f"../{SOURCE}/hostile"],
        ["pack", "build", f"../{SOURCE}/hostile/1.0.0", "-n"],
        *(["pack", name, WORDS] for name in ("new", "check", "test", "build")),
    ],
    "cache": [["cache", "list"], ["cache", "prune", "-n"], ["cache", "prune", "--days", WORDS], ["cache", WORDS]],
    "bundle": [["bundle", "-n"], ["bundle", "-o", WORDS, "-n"], ["bundle", WORDS]],
    "doctor": [["doctor"], ["doctor", "-v"]],
}
"""Calls of every verb. They leave the project as it is."""
EVERYWHERE = [[WORDS], ["--" + WORDS], ["status", WORDS], ["status", "--root", WORDS]]
EXACT = [["render"], ["keep", "--patch"], ["diff", "unified"]]
"""Calls whose text is data: exact in a pipe or file, and escaped on a terminal only."""


def all_jobs(top: Path) -> list[Job]:
    project = str(top / "project")
    calls = [(call, project) for verb in CALLS.values() for call in verb]
    calls += [(call, project) for call in EVERYWHERE]
    for name in ("broken", "torn", "collision", "root\x1b[5m\n::error::pwned"):
        calls += [
            ([*words], str(top / name))
            for words in (
                ["status"],
                ["diff"],
                ["sync", "-n"],
                ["sync", "--check", "--format", "junit"],
                ["doctor"],
                ["history"],
            )
        ]
    for words in (
        ["status"],
        ["show", "hostile"],
        ["install", "hostile[house]", "-n"],
        ["audit"],
        ["doctor"],
        ["diff"],
    ):
        calls.append((words, str(top / "loud")))
    calls += [(["upgrade", "--latest", "--dry-run"], str(top / "collision"))]
    calls += [(["diff", "--upgrade", "--latest", "--format", name], str(top / "collision")) for name in DIFF_FORMATS]
    jobs = []
    for words, folder in calls:
        jobs.append(Job(words, folder))
        if not any(WORDS in word for word in words):
            jobs.append(Job(words, folder, terminal=True, typed="n\n"))
        if "--format" not in words:
            jobs.append(Job([*words, "--json"], folder))
    return jobs


@pytest.fixture(scope="module")
def ran(scene: Path) -> list[tuple[Job, Done]]:
    jobs = all_jobs(scene)
    return list(zip(jobs, run_all(jobs), strict=True))


def is_exact(job: Job) -> bool:
    return (
        not job.terminal and "--json" not in job.arguments and any(set(job.arguments) >= set(words) for words in EXACT)
    )


def wants_json(job: Job) -> bool:
    words = list(job.arguments)
    return "--json" in words or words[-2:] in (["--format", "json"], ["--format", "sarif"])


def streams(job: Job, done: Done) -> Iterator[str]:
    """What a command said, but for data that has to be exact; without our own colours where there may be any."""
    for data in (done.err,) if is_exact(job) else (done.out, done.err):
        text = data.decode("utf-8")
        yield OURS.sub("", text) if job.terminal else text


OURS = re.compile("\x1b\\[(?:0|[1-47]|3[1-6])(?:;(?:[1-47]|3[1-6]))*m")
"""The styles that agentpack has; blinking, which hostile texts ask for, is none of them."""
COMMAND = re.compile(r"^\s*::|##[a-z]*\[", re.M | re.I)


def obeyed(text: str) -> list[str]:
    """Characters that a terminal obeys or hides, but for line ends and tabs; also variation selectors in a row, which
    can hide bytes.
    """
    hidden = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    found = [c for c in text if c not in "\n\t" and unicodedata.category(c) in hidden]
    found += [two[1] for two in pairwise(text) if all("\ufe00" <= c <= "\ufe0f" for c in two)]
    return [f"U+{ord(c):04X}" for c in found]


@pytest.mark.campaign
def test_every_verb_is_called_and_none_runs_into_a_bug(ran: list[tuple[Job, Done]]) -> None:
    assert set(CALLS) == set(VERBS), "a verb needs its calls here"
    bugs = [(job, done) for job, done in ran if done.exit_code not in (0, 1, 2, 3, 4, 5, 6)]
    assert bugs == []


@pytest.mark.campaign
def test_hostile_words_are_met_in_every_verb(ran: list[tuple[Job, Done]]) -> None:
    """Else this file would show nothing."""
    met = {job.arguments[0] for job, done in ran if MARK.encode() in done.out + done.err}
    assert met >= set(VERBS)


@pytest.mark.campaign
def test_nothing_that_is_printed_is_obeyed_by_a_terminal(ran: list[tuple[Job, Done]]) -> None:
    found = [(job, text) for job, done in ran for text in streams(job, done) if obeyed(text)]
    assert found == []


@pytest.mark.campaign
def test_nothing_that_is_printed_is_a_command_for_a_ci_system(ran: list[tuple[Job, Done]]) -> None:
    for job, done in ran:
        for text in streams(job, done):
            if "github" in job.arguments:
                text = re.sub(r"^::(?:error|warning|notice) file=[^:,\n]*(?:,[a-z]+=[^:,\n]*)*::", "", text, flags=re.M)
            assert COMMAND.search(text) is None, (job, text)


@pytest.mark.campaign
def test_github_reads_nothing_but_annotations(ran: list[tuple[Job, Done]]) -> None:
    logs = [done.out.decode() for job, done in ran if "github" in job.arguments and not job.terminal and done.out]
    assert len(logs) >= 3
    for log in logs:
        commands = commands_in(log)
        assert len(commands) == log.count("\n")
        assert {command.name for command in commands} <= {"error", "warning", "notice"}
        assert {key for command in commands for key in command.properties} <= {"file", "line", "col", "title"}


@pytest.mark.campaign
def test_json_reads_and_holds_the_very_words(ran: list[tuple[Job, Done]]) -> None:
    values = [(job, json.loads(done.out)) for job, done in ran if wants_json(job) and not job.terminal]
    assert len(values) > 50
    shown = next(v for job, v in values if list(job.arguments) == ["show", "hostile[loud]", "--json"])
    assert shown["data"]["description"] == f"::error::{VISIBLE}"
    rendered = [
        v for job, v in values if list(job.arguments) == ["render", "controls", "--json"] and v["status"] == "ok"
    ]
    assert all(CONTROLS in value["data"]["text"] for value in rendered)


@pytest.mark.campaign
def test_a_line_of_text_cannot_be_faked(ran: list[tuple[Job, Done]]) -> None:
    """Names with line ends in them stay in their line."""
    for job, done in ran:
        if not is_exact(job) and not wants_json(job):
            assert not re.search(rb"^::error::pwned", done.out + done.err, re.M), job


@pytest.mark.campaign
@pytest.mark.untraced
def test_markdown_is_not_broken_out_of(ran: list[tuple[Job, Done]]) -> None:
    pages = [done.out.decode() for job, done in ran if "markdown" in job.arguments and not job.terminal and done.out]
    assert len(pages) >= 3
    allowed = {"paragraph", "heading", "bullet_list", "list_item", "strong"}
    for page in pages:
        tokens = MarkdownIt("commonmark").enable("table").parse(page)
        kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
        opened = {kind.removesuffix("_open").removesuffix("_close") for kind in kinds}
        assert opened <= allowed | {"inline", "text", "softbreak", "code_inline", "fence"}, page
        words = [t.content for token in tokens for t in token.children or () if t.type == "text"]
        assert not [word for word in words if MARK in word], page


@pytest.mark.campaign
def test_data_is_exact_in_a_pipe_and_said_to_be_dangerous(scene: Path, ran: list[tuple[Job, Done]]) -> None:
    done = next(d for job, d in ran if list(job.arguments) == ["render", "hostile[loud]"] and not job.terminal)
    assert b"\n::error::pwned\n" in done.out
    assert b"view it in a file" in done.err
    patch = next(d for job, d in ran if list(job.arguments) == ["diff", "--format", "unified"] and not job.terminal)
    assert CONTROLS.partition("\r")[0].encode() in patch.out
    assert b"view it in a file" in patch.err


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("complete_bash", {"COMP_WORDS": "agentpack install hostile[", "COMP_CWORD": "2"}),
        ("complete_zsh", {"_TYPER_COMPLETE_ARGS": "agentpack install hostile["}),
        ("complete_zsh", {"_TYPER_COMPLETE_ARGS": "agentpack install "}),
        (
            "complete_fish",
            {"_TYPER_COMPLETE_ARGS": "agentpack install hostile[", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_completion_offers_no_name_that_a_shell_would_evaluate(
    scene: Path, shell: str, variables: dict[str, str]
) -> None:
    job = Job(
        [],
        str(scene / "project"),
        variables={"_AGENTPACK_COMPLETE": shell, "AGENTPACK_TRUSTED_PLACES": str(scene), **variables},
    )
    (done,) = run_all([job])
    text = done.out.decode()
    assert "hostile" in text
    assert MARK not in text
    assert obeyed(text) == []
    assert "$(" not in text


# The pieces.


def test_everything_is_printed_at_one_place() -> None:
    """`streams.py` writes what `output.py` escaped; the version, help and the quick answers of `fast.py` hold no
    stranger's words unescaped.
    """
    printing = re.compile(r"(?<!def )(?<![\w.])print\(|\bstd(?:out|err)\.(?:write|buffer)|\becho\(|\.binary\.write")
    there = Path(agentpack.__file__).parent

    def having(what: re.Pattern[str]) -> set[str]:
        return {p.relative_to(there).as_posix() for p in there.rglob("*.py") if what.search(p.read_text("utf-8"))}

    assert having(printing) == {"cli/streams.py"}
    writing = re.compile(r"(?<!def )(?<![\w.])write_(?:data|words|bytes)\(")
    assert having(writing) == {"cli/output.py", "cli/app.py", "cli/pager.py"}


def test_a_bug_is_told_and_kept_escaped(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTPACK_TRACEBACK", "1")

    def fail() -> int:
        raise RuntimeError(f"::error::{CONTROLS}\n{VISIBLE}")

    assert guarded(Output(), fail) == 70
    said = capsys.readouterr().err
    assert MARK in said
    assert obeyed(said) == []
    assert COMMAND.search(said) is None
    (kept,) = home.rglob("last-bug.txt")
    assert MARK in kept.read_text()
    assert obeyed(kept.read_text()) == []


def test_a_name_that_is_no_utf8_is_told(agentpack: Agentpack, project: Path) -> None:
    name = os.fsdecode(b"no\xffutf8")
    for arguments in (["audit", f"./{name}"], ["adopt", name], ["status", "--root", name]):
        ran = agentpack(*arguments, expect=2, new=True)
        assert "no\\u{dcff}utf8" in ran.err
        assert agentpack(*arguments, "--json", expect=2, new=True).envelope["exit_code"] == 2


def test_a_stream_that_lacks_a_character_gets_an_escape(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = publish(tmp_path / "packs", make_pack(description="Für Öl \u2192 \U0001f989"))
    agentpack("install", "data-reviewer", "--source", str(packs))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ran = agentpack("show", "data-reviewer", new=True)
    assert "F\\xfcr \\xd6l \\u2192 \\U0001f989" in ran.out


@pytest.mark.parametrize("text", [CONTROLS, VISIBLE, "\ud800", "a\nb", "##[", "é🦉"])
def test_json_says_the_same_with_nothing_to_obey(text: str) -> None:
    written = json_text({"words": text, text: [text]})
    assert json.loads(written) == {"words": text, text: [text]}
    assert obeyed(written) == []
    assert COMMAND.search(written) is None
    written.encode("utf-8")


def test_no_value_of_an_annotation_ends_it() -> None:
    line = workflow_command("error", {"file": "a,line=9::b\n", "title": "c%0A,d"}, "e\r\n::error::f%0A")
    assert line == "::error file=a%2Cline=9%3A%3Ab%0A,title=c%250A%2Cd::e\\u{d}%0A::error::f%250A"


def test_usual_text_is_shown_as_it_is() -> None:
    usual = "std::vector, a # b, ## Heading, 日本語, naïve, 🦉 \u2764\ufe0f, \ttab"
    assert safe(usual) == usual


@pytest.mark.skipif(sys.platform != "linux", reason="names with these bytes are not made elsewhere")
def test_a_project_whose_name_is_hostile_is_left_to_the_full_program(scene: Path) -> None:
    """The short way to answer a clean `diff` prints the folder too."""
    (done,) = run_all([Job(["diff"], str(scene / "root\x1b[5m\n::error::pwned"))])
    assert done.exit_code == 0
    assert "root\\u{1b}[5m\\u{a}::error::pwned" in done.err.decode()


@pytest.mark.campaign
@pytest.mark.skipif(shutil.which("Sarif.Multitool") is None, reason="needs Sarif.Multitool, from npm")
def test_a_sarif_log_is_valid(ran: list[tuple[Job, Done]], tmp_path: Path) -> None:
    logs = [done.out for job, done in ran if "sarif" in job.arguments and not job.terminal and done.out]
    assert len(logs) >= 2
    for number, log in enumerate(logs):
        (tmp_path / f"{number}.sarif").write_bytes(log)
    said = subprocess.run(
        ["Sarif.Multitool", "validate", *map(str, sorted(tmp_path.iterdir()))],
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout
    assert f"{len(logs)} files scanned" in said.stdout
    assert [line for line in said.stdout.splitlines() if ": error " in line or ": warning " in line] == []


@pytest.mark.campaign
def test_a_junit_report_is_xml_in_which_every_text_is_a_value(ran: list[tuple[Job, Done]]) -> None:
    reports = [done for job, done in ran if "junit" in job.arguments and not job.terminal and done.out]
    assert len(reports) >= 3
    for done in reports:
        JUNIT.validate(done.out.decode())
        suites = ElementTree.fromstring(done.out)
        (suite,) = suites
        assert [suites.tag, suite.tag, {test.tag for test in suite}] == ["testsuites", "testsuite", {"testcase"}]
        failed = [failure for test in suite for failure in test]
        assert {failure.tag for failure in failed} <= {"failure"}
        assert suites.get("tests") == suite.get("tests") == str(len(suite))
        assert suites.get("failures") == suite.get("failures") == str(len(failed))
        assert bool(failed) == (done.exit_code == 1)
        assert {name for element in suites.iter() for name in element.attrib} <= {
            *("name", "tests", "failures", "errors", "skipped", "classname", "message")
        }


@given(st.text(min_size=1) | st.sampled_from([VISIBLE, CONTROLS, "]]>", "\ud800", "\x00\ufffe\uffff", "a\tb\nc"]))
def test_a_junit_report_says_the_same_words_escaped(text: str) -> None:
    file = FileDifference(path=text, client="claude", pack="a", persona="a", state="edited")
    remarks = (Remark("stale", "agentpack.lock", (text,)),)
    found = Differences(before="locked", after="disk", files=(file,), remarks=remarks)
    written = "\n".join(for_stream(line, styled=False) for line in junit(found, str, ["agentpack.lock", "kept"]))
    JUNIT.validate(written)
    (suite,) = ElementTree.fromstring(written.encode())
    tests = {test.get("name"): [failure.text or "" for failure in test] for test in suite}
    assert list(tests)[:2] == ["agentpack.lock", "kept"]
    assert len(tests) == 3 - (text in ("agentpack.lock", "kept"))
    if text.isascii() and text.isprintable() and "::" not in text and "##" not in text:
        assert tests[text] == ["edited by hand"] or text == "agentpack.lock"
        assert text in tests["agentpack.lock"][0]
    assert not re.search(r"^\s*::|##[a-z]*\[", written, re.M | re.I)


class _Seen(HTMLParser):
    """The elements and attributes of a page, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= set(attrs)
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.campaign
def test_a_page_of_html_has_no_element_or_attribute_of_a_text(ran: list[tuple[Job, Done]]) -> None:
    pages = [
        done.out.decode("utf-8") for job, done in ran if not job.terminal and job.arguments[-2:] == ["--format", "html"]
    ]
    pages = [page for page in pages if page.startswith("<!doctype")]
    assert len(pages) >= 3
    hostile = 0
    for page in pages:
        seen = _Seen()
        seen.feed(page)
        seen.close()
        assert seen.open == []
        known = "html head meta title style body h1 h2 p strong ul li code pre span".split()
        assert seen.elements <= set(known)
        assert {name for name, _ in seen.attributes} <= {"lang", "charset", "http-equiv", "content", "name", "class"}
        assert {value for name, value in seen.attributes if name == "class"} <= {"added", "removed"}
        hostile += "<script>pwned()" in "".join(seen.words)
    assert hostile
