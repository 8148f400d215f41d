"""The fast path: calls that are answered without loading the command-line library.

`--version`; a clean `diff` or `sync --check`, `--locked`, `--frozen`; the name of a bundled pack for the shell's
completion; and the plainest calls of `install`, `upgrade` and `sync`, which `cli/quick_args.py` reads. Each hands over
to the full program (None) at the slightest doubt: an option it does not know, a missing record, an interrupted change,
local variants, declared clients, anything that differs, and for `sync` a policy. A test holds the answers against the
full program's.
"""

import os
import sys

from agentpack.version import version_text

TYPE_CHECKING = False
if TYPE_CHECKING:  # these take longer to load than an answer takes
    from collections.abc import Mapping, Sequence
    from typing import Any

    from agentpack.environment import Environment, Scope

CLEAN = {
    ("diff",): "nothing differs",
    ("sync", "--check"): "nothing differs",
    ("sync", "--locked"): "nothing to change",
    ("sync", "--frozen"): "nothing to change",
}
_MOST = 64 * 1024 * 1024
_MOST_VALUES = 1_000_000
# What files that others wrote can bring about here. The full program looks closer, and says what is wrong.
_DOUBTS = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def answer(arguments: "Sequence[str]") -> int | None:
    """The exit code if the command was answered here, else None."""
    if "_AGENTPACK_COMPLETE" in os.environ:
        return _say(sys.stdout, completion(os.environ))
    if list(arguments) in (["--version"], ["-V"]):
        return _say(sys.stdout, version_text())
    words = CLEAN.get(tuple(arguments))
    if words is None and arguments and arguments[0] in ("install", "upgrade", "sync"):
        from agentpack.cli.quick_args import run

        return run(arguments)
    if words is None:
        return None
    scope = clean_scope(judging=arguments[0] == "sync", reading=arguments[-1] in ("--locked", "--frozen"))
    if scope is not None and not (scope.isprintable() and scope.isascii() and "##" not in scope):
        return None  # shown escaped
    return None if scope is None else _say(sys.stderr, f"{scope}\n{words}\n")


def _say(stream: "Any", text: str | None) -> int | None:
    if text is None:
        return None
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:  # words that nobody reads are no fault, data that nobody takes is for the full program
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            return None
    return 0


# A clean check.


def clean_scope(*, judging: bool = False, reading: bool = False) -> str | None:
    """The line that names the scope, if everything is as the last generation left it and as the lock wants it. None in
    any doubt, with `judging` if there is a policy, and with `reading` if a locked release can change where it is.
    """
    scope = _scope()
    if scope is None or (judging and _has_policy(scope)):
        return None
    state = scope.roots["$state"]
    if not _plain(state) or not _is_known(scope, state):
        return None
    if os.path.lexists(f"{state}/journal") or os.path.lexists(f"{state}/journal.new"):
        return None
    if any(os.path.isdir(scope.absolute(folder)) for folder in (scope.local_variants, scope.declared_clients)):
        return None
    try:
        began = os.stat(f"{state}/current").st_ctime_ns
        record = _record(scope)
        if not record["files"]:
            return None  # nothing is installed, and that is said
        if {row[0] for row in record["documents"]} != {scope.manifest, scope.lock}:
            return None
        for path, written, _mode in record["documents"]:
            if not _holds(scope.absolute(path), written):
                return None
        if any(scope.roots.get(root) != folder for root, folder in record.get("roots", {}).items() if "@" not in root):
            return None  # a variable led elsewhere then
        folders = {path.rpartition("/")[0] for path, *_ in record["files"]}
        if not all(os.path.realpath(place := scope.absolute(folder)) == place for folder in folders):
            return None  # links in the way are the full program's to judge
        lock = _json(scope.absolute(scope.lock))
        if "written" in lock:
            return None  # what is wanted is not written yet
        if "declared" in lock or any(pack["local_variants"] for pack in lock["packs"]):
            return None  # and their folder is not there any more
        if reading and not all(map(_is_fixed, lock["packs"])):
            return None  # its bytes are compared with the lock
        locked = {file["path"]: f"sha256:{file['sha256']}" for file in lock["files"]}
        for path, _client, _pack, _persona, rendered, written, _mode in record["files"]:
            if not locked.pop(path, "") == rendered == written or not _holds(scope.absolute(path), written):
                return None
        if locked:
            return None
        if os.path.lexists(f"{state}/journal") or os.stat(f"{state}/current").st_ctime_ns != began:
            return None  # another process changed files meanwhile
    except _DOUBTS:
        return None
    return scope.line(_environment().home)


def _is_fixed(pack: "Mapping[str, Any]") -> bool:
    """Whether a locked pack is a collection, whose version is its content, or a bundled release as the lock has it."""
    if "agents" in pack:
        return True
    bundled = _json(f"{_packs_folder()}/digests.json")
    return bool(pack["source"] == "bundled" and bundled[pack["name"]][pack["version"]] == pack["digest"])


