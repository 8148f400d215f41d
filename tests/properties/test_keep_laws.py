"""The law of `keep`: it is never worse than not keeping.

Whatever somebody did to an installed file, "keep, then upgrade" gives the file that "upgrade" gives, byte for byte, and
goes on wherever that does. Where `keep` itself had to write other blank lines or quotes, which no variant can choose
and which it says, the two files say the same. Real commands, the bundled packs, every pair of releases.

`AGENTPACK_EXAMPLES` sets how many edits are tried; the session `nightly` tries more.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from support.bundled import versions
from support.effort import usually
from support.running import Agentpack

from agentpack.clients import CLIENTS
from agentpack.compose.parse import parse_sections, split_front_matter
from agentpack.edits.recognise import read_file

EXAMPLES = int(os.environ.get("AGENTPACK_EXAMPLES", usually(10, thorough=25)))
NAME = "python-engineer"
WAYS: list[tuple[str, ...]] = [(old, new) for at, old in enumerate(versions()) for new in versions()[at + 1 :]]
WAYS.append(tuple(versions()))
"""Every pair of releases, and all of them one after the other."""
FILES = {client: CLIENTS[client].path(NAME, "project", {}) or "" for client in ("claude", "cursor", "codex")}
"""Markdown with few fields and with many, and TOML."""


class Piece(NamedTuple):
    """A rule or heading, and the white space behind it."""

    kind: str
    text: str
    gap: str


Edit = Callable[[list[Piece], int, str], None]


def _pieces(body: str) -> Iterator[Piece]:
    for section in parse_sections(body):
        yield Piece("heading", section.heading, section.gap)
        for rule in section.rules:
            yield Piece(rule.kind, rule.text, rule.gap)


def change_end(pieces: list[Piece], at: int, words: str) -> None:
    """Put words at the end of a rule or heading: in a rule of several lines, at the end of its last one."""
    piece = pieces[at]
    pieces[at] = piece._replace(text=f"{piece.text} {words}" if piece.kind != "code" else piece.text)


def change_first_line(pieces: list[Piece], at: int, words: str) -> None:
    first, newline, rest = pieces[at].text.partition("\n")
    if pieces[at].kind != "code" and first:
        pieces[at] = pieces[at]._replace(text=f"{first} {words}{newline}{rest}")


def rewrite(pieces: list[Piece], at: int, words: str) -> None:
    if pieces[at].kind == "item":
        pieces[at] = pieces[at]._replace(text=f"- {words}, and nothing of what it said")


def delete(pieces: list[Piece], at: int, words: str) -> None:
    before = pieces[at - 1]
    pieces[at - 1] = before._replace(gap=max(before.gap, pieces[at].gap, key=len))
    del pieces[at]


def _insert(pieces: list[Piece], at: int, kind: str, text: str) -> None:
    piece = pieces[at]
    close = kind == piece.kind == "item"
    following = pieces[at + 1].kind if at + 1 < len(pieces) else ""
    after = piece.gap if close or piece.gap.count("\n") > 1 else "\n\n"
    after = "\n" if kind == following == "item" else after
    pieces[at] = piece._replace(gap="\n" if close else "\n\n")
    pieces.insert(at + 1, Piece(kind, text, after))


def insert_item(pieces: list[Piece], at: int, words: str) -> None:
    _insert(pieces, at, "item", f"- {words}")


def insert_nested(pieces: list[Piece], at: int, words: str) -> None:
    _insert(pieces, at, "item", f"- {words}\n  - and {words}\n  - or not")


def nest(pieces: list[Piece], at: int, words: str) -> None:
    """An item below a rule."""
    if pieces[at].kind == "item":
        pieces[at] = pieces[at]._replace(text=f"{pieces[at].text}\n  - {words}")


def insert_paragraph(pieces: list[Piece], at: int, words: str) -> None:
    _insert(pieces, at, "text", f"Our own {words},\nin two lines.")


def insert_code(pieces: list[Piece], at: int, words: str) -> None:
    _insert(pieces, at, "code", f"```sh\n{words}\n\n# more\n```")


def insert_section(pieces: list[Piece], at: int, words: str) -> None:
    """A section of ours before the next one."""
    at = next((n - 1 for n in range(at + 1, len(pieces)) if pieces[n].kind == "heading"), len(pieces) - 1)
    _insert(pieces, at, "heading", f"## {words}")
    _insert(pieces, at + 1, "item", f"- {words} in a section of ours")


def swap(pieces: list[Piece], at: int, words: str) -> None:
    """Exchange a rule and the next one."""
    if at + 1 < len(pieces) and pieces[at].kind == pieces[at + 1].kind != "heading":
        one, other = pieces[at], pieces[at + 1]
        pieces[at], pieces[at + 1] = other._replace(gap=one.gap), one._replace(gap=other.gap)


def set_field(text: str, client: str, field: int, words: str) -> str:
    """Change a field of the header, or put one in."""
    fresh = {"claude": "maxTurns: 7", "cursor": "readonly: true", "codex": 'model_reasoning_effort = "high"'}[client]
    lines = text.split("\n")
    ours = [n for n, line in enumerate(lines[:6]) if line.startswith(("description", "color", "model:"))]
    if field % 3 == 0 or not ours:
        lines.insert(ours[0] if ours else 1, fresh)
    elif (line := lines[ours[field % len(ours)]]).startswith("description"):
        lines[ours[field % len(ours)]] = f"{line[:-1]} {words.replace(chr(34), '')}{line[-1]}"
    else:
        key = line.partition(":")[0]
        lines[ours[field % len(ours)]] = f"{key}: {'red' if key == 'color' else 'sonnet'}"
    return "\n".join(lines)


EDITS: tuple[Edit, ...] = (
    change_end,
    change_first_line,
    rewrite,
    delete,
    insert_item,
    insert_nested,
    nest,
    insert_paragraph,
    insert_code,
    insert_section,
    swap,
)
WORDS = st.text("abc {}`*-_.é", min_size=1, max_size=12).map(lambda text: f"x{text.strip()}")


class Story(NamedTuple):
    """What somebody does to the file of one client, and the releases that come before and after it."""

    way: tuple[str, ...]
    client: str
    variants: str
    edits: list[tuple[Edit, int, str]]
    field: int | None
    crlf: bool


stories = st.builds(
    Story,
    st.sampled_from(WAYS),
    st.sampled_from(["claude", "claude", "claude", *FILES]),
    st.sampled_from(["", "", "[strict-typing]"]),
    st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 500), WORDS), min_size=1, max_size=3),
    st.sampled_from([None, None, 0, 1, 2, 4, 5]),
    st.sampled_from([False, False, False, True]),
)


def body_of(client: str, text: str) -> str:
    if client == "codex":
        return text.partition("'''\n")[2].rpartition("'''")[0]
    parts = split_front_matter(text)
    assert parts is not None
    return parts[1]


def edited(text: str, story: Story) -> str:
    body = body_of(story.client, text)
    pieces = list(_pieces(body))
    for edit, at, words in story.edits:
        if len(pieces) > 3:
            edit(pieces, 1 + at % (len(pieces) - 1), words)
    anew = "".join(piece.text + piece.gap for piece in pieces)
    text = text.replace(body, anew)
    return text if story.field is None else set_field(text, story.client, story.field, story.edits[0][2])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Projects with a release installed, to be copied: one for each client, release and choice of variants."""
    return tmp_path_factory.mktemp("prepared")


