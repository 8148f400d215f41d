"""Foreign text as part of a capability word: names, digests, and the class of a model."""

import json
import re
from hashlib import sha256
from typing import Any

_ODD = re.compile(r"[^A-Za-z0-9_.*@/:~^$-]")
_LONGEST = 80
_FAMILIES = {"opus": "large", "sonnet": "medium", "haiku": "small"}
_CLASSES = (
    ("large", r"(?<![a-z])(?:opus|pro|max|large|ultra)(?![a-z])"),
    ("medium", r"(?<![a-z])(?:sonnet|medium)(?![a-z])"),
    ("small", r"(?<![a-z])(?:haiku|mini|nano|flash|lite|small|fast)(?![a-z])"),
)
"""The largest class that an id has a word of counts: `fast` and the like also say how a large model is run."""


def model_class(name: str) -> str | None:
    """`large`, `medium` or `small` for a model family or an id of one, else the id; None for the session's model."""
    bare = name.strip().lower()
    if bare in ("", "inherit", "default", "auto"):
        return None
    if bare in _FAMILIES:
        return _FAMILIES[bare]
    return next((word for word, pattern in _CLASSES if re.search(pattern, bare)), None) or token(name)


def token(text: str) -> str:
    """Foreign text as part of a word: special characters are escaped, long text is cut and replaced by a digest."""
    plain = _ODD.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 20]}~{digest(text)}"


def digest(value: Any, *, ordered: bool = False) -> str:
    """Sixteen hexadecimal digits for a value.

    Args:
        ordered: the order of the keys of a map counts.
    """
    text = json.dumps(value, ensure_ascii=True, sort_keys=not ordered, default=str)
    return sha256(text.encode()).hexdigest()[:16]
