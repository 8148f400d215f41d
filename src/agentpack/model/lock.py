"""`agentpack.lock` as a value: which releases are wanted, and which files were written from them.

`packs` is what is wanted, `files` what was written last. They are made together by every command that writes files;
`agentpack lock` changes `packs` alone, and a command can leave a file in conflict as it was. Then `written` has the
releases that files still hold, and the rows of these files name theirs.

JSON in a stable order, one value a line, without times, tool versions, machine paths or user names: the same inputs
give the same bytes.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

from agentpack.errors import Fault, InvalidFile
from agentpack.model.json_text import read_json
from agentpack.model.names import NO_VERSION, Digest, PackName, is_digest, is_kebab, is_named_path

SCHEMA = 2
_OLDEST = 1
"""Schema 1 has no `written`: its rows say what the locked releases render to, written or not."""
MAX_LOCK_BYTES = 32 * 1024 * 1024
_VERSION = re.compile(
    r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?(?:\+[a-z0-9.]*[a-z0-9])?\Z"
)
_KEYS = frozenset(("schema", "manifest", "clients", "declared", "accepted", "packs", "written", "files"))
_T = TypeVar("_T")
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class LocalVariant(NamedTuple):
    """A local variant that a pack was rendered with."""

    persona: str
    name: str
    digest: Digest


class LockedPack(NamedTuple):
    """One release, chosen."""

    name: PackName
    version: str
    source: str
    digest: Digest
    variants: tuple[str, ...]
    local_variants: tuple[LocalVariant, ...]
    parameters: Mapping[str, Any]
    """The values that the user set."""
    requires: tuple[str, ...]
    wanted_by: tuple[str, ...]
    renames: Mapping[str, str] = {}
    """A persona's name to the name it was given. Only in `written`: of what is wanted, the manifest says it."""
    clients: tuple[str, ...] | None = None
    """The clients that it is for, where these are fewer than the lock's and the manifest does not say so."""

    @property
    def made_of(self) -> tuple[object, ...]:
        """What decides the texts that it renders to."""
        return self.version, self.source, self.digest, self.variants, self.local_variants, dict(self.parameters)

    def to_data(self) -> dict[str, Any]:
        """The pack as the lock has it."""
        data: dict[str, Any] = {
            "name": self.name,
            "source": self.source,
            # on neighbouring lines: a line merge takes both from one side, or leaves both to be settled
            "version": self.version,
            "digest": self.digest,
            "variants": list(self.variants),
            "local_variants": [variant._asdict() for variant in self.local_variants],
            "parameters": dict(sorted(self.parameters.items())),
            "requires": list(self.requires),
            "wanted_by": list(self.wanted_by),
        }
        if self.renames:
            data["as"] = dict(sorted(self.renames.items()))
        if self.clients is not None:
            data["clients"] = sorted(self.clients)
        return data


_quoted = json.JSONEncoder(ensure_ascii=False).encode


class LockedFile(NamedTuple):
    """One rendered file."""

    path: str
    client: str
    pack: str
    persona: str
    sha256: str
    capabilities: str | None = None
    """What the client may do for the persona, as words between commas; None in a lock that does not tell it."""
    release: str | None = None
    """The version of the pack in `written` that the file holds; None when it holds what `packs` has."""

    @property
    def words(self) -> tuple[str, ...]:
        """The capabilities, one by one."""
        return tuple(self.capabilities.split(", ")) if self.capabilities else ()

    def to_text(self) -> str:
        """The file as a row of the lock. There may be thousands, and `json.dumps` is slow when it indents."""
        rows = (f'   "{key}": {_quoted(value)}' for key, value in self._asdict().items() if value is not None)
        return "  {\n" + ",\n".join(rows) + "\n  }"


class Written(NamedTuple):
    """What files were written from, as far as it is no longer what is wanted."""

    clients: tuple[str, ...]
    packs: tuple[LockedPack, ...]
    """The releases that rows of files name, each name and version once."""
    declared: Mapping[str, Digest] = {}
    """The declarations that these files were written by, where they are others than the lock's."""


