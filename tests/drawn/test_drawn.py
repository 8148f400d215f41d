"""What Debian's fonts draw of each assigned character is still what `drawn.txt` says.

This needs the packages that `pictures.py` names, 350 MB, and takes minutes. So it runs only where `AGENTPACK_DRAWN`
names the folder that the fonts are in (`/usr/share/fonts` once the packages are installed), with `nox -s drawn`, which
has the libraries. `--update` records what is drawn again.
"""

import os
from pathlib import Path

import pytest
from unicode_table import verdicts

from agentpack.input import unicode_table as table
from drawn.recording import characters, record

_FOLDER = os.environ.get("AGENTPACK_DRAWN", "")

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not _FOLDER, reason="AGENTPACK_DRAWN names no folder of fonts"),
]


def test_every_character_is_drawn_as_recorded(request: pytest.FixtureRequest) -> None:
    from drawn import pictures

    fonts = pictures.Fonts(Path(_FOLDER))
    found = {point: fonts.verdict(chr(point)) for point in characters()}
    if request.config.getoption("--update"):
        record(
            found,
            [
                f"What fonts of Debian 12 draw of each character of Unicode {table.VERSION}. Written by test_drawn.py.",
                f"Packages: {', '.join(pictures.PACKAGES)}.",
                "",
                *(f"{letter}  {words}" for letter, words in pictures.VERDICTS.items()),
            ],
        )
    recorded = verdicts()
    assert {f"{point:04X}": letter for point, letter in found.items() if recorded.get(point) != letter} == {}
    assert sorted(recorded) == sorted(found)
