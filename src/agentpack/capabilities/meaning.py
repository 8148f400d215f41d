"""Turn the fields of an agent file into the capabilities its client grants the persona.

There is a method for each meaning a key may have (`clients/capability_meanings.py`). Things a file brings along, such
as hooks or the command of a server, are included as a digest, so that changing them changes the word.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentpack.capabilities.permissions import (
    ALLOWED,
    ASKED,
    MAX_TRIED,
    PermissionMap,
    Rules,
    allows,
    in_force,
    is_denial,
    limit_of,
    rules_of,
)
from agentpack.capabilities.vocabulary import SIGNS, ToolVocabulary
from agentpack.capabilities.words import digest, model_class, token
from agentpack.clients.capability_meanings import BYPASSING, DEFAULTS, PLAN
from agentpack.clients.grammar import ALL, NAMES, NONE, REFUSED, UNREAD, Grammar, ParsedList, listed
from agentpack.input.setting_forms import is_permissions
from agentpack.model.capabilities import (
    ASK,
    BUT,
    CHANGES,
    DENIED,
    EVERY,
    LIMITS,
    LOOKING,
    OTHERS,
    SOME_ASK,
    UNLIMITED,
    inherited_limit,
    is_denied,
    within,
)

_TRUSTING = frozenset(("autoApprove", "auto_approve", "alwaysAllow", "trust"))


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
        self.limits: dict[str, str] = {}
        """Names of tools, which may be patterns, and how each is limited where it is not taken away."""
        self.skills: dict[str, str] = {}
        """The words for skills, and how each is limited."""
        self.others = self.overall = UNLIMITED
        """How tools that a map does not name are limited, and how every tool is limited."""
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
            denied.update(self.limited_words(denied))
            return {BUT + "+".join(sorted(denied)) if denied else EVERY}
        gone = self.denied_tools()
        left = {name for name in self.allowed - self.denied if self.vocabulary.parted(name)[0] not in gone}
        words = set(self.granted(left, self.allowed))
        words = {word for word in words if EVERY not in denied and not is_denied(word, denied)}
        if EVERY in words:
            self.allowed = None
            return self.tools()
        words = self.narrowed(words)
        if self.looking:
            return {word for word in words if word.partition("(")[0] in LOOKING}
        if not self.planning:
            return words
        return {word if word in LOOKING else f"{word}(plan)" for word in words}

    def granted(self, names: set[str], given: set[str]) -> Iterator[str]:
        """The words for tools in a list or a map, each with its limit.

        Args:
            given: these tools, and those of them that are denied elsewhere in the file.
        """
        vocabulary, mapped = self.vocabulary, bool(self.switches or self.rules)
        for name in names:
            limit = self.limits.get(name, UNLIMITED)
            for word in vocabulary.tool(name):
                natives = vocabulary.natives.get(word, set()).difference(vocabulary.powers.along)
                has_limits = any(self.limits.get(one, UNLIMITED) != UNLIMITED for one in natives & names)
                is_part = not natives <= names and (mapped or not natives.isdisjoint(given - names))
                if name in natives and (has_limits or is_part):
                    word = vocabulary.part(word, name)
                yield f"{word}({limit})" if limit != UNLIMITED and not word.endswith(")") else word

    def narrowed(self, words: set[str]) -> set[str]:
        """These words, with what limits all tools, or the tools that load skills, at any rate."""
        limit, tools = self.overall, words
        if self.skills and limit == UNLIMITED:
            limit = f"{LIMITS}{digest(sorted(self.skills.items()))}"
            use = self.vocabulary.client.skills
            tools = {*self.vocabulary.base(use.tool)} if use and use.tool else words
        if limit == UNLIMITED:
            return words
        return {f"{word}({limit})" if word in tools and not word.endswith(")") else word for word in words}

    def limited_words(self, denied: set[str]) -> Iterator[str]:
        """The words for tools that are limited, or are free while other tools are limited, except those in `denied`."""
        others = [limit for limit in (self.others, self.overall) if limit != UNLIMITED]
        limits = {OTHERS: others[0] if len(others) == 1 else f"{LIMITS}{digest(others)}"} if others else {}
        limits |= self.skills
        for name, limit in self.limits.items():
            if name not in self.vocabulary.powers.along and (limit != DENIED or name not in self.vocabulary):
                limits |= dict.fromkeys(self.vocabulary.limited(name), limit)
        limits = {word: limit for word, limit in limits.items() if word not in denied}
        named = {**limits, **dict.fromkeys(denied, DENIED)}
        for word, limit in limits.items():
            if limit != inherited_limit(named, word):
                yield word if limit == DENIED else f"{word}({limit or 'allow'})"

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
        every, own = rules.every, is_denial(rules.every)
        patterns = {name: rules.of_pattern(name) for name in rules.patterns if name.strip("*")}
        given = {name: its for name, its in patterns.items() if its != every and not is_denial(its)}
        wide = {name: its for name, its in given.items() if "*" in name and not name.strip("*?")}
        if own or wide:
            self.allowed = None if wide else set()  # such a pattern gives more tools than we know the names of
        for its in filter(allows, (every, *wide.values())):
            self.words.add("bypass" if its == ALLOWED else f"permission:custom~{digest(its)}")
        for name in dict.fromkeys((*vocabulary.words, *rules.plain)):
            its = rules.of_tool(name)
            self.limits[name] = limit_of(its)
            if is_denial(its) and name in vocabulary:
                self.denied.add(name)
            elif its != every or name in rules:
                self.give(name, its, own=own)
        raised = []
        for name, its in patterns.items():
            later = [(key, (key.name, key.rules)) for key in rules.exceptions_to(name) if key.rules != its]
            # a tool that we know, or of a server that the map names, has a word of its own, unless only some are named
            is_odd, only = vocabulary.is_odd(name), self.allowed is not None
            some = [
                told
                for key, told in later
                if (key.rules != ALLOWED if only else key.glob or (is_odd and key.name not in vocabulary))
            ]
            self.limits[name] = limit_of(in_force((*every, *its)), some)
            if name in given and name not in wide:
                self.give(name, its, [told for key, told in later if key.rules != ALLOWED], own=own)
            if not within(self.limits[name], limit_of(every)) and is_odd:
                raised.append((name, its))
        self.others = limit_of(every, raised)

    def give(self, name: str, rules: Rules, exceptions: Sequence[tuple[str, Rules]] = (), *, own: bool) -> None:
        """Add the words for a tool, or those that a pattern matches.

        Args:
            rules: its rules.
            exceptions: the keys that may take something of the pattern out again.
            own: whether nothing else is given; what agentpack then writes for a persona's tools needs no further word.
        """
        vocabulary, limit = self.vocabulary, self.limits[name]
        grants = vocabulary.client.tools.grants if vocabulary.client.tools else {}
        usual = in_force(rules_of(grants.get(name, "allow"))) if own else ()
        is_usual = rules == usual or (usual == ASKED and limit.startswith(SOME_ASK))
        if self.allowed is not None and is_usual and not exceptions:
            limit = self.limits[name] = UNLIMITED
        words = tuple(vocabulary.base(name)) or (f"tool:{token(name)}",)
        if self.allowed is not None and name in vocabulary:
            self.allowed.add(name)
        elif self.allowed is not None and limit != DENIED:
            self.words.update(f"{word}({limit})" if limit else word for word in words)
        if not allows(rules) or rules == usual:
            return
        whole = rules == ALLOWED and not exceptions and not vocabulary.is_odd(name)
        detail = "" if whole else f"~{digest((rules, exceptions) if exceptions else rules)}"
        words = tuple(vocabulary.limited(name)) if name in vocabulary else words
        self.words |= {f"permission:{word}{detail}" for word in words}

    def grants(self, key: str, value: Any, rest: str) -> None:
        if isinstance(value, str):
            self.mode(key, value, rest)
        elif value:
            detail = digest(value, ordered=True)
            self.words.add(f"permission:custom~{detail}")
            if isinstance(value, dict) and value.keys() != {"allow"}:
                self.overall = f"{LIMITS}{detail}"

    def looks(self, key: str, value: Any, rest: str) -> None:
        expected = self.vocabulary.client.readonly.get(key, True)
        self.looking = self.looking or (value == expected and type(value) is type(expected))

    def mode(self, key: str, value: Any, rest: str) -> None:
        bare = SIGNS.sub("", str(value).lower())
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
        bare = SIGNS.sub("", str(value).lower())
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
        """Add the word for an MCP server that the file defines. It has a digest of the definition, so that a change
        shows.
        """
        self.words.add(f"mcp:{token(str(name)).replace('~', '%7E')}~{digest(definition)}")
        if isinstance(definition, dict) and any(definition.get(key) for key in _TRUSTING):
            self.words.add("permission:mcp")

    def hooks(self, key: str, value: Any, rest: str) -> None:
        if value:
            self.words.add(f"hooks:{digest(value)}")

    def only_skills(self, key: str, value: Any, rest: str) -> None:
        form, names = listed(self.vocabulary.client.grammar, value)
        if form == NAMES:
            self.skills = {"skills": DENIED, **{f"skills/{token(name)}": UNLIMITED for name in names}}
        elif form != ALL:
            self.skills["skills"] = f"{LIMITS}{digest(value)}"

    def without_skills(self, key: str, value: Any, rest: str) -> None:
        form, names = (ALL, ()) if value is True else listed(self.vocabulary.client.denying, value)
        if form == NONE or self.fields.get(rest):
            return
        if form == NAMES:
            self.skills.update({f"skills/{token(name)}": DENIED for name in names})
        else:
            self.skills["skills"] = DENIED if form == ALL else f"{LIMITS}{digest(value)}"

    def off(self, key: str, value: Any, rest: str) -> None:
        if value is True:
            self.allowed = set()

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
        """Read settings by tool. `permission` counts only if it is a tool's only setting: the client may grant more by
        others before it looks at it.
        """
        for name, settings in value.items() if isinstance(value, dict) else ():
            excused = name not in self.vocabulary or name in self.vocabulary.powers.excused
            if settings == {"permission": "never"} and not excused:
                self.denied.add(name)
                continue
            whole, asked = (settings == {"permission": grant} for grant in ("always", "ask"))
            if not whole:
                self.limits[name] = ASK if asked and not excused else f"{LIMITS}{digest(settings)}"
            for word in () if asked else tuple(self.vocabulary.base(name)) or (f"tool:{token(name)}",):
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
    "only_skills": CapabilityReader.only_skills,
    "without_skills": CapabilityReader.without_skills,
    "off": CapabilityReader.off,
    "is": CapabilityReader.word,
    "named": CapabilityReader.named,
    "value": CapabilityReader.value,
    "setting": CapabilityReader.setting,
    "unset": CapabilityReader.unset,
    "tool_settings": CapabilityReader.tool_settings,
}
