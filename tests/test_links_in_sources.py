"""Links in a folder of packs: followed inside of it, refused by name where they lead out, whoever looks."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.running import Agentpack
from support.trees import marks, write_tree

SECRET = "A line that belongs to the user alone."
PACK = {
    "pack.yaml": "schema: 1\nname: bad\nversion: 1.0.0\ndescription: A pack.\nlicense: MIT\n",
    "personas/bad.md": f"---\nname: bad\ndescription: Reads.\n---\n\n## A {{#a}}\n\n- {SECRET} {{#one}}\n",
}
AGENT = f"---\nname: helper\ndescription: Reads.\n---\n\n{SECRET}\n"


def _links(at: str, to: str) -> Callable[[Path, Path], None]:
    def make(packs: Path, outside: Path) -> None:
        (packs / at).parent.mkdir(parents=True, exist_ok=True)
        (packs / at).symlink_to(to.format(outside=outside, above=os.path.relpath(outside, (packs / at).parent)))

    return make


def _chain(packs: Path, outside: Path) -> None:
    (packs / "second").symlink_to(outside / "pack")
    (packs / "bad").symlink_to("second")


def _in_a_pack(at: str, to: str) -> Callable[[Path, Path], None]:
    def make(packs: Path, outside: Path) -> None:
        write_tree(packs / "bad", PACK)
        (packs / "bad" / at).unlink(missing_ok=True)
        _links(f"bad/{at}", to)(packs, outside)

    return make


def _bare(packs: Path, outside: Path) -> None:
    write_tree(packs / "bad", {"agents/first.md": AGENT.replace("helper", "first").replace(SECRET, "Fine.")})
    (packs / "bad/agents/helper.md").symlink_to(outside / "agents/helper.md")


LEADING_OUT: Mapping[str, Callable[[Path, Path], None]] = {
    "a pack, absolute": _links("bad", "{outside}/pack"),
    "a pack, relative": _links("bad", "{above}/pack"),
    "a pack, by a chain": _chain,
    "a version": _links("bad/1.0.0", "{outside}/pack"),
    "the folder of versions": _links("bad", "{outside}/versions"),
    "a collection": _links("bad", "{outside}"),
    "an archive": _links("bad-1.0.0.tgz", "{outside}/pack.tgz"),
    "an archive of a pack": _links("bad/bad-1.0.0.tgz", "{outside}/pack.tgz"),
    "the manifest": _in_a_pack("pack.yaml", "{outside}/pack/pack.yaml"),
    "a persona": _in_a_pack("personas/bad.md", "{outside}/pack/personas/bad.md"),
    "a folder in a pack": _in_a_pack("variants", "{outside}/pack/personas"),
    "all agents of a collection": _links("bad/agents", "{outside}/agents"),
}
_IN_A_PACK = re.compile("persona|in a pack")
"""These are findings of the check, which goes on with the others."""
LOOKING = (
    ("show", "bad"),
    ("render", "bad"),
    ("audit", "bad"),
    ("audit", "../packs"),
    ("install", "bad"),
    ("install", "bad", "--dry-run"),
)


@pytest.fixture
def packs(tmp_path: Path, project: Path) -> Path:
    """A folder of packs that the project has for a source, beside one that is nobody's business."""
    outside = tmp_path / "outside"
    write_tree(outside, {f"pack/{path}": text for path, text in PACK.items()})
    write_tree(outside, {f"versions/1.0.0/{path}": text for path, text in PACK.items()})
    write_tree(outside, {"agents/helper.md": AGENT, "pack.tgz": "no archive"})
    (tmp_path / "packs").mkdir()
    good = {
        path.replace("bad", "good"): text.replace("bad", "good").replace(SECRET, "Fine.") for path, text in PACK.items()
    }
    write_tree(tmp_path / "packs/good", good)
    (project / "agentpack.yaml").write_text("schema: 1\nclients: [claude]\nsources:\n- {name: ours, path: ../packs}\n")
    return tmp_path / "packs"


@pytest.mark.many
@pytest.mark.parametrize("link", LEADING_OUT)
def test_a_link_that_leads_out_of_a_source_is_refused(
    packs: Path, tmp_path: Path, agentpack: Agentpack, project: Path, link: str
) -> None:
    LEADING_OUT[link](packs, tmp_path / "outside")
    before = marks(project)
    for words in LOOKING:
        ran = agentpack(*words, expect=5)
        assert SECRET not in ran.out + ran.err
        assert "is a link" in ran.err
    assert marks(project) == before
    assert SECRET not in (found := agentpack("search")).out + found.err
    agentpack("install", "good")


def test_an_agent_of_a_collection_that_is_such_a_link_is_left_out(
    packs: Path, tmp_path: Path, agentpack: Agentpack
) -> None:
    _bare(packs, tmp_path / "outside")
    ran = agentpack("install", "bad")
    assert "skipped `agents/helper.md`: it is a link that leads out of the folder" in ran.out + ran.err
    assert "first.md" in ran.err
    assert "helper.md  new" not in ran.err
    assert SECRET not in agentpack("render", "bad").out


@pytest.mark.many
@pytest.mark.parametrize("link", [name for name in LEADING_OUT if "archive" not in name and "agent" not in name])
@pytest.mark.parametrize("verb", ["check", "build", "test"])
def test_a_link_that_leads_out_of_a_folder_of_packs_is_refused(
    packs: Path, tmp_path: Path, agentpack: Agentpack, link: str, verb: str
) -> None:
    LEADING_OUT[link](packs, tmp_path / "outside")
    ran = agentpack("pack", verb, "../packs", expect=None)
    assert ran.exit_code == (1 if _IN_A_PACK.search(link) and verb != "test" else 5), ran.err
    assert SECRET not in ran.out + ran.err
    assert "is a link" in ran.out + ran.err


@pytest.mark.parametrize(
    ("at", "to"), [("bad", "good"), ("bad", "{packs}/good"), ("bad/1.0.0", "../good"), ("bad/2.0.0", "1.0.0")]
)
def test_a_link_inside_of_a_source_is_followed(packs: Path, agentpack: Agentpack, at: str, to: str) -> None:
    (packs / "good/personas/good.md").rename(packs / "good/personas/bad.md")
    for path in packs.rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text().replace("good", "bad"))
    if at.endswith("2.0.0"):
        write_tree(packs / "bad/1.0.0", {**PACK, "pack.yaml": PACK["pack.yaml"].replace("1.0.0", "2.0.0")})
        wanted = "bad==2.0.0"
    else:
        wanted = "bad"
    _links(at, to.replace("{packs}", str(packs)))(packs, packs)
    agentpack("install", wanted)


def test_the_source_itself_may_be_a_link(packs: Path, tmp_path: Path, agentpack: Agentpack) -> None:
    packs.rename(tmp_path / "elsewhere")
    packs.symlink_to("elsewhere")
    agentpack("install", "good")
