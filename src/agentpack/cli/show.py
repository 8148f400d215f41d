"""The options and the output of `agentpack show`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer

from agentpack.changes.news import ChangeSize
from agentpack.changes.place_arguments import is_place, open_place
from agentpack.cli.complete import complete_requirement
from agentpack.cli.options import Clients, Session, Set, verb, verb_app
from agentpack.cli.other_names import unexpected
from agentpack.cli.output import MOST_ENTRIES, Output, Result, flat, safe
from agentpack.cli.wrapping import hang
from agentpack.commands.show import PackDetails, Size, VariantSummary, other_release, release_changes
from agentpack.commands.show import show as run
from agentpack.errors import UsageError
from agentpack.model.names import is_version_word
from agentpack.model.requirement import parse_requirement
from agentpack.model.text_size import CHARACTERS_PER_TOKEN
from agentpack.reports.escaping import safe_text
from agentpack.wanted.offers import OfferedPack, offers

app = verb_app()
MOST_CHANGES = 40
"""Lines of a release's changelog that `show --changes` prints whole; of a longer one the first part."""
MOST_DESCRIBED = 160
"""Characters of an agent's description that `show PLACE` prints; `--verbose` prints all."""


@verb(app, "show", paged=True)
def show(
    session: Session,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="REQUIREMENT",
            help="A pack name, optionally with variants and a version range; or a folder, an archive or a git "
            "repository.",
            autocompletion=complete_requirement,
        ),
    ],
    client: Clients = None,
    set_: Set = None,
    changes: Annotated[
        str | None,
        typer.Option("--changes", metavar="FROM TO", help="Show what changed from one version to another."),
    ] = None,
) -> Result:
    """Show a pack's description, versions, variants, parameters and size, whether or not it is installed.

    With --changes, print the pack's changelog between two versions, and how many lines and rules differ.

    For a place (`./agents`, `packs.tar.gz`, `github:owner/repo`), list the packs and agents it offers.

    Prints a summary by default. Name a variant to see all about it, or use --verbose to see everything.

    Sizes are given for what a client always has in context (names and descriptions) and for what it reads when a
    persona is called (whole files, header included). Tokens are estimated at four characters each.

    Example: agentpack show "python-engineer[strict-typing]" --client claude
    """
    if changes is not None:
        return _show_changes(session, *_two_versions(session, words, changes))
    requirement, *others = words
    if others:
        hint = unexpected("show", ["show", *words]) or "`agentpack show --help` shows how"
        raise UsageError(f"unexpected arguments: `{' '.join(others)}`", hint=hint)
    if is_place(session.workspace, requirement):
        return _show_place(session, requirement)
    shown = run(session.workspace, requirement, clients=client or (), settings=set_ or ())
    output = session.output
    named = parse_requirement(requirement).variants
    ways = {True: _full(output, shown), False: _named(output, shown, named) if named else _short(output, shown)}
    for line in ways[output.verbose]:
        output.print(line)
    if output.verbose:
        _size_table(output, shown.sizes)
    elif not named and shown.variants:
        example = safe(f"{shown.name}[{shown.variants[0].name}]")
        setting = f"`agentpack install {safe(shown.name)} --set PARAMETER=VALUE` sets a parameter, "
        more = f"{setting if shown.parameters else ''}`--verbose` says what each is for"
        output.say(f'`agentpack show "{example}"` shows a variant, {more}')
    return Result(_data(shown))


def _two_versions(session: Session, words: Sequence[str], version: str) -> tuple[str, str, str]:
    """The pack and the two versions of `--changes`; one alone is compared with the named or locked release, that one
    with the newest.
    """
    if not is_version_word(version) and all(map(is_version_word, words)):  # the name is next to the option
        version, words = words[0], [version, *words[1:]]
    name, *versions = sorted(words, key=is_version_word)
    asked = parse_requirement(name)
    if not versions and asked.range.startswith("==") and "*" not in asked.range:
        return asked.pack, asked.range.removeprefix("=="), version
    if not versions:
        versions = other_release(session.workspace, name, version)
    if len(versions) != 1:
        raise UsageError(
            "`--changes` takes two versions", hint=f"`agentpack show {asked.pack} --changes FROM {version}`"
        )
    return name, version, versions[0]