def project(prepared: Path, story: Story) -> Path:
    place = prepared / f"{story.client}-{story.way[0]}{story.variants}"
    if not place.exists():
        (place / ".git").mkdir(parents=True)
        Agentpack(place)("install", f"{NAME}{story.variants}=={story.way[0]}", "--client", story.client, *ACCEPT)
    return place


ACCEPT = ("--accept", "widened:codex", "--accept", "widened:cursor")


class Ended(NamedTuple):
    """How a command ended, and the file that it left."""

    exit_code: int
    text: bytes
    told: str


def upgraded(root: Path, story: Story) -> Iterator[Ended]:
    manifest = root / "agentpack.yaml"
    for old, new in pairwise(story.way):
        manifest.write_text(re.sub(rf"[=<]={old}", f"<={new}", manifest.read_text()))
        ran = Agentpack(root)("upgrade", "--yes", *ACCEPT, expect=None)
        yield Ended(ran.exit_code, (root / FILES[story.client]).read_bytes(), ran.out + ran.err)


def meaning(client: str, data: bytes) -> tuple[object, list[str]]:
    """What a client reads, but for blank lines, which a variant cannot choose."""
    agent = read_file(CLIENTS[client], data.replace(b"\r\n", b"\n"), NAME)
    return agent.fields, [line for line in agent.body.split("\n") if line.strip()]


