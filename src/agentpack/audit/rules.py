"""The rules of `agentpack audit`, and a scan of one file by them.

Decides what is searched for, its level, and where it is. Nothing here refuses anything, and a finding proves nothing:
harmful text in plain words matches no rule. Detection is in `markup.py` and `phrases.py`; what may be installed is
decided elsewhere.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from agentpack.audit.markup import signs_in
from agentpack.audit.phrases import Sign
from agentpack.input.hidden_text import HiddenCharacter as Hidden
from agentpack.input.hidden_text import text_findings
from agentpack.input.invisible import escape_match, invisible_pattern
from agentpack.model.line_ends import as_lf

LEVELS: Mapping[str, int] = {"note": 0, "warning": 1, "error": 2}
MAX_SCANNED = 1024 * 1024
"""Bytes of one file that are scanned."""
MOST = 50
"""Findings of one rule in one file that are listed; further ones are counted."""
_EXCERPT = 120
_MOST_HIDDEN = 2000


class AuditRule(NamedTuple):
    """One thing that is searched for. The id and its meaning are stable."""

    id: str
    name: str
    level: str
    meaning: str


_TABLE = (
    AuditRule("AP101", "hidden-text", "error", "Characters that hide text from a reader or reverse it."),
    AuditRule("AP102", "not-text", "note", "The file is not UTF-8 text, so it was not scanned."),
    AuditRule("AP103", "large-file", "warning", "The file is larger than 1 MiB; only the beginning was scanned."),
    AuditRule(
        "AP111", "html-comment", "warning", "An HTML comment: agents read it, but the rendered page does not show it."
    ),
    AuditRule(
        "AP112", "reference-comment", "warning", "A link definition used as a comment: rendered pages do not show it."
    ),
    AuditRule("AP113", "hiding-html", "warning", "HTML that is styled to be invisible."),
    AuditRule(
        "AP114", "active-html", "error", "HTML that runs or loads something: a script, a frame, an event handler."
    ),
    AuditRule(
        "AP121", "remote-image", "warning", "An image on another host: whoever opens the page contacts that host."
    ),
    AuditRule(
        "AP122", "link-with-data", "warning", "An address with a placeholder or a long value, which can leak data."
    ),
    AuditRule("AP123", "active-address", "error", "A `data:`, `javascript:` or `vbscript:` address."),
    AuditRule("AP124", "address-with-user", "error", "An address with a user name or password before its host."),
    AuditRule(
        "AP125",
        "foreign-letters-host",
        "warning",
        "A host name with non-ASCII letters, which may look like other letters.",
    ),
    AuditRule("AP126", "short-link", "note", "A link shortener, which hides where the link leads."),
    AuditRule("AP127", "collecting-host", "warning", "A host that collects requests, or a tunnel."),
    AuditRule("AP131", "instruction-override", "warning", "Words that override the agent's instructions."),
    AuditRule("AP132", "secrecy", "warning", "Words that tell the agent to hide something from the user."),
    AuditRule("AP133", "role-change", "note", "Words that change the agent's role or mention its system prompt."),
    AuditRule("AP134", "chat-marker", "warning", "A marker that chat templates use for system or user messages."),
    AuditRule("AP135", "permission-bypass", "warning", "Words or options that bypass the user's permission."),
    AuditRule("AP141", "encoded-text", "warning", "A long run of base64, hexadecimal or percent-encoded text."),
    AuditRule("AP151", "download-and-run", "warning", "A command that runs what it downloads or decodes in a shell."),
    AuditRule(
        "AP152", "secret-place", "note", "A place where secrets are stored: keys, credentials, the whole environment."
    ),
    AuditRule(
        "AP153", "secret-and-network", "warning", "A place of secrets within three lines of something that sends data."
    ),
    AuditRule("AP161", "long-line", "note", "A line of more than 2,000 characters, which editors show only in part."),
    AuditRule("AP201", "edited", "note", "An installed file was edited by hand."),
    AuditRule("AP202", "missing", "warning", "An installed file is missing or not a regular file."),
    AuditRule(
        "AP203",
        "lock-changed",
        "warning",
        "The lock file is missing, out of date, has merge conflicts, or lists files that were not written yet.",
    ),
    AuditRule("AP204", "lock-disagrees", "error", "The lock file and the record of what was installed differ."),
    AuditRule("AP205", "content-damaged", "error", "Content in the store does not match its digest."),
    AuditRule("AP206", "release-changed", "error", "A release does not match the lock file."),
    AuditRule("AP207", "release-unread", "warning", "A locked release could not be read, so it was not scanned."),
    AuditRule("AP208", "unmerged", "warning", "An installed file has unresolved merge markers."),
)
RULES: Mapping[str, AuditRule] = {rule.id: rule for rule in _TABLE}
"""All rules by id."""
LOOKED_FOR = (
    "hidden text, HTML that hides or runs, images and links that carry data, words that override or keep secret, "
    "encoded text, downloads that are run, places of secrets"
)


class AuditFinding(NamedTuple):
    """One match of a rule. `line` and `column` count from 1, columns in code points; both are 0 for a whole file.
    `excerpt` is escaped, and `key` is the file's name in fingerprints.
    """

    file: str
    line: int
    column: int
    rule: str
    level: str
    message: str
    excerpt: str
    key: str
    text: str = ""
    """The matched text with normalized white space, for the fingerprint."""

    @property
    def name(self) -> str:
        return RULES[self.rule].name


def whole(file: str, rule: str, message: str, *, key: str = "", text: str = "") -> AuditFinding:
    """A finding about a whole file."""
    return AuditFinding(file, 0, 0, rule, RULES[rule].level, message, "", key or file, text)


def scan(data: bytes, file: str, *, key: str = "", packed_only: bool = False) -> tuple[AuditFinding, ...]:
    """The findings in one file, in order.

    Args:
        file: the file name for findings.
        key: the file name for fingerprints, if different: without a version.
        packed_only: the file is in the pack but not installed: findings are notes, hidden text is a warning.
    """
    cut = len(data) > MAX_SCANNED
    if cut:
        data = _without_half_a_character(data[:MAX_SCANNED])
    try:
        data = as_lf(data)
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return (whole(file, "AP102", f"not UTF-8 from byte {error.start} on: not scanned", key=key),)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    markdown = file.lower().endswith((".md", ".markdown", ".mdc"))
    found = [*_runs(_hidden(data, file, text), starts), *signs_in(text, markdown=markdown)]
    found.sort(key=lambda sign: (sign.start, sign.rule))
    large = (whole(file, "AP103", f"only the first {MAX_SCANNED // 1024:,} KiB were scanned", key=key),) if cut else ()
    return (*large, *_findings(text, starts, found, file, key or file, packed_only))


def _without_half_a_character(data: bytes) -> bytes:
    bare = data.rstrip(bytes(range(0x80, 0xC0)))
    return bare[:-1] if bare and bare[-1] >= 0xC0 else bare


def _hidden(data: bytes, file: str, text: str) -> list[Hidden]:
    """The hidden characters, up to `_MOST_HIDDEN`. Columns on the first line count a leading byte-order mark."""
    found = text_findings(data, file, limit=_MOST_HIDDEN)
    mark = text.startswith("\ufeff")
    return [one._replace(column=one.column + 1) if mark and one.line == 1 else one for one in found]


def _runs(hidden: list[Hidden], starts: list[int]) -> Iterator[Sign]:
    """A sign for each run of adjacent hidden characters."""
    run: list[Hidden] = []
    for one in hidden:
        if run and (one.line, one.column) != (run[-1].line, run[-1].column + 1):
            yield _run(run, starts)
            run = []
        run.append(one)
    if run:
        yield _run(run, starts)


def _run(run: list[Hidden], starts: list[int]) -> Sign:
    start = starts[run[0].line - 1] + run[0].column - 1
    codes = ", ".join(dict.fromkeys(f"U+{one.code_point:04X}" for one in run[:8]))
    many = f"{len(run)} characters" if len(run) > 1 else "a character"
    return Sign("AP101", start, start + len(run), f"{many} invisible to a reader: {codes}")


def _findings(
    text: str, starts: list[int], found: list[Sign], file: str, key: str, packed_only: bool
) -> Iterator[AuditFinding]:
    total = Counter(sign.rule for sign in found)
    told: Counter[str] = Counter()
    for sign in found:
        told[sign.rule] += 1
        if told[sign.rule] > MOST:
            continue
        more = total[sign.rule] - MOST if told[sign.rule] == MOST else 0
        line = bisect_right(starts, sign.start)
        level = sign.level or RULES[sign.rule].level
        if packed_only:
            level = "warning" if sign.rule == "AP101" else "note"
        yield AuditFinding(
            file,
            line,
            sign.start - starts[line - 1] + 1,
            sign.rule,
            level,
            sign.message + (f"; and {more} more of this kind" if more > 0 else ""),
            _excerpt(text, sign, starts[line - 1]),
            key,
            " ".join(text[sign.start : sign.end].split())[:2000],
        )


def _excerpt(text: str, sign: Sign, line_start: int) -> str:
    """The match with a few characters before it, escaped and cut."""
    start = max(line_start, sign.start - 24)
    line_end = text.find("\n", sign.start)
    end = min(len(text) if line_end < 0 else line_end, start + _EXCERPT)
    cut = "…" if end < min(sign.end, start + 2 * _EXCERPT) else ""
    return escaped(text[start:end].strip("\r\n \t")) + cut


def escaped(text: str) -> str:
    """The text in one line, with every hidden, bidirectional or control character as `\\u{…}`."""
    return invisible_pattern("\n\t").sub(escape_match, text)


# Fingerprints.


def fingerprints(findings: tuple[AuditFinding, ...]) -> tuple[str, ...]:
    """A fingerprint for each finding: of its rule, file and text, and the number of equal findings before it.

    It does not change when lines move or a pack's version changes.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    made = []
    for finding in findings:
        what = (finding.rule, finding.key, finding.text.casefold() or finding.message)
        made.append(sha256("\0".join((*what, str(seen[what]))).encode("utf-8", "surrogatepass")).hexdigest()[:32])
        seen[what] += 1
    return tuple(made)
