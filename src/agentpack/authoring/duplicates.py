"""Duplicates: two rules that say the same cost twice the words, and drift apart."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from agentpack.authoring.conditions import exclude_each_other
from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.compose.parse import Layer
from agentpack.model.persona import Rule, Section

_WORD = re.compile(r"[\w'-]+")
RUN = 3
"""Words in a shingle."""
NEAR = 0.6
"""The share of common shingles from which two rules count as nearly the same."""
_SHORTEST = 6
"""Rules with fewer words are only compared as a whole."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, in their order, repeated ones too."""
    return tuple(_WORD.findall(text.lower()))


def shingles(words: tuple[str, ...], run: int = RUN) -> frozenset[tuple[str, ...]]:
    """Every sequence of `run` words (Broder 1997, "On the resemblance and containment of documents")."""
    return frozenset(words[start : start + run] for start in range(len(words) - run + 1))


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Equal and nearly equal rules within each persona and each variant."""
    for layer in subject.layers():
        yield from _of(layer, subject.place(layer.file))


def _of(layer: Layer, file: str) -> Iterator[CheckFinding]:
    rules = [(section, rule, words_of(rule.text)) for section in layer.sections for rule in section.rules]
    rules = [row for row in rules if row[2]]
    sets = [shingles(words) for *_, words in rules]
    for one, other in sorted(_candidates([words for *_, words in rules], sets)):
        first, second = rules[one], rules[other]
        if exclude_each_other(_conditions(first), _conditions(second)):
            continue
        same = first[2] == second[2]
        share = 1.0 if same else len(sets[one] & sets[other]) / max(1, len(sets[one] | sets[other]))
        if same or (share >= NEAR and min(len(first[2]), len(second[2])) >= _SHORTEST):
            how = "is the same as" if same else "is nearly the same as"
            name = f"`{second[1].id}`" if second[1].id else "this rule"
            where = f"`{first[1].id}` on line {first[1].line}" if first[1].id else f"the rule on line {first[1].line}"
            rule = "P401" if same else "P402"
            yield CheckFinding(file, second[1].line, rule, f"{name} {how} {where}", "keep only one of them")


def _conditions(row: tuple[Section, Rule, tuple[str, ...]]) -> list[str]:
    return [when for when in (row[0].when, row[1].when) if when is not None]


def _candidates(texts: list[tuple[str, ...]], sets: list[frozenset[tuple[str, ...]]]) -> set[tuple[int, int]]:
    """The pairs of indexes whose texts share a shingle or are equal. Only the first 50 with a shingle are paired.

    Args:
        sets: the shingles of each text; a short text has none.
    """
    homes: Mapping[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (words, own) in enumerate(zip(texts, sets, strict=True)):
        for shingle in {*own, words}:
            homes[shingle].append(index)
    found: set[tuple[int, int]] = set()
    for indexes in homes.values():
        for position, one in enumerate(indexes[:50]):
            found.update((one, other) for other in indexes[position + 1 : 50])
    return found
