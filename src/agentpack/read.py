"""Read a pack from a release: parse and check its files, or take the result from the cache under the same digest."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from agentpack.clients import written_for
from agentpack.compose.compose import Pack, as_released
from agentpack.compose.modules import DECLARATION, PARAMETER, writes_skills
from agentpack.compose.parse import Layer, PersonaText
from agentpack.errors import AgentpackError, Fault, InvalidFile
from agentpack.input.parameters import ParameterDeclaration
from agentpack.model.line_ends import ends_in_crlf
from agentpack.model.names import content_digest, did_you_mean, is_kebab, other_slug, slug
from agentpack.model.pack import Release
from agentpack.model.persona import Field, Origin, Persona
from agentpack.store.validated import DAMAGES, CachedPieces, ValidatedCache, in_pieces

MANIFEST = "pack.yaml"
MAX_VARIANTS = 300
"""Largest number of variants of one persona."""
MAX_REQUIRED = 20
"""Largest number of variants that one variant requires, directly or indirectly: `pack check` composes each with all of
them."""
ORIGINALS = "originals"
"""The folder of a pack with the agent files its personas were made from: `originals/<client>/<persona>`."""


def read_pack(release: Release, cache: ValidatedCache) -> Pack:
    """The pack in a release.

    Raises:
        InvalidFile: lists every fault of every file.
        HiddenText: a text contains hidden characters.
    """
    key = release.digest if release.agents is None else content_digest(release.files.items())
    if (kept := _kept(release, cache, key)) is not None:
        return kept
    pack = check_pack(release)
    pack = pack._replace(prepared=_released(pack))
    cache.put_pieces("pack", key, in_pieces(_pieces(pack), key))
    return _kept(release, cache, key) or pack  # from now on piece by piece: a thousand personas would fill the memory


def _kept(release: Release, cache: ValidatedCache, key: str) -> Pack | None:
    """The pack from the cache. None if it is not there, or the same bytes are offered under another name, which is
    checked as if never met.
    """
    kept = cache.pieces("pack", key)
    if kept is None:
        return None
    try:
        pack = _from_pieces(kept, release.files)
    except DAMAGES:
        raise kept.damaged() from None
    return _with_files(pack, release) if (pack.name, pack.version) == (release.pack, str(release.version)) else None


def check_pack(release: Release, *, hidden: bool = False, needs_ids: bool = True) -> Pack:
    """The pack in a release, without using a cache. Raises like `read_pack`.

    Args:
        hidden: accept hidden characters in text that is used as it is.
        needs_ids: the rules of variants need one, as in every release.
    """
    if MANIFEST not in release.files:
        from agentpack.bare import read_bare  # only for packs without a manifest

        return _with_files(read_bare(release, hidden=hidden), release)
    if not hidden:
        from agentpack.input.hidden_in_files import refuse_hidden  # only where unchecked text comes in

        refuse_hidden(release.files, f"{release.pack}-{release.version}")
    return _with_files(_checked(release, needs_ids=needs_ids), release)


def _with_files(pack: Pack, release: Release) -> Pack:
    """The pack with what the cache does not store: the original agent files, and which personas use CRLF."""
    originals: dict[str, dict[str, bytes]] = {}
    for path, data in release.files.items():
        if not pack.bare and path.startswith(f"{ORIGINALS}/"):
            client, _, persona = path.removeprefix(f"{ORIGINALS}/").partition("/")
            originals.setdefault(persona, {})[client] = data
    crlf = any(b"\r" in data for path, data in release.files.items() if path.endswith(".md"))
    if pack.bare or crlf:
        files = {name: layer.file.partition("/")[2] for name, layer in pack.personas.items()}
        texts = {name: release.files[path] for name, path in files.items() if path in release.files}
        pack = pack._replace(crlf=frozenset(name for name, data in texts.items() if ends_in_crlf(data)))
        if pack.bare:
            originals = {name: {written_for(files[name]): data} for name, data in texts.items()}
    return pack._replace(originals=originals) if originals else pack


def with_kept_names(pack: Pack, known: Collection[str], paths: Collection[str]) -> Pack:
    """A collection's pack whose agents keep the names that they are installed under, although their slugs meet those of
    others now, or no longer do.

    Args:
        known: the personas that are installed.
        paths: their files in the pack.
    """
    gone = {*known} - pack.personas.keys()
    if not gone or not pack.bare:
        return pack
    written: Mapping[str, str] = pack.header.get("names", {})
    could_be: dict[str, list[str]] = {}
    for persona in pack.personas:
        name = written.get(persona, persona)
        other = other_slug(name, persona)
        if other in gone and (persona not in known or other != slug(name)):  # a hash is of no other name
            could_be.setdefault(other, []).append(persona)
    kept: dict[str, str] = {}
    for name, personas in could_be.items():
        same = [one for one in personas if pack.personas[one].file.partition("/")[2] in paths]
        if len(found := same or personas) == 1:
            kept[found[0]] = name
    if not kept:
        return pack
    layers = {
        kept.get(one, one): layer._replace(header={**layer.header, "name": kept.get(one, one)})
        for one, layer in pack.personas.items()
    }
    told = {kept.get(one, one): written.get(one, one) for one in pack.personas}
    pack = pack._replace(
        header={**pack.header, "names": {one: name for one, name in told.items() if one != name}},
        personas=layers,
        originals={kept.get(one, one): texts for one, texts in pack.originals.items()},
        crlf=frozenset(kept.get(one, one) for one in pack.crlf),
    )
    return pack._replace(prepared=_released(pack))


def to_pieces(pack: Pack, digest: str) -> bytes:
    """A checked pack in the form the cache stores under the digest of its release."""
    return b"".join(in_pieces(_pieces(pack), digest))


def _pieces(pack: Pack) -> Iterator[tuple[str, Any]]:
    variants = {persona: list(own) for persona, own in pack.variants.items()}
    prepared = {} if pack.bare else pack.prepared or _released(pack)
    yield "pack", [pack.name, pack.version, pack.bare, pack.header, list(pack.personas), variants]
    for name, ready in prepared.items():  # these first and one after the other: most commands read nothing else
        yield f"prepared/{name}", {key: field.value for key, field in ready.fields.items()}
        yield f"body/{name}", ready.body
    for name, layer in pack.personas.items():
        yield f"persona/{name}", layer.to_data()
        for variant, own in pack.variants.get(name, {}).items():
            yield f"variant/{name}/{variant}", own.to_data()


def _released(pack: Pack) -> dict[str, Persona]:
    """The personas without variants and with default parameters, but for those that extend another."""
    found = {}
    for name, layer in pack.personas.items():
        if "extends" not in layer.header:
            with suppress(AgentpackError):  # told when it is installed: until then nobody asked for it
                found[name] = as_released(pack, name)
    return found


def _from_pieces(pieces: CachedPieces, files: Mapping[str, bytes]) -> Pack:
    name, version, bare, header, personas, variants = pieces["pack"]
    files = files if bare else {}  # the others are not kept in memory
    layers = {
        persona: _Layers(pieces, files, {variant: f"variant/{persona}/{variant}" for variant in own})
        for persona, own in variants.items()
    }
    all_personas = _Layers(pieces, files, {persona: f"persona/{persona}" for persona in personas})
    pack = Pack(name, version, bare, header, _all_declarations(header, all_personas), all_personas, layers)
    return pack._replace(prepared=_released(pack) if bare else _Prepared(pieces, pack))


class _Layers(Mapping[str, Layer]):
    """Layers by name, each read on first use."""

    def __init__(self, pieces: CachedPieces, files: Mapping[str, bytes], names: Mapping[str, str]) -> None:
        self._pieces, self._files, self._names = pieces, files, names
        self._read: dict[str, Layer] = {}

    def __getitem__(self, name: str) -> Layer:
        if name not in self._read:
            data = self._pieces[self._names[name]]
            try:
                self._read[name] = Layer.from_data(data, self._files)
            except DAMAGES:
                raise self._pieces.damaged() from None
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Prepared(Mapping[str, Persona]):
    """The personas of a pack as released, by name. Their bodies are read when needed, not kept in memory."""

    def __init__(self, pieces: CachedPieces, pack: Pack) -> None:
        self._pieces, self._pack = pieces, pack
        self._origin = Origin("release", pack.release)

    def __getitem__(self, name: str) -> Persona:
        kept = self._pieces[f"prepared/{name}"]
        if type(kept) is not dict:
            raise self._pieces.damaged()
        fields = {key: Field(value, self._origin) for key, value in kept.items()}
        return Persona(
            name, fields, lambda: as_released(self._pack, name).sections, lambda: self._pieces.text(f"body/{name}")
        )

    def __contains__(self, name: object) -> bool:
        return f"prepared/{name}" in self._pieces

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._pack.personas if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _declarations(header: Mapping[str, Any]) -> dict[str, ParameterDeclaration]:
    return {name: ParameterDeclaration.from_data(name, data) for name, data in header.get("parameters", {}).items()}


def _all_declarations(header: Mapping[str, Any], personas: Mapping[str, Layer]) -> dict[str, ParameterDeclaration]:
    """The parameters of a pack, with the one that says how its modules are written if it has any."""
    own = _declarations(header)
    if writes_skills(header) and any(layer.header.get("modules") for layer in personas.values()):
        return {**own, PARAMETER: DECLARATION}
    return own


def _checked(release: Release, *, needs_ids: bool) -> Pack:
    from agentpack.input.documents import decode, read_yaml  # only where unchecked text comes in
    from agentpack.input.schemas import validate

    label = f"{release.pack}-{release.version}"
    manifest = f"{label}/{MANIFEST}"
    header = validate("pack", read_yaml(decode(release.files[MANIFEST], manifest), manifest))
    faults = _identity_faults(release, header, manifest)
    declarations = _declarations(header)
    reader = PersonaText(declarations, needs_ids=needs_ids)
    personas: dict[str, Layer] = {}
    variants: dict[str, dict[str, Layer]] = {}
    for path in sorted(release.files):
        parts = path.split("/")
        if not path.endswith(".md") or parts[0] not in ("personas", "variants"):
            continue
        file = f"{label}/{path}"
        try:
            if parts[0] == "personas" and len(parts) == 2:
                personas[parts[1][:-3]] = reader.persona(decode(release.files[path], file), file)
            elif parts[0] == "variants" and len(parts) == 3:
                variants.setdefault(parts[1], {})[parts[2][:-3]] = reader.variant(
                    decode(release.files[path], file), file
                )
            else:
                faults.append(Fault(file, 0, "", "is in a place where no persona or variant is read"))
        except InvalidFile as error:
            faults.extend(error.faults)
            if reader.rules_left < 0:
                break
    if not faults:  # a file that did not read would only bring follow-up faults
        faults.extend(_file_faults(header, personas, variants, label))
    if faults:
        raise InvalidFile(faults)
    declarations = _all_declarations(header, personas)
    return Pack(header["name"], header["version"], False, header, declarations, personas, variants)


def _identity_faults(release: Release, header: Mapping[str, Any], file: str) -> list[Fault]:
    faults = []
    if header["name"] != release.pack:
        faults.append(
            Fault(file, 0, "name", f"is `{header['name']}`, but the source lists the pack as `{release.pack}`")
        )
    if header["version"] != str(release.version):
        faults.append(
            Fault(file, 0, "version", f"is {header['version']}, but the source offers it as {release.version}")
        )
    return faults


def _file_faults(
    header: Mapping[str, Any],
    personas: Mapping[str, Layer],
    variants: Mapping[str, Mapping[str, Layer]],
    label: str,
) -> Iterable[Fault]:
    listed = header.get("personas")
    if not personas:
        yield Fault(f"{label}/{MANIFEST}", 0, "personas", "the pack has no persona", "put one in `personas/<name>.md`")
    if listed is not None and sorted(listed) != sorted(personas):
        found = ", ".join(sorted(personas)) or "none"
        yield Fault(f"{label}/{MANIFEST}", 0, "personas", f"does not list the files in `personas/` ({found})")
    if PARAMETER in header.get("parameters", {}) and _all_declarations(header, personas)[PARAMETER] is DECLARATION:
        message = f"agentpack itself adds the parameter `{PARAMETER}` to packs with modules"
        yield Fault(f"{label}/{MANIFEST}", 0, f"parameters.{PARAMETER}", message, "rename yours")
    for name, layer in personas.items():
        if layer.header["name"] != name:
            yield Fault(layer.file, 0, "name", f"`{layer.header['name']}` differs from the file name")
    for persona, own in variants.items():
        if len(own) > MAX_VARIANTS:
            yield Fault(f"{label}/variants/{persona}", 0, "", f"more than {MAX_VARIANTS} variants of one persona")
        for name, layer in own.items():
            if persona not in personas:
                hint = did_you_mean(persona, personas)
                yield Fault(layer.file, 0, "", f"there is no persona `{persona}`", hint)
            if not is_kebab(name):
                yield Fault(layer.file, 0, "", f"`{name}` is not a valid variant name")
            excluded = [other for conflict in layer.header["conflicts"] for other in conflict["with"]]
            for other in (*layer.header["requires"], *excluded, *layer.header["order"]["after"]):
                if other not in own:
                    hint = did_you_mean(other, own)
                    yield Fault(layer.file, 0, "", f"names a variant `{other}` that does not exist", hint)
            if _requires_too_many(name, own):
                yield Fault(layer.file, 0, "requires", f"requires more than {MAX_REQUIRED} other variants")


def _requires_too_many(name: str, own: Mapping[str, Layer]) -> bool:
    """Whether a variant requires too many others, directly or indirectly. Stops counting as soon as that is known."""
    found, waiting = {name}, [name]
    while waiting and len(found) <= MAX_REQUIRED + 1:
        layer = own.get(waiting.pop())
        more = [other for other in layer.header["requires"] if other not in found] if layer else []
        found.update(more)
        waiting += more
    return len(found) > MAX_REQUIRED + 1
