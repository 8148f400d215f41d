"""keep: local edits of an installed file become a local variant, which later upgrades carry.

Decides what an edit may be turned into and checks it: the file rendered with the new variant must be the edited file
byte for byte, or say the same but for blank lines between rules and the quotes of a header, else nothing is written.
Reading the edit is left to `edits`, changing files to `changes/`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.decisions import carry_out
from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest, Followed, desired_state
from agentpack.edits.patch import Patch, patch
from agentpack.edits.variant import Edited, differs_in, first_difference, said, unsayable, variant_of
from agentpack.errors import AgentpackError, DecisionNeeded, UsageError
from agentpack.model.changes import Plan
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf, plain
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean, is_kebab
from agentpack.model.rendering import Rendering
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.choose import choose, pinned
from agentpack.wanted.from_lock import check_rendering, settled_lock
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.documents import LocalText
from agentpack.workspace.required import nothing_installed
from agentpack.workspace.workspace import Workspace, changing, steady

DEFAULT = "local"


class Kept(NamedTuple):
    """What was done: the outcome, and each variant's path with its text."""

    outcome: Outcome
    variants: tuple[tuple[str, str], ...]


@changing
def keep(
    workspace: Workspace,
    name: str,
    *,
    variant: str | None = None,
    client: str | None = None,
    on_conflict: str = "stop",
    dry_run: bool = False,
) -> Kept:
    """Turn the edits of a persona, or of all personas of a pack, into a local variant.

    Args:
        client: whose file says the edit, where several clients' files were edited; the others take the variant in like
            any new text.
        on_conflict: as in `plan.Decisions`, where the edit of another client's file says something else.

    Raises:
        DecisionNeeded: an edit that a variant cannot say; the details name each. Nothing was written.
        UsageError: nothing of that name is installed, or the variant's name is taken.
    """
    chosen, made, found = _found(workspace, name, client)
    command = f"keep {name}"
    if not found:
        nothing = Outcome(command=command, scope=workspace.scope.kind, root=workspace.scope.root, plan=Plan(changes=()))
        return Kept(nothing, ())
    chosen_name = _variant_name(workspace, found, variant)
    texts = tuple(_local_text(workspace, edited, chosen_name) for edited in found)
    manifest = _with_variant(workspace.manifest, found, chosen_name)
    now = _made_with(chosen.candidates, manifest, made, texts)
    reworded = _check(workspace, now, found, client)
    state = Followed(texts).added_to(desired_state(workspace, workspace.manifest, manifest, now))
    request = ChangeRequest(said=frozenset(reworded), on_conflict=on_conflict, dry_run=dry_run)
    outcome = carry_out(workspace, command, state, request)
    notes = tuple(f"{path}: {what} now as agentpack writes them" for path, what in sorted(reworded.items()))
    outcome = outcome._replace(notes=(*outcome.notes, *notes))
    return Kept(outcome, tuple((text.path, text.data.decode()) for text in texts))


@steady
def patch_for_author(workspace: Workspace, name: str, client: str | None = None) -> Patch:
    """The edits as a unified diff of the pack's own files, for its author. Nothing is written.

    Args:
        client: whose file says the edit; the first one's unless told.

    Raises:
        DecisionNeeded: an edit that does not map to rules.
    """
    chosen, _, found = _found(workspace, name, client)
    patches = []
    for edited in found:
        edits, fields = said(edited, workspace.clients.named(edited.files[0][0].client))
        raw = chosen.candidates.files(PackName(edited.pack.name), Version(edited.pack.version))
        files = {path: data.decode() for path, data in raw.items() if path.endswith(".md")}
        parts, values = edited.parts, edited.values
        made = patch(edits, parts, files, values, persona=edited.source_name, release=edited.pack.release)
        left_out = [*(f"the field `{field}`" for field in fields), *made.left_out]
        patches.append(Patch(made.text, tuple(f"{edited.source_name}: {what}" for what in left_out)))
    return Patch("".join(p.text for p in patches), tuple(what for p in patches for what in p.left_out))


# What was edited.


def _found(workspace: Workspace, name: str, client: str | None) -> tuple[Selection, Wanted, tuple[Edited, ...]]:
    if client is not None:
        workspace.clients.named(client)
    if workspace.documents.lock_bytes is None and not workspace.manifest.packs:
        raise nothing_installed()
    lock = settled_lock(workspace)
    rows = [file for file in workspace.states.recorded.values() if name in (file.persona, file.pack)]
    if not rows:
        known = sorted({word for file in workspace.states.recorded.values() for word in (file.persona, file.pack)})
        raise UsageError(
            f"no persona or pack named `{name}` is installed here",
            details=[f"installed: {', '.join(known) or 'nothing'}"],
            hint=did_you_mean(name, known),
        )
    chosen = pinned(workspace, lock, workspace.manifest)
    made = chosen.render()
    check_rendering(workspace, lock, made)
    return chosen, made, tuple(_edited(chosen, made, rows, client))


