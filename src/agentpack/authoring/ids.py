"""Ids: every rule and section of a pack needs one, so that variants, diffs and users can name it."""

from collections.abc import Iterator

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject, pieces
from agentpack.compose.parse import Layer, lost_attributes, with_attributes
from agentpack.edits.rules import fresh_id, short


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Rules and sections without an id. (In a variant, that is found when it is read.)"""
    for layer in subject.layers():
        yield from attributes_in_text(layer, subject.place(layer.file))
        for section, rule in pieces(layer):
            part, text = (section, section.heading.lstrip("# ")) if rule is None else (rule, rule.text)
            if part.id is None and lost_attributes(text) is None:
                what = f"the section `{text}`" if rule is None else f"`{short(text)}`"
                hint = "`--fix` makes one from its words"
                yield CheckFinding(subject.place(layer.file), part.line, "P201", f"{what} has no id", hint)


def attributes_in_text(layer: Layer, file: str) -> Iterator[CheckFinding]:
    """Attributes that are text, for want of an id in the same braces."""
    for section, rule in pieces(layer):
        part, text = (section, section.heading) if rule is None else (rule, rule.text)
        if (lost := lost_attributes(text)) is not None:
            words = with_attributes(part.id or fresh_id(lost[0].lstrip("#"), set()), lost[1])
            hint = f"write `{{#{words}}}`" + ("; `--fix` does it" if part.id is None else "")
            yield CheckFinding(file, part.line, "P201", f"`{{{lost[1]}}}` needs an id; as it is, it is text", hint)
