"""The size of a text in words and tokens.

Words are separated by blanks; tokens are estimated at four characters each.
"""

from typing import NamedTuple

CHARACTERS_PER_TOKEN = 4
"""Close to what common tokenizers need for English prose and Markdown."""


class TextSize(NamedTuple):
    """The size of a text."""

    words: int
    tokens: int


def count(text: str) -> TextSize:
    """The size of a text: its words, and an estimate of its tokens."""
    return TextSize(len(text.split()), round(len(text) / CHARACTERS_PER_TOKEN))
