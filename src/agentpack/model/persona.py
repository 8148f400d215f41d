"""A persona: header fields, and Markdown in sections of rules, each with its origin."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """Where a rule, heading or field came from.

    `kind` is `release` (the pack itself), `variant`, `local` (a local variant), `parameter` (a value the user set) or
    `edit` (a change made by hand on disk); `name` says which.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "release" else f"{_KINDS[self.kind]} {self.name}".strip()


_KINDS = {"variant": "variant", "local": "local variant", "parameter": "parameter", "edit": "local edit"}


class Rule(NamedTuple):
    """One top-level list item or block. `text` has no trailing blank lines and no attribute braces; `gap` is the line
    end and blank lines that follow.
    """

    id: str | None
    text: str
    gap: str
    when: str | None
    kind: str
    """`item`, `code` or `text`, as in `markdown.blocks`."""
    line: int
    """The line in its source file, from 1; 0 if unknown."""
    origin: Origin | None = None
    after: str | None = None
    before: str | None = None
    checked: str | None = None
    """The day (ISO 8601) on which its claims were last verified; its section's day if it has none."""


class Section(NamedTuple):
    """A heading and the rules up to the next heading. The text before the first heading is a section of level 0."""

    id: str | None
    level: int
    heading: str
    gap: str
    when: str | None
    line: int
    rules: tuple[Rule, ...]
    origin: Origin | None = None
    after: str | None = None
    before: str | None = None
    replace: bool = False
    hollow: bool = False
    """The heading had no text below it in its source, so it is kept although it is empty."""
    checked: str | None = None
    """The day on which the claims of its rules, and of deeper sections, were last verified."""


class Field(NamedTuple):
    """A header value and its origin."""

    value: Any
    origin: Origin


class Persona:
    """A finished persona: variants applied, conditions resolved, parameters filled in. Only rendering is left.

    Most commands only need the body. A cached one is read from the cache each time (`text`), and sections are only
    built if somebody asks where a rule came from.
    """

    __slots__ = ("_sections", "_text", "fields", "name")

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Field],
        sections: tuple[Section, ...] | Callable[[], tuple[Section, ...]],
        text: Callable[[], str] | None = None,
    ) -> None:
        self.name = name
        self.fields = fields
        """`description`, `model`, `color`, `tools` as one value each; `clients` as a map from client to native
        settings."""
        self._sections = sections
        self._text = text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Persona):
            return NotImplemented
        return (self.name, self.fields, self.sections) == (other.name, other.fields, other.sections)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Persona({self.name!r})"

    @property
    def sections(self) -> tuple[Section, ...]:
        if callable(self._sections):
            self._sections = self._sections()
        return self._sections

    def named(self, name: str) -> "Persona":
        """The same persona with another name."""
        return Persona(name, self.fields, self._sections, self._text)

    def value(self, name: str) -> Any:
        field = self.fields.get(name)
        return None if field is None else field.value

    @property
    def body(self) -> str:
        return text_of(self.sections) if self._text is None else self._text()


def text_of(sections: Iterable[Section]) -> str:
    """Join sections into the text that they were split from."""
    pieces: list[str] = []
    for section in sections:
        pieces += (section.heading, section.gap)
        for rule in section.rules:
            pieces += (rule.text, rule.gap)
    return "".join(pieces)
