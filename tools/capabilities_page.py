"""Write the table of docs/reference/capabilities.md from the adapters: `python tools/capabilities_page.py`."""

from pathlib import Path

from agentpack.clients import CLIENTS
from agentpack.clients.capability_meanings import LIMITING

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "capabilities.md"
_BEGIN = "<!-- Written by tools/capabilities_page.py from the adapters. -->\n"
_END = "<!-- The end of what is written. -->\n"
_LIMITS = LIMITING | {"tool_settings", "grants"}
_ONLY_LIMITS = LIMITING - {"map", "permissions"} | {"none"}
_WORDS = {
    "map": "`permission:…`, `bypass`",
    "permissions": "`permission:…`, `bypass`",
    "mode": "`permission:…`, `bypass`",
    "sandbox": "`sandbox:…`, `no-sandbox`",
    "grants": "`permission:…`",
    "tool_settings": "`permission:…`",
    "model": "`model:…`",
    "mcp": "`mcp:…`",
    "hooks": "`hooks:…`",
}


def rows() -> str:
    """A row for each client: what limits it, what gives more, and what gives nothing."""
    found = []
    for name, target in CLIENTS.items():
        declaration = target
        keys = sorted(declaration.keys)
        shown = [key for key in keys if key in declaration.settings or key not in declaration.fixed]
        meanings = {key: declaration.meaning(key) for key in shown}
        limits = ", ".join(f"`{key}`" for key in keys if meanings.get(key, "").partition(":")[0] in _LIMITS)
        if declaration.powers.only_named or declaration.unlimited:
            limits = f"{limits}; without it no tool"
        more = [
            f"`{key}` ({_told(key, how)})" for key, how in meanings.items() if how.partition(":")[0] not in _ONLY_LIMITS
        ]
        nothing = ", ".join(f"`{key}`" for key in declaration.settings if meanings.get(key) == "none")
        found.append(f"| `{name}` | {limits or 'nothing'} | {', '.join(more) or '-'} | {nothing or '-'} |\n")
    return "".join(found)


def _told(key: str, meaning: str) -> str:
    if meaning.startswith("is:"):
        return f"`{meaning.removeprefix('is:')}`"
    if meaning.startswith("named:"):
        return f"`{meaning.removeprefix('named:').partition('=')[0]}:…`"
    return _WORDS.get(meaning, f"`setting:{key}~…`" if meaning == "value" else f"`setting:{key}`")


def page(text: str) -> str:
    """The page with its table as it is now."""
    head, begin, rest = text.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    assert begin
    assert end
    heads = "| client | limited by | gives more | gives nothing |\n| --- | --- | --- | --- |\n"
    return f"{head}{begin}\n{heads}{rows()}\n{end}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
