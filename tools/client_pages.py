"""Write `docs/reference/clients/` from the adapters: `python tools/client_pages.py`."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from client_reading import READINGS

from agentpack.clients import CLIENTS
from agentpack.clients.base import Client, ToolWords
from agentpack.model.fields import TOOLS, WORDS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference" / "clients"
VERIFIED = {
    "judge": "the client itself loaded such files",
    "source": "its code was read",
    "documentation": "its maker's documentation and other renderers; the client was not run",
}
WINS = {
    "project": "the project's",
    "user": "the user's",
    "merge": "both, merged field by field, the project's before the user's",
}


def pages() -> Mapping[str, str]:
    """Every page by its file's name."""
    made = {f"{name}.md": "\n".join(_page(target)) + "\n" for name, target in CLIENTS.items()}
    return {**made, "README.md": "\n".join(_overview()) + "\n"}


def _code(text: Any) -> str:
    return f"`{text}`"


def _codes(texts: Any) -> str:
    return ", ".join(map(_code, texts))


def _value(value: Any) -> str:
    return _code(value if isinstance(value, str) else json.dumps(value))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _table(*head: str) -> list[str]:
    return ["", _row(*head), _row(*["---"] * len(head))]


def _places(target: Client) -> tuple[str, str]:
    """Where the files of a persona `NAME` stand, in a project and for the user."""
    project, user = (target.path("NAME", scope, {}) for scope in ("project", "user"))
    return _code(project) if project else "none", _code(f"~/{user}") if user else "none"


def _overview() -> Iterator[str]:
    yield "# Clients"
    yield ""
    yield "Every client that agentpack writes personas for. `tools/client_pages.py` makes the pages from the adapters."
    yield ""
    yield "*judge*: the client itself was run on such files. *source*: its code was read. *documentation*: only its"
    yield "maker's pages and other renderers were. *skills*: whether a pack's modules are written as Agent Skills."
    yield "A `#` in a path: the client keeps all its agents in that one file."
    nouns = [field.noun for field in WORDS.values()]
    yield from _table(
        "client", "name", "version", "verified by", "project", "user", "limits tools", "model", *nouns, "skills"
    )
    for name, target in CLIENTS.items():
        words = _words(target)
        project, user = _places(target)
        yield _row(
            f"[{target.title}]({name}.md)",
            _code(name),
            target.version,
            target.verified_by,
            project,
            user,
            _limits(words),
            "yes" if words.model else "no",
            *("yes" if field in words.choices else "no" for field in WORDS),
            "yes" if target.skills else "no",
        )


def _words(target: Client) -> Client:
    return target


def _limits(words: Client) -> str:
    if words.tools is not None:
        return "yes"
    return "read-only" if words.readonly else "no"


def _page(target: Client) -> Iterator[str]:
    words = _words(target)
    project, user = _places(target)
    yield f"# {target.title}"
    yield ""
    yield f"Checked with {target.version} on {target.checked}: {VERIFIED[target.verified_by]}."
    yield ""
    if target.aliases:
        yield f"- Also called {_codes(target.aliases)}"
    yield f"- In a project: {project}"
    yield f"- For the user: {user}"
    if target.user is not None and target.user.variable:
        moved = "/".join(filter(None, (target.user.below_variable, target.file.replace("{name}", "NAME"))))
        yield f"- `{target.user.variable}` moves it to `${target.user.variable}/{moved}`"
    yield f"- Reads: {target.reads}"
    yield f"- Where both scopes have an agent of one name: {WINS[target.wins]}"
    for scope, folders in sorted(target.also_reads.items()):
        yield f"- Reads too ({scope}): {_codes(folders)}"
    yield f"- {_skills(target)}"
    yield f"- Taken to be in use where there is {_codes(target.markers)}"
    if target.trust:
        yield f"- {target.trust}"
    if own := target.reserved | target.file_rules.own_agents:
        yield f"- Names of its own: {_codes(sorted(own))}"
    if target.file_rules.names:
        yield f"- A name must match `{target.file_rules.names}`"
    if target.file_rules.last_wins:
        yield "- Of several files in one folder with the same name, the last by path counts"
    for remark in target.remarks:
        yield f"- {remark}"
    yield from _fields(words)
    yield from _tools(words)
    yield from _reading(target)
    yield from _settings(words)
    yield from _unsaid(words)


def _skills(target: Client) -> str:
    """Where a pack's modules stand."""
    use = target.skills
    if use is None:
        return "Modules are written into the agent's own text, because the client's agents are not known to load skills"
    folder = CLIENTS[use.folder]
    project, user = _places(folder)
    if target.user is None:
        places = project
    elif folder.user is not None and folder.user.variable:
        places = (
            f"{project}, for the user {user} (`${folder.user.variable}/{folder.user.below_variable}/NAME/SKILL.md`)"
        )
    else:
        places = f"{project}, for the user {user}"
    text = f"Modules are skills: {places}"
    if use.tool:
        text += f"; an agent needs the tool `{use.tool}`, and has it without a list of `tools`"
    if use.moved_by:
        text += f"; in the agent's own text for the user while `{use.moved_by}` is set"
    return text


