"""The console script: hot commands are answered before the command-line library is loaded, all else goes to it.

It also decides how the process begins and ends. A command lives for some milliseconds: collecting garbage while
modules load, and taking every object apart at the end, would be a third of them.
"""

import _signal  # type: ignore[import-not-found]
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `signal` take longer to load than a hot command takes to answer
    from typing import Any, NoReturn


def main() -> "NoReturn":
    """Run the command that the arguments name and exit with its code."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, interrupted)
    sys.unraisablehook = _raise_again
    gc.set_threshold(100_000)
    if sys.stdout is None or sys.stderr is None:
        reopen()
    try:
        from agentpack.fast import answer

        code = answer(sys.argv[1:])
        if code is None:
            from agentpack.cli.app import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it ends: nothing is under way
        interrupted()
    leave(code)


def interrupted(*_: object) -> "NoReturn":
    """End the process at once: it is interrupted while it starts or ends, and nothing is under way.

    Not by an exception: while modules load, Python may print it, or lose it in a callback. `cli/boundary.py` puts the
    usual handler back for the work of a command.
    """
    try:
        os.write(2, b"error: interrupted\n")  # what says it elsewhere may not be loaded yet
    finally:
        os._exit(130)


def _raise_again(lost: "Any") -> None:
    """An interrupt that came where nothing can be raised, in a callback of an import, comes again after it."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    from _thread import allocate_lock, interrupt_main, start_new_thread

    def again() -> None:
        (wait := allocate_lock()).acquire()
        wait.acquire(timeout=0.01)  # until the callback has ended
        interrupt_main()

    start_new_thread(again, ())


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

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, interrupted)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader is gone
        pass
    os._exit(code)


if __name__ == "__main__":
    main()
