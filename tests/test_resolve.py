"""One release for each pack, or words a person can act on.

Each file of `cases/resolve` is a case: which packs there are, what is wanted, and the answer or the error in full
(`pytest --update` rewrites these; the diff is read before it is committed).
"""

import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from agentpack.errors import Unavailable, Unresolvable
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.resolve import resolve
from agentpack.resolve.words import listed

CASES = sorted((Path(__file__).parent / "cases" / "resolve").glob("*.yaml"))


class Shelf:
    """Packs held in memory, and a count of the questions asked: pack -> version -> what it requires and offers."""

    def __init__(self, packs: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]) -> None:
        self.packs = packs
        self.asked: Counter[tuple[str, ...]] = Counter()

    def versions(self, pack: PackName) -> list[Version]:
        self.asked["versions", pack] += 1
        return [Version(version) for version in self.packs.get(pack, {})]

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        self.asked["variants", pack, str(version)] += 1
        return self.packs[pack][str(version)].get("variants", ())

    def requires(self, pack: PackName, version: Version) -> list[Requirement]:
        self.asked["requires", pack, str(version)] += 1
        return [parse_requirement(text) for text in self.packs[pack][str(version)].get("requires", ())]

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        retired: Any = self.packs[pack][str(version)].get("retired", {})
        return dict(retired)

    def known(self) -> Collection[str]:
        return self.packs.keys()

    def releases_read(self, pack: str) -> list[str]:
        return [key[2] for key in self.asked if key[0] == "requires" and key[1] == pack]


def releases(*versions: str, requires: Sequence[str] = (), variants: Sequence[str] = ()) -> dict[str, Any]:
    return {version: {"requires": requires, "variants": variants} for version in versions}


def pins(wanted: Sequence[str], shelf: Shelf, **preferred: str) -> dict[str, str]:
    kept = {PackName(pack): Version(version) for pack, version in preferred.items()}
    answer = resolve([parse_requirement(text) for text in wanted], shelf, preferred=kept)
    return {chosen.pack: str(chosen.version) for chosen in answer}


def failure(wanted: Sequence[str], shelf: Shelf) -> Unresolvable:
    with pytest.raises(Unresolvable) as caught:
        resolve([parse_requirement(text) for text in wanted], shelf)
    return caught.value


def outcome(wanted: Sequence[Requirement], shelf: Shelf, preferred: Mapping[PackName, Version]) -> dict[str, Any]:
    """The answer or the error, as a case file has it."""
    try:
        answer = resolve(wanted, shelf, preferred=preferred)
    except Unresolvable as error:
        details = {"details": list(error.details)} if error.details else {}
        return {"error": error.message, **details, **({"hint": error.hint} if error.hint else {})}
    rows = {}
    for chosen in answer:
        variants = f"[{','.join(chosen.variants)}]" if chosen.variants else ""
        rows[chosen.pack + variants] = f"{chosen.version}, wanted by {' and '.join(chosen.wanted_by)}"
    return {"chosen": rows}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_has_the_answer_its_file_says(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    case = yaml.safe_load(text)
    wanted = [parse_requirement(line) for line in case["wanted"]]
    preferred = {PackName(pack): Version(version) for pack, version in case.get("preferred", {}).items()}
    found = outcome(wanted, Shelf(case["packs"]), preferred)
    expected = {key: case[key] for key in ("chosen", "error", "details", "hint") if key in case}
    if request.config.getoption("--update") and found != expected:
        question = text.split("\nchosen:")[0].split("\nerror:")[0].rstrip("\n")
        written = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=200)
        path.write_text(f"{question}\n{written}", encoding="utf-8")
        expected = found
    assert found == expected
    random.Random(1).shuffle(wanted)
    backwards = {pack: dict(reversed(list(of_pack.items()))) for pack, of_pack in reversed(list(case["packs"].items()))}
    assert outcome(wanted, Shelf(backwards), preferred) == found, "the order of what is wanted or offered shows"


