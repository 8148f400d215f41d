"""Apply variants to a persona, in an order that is computed and not the one in which they are named.

The order is the declared `order`, then the name. Whether variants go together is decided in
`conflicts.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from agentpack.compose.conflicts import (
    Draft,
    Missing,
    NamedLayer,
    comes_directly_after,
    ids_of,
    refuse_conflicts,
    refuse_excluded,
    section_end,
)
from agentpack.compose.outline import Outline
from agentpack.compose.parse import Layer
from agentpack.errors import Fault, InvalidFile, Unresolvable
from agentpack.model.fields import FIELDS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Field, Origin, Rule, Section

MAX_LAID = 6_000
"""Rules and headings of a persona, and those of what is laid over it with the ids that this removes."""


def first_draft(layer: Layer, origin: Origin) -> Draft:
    """The draft of a persona without variants, every rule and section with this origin."""
    sections = tuple(
        section._replace(
            origin=origin,
            rules=tuple(rule._replace(origin=origin) for rule in section.rules),
            hollow=not section.rules and section_end(layer.sections, index) == index + 1,
        )
        for index, section in enumerate(layer.sections)
    )
    return Draft(layer.header["name"], fields_of(layer, origin), sections, {})


def fields_of(layer: Layer, origin: Origin) -> Mapping[str, Field]:
    """The fields that a persona's file has."""
    return {key: Field(layer.header[key], origin) for key in FIELDS if key in layer.header}


def choose(names: Iterable[str], known: Mapping[str, NamedLayer], persona: str) -> list[NamedLayer]:
    """The variants named and those they require, in the order in which they are laid.

    Raises:
        Unresolvable: a name is unknown, or two of them exclude each other.
        InvalidFile: the declared orders run in a circle.
    """
    chosen: dict[str, NamedLayer] = {}
    waiting = [(name, f"`{persona}`") for name in sorted(set(names))]
    while waiting:
        name, wanted_by = waiting.pop()
        if name in chosen:
            continue
        if name not in known:
            message = f"{wanted_by} has no variant `{name}`"
            offered = ", ".join(sorted(known)) or "none"
            raise Unresolvable(message, details=[f"known: {offered}"], hint=did_you_mean(name, known))
        chosen[name] = known[name]
        waiting += [(other, f"`{persona}`, required by `{name}`") for other in known[name].layer.header["requires"]]
    refuse_excluded(chosen)
    return _ordered(chosen)


def _ordered(chosen: Mapping[str, NamedLayer]) -> list[NamedLayer]:
    """The variants sorted by name, except that each follows those it declares to come after."""
    after = {name: {*comes_directly_after(variant)} & chosen.keys() for name, variant in chosen.items()}
    before: dict[str, list[str]] = {}
    for name, others in after.items():
        for other in others:
            before.setdefault(other, []).append(name)
    waiting = {name: len(others) for name, others in after.items()}
    ready = [name for name, count in waiting.items() if not count]
    heapify(ready)
    done: list[NamedLayer] = []
    while ready:
        name = heappop(ready)
        done.append(chosen[name])
        for later in before.get(name, ()):
            waiting[later] -= 1
            if not waiting[later]:
                heappush(ready, later)
    if len(done) < len(chosen):
        left = sorted(chosen.keys() - {variant.name for variant in done})
        names = ", ".join(f"`{name}`" for name in left)
        raise InvalidFile(
            [Fault(chosen[left[0]].layer.file, 0, "order", f"the variants {names} form a cycle of `order`")]
        )
    return done


def lay(draft: Draft, variants: Sequence[NamedLayer]) -> Draft:
    """The draft with every variant laid over it.

    Raises:
        InvalidFile: a variant that is not settled names an id that does not exist, or there is too much to lay.
        Unresolvable: two variants do different things to the same field, parameter, section or rule.
    """
    _refuse_many(draft, variants)
    refuse_conflicts(draft, variants)
    end = _last_gap(draft.sections)
    known = ids_of(draft.sections)
    outline = Outline(draft.sections)
    for variant in variants:
        missing = tuple(_unknown_ids(known, variant))
        if missing and not variant.settled:
            raise InvalidFile(_fault(one, known) for one in missing)
        _lay_one(outline, variant)
        draft = _set(draft, variant)._replace(gone=(*draft.gone, *missing))
        known |= ids_of(variant.layer.sections)
    return draft._replace(sections=_with_last_gap(outline.sections(), end))