class Lock(NamedTuple):
    """What is wanted, the manifest it was made from in normal form, and the files that were written."""

    manifest: Mapping[str, Any]
    clients: tuple[str, ...]
    packs: tuple[LockedPack, ...]
    files: tuple[LockedFile, ...]
    accepted: tuple[str, ...] = ()
    """What the user accepted with `--accept`: `<pack>:widened:<client>`, and until the files are written
    `<pack>:<capability>`."""
    written: Written | None = None
    """None when the files hold what is wanted."""
    declared: Mapping[str, Digest] = {}
    """By the name of each declared client that the lock names or has files for, the digest of its text, in LF and
    without a mark. Not of what the text means, which depends on the version of agentpack that reads it, as the lock may
    not. A lock that an earlier agentpack made does not tell it.
    """

    def pack(self, name: str) -> LockedPack | None:
        return next((pack for pack in self.packs if pack.name == name), None)

    @property
    def all_clients(self) -> frozenset[str]:
        """The clients that it names, or has files for."""
        rows = (*self.packs, *(self.written.packs if self.written else ()))
        named = (self.manifest, *self.manifest.get("packs", ()))
        return frozenset(
            {
                *self.clients,
                *(file.client for file in self.files),
                *(client for row in rows for client in row.clients or ()),
                *(client for entry in named for client in entry.get("clients") or ()),
            }
        )

    @property
    def fewer(self) -> dict[str, tuple[str, ...]]:
        """The packs that are for fewer clients than the lock's, and for which, where the manifest does not say so."""
        return {pack.name: pack.clients for pack in self.packs if pack.clients is not None}

    def pin(self, file: LockedFile) -> LockedPack | None:
        """The release that a file was written from; None when the lock does not have it."""
        if file.release is None:
            return self.pack(file.pack)
        pins = self.written.packs if self.written else ()
        return next((pin for pin in pins if (pin.name, pin.version) == (file.pack, file.release)), None)

    def with_required(self, pin: LockedPack, *, is_old: bool) -> Iterator[LockedPack]:
        """A release and those that it requires, directly or through others; older ones first where it `is_old`."""
        if not pin.requires:
            yield pin
            return
        from agentpack.model.requirement import parse_requirement  # only where something is rendered again

        older = {one.name: one for one in self.written.packs} if self.written and is_old else {}
        known = {**{one.name: one for one in self.packs}, **older, pin.name: pin}
        waiting, seen = [pin], {pin.name}
        while waiting:
            one = waiting.pop()
            yield one
            for text in one.requires:
                name = parse_requirement(text).pack
                if name in known and name not in seen:
                    seen.add(name)
                    waiting.append(known[name])

    def to_text(self) -> str:
        data = {
            "schema": SCHEMA,
            "manifest": self.manifest,
            "clients": sorted(self.clients),
            **_told(self.declared),
            "accepted": sorted(self.accepted),
            "packs": [pack.to_data() for pack in sorted(self.packs, key=_place)],
        }
        if self.written is not None:
            packs = [pack.to_data() for pack in sorted(self.written.packs, key=_place)]
            written = {"clients": sorted(self.written.clients), **_told(self.written.declared), "packs": packs}
            data["written"] = written
        data["files"] = []
        text = json.dumps(data, ensure_ascii=False, indent=1)
        rows = ",\n".join(file.to_text() for file in sorted(self.files, key=lambda file: file.path))
        return (text.removesuffix("[]\n}") + f"[\n{rows}\n ]\n}}" if rows else text) + "\n"


def _told(declared: Mapping[str, Digest]) -> dict[str, Any]:
    return {"declared": dict(sorted(declared.items()))} if declared else {}


def _place(pack: LockedPack) -> tuple[str, str]:
    return pack.name, pack.version


def has_markers(data: bytes) -> bool:
    """Whether version control left merge markers in a lock: no line of JSON begins with one."""
    return any(mark in b"\n" + data for mark in (b"\n<<<<<<<", b"\n=======", b"\n>>>>>>>"))


Keep = Literal["", "first", "last"]


class RowsTwice(InvalidFile):
    """Two rows of a lock have one name: version control merged what both sides added, and saw no conflict."""


class _Twice(ValueError):
    pass


def parse_lock(data: bytes, file: str, *, keep: Keep = "") -> Lock:
    """The lock that the bytes stand for.

    Args:
        keep: which of two rows with one name counts.

    Raises:
        InvalidFile: it is not JSON, of a newer schema, or not of this shape.
        RowsTwice: two rows have one name, and `keep` says nothing.
    """
    try:
        value = read_json(data, max_bytes=MAX_LOCK_BYTES)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        message = "not JSON" if line else f"not JSON: {error}"
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
    except _Twice as error:
        raise RowsTwice([Fault(file, 0, "", str(error))], hint="`agentpack lock` merges the two") from None
    except (KeyError, TypeError, ValueError) as error:
        raise _fault(file, f"not a lock of schema {SCHEMA}: {_words(error)}", 0) from None


def _words(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _fault(file: str, message: str, line: int) -> InvalidFile:
    hint = f"`git restore {file}` brings the committed one back; `agentpack lock` makes a new one from the manifest"
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
    )


def _each_once(rows: Iterable[_T], name: Callable[[_T], str], keep: Keep) -> tuple[_T, ...]:
    """The rows, of two with one name the first or the last. Raises _Twice when neither is to be kept."""
    found: dict[str, _T] = {}
    for row in rows:
        if name(row) in found and not keep:
            raise _Twice(f"`{name(row)[:80]}` is there twice")
        if name(row) not in found or keep == "last":
            found[name(row)] = row
    return tuple(found.values())


def _written(value: Any) -> Written:
    packs = tuple(_pack(pack) for pack in _list(_map(value)["packs"]))
    return Written(_texts(value["clients"]), packs, _declared(value))


def _declared(value: Mapping[str, Any]) -> Mapping[str, Digest]:
    found = _map(value.get("declared", {}))
    if strange := [name for name in found if not is_kebab(name)]:
        raise ValueError(f"`{strange[0][:80]}` is not a client's name")
    return {name: _digest(digest) for name, digest in found.items()}


def _manifest(value: Any) -> Mapping[str, Any]:
    """The manifest, once it is of the shape that `Manifest.to_data` gives."""
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
        _texts([_map(source)["name"], source["path"]])
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
    )


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
