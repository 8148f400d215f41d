"""What the bundled packs promise: they carry every directive, keep their ids, and never change once released."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from pathlib import Path

import pytest
import yaml
from content.directive_check import missing, read_directives
from support.bundled import (
    NAME,
    combinations_of_variants,
    composed,
    pack,
    releases,
    rendered,
    settings_of,
    split,
    versions,
)

from agentpack.compose.composing import draft_of
from agentpack.compose.parameters import Value
from agentpack.compose.parse import Layer
from agentpack.compose.substitute import holds, substitute
from agentpack.errors import UsageError
from agentpack.fetch import Sources, fetch
from agentpack.model.names import PackName
from agentpack.sources.bundled import bundled_folder, bundled_source

REVIEWER = PackName("python-reviewer")
DIRECTIVES = read_directives()
RENDERINGS = [(version, variants) for version in versions() for variants in combinations_of_variants(version)]
SETTINGS = [
    pytest.param(version, name, value, id=f"{version}-{name}={value}")
    for version in versions()
    for name, declaration in pack(version).declarations.items()
    for value in settings_of(declaration)
]
BODY_WORDS = {"1.0.0": 1200, "1.1.0": 1700}
"""How long a release may be. The next one that restructures the text has 900."""
VARIANT_WORDS = 220
DESCRIPTION_WORDS = range(40, 81)


# -- releases ----------------------------------------------------------------------------------------------------------


def test_a_released_pack_never_changes() -> None:
    """`packs/digests.json` is written by hand, once for each release. Changed files need a new version."""
    pinned = json.loads((Path(bundled_folder() or "") / "digests.json").read_text())
    source = bundled_source()
    assert source is not None
    found: dict[str, dict[str, str]] = {name: {} for name in sorted(source.packs())}
    found[NAME] = {version: release.digest for version, release in releases().items()}
    found[REVIEWER] = {str(ref.version): fetch(ref, Sources([source])).digest for ref in source.releases(REVIEWER)}
    assert found == pinned


def test_every_bundled_release_reads_without_a_fault() -> None:
    source = bundled_source()
    assert source is not None
    assert Sources([source]).packs() == [NAME, REVIEWER]
    for version in versions():
        assert (pack(version).name, pack(version).version) == (NAME, version)


def test_every_release_brings_its_licence_readme_and_changes() -> None:
    for version, release in releases().items():
        assert {"LICENSE", "README.md", "CHANGELOG.md"} <= release.files.keys()
        assert f"## {version}\n" in release.files["CHANGELOG.md"].decode()


# -- directives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", versions())
def test_the_default_rendering_carries_every_directive(version: str) -> None:
    assert len(DIRECTIVES) == 130
    assert missing(rendered(version), DIRECTIVES) == []


@pytest.mark.parametrize("version", versions())
def test_the_check_notices_when_a_rule_is_taken_out(version: str) -> None:
    """Were the terms so loose that other lines satisfied them, the check above would prove little."""
    header, body = split(rendered(version))
    lines = body.splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("- ")]
    noticed = 0
    for number in rules:
        without = "\n".join(line for at, line in enumerate(lines) if at != number)
        noticed += bool(missing(f"---\n{header}---\n{without}\n", DIRECTIVES))
    assert noticed > 0.7 * len(rules)


WITH_A_TABLE = [version for version in versions() if version.startswith("1.")]
"""Releases whose change log tells what variants take away. Later variants say so themselves."""


def declared_losses(version: str) -> Iterator[tuple[str, list[str]]]:
    """The table in the release's change log: a variant, and the directives that it takes away."""
    text = releases()[version].files["CHANGELOG.md"].decode().split(f"## {version}\n")[1].split("\n## ")[0]
    for variant, lost in re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", text, re.MULTILINE):
        yield variant, re.findall(r"[A-Z]+-[0-9.]+", lost.split(";")[0])


@pytest.mark.parametrize("version", WITH_A_TABLE)
def test_the_change_log_names_every_variant_in_its_table_of_losses(version: str) -> None:
    assert sorted(variant for variant, _ in declared_losses(version)) == pack(version).variant_names


