"""What a web server may do to a command, and what it then says. Every server here is a real one, on this machine."""

import contextlib
import json
import os
import re
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import web_server
from support.cases import case
from support.web_server import Answer, WebServer, content, make_certificate, redirect, status

from agentpack.errors import AgentpackError, Interrupted, Refused, Unavailable, UsageError
from agentpack.model.web_addresses import host_of, web_address_fault
from agentpack.remote import http
from agentpack.remote.access import Remote
from agentpack.remote.cache import CachedAnswer, ContentCache
from agentpack.remote.credentials import authorization, git_login, netrc_path, variable_of
from agentpack.remote.git_failures import failure, gives_tips_only
from agentpack.remote.http import MAX_ATTEMPTS, MAX_CONNECTIONS, MAX_REDIRECTS, fetch_bytes, fetch_current
from agentpack.remote.process import Finished, run

BODY = b"what is in the kit\n"
DIGEST = sha256(BODY).hexdigest()
OTHER = "0" * 64
SECRET = "s3cr3t-w0rd"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts nearly no time passes."""
    monkeypatch.setattr(http, "_FIRST_PAUSE", 0.01)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return made_remote(tmp_path)


_ALWAYS = {"AGENTPACK_TIMEOUT": "0.3", "AGENTPACK_HOST_KIT": "localhost"}


def made_remote(tmp_path: Path, **variables: str) -> Remote:
    return Remote(str(tmp_path / "cache"), {**_ALWAYS, "HOME": str(tmp_path), **variables})


@pytest.fixture
def tls(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for `localhost` that is trusted."""
    certificate = make_certificate(tmp_path_factory.mktemp("tls"), "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def get(remote: Remote, url: str, **more: str) -> bytes:
    return fetch_bytes(remote, "kit", url, most=1000, **more)


def failed(remote: Remote, url: str, kind: type[AgentpackError]) -> str:
    """All words of the error."""
    with pytest.raises(kind) as caught:
        get(remote, url)
    assert type(caught.value) is kind
    return f"{caught.value}\n{' '.join(caught.value.details)}\n{caught.value.hint}"


# What is there.


def test_bytes_are_fetched_once_and_then_come_from_the_cache(server: WebServer, remote: Remote) -> None:
    server.answers["/kit"] = content(BODY)
    assert get(remote, server.url("/kit"), sha256=DIGEST) == BODY
    assert get(remote, server.url("/kit"), sha256=DIGEST) == BODY
    assert server.asked == ["/kit"]
    remote.offline = True
    assert get(remote, server.url("/elsewhere"), sha256=DIGEST) == BODY
    with pytest.raises(Unavailable, match="`--offline` or AGENTPACK_OFFLINE is set"):
        get(remote, server.url("/kit"), sha256=OTHER)
    assert server.asked == ["/kit"]


def test_other_bytes_than_the_digest_says_are_refused_and_not_kept(server: WebServer, remote: Remote) -> None:
    server.answers["/kit"] = content(b"something else")
    with pytest.raises(Refused, match="the source `kit` does not match its `sha256`") as refused:
        get(remote, server.url("/kit"), sha256=DIGEST)
    assert any(DIGEST in line for line in refused.value.details)
    assert remote.cache.read(sha256(b"something else").hexdigest()) is None


def test_bytes_are_taken_as_sent_even_if_the_server_says_they_are_packed(server: WebServer, remote: Remote) -> None:
    """As some servers say of any `.gz`."""
    server.answers["/kit"] = content(BODY, Content_Encoding="gzip")
    assert get(remote, server.url("/kit")) == BODY
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


def test_a_body_of_unknown_length_is_read_to_its_end(server: WebServer, remote: Remote) -> None:
    def answer(handler: web_server.Handler) -> None:
        handler.head(200, {"Transfer-Encoding": "chunked"})
        handler.wfile.write(b"4\r\nwhat\r\n3\r\n is\r\n0\r\n\r\n")

    server.answers["/kit"] = answer
    assert get(remote, server.url("/kit")) == b"what is"


# What goes wrong.

WRONG: Mapping[str, tuple[Answer, type[AgentpackError], str, int]] = {
    "truncated": (
        web_server.truncated,
        Unavailable,
        "localhost closed the connection after 100 of 1,000 bytes",
        MAX_ATTEMPTS,
    ),
    "truncated chunks": (
        web_server.truncated_chunks,
        Unavailable,
        "closed the connection after 100 bytes",
        MAX_ATTEMPTS,
    ),
    "larger than it says": (web_server.endless, Refused, "has more than 1,000 bytes", 1),
    "too large": (content(b"x" * 1001), Refused, "has more than 1,000 bytes", 1),
    "says it is too large": (content(b"", Content_Length="99999999"), Refused, "has more than 1,000 bytes", 1),
    "says it is far too large": (content(b"", Content_Length="1" * 15), Refused, "has more than 1,000 bytes", 1),
    "says what no file has": (content(b"", Content_Length="1" * 16), Unavailable, "no answer from localhost for", 1),
    "silent": (web_server.silent, Unavailable, "no answer from localhost for 0.3 seconds", 1),
    "drip": (web_server.dripping, Unavailable, "too slow", 1),
    "drip of a header": (web_server.dripping_head, Unavailable, "too slow", 1),
    "endless header": (web_server.endless_head, Unavailable, "sent an invalid answer", MAX_ATTEMPTS),
    "not HTTP": (web_server.nonsense, Unavailable, "sent an invalid answer", MAX_ATTEMPTS),
    "hangs up": (web_server.hung_up, Unavailable, "sent an invalid answer", MAX_ATTEMPTS),
    "401": (status(401), Unavailable, "asks for a login (401)", 1),
    "403": (status(403), Unavailable, "does not let you read this address (403)", 1),
    "404": (status(404), Unavailable, "if it needs a login, set AGENTPACK_TOKEN_", 1),
    "429": (status(429), Unavailable, "too many requests (429)", MAX_ATTEMPTS),
    "429 for long": (status(429, Retry_After="3600"), Unavailable, "asks you to wait 3,600 seconds", 1),
    "429 for a little too long": (status(429, Retry_After="11"), Unavailable, "asks you to wait 11 seconds", 1),
    "429 until a day": (status(429, Retry_After="Tue, 01 Dec 2026 00:00:00 GMT"), Unavailable, "(429)\n", MAX_ATTEMPTS),
    "429 for ages": (status(429, Retry_After="9" * 400), Unavailable, "too many requests (429)\n", MAX_ATTEMPTS),
    "429 with nonsense": (status(429, Retry_After="-1"), Unavailable, "too many requests (429)\n", MAX_ATTEMPTS),
    "410": (status(410), Unavailable, "localhost has nothing at this address (410)", 1),
    "500": (status(500), Unavailable, "an error of its own (500)", 1),
    "502": (status(502), Unavailable, "an error of its own (502)", MAX_ATTEMPTS),
    "504": (status(504), Unavailable, "an error of its own (504)", MAX_ATTEMPTS),
    "503": (status(503), Unavailable, "an error of its own (503)", MAX_ATTEMPTS),
    "a part": (status(206), Unavailable, "unexpected status 206", 1),
    "nothing new, unasked": (status(304), Unavailable, "unexpected status 304", 1),
    "redirect to itself": (redirect("/kit"), Unavailable, f"redirects more than {MAX_REDIRECTS} times", 6),
    "redirect to a file": (redirect("file:///etc/passwd"), Refused, "leads to file:/etc/passwd, which", 1),
    "redirect to a plain host": (redirect("http://example.com/"), Refused, "only `https://` is supported", 1),
    "redirect with a password": (redirect(f"https://ada:{SECRET}@localhost/"), Refused, "leads to", 1),
    "redirect to nonsense": (redirect("https://[::"), Refused, "an invalid address", 1),
    "redirect with a line end": (redirect("https://a b\tc/"), Refused, "an invalid address", 1),
}


def test_each_misbehaviour_has_its_exit_code_and_its_sentence(remote: Remote) -> None:
    for name, (answer, kind, words, requests) in WRONG.items():
        with case(name), WebServer({"/kit": answer}) as server:
            said = failed(remote, server.url("/kit"), kind)
            assert words in said
            assert server.url("/kit") in said
            assert SECRET not in said
            assert not said.endswith("None"), "nothing says what to do next"
            assert len(server.asked) == requests
    assert not (Path(remote.folder) / "content/objects").exists()


def test_a_failure_that_passes_is_overcome(server: WebServer, remote: Remote) -> None:
    passing = {
        "503": status(503),
        "429, in no time": status(429, Retry_After="0"),
        "truncated": web_server.truncated,
        "hangs up": web_server.hung_up,
    }
    for name, answer in passing.items():
        with case(name):
            server.requests.clear()
            server.answers["/kit"] = web_server.one_after_another(answer, content(BODY))
            assert get(remote, server.url("/kit")) == BODY
            assert len(server.asked) == 2


def test_a_server_may_ask_to_wait_for_as_long_as_it_is_waited_for(
    server: WebServer, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_RETRY_AFTER", 0)
    server.answers["/kit"] = web_server.one_after_another(status(503, Retry_After="0"), content(BODY))
    assert get(remote, server.url("/kit")) == BODY
    server.answers["/kit"] = web_server.one_after_another(status(503, Retry_After="1"), content(BODY))
    assert "asks you to wait 1 seconds" in failed(remote, server.url("/kit"), Unavailable)


def test_a_server_that_asks_to_wait_is_not_asked_before(server: WebServer, remote: Remote) -> None:
    times: list[float] = []

    def answer(handler: web_server.Handler) -> None:
        times.append(monotonic())
        (status(503, Retry_After="1") if len(times) == 1 else content(BODY))(handler)

    server.answers["/kit"] = answer
    assert get(remote, server.url("/kit")) == BODY
    assert times[1] - times[0] >= 1


def test_nobody_there(remote: Remote) -> None:
    with web_server.closed_port() as url:
        assert "no connection to localhost: Connection refused" in failed(remote, url, Unavailable)
    assert "no connection to nowhere.invalid" in failed(remote, "https://nowhere.invalid/kit", Unavailable)


def test_a_server_that_accepts_nothing_is_given_up(remote: Remote, tls: Path) -> None:
    """A port that is open and answers to no handshake."""
    with WebServer() as plain:
        said = failed(remote, plain.url("/kit").replace("http:", "https:"), Unavailable)
    assert "no connection to localhost" in said


# Redirects and credentials.


def test_redirects_are_followed(server: WebServer, remote: Remote) -> None:
    server.answers |= {"/a": redirect("/b?x=1", 301), "/b": redirect(server.url("/c#there"), 307), "/c": content(BODY)}
    assert get(remote, server.url("/a")) == BODY
    assert server.asked == ["/a", "/b?x=1", "/c"]


def test_https_never_leads_to_http(remote: Remote, tls: Path) -> None:
    with WebServer({"/kit": content(BODY)}) as plain:
        with WebServer({"/kit": redirect(plain.url("/kit"))}, certificate=tls) as server:
            assert "https may redirect only to https" in failed(remote, server.url("/kit"), Refused)
        assert plain.asked == []


def test_https_leads_to_https(remote: Remote, tls: Path) -> None:
    with WebServer({"/kit": content(BODY)}, certificate=tls) as other:
        with WebServer({"/kit": redirect(other.url("/kit"))}, certificate=tls) as server:
            assert get(remote, server.url("/kit")) == BODY
        assert other.asked == ["/kit"]


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


LOGINS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "token": ({"AGENTPACK_TOKEN_KIT": SECRET}, f"Bearer {SECRET}"),
    "password": ({"AGENTPACK_USERNAME_KIT": "ada", "AGENTPACK_PASSWORD_KIT": SECRET}, basic("ada", SECRET)),
    "password alone": ({"AGENTPACK_PASSWORD_KIT": SECRET}, basic("", SECRET)),
    "user alone": ({"AGENTPACK_USERNAME_KIT": "eve"}, basic("eve", "")),
    "token before a password": ({"AGENTPACK_TOKEN_KIT": SECRET, "AGENTPACK_PASSWORD_KIT": "x"}, f"Bearer {SECRET}"),
    "netrc": ({}, basic("ada", SECRET)),
    "netrc elsewhere": ({"NETRC": "{folder}/mine"}, basic("eve", SECRET)),
}


def with_netrc(folder: Path) -> None:
    (folder / ".netrc").write_text(f"machine localhost login ada password {SECRET}\ndefault login a password b\n")
    (folder / "mine").write_text(f"machine localhost login eve password {SECRET}\n")


def test_credentials_come_from_the_environment_or_netrc(tmp_path: Path) -> None:
    with_netrc(tmp_path)
    for name, (variables, header) in LOGINS.items():
        remote = made_remote(tmp_path, **{key: value.format(folder=tmp_path) for key, value in variables.items()})
        with case(name), WebServer({"/kit": web_server.behind_login(header, BODY)}) as server:
            assert get(remote, server.url("/kit")) == BODY
            for kept in (tmp_path / "cache").rglob("*"):
                assert kept.is_dir() or SECRET not in kept.read_text()


def test_credentials_are_sent_to_no_other_origin(tmp_path: Path) -> None:
    """Neither to another port nor to another name of the same machine, and not to what has its own entry in netrc."""
    with_netrc(tmp_path)
    (tmp_path / ".netrc").write_text(
        f"machine localhost login a password {SECRET}\nmachine 127.0.0.1 login b password c"
    )
    for name, (variables, _) in LOGINS.items():
        remote = made_remote(tmp_path, **{key: value.format(folder=tmp_path) for key, value in variables.items()})
        with case(name), WebServer({"/kit": content(BODY)}) as other, WebServer() as server:
            for onwards in (other.url("/kit"), other.url("/kit", "127.0.0.1"), server.url("/back", "127.0.0.1")):
                server.answers |= {"/kit": redirect(onwards), "/back": content(BODY)}
                assert get(remote, server.url("/kit")) == BODY
            assert [one.path for one in server.requests if "Authorization" in one.headers] == ["/kit"] * 3
            assert len(other.requests) == 2
            assert not any("Authorization" in one.headers for one in other.requests)


def test_an_address_may_spell_out_its_port_and_shout_its_host(tmp_path: Path) -> None:
    """It is the same origin."""
    with WebServer({"/kit": content(BODY)}) as server:
        get(made_remote(tmp_path, AGENTPACK_TOKEN_KIT=SECRET), server.url("/kit", "LOCALHOST").replace("http", "HTTP"))
        assert server.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    first, second = httpx2.URL("https://example.com:443/a"), httpx2.URL("https://EXAMPLE.com/b")
    assert first.origin == second.origin != httpx2.URL("http://example.com:443").origin


@pytest.mark.many
@pytest.mark.parametrize("host", ["", "example.com", "localhost.example.com"])
def test_a_source_named_like_ones_own_at_another_host_gets_nothing(
    server: WebServer, tmp_path: Path, host: str
) -> None:
    server.answers["/kit"] = content(BODY)
    variables = {"AGENTPACK_HOST_KIT": host, "AGENTPACK_PASSWORD_KIT": SECRET, "AGENTPACK_TOKEN_KIT": SECRET}
    get(made_remote(tmp_path, **variables), server.url("/kit"))
    assert "Authorization" not in server.requests[0].headers
    server.answers["/kit"] = status(401)
    said = failed(made_remote(tmp_path, **variables), server.url("/kit"), Unavailable)
    assert "set AGENTPACK_TOKEN_KIT and AGENTPACK_HOST_KIT=localhost" in said


def test_credentials_of_one_source_or_host_are_not_used_for_another(server: WebServer, tmp_path: Path) -> None:
    server.answers["/kit"] = content(BODY)
    (tmp_path / ".netrc").write_text(f"machine example.com login a password {SECRET}\ndefault login a password b\n")
    get(made_remote(tmp_path, AGENTPACK_TOKEN_OTHER=SECRET, AGENTPACK_TOKEN_=SECRET), server.url("/kit"))
    assert "Authorization" not in server.requests[0].headers


def test_refused_credentials_are_named_and_not_shown(server: WebServer, tmp_path: Path) -> None:
    server.answers["/kit"] = status(401)
    said = failed(made_remote(tmp_path, AGENTPACK_TOKEN_KIT=SECRET), server.url("/kit"), Unavailable)
    assert "does not accept the credentials (401)" in said
    assert "AGENTPACK_TOKEN_KIT" in said
    assert SECRET not in said


def test_a_login_wanted_elsewhere_is_told_as_such(server: WebServer, tmp_path: Path) -> None:
    server.answers |= {"/kit": redirect(server.url("/there", "127.0.0.1")), "/there": status(401)}
    said = failed(made_remote(tmp_path, AGENTPACK_TOKEN_KIT=SECRET), server.url("/kit"), Unavailable)
    assert f"it redirects to http://127.0.0.1:{server.port}, which requires a login (401)" in said
    assert "AGENTPACK_TOKEN_KIT" not in said


def test_credentials_that_would_break_a_header_are_refused_unshown(server: WebServer, tmp_path: Path) -> None:
    for value in (f"{SECRET}\r\nX-Evil: 1", f"{SECRET} two", f"{SECRET}é"):
        said = failed(made_remote(tmp_path, AGENTPACK_TOKEN_KIT=value), server.url("/kit"), UsageError)
        assert "AGENTPACK_TOKEN_KIT holds" in said
        assert SECRET not in said
    assert server.asked == []


@pytest.mark.parametrize("kind", ["TOKEN", "USERNAME", "PASSWORD"])
@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}\r\nX-Evil: 1", f"a\x00{SECRET}", f"{SECRET}\x7f"])
def test_no_credential_may_hold_a_control_character(kind: str, value: str) -> None:
    variables = {"AGENTPACK_HOST_MY_KIT": "Example.com", f"AGENTPACK_{kind}_MY_KIT": value}
    words = f"AGENTPACK_{kind}_MY_KIT holds a line end or another control character, which cannot be sent"
    for ask in (
        lambda: authorization("my-kit", "example.com", variables),
        lambda: git_login("my-kit", "https", "example.com:8443", variables),
    ):
        with pytest.raises(UsageError) as refused:
            ask()
        assert refused.value.message == words


