"""The policies of a scope, read on first use: the manifest's, the user's and the organisation's."""

from functools import cached_property
from typing import TYPE_CHECKING

from agentpack.environment import Environment, Scope, policy_files
from agentpack.errors import Fault, InvalidFile
from agentpack.workspace.documents import Documents

if TYPE_CHECKING:
    from agentpack.policy.policy import Policy


class Policies:
    """The policies that apply in a scope.

    Every member raises PolicyUnreadable if the user's or organisation's policy cannot be read, and InvalidFile if the
    manifest has faults or loosens what only those two may loosen.
    """

    def __init__(self, environment: Environment, scope: Scope, documents: Documents) -> None:
        self._environment, self._scope, self._documents = environment, scope, documents
        self.supply = ""
        """The name of the place that `sync --source` names: what it supplies is judged when it is read, also under the
        name of the source that the lock has it from."""

    def forget(self) -> None:
        """Drop the cached manifest policy."""
        self.__dict__.pop("strictest", None)

    @cached_property
    def external(self) -> "tuple[Policy, ...]":
        """The user's and the organisation's policies."""
        files = policy_files(self._environment)
        if not files:
            return ()
        from agentpack.policy.refusal import read_policies  # only where there is one

        return read_policies(files)

    @property
    def own(self) -> "tuple[Policy, ...]":
        """The manifest's policy; empty if it has none."""
        if self._documents.manifest.policy is None:
            return ()
        from agentpack.policy.policy import Policy  # only where one is asked for

        scope = self._scope
        own = Policy.from_data(self._documents.manifest.policy, scope.absolute(scope.manifest))
        if own.hidden_text is not None and own.reports_hidden_text and scope.kind == "project":
            message = "a project cannot choose to only report hidden text"
            fault = Fault(own.files[0], own.hidden_text.line, "policy.hidden_text", message)
            raise InvalidFile([fault], hint="the user's or the organisation's policy can set `hidden_text: report`")
        return (own,)

    @cached_property
    def strictest(self) -> "Policy":
        """All policies combined."""
        from agentpack.policy.policy import strictest  # as above

        return strictest((*self.own, *self.external))

    @property
    def exist(self) -> bool:
        """Whether any policy is set."""
        return self._documents.manifest.policy is not None or bool(self.external)

    @property
    def may_refuse(self) -> bool:
        """Whether a policy is set that could refuse something."""
        return self.exist and self.strictest.has_rules

    def refuse_place(self, source: str, address: str) -> None:
        """Raise PolicyRefused if nothing may come from a source on another machine: it is not to be asked then."""
        if self.may_refuse and source != self.supply:
            from agentpack.model.git_places import spellings
            from agentpack.policy.refusal import refuse_source  # both only where there is a policy

            refuse_source(self.strictest, source, spellings(address))

    def accept(self, capability: str) -> bool:
        """Whether policies allow a release to gain the capability without `--accept`."""
        return self.exist and self.strictest.accepts_widening(capability)

    @property
    def report_hidden_text(self) -> bool:
        """Whether hidden text in packs is reported instead of refused."""
        return self.exist and self.strictest.reports_hidden_text
