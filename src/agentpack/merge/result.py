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
    for number, piece in enumerate(draft, 1):
        if isinstance(piece, Conflict):
            text += piece[side]
            nothing = not piece[side]
        else:
            text = _beside(text, piece, is_last=number == len(draft)) if nothing else text + piece
            nothing = False
    return text


def _beside(text: str, following: str, *, is_last: bool) -> str:
    """Both, where nothing is left of what stood between: the larger of the two white spaces separates them. At the top
    of the text the first one stays, at its end the last one.
    """
    rest = following.lstrip("\n")
    bare = text.rstrip("\n")
    before, after = len(text) - len(bare), len(following) - len(rest)
    if is_last and not rest:
        return bare + "\n" * after
    return bare + "\n" * (max(before, after) if bare else before) + rest
