"""Persona + client -> Rendering. Pure and byte-stable."""

from collections.abc import Mapping

from agentpack.model.line_ends import as_crlf, as_lf
from agentpack.model.names import digest_of
from agentpack.model.persona import Persona
from agentpack.model.rendering import Rendering
from agentpack.safety.capabilities import capabilities
from agentpack.targets.base import Target

UNREADABLE = ("every-tool", "unreadable")
"""What is said of a client whose files nothing tells how to read."""


def render(
    persona: Persona,
    target: Target,
    *,
    pack: str,
    scope: str,
    variables: Mapping[str, str],
    models: Mapping[str, Mapping[str, str]],
    crlf: bool = False,
) -> Rendering | None:
    """The file of this persona for this client; None when the client has no agents in this scope.

    Args:
        pack: the pack's name, kept with the file.
        scope: `project` or `user`.
        variables: environment variables, which may move the client's folder.
        models: the manifest's names of model families per client.
        crlf: the file's lines end in CRLF, as those of the persona's source do. An entry of a shared file takes the
            line ends of that file.
    """
    path = target.path(persona.name, scope, variables)
    if path is None:
        return None
    said = target.say(persona, models)
    content = as_lf(said.text.encode())
    return Rendering(
        client=target.name,
        pack=pack,
        persona=persona.name,
        path=path,
        content=as_crlf(content) if crlf and target.shared is None else content,
        notes=said.notes,
        lost=said.lost,
        known=digest_of(content),  # lock and plan both ask for it
        capabilities=UNREADABLE if target.declaration is None else capabilities(target.declaration, content),
        form=target.form,
    )
