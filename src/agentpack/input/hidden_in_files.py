"""Apply the hidden-text rule to files: a release is refused, in the user's own files it is a fault.

Decides which files of a pack count as text, and what else a file name may not contain.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from agentpack.errors import Fault, InvalidFile
from agentpack.input.hidden_text import LIMIT, MARK, WORDS, HiddenCharacter, HiddenText, text_findings

TEXT_ENDINGS = frozenset("adoc json jsonc markdown md mdc mdx rst toml txt yaml yml".split())
OWN_HINT = "remove the character; `LC_ALL=C cat -v FILE` shows the bytes"


def name_findings(path: str) -> list[HiddenCharacter]:
    """Hidden characters in a path. Tabs, line ends and byte-order marks count too."""
    data = path.encode("utf-8", "surrogateescape")
    if path.isascii() and path.isprintable():
        return []
    found = {} if "\n" in path else {one.column: one for one in text_findings(data, "", limit=len(path))}
    for column, character in enumerate(path, 1):
        if character < " " or character == MARK:
            why = "control" if character < " " else "zero-width"
            found[column] = HiddenCharacter("", 0, column, ord(character), why)
    return [found[column]._replace(file=_shown(path), line=0) for column in sorted(found)][:LIMIT]


def _shown(path: str) -> str:
    return path if path.isprintable() else "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in path)


def value_findings(text: str, file: str, line: int, column: int) -> list[HiddenCharacter]:
    """Hidden characters in a value that came from escapes; all are placed where the value begins."""
    data = text.encode("utf-8", "surrogatepass")
    found = text_findings(data, file)
    if text.startswith(MARK):
        found.insert(0, HiddenCharacter(file, line, column, ord(MARK), WORDS["z"]))
    return [finding._replace(line=line, column=column) for finding in found]


def is_text(path: str, data: bytes) -> bool:
    """Whether a file of a pack counts as text: a known suffix, or no suffix (like `LICENSE`) and no NUL byte.

    Everything that is read from a pack or printed counts. Other files are never read, rendered or written.
    """
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() in TEXT_ENDINGS if dot else b"\0" not in data[:8192]


def refuse_hidden(files: Mapping[str, bytes], label: str) -> None:
    """Check a release: all file names, and all text files.

    Args:
        label: prefix of each path in an error.

    Raises:
        HiddenText: lists the first places in each file.
    """
    found: list[HiddenCharacter] = []
    for path in sorted(files):
        found += [one._replace(file=f"{label}/{one.file}") for one in name_findings(path)]
        if is_text(path, files[path]):
            found += text_findings(files[path], f"{label}/{_shown(path)}", limit=LIMIT + 1)
        if len(found) > LIMIT:
            break
    if found:
        raise HiddenText(found[:LIMIT], more=len(found) > LIMIT)


def faults_of(findings: Iterable[HiddenCharacter]) -> list[Fault]:
    """The findings as faults of the user's own file."""
    return [Fault(f.file, f.line, "", f"{f.what} at column {f.column}") for f in findings]


@contextmanager
def own_file(data: bytes, file: str) -> Iterator[None]:
    """Context for reading one of the user's own files: hidden text in it, also behind an escape, is a fault.

    Raises:
        InvalidFile: the faults name line, column and code point.
    """
    found = [finding for finding in text_findings(data, file) if finding.why != "not-utf-8"]  # `decode` tells that
    if found:
        raise InvalidFile(faults_of(found), hint=OWN_HINT)
    try:
        yield
    except HiddenText as error:
        raise InvalidFile(faults_of(error.findings), hint=OWN_HINT) from None
