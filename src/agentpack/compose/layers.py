"""Variants are laid over a persona. The result never depends on the order in which they are named.

The order of laying is computed: declared `order`, then the name. Whether variants go together is decided in
`conflicts.py`.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, compress, count, pairwise, repeat
from operator import eq, itemgetter
from typing import Any

from agentpack.compose.conflicts import (
    Draft,
    Missing,
    NamedLayer,
    comes_directly_after,
    ids_of,
    refuse_conflicts,
    section_end,
)
from agentpack.compose.parse import Layer
from agentpack.errors import Fault, InvalidFile, Unresolvable
from agentpack.model.fields import FIELDS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Field, Origin, Rule, Section

MAX_LAID = 6_000
"""Rules and headings of a persona, and those of what is laid over it with the ids that this removes."""
_ID, _RULES = itemgetter(0), itemgetter(Section._fields.index("rules"))


def first_draft(layer: Layer, origin: Origin) -> Draft:
    """The persona alone."""
    fields = {key: Field(layer.header[key], origin) for key in FIELDS if key in layer.header}
    sections = tuple(
        section._replace(
            origin=origin,
            rules=tuple(rule._replace(origin=origin) for rule in section.rules),
            hollow=not section.rules and section_end(layer.sections, index) == index + 1,
        )
        for index, section in enumerate(layer.sections)
    )
    return Draft(layer.header["name"], fields, sections, {})


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
            message = f"there is no variant `{name}` of {wanted_by}"
            offered = ", ".join(sorted(known)) or "none"
            raise Unresolvable(message, details=[f"known: {offered}"], hint=did_you_mean(name, known))
        chosen[name] = known[name]
        waiting += [(other, f"`{persona}`, required by `{name}`") for other in known[name].layer.header["requires"]]
    _refuse_conflicts(chosen)
    return _ordered(chosen)


def _refuse_conflicts(chosen: Mapping[str, NamedLayer]) -> None:
    """Raise Unresolvable for variants that exclude each other: the fewest, and those that say why before others."""
    met = [
        (len(conflict["with"]), "reason" not in conflict, name, conflict["with"], conflict.get("reason", ""))
        for name, variant in chosen.items()
        for conflict in variant.layer.header["conflicts"]
        if all(other in chosen for other in conflict["with"])
    ]
    if not met:
        return
    count, _, name, others, reason = min(met)
    *most, last = (f"`{each}`" for each in (name, *others))
    why = f": {reason}" if reason else ""
    raise Unresolvable(
        f"the variants {', '.join(most)} and {last} exclude each other{why}",
        hint='ask for one of them; `agentpack uninstall "NAME[VARIANT]"` takes out one that is there'
        if count == 1
        else "leave one of them out",
    )


def _ordered(chosen: Mapping[str, NamedLayer]) -> list[NamedLayer]:
    """By name, but each after those that it is declared to come after."""
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
            [Fault(chosen[left[0]].layer.file, 0, "order", f"the variants {names} each come after another")]
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
    for variant in variants:
        missing = tuple(_unknown_ids(known, variant))
        if missing and not variant.settled:
            raise InvalidFile(_fault(one, known) for one in missing)
        draft = _lay_one(draft, variant, known)._replace(gone=(*draft.gone, *missing))
        known |= ids_of(variant.layer.sections)
    return draft._replace(sections=_with_last_gap(draft.sections, end))


def _refuse_many(draft: Draft, variants: Sequence[NamedLayer]) -> None:
    """Raise InvalidFile for more than is laid over each other: every rule may have to be looked for among all."""
    laid = sum(1 + len(section.rules) for section in draft.sections)
    for variant in variants:
        laid += len(variant.layer.header["remove"])
        laid += sum(1 + len(section.rules) for section in variant.layer.sections)
        if laid > MAX_LAID:
            message = f"with this, more than {MAX_LAID:,} rules, headings and removals are laid over `{draft.name}`"
            raise InvalidFile([Fault(variant.layer.file, 0, "", message)])


# Laying one variant.


def _lay_one(draft: Draft, variant: NamedLayer, known: Container[str]) -> Draft:
    header, origin = variant.layer.header, variant.origin
    sections = list(draft.sections)
    for id in header["remove"]:
        _remove(sections, id)
    behind: dict[str, str] = {}
    for section in variant.layer.sections:
        _lay_section(sections, section, origin, behind, known)
    fields = dict(draft.fields)
    for key, value in header["set"].items():
        if key == "parameters":
            continue
        merges = FIELDS[key].kind == "clients"
        fields[key] = Field(_merged(draft.fields.get(key), value) if merges else value, origin)
    defaults = {**draft.defaults, **header["set"].get("parameters", {})}
    return Draft(draft.name, fields, tuple(sections), defaults)


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


def _lay_section(
    sections: list[Section], new: Section, origin: Origin, behind: dict[str, str], known: Container[str]
) -> None:
    if new.level == 0:
        home = 0
    else:
        index = _place(sections, new.id)
        if index is None:
            home = _add_section(sections, new, origin)
        else:
            home = index
            old = sections[home]
            if new.heading != old.heading:
                old = old._replace(heading=new.heading, level=new.level, origin=origin)
            if new.when is not None:
                old = old._replace(when=new.when)
            sections[home] = old._replace(rules=()) if new.replace else old
    for rule in new.rules:
        _lay_rule(sections, home, rule._replace(origin=origin), behind, known)


def _add_section(sections: list[Section], new: Section, origin: Origin) -> int:
    anchor = new.after or new.before
    place = len(sections)
    at = _place(sections, anchor)
    if at is not None:
        place = section_end(sections, at) if new.after else at
    fresh = new._replace(rules=(), gap="\n\n", origin=origin, after=None, before=None, hollow=not new.rules)
    sections.insert(place, fresh)
    _end_with_blank_line(sections, place - 1)
    return place


def _end_with_blank_line(sections: list[Section], index: int) -> None:
    section = sections[index]
    if section.rules:
        last = section.rules[-1]
        if last.gap.count("\n") < 2:
            sections[index] = section._replace(rules=(*section.rules[:-1], last._replace(gap="\n\n")))
    elif section.level and section.gap.count("\n") < 2:
        sections[index] = section._replace(gap="\n\n")


def _place(parts: Iterable[Section | Rule], id: str | None) -> int | None:
    """The place of the first section or rule with this id. Asked for every rule that is laid, among all there are."""
    return None if id is None else next(compress(count(), map(eq, map(_ID, parts), repeat(id))), None)


def _find(sections: Sequence[Section], id: str | None) -> tuple[int, int] | None:
    position = _place(chain.from_iterable(map(_RULES, sections)), id)
    if position is None:
        return None
    index = 0
    while position >= len(sections[index].rules):
        position -= len(sections[index].rules)
        index += 1
    return index, position


def _lay_rule(sections: list[Section], home: int, rule: Rule, behind: dict[str, str], known: Container[str]) -> None:
    """Replace the rule of the same id where it stands, or put the new one where it asks to go, else at the section's
    end.

    Args:
        known: all ids that there were before this variant.
    """
    found = _find(sections, rule.id) if rule.id in known else None
    if found is not None:
        index, position = found
        old = sections[index].rules[position]
        rules = list(sections[index].rules)
        rules[position] = rule._replace(gap=old.gap, after=None, before=None)
        sections[index] = sections[index]._replace(rules=tuple(rules))
        return
    # several rules that a variant puts after the same one keep the order in which it has them
    anchor = behind.get(rule.after, rule.after) if rule.after is not None else rule.before
    if rule.after is not None and rule.id is not None:
        behind[rule.after] = rule.id
    place = _find(sections, anchor)
    title = _place(sections, anchor) if place is None else None
    if place is not None:
        index, position = place[0], place[1] + (1 if rule.after else 0)
    elif title is not None:  # below the heading, or above it: at the end of what stands before
        index = title if rule.after else title - 1
        position = 0 if rule.after else len(sections[index].rules)
    else:  # what it was to stand beside is gone: where no section is its home, at the end
        index = len(sections) - 1 if anchor is not None and home == 0 else home
        position = len(sections[index].rules)
    _insert(sections, index, position, rule._replace(after=None, before=None))


def _insert(sections: list[Section], index: int, position: int, rule: Rule) -> None:
    section = sections[index]
    rules = list(section.rules)
    if position == 0:
        following = rules[0] if rules else None
        gap = _between(rule, following, section.rules) if following else "\n\n"
        rules.insert(0, rule._replace(gap=gap))
        if section.gap.count("\n") < 2 and section.level:
            section = section._replace(gap="\n\n")
    else:
        previous = rules[position - 1]
        gap = previous.gap if previous.gap.count("\n") else "\n"
        following = rules[position] if position < len(rules) else None
        if following is not None:
            gap = _between(rule, following, section.rules)
        rules[position - 1] = previous._replace(gap=_between(previous, rule, section.rules))
        rules.insert(position, rule._replace(gap=gap))
    sections[index] = section._replace(rules=tuple(rules))


def _between(first: Rule, second: Rule, around: Sequence[Rule]) -> str:
    """What stands between two rules: list items follow each other as the items around them do, all else after a blank
    line.
    """
    if first.kind != "item" or second.kind != "item":
        return "\n\n"
    for one, two in pairwise(around):
        if one.kind == two.kind == "item":
            return one.gap
    return "\n"


def _remove(sections: list[Section], id: str) -> None:
    index = _place(sections, id)
    if index is not None:
        end = section_end(sections, index)
        last = _last_gap(sections[index:end])
        del sections[index:end]
        if index:
            _widen_gap(sections, index - 1, last)
        return
    found = _find(sections, id)
    if found is not None:
        drop_rule(sections, *found)


def drop_rule(sections: list[Section], index: int, position: int) -> None:
    """Take a rule out. The blank lines that set its neighbours apart stay."""
    section = sections[index]
    gone = section.rules[position]
    rules = list(section.rules)
    del rules[position]
    if position:
        rules[position - 1] = rules[position - 1]._replace(gap=longer(rules[position - 1].gap, gone.gap))
        sections[index] = section._replace(rules=tuple(rules))
    else:
        # before the first heading there is nothing above the first rule to be set apart from
        gap = longer(section.gap, gone.gap) if section.level else section.gap
        sections[index] = section._replace(rules=tuple(rules), gap=gap)


def longer(one: str, other: str) -> str:
    return one if one.count("\n") >= other.count("\n") else other


def _widen_gap(sections: list[Section], index: int, gap: str) -> None:
    section = sections[index]
    if section.rules:
        last = section.rules[-1]
        sections[index] = section._replace(rules=(*section.rules[:-1], last._replace(gap=longer(last.gap, gap))))
    else:
        sections[index] = section._replace(gap=longer(section.gap, gap))


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
