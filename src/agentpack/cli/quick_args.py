"""Parse the simplest command lines without a library: a command, names, and a few options.

Loading the command-line library takes longer than installing a persona. Calls parsed here go to the same functions;
anything not clearly supported is left to the library, which also words usage errors. A test compares both parsers.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

_OUTPUT_FLAGS = {"--json": "json", "--quiet": "quiet", "-q": "quiet", "--verbose": "verbose", "-v": "verbose"}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-[],.<>=!~@")
_OF_PLACES = _LETTERS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_/")


class CommandGrammar(NamedTuple):
    """What may follow a command: options without a value, names, and `--client` and `--source`."""

    flags: Mapping[str, str]
    takes_names: bool = True
    needs_name: bool = False
    takes_clients: bool = False


_CHANGING = {
    "--dry-run": "dry_run",
    "-n": "dry_run",
    "--adopt": "adopt",
    "--discard-edits": "discard_edits",
    "--partial": "partial",
    **_OUTPUT_FLAGS,
}
GRAMMARS: Mapping[str, CommandGrammar] = {
    "install": CommandGrammar(_CHANGING, needs_name=True, takes_clients=True),
    "upgrade": CommandGrammar({"--yes": "yes", "-y": "yes", "--latest": "latest", **_CHANGING}),
    "sync": CommandGrammar(_CHANGING, takes_names=False),
}


class ParsedCall(NamedTuple):
    """A parsed call. `flags` are the fields of `ChangeRequest` it sets, and output options."""

    names: Sequence[str]
    clients: Sequence[str]
    sources: Sequence[str]
    flags: Collection[str]


def read(verb: str, arguments: Sequence[str]) -> ParsedCall | None:
    """Parse the arguments after the command; None if the library must parse them."""
    grammar = GRAMMARS[verb]
    names: list[str] = []
    clients: list[str] = []
    sources: list[str] = []
    flags: set[str] = set()
    words = iter(arguments)
    for word in words:
        if grammar.takes_clients and word in ("--client", "-c"):
            clients.append(word := next(words, ""))
        elif grammar.takes_clients and word == "--source":
            sources.append(word := next(words, ""))
        elif word in grammar.flags:
            flags.add(grammar.flags[word])
            continue
        elif grammar.takes_names:
            names.append(word)
        else:
            return None
        if not _is_plain(word):
            return None
    return ParsedCall(names, clients, sources, flags) if names or not grammar.needs_name else None


def _is_plain(word: str) -> bool:
    """Whether a word is a name with what may follow it, or a place."""
    return (word[:1].isalnum() and _LETTERS.issuperset(word)) or (
        word[:1] in ("/", ".", "~") and "/" in word and _OF_PLACES.issuperset(word)
    )


def run(arguments: Sequence[str]) -> int | None:
    """Run the command in the first argument. Returns its exit code, or None if the library must parse it."""
    words = read(arguments[0], arguments[1:])
    if words is None:
        return None
    from agentpack.cli.boundary import guarded
    from agentpack.cli.output import Output

    return guarded(Output(arguments), lambda: _run(arguments[0], words))


def _run(verb: str, words: ParsedCall) -> int:
    from agentpack.cli import change_commands
    from agentpack.cli.output import Output, Result
    from agentpack.cli.session import Session

    output = Output.of(verb, **{name: name in words.flags for name in _OUTPUT_FLAGS.values()}, no_color=False)
    session = Session(output, user=False, project=False, root=None)

    def act() -> Result:
        clients = session.clients(words.clients)
        asked = dict.fromkeys({*words.flags}.difference(_OUTPUT_FLAGS.values()), True)
        decided = {name: asked.pop(name) for name in change_commands.Decisions._fields if name in asked}
        request = change_commands.ChangeRequest(
            change_commands.Decisions(**decided),  # type: ignore[arg-type]
            names=words.names,
            clients=clients,
            sources=words.sources,
            **asked,  # type: ignore[arg-type]
        )
        command: Callable[[Session, change_commands.ChangeRequest], Result] = getattr(change_commands, verb)
        return command(session, request)

    return session.run(act)
