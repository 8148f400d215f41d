"""Find the installed files that were edited by hand, and the persona that each was rendered from."""

from collections.abc import Iterable, Iterator, Sequence

from agentpack.clients import read_by
from agentpack.edits.variant import EditedPersona, variant_edit
from agentpack.errors import AgentpackError, DecisionNeeded, UsageError
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf, plain
from agentpack.model.manifest import Manifest
from agentpack.model.names import did_you_mean
from agentpack.model.rendering import Rendering
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.wanted.choose import pinned
from agentpack.wanted.from_lock import check_rendering, current_lock
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.preconditions import nothing_installed_error
from agentpack.workspace.workspace import Workspace


def found_edits(
    workspace: Workspace, name: str | None, client: str | None
) -> tuple[Selection, Wanted, tuple[EditedPersona, ...]]:
    """What is installed, and every persona of this name or pack with an edited file.

    Args:
        name: a persona, a pack, or the path of an installed file; None for the only pack that has edits.
        client: only personas of which this client's file was edited.

    Raises:
        UsageError: nothing of that name is installed, or several packs have edits and none is named.
        DecisionNeeded: a file has conflict markers, or is older than the lock.
    """
    if workspace.documents.lock_bytes is None and not workspace.manifest.packs:
        raise nothing_installed_error()
    lock = current_lock(workspace)
    recorded = list(workspace.states.recorded.values())
    name = next((file.persona for file in recorded if file.path == name), name)
    rows = [file for file in recorded if name is None or name in (file.persona, file.pack)]
    if not rows and name is not None:
        known = sorted({word for file in recorded for word in (file.persona, file.pack)})
        raise UsageError(
            f"no persona or pack named `{name}` is installed here",
            details=[f"installed: {', '.join(known) or 'nothing'}"],
            hint=did_you_mean(name, known),
        )
    chosen = pinned(workspace, lock, workspace.manifest)
    wanted = chosen.render()
    check_rendering(workspace, lock, wanted)
    found = tuple(_edited(chosen, wanted, rows, client))
    packs = sorted({edited.pack.name for edited in found})
    if name is None and len(packs) > 1:
        raise UsageError(
            "several packs have local edits: choose one of them", details=packs, hint=f"`agentpack keep {packs[0]}`"
        )
    return chosen, wanted, found


def _edited(
    chosen: Selection, wanted: Wanted, rows: Sequence[InstalledFile], client: str | None
) -> Iterator[EditedPersona]:
    workspace = chosen.workspace
    observed = workspace.states.observe({row.path for row in rows})
    groups: dict[tuple[str, str], list[tuple[Rendering, bytes]]] = {}
    for row in rows:
        here, file = observed.get(row.path), wanted.files.get(row.path)
        if file is not None and file.lost_text is not None:
            raise file.lost_text
        if file is None or row.rendered != file.digest:
            raise DecisionNeeded(f"{row.path} is not up to date with the lock", hint="run `agentpack sync` first")
        if here is not None and here.digest not in (None, row.rendered):
            data = workspace.states.contents(row.path)
            if line := unmerged_line(data):
                where = f"{workspace.scope.absolute(row.path)}:{line}"
                raise DecisionNeeded(f"{where}: {MARKERS}; nothing was written", hint=HINT)
            file, data = file._replace(content=as_lf(file.content)), plain(data)
            if data != file.content:  # a byte-order mark alone is nothing that a variant could say
                groups.setdefault((row.pack, row.persona), []).append((file, data))
    for (pack_name, _), files in groups.items():
        if client is not None and not any(read_by(file.client, (client,)) for file, _ in files):
            continue
        if workspace.manifest.wanted(pack_name) is None:
            raise UsageError(
                f"`{pack_name}` is only installed because another pack requires it",
                hint=f"run `agentpack install {pack_name}` first, so that agentpack.yaml can ask for a variant",
            )
        yield edited_persona(chosen, wanted, sorted(files, key=lambda pair: reading_order(pair[0], client)))


def packs_to_keep(workspace: Workspace, edited: Iterable[str]) -> list[str]:
    """The packs of which `keep` can turn the edits into a variant. Collections are tried, without the network: of
    their agents a variant can say only some edits.
    """
    lock = workspace.documents.readable_lock
    bare = lock.in_collections if lock else frozenset[str]()
    return [pack for pack in dict.fromkeys(edited) if pack not in bare or _can_be_kept(workspace, pack)]


def keep_words(workspace: Workspace, edited: Sequence[str]) -> str:
    """What `keep` does about the edits of these packs, for hints."""
    if packs_to_keep(workspace, edited):
        return "`agentpack keep` turns it into a local variant"
    return f"`agentpack keep {edited[0]}` says which edits cannot become a local variant"


def _can_be_kept(workspace: Workspace, pack: str) -> bool:
    offline = Workspace(workspace.environment._replace(offline=True), workspace.scope)
    try:
        _, _, found = found_edits(offline, pack, None)
        edits = (variant_edit(one, offline.clients.of_file(one.files[0][0].client)) for one in found)
        return bool(found) and all(edits)
    except AgentpackError:
        return False


def reading_order(file: Rendering, client: str | None) -> tuple[bool, str]:
    """The key that sorts files so that the one comes first from which the edit is read."""
    return file.client != (client or "claude"), file.client


def edited_persona(chosen: Selection, wanted: Wanted, files: Sequence[tuple[Rendering, bytes]]) -> EditedPersona:
    """The persona that these files are renderings of, with the edited text of each file."""
    part = wanted.part(files[0][0])
    assert part is not None
    source_name = name_in_pack(chosen.workspace.manifest, wanted, files[0][0])
    draft, values = chosen.assembler.draft(part.pack, source_name)
    return EditedPersona(part.pack, source_name, part.persona, draft, values, tuple(files))


def name_in_pack(manifest: Manifest, wanted: Wanted, file: Rendering) -> str:
    """The name that the file's persona has in its pack; of a module, that of the persona it belongs to."""
    part = wanted.part(file)
    return manifest.name_in_pack(file.pack, (part and part.module_of) or file.persona)


def by_persona(found: Sequence[EditedPersona]) -> Iterator[list[EditedPersona]]:
    """The edits of each persona of a pack together: of its own text, and of its modules."""
    names = dict.fromkeys((edited.pack.name, edited.source_name) for edited in found)
    for name in names:
        yield [edited for edited in found if (edited.pack.name, edited.source_name) == name]
