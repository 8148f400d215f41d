"""What is wanted: releases become personas, the text of every file, and the lock that says so."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from agentpack.compose.agreement import Draft, Missing, Named
from agentpack.compose.composing import (
    Base,
    Pack,
    as_written,
    compose,
    draft_of,
    text_faults,
    values_for,
)
from agentpack.compose.layers import choose as choose_variants
from agentpack.compose.parse import Layer, PersonaText
from agentpack.errors import Fault, InvalidFile, Refused, Unresolvable
from agentpack.model.lock import LocalVariant, Lock, LockedFile, LockedPack
from agentpack.model.manifest import Manifest, Wanted
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.persona import Origin, Persona
from agentpack.model.rendering import Note, Rendering
from agentpack.model.requirement import parse_requirement
from agentpack.render import render
from agentpack.resolve import USER, Chosen
from agentpack.safety.parameters import Declaration, Value
from agentpack.wanted.assignment import Desk, Unwritten, unwritten_words
from agentpack.wanted.candidates import Library
from agentpack.workspace.workspace import Workspace

MAX_EXTENDED = 20
"""Personas below one another, each extended by the one above it."""
MAX_RENDERED = 4 * 1024 * 1024
"""Bytes of one file for a client."""
MAX_ALL_RENDERED = 128 * 1024 * 1024
"""Bytes of all files that one command renders."""


class Part(NamedTuple):
    """One persona of one pack, made ready."""

    pack: Pack
    persona: Persona
    variants: tuple[str, ...]
    crlf: bool = False
    """Whether its file in the pack has lines that end in CRLF."""
    originals: Mapping[str, bytes] = MappingProxyType({})
    """By client: the agent file that the persona was made from."""
    as_it_was: bool = False
    """Whether nothing can have come over the persona since it was read from its original."""


class Skipped(NamedTuple):
    """A client that nobody named, why it does not get these packs, and how to add it, in words."""

    client: str
    title: str
    reason: str
    way: str = ""
    packs: tuple[str, ...] = ()
    """Empty: it gets none of the packs that were asked for."""

    def __str__(self) -> str:
        of_packs = f" for {', '.join(self.packs)}" if self.packs else ""
        return f"skipped {self.title}{of_packs}: {self.reason}" + (f"; {self.way}" if self.way else "")


class Made(NamedTuple):
    """All that is wanted: the lock, each file by path, and the personas behind them."""

    lock: Lock
    files: Mapping[str, Rendering]
    parts: tuple[Part, ...]
    unwritten: tuple[Unwritten, ...] = ()
    """Personas that are not written for a client that was asked for."""
    passed_over: tuple[str, ...] = ()
    """Newer releases that a policy finds too young, in words."""
    hidden: tuple[str, ...] = ()
    """Places of hidden text that a policy let pass, in words."""
    unaccepted: frozenset[str] = frozenset()
    """Where nothing is written: the acceptances, `<pack>:widened:<client>`, that writing would need."""
    skipped: tuple[Skipped, ...] = ()
    """Clients that were found here and do not get all of it."""
    gone: tuple[str, ...] = ()
    """Ids that local variants name and that their release no longer has, in words."""

    def _losses(self, file: Rendering) -> Iterator[tuple[Note, str]]:
        """The restrictions that a file does not carry, and the option that would let it pass, empty where one did."""
        word = f"widened:{file.client}"
        asked = f"{file.pack}:{word}" in self.unaccepted
        for restriction in file.lost:
            if asked:
                yield Note(f'the restriction "{restriction}" would be lost', "which needs"), f"--accept {word}"
            else:
                yield Note(f'the restriction "{restriction}" is lost', "you accepted this"), ""

    def persona(self, pack: str, name: str) -> Persona | None:
        """The persona behind a file, by the names that the file is recorded with."""
        return next((part.persona for part in self.parts if (part.pack.name, part.persona.name) == (pack, name)), None)

    def notes(self, changed: Container[str] | None) -> tuple["Told | str", ...]:
        """What is to be said of a change, and no more once it is made.

        Args:
            changed: the files that change: of these, what their clients cannot express is told, once for all files that
                it holds for. None when nothing changes, the lock included.
        """
        if changed is None:
            return tuple(dict.fromkeys((*self.passed_over, *self.hidden)))
        found: dict[Note, list[tuple[str, str, str]]] = {}
        for file in self.files.values():
            changes = file.path in changed
            for note, option in (*((note, "") for note in file.notes), *self._losses(file)):
                if changes or option:  # a text may stay the same and lose what its release asks for now
                    found.setdefault(note, []).append((file.client, file.path, option))
        told = (
            Told(note, *(tuple(dict.fromkeys(column)) for column in zip(*rows, strict=True)))
            for note, rows in found.items()
        )
        unwritten = [one for one in self.unwritten if not one.file or one.file in changed]
        return (*told, *dict.fromkeys((*unwritten_words(unwritten), *self.gone, *self.passed_over, *self.hidden)))


class Told(NamedTuple):
    """A note, and the clients and files that it is about."""

    note: Note
    clients: tuple[str, ...]
    files: tuple[str, ...]
    options: tuple[str, ...] = ()
    """What would decide it, for each client."""

    def __str__(self) -> str:
        options = "".join(f" `{option}`" for option in self.options if option)
        if len(self.files) == 1:
            return f"{self.files[0]}: {self.note}{options}"
        clients = ", ".join(self.clients)
        count = f"{len(self.clients)} clients" if len(self.clients) == len(self.files) else f"{len(self.files)} files"
        if not self.note.why:
            return f"{clients} ({count}): {self.note.text}"
        return f"{self.note.text} for {clients} ({count}): {self.note.why}{options}"


def make(
    library: Library,
    manifest: Manifest,
    chosen: Sequence[Chosen],
    clients: Sequence[str],
    *,
    fewer: Mapping[str, Sequence[str]] = MappingProxyType({}),
    accepted: Collection[str] | None = (),
    only: Collection[str] | None = None,
    maker: "Maker | None" = None,
) -> Made:
    """The lock and the text of every file for these releases.

    Args:
        clients: those of every pack for which neither the manifest nor `fewer` names others.
        fewer: clients by pack, where the manifest does not say them; the lock does then.
        accepted: `<pack>:widened:<client>` or `widened:<client>` for the clients that may get a persona without its
            restrictions, beside what the command and the lock accept; None for all of them, where nothing is written.
        only: packs whose files are made, whatever they are there for; None for all that are installed.
        maker: one that made personas of these releases before, for other clients.

    Raises:
        InvalidFile, Unresolvable, UsageError: a variant, a parameter or a name does not fit.
        DecisionNeeded: a client cannot express a restriction, and that was not accepted.
    """
    maker = maker or Maker(library, manifest, chosen)
    for client in clients:
        library.workspace.clients.named(client)
    clients_of = maker.clients(manifest, clients, fewer)
    locked = []
    desk = Desk(library.workspace.scope.kind, library.workspace.environment.variables)
    parts: list[Part] = []
    for pin in chosen:
        if only is not None and pin.pack not in only:
            continue
        wanted = manifest.wanted(pin.pack)
        used: tuple[LocalVariant, ...] = ()
        if only is not None or maker.is_installed(pin):
            own, used = maker.parts(pin, wanted)
            parts += own
            for part in own:
                for client in clients_of[pin.pack]:
                    target = library.workspace.clients.named(client)
                    desk.add(target, part.persona.name, part.pack.name, maker.rendering(part, client))
        locked.append(_locked_pack(library, pin, wanted, used, fewer.get(pin.pack)))
    files, unwritten = desk.settled()
    lock = Lock(
        manifest.to_data(),
        tuple(sorted(clients)),
        tuple(locked),
        tuple(_locked_file(file) for file in files.values()),
        desk.accepted(None if accepted is None else {*accepted, *_accepted(library.workspace)}),
    )
    unaccepted = desk.unaccepted(_accepted(library.workspace)) if accepted is None else frozenset[str]()
    passed_over = tuple(_passed_over(library, manifest, chosen))
    gone = tuple(dict.fromkeys(maker.gone))
    return Made(lock, files, tuple(parts), unwritten, passed_over, tuple(library.hidden), unaccepted, gone=gone)


def _locked_pack(
    library: Library,
    pin: Chosen,
    wanted: Wanted | None,
    used: Iterable[LocalVariant],
    clients: Sequence[str] | None,
) -> LockedPack:
    release, pack = library.read(pin.pack, pin.version)
    return LockedPack(
        pin.pack,
        str(pin.version),
        release.source,
        release.digest,
        tuple(sorted(set(pin.variants) & set(pack.variant_names))),
        tuple(sorted(used)),
        dict(wanted.parameters) if wanted else {},
        tuple(pack.header.get("requires", ())),
        pin.wanted_by,
        clients=None if clients is None else tuple(clients),
    )


def _passed_over(library: Library, manifest: Manifest, chosen: Iterable[Chosen]) -> Iterable[str]:
    """What would have been chosen if a policy did not find it too young, said where a choice was made."""
    if not library.passed_over:
        return
    locked = {pack for pack, _, _ in library.expected}
    for pin in chosen:
        wanted = manifest.wanted(pin.pack)
        kept = pin.pack in locked and library.anew is not None and pin.pack not in library.anew
        for (pack, version), judged in () if kept else sorted(library.passed_over.items()):
            if pack == pin.pack and version > pin.version and (wanted is None or wanted.requirement.allows(version)):
                verdict = judged.refusals[0]
                yield f"{pack} {version} is passed over: {verdict.why} ({verdict.file}:{verdict.line})"


def _accepted(workspace: Workspace) -> Collection[str]:
    """What the command accepts, and what the lock does for the packs that it has."""
    lock = workspace.lock
    if lock is None:
        return workspace.accepted
    named = {word for word in lock.accepted if not word.startswith("widened:")}
    for word in {*lock.accepted} - named:  # a lock from before acceptances named their pack
        named |= {f"{pack.name}:{word}" for pack in lock.packs}
    return {*workspace.accepted, *named}


def _locked_file(file: Rendering) -> LockedFile:
    sha256 = file.digest.removeprefix("sha256:")
    return LockedFile(file.path, file.client, file.pack, file.persona, sha256, ", ".join(file.capabilities))


def _left_behind(missing: Missing, release: str) -> str:
    """What is said of an id that a release no longer has."""
    place = f"{missing.file}:{missing.line}" if missing.line else missing.file
    done = "there is nothing to remove" if missing.key == "remove" else f"`{missing.key}` is put at the end"
    return f"{place}: {release} no longer has `{missing.id}`: {done}"


class Maker:
    """Makes personas of pins."""

    def __init__(self, library: Library, manifest: Manifest, chosen: Iterable[Chosen]) -> None:
        self.library = library
        self.workspace = library.workspace
        self.manifest = manifest
        self.pins = {pin.pack: pin for pin in chosen}
        self._parts: dict[str, tuple[tuple[Part, ...], tuple[LocalVariant, ...]]] = {}
        self._renderings: dict[tuple[str, str, str], Rendering | None] = {}
        self._notes: dict[Note, Note] = {}
        self._rendered_bytes = 0
        self._bases: dict[tuple[str, str], Base | None] = {}
        self.gone: list[str] = []
        """Ids that local variants name and that the release no longer has, in words."""

    def is_installed(self, pin: Chosen) -> bool:
        """Whether a pack's own personas are wanted: not when it is there only for others to extend."""
        return USER in pin.wanted_by or pin.pack in self._more_than_extended

    @cached_property
    def _required(self) -> Mapping[str, set[str]]:
        """What each pack requires."""
        headers = {pin.pack: self.library.read(pin.pack, pin.version)[1].header for pin in self.pins.values()}
        return {
            pack: {parse_requirement(text).pack for text in header.get("requires", ())}
            for pack, header in headers.items()
        }

    @cached_property
    def _more_than_extended(self) -> set[str]:
        """The packs that another one requires for more than to extend their personas."""
        found: set[str] = set()
        for pin in self.pins.values():
            layers = self.library.read(pin.pack, pin.version)[1].personas.values()
            extended = {
                parse_requirement(layer.header["extends"]).pack for layer in layers if "extends" in layer.header
            }
            found |= self._required[pin.pack] - extended
        return found

    def clients(
        self, manifest: Manifest, every: Sequence[str], fewer: Mapping[str, Sequence[str]]
    ) -> Mapping[str, tuple[str, ...]]:
        """The clients of each pack: one that only others require is for those of the packs that require it."""
        packs_of: dict[str, list[str]] = {}
        found: dict[str, dict[str, None]] = {pack: {} for pack in self.pins}
        for entry in manifest.packs:
            own = entry.requirement.pack
            found[own] = dict.fromkeys(fewer.get(own, every) if entry.clients is None else entry.clients)
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

    def parts(self, pin: Chosen, wanted: Wanted | None) -> tuple[tuple[Part, ...], tuple[LocalVariant, ...]]:
        """The personas of a pack, and the local variants that are in them."""
        if pin.pack not in self._parts:
            used: list[LocalVariant] = []
            pack = self.library.read(pin.pack, pin.version)[1]
            self._parts[pin.pack] = tuple(self._made_parts(pin, pack, wanted, used)), tuple(used)
        return self._parts[pin.pack]

    def _made_parts(self, pin: Chosen, pack: Pack, wanted: Wanted | None, used: list[LocalVariant]) -> Iterable[Part]:
        values = wanted.parameters if wanted else {}
        renames = wanted.renames if wanted else {}
        for name in renames:
            if name not in pack.personas:
                hint = did_you_mean(name, pack.personas)
                raise Unresolvable(f"{pack.release} has no persona `{name}` to rename (`as`)", hint=hint)
        of_others = set(pack.variant_names)
        for persona in sorted(pack.personas):
            local = self.local_layers(pack, persona, pin.variants, used)
            asked = set(self.meant(pack, persona, pin.variants)) - (of_others - pack.variants.get(persona, {}).keys())
            if not asked and not local and not values and persona in pack.prepared:
                made = pack.prepared[persona].named(renames.get(persona, persona))
                untouched = pack.bare and persona not in renames and not self.manifest.models
                yield Part(pack, made, (), persona in pack.crlf, pack.originals.get(persona, {}), untouched)
                continue
            draft = self.draft(pack, persona, pin.variants, local)
            self.gone += [_left_behind(missing, pack.release) for missing in draft.gone]
            own = {*pack.variants.get(persona, {}), *local}
            variants = tuple(name for name in pin.variants if name in own)
            made = self.persona(pack, draft, values, renames.get(persona))
            yield Part(pack, made, variants, persona in pack.crlf, pack.originals.get(persona, {}))

    def draft(self, pack: Pack, persona: str, variants: Collection[str], local: Mapping[str, Layer]) -> Draft:
        """A persona with its variants laid over it."""
        lock = self.workspace.documents.readable_lock
        locked = lock.pack(pack.name) if lock is not None else None
        known = {(row.name, row.digest) for row in locked.local_variants if row.persona == persona} if locked else ()
        texts = [text for text in self.workspace.documents.local_texts if text.persona == persona]
        settled = {text.name for text in texts if known and (text.name, text.digest) in known}
        return draft_of(
            pack, persona, self.meant(pack, persona, variants), local, self.base(pack, persona), settled=settled
        )

    def meant(self, pack: Pack, persona: str, variants: Iterable[str]) -> list[str]:
        """The variants without those that are local ones of other personas of the pack, and of no such name here."""
        texts = [text for text in self.workspace.documents.local_texts if text.persona in pack.personas]
        own = {*pack.variants.get(persona, {}), *(text.name for text in texts if text.persona == persona)}
        others = {text.name for text in texts} - own
        return [name for name in variants if name not in others]

    def persona(self, pack: Pack, draft: Draft, values: Mapping[str, str | int | bool], name: str | None) -> Persona:
        if pack.bare:
            return as_written(draft, name=name)
        declarations = self.declarations(pack, draft.name)
        return compose(draft, values_for(draft, declarations, values, pack.release), name=name)

    def declarations(self, pack: Pack, persona: str) -> Mapping[str, Declaration]:
        base = self.base(pack, persona)
        return {**base.declarations, **pack.declarations} if base else pack.declarations

    def extended(self, pack: Pack, persona: str) -> tuple[Pack, str, tuple[str, ...]] | None:
        """The persona of another pack that this one extends, with the variants it is extended with."""
        text = pack.personas[persona].header.get("extends")
        if text is None:
            return None
        requirement = parse_requirement(text)
        pin = self.pins.get(requirement.pack)
        file = pack.personas[persona].file
        if pin is None:
            message = f"`{requirement.pack}` is not among the packs that {pack.release} requires"
            raise InvalidFile([Fault(file, 0, "extends", message)])
        other = self.library.read(pin.pack, pin.version)[1]
        name = persona if persona in other.personas else requirement.pack
        if name not in other.personas:
            if len(other.personas) != 1:
                message = f"{other.release} has no persona `{persona}` or `{requirement.pack}`"
                raise InvalidFile([Fault(file, 0, "extends", message)])
            name = next(iter(other.personas))
        return other, name, requirement.variants

    def base(self, pack: Pack, persona: str) -> Base | None:
        """What a persona with `extends` is laid over, None for one without. Raises InvalidFile."""
        key = (pack.name, persona)
        if key not in self._bases:
            self._refuse_deep(pack, persona)
            self._bases[key] = self._made_base(pack, persona)
        return self._bases[key]

    def _refuse_deep(self, pack: Pack, persona: str) -> None:
        """Raise InvalidFile for a persona that extends itself, or over more others than are read."""
        file = pack.personas[persona].file
        seen = [(pack.name, persona)]
        while (extended := self.extended(pack, persona)) is not None:
            pack, persona, _ = extended
            if (pack.name, persona) in seen:
                raise InvalidFile([Fault(file, 0, "extends", "the persona extends itself, perhaps by way of others")])
            if len(seen) > MAX_EXTENDED:
                message = f"more than {MAX_EXTENDED} personas extend each other here"
                raise InvalidFile([Fault(file, 0, "extends", message, "extend one that is further down")])
            seen.append((pack.name, persona))

    def _made_base(self, pack: Pack, persona: str) -> Base | None:
        extended = self.extended(pack, persona)
        if extended is None:
            return None
        other, name, variants = extended
        draft = draft_of(other, name, variants, {}, self.base(other, name))
        base = Base(draft, self.declarations(other, name))
        file = pack.personas[persona].file
        faults = text_faults(draft_of(pack, persona, (), {}, base), {**base.declarations, **pack.declarations}, file)
        if faults:
            raise InvalidFile(faults)
        return base

    def modules(self, pack: Pack, persona: str) -> Mapping[str, str]:
        """The sections that are read on demand, with when, those of the persona below included. Raises InvalidFile."""
        extended = self.extended(pack, persona)
        below = self.modules(extended[0], extended[1]) if extended else {}
        return {**below, **pack.personas[persona].header.get("modules", {})}

    def layers(self, pack: Pack, persona: str, variants: Collection[str]) -> list[Named]:
        """What a persona is made of, the lowest layer first."""
        extended = self.extended(pack, persona)
        below = self.layers(*extended) if extended else []
        own = pack.variants.get(persona, {})
        local = self.local_layers(pack, persona, variants, [])
        known = {name: Named(name, layer, Origin("variant", name)) for name, layer in own.items()}
        known |= {name: Named(name, layer, Origin("local", name)) for name, layer in local.items()}
        base = Named(pack.name, pack.personas[persona], Origin("release", pack.release))
        return [*below, base, *choose_variants([name for name in variants if name in known], known, persona)]

    def local_layers(
        self, pack: Pack, persona: str, variants: Collection[str], used: list[LocalVariant]
    ) -> dict[str, Layer]:
        """The local variants of a persona that are asked for or that those require."""
        texts = {text.name: text for text in self.workspace.documents.local_texts if text.persona == persona}
        layers: dict[str, Layer] = {}
        waiting = [name for name in variants if name in texts]
        while waiting:
            name = waiting.pop()
            if name in layers:
                continue
            text = texts[name]
            layers[name] = self._layer(pack, persona, text.path, text.data)
            used.append(LocalVariant(persona, name, text.digest))
            waiting += [other for other in layers[name].header["requires"] if other in texts]
        return layers

    def _layer(self, pack: Pack, persona: str, path: str, data: bytes) -> Layer:
        from agentpack.safety.documents import decode  # YAML is loaded only where a local variant is in use
        from agentpack.safety.hidden import own_file

        with own_file(data, path):
            return PersonaText(self.declarations(pack, persona)).variant(decode(data, path), path)

    def rendering(self, part: Part, client: str) -> Rendering | None:
        """The file of a persona for a client; None when the client has no agents in this scope."""
        key = (part.pack.name, part.persona.name, client)
        if key not in self._renderings:
            self._renderings[key] = self._rendered(part, client)
        return self._renderings[key]

    def _rendered(self, part: Part, client: str) -> Rendering | None:
        file = render(
            part.persona,
            self.workspace.clients.named(client),
            pack=part.pack.name,
            scope=self.workspace.scope.kind,
            variables=self.workspace.environment.variables,
            models=self.manifest.models,
            crlf=part.crlf,
            original=part.originals.get(client),
            as_it_was=part.as_it_was,
        )
        if file is None:
            return None
        self._rendered_bytes += len(file.content)
        _refuse_large(file, self._rendered_bytes)
        if not file.notes:
            return file
        notes = tuple(self._notes.setdefault(note, note) for note in file.notes)
        return file._replace(notes=notes)  # a thousand personas have the same few


