"""explain: the origin of each field and rule of an installed file as it is on disk. Writes nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from agentpack.changes.differences import ComparisonFilter
from agentpack.changes.pristine import Pristine
from agentpack.compose.substitute import PLACEHOLDER, as_text
from agentpack.differences.header import in_words
from agentpack.differences.parsed_files import MAX_BYTES, ParsedFile, parse_edited, parse_pristine
from agentpack.differences.rules import EDIT, Entry, pair
from agentpack.errors import Bug, DecisionNeeded, Fault, InvalidFile, Unavailable, UsageError
from agentpack.model.history import InstalledFile
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Origin, Rule, Section
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.selection import Selection
from agentpack.workspace.preconditions import nothing_installed_error, require_lock
from agentpack.workspace.workspace import Workspace, read_consistently


class Origins(NamedTuple):
    """Where something came from: the release, variant or parameter, and the user-set parameters it uses."""

    origin: Origin
    parameters: tuple[str, ...] = ()


class ExplainedLine(NamedTuple):
    """One field or rule. `state` is `released`, or by hand `edited`, `added` or `removed`."""

    kind: str
    """`field`, `heading`, `item`, `code` or `text`."""
    name: str | None
    """The name of a field, or the id of a rule or heading."""
    section: str
    text: str
    state: str
    origin: Origins
    """For a line edited or added by hand: the edit."""
    released: Entry | None = None
    """The released rule, for one that was edited or removed."""
    entry: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedFile:
    """One installed file with its fields and rules in file order; removed ones are at their old place."""

    path: str
    client: str
    pack: str
    persona: str
    release: str
    """Pack name, version and variants, as text."""
    missing: bool
    """There is no file; the lines show what would be in it."""
    fields: tuple[ExplainedLine, ...]
    rules: tuple[ExplainedLine, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    """Maps the client's own keys to persona fields."""


class SourcePlace(NamedTuple):
    """A place in a pack where a rule or field is written, with its text before parameters are filled in."""

    origin: Origin
    file: str
    line: int
    text: str
    when: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRule:
    """One rule or field in full."""

    line: ExplainedLine
    file: ExplainedFile
    places: tuple[SourcePlace, ...]
    """Every layer that has it, lowest first: the last one counts and replaced the others."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The parameter values in its text or condition."""
    set_by_user: frozenset[str] = frozenset()


@read_consistently
def explain(workspace: Workspace, limits: ComparisonFilter) -> tuple[ExplainedFile, ...]:
    """Explain every installed file of a pack or persona.

    Raises:
        UsageError: there is no such pack, persona or client.
        DecisionNeeded: there is no lock.
    """
    return tuple(explained for explained, _ in _explained(workspace, limits))


def _explained(workspace: Workspace, limits: ComparisonFilter) -> Iterator[tuple[ExplainedFile, "_PersonaLayers"]]:
    if workspace.lock is None and workspace.documents.manifest_bytes is None:
        raise nothing_installed_error()
    require_lock(workspace)
    recorded = _recorded(workspace)
    limits.check(workspace, recorded.values())
    pristine = Pristine(workspace)
    for _, row in sorted(recorded.items()):
        if not limits.includes(row):
            continue
        again, part = pristine.again(row), pristine.part(row)
        found = again.wanted.files.get(row.path) if again else None
        text = pristine.text(row) or (found.content if found else None)
        if again is None or part is None or text is None:
            if isinstance(pristine.failure, Unavailable):
                raise pristine.failure
            why = f": {pristine.failure.message}" if pristine.failure else ""
            raise DecisionNeeded(
                f"{row.path}: its release can no longer be rendered{why}",
                hint="`agentpack upgrade` writes the file from an available release",
            )
        behind = _PersonaLayers(part, again.pinned)
        own = Origin("release", part.pack.release)
        parsed = parse_pristine(text, workspace.form_of(row.client), part.persona, own)
        yield _file(workspace, row, parsed, behind), behind


def _recorded(workspace: Workspace) -> Mapping[str, InstalledFile]:
    return {**{row.path: row for row in workspace.states.elsewhere}, **workspace.states.recorded}


def is_installed(workspace: Workspace, name: str) -> bool:
    """Whether a pack, a persona or a file of this name is installed."""
    return any(name in (row.pack, row.persona, row.path) for row in _recorded(workspace).values())


