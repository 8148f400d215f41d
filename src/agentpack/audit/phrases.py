"""Detect signs in what a text says: phrases, encoded text, commands, paths of secrets, long lines.

The lists are closed and short; they contain what attacks on agents were seen to say. The work is linear in the text:
every expression has bounded repeats.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import NamedTuple

LONG_LINE = 2_000
_NEAR = 3


class Sign(NamedTuple):
    """A match of a rule, from `start` to `end` in code points. `level` is set if it differs from the rule's."""

    rule: str
    start: int
    end: int
    message: str
    level: str = ""


def phrases_in(text: str) -> Iterator[Sign]:
    """Every sign in what the text says, in no order. Code is treated like other text."""
    for find in (_phrases, _encoded, _commands, _secrets, _long_lines):
        yield from find(text)


# Words.

_W = r"[\s*_`\"'>-]{1,5}"
_FILL = "(?:" + _W + r"(?:all|any|every|each|of|the|your|my|these|those|this|that|and)){0,4}"
_PHRASES: Sequence[tuple[str, str, re.Pattern[str]]] = tuple(
    (rule, message, re.compile(expression.replace(" ", _W).replace("~", _FILL), re.I))
    for rule, message, expression in (
        (
            "AP131",
            "text that overrides other instructions",
            r"\b(?:ignore|disregard|forget|override|bypass|discard)~ (?:previous|prior|earlier|preceding|above|former|"
            r"existing|other|system|developer|safety|original|initial)(?: (?:system|safety|user))? (?:instruction|"
            r"prompt|rule|message|direction|directive|guideline|constraint|context|command)s?\b",
        ),
        (
            "AP131",
            "text that overrides other instructions",
            r"\b(?:ignore|disregard|forget) (?:everything|anything|all)"
            r"(?: (?:that|you|above|before|said|told|were)){1,4}\b",
        ),
        ("AP131", "text that introduces new instructions", r"\bnew(?: system)? (?:instructions?|prompt)\b\s{0,2}:"),
        (
            "AP132",
            "text that keeps something from the user",
            r"\b(?:do not|don['\u2019]t|never|must not|without) (?:ever )?(?:tell|telling|inform|informing|alert|"
            r"alerting|notify|notifying|mention|mentioning|reveal|revealing|disclose|disclosing)"
            r"(?: (?:this|that|it|any|anything|of|to|about)){0,3}(?: the| your)? (?:user|human|operator|developer)s?\b",
        ),
        (
            "AP132",
            "text that keeps something from the user",
            r"\b(?:keep|hide|conceal)(?: (?:this|that|it|these|everything)){0,2}(?: (?:a )?(?:secret|hidden))?"
            r" from(?: the| your)? (?:user|human|operator)s?\b",
        ),
        (
            "AP132",
            "text that keeps something from the user",
            r"\bwithout(?: the)? user(?:['\u2019]s)? (?:knowing|knowledge|noticing|consent|awareness)\b",
        ),
        ("AP133", "text that gives the agent another identity", r"\byou are (?:now|no longer)\b"),
        ("AP133", "mentions a system prompt", r"\bsystem prompts?\b"),
        (
            "AP135",
            "text that bypasses the user's permission",
            r"\bwithout(?: ever)? (?:asking|waiting)(?: the user)?(?: for)?(?: (?:any|explicit|the user['\u2019]s))?"
            r" (?:permission|confirmation|approval|consent)\b",
        ),
        (
            "AP135",
            "text that bypasses the user's permission",
            r"\b(?:do not|don['\u2019]t|never) (?:ask|wait)(?: the user)? for(?: (?:any|explicit|user))?"
            r" (?:permission|confirmation|approval|consent)\b",
        ),
    )
)
_BYPASS = re.compile(r"--dangerously-[a-z-]{3,40}|(?<![\w-])--yolo\b|\bbypassPermissions\b")
_MARKER = re.compile(
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<</?SYS>>|"
    r"</?(?:system|system-reminder|system_prompt)>",
    re.I,
)


def _phrases(text: str) -> Iterator[Sign]:
    for rule, message, expression in _PHRASES:
        for match in expression.finditer(text):
            yield Sign(rule, match.start(), match.end(), message)
    for match in _BYPASS.finditer(text):
        yield Sign("AP135", match.start(), match.end(), f"`{match[0]}` bypasses the user's permission")
    for match in _MARKER.finditer(text):
        yield Sign("AP134", match.start(), match.end(), "a marker of chat templates")


# Encoded text.


def _entropy(text: str) -> float:
    """The Shannon entropy of a text, in bits per character."""
    return -sum(n / len(text) * log2(n / len(text)) for n in Counter(text).values())


def _is_base64(run: str) -> bool:
    kinds = (any(c.isupper() for c in run), any(c.islower() for c in run), any(c.isdigit() for c in run))
    return all(kinds) and _entropy(run) >= 4.3


def _is_hexadecimal(run: str) -> bool:
    return _entropy(run) >= 3


def _always(run: str) -> bool:
    return True


