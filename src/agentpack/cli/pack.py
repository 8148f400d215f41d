"""The options and the output of `agentpack pack new`, `pack check`, `pack test` and `pack build`."""

import os
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentpack.authoring.findings import ERROR, NOTE, RULES, WARNING, CheckFinding
from agentpack.cli.complete import complete_client
from agentpack.cli.options import DryRun, Session, verb, verb_group
from agentpack.cli.output import Result, safe
from agentpack.errors import UsageError

if TYPE_CHECKING:
    from agentpack.commands.pack.check import CheckedPlaces

app = verb_group(
    "Check agent files and packs; create, test and build packs.", example="agentpack pack new data-reviewer"
)
Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Packs, agent files, local variants, or folders of them (default: the current folder).",
    ),
]
Folders = Annotated[
    list[str] | None,
    typer.Argument(metavar="[DIR]...", help="Packs or folders of packs (default: the current folder)."),
]
_COLORS = {ERROR: "red", WARNING: "yellow", NOTE: "cyan"}
FORMATS = ("text", "github", "json")


@verb(app, "new", under="pack")
def new(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pack's name.")],
    folder: Annotated[
        str | None, typer.Argument(metavar="[DIR]", help="The folder to create (default: the pack's name).")
    ] = None,
    persona: Annotated[
        str | None, typer.Option("--persona", metavar="NAME", help="The persona's name (default: the pack's name).")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="One line that says what the pack is for.")
    ] = None,
    author: Annotated[str | None, typer.Option("--author", metavar="TEXT", help="The author's name.")] = None,
    dry_run: DryRun = False,
) -> Result:
    """Create a new pack with an example persona, variant, parameter and tests.

    The new pack passes `pack check` and `pack test` unchanged.

    Example: agentpack pack new data-reviewer --description "Reviews data pipelines."
    """
    from agentpack.commands.pack.new import pack_new

    made = pack_new(
        session.environment,
        name,
        folder=folder,
        persona=persona,
        description=description,
        author=author,
        dry_run=dry_run,
    )
    session.output.say(f"{'would make' if dry_run else 'made'} {safe(made.folder)}")
    for path in made.files:
        session.output.say(f"  {path}")
    if not dry_run:
        there = safe(quote(made.folder))
        place = there if there.strip("'").startswith(("/", ".", "~")) else f"./{there}"
        say = session.output.say
        say(f"next: edit it, then `agentpack pack check {there}` and `agentpack pack test {there}`")
        say(f"`agentpack install {place}` installs it")
        say("to release it in git, tag the commit `v<version>`, such as `v0.1.0`")
    return Result({"folder": made.folder, "files": list(made.files), "dry_run": dry_run})


