"""Detect unresolved merges in files. Only this module knows the markers.

One marker proves nothing: a persona that teaches git shows them. An unresolved merge has all its markers in order, at
the beginning of lines; if all are in fenced code blocks they are an example.
"""

import re

MARKERS = "merge markers of version control"
HINT = "resolve the merge in that file, then run the command again; `git status` lists unmerged files"
_LINES = r"(?m)^(?:([<>]{7}(?=[ \r]|$)|={7}(?=\r?$))| {0,3}(`{3,}|~{3,})([^\n]*))"


def unmerged_line(data: str | bytes) -> int:
    """The line, from 1, where an unresolved merge begins; 0 if there is none."""
    if isinstance(data, bytes):
        data = data.decode("utf-8", "replace") if b"<<<<<<<" in data else ""
    if "<<<<<<<" not in data:
        return 0
    text = data.removeprefix("\ufeff")
    fence, wanted, begin, example, seen = "", "<", 0, 0, []
    for found in re.finditer(_LINES, text):
        marker, ticks, behind = found.groups()
        if ticks:
            closes = ticks.startswith(fence) and not behind.strip()
            fence = "" if fence and closes else fence or ticks
        elif marker[0] == "<":
            wanted, begin, example = "=", found.start(), bool(fence)
        elif marker[0] == wanted:
            example = example and bool(fence)
            if wanted == ">" and not example:
                return _line(text, begin)
            seen += [begin] if wanted == ">" else []
            wanted = ">" if wanted == "=" else "<"
    return _line(text, seen[0]) if fence and seen else 0


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
