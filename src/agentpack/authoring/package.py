"""The pack as a whole: what a newcomer looks for first."""

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.compose.modules import BEFORE

_SINCE = {"deny": "0.2"}
"""Fields of personas and variants, and the first agentpack that reads them."""


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """A missing README, licence or test; a field that an agentpack in range cannot read."""
    files = subject.release.files
    readers = subject.pack.header.get("agentpack") or ""
    for layer in subject.layers():
        for key, since in _SINCE.items():
            used = layer.header.get(key) is not None or layer.header.get("set", {}).get(key) is not None
            if used and SpecifierSet(readers).contains(BEFORE):
                message = f"`{key}` needs agentpack {since}, but `agentpack` in pack.yaml allows older versions"
                yield CheckFinding(
                    subject.place(layer.file), 0, "P105", message, f'`agentpack: ">={since}"` in pack.yaml'
                )
    if "README.md" not in files:
        yield CheckFinding(f"{subject.folder}/README.md", 0, "P102", "there is no README.md")
    if not subject.pack.header.get("license"):
        hint = "an SPDX id, such as `license: MIT`"
        yield CheckFinding(f"{subject.folder}/pack.yaml", 0, "P103", "`license` is not set", hint)
    elif not any(path.partition(".")[0].upper() in ("LICENSE", "LICENCE", "COPYING") for path in files):
        yield CheckFinding(f"{subject.folder}/LICENSE", 0, "P103", "there is no LICENSE file with the licence text")
    if not any(path.startswith("tests/") and path.endswith((".yaml", ".yml")) for path in files):
        hint = "`tests/*.yaml`, which `agentpack pack test` runs"
        yield CheckFinding(f"{subject.folder}/tests", 0, "P104", "the pack has no tests", hint)
