"""Format findings as SARIF 2.1.0, the format of code scanning."""

from collections.abc import Sequence
from typing import Any

from agentpack import __repository__, __version__
from agentpack.audit.rules import RULES, AuditFinding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


def sarif(found: Sequence[tuple[AuditFinding, str]]) -> dict[str, Any]:
    """One run with all rules and findings, each with its fingerprint."""
    index = {name: number for number, name in enumerate(RULES)}
    rules = [
        {
            "id": rule.id,
            "name": "".join(part.capitalize() for part in rule.name.split("-")),
            "shortDescription": {"text": rule.meaning},
            "defaultConfiguration": {"level": rule.level},
        }
        for rule in RULES.values()
    ]
    driver = {"name": "agentpack", "version": __version__, "informationUri": __repository__, "rules": rules}
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": index[finding.rule],
            "level": finding.level,
            "message": {"text": finding.message + (f": {finding.excerpt}" if finding.excerpt else "")},
            "locations": [{"physicalLocation": _location(finding)}],
            "partialFingerprints": {"agentpackFinding/v1": mark},
        }
        for finding, mark in found
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _location(finding: AuditFinding) -> dict[str, Any]:
    region = {"startLine": max(1, finding.line), "startColumn": max(1, finding.column)}
    return {"artifactLocation": {"uri": uri(finding.file)}, "region": region}


def uri(path: str) -> str:
    """A file name as a URI reference: absolute ones with `file://`, everything percent-encoded."""
    encoded = "".join(
        chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogateescape")
    )
    return f"file://{encoded}" if path.startswith("/") else encoded
