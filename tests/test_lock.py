"""`agentpack.lock`: the same inputs give the same bytes, and what is no lock is told in words."""

import json

import pytest

from agentpack.errors import InvalidFile
from agentpack.model.lock import REFUSED, LocalVariant, Lock, LockedFile, LockedPack, SkippedAgent
from agentpack.model.lock_text import parse_lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import Digest, PackName, digest_of
from agentpack.wanted.lock_satisfies import mismatches
from agentpack.wanted.skipped import skipped_agents

DIGEST = digest_of(b"x")


def pack(name: str, **more: object) -> LockedPack:
    values = {
        "version": "1.0.0",
        "source": "bundled",
        "digest": DIGEST,
        "variants": ("a",),
        "local_variants": (LocalVariant("reviewer", "house", DIGEST),),
        "parameters": {"b": 1, "a": "é"},
        "requires": ("other>=1",),
        "wanted_by": ("agentpack.yaml",),
    }
    return LockedPack(PackName(name), **{**values, **more})  # type: ignore[arg-type]


FILE = LockedFile(".claude/agents/reviewer.md", "claude", "x", "reviewer", "ab" * 32)
LOCK = Lock({"packs": []}, ("codex", "claude"), (pack("x"), pack("b")), (FILE,))


def test_it_reads_back_as_it_was_written() -> None:
    again = parse_lock(LOCK.to_text().encode(), "agentpack.lock")
    assert again.to_text() == LOCK.to_text()
    assert again.pack("x") == pack("x")
    assert again.pack("other") is None


def test_order_does_not_change_a_byte() -> None:
    other = LOCK._replace(clients=("claude", "codex"), packs=(pack("b"), pack("x", parameters={"a": "é", "b": 1})))
    assert other.to_text() == LOCK.to_text()


def test_it_is_one_value_a_line_and_readable() -> None:
    text = LOCK.to_text()
    assert text.endswith("\n}\n")
    assert '"a": "é"' in text
    assert all(line.count(": ") <= 1 or "sha256:" in line for line in text.splitlines())


@pytest.mark.parametrize("files", [(), (FILE,), (FILE, FILE._replace(path='.x/"é\\\n.md', release="1.0.0"))], ids=len)
def test_it_is_json_as_the_standard_library_indents_it(files: tuple[LockedFile, ...]) -> None:
    text = LOCK._replace(files=files).to_text()
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
    assert len(json.loads(text)["files"]) == len(files)


def test_what_a_file_lets_a_persona_do_is_one_text_and_may_be_missing() -> None:
    told = LOCK._replace(files=(FILE._replace(capabilities="read, shell"), FILE._replace(path="z", capabilities="")))
    assert '"capabilities": "read, shell"' in told.to_text()
    again = parse_lock(told.to_text().encode(), "agentpack.lock")
    assert [file.words for file in again.files] == [("read", "shell"), ()]
    assert again.to_text() == told.to_text()
    assert "capabilities" not in LOCK.to_text()
    assert parse_lock(LOCK.to_text().encode(), "agentpack.lock").files[0].capabilities is None
    assert "is not text" in faults(told.to_text().replace('"read, shell"', '["read"]').encode())


