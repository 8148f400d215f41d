"""The rules of `agentpack pack check` with their ids, and their findings.

An id never changes its meaning, so that teams can refer to it or ignore it. The hundreds group them: 1 the pack as a
whole, 2 ids, 3 size, 4 wording, 5 parameters and conditions, 6 references, 7 text, 8 releases, 9 libraries. Rules for
agent files begin with `A`: 1 header, 2 name and description, 3 tools, 4 other fields, 5 text.

A note never counts: it says what may be hard on the reader, which only the author can judge.
"""

from typing import NamedTuple

ERROR, WARNING, NOTE = "error", "warning", "note"


class CheckRule(NamedTuple):
    """A rule of the check. `fixable`: `--fix` can repair it without changing meaning."""

    id: str
    name: str
    level: str
    meaning: str
    fixable: bool = False


class CheckFinding(NamedTuple):
    """One place that breaks a rule. `line` counts from 1; 0 for the whole file."""

    file: str
    line: int
    rule: str
    message: str
    hint: str | None = None
    level: str = ""
    """Empty for the rule's own level."""

    @property
    def weight(self) -> str:
        """`error`, `warning` or `note`."""
        return self.level or RULES[self.rule].level


_ALL = (
    CheckRule("P101", "unreadable", ERROR, "The pack is valid: manifest, personas and variants can be read."),
    CheckRule("P102", "no-readme", WARNING, "The pack has a README.md that says what it is for."),
    CheckRule("P103", "no-license", WARNING, "`license` is set in pack.yaml, and the text is in LICENSE."),
    CheckRule("P104", "no-tests", WARNING, "The pack has tests: `tests/*.yaml`."),
    CheckRule("P105", "too-old-reader", ERROR, "`agentpack` in pack.yaml allows only versions that can read the pack."),
    CheckRule("P201", "missing-id", ERROR, "Every rule and section has an id.", fixable=True),
    CheckRule("P202", "duplicate-id", ERROR, "Each id appears only once in a file."),
    CheckRule("P203", "id-removed", ERROR, "Released ids are not removed before the next major version."),
    CheckRule("P301", "core-too-long", WARNING, "The text that is always read stays within its budget."),
    CheckRule("P302", "description-too-long", WARNING, "The description stays within its budget."),
    CheckRule("P303", "variant-too-long", WARNING, "The text that a variant adds stays within its budget."),
    CheckRule("P304", "whole-too-long", ERROR, "The whole text with a variant stays within the variant's budget."),
    CheckRule("P305", "much-to-read", NOTE, "The text that is always read is short."),
    CheckRule("P401", "duplicate-rule", ERROR, "No two rules have the same text."),
    CheckRule("P402", "near-duplicate-rule", WARNING, "No two rules have nearly the same text."),
    CheckRule("P403", "names-products", NOTE, "Text that is always read names few products without a condition."),
    CheckRule("P404", "long-list", NOTE, "A long list that is always read says when its rules apply."),
    CheckRule("P501", "never-holds", ERROR, "The conditions of a rule do not contradict each other."),
    CheckRule("P502", "unused-parameter", ERROR, "Every parameter changes something."),
    CheckRule("P601", "dead-reference", ERROR, "References lead to something: ids, files, packs."),
    CheckRule("P602", "variants-at-odds", WARNING, "Variants that cannot be combined declare `conflicts`."),
    CheckRule("P701", "hidden-text", ERROR, "No text is hidden from the reader."),
    CheckRule("P801", "no-changelog", ERROR, "CHANGELOG.md says what changed in this version.", fixable=True),
    CheckRule("P802", "change-not-told", ERROR, "The changelog names every removed id, parameter and variant."),
    CheckRule("P803", "capability-not-told", ERROR, "The changelog names every widened capability."),
    CheckRule("P804", "version-too-small", ERROR, "The version matches the size of the change: patch, minor or major."),
    CheckRule("P901", "retired-library", ERROR, "A retired library is named only with its successor."),
    CheckRule("P902", "unchecked-claim", WARNING, "A rule that names a library's version has `checked=<date>`."),
    CheckRule("P903", "old-claim", NOTE, "A dated claim was checked within the last 180 days."),
    CheckRule("A101", "no-header", ERROR, "An agent file begins with the header that its client expects."),
    CheckRule("A102", "unreadable-agent", ERROR, "The client can read the file and its header."),
    CheckRule("A103", "header-cut", ERROR, "The header ends at a line `---`, not earlier."),
    CheckRule("A104", "value-cut", WARNING, "No `#` starts a comment within a name or description."),
    CheckRule("A105", "field-twice", WARNING, "Each field appears only once in a header."),
    CheckRule("A106", "not-read-here", WARNING, "The client looks for agents in this folder, with such file names."),
    CheckRule("A201", "no-name", ERROR, "The agent has a name that its client accepts."),
    CheckRule("A202", "no-description", ERROR, "The agent has a description."),
    CheckRule("A203", "name-twice", ERROR, "No two agents in a folder have the same name."),
    CheckRule("A204", "replaces-built-in", WARNING, "The agent does not have the name of a built-in agent."),
    CheckRule("A301", "unknown-tool", WARNING, "The client has the tools that the file names."),
    CheckRule("A302", "tool-case", WARNING, "Tool names have the client's upper and lower case."),
    CheckRule("A303", "tools-misread", WARNING, "The client reads the list of tools as its author intended."),
    CheckRule("A401", "unknown-model", WARNING, "The client knows the model."),
    CheckRule("A402", "unknown-field", WARNING, "The client knows the field."),
    CheckRule("A403", "bad-value", WARNING, "A field has a value that the client accepts."),
    CheckRule("A404", "no-effect", WARNING, "A restriction has an effect."),
    CheckRule("A501", "description-cut", WARNING, "The description is short enough for the client."),
    CheckRule("A502", "body-size", WARNING, "The text is neither too short nor too long for the client."),
    CheckRule("A503", "live-text", WARNING, "The text contains nothing that the client replaces or runs."),
)
RULES = {rule.id: rule for rule in _ALL}
