"""Tools for pack authors: the rules of `pack check`, a pack's own tests, and the scaffold of a new pack.

Pure, apart from the data file of retired libraries: a release and the one before it come in, findings go out.
"""

from collections.abc import Callable, Iterable, Iterator

from agentpack.authoring import (
    changelog,
    claims,
    conditions,
    duplicates,
    ids,
    package,
    reading,
    references,
    retired,
    sizes,
)
from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject

_CHECKS: tuple[Callable[[Subject], Iterator[CheckFinding]], ...] = (
    package.findings,
    ids.findings,
    sizes.findings,
    duplicates.findings,
    conditions.findings,
    references.findings,
    changelog.findings,
    retired.findings,
    claims.findings,
    reading.findings,
)


def check(subject: Subject) -> tuple[CheckFinding, ...]:
    """Every finding in a release, by file and line."""
    return ordered(finding for findings in _CHECKS for finding in findings(subject))


def ordered(findings: Iterable[CheckFinding]) -> tuple[CheckFinding, ...]:
    """The findings in display order (file, line, rule), without duplicates."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda row: (row.file, row.line, row.rule, row.message)))
