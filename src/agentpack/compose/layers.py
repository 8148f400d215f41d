"""Variants are laid over a persona. The result never depends on the order in which they are named.

The order of laying is computed: declared `order`, then the name. What two variants do to the same thing must be the same, or one of them must
be declared to come after the other; else both are named in the refusal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.compose.parse import Layer
from agentpack.errors import Fault, InvalidFile, Unresolvable
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Field, Origin, Rule, Section

FIELDS = ("description", "model", "color", "tools", "clients")


class Named(NamedTuple):
    """A variant with its name and where it came from."""

    name: str
    layer: Layer
    origin: Origin


class Draft(NamedTuple):
    """A persona with variants laid over it; conditions and placeholders are still open."""

    name: str
    fields: Mapping[str, Field]
    sections: tuple[Section, ...]
    defaults: Mapping[str, Any]
    """Parameter defaults that variants override."""


def first_draft(layer: Layer, origin: Origin) -> Draft:
    """The persona alone."""
    fields = {key: Field(layer.header[key], origin) for key in FIELDS if key in layer.header}
    sections = tuple(
        section._replace(origin=origin, rules=tuple(rule._replace(origin=origin) for rule in section.rules))
        for section in layer.sections
    )
    return Draft(layer.header["name"], fields, sections, {})


def choose(names: Iterable[str], known: Mapping[str, Named], persona: str) -> list[Named]:
    """The variants named and those they require, in the order in which they are laid.

    Raises:
        Unresolvable: a name is unknown, or two of them exclude each other.
        InvalidFile: the declared orders run in a circle.
    """
    chosen: dict[str, Named] = {}
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
    for name, variant in sorted(chosen.items()):
        for other in variant.layer.header["conflicts"]:
            if other in chosen:
                raise Unresolvable(f"the variants `{name}` and `{other}` exclude each other", hint="ask for one of them")
    return _ordered(chosen)


def _after(variant: Named) -> tuple[str, ...]:
    return (*variant.layer.header["order"]["after"], *variant.layer.header["requires"])


def _ordered(chosen: Mapping[str, Named]) -> list[Named]:
    done: list[Named] = []
    left = dict(sorted(chosen.items()))
    while left:
        ready = [name for name, variant in left.items() if not any(other in left for other in _after(variant))]
        if not ready:
            names = ", ".join(f"`{name}`" for name in left)
            file = next(iter(left.values())).layer.file
            raise InvalidFile([Fault(file, 0, "order", f"the variants {names} each come after another")])
        done.append(left.pop(ready[0]))
    return done


def _comes_after(later: Named, earlier: Named, chosen: Mapping[str, Named]) -> bool:
    seen: set[str] = set()
    waiting = list(_after(later))
    while waiting:
        name = waiting.pop()
        if name == earlier.name:
            return True
        if name in chosen and name not in seen:
            seen.add(name)
            waiting.extend(_after(chosen[name]))
    return False


def lay(draft: Draft, variants: Sequence[Named]) -> Draft:
    """The draft with every variant laid over it.

    Raises:
        InvalidFile: a variant names an id that does not exist.
        Unresolvable: two variants do different things to the same field, parameter, section or rule.
    """
    _refuse_disagreement(draft, variants)
    end = _last_gap(draft.sections)
    for variant in variants:
        draft = _lay_one(draft, variant)
    return draft._replace(sections=_with_last_gap(draft.sections, end))


def _ids(sections: Iterable[Section]) -> set[str]:
    return {
        id for section in sections for id in (section.id, *(rule.id for rule in section.rules)) if id is not None
    }


# What variants do, to find two that do different things to one.


def _inside(sections: Sequence[Section], id: str) -> set[str]:
    """The ids that go when this id is removed: its own, and for a section those of its rules and deeper sections."""
    for index, section in enumerate(sections):
        if section.id == id:
            return _ids(sections[index : _section_end(sections, index)])
    return {id}


def _section_end(sections: Sequence[Section], index: int) -> int:
    """One past the last deeper section below the one at `index`."""
    end = index + 1
    while end < len(sections) and sections[end].level > sections[index].level:
        end += 1
    return end


def _deeds(draft: Draft, variant: Named) -> dict[tuple[str, ...], Any]:
    """What a variant does, by the thing it does it to."""
    header = variant.layer.header
    deeds: dict[tuple[str, ...], Any] = {}
    for key, value in header["set"].items():
        if key == "parameters":
            deeds.update({("parameter", name): default for name, default in value.items()})
        elif key == "clients":
            deeds.update({("clients", c, name): v for c, natives in value.items() for name, v in natives.items()})
        else:
            deeds[("field", key)] = value
    for id in header["remove"]:
        for gone in _inside(draft.sections, id):
            deeds[("id", gone)] = "removes"
    titles = {section.id: section.heading for section in draft.sections}
    for section in variant.layer.sections:
        if section.id is not None:
            if titles.get(section.id) != section.heading:
                deeds[("id", section.id)] = section.heading
            if section.replace:
                old = next((old for old in draft.sections if old.id == section.id), None)
                for rule in old.rules if old else ():
                    if rule.id is not None:
                        deeds[("id", rule.id)] = "removes"
        for rule in section.rules:
            deeds[("id", rule.id or "")] = (rule.text, rule.when)
    return deeds


def _anchors(variant: Named) -> set[str]:
    """The ids that must still be there for a variant to find its place."""
    anchors = set()
    for section in variant.layer.sections:
        anchors |= {id for id in (section.after, section.before) if id}
        if section.id is not None and section.rules:
            anchors.add(section.id)
        for rule in section.rules:
            anchors |= {id for id in (rule.after, rule.before) if id}
    return anchors


def _refuse_disagreement(draft: Draft, variants: Sequence[Named]) -> None:
    chosen = {variant.name: variant for variant in variants}
    deeds = [_deeds(draft, variant) for variant in variants]
    anchors = [_anchors(variant) for variant in variants]
    for right in range(len(variants)):
        for left in range(right):
            a, b = variants[left], variants[right]
            if _comes_after(b, a, chosen) or _comes_after(a, b, chosen):
                continue
            _compare(a, deeds[left], anchors[left], b, deeds[right], anchors[right])


def _compare(
    a: Named,
    did: Mapping[tuple[str, ...], Any],
    a_anchors: set[str],
    b: Named,
    does: Mapping[tuple[str, ...], Any],
    b_anchors: set[str],
) -> None:
    for target in sorted(did.keys() & does.keys()):
        if did[target] != does[target]:
            raise _disagreement(a.name, _word(did[target], target), b.name, _word(does[target], target), target)
    for one, deeds, other, anchors in ((a, did, b, b_anchors), (b, does, a, a_anchors)):
        for id in sorted(anchors):
            if deeds.get(("id", id)) == "removes":
                raise _disagreement(one.name, "removes", other.name, "builds on", ("id", id))


def _word(deed: Any, target: tuple[str, ...]) -> str:
    if deed == "removes":
        return "removes"
    return "replaces" if target[0] == "id" else "sets"


def _disagreement(a: str, did: str, b: str, does: str, target: tuple[str, ...]) -> Unresolvable:
    what = f"`{target[-1]}`" if target[0] == "id" else f"{target[0]} `{'.'.join(target[1:])}`"
    deeds = f"both {did.removesuffix('s')}" if did == does else f"`{a}` {did} and `{b}` {does}"
    differently = " differently" if did == does else ""
    return Unresolvable(
        f"the variants `{a}` and `{b}` do not go together: {deeds} {what}{differently}",
        hint="ask for one of them, or declare in one `order: {after: [the other]}`",
    )


# Laying one variant.


def _lay_one(draft: Draft, variant: Named) -> Draft:
    header, origin = variant.layer.header, variant.origin
    sections = list(draft.sections)
    faults = _unknown_ids(sections, variant)
    if faults:
        raise InvalidFile(faults)
    for id in header["remove"]:
        _remove(sections, id)
    for section in variant.layer.sections:
        _lay_section(sections, section, origin)
    fields = dict(draft.fields)
    for key, value in header["set"].items():
        if key == "clients":
            fields["clients"] = Field(_merged(draft.fields.get("clients"), value), origin)
        elif key != "parameters":
            fields[key] = Field(value, origin)
    defaults = {**draft.defaults, **header["set"].get("parameters", {})}
    return Draft(draft.name, fields, tuple(sections), defaults)


def _merged(field: Field | None, natives: Mapping[str, Any]) -> dict[str, Any]:
    old = field.value if field else {}
    return {client: {**old.get(client, {}), **natives.get(client, {})} for client in sorted({*old, *natives})}


def _unknown_ids(sections: Sequence[Section], variant: Named) -> list[Fault]:
    known = _ids(sections)
    own = _ids(variant.layer.sections)
    file = variant.layer.file
    faults = []
    removable = known | {id for id in variant.layer.header["remove"] if id in own}
    for id in variant.layer.header["remove"]:
        if id not in removable:
            faults.append(Fault(file, 0, "remove", f"there is no rule or section `{id}`", did_you_mean(id, known)))
    for section in variant.layer.sections:
        for part in (section, *section.rules):
            for id in (part.after, part.before):
                if id is not None and id not in known | own:
                    hint = did_you_mean(id, known)
                    faults.append(Fault(file, part.line, part.id or "", f"there is no rule or section `{id}`", hint))
    return faults


def _lay_section(sections: list[Section], new: Section, origin: Origin) -> None:
    if new.level == 0:
        home = 0
    else:
        index = next((i for i, section in enumerate(sections) if section.id is not None and section.id == new.id), None)
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
        _lay_rule(sections, home, rule._replace(origin=origin))


def _add_section(sections: list[Section], new: Section, origin: Origin) -> int:
    anchor = new.after or new.before
    place = len(sections)
    if anchor is not None:
        at = next((i for i, section in enumerate(sections) if section.id == anchor), None)
        if at is not None:
            place = _section_end(sections, at) if new.after else at
    fresh = new._replace(rules=(), gap="\n\n", origin=origin, after=None, before=None)
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


def _find(sections: Sequence[Section], id: str) -> tuple[int, int] | None:
    for index, section in enumerate(sections):
        for position, rule in enumerate(section.rules):
            if rule.id == id:
                return index, position
    return None


def _lay_rule(sections: list[Section], home: int, rule: Rule) -> None:
    """Replace the rule of the same id where it stands, or put the new one where it asks to go, else at the section's end."""
    found = _find(sections, rule.id) if rule.id is not None else None
    if found is not None:
        index, position = found
        old = sections[index].rules[position]
        rules = list(sections[index].rules)
        rules[position] = rule._replace(gap=old.gap, after=None, before=None)
        sections[index] = sections[index]._replace(rules=tuple(rules))
        return
    anchor = rule.after or rule.before
    place = _find(sections, anchor) if anchor is not None else None
    if place is None:
        index, position = home, len(sections[home].rules)
    else:
        index, position = place[0], place[1] + (1 if rule.after else 0)
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
    """What stands between two rules: list items follow each other as the items around them do, all else after a blank line."""
    if first.kind != "item" or second.kind != "item":
        return "\n\n"
    for one, two in zip(around, around[1:], strict=False):
        if one.kind == two.kind == "item":
            return one.gap
    return "\n"


def _remove(sections: list[Section], id: str) -> None:
    for index, section in enumerate(sections):
        if section.id == id:
            end = _section_end(sections, index)
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
        sections[index] = section._replace(rules=tuple(rules), gap=longer(section.gap, gone.gap))


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
    """The sections, less the headings that have lost all their rules and have no deeper section left."""
    kept: list[Section] = []
    for index in range(len(sections) - 1, -1, -1):
        section = sections[index]
        emptied = section.replace  # marked by the caller: it had rules and has none
        has_deeper = bool(kept) and kept[0].level > section.level
        if section.level and emptied and not has_deeper:
            continue
        kept.insert(0, section._replace(replace=False) if section.replace else section)
    return tuple(kept)

