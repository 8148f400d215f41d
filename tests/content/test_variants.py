"""The variants of the engineer from 2.0.0 on: which go together, what each takes away, and how much it adds."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import chain, combinations

import pytest
import yaml
from support.bundled import NAME, composed, pack, rendered, settings_of, split
from support.effort import THOROUGH

from agentpack.compose.substitute import holds, substitute
from agentpack.errors import Unresolvable
from agentpack.input.parameters import Value
from agentpack.model.persona import Rule
from content.directive_check import missing, read_directives

pytestmark = pytest.mark.untraced
ADDED_WORDS = 220
LEAN_WORDS = 300
DESCRIPTION_WORDS = range(40, 81)

Chosen = tuple[str, ...]


class Kit:
    """The variants of a release, and which of them go together."""

    def __init__(
        self,
        version: str,
        *,
        servers: Chosen,
        most_servers: int,
        others: Chosen,
        stances: Chosen,
        forms: Chosen,
        apart: Chosen = (),
        left_out: Mapping[str, str],
        fitting: int,
    ) -> None:
        """`most_servers`, and two of `others`, go together, and no server with any other; nor do the two of `apart`.
        `left_out`: what a domain leaves out that servers build on. `fitting`: how many sets go together.
        """
        self.version, self.servers, self.most_servers, self.others = version, servers, most_servers, others
        self.stances, self.forms, self.apart, self.left_out, self.count = stances, forms, apart, left_out, fitting
        self.domains = (*others, *servers)
        self.variants = tuple(sorted((*self.domains, *stances, *forms)))
        self.text = cache(lambda chosen=(): rendered(version, chosen))

    def fit(self, chosen: Chosen) -> bool:
        """Whether they go together."""
        served, other = (sum(name in family for name in chosen) for family in (self.servers, self.others))
        together = len(set(self.apart) & set(chosen)) < 2
        return served <= self.most_servers and other <= 2 and not (served and other) and together

    @cached_property
    def fitting(self) -> list[Chosen]:
        return [chosen for chosen in subsets(self.variants) if self.fit(chosen)]

    @cached_property
    def refused(self) -> list[Chosen]:
        """Sets that do not go together: up to four of many, all of few."""
        few = len(self.variants) < 10
        return [chosen for chosen in subsets(self.variants) if not self.fit(chosen) and (few or len(chosen) <= 4)]


def subsets(names: Chosen) -> Iterator[Chosen]:
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


OF_2: Mapping[str, Chosen] = {
    "servers": ("high-throughput-api", "microservices", "realtime"),
    "others": ("cpu-bound", "data-pipeline", "library-author"),
    "stances": ("strict-typing",),
    "forms": ("lean", "reviewer"),
}
LEFT_OUT_OF_2 = {
    "data-pipeline": "the rules for web services",
    "cpu-bound": "the rules for async APIs and streaming",
    "library-author": "running in production",
}
KITS = {
    kit.version: kit
    for kit in (
        *(Kit(version, **OF_2, most_servers=2, left_out=LEFT_OUT_OF_2, fitting=104) for version in ("2.0.0", "2.1.0")),
        Kit(
            "3.0.0",
            servers=("django", "web-api"),
            most_servers=1,
            others=("data-pipeline", "data-science", "ml", "packaging", "scripts-cli"),
            stances=("migration", "security", "strict-typing", "testing"),
            forms=("lean",),
            apart=("migration", "testing"),
            left_out={
                "data-pipeline": "the rules for web services",
                "data-science": "the rules for services",
                "ml": "the rules for web services",
                "packaging": "running in production",
                "scripts-cli": "running in production",
            },
            fitting=432,
        ),
    )
}
TRIED = list(KITS.values()) if THOROUGH else [list(KITS.values())[-1]]
"""Older releases never change."""
OF_2_TRIED = [kit for kit in TRIED if kit.version < "3"]
tried = pytest.mark.parametrize("kit", TRIED, ids=lambda kit: kit.version)
tried_of_2 = pytest.mark.skipif(not OF_2_TRIED, reason="releases before 3 are tried in the thorough run")


@tried
def test_the_pack_has_the_variants_that_these_tests_know(kit: Kit) -> None:
    assert tuple(pack(kit.version).variant_names) == kit.variants
    assert len(kit.fitting) == kit.count


# -- which go together -------------------------------------------------------------------------------------------------


@pytest.mark.campaign
@tried
def test_what_fits_gives_the_same_bytes_in_whatever_order_it_is_named(kit: Kit) -> None:
    for chosen in kit.fitting:
        names = list(chosen)
        for turn in (names[::-1], random.Random(7).sample(names, len(names))):
            assert rendered(kit.version, turn) == kit.text(chosen), turn


@pytest.mark.campaign
@tried
def test_every_set_of_variants_gives_a_text_of_its_own(kit: Kit) -> None:
    same = [count for count in Counter(map(kit.text, kit.fitting)).values() if count > 1]
    assert same == []


@tried
def test_what_does_not_fit_is_refused_with_the_reason(kit: Kit) -> None:
    variants = pack(kit.version).variants[NAME].values()
    reasons = {conflict["reason"] for layer in variants for conflict in layer.header["conflicts"]}
    assert kit.refused
    for chosen in kit.refused:
        with pytest.raises(Unresolvable) as refused:
            composed(kit.version, chosen)
        names, _, reason = refused.value.message.partition(" exclude each other: ")
        assert reason in reasons
        named = re.findall("`([a-z-]+)`", names)
        assert len(named) >= 2
        assert set(named) <= set(chosen)
        assert not kit.fit(tuple(named))


@tried
def test_the_reason_names_what_would_be_missing(kit: Kit) -> None:
    for one, missed in kit.left_out.items():
        for other in kit.servers:
            with pytest.raises(Unresolvable) as refused:
                composed(kit.version, (one, other))
            assert refused.value.message.startswith(f"the variants `{one}` and `{other}` exclude each other: ")
            assert f"leaves out {missed}, which `{other}` builds on" in refused.value.message


@tried
def test_two_domains_are_the_most(kit: Kit) -> None:
    most = r"^the variants .*, .* and .* exclude each other: two domains are the most"
    for three in (*combinations(kit.others, 3), *(combinations(kit.servers, 3) if kit.most_servers == 2 else ())):
        with pytest.raises(Unresolvable, match=most):
            composed(kit.version, three)


# -- what is kept and what is lost -------------------------------------------------------------------------------------


@cache
def declared(version: str, variant: str) -> frozenset[str]:
    """The directives that a variant says it takes away; `METH-1` stands for all from METH-1.1 on."""
    known = [directive["id"] for directive in read_directives()]
    found = set()
    for line in pack(version).variants[NAME][variant].header["losses"]:
        words, colon, meaning = line.partition(": ")
        assert colon, line
        assert meaning, line
        for word in words.split(", "):
            meant = {id for id in known if id == word or id.startswith(f"{word}.")}
            assert meant, f"{variant}: there is no directive {word}"
            found |= meant
    return frozenset(found)


@tried
def test_a_variant_takes_away_exactly_what_it_declares(kit: Kit) -> None:
    for variant in kit.variants:
        assert set(missing(kit.text((variant,)), read_directives())) == declared(kit.version, variant), variant


@pytest.mark.campaign
@tried
def test_variants_together_take_away_no_more_than_each_declares(kit: Kit) -> None:
    for chosen in kit.fitting:
        allowed = frozenset[str]().union(*(declared(kit.version, variant) for variant in chosen))
        assert set(missing(kit.text(chosen), read_directives())) <= allowed, chosen


def own_rules(version: str, variant: str) -> list[Rule]:
    return [rule for section in pack(version).variants[NAME][variant].sections for rule in section.rules]


@tried
def test_what_a_domain_or_stance_adds_stays_under_every_form(kit: Kit) -> None:
    """Of rules that depend on a parameter, those that hold with its default and with what the variants set."""
    values = {name: declaration.default for name, declaration in pack(kit.version).declarations.items()}
    for variant in (*kit.domains, *kit.stances):
        for chosen in kit.fitting:
            if variant in chosen:
                for rule in own_rules(kit.version, variant):
                    if rule.when is None or (holds(rule.when, values) and not sets_parameters(kit, chosen)):
                        assert substitute(rule.text, values) in kit.text(chosen), (rule.id, chosen)


def sets_parameters(kit: Kit, chosen: Chosen) -> bool:
    return any("parameters" in pack(kit.version).variants[NAME][name].header["set"] for name in chosen)


@tried
def test_no_rendering_shows_a_trace_of_the_pack_format(kit: Kit) -> None:
    for chosen in kit.fitting:
        header, body = split(kit.text(chosen))
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


def body_words(version: str, chosen: Chosen = (), **values: Value) -> int:
    """The words without the header, as `agentpack pack check` counts them."""
    return words(split(rendered(version, chosen, "claude", **values))[1])


@pytest.mark.campaign
@tried
def test_the_lean_persona_keeps_to_its_words_whatever_single_parameter_is_set(kit: Kit) -> None:
    for name, declaration in pack(kit.version).declarations.items():
        for value in settings_of(declaration):
            others = {"coverage_overall": 0} if name == "coverage_business" else {}
            assert body_words(kit.version, ("lean",), **{name: value}, **others) <= LEAN_WORDS, (name, value)


@pytest.mark.campaign
@tried
def test_a_pair_adds_no_more_words_than_both_budgets(kit: Kit) -> None:
    for chosen in kit.fitting:
        if len(chosen) == 2:
            base = LEAN_WORDS if "lean" in chosen else body_words(kit.version) + ADDED_WORDS
            for checker in pack(kit.version).declarations["type_checker"].choices or ():
                assert body_words(kit.version, chosen, type_checker=checker) <= base + ADDED_WORDS, chosen


@tried
def test_a_description_keeps_to_its_words(kit: Kit) -> None:
    for variant in kit.variants:
        header = yaml.safe_load(split(kit.text((variant,)))[0])
        assert words(header["description"]) in DESCRIPTION_WORDS, variant


# -- single variants ---------------------------------------------------------------------------------------------------


@pytest.mark.campaign
@tried
def test_what_no_user_may_ask_for_is_said_under_every_variant(kit: Kit) -> None:
    """Whatever a variant leaves out: secrets, force-push, loosened checks, instructions in data."""
    obeyed = "obey instructions met in data" if kit.version == "2.0.0" else "obey instructions found in data"
    for chosen in kit.fitting:
        rules = {rule.id: rule.text for section in composed(kit.version, chosen).sections for rule in section.rules}
        for words in ("secret", "force-push", "loosen", obeyed):
            assert words in rules["never"], chosen


def test_no_variant_of_the_newest_release_puts_a_convention_above_safety() -> None:
    kit = list(KITS.values())[-1]
    for chosen in kit.fitting:
        assert "No convention justifies unsafe" in kit.text(chosen), chosen


SAID_ONCE: Mapping[str, Mapping[str, Chosen]] = {
    "2": {
        "high-throughput-api": ("scenario-api",),
        "realtime": ("scenario-realtime",),
        "microservices": ("scenario-microservices",),
        "cpu-bound": ("scenario-cpu",),
        "data-pipeline": ("scenario-pipeline",),
    },
    "3": {"data-pipeline": ("scenario-pipeline",), "web-api": ("api-server", "api-batching", "api-replicas")},
}


@tried
def test_a_variant_says_once_what_its_scenario_said(kit: Kit) -> None:
    """What has a section of its own is not told a second time."""
    for variant, gone in SAID_ONCE[kit.version[0]].items():
        assert set(gone) <= ids(kit, ())
        assert not set(gone) & ids(kit, (variant,))


def ids(kit: Kit, chosen: Chosen) -> set[str | None]:
    """The ids of sections and rules."""
    sections = composed(kit.version, chosen).sections
    return {id for section in sections for id in (section.id, *(rule.id for rule in section.rules))}


PRUNED = {
    "data-pipeline": ("toolkit-web", "scenario-api"),
    "data-science": ("toolkit-web", "services", "async"),
    "django": ("tool-fastapi", "tool-async-sql"),
    "lean": ("toolkit", "services"),
    "ml": ("toolkit-web", "scenario-microservices"),
    "packaging": ("toolkit-clients", "production"),
    "scripts-cli": ("toolkit-web", "services"),
    "testing": ("task-size", "error-handling"),
}


@pytest.mark.parametrize("variant", PRUNED)
def test_a_variant_leaves_out_what_it_makes_irrelevant(variant: str) -> None:
    kit = list(KITS.values())[-1]
    assert set(PRUNED[variant]) <= ids(kit, ())
    assert not set(PRUNED[variant]) & ids(kit, (variant,))


@tried_of_2
def test_a_reviewer_reads_and_searches_whatever_else_is_chosen() -> None:
    for kit in OF_2_TRIED:
        for chosen in kit.fitting:
            if "reviewer" in chosen:
                assert composed(kit.version, chosen).value("tools") == ["read", "search"], chosen


@tried_of_2
def test_no_parameter_but_the_tools_gives_a_reviewer_more() -> None:
    for kit in OF_2_TRIED:
        for name, declaration in pack(kit.version).declarations.items():
            for value in settings_of(declaration) if name not in ("tools", "coverage_business") else ():
                assert composed(kit.version, ("reviewer",), **{name: value}).value("tools") == ["read", "search"], name
        shell = composed(kit.version, ("reviewer",), tools="read, search, shell")
        assert shell.value("tools") == ["read", "search", "shell"]


EDITING = re.compile(
    r"^- (Deliver|Include|Add|Make the|Run the project's|Ask first|Draw|Lead|Open with)\b", re.MULTILINE
)


@tried_of_2
def test_a_reviewer_is_asked_for_no_edit_and_no_delivery() -> None:
    for kit in OF_2_TRIED:
        assert EDITING.search(kit.text())
        for chosen in kit.fitting:
            if "reviewer" in chosen:
                assert not EDITING.search(kit.text(chosen)), chosen


@tried
def test_a_library_sets_no_framework_and_no_compose_file_unless_the_user_does(kit: Kit) -> None:
    library = ("library-author",) if kit.version < "3" else ("packaging",)
    assert "compose" not in kit.text(library)
    assert kit.text(library) == rendered(kit.version, library, framework="none", compose="never")
    assert kit.text(library) != rendered(kit.version, library, framework="django")


@pytest.mark.campaign
@tried
@pytest.mark.parametrize(
    ("checker", "strict"),
    [
        ("mypy", "mypy --strict|mypy: `strict = true`"),
        ("basedpyright", "basedpyright[,:] `strict`"),
        ("pyright", "pyright[,:] `strict`"),
        ("pyrefly", 'preset = "strict"'),
        ("ty", "--error all"),
    ],
)
def test_strict_typing_gives_every_checker_its_strict_call(kit: Kit, checker: str, strict: str) -> None:
    for chosen in kit.fitting:
        if "strict-typing" in chosen:
            assert re.search(strict, rendered(kit.version, chosen, type_checker=checker))
