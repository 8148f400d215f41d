"""Release -> Pack: the bytes of a release read and checked, or taken from what was checked before under the same digest."""

from collections.abc import Iterable, Mapping
from typing import Any

from agentpack.compose.composing import Pack
from agentpack.compose.parameters import Declaration
from agentpack.compose.parse import Layer, PersonaText
from agentpack.errors import Fault, InvalidFile
from agentpack.model.names import did_you_mean, is_kebab
from agentpack.model.pack import Release
from agentpack.store.validated import ValidatedCache

MANIFEST = "pack.yaml"


def read_pack(release: Release, cache: ValidatedCache) -> Pack:
    """The pack that a release's files make.

    Raises:
        InvalidFile: with all faults of all its files.
        Refused: the release says it is another pack or version than its source did.
    """
    kept = cache.get("pack", release.digest)
    if kept is not None:
        return _from_data(kept)
    if MANIFEST in release.files:
        pack = _checked(release)
    else:
        from agentpack.bare import read_bare  # only for packs without a manifest

        pack = read_bare(release)
    cache.put("pack", release.digest, _to_data(pack))
    return pack


def _to_data(pack: Pack) -> list[Any]:
    return [
        pack.name,
        pack.version,
        pack.bare,
        pack.header,
        {name: layer.to_data() for name, layer in pack.personas.items()},
        {
            persona: {name: layer.to_data() for name, layer in variants.items()}
            for persona, variants in pack.variants.items()
        },
    ]


def _from_data(data: list[Any]) -> Pack:
    name, version, bare, header, personas, variants = data
    return Pack(
        name,
        version,
        bare,
        header,
        _declarations(header),
        {persona: Layer.from_data(layer) for persona, layer in personas.items()},
        {persona: {key: Layer.from_data(layer) for key, layer in own.items()} for persona, own in variants.items()},
    )


def _declarations(header: Mapping[str, Any]) -> dict[str, Declaration]:
    return {name: Declaration.from_data(name, data) for name, data in header.get("parameters", {}).items()}


def _checked(release: Release) -> Pack:
    from agentpack.safety.documents import decode, read_yaml  # only where unchecked text comes in
    from agentpack.safety.schemas import validate

    label = f"{release.pack}-{release.version}"
    manifest = f"{label}/{MANIFEST}"
    header = validate("pack", read_yaml(decode(release.files[MANIFEST], manifest), manifest))
    faults = _identity_faults(release, header, manifest)
    declarations = _declarations(header)
    reader = PersonaText(declarations)
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
                faults.append(Fault(file, 0, "", "stands where no persona or variant is read from"))
        except InvalidFile as error:
            faults.extend(error.faults)
    if not faults:  # a file that did not read would only bring follow-up faults
        faults.extend(_file_faults(header, personas, variants, label))
    if faults:
        raise InvalidFile(faults)
    return Pack(header["name"], header["version"], False, header, declarations, personas, variants)


def _identity_faults(release: Release, header: Mapping[str, Any], file: str) -> list[Fault]:
    faults = []
    if header["name"] != release.pack:
        faults.append(Fault(file, 0, "name", f"says `{header['name']}`, its source has it as `{release.pack}`"))
    if header["version"] != str(release.version):
        faults.append(Fault(file, 0, "version", f"says {header['version']}, its source has it as {release.version}"))
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
    for name, layer in personas.items():
        if layer.header["name"] != name:
            yield Fault(layer.file, 0, "name", f"`{layer.header['name']}` is not the file's name")
    for persona, own in variants.items():
        for name, layer in own.items():
            if persona not in personas:
                hint = did_you_mean(persona, personas)
                yield Fault(layer.file, 0, "", f"there is no persona `{persona}`", hint)
            if not is_kebab(name):
                yield Fault(layer.file, 0, "", f"`{name}` is not a variant's name")
            for other in (*layer.header["requires"], *layer.header["conflicts"], *layer.header["order"]["after"]):
                if other not in own:
                    hint = did_you_mean(other, own)
                    yield Fault(layer.file, 0, "", f"names a variant `{other}` that does not exist", hint)
