"""doctor: check this installation and this scope.

Decides what is checked and what each finding means: `ok`, `warning` (works, but should be known) or `problem` (a
command will fail, or stored data is lost). Changes nothing, not even an interrupted transaction or a cache.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import platformdirs

from agentpack import __version__
from agentpack.apply import left_behind
from agentpack.disk.atomic import read_start
from agentpack.disk.real_paths import real_path
from agentpack.disk.version_control import run_git
from agentpack.environment import cache_folder, policy_files
from agentpack.errors import AgentpackError, Unavailable
from agentpack.fetch import missing_words
from agentpack.model.changes import file_state
from agentpack.model.history import Generation
from agentpack.model.names import Digest, PackName, content_digest
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.sources.bundled import bundled_folder, bundled_source
from agentpack.store import layout
from agentpack.store.journal import decided
from agentpack.store.process_lock import is_locked
from agentpack.workspace.workspace import Workspace

LIBRARIES = ("typer", "rich", "pyyaml", "pydantic", "platformdirs", "packaging", "merge3", "httpx2")
_MOST_NAMED = 10
_OURS = b"agentpack.__main__"
_LEFT = re.compile(r"\..*\.agentpack-[0-9a-f]+-[0-9]+\Z")


class Diagnosis(NamedTuple):
    """The result of one check. `hint` says what to do."""

    level: str
    what: str
    text: str
    hint: str = ""


def doctor(workspace: Workspace) -> tuple[Diagnosis, ...]:
    """All checks, the installation first."""
    workspace.cache.folder = workspace.cache.shipped = None  # every file is read itself
    installation: tuple[Callable[[], Iterator[Diagnosis]], ...] = (_python, _libraries, _bundled, _path)
    scope: tuple[Callable[[Workspace], Iterator[Diagnosis]], ...] = (
        _folders,
        _lock_of_processes,
        _journal,
        _manifest,
        _policy,
        _locked,
        _variants,
        _history,
        _unmerged,
        _left_over,
        _links,
        _git,
    )
    return tuple(
        finding
        for check in (*installation, *((lambda one=one: one(workspace)) for one in scope))
        for finding in _guarded(check)
    )


def _guarded(check: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    """The results of a check; an error during it is a result too."""
    try:
        yield from check()
    except AgentpackError as error:
        yield Diagnosis("problem", "scope", "; ".join(error.lines), error.hint or "")
    except (OSError, ValueError) as error:
        yield Diagnosis("problem", "scope", str(error))


# The installation.


def _python() -> Iterator[Diagnosis]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis("ok", "python", f"{version}, {sys.executable}")
    place = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield Diagnosis("ok", "agentpack", f"{__version__}, running from {place}")


def _libraries() -> Iterator[Diagnosis]:
    from importlib.metadata import PackageNotFoundError, version

    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Diagnosis("problem", "libraries", f"missing: {', '.join(missing)}", "install agentpack-manager again")
    yield Diagnosis("ok", "libraries", ", ".join(found))


def _bundled() -> Iterator[Diagnosis]:
    folder, source = bundled_folder(), bundled_source()
    if folder is None or source is None or not source.packs():
        yield Diagnosis("problem", "bundled", "the packs that come with agentpack are missing", "install it again")
        return
    pinned: dict[str, dict[str, str]] = {}
    if os.path.isfile(f"{folder}/digests.json"):
        with open(f"{folder}/digests.json", encoding="utf-8") as file:
            pinned = json.load(file)
    releases = [ref for name in sorted(source.packs()) for ref in source.releases(PackName(name))]
    for ref in releases:
        expected = pinned.get(ref.pack, {}).get(str(ref.version))
        if expected is not None and content_digest(source.read(ref).items()) != expected:
            text = f"{ref.pack} {ref.version} differs from what was released: {ref.place}"
            yield Diagnosis("problem", "bundled", text, "install agentpack again")
    there = {(ref.pack, str(ref.version)) for ref in releases}
    for pack, versions in pinned.items():
        for version in versions:
            if (pack, version) not in there:
                yield Diagnosis("problem", "bundled", f"{pack} {version} is missing", "install agentpack again")
    checked = "digests match" if pinned else "no digests to check against"
    yield Diagnosis("ok", "bundled", f"{len(releases)} releases in {folder}, {checked}")


def _path() -> Iterator[Diagnosis]:
    """Whether `agentpack` on PATH is this program: the Python index has another one with that name."""
    ours = {real_path(f"{os.path.dirname(sys.executable)}/agentpack"), real_path(sys.argv[0])}
    first = shutil.which("agentpack")
    if first is None:
        yield Diagnosis("warning", "path", "`agentpack` is not on PATH", "add the folder it is installed in")
    elif real_path(first) in ours:
        yield Diagnosis("ok", "path", f"`agentpack` is {first}")
    elif _is_ours(first):
        yield Diagnosis("warning", "path", f"`agentpack` is another installation: {first}", "remove one of the two")
    else:
        hint = "`agentpack` on the Python package index is another project: uninstall it, or put this one first on PATH"
        yield Diagnosis("problem", "path", f"`agentpack` is another program: {first}", hint)


def _is_ours(path: str) -> bool:
    try:
        return _OURS in read_start(path, 4096)
    except OSError:
        return False


# The folders and the state of the scope.


def _folders(workspace: Workspace) -> Iterator[Diagnosis]:
    config = platformdirs.user_config_dir("agentpack", appauthor=False)
    places = {"config": config, "state": workspace.scope.roots[layout.STATE], "cache": cache_folder()}
    for what, folder in places.items():
        there = folder
        if what == "state" and layout.check_owner(workspace.disk) != "ours":
            there = os.path.dirname(folder)  # counts as absent
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        missing = " (does not exist yet)" if there != folder else ""
        if not os.path.isdir(there):
            yield Diagnosis("problem", what, f"{there} is not a folder", "move it elsewhere")
            continue
        found = os.stat(there)
        if not os.access(there, os.W_OK | os.X_OK):
            yield Diagnosis(
                "problem",
                what,
                f"{folder}{missing} cannot be written",
                f"check the permissions of {there}",
            )
        elif there == folder and found.st_uid != os.geteuid():
            yield Diagnosis(
                "warning", what, f"{folder} belongs to another user", f"take ownership with `chown`: {folder}"
            )
        elif there == folder and found.st_mode & 0o002:
            yield Diagnosis("warning", what, f"every user can write to {folder}", f"chmod o-w {folder}")
        else:
            yield Diagnosis("ok", what, folder + missing)


def _lock_of_processes(workspace: Workspace) -> Iterator[Diagnosis]:
    if is_locked(workspace.disk):
        holder = (workspace.disk.read(layout.LOCK) or b"").decode("ascii", "replace").strip()
        text = f"process {holder if holder.isdigit() else 'unknown'} is changing files here"
        yield Diagnosis("warning", "lock", text, "wait for it to finish; the lock is released when the process ends")
    else:
        yield Diagnosis("ok", "lock", "no process is changing files here")


def _journal(workspace: Workspace) -> Iterator[Diagnosis]:
    workspace.consistency.recovery_checked = True
    journal, is_decided = None, False
    if not is_locked(workspace.disk):
        journal, is_decided = left_behind(workspace.disk, workspace.store, workspace.managed)
    if journal is None:
        yield Diagnosis("ok", "journal", "no change was interrupted")
    elif is_decided:
        paths = [workspace.disk.absolute(row.path) for row in journal.rows]
        more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        text = f"a change was interrupted (generation {journal.number}): {', '.join(paths[:_MOST_NAMED])}{more}"
        yield Diagnosis("warning", "journal", text, "`agentpack status` finishes it")
    else:
        text = "a change was interrupted before any file was changed"
        yield Diagnosis("warning", "journal", text, "`agentpack status` removes its temporary files")


def _manifest(workspace: Workspace) -> Iterator[Diagnosis]:
    path = workspace.scope.absolute(workspace.scope.manifest)
    if workspace.documents.manifest_bytes is None:
        yield Diagnosis("ok", "manifest", f"none: {path}")
        return
    found = list(_readable("manifest", path, lambda: workspace.manifest))
    yield from found
    if found[0].level != "ok":
        return
    for source in workspace.manifest.sources:
        opened = workspace.sources.one(source)
        if opened.is_missing:
            yield Diagnosis("problem", "source", missing_words(opened), "see `sources:` in the manifest")


def _policy(workspace: Workspace) -> Iterator[Diagnosis]:
    """The policies besides the manifest's, and whether they allow what is locked."""
    files = policy_files(workspace.environment)
    if files:
        from agentpack.policy.refusal import read_readable_policies

        _, problems = read_readable_policies(files)
        for problem in problems:
            yield Diagnosis("problem", "policy", problem, "nothing can be installed or changed until it can be read")
        if problems:
            return
    if not _manifest_reads(workspace):
        return
    found = workspace.policies.strictest.files
    yield Diagnosis("ok", "policy", ", ".join(found) or "no policy is set")


