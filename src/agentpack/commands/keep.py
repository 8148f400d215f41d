"""keep: turn local edits of an installed file into a local variant that later upgrades carry along.

Decides what an edit becomes and verifies it: the file rendered with the new variant must equal the edited file byte for
byte, or differ only in blank lines between rules and quotes in a header; otherwise nothing is written. Edits are read
in `edits/`, files changed in `changes/`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.decisions import make_change
from agentpack.changes.edited import by_persona, edited_persona, found_edits, name_in_pack, reading_order
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.request import ChangeRequest, RebasedVariants, desired_state
from agentpack.clients import SKILLS, read_by
from agentpack.edits.patch import Patch, file_patch, patch
from agentpack.edits.rules import Edits, SectionEdit
from agentpack.edits.variant import (
    EditedPersona,
    VariantEdit,
    differs_in,
    first_difference,
    not_expressible,
    variant_edit,
    variant_of,
)
from agentpack.errors import AgentpackError, DecisionNeeded, UsageError
from agentpack.merge import merge
from agentpack.model.changes import WRITES, Plan
from agentpack.model.line_ends import as_lf, in_form_of, plain
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, is_kebab
from agentpack.model.rendering import Rendering
from agentpack.resolve.words import listed
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.choose import choose, pinned
from agentpack.wanted.from_lock import current_lock
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.documents import LocalText
from agentpack.workspace.workspace import Workspace, changing, read_consistently

DEFAULT = "local"


class KeepResult(NamedTuple):
    """The outcome, and each variant's path with its text."""

    outcome: Outcome
    variants: tuple[tuple[str, str], ...]


@changing
def keep(
    workspace: Workspace,
    name: str | None,
    *,
    variant: str | None = None,
    client: str | None = None,
    on_conflict: str = "stop",
    dry_run: bool = False,
) -> KeepResult:
    """Turn the edits of a persona, or of all personas of a pack, into a local variant.

    Args:
        name: None for the only pack that has edits.
        client: whose file has the edit, if several clients' files were edited; the others merge the variant like
            any new text.
        on_conflict: see `plan.Decisions`; for files of other clients that were edited differently.

    Raises:
        DecisionNeeded: an edit cannot be expressed as a variant; the details list each. Nothing was written.
        UsageError: nothing of that name is installed, or the variant's name is taken by one that `keep` did not write.
    """
    chosen, wanted, found = found_edits(workspace, name, client)
    options = [f"--{option} {value}" for option, value in (("as", variant), ("client", client)) if value]
    command = " ".join(("keep", *([name] if name else ()), *options))
    if not found:
        nothing = Outcome(command=command, scope=workspace.scope.kind, root=workspace.scope.root, plan=Plan(changes=()))
        return KeepResult(nothing, ())
    try:
        made = _made_with_earlier(chosen, wanted, found, variant, client)
    except DecisionNeeded as error:
        _name_those_to_keep(error, chosen, wanted, found, variant, client, options)
        raise
    state = RebasedVariants(made.texts).add_to(desired_state(workspace, workspace.manifest, made.manifest, made.wanted))
    packs = frozenset(edited.pack.name for edited in found)
    decisions = Decisions(reformat=frozenset(made.reworded), on_conflict=on_conflict, packs=packs)
    outcome = make_change(workspace, command, state, ChangeRequest(decisions, dry_run=dry_run))
    notes = [f"{path}: {what}" for path, what in sorted(made.reworded.items())]
    notes += _only_in_skills(outcome, found)
    outcome = outcome._replace(notes=(*outcome.notes, *notes))
    return KeepResult(outcome, tuple((text.path, text.data.decode()) for text in made.texts))


@read_consistently
def patch_for_author(workspace: Workspace, name: str | None, client: str | None = None) -> Patch:
    """The edits as a unified diff of the pack's own files, for its author. Writes nothing.

    Args:
        client: whose file has the edit; the first one's by default.

    Raises:
        DecisionNeeded: an edit does not map to rules.
    """
    chosen, _, found = found_edits(workspace, name, client)
    patches = []
    for whole in by_persona(found):
        if whole[0].pack.bare:
            patches.append(_collection_patch(chosen, whole[0]))
            continue
        edited, (edits, fields) = whole[0], _edits_of(workspace, whole)
        raw = chosen.candidates.files(PackName(edited.pack.name), Version(edited.pack.version))
        files = {path: data.decode() for path, data in raw.items() if path.endswith(".md")}
        parts, values = edited.parts, edited.values
        written = patch(edits, parts, files, values, persona=edited.source_name, release=edited.pack.release)
        left_out = [*(f"the field `{field}`" for field in fields), *written.left_out]
        patches.append(Patch(written.text, tuple(f"{edited.source_name}: {what}" for what in left_out)))
    return Patch("".join(p.text for p in patches), tuple(what for p in patches for what in p.left_out))


