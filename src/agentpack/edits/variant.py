"""Turn an edited rendering into a local variant that reproduces it, or list why none does.

Decides what of a file's header and body a variant can express. The caller decides where the edit comes from and checks
that the variant reproduces it: `keep` for files on disk, `rebase_variants` for what a new release makes of an earlier
variant.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.clients.base import Client
from agentpack.clients.claude import canonical_tools
from agentpack.clients.read_back import canonical, fields_and_body
from agentpack.compose.compose import Pack
from agentpack.compose.conflicts import Draft
from agentpack.compose.modules import HEADING, in_place
from agentpack.compose.parse import split_front_matter
from agentpack.differences.parsed_files import MAX_BYTES
from agentpack.edits.recognise import read_file
from agentpack.edits.rules import Edits, escaped, read_edits, short, variant_text
from agentpack.errors import DecisionNeeded, InvalidFile
from agentpack.input.hidden_text import text_findings
from agentpack.input.parameters import Value
from agentpack.merge.fields import same_value
from agentpack.model.line_ends import plain
from agentpack.model.persona import Persona, Rule, Section
from agentpack.model.rendering import Rendering


class EditedPersona(NamedTuple):
    """An edited persona: its name in the pack, its draft and values, and the files that contain the edit."""

    pack: Pack
    source_name: str
    persona: Persona
    draft: Draft
    values: Mapping[str, Value]
    files: tuple[tuple[Rendering, bytes], ...]
    """What was rendered, and the edited text, both with LF. The edit is read from the first one."""

    @property
    def parts(self) -> dict[str, Section | Rule]:
        """Rules and headings by id, as in their files."""
        found: dict[str, Section | Rule] = {}
        for section in self.draft.sections:
            both: list[Section | Rule] = [section, *section.rules]
            found.update({part.id: part for part in both if part.id is not None})
        return found

    @property
    def is_literal(self) -> bool:
        """Whether double braces are text: in agents of collections."""
        return self.pack.bare

    @property
    def sources(self) -> dict[str, str]:
        """The text of each rule and heading by its id, with placeholders."""
        return {id: part.heading if isinstance(part, Section) else part.text for id, part in self.parts.items()}

    @property
    def taken(self) -> set[str]:
        """The ids in use in this persona with any of its variants."""
        layers = self.pack.variants.get(self.source_name, {}).values()
        sections = [section for layer in layers for section in layer.sections]
        return {*self.parts, *(id for s in sections for id in (s.id, *(rule.id for rule in s.rules)) if id is not None)}


class VariantEdit(NamedTuple):
    """An edit in the form a variant can express."""

    edits: Edits
    fields: Mapping[str, Any]
    """The header fields it sets."""

    def __bool__(self) -> bool:
        return bool(self.edits.removed or self.edits.sections or self.fields)


def variant_edit(edited: EditedPersona, client: Client) -> VariantEdit:
    """The edit in body and header of the first file, which must be one for this client.

    Raises:
        DecisionNeeded: lists everything a variant cannot express.
    """
    file, data = edited.files[0]
    if len(data) > MAX_BYTES:
        raise not_expressible(edited, [f"{file.path} is larger than {MAX_BYTES // 1024:,} KiB: not analysed"])
    if found := [one for one in text_findings(data, file.path) if one.why != "not-utf-8"]:
        raise not_expressible(edited, ["hidden text was added", *map(str, found)])
    try:
        text = plain(data).decode()
    except UnicodeDecodeError:
        raise not_expressible(edited, ["the file is no longer UTF-8"]) from None
    before = fields_and_body(client, plain(file.content).decode(), "header")
    if before is None or before[1] != edited.persona.body:
        raise not_expressible(edited, [f"{file.path}: agentpack cannot tell apart the rules of a {client.title} file"])
    try:
        after = fields_and_body(client, text, "header", judging=True)  # found again in the variant made of it
    except InvalidFile as error:
        raise not_expressible(edited, [f"the header is invalid: {fault}" for fault in error.faults]) from None
    if after is None:
        raise not_expressible(edited, ["the header was removed"])
    sections = edited.draft.sections if edited.pack.bare else edited.persona.sections
    edits = read_edits(sections, in_place(after[1]), edited.taken)
    fields, unsaid = _fields(client, before[0], after[0], str if edited.is_literal else escaped)
    if edits.unsaid or unsaid:
        raise not_expressible(edited, [*unsaid, *edits.unsaid])
    return VariantEdit(edits, fields)


def variant_of(edited: EditedPersona, found: VariantEdit, *, summary: str, after: Sequence[str]) -> str:
    """The text of a variant that makes the edit when applied after these variants."""
    return variant_text(
        found.edits,
        edited.sources,
        None if edited.is_literal else edited.values,
        summary=summary,
        set_fields=found.fields,
        after=after,
    )


def _fields(
    client: Client, old: Mapping[str, Any], new: Mapping[str, Any], escape: Callable[[str], str]
) -> tuple[dict[str, Any], list[str]]:
    """The fields a variant must set to get this header, and a description of what it cannot set."""
    fields: dict[str, Any] = {}
    natives: dict[str, Any] = {}
    unsaid = []
    for key in [*new, *(key for key in old if key not in new)]:
        if key in new and key in old and same_value(new[key], old[key]):
            continue
        if key == client.name_key:
            unsaid.append(f"`{key}` was changed: `as:` in agentpack.yaml gives a persona another name")
        elif (tools := _tools(client, key, new.get(key))) is not None:
            fields.update(tools)
        elif key not in new and client.form.roles.get(key) == "deny":
            fields["deny"] = []
        elif key not in new:
            unsaid.append(f"the field `{key}` was removed, but a variant can only set it")
        elif key == client.description:
            fields["description"] = escape(str(new[key]))
        elif (choice := client.choices.get(client.form.roles.get(key, ""))) is not None:
            fields[client.form.roles[key]] = word = choice.canonical(new[key])
            if word is None:
                unsaid.append(f"`{key}: {new[key]}` is not one of {', '.join(choice.words.values())}")
        elif "model" in (header := canonical(client, {key: new[key]})[0]):
            fields["model"] = escape(str(header["model"]))
        else:
            natives[key] = new[key]
    if natives:
        fields["clients"] = {client.name: natives}
    return fields, unsaid


def _tools(client: Client, key: str, value: Any) -> Mapping[str, list[str]] | None:
    """What a variant sets to allow or deny the same tools as a client's field. None if it is another field, or names a
    tool that agentpack has no word for.
    """
    if client.form.roles.get(key) not in ("tools", "deny"):
        return None
    found = canonical(client, {key: value})[0]
    if client.name == "claude" and client.form.roles[key] == "tools":
        found = {"tools": canonical_tools(value)}  # the list is to have the very order that it has
    said = {field: found[field] for field in ("tools", "deny") if found.get(field) is not None}
    return said or None


# What the variant gives.


def differs_in(target: Client, persona: str, content: bytes, data: bytes) -> str | None:
    """A sentence on how a re-rendered file differs from its target in ways no variant can control, such as quotes;
    empty if it does not differ, None if it means something else.
    """
    if content == data:
        return ""
    if _without_blank_lines(content) == _without_blank_lines(data):
        return "blank lines are now formatted by agentpack"
    one, other = (read_file(target, text, persona) for text in (content, data))
    if one.fault or other.fault or one.fields != other.fields:
        return None
    body, edited, placed = (
        _without_blank_lines(text.encode()) for text in (one.body, other.body, in_place(other.body))
    )
    if body == edited:
        return "the words of the header are now formatted by agentpack"
    above = f"your lines move above `{HEADING}`, which agentpack writes at the end"
    return above if body == placed else None


def _without_blank_lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line.strip()]


def first_difference(content: bytes, data: bytes) -> str:
    """A description of the first place where a re-rendered file differs."""
    ours, theirs = data.decode().split("\n"), content.decode().split("\n")
    number = next(
        (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    header = split_front_matter(data.decode())
    line = ours[number] if number < len(ours) else ""
    if header is not None and number + 1 < header[2]:
        return f"line {number + 1}: agentpack writes the header differently: “{short(line)}”"
    if data.split() == content.split():
        return f"line {number + 1}: white space was changed near “{short(line) or short(ours[max(number - 1, 0)])}”"
    return f"line {number + 1}: “{short(line)}”"


def not_expressible(edited: EditedPersona, reasons: Sequence[str]) -> DecisionNeeded:
    """The refusal that lists which edits no variant can express."""
    persona = edited.files[0][0].persona
    which = "" if edited.pack.bare else " that have an id"
    patch = f", and `agentpack keep {persona} --patch` prints them for the author" if edited.pack.bare else ""
    hint = (
        f"change, add or remove only whole rules{which}; `agentpack diff {persona}` shows the edits, which stay on "
        f"disk and are merged by upgrades in any case{patch}"
    )
    return DecisionNeeded(
        f"some edits of `{persona}` cannot be expressed as a variant; nothing was written", details=reasons, hint=hint
    )