def _show_changes(session: Session, name: str, before: str, after: str) -> Result:
    found, output = release_changes(session.workspace, name, before, after), session.output
    between = f"{found.name}=={found.before}", f"{found.name}=={found.after}"
    size = _size_between(session, *between) if found.comparable else None
    title = output.style(safe(f"{found.name} {found.before} -> {found.after}"), "bold")
    output.print(f"{title}  ({size})" if size else title)
    for entry in found.entries:
        text = entry.text.strip() if output.verbose else entry.beginning(MOST_CHANGES)
        left = entry.text.strip().count("\n") - text.count("\n")
        output.print("")
        output.print(output.style(safe(entry.version), "bold"))
        output.print_markdown(safe_text(text))
        if left:
            way = f"agentpack show {found.name} --changes {found.before} {found.after} --verbose"
            output.print("")
            rest = safe(f"[{left} more lines of {entry.version}: `{way}` prints them]")
            output.print(output.style(rest, "dim"), wrap=True)
    if not found.entries:
        output.say("the pack has no changelog for these versions")
    if size:
        output.say(f"`agentpack diff --from {between[0]} --to {between[1]}` shows each line")
    else:
        output.say(f"{between[0]} is no longer offered, so the files were not compared")
    entries = [{"version": entry.version, "text": entry.text.strip()} for entry in found.entries]
    return Result({**found._asdict(), "entries": entries, "size": size and size._asdict()})


def _size_between(session: Session, before: str, after: str) -> ChangeSize:
    from agentpack.changes.differences import ComparisonFilter
    from agentpack.commands.diff_releases import diff_releases
    from agentpack.reports.words import line_counts

    differences = diff_releases(session.workspace, before, after, ComparisonFilter())
    counts = [line_counts(file) for file in differences.files]
    rules = sum(len(file.compared.rules) for file in differences.files)
    return ChangeSize(sum(one.added for one in counts), sum(one.removed for one in counts), rules)


def _show_place(session: Session, place: str) -> Result:
    """The packs and agents that a place (a folder, an archive, a repository) offers."""
    offered, output = offers(open_place(session.workspace, place), place), session.output
    agents = sum(len(pack.agents) for pack in offered.packs)
    if len(offered.packs) > 1:
        output.print(f"{len(offered.packs)} packs" + (f", {agents} agents" if agents else ""))
    in_full = output.verbose or len(offered.packs) == 1 or agents <= MOST_ENTRIES
    for entry in output.some(
        ["\n".join(_offered(output, pack, agents=in_full)) for pack in offered.packs], "more packs"
    ):
        output.print(entry)
    left_out = [f"note: {pack.name}: skipped {safe(line)}" for pack in offered.packs for line in pack.left_out]
    for line in output.some([*left_out, *(f"note: {safe(line)}" for line in offered.unread)]):
        output.say(line)
    if not offered.packs:
        output.say(f"{safe(place)} has no packs and no agent files")
    elif len(offered.packs) == 1:
        output.say(f"`agentpack install {safe(place)}` installs it; add `--only AGENT` for some of its agents")
    else:
        one, every = f"install {offered.packs[0].name} --source {safe(place)}", f"install {safe(place)} --all"
        output.say(f"`agentpack {one}` installs one, `agentpack {every}` all")
    packs = [
        {**pack._asdict(), "agents": [agent._asdict() for agent in pack.agents], "left_out": list(pack.left_out)}
        for pack in offered.packs
    ]
    return Result({"place": offered.place, "packs": packs, "unread": list(offered.unread)})


def _offered(output: Output, pack: OfferedPack, *, agents: bool) -> Iterator[str]:
    yield output.style(safe(f"{pack.name} {pack.version}".rstrip()), "bold")
    count = f"{len(pack.agents)} agent{'s' if len(pack.agents) != 1 else ''}" if pack.agents else ""
    for text in filter(
        None,
        (pack.description, count, pack.elsewhere, pack.remark, f"besides agents: {pack.beside}" if pack.beside else ""),
    ):
        yield from hang("  ", flat(text))
    if agents:
        longest = None if output.verbose else MOST_DESCRIBED
        yield from output.some(_listed((agent.name, _cut(agent.description, longest)) for agent in pack.agents))


