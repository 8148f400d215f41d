"""The options and the output of `agentpack explain`."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Annotated, Any

import typer

from agentpack.changes.differences import ComparisonFilter
from agentpack.cli.complete import complete_installed, complete_rule
from agentpack.cli.options import Clients, Session, verb, verb_app
from agentpack.cli.output import Output, Result, safe
from agentpack.commands.explain import (
    ExplainedFile,
    ExplainedLine,
    ExplainedRule,
    Origins,
    SourcePlace,
    explain_rule,
    is_installed,
)
from agentpack.commands.explain import explain as run
from agentpack.errors import UsageError
from agentpack.model.names import first_few
from agentpack.reports.data import origin_data
from agentpack.reports.words import bare

app = verb_app()


@verb(app, "explain", paged=True)
def explain(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|WORDS",
            help="A persona, a pack, an installed file or a line of it (`FILE:LINE`); or words to search for in all "
            "installed rules.",
            autocompletion=complete_installed,
        ),
    ],
    rule: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RULE|WORDS]",
            help="One rule or field, by id or by words from its text.",
            autocompletion=complete_rule,
        ),
    ] = None,
    client: Clients = None,
) -> Result:
    """Show where each field and rule of an installed file comes from: the release, a variant, a local variant, a
    parameter, or an edit made by hand.

    Explains the file as it is on disk. `~` marks a line edited by hand, `+` an added one, `-` a removed one.

    Example: agentpack explain "simplest design"
    """
    name, words = _of_line(session, name)
    rule = [words] if words else rule
    limits = ComparisonFilter(name=session.file_or_name(name), clients=client or ())
    if not is_installed(session.workspace, limits.name or ""):
        rule, limits = [name, *(rule or ())], limits._replace(name=None)  # words of a rule, which may be in any pack
    if rule:
        rules = explain_rule(session.workspace, limits, " ".join(rule))
        _show_rules(session, rules)
        return Result({"rules": [_rule_data(session, found) for found in rules]})
    files = run(session.workspace, limits)
    if sys.stdout.isatty():
        cut = [_show(session.output, file, _place(session, file.path)) for file in files]
        if which := next(filter(None, cut), ""):
            way = f"`agentpack explain {safe(quote(name))} {safe(which)}` shows one whole, `--json` all"
            session.output.say(f"long texts are cut: {way}")
    else:
        _table(session, files)
    for file in files:
        session.output.say(_sum(file))
    if not files:
        session.output.say("nothing is installed for that client")
    return Result({"files": [_file_data(session, file) for file in files]})


def _of_line(session: Session, name: str) -> tuple[str, str]:
    """The file and the words of a line, if the name is `FILE:LINE`; else the name and no words.

    Raises:
        UsageError: the file has nothing there.
    """
    file, _, number = name.rpartition(":")
    path = session.file_or_name(file) if number.isdecimal() else ""
    if not path or not is_installed(session.workspace, path) or path not in session.workspace.states.recorded:
        return name, ""
    lines = session.workspace.states.contents(path).decode("utf-8", "replace").splitlines()
    line = lines[int(number) - 1].strip() if 0 < int(number) <= len(lines) else ""
    if not line.strip("-"):
        raise UsageError(f"{file} has no text in line {number}", hint=f"`agentpack explain {file}` shows its rules")
    in_header = lines[0] == "---" and "---" in lines[1:] and int(number) <= lines.index("---", 1)
    return file, line.partition(":")[0] if in_header else line


def _place(session: Session, path: str) -> str:
    scope = session.workspace.scope
    return scope.absolute(path).removeprefix(f"{scope.root}/")


def _sum(file: ExplainedFile) -> str:
    """One line with the number of rules from each origin."""
    rules = [line for line in file.rules if line.kind != "heading" and line.state != "removed"]
    by_hand = sum(line.state in ("edited", "added") for line in rules)
    origins = Counter(str(line.origin.origin) for line in rules if line.state == "released")
    parts = [f"{count} from {origin}" for origin, count in origins.items()]
    parts += [f"{by_hand} with local edits"] if by_hand else []
    gone = sum(line.state == "removed" and line.kind != "heading" for line in file.rules)
    parts += [f"{gone} removed by local edits"] if gone else []
    return f"{len(rules)} {'rule' if len(rules) == 1 else 'rules'}: {safe(', '.join(parts))}"


def origin_words(line: ExplainedLine) -> str:
    """The origin of a field or rule, for people."""
    origin = ", ".join([str(line.origin.origin), *(f"parameter {name}" for name in line.origin.parameters)])
    if line.state == "edited":
        return f"local edit of {origin}"
    if line.state == "removed":
        return f"removed by a local edit, {origin}"
    return origin


# A terminal.

_SIGNS = {"released": (" ", "dim"), "edited": ("~", "yellow"), "added": ("+", "green"), "removed": ("-", "red")}


def _show(output: Output, file: ExplainedFile, place: str) -> str:
    """Columns drawn to the terminal's width: the text of a rule is cut to the room that is left, if any.

    Returns what names a field or rule whose text was cut; empty if none was.
    """
    width = shutil.get_terminal_size().columns
    lines = [*file.fields, *(line for line in file.rules if line.kind != "heading" or line.state != "released")]
    names = min(max((len(_name(line)) for line in lines), default=0), 34, max(16, width // 3))
    origins = min(max((len(safe(origin_words(line))) for line in lines), default=0), max(22, width // 3))
    room = width - names - origins - 6
    missing = "  missing: this would be its content" if file.missing else ""
    output.print(f"{output.style(safe(place), 'bold')}  {safe(file.release)}{missing}", wrap=True)
    output.print(output.style("header", "cyan"))
    cut = []
    for line in (*file.fields, *file.rules):
        if line.kind == "heading":
            output.print(_heading(output, line))
            continue
        row, is_cut = _row(output, line, names, origins, room)
        output.print(row)
        cut += [line.name] if is_cut else []
    return next(filter(None, cut), "WORDS") if cut else ""


def _heading(output: Output, line: ExplainedLine) -> str:
    sign, color = _SIGNS[line.state]
    words = output.style(safe(line.section), "cyan") + (f" ({safe(line.name)})" if line.name else "")
    if line.state == "released":
        return words
    return f"{output.style(sign, color)} {words}  {safe(origin_words(line))}"


def _name(line: ExplainedLine) -> str:
    return line.name or "-"


def _row(output: Output, line: ExplainedLine, names: int, origins: int, room: int) -> tuple[str, bool]:
    """A row, and whether its text was cut."""
    sign, color = _SIGNS[line.state]
    first = f"{output.style(sign, color)} {safe(_name(line)):{names}}"
    origin = safe(origin_words(line))
    words = safe(bare(line.text))
    is_below = room < 16 or len(origin) > origins
    most = names + origins + room if is_below else room
    is_cut = len(words) > most
    text = output.style(words[: most - 1] + "…" if is_cut else words, "dim")
    row = f"{first}  {origin}\n    {text}" if is_below else f"{first}  {origin:{origins}}  {text}"
    return row.rstrip(), is_cut


# A pipe.


def _table(session: Session, files: Sequence[ExplainedFile]) -> None:
    headers = ("file", "release", "kind", "section", "name", "state", "from", "text")
    session.output.table(headers, (row for file in files for row in _rows(session, file)))


def _rows(session: Session, file: ExplainedFile) -> Iterator[tuple[str, ...]]:
    place = _place(session, file.path)
    for line in (*file.fields, *file.rules):
        words = (line.kind, line.section, _name(line), line.state, origin_words(line), bare(line.text))
        yield (place, file.release, *words)


# One rule.

_MOST_FILES = 3
"""Files named of those that have a rule alike; JSON output has a row for each."""


def _show_rules(session: Session, rules: Sequence[ExplainedRule]) -> None:
    """Print each rule once, with all files that have it alike: the clients of one pack seldom differ."""
    output = session.output
    alike: dict[tuple[str, ...], list[ExplainedRule]] = {}
    for rule in rules:
        alike.setdefault(tuple(_about(rule)), []).append(rule)
    for number, (about, found) in enumerate(alike.items()):
        if number:
            output.print("")
        places = [safe(_place(session, rule.file.path)) for rule in found]
        head, *rest = about
        for text in (f"{output.style(head, 'bold')}  {first_few(places, _MOST_FILES)}", *rest):
            output.print(text, wrap=True)


def _written_in(place: SourcePlace) -> str:
    """The file and line in a pack, and which pack; for a local variant, its file in the project."""
    at = f":{place.line}" if place.line else ""
    folder, _, inside = place.file.partition("/")
    if place.origin.kind == "local":
        return f"{place.file}{at}"
    pack, _, version = folder.rpartition("-")
    release = place.origin.name if place.origin.kind == "release" else f"{pack} {version}"
    return f"{inside}{at} of the pack {release}"


def _about(rule: ExplainedRule) -> Iterator[str]:
    """The lines about a rule, without its file; the first one names it."""
    line = rule.line
    where = f", {safe(line.section)}" if line.section and line.kind != "heading" else ""
    kind = {"field": "field ", "heading": "section "}.get(line.kind, "" if line.name else "rule ")
    yield f"{kind}{safe(line.name or 'without an id')}{where}"
    yield f"  from       {safe(origin_words(line))}"
    here = rule.places[-1] if rule.places else None
    if here is not None:
        yield f"  written in {safe(_written_in(here))}"
    if here is not None and here.when:
        yield f"  only when  {safe(here.when)}"
    for name, value in rule.parameters.items():
        who = "set by you" if name in rule.set_by_user else "the default"
        yield f"  parameter  {safe(name)} is {safe(value)} ({who})"
    heading = {"removed": "it said", "edited": "on disk"}.get(line.state, "it says")
    yield from _text(heading, line.text)
    if line.state == "edited" and line.released is not None:
        yield from _text("as released", line.released.text)
    for place in reversed(rule.places[:-1]):
        yield from _text(f"replaced {place.origin}, {_written_in(place)}", place.text)


def _text(title: str, words: str) -> Iterator[str]:
    yield f"  {safe(title)}"
    for part in words.split("\n"):
        yield f"    {safe(part)}".rstrip()


# Data.


def _origin_data(origins: Origins) -> dict[str, Any]:
    return {**(origin_data(origins.origin) or {}), "parameters": list(origins.parameters)}


def _line_data(line: ExplainedLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "name": line.name,
        "section": line.section,
        "state": line.state,
        "origin": _origin_data(line.origin),
        "text": line.text,
        "released": line.released.text if line.released else None,
    }


def _file_data(session: Session, file: ExplainedFile) -> dict[str, Any]:
    return {
        "path": _place(session, file.path),
        "client": file.client,
        "pack": file.pack,
        "persona": file.persona,
        "release": file.release,
        "missing": file.missing,
        "fields": [_line_data(line) for line in file.fields],
        "rules": [_line_data(line) for line in file.rules],
    }


def _rule_data(session: Session, rule: ExplainedRule) -> dict[str, Any]:
    return {
        "path": _place(session, rule.file.path),
        "client": rule.file.client,
        **_line_data(rule.line),
        "parameters": dict(rule.parameters),
        "set_by_user": sorted(rule.set_by_user),
        "places": [{**place._asdict(), "origin": origin_data(place.origin)} for place in rule.places],
    }
