"""The policies that hold in a scope, read when first asked for: the manifest's, the user's and the organisation's."""

from functools import cached_property
from typing import TYPE_CHECKING

from agentpack.environment import Environment, Scope, policy_files
from agentpack.errors import Fault, InvalidFile
from agentpack.workspace.documents import Documents

if TYPE_CHECKING:
    from agentpack.policy.policy import Policy


class Policies:
    """Who may install what.

    Every member raises PolicyUnreadable where the user's or the organisation's policy cannot be read, and InvalidFile
    where the manifest has faults or loosens what only those two may.
    """

    def __init__(self, environment: Environment, scope: Scope, documents: Documents) -> None:
        self._environment, self._scope, self._documents = environment, scope, documents

    def forget(self) -> None:
        """Drop what the manifest says: it is read again when next asked for."""
        self.__dict__.pop("strictest", None)

    @cached_property
    def external(self) -> "tuple[Policy, ...]":
        """The user's and the organisation's, whatever the manifest says."""
        files = policy_files(self._environment)
        if not files:
            return ()
        from agentpack.policy.refusal import read_policies  # only where there is one

        return read_policies(files)

    @property
    def own(self) -> "tuple[Policy, ...]":
        """What the manifest says: nothing, or one policy."""
        if self._documents.manifest.policy is None:
            return ()
        from agentpack.policy.policy import Policy  # only where one is asked for

        scope = self._scope
        own = Policy.from_data(self._documents.manifest.policy, scope.absolute(scope.manifest))
        if own.hidden_text is not None and own.reports_hidden_text and scope.kind == "project":
            message = "a project does not decide that hidden text is only reported"
            fault = Fault(own.files[0], own.hidden_text.line, "policy.hidden_text", message)
            raise InvalidFile([fault], hint="the user's or the organisation's policy may say `report`")
        return (own,)

    @cached_property
    def strictest(self) -> "Policy":
        """What all of them say together."""
        from agentpack.policy.policy import strictest  # as above

        return strictest((*self.own, *self.external))

    @property
    def exist(self) -> bool:
        """Whether any of them says something here."""
        return self._documents.manifest.policy is not None or bool(self.external)

    @property
    def may_refuse(self) -> bool:
        """Whether one was set that could refuse something."""
        return self.exist and self.strictest.has_rules

    def accept(self, capability: str) -> bool:
        """Whether they let a release take the capability without `--accept`."""
        return self.exist and self.strictest.accepts_widening(capability)

    @property
    def report_hidden_text(self) -> bool:
        """Whether hidden text in packs is told and let pass."""
        return self.exist and self.strictest.reports_hidden_text
