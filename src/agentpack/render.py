"""Render a persona for a client. Pure: the same input gives the same bytes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agentpack.capabilities.of_file import capabilities
from agentpack.clients.base import Client
from agentpack.clients.render import interprets, render_file
from agentpack.errors import InvalidFile, UsageError
from agentpack.model.line_ends import as_crlf, as_lf, in_form_of
from agentpack.model.names import text_digest
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.model.rendering import Note, Rendering

if TYPE_CHECKING:
    from agentpack.clients.read_back import AgentFile


def render(
    persona: Persona,
    target: Client,
    *,
    pack: str,
    scope: str,
    variables: Mapping[str, str],
    models: Mapping[str, Mapping[str, str]],
    crlf: bool = False,
    original: bytes | None = None,
    unmodified: bool = False,
    called: str = "",
    source: Client | None = None,
) -> Rendering | None:
    """The file of this persona for this client; None if the client has no agents in this scope.

    Args:
        pack: the pack's name, stored in the rendering.
        scope: `project` or `user`.
        variables: environment variables, which may move the client's folder.
        models: the model names that the manifest sets for each client.
        crlf: write CRLF line ends, as in the persona's source. An entry of a shared file takes the
            line ends of that file.
        original: the client's own file that the persona was made from. It is written byte for byte, but for what has
            come over the persona since: a variant, another name, another model.
        unmodified: nothing has.
        called: what that file calls the agent, if not by the persona's name.
        source: the client for which the file was written that the persona was made from, if what it says is to be
            translated for others.
    """
    path = target.path(persona.name, scope, variables)
    if path is None:
        return None
    found = None
    if source is not None and source is not target:
        from agentpack.translate import translate  # only for files of another client

        found = translate(persona, source, target)
    name = called if called and original is not None else persona.name
    said = render_file(target, persona.named(name), models, found.limits if found else None)
    content, notes = as_lf(said.text.encode()), said.notes
    if called and original is None:
        notes = (Note("name: changed to lower-case letters, digits and hyphens"), *notes)
    if original is not None:
        merged = original if unmodified else _over(original, content, target, name)
        if isinstance(merged, str):
            notes = (*notes, Note("rewritten", merged))
        else:
            content = merged
    elif crlf and target.shared is None:
        content = as_crlf(content)
    text = as_lf(content)
    may = capabilities(target, text)
    if name in target.file_rules.own_agents:
        may = tuple(sorted((*may, f"replaces:{name}")))
    as_it_was = unmodified and content is original
    return Rendering(
        client=target.name,
        pack=pack,
        persona=persona.name,
        path=path,
        content=content,
        notes=notes,
        lost=() if as_it_was else said.lost or (found.lost(may) if found else ()),
        known=text_digest(content),  # lock and plan both ask for it
        capabilities=may,
        form=target.form,
        called="" if name == persona.name else name,
        is_own=source is target,
    )


def _over(original: bytes, said: bytes, client: Client, name: str) -> bytes | str:
    """The original file with the changes of the persona since it was made from it.

    A text instead of bytes says why that is impossible: the client would not read the file as this agent, or would
    interpret text in it.
    """
    from agentpack.clients.read_back import fields_and_body, read_agent_file
    from agentpack.input.documents import decode
    from agentpack.merge import merge, resolved  # only where a persona was made from a client's file, and changed

    unread = f"{client.title} would not read the original file as this agent"
    try:
        read = read_agent_file(client, original, name)
        before = render_file(client, _as_persona(read, name), {})
        found = merge(as_lf(before.text.encode()), original, said, form=client.format)
        # where both differ, the original says what the persona said, in words of its own
        merged = found.content or in_form_of(original, resolved(found.draft, 2).encode() or said)
        result = read_agent_file(client, merged, "")
        front = fields_and_body(client, decode(merged, name), name)
    except (InvalidFile, UsageError):
        return unread
    if front is None or result.header["name"] not in (name, "" if client.header != "claude" else name):
        return unread
    if interprets(client, result.body):
        return f"{client.title} would interpret text in the original file"
    return merged


def _as_persona(read: "AgentFile", name: str) -> Persona:
    """The persona described by a client's file."""
    origin = Origin("release", "")
    header = {"description": name, **read.header}  # as a local pack has one, where the client shows none
    fields = {key: Field(value, origin) for key, value in header.items() if key != "name"}
    body = Rule(None, read.body, "", None, "text", 0, origin)
    return Persona(str(read.header["name"]), fields, (Section(None, 0, "", "", None, 0, (body,), origin),))
