"""show: what a pack says about itself."""

import json
import re
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.golden import Golden
from support.many import Job, run_all
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.cli.output import FIRST_ENTRIES, MOST_ENTRIES
from agentpack.cli.show import MOST_CHANGES, MOST_DESCRIBED
from agentpack.cli.wrapping import MAX_DRAWN, drawn
from agentpack.model.changelog import ChangelogEntry

PARAMETERS = {
    "tone": {"type": "string", "default": "calm", "choices": ["calm", "loud"], "description": "How it talks."}
}
VARIANTS = {
    "reviewer/strict": variant_text("## Rules {#rules}\n\n- Refuse what is unclear. {#refuse}\n", summary="Says no.")
}


def offer(tmp_path: Path, project: Path) -> None:
    body = "You are {{ tone }}. {#identity}\n"
    made = make_pack(
        "reviews",
        "1.1.0",
        personas={"reviewer": persona_text(body=body + "\n## Rules {#rules}\n\n- Look. {#look}\n")},
        variants=VARIANTS,
        parameters=PARAMETERS,
        license="MIT",
        homepage="https://example.com/reviews",
        authors=["Ada", "Grace"],
        keywords=["data", "tables"],
    )
    publish(tmp_path / "packs", made, make_pack("reviews", "1.0.0"))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})


