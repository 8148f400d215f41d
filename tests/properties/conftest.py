"""Laws are tried with hundreds of examples: coverage need not watch every one."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _untraced(untraced: None) -> None:
    """For every module of this folder."""