@pytest.mark.parametrize(("version", "variants"), [row for row in RENDERINGS if row[0] in WITH_A_TABLE])
def test_variants_take_away_what_they_declare_and_nothing_else(version: str, variants: tuple[str, ...]) -> None:
    declared = [id for variant, lost in declared_losses(version) if variant in variants for id in lost]
    lost = missing(rendered(version, variants), DIRECTIVES)
    assert [id for id in lost if not any(id == one or id.startswith(one + ".") for one in declared)] == []
    assert [one for one in declared if not any(id == one or id.startswith(one + ".") for id in lost)] == []


UNSAID: Mapping[str, Mapping[str, set[str]]] = {
    "model": {value: {"FM-3"} for value in ("sonnet", "haiku", "inherit", "anthropic/claude:latest@x")},
    "color": {value: {"FM-4"} for value in ("red", "green", "yellow", "purple", "orange", "pink", "cyan")},
    "proactive": {"False": {"FM-2.2"}},
    "python_version": {"3.11": {"ID-1"}},
    "coverage_business": {"0": {"METH-3.6"}, "50": {"METH-3.6"}, "100": {"METH-3.6"}},
    "coverage_overall": {"0": {"METH-3.6"}, "30": {"METH-3.6"}, "42": {"METH-3.6"}},
    "framework": {
        "litestar": {"SCEN-1.1"},
        "django": {"METH-4.1", "SCEN-1.1"},
        "flask": {"METH-4.1", "SCEN-1.1"},
        "none": {"METH-4.1", "SCEN-1.1"},
    },
    "package_manager": {value: {"TOOL-5.1"} for value in ("pip", "poetry", "pdm", "hatch")},
    "hook_runner": {"none": {"TOOL-5.4"}},
    "diagrams": {"none": {"COMM-3"}},
    "cache": {"none": {"METH-5.3", "TOOL-2.4", "SCEN-1.3", "SCEN-4.2"}},
    "observability": {"prometheus": {"METH-6.2", "TOOL-6.2"}, "none": {"METH-6.2", "TOOL-6.2", "TOOL-6.3"}},
}
"""What a value leaves unsaid because it says otherwise: the last paragraph of the change log of 1.1.0."""


# -- parameters --------------------------------------------------------------------------------------------------------

HEADER_LINES = {"model": "model: ", "color": "color: ", "tools": "tools: ", "proactive": "description: "}


def companions(name: str, value: Value) -> dict[str, Value]:
    """The value, with others that it needs."""
    return {name: value, "coverage_overall": 0} if name == "coverage_business" and value != 100 else {name: value}


def own_lines(version: str, names: set[str], values: Mapping[str, Value]) -> set[str]:
    """The lines of the body that these parameters have a say in."""
    found: set[str] = set()
    draft = draft_of(pack(version), NAME, (), {})
    for section in draft.sections:
        for rule in section.rules:
            condition = (rule.when or "").removeprefix("!").partition(":")[0]
            if (condition in names or any(f"{{{{ {name} }}}}" in rule.text for name in names)) and holds(
                rule.when, values
            ):
                found.update(substitute(rule.text, values).splitlines())
    return found


@pytest.mark.parametrize(("version", "name", "value"), SETTINGS)
def test_a_value_changes_its_own_lines_and_no_others(version: str, name: str, value: Value) -> None:
    declarations = pack(version).declarations
    given = companions(name, value)
    defaults = {other: declaration.default for other, declaration in declarations.items()}
    before, after = rendered(version), rendered(version, (), "claude", **given)
    if all(defaults[other] == one for other, one in given.items()):
        assert after == before
        return
    assert after != before
    own = own_lines(version, set(given), defaults) | own_lines(version, set(given), {**defaults, **given})
    marks = tuple(HEADER_LINES[other] for other in given if other in HEADER_LINES)

    def others(text: str) -> list[str]:
        header, body = split(text)
        kept = [line for line in header.splitlines() if not (marks and line.startswith(marks))]
        return kept + [line for line in body.splitlines() if line not in own]

    assert others(after) == others(before)


@pytest.mark.parametrize(("version", "name", "value"), SETTINGS)
def test_a_value_leaves_unsaid_what_is_declared_and_nothing_else(version: str, name: str, value: Value) -> None:
    lost = missing(rendered(version, (), "claude", **companions(name, value)), DIRECTIVES)
    assert set(lost) == UNSAID.get(name, {}).get(str(value), set())


