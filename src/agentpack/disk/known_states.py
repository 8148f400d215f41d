"""Which state folders of projects this user made.

A project's state decides what the next command writes, deletes and trusts, and a clone can bring any state along. So
each state has a random id, and the user's own state folder has a file with that name. A state without such a file (from
a clone, a CI cache, another user) counts as absent. The id does not depend on the path: a project may be moved and
copied.
"""

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from agentpack.disk import Disk, StateOwner
from agentpack.disk.folders import OPEN_FOLDER, is_denied
from agentpack.disk.observe import OPEN_FILE
from agentpack.disk.real_paths import is_below, real_path
from agentpack.errors import AgentpackError, Unavailable

PROJECTS = "projects"
"""The folder of ids in the user's state folder."""
_FOLDER = f"$state/{PROJECTS}"
_ID = re.compile(rb"[0-9a-f]{32}\n?\Z")
_BARE = frozenset((".gitignore", ".gitignore.new", "lock", "id", "generations", "blobs"))
_PATIENCE = 10.0


class KnownStates:
    """The ids in this user's own state folder."""

    def __init__(self, user: Disk) -> None:
        """`user` has the roots of the user scope."""
        self._disk = user
        self._new: set[str] = set()
        self.moved_to = ""
        """Where a foreign state folder was moved."""

    @property
    def folder(self) -> str:
        """The absolute path of the folder with the ids."""
        return self._disk.absolute(_FOLDER)

    def file_of(self, state: str) -> str:
        """The absolute path of the file with the id of a state folder; empty if there is none."""
        name = _id_of(state)
        return f"{self.folder}/{name}" if name and self._has(name) else ""

    def maker_of(self, state: str, project: str) -> StateOwner:
        """Who made a state folder. Reads only its id, and never follows a link out of the project."""
        if not os.path.lexists(state):
            return "nobody"
        if is_below(real_path(state), real_path(project)):
            name = _id_of(state)
            if name and (name in self._new or self._has(name) or _owner_has(name, state)):
                return "ours"
        return "bare" if _is_bare(state) else "foreign"

    def register(self, project: str) -> tuple[str, str]:
        """Create a new id and store it durably. Returns the id, and a note if this user's folder cannot store it.

        Raises:
            Unavailable: the disk is full, or fails.
        """
        name = os.urandom(16).hex()
        try:
            self._make_folder()
            self._disk.create(f"{_FOLDER}/{name}", os.fsencode(project) + b"\n")
            self._disk.make_durable((f"{_FOLDER}/{name}",), (_FOLDER,))
        except AgentpackError as error:
            if isinstance(error, Unavailable) and not is_denied(error):
                raise
            note = (
                f"`{self.folder}` cannot be written, so the next command will not know that this project's history is "
                "yours; set XDG_STATE_HOME to a folder of yours"
            )
        else:
            note = ""
        self._new.add(name)
        return name, note

    def forget(self, name: str) -> None:
        """Delete an id whose state was never used."""
        with suppress(AgentpackError):
            self._disk.unlink(f"{_FOLDER}/{name}")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one process of this user at a time create, move or remove a state folder, as far as the system has locks.

        This lock cannot be in the state folder, which comes and goes here.
        """
        descriptor = -1
        with suppress(AgentpackError, OSError):
            self._make_folder()
            descriptor = os.open(self._disk.absolute(_FOLDER), OPEN_FOLDER)
        try:
            until = time.monotonic() + _PATIENCE
            while descriptor >= 0 and not _lock(descriptor) and time.monotonic() < until:
                time.sleep(0.01)
            yield
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _make_folder(self) -> None:
        made = self._disk.missing(_FOLDER)
        for folder in made:
            self._disk.mkdir(folder)
        above = [path.rpartition("/")[0] for path in made if "/" in path or not path.startswith("$")]
        if made:
            self._disk.make_durable((), above)

    def _has(self, name: str) -> bool:
        try:
            found = self._disk.stamp(f"{_FOLDER}/{name}")
        except AgentpackError:  # the folder is another user's
            return False
        return found is not None and stat.S_ISREG(found[2])


def in_use(state: str) -> bool:
    """Whether a process is changing something with this state folder."""
    try:
        descriptor = os.open(f"{state}/lock", OPEN_FILE)
    except OSError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _id_of(state: str) -> str:
    try:
        descriptor = os.open(f"{state}/id", OPEN_FILE)
    except OSError:
        return ""
    try:
        text = os.read(descriptor, 64)
    except OSError:  # a folder
        return ""
    finally:
        os.close(descriptor)
    return text.decode().strip() if _ID.match(text) else ""


def _owner_has(name: str, state: str) -> bool:
    """Whether root works on the state of a user whose own folder has its id."""
    if os.geteuid() != 0:
        return False
    import pwd  # root only

    try:
        owner = os.lstat(state).st_uid
        home = pwd.getpwuid(owner).pw_dir
        found = os.lstat(f"{home}/.local/state/agentpack/{PROJECTS}/{name}")
    except (OSError, KeyError):
        return False
    return owner != 0 and stat.S_ISREG(found.st_mode) and found.st_uid == owner


def _is_bare(state: str) -> bool:
    """Whether a state folder has no records: its process was killed while creating it."""
    try:
        if os.path.islink(state):
            return False
        with os.scandir(state) as found:
            for entry in found:
                if entry.name not in _BARE:
                    return False
                if entry.name in ("generations", "blobs") and (entry.is_symlink() or os.listdir(entry.path)):
                    return False
    except OSError:
        return False
    return True
