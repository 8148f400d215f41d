"""Read bytes over HTTP: the one place where limits, time-outs, retries, redirects and error words are decided.

Sources ask for an address and the most bytes they take. Only `GET` is sent, so that every request may be repeated.
Credentials (`credentials.py`) go to the origin of the address that a source has, never to another one that it leads to.
The library and its TLS settings are loaded when the first request is made.
"""

import ssl
from collections.abc import Iterator
from hashlib import sha256 as _sha256
from http.cookiejar import DefaultCookiePolicy
from random import uniform
from threading import Event, Lock, Thread
from time import monotonic
from typing import NamedTuple
from weakref import finalize

import httpx2

from agentpack import __version__
from agentpack.errors import AgentpackError, Refused, Unavailable, UsageError
from agentpack.model.web_addresses import check_web_address, host_of, web_address_fault
from agentpack.remote.access import TIMEOUT_VARIABLE, Advance, Remote
from agentpack.remote.cache import CachedAnswer
from agentpack.remote.credentials import authorization, netrc_path, variable_of

MAX_ATTEMPTS = 3
"""Requests for one address that fails in a way that may pass."""
MAX_REDIRECTS = 5
MAX_RETRY_AFTER = 10
"""Seconds that a server may ask to wait; it is not asked again where it wants longer."""
MAX_CONNECTIONS = 8
MIN_BYTES_PER_SECOND = 16 * 1024
"""What a transfer must bring on average, after twice the time-out."""
_PROXIES = {"HTTPS_PROXY", "ALL_PROXY"}
_PROXY = "HTTPS_PROXY names the proxy, NO_PROXY the hosts that need none"
_LOOK = "open the address in a browser: it must lead to the file itself"
_FIRST_PAUSE = 0.2
_PASSING = frozenset((429, 502, 503, 504))
_GONE = frozenset((404, 410))
_TICK = 0.1


def fetch_bytes(remote: Remote, source: str, url: str, *, most: int, sha256: str | None = None) -> bytes:
    """The bytes at an address: from the cache where their SHA-256 is known and they are in it.

    Args:
        source: the name of the source, for its credentials and for messages.
        most: bytes; more are refused.
        sha256: what they must have, in hexadecimal.

    Raises:
        UsageError: the address is not read, or a setting is wrong.
        Refused: they are too large, have another SHA-256, or the server leads to an address that is not read.
        Unavailable: they cannot be had now, or only with a login.
    """
    if sha256 is not None and (data := remote.cache.read(sha256)) is not None:
        return data
    remote.go_online(source, url)
    data = _get(remote, source, url, most).body
    found = _hex(data)
    if sha256 is not None and found != sha256:
        raise Refused(
            f"the source `{source}` does not match its `sha256`",
            details=[f"at       {url}", f"expected {sha256}", f"found    {found}"],
            hint="ask its publisher, or, if you trust the new content, write its new `sha256`",
        )
    remote.cache.add(data)
    return data


def fetch_current(remote: Remote, source: str, url: str, *, most: int) -> bytes | None:
    """What is at an address now; None if nothing is. A text that did not change is not sent again (ETag).

    Offline it is what was there last. Raises like `fetch_bytes`.
    """
    answer = remote.cache.answer(url)
    body = remote.cache.read(answer.sha256) if answer else None
    if body is not None and len(body) > most:
        body = None
    if remote.offline and body is not None:
        return body
    remote.go_online(source, url)
    etag = answer.etag if answer and body is not None else ""
    found = _get(remote, source, url, most, etag=etag, may_be_gone=True)
    if found.status in _GONE:
        return None
    if found.status == 304 and body is not None:
        return body
    remote.cache.add(found.body)
    if found.etag:
        remote.cache.add_answer(url, CachedAnswer(found.etag, _hex(found.body)))
    return found.body


class _Answer(NamedTuple):
    status: int
    body: bytes
    etag: str


class _MayPass(Exception):
    """A failure that another attempt may not meet. `wait` is in seconds, None if the server did not say."""

    def __init__(self, error: AgentpackError, wait: float | None = None) -> None:
        super().__init__()
        self.error, self.wait = error, wait


class _Wanted(NamedTuple):
    """What is asked for."""

    source: str
    url: str
    most: int
    login: str | None
    etag: str
    may_be_gone: bool