def _locked(workspace: Workspace) -> Iterator[Diagnosis]:
    path = workspace.scope.absolute(workspace.scope.lock)
    if workspace.documents.lock_bytes is None:
        packs = _manifest_reads(workspace) and bool(workspace.manifest.packs)
        yield Diagnosis(
            "warning" if packs else "ok", "agentpack.lock", f"none: {path}", "`agentpack sync`" if packs else ""
        )
        return
    found = list(_readable("agentpack.lock", path, lambda: workspace.lock))
    yield from found
    if found[0].level != "ok" or workspace.lock is None or not _manifest_reads(workspace):
        return
    if workspace.documents.lock_sides:
        yield Diagnosis("warning", "agentpack.lock", "has an unresolved merge", "`agentpack lock` merges the two sides")
        return
    from agentpack.wanted.from_lock import stale_reasons  # brings the resolver along

    for reason in stale_reasons(workspace, workspace.lock):
        yield Diagnosis("warning", "agentpack.lock", reason, "`agentpack sync` brings it up to date")


def _manifest_reads(workspace: Workspace) -> bool:
    return all(finding.level == "ok" for finding in _readable("manifest", "", lambda: workspace.manifest))


def _readable(what: str, path: str, read: Callable[[], object]) -> Iterator[Diagnosis]:
    try:
        read()
    except AgentpackError as error:
        for line in error.details or (error.message,):
            yield Diagnosis("problem", what, line, error.hint or "correct the file")
    else:
        yield Diagnosis("ok", what, path)