@given(story=stories)
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_keeping_and_upgrading_gives_what_upgrading_gives(prepared: Path, home: Path, story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain, kept = (Path(os.path.realpath(folder), name) for name in ("plain", "kept"))
        file = FILES[story.client]
        for root in (plain, kept):
            shutil.copytree(project(prepared, story), root)
            text = edited((root / file).read_text(), story)
            (root / file).write_bytes((text.replace("\n", "\r\n") if story.crlf else text).encode())
        keeping = Agentpack(kept)("keep", NAME, expect=None)
        event(f"{story.client}: keep ends with {keeping.exit_code}")
        if keeping.exit_code != 0:
            return
        exact = (kept / file).read_bytes() == (plain / file).read_bytes()
        for one, other in zip(upgraded(plain, story), upgraded(kept, story), strict=True):
            event(f"upgrade ends with {one.exit_code}, after keep with {other.exit_code}")
            if one.exit_code != 0:
                return
            assert other.exit_code == 0, other.told
            assert meaning(story.client, other.text) == meaning(story.client, one.text), other.told
            event("the same bytes" if one.text == other.text else "other blank lines")
            assert not exact or one.text == other.text, other.told


def collected(prepared: Path, root: Path, version: str) -> None:
    """A collection whose agent has the text of a release, without the ids that the pack gives its rules."""
    text = (project(prepared, ONE._replace(way=(version,))) / FILES["claude"]).read_bytes()
    (root / "kit/agents").mkdir(parents=True, exist_ok=True)
    (root / f"kit/agents/{NAME}.md").write_bytes(text)


ONE = Story(WAYS[0], "claude", "", [], None, False)


@given(story=stories)
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_so_it_is_for_an_agent_of_a_collection_whose_author_gives_no_ids(
    prepared: Path, home: Path, story: Story
) -> None:
    story = story._replace(client="claude", variants="")
    with tempfile.TemporaryDirectory() as folder:
        roots = plain, kept = [Path(os.path.realpath(folder), name) for name in ("plain", "kept")]
        file = FILES["claude"]
        for root in roots:
            (root / ".git").mkdir(parents=True)
            collected(prepared, root, story.way[0])
            Agentpack(root)("install", "./kit", "--client", "claude")
            text = edited((root / file).read_text(), story)
            (root / file).write_bytes((text.replace("\n", "\r\n") if story.crlf else text).encode())
        keeping = Agentpack(kept)("keep", "kit", expect=None)
        event(f"keep ends with {keeping.exit_code}")
        if keeping.exit_code != 0:
            assert keeping.exit_code == 3, keeping.err
            assert not (kept / ".agentpack/variants").exists()
            return
        Agentpack(kept)("sync", "--locked", "--check")
        exact = (kept / file).read_bytes() == (plain / file).read_bytes()
        for version in story.way[1:]:
            ends = []
            for root in roots:
                collected(prepared, root, version)
                ran = Agentpack(root)("upgrade", "--yes", "--accept", "every-tool", "--accept", "skills", expect=None)
                ends.append(Ended(ran.exit_code, (root / file).read_bytes(), ran.out + ran.err))
            one, other = ends
            event(f"upgrade ends with {one.exit_code}, after keep with {other.exit_code}")
            if one.exit_code != 0:
                return
            assert other.exit_code == 0, other.told
            assert meaning("claude", other.text) == meaning("claude", one.text), other.told
            assert not exact or one.text == other.text, other.told
