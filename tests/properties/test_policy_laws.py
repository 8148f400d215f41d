"""The laws of policies: their order never matters, and together they never allow what one of them refuses."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.model.capabilities import BUT
from agentpack.model.capabilities import covers as includes
from agentpack.model.fields import TOOLS
from agentpack.policy.evaluate import ReleaseFacts, refusals, release_verdicts
from agentpack.policy.policy import Policy, PolicyEntry, PolicyList, PolicyLists, denies, strictest

FILES = ("/a.yaml", "/b.yaml")
WORDS = {
    "sources": ["bundled", "acme", "/srv/packs/*"],
    "packs": ["acme", "acme-*", "*", "other"],
    "licenses": ["MIT", "Apache-2.0", "GPL-3.0-only"],
    "capabilities": ["every-tool", "read", "shell", "mcp:*", "model:opus"],
}


def listed(key: str, file: str) -> st.SearchStrategy[PolicyList]:
    entries = st.builds(PolicyEntry, st.sampled_from(WORDS[key]), st.just(file), st.integers(1, 3))
    return st.builds(
        lambda found, line: PolicyList(tuple(sorted(set(found))), file, line), st.lists(entries, max_size=3), st.just(1)
    )


def lists(key: str, file: str) -> st.SearchStrategy[PolicyLists]:
    return st.builds(
        lambda allow, deny: PolicyLists(tuple(allow), deny.entries),
        st.lists(listed(key, file), max_size=1),
        listed(key, file),
    )


def policy_of(file: str) -> st.SearchStrategy[Policy]:
    def setting(*values: str | int) -> st.SearchStrategy[PolicyEntry | None]:
        return st.none() | st.builds(PolicyEntry, st.sampled_from(values), st.just(file), st.integers(1, 3))

    return st.builds(
        Policy,
        *(lists(key, file) for key in WORDS),
        accept=st.lists(listed("capabilities", file), max_size=1).map(tuple),
        hidden_text=setting("refuse", "report"),
        minimum_age=setting(0, 7, 14),
        maximum_size=setting(10, 1000),
        files=st.just((file,)),
        signed_tags=setting(False, True),
    )


policies = st.one_of(*map(policy_of, FILES))
facts = st.builds(
    ReleaseFacts,
    pack=st.sampled_from(["acme", "acme-data", "other"]),
    version=st.sampled_from(["1.0.0", "2.0.0"]),
    variants=st.just(()),
    source=st.sampled_from(["bundled", "acme"]),
    place=st.sampled_from(["/srv/packs/x", "/home/x"]),
    license=st.none() | st.sampled_from(["MIT", "MIT OR GPL-3.0-only", "MIT AND Apache-2.0", "mine", "(MIT)"]),
    size=st.none() | st.sampled_from([5, 500, 5000]),
    age=st.none() | st.sampled_from([-5, 0, 8 * 86400, 20 * 86400]),
    capabilities=st.lists(st.sampled_from(["every-tool", "read", "shell", "mcp:x", "model:opus"])).map(
        lambda words: dict.fromkeys(words, "claude")
    ),
)


def allows(policy: Policy, release: ReleaseFacts) -> bool:
    return not refusals(release_verdicts(policy, release))


@given(policies, policies)
def test_the_order_of_policies_makes_no_difference(one: Policy, other: Policy) -> None:
    assert strictest([one, other]) == strictest([other, one])


@given(policies, policies, policies)
def test_policies_can_be_put_together_in_any_grouping(one: Policy, two: Policy, three: Policy) -> None:
    left = strictest([strictest([one, two]), three])
    assert left == strictest([one, strictest([two, three])]) == strictest([one, two, three])


@given(policies)
def test_a_policy_that_is_met_twice_says_the_same(policy: Policy) -> None:
    assert strictest([policy, policy]) == strictest([policy]) == policy == strictest([policy, Policy()])


@given(st.lists(policies, max_size=3), facts)
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_together_they_allow_what_no_one_refuses_and_nothing_else(several: list[Policy], release: ReleaseFacts) -> None:
    together = allows(strictest(several), release)
    each = all(allows(policy, release) for policy in several)
    assert not together or each
    alternatives = release.license is not None and " OR " in release.license
    assert together == each or alternatives  # each may allow another alternative, and then none is left


@given(st.lists(policies, min_size=1, max_size=3), st.sampled_from(WORDS["capabilities"]))
def test_together_they_accept_what_each_that_says_anything_accepts(several: list[Policy], word: str) -> None:
    speaking = [policy for policy in several if policy.accept]
    expected = bool(speaking) and all(policy.accepts_widening(word) for policy in speaking)
    assert strictest(several).accepts_widening(word) == expected


@given(st.lists(policies, min_size=1, max_size=3))
def test_one_that_refuses_hidden_text_is_enough(several: list[Policy]) -> None:
    said = {policy.hidden_text.value for policy in several if policy.hidden_text}
    assert strictest(several).reports_hidden_text == (said == {"report"})


@given(st.lists(policies, max_size=3))
def test_what_decided_stands_in_one_of_the_files(several: list[Policy]) -> None:
    merged = strictest(several)
    for entry in (merged.minimum_age, merged.maximum_size, merged.hidden_text):
        assert entry is None or any(entry in policy for policy in several)


KINDS = (*TOOLS, "mcp", "mcp:s", "tool:X")
PIECES = [(kind, piece) for kind in TOOLS for piece in ("", "(git)", "(*)", "(plan)", "/x", "/y(git)")]
PIECES += [
    ("mcp", ""),
    ("mcp", ":s"),
    ("mcp", ":s/x"),
    ("mcp:s", ""),
    ("mcp:s", "/x"),
    ("tool:X", ""),
    ("tool:X", "(a)"),
]
GONE = st.sampled_from([*KINDS, "shell/x", "mcp:s/x", "tool:X/x", "changes"])


@given(
    st.sampled_from(PIECES),
    st.one_of(
        st.sampled_from(PIECES).map("".join),
        st.just("every-tool"),
        st.lists(GONE, min_size=1, max_size=3, unique=True).map(lambda gone: BUT + "+".join(sorted(gone))),
    ),
)
@settings(max_examples=usually(120, thorough=400, nightly=1000))
def test_who_may_do_a_piece_of_what_is_denied_is_refused(piece: tuple[str, str], word: str) -> None:
    denied = piece[0]
    if includes((word,), "".join(piece)):
        assert denies(denied, word)


@given(st.sampled_from(KINDS), GONE.filter(lambda word: word != "changes"))
def test_what_leaves_nothing_of_what_is_denied_passes(denied: str, gone: str) -> None:
    if gone == denied or (denied, gone) == ("mcp:s", "mcp"):
        assert not denies(denied, BUT + gone)
