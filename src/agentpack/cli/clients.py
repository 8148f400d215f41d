"""The options and the output of `agentpack clients`."""

from agentpack.changes.clients import default_clients
from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result
from agentpack.clients.base import Client
from agentpack.workspace.workspace import Workspace

app = verb_app()
_BY = {"judge": "the client itself", "source": "its code", "documentation": "its documentation"}


@verb(app, "clients", paged=True)
def clients(session: Session) -> Result:
    """List supported clients: where each reads agents, and how that was verified.

    The column "here" says `yes` if files are installed for the client, and `next` if `install` would choose it by
    default: at the first install, the clients found here. A client is found by its folder (`.codex`), even if that is
    empty. A folder that others use too is not enough: `.github` counts with `agents` or `copilot-instructions.md` in
    it, `.gemini` with `agents` or `settings.json`. A narrow terminal shows fewer columns; --verbose shows all.

    Example: agentpack clients --json
    """
    workspace = session.workspace
    installed = set(workspace.lock.clients) if workspace.lock else set()
    installed |= {file.client for file in workspace.states.recorded.values()}
    chosen = default_clients(workspace, workspace.manifest)
    rows, data = [], []
    for target in sorted(workspace.clients.values(), key=lambda target: target.name):
        used = "yes" if target.name in installed else "next" if target.name in chosen else "-"
        user = _user_folder(workspace, target)
        checked = f"{target.version}, {target.checked}, by {_BY.get(target.verified_by, target.verified_by)}"
        also = ", ".join(target.aliases) or "-"
        rows.append((target.name, used, "-" if target.project is None else _shown(target), user, checked, also))
        data.append(
            {
                "name": target.name,
                "title": target.title,
                "aliases": list(target.aliases),
                "used": used != "-",
                "installed": target.name in installed,
                "project_folder": target.project,
                "user_folder": user,
                "file": target.file.replace("{name}", "<name>"),
                "wins": target.wins,
                "also_reads": {scope: list(folders) for scope, folders in target.also_reads.items()},
                "trust": target.trust,
                "remarks": list(target.remarks),
                "version": target.version,
                "checked": target.checked,
                "verified_by": target.verified_by,
                "reads": target.reads,
            }
        )
    headers = ("client", "here", "project", "user", "checked with", "also called")
    session.output.table(headers, rows, whole=(0, 2, 3), least=3)
    return Result({"clients": data})


def _shown(target: Client) -> str:
    return target.file if target.shared is not None and not target.project else f"{target.project}"


def _user_folder(workspace: Workspace, target: Client) -> str:
    """The client's agents folder in the user scope, below `~` or where its variable points; `-` if it has none."""
    folder = target.folder("user", workspace.environment.variables)
    if folder is None:
        return "-"
    if folder.startswith("$"):
        variable, _, below = folder.partition("/")
        return f"{workspace.environment.variables[variable[1:]].rstrip('/')}/{below}"
    return f"~/{folder}"
