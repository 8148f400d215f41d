"""The files of a folder or an archive as one tree: what `collection.py` looks for agents in."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property

from agentpack.disk.atomic import read_start
from agentpack.disk.real_paths import is_below, real_path
from agentpack.errors import Refused
from agentpack.input.file_names import NOT_CONTENT
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
            except OSError:
                if not prefix:
                    raise
                continue  # a folder that the user may not read
            left -= len(entries)
            if left < 0:
                raise Refused(
                    f"{self.folder} has more than {MAX_ENTRIES:,} files and folders",
                    hint="name the folder of the agents in it",
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


class MemoryTree:
    """The files of an archive that was read."""

    outside = ()

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.paths = sorted(path for path in files if not is_junk(path.rpartition("/")[2]))

    def start(self, path: str, count: int) -> bytes:
        return self.files[path][:count]
