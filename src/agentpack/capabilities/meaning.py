"""Turn the fields of an agent file into the capabilities its client grants the persona.

There is a method for each meaning a key may have (`clients/capability_meanings.py`). Things a file brings along, such
as hooks or the command of a server, are included as a digest, so that changing them changes the word.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentpack.capabilities.permissions import (
    ALLOWED,
    ASKED,
    MAX_TRIED,
    PermissionMap,
    Rules,
    in_force,
    is_denial,
    rules_of,
)
from agentpack.capabilities.words import digest, model_class, token
from agentpack.clients.base import Client
from agentpack.clients.capability_meanings import BYPASSING, COMMON_TOOLS, DEFAULTS, PLAN
from agentpack.clients.grammar import ALL, NAMES, NONE, REFUSED, UNREAD, Grammar, ParsedList, listed
from agentpack.input.setting_forms import is_permissions
from agentpack.model.capabilities import BUT, CHANGES, EVERY, LOOKING, is_denied

_SIGNS = re.compile(r"[^a-z0-9]")
_SERVER = (
    r"mcp__?(?P<server>[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)(?:__(?P<tool>.*)|_?\*)?\Z"
    r"|(?:@(?P<at>[^/]+)|(?P<before>[^/@]+)(?=/))(?:/(?P<behind>.*))?\Z"
)
_WITH_RULE = r"([^()]+)\((.*)\)\Z"
_NAME = r"[A-Za-z][A-Za-z0-9_-]*(?:(?<!__)|(?<=[^_]__)\*)\Z"
_TRUSTING = frozenset(("autoApprove", "auto_approve", "alwaysAllow", "trust"))


class ToolVocabulary:
    """The tool names of one client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.powers = client.powers
        natives = client.tools.names if client.tools else {}
        self.words: dict[str, tuple[str, ...]] = {name: tuple(w.split()) for name, w in self.powers.tools.items()}
        self.words |= {name: (f"tool:{name}",) for name in self.powers.others}
        for word, names in natives.items():
            for name in names:
                self.words[name] = (*self.words.get(name, ()), word, *self._elsewhere(name))
        self.natives: dict[str, set[str]] = {}
        """All the client's tools of each word."""
        for name, words in self.words.items():
            if len(words) == 1 or name not in self.powers.tools:
                for word in words:
                    self.natives.setdefault(word, set()).add(name)

    def _elsewhere(self, name: str) -> Iterator[str]:
        """What a declared client's tool name means in other clients, which may read the file too."""
        if self.client.is_declared:
            words = self.base(self.parted(name)[0])
            yield from (word for word in words if not word.startswith("tool:"))

    def server(self, name: str) -> re.Match[str] | None:
        """The parts of an MCP tool name; None if it is not one."""
        return re.match(self.powers.servers or _SERVER, name)

    def __contains__(self, name: object) -> bool:
        """Whether it is a known tool name of the client."""
        return name in self.words

    def knows(self, name: str) -> bool:
        """Whether it is a known tool name of the client, or a name with one meaning everywhere."""
        return name in self.words or (not self.powers.complete and _SIGNS.sub("", name.lower()) in COMMON_TOOLS)

    def parted(self, name: str) -> tuple[str, str | None]:
        """The tool an entry names, and the text in its brackets if that limits it to a part."""
        if self.powers.in_part is None:
            base, bracket, inside = name.partition("(")
            return self.named(base.strip() if bracket else base), inside.removesuffix(")") if bracket else None
        found = None if name.startswith("*") else re.match(_WITH_RULE, name, re.DOTALL)
        base = self.named(found[1] if found else name)
        return base, found[2] if found and base in self.powers.in_part else None

    def named(self, name: str) -> str:
        return self.powers.aliases.get(name, name)

    def tool(self, name: str) -> Iterator[str]:
        """The capability words for an entry in a list of tools."""
        base, inside = self.parted(name)
        for word in self.base(base):
            if inside is not None and word not in (EVERY, "mcp") and not word.startswith("mcp:"):
                yield from (f"{word}({token(part.strip())})" for part in inside.split(","))
            else:
                yield word

    def base(self, name: str) -> Iterable[str]:
        if name in self.words:
            return self.words[name]
        if name == "*":
            return (EVERY,)
        if self.powers.complete:
            return self.mcp(name) if re.match(_NAME, name) or self.server(name) else ()
        common = COMMON_TOOLS.get(_SIGNS.sub("", name.lower()))
        if common:
            return (common,)
        return ("mcp",) if name in ("mcp", "@mcp", "mcp_*", "mcp__*") else self.mcp(name)

    def mcp(self, name: str) -> tuple[str]:
        """The word for a server, for one of its tools, or for an unknown tool."""
        found = self.server(name)
        if found is None:
            return (f"tool:{token(name)}",)
        parts = found.groupdict()
        server = token(parts["server"] or parts.get("at") or parts.get("before") or "").replace("/", "%2F")
        tool = parts["tool"] or parts.get("behind")
        return (f"mcp:{server}/{token(tool)}" if tool and "*" not in tool else f"mcp:{server}",)


