"""Read git repositories on other machines, with the git command as the user has set it up: credentials, ssh, proxies.

git works in a bare repository of our own in the cache, one for each address, and never in a folder of a source: there
its configuration could name programs to run. Nothing is checked out and no hook, submodule or filter runs. Commits and
trees are fetched by their object names, one commit deep; contents only as they are asked for, all of them at once. No
reference is kept and no name from outside reaches git's command line, so that a branch cannot pass for an option.
"""

import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from agentpack.disk.atomic import read_start, write_whole
from agentpack.disk.chown import make_folders
from agentpack.errors import Refused, Unavailable
from agentpack.input.file_names import MAX_FILE_BYTES
from agentpack.remote.access import Remote
from agentpack.remote.credentials import git_login
from agentpack.remote.git_failures import failure, gives_tips_only
from agentpack.remote.git_references import References, Tag, parse_references
from agentpack.remote.process import run

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Bytes of one answer of git: the names of all branches and tags, or of all files."""
MAX_CONTENT_BYTES = 128 * 1024 * 1024
"""Bytes of all files that one command reads from a repository."""
_BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of files that git is asked for at once, about."""
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, after which no calendar goes."""
FETCH_PATIENCE = 20
"""How many times the time-out a whole fetch may take."""
_WHOLE_HISTORY = 2_147_483_647
"""The depth that git takes for no limit."""
_EMPTY = {
    "HEAD": "ref: refs/heads/none\n",
    "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
}
"""The files of an empty repository."""
_NEUTRAL = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "gc.auto=0"),
    *("protocol.version=2", "fetch.negotiationAlgorithm=noop", "fetch.fsckObjects=true"),
    # which of these an address may name is decided where it is read
    *("protocol.allow=never", *(f"protocol.{name}.allow=always" for name in ("https", "ssh", "file"))),
    *("fetch.writeCommitGraph=false", "fetch.recurseSubmodules=false", "transfer.advertiseSID=false"),
    f"core.bigFileThreshold={MAX_FILE_BYTES}",  # larger ones are never held in memory
    *("fetch.fsck.zeroPaddedFilemode=ignore", "fetch.fsck.missingSpaceBeforeDate=ignore", "advice.detachedHead=false"),
)
"""Settings that hold whatever the user's say."""
_LOCATING: tuple[str, ...] = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
_LOCATING += ("GIT_NAMESPACE",)
_LOCATING += ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG_PARAMETERS", "GIT_SHALLOW_FILE", "GIT_QUARANTINE_PATH")
"""Variables that a git hook sets for its own repository."""


_TOLD = "references"  # the file of a mirror with the last answer
_TREE_ROW = re.compile(rb"(\d+) (\w+) ([0-9a-f]+)\t([^\0]*)\0")
_NAME_A_FOLDER = "name a folder: `subdirectory:`"


class TreeEntry(NamedTuple):
    """A file of a commit. The mode is git's: `100644`, `100755`, or `120000` for a link."""

    path: str
    mode: str
    object: str


def mirror_of(remote: Remote, source: str, address: str) -> "Mirror":
    """What is here of a repository: one value for each address, so that it is asked only once by a command."""
    return remote.once(f"git {address}", lambda: Mirror(remote, source, address))