_RUNS: Sequence[tuple[str, re.Pattern[str], Callable[[str], bool]]] = (
    ("base64", re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/]{60,}={0,2}"), _is_base64),
    ("base64", re.compile(r"(?<![A-Za-z0-9+/_-])(?=[A-Za-z0-9+/]{0,59}[_-])[A-Za-z0-9_-]{80,}={0,2}"), _is_base64),
    ("hexadecimal text", re.compile(r"(?<![A-Za-z0-9])[0-9a-fA-F]{129,}"), _is_hexadecimal),
    ("escaped characters", re.compile(r"(?:\\x[0-9a-fA-F]{2}){8,}|(?:\\u[0-9a-fA-F]{4}){8,}"), _always),
    ("percent-encoded text", re.compile(r"(?:%[0-9a-fA-F]{2}){8,}"), _always),
    ("character references", re.compile(r"(?:&#x?[0-9a-fA-F]{2,6};){6,}", re.I), _always),
)


def _encoded(text: str) -> Iterator[Sign]:
    for what, expression, is_one in _RUNS:
        for match in expression.finditer(text):
            if is_one(match[0]):
                length = match.end() - match.start()
                yield Sign("AP141", match.start(), match.end(), f"{length} characters of {what}")


# Commands.

_SHELL = r"(?:(?:ba|z|da|k|fi)?sh|python[0-9.]{0,4}|perl|ruby|node|php|iex|invoke-expression|source|eval)"
_GETS = re.compile(
    r"(?<![\w-])(?:curl|wget|fetch|iwr|irm|invoke-webrequest|invoke-restmethod|base64|xxd|openssl)(?![\w-])", re.I
)
_INTO_SHELL = re.compile(
    r"\|\s{0,5}(?:(?:sudo|env|exec|command)\s{1,3}){0,2}(?:[\w./-]{0,40}/)?" + _SHELL + r"\b", re.I
)
_SHELL_OF = re.compile(
    r"(?<![\w-])" + _SHELL + r"(?:\s{1,3}-[a-z]{1,4})?\s{0,3}[\"']?(?:<\(|\$\(|`|\s\()\s{0,3}"
    r"(?:curl|wget|iwr|irm|base64|new-object)\b",
    re.I,
)


def _commands(text: str) -> Iterator[Sign]:
    joined = text.replace("\\\n", "  ")
    for match in _SHELL_OF.finditer(joined):
        yield Sign("AP151", match.start(), match.end(), "downloaded or decoded text is run by an interpreter")
    start = 0
    for line in joined.splitlines(keepends=True):
        got = _GETS.search(line)
        into = _INTO_SHELL.search(line, got.end()) if got else None
        if got and into:
            place = start + got.start(), start + into.end()
            yield Sign("AP151", *place, "downloaded or decoded text is run by an interpreter")
        start += len(line)


_SECRET = re.compile(
    r"(?:~|\$HOME|\$\{HOME\}|%USERPROFILE%|/home/[\w.-]{1,40}|/Users/[\w.-]{1,40}|/root)[/\\]\.(?:ssh|aws|gnupg|netrc|kube|"
    r"azure|npmrc|pypirc|git-credentials|docker/config|config/gh|config/gcloud|bash_history|zsh_history)\b|"
    r"\bid_(?:rsa|dsa|ecdsa|ed25519)\b|/etc/shadow\b|/proc/(?:self|\d{1,7})/environ\b|"
    r"(?<![\w-])(?:printenv|env|export -p|(?<!\w\s)(?<!\|\s)set)\s{0,3}[|>]|"
    r"\bJSON\.stringify\(\s{0,3}process\.env\s{0,3}\)|"
    r"\b(?:dict|str|json\.dumps)\(\s{0,3}(?:dict\()?os\.environ\b|169\.254\.169\.254|metadata\.google\.internal"
)
_SENDS = re.compile(
    r"(?<![\w-])(?:curl|wget|ncat|nc|socat|scp|rsync|nslookup|dig|invoke-webrequest|invoke-restmethod)(?![\w-])|"
    r"\brequests\.(?:post|put|get)\b|\bhttpx\.|\burlopen\b|\bfetch\(|\bXMLHttpRequest\b|https?://",
    re.I,
)


def _secrets(text: str) -> Iterator[Sign]:
    places = list(_SECRET.finditer(text))
    if not places:
        return
    ends = [match.start() for match in re.finditer("\n", text)]
    sends = sorted({bisect_right(ends, match.start()) for match in _SENDS.finditer(text)})
    for match in places:
        line = bisect_right(ends, match.start())
        index = bisect_right(sends, line - _NEAR)
        near = index < len(sends) and sends[index] < line + _NEAR
        if near:
            yield Sign("AP153", match.start(), match.end(), f"`{match[0]}` near something that sends")
        else:
            yield Sign("AP152", match.start(), match.end(), f"`{match[0]}` contains secrets")


def _long_lines(text: str) -> Iterator[Sign]:
    start = 0
    for line in text.split("\n"):
        if len(line) > LONG_LINE:
            yield Sign("AP161", start, start + len(line), f"a line of {len(line)} characters")
        start += len(line) + 1
