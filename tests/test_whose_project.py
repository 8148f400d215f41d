"""Whose a project is that was only found: another user's is refused, or said, and never obeyed without a word."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.fixed import FixedEnvironment
from support.running import Agentpack
from support.trees import with_state

from agentpack.environment import Scope, find_scope
from agentpack.errors import Refused

ADA, EVE, ROOT = 54321, 54322, 0
MANIFEST = "schema: 1\nclients: [claude]\npacks: [python-engineer]\n"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder such as `/tmp` that every user reaches, with a folder of Ada's in it."""
    folder = Path(tempfile.mkdtemp())
    (folder / "hers").mkdir()
    os.chown(folder / "hers", ADA, ADA)
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def put(folder: Path, owner: int, name: str = "agentpack.yaml") -> None:
    """A manifest, or a repository, of that user."""
    if name == "agentpack.yaml":
        (folder / name).write_text(MANIFEST)
    else:
        (folder / name).mkdir()
    os.chown(folder / name, owner, owner)


@contextmanager
def being(user: int) -> Iterator[None]:
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


def found(who: int, cwd: Path, /, **options: object) -> Scope:
    with being(who):
        return find_scope(FixedEnvironment(cwd / "home", cwd), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("user", [ADA, ROOT])
@pytest.mark.parametrize("name", ["agentpack.yaml", ".git", ".hg"])
def test_what_another_user_put_above_is_refused(shared: Path, user: int, name: str) -> None:
    put(shared, EVE, name)
    with pytest.raises(Refused) as refused:
        found(user, shared / "hers")
    assert refused.value.message == f"`{shared}/{name}` belongs to another user, {EVE}"
    assert refused.value.hint is not None and f"--root {shared}" in refused.value.hint


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1777])
def test_also_where_the_folder_is_not_open_to_all(shared: Path, mode: int) -> None:
    shared.chmod(mode)
    put(shared, EVE)
    os.chown(shared, EVE, EVE)
    with pytest.raises(Refused):
        found(ADA, shared / "hers")


def test_a_link_is_not_better_than_its_owner(shared: Path) -> None:
    put(shared / "hers", ADA)
    (shared / "hers/agentpack.yaml").rename(shared / "hers/real.yaml")
    (shared / "agentpack.yaml").symlink_to("hers/real.yaml")
    os.lchown(shared / "agentpack.yaml", EVE, EVE)
    with pytest.raises(Refused):
        found(ADA, shared / "hers")


@pytest.mark.parametrize("owner", [ADA, ROOT])
def test_one_s_own_above_in_an_open_folder_is_said(shared: Path, owner: int) -> None:
    put(shared, owner)
    remark = found(ADA, shared / "hers").remark
    assert remark == f"every user of this machine can write to `{shared}`, where `{shared}/agentpack.yaml` was found"


def test_an_open_manifest_above_is_said(shared: Path) -> None:
    put(shared, ADA)
    shared.chmod(0o755)
    assert found(ADA, shared / "hers").remark == ""
    (shared / "agentpack.yaml").chmod(0o666)
    assert f"can write to `{shared}/agentpack.yaml`" in found(ADA, shared / "hers").remark


@pytest.mark.parametrize("user", [ADA, ROOT])
def test_a_project_of_another_user_is_said_where_they_are_at_home(shared: Path, user: int) -> None:
    """Root in a user's project, a container that runs as somebody else: it works, with a note."""
    place = shared / "hers"
    os.chown(place, EVE, EVE)
    put(place, EVE)
    (place / "sub").mkdir()
    os.chown(place / "sub", EVE, EVE)
    for cwd in (place, place / "sub"):
        scope = found(user, cwd)
        assert scope.root == str(place)
        assert scope.remark == f"`{place}/agentpack.yaml` belongs to another user, {EVE}"


def test_named_by_root_it_is_said_and_taken(shared: Path) -> None:
    put(shared, EVE)
    scope = found(ADA, shared / "hers", root=str(shared))
    assert scope.root == str(shared) and "belongs to another user" in scope.remark
    assert found(ADA, shared / "hers", user=True).kind == "user"
    assert found(ADA, shared / "hers", root=".").remark == ""


def test_who_called_sudo_is_no_other_user(shared: Path) -> None:
    put(shared / "hers", ADA)
    environment = FixedEnvironment(shared, shared / "hers")
    variables = {**environment.variables, "SUDO_UID": str(ADA)}
    assert find_scope(environment._replace(variables=variables)).remark == ""


def test_on_a_disk_without_permissions_nothing_is_said(shared: Path) -> None:
    put(shared, ADA)
    for path in (shared, shared / "agentpack.yaml", shared / "hers"):
        path.chmod(0o777)
    assert found(ADA, shared / "hers").remark == ""


LOOKING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("diff",),
    ("sync", "--check"),
    ("sync",),
    ("install", "x"),
    ("show", "x"),
)


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
@pytest.mark.parametrize("real", [False, True])
def test_commands_refuse_it_and_write_nothing(
    shared: Path, home: Path, words: tuple[str, ...], real: bool, agentpack: Agentpack
) -> None:
    put(shared, EVE)
    os.chown(shared / "hers", 0, 0)
    before = with_state(shared)
    ran = agentpack(*words, cwd=shared / "hers", real=real, expect=5)
    assert f"error: `{shared}/agentpack.yaml` belongs to another user, {EVE}\n" in ran.err
    assert with_state(shared) == before


def test_commands_say_it_also_where_nothing_differs(shared: Path, agentpack: Agentpack, tmp_path: Path) -> None:
    put(shared, 0)
    os.chown(shared / "hers", 0, 0)
    agentpack("sync", cwd=shared)
    note = f"note: every user of this machine can write to `{shared}`"
    change: tuple[Callable[[], None], ...] = (lambda: None, lambda: os.chown(shared / "hers", EVE, EVE))
    for how in change:
        how()
        for real in (False, True):
            ran = agentpack("diff", cwd=shared / "hers", real=real)
            assert note in ran.err and "nothing differs" in ran.err
