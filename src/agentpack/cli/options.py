"""The options that several commands share, and how a command is registered.

`verb` adds the options that every command has, and passes what they say to it as one `Session`.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from agentpack.cli.complete import (
    complete_acceptance,
    complete_client,
    complete_requirement,
    complete_setting,
    completion_by,
)
from agentpack.cli.help import Command, Group
from agentpack.cli.output import Output, Result, scope_option
from agentpack.cli.session import Session as Session

Json = Annotated[bool, typer.Option("--json", help="Print one JSON envelope on stdout.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only results and errors; for checks, set only the exit code.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also print why this scope was chosen, what was read, and from where.")
]
NoColor = Annotated[bool, typer.Option("--no-color", help="Disable colour; NO_COLOR does the same.")]
User = Annotated[bool, typer.Option("--user", help="Work in the user scope: your home folder.")]
Project = Annotated[bool, typer.Option("--project", help="Work in the project that contains the current folder.")]
Offline = Annotated[bool, typer.Option("--offline", help="Do not use the network.")]
Root = Annotated[str | None, typer.Option("--root", metavar="DIR", help="Work in the given folder.")]

COMMON = ("json", "quiet", "verbose", "no_color", "offline", "user", "project", "root")
"""The names of these options, which may also come before the command."""

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change without changing anything.")]
Clients = Annotated[
    list[str] | None,
    typer.Option(
        "--client",
        "-c",
        metavar="CLIENT",
        help="Only for this client (`claude,codex`, `all`; repeatable).",
        autocompletion=complete_client,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PARAMETER=VALUE",
        help="Set a parameter (repeatable); `agentpack show NAME` lists a pack's parameters.",
        autocompletion=complete_setting,
    ),
]
OneRequirement = Annotated[
    str,
    typer.Argument(
        metavar="REQUIREMENT",
        help="A pack name, optionally with variants and a version range.",
        autocompletion=complete_requirement,
    ),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="CAPABILITY",
        help="Accept a new capability: `shell`, or `PACK:shell` for one pack. `widened:CLIENT` accepts that a client "
        "cannot enforce a restriction; `outside:SOURCE` allows a source outside the repository.",
        autocompletion=complete_acceptance,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Fail if an agent of a collection cannot be installed for every client."),
]
Adopt = Annotated[
    bool,
    typer.Option(
        "--adopt", help="Replace and manage files that agentpack did not write; the originals stay in the history."
    ),
]
OnConflict = Annotated[
    list[str] | None,
    typer.Option(
        "--on-conflict",
        metavar="keep|theirs|edit",
        help="On a conflict, keep your edit, take the new text, or merge the two in an editor; `PATH=keep` decides for "
        "one file, `AGENT=keep` for one agent (repeatable).",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
Partial = Annotated[bool, typer.Option("--partial", help="Skip files in conflict and write the others.")]
DiscardEdits = Annotated[bool, typer.Option("--discard-edits", help="Discard local edits; they stay in the history.")]


def verb(
    app: typer.Typer, name: str, *, under: str = "", paged: bool = False
) -> Callable[[Callable[..., Result]], Callable[..., int]]:
    """Register a command: a function from a `Session` and its own options to a `Result`.

    The common options are added to its signature; its result is printed by `Output.finish`. `under` is the parent
    command: `pack` for `pack check`. A long answer of a `paged` command is shown page by page on a terminal.
    """

    def register(function: Callable[..., Result]) -> Callable[..., int]:
        own = list(inspect.signature(function).parameters.values())[1:]
        for parameter in own:
            told = parameter.annotation.__metadata__[0]
            told.autocompletion = told.autocompletion or completion_by(told.metavar)
        kinds: tuple[Any, ...] = (Json, Quiet, Verbose, NoColor, Offline, User, Project, Root)
        common = [
            inspect.Parameter(
                n, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=None if n == "root" else False
            )
            for n, kind in zip(COMMON, kinds, strict=True)
        ]
        call = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

        @wraps(function)
        def run(**given: Any) -> int:
            before = given.pop("context").find_root().obj or {}
            values: dict[str, Any] = {n: given.pop(n) or before.get(n) for n in COMMON}
            output = Output.of(f"{under} {name}".strip(), **{n: values[n] for n in COMMON[:4]})
            output.asked_scope = scope_option(user=values["user"], root=values["root"])
            session = Session(output, **{n: values[n] for n in COMMON[4:]})
            if paged:
                output.collect()

            def act() -> Result:
                if client := given.get("client"):
                    given["client"] = session.client(client) if isinstance(client, str) else session.clients(client)
                return function(session, **given)

            return session.run(act)

        keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        every = [*keyword, *common, call]
        run.__signature__ = inspect.Signature(every, return_annotation=int)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
        app.command(name, cls=Command, context_settings={"help_option_names": ["-h", "--help"]})(run)
        return run

    return register


def verb_app() -> typer.Typer:
    """The Typer app for one command."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def verb_group(help: str, *, example: str) -> typer.Typer:
    """The Typer app for a command with subcommands. By itself it prints its help."""
    app = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        invoke_without_command=True,
        help=help,
        epilog=f"Example: {example}",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback(help=help)
    def print_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            Output().print(context.get_help())

    return app
