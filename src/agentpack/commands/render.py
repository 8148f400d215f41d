"""render: the text of one agent file for one client. Nothing is written, and nothing needs to be installed."""

from collections.abc import Sequence

from agentpack.changes.named_release import asked_pin, clients_for, select_at_place, select_named
from agentpack.changes.place_arguments import is_place
from agentpack.clients import SKILLS
from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean
from agentpack.model.rendering import Note, Rendering
from agentpack.workspace.workspace import Workspace


def render(
    workspace: Workspace,
    text: str,
    *,
    client: str | None = None,
    settings: Sequence[str] = (),
    persona: str | None = None,
) -> Rendering:
    """The agent file that `agentpack render` prints. Nothing is written.

    Args:
        text: the requirement on the command line, such as `python-engineer[lean]>=1`, or a place with packs.
        client: by default the first of the clients that an install would be for.
        settings: parameters, `key=value` each.
        persona: may be left out if the pack has only one.

    Raises:
        UsageError: the pack has several personas and none is named, or no persona with that name; a client or a
            parameter is unknown.
        Unresolvable: no source has such a release.
    """
    asked = (
        select_at_place(workspace, text, persona, settings)
        if is_place(workspace, text)
        else select_named(workspace, text, settings)
    )
    pin, clients = asked_pin(asked), clients_for(asked, [client] if client else ())[:1]
    files = [file for file in asked.for_clients(clients).preview().files.values() if file.pack == pin.pack]
    names = [file.persona for file in files]
    there = [f"personas: {', '.join(names)}"]
    if persona is not None and persona not in names:
        what = f"{pin.pack} {pin.version} has no persona `{persona}`"
        raise UsageError(what, details=there, hint=did_you_mean(persona, names))
    agents = [file for file in files if file.client not in SKILLS]
    if persona is None and len(agents) != 1:
        raise UsageError(
            f"{pin.pack} {pin.version} has {len(agents)} personas",
            details=there,
            hint=f"name one, for example with `--persona {names[0]}`" if names else None,
        )
    found = next(file for file in (*agents, *files) if persona in (None, file.persona))
    skills = sum(file.client in SKILLS and file.persona.startswith(f"{found.persona}-") for file in files)
    notes = [*found.notes]
    if skills:
        text = "in files of their own: `--persona NAME` prints one, `--set modules=inline` puts all into this text"
        notes.append(Note(f"its skills ({skills}) are {text}"))
    entry = workspace.manifest.wanted(pin.pack)
    if entry is not None and (entry.parameters or entry.requirement.variants) and (pin.variants, settings) == ((), ()):
        notes.append(Note(f"this is {pin.pack} without the settings and variants that agentpack.yaml has for it"))
    return found._replace(notes=tuple(notes))
