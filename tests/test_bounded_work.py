"""Packs of strangers that are small and chained: the work grows with them no faster than their number, or a bound stops
it.

The work is counted in calls of functions, which no load of the machine changes; where it is one call of a library, in
seconds of this process, of which there were many times as many before the bound.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from packaging.version import Version
from support.archives import by_library
from support.counting import calls_of
from support.effort import THOROUGH, usually
from support.packs import make_pack, persona_text, publish, read_files, variant_text
from support.running import Agentpack
from support.trees import write_tree

from agentpack.authoring.references import MAX_TRIED
from agentpack.cli.wrapping import wrapped
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.read_back import front_matter
from agentpack.clients.render import interprets
from agentpack.compose.compose import MAX_FILLED, Pack, compose, draft_of, values_for
from agentpack.compose.conflicts import NamedLayer
from agentpack.compose.layers import MAX_LAID, first_draft, lay
from agentpack.compose.parse import Layer
from agentpack.differences.words import Span, excerpt
from agentpack.edits import patch
from agentpack.edits.rules import fresh_id
from agentpack.errors import InvalidFile, Refused, Unresolvable, UsageError
from agentpack.input.documents import MAX_FAULTS
from agentpack.input.schemas.manifests import MAX_SOURCES
from agentpack.input.schemas.packs import MAX_PATTERNS
from agentpack.merge.fields import comments_in
from agentpack.model import capabilities
from agentpack.model.changelog import MAX_CHANGELOG, entries_between
from agentpack.model.persona import Origin
from agentpack.model.requirement import parse_requirement
from agentpack.read import MAX_REQUIRED, MAX_VARIANTS
from agentpack.sources.agent_headers import MAX_SIGNS
from agentpack.wanted import renderings
from agentpack.wanted.assemble import MAX_EXTENDED
from agentpack.workspace.declared_clients import MAX_DECLARED
from agentpack.workspace.shadowing import agent_names

pytestmark = [pytest.mark.campaign, pytest.mark.untraced]
STEPS = 12


def grows_no_faster(work: Callable[[int], object], least: int) -> None:
    """Twice as much of the input adds no more than twice the work that the first half added."""
    work(least)  # modules are loaded, patterns compiled
    one, two, four = (calls_of(lambda count=count: work(count)) for count in (least, 2 * least, 4 * least))  # type: ignore[misc]
    assert four - two < 2.6 * (two - one)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside takes no longer."""
    began = process_time()
    yield
    assert process_time() - began < seconds


def chain(packs: Path, name: str, length: int, *, extending: bool) -> str:
    """Packs that each require the one before, whose persona they may extend. Returns the name of the last one."""
    names = [f"{name}-{length}-{place}" for place in range(length)]
    for place, own in enumerate(names):
        below = names[place - 1 : place] if place else []
        header = {"extends": below[0]} if below and extending else {}
        body = f"- Do {place}. {{#do-{place}}}\n"
        publish(packs, make_pack(own, personas={own: persona_text(own, body, **header)}, requires=below))
    return names[-1]


def extending(agentpack: Agentpack, packs: Path, length: int, expect: int = 0) -> str:
    last = chain(packs, "over", length, extending=True)
    return agentpack("install", last, "--source", str(packs), "--client", "claude", "--dry-run", expect=expect).err


def test_personas_that_extend_each_other(agentpack: Agentpack, tmp_path: Path) -> None:
    grows_no_faster(lambda length: extending(agentpack, tmp_path / f"packs-{length}", length), 4)


def test_more_personas_that_extend_each_other_are_refused(agentpack: Agentpack, tmp_path: Path) -> None:
    extending(agentpack, tmp_path / "at", MAX_EXTENDED + 1)
    told = extending(agentpack, tmp_path / "past", MAX_EXTENDED + 2, expect=2)
    assert f"more than {MAX_EXTENDED} personas extend each other" in told


