"""Turn edits of a rendered persona into changes to the source files of its pack, for the pack's author.

Decides where in `personas/<name>.md` or `variants/<name>/<variant>.md` an edit belongs: at the rule it changes, or
after the rule it follows. Text from elsewhere (a local variant, an extended pack) is listed and left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from typing import NamedTuple

from agentpack.edits.rules import Edits, RuleEdit, SectionEdit, braced, escaped, joined, short, templated
from agentpack.input.parameters import Value
from agentpack.model.line_ends import ends_in_crlf
from agentpack.model.persona import Origin, Rule, Section

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_BRACES = re.compile(r"(?<![ \t])[ \t]*\{#[^{}]*\}[ \t]*\r?\Z")


class SourceLines(NamedTuple):
    """A rule or heading in a source file: the lines `start` to `end`, from 0."""

    file: str
    start: int
    end: int
    kind: str


class _Change(NamedTuple):
    start: int
    end: int
    lines: tuple[str, ...]


class Patch(NamedTuple):
    """A unified diff over the pack's folder, and descriptions of the edits that are not in it."""

    text: str
    left_out: tuple[str, ...]


def patch(
    edits: Edits,
    parts: Mapping[str, Section | Rule],
    files: Mapping[str, str],
    values: Mapping[str, Value],
    *,
    persona: str,
    release: str,
) -> Patch:
    """The changes to the source files that make these edits.

    Args:
        parts: rules and headings by id, as in their files, with line and origin.
        files: the pack's files as text, by path.
        persona: the persona's name in the pack.
        release: the pack's own origin, such as `python-engineer 1.1.0`.
    """
    writer = _Writer(parts, files, values, persona, release)
    for gone in edits.removed:
        writer.remove(gone)
    for section in edits.sections:
        writer.section(section)
    return Patch("".join(writer.diff()), tuple(dict.fromkeys(writer.left_out)))