# In short, one variant, and in full.


def _short(output: Output, shown: PackDetails) -> Iterator[str]:
    yield from _head(output, shown, _about(shown, short=True))
    if shown.variants:
        yield output.style("variants", "bold")
        yield from _listed((variant.name, _summary(shown, variant)) for variant in shown.variants)
    if shown.parameters:
        yield output.style("parameters", "bold")
        yield from _listed((parameter["name"], _value(parameter)) for parameter in shown.parameters)
    yield output.style("size", "bold")
    plain = [size for size in shown.sizes if not size.variants]
    yield from _listed((size.client, _size(size)) for size in plain)
    words = [size.words for size in shown.sizes if size.variants and not size.refused]
    if words:
        range = " to ".join(map(str, sorted({min(words), max(words)})))
        yield from hang("  ", f"with a variant: {range} words")


def _named(output: Output, shown: PackDetails, named: Sequence[str]) -> Iterator[str]:
    yield from _head(output, shown, ())
    for variant in shown.variants:
        if variant.name in named:
            whose = f" of {variant.persona}" if len(shown.personas) > 1 else ""
            yield output.style(safe(f"{variant.name}{whose}"), "bold")
            yield from hang("  ", flat(("local, " if variant.local else "") + variant.summary))
            yield from _in_full(variant)
    yield output.style("size", "bold")
    sizes = [size for size in shown.sizes if size.variants in ((), tuple(named))]
    yield from _listed((f"{_variants_of(size)}, {size.client}", _size(size)) for size in sizes)


def _full(output: Output, shown: PackDetails) -> Iterator[str]:
    yield from _head(output, shown, _about(shown))
    if shown.variants:
        yield output.style("variants", "bold")
        width = max(len(safe(variant.name)) for variant in shown.variants) + 2
        for variant in shown.variants:
            yield from hang(f"  {safe(variant.name):<{width}}", flat(_summary(shown, variant)))
            yield from _details(variant, " " * (width + 2))
    if shown.parameters:
        yield output.style("parameters", "bold")
        for parameter in shown.parameters:
            yield from hang(f"  {parameter['name']}  ", flat(_typed(parameter)))
            yield from hang("      ", flat(parameter["description"]))


