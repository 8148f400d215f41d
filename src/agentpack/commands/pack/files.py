"""Write files of a pack under development, each atomically."""

from collections.abc import Mapping
from posixpath import dirname

from agentpack.disk import Disk


def put_files(folder: str, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, which is created if needed.

    Raises:
        Unavailable: the disk is full or read-only. Files written before stay.
        Refused: a link leads out of the folder.
    """
    disk = Disk({"": folder})
    staged = {}
    for path, data in sorted(files.items()):
        _make_folders(disk, dirname(path))
        seen = disk.look(path)
        new = f"{path}.new"
        disk.unlink(new)
        disk.create(new, data, mode=seen and seen.mode, owner=seen and seen.owner)
        staged[new] = path
    disk.make_durable(list(staged), [])
    for new, path in staged.items():
        disk.rename(new, path)
    disk.make_durable([], sorted({dirname(path) for path in files}))


def _make_folders(disk: Disk, folder: str) -> None:
    if folder:
        _make_folders(disk, dirname(folder))
    disk.mkdir(folder)
