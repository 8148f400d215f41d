"""Read `agentpack.lock`: the value that its text is of, or every reason why it is none."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

from agentpack.errors import Fault, InvalidFile
from agentpack.model.json_text import read_json
from agentpack.model.lock import SCHEMA, LocalVariant, Lock, LockedFile, LockedPack, SkippedAgent, WrittenState
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.names import NO_VERSION, Digest, PackName, is_digest, is_kebab, is_named_path
from agentpack.model.pack import AgentRow

_OLDEST = 1
"""Schema 1 has no `written`: its rows hold what the locked releases render to, written or not."""
MAX_LOCK_BYTES = 32 * 1024 * 1024
_VERSION = re.compile(
    r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?(?:\+[a-z0-9.]*[a-z0-9])?\Z"
)
_KEYS = frozenset(("schema", "manifest", "clients", "declared", "accepted", "packs", "written", "skipped", "files"))
_T = TypeVar("_T")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


def has_markers(data: bytes) -> bool:
    """Whether the lock contains merge markers: no line of our JSON begins with one."""
    return any(mark in b"\n" + data for mark in (b"\n<<<<<<<", b"\n=======", b"\n>>>>>>>"))


Keep = Literal["", "first", "last"]


class DuplicateRows(InvalidFile):
    """Two rows of the lock have the same name: version control merged both sides' additions without a conflict."""


class _Duplicate(ValueError):
    pass


def parse_lock(data: bytes, file: str, *, keep: Keep = "") -> Lock:
    """Parse the text of a lock.

    Args:
        keep: which of two rows with the same name to use.

    Raises:
        InvalidFile: not JSON, of a newer schema, or malformed.
        DuplicateRows: two rows have the same name and `keep` is not given.
    """
    try:
        value = read_json(data, max_bytes=MAX_LOCK_BYTES)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        message = "not valid JSON" if line else f"not valid JSON: {error}"
        if has_markers(data[:MAX_LOCK_BYTES]):
            message = "merge markers of version control"
        raise _fault(file, message, line) from None
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise InvalidFile(
            [Fault(file, 0, "schema", f"schema {schema} is newer than this agentpack reads (schema {SCHEMA})")],
            hint="upgrade agentpack",
        )
    try:
        return _lock(value, keep)
    except _Duplicate as error:
        raise DuplicateRows([Fault(file, 0, "", str(error))], hint="`agentpack lock` merges both sides") from None
    except (KeyError, TypeError, ValueError) as error:
        raise _fault(file, f"not a lock of schema {SCHEMA}: {_words(error)}", 0) from None


