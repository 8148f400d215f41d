"""What a pack, persona, variant and manifest may say, and the words when they say something else."""

import pytest

from agentpack.errors import InvalidFile
from agentpack.input.documents import Document, read_yaml
from agentpack.input.schemas import validate

PACK = "schema: 1\nname: data-reviewer\nversion: 1.0.0\ndescription: Reviews data.\n"
PERSONA = "name: reviewer\ndescription: Reviews.\n"
VARIANT = "summary: Terse.\n"
MANIFEST = "schema: 1\n"
BASE = {"pack": PACK, "persona": PERSONA, "variant": VARIANT, "manifest": MANIFEST}
BASE |= {"client": "schema: 1\n", "tests": "schema: 1\n"}


def faults(kind: str, text: str) -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        validate(kind, read_yaml(text, "x"))
    return list(refused.value.details)


@pytest.mark.parametrize(
    ("kind", "line", "fault"),
    [
        ("pack", "autors: [me]", "autors: unknown key `autors` (did you mean `authors`?)"),
        (
            "pack",
            "zzz: 1",
            "zzz: unknown key `zzz` (known: agentpack, authors, description, homepage, keywords, license, "
            "name, parameters, personas, requires, retired, schema, version)",
        ),
        ("pack", "requires: [other>>1]", "requires[0]: `other>>1`: `>>1` is not a range of versions"),
        ("pack", "requires: other", "requires: expected a list, found `other`"),
        ("pack", "agentpack: new", "agentpack: `new` is not a range of versions such as `>=1.1,<2`"),
        ("pack", "personas: [CON]", "personas[0]: a persona's name is lower-case letters, digits and single hyphens"),
        ("pack", "personas: [con]", "personas[0]: `con` is a name reserved by clients or systems"),
        ("pack", "license: 7", "license: expected text (in quotes if it looks like a number), found `7`"),
        ("pack", "authors: {a: b}", "authors: expected a list, found a map"),
        ("pack", "keywords: [[x]]", "keywords[0]: expected text (in quotes if it looks like a number), found a list"),
        (
            "pack",
            "parameters: {Upper: {type: boolean, default: true, description: x}}",
            "`Upper` is not a valid parameter name: use lower case with underscores",
        ),
        (
            "pack",
            "parameters: {a: {type: float, default: 1, description: x}}",
            "parameters.a.type: expected `string`, `integer` or `boolean`, found `float`",
        ),
        (
            "pack",
            "parameters: {a: {type: boolean, description: x}}",
            "parameters.a.default: missing key `default`",
        ),
        (
            "pack",
            "parameters: {a: {type: boolean, default: 1, description: x}}",
            "parameters.a.default: `1` is not allowed: use true or false",
        ),
        (
            "pack",
            "parameters: {a: {type: boolean, default: true, description: x, choices: [a]}}",
            "parameters.a.choices: `choices` cannot be used with type boolean",
        ),
        (
            "pack",
            "parameters: {a: {type: string, default: x, description: x, minimum: 1}}",
            "parameters.a.minimum: `minimum` cannot be used with type string",
        ),
        (
            "pack",
            "parameters: {a: {type: string, default: x, description: x, pattern: '('}}",
            "parameters.a.pattern: not a regular expression",
        ),
        (
            "pack",
            "parameters: {a: {type: string, default: x, description: x, pattern: 'y+'}}",
            "parameters.a.default: `x` is not allowed: use text matching `y+`",
        ),
        (
            "pack",
            "parameters: {a: {type: integer, default: 1, description: x, minimum: b}}",
            "parameters.a.minimum: `b` is not an integer parameter",
        ),
        (
            "pack",
            "parameters: {a: {type: integer, default: 1, description: x, minimum: 5}}",
            "parameters.a.default: `1` is not allowed: use a whole number at least 5",
        ),
        (
            "pack",
            "parameters: {a: {type: string, default: xyz, description: x, max_length: 2}}",
            "parameters.a.default: `xyz` is not allowed: use text of at most 2 characters",
        ),
        ("pack", 'parameters: {a: {type: string, default: "x\\ny", description: x}}', "contains a line break"),
        ("persona", "colour: blue", "colour: unknown key `colour` (did you mean `color`?)"),
        (
            "persona",
            "color: blu",
            "color: `blu` is not a colour (red, blue, green, yellow, purple, orange, pink, cyan)",
        ),
        (
            "persona",
            "tools: [Read]",
            "tools: `Read` is not a tool (read, search, edit, shell, web, delegate); did you mean `read`?",
        ),
        ("persona", "tools: read, jump", "tools: `jump` is not a tool"),
        ("persona", "tools: {read: true}", "tools"),
        ("persona", 'model: "a\\nb"', "model: string should match pattern"),
        ("persona", "modules: {one: 7}", "modules.one: expected text (in quotes if it looks like a number), found `7`"),
        ("persona", "modules: {One: x}", "`One` is not a valid name"),
        ("persona", "modules: {one: ''}", "modules.one"),
        ("persona", "clients: {claude: 7}", "clients.claude: expected a map, found `7`"),
        ("persona", "clients: {Claude: {}}", "`Claude` is not a valid name"),
        ("persona", "extends: '>=1'", "extends"),
        ("variant", "set: {colour: red}", "set.colour: unknown key `colour` (did you mean `color`?)"),
        ("variant", "set: {parameters: {a: [1]}}", "set.parameters.a"),
        ("variant", "order: {before: [x]}", "order.before: unknown key `before`"),
        ("variant", "conflicts: [{with: []}]", "conflicts[0].with"),
        ("variant", "conflicts: [{reason: x}]", "conflicts[0].with: missing key `with`"),
        ("variant", "conflicts: [{whith: x}]", "unknown key `whith` (did you mean `with`?)"),
        ("variant", "conflicts: [No]", "`No` is not a valid name"),
        ("variant", "losses: x", "losses: expected a list, found `x`"),
        (
            "variant",
            "remove: [No]",
            "remove[0]: `No` is not a valid name: use lower-case letters, digits and single hyphens",
        ),
        ("manifest", "client:", "client: unknown key `client` (did you mean `clients`?)"),
        ("client", "name: 0", "name: expected text (in quotes if it looks like a number), found `0`"),
        ("manifest", "client: [claude]", "client: unknown key `client` (did you mean `clients`?)"),
        (
            "manifest",
            "packs: [{require: x, parameter: {}}]",
            "packs[0].parameter: unknown key `parameter` (did you mean `parameters`?)",
        ),
        ("manifest", "packs: [x, 7]", "packs[1]: expected a map, found `7`"),
        ("manifest", "packs: [{require: x, parameters: {a: null}}]", "packs[0].parameters.a"),
        ("manifest", "packs: [{require: x, as: {a: b c}}]", "packs[0].as.a: a persona's name is lower-case letters"),
        ("manifest", "sources: [{name: team}]", "sources[0]: has no place (set one of `path`, "),
        ("manifest", "sources: [{name: team, path: ''}]", "sources[0].path: string should have at least 1 character"),
        ("manifest", "models: {opus: gpt}", "models.opus: expected a map, found `gpt`"),
        ("manifest", "policy: {packs: {alow: [x]}}", "policy.packs.alow: unknown key `alow` (did you mean `allow`?)"),
        (
            "pack",
            "parameters: {description: {type: string, default: x, description: x, q: 1}}",
            "parameters.description.q: unknown key `q` (known: choices, default,",
        ),
        ("variant", "budget: {words: 1}", "budget.words: unknown key `words` (known: adds, whole)"),
        ("client", "user: {folder: x, file: x}", "user.file: unknown key `file` (did you mean `folder`?)"),
        ("tests", "tests: [{name: x, word: 1}]", "tests[0].word: unknown key `word` (did you mean `words`?)"),
    ],
)
def test_a_fault_names_line_key_and_what_is_allowed(kind: str, line: str, fault: str) -> None:
    base = BASE[kind]
    key = line.partition(":")[0]
    text = "".join(kept for kept in base.splitlines(keepends=True) if not kept.startswith(f"{key}:"))
    found = faults(kind, text + line + "\n")
    assert found[0].startswith(f"x:{text.count(chr(10)) + 1}: ")
    assert fault in found[0]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.0", "write three numbers and an optional pre-release"),
        ("1.0.0.1", "three numbers"),
        ("1.0.0+local", "three numbers"),
        ("1.0.0.post1", "three numbers"),
        ("1.0.0.dev1", "three numbers"),
        ("2!1.0.0", "three numbers"),
        ("one", "`one` is not a version such as `1.2.0`"),
    ],
)
def test_a_version_has_three_numbers(version: str, words: str) -> None:
    assert words in faults("pack", PACK.replace("1.0.0", f'"{version}"'))[0]