@pytest.mark.parametrize("value", [f"{SECRET} two", f"{SECRET}é", " "])
def test_a_token_has_no_blank_and_no_letter_beyond_ascii_and_a_password_may(value: str) -> None:
    host = {"AGENTPACK_HOST_KIT": "example.com"}
    with pytest.raises(UsageError) as refused:
        authorization("kit", "example.com", {**host, "AGENTPACK_TOKEN_KIT": value})
    assert refused.value.message == "AGENTPACK_TOKEN_KIT holds a blank or a letter beyond ASCII, which no token has"
    password = {**host, "AGENTPACK_PASSWORD_KIT": value}
    assert authorization("kit", "example.com", password) == "Basic " + b64encode(f":{value}".encode()).decode()


@pytest.mark.parametrize(
    ("variables", "user", "secret"),
    [
        ({"TOKEN": SECRET}, "x-access-token", SECRET),
        ({"TOKEN": SECRET, "USERNAME": "ada"}, "ada", SECRET),
        ({"TOKEN": SECRET, "PASSWORD": "x"}, "x-access-token", SECRET),
        ({"USERNAME": "ada", "PASSWORD": SECRET}, "ada", SECRET),
        ({"USERNAME": "ada"}, "ada", ""),
        ({"PASSWORD": SECRET}, "", SECRET),
    ],
)
@pytest.mark.parametrize(("known", "first"), [({}, 0), ({"GIT_CONFIG_COUNT": "3"}, 3), ({"GIT_CONFIG_COUNT": "x"}, 0)])
def test_git_logs_in_to_the_host_of_the_source_with_what_the_environment_has(
    variables: Mapping[str, str], user: str, secret: str, known: Mapping[str, str], first: int
) -> None:
    own = {f"AGENTPACK_{kind}_KIT": value for kind, value in variables.items()}
    found = dict(git_login("kit", "https", "example.com:8443", {**known, **own, "AGENTPACK_HOST_KIT": "example.com"}))
    assert "AGENTPACK_SECRET" in found.pop(f"GIT_CONFIG_VALUE_{first + 1}")
    assert found == {
        f"GIT_CONFIG_KEY_{first}": "credential.https://example.com:8443.helper",
        f"GIT_CONFIG_VALUE_{first}": "",
        f"GIT_CONFIG_KEY_{first + 1}": "credential.https://example.com:8443.helper",
        "GIT_CONFIG_COUNT": str(first + 2),
        "AGENTPACK_USER": user,
        "AGENTPACK_SECRET": secret,
    }
    assert git_login("kit", "https", "example.org", {**own, "AGENTPACK_HOST_KIT": "example.com"}) == {}
    assert git_login("kit", "https", "example.com", own) == {}