def _edited(chosen: Selection, made: Wanted, rows: Sequence[InstalledFile], client: str | None) -> Iterator[Edited]:
    workspace = chosen.workspace
    observed = workspace.states.observe({row.path for row in rows})
    groups: dict[tuple[str, str], list[tuple[Rendering, bytes]]] = {}
    for row in rows:
        here, file = observed.get(row.path), made.files.get(row.path)
        if file is None or row.rendered != file.digest:
            raise DecisionNeeded(f"{row.path} is not yet as locked", hint="`agentpack sync` comes first")
        if here is not None and here.digest not in (None, row.rendered):
            data = workspace.states.contents(row.path)
            if line := unmerged_line(data):
                where = f"{workspace.scope.absolute(row.path)}:{line}"
                raise DecisionNeeded(f"{where}: {MARKERS}; nothing was written", hint=HINT)
            file, data = file._replace(content=as_lf(file.content)), plain(data)
            if data != file.content:  # a byte-order mark alone is nothing that a variant could say
                groups.setdefault((row.pack, row.persona), []).append((file, data))
    for (pack_name, persona_name), files in groups.items():
        if client is not None and all(file.client != client for file, _ in files):
            continue
        part = made.part(files[0][0])
        assert part is not None
        if workspace.manifest.wanted(pack_name) is None:
            raise UsageError(
                f"`{pack_name}` is here because another pack requires it",
                hint=f"`agentpack install {pack_name}` puts it into agentpack.yaml, where a variant can be asked for",
            )
        if part.pack.bare:
            raise DecisionNeeded(
                f"`{pack_name}` is a bare pack: its text has no ids that a variant could name",
                hint="the edit stays on disk, and upgrades merge it",
            )
        source_name = workspace.manifest.name_in_pack(pack_name, persona_name)
        draft, values = chosen.assembler.draft(part.pack, source_name)
        files.sort(key=lambda pair: (pair[0].client != (client or "claude"), pair[0].client))
        yield Edited(part.pack, source_name, part.persona, draft, values, tuple(files))


# The variant.


def _variant_name(workspace: Workspace, found: Sequence[Edited], asked: str | None) -> str:
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
        raise UsageError(f"`{asked}` is not a variant's name", hint="lower-case letters, digits and single hyphens")
    if not is_free(asked):
        raise UsageError(f"there is a variant `{asked}` already", hint="`--as NAME` takes another name")
    return asked


def _wanted_variants(manifest: Manifest, edited: Edited) -> tuple[str, ...]:
    wanted = manifest.wanted(edited.pack.name)
    return wanted.requirement.variants if wanted else ()


def _local_text(workspace: Workspace, edited: Edited, name: str) -> LocalText:
    file, data = edited.files[0]
    found = said(edited, workspace.clients.named(file.client))
    if not found:
        raise unsayable(file.persona, [first_difference(file.content, data)])
    own = {*edited.pack.variants.get(edited.source_name, {})}
    own |= {text.name for text in workspace.documents.local_texts if text.persona == edited.source_name}
    earlier = [v for v in _wanted_variants(workspace.manifest, edited) if v in own]
    text = variant_of(edited, found, summary=f"Local edits of {edited.source_name}.", after=earlier)
    path = f"{workspace.scope.local_variants}/{edited.source_name}/{name}.md"
    return LocalText(edited.source_name, name, path, text.encode())


# The proof.


def _with_variant(manifest: Manifest, found: Sequence[Edited], name: str) -> Manifest:
    """The manifest with the variant added to the requirements of the packs that were edited."""
    packs = []
    names = {edited.pack.name for edited in found}
    for wanted in manifest.packs:
        requirement = wanted.requirement
        if requirement.pack in names and name not in requirement.variants:
            requirement = replace(requirement, variants=tuple(sorted({*requirement.variants, name})))
            wanted = wanted._replace(requirement=requirement, text=str(requirement))
        packs.append(wanted)
    return manifest._replace(packs=tuple(packs))


def _made_with(candidates: Candidates, manifest: Manifest, made: Wanted, texts: Sequence[LocalText]) -> Wanted:
    """All files as they are with the new variants, which are not on disk yet."""
    try:
        with candidates.workspace.documents.as_if(texts):
            return choose(candidates, manifest).for_clients(made.lock.clients, made.lock.fewer).render()
    except AgentpackError as error:
        raise unsayable(texts[0].persona, [error.message, *error.details]) from None


def _check(workspace: Workspace, made: Wanted, found: Sequence[Edited], client: str | None) -> Mapping[str, str]:
    """Raise DecisionNeeded when the variant does not give an edited file; with `client`, a file of that one. Returns
    the paths where it gives it in other words, which no variant can choose, and what is meant by that.
    """
    reworded = {}
    for edited in found:
        for file, data in edited.files:
            content = as_lf(made.files[file.path].content)
            differs = differs_in(workspace.clients.named(file.client), file.persona, content, data)
            if differs:
                reworded[file.path] = differs
            elif differs is None and file.path == edited.files[0][0].path:
                raise unsayable(file.persona, [first_difference(content, data)])
            elif differs is None and client is None:
                raise _edited_otherwise(edited)
    return reworded


def _edited_otherwise(edited: Edited) -> DecisionNeeded:
    clients = [file.client for file, _ in edited.files]
    name = edited.persona.name
    return DecisionNeeded(
        f"the files of `{name}` were edited in different ways; nothing was written",
        details=[f"{file.path}, for {file.client}" for file, _ in edited.files],
        hint=f"say whose edit the variant is to be: `--client {clients[0]}` or `--client {clients[-1]}`; the other "
        "files take it in, and where their own edits are at odds with it you are asked",
    )
