"""Every story under `scenarios/` goes as it is told there, word for word. `pytest --update` writes them down anew."""

from pathlib import Path

import pytest
from support.scenario import Story

STORIES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_told(
    path: Path, tmp_path: Path, home: Path, project: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")
    happened = Story(tmp_path).run(text)
    if request.config.getoption("--update"):
        if happened != text:
            path.write_text(happened, encoding="utf-8")
        return
    assert happened == text