def test_without_credentials_in_the_environment_git_uses_its_own() -> None:
    host = {"AGENTPACK_HOST_KIT": "example.com"}
    assert git_login("kit", "https", "example.com", host) == {}
    empty = {f"AGENTPACK_{kind}_KIT": "" for kind in ("TOKEN", "USERNAME", "PASSWORD")}
    assert git_login("kit", "https", "example.com", {**host, **empty}) == {}


def test_an_empty_credential_is_none(tmp_path: Path) -> None:
    empty = {f"AGENTPACK_{kind}_KIT": "" for kind in ("TOKEN", "USERNAME", "PASSWORD")}
    empty |= {"AGENTPACK_HOST_KIT": "example.com", "HOME": str(tmp_path)}
    (tmp_path / ".netrc").write_text("machine example.com login eve password x\n")
    assert authorization("kit", "example.com", empty) == basic("eve", "x")
    assert authorization("kit", "example.com", {**empty, "AGENTPACK_PASSWORD_KIT": "y"}) == basic("", "y")
    assert authorization("kit", "example.com", {**empty, "AGENTPACK_USERNAME_KIT": "ada"}) == basic("ada", "")
    assert authorization("kit", "example.com", {**empty, "AGENTPACK_TOKEN_KIT": "z"}) == "Bearer z"


