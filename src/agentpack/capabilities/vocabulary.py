"""The capability words for the names of a client's tools.

Decides which tool or server a name stands for, and its word. What a file says of these names is left to `meaning.py`.
"""

import re
from collections.abc import Iterable, Iterator

from agentpack.capabilities.words import token
from agentpack.clients.base import Client
from agentpack.clients.capability_meanings import COMMON_TOOLS
from agentpack.model.capabilities import EVERY

SIGNS = re.compile(r"[^a-z0-9]")
_SERVER = (
    r"mcp__?(?P<server>[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)(?:__(?P<tool>.*)|_?\*)?\Z"
    r"|(?:@(?P<at>[^/]+)|(?P<before>[^/@]+)(?=/))(?:/(?P<behind>.*))?\Z"
)
_WITH_RULE = r"([^()]+)\((.*)\)\Z"
_NAME = r"[A-Za-z][A-Za-z0-9_-]*(?:(?<!__)|(?<=[^_]__)\*)\Z"


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
        if self.powers.complete and client.skills and client.skills.tool:
            self.words.setdefault(client.skills.tool, (f"tool:{client.skills.tool}",))
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
        """The server and the tool in the name of an MCP tool; None if it is not one."""
        return re.match(self.powers.servers or _SERVER, name)

    def __contains__(self, name: object) -> bool:
        """Whether it is a known tool name of the client."""
        return name in self.words

    def knows(self, name: str) -> bool:
        """Whether it is a known tool name of the client, or a name with one meaning everywhere."""
        return name in self.words or (not self.powers.complete and SIGNS.sub("", name.lower()) in COMMON_TOOLS)

    def parted(self, name: str) -> tuple[str, str | None]:
        """The tool that an entry names, and the text in its brackets; None for the text if it limits nothing."""
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
        common = COMMON_TOOLS.get(SIGNS.sub("", name.lower()))
        if common:
            return (common,)
        return ("mcp",) if name in ("mcp", "@mcp", "mcp_*", "mcp__*") else self.mcp(name)

    def part(self, word: str, name: str) -> str:
        """The word for one of the client's tools where its kind has several."""
        return word if self.natives[word].difference(self.powers.along) == {name} else f"{word}/{token(name)}"

    def limited(self, name: str) -> Iterable[str]:
        """The capability words for a key in a map of limits, which is a tool's name or a pattern for several."""
        if name in self.words:
            return [self.part(word, name) for word in self.words[name] if name in self.natives.get(word, ())]
        return (not self.is_odd(name) and tuple(self.base(name))) or (f"tool:{token(name)}",)

    def is_odd(self, name: str) -> bool:
        """Whether it is a pattern for anything but one whole server."""
        found = self.server(name)
        return ("*" in name or "?" in name) and (found is None or found.groupdict().get("tool") != "*")

    def mcp(self, name: str) -> tuple[str]:
        """The word for a server, for one of its tools, or for an unknown tool."""
        found = self.server(name)
        if found is None:
            return (f"tool:{token(name)}",)
        parts = found.groupdict()
        server = token(parts["server"] or parts.get("at") or parts.get("before") or "").replace("/", "%2F")
        tool = parts["tool"] or parts.get("behind")
        return (f"mcp:{server}/{token(tool)}" if tool and "*" not in tool else f"mcp:{server}",)