def test_only_releases_that_are_considered_are_read() -> None:
    shelf = Shelf(
        {
            "engineer": releases("1.0.0", "1.1.0", "1.2.0", requires=["rules>=1", "words"], variants=["strict"]),
            "rules": releases("0.9.0", "1.0.0", "1.1.0"),
            "words": releases("1.0.0", "2.0.0"),
            "bystander": releases("1.0.0"),
        }
    )
    assert pins(["engineer[strict]"], shelf) == {"engineer": "1.2.0", "rules": "1.1.0", "words": "2.0.0"}
    assert shelf.asked == {
        ("versions", "engineer"): 1,
        ("versions", "rules"): 1,
        ("versions", "words"): 1,
        ("variants", "engineer", "1.2.0"): 1,
        ("requires", "engineer", "1.2.0"): 1,
        ("requires", "rules", "1.1.0"): 1,
        ("requires", "words", "2.0.0"): 1,
    }


def test_a_locked_release_is_the_only_one_read() -> None:
    shelf = Shelf({"engineer": releases(*(f"1.{minor}.0" for minor in range(20)))})
    assert pins(["engineer>=1.2"], shelf, engineer="1.7.0") == {"engineer": "1.7.0"}
    assert shelf.releases_read("engineer") == ["1.7.0"]


def test_the_newest_release_is_given_up_only_when_it_does_not_fit() -> None:
    shelf = Shelf(
        {
            "engineer": releases("1.0.0", "1.1.0") | releases("1.2.0", requires=["missing"]),
            "missing-not": releases("1.0.0"),
        }
    )
    assert pins(["engineer"], shelf) == {"engineer": "1.1.0"}
    assert shelf.releases_read("engineer") == ["1.2.0", "1.1.0"]


def test_no_question_is_asked_twice_even_to_explain_a_dispute() -> None:
    shelf = Shelf(
        {
            "engineer": releases("1.0.0", "1.1.0", requires=["rules[strict]>=2"]),
            "reviewer": releases("1.0.0", "1.1.0", requires=["rules<2"]),
            "rules": releases("1.0.0", "2.0.0", variants=["strict"]),
        }
    )
    failure(["engineer", "reviewer"], shelf)
    assert max(shelf.asked.values()) == 1


def test_a_source_that_fails_is_not_taken_for_a_dispute() -> None:
    class Broken(Shelf):
        def requires(self, pack: PackName, version: Version) -> list[Requirement]:
            raise Unavailable("the source does not answer")

    with pytest.raises(Unavailable):
        resolve([parse_requirement("engineer")], Broken({"engineer": releases("1.0.0")}))


def test_a_source_that_fails_while_a_hint_is_sought_leaves_the_error_as_it_is() -> None:
    class Fading(Shelf):
        def requires(self, pack: PackName, version: Version) -> list[Requirement]:
            if version < Version("2"):
                raise Unavailable("the source does not answer")
            return super().requires(pack, version)

    packs = {
        "engineer": releases("1.0.0") | releases("2.0.0", requires=["rules>=3"]),
        "reviewer": releases("2.0.0", requires=["rules<3"]),
        "rules": releases("2.0.0", "3.0.0"),
    }
    error = failure(["engineer>=2", "reviewer"], Fading(packs))
    assert error.message == "`engineer>=2` and `reviewer` conflict over `rules`"
    assert error.exit_code == 4


def test_nothing_wanted_is_nothing_chosen() -> None:
    assert resolve([], Shelf({})) == ()


def test_latest_and_plain_together_set_the_lock_aside_in_any_order() -> None:
    packs = {"engineer": releases("1.0.0", "2.0.0")}
    for wanted in (["engineer", "engineer@latest"], ["engineer@latest", "engineer"]):
        assert pins(wanted, Shelf(packs), engineer="1.0.0") == {"engineer": "2.0.0"}


def test_the_author_s_spelling_of_a_version_is_kept() -> None:
    shelf = Shelf({"one": releases("1.0.0"), "two": releases("1.0"), "three": releases("1.0.0", "1.0")})
    assert pins(["one", "two", "three"], shelf) == {"one": "1.0.0", "three": "1.0", "two": "1.0"}


@pytest.mark.untraced
@pytest.mark.campaign
def test_a_long_chain_does_not_go_deep() -> None:
    chain = {f"p{i}": releases("1.0.0", "2.0.0", requires=[f"p{i + 1}"] if i < 3000 else []) for i in range(3001)}
    assert len(pins(["p0"], Shelf(chain))) == 3001
    chain["p3000"] = releases("1.0.0", "2.0.0", requires=["nowhere"])
    error = failure(["p0"], Shelf(chain))
    assert "nowhere" in error.message
    assert len(error.details) <= 12


