"""Policies as values: what each file says, and the strictest combination of several.

Each setting keeps the file and line it came from. Files combine in any order: every allow list must allow, deny lists
add up, ages and sizes take the stricter value, and a file without a setting does not restrict it. What a policy means
for a release is decided in `policy/evaluate.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from agentpack.model import capabilities as may
from agentpack.model.fields import TOOLS
from agentpack.model.globs import fits


class PolicyEntry(NamedTuple):
    """One list item or setting, with its file and line (from 1)."""

    value: str | int
    file: str
    line: int


class PolicyList(NamedTuple):
    """One list of one file, with the place of its key."""

    entries: tuple[PolicyEntry, ...]
    file: str
    line: int


class PolicyLists(NamedTuple):
    """The allow and deny lists of all files for one subject."""

    allow: tuple[PolicyList, ...] = ()
    """Every list must allow; without lists everything is allowed."""
    deny: tuple[PolicyEntry, ...] = ()
    """Any list may refuse."""


class Policy(NamedTuple):
    """All policy files combined."""

    sources: PolicyLists = PolicyLists()
    packs: PolicyLists = PolicyLists()
    licenses: PolicyLists = PolicyLists()
    capabilities: PolicyLists = PolicyLists()
    accept: tuple[PolicyList, ...] = ()
    """Capabilities an upgrade may add without `--accept`: those in every list."""
    hidden_text: PolicyEntry | None = None
    """`refuse` or `report`; None if no file says."""
    minimum_age: PolicyEntry | None = None
    """Days since the release."""
    maximum_size: PolicyEntry | None = None
    """Total bytes of a release's files."""
    signed_tags: PolicyEntry | None = None
    """1 if releases from git need a tag with a signature that the user trusts."""
    files: tuple[str, ...] = ()
    """All files that were read, whatever they contain."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any], file: str) -> "Policy":
        """The policy in checked data (`input/schemas/`) of one file."""

        def entry(key: str) -> PolicyEntry | None:
            return PolicyEntry(data[key][0], file, data[key][1]) if key in data else None

        def listed(key: str) -> tuple[PolicyList, ...]:
            if key not in data:
                return ()
            rows, line = data[key]
            return (PolicyList(tuple(sorted({PolicyEntry(value, file, at) for value, at in rows})), file, line),)

        def lists(key: str) -> PolicyLists:
            denied = listed(f"{key}.deny")
            return PolicyLists(listed(f"{key}.allow"), denied[0].entries if denied else ())

        return cls(
            sources=lists("sources"),
            packs=lists("packs"),
            licenses=lists("licenses"),
            capabilities=lists("capabilities"),
            accept=listed("capabilities.accept"),
            hidden_text=entry("hidden_text"),
            minimum_age=entry("minimum_age"),
            maximum_size=entry("maximum_size"),
            signed_tags=entry("signed_tags"),
            files=(file,),
        )

    @property
    def reports_hidden_text(self) -> bool:
        """Whether hidden text is only reported: if one policy says `report` and none says `refuse`."""
        return self.hidden_text is not None and self.hidden_text.value == "report"

    @property
    def has_rules(self) -> bool:
        """Whether any rule could refuse a release."""
        limits = any(limit is not None for limit in (self.minimum_age, self.maximum_size, self.signed_tags))
        every = (self.sources, self.packs, self.licenses, self.capabilities)
        return limits or any(lists.allow or lists.deny for lists in every)

    def accepts_widening(self, capability: str) -> bool:
        """Whether an upgrade may add the capability without `--accept`."""
        return bool(self.accept) and all(
            any(grants(str(entry.value), capability) for entry in listed.entries) for listed in self.accept
        )


def strictest(policies: Iterable[Policy]) -> Policy:
    """All policies combined: nothing is allowed that one of them refuses.

    Order and duplicates make no difference.
    """
    every = tuple(policies)

    def lists(key: str) -> PolicyLists:
        found: list[PolicyLists] = [getattr(policy, key) for policy in every]
        return PolicyLists(
            tuple(sorted({listed for one in found for listed in one.allow})),
            tuple(sorted({entry for one in found for entry in one.deny})),
        )

    def entries(key: str) -> list[PolicyEntry]:
        return sorted(entry for policy in every if (entry := getattr(policy, key)) is not None)

    def least(key: str) -> PolicyEntry | None:
        return next(iter(entries(key)), None)

    def most(key: str) -> PolicyEntry | None:
        found = entries(key)
        return next((entry for entry in found if entry.value == found[-1].value), None)

    return Policy(
        sources=lists("sources"),
        packs=lists("packs"),
        licenses=lists("licenses"),
        capabilities=lists("capabilities"),
        accept=tuple(sorted({listed for policy in every for listed in policy.accept})),
        hidden_text=least("hidden_text"),  # `refuse` stands before `report`
        minimum_age=most("minimum_age"),
        maximum_size=least("maximum_size"),
        signed_tags=most("signed_tags"),
        files=tuple(sorted({file for policy in every for file in policy.files})),
    )


def grants(entry: str, capability: str) -> bool:
    """Whether an allow entry includes the capability: the same word, a pattern for it, or a wider word."""
    return fits(entry, capability) or ("*" not in entry and may.accepted((entry,), "", capability))


def denies(entry: str, capability: str) -> bool:
    """Whether a deny entry matches a capability: the same word, a pattern for it, or something the capability
    includes.
    """
    if fits(entry, capability) or capability.startswith((f"{entry}:", f"{entry}~")):
        return True
    tool = entry.removesuffix(":*")
    return is_tool(tool) and may.gives_of(capability, tool)


def is_tool(capability: str) -> bool:
    """Whether a capability, or the head of one, is about a tool."""
    return capability in (*TOOLS, "mcp", "tool") or capability.startswith(("mcp:", "tool:"))
