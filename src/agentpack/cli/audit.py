"""The options and the output of `agentpack audit`."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentpack.audit.rules import LEVELS, LOOKED_FOR, AuditFinding
from agentpack.audit.scan import Audit
from agentpack.cli.complete import complete_requirement
from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Output, Result, safe
from agentpack.commands.audit import audit as run
from agentpack.errors import UsageError
from agentpack.reports.escaping import json_text

if TYPE_CHECKING:
    from agentpack.reports.github import Annotation

FORMATS = ("text", "json", "sarif", "github")
app = verb_app()
_COLORS = {"error": "red", "warning": "yellow", "note": "blue"}
_Found = Sequence[tuple[AuditFinding, str]]


@verb(app, "audit", paged=True)
def audit(
    session: Session,
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REQUIREMENT|PATH]...",
            help="Packs, folders of packs or agent files (default: everything installed).",
            autocompletion=complete_requirement,
        ),
    ] = None,
    level: Annotated[
        str, typer.Option("--level", metavar="error|warning|note", help="The lowest level that counts.")
    ] = "warning",
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="FILE", help="A file of reviewed findings, which no longer count."),
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Write the current findings to the baseline file.")
    ] = False,
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="Output format (default: text).")
    ] = None,
) -> Result:
    """Flag text worth a human look, in installed files or in a pack you have not installed yet, and check that
    installed files, store and lock agree.

    Name a pack or a folder (`./packs`) to scan it before you install it. The exit code is 0 if there are no findings
    at or above the level, 1 if there are, and 5 if digests do not match. Finding nothing does not prove that a pack is
    harmless.

    Example: agentpack audit ./packs/data-reviewer --level note
    """
    _check(level, format, baseline, write_baseline)
    output = session.output
    if format == "json":
        output.json = True
    found = run(session.workspace, subjects or ())
    known: frozenset[str] = frozenset()
    if baseline is not None:
        known = _with_baseline(session, found, level, baseline, write=write_baseline)
    counted = found.counted(level, known)
    _show(session, counted, format or "text", named=bool(subjects))
    hidden = len(found.counted(level)) - len(counted)
    _totals(output, found, counted, hidden)
    code = 5 if found.broken else 1 if counted else 0
    return Result(_data(found, counted, level, hidden), code)


def _check(level: str, format: str | None, baseline: str | None, write: bool) -> None:
    if level not in LEVELS:
        raise UsageError(f"there is no level `{level}`", hint="`--level` takes error, warning or note")
    if format is not None and format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", hint=f"`--format` takes {', '.join(FORMATS)}")
    if write and baseline is None:
        raise UsageError("`--write-baseline` needs a file", hint="`--baseline FILE --write-baseline`")


def _with_baseline(session: Session, found: Audit, level: str, path: str, *, write: bool) -> frozenset[str]:
    from agentpack.audit.baseline import baseline_text, read_baseline, write_baseline

    place = os.path.join(session.environment.cwd, path)
    if write:
        write_baseline(place, baseline_text(found, level))
        session.output.say(f"baseline written: {safe(place)}")
    return read_baseline(place)


# What is shown.


def _show(session: Session, counted: _Found, format: str, *, named: bool) -> None:
    output = session.output
    if output.json:
        return
    if format == "sarif":
        from agentpack.reports.sarif import sarif

        output.print(json_text(sarif(counted)))
    elif format == "github":
        from agentpack.reports.github import of_findings

        folder = session.environment.cwd if named else session.workspace.scope.root
        session.report(of_findings([_annotation(finding, folder) for finding, _ in counted]))
    else:
        for finding, _ in counted:
            for line in _lines(output, finding):
                output.finding(line)


def _annotation(finding: AuditFinding, folder: str) -> "Annotation":
    from agentpack.reports.github import Annotation, in_repository

    path = os.path.join(folder, finding.file)
    file = in_repository(path) if os.path.lexists(path) else finding.file  # a locked release is no file here
    title = f"{finding.rule} {finding.name}"
    text = _finding_text(finding)
    return Annotation(finding.level, file, text, title, finding.line, finding.column)


def _finding_text(finding: AuditFinding) -> str:
    return safe(finding.message + (f": {finding.excerpt}" if finding.excerpt else ""))


def _lines(output: Output, finding: AuditFinding) -> Iterator[str]:
    place = safe(finding.file) + (f":{finding.line}:{finding.column}" if finding.line else "")
    level = output.style(finding.level, _COLORS[finding.level])
    yield f"{output.style(place, 'bold')}: {level} {finding.rule} {finding.name}: {safe(finding.message)}"
    if finding.excerpt:
        yield f"    {safe(finding.excerpt)}"


def _totals(output: Output, found: Audit, counted: _Found, hidden: int) -> None:
    if found.broken:
        output.say(
            output.style_words("integrity check failed:", "bold", "red") + " installed, locked and stored files do "
            "not match"
        )
    by_level = Counter(finding.level for finding, _ in counted)
    words = [f"{by_level[level]} {level}{'' if by_level[level] == 1 else 's'}" for level in _COLORS if by_level[level]]
    kept = f"; {hidden} in the baseline" if hidden else ""
    if not found.files and not words:
        output.say("there was nothing to scan")
        return
    output.say(f"{', '.join(words) or 'nothing found'} in {found.files} file{'' if found.files == 1 else 's'}{kept}")
    output.say(f"looked for {LOOKED_FOR}; finding nothing does not prove a pack harmless: read what you install")


def _data(found: Audit, counted: _Found, level: str, hidden: int) -> dict[str, Any]:
    return {
        "subjects": list(found.subjects),
        "files": found.files,
        "integrity": "broken" if found.broken else "integrity check passed",
        "level": level,
        "in_baseline": hidden,
        "looked_for": LOOKED_FOR.split(", "),
        "findings": [
            {
                "file": finding.file,
                "line": finding.line or None,
                "column": finding.column or None,
                "rule": finding.rule,
                "name": finding.name,
                "level": finding.level,
                "message": finding.message,
                "excerpt": finding.excerpt,
                "fingerprint": mark,
            }
            for finding, mark in counted
        ],
    }
