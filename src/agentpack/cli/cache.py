"""The options and the output of `agentpack cache list` and `cache prune`."""

from typing import Annotated, Any

import typer

from agentpack.cli.options import DryRun, Session, verb, verb_group
from agentpack.cli.output import Result, safe
from agentpack.commands.cache import REPOSITORIES, UNUSED_DAYS, CacheEntry, by_kind, cache_list, cache_prune
from agentpack.environment import cache_folder, in_local_time, time_text
from agentpack.errors import UsageError

app = verb_group(
    "Show what is in the cache, or delete what is no longer used.", example="agentpack cache prune --dry-run"
)


@verb(app, "list", under="cache")
def list_(session: Session) -> Result:
    """Show where the cache is and what it contains.

    Contents are downloaded files, repositories are mirrors of git repositories, and documents are manifests and packs
    that were checked. All your projects share the cache.

    Example: agentpack cache list
    """
    folder, output = cache_folder(), session.output
    found = cache_list(folder)
    output.say(safe(folder))
    output.table(("kind", "entries", "size"), [(kind, str(count), _size(size)) for kind, count, size in by_kind(found)])
    repositories = [one for one in found if one.kind == REPOSITORIES]
    if repositories:
        output.say()
        rows = [(one.name, _size(one.size), in_local_time(time_text(one.used))) for one in repositories]
        output.table(("repository", "size", "last used"), rows, whole=(1, 2))
    listed = [{"address": one.name, "bytes": one.size, "used": time_text(one.used)} for one in repositories]
    return Result({"folder": folder, "kinds": _kinds(found), "repositories": listed})


@verb(app, "prune", under="cache")
def prune(
    session: Session,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, metavar="N", help=f"Delete entries unused for N days (default: {UNUSED_DAYS})."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete everything.")] = False,
    dry_run: DryRun = False,
) -> Result:
    """Delete cache entries unused for 30 days. They are downloaded or rebuilt when needed again.

    Other commands may run at the same time; a repository that is being fetched is kept.

    Example: agentpack cache prune --days 7
    """
    if everything and days is not None:
        raise UsageError("`--all` cannot be used with `--days`")
    unused = 0 if everything else UNUSED_DAYS if days is None else days
    gone, busy = cache_prune(cache_folder(), session.environment.now(), unused, dry_run=dry_run)
    output, would = session.output, "would be deleted" if dry_run else "deleted"
    for kind, count, size in by_kind(gone):
        if count:
            output.say(f"{kind}: {count} {would}, {_size(size)}")
    if not gone:
        output.say("nothing to delete" if everything else f"everything was used in the last {unused} days")
    for one in busy:
        output.say(f"note: {safe(one.name)} was kept: it is in use or cannot be deleted")
    if dry_run:
        output.say("dry run: nothing was deleted")
    data = {"folder": cache_folder(), "deleted": _kinds(gone), "kept": [one.name for one in busy], "dry_run": dry_run}
    return Result(data)


def _kinds(entries: tuple[CacheEntry, ...]) -> list[dict[str, Any]]:
    return [{"kind": kind, "entries": count, "bytes": size} for kind, count, size in by_kind(entries)]


def _size(size: int) -> str:
    """A size for people."""
    if size < 1 << 10:
        return f"{size} bytes"
    return f"{size / (1 << 10):.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
