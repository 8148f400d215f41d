"""The options and the output of `agentpack diff`, and the short answer of `sync --check`."""

import shutil
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from agentpack.changes.differences import ComparisonFilter, Differences
from agentpack.cli.complete import complete_installed, complete_requirement
from agentpack.cli.options import Clients, Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.commands.diff import diff_disk, diff_upgrade
from agentpack.errors import UsageError
from agentpack.model.unmerged import HINT as UNMERGED_HINT
from agentpack.reports.words import Place, remark_lines, short
from agentpack.workspace.preconditions import require_manifest

FORMATS = ("text", "unified", "rules", "json", "markdown", "html", "github")
app = verb_app()


@verb(app, "diff", paged=True)
def diff(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only this pack, persona or file.", autocompletion=complete_installed),
    ] = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Show what an upgrade would write, with your edits merged in.")
    ] = False,
    latest: Annotated[bool, typer.Option("--latest", help="With --upgrade: ignore version ranges.")] = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REQUIREMENT",
            help="The release or variant to compare from (default: what is locked).",
            autocompletion=complete_requirement,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="REQUIREMENT",
            help="The release or variant to compare with (default: what is locked).",
            autocompletion=complete_requirement,
        ),
    ] = None,
    client: Clients = None,
    stat: Annotated[
        bool, typer.Option("--stat", help="Print one line per file with the number of changed lines and rules.")
    ] = False,
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="Output format (default: text).")
    ] = None,
) -> Result:
    """Show differences between disk and lock, or between releases. Writes nothing.

    The exit code is 0 if nothing differs and 1 if something does. `agentpack show NAME --changes FROM TO` prints the
    changelog between two releases.

    Example: agentpack diff --to python-engineer@1.1.0 --format rules
    """
    _check(format, upgrade=upgrade, latest=latest, stat=stat, releases=from_ is not None or to is not None)
    if format == "json":
        session.output.json = True
    limits = ComparisonFilter(name=name and session.file_or_name(name), clients=client or (), rules=format != "unified")
    if from_ is not None or to is not None:
        from agentpack.commands.diff_releases import diff_releases

        found = diff_releases(session.workspace, from_, to, limits)
    elif upgrade:
        found = diff_upgrade(session.workspace, limits, latest=latest)
    else:
        found = diff_disk(session.workspace, limits)
    return _show(session, found, format, stat=stat)


def _check(format: str | None, *, upgrade: bool, latest: bool, stat: bool, releases: bool) -> None:
    if format is not None and format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", hint=f"`--format` takes {', '.join(FORMATS)}")
    if stat and format not in (None, "text"):
        raise UsageError(f"`--stat` cannot be used with `--format {format}`")
    if releases and upgrade:
        raise UsageError("`--upgrade` cannot be used with `--from` or `--to`")
    if latest and not upgrade:
        raise UsageError("`--latest` needs `--upgrade`", hint="`agentpack diff --upgrade --latest`")


def check_scope(session: Session, format: str, *, as_locked: bool) -> Result:
    """A short diff of disk and lock, one line for each difference; for `sync --check`.

    Args:
        format: `text`, or `junit` for a report of tests.
        as_locked: with `--locked` or `--frozen`, which fail if a pack in a folder is not as locked.

    Raises:
        UsageError: there is neither manifest nor lock.
        PolicyRefused: a policy does not allow a locked release, so `sync` would refuse it.
    """
    if session.workspace.lock is None:
        require_manifest(session.workspace)
    if session.workspace.policies.may_refuse:
        from agentpack.policy.refusal import refuse_releases
        from agentpack.wanted.from_lock import evaluate_installed

        refuse_releases(evaluate_installed(session.workspace))
    found = diff_disk(session.workspace, ComparisonFilter(rules=False), reading_folders=as_locked)
    place = _place(session)
    if format == "junit":
        from agentpack.reports.junit import junit

        lock = session.workspace.documents.readable_lock
        paths = (session.workspace.scope.lock, *(file.path for file in (lock.files if lock else ())))
        for line in junit(found, place, paths):
            session.output.print(line)
    else:
        _print_short(session, found, place)
    _summary(session, found, "; `agentpack sync --discard-edits` restores the locked text")
    data = {
        "differs": found.differs,
        "remarks": [
            {"path": place(remark.path), "kind": remark.kind, "details": list(remark.details)}
            for remark in found.remarks
        ],
        "files": [{"path": place(file.path), "state": file.state} for file in found.files],
    }
    return Result(data, 1 if found.differs else 0)