def _collection_patch(chosen: Selection, edited: EditedPersona) -> Patch:
    """The edits of a collection's agent, as a diff of the file that its author wrote."""
    layer = edited.pack.personas[edited.source_name]
    path = layer.file.partition("/")[2]
    original = edited.pack.originals[edited.source_name]
    left_out = []
    for file, data in edited.files:
        source = original.get(file.client)
        if source is None:
            left_out.append(f"{edited.source_name}: {file.path} is not the author's own file")
            continue
        merged = merge(file.content, data, source, form=file.form.format)
        if merged.content is not None:
            after = in_form_of(source, plain(merged.content))
            return Patch(file_patch(path, source.decode(), after.decode()), tuple(left_out))
        left_out.append(f"{edited.source_name}: {file.path} changes text that a variant or `as:` already changes")
    return Patch("", tuple(left_out))


def _with_earlier(
    workspace: Workspace, wanted: Wanted, found: Sequence[EditedPersona], name: str, client: str | None
) -> tuple[EditedPersona, ...]:
    """The edits together with those that an earlier `keep` made a variant of, as one edit of the text without it.

    Empty if there is no such variant in use, or if it does not say just what `keep` would write: what somebody wrote
    there by hand is not to be lost.
    """
    texts = {text.persona: text.data for text in workspace.documents.local_texts if text.name == name}
    if any(
        edited.source_name not in texts or name not in _wanted_variants(workspace.manifest, edited) for edited in found
    ):
        return ()
    packs = {edited.pack.name for edited in found}
    lock = current_lock(workspace)
    rows = (
        row._replace(local_variants=tuple(one for one in row.local_variants if one.name != name))
        if row.name in packs
        else row
        for row in lock.packs
    )
    base = pinned(workspace, lock._replace(packs=tuple(rows)), _without_variant(workspace.manifest, packs, name))
    without, both = base.render(), list[EditedPersona]()
    now = {file.path: data for edited in found for file, data in edited.files}
    for edited in (whole[0] for whole in by_persona(found)):
        files: dict[str, list[tuple[Rendering, bytes]]] = {}
        for file in wanted.files.values():
            if file.pack == edited.pack.name and name_in_pack(workspace.manifest, wanted, file) == edited.source_name:
                if (old := without.files.get(file.path)) is None:
                    return ()
                files.setdefault(file.persona, []).append(
                    (old._replace(content=as_lf(old.content)), as_lf(file.content))
                )
        for pairs in files.values():
            pairs.sort(key=lambda pair: (pair[0].path not in now, reading_order(pair[0], client)))
        earlier = _differing(base, without, files.values())
        if not earlier or _local_text(workspace, earlier, name).data != texts[edited.source_name]:
            return ()
        both += _differing(
            base, without, ([(old, now.get(old.path, had)) for old, had in pairs] for pairs in files.values())
        )
    return tuple(both)


def _differing(
    base: Selection, without: Wanted, files: Iterable[Sequence[tuple[Rendering, bytes]]]
) -> list[EditedPersona]:
    """The personas that have a file whose text differs from the rendered one."""
    changed = ([(old, data) for old, data in pairs if data != old.content] for pairs in files)
    return [edited_persona(base, without, pairs) for pairs in changed if pairs]


def _only_in_skills(outcome: Outcome, found: Sequence[EditedPersona]) -> Iterator[str]:
    """A note for each skill that an edit of an agent's own file reaches: there it is not always read."""
    edited = {file.path for one in found for file, _ in one.files}
    for change in outcome.plan.changes:
        if change.client in SKILLS and change.action in WRITES and change.path not in edited:
            yield (
                f"{change.path}: your edit is only read here when the skill is loaded; below a heading of its own it "
                "would always be read"
            )


# The variant.


class _Made(NamedTuple):
    """A variant that reproduces edits, with all that is wanted then. `reworded` is as `_check` returns it."""

    texts: tuple[LocalText, ...]
    manifest: Manifest
    wanted: Wanted
    reworded: Mapping[str, str]


