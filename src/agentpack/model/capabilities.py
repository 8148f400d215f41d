"""Define the capability words, what each means, and which of them include others.

`capabilities/of_file.py` reads these words from a rendered file; `docs/reference/capabilities.md` explains them. A set
of words covers a word if an agent with the set can already do what the word allows; a word that is not covered is a
widening.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from agentpack.model.fields import TOOLS
from agentpack.model.names import is_kebab

EVERY = "every-tool"
BUT = "every-tool-but:"
CHANGES = "changes"
"""After `every-tool-but:`: tools that change something need confirmation first, as in a client's plan mode."""
OTHERS = "others"
"""After `every-tool-but:`: all tools that are not named there."""
DENIED, UNLIMITED = "=", ""
ASK, SOME_ASK, ASK_OR_DENY, LIMITS = "ask", "some-ask~", "ask-or-deny~", "limits~"
"""The limits of a tool: each use needs confirmation; some uses do and none is denied; each use needs confirmation or is
denied; anything else. The last three are followed by a digest."""
LOOKING = frozenset(("read", "search", "web"))
"""Tools that change nothing."""
PLAIN = (EVERY, *TOOLS, "mcp", "hooks", "bypass", "no-sandbox", "background", "memory", "skills", "unreadable")
HEADS = tuple("every-tool-but tool mcp hooks permission sandbox model setting memory skills replaces".split())
"""Words that are followed by a colon and a name."""
NARROW = frozenset(
    ("permission:plan", "permission:dontAsk", "permission:default", "sandbox:read-only", "model:small", "model:inherit")
)
"""Words that grant nothing beyond what an agent without any settings can do."""
_MEANINGS = {
    EVERY: "use every tool; nothing limits it",
    "every-tool-but": "use every tool but those named",
    "read": "read files",
    "search": "search files",
    "edit": "change files",
    "shell": "run commands",
    "web": "fetch pages and search the web",
    "delegate": "start other agents",
    "tool": "use that tool",
    "mcp": "use MCP servers that you have set up, or one that it brings",
    "hooks": "run commands at events (hooks)",
    "permission": "do things without asking you, or ask you less",
    "bypass": "do everything without asking you",
    "sandbox": "do what that sandbox allows",
    "no-sandbox": "do everything, without a sandbox",
    "background": "run in the background",
    "memory": "keep notes between sessions",
    "skills": "load any skill the client finds",
    "model": "run on a larger model, which may cost more",
    "setting": "change a setting of the client whose effect agentpack does not know",
    "replaces": "replace a built-in agent of the client",
    "unreadable": "do anything: it is unknown how the client reads its header",
}
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


def meaning(word: str) -> str:
    """What a word lets an agent do, for people: `run commands, within (ask)` for `shell(ask)`."""
    head, bracket, limit = word.partition("(")
    for sign in ":/":
        head = head.partition(sign)[0]
    return _MEANINGS[head] + (f", within {bracket}{limit}" if bracket and head in TOOLS else "")


def capability_words(words: Iterable[str]) -> str:
    """Capabilities as a comma-separated list for people."""
    return ", ".join(words) or "no tool"


def widening(before: Collection[str], after: Iterable[str]) -> tuple[str, ...]:
    """The capabilities in `after` that `before` does not cover, sorted."""
    before = frozenset(before)
    return tuple(sorted({word for word in after if not covers(before, word)}))


def narrowing(before: Collection[str], after: Collection[str]) -> tuple[str, ...]:
    """The capabilities in `before` that `after` no longer covers, but for a model that another one of unknown size
    replaces.
    """
    is_unknown = any(word.startswith("model:") and word not in NARROW and word not in _MODELS for word in after)
    return tuple(word for word in widening(after, before) if not (is_unknown and word.startswith("model:")))


def within(limit: str, other: str) -> bool:
    """Whether a tool with this limit can do no more than with the other one."""
    if limit in (other, DENIED) or other == UNLIMITED:
        return True
    is_asked = limit.startswith(ASK_OR_DENY)
    return is_asked if other == ASK else other.startswith(SOME_ASK) and (is_asked or limit == ASK)


def _is_included(held: frozenset[str], word: str) -> bool:
    """Whether one of the held words includes `word`. For speed, only held words that could include it are compared."""
    heads = [word[:place] for place, sign in enumerate(word) if sign in "/~("]
    able = [_wide(held), (head for head in heads if head in held), *(_limited(held).get(head, ()) for head in heads)]
    return any(_includes(one, word) for some in able for one in some)


@lru_cache(maxsize=256)
def _wide(held: frozenset[str]) -> tuple[str, ...]:
    """The held words that can include words with another beginning, such as `every-tool`."""
    return tuple(word for word in held if word in _WIDE or word.startswith(BUT))


