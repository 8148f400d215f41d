"""Draws texts with fonts of Debian's packages, shaped as a browser shapes them: a picture is a set of inked pixels.

Needs `uharfbuzz`, `freetype-py` and `Pillow`, which `nox -s drawn` installs, so nothing else imports this.
"""

import io
import itertools
import unicodedata
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

import freetype
import uharfbuzz as hb
from PIL import Image

PACKAGES = (
    "fonts-noto-core",
    "fonts-noto-cjk",
    "fonts-hanazono",
    "fonts-babelstone-han",
    "fonts-symbola",
    "fonts-ancient-scripts",
    "fonts-noto-color-emoji",
    "fonts-unifont",
)
STACK = (
    "NotoSans-Regular.ttf",
    "NotoSans[A-Z]*-Regular.ttf",
    "NotoSerif*-Regular.ttf",
    "Noto*-Regular.ttf",
    "Noto*CJK-Regular.ttc",
    "HanaMin?.ttf",
    "BabelStoneHan.ttf",
    "Symbola_hint.ttf",
    "*_hint.ttf",
    "NotoColorEmoji.ttf",
    "unifont.otf",
    "unifont_upper.otf",
)
"""The fonts' files, the first that has a character draws it. Unifont stands last: for what has no shape it draws a
stand-in, a dashed box with letters, so what it alone draws is only said to have a picture.
"""
LAST_RESORT = "unifont"
_SIZE = 32
_INKED = 40
_ROW = 1 << 20
_KEPT = 200
"""Glyphs of a font: with all of them kept, the fonts of Chinese would take gigabytes."""

Picture = frozenset[int]


class Font:
    """One font; what it drew last is kept glyph by glyph."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._glyphs: dict[int, Picture] = {}
        self._shapes = freetype.Face(str(path))
        face = hb.Face(hb.Blob.from_file_path(str(path)))
        self._font = hb.Font(face)
        self.covers: frozenset[int] = frozenset(face.unicodes)
        self._in_colour = not self._shapes.is_scalable
        if not self._in_colour:
            self._shapes.set_pixel_sizes(0, _SIZE)
        size = 109 if self._in_colour else _SIZE  # the one size that the colour font has
        self._font.scale = (size * 64, size * 64)
        self._font.ppem = (size, size)

    def draw(self, text: str, start: int = 0) -> tuple[set[int], int]:
        """The text's pixels, and where the next text begins. No dotted circle is put in for a mark without a base."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.flags = hb.BufferFlags.DO_NOT_INSERT_DOTTED_CIRCLE
        hb.shape(self._font, buffer)
        pixels: set[int] = set()
        x = y = 0
        for glyph, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            moved = start + ((x + at.x_offset + 32) >> 6) - ((y + at.y_offset + 32) >> 6) * _ROW
            pixels.update(pixel + moved for pixel in self._glyph(glyph.codepoint))
            x, y = x + at.x_advance, y + at.y_advance
        return pixels, start + ((x + 32) >> 6)

    def _glyph(self, number: int) -> Picture:
        if number not in self._glyphs:
            if len(self._glyphs) > _KEPT:
                self._glyphs.clear()
            self._glyphs[number] = frozenset(self._coloured(number) if self._in_colour else self._ink(number))
        return self._glyphs[number]

    def _ink(self, number: int) -> Iterator[int]:
        self._shapes.load_glyph(number, freetype.FT_LOAD_RENDER | freetype.FT_LOAD_NO_HINTING)
        slot = self._shapes.glyph
        rows, width, pitch = slot.bitmap.rows, slot.bitmap.width, slot.bitmap.pitch
        data = bytes(slot.bitmap.buffer) if rows else b""
        for y, x in itertools.product(range(rows), range(width)):
            if data[y * pitch + x] > _INKED:
                yield (y - slot.bitmap_top) * _ROW + x + slot.bitmap_left

    def _coloured(self, number: int) -> Iterator[int]:
        data = self._font.get_glyph_color_png(number).data
        if data:
            alpha = Image.open(io.BytesIO(data)).convert("RGBA").getchannel("A")
            for at, opaque in enumerate(alpha.tobytes()):
                if opaque > _INKED:
                    yield at // alpha.width * _ROW + at % alpha.width


class Fonts:
    """The fonts of `STACK` that lie below a folder."""

    def __init__(self, folder: Path) -> None:
        found = (path for pattern in STACK for path in sorted(folder.rglob(pattern)))
        self.fonts = [Font(path) for path in {path.name: path for path in found}.values()]

    @cached_property
    def _first(self) -> dict[int, Font]:
        first: dict[int, Font] = {}
        for font in reversed(self.fonts):
            first.update(dict.fromkeys(font.covers, font))
        return first

    def of(self, character: str) -> Font | None:
        """The font that draws it."""
        return self._first.get(ord(character))

    def picture(self, text: str, preferred: Font) -> Picture:
        """All of the text, by the preferred font as far as it goes."""
        pixels: set[int] = set()
        start = 0
        for font, run in itertools.groupby(text, lambda c: preferred if ord(c) in preferred.covers else self.of(c)):
            assert font is not None
            drawn, start = font.draw("".join(run), start)
            pixels |= drawn
        return frozenset(pixels)

    def verdict(self, character: str) -> str:
        """What a reader sees of it, alone, doubled, and between letters of its script: a letter of `VERDICTS`."""
        font = self.of(character)
        if font is None:
            return "-"
        between = _letters(font, _script(character), character)
        bare, once, twice = (self.picture(between[0] + character * count + between[1], font) for count in range(3))
        if bare in (once, twice):
            return "h"
        if not (self.picture(character, font) and self.picture(character * 2, font)):
            return "g"
        if font.name.startswith(LAST_RESORT):
            return "u"
        return "o" if once == twice else "s"


VERDICTS = {
    "s": "seen, and a second one is seen as well",
    "o": "seen, but a second one is drawn over the first",
    "g": "a gap: nothing is drawn, and what follows stands further away",
    "h": "hidden: the picture is the same without it",
    "u": "drawn by Unifont alone, which draws a stand-in for what has no shape",
    "-": "in none of the fonts",
}


@cache
def _script(character: str) -> str:
    """Its script, as HarfBuzz knows it."""
    buffer = hb.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    return str(buffer.script or "")


@cache
def _alphabet(font: Font) -> dict[str, str]:
    """Some letters of each script that the font has, past the first, which often are vowels."""
    alphabet: dict[str, str] = {}
    for character in map(chr, sorted(font.covers)):
        if unicodedata.category(character) in ("Lo", "Ll") and len(alphabet.get(_script(character), "")) < 12:
            alphabet[_script(character)] = alphabet.get(_script(character), "") + character
    return alphabet


def _letters(font: Font, script: str, besides: str) -> str:
    """Two letters to stand around a character."""
    letters = _alphabet(font).get(script, "").replace(besides, "")
    return letters[8] + letters[10] if len(letters) > 10 else "no"
