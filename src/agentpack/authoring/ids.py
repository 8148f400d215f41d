"""Ids: every rule and section of a pack needs one, so that variants, diffs and users can name it."""

from collections.abc import Iterator

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject, pieces
from agentpack.edits.rules import short


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Rules and sections without an id. (In a variant that is an error when it is read.)"""
    for layer in subject.layers():
        for section, rule in pieces(layer):
            part = section if rule is None else rule
            if part.id is None:
                what = f"the section `{section.heading.lstrip('# ')}`" if rule is None else f"`{short(rule.text)}`"
                hint = "`--fix` makes one from its words"
                yield CheckFinding(subject.place(layer.file), part.line, "P201", f"{what} has no id", hint)
