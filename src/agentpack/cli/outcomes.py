"""Show what a command changed, or would change, to people and programs."""

import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from agentpack.changes.outcome import Outcome, PackChange
from agentpack.cli.output import MOST_ENTRIES, Output, Result, ask_on_terminal, safe
from agentpack.cli.session import Session
from agentpack.errors import DecisionNeeded
from agentpack.model.changes import Action, Change, Plan
from agentpack.wanted.skipped import skipped_data
from agentpack.wanted.wanted import GroupedNote
from agentpack.workspace.found_clients import skipped_words

if TYPE_CHECKING:
    from agentpack.changes.news import PackNews

_WORDS: Mapping[Action, tuple[str, str]] = {
    Action.CREATE: ("+", "new"),
    Action.REPLACE: ("~", "updated"),
    Action.MERGE: ("~", "updated, your edits kept"),
    Action.RESTORE: ("+", "restored: it was missing"),
    Action.DISCARD: ("~", "replaced; the previous text is in the history"),
    Action.ADOPT: ("=", "now managed, unchanged"),
    Action.TAKE: ("=", "your text kept"),
    Action.DRIFT: ("!", "edited by hand, not changed"),
    Action.LOST: ("!", "cannot be restored, not changed: its text is neither stored here nor in its source"),
    Action.DELETE: ("-", "removed"),
    Action.FORGET: ("-", "no longer managed"),
    Action.CONFLICT: ("!", "in conflict, not changed"),
}
_DECIDED: Mapping[str, str] = {
    "keep": "updated; your text kept where both sides changed",
    "theirs": "updated; the new text used where both sides changed, and yours is in the history",
}
_MOST_RELEASES, _MOST_HEADINGS = 6, 8
"""Releases between two that are listed, and headings of each."""
_NO_NEWS: "Mapping[str, PackNews]" = MappingProxyType({})
_COLORS = {"+": "green", "-": "red", "~": "yellow", "!": "red", "=": "blue"}


def show_outcome(session: Session, outcome: Outcome, news: "Mapping[str, PackNews]" = _NO_NEWS) -> None:
    """Print the changes, one line each, and a summary.

    Args:
        news: what is new in packs that get another release, by name.

    Raises:
        DecisionNeeded: it is a dry run of what would stop.
    """
    output = session.output
    absolute = session.workspace.scope.absolute
    _show_packs(output, outcome, news)
    lines = _change_lines(output, outcome.plan, absolute, outcome.asked)
    if text := "\n".join(lines):
        output.say(text)
    for document in outcome.documents:
        sign, word = ("+", "new") if document.before is None else ("~", "updated")
        if document.after is None:
            sign, word = "-", "removed"
        mark = output.style_words(sign, _COLORS[sign])
        output.say(f"  {mark} {safe(absolute(document.path))}  {word}")
    _show_notes(output, outcome)
    if not outcome.changes_anything and outcome.generation is None:
        output.say("nothing to change")
    elif outcome.dry_run:
        output.say("dry run: nothing was written")
    else:
        _show_generation(output, outcome)
    if outcome.refusal is not None:
        raise outcome.refusal


def show_newer(session: Session, outcome: Outcome, upgrade: str, look: str) -> Result:
    """Print which packs an upgrade would change, and return the outcome. The exit code is 1 if there are any, and not
    for files that it would only restore. `upgrade` and `look` are the commands that upgrade, and that show the changes.
    """
    output = session.output
    texts = [one for one in outcome.plan.changes if one.action in (Action.REPLACE, Action.MERGE, Action.CONFLICT)]
    _show_packs(output, outcome, _NO_NEWS)
    if texts and not outcome.packs:  # another text of the same version
        output.say("\n".join(_change_lines(output, Plan(changes=tuple(texts)), session.workspace.scope.absolute)))
    _show_notes(output, outcome)
    is_newer = bool(texts or outcome.packs)
    if is_newer:
        from agentpack.changes.widening import widening_error  # not for other commands

        refusal = widening_error(outcome.capabilities, upgrade.removeprefix("agentpack "))
        way = f"`{upgrade}` makes these changes" if refusal is None else str(refusal.hint)
        output.hint(f"{way}; `{look}` shows them in full")
    else:
        output.say("no newer releases in range")
    return Result({**outcome_data(outcome), "changed": is_newer}, int(is_newer))


