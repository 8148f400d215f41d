"""The build hook of the wheel: every bundled pack is read and checked, and what it became lies in the wheel beside it.

An installed agentpack then needs neither YAML nor pydantic for its own packs. What comes out depends on the packs and
on agentpack's code alone, so a wheel built twice is the same; a pack that does not read fails the build. A checkout or
an editable installation has no such files: there the user's cache serves.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ValidatedPacks(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the validated packs to a wheel."""

    _made: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write them to a temporary folder, and name it to the builder."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        try:
            from agentpack.bundling import validated_packs
            from agentpack.sources.bundled import VALIDATED
        finally:
            sys.path.pop(0)
        self._made = tempfile.mkdtemp(prefix="agentpack-validated-")
        for name, content in validated_packs(str(root / "packs")):
            path = Path(self._made, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            build_data["force_include"][str(path)] = f"agentpack/_packs/{VALIDATED}/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
