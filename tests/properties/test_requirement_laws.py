"""A requirement that is printed and read again is the same; any other text is refused in words."""

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version
from support.effort import usually

from agentpack.errors import UsageError
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement, parse_requirement

names = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,2}", fullmatch=True).map(PackName)
versions = st.tuples(*[st.integers(0, 30)] * 3).map(lambda parts: ".".join(map(str, parts)))
parts = st.one_of(
    st.tuples(st.sampled_from([">=", ">", "<", "<=", "==", "!=", "~="]), versions).map("".join),
    versions.map(lambda version: f"=={version.rpartition('.')[0]}.*"),
)
ranges = st.lists(parts, max_size=3, unique=True)
variants = st.lists(st.from_regex(r"[a-z]+(-[a-z0-9]+)?", fullmatch=True), max_size=3)
urls = st.sampled_from([None, None, "git+https://example.com/x.git@v1#subdirectory=packs/x", "file:///packs/x"])


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    url = draw(urls)
    pack, chosen = draw(names), tuple(sorted(set(draw(variants))))
    range = "" if url else parse_requirement("x" + ",".join(draw(ranges))).range
    return Requirement(pack=pack, variants=chosen, range=range, url=url)


@given(requirements())
def test_a_requirement_reads_back_as_itself(requirement: Requirement) -> None:
    assert parse_requirement(str(requirement)) == requirement
    assert str(parse_requirement(str(requirement))) == str(requirement)


@given(names, variants, ranges, st.permutations([0, 1, 2]))
def test_order_blanks_and_repeats_do_not_matter(
    name: str, chosen: list[str], bounds: list[str], order: list[int]
) -> None:
    shuffled = [bounds[at] for at in order if at < len(bounds)]
    brackets = f"[{' , '.join(reversed(chosen + chosen))}]" if chosen else ""
    loose = f"  {name.upper()} {brackets}  {' , '.join(shuffled)} "
    tight = f"{name}[{','.join(chosen)}]{','.join(bounds)}"
    assert parse_requirement(loose) == parse_requirement(tight)


@given(versions, st.lists(parts, min_size=1, max_size=3))
def test_printing_a_range_does_not_change_what_it_allows(version: str, bounds: list[str]) -> None:
    from packaging.specifiers import SpecifierSet

    requirement = parse_requirement("x" + ",".join(bounds))
    assert requirement.allows(Version(version)) == SpecifierSet(",".join(bounds)).contains(version)


@given(st.text(max_size=40))
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_any_text_is_a_requirement_or_refused_in_words(text: str) -> None:
    try:
        found = parse_requirement(text)
    except UsageError as error:
        assert error.message
        assert error.hint
    else:
        assert parse_requirement(str(found)) == found
