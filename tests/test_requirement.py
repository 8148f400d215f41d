"""What a user may type for a pack, and the words when it is something else."""

import pytest
from packaging.version import Version

from agentpack.errors import UsageError
from agentpack.model.requirement import Requirement, parse_requirement, parse_version


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("python-engineer", "python-engineer"),
        ("Python_Engineer", "python-engineer"),
        ("python-engineer[b,a,b]", "python-engineer[a,b]"),
        ("python-engineer [ a , b ] >= 1.1 , < 2", "python-engineer[a,b]>=1.1,<2"),
        ("python-engineer<2,>=1.1", "python-engineer>=1.1,<2"),
        ("python-engineer (>=1.1)", "python-engineer>=1.1"),
        ("python-engineer@1.2", "python-engineer==1.2.*"),
        ("python-engineer@1", "python-engineer==1.*"),
        ("python-engineer@1.2.3", "python-engineer==1.2.3"),
        ("python-engineer@v1.2.3", "python-engineer==1.2.3"),
        ("python-engineer@V1.2", "python-engineer==1.2.*"),
        ("python-engineer@2.0rc1", "python-engineer==2.0rc1"),
        ("python-engineer[a]@1.2", "python-engineer[a]==1.2.*"),
        ("python-engineer@latest", "python-engineer"),
        ("python-engineer[]", "python-engineer"),
        ("x @ git+https://example.com/x.git@v1", "x @ git+https://example.com/x.git@v1"),
        ("x[a]@file:///packs/x", "x[a] @ file:///packs/x"),
        ("x~=1.2,!=1.3", "x~=1.2,!=1.3"),
    ],
)
def test_a_requirement_has_one_long_form(text: str, long: str) -> None:
    assert str(parse_requirement(text)) == long
    assert parse_requirement(long) == parse_requirement(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a requirement"),
        (">=1", "is not a requirement"),
        ("python engineer", "`engineer` is not a range of versions"),
        ("x>>1", "`>>1` is not a range of versions"),
        ("x>=", "is not a range of versions"),
        ("x[A]", "`A` is not a valid variant name"),
        ("x[a,,b]", "`` is not a valid variant name"),
        ("x[a", "not a range of versions"),
        ("x@one", "`one` is not a version such as `1.2.0` or `2.0.0rc1`, nor an address"),
        ("x@", "a version or an address is missing after `@`"),
        ("x@>=1", "`>=1` is not a version such as `1.2.0` or `2.0.0rc1`, nor an address"),
        ("x@1..2", "`1..2` is not a version"),
        ("x@vv1", "`vv1` is not a version"),
        ("x@v", "`v` is not a version"),
        ("x==banana", "`banana` is not a version such as `1.2.0`"),
        ("x===banana", "`banana` is not a version"),
        ("x>=1.0,<two", "`two` is not a version"),
        ("x~=1", "`~=1` is not a range of versions"),
        ("x; python_version < '3'", "environment markers (`;`) are not supported"),
        ("döner", "is not a pack name"),
    ],
)
def test_what_is_no_requirement_is_refused_with_the_part_that_is_off(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_requirement(text)
    assert words in refused.value.message
    assert refused.value.hint


def test_a_pre_release_is_allowed_only_when_it_is_asked_for() -> None:
    candidate = Version("2.0.0rc1")
    assert not parse_requirement("x>=1").allows(candidate)
    assert parse_requirement("x>=2.0.0rc1").allows(candidate)
    assert parse_requirement("x@2.0.0rc1").allows(candidate)


def test_latest_means_any_version_and_is_no_part_of_the_requirement() -> None:
    latest = parse_requirement("x@latest")
    assert latest.newest
    assert latest == Requirement(pack=parse_requirement("x").pack)
    assert latest.allows(Version("7.0.0"))


def test_a_version_is_read_or_refused() -> None:
    assert parse_version("1.2.0") == Version("1.2")
    with pytest.raises(UsageError, match=r"`one` is not a version such as `1\.2\.0`"):
        parse_version("one")