def _variants(workspace: Workspace) -> Iterator[Diagnosis]:
    """Local variants that no requirement names, often a typo."""
    texts = workspace.documents.local_texts
    used = {
        (v.persona, v.name) for pack in (workspace.lock.packs if workspace.lock else ()) for v in pack.local_variants
    }
    for text in texts:
        if (text.persona, text.name) not in used:
            path = workspace.scope.absolute(text.path)
            yield Diagnosis(
                "warning",
                "variants",
                f"{path} is not in use",
                f"to use it, write `pack[{text.name}]` in agentpack.yaml",
            )
    if texts:
        yield Diagnosis("ok", "variants", f"{len(texts)} local, {len(used)} in use")


def _unmerged(workspace: Workspace) -> Iterator[Diagnosis]:
    """Files with unresolved merges."""
    for path, file in sorted(workspace.states.recorded.items()):
        edited = file_state(file.rendered, None, workspace.places.look(path)) == "edited"
        if edited and (line := unmerged_line(workspace.states.contents(path))):
            yield Diagnosis("problem", "files", f"{workspace.scope.absolute(path)}:{line}: {MARKERS}", HINT)
    for text in workspace.documents.local_texts:
        if line := unmerged_line(text.data):
            yield Diagnosis("problem", "variants", f"{workspace.scope.absolute(text.path)}:{line}: {MARKERS}", HINT)


# The history.


