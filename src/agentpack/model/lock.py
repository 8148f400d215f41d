"""`agentpack.lock` as a value: which releases are wanted, and which files were written from them.

`packs` is what is wanted, `files` what was written last. They are made together by every command that writes files;
`agentpack lock` changes `packs` alone, and a command can leave a file in conflict as it was. Then `written` has the
releases that files still hold, and the rows of these files name theirs.

JSON in a stable order, one value per line, without times, tool versions, machine paths or user names: the same inputs
give the same bytes.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.model.names import Digest, PackName
from agentpack.model.pack import AgentRow

SCHEMA = 2


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
        """The values that decide which texts the pack renders to, to compare two locked packs."""
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
    """The clients and releases that the files on disk were written from, if they differ from the wanted ones."""

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
