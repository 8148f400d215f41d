"""The preset for Renovate finds each git source of a manifest and its tag, as agentpack or a person writes it."""

import json
import re
from pathlib import Path

import pytest

from agentpack.model.manifest import Manifest
from agentpack.writers.manifest_text import new_manifest

pytestmark = pytest.mark.untraced
ROOT = Path(__file__).parent.parent
PRESET = json.loads((ROOT / "default.json").read_text(encoding="utf-8"))
ADDRESSES = {
    "github:team/smiths": "https://github.com/team/smiths",
    "gitlab:team/group/smiths": "https://gitlab.com/team/group/smiths",
    "https://git.example.com/team/smiths": "https://git.example.com/team/smiths",
    "https://git.example.com/team/smiths.git": "https://git.example.com/team/smiths.git",
}


def python(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\(\?<(?=[a-z])", "(?P<", pattern, flags=re.I))


def found(text: str) -> list[tuple[str, str]]:
    """The address and the tag of each source that Renovate would look up."""
    pairs = []
    for manager in PRESET["customManagers"]:
        (pattern,) = manager["managerFilePatterns"]
        assert re.search(pattern.strip("/"), "services/weather/agentpack.yaml")
        assert not re.search(pattern.strip("/"), "my-agentpack.yaml")
        for match in (match for words in manager["matchStrings"] for match in python(words).finditer(text)):
            address = manager["packageNameTemplate"].replace("{{{depName}}}", match["depName"])
            pairs.append((address, match["currentValue"]))
    return sorted(pairs)


@pytest.mark.parametrize("place", ADDRESSES)
@pytest.mark.parametrize("more", [{}, {"subdirectory": "agents"}, {"packs": ["smiths"]}], ids=str)
def test_what_agentpack_writes_is_found(place: str, more: dict[str, object]) -> None:
    other = {"name": "kit", "git": "github:team/kit", "ref": "kit-v2.0.0"}
    data = {"schema": 1, "packs": [], "sources": [{"name": "smiths", "git": place, "ref": "v1.2.0", **more}, other]}
    text = new_manifest(Manifest.from_data(data))
    assert found(text) == sorted([(ADDRESSES[place], "v1.2.0"), ("https://github.com/team/kit", "kit-v2.0.0")])


@pytest.mark.parametrize(
    "keys",
    [
        'name: smiths\ngit: "{}"\nref: v1.2.0',
        "git: {}  # theirs\nname: smiths\nref: 'v1.2.0'",
        "git: {}\nsubdirectory: agents\npacks: [a, b]\nref: v1.2.0  # the newest we read",
        "ref: v1.2.0\nname: smiths\ngit: {}",
    ],
)
@pytest.mark.parametrize("place", ADDRESSES)
def test_what_a_person_writes_is_found(place: str, keys: str) -> None:
    entry = "  - " + keys.format(place).replace("\n", "\n    ")
    after = "  - name: kit\n    git: github:team/kit\n  - name: last\n    path: ../last\n"
    assert found(f"schema: 1\nsources:\n{entry}\n{after}packs: [smiths]\n") == [(ADDRESSES[place], "v1.2.0")]


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("v1.2.0", ("", "1", "2", "0")),
        ("1.2.0", ("", "1", "2", "0")),
        ("reviewer-v1.2.0", ("reviewer-", "1", "2", "0")),
        ("code-reviewer--v10.2.3", ("code-reviewer--", "10", "2", "3")),
        ("reviewer/1.2.0", ("reviewer/", "1", "2", "0")),
        ("main", None),
        ("ab" * 20, None),
    ],
)
def test_a_tag_is_compared_with_those_of_its_pack_and_a_branch_with_nothing(
    tag: str, parts: tuple[str, ...] | None
) -> None:
    for manager in PRESET["customManagers"]:
        match = python(manager["versioningTemplate"].removeprefix("regex:")).match(tag)
        assert (match and match.group("compatibility", "major", "minor", "patch")) == parts


def test_commits_of_the_workflow_do_not_stop_renovate() -> None:
    assert PRESET["gitIgnoredAuthors"][0] in (ROOT / "action.yml").read_text(encoding="utf-8")
