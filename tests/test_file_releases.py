"""The lock with the releases that files were written from, while some files wait."""

from typing import Any

import pytest

from agentpack.model.lock import Lock, LockedFile, LockedPack, WrittenState
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, digest_of
from agentpack.workspace.file_releases import FileRelease, as_written, with_files

MANIFEST = Manifest.from_data({"schema": 1, "packs": [{"require": "kit"}, {"require": "more"}]}).to_data()


def pack(name: str, version: str = "2.0.0", **more: Any) -> LockedPack:
    digest = digest_of(f"{name} {version}".encode())
    return LockedPack(PackName(name), version, "packs", digest, (), (), {}, (), ("agentpack.yaml",))._replace(**more)


def row(name: str, text: str = "a", *, client: str = "claude", pack: str = "kit") -> LockedFile:
    return LockedFile(f".{client}/agents/{name}.md", client, pack, name, text * 64)


THEN, HERE = (digest_of(text) for text in (b"then", b"here"))
OLD = pack("kit", "1.0.0")
ONE, TWO, OTHER = row("one"), row("two"), row("other", pack="more")
NOW = Lock(MANIFEST, ("claude", "codex"), (pack("kit"), pack("more")), (ONE, TWO, OTHER), declared={"house": HERE})
BEFORE = NOW._replace(clients=("claude",), packs=(OLD, pack("more")), declared={"house": THEN, "gone": THEN})


def test_files_that_are_all_written_leave_nothing_waiting() -> None:
    waited = NOW._replace(written=WrittenState(("claude",), (OLD,), {}))
    assert with_files(waited, NOW.files, [], BEFORE) == NOW
    held = [FileRelease(ONE, OLD)]  # its text is the same in both
    assert with_files(NOW, (TWO, OTHER), held, BEFORE) == NOW


def test_a_file_that_waits_keeps_its_row_and_names_its_release() -> None:
    kept = row("one", "b")
    made = with_files(NOW, (TWO, OTHER), [FileRelease(kept, OLD)], BEFORE)
    assert {*made.files} == {kept._replace(release="1.0.0"), TWO, OTHER}
    assert made.written == WrittenState(("claude",), (OLD,), {})
    assert made._replace(files=NOW.files, written=None) == NOW
    assert as_written(made) == NOW._replace(
        clients=("claude",), packs=(OLD, pack("more")), files=tuple(one._replace(release=None) for one in made.files)
    )._replace(manifest=as_written(made).manifest)


def test_a_file_that_waits_for_another_release_has_the_clients_that_waited_already() -> None:
    earlier = BEFORE._replace(clients=("gemini",), written=WrittenState(("cursor",), (OLD,), {}))
    held = [FileRelease(row("one", "b"), OLD)]
    first, second, third = (with_files(NOW, (TWO, OTHER), held, one).written for one in (earlier, BEFORE, None))
    assert first is not None and second is not None and third is not None
    assert (first.clients, second.clients, third.clients) == (("cursor",), ("claude",), ("claude", "codex"))


def test_what_a_release_requires_waits_with_it_where_it_moved_too() -> None:
    base, same = pack("base", "1.0.0"), pack("more")
    made = with_files(NOW, (TWO, OTHER), [FileRelease(row("one", "b"), OLD, (base, same))], BEFORE)
    assert made.written is not None
    assert made.written.packs == (OLD, base)


def test_a_file_that_waits_still_keeps_its_declaration_and_the_names_of_its_personas() -> None:
    named = OLD._replace(renames={"one": "first"})
    before = BEFORE._replace(declared={"house": HERE}, written=WrittenState(("claude",), (named,), {"house": THEN}))
    more = FileRelease(row("other", "b", pack="more"), pack("more", "1.0.0"), (OLD,))
    held = [FileRelease(row("one", "b", client="house"), named), more]
    made = with_files(NOW, (TWO,), held, before)
    assert made.written == WrittenState(("claude",), (named, more.pin), {"house": THEN})


@pytest.mark.parametrize("client", ["house", "claude", "gone"])
def test_the_declaration_by_which_a_file_that_waits_was_written_is_kept(client: str) -> None:
    kept = row("one", "b", client=client)
    now = NOW._replace(declared={"house": HERE, "same": THEN})
    made = with_files(now, (TWO, OTHER), [FileRelease(kept, OLD)], BEFORE)
    assert made.written is not None
    assert made.written.declared == ({client: THEN} if client != "claude" else {})
    assert as_written(made).declared == {**now.declared, **made.written.declared}
    again = with_files(now._replace(declared=BEFORE.declared), (TWO, OTHER), [FileRelease(kept, OLD)], BEFORE)
    assert again.written is not None
    assert again.written.declared == {}


def test_what_was_accepted_of_a_pack_counts_until_its_files_are_written() -> None:
    accepted = ("kit:hooks", "kit:widened:codex", "more:shell")
    now, before = NOW._replace(accepted=("kit:edit",)), BEFORE._replace(accepted=accepted)
    made = with_files(now, (TWO, OTHER), [FileRelease(row("one", "b"), OLD)], before)
    assert made.accepted == ("kit:edit", "kit:hooks")
    assert with_files(now, (TWO, OTHER), [FileRelease(row("one", "b"), OLD)], None).accepted == ("kit:edit",)


def test_a_lock_as_it_was_written_asks_for_the_variants_values_and_names_of_then() -> None:
    then = OLD._replace(variants=("strict",), parameters={"n": 1}, renames={"one": "first"})
    gone, base = pack("gone", "1.0.0"), pack("base", "1.0.0", wanted_by=("kit 1.0.0",))
    waiting = NOW._replace(written=WrittenState(("claude",), (then, gone, base), {}))
    entries = {str(entry.requirement.pack): entry for entry in Manifest.from_data(as_written(waiting).manifest).packs}
    assert {name: str(entry.requirement) for name, entry in entries.items()} == {
        "kit": "kit[strict]",
        "more": "more",
        "gone": "gone",
    }
    assert (entries["kit"].parameters, entries["kit"].renames) == ({"n": 1}, {"one": "first"})
    assert as_written(waiting).packs == (then, pack("more"), gone, base)
    assert as_written(NOW) is NOW
