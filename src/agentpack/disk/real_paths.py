"""Real paths, with every link followed."""

import os

from agentpack.errors import Unavailable

_TRIES = 20


def real_path(path: str) -> str:
    """The absolute path with every link followed, like `os.path.realpath`; missing parts stay as named.

    The library function fails if a link disappears between its two reads of it, so this one retries.

    Raises:
        Unavailable: another program keeps replacing a link on the way.
    """
    for _ in range(_TRIES):
        try:
            return os.path.realpath(path)
        except OSError as error:
            reason = error
    raise Unavailable(f"cannot follow the links to `{path}`: {reason.strerror or reason}", hint="try again") from reason


def is_below(path: str, folder: str) -> bool:
    """Whether a real path is that real folder or below it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
