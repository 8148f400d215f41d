"""A lock that the manifest does not allow is found by every command that holds the two together."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack

Data = dict[str, Any]
HOLDING = (("diff",), ("sync", "--check"), ("lock", "--check"), ("sync", "--locked"), ("sync", "--frozen"))
MANIFEST = """\
schema: 1
clients: [claude, opencode]
packs:
  - require: {pack}[first]>=1.1,<2
    parameters: {{level: high}}
sources:
  - {{name: here, path: packs}}
  - {{name: there, path: others}}
"""


class Project(NamedTuple):
    """A project as it is committed: made, installed, and then cloned."""

    folder: Path
    lock: Path
    honest: Data


def _packs(folder: Path) -> None:
    parameters = {"level": {"type": "string", "default": "low", "max_length": 20, "description": "How far."}}
    variants = {
        f"reviewer/{name}": variant_text(f"- As {name}, {{{{ level }}}}. {{#{name}}}\n") for name in ("first", "second")
    }
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        publish(
            folder / "packs",
            make_pack("top", version, requires=["base>=1,<2"], parameters=parameters, variants=variants),
            make_pack("base", version, personas={"base": persona_text("base")}),
        )
        publish(folder / "others", make_pack("evil", version, personas={"evil": persona_text("evil", tools=["shell"])}))
    publish(
        folder / "others", make_pack("top", "1.1.0", personas={"reviewer": persona_text(body="- Other. {#other}\n")})
    )


@pytest.fixture
def committed(agentpack: Agentpack, project: Path) -> Project:
    _packs(project)
    (project / "agentpack.yaml").write_text(MANIFEST.format(pack="top"))
    agentpack("sync")
    lock = project / "agentpack.lock"
    return Project(project, lock, json.loads(lock.read_text()))


def _pack(data: Data, name: str) -> Data:
    return next(pack for pack in data["packs"] if pack["name"] == name)


def _added(data: Data, *, reached: bool) -> None:
    evil = {**_pack(data, "base"), "name": "evil", "source": "there", "wanted_by": ["top 1.1.0"]}
    data["packs"] = sorted([*data["packs"], evil], key=lambda pack: str(pack["name"]))
    if reached:
        _pack(data, "top")["requires"] = ["base>=1,<2", "evil"]


def _wanted_by_user(data: Data) -> None:
    _added(data, reached=False)
    _pack(data, "evil")["wanted_by"] = ["agentpack.yaml"]


def _set(name: str, key: str, value: Any) -> Callable[[Data], None]:
    return lambda data: _pack(data, name).update({key: value})


def _manifest_too(data: Data) -> None:
    data["manifest"]["packs"][0]["require"] = "top[first,second]>=1.1,<2"
    _pack(data, "top")["variants"] = ["first", "second"]


def _drop_base(data: Data) -> None:
    data["packs"] = [pack for pack in data["packs"] if pack["name"] != "base"]
    data["files"] = [file for file in data["files"] if file["pack"] != "base"]


def _drop_client(data: Data) -> None:
    data["clients"] = ["claude"]
    data["files"] = [file for file in data["files"] if file["client"] == "claude"]


def _row(key: str, value: str) -> Callable[[Data], None]:
    return lambda data: data["files"][0].update({key: value})


def _as_if_older(data: Data) -> None:
    """The row names a release, as one does whose file is not written yet, and it is the very one that is wanted."""
    row = data["files"][0] | {"capabilities": "every-tool, hooks"}
    pin = _pack(data, row["pack"])
    data["written"] = {"clients": data["clients"], "packs": [dict(pin)]}
    data["files"][0] = row | {"release": pin["version"]}


MUTATIONS: dict[str, Callable[[Data], None]] = {
    "a version below the range": _set("top", "version", "1.0.0"),
    "a version above the range": _set("top", "version", "2.0.0"),
    "a version out of the range of a pack that requires it": _set("base", "version", "2.0.0"),
    "a version that nobody has": _set("top", "version", "1.7.0"),
    "a variant nobody named": _set("top", "variants", ["first", "second"]),
    "a variant that is missing": _set("top", "variants", []),
    "a variant that the copy of the manifest names too": _manifest_too,
    "a pack that nothing requires": lambda data: _added(data, reached=False),
    "a pack that the lock says the user wants": _wanted_by_user,
    "a pack that a forged requirement reaches": lambda data: _added(data, reached=True),
    "a pack that is missing": _drop_base,
    "a requirement that is missing": _set("top", "requires", []),
    "another source": _set("top", "source", "there"),
    "a source that the manifest does not have": _set("top", "source", "elsewhere"),
    "a client less": _drop_client,
    "a client more": lambda data: data.update(clients=["claude", "codex", "opencode"]),
    "a client of one pack": _set("top", "clients", ["claude"]),
    "another value of a parameter": _set("top", "parameters", {"level": "low"}),
    "a parameter less": _set("top", "parameters", {}),
    "a parameter of another type": _set("top", "parameters", {"level": True}),
    "a file's digest": _row("sha256", "0" * 64),
    "a file that may do more": _row("capabilities", "every-tool, hooks"),
    "a file that may do less": _row("capabilities", ""),
    "a file of another persona": _row("persona", "judge"),
    "a file of another pack": _row("pack", "top"),
    "a file of a pack that is not there": _row("pack", "gone"),
    "a file of another client": _row("client", "opencode"),
    "a file that is said to be of an older release": _as_if_older,
    "a pack that others are said to want": _set("base", "wanted_by", ["agentpack.yaml"]),
}


def _refused_by(agentpack: Agentpack) -> Iterator[tuple[str, int, str]]:
    for words in HOLDING:
        ran = agentpack(*words, expect=None)
        yield " ".join(words), ran.exit_code, ran.out + ran.err


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_lock_that_the_manifest_does_not_allow_is_found(name: str, agentpack: Agentpack, committed: Project) -> None:
    data = json.loads(json.dumps(committed.honest))
    MUTATIONS[name](data)
    changed = json.dumps(data, indent=2)
    committed.lock.write_text(changed)
    before = {path: path.read_bytes() for path in committed.folder.rglob("*.md")}
    for words, code, told in _refused_by(agentpack):
        assert code in (1, 2, 3, 4, 5), f"{words}: exit {code}\n{told}"
        assert committed.lock.read_text() == changed
    agentpack("status", expect=0)  # which says what it finds, whatever that is
    assert {path: path.read_bytes() for path in committed.folder.rglob("*.md")} == before


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=4), order=st.randoms())
def test_several_changes_do_not_hide_each_other(
    names: set[str], order: Random, agentpack: Agentpack, committed: Project
) -> None:
    data = json.loads(json.dumps(committed.honest))
    for name in order.sample(sorted(names), len(names)):
        with suppress(StopIteration):  # the pack was taken out
            MUTATIONS[name](data)
    committed.lock.write_text(json.dumps(data))
    for words, code, told in _refused_by(agentpack):
        assert code in (1, 2, 3, 4, 5), f"{words}: exit {code}\n{told}"


FORGED = {
    "another range": ("top[first]>=1.1,<2", "top[first]>=1.1,<3"),
    "another variant": ("top[first]", "top[first,second]"),
    "no variant": ("top[first]", "top"),
    "another pack": ("sources:", "  - evil\nsources:"),
    "another source": (
        "here, path: packs}\n  - {name: there, path: others",
        "there, path: others}\n  - {name: here, path: packs",
    ),
    "another client": ("[claude, opencode]", "[claude, opencode, cursor]"),
    "a client less": ("[claude, opencode]", "[claude]"),
    "another parameter": ("level: high", "level: low"),
    "another name": ("parameters:", "as: {reviewer: judge}\n    parameters:"),
}


@pytest.mark.parametrize(
    "how", [(name,) for name in FORGED] + [("another pack", "another variant"), ("another client", "another range")]
)
def test_a_sound_lock_of_another_manifest_is_found(
    how: tuple[str, ...], agentpack: Agentpack, committed: Project
) -> None:
    manifest = committed.folder / "agentpack.yaml"
    honest = text = manifest.read_text()
    for name in how:
        old, new = FORGED[name]
        assert old in text
        text = text.replace(old, new)
    if "another source" in how:
        text = text.replace("[first]", "").replace("    parameters: {level: high}\n", "")
    manifest.write_text(text)
    committed.lock.unlink()
    for folder in (".agentpack", ".claude", ".opencode"):
        shutil.rmtree(committed.folder / folder, ignore_errors=True)
    agentpack("sync")
    data = json.loads(committed.lock.read_text())
    data["manifest"] = committed.honest["manifest"]
    committed.lock.write_text(json.dumps(data, indent=2))
    manifest.write_text(honest)
    shutil.rmtree(committed.folder / ".agentpack", ignore_errors=True)  # a clone
    for words, code, told in _refused_by(agentpack):
        assert code in (1, 3, 4, 5), f"{words}: exit {code}\n{told}"


def test_an_honest_lock_is_in_order(agentpack: Agentpack, committed: Project) -> None:
    committed.lock.write_text(json.dumps(committed.honest, indent=1))  # another text of the same lock
    assert {code for words, code, _ in _refused_by(agentpack) if words != "lock --check"} == {0}