def _made_with_earlier(
    chosen: Selection, wanted: Wanted, found: Sequence[EditedPersona], variant: str | None, client: str | None
) -> _Made:
    """The variant of an earlier `keep`, with these edits added; if that cannot be, one of their own. Raises as `_made`
    does.
    """
    last = variant or DEFAULT
    with suppress(AgentpackError):
        if whole := _with_earlier(chosen.workspace, wanted, found, last, client):
            return _made(chosen, wanted, found, whole, last, client)
    return _made(chosen, wanted, found, found, _variant_name(chosen.workspace, found, variant), client)


def _name_those_to_keep(
    error: DecisionNeeded,
    chosen: Selection,
    wanted: Wanted,
    found: Sequence[EditedPersona],
    variant: str | None,
    client: str | None,
    options: Sequence[str],
) -> None:
    """Add to the error for some personas of a pack the reasons of each of them, and the commands that keep the edits
    of the others.
    """
    names, reasons = list[str](), list[str]()
    for whole in by_persona(found):
        name = whole[0].persona.name
        try:
            _made_with_earlier(chosen, wanted, whole, variant, client)
            names.append(name)
        except DecisionNeeded as alone:
            reasons += (f"{name}: {line}" for line in alone.details)
    if names:
        commands = listed(f"`agentpack {' '.join(('keep', name, *options))}`" for name in names)
        error.ways = (f"{commands} keep{'' if names[1:] else 's'} the edits of the other agents", error.hint or "")
        error.hint = "; ".join(error.ways)
    if len([*by_persona(found)]) > 1:
        error.details = tuple(reasons) or error.details


def _made(
    chosen: Selection,
    wanted: Wanted,
    found: Sequence[EditedPersona],
    edits: Sequence[EditedPersona],
    name: str,
    client: str | None,
) -> _Made:
    """The variant of this name that says `edits`, and so reproduces the files that were `found` edited.

    Raises:
        DecisionNeeded: it does not.
    """
    workspace = chosen.workspace
    texts = tuple(_local_text(workspace, whole, name) for whole in by_persona(edits))
    manifest = _with_variant(workspace.manifest, found, name)
    now = _wanted_with_texts(chosen.candidates, manifest, wanted, found, texts)
    return _Made(texts, manifest, now, _check(workspace, now, found, client))


def _variant_name(workspace: Workspace, found: Sequence[EditedPersona], asked: str | None) -> str:
    personas = {edited.source_name for edited in found}
    in_packs = {name for edited in found for name in edited.pack.variant_names}
    used = {v for e in found for v in _wanted_variants(workspace.manifest, e)}

    def is_free(name: str) -> bool:
        own = [text for text in workspace.documents.local_texts if text.name == name]
        if name in in_packs or any(text.persona in personas for text in own):
            return False
        # one of another persona that nobody asked for would come into use along with this one
        return name in used or not own

    if asked is None:
        return next(n for n in (DEFAULT, *(f"{DEFAULT}-{i}" for i in range(2, 10_000))) if is_free(n))
    if not is_kebab(asked):
        raise UsageError(
            f"`{asked}` is not a valid variant name", hint="use lower-case letters, digits and single hyphens"
        )
    if not is_free(asked):
        raise UsageError(f"a variant `{asked}` already exists", hint="choose another name with `--as NAME`")
    return asked


def _wanted_variants(manifest: Manifest, edited: EditedPersona) -> tuple[str, ...]:
    entry = manifest.wanted(edited.pack.name)
    return entry.requirement.variants if entry else ()


def _edits_of(workspace: Workspace, whole: Sequence[EditedPersona]) -> VariantEdit:
    """The edits of a persona and its modules, as one."""
    found = []
    for edited in whole:
        file, data = edited.files[0]
        edit = variant_edit(edited, workspace.clients.of_file(file.client))
        if not edit:
            raise not_expressible(edited, [first_difference(file.content, data)])
        if edit.fields and file.client in SKILLS:
            raise not_expressible(edited, [f"the header of the skill {file.path} was changed"])
        found.append(edit)
    places = {id: place for place, id in enumerate(whole[0].parts)}

    def place_of(section: SectionEdit) -> int:
        named = (id for rule in section.rules for id in (rule.id, rule.after, rule.before, section.id))
        return min((places[id] for id in named if id in places), default=len(places))

    # in the order of the persona, whichever file an edit is from: so does whoever reads the variant again
    removed = tuple(
        sorted((part for edit in found for part in edit.edits.removed), key=lambda part: places.get(part.id or "", 0))
    )
    sections = tuple(sorted((section for edit in found for section in edit.edits.sections), key=place_of))
    fields = {key: value for edit in found for key, value in edit.fields.items()}
    return VariantEdit(Edits(removed, sections, ()), fields)


