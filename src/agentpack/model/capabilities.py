"""The capability words, and which of them include others.

`capabilities/of_file.py` reads these words from a rendered file; `docs/reference/capabilities.md` explains them. A set
of words covers a word if an agent with the set can already do what the word allows; a word that is not covered is a
widening.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from agentpack.model.fields import TOOLS
from agentpack.model.names import is_kebab

EVERY = "every-tool"
BUT = "every-tool-but:"
CHANGES = "changes"
"""After `every-tool-but:`: tools that change something need confirmation first, as in a client's plan mode."""
LOOKING = frozenset(("read", "search", "web"))
"""Tools that change nothing."""
PLAIN = (EVERY, *TOOLS, "mcp", "hooks", "bypass", "no-sandbox", "background", "memory", "skills", "unreadable")
HEADS = ("every-tool-but", "tool", "mcp", "hooks", "permission", "sandbox", "model", "setting", "memory", "skills")
"""Words that are followed by a colon and a name."""
NARROW = frozenset(
    ("permission:plan", "permission:dontAsk", "permission:default", "sandbox:read-only", "model:small", "model:inherit")
)
"""Words that grant nothing beyond what an agent without any settings can do."""
_WIDE = frozenset((EVERY, "bypass", "no-sandbox", "mcp"))
_MODELS = {"model:medium": 1, "model:large": 2}


def covers(held: Collection[str], word: str) -> bool:
    """True if the capabilities `held` include `word`."""
    if word in held or word in NARROW:
        return True
    if word.startswith("model:"):
        # what no model is named for runs on the session's: only a step up to a known larger class counts
        rank = _MODELS.get(word, 0)
        return rank == 0 or any(_MODELS.get(other, 0) >= rank for other in held)
    return _is_included(frozenset(held), word)


def widening(before: Collection[str], after: Iterable[str]) -> tuple[str, ...]:
    """The capabilities in `after` that `before` does not cover, sorted."""
    before = frozenset(before)
    return tuple(sorted({word for word in after if not covers(before, word)}))


def _is_included(held: frozenset[str], word: str) -> bool:
    """Whether one of these words includes another one. Only those that can are asked: the words may be thousands."""
    heads = (word[:place] for place, sign in enumerate(word) if sign in "/~(")
    return any(_includes(other, word) for other in (*_wide(held), *(head for head in heads if head in held)))


@lru_cache(maxsize=256)
def _wide(held: frozenset[str]) -> tuple[str, ...]:
    """Those of these words that include words which do not begin with them."""
    return tuple(word for word in held if word in _WIDE or word.startswith(BUT))


@lru_cache(maxsize=4096)
def _includes(one: str, other: str) -> bool:
    """Whether one word alone includes another."""
    if one == EVERY:
        return _is_tool(other)
    if one.startswith(BUT):
        return _is_tool(other) and _leaves(denied_by(one), other)
    if one == "bypass":
        return other.startswith("permission:")
    if one == "no-sandbox":
        return other.startswith("sandbox:")
    if one == "mcp":
        return other.startswith("mcp:") and "~" not in other
    if "/" in other and other.partition("/")[0] == one and "~" not in one:
        return True  # a server or a kind of tools, and one of them
    if one.startswith("permission:"):
        return other.startswith(f"{one}~")  # the whole of a tool, and a part of it
    return other.endswith(")") and other.startswith(f"{one}(") and _is_tool(one)


def gives_of(word: str, tool: str) -> bool:
    """Whether a word grants a tool or server, or any part of it (with brackets, as one of several tools, in plan mode
    only).
    """
    if word == EVERY:
        return True
    if word.startswith(BUT):
        return not is_denied(tool, denied_by(word))
    return word == tool or _includes(word, tool) or _includes(tool, word)


def _is_tool(word: str) -> bool:
    """Whether a word names tools. A server that a file brings along is more than a tool."""
    base = word.partition("(")[0]
    if base in TOOLS or base in (EVERY, "mcp") or base.startswith((BUT, "tool:")):
        return True
    return base.startswith("mcp:") and "~" not in word


def _leaves(denied: frozenset[str], word: str) -> bool:
    """Whether all tools except the denied ones still include what the word names."""
    if word == EVERY:
        return False
    if word.startswith(BUT):
        others = denied_by(word)
        return all(one in others or _is_included(others, one) for one in denied)
    base = word.partition("(")[0]
    if is_denied(word, denied) or base in _denied_in_part(denied):
        return False
    if base == "mcp" or base.startswith("mcp:"):
        return CHANGES not in denied and not (base == "mcp" and any(name.startswith("mcp:") for name in denied))
    if CHANGES not in denied or base in LOOKING:
        return True
    return word.endswith("(plan)")


@lru_cache(maxsize=256)
def _denied_in_part(denied: frozenset[str]) -> frozenset[str]:
    """The words of which one of several tools is denied."""
    return frozenset(name[:place] for name in denied for place, sign in enumerate(name) if sign == "/")


def is_denied(word: str, denied: Collection[str]) -> bool:
    """Whether the word for a tool is denied, by itself or as part of a denied word."""
    base = word.partition("(")[0]
    around = ("mcp", base.partition("/")[0]) if base.startswith("mcp:") else ()
    return word in denied or base in denied or any(name in denied for name in around)


@lru_cache(maxsize=256)
def denied_by(word: str) -> frozenset[str]:
    """The words after `every-tool-but:`."""
    return frozenset(word.removeprefix(BUT).split("+"))


# What people accept.


def is_capability(text: str) -> bool:
    """Whether a text is a capability word, or the head of one."""
    if text in PLAIN or text in HEADS:
        return True
    head, colon, rest = text.partition(":")
    if colon and head in HEADS:
        return bool(rest)
    return text.endswith(")") and text.partition("(")[0] in TOOLS


def split_acceptance(text: str) -> tuple[str | None, str]:
    """The pack an acceptance is limited to (None for all packs), and the capability: `shell`, `reviewer:shell`.

    Raises:
        ValueError: the text is neither; the error holds the part that should be a capability.
    """
    if is_capability(text):
        return None, text
    pack, colon, capability = text.partition(":")
    if colon and is_kebab(pack):
        if is_capability(capability):
            return pack, capability
        raise ValueError(capability)
    raise ValueError(text)


def accepted(acceptances: Iterable[str], pack: str, word: str) -> bool:
    """Whether the acceptances allow a pack this capability. `hooks` and `mcp` accept every word beginning with them."""
    for text in acceptances:
        limit, capability = split_acceptance(text)
        if limit not in (None, pack):
            continue
        if word.startswith((f"{capability}:", f"{capability}~")) or covers((capability,), word):
            return True
    return False
