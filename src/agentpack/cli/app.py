"""The command line: the table of commands, and the library that parses arguments."""

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer

from agentpack.cli.boundary import guarded
from agentpack.cli.help import Group
from agentpack.cli.options import COMMON, Json, NoColor, Offline, Project, Quiet, Root, User, Verbose
from agentpack.cli.output import Output
from agentpack.cli.streams import OutputError, write_data
from agentpack.errors import Interrupted
from agentpack.version import version_text

GROUPS: dict[str, dict[str, str]] = {
    "Use": {
        "install": "Add packs to the manifest and install their personas.",
        "uninstall": "Remove packs and the files that nothing else needs.",
        "upgrade": "Install the newest releases in range and keep local edits.",
        "sync": "Make installed files match the manifest and lock.",
        "lock": "Resolve and write the lock without writing agent files.",
        "adopt": "Manage existing agent files with agentpack.",
        "keep": "Turn local edits of an installed file into a local variant.",
    },
    "Inspect": {
        "status": "Show packs, versions, clients, edits, and newer releases.",
        "diff": "Show differences between disk and lock, or between releases.",
        "show": "Show a pack's versions, variants, parameters and size.",
        "search": "Find packs in all sources.",
        "explain": "Show where each rule and field of an installed file comes from.",
        "render": "Print the file that a client would get.",
        "clients": "List supported clients and how each was verified.",
        "audit": "Flag text worth a human look, in installed or new packs.",
        "policy": "Show what policies allow, and which line decides.",
    },
    "Undo": {
        "history": "List the generations of this scope.",
        "rollback": "Restore an earlier generation (can be undone).",
    },
    "Maintain": {
        "source": "List, add, remove and check the sources that packs come from.",
        "bundle": "Write one file with everything the lock needs, to install without a network.",
        "cache": "Show what is in the cache, or delete what is no longer used.",
        "doctor": "Check the installation and the current scope.",
    },
    "Write packs": {
        "pack": "Check agent files and packs; create, test and build packs.",
    },
}
"""The commands with their one-line help, grouped by use. Each is in the module of its name."""

VERBS = {name: help for rows in GROUPS.values() for name, help in rows.items()}

HELP = ["-h", "--help"]
_ROOT_HELP = "Versions, variants, upgrades and rollback for the personas of AI coding agents."
_EPILOG = "Start with: agentpack install python-engineer\n\nHelp for a command: agentpack help install"


@cache
def _parser(app: typer.Typer) -> Any:
    """What parses an app's arguments: the same for every command line."""
    return typer.main.get_command(app)


class Verbs(Group):
    """A group that imports a command's module when it is called, and lists all commands without importing any."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _parser(import_module(f"agentpack.cli.{cmd_name}").app) if cmd_name in VERBS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[:1] == ["help"]:
            args = [*args[1:], HELP[-1]]
            if len(args) == 1:
                write_data(ctx.get_help())
                raise typer.Exit
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, rows in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(max(map(len, VERBS))), help) for name, help in rows.items()])


app = typer.Typer(
    cls=Verbs,
    name="agentpack",
    help=_ROOT_HELP,
    epilog=_EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": HELP, "max_content_width": 100},
)


def _version(value: bool) -> None:
    if value:
        write_data(version_text().removesuffix("\n"))
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Show the version and where it is installed."
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
    offline: Offline = False,
    user: User = False,
    project: Project = False,
    root: Root = None,
) -> int | None:
    """Versions, variants, upgrades and rollback for the personas of AI coding agents."""
    context.obj = dict(zip(COMMON, (json, quiet, verbose, no_color, offline, user, project, root), strict=True))
    if context.invoked_subcommand is None:
        return _overview(context)
    return None


def _overview(context: typer.Context) -> int:
    """What `agentpack` alone prints. Returns the exit code."""
    from agentpack.cli.overview import app as overview

    command = _parser(overview)
    with command.make_context(None, [], parent=context) as call:
        return int(command.invoke(call))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and report every error. Returns the exit code."""

    def call() -> int:
        command = _parser(app)
        try:
            result = command.main(args=list(arguments), prog_name="agentpack", standalone_mode=False)
        except Interrupted:
            raise
        except SystemExit:
            if "_AGENTPACK_COMPLETE" in os.environ:  # how the library ends a completion
                raise
            raise BrokenPipeError from None  # and how it takes it that the reader is gone
        except OSError as error:
            if error.filename is None and set(HELP).intersection(arguments):  # it writes the help by itself
                raise OutputError(error) from None
            raise
        if result == 130:  # the library turns Ctrl-C into this without a word
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0

    return guarded(Output(arguments), call)