def _history(workspace: Workspace) -> Iterator[Diagnosis]:
    generations, lost = workspace.store.generations, 0
    numbers = generations.numbers()
    checked: set[str] = set()
    if generations.current() not in (0, *numbers):
        lost += 1
        yield Diagnosis(
            "problem",
            "history",
            f"the record of generation {generations.current()} is missing",
            "restore it from a backup",
        )
    for number in numbers:
        try:
            found = generations.read(number)
        except AgentpackError as error:
            lost += 1
            yield Diagnosis("problem", "history", error.message, error.hint or "")
            continue
        for path, digest, needed in _contents(found):
            if digest in checked:
                continue
            checked.add(digest)
            fault = _fault(workspace, digest)
            if fault is not None:
                lost += 1
                text = f"generation {number}: what was at {path} {fault}"
                hint = "you cannot roll back to it" if needed else "it will be rendered again when needed"
                yield Diagnosis("problem" if needed else "warning", "history", text, hint)
    if not lost:
        yield Diagnosis("ok", "history", f"{_count(len(numbers), 'generation')}, {_count(len(checked), 'content')}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _contents(found: Generation) -> Iterator[tuple[str, Digest, bool]]:
    """Path and digest of every content of a generation, and whether a rollback needs it."""
    for file in found.files:
        yield file.path, file.written, True
    for document in found.documents:
        yield document.path, document.written, True
    for path, digest, _ in found.replaced:
        yield path, digest, True
    for file in found.files:
        yield file.path, file.rendered, False


def _fault(workspace: Workspace, digest: Digest) -> str | None:
    try:
        if not workspace.store.blobs.has(digest):
            return "is not kept"
        workspace.store.blobs.get(digest)
    except Unavailable:
        return "cannot be read"
    except AgentpackError:
        return "is damaged"
    return None


# Agent folders.


def _agent_folders(workspace: Workspace) -> list[str]:
    kind, variables = workspace.scope.kind, workspace.environment.variables
    folders = (target.folder(kind, variables) for target in workspace.clients.values())
    return sorted({folder for folder in folders if folder})


def _left_over(workspace: Workspace) -> Iterator[Diagnosis]:
    documents = (workspace.scope.manifest, workspace.scope.lock)
    folders = {
        *_agent_folders(workspace),
        *(path.rpartition("/")[0] for path in (*documents, *workspace.states.recorded)),
    }
    found = 0
    for folder in sorted(folders):
        try:
            names = workspace.disk.entries(folder)
        except AgentpackError:
            continue  # a link in the way is told by its own check
        for name in names:
            if _LEFT.match(name) and decided(workspace.disk) is None and not is_locked(workspace.disk):
                found += 1
                path = workspace.scope.absolute(f"{folder}/{name}" if folder else name)
                yield Diagnosis("warning", "left over", path, "an interrupted change left it: delete it")
    if not found:
        yield Diagnosis("ok", "left over", "no temporary files")


def _links(workspace: Workspace) -> Iterator[Diagnosis]:
    found = 0
    for path in (*_agent_folders(workspace), *workspace.states.recorded):
        try:
            seen = workspace.disk.look(path)
            workspace.disk.entries(path) if seen is None or seen.kind != "file" else None
        except AgentpackError as error:
            found += 1
            yield Diagnosis("problem", "links", "; ".join(error.lines), error.hint or "")
            continue
        if path in workspace.states.recorded and seen is not None and seen.kind != "file":
            found += 1
            text = f"{workspace.scope.absolute(path)} is a {seen.kind}"
            yield Diagnosis("problem", "links", text, "replace it with a file; agentpack does not write through it")
    if not found:
        yield Diagnosis("ok", "links", "nothing in the way of agent files")


_GIT_SECONDS = 4
"""Git hangs if a `.gitignore` is a pipe."""


def _git(workspace: Workspace) -> Iterator[Diagnosis]:
    root = workspace.scope.root
    if workspace.scope.kind != "project" or not os.path.exists(f"{root}/.git") or shutil.which("git") is None:
        return

    def ask(*words: str) -> list[str]:
        found = run_git(root, workspace.environment.variables, *words, seconds=_GIT_SECONDS)
        return os.fsdecode(found or b"").splitlines()

    tracked = ask("ls-files", "--", ".agentpack/state")
    if tracked:
        hint = "git rm -r --cached .agentpack/state"
        yield Diagnosis("warning", "git", ".agentpack/state is tracked by git, but belongs to one machine", hint)
    elif workspace.disk.stamp(layout.CURRENT) is not None and workspace.disk.read(layout.IGNORE) != b"*\n":
        hint = f"write `*` into {workspace.scope.absolute(layout.IGNORE)}"
        yield Diagnosis("warning", "git", ".agentpack/state no longer ignores itself", hint)
    else:
        yield Diagnosis("ok", "git", ".agentpack/state is ignored")
    shared = [workspace.scope.manifest, workspace.scope.lock, workspace.scope.local_variants]
    shared += sorted(row.path for row in workspace.clients.declarations.values())
    for path in ask("check-ignore", "--", *shared):
        text = f"{path} is ignored: a clone would not have it"
        yield Diagnosis("warning", "git", text, f"do not ignore it: `git check-ignore -v {path}` shows the line")
