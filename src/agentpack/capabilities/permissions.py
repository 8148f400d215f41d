"""What a map of permissions grants a tool: of the rules that match, the later ones replace the earlier ones.

Decides which rules are in force for a tool, for a pattern, and for the tools that nothing names. What those mean in
words is left to `meaning.py`. The order of rules counts, so they are kept and compared as they stand.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.capabilities.words import digest
from agentpack.model.capabilities import ASK, ASK_OR_DENY, DENIED, LIMITS, SOME_ASK, UNLIMITED
from agentpack.model.globs import Glob

MAX_TRIED = 50_000_000
"""Characters of patterns times characters of the names they are tried on, in one file."""
Rules = tuple[tuple[str, str], ...]
"""Pairs of what a tool is used on (a pattern) and `allow`, `ask` or `deny`, of which the last that matches counts."""
ALLOWED: Rules = (("*", "allow"),)
ASKED: Rules = (("*", "ask"),)


class PermissionKey(NamedTuple):
    """One key of the map: the tools it matches, and their rules."""

    place: int
    name: str
    rules: Rules
    glob: Glob | None
    """None for the name of one tool."""

    def matches(self, name: str) -> bool:
        if self.glob is None:
            return self.name == name
        # ` *` at the end may be missing in what it matches
        return self.glob.fits(name) or (self.name.endswith(" *") and self.glob.fits(f"{name} "))

    def may_meet(self, other: "PermissionKey") -> bool:
        """Whether some name may be matched by both, of which this is a pattern."""
        if other.glob is None:
            return self.matches(other.name)
        one, two = (key.name.partition("*")[0].partition("?")[0] for key in (self, other))
        return one.startswith(two) or two.startswith(one)


class PermissionMap:
    """The permissions of one file."""

    def __init__(self, grants: Mapping[str, Any]) -> None:
        keys = [
            PermissionKey(place, name, rules_of(grant), Glob(name, single=True) if "*" in name or "?" in name else None)
            for place, (name, grant) in enumerate(grants.items())
            if name and rules_of(grant)
        ]
        self.plain = {key.name: key for key in keys if key.glob is None}
        """The keys that name one tool."""
        self.patterns = {key.name: key for key in keys if key.glob is not None}
        self._all = [key for name, key in reversed(self.patterns.items()) if not name.strip("*")]
        self.every = _joined(self._all)
        """The rules of a tool that nothing but stars match. `?*` is none of these: it might leave some tools alone."""

    def __contains__(self, name: object) -> bool:
        return name in self.plain or name in self.patterns

    def tries(self, names: int) -> int:
        """How many characters are compared at most to find the rules for every name.

        Args:
            names: the number of characters in further names.
        """
        tried = sum(len(key.name) + 9 + sum(len(inner) + 9 for inner, _ in key.rules) for key in self.patterns.values())
        return tried * (names + sum(len(name) + 1 for name in (*self.plain, *self.patterns)))

    def of_tool(self, name: str) -> Rules:
        """The rules in force for a tool."""
        return _joined(self._matching(name))

    def of_pattern(self, name: str) -> Rules:
        """The rules in force for some tool that a pattern matches: only stars that come later surely replace them."""
        key = self.patterns[name]
        return _joined((*(one for one in self._all if one.place > key.place), key))

    def exceptions_to(self, name: str) -> tuple[PermissionKey, ...]:
        """The later keys that may match some of what a pattern matches."""
        key = self.patterns[name]
        return tuple(
            other
            for other in (*self.plain.values(), *self.patterns.values())
            if other.place > key.place and other.name.strip("*") and key.may_meet(other)
        )

    def _matching(self, name: str) -> Iterator[PermissionKey]:
        """The keys that match a name, the last one first."""
        own = self.plain.get(name)
        for key in reversed(self.patterns.values()):
            if own is not None and own.place > key.place:
                yield own
                own = None
            if key.matches(name):
                yield key
        if own is not None:
            yield own


def in_force(rules: Rules) -> Rules:
    """The rules without those that a later one for everything replaces."""
    return rules[max((place for place, (inner, _) in enumerate(rules) if inner == "*"), default=0) :]


def is_denial(rules: Rules) -> bool:
    """Whether rules in force leave nothing of a tool."""
    return limit_of(rules) == DENIED


def allows(rules: Rules) -> bool:
    """Whether rules allow some use without asking."""
    return any(action == "allow" for _, action in rules)


def limit_of(rules: Rules, exceptions: Collection[tuple[str, Rules]] = ()) -> str:
    """How rules in force limit a tool, in the words of `model/capabilities.py`.

    Args:
        exceptions: further keys that some of the tools in question may match, and their rules.
    """
    actions = {action for some in (rules, *(more for _, more in exceptions)) for _, action in some}
    is_whole = bool(rules) and rules[0][0] == "*"
    if actions <= {"allow"}:
        return UNLIMITED
    if is_whole and len(actions) == 1:
        return DENIED if actions == {"deny"} else ASK
    kind = ASK_OR_DENY if is_whole and "allow" not in actions else LIMITS if "deny" in actions else SOME_ASK
    return kind + digest((rules, exceptions) if exceptions else rules)


def _joined(keys: Iterable[PermissionKey]) -> Rules:
    """The rules in force of these keys. `keys` is given last key first, and the result is in the client's order."""
    found: list[Rules] = []
    for key in keys:
        found.append(in_force(key.rules))
        if found[-1] and found[-1][0][0] == "*":
            break
    return tuple(rule for rules in reversed(found) for rule in rules)


def rules_of(grant: Any) -> Rules:
    """The rules in the value of a key."""
    return tuple(grant.items()) if isinstance(grant, dict) else (("*", grant),)
