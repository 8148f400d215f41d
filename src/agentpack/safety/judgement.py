"""What the fields of one agent file come to: the words for all that its client lets the persona do.

A method for each meaning that a key may have (`targets/powers.py`). What a file brings along, such as hooks or the
command of a server, is told by a digest, so that another one is another word.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from agentpack.model.capabilities import BUT, CHANGES, EVERY, LOOKING
from agentpack.targets.declared import Declaration
from agentpack.targets.powers import BYPASSING, COMMON_TOOLS, DEFAULTS, MEANINGS, PLANNING

_ODD = re.compile(r"[^A-Za-z0-9_.*@/:~^$-]")
_SIGNS = re.compile(r"[^a-z0-9]")
_LISTED = r"[^,(]+(?:\([^)]*\)?)?"
_SERVER = r"mcp__?([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)(?:__.*|_?\*)?\Z|@([^/]+)(?:/.*)?\Z|([^/@]+)/.*\Z"
_TRUSTING = frozenset(("autoApprove", "auto_approve", "alwaysAllow", "trust"))
_LONGEST = 80


def meaning_of(declaration: Declaration, key: str) -> str:
    """What a key of the client's files means, in the words of `Powers.settings`; `setting` when nobody knows."""
    own = declaration.powers.settings.get(key)
    if own is not None:
        return own
    if key in (declaration.name, declaration.description, declaration.color, declaration.body, declaration.provider):
        return "none"
    if key == declaration.model:
        return "model"
    if declaration.tools is not None and key == declaration.tools.key:
        return {"map": "map", "permissions": "permissions"}.get(declaration.tools.style, "allow")
    if key in declaration.readonly:
        return "looking"
    return MEANINGS.get(key, "setting")


