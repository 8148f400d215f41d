"""What holds for every client, those that come with agentpack and those that a user declares: an edit of its file is
told rule by rule, explained, merged, kept and undone, whatever its format and whatever it calls its keys.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.effort import sample
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import write_tree

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.user_declared import declared_client

ODD: Mapping[str, Any] = {
    "description": "summary",
    "model": "engine",
    "models": ["opus", "sonnet"],
    "color": "paint",
    "colors": {"blue": "azure", "red": "ruby"},
    "tools": {"key": "allow", "style": "comma", "names": {"read": "view", "search": "find", "shell": "run"}},
}
"""Keys that no client of ours has."""
DECLARED: Mapping[str, Mapping[str, Any]] = {
    "odd-markdown": {"file": "{name}.mdc", "format": "markdown", **ODD},
    "odd-toml": {"file": "{name}.toml", "format": "toml", "body": "prompt_text", **ODD},
    "odd-json": {"file": "{name}/agent.json", "format": "json", "body": "prompt_text", **ODD},
    "odd-yaml": {"file": "{name}.yml", "format": "yaml", "body": "prompt_text", **ODD, "name": "id"},
    "odd-body": {"file": "{name}.txt", "format": "body", "name": False, "description": False},
    "odd-suffix": {"file": "{name}.agent.txt", "format": "toml", "body": "how", "name": "title"},
}
NAMES = [*sorted(MODULES), *DECLARED]
BODY = """\
You review data with care, for whoever asks, and you say what you found. {#identity}

## Rules {#rules}

- Look before you change. {#look}
- Say what you saw. {#say}
- Keep facts apart. {#apart}

## End {#end}

- Stop when done. {#stop}
"""
LATER = BODY.replace("when done", "when all is done").replace("- Look", "- Ask first. {#ask}\n- Look")


def target_of(client: str) -> Client:
    if client not in DECLARED:
        return CLIENTS[client]
    data = {"schema": 1, "project": f".{client}/agents", **DECLARED[client]}
    return declared_client(client, data, f"{client}.yaml")


def place_of(client: str) -> tuple[str, list[str]]:
    """Where the agent's file lies, and the words that choose the scope."""
    target = target_of(client)
    scope = "project" if target.project is not None else "user"
    path = target.path("reviewer", scope, {})
    assert path is not None
    return path.partition("#")[0], [f"--{scope}"]


class Installed:
    """A client with an agent of release 1.0.0."""

    def __init__(self, agentpack: Agentpack, client: str, home: Path, project: Path) -> None:
        path, self.scope = place_of(client)
        self.file = (project if self.scope == ["--project"] else home) / path
        self.agentpack, self.client, self.form = agentpack, client, target_of(client).form

    def __call__(self, verb: str, *words: str, expect: int = 0) -> Any:
        return self.agentpack(verb, *self.scope, *words, expect=expect)

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def edit(self, *changes: tuple[str, str]) -> None:
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.file.write_text(text, encoding="utf-8")

    def add(self, line: str, new: str) -> tuple[str, str]:
        """The change that puts a line below another one, in the words of the format."""
        if self.form.format == "json":
            return f"{line}\\n", f"{line}\\n{new}\\n"
        indent = next(row for row in self.text.split("\n") if row.endswith(line))[: -len(line)]
        return f"{line}\n", f"{line}\n{indent}{new}\n"

    def rules(self, *words: str) -> dict[str, str]:
        """The rules that differ by id, as data: what the diff says of each."""
        (file,) = self("diff", *words, "--format", "rules", "--json", expect=1).envelope["data"]["files"]
        return {rule["id"] or rule["after"]["text"]: rule["change"] for rule in file["rules"]}

    def explained(self) -> list[Mapping[str, Any]]:
        """Every rule of the file, and where it comes from."""
        (file,) = self("explain", "reviewer", "--json").envelope["data"]["files"]
        return [*file["fields"], *file["rules"]]


@pytest.fixture
def installed(agentpack: Agentpack, home: Path, project: Path, tmp_path: Path) -> Callable[[str], Installed]:
    def install(client: str) -> Installed:
        limited: dict[str, Any] = {"tools": ["read", "search"]} if DECLARED.get(client, {}).get("tools") else {}
        for version, body, about in (("1.0.0", BODY, "data"), ("1.1.0", LATER, "all data")):
            header: dict[str, Any] = {"description": f"Reviews {about}.", "model": "opus", "color": "blue", **limited}
            persona = persona_text(body=body, **header)
            publish(tmp_path / "packs", make_pack("reviews", version, personas={"reviewer": persona}))
        found = Installed(agentpack, client, home, project)
        if client in DECLARED:
            data = {"schema": 1, "project": f".{client}/agents", **DECLARED[client]}
            write_tree(project, {f".agentpack/clients/{client}.yaml": yaml.safe_dump(data)})
        found("install", "reviews==1.0.0", "--source", str(tmp_path / "packs"), "--client", client)
        return found

    return install


@pytest.mark.many
@pytest.mark.parametrize("client", sample(NAMES))
def test_an_edit_is_told_explained_merged_kept_and_undone(installed: Callable[[str], Installed], client: str) -> None:
    here = installed(client)
    pristine = here.text
    here.edit(("Say what you saw.", "Say what you really saw."), here.add("- Keep facts apart.", "- Ask who reads it."))
    assert here.rules() == {"say": "changed", "- Ask who reads it.": "added"}
    states = {line["name"]: line["state"] for line in here.explained()}
    assert (states["look"], states["say"], states[None]) == ("released", "edited", "added")
    edited = here.text

    here("keep", "reviewer")
    assert here.text == edited
    here("diff")
    here("rollback")
    assert here.text == edited

    here("upgrade", "--latest", "--yes")
    merged = here.text
    for words in ("Say what you really saw.", "- Ask who reads it.", "- Ask first.", "when all is done"):
        assert words in merged
    assert here.rules() == {"say": "changed", "- Ask who reads it.": "added"}
    here("rollback")
    assert here.text == edited
    here("keep", "reviewer")
    here("upgrade", "--latest", "--yes")
    assert here.text == merged, "keep, then upgrade, is no worse than upgrade"
    here("diff")

    here("rollback", "1")
    assert here.text == pristine
    here("uninstall", "reviews")
    assert not here.file.exists()


@pytest.mark.many
@pytest.mark.parametrize("client", [name for name, data in DECLARED.items() if "tools" in data])
def test_a_declared_client_s_own_keys_are_fields_like_any_other(
    installed: Callable[[str], Installed], client: str, project: Path
) -> None:
    here = installed(client)
    here.edit(("opus", "sonnet"), ("azure", "ruby"), ("view, find", "view, run"))
    (file,) = here("diff", "--json", "--format", "rules", expect=1).envelope["data"]["files"]
    assert {field["name"]: (field["added"], field["removed"]) for field in file["fields"]} == {
        "engine": ([], []),
        "paint": ([], []),
        "allow": (["run"], ["find"]),
    }
    edited = here.text
    here("keep", "reviewer")
    assert here.text == edited
    header = yaml.safe_load((project / ".agentpack/variants/reviewer/local.md").read_text().split("---\n")[1])
    assert header["set"] == {"model": "sonnet", "color": "red", "tools": ["read", "shell"]}
    origins = {line["name"]: line["origin"] for line in here.explained()}
    assert {key for key, origin in origins.items() if origin["kind"] == "local"} == {"engine", "paint", "allow"}
    (rule,) = here("explain", "reviewer", "engine", "--json").envelope["data"]["rules"]
    assert [place["text"] for place in rule["places"]] == ["opus", "sonnet"]
    here("upgrade", "--latest", "--yes")
    assert all(words in here.text for words in ("Reviews all data.", "sonnet", "ruby", "view, run"))
    here("rollback", "2")
    here("rollback", "1")
    here.edit(("opus", "sonnet"))
    here("upgrade", "--latest", "--yes")
    assert all(words in here.text for words in ("Reviews all data.", "sonnet", "azure", "view, find"))


@pytest.mark.parametrize("client", [name for name, data in DECLARED.items() if data.get("name") is not False])
def test_a_second_agent_of_that_name_is_seen_under_the_client_s_own_key(
    installed: Callable[[str], Installed], client: str
) -> None:
    here = installed(client)
    path = here.file.as_posix().replace("reviewer", "copy")
    write_tree(Path(path).parent, {Path(path).name: here.text})
    (same,) = here("status", "--json").envelope["data"]["same_names"]
    assert same["other"] == path
