"""What keeps a pack good: the rules of `pack check`, the tests that travel with a pack, and the scaffold of a new one.

Pure, but for the data file of retired libraries: a release and the one before it come in, findings go out.
"""

from collections.abc import Callable, Iterable, Iterator

from agentpack.authoring import changelog, claims, conditions, duplicates, ids, package, references, retired, sizes
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
)


def check(subject: Subject) -> tuple[CheckFinding, ...]:
    """Every place of a release that breaks a rule of the check, by file and line."""
    return ordered(finding for findings in _CHECKS for finding in findings(subject))


def ordered(findings: Iterable[CheckFinding]) -> tuple[CheckFinding, ...]:
    """Findings as they are shown: by file, line and rule, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda row: (row.file, row.line, row.rule, row.message)))
