"""Read and write the recorded answers: one file for each client and question, so laid out that diffs are readable."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from judged.clients import Answer, Listed
from judged.skills import Loading

_FOLDER = Path(__file__).with_name("answers")


class Recorded(NamedTuple):
    """The answers of one client."""

    version: str
    every: tuple[str, ...]
    forms: Mapping[str, Answer]


def read(client: str) -> Recorded:
    """The recorded answers of a client."""
    data = json.loads((_FOLDER / f"{client}.json").read_text())
    forms = {form: answer if isinstance(answer, str) else tuple(answer) for form, answer in data["forms"].items()}
    return Recorded(data["version"], tuple(data["every"]), forms)


def record(client: str, version: str, every: tuple[str, ...], forms: Mapping[str, Answer]) -> None:
    """Write a client's answers with today's date."""
    head = {"client": client, "version": version, "asked": date.today().isoformat(), "every": every}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = [f"    {json.dumps(form)}: {json.dumps(answer)}" for form, answer in forms.items()]
    text = "\n".join(["{", *lines, '  "forms": {', ",\n".join(rows), "  }", "}"])
    (_FOLDER / f"{client}.json").write_text(f"{text}\n")


class RecordedHeaders(NamedTuple):
    """What Claude Code lists for agent files."""

    version: str
    listed: Mapping[str, Listed | None]


def read_headers() -> RecordedHeaders:
    """The recorded names and descriptions."""
    data = json.loads((_FOLDER / "claude-headers.json").read_text())
    listed = {text: None if answer is None else (answer[0], answer[1]) for text, answer in data["files"].items()}
    return RecordedHeaders(data["version"], listed)


def record_headers(recorded: RecordedHeaders) -> None:
    """Write them with today's date."""
    head = {"client": "claude", "version": recorded.version, "asked": date.today().isoformat()}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = [f"    {json.dumps(text)}: {json.dumps(answer)}" for text, answer in recorded.listed.items()]
    text = "\n".join(["{", *lines, '  "files": {', ",\n".join(rows), "  }", "}"])
    (_FOLDER / "claude-headers.json").write_text(f"{text}\n")


class RecordedLoading(NamedTuple):
    """What one client gave to the agent with skills."""

    version: str
    files: Mapping[str, str]
    """What agentpack had written, by path."""
    answer: Loading


def read_loading(client: str) -> RecordedLoading:
    """The recorded loading of a skill."""
    data = json.loads((_FOLDER / f"{client}-skills.json").read_text())
    answer = Loading(**{key: tuple(value) for key, value in data["answer"].items()})
    return RecordedLoading(data["version"], data["files"], answer)


def record_loading(client: str, recorded: RecordedLoading) -> None:
    """Write it with today's date."""
    head = {"client": client, "version": recorded.version, "asked": date.today().isoformat()}
    data = {**head, "files": recorded.files, "answer": recorded.answer._asdict()}
    (_FOLDER / f"{client}-skills.json").write_text(f"{json.dumps(data, indent=2)}\n")