def test_variables_and_files_of_credentials_have_their_names() -> None:
    assert variable_of("TOKEN", "my.kit-2") == "AGENTPACK_TOKEN_MY_KIT_2"
    assert netrc_path({"HOME": "/home/ada"}) == "/home/ada/.netrc"
    assert netrc_path({"HOME": "/home/ada", "NETRC": "/etc/netrc"}) == "/etc/netrc"
    assert netrc_path({}) == "/.netrc"


def test_a_netrc_that_does_not_read_is_no_obstacle_and_not_quoted(server: WebServer, tmp_path: Path) -> None:
    server.answers["/kit"] = content(BODY)
    for text in (f"machine localhost {SECRET}", "\x00\xff"):
        (tmp_path / ".netrc").write_bytes(text.encode("latin-1"))
        assert get(made_remote(tmp_path), server.url("/kit")) == BODY


def test_no_cookie_is_sent_back(server: WebServer, remote: Remote) -> None:
    server.answers |= {"/a": content(BODY, Set_Cookie="session=1; Path=/")}
    get(remote, server.url("/a"))
    get(remote, server.url("/a"))
    assert not any("Cookie" in one.headers for one in server.requests)


# Addresses.


def test_an_address_that_is_not_read_is_refused_before_anything_is_asked(remote: Remote) -> None:
    for url in (
        f"https://ada:{SECRET}@example.com/kit",
        f"https://{SECRET}@example.com/kit",
        f"https://example.com/kit?token={SECRET}",
        "http://example.com/kit",
        "http://localhost.example.com/kit",
        "http://127.0.0.1.example.com/kit",
        "ftp://example.com/kit",
        "https://exämple.com/kit",
        "https://example.com\\@localhost/kit",
        "https:///kit",
        "https://example.com/a b",
        "https://example.com/\n",
    ):
        with case(url):
            assert SECRET not in failed(remote, url, UsageError)


