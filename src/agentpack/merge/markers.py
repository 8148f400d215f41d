"""Conflict markers, for a copy that is merged by hand."""

from collections.abc import Sequence
from typing import NamedTuple

from merge3 import Merge3

from agentpack.merge.pieces import draft_pieces, matcher_for
from agentpack.model.changes import Conflict


class MarkerLabels(NamedTuple):
    """The names of the sides after the conflict markers."""

    ours: str
    base: str
    theirs: str


def with_markers(
    base: str,
    ours: str,
    theirs: str,
    labels: MarkerLabels,
    draft: Sequence[str | Conflict] = (),
    elsewhere: Sequence[str] = (),
) -> str:
    """The merged text with all three sides of every conflict between markers, for merging by hand.

    Args:
        draft: the result of the merge, if already known.
        elsewhere: for each conflict of the draft, the file in which the new release has its text, or empty.
    """
    done = ""
    places = iter(elsewhere)
    rest = list(draft) or draft_pieces(base, ours, theirs)
    for index, piece in enumerate(rest):
        if isinstance(piece, str):
            done += piece
            continue
        following = rest[index + 1]  # every draft ends in a text
        sides = tuple(piece)
        if done and not done.endswith("\n"):
            if not all(side.startswith("\n") for side in sides if side):
                return _marked_lines(base, ours, theirs, labels)
            done += "\n"
            sides = tuple(side.removeprefix("\n") for side in sides)
        if any(side and not side.endswith("\n") for side in sides):
            if not isinstance(following, str) or not following.startswith("\n"):
                return _marked_lines(base, ours, theirs, labels)
            rest[index + 1] = following[1:]
            sides = tuple(side + "\n" if side and not side.endswith("\n") else side for side in sides)
        done += f"<<<<<<< {labels.ours}\n{sides[1]}||||||| {labels.base}\n{sides[0]}=======\n{sides[2]}"
        place = next(places, "")
        done += f">>>>>>> {labels.theirs}{f' it in {place}' if place else ''}\n"
    return done


def _marked_lines(base: str, ours: str, theirs: str, labels: MarkerLabels) -> str:
    old, mine, new = (text.splitlines(keepends=True) for text in (base, ours, theirs))
    merge = Merge3(old, mine, new, sequence_matcher=matcher_for(old, mine, new))
    found = list(merge.merge_lines(labels.ours, labels.theirs, labels.base, base_marker="|||||||"))
    return "".join([line if line.endswith("\n") else line + "\n" for line in found[:-1]] + found[-1:])
