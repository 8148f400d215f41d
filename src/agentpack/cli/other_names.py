"""What users of other tools type: the command or option of agentpack that it probably means."""

import os
from collections.abc import Iterable, Sequence

from agentpack.model.names import did_you_mean, is_kebab, is_version_word, nearest
from agentpack.sources.bundled import bundled_folder

_SETTINGS = "`agentpack install NAME --set PARAMETER=VALUE` sets a parameter; `agentpack show NAME` lists them"
_CONFLICTS = "`agentpack upgrade` shows each conflict, and settles it with `--on-conflict keep`, `theirs` or `edit`"
_UNMANAGE = "`agentpack uninstall NAME --keep-files` leaves the files of a pack where they are, unmanaged"
_OWN = "edit the installed file: `agentpack keep` makes your edits a local variant; `agentpack pack new` begins a pack"
_SHARE = "`agentpack pack build` writes an archive; push it, or the pack's folder with a git tag, and others install it"

COMMANDS = {
    "add": "install",
    "apply": "sync",
    "blame": "explain",
    "build": "pack build",
    "cat": "render",
    "changelog": "`agentpack show NAME --changes 1.0.0 2.0.0` prints what changed between two releases",
    "check": "sync --check",
    "ci": "sync --locked --check",
    "clean": "cache prune",
    "compare": "diff",
    "config": _SETTINGS,
    "create": "pack new",
    "delete": "uninstall",
    "download": "bundle",
    "edit": "edit the installed file itself: upgrades keep your edit, and `agentpack keep` makes it a local variant",
    "eject": _UNMANAGE,
    "find": "search",
    "fork": _OWN,
    "freeze": "lock",
    "get": "install",
    "import": "adopt",
    "info": "show",
    "init": "`agentpack install NAME` writes agentpack.yaml",
    "lint": "pack check",
    "list": "status",
    "log": "history",
    "ls": "status",
    "merge": _CONFLICTS,
    "model": _SETTINGS,
    "new": "pack new",
    "outdated": "upgrade --check",
    "parameters": "show",
    "params": "show",
    "pin": "`agentpack install NAME==VERSION` stays at a version",
    "plan": "upgrade --dry-run",
    "print": "render",
    "publish": _SHARE,
    "pull": "sync",
    "purge": "uninstall --all",
    "redo": "`agentpack rollback` after a rollback undoes it",
    "remove": "uninstall",
    "reset": "sync --discard-edits",
    "resolve": _CONFLICTS,
    "restore": "sync",
    "revert": "rollback",
    "rm": "uninstall",
    "set": _SETTINGS,
    "test": "pack test",
    "unadopt": _UNMANAGE,
    "undo": "rollback",
    "update": "upgrade",
    "validate": "pack check",
    "variants": "show",
    "verify": "sync --check",
    "version": "--version",
    "versions": "show",
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
_VERSION = '`agentpack install "NAME==1.2.0"` installs that version'
_FORCE = "`--discard-edits` replaces files that you edited; `--adopt` replaces files that agentpack did not write"
_REMOVE = "`--discard-edits` also deletes files that you edited; `--keep-files` leaves all files on disk"
_ONE_AGENT = "`agentpack install NAME --without AGENT` removes one agent of a pack"
_EVERYTHING = ("--all", "--everything")
_OF_ALL = ("diff", "lock", "status", "sync", "upgrade")
_OPTIONS = {
    "-g": "use `--user`",
    "--global": "use `--user`",
    **{f"{command} {name}": _FORCE for command in ("install", "sync", "upgrade") for name in ("-f", "--force")},
    **dict.fromkeys(("uninstall -f", "uninstall --force"), _REMOVE),
    **{f"{one} {all_}": f"`agentpack {one}` alone is about all packs" for one in _OF_ALL for all_ in _EVERYTHING},
    "--everything": "use `--all`",
    "render --only": "use `--persona`",
    "uninstall --only": _ONE_AGENT,
    "uninstall --without": _ONE_AGENT,
    "--set": _SETTINGS,
    "--unset": "`agentpack install NAME --unset PARAMETER` takes a parameter back to its default",
    **dict.fromkeys(("-t", "--target", "--agent"), "use `--client`"),
    "--stdout": "`agentpack render NAME` prints the text",
    "--purge": "`--discard-edits` also deletes edited files; `agentpack uninstall --all` says how to delete the rest",
    "--variant": _VARIANT,
    "--variants": _VARIANT,
    "--version": _VERSION,
    **dict.fromkeys(("install --to", "upgrade --to"), _VERSION),
    "--model": "`--set model=VALUE` chooses the model",
    "--outdated": "`agentpack upgrade --check` lists what is newer",
    "--undo": "`agentpack rollback` after a rollback undoes it",
    "--to": "`agentpack rollback N` goes to generation N; `agentpack history` lists them",
    **dict.fromkeys(("--find", "--grep", "--search"), '`agentpack explain "small fix"` finds rules by their words'),
}


def instead_of(group: str, word: str, arguments: str, known: list[str]) -> str | None:
    """A hint for a command that does not exist; None if nothing is near.

    Args:
        group: the command that it was typed after; empty for `agentpack` itself.
        arguments: what follows it, quoted for a shell.
    """
    meant = COMMANDS.get(f"{group} {word}".strip())
    if meant is None:
        if not group and is_kebab(word) and os.path.isdir(f"{bundled_folder()}/{word}"):
            return f"`agentpack install {word}` installs that pack; `agentpack show {word}` describes it"
        return did_you_mean(word, known)
    arguments = "" if meant in WITHOUT_ARGUMENTS else arguments
    return meant if "`" in meant else f"use `agentpack {meant} {arguments}".rstrip() + "`"


def instead_of_option(name: str, command: str, near: Iterable[str]) -> str | None:
    """A hint for an option that other tools or other commands have, perhaps misspelled; None for any other option.

    Args:
        near: options of the command that have a similar name.
    """
    found = _OPTIONS.get(f"{command} {name}") or _OPTIONS.get(name)
    if found is None and name.startswith("--"):
        ours = [one for one in near if one.startswith("--")]
        likely = nearest(name[2:], [one[2:] for one in (*ours, *_OPTIONS) if one.startswith("--")])
        found = _OPTIONS.get(f"--{likely[0]}") if likely and f"--{likely[0]}" not in ours else None
    return found


def unexpected(command: str, words: Sequence[str] = ()) -> str | None:
    """A hint for a command with too many arguments, or None; `words` are all arguments that were typed."""
    if command == "status":
        return (
            "`status` is about all packs; `agentpack diff NAME` shows the edits of one, `agentpack show NAME` the rest"
        )
    if command not in ("diff", "show"):
        return None
    versions = [word for word in words if is_version_word(word)]
    named = [word for word in words[1:] if word not in versions and not word.startswith("-")]
    name, first, last = (named[0], *versions) if (len(named), len(versions)) == (1, 2) else ("NAME", "1.0.0", "2.0.0")
    if command == "show":
        return f"`agentpack show {named[0]}=={versions[0]}` shows that release" if named and versions else None
    return (
        f"`agentpack diff --from {name}@{first} --to {name}@{last}` compares two releases; "
        f"`agentpack show {name} --changes {first} {last}` prints the changelog between them"
    )