def test_plain_http_is_read_on_this_machine_only() -> None:
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LOCALHOST", "localhost:80"):
        assert web_address_fault(f"http://{host}/x") is None
    for host in ("10.0.0.1", "0.0.0.0", "[::]", "192.168.1.1", "127.1", "localhost.", "2130706433"):
        assert web_address_fault(f"http://{host}/x") is not None


PIECES = ["a", "localhost", "127.0.0.1", "[::1]", "xn--a", "0x7f", "80", ".", "-", "_", ":", "/", "?", "#", "&"]
ODD = ["@", "\\", "%2f", "%40", " ", "\t", "ü", "[", "//"]


@given(
    st.sampled_from(["http://", "https://", "https://"]),
    st.lists(st.sampled_from(PIECES) | st.sampled_from([*PIECES, *ODD]), max_size=6).map("".join),
)
def test_an_address_that_is_read_means_the_same_to_the_library(scheme: str, rest: str) -> None:
    """Its host decides whether it is this machine, and who gets credentials."""
    text = scheme + rest
    if web_address_fault(text) is None:
        try:
            url = httpx2.URL(text)
        except httpx2.InvalidURL:  # such a port or name does not exist
            return
        assert (url.scheme, url.host, url.userinfo) == (scheme[:-3], host_of(text).strip("[]"), b"")


# Certificates and proxies.


def test_certificates_are_checked(remote: Remote, tls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer({"/kit": content(BODY)}, certificate=tls) as server:
        assert get(remote, server.url("/kit")) == BODY
        assert "Hostname mismatch" in (said := failed(remote, server.url("/kit", "ip6-localhost"), Unavailable)) or (
            "no connection" in said  # there is no such name here
        )
        monkeypatch.delenv("SSL_CERT_FILE")
        said = failed(made_remote(tmp_path), server.url("/kit"), Unavailable)
        assert "the certificate of localhost is not accepted: self" in said
        assert "SSL_CERT_FILE" in said
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        assert "the certificates " in failed(made_remote(tmp_path), server.url("/kit"), UsageError)
    assert server.asked == ["/kit"]


def test_a_certificate_of_another_host_is_not_accepted(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path / "tls", "example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with WebServer({"/kit": content(BODY)}, certificate=certificate) as server:
        assert "is not accepted: Hostname mismatch" in failed(remote, server.url("/kit"), Unavailable)


def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(
    server: WebServer, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connects: list[str] = []

    class Proxy(web_server.Handler):
        def do_CONNECT(self) -> None:
            connects.append(self.path)
            self.head(407, {"Content-Length": "0"})

    with WebServer() as proxy:
        proxy.RequestHandlerClass = Proxy
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://ada:{SECRET}@127.0.0.1:{proxy.port}")
        said = failed(remote, "https://packs.example.com/kit", Unavailable)
        assert "the proxy does not let it through: 407" in said
        assert SECRET not in said
        assert connects == ["packs.example.com:443"]
        server.answers["/kit"] = content(BODY)
        assert get(remote, server.url("/kit")) == BODY
    gone = f"http://ada:{SECRET}@127.0.0.1:1"
    monkeypatch.setenv("HTTPS_PROXY", gone)
    said = failed(made_remote(tmp_path, HTTPS_PROXY=gone), "https://packs.example.com/kit", Unavailable)
    assert "no connection to packs.example.com, or to the proxy" in said
    assert SECRET not in said
    for address in ("socks5://localhost:1", "nonsense://x", "http://[::"):
        monkeypatch.setenv("HTTPS_PROXY", address)
        with case(address):
            assert "a proxy" in failed(made_remote(tmp_path), "https://packs.example.com/kit", UsageError)


# Conditional requests.


def test_what_did_not_change_is_not_sent_again(server: WebServer, remote: Remote) -> None:
    url = server.url("/index.json")

    def current() -> bytes | None:
        return fetch_current(remote, "team", url, most=1000)

    server.answers["/index.json"] = web_server.tagged(BODY, '"1"')
    assert (current(), current()) == (BODY, BODY)
    assert [one.headers.get("If-None-Match") for one in server.requests] == [None, '"1"']
    server.answers["/index.json"] = web_server.tagged(b"new", 'W/"2"')
    assert (current(), current()) == (b"new", b"new")
    assert server.requests[-1].headers["If-None-Match"] == 'W/"2"'
    asked = len(server.asked)
    remote.offline = True
    assert current() == b"new"
    assert len(server.asked) == asked
    with pytest.raises(Unavailable, match="--offline"):
        fetch_current(remote, "team", server.url("/other.json"), most=1000)
    remote.offline = False
    del server.answers["/index.json"]
    assert current() is None


def test_a_body_that_the_cache_lost_or_that_is_too_large_is_asked_for_anew(server: WebServer, remote: Remote) -> None:
    server.answers["/index.json"] = web_server.tagged(BODY, '"1"')
    url = server.url("/index.json")
    fetch_current(remote, "team", url, most=1000)
    for damaged in (None, b"damaged"):
        for path in (Path(remote.folder) / "content/objects").glob("*/*"):
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
        assert fetch_current(remote, "team", url, most=1000) == BODY
        assert "If-None-Match" not in server.requests[-1].headers
    with pytest.raises(Refused):
        fetch_current(remote, "team", url, most=5)


def test_a_damaged_note_of_an_answer_counts_as_none(server: WebServer, remote: Remote) -> None:
    server.answers["/index.json"] = web_server.tagged(BODY, '"1"')
    url = server.url("/index.json")
    fetch_current(remote, "team", url, most=1000)
    (note,) = (Path(remote.folder) / "content/answers").glob("*/*")
    good = note.read_text()
    for text in ("", "[]", "{", '{"etag": 1}', good.replace('\\"1\\"', "\\r\\nX: 1"), good.replace(DIGEST, "../../x")):
        note.write_text(text)
        assert fetch_current(remote, "team", url, most=1000) == BODY
        assert "If-None-Match" not in server.requests[-1].headers


def test_one_connection_serves_many_requests(server: WebServer, remote: Remote) -> None:
    server.answers["/index.json"] = web_server.tagged(BODY, '"1"')
    ports: list[int] = []
    answer = server.answers["/index.json"]

    def noting(handler: web_server.Handler) -> None:
        ports.append(handler.client_address[1])
        answer(handler)

    server.answers["/index.json"] = noting
    for _ in range(4):
        fetch_current(remote, "team", server.url("/index.json"), most=1000)
    assert len(ports) == 4
    assert len({*ports}) == 1


def test_only_so_many_connections_are_open_at_once(server: WebServer, tmp_path: Path) -> None:
    remote, lock = made_remote(tmp_path, AGENTPACK_TIMEOUT="10"), Lock()
    open_now, most = 0, 0

    def answer(handler: web_server.Handler) -> None:
        nonlocal open_now, most
        with lock:
            open_now, most = open_now + 1, max(most, open_now + 1)
        handler.wait(0.05)
        with lock:
            open_now -= 1
        content(BODY)(handler)

    server.answers["/kit"] = answer
    with ThreadPoolExecutor(20) as pool:
        assert {*pool.map(lambda _: get(remote, server.url("/kit")), range(40))} == {BODY}
    assert 1 < most <= MAX_CONNECTIONS


# Time and progress.


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "3601"])
def test_a_time_out_that_is_no_number_of_seconds_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="AGENTPACK_TIMEOUT"):
        get(made_remote(tmp_path, AGENTPACK_TIMEOUT=value), "https://localhost:1/")


