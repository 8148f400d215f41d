"""A change to a manifest, seen as its author would: here and nowhere else."""

from pathlib import Path

import pytest
from support.packs import make_pack, publish
from support.running import Agentpack

from agentpack.errors import InvalidFile
from agentpack.input.documents import read_yaml
from agentpack.input.schemas import validate
from agentpack.model.manifest import ConfiguredSource, Manifest, ManifestEntry
from agentpack.model.requirement import parse_requirement
from agentpack.writers.manifest_edit import edit_manifest

TEXT = """\
# What we use. Ask Ada before you add one.
schema: 1

packs:
  # the house engineer
  - "python-engineer>=1.0"  # pinned by Ada

  - require: data-reviewer
    parameters:
      style: brief   # they asked for it
    clients: [claude]
# sources below
sources:
  - {name: team, path: ../packs}  # ours
"""


def meaning(text: str) -> Manifest:
    return Manifest.from_data(validate("manifest", read_yaml(text, "agentpack.yaml")))


def wanted(text: str, **more: object) -> ManifestEntry:
    return ManifestEntry(parse_requirement(text), text)._replace(**more)  # type: ignore[arg-type]


def edited(text: str, *packs: ManifestEntry, **more: object) -> str:
    """The text with these packs in place of those of the same name, or added."""
    old = meaning(text)
    new = {entry.requirement.pack: entry for entry in old.packs}
    new |= {entry.requirement.pack: entry for entry in packs}
    return edit_manifest(text, "agentpack.yaml", old, old._replace(packs=tuple(new.values()), **more))  # type: ignore[arg-type]


def without(text: str, *names: str) -> str:
    old = meaning(text)
    kept = tuple(entry for entry in old.packs if entry.requirement.pack not in names)
    return edit_manifest(text, "agentpack.yaml", old, old._replace(packs=kept))


def test_a_pack_is_added_behind_the_last_one() -> None:
    assert edited(TEXT, wanted("team-lead>=2")) == TEXT.replace(
        "    clients: [claude]\n", "    clients: [claude]\n  - team-lead>=2\n"
    )


def test_a_pack_with_values_is_added_in_lines() -> None:
    text = edited(TEXT, wanted("team-lead", parameters={"line_length": 100, "style": "a: b"}, clients=("codex",)))
    assert (
        "  - require: team-lead\n"
        "    clients: [codex]\n"
        '    parameters: {line_length: 100, style: "a: b"}\n'
        "# sources below\n"
    ) in text


def test_a_range_is_changed_where_it_stands_and_the_comment_stays() -> None:
    assert edited(TEXT, wanted("python-engineer>=1.1,<2")) == TEXT.replace(
        '"python-engineer>=1.0"', "python-engineer>=1.1,<2"
    )


def test_a_plain_entry_that_gets_values_becomes_a_map_and_keeps_its_comment() -> None:
    assert edited(TEXT, wanted("python-engineer>=1.0", parameters={"compose": "never"})) == TEXT.replace(
        '  - "python-engineer>=1.0"  # pinned by Ada\n',
        "  - require: python-engineer>=1.0  # pinned by Ada\n    parameters: {compose: never}\n",
    )


def test_a_value_of_an_entry_is_changed_and_its_neighbours_stay() -> None:
    before = meaning(TEXT).wanted("data-reviewer")
    assert before is not None
    assert edited(TEXT, before._replace(clients=("claude", "codex"))) == TEXT.replace("[claude]", "[claude, codex]")
    text = edited(TEXT, before._replace(parameters={"style": "full"}))
    assert "    parameters: {style: full}\n    clients: [claude]\n" in text


def test_a_pack_is_taken_out_with_its_lines_only() -> None:
    text = without(TEXT, "data-reviewer")
    assert text == TEXT.replace(
        "  - require: data-reviewer\n    parameters:\n"
        "      style: brief   # they asked for it\n    clients: [claude]\n",
        "",
    )
    assert without(text, "python-engineer").startswith(
        "# What we use. Ask Ada before you add one.\nschema: 1\n\npacks: []"
    )


def test_clients_and_sources_are_added() -> None:
    text = edited(TEXT, clients=("claude", "codex"))
    assert text == TEXT + "clients: [claude, codex]\n"
    source = ConfiguredSource("other", "path", "~/some packs, [old]")
    text = edited(TEXT, sources=(*meaning(TEXT).sources, source))
    assert text == TEXT + '  - {name: other, path: "~/some packs, [old]"}\n'


