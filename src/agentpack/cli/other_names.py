"""What users of other tools type: the command or option of agentpack that it probably means."""

from agentpack.model.names import did_you_mean

_SETTINGS = "`agentpack install NAME --set PARAMETER=VALUE` sets a parameter; `agentpack show NAME` lists them"
_SHARE = "`agentpack pack build` writes an archive; push it, or the pack's folder with a git tag, and others install it"

COMMANDS = {
    "add": "install",
    "apply": "sync",
    "build": "pack build",
    "cat": "render",
    "check": "sync --check",
    "config": _SETTINGS,
    "create": "pack new",
    "delete": "uninstall",
    "download": "bundle",
    "edit": "edit the installed file itself: upgrades keep your edit, and `agentpack keep` makes it a local variant",
    "find": "search",
    "freeze": "lock",
    "import": "adopt",
    "info": "show",
    "init": "`agentpack install NAME` writes agentpack.yaml",
    "lint": "pack check",
    "list": "status",
    "log": "history",
    "ls": "status",
    "model": _SETTINGS,
    "new": "pack new",
    "outdated": "upgrade --check",
    "pin": "`agentpack install NAME==VERSION` stays at a version",
    "plan": "upgrade --dry-run",
    "print": "render",
    "publish": _SHARE,
    "pull": "sync",
    "redo": "`agentpack rollback` after a rollback undoes it",
    "remove": "uninstall",
    "restore": "sync",
    "rm": "uninstall",
    "set": _SETTINGS,
    "test": "pack test",
    "undo": "rollback",
    "update": "upgrade",
    "validate": "pack check",
    "variants": "show",
    "verify": "sync --check",
    "version": "--version",
    "view": "show",
    "why": "explain",
    "pack create": "pack new",
    "pack init": "pack new",
    "pack lint": "pack check",
    "pack publish": _SHARE,
    "pack validate": "pack check",
    "source delete": "source remove",
    "source ls": "source list",
    "source rm": "source remove",
    "cache clean": "cache prune",
    "cache clear": "cache prune",
    "cache ls": "cache list",
}
"""Commands, and what to use instead: a command of ours, or a sentence."""
WITHOUT_ARGUMENTS = ("--version", "lock", "status")
"""Those of ours that take no arguments."""

_VARIANT = 'a variant goes in brackets: `agentpack install "NAME[VARIANT]"`'
_OPTIONS = {
    "-g": "use `--user`",
    "--global": "use `--user`",
    "-f": "use `--discard-edits`",
    "--force": "use `--discard-edits`",
    "--variant": _VARIANT,
    "--variants": _VARIANT,
}


def instead_of(group: str, word: str, arguments: str, known: list[str]) -> str | None:
    """A hint for a command that does not exist; None if nothing is near.

    Args:
        group: the command that it was typed after; empty for `agentpack` itself.
        arguments: what follows it, quoted for a shell.
    """
    meant = COMMANDS.get(f"{group} {word}".strip())
    if meant is None:
        return did_you_mean(word, known)
    arguments = "" if meant in WITHOUT_ARGUMENTS else arguments
    return meant if "`" in meant else f"use `agentpack {meant} {arguments}".rstrip() + "`"


def instead_of_option(name: str) -> str | None:
    """A hint for an option that does not exist, if another tool has it."""
    return _OPTIONS.get(name)


_UNEXPECTED = {
    "status": "`status` is about all packs; `agentpack diff NAME` shows the edits of one, `agentpack show NAME` the "
    "rest",
    "diff": "to compare two releases, write `agentpack diff --from NAME@1.0.0 --to NAME@2.0.0`; "
    "`agentpack show NAME --changes 1.0.0 2.0.0` prints the changelog between them",
}


def unexpected(command: str) -> str | None:
    """A hint for a command that got more arguments than it takes."""
    return _UNEXPECTED.get(command)