def show_out_of_date(session: Session, outcome: Outcome) -> Result:
    """Print what `lock` would write, and return the outcome with the exit code 1."""
    _show_packs(session.output, outcome, _NO_NEWS)
    _show_notes(session.output, outcome)
    for document in outcome.documents:
        path = safe(session.workspace.scope.absolute(document.path))
        session.output.say(f"{path} is {'missing' if document.before is None else 'out of date'}")
    session.output.hint("the same command without `--check` writes it")
    return Result(outcome_data(outcome), 1)


def _show_packs(output: Output, outcome: Outcome, news: "Mapping[str, PackNews]") -> None:
    show_warnings(output, outcome)
    packs = ["\n".join(_pack_lines(pack, news.get(pack.name))) for pack in outcome.packs]
    for line in output.some(packs):
        output.say(line)
    show_capabilities(output, outcome)


def _show_notes(output: Output, outcome: Outcome) -> None:
    for skipped in skipped_words(outcome.skipped):
        output.say(safe(skipped))
    for agents in outcome.skipped_agents:
        if agents.is_new and outcome.changes_anything:
            output.say(safe(str(agents)))
    for note in outcome.notes:
        output.say(f"note: {safe(str(note))}")


def _show_generation(output: Output, outcome: Outcome) -> None:
    if outcome.generation is not None:
        output.say(f"generation {outcome.generation}; `agentpack rollback` undoes it")


def show_capabilities(output: Output, outcome: Outcome) -> None:
    """Print new and changed capabilities, one line for each distinct set."""
    if output.quiet or output.json or not outcome.capabilities:
        return
    from agentpack.reports.capabilities import may_lines

    everyone = {(change.pack, change.persona, change.client) for change in outcome.plan.changes}
    for label, words in may_lines(outcome.capabilities, everyone):
        label = output.style_words(safe(label), "yellow") if label.startswith("may use more") else safe(label)
        if not sys.stderr.isatty():
            output.say(label + safe(words))
            continue
        from agentpack.cli.wrapping import hang  # a terminal only

        output.say("\n".join(hang(label, safe(words))))


def show_warnings(output: Output, outcome: Outcome) -> None:
    """Print what should be read before the plan."""
    for warning in outcome.warnings:
        output.say(f"{output.style_words('note:', 'bold')} {safe(warning)}")


def _change_lines(
    output: Output, plan: Plan, absolute: Callable[[str], str], asked: frozenset[str] | None = None
) -> Iterator[str]:
    """A line for each change. Without `--verbose`, more than `MOST_ENTRIES` are cut to the first few of each kind.

    Args:
        absolute: turns a path of the plan into the path to show.
        asked: the packs that the command is about, None for all: edits in other packs are no news.
    """
    changes = [one for one in plan.changes if one.action is not Action.DRIFT or asked is None or one.pack in asked]
    lines = [(change.action, change_line(output, change, absolute(change.path))) for change in changes]
    said = [(action, line) for action, line in lines if line is not None]
    if len(said) <= MOST_ENTRIES or output.verbose:
        yield from (line for _, line in said)
        return
    for action in dict.fromkeys(action for action, _ in said):
        own = [line for one, line in said if one is action]
        yield from output.some(own, f"more {_WORDS[action][1]}")


def change_line(output: Output, change: Change, place: str) -> str | None:
    """One change for people; None if nothing changes."""
    if change.action not in _WORDS:
        return None
    sign, word = _WORDS[change.action]
    if change.action is Action.ADOPT and change.previous is not None:
        word = "unchanged"
    if change.action is Action.FORGET and change.observed is not None:
        sign, word = "=", "stays, no longer managed"
    if change.action is Action.MERGE:
        word = _DECIDED.get(change.why, word)
    return f"  {output.style_words(sign, _COLORS[sign])} {safe(place)}  {word}"


