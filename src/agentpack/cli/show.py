"""agentpack show"""

from collections.abc import Iterator
from typing import Any

from agentpack.authoring.sizes import CHARACTERS_PER_TOKEN
from agentpack.cli.options import Clients, OneRequirement, Session, Set, verb, verb_app
from agentpack.cli.present import Result, flat, safe
from agentpack.cli.wrapping import hang
from agentpack.operations.show import Shown, Size, Variant
from agentpack.operations.show import show as run

app = verb_app()


@verb(app, "show")
def show(
    session: Session,
    requirement: OneRequirement,
    client: Clients = None,
    set_: Set = None,
) -> Result:
    """Description, versions, variants, parameters and size of a pack, installed or not.

    Sizes: what a client keeps in mind all the time (names and descriptions), and what it reads when a persona is called
    (the whole files, header included). Words are what stands between blanks, tokens a quarter of the characters.

    Example: agentpack show "python-engineer[strict-typing]" --client claude
    """
    shown = run(session.workspace, requirement, clients=client or (), settings=set_ or ())
    for line in _lines(session, shown):
        session.output.print(line)
    return Result(_data(shown))


def _lines(session: Session, shown: Shown) -> Iterator[str]:
    style, header = session.output.style, shown.header
    yield style(safe(f"{shown.name} {shown.version}"), "bold")
    yield from hang("  ", flat(header["description"]))
    for label, text in _about(shown):
        yield from hang(f"  {label:<10}", flat(text))
    if shown.variants:
        yield style("variants", "bold")
        several = len(shown.personas) > 1
        width = max(len(safe(variant.name)) for variant in shown.variants) + 2
        for variant in shown.variants:
            whose = f"{variant.persona}: " if several else ""
            local = "local, " if variant.local else ""
            yield from hang(f"  {safe(variant.name):<{width}}", flat(whose + local + variant.summary))
            if variant.conflicts:
                excluded = "; ".join(" + ".join(conflict.others) for conflict in variant.conflicts)
                yield from hang(" " * (width + 2), flat(f"not with {excluded}"))
            if variant.losses:
                yield from hang(" " * (width + 2), flat(f"leaves out {'; '.join(variant.losses)}"))
    if shown.parameters:
        yield style("parameters", "bold")
        for parameter in shown.parameters:
            yield from hang(f"  {parameter['name']}  ", flat(_typed(parameter)))
            yield from hang("      ", flat(parameter["description"]))
    yield style("size", "bold") + f"  (a token is taken for {CHARACTERS_PER_TOKEN} characters)"
    yield from _sizes(shown.sizes)


def _about(shown: Shown) -> Iterator[tuple[str, str]]:
    header = shown.header
    for label, key in (("licence", "license"), ("homepage", "homepage")):
        if header.get(key):
            yield label, header[key]
    for key in ("authors", "keywords"):
        if header.get(key):
            yield key, ", ".join(header[key])
    yield "source", shown.source
    yield "versions", ", ".join(v.version + (" (locked here)" if v.locked else "") for v in shown.versions)
    yield "personas", ", ".join(name + (f" (extends {base})" if base else "") for name, base in shown.personas.items())
    yield "requires", ", ".join(header.get("requires", ())) or "nothing"


def _typed(parameter: Any) -> str:
    def word(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value) or '""'

    value, default = word(parameter["value"]), word(parameter["default"])
    now = f", set to {value}" if value != default else ""
    return f"{parameter['type']}, default {default}{now}; {parameter['allowed']}"


def _sizes(sizes: tuple[Size, ...]) -> Iterator[str]:
    names = {size.variants: safe("+".join(size.variants)) or "no variant" for size in sizes}
    wide = max([7, *map(len, names.values())])
    broad = max([6, *(len(size.client) for size in sizes)])
    yield f"  {'':<{wide}}  {'':<{broad}}  {'always on':>14}  {'when called':>14}"
    yield f"  {'variant':<{wide}}  {'client':<{broad}}  {'words':>6}  {'tokens':>6}  {'words':>6}  {'tokens':>6}"
    for size in sizes:
        counted = f"{size.always_words:>6}  {size.always_tokens:>6}  {size.words:>6}  {size.tokens:>6}"
        counted = f"refused: {flat(size.refused)}" if size.refused else counted
        yield f"  {names[size.variants]:<{wide}}  {size.client:<{broad}}  {counted}"


def _data(shown: Shown) -> dict[str, Any]:
    header = dict(shown.header)
    return {
        "name": shown.name,
        "version": shown.version,
        "source": shown.source,
        "digest": shown.digest,
        **{key: header.get(key) for key in ("description", "license", "homepage", "agentpack")},
        **{key: list(header.get(key, ())) for key in ("authors", "keywords", "requires")},
        "versions": [version._asdict() for version in shown.versions],
        "personas": [{"name": name, "extends": base or None} for name, base in shown.personas.items()],
        "variants": [_variant(variant) for variant in shown.variants],
        "parameters": list(shown.parameters),
        "sizes": [{**size._asdict(), "variants": list(size.variants)} for size in shown.sizes],
        "counted": f"words between blanks; tokens as characters / {CHARACTERS_PER_TOKEN}; `words` and `tokens` of the "
        "whole files, header included; `always_` of names and descriptions",
    }


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        **variant._asdict(),
        "losses": list(variant.losses),
        "conflicts": [{"with": list(others), "reason": reason} for others, reason in variant.conflicts],
    }