class CapabilityReader:
    """Collects the capability words for the fields of one file."""

    def __init__(self, vocabulary: ToolVocabulary, fields: Mapping[str, Any]) -> None:
        self.vocabulary = vocabulary
        self.fields = fields
        client = vocabulary.client
        self.words: set[str] = set()
        self.allowed: set[str] | None = None
        """Names of tools; None where nothing limits them."""
        self.denied: set[str] = set()
        self.switches: dict[str, Any] = {}
        self.rules: dict[str, Any] = {}
        """Names of tools, which may be patterns, and what each is granted; `switches` come before `rules`."""
        self.looking = self.planning = False
        self.replaced = False
        """Whether the client drops the list of allowed tools."""
        if client.powers.only_named or client.unlimited:
            self.allowed = set()
        for key, value in fields.items():
            if client.fixed.get(key) == value and key in client.fixed and not client.is_declared:
                continue
            if client.unlimited.get(key) == value and key in client.unlimited:
                self.allowed = None
                continue
            kind, _, rest = client.meaning(key).partition(":")
            if value is not None or kind in ("allow", "deny"):
                _KINDS[kind](self, key, value, rest)
        if self.switches or self.rules:
            self.weigh()
        if self.replaced:
            self.allowed = None
        self.words |= self.tools()

    # What the tools come to.

    def tools(self) -> set[str]:
        denied = self.denied_words()
        if self.allowed is not None and any(word.startswith("memory:") for word in self.words):
            self.allowed.update(self.vocabulary.powers.remembering)
        if self.allowed is None:
            if EVERY in denied:
                return set()
            if self.looking:
                return {*LOOKING} - denied
            denied |= {CHANGES} if self.planning else set()
            return {BUT + "+".join(sorted(denied)) if denied else EVERY}
        gone = self.denied_tools()
        left = {name for name in self.allowed - self.denied if self.vocabulary.parted(name)[0] not in gone}
        words = {word for name in left for word in self.vocabulary.tool(name)}
        words = {word for word in words if EVERY not in denied and not is_denied(word, denied)}
        if EVERY in words:
            self.allowed = None
            return self.tools()
        if self.looking:
            return words & LOOKING
        if not self.planning:
            return words
        return {word if word in (*LOOKING, "skills") else f"{word}(plan)" for word in words}

    def denied_words(self) -> set[str]:
        """The words that are denied completely: a word for several tools is if all of them are."""
        vocabulary, gone = self.vocabulary, self.denied_tools()
        whole = {word for word, natives in vocabulary.natives.items() if gone.issuperset(natives)}
        parts = {
            f"{word}/{token(name)}"
            for name in gone
            for word in vocabulary.words.get(name, ())
            if word not in whole and name in vocabulary.natives.get(word, ()) and name not in vocabulary.powers.along
        }
        words = {word for name in gone if name not in vocabulary for word in self.denied_base(name)}
        return whole | {word.replace("+", "%2B") for word in parts | words}

    def denied_tools(self) -> set[str]:
        """The tools that are denied completely."""
        powers = self.vocabulary.powers
        parted = (self.vocabulary.parted(name) for name in self.denied)
        gone = {name for name, inside in parted if inside is None or powers.in_part is not None}
        return gone | {name for name, other in powers.along.items() if other in gone}

    def denied_base(self, name: str) -> Iterable[str]:
        """The words denied by an unknown tool name: a server's, or one without meaning. What it means in other clients
        is not denied.
        """
        powers = self.vocabulary.powers
        if name in powers.denied:
            return powers.denied[name].split()
        # of a pattern that is no whole server we cannot say what it leaves
        found = self.vocabulary.server(name)
        patterned = "*" in name and (found is None or found.groupdict().get("tool") not in (None, "*"))
        known = name.startswith(("*", "@", "mcp"))
        words = () if patterned else self.vocabulary.base(name) if known else self.vocabulary.mcp(name)
        return words if not powers.complete else [word for word in words if not word.startswith("tool:")]

    # What each kind of key comes to.

    def none(self, key: str, value: Any, rest: str) -> None:
        pass

    def allow(self, key: str, value: Any, rest: str) -> None:
        form, names = self.listed(self.vocabulary.client.grammar, value)
        self.allowed = {*(self.allowed or ()), *(names if form in (NAMES, NONE) else ("*",))}

    def deny(self, key: str, value: Any, rest: str) -> None:
        form, names = self.listed(self.vocabulary.client.denying, value)
        self.denied.update(("*",) if form == ALL else set(names) - {"*"})
        self.replaced = self.replaced or (self.vocabulary.powers.either and form not in (ALL, NONE))

    def listed(self, grammar: Grammar, value: Any) -> ParsedList:
        """What the client reads from a list of tools. A list that cannot be read may limit nothing."""
        found = listed(grammar, value, self.vocabulary.knows)
        if found.form in (UNREAD, REFUSED):
            self.words.add("unreadable")
        return found

    def map(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, dict) and all(isinstance(grant, bool) for grant in value.values()):
            for name, grant in value.items():
                self.switches[self.vocabulary.powers.switched.get(name, name)] = "allow" if grant else "deny"
        else:
            self.words.add("unreadable")

    def permissions(self, key: str, value: Any, rest: str) -> None:
        if is_permissions(value):
            self.rules.update(value if isinstance(value, dict) else {"*": value})
        else:
            self.words.add("unreadable")

    def weigh(self) -> None:
        """Apply allow and deny rules whose names may be patterns."""
        vocabulary, grants = self.vocabulary, {**self.switches, **self.rules}
        rules = PermissionMap(grants)
        if "unreadable" in self.words or rules.tries(sum(map(len, vocabulary.words))) > MAX_TRIED:
            self.words |= {"unreadable", f"permission:custom~{digest(grants, ordered=True)}"}
            return
        if is_denial(rules.every):
            self.allowed = set()
        elif rules.every == ALLOWED:
            self.words.add("bypass")
        elif rules.every not in (ASKED, ()):
            self.words.add(f"permission:custom~{digest(rules.every)}")
        for name in dict.fromkeys((*vocabulary.words, *rules.plain)):
            found = rules.of_tool(name)
            if found == rules.every and name not in rules:
                continue
            if is_denial(found):
                self.denied.add(name)
            elif found:
                self.give(name, found, rules.every)
        for name in filter(lambda name: name.strip("*"), rules.patterns):
            found = rules.of_pattern(name)
            if is_denial(found):
                self.denied.update((name,) if rules.denies_all_of(name) else ())
            elif found != rules.every and name.strip("*?"):
                self.give(name, found, rules.every, rules.exceptions_to(name))
            elif found != rules.every:  # it gives more tools than we know the names of
                self.allowed = None
                self.words.update(("bypass",) if any(action == "allow" for _, action in found) else ())

    def give(self, name: str, rules: Rules, every: Rules, exceptions: Sequence[tuple[str, Rules]] = ()) -> None:
        """Add the words for a tool, or those that a pattern matches.

        Args:
            rules: its rules.
            every: those of all other tools.
            exceptions: the keys that may take something of the pattern out again.
        """
        vocabulary = self.vocabulary
        words = tuple(vocabulary.base(name)) or (f"tool:{token(name)}",)
        if self.allowed is not None and name in vocabulary:
            self.allowed.add(name)
        elif self.allowed is not None:
            self.words.update(words)
        grants = vocabulary.client.tools.grants if vocabulary.client.tools else {}
        if rules == ASKED or (is_denial(every) and rules == in_force(rules_of(grants.get(name, "allow")))):
            return
        detail = (
            "" if rules == ALLOWED and not exceptions else f"~{digest((rules, exceptions) if exceptions else rules)}"
        )
        self.words |= {f"permission:{word}{detail}" for word in words}

    def grants(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, str):
            self.mode(key, value, rest)
        elif value:
            self.words.add(f"permission:custom~{digest(value, ordered=True)}")

    def looks(self, key: str, value: Any, rest: str) -> None:
        expected = self.vocabulary.client.readonly.get(key, True)
        self.looking = self.looking or (value == expected and type(value) is type(expected))

    def mode(self, key: str, value: Any, rest: str) -> None:
        bare = _SIGNS.sub("", str(value).lower())
        if value == PLAN and self.vocabulary.client.knows_plan(key) and not self.overruled(key):
            self.planning = True
            self.words.add("permission:plan")
        elif bare in BYPASSING:
            self.words.add("bypass")
        elif bare and bare not in DEFAULTS:
            self.words.add(f"permission:{token(str(value))}")

    def overruled(self, key: str) -> bool:
        """Whether another field of the file takes the place of this one."""
        return self.fields.get(self.vocabulary.powers.overruled.get(key, "")) is not None

    def sandbox(self, key: str, value: Any, rest: str) -> None:
        bare = _SIGNS.sub("", str(value).lower())
        if bare in BYPASSING or bare in ("none", "off", "false", "disabled"):
            self.words |= {"bypass", "no-sandbox"}
        else:
            self.words.add(f"sandbox:{token(str(value))}")

    def model(self, key: str, value: Any, rest: str) -> None:
        for name in value if isinstance(value, list) else [value]:
            found = model_class(str(name))
            if found is not None:
                self.words.add(f"model:{found}")

    def mcp(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        for item in value.items() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                self.words.add("mcp" if item == "*" else f"mcp:{token(item)}")
            elif isinstance(item, tuple):
                self.server(item[0], item[1])
            elif isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict):
                self.server(*next(iter(item.items())))
            else:
                name = item.get("name") if isinstance(item, dict) else None
                self.server(name if isinstance(name, str) else "unnamed", item)

    def server(self, name: Any, definition: Any) -> None:
        """A server that the file brings along: what it starts is part of the word, so that a change shows."""
        self.words.add(f"mcp:{token(str(name)).replace('~', '%7E')}~{digest(definition)}")
        if isinstance(definition, dict) and any(definition.get(key) for key in _TRUSTING):
            self.words.add("permission:mcp")

    def hooks(self, key: str, value: Any, rest: str) -> None:
        if value:
            self.words.add(f"hooks:{digest(value)}")

    def word(self, key: str, value: Any, rest: str) -> None:
        if value and value not in ("disabled", "none", "off"):
            self.words.add(rest)

    def named(self, key: str, value: Any, rest: str) -> None:
        word, _, values = rest.partition("=")
        if values and value not in values.split("|"):
            return
        names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        for name in names if value else ():
            told = token(name.strip()) if isinstance(name, str) else f"~{digest(name)}"
            self.words.add(f"{word}:{told}")

    def value(self, key: str, value: Any, rest: str) -> None:
        if value:
            self.words.add(f"setting:{token(key)}~{digest(value)}")

    def setting(self, key: str, value: Any, rest: str) -> None:
        if value in rest.split("|") if rest else value:
            self.words.add(f"setting:{token(key)}")

    def unset(self, key: str, value: Any, rest: str) -> None:
        if value is False:
            self.words.add(f"setting:{token(key)}")

    def tool_settings(self, key: str, value: Any, rest: str) -> None:
        """What the client grants before it looks at `permission` may stand beside it: only what stands alone is
        believed."""
        for name, settings in value.items() if isinstance(value, dict) else ():
            excused = name not in self.vocabulary or name in self.vocabulary.powers.excused
            if settings == {"permission": "never"} and not excused:
                self.denied.add(name)
                continue
            for word in tuple(self.vocabulary.base(name)) or (f"tool:{token(name)}",):
                whole = settings == {"permission": "always"}
                self.words.add(f"permission:{word}" if whole else f"permission:{word}~{digest(settings)}")


_KINDS: Mapping[str, Callable[[CapabilityReader, str, Any, str], None]] = {
    "none": CapabilityReader.none,
    "allow": CapabilityReader.allow,
    "deny": CapabilityReader.deny,
    "map": CapabilityReader.map,
    "permissions": CapabilityReader.permissions,
    "grants": CapabilityReader.grants,
    "looking": CapabilityReader.looks,
    "mode": CapabilityReader.mode,
    "sandbox": CapabilityReader.sandbox,
    "model": CapabilityReader.model,
    "mcp": CapabilityReader.mcp,
    "hooks": CapabilityReader.hooks,
    "is": CapabilityReader.word,
    "named": CapabilityReader.named,
    "value": CapabilityReader.value,
    "setting": CapabilityReader.setting,
    "unset": CapabilityReader.unset,
    "tool_settings": CapabilityReader.tool_settings,
}
