"""What `pack check --fix` repairs: missing ids and the heading of the changelog. Nothing that affects meaning."""

from collections.abc import Iterator, Mapping

from agentpack.authoring.changelog import draft_entry, entry_for
from agentpack.authoring.subject import Subject, pieces
from agentpack.compose.conflicts import ids_of
from agentpack.compose.parse import Layer
from agentpack.edits.rules import braced, fresh_id
from agentpack.model.changelog import FILE
from agentpack.model.line_ends import as_lf, with_ends_of


def fixes(subject: Subject) -> Mapping[str, bytes]:
    """The files of the pack that change, by POSIX path, with their new bytes."""
    changed: dict[str, bytes] = {}
    for layer in subject.layers():
        path = layer.file.partition("/")[2]
        before = subject.release.files[path]
        text = as_lf(before).decode("utf-8")
        fixed = "\n".join(_with_ids(layer, text.split("\n")))
        if fixed != text:
            changed[path] = with_ends_of(before, fixed.encode())
    data = subject.release.files.get(FILE, b"# Changelog\n")
    text = as_lf(data).decode("utf-8")
    if entry_for(text, subject.pack.version) is None:
        changed[FILE] = with_ends_of(data, _with_entry(text, draft_entry(subject, text)).encode())
    return changed


def _with_ids(layer: Layer, lines: list[str]) -> Iterator[str]:
    taken = ids_of(layer.sections)
    wanted = {}
    for section, rule in pieces(layer):
        part = section if rule is None else rule
        if part.id is None and part.line:
            text = section.heading.lstrip("#") if rule is None else rule.text
            wanted[part.line] = fresh_id(text, taken)
    for number, line in enumerate(lines, 1):
        yield braced(line.rstrip(" \t"), wanted[number]) if number in wanted else line


def _with_entry(text: str, entry: str) -> str:
    """The text with the entry before the first existing one, else at the end."""
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines) if line.startswith("## ")), None)
    if at is None:
        return text.rstrip("\n") + "\n\n" + entry
    return "\n".join(lines[:at]) + "\n" + entry + "\n" + "\n".join(lines[at:])
