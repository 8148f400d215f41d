"""Parse the text of a persona or variant into a header and sections of rules, and report all its errors together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from agentpack.compose.substitute import condition_fault, placeholder_faults
from agentpack.errors import Fault, InvalidFile
from agentpack.input.parameters import ParameterDeclaration
from agentpack.model.line_ends import lines_with_lf
from agentpack.model.names import did_you_mean, is_kebab, kebab
from agentpack.model.persona import Rule, Section

if TYPE_CHECKING:
    from agentpack.input.documents import Document
    from agentpack.model.markdown import Block

MAX_TEXT = 512 * 1024
MAX_RULES = 5000
"""Rules and headings of a persona or variant: a model follows some sixty."""
MAX_ALL_RULES = 200_000
"""Rules and headings in all texts of a pack: an archive of a few KiB could hold more than can be read in a minute."""
NO_ID = " of a variant needs an id"
"""How the fault about a missing one ends."""
_MARK = "\ufeff"
_FENCE = re.compile(r"---[ \t]*\r?\Z")
_BRACES = re.compile(r"\{#([^{}]*)\}[ \t]*(\r?)\Z")
_ALLOWED: Mapping[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): ("when", "checked"),
    (False, True): ("when", "checked"),
    (True, False): ("when", "checked", "after", "before"),
    (True, True): ("when", "checked", "after", "before", "replace"),
}
"""The attributes that braces may have, by whether they stand in a text that is laid over another (a variant, a persona
with `extends`) and on a heading.
"""


class Layer(NamedTuple):
    """A persona or variant as its file has it: checked header and sections of rules, with conditions and placeholders
    unresolved.
    """

    file: str
    header: Mapping[str, Any]
    sections: Sequence[Section]

    def to_data(self) -> list[Any]:
        """The layer as JSON can hold it. Of a body that is used as it is written, only where it stands in its file."""
        if isinstance(self.sections, WrittenSections):
            in_file = self.file.endswith(".md")
            return [
                self.file,
                self.header,
                self.sections.first_line,
                self.sections.length if in_file else self.sections.body,
            ]
        return [self.file, self.header, self.sections]

    @classmethod
    def from_data(cls, data: list[Any], files: Mapping[str, bytes] = MappingProxyType({})) -> "Layer":
        """The inverse of `to_data`, through JSON.

        Args:
            files: the files of a bare pack, by path.
        """
        if len(data) == 4:
            file, header, first_line, body = data
            text = files[file.partition("/")[2]] if isinstance(body, int) else body.encode()
            length = body if isinstance(body, int) else len(body)
            return cls(file, header, WrittenSections(text, length, first_line))
        file, header, sections = data
        return cls(file, header, tuple(_section(row) for row in sections))


def _section(row: list[Any]) -> Section:
    section = Section(*row)
    return section._replace(rules=tuple(Rule(*rule) for rule in section.rules))


class WrittenSections(Sequence[Section]):
    """The sections of a body that is used as it is written. They are parsed on first use: whoever installs the text
    does not need them.
    """

    def __init__(self, text: bytes, length: int, first_line: int) -> None:
        """The sections at the end of a text.

        Args:
            length: of the body, in characters.
            first_line: the line where it begins, from 1.
        """
        self._text = text
        self.length = length
        self.first_line = first_line
        self._parsed: tuple[Section, ...] | None = None

    @property
    def body(self) -> str:
        text = self._text.decode()
        return lines_with_lf(text[len(text) - self.length :])

    @property
    def _all(self) -> tuple[Section, ...]:
        if self._parsed is None:
            self._parsed = parse_sections(self.body, first_line=self.first_line)
        return self._parsed

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, WrittenSections) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, index: int) -> Section: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Section, ...]: ...
    def __getitem__(self, index: int | slice) -> Section | tuple[Section, ...]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Section]:
        return iter(self._all)


def split_front_matter(text: str) -> tuple[str, str, int] | None:
    """The header's text, the body, and the line (from 1) where the body begins; None without front matter. A leading
    byte-order mark is allowed.
    """
    lines = text.split("\n")
    if not _FENCE.match(lines[0].removeprefix(_MARK)):
        return None
    for number, line in enumerate(lines[1:], 1):
        if _FENCE.match(line):
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    return None


def parse_sections(body: str, *, first_line: int = 1) -> tuple[Section, ...]:
    """The body in sections, braces included: joined again, the text is the same byte for byte."""
    from agentpack.model.markdown import blocks  # its patterns take long to compile: only for a text not met before

    lines = body.split("\n")
    ends = len(lines) - 1 if lines[-1] == "" else len(lines)
    found = blocks(lines)
    starts = [block.start for block in found]
    sections = [_OpenSection(None, 0, "", "\n" * min(starts[0] if starts else ends, ends), first_line)]
    if starts and starts[0]:
        sections[0].gap = _blank(lines, 0, starts[0])
    elif not starts:
        sections[0].gap = body
    for index, block in enumerate(found):
        following = starts[index + 1] if index + 1 < len(found) else len(lines)
        one = block.end == block.start + 1
        text = lines[block.start] if one else "\n".join(lines[block.start : block.end])
        gap = "\n" if block.end == following < len(lines) else _gap(lines, block, following)
        line = first_line + block.start
        if block.kind == "heading":
            sections.append(_OpenSection(None, block.level, text, gap, line))
        else:
            sections[-1].rules.append(Rule(None, text, gap, None, block.kind, line))
    return tuple(section.closed() for section in sections)


def refuse_many(sections: Iterable[Section], file: str) -> None:
    """Raise InvalidFile if a persona has too many rules and headings."""
    count = sum(1 + len(section.rules) for section in sections)
    if count > MAX_RULES + 1:  # what stands before the first heading is a section, too
        raise InvalidFile([Fault(file, 0, "", f"more than {MAX_RULES:,} rules and headings")])


class _OpenSection:
    __slots__ = ("gap", "heading", "id", "level", "line", "rules")

    def __init__(self, id: str | None, level: int, heading: str, gap: str, line: int) -> None:
        self.id, self.level, self.heading, self.gap, self.line = id, level, heading, gap, line
        self.rules: list[Rule] = []

    def closed(self) -> Section:
        return Section(self.id, self.level, self.heading, self.gap, None, self.line, tuple(self.rules))


def _blank(lines: list[str], start: int, end: int) -> str:
    return "".join(line + "\n" for line in lines[start:end])


def _gap(lines: list[str], block: "Block", following: int) -> str:
    """The line end of the block and the blank lines after it. The last line of a text may lack a line end."""
    if following < len(lines):
        return "\n" + _blank(lines, block.end, following)
    return "\n" + "\n".join(lines[block.end :]) if block.end < len(lines) else ""


class PersonaText:
    """Parses the files of one pack with known parameters."""

    def __init__(
        self, declarations: Mapping[str, ParameterDeclaration], *, literal: bool = False, needs_ids: bool = True
    ) -> None:
        """`literal`: double braces are text, as in the agents of collections. `needs_ids`: the rules of variants do."""
        self.declarations = declarations
        self.literal = literal
        self.needs_ids = needs_ids
        self.defaults = {name: declaration.default for name, declaration in declarations.items()}
        self.choices = {name: d.choices for name, d in declarations.items() if d.choices is not None}
        self.rules_left = MAX_ALL_RULES
        """Rules and headings that further texts may have; negative once they had too many."""

    def persona(self, text: str, file: str) -> Layer:
        """Parse a persona.

        Raises:
            InvalidFile: lists every fault of header and body.
        """
        return self._read(text, file, "persona")

    def variant(self, text: str, file: str, *, is_local: bool = False) -> Layer:
        """Parse a variant. Raises InvalidFile like `persona`.

        Args:
            is_local: it needs neither ids nor a header.
        """
        return self._read(text, file, "variant", is_local=is_local)

    def _read(self, text: str, file: str, kind: str, *, is_local: bool = False) -> Layer:
        if len(text) > MAX_TEXT:
            raise InvalidFile([Fault(file, 0, "", f"longer than {MAX_TEXT // 1024} Ki characters")])
        parts = split_front_matter(text)
        if parts is None and is_local and not text.removeprefix(_MARK).startswith("---"):
            parts = "summary: Local rules.", text.removeprefix(_MARK), 1
        if parts is None:
            hint = "begin the file with a line `---`, and end the header with another"
            raise InvalidFile([Fault(file, 1, "", "missing front matter", hint)])
        head, body, first_line = parts
        faults: list[Fault] = []
        header: Mapping[str, Any] = {}
        document = None
        try:
            document, header = self._header(head, file, kind)
        except InvalidFile as error:
            faults.extend(error.faults)
        own_names = "extends" not in header
        laid_over = kind == "variant" or not own_names
        parsed = parse_sections(body, first_line=first_line)
        refuse_many(parsed, file)
        self.rules_left -= sum(1 + len(section.rules) for section in parsed)
        if self.rules_left < 0:
            raise InvalidFile([Fault(file, 0, "", f"more than {MAX_ALL_RULES:,} rules and headings in one pack")])
        needs_ids = self.needs_ids and kind == "variant" and not is_local
        sections, found = _attributes(
            parsed, file, laid_over=laid_over, needs_ids=needs_ids, own=is_local and not self.literal
        )
        faults.extend(found)
        if own_names:
            faults.extend(self._body_faults(sections, file))
            faults.extend(self._header_faults(header, file))
            if document is not None:
                faults.extend(_module_faults(header, document, sections))
        if faults:
            raise InvalidFile(faults)
        return Layer(file, header, sections)

    def _header(self, head: str, file: str, kind: str) -> tuple["Document", Mapping[str, Any]]:
        # pydantic and YAML are met only here, where a text that nobody has checked yet comes in
        from agentpack.input.documents import read_yaml
        from agentpack.input.schemas import validate

        document = read_yaml(head, file, first_line=2)
        return document, validate(kind, document)

    def _body_faults(self, sections: Iterable[Section], file: str) -> Iterable[Fault]:
        for section in sections:
            yield from self._text_faults(section.heading, section.when, file, section.line)
            for rule in section.rules:
                yield from self._text_faults(rule.text, rule.when, file, rule.line)

    def _text_faults(self, text: str, when: str | None, file: str, line: int) -> Iterable[Fault]:
        if when is None and "{{" not in text:
            return
        for offset, message in () if self.literal else placeholder_faults(text, self.declarations):
            yield Fault(file, line + offset, "", message, self._known())
        if when is not None and (wrong := condition_fault(when, self.defaults, self.choices)) is not None:
            yield Fault(file, line, "when", wrong, self._known())

    def _known(self) -> str | None:
        return f"known: {', '.join(sorted(self.declarations))}" if self.declarations else "the pack has no parameters"

    def _header_faults(self, header: Mapping[str, Any], file: str) -> Iterable[Fault]:
        fields = {**header, **header.get("set", {})}
        for key, value in fields.items():
            texts = value if isinstance(value, list) else value.values() if key == "modules" else [value]
            for part in texts:
                text = part["text"] if isinstance(part, dict) and "text" in part else part
                when = part.get("when") if isinstance(part, dict) else None
                if isinstance(text, str):
                    for fault in self._text_faults(text, when, file, 1):
                        yield fault._replace(line=0, key=key)
        if both := allowed_and_denied(fields):
            yield Fault(file, 0, "deny", f"`{both[0]}` is in both `tools` and `deny`", "remove it from one of them")


def allowed_and_denied(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The tools that fields both allow and deny."""
    tools, deny = (fields.get(key) for key in ("tools", "deny"))
    both = isinstance(tools, list) and isinstance(deny, list)
    return tuple(tool for tool in deny if tool in tools) if both else ()  # type: ignore[union-attr,operator]


