"""Where the rule of `text.py` holds, and as whose fault: of a release, which is refused; of the user's own files.

Decides which files of a pack count as text, and what a file's name may hold beyond the rule.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from agentpack.errors import Fault, InvalidFile
from agentpack.input.hidden_text import LIMIT, MARK, WORDS, HiddenCharacter, HiddenText, text_findings

TEXT_ENDINGS = frozenset("adoc json jsonc markdown md mdc mdx rst toml txt yaml yml".split())
OWN_HINT = "take the character out; `LC_ALL=C cat -v FILE` shows the bytes"


def name_findings(path: str) -> list[HiddenCharacter]:
    """What a file's path may not hold, which is more than in a text: no tab, line end or byte-order mark either."""
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
    """What a value may not hold that an escape in a file stands for; all are placed where the value begins."""
    data = text.encode("utf-8", "surrogatepass")
    found = text_findings(data, file)
    if text.startswith(MARK):
        found.insert(0, HiddenCharacter(file, line, column, ord(MARK), WORDS["z"]))
    return [finding._replace(line=line, column=column) for finding in found]


def is_text(path: str, data: bytes) -> bool:
    """Whether a file of a pack counts as text: it has a known ending, or none as `LICENSE` has and no NUL byte.

    All that is read of a pack or printed counts. What does not is never read, rendered or written anywhere.
    """
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() in TEXT_ENDINGS if dot else b"\0" not in data[:8192]


def refuse_hidden(files: Mapping[str, bytes], label: str) -> None:
    """Check a release: the names of all files, and all that is text.

    Args:
        label: what stands before each path in an error.

    Raises:
        HiddenText: with the first places of all files.
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
    """The same as faults of a file that is the user's own."""
    return [Fault(f.file, f.line, "", f"{f.what} at column {f.column}") for f in findings]


@contextmanager
def own_file(data: bytes, file: str) -> Iterator[None]:
    """Around the reading of a file of the user's own: hidden text in it, also behind an escape, is a fault of the file.

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
