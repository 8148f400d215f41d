"""`agentpack.yaml` as a value: what is wanted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.model.requirement import Requirement, parse_requirement

Value = str | int | bool


class ManifestEntry(NamedTuple):
    """One entry of `packs`: a requirement and how its personas are made."""

    requirement: Requirement
    text: str
    """The requirement as the user wrote it."""
    clients: tuple[str, ...] | None = None
    parameters: Mapping[str, Value] = {}
    renames: Mapping[str, str] = {}
    """`as`: a persona's name to the name it gets."""


class ConfiguredSource(NamedTuple):
    """A folder of packs, by the name that the lock remembers."""

    name: str
    path: str


class Manifest(NamedTuple):
    """All that `agentpack.yaml` says. `clients` is None when it does not say."""

    clients: tuple[str, ...] | None
    packs: tuple[ManifestEntry, ...]
    models: Mapping[str, Mapping[str, str]]
    sources: tuple[ConfiguredSource, ...]
    policy: Mapping[str, Any] | None = None
    """What `policy/policy.py` makes a policy of, with the lines of the text; None when it does not say."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any], client: Callable[[str], str] = str) -> "Manifest":
        """The manifest that checked data (`input/schemas/`) stands for.

        Args:
            client: gives the name of the client that a word means.
        """
        return cls(
            _clients(data.get("clients"), client),
            tuple(_wanted(entry, client) for entry in data.get("packs", ())),
            {family: {client(c): id for c, id in ids.items()} for family, ids in data.get("models", {}).items()},
            tuple(ConfiguredSource(source["name"], source["path"]) for source in data.get("sources", ())),
            data.get("policy"),
        )

    def checked_data(self) -> dict[str, Any]:
        """The inverse of `from_data`."""
        said = {} if self.policy is None else {"policy": self.policy}
        return {
            **said,
            "clients": self.clients,
            "packs": [
                {"require": w.text, "clients": w.clients, "parameters": w.parameters, "as": w.renames}
                for w in self.packs
            ],
            "models": self.models,
            "sources": [{"name": source.name, "path": source.path} for source in self.sources],
        }

    def to_data(self) -> dict[str, Any]:
        """What it means, in one normal form: the lock keeps this, so that a changed manifest is noticed and a changed
        comment is not. A policy is not among it: it decides whether something is installed, never what.
        """
        return {
            "clients": None if self.clients is None else sorted(self.clients),
            "models": {family: dict(sorted(names.items())) for family, names in sorted(self.models.items())},
            "packs": sorted((_normal(wanted) for wanted in self.packs), key=lambda entry: str(entry["require"])),
            "sources": [{"name": source.name, "path": source.path} for source in self.sources],
        }

    def policy_settings(self) -> Mapping[str, Any]:
        """What the policy says, whatever the lines."""
        lists = {key: value for key, value in (self.policy or {}).items() if isinstance(value[0], list)}
        values = {key: value[0] for key, value in (self.policy or {}).items() if key not in lists}
        return {**values, **{key: [item for item, _ in rows] for key, (rows, _) in lists.items()}}

    def wanted(self, pack: str) -> ManifestEntry | None:
        """The entry of that pack."""
        return next((wanted for wanted in self.packs if wanted.requirement.pack == pack), None)

    def parameters(self, pack: str) -> Mapping[str, str | int | bool]:
        """The values that it sets for that pack."""
        entry = self.wanted(pack)
        return entry.parameters if entry else {}

    def renames(self, pack: str) -> Mapping[str, str]:
        """The personas of that pack that have another name here."""
        entry = self.wanted(pack)
        return entry.renames if entry else {}

    def name_in_pack(self, pack: str, persona: str) -> str:
        """What a persona that is called so here is called in its pack."""
        return next((old for old, new in self.renames(pack).items() if new == persona), persona)


EMPTY = Manifest(None, (), {}, ())


def _clients(words: Sequence[str] | None, client: Callable[[str], str]) -> tuple[str, ...] | None:
    return None if words is None else tuple(dict.fromkeys(map(client, words)))


def _wanted(entry: Mapping[str, Any], client: Callable[[str], str]) -> ManifestEntry:
    return ManifestEntry(
        parse_requirement(entry["require"]),
        entry["require"],
        _clients(entry.get("clients"), client),
        entry.get("parameters", {}),
        entry.get("as", {}),
    )


def _normal(wanted: ManifestEntry) -> dict[str, Any]:
    entry: dict[str, Any] = {"require": str(wanted.requirement)}
    if wanted.clients is not None:
        entry["clients"] = sorted(wanted.clients)
    if wanted.parameters:
        entry["parameters"] = dict(sorted(wanted.parameters.items()))
    if wanted.renames:
        entry["as"] = dict(sorted(wanted.renames.items()))
    return entry
