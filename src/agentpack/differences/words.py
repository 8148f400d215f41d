"""Word diff: which words changed within a line, and which removed line became which added one."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agentpack.differences.lines import matches

MOST_WORDS = 600
"""Words are only marked in lines up to this length."""
_BUDGET = 200_000
_ALIKE = 0.4
_MOST_PIECES = 3
"""Lines that share less than half of their words are only marked if they differ in at most so many pieces."""
_PAIRS = 900
_WORD = re.compile(r"\s*(?:\w+(?:['’]\w+)*|[^\w\s])|\s+\Z")


class Span(NamedTuple):
    """A piece of a line, and whether it is only on this side."""

    text: str
    changed: bool


def marked(before: str, after: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """Both lines as spans, which join to the original lines. None if they share too little for marks to help."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return None
    shared = matches(old, new, budget=_BUDGET)
    kept_old = {match.i + step for match in shared for step in range(match.size)}
    kept_new = {match.j + step for match in shared for step in range(match.size)}
    same = sum(len(old[index].strip()) for index in kept_old)
    most = max(sum(len(word.strip()) for word in side) for side in (old, new))
    if not most or same / most < _ALIKE / 2:
        return None
    sides = _spans(old, kept_old), _spans(new, kept_new)
    pieces = max(sum(span.changed for span in side) for side in sides)
    return None if same / most < 0.5 and pieces > _MOST_PIECES else sides


def _spans(words: Sequence[str], kept: set[int]) -> tuple[Span, ...]:
    """The spans; white space before a changed word is unmarked unless the change continues over it."""
    spans: list[Span] = []
    for index, word in enumerate(words):
        changed = index not in kept
        if changed and not (spans and spans[-1].changed):
            bare = word.lstrip()
            if bare and bare != word:
                _put(spans, word[: len(word) - len(bare)], False)
                word = bare
        _put(spans, word, changed)
    return tuple(spans)


def _put(spans: list[Span], text: str, changed: bool) -> None:
    if spans and spans[-1].changed == changed:
        spans[-1] = Span(spans[-1].text + text, changed)
    else:
        spans.append(Span(text, changed))


def bag(text: str) -> Counter[str]:
    """The words of a text with their counts, without white space and punctuation."""
    return Counter(re.findall(r"\w+", text[:20_000].lower()))


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """Similarity from 0 (no common word) to 1 (the same words)."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def paired(removed: Sequence[str], added: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """The lines of one change in reading order, each removed line beside the added line it became."""
    if not removed or not added or len(removed) * len(added) > _PAIRS:
        yield from unpaired(removed, added)
        return
    i = j = 0
    for row, column in _best([bag(line) for line in removed], [bag(line) for line in added]):
        yield from unpaired(removed[i:row], added[j:column])
        yield removed[row], added[column]
        i, j = row + 1, column + 1
    yield from unpaired(removed[i:], added[j:])


def unpaired(removed: Iterable[str], added: Iterable[str]) -> Iterator[tuple[str | None, str | None]]:
    """The removed lines, then the added ones, each by itself."""
    for line in removed:
        yield line, None
    for line in added:
        yield None, line


def _best(removed: Sequence[Counter[str]], added: Sequence[Counter[str]]) -> list[tuple[int, int]]:
    """The pairs, in order, with the largest total similarity."""
    scores = [[likeness(one, other) for other in added] for one in removed]
    best = [[0.0] * (len(added) + 1) for _ in range(len(removed) + 1)]
    for i in range(len(removed) - 1, -1, -1):
        for j in range(len(added) - 1, -1, -1):
            here = best[i + 1][j + 1] + scores[i][j] if scores[i][j] >= _ALIKE else 0.0
            best[i][j] = max(here, best[i + 1][j], best[i][j + 1])
    pairs = []
    i = j = 0
    while i < len(removed) and j < len(added):
        if scores[i][j] >= _ALIKE and best[i][j] == best[i + 1][j + 1] + scores[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def excerpt(spans: Sequence[Span], *, around: int = 3) -> tuple[Span, ...]:
    """The spans with long unchanged stretches cut to a few words beside each change."""
    done: list[Span] = []
    for index, span in enumerate(spans):
        if span.changed:
            done.append(span)
            continue
        words = re.findall(r"\s*\S+(?:\s+\Z)?|\s+\Z", span.text)
        head = "".join(words[:around]) if index else ""
        tail = "".join(words[-around:]) if index + 1 < len(spans) else ""
        whole = len(words) <= (around if not head or not tail else 2 * around) + 1
        done.append(span if whole else Span(f"{head}{' ' if head else ''}…{tail}", False))
    return tuple(done)
