"""Laws of clients that were only found: they never stop an install, and what it left needs none of them."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.clients import CLIENTS, MODULES

PACKS = {
    "plain": persona_text("plain", model="opus", color="blue"),
    "limited": persona_text("limited", tools=["read", "search"]),
    "changing": persona_text("changing", tools=["edit", "shell"]),
    "glob": persona_text("glob"),
    "code": persona_text("code", "Look.\n"),
}
FEW = st.sets(st.sampled_from(sorted(MODULES)), max_size=8)
FOREIGN = st.sets(st.sampled_from(sorted({*MODULES} - {"claude", "pool", "roo"})), max_size=2)


def _variables(home: Path) -> dict[str, str]:
    below = {"CONFIG": ".config", "STATE": ".local/state", "CACHE": ".cache", "DATA": ".local/share"}
    trusted = {"AGENTPACK_TRUSTED_PLACES": str(home.parent)}
    return {"HOME": str(home), **trusted, **{f"XDG_{name}_HOME": str(home / path) for name, path in below.items()}}


@given(clients=FEW, foreign=FOREIGN, packs=st.sets(st.sampled_from(sorted(PACKS)), min_size=1), user=st.booleans())
@settings(max_examples=15)
@pytest.mark.campaign
def test_an_install_goes_on_without_them_and_is_the_same_where_they_are_not(
    clients: set[str], foreign: set[str], packs: set[str], user: bool
) -> None:
    scope = "user" if user else "project"
    with TemporaryDirectory() as box:
        source = publish(Path(box, "packs"), *(make_pack(name, personas={name: text}) for name, text in PACKS.items()))
        here, there = Path(box, "here"), Path(box, "there")
        for folder in (here, there):
            folder.mkdir()
        for client in clients | foreign:
            marker = here / CLIENTS[client].markers[0]
            if marker.name != ".roomodes":
                marker.mkdir(parents=True, exist_ok=True)
        strangers = {}
        for client in foreign:
            path = CLIENTS[client].path(sorted(packs)[0], scope, {})
            if path is not None:
                strangers[path] = f"mine: {client}\n".encode()
        write_tree(here, strangers)
        install = ("install", *sorted(packs), "--source", str(source))
        place = ".config/agentpack/" if user else ""
        with mock.patch.dict(os.environ, _variables(here if user else Path(box, "home"))):
            at = ("--user",) if user else ("--root", str(here))
            data = Agentpack(here)(*install, *at, "--json").envelope["data"]
            Agentpack(here)("sync", "--locked", *at)
        assert {*strangers.items()} <= {*tree(here).items()}
        names = ("agentpack.yaml", "agentpack.lock")
        write_tree(there / place, {name: (here / place / name).read_bytes() for name in names})
        with mock.patch.dict(os.environ, _variables(there if user else Path(box, "home"))):
            at = ("--user",) if user else ("--root", str(there))
            for words in (("sync",), ("sync", "--locked"), ("lock", "--check")):
                assert Agentpack(there)(*words, *at, "--json").envelope["data"].get("skipped", []) == []
        for file in data["files"]:
            path = file["path"].partition("#")[0]
            if not path.startswith("$"):
                assert (there / path).read_bytes() == (here / path).read_bytes()
