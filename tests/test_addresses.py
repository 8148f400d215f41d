"""Passwords and tokens in addresses: never shown, and refused where they would be kept."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running import Agentpack
from support.trees import with_state

from agentpack.addresses import holds_secret, without_secrets

PASSWORD = "s3cr3t-Pa55"
ADDRESSES = (
    f"https://ada:{PASSWORD}@example.com/x",
    f"https://{PASSWORD}@example.com/x.git",
    f"git+https://ada:{PASSWORD}@example.com/x@v1",
    f"ssh://ada:{PASSWORD}@example.com/x",
    f"ssh://ada%3A{PASSWORD}@example.com/x",
    f"oci://robot$ci:{PASSWORD}@example.com/x",
    f"https://example.com/x?token={PASSWORD}",
    f"https://example.com/x?ref=main&private_token={PASSWORD}#y",
)
WORDS = (
    ("install", "x @ {}"),
    ("install", "x@{}"),
    ("install", "{}"),
    ("install", "x[{}]"),
    ("install", "x>={}"),
    ("install", "x", "--source", "{}"),
    ("install", "x", "--{}"),
    ("show", "x @ {}"),
    ("render", "{}"),
    ("audit", "x @ {}"),
    ("audit", "{}"),
    ("search", "{}"),
    ("uninstall", "{}"),
    ("upgrade", "{}"),
    ("diff", "{}"),
    ("diff", "--from", "x @ {}", "--to", "x"),
    ("explain", "{}"),
    ("keep", "{}"),
    ("adopt", "{}"),
    ("rollback", "{}"),
    ("pack", "new", "{}"),
    ("pack", "check", "{}"),
    ("--root", "{}", "status"),
    ("{}",),
)
KEPT = (
    "packs: ['x @ {}']",
    "packs: [{{require: 'x @ {}'}}]",
    "sources: [{{name: a, path: '{}'}}]",
    "policy: {{sources: {{allow: ['{}']}}}}",
    "policy: {{sources: {{deny: ['{}']}}}}",
)
"""Lines of a manifest of which something would be kept."""
WRONG = (
    *(
        "packs: ['{}']",
        "sources: [{{name: a, git: '{}'}}]",
        "sources: ['{}']",
        "'{}': 1",
        "clients: ['{}']",
        "{}",
        "{{{}",
    ),
    *("packs: [{{require: x, '{}': 1}}]", "packs: [{{require: x, parameters: {{'{}': 1}}, as: {{x: '{}'}}}}]"),
)
"""Lines that are wrong for other reasons, and that a message shows."""


@pytest.mark.many
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_no_command_shows_a_password_of_its_words(agentpack: Agentpack, home: Path, words: tuple[str, ...]) -> None:
    for address in ADDRESSES:
        for how in ((), ("--json",)):
            ran = agentpack(*(word.format(address) for word in words), *how, expect=None)
            assert PASSWORD not in ran.err
            said = json.dumps(ran.envelope["errors"]) if how and ran.out.startswith("{") else ran.out
            assert PASSWORD not in said
    assert not any(PASSWORD.encode() in mark[0] for mark in with_state(home).values())


@pytest.mark.campaign
@pytest.mark.parametrize("line", [*KEPT, *WRONG])
def test_no_command_shows_a_password_of_the_manifest(agentpack: Agentpack, project: Path, line: str) -> None:
    for address in ADDRESSES:
        (project / "agentpack.yaml").write_text(f"schema: 1\n{line.format(address, address)}\n")
        for words in (("status",), ("sync",), ("lock", "--json"), ("doctor",), ("policy", "explain")):
            ran = agentpack(*words, expect=None)
            assert PASSWORD not in ran.out + ran.err
    assert not (project / "agentpack.lock").exists()


@pytest.mark.many
@pytest.mark.parametrize("line", KEPT)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_manifest_with_a_password_is_refused(agentpack: Agentpack, project: Path, line: str, address: str) -> None:
    (project / "agentpack.yaml").write_text(f"schema: 1\n{line.format(address)}\n")
    assert "agentpack.yaml:2" in (ran := agentpack("sync", expect=2)).err
    assert "an address must not hold a password or token" in ran.err


def test_a_traceback_shows_no_password(agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentpack.cli.output import Output

    monkeypatch.setenv("AGENTPACK_TRACEBACK", "1")
    log = tmp_path / "log"
    monkeypatch.setattr("platformdirs.user_log_dir", lambda *_, **__: str(log))
    Output().bug(ValueError(f"cannot read {ADDRESSES[0]}"))
    assert "cannot read https://***@example.com/x" in (log / "last-bug.txt").read_text()
    assert PASSWORD not in (log / "last-bug.txt").read_text()


@pytest.mark.parametrize(
    "plain",
    [
        "ssh://git@example.com/x",
        "git+ssh://ada.l@review.example.com:29418/x.git@v1",
        "ada@example.com:x.git",
        "https://example.com:8443/x#subdirectory=y",
        "https://[::1]:80/x",
        "see https://example.com/a, http://b.example:80 and `file:///srv/packs`",
        "widened:claude@1.2.3, model:large and name@1.2",
        "mailto:ada@example.com",
        "C://",
    ],
)
def test_what_is_no_secret_stays(plain: str) -> None:
    assert without_secrets(plain) == plain
    assert not holds_secret(plain)


_LETTERS = st.text("abcXYZ019-._~%!$&()*+,;=", min_size=1, max_size=12)
_BETWEEN = st.text("ab `'\"\n:/?#@.", max_size=12)


@given(_BETWEEN, st.sampled_from(["https", "git+ssh", "oci"]), _LETTERS, _LETTERS, st.integers(0, 40), _BETWEEN)
def test_a_password_is_never_shown_whatever_is_around_it_or_cut_off(
    before: str, scheme: str, user: str, password: str, cut: int, after: str
) -> None:
    secret = f"Q{password}Q"
    text = f"{scheme}://{user}:{secret}@example.com/x?token={secret}"
    shown = without_secrets(f"{before} {text} {after}")
    assert secret not in shown
    assert without_secrets(shown) == shown
    assert secret not in without_secrets(text[: len(text) - min(cut, len("@example.com/x?token=") + len(secret))])
    assert holds_secret(text)