@pytest.mark.parametrize("version", versions())
def test_overall_coverage_is_never_asked_to_exceed_that_of_business_logic(version: str) -> None:
    with pytest.raises(UsageError, match="at most coverage_business"):
        composed(version, (), coverage_business=50)


OUTSIDE: Mapping[str, list[Value]] = {
    "string": ["no such value!"],
    "integer": [-1, 10_000],
    "boolean": ["true", 1],
}


@pytest.mark.parametrize("version", versions())
def test_a_parameter_with_bounds_and_choices_refuses_what_lies_outside(version: str) -> None:
    for name, declaration in pack(version).declarations.items():
        for value in OUTSIDE[declaration.type]:
            with pytest.raises(UsageError, match=f"parameter `{name}`"):
                composed(version, (), **{name: value})


def pairs_of_values() -> Iterator[tuple[str, tuple[str, ...], dict[str, Value]]]:
    """Every variant combination with every choice of the parameters that variants and rules meet in."""
    for version, variants in RENDERINGS:
        declarations = pack(version).declarations
        met = [name for name in ("type_checker", "framework", "python_version") if name in declarations]
        for values in product(*(settings_of(declarations[name]) for name in met)):
            yield version, variants, dict(zip(met, values, strict=True))


def test_no_rendering_shows_a_trace_of_the_pack_format() -> None:
    for version, variants, values in pairs_of_values():
        header, body = split(rendered(version, variants, "claude", **values))
        for trace in ("{{", "}}", "{#", " when=", " after=", "replace="):
            assert trace not in body, (version, variants, values)
        assert "{{" not in header
        assert "\n\n\n" not in body
        assert body.endswith(".\n")
        headings = [line for line in body.splitlines() if line.startswith("#")]
        assert len(headings) == len(set(headings))


def test_every_type_checker_stays_strict_under_every_variant() -> None:
    """Most checkers pass untyped code by default: a bare change of checker would drop a directive unseen."""
    strict = {
        "mypy": "mypy --strict",
        "basedpyright": "strict",
        "pyright": "strict",
        "pyrefly": 'preset = "strict"',
        "ty": "--error all",
    }
    for variants in combinations_of_variants("1.1.0"):
        for checker, words in strict.items():
            line = next(
                line for line in rendered("1.1.0", variants, type_checker=checker).splitlines() if words in line
            )
            assert checker in line


# -- promises over time ------------------------------------------------------------------------------------------------


def ids(layer: Layer) -> dict[str, str]:
    """Every id of a persona, and what it names."""
    found = {}
    for section in layer.sections:
        if section.id:
            found[section.id] = "section"
        found.update({rule.id: "rule" for rule in section.rules if rule.id})
    return found


MINOR = [(old, new) for old, new in pairwise(versions()) if old.split(".")[0] == new.split(".")[0]]


@pytest.mark.parametrize(("old", "new"), MINOR)
def test_a_minor_release_keeps_ids_parameters_and_variants(old: str, new: str) -> None:
    before, after = pack(old), pack(new)
    assert ids(before.personas[NAME]).items() <= ids(after.personas[NAME]).items()
    assert set(before.variant_names) <= set(after.variant_names)
    for name, was in before.declarations.items():
        now = after.declarations[name]
        assert (now.type, now.default, now.minimum, now.maximum) == (was.type, was.default, was.minimum, was.maximum)
        assert set(was.choices or ()) <= set(now.choices or ())


@pytest.mark.parametrize("version", versions())
def test_every_rule_and_section_has_an_id(version: str) -> None:
    for section in pack(version).personas[NAME].sections:
        assert section.id or not section.level
        assert all(rule.id for rule in section.rules), section.heading


# -- budgets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", versions())
def test_the_text_keeps_to_its_budget_of_words(version: str) -> None:
    header, body = split(rendered(version))
    assert len(body.split()) <= BODY_WORDS[version]
    assert len(yaml.safe_load(header)["description"].split()) in DESCRIPTION_WORDS


@pytest.mark.parametrize("version", versions())
def test_a_variant_keeps_to_its_budget_of_words(version: str) -> None:
    for name, layer in pack(version).variants[NAME].items():
        words = [word for section in layer.sections for word in section.heading.split()]
        words += [word for section in layer.sections for rule in section.rules for word in rule.text.split()]
        assert len(words) <= VARIANT_WORDS, name
