"""The shell of the GitHub action and of the GitLab template, in a real clone with a newer release and an edit."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
import yaml
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.trees import write_tree

ROOT = Path(__file__).parent.parent
SCRIPT = str(ROOT / "ci" / "upgrade.sh")
AGENT = ".claude/agents/reviewer.md"
EDIT = "- Our services speak GraphQL.\n"
LISTED = '*"[.[] | select(.isCrossRepository | not)][0].number // empty"'
"""A stranger's fork may have a branch of the same name, with a pull request of its own."""


class Clone:
    """A clone of a project that has `reviews` 1.0.0 in a folder of packs, where 1.1.0 is newer."""

    def __init__(self, top: Path, tools: Sequence[str]) -> None:
        self.top = top
        self.project = Repository(top / "origin")
        self.folder = top / "clone"
        bin = top / "agentpack" / "bin"  # as the action installs it
        bin.mkdir(parents=True)
        for name, text in (
            ("agentpack", f'exec "{sys.executable}" -m agentpack "$@"'),
            ("gh", f'echo "$@" >>"{top}/gh.log"; [ "$2" != list ] || case "$*" in {LISTED}) cat "{top}/open" ;; esac'),
        ):
            (bin / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin / name).chmod(stat.S_IRWXU)
        (top / "open").touch()
        self.environment = {
            **os.environ,
            "PATH": f"{bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "AGENTPACK_BODY": str(top / "body.md"),
            "GITHUB_OUTPUT": str(top / "output"),
            "GITHUB_STEP_SUMMARY": str(top / "summary.md"),
            **{f"GIT_{who}_{key}": "a@b" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
        }
        for version, saw, limits in (("1.0.0", "saw", ["read"]), ("1.1.0", "saw, and where", tools)):
            text = persona_text(
                "reviewer", f"You review.\n\n- Say what you {saw}.\n\n## End\n\n- Stop.\n", tools=limits
            )
            publish(self.project.folder / "packs", make_pack("reviews", version, personas={"reviewer": text}))
            if version == "1.0.0":
                self.run("agentpack", "install", "reviews", "--source", "packs", "--client", "claude", folder="origin")
        with (self.project.folder / AGENT).open("a") as file:
            file.write(EDIT)
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--message", "agents")
        subprocess.run(["git", "clone", "--quiet", str(self.project.folder), str(self.folder)], check=True)

    def run(self, *words: str, folder: str = "clone", expect: int = 0, **more: str) -> str:
        done = subprocess.run(
            words, cwd=self.top / folder, env={**self.environment, **more}, capture_output=True, text=True
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def upgrade(self, expect: int = 0, **more: str) -> str:
        """Run the script. Returns the text for the pull request."""
        self.run(SCRIPT, expect=expect, **more)
        return (self.top / "body.md").read_text()

    @property
    def outcome(self) -> str:
        return (self.top / "output").read_text().splitlines()[-2]


def test_an_upgrade_is_a_branch_that_keeps_the_edit_and_a_text_to_decide_from(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    body = clone.upgrade()
    assert "**`reviews`** `1.0.0` → `1.1.0`" in body
    assert f"### `{AGENT}`: updated, your edits kept" in body
    assert "-- Say what you saw.\n+- Say what you saw, and where.\n" in body
    assert clone.outcome == "outcome=upgraded"
    assert (tmp_path / "summary.md").read_text() == body
    changed = clone.project.git("diff", "--name-only", "main", "agentpack/upgrade").split()
    assert changed == [AGENT, "agentpack.lock"]
    merged = clone.project.git("show", f"agentpack/upgrade:{AGENT}")
    assert EDIT.strip() in merged and "and where" in merged
    assert EDIT.strip() not in clone.project.git("diff", "--unified=0", "main", "agentpack/upgrade")

    clone.run("git", "switch", "--quiet", "main")
    assert clone.upgrade() == body, "the branch is made anew"
    clone.run("git", "merge", "--quiet", "agentpack/upgrade")
    assert "No newer release" in clone.upgrade()
    assert clone.outcome == "outcome=current"


def test_a_pull_request_is_opened_once_and_then_updated(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    clone.upgrade(GH_TOKEN="x")
    (tmp_path / "open").write_text("7\n")
    clone.run("git", "switch", "--quiet", "main")
    clone.upgrade(GH_TOKEN="x")
    calls = [line.split(" --", 1)[0] for line in (tmp_path / "gh.log").read_text().splitlines()]
    assert calls == ["pr list", "pr create", "pr list", "pr edit 7"]


def test_a_release_that_may_do_more_stops_it_and_is_named(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read", "shell"])
    body = clone.upgrade(expect=3)
    assert body.startswith("**The upgrade needs a decision; nothing was changed.**\n")
    assert "    error: reviews 1.0.0 -> 1.1.0: the new release lets agents do more than the old one" in body
    assert "--accept shell`" in body
    assert clone.outcome == "outcome=stopped"
    assert clone.run("git", "status", "--porcelain") == ""
    assert clone.project.git("branch", "--format=%(refname:short)") == "main"


def test_a_conflict_stops_it(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    agent = clone.folder / AGENT
    agent.write_text(agent.read_text().replace("Say what you saw.", "Say what you think."))
    assert "changes that are not committed" in clone.run(SCRIPT, expect=2)
    clone.run("git", "commit", "--quiet", "--all", "--message", "edit")
    body = clone.upgrade(expect=3)
    assert f"### `{AGENT}`: in conflict" in body
    assert "Say what you {+think+}." in body
    assert clone.run("git", "status", "--porcelain") == ""


def ask_for_the_newest(clone: Clone) -> None:
    """What Renovate does: a commit on a branch of its own, with nothing but the manifest changed."""
    clone.run("git", "switch", "--quiet", "--create", "renovate/reviews")
    manifest = clone.folder / "agentpack.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("- reviews", '- "reviews>=1.1"'))
    assert manifest.read_text() != text
    clone.run("git", "commit", "--quiet", "--all", "--message", "Update reviews")
    clone.run("git", "push", "--quiet", "origin", "HEAD")


@pytest.mark.campaign
def test_lock_and_files_follow_a_changed_manifest_on_its_branch(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    assert "are what the manifest asks for" in clone.upgrade(AGENTPACK_TASK="sync")
    assert clone.outcome == "outcome=current"
    ask_for_the_newest(clone)
    body = clone.upgrade(AGENTPACK_TASK="sync")
    assert "    reviews 1.0.0 -> 1.1.0\n" in body
    assert clone.outcome == "outcome=upgraded"
    changed = clone.project.git("diff", "--name-only", "main", "renovate/reviews").split()
    assert changed == [AGENT, "agentpack.lock", "agentpack.yaml"]
    merged = clone.project.git("show", f"renovate/reviews:{AGENT}")
    assert EDIT.strip() in merged and "and where" in merged
    assert "are what the manifest asks for" in clone.upgrade(AGENTPACK_TASK="sync")


@pytest.mark.campaign
def test_a_changed_manifest_that_lets_an_agent_do_more_stops_it(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read", "shell"])
    ask_for_the_newest(clone)
    before = clone.project.git("rev-parse", "renovate/reviews")
    body = clone.upgrade(expect=3, AGENTPACK_TASK="sync")
    assert body.startswith("**The sync needs a decision; nothing was changed.**\n")
    assert "--accept shell`" in body
    assert clone.outcome == "outcome=stopped"
    assert clone.project.git("rev-parse", "renovate/reviews") == before
    assert clone.run("git", "status", "--porcelain") == ""


def test_nothing_is_pushed_from_a_checkout_of_no_branch(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    clone.run("git", "switch", "--quiet", "--detach")
    assert "of no branch" in clone.run(SCRIPT, expect=2, AGENTPACK_TASK="sync")


def test_a_failure_that_is_no_decision_is_called_so(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    (clone.folder / "agentpack.yaml").write_text("schema: 1\npacks: [missing-pack]\n")
    clone.run("git", "commit", "--quiet", "--all", "--message", "Ask for what there is not")
    assert clone.upgrade(expect=4, AGENTPACK_TASK="sync").startswith("**The sync failed with exit code 4.**\n")


def test_no_text_of_others_reaches_a_shell_and_every_action_is_pinned() -> None:
    read = [yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")]
    jobs = [job for workflow in read for job in workflow["jobs"].values()]
    jobs.append(yaml.safe_load((ROOT / "action.yml").read_text())["runs"])
    steps = [step for job in jobs for step in job["steps"]]
    assert len(steps) == 3 + 3 + 3
    for step in steps:
        assert "${{" not in step.get("run", "")
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}|\./agentpack|", step.get("uses", ""))


@pytest.mark.parametrize(
    ("name", "permissions"),
    [("check", {"contents": "read"}), ("upgrade", {"contents": "write", "pull-requests": "write"})],
)
def test_a_reusable_workflow_has_the_permissions_of_its_job_and_the_inputs_of_the_action(
    name: str, permissions: dict[str, str]
) -> None:
    workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    assert (workflow["permissions"], job["permissions"]) == ({}, permissions)
    call = workflow[True]["workflow_call"]  # YAML 1.1 takes `on` for true
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    for key, value in call["inputs"].items():
        assert value["default"] == ("upgrade" if key == "command" else inputs[key]["default"])
    given = job["steps"][-1]["with"]
    assert set(call["inputs"]) == set(given) - {"token"} and set(given) <= set(inputs)


def test_the_check_of_the_action_annotates_what_differs(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    steps = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    (check,) = (step["run"] for step in steps if step.get("if") == "inputs.command == 'check'")
    call = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", check)
    said = clone.run(*call, expect=1, RUNNER_TEMP=str(tmp_path))
    assert f"::warning file={AGENT},line=13,title=reviewer for claude::edited by hand" in said
    clone.run("agentpack", "sync", "--frozen", "--discard-edits")
    clone.run(*call, RUNNER_TEMP=str(tmp_path))
    (clone.folder / "agentpack.lock").unlink()
    clone.run(*call, expect=1, RUNNER_TEMP=str(tmp_path))


@pytest.mark.campaign
def test_no_module_of_the_checkout_is_run_to_install_agentpack(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    checkout = tmp_path / "checkout"
    write_tree(checkout, {f"{name}.py": f"open({str(ran)!r}, 'a').write(__name__)" for name in ("venv", "pip")})
    wheel = tmp_path / "agentpack_manager-0.2.0-py3-none-any.whl"
    folder = "agentpack_manager-0.2.0.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: agentpack-manager\nVersion: 0.2.0\n")
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{folder}/RECORD", "")
    install = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"][0]["run"]
    _, jobs = yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
    for script in (install, "\n".join(jobs["agentpack-check"]["before_script"])):
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script.replace("$[[ inputs.agentpack ]]", str(wheel))],
            cwd=checkout,
            env={
                "HOME": str(tmp_path),
                "PATH": f"{tmp_path}/agentpack/bin:{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
                "RUNNER_TEMP": str(tmp_path),
                "GITHUB_ACTION_PATH": str(wheel),
                "PIP_NO_INDEX": "1",
            },
            check=True,
        )
        assert not ran.exists()
    assert list(tmp_path.glob(f"agentpack/lib/python*/site-packages/{folder}"))


@pytest.mark.campaign
def test_the_job_of_the_gitlab_template_reports_what_differs(tmp_path: Path) -> None:
    clone = Clone(tmp_path, ["read"])
    spec, jobs = yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
    inputs = {"directory": spec["spec"]["inputs"]["directory"]["default"]}
    script = "\n".join(jobs["agentpack-check"]["script"]).replace("$[[ inputs.directory ]]", inputs["directory"])
    call = ("bash", "-e", "-o", "pipefail", "-c", script)
    clone.run(*call, expect=1, CI_PROJECT_DIR=str(tmp_path))
    report = ElementTree.parse(tmp_path / jobs["agentpack-check"]["artifacts"]["reports"]["junit"])
    assert [failure.text for failure in report.iter("failure")] == ["edited by hand"]
    clone.run("agentpack", "sync", "--frozen", "--discard-edits")
    clone.run(*call, CI_PROJECT_DIR=str(tmp_path))