def _head(output: Output, shown: PackDetails, about: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield output.style(safe(f"{shown.name} {shown.version}"), "bold")
    yield from hang("  ", flat(shown.header["description"]))
    for label, text in about:
        yield from hang(f"  {label:<10}", flat(text))


def _cut(text: str, longest: int | None) -> str:
    """A text on one line, cut off after so many characters."""
    line = " ".join(text.split())
    return line if longest is None or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _listed(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a name and its text, with the texts aligned and wrapped."""
    listed = list(rows)
    width = max((len(safe(name)) for name, _ in listed), default=0)
    return ["\n".join(hang(f"  {safe(name):<{width}}  ", flat(text))) for name, text in listed]


def _summary(shown: PackDetails, variant: VariantSummary) -> str:
    whose = f"{variant.persona}: " if len(shown.personas) > 1 else ""
    return whose + ("local, " if variant.local else "") + variant.summary


def _in_full(variant: VariantSummary) -> Iterator[str]:
    for others, reason in variant.conflicts:
        yield from hang("  not with ", flat(" + ".join(others) + (f": {reason}" if reason else "")))
    if variant.losses:
        yield "  leaves out"
        for loss in variant.losses:
            yield from hang("    ", flat(_in_words(loss)))


def _in_words(loss: str) -> str:
    """A loss without the numbers that a pack may give its rules: `METH-4, TOOL-2: caches` is `caches`."""
    return re.sub(r"\A(?:[A-Z]+-[0-9.]+(?:, )?)+: ", "", loss)


def _details(variant: VariantSummary, indent: str) -> Iterator[str]:
    if variant.conflicts:
        yield from hang(indent, flat(f"not with {'; '.join(' + '.join(one.others) for one in variant.conflicts)}"))
    if variant.losses:
        yield from hang(indent, flat(f"leaves out {'; '.join(map(_in_words, variant.losses))}"))


def _about(shown: PackDetails, *, short: bool = False) -> Iterator[tuple[str, str]]:
    header = shown.header
    if header.get("license"):
        yield "licence", header["license"]
    if header.get("homepage") and not short:
        yield "homepage", header["homepage"]
    for key in ("authors", "keywords") if not short else ():
        if header.get(key):
            yield key, ", ".join(header[key])
    yield "source", shown.source
    yield "versions", ", ".join(v.version + (" (locked here)" if v.locked else "") for v in shown.versions)
    if shown.held_back:
        yield "newer", str(shown.held_back)
    if not short or list(shown.personas) != [shown.name] or any(shown.personas.values()):
        personas = (name + (f" (extends {base})" if base else "") for name, base in shown.personas.items())
        yield "personas", ", ".join(personas)
    if not short or header.get("requires"):
        yield "requires", ", ".join(header.get("requires", ())) or "nothing"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def _value(parameter: Any) -> str:
    """A parameter's value, and the other allowed ones if there are few."""
    value, default = _word(parameter["value"]), _word(parameter["default"])
    told = value if value == default else f"{value}, default {default}"
    if parameter["here"] is not None and value == default:
        told = f"{_word(parameter['here'])} here, default {default}"
    return told if parameter["allowed"].startswith("text") else f"{told}; {parameter['allowed']}"


def _typed(parameter: Any) -> str:
    value, default = _word(parameter["value"]), _word(parameter["default"])
    now = f", set to {value}" if value != default else ""
    if parameter["here"] is not None and not now:
        now = f", {_word(parameter['here'])} here"
    return f"{parameter['type']}, default {default}{now}; {parameter['allowed']}"


# Sizes.


def _variants_of(size: Size) -> str:
    return "+".join(size.variants) or "no variant"


def _size(size: Size) -> str:
    if size.refused:
        return f"refused: {size.refused}"
    called = f"{size.words} words ({size.tokens} tokens) when called"
    told = f"{called}, {size.always_words} words ({size.always_tokens} tokens) always"
    if not size.on_demand_words:
        return told
    return f"{told}, {size.on_demand_words} words ({size.on_demand_tokens} tokens) on demand"


def _size_table(output: Output, sizes: Sequence[Size]) -> None:
    output.print(output.style("size", "bold") + f"  (tokens are estimated at {CHARACTERS_PER_TOKEN} characters each)")
    rows = [
        (_variants_of(size), size.client, f"refused: {size.refused}", "", "", "", "", "")
        if size.refused
        else (
            *(_variants_of(size), size.client, str(size.words), str(size.tokens)),
            *(str(size.always_words), str(size.always_tokens)),
            *(str(size.on_demand_words), str(size.on_demand_tokens)),
        )
        for size in sizes
    ]
    output.table(
        (
            "variant",
            "client",
            "words",
            "tokens",
            "always words",
            "always tokens",
            "on demand words",
            "on demand tokens",
        ),
        rows,
    )


def _data(shown: PackDetails) -> dict[str, Any]:
    header = dict(shown.header)
    return {
        "name": shown.name,
        "version": shown.version,
        "source": shown.source,
        "digest": shown.digest,
        **{key: header.get(key) for key in ("description", "license", "homepage", "agentpack")},
        **{key: list(header.get(key, ())) for key in ("authors", "keywords", "requires")},
        "versions": [version._asdict() for version in shown.versions],
        "held_back": str(shown.held_back.newer) if shown.held_back else "",
        "personas": [{"name": name, "extends": base or None} for name, base in shown.personas.items()],
        "variants": [_variant(variant) for variant in shown.variants],
        "parameters": list(shown.parameters),
        "sizes": [{**size._asdict(), "variants": list(size.variants)} for size in shown.sizes],
        "counted": f"words are separated by white space; tokens are characters / {CHARACTERS_PER_TOKEN}; `words` and "
        "`tokens` count whole files, including the header; `always_` counts names and descriptions",
    }


def _variant(variant: VariantSummary) -> dict[str, Any]:
    return {
        **variant._asdict(),
        "losses": list(variant.losses),
        "conflicts": [{"with": list(others), "reason": reason} for others, reason in variant.conflicts],
    }
