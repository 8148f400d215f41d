"""Agents as people name them on the command line: by name, by path, or as `PACK/AGENT`; and which packs have them."""

import os
import re
from collections.abc import Mapping, Sequence

from agentpack.changes.request import ChangeRequest
from agentpack.errors import DecisionNeeded, Unresolvable, UsageError
from agentpack.model.names import PackName, did_you_mean, kebab, nearest, persona_name_fault
from agentpack.sources.base import Source

AgentsOfPacks = Mapping[PackName, Mapping[str, str]]
"""By pack, every name and path of its agents, and the name of each."""
_MOST_WAYS = 8
_AGENT = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w. -]*")


def agents_of(source: Source, pack: PackName) -> Mapping[str, str]:
    """The name of each agent of a pack, by all that it can be asked for by: path, name, and name in kebab case."""
    from agentpack.bare import name_in  # parsing is loaded only where agents are asked for by name

    state = source.state_of(pack)
    if state is None:
        return {}
    found: dict[str, str] = {}
    for path, data in source.read(state).items():
        called = name_in(path, data) or path
        found |= {path: called, called: called, kebab(called): called}
    return found


def agents_in(source: Source) -> AgentsOfPacks:
    """The agents of every pack that a source offers."""
    packs = (*source.packs(), *(pack.name for pack in source.collection.packs))
    return {pack: agents_of(source, pack) for pack in packs}


def packs_with(text: str, packs: AgentsOfPacks) -> list[PackName]:
    """The packs that have the agent that a text names."""
    pack, slash, rest = text.partition("/")
    if slash and pack in packs:
        return [PackName(pack)] if _has(packs[PackName(pack)], rest) else []
    return [name for name, agents in packs.items() if _has(agents, text)]


def _has(agents: Mapping[str, str], name: str) -> bool:
    return name in agents or kebab(name) in agents


def unknown_agent(message: str, text: str, packs: AgentsOfPacks) -> Unresolvable:
    """The error for a name that no agent has. The hint lists agents with the same name behind a prefix, or a similar
    name.
    """
    ending = f"-{kebab(text.rpartition('/')[2])}"
    near = [f"{pack}/{name}" for pack, agents in packs.items() for name in _names(agents) if name.endswith(ending)]
    known = {called for agents in packs.values() for called in agents.values()}
    return Unresolvable(message, hint=_ways(near) if near else did_you_mean(text, known))


def refuse_misspelled(text: str, places: Mapping[str, AgentsOfPacks], packs: Sequence[str]) -> None:
    """Raise Unresolvable for a name that is nearer to that of an agent than to those of all packs.

    Args:
        places: the agents of each place beside which the name stands.
    """
    having = {agent: place for place, found in places.items() for agents in found.values() for agent in agents.values()}
    near = nearest(text, [*packs, *having])
    if near and near[0] not in packs:
        hint = f"did you mean the agent `{near[0]}`? `agentpack install {having[near[0]]} --only {near[0]}`"
        raise Unresolvable(f"there is no pack named `{text}`", hint=hint)


def refuse_ambiguous(texts: Sequence[str], decided: Sequence[str], packs: AgentsOfPacks) -> None:
    """Raise DecisionNeeded for a name that agents of several packs have.

    Args:
        decided: what `--without` and `--as` say of agents.
    """
    for text in texts:
        having = packs_with(text, packs)
        if len(having) > 1 and not any(f"{pack}/{text}" in decided for pack in having):
            names = [f"{pack}/{text}" for pack in having]
            raise DecisionNeeded(
                f"{len(having)} packs have an agent `{text}`: choose one",
                hint=f"{_ways(names)}; `--as {names[-1]}=NEW` beside `--only {text}` installs both",
            )


def refuse_renames(texts: Sequence[str]) -> None:
    """Raise UsageError for a value of `--as` that is not `OLD=NEW`."""
    for text in texts:
        old, _, new = text.partition("=")
        if not (old and new):
            raise UsageError(f"`--as {text}` is not `OLD=NEW`", hint="for example `--as code-reviewer=second-reviewer`")
        if fault := persona_name_fault(new):
            raise UsageError(f"`--as {text}`: {fault}")


def _names(agents: Mapping[str, str]) -> list[str]:
    return sorted({kebab(called) for called in agents.values()})


def _ways(names: Sequence[str]) -> str:
    listed = [f"`--only {name}`" for name in names[:_MOST_WAYS]]
    more = f" and {len(names) - _MOST_WAYS} more" if len(names) > _MOST_WAYS else ""
    return (" or ".join(listed) if len(listed) < 3 else ", ".join(listed)) + more


def refuse_agents(request: ChangeRequest, folder: str) -> None:
    """Raise UsageError for `PACK/AGENT` beside `--source`, unless it is a path in this folder."""
    for text in request.names if request.sources else ():
        pack, _, agent = text.partition("/")
        if _AGENT.fullmatch(text) and not os.path.exists(os.path.join(folder, text)):
            raise UsageError(
                f"`{text}` is not a pack name",
                hint=f"`agentpack install {pack} --only {agent} --source {request.sources[0]}` installs one agent",
            )
