"""Names and digests: a text is checked once, here, and has its own type afterwards."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NewType

from agentpack.errors import UsageError
from agentpack.model.line_ends import as_crlf, as_lf
from agentpack.model.variables import ROOTS, is_earlier, root_of

PackName = NewType("PackName", str)
Digest = NewType("Digest", str)

_SEPARATORS = re.compile(r"[-_.]+")
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+)+(?:(?:a|b|rc|\.dev|\.post)[0-9]+)?\Z")
_PACK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PARAMETER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_RESERVED_PERSONAS = frozenset(
    "self system user model tool config default main general general-purpose explore plan build worker explorer task "
    "research code-review security-review con prn aux nul".split()
)
_EARLIER = re.compile(r"\$[A-Za-z_]+@[0-9a-f]{8}\Z")
_JUNK = frozenset((".ds_store", "thumbs.db", "desktop.ini"))
_OF_VERSION_CONTROL = frozenset((".git", ".hg", ".jj", ".svn"))
_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")  # some file systems leave these out of names
_NO_PARTS = frozenset(("", ".", ".."))
MAX_NAME = 50
MAX_PARTS = 64
"""Components of a path in one of agentpack's records: the files of a scope are a few folders deep."""
NO_VERSION = "not a version such as `1.2.0` or `2.0.0rc1`"
MAX_VERSION = 60
"""Characters of a version: Python is slow with numbers of thousands of digits, or refuses them."""


def is_reserved(name: str) -> bool:
    """Whether a name is reserved for version control, in any spelling. No path of ours may contain it: version control
    runs programs from there, and a clone can bring a journal that names such a path.
    """
    if name[:1] != "." and name.isascii():
        return False
    return _UNSEEN.sub("", name).lower() in _OF_VERSION_CONTROL


def pack_name(text: str) -> PackName:
    """The normalized name of a pack: lower-case ASCII, with runs of `-`, `_` and `.` replaced by one hyphen (PEP 503).

    Raises:
        UsageError: the text is not a name.
    """
    if _VERSION.match(text):
        raise UsageError(
            f"`{text}` is a version, not a pack", hint=f"write it after a pack: `NAME=={text.lstrip('v')}`"
        )
    name = _SEPARATORS.sub("-", text).lower()
    if not _PACK.match(name) or not text.isascii():
        hint = "use ASCII letters, digits and single hyphens: `python-engineer`"
        before, _, version = text.partition(":")
        if _PACK.match(before) and is_version_word(version):
            hint = f"write `{before}=={version.lstrip('v')}`"
        elif "/" in text:
            hint = f"for a folder or an address, `agentpack show {text}` lists its packs, `agentpack install {text}` "
            hint += "installs them"
        raise UsageError(f"`{text}` is not a pack name", hint=hint)
    return PackName(name)


def refuse_lone_versions(names: Sequence[str]) -> None:
    """Raise UsageError for a version that is written as an argument of its own: `NAME 1.2.0`."""
    for before, name in zip(("NAME", *names), names, strict=False):
        if is_version_word(name):
            hint = f"`agentpack install {before}=={name.removeprefix('v')}` installs that version"
            raise UsageError(f"`{name}` is a version, not a pack", hint=hint)


def is_version_word(text: str) -> bool:
    """Whether the text is a version such as `1.2.0`, which nobody means as a name."""
    return _VERSION.match(text) is not None


