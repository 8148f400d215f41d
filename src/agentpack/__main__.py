"""The console script: hot commands are answered before the command-line library is loaded, all else goes to it.

It also decides how the process begins and ends. A command lives for some milliseconds: collecting garbage while
modules load, and taking every object apart at the end, would be a third of them.
"""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to load than a hot command takes to answer
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the command that the arguments name and exit with its code."""
    gc.set_threshold(100_000)
    from agentpack.fast import answer

    code = answer(sys.argv[1:])
    if code is None:
        from agentpack.cli.app import run

        code = run(sys.argv[1:])
    leave(code)


def leave(code: int) -> "NoReturn":
    """End the process: what was said goes out, what others left for the end is run, and the system frees the rest."""
    import atexit

    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # the reader is gone, or there is none
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main()
