"""Which packs are installed in their own right, and which clients each pack is for."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from agentpack.model.manifest import Manifest
from agentpack.model.requirement import parse_requirement
from agentpack.resolve import USER, Chosen
from agentpack.wanted.candidates import Candidates


class Audience:
    """Finds which of the chosen releases get their own agents installed, and for which clients."""

    def __init__(self, candidates: Candidates, pins: Sequence[Chosen]) -> None:
        self.candidates = candidates
        self.pins = pins

    def is_installed(self, pin: Chosen) -> bool:
        """Whether the pack's own personas are wanted. False if it is only there for others to extend."""
        return USER in pin.wanted_by or pin.pack in self._more_than_extended

    @cached_property
    def _required(self) -> Mapping[str, set[str]]:
        """For each pack, the packs it requires."""
        headers = {pin.pack: self.candidates.read(pin.pack, pin.version)[1].header for pin in self.pins}
        return {
            pack: {parse_requirement(text).pack for text in header.get("requires", ())}
            for pack, header in headers.items()
        }

    @cached_property
    def _more_than_extended(self) -> set[str]:
        """The packs that another pack requires for more than extending a persona."""
        found: set[str] = set()
        for pin in self.pins:
            layers = self.candidates.read(pin.pack, pin.version)[1].personas.values()
            extended = {
                parse_requirement(layer.header["extends"]).pack for layer in layers if "extends" in layer.header
            }
            found |= self._required[pin.pack] - extended
        return found

    def clients(
        self, manifest: Manifest, every: Sequence[str], clients_by_pack: Mapping[str, Sequence[str]]
    ) -> Mapping[str, tuple[str, ...]]:
        """The clients of each pack. A pack that only others require gets the clients of those packs."""
        packs_of: dict[str, list[str]] = {}
        found: dict[str, dict[str, None]] = {pin.pack: {} for pin in self.pins}
        for entry in manifest.packs:
            own = entry.requirement.pack
            found[own] = dict.fromkeys(clients_by_pack.get(own, every) if entry.clients is None else entry.clients)
            for client in found[own]:
                packs_of.setdefault(client, []).append(own)
        named = {entry.requirement.pack for entry in manifest.packs}
        for client, waiting in packs_of.items():
            while waiting:
                for pack in self._required.get(waiting.pop(), ()):
                    if pack in found and pack not in named and client not in found[pack]:
                        found[pack][client] = None
                        waiting.append(pack)
        return {pack: tuple(clients or every) for pack, clients in found.items()}
