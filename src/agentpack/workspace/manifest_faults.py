"""Check a manifest completely: its schema, duplicate entries and unknown clients. All faults are reported at once.

Loaded only for a text that is not in the cache.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from agentpack.clients import Clients
from agentpack.errors import Fault, InvalidFile, UsageError
from agentpack.input.documents import Document, Path, dotted
from agentpack.input.schemas import validate
from agentpack.model.names import did_you_mean
from agentpack.model.requirement import parse_requirement
from agentpack.sources.bundled import NAME as BUNDLED

Known = Callable[[str], str | None]


def checked(document: Document, clients: Clients, known: Known) -> dict[str, Any]:
    """The manifest's data in normal form.

    Args:
        clients: all known clients.
        known: returns the file that declared a client when the lock was made, or None.

    Raises:
        InvalidFile: lists every fault.
    """
    faults: list[Fault] = []
    try:
        data = validate("manifest", document)
    except InvalidFile as error:
        if error.hint is not None or not isinstance(document.data, dict):
            raise  # written for another agentpack, or no manifest at all
        faults += error.faults
    told = {fault.key for fault in faults}
    faults += [fault for fault in _faults(document, clients, known) if fault.key not in told]
    if faults:
        raise InvalidFile(faults)
    return data


def _faults(document: Document, clients: Clients, known: Known) -> Iterator[Fault]:
    """Faults beyond the schema. Parts of an unexpected type are skipped."""
    data: Mapping[str, Any] = document.data
    yield from _unknown(document, ("clients",), data.get("clients"), clients, known)
    packs: list[tuple[Path, str]] = []
    for index, entry in _items(data.get("packs")):
        wanted = entry if isinstance(entry, dict) else {"require": entry}
        with suppress(UsageError):  # a fault already
            packs.append((("packs", index), wanted.get("name") or parse_requirement(str(wanted.get("require"))).pack))
        yield from _unknown_source(document, ("packs", index, "source"), wanted.get("source"), data.get("sources"))
        yield from _unknown(document, ("packs", index, "clients"), wanted.get("clients"), clients, known)
    yield from _repeats(document, packs)
    models = data.get("models")
    for family, ids in models.items() if isinstance(models, dict) else ():
        words = [str(word) for word in ids] if isinstance(ids, dict) else []
        yield from _repeats(document, [(("models", family, word), clients.resolve(word)) for word in words])
    sources = [(index, entry) for index, entry in _items(data.get("sources")) if isinstance(entry, dict)]
    yield from _repeats(document, [(("sources", index), str(entry.get("name"))) for index, entry in sources])


def _unknown_source(document: Document, path: Path, name: object, sources: object) -> Iterator[Fault]:
    known = [str(source.get("name")) for _, source in _items(sources) if isinstance(source, dict)]
    if isinstance(name, str) and name not in (*known, BUNDLED):
        hint = did_you_mean(name, known) or "use a name listed under `sources:`"
        yield _fault(document, path, f"there is no source `{name}`", hint)


def _items(value: object) -> Iterator[tuple[int, Any]]:
    return iter(enumerate(value if isinstance(value, list) else ()))


def _unknown(document: Document, path: Path, named: object, clients: Clients, known: Known) -> Iterator[Fault]:
    for index, name in _items(named):
        if isinstance(name, str) and clients.resolve(name) not in clients:
            near = did_you_mean(name, clients.words()) or "`agentpack clients` lists them"
            if file := known(name):
                near = f"`{file}`, which declared it, is gone"
            yield _fault(document, (*path, index), f"there is no client `{name}`", near)


def _repeats(document: Document, named: Iterable[tuple[Path, str]]) -> Iterator[Fault]:
    seen: dict[str, Path] = {}
    for path, name in named:
        if name in seen:
            first = f"first on line {document.line_of(seen[name])}; keep one entry"
            yield _fault(document, path, f"duplicate entry `{name}`", first)
        seen.setdefault(name, path)


def _fault(document: Document, path: Path, message: str, hint: str) -> Fault:
    return Fault(document.file, document.line_of(path), dotted(path), message, hint)
