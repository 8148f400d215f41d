"""Files that hold what is expected, rewritten by `pytest --update` and read before they are committed."""

from pathlib import Path
from typing import NamedTuple

import pytest


class Golden(NamedTuple):
    """The folder of expected texts."""

    folder: Path
    update: bool

    def check(self, name: str, content: bytes) -> None:
        """Hold the content against the file of that name."""
        place = self.folder / name
        if self.update:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() or place.read_bytes() != content:
                place.write_bytes(content)
            return
        if not place.exists():
            pytest.fail(f"there is no {place}: `pytest --update` writes it, then read it")
        assert content.decode() == place.read_bytes().decode(), f"{name} differs: `pytest --update` rewrites it"
