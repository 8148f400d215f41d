"""A web server that serves git repositories with `git http-backend`, and one that misbehaves in a given way."""

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

USER, PASSWORD = "ada", "s3cret-word"


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below a folder on loopback."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.needs_password = False
        self.mischief = ""
        """`hang`, `drip`, `truncate`, `loop`, an address to redirect to, or the number of a status."""
        self.seen: list[tuple[str, str | None]] = []
        """The path and the credentials of each request."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: GitServer
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[int] = 20

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        told = self.headers.get("Authorization")
        self.server.seen.append((self.path, told))
        if self.server.mischief:
            self._misbehave(self.server.mischief)
            return
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.server.needs_password and told != right:
            self._plain(401, b"who are you?", ("WWW-Authenticate", 'Basic realm="git"'))
            return
        url = urlsplit(self.path)
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.server.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": url.path,
                "QUERY_STRING": url.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self._plain(status, content, *((name, value) for name, value in fields if name != "Status"))

    def _plain(self, status: int, content: bytes, *fields: tuple[str, ...]) -> None:
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _misbehave(self, how: str) -> None:
        if how.isdigit():
            self._plain(int(how), b"no")
        elif how == "loop":
            self._plain(302, b"", ("Location", self.path))
        elif how.startswith("http"):
            self._plain(302, b"", ("Location", how + self.path))
        elif how == "hang":
            time.sleep(10)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            with suppress(BrokenPipeError):
                for _ in range(100 if how == "drip" else 1):
                    self.wfile.write(b"0")
                    self.wfile.flush()
                    time.sleep(0.1 if how == "drip" else 0)
        self.close_connection = True


@contextmanager
def git_server(folder: Path) -> Iterator[GitServer]:
    """Context in which the repositories below a folder are served."""
    server = GitServer(folder)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
