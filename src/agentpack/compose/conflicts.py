"""Whether variants can be combined: what each does, and the refusal if two contradict each other.

If two variants affect the same field, parameter, section or rule, they must do the same, or one must be declared to
come after the other; otherwise the error names both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.compose.parse import Layer
from agentpack.errors import Unresolvable
from agentpack.model.persona import Field, Origin, Section


class NamedLayer(NamedTuple):
    """A variant with its name and origin."""

    name: str
    layer: Layer
    origin: Origin
    settled: bool = False
    """Whether the lock has it unchanged: then a later release may lack an id that it names."""


class Missing(NamedTuple):
    """An id that a variant names and nothing has: in its `remove`, or as the position of the rule `key`."""

    file: str
    line: int
    key: str
    id: str


class Draft(NamedTuple):
    """A persona with variants applied; conditions and placeholders are unresolved."""

    name: str
    fields: Mapping[str, Field]
    sections: tuple[Section, ...]
    defaults: Mapping[str, Any]
    """Parameter defaults that variants override."""
    gone: tuple[Missing, ...] = ()
    """Ids that settled variants name and the release no longer has."""


def comes_directly_after(variant: NamedLayer) -> tuple[str, ...]:
    """The variants that this one is declared to come after."""
    return (*variant.layer.header["order"]["after"], *variant.layer.header["requires"])


def ids_of(sections: Iterable[Section]) -> set[str]:
    """The ids of all sections and rules."""
    return {id for section in sections for id in (section.id, *(rule.id for rule in section.rules)) if id is not None}


class _Ground(NamedTuple):
    """The sections that variants are applied to, indexed by id."""

    sections: Sequence[Section]
    places: Mapping[str | None, int]

    def inside(self, id: str) -> set[str]:
        """The ids removed along with this one: for a section those of its rules and deeper sections."""
        index = self.places.get(id)
        return {id} if index is None else ids_of(self.sections[index : section_end(self.sections, index)])

    def at(self, id: str) -> Section | None:
        index = self.places.get(id)
        return None if index is None else self.sections[index]


def section_end(sections: Sequence[Section], index: int) -> int:
    """One past the last deeper section of the one at `index`."""
    end = index + 1
    while end < len(sections) and sections[end].level > sections[index].level:
        end += 1
    return end


def _effects(ground: _Ground, variant: NamedLayer) -> dict[tuple[str, ...], Any]:
    """What a variant does, by the thing it affects."""
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
        for gone in ground.inside(id):
            deeds[("id", gone)] = "removes"
    for section in variant.layer.sections:
        if section.id is not None:
            old = ground.at(section.id)
            if old is None or old.heading != section.heading:
                deeds[("id", section.id)] = section.heading
            if section.replace:
                for rule in old.rules if old else ():
                    if rule.id is not None:
                        deeds[("id", rule.id)] = "removes"
        for rule in section.rules:
            deeds[("id", rule.id or "")] = (rule.text, rule.when)
    return deeds


def _anchors(variant: NamedLayer) -> set[str]:
    """The ids that must exist for a variant's rules to be placed."""
    anchors = set()
    for section in variant.layer.sections:
        anchors |= {id for id in (section.after, section.before) if id}
        if section.id is not None and section.rules:
            anchors.add(section.id)
        for rule in section.rules:
            anchors |= {id for id in (rule.after, rule.before) if id}
    return anchors


def refuse_excluded(chosen: Mapping[str, NamedLayer]) -> None:
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
        hint='choose one of them; `agentpack uninstall "NAME[VARIANT]"` removes an installed variant'
        if count == 1
        else "remove one of them",
    )


def refuse_conflicts(draft: Draft, variants: Sequence[NamedLayer]) -> None:
    """Raise Unresolvable if two variants contradict each other about a field, parameter, section or rule.

    Args:
        variants: in the order in which they are applied.
    """
    deeds, anchors = _touched(draft, variants)
    for right, at_odds in enumerate(_conflicting(deeds, anchors, _below(variants))):
        if at_odds:
            left = (at_odds & -at_odds).bit_length() - 1
            _compare(variants[left], deeds[left], anchors[left], variants[right], deeds[right], anchors[right])


