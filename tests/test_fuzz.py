"""Broken packs end in an error of the family or in a plan: a short run of what `tools/fuzz.py` does at length."""

import random
from pathlib import Path

import fuzz
import pytest
from support.effort import usually

pytestmark = pytest.mark.untraced


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.campaign
def test_broken_packs_are_refused_or_planned(seed: int, tmp_path: Path) -> None:
    assert fuzz.rounds(usually(100, thorough=250), seed, tmp_path / "findings") == 0


def test_what_is_not_of_the_family_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "check_pack", lambda release: 1 // 0)
    assert fuzz.rounds(3, 0, tmp_path / "findings") == 3
    kept = sorted(path.name for path in (tmp_path / "findings").iterdir())
    assert kept == ["0-0", "0-1", "0-2"]
    assert "ZeroDivisionError" in (tmp_path / "findings/0-0/FINDING").read_text()


def test_every_kind_of_damage_changes_a_file() -> None:
    files = fuzz.corpus()[0]
    changed = sum(fuzz.damaged(files, random.Random(n)) != files for n in range(200))
    assert changed > 190
