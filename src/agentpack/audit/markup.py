"""Detect signs in markup and addresses for the rules in `rules.py`; `phrases.py` detects the others.

The work is linear in the text: every expression either begins at a rare character and stops at the next one, or has
bounded repeats.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from agentpack.audit.phrases import Sign, phrases_in


def signs_in(text: str, *, markdown: bool) -> Iterator[Sign]:
    """Every sign in the text except hidden characters, in no order.

    Args:
        markdown: signs that only matter when rendered are notes in code blocks and code spans.
    """
    code = _Code(text) if markdown else None
    for find in (_comments, _tags, _addresses):
        for sign in find(text):
            yield sign if code is None or sign.start not in code else sign._replace(level="note")
    yield from phrases_in(text)


# Where code stands.

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.M)


class _Code:
    """The fenced code blocks of a text, and its code spans within a line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._blocks = list(_fenced(text))

    def __contains__(self, place: int) -> bool:
        index = bisect_right(self._blocks, (place, len(self._text) + 1)) - 1
        if index >= 0 and place < self._blocks[index][1]:
            return True
        return self._text.rfind("`", max(0, place - 200), place) >= 0 and self._in_span(place)

    def _in_span(self, place: int) -> bool:
        """Whether a place is in a code span. Only looks nearby, so that long lines take no time."""
        near = self._text[max(0, place - 200) : place].rpartition("\n")[2]
        ahead = self._text[place : place + 200].partition("\n")[0]
        return near.count("`") % 2 == 1 and "`" in ahead


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            if match[1][0] == "~" or "`" not in match[2]:
                opened = (match.end(), match[1])
        elif match[1].startswith(opened[1]) and not match[2].strip():
            yield opened[0], match.start()
            opened = None
    if opened is not None:
        yield opened[0], len(text)


# What a rendered page does not show, or acts on.

_DEFINED_COMMENT = re.compile(r"^ {0,3}\[[^\[\]\n]{1,200}\]:[ \t]{0,9}(?:#|<#?>)(?=[ \t]|$)[^\n]{0,2000}", re.M)
_TAG = re.compile(r"<[A-Za-z/][^<>]*>")
_ACTIVE_TAG = re.compile(r"<(script|iframe|frame|embed|applet|object(?=\s+[a-z]+=))\b", re.I)
_HANDLER = re.compile(r"[\s\"'/]on[a-z]{3,20}\s{0,3}=", re.I)
_HIDES = re.compile(
    r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|font-size\s{0,3}:\s{0,3}0|"
    r"opacity\s{0,3}:\s{0,3}0(?![.]?0{0,3}[1-9])|color\s{0,3}:\s{0,3}transparent|\shidden(?=[\s=>/])",
    re.I,
)
_IMG = re.compile(r"<(?:img|image|video|audio|source|track|input)\b", re.I)
_SRC = re.compile(r"\b(?:src|srcset|poster|href)\s{0,3}=\s{0,3}[\"']?\s{0,3}(?:https?:)?//", re.I)


def _comments(text: str) -> Iterator[Sign]:
    start = text.find("<!--")
    while start >= 0:
        end = text.find("-->", start + 2)
        end = len(text) if end < 0 else end + 3
        yield Sign("AP111", start, end, "an HTML comment, which is hidden on a rendered page")
        start = text.find("<!--", end)
    for match in _DEFINED_COMMENT.finditer(text):
        yield Sign("AP112", match.start(), match.end(), "a link definition that is used as a comment")


def _tags(text: str) -> Iterator[Sign]:
    for match in _ACTIVE_TAG.finditer(text):
        yield Sign("AP114", match.start(), match.end(), f"`<{match[1].lower()}>` runs or loads something")
    for match in _TAG.finditer(text):
        tag = match[0]
        if handler := _HANDLER.search(tag):
            name = handler[0].strip(" \t\r\n\"'/=").lower()
            yield Sign("AP114", match.start(), match.end(), f"the event handler `{name}`")
        if _HIDES.search(tag):
            yield Sign("AP113", match.start(), match.end(), "an element that is hidden")
        if _IMG.match(tag) and _SRC.search(tag):
            yield Sign("AP121", match.start(), match.end(), "an image on another host")


