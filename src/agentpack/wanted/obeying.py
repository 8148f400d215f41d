"""Policies are asked before anything is written; they are loaded only where there is one."""

from agentpack.wanted.candidates import Candidates
from agentpack.wanted.making import Wanted


def obey(candidates: Candidates, made: Wanted) -> None:
    """Raise PolicyRefused, with every refusal, where a policy does not allow a release or what its files may do."""
    if candidates.workspace.is_judged:
        from agentpack.wanted.policy_check import enforce

        enforce(candidates, made)
