"""Where a path really is."""

import os

from agentpack.errors import Unavailable

_TRIES = 20


def real_path(path: str) -> str:
    """The absolute path with every link followed, as `os.path.realpath` has it: what does not exist stays as named.

    The library's own fails when a link goes away between its two looks at it, so that is tried again.

    Raises:
        Unavailable: another program exchanges something on the way all the time.
    """
    for _ in range(_TRIES):
        try:
            return os.path.realpath(path)
        except OSError as error:
            reason = error
    raise Unavailable(f"cannot follow the links to `{path}`: {reason.strerror or reason}", hint="try again") from reason


def is_below(path: str, folder: str) -> bool:
    """Whether a real path is that real folder, or in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
