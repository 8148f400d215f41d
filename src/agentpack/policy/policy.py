"""Who may install what, as a value: what policy files say, and the strictest of several.

Each setting keeps the file and line that said it. Several files meet without order: lists of what is allowed must all
allow, lists of what is denied add up, ages and sizes take the stricter, and a file that says nothing about something
does not restrict it. What a policy means for a release is decided in `policy/evaluate.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from agentpack.model import capabilities as may
from agentpack.model.fields import TOOLS


class PolicyEntry(NamedTuple):
    """One item of a list, or the value of one setting, and where it stands; lines count from 1."""

    value: str | int
    file: str
    line: int


class PolicyList(NamedTuple):
    """One list of one file, and where its key stands."""

    entries: tuple[PolicyEntry, ...]
    file: str
    line: int


class PolicyLists(NamedTuple):
    """What is allowed and denied of one thing, by all files."""

    allow: tuple[PolicyList, ...] = ()
    """Each of them must allow; none: everything is allowed."""
    deny: tuple[PolicyEntry, ...] = ()
    """Each of them refuses."""


class Policy(NamedTuple):
    """What all policy files say together."""

    sources: PolicyLists = PolicyLists()
    packs: PolicyLists = PolicyLists()
    licenses: PolicyLists = PolicyLists()
    capabilities: PolicyLists = PolicyLists()
    accept: tuple[PolicyList, ...] = ()
    """Capabilities that an upgrade may add without `--accept`: those in every one of the lists."""
    hidden_text: PolicyEntry | None = None
    """`refuse` or `report`; None where no file says."""
    minimum_age: PolicyEntry | None = None
    """Days since the release."""
    maximum_size: PolicyEntry | None = None
    """Bytes of a release's files."""
    files: tuple[str, ...] = ()
    """The files that were read, whatever they say."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any], file: str) -> "Policy":
        """The policy that checked data (`input/schemas/`) of one file stands for."""

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
            files=(file,),
        )

    @property
    def reports_hidden_text(self) -> bool:
        """Whether hidden text is only reported; it is refused unless a policy says `report` and none says `refuse`."""
        return self.hidden_text is not None and self.hidden_text.value == "report"

    @property
    def has_rules(self) -> bool:
        """Whether there is anything that a release could be refused by."""
        limits = self.minimum_age is not None or self.maximum_size is not None
        every = (self.sources, self.packs, self.licenses, self.capabilities)
        return limits or any(lists.allow or lists.deny for lists in every)

    def accepts_widening(self, capability: str) -> bool:
        """Whether an upgrade may add the capability without `--accept`."""
        return bool(self.accept) and all(
            any(grants(str(entry.value), capability) for entry in listed.entries) for listed in self.accept
        )


def strictest(policies: Iterable[Policy]) -> Policy:
    """What all of them say together: never allows what one of them refuses.

    The order makes no difference, and neither does a policy that is met twice.
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
        files=tuple(sorted({file for policy in every for file in policy.files})),
    )


def covers(pattern: str, word: str) -> bool:
    """Whether a pattern, in which `*` stands for any text, is met by the whole word."""
    if "*" not in pattern:
        return pattern == word
    first, *middle, last = pattern.split("*")
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    at, end = len(first), len(word) - len(last)
    for part in middle:
        found = word.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def grants(entry: str, capability: str) -> bool:
    """Whether what an entry allows includes the capability: it is that word, its pattern, or a wider word."""
    return covers(entry, capability) or ("*" not in entry and may.accepted((entry,), "", capability))


def denies(entry: str, capability: str) -> bool:
    """Whether an entry denies a capability: it is that word or its pattern, or the capability gives any part of it."""
    if covers(entry, capability) or capability.startswith((f"{entry}:", f"{entry}~")):
        return True
    tool = entry.removesuffix(":*")
    return is_tool(tool) and may.gives_of(capability, tool)


def is_tool(capability: str) -> bool:
    """Whether a capability, or the head of some, is the use of a tool."""
    return capability in (*TOOLS, "mcp", "tool") or capability.startswith(("mcp:", "tool:"))
