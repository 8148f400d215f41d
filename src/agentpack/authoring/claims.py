"""Dated claims: a statement about a version must say when it was checked."""

import re
from collections.abc import Iterator

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.compose.parse import Layer

_CLAIM = re.compile(r"(?<![\w.])(?:\d+\.\d+(?:\.\d+)*|20\d\d)(?![\w%])")
"""A version or a year."""


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Rules that mention a version or a year without a check date, in packs that use check dates at all."""
    if not any(rule.checked for layer in subject.layers() for section in layer.sections for rule in section.rules):
        return
    for layer in subject.layers():
        yield from _undated(layer, subject.place(layer.file))


def _undated(layer: Layer, file: str) -> Iterator[CheckFinding]:
    for section in layer.sections:
        for rule in section.rules:
            found = _CLAIM.search(rule.text)
            if found and not (rule.checked or section.checked):
                hint = "verify it, then add `checked=<date>` to its braces"
                yield CheckFinding(
                    file, rule.line, "P902", f"`{rule.id}` names `{found[0]}` but not when that was checked", hint
                )
