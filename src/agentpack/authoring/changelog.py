"""Changelog and version must reflect what changed since the previous release."""

import re
from collections.abc import Iterator, Sequence

from packaging.version import Version

from agentpack.authoring.changes import MAJOR, MINOR, PATCH, STEPS, ReleaseChange, steps
from agentpack.authoring.findings import CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.model.changelog import FILE, entries

_WORD = re.compile(r"[\w-]+")
_UNWRITTEN = "- TODO: say what changed."
"""In a drafted entry, where the changes are not known."""


def entry_for(text: str, version: str) -> tuple[int, str] | None:
    """The line (from 1) of the heading for a version, and the text below it; None if there is none."""
    return next((entry[1:] for entry in entries(text) if entry.version == version), None)


def step_between(before: str, after: str) -> int:
    """The size of a version step: 0 patch, 1 minor, 2 major; -1 if it is not an increase.

    Below 1.0.0 a minor step counts as major (semver.org, item 4), and a pre-release as its release.
    """
    old, new = Version(before), Version(after)
    if new <= old:
        return -1
    if new.major != old.major or (old.major == 0 and new.minor != old.minor):
        return MAJOR
    return MINOR if new.minor != old.minor or old.major == 0 or old.is_prerelease else PATCH


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """A version step that is too small, a changelog without its heading, and removed ids it does not mention."""
    changed = steps(subject)
    yield from _version(subject, changed)
    data = subject.release.files.get(FILE)
    text = "" if data is None else data.decode("utf-8", errors="replace")
    entry = entry_for(text, subject.pack.version)
    file = f"{subject.folder}/{FILE}"
    if entry is None:
        message = "there is no CHANGELOG.md" if data is None else f"there is no heading for {subject.pack.version}"
        yield CheckFinding(
            file, 0, "P801", message, f"write `## {subject.pack.version}` and what changed; `--fix` adds the heading"
        )
        return
    line, told = entry
    if _UNWRITTEN in told:
        yield CheckFinding(file, line, "P801", f"the entry for {subject.pack.version} does not say what changed")
    words = frozenset(_WORD.findall(told))
    for step in changed:
        if step.id and step.id not in words and (_WORD.fullmatch(step.id) or not mentions(told, step.id)):
            rule = "P803" if step.kind == "capability" or step.name in ("tools", "clients") else "P802"
            yield CheckFinding(file, line, rule, f"does not name `{step.id}`: {step.kind} `{step.name}` {step.what}")


def mentions(text: str, id: str) -> bool:
    """Whether a text contains an id as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(id)}(?![\w-])", text) is not None


def _version(subject: Subject, changed: Sequence[ReleaseChange]) -> Iterator[CheckFinding]:
    earlier = subject.earlier
    if earlier is None or not changed:
        return
    made = step_between(earlier.pack.version, subject.pack.version)
    for step in changed:
        if step.size > made:
            rule = "P203" if step.kind == "rule" and step.what == "removed" else "P804"
            message = (
                f"{step.kind} `{step.name}` {step.what} since {earlier.pack.version}: "
                f"that is a {STEPS[step.size]} change, {subject.pack.version} is "
                f"{'a ' + STEPS[made] + ' step' if made >= 0 else 'no step forward'}"
            )
            yield CheckFinding(f"{subject.folder}/{step.file}", step.line, rule, message)


def draft_entry(subject: Subject, text: str) -> str:
    """A changelog entry that lists every change by its id, for the author to reword; `text` is the changelog.

    Without the release before this one, the author has to write what changed: `findings` asks for it.
    """
    changed = steps(subject)
    lines = [f"## {subject.pack.version}", ""]
    if not changed:
        is_first = subject.earlier is None and not any(entries(text))
        lines += ["- First release." if is_first else _UNWRITTEN if subject.earlier is None else "- No rule changed."]
    for title, wanted in (("Removed", "removed"), ("Added", "added"), ("Changed", "")):
        mine = [step for step in changed if (step.what == wanted if wanted else step.what not in ("removed", "added"))]
        if mine:
            rows = [f"- {step.kind} `{step.name}`" + ("" if wanted else f" {step.what}") for step in mine]
            lines += [f"### {title}", "", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"
