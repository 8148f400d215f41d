"""source list, add, remove: the sources in the manifest of a scope.

`add` and `remove` change the list in manifest and lock in one transaction, and nothing else: where a locked pack comes
from stays as it is, or the command is refused. `source_check.py` opens sources.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.changes.commit import DecidedChange, commit
from agentpack.changes.documents import document_changes, lock_bytes
from agentpack.changes.outcome import Outcome
from agentpack.changes.place_arguments import place_of, portable_place
from agentpack.changes.request import manifest_text
from agentpack.changes.snapshot import current_pins
from agentpack.changes.user_sources import user_sources
from agentpack.errors import DecisionNeeded, UsageError
from agentpack.model.changes import Plan
from agentpack.model.globs import check_pack_pattern
from agentpack.model.manifest import ConfiguredSource, Manifest, provider_fault
from agentpack.model.names import did_you_mean, is_kebab
from agentpack.model.source_kinds import SOURCE_KINDS
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.wanted.from_lock import refuse_half_merged
from agentpack.workspace.workspace import Workspace, changing, read_consistently

Rows = Sequence[Mapping[str, Any]]


class ListedSource(NamedTuple):
    """A source, and the kind of the scope whose manifest has it."""

    source: ConfiguredSource
    scope: str

    def to_data(self) -> dict[str, Any]:
        """The source for JSON: every option of its kind, null where it is not set."""
        source = self.source
        options = {key: source.options.get(key) for kind in SOURCE_KINDS.values() for key in kind.options}
        data = {"name": source.name, "kind": source.kind, "place": source.place, **options}
        return {**data, "packs": list(source.packs) or None, "scope": self.scope}


@read_consistently
def source_list(workspace: Workspace) -> tuple[ListedSource, ...]:
    """The sources of the scope in their order; in a project, then the user's own."""
    here = (ListedSource(source, workspace.scope.kind) for source in workspace.manifest.sources)
    return (*here, *(ListedSource(source, "user") for source in user_sources(workspace)))


@changing
def source_add(
    workspace: Workspace, name: str, text: str, *, options: Mapping[str, str], packs: Iterable[str], dry_run: bool
) -> Outcome:
    """Add a source behind those of the scope.

    Args:
        text: the place, as `install` reads it.
        options: further keys of the source, such as `ref`.
        packs: patterns of the names that it may provide.

    Raises:
        UsageError: the name is taken or no name, there is no such place, or an option has no meaning for it.
        DecisionNeeded: the patterns have the name of a pack that comes from another source.
    """
    old = workspace.manifest
    _check_name(old, name)
    source = _source(workspace, name, text, options, packs)
    workspace.sources.name(source)
    new = old._replace(sources=(*old.sources, source))
    if moved := sorted(_moved(workspace, old, new)):
        raise DecisionNeeded(
            f"the `packs` patterns of `{name}` match packs that come from other sources; nothing was changed",
            details=moved,
            hint=f"choose narrower patterns, or `agentpack uninstall {moved[0].partition(' ')[0]}` first",
        )
    from agentpack.audit.install_warnings import unshared_sources

    outcome = _changed(workspace, f"source add {name}", new, lambda rows: [*rows, source.to_data()], dry_run=dry_run)
    return outcome._replace(warnings=tuple(unshared_sources(workspace.scope.kind, old, new)))


@changing
def source_remove(workspace: Workspace, name: str, *, dry_run: bool) -> Outcome:
    """Remove a source from the scope.

    Raises:
        UsageError: there is no such source.
        DecisionNeeded: packs of the manifest or the lock come from it.
    """
    old = workspace.manifest
    require_known(workspace, [ListedSource(source, workspace.scope.kind) for source in old.sources], name)
    locked = workspace.lock.packs if workspace.lock else ()
    used = {str(entry.requirement.pack) for entry in old.packs if entry.source == name}
    used |= {str(pack.name) for pack in locked if pack.source == name}
    if used:
        names, them = " ".join(sorted(used)), "it" if len(used) == 1 else "them"
        raise DecisionNeeded(
            f"{_count(len(used))} from `{name}`; nothing was changed",
            details=sorted(used),
            hint=f"`agentpack install {names} --source PLACE` moves {them} to another source; "
            f"`agentpack uninstall {names}` removes {them}",
        )
    new = old._replace(sources=tuple(source for source in old.sources if source.name != name))
    return _changed(
        workspace,
        f"source remove {name}",
        new,
        lambda rows: [row for row in rows if row["name"] != name],
        dry_run=dry_run,
    )