def _fields(words: Client) -> Iterator[str]:
    yield ""
    yield "## Fields"
    yield from _table("persona", "file")
    yield _row("name", _code(words.name_key) if words.name_key else "the file's name")
    yield _row("description", _code(words.description) if words.description else "left out, with a note")
    keys = [key for key in (words.provider, words.model) if key]
    yield _row("model", f"{_codes(keys)}, {_ids(words)}" if keys else "left out, with a note")
    for name in WORDS:
        choice = words.choices.get(name)
        if choice is None:
            yield _row(name, "left out, with a note")
            continue
        same = all(own == word for word, own in choice.words.items())
        yield _row(name, f"{_code(choice.key)}, {'the same words' if same else 'as a number'}")
    yield _row(
        "body", _code(words.body) if words.body else "the text behind the header" if words.name_key else "the text"
    )
    if words.repeated:
        yield _row("always", f"{_code(words.repeated)}, the persona's name")
    for key, value in words.fixed.items():
        yield _row("always", f"`{key}: {value}`")
    for key, value in words.unlimited.items():
        yield _row("no `tools`", f"{_code(key)}: {_value(value)}")


def _ids(words: Client) -> str:
    if words.ids == ".+":
        return f"{_codes(words.models)} or any id"
    said = [f"{_codes(words.models)} as it is"] if words.models else []
    if words.id_example:
        said.append(f"ids such as {_code(words.id_example)}")
    elif words.ids:
        said.append(f"ids that match {_code(words.ids)}")
    return "; ".join([*said, "others as `models:` of the manifest maps them"])


def _tools(words: Client) -> Iterator[str]:
    yield ""
    yield "## Tools"
    yield ""
    if words.tools is not None:
        how = {
            "list": "a list of what is allowed",
            "comma": "what is allowed, with commas",
            "map": "`*` false, what is allowed true",
            "permissions": "`*` denied, what is allowed granted",
        }[words.tools.style]
        yield f"A persona's `tools` become {_code(words.tools.key)}: {how}."
        yield from _table("tool", "the client's")
        for tool in TOOLS:
            native = [
                _code(name) if name not in words.tools.grants else f"`{name}`: {_value(words.tools.grants[name])}"
                for name in words.tools.names.get(tool, ())
            ]
            yield _row(tool, ", ".join(native) or "has none")
        if words.tools.remark:
            yield ""
            yield f"`install` notes: {words.tools.remark}."
        yield ""
        yield _deny(words, words.tools)
    elif words.readonly:
        said = _codes(f"{key}: {json.dumps(value)}" for key, value in words.readonly.items())
        yield (
            f"`tools` that only look (read, search, web) become {said}, and so does `deny` of anything else. Any other "
            "restriction cannot be expressed."
        )
    else:
        yield "A restriction cannot be expressed: such a persona is refused for this client unless that is accepted."


def _deny(client: Client, words: ToolWords) -> str:
    if words.style in ("map", "permissions"):
        said = "false" if words.style == "map" else "`deny`"
        return f"A persona's `deny` becomes {_code(words.key)}, where each of these tools is {said}; others stay."
    if not words.deny:
        return f"A persona's `deny` becomes {_code(words.key)} too: a list of the tools that are left."
    more = {tool: sorted({*client.tools_of(tool)} - {*words.names.get(tool, ())}) for tool in TOOLS}
    also = "; ".join(f"{_codes(names)} with `{tool}`" for tool, names in more.items() if names)
    return (
        f"A persona's `deny` becomes {_code(words.deny)}: the same names{f', and {also}' if also else ''}. Others stay."
    )


def _reading(target: Client) -> Iterator[str]:
    yield ""
    yield "## How it reads tools"
    yield ""
    known = READINGS[target.name]
    if known is None:
        yield (
            f"Not established: neither {target.title} itself nor its code could be checked. A limit that is written in "
            "another form than the documented one may limit nothing."
        )
        return
    how = {"run": "seen by running it", "code": "read in its code"}[known.how]
    yield f"In {known.version}, {how} on {known.date}:"
    yield ""
    yield from (f"- {rule}" for rule in known.rules)


def _settings(words: Client) -> Iterator[str]:
    if not words.native:
        return
    yield ""
    yield f"## Settings in `clients: {{{words.name}: …}}`"
    yield from _table("setting", "value")
    for key, form in words.native.items():
        idle = f" ({words.idle[key]})" if key in words.idle else ""
        yield _row(_code(key), (_codes(form.split("|")) if "|" in form else _FORMS[form]) + idle)
    if words.limits:
        yield ""
        yield f"If a persona's `tools` are written, {_codes(words.limits)} is left out."


_FORMS = {
    "text": "text",
    "flag": "true or false",
    "count": "a positive integer",
    "number": "a number",
    "list": "a list, or one text with commas",
    "texts": "text, or a list of texts",
    "switches": "a map of true and false",
    "map": "a map",
    "maps": "a list of maps and texts",
    "permissions": "`allow`, `ask`, `deny`, or a map of those",
    "color": "`#rrggbb` or a word of the theme",
    "any": "any value",
}


def _unsaid(words: Client) -> Iterator[str]:
    told = []
    for live in words.live:
        told.append(f"`{live}` in a body would be interpreted, so agentpack adds a space to it, with a note.")
    if words.long_description:
        told.append(f"A description of over {words.long_description} characters may be cut.")
    if words.shortest_body:
        least = "An empty body" if words.shortest_body == 1 else f"A body of under {words.shortest_body} characters"
        told.append(f"{least} is refused.")
    if words.longest_body:
        told.append(f"A body of over {words.longest_body} characters gets a note.")
    if told:
        yield ""
        yield "## Text"
        yield ""
        yield from (f"- {line}" for line in told)


def main() -> int:
    """Write the pages, and take away those of clients that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for gone in sorted({path.name for path in FOLDER.glob("*.md")} - made.keys()):
        (FOLDER / gone).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
