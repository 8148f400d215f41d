"""Compose a persona from its file, variants and parameters."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.compose.conflicts import Draft, NamedLayer
from agentpack.compose.layers import choose, fields_of, first_draft, lay, settled_sections
from agentpack.compose.outline import longer
from agentpack.compose.parse import Layer, WrittenSections, allowed_and_denied
from agentpack.compose.substitute import PLACEHOLDER, TooLong, condition_fault, holds, placeholder_faults, substitute
from agentpack.errors import Fault, InvalidFile, UsageError
from agentpack.input.parameters import ParameterDeclaration, Value, check_values
from agentpack.model.fields import FIELDS
from agentpack.model.pack import LeftOut
from agentpack.model.persona import Field, Origin, Persona, Rule, Section, text_of

MAX_FILLED = 2 * 1024 * 1024
"""Characters of one persona's texts with values filled in."""


class Pack(NamedTuple):
    """A pack, read and checked: parameters, personas and their variants."""

    name: str
    version: str
    bare: bool
    header: Mapping[str, Any]
    """`pack.yaml` in normal form; for a pack of a collection what is known about it."""
    declarations: Mapping[str, ParameterDeclaration]
    personas: Mapping[str, Layer]
    variants: Mapping[str, Mapping[str, Layer]]
    """By persona, then by variant name."""
    prepared: Mapping[str, Persona] = MappingProxyType({})
    """Personas without variants and with default parameters, if they were cached."""
    crlf: frozenset[str] = frozenset()
    """Personas whose source files use CRLF; their rendered files do too."""
    originals: Mapping[str, Mapping[str, bytes]] = MappingProxyType({})
    """By persona, then by client: the agent file the persona was made from, which is written unchanged."""

    @property
    def release(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The agent files of a collection that are left out."""
        return tuple(LeftOut(**one) for one in self.header.get("left_out", ()))

    @property
    def variant_names(self) -> list[str]:
        return sorted({name for variants in self.variants.values() for name in variants})


def as_released(pack: Pack, persona: str) -> Persona:
    """The persona without variants and with default parameters; it must not extend another.

    Raises:
        UsageError: a default is not allowed where it is used.
    """
    layer, origin = pack.personas[persona], Origin("release", pack.release)
    sections = layer.sections
    if not pack.bare and not _is_plain(sections):
        draft = draft_of(pack, persona, (), {})
        return compose(draft, values_for(draft, pack.declarations, {}, pack.release))
    draft = Draft(persona, fields_of(layer, origin), (), {})
    if pack.bare:
        fields = written_fields(draft.fields)
    else:
        fields = _composed_fields(draft, values_for(draft, pack.declarations, {}, pack.release))
    return Persona(
        persona,
        fields,
        lambda: first_draft(layer, origin).sections,
        lambda: sections.body if isinstance(sections, WrittenSections) else text_of(sections),
    )


def _is_plain(sections: Iterable[Section]) -> bool:
    """Whether the text has no condition and no double braces, so that it is the same for all parameters."""
    for section in sections:
        parts = ((section.when, section.heading), *((rule.when, rule.text) for rule in section.rules))
        if any(when is not None or "{{" in text or "}}" in text for when, text in parts):
            return False
    return True


class BasePersona(NamedTuple):
    """What a persona with `extends` builds on: a draft, and the parameters its text may use."""

    draft: Draft
    declarations: Mapping[str, ParameterDeclaration]


def draft_of(
    pack: Pack,
    persona: str,
    variants: Iterable[str],
    local: Mapping[str, Layer],
    base: BasePersona | None = None,
    settled: Collection[str] = (),
) -> Draft:
    """The persona with its variants applied. Names of variants that only other personas of the pack have are skipped.

    Args:
        local: the local variants of this persona, by name.
        base: the persona of another pack that this one extends.
        settled: local variants that are in the lock unchanged; ids they name that are gone are listed in the draft.

    Raises:
        InvalidFile: a variant names an unknown id, or a local variant has the name of one in the pack.
        Unresolvable: variants conflict.
    """
    layer = pack.personas[persona]
    own = pack.variants.get(persona, {})
    release = Origin("release", pack.release)
    for name in sorted(own.keys() & local.keys()):
        message = f"the local variant `{name}` has the name of a variant in {pack.release}"
        raise InvalidFile([Fault(local[name].file, 0, "", message, "rename the file")])
    known = {name: NamedLayer(name, variant, Origin("variant", name)) for name, variant in own.items()}
    known |= {
        name: NamedLayer(name, variant, Origin("local", name), name in settled) for name, variant in local.items()
    }
    elsewhere = set(pack.variant_names) - known.keys()
    chosen = choose([name for name in variants if name not in elsewhere], known, f"{pack.release}: {persona}")
    if base is None:
        draft = first_draft(layer, release)
    else:
        over = {"set": {key: layer.header[key] for key in FIELDS if key in layer.header}}
        header = {**over, "remove": [], "requires": [], "conflicts": [], "order": {"after": []}}
        draft = lay(base.draft, [NamedLayer(pack.name, layer._replace(header=header), release)])
        draft = draft._replace(name=persona)
    return lay(draft, chosen) if chosen else draft


class ParameterValues(NamedTuple):
    """The value of every parameter, and the names of those the user set."""

    all: Mapping[str, Value]
    set_by_user: frozenset[str]


def values_for(
    draft: Draft, declarations: Mapping[str, ParameterDeclaration], user: Mapping[str, Value], pack: str
) -> ParameterValues:
    """Parameter values: defaults, overridden by variants, overridden by the user.

    Raises:
        UsageError: a value is not allowed; the message lists allowed ones.
    """
    values: dict[str, Value] = {name: declaration.default for name, declaration in declarations.items()}
    given = {**draft.defaults, **user}
    if not given:
        return ParameterValues(values, frozenset())
    values.update(given)
    faults = [(name, message) for name, message in check_values(declarations, values)]
    if faults:
        raise UsageError(
            f"{pack}: parameter `{faults[0][0]}`: {faults[0][1]}",
            details=[f"parameter `{name}`: {message}" for name, message in faults[1:]],
            hint=f"`agentpack show {pack.split(' ')[0]}` lists the parameters",
        )
    return ParameterValues(values, frozenset(user))


def compose(draft: Draft, values: ParameterValues, *, name: str | None = None) -> Persona:
    """The finished persona: conditions resolved and values filled in.

    Args:
        name: a new name for the persona.

    Raises:
        UsageError: a field's value is no longer allowed, or all texts together are too long.
    """
    filler = _Filler(values.all, draft.name)
    dropped = _under_dropped_headings(draft.sections, values.all)
    sections = [_resolve_conditions(section, filler) for i, section in enumerate(draft.sections) if i not in dropped]
    fields = _composed_fields(draft._replace(name=name or draft.name), values, filler)
    return Persona(name or draft.name, fields, _ending(draft.sections, settled_sections(sections)))


def _composed_fields(draft: Draft, values: ParameterValues, filler: "_Filler | None" = None) -> Mapping[str, Field]:
    """The fields of a persona, with values filled in. Raises like `compose`."""
    filler = filler or _Filler(values.all, draft.name)
    fields = {key: _field(key, field, values, filler) for key, field in draft.fields.items()}
    kept = {key: field for key, field in fields.items() if _is_given(key, field.value, draft.fields[key].value)}
    if both := allowed_and_denied({key: field.value for key, field in kept.items()}):
        raise UsageError(
            f"`{draft.name}`: `{both[0]}` is in both `tools` and `deny`",
            hint="remove it from one of them: tools missing from `tools` need not be denied. A variant can change "
            "either under `set:`",
        )
    return kept


class _Filler:
    """Fills values into the texts of one persona, up to a total size."""

    def __init__(self, values: Mapping[str, Value], persona: str) -> None:
        self.values = values
        self._persona = persona
        self._left = MAX_FILLED

    def fill(self, text: str) -> str:
        try:
            filled = substitute(text, self.values, self._left)
        except TooLong:
            raise UsageError(
                f"the text of `{self._persona}` has more than {MAX_FILLED // 2**20} Mi characters with its parameter "
                "values",
                hint="use shorter values",
            ) from None
        if filled is not text:
            self._left -= len(filled)
        return filled


def _is_given(key: str, value: Any, written: Any) -> bool:
    """Whether a field is present. A list written as empty counts; a list that a parameter makes empty does not."""
    return value not in (None, "", [], {}) or (FIELDS[key].kind == "list" and written == [])


def as_written(draft: Draft, *, name: str | None = None) -> Persona:
    """A persona of a collection: braces and conditions have no meaning there, so the text stays byte for byte."""
    return Persona(name or draft.name, written_fields(draft.fields), draft.sections)


def written_fields(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """The fields of a collection's persona, with the parts of its description joined into one string."""
    description = fields["description"]
    return {**fields, "description": Field(" ".join(part["text"] for part in description.value), description.origin)}


def _under_dropped_headings(sections: Iterable[Section], values: Mapping[str, Value]) -> set[int]:
    """Indexes of sections whose heading, or a heading above it, is dropped."""
    dropped = set()
    below: int | None = None
    for index, section in enumerate(sections):
        if below is not None and section.level > below:
            dropped.add(index)
            continue
        below = None
        if not holds(section.when, values):
            dropped.add(index)
            below = section.level
    return dropped


def _resolve_conditions(section: Section, filler: _Filler) -> Section:
    """The section with conditional rules kept or dropped, and values filled in."""
    rules: list[Rule] = []
    gap = section.gap
    for rule in section.rules:
        if holds(rule.when, filler.values):
            text = filler.fill(rule.text)
            rules.append(rule if text is rule.text else rule._replace(text=text))
        elif rules:
            rules[-1] = rules[-1]._replace(gap=longer(rules[-1].gap, rule.gap))
        elif section.level:
            gap = longer(gap, rule.gap)
    return section._replace(heading=filler.fill(section.heading), gap=gap, rules=tuple(rules))


def _ending(before: tuple[Section, ...], after: tuple[Section, ...]) -> tuple[Section, ...]:
    """If the last rule was dropped, end the text as it ended before."""
    if not before or not after:
        return after
    source, last = before[-1], after[-1]
    gap = source.rules[-1].gap if source.rules else source.gap
    if last.rules and last.rules[-1].gap != gap:
        last = last._replace(rules=(*last.rules[:-1], last.rules[-1]._replace(gap=gap)))
    elif not last.rules and last.gap != gap:
        last = last._replace(gap=gap)
    else:
        return after
    return (*after[:-1], last)


def _field(key: str, field: Field, values: ParameterValues, filler: _Filler) -> Field:
    value = field.value
    if FIELDS[key].kind == "parts" and isinstance(value, list):
        value = " ".join(filler.fill(part["text"]) for part in value if holds(part.get("when"), values.all))
        return Field(value.strip(), field.origin)
    if not isinstance(value, str) or "{{" not in value:
        return field
    text = filler.fill(value)
    mine = [match[1] for match in PLACEHOLDER.finditer(value) if match[1] in values.set_by_user]
    origin = Origin("parameter", mine[0]) if mine else field.origin
    return Field(_checked(key, text), origin)


def _checked(key: str, text: str) -> Any:
    field = FIELDS[key]
    if not field.words or not text:
        return [] if field.kind == "list" else text
    found = [part.strip() for part in text.split(",") if part.strip()] if field.kind == "list" else [text]
    if unknown := [word for word in found if word not in field.words]:
        raise UsageError(f"`{unknown[0]}` is not a {field.noun}", details=[f"known: {', '.join(field.words)}"])
    return found if field.kind == "list" else text


def text_faults(draft: Draft, declarations: Mapping[str, ParameterDeclaration], file: str) -> list[Fault]:
    """Faults in conditions and placeholders that need the parameters: for `extends` and local variants, whose own file
    does not declare them.
    """
    defaults = {name: declaration.default for name, declaration in declarations.items()}
    faults = []
    for section in draft.sections:
        parts: list[Section | Rule] = [section, *section.rules]
        for part in parts:
            text = part.heading if isinstance(part, Section) else part.text
            for offset, message in placeholder_faults(text, declarations):
                faults.append(Fault(file, part.line + offset if part.line else 0, part.id or "", message))
            if part.when is not None and (message := condition_fault(part.when, defaults) or ""):
                faults.append(Fault(file, part.line, part.id or "", message))
    return faults
