"""The options and the output of `agentpack doctor`."""

from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.cli.wrapping import hang
from agentpack.commands.doctor import doctor as run

app = verb_app()
_COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}


@verb(app, "doctor")
def doctor(session: Session) -> Result:
    """Check the installation and the current scope: libraries, bundled packs, folders, manifest, lock, history, links
    and git.

    Changes nothing. The exit code is 1 if there is a problem; warnings do not count.

    Example: agentpack doctor --json
    """
    output = session.output
    findings = [one._replace(hint=output.advice(one.hint)) for one in run(session.workspace)]
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        level = output.style(f"{finding.level:<7}", _COLORS[finding.level])
        lines = [*hang(f"{level}  {finding.what:<{width}}  ", safe(finding.text))]
        if finding.hint and finding.level != "ok":
            lines += hang(" " * (width + 11), safe(finding.hint))
        for line in lines:
            output.finding(line)
    counts = {level: sum(1 for finding in findings if finding.level == level) for level in _COLORS}
    problems, warnings = counts["problem"], counts["warning"]
    output.say(f"{problems} problem{'s' if problems != 1 else ''}, {warnings} warning{'s' if warnings != 1 else ''}")
    data = {"findings": [finding._asdict() for finding in findings], "counts": counts}
    return Result(data, 1 if problems else 0)