@pytest.mark.parametrize("names", [("aa",), ("aa", "bb"), ("zz", "aa", "bb"), ("zz", "yy", "aa", "bb", "cc")])
def test_personas_that_extend_each_other_in_a_circle_are_refused(
    agentpack: Agentpack, tmp_path: Path, names: tuple[str, ...]
) -> None:
    following = dict(zip(names, (*names[1:], "aa"), strict=True))
    publish(
        tmp_path / "packs",
        *(
            make_pack(name, personas={name: persona_text(name, extends=over)}, requires=[over])
            for name, over in following.items()
        ),
    )
    words = ("install", names[0], "--source", str(tmp_path / "packs"), "--client", "claude")
    told = agentpack(*words, expect=2).err
    assert re.search(
        rf"error: .*personas/{names[0]}.md.*: extends: the persona extends itself, perhaps through others\n", told
    ), told


def test_packs_that_require_in_a_chain(agentpack: Agentpack, tmp_path: Path) -> None:
    def install(length: int) -> None:
        packs = tmp_path / f"packs-{length}"
        last = chain(packs, "on", length, extending=False)
        agentpack("install", last, "--source", str(packs), "--client", "claude", "--dry-run")

    grows_no_faster(install, STEPS)


def test_a_pack_that_only_others_require_is_for_the_clients_of_all_of_them(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = tmp_path / "packs"
    base, *others = ("base", "one", "two")
    publish(packs, make_pack(base, personas={base: persona_text(base)}))
    for name in others:
        publish(packs, make_pack(name, personas={name: persona_text(name)}, requires=["base"]))
    agentpack("install", "one", "--source", str(packs), "--client", "claude")
    agentpack("install", "two", "--source", str(packs), "--client", "opencode")
    assert (project / ".claude/agents/base.md").exists()
    assert (project / ".opencode/agents/base.md").exists()


# -- variants ----------------------------------------------------------------------------------------------------------


def with_variants(count: int, *, requiring: bool = False, text: str = "- More {n}. {{#more-{n}}}\n") -> Pack:
    variants = {}
    for place in range(count):
        header = {"requires": [f"v{place - 1}"]} if place % (MAX_REQUIRED + 1) and requiring else {}
        variants[f"reviewer/v{place}"] = variant_text(text.format(n=place), **header)
    return read_files(make_pack(variants=variants))


def test_variants_that_require_each_other() -> None:
    least = MAX_REQUIRED // 4
    packs = {count: with_variants(count, requiring=True) for count in (least, 2 * least, 4 * least)}
    grows_no_faster(lambda count: draft_of(packs[count], "reviewer", [f"v{count - 1}"], {}), least)


def test_more_variants_that_require_each_other_are_refused() -> None:
    texts = {f"reviewer/v{n}": variant_text("", requires=[f"v{n - 1}"] if n else []) for n in range(MAX_REQUIRED + 1)}
    read_files(make_pack(variants=texts))
    for wanted in ([f"v{MAX_REQUIRED}"], [f"v{n}" for n in range(MAX_REQUIRED + 1)]):
        with pytest.raises(InvalidFile) as refused:
            read_files(make_pack(variants={**texts, "reviewer/last": variant_text("", requires=wanted)}))
        told = f"variants/reviewer/last.md: requires: requires more than {MAX_REQUIRED} other variants"
        assert refused.value.details[0].endswith(told)


def test_a_check_of_variants_that_require_each_other(agentpack: Agentpack, tmp_path: Path) -> None:
    def check(count: int) -> None:
        variants = {}
        for place in range(count):
            header = {"requires": [f"v{place - 1}"]} if place % (MAX_REQUIRED + 1) else {}
            variants[f"reviewer/v{place}"] = variant_text(f"- More {place}. {{#more-{place}}}\n", **header)
        publish(tmp_path / f"packs-{count}", make_pack(variants=variants))
        agentpack("pack", "check", str(tmp_path / f"packs-{count}"), expect=None)

    grows_no_faster(check, MAX_REQUIRED + 1)


def test_variants_that_have_nothing_to_do_with_each_other() -> None:
    packs = {count: with_variants(count) for count in (STEPS, 2 * STEPS, 4 * STEPS)}
    grows_no_faster(lambda count: draft_of(packs[count], "reviewer", packs[count].variant_names, {}), STEPS)


def test_the_first_two_variants_that_disagree_are_named_whatever_lies_between() -> None:
    texts = {f"reviewer/v{place}": variant_text(f"- More. {{#more-{place}}}\n") for place in range(9)}
    texts |= {"reviewer/v2": variant_text("- A. {#same}\n"), "reviewer/v5": variant_text("- B. {#same}\n")}
    texts |= {"reviewer/v7": variant_text("- C. {#same}\n")}
    pack = read_files(make_pack(variants=texts))
    with pytest.raises(Unresolvable, match="`v2` and `v5` conflict"):
        draft_of(pack, "reviewer", pack.variant_names, {})


def test_more_variants_of_one_persona_are_refused() -> None:
    with_variants(MAX_VARIANTS)
    with pytest.raises(InvalidFile) as refused:
        with_variants(MAX_VARIANTS + 1)
    assert f"more than {MAX_VARIANTS} variants" in refused.value.details[0]


@pytest.mark.parametrize(("more", "refuses"), [(0, False), (1, True)])
def test_more_rules_laid_over_each_other_are_refused(more: int, refuses: bool) -> None:
    own = 3
    rules = "".join(f"- R. {{#r{place}}}\n" for place in range(MAX_LAID // 2 - own))
    variant = "".join(f"- E. {{#e{place}}}\n" for place in range(MAX_LAID // 2 + more))
    body = "You review. {#identity}\n\n" + rules
    pack = read_files(
        make_pack(personas={"reviewer": persona_text(body=body)}, variants={"reviewer/v": variant_text(variant)})
    )
    if refuses:
        with pytest.raises(InvalidFile, match=r"variants/reviewer/v\.md") as told:
            draft_of(pack, "reviewer", ["v"], {})
        assert f"more than {MAX_LAID:,} rules, headings and removals" in told.value.details[0]
    else:
        draft_of(pack, "reviewer", ["v"], {})


class Counted(str):
    """An id that counts how often it is compared: a search among all rules is one call of a library, and many of
    these.
    """

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def with_counted_ids(layer: Layer) -> Layer:
    def of(part: Any) -> Any:
        ids = {key: value and Counted(value) for key in ("id", "after", "before") for value in (getattr(part, key),)}
        return part._replace(**ids)

    sections = tuple(of(section)._replace(rules=tuple(map(of, section.rules))) for section in layer.sections)
    removed = [Counted(id) for id in layer.header.get("remove", ())]
    return layer._replace(header={**layer.header, "remove": removed}, sections=sections)


LAID = {
    "each after the one before": ("- R. {{#r{n}}}\n", "- E. {{#e{n} after=e{before}}}\n", False),
    "all after the first": ("- R. {{#r{n}}}\n", "- E. {{#e{n} after=r0}}\n", False),
    "each before its own": ("- R. {{#r{n}}}\n", "- E. {{#e{n} before=r{n}}}\n", False),
    "in place of its own": ("- R. {{#r{n}}}\n", "- E. {{#r{n}}}\n", False),
    "headings": ("## R {{#r{n}}}\n\n", "## E {{#e{n} after=r{n}}}\n\n", False),
    "removals": ("- R. {{#r{n}}}\n", "", True),
}


@pytest.mark.parametrize("family", LAID)
def test_laying_a_rule_takes_no_longer_among_more_rules(family: str) -> None:
    own, new, removes = LAID[family]

    def compared(count: int) -> int:
        header = {"remove": [f"r{n}" for n in reversed(range(count))]} if removes else {}
        body = "You review. {#e-1}\n\n" + "".join(own.format(n=n) for n in range(count))
        variant = variant_text("".join(new.format(n=n, before=n - 1) for n in range(count)), **header)
        pack = read_files(make_pack(personas={"reviewer": persona_text(body=body)}, variants={"reviewer/v": variant}))
        draft = first_draft(with_counted_ids(pack.personas["reviewer"]), Origin("release", "x"))
        layer = with_counted_ids(pack.variants["reviewer"]["v"])
        Counted.compared = 0
        lay(draft, [NamedLayer("v", layer, Origin("variant", "v"))])
        return Counted.compared

    few, many = compared(100), compared(400)
    assert many < 5 * few + 100


# -- pack check --------------------------------------------------------------------------------------------------------


def checked(agentpack: Agentpack, folder: Path, count: int, text: str, **header: object) -> str:
    texts = {f"reviewer/v{place}": variant_text(text.format(n=place), **header) for place in range(count)}
    publish(folder, make_pack(variants=texts))
    return agentpack("pack", "check", str(folder), expect=None).out


def test_checking_variants(agentpack: Agentpack, tmp_path: Path) -> None:
    text = "- More {n}. {{#more-{n}}}\n"
    grows_no_faster(lambda count: checked(agentpack, tmp_path / f"packs-{count}", count, text), STEPS)


def test_checking_stops_at_so_many_variants_that_change_one_thing(agentpack: Agentpack, tmp_path: Path) -> None:
    count = next(count for count in range(2, 500) if count * (count - 1) // 2 > MAX_TRIED)
    told = checked(agentpack, tmp_path / "packs", count, "- More {n}. {{#same}}\n")
    assert "`v0` and `v1` conflict" in told
    assert f"more than {MAX_TRIED:,} pairs of variants change the same thing" in told


# -- sizes -------------------------------------------------------------------------------------------------------------


def test_a_parameter_that_is_used_very_often_is_refused_before_the_text_is_made() -> None:
    uses = MAX_FILLED // 2000 + 1
    body = "You review. {#identity}\n\n" + "".join(f"- {'{{a}}' * 100} {{#r{n}}}\n" for n in range(uses // 100 + 1))
    parameters = {"a": {"type": "string", "default": "x", "max_length": 2000, "description": "A."}}
    pack = read_files(make_pack(personas={"reviewer": persona_text(body=body)}, parameters=parameters))
    draft = draft_of(pack, "reviewer", (), {})
    compose(draft, values_for(draft, pack.declarations, {"a": "y" * 1000}, pack.release))
    with pytest.raises(UsageError, match="`reviewer` has more than 2 Mi characters"):
        compose(draft, values_for(draft, pack.declarations, {"a": "y" * 2000}, pack.release))


@pytest.mark.parametrize(
    ("bound", "most", "words"),
    [("MAX_RENDERED", 100, "reviewer.md would have"), ("MAX_ALL_RENDERED", 300, "all files together would have")],
)
def test_files_of_more_bytes_are_refused(
    bound: str,
    most: int,
    words: str,
    agentpack: Agentpack,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(tmp_path / "packs", make_pack("big"))
    monkeypatch.setattr(renderings, bound, most)
    told = agentpack(
        "install", "big", "--source", str(tmp_path / "packs"), "--client", "claude,codex", expect=Refused.exit_code
    )
    assert words in told.err
    assert not (project / "agentpack.yaml").exists()


@pytest.mark.parametrize(
    ("client", "before"), [("roo", ""), ("roo", '{"customModes": [{"slug": "mine"}]}\n'), ("pool", "")]
)
def test_many_agents_in_one_file(agentpack: Agentpack, project: Path, tmp_path: Path, client: str, before: str) -> None:
    def change(count: int) -> None:
        texts = {f"agent-{number}": persona_text(f"agent-{number}") for number in range(count)}
        publish(tmp_path / f"packs-{count}", make_pack(f"crew-{count}", personas=texts))
        if before:
            (project / ".roomodes").write_text(before)
        agentpack("install", f"crew-{count}", "--source", str(tmp_path / f"packs-{count}"), "--client", client)
        agentpack("uninstall", f"crew-{count}")

    grows_no_faster(change, usually(5, thorough=10))


# Agent files of others, in a folder that a client reads.


def test_agent_files_whose_names_are_mostly_blanks(agentpack: Agentpack, project: Path) -> None:
    hostile = f"---\nname: a{' ' * 4060}b\n---\n"
    write_tree(project, {f".claude/agents/x{number}.md": hostile for number in range(100)})
    with within(3):
        assert "100 agent files not managed" in agentpack("status").out


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("name: alpha", "alpha"),
        ("name: 'alpha'  \r", "alpha"),
        ('"name" : "alpha",', "alpha"),
        ("name = 'a b'  ,\r", "a b"),
        ("name: a, ", "a,"),
    ],
)
def test_the_name_in_a_line_is_read_without_what_stands_around_it(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "x.md").write_text(f"---\n{line}\n---\n", newline="")
    assert [found for _, found in agent_names(str(tmp_path), CLIENTS["claude"], ())] == [name]


@pytest.fixture
def deep(project: Path) -> Iterator[None]:
    """Folders in each other, to the last of which no path leads, where Claude Code reads agents."""
    write_tree(project, {".claude/agents/a/b/deep.md": persona_text("deep")})
    folder = os.open(project / ".claude/agents", os.O_RDONLY)

    def step(to: str) -> None:
        nonlocal folder
        left, folder = folder, os.open(to, os.O_RDONLY, dir_fd=folder)
        os.close(left)

    for _ in range(2500):
        os.mkdir("d", dir_fd=folder)
        step("d")
    yield
    for _ in range(2500):  # nothing that removes trees reaches them
        step("..")
        os.rmdir("d", dir_fd=folder)
    os.close(folder)


@pytest.mark.usefixtures("deep")
def test_folders_in_each_other_without_end(agentpack: Agentpack) -> None:
    with within(3):
        assert "1 agent file not managed" in agentpack("status").out
        agentpack("install", "python-engineer", "--client", "claude")


# What a clone may ask for.


def test_many_packs_are_looked_for_in_many_sources(agentpack: Agentpack, project: Path) -> None:
    wanted = usually(1000, thorough=4000)

    def asked(count: int, patterns: str = "") -> str:
        sources = "".join(f"- {{name: s{number}, path: packs-{number}{patterns}}}\n" for number in range(count))
        packs = "".join(f"- q{number}\n" for number in range(wanted))
        write_tree(project, {f"packs-{number}/a/1.0.0/pack.yaml": "" for number in range(count)})
        (project / "agentpack.yaml").write_text(f"schema: 1\nsources:\n{sources}packs:\n{packs}")
        return agentpack("lock", expect=None).err

    with within(10):
        assert f"{wanted} requested packs cannot be found" in asked(MAX_SOURCES)
    with within(10):
        assert f"{wanted} requested packs cannot be found" in asked(MAX_SOURCES, f", packs: ['{'*q' * 300}']")
    assert f"agentpack.yaml:2: sources: more than {MAX_SOURCES} sources" in asked(MAX_SOURCES + 1)


def test_more_declared_clients_are_refused(agentpack: Agentpack, project: Path) -> None:
    clients = {f".agentpack/clients/c{number}.yaml": "schema: 1\nproject: c/agents\n" for number in range(MAX_DECLARED)}
    write_tree(project, clients)
    assert agentpack("clients").out.count("\nc") >= MAX_DECLARED
    write_tree(project, {".agentpack/clients/more.yml": "schema: 1\nproject: c/agents\n"})
    told = agentpack("install", "python-engineer", expect=InvalidFile.exit_code)
    assert f".agentpack/clients: declares more than {MAX_DECLARED} clients" in told.err


def test_a_file_of_many_agents_of_others(agentpack: Agentpack, project: Path) -> None:
    def change(count: int) -> None:
        rows = "".join(f"  - slug: a{number}\n    name: x\n" for number in range(count))
        (project / ".roomodes").write_text(f"customModes:\n{rows}")
        agentpack("install", "python-engineer", "--client", "roo")
        agentpack("status")
        agentpack("uninstall", "python-engineer")

    grows_no_faster(change, 50)
    if THOROUGH:
        with within(30):
            change(3900)


def test_a_lock_that_lists_many_agents_for_every_client(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer<3", "--client", "claude")
    lock = json.loads((project / "agentpack.lock").read_text())
    (row,) = lock["files"]
    names = [f"a{number}" for number in range(2000)]
    lock["files"] = [{**row, "path": f".claude/agents/{name}.md", "persona": name} for name in names]
    (project / "agentpack.lock").write_text(json.dumps({**lock, "clients": sorted(MODULES)}))
    with within(5):
        assert "Goose reads .claude/agents/a999.md" in agentpack("status").out


# What an edited agent file may hold.


def test_edits_of_rules_that_repeat_a_word(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    body = "".join(f"- {'a ' * 1900}x{number} {{{{p}}}} {'aaaaab' * 5}. {{#r{number}}}\n" for number in range(60))
    parameters = {"p": {"type": "string", "default": "value", "description": "Is put in."}}
    publish(tmp_path / "packs", make_pack("big", personas={"big": persona_text("big", body)}, parameters=parameters))
    agentpack("install", "big", "--source", str(tmp_path / "packs"), "--client", "claude")
    file = project / ".claude/agents/big.md"
    file.write_text(file.read_text().replace("- a a", "- b a a b a").replace("aaaaab.", "aaaab."))
    with within(10):
        agentpack("keep", "big")
    assert "value" not in (project / ".agentpack/variants/big").joinpath("local.md").read_text()


# A small archive, and a short pattern.


def test_a_file_that_names_many_tools_and_the_next_release_names_others(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    including = capabilities._includes

    def counted(one: str, other: str) -> bool:
        compared.append(one)
        return including(one, other)

    monkeypatch.setattr(capabilities, "_includes", counted)
    before, after = ({"mcp", *(f"mcp:{side}{number}/a~c(b)" for number in range(2_000))} for side in "ab")
    assert len(capabilities.widening(before, after)) == 2_000
    assert len(compared) <= 5 * len(after)


def test_a_check_of_a_text_full_of_beginnings_of_links(agentpack: Agentpack, tmp_path: Path) -> None:
    """Cubic before: 1,500 of them took six seconds, and these would have taken years."""
    files = make_pack(personas={"reviewer": persona_text(body="You help. {#you}\n\n" + "](" * 60_000 + "\n")})
    agentpack("pack", "check", str(publish(tmp_path / "packs", files) / "data-reviewer/1.0.0"), expect=None)


@pytest.mark.parametrize(
    "text",
    ["[a](b)\n" * 40_000, "# a" + " " * 60_000 + "b\n", "#" * 60_000 + "\n", "# " + "{#" * 60_000],
    ids=["broken links", "blanks in a heading", "marks", "beginnings of ids"],
)
def test_a_check_of_the_links_in_a_text(agentpack: Agentpack, tmp_path: Path, text: str) -> None:
    """To the power of four before: 400 blanks took a minute."""
    files = make_pack(files={"README.md": text})
    folder = str(publish(tmp_path / "packs", files) / "data-reviewer/1.0.0")
    with within(4):
        told = agentpack("pack", "check", folder, expect=None)
    assert told.out.count("links to `b`") == ("[a]" in text) * MAX_FAULTS


@pytest.mark.parametrize(
    "rule",
    ["x Foo " * 60_000, "x Foo" + "\n  " * 60_000 + "Bar", "{{{{ " * 60_000],
    ids=["names", "blank lines", "braces"],
)
def test_a_check_of_the_names_in_a_text(agentpack: Agentpack, tmp_path: Path, rule: str) -> None:
    files = make_pack(personas={"reviewer": persona_text(body=f"You help. {{#you}}\n\n- {rule}\n")})
    folder = str(publish(tmp_path / "packs", files) / "data-reviewer/1.0.0")
    with within(4):
        agentpack("pack", "check", folder, expect=None)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("## 1.1.0\n" * 900_000, MAX_CHANGELOG // 9),
        ("## 1.1.0\n### a" + " " * 900_000 + "b\n", 1),
        ("## 1.1.0\n### " + "# " * 400_000 + "\n", 1),
        ("## 1.1." + "1" * 5_000 + "\n\n## 1.1.0\n", 1),
        ("## 1.1.0a" + "1" * 5_000 + "\n", 0),
    ],
    ids=["headings", "blanks", "marks", "digits", "digits of a pre-release"],
)
def test_a_changelog(text: str, entries: int) -> None:
    """100,000 headings took a minute, 20,000 blanks five seconds, and a version of 5,000 digits ended the command."""
    with within(4):
        found = entries_between(text, Version("1.0.0"), Version("1.1.0"))
        assert len(found) == entries
        assert sum(len(entry.headings) for entry in found) <= 1


def test_the_news_of_an_upgrade_fit_on_a_line(agentpack: Agentpack, project: Path) -> None:
    log = "## 1.1.0\n\n### " + "Added " * 10_000
    publish(project / "more", make_pack("news", "1.0.0"), make_pack("news", "1.1.0", files={"CHANGELOG.md": log}))
    agentpack("install", "news==1.0.0", "--source", "more")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ""))
    assert max(map(len, agentpack("upgrade", "--dry-run").err.splitlines())) < 120


def test_the_size_of_very_large_changes_is_not_counted(agentpack: Agentpack, project: Path) -> None:
    """20 files of 400 KiB took 20 seconds, and there was no end to the packs."""
    for version in ("1.0.0", "1.1.0"):
        body = "".join(f"- Look {version} {number}. " + "x " * 100 + "\n" for number in range(1_000))
        personas = {name: persona_text(name, body) for name in map("agent-{}".format, range(25))}
        publish(project / "more", make_pack("large", version, personas=personas), make_pack("small", version))
    agentpack("install", "large==1.0.0", "small==1.0.0", "--source", "more", "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ""))
    with within(6):
        said = agentpack("upgrade", "--dry-run").err
    assert "large 1.0.0 -> 1.1.0\n" in said


SLOW_TEXTS: dict[str, Callable[[], object]] = {
    "a patch of a line of blanks": lambda: patch._BRACES.search("- a" + " " * 200_000 + "b"),
    "a header that does not end": lambda: front_matter(CLIENTS["claude"], "---" + "\n" * 200_000 + "x", "x.md"),
    "fences that could run a command": lambda: interprets(CLIENTS["claude-skills"], "~" * 200_000),
    "a line that ends in blanks": lambda: wrapped("a" + " " * 200_000),
    "a string that does not end": lambda: comments_in("toml", '"' + '\\"' * 100_000),
    "a requirement of blanks": lambda: requirement_fault("a >=1" + " " * 200_000 + "b"),
    "blanks between two changes": lambda: excerpt((Span(" " * 200_000, False),)),
}
"""Each took more than ten minutes: with twice the text, four times as long."""


@pytest.mark.parametrize("read", SLOW_TEXTS.values(), ids=SLOW_TEXTS)
def test_a_text_that_looks_like_the_beginning_of_something_everywhere(read: Callable[[], object]) -> None:
    with within(1):
        read()


def requirement_fault(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_requirement(text)
    return caught.value.message


def test_an_archive_of_many_rules(agentpack: Agentpack, tmp_path: Path) -> None:
    body = "".join(f"- R. {{#r{number}}}\n" for number in range(4900))
    names = [f"p{number}" for number in range(usually(60, thorough=300))]
    files = make_pack("big", personas={name: persona_text(name, body) for name in names})
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs/big-1.0.0.tar.gz").write_bytes(by_library(files.items()))
    with within(12):
        told = agentpack("install", "big", "--source", str(tmp_path / "packs"), expect=InvalidFile.exit_code)
    assert "more than 200,000 rules and headings in one pack" in told.err
    assert told.err.count("more than") == 1


def test_patterns_that_take_long_to_be_made_ready(agentpack: Agentpack, tmp_path: Path) -> None:
    def install(name: str, count: int, expect: int) -> str:
        pattern = {"type": "string", "default": "aaaa", "description": "Is slow."}
        parameters = {f"p{n}": {**pattern, "pattern": rf"(\w{{1,60}}){{1,3}}x{n}|a+"} for n in range(count)}
        publish(tmp_path / "packs", make_pack(name, parameters=parameters))
        return agentpack("install", name, "--source", str(tmp_path / "packs"), expect=expect).err

    with within(8):
        install("some", MAX_PATTERNS, 0)
        told = install("many", MAX_PATTERNS + 1, InvalidFile.exit_code)
    assert f"parameters: more than {MAX_PATTERNS} parameters have a `pattern`" in told


@pytest.mark.parametrize(("rules", "expect"), [(4900, 0), (80_000, InvalidFile.exit_code)])
def test_an_agent_file_of_equal_rules_is_adopted_or_refused(
    agentpack: Agentpack, project: Path, rules: int, expect: int
) -> None:
    write_tree(project, {".claude/agents/same.md": persona_text("same", "- x y\n" * rules)})
    with within(10):
        told = agentpack("adopt", ".claude/agents/same.md", expect=expect).err
    assert ("more than 5,000 rules and headings" in told) == (expect != 0)


@pytest.mark.parametrize(
    ("taken", "then"),
    [({"say"}, ["say-2", "say-3"]), ({"say", "say-3"}, ["say-2", "say-4"]), ({f"say-{n}" for n in range(9)}, ["say"])],
)
def test_an_id_that_is_taken_gets_the_next_number(taken: set[str], then: list[str]) -> None:
    assert [fresh_id("Say.", taken) for _ in then] == then


def test_more_skills_than_one_command_writes_are_refused(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renderings, "MAX_SKILLS", 5)
    body = "You help. {#you}\n" + "".join(f"\n## M {{#m{n}}}\n\n- x\n" for n in range(3))
    modules = {f"m{n}": "in doubt" for n in range(3)}
    persona = {name: persona_text(name, body, modules=modules) for name in ("one", "two")}
    source = publish(tmp_path / "packs", make_pack(personas=persona, agentpack=">=0.2"))
    ran = agentpack("install", "data-reviewer", "--source", str(source), "--client", "claude", expect=5)
    assert "more than 5 skills" in ran.err
    assert "modules=inline" in ran.err


def agents_of_many_fields(folder: Path, agents: int, fields: int) -> Path:
    header = "".join(f"k{number}: 1\n" for number in range(fields))
    texts = {f"a{one}.md": f"---\nname: a{one}\ndescription: One.\n{header}---\nWork.\n" for one in range(agents)}
    return write_tree(folder / ".claude/agents", texts)


def test_a_check_of_agents_with_many_fields(agentpack: Agentpack, tmp_path: Path) -> None:
    folders = {count: agents_of_many_fields(tmp_path / str(count), 1, count) for count in (300, 600, 1200)}
    grows_no_faster(lambda count: agentpack("pack", "check", str(folders[count]), expect=None), 300)


@pytest.mark.parametrize(("agents", "fields"), [(100, 750), (3, 30_000)])
def test_a_check_of_more_fields_than_can_be_read_is_refused(
    agentpack: Agentpack, tmp_path: Path, agents: int, fields: int
) -> None:
    refused = agentpack("pack", "check", str(agents_of_many_fields(tmp_path, agents, fields)), expect=5)
    assert f"{MAX_SIGNS:,} commas, colons, brackets and lines in headers" in refused.err
