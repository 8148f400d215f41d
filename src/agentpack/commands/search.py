"""search: find packs, and agents of packs, in all sources. Writes nothing."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from agentpack.changes.newest import beyond_refs
from agentpack.changes.user_sources import with_user_sources
from agentpack.errors import AgentpackError
from agentpack.model.names import PackName, nearest
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.offers import OfferedPack, collected
from agentpack.workspace.workspace import Workspace


class FoundAgent(NamedTuple):
    """A persona that `search` found by its own name or description."""

    pack: str
    name: str
    source: str
    description: str


class SearchResult(NamedTuple):
    """A pack that `search` found. `others` are further sources that have it and are not used; `held_back` is a newer
    release that a `ref:` holds back, as far as it is known here; empty if there is none.
    """

    name: str
    version: str
    description: str
    source: str
    keywords: tuple[str, ...]
    personas: tuple[str, ...]
    others: tuple[str, ...]
    held_back: str = ""


class Found(NamedTuple):
    """What `search` found: packs, best match first, and agents of packs; similar names if there are none; and what
    could not be read.
    """

    packs: list[SearchResult]
    agents: list[FoundAgent]
    near: list[str]
    unread: list[str]


def search(workspace: Workspace, text: str = "") -> Found:
    """The packs of all sources that contain every word of the text, and the agents of collections that do."""
    candidates = candidates_to_view(workspace, with_user_sources(workspace, workspace.manifest))
    words = text.lower().split()
    found: list[tuple[int, SearchResult]] = []
    unread: list[str] = []
    agents: list[FoundAgent] = []
    known = [*candidates.known()]
    own = workspace.scope.absolute(workspace.scope.own_packs)
    for source, offered in _collections(candidates, own, unread):
        personas = tuple(agent.name for agent in offered.agents)
        description = offered.description or f"{len(personas)} agent file{'s' if len(personas) != 1 else ''}"
        whole = SearchResult(offered.name, offered.version, description, source, (), personas, ())
        if (rank := _rank(whole, words)) is not None:
            found.append((rank, whole))
        for agent in offered.agents if words else ():
            if all(word in f"{agent.name} {agent.description}".lower() for word in words):
                agents.append(FoundAgent(offered.name, agent.name, source, agent.description))
    broken = set[str]()
    for name in known:
        try:
            pack = _described(candidates, PackName(name))
        except AgentpackError as error:
            unread.append(f"{name}: {error.message}")
            broken.add(name)
            continue
        rank = _rank(pack, words) if pack else None
        if pack is not None and rank is not None:
            found.append((rank, pack))
    candidates.sources.silent.clear()  # they are among `unread`
    agents.sort(key=lambda agent: (agent.name.lower() not in words, agent.name))
    near = [] if found or agents else _near(text.lower(), (name for name in known if name not in broken))
    held = {key: str(one.newer) for key, one in beyond_refs(workspace).items()}
    packs = [pack for _, pack in sorted(found, key=lambda row: (row[0], row[1].name))]
    packs = [pack._replace(held_back=held.get((pack.name, pack.source), pack.held_back)) for pack in packs]
    return Found(packs, agents, near, unread)


def _collections(candidates: Candidates, own: str, unread: list[str]) -> Iterator[tuple[str, OfferedPack]]:
    """The packs of all collections, each with its source, but for the user's own agents in the folder `own`; what
    cannot be read is added to `unread`.
    """
    for source in candidates.sources.all:
        if source.name not in candidates.sources.missing and source.where != own:
            try:
                if source in candidates.sources.silent:
                    raise candidates.sources.silent[source]
                for pack in collected(source):
                    if source in candidates.sources.allowed(PackName(pack.name)):
                        yield source.name, pack
            except (AgentpackError, OSError) as error:
                unread.append(f"{source.name}: {error.message if isinstance(error, AgentpackError) else error}")


def _near(text: str, known: Iterable[str]) -> list[str]:
    """The names similar to the text, as a whole or in one of its words."""
    names = tuple(known)
    if found := nearest(text, names):
        return found
    words = nearest(text, {word for name in names for word in name.split("-")})
    return [name for name in names if not set(words).isdisjoint(name.split("-"))][:3]


def _described(candidates: Candidates, name: PackName) -> SearchResult | None:
    refs = candidates.releases(name)
    final = [ref for ref in refs if not ref.version.is_prerelease] or list(refs)
    if not final:
        return None
    pack = candidates.read(name, final[0].version)[1]
    sources = candidates.sources
    allowed = (source for source in sources.allowed(name) if source.name != final[0].source)
    others = [source.name for source in allowed if sources.ask(source, partial(source.releases, name))]
    header = pack.header
    return SearchResult(
        name=name,
        version=pack.version,
        description=header["description"],
        source=final[0].source,
        keywords=tuple(header.get("keywords", ())),
        personas=tuple(sorted(pack.personas)),
        others=tuple(others),
    )


def _rank(pack: SearchResult, words: Sequence[str]) -> int | None:
    """0 for the name itself, then names, keywords and personas, descriptions; None if a word does not occur."""
    worst = 0
    for word in words:
        places = (
            word == pack.name,
            word in pack.name,
            any(word in text.lower() for text in (*pack.keywords, *pack.personas)),
            word in pack.description.lower(),
        )
        if True not in places:
            return None
        worst = max(worst, places.index(True))
    return worst
