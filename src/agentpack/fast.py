"""The hot path: `--version`, and a clean `diff`, `status` or `sync --check`, answered without the command-line library.

It reads the record of the last generation, hashes what lies on disk, and hands over to the full program (None) at the slightest doubt: an option it
does not know, a missing record, an interrupted change, local variants, anything that differs. A test holds its answers against the full program's.
"""

import os
import sys
from collections.abc import Sequence

from agentpack import __version__

PROJECT = "https://github.com/agentpack/agentpack"
_CLEAN = {("diff",): "nothing differs", ("sync", "--check"): "nothing differs"}


def answer(arguments: Sequence[str]) -> int | None:
    """The exit code when the command was answered here, else None."""
    if "_AGENTPACK_COMPLETE" in os.environ:
        return None
    if list(arguments) in (["--version"], ["-V"]):
        sys.stdout.write(version_text())
        return 0
    words = _CLEAN.get(tuple(arguments))
    if words is None:
        return None
    scope = clean_scope()
    if scope is None:
        return None
    sys.stderr.write(f"{scope}\n{words}\n")
    return 0


def version_text() -> str:
    """Name, version, project and place: `agentpack` on the Python index is somebody else's."""
    place = os.path.dirname(os.path.abspath(__file__))
    return f"agentpack {__version__} (distribution agentpack-manager)\nproject {PROJECT}\nrunning from {place}\n"


def clean_scope() -> str | None:
    """The scope's line when everything is as the last generation left it and as the lock wants it; None in any doubt."""
    import json

    from agentpack.environment import Environment, find_scope
    from agentpack.errors import AgentpackError

    try:
        scope = find_scope(Environment.current())
    except AgentpackError:
        return None
    state = scope.roots["$state"]
    if os.path.lexists(f"{state}/journal") or os.path.lexists(f"{state}/journal.new") or os.path.isdir(scope.absolute(scope.local_variants)):
        return None
    try:
        number = int(_read(f"{state}/current"))
        record = json.loads(_read(f"{state}/generations/{number:06}.json"))
        if record["schema"] != 1 or not {scope.manifest, scope.lock} <= {row[0] for row in record["documents"]}:
            return None
        for path, written, _mode in record["documents"]:
            if not _holds(scope.absolute(path), written):
                return None
        for path, _client, _pack, _persona, rendered, written, _mode in record["files"]:
            if rendered != written or not _holds(scope.absolute(path), written):
                return None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return str(scope)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(descriptor)


def _holds(path: str, digest: str) -> bool:
    from hashlib import sha256

    return "sha256:" + sha256(_read(path)).hexdigest() == digest