# Addresses.

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9])(?:https?|ftp|wss?)://[^\s\"'`)]{1,4000}|(?:(?<=\()|(?<=\(<))//[^\s\"'`)]{1,4000}", re.I
)
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\](?:\[([^\[\]\n]{0,300})\])?")
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]\n]{1,300})\]:[ \t]{0,9}<?((?:https?:)?//[^\s>]{1,4000})", re.M)
_ACTIVE_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:javascript|vbscript):(?=[^\s\"'`)\]])|data:[a-z]{1,20}/[a-z0-9.+-]{1,60}[;,])", re.I
)
_PLACEHOLDER = re.compile(
    r"\{|\$\(|\$[A-Za-z_][A-Za-z_0-9]|<[A-Za-z][^<>]{0,60}>|\[[A-Z][A-Z_ -]{1,60}\]|%s|%7B|"
    r"(?<=[=/.])[A-Z]{2,}(?:_[A-Z]+){1,5}\b"
)
_LONG_QUERY, _LONG_VALUE = 200, 64
SHORTENERS = frozenset(
    "bit.ly tinyurl.com t.co goo.gl is.gd ow.ly buff.ly rebrand.ly cutt.ly shorturl.at rb.gy t.ly tiny.cc v.gd".split()
)
COLLECTORS = (
    *("webhook.site", "requestbin.com", "requestbin.net", "pipedream.net", "requestcatcher.com", "interact.sh"),
    *("oast.fun", "oast.me", "oast.pro", "oast.live", "oast.site", "oast.online", "oastify.com"),
    *("burpcollaborator.net", "beeceptor.com", "ngrok.io", "ngrok.app", "ngrok-free.app", "trycloudflare.com"),
    *("serveo.net", "loca.lt", "dnslog.cn", "canarytokens.com", "pastebin.com", "transfer.sh"),
)


class _Address(NamedTuple):
    user: str
    host: str
    query: str


def _parsed(address: str) -> _Address:
    rest = address.partition("//")[2]
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    user, at, host = authority.rpartition("@")
    query = rest[len(authority) :].partition("?")[2]
    fragment = rest.partition("#")[2]
    port = host.rpartition(":")
    return _Address(user if at else "", (port[0] if port[1] else host).rstrip(".").lower(), query or fragment)


def _addresses(text: str) -> Iterator[Sign]:
    for match in _ACTIVE_ADDRESS.finditer(text):
        kind = match[0].partition(":")[0].lower()
        yield Sign("AP123", match.start(), match.end(), f"an address that begins with `{kind}:`")
    for match in _ADDRESS.finditer(text):
        yield from _address_signs(match.start(), match.end(), match[0])
        if _is_image(text, match.start()):
            host = _parsed(match[0]).host
            yield Sign("AP121", match.start(), match.end(), f"an image on `{host}`")
    images = {(match[2] or match[1]).casefold().strip() for match in _IMAGE.finditer(text)}
    for match in _DEFINITION.finditer(text):
        if match[1].casefold().strip() in images:
            yield Sign("AP121", match.start(2), match.end(2), f"an image on `{_parsed(match[2]).host}`")


def _is_image(text: str, start: int) -> bool:
    before = text[max(0, start - 320) : start].rstrip(" <\t\n")
    if not before.endswith("]("):
        return False
    opening = before.rfind("![")
    return opening >= 0 and "](" not in before[opening:-2]


def _address_signs(start: int, end: int, address: str) -> Iterator[Sign]:
    found = _parsed(address)
    if found.user and not _PLACEHOLDER.search(found.user):
        yield Sign("AP124", start, end, f"there is text before the host `{found.host}`")
    if not found.host.isascii() or "xn--" in found.host:
        yield Sign("AP125", start, end, "a host with letters beyond ASCII")
    bare = found.host.removeprefix("www.")
    if bare in SHORTENERS:
        yield Sign("AP126", start, end, f"`{bare}` hides where the link leads")
    if any(bare == name or bare.endswith("." + name) for name in COLLECTORS):
        yield Sign("AP127", start, end, f"anyone can use `{bare}` to receive data")
    in_host = _PLACEHOLDER.search(found.host)
    if in_host and "." in found.host[in_host.end() :]:
        yield Sign("AP122", start, end, "a placeholder within the name of a host")
    elif _PLACEHOLDER.search(found.query):
        yield Sign("AP122", start, end, "a placeholder in the address after `?` or `#`")
    elif len(found.query) > _LONG_QUERY or any(len(v) > _LONG_VALUE for v in re.split("[&=;]", found.query)):
        yield Sign("AP122", start, end, f"an address that carries {len(found.query)} characters")
