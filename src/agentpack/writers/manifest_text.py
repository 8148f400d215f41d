"""Values as the text of `agentpack.yaml`: a whole new file, or an entry of one that is there.

Decides quoting and layout. How an entry gets into a file that people wrote is `manifest_edit.py`'s, which loads YAML;
nothing here does.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.writers.emit import WORDS
from agentpack.writers.schema_line import schema_line

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.~=<>,!*\[\] -]*\Z")
_PLAIN_START = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def new_manifest(manifest: Manifest) -> str:
    """The text of a manifest that did not exist."""
    lines = [schema_line("manifest"), "schema: 1"]
    if manifest.clients is not None:
        lines.append(f"clients: {flow(list(manifest.clients))}")
    if manifest.sources:
        lines.append("sources:")
        lines += [f"  - {flow(source.to_data())}" for source in manifest.sources]
    if manifest.packs:
        lines.append("packs:")
        lines += [f"  {row}" for wanted in manifest.packs for row in entry(wanted)]
    else:
        lines.append("packs: []")
    return "\n".join(lines) + "\n"


def options(wanted: ManifestEntry) -> Mapping[str, Any]:
    """What an entry says beside its requirement, by key."""
    found: dict[str, Any] = {}
    if wanted.source:
        found["source"] = wanted.source
    if wanted.original:
        found["name"] = str(wanted.requirement.pack)
    if wanted.personas is not None:
        found["personas"] = list(wanted.personas)
    if wanted.without:
        found["without"] = list(wanted.without)
    if wanted.clients is not None:
        found["clients"] = list(wanted.clients)
    if wanted.parameters:
        found["parameters"] = dict(wanted.parameters)
    if wanted.renames:
        found["as"] = dict(wanted.renames)
    return found


def entry(wanted: ManifestEntry) -> list[str]:
    """An item of `packs`, in lines."""
    more = options(wanted)
    if not more:
        return [f"- {scalar(wanted.text)}"]
    return [f"- require: {scalar(wanted.text)}", *(f"  {key}: {flow(value)}" for key, value in more.items())]


def entry_in_flow(wanted: ManifestEntry) -> str:
    """An item of `packs`, on one line."""
    more = options(wanted)
    return scalar_in_flow(wanted.text) if not more else flow({"require": wanted.text, **more})


def scalar(text: str) -> str:
    """A text as YAML in block context: plain where that is safe, else as JSON writes it."""
    safe = _PLAIN.match(text) and not text.endswith(" ") and text.lower() not in WORDS
    return text if safe else json.dumps(text, ensure_ascii=False)


def scalar_in_flow(text: str) -> str:
    """A text as YAML between brackets, where fewer characters are plain."""
    safe = _PLAIN_START.fullmatch(text) and text.lower() not in WORDS
    return text if safe else json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar_in_flow(value) if isinstance(value, str) else json.dumps(value)
