"""Laws: a JSON Schema allows what agentpack reads, and what it allows beyond that is listed here with the reason."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import json_schemas
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from support.effort import usually

from agentpack.errors import InvalidFile
from agentpack.input.documents import Document, read_yaml
from agentpack.input.schemas import validate
from agentpack.model.lock_text import parse_lock

LOCK = {
    "schema": 2,
    "manifest": {
        "clients": ["claude"],
        "models": {"opus": {"claude": "opus-4"}},
        "packs": [{"require": "reviews", "clients": ["claude"], "parameters": {"tone": "short"}, "as": {"a": "b"}}],
        "sources": [{"name": "ours", "path": "../packs", "packs": ["reviews"]}],
    },
    "clients": ["claude"],
    "declared": {"house": "sha256:" + "a" * 64},
    "accepted": ["reviews:shell"],
    "packs": [
        {
            "name": "reviews",
            "source": "ours",
            "version": "1.0.0",
            "digest": "sha256:" + "b" * 64,
            "commit": "c" * 40,
            "variants": ["strict"],
            "local_variants": [{"persona": "reviewer", "name": "house", "digest": "sha256:" + "d" * 64}],
            "parameters": {"tone": "short"},
            "requires": ["other>=1"],
            "wanted_by": ["agentpack.yaml"],
            "clients": ["claude"],
            "agents": [{"path": "agents/a.md", "sha256": "e" * 64, "left_out": "no name"}],
        }
    ],
    "written": {"clients": ["claude"], "packs": [], "declared": {}},
    "skipped": [{"client": "goose", "pack": "reviews", "persona": "reviewer", "reason": "it cannot"}],
    "files": [
        {
            "path": ".claude/agents/a.md",
            "client": "claude",
            "pack": "reviews",
            "persona": "a",
            "sha256": "f" * 64,
            "capabilities": "read, search",
            "release": "0.9.0",
        }
    ],
}
POLICY = """\
schema: 1
sources: {allow: [bundled, "https://packs.example.com/"], deny: [/srv/old]}
packs: {allow: ["acme-*", reviews], deny: ["acme<2"]}
licenses: {allow: [MIT], deny: [GPL-3.0-only]}
capabilities: {allow: [read], deny: [shell], accept: [web]}
hidden_text: report
minimum_age: 14 days
maximum_size: 1 MiB
signed_tags: true
"""
TEXTS = {
    "manifest": """\
schema: 1
clients: [claude, Codex]
packs:
  - python-engineer[strict-typing]>=1.1,<2
  - require: data-reviewer~=2.0
    clients: [claude]
    parameters: {python_version: "3.13", wide: true, most: 4}
    as: {data-reviewer: reviewer}
  - {require: smiths, source: smiths, name: smiths, personas: [a], without: [page-smith]}
models: {opus: {claude: claude-opus-4-1}}
sources:
  - {name: acme, path: ../packs, packs: [acme-*, data-reviewer]}
  - {name: smiths, git: "github:team/smiths", ref: main, subdirectory: agents}
  - {name: kit, archive: kit.tar.gz}
policy:
"""
    + "".join(f"  {line}\n" for line in POLICY.splitlines()[1:]),
    "policy": POLICY,
    "pack": """\
schema: 1
name: reviews
version: 1.0.0rc1
description: Reviews.
license: MIT
authors: [Ada]
homepage: https://example.com
keywords: [reviews]
requires: ["other>=1"]
agentpack: ">=0.1"
parameters:
  tone: {type: string, default: short, choices: [short, long], description: Tone., pattern: "[a-z]+", max_length: 9}
  low: {type: integer, default: 1, minimum: 0, maximum: high, description: Low.}
  high: {type: integer, default: 2, description: High.}
personas: [reviewer]
retired: {old: Use another.}
""",
    "client": """\
