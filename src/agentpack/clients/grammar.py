"""How clients read a list of tools: data, and one reader for all of them.

What a value comes to is taken from the client itself, its code or its behaviour; each client's page says which. Where
neither could be had, only a plain list of names that we know is understood (`UNKNOWN`), and everything else is a
restriction that cannot be read.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

NAMES = "names"
ALL = "every"
NONE = "none"
UNREAD = "unread"
REFUSED = "refused"
DROPPED = "dropped"
PAIRED = "paired"


class Grammar(NamedTuple):
    """How one client reads a list of tools.

    A form is `every` where the client then limits nothing, `none` where it then gives no tool, `refused` where it does
    not load the file, and `unread` where nobody knows.
    """

    separators: str = ""
    """The characters that part the names of a text; empty: a text is one name."""
    brackets: bool = False
    """Whether they do not between brackets."""
    splits_items: bool = False
    """Whether an entry of a list is parted as a text is."""
    trims_items: bool = True
    """Whether blanks at the ends of an entry do not count."""
    text: str = UNREAD
    """A text, which `separators` part; `names` where it is read."""
    blank: str = UNREAD
    """A text in which there is no name."""
    empty: str = UNREAD
    """A list without a name."""
    null: str = UNREAD
    """A key with nothing behind it."""
    other: str = UNREAD
    """A map, a number, true or false."""
    item: str = UNREAD
    """An entry of a list that is no text: `dropped`, or what the whole list is for it; `paired` where it may be a name
    with settings."""
    stars: frozenset[str] = frozenset(("*",))
    """Names any one of which decides for the whole list."""
    star: str = ALL
    """What the list is then."""
    folded: bool = False
    """Whether names are the same in capitals."""
    patterns: bool = False
    """Whether a name may be a pattern, of which we cannot say what it stands for."""
    any_name: bool = True
    """Whether a name that we do not know is one all the same, and not a pattern that may stand for others."""


class ParsedList(NamedTuple):
    """What a value comes to: `form` is `names`, or one of the words above."""

    form: str
    names: tuple[str, ...] = ()


def listed(grammar: Grammar, value: Any, known: Callable[[str], bool] = bool) -> ParsedList:
    """The names that a client reads from a value.

    Args:
        known: whether a name is one that we know.
    """
    if value is None:
        return ParsedList(grammar.null)
    if isinstance(value, str):
        if grammar.text != NAMES:
            return ParsedList(grammar.text if value.strip() else grammar.blank)
        names, none = tuple(_parted(grammar, value)), grammar.blank
    elif isinstance(value, list):
        if grammar.item == PAIRED:
            value = [_paired(item) for item in value]
        if any(not isinstance(item, str) for item in value) and grammar.item != DROPPED:
            return ParsedList(grammar.item)
        texts = [item for item in value if isinstance(item, str)]
        names = tuple(
            name
            for text in texts
            for name in (_parted(grammar, text) if grammar.splits_items else _entry(grammar, text))
        )
        names, none = tuple(name for name in names if name), grammar.empty
    else:
        return ParsedList(grammar.other)
    if grammar.folded:
        names = tuple(name.lower() for name in names)
    if not names:
        return ParsedList(none)
    if not grammar.stars.isdisjoint(names):
        return ParsedList(grammar.star)
    if grammar.patterns and any(_PATTERN.search(name) for name in names):
        return ParsedList(UNREAD)
    if not grammar.any_name and not all(map(known, names)):
        return ParsedList(UNREAD)
    return ParsedList(NAMES, names)


def _entry(grammar: Grammar, text: str) -> tuple[str]:
    return (text.strip(_BLANKS) if grammar.trims_items else text,)


_PATTERN = re.compile(r"[*?\[]|\Are:")
_BLANKS = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript takes off the ends of a text, in which most clients are written."""


def _paired(item: Any) -> Any:
    """A name with its settings as `name(…)`, other entries as they are."""
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict):
        return f"{item[0]}({json.dumps(item[1], sort_keys=True, default=str)})" if item[1] else item[0]
    return item


@cache
def _names(separators: str, brackets: bool) -> re.Pattern[str]:
    """A name, with what stands in its brackets where that may hold separators."""
    part = re.escape(separators)
    if not separators:
        return re.compile(r".+", re.DOTALL)
    return re.compile(rf"(?:\([^)]*(?:\)|\Z)|[^{part}(])+" if brackets else rf"[^{part}]+")


def _parted(grammar: Grammar, text: str) -> Iterator[str]:
    for found in _names(grammar.separators, grammar.brackets).findall(text):
        if name := found.strip(_BLANKS):
            yield name


UNKNOWN = Grammar(any_name=False)
"""Of a client whose code and behaviour could not be had."""
UNKNOWN_COMMAS = Grammar(any_name=False, separators=",", text=NAMES)
"""The same, of one that is told its tools in a text with commas."""
