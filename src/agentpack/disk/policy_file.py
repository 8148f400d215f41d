"""Read a policy file, from any folder, only if nobody else could have written it."""

import os
import stat

from agentpack.disk.real_paths import real_path
from agentpack.errors import Refused


def read_trusted(path: str, most: int) -> bytes:
    """The bytes of a regular file, at most `most`. Links are followed.

    Raises:
        Refused: not a regular file, too long, or everybody may write or replace it.
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{path} is {'a folder' if stat.S_ISDIR(found.st_mode) else 'not a regular file'}")
        if found.st_mode & stat.S_IWOTH:
            raise Refused(f"every user can write to {path}", hint=f"chmod o-w {path}")
        for folder in {os.path.dirname(os.path.abspath(path)), os.path.dirname(real_path(path))}:
            mode = os.stat(folder).st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                raise Refused(f"every user can replace {path}", hint=f"chmod o-w {folder}")
        data = b""
        while len(data) <= most and (part := os.read(descriptor, most + 1 - len(data))):
            data += part
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise Refused(f"{path} is longer than {most // 1024} KiB")
    return data