def _module_faults(header: Mapping[str, Any], document: "Document", sections: Iterable[Section]) -> Iterable[Fault]:
    ids = [section.id for section in sections if section.id is not None]
    for name in header.get("modules", {}):
        if name not in ids:
            hint = did_you_mean(name, ids)
            key = f"modules.{name}"
            yield Fault(document.file, document.line_of(("modules", name)), key, f"there is no section `{name}`", hint)


def _attributes(
    sections: tuple[Section, ...], file: str, *, laid_over: bool, needs_ids: bool, own: bool
) -> tuple[tuple[Section, ...], list[Fault]]:
    """The sections with attribute braces parsed and removed, and the faults in these braces.

    Args:
        laid_over: the text is laid over another one, so it may place or replace what is in that text.
        needs_ids: every rule and heading must have an id.
        own: the text is the user's, so attributes without an id are a fault.
    """
    reader = _Braces(file, needs_ids, laid_over, own)
    done = []
    dates: list[tuple[int, str | None]] = [(0, None)]
    for section in sections:
        if section.level:
            heading, id, attributes = reader.read(section.heading, section.line, heading=True)
            section = section._replace(
                heading=heading,
                id=id,
                when=attributes.get("when"),
                after=attributes.get("after"),
                before=attributes.get("before"),
                replace="replace" in attributes,
                checked=attributes.get("checked"),
            )
            while dates[-1][0] >= section.level:
                dates.pop()
            dates.append((section.level, section.checked or dates[-1][1]))
        rules = []
        for rule in section.rules:
            text, id, attributes = reader.read(rule.text, rule.line, heading=False)
            checked = attributes.get("checked") or dates[-1][1]
            when, after, before = map(attributes.get, ("when", "after", "before")) if attributes else (None, None, None)
            rules.append(Rule(id, text, rule.gap, when, rule.kind, rule.line, None, after, before, checked))
        done.append(section._replace(rules=tuple(rules)))
    return tuple(done), reader.faults