@pytest.mark.parametrize(("value", "offline"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_a_variable_keeps_a_command_from_the_network(tmp_path: Path, value: str, offline: bool) -> None:
    assert made_remote(tmp_path, AGENTPACK_OFFLINE=value).offline is offline


def test_progress_is_told_while_bytes_arrive(server: WebServer, remote: Remote) -> None:
    told: list[tuple[int, int | None]] = []

    @contextlib.contextmanager
    def progress(task: str) -> Iterator[Callable[..., None]]:
        assert task == "reading localhost"
        yield lambda done, total=None: told.append((done, total))

    def answer(handler: web_server.Handler) -> None:
        handler.head(200, {"Content-Length": "4"})
        for _ in range(4):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            handler.wait(0.1)

    server.answers["/kit"] = answer
    remote.progress = progress
    assert get(remote, server.url("/kit")) == b"xxxx"
    assert told[-1] == (4, 4)
    assert len(told) > 2


def test_every_variable_of_the_environment_stands_on_its_page() -> None:
    page = (Path(__file__).parent.parent / "docs/reference/network.md").read_text()
    for name in (
        "AGENTPACK_OFFLINE",
        "AGENTPACK_TIMEOUT",
        "AGENTPACK_TOKEN_",
        "AGENTPACK_HOST_",
        "NETRC",
        "SSL_CERT_FILE",
        "HTTPS_PROXY",
    ):
        assert re.search(rf"`{name}", page), name


# The cache.


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("a file")
    cache = ContentCache(f"{tmp_path}/content")
    for write in (lambda: cache.add(BODY), lambda: cache.add_answer("https://a.example", CachedAnswer("x", DIGEST))):
        with pytest.raises(Unavailable) as told:
            write()
        assert re.fullmatch(
            rf"the cache cannot be written: {tmp_path}/content\S*: (Not a directory|File exists)", told.value.message
        )
        assert told.value.hint == "set XDG_CACHE_HOME to another folder"


def test_a_damaged_content_is_deleted_and_written_again(tmp_path: Path) -> None:
    cache = ContentCache(f"{tmp_path}/content")
    path = tmp_path / "content/objects" / DIGEST[:2] / DIGEST
    assert (cache.read(DIGEST), cache.add(BODY), cache.read(DIGEST)) == (None, DIGEST, BODY)
    path.write_bytes(BODY + b"x")
    assert cache.read(DIGEST) is None
    assert not path.exists()
    assert (cache.add(BODY), path.read_bytes()) == (DIGEST, BODY)


@pytest.mark.parametrize(
    ("etag", "is_kept"),
    [('"1"', True), ("", True), ("x" * 1000, True), ("x" * 1001, False), ('"é"', False), ('"a\n"', False)],
)
def test_what_a_server_calls_its_answer_is_kept_if_it_can_be_sent_back(
    tmp_path: Path, etag: str, is_kept: bool
) -> None:
    cache, address, answer = ContentCache(f"{tmp_path}/content"), "https://a.example/kit", CachedAnswer(etag, DIGEST)
    cache.add_answer(address, answer)
    assert cache.answer(address) == (answer if is_kept else None)
    cache.add_answer(address, CachedAnswer("x", DIGEST))
    (note,) = (path for path in (tmp_path / "content/answers").rglob("*") if path.is_file())
    note.write_text(json.dumps(answer._asdict()))
    assert cache.answer(address) == (answer if is_kept else None)
    for damaged in ("{", "[]", "5", "{}", json.dumps({"etag": "x", "sha256": DIGEST[1:]}), "[" * 4000):
        note.write_text(damaged)
        assert cache.answer(address) is None


@pytest.mark.parametrize(
    ("lines", "only"),
    [
        (["fatal: remote error: Server does not allow request for unadvertised object 12"], True),
        (["error: x", "error: Server does not allow request for unadvertised object 12"], True),
        (["error: x"], False),
        ([], False),
    ],
)
def test_a_server_that_hands_over_branches_and_tags_only_is_known_by_its_words(lines: list[str], only: bool) -> None:
    assert gives_tips_only(Unavailable("m", details=lines)) is only


# What git says.

AT = "https://git.example:8443/kit.git"
LOOK = f"`git ls-remote {AT}` shows git's own message"


@pytest.mark.parametrize(
    ("said", "words", "hint"),
    [
        (
            "fatal: the remote end timed out",
            "does not answer in time",
            "try again later; AGENTPACK_TIMEOUT=SECONDS waits longer",
        ),
        (
            "error: RPC failed; Operation too slow. Less than",
            "does not answer in time",
            "try again later; AGENTPACK_TIMEOUT=SECONDS waits longer",
        ),
        (
            "fatal: remote did not send all necessary objects",
            "does not match its mirror in the cache",
            "`agentpack cache prune --all` deletes a damaged mirror",
        ),
        (
            "fatal: dumb http transport does not support shallow capabilities",
            "is on a web server that only serves files (dumb HTTP), which is not supported",
            "serve it with `git http-backend` or over ssh, or publish an archive: `agentpack pack build`",
        ),
        (
            f"fatal: couldn't find remote ref {'a' * 64}",
            "has SHA-256 object names, which are not supported",
            "use a repository with SHA-1 object names, as `git init` makes it, or an archive",
        ),
        (
            "fatal: mismatched object-format",
            "has SHA-256 object names, which are not supported",
            "use a repository with SHA-1 object names, as `git init` makes it, or an archive",
        ),
        (
            "fatal: remote error: upload-pack: not our ref 12",
            "does not have the requested commit",
            "check it; if its history was rewritten, `agentpack upgrade` installs the current state",
        ),
        (
            "error: Server does not allow request for unadvertised object 12",
            "does not have the requested commit",
            "check it; if its history was rewritten, `agentpack upgrade` installs the current state",
        ),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "is on a host whose ssh key has changed; somebody may be intercepting the connection",
            f"ask who runs the host; `git ls-remote {AT}` shows where the old key is stored",
        ),
        (
            "Host key verification failed.",
            "is on a host whose ssh key is not known yet",
            f"`git ls-remote {AT}` asks whether to trust it",
        ),
        (
            "No ED25519 host key is known for git.example and you have requested strict checking.",
            "is on a host whose ssh key is not known yet",
            f"`git ls-remote {AT}` asks whether to trust it",
        ),
        (
            "git@git.example: Permission denied (publickey).",
            "requires an ssh key that it knows",
            f"add a key with `ssh-add`, then check with `git ls-remote {AT}`",
        ),
        *(
            (
                said,
                "requires credentials",
                f"`git ls-remote {AT}` asks for them; a credential helper keeps them. For https, "
                "set AGENTPACK_TOKEN_MY_KIT and AGENTPACK_HOST_MY_KIT=git.example",
            )
            for said in (
                "fatal: Authentication failed for 'https://x'",
                "fatal: could not read Username for 'https://x': terminal prompts disabled",
                "fatal: could not read Password for 'https://x': terminal prompts disabled",
                "remote: Permission denied to ada",
                "error: The requested URL returned error: 401",
                "error: The requested URL returned error: 403",
            )
        ),
        ("error: The requested URL returned error: 429", "fails or is overloaded", "try again later"),
        ("error: The requested URL returned error: 503", "fails or is overloaded", "try again later"),
        ('fatal: Protocol "http" not supported or disabled in libcurl', "redirects to an unencrypted address", LOOK),
        ("fatal: SSL certificate problem: self-signed", "has a certificate that is not trusted", LOOK),
        ("fatal: server Certificate verification failed", "has a certificate that is not trusted", LOOK),
        ("fatal: gnutls_handshake() failed: TLS", "has a certificate that is not trusted", LOOK),
        *(
            (
                said,
                "is not a repository, or you have no access to it",
                f"check the address: `git ls-remote {AT}`",
            )
            for said in (
                "fatal: repository 'https://x' not found",
                "fatal: '/x' does not appear to be a git repository",
                "fatal: '/x' does not exist",
                "error: The requested URL returned error: 404",
            )
        ),
        ("fatal: something new", "cannot be reached", LOOK),
        ("", "cannot be reached", LOOK),
    ],
)
def test_what_git_says_is_told_with_what_to_do(said: str, words: str, hint: str) -> None:
    told = failure(Finished(128, b"", said.encode()), "my-kit", AT, 1 << 20)
    assert type(told) is Unavailable
    assert (told.message, told.hint) == (f"the source `my-kit` at {AT} {words}", hint)
    assert list(told.details) == said.splitlines()


def test_of_what_git_says_the_lines_that_tell_something_are_kept() -> None:
    generic = (
        "fatal: Could not read from remote repository.",
        "Please make sure you have the correct access rights",
        "and the repository exists.",
    )
    many = [f"remote: line {number}" for number in range(7)]

    def details(*lines: str) -> list[str]:
        return list(failure(Finished(1, b"", "\n".join(lines).encode()), "kit", AT, 1).details)

    assert details("  warning: x  ", "", "fatal: y", *generic) == ["fatal: y"]
    assert details("hello", *generic) == ["hello"]
    assert details(*generic) == ["fatal: Could not read from remote repository."]
    assert details("a", "error: b", "remote: c", "gpg: d", "ERROR: e", "f") == [
        "error: b",
        "remote: c",
        "gpg: d",
        "ERROR: e",
    ]
    assert details(*many) == many[-5:]
    late = failure(Finished(1, b"", b"fatal: y", is_late=True), "kit", AT, 1)
    assert late.message == f"the source `kit` at {AT} does not answer in time"
    cut = failure(Finished(1, b"", b"fatal: y", is_cut=True), "kit", AT, 3 << 20)
    assert (type(cut), cut.message) == (Refused, f"{AT} answers with more than 3 MiB")
    unread = failure(Finished(1, b"", "\n".join(many).encode()), "kit", AT, 1, unread="/cache/kit.git")
    assert (unread.message, unread.hint) == (f"/cache/kit.git, a mirror of {AT}, cannot be read", "delete it")
    assert list(unread.details) == many[:5]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://git.example/kit", "git.example"),
        ("http://[::1]:80/kit", "[::1]"),
        ("ssh://git@git.example/kit", "NAME"),
        ("git@git.example:kit", "NAME"),
    ],
)
def test_the_host_to_set_is_that_of_a_web_address(address: str, host: str) -> None:
    told = failure(Finished(1, b"", b"fatal: Authentication failed"), "kit", address, 1)
    assert (told.hint or "").endswith(f"set AGENTPACK_TOKEN_KIT and AGENTPACK_HOST_KIT={host}")


