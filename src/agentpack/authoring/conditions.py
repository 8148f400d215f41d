"""Parameters and conditions: conditions that never hold, and parameters without effect."""

from collections.abc import Iterable, Iterator
from itertools import combinations

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject, pieces
from agentpack.compose.parse import Layer
from agentpack.compose.substitute import PLACEHOLDER


def exclude_each_other(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether all conditions of both sets can never hold together. False if that cannot be shown."""
    return any(_contradict(one, other) for one in some for other in others)


def _contradict(one: str, other: str) -> bool:
    (name, wanted, yes), (name_2, wanted_2, yes_2) = _read(one), _read(other)
    if name != name_2:
        return False
    if yes and yes_2:
        return wanted != wanted_2
    return wanted == wanted_2 and yes is not yes_2


def _read(condition: str) -> tuple[str, str, bool]:
    """Name, value, and whether the condition demands it. A flag demands `true`; `!flag` equals `flag:false`."""
    yes = not condition.startswith("!")
    name, colon, value = condition.removeprefix("!").partition(":")
    if (not colon or value in ("true", "false")) and not yes:
        return name, "true" if value == "false" else "false", True
    return name, value if colon else "true", yes


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Rules that no value shows, and parameters that nothing uses."""
    for layer in subject.layers():
        yield from _never_shown(layer, subject.place(layer.file))
    yield from _unused(subject)


def _never_shown(layer: Layer, file: str) -> Iterator[CheckFinding]:
    above: list[tuple[int, str]] = []
    for section, rule in pieces(layer):
        if rule is None:
            above = [row for row in above if row[0] < section.level]
            around = [when for _, when in above]
            part_when = section.when
            if part_when is not None:
                above.append((section.level, part_when))
        else:
            around = [when for _, when in above]
            part_when = rule.when
        part = section if rule is None else rule
        conditions = [*around, *([part_when] if part_when is not None else [])]
        for one, other in combinations(conditions, 2):
            if part_when in (one, other) and _contradict(one, other):
                message = f"`{part.id}` is never rendered: `when={one}` and `when={other}` exclude each other"
                yield CheckFinding(file, part.line, "P501", message)


def _unused(subject: Subject) -> Iterator[CheckFinding]:
    used = set()
    for layer in subject.layers():
        used |= set(_used_by(layer))
    for declaration in subject.pack.declarations.values():
        used |= {bound for bound in (declaration.minimum, declaration.maximum) if isinstance(bound, str)}
    if any("extends" in layer.header for layer in subject.pack.personas.values()):
        return  # what the text of another pack makes of it is not seen from here
    for name in subject.pack.header.get("parameters", {}):
        if name not in used:
            line = _line_of(subject, name)
            hint = "remove it, or make a rule depend on it"
            yield CheckFinding(
                f"{subject.folder}/pack.yaml", line, "P502", f"no text uses the parameter `{name}`", hint
            )


def _used_by(layer: Layer) -> Iterator[str]:
    texts = [section.heading for section in layer.sections]
    texts += [rule.text for section in layer.sections for rule in section.rules]
    for value in {**layer.header, **layer.header.get("set", {})}.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                texts.append(str(part.get("text", "")))
                if part.get("when"):
                    yield _read(part["when"])[0]
            else:
                texts.append(str(part))
    for section, rule in pieces(layer):
        when = section.when if rule is None else rule.when
        if when is not None:
            yield _read(when)[0]
    for text in texts:
        yield from (match[1] for match in PLACEHOLDER.finditer(text) if match[1])


def _line_of(subject: Subject, name: str) -> int:
    lines = subject.release.files["pack.yaml"].decode().split("\n")
    return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(f"{name}:")), 0)
