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

VERBS: dict[str, tuple[str, str]] = {
    "install": ("install", "Add packs to the manifest and install their personas."),
    "uninstall": ("uninstall", "Remove packs, with the files that nothing else needs."),
    "sync": ("sync", "Make installed files match the manifest and lock."),
    "lock": ("lock", "Resolve and write the lock, but no agent files."),
    "upgrade": ("upgrade", "Install the newest releases in range; local edits are kept."),
    "diff": ("diff", "Show differences between disk and lock, or between releases."),
    "status": ("status", "Show packs, versions, clients, edits, and newer releases."),
    "history": ("history", "List the generations of this scope."),
    "rollback": ("rollback", "Restore an earlier generation; can be undone."),
    "show": ("show", "Show a pack's versions, variants, parameters and size."),
    "render": ("render", "Print the text that a client would get."),
    "search": ("search", "Find packs in all sources."),
    "clients": ("clients", "List supported clients and how each was verified."),
    "source": ("source", "List, add, remove and check the sources that packs come from."),
    "explain": ("explain", "Show where each rule and field of an installed file comes from."),
    "keep": ("keep", "Turn local edits of an installed file into a local variant."),
    "adopt": ("adopt", "Bring existing agent files under management."),
    "pack": ("pack", "Check agent files and packs; create, test and build packs."),
    "policy": ("policy", "Show what policies allow, and which line decides it."),
    "audit": ("audit", "Flag text worth a human look, in installed or new packs."),
    "bundle": ("bundle", "Write one file with everything the lock needs, to install without a network."),
    "cache": ("cache", "Show what is in the cache, or delete what is no longer used."),
    "doctor": ("doctor", "Check this installation and this scope."),
}

HELP = ["-h", "--help"]
_ROOT_HELP = "Versions, variants, upgrades and rollback for the personas of AI coding agents."
_EPILOG = "Start with: agentpack install python-engineer"


@cache
def _parser(app: typer.Typer) -> Any:
    """What parses an app's arguments: the same for every command line."""
    return typer.main.get_command(app)


class Verbs(Group):
    """A group that imports a command's module when it is called, and lists all commands without importing any."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = VERBS.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"agentpack.cli.{entry[0]}")
        return _parser(module.app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[:1] == ["help"]:
            args = [*args[1:], HELP[-1]]
            if len(args) == 1:
                write_data(ctx.get_help())
                raise typer.Exit
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from agentpack.model.names import did_you_mean

            hint = did_you_mean(args[0], VERBS)
            ctx.fail(f"there is no command `{args[0]}`" + (f"; {hint}" if hint else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            rows = [(name, help) for name, (_, help) in VERBS.items()]
            formatter.write_dl([*rows, ("help", "The help of a command: `agentpack help diff`.")])


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
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print version and place.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
    offline: Offline = False,
    user: User = False,
    project: Project = False,
    root: Root = None,
) -> None:
    """Versions, variants, upgrades and rollback for the personas of AI coding agents."""
    context.obj = dict(zip(COMMON, (json, quiet, verbose, no_color, offline, user, project, root), strict=True))
    if context.invoked_subcommand is None:
        write_data(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run a command line and report every error. Returns the exit code."""

    def call() -> int:
        command = _parser(app)
        try:
            result = command.main(args=list(arguments), prog_name="agentpack", standalone_mode=False)
        except typer.Exit as exit:
            return int(exit.exit_code)
        except typer.Abort:
            raise KeyboardInterrupt from None
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
