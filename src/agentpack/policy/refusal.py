"""Read the policies of a scope, and refuse what they do not allow. Loaded only if a policy is set."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentpack.disk.policy_file import read_trusted
from agentpack.environment import POLICY_VARIABLE, blocking_path
from agentpack.errors import AgentpackError, InvalidFile, PolicyRefused, PolicyUnreadable
from agentpack.policy.evaluate import Verdict, read_policy, refusals, source_verdicts
from agentpack.policy.policy import Policy

MAX_BYTES = 256 * 1024


_HINT = "nothing is changed until it can be read: fix it, or ask its author; `agentpack policy explain` checks it again"


def read_policies(files: Iterable[str]) -> tuple[Policy, ...]:
    """The policies in these files.

    Raises:
        PolicyUnreadable: one cannot be read or trusted; lists every problem.
    """
    found, problems = read_readable_policies(files)
    if problems:
        raise PolicyUnreadable("a policy cannot be read, so nothing is allowed", details=problems, hint=_HINT)
    return found


def read_readable_policies(files: Iterable[str]) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """The policies in the readable files, and the problems with the others."""
    found: list[Policy] = []
    problems: list[str] = []
    for file in files:
        try:
            found.append(_read(file))
        except InvalidFile as error:
            problems += error.details
        except AgentpackError as error:
            problems.append(error.message + (f" ({error.hint})" if error.hint else ""))
        except (OSError, ValueError) as error:
            problems.append(f"{file}: {getattr(error, 'strerror', None) or error}")
    return tuple(found), tuple(problems)


def _read(file: str) -> Policy:
    if not os.path.isabs(file):
        raise PolicyUnreadable(f"{POLICY_VARIABLE} is `{file}`, which is not an absolute path to a file")
    try:
        data = read_trusted(file, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        if (folder := blocking_path(file)) is None:
            raise
        what = "a broken link" if os.path.islink(folder) else "not a folder"
        raise PolicyUnreadable(f"{file}: {folder} is {what}") from None
    return Policy.from_data(read_policy(data, file), file)


class PackVerdict(NamedTuple):
    """The verdict of each rule on one chosen pack."""

    pack: str
    version: str
    verdicts: tuple[Verdict, ...]

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        return refusals(self.verdicts)


def refuse_releases(found: Sequence[PackVerdict]) -> None:
    """Raise PolicyRefused if any pack is refused."""
    refused = [one for one in found if one.refusals]
    if not refused:
        return
    several = len(refused) > 1
    first = refused[0].refusals[0]
    names = ", ".join(f"{one.pack} {one.version}" for one in refused[:8]) + (" and more" if len(refused) > 8 else "")
    details = [
        f"{f'{one.pack} {one.version}: ' if several else ''}{verdict_text(verdict)}"
        for one in refused
        for verdict in one.refusals
    ]
    count = sum(len(one.refusals) for one in refused) - 1
    more = f" and by {count} more" if count else ""
    message = f"{names} {'are' if several else 'is'} refused by `{first.rule}` ({first.file}:{first.line}){more}"
    hint = f"`agentpack policy explain {refused[0].pack}@{refused[0].version}` shows the result of each setting"
    raise PolicyRefused(message, details=details, hint=hint)


def refuse_source(policy: Policy, source: str, places: Sequence[str]) -> None:
    """Raise PolicyRefused if nothing may come from a source, which is known by these places."""
    for refused in refusals(source_verdicts(policy.sources, source, places)):
        message = f"the source `{source}` is refused by `{refused.rule}` ({refused.file}:{refused.line})"
        raise PolicyRefused(message, details=[f"it is at {places[0]}", verdict_text(refused)])


def verdict_text(verdict: Verdict) -> str:
    """A verdict in one line: the rule, the reason, and the line that decided."""
    return f"{verdict.rule}: {verdict.why} ({verdict.file}:{verdict.line})"
