"""Turn an edited text into a variant of its persona that makes the same edit, or say why no variant can.

Sections are paired first, then the rules within them; what is left over on one side was removed or added. Whether
the variant really gives the edited text is for the caller to check, by rendering it: here only what a variant has no
words for is refused, each with its place.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from agentpack.compose.conflicts import ids_of
from agentpack.compose.parse import MAX_RULES, MAX_TEXT, parse_sections
from agentpack.compose.substitute import PLACEHOLDER, as_text, substitute
from agentpack.differences.lines import longest_run, matches
from agentpack.differences.rules import entries_of, pair
from agentpack.input.parameters import Value
from agentpack.model.persona import Rule, Section
from agentpack.writers.emit import yaml_header

_LONGEST = 4000
_STEPS = 1_000_000
"""So much is done to find the values of placeholders in an edited rule, by `matches`; then less finely."""
_WORD = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\A\d+(?=[.)][ \t])")


class RuleEdit(NamedTuple):
    """A rule changed (`old` is what it was) or new. A new one goes behind `after`, or before `before`, or to its
    section's end."""

    id: str
    text: str
    kind: str
    old: Rule | None = None
    after: str | None = None
    before: str | None = None


class SectionEdit(NamedTuple):
    """The edits in one section.

    `old` is None if the section is new. `heading` is None if it is unchanged and not needed to find the section. A
    heading without an id stands for the persona's section of that heading.
    """

    old: Section | None
    id: str | None
    heading: str | None
    rules: tuple[RuleEdit, ...]
    after: str | None = None
    before: str | None = None


class Edits(NamedTuple):
    """The edits of a body: removed rules and sections, edits by section, and `unsaid`, descriptions of edits that a
    variant cannot express.
    """

    removed: tuple[Rule | Section, ...]
    sections: tuple[SectionEdit, ...]
    unsaid: tuple[str, ...]


def read_edits(sections: Sequence[Section], body: str, taken: Set[str]) -> Edits:
    """What was done to the sections of a persona so that they read like this.

    Args:
        taken: ids that new rules and sections must not get.
    """
    if len(body) > MAX_TEXT:
        return Edits((), (), (f"more than {MAX_TEXT // 1024} Ki characters",))
    found = parse_sections(body)
    if sum(1 + len(section.rules) for section in found) > MAX_RULES + 1:
        return Edits((), (), (f"more than {MAX_RULES:,} rules and headings",))
    reader = _Reader(set(taken))
    reader.read(sections, found)
    return Edits(tuple(reader.removed), tuple(reader.sections), tuple(dict.fromkeys(reader.unsaid)))