class _Writer:
    """Collects the changes of each file."""

    def __init__(
        self,
        parts: Mapping[str, Section | Rule],
        files: Mapping[str, str],
        values: Mapping[str, Value],
        persona: str,
        release: str,
    ) -> None:
        self.parts, self.values, self.release = parts, values, release
        self.main = f"personas/{persona}.md"
        self.variants = f"variants/{persona}"
        self.files = files
        self.crlf = {path for path, text in files.items() if ends_in_crlf(text.encode())}
        self.lines = {path: text.replace("\r\n", "\n").split("\n") for path, text in files.items()}
        self.changes: dict[str, list[_Change]] = {}
        self.new: dict[str, SourceLines] = {}
        self.left_out: list[str] = []

    def file_of(self, origin: Origin | None) -> str | None:
        if origin is None:
            return None
        path = self.main if origin == Origin("release", self.release) else ""
        if origin.kind == "variant":
            path = f"{self.variants}/{origin.name}.md"
        return path if path in self.lines else None

    def place(self, id: str | None) -> SourceLines | None:
        """The lines of a rule or heading, or the place of a new one; None if the pack's files do not have it."""
        if id is None or id in self.new:
            return self.new.get(id or "")
        part = self.parts.get(id)
        return self.lines_of(part) if part is not None else None

    def lines_of(self, part: Section | Rule) -> SourceLines | None:
        path = self.file_of(part.origin)
        if path is None or not part.line:
            return None
        text = part.heading if isinstance(part, Section) else part.text
        kind = "heading" if isinstance(part, Section) else part.kind
        return SourceLines(path, part.line - 1, part.line + text.count("\n"), kind)

    def change(self, path: str, start: int, end: int, lines: list[str]) -> None:
        self.changes.setdefault(path, []).append(_Change(start, end, tuple(lines)))

    def remove(self, gone: Rule | Section) -> None:
        place = self.place(gone.id)
        if place is None:
            self.left_out.append(f"removing `{gone.id}`")
            return
        lines = self.lines[place.file]
        end = place.end
        if isinstance(gone, Section):
            heading = re.compile(rf"#{{1,{gone.level}}} ")
            while end < len(lines) and not heading.match(lines[end]):
                end += 1
            end = min(end, len(lines) - 1)
        elif not lines[place.start - 1].strip():
            while end < len(lines) - 1 and not lines[end].strip():
                end += 1
        self.change(place.file, place.start, end, [])

    def section(self, section: SectionEdit) -> None:
        if section.old is None:
            self.add_section(section)
            return
        if section.heading not in (None, section.old.heading):
            self.replace(section.id, section.heading or "")
        for rule in section.rules:
            if rule.old is not None:
                self.replace(rule.id, rule.text)
            else:
                self.add(rule, section)

    def replace(self, id: str | None, text: str) -> None:
        place = self.place(id)
        if place is None or id is None:
            self.left_out.append(f"the change of `{id}`: the rule is not part of this pack's file")
            return
        part = self.parts[id]
        source = part.heading if isinstance(part, Section) else part.text
        first, newline, rest = templated(text, source, self.values).partition("\n")
        braces = _BRACES.search(self.lines[place.file][place.start])
        self.change(
            place.file, place.start, place.end, (first + (braces[0] if braces else "") + newline + rest).split("\n")
        )

    def add(self, rule: RuleEdit, section: SectionEdit) -> None:
        anchor, old = self.place(rule.after or rule.before or section.id), section.old
        if old is not None and old.level and section.id is None and rule.after is None and rule.before is None:
            anchor = self.lines_of(old.rules[-1] if old.rules else old)
        elif anchor is None and section.id is None and rule.after is None and rule.before is None:
            anchor = SourceLines(self.main, 0, self.first_line(), "heading")
        if anchor is None:
            self.left_out.append(f"the new rule “{short(rule.text)}”: its neighbours are not part of this pack's file")
            return
        lines = braced(escaped(rule.text), rule.id).split("\n")
        apart = rule.kind != "item" or anchor.kind != "item"
        at = anchor.start if rule.before else anchor.end
        if apart:
            lines = [*lines, ""] if rule.before else ["", *lines]
        self.change(anchor.file, at, at, lines)
        self.new[rule.id] = SourceLines(anchor.file, at, at, rule.kind)

    def first_line(self) -> int:
        """The line after the persona's header."""
        lines = self.lines[self.main]
        return next((i + 1 for i, line in enumerate(lines) if i and line.strip() == "---"), 0)

    def add_section(self, section: SectionEdit) -> None:
        assert section.heading is not None and section.id is not None
        anchor = self.place(section.before)
        if section.before is not None and anchor is None:
            self.left_out.append(
                f"the new section “{short(section.heading)}”: its neighbours are not part of this pack's file"
            )
            return
        pieces = [("heading", braced(escaped(section.heading), section.id))]
        pieces += [(rule.kind, braced(escaped(rule.text), rule.id)) for rule in section.rules]
        lines = joined(pieces).rstrip("\n").split("\n")
        if anchor is not None:
            self.change(anchor.file, anchor.start, anchor.start, [*lines, ""])
        else:
            end = len(self.lines[self.main]) - 1
            self.change(self.main, end, end, ["", *lines])

    def diff(self) -> Iterator[str]:
        for path, changes in sorted(self.changes.items()):
            lines = list(self.lines[path])
            order = sorted(
                enumerate(_outermost(changes)), key=lambda row: (row[1].start, row[1].end, row[0]), reverse=True
            )
            for _, change in order:
                lines[change.start : change.end] = change.lines
            yield file_patch(path, self.files[path], ("\r\n" if path in self.crlf else "\n").join(lines))


def file_patch(path: str, before: str, after: str) -> str:
    """The unified diff of one file of a pack."""
    lines = unified_diff(_LINES.findall(before), _LINES.findall(after), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _outermost(changes: Iterable[_Change]) -> Iterator[_Change]:
    """The changes, without those in a range that another change removes, such as a subsection of a removed section."""
    start = end = 0
    for change in sorted(changes, key=lambda change: (change.start, -change.end)):
        if change.start < end and (change.start > start or change.end > change.start):
            continue
        if not change.lines:
            start, end = change.start, change.end
        yield change
