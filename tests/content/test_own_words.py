"""The texts of the bundled packs are our own: runs of words that others wrote are in no release, whatever is chosen.

A run is kept as its number of words and a digest, so that this file does not say what it forbids.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import pytest
from support.bundled import combinations_of_variants, pack, rendered, settings_of, versions
from support.cases import case

from agentpack.sources.bundled import bundled_folder

pytestmark = pytest.mark.untraced
FOREIGN = [
    (7, "16425080ab23c0d4"),
    (7, "2050b1c17edc3037"),
    (7, "21228cab31d8b37b"),
    (7, "4decbb2524234805"),
    (7, "6e48ea3615c34c8d"),
    (7, "8f38e91f6ab589e3"),
    (7, "eba96e692f76ee37"),
    (7, "f6c3814a2b70bca3"),
    (8, "0f98b28946235655"),
    (8, "32a61ee5e3ff5f00"),
    (8, "82336ae7a63c0588"),
    (8, "833e86645fc8c6b1"),
    (9, "27acbd935d373390"),
    (9, "2c38ecd05171596b"),
    (12, "ce0083ba3dc75961"),
    (14, "42810e054d864f91"),
]
"""Number of words, and the first 16 digits of the SHA-256 of the run in lower case, with single blanks."""
BY_LENGTH = {length: {digest for _, digest in rows} for length, rows in groupby(FOREIGN, key=lambda row: row[0])}
_WORD = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_BRACES = re.compile(r"\{#[^}]*\}")


def foreign_runs(text: str, foreign: Mapping[int, Collection[str]] = BY_LENGTH) -> Iterator[str]:
    """The runs in a text that are somebody else's."""
    words = _WORD.findall(text.lower())
    for length, digests in foreign.items():
        for start in range(len(words) - length + 1):
            run = " ".join(words[start : start + length])
            if sha256(run.encode()).hexdigest()[:16] in digests:
                yield run


def test_a_run_is_found_whatever_stands_between_its_words() -> None:
    """The check would pass everything if it found nothing."""
    foreign = {4: {sha256(b"one two three four.five").hexdigest()[:16]}}
    assert list(foreign_runs("- Zero one, **two**;\n- Three: `four.five`.\n", foreign)) == ["one two three four.five"]
    assert list(foreign_runs("- One, two; four.five, three.", foreign)) == []


@pytest.mark.campaign
@pytest.mark.parametrize("version", versions())
def test_no_rendering_has_a_run_of_another_author(version: str) -> None:
    with case(version):
        for variants in combinations_of_variants(version):
            assert list(foreign_runs(rendered(version, variants))) == [], variants
        for name, declaration in pack(version).declarations.items():
            for value in settings_of(declaration) if name != "coverage_business" else ():
                assert list(foreign_runs(rendered(version, (), "claude", **{name: value}))) == [], (name, value)


def test_no_file_of_a_pack_has_a_run_of_another_author() -> None:
    for file in sorted(Path(bundled_folder() or "").glob("*/*/**/*.*")):
        if file.suffix in (".md", ".yaml"):
            with case(str(file)):
                assert list(foreign_runs(_BRACES.sub("", file.read_text(encoding="utf-8")))) == []
