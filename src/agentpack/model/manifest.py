"""`agentpack.yaml` as a value."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.model.globs import fits
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.model.source_kinds import SOURCE_KINDS

Value = str | int | bool


class ManifestEntry(NamedTuple):
    """One entry of `packs`: a requirement and the settings for its personas."""

    requirement: Requirement
    text: str
    """The requirement as the user wrote it."""
    clients: tuple[str, ...] | None = None
    parameters: Mapping[str, Value] = {}
    renames: Mapping[str, str] = {}
    """The `as` key: maps a persona's name to its new name."""
    source: str = ""
    """The only source that the pack may come from; empty for any."""
    original: PackName | None = None
    """The pack's name in that source, if it has another one here (`name`)."""
    personas: tuple[str, ...] | None = None
    """The only personas that are wanted, by name or, in a collection, by path; None for all."""
    without: tuple[str, ...] = ()
    """Personas that are not wanted, in the same way."""

    @property
    def name_there(self) -> PackName:
        """The pack's name in its source."""
        return self.original or self.requirement.pack


class ConfiguredSource(NamedTuple):
    """A place with packs, under the name that the lock records. `kind` is one of `SOURCE_KINDS`."""

    name: str
    kind: str
    place: str
    options: Mapping[str, str] = {}
    packs: tuple[str, ...] = ()
    """Patterns of the names that it may provide, and no source without such a pattern; empty for any name."""

    @property
    def is_path(self) -> bool:
        """Whether the place is a path on this machine; a relative one starts at the folder of the manifest."""
        return SOURCE_KINDS[self.kind].is_path(self.place)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "ConfiguredSource":
        """The source in checked data, or in a lock. Raises ValueError if no key of it is a kind."""
        kind = next((kind for kind in SOURCE_KINDS if data.get(kind) is not None), None)
        if kind is None:
            raise ValueError("a source without a place")
        options = {key: data[key] for key in SOURCE_KINDS[kind].options if data.get(key) is not None}
        return cls(data["name"], kind, data[kind], options, tuple(sorted({*(data.get("packs") or ())})))

    def to_data(self) -> dict[str, Any]:
        """The source as the manifest has it."""
        packs = {"packs": list(self.packs)} if self.packs else {}
        return {"name": self.name, self.kind: self.place, **self.options, **packs}

    def claims(self, pack: str) -> bool:
        """Whether one of its patterns has this name."""
        return any(pattern == pack or ("*" in pattern and fits(pattern, pack)) for pattern in self.packs)


def providers(sources: Sequence[ConfiguredSource], asked: Iterable[str], pack: str, there: str = "") -> Collection[str]:
    """Those of the asked sources that may provide a pack, by the `packs` patterns of all sources.

    A name that some source claims comes from a source that claims it, and one with patterns provides nothing else.

    Args:
        asked: names of these sources, or of the bundled one.
        there: the pack's name in the source, if it has another one here.
    """
    claiming = {name: _claiming(sources, name) for name in {pack, there or pack}}
    closed = {one.name for one in sources if one.packs} - claiming[there or pack]
    return {one for one in asked if one not in closed and all(one in those for those in claiming.values() if those)}


def provider_fault(sources: Sequence[ConfiguredSource], source: str, pack: str, there: str = "") -> str:
    """Why a source may not provide a pack (see `providers`); empty if it may. `there` is the pack's name in that
    source, if it is installed under another one.
    """
    if source in providers(sources, (source,), pack, there):
        return ""
    for name in (pack, there or pack):
        if (claiming := _claiming(sources, name)) and source not in claiming:
            return f"`{name}` may not come from `{source}`: the `packs` of {words(sorted(claiming))} match it"
    own = next(one for one in sources if one.name == source)
    return f"`{there or pack}` may not come from `{source}`: its `packs` are {words(own.packs)}"


def _claiming(sources: Iterable[ConfiguredSource], pack: str) -> set[str]:
    return {source.name for source in sources if source.claims(pack)}


def words(names: Iterable[str]) -> str:
    """The names for a message: in backticks, joined by commas."""
    return ", ".join(f"`{name}`" for name in names)


