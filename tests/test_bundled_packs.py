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
from support.effort import NIGHTLY

from agentpack.authoring.sizes import added_by
from agentpack.compose.compose import draft_of
from agentpack.compose.modules import PARAMETER as MODULES
from agentpack.compose.parse import Layer
from agentpack.compose.substitute import holds, substitute
from agentpack.errors import UsageError
from agentpack.fetch import Sources, fetch
from agentpack.input.parameters import Value
from agentpack.model.names import PackName
from agentpack.sources.bundled import bundled_folder, bundled_source

pytestmark = pytest.mark.untraced
REVIEWER = PackName("python-reviewer")
TRIED = versions() if NIGHTLY else versions()[-1:]
"""The releases that are rendered in every way. The older ones never change, and every client's files of them are held
by `contracts/test_golden.py`.
"""
RENDERINGS = [(version, variants) for version in TRIED for variants in combinations_of_variants(version)]
SETTINGS = [
    pytest.param(version, name, value, id=f"{version}-{name}={value}")
    for version in TRIED
    for name, declaration in pack(version).declarations.items()
    if name != MODULES  # of agentpack's own: `contracts/test_modules.py`
    for value in settings_of(declaration)
]
BODY_WORDS = {"1.0.0": 1200, "1.1.0": 1700, "2.0.0": 2300, "2.1.0": 2560, "3.0.0": 3250}
"""How long a release may be, modules included."""
MODULAR = [version for version in versions() if pack(version).personas[NAME].header["modules"]]
"""The releases in a core and modules, from 2.0.0 on."""
CORES = {"2.0.0": (900, 1500), "2.1.0": (1100, 1725), "3.0.0": (900, 1450)}
"""How many words and tokens a core may have, whatever single parameter is set."""
CORE_RULES = 59
VARIANT_WORDS, LEAN_WORDS = 220, 300
"""What a variant adds, whatever single parameter is set; `lean` is all that is left, and has its own budget."""
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
    assert len(read_directives()) == 130
    assert missing(rendered(version), read_directives()) == []


@pytest.mark.parametrize("version", TRIED)
def test_the_check_notices_when_a_rule_is_taken_out(version: str) -> None:
    """Were the terms so loose that other lines satisfied them, the check above would prove little."""
    header, body = split(rendered(version))
    lines = body.splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("- ")]
    # the core of a modular release says much that the inventory does not ask for
    least = 0.55 if version in MODULAR else 0.7
    noticed = 0
    for number in rules:
        without = "\n".join(line for at, line in enumerate(lines) if at != number)
        noticed += bool(missing(f"---\n{header}---\n{without}\n", read_directives()))
    assert noticed > least * len(rules)


def declared_losses(version: str) -> Iterator[tuple[str, list[str]]]:
    """The table in the release's change log: a variant, and the directives that it takes away."""
    text = releases()[version].files["CHANGELOG.md"].decode().split(f"## {version}\n")[1].split("\n## ")[0]
    losses = text.split("### Declared losses\n")[1]
    for variant, lost in re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", losses, re.MULTILINE):
        yield variant, re.findall(r"[A-Z]+-[0-9.]+", lost.split(";")[0])


@pytest.mark.parametrize("version", versions())
def test_the_change_log_names_every_variant_in_its_table_of_losses(version: str) -> None:
    assert sorted(variant for variant, _ in declared_losses(version)) == pack(version).variant_names


@pytest.mark.parametrize("version", [version for version in versions() if not version.startswith("1.")])
def test_the_table_of_losses_says_what_the_headers_of_the_variants_say(version: str) -> None:
    """Variants of 1.x have no `losses` in their headers."""
    headers = {name: layer.header["losses"] for name, layer in pack(version).variants[NAME].items()}
    told = {
        name: [id for line in lines for id in line.partition(": ")[0].split(", ")] for name, lines in headers.items()
    }
    assert dict(declared_losses(version)) == told
    assert any(told.values())


@pytest.mark.parametrize(("version", "variants"), RENDERINGS)
def test_variants_take_away_what_they_declare_and_nothing_else(version: str, variants: tuple[str, ...]) -> None:
    declared = [id for variant, lost in declared_losses(version) if variant in variants for id in lost]
    lost = missing(rendered(version, variants), read_directives())
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
    "dataframe": {"pandas": {"METH-5.5", "SCEN-2.1"}}
    | {value: {"METH-5.5", "SCEN-2.1", "TOOL-4.1"} for value in ("pyspark", "duckdb")},
    "observability": {"prometheus": {"METH-6.2", "TOOL-6.2"}, "none": {"METH-6.2", "TOOL-6.2", "TOOL-6.3"}},
}
"""What a value leaves unsaid because it says otherwise: the paragraph below the table of losses."""


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
        if asks(section.when, names):
            found.add(section.heading)
        for rule in section.rules:
            asked = asks(section.when, names) or asks(rule.when, names)
            if (asked or any(f"{{{{ {name} }}}}" in rule.text for name in names)) and holds(rule.when, values):
                found.update(substitute(rule.text, values).splitlines())
    return found


