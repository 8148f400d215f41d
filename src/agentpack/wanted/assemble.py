"""Turn chosen releases into personas: apply variants and local variants, and fill in parameters."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from agentpack.compose.compose import (
    BasePersona,
    Pack,
    as_written,
    compose,
    draft_of,
    text_faults,
    values_for,
)
from agentpack.compose.conflicts import Draft, Missing, NamedLayer
from agentpack.compose.layers import choose as choose_variants
from agentpack.compose.modules import AUTO, PARAMETER, filled
from agentpack.compose.parse import Layer, PersonaText
from agentpack.edits.rules import implied_ids, with_ids
from agentpack.errors import Fault, InvalidFile, Unresolvable
from agentpack.input.parameters import ParameterDeclaration, Value
from agentpack.model.lock import LocalVariant
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean, kebab
from agentpack.model.persona import Origin, Persona
from agentpack.model.requirement import parse_requirement
from agentpack.resolve import Chosen
from agentpack.wanted.candidates import Candidates
from agentpack.workspace.documents import LocalText

MAX_EXTENDED = 20
"""Longest chain of personas that extend one another."""


class AssembledPersona(NamedTuple):
    """A persona of a pack with variants applied and parameters filled in."""

    pack: Pack
    persona: Persona
    variants: tuple[str, ...]
    crlf: bool = False
    """Whether its source file uses CRLF line ends."""
    originals: Mapping[str, bytes] = MappingProxyType({})
    """By client: the agent file that the persona was made from."""
    unmodified: bool = False
    """Whether the persona is exactly what was read from its original file."""
    modules: Mapping[str, str] = MappingProxyType({})
    """The sections that may be written as skills: when each is to be read, by its id."""
    mode: str = ""
    """How they are written, as in `compose/modules.py`."""
    called: str = ""
    """What its original file calls the agent, if not by the persona's name."""
    module_of: str = ""
    """The persona that this one is a module of; empty for a persona of its own."""


