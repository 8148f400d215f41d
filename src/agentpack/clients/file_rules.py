"""`FileRules`: what `pack check` needs to know about a client's agent files besides how they are written and read."""

from typing import NamedTuple


class FileRules(NamedTuple):
    """What a client accepts in an agent file that somebody else wrote. An empty value means that nothing is known."""

    names: str = ""
    """A regular expression that a whole name must match."""
    own_agents: frozenset[str] = frozenset()
    """Agents the client brings itself, which a file of that name replaces. `Client.reserved` names count too."""
    needs_description: bool = True
    """Whether an agent without a description is not loaded."""
    refuses_unknown: bool = False
    """Whether a file with a field that the client does not know is not loaded."""
    fields: tuple[str, ...] = ()
    """Fields it reads, besides those that agentpack writes."""
    more_fields: bool = False
    """Whether it reads further fields, so that an unknown one need not be a mistake."""
    tools: tuple[str, ...] = ()
    """Tools it has in some sessions only, besides those whose capabilities are known."""
    all_tools: bool = False
    """Whether those are all its tools. If not, an unknown name is a mistake only if it is nearly a known one or means
    another of its tools in other clients."""
    models: str = ""
    """A regular expression for the models people mean, if `Client.ids` accepts any text."""
    model_lists: bool = False
    """Whether the model may be a list, of which the client takes the first that it has."""
    last_wins: bool = False
    """Whether the last file by path counts, if several in one folder have the same name."""
