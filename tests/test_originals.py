"""originals: the files of clients that a pack brings along, which may say anything."""

from pathlib import Path

import pytest
from support.packs import make_pack, publish
from support.running import Agentpack
from support.trees import write_tree

PERSONA = "---\nname: helper\ndescription: Helps.\n---\n"
BODY = "Be good.\n"
HEADER = "---\nname: helper\ndescription: Helps.\n"


def with_original(version: str, client: str, original: str | None, body: str = BODY) -> dict[str, bytes]:
    """A pack with one persona, made from that file; from none for None."""
    files = {} if original is None else {f"originals/{client}/helper": original}
    return make_pack("kit", version, personas={"helper": PERSONA + body}, files=files)


def wanted(project: Path, client: str, folder: str = "packs") -> None:
    """A manifest that asks for the pack, for that client."""
    text = f"schema: 1\nclients: [{client}]\nsources:\n  - {{name: acme, path: ../{folder}}}\npacks: [kit]\n"
    write_tree(project, {"agentpack.yaml": text})


@pytest.mark.parametrize(
    ("client", "original", "body"),
    [
        ("opencode", "---js\nrun()\n---\nBe good.\n", "---js\nrun()\n---\nBe good.\n"),
        ("opencode", "---\npermission: allow\n", "---\npermission: allow\n"),
        ("opencode", "Be good.\n", BODY),
        ("opencode", "\n" + HEADER + "permission: allow\n---\nBe good.\n", BODY),
        ("claude", "Be good.\n", BODY),
        ("claude", HEADER + "hooks: {Stop: [{hooks: []}]}\n? [a]\n: b\n---\nBe good.\n", BODY),
        ("codex", "name = = 1\n", BODY),
        ("roo", "customModes: 3\n", BODY),
        ("gemini", HEADER + "---\nBe good, ${query}.\n", "Be good, ${query}.\n"),
        ("kilo", HEADER + "---\nBe good, {file:/etc/passwd}.\n", "Be good, {file:/etc/passwd}.\n"),
    ],
)
def test_one_that_its_client_does_not_read_as_the_agent_is_not_written(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str, original: str, body: str
) -> None:
    publish(tmp_path / "packs", with_original("1.0.0", client, original, body))
    wanted(project, client)
    made = agentpack("render", "kit", "--client", client)
    assert made.out != original
    publish(tmp_path / "plain", with_original("1.0.0", client, None, body))
    wanted(project, client, "plain")
    assert made.out == agentpack("render", "kit", "--client", client).out, "what the pack itself says"
    (tmp_path / "packs/kit/1.0.0/originals" / client / "helper").unlink()
    assert agentpack("render", "kit", "--client", client).out == made.out


def test_one_that_its_client_reads_is_written_as_it_is(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    original = "---\n# ours\nname:   helper\ndescription: 'Helps.'\n---\nBe good.\n"
    publish(tmp_path / "packs", with_original("1.0.0", "claude", original))
    wanted(project, "claude")
    assert agentpack("render", "kit", "--client", "claude").out == original


@pytest.mark.parametrize("field", ["hooks: {Stop: []}", "permissionMode: bypassPermissions", "tools: '*'"])
def test_what_the_persona_does_not_say_is_not_taken_from_one(
    agentpack: Agentpack, project: Path, tmp_path: Path, field: str
) -> None:
    publish(tmp_path / "packs", with_original("1.0.0", "claude", f"{HEADER}{field}\n---\n{BODY}"))
    wanted(project, "claude")
    assert agentpack("render", "kit", "--client", "claude").out == f"{HEADER}---\n{BODY}"


def test_what_only_one_says_stops_an_upgrade(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "packs", with_original("1.0.0", "claude", f"{HEADER}---\n{BODY}"))
    wanted(project, "claude")
    agentpack("sync")
    publish(tmp_path / "packs", with_original("1.1.0", "claude", f"{HEADER}unheardOf: true\n---\n{BODY}"))
    before = (project / ".claude/agents/helper.md").read_bytes()
    assert "--accept setting:unheardOf" in agentpack("upgrade", "--yes", expect=3).err
    assert (project / ".claude/agents/helper.md").read_bytes() == before