def asks(when: str | None, names: set[str]) -> bool:
    """Whether a condition is about one of the parameters."""
    return (when or "").removeprefix("!").partition(":")[0] in names


@pytest.mark.many
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


@pytest.mark.many
@pytest.mark.parametrize(("version", "name", "value"), SETTINGS)
def test_a_value_leaves_unsaid_what_is_declared_and_nothing_else(version: str, name: str, value: Value) -> None:
    lost = missing(rendered(version, (), "claude", **companions(name, value)), read_directives())
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


@pytest.mark.campaign
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


@pytest.mark.campaign
def test_every_type_checker_stays_strict_under_every_variant() -> None:
    """Most checkers pass untyped code by default: a bare change of checker would drop a directive unseen."""
    strict = {
        "mypy": "--strict",
        "basedpyright": "strict",
        "pyright": "strict",
        "pyrefly": "strict",
        "ty": "--error all",
    }
    for version in versions()[1:]:
        for variants in combinations_of_variants(version):
            for checker, words in strict.items():
                lines = rendered(version, variants, type_checker=checker).splitlines()
                calls = [line for line in lines if re.search(rf"\b{checker}\b", line) and words in line]
                assert calls, (variants, checker)
                assert checker != "ty" or any("`ANN`" in line or "select ANN" in line for line in calls), variants


RETIRED = {
    "aioredis": "redis-py",
    "motor": "PyMongo",
    "encode/databases": "SQLAlchemy",
    "aiobreaker": "stamina",
    "httpx (": "httpx2",
}


@pytest.mark.parametrize("version", versions()[1:])
def test_a_retired_library_is_named_only_beside_what_took_its_place(version: str) -> None:
    for section in pack(version).personas[NAME].sections:
        for rule in section.rules:
            for name, successor in RETIRED.items():
                assert successor in rule.text or not re.search(rf"(?<![\w-]){re.escape(name)}", rule.text), rule.id


# -- core, modules and gate --------------------------------------------------------------------------------------------


def core_and_modules(version: str, text: str) -> tuple[str, str]:
    """The body up to the first module, and the rest."""
    layer = pack(version).personas[NAME]
    heading = next(section.heading for section in layer.sections if section.id in layer.header["modules"])
    core, found, modules = split(text)[1].partition(f"\n{heading}\n")
    assert found
    return core, modules


@pytest.mark.parametrize("version", MODULAR)
def test_modules_are_the_last_sections_and_stand_in_the_order_of_their_list(version: str) -> None:
    layer = pack(version).personas[NAME]
    top = [section.id for section in layer.sections if section.level == 2]
    listed = list(layer.header["modules"])
    assert top[-len(listed) :] == listed


@pytest.mark.many
@pytest.mark.parametrize(
    ("version", "name", "value"),
    [
        pytest.param(version, name, value, id=f"{version}-{name}={value}")
        for version in MODULAR
        for name, declaration in pack(version).declarations.items()
        for value in settings_of(declaration)
    ],
)
def test_the_core_keeps_to_its_budget_whatever_is_set(version: str, name: str, value: Value) -> None:
    core, _ = core_and_modules(version, rendered(version, (), "claude", **companions(name, value)))
    words, tokens = CORES[version]
    assert len(core.split()) <= words
    assert len(core) <= 4 * tokens
    assert len([line for line in core.splitlines() if line and not line.startswith("#")]) <= CORE_RULES


@pytest.mark.parametrize("version", MODULAR)
def test_core_and_modules_together_carry_every_directive(version: str) -> None:
    """As clients see them that read modules on demand: no directive spans the two."""
    header, _ = split(rendered(version))
    core, modules = core_and_modules(version, rendered(version))
    kept = f"---\n{header}---\n{core}\n"
    assert set(missing(kept, read_directives())) & set(missing(modules, read_directives())) == set()


RUN = {"uv": "uv run ", "pip": "python -m ", "poetry": "poetry run ", "pdm": "pdm run ", "hatch": "hatch run "}
STRICT = {
    "mypy": ["mypy --strict ."],
    "basedpyright": ["basedpyright"],
    "pyright": ["pyright"],
    "pyrefly": ["pyrefly check --preset strict"],
    "ty": ["ty check --error all", "ruff check --extend-select ANN ."],
}
CHANGED = {
    "mypy": ["mypy <changed files>", "mypy --strict --follow-imports=silent <new files>"],
    "basedpyright": ["basedpyright <changed files>"],
    "pyright": ["pyright <changed files>"],
    "pyrefly": ["pyrefly check", "pyrefly check --preset strict <new files>"],
    "ty": ["ty check", "ty check --error all <new files>", "ruff check --extend-select ANN <new files>"],
}
AROUND = {
    "uv": ["uv run --locked", "uv lock", "uv audit"],
    "pip": ["python -m", "python -m pip_audit"],
    "poetry": ["poetry run", "poetry lock", "poetry sync", "poetry run pip-audit"],
    "pdm": ["pdm run", "pdm lock", "pdm sync", "pdm run pip-audit"],
    "hatch": ["hatch run", "hatch run pip-audit"],
}
"""From 3.0.0 on: the prefix of each package manager, and what goes before and after the gate."""


