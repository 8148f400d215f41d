"""Format differences as one HTML page without scripts or external resources.

Text from files is only put into text nodes, escaped, never into attributes or styles.
"""

from collections.abc import Iterator
from html import escape

from agentpack.changes.differences import Differences, FileDifference
from agentpack.differences.header import in_words
from agentpack.reports.capabilities import may_lines
from agentpack.reports.escaping import safe
from agentpack.reports.markdown import changed_lines
from agentpack.reports.words import Place, bare, brief, origin_words, remark_lines, state_words

_HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>agentpack diff</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.added { background: color-mix(in srgb, #2da44e 25%, transparent); }
.removed { background: color-mix(in srgb, #cf222e 25%, transparent); }
</style>
</head>
<body>
"""
_CLASSES = {"+": "added", "-": "removed"}


def html(differences: Differences, place: Place) -> Iterator[str]:
    """The page, piece by piece."""
    yield _HEAD + f"<h1>{_text(differences.before)} → {_text(differences.after)}</h1>"
    for pack in differences.packs:
        before, after = (_text(side or "none") for side in (pack.before, pack.after))
        yield f"<p><strong>{_text(pack.name)}</strong> {before} → {after}</p>"
    notes = [_text(label + words) for label, words in may_lines(differences.capabilities)]
    for remark in differences.remarks:
        notes += [_text(line.strip()) for line in remark_lines(remark, place(remark.path))]
    if notes:
        yield "<ul>" + "".join(f"<li>{note}</li>" for note in notes) + "</ul>"
    for file in differences.files:
        yield f"<h2><code>{_text(place(file.path))}</code>: {_text(state_words(file).split(';')[0])}</h2>"
        yield f"<p>{_text(file.unknown)}</p>" if file.unknown else "".join(_file(differences, file, place))
    yield "</body>\n</html>"


def _file(differences: Differences, file: FileDifference, place: Place) -> Iterator[str]:
    rows = []
    for change in file.compared.fields:
        before, after = (brief(in_words(value)) for value in (change.before, change.after))
        origin = origin_words(differences, change, file)
        rows.append(f"<code>{_text(change.name)}</code>: {_text(before)} → {_text(after)} ({_text(origin)})")
    for rule in file.compared.rules:
        name = rule.id or brief(bare(rule.entry.text))
        rows.append(
            f"{_text(rule.change)}: <code>{_text(name)}</code> ({_text(origin_words(differences, rule, file))})"
        )
    if rows:
        yield "<ul>" + "".join(f"<li>{row}</li>" for row in rows) + "</ul>"
    if lines := changed_lines(file, place):
        yield "<pre>" + "\n".join(_line(line) for line in lines) + "</pre>"


def _line(line: str) -> str:
    kind = _CLASSES.get(line[:1])
    return _text(line) if kind is None else f'<span class="{kind}">{_text(line)}</span>'


def _text(words: str) -> str:
    """A text node: hidden characters are shown, markup is escaped."""
    return escape(safe(words))