@pytest.mark.parametrize(
    ("text", "requirement", "expected"),
    [
        ("schema: 1\npacks: []\n", "x>=1", "schema: 1\npacks:\n  - x>=1\n"),
        ("schema: 1\n", "x", "schema: 1\npacks:\n  - x\n"),
        ("schema: 1", "x", "schema: 1\npacks:\n  - x\n"),
        ("{schema: 1, packs: [a]}\n", "x", "{schema: 1, packs: [a, x]}\n"),
        ("{schema: 1}\n", "x", "{schema: 1, packs: [x]}\n"),
        ("schema: 1\npacks:  # none yet\nmodels:\n", "x", "schema: 1\npacks:  # none yet\n  - x\nmodels:\n"),
        ("schema: 1\npacks: [a,  b]  # all\n", "x[v]>=1", 'schema: 1\npacks: [a,  b, "x[v]>=1"]  # all\n'),
        ("schema: 1\npacks: [a]\n", "a>=1,<2", 'schema: 1\npacks: ["a>=1,<2"]\n'),
        ("schema: 1\npacks:\n- a\n", "x", "schema: 1\npacks:\n- a\n- x\n"),
        ("schema: 1\r\npacks:\r\n  - a\r\n", "x", "schema: 1\r\npacks:\r\n  - a\r\n  - x\r\n"),
        ("schema: 1\npacks:\n  - a\t# tab\n", "x", "schema: 1\npacks:\n  - a\t# tab\n  - x\n"),
    ],
)
def test_a_pack_goes_in_whatever_way_the_list_is_written(text: str, requirement: str, expected: str) -> None:
    assert edited(text, wanted(requirement)) == expected


def test_what_cannot_be_changed_in_place_is_left_to_the_user() -> None:
    text = 'schema: 1\npacks:\n  - "a>=1,\n    <2"\n'
    with pytest.raises(InvalidFile) as refused:
        edited(text, meaning(text).packs[0]._replace(clients=("claude",)))
    assert refused.value.details == ("agentpack.yaml: this change would need to rewrite the whole file",)
    assert refused.value.hint == "edit the file by hand, then run `agentpack sync`"


def test_a_comment_in_an_empty_list_is_not_lost() -> None:
    with pytest.raises(InvalidFile) as refused:
        edited("schema: 1\npacks: [  # none yet\n  ]\n", wanted("x"))
    assert refused.value.details == ("agentpack.yaml: this change would need to rewrite the whole file",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("packs:\n  # why a\n  # and how\n  - a\n# the rest\nmodels: {}\n", "packs: []\n# the rest\nmodels: {}\n"),
        ("packs:\n  - b\n  # why a\n  - a\n", "packs:\n  - b\n"),
        ("packs:\n  # why a\n  - a\n  # why b\n  - b\n", "packs:\n  # why b\n  - b\n"),
        ("packs:\n  # both\n  - a\n  - b\n", "packs:\n  # both\n  - b\n"),  # may be about b as well
        ("packs:\n  # of all\n\n  - a\n", "packs: []\n  # of all\n\n"),
        ("packs:\n  -\n    a\n  - b\n", "packs:\n  - b\n"),
        ('"packs":\n  - a\n', '"packs": []\n'),
    ],
)
def test_a_comment_right_above_an_entry_goes_with_it(text: str, expected: str) -> None:
    assert without("schema: 1\n" + text, "a") == "schema: 1\n" + expected


EMPTY_KEYS = "schema: 1\n# ours\nclients:\nsources:  # later\nmodels: ~\npolicy:\npacks:\n"
COMMANDS = (
    *("status", "sync", "sync --check", "diff", "lock", "lock --check", "upgrade --yes", "doctor", "audit", "history"),
    *("policy explain", "clients", "search python", "show python-engineer", "uninstall nothing"),
)


@pytest.mark.many
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_keys_that_are_left_empty_as_not_there(
    agentpack: Agentpack, project: Path, command: str
) -> None:
    (project / "agentpack.yaml").write_text("schema: 1\npacks: []\n")
    without = agentpack(*command.split(), expect=None)
    (project / "agentpack.yaml").write_text(EMPTY_KEYS)
    ran = agentpack(*command.split(), expect=None)
    assert (ran.exit_code, ran.out) == (without.exit_code, without.out)
    assert "fault" not in ran.err


def test_an_install_writes_into_keys_that_are_left_empty(agentpack: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").write_text(EMPTY_KEYS)
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    assert (project / "agentpack.yaml").read_text() == (
        "schema: 1\n# ours\nclients: [claude]\nsources:  # later\n  - {name: packs, path: packs}\n"
        "models: ~\npolicy:\npacks:\n  - data-reviewer\n"
    )


def test_an_entry_takes_options_in_keys_that_are_left_empty() -> None:
    text = "schema: 1\npacks:\n  - require: a\n    clients:  # all\n    parameters:\n    as: ~\n"
    made = edited(text, wanted("a", clients=("claude",), parameters={"style": "brief"}))
    assert made == text.replace("clients:  # all", "clients: [claude]  # all").replace(
        "parameters:", "parameters: {style: brief}"
    )