class _PersonaLayers:
    """The layers and parameters of a persona."""

    def __init__(self, part: AssembledPersona, pinned: Selection) -> None:
        self.part, self.layers = part, pinned.assembler.layers(part)
        self.set_by_user: Mapping[str, Any] = pinned.manifest.parameters(part.pack.name)
        self.defaults = {name: declaration.default for name, declaration in part.pack.declarations.items()}
        for layer in self.layers:
            self.defaults.update(layer.layer.header.get("set", {}).get("parameters", {}))

    @property
    def release(self) -> str:
        variants = f" [{', '.join(self.part.variants)}]" if self.part.variants else ""
        return f"{self.part.pack.release}{variants}"

    @property
    def values(self) -> Mapping[str, Any]:
        return {**self.defaults, **self.set_by_user}

    def origins(self, entry: Entry) -> Origins:
        """A rule's origin, with the user-set parameters in its text or condition."""
        origin = entry.origin or EDIT
        places = [place for place in self.places(entry) if place.origin == origin]
        used = _names(places[-1].text, places[-1].when) if places else ()
        return Origins(origin, tuple(name for name in used if name in self.set_by_user))

    def places(self, entry: Entry) -> list[SourcePlace]:
        """Where a rule or heading is written: found by its id, or without one by its line in its layer."""
        key = (entry.origin, entry.line) if entry.id is None else entry.id
        return self._places.get(key, [])

    @cached_property
    def _places(self) -> Mapping[object, list[SourcePlace]]:
        """The places of every rule and heading by id, or by origin and line if it has none."""
        found: dict[object, list[SourcePlace]] = {}
        for _, layer, origin, _ in self.layers:
            for part, text in _parts(layer.sections):
                if part.line:
                    place = SourcePlace(origin, layer.file, part.line, text, part.when)
                    found.setdefault((origin, part.line), []).append(place)
                    if part.id is not None:
                        found.setdefault(part.id, []).append(place)
        return found

    def field_places(self, name: str) -> list[SourcePlace]:
        """The layers that set a field."""
        found = []
        for _, layer, origin, _ in self.layers:
            header = layer.header.get("set", {}) if origin.kind in ("variant", "local") else layer.header
            if name in header:
                found.append(SourcePlace(origin, layer.file, 0, _written(header[name]), None))
        return found


def _written(value: Any) -> str:
    """A field as a persona or variant has it, for people: of texts with conditions, a line each."""
    if not isinstance(value, list) or not all(isinstance(part, dict) and "text" in part for part in value):
        return in_words(value)
    when = (f" (only when {part['when']})" if part.get("when") else "" for part in value)
    return "\n".join(part["text"] + condition for part, condition in zip(value, when, strict=True))


def _parts(sections: Sequence[Section]) -> Iterator[tuple[Section | Rule, str]]:
    for section in sections:
        if section.level:
            yield section, section.heading
        for rule in section.rules:
            yield rule, rule.text


def _names(text: str, when: str | None) -> tuple[str, ...]:
    """The parameters in a text and its condition."""
    names = [match[1] for match in PLACEHOLDER.finditer(text) if match[1]]
    if when is not None:
        names.append(when.removeprefix("!").partition(":")[0])
    return tuple(dict.fromkeys(names))


def _file(workspace: Workspace, file: InstalledFile, pristine: ParsedFile, behind: _PersonaLayers) -> ExplainedFile:
    same_name = {row.path for row in workspace.states.recorded.values() if row.persona == file.persona}
    seen = workspace.states.observe({file.path, *same_name}).get(file.path)
    missing = seen is None or bool(seen.blocked)
    data = b"" if missing else workspace.states.contents(file.path)
    if len(data) > MAX_BYTES:
        place = workspace.scope.absolute(file.path)
        raise InvalidFile([Fault(place, 0, "", f"larger than {MAX_BYTES // 1024:,} KiB: not analysed")])
    here = pristine if missing else parse_edited(data, pristine)
    return ExplainedFile(
        path=file.path,
        client=file.client,
        pack=file.pack,
        persona=file.persona,
        release=behind.release,
        missing=missing,
        fields=tuple(_fields(pristine, here)),
        rules=tuple(_rules(pristine, here, behind)),
        roles=pristine.form.roles,
    )


def _fields(pristine: ParsedFile, here: ParsedFile) -> Iterator[ExplainedLine]:
    old, new = pristine.parts.fields, here.parts.fields
    for name in dict.fromkeys((*new, *old)):
        origin = pristine.origins.get(name, EDIT)
        if name not in new:
            yield ExplainedLine("field", name, "", in_words(old[name]), "removed", Origins(origin))
        elif name not in old:
            yield ExplainedLine("field", name, "", in_words(new[name]), "added", Origins(EDIT))
        else:
            same = new[name] == old[name]
            was = None if same else Entry("field", in_words(old[name]), "", name, origin)
            yield ExplainedLine(
                "field", name, "", in_words(new[name]), "released" if same else "edited", Origins(origin), was
            )