class Vocabulary:
    """The names of one client's tools."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.natives = declaration.tools.names if declaration.tools else {}
        self.words: dict[str, tuple[str, ...]] = {}
        for word, natives in self.natives.items():
            for native in natives:
                self.words[native] = (*self.words.get(native, ()), word)

    def tool(self, name: str) -> Iterator[str]:
        """The words that a name in a list of tools stands for."""
        base, paren, inside = name.partition("(")
        base = base.strip()
        for word in self.base(base):
            if paren and word not in (EVERY, "mcp") and not word.startswith("mcp:"):
                yield from (f"{word}({_token(part.strip())})" for part in inside.removesuffix(")").split(","))
            else:
                yield word

    def base(self, name: str) -> Iterable[str]:
        own = self.words.get(name) or self.declaration.powers.tools.get(name)
        if own:
            return own.split() if isinstance(own, str) else own
        if name == "*":
            return (EVERY,)
        common = COMMON_TOOLS.get(_SIGNS.sub("", name.lower()))
        if common:
            return (common,)
        if name in ("mcp", "@mcp", "mcp_*", "mcp__*"):
            return ("mcp",)
        server = re.match(_SERVER, name)
        if server:
            found = next(filter(None, server.groups()))
            return (f"mcp:{_token(found)}",)
        return (f"tool:{_token(name)}",)


class Judgement:
    """The words for the fields of one file."""

    def __init__(self, vocabulary: Vocabulary, fields: Mapping[str, Any]) -> None:
        self.vocabulary = vocabulary
        declaration = vocabulary.declaration
        self.words: set[str] = set()
        self.allowed: set[str] | None = None
        """Names of tools; None where nothing limits them."""
        self.denied: set[str] = set()
        self.looking = self.planning = False
        if declaration.powers.only_named or declaration.unlimited:
            self.allowed = set()
        for key, value in fields.items():
            if declaration.fixed.get(key) == value and key in declaration.fixed:
                continue
            if value is None or declaration.unlimited.get(key) == value:
                if value is not None:
                    self.allowed = None
                continue
            kind, _, rest = meaning_of(declaration, key).partition(":")
            _KINDS[kind](self, key, value, rest)
        self.words |= self.tools()

    # What the tools come to.

    def tools(self) -> set[str]:
        denied = self.denied_words()
        if self.allowed is None:
            if EVERY in denied:
                return set()
            if self.looking:
                return {*LOOKING} - denied
            denied |= {CHANGES} if self.planning else set()
            return {BUT + "+".join(sorted(denied)) if denied else EVERY}
        words = {word for name in self.allowed - self.denied for word in self.vocabulary.tool(name)}
        words = {word for word in words if word.partition("(")[0] not in denied and EVERY not in denied}
        if EVERY in words:
            self.allowed = None
            return self.tools()
        if self.looking:
            return words & LOOKING
        if not self.planning:
            return words
        return {word if word in (*LOOKING, "skills") else f"{word}(plan)" for word in words}

    def denied_words(self) -> set[str]:
        """The words that are denied altogether: what a client has several tools for is so when all of them are."""
        plain = {name for name in self.denied if "(" not in name}
        whole = {word for word, natives in self.vocabulary.natives.items() if natives and plain.issuperset(natives)}
        unknown = {name for name in plain if name not in self.vocabulary.words}
        return whole | {word.replace("+", "%2B") for name in unknown for word in self.vocabulary.base(name)}

    # What each kind of key comes to.

    def none(self, key: str, value: Any, rest: str) -> None:
        pass

    def allow(self, key: str, value: Any, rest: str) -> None:
        names = _names(value)
        if not names:
            return  # an empty list means every tool to most clients, and none where only what is named is had
        self.allowed = {*(self.allowed or ()), *names}

    def deny(self, key: str, value: Any, rest: str) -> None:
        self.denied.update(_names(value))

    def map(self, key: str, value: Any, rest: str) -> None:
        if not isinstance(value, dict):
            self.allow(key, value, rest)
        elif value.get("*") is False:
            self.allowed = {name for name, grant in value.items() if grant and name != "*"}
        else:
            self.denied.update(name for name, grant in value.items() if not grant)

    def permissions(self, key: str, value: Any, rest: str) -> None:
        if not isinstance(value, dict):
            value = {"*": value}
        every = value.get("*")
        if every == "allow":
            self.words.add("bypass")
        elif every == "deny":
            self.allowed = set()
        elif every is not None and every != "ask":
            self.words.add(f"permission:custom~{_digest(every)}")
        grants = self.vocabulary.declaration.tools.grants if self.vocabulary.declaration.tools else {}
        for name, grant in value.items():
            if name == "*":
                continue
            if grant == "deny" or (isinstance(grant, dict) and grant and {*_leaves(grant)} == {"deny"}):
                self.denied.add(name)
                continue
            if self.allowed is not None:
                self.allowed.add(name)
            if grant == "ask" or (every == "deny" and grant == grants.get(name, "allow")):
                continue
            for word in self.vocabulary.base(name):
                self.words.add(f"permission:{word}" if grant == "allow" else f"permission:{word}~{_digest(grant)}")

    def grants(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, str):
            self.mode(key, value, rest)
        elif value:
            self.words.add(f"permission:custom~{_digest(value)}")

    def looks(self, key: str, value: Any, rest: str) -> None:
        expected = self.vocabulary.declaration.readonly.get(key, True)
        self.looking = self.looking or value == expected

    def mode(self, key: str, value: Any, rest: str) -> None:
        bare = _SIGNS.sub("", str(value).lower())
        if bare in PLANNING:
            self.planning = True
            self.words.add("permission:plan")
        elif bare in BYPASSING:
            self.words.add("bypass")
        elif bare and bare not in DEFAULTS:
            self.words.add(f"permission:{_token(str(value))}")

    def sandbox(self, key: str, value: Any, rest: str) -> None:
        bare = _SIGNS.sub("", str(value).lower())
        if bare in BYPASSING or bare in ("none", "off", "false", "disabled"):
            self.words |= {"bypass", "no-sandbox"}
        else:
            self.words.add(f"sandbox:{_token(str(value))}")

    def model(self, key: str, value: Any, rest: str) -> None:
        for name in value if isinstance(value, list) else [value]:
            found = model_class(str(name))
            if found is not None:
                self.words.add(f"model:{found}")

    def mcp(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, str):
            value = _names(value)
        for item in value.items() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                self.words.add("mcp" if item == "*" else f"mcp:{_token(item)}")
            elif isinstance(item, tuple):
                self.server(item[0], item[1])
            elif isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict):
                self.server(*next(iter(item.items())))
            else:
                name = item.get("name") if isinstance(item, dict) else None
                self.server(name if isinstance(name, str) else "unnamed", item)

    def server(self, name: Any, definition: Any) -> None:
        """A server that the file brings along: what it starts is part of the word, so that a change is seen."""
        self.words.add(f"mcp:{_token(str(name)).replace('~', '%7E')}~{_digest(definition)}")
        if isinstance(definition, dict) and any(definition.get(key) for key in _TRUSTING):
            self.words.add("permission:mcp")

    def hooks(self, key: str, value: Any, rest: str) -> None:
        if value:
            self.words.add(f"hooks:{_digest(value)}")

    def word(self, key: str, value: Any, rest: str) -> None:
        if value and value not in ("disabled", "none", "off"):
            self.words.add(rest)

    def setting(self, key: str, value: Any, rest: str) -> None:
        if value in rest.split("|") if rest else value:
            self.words.add(f"setting:{_token(key)}")

    def unset(self, key: str, value: Any, rest: str) -> None:
        if value is False:
            self.words.add(f"setting:{_token(key)}")

    def tool_settings(self, key: str, value: Any, rest: str) -> None:
        for name, settings in value.items() if isinstance(value, dict) else ():
            said = settings.get("permission") if isinstance(settings, dict) else settings
            if said == "never":
                self.denied.add(name)
                continue
            for word in self.vocabulary.base(name):
                self.words.add(f"permission:{word}" if said == "always" else f"permission:{word}~{_digest(settings)}")


_KINDS: Mapping[str, Callable[[Judgement, str, Any, str], None]] = {
    "none": Judgement.none,
    "allow": Judgement.allow,
    "deny": Judgement.deny,
    "map": Judgement.map,
    "permissions": Judgement.permissions,
    "grants": Judgement.grants,
    "looking": Judgement.looks,
    "mode": Judgement.mode,
    "sandbox": Judgement.sandbox,
    "model": Judgement.model,
    "mcp": Judgement.mcp,
    "hooks": Judgement.hooks,
    "is": Judgement.word,
    "setting": Judgement.setting,
    "unset": Judgement.unset,
    "tool_settings": Judgement.tool_settings,
}


def _names(value: Any) -> list[str]:
    """The tools of a list, whether it is one or a text with commas; an entry with settings keeps them in brackets."""
    if isinstance(value, str):
        return [found.strip() for found in re.findall(_LISTED, value) if found.strip()]
    names = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip():
            names.append(item.strip())
        elif isinstance(item, list) and item and isinstance(item[0], str):
            names.append(f"{item[0]}({_digest(item[1:])})")
        elif not isinstance(item, str):
            names.append(f"~{_digest(item)}")
    return names


def _leaves(value: Mapping[str, Any]) -> Iterator[Any]:
    for item in value.values():
        if isinstance(item, dict):
            yield from _leaves(item)
        else:
            yield item


_FAMILIES = {"opus": "large", "sonnet": "medium", "haiku": "small"}
_CLASSES = (
    ("small", r"(?<![a-z])(?:haiku|mini|nano|flash|lite|small|fast)(?![a-z])"),
    ("large", r"(?<![a-z])(?:opus|pro|max|large|ultra)(?![a-z])"),
    ("medium", r"(?<![a-z])(?:sonnet|medium)(?![a-z])"),
)


def model_class(name: str) -> str | None:
    """`large`, `medium` or `small` for a family or an id that says so, else the id; None for the session's model."""
    bare = name.strip().lower()
    if bare in ("", "inherit", "default", "auto"):
        return None
    if bare in _FAMILIES:
        return _FAMILIES[bare]
    return next((word for word, pattern in _CLASSES if re.search(pattern, bare)), None) or _token(name)


def _token(text: str) -> str:
    """A text of a stranger as part of a word: what is not plain is escaped, what is long is cut and told by digest."""
    plain = _ODD.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 20]}~{_digest(text)}"


def _digest(value: Any) -> str:
    """Sixteen digits that stand for a value."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]
