"""References: what a persona, a variant or a page of the pack names must exist."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import reduce
from itertools import combinations, islice
from operator import or_
from pathlib import PurePosixPath
from posixpath import dirname, join, normpath

from agentpack.authoring.changes import excluded
from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.compose.conflicts import NamedLayer, conflict_between
from agentpack.compose.parse import Layer
from agentpack.errors import AgentpackError, InvalidFile, Unresolvable
from agentpack.input.documents import MAX_FAULTS
from agentpack.model.line_numbers import with_lines
from agentpack.model.persona import Origin

MAX_TRIED = 2_000
"""Pairs of variants of one persona that are tried in combination."""

_LINK = re.compile(r"\]\(<?([^)\s>\]]++)>?[^)\]]*+\)")  # up to the next `]` at most: a text can be full of beginnings
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)", re.MULTILINE)
_ID = re.compile(r"\{#[^{}]*\}\Z")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Unknown ids in variants, broken links to files or headings, and variants that conflict without declaring it."""
    for name, layer in sorted(subject.pack.personas.items()):
        alone = _fault(subject, name, ())
        if alone is not None:
            yield from _composition_findings(subject, layer, alone)
            continue
        own = subject.pack.variants.get(name, {})
        whole = {}
        for variant, variant_layer in sorted(own.items()):
            error = _fault(subject, name, (variant,))
            if error is None:
                whole[variant] = variant_layer
            else:
                yield from _composition_findings(subject, variant_layer, error)
        yield from _undeclared_conflicts(subject, name, whole)
    yield from _links(subject)


def _fault(subject: Subject, persona: str, variants: tuple[str, ...]) -> AgentpackError | None:
    try:
        subject.composed(persona, variants)
    except AgentpackError as error:
        return error
    return None


def _composition_findings(subject: Subject, layer: Layer, error: AgentpackError) -> Iterator[CheckFinding]:
    if isinstance(error, InvalidFile):
        for fault in error.faults:
            yield CheckFinding(subject.place(fault.file), fault.line, "P601", fault.message, fault.hint)
    else:
        yield CheckFinding(subject.place(layer.file), 0, "P601", "; ".join(error.lines), error.hint)


def _undeclared_conflicts(subject: Subject, persona: str, variants: Mapping[str, Layer]) -> Iterator[CheckFinding]:
    tried = 0
    for one, other in _meeting(subject, persona, variants):
        if (other,) in excluded(variants[one]) or (one,) in excluded(variants[other]):
            continue
        file = subject.place(variants[one].file)
        tried += 1
        if tried > MAX_TRIED:
            message = f"more than {MAX_TRIED:,} pairs of variants change the same thing; the others were not checked"
            yield CheckFinding(file, 0, "P602", message, "declare `conflicts`, or split the pack")
            return
        error = _fault(subject, persona, (one, other))
        if isinstance(error, Unresolvable):
            message = f"`{one}` and `{other}` conflict: {error.message}"
            yield CheckFinding(file, 0, "P602", message, "declare `conflicts`, or an `order` between them")


def _meeting(subject: Subject, persona: str, variants: Mapping[str, Layer]) -> Iterator[tuple[str, str]]:
    """The pairs of variants that may conflict: they, or variants they require, change the same thing or exclude one
    another.
    """
    names = sorted(variants)
    bits = {name: 1 << place for place, name in enumerate(names)}
    named = [NamedLayer(name, variants[name], Origin("variant", name)) for name in names]
    against = conflict_between(subject.drafts.draft(persona, ()), named)
    for place, mask in enumerate(against[:]):
        for earlier in range(place):
            if mask >> earlier & 1:
                against[earlier] |= 1 << place
    for place, name in enumerate(names):
        for others in excluded(variants[name]):
            against[place] |= sum(bits.get(other, 0) for other in others)
    whole = [_with_required(name, variants) & bits.keys() for name in names]
    brings = [sum(bits[name] for name in required) for required in whole]
    meets = [_union(against[bits[name].bit_length() - 1] for name in required) for required in whole]
    for one, other in combinations(range(len(names)), 2):
        if meets[one] & brings[other] or meets[other] & brings[one]:
            yield names[one], names[other]


def _with_required(name: str, variants: Mapping[str, Layer]) -> set[str]:
    found = {name}
    waiting = [name]
    while waiting:
        layer = variants.get(waiting.pop())
        more = {*layer.header["requires"]} - found if layer else set()
        found |= more
        waiting += more
    return found


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _links(subject: Subject) -> Iterator[CheckFinding]:
    files = subject.release.files
    there = {*files, *(str(folder) for file in files for folder in PurePosixPath(file).parents)}
    for path, data in sorted(files.items()):
        if path.endswith(".md"):
            broken = _broken_links(path, data.decode("utf-8", errors="replace"), there)
            for line, message in islice(broken, MAX_FAULTS):
                yield CheckFinding(f"{subject.folder}/{path}", line, "P601", message)


def _broken_links(path: str, text: str, there: Container[str]) -> Iterator[tuple[int, str]]:
    """The line and the fault of each link in a text to a missing file, or to a missing heading of the text itself.

    Args:
        path: of the text, from which its links lead.
        there: the paths of all files of the pack.
    """
    headings = {_slug(match[1]) for match in _HEADING.finditer(text)}
    for line, match in with_lines(text, _LINK.finditer(text)):
        target, _, anchor = match[1].partition("#")
        if _ELSEWHERE.match(match[1]) or "{{" in match[1]:
            continue
        if target and normpath(join(dirname(path), target)) not in there:
            yield line, f"links to `{match[1]}`, which is not in the pack"
        elif not target and anchor and anchor not in headings:
            yield line, f"there is no heading `#{anchor}`"


def _slug(heading: str) -> str:
    """GitHub's anchor for a heading: lower case, no punctuation, hyphens for spaces."""
    heading = _ID.sub("", heading.rstrip(" \t").rstrip("#").rstrip(" \t")).rstrip(" \t")
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