def gate_commands(version: str, manager: str, checker: str) -> tuple[str, list[str]]:
    """The gate as a user of both reads it, and its commands in their order."""
    text = rendered(version, (), "claude", package_manager=manager, type_checker=checker)
    gate = text.partition("\n## Gate\n")[2].partition("\n## ")[0]
    spans = [word for word in re.findall(r"`([^`]*)`", gate) if " " in word and "=" not in word.split()[0]]
    return gate, [span for span in spans if not span.startswith(("typeCheckingMode", "git ", "# "))]


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
@pytest.mark.parametrize(("manager", "checker"), list(product(RUN, STRICT)))
def test_the_gate_of_2_is_made_of_whole_commands(version: str, manager: str, checker: str) -> None:
    gate, commands = gate_commands(version, manager, checker)
    run = RUN[manager]
    audit = {"uv": "uv audit", "pip": "python -m pip_audit"}.get(manager, f"{run}pip-audit")
    types = STRICT[checker]
    if version == "2.1.0":
        if manager == "uv":
            assert commands[:4] == ["uv run --locked", "uv run", "uv lock", "uv run"]
            commands = commands[4:]
        if checker == "mypy":
            types = ["mypy FILES", "mypy --strict --follow-imports=silent NEW"]
    assert commands == [
        f"{run}ruff check .",
        f"{run}ruff format --check .",
        *(run + command for command in types),
        f"{run}pytest PATH",
        f"{run}pytest --cov=SOURCE --cov-branch --cov-fail-under=60",
        f"{run}coverage report --include='GLOB' --fail-under=85",
        audit,
    ]
    assert ('typeCheckingMode = "strict"' in gate) == (checker in ("basedpyright", "pyright"))


@pytest.mark.parametrize("version", [version for version in MODULAR if version >= "3"])
@pytest.mark.parametrize(("manager", "checker"), list(product(AROUND, CHANGED)))
def test_the_gate_is_made_of_whole_commands_after_one_prefix(version: str, manager: str, checker: str) -> None:
    gate, commands = gate_commands(version, manager, checker)
    prefix, *around = AROUND[manager]
    assert commands == [
        prefix,
        "ruff format --check <changed files>",
        "ruff check <changed files>",
        *CHANGED[checker],
        "pytest <tests of what changed>",
        "pytest --cov=<package> --cov-branch --cov-fail-under=60",
        "coverage report --include='<its paths>' --fail-under=85",
        *around,
    ]
    assert ("# pyright: strict" in gate) == (checker in ("basedpyright", "pyright"))


LIBRARIES = re.compile(
    r"\b(FastAPI|Litestar|Django|Flask|uvloop|httpx2?|SQLAlchemy|asyncpg|psycopg|PyMongo|redis-py|stamina|pytest"
    r"|Hypothesis|pact-python|Schemathesis|Polars|Pydantic|SQLModel|DuckDB|ruff|mypy|(based)?pyright|pyrefly|prek"
    r"|structlog|OpenTelemetry|Prometheus|Sentry|py-spy|Austin|memray|scalene|pyperf|PyO3|Ray|torch)\b|\d\.\d"
)


@pytest.mark.parametrize("version", MODULAR)
def test_a_rule_that_names_a_library_or_a_version_says_when_that_was_checked(version: str) -> None:
    for section in pack(version).personas[NAME].sections:
        for rule in section.rules:
            assert rule.checked or not LIBRARIES.search(rule.text), rule.id
    for client in ("claude", "codex", "copilot"):
        assert "checked=" not in rendered(version, (), client)


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


@pytest.mark.parametrize(("old", "new"), list(pairwise(versions())))
def test_the_change_log_names_every_id_that_is_gone(old: str, new: str) -> None:
    gone = ids(pack(old).personas[NAME]).keys() - ids(pack(new).personas[NAME]).keys()
    text = releases()[new].files["CHANGELOG.md"].decode().split(f"## {new}\n")[1].split("\n## ")[0]
    assert {id for id in gone if f"`{id}`" not in text} == set()


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
@pytest.mark.campaign
def test_a_variant_keeps_to_its_budget_of_words(version: str) -> None:
    for name in pack(version).variant_names:
        for parameter, declaration in pack(version).declarations.items():
            for value in settings_of(declaration):
                persona = composed(version, (name,), **companions(parameter, value))
                limit = LEAN_WORDS if name == "lean" else VARIANT_WORDS
                assert added_by(persona, name).words <= limit, (name, parameter, value)
