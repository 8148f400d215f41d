"""The bundled packs as a wheel ships them: checked beforehand, so that no test checks their 30 releases once more.

An editable installation has no such files and keeps them in the user's cache, which is empty in every test: so it is
with the fixture `unshipped`, and for programs in a Python of their own (`new=True`).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

PLACE = "TESTS_SHIPPED_PACKS"
"""The variable that names the folder, for all processes of a run."""


def ship_bundled_packs() -> None:
    """Let commands of this process find the checked packs. The first process of a run writes them."""
    from agentpack.workspace import workspace

    if not os.environ.get(PLACE):
        os.environ[PLACE] = _written()
    vars(workspace)["validated_folder"] = lambda: os.environ.get(PLACE)


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
    return folder
