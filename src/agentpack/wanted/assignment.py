"""Decide which of the rendered files are written for which client.

A file may be refused or skipped for a reserved name, a name collision, a folder that a client reads from another
client, or a restriction that a client cannot enforce.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agentpack.clients import SKILLS
from agentpack.clients.base import Client
from agentpack.clients.render import TOOLS_LIMITED
from agentpack.environment import in_words
from agentpack.errors import DecisionNeeded, Unresolvable
from agentpack.model.lock import REFUSED, SkippedAgent
from agentpack.model.names import first_few
from agentpack.model.rendering import Rendering


class _Requested(NamedTuple):
    target: Client
    file: Rendering


class NotWritten(NamedTuple):
    """A persona that is not written for a client, because the client has no agents in the scope or reads another
    client's file.
    """

    client: str
    title: str
    scope: str
    file: str = ""
    is_wider: bool = False
    """Whether the client gives the agent more than that file asks for."""


def not_written_words(unwritten: Iterable[NotWritten]) -> Iterator[str]:
    """A line for each reason why personas are not written, naming all clients and files it applies to."""
    titles: dict[tuple[str, str, bool], dict[str, None]] = {}
    for one in unwritten:
        titles.setdefault((one.scope, one.file, one.is_wider), {})[one.title] = None
    files: dict[tuple[str, tuple[str, ...], bool], list[str]] = {}
    for (scope, file, is_wider), readers in titles.items():
        files.setdefault((scope, tuple(readers), is_wider), []).append(file)
    for (scope, names, is_wider), places in files.items():
        several = len(names) > 1
        if places == [""]:
            yield f"{', '.join(names)} {'have' if several else 'has'} no agents in the {scope} scope"
            continue
        place = in_words(scope, places[0])
        read = place if len(places) == 1 else f"{len(places)} files such as {place}"
        reads = f"{', '.join(names)} {'read' if several else 'reads'} {read}"
        if is_wider:
            yield f"{reads}, but cannot limit tools as {'it asks' if len(places) == 1 else 'they ask'}"
        else:
            yield f"{reads}: no second file is written for {'them' if several else 'it'}"


class NameTaken(Unresolvable):
    """A persona needs another name; `pack` has it."""

    def __init__(self, message: str, details: Sequence[str], pack: str, persona: str) -> None:
        self.pack, self.persona = pack, persona
        way = f"set `as: {{{persona}: {persona}-2}}` or `without: [{persona}]` for `{pack}` in agentpack.yaml"
        super().__init__(message, details=details, hint=way)

    def name_commands(self, typed: str, *, is_only: bool) -> None:
        """Name the ways out as commands: what the user typed, and an option more.

        Args:
            is_only: the pack has no other persona, so it cannot be left out.
        """
        agent = f"{self.pack}/{self.persona}"
        self.ways = (
            f"`{typed} --as {agent}={self.persona}-2` renames it",
            *(() if is_only else (f"`{typed} --without {agent}` leaves it out",)),
        )
        self.hint = "; ".join(self.ways)


class NameReserved(NameTaken):
    """A client keeps the name of a persona for itself; `why` says so without the persona's name."""

    why = ""


class RestrictionsLost(DecisionNeeded):
    """The error if clients cannot enforce restrictions.

    `agents` are pairs of a client and a persona, `losses` their lost restrictions. `limits_tools` is True if each
    loss is a list of tools.
    """

    def __init__(self, missing: Sequence[_Requested], others: Collection[str]) -> None:
        """`others` are the names of the clients that can express them."""
        self.agents = frozenset((given.target.name, given.file.persona) for given in missing)
        self.losses = tuple(dict.fromkeys(lost for given in missing for lost in given.file.lost))
        self.limits_tools = all(lost.startswith(TOOLS_LIMITED) for lost in self.losses)
        titles = first_few({given.target.title: None for given in missing}, 3)
        personas = first_few({given.file.persona: None for given in missing}, 3)
        words = sorted({f"widened:{given.target.name}" for given in missing})
        packs = dict.fromkeys(given.file.pack for given in missing)
        without = " ".join(("agentpack install", *packs, *(f"--client {name}" for name in others)))
        super().__init__(
            f"{titles} cannot limit tools, so {personas} would get every tool there; nothing was written"
            if self.limits_tools
            else f"{titles} cannot enforce every restriction of {personas}; nothing was written",
            details=[
                f"{given.target.title}: {given.file.persona}: {lost}" for given in missing for lost in given.file.lost
            ],
            hint="install without "
            f"{'it' if len(words) == 1 else 'them'}{f' (`{without}`)' if others else ''}, "
            "or accept it with " + " ".join(f"`--accept {word}`" for word in words),
        )


