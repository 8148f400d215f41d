"""`agentpack.yaml` as a value, and the normal form that the lock keeps of it."""

from pathlib import Path

import pytest
from support.running import Agentpack

from agentpack.input.documents import read_yaml
from agentpack.input.schemas import validate
from agentpack.model.manifest import EMPTY, Manifest
from agentpack.writers.manifest_text import new_manifest
from agentpack.writers.schema_line import schema_line

TEXT = """\
schema: 1
clients: [codex, claude]
packs:
  - python-engineer[strict-typing]>=1.1,<2
  - require: Data_Reviewer ~= 2.0
    clients: [claude]
    parameters: {python_version: "3.13", line_length: 100}
    as: {data-reviewer: reviewer}
models: {opus: {opencode: anthropic/claude-opus-5}}
sources:
  - {name: acme, path: ../packs}
"""


def read(text: str) -> Manifest:
    return Manifest.from_data(validate("manifest", read_yaml(text, "agentpack.yaml")))


def test_it_says_what_is_wanted() -> None:
    manifest = read(TEXT)
    wanted = manifest.wanted("data-reviewer")
    assert wanted is not None
    assert str(wanted.requirement) == "data-reviewer~=2.0"
    assert wanted.text == "Data_Reviewer ~= 2.0"
    assert wanted.clients == ("claude",)
    assert wanted.parameters == {"python_version": "3.13", "line_length": 100}
    assert wanted.renames == {"data-reviewer": "reviewer"}
    assert manifest.wanted("other") is None
    assert manifest.clients == ("codex", "claude")
    assert manifest.models == {"opus": {"opencode": "anthropic/claude-opus-5"}}
    assert [tuple(source) for source in manifest.sources] == [("acme", "path", "../packs", {}, ())]


def test_spelling_order_and_comments_do_not_change_what_it_means() -> None:
    other = """\
# in another order
sources: [{path: ../packs, name: acme}]
models:
  opus: {opencode: anthropic/claude-opus-5}
packs:
  - {as: {data-reviewer: reviewer}, parameters: {line_length: 100, python_version: "3.13"}, clients: [claude],
     require: "data-reviewer~=2.0"}
  - "python-engineer[strict-typing] <2, >=1.1"   # why
clients:
  - claude
  - codex
schema: 1
"""
    assert read(other).to_data() == read(TEXT).to_data()


def test_checked_data_gives_the_manifest_back() -> None:
    assert Manifest.from_data(read(TEXT).checked_data()) == read(TEXT)


def test_a_manifest_without_clients_does_not_say_which() -> None:
    assert read("schema: 1\n").clients is None
    assert read("schema: 1\nclients: []\n").clients == ()
    assert read("schema: 1\n") == EMPTY


def test_a_new_manifest_is_as_a_person_would_write_it() -> None:
    assert (
        new_manifest(read(TEXT)._replace(models={}))
        == f"""\
{schema_line("manifest")}
schema: 1
clients: [codex, claude]
sources:
  - {{name: acme, path: "../packs"}}
packs:
  - python-engineer[strict-typing]>=1.1,<2
  - require: Data_Reviewer ~= 2.0
    clients: [claude]
    parameters: {{python_version: "3.13", line_length: 100}}
    as: {{data-reviewer: reviewer}}
"""
    )
    assert new_manifest(EMPTY) == f"{schema_line('manifest')}\nschema: 1\npacks: []\n"


