"""The family of errors.

An error carries what went wrong, the lines that show where, and the next step. `cli/output.py` turns it into words
on a terminal or into the envelope of `--json`; nothing else prints one. Each class fixes the process's exit code (the
contract in `docs/reference/exit-codes.md`) and a stable word, `code`, for programs.

    AgentpackError
    ├── UsageError            2   the call itself is off
    ├── InvalidFile           2   a manifest, lock, pack or variant of the user's has faults
    ├── DecisionNeeded        3   an edited or foreign file, a conflict: an option decides
    ├── Unresolvable          4   no such pack or version, requirements at odds
    ├── Refused               5   integrity, safety or policy
    │   ├── PolicyRefused         a policy does not allow it
    │   └── PolicyUnreadable      a policy cannot be read, so nothing is allowed
    ├── Unavailable           6   not readable, not writable, busy, interrupted: trying again helps
    │   └── SourceWithheld    3   a source outside of the repository that nobody here agreed to: an option decides
    └── Bug                   70  ours
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from agentpack.addresses import without_secrets


class AgentpackError(Exception):
    """What went wrong (`message`), where (`details`, a line each) and what to do next (`hint`)."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 70
    ways: tuple[str, ...] = ()
    """If there are several ways on: each, for people. `hint` has them in one sentence."""

    def __init__(self, message: str, *, hint: str | None = None, details: Iterable[str] = ()) -> None:
        self.message = without_secrets(message)
        super().__init__(self.message)
        self.hint = hint and without_secrets(hint)
        self.details = tuple(map(without_secrets, details))

    @property
    def lines(self) -> tuple[str, ...]:
        """The message and the details, each line once: a single fault is both."""
        return tuple(dict.fromkeys((self.message, *self.details)))


class UsageError(AgentpackError):
    """The command line is wrong, or the command does not work in this place."""

    code = "usage"
    exit_code = 2


class Fault(NamedTuple):
    """One fault in a file. `line` counts from 1; 0 if it has no line."""

    file: str
    line: int
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"


class InvalidFile(AgentpackError):
    """A file that people write is invalid. All its faults are reported together."""

    code = "invalid-file"
    exit_code = 2

    def __init__(self, faults: Iterable[Fault], *, hint: str | None = None) -> None:
        faults = (f._replace(key=without_secrets(f.key), message=without_secrets(f.message)) for f in faults)
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line, fault.key)))
        message, *more = lines = [str(fault) for fault in self.faults]
        if more:
            message = f"{len(lines)} errors in {', '.join(sorted({fault.file for fault in self.faults}))}"
        super().__init__(message, hint=hint, details=lines)


class DecisionNeeded(AgentpackError):
    """Only the user can decide how to continue; the hint names the option."""

    code = "decision-needed"
    exit_code = 3


class Cancelled(DecisionNeeded):
    """The user answered no."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class Unresolvable(AgentpackError):
    """No set of releases satisfies the requirements."""

    code = "unresolvable"
    exit_code = 4


class Refused(AgentpackError):
    """Refused for integrity, safety or policy reasons."""

    code = "refused"
    exit_code = 5


class PolicyRefused(Refused):
    """A policy does not allow it."""

    code = "policy"


class PolicyUnreadable(Refused):
    """A policy is set but cannot be read or trusted: nothing is allowed until it can."""

    code = "policy-unreadable"


class Unavailable(AgentpackError):
    """Something could not be read, written or locked in time; the same command may succeed later."""

    code = "unavailable"
    exit_code = 6


class SourceWithheld(Unavailable):
    """A project's source is outside of its repository, and this user has not agreed to read it. Whatever can do without
    a missing source can do without this one.
    """

    code = "source-outside"
    exit_code = 3


class Interrupted(SystemExit):
    """A signal ended the command. `code` is 128 plus its number, as in shells; `message` says what became of the
    change. Not an AgentpackError, so that no handler takes it for one.
    """

    hint: str | None = None
    details: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    """As those of an AgentpackError."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(128 + number)
        self.number = 128 + number
        self.message = message


class Bug(AgentpackError):
    """A state that should be impossible."""

    code = "bug"
    exit_code = 70
