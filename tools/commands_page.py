"""Write docs/reference/commands.md from the program's own help: `python tools/commands_page.py`."""

import io
import os
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import typer

from agentpack.cli.app import VERBS, run

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "commands.md"
_HEAD = """\
# Commands

<!-- Written by tools/commands_page.py from the program's own help. Do not edit it here: edit the help. -->

What every command has in common:

- It works in the project around the current folder, or else in the user scope; `--user`, `--project` and `--root DIR`
  override this. The first line of output says which scope it is.
- Data goes to stdout, messages to stderr. `--json` prints one [envelope](json.md) instead.
- `--quiet` prints only the answer and errors; for a check (`diff`, `audit`, `doctor`, `sync --check`, `pack check`,
  `pack test`), the exit code is the answer. `--verbose` also prints why this scope was chosen, what was read, and from
  which source.
- [Exit codes](exit-codes.md) tell success, differences and each kind of failure apart.
- `--dry-run` shows what would change, and changes nothing.
- The options of every command (`--json`, `--quiet`, `--verbose`, `--no-color`, `--offline`, `--user`, `--project`,
  `--root`) may also come before the command: `agentpack --root ../weather status`.
- On a terminal, `audit`, `clients`, `diff`, `explain`, `history`, `search` and `show` open a long answer
  in a pager: `AGENTPACK_PAGER`, else `PAGER`, else `less`. An empty `AGENTPACK_PAGER` turns that off.
- Without a terminal, agentpack never asks: if it needs your decision, it exits with 3 and names the option to use.

`agentpack --install-completion` makes the shell complete commands, options and their values, and the names of packs,
variants, versions, clients, parameters, capabilities, rules and generations.

"""


def help_of(*words: str) -> str:
    """What `agentpack <words> --help` prints."""
    shown, before = io.StringIO(), dict(os.environ)
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}
    try:
        with redirect_stdout(shown):
            code = run([*words, "--help"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert code == 0, words
    return "\n".join(line.rstrip() for line in shown.getvalue().strip("\n").split("\n"))


def under(verb: str) -> str:
    """The commands below a verb that has such, each with its help."""
    command = typer.main.get_command(import_module(f"agentpack.cli.{verb}").app)
    names = list(getattr(command, "commands", ()))
    return "".join(f"\n### {verb} {name}\n\n```text\n{help_of(verb, name)}\n```\n" for name in names)


def page() -> str:
    """The text of the page."""
    rows = "".join(f"| [`{name}`](#{name}) | {does} |\n" for name, does in VERBS.items())
    parts = [f"## {name}\n\n```text\n{help_of(name)}\n```\n{under(name)}" for name in VERBS]
    return f"{_HEAD}| command | does |\n| --- | --- |\n{rows}\n" + "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