def _rules(pristine: ParsedFile, here: ParsedFile, behind: _PersonaLayers) -> Iterator[ExplainedLine]:
    """The rules on disk; a removed one comes after the one it followed."""
    kept = dict(pair(pristine.entries, here.entries))
    gone: dict[int, list[Entry]] = {}
    place = -1
    for i, entry in enumerate(pristine.entries):
        if i in kept:
            place = kept[i]
        else:
            gone.setdefault(place, []).append(entry)
    for j in range(-1, len(here.entries)):
        if j >= 0:
            yield _line(here.entries[j], behind)
        for entry in gone.get(j, ()):
            yield ExplainedLine(
                entry.kind, entry.id, entry.section, entry.text, "removed", behind.origins(entry), entry, entry
            )


def _line(entry: Entry, behind: _PersonaLayers) -> ExplainedLine:
    if entry.origin != EDIT:
        return ExplainedLine(
            entry.kind, entry.id, entry.section, entry.text, "released", behind.origins(entry), None, entry
        )
    if entry.was is None:
        return ExplainedLine(entry.kind, entry.id, entry.section, entry.text, "added", Origins(EDIT), None, entry)
    origin = behind.origins(entry.was)
    return ExplainedLine(entry.kind, entry.id, entry.section, entry.text, "edited", origin, entry.was, entry)


def explain_rule(workspace: Workspace, limits: ComparisonFilter, name: str) -> tuple[ExplainedRule, ...]:
    """Explain a rule, heading or field in every file that has it: the one with this id or name, else all whose text
    contains these words. Without a name in `limits`, every installed file is searched.

    Raises:
        UsageError: no file has it; the error says whether the pack does, and why it was left out.
    """
    found, by_words = [], []
    known: set[str] = set()
    left_out: list[str] = []
    for file, behind in _explained(workspace, limits):
        lines = [*file.fields, *file.rules]
        known.update(line.name for line in lines if line.name)
        mine = [line for line in lines if line.name == name]
        found += [_full(line, file, behind) for line in mine]
        if not mine:
            left_out += _left_out(name, behind)
            by_words += [_full(line, file, behind) for line in lines if _says(line, name)]
    if not found and not left_out:
        found = [one for one in by_words if _says(one.line, name, before=r"(?<!\w)")] or by_words
    if not found and limits.name is None:
        rows = _recorded(workspace).values()
        try:
            limits._replace(name=name.partition(" ")[0]).check(workspace, rows)
        except UsageError as error:
            what = f"no pack or persona `{name}` is installed here, and no installed rule has these words"
            raise UsageError(what, details=error.details, hint=error.hint) from None
    if not found:
        what = f"`{limits.name}` has no rule or field `{name}`" + ("" if left_out else ", and no rule with these words")
        hint = None if left_out else did_you_mean(name, known) or f"`agentpack explain {limits.name}` lists them"
        raise UsageError(what, details=dict.fromkeys(left_out), hint=hint)
    return tuple(found)


def _says(line: ExplainedLine, words: str, *, before: str = "") -> bool:
    """Whether a line has these words, on disk or as it was released. `before` is a pattern for what is before them."""
    texts = (line.text, line.released.text if line.released is not None else "")
    return any(re.search(before + re.escape(_plain(words)), _plain(text)) for text in texts)


def _plain(text: str) -> str:
    """A text as people would quote it: without marks of Markdown, capitals and line breaks."""
    return " ".join(re.sub(r"[*_`#]", "", text).casefold().split())


def _full(line: ExplainedLine, file: ExplainedFile, behind: _PersonaLayers) -> ExplainedRule:
    if line.kind == "field":
        assert line.name is not None
        places = behind.field_places(file.roles.get(line.name, line.name))
    else:
        entry = line.released or line.entry
        if entry is None:
            raise Bug("a rule without an entry")
        places = behind.places(entry) if entry.origin != EDIT else []
    used = [name for place in places[-1:] for name in _names(place.text, place.when)]
    values = {name: as_text(behind.values[name]) for name in used if name in behind.values}
    return ExplainedRule(
        line=line,
        file=file,
        places=tuple(places),
        parameters=values,
        set_by_user=frozenset(name for name in values if name in behind.set_by_user),
    )


def _left_out(name: str, behind: _PersonaLayers) -> Iterator[str]:
    """Why a rule that exists in the layers is not in the file."""
    for _, layer, origin, _ in behind.layers:
        for part, _ in _parts(layer.sections):
            if part.id == name:
                when = f", only when {part.when}" if part.when else ""
                yield f"{layer.file}:{part.line} has it{when}"
        if name in layer.header.get("remove", ()):
            yield f"{origin} removes it ({layer.file})"