@lru_cache(maxsize=256)
def _limited(held: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """The held words with a limit in brackets, such as `shell(git%20*)`, by the word before the bracket."""
    found: dict[str, tuple[str, ...]] = {}
    for word in held:
        base, limit = _parted(word)
        if limit != UNLIMITED and not word.startswith(BUT):
            found[base] = (*found.get(base, ()), word)
    return found


@lru_cache(maxsize=4096)
def _includes(one: str, other: str) -> bool:
    """Whether one word alone includes another."""
    if one == EVERY:
        return _is_tool(other)
    if one.startswith(BUT):
        return _is_tool(other) and _leaves(_limits_of(one), other)
    if one == "bypass":
        return other.startswith("permission:")
    if one == "no-sandbox":
        return other.startswith("sandbox:")
    if one == "mcp":
        return other.startswith("mcp:") and _is_tool(other)
    if "/" in other and other.partition("/")[0] == one and "~" not in one:
        return True  # a server or a kind of tools, and one of them
    if one.startswith("permission:"):
        return other.startswith(f"{one}~")  # the whole of a tool, and a part of it
    (base, limit), (part, narrower) = _parted(one), _parted(other)
    of_it = base in (part, part.partition("/")[0]) and _is_tool(base)
    return of_it and narrower != UNLIMITED and within(narrower, limit)


def _parted(word: str) -> tuple[str, str]:
    """A word without what stands in brackets, and that."""
    base, _, inside = word.partition("(")
    return base, inside.removesuffix(")")


def gives_of(word: str, tool: str) -> bool:
    """Whether a word grants a tool or server, or any part of it (with brackets, as one of several tools, in plan mode
    only).
    """
    if word == EVERY:
        return True
    if word.startswith(BUT):
        return any(limit != DENIED for limit in _limits_of(word).inside(tool))
    base = _parted(word)[0]
    return base == tool or _includes(base, tool) or _includes(tool, base)


def _is_tool(word: str) -> bool:
    """Whether a word names tools. A server that a file brings along is more than a tool."""
    base = word.partition("(")[0]
    if base.partition("/")[0] in TOOLS or base in (EVERY, "mcp") or base.startswith((BUT, "tool:")):
        return True
    return base.startswith("mcp:") and "~" not in base


class _Limits(NamedTuple):
    """What stands after `every-tool-but:`."""

    named: Mapping[str, str]
    """The limit of each name."""
    below: Mapping[str, set[str]]
    """The limits of all tools of a server or a kind; for `*`, of all tools that a pattern may match;
    for `?`, of all patterns."""

    def of(self, name: str) -> Iterator[str]:
        """The limit of a tool; for a pattern, those of all tools that it may match."""
        yield limit_in(self.named, name)
        if name.startswith("tool:") and ("*" in name or "%3F" in name):
            yield from self.below.get("*", ())

    def inside(self, name: str) -> Iterator[str]:
        """The limits of everything that a word stands for."""
        yield from self.of(name)
        yield from self.below.get(name, ())


def limit_in(named: Mapping[str, str], name: str) -> str:
    """The limit of a tool: its own, else the one it inherits."""
    return named[name] if name in named else inherited_limit(named, name)


def inherited_limit(named: Mapping[str, str], name: str) -> str:
    """The limit of the kind of tools or of the server that a tool belongs to, else that of all others."""
    heads = (name.partition("/")[0], "mcp" if name.startswith("mcp:") else OTHERS, OTHERS)
    return next((named[head] for head in heads if head in named and name not in (head, CHANGES)), UNLIMITED)


@lru_cache(maxsize=256)
def _limits_of(word: str) -> _Limits:
    named: dict[str, str] = {}
    below: dict[str, set[str]] = {}
    for one in word.removeprefix(BUT).split("+"):
        name, limit = _parted(one)
        named[name] = DENIED if name == one else limit.removeprefix("allow")
        heads = (name.partition("/")[0], name.partition(":")[0], "*" if name.startswith(("mcp", "tool:")) else name)
        for head in {*heads} - {name}:
            below.setdefault(head, set()).add(named[name])
        if name.startswith("tool:") and ("*" in name or "%3F" in name):
            below.setdefault("?", set()).add(named[name])
    return _Limits(named, below)


def _leaves(held: _Limits, word: str) -> bool:
    """Whether all tools with these limits still include what the word names."""
    if word == EVERY:
        return False
    if word.startswith(BUT):
        other = _limits_of(word)
        names = {*held.named, *other.named, OTHERS}
        return all(within(limit, limit_in(held.named, name)) for name in names for limit in other.of(name))
    base, limit = _parted(word)
    may_match = base.startswith(("mcp", "tool:")) and base not in held.named
    if not all(within(limit, most) for most in (*held.inside(base), *held.below.get("?" if may_match else "", ()))):
        return False
    if CHANGES not in held.named or base.partition("/")[0] in LOOKING:
        return True
    return not base.startswith("mcp") and limit == "plan"


def is_denied(word: str, denied: Collection[str]) -> bool:
    """Whether the word for a tool is denied, by itself or as part of a denied word."""
    base = word.partition("(")[0]
    around = ("mcp", base.partition("/")[0]) if base.startswith("mcp:") else ()
    return word in denied or base in denied or any(name in denied for name in around)


def denied_by(word: str) -> frozenset[str]:
    """The words after `every-tool-but:` that are denied completely."""
    return frozenset(name for name, limit in _limits_of(word).named.items() if limit == DENIED)


# What people accept.


def is_capability(text: str) -> bool:
    """Whether a text is a capability word, or the head of one."""
    if text in PLAIN or text in HEADS:
        return True
    head, colon, rest = text.partition(":")
    if colon and head in HEADS:
        return bool(rest)
    base, bracket, _ = text.partition("(")
    return base.partition("/")[0] in TOOLS and (text.endswith(")") if bracket else "/" in base)


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
