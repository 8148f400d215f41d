"""Laws of foreign glob patterns: they match what the same regular expression matches, and take no longer for more."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.counting import calls_of
from support.effort import usually

from agentpack.model.globs import Glob, fits, fits_path
from agentpack.policy.evaluate import ReleaseFacts, refusals, release_verdicts
from agentpack.policy.policy import Policy, PolicyEntry, PolicyList, PolicyLists

PATTERN, TEXT = st.text("ab*?", max_size=7), st.text("ab*?", max_size=8)
PLACE = st.text("a/*", max_size=7)


@settings(max_examples=usually(250, thorough=500, nightly=1000))
@given(PATTERN, TEXT)
def test_a_star_stands_for_any_text_and_a_question_mark_for_one_character(pattern: str, text: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*")
    assert fits(pattern, text) == bool(re.fullmatch(expression, text, re.DOTALL))
    expression = expression.replace(r"\?", ".")
    assert Glob(pattern, single=True).fits(text) == bool(re.fullmatch(expression, text, re.DOTALL))


@settings(max_examples=usually(250, thorough=500))
@given(PLACE, PLACE)
def test_a_star_in_a_path_stays_within_one_part(pattern: str, path: str) -> None:
    expression = re.escape(pattern).replace(r"\*", "[^/]*")
    assert fits_path(pattern, path) == bool(re.fullmatch(expression, path))
    assert fits_path(pattern, path, below=True) == bool(re.fullmatch(f"{expression}(?:/.*)?", path))


@settings(max_examples=usually(250, thorough=500))
@given(PLACE.map("/{}".format), PLACE)
@example("/a/", "/a/")
@example("/a/*", "/a")
def test_a_policy_reads_a_place_as_it_always_did(entry: str, place: str) -> None:
    def expression(below: bool) -> str:
        body = re.escape(entry.removesuffix("/*").rstrip("/")).replace(r"\*", "[^/]*")
        return body + (r"(?:/.*)?" if below or entry.endswith("/*") else "/?")

    facts = ReleaseFacts("p", "1.0.0", (), "s", place, None, None, None, own=True)
    listed = PolicyEntry(entry, "policy.yaml", 1)
    allowing = Policy(sources=PolicyLists(allow=(PolicyList((listed,), "policy.yaml", 1),)))
    denying = Policy(sources=PolicyLists(deny=(listed,)))
    allowed, denied = (re.fullmatch(expression(below), place) is not None for below in (False, True))
    assert bool(refusals(release_verdicts(allowing, facts))) != allowed
    assert bool(refusals(release_verdicts(denying, facts))) == denied


@pytest.mark.parametrize("piece", ["*a", "*?a", "?*a"])
def test_many_stars_are_tried_no_more_often_than_there_are_pieces_and_characters(piece: str) -> None:
    def work(count: int) -> int:
        text = "/" + "a" * (4 * count)
        return max(
            calls_of(lambda: Glob(f"/{piece * count}*b", single=True).fits(text)),
            calls_of(lambda: fits_path(f"/{piece * count}*b", text, below=True)),
        )

    few, many = work(10), work(20)
    assert many <= 4 * few + 40