class Manifest(NamedTuple):
    """The contents of `agentpack.yaml`. `clients` is None if the key is missing."""

    clients: tuple[str, ...] | None
    packs: tuple[ManifestEntry, ...]
    models: Mapping[str, Mapping[str, str]]
    sources: tuple[ConfiguredSource, ...]
    policy: Mapping[str, Any] | None = None
    """The data of the policy, with line numbers, for `policy/policy.py`; None if there is none."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any], client: Callable[[str], str] = str) -> "Manifest":
        """The manifest in checked data (`input/schemas/`).

        Args:
            client: returns the client that a word names.
        """
        return cls(
            _clients(data.get("clients"), client),
            tuple(_wanted(entry, client) for entry in data.get("packs", ())),
            {family: {client(c): id for c, id in ids.items()} for family, ids in data.get("models", {}).items()},
            tuple(map(ConfiguredSource.from_data, data.get("sources", ()))),
            data.get("policy"),
        )

    def checked_data(self) -> dict[str, Any]:
        """The inverse of `from_data`."""
        said = {} if self.policy is None else {"policy": self.policy}
        return {
            **said,
            "clients": self.clients,
            "packs": [
                {
                    "require": w.text,
                    "clients": w.clients,
                    "parameters": w.parameters,
                    "as": w.renames,
                    **({"source": w.source} if w.source else {}),
                    **({"name": str(w.requirement.pack)} if w.original else {}),
                    **({} if w.personas is None else {"personas": w.personas}),
                    **({"without": w.without} if w.without else {}),
                }
                for w in self.packs
            ],
            "models": self.models,
            "sources": [source.to_data() for source in self.sources],
        }

    def to_data(self) -> dict[str, Any]:
        """The manifest's meaning in normal form. The lock stores it, so that a changed manifest is noticed but a
        changed comment is not. The policy is left out: it decides whether something is installed, not what.
        """
        return {
            "clients": None if self.clients is None else sorted(self.clients),
            "models": {family: dict(sorted(names.items())) for family, names in sorted(self.models.items())},
            "packs": sorted((_normal(wanted) for wanted in self.packs), key=lambda entry: str(entry["require"])),
            "sources": [source.to_data() for source in self.sources],
        }

    def policy_settings(self) -> Mapping[str, Any]:
        """The policy without line numbers."""
        lists = {key: value for key, value in (self.policy or {}).items() if isinstance(value[0], list)}
        values = {key: value[0] for key, value in (self.policy or {}).items() if key not in lists}
        return {**values, **{key: [item for item, _ in rows] for key, (rows, _) in lists.items()}}

    def wanted(self, pack: str) -> ManifestEntry | None:
        """The entry of this pack; None if there is none."""
        return next((wanted for wanted in self.packs if wanted.requirement.pack == pack), None)

    def name_of_one(self, pack: str) -> str:
        """What limits a command to one pack, ` NAME`; empty if no other pack is in the manifest, or this one is not."""
        return f" {pack}" if len(self.packs) > 1 and self.wanted(pack) else ""

    def parameters(self, pack: str) -> Mapping[str, str | int | bool]:
        """The parameter values set for this pack."""
        entry = self.wanted(pack)
        return entry.parameters if entry else {}

    def renames(self, pack: str) -> Mapping[str, str]:
        """The personas of this pack that were renamed."""
        entry = self.wanted(pack)
        return entry.renames if entry else {}

    def name_in_pack(self, pack: str, persona: str) -> str:
        """The name in its pack of a persona that has this name here."""
        return next((old for old, new in self.renames(pack).items() if new == persona), persona)


EMPTY = Manifest(None, (), {}, ())


def _clients(words: Sequence[str] | None, client: Callable[[str], str]) -> tuple[str, ...] | None:
    return None if words is None else tuple(dict.fromkeys(map(client, words)))


def _wanted(entry: Mapping[str, Any], client: Callable[[str], str]) -> ManifestEntry:
    requirement, name = parse_requirement(entry["require"]), entry.get("name")
    personas = entry.get("personas")
    return ManifestEntry(
        requirement._replace(pack=PackName(name)) if name else requirement,
        entry["require"],
        _clients(entry.get("clients"), client),
        entry.get("parameters", {}),
        entry.get("as", {}),
        entry.get("source") or "",
        requirement.pack if name else None,
        None if personas is None else tuple(personas),
        tuple(entry.get("without", ())),
    )


def _normal(wanted: ManifestEntry) -> dict[str, Any]:
    entry: dict[str, Any] = {"require": str(wanted.requirement._replace(pack=wanted.name_there))}
    if wanted.source:
        entry["source"] = wanted.source
    if wanted.original:
        entry["name"] = str(wanted.requirement.pack)
    if wanted.personas is not None:
        entry["personas"] = sorted(wanted.personas)
    if wanted.without:
        entry["without"] = sorted(wanted.without)
    if wanted.clients is not None:
        entry["clients"] = sorted(wanted.clients)
    if wanted.parameters:
        entry["parameters"] = dict(sorted(wanted.parameters.items()))
    if wanted.renames:
        entry["as"] = dict(sorted(wanted.renames.items()))
    return entry
