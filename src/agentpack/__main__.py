"""The console script: answers simple commands without the command-line library, and leaves all others to it.

It also decides how the process begins and ends. A command lives for some milliseconds: collecting garbage while modules
load, and destroying every object at the end, would take a third of that.
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
    """End the process at once: it was interrupted while starting or ending, when nothing is under way.

    Not with an exception: while modules load, Python may print it, or lose it in a callback. `cli/boundary.py` restores
    the usual handler for the work of a command.
    """
    try:
        os.write(2, b"error: interrupted\n")  # what says it elsewhere may not be loaded yet
    finally:
        os._exit(130)


def _raise_again(lost: "Any") -> None:
    """Raise an interrupt again that came where nothing can be raised, in a callback of an import."""
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
    """Open standard streams that the parent process closed, so that nothing we write fails or ends in another file with
    the same descriptor.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free, and that is the closed one
            if name != "stdin":
                setattr(sys, name, os.fdopen(place, "w", encoding="utf-8", closefd=False))


def leave(code: int) -> "NoReturn":
    """End the process: flush output, run exit handlers, and let the system free the rest."""
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
