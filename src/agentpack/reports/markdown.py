"""Format differences for a pull request: text from files is in code spans and fences that it cannot end."""

import re
from collections.abc import Iterable, Iterator

from agentpack.changes.differences import Differences, FileDifference
from agentpack.differences.header import in_words
from agentpack.differences.lines import unified
from agentpack.model.names import first_few
from agentpack.reports.capabilities import may_lines
from agentpack.reports.conflicts import conflict_lines
from agentpack.reports.data import decoded_or_none
from agentpack.reports.escaping import for_stream, safe
from agentpack.reports.words import Place, bare, brief, origin_words, remark_lines, state_words

MAX_LENGTH = 60_000
"""Characters of the whole, in UTF-16. GitHub takes 65,536 in a pull request, where a workflow adds its own."""
_LAST_WORDS = 300


def markdown(differences: Differences, place: Place) -> Iterator[str]:
    """The Markdown, cut like any."""
    return cut(_parts(differences, place))


def cut(parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Texts of at most `MAX_LENGTH` characters: patches, then whole entries, are left out, which the end says.

    Args:
        parts: each text with a shorter one, which is used if the text does not fit; empty for none.
    """
    room = MAX_LENGTH - _LAST_WORDS
    left_out = 0
    for words, instead in parts:
        for text in (words, instead):
            if text and (size := _length(text)) <= room:
                room -= size
                yield text
                break
        left_out += text is not words
    if left_out:
        count = f"{left_out} patch or entry is" if left_out == 1 else f"{left_out} patches and entries are"
        more = f"{count} left out; `agentpack diff` without `--format` shows all."
        yield f"\n**Cut at {MAX_LENGTH:,} characters.** {more}"


def _length(text: str) -> int:
    return len((for_stream(text, styled=False) + "\n").encode("utf-16-le", "surrogatepass")) // 2


def _parts(differences: Differences, place: Place) -> Iterator[tuple[str, str]]:
    """Each part with a shorter text, which is used if the part does not fit."""
    for pack in differences.packs:
        before, after = (code_span(side) if side else "none" for side in (pack.before, pack.after))
        yield f"**{code_span(pack.name)}** {before} → {after}\n", ""
    for label, words in may_lines(differences.capabilities):
        yield f"- {safe(label)}{code_span(words)}", ""
    for remark in differences.remarks:
        head, *details = remark_lines(remark, "")
        below = (f"  - {code_span(detail.strip())}" for detail in details)
        yield "\n".join((f"- {code_span(place(remark.path))} {head.strip()}", *below)), ""
    for file in differences.files:
        heading = f"\n### {code_span(place(file.path))}: {state_words(file).split(';')[0]}\n"
        rows = (code_span(file.unknown),) if file.unknown else _summary(differences, file)
        yield "\n".join((heading, *rows)), ""
        lines = [] if file.unknown else changed_lines(file, place)
        if lines:
            fence = "`" * max(3, longest_run_of_backticks(lines) + 1)
            instead = f"\n{len(lines)} lines of patch are left out."
            yield "\n".join(("", fence + "diff", *lines, fence)), instead


def _summary(differences: Differences, file: FileDifference) -> Iterator[str]:
    for change in file.compared.fields:
        origin = code_span(origin_words(differences, change, file))
        before, after = (code_span(brief(in_words(value))) for value in (change.before, change.after))
        yield f"- {code_span(change.name)}: {before} → {after} ({origin})"
    by_kind: dict[str, list[str]] = {}
    for rule in file.compared.rules:
        by_kind.setdefault(rule.change, []).append(code_span(rule.id or brief(bare(rule.entry.text))))
    for kind, names in by_kind.items():
        yield f"- {len(names)} rule{'' if len(names) == 1 else 's'} {kind}: {first_few(names, 20)}"


def changed_lines(file: FileDifference, place: Place) -> list[str]:
    """The lines of a file's patch, or of its conflicts, escaped."""
    if file.state == "conflict":
        return list(conflict_lines(file, file.after or b"", _plain))
    text = unified(decoded_or_none(file.before), decoded_or_none(file.after), place(file.path).lstrip("/"))
    return [safe(line) for line in text.removesuffix("\n").split("\n")] if text else []


def _plain(words: str, *_: str) -> str:
    """Same signature as `Output.style`, without colour."""
    return words


def longest_run_of_backticks(lines: Iterable[str]) -> int:
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def code_span(words: str) -> str:
    """A code span that its text cannot end."""
    words = safe(" ".join(words.split())) or "-"
    ticks = "`" * (longest_run_of_backticks([words]) + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{ticks}{pad}{words}{pad}{ticks}"
