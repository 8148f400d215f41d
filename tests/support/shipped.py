"""The bundled packs as a wheel ships them: checked beforehand, so that no test checks their 30 releases once more.

An editable installation has no such files and keeps them in the user's cache, which is empty in every test. Programs in
a Python of their own (`new=True`) still start without them.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_PLACE = "TESTS_SHIPPED_PACKS"
"""The variable that hands the folder on to the other processes of the same run."""


def ship_bundled_packs() -> None:
    """Let commands of this process find the checked packs. The first process of a run writes them."""
    from agentpack.workspace import workspace

    folder = os.environ.get(_PLACE) or _written()
    vars(workspace)["validated_folder"] = lambda: folder


def leave_out_shipped_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands of this process keep checked packs in the user's cache, as an editable installation does, for a
    program in a Python of its own to find them there.
    """
    monkeypatch.setattr("agentpack.workspace.workspace.validated_folder", lambda: None)


def _written() -> str:
    from agentpack.bundling import validated_packs
    from agentpack.sources.bundled import bundled_folder

    folder = tempfile.mkdtemp(prefix="agentpack-shipped-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    packs = bundled_folder()
    assert packs is not None
    for name, content in validated_packs(packs):
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.environ[_PLACE] = folder
    return folder
