"""The rules of `pack check` for the fields of an agent file but name and description: tools, model, and the others."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

from agentpack.authoring.findings import ERROR, CheckFinding
from agentpack.capabilities.vocabulary import ToolVocabulary
from agentpack.clients.base import Client
from agentpack.clients.capability_meanings import COMMON_TOOLS, LIMITING, MEANINGS
from agentpack.clients.grammar import ALL, NAMES, NONE, REFUSED, listed
from agentpack.input.setting_forms import fit_setting
from agentpack.model.names import did_you_mean

_SIGNS = re.compile("[^a-z0-9]")
_VAGUE = ("none", "setting", "value")
"""Meanings that two fields can have without being the same thing."""
_TYPO = 0.8
"""How like a known tool a name must be to count as a typo, if not all tools are known."""


class FieldsHeader(Protocol):
    """The header of a file (`agent_files.Header`)."""

    @property
    def fields(self) -> Mapping[str, Any]: ...
    def line_of(self, key: str) -> int: ...


class Reporting(Protocol):
    """What is needed of the checked file, which is an `agent_files.AgentText`."""

    @property
    def client(self) -> Client: ...
    def finding(
        self, rule: str, message: str, hint: str | None = None, *, line: int = 0, level: str = ""
    ) -> CheckFinding: ...


def field_findings(text: Reporting, header: FieldsHeader) -> Iterator[CheckFinding]:
    """The findings in the fields of a header other than name and description."""
    client = text.client
    model = client.model
    for key, value in header.fields.items():
        line = header.line_of(key)
        if key in (client.name_key, client.description, client.provider, client.repeated, client.body):
            continue
        if client.tools is not None and key in (client.tools.key, client.tools.deny):
            yield from _tool_findings(text, key, value, line)
        elif key not in _known_fields(client):
            yield from _unknown_field(text, key, value, line)
        elif value is None:
            continue
        elif key == model:
            yield from _model_findings(text, header, value, line)
        elif message := _bad_value(client, key, value):
            yield text.finding("A403", f"{client.title} ignores `{key}: {_brief(value)}`", message, line=line)
        elif key in client.idle:
            yield text.finding("A404", f"`{key}`, {client.idle[key]}, limits nothing", line=line)


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text[:60].split()) + ("…" if len(text) > 60 else "")


# Fields.


def _known_fields(client: Client) -> frozenset[str]:
    return client.keys.union(client.native, client.file_rules.fields)


def _unknown_field(text: Reporting, key: str, value: Any, line: int) -> Iterator[CheckFinding]:
    client, rules = text.client, text.client.file_rules
    meaning = MEANINGS.get(key, "none")
    known = sorted(_known_fields(client))
    same = [name for name in known if meaning not in _VAGUE and client.meaning(name) == meaning]
    same = same or [name for name in known if _plain(name) == _plain(key)]
    hint = f"write `{same[0]}`" if same else did_you_mean(key, known)
    sure = client.verified_by in ("judge", "source") and not rules.more_fields
    message = f"{client.title} has no field `{key}`" if sure else f"`{key}` is not a known field of {client.title}"
    level = ""
    if rules.refuses_unknown:
        message, level = f"{message}, and does not load the file", ERROR
    elif meaning in LIMITING and value not in (None, False):
        message, level = f"{message}, so it limits nothing", ERROR if sure else ""
    yield text.finding("A402", message, hint, line=line, level=level)


def _plain(word: str) -> str:
    return _SIGNS.sub("", word.lower())


def _bad_value(client: Client, key: str, value: Any) -> str | None:
    """What a field takes instead of its value; None if the client accepts it."""
    choices = [choice for choice in client.choices.values() if choice.key == key]
    if any(choice.canonical(value) is not None for choice in choices):
        return None
    form = client.native.get(key)
    if form is None:
        if not choices:
            return None
        words = list(choices[0].words.values())
        return did_you_mean(str(value), words) or f"use one of {', '.join(words)}"
    try:
        fit_setting(form, value)
    except ValueError as error:
        near = did_you_mean(str(value), form.split("|")) if "|" in form else None
        return near or f"it takes {error}"
    return None


def _model_findings(text: Reporting, header: FieldsHeader, value: Any, line: int) -> Iterator[CheckFinding]:
    client = text.client
    if isinstance(value, list) and client.file_rules.model_lists:
        return
    if not isinstance(value, str) or not value.strip():
        yield text.finding("A403", f"{client.title} ignores `{client.model}: {_brief(value)}`", "write text", line=line)
        return
    if client.provider is not None:
        provider = header.fields.get(client.provider)
        if not isinstance(provider, str):
            return
        value = f"{provider}/{value}"
    ids = client.file_rules.models or client.ids
    if value in client.models or (ids and re.fullmatch(ids, value)):
        return
    hint = did_you_mean(value, client.models)
    if not ids and hint is None:
        return  # any other model may be one that the client knows
    hint = hint or (f"it looks like `{client.id_example}`" if client.id_example else None)
    if hint is None:
        hint = f"write {' or '.join(f'`{name}`' for name in client.models)}" if client.models else "leave it out"
    yield text.finding("A401", f"`{value}` is not a known model of {client.title}", hint, line=line)


# Tools.


def _tool_findings(text: Reporting, key: str, value: Any, line: int) -> Iterator[CheckFinding]:
    client = text.client
    assert client.tools is not None
    if client.tools.style in ("map", "permissions") and client.meaning(key) in ("map", "permissions"):
        if isinstance(value, dict):
            yield from _names_findings(text, key, value, line)
        elif key in client.settings and (message := _bad_value(client, key, value)):
            yield text.finding("A403", f"{client.title} ignores `{key}: {_brief(value)}`", message, line=line)
        return
    denies = key == client.tools.deny
    grammar = client.denying if denies else client.grammar
    form = listed(grammar, value, ToolVocabulary(client).__contains__).form
    names = listed(grammar._replace(stars=frozenset(), any_name=True), value).names
    if form == NAMES and isinstance(value, list) and any(not isinstance(item, str | list) for item in value):
        message = f"{client.title} ignores items of `{key}` that are not text"
        yield text.finding("A303", message, "write each tool as text", line=line)
    if misread := _misread(form, value, starred=not grammar.stars.isdisjoint(names), denies=denies):
        said, level = misread
        shown = f"`{key}: {_brief(value)}`" if value not in (None, "") else f"`{key}:`"
        hint = f"list tool names, or remove `{key}`"
        yield text.finding("A303", f"{client.title} {said.format(shown)}", hint, line=line, level=level)
    yield from _names_findings(text, key, names, line)


def _misread(form: str, value: Any, *, starred: bool, denies: bool) -> tuple[str, str] | None:
    """What the client makes of a list of tools (`{}` stands for the list), and the level; None if it reads the list as
    it looks.
    """
    if form == REFUSED:
        return "does not load a file with {}", ERROR
    if denies:
        return ("denies nothing for {}", "") if form == NONE and value not in (None, "", []) else None
    if form == ALL and not starred:
        return "reads {} as no limit: the agent gets every tool", ""
    return ("gives the agent no tools for {}", "") if form == NONE and value != [] else None


def _names_findings(text: Reporting, key: str, names: Iterable[str], line: int) -> Iterator[CheckFinding]:
    client = text.client
    vocabulary = ToolVocabulary(client)
    powers = client.powers
    loader = [client.skills.tool] if client.skills is not None and client.skills.tool else []
    known = dict.fromkeys(
        (*vocabulary.words, *powers.aliases, *powers.switched, *powers.denied, *client.file_rules.tools, *loader)
    )
    for name in dict.fromkeys(names):
        base = vocabulary.parted(str(name))[0]
        if base in known or base in client.grammar.stars or "*" in base or not base:
            continue
        same = next((one for one in known if one.lower() == base.lower()), None)
        if same is not None:
            message = f"{client.title} does not accept `{base}` for its tool `{same}`"
            yield text.finding("A302", message, f"write `{same}`", line=line)
            continue
        if vocabulary.server(base) or (not powers.complete and vocabulary.knows(base)):
            continue
        hint = _instead(client, base)
        near = get_close_matches(base, known, n=1, cutoff=_TYPO)
        if hint or near or client.file_rules.all_tools:
            hint = hint or did_you_mean(base, known)
            yield text.finding("A301", f"{client.title} has no tool `{base}` (in `{key}`)", hint, line=line)


def _instead(client: Client, name: str) -> str | None:
    """A hint with the client's own tools for the same use; None if the name means nothing elsewhere."""
    word = COMMON_TOOLS.get(_plain(name))
    natives = client.tools.names.get(word, ()) if client.tools is not None and word else ()
    return f"write {' or '.join(f'`{native}`' for native in natives)}" if natives else None
