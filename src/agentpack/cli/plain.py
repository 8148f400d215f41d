"""Command lines that need no library to be read: a verb, names, and a few options.

Loading the command-line library takes longer than installing a persona does. What is read here goes to the very
functions that the library's reading goes to; any word that is not plainly one of these is left to the library, which
also words the errors of a call. A test holds both ways against each other.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_SPEECH = {"--json": "json", "--quiet": "quiet", "-q": "quiet", "--verbose": "verbose", "-v": "verbose"}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-[],.<>=!~@")


class Grammar(NamedTuple):
    """What may stand behind a verb: options without a value, options with one, and whether a name must."""

    flags: Mapping[str, str]
    values: Mapping[str, str]
    needs_name: bool


GRAMMARS: Mapping[str, Grammar] = {
    "install": Grammar(
        {
            "--dry-run": "dry_run",
            "-n": "dry_run",
            "--adopt": "adopt",
            "--discard-edits": "discard_edits",
            "--partial": "partial",
        },
        {"--client": "clients", "-c": "clients"},
        True,
    ),
    "upgrade": Grammar({"--yes": "yes", "-y": "yes", "--latest": "latest"}, {}, False),
}


class Words(NamedTuple):
    """A call, read."""

    names: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    flags: frozenset[str]
    speech: frozenset[str]


def read(verb: str, arguments: Sequence[str]) -> Words | None:
    """The words behind the verb, or None when a library should read them."""
    grammar = GRAMMARS[verb]
    names: list[str] = []
    values: dict[str, tuple[str, ...]] = {}
    flags: set[str] = set()
    speech: set[str] = set()
    words = iter(arguments)
    for word in words:
        if word in grammar.values:
            value = next(words, "")
            if not _is_plain(value):
                return None
            key = grammar.values[word]
            values[key] = (*values.get(key, ()), value)
        elif word in grammar.flags:
            flags.add(grammar.flags[word])
        elif word in _SPEECH:
            speech.add(_SPEECH[word])
        elif _is_plain(word):
            names.append(word)
        else:
            return None
    if grammar.needs_name and not names:
        return None
    return Words(tuple(names), values, frozenset(flags), frozenset(speech))


def _is_plain(word: str) -> bool:
    return word[:1].isalnum() and _LETTERS.issuperset(word)


def run(arguments: Sequence[str]) -> int | None:
    """Run the verb that the first word names; the exit code, or None when a library should read the words."""
    words = read(arguments[0], arguments[1:])
    if words is None:
        return None
    from agentpack.cli.boundary import guarded
    from agentpack.cli.present import Output

    return guarded(Output(arguments), lambda: _run(arguments[0], words))


def _run(verb: str, words: Words) -> int:
    from agentpack.cli import changing
    from agentpack.cli.present import Output
    from agentpack.cli.session import Session

    spoken = {name: name in words.speech for name in ("json", "quiet", "verbose")}
    output = Output.of(verb, **spoken, no_color=False)
    session = Session(output, user=False, project=False, root=None)
    act = {"install": changing.install, "upgrade": changing.upgrade}[verb]
    options: dict[str, object] = {**words.values, **dict.fromkeys(words.flags, True)}
    try:
        if "clients" in words.values:
            options["clients"] = session.clients(words.values["clients"])
        result = act(session, words.names, **options)  # type: ignore[operator]
    finally:
        session.tell_recovery()
        session.tell_lacks()
    session.tell_sources()
    return output.finish(result)