class FileAssignment:
    """Collects the renderings of a scope one by one, then decides which are written."""

    def __init__(self, scope: str, variables: Mapping[str, str], accepted: Collection[str]) -> None:
        """`accepted`: the acceptances there are. One without a pack covers all packs."""
        self._scope = scope
        self._variables = variables
        self._accepted = accepted
        self._refused: list[SkippedAgent] = []
        self._optional: list[_Requested] = []
        """The personas that their clients cannot restrict, and that may be left out for them."""
        self._given: list[_Requested] = []
        self._absent: list[Client] = []
        self._files: dict[str, _Requested] = {}
        self._names: dict[tuple[str, str], _Requested] = {}

    def add(self, target: Client, file: Rendering | None, *, optional: bool = False) -> None:
        """Add one persona for one client; `file` is None if the client has no agents in this scope.

        Args:
            optional: if the file would lose a restriction, and nobody accepted that, it is left out.

        Raises:
            Unresolvable: the client refuses the name, or takes two personas for one.
        """
        if file is None:
            self._absent.append(target)
            return
        given, persona = _Requested(target, file), file.persona
        if optional and file.lost and {*_acceptances(given)}.isdisjoint(self._accepted):
            self._optional.append(given)
            return
        first = self._files.get(file.path)
        if first == given:
            return  # a skill that another client reads too
        if file.name in target.reserved:
            error = NameReserved(
                f"`{file.name}` is a name reserved by {target.title}",
                [f"pack {file.pack}"],
                file.pack,
                persona,
            )
            error.why = f"{target.title} keeps the name for itself"
            raise error
        key = (target.name, target.identity(file.name))
        if (
            first is not None
            and first.target is not target
            and (first.file.pack, first.file.persona) == (file.pack, persona)
        ):
            if first.file.digest != file.digest:
                raise self._two_texts(first, given)
            self._names[key] = given
            self._given.append(given)
            return
        for other in (self._files.get(file.path), self._names.get(key)):
            if other is not None:
                raise self._meeting(other, given)
        self._files[file.path] = self._names[key] = given
        self._given.append(given)

    def acceptances(self) -> tuple[str, ...]:
        """The acceptances that the files need, as `<pack>:widened:<client>`."""
        return tuple(sorted({_acceptances(given)[0] for given in self._given if given.file.lost}))

    def leave_out(self, target: Client, pack: str, persona: str, why: str) -> None:
        """Leave out a persona that the client would refuse."""
        self._refused.append(SkippedAgent(target.name, pack, persona, f"{REFUSED}{why}"))

    def skipped(self) -> Iterator[SkippedAgent]:
        """The personas that are left out for a client that does not read them from another one's folder either."""
        yield from self._refused
        for target, file in self._optional:
            if self._read_elsewhere(_Requested(target, file)) is None:
                yield SkippedAgent(target.name, file.pack, file.persona, "; ".join(file.lost))

    def require(self) -> None:
        """Raise DecisionNeeded if a required acceptance is missing."""
        open_ = self.unaccepted()
        missing = [given for given in self._given if given.file.lost and _acceptances(given)[0] in open_]
        if missing:
            refused = {given.target.name for given in missing}
            names = dict.fromkeys(given.target.name for given in self._given if given.target.name not in SKILLS)
            raise RestrictionsLost(missing, [name for name in names if name not in refused])

    def unaccepted(self) -> frozenset[str]:
        """The required acceptances that are missing."""
        lost = [_acceptances(given) for given in self._given if given.file.lost]
        return frozenset(words[0] for words in lost if {*words}.isdisjoint(self._accepted))

    def assigned(self) -> tuple[Mapping[str, Rendering], tuple[NotWritten, ...]]:
        """The files to write by path, and the personas that are not written.

        Raises:
            DecisionNeeded: the only requested clients have no agents in this scope.
            Unresolvable: a client would read two personas with the same name.
        """
        files: dict[str, Rendering] = {}
        unwritten = [NotWritten(target.name, target.title, self._scope) for target in self._absent]
        for given in self._given:
            elsewhere = self._read_elsewhere(given)
            if elsewhere is None and given.file.path in files:
                elsewhere = given.file.path
            if elsewhere is None:
                files[given.file.path] = given.file
            else:
                unwritten.append(NotWritten(given.target.name, given.target.title, self._scope, elsewhere))
        for given in self._optional:
            if (elsewhere := self._read_elsewhere(given)) is not None:
                unwritten.append(
                    NotWritten(given.target.name, given.target.title, self._scope, elsewhere, is_wider=True)
                )
        if self._absent and not self._given:
            words = next(not_written_words(unwritten))
            raise DecisionNeeded(words, hint="`agentpack clients` shows which client has agents in which scope")
        return files, tuple(dict.fromkeys(unwritten))

    def _read_elsewhere(self, given: _Requested) -> str | None:
        """The file of another client that this client reads too; None if it reads none, or if what its author wrote
        for it is found before that.

        Raises:
            Unresolvable: another pack has a persona with that name there, so the client would read two.
        """
        if given.file.is_own and given.target.own_first:
            return None
        for read in given.target.folders(self._scope, self._variables)[1:]:
            for other in self._others(given):
                folder = other.target.folder(self._scope, self._variables)
                if folder == read and other.file.path.endswith(".md"):
                    if other.file.pack != given.file.pack:
                        raise self._meeting(other, given)
                    return other.file.path
        return None

    def _others(self, given: _Requested) -> Iterator[_Requested]:
        for other in self._given:
            if (
                other.file.persona == given.file.persona
                and other.target.name != given.target.name
                and not other.target.shared
            ):
                yield other

    def _two_texts(self, one: _Requested, other: _Requested) -> DecisionNeeded:
        return DecisionNeeded(
            f"{one.target.title} and {other.target.title} read the same file, but need different texts; nothing was "
            "written",
            details=[f"both read {in_words(self._scope, one.file.path)}"],
            hint=f"install for only one of them: `--client {one.target.name}`",
        )

    def _meeting(self, one: _Requested, other: _Requested) -> Unresolvable:
        if other.file.name == one.file.name or one.file.persona == other.file.persona:
            what = "skill" if other.target.name in SKILLS else "persona"
            name = other.file.name if other.file.name == one.file.name else other.file.persona
            message = f"`{one.file.pack}` and `{other.file.pack}` both have a {what} `{name}`"
        else:
            message = f"{other.target.title} treats `{one.file.name}` and `{other.file.name}` as the same name"
        first, second = (in_words(self._scope, given.file.path) for given in (one, other))
        detail = f"both would be {second}" if first == second else f"{other.target.title} reads {first} and {second}"
        if other.target.name in SKILLS:
            hint = "rename one of the personas (`as:` in agentpack.yaml), or turn off skills for one "
            hint += "(`parameters: {modules: inline}`)"
            return Unresolvable(message, details=[detail], hint=hint)
        return NameTaken(message, [detail], other.file.pack, other.file.persona)


def _acceptances(given: _Requested) -> tuple[str, str]:
    """The two acceptances of a lost restriction: for this pack, and for all packs."""
    word = f"widened:{given.target.name}"
    return f"{given.file.pack}:{word}", word
