"""The draft of a merge that stopped: merged parts and conflicts, in the order of the text."""

from collections.abc import Sequence

from agentpack.model.changes import Conflict


def join_adjacent(pieces: Sequence[str | Conflict]) -> list[str | Conflict]:
    """The same pieces with adjacent texts joined."""
    found: list[str | Conflict] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def resolved(draft: Sequence[str | Conflict], side: int) -> str:
    """The text with every conflict resolved for one side: 0 base, 1 ours, 2 theirs."""
    text = ""
    nothing = False
    for number, piece in enumerate(draft, 1):
        if isinstance(piece, Conflict):
            text += piece[side]
            nothing = not piece[side]
        else:
            text = _join(text, piece, is_last=number == len(draft)) if nothing else text + piece
            nothing = False
    return text


def _join(text: str, following: str, *, is_last: bool) -> str:
    """Join two texts when nothing is left between them: the larger of the two gaps separates them. At the start of the
    text the first gap stays, at its end the last, or where there is none the end of the line.
    """
    rest = following.lstrip("\n")
    bare = text.rstrip("\n")
    before, after = len(text) - len(bare), len(following) - len(rest)
    if is_last and not rest:
        return bare + "\n" * (after or min(before, 1))
    return bare + "\n" * (max(before, after) if bare else before) + rest
