"""Packs made in the test itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from support.trees import write_tree

from agentpack.compose.compose import Pack
from agentpack.model.names import PackName, content_digest
from agentpack.model.pack import Release
from agentpack.read import read_pack
from agentpack.store.validated import ValidatedCache

Files = Mapping[str, str | bytes]

BODY = """\
You review data. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say}
"""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times as fast as Python's
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FORGETFUL = ValidatedCache(None)
"""A cache that keeps nothing."""


def _yaml(data: Mapping[str, Any]) -> str:
    quick: str = yaml.dump(data, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    # it leaves some characters as they are that Python's writes as escapes
    return quick if quick.isascii() else str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def persona_text(name: str = "reviewer", body: str = BODY, **header: Any) -> str:
    """The file of a persona."""
    fields = {"name": name, "description": f"Reviews data as {name}.", **header}
    return f"---\n{_yaml(fields)}---\n{body}"


def variant_text(body: str = "", **header: Any) -> str:
    """The file of a variant."""
    fields = {"summary": "A variant.", **header}
    return f"---\n{_yaml(fields)}---\n{body}"


def make_pack(
    name: str = "data-reviewer",
    version: str = "1.0.0",
    *,
    personas: Mapping[str, str] | None = None,
    variants: Mapping[str, str] | None = None,
    files: Files | None = None,
    **manifest: Any,
) -> dict[str, bytes]:
    """The files of a pack, by POSIX path.

    Args:
        personas: the files' text by persona; one `reviewer` unless told.
        variants: the files' text by `<persona>/<variant>`.
        files: what else there is.
        manifest: further keys of `pack.yaml`.
    """
    header = {"schema": 1, "name": name, "version": version, "description": "Reviews data.", **manifest}
    made: dict[str, str | bytes] = {"pack.yaml": _yaml(header)}
    for persona, text in (personas or {"reviewer": persona_text()}).items():
        made[f"personas/{persona}.md"] = text
    for variant, text in (variants or {}).items():
        made[f"variants/{variant}.md"] = text
    made.update(files or {})
    return {path: content if isinstance(content, bytes) else content.encode() for path, content in made.items()}


def publish(folder: Path, *packs: Mapping[str, bytes]) -> Path:
    """Put packs side by side into a folder of packs, `<name>/<version>/`."""
    for files in packs:
        header = yaml.load(files["pack.yaml"], _LOADER)
        write_tree(folder / header["name"] / header["version"], files)
    return folder


def release_of(files: Mapping[str, bytes], name: str = "data-reviewer", version: str = "1.0.0") -> Release:
    """A release as a source named `memory` would hand it over."""
    from packaging.version import Version

    return Release(PackName(name), Version(version), "memory", content_digest(files.items()), files)


def read_files(files: Mapping[str, bytes], name: str = "data-reviewer", version: str = "1.0.0") -> Pack:
    """The pack that these files make, read and checked."""
    return read_pack(release_of(files, name, version), FORGETFUL)
