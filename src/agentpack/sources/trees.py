"""The files of a folder or an archive as one tree: what `collection.py` looks for agents in."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property

from agentpack.disk.atomic import read_start
from agentpack.disk.real_paths import is_below, real_path
from agentpack.errors import Refused, Unavailable
from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, NOT_CONTENT, shown
from agentpack.model.names import is_junk

MAX_ENTRIES = 200_000
"""Files and folders of a place that are looked at."""
_PASSED_OVER = NOT_CONTENT | {"node_modules", ".venv"}
"""Folders that hold no agents of the place's own."""


class FolderTree:
    """The files below a folder. A link counts where it leads to a file of the same folder; folders that are links are
    passed over: what they lead to is found in its own place.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._root = real_path(folder)
        self.outside: list[str] = []
        """Links that lead out of the folder, once `paths` is known: they are never read."""

    @cached_property
    def paths(self) -> Sequence[str]:
        found: list[str] = []
        left = MAX_ENTRIES
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            try:
                entries = list(os.scandir(f"{self.folder}/{prefix}"))
            except OSError as error:
                if not prefix:
                    raise _unreadable(self.folder, error) from None
                continue  # a folder that the user may not read
            left -= len(entries)
            if left < 0:
                raise Refused(
                    f"{self.folder} has more than {MAX_ENTRIES:,} files and folders",
                    hint="give the path of the folder with the agents",
                )
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _PASSED_OVER:
                        waiting.append(f"{prefix}{entry.name}/")
                elif entry.is_symlink() and not is_below(real_path(entry.path), self._root):
                    self.outside.append(prefix + entry.name)
                elif not is_junk(entry.name) and entry.is_file():
                    found.append(prefix + entry.name)
        return sorted(found)

    def start(self, path: str, count: int) -> bytes:
        try:
            return read_start(f"{self.folder}/{path}", count)
        except OSError:
            return b""

    def contents(self, root: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """The contents of these files by path below `root`, a folder of the place.

        Raises:
            Refused: more than a pack may contain.
            Unavailable: one cannot be read.
        """
        folder = f"{self.folder}/{root}" if root else self.folder
        files: dict[str, bytes] = {}
        left = MAX_BYTES
        for path in paths:
            place = f"{folder}/{path}"
            if os.path.islink(place) and not is_below(place := real_path(place), self._root):
                raise Refused(f"{folder}: `{shown(path)}` is a link that leads out of the folder")
            try:
                files[path] = read_start(place, MAX_FILE_BYTES + 1)
            except OSError as error:
                raise _unreadable(f"{folder}/{path}", error) from None
            left -= len(files[path])
            if len(files[path]) > MAX_FILE_BYTES:
                raise Refused(f"{folder}: `{shown(path)}` is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
            if left < 0 or len(files) > MAX_FILES:
                raise Refused(f"{folder}: more than {MAX_FILES} agent files or {MAX_BYTES // 1024 // 1024} MiB")
        return files


def _unreadable(path: str, error: OSError) -> Unavailable:
    return Unavailable(f"{shown(path, most=400)} cannot be read: {error.strerror}")


class MemoryTree:
    """The files of an archive that was read."""

    outside: Sequence[str] = ()
    links: Sequence[str] = ()

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.paths = sorted(files)

    def start(self, path: str, count: int) -> bytes:
        return self.files[path][:count]
