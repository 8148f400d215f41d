"""Turn errors into messages and exit codes, however the arguments were parsed."""

import signal
import sys
from collections.abc import Callable
from typing import Any

from agentpack.cli.output import Output
from agentpack.cli.streams import OutputError, flush_data, silence
from agentpack.errors import AgentpackError, Interrupted, Unavailable


def guarded(output: Output, call: Callable[[], int]) -> int:
    """Run a call and report every error. Returns the exit code."""
    if (signals := _signals()) is not None:
        signals.forget()
    start = sys.modules.get("agentpack.__main__") or sys.modules["__main__"]
    if signal.getsignal(signal.SIGINT) is getattr(start, "interrupted", None):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on work is put in order first
    code = 0
    try:
        code = _ended(output, call)
        flush_data()
    except BrokenPipeError:  # the reader is gone: nothing to tell it
        silence(sys.stdout)
    except OutputError as lost:
        silence(sys.stdout)
        return _unwritten(output, lost)
    return code


def _unwritten(output: Output, lost: OutputError) -> int:
    """Report that output was lost, as text: an envelope would be lost too."""
    output.json = False
    hint = "send the output elsewhere; `agentpack history` shows whether anything was changed"
    return output.error(Unavailable(f"standard output {lost}", hint=hint))


def _ended(output: Output, call: Callable[[], int]) -> int:
    try:
        return call()
    except AgentpackError as error:
        return _report(output, error)
    except Interrupted as ended:
        if ended.number == 128 + signal.SIGINT:
            output.interrupted()
        return output.failure("interrupted", ended.message, ended.number, ended.hint, ended.details)
    except KeyboardInterrupt:
        output.interrupted()
        return output.failure("interrupted", "; ".join(("interrupted", *_made())), 130)
    except (BrokenPipeError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary
        if hasattr(error, "format_message"):  # the command-line library's own
            return output.usage(error)
        return output.bug(error)


def _made() -> tuple[str, ...]:
    """What was done before an interrupt, if anything."""
    signals = _signals()
    return (signals.made(),) if signals is not None and signals.made() else ()


def _signals() -> Any:
    """The module that knows of changes, if one was made; it is not loaded just to ask."""
    return sys.modules.get("agentpack.apply.signals")


def _report(output: Output, error: AgentpackError) -> int:
    """Report an error, preceded by the conflicts. Returns its exit code."""
    try:
        if error.code == "widening":
            from agentpack.reports.capabilities import may_data

            return output.error(error, {"capabilities": may_data(error.changes)})  # type: ignore[attr-defined]
        if error.code != "conflict":
            return output.error(error)
        from agentpack.cli.conflicts import conflict_data, show_conflicts

        show_conflicts(output, error)
        return output.error(error, conflict_data(error))
    except BrokenPipeError:
        silence(sys.stdout)
        return error.exit_code
