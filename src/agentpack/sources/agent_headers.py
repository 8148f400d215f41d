"""Where the header of an agent file ends, and how much there is to read in it, before it is read as YAML."""

from typing import NamedTuple

from agentpack.model.line_ends import MARK

MAX_HEAD_BYTES = 256 * 1024
"""Bytes at the start of a file in which its header is looked for: a file with a longer one is left out."""
MAX_SIGNS = 150_000
"""Commas, colons, brackets and lines in the headers of one pack's agents, which tell how long YAML takes to read."""
_SIGNS = (b",", b":", b"[", b"{")


class HeaderStart(NamedTuple):
    exists: bool
    """Whether it ends within `MAX_HEAD_BYTES`."""
    names_agent: bool
    """Whether it has a name and a description."""
    signs: int


def header_in(start: bytes, *, is_toml: bool) -> HeaderStart:
    """What the start of a file tells about its header. TOML is header as a whole."""
    head = start.removeprefix(MARK)
    end = -1 if is_toml else head.find(b"\n---")
    is_cut = end < 0 and not is_toml and len(start) == MAX_HEAD_BYTES
    if not (is_toml or head.startswith(b"---")):
        return HeaderStart(False, False, 0)
    lines = head[: end if end >= 0 else None].splitlines()
    names_agent = all(any(line.startswith(key) for line in lines) for key in (b"name:", b"description:"))
    return HeaderStart(not is_cut, names_agent, len(lines) + sum(line.count(sign) for line in lines for sign in _SIGNS))


def signs_in(path: str, data: bytes) -> int:
    """How much there is to read in the header of an agent file, to be held against `MAX_SIGNS`."""
    return header_in(data, is_toml=path.endswith(".toml")).signs
