"""What `pack check --fix` repairs: missing ids and the heading of the changelog. Nothing that affects meaning."""

from collections.abc import Iterator, Mapping

from agentpack.authoring.changelog import draft_entry, entry_for
from agentpack.authoring.subject import Subject, pieces
from agentpack.compose.compose import Pack
from agentpack.compose.parse import Layer, lost_attributes, with_attributes
from agentpack.edits.rules import braced, with_ids
from agentpack.model.changelog import FILE
from agentpack.model.line_ends import as_lf, with_ends_of
from agentpack.model.persona import Section


def missing_ids(pack: Pack, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The files whose rules and headings get ids, by POSIX path, with their new bytes.

    Args:
        pack: rules of its variants may lack ids. A heading without one means the persona's section of that heading.
    """
    changed: dict[str, bytes] = {}
    for name, persona in sorted(pack.personas.items()):
        own = with_ids(_plain(persona), (), "")
        rows = [
            (persona, own),
            *((layer, with_ids(_plain(layer), own, "")) for layer in pack.variants.get(name, {}).values()),
        ]
        for layer, sections in rows:
            path = layer.file.partition("/")[2]
            before = files[path]
            text = as_lf(before).decode("utf-8")
            fixed = "\n".join(_with_ids(layer, layer._replace(sections=sections), text.split("\n")))
            if fixed != text:
                changed[path] = with_ends_of(before, fixed.encode())
    return changed


def changelog(subject: Subject) -> Mapping[str, bytes]:
    """The changelog with a heading for this version; empty if it has one."""
    data = subject.release.files.get(FILE, b"# Changelog\n")
    text = as_lf(data).decode("utf-8")
    if entry_for(text, subject.pack.version) is not None:
        return {}
    return {FILE: with_ends_of(data, _with_entry(text, draft_entry(subject, text)).encode())}


def _plain(layer: Layer) -> tuple[Section, ...]:
    """Its sections without the attributes that are text for want of an id, which shall not be words of that id."""
    return tuple(
        section._replace(
            heading=_kept(section.heading), rules=tuple(rule._replace(text=_kept(rule.text)) for rule in section.rules)
        )
        for section in layer.sections
    )


def _kept(text: str) -> str:
    lost = lost_attributes(text)
    return text if lost is None else lost[0]


def _with_ids(layer: Layer, named: Layer, lines: list[str]) -> Iterator[str]:
    wanted = {}
    for (section, rule), (same, same_rule) in zip(pieces(layer), pieces(named), strict=True):
        old, new = (section, same) if rule is None or same_rule is None else (rule, same_rule)
        if old.id is None and old.line and new.id is not None:
            wanted[old.line] = new.id
    for number, line in enumerate(lines, 1):
        if number in wanted:
            kept, lost = lost_attributes(line) or (line.rstrip(" \t"), "")
            yield braced(kept, with_attributes(wanted[number], lost))
        else:
            yield line


def _with_entry(text: str, entry: str) -> str:
    """The text with the entry before the first existing one, else at the end."""
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines) if line.startswith("## ")), None)
    if at is None:
        return text.rstrip("\n") + "\n\n" + entry
    return "\n".join(lines[:at]) + "\n" + entry + "\n" + "\n".join(lines[at:])
