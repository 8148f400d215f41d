"""The entries of an archive of either format as they come, and how many and how large they may be."""

from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES

MAX_ENTRIES = 4 * MAX_FILES
"""Entries of an archive: files, folders and, in a tar, the headers that say more of the next one."""
MAX_UNPACKED_BYTES = 2 * MAX_BYTES
"""What is in the gzip of a tar.gz: the files, their headers, and the zeros that fill up."""
MACOS = "`COPYFILE_DISABLE=1 tar --no-xattrs -czf`"
"""How to pack on macOS so that an archive holds the files and no more."""
MAX_RATIO = 200
"""How many times its packed size an archive may grow to, beyond `FREE_BYTES`."""
FREE_BYTES = 1024 * 1024
"""Small archives may be as repetitive as they like."""


class Unsafe(Exception):
    """What is wrong with an archive, and with which entry: raised by the readers of the formats."""

    def __init__(self, what: str, entry: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.entry = entry


class Collected:
    """The entries of an archive as they come; what is too many or too much is refused at once."""

    def __init__(self) -> None:
        self.files: list[tuple[str, bytes]] = []
        self.folders: list[str] = []
        self._entries = 0
        self._files = 0
        self._bytes = 0

    def entry(self) -> None:
        """One more header was met."""
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise Unsafe(f"more than {MAX_ENTRIES} entries")

    def size(self, name: str, size: int) -> int:
        """The size that one more file says it has, once it may have it."""
        if size > MAX_FILE_BYTES:
            raise Unsafe(f"larger than {MAX_FILE_BYTES // 1024 // 1024} MiB", name)
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise Unsafe(f"more than {MAX_BYTES // 1024 // 1024} MiB in all")
        self._files += 1
        if self._files > MAX_FILES:
            raise Unsafe(f"more than {MAX_FILES} files")
        return size


def most_unpacked(packed: int) -> int:
    """The bytes that so many packed ones may become."""
    return min(MAX_UNPACKED_BYTES, max(FREE_BYTES, packed * MAX_RATIO))