def kebab(text: str) -> str:
    """The text in lower case, with a hyphen for each run of other characters than letters and digits; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def is_kebab(text: str) -> bool:
    """Whether the text is a valid variant name, rule id or section id: lower-case letters, digits, single hyphens."""
    return len(text) <= MAX_NAME * 2 and _KEBAB.match(text) is not None


def is_parameter(text: str) -> bool:
    """Whether the text is a valid parameter name: lower case with underscores."""
    return _PARAMETER.match(text) is not None


def persona_name_fault(text: str) -> str | None:
    """Why the text is not a persona name that every client accepts, or None if it is.

    The rule is the intersection of what clients accept: `[a-z0-9]+(-[a-z0-9]+)*`, 2 to 50 characters, no reserved word,
    not a number (Claude Code skips a file whose name reads as one).
    """
    if not 2 <= len(text) <= MAX_NAME:
        return f"a persona's name has 2 to {MAX_NAME} characters"
    if not _KEBAB.match(text):
        return "a persona's name is lower-case letters, digits and single hyphens"
    if text in _RESERVED_PERSONAS or re.fullmatch(r"(?:com|lpt)[0-9]", text):
        return f"`{text}` is a name reserved by clients or systems"
    if text.isdigit() or re.fullmatch(r"[0-9]+e[0-9]+|0x[0-9a-f]+|0o[0-7]+|0b[01]+", text):
        return "a persona's name must not look like a number"
    return None


def slug(name: str) -> str:
    """The persona name for an agent of a collection, whose own name may be any text: at most 50 of `[a-z0-9-]`.

    A longer one is cut, and a name without any such character is called `agent`; either ends in a hash of the name.
    """
    found = kebab(name)
    return found if 0 < len(found) <= MAX_NAME else _with_hash(found or "agent", name)


def slugs(names: Iterable[str]) -> dict[str, str]:
    """The slug of each name. Those that would be the same all end in a hash of their name."""
    found = {name: slug(name) for name in names}
    uses = Counter(found.values())
    return {name: _with_hash(short, name) if uses[short] > 1 else short for name, short in found.items()}


def other_slug(name: str, short: str) -> str:
    """The slug that a name would have if names met that do not, or did not meet that do; `short` is the one it has."""
    plain = slug(name)
    return _with_hash(plain, name) if short == plain else plain


def _with_hash(short: str, name: str) -> str:
    return f"{short[: MAX_NAME - 5].strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"


def is_recorded_path(text: object) -> bool:
    """Whether a record of this machine may contain the path: like `is_named_path`, but also below an earlier root."""
    if type(text) is str and is_earlier(root := root_of(text)):
        return _EARLIER.match(root) is not None and is_named_path(root.partition("@")[0] + text[len(root) :])
    return is_named_path(text)


def is_named_path(text: object) -> bool:
    """Whether the text is a path below one of agentpack's roots, or such a root."""
    if type(text) is not str or "\0" in text:
        return False
    if text.startswith("$"):
        root, _, text = text[1:].partition("/")
        if root not in ROOTS:
            return False
    parts = text.split("/") if text else []
    return len(parts) <= MAX_PARTS and _NO_PARTS.isdisjoint(parts)


def is_digest(text: str) -> bool:
    """Whether the text is `sha256:` followed by 64 lower-case hexadecimal digits."""
    return _DIGEST.match(text) is not None


def digest_of(data: bytes) -> Digest:
    """The digest of one file's bytes."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def is_junk(path: str) -> bool:
    """Whether a file is one that desktops, editors or macOS create: it is not part of a pack."""
    leaf = path.rpartition("/")[2].lower()
    return leaf.startswith(("._", ".#")) or leaf.endswith((".swp", "~")) or leaf in _JUNK


def text_digest(data: bytes) -> Digest:
    """The digest of a file for comparing: CRLF counts as LF, because git may change it on checkout.

    For data without CRLF, and for binary data, the digest of the bytes.
    """
    return digest_of(as_lf(data))


def is_digest_of(digest: str, data: bytes) -> bool:
    """Whether the digest is that of this text with either kind of line ends."""
    return any(digest == digest_of(form(data)) for form in (bytes, as_lf, as_crlf))


def content_digest(files: Iterable[tuple[str, bytes]]) -> Digest:
    """The digest of a pack, independent of its container.

    SHA-256 over the sorted lines `<sha256 of file>  <posix path>\\n` of its regular files but `is_junk` ones, each
    read as `text_digest` reads it (design, section 2).

    Args:
        files: pairs of POSIX path relative to the pack's root, and content.
    """
    counted = ((path, as_lf(data)) for path, data in files if not is_junk(path))
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {path}\n".encode() for path, data in counted)
    return Digest("sha256:" + hashlib.sha256(b"".join(lines)).hexdigest())


def first_few(names: Collection[str], most: int) -> str:
    """The names as a list in a sentence, cut off after the first few."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """The known words that `word` is probably a typo of, nearest first; only one if it is clearly nearest."""
    from difflib import SequenceMatcher, get_close_matches  # only when something is already wrong

    def likeness(name: str) -> float:  # the first letter is rarely the wrong one
        return SequenceMatcher(None, name, word).ratio() + 0.1 * (name[:1] == word[:1])

    near = sorted(get_close_matches(word, list(known), n=2 * most, cutoff=0.6), key=likeness, reverse=True)[:most]
    return [name for name in near if likeness(name) > likeness(near[0]) - 0.1]


def client_word(text: str) -> str:
    """A user's spelling of a client in normal form: `Claude Code`, `claude_code` -> `claude-code`."""
    return re.sub(r"[\s_]+", "-", text.strip().lower())


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known words, or None if none is near."""
    near = nearest(word, known)
    if not near:
        return None
    return "did you mean " + " or ".join(f"`{name}`" for name in near) + "?"