def conflict_between(draft: Draft, variants: Sequence[NamedLayer]) -> list[int]:
    """For each variant a bit mask of the earlier ones it contradicts, whatever order they declare."""
    return list(_conflicting(*_touched(draft, variants), [0] * len(variants)))


def _touched(draft: Draft, variants: Sequence[NamedLayer]) -> tuple[list[dict[tuple[str, ...], Any]], list[set[str]]]:
    places: dict[str | None, int] = {}
    for index, section in enumerate(draft.sections):
        places.setdefault(section.id, index)
    ground = _Ground(draft.sections, places)
    return [_effects(ground, variant) for variant in variants], [_anchors(variant) for variant in variants]


def _conflicting(
    deeds: Sequence[Mapping[tuple[str, ...], Any]], anchors: Sequence[set[str]], below: Sequence[int]
) -> Iterator[int]:
    """For each variant a bit mask of the earlier ones it contradicts.

    Variants are compared through what they affect, so unrelated variants cost nothing.

    Args:
        below: for each variant a bit mask of those it is declared to come after; these never contradict it.
    """
    done: dict[tuple[str, ...], list[tuple[Any, int]]] = {}
    needed: dict[str, int] = {}
    for right, (does, builds_on) in enumerate(zip(deeds, anchors, strict=True)):
        bit, free = 1 << right, ~below[right]
        at_odds = 0
        for target, deed in does.items():
            before = done.setdefault(target, [])
            for other, those in before:
                if those & free and other != deed:
                    at_odds |= those & free
            if before and before[-1][0] == deed:
                before[-1] = (deed, before[-1][1] | bit)
            else:
                before.append((deed, bit))
            if target[0] == "id" and deed == "removes":
                at_odds |= needed.get(target[-1], 0) & free
        for id in builds_on:
            for other, those in done.get(("id", id), ()):
                if other == "removes":
                    at_odds |= those & free & (bit - 1)
            needed[id] = needed.get(id, 0) | bit
        yield at_odds


def _below(variants: Sequence[NamedLayer]) -> list[int]:
    """For each variant a bit mask of those it is declared to come after, directly or indirectly."""
    index = {variant.name: place for place, variant in enumerate(variants)}
    below: list[int] = []
    for variant in variants:
        bits = 0
        for name in comes_directly_after(variant):
            place = index.get(name)
            if place is not None and place < len(below):
                bits |= 1 << place | below[place]
        below.append(bits)
    return below


def _compare(
    a: NamedLayer,
    did: Mapping[tuple[str, ...], Any],
    a_anchors: set[str],
    b: NamedLayer,
    does: Mapping[tuple[str, ...], Any],
    b_anchors: set[str],
) -> None:
    for target in sorted(did.keys() & does.keys()):
        if did[target] != does[target]:
            raise _conflict(a.name, _word(did[target], target), b.name, _word(does[target], target), target)
    for one, deeds, other, anchors in ((a, did, b, b_anchors), (b, does, a, a_anchors)):
        for id in sorted(anchors):
            if deeds.get(("id", id)) == "removes":
                raise _conflict(one.name, "removes", other.name, "builds on", ("id", id))


def _word(deed: Any, target: tuple[str, ...]) -> str:
    if deed == "removes":
        return "removes"
    return "replaces" if target[0] == "id" else "sets"


def _conflict(a: str, did: str, b: str, does: str, target: tuple[str, ...]) -> Unresolvable:
    what = f"`{target[-1]}`" if target[0] == "id" else f"{target[0]} `{'.'.join(target[1:])}`"
    deeds = f"both {did.removesuffix('s')}" if did == does else f"`{a}` {did} and `{b}` {does}"
    differently = " differently" if did == does else ""
    return Unresolvable(
        f"the variants `{a}` and `{b}` conflict: {deeds} {what}{differently}",
        hint="choose one of them, or declare `order: {after: [the other]}` in one",
    )