# Other programs.


def ran(script: str, *, input: bytes = b"", seconds: float = 20, most: int = 1 << 20) -> Finished:
    return run(["sh", "-c", script], input, {"PATH": os.environ["PATH"], "GREETING": "hello"}, seconds, most)


def test_a_program_is_run_to_its_end_with_its_variables_and_outside_of_the_project() -> None:
    assert ran("pwd; echo $GREETING; echo aside >&2; exit 3") == Finished(3, b"/\nhello\n", b"aside\n")
    much = os.urandom(300_000)
    assert ran("cat", input=much) == Finished(0, much, b"")
    assert ran("exec <&-; echo done", input=much) == Finished(0, b"done\n", b"")
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], b"", {"PATH": os.environ["PATH"]}, 1, 1)


@pytest.mark.parametrize("script", ["sleep 60", "exec <&- >&- 2>&-; sleep 60", "sleep 60 & wait"])
def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(script: str) -> None:
    began = monotonic()
    assert ran(script, seconds=0.2) == Finished(-1, b"", b"", is_late=True)
    assert monotonic() - began < 20


def test_a_program_that_prints_more_than_it_may_is_ended() -> None:
    assert ran("yes", most=1000) == Finished(-1, b"", b"", is_cut=True)
    assert ran("printf 12345", most=5) == Finished(0, b"12345", b"")
    assert ran("printf 123456; sleep 60", most=5).is_cut