def _local_text(workspace: Workspace, whole: Sequence[EditedPersona], name: str) -> LocalText:
    edited, found = whole[0], _edits_of(workspace, whole)
    own = {*edited.pack.variants.get(edited.source_name, {})}
    own |= {text.name for text in workspace.documents.local_texts if text.persona == edited.source_name}
    earlier = [v for v in _wanted_variants(workspace.manifest, edited) if v in own and v != name]
    text = variant_of(edited, found, summary=f"Local edits of {edited.source_name}.", after=earlier)
    path = f"{workspace.scope.local_variants}/{edited.source_name}/{name}.md"
    return LocalText(edited.source_name, name, path, text.encode())


# The proof.


def _with_variant(manifest: Manifest, found: Sequence[EditedPersona], name: str) -> Manifest:
    """The manifest with the variant added to the edited packs' requirements."""
    packs = []
    names = {edited.pack.name for edited in found}
    for entry in manifest.packs:
        requirement = entry.requirement
        if requirement.pack in names and name not in requirement.variants:
            requirement = requirement._replace(variants=tuple(sorted({*requirement.variants, name})))
            entry = entry._replace(requirement=requirement, text=str(requirement))
        packs.append(entry)
    return manifest._replace(packs=tuple(packs))


def _without_variant(manifest: Manifest, packs: Collection[str], name: str) -> Manifest:
    """The manifest without the variant in the requirements of these packs."""
    entries = []
    for entry in manifest.packs:
        requirement = entry.requirement
        if requirement.pack in packs:
            requirement = requirement._replace(variants=tuple(one for one in requirement.variants if one != name))
        entries.append(entry._replace(requirement=requirement, text=str(requirement)))
    return manifest._replace(packs=tuple(entries))


def _wanted_with_texts(
    candidates: Candidates,
    manifest: Manifest,
    wanted: Wanted,
    found: Sequence[EditedPersona],
    texts: Sequence[LocalText],
) -> Wanted:
    """All files rendered with the new variants, which are not on disk yet."""
    try:
        with candidates.workspace.documents.with_local_texts(texts):
            return choose(candidates, manifest).for_clients(wanted.lock.clients, wanted.lock.clients_by_pack).render()
    except AgentpackError as error:
        raise not_expressible(found[0], error.lines) from None


def _check(
    workspace: Workspace, wanted: Wanted, found: Sequence[EditedPersona], client: str | None
) -> Mapping[str, str]:
    """Raise DecisionNeeded if the variant does not reproduce an edited file (of `client`, if given). Returns the paths
    it reproduces with differences no variant can control, with a description of each.
    """
    reworded = {}
    for edited in found:
        for file, data in edited.files:
            content = as_lf(wanted.files[file.path].content)
            differs = differs_in(workspace.clients.of_file(file.client), file.persona, content, data)
            if differs:
                reworded[file.path] = differs
            elif differs is None and file.path == edited.files[0][0].path:
                raise not_expressible(edited, [first_difference(content, data)])
            elif differs is None and client is None:
                raise _edited_otherwise(edited, sorted({file.client for file in wanted.files.values()} - {*SKILLS}))
    return reworded


def _edited_otherwise(edited: EditedPersona, installed: Sequence[str]) -> DecisionNeeded:
    """The error for files that were edited in different ways.

    Args:
        installed: the clients of the scope; a folder of skills is named by one that reads it.
    """
    clients = [
        next((one for one in installed if read_by(file.client, (one,))), file.client) for file, _ in edited.files
    ]
    name = edited.persona.name
    return DecisionNeeded(
        f"the files of `{name}` were edited differently; nothing was written",
        details=[f"{file.path}, for {file.client}" for file, _ in edited.files],
        hint=f"choose the edit to keep: `--client {clients[0]}` or `--client {clients[-1]}`; it is merged into the "
        "other files, and you are asked about conflicts",
    )
