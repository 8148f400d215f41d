"""Policies are asked before anything is written; they are loaded only where there is one."""

from agentpack.wanted.candidates import Library
from agentpack.wanted.making import Made


def obey(library: Library, made: Made) -> None:
    """Raise PolicyRefused, with every refusal, where a policy does not allow a release or what its files may do."""
    if library.workspace.policies.may_refuse:
        from agentpack.wanted.policy_check import judge

        judge(library, made)