def test_of_a_long_complaint_the_start_and_the_end_are_kept() -> None:
    said = ran("printf start >&2; yes | head -c 300000 >&2; printf end >&2").said
    assert (said[:5], said[-3:]) == (b"start", b"end")
    assert len(said) < 120_000


def test_a_signal_ends_the_command_unless_somebody_else_handles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    noted: list[int] = []
    try:
        signal.signal(signal.SIGTERM, lambda number, _: noted.append(number))
        assert ran("kill -TERM $PPID; sleep 0.1; echo done").output == b"done\n"
        assert noted == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with pytest.raises(Interrupted) as stopped:
            ran("kill -TERM $PPID; sleep 60")
        assert (stopped.value.number, stopped.value.message) == (
            128 + signal.SIGTERM,
            "stopped by a signal; nothing was changed",
        )
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_used_in_the_cache_is_as_young_as_its_use(tmp_path: Path) -> None:
    cache, address = ContentCache(f"{tmp_path}/content"), "https://a.example/kit"
    cache.add(BODY)
    cache.add_answer(address, CachedAnswer("x", DIGEST))
    files = [path for path in (tmp_path / "content").rglob("*") if path.is_file()]
    assert len(files) == 2
    for use, kind in (
        (lambda: cache.read(DIGEST), "objects"),
        (lambda: cache.add(BODY), "objects"),
        (lambda: cache.answer(address), "answers"),
    ):
        for path in files:
            os.utime(path, (1000, 1000))
        use()
        assert [path.parent.parent.name for path in files if path.stat().st_mtime > 1000] == [kind]
    assert (tmp_path / "content/objects").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("text", "seconds"), [("", 30.0), ("0.5", 0.5), ("3600", 3600.0), ("1e2", 100.0)])
def test_a_time_out_is_a_number_of_seconds(tmp_path: Path, text: str, seconds: float) -> None:
    assert made_remote(tmp_path, AGENTPACK_TIMEOUT=text).timeout == seconds


def test_all_the_time_that_sources_lost_counts_and_only_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("agentpack.remote.access.monotonic", lambda: now[0])
    remote = made_remote(tmp_path, AGENTPACK_TIMEOUT="10")

    def wait(source: str, seconds: float, *, fails: bool = True) -> None:
        with contextlib.suppress(Unavailable), remote.waiting(source):
            now[0] += seconds
            if fails:
                raise Unavailable("no answer")

    wait("one", 15)
    wait("slow", 100, fails=False)
    wait("two", 10)
    wait("one", 15)
    remote.go_online("three", "https://a.example/three")  # four times the time-out, and not more
    wait("two", 1)
    with pytest.raises(Unavailable) as skipped:
        remote.go_online("three", "https://a.example/three")
    words = "skipped the source `three`: waited 41 seconds for other sources without an answer"
    assert (skipped.value.message, list(skipped.value.details)) == (words, ["it is at https://a.example/three"])
    assert skipped.value.hint == "try again later, or wait longer with `AGENTPACK_TIMEOUT=120`"
