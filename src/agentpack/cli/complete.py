"""Names for the shell's completion. It never fails: no names is an answer too.

Every verb imports this for its options, also to print its help: what looks names up is loaded when a name is wanted.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agentpack.environment import Environment, find_scope

if TYPE_CHECKING:
    from agentpack.operations.workspace import Workspace

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,[]@+!")
"""What a name that is offered may hold: a shell evaluates what it is told, and a file's name can say anything."""


def _plain(names: Iterable[str]) -> list[str]:
    return [name for name in names if _LETTERS.issuperset(name)]


def _workspace() -> "Workspace":
    from agentpack.operations.workspace import Workspace

    environment = Environment.current()
    return Workspace(environment, find_scope(environment))


def complete_client(incomplete: str) -> list[str]:
    """Client names."""
    try:
        return _plain(name for name in _workspace().targets if name.startswith(incomplete))
    except Exception:  # noqa: BLE001 - completion must never print a traceback into a prompt
        return []


def complete_requirement(incomplete: str) -> list[str]:
    """Pack names; behind `[` the variants of the newest release; behind `@` its versions."""
    try:
        from agentpack.operations.library import Library

        workspace = _workspace()
        library = Library(workspace, workspace.manifest, every_age=True)
        name, bracket, inside = incomplete.partition("[")
        if bracket:
            head, _, last = inside.rpartition(",")
            newest = library.sources.releases(name)[0]  # type: ignore[arg-type]
            variants = library.variants(newest.pack, newest.version)
            before = f"{name}[{head + ',' if head else ''}"
            return _plain(f"{before}{variant}" for variant in sorted(variants) if variant.startswith(last))
        name, at, version = incomplete.partition("@")
        if at:
            found = [str(ref.version) for ref in library.sources.releases(name)]  # type: ignore[arg-type]
            return _plain(f"{name}@{v}" for v in [*found, "latest"] if v.startswith(version))
        return _plain(pack for pack in library.known() if pack.startswith(incomplete))
    except Exception:  # noqa: BLE001 - completion must never print a traceback into a prompt
        return []


def complete_installed(incomplete: str) -> list[str]:
    """Packs of the manifest."""
    try:
        packs = [wanted.requirement.pack for wanted in _workspace().manifest.packs]
    except Exception:  # noqa: BLE001 - as above
        return []
    return _plain(pack for pack in packs if pack.startswith(incomplete))