@pytest.mark.parametrize("version", ["1.2.0", "2.0.0rc1", "0.0.1a2", "10.20.30"])
def test_a_release_or_a_pre_release_is_a_version(version: str) -> None:
    assert validate("pack", read_yaml(PACK.replace("1.0.0", version), "x"))["version"] == version


def test_a_name_must_be_written_as_it_is_normalized() -> None:
    assert faults("pack", PACK.replace("data-reviewer", "Data_Reviewer")) == [
        "x:2: name: `Data_Reviewer` is not normalized: write `data-reviewer`"
    ]
    assert "is not a pack name" in faults("pack", PACK.replace("data-reviewer", "döner"))[0]


def test_every_missing_key_is_named() -> None:
    found = faults("pack", "schema: 1\n")
    assert sorted(line.partition(": ")[2] for line in found) == [
        f"{key}: missing key `{key}`" for key in ("description", "name", "version")
    ]


@pytest.mark.parametrize("kind", ["pack", "manifest"])
def test_a_newer_schema_is_told_before_anything_else(kind: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        validate(kind, read_yaml("anything: goes\nschema: 2\n", "x"))
    assert refused.value.details == ("x:2: schema: schema 2 is newer than this agentpack reads (schema 1)",)
    assert refused.value.hint == "upgrade agentpack"


@pytest.mark.parametrize("schema", ["0", "true", "one", "[1]"])
def test_any_other_schema_is_a_fault(schema: str) -> None:
    assert "schema: expected 1, found" in faults("manifest", f"schema: {schema}\n")[0]


@pytest.mark.parametrize("kind", BASE)
def test_a_document_is_a_map(kind: str) -> None:
    assert faults(kind, "- a\n- b\n") == ["x:1: expected a map of keys and values"]
    assert faults(kind, "word\n") == ["x:1: expected a map of keys and values"]


def test_short_forms_become_one_normal_form() -> None:
    persona = validate("persona", read_yaml(PERSONA + "tools: read, search\n", "x"))
    assert persona["description"] == [{"text": "Reviews."}]
    assert persona["tools"] == ["read", "search"]
    variant = validate("variant", read_yaml(VARIANT + "order: {after: one}\n", "x"))
    assert variant["order"] == {"after": ["one"]}
    conflicts = "conflicts: [one, {with: two, reason: Too much.}, {with: [three, four]}]\n"
    assert validate("variant", read_yaml(VARIANT + conflicts, "x"))["conflicts"] == [
        {"with": ["one"]},
        {"with": ["two"], "reason": "Too much."},
        {"with": ["three", "four"]},
    ]
    manifest = validate("manifest", read_yaml(MANIFEST + "packs: [x]\n", "x"))
    assert manifest["packs"] == [{"require": "x", "parameters": {}, "as": {}, "without": []}]


def test_a_parameter_may_stand_where_its_value_is_checked_later() -> None:
    text = PERSONA + 'color: "{{ color }}"\ntools: "{{ tools }}"\nmodel: "{{ model }}"\n'
    assert validate("persona", read_yaml(text, "x"))["tools"] == "{{ tools }}"


def test_the_same_fault_is_told_once() -> None:
    document = Document("x", {"schema": 1, "packs": "x"}, {})
    with pytest.raises(InvalidFile) as refused:
        validate("manifest", document)
    assert refused.value.details == ("x:1: packs: expected a list, found `x`",)
