"""policy explain: the policy settings that apply here, and the verdict of each rule on a pack."""

from collections.abc import Sequence
from typing import NamedTuple

from agentpack.changes.named_release import clients_for, select_named
from agentpack.environment import policy_files
from agentpack.policy.policy import Policy, PolicyEntry, PolicyList, strictest
from agentpack.policy.refusal import PackVerdict, read_readable_policies
from agentpack.wanted.choose import choose_as_installed
from agentpack.wanted.policy_check import evaluate
from agentpack.workspace.workspace import Workspace


class Setting(NamedTuple):
    """A setting that applies, and the line that set it. Each allow list is a setting of its own, because a value must
    be in all of them.
    """

    rule: str
    values: tuple[str | int, ...]
    file: str
    line: int


class EffectivePolicy(NamedTuple):
    """The policy of a scope. If there are problems, nothing is allowed."""

    files: tuple[str, ...]
    settings: tuple[Setting, ...]
    problems: tuple[str, ...] = ()
    """Why files cannot be read, a line each."""


def effective(workspace: Workspace) -> EffectivePolicy:
    """The policies that apply in the scope, combined: its own, the user's and the organisation's, as far as they can be
    read; for each of the others, why not.

    Raises:
        InvalidFile: the manifest has faults.
    """
    external, problems = read_readable_policies(policy_files(workspace.environment))
    policy = strictest((*workspace.policies.own, *external))
    return EffectivePolicy(policy.files, tuple(_settings(policy)), problems)


def _settings(policy: Policy) -> list[Setting]:
    found: list[Setting] = []
    named = {"sources": policy.sources, "packs": policy.packs, "licenses": policy.licenses}
    for key, lists in {**named, "capabilities": policy.capabilities}.items():
        found += [_list(f"{key}.allow", listed) for listed in lists.allow]
        found += [_value(f"{key}.deny", entry) for entry in lists.deny]
    found += [_list("capabilities.accept", listed) for listed in policy.accept]
    single = {
        "hidden_text": policy.hidden_text,
        "minimum_age": policy.minimum_age,
        "maximum_size": policy.maximum_size,
        "signed_tags": policy.signed_tags,
    }
    found += [_value(key, entry) for key, entry in single.items() if entry is not None]
    return found


def _list(rule: str, listed: PolicyList) -> Setting:
    return Setting(rule, tuple(entry.value for entry in listed.entries), listed.file, listed.line)


def _value(rule: str, entry: PolicyEntry) -> Setting:
    return Setting(rule, (entry.value,), entry.file, entry.line)


class ExplainedPolicy(NamedTuple):
    """The verdicts on a requirement: first the requested pack, then those it requires."""

    packs: tuple[PackVerdict, ...]
    passed_over: tuple[PackVerdict, ...]
    """Newer releases of these packs that the policy considers too new."""

    @property
    def allowed(self) -> bool:
        return not any(verdict.refusals for verdict in self.packs)


def explain(workspace: Workspace, text: str, *, clients: Sequence[str] = ()) -> ExplainedPolicy:
    """The verdict of each rule on the release `install` would choose; if only releases that are too new satisfy the
    requirement, on the newest of those.

    Raises:
        PolicyUnreadable, InvalidFile: a policy cannot be read.
        Unresolvable: no source has this pack or release.
    """
    _ = workspace.policies.strictest
    asked = choose_as_installed(select_named(workspace, text))
    candidates, (entry,) = asked.candidates, asked.manifest.packs
    wanted = asked.for_clients(clients_for(asked, clients)).preview(skips=True)
    found = sorted(evaluate(candidates, wanted), key=lambda one: (one.pack != entry.requirement.pack, one.pack))
    versions = {pin.pack: pin.version for pin in asked.pins}
    passed = (
        one
        for (pack, version), one in sorted(candidates.passed_over.items())
        if pack in versions and version > versions[pack]
    )
    return ExplainedPolicy(tuple(found), tuple(passed))
