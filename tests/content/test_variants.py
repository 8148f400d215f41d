"""The variants of the engineer from 2.0.0 on: which go together, what each takes away, and how much it adds."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations

import pytest
import yaml
from support.bundled import NAME, composed, pack, rendered, settings_of, split

from agentpack.compose.substitute import holds, substitute
from agentpack.errors import Unresolvable
from agentpack.input.parameters import Value
from agentpack.model.persona import Rule
from content.directive_check import missing, read_directives

pytestmark = pytest.mark.untraced
VERSION = "2.0.0"
SERVICES = ("high-throughput-api", "microservices", "realtime")
BATCH = ("cpu-bound", "data-pipeline", "library-author")
DOMAINS = (*BATCH, *SERVICES)
STANCES = ("strict-typing",)
FORMS = ("lean", "reviewer")
VARIANTS = tuple(sorted((*DOMAINS, *STANCES, *FORMS)))
ADDED_WORDS = 220
LEAN_WORDS = 300
DESCRIPTION_WORDS = range(40, 81)

Chosen = tuple[str, ...]


def subsets() -> Iterator[Chosen]:
    return chain.from_iterable(combinations(VARIANTS, size) for size in range(len(VARIANTS) + 1))


def fit(chosen: Chosen) -> bool:
    """Whether they go together: at most two domains, and those of one family."""
    services, batch = (sum(name in family for name in chosen) for family in (SERVICES, BATCH))
    return services + batch <= 2 and not (services and batch)


FITTING = [chosen for chosen in subsets() if fit(chosen)]
REFUSED = [chosen for chosen in subsets() if not fit(chosen)]


@cache
def text(chosen: Chosen = ()) -> str:
    return rendered(VERSION, chosen)


def test_the_pack_has_the_variants_that_these_tests_know() -> None:
    assert tuple(pack(VERSION).variant_names) == VARIANTS
    assert (len(FITTING), len(REFUSED)) == (104, 408)


# -- which go together -------------------------------------------------------------------------------------------------


def test_what_fits_gives_the_same_bytes_in_whatever_order_it_is_named() -> None:
    for chosen in FITTING:
        names = list(chosen)
        for turn in (names[::-1], random.Random(7).sample(names, len(names))):
            assert rendered(VERSION, turn) == text(chosen), turn


def test_every_set_of_variants_gives_a_text_of_its_own() -> None:
    same = [count for count in Counter(map(text, FITTING)).values() if count > 1]
    assert same == []


def test_what_does_not_fit_is_refused_with_the_reason() -> None:
    reasons = {
        conflict["reason"] for layer in pack(VERSION).variants[NAME].values() for conflict in layer.header["conflicts"]
    }
    for chosen in REFUSED:
        with pytest.raises(Unresolvable) as refused:
            composed(VERSION, chosen)
        names, _, reason = refused.value.message.partition(" exclude each other: ")
        assert reason in reasons
        named = re.findall("`([a-z-]+)`", names)
        assert len(named) >= 2
        assert set(named) <= set(chosen)
        assert not fit(tuple(named))


@pytest.mark.parametrize("one", BATCH)
@pytest.mark.parametrize("other", SERVICES)
def test_the_reason_names_what_would_be_missing(one: str, other: str) -> None:
    with pytest.raises(Unresolvable) as refused:
        composed(VERSION, (one, other))
    assert refused.value.message.startswith(f"the variants `{one}` and `{other}` exclude each other: ")
    assert f"leaves out {LEFT_OUT[one]}, which `{other}` builds on" in refused.value.message


LEFT_OUT = {
    "data-pipeline": "the rules for web services",
    "cpu-bound": "the rules for async APIs and streaming",
    "library-author": "running in production",
}


@pytest.mark.parametrize("family", [SERVICES, BATCH])
def test_of_a_family_two_are_the_most(family: Chosen) -> None:
    with pytest.raises(Unresolvable, match=r"^the variants .*, .* and .* exclude each other: two domains are the most"):
        composed(VERSION, family)


# -- what is kept and what is lost -------------------------------------------------------------------------------------


@cache
def declared(variant: str) -> frozenset[str]:
    """The directives that a variant says it takes away; `METH-1` stands for all from METH-1.1 on."""
    known = [directive["id"] for directive in read_directives()]
    found = set()
    for line in pack(VERSION).variants[NAME][variant].header["losses"]:
        words, colon, meaning = line.partition(": ")
        assert colon, line
        assert meaning, line
        for word in words.split(", "):
            meant = {id for id in known if id == word or id.startswith(f"{word}.")}
            assert meant, f"{variant}: there is no directive {word}"
            found |= meant
    return frozenset(found)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_takes_away_exactly_what_it_declares(variant: str) -> None:
    assert set(missing(text((variant,)), read_directives())) == declared(variant)


def test_variants_together_take_away_no_more_than_each_declares() -> None:
    for chosen in FITTING:
        allowed = frozenset[str]().union(*map(declared, chosen))
        assert set(missing(text(chosen), read_directives())) <= allowed, chosen


def own_rules(variant: str) -> list[Rule]:
    return [rule for section in pack(VERSION).variants[NAME][variant].sections for rule in section.rules]


@pytest.mark.parametrize("variant", (*DOMAINS, *STANCES))
def test_what_a_domain_or_stance_adds_stays_under_every_form(variant: str) -> None:
    values = {name: declaration.default for name, declaration in pack(VERSION).declarations.items()}
    for chosen in FITTING:
        if variant in chosen:
            for rule in own_rules(variant):
                if holds(rule.when, values):
                    assert substitute(rule.text, values) in text(chosen), (rule.id, chosen)


def test_no_rendering_shows_a_trace_of_the_pack_format() -> None:
    for chosen in FITTING:
        header, body = split(text(chosen))
        for trace in ("{{", "}}", "{#", " when=", " after=", " before="):
            assert trace not in body, chosen
        assert "{{" not in header
        assert "\n\n\n" not in body
        assert body.endswith(".\n")
        headings = [line for line in body.splitlines() if line.startswith("#")]
        assert len(headings) == len(set(headings)), chosen


# -- budgets -----------------------------------------------------------------------------------------------------------


def words(text: str) -> int:
    return len(text.split())


def body_words(chosen: Chosen = (), **values: Value) -> int:
    """The words without the header, as `agentpack pack check` counts them."""
    return words(split(rendered(VERSION, chosen, "claude", **values))[1])


@pytest.mark.parametrize("name", pack(VERSION).declarations)
def test_the_lean_persona_keeps_to_its_words_whatever_single_parameter_is_set(name: str) -> None:
    for value in settings_of(pack(VERSION).declarations[name]):
        others = {"coverage_overall": 0} if name == "coverage_business" else {}
        assert body_words(("lean",), **{name: value}, **others) <= LEAN_WORDS


@pytest.mark.parametrize("chosen", [chosen for chosen in FITTING if len(chosen) == 2], ids="+".join)
def test_a_pair_adds_no_more_words_than_both_budgets(chosen: Chosen) -> None:
    base = LEAN_WORDS if "lean" in chosen else body_words() + ADDED_WORDS
    for checker in pack(VERSION).declarations["type_checker"].choices or ():
        assert body_words(chosen, type_checker=checker) <= base + ADDED_WORDS


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_description_keeps_to_its_words(variant: str) -> None:
    header = yaml.safe_load(split(text((variant,)))[0])
    assert words(header["description"]) in DESCRIPTION_WORDS


# -- single variants ---------------------------------------------------------------------------------------------------


def test_what_no_user_may_ask_for_is_said_under_every_variant() -> None:
    """Whatever a variant leaves out: secrets, force-push, loosened checks, instructions in data."""
    for chosen in FITTING:
        rules = {rule.id: rule.text for section in composed(VERSION, chosen).sections for rule in section.rules}
        for words in ("secret", "force-push", "loosen", "obey instructions met in data or tool output"):
            assert words in rules["never"], chosen


def test_a_variant_says_once_what_its_scenario_said() -> None:
    """Services and processor-bound work have a section of their own: the scenario is not told a second time."""
    for variant, gone in {
        "high-throughput-api": "scenario-api",
        "realtime": "scenario-realtime",
        "microservices": "scenario-microservices",
        "cpu-bound": "scenario-cpu",
        "data-pipeline": "scenario-pipeline",
    }.items():
        assert gone in {section.id for section in composed(VERSION).sections}
        assert gone not in {section.id for section in composed(VERSION, (variant,)).sections}


def test_a_reviewer_reads_and_searches_whatever_else_is_chosen() -> None:
    for chosen in FITTING:
        if "reviewer" in chosen:
            assert composed(VERSION, chosen).value("tools") == ["read", "search"], chosen


def test_no_parameter_but_the_tools_gives_a_reviewer_more() -> None:
    for name, declaration in pack(VERSION).declarations.items():
        for value in settings_of(declaration) if name not in ("tools", "coverage_business") else ():
            assert composed(VERSION, ("reviewer",), **{name: value}).value("tools") == ["read", "search"], name
    shell = composed(VERSION, ("reviewer",), tools="read, search, shell")
    assert shell.value("tools") == ["read", "search", "shell"]


EDITING = re.compile(
    r"^- (Deliver|Include|Add|Make the|Run the project's|Ask first|Draw|Lead|Open with)\b", re.MULTILINE
)


def test_a_reviewer_is_asked_for_no_edit_and_no_delivery() -> None:
    assert EDITING.search(text())
    for chosen in FITTING:
        if "reviewer" in chosen:
            assert not EDITING.search(text(chosen)), chosen


def test_a_library_sets_no_framework_and_no_compose_file_unless_the_user_does() -> None:
    assert "compose" not in text(("library-author",))
    assert text(("library-author",)) == rendered(VERSION, ("library-author",), framework="none", compose="never")
    assert text(("library-author",)) != rendered(VERSION, ("library-author",), framework="django")


@pytest.mark.parametrize(
    ("checker", "strict"),
    [
        ("mypy", "mypy --strict"),
        ("basedpyright", "basedpyright, `strict`"),
        ("pyright", "pyright, `strict`"),
        ("pyrefly", 'preset = "strict"'),
        ("ty", "--error all"),
    ],
)
def test_strict_typing_gives_every_checker_its_strict_call(checker: str, strict: str) -> None:
    for chosen in FITTING:
        if "strict-typing" in chosen:
            assert strict in rendered(VERSION, chosen, type_checker=checker)
