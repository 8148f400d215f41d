"""`explain` says where each field and rule of a file on disk comes from, and writes nothing."""

import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import marks, write_tree

FILE = ".claude/agents/reviewer.md"
BODY = """\
You review {{ what }} with care. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say when=talkative}
- Whisper what you saw. {#whisper when=!talkative}
- Count the {{ what }}. {#count}

A rule without an id.
"""
PARAMETERS = {
    "what": {"type": "string", "default": "data", "description": "What it reviews."},
    "model": {"type": "string", "default": "sonnet", "description": "The model."},
    "talkative": {"type": "boolean", "default": True, "description": "Whether it speaks."},
}
STRICT = variant_text("## Rules {#rules}\n\n- Look twice. {#look}\n- Be strict. {#strict}\n", set={"color": "red"})
HOUSE = variant_text("## Rules {#rules}\n\n- Be kind. {#kind}\n", remove=["count"], set={"tools": ["read"]})
HEADERS = "file\trelease\tkind\tsection\tname\tstate\tfrom\ttext\n"


@pytest.fixture
def installed(agentpack: Agentpack, tmp_path: Path) -> Agentpack:
    files = make_pack(
        "reviews",
        personas={"reviewer": persona_text(body=BODY, model="{{ model }}", color="blue")},
        variants={"reviewer/strict": STRICT},
        parameters=PARAMETERS,
    )
    publish(tmp_path / "packs", files)
    write_tree(agentpack.folder, {".agentpack/variants/reviewer/house.md": HOUSE})
    words = ["install", "reviews[strict,house]", "--source", str(tmp_path / "packs"), "--client", "claude"]
    agentpack(*words, "--set", "what=tables", "--set", "model=opus")
    return agentpack


def edit(agentpack: Agentpack, old: str, new: str) -> None:
    place = agentpack.folder / FILE
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_bytes(text.replace(old, new).encode())


def rows(agentpack: Agentpack, *words: str) -> list[tuple[str, ...]]:
    """Kind, name, state, origin and text of every line."""
    out = agentpack("explain", *(words or ("reviewer",))).out
    assert out.startswith(HEADERS)
    cells = [line.split("\t") for line in out.removeprefix(HEADERS).splitlines()]
    assert {(row[0], row[1]) for row in cells} == {(FILE, "reviews 1.0.0 [house, strict]")}
    return [(row[2], row[4], row[5], row[6], row[7]) for row in cells]


RELEASED = [
    ("field", "name", "released", "reviews 1.0.0", "reviewer"),
    ("field", "description", "released", "reviews 1.0.0", "Reviews data as reviewer."),
    ("field", "tools", "released", "local variant house", "Read"),
    ("field", "model", "released", "parameter model", "opus"),
    ("field", "color", "released", "variant strict", "red"),
    ("text", "identity", "released", "reviews 1.0.0, parameter what", "You review tables with care."),
    ("heading", "rules", "released", "reviews 1.0.0", "Rules"),
    ("item", "look", "released", "variant strict", "Look twice."),
    ("item", "say", "released", "reviews 1.0.0", "Say what you saw."),
]


def test_every_field_and_rule_has_its_release_variant_local_variant_or_parameter(installed: Agentpack) -> None:
    found = rows(installed)
    assert found[: len(RELEASED)] == RELEASED
    assert {row[1]: row[3] for row in found if row[1] in ("kind", "strict", "-")} == {
        "-": "reviews 1.0.0",
        "kind": "local variant house",
        "strict": "variant strict",
    }
    assert {row[2] for row in found} == {"released"}


def test_it_writes_nothing(installed: Agentpack) -> None:
    before = marks(installed.folder, without=())
    installed("explain", "reviews")
    installed("explain", "reviews", "look")
    assert marks(installed.folder, without=()) == before


