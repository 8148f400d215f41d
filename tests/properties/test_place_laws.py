"""Laws of places: which of them are one file, and that a record loses no file however its variables move."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agentpack.disk import Disk
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.names import digest_of
from agentpack.model.variables import current_path, root_of
from agentpack.workspace.locations import Locations

FOLDERS = ("a", "b", "c", "a/d", "b/d")
VARIABLES = ("$CLAUDE_CONFIG_DIR", "$CODEX_HOME")
LEADS = ("/one", "/two", "/three")
DIGEST = digest_of(b"")


@given(
    made=st.lists(st.sampled_from(FOLDERS)),
    links=st.dictionaries(st.sampled_from(FOLDERS), st.sampled_from(FOLDERS)),
)
def test_places_are_one_where_what_is_written_at_one_is_read_at_the_other(
    made: list[str], links: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        for at, to in links.items():
            if not os.path.lexists(root / at) and os.path.isdir((root / at).parent):
                (root / at).symlink_to(root / to)
        for folder in made:
            if not os.path.lexists(root / folder) and os.path.isdir((root / folder).parent):
                (root / folder).mkdir()
        places = [f"{folder}/x.md" for folder in FOLDERS]
        with Disk({"": str(root)}) as disk:
            groups = list(Locations(disk, lambda path: None).groups(places))
        for place in places:
            if os.path.isdir((root / place).parent):
                (root / place).write_text(place)
                same = {other for other in places if os.path.exists(root / other)}
                assert next(({*group} for group in groups if place in group), {place}) >= same
                assert all(place in group or not same & {*group} for group in groups)
                (root / place).unlink()


def row(path: str) -> InstalledFile:
    return InstalledFile(path, "claude", "pack", path, DIGEST, DIGEST, 0o644)


def lead(roots: Mapping[str, str], paths: list[str]) -> dict[str, str]:
    return {root: roots[root] for root in {root_of(path) for path in paths} - {""} if root in roots}


def opened(
    generation: Generation, variables: Mapping[str, str], known: dict[str, str]
) -> tuple[Generation, dict[str, str]]:
    """The record as a disk with these variables sees it, and where all roots lead there."""
    from agentpack.model.variables import earlier_root, is_earlier

    for root, folder in generation.roots.items():
        known[root if is_earlier(root) else earlier_root(root, folder)] = folder
    roots = {**known, **variables}
    seen = generation.with_current_paths(lambda path, then: current_path(path, then, roots, lambda folder: True), roots)
    return seen, roots


def absolute(files: tuple[InstalledFile, ...], roots: Mapping[str, str]) -> set[str]:
    return {
        (roots[root_of(file.path)] if root_of(file.path) else "") + "/" + file.path.rpartition("/")[2] for file in files
    }


@given(
    start=st.fixed_dictionaries({name: st.sampled_from(LEADS) for name in VARIABLES}),
    moves=st.lists(st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from(LEADS)), min_size=1, max_size=5),
)
def test_no_file_is_lost_however_the_variables_move(start: dict[str, str], moves: list[dict[str, str]]) -> None:
    paths = ["x.md", "$CLAUDE_CONFIG_DIR/y.md", "$CODEX_HOME/z.toml"]
    first = Generation(
        number=1,
        parent=0,
        time="",
        command="",
        pins=(),
        files=tuple(map(row, paths)),
        documents=(),
        roots=lead(start, paths),
    )
    known: dict[str, str] = {}
    seen, roots = opened(first, start, known)
    everywhere = absolute(seen.files, roots)
    for variables in moves:
        seen, roots = opened(seen, variables, known)
        assert absolute((*seen.files, *seen.elsewhere), roots) == everywhere
        assert all(file.path in paths for file in seen.files)
        for name in VARIABLES:
            here = any(root_of(file.path) == name for file in seen.files)
            assert here == (variables.get(name) == start[name])
        seen = Generation.from_data(
            {**seen.to_data(), "time": "", "roots": lead(roots, [*seen.paths])}
        )  # as it is written and read again
    back, roots = opened(seen, start, known)
    assert {file.path for file in back.files} == {*paths}
    assert back.elsewhere == ()