def require_known(workspace: Workspace, known: Sequence[ListedSource], name: str) -> None:
    """Raise UsageError if no listed source has this name."""
    names = [one.source.name for one in known]
    if name in names:
        return
    file = workspace.scope.shown(workspace.scope.manifest)
    if name == BUNDLED:
        raise UsageError(f"`{BUNDLED}` is built into agentpack and not in {file}")
    hint = did_you_mean(name, names)
    if name in (one.name for one in user_sources(workspace)):
        hint = f"it is one of your own sources: `agentpack source remove {name} --user`"
    details = [f"sources: {', '.join(names)}"] if names else ()
    raise UsageError(f"{file} has no source `{name}`", details=details, hint=hint)


def _check_name(manifest: Manifest, name: str) -> None:
    if not is_kebab(name):
        raise UsageError(f"`{name}` is not a valid name: use lower-case letters, digits and single hyphens")
    if name == BUNDLED:
        raise UsageError(f"`{BUNDLED}` is reserved for the packs that come with agentpack", hint="choose another name")
    if taken := next((source for source in manifest.sources if source.name == name), None):
        hint = f"choose another name, or `agentpack source remove {name}` first"
        raise UsageError(f"a source `{name}` already exists: {taken.place}", hint=hint)


def _source(
    workspace: Workspace, name: str, text: str, options: Mapping[str, str], packs: Iterable[str]
) -> ConfiguredSource:
    """The source that the arguments describe. Raises UsageError for any that has no meaning."""
    place = place_of(workspace, text)
    allowed = SOURCE_KINDS[place.kind].options
    for key, value in options.items():
        if key not in allowed:
            raise UsageError(f"`--{key}` cannot be used with `{text}`, which is a source of kind `{place.kind}`")
        if place.options.get(key, value) != value:
            raise UsageError(f"`--{key} {value}`: but `{text}` has `{place.options[key]}`")
        allowed[key](value)
    for pattern in packs:
        check_pack_pattern(pattern)
    data = {"name": name, place.kind: portable_place(workspace, place), **place.options, **options}
    return ConfiguredSource.from_data({**data, "packs": tuple(packs)})


def _moved(workspace: Workspace, old: Manifest, new: Manifest) -> Iterable[str]:
    """The packs of manifest and lock that may not come from where they come from any more."""
    from_where = {entry.requirement.pack: entry.source for entry in old.packs if entry.source}
    from_where |= {pack.name: pack.source for pack in (workspace.lock.packs if workspace.lock else ())}
    for pack, source in from_where.items():
        entry = old.wanted(pack)
        there = entry.name_there if entry else ""
        before, after = (provider_fault(manifest.sources, source, pack, there) for manifest in (old, new))
        if after and not before:
            yield f"{pack} comes from `{source}`"


def _count(number: int) -> str:
    return "1 pack comes" if number == 1 else f"{number} packs come"


def _changed(
    workspace: Workspace, command: str, new: Manifest, listed: Callable[[Rows], Rows], *, dry_run: bool
) -> Outcome:
    """Write the manifest, and a lock that was made from it: one that was out of date before stays so.

    Args:
        listed: returns the list of sources in the lock as it is to be.
    """
    lock, documents, scope = workspace.lock, workspace.documents, workspace.scope
    refuse_half_merged(workspace)
    manifest = manifest_text(workspace, workspace.manifest, new)
    text = documents.lock_bytes
    if lock is not None:
        recorded = {**lock.manifest, "sources": listed(lock.manifest.get("sources", ()))}
        text = lock_bytes(workspace, lock._replace(manifest=recorded))
    both = ((scope.manifest, documents.manifest_bytes, manifest), (scope.lock, documents.lock_bytes, text))
    proposed = Outcome(
        command=command,
        scope=scope.kind,
        root=scope.root,
        plan=Plan(changes=(), elsewhere=workspace.states.elsewhere),
        documents=tuple(document_changes(both)),
        dry_run=dry_run,
    )
    return proposed if dry_run else commit(workspace, DecidedChange(proposed, current_pins(workspace)))