class Mirror:
    """What is known here of one repository on another machine."""

    def __init__(self, remote: Remote, source: str, address: str, *, part: str = "") -> None:
        """`source` is the source's name, for messages; the address has been checked."""
        self._remote = remote
        self._source = source
        self._part = part
        self.address = address
        name = sha256(address.encode()).hexdigest()[:24]
        self.folder = f"{remote.folder}/git/{name}{part}.git"
        self._files: dict[tuple[str, str], Sequence[TreeEntry]] = {}
        self._bytes_read = 0
        self._told = b""  # of its branches and tags
        self._here: set[str] = set()
        """Objects known to be here."""

    # Questions to the other machine.

    @cached_property
    def references(self) -> References:
        """Its branches and tags as they are now, or as they were known last if `Remote.recalls` says so.

        Raises:
            Unavailable: it cannot be reached, or the network must not be used.
        """
        if self._remote.recalls and (known := self.last_references):
            return known
        self._go_online()
        words = ("ls-remote", "--quiet", "--", self.address, "HEAD", "refs/heads/*", "refs/tags/*")
        with self._remote.waiting(self._source), self._remote.progress(f"asking {self.address}"):
            self._told = self._git(*words, online=True, folder=os.devnull)
        self._keep_told()
        return parse_references(self._told.decode("utf-8", "surrogateescape"))

    @property
    def last_references(self) -> References | None:
        """Its branches and tags when it was last asked; None if nothing is known. Nothing is asked."""
        try:
            told = read_start(f"{self.folder}/{_TOLD}", MAX_ANSWER_BYTES) if self._is_there() else b""
        except (OSError, Unavailable):
            told = b""
        return parse_references(told.decode("utf-8", "surrogateescape")) if told else None

    @property
    def last_asked(self) -> float | None:
        """When it was last asked for its branches and tags, in seconds since 1970; None if that is not known."""
        try:
            return os.stat(f"{self.folder}/{_TOLD}").st_mtime if self._is_there() else None
        except OSError:
            return None

    def _keep_told(self) -> None:
        if self._told and self._is_there():
            with suppress(OSError):  # it only serves commands that look
                write_whole(f"{self.folder}/{_TOLD}", self._told)

    def bring(self, objects: Iterable[str]) -> None:
        """Fetch commits and tags with their trees, those that are not here yet, at once.

        Raises:
            Unavailable: it cannot be reached, or has not all of them.
        """
        if missing := self.missing(objects):
            self._fetch(missing, "--depth=1")

    def contents(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of files by object name. Those not here are fetched at once; those larger than a pack's file may
        be are left out.
        """
        wanted = [*dict.fromkeys(blobs)]
        if missing := self.missing(wanted):
            self._fetch(missing)
        return dict(self._read(wanted))

    def has_in_history(self, commit: str, tips: Collection[str]) -> bool:
        """Whether one of these commits is a commit or comes after it. Fetches the commits of their whole history,
        without their trees.

        A host that keeps all forks of a repository together (GitHub does) hands over the commits of each from every
        one of them.
        """
        return commit in tips or commit in self._history(tips)

    def commits_since(self, old: str, new: str) -> int:
        """How many commits lead to `new` and not to `old`. Fetches the commits of their history."""
        return len({*self._history([new])} - {*self._history([old])})

    def _history(self, tips: Collection[str]) -> Sequence[str]:
        history = Mirror(self._remote, self._source, self.address, part="-history")  # whose trees are not here
        if missing := history.missing(sorted(tips)):  # of a commit that is there, all before it are
            history._fetch(missing, f"--depth={_WHOLE_HISTORY}", what="tree:0")
        return history._git("rev-list", "--stdin", input=_lines(tips)).decode().split()

    # What was found out once.

    def has_noted(self, *words: str) -> bool:
        """Whether a command of this user noted these words here."""
        return self._is_there() and os.path.exists(self._note(words))

    def note(self, *words: str) -> None:
        """Keep words about what is here, as long as the mirror is kept."""
        try:
            make_folders(f"{self.folder}/notes", 0o700)
            write_whole(self._note(words), b"")
        except OSError as error:
            raise _unwritable(error, self.folder) from None

    def _note(self, words: Sequence[str]) -> str:
        return f"{self.folder}/notes/{sha256(chr(0).join(words).encode()).hexdigest()}"

    # Questions to the mirror.

    def missing(self, objects: Iterable[str]) -> list[str]:
        """Those of these objects that are not here, in their order."""
        unknown = [name for name in dict.fromkeys(objects) if name not in self._here]
        if not unknown or not self._is_there():
            return unknown
        answer = self._git("cat-file", "--batch-check=%(objectname)", input="\n".join(unknown) + "\n").decode()
        there = {line for line in answer.splitlines() if " " not in line}
        self._here |= there
        return [name for name in unknown if name not in there]

    def no_commits(self, objects: Sequence[str]) -> Collection[str]:
        """Those of these objects that are here and are files or folders: a tag may name anything."""
        answer = self._git("cat-file", "--batch-check=%(objectname) %(objecttype)", input=_lines(objects)).decode()
        rows = (line.split(" ") for line in answer.splitlines())
        return {name for name, kind in rows if kind not in ("commit", "missing")}

    def files(self, commit: str, folder: str, most: int) -> Sequence[TreeEntry]:
        """The files and links below a folder of a commit that is here, by path in the commit; `most` of them and no
        more. Submodules are passed over.
        """
        if (commit, folder) not in self._files:
            self._files[commit, folder] = [*islice(self._listed(commit, f"{folder}/" if folder else ""), most)]
        return self._files[commit, folder]

    def _listed(self, commit: str, prefix: str) -> Iterator[TreeEntry]:
        with suppress(OSError):
            os.utime(self.folder)  # `cache prune` goes by when it was used
        # trees are listed too (`-t`), so that many without a file soon fill the answer as well
        answer = self._git("ls-tree", "-r", "-t", "-z", "--full-tree", commit)
        for row in _TREE_ROW.finditer(answer):
            mode, kind, name, path = row.groups()
            if kind == b"blob" and path.startswith(prefix.encode()):
                yield TreeEntry(path.decode("utf-8", "surrogateescape"), mode.decode(), name.decode())

    def time(self, commit: str) -> int:
        """When a commit that is here was made, in seconds since 1970 (UTC)."""
        text = self._git("cat-file", "commit", commit).partition(b"\n\n")[0]
        line = next((line for line in text.split(b"\n") if line.startswith(b"committer ")), b"")
        fields = line.rsplit(b" ", 2)
        digits = fields[-2][:20] if len(fields) == 3 else b""
        return min(int(digits), _LAST_SECOND) if digits.isdigit() else 0

    def stamp(self, commit: str) -> str:
        """The same time as fourteen digits, date and clock time in UTC: `20261128101500`."""
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(self.time(commit)))

    def check_signature(self, tag: Tag) -> str | None:
        """Why a tag counts as unsigned, in git's words; None if a key that the user trusts signed it."""
        if tag.object == tag.commit:
            return "it has no signature"
        self.bring([tag.object])
        try:
            with self._aside() as folder:  # settings in the mirror could name a program to run
                self._git("verify-tag", tag.object, folder=folder)
        except Unavailable as error:
            return next(iter(error.details), "git does not accept its signature")
        return None

    def _read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        sizes = self._git("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", input=_lines(blobs))
        rows = [line.split() for line in sizes.decode().splitlines()]
        if any(row[1:] == ["missing"] for row in rows):
            message = f"{self.folder}, a mirror of {self.address}, is incomplete"
            raise Unavailable(message, hint="delete it")
        small = [(row[0], int(row[2])) for row in rows if len(row) == 3 and row[1] == "blob"]
        small = [(name, size) for name, size in small if size <= MAX_FILE_BYTES]
        self._bytes_read += sum(size for _, size in small)
        if self._bytes_read > MAX_CONTENT_BYTES:
            most = f"{MAX_CONTENT_BYTES // 1024 // 1024} MiB"
            raise Refused(f"{self.address} has more than {most} of packs and agents", hint=_NAME_A_FOLDER)
        batches, total = dict[int, list[str]](), 0
        for name, size in small:
            total += size
            batches.setdefault(total // _BATCH_BYTES, []).append(name)
        for names in batches.values():
            yield from self._batch(names)

    def _batch(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        at = 0
        answer = self._git("cat-file", "--batch", input=_lines(blobs))
        for name in blobs:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[2])
            yield name, answer[end + 1 : end + 1 + size]
            at = end + size + 2

    # How git is run.

    def _go_online(self) -> None:
        self._remote.go_online(self._source, self.address)

    def _is_there(self) -> bool:
        """Whether there is a mirror. Raises Unavailable if it belongs to others."""
        try:
            found = os.lstat(self.folder)
        except OSError:
            return False
        if found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022:
            raise Unavailable(
                f"{self.folder} may have been written by another user",
                hint="delete that folder; XDG_CACHE_HOME moves the cache",
            )
        return True

    def _make(self) -> None:
        """Make the mirror, unless it is there. Raises Unavailable if it cannot be written, or belongs to others."""
        if self._is_there():
            return
        fresh = f"{self.folder}.{os.urandom(4).hex()}.new"
        try:
            _make_repository(fresh)
            write_whole(f"{fresh}/address", self.address.encode())
            os.rename(fresh, self.folder)
        except OSError as error:
            if not os.path.isdir(self.folder):  # else another process was faster
                raise _unwritable(error, fresh) from None
        shutil.rmtree(fresh, ignore_errors=True)

    def _fetch(self, objects: Sequence[str], *options: str, what: str = "blob:none") -> None:
        self._go_online()
        if not self._part and not self._is_there():
            _ = self.references  # a wrong address leaves no mirror behind
        self._make()
        self._keep_told()
        try:
            self._ask_for(objects, f"--filter={what}", *options)
        except Unavailable as error:
            if not gives_tips_only(error):
                raise
            self._ask_for(sorted(self.references.every_tip))
            if self.missing(objects):
                raise
        self._here.update(objects)

    def _ask_for(self, objects: Sequence[str], *options: str) -> None:
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        progress = self._remote.progress(f"fetching from {self.address}")
        with self._remote.waiting(self._source), self._aside() as folder, progress:
            self._git(
                *(*words, *options, "--stdin", "--", self.address),
                input=_lines(objects),
                folder=folder,
                online=True,
                patience=FETCH_PATIENCE,
            )

    @contextmanager
    def _aside(self) -> Iterator[str]:
        """Context with a repository to fetch into, whose objects are those of the mirror.

        git marks it as a partial clone, and would then fetch whatever is missing, one by one and unasked; the mirror
        itself never is one. Any number of processes can fetch at once, and `cache prune` keeps the mirror then.
        """
        import fcntl  # not on Windows

        folder = f"{self.folder}/fetch-{os.urandom(6).hex()}"
        try:
            with open(f"{self.folder}/agentpack.lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                _make_repository(folder)
                yield folder
        except OSError as error:
            raise _unwritable(error, folder) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _git(self, *words: str, input: str = "", online: bool = False, folder: str = "", patience: int = 2) -> bytes:
        """Run git in the mirror and return what it prints.

        Args:
            online: whether it may open connections.
            folder: another repository than the mirror, with the mirror's objects.
            patience: how many times the time-out it may take.

        Raises:
            Unavailable: it fails, and says why in `details`; it takes too long; there is no git.
        """
        timeout = self._remote.timeout
        slow = (f"http.lowSpeedTime={max(1, round(timeout))}", "http.lowSpeedLimit=100")
        # `user`: the user's own settings may lead there, a redirect of the server may not
        plain = f"protocol.http.allow={'always' if self.address.startswith('http:') else 'user'}"
        settings = [part for one in (*_NEUTRAL, *slow, plain) for part in ("-c", one)]
        command = ["git", f"--git-dir={folder or self.folder}", *settings, *words]
        try:
            result = run(command, input.encode(), self._environment(online), patience * timeout, MAX_ANSWER_BYTES)
        except FileNotFoundError:
            raise Unavailable(
                f"the source `{self._source}` is a git repository, but `git` is not installed", hint="install git"
            ) from None
        if result.code == 0 and not result.is_cut:
            return result.output
        raise failure(result, self._source, self.address, MAX_ANSWER_BYTES, unread="" if online else self.folder)

    def _environment(self, online: bool) -> Mapping[str, str]:
        passed = {*self._remote.variables} - {*_LOCATING, "GIT_ALLOW_PROTOCOL"}
        variables = {name: self._remote.variables[name] for name in sorted(passed)}
        variables |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GCM_INTERACTIVE": "never"}
        if online and (url := re.match(r"(https?)://([^/]+)/", self.address, re.IGNORECASE)):
            variables |= git_login(self._source, url[1], url[2], variables)
        variables["GIT_OBJECT_DIRECTORY"] = f"{self.folder}/objects"
        variables |= {"GIT_PROTOCOL_FROM_USER": "1"} if online else {"GIT_ALLOW_PROTOCOL": "none"}
        if not {"GIT_SSH", "GIT_SSH_COMMAND"} & variables.keys():
            # `core.sshCommand` of the user's own configuration would be hidden by the variable
            variables["GIT_SSH_VARIANT"] = "ssh"
        if "SSH_ASKPASS_REQUIRE" not in variables:  # else somebody means their program; without it, a window would ask
            variables.pop("SSH_ASKPASS", None)
            variables["SSH_ASKPASS_REQUIRE"] = "never"
        return variables


def _make_repository(folder: str) -> None:
    """An empty bare repository, as `git init` would leave it, without hooks and samples. Raises OSError."""
    for part in ("objects", "refs"):
        make_folders(f"{folder}/{part}", 0o700)
    for name, text in _EMPTY.items():
        write_whole(f"{folder}/{name}", text.encode())


def _unwritable(error: OSError, folder: str) -> Unavailable:
    return Unavailable(
        f"cannot write to the cache: {error.filename or folder}: {error.strerror}",
        hint="set XDG_CACHE_HOME to another folder",
    )


def _lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)
