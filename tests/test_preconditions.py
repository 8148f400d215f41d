"""What a command needs before it starts, and what is said where that is missing."""

from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import write_tree


@pytest.fixture
def installed(agentpack: Agentpack, project: Path) -> Agentpack:
    """A pack, one that it requires, and two collections of which each has an agent `one`."""
    lead = make_pack("lead", personas={"lead": persona_text("lead")}, requires=["base"])
    publish(project / "packs", lead, make_pack("base", personas={"tester": persona_text("tester")}))
    agentpack("install", "lead", "--source", "packs", "--client", "claude")
    for kit, name in (("kit", "one"), ("set", "two")):
        write_tree(project / kit, {f"agents/{name}.md": agent_text(name, "Work.")})
        agentpack("install", f"./{kit}")
    return agentpack


@pytest.mark.many
@pytest.mark.parametrize(
    ("command", "of_agent", "needed"),
    [
        (
            "upgrade",
            "`agentpack upgrade kit` upgrades the pack, with all its agents",
            "`agentpack upgrade` without a name also upgrades packs that others need",
        ),
        (
            "upgrade --latest",
            "`agentpack upgrade --latest kit` upgrades the pack, with all its agents",
            "`agentpack upgrade --latest` without a name also upgrades packs that others need",
        ),
        (
            "lock --upgrade-pack",
            "`agentpack lock --upgrade-pack kit` upgrades the pack, with all its agents",
            "`agentpack lock --upgrade` also upgrades packs that others need",
        ),
        ("uninstall", "`agentpack install kit --without one` removes only this agent", ""),
    ],
)
@pytest.mark.parametrize(
    ("name", "details", "hint"),
    [
        ("nobody", [], ""),
        ("leed", [], "did you mean `lead`?"),
        ("base", ["it is here because `lead 1.0.0` needs it"], "needed"),
        ("one", ["`one` is an agent of the pack `kit`"], "of_agent"),
    ],
)
def test_a_pack_that_is_not_in_the_manifest_is_told_with_what_it_is(
    installed: Agentpack,
    project: Path,
    command: str,
    of_agent: str,
    needed: str,
    name: str,
    details: list[str],
    hint: str,
) -> None:
    lines = "".join(f"  {line}\n" for line in [*details, "packs: lead, kit, set"])
    told = f"project {project}\nerror: `{name}` is not in agentpack.yaml\n{lines}"
    hint = {"of_agent": of_agent, "needed": needed}.get(hint, hint)
    told += f"hint: {hint}\n" if hint else ""
    assert installed(*command.split(), name, expect=2).err == told


def test_an_agent_of_several_packs_leads_to_the_first_of_them(agentpack: Agentpack, project: Path) -> None:
    for name, client in (("set", "qwen"), ("kit", "claude"), ("lot", "codex"), ("bag", "gemini")):
        write_tree(project / name, {"agents/one.md": agent_text("one", "Work on it.")})
        agentpack("install", f"./{name}", "--client", client)
    assert agentpack("upgrade", "one", expect=2).err == (
        f"project {project}\n"
        "error: `one` is not in agentpack.yaml\n"
        "  `one` is an agent of the pack `bag`\n"
        "  `one` is an agent of the pack `kit`\n"
        "  `one` is an agent of the pack `lot`\n"
        "  `one` is an agent of the pack `set`\n"
        "  packs: set, kit, lot, bag\n"
        "hint: `agentpack upgrade bag` upgrades the pack, with all its agents\n"
    )


def test_an_agent_of_a_pack_leads_to_the_pack(installed: Agentpack) -> None:
    for command, hint in {
        "upgrade": "`agentpack upgrade kit` upgrades the pack",
        "lock --upgrade-pack": "`agentpack lock --upgrade-pack kit` upgrades the pack",
        "uninstall": "`agentpack install kit --without one` removes only this agent",
    }.items():
        assert hint in installed(*command.split(), "kit/one", expect=2).err
    for command in ("upgrade", "lock --upgrade-pack"):
        assert f"`agentpack {command.partition('-pack')[0]}`" in installed(*command.split(), "tester", expect=2).err


def test_without_any_pack_that_is_said(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"agentpack.yaml": "schema: 1\nclients: [claude]\npacks: []\n"})
    assert agentpack("upgrade", "kit", expect=2).err == (
        f"project {project}\nerror: `kit` is not in agentpack.yaml\n  packs: none\n"
    )


@pytest.mark.parametrize("command", ["sync", "upgrade", "sync --locked", "lock"])
def test_without_a_manifest_its_place_is_named(agentpack: Agentpack, project: Path, command: str) -> None:
    assert agentpack(*command.split(), expect=2).err == (
        f"project {project}\nerror: there is no agentpack.yaml\nhint: `agentpack install NAME` writes one\n"
    )


@pytest.mark.parametrize(
    ("manifest", "hint"),
    [
        (None, "`agentpack install NAME` writes one"),
        ("schema: 1\npacks: []\n", "`agentpack lock` writes one"),
        (
            "schema: 1\npacks: [python-engineer]\n",
            "`git restore agentpack.lock` restores it; `agentpack lock` writes a new one",
        ),
    ],
)
def test_without_a_lock_what_writes_or_restores_one_is_named(
    agentpack: Agentpack, project: Path, manifest: str | None, hint: str
) -> None:
    if manifest is not None:
        write_tree(project, {"agentpack.yaml": manifest})
    assert agentpack("bundle", expect=3).err == (
        f"project {project}\nerror: there is no agentpack.lock\nhint: {hint}\n"
    )


@pytest.mark.parametrize("command", ["render", "diff --from", "policy explain"])
def test_an_address_where_a_name_belongs_leads_on(agentpack: Agentpack, project: Path, command: str) -> None:
    assert agentpack(*command.split(), "kit @ github:acme/kit", expect=2).err == (
        f"project {project}\n"
        "error: `kit @ github:acme/kit`: this command needs a pack name without an address\n"
        "hint: `agentpack show github:acme/kit` lists what is there\n"
    )


def test_an_address_cannot_be_audited_by_name_and_what_can_be_is_named(agentpack: Agentpack, project: Path) -> None:
    assert agentpack("audit", "kit @ https://example.com/kit", expect=2).err == (
        f"project {project}\n"
        "error: `kit @ https://example.com/kit`: this command needs a pack name without an address\n"
        "hint: give the path of a folder\n"
    )


@pytest.mark.parametrize("command", ["diff --from", "policy explain"])
def test_what_has_a_slash_and_is_no_agent_here_leads_to_its_place(
    agentpack: Agentpack, project: Path, command: str
) -> None:
    assert agentpack(*command.split(), "acme/kit", expect=2).err == (
        f"project {project}\n"
        "error: `acme/kit` is not a pack name\n"
        "hint: for a folder or an address, `agentpack show acme/kit` lists its packs, `agentpack install acme/kit` "
        "installs them\n"
    )


def test_a_pack_with_a_slash_and_no_agent_is_no_agent_of_it(installed: Agentpack, project: Path) -> None:
    assert installed("uninstall", "kit/", expect=2).err == (
        f"project {project}\n"
        "error: `kit/` is not a pack name\n"
        "hint: for a folder or an address, `agentpack show kit/` lists its packs, `agentpack install kit/` installs "
        "them\n"
    )