def test_a_pack_tells_all_that_a_user_chooses_from(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    out = agentpack("show", "reviews", "--verbose").out
    for words in (
        "reviews 1.1.0",
        "licence   MIT\n",
        "homepage  https://example.com/reviews\n",
        "authors   Ada, Grace\n",
        "keywords  data, tables\n",
        "versions  1.1.0, 1.0.0\n",
        "personas  reviewer\n",
        "requires  nothing\n",
        "variant\tclient\twords\ttokens\talways words\talways tokens\ton demand words\ton demand tokens\nno variant\t",
        "Says no.",
        "tone  string, default calm; one of calm, loud",
        "acme",
    ):
        assert words in out


def test_a_place_tells_the_newest_release_of_each_pack(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    assert "reviews 1.1.0" in " ".join(agentpack("show", "../packs").out.split())
    (told,) = agentpack("show", "../packs", "--json").envelope["data"]["packs"]
    assert (told["name"], told["version"]) == ("reviews", "1.1.0")


def test_variants_stand_in_the_order_of_their_names(agentpack: Agentpack, project: Path) -> None:
    """Not in that of their files: `-` comes before the `/` and the `.` of a path."""
    personas = {name: persona_text(name) for name in ("look", "look-on")}
    own = {f"{persona}/{name}": variant_text() for persona in personas for name in ("strict", "strict-too")}
    publish(project / "packs", make_pack("looks", personas=personas, variants=own))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: packs}\n"})
    told = agentpack("show", "looks", "--json").envelope["data"]["variants"]
    assert [(one["persona"], one["name"]) for one in told] == [tuple(path.split("/")) for path in own]


def test_it_is_short_unless_more_is_asked_for(agentpack: Agentpack) -> None:
    short = agentpack("show", "python-engineer", "-c", "claude").out
    named = agentpack("show", "python-engineer[lean]", "-c", "claude").out
    whole = agentpack("show", "python-engineer", "-c", "claude", "-v").out
    assert len(short.splitlines()) < 50
    assert max(map(len, short.splitlines())) < 160
    assert "METH-" not in short
    assert re.search(r"^lean\n  The essentials.*\n(?:  .*\n)*    architecture", named, re.M)
    assert "strict-typing" not in named
    assert "; architecture;" in " ".join(whole.split())
    assert "METH-" not in whole
    assert "The oldest Python that new code must run on." in whole
    data = [
        agentpack("show", words, "--json").envelope["data"] for words in ("python-engineer", "python-engineer[lean]")
    ]
    assert data[0]["variants"] == data[1]["variants"]


def test_the_size_of_what_is_named_stands_beside_that_of_the_pack_alone(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    offer(tmp_path, project)
    rows = agentpack("show", "reviews[strict]", "-c", "claude").out.partition("\nsize\n")[2].splitlines()
    assert [row.split("  ")[1] for row in rows] == ["no variant, claude", "strict, claude"]
    assert all(
        re.search(r"  \d+ words \(\d+ tokens\) when called, \d+ words \(\d+ tokens\) always$", row) for row in rows
    )


def test_the_locked_release_is_marked(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    agentpack("install", "reviews==1.0.0", "--client", "claude")
    assert "1.1.0, 1.0.0 (locked here)" in agentpack("show", "reviews").out


def test_the_newest_release_is_shown_whichever_is_locked(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    agentpack("install", "reviews==1.0.0")
    assert agentpack("show", "reviews").out.startswith("reviews 1.1.0")
    assert "strict" in agentpack("show", "reviews", "--client", "claude").out


def test_what_a_pack_extends_is_shown_at_its_locked_release(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    def base(version: str) -> dict[str, bytes]:
        return make_pack("base", version, personas={"base": persona_text("base", f"- Rule of {version}. {{#rule}}\n")})

    house = {"house": persona_text("house", "", extends="base>=1")}
    publish(tmp_path / "packs", base("1.0.0"), make_pack("house", personas=house, requires=["base>=1"]))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    agentpack("install", "base", "--client", "claude")
    publish(tmp_path / "packs", base("1.1.0"))
    assert "Rule of 1.0.0." in agentpack("render", "house", "--client", "claude").out


def test_the_size_is_told_for_each_variant_and_client(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    sizes = agentpack("show", "reviews", "--client", "claude", "--json").envelope["data"]["sizes"]
    assert [(size["variants"], size["client"]) for size in sizes] == [([], "claude"), (["strict"], "claude")]
    text = agentpack("render", "reviews[strict]", "--client", "claude").out
    assert sizes[1]["words"] == len(text.split())
    assert sizes[1]["tokens"] == round(len(text) / 4)
    assert sizes[1]["words"] > sizes[0]["words"]
    assert sizes[0]["always_words"] == len("reviewer: Reviews data as reviewer.".split())


def test_a_size_that_cannot_be_told_says_why(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    fixed, gone = {"clients": {"claude": {"maxTurns": 3}}}, variant_text(remove=["gone"])
    made = make_pack(
        "reviews",
        personas={"reviewer": persona_text(clients={"claude": {"maxTurns": "many"}})},
        variants={"reviewer/short": variant_text(set=fixed)},
    )
    publish(tmp_path / "packs", made)
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    write_tree(project, {".agentpack/variants/reviewer/bad.md": gone})
    why = "refused: persona `reviewer`: `clients.claude.maxTurns` must be a positive integer"
    short, named, whole = (
        agentpack("show", *words, "-c", "claude").out.partition("\nsize")[2].splitlines()
        for words in (["reviews"], ["reviews[short]"], ["reviews", "-v"])
    )
    [(words, tokens)] = re.findall(r"(\d+) words \((\d+) tokens\) when called", named[2])
    assert short[1:] == [f"  claude  {why}", f"  with a variant: {words} words"]
    assert named[1] == f"  no variant, claude  {why}"
    bad = "refused: .agentpack/variants/reviewer/bad.md: remove: there is no rule or section `gone`"
    rows = [row.split("\t") for row in whole[2:]]
    assert [row[:4] for row in rows] == [
        ["no variant", "claude", why, ""],
        ["bad", "claude", bad, ""],
        ["short", "claude", words, tokens],
    ]


def test_a_value_that_is_set_is_shown_and_checked(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    assert "tone  loud, default calm; one of calm, loud\n" in agentpack("show", "reviews", "--set", "tone=loud").out
    assert "default calm, set to loud" in agentpack("show", "reviews", "--set", "tone=loud", "-v").out
    assert "one of calm, loud" in agentpack("show", "reviews", "--set", "tone=shy", expect=2).err


def test_a_persona_that_is_installed_under_another_name_is_shown_as_the_pack_has_it(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    offer(tmp_path, project)
    asked = ("show", "reviews", "--client", "claude", "--json")
    before = agentpack(*asked).envelope["data"]["sizes"]
    agentpack("install", "reviews", "--client", "claude", "--as", "reviewer=second-reviewer-of-all")
    assert agentpack(*asked).envelope["data"]["sizes"] == before


def test_local_variants_are_listed(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Be kind. {#kind}\n")})
    variants = agentpack("show", "reviews", "--json").envelope["data"]["variants"]
    assert ("house", True) in [(variant["name"], variant["local"]) for variant in variants]


def test_the_changes_between_two_releases_are_their_changelog_and_their_size(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    told = "# Changelog\n\n## 1.2.0\n\n- Newest.\n\n## 1.1.0\n\n### Added\n\n- `look`\n\n## 1.0.0\n\n- First.\n"
    files = {"CHANGELOG.md": told}
    bodies = {"1.0.0": "You. {#you}\n", "1.1.0": "You. {#you}\n\n- Look. {#look}\n", "1.2.0": "You. {#you}\n"}
    made = [
        make_pack("news", version, personas={"reviewer": persona_text(body=body)}, files=files)
        for version, body in bodies.items()
    ]
    publish(tmp_path / "packs", *made)
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    out = agentpack("show", "news", "--changes", "1.0.0", "1.1.0").out
    assert out == "news 1.0.0 -> 1.1.0  (+2 -0 lines, 1 rule)\n\n1.1.0\n### Added\n\n- `look`\n"
    for words in (["news", "--changes", "1.1.0", "1.0.0"], ["1.0.0", "news", "--changes", "1.1.0"]):
        assert agentpack("show", *words).out == out
    for words in (
        ["news", "--changes", "1.0.0"],
        ["news==1.2.0", "--changes", "1.0.0"],
        ["--changes", "news", "1.0.0"],
    ):
        assert agentpack("show", *words).out.startswith("news 1.0.0 -> 1.2.0"), words
    data = agentpack("show", "news", "--changes", "1.0.0", "1.2.0", "--json").envelope["data"]
    assert [entry["version"] for entry in data["entries"]] == ["1.2.0", "1.1.0"]
    assert data["size"] == {"added": 0, "removed": 0, "rules": 0}
    assert "there are 1.2.0, 1.1.0, 1.0.0" in agentpack("show", "news", "--changes", "1.0.0", "3.0.0", expect=4).err
    assert "`new` is not a version" in agentpack("show", "news", "--changes", "1.0.0", "new", expect=2).err
    assert "needs the name of a pack" in agentpack("show", "news>1", "--changes", "1.0.0", "1.1.0", expect=2).err


def test_the_command_that_an_upgrade_names_works_for_a_pack_of_which_only_the_newest_release_is_there(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    told = "# Changelog\n\n## 1.1.0\n\n- Look.\n"
    write_tree(tmp_path / "news", make_pack("news", "1.0.0"))
    agentpack("install", "../news")
    write_tree(tmp_path / "news", make_pack("news", "1.1.0", files={"CHANGELOG.md": told}))
    assert "`agentpack show news --changes 1.0.0 1.1.0` prints" in agentpack("upgrade", "--dry-run").err
    for _ in range(2):
        ran = agentpack("show", "news", "--changes", "1.0.0", "1.1.0")
        assert ran.out == "news 1.0.0 -> 1.1.0\n\n1.1.0\n- Look.\n"
        assert "news==1.0.0 is no longer offered" in ran.err
        agentpack("upgrade", "--yes")
    data = agentpack("show", "news", "--changes", "1.0.0", "1.1.0", "--json").envelope["data"]
    assert (data["size"], data["comparable"]) == (None, False)
    gone = agentpack("show", "news", "--changes", "1.0.0", "1.2.0", expect=4).err
    assert "there is only 1.1.0" in gone
    assert "hint" not in gone


def test_on_a_terminal_a_changelog_is_drawn_and_in_a_pipe_it_is_as_it_was_written(
    agentpack: Agentpack, project: Path
) -> None:
    text = "### Moved\n\n| rule | now |\n| --- | --- |\n| `look` | in the **module** <kept> |\n\n- A [page](https://a.example/b)."
    told = f"# Changelog\n\n## 1.1.0\n\n{text}\n\n## 1.0.0\n\nFirst.\n"
    packs = [make_pack("news", version, files={"CHANGELOG.md": told}) for version in ("1.0.0", "1.1.0")]
    publish(project / "packs", *packs)
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: packs}\n"})
    words = ("show", "news", "--changes", "1.0.0", "1.1.0")
    assert f"\n\n1.1.0\n{text}\n" in agentpack(*words).out
    plain = {"NO_COLOR": "1", "AGENTPACK_PAGER": "cat"}
    on_terminal = Job(words, str(project), terminal=True, variables={**plain, "COLUMNS": "44"})
    shown = run_all([on_terminal])[0].out.decode().replace("\r\n", "\n")
    page = "A page (https://a.example/b)."
    assert f"1.1.0\nMoved\n\nrule    now\n`look`  in the module <kept>\n\n • {page}\n" in shown
    coloured = run_all([on_terminal._replace(variables={"AGENTPACK_PAGER": "cat", "TERM": "xterm"})])[0].out.decode()
    assert "\x1b[36m`look`\x1b[0m" in coloured


def test_of_a_long_entry_the_first_part_is_shown_and_the_rest_on_request(agentpack: Agentpack, project: Path) -> None:
    beginning = "All is new.\n\n### What to do\n\nNothing."
    long = f"{beginning}\n\n### Added\n\n" + "\n".join(f"- Rule {number}." for number in range(MOST_CHANGES))
    plain = "### Added\n\n" + "\n".join(f"- Rule {number}." for number in range(MOST_CHANGES))
    short = plain.rpartition("\n- ")[0].rpartition("\n- ")[0]
    told = f"# Changelog\n\n## 1.3.0\n\n{long}\n\n## 1.2.0\n\n{short}\n\n## 1.1.0\n\n{plain}\n"
    publish(
        project / "packs", *(make_pack("news", version, files={"CHANGELOG.md": told}) for version in ("1.0.0", "1.3.0"))
    )
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: packs}\n"})
    words = ("show", "news", "--changes", "1.0.0", "1.3.0")
    ran = agentpack(*words)
    assert short.count("\n") == MOST_CHANGES - 1
    way = "`agentpack show news --changes 1.0.0 1.3.0 --verbose` prints them"
    cut = f"{beginning}\n\n[{MOST_CHANGES + 3} more lines of 1.3.0: {way}]"
    assert ran.out.endswith(f"\n\n1.3.0\n{cut}\n\n1.2.0\n{short}\n\n1.1.0\n{plain}\n")
    whole = agentpack(*words, "--verbose")
    assert whole.out.endswith(f"\n\n1.3.0\n{long}\n\n1.2.0\n{short}\n\n1.1.0\n{plain}\n")
    assert "more lines" not in whole.out
    data = agentpack(*words, "--json").envelope["data"]
    assert [entry["text"] for entry in data["entries"]] == [long, short, plain]


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("One. Two.", "One. Two."),
        (f"One. {'two ' * 60}end.", "One."),
        (f"{'two ' * 60}end.", "two " * 54 + "two …"),
        ("x" * 300, "x" * 220 + " …"),
        ("- A list\n- of two", "A list of two"),
        ("* A list.\n* Of two.", "A list. Of two."),
        ("---", ""),
        ("| a | table |", ""),
    ],
)
def test_a_plan_says_the_first_sentences_of_an_entry(text: str, lead: str) -> None:
    assert ChangelogEntry("1.0.0", 1, f"\n\n{text}\n\nMore.\n").lead == lead


def test_a_changelog_too_long_to_be_drawn_is_shown_as_it_was_written() -> None:
    row = "| `a` | b |\n"
    table = f"| c | d |\n| --- | --- |\n{row * (MAX_DRAWN // len(row))}"
    assert drawn(table, styled=False) == table
    assert "|" not in drawn(table[: len(row) * 9], styled=False)


def test_a_pack_without_a_changelog_says_so(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    offer(tmp_path, project)
    ran = agentpack("show", "reviews", "--changes", "1.0.0", "1.1.0")
    assert "the pack has no changelog for these versions" in ran.err


def test_an_unknown_pack_is_exit_4_with_a_near_name(agentpack: Agentpack) -> None:
    assert "`python-engineer`" in agentpack("show", "pyton-engineer", expect=4).err


def test_show_writes_nothing(agentpack: Agentpack, project: Path) -> None:
    before = tree(project, without=(".git",))
    agentpack("show", "python-engineer")
    assert tree(project, without=(".git",)) == before


def test_what_a_variant_leaves_out_and_excludes_is_told(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    one = variant_text(losses=["the rule on looking"], conflicts=[{"with": "two", "reason": "both look"}, "three"])
    variants = {"reviewer/one": one, "reviewer/two": variant_text(), "reviewer/three": variant_text()}
    publish(tmp_path / "packs", make_pack("reviews", "1.1.0", variants=variants))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    out = agentpack("show", "reviews", "--verbose").out
    assert "not with three; two\n" in out
    assert "leaves out the rule on looking\n" in out
    assert "leaves out" not in agentpack("show", "reviews").out
    named = agentpack("show", "reviews[one]").out
    assert "  not with three\n  not with two: both look\n  leaves out\n    the rule on looking\n" in named
    shown = {row["name"]: row for row in agentpack("show", "reviews", "--json").envelope["data"]["variants"]}
    assert shown["one"]["losses"] == ["the rule on looking"]
    assert shown["one"]["conflicts"] == [{"with": ["three"], "reason": ""}, {"with": ["two"], "reason": "both look"}]
    assert (shown["two"]["losses"], shown["two"]["conflicts"]) == ([], [{"with": ["one"], "reason": "both look"}])
    refused = agentpack("install", "reviews[one,two]", expect=4)
    assert "error: the variants `one` and `two` exclude each other: both look" in refused.err


# Whole answers.

OFTEN = {
    "count": {"type": "integer", "default": 3, "minimum": 1, "description": "How often it looks."},
    "loud": {"type": "boolean", "default": False, "description": "Whether it shouts."},
    "motto": {"type": "string", "default": "", "description": "What it says first."},
}


def _rule(text: str) -> str:
    return f"## Rules {{#rules}}\n\n- {text}\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("short", ["reviews"]),
        ("named", ["reviews[strict]"]),
        ("local", ["reviews[own]"]),
        ("set", ["reviews", "--set", "tone=loud", "--set", "loud=true"]),
        ("whole", ["reviews", "--set", "tone=loud", "-v"]),
        ("data", ["reviews", "--json"]),
        ("plain", ["base"]),
        ("plain-whole", ["base", "-v"]),
    ],
)
def test_a_whole_answer(agentpack: Agentpack, project: Path, golden: Golden, answer: str, words: list[str]) -> None:
    """A pack with two personas, variants of each, and parameters of each type; and one with no more than it needs."""
    values = "You are {{ tone }}, {{ count }}, {{ motto }}, {{ loud }}. {#identity}\n\n"
    strict = variant_text(
        _rule("Refuse all of it at once. {#refuse}"),
        summary="Says no.",
        losses=["TOOL-1, METH-2: the rule on looking", "praise"],
        conflicts=[{"with": ["kind"], "reason": "yes and no"}],
    )
    reviews = make_pack(
        "reviews",
        "1.1.0",
        personas={
            "reviewer": persona_text(body=values + _rule("Look. {#look}")),
            "second": persona_text("second", "", extends="base>=1"),
        },
        variants={
            "reviewer/strict": strict,
            "reviewer/kind": variant_text(_rule("Say: good. {#good}"), summary="Says yes."),
        },
        parameters={**OFTEN, **PARAMETERS},
        requires=["base>=1"],
        license="MIT",
        homepage="https://example.com/reviews",
        authors=["Ada", "Grace"],
        keywords=["data", "tables"],
    )
    base = make_pack("base", personas={"base": persona_text("base")})
    publish(project / "packs", reviews, make_pack("reviews", "1.0.0"), base)
    own = {".agentpack/variants/second/own.md": variant_text("- Be short. {#short}\n")}
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: packs}\n", **own})
    ran = agentpack("show", *words, "-c", "claude")
    golden.check(f"show/{answer}.txt", f"{ran.out}{ran.err}".replace(str(project), "PROJECT").encode())


# A place.


def _kits(project: Path, agents: int, description: str = "Works.") -> None:
    """A marketplace of two plugins, so many agents in each, and what cannot be had."""
    files = {
        f"{kit}/agents/a{number:02}.md": agent_text(f"a{number:02}", "Hi.", description=description)
        for kit in ("p1", "p2")
        for number in range(agents)
    }
    plugins = [{"name": kit, "source": f"./{kit}", "description": f"Kit {kit}."} for kit in ("p1", "p2")]
    there = {"source": "github", "repo": "acme/far"}
    far = [{"name": "far", "version": "2.0", "source": there}, {"name": "further", "source": there}]
    market = {"name": "m", "plugins": [*plugins, *far, {"name": "odd", "source": 5}]}
    write_tree(project / "kits", {**files, ".claude-plugin/marketplace.json": json.dumps(market), "p1/hooks/x": ""})
    write_tree(project / "kits/p2/agents", {"bad.md": "---\nname: bad\n---\nNo.\n"})


def _without_digests(text: str) -> str:
    return re.sub(r"\+h\w+", "+h", text)


def test_all_that_a_place_offers_and_what_of_it_cannot_be_had(agentpack: Agentpack, project: Path) -> None:
    _kits(project, 1)
    ran = agentpack("show", "./kits")
    assert _without_digests(ran.out) == (
        "4 packs, 2 agents\n"
        "p1 0.0.0+h\n  Kit p1.\n  1 agent\n  besides agents: hooks\n  a00  Works.\n"
        "p2 0.0.0+h\n  Kit p2.\n  1 agent\n  a00  Works.\n"
        "far 2.0\n  in github:acme/far\nfurther\n  in github:acme/far\n"
    )
    assert ran.err == (
        f"project {project}\n"
        "note: p2: skipped agents/bad.md (its header has no description)\n"
        "note: skipped plugin `odd`: its `source` is not text\n"
        "`agentpack install p1 --source ./kits` installs one, `agentpack install ./kits --all` all\n"
    )
    data = agentpack("show", "./kits", "--json").envelope["data"]
    first, second, far, _ = data.pop("packs")
    assert data == {"place": "./kits", "unread": ["skipped plugin `odd`: its `source` is not text"]}
    assert {**first, "version": ""} == {
        "name": "p1",
        "version": "",
        "description": "Kit p1.",
        "license": "",
        "agents": [{"name": "a00", "path": "agents/a00.md", "description": "Works."}],
        "beside": "hooks",
        "left_out": [],
        "elsewhere": "",
        "remark": "",
    }
    assert second["left_out"] == ["agents/bad.md (its header has no description)"]
    assert (far["version"], far["elsewhere"], far["agents"]) == ("2.0", "in github:acme/far", [])


@pytest.mark.parametrize(("each", "is_listed"), [(MOST_ENTRIES // 2, True), (MOST_ENTRIES // 2 + 1, False)])
def test_agents_of_several_packs_are_listed_if_they_are_few_or_on_request(
    agentpack: Agentpack, project: Path, each: int, is_listed: bool
) -> None:
    _kits(project, each)
    assert agentpack("show", "./kits").out.count("Works.") == (2 * each if is_listed else 0)
    assert agentpack("show", "./kits", "-v").out.count("Works.") == 2 * each


def test_a_long_description_is_cut_unless_all_is_asked_for(agentpack: Agentpack, project: Path) -> None:
    fits, longer = "x" * MOST_DESCRIBED, "y" * (MOST_DESCRIBED + 1)
    agents = [agent_text(name, "Hi.", description=text) for name, text in (("one", fits), ("two", longer))]
    write_tree(project / "kit/agents", {f"{number}.md": text for number, text in enumerate(agents)})
    cut = longer[: MOST_DESCRIBED - 1] + "…"
    asked = agentpack("show", "./kit")
    assert asked.out.partition("agents\n")[2] == f"  one  {fits}\n  two  {cut}\n"
    assert asked.err == (
        f"project {project}\n`agentpack install ./kit` installs it; add `--only AGENT` for some of its agents\n"
    )
    assert agentpack("show", "./kit", "-v").out.partition("agents\n")[2] == f"  one  {fits}\n  two  {longer}\n"


def test_of_many_agents_of_one_pack_and_of_many_notes_the_first_are_told(agentpack: Agentpack, project: Path) -> None:
    count = MOST_ENTRIES + 1
    good = {f"a{number:02}.md": agent_text(f"a{number:02}", "Hi.", description="Works.") for number in range(count)}
    bad = {f"b{number:02}.md": f"---\nname: b{number:02}\n---\nNo.\n" for number in range(count)}
    write_tree(project / "kit/agents", {**good, **bad})
    more = f"  … and {count - FIRST_ENTRIES} more (`--verbose` lists all)"
    ran = agentpack("show", "./kit")
    assert ran.out.splitlines()[1:] == [
        f"  {count} agents",
        *(f"  a{number:02}  Works." for number in range(FIRST_ENTRIES)),
        more,
    ]
    assert ran.err.splitlines()[1:-1] == [
        *(f"note: kit: skipped agents/b{n:02}.md (its header has no description)" for n in range(FIRST_ENTRIES)),
        more,
    ]


def test_a_place_that_offers_nothing_says_so(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "notes", {"notes.txt": ""})
    ran = agentpack("show", "./notes")
    assert (ran.out, ran.err) == ("", f"project {project}\n./notes has no packs and no agent files\n")


def test_of_many_packs_the_first_are_told(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", *(make_pack(f"p{number:02}") for number in range(MOST_ENTRIES + 1)))
    ran = agentpack("show", "./packs")
    assert ran.out.splitlines() == [
        f"{MOST_ENTRIES + 1} packs",
        *(f"p{number:02} 1.0.0" for number in range(FIRST_ENTRIES)),
        f"  … and {MOST_ENTRIES + 1 - FIRST_ENTRIES} more packs (`--verbose` lists all)",
    ]
    assert len(agentpack("show", "./packs", "-v").out.splitlines()) == MOST_ENTRIES + 2
