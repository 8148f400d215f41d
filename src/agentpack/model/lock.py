"""`agentpack.lock` as a value: which releases are wanted, and which files were written from them.

`packs` is what is wanted, `files` what was written last. They are made together by every command that writes files;
`agentpack lock` changes `packs` alone, and a command can leave a file in conflict as it was. Then `written` has the
releases that files still hold, and the rows of these files name theirs.

JSON in a stable order, one value per line, without times, tool versions, machine paths or user names: the same inputs
give the same bytes.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

from agentpack.errors import Fault, InvalidFile
from agentpack.model.json_text import read_json
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.names import NO_VERSION, Digest, PackName, is_digest, is_kebab, is_named_path
from agentpack.model.pack import AgentRow

SCHEMA = 2
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


class LocalVariant(NamedTuple):
    """A local variant that a pack was rendered with."""

    persona: str
    name: str
    digest: Digest


class LockedPack(NamedTuple):
    """One locked release."""

    name: PackName
    version: str
    source: str
    digest: Digest
    variants: tuple[str, ...]
    local_variants: tuple[LocalVariant, ...]
    parameters: Mapping[str, Any]
    """The parameter values that the user set."""
    requires: tuple[str, ...]
    wanted_by: tuple[str, ...]
    renames: Mapping[str, str] = {}
    """Maps a persona's name to the name it was given. Only in `written`; for what is wanted, the manifest has it."""
    clients: tuple[str, ...] | None = None
    """The clients the pack is for, if fewer than the lock's and the manifest does not list them."""
    agents: tuple[AgentRow, ...] | None = None
    """The chosen agent files of a pack in a collection; None for a pack with `pack.yaml`."""
    commit: str = ""
    """The commit of a git repository that it was read from; empty for other sources."""
    repository: str = ""
    """The address of that repository, where it is not the source's own: for a plugin of a marketplace."""

    @property
    def made_of(self) -> tuple[object, ...]:
        """What decides the texts that it renders to."""
        content = self.digest if self.agents is None else tuple(row.content for row in self.agents)
        return self.version, self.source, content, self.variants, self.local_variants, dict(self.parameters)

    def to_data(self) -> dict[str, Any]:
        """The pack as the lock stores it."""
        data: dict[str, Any] = {
            "name": self.name,
            "source": self.source,
            # on neighbouring lines: a line merge takes both from one side, or leaves both to be settled
            "version": self.version,
            "digest": self.digest,
            **({"commit": self.commit} if self.commit else {}),
            **({"repository": self.repository} if self.repository else {}),
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
        if self.agents is not None:
            data["agents"] = [{key: text for key, text in row._asdict().items() if text} for row in self.agents]
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
    """The capabilities of the persona in this client, comma-separated; None in a lock without them."""
    release: str | None = None
    """The version of the pack in `written` that the file holds; None if it holds the version in `packs`."""

    @property
    def words(self) -> tuple[str, ...]:
        """The capabilities as a tuple."""
        return tuple(self.capabilities.split(", ")) if self.capabilities else ()

    def to_text(self) -> str:
        """The file as a row of the lock. There may be thousands, and `json.dumps` is slow with indentation."""
        rows = (f'   "{key}": {_quoted(value)}' for key, value in self._asdict().items() if value is not None)
        return "  {\n" + ",\n".join(rows) + "\n  }"


REFUSED = "refused: "
"""Prefix of the reason for a skipped agent that its client would not take at all."""


class SkippedAgent(NamedTuple):
    """An agent of a collection that a client does not get: it cannot restrict the agent as asked, or refuses it."""

    client: str
    pack: str
    persona: str
    reason: str


class WrittenState(NamedTuple):
    """What the files were written from, where that is no longer what is wanted."""

    clients: tuple[str, ...]
    packs: tuple[LockedPack, ...]
    """The releases that file rows refer to, each name and version once."""
    declared: Mapping[str, Digest] = {}
    """The client declarations these files were written with, where they differ from the lock's."""


class Lock(NamedTuple):
    """The wanted releases, the manifest they were chosen for in normal form, and the files that were written."""

    manifest: Mapping[str, Any]
    clients: tuple[str, ...]
    packs: tuple[LockedPack, ...]
    files: tuple[LockedFile, ...]
    accepted: tuple[str, ...] = ()
    """What the user accepted with `--accept`: `<pack>:widened:<client>`, and until the files are written
    `<pack>:<capability>`."""
    written: WrittenState | None = None
    """None if the files hold what is wanted."""
    declared: Mapping[str, Digest] = {}
    """The digest of the declaration of each declared client that the lock names or has files for. The digest is of the
    text with LF line ends and without a byte-order mark, not of its meaning, which depends on the version of agentpack.
    Missing in a lock made by an older agentpack."""
    skipped: tuple[SkippedAgent, ...] = ()
    """What is wanted and not written, sorted."""

    @property
    def in_collections(self) -> frozenset[str]:
        """The packs of collections, of whose edits a variant can say only some."""
        return frozenset(pack.name for pack in self.packs if pack.agents is not None)

    def pack(self, name: str) -> LockedPack | None:
        return next((pack for pack in self.packs if pack.name == name), None)

    @property
    def all_clients(self) -> frozenset[str]:
        """The clients the lock names or has files for."""
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
    def clients_by_pack(self) -> dict[str, tuple[str, ...]]:
        """The packs limited to fewer clients than the lock's, where the manifest does not list them."""
        return {pack.name: pack.clients for pack in self.packs if pack.clients is not None}

    def pin(self, file: LockedFile) -> LockedPack | None:
        """The release a file was written from; None if the lock does not have it."""
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
            **_declared_data(self.declared),
            "accepted": sorted(self.accepted),
            "packs": [pack.to_data() for pack in sorted(self.packs, key=_place)],
        }
        if self.written is not None:
            packs = [pack.to_data() for pack in sorted(self.written.packs, key=_place)]
            written = {"clients": sorted(self.written.clients), **_declared_data(self.written.declared), "packs": packs}
            data["written"] = written
        if self.skipped:
            data["skipped"] = [agent._asdict() for agent in sorted(self.skipped)]
        data["files"] = []
        text = json.dumps(data, ensure_ascii=False, indent=1)
        rows = ",\n".join(file.to_text() for file in sorted(self.files, key=lambda file: file.path))
        return (text.removesuffix("[]\n}") + f"[\n{rows}\n ]\n}}" if rows else text) + "\n"


def _declared_data(declared: Mapping[str, Digest]) -> dict[str, Any]:
    return {"declared": dict(sorted(declared.items()))} if declared else {}


def _place(pack: LockedPack) -> tuple[str, str]:
    return pack.name, pack.version


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
    except _Duplicate as error:
        raise DuplicateRows([Fault(file, 0, "", str(error))], hint="`agentpack lock` merges the two") from None
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
        tuple(SkippedAgent(*(_text(row[key]) for key in SkippedAgent._fields)) for row in _rows(value, "skipped")),
    )


def _rows(value: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    return map(_map, _list(value.get(key, [])))


def _each_once(rows: Iterable[_T], name: Callable[[_T], str], keep: Keep) -> tuple[_T, ...]:
    """The rows, keeping the first or last of two with the same name. Raises _Duplicate if `keep` does not say which."""
    found: dict[str, _T] = {}
    for row in rows:
        if name(row) in found and not keep:
            raise _Duplicate(f"`{name(row)[:80]}` is there twice")
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
        _texts([_map(source)["name"], *source.values()])
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
