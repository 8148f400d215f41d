"""Which renderings are written for which client, and what is said of the others."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from agentpack.clients import CLIENTS, SKILLS
from agentpack.errors import DecisionNeeded, Unresolvable
from agentpack.model.lock import SkippedAgent
from agentpack.model.rendering import Rendering
from agentpack.wanted.assignment import (
    FileAssignment,
    NameReserved,
    NameTaken,
    NotWritten,
    RestrictionsLost,
    not_written_words,
)


def made(client: str, persona: str = "one", pack: str = "kit", content: bytes = b"Text.", **more: Any) -> Rendering:
    path = CLIENTS[client].path(persona, "project", {})
    assert path is not None
    return Rendering(client, pack, persona, path, content)._replace(**more)


def assigned(*files: Rendering, accepted: Iterable[str] = (), optional: bool = False) -> FileAssignment:
    assignment = FileAssignment("project", {}, {*accepted})
    for file in files:
        assignment.add(CLIENTS.of_file(file.client), file, optional=optional)
    return assignment


# What is said of personas that are not written.


@pytest.mark.parametrize(
    ("unwritten", "told"),
    [
        ([], []),
        ([("One", "")], ["One has no agents in the user scope"]),
        ([("One", ""), ("Two", ""), ("One", "")], ["One, Two have no agents in the user scope"]),
        ([("One", "a.md")], ["One reads ~/a.md: no second file is written for it"]),
        ([("One", "a.md"), ("One", "b.md")], ["One reads 2 files such as ~/a.md: no second file is written for it"]),
        ([("One", "a.md"), ("Two", "a.md")], ["One, Two read ~/a.md: no second file is written for them"]),
        (
            [(name, f"{file}.md") for name in ("One", "Two") for file in "ab"],
            ["One, Two read 2 files such as ~/a.md: no second file is written for them"],
        ),
        (
            [("One", "a.md"), ("One", "b.md"), ("Two", "b.md"), ("Two", "")],
            [
                "One reads ~/a.md: no second file is written for it",
                "One, Two read ~/b.md: no second file is written for them",
                "Two has no agents in the user scope",
            ],
        ),
    ],
)
def test_personas_that_are_not_written_are_told_in_one_line_for_each_reason(
    unwritten: Sequence[tuple[str, str]], told: Sequence[str]
) -> None:
    rows = [NotWritten(title.lower(), title, "user", file) for title, file in unwritten]
    assert [*not_written_words(rows)] == told


def test_a_file_that_asks_for_less_is_told_apart() -> None:
    rows = [NotWritten("one", "One", "user", "a.md", is_wider=True), NotWritten("one", "One", "user", "b.md")]
    wider = "One reads ~/a.md, but cannot limit tools as it asks"
    assert [*not_written_words(rows)] == [wider, "One reads ~/b.md: no second file is written for it"]
    rows = [NotWritten(name.lower(), name, "user", f"{file}.md", is_wider=True) for name in ("A", "B") for file in "cd"]
    assert [*not_written_words(rows)] == ["A, B read 2 files such as ~/c.md, but cannot limit tools as they ask"]


def test_a_client_that_reads_another_s_folder_gets_no_second_file() -> None:
    claude = made("claude")
    for files in ((claude, made("copilot")), (made("copilot"), claude)):
        written, unwritten = assigned(*files).assigned()
        assert written == {claude.path: claude}
        assert unwritten == (NotWritten("copilot", CLIENTS["copilot"].title, "project", claude.path),)
    other = made("copilot", "two")
    assert assigned(claude, other).assigned() == ({claude.path: claude, other.path: other}, ())
    toml = made("claude", path=".claude/agents/one.toml")
    assert len(assigned(toml, made("copilot")).assigned()[0]) == 2


def test_what_its_author_wrote_for_a_client_is_written_where_the_client_takes_its_own_folder_first() -> None:
    claude = made("claude")
    for client, is_own, is_written in (
        ("copilot", True, True),
        ("copilot", False, False),
        ("augment", True, False),
        ("augment", False, False),
    ):
        file = made(client, is_own=is_own, content=b"Its own.")
        written = assigned(claude, file).assigned()[0]
        assert ([*written] == [claude.path, file.path]) is is_written, (client, is_own)


def test_a_client_that_reads_two_packs_agents_of_one_name_is_refused() -> None:
    with pytest.raises(NameTaken) as refused:
        assigned(made("claude", pack="first"), made("copilot", pack="second")).assigned()
    assert refused.value.message == "`first` and `second` both have a persona `one`"
    reads = f"{CLIENTS['copilot'].title} reads .claude/agents/one.md and .github/agents/one.agent.md"
    assert [*refused.value.details] == [reads]
    assert refused.value.hint == "set `as: {one: one-2}` or `without: [one]` for `second` in agentpack.yaml"


def test_a_client_without_agents_in_the_scope_is_told_and_alone_is_refused() -> None:
    title = CLIENTS["claude"].title
    assignment = FileAssignment("user", {}, ())
    assignment.add(CLIENTS["claude"], None)
    with pytest.raises(DecisionNeeded) as refused:
        assignment.assigned()
    assert refused.value.message == f"{title} has no agents in the user scope"
    assert refused.value.hint == "`agentpack clients` shows which client has agents in which scope"
    file = made("codex")
    assignment.add(CLIENTS["codex"], file)
    assignment.add(CLIENTS["claude"], None)
    assert assignment.assigned() == ({file.path: file}, (NotWritten("claude", title, "user"),))
    assert FileAssignment("user", {}, ()).assigned() == ({}, ())


# Names.


def test_a_name_that_a_client_keeps_for_itself_is_refused_with_what_to_write() -> None:
    name, title = min(CLIENTS["gemini"].reserved), CLIENTS["gemini"].title
    with pytest.raises(NameReserved) as refused:
        assigned(made("gemini", name))
    assert refused.value.message == f"`{name}` is a name reserved by {title}"
    assert [*refused.value.details] == ["pack kit"]
    assert refused.value.why == f"{title} keeps the name for itself"
    assert refused.value.hint == f"set `as: {{{name}: {name}-2}}` or `without: [{name}]` for `kit` in agentpack.yaml"
    refused.value.name_commands("agentpack install kit", is_only=False)
    rename = f"`agentpack install kit --as kit/{name}={name}-2` renames it"
    assert refused.value.ways == (rename, f"`agentpack install kit --without kit/{name}` leaves it out")
    assert refused.value.hint == "; ".join(refused.value.ways)
    refused.value.name_commands("agentpack install kit", is_only=True)
    assert [*refused.value.ways] == [rename]
    assert refused.value.hint == rename
    assigned(made("gemini", name, called="mine"))


def test_two_agents_of_one_client_that_are_one_to_it_are_refused() -> None:
    def told(*files: Rendering) -> tuple[str, list[str]]:
        with pytest.raises(Unresolvable) as refused:
            assigned(*files)
        return refused.value.message, [*refused.value.details]

    place = ".claude/agents/one.md"
    both = "`first` and `second` both have a persona `one`"
    assert told(made("claude", pack="first"), made("claude", pack="second")) == (both, [f"both would be {place}"])
    elsewhere = made("claude", pack="second", path=".claude/agents/more/one.md")
    reads = f"{CLIENTS['claude'].title} reads {place} and {elsewhere.path}"
    assert told(made("claude", pack="first"), elsewhere) == (both, [reads])
    named = [made("claude", name, pack, called="The One") for name, pack in (("one", "first"), ("two", "second"))]
    assert told(*named)[0] == "`first` and `second` both have a persona `The One`"
    called = [made("claude", pack=pack, called=name) for name, pack in (("A", "first"), ("B", "second"))]
    assert told(*called) == (both, [f"both would be {place}"])
    of_both, more = made("cursor", path=place), made("cursor", pack="other", path=".cursor/agents/more/one.md")
    assert told(made("claude"), of_both, more)[0] == "`kit` and `other` both have a persona `one`"
    alike = f"{CLIENTS['cursor'].title} treats `one` and `two` as the same name"
    title = CLIENTS["commandcode"].title
    cased = [made("commandcode", persona, called=name) for persona, name in (("one", "A b"), ("two", "a_b"))]
    assert told(*cased)[0] == f"{title} treats `A b` and `a_b` as the same name"
    assert told(made("claude"), made("cursor", "two", path=place)) == (alike, [f"both would be {place}"])


def test_two_personas_of_one_skill_are_refused_with_what_turns_skills_off() -> None:
    skill = Rendering(min(SKILLS), "first", "one", ".agents/skills/one/SKILL.md", b"Text.")
    assert [*assigned(skill, skill).assigned()[0]] == [skill.path]
    with pytest.raises(Unresolvable) as refused:
        assigned(skill, skill._replace(pack="second"))
    assert refused.value.message == "`first` and `second` both have a skill `one`"
    assert [*refused.value.details] == [f"both would be {skill.path}"]
    assert refused.value.hint == (
        "rename one of the personas (`as:` in agentpack.yaml), or turn off skills for one "
        "(`parameters: {modules: inline}`)"
    )


def test_two_clients_of_one_file_that_need_other_texts_are_refused() -> None:
    one, other = made("claude"), made("cursor", path=made("claude").path)
    written, unwritten = assigned(one, other).assigned()
    assert written == {one.path: one}
    assert [row.client for row in unwritten] == ["cursor"]
    with pytest.raises(DecisionNeeded) as refused:
        assigned(one, other._replace(content=b"Other."))
    title, theirs = CLIENTS["claude"].title, CLIENTS["cursor"].title
    assert refused.value.message == (
        f"{title} and {theirs} read the same file, but need different texts; nothing was written"
    )
    assert [*refused.value.details] == [f"both read {one.path}"]
    assert refused.value.hint == "install for only one of them: `--client claude`"


# Restrictions.


LOST = ("tools limited to read",)


def test_a_lost_restriction_needs_an_acceptance_of_its_pack_and_client_or_of_the_client() -> None:
    files = [made("codex", lost=LOST), made("claude"), made("goose", "two", "other", lost=LOST)]
    every = ("kit:widened:codex", "other:widened:goose")
    cases: list[tuple[tuple[str, ...], set[str]]] = [
        ((), {*every}),
        (("widened:codex",), {every[1]}),
        (("kit:widened:codex",), {every[1]}),
        (("other:widened:codex", "kit:widened:goose"), {*every}),
        (every, set()),
        (("widened:codex", "widened:goose"), set()),
    ]
    for accepted, left in cases:
        assignment = assigned(*files, accepted=accepted)
        assert assignment.acceptances() == every
        assert assignment.unaccepted() == left, accepted
        if not left:
            assignment.require()
            continue
        with pytest.raises(RestrictionsLost) as refused:
            assignment.require()
        assert {f"widened:{client}" for client, _ in refused.value.agents} == {
            word.partition(":")[2] for word in left
        }, accepted


def test_lost_restrictions_are_told_with_what_leaves_them_out_and_what_accepts_them() -> None:
    with pytest.raises(RestrictionsLost) as refused:
        skill = Rendering(min(SKILLS), "kit", "more", ".agents/skills/more/SKILL.md", b"Text.")
        assigned(made("codex", lost=LOST), made("claude"), made("cursor", "two"), skill).require()
    error = refused.value
    assert error.message == "Codex cannot limit tools, so one would get every tool there; nothing was written"
    assert [*error.details] == ["Codex: one: tools limited to read"]
    without = "install without it (`agentpack install kit --client claude --client cursor`)"
    assert error.hint == f"{without}, or accept it with `--accept widened:codex`"
    assert (error.agents, error.losses, error.limits_tools) == (frozenset({("codex", "one")}), LOST, True)


def test_several_lost_restrictions_are_told_together() -> None:
    several = (*LOST, "no hooks")
    files = [made(client, name, pack, lost=several) for client in ("codex", "goose") for name, pack in NAMES]
    with pytest.raises(RestrictionsLost) as refused:
        assigned(*files).require()
    error, goose = refused.value, CLIENTS["goose"].title
    assert error.message == (
        f"Codex, {goose} cannot enforce every restriction of one, two, three and 1 more; nothing was written"
    )
    assert [*error.details] == [
        f"{title}: {name}: {lost}" for title in ("Codex", goose) for name, _ in NAMES for lost in several
    ]
    assert error.hint == "install without them, or accept it with `--accept widened:codex` `--accept widened:goose`"
    assert (error.losses, error.limits_tools) == (several, False)


NAMES = (("one", "kit"), ("two", "kit"), ("three", "other"), ("four", "other"))


def test_an_agent_that_may_be_left_out_is_skipped_unless_it_is_accepted_or_read_elsewhere() -> None:
    claude, goose = made("claude"), made("goose", lost=(*LOST, "no hooks"))
    alone = assigned(goose, optional=True)
    assert [*alone.skipped()] == [SkippedAgent("goose", "kit", "one", "tools limited to read; no hooks")]
    assert (alone.assigned(), alone.acceptances()) == (({}, ()), ())
    alone.leave_out(CLIENTS["gemini"], "kit", "two", "a reason")
    assert [(row.client, row.reason) for row in alone.skipped()] == [
        ("gemini", "refused: a reason"),
        ("goose", "tools limited to read; no hooks"),
    ]
    for accepted in ("widened:goose", "kit:widened:goose"):
        taken = assigned(goose, accepted=[accepted], optional=True)
        assert [*taken.skipped()] == []
        assert taken.assigned() == ({goose.path: goose}, ())
        assert taken.acceptances() == ("kit:widened:goose",)
    beside = assigned(claude, goose, optional=True)
    assert [*beside.skipped()] == []
    wider = NotWritten("goose", CLIENTS["goose"].title, "project", claude.path, is_wider=True)
    assert beside.assigned() == ({claude.path: claude}, (wider,))
