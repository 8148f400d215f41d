"""Complete names in the shell: packs, variants, versions, clients and the like.

Completion never fails: an empty list is an answer too. It opens no connection: what sources on other machines offered
last is in the cache. The library drops what does not begin with the word at hand.

Every command imports this for its options, also to print help, so lookups are loaded only when completing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from agentpack.environment import Environment, find_scope

if TYPE_CHECKING:
    from agentpack.workspace.workspace import Workspace

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,[]@+!=")
"""Characters allowed in a suggestion: shells evaluate what they get, and file names can contain anything."""


def _plain(names: Iterable[str]) -> list[str]:
    return [name for name in names if _LETTERS.issuperset(name)]


def _workspace() -> "Workspace":
    from agentpack.workspace.workspace import Workspace

    environment = Environment.current()._replace(offline=True)  # a manifest that came with a clone may name any host
    return Workspace(environment, find_scope(environment))


def complete_client(incomplete: str) -> list[str]:
    """Client names; after `a,` the remaining ones."""
    before, comma, _ = incomplete.rpartition(",")
    try:
        left = (name for name in _workspace().clients if name not in before.split(","))
        return _plain(f"{before}{comma}{name}" for name in left)
    except Exception:  # noqa: BLE001 - completion must never print a traceback into a prompt
        return []


def complete_requirement(incomplete: str) -> list[str]:
    """Pack names; after `[` the variants of the newest release; after `@` its versions."""
    try:
        from agentpack.wanted.candidates import candidates_to_view

        workspace = _workspace()
        candidates = candidates_to_view(workspace, workspace.manifest)
        name, bracket, inside = incomplete.partition("[")
        if bracket:
            head = inside.rpartition(",")[0]
            newest = candidates.releases(name)[0]  # type: ignore[arg-type]
            variants = candidates.variants(newest.pack, newest.version)
            before = f"{name}[{head + ',' if head else ''}"
            left = sorted(set(variants) - set(head.split(",")))
            return _plain(f"{before}{variant}" for variant in left)
        name, at, _ = incomplete.partition("@")
        if at:
            found = [str(ref.version) for ref in candidates.releases(name)]  # type: ignore[arg-type]
            return _plain(f"{name}@{v}" for v in [*found, "latest"])
        return _plain(candidates.known())
    except Exception:  # noqa: BLE001 - completion must never print a traceback into a prompt
        return []


def complete_installed() -> list[str]:
    """Packs in the manifest."""
    try:
        return _plain(wanted.requirement.pack for wanted in _workspace().manifest.packs)
    except Exception:  # noqa: BLE001 - as above
        return []


def complete_source() -> list[str]:
    """Sources in the manifest."""
    try:
        return _plain(source.name for source in _workspace().manifest.sources)
    except Exception:  # noqa: BLE001 - as above
        return []


def complete_setting(ctx: typer.Context, incomplete: str) -> list[str]:
    """Parameters of the named packs, else of those in the manifest; after `=` the allowed values."""
    try:
        declarations = dict(_declarations(ctx.args))  # what stands before an option without a value
        name, equals, _ = incomplete.partition("=")
        if equals:
            return _plain(f"{name}={one}" for one in _values(declarations[name]))
        return _plain(f"{each}=" for each in declarations)
    except Exception:  # noqa: BLE001 - as above
        return []


def _declarations(named: Sequence[str]) -> Iterator[tuple[str, Any]]:
    from agentpack.model.requirement import parse_requirement
    from agentpack.wanted.candidates import candidates_to_view

    workspace = _workspace()
    candidates = candidates_to_view(workspace, workspace.manifest)
    asked = [parse_requirement(text) for text in named] or [one.requirement for one in workspace.manifest.packs]
    for requirement in asked:
        newest = next(ref for ref in candidates.releases(requirement.pack) if requirement.allows(ref.version))
        yield from candidates.read(newest.pack, newest.version)[1].declarations.items()


def _values(declaration: Any) -> tuple[str, ...]:
    return ("true", "false") if declaration.type == "boolean" else tuple(declaration.choices or ())


def complete_acceptance() -> list[str]:
    """Capabilities of one word. Those with a colon must be typed: shells end a word there."""
    from agentpack.model.capabilities import PLAIN

    return _plain(PLAIN)


def complete_rule(ctx: typer.Context) -> list[str]:
    """Rule ids of the named pack or persona."""
    try:
        from agentpack.wanted.from_lock import pinned_by_scope

        name = ctx.params.get("name")
        parts = pinned_by_scope(_workspace(), frozen=True).render().parts
        sections = [s for part in parts if name in (part.pack.name, part.persona.name) for s in part.persona.sections]
        ids = [id for section in sections for id in (section.id, *(rule.id for rule in section.rules))]
        return _plain(dict.fromkeys(id for id in ids if id is not None))
    except Exception:  # noqa: BLE001 - as above
        return []


def complete_generation() -> list[str]:
    """Generation numbers, newest first."""
    try:
        numbers = reversed(_workspace().store.generations.numbers())
        return [str(number) for number in numbers]
    except Exception:  # noqa: BLE001 - as above
        return []


def complete_history(ctx: typer.Context) -> list[str]:
    """The subcommands of `history`, and the generations `show` can show."""
    before = list(ctx.params.get("words") or ())
    if before == ["show"]:
        return complete_generation()
    return [] if before else ["show", "prune"]


def completion_by(metavar: str | None) -> Callable[[], list[str]] | None:
    """The completer for a metavar: `text|json` completes these words, `[N]` a generation. None for any other."""
    if metavar == "[N]":
        return complete_generation
    words = (metavar or "").split("|")
    if len(words) < 2 or not all(word.isalpha() and word.islower() for word in words):
        return None
    return lambda: words
