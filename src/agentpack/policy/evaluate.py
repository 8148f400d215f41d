"""Parse policies, and evaluate their rules against the facts about a release.

Pure. Which files are read is decided in `wanted/policy_check.py`. Here each rule gives a verdict on one release, with
the line of the file that decided it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from packaging.version import Version

from agentpack.model.dates import DAY
from agentpack.model.globs import fits, fits_path
from agentpack.model.requirement import parse_requirement
from agentpack.policy.policy import Policy, PolicyEntry, PolicyList, PolicyLists, denies, grants

_GNU = re.compile(r"((?:A|L)?GPL-[0-9.]+|GFDL-[0-9.]+)(\+)?\Z")


class ReleaseFacts(NamedTuple):
    """The facts about a requested release. None means unknown, which fails every rule that needs the fact."""

    pack: str
    version: str
    variants: tuple[str, ...]
    source: str
    """The name of the source that offers it."""
    place: str
    """The real place of that source: a folder or an address; the release's own place if a link leads out of the source.
    """
    license: str | None
    size: int | None
    """The total size of its files in bytes."""
    age: int | None
    """Seconds since its release; negative if that is in the future."""
    capabilities: Mapping[str, str] = {}
    """Each capability of its files, with one client that grants it."""
    spellings: tuple[str, ...] = ()
    """Other names of the source's and the release's place."""
    unsigned: str | None = None
    """Why a release from git counts as unsigned; None if it is signed, or not from git."""
    own: bool = False
    """A pack made from the user's own files: nobody released it, and it needs no licence."""


class Verdict(NamedTuple):
    """The verdict of one rule on a release, and the line that decided it."""

    allowed: bool
    rule: str
    """The key in the policy file: `packs.deny`, `minimum_age`."""
    file: str
    line: int
    why: str


def read_policy(data: bytes, file: str) -> dict[str, Any]:
    """The checked data of a policy file, for `Policy.from_data`.

    Raises:
        InvalidFile: lists every fault.
    """
    from agentpack.input.documents import decode, read_yaml  # only for a policy not met before
    from agentpack.input.schemas import validate

    return validate("policy", read_yaml(decode(data, file), file))


def release_verdicts(policy: Policy, facts: ReleaseFacts) -> tuple[Verdict, ...]:
    """The verdict of each rule on the release, in the order of the reference page."""
    licenses = _Licences(policy.licenses)
    return (
        *source_verdicts(policy.sources, facts.source, (facts.place, *facts.spellings)),
        *_judged("packs", policy.packs, f"pack `{facts.pack}`", lambda entry: _is_pack(str(entry), facts)),
        *(() if facts.own and facts.license is None else licenses.judged(facts.license)),
        *_capabilities(policy.capabilities, facts.capabilities),
        *(() if facts.own else age_verdicts(policy, facts.age)),
        *_size(policy.maximum_size, facts.size),
        *_signature(policy.signed_tags, facts.unsigned),
    )


