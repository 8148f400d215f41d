"""The characters that are shown as `\\u{…}` when text from others is printed.

A copy of some of `unicode_table.py`, which is too large to load before a line can be printed; a test compares the two.
Other characters in the table (private use, unassigned) show as a box.
"""

import re
from functools import cache

ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc\ud800-\udfff\U00013430-\U0001343f\U00013441\U00013442"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""A regular-expression character class."""
OUT_OF_PLACE = (
    "\u1039\u17d2\u1a60\u1bab\u2800\u2d7f\uaaf6\U00010a3f\U0001107f\U00011133\U000113d0\U0001193e\U00011a47\U00011a99"
    "\U00011d45\U00011d97\U00011f42\U00013440\U00016fe4\U0001bc9d\U0001da9b-\U0001da9f\U0001daa1-\U0001daaf"
)
"""A character class too. Some scripts need these characters; they are only escaped where they have no effect."""


@cache
def invisible_pattern(also: str = "") -> re.Pattern[str]:
    """A pattern for each such character, and for the characters of the class `also`."""
    return re.compile(f"[{also}{ALWAYS}{OUT_OF_PLACE}]|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]")


@cache
def _is_out_of_place() -> re.Pattern[str]:
    return re.compile(f"[{OUT_OF_PLACE}]")


def is_in_its_script(match: re.Match[str]) -> bool:
    """Whether what `invisible_pattern` matched is a joiner or similar that has a visible effect there."""
    if not _is_out_of_place().match(match[0]):
        return False
    from agentpack.input.hidden_text import is_in_place  # loads the table, for a text of such a script only

    return is_in_place(match.string, match.start())


def escape_match(match: re.Match[str]) -> str:
    """The escape to print for a match of `invisible_pattern`."""
    return match[0] if is_in_its_script(match) else f"\\u{{{ord(match[0]):x}}}"
