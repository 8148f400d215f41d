"""Rules for file names and sizes in a pack, the same for folders and archives.

A name that one system cannot store, or that two systems read differently, is refused on every system: whether a pack is
acceptable does not depend on where it is or how it was packed. Names are compared as the most lenient file system does:
case-insensitively, in compatibility form (NFKC), without joiners and variation selectors.
"""

from agentpack.errors import Refused

MAX_FILES = 2000
"""Largest number of files in a pack."""
MAX_BYTES = 32 * 1024 * 1024
"""Total size of a pack's files."""
MAX_FILE_BYTES = 8 * 1024 * 1024
"""Size of one file of a pack."""
MAX_DEPTH = 20
"""Components of a path, including the file name."""
MAX_COMPONENT_BYTES = 255
"""UTF-8 bytes of one component: the limit of common file systems."""
MAX_PATH_BYTES = 1024
"""UTF-8 bytes of a path."""

NOT_CONTENT = frozenset((".git", ".hg", ".svn", ".jj"))
"""Folders of version control: skipped in a folder, refused in an archive."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
_IGNORED = {0x200D: None, **dict.fromkeys(range(0xFE00, 0xFE10))}
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_JOINER = "\u200d"


class UnsafePath(Refused):
    """A file of a pack cannot have this name."""

    code = "unsafe-path"


def shown(text: str, *, most: int = 120) -> str:
    """A name that is safe to print: invisible or invalid characters are escaped, long names are cut."""
    text = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def path_fault(path: str) -> str | None:
    """Why the POSIX path cannot be a file of a pack, or None if it can."""
    return FileNames().add(path)


class FileNames:
    """The names in one pack. Each is checked against the rules and against the names before it."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self._folders: set[str] = {""}

    def add(self, path: str) -> str | None:
        """Add a file. Returns why it cannot be in the pack, or None."""
        return self._fault(path, "both a file and a folder" if path in self._folders else "a name that appears twice")

    def folder(self, path: str) -> str | None:
        """Add a folder, which may be added again. Returns why it cannot be in the pack, or None."""
        if path in self._folders:
            return None
        fault = self._fault(path, "both a file and a folder")
        if fault is None:
            self._folders.add(path)
        return fault

    def _fault(self, path: str, again: str) -> str | None:
        """Take a path. Returns why it is refused (`again` if it was taken before), or None."""
        if path.startswith("/"):
            return "an absolute path"
        if path.count("/") >= MAX_DEPTH:
            return f"deeper than {MAX_DEPTH} levels"
        above, _, leaf = path.rpartition("/")
        if fault := self.folder(above) or _component_fault(leaf) or _length_fault(path):
            return fault
        folded = _folded(path)
        before = self._taken.get(folded)
        if before is None:
            self._taken[folded] = path
            return None
        return again if before == path else f"the same as `{shown(before)}` if case and Unicode forms are ignored"


def _length_fault(path: str) -> str | None:
    if len(path) * 4 > MAX_PATH_BYTES and len(path.encode()) > MAX_PATH_BYTES:
        return f"a path of more than {MAX_PATH_BYTES} bytes"
    return None


def _component_fault(name: str) -> str | None:
    if not name:
        return "an empty part between slashes"
    if name in (".", ".."):
        return f"a part `{name}`, which leads elsewhere"
    if name[-1] in ". ":
        return "a dot or a space at the end of a part, which Windows drops"
    plain = _PLAIN.issuperset(name)
    if not plain and (fault := _odd_fault(name)) is not None:
        return fault
    if len(name) * 4 > MAX_COMPONENT_BYTES and len(name.encode()) > MAX_COMPONENT_BYTES:
        return f"a part of more than {MAX_COMPONENT_BYTES} bytes"
    return _device_fault(name)


def _odd_fault(name: str) -> str | None:
    """What is wrong with a name that has other characters than letters, digits, `-`, `_` and `.`; None if nothing."""
    if "\\" in name:
        return "a backslash, which Windows reads as a slash"
    if ":" in name:
        return "a colon, which names a drive or a stream on Windows"
    if name.isascii():
        return None if name.isprintable() else "a control character"
    from unicodedata import category, is_normalized, normalize  # its tables are loaded for such a name only

    for char in name:
        kind = category(char)
        if kind == "Cs":
            return "bytes that are not UTF-8"
        if kind in _HIDDEN and char != _JOINER:
            return f"the character U+{ord(char):04X}, which does not show"
    if not is_normalized("NFC", name):
        return "a name that is not in Unicode's composed form (NFC)"
    alike = normalize("NFKC", name)
    if "/" in alike or "\\" in alike or ":" in alike or not alike.strip(". "):
        return "a character that some systems read as a separator"
    return _device_fault(alike)


def _device_fault(name: str) -> str | None:
    stem = name.partition(".")[0].rstrip(" ").lower()
    return f"the name of a device on Windows, `{shown(stem)}`" if stem in _DEVICES else None


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFKC", normalize("NFKC", path.translate(_IGNORED)).casefold())
