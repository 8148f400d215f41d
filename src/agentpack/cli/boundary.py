"""The one boundary where errors become words and exit codes, whoever read the words of the call."""

import os
import sys
from collections.abc import Callable
from typing import Any

from agentpack.cli.present import Output
from agentpack.errors import AgentpackError, Ended


def guarded(output: Output, call: Callable[[], int]) -> int:
    """The exit code of a call; every error ends here."""
    if (signals := _signals()) is not None:
        signals.forget()
    try:
        code = call()
        sys.stdout.flush()
        return code
    except AgentpackError as error:
        return _told(output, error)
    except Ended as ended:
        return output.failure("interrupted", ended.message, ended.number)
    except KeyboardInterrupt:
        return output.failure("interrupted", "; ".join(("interrupted", *_made())), 130)
    except BrokenPipeError:
        _leave_pipe()
        return 0
    except Exception as error:  # noqa: BLE001 - the boundary
        if hasattr(error, "format_message"):  # the command-line library's own
            return output.usage(error)
        return output.bug(error)


def _made() -> tuple[str, ...]:
    """What was done before an interrupt came, if anything was."""
    signals = _signals()
    return (signals.made(),) if signals is not None and signals.made() else ()


def _signals() -> Any:
    """The module that knows of changes, if one was made: not loaded for its own sake."""
    return sys.modules.get("agentpack.apply.signals")


def _told(output: Output, error: AgentpackError) -> int:
    """Tell an error, with the places of a conflict before it; its exit code."""
    try:
        if error.code == "widening":
            from agentpack.cli.capabilities import may_data

            return output.error(error, {"capabilities": may_data(error.changes)})  # type: ignore[attr-defined]
        if error.code != "conflict":
            return output.error(error)
        from agentpack.cli.conflicts import conflict_data, show_conflicts

        show_conflicts(output, error)
        return output.error(error, conflict_data(error))
    except BrokenPipeError:
        _leave_pipe()
        return error.exit_code


def _leave_pipe() -> None:
    """The reader is gone: nothing to tell it, and no traceback at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
