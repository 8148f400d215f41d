"""Policies are asked before anything is written; they are loaded only where there is one."""

from agentpack.operations.library import Library
from agentpack.operations.making import Made


def obey(library: Library, made: Made) -> None:
    """Raise PolicyRefused, with every refusal, where a policy does not allow a release or what its files may do."""
    if library.workspace.is_judged:
        from agentpack.operations.judging import judge

        judge(library, made)
