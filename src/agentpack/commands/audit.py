"""audit: scan what is installed, or a pack before it is installed, for text that needs a human look.

Decides what is scanned. The rules are in `audit/rules.py`; whether store, lock and releases agree is decided in
`audit/integrity.py`. Changes nothing.
"""

import os
from collections.abc import Mapping, Sequence

from agentpack.audit.integrity import integrity, locked_releases
from agentpack.audit.rules import scan
from agentpack.audit.scan import Audit, Scanner
from agentpack.changes.named_release import with_source
from agentpack.disk.atomic import read_start
from agentpack.errors import Unavailable, Unresolvable, UsageError
from agentpack.input.file_names import MAX_BYTES
from agentpack.model.changes import file_state
from agentpack.model.names import did_you_mean
from agentpack.model.pack import ARCHIVE_SUFFIXES, ReleaseRef
from agentpack.model.requirement import parse_requirement
from agentpack.sources.base import Source
from agentpack.sources.directory import DirectorySource
from agentpack.sources.pack_manifest import MANIFEST
from agentpack.store.layout import CURRENT
from agentpack.wanted.candidates import candidates_to_view
from agentpack.wanted.offers import agent_hint
from agentpack.workspace.preconditions import nothing_installed_error, refuse_address
from agentpack.workspace.workspace import Workspace

_AGENTS = (".md", ".mdc", ".markdown", ".yaml", ".yml", ".toml", ".json", ".txt")


def audit(workspace: Workspace, subjects: Sequence[str]) -> Audit:
    """Scan the named packs, folders and files; without any, what is installed.

    Raises:
        UsageError: a path does not exist or contains no pack; or nothing is named and agentpack was never used here.
        Unresolvable: no source has this pack or release.
        Refused: a pack contains a link, or differs from the lock.
    """
    looked = Scanner()
    if not subjects:
        _look_at_scope(workspace, looked)
    for subject in subjects:
        if _is_path(subject):
            _look_at_path(workspace, subject, looked)
        else:
            _look_at_requirement(workspace, subject, looked)
    return looked.done()


# What is installed.


def _look_at_scope(workspace: Workspace, looked: Scanner) -> None:
    workspace.consistency.recover_if_interrupted()
    scope = workspace.scope
    documents = workspace.documents
    if documents.manifest_bytes is None and documents.lock_bytes is None and workspace.disk.stamp(CURRENT) is None:
        raise nothing_installed_error(hint="name what to scan: a pack, or a folder (`./packs`)")
    looked.subjects.append(str(scope))
    looked.findings += integrity(workspace)
    observed = workspace.states.observe(set(workspace.states.recorded))
    for path, file in sorted(workspace.states.recorded.items()):
        state = file_state(file.rendered, None, observed.get(path))
        if state in ("missing", "blocked"):
            continue  # told by `integrity`
        looked.files += 1
        found = scan(workspace.states.contents(path), workspace.scope.shown(path), key=path)
        # a file that nobody edited says what its pack says: told there, but for what is hidden
        looked.findings += (finding for finding in found if state == "edited" or finding.rule == "AP101")
    for text in workspace.documents.local_texts:
        looked.file(text.data, workspace.scope.shown(text.path), key=text.path)
    for pack, files, trouble in locked_releases(workspace):
        looked.findings += trouble
        if files is not None:
            looked.pack(files, f"{pack.name}-{pack.version}", pack.name)


# What is named.


def _is_path(subject: str) -> bool:
    return ("/" in subject.partition("[")[0] and "://" not in subject) or subject.startswith((".", "~"))


def _look_at_path(workspace: Workspace, subject: str, looked: Scanner) -> None:
    place = os.path.normpath(os.path.join(workspace.environment.cwd, os.path.expanduser(subject)))
    if os.path.isfile(place):
        if place.endswith(ARCHIVE_SUFFIXES):
            from agentpack.sources.archive import ArchiveSource

            archive = ArchiveSource("archive", place)
            states = [archive.state_of(pack.name) for pack in archive.collection.packs if not pack.elsewhere]
            _look_at_packs(workspace, archive, states, subject, looked)
            return
        if not place.endswith(_AGENTS):
            raise UsageError(f"`{subject}` is not a text file", hint="give the path of a pack's folder")
        looked.subjects.append(subject)
        looked.file(_read(place), _relative(workspace, place))
        return
    if not os.path.isdir(place):
        raise UsageError(
            f"`{subject}` does not exist", hint="give the path of a folder of packs, a pack, or an agent file"
        )
    folder = DirectorySource("folder", place)
    _look_at_packs(workspace, folder, folder.every_state(), subject, looked)


def _look_at_packs(
    workspace: Workspace, source: Source, states: Sequence[ReleaseRef | None], subject: str, looked: Scanner
) -> None:
    refs = [*(_newest(source.releases(pack)) for pack in sorted(source.packs())), *states]
    if not refs:
        raise UsageError(f"`{subject}` contains no pack", hint=f"a pack has a `{MANIFEST}` or agent files in `agents/`")
    for ref in refs:
        if ref is not None:
            label = _relative(workspace, ref.place)
            looked.pack(_unless_unreadable(source, ref), label, ref.pack)


def _unless_unreadable(source: Source, ref: ReleaseRef) -> Mapping[str, bytes]:
    try:
        return source.read(ref)
    except OSError as error:
        raise Unavailable(f"{error.filename or ref.place}: {error.strerror}") from None


def _newest(refs: Sequence[ReleaseRef]) -> ReleaseRef | None:
    return max(refs, key=lambda ref: ref.version, default=None)


def _relative(workspace: Workspace, place: str) -> str:
    """A path below the current folder relative to it, as reports in a pipeline need it; else absolute."""
    cwd = workspace.environment.cwd.rstrip("/")
    return place.removeprefix(f"{cwd}/") if place != cwd else "."


def _read(place: str, most: int = MAX_BYTES) -> bytes:
    try:
        return read_start(place, most)
    except OSError as error:
        raise Unavailable(f"{place}: {error.strerror}") from None


def _look_at_requirement(workspace: Workspace, subject: str, looked: Scanner) -> None:
    """Scan the release `install` would choose if the pack were not installed. It need not be a valid pack."""
    requirement = parse_requirement(subject)
    refuse_address(requirement, hint="give the path of a folder")
    manifest = with_source(workspace, workspace.manifest, requirement)
    candidates = candidates_to_view(workspace, manifest, workspace.lock)
    offered = candidates.releases(requirement.pack)
    fitting = [ref for ref in offered if requirement.allows(ref.version)]
    final = [ref for ref in fitting if not ref.version.is_prerelease]
    ref = _newest(final or fitting)
    if ref is None:
        known, agent = candidates.known(), agent_hint(candidates.sources, manifest, requirement.pack)
        raise Unresolvable(
            f"no source has a release of `{requirement.pack}` that matches `{subject}`"
            if offered
            else f"no source has a pack `{requirement.pack}`",
            details=[f"there are {', '.join(str(one.version) for one in offered)}"] if offered else (),
            hint=None if offered else agent or did_you_mean(requirement.pack, known) or "for a folder, write `./NAME`",
        )
    looked.pack(candidates.fetched(ref).files, f"{ref.pack}-{ref.version}", ref.pack)
