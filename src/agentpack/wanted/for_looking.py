"""The third door to what is wanted: for looking. Nothing is written, so nothing is refused for its age.

What is chosen here (`from_manifest.choose`) is shown as `Selection.preview` gives it, whatever a policy says of it and
whatever nobody accepted.
"""

from agentpack.errors import PolicyRefused
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.from_manifest import choose
from agentpack.wanted.selection import Selection
from agentpack.workspace.workspace import Workspace


def all_candidates(workspace: Workspace, manifest: Manifest, lock: Lock | None = None) -> Candidates:
    """Every release that the sources offer; where a lock is given, its packs stay with their source."""
    return Candidates(workspace, manifest, lock, every_age=True)


def as_installed(looked_at: Selection, pack: str) -> Selection:
    """What `install` would choose instead: without releases that are too young, unless only those would do."""
    with looked_at.candidates.offering_every_age(False):
        try:
            return choose(looked_at.candidates, looked_at.manifest, newest=(pack,))
        except PolicyRefused:
            return looked_at