def _get(remote: Remote, source: str, url: str, most: int, *, etag: str = "", may_be_gone: bool = False) -> _Answer:
    check_web_address(url, f"the source `{source}`")
    login = authorization(source, host_of(url), remote.variables)
    wanted, client = _Wanted(source, url, most, login, etag, may_be_gone), _client(remote)
    with remote.waiting(source), remote.progress(f"reading {host_of(url)}") as advance:
        for attempt in range(MAX_ATTEMPTS):
            try:
                return _Transfer(remote, client, wanted).run(advance)
            except _MayPass as failed:
                pause = _FIRST_PAUSE * 2**attempt * uniform(0.5, 1) if failed.wait is None else failed.wait  # noqa: S311
                if attempt + 1 == MAX_ATTEMPTS or pause > MAX_RETRY_AFTER:
                    raise failed.error from None
                Event().wait(pause)
    raise AssertionError("unreachable")


class _Transfer:
    """One attempt. It runs in a thread, so that nothing outlasts its time: no name server, no slow header."""

    def __init__(self, remote: Remote, client: httpx2.Client, wanted: _Wanted) -> None:
        self._client, self._timeout, self._variables = client, remote.timeout, remote.variables
        self._source, self._url, self._most, self._login, self._etag, self._may_be_gone = wanted
        self._received, self._expected = 0, 0
        """Bytes; 0 where the server does not say how many it will send."""
        self._given_up = False
        self._answer: _Answer | None = None
        self._error: BaseException | None = None

    def run(self, advance: Advance) -> _Answer:
        """The answer. Raises _MayPass, or an error that is final."""
        start = monotonic()
        thread = Thread(target=self._work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(min(_TICK, self._timeout / 2))
            advance(self._received, self._expected or None)
            if monotonic() - start > 2 * self._timeout + self._received / MIN_BYTES_PER_SECOND:
                self._given_up = True
                slow = f"{self._received:,} bytes in {monotonic() - start:,.1f} seconds"
                raise self._unavailable(f"{host_of(self._url)} is too slow: {slow}", _LONGER)
        if self._answer is None:
            raise self._error or AssertionError("neither an answer nor an error")
        return self._answer

    def _work(self) -> None:
        try:
            self._answer = self._ask()
        except httpx2.HTTPError as error:
            self._error = self._failure(error)
        except httpx2.InvalidURL:
            self._error = self._refused("has, or redirects to, an invalid address")
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._error = error

    def _ask(self) -> _Answer:
        url = first = httpx2.URL(self._url)
        for _ in range(MAX_REDIRECTS + 1):
            headers = {"If-None-Match": self._etag} if self._etag else {}
            if self._login is not None and url.origin == first.origin:
                headers["Authorization"] = self._login
            with self._client.stream("GET", url, headers=headers) as response:
                if response.has_redirect_location:
                    url = self._next(url, response.headers["Location"])
                    continue
                self._check_status(response)
                body = b"" if response.status_code in _GONE else b"".join(self._body(response))
                return _Answer(response.status_code, body, response.headers.get("ETag", ""))
        raise self._unavailable(f"{host_of(self._url)} redirects more than {MAX_REDIRECTS} times", _LOOK)

    def _next(self, url: httpx2.URL, location: str) -> httpx2.URL:
        """Where a redirect leads."""
        onwards = url.join(location).copy_with(fragment=None)
        fault = web_address_fault(str(onwards))
        if fault is None and url.scheme == "https" and onwards.scheme != "https":
            fault = "is not encrypted: https may redirect only to https"
        if fault is not None:
            raise self._refused(f"leads to {onwards.copy_with(query=None)}, which {fault}")
        return onwards

    def _check_status(self, response: httpx2.Response) -> None:
        """Raise for anything but the bytes, or the word that they are the same."""
        status, host = response.status_code, response.url.host
        if status == 200 or (status == 304 and self._etag):
            return
        if status in _GONE:
            if self._may_be_gone:
                return
            raise self._unavailable(f"{host} has nothing at this address ({status})", self._moved)
        if status in (401, 403):
            raise self._no_login(status, response.url)
        if status in _PASSING or status >= 500:
            wait = _seconds(response.headers.get("Retry-After"))
            asks = "" if wait is None else f" and asks you to wait {wait:,.0f} seconds"
            words = "too many requests" if status == 429 else "an error of its own"
            error = self._unavailable(f"{host} answers with {words} ({status}){asks}", "try again later")
            raise _MayPass(error, wait) if status in _PASSING else error
        raise self._unavailable(f"{host} answers with the unexpected status {status}", _LOOK)

    def _body(self, response: httpx2.Response) -> Iterator[bytes]:
        length = response.headers.get("Content-Length", "")
        self._expected = int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else 0
        if self._expected > self._most:
            raise self._too_large()
        for part in response.iter_raw():
            self._received += len(part)
            if self._received > self._most:
                raise self._too_large()
            if self._given_up:
                return
            yield part

    # Words of errors.

    def _too_large(self) -> Refused:
        return self._refused(f"has more than {self._most:,} bytes, the limit", "split it into one archive per pack")

    def _refused(self, words: str, hint: str = _LOOK) -> Refused:
        return Refused(f"the source `{self._source}` {words}", details=[f"it is at {self._url}"], hint=hint)

    @property
    def _moved(self) -> str:
        login = "" if self._login else f"; if it needs a login, set {self._variables_for(host_of(self._url))}"
        return f"check whether it has moved{login}"

    def _variables_for(self, host: str) -> str:
        return f"{variable_of('TOKEN', self._source)} and {variable_of('HOST', self._source)}={host}"

    def _unavailable(self, words: str, hint: str | None) -> Unavailable:
        return Unavailable(
            f"the source `{self._source}` cannot be read: {words}", details=[f"it is at {self._url}"], hint=hint
        )

    def _no_login(self, status: int, url: httpx2.URL) -> Unavailable:
        host, path = url.host, netrc_path(self._variables)
        token = self._variables_for(host)
        if url.origin != httpx2.URL(self._url).origin:
            words = f"it redirects to {url.scheme}://{url.netloc.decode()}, which requires a login ({status})"
            return self._unavailable(
                words, "credentials are only sent to the address of the source: use the final address there"
            )
        if self._login is not None:
            words, hint = (
                "does not accept the credentials",
                f"check {variable_of('TOKEN', self._source)}, or the entry of {host} in {path}",
            )
        elif status == 401:
            words = "asks for a login"
            hint = f"set {token}, or add `machine {host}` with `login` and `password` to {path}"
        else:
            words, hint = "does not let you read this address", f"if it needs a login, set {token}"
        return self._unavailable(f"{host} {words} ({status})", hint)

    def _failure(self, error: httpx2.HTTPError) -> AgentpackError | _MayPass:
        """What a failure of the library means."""
        host = host_of(self._url)
        reasons = [*_causes(error)]
        certificate = next((one for one in reasons if isinstance(one, ssl.SSLCertVerificationError)), None)
        if certificate is not None:
            return self._unavailable(
                f"the certificate of {host} is not accepted: {certificate.verify_message}",
                "if your network has its own certificates, set SSL_CERT_FILE to a file with them",
            )
        if isinstance(error, httpx2.TimeoutException):
            return self._unavailable(f"no answer from {host} for {self._timeout:g} seconds", _LONGER)
        if isinstance(error, httpx2.ProxyError):
            return self._unavailable(f"the proxy does not let it through: {error}", _PROXY)
        said = next((one.strerror for one in reasons if isinstance(one, OSError) and one.strerror), None)
        if isinstance(error, httpx2.ConnectError):
            is_direct = self._url.startswith("http:") or not _PROXIES & {name.upper() for name in self._variables}
            to, hint = (host, "try again later") if is_direct else (f"{host}, or to the proxy", _PROXY)
            return _MayPass(self._unavailable(f"no connection to {to}: {said or error}", hint))
        if self._received or self._expected:
            of = f" of {self._expected:,}" if self._expected else ""
            words = f"{host} closed the connection after {self._received:,}{of} bytes"
        else:
            words = f"{host} sent an invalid answer: {said or error}"
        return _MayPass(self._unavailable(words, "try again later"))


_LONGER = f"try again later, or wait longer with `{TIMEOUT_VARIABLE}=120`"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _seconds(retry_after: str | None) -> float | None:
    """The seconds in a header `Retry-After`; None for a date, which is not honoured."""
    text = retry_after or ""
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _hex(data: bytes) -> str:
    return _sha256(data).hexdigest()


# The client.

_MAKING = Lock()


def _client(remote: Remote) -> httpx2.Client:
    """The client of a command: proxies and certificates are those of the environment."""
    with _MAKING:
        return remote.once("http client", lambda: _new_client(remote))


def _new_client(remote: Remote) -> httpx2.Client:
    try:
        client = httpx2.Client(
            headers={"User-Agent": f"agentpack/{__version__}", "Accept-Encoding": "identity"},
            timeout=remote.timeout,
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS),
            mounts={"http://": None},  # only this machine is read without TLS, and no proxy is asked for that
        )
        finalize(remote, client.close)
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return client
    except OSError as error:
        places = " or ".join(name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if remote.variables.get(name))
        which = f"in {places}" if places else "of this system"
        raise UsageError(f"the certificates {which} cannot be read: {error.strerror or error}") from None
    except (ValueError, ImportError, httpx2.InvalidURL):
        raise UsageError(
            "a proxy in HTTPS_PROXY or ALL_PROXY cannot be used",
            hint="write an address such as `http://proxy.example.com:3128`",
        ) from None