@verb(app, "check", under="pack")
def check(
    session: Session,
    paths: Places = None,
    client: Annotated[
        str | None,
        typer.Option(
            "--client",
            metavar="NAME",
            help="The client to check agent files for that are in no client's folder.",
            autocompletion=complete_client,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="DIR", help="Compare with this release instead of the previous one."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Add missing ids and the changelog heading.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules without checking anything.")] = False,
    format: Annotated[str, typer.Option("--format", metavar="text|github|json", help="Output format.")] = "text",
    dry_run: DryRun = False,
) -> Result:
    """Check packs for mistakes, and agent files for anything their client cannot read. Exit 1 if there are errors.

    A release is compared with the previous one in `packs/<name>/<version>/`. In a folder without a pack, agent files
    are checked for unknown tools, models and fields, missing or duplicate names, and text that the client drops or
    replaces. A local variant (`.agentpack/variants`) is checked with the installed agent it is for. With `--strict`,
    warnings count as errors.

    Example: agentpack pack check packs/*/* .claude/agents
    """
    if format not in FORMATS:
        raise UsageError(f"`--format {format}`: write {', '.join(FORMATS)}")
    session.output.json = session.output.json or format == "json"
    if rules:
        return _rules(session)
    from agentpack.commands.pack.check import errors_in, pack_check

    checked = pack_check(
        session.surroundings, paths or (), client=client or "claude", against=against, fix=fix, dry_run=dry_run
    )
    _tell_checked(session, checked, format, dry_run=dry_run)
    if fix and any(not pack.release and not pack.fixed for pack in checked.packs):
        session.output.say("`--fix` changed nothing: correct these errors first, so that the pack can be read")
    data = {**_checked_rows(checked), "dry_run": dry_run}
    return Result(data, 1 if errors_in((*checked.packs, *checked.agents, *checked.variants), strict=strict) else 0)


def _tell_checked(session: Session, checked: "CheckedPlaces", format: str, *, dry_run: bool) -> None:
    if format == "github":
        found = [finding for pack in checked.packs for finding in pack.findings]
        found += (finding for agents in checked.agents for finding in agents.findings)
        found += (finding for variant in checked.variants for finding in variant.findings)
        _annotate(session, found)
    for pack in checked.packs:
        _findings(session, pack.findings, format)
        for path in pack.fixed:
            session.output.say(f"{safe(pack.folder)}/{safe(path)}: {'would be fixed' if dry_run else 'fixed'}")
        compared = f" (against {pack.against})" if pack.against else ""
        session.output.say(f"{safe(pack.release or pack.folder)}{compared}: {_counted(pack.findings)}")
    for one in checked.agents:
        _findings(session, one.findings, format)
        session.output.say(f"{safe(one.place)}: {_count(len(one.files), 'agent')}, {_counted(one.findings)}")
        if one.documents:
            more = f" and {len(one.documents) - 1} more" if len(one.documents) > 1 else ""
            session.output.say(f"not checked, because there is no header: {safe(one.documents[0])}{more}")
    for variant in checked.variants:
        _findings(session, variant.findings, format)
        whose = f"local variant of {safe(variant.persona)}"
        session.output.say(f"{safe(variant.file)}: {whose}, {_counted(variant.findings)}")


def _checked_rows(checked: "CheckedPlaces") -> dict[str, Any]:
    return {
        "packs": [
            {
                "folder": pack.folder,
                "release": pack.release or None,
                "against": pack.against,
                "fixed": list(pack.fixed),
                "findings": [_row(finding) for finding in pack.findings],
            }
            for pack in checked.packs
        ],
        "agent_files": [
            {
                "path": one.place,
                "files": [
                    {"file": agent.text.file, "client": agent.text.client.name, "name": agent.name}
                    for agent in one.files
                ],
                "not_checked": list(one.documents),
                "findings": [_row(finding) for finding in one.findings],
            }
            for one in checked.agents
        ],
        "local_variants": [
            {"file": one.file, "persona": one.persona, "findings": [_row(finding) for finding in one.findings]}
            for one in checked.variants
        ],
    }


def _findings(session: Session, findings: Sequence[CheckFinding], format: str) -> None:
    for finding in findings if format != "github" else ():
        for line in _text(session, finding):
            session.output.finding(line)


def _annotate(session: Session, findings: Sequence[CheckFinding]) -> None:
    from agentpack.reports.github import Annotation, in_repository, of_findings

    cwd = session.environment.cwd
    session.report(
        of_findings(
            [
                Annotation(one.weight, in_repository(os.path.join(cwd, one.file)), one.message, one.rule, one.line)
                for one in findings
            ]
        )
    )


def _rules(session: Session) -> Result:
    rows = [
        (rule.id, rule.name, rule.level, rule.meaning + (" (--fix)" if rule.fixable else "")) for rule in RULES.values()
    ]
    session.output.table(("rule", "name", "level", "requirement"), rows)
    return Result({"rules": [rule._asdict() for rule in RULES.values()]})


def _text(session: Session, finding: CheckFinding) -> Iterator[str]:
    color = _COLORS[finding.weight]
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    yield f"{safe(place)}: {session.output.style(finding.rule, color)} {safe(finding.message)}"
    if finding.hint:
        yield f"    {safe(finding.hint)}"


def _counted(findings: Sequence[CheckFinding]) -> str:
    errors, warnings, notes = (sum(f.weight == level for f in findings) for level in (ERROR, WARNING, NOTE))
    counted = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if errors + warnings else "no problems found"
    return counted + (f", {_count(notes, 'note')}" if notes else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _row(finding: CheckFinding) -> dict[str, Any]:
    return {**finding._asdict(), "level": finding.weight, "name": RULES[finding.rule].name}


@verb(app, "test", under="pack")
def test(
    session: Session,
    folders: Folders = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite golden files with the current output.")] = False,
    dry_run: DryRun = False,
) -> Result:
    """Run the tests of packs, `tests/*.yaml`. Exit 1 if one fails.

    Example: agentpack pack test packs/python-engineer/2.0.0
    """
    from agentpack.commands.pack.run_tests import pack_test

    done = pack_test(session.surroundings, folders or (), update=update, dry_run=dry_run)
    for one in done:
        for ran in one.ran:
            mark = session.output.style("failed", "red") if ran.failures else session.output.style("passed", "green")
            if ran.failures or session.output.verbose:
                session.output.finding(f"{mark} {safe(ran.case.file)}:{ran.case.line}: {safe(ran.case.name)}")
            for failure in ran.failures:
                for line in failure.split("\n"):
                    session.output.finding(f"    {safe(line)}")
        for path in one.written:
            session.output.say(f"{safe(one.folder)}/{safe(path)}: {'would be written' if dry_run else 'written'}")
        passed = len(one.ran) - one.failed
        told = f"{_count(passed, 'test')} passed" + (f", {one.failed} failed" if one.failed else "")
        session.output.say(f"{safe(one.release)}: {told if one.ran else 'no tests'}")
    failed = sum(one.failed for one in done)
    data = {
        "packs": [
            {
                "folder": one.folder,
                "release": one.release,
                "written": list(one.written),
                "tests": [
                    {
                        "file": ran.case.file,
                        "line": ran.case.line,
                        "name": ran.case.name,
                        "passed": not ran.failures,
                        "failures": list(ran.failures),
                    }
                    for ran in one.ran
                ],
            }
            for one in done
        ],
        "dry_run": dry_run,
    }
    return Result(data, 1 if failed else 0)


@verb(app, "build", under="pack")
def build(
    session: Session,
    folders: Folders = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="The folder to write archives to.")] = "dist",
    dry_run: DryRun = False,
) -> Result:
    """Build `<name>-<version>.tar.gz` from packs that pass check and tests. The same files give the same bytes.

    The folder of archives can be used as a source: `agentpack install NAME --source dist`.

    Example: agentpack pack build packs/data-reviewer/1.0.0
    """
    from agentpack.commands.pack.build import pack_build

    done = pack_build(session.surroundings, folders or (), out=out, dry_run=dry_run)
    for one in done:
        what = "would write" if dry_run and one.written else "wrote" if one.written else "there already:"
        session.output.say(f"{what} {safe(one.path)} ({one.size} bytes)")
        session.output.say(f"  release {one.digest}")
        session.output.say(f"  archive {one.sha256}")
    return Result({"built": [one._asdict() for one in done], "dry_run": dry_run})
