"""Read YAML, JSON and TOML from untrusted files: plain data, for YAML with line numbers.

YAML is read as a stream of events and never composed by the library, so that aliases, anchors, tags and merge keys are
refused before anything is built, depth and size are bounded, and a duplicate key is a fault. Plain scalars follow the
YAML 1.2 core rules for null, booleans and integers only: `no`, `1.10` and `2026-11-23` stay text. What the values mean
is decided in `schemas/`.
"""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from agentpack.errors import Fault, InvalidFile
from agentpack.input.hidden_text import HiddenCharacter, HiddenText
from agentpack.input.toml_text import read_toml as read_toml
from agentpack.model import json_text
from agentpack.model.line_ends import lines_with_lf
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line

if TYPE_CHECKING:
    import yaml  # takes long to load, and most headers are plain

MAX_BYTES = 256 * 1024
"""Characters of YAML, bytes of JSON."""
MAX_DEPTH = 24
"""How deep maps and lists may be nested."""
MAX_VALUES = 50_000
"""Scalars, maps and lists in one YAML document, including keys."""
MAX_KEY = 256
"""Characters of a YAML key."""
MAX_FAULTS = 100
"""Largest number of faults reported for one YAML document."""

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]{1,400}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,9})?\Z|0x[0-9a-fA-F]{1,400}\Z|0o[0-7]{1,400}\Z"
    r"|[-+]?\.inf\Z|\.nan\Z"
)
_PRINTABLE = r"\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_PLAIN_ROW = re.compile(
    r"([A-Za-z_][A-Za-z0-9_-]{0,63}):(?: +(?:"
    r'"([ !#-\[\]-~]*)"'
    rf"|'([ -&(-~{_PRINTABLE}]*)'"
    rf"|([A-Za-z0-9_./(~$+{_PRINTABLE}](?:[!-9;-~{_PRINTABLE}]|:(?=[!-~{_PRINTABLE}])| ++(?=[^ #\n]))*)"
    r"))?(?:\n|\Z)"
)
"""A row that is complete by itself: a key, and its value in double quotes without escapes, in single quotes or bare."""
_BREAKS = re.compile("[\x85\u2028\u2029]")
_HALVES = re.compile("[\ud800-\udfff]")
_ADVICE = {
    "did not find expected key": "write `key: value`, indented like the lines around it",
    "mapping values are not allowed in this context": "check the indentation, and quote a value that contains `: `",
    "did not find expected '-' indicator": "begin each item with `- `, at the same indentation",
    "did not find expected ',' or ']'": "close the list with `]`",
    "did not find expected ',' or '}'": "close the map with `}`",
    "found unexpected end of stream": "close the quotes",
    "found character that cannot start any token": "indent with spaces, and quote a value that begins with `@` or `%`",
}
"""What to do about a YAML syntax error, by the words of the parser."""


class NotYaml(InvalidFile):
    """The text is not YAML at all. Where a plain InvalidFile is raised instead, other readers may accept the text."""