def _refuse_many(draft: Draft, variants: Sequence[NamedLayer]) -> None:
    """Raise InvalidFile for more than is laid over each other: every rule may have to be looked for among all."""
    laid = sum(1 + len(section.rules) for section in draft.sections)
    for variant in variants:
        laid += len(variant.layer.header["remove"])
        laid += sum(1 + len(section.rules) for section in variant.layer.sections)
        if laid > MAX_LAID:
            message = f"this would put more than {MAX_LAID:,} rules, headings and removals on top of `{draft.name}`"
            raise InvalidFile([Fault(variant.layer.file, 0, "", message)])


def _lay_one(outline: Outline, variant: NamedLayer) -> None:
    """Lay the rules and headings of a variant."""
    for id in variant.layer.header["remove"]:
        outline.remove(id)
    behind, below = dict[str, str](), dict[str, str]()
    for section in variant.layer.sections:
        # several that a variant puts after the same one keep the order in which it has them
        after = section.after and below.get(section.after, section.after)
        is_new = not outline.has_section(section.id)
        home = outline.lay_section(section._replace(origin=variant.origin, after=after))
        if is_new and section.after is not None and section.id is not None:
            below[section.after] = section.id
        for rule in section.rules:
            beside = rule.before if rule.after is None else behind.get(rule.after, rule.after)
            added = outline.lay_rule(home, rule._replace(origin=variant.origin), beside)
            if added and rule.after is not None and rule.id is not None:
                behind[rule.after] = rule.id


def _set(draft: Draft, variant: NamedLayer) -> Draft:
    """The draft with the fields and parameters that a variant sets."""
    wanted = variant.layer.header["set"]
    fields = dict(draft.fields)
    for key, value in wanted.items():
        merges = key != "parameters" and FIELDS[key].kind == "clients"
        if key == "parameters" or (merges and not value):
            continue
        fields[key] = Field(_merged(draft.fields.get(key), value) if merges else value, variant.origin)
    return draft._replace(fields=fields, defaults={**draft.defaults, **wanted.get("parameters", {})})


def _merged(field: Field | None, natives: Mapping[str, Any]) -> dict[str, Any]:
    old = field.value if field else {}
    return {client: {**old.get(client, {}), **natives.get(client, {})} for client in sorted({*old, *natives})}


def _unknown_ids(known: set[str], variant: NamedLayer) -> Iterator[Missing]:
    """What a variant names that neither the persona nor a variant below it ever had. Removing what another removed as
    well is no fault.
    """
    own = ids_of(variant.layer.sections)
    file = variant.layer.file
    for id in variant.layer.header["remove"]:
        if id not in known and id not in own:
            yield Missing(file, 0, "remove", id)
    for section in variant.layer.sections:
        parts: list[Section | Rule] = [section, *section.rules]
        for part in parts:
            for id in (part.after, part.before):
                if id is not None and id not in known and id not in own:
                    yield Missing(file, part.line, part.id or "", id)


def _fault(missing: Missing, known: set[str]) -> Fault:
    message = f"there is no rule or section `{missing.id}`"
    return Fault(missing.file, missing.line, missing.key, message, did_you_mean(missing.id, known))


def _last_gap(sections: Sequence[Section]) -> str:
    if not sections:
        return "\n"
    last = sections[-1]
    return last.rules[-1].gap if last.rules else last.gap


def _with_last_gap(sections: tuple[Section, ...], gap: str) -> tuple[Section, ...]:
    """The text ends as the persona's own text does."""
    if not sections or _last_gap(sections) == gap:
        return sections
    last = sections[-1]
    if last.rules:
        last = last._replace(rules=(*last.rules[:-1], last.rules[-1]._replace(gap=gap)))
    elif last.level:
        last = last._replace(gap=gap)
    return (*sections[:-1], last)


def settled_sections(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections, less the headings that have lost all that stood below them."""
    kept: list[Section] = []
    for index in range(len(sections) - 1, -1, -1):
        section = sections[index]
        has_deeper = bool(kept) and kept[-1].level > section.level
        if section.level and not section.rules and not section.hollow and not has_deeper:
            continue
        kept.append(section)
    return tuple(reversed(kept))