schema: 1
title: House
project: .house/agents
user: {folder: .house/agents}
file: "{name}.md"
format: markdown
name: name
description: false
model: model
models: [gpt-5]
tools: {key: tools, style: list, deny: denied, names: {read: view, shell: [run, exec]}}
readonly: {readonly: true}
limits: [tools]
fixed: {kind: 1}
settings: {temperature: number, mode: fast|slow}
live: ["${word}"]
long_description: 9
markers: [.house]
reserved: [main]
""",
}
DATA: dict[str, Any] = {"lock": LOCK} | {kind: read_yaml(text, kind).data for kind, text in TEXTS.items()}

BEYOND = {
    r"newer than this agentpack reads": "a file of a later agentpack, whose schema comes with that one",
    r"is not a range of versions|is not a pack name|is not normalized|is not the name of a pack|name the pack"
    r"|is an address, not a pack|is a version, not a pack": "the grammar of requirements and patterns",
    r"write three numbers|is not a version|is not a pack version": "the grammar of versions",
    r"reserved|must not look like a number|has 2 to|2 to 64": "lengths, and names taken",
    r"is not a valid (name|client name|variant name)|is not a client's name": "lengths, and spellings of one client",
    r"is not an SPDX licence|write one licence": "the list of licences",
    r"is not a capability": "the words of capabilities",
    r"is neither a source name|is not a full path|password or token|a source without a place|is not the address"
    r"|is not the name of a branch|is not a folder|is not a web address|sha256|archive": "the grammar of places",
    r"renames a pack of one source": "a key that needs another",
    r"cannot be used with type|is not allowed|is not an integer parameter|not a regular expression"
    r"|line break or control character": "values that must fit each other",
    r"is not one of text, .* or words separated by": "forms of settings",
    r"is there twice|are not in order": "rows compared with each other",
    r"is not the path of": "paths in canonical form",
}
"""What agentpack refuses and a schema allows: a pattern of the message, and why the schema does not say it."""


def _pattern(_: object, pattern: str, text: object, __: object) -> Iterator[ValidationError]:
    """As editors read it: the `$` of ECMAScript is not before a last line break."""
    if isinstance(text, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


EditorValidator = extend(Draft7Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
VALIDATORS = {
    name.removesuffix(".json"): EditorValidator(json.loads(text)) for name, text in json_schemas.schemas().items()
}


def refusal(kind: str, data: Any) -> list[str]:
    """Why agentpack does not read the data."""
    try:
        if kind == "lock":
            parse_lock(json.dumps(data).encode(), "x")
        else:
            validate(kind, Document("x", data, {}))
    except InvalidFile as error:
        return list(error.details)
    return []


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Each map and list with each of its keys."""
    for key in data if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


