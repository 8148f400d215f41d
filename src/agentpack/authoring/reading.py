"""Notes on what makes a text hard on the agent that reads it; none of them says whether its rules are right.

Each call of the agent reads the text outside of `modules` in full. A product it names there is used more often, whether
or not the task needs it, and of a long list without conditions no rule is skipped.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.sizes import core_of, outside_modules
from agentpack.authoring.subject import Subject
from agentpack.compose.parse import Layer
from agentpack.errors import AgentpackError
from agentpack.model.dates import DAY, seconds
from agentpack.model.persona import Rule, Section
from agentpack.model.text_size import count

TOKENS = 1000
"""Tokens that are always read before a note says how many they are."""
NAMES = 10
"""Products that may be named without a condition."""
LIST = 12
"""Rules that may follow each other in one list without a condition."""
DAYS = 180
"""Days for which a dated claim counts as checked."""

_CONDITION = re.compile(
    r"\b(?:if|when|where|wherever|whenever|unless|once|while|until|only for|in case)\b", re.IGNORECASE
)
_CODE = re.compile(r"`[^`]*`|\{\{[^{}]*\}\}")
_NAME = re.compile(r"(?P<before_sentence>(?:\A|[.!?:;|]\s|\n)[\s*_>(\"'-]*)|(?<![\w/.-])(?P<name>[A-Z]\w*[a-z]\w*)")
_DATED = re.compile(r"\bchecked (?:on |in )?(20\d\d-\d\d)(-\d\d)?\b", re.IGNORECASE)


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Notes on the size of what is always read, on products and long lists in it, and on old claims anywhere."""
    for name in sorted(subject.pack.personas):
        try:
            modules = subject.drafts.modules(name)
            persona = subject.composed(name)
        except AgentpackError:
            continue  # told as a dead reference
        own = subject.pack.personas[name]
        tokens = core_of(persona, modules).tokens
        if tokens > TOKENS:
            yield _size(subject.place(own.file), tokens, outside_modules(persona.sections, modules))
        for layer in (own, *(layer for _, layer in sorted(subject.pack.variants.get(name, {}).items()))):
            read = tuple(outside_modules(layer.sections, modules))
            yield from _names(subject, layer, read)
            yield from _lists(subject, layer, read)
    for layer in subject.layers():
        yield from _old(subject, layer)


def _size(file: str, tokens: int, read: Iterable[Section]) -> CheckFinding:
    sizes = ((count("\n".join(rule.text for rule in part.rules)).tokens, part.heading.lstrip("# ")) for part in read)
    longest = ", ".join(f"{heading} ({size})" for size, heading in sorted(sizes, reverse=True)[:3] if heading)
    message = f"every call reads {tokens} tokens" + (f"; the longest sections are {longest}" if longest else "")
    return CheckFinding(file, 0, "P305", message, "move what only some tasks need to a module")


def _names(subject: Subject, layer: Layer, read: Sequence[Section]) -> Iterator[CheckFinding]:
    known = {word for part in read for word in part.heading.split()} | set(
        layer.header.get("name", "").title().split("-")
    )
    found = {
        name: rule.line
        for part in reversed(read)
        for rule in reversed(part.rules)
        if not (part.when or _is_conditional(rule))
        for name in _named(_CODE.sub("x", rule.text))
        if name not in known
    }
    if len(found) > NAMES:
        names = sorted(found, key=lambda name: (found[name], name))
        message = f"mentions {len(names)} products or other proper names without a condition: {', '.join(names[:8])} …"
        hint = "say when each is the right choice, or move them to a module: what is named is used more often"
        yield CheckFinding(subject.place(layer.file), found[names[0]], "P403", message, hint)


def _named(text: str) -> Iterator[str]:
    """Words with a capital that do not begin a sentence, or have one within."""
    begin = 0
    for found in _NAME.finditer(text):
        name = found["name"]
        if name is None:
            begin = found.end()
        elif not name[1:].islower() or found.start() != begin:
            yield name


def _lists(subject: Subject, layer: Layer, read: Sequence[Section]) -> Iterator[CheckFinding]:
    for part in read:
        for plain, rules in groupby(part.rules, lambda rule: rule.kind == "item" and not _is_conditional(rule)):
            row = list(rules)
            if plain and not part.when and len(row) > LIST:
                message = f"{len(row)} rules in a row, and none says when it applies"
                hint = "add conditions, or group them by task"
                yield CheckFinding(subject.place(layer.file), row[0].line, "P404", message, hint)


def _is_conditional(rule: Rule) -> bool:
    return rule.when is not None or _CONDITION.search(rule.text) is not None


def _old(subject: Subject, layer: Layer) -> Iterator[CheckFinding]:
    latest = (seconds(subject.today) or 0) - DAYS * DAY
    dates: dict[str, list[int]] = {}
    for section in layer.sections:
        for rule in section.rules:
            said = [month + (day or "-28") for month, day in _DATED.findall(rule.text)]
            for day in {*said, *filter(None, [rule.checked or section.checked])}:
                if (seconds(day) or latest) < latest:
                    dates.setdefault(day, []).append(rule.line)
    for day, lines in sorted(dates.items()):
        rules = "a rule was" if len(lines) == 1 else f"{len(lines)} rules were"
        message = f"{rules} last checked on {day}, more than {DAYS} days ago"
        yield CheckFinding(
            subject.place(layer.file), lines[0], "P903", message, "verify the claims again, and update the date"
        )
