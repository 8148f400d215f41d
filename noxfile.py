"""The checks, a session each: `nox -s lint types tests docs build`. `.ci/run` runs them all in one go."""

import os
import re
import shutil
from datetime import date
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs", "build"]
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13"]
ROOT = Path(__file__).parent
CONSTRAINTS = "constraints-dev.txt"
VERSION_FILE = ROOT / "src" / "agentpack" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"


def _develop(session: nox.Session) -> None:
    """agentpack from this checkout, and the tools at their exact versions."""
    session.install("--upgrade", "pip>=25.1")
    session.install("--editable", ".", "--group", "dev", "--constraint", CONSTRAINTS)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and mistakes that need no types."""
    _develop(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    _develop(session)
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The test suite, on every Python that is here."""
    _develop(session)
    session.run("pytest", *(session.posargs or ("tests",)))


@nox.session
def nightly(session: nox.Session) -> None:
    """Ten thousand lives of a scope, two thousand of two clones and two thousand kept edits, two stops in a row at
    every pair of calls, every damage of each file, and each law with all its examples.
    """
    _develop(session)
    session.env["AGENTPACK_NIGHTLY"] = "1"
    lives = [f"tests/properties/test_{name}.py" for name in ("life", "git_life", "keep_laws")]
    laws = ["tests/properties", *(f"--ignore={file}" for file in lives), "tests/contracts/test_every_target.py"]
    laws += ["tests/contracts/test_agent_files.py", "tests/test_archives.py", "tests/test_hostile_clone.py"]
    session.run(
        "pytest",
        "tests/test_damaged_state.py",
        "tests/test_bundled_packs.py",
        *laws,
        "--timeout",
        "0",
        *session.posargs,
    )
    session.env["AGENTPACK_STRIDE"] = "1"
    session.run("pytest", "tests/faults/test_stop_at_every_call.py", "--timeout", "0", *session.posargs)
    session.env["AGENTPACK_EXAMPLES"] = "10000"
    session.run("pytest", lives[0], "--timeout", "0", *session.posargs)
    session.env["AGENTPACK_EXAMPLES"] = "2000"
    session.run("pytest", *lives[1:], "--timeout", "0", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Broken packs through parsing, checking, rendering and planning: `nox -s fuzz -- 600` for so many seconds."""
    _develop(session)
    session.install("atheris")
    seconds = session.posargs[0] if session.posargs else "300"
    session.run("python", "tools/fuzz.py", "--atheris", seconds)


@nox.session
def freshness(session: nox.Session) -> None:
    """Compare what the bundled packs say of libraries with the package index."""
    _develop(session)
    session.run("python", "tools/freshness.py", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Run the commands of the engineer's gate, with every package manager and type checker that it can name."""
    _develop(session)
    session.env["AGENTPACK_GATE"] = "all"
    session.run("pytest", "tests/gate", *session.posargs)


@nox.session
def other_tools(session: nox.Session) -> None:
    """What zizmor, check-jsonschema and pre-commit make of our files; actionlint and others only if they are here."""
    _develop(session)
    session.install("check-jsonschema", "pre-commit", "zizmor")
    laws = "tests/properties/test_json_schema_laws.py"
    formats = "tests/test_output_is_escaped.py"
    session.run("pytest", "tests/test_other_tools.py", formats, laws, "--timeout", "0", *session.posargs)


@nox.session
def judged(session: nox.Session) -> None:
    """Ask Claude Code, Gemini CLI and OpenCode again what odd tool lists grant, and load a skill; needs npm."""
    _develop(session)
    session.env["AGENTPACK_JUDGED"] = "1"
    session.run("pytest", "tests/judged", *session.posargs)


@nox.session
def drawn(session: nox.Session) -> None:
    """Draw every character with the fonts in the folder that AGENTPACK_DRAWN names, and compare with tests/drawn/."""
    _develop(session)
    session.install("uharfbuzz", "freetype-py", "Pillow")
    session.run("pytest", "tests/drawn", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write what is made from the program, then run the documentation's tests."""
    _develop(session)
    session.run("python", "tools/commands_page.py")
    session.run("python", "tools/screenshot.py")
    session.run("pytest", "tests/test_docs.py", "tests/test_readme.py")


@nox.session
def build(session: nox.Session) -> None:
    """Source distribution and wheel, in dist/."""
    _develop(session)
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation")


@nox.session
def has_rules(session: nox.Session) -> None:
    """Ask the real clients whether they load what is installed; AGENTPACK_JUDGES names a folder of scripts."""
    if not os.environ.get("AGENTPACK_JUDGES"):
        session.skip("AGENTPACK_JUDGES is not set: it names the folder of scripts that ask the real clients")
    _develop(session)
    session.run("python", "tools/ask_clients.py", os.environ["AGENTPACK_JUDGES"])


@nox.session(venv_backend="none")
def constraints(session: nox.Session) -> None:
    """Write constraints-dev.txt anew, with the newest versions that fit."""
    here = Path(session.create_tmp()) / "env"
    session.run("python3", "-m", "venv", "--clear", str(here))
    pip = [str(here / "bin" / "python"), "-m", "pip", "--quiet"]
    session.run(*pip, "install", "--upgrade", "pip>=25.1", external=True)
    session.run(*pip, "install", "--editable", ".", "--group", "dev", external=True)
    frozen = session.run(*pip, "freeze", "--exclude-editable", silent=True, external=True) or ""
    path = ROOT / CONSTRAINTS
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    path.write_text("\n".join([*head, *frozen.strip().splitlines()]) + "\n")


@nox.session
def release(session: nox.Session) -> None:
    """`nox -s release -- 1.4.0`: changelog heading, version, build, commit, tag (docs/how-to/release.md)."""
    if len(session.posargs) != 1 or not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", session.posargs[0]):
        session.error("name the version: nox -s release -- 1.4.0")
    version = session.posargs[0]
    if session.run("git", "status", "--porcelain", silent=True, external=True):
        session.error("commit or put away what is not committed first")
    if "/OWNER/" in VERSION_FILE.read_text():
        session.error(f"say in {VERSION_FILE.relative_to(ROOT)} where agentpack is published: files of users name it")
    changelog = CHANGELOG.read_text()
    if not re.search(r"^## Unreleased\n+#", changelog, re.M):
        session.error("CHANGELOG.md has nothing under Unreleased")
    heading = f"## Unreleased\n\n## {version} ({date.today().isoformat()})\n"
    CHANGELOG.write_text(changelog.replace("## Unreleased\n", heading, 1))
    text = VERSION_FILE.read_text()
    VERSION_FILE.write_text(re.sub(r'^__version__ = ".*"$', f'__version__ = "{version}"', text, count=1, flags=re.M))
    build(session)
    session.run("git", "commit", "--quiet", "--all", "--message", f"release: {version}", external=True)
    session.run("git", "tag", "--annotate", f"v{version}", "--message", f"agentpack {version}", external=True)
    session.log("look at dist/, then push the commit and the tag")