def _plain(state: str) -> bool:
    """Whether the state folder is not behind links, and nobody else could have written it."""
    try:
        found, real = os.stat(state), os.path.realpath(state)
    except OSError:  # also of a link that goes while it is followed
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o002 and real == state


def _is_known(scope: "Scope", state: str) -> bool:
    """Whether this user made the state: the user's own folder has the id of a project's state
    (`disk/known_states.py`).
    """
    if scope.kind == "user":
        return True
    from agentpack.environment import platform_folder

    try:
        name = _read(f"{state}/id").decode().strip()
        own = platform_folder("state")
        known = f"{own}/projects"
        if not _plain(own) or not _plain(known):
            return False
        return len(name) == 32 and _LETTERS.issuperset(name) and os.path.isfile(f"{known}/{name}")
    except (OSError, ValueError):
        return False


def _environment() -> "Environment":
    from agentpack.environment import Environment

    return Environment.current()


def _scope() -> "Scope | None":
    from agentpack.environment import find_scope
    from agentpack.errors import AgentpackError

    try:
        scope = find_scope(_environment())
    except (AgentpackError, OSError):
        return None
    return None if scope.remark else scope


def _has_policy(scope: "Scope") -> bool:
    from agentpack.environment import Environment, policy_files

    try:
        text = _read(scope.absolute(scope.manifest))
    except OSError:
        return True
    # an escaped key may say `policy` too
    return b"policy" in text or b"\\" in text or bool(policy_files(Environment.current()))


def _record(scope: "Scope") -> "Any":
    """The record of the current generation. Raises OSError or ValueError if it cannot be read."""
    state = scope.roots["$state"]
    number = int(_read(f"{state}/current"))
    record = _json(f"{state}/generations/{number:06}.json")
    if record["schema"] != 1:
        raise ValueError
    return record


def _json(path: str) -> "Any":
    import json

    text = _read(path)
    if text.count(b"[") + text.count(b"{") + text.count(b",") > _MOST_VALUES:
        raise ValueError("too many values")
    return json.loads(text)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(descriptor).st_size > _MOST:
            raise ValueError("too large")
        parts, left = [], _MOST
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise ValueError("too large")
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(descriptor)


def _holds(path: str, digest: str) -> bool:
    from hashlib import sha256

    return "sha256:" + sha256(_read(path)).hexdigest() == digest


# Completion of the name of a bundled pack.


def completion(variables: "Mapping[str, str]") -> str | None:
    """The shell completions for the beginning of a pack name after `install`; None in any doubt."""
    words = _typed(variables)
    if words is None or len(words) < 2 or words[0] != "install":
        return None
    if not all(_LETTERS.issuperset(word) and not word.startswith("-") for word in words):
        return None
    scope = _scope()
    names = _bundled_names() if scope is not None and _has_no_sources(scope) else None
    if names is None:
        return None
    found = [name for name in sorted(names) if name.startswith(words[-1])]
    if variables["_AGENTPACK_COMPLETE"] == "complete_zsh":
        rows = "\n".join(f'"{name}"' for name in found)
        return f"_arguments '*: :(({rows}))'\n" if found else "_files\n"
    return "\n".join(found) + "\n"


def _typed(variables: "Mapping[str, str]") -> list[str] | None:
    """The words from the program's name to the cursor, the last perhaps empty; None if the shell does not say."""
    shell = variables["_AGENTPACK_COMPLETE"]
    try:
        if shell == "complete_bash":
            words, at = variables["COMP_WORDS"].split(), int(variables["COMP_CWORD"])
            return [*words[1:at], words[at] if at < len(words) else ""] if at > 0 else None
        if shell == "complete_zsh":
            text = variables["_TYPER_COMPLETE_ARGS"]
            return [*text.split()[1:], *([""] if text.endswith(" ") else [])]
    except (KeyError, ValueError):
        pass
    return None


def _has_no_sources(scope: "Scope") -> bool:
    """Whether only the bundled packs are available: there is no manifest, or the one the last generation left has no
    sources.
    """
    try:
        text = _read(scope.absolute(scope.manifest))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    if b"sources" in text or b"\\" in text:
        return False
    try:
        rows = _record(scope)["documents"] if _is_known(scope, scope.roots["$state"]) else ()
        return any(path == scope.manifest and _holds(scope.absolute(path), written) for path, written, _ in rows)
    except _DOUBTS:
        return False


def _packs_folder() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    folder = f"{here}/_packs"
    return folder if os.path.isdir(folder) else f"{os.path.dirname(os.path.dirname(here))}/packs"


def _bundled_names() -> list[str] | None:
    """The names of the bundled packs; None unless their folder has the layout `<name>/<version>/pack.yaml`."""
    folder = _packs_folder()
    names = []
    try:
        for name in os.listdir(folder):
            if name.startswith(".") or name.endswith(".json"):
                continue
            versions = os.listdir(f"{folder}/{name}")
            plain = _LETTERS.issuperset(name) and all(version.replace(".", "").isdigit() for version in versions)
            if not plain or not versions or name.strip("-") != name or "--" in name or name == "agents":
                return None
            names.append(name)
    except OSError:
        return None
    return names
