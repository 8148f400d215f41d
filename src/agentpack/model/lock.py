"""`agentpack.lock` as a value: exactly what was chosen, and what each rendered file must be.

JSON in a stable order, one value a line, without times, tool versions, machine paths or user names: the same inputs
give the same bytes.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from agentpack.errors import Fault, InvalidFile
from agentpack.model.names import Digest, PackName, is_digest

SCHEMA = 1


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


class LockedFile(NamedTuple):
    """One rendered file."""

    path: str
    client: str
    pack: str
    persona: str
    sha256: str
    capabilities: str | None = None
    """What the client may do for the persona, as words between commas; None in a lock that does not tell it."""

    @property
    def words(self) -> tuple[str, ...]:
        """The capabilities, one by one."""
        return tuple(self.capabilities.split(", ")) if self.capabilities else ()

    def to_data(self) -> dict[str, str]:
        """The file as the lock has it."""
        return {key: value for key, value in self._asdict().items() if value is not None}


class Lock(NamedTuple):
    """All pins and files, and the manifest they were made from, in normal form."""

    manifest: Mapping[str, Any]
    clients: tuple[str, ...]
    packs: tuple[LockedPack, ...]
    files: tuple[LockedFile, ...]
    accepted: tuple[str, ...] = ()
    """What the user accepted with `--accept`: `widened:<client>`."""

    def pack(self, name: str) -> LockedPack | None:
        return next((pack for pack in self.packs if pack.name == name), None)

    def to_text(self) -> str:
        data = {
            "schema": SCHEMA,
            "manifest": self.manifest,
            "clients": sorted(self.clients),
            "accepted": sorted(self.accepted),
            "packs": [
                {
                    "name": pack.name,
                    "version": pack.version,
                    "source": pack.source,
                    "digest": pack.digest,
                    "variants": list(pack.variants),
                    "local_variants": [variant._asdict() for variant in pack.local_variants],
                    "parameters": dict(sorted(pack.parameters.items())),
                    "requires": list(pack.requires),
                    "wanted_by": list(pack.wanted_by),
                }
                for pack in sorted(self.packs)
            ],
            "files": [file.to_data() for file in sorted(self.files)],
        }
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def parse_lock(data: bytes, file: str) -> Lock:
    """The lock that the bytes stand for.

    Raises:
        InvalidFile: it is not JSON, of a newer schema, or not of this shape.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        message = "merge markers of version control" if b"\n<<<<<<<" in b"\n" + data else "not JSON"
        raise _fault(file, message, line) from None
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise InvalidFile(
            [Fault(file, 0, "schema", f"schema {schema} is newer than this agentpack reads (schema {SCHEMA})")],
            hint="upgrade agentpack",
        )
    try:
        return _lock(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _fault(file, f"not a lock of schema {SCHEMA}: {type(error).__name__} {error}", 0) from None


def _fault(file: str, message: str, line: int) -> InvalidFile:
    return InvalidFile([Fault(file, line, "", message)], hint="`agentpack lock` writes it anew from the manifest")


def _lock(value: Mapping[str, Any]) -> Lock:
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']}")
    return Lock(
        value["manifest"],
        tuple(map(_text, value["clients"])),
        tuple(_pack(pack) for pack in value["packs"]),
        tuple(
            LockedFile(
                _text(file["path"]),
                _text(file["client"]),
                _text(file["pack"]),
                _text(file["persona"]),
                _text(file["sha256"]),
                _text(file["capabilities"]) if "capabilities" in file else None,
            )
            for file in value["files"]
        ),
        tuple(map(_text, value.get("accepted", ()))),
    )


def _pack(pack: Mapping[str, Any]) -> LockedPack:
    local = tuple(
        LocalVariant(_text(row["persona"]), _text(row["name"]), _digest(row["digest"]))
        for row in pack["local_variants"]
    )
    return LockedPack(
        PackName(_text(pack["name"])),
        _text(pack["version"]),
        _text(pack["source"]),
        _digest(pack["digest"]),
        tuple(map(_text, pack["variants"])),
        local,
        dict(pack["parameters"]),
        tuple(map(_text, pack["requires"])),
        tuple(map(_text, pack["wanted_by"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{value}` is not text")
    return value


def _digest(value: Any) -> Digest:
    if not is_digest(_text(value)):
        raise ValueError(f"`{value}` is not a digest")
    return Digest(value)
