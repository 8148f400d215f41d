"""Checked documents, kept as JSON under the digest of what they were checked from.

Checking loads YAML and pydantic; the next command that meets the same bytes pays for reading JSON only. The cache lies in the platform's cache
folder, may be deleted at any time, and a file in it that does not read is passed over.
"""

import json
import os
from typing import Any

FORMAT = "1"
"""Raised whenever the normal form of a document changes."""


class ValidatedCache:
    """A folder of JSON files named by kind and digest. Failing to write one is no error."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder

    def _path(self, kind: str, digest: str) -> str:
        return f"{self.folder}/{kind}-{FORMAT}/{digest.removeprefix('sha256:')}.json"

    def get(self, kind: str, digest: str) -> Any | None:
        """The data kept for this digest, or None."""
        if self.folder is None:
            return None
        try:
            with open(self._path(kind, digest), "rb") as file:
                return json.loads(file.read())
        except (OSError, ValueError):
            return None

    def put(self, kind: str, digest: str, data: Any) -> None:
        """Keep the data; readers see all of it or nothing."""
        if self.folder is None:
            return
        path = self._path(kind, digest)
        beside = f"{path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(beside, "w", encoding="utf-8") as file:
                file.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
            os.replace(beside, path)
        except OSError:
            return