def _refuse_large(file: Rendering, together: int) -> None:
    """Raise Refused for a file, or files together, of more bytes than agentpack makes."""
    if len(file.content) > MAX_RENDERED:
        what = f"{file.path} comes to {len(file.content):,} bytes, more than {MAX_RENDERED // 2**20} MiB"
        raise Refused(what, hint=f"ask for fewer variants of {file.pack}, or set shorter parameters")
    if together > MAX_ALL_RENDERED:
        what = f"all files together come to more than {MAX_ALL_RENDERED // 2**20} MiB, {file.path} among them"
        raise Refused(what, hint="install for fewer clients, or fewer packs")


def layers_behind(library: Library, manifest: Manifest, chosen: Sequence[Chosen], part: Part) -> list[Named]:
    """What a persona was made of, as its files say it: the persona it extends, its own text, then its variants."""
    wanted = manifest.wanted(part.pack.name)
    renames = wanted.renames if wanted else {}
    name = next((old for old, new in renames.items() if new == part.persona.name), part.persona.name)
    maker = Maker(library, manifest, chosen)
    return maker.layers(part.pack, name, part.variants)


def draft_for(
    library: Library, manifest: Manifest, chosen: Sequence[Chosen], pack: Pack, persona: str
) -> tuple[Draft, Mapping[str, Value]]:
    """A persona of a chosen pack with its variants laid over it, conditions and placeholders still in place, and the
    values that decide them.
    """
    maker = Maker(library, manifest, chosen)
    pin = maker.pins[PackName(pack.name)]
    wanted = manifest.wanted(pack.name)
    local = maker.local_layers(pack, persona, pin.variants, [])
    draft = maker.draft(pack, persona, pin.variants, local)
    declarations = maker.declarations(pack, persona)
    return draft, values_for(draft, declarations, wanted.parameters if wanted else {}, pack.release).all