@pytest.mark.untraced
@pytest.mark.campaign
def test_a_hostile_puzzle_ends() -> None:
    """Eleven packs want eleven places of which there are ten: no proof of it is short."""
    holes = range(1, 11)
    packs = {f"hole{hole}": releases(*(f"{guest}.0.0" for guest in range(1, 12))) for hole in holes}
    for guest in range(1, 12):
        packs[f"guest{guest}"] = {
            f"{hole}.0.0": {"requires": [f"hole{hole}=={guest}.0.0"], "variants": []} for hole in holes
        }
    error = failure([f"guest{guest}" for guest in range(1, 12)], Shelf(packs))
    assert error.message.startswith("gave up")
    (detail,) = error.details
    assert re.fullmatch("most disputed: `(guest|hole)[0-9]+`.*", detail)


@pytest.mark.untraced
@pytest.mark.campaign
def test_what_a_pack_s_author_wrote_cannot_flood_the_message() -> None:
    long = "==" + ".".join(["7"] * 2000)
    many = ",".join(f"!=0.{n}" for n in range(2000))
    shelf = Shelf(
        {
            "one": releases("1.0.0", requires=[f"two{long}"]),
            "two": releases(*(f"1.{n}.0" for n in range(0, 600, 2)), requires=[f"three{many}"]),
            "four": releases("1.0.0", requires=["two>=9" + "9" * 5000]),
        }
    )
    for wanted in (["one"], ["two"], ["four"], ["one", "two", "four"]):
        error = failure(wanted, shelf)
        assert max(map(len, (error.message, error.hint or "", *error.details))) < 700
        assert len(error.details) <= 12


def test_a_way_out_that_takes_too_long_to_try_is_not_offered() -> None:
    """The older release that a wider range would allow needs a thousand packs, one behind the other."""
    chain = {f"p{n}": releases("1.0.0", requires=[f"p{n + 1}"]) for n in range(1100)}
    packs = {
        "engineer": {"1.0.0": {"requires": ["rules<2", "p0"]}, "2.0.0": {"requires": ["rules>=2"]}},
        "reviewer": releases("1.0.0", requires=["rules<2"]),
        "rules": releases("1.0.0", "2.0.0"),
        **chain,
        "p1100": releases("1.0.0"),
    }
    error = failure(["engineer>=2", "reviewer"], Shelf(packs))
    assert error.message == "`engineer>=2` and `reviewer` conflict over `rules`"
    assert error.hint == "change or drop one of `engineer>=2` or `reviewer`"


def test_a_dispute_of_many_releases_stays_short() -> None:
    versions = [f"{n}.0.0" for n in range(1, 60)]
    packs = {
        "engineer": releases(*versions, requires=["rules>=30"]),
        "reviewer": releases(*versions, requires=["rules<30"]),
        "rules": releases(*versions),
        **{f"bystander{n:02}": releases(*versions, requires=["rules"]) for n in range(40)},
    }
    error = failure([*packs], Shelf(packs))
    assert error.details[0] == "1. agentpack.yaml wants engineer, and every release of it needs rules>=30"
    assert error.details[1] == "2. agentpack.yaml wants reviewer, and every release of it needs rules<30"
    assert len(error.details) == 3


@pytest.mark.parametrize(("words", "told"), [("a", "a"), ("ab", "a and b"), ("abcdefgh", "a, b, c, d, e, f, g and h")])
def test_a_list_in_words_is_cut_and_says_how_many_more_there_are(words: str, told: str) -> None:
    assert listed(words) == told
    assert listed("abcdefghij") == "a, b, c, d, e, f, g and 3 more"


def test_the_dispute_in_the_documentation_is_a_real_one() -> None:
    folder = Path(__file__).parent
    case = yaml.safe_load((folder / "cases" / "resolve" / "dispute.yaml").read_text(encoding="utf-8"))
    shown = "\n".join([f"error: {case['error']}", *(f"  {line}" for line in case["details"]), f"hint: {case['hint']}"])
    page = (folder.parent / "docs" / "explanation" / "resolving.md").read_text(encoding="utf-8")
    assert shown in page
