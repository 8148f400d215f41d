"""policy explain: what holds here, and what each rule says about a pack, whether or not it may be installed."""

from collections.abc import Sequence
from typing import NamedTuple

from agentpack.changes.named_release import clients_for, select_named
from agentpack.environment import policy_files
from agentpack.policy.policy import Policy, PolicyEntry, PolicyList, strictest
from agentpack.policy.refusal import PackVerdict, read_what_can_be_read
from agentpack.wanted.choose import choose_as_installed
from agentpack.wanted.policy_check import evaluate
from agentpack.workspace.workspace import Workspace


class Setting(NamedTuple):
    """One setting that holds, and the line that decided it. A list that allows stands for itself: with several of
    them, what is allowed stands in each."""

    rule: str
    values: tuple[str | int, ...]
    file: str
    line: int


class Effective(NamedTuple):
    """The policy that holds in a scope. Where there are problems, nothing is allowed."""

    files: tuple[str, ...]
    settings: tuple[Setting, ...]
    problems: tuple[str, ...] = ()
    """Why a file cannot be read, a line each."""


def effective(workspace: Workspace) -> Effective:
    """What all policies of the scope that can be read say together, and what is wrong with the others.

    Raises:
        InvalidFile: the manifest has faults.
    """
    external, problems = read_what_can_be_read(policy_files(workspace.environment))
    policy = strictest((*workspace.policies.own, *external))
    return Effective(policy.files, tuple(_settings(policy)), problems)


def _settings(policy: Policy) -> list[Setting]:
    found: list[Setting] = []
    named = {"sources": policy.sources, "packs": policy.packs, "licenses": policy.licenses}
    for key, lists in {**named, "capabilities": policy.capabilities}.items():
        found += [_list(f"{key}.allow", listed) for listed in lists.allow]
        found += [_value(f"{key}.deny", entry) for entry in lists.deny]
    found += [_list("capabilities.accept", listed) for listed in policy.accept]
    single = {"hidden_text": policy.hidden_text, "minimum_age": policy.minimum_age, "maximum_size": policy.maximum_size}
    found += [_value(key, entry) for key, entry in single.items() if entry is not None]
    return found


def _list(rule: str, listed: PolicyList) -> Setting:
    return Setting(rule, tuple(entry.value for entry in listed.entries), listed.file, listed.line)


def _value(rule: str, entry: PolicyEntry) -> Setting:
    return Setting(rule, (entry.value,), entry.file, entry.line)


class ExplainedPolicy(NamedTuple):
    """What the policy says about a requirement: the pack that is asked for first, then those that it requires."""

    packs: tuple[PackVerdict, ...]
    passed_over: tuple[PackVerdict, ...]
    """Newer releases of these packs that are too young."""

    @property
    def allowed(self) -> bool:
        return not any(verdict.refusals for verdict in self.packs)


def explain(workspace: Workspace, text: str, *, clients: Sequence[str] = ()) -> ExplainedPolicy:
    """What each rule says about the release that `install` would choose; where only releases that are too young would
    do, about the newest of those.

    Raises:
        PolicyUnreadable, InvalidFile: a policy cannot be read.
        Unresolvable: there is no such pack or release.
    """
    _ = workspace.policies.strictest
    asked = choose_as_installed(select_named(workspace, text))
    candidates, (entry,) = asked.candidates, asked.manifest.packs
    wanted = asked.for_clients(clients_for(asked, clients)).preview()
    found = sorted(evaluate(candidates, wanted), key=lambda one: (one.pack != entry.requirement.pack, one.pack))
    versions = {pin.pack: pin.version for pin in asked.pins}
    passed = (
        one
        for (pack, version), one in sorted(candidates.passed_over.items())
        if pack in versions and version > versions[pack]
    )
    return ExplainedPolicy(tuple(found), tuple(passed))
