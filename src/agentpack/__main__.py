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
    if sys.stdout is None or sys.stderr is None:
        reopen()
    try:
        from agentpack.fast import answer

        code = answer(sys.argv[1:])
        if code is None:
            from agentpack.cli.app import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it starts or ends: nothing is under way
        os.write(2, b"error: interrupted\n")  # what says it elsewhere may not be loaded yet
        code = 130
    leave(code)


def reopen() -> None:
    """Open again what whoever started the process had closed, so that nothing can be written to it: neither by us, nor
    into a file that would have taken its number.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free, and that is the closed one
            if name != "stdin":
                setattr(sys, name, os.fdopen(place, "w", encoding="utf-8", closefd=False))


def leave(code: int) -> "NoReturn":
    """End the process: what was said goes out, what others left for the end is run, and the system frees the rest."""
    import atexit

    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader is gone
        pass
    os._exit(code)


if __name__ == "__main__":
    main()