def _pack_lines(pack: PackChange, news: "PackNews | None") -> Iterator[str]:
    name, before, after = pack
    if before is None:
        yield safe(f"{name} {after}")
    elif after is None:
        yield safe(f"{name} {before} removed")
    elif news is None:
        yield safe(f"{name} {before} -> {after}")
    else:
        from agentpack.resolve.words import short  # only where it is shown

        yield safe(f"{name} {before} -> {after}" + (f"  ({news.size})" if news.size else ""))
        for entry in news.entries[:_MOST_RELEASES]:
            words = entry.lead or ", ".join(map(short, entry.headings[:_MOST_HEADINGS]))
            yield safe(f"  {entry.version}: {words}" if words else f"  {entry.version}")
        if news.entries:
            yield f"  `agentpack show {news.pack} --changes {news.before} {news.after}` prints the changelog"


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """The outcome for JSON output."""
    return {
        "scope": outcome.scope,
        "root": outcome.root,
        "dry_run": outcome.dry_run,
        "changed": outcome.changes_anything,
        "generation": outcome.generation,
        "packs": [pack._asdict() for pack in outcome.packs],
        "files": [
            {
                "path": change.path,
                "action": str(change.action),
                "client": change.client,
                "pack": change.pack,
                "persona": change.persona,
                "why": change.why,
                "conflicts": [
                    conflict.data(change.moved[place] if change.moved else ())
                    for place, conflict in enumerate(change.conflicts)
                ],
            }
            for change in outcome.plan.changes
        ],
        "documents": [
            {"path": d.path, "action": "create" if d.before is None else "delete" if d.after is None else "replace"}
            for d in outcome.documents
        ],
        "capabilities": _capability_data(outcome),
        "skipped": [{**skipped._asdict(), "packs": list(skipped.packs)} for skipped in outcome.skipped],
        **skipped_data(outcome.skipped_agents),
        "notes": [str(note) for note in outcome.notes],
        "client_notes": [
            {
                "text": f"{note.text}, {note.note.why}" if note.note.why else note.text,
                "clients": list(note.clients),
                "files": list(note.files),
                "options": [option for option in note.options if option],
            }
            for note in outcome.notes
            if isinstance(note, GroupedNote)
        ],
        "warnings": list(outcome.warnings),
    }


def _capability_data(outcome: Outcome) -> list[dict[str, Any]]:
    if not outcome.capabilities:
        return []
    from agentpack.reports.capabilities import may_data

    return may_data(outcome.capabilities)


def finish(
    session: Session, outcome: Outcome, news: "Mapping[str, PackNews]" = _NO_NEWS, *, shown: bool = False
) -> Result:
    """Print the outcome. Returns its data with the exit code: 3 if `--partial` left conflicts, else 0.

    Args:
        news: what is new in the new release of a pack, by its name.
        shown: the plan was printed before, so print only the number of the generation.
    """
    if shown:
        _show_generation(session.output, outcome)
    else:
        show_outcome(session, outcome, news)
    return Result(outcome_data(outcome), 3 if outcome.left else 0)


class Confirmation:
    """The question of `upgrade`: shows the plan with what is new in it, and asks whether to go on.

    `look` is the command that shows the changes inside the files. `shown` is True once the plan was shown.
    """

    def __init__(self, session: Session, look: str) -> None:
        self.session = session
        self.look = look
        self.shown = False

    def __call__(self, outcome: Outcome) -> bool:
        """Whether the user agrees. Raises DecisionNeeded if there is no terminal to ask on."""
        session, say = self.session, self.session.output.say
        if not session.output.json:
            say("Will change:")
            show_outcome(session, outcome, news_of(session, outcome))
            say(f"`{self.look}` shows the changes in each file")
            self.shown = True
        if session.output.json or not session.environment.interactive:
            raise DecisionNeeded(
                "upgrade needs a confirmation, and there is no terminal to ask on; nothing was changed",
                hint="use `--yes` to skip this prompt",
            )
        return ask_on_terminal("Upgrade?")


def news_of(session: Session, outcome: Outcome) -> "Mapping[str, PackNews]":
    """What is new in each pack that gets another release, by name."""
    from agentpack.changes.news import pack_news  # only where it is shown

    return {news.pack: news for news in pack_news(session.workspace, outcome)}


def news_data(news: "Mapping[str, PackNews]") -> list[dict[str, Any]]:
    """The news for JSON output."""
    return [
        {
            **one._asdict(),
            "size": one.size and one.size._asdict(),
            "entries": [{"version": entry.version, "text": entry.text.strip()} for entry in one.entries],
        }
        for one in news.values()
    ]
