"""pack build: check and test a release, then write it as an archive with reproducible bytes."""

from collections.abc import Sequence
from os.path import basename, dirname, isdir, join, lexists, normpath
from typing import NamedTuple

from agentpack.commands.pack.authored import PackFolder, open_pack, pack_folders
from agentpack.commands.pack.check import CheckedPack, errors_in, pack_check
from agentpack.commands.pack.files import put_files
from agentpack.commands.pack.run_tests import TestedPack, run_cases
from agentpack.disk.atomic import read_start
from agentpack.errors import Refused, Unavailable, UsageError
from agentpack.model.names import Digest, digest_of
from agentpack.workspace.workspace import Workspace


class BuiltArchive(NamedTuple):
    """An archive that was written, or with `dry_run` would be."""

    release: str
    path: str
    """As the user would write it."""
    size: int
    """In bytes."""
    sha256: Digest
    """The digest of the archive."""
    digest: Digest
    """The digest of the release, independent of its container: what a lock pins."""
    written: bool
    """False if the identical archive existed already."""


class NotBuilt(Refused):
    """A release breaks a rule of the check, or fails one of its own tests."""

    code = "not-built"
    exit_code = 1

    def __init__(self, checked: CheckedPack, tested: TestedPack | None) -> None:
        details = [
            f"{f.file}{f':{f.line}' if f.line else ''}: {f.rule} {f.message}"
            for f in checked.findings
            if f.weight == "error"
        ]
        for ran in tested.ran if tested else ():
            details += [f"{ran.case.file}:{ran.case.line}: {ran.case.name}: {failure}" for failure in ran.failures]
        what = checked.release or checked.folder
        super().__init__(
            f"{what} was not built",
            details=details,
            hint="`agentpack pack check` and `agentpack pack test` show all problems",
        )


def pack_build(
    workspace: Workspace, folders: Sequence[str], *, out: str = "dist", dry_run: bool = False
) -> tuple[BuiltArchive, ...]:
    """Check, test and write every release below the folders as `<name>-<version>.tar.gz`.

    Raises:
        NotBuilt: the check finds an error, or a test fails: nothing is written.
        Refused: a different archive with that name exists: a release does not change.
    """
    ready = [_ready(workspace, folder, out) for folder in pack_folders(workspace, folders or ["."])]
    built = []
    for shown, path, data, row in ready:
        there = _read(path, len(data) + 1)
        if there is not None and there != data:
            raise Refused(
                f"`{shown}` contains a different {row.release}",
                hint="a published release should never change: use a new version, or delete the archive",
            )
        if there is None and not dry_run:
            put_files(dirname(path), {basename(path): data})
        built.append(row._replace(written=there is None))
    return tuple(built)


def _ready(workspace: Workspace, folder: PackFolder, out: str) -> tuple[str, str, bytes, BuiltArchive]:
    (checked,) = pack_check(workspace, [folder.path]).packs
    checked = checked._replace(folder=folder.shown)
    tested = None
    if checked.release:
        authored = open_pack(workspace, folder)
        tested = run_cases(authored, folder)
    if tested is None or errors_in([checked]) or tested.failed:
        raise NotBuilt(checked, tested)
    name = f"{authored.pack.name}-{authored.pack.version}"
    place = normpath(join(workspace.environment.cwd, out))
    if lexists(place) and not isdir(place):
        raise UsageError(f"`--out {out}` is not a folder")
    from agentpack.input.archives import write_archive  # only once a pack has passed

    data = write_archive(authored.release.files, prefix=name)
    shown = f"{normpath(out)}/{name}.tar.gz"
    row = BuiltArchive(authored.pack.release, shown, len(data), digest_of(data), authored.release.digest, True)
    return shown, f"{place}/{name}.tar.gz", data, row


def _read(path: str, most: int) -> bytes | None:
    try:
        return read_start(path, most)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
