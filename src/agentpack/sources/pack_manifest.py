"""What pack.yaml says at first sight: its name and version, for which nothing is parsed."""

from agentpack.model.line_ends import MARK

MANIFEST = "pack.yaml"
MAX_MANIFEST_BYTES = 256 * 1024
"""Bytes of a manifest that are searched for name and version."""


def manifest_line(manifest: bytes, key: str) -> str | None:
    """The raw value of `key:` in the text of a pack.yaml, found without parsing YAML; None if absent."""
    for line in manifest.removeprefix(MARK).splitlines():
        if line.startswith(f"{key}:".encode()):
            return line.decode("utf-8", "replace").partition(":")[2].partition(" #")[0].strip().strip("\"'")
    return None
