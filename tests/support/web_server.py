"""A web server on this machine that answers as it is told, also badly."""

import contextlib
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request that the server got."""

    path: str
    headers: Mapping[str, str]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: "WebServer"

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        answer = self.server.answers.get(path, status(404))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            answer(self)

    def head(self, code: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def wait(self, seconds: float) -> bool:
        """Do nothing for a while. False when the server stops."""
        return not self.server.stopping.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:
        pass


Answer = Callable[[Handler], None]


class WebServer(ThreadingHTTPServer):
    """Runs while it is a context. `answers` maps paths to what is answered; anything else is 404."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Answer] = {}, *, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = dict(answers)
        self.requests: list[Request] = []
        self.stopping = Event()
        self.port = self.server_address[1]
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self._scheme = "https"
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.path for request in self.requests]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or does not like the certificate, is no matter."""

    def __enter__(self) -> "WebServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


# Answers.


def content(data: bytes, **headers: str) -> Answer:
    return lambda handler: _send(handler, 200, data, headers)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: _send(handler, code, b"no\n", headers)


def redirect(url: str, code: int = 302) -> Answer:
    return lambda handler: _send(handler, code, b"", {"Location": url})


def tagged(data: bytes, etag: str) -> Answer:
    """A content with an ETag, which is not sent to whoever has it."""

    def answer(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == etag:
            _send(handler, 304, b"", {"ETag": etag})
        else:
            _send(handler, 200, data, {"ETag": etag})

    return answer


def behind_login(authorization: str, data: bytes) -> Answer:
    return lambda handler: (
        _send(handler, 200, data, {})
        if handler.headers.get("Authorization") == authorization
        else _send(handler, 401, b"no\n", {"WWW-Authenticate": "Basic"})
    )


def one_after_another(*answers: Answer) -> Answer:
    """The first answer, then the second; the last one stays."""
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def truncated(handler: Handler) -> None:
    handler.head(200, {"Content-Length": "1000"})
    handler.wfile.write(b"x" * 100)
    handler.close_connection = True


def truncated_chunks(handler: Handler) -> None:
    handler.head(200, {"Transfer-Encoding": "chunked"})
    handler.wfile.write(b"3e8\r\n" + b"x" * 100)
    handler.close_connection = True


def endless(handler: Handler) -> None:
    handler.head(200, {"Transfer-Encoding": "chunked"})
    while handler.wait(0):
        handler.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def silent(handler: Handler) -> None:
    handler.wait(30)


def dripping(handler: Handler) -> None:
    handler.head(200, {"Content-Length": "1000"})
    while handler.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def dripping_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while handler.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def endless_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while handler.wait(0):
        handler.wfile.write(b"X-Long: " + b"x" * 4096 + b"\r\n")


def nonsense(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")
    handler.close_connection = True


def hung_up(handler: Handler) -> None:
    handler.close_connection = True


def _send(handler: Handler, code: int, data: bytes, headers: Mapping[str, str]) -> None:
    length = {} if code == 304 else {"Content-Length": str(len(data))}
    handler.head(code, {**length, **{name.replace("_", "-"): value for name, value in headers.items()}})
    handler.wfile.write(data)


# Certificates.


def make_certificate(folder: Path, *names: str, days: int = 2) -> Path:
    """A file with a key and a certificate signed by itself, for these names."""
    folder.mkdir(parents=True, exist_ok=True)
    made, key = folder / "certificate.pem", folder / "key.pem"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}", "-days", str(days)]
    command += ["-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """The address of a port at which nobody listens."""
    with WebServer() as server:
        url = server.url("/gone")
    yield url
