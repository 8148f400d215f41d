"""Scan a release, or any text, with the rules of `audit`."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from agentpack.audit.integrity import BROKEN
from agentpack.audit.rules import LEVELS, AuditFinding, fingerprints, scan
from agentpack.sources.pack_manifest import MANIFEST

_PARTS = ("personas/", "variants/")


class Audit(NamedTuple):
    """What was scanned, and what was found."""

    findings: tuple[AuditFinding, ...]
    prints: tuple[str, ...]
    """The fingerprint of each finding, in the same order."""
    subjects: tuple[str, ...]
    files: int

    @property
    def broken(self) -> bool:
        """Whether store, lock and releases disagree."""
        return any(finding.rule in BROKEN for finding in self.findings)

    def counted(self, level: str, known: Collection[str] = ()) -> list[tuple[AuditFinding, str]]:
        """The findings at or above a level whose fingerprint is not known, and all integrity findings."""
        return [
            (finding, mark)
            for finding, mark in zip(self.findings, self.prints, strict=True)
            if LEVELS[finding.level] >= LEVELS[level] and (mark not in known or finding.rule in BROKEN)
        ]


class Scanner:
    """Collects findings, and counts files."""

    def __init__(self) -> None:
        self.files = 0
        self.findings: list[AuditFinding] = []
        self.subjects: list[str] = []

    def file(self, data: bytes, name: str, *, key: str = "", packed_only: bool = False) -> None:
        self.files += 1
        self.findings += scan(data, name, key=key, packed_only=packed_only)

    def pack(self, files: Mapping[str, bytes], label: str, key: str) -> None:
        """Scan the files of a release; files that are not installed are treated as packed only."""
        self.subjects.append(label)
        installed = _installed(files)
        for path in sorted(files):
            self.file(files[path], f"{label}/{path}", key=f"{key}/{path}", packed_only=path not in installed)

    def done(self) -> Audit:
        found = tuple(sorted(self.findings, key=lambda f: (f.file, f.line, f.column, f.rule)))
        return Audit(found, fingerprints(found), tuple(self.subjects), self.files)


def _installed(files: Mapping[str, bytes]) -> Collection[str]:
    """The files that are installed: of a pack in a collection all, as only its agents are read, wherever they are."""
    return [path for path in files if path == MANIFEST or path.startswith(_PARTS)] if MANIFEST in files else files


def scan_release(files: Mapping[str, bytes]) -> tuple[AuditFinding, ...]:
    """The warnings and errors in what a release installs."""
    found = (finding for path in sorted(_installed(files)) for finding in scan(files[path], path))
    return tuple(finding for finding in found if LEVELS[finding.level] >= LEVELS["warning"])
