"""The options and the output of `agentpack status`."""

from collections.abc import Iterator
from typing import Any

from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result, flat, safe
from agentpack.cli.wrapping import hang
from agentpack.commands.status import FileStatus, PackStatus, Status
from agentpack.commands.status import status as run
from agentpack.environment import in_local_time
from agentpack.model.manifest import Manifest
from agentpack.model.unmerged import MARKERS
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.wanted.skipped import skipped_data
from agentpack.workspace.shadowing import same_name_sentences, short_path

app = verb_app()
_MOST_AGENTS = 6

_STATES = {
    "edited": "edited by hand",
    "missing": "missing: `agentpack sync` restores it",
    "blocked": "not a regular file: move it elsewhere",
    "outdated": "not up to date with the lock: `agentpack sync` writes it",
    "elsewhere": "in another place: written while its variable pointed there",
    "leftover": "no longer needed: `agentpack sync` removes it",
}


@verb(app, "status")
def status(session: Session) -> Result:
    """Show installed packs, edited and missing files, newer releases and duplicate names.

    Changes nothing, and the exit code is always 0. Use `agentpack diff` to test for differences.

    Example: agentpack status
    """
    found = tell_status(session)
    if not found.packs and not session.workspace.manifest.packs:
        session.output.say("nothing is installed here; `agentpack search` lists packs")
    return Result(status_data(session, found))


def tell_status(session: Session) -> Status:
    """Print the status of the scope. Returns it."""
    found = run(session.workspace, in_full=session.output.verbose or session.output.json)
    for line in _lines(session, found):
        session.output.print(session.output.advice(line), wrap=True)
    return found


def _lines(session: Session, found: Status) -> Iterator[str]:
    style, some = session.output.style, session.output.some
    told = [pack for pack in found.packs if not _is_as_installed(pack)]
    for packs, what in ((told, "more"), ([pack for pack in found.packs if pack not in told], "more, all unchanged")):
        yield from some(["\n".join(_pack_lines(session, pack)) for pack in packs], what)
    shown = session.workspace.scope.shown
    yield from some([f"{safe(shown(file.path))}: {_STATES[file.state]}" for file in found.leftovers])
    yield from (safe(str(agents)) for agents in found.skipped)
    yield from some([*map(safe, found.left_out)])
    yield from (f"{safe(shown(path))}: not used, as its agent is not installed" for path in found.unused_variants)
    yield from _remarkable(session, found)
    for sentence in same_name_sentences(session.workspace, found.same_names):
        yield f"name      {safe(sentence)}"
    for left in found.unmanaged:
        files = "file" if left.files == 1 else "files"
        place = safe(short_path(session.workspace, left.folder))
        what = "it" if left.files == 1 else "them"
        yield f"{left.files} agent {files} not managed in {place} (`agentpack adopt` manages {what})"
    yield from (f"clients   {safe(str(clients))}" for clients in found.unlisted)
    for refused in found.refused:
        what = f"{refused.pack} {refused.version}: {refused.rule}: {refused.why}" if refused.pack else refused.why
        place = f" ({refused.file}:{refused.line})" if refused.file else ""
        yield style("policy", "red") + f"    {safe(what + place)}"
    for reason in found.stale:
        yield f"lock      {safe(reason)} (`agentpack {'lock' if session.workspace.documents.lock_sides else 'sync'}`)"


def _is_as_installed(pack: PackStatus) -> bool:
    """Whether there is nothing to do about a pack."""
    is_current = pack.in_range is None and pack.newest is None and not pack.changed
    return is_current and all(file.state == "clean" for file in pack.files)


def _pack_lines(session: Session, pack: PackStatus) -> Iterator[str]:
    yield session.output.style(safe(f"{pack.name} {pack.version}"), "bold") + f"  {safe(_for_whom(pack))}"
    changed = [file for file in pack.files if file.state != "clean"]
    most = None if session.output.verbose else _MOST_AGENTS
    manifest = session.workspace.manifest
    places = {source.name: f" ({source.place})" for source in manifest.sources if not source.is_path}
    about = [*_about(pack, manifest, is_clean=not changed, most=most, place=places.get(pack.source, ""))]
    if pack.source == BUNDLED and session.output.verbose:
        about.append(("source", f"{BUNDLED} (comes with agentpack)"))
    for label, text in about:
        yield from hang(f"  {label:<9} ", safe(text))
    yield from session.output.some([f"  {file.state:<9} {safe(_file_words(session, file))}" for file in changed])
    if session.output.verbose:
        shown = session.workspace.scope.shown
        yield from (f"  {'unchanged':<9} {safe(shown(file.path))}" for file in pack.files if file.state == "clean")