class Document(NamedTuple):
    """Plain data (dict, list, str, int, bool, None), and the line, from 1, of each key or item."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of the key or item, or of the nearest enclosing one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def decode(data: bytes, file: str) -> str:
    """The text of a UTF-8 file, with LF line ends and without a byte-order mark.

    Raises:
        InvalidFile: not UTF-8, or it contains an unresolved merge; the fault names the line.
    """
    try:
        text = lines_with_lf(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidFile([Fault(file, line, "", f"not UTF-8: byte 0x{data[error.start]:02x}")]) from None
    if line := unmerged_line(text):
        raise InvalidFile([Fault(file, line, "", MARKERS)], hint=HINT)
    return text.removeprefix("\ufeff")


def read_json(data: bytes, file: str) -> Any:
    """The value of a JSON text.

    Args:
        file: the file name for faults.

    Raises:
        InvalidFile: not valid JSON, a duplicate key, or beyond these bounds.
    """
    try:
        return json_text.read_json(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except ValueError as error:
        raise InvalidFile([Fault(file, getattr(error, "lineno", 0), "", f"not valid JSON: {error}")]) from None


def read_yaml(text: str, file: str, *, first_line: int = 1, hidden: bool = False, loose: bool = False) -> Document:
    """The data of a YAML document. An empty document is an empty map.

    Args:
        file: the file name for faults.
        first_line: the line of the file where the text begins.
        hidden: accept escapes for hidden characters; for comparing files that are on disk anyway.
        loose: of a duplicate key take the last value, and read decimals, `0x1F` and `0o17` as numbers, as some
            clients do.

    Raises:
        HiddenText: an escape stands for a hidden character.
        InvalidFile: lists every fault found; as NotYaml if parsing stopped at a syntax error.
    """
    if len(text) > MAX_BYTES:
        raise InvalidFile([Fault(file, 0, "", f"longer than {MAX_BYTES // 1024} KiB")])
    if (rows := _plain_rows(text, loose=loose)) is not None:
        return Document(file, rows, {(key,): line for line, key in enumerate(rows, first_line)})
    return read_events(text, file, first_line=first_line, hidden=hidden, loose=loose)


def read_events(text: str, file: str, *, first_line: int, hidden: bool, loose: bool) -> Document:
    """The data of a YAML document, with the library. Arguments and errors are those of `read_yaml`."""
    import yaml

    if found := _BREAKS.search(text):
        line = text.count("\n", 0, found.start()) + first_line
        raise InvalidFile([Fault(file, line, "", f"the line separator U+{ord(found[0]):04X} must be escaped")])
    if found := _HALVES.search(text):
        line = text.count("\n", 0, found.start()) + first_line
        raise InvalidFile([Fault(file, line, "", "half of a surrogate pair, which is not a character")])
    builder = _Builder(file, first_line, loose)
    refusal = InvalidFile
    try:
        builder.run(text)
    except yaml.MarkedYAMLError as error:
        refusal = NotYaml
        mark = error.problem_mark or error.context_mark
        line = mark.line + first_line if mark else 0
        problem = error.problem or error.context or ""
        builder.faults.append(Fault(file, line, "", f"not valid YAML: {problem}", _ADVICE.get(problem)))
    except yaml.YAMLError as error:
        refusal = NotYaml
        builder.faults.append(Fault(file, 0, "", f"not valid YAML: {error}".splitlines()[0]))
    if builder.hidden and not hidden:
        raise HiddenText(builder.hidden)
    if builder.faults:
        raise refusal(builder.faults)
    data = {} if builder.root is None else builder.root
    return Document(file, data, builder.lines)


def _plain_rows(text: str, *, loose: bool) -> dict[str, Any] | None:
    """The map in a text that has nothing but plain rows, each with another key; None for any other text."""
    rows: dict[str, Any] = {}
    at = 0
    while at < len(text):
        row = _PLAIN_ROW.match(text, at)
        if row is None or row[1] in rows or len(rows) > MAX_FAULTS:
            return None
        key, double, single, bare = row.groups()
        rows[key] = _plain(bare or "", loose=loose) if double is None and single is None else double or single or ""
        at = row.end()
    return rows


class _Builder:
    """Builds plain data from parse events, with a stack of open collections."""

    def __init__(self, file: str, first_line: int, loose: bool) -> None:
        self.file = file
        self.first_line = first_line
        self.loose = loose
        self.root: Any = None
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []
        self.hidden: list[HiddenCharacter] = []
        self.stack: list[_OpenNode] = []
        self.documents = 0

    def fault(self, event: Any, message: str, hint: str | None = None) -> None:
        key = dotted(self.stack[-1].path) if self.stack else ""
        self.faults.append(Fault(self.file, self.line(event), key, message, hint))

    def line(self, event: Any) -> int:
        """The line where an event begins, from 1."""
        return int(event.start_mark.line) + self.first_line

    def run(self, text: str) -> None:
        import yaml

        values = 0
        for event in yaml.parse(text, Loader=_loader()):
            if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
                values += 1
                if values > MAX_VALUES:
                    self.fault(event, f"more than {MAX_VALUES} keys and values")
                    return
            if len(self.faults) >= MAX_FAULTS:
                return
            if isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                if not self.open(event):
                    return
            elif isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.AliasEvent):
                self.fault(event, "aliases (`*name`) are not supported", "write the value out")
                return
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if event.version or event.tags:
                    self.fault(event, "directives (`%YAML`, `%TAG`) are not supported")
                    return
                if self.documents > 1:
                    self.fault(event, "more than one document (`---`) in a file is not supported")
                    return

    def refuse_marks(self, event: Any) -> None:
        if event.anchor:
            self.fault(event, "anchors (`&name`) are not supported", "write the value out")
        if event.tag is not None and event.tag != "!":
            self.fault(event, f"tags (`{event.tag[:80]}`) are not supported")

    def scalar(self, event: Any) -> None:
        self.refuse_marks(event)
        value: Any = event.value
        if _HALVES.search(value):
            self.fault(event, "half of a surrogate pair, which is not a character")
            value = ""
        if event.style == '"':  # the only one with escapes; what stands there without one was seen with the file
            from agentpack.input.hidden_in_files import value_findings  # not to read a header

            self.hidden += value_findings(value, self.file, self.line(event), event.start_mark.column + 1)
        if event.implicit[0]:
            value = _plain(value, loose=self.loose)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.is_map and top.key is None:
            self.key(event, top, value)
        else:
            self.place(event, value)

    def key(self, event: Any, top: "_OpenNode", value: Any) -> None:
        if event.implicit[0] and event.value == "<<":
            self.fault(event, "merge keys (`<<`) are not supported", "write the values out")
        name = value if isinstance(value, str) else str(event.value)
        if len(name) > MAX_KEY:
            self.fault(event, f"a key is longer than {MAX_KEY} characters")
            name = name[:MAX_KEY]
        path = (*top.path, name)
        if name in top.seen and not self.loose:
            self.fault(event, f"duplicate key `{name}`", f"first on line {self.lines.get(path, 0)}")
        top.seen.add(name)
        top.key = name
        self.lines.setdefault(path, self.line(event))

    def open(self, event: Any) -> bool:
        import yaml

        is_map = isinstance(event, yaml.MappingStartEvent)
        self.refuse_marks(event)
        if len(self.stack) >= MAX_DEPTH:
            self.fault(event, f"nested deeper than {MAX_DEPTH} levels")
            return False
        top = self.stack[-1] if self.stack else None
        if top is not None and top.is_map and top.key is None:
            self.fault(event, "a key must be text")
            return False
        value: Any = {} if is_map else []
        path = self.place(event, value)
        self.stack.append(_OpenNode(value, path, is_map))
        return True

    def place(self, event: Any, value: Any) -> Path:
        """Put a finished or opened value into its collection and return its path."""
        if not self.stack:
            self.root = value
            return ()
        top = self.stack[-1]
        if top.is_map:
            name = top.key
            assert name is not None
            top.value[name] = value
            top.key = None
            return (*top.path, name)
        path = (*top.path, len(top.value))
        top.value.append(value)
        self.lines[path] = self.line(event)
        return path


class _OpenNode:
    """A collection that is being filled."""

    __slots__ = ("is_map", "key", "path", "seen", "value")

    def __init__(self, value: Any, path: Path, is_map: bool) -> None:
        self.value = value
        self.path = path
        self.is_map = is_map
        self.key: str | None = None
        self.seen: set[str] = set()


def _loader() -> "type[yaml.SafeLoader]":
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _plain(text: str, *, loose: bool) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.match(text):
        return int(text)
    if loose and _NUMBER.match(text):
        return int(text, 0) if text[1:2] in ("x", "o") else float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


def dotted(path: Path) -> str:
    """The path in dotted form: `packs[0].clients`."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def yaml_comments(text: str) -> list[str]:
    """The comments in YAML text that was parsed before, each from `#` to the end of the line."""
    import yaml

    found, at = [], 0
    for token in yaml.scan(text, Loader=_loader()):
        found += re.findall("#[^\n]*", text[at : token.start_mark.index])
        at = max(at, token.end_mark.index)
    return found