class PersonaAssembler:
    """Builds the personas of the chosen releases. Each is built once, with the local variants of that moment."""

    def __init__(self, candidates: Candidates, manifest: Manifest, pins: Iterable[Chosen]) -> None:
        self.candidates = candidates
        self.workspace = candidates.workspace
        self.manifest = manifest
        self.pins = {pin.pack: pin for pin in pins}
        self._parts: dict[str, tuple[AssembledPersona, ...]] = {}
        self._bases: dict[tuple[str, str], BasePersona | None] = {}
        self.used: dict[str, list[LocalVariant]] = {}
        """By pack: the local variants that are in its personas."""
        self.missing_ids: list[str] = []
        """Ids that local variants name and that the release no longer has, in words."""

    def parts(self, pack: PackName) -> tuple[AssembledPersona, ...]:
        """The assembled personas of a chosen pack."""
        if pack not in self._parts:
            self.used[pack] = []
            self._parts[pack] = tuple(self._assembled(self.pins[pack]))
        return self._parts[pack]

    def _assembled(self, pin: Chosen) -> Iterator[AssembledPersona]:
        pack = self.candidates.read(pin.pack, pin.version)[1]
        entry = self.manifest.wanted(pin.pack)
        values, renames = (entry.parameters, entry.renames) if entry else ({}, {})
        renames = {self._named(pack, name, " to rename (`as`)"): new for name, new in renames.items()}
        wanted = set(pack.personas)
        if entry is not None and not pack.bare:  # those of a collection were chosen before they were read
            if entry.personas is not None:
                wanted = {self._named(pack, name, " (`personas`)") for name in entry.personas}
            wanted -= {self._named(pack, name, " to leave out (`without`)") for name in entry.without}
        of_others = set(pack.variant_names)
        for persona in sorted(wanted):
            crlf, originals = persona in pack.crlf, pack.originals.get(persona, {})
            called = "" if persona in renames else pack.header.get("names", {}).get(persona, "")
            local = self._local_layers(pack, persona, pin.variants)
            asked = set(self._meant(pack, persona, pin.variants)) - (of_others - pack.variants.get(persona, {}).keys())
            plain = not asked and not local
            untouched = pack.bare and plain and persona not in renames and not self.manifest.models
            if plain and not values and persona in pack.prepared:
                made = pack.prepared[persona].named(renames.get(persona, persona))
                defaults = {name: declaration.default for name, declaration in pack.declarations.items()}
                modules = filled(pack.personas[persona].header["modules"], defaults) if PARAMETER in defaults else {}
                yield AssembledPersona(pack, made, (), crlf, originals, untouched, modules, AUTO, called)
                continue
            texts = self._texts(persona)
            self.used[pin.pack] += (LocalVariant(persona, name, texts[name].digest) for name in local)
            draft = self._draft(pack, persona, pin.variants, local)
            self.missing_ids += [_left_behind(missing, pack.release) for missing in draft.gone]
            own = {*pack.variants.get(persona, {}), *local}
            variants = tuple(name for name in pin.variants if name in own)
            installed = renames.get(persona)
            if pack.bare:
                made = as_written(draft, name=installed)
                yield AssembledPersona(pack, made, variants, crlf, originals, untouched, called=called)
                continue
            declarations = self._declarations(pack, persona)
            now = values_for(draft, declarations, values, pack.release)
            modules = filled(self.modules(pack, persona), now.all) if PARAMETER in declarations else {}
            mode = str(now.all.get(PARAMETER, AUTO))
            made = compose(draft, now, name=installed)
            yield AssembledPersona(pack, made, variants, crlf, originals, False, modules, mode)

    def refuse_unknown(self, pack: PackName, names: Iterable[str]) -> None:
        """Raise Unresolvable if a chosen pack has no persona with one of these names."""
        for name in names:
            self._named(self.candidates.read(pack, self.pins[pack].version)[1], name, "")

    def _named(self, pack: Pack, name: str, what: str) -> str:
        """The persona that the manifest means by a name or, in a collection, by a path. Raises Unresolvable."""
        names: Mapping[str, str] = pack.header.get("names", {})
        for known in (name, *(slug for slug, written in names.items() if written == name), kebab(name)):
            if known in pack.personas:
                return known
        by_path = {layer.file.partition("/")[2]: persona for persona, layer in pack.personas.items() if pack.bare}
        if name in by_path:
            return by_path[name]
        if lost := self.candidates.lost_text(PackName(pack.name)):
            raise lost
        hint, noun = did_you_mean(name, pack.personas), "agent" if pack.bare else "persona"
        raise Unresolvable(f"{pack.release} has no {noun} `{name}`{what}", hint=hint)

    def draft(self, pack: Pack, persona: str) -> tuple[Draft, Mapping[str, Value]]:
        """A persona with variants applied, before conditions and placeholders are resolved, and the parameter values
        that will resolve them.
        """
        variants = self.pins[PackName(pack.name)].variants
        local = self._local_layers(pack, persona, variants)
        draft = self._draft(pack, persona, variants, local)
        if pack.bare and not local:
            draft = draft._replace(sections=tuple(implied_ids(draft.sections)))
        values = self.manifest.parameters(pack.name)
        return draft, values_for(draft, self._declarations(pack, persona), values, pack.release).all

    def with_local_variant(self, pack: Pack, persona: str, name: str) -> Draft:
        """A persona with one local variant and those that this requires. Raises as `draft_of`."""
        local = self._local_layers(pack, persona, [name])
        return draft_of(_addressable(pack, persona), persona, [name], local, self.base(pack, persona))

    def _draft(self, pack: Pack, persona: str, variants: Collection[str], local: Mapping[str, Layer]) -> Draft:
        """A persona with its variants applied."""
        lock = self.workspace.documents.readable_lock
        locked = lock.pack(pack.name) if lock is not None else None
        known = {(row.name, row.digest) for row in locked.local_variants if row.persona == persona} if locked else ()
        settled = {name for name, text in self._texts(persona).items() if known and (name, text.digest) in known}
        meant = self._meant(pack, persona, variants)
        whole = _addressable(pack, persona) if local else pack
        return draft_of(whole, persona, meant, local, self.base(pack, persona), settled=settled)

    def _texts(self, persona: str) -> dict[str, LocalText]:
        """The local variants of a persona, by name."""
        return {text.name: text for text in self.workspace.documents.local_texts if text.persona == persona}

    def _meant(self, pack: Pack, persona: str, variants: Iterable[str]) -> list[str]:
        """The variants that apply to this persona: without local variants that belong only to other personas of the
        pack.
        """
        texts = [text for text in self.workspace.documents.local_texts if text.persona in pack.personas]
        own = {*pack.variants.get(persona, {}), *(text.name for text in texts if text.persona == persona)}
        others = {text.name for text in texts} - own
        return [name for name in variants if name not in others]

    def _declarations(self, pack: Pack, persona: str) -> Mapping[str, ParameterDeclaration]:
        base = self.base(pack, persona)
        return {**base.declarations, **pack.declarations} if base else pack.declarations

    def _extended(self, pack: Pack, persona: str) -> tuple[Pack, str, tuple[str, ...]] | None:
        """The pack, the name and the variants of the persona that this one extends; None without `extends`."""
        text = pack.personas[persona].header.get("extends")
        if text is None:
            return None
        requirement = parse_requirement(text)
        pin = self.pins.get(requirement.pack)
        file = pack.personas[persona].file
        if pin is None:
            message = f"`{requirement.pack}` is not among the packs that {pack.release} requires"
            raise InvalidFile([Fault(file, 0, "extends", message)])
        other = self.candidates.read(pin.pack, pin.version)[1]
        name = persona if persona in other.personas else requirement.pack
        if name not in other.personas:
            if len(other.personas) != 1:
                message = f"{other.release} has no persona `{persona}` or `{requirement.pack}`"
                raise InvalidFile([Fault(file, 0, "extends", message)])
            name = next(iter(other.personas))
        return other, name, requirement.variants

    def base(self, pack: Pack, persona: str) -> BasePersona | None:
        """The persona that one with `extends` builds on; None for one without. Raises InvalidFile."""
        key = (pack.name, persona)
        if key not in self._bases:
            self._refuse_deep(pack, persona)
            self._bases[key] = self._made_base(pack, persona)
        return self._bases[key]

    def _refuse_deep(self, pack: Pack, persona: str) -> None:
        """Raise InvalidFile for a persona that extends itself, or whose chain of bases is too long."""
        file = pack.personas[persona].file
        seen = [(pack.name, persona)]
        while (extended := self._extended(pack, persona)) is not None:
            pack, persona, _ = extended
            if (pack.name, persona) in seen:
                raise InvalidFile([Fault(file, 0, "extends", "the persona extends itself, perhaps through others")])
            if len(seen) > MAX_EXTENDED:
                message = f"a chain of more than {MAX_EXTENDED} personas extend each other"
                raise InvalidFile([Fault(file, 0, "extends", message, "extend a persona further down the chain")])
            seen.append((pack.name, persona))

    def _made_base(self, pack: Pack, persona: str) -> BasePersona | None:
        extended = self._extended(pack, persona)
        if extended is None:
            return None
        other, name, variants = extended
        draft = draft_of(other, name, variants, {}, self.base(other, name))
        base = BasePersona(draft, self._declarations(other, name))
        file = pack.personas[persona].file
        faults = text_faults(draft_of(pack, persona, (), {}, base), {**base.declarations, **pack.declarations}, file)
        if faults:
            raise InvalidFile(faults)
        return base

    def modules(self, pack: Pack, persona: str) -> Mapping[str, str]:
        """The sections that are read on demand, each with the condition for it, including those of the base persona.
        Raises InvalidFile.
        """
        extended = self._extended(pack, persona)
        below = self.modules(extended[0], extended[1]) if extended else {}
        return {**below, **pack.personas[persona].header.get("modules", {})}

    def layers(self, part: AssembledPersona) -> list[NamedLayer]:
        """The layers of a persona as their files have them: the persona it extends, its own file, then its variants."""
        name = self.manifest.name_in_pack(part.pack.name, part.module_of or part.persona.name)
        return self._layers(part.pack, name, part.variants)

    def _layers(self, pack: Pack, persona: str, variants: Collection[str]) -> list[NamedLayer]:
        extended = self._extended(pack, persona)
        below = self._layers(*extended) if extended else []
        own = pack.variants.get(persona, {})
        local = self._local_layers(pack, persona, variants)
        known = {name: NamedLayer(name, layer, Origin("variant", name)) for name, layer in own.items()}
        known |= {name: NamedLayer(name, layer, Origin("local", name)) for name, layer in local.items()}
        base = NamedLayer(pack.name, pack.personas[persona], Origin("release", pack.release))
        return [*below, base, *choose_variants([name for name in variants if name in known], known, persona)]

    def _local_layers(self, pack: Pack, persona: str, variants: Iterable[str]) -> dict[str, Layer]:
        """The local variants that are requested for a persona, or required by those."""
        texts = self._texts(persona)
        layers: dict[str, Layer] = {}
        waiting = [name for name in variants if name in texts]
        while waiting:
            name = waiting.pop()
            if name not in layers:
                layers[name] = self._layer(pack, persona, texts[name])
                waiting += [other for other in layers[name].header["requires"] if other in texts]
        return layers

    def _layer(self, pack: Pack, persona: str, text: LocalText) -> Layer:
        from agentpack.input.documents import decode  # YAML is loaded only where a local variant is in use
        from agentpack.input.hidden_in_files import own_file

        with own_file(text.data, text.path):
            reader = PersonaText(self._declarations(pack, persona), literal=pack.bare)
            layer = reader.variant(decode(text.data, text.path), text.path, is_local=True)
        base = self.base(pack, persona)
        around = (*(base.draft.sections if base else ()), *_addressable(pack, persona).personas[persona].sections)
        return layer._replace(sections=with_ids(layer.sections, around, f"{text.name}-"))


def _addressable(pack: Pack, persona: str) -> Pack:
    """The pack, with ids for all of this persona's text if its author gives none: then a local variant can name it."""
    if not pack.bare:
        return pack
    layer = pack.personas[persona]
    return pack._replace(personas={**pack.personas, persona: layer._replace(sections=implied_ids(layer.sections))})


def _left_behind(missing: Missing, release: str) -> str:
    """A note about an id that a release no longer has."""
    place = f"{missing.file}:{missing.line}" if missing.line else missing.file
    done = "nothing to remove" if missing.key == "remove" else f"`{missing.key}` was moved to the end"
    return f"{place}: {release} no longer has `{missing.id}`: {done}"
