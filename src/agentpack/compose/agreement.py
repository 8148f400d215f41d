"""Whether variants go together: what each does to which thing, and the refusal when two do different things to one.

What two variants do to the same field, parameter, section or rule must be the same, or one of them must be declared to
come after the other; else both are named in the refusal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.compose.parse import Layer
from agentpack.errors import Unresolvable
from agentpack.model.persona import Field, Origin, Section


class Named(NamedTuple):
    """A variant with its name and where it came from."""

    name: str
    layer: Layer
    origin: Origin
    settled: bool = False
    """Whether the lock has it as it is: an id that it names was there once, and a later release may be without it."""


class Missing(NamedTuple):
    """An id that a variant names and that nothing has: in its `remove`, else as the place of the rule `key`."""

    file: str
    line: int
    key: str
    id: str


class Draft(NamedTuple):
    """A persona with variants laid over it; conditions and placeholders are still open."""

    name: str
    fields: Mapping[str, Field]
    sections: tuple[Section, ...]
    defaults: Mapping[str, Any]
    """Parameter defaults that variants override."""
    gone: tuple[Missing, ...] = ()
    """What settled variants name and the release no longer has."""


def comes_directly_after(variant: Named) -> tuple[str, ...]:
    """The variants that this one is laid after."""
    return (*variant.layer.header["order"]["after"], *variant.layer.header["requires"])


def _comes_after(later: Named, earlier: Named, chosen: Mapping[str, Named]) -> bool:
    seen: set[str] = set()
    waiting = list(comes_directly_after(later))
    while waiting:
        name = waiting.pop()
        if name == earlier.name:
            return True
        if name in chosen and name not in seen:
            seen.add(name)
            waiting.extend(comes_directly_after(chosen[name]))
    return False


def ids_of(sections: Iterable[Section]) -> set[str]:
    """Every id of sections and rules."""
    return {id for section in sections for id in (section.id, *(rule.id for rule in section.rules)) if id is not None}


def _inside(sections: Sequence[Section], id: str) -> set[str]:
    """The ids that go when this id is removed: its own, and for a section those of its rules and deeper sections."""
    for index, section in enumerate(sections):
        if section.id == id:
            return ids_of(sections[index : section_end(sections, index)])
    return {id}


def section_end(sections: Sequence[Section], index: int) -> int:
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


def refuse_disagreement(draft: Draft, variants: Sequence[Named]) -> None:
    """Raise Unresolvable when two variants do different things to the same field, parameter, section or rule."""
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
