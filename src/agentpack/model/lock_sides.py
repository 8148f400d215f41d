"""Read a half-merged lock (with merge markers, or with the rows of both sides) as two locks, and merge them.

Decides which side counts for each pack and each file. A change of only one side is kept; if both changed a pack, the
lower release that the manifest allows is taken, so that a merge never upgrades.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from packaging.version import Version

from agentpack.errors import Fault, InvalidFile
from agentpack.model.lock import Lock, LockedFile, LockedPack, WrittenState
from agentpack.model.lock_text import parse_lock
from agentpack.model.names import Digest
from agentpack.model.requirement import parse_requirement

_OURS, _BASE, _THEIRS, _BOTH = range(4)
_MARKS = ((b"<<<<<<<", _OURS), (b"|||||||", _BASE), (b"=======", _THEIRS), (b">>>>>>>", _BOTH))
_T = TypeVar("_T")


class LockSides(NamedTuple):
    """The two locks of a merge. `base` is their common ancestor, None if unknown."""

    ours: Lock
    theirs: Lock
    base: Lock | None


def read_sides(
    data: bytes, file: str, base: bytes | None = None, ours: bytes | None = None, theirs: bytes | None = None
) -> LockSides:
    """The two locks in a text with merge markers.

    Args:
        base: the lock that both sides began with, as the index of version control has it; and so on. Where the index
            has no sides, they are read from between the markers. What stands around them may be of both, so the index
            goes first.

    Raises:
        InvalidFile: one of the sides is no lock.
    """
    texts = _split(data)
    for pair in ((ours, theirs), (texts[_OURS], texts[_THEIRS])):
        one, other = (_read(text, file) for text in pair)
        if one is not None and other is not None:
            return LockSides(one, other, _read(base or texts.get(_BASE), file))
    line = data.partition(b"<<<<<<<")[0].count(b"\n") + 1
    fault = Fault(file, line, "", "merge markers of version control, and at least one side is not a valid lock")
    hint = f"`git checkout --ours {file}` takes one side, then run `agentpack lock`"
    raise InvalidFile([fault], hint=hint)


def sides_of_rows(data: bytes, file: str) -> LockSides:
    """The two locks in a text into which version control merged the rows of both sides without markers."""
    return LockSides(parse_lock(data, file, keep="first"), parse_lock(data, file, keep="last"), None)


def _split(data: bytes) -> dict[int, bytes]:
    """The text of each side, and of the base if the markers include it."""
    lines: dict[int, list[bytes]] = {_OURS: [], _BASE: [], _THEIRS: []}
    at, has_base = _BOTH, False
    for line in data.splitlines(keepends=True):
        mark = next((side for text, side in _MARKS if line[:7] == text and line[7:8] in b" \r\n"), None)
        if mark is not None:
            at, has_base = mark, has_base or mark == _BASE
            continue
        for side in lines if at == _BOTH else (at,):
            lines[side].append(line)
    return {side: b"".join(parts) for side, parts in lines.items() if side != _BASE or has_base}


def _read(data: bytes | None, file: str) -> Lock | None:
    try:
        return None if data is None else parse_lock(data, file)
    except InvalidFile:
        return None


def merged(
    sides: LockSides, allows: Callable[[str, str], bool], holds: Callable[[LockedFile], bool] = lambda row: False
) -> Lock:
    """One lock merged from both sides.

    Args:
        allows: returns whether the manifest allows a version of a pack.
        holds: returns whether a file on disk matches a row. If both sides changed a row, the matching one counts.
    """
    packs, from_ours, from_theirs = _packs(sides, allows)
    files, pins = _held(packs, _files(sides, from_theirs, holds), sides)
    is_behind = bool(pins) or any(lock.written for lock in (sides.ours, sides.theirs))
    clients = _names(sides, lambda lock: lock.clients)
    return Lock(
        _manifest(sides, from_theirs),
        clients,
        packs,
        files,
        _accepted(sides, from_ours, from_theirs),
        WrittenState(clients, pins, _declared(sides, as_written=True)) if is_behind else None,
        _declared(sides),
        (
            *(row for row in sides.ours.skipped if row.pack not in from_theirs),
            *(row for row in sides.theirs.skipped if row.pack in from_theirs),
        ),
    )


def _held(
    packs: Iterable[LockedPack], files: Iterable[LockedFile], sides: LockSides
) -> tuple[tuple[LockedFile, ...], tuple[LockedPack, ...]]:
    """The rows, and those of the releases they refer to that differ from what is wanted now."""
    wanted = {pack.name: pack.made_of for pack in packs}
    rows, pins = [], {}
    for row in files:
        side = sides.ours if row in sides.ours.files else sides.theirs
        pin = side.pin(row)
        if pin is not None and (row.release is not None or pin.made_of != wanted.get(pin.name)):
            _, *required = side.with_required(pin, is_old=row.release is not None)
            pins[pin.name, pin.version] = pin
            for one in required:
                if one.made_of != wanted.get(one.name):
                    pins.setdefault((one.name, one.version), one)
            row = row._replace(release=pin.version)
        rows.append(row)
    return tuple(rows), tuple(pins.values())


def _three_way(ours: _T, theirs: _T, base: _T | None, clash: Callable[[], _T], *, has_base: bool) -> _T:
    """The value of the side that changed it; the result of `clash` if both did."""
    if ours == theirs or (has_base and theirs == base):
        return ours
    return theirs if has_base and ours == base else clash()


def _packs(
    sides: LockSides, allows: Callable[[str, str], bool]
) -> tuple[tuple[LockedPack, ...], frozenset[str], frozenset[str]]:
    """The merged packs; the names of packs taken from ours, and from theirs, where the sides differ."""

    def lower(ours: LockedPack | None, theirs: LockedPack | None) -> LockedPack | None:
        if ours is None or theirs is None:  # one side added it, or took it out while the other changed it
            return ours or theirs
        allowed = [pack for pack in (ours, theirs) if allows(pack.name, pack.version)]
        return min(allowed or (ours, theirs), key=lambda pack: Version(pack.version))

    one, other, base = (None if lock is None else {pack.name: pack for pack in lock.packs} for lock in sides)
    assert one is not None and other is not None
    packs: list[LockedPack] = []
    from_ours: set[str] = set()
    from_theirs: set[str] = set()
    for name in sorted({*one, *other}):
        ours, theirs = one.get(name), other.get(name)
        clash = partial(lower, ours, theirs)
        pack = _three_way(ours, theirs, (base or {}).get(name), clash, has_base=base is not None)
        if ours != theirs:
            (from_ours if pack == ours else from_theirs).add(name)
        if pack is not None:
            packs.append(pack)
    return tuple(packs), frozenset(from_ours), frozenset(from_theirs)


def _files(
    sides: LockSides, from_theirs: frozenset[str], holds: Callable[[LockedFile], bool]
) -> tuple[LockedFile, ...]:
    """The merged rows. If both sides changed one, the row that matches the file, else that of the side whose pack was
    taken.
    """

    def clash(ours: LockedFile | None, theirs: LockedFile | None) -> LockedFile | None:
        held = next((row for row in (ours, theirs) if row is not None and holds(row)), None)
        if held is not None:
            return held
        return theirs if theirs is not None and (ours is None or theirs.pack in from_theirs) else ours

    one, other, base = (None if lock is None else {file.path: file for file in lock.files} for lock in sides)
    assert one is not None and other is not None
    rows = (
        _three_way(
            one.get(path),
            other.get(path),
            (base or {}).get(path),
            partial(clash, one.get(path), other.get(path)),
            has_base=base is not None,
        )
        for path in sorted({*one, *other})
    )
    return tuple(row for row in rows if row is not None)


def _names(sides: LockSides, of: Callable[[Lock], Iterable[str]]) -> tuple[str, ...]:
    """The names on both sides, and those one side added."""
    ours, theirs, base = (set() if lock is None else {*of(lock)} for lock in sides)
    return tuple(sorted((ours & theirs) | (ours - base) | (theirs - base)))


def _accepted(sides: LockSides, from_ours: frozenset[str], from_theirs: frozenset[str]) -> tuple[str, ...]:
    """The acceptances, without those for packs taken from the other side."""
    ours, theirs = ({*lock.accepted} for lock in (sides.ours, sides.theirs))
    left = {word for word in ours - theirs if word.partition(":")[0] not in from_theirs}
    left |= {word for word in theirs - ours if word.partition(":")[0] not in from_ours}
    return tuple(sorted((ours & theirs) | left))


def _declared(sides: LockSides, *, as_written: bool = False) -> Mapping[str, Digest]:
    """The declaration digests; ours if both sides changed one. `agentpack lock` updates them."""

    def of(lock: Lock | None) -> Mapping[str, Digest]:
        if as_written:
            return lock.written.declared if lock and lock.written else {}
        return lock.declared if lock else {}

    ours, theirs, base = map(of, sides)
    found = {
        name: _three_way(
            ours.get(name),
            theirs.get(name),
            base.get(name),
            partial(_first, ours.get(name), theirs.get(name)),
            has_base=sides.base is not None,
        )
        for name in sorted({*ours, *theirs})
    }
    return {name: digest for name, digest in found.items() if digest is not None}


def _first(ours: Digest | None, theirs: Digest | None) -> Digest | None:
    return ours or theirs


def _manifest(sides: LockSides, from_theirs: frozenset[str]) -> Mapping[str, Any]:
    """The manifest for the merged packs: each entry from the side whose pack was taken."""
    ours, theirs = sides.ours.manifest, sides.theirs.manifest
    if ours == theirs:
        return ours
    entries = {_pack_of(entry): entry for entry in theirs.get("packs", ())}
    for entry in ours.get("packs", ()):
        if _pack_of(entry) not in from_theirs or _pack_of(entry) not in entries:
            entries[_pack_of(entry)] = entry
    sources = {source["name"]: source for source in (*theirs.get("sources", ()), *ours.get("sources", ()))}
    rows = sorted(entries.values(), key=lambda entry: str(entry["require"]))
    return {**theirs, **ours, "packs": rows, "sources": list(sources.values())}


def _pack_of(entry: Mapping[str, Any]) -> str:
    return parse_requirement(entry["require"]).pack
