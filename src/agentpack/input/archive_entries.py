"""Entries of a tar or zip as they are read, with limits on their number and size."""

from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES

MAX_ENTRIES = 4 * MAX_FILES
"""Entries of an archive: files, folders and, in a tar, headers that describe the next entry."""
MAX_UNPACKED_BYTES = 2 * MAX_BYTES
"""The unpacked size of a tar.gz: files, headers and padding."""
MAX_PACKS = 4
"""How many times as much an archive of several packs may hold, or a bundle, as an archive of one."""
MACOS = "`COPYFILE_DISABLE=1 tar --no-xattrs -czf`"
"""How to make an archive on macOS without extra files."""
MAX_RATIO = 200
"""How many times its packed size an archive may unpack to, beyond `FREE_BYTES`."""
FREE_BYTES = 1024 * 1024
"""Unpacked bytes that are always allowed: small archives may be very repetitive."""


class UnsafeEntry(Exception):
    """What is wrong with an archive, and with which entry. Raised by the readers of the formats."""

    def __init__(self, what: str, entry: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.entry = entry


class CollectedEntries:
    """The entries read so far. Refuses too many or too large entries at once."""

    def __init__(self, packed: int, times: int) -> None:
        """Nothing yet.

        Args:
            packed: bytes of the archive.
            times: how many times the bounds of one pack it may hold.
        """
        self._times = times
        self.max_unpacked = min(times * MAX_UNPACKED_BYTES, max(FREE_BYTES, packed * MAX_RATIO))
        """The largest allowed unpacked size."""
        self.files: list[tuple[str, bytes]] = []
        self.folders: list[str] = []
        self._entries = 0
        self._files = 0
        self._bytes = 0

    def entry(self) -> None:
        """Count one more header of an archive. Raises UnsafeEntry if there are too many."""
        self._entries += 1
        if self._entries > self._times * MAX_ENTRIES:
            raise UnsafeEntry(f"more than {self._times * MAX_ENTRIES} entries")

    def size(self, name: str, size: int) -> int:
        """The declared size of one more file, if it is within the limits."""
        if size > MAX_FILE_BYTES:
            raise UnsafeEntry(f"larger than {MAX_FILE_BYTES // 1024 // 1024} MiB", name)
        self._bytes += size
        if self._bytes > self._times * MAX_BYTES:
            raise UnsafeEntry(f"more than {self._times * MAX_BYTES // 1024 // 1024} MiB in all")
        self._files += 1
        if self._files > self._times * MAX_FILES:
            raise UnsafeEntry(f"more than {self._times * MAX_FILES} files")
        return size