def _remarkable(session: Session, found: Status) -> Iterator[str]:
    """Facts about a client that users may not expect: it reads another's file, or asks for trust."""
    for use in found.uses:
        if not use.own:
            yield f"{safe(use.title)} reads {safe(session.workspace.scope.shown(use.path))}"
    yield from dict.fromkeys(flat(use.trust) for use in found.uses if use.trust)


def _for_whom(pack: PackStatus) -> str:
    return f"for {', '.join(pack.clients)}" if pack.clients else f"required by {', '.join(pack.wanted_by)}"


def _about(
    pack: PackStatus, manifest: Manifest, *, is_clean: bool, most: int | None, place: str
) -> Iterator[tuple[str, str]]:
    more = f" and {len(pack.agents[most:])} more" if most and pack.agents[most:] else ""
    of = f" (of {pack.offered})" if pack.offered and pack.offered > len(pack.agents) else ""
    agents = "" if pack.agents in ((), (pack.name,)) else ", ".join(pack.agents[:most]) + more + of
    if agents and not is_clean:
        yield "agents", agents
    variants = [*pack.variants, *(f"{name} (your own)" for name in pack.local_variants)]
    if variants:
        yield "variants", ", ".join(variants)
    if pack.parameters:
        from agentpack.compose.substitute import as_text  # only where something is set

        yield "set", ", ".join(f"{name}={as_text(value)}" for name, value in sorted(pack.parameters.items()))
    if pack.in_range is not None:
        newer = "other texts" if pack.in_range == pack.version else pack.in_range
        yield "newer", f"{newer} (`agentpack upgrade`)"
    if pack.newest is not None and pack.newest != pack.in_range:
        lacks = " and ".join(f"`{name}`" for name in pack.lacks)
        way = f"out of range (`agentpack upgrade --latest{manifest.name_of_one(pack.name)}`)"
        if pack.ref:
            from agentpack.changes.newest import way_past_ref  # only for sources with a `ref:`

            way = f"held back by `ref: {pack.ref}` ({way_past_ref(manifest, pack.name, pack.ref)})"
        if pack.kept_out:
            way = f"but {' and '.join(pack.kept_out)}"
        yield "newer", f"{pack.newest}, {f'which lacks {lacks} (`agentpack upgrade` says more)' if lacks else way}"
    if pack.changed:
        yield "changed", f"its text is not what was locked as {pack.version} (`agentpack upgrade` says what to do)"
    if pack.tag_moved:
        yield "tag", f"`{pack.tag}` was moved to another commit than the locked one: ask its author why"
    if pack.source != BUNDLED:
        asks = " (`agentpack upgrade --check` looks for newer releases)" if pack.commit else ""
        if pack.looked and pack.asked:
            asks = f" (last asked: {in_local_time(pack.asked)}; `agentpack upgrade --check` asks again)"
        repository = f", in {pack.repository}" if pack.repository else ""
        tag = "" if pack.tag_moved or pack.tag == pack.ref else pack.tag
        state = ", ".join(filter(None, (tag, pack.ref and f"`ref: {pack.ref}`", pack.commit[:12])))
        yield "source", f"{pack.source}{place}{repository}{f' at {state}' if state else ''}{asks}"
    if pack.files and is_clean:
        count = "unchanged" if len(pack.files) == 1 else f"{len(pack.files)}, all unchanged"
        yield "files", f"{count}: {agents}" if agents else count


def _file_words(session: Session, file: FileStatus) -> str:
    words = _STATES[file.state].partition(": ")[2]
    if file.unmerged:
        return f"{session.workspace.scope.shown(file.path)}:{file.unmerged}  ({MARKERS})"
    if file.outdated:
        words = "and not up to date with the lock: `agentpack sync` merges the two, or names the conflict"
    return session.workspace.scope.shown(file.path) + (f"  ({words})" if words else "")


def status_data(session: Session, found: Status) -> dict[str, Any]:
    scope = session.workspace.scope
    return {
        "scope": scope.kind,
        "root": scope.root,
        "packs": [{**pack._asdict(), "files": [file._asdict() for file in pack.files]} for pack in found.packs],
        "leftovers": [file._asdict() for file in found.leftovers],
        "same_names": [same._asdict() for same in found.same_names],
        "unmanaged": [left._asdict() for left in found.unmanaged],
        "stale": list(found.stale),
        "uses": [use._asdict() for use in found.uses],
        "refused": [refused._asdict() for refused in found.refused],
        **skipped_data(found.skipped),
        **({"left_out": list(found.left_out)} if found.left_out else {}),
        **({"unused_variants": list(found.unused_variants)} if found.unused_variants else {}),
        **({"unlisted": [one._asdict() for one in found.unlisted]} if found.unlisted else {}),
    }
