"""persona + variants + parameters -> Persona."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.compose.agreement import Draft, Named
from agentpack.compose.layers import choose, first_draft, lay, settled_sections
from agentpack.compose.outline import longer
from agentpack.compose.parse import Layer, allowed_and_denied
from agentpack.compose.substitute import PLACEHOLDER, TooLong, condition_fault, holds, placeholder_faults, substitute
from agentpack.errors import Fault, InvalidFile, UsageError
from agentpack.input.parameters import Declaration, Value, check_values
from agentpack.model.fields import FIELDS
from agentpack.model.persona import Field, Origin, Persona, Rule, Section

MAX_FILLED = 2 * 1024 * 1024
"""Characters of one persona's texts with values put in."""


class Pack(NamedTuple):
    """A pack read and checked: its parameters, its personas and their variants."""

    name: str
    version: str
    bare: bool
    header: Mapping[str, Any]
    """`pack.yaml` in normal form; for a bare pack what is known of it."""
    declarations: Mapping[str, Declaration]
    personas: Mapping[str, Layer]
    variants: Mapping[str, Mapping[str, Layer]]
    """By persona, then by name."""
    prepared: Mapping[str, Persona] = MappingProxyType({})
    """What personas are without variants and with every parameter's default, where that was kept."""
    crlf: frozenset[str] = frozenset()
    """The personas whose files have lines that end in CRLF: what is written of them does too."""
    originals: Mapping[str, Mapping[str, bytes]] = MappingProxyType({})
    """By persona, then by client: the agent file that the persona was made from, which is written as it is."""

    @property
    def release(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def variant_names(self) -> list[str]:
        return sorted({name for variants in self.variants.values() for name in variants})


def as_released(pack: Pack, persona: str) -> Persona:
    """The persona without variants and with every parameter's default; it extends no other.

    Raises:
        UsageError: a default is not allowed where it is put.
    """
    draft = draft_of(pack, persona, (), {})
    if pack.bare:
        return as_written(draft)
    return compose(draft, values_for(draft, pack.declarations, {}, pack.release))


class Base(NamedTuple):
    """What a persona with `extends` is laid over: a draft, and the parameters its text may use."""

    draft: Draft
    declarations: Mapping[str, Declaration]


def draft_of(
    pack: Pack,
    persona: str,
    variants: Iterable[str],
    local: Mapping[str, Layer],
    base: Base | None = None,
    settled: Collection[str] = (),
) -> Draft:
    """The persona with the variants that it has laid over it. Names of variants that only other personas of the pack
    have are passed over.

    Args:
        local: the local variants of this persona, by name.
        base: the persona of another pack that this one extends.
        settled: local variants that the lock has as they are; an id that is gone is told by the draft.

    Raises:
        InvalidFile: a variant names an id that does not exist, or a local one has the name of one in the pack.
        Unresolvable: variants that do not go together.
    """
    layer = pack.personas[persona]
    own = pack.variants.get(persona, {})
    release = Origin("release", pack.release)
    for name in sorted(own.keys() & local.keys()):
        message = f"the local variant `{name}` has the name of a variant in {pack.release}"
        raise InvalidFile([Fault(local[name].file, 0, "", message, "rename the file")])
    known = {name: Named(name, variant, Origin("variant", name)) for name, variant in own.items()}
    known |= {name: Named(name, variant, Origin("local", name), name in settled) for name, variant in local.items()}
    elsewhere = set(pack.variant_names) - known.keys()
    chosen = choose([name for name in variants if name not in elsewhere], known, f"{pack.release}: {persona}")
    if base is None:
        draft = first_draft(layer, release)
    else:
        over = {"set": {key: layer.header[key] for key in FIELDS if key in layer.header}}
        header = {**over, "remove": [], "requires": [], "conflicts": [], "order": {"after": []}}
        draft = lay(base.draft, [Named(pack.name, layer._replace(header=header), release)])
        draft = draft._replace(name=persona)
    return lay(draft, chosen) if chosen else draft


class Values(NamedTuple):
    """The value of every parameter, and the names of those that the user set."""

    all: Mapping[str, Value]
    set_by_user: frozenset[str]


def values_for(draft: Draft, declarations: Mapping[str, Declaration], user: Mapping[str, Value], pack: str) -> Values:
    """Defaults, then what variants set, then what the user sets.

    Raises:
        UsageError: a value that is not allowed; the message lists what is.
    """
    values: dict[str, Value] = {name: declaration.default for name, declaration in declarations.items()}
    given = {**draft.defaults, **user}
    if not given:
        return Values(values, frozenset())
    values.update(given)
    faults = [(name, message) for name, message in check_values(declarations, values)]
    if faults:
        raise UsageError(
            f"{pack}: parameter `{faults[0][0]}`: {faults[0][1]}",
            details=[f"parameter `{name}`: {message}" for name, message in faults[1:]],
            hint=f"`agentpack show {pack.split(' ')[0]}` lists the parameters",
        )
    return Values(values, frozenset(user))


def compose(draft: Draft, values: Values, *, name: str | None = None) -> Persona:
    """The persona with conditions decided and values put in.

    Args:
        name: another name to give it.

    Raises:
        UsageError: a field's text became something the field does not allow, or all texts together too long.
    """
    filler = _Filler(values.all, draft.name)
    dropped = _under_dropped_headings(draft.sections, values.all)
    sections = [_settle(section, filler) for i, section in enumerate(draft.sections) if i not in dropped]
    fields = {key: _field(key, field, values, filler) for key, field in draft.fields.items()}
    kept = {key: field for key, field in fields.items() if _says_something(key, field.value, draft.fields[key].value)}
    if both := allowed_and_denied({key: field.value for key, field in kept.items()}):
        raise UsageError(
            f"`{name or draft.name}`: `{both[0]}` stands in `tools` and in `deny`",
            hint="take it out of one of them: what is not in `tools` needs no denial",
        )
    return Persona(name or draft.name, kept, _ending(draft.sections, settled_sections(sections)))


class _Filler:
    """Puts values into the texts of one persona, up to what all of them may come to."""

    def __init__(self, values: Mapping[str, Value], persona: str) -> None:
        self.values = values
        self._persona = persona
        self._left = MAX_FILLED

    def fill(self, text: str) -> str:
        try:
            filled = substitute(text, self.values, self._left)
        except TooLong:
            raise UsageError(
                f"the text of `{self._persona}` comes to more than {MAX_FILLED // 2**20} Mi characters "
                "with the values of its parameters",
                hint="set shorter values",
            ) from None
        if filled is not text:
            self._left -= len(filled)
        return filled


def _says_something(key: str, value: Any, written: Any) -> bool:
    """Whether a field is there at all. A list that is written as empty names nothing; a parameter that is empty asks
    for no list.
    """
    return value not in (None, "", [], {}) or (FIELDS[key].kind == "list" and written == [])


def as_written(draft: Draft, *, name: str | None = None) -> Persona:
    """A bare pack's persona: braces and conditions have no meaning there, the text stays byte for byte."""
    fields = dict(draft.fields)
    description = fields["description"]
    fields["description"] = Field(" ".join(part["text"] for part in description.value), description.origin)
    return Persona(name or draft.name, fields, draft.sections)


def _under_dropped_headings(sections: Iterable[Section], values: Mapping[str, Value]) -> set[int]:
    """The sections whose heading, or a heading above it, is dropped."""
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


def _settle(section: Section, filler: _Filler) -> Section:
    """The section with rules dropped or kept, and values put in."""
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
    """When the last rule was dropped, the text ends as it did with it."""
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


def _field(key: str, field: Field, values: Values, filler: _Filler) -> Field:
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


def text_faults(draft: Draft, declarations: Mapping[str, Declaration], file: str) -> list[Fault]:
    """What is wrong with conditions and placeholders once the parameters are known: for `extends` and local variants,
    whose own file does not say which parameters there are.
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