def lost_attributes(text: str) -> tuple[str, str] | None:
    """The text before braces without `#` that end its first line, and the attributes in them: `when=tone:short`, or
    `length when=tone:short`. None if it does not end so. Such braces are text.
    """
    kept, brace, inside = text.partition("\n")[0].rstrip().rpartition("{")
    keys = [word.partition("=")[0] for word in inside.removesuffix("}").split() if "=" in word]
    known = keys and not inside.startswith("#") and set(keys) <= {*_ALLOWED[True, True]}
    return (kept.rstrip(), inside.removesuffix("}")) if brace and inside.endswith("}") and known else None


def with_attributes(id: str, lost: str) -> str:
    """What belongs into the braces of a rule with attributes that had no id, or have one without its `#`."""
    return lost if lost and "=" not in lost.split()[0] else f"{id} {lost}".rstrip()


class _Braces:
    """Parses `{#id key=value}` at the end of a first line."""

    def __init__(self, file: str, needs_ids: bool, laid_over: bool, own: bool) -> None:
        self.file = file
        self.needs_ids = needs_ids
        self.laid_over = laid_over
        self.own = own
        self.faults: list[Fault] = []
        self.seen: dict[str, int] = {}

    def fault(self, line: int, key: str, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(self.file, line, key, message, hint))

    def read(self, text: str, line: int, *, heading: bool) -> tuple[str, str | None, dict[str, str]]:
        first, newline, rest = text.partition("\n")
        at = first.rfind("{#")
        match = _BRACES.match(first, at) if at >= 0 else None
        if match is None:
            kept, lost = ((self.needs_ids or self.own) and lost_attributes(first)) or (first, "")
            if self.needs_ids or lost:
                what = "heading" if heading else "rule"
                stem = kebab(" ".join(re.findall(r"\w+", kept)[:4])) or what
                free = stem if stem not in self.seen else f"{stem}-{line}"
                hint = f"end its first line with ` {{#{with_attributes(free, lost)}}}`"
                self.fault(line, "", f"every {what}{NO_ID}" if self.needs_ids else f"`{{{lost}}}` needs an id", hint)
            return text, None, {}
        words = match[1].split()
        id: str = words[0] if words and "=" not in words[0] else ""
        if not is_kebab(id):
            message = f"`{{#{match[1]}}}`: `{id}` is not a valid id"
            self.fault(line, "", message, "use lower-case letters, digits and single hyphens")
        elif id in self.seen:
            self.fault(line, id, f"duplicate id `{id}`", f"first on line {self.seen[id]}")
        self.seen.setdefault(id, line)
        allowed = _ALLOWED[self.laid_over, heading]
        attributes = self._attributes(words[1:], line, id, allowed) if len(words) > 1 or not id else {}
        return first[:at].rstrip(" \t") + match[2] + newline + rest, id, attributes

    def _attributes(self, words: list[str], line: int, id: str, allowed: tuple[str, ...]) -> dict[str, str]:
        attributes: dict[str, str] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not value:
                self.fault(line, id, f"`{word}` is not `key=value`")
            elif key not in allowed:
                hint = did_you_mean(key, allowed) or f"allowed here: {', '.join(allowed)}"
                self.fault(line, id, f"unknown attribute `{key}`", hint)
            elif key in attributes:
                self.fault(line, id, f"duplicate attribute `{key}`")
            elif key == "replace" and value != "section":
                self.fault(line, id, f"`replace={value}`: only `replace=section` is supported")
            elif key == "checked" and not _is_date(value):
                self.fault(line, id, f"`checked={value}`: `{value}` is not a date such as `2026-11-23`")
            else:
                attributes[key] = value
        if "after" in attributes and "before" in attributes:
            self.fault(line, id, "`after` and `before` cannot be used together")
        return attributes


def _is_date(text: str) -> bool:
    """Whether the text is an ISO 8601 date."""
    from agentpack.model.dates import seconds  # loads the calendar, which only `checked=` needs

    return len(text) == len("2026-11-23") and seconds(text) is not None