def test_what_was_edited_by_hand_is_a_local_edit(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    edit(installed, "- Look twice.\n", "- Ask who pays for it.\n")
    edit(installed, "color: red", "color: green")
    found = {row[1] + row[4]: row[2:4] for row in rows(installed) if row[2] != "released"}
    assert found == {
        "colorgreen": ("edited", "local edit of variant strict"),
        "saySay what you really saw.": ("edited", "local edit of reviews 1.0.0"),
        "lookLook twice.": ("removed", "removed by a local edit, variant strict"),
        "-Ask who pays for it.": ("added", "local edit"),
    }


def test_a_missing_file_is_explained_as_it_would_be(installed: Agentpack) -> None:
    (installed.folder / FILE).unlink()
    assert rows(installed)[: len(RELEASED)] == RELEASED
    (file,) = installed("explain", "reviewer", "--json").envelope["data"]["files"]
    assert file["missing"] is True


def test_a_clone_explains_without_any_state(installed: Agentpack, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(installed.folder, clone, ignore=shutil.ignore_patterns("state", ".git"))
    os.mkdir(clone / ".git")
    assert rows(Agentpack(clone)) == rows(installed)


def test_a_rule_in_full_has_its_place_its_values_and_what_it_replaced(installed: Agentpack) -> None:
    assert installed("explain", "reviewer", "look").out == (
        f"look, Rules  {FILE}\n"
        "  from       variant strict\n"
        "  written in variants/reviewer/strict.md:8 of the pack reviews 1.0.0\n"
        "  it says\n"
        "    - Look twice.\n"
        "  replaced reviews 1.0.0, personas/reviewer.md:11 of the pack reviews 1.0.0\n"
        "    - Look before you change.\n"
    )
    assert installed("explain", "reviewer", "identity").out == (
        f"identity  {FILE}\n"
        "  from       reviews 1.0.0, parameter what\n"
        "  written in personas/reviewer.md:7 of the pack reviews 1.0.0\n"
        "  parameter  what is tables (set by you)\n"
        "  it says\n"
        "    You review tables with care.\n"
    )


def test_a_rule_with_a_condition_says_it(installed: Agentpack) -> None:
    out = installed("explain", "reviewer", "say").out
    assert "  only when  talkative\n  parameter  talkative is true (the default)\n" in out


def test_a_condition_that_is_turned_round_names_its_parameter(installed: Agentpack) -> None:
    installed("install", "reviews", "--set", "talkative=false")
    out = installed("explain", "reviewer", "whisper").out
    assert "  only when  !talkative\n  parameter  talkative is false (set by you)\n" in out


def test_a_value_that_a_variant_gives_a_parameter_is_the_default_with_it(agentpack: Agentpack, project: Path) -> None:
    quiet = variant_text("", summary="Quiet.", set={"parameters": {"what": "tables"}})
    personas = {"reviewer": persona_text(body=BODY, model="{{ model }}")}
    pack = make_pack("reviews", personas=personas, variants={"reviewer/quiet": quiet}, parameters=PARAMETERS)
    publish(project / "packs", pack)
    agentpack("install", "reviews[quiet]", "--source", "packs", "--client", "claude")
    assert "  parameter  what is tables (the default)\n" in agentpack("explain", "reviewer", "count").out


def test_what_is_in_the_place_of_a_file_is_not_read_as_one(installed: Agentpack) -> None:
    (installed.folder / FILE).unlink()
    (installed.folder / FILE).mkdir()
    (file,) = installed("explain", "reviewer", "--json").envelope["data"]["files"]
    assert file["missing"]
    assert {rule["state"] for rule in file["rules"]} == {"released"}


def test_an_edited_rule_is_shown_as_it_is_and_as_it_was(installed: Agentpack) -> None:
    edit(installed, "Be kind.", "Be kind, always.")
    out = installed("explain", "reviewer", "kind").out
    assert "  written in .agentpack/variants/reviewer/house.md:11\n" in out
    assert out.endswith("  on disk\n    - Be kind, always.\n  as released\n    - Be kind.\n")


def test_a_rule_of_ones_own_is_told_to_have_no_id(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you saw.\n- Ask who pays for it.")
    assert installed("explain", "reviewer", "who pays").out.startswith("rule without an id, ")


def test_a_field_in_full_has_every_layer_that_says_it(installed: Agentpack) -> None:
    assert installed("explain", "reviewer", "color").out == (
        f"field color  {FILE}\n"
        "  from       variant strict\n"
        "  written in variants/reviewer/strict.md of the pack reviews 1.0.0\n"
        "  it says\n"
        "    red\n"
        "  replaced reviews 1.0.0, personas/reviewer.md of the pack reviews 1.0.0\n"
        "    blue\n"
    )


def test_a_rule_that_was_left_out_says_why(installed: Agentpack) -> None:
    ran = installed("explain", "reviewer", "whisper", expect=2)
    assert ran.err.endswith(
        "error: `reviewer` has no rule or field `whisper`\n"
        "  reviews-1.0.0/personas/reviewer.md:13 has it, only when !talkative\n"
    )
    ran = installed("explain", "reviewer", "count", expect=2)
    assert "  local variant house removes it (.agentpack/variants/reviewer/house.md)\n" in ran.err


def test_words_are_found_inside_others_only_if_no_word_begins_with_them(agentpack: Agentpack, tmp_path: Path) -> None:
    body = "- Trust nobody. {#trust}\n- Keep untrusted text apart. {#apart}\n"
    publish(tmp_path / "packs", make_pack(personas={"reviewer": persona_text(body=body)}))
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"))
    for words, name in {"trust": "trust", "trusted": "apart"}.items():
        assert [one["name"] for one in agentpack("explain", words, "--json").envelope["data"]["rules"]] == [name]


def test_a_variant_of_the_description_is_none_of_the_name(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    said = [{"text": "Reviews data.", "when": "fast"}, {"text": "Reviews."}]
    fast = {"fast": {"type": "boolean", "default": True, "description": "Whether."}}
    pack = make_pack(personas={"reviewer": persona_text(description=said)}, parameters=fast)
    publish(tmp_path / "packs", pack)
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"))
    file = project / ".claude/agents/reviewer.md"
    file.write_text(re.sub("(?m)^description:.*", 'description: "Ours."', file.read_text()))
    agentpack("keep", "reviewer")
    assert "  from       data-reviewer 1.0.0\n" in agentpack("explain", "reviewer", "name").out
    told = agentpack("explain", "reviewer", "description").out
    assert "  from       local variant local\n" in told
    assert told.endswith(
        "  replaced data-reviewer 1.0.0, personas/reviewer.md of the pack data-reviewer 1.0.0\n"
        "    Reviews data. (only when fast)\n    Reviews.\n"
    )


@pytest.mark.parametrize(("words", "name"), [("SAY what", "say"), ("what you `saw`", "say"), ("**be kind**", "kind")])
def test_a_rule_is_found_by_its_words(installed: Agentpack, words: str, name: str) -> None:
    for typed in ([words], words.split()):
        (rule,) = installed("explain", "reviewer", *typed, "--json").envelope["data"]["rules"]
        assert rule["name"] == name


def test_a_line_of_a_file_is_explained(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you\n  really saw.")
    lines = (installed.folder / FILE).read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip("-"):
            told = installed("explain", f"{FILE}:{number}", expect=2).err
            assert f"error: {FILE} has no text in line {number}\nhint: `agentpack explain {FILE}` shows" in told
            continue
        (rule,) = installed("explain", f"{FILE}:{number}", "--json").envelope["data"]["rules"]
        assert rule["path"] == FILE
        text = " ".join(rule["text"].split())
        assert line.partition(": ")[2] in (text, f'"{text}"') if rule["kind"] == "field" else line.strip("-# ") in text
    for beyond in (0, len(lines) + 1):
        assert f"has no text in line {beyond}\n" in installed("explain", f"{FILE}:{beyond}", expect=2).err
    assert "`nothing.md:3`" in installed("explain", "nothing.md:3", expect=2).err


def test_unknown_names_are_answered_with_the_nearest(installed: Agentpack) -> None:
    assert "hint: did you mean `look`?" in installed("explain", "reviewer", "loook", expect=2).err
    assert "hint: did you mean `reviewer`" in installed("explain", "reviewr", expect=2).err
    installed("explain", "reviewer", "--client", "nobody", expect=2)


@pytest.mark.parametrize("words", ["explain reviewer", "keep reviewer", "uninstall reviewer"])
def test_every_command_refuses_an_empty_scope_in_the_same_words(agentpack: Agentpack, words: str) -> None:
    ran = agentpack(*words.split(), expect=2)
    assert "error: nothing is installed here\nhint: install a pack first: `agentpack install NAME`\n" in ran.err


def test_an_edited_rule_is_found_by_the_words_it_was_released_with(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    for words in ("what you saw", "really saw"):
        assert "as released\n    - Say what you saw.\n" in installed("explain", words).out


def test_words_of_a_rule_need_no_quotes(installed: Agentpack) -> None:
    assert installed("explain", "what", "you", "saw").out == installed("explain", "what you saw").out
    told = installed("explain", "reviewr", "saw", expect=2).err
    assert "no pack or persona `reviewr saw` is installed here" in told
    assert "hint: did you mean `reviewer`" in told


@pytest.mark.parametrize("words", ["explain reviewer", "sync --locked", "keep reviewer"])
def test_every_command_says_in_the_same_words_that_the_lock_is_gone(installed: Agentpack, words: str) -> None:
    (installed.folder / "agentpack.lock").unlink()
    ran = installed(*words.split(), expect=3)
    assert "error: there is no agentpack.lock\nhint: `git restore agentpack.lock` restores it; " in ran.err


@pytest.mark.parametrize(
    ("manifest", "words", "way"),
    [
        ("schema: 1\npacks: []\n", "explain reviewer", "agentpack lock"),
        ("schema: 1\npacks: []\n", "sync --locked", "agentpack lock"),
        (None, "sync --frozen", "agentpack install NAME"),
    ],
)
def test_where_there_never_was_a_lock_what_writes_one_is_said(
    agentpack: Agentpack, manifest: str | None, words: str, way: str
) -> None:
    if manifest is not None:
        write_tree(agentpack.folder, {"agentpack.yaml": manifest})
    ran = agentpack(*words.split(), expect=3)
    assert ran.err.endswith(f"error: there is no agentpack.lock\nhint: `{way}` writes one\n")


def test_json_has_every_line_with_its_origin(installed: Agentpack) -> None:
    (file,) = installed("explain", "reviews", "--json").envelope["data"]["files"]
    assert (file["path"], file["release"], file["client"]) == (FILE, "reviews 1.0.0 [house, strict]", "claude")
    assert file["rules"][0] == {
        "kind": "text",
        "name": "identity",
        "section": "",
        "state": "released",
        "origin": {"kind": "release", "name": "reviews 1.0.0", "parameters": ["what"]},
        "text": "You review tables with care.",
        "released": None,
    }
    (rule,) = installed("explain", "reviews", "look", "--json").envelope["data"]["rules"]
    assert [(place["origin"]["name"], place["line"]) for place in rule["places"]] == [
        ("reviews 1.0.0", 11),
        ("strict", 8),
    ]


def test_what_a_terminal_would_obey_is_shown_escaped(installed: Agentpack) -> None:
    edit(installed, "- Be strict.\n", "- Be \x1b[31m strict.\n\n## Oh \u202e\n")
    for words in (["reviewer"], ["reviewer", "strict"]):
        out = installed("explain", *words).out
        assert "\x1b" not in out and "\u202e" not in out and "\\u{1b}[31m" in out


def test_a_sum_of_origins_is_told(installed: Agentpack) -> None:
    edit(installed, "Say what you saw.", "Say what you really saw.")
    assert installed("explain", "reviewer").err.endswith(
        "6 rules: 2 from reviews 1.0.0, 2 from variant strict, 1 from local variant house, 1 with local edits\n"
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["- Look twice.", "- Be kind.", "## Rules", "```", "- x", ""]), max_size=8))
def test_every_rule_on_disk_is_told_once_and_none_released_is_forgotten(installed: Agentpack, lines: list[str]) -> None:
    place = installed.folder / FILE
    kept = place.read_bytes()
    try:
        head = kept.decode().split("---\n")[1]
        place.write_text(f"---\n{head}---\n" + "\n".join(lines) + "\n")
        (file,) = installed("explain", "reviewer", "--json").envelope["data"]["files"]
    finally:
        place.write_bytes(kept)
    states = [rule["state"] for rule in file["rules"]]
    assert len(states) - states.count("added") == 7
    texts = [rule["text"] for rule in file["rules"] if rule["state"] != "removed"]
    assert "\n".join(texts).replace("\n", "") == "".join(lines)


def test_a_line_of_a_file_is_a_field_in_its_header_and_a_text_below(agentpack: Agentpack, project: Path) -> None:
    body = "You review. {#you}\n\n---\n\nNote: look twice. {#note}\n\nNote: rest. {#rest}\n"
    publish(project / "packs", make_pack("reviews", personas={"reviewer": persona_text(body=body)}))
    agentpack("install", "reviews", "--source", "packs", "--client", "claude")
    lines = (project / FILE).read_text().splitlines()
    for line, name in (("description: ", "field description"), ("Note: look", "note")):
        (number,) = (number for number, text in enumerate(lines, 1) if text.startswith(line))
        out = agentpack("explain", f"{FILE}:{number}").out
        assert (out.splitlines()[0], out.count("  from  ")) == (f"{name}  {FILE}", 1)
    (project / FILE).write_text("Note: look twice.\n")
    assert agentpack("explain", f"{FILE}:1").out.startswith(f"note  {FILE}\n")
    (project / FILE).write_text("---\nNote: look thrice.\n")
    assert agentpack("explain", f"{FILE}:2").out.startswith(f"note  {FILE}\n")