def test_every_fault_is_told_at_once_with_its_line(agentpack: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").write_text(
        "schema: 1\nclients: [claud]\npacks:\n  - one\n  - {require: one>=2, clients: [codx, 3]}\n  - {require: x y}\n"
        "sources:\n  - {name: a, path: b}\n  - {name: a, path: c}\n  - {name: a, path: d}\nmore: 1\n"
        "models: {opus: {claude: x, claude-code: y}}\n"
    )
    assert agentpack("sync", expect=2).err.splitlines()[1:] == [
        "error: 9 errors in agentpack.yaml",
        "  agentpack.yaml:2: clients[0]: there is no client `claud` (did you mean `claude`?)",
        "  agentpack.yaml:5: packs[1]: duplicate entry `one` (first on line 4; keep one entry)",
        "  agentpack.yaml:5: packs[1].clients[0]: there is no client `codx` (did you mean `codex`?)",
        "  agentpack.yaml:5: packs[1].clients[1]: expected text (in quotes if it looks like a number), found `3`",
        "  agentpack.yaml:6: packs[2].require: `x y`: `y` is not a range of versions",
        "  agentpack.yaml:9: sources[1]: duplicate entry `a` (first on line 8; keep one entry)",
        "  agentpack.yaml:10: sources[2]: duplicate entry `a` (first on line 8; keep one entry)",
        "  agentpack.yaml:11: more: unknown key `more` (did you mean `models`?)",
        "  agentpack.yaml:12: models.opus.claude-code: duplicate entry `claude` (first on line 12; keep one entry)",
    ]


def test_a_manifest_for_a_newer_agentpack_is_told_as_that_alone(agentpack: Agentpack, project: Path) -> None:
    """What its other lines mean there is not known."""
    (project / "agentpack.yaml").write_text("clients: [claud]\nschema: 2\npacks: [one, one]\nmore: 1\n")
    assert agentpack("sync", expect=2).err == (
        f"project {project}\n"
        "error: agentpack.yaml:2: schema: schema 2 is newer than this agentpack reads (schema 1)\n"
        "hint: upgrade agentpack\n"
    )


ODD: dict[str, tuple[str, list[str]]] = {
    "a source that is not there": (
        "sources: [{name: acme, path: a}]\npacks: [{require: one, source: acne}, {require: two, source: nowhere}]\n",
        [
            "agentpack.yaml:3: packs[0].source: there is no source `acne` (did you mean `acme`?)",
            "agentpack.yaml:3: packs[1].source: there is no source `nowhere` (use a name listed under `sources:`)",
        ],
    ),
    "no source at all": (
        "packs: [{require: one, source: bundled}, {require: two, source: acme}]\n",
        ["agentpack.yaml:2: packs[1].source: there is no source `acme` (use a name listed under `sources:`)"],
    ),
    "a client like no other": (
        "clients: [xxxxxxxx]\n",
        ["agentpack.yaml:2: clients[0]: there is no client `xxxxxxxx` (`agentpack clients` lists them)"],
    ),
    "a pack called like another": (
        "sources: [{name: acme, path: a}]\npacks:\n  - one\n  - {require: other, source: acme, name: one}\n  - two\n"
        "  - {require: two, source: acme, name: third}\n",
        ["agentpack.yaml:5: packs[1]: duplicate entry `one` (first on line 4; keep one entry)"],
    ),
    "lists that are none, beside others": (
        "clients: claud\nsources: acme\nmodels: [a]\npacks: [{require: one, clients: claud, source: 3}, one]\n",
        [
            "agentpack.yaml:2: clients: ",
            "agentpack.yaml:3: sources: ",
            "agentpack.yaml:4: models: ",
            "agentpack.yaml:5: packs[0].clients: ",
            "agentpack.yaml:5: packs[0].source: ",
            "agentpack.yaml:5: packs[1]: duplicate entry `one` (first on line 5; keep one entry)",
        ],
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_faults_beyond_the_form_are_told_whatever_form_the_rest_has(
    agentpack: Agentpack, project: Path, case: str
) -> None:
    text, faults = ODD[case]
    (project / "agentpack.yaml").write_text(f"schema: 1\n{text}")
    told = agentpack("sync", expect=2).err.splitlines()[1:]
    lines = [line.strip() for line in told[1:]] if len(faults) > 1 else [told[0].removeprefix("error: ")]
    for line, fault in zip(lines, faults, strict=True):
        assert line.startswith(fault) if fault.endswith(": ") else line == fault


def test_a_client_that_is_declared_here_is_known(agentpack: Agentpack, project: Path) -> None:
    (project / ".agentpack/clients").mkdir(parents=True)
    (project / ".agentpack/clients/ours.yaml").write_text(
        "schema: 1\ntitle: Ours\nproject: .ours/agents\nmodel: model\n"
    )
    (project / "agentpack.yaml").write_text("schema: 1\nclients: [ours]\npacks: []\n")
    agentpack("status")