def _print_short(session: Session, found: Differences, place: Place) -> None:
    for remark in found.remarks:
        for line in remark_lines(remark, place(remark.path)):
            session.output.finding(line)
    for file in found.files:
        session.output.finding(short(file, place(file.path), session.output.style))


def _show(session: Session, found: Differences, format: str | None, *, stat: bool) -> Result:
    output, place = session.output, _place(session)
    if output.json:
        from agentpack.reports.data import data

        return Result(data(found, place), 1 if found.differs else 0)
    if format == "unified":
        from agentpack.reports.data import patch

        _print_patch(session, patch(found, place))
    elif format == "github":
        from agentpack.reports import github

        scope = session.workspace.scope
        session.report(github.of_differences(found, lambda path: github.in_repository(scope.absolute(path))))
    elif format is not None or not output.quiet:
        for line in _lines(session, found, format or "text", place, stat=stat):
            output.print(line, wrap=format in (None, "text", "rules"))
    _summary(session, found)
    whole = [word for word in ("new", "removed") if any(file.state == word for file in found.files)]
    if whole and not stat and format in (None, "text", "rules"):
        session.output.hint(f"`--format unified` shows the text of {' and '.join(whole)} files")
    return Result({}, 1 if found.differs else 0)


def _lines(session: Session, found: Differences, format: str, place: Place, *, stat: bool) -> Iterator[str]:
    style = session.output.style
    if format == "markdown":
        from agentpack.reports.markdown import markdown

        return markdown(found, place)
    if format == "html":
        from agentpack.reports.html import html

        return html(found, place)
    if format == "rules":
        from agentpack.reports.rules import rules

        return rules(found, place, style)
    from agentpack.reports import text

    if stat:
        return text.stat(found, place, style)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return text.text(found, place, style, width=width)


def _place(session: Session) -> Place:
    """How a path is shown: relative to the scope's root if below it, as a patch needs it, else absolute."""
    scope = session.workspace.scope

    def place(path: str) -> str:
        return scope.absolute(path).removeprefix(f"{scope.root}/")

    return place


def _print_patch(session: Session, patch: bytes) -> None:
    """Print the patch. In a pipe or file it is exact, because it has to apply."""
    colors = {"-": "red", "+": "green", "@": "cyan", "d": "bold"}

    def shown(line: str) -> str:
        color = colors.get(line[:1])
        return session.output.style(line, color) if color else line

    if patch:
        session.output.exact(patch, shown)


def _summary(session: Session, found: Differences, way_back: str = "") -> None:
    say = session.output.say
    for note in found.notes:
        say(f"note: {safe(note)}")
    if not found.differs:
        say("nothing is installed here" if found.empty else "nothing differs")
        return
    count = len(found.files)
    if count or not found.remarks:
        files = f"{count} file{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}"
        say(f"{safe(found.before)} -> {safe(found.after)}: {files if count else 'no file differs'}")
    for pack in found.packs:
        if pack.after and any(file.why == "merge" and file.pack == pack.name for file in found.files):
            release = f"{pack.name}@{pack.after.partition(' ')[0]}"
            session.output.hint(f"`agentpack diff --to {release}` shows everything that the release changes")
    if any(remark.kind == "unmerged" for remark in found.remarks):
        session.output.hint(UNMERGED_HINT)
    elif any(file.state == "edited" for file in found.files):
        from agentpack.changes.edited import keep_words  # reads releases of collections

        keeps = keep_words(session.workspace, [file.pack for file in found.files if file.state == "edited"])
        session.output.hint(f"an edit survives `agentpack upgrade`; {keeps}{way_back}")
