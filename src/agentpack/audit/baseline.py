"""The baseline of `audit`: fingerprints of findings that somebody reviewed, in a file that is committed."""

import json
import os
from collections.abc import Sequence

from agentpack.audit.integrity import BROKEN
from agentpack.audit.scan import Audit
from agentpack.disk.atomic import read_start, write_whole
from agentpack.errors import Fault, InvalidFile, Unavailable
from agentpack.model.json_text import read_json
from agentpack.model.line_ends import in_form_of

SCHEMA = 1
MAX_BASELINE_BYTES = 32 * 1024 * 1024


def read_baseline(path: str) -> frozenset[str]:
    """The fingerprints in a file.

    Raises:
        InvalidFile: it does not exist or is not a baseline.
        Unavailable: it cannot be read.
    """
    try:
        value = read_json(read_start(path, MAX_BASELINE_BYTES + 1), max_bytes=MAX_BASELINE_BYTES)
        if value["schema"] != SCHEMA:
            raise _fault(path, f"schema {value['schema']}: this agentpack reads schema {SCHEMA}")
        marks = [row["fingerprint"] for row in value["findings"]]
        if not all(isinstance(mark, str) for mark in marks):
            raise _fault(path, "a fingerprint is not text")
        return frozenset(marks)
    except FileNotFoundError:
        raise _fault(path, "no such file") from None
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise _fault(path, "not a baseline of `agentpack audit`") from None


def _fault(path: str, message: str) -> InvalidFile:
    return InvalidFile(
        [Fault(path, 0, "", message)], hint="`agentpack audit --baseline FILE --write-baseline` writes a baseline"
    )


def baseline_text(audit: Audit, level: str) -> str:
    """The baseline for all findings at or above a level: sorted, one value a line. Integrity findings are never
    included.
    """
    rows: Sequence[dict[str, str]] = sorted(
        (
            {"file": finding.key, "rule": finding.rule, "excerpt": finding.excerpt, "fingerprint": mark}
            for finding, mark in audit.counted(level)
            if finding.rule not in BROKEN
        ),
        key=lambda row: (row["file"], row["rule"], row["fingerprint"]),
    )
    return json.dumps({"schema": SCHEMA, "findings": list(rows)}, ensure_ascii=True, indent=1) + "\n"


def write_baseline(path: str, text: str) -> None:
    """Write the file atomically, keeping its line ends. Raises Unavailable."""
    try:
        there = read_start(path, MAX_BASELINE_BYTES) if os.path.exists(path) else b""
        write_whole(path, in_form_of(there, text.encode("ascii")))
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
