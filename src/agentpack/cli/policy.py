"""The options and the output of `agentpack policy`."""

from typing import Annotated, Any

import typer

from agentpack.cli.complete import complete_requirement
from agentpack.cli.options import Clients, Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.commands.policy import EffectivePolicy, Setting, effective
from agentpack.commands.policy import explain as run
from agentpack.errors import UsageError
from agentpack.policy.refusal import PackVerdict

app = verb_app()


@verb(app, "policy")
def policy(
    session: Session,
    action: Annotated[str, typer.Argument(metavar="[explain]", help="The action: `explain`.")] = "explain",
    requirement: Annotated[
        str | None,
        typer.Argument(metavar="[REQUIREMENT]", help="The pack to check.", autocompletion=complete_requirement),
    ] = None,
    client: Clients = None,
) -> Result:
    """Show what policies allow: the settings that apply here, each with the file and line that decides it.

    With a requirement, show what each setting says about the release that `install` would choose and about the packs it
    requires. The exit code is 0 if they are allowed and 5 if they are refused. Policies are read from `policy:` in
    agentpack.yaml, policy.yaml in your configuration folder, and the file that AGENTPACK_POLICY names; the strictest
    wins.

    Example: agentpack policy explain python-engineer
    """
    if action != "explain":
        raise UsageError(f"`policy` has no action `{action}`", hint=f"`agentpack policy explain {action}`")
    if requirement is None:
        return _effective(session, effective(session.workspace))
    found = run(session.workspace, requirement, clients=client or ())
    for one in found.packs:
        _show(session, one)
    for one in found.passed_over:
        verdict = one.refusals[0]
        session.output.say(safe(f"skipped {one.pack} {one.version}: {verdict.why}"))
    if not any(one.verdicts for one in found.packs):
        session.output.say("no policy setting applies to it")
    data = {
        "allowed": found.allowed,
        "packs": [_judged_data(one) for one in found.packs],
        "passed_over": [_judged_data(one) for one in found.passed_over],
    }
    return Result(data, 0 if found.allowed else 5)


def _effective(session: Session, found: EffectivePolicy) -> Result:
    output = session.output
    for setting in found.settings:
        output.print(safe(f"{setting.rule:<20} {_values(setting)}  ({setting.file}:{setting.line})"), wrap=True)
    for file in found.files:
        if all(setting.file != file for setting in found.settings):
            output.say(safe(f"{file} has no effect here"))
    for problem in found.problems:
        output.print(safe(f"cannot be read       {problem}"), wrap=True)
    if found.problems:
        output.say("nothing can be installed or changed until that is fixed")
    elif not found.files:
        output.say("no policy is set: everything is allowed except hidden text")
    settings = [{**setting._asdict(), "values": list(setting.values)} for setting in found.settings]
    return Result({"files": list(found.files), "settings": settings, "problems": list(found.problems)})


def _values(setting: Setting) -> str:
    words = (
        ", ".join(str(one).lower() if one is True or one is False else str(one) for one in setting.values) or "nothing"
    )
    units = {"minimum_age": "days", "maximum_size": "bytes"}
    return f"{words} {units[setting.rule]}" if setting.rule in units else words


def _show(session: Session, one: PackVerdict) -> None:
    output = session.output
    output.print(f"{one.pack} {one.version}: {'refused' if one.refusals else 'allowed'}")
    for verdict in one.verdicts:
        mark = output.style("ok     ", "green") if verdict.allowed else output.style("refused", "red")
        output.print(
            f"  {mark}  {verdict.rule:<18} " + safe(f"{verdict.why} ({verdict.file}:{verdict.line})"), wrap=True
        )


def _judged_data(one: PackVerdict) -> dict[str, Any]:
    return {
        "pack": one.pack,
        "version": one.version,
        "allowed": not one.refusals,
        "verdicts": [verdict._asdict() for verdict in one.verdicts],
    }
