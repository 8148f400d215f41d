"""Format differences as an exact patch, and for JSON output."""

from typing import Any

from agentpack.changes.differences import Differences, FileDifference
from agentpack.differences.lines import unified
from agentpack.differences.parsed_files import decoded
from agentpack.differences.rules import Entry, RuleChange
from agentpack.model.persona import Origin
from agentpack.reports.capabilities import may_data
from agentpack.reports.words import Place, line_counts, origin_words


def patch(differences: Differences, place: Place) -> bytes:
    """A patch for `git apply` and `patch -p1` that turns the earlier side into the later one, byte for byte."""
    texts = (
        unified(_exact(file.before), _exact(file.after), place(file.path).lstrip("/"))
        for file in differences.files
        if not file.unknown and file.state not in ("blocked", "conflict")
    )
    return "".join(texts).encode("utf-8", "surrogateescape")


def _exact(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogateescape")


def decoded_or_none(data: bytes | None) -> str | None:
    """The text for people; None if there is no file."""
    return None if data is None else decoded(data)


def data(differences: Differences, place: Place) -> dict[str, Any]:
    """The differences for JSON output."""
    return {
        "before": differences.before,
        "after": differences.after,
        "differs": differences.differs,
        "empty": differences.empty,
        "packs": [pack._asdict() for pack in differences.packs],
        "capabilities": may_data(differences.capabilities),
        "remarks": [
            {
                "path": place(remark.path),
                "kind": remark.kind,
                "details": list(remark.details),
                "generation": remark.generation or None,
            }
            for remark in differences.remarks
        ],
        "files": [_file_data(differences, file, place) for file in differences.files],
        "notes": list(differences.notes),
    }


def _file_data(differences: Differences, file: FileDifference, place: Place) -> dict[str, Any]:
    found = line_counts(file)
    exact = not file.unknown and file.state not in ("blocked", "conflict")
    path = place(file.path)
    return {
        "path": path,
        "client": file.client,
        "pack": file.pack,
        "persona": file.persona,
        "state": file.state,
        "outdated": file.outdated or file.state == "outdated",
        "why": file.why or file.unknown or None,
        "lines": {"added": found.added, "removed": found.removed},
        "fields": [
            {
                "name": change.name,
                "before": change.before,
                "after": change.after,
                "added": list(change.added),
                "removed": list(change.removed),
                "origin": origin_words(differences, change, file),
            }
            for change in file.compared.fields
        ],
        "rules": [_rule_data(change, origin_words(differences, change, file)) for change in file.compared.rules],
        "conflicts": [
            conflict.data(file.moved[place] if file.moved else ()) for place, conflict in enumerate(file.conflicts)
        ],
        "unified": unified(decoded_or_none(file.before), decoded_or_none(file.after), path.lstrip("/"))
        if exact
        else None,
    }


def _rule_data(change: RuleChange, origin: str) -> dict[str, Any]:
    return {
        "change": change.change,
        "moved": change.moved,
        "kind": change.entry.kind,
        "id": change.id,
        "origin": origin,
        "before": entry_data(change.before),
        "after": entry_data(change.after),
    }


def entry_data(entry: Entry | None) -> dict[str, Any] | None:
    """A rule for JSON output; None for None."""
    if entry is None:
        return None
    return {
        "section": entry.section,
        "text": entry.text,
        "origin": origin_data(entry.origin),
        "line": entry.line or None,
    }


def origin_data(origin: Origin | None) -> dict[str, str] | None:
    """An origin for JSON output; None for None."""
    return None if origin is None else {"kind": origin.kind, "name": origin.name}
