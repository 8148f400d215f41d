"""A client's file written by somebody else: other quotes, lists, order of fields and comments, the same values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from agentpack.compose.parse import split_front_matter
from agentpack.input.documents import read_toml, read_yaml
from agentpack.writers.emit import json_text, toml_value, yaml_entry

STYLES = ("single", "json", "block")


def values_in(form: str, text: str) -> dict[str, Any]:
    """The fields of a file, its Markdown under `body` where that is no field."""
    if form == "body":
        return {"body": text}
    if form == "markdown":
        parts = split_front_matter(text)
        assert parts is not None
        head, body, _ = parts
        return {**read_yaml(head, "head").data, "body": body}
    data: dict[str, Any]
    if form == "toml":
        data = read_toml(text.encode(), "file")
    else:
        data = json.loads(text) if form == "json" else read_yaml(text, "file").data
    return data


def reformatted(form: str, text: str, order: Sequence[int] = (), style: str = "single", comment: str = "") -> str:
    """The file with the same values in other words.

    Args:
        order: numbers by which the fields are sorted, as far as they go.
        comment: a line that stands above every field, and beside every list.
    """
    values = values_in(form, text)
    if form == "body":
        return text
    body = values.pop("body") if form == "markdown" else ""
    numbers = dict(zip(values, order, strict=False))
    keys = sorted(values, key=lambda key: numbers.get(key, 0))
    if form == "json":
        return json.dumps({key: values[key] for key in keys}, indent=4)
    if form == "toml":
        tables = [key for key in keys if isinstance(values[key], Mapping)]
        plain = [key for key in keys if key not in tables]
        return "".join(_toml(key, values[key], comment) for key in (*plain, *tables))
    rows = "".join(_yaml(key, values[key], style, comment) for key in keys)
    return f"---\n{rows}---\n{body}" if form == "markdown" else rows


def _yaml(key: str, value: Any, style: str, comment: str) -> str:
    above = f"\n{comment}\n" if comment else ""
    if isinstance(value, str) and "\n" in value:
        return above + yaml_entry({key: value})
    if style == "json":
        return f"{above}{key}:   {json_text(value)}\n"
    if isinstance(value, list) and value and style == "block":
        beside = f"  {comment}" if comment else ""
        return f"{above}{key}:{beside}\n" + "".join(f"  - {json_text(item)}\n" for item in value)
    dumped = yaml.safe_dump({key: value}, default_style="'" if isinstance(value, str) else None, sort_keys=False)
    return above + (dumped if read_yaml(dumped, "one").data == {key: value} else yaml_entry({key: value}))


def _toml(key: str, value: Any, comment: str) -> str:
    above = f"\n{comment}\n" if comment else ""
    if isinstance(value, Mapping):
        return f"{above}[{key}]\n" + "".join(f"{json.dumps(name)} = {toml_value(it)}\n" for name, it in value.items())
    if isinstance(value, list) and value:
        return f"{above}{key} = [{comment}\n" + "".join(f"  {toml_value(item)},\n" for item in value) + "]\n"
    if isinstance(value, str) and "\n" in value and '"""' not in value:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{above}{key} = """\n{escaped}"""\n'
    return f"{above}{key}={toml_value(value)}\n"