class _Reader:
    """Matches the old sections and rules with the new ones, and collects the edits."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.removed: list[Rule | Section] = []
        self.sections: list[SectionEdit] = []
        self.unsaid: list[str] = []
        self.gone: list[Rule] = []
        self.fresh: list[str] = []
        self.named: Mapping[str, Section] = {}

    def read(self, old: Sequence[Section], new: Sequence[Section]) -> None:
        self.named = _by_heading(old)
        pairs, rules = _paired(old, new)
        kept = {a for a, b in pairs if a is not None and b is not None}
        for index, (a, b) in enumerate(pairs):
            if a is not None and b is not None:
                self.changed(old[a], new[b], rules[a, b])
            elif a is not None:
                self.lost(old, a, kept)
            elif b is not None:
                self.added(new[b], *_neighbours(pairs, index, old))
        self.refuse_moves()
        self.refuse_numbers(old, new)

    def changed(self, old: Section, new: Section, same: Sequence[tuple[int, int]]) -> None:
        heading = None
        if (old.heading, old.level) != (new.heading, new.level):
            heading = new.heading
            if old.id is None:
                self.refuse("heading", old.heading, "was changed")
        rules = tuple(self.rules(old, new, same))
        if old.id is None and any(rule.old is None and not (rule.after or rule.before) for rule in rules):
            heading = old.heading if old.level else None
        if rules or heading is not None:
            self.sections.append(SectionEdit(old, old.id, heading, rules))

    def lost(self, sections: Sequence[Section], index: int, kept: Set[int]) -> None:
        section = sections[index]
        self.gone += section.rules
        deeper = index + 1
        while deeper < len(sections) and sections[deeper].level > section.level:
            if deeper in kept:
                self.unsaid.append(f"the heading “{short(section.heading)}” was removed, but not everything below it")
                return
            deeper += 1
        if section.id is None:
            self.refuse("heading", section.heading, "was removed")
        else:
            self.removed.append(section)

    def added(self, section: Section, after: Section | None, before: Section | None) -> None:
        place: dict[str, str | None] = {}
        if before is not None:
            if before.id is not None:
                place = {"before": before.id}
            elif after is not None and after.id is not None:
                place = {"after": after.id}
            else:
                self.unsaid.append(f"no heading with an id is next to the new heading “{short(section.heading)}”")
        id = self.fresh_id(section.heading)
        rules = []
        for rule in section.rules:
            self.fresh.append(rule.text)
            rules.append(RuleEdit(self.fresh_id(rule.text), rule.text, rule.kind))
        self.sections.append(SectionEdit(None, id, section.heading, tuple(rules), **place))

    def rules(self, old: Section, new: Section, same: Sequence[tuple[int, int]]) -> Iterator[RuleEdit]:
        previous: str | None = None
        waiting: list[Rule] = []
        found: list[RuleEdit] = []
        for i, j in _side_by_side(same, len(old.rules), len(new.rules)):
            was, now = None if i is None else old.rules[i], None if j is None else new.rules[j]
            if now is None and was is not None:
                self.take_out(was)
            elif was is None and now is not None:
                if previous is None:
                    waiting.append(now)
                else:
                    previous = self.insert(found, now, after=previous)
            elif was is not None and now is not None:
                for rule in waiting:
                    self.insert(found, rule, before=was.id)
                if waiting and was.id is None:
                    self.unsaid.append(f"no rule with an id is next to the new one “{short(waiting[0].text)}”")
                waiting, previous = [], was.id
                if was.text != now.text:
                    self.change(found, was, now)
        for rule in waiting:  # nothing of the section is left but its heading
            self.insert(found, rule, after=old.id)
        if waiting and old.level and old.id is None and not self.is_found_by_heading(old, new):
            self.unsaid.append(f"the heading above the new rule “{short(waiting[0].text)}” has no id")
        yield from found

    def is_found_by_heading(self, old: Section, new: Section) -> bool:
        return self.named[old.heading] is old and old.heading == new.heading

    def change(self, found: list[RuleEdit], was: Rule, now: Rule) -> None:
        if was.id is None:
            self.refuse("rule", was.text, "was changed")
        else:
            found.append(RuleEdit(was.id, now.text, now.kind, old=was))

    def refuse(self, what: str, text: str, done: str) -> None:
        """Note in `unsaid` that a rule or heading without an id was changed or taken out, which no variant can express.

        Args:
            what: the kind of entry: `heading`, or another.
            text: what it said.
            done: what happened to it, as a verb: `was changed`.
        """
        if what == "heading":
            self.unsaid.append(f"the heading “{short(text)}” {done} and has no id")
        else:
            self.unsaid.append(f"a rule without an id {done}: “{short(text)}”")

    def take_out(self, was: Rule) -> None:
        self.gone.append(was)
        if was.id is None:
            self.refuse("rule", was.text, "was removed")
        else:
            self.removed.append(was)

    def insert(self, found: list[RuleEdit], rule: Rule, *, after: str | None = None, before: str | None = None) -> str:
        id = self.fresh_id(rule.text)
        self.fresh.append(rule.text)
        found.append(RuleEdit(id, rule.text, rule.kind, after=after, before=before))
        return id

    def refuse_moves(self) -> None:
        fresh = Counter(self.fresh)
        for rule in self.gone:
            if fresh[rule.text] > 0:
                fresh[rule.text] -= 1
                what = f"the rule `{rule.id}`" if rule.id else f"the rule “{short(rule.text)}”"
                self.unsaid.append(f"{what} was moved to another place")

    def refuse_numbers(self, old: Sequence[Section], new: Sequence[Section]) -> None:
        """Renumbered items would make the variant replace items that the edit leaves alone."""
        known = {rule.text for section in old for rule in section.rules}
        numbered = {_NUMBER.sub("", text): text for text in known if _NUMBER.match(text)}
        for text in (rule.text for section in new for rule in section.rules if _NUMBER.match(rule.text)):
            if text not in known and (was := numbered.get(_NUMBER.sub("", text))) is not None:
                counts = "leave the number as it was, Markdown counts by itself"
                self.unsaid.append(f"“{short(was)}” has another number: {counts}")

    def fresh_id(self, text: str) -> str:
        return fresh_id(text, self.taken)


def _neighbours(
    pairs: Sequence[tuple[int | None, int | None]], index: int, old: Sequence[Section]
) -> tuple[Section | None, Section | None]:
    """The nearest old sections before and behind `pairs[index]` that the edit keeps; None where there is none."""
    before = next((old[a] for a, b in reversed(pairs[:index]) if a is not None and b is not None), None)
    behind = next((old[a] for a, b in pairs[index + 1 :] if a is not None and b is not None), None)
    return before, behind


# Pairing. `differences` decides which rule is which. A variant cannot move a rule, so a moved one counts as removed and
# added.


Pairs = list[tuple[int | None, int | None]]


def _paired(
    old: Sequence[Section], new: Sequence[Section]
) -> tuple[Pairs, Mapping[tuple[int, int], Sequence[tuple[int, int]]]]:
    """Old and new sections side by side, in order, and for each pair of sections its pairs of rules. The text before
    the first heading is always paired.
    """
    was, now = [*_places(old)], [*_places(new)]
    found = [(was[i], now[j]) for i, j in pair(entries_of(old), entries_of(new))]
    headings = longest_run([(a, b) for (a, i), (b, _) in found if i is None])
    rules: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for (a, i), (b, j) in found:
        if i is not None and j is not None and old[a].rules[i].kind == new[b].rules[j].kind:
            rules[a, b].append((i, j))
    shared = defaultdict(list, {both: longest_run(same) for both, same in rules.items()})
    return [*_side_by_side([(0, 0), *headings], len(old), len(new))], shared


def _places(sections: Sequence[Section]) -> Iterator[tuple[int, int | None]]:
    """For each entry of `entries_of`, the index of its section and of its rule, None for a heading."""
    for number, section in enumerate(sections):
        if section.level:
            yield number, None
        yield from ((number, rule) for rule in range(len(section.rules)))


def _side_by_side(pairs: Sequence[tuple[int, int]], old: int, new: int) -> Iterator[tuple[int | None, int | None]]:
    """The pairs in order; between them first what was removed, then what was added."""
    a = b = 0
    for i, j in (*pairs, (old, new)):
        yield from ((gone, None) for gone in range(a, i))
        yield from ((None, fresh) for fresh in range(b, j))
        if i < old:
            yield i, j
        a, b = i + 1, j + 1


# A variant that says it.


def variant_text(
    edits: Edits,
    sources: Mapping[str, str],
    values: Mapping[str, Value] | None,
    *,
    summary: str,
    set_fields: Mapping[str, Any],
    after: Sequence[str],
) -> str:
    """The text of a variant that makes these edits.

    Args:
        sources: rules and headings by id as their files have them, placeholders and all, so that what an edit leaves
        of them stays. values: of the placeholders; None where double braces are text. after: variants that this
        one comes after.
    """
    header: dict[str, Any] = {"summary": summary}
    if set_fields:
        header["set"] = dict(set_fields)
    if edits.removed:
        header["remove"] = [part.id for part in edits.removed]
    if after:
        header["order"] = {"after": list(after)}
    free: list[tuple[str, str]] = []
    titled: list[tuple[str, str]] = []
    for section in edits.sections:
        rules = [(rule.kind, _rule_source(rule, sources, values)) for rule in section.rules]
        if section.heading is None:
            free += rules  # they find their place by id: a heading would take back what a later release makes of it
        else:
            titled += [("heading", _heading_source(section, sources, values)), *rules]
    return yaml_header(header) + joined([*free, *titled])


def joined(pieces: Sequence[tuple[str, str]]) -> str:
    """Rules and headings below one another: list items on neighbouring lines, all else set apart by a blank line."""
    text = ""
    for index, (kind, source) in enumerate(pieces):
        if index:
            text += "\n" if kind == pieces[index - 1][0] == "item" else "\n\n"
        text += source
    return text + "\n" if pieces else ""


def _rule_source(rule: RuleEdit, sources: Mapping[str, str], values: Mapping[str, Value] | None) -> str:
    text = templated(rule.text, sources.get(rule.id, "") if rule.old else "", values)
    when = f" when={rule.old.when}" if rule.old is not None and rule.old.when else ""
    return braced(text, rule.id + when + _anchor(rule.after, rule.before))


def _heading_source(section: SectionEdit, sources: Mapping[str, str], values: Mapping[str, Value] | None) -> str:
    assert section.heading is not None
    if section.id is None:
        return section.heading
    text = templated(section.heading, sources.get(section.id, ""), values)
    return braced(text, section.id + _anchor(section.after, section.before))


def _anchor(after: str | None, before: str | None) -> str:
    return f" after={after}" if after else f" before={before}" if before else ""


def braced(text: str, words: str) -> str:
    """The text with `{#words}` at the end of its first line."""
    first, newline, rest = text.partition("\n")
    bare = first.removesuffix("\r")
    return f"{bare} {{#{words}}}{first[len(bare) :]}{newline}{rest}"


def fresh_id(text: str, taken: set[str]) -> str:
    """An id out of the first words of a rule or heading, other than those taken; it is taken then."""
    words = _WORD.findall(text.partition("\n")[0].lower().replace("'", ""))
    stem = "-".join(words[:4])[:60].strip("-") or "rule"
    id = stem if stem not in taken else f"{stem}-{_free(stem, taken)}"
    taken.add(id)
    return id


def with_ids(sections: Sequence[Section], around: Sequence[Section], prefix: str) -> Sequence[Section]:
    """The sections of a text that is laid over a persona, with an id for every rule and heading: a heading that the
    persona has too stands for that section, all else is new.

    Args:
        around: the persona's own sections.
        prefix: new ids begin with it, so that no other text has them.
    """
    homes = _by_heading(around)
    taken = {id.removeprefix(prefix) for id in (*ids_of(sections), *ids_of(around))}
    done = []
    for section in sections:
        if section.level and section.id is None:
            home = homes.get(section.heading)
            section = section._replace(id=home.id if home else prefix + fresh_id(section.heading, taken))
        rules = (rule if rule.id else rule._replace(id=prefix + fresh_id(rule.text, taken)) for rule in section.rules)
        done.append(section._replace(rules=tuple(rules)))
    return tuple(done)


def implied_ids(sections: Sequence[Section]) -> Sequence[Section]:
    """The sections of a collection's agent, whose author gives no ids, with an id for every rule and heading:
    `theirs-` and its first words. By these a local variant can name them.
    """
    return with_ids(sections, (), "theirs-")


def _by_heading(sections: Sequence[Section]) -> Mapping[str, Section]:
    """The section that a heading alone stands for: the first one that has it."""
    return {section.heading: section for section in reversed(sections) if section.level}


def _free(stem: str, taken: Set[str]) -> int:
    """A number, from 2, with which the stem is not taken: the first one where those before it all are."""
    low = high = 1
    while f"{stem}-{high + 1}" in taken:  # thousands of rules may begin with the same words
        low, high = high + 1, 2 * high + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if f"{stem}-{middle + 1}" in taken else (low, middle)
    return high + 1


def escaped(text: str) -> str:
    """The text with each pair of double braces doubled, so that it renders as it was."""
    return text.replace("{{", "{{{{").replace("}}", "}}}}")


def templated(text: str, source: str, values: Mapping[str, Value] | None) -> str:
    """Source text that is filled in as `text`: placeholders of the old source stay where the edit left their values
    alone. With `values=None` there are none."""
    if values is None:
        return text
    if "{{" not in source or max(len(text), len(source)) > _LONGEST:
        return escaped(text)
    spans: list[tuple[int, int, str]] = []
    filled, at = "", 0
    for match in PLACEHOLDER.finditer(source):
        filled += source[at : match.start()]
        start = len(filled)
        filled += {"{{{{": "{{", "}}}}": "}}"}.get(match[0]) or as_text(values[match[1]])
        if match[1] is not None:
            spans.append((start, len(filled), match[0]))
        at = match.end()
    filled += source[at:]
    found, at = "", 0
    for a, b, size in matches(filled, text, budget=_STEPS):
        for start, end, placeholder in spans:
            if a <= start < end <= a + size:
                found += escaped(text[at : start - a + b]) + placeholder
                at = end - a + b
    found += escaped(text[at:])
    return found if substitute(found, values) == text else escaped(text)


def short(text: str) -> str:
    """The beginning of a rule or heading, for a message."""
    line = text.partition("\n")[0].strip()
    return line if len(line) <= 60 else line[:57].rstrip() + "…"
