"""Questions to git. Asked only where the lock and the history of this checkout differ.

Nothing in a repository runs because of it: file system monitors and hooks are off, nothing is fetched, and environment
variables that git sets for hooks do not redirect it to another repository.
"""

import os
from collections.abc import Collection, Mapping
from itertools import islice

from agentpack.disk.real_paths import real_path

_SECONDS = 60
_AT_ONCE = 500
"""Paths in one call: the length of a command line is limited."""
_FETCH_NOTHING = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""A partial clone would fetch missing objects with programs that its own settings name."""


def tracked(paths: Mapping[str, str], variables: Mapping[str, str]) -> frozenset[str]:
    """The names of the files that git tracks: those in the index of a repository.

    If git cannot tell (no git here, or a repository of another user), every file counts as tracked: then the lock
    decides, as in a fresh clone.

    Args:
        paths: absolute paths, by the names to return.
        variables: the environment.
    """
    folders: dict[str, dict[str, str]] = {}
    for name, path in paths.items():
        folder = _existing(os.path.dirname(path))
        folders.setdefault(folder, {})[os.path.relpath(path, folder)] = name
    found: set[str] = set()
    for folder, names in folders.items():
        if _is_in_repository(folder):
            known = _tracked_below(folder, names, variables)
            found |= {name for path, name in names.items() if known is None or path in known}
    return frozenset(found)


def sides_of_merge(path: str, variables: Mapping[str, str]) -> tuple[bytes | None, bytes | None, bytes | None]:
    """The texts of a file in an unfinished merge: base, ours, theirs; None for each that git's index lacks."""
    folder, name = os.path.split(path)
    if not _is_in_repository(folder):
        return None, None, None
    base, ours, theirs = (run_git(folder, variables, "show", f":{stage}:./{name}") for stage in (1, 2, 3))
    return base, ours, theirs


def own_settings(pattern: str, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Git settings matching a pattern that are the user's or the machine's, never a repository's: those may come with a
    clone and can name a program.

    Git runs outside of every repository, so that no file of one is read, whatever includes it.
    """
    words = ("--git-dir=/dev/null", "config", "--null", "--show-scope", "--get-regexp", pattern)
    fields = (run_git("/", variables, *words) or b"").decode("utf-8", "replace").split("\0")
    rows = zip(fields[::2], fields[1::2], strict=False)
    settings = (row.partition("\n") for scope, row in rows if scope in ("system", "global", "command"))
    return [(key, value) for key, _, value in settings]


def _existing(folder: str) -> str:
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _is_in_repository(folder: str) -> bool:
    folder = real_path(folder)
    while not os.path.lexists(f"{folder}/.git"):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return True


def _tracked_below(folder: str, paths: Collection[str], variables: Mapping[str, str]) -> frozenset[str] | None:
    """Those of the paths that are in the index; None if git does not answer."""
    found: set[str] = set()
    waiting = iter(sorted(paths))
    while part := list(islice(waiting, _AT_ONCE)):
        out = run_git(folder, variables, "--literal-pathspecs", "ls-files", "-z", "--cached", "--", *part)
        if out is None:
            return None
        found.update(os.fsdecode(path) for path in out.split(b"\0") if path)
    return frozenset(found)


def run_git(folder: str, variables: Mapping[str, str], *arguments: str, seconds: float = _SECONDS) -> bytes | None:
    """Git's output in a folder; None if it fails or takes too long. Arguments are our own words; paths follow `--`."""
    import subprocess  # slow to load, and seldom needed

    options = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
    try:
        done = subprocess.run(  # noqa: S603 - our own words, and paths behind `--`
            ["git", "-C", folder, *options, *arguments],  # noqa: S607 - whichever git the user runs
            env={**_outside_of_hooks(variables), **_FETCH_NOTHING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _outside_of_hooks(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without variables that git sets for hooks, such as `GIT_DIR`."""
    kept = ("GIT_CONFIG", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY")
    return {name: value for name, value in variables.items() if not name.startswith("GIT_") or name.startswith(kept)}
