"""Line numbers of matches in one walk through a text, however many there are."""

from collections.abc import Iterable, Iterator
from re import Match


def with_lines(text: str, found: Iterable[Match[str]]) -> Iterator[tuple[int, Match[str]]]:
    """The matches in a text, in its order, each with the line it begins in, from 1."""
    line, at = 1, 0
    for match in found:
        line, at = line + text.count("\n", at, match.start()), match.start()
        yield line, match
