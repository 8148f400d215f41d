"""Format what `sync --check` found as a JUnit report: the lock and each file are a test."""

import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from agentpack.changes.differences import Differences
from agentpack.reports.escaping import safe
from agentpack.reports.words import Place, remark_lines, state_words

_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a reference."""


def junit(differences: Differences, place: Place, paths: Iterable[str]) -> Iterator[str]:
    """The lines of a JUnit report in XML, without line ends.

    Args:
        place: gives the path to show for a path of the scope.
        paths: the lock and all files in it; those that do not differ are tests that pass.
    """
    failures: dict[str, list[str]] = {}
    for remark in differences.remarks:
        head, *details = remark_lines(remark, "")
        failures.setdefault(place(remark.path), []).append("\n".join((head.strip(), *details)))
    for file in differences.files:
        failures.setdefault(place(file.path), []).append(state_words(file))
    names = list(dict.fromkeys((*map(place, paths), *failures)))
    counts = f'name="agentpack sync --check" tests="{len(names)}" failures="{len(failures)}" errors="0"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites {counts}>"
    yield f'<testsuite {counts} skipped="0">'
    for name in names:
        test = f"<testcase classname={_value('agentpack')} name={_value(safe(name))}"
        if name not in failures:
            yield f"{test}/>"
            continue
        words = "\n".join(failures[name])
        yield f"{test}>"
        yield f"<failure message={_value(words.partition(chr(10))[0])}>{escape(_xml(words))}</failure>"
        yield "</testcase>"
    yield "</testsuite>"
    yield "</testsuites>"


def _value(text: str) -> str:
    return quoteattr(_xml(text))


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
