"""How clients parse a list of tools: data, and one parser for all of them.

How a value is parsed comes from the client's code or behaviour; each client's page says which. If neither was
available, only a plain list of known names is understood (`UNKNOWN`), and anything else is a restriction that cannot be
read.
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
    """How one client parses a list of tools.

    A form is `every` if the client then restricts nothing, `none` if it then allows no tool, `refused` if it does not
    load the file, and `unread` if unknown.
    """

    separators: str = ""
    """The characters that separate names in a text; empty if a text is one name."""
    alone: bool = False
    """Whether only the first of them that is in a text separates names there."""
    brackets: bool = False
    """Whether separators within brackets are ignored."""
    splits_items: bool = False
    """Whether a list entry is split like a text."""
    trims_items: bool = True
    """Whether blanks around an entry are ignored."""
    text: str = UNREAD
    """The form of a text, which is split at `separators`; `names` if it is read."""
    blank: str = UNREAD
    """The form of a text without a name."""
    empty: str = UNREAD
    """The form of an empty list."""
    null: str = UNREAD
    """The form of a key without a value."""
    other: str = UNREAD
    """The form of a map, a number, true or false."""
    item: str = UNREAD
    """A list entry that is not text: `dropped`, or the form of the whole list because of it; `paired` if it may be a
    name with settings."""
    stars: frozenset[str] = frozenset(("*",))
    """Names that each decide the form of the whole list."""
    star: str = ALL
    """The form of a list with such a name."""
    folded: bool = False
    """Whether names are case-insensitive."""
    patterns: bool = False
    """Whether a name may be a pattern with unknown matches."""
    any_name: bool = True
    """Whether an unknown name is still a plain name rather than a pattern that may match others."""

    def denying(self) -> "Grammar":
        """The same for a list of denied tools, in which only a star may deny everything."""

        def void(form: str) -> str:
            return NONE if form == ALL else form

        return self._replace(
            text=void(self.text),
            blank=void(self.blank),
            empty=void(self.empty),
            null=void(self.null),
            other=void(self.other),
            item=void(self.item),
        )


class ParsedList(NamedTuple):
    """The result of parsing: `form` is `names`, or one of the forms above."""

    form: str
    names: tuple[str, ...] = ()


def listed(grammar: Grammar, value: Any, known: Callable[[str], bool] = bool) -> ParsedList:
    """Parse a list of tools as the client does.

    Args:
        known: returns whether a name is known.
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
"""The white space that JavaScript trims; most clients are written in it."""


def _paired(item: Any) -> Any:
    """A name with settings as `name(…)`, other entries unchanged."""
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], dict):
        return f"{item[0]}({json.dumps(item[1], sort_keys=True, default=str)})" if item[1] else item[0]
    return item


@cache
def _names(separators: str, brackets: bool) -> re.Pattern[str]:
    """A pattern for a name, including its brackets if those may contain separators."""
    part = re.escape(separators)
    if not separators:
        return re.compile(r".+", re.DOTALL)
    return re.compile(rf"(?:\([^)]*(?:\)|\Z)|[^{part}(])+" if brackets else rf"[^{part}]+")


def _parted(grammar: Grammar, text: str) -> Iterator[str]:
    separators = grammar.separators
    if grammar.alone:
        separators = next((one for one in separators if one in text), "")
    for found in _names(separators, grammar.brackets).findall(text):
        if name := found.strip(_BLANKS):
            yield name


UNKNOWN = Grammar(any_name=False)
"""For a client whose code and behaviour were not available."""
UNKNOWN_COMMAS = Grammar(any_name=False, separators=",", text=NAMES)
"""The same, for a client that takes a comma-separated text."""
