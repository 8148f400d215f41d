"""Match foreign glob patterns, in a time that no pattern can raise: at most its length times that of the text.

A regular expression made of such a pattern could try every way in which its stars share the text, and a few dozen of
characters would keep it busy for years. Here each piece between two stars is taken where it is first found.
"""

import re
from functools import lru_cache

from agentpack.errors import UsageError
from agentpack.model.names import pack_name


class Glob:
    """A pattern in which `*` is any text and, if `single`, `?` any one character."""

    def __init__(self, pattern: str, *, single: bool = False) -> None:
        self.first, *rest = pattern.split("*")
        self.last = rest.pop() if rest else None
        """What the text ends with; None for a pattern without a star, which is all of it."""
        self.middle = tuple(filter(None, rest))
        self.single = single
        self.shortest = len(self.first) + sum(map(len, self.middle)) + len(self.last or "")

    def fits(self, text: str) -> bool:
        """Whether the pattern matches the whole text."""
        if len(text) < self.shortest or not self._stands(self.first, text, 0):
            return False
        if self.last is None:
            return len(text) == self.shortest
        at, end = len(self.first), len(text) - len(self.last)
        if not self._stands(self.last, text, end):
            return False
        for piece in self.middle:
            found = self._find(piece, text, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    def _stands(self, piece: str, text: str, at: int) -> bool:
        if not self.single or "?" not in piece:
            return text.startswith(piece, at)
        return all(mine in ("?", text[at + n]) for n, mine in enumerate(piece))

    def _find(self, piece: str, text: str, at: int, end: int) -> int:
        if not self.single or "?" not in piece:
            return text.find(piece, at, end)
        starts = range(at, end - len(piece) + 1)
        return next((start for start in starts if self._stands(piece, text, start)), -1)


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern (`*` matches any text) matches the whole text."""
    return _glob(pattern).fits(text)


@lru_cache(1000)
def _glob(pattern: str) -> Glob:
    return Glob(pattern)


def check_pack_pattern(text: str) -> None:
    """Raise UsageError unless the text is the name of a pack, in which `*` may stand for any text."""
    if "*" not in text:
        if pack_name(text) != text:
            raise UsageError(f"`{text}` is not normalized: write `{pack_name(text)}`")
    elif not re.fullmatch(r"[a-z0-9*]+(?:-[a-z0-9*]+)*", text):
        raise UsageError(f"`{text}` is not a pack name or a pattern such as `acme-*`")


def fits_path(pattern: str, path: str, *, below: bool = False) -> bool:
    """Whether a pattern whose `*` stays within one part of a path matches the path, or if `below` a folder above it."""
    parts, found = pattern.split("/"), path.split("/")
    if len(found) < len(parts) or (len(found) > len(parts) and not below):
        return False
    return all(map(fits, parts, found))