def refusals(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts that refuse."""
    return tuple(verdict for verdict in verdicts if not verdict.allowed)


def age_verdicts(policy: Policy, age: int | None) -> tuple[Verdict, ...]:
    """The verdict on a release's age in seconds; empty if the policy has no minimum age."""
    limit = policy.minimum_age
    if limit is None or limit.value == 0:
        return ()
    if age is None:
        words = "its release date is unknown"
    elif age < 0:
        words = "its release date is in the future"
    else:
        days = age // DAY
        words = f"it was released {f'{days} days' if days != 1 else 'a day'} ago" if days else "it was released today"
    enough = age is not None and age >= int(limit.value) * DAY
    days = int(limit.value)
    why = f"{words}; {f'{days} days' if days != 1 else 'a day'} must have passed"
    return (Verdict(enough, "minimum_age", limit.file, limit.line, why),)


def _size(limit: PolicyEntry | None, size: int | None) -> Iterator[Verdict]:
    if limit is not None:
        fits = size is not None and size <= int(limit.value)
        words = "its size is unknown" if size is None else f"it has {size} bytes"
        yield Verdict(fits, "maximum_size", limit.file, limit.line, f"{words}, {limit.value} are allowed")


def _signature(limit: PolicyEntry | None, unsigned: str | None) -> Iterator[Verdict]:
    if limit is not None and limit.value:
        why = "its tag is signed, or it is not from git" if unsigned is None else unsigned
        yield Verdict(unsigned is None, "signed_tags", limit.file, limit.line, why)


def _judged(key: str, lists: PolicyLists, what: str, meets: Callable[[str | int], bool]) -> Iterator[Verdict]:
    """Verdicts of allow lists, then deny lists: the first matching entry decides."""
    for listed in lists.allow:
        found = next((entry for entry in listed.entries if meets(entry.value)), None)
        yield _of_allowed(f"{key}.allow", listed, found, what)
    if lists.deny:
        yield _of_denied(f"{key}.deny", lists.deny, next((e for e in lists.deny if meets(e.value)), None), what)


def _of_allowed(rule: str, listed: PolicyList, found: PolicyEntry | None, what: str) -> Verdict:
    if found is not None:
        return Verdict(True, rule, found.file, found.line, f"{what} is allowed by `{found.value}`")
    return Verdict(False, rule, listed.file, listed.line, f"{what} is not in the allowed list")


def _of_denied(rule: str, denied: Sequence[PolicyEntry], found: PolicyEntry | None, what: str) -> Verdict:
    if found is not None:
        return Verdict(False, rule, found.file, found.line, f"{what} is denied by `{found.value}`")
    return Verdict(True, rule, denied[0].file, denied[0].line, f"{what} is not in the denied list")


# Sources and packs.


def source_verdicts(lists: PolicyLists, source: str, places: Sequence[str]) -> Iterator[Verdict]:
    """Verdicts on a source: it is allowed by its real place, the first, and denied under any of its names, including
    everything below.
    """
    place = places[0]
    by_place = any(is_place(entry.value) for listed in lists.allow for entry in listed.entries)
    what = f"source `{source}`" + (f" at {place}" if by_place and place else "")

    def is_allowed(entry: str | int) -> bool:
        return _is_at(place, str(entry)) if is_place(entry) else entry == source

    def is_denied(entry: str | int) -> bool:
        if not is_place(entry):
            return entry == source
        return any(_is_at(name, str(entry), below=True) for name in places)

    yield from _judged("sources", PolicyLists(allow=lists.allow), what, is_allowed)
    yield from _judged("sources", PolicyLists(deny=lists.deny), what, is_denied)


def is_place(entry: str | int) -> bool:
    """Whether an entry is a place rather than the name of a source."""
    return "/" in str(entry)


def _is_at(place: str, entry: str, *, below: bool = False) -> bool:
    """Whether a place is the one of the entry: `*` matches one component, `/*` at the end everything below."""
    body = entry.removesuffix("/*").rstrip("/")
    if "://" in body:
        body = body.removesuffix(".git")  # of a repository, as `git_places.spellings` writes it
    if below or entry.endswith("/*"):
        return fits_path(body, place, below=True)
    return fits_path(body, place) or fits_path(body, place.removesuffix("/"))


def _is_pack(entry: str, facts: ReleaseFacts) -> bool:
    """Whether a name pattern or a requirement matches the release; pre-releases in the range match too."""
    if re.fullmatch(r"[a-z0-9*-]+", entry):
        return fits(entry, facts.pack)
    requirement = parse_requirement(entry)
    if requirement.pack != facts.pack or not set(requirement.variants) <= set(facts.variants):
        return False
    return not requirement.range or requirement.specifiers.contains(Version(facts.version), prereleases=True)


# Licences.


class _Licences:
    """Evaluates an SPDX expression: one alternative of `OR` must pass, all parts of `AND`."""

    def __init__(self, lists: PolicyLists) -> None:
        self.lists = lists

    def judged(self, text: str | None) -> Iterator[Verdict]:
        if not self.lists.allow and not self.lists.deny:
            return
        if text is None:
            yield from self._unknown("it has no licence")
            return
        parts = _expression(text)
        if parts is None:
            yield from self._unknown(f"`{text[:80]}` is not an SPDX expression")
            return
        refused = self._refusal(parts)
        if refused is not None:
            yield refused
            return
        what = f"licence `{text}`"
        for listed in self.lists.allow:
            found = next((entry for name in parts if (entry := _named(listed.entries, name))), None)
            yield _of_allowed("licenses.allow", listed, found, what)
        if self.lists.deny:
            yield _of_denied("licenses.deny", self.lists.deny, None, what)

    def _unknown(self, words: str) -> Iterator[Verdict]:
        for listed in self.lists.allow:
            yield Verdict(False, "licenses.allow", listed.file, listed.line, words)
        if self.lists.deny and not self.lists.allow:
            first = self.lists.deny[0]
            yield Verdict(True, "licenses.deny", first.file, first.line, f"{words}, so none is denied")

    def _refusal(self, parts: Sequence[str]) -> Verdict | None:
        """Why the expression (in prefix order) is refused; None if it passes."""
        part, rest = parts[0], parts[1:]
        if part not in ("AND", "OR"):
            return self._single(part)
        first = self._refusal(rest)
        second = self._refusal(rest[_length(rest) :])
        if part == "AND":
            return first or second
        return None if first is None or second is None else first

    def _single(self, name: str) -> Verdict | None:
        what = f"licence `{name}`"
        found = _named(self.lists.deny, name)
        if found is not None:
            return _of_denied("licenses.deny", self.lists.deny, found, what)
        for listed in self.lists.allow:
            if _named(listed.entries, name) is None:
                return _of_allowed("licenses.allow", listed, None, what)
        return None


def _named(entries: Iterable[PolicyEntry], name: str) -> PolicyEntry | None:
    """The entry that matches a licence, or None. An exception (`WITH`) and a `+` only add rights, so the plain
    licence matches too, in allow and deny lists.
    """
    plain, _, _ = name.partition(" WITH ")
    means = {name, plain, plain.removesuffix("+")} | {_modern(plain)}
    return next((entry for entry in entries if str(entry.value) in means or _modern(str(entry.value)) in means), None)


def _modern(name: str) -> str:
    """The current SPDX name of a GNU licence: `GPL-3.0` is `GPL-3.0-only`, `GPL-3.0+` is `GPL-3.0-or-later`."""
    found = _GNU.match(name)
    return name if found is None else found[1] + ("-or-later" if found[2] else "-only")


def _expression(text: str) -> list[str] | None:
    """An SPDX expression in prefix order: `["OR", "MIT", "Apache-2.0"]`; None if it is not valid."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        words = re.findall(r"[()]|[^\s()]+", str(canonicalize_license_expression(text)))
    except (InvalidLicenseExpression, RecursionError, MemoryError):
        return None
    output: list[list[str]] = []
    waiting: list[str] = []

    def reduce() -> None:
        operator, second, first = waiting.pop(), output.pop(), output.pop()
        output.append([operator, *first, *second])

    rank = {"OR": 1, "AND": 2}
    for index, word in enumerate(words):
        if word == "WITH":
            output[-1] = [f"{output[-1][0]} WITH {words[index + 1]}"]
        elif index and words[index - 1] == "WITH":
            continue
        elif word in rank:
            while waiting and rank.get(waiting[-1], 0) >= rank[word]:
                reduce()
            waiting.append(word)
        elif word == "(":
            waiting.append(word)
        elif word == ")":
            while waiting[-1] != "(":
                reduce()
            waiting.pop()
        else:
            output.append([word])
    while waiting:
        reduce()
    return output[0]


def _length(parts: Sequence[str]) -> int:
    """The number of parts in the first operand."""
    open, count = 1, 0
    while open:
        open += 1 if parts[count] in ("AND", "OR") else -1
        count += 1
    return count


# Capabilities.


def _capabilities(lists: PolicyLists, found: Mapping[str, str]) -> Iterator[Verdict]:
    for listed in lists.allow:
        missing = next((word for word in sorted(found) if not _within(word, listed.entries)), None)
        if missing is None:
            yield Verdict(True, "capabilities.allow", listed.file, listed.line, "all its capabilities are allowed")
        else:
            why = f"`{missing}` ({found[missing]}) is not in the allowed list"
            yield Verdict(False, "capabilities.allow", listed.file, listed.line, why)
    if lists.deny:
        pairs = ((word, entry) for word in sorted(found) for entry in lists.deny if denies(str(entry.value), word))
        pair = next(pairs, None)
        if pair is None:
            first = lists.deny[0]
            yield Verdict(True, "capabilities.deny", first.file, first.line, "none of its capabilities is denied")
        else:
            word, entry = pair
            why = f"`{word}` ({found[word]}) is denied by `{entry.value}`"
            yield Verdict(False, "capabilities.deny", entry.file, entry.line, why)


def _within(word: str, entries: Iterable[PolicyEntry]) -> bool:
    """Whether an allow list includes the word. A list without models does not restrict models."""
    allowed = [str(entry.value) for entry in entries]
    if word.startswith("model:") and not any(entry.startswith("model") for entry in allowed):
        return True
    return any(grants(entry, word) for entry in allowed)
