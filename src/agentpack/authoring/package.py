"""The pack as a whole: what a newcomer looks for first."""

from collections.abc import Iterator

from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """A missing README, licence or test."""
    files = subject.release.files
    if "README.md" not in files:
        yield CheckFinding(f"{subject.folder}/README.md", 0, "P102", "there is no README.md")
    if not subject.pack.header.get("license"):
        hint = "an SPDX id, such as `license: MIT`"
        yield CheckFinding(f"{subject.folder}/pack.yaml", 0, "P103", "`license` is not set", hint)
    elif not any(path.partition(".")[0].upper() in ("LICENSE", "LICENCE", "COPYING") for path in files):
        yield CheckFinding(f"{subject.folder}/LICENSE", 0, "P103", "there is no LICENSE with the text of the licence")
    if not any(path.startswith("tests/") and path.endswith((".yaml", ".yml")) for path in files):
        hint = "`tests/*.yaml`, which `agentpack pack test` runs"
        yield CheckFinding(f"{subject.folder}/tests", 0, "P104", "the pack brings no tests", hint)
