"""A merge that stopped: what is settled and the conflicts, in the order of the text."""

from collections.abc import Sequence

from agentpack.model.changes import Conflict


def joined_up(pieces: Sequence[str | Conflict]) -> list[str | Conflict]:
    """The same with neighbouring texts in one."""
    found: list[str | Conflict] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def resolved(draft: Sequence[str | Conflict], side: int) -> str:
    """The text in which every conflict is decided for one side: 0 the base, 1 ours, 2 theirs."""
    text = ""
    nothing = False
    for piece in draft:
        if isinstance(piece, Conflict):
            text += piece[side]
            nothing = not piece[side]
        else:
            text = _beside(text, piece) if nothing else text + piece
            nothing = False
    return text


def _beside(text: str, following: str) -> str:
    """Both, where nothing is left of what stood between: the larger of the two white spaces separates them."""
    rest = following.lstrip("\n")
    bare = text.rstrip("\n")
    before, after = len(text) - len(bare), len(following) - len(rest)
    return bare + "\n" * (max(before, after) if bare and rest else after) + rest
