"""What the bundled pack looks like for every client, kept as files: a change to any of them is seen in a review."""

import os

import pytest
from support.bundled import combinations_of_variants, rendered, versions
from support.golden import Golden

from agentpack.clients import CLIENTS, MODULES

CASES = [(client, version, ()) for client in sorted(MODULES) if client != "claude" for version in versions()] + [
    ("claude", version, variants) for version in versions() for variants in combinations_of_variants(version)
]


@pytest.mark.parametrize(
    ("client", "version", "variants"), CASES, ids=["+".join((c, v, *variants)) for c, v, variants in CASES]
)
def test_the_bundled_pack_looks_as_it_was_read(
    client: str, version: str, variants: tuple[str, ...], golden: Golden
) -> None:
    target = CLIENTS[client]
    ending = ".yaml" if target.shared is not None else os.path.splitext(target.file)[1]
    name = "+".join((version, *variants))
    golden.check(f"{client}/{name}{ending}", rendered(version, variants, client).encode())