def faults(data: bytes) -> str:
    with pytest.raises(InvalidFile) as refused:
        parse_lock(data, "agentpack.lock")
    assert refused.value.hint
    return refused.value.details[0]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "agentpack.lock:1: not valid JSON"),
        (b"{\n  oops", "agentpack.lock:2: not valid JSON"),
        (b"\xff", "agentpack.lock: not valid JSON"),
        (b"[" * 100_000, "agentpack.lock: not valid JSON"),
        (b'{\n<<<<<<< ours\n"schema": 1\n', "agentpack.lock:2: merge markers of version control"),
        (b"[]", "agentpack.lock: not a lock of schema 2: `[]` is not a map"),
        (b"{}", "agentpack.lock: not a lock of schema 2: 'schema' is missing"),
        (b'{"schema": 3}', "agentpack.lock: schema: schema 3 is newer than this agentpack reads (schema 2)"),
        (b'{"schema": 0}', "agentpack.lock: not a lock of schema 2: schema 0"),
        (b'{"schema": "1"}', "agentpack.lock: not a lock of schema 2: schema 1"),
    ],
)
def test_what_is_no_lock_is_told(data: bytes, fault: str) -> None:
    assert faults(data).startswith(fault)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("clients",), "claude"),
        (("clients",), [1]),
        (("packs",), [1]),
        (("packs", 0, "version"), 1),
        (("packs", 0, "digest"), "sha256:short"),
        (("packs", 0, "digest"), None),
        (("packs", 0, "variants"), [None]),
        (("packs", 0, "parameters"), "x"),
        (("packs", 0, "local_variants"), [{"persona": "reviewer"}]),
        (("files",), {"a": 1}),
        (("files", 0, "sha256"), 7),
        (("files", 0, "path"), None),
    ],
)
def test_a_value_of_another_shape_is_told(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(LOCK.to_text())
    here = data
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    assert "not a lock of schema 2" in faults(json.dumps(data).encode())


def test_a_digest_is_kept_as_it_is() -> None:
    found = parse_lock(LOCK.to_text().encode(), "agentpack.lock").packs[0]
    assert found.digest == Digest(DIGEST)


def test_ten_thousand_personas_for_three_clients_read_back() -> None:
    clients, words = ("claude", "codex", "gemini"), ", ".join(("edit", "fetch", "read", "search", "shell"))
    files = tuple(
        LockedFile(f".{client}/agents/persona-{number}.md", client, "many", f"persona-{number}", "0" * 64, words)
        for client in clients
        for number in range(10_000)
    )
    lock = Lock({}, clients, (pack("many"),), files)
    assert parse_lock(lock.to_text().encode(), "agentpack.lock").files == tuple(sorted(files))


def test_what_a_lock_lacks_is_told_with_the_first_that_asks_for_it() -> None:
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "top"}, {"require": "base"}]})
    lock = Lock(manifest.to_data(), (), (pack("top", requires=("base",), variants=(), local_variants=()),), ())
    assert "agentpack.yaml asks for base, which is not in the lock" in list(mismatches(manifest, lock))


@pytest.mark.parametrize(("commit", "told"), [("", "no commit"), ("b" * 40, "b" * 12)])
def test_a_lock_at_another_commit_than_the_manifest_names_is_told(commit: str, told: str) -> None:
    source = {"name": "ours", "git": "https://example.com/packs", "ref": "a" * 40}
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "x"}], "sources": [source]})
    lock = Lock(manifest.to_data(), (), (pack("x", source="ours", commit=commit, requires=()),), ())
    assert f"x is locked at {told}, and agentpack.yaml names {'a' * 12}" in list(mismatches(manifest, lock))


def test_a_local_variant_that_nothing_asks_for_is_told() -> None:
    manifest = Manifest.from_data({"schema": 1, "packs": [{"require": "x"}]})
    lock = Lock(manifest.to_data(), (), (pack("x", variants=(), parameters={}, requires=()),), ())
    assert list(mismatches(manifest, lock)) == ["x is locked with the variant `house`, which nothing asks for"]


def test_agents_that_a_client_does_not_get_for_two_reasons_are_named_under_each() -> None:
    rows = (
        SkippedAgent("qwen", "kit", "one", f"{REFUSED}too short"),
        SkippedAgent("qwen", "kit", "two", "tools limited"),
    )
    told = [str(agents) for agents in skipped_agents(Lock({}, (), (), (), skipped=rows))]
    assert [words.partition(": ")[2].partition(":")[0] for words in told] == ["one", "two"]
    (alone,) = skipped_agents(Lock({}, (), (), (), skipped=rows[:1]))
    assert str(alone) == "skipped for qwen: all agents of kit: too short"


def test_agents_that_a_client_does_not_get_are_new_where_one_of_them_is() -> None:
    one, two = (SkippedAgent("codex", "kit", name, "tools limited") for name in ("one", "two"))
    before, now = (Lock({}, (), (), (), skipped=rows) for rows in ((one,), (one, two)))
    assert [agents.is_new for agents in skipped_agents(now, before)] == [True]
    assert [agents.is_new for agents in skipped_agents(now, now)] == [False]
