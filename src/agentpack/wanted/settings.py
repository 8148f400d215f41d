"""Parse `--set` options."""

from collections.abc import Mapping, Sequence

from agentpack.errors import InvalidFile, UsageError
from agentpack.model.requirement import Requirement
from agentpack.wanted.candidates import Candidates


def read_settings(
    candidates: Candidates, requirement: Requirement, settings: Sequence[str]
) -> Mapping[str, str | int | bool]:
    """The parameter values of `--set` texts, as declared by the newest release that the requirement allows."""
    releases = [ref for ref in candidates.releases(requirement.pack) if requirement.allows(ref.version)]
    declarations = candidates.read(requirement.pack, releases[0].version)[1].declarations if releases else {}
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"`--set {setting}`: write `--set parameter=value`")
        _refuse_hidden(name, text)
        if name in declarations:
            values[name] = declarations[name].read(text)
        else:
            values[name] = text  # refused with the known names once the release is chosen
    return values


def _refuse_hidden(name: str, text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    from agentpack.input.hidden_in_files import OWN_HINT, faults_of, value_findings
    from agentpack.input.hidden_text import text_findings

    label = f"--set {name}"
    found = text_findings(text.encode("utf-8", "surrogateescape"), label) or value_findings(text, label, 1, 1)
    if found:
        raise InvalidFile(faults_of(found), hint=OWN_HINT)