def _words(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _fault(file: str, message: str, line: int) -> InvalidFile:
    hint = f"`git restore {file}` restores the committed lock; `agentpack lock` makes a new one from the manifest"
    return InvalidFile([Fault(file, line, "", message)], hint=hint)


def _lock(value: Mapping[str, Any], keep: Keep) -> Lock:
    if type(_map(value)["schema"]) is not int or not _OLDEST <= value["schema"] <= SCHEMA:
        raise ValueError(f"schema {value['schema']}")
    if unknown := value.keys() - _KEYS:
        raise ValueError(f"unknown key `{min(unknown)[:80]}`")
    return Lock(
        _manifest(value["manifest"]),
        _texts(value["clients"]),
        _each_once((_pack(pack) for pack in _list(value["packs"])), lambda pack: pack.name, keep),
        _each_once((_file(_map(file)) for file in _list(value["files"])), lambda file: file.path, keep),
        _texts(value.get("accepted", [])),
        _written(value["written"]) if "written" in value else None,
        _declared(value),
        tuple(SkippedAgent(*(_text(row[key]) for key in SkippedAgent._fields)) for row in _rows(value, "skipped")),
    )


def _rows(value: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    return map(_map, _list(value.get(key, [])))


def _each_once(rows: Iterable[_T], name: Callable[[_T], str], keep: Keep) -> tuple[_T, ...]:
    """The rows, keeping the first or last of two with the same name. Raises _Duplicate if `keep` does not say which."""
    found: dict[str, _T] = {}
    for row in rows:
        if name(row) in found and not keep:
            raise _Duplicate(f"duplicate entry `{name(row)[:80]}`")
        if name(row) not in found or keep == "last":
            found[name(row)] = row
    return tuple(found.values())


def _written(value: Any) -> WrittenState:
    packs = tuple(_pack(pack) for pack in _list(_map(value)["packs"]))
    return WrittenState(_texts(value["clients"]), packs, _declared(value))


def _declared(value: Mapping[str, Any]) -> Mapping[str, Digest]:
    found = _map(value.get("declared", {}))
    if strange := [name for name in found if not is_kebab(name)]:
        raise ValueError(f"`{strange[0][:80]}` is not a client's name")
    return {name: _digest(digest) for name, digest in found.items()}


def _manifest(value: Any) -> Mapping[str, Any]:
    """The recorded manifest, checked to have the structure of `Manifest.to_data`."""
    if _map(value).get("clients") is not None:
        _texts(value["clients"])
    for names in _map(value.get("models", {})).values():
        _texts(list(_map(names).values()))
    for entry in _list(value.get("packs", [])):
        _text(_map(entry)["require"])
        _texts(entry.get("clients", []))
        _map(entry.get("parameters", {}))
        _texts(list(_map(entry.get("as", {})).values()))
    for source in _list(value.get("sources", [])):
        _texts([_map(source)["name"], *(value for key, value in source.items() if key != "packs")])
        _texts(source.get("packs", []))
        ConfiguredSource.from_data(source)
    return _map(value)


def _file(row: Mapping[str, Any]) -> LockedFile:
    found = LockedFile(row["path"], row["client"], row["pack"], row["persona"], row["sha256"])
    for value in found[:5]:
        if type(value) is not str:
            _text(value)
    if "capabilities" in row:
        found = found._replace(capabilities=_text(row["capabilities"]))
    if "release" in row:
        found = found._replace(release=_version(row["release"], found.path))
    if not is_named_path(found.path):
        raise ValueError(f"`{found.path[:80]}` is not the path of a file")
    if not _HEX.match(found.sha256):
        raise ValueError(f"`{found.sha256[:80]}` is not a digest")
    return found


def _pack(pack: Mapping[str, Any]) -> LockedPack:
    local = tuple(
        LocalVariant(_text(_map(row)["persona"]), _text(row["name"]), _digest(row["digest"]))
        for row in _list(_map(pack)["local_variants"])
    )
    return LockedPack(
        _name(pack["name"]),
        _version(pack["version"], pack["name"]),
        _text(pack["source"]),
        _digest(pack["digest"]),
        _texts(pack["variants"]),
        local,
        _map(pack["parameters"]),
        _texts(pack["requires"]),
        _texts(pack["wanted_by"]),
        {name: _text(given) for name, given in _map(pack.get("as", {})).items()},
        _texts(pack["clients"]) if "clients" in pack else None,
        _agents(pack["agents"], pack["name"]) if "agents" in pack else None,
        _commit(pack["commit"]) if "commit" in pack else "",
        _text(pack.get("repository", "")),
    )


def _agents(value: Any, pack: str) -> tuple[AgentRow, ...]:
    rows = tuple(
        AgentRow(_text(_map(row)["path"]), _text(row["sha256"]), _text(row.get("left_out", ""))) for row in _list(value)
    )
    for row in rows:
        if not is_named_path(row.path):
            raise ValueError(f"{pack[:80]}: `{row.path[:80]}` is not the path of an agent file")
        if not _HEX.match(row.sha256):
            raise ValueError(f"`{row.sha256[:80]}` is not a digest")
    if [row.path for row in rows] != sorted({row.path for row in rows}):
        raise ValueError(f"{pack[:80]}: its agent files are not in order")
    return rows


def is_commit(text: str) -> bool:
    """Whether a text is the whole name of a commit."""
    return _COMMIT.match(text) is not None


def _commit(value: Any) -> str:
    if not is_commit(_text(value)):
        raise ValueError(f"`{value[:80]}` is not a commit")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{str(value)[:80]}` is not text")
    return value


def _name(value: Any) -> PackName:
    if not is_kebab(_text(value)):
        raise ValueError(f"`{value[:80]}` is not a pack's name")
    return PackName(value)


def _version(value: Any, of: str) -> str:
    if not _VERSION.match(_text(value)) or len(value) > 100:
        raise ValueError(f"{of[:80]}: `{value[:80]}` is {NO_VERSION}")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"`{str(value)[:80]}` is not a list")
    return value


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"`{str(value)[:80]}` is not a map")
    return value


def _digest(value: Any) -> Digest:
    if not is_digest(_text(value)):
        raise ValueError(f"`{value[:80]}` is not a digest")
    return Digest(value)
