"""The laws of merging by rules: wherever a release puts its rules, an edit goes to its rule, and nobody's change is
lost.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from agentpack.compose.parse import parse_sections
from agentpack.differences.rules import Entry, entries_in
from agentpack.merge import KnownEntries, merge, resolved
from agentpack.merge.rules import carry_edits
from agentpack.model.changes import Conflict


class Text(NamedTuple):
    """A body as lines, and the id of each rule or heading by its line."""

    lines: tuple[str, ...]
    ids: dict[str, str]

    @property
    def bytes(self) -> bytes:
        return body(list(self.lines)).encode()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry._replace(id=self.ids.get(entry.text)) for entry in entries_in(self.bytes.decode()))


def body(lines: list[str]) -> str:
    """Headings and rules with the blank lines that a pack has between them."""
    text = ""
    for index, line in enumerate(lines):
        heading = line.startswith("#")
        text += ("\n" if heading and index and not text.endswith("\n\n") else "") + line + "\n" + "\n" * heading
    return text


RULES = tuple(f"rule-{number}" for number in range(8))


@st.composite
def releases(draw: st.DrawFn) -> tuple[Text, Text]:
    """Two releases of one persona: the later one has its rules in other sections and another order, some gone, some in
    other words, some new.
    """

    def laid_out(rules: list[str], ids: dict[str, str], sections: int) -> Text:
        homes = draw(st.lists(st.integers(0, sections - 1), min_size=len(rules), max_size=len(rules)))
        lines = []
        for number in range(sections):
            heading = f"## Section {number}"
            ids[heading] = f"section-{number}"
            lines += [heading, *(rule for rule, home in zip(rules, homes, strict=True) if home == number)]
        return Text(tuple(lines), ids)

    before = [f"- {name} as it was" for name in RULES]
    old = laid_out(before, dict(zip(before, RULES, strict=True)), draw(st.integers(1, 3)))
    kept = [name for name in RULES if draw(st.sampled_from((True, True, True, False)))]
    changed = {name for name in kept if draw(st.sampled_from((True, False, False)))}
    after = [f"- {name} as it {'is now' if name in changed else 'was'}" for name in kept]
    ids = dict(zip(after, kept, strict=True))
    fresh = draw(st.lists(st.sampled_from((*POOL, "- new 1")), max_size=2, unique=True))
    ids |= {text: text.removeprefix("- ").replace(" ", "-") for text in fresh}
    return old, laid_out(draw(st.permutations([*after, *fresh])), ids, draw(st.integers(1, 3)))


POOL = ("- new 0", "- shared 0", "- shared 1")
"""New rules that both sides may put in."""


class Edited(NamedTuple):
    """What somebody made of the earlier release by hand."""

    text: bytes
    changed: dict[str, str]
    """By the rule as it was, the rule in their words."""
    removed: frozenset[str]
    """Rules, and headings whose rules stay."""
    added: tuple[str, ...]


@st.composite
def edits(draw: st.DrawFn, base: Text) -> Edited:
    lines: list[str] = []
    changed: dict[str, str] = {}
    removed = set()
    added: list[str] = []
    shared = draw(st.lists(st.sampled_from(POOL), max_size=2, unique=True))
    for line in base.lines:
        ways = ("keep", "keep", "keep", "remove") if line.startswith("#") else ("keep", "keep", "change", "remove")
        what = draw(st.sampled_from(ways))
        if what == "change":
            changed[line] = f"{line}, in my words"
        if what == "remove":
            removed.add(line)
        lines += [] if what == "remove" else [changed.get(line, line)]
        if draw(st.sampled_from((True, False, False, False))):
            added.append(shared.pop() if shared else f"- my own {len(added)}")
            lines.append(added[-1])
    return Edited(body(lines).encode(), changed, frozenset(removed), tuple(added))


@st.composite
def stories(draw: st.DrawFn) -> tuple[Text, Text, Edited]:
    old, new = draw(releases())
    return old, new, draw(edits(old))


def lines_of(data: bytes) -> list[str]:
    return [line for line in data.decode().splitlines() if line]


def id_of(rule: str) -> str:
    return rule.split()[1]


FIELDS = ("description: was", "model: was", "color: was", "tools: was")


@st.composite
def fronts(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """A header of two to five fields, or none, as base, ours and theirs have it, and as both together want it. Each
    side has changed fields and dropped some, never the same ones.
    """
    fields = FIELDS[: draw(st.integers(0, len(FIELDS)))]
    now = [draw(st.sampled_from((line, line, line.replace("was", "is now"), ""))) for line in fields]
    is_ours = [draw(st.booleans()) for _ in fields]

    def header(wants: Callable[[bool], bool]) -> str:
        lines = (there if wants(own) else was for was, there, own in zip(fields, now, is_ours, strict=True))
        return "".join(f"{line}\n" for line in ("---", "name: x", *lines, "---") if line) if fields else ""

    return header(lambda _: False), header(lambda own: own), header(lambda own: not own), header(lambda _: True)


@given(stories(), fronts())
def test_every_edit_is_carried_or_is_a_conflict(
    story: tuple[Text, Text, Edited], front: tuple[str, str, str, str]
) -> None:
    old, new, edited = story
    bodies = (old.bytes, edited.text, new.bytes)
    base, ours, theirs = (head.encode() + text for head, text in zip(front[:3], bodies, strict=True))
    merged = merge(base, ours, theirs, lambda: KnownEntries(old.entries, new.entries))
    now = {id_of(line): line for line in new.lines if line.startswith("- rule")}
    headings = {line for line in edited.removed if line.startswith("#")}
    collides = {rule for rule in edited.changed if now.get(id_of(rule)) != rule}
    collides |= {rule for rule in edited.removed - headings if now.get(id_of(rule), rule) != rule}
    if merged.content is None:
        assert collides | headings, "nothing that both sides changed"
        assert headings or {conflict.base for conflict in merged.conflicts} == collides
        return
    # a rule taken out by hand that the release has elsewhere in other words is a new one, where lines merge; so is one
    # in other words whose section is gone
    assert headings or collides <= edited.removed, "both sides changed a rule, and one of them lost"
    assert merged.content.startswith(front[3].encode())
    found = lines_of(merged.content.removeprefix(front[3].encode()))
    wanted = {edited.changed.get(line, line) for line in new.lines if line not in edited.removed}
    kept = {edited.changed[rule] for rule in collides if rule in edited.changed}  # below a heading that was taken out
    assert wanted | set(edited.added) <= set(found)
    mine = headings_of(lines_of(edited.text))
    homes = {mine[line] for line in edited.added}  # of a section that is gone, only what the user put in is left
    assert set(found) - wanted - set(edited.added) - homes <= (kept if headings else set())
    if merge(base, ours, theirs).content is None:  # else git puts in twice what both put in
        assert len(found) == len(set(found))
    # what the user left alone stands as the new release has it
    touched = {*edited.changed, *edited.removed, *edited.added}
    left = [line for line in new.lines if line not in touched]
    assert [line for line in found if line in left] == left


def headings_of(lines: list[str]) -> dict[str, str]:
    """The heading that each rule stands below."""
    found, heading = {}, ""
    for line in lines:
        heading = line if line.startswith("#") else heading
        found[line] = heading
    return found


@given(stories())
def test_a_rule_of_ones_own_stays_below_its_heading(story: tuple[Text, Text, Edited]) -> None:
    old, new, edited = story
    merged = merge(old.bytes, edited.text, new.bytes, lambda: KnownEntries(old.entries, new.entries))
    if merged.content is not None:
        mine, now = headings_of(lines_of(edited.text)), headings_of(lines_of(merged.content))
        own = [line for line in edited.added if line not in new.lines and mine[line] in new.lines]
        assert [now[line] for line in own] == [mine[line] for line in own]


@given(stories())
def test_an_edit_of_a_rule_stays_below_its_heading_where_the_section_is_gone(story: tuple[Text, Text, Edited]) -> None:
    """Else it would be read as a rule of another section."""
    old, new, edited = story
    merged = merge(old.bytes, edited.text, new.bytes, lambda: KnownEntries(old.entries, new.entries))
    before, mine = headings_of(list(old.lines)), headings_of(lines_of(edited.text))
    now = {id_of(line) for line in new.lines if not line.startswith("#")}
    alive = {before[line] for line in old.lines if not line.startswith("#") and id_of(line) in now}
    for was, words in edited.changed.items():
        is_conflict = any(conflict.base == was for conflict in merged.conflicts)
        if is_conflict and before[was] == mine[words] and before[was] not in {*alive, *new.lines}:
            assert headings_of(lines_of(resolved(merged.draft, 1).encode()))[words] == mine[words]


@given(stories())
def test_a_heading_that_was_taken_out_is_a_conflict_while_rules_stand_below_it(
    story: tuple[Text, Text, Edited],
) -> None:
    """Without it, they would be read as rules of the section before."""
    old, new, edited = story
    draft = carry_edits(
        old.bytes.decode(), edited.text.decode(), new.bytes.decode(), KnownEntries(old.entries, new.entries)
    )
    told = {piece.base for piece in draft or () if isinstance(piece, Conflict)}
    for heading in {*new.lines} & edited.removed - told if draft is not None else ():
        if heading.startswith("#"):
            rules = takewhile(lambda line: not line.startswith("#"), new.lines[new.lines.index(heading) + 1 :])
            assert {*rules} <= {*edited.removed, *edited.changed}


@given(stories())
def test_the_text_is_as_tidy_as_a_release(story: tuple[Text, Text, Edited]) -> None:
    old, new, edited = story
    merged = merge(old.bytes, edited.text, new.bytes, lambda: KnownEntries(old.entries, new.entries))
    if merged.content is not None:
        assert merged.content.decode().rstrip("\n") == body(lines_of(merged.content)).rstrip("\n")


@given(stories())
def test_a_draft_decided_for_one_side_has_what_that_side_wanted(story: tuple[Text, Text, Edited]) -> None:
    old, new, edited = story
    merged = merge(old.bytes, edited.text, new.bytes, lambda: KnownEntries(old.entries, new.entries))
    if merged.content is not None:
        return
    assert [piece for piece in merged.draft if isinstance(piece, Conflict)] == list(merged.conflicts)
    for side, wanted in ((1, {*edited.changed.values(), *edited.added}), (2, {*new.lines} - edited.removed)):
        text = resolved(merged.draft, side)
        assert wanted - {old for old in edited.changed if side == 2} <= set(text.splitlines())
        assert "\n\n\n" not in text
        assert not text.startswith("\n")
        if not any(conflict.base.startswith("#") and not conflict[side] for conflict in merged.conflicts):
            assert text.rstrip("\n") == body([line for line in text.splitlines() if line]).rstrip("\n")


@given(stories())
def test_without_ids_nothing_is_lost_either(story: tuple[Text, Text, Edited]) -> None:
    """A pack that gives its rules no ids: they are known by their words."""
    old, new, edited = story
    merged = merge(old.bytes, edited.text, new.bytes, lambda: KnownEntries((), ()))
    if merged.content is not None:
        assert {*edited.changed.values(), *edited.added} <= set(lines_of(merged.content))


@given(st.data())
def test_rules_of_several_lines_stay_whole(data: st.DataObject) -> None:
    rules = [f"- rule {n}\n  more of {n}\n\n  ```sh\n  run {n}\n  ```" for n in range(4)]
    old = "## A\n\n" + "\n".join(rules) + "\n"
    order = data.draw(st.permutations(rules))
    new = "## B\n\n" + "\n".join(order[:2]) + "\n\n## C\n\n" + "\n".join(order[2:]) + "\n"
    edited = data.draw(st.sampled_from(rules))
    mine = edited.replace("more of", "much more of")
    ids = {rule: f"r-{n}" for n, rule in enumerate(rules)}
    known = [tuple(entry._replace(id=ids.get(entry.text)) for entry in entries_in(text)) for text in (old, new)]
    merged = merge(old.encode(), old.replace(edited, mine).encode(), new.encode(), lambda: KnownEntries(*known))
    assert merged.content is not None
    assert merged.content.decode() == new.replace(edited, mine)
    assert sum(len(section.rules) for section in parse_sections(merged.content.decode())) == 4


@given(
    st.permutations(range(4)),
    st.lists(st.sampled_from("##  ###  ####".split()), min_size=4, max_size=4),
    st.integers(0, 4),
    st.sampled_from(("##", "###")),
)
def test_a_section_of_ours_takes_nothing_of_the_release_below_it(
    order: list[int], levels: list[str], at: int, own: str
) -> None:
    """Wherever the release puts its sections, above or below one another."""

    def laid_out(order: list[int], levels: list[str]) -> list[str]:
        return [f"{level} Section {n}\n\n- rule {n}\n" for n, level in zip(order, levels, strict=True)]

    old, new = laid_out([0, 1, 2, 3], [own] * 4), laid_out(order, levels)
    ours = [*old[:at], f"{own} Ours\n\n- our rule\n", *old[at:]]
    texts = ["\n".join(sections) for sections in (old, ours, new)]
    known = [
        tuple(entry._replace(id=entry.text.strip("# -").lower().replace(" ", "-")) for entry in entries_in(text))
        for text in (texts[0], texts[2])
    ]
    draft = carry_edits(texts[0], texts[1], texts[2], KnownEntries(*known))
    if draft is not None and not any(isinstance(piece, Conflict) for piece in draft):
        sections = parse_sections(resolved(draft, 0))
        place = next(i for i, section in enumerate(sections) if section.heading.endswith("Ours"))
        assert [rule.text for rule in sections[place].rules] == ["- our rule"]
        assert all(section.level <= sections[place].level for section in sections[place + 1 : place + 2])