KEYS = sorted(
    {key for data in DATA.values() for _, key in places(data) if isinstance(key, str)} | {"zzz", "A b", "a_b"}
)
TEXT = [
    "",
    "x",
    "a-b",
    "a_b",
    "A b",
    "x\ny",
    "x\n",
    " x",
    "é",
    "7",
    "con",
    "bundled",
    "1.2.0",
    "a>=1",
    "a>=",
    "a@latest",
]
TEXT += ["*", "acme-*", "https://u:p@example.com/x", "14 days", "1 MiB", "read", "MIT", "list", "false", "a" * 2001]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    10**9,
    [],
    {},
    ["x"],
    [1],
    [None],
    {"x": "y"},
    {"A b": 1},
    [{}],
    *TEXT,
]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, Any]:
    """A document that is valid, or was before a few changes."""
    kind = draw(st.sampled_from(sorted(DATA)))
    data = copy.deepcopy(DATA[kind])
    for _ in range(draw(st.integers(0, 2))):
        inner, key = draw(st.sampled_from(list(places(data)) or [(data, "zzz")]))
        if draw(st.booleans()):
            inner[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif isinstance(inner, list) or draw(st.booleans()):
            del inner[key]
        else:
            inner[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return kind, data


@settings(max_examples=usually(400, thorough=1_000, nightly=20_000), deadline=None)
@given(documents())
def test_a_schema_allows_what_agentpack_reads_and_little_else(drawn: tuple[str, Any]) -> None:
    kind, data = drawn
    refused = refusal(kind, data)
    found = [error.message for error in VALIDATORS[kind].iter_errors(data)]
    if not refused:
        assert not found, f"{kind}: agentpack reads it, its schema does not allow it"
    elif not found:
        unlisted = [fault for fault in refused if not any(re.search(pattern, fault) for pattern in BEYOND)]
        assert not unlisted, f"{kind}: its schema allows what agentpack refuses"


def text_of(kind: str, data: Any) -> str:
    return json.dumps(data) if kind == "lock" else yaml.safe_dump(data, allow_unicode=True)


def refused_text(kind: str, text: str) -> list[str]:
    """Why agentpack does not read a file."""
    try:
        if kind == "lock":
            parse_lock(text.encode(), "x")
        else:
            validate(kind, read_yaml(text, "x"))
    except InvalidFile as error:
        return list(error.details)
    return []


def forbidden_by_check_jsonschema(kind: str, files: Sequence[Path]) -> set[str]:
    """The files that check-jsonschema, run as its users do, does not accept."""
    schema = str(json_schemas.FOLDER / f"{kind}.json")
    done = subprocess.run(
        ["check-jsonschema", "--output-format", "json", "--schemafile", schema, *map(str, files)],
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert done.returncode == (report["status"] != "ok"), done.stderr
    assert not report.get("parse_errors"), report
    return {error["filename"] for error in report.get("errors", ())}


needs_check_jsonschema = pytest.mark.skipif(
    shutil.which("check-jsonschema") is None, reason="needs check-jsonschema: `nox -s other_tools`"
)


@needs_check_jsonschema
@settings(
    max_examples=usually(5, thorough=10, nightly=50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=st.lists(documents(), min_size=40, max_size=40))
def test_check_jsonschema_agrees_about_files(tmp_path: Path, drawn: list[tuple[str, Any]]) -> None:
    for kind in DATA:
        texts = [text_of(kind, DATA[kind]), *(text_of(kind, data) for of, data in drawn if of == kind)]
        files = [tmp_path / f"{kind}{number}.{'json' if kind == 'lock' else 'yaml'}" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        forbidden = forbidden_by_check_jsonschema(kind, files)
        assert str(files[0]) not in forbidden
        for file, text in zip(files, texts, strict=True):
            refused = refused_text(kind, text)
            if str(file) in forbidden:
                assert refused, text
            elif refused:
                assert all(any(re.search(pattern, fault) for pattern in BEYOND) for fault in refused), text


@needs_check_jsonschema
def test_a_decimal_without_quotes_is_a_number_to_others(tmp_path: Path) -> None:
    """YAML takes it for a number, agentpack for the text that it is. The other tool's advice is good: quote it."""
    template = TEXTS["pack"].replace("choices: [short, long]", "choices: [short, {word}]")
    texts = {word: template.replace("{word}", word) for word in ("3.10", '"3.10"')}
    files = {word: tmp_path / f"{len(word)}.yaml" for word in texts}
    for word, text in texts.items():
        assert refused_text("pack", text) == []
        files[word].write_text(text)
    assert forbidden_by_check_jsonschema("pack", [*files.values()]) == {str(files["3.10"])}


@pytest.mark.parametrize("kind", sorted(DATA))
def test_a_document_that_says_all_is_valid(kind: str) -> None:
    assert refusal(kind, DATA[kind]) == []
    assert [error.message for error in VALIDATORS[kind].iter_errors(DATA[kind])] == []


def test_the_schemas_that_ship_are_those_of_the_models() -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in json_schemas.FOLDER.iterdir()}
    assert shipped == json_schemas.schemas(), "run `python tools/json_schemas.py`"
    for name, text in shipped.items():
        Draft7Validator.check_schema(json.loads(text))
        assert json.loads(text)["additionalProperties"] is False, name
