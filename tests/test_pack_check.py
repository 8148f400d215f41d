"""`agentpack pack check`: each rule finds what breaks it, at its place, and a good pack breaks none."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.packs import make_pack, persona_text, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.authoring.findings import RULES
from agentpack.authoring.retired import retired_libraries

RULE_LINE = 9
BODY = """\
You review data. {#identity}

## Rules {#rules}

- Look before you change anything at all. {#look}
- Say what you saw, in one sentence. {#say}
"""
CHANGELOG = "# Changelog\n\n## 1.0.0\n\n- First release.\n"
TESTS = "schema: 1\ntests:\n  - name: it looks\n    present: [look]\n"
AROUND = {"README.md": "# Pack\n", "LICENSE": "MIT\n", "CHANGELOG.md": CHANGELOG, "tests/a.yaml": TESTS}
Files = dict[str, bytes]


def good(version: str = "1.0.0", body: str = BODY, **more: object) -> Files:
    """A pack that breaks no rule."""
    files = {**AROUND, "CHANGELOG.md": CHANGELOG.replace("1.0.0", version)}
    personas = {"reviewer": persona_text(body=body, **more.pop("header", {}))}  # type: ignore[arg-type]
    variants = more.pop("variants", {})
    return make_pack(version=version, personas=personas, files=files, license="MIT", variants=variants, **more)  # type: ignore[arg-type]


def found_in(agentpack: Agentpack, folder: Path, *options: str) -> list[tuple[str, str, int]]:
    """Rule, file and line of everything that the check says about a folder."""
    data = agentpack("pack", "check", str(folder), "--json", *options, expect=None).envelope["data"]
    prefix = data["packs"][-1]["folder"] + "/"
    return [(f["rule"], f["file"].removeprefix(prefix), f["line"]) for f in data["packs"][-1]["findings"]]


def test_a_good_pack_breaks_no_rule(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", good())
    assert found_in(agentpack, folder) == []
    assert "no problems found" in agentpack("pack", "check", str(folder), "--strict").err


def without(path: str) -> Callable[[], Files]:
    return lambda: {name: data for name, data in good().items() if name != path}


def with_rule(text: str) -> Callable[[], Files]:
    return lambda: good(body=BODY + text)


PARAMETERS = {
    "tone": {"type": "string", "default": "a", "choices": ["a", "b"], "description": "How."},
    "loud": {"type": "boolean", "default": True, "description": "Whether."},
}
USED = "- Speak. {#speak when=tone:a}\n- Shout. {#shout when=loud}\n"
LONG = "- " + "word " * 900 + "{#long}\n"
PRODUCTS = "- Take FastAPI, Redis, Kafka, NumPy, Polars, Django, Flask, Celery, Ray, Docker or Helm. {#take}\n"
ALWAYS = "".join(f"- Do {word} {word.upper()}. {{#{word}}}\n" for word in "ab cd ef gh ij kl mn op qr st uv".split())
PERSONA, VARIANT = "personas/reviewer.md", "variants/reviewer/extra.md"
BREAKS: Mapping[str, tuple[Callable[[], Files], tuple[str, str, int]]] = {
    "a manifest that does not read": (
        lambda: {**good(), "pack.yaml": good()["pack.yaml"] + b"nonsense: 1\n"},
        ("P101", "pack.yaml", 6),
    ),
    "no README": (without("README.md"), ("P102", "README.md", 0)),
    "no licence text": (without("LICENSE"), ("P103", "LICENSE", 0)),
    "no tests": (without("tests/a.yaml"), ("P104", "tests", 0)),
    "a field that older versions do not read": (lambda: good(header={"deny": ["web"]}), ("P105", PERSONA, 0)),
    "a rule without id": (with_rule("- Nameless rule of the pack.\n"), ("P201", PERSONA, 11)),
    "a section without id": (with_rule("\n## Bare\n\n- Said. {#said}\n"), ("P201", PERSONA, 12)),
    "an id twice": (with_rule("- Look again later on. {#look}\n"), ("P202", PERSONA, 11)),
    "a long core": (with_rule(LONG), ("P301", PERSONA, 0)),
    "a long description": (
        lambda: good(header={"description": "word " * 81}),
        ("P302", PERSONA, 0),
    ),
    "a long variant": (
        lambda: good(
            variants={"reviewer/extra": variant_text("## Rules {#rules}\n\n- " + "word " * 221 + "{#more}\n")}
        ),
        ("P303", VARIANT, 0),
    ),
    "a whole past its budget": (
        lambda: good(
            variants={"reviewer/extra": variant_text("## Rules {#rules}\n\n- More. {#more}\n", budget={"whole": 5})}
        ),
        ("P304", VARIANT, 0),
    ),
    "the same rule twice": (with_rule("- look before you change ANYTHING at all {#again}\n"), ("P401", PERSONA, 11)),
    "nearly the same rule": (
        with_rule("- Look before you change anything at all here. {#again}\n"),
        ("P402", PERSONA, 11),
    ),
    "conditions at odds": (
        lambda: good(
            body=BODY + USED + "\n## Loud {#loud-part when=loud}\n\n- Never. {#never when=!loud}\n",
            parameters=PARAMETERS,
        ),
        ("P501", PERSONA, 16),
    ),
    "an unused parameter": (
        lambda: good(body=BODY + "- Speak. {#speak when=tone:a}\n", parameters=PARAMETERS),
        ("P502", "pack.yaml", 14),
    ),
    "a removed id that nobody has": (
        lambda: good(variants={"reviewer/extra": variant_text(remove=["lok"])}),
        ("P601", VARIANT, 0),
    ),
    "a link to no file": (
        lambda: {**good(), "README.md": b"# Pack\n\nSee [more](docs/more.md).\n"},
        ("P601", "README.md", 3),
    ),
    "variants at odds": (
        lambda: good(
            variants={
                "reviewer/extra": variant_text("## Rules {#rules}\n\n- One way. {#look}\n"),
                "reviewer/other": variant_text("## Rules {#rules}\n\n- Another way. {#look}\n"),
            }
        ),
        ("P602", VARIANT, 0),
    ),
    "a version that nobody checked": (
        with_rule("- Use thing 3.1. {#thing checked=2026-11-23}\n- Use other 2.4. {#other}\n"),
        ("P902", PERSONA, 12),
    ),
    "much to read on every call": (with_rule("- If asked, " + "word " * 850 + "{#long}\n"), ("P305", PERSONA, 0)),
    "many products": (with_rule(PRODUCTS), ("P403", PERSONA, 11)),
    "many rules that always apply": (with_rule(ALWAYS), ("P404", PERSONA, 9)),
    "a claim that was checked long ago": (
        with_rule("- Use thing 3.1. {#thing checked=2019-11-23}\n- Use that. {#that}\n"),
        ("P903", PERSONA, 11),
    ),
    "a claim whose text says that it is old": (
        with_rule("- Use thing 3.1 (checked 2019-11). {#thing checked=2099-11-23}\n"),
        ("P903", PERSONA, 11),
    ),
    "no licence named": (
        lambda: {**good(), "pack.yaml": good()["pack.yaml"].replace(b"license: MIT\n", b"")},
        ("P103", "pack.yaml", 0),
    ),
    "text that is hidden": (with_rule("- Look\u200b away. {#away}\n"), ("P701", PERSONA, 11)),
    "no changelog": (without("CHANGELOG.md"), ("P801", "CHANGELOG.md", 0)),
    "no heading for the version": (
        lambda: {**good(), "CHANGELOG.md": b"# Changelog\n\n## 0.9.0\n"},
        ("P801", "CHANGELOG.md", 0),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_rule_is_found_at_its_place(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    make, expected = BREAKS[name]
    assert expected in found_in(agentpack, write_tree(tmp_path / "pack", make()))


@pytest.mark.many
@pytest.mark.parametrize("name", BREAKS)
def test_the_exit_code_says_whether_an_error_is_among_it(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    make, (rule, *_) = BREAKS[name]
    folder = write_tree(tmp_path / "pack", make())
    level = RULES[rule].level
    assert agentpack("pack", "check", str(folder), expect=None).exit_code == (1 if level == "error" else 0)
    assert agentpack("pack", "check", str(folder), "--strict", expect=None).exit_code == (0 if level == "note" else 1)


NOT_NOTED = {
    "products each with its condition": PRODUCTS.replace("Take", "If the project has none, take"),
    "words that begin a sentence": "- Ask. Look. Say. Try. Run. Read. Write: Keep. Do. End. Go. See. Use. {#verbs}\n",
    "many rules, some of which have a condition": ALWAYS.replace("- Do kl", "- Where there is one, do kl"),
    "a claim that was checked today": "- Use thing 3.1 (checked TODAY). {#thing checked=TODAY}\n",
}


@pytest.mark.parametrize("name", NOT_NOTED)
def test_what_is_no_burden_on_the_reader_is_not_noted(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    text = NOT_NOTED[name].replace("TODAY", datetime.now(UTC).date().isoformat())
    assert found_in(agentpack, write_tree(tmp_path / "pack", good(body=BODY + text))) == []


def test_what_only_some_tasks_need_is_not_noted(agentpack: Agentpack, tmp_path: Path) -> None:
    body = BODY + "\n## Rarely {#rarely}\n\n" + PRODUCTS + ALWAYS + "- " + "word " * 800 + "{#long}\n"
    folder = write_tree(tmp_path / "pack", good(body=body, header={"modules": {"rarely": "something rare comes up"}}))
    assert found_in(agentpack, folder) == []


def test_notes_are_counted_by_themselves(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = str(write_tree(tmp_path / "pack", good(body=BODY + PRODUCTS)))
    assert "no problems found, 1 note\n" in agentpack("pack", "check", folder).err
    assert agentpack("pack", "check", folder, "--format", "github").out.startswith("::notice file=")


# Releases side by side.

NEXT: Mapping[str, tuple[str, Callable[[str], Files], str | None]] = {
    "wording in a patch": ("1.0.1", lambda v: good(v, BODY.replace("Look before", "First look before")), None),
    "a fact in a patch": ("1.0.1", lambda v: good(v, BODY.replace("one sentence", "`one` sentence")), "P804"),
    "a fact in a minor": ("1.1.0", lambda v: good(v, BODY.replace("one sentence", "`one` sentence")), None),
    "a new rule in a patch": ("1.0.1", lambda v: good(v, BODY + "- Stop when unsure. {#stop}\n"), "P804"),
    "a new rule in a minor": ("1.1.0", lambda v: good(v, BODY + "- Stop when unsure. {#stop}\n"), None),
    "an id gone in a minor": ("1.1.0", lambda v: good(v, BODY.replace("{#say}", "{#tell}")), "P203"),
    "an id gone without a word": ("2.0.0", lambda v: good(v, BODY.replace("{#say}", "{#tell}")), "P802"),
    "wider tools in a minor": ("1.1.0", lambda v: good(v, header={"tools": ["read", "shell"]}), "P804"),
    "wider tools without a word": ("2.0.0", lambda v: good(v, header={"tools": ["read", "shell"]}), "P803"),
    "nothing changed": ("1.0.1", lambda v: good(v), None),
}


@pytest.mark.parametrize("name", NEXT)
def test_the_version_says_how_much_changed(name: str, agentpack: Agentpack, tmp_path: Path) -> None:
    version, make, rule = NEXT[name]
    packs = tmp_path / "packs" / "data-reviewer"
    write_tree(packs / "1.0.0", good(header={"tools": ["read"]}))
    files = make(version)
    if b"tools" not in files[PERSONA]:
        files = {**files, PERSONA: files[PERSONA].replace(b"---\nYou", b"tools: [read]\n---\nYou")}
    found = {row[0] for row in found_in(agentpack, write_tree(packs / version, files))}
    assert found == (set() if rule is None else found | {rule})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (["edit", "shell"], ["edit"], "allows more: shell"),
        (["edit"], ["edit", "shell"], "allows less"),
        (["edit"], None, "allows more: edit"),
    ],
)
def test_a_denial_that_goes_allows_more(
    agentpack: Agentpack, tmp_path: Path, before: list[str], after: list[str] | None, told: str
) -> None:
    old = write_tree(tmp_path / "old", good(header={"deny": before}))
    new = write_tree(tmp_path / "new", good("1.1.0", header={"deny": after} if after else {}))
    ran = agentpack("pack", "check", str(new), "--against", str(old), expect=1)
    assert f"field `deny` {told}" in " ".join((ran.out + ran.err).split())


def test_a_capability_that_only_a_variant_gives_is_told_with_its_file(agentpack: Agentpack, tmp_path: Path) -> None:
    old, new = (
        good(version, header={"tools": ["read"]}, variants={"reviewer/extra": variant_text(set={"tools": tools})})
        for version, tools in (("1.0.0", ["read", "search"]), ("1.1.0", ["read", "shell"]))
    )
    before = write_tree(tmp_path / "old", old)
    ran = agentpack("pack", "check", str(write_tree(tmp_path / "new", new)), "--against", str(before), expect=1)
    assert re.search("capability `shell` widens for", " ".join((ran.out + ran.err).split()))
    assert "variants/reviewer/extra.md" in ran.out


def test_a_parameter_that_bounds_another_is_used(agentpack: Agentpack, tmp_path: Path) -> None:
    number = {"type": "integer", "default": 5, "description": "A number."}
    parameters = {
        "least": {**number},
        "most": {**number},
        "used": {**number, "minimum": "least", "maximum": "most"},
        "idle": {**number},
    }
    files = good(body=BODY.replace("Look", "Look at {{ used }}"), parameters=parameters)
    told = agentpack("pack", "check", str(write_tree(tmp_path / "pack", files)), expect=None).out
    assert "no text uses the parameter `idle`" in told
    assert told.count("P502") == 1


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("../CHANGELOG.md", False),
        ("./more/../../CHANGELOG.md#first", False),
        ("..", False),
        ("../personas", False),
        ("#our-pages", False),
        ("https://example.com/x.md", False),
        ("mailto:ada@example.com", False),
        ("{{ page }}", False),
        ("CHANGELOG.md", True),
        ("../personas/nobody.md", True),
        ("../nowhere#our-pages", True),
        ("#no-such-heading", True),
    ],
)
def test_a_link_leads_to_a_file_of_the_pack_or_to_a_heading(
    agentpack: Agentpack, tmp_path: Path, link: str, is_broken: bool
) -> None:
    page = f"# Our pages\n\nSee [this]({link}).\n"
    found = found_in(agentpack, write_tree(tmp_path / "pack", {**good(), "docs/page.md": page}))
    assert [row for row in found if row[0] == "P601"] == ([("P601", "docs/page.md", 3)] if is_broken else [])


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"tools": ["read", "shell"]}, r"capability `shell` widens for \d\d clients"),
        ({"tools": ["read"], "clients": {"claude": {"background": True}}}, "capability `background` widens for claude"),
    ],
)
def test_a_capability_that_is_new_is_told_with_the_clients_that_give_it(
    agentpack: Agentpack, tmp_path: Path, header: dict[str, Any], told: str
) -> None:
    old = write_tree(tmp_path / "old", good(header={"tools": ["read"]}))
    new = write_tree(tmp_path / "new", good("1.1.0", header=header))
    ran = agentpack("pack", "check", str(new), "--against", str(old), expect=1)
    assert re.search(told, " ".join((ran.out + ran.err).split()))


def test_the_release_before_can_lie_elsewhere(agentpack: Agentpack, tmp_path: Path) -> None:
    old = write_tree(tmp_path / "old", good())
    new = write_tree(tmp_path / "new", good("1.1.0", BODY.replace("{#say}", "{#tell}")))
    assert ("P203", PERSONA, 0) in found_in(agentpack, new, "--against", str(old))


def test_what_a_variant_takes_away_that_is_new_was_taken_from_nobody(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = tmp_path / "packs" / "data-reviewer"
    variants = {"reviewer/extra": variant_text(remove=["say"])}
    write_tree(packs / "1.0.0", good(variants=variants))
    variants = {"reviewer/extra": variant_text(remove=["say", "stop"])}
    new = good("1.1.0", BODY + "- Stop when unsure. {#stop}\n", variants=variants)
    assert found_in(agentpack, write_tree(packs / "1.1.0", new)) == []


EXTENDING = """\
---
name: data-reviewer
description: Reviews data.
extends: house>=1
---

## Own {#own}

- Count the rows first. {#count}
"""


def test_modules_of_the_persona_below_do_not_count_as_core(agentpack: Agentpack, tmp_path: Path) -> None:
    """Long texts lie in a module of another pack: neither the check nor a test of the pack counts them as core."""
    long = BODY + "\n## Rarely {#rarely}\n\n" + LONG
    below = {"modules": {"rarely": "something rare comes up"}}
    write_tree(
        tmp_path / "house" / "1.0.0", make_pack("house", personas={"house": persona_text("house", long, **below)})
    )
    case = "schema: 1\ntests:\n  - {name: it counts, present: [count, look, long], core_words: 60}\n"
    files = {**AROUND, "tests/a.yaml": case}
    pack = make_pack(files=files, license="MIT", requires=["house>=1"], personas={"data-reviewer": EXTENDING})
    folder = write_tree(tmp_path / "data-reviewer" / "1.0.0", pack)
    assert found_in(agentpack, folder) == []
    agentpack("pack", "test", str(folder))


# Mending.


def test_fix_gives_ids_and_a_changelog_and_leaves_the_rest_alone(agentpack: Agentpack, tmp_path: Path) -> None:
    files = {**good(body=BODY + "- Nameless rule of the pack.\n"), "CHANGELOG.md": b"# Changelog\n\n## 0.9.0\n\n- x\n"}
    folder = write_tree(tmp_path / "pack", files)
    before = tree(folder)
    assert agentpack("pack", "check", str(folder), "--fix", "--dry-run", expect=1).err.count("would be fixed") == 2
    assert tree(folder) == before
    agentpack("pack", "check", str(folder), "--fix", expect=1)
    after = tree(folder)
    assert b"- Nameless rule of the pack. {#nameless-rule-of-the}\n" in after[PERSONA]
    assert after["CHANGELOG.md"] == b"# Changelog\n\n## 1.0.0\n\n- TODO: say what changed.\n\n## 0.9.0\n\n- x\n"
    told = agentpack("pack", "check", str(folder), expect=1).out
    assert "CHANGELOG.md:3: P801 the entry for 1.0.0 does not say what changed" in told
    (folder / "CHANGELOG.md").unlink()
    agentpack("pack", "check", str(folder), "--fix", "--strict")
    assert (folder / "CHANGELOG.md").read_text() == "# Changelog\n\n## 1.0.0\n\n- First release.\n"
    assert {path for path in after if after[path] != before[path]} == {PERSONA, "CHANGELOG.md"}


def test_fix_gives_ids_in_variants_whose_headings_mean_those_of_the_persona(
    agentpack: Agentpack, tmp_path: Path
) -> None:
    """A rule gets an id that no rule of the persona has: with theirs, it would replace that rule."""
    terse = "## Rules\n\n- Look twice. {#twice}\n- Look!\n\n## Tone\n\n- Be brief.\n"
    variants = {"reviewer/terse": variant_text(terse)}
    folder = write_tree(tmp_path / "pack", good(body=BODY + "- Nameless rule.\n", variants=variants))
    before, path = tree(folder), "variants/reviewer/terse.md"
    told = agentpack("pack", "check", str(folder), expect=1).out
    assert f"{folder}/{path}:4: P201 every heading of a variant needs an id" in told
    assert "end its first line with ` {#rules}`; `--fix` does it" in told
    assert agentpack("pack", "test", str(folder), expect=2).err.count(f"{folder}/{path}:") == 4
    told = agentpack("pack", "check", str(folder), "--fix", "--dry-run", expect=1).err
    assert f"{path}: would be fixed" in told and f"{PERSONA}: would be fixed" in told and tree(folder) == before
    agentpack("pack", "check", str(folder), "--fix", "--strict")
    after = tree(folder)
    assert after[PERSONA].endswith(b"- Nameless rule. {#nameless-rule}\n")
    named = (
        "## Rules {#rules}\n\n- Look twice. {#twice}\n- Look! {#look-2}\n\n## Tone {#tone}\n\n- Be brief. {#be-brief}\n"
    )
    assert after[path].decode() == before[path].decode().replace(terse, named)


@pytest.mark.parametrize(
    ("rule", "told", "fixed"),
    [
        ("- Be brief. {when=flag}", "`{when=flag}`", "- Be brief. {#be-brief when=flag}"),
        ("- Be brief. {short when=flag}", "`{short when=flag}`", "- Be brief. {#short when=flag}"),
        ("## Tone {when=flag}\n\n- Brief. {#b}", "`{when=flag}`", "## Tone {#tone when=flag}\n\n- Brief. {#b}"),
        ("- Be brief. {when=flag} {#own}", "`{when=flag}`", None),
        ("- Say `{when=flag}`. {#own}", None, None),
        ("- Set {a=b} {#own}", None, None),
    ],
)
@pytest.mark.parametrize("place", ["persona", "variant"])
def test_a_condition_needs_an_id(
    agentpack: Agentpack, tmp_path: Path, rule: str, told: str | None, fixed: str | None, place: str
) -> None:
    """Without one it is text, which was found only in the installed agent."""
    flag = {"flag": {"type": "boolean", "default": True, "description": "Whether."}}
    used = f"{rule}\n- Used. {{#used when=flag}}\n"
    body = "## Rules {#rules}\n\n" + used if place == "variant" else BODY + used
    files = good(
        body=BODY if place == "variant" else body,
        variants={"reviewer/terse": variant_text(body)} if place == "variant" else {},
        parameters=flag,
    )
    folder = write_tree(tmp_path / "pack", files)
    found = agentpack("pack", "check", str(folder), expect=None)
    assert (found.exit_code == 1) == ("P201" in found.out) == (told is not None)
    if fixed is None and told is not None:
        assert f"P201 {told} needs an id; as it is, it is text\n    write `{{#own when=flag}}`\n" in found.out
    elif fixed is not None:
        assert "`--fix` does it" in found.out and "when=flag}`" in found.out
        agentpack("pack", "check", str(folder), "--fix", "--strict")
        path = PERSONA if place == "persona" else "variants/reviewer/terse.md"
        assert tree(folder)[path].decode() == files[path].decode().replace(rule, fixed)


def test_fix_says_why_it_changes_nothing(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", good(body=BODY + "- Look. {#look}\n- Nameless.\n"))
    before = tree(folder)
    told = agentpack("pack", "check", str(folder), "--fix", expect=1)
    assert "P202" in told.out and "`--fix` changed nothing: correct these errors first" in told.err
    assert tree(folder) == before


def test_the_written_changelog_tells_each_change_by_its_id(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = tmp_path / "packs" / "data-reviewer"
    write_tree(packs / "1.0.0", good())
    new = good("2.0.0", BODY.replace("{#say}", "{#tell}"))
    folder = write_tree(packs / "2.0.0", {**new, "CHANGELOG.md": CHANGELOG.encode()})
    agentpack("pack", "check", str(folder), "--fix")
    text = (folder / "CHANGELOG.md").read_text()
    assert "### Removed\n\n- rule `say`\n\n### Added\n\n- rule `tell`\n" in text


# Forms of output.


def test_github_commands_cannot_be_forged_by_a_pack(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "pack", {**good(), "README.md": b"[a](x%0A::error::y.md)\n"})
    lines = agentpack("pack", "check", str(folder), "--format", "github", expect=1).out.splitlines()
    assert [line for line in lines if line.startswith("::")] == lines
    assert "%250A" in lines[0]


def test_a_folder_of_packs_is_checked_as_a_whole(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    write_tree(packs / "data-reviewer" / "1.0.0", good())
    write_tree(packs / "data-reviewer" / "1.0.1", good("1.0.1"))
    data = agentpack("pack", "check", str(packs), "--json").envelope["data"]
    assert [row["release"] for row in data["packs"]] == ["data-reviewer 1.0.0", "data-reviewer 1.0.1"]


def test_a_folder_without_a_pack_is_a_usage_error(agentpack: Agentpack, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "contains no pack and no agent file" in agentpack("pack", "check", str(tmp_path / "empty"), expect=2).err
    assert "does not exist" in agentpack("pack", "check", str(tmp_path / "none"), expect=2).err


def test_every_rule_is_listed(agentpack: Agentpack) -> None:
    listed = agentpack("pack", "check", "--rules", "--json").envelope["data"]["rules"]
    assert [row["id"] for row in listed] == list(RULES)


def test_every_retired_library_names_a_successor_and_a_date() -> None:
    for library in retired_libraries():
        assert library.successors, library.name
        assert library.since <= library.checked, library.name


@pytest.mark.many
@pytest.mark.parametrize("library", retired_libraries(), ids=lambda library: library.name)
def test_a_retired_library_is_named_only_with_its_successor(
    library: object, agentpack: Agentpack, tmp_path: Path
) -> None:
    row = next(row for row in retired_libraries() if row is library)
    named = f"- Reach for `{row.name}` when it fits. {{#reach}}\n"
    folder = write_tree(tmp_path / "one", good(body=BODY + named))
    assert ("P901", PERSONA, 11) in found_in(agentpack, folder)
    named = f"- Reach for {row.successors[0]}, not for `{row.name}`. {{#reach}}\n"
    assert found_in(agentpack, write_tree(tmp_path / "two", good(body=BODY + named))) == []


def test_the_reference_lists_every_rule(request: pytest.FixtureRequest) -> None:
    page = Path(__file__).parent.parent / "docs/reference/pack-check.md"
    rows = "".join(
        f"| `{rule.id}` {rule.name} | {rule.level} | {rule.meaning} | {'yes' if rule.fixable else ''} |\n"
        for rule in RULES.values()
    )
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition("| --- | --- | --- | --- |\n")
    now = f"{head}| --- | --- | --- | --- |\n{rows}\n{rest.partition(chr(10) * 2)[2]}"
    if request.config.getoption("--update"):
        page.write_text(now, encoding="utf-8")
        text = now
    assert text == now
