"""A service that knows vulnerabilities, as osv.dev answers: for one library, and only while a test says so.

The tests must not hang on what the real service knows today, nor on reaching it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ID = "PYSEC-2026-1"


def _entry(library: str) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    return {
        "id": _ID,
        "modified": "2026-11-01T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "summary": "Made for a test.",
        "details": "Made for a test.",
        "affected": [{"package": {"name": library, "ecosystem": "PyPI"}, "ranges": ranges}],
    }


class Service:
    """Where the service is, and which library it warns of."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.bad = ""
        self.asked: set[str] = set()
        """The libraries that it was asked about."""

    @contextmanager
    def warning_of(self, library: str) -> Iterator[None]:
        """Every release of this library has a vulnerability, for so long."""
        self.bad = library
        try:
            yield
        finally:
            self.bad = ""

    def answer(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """What osv.dev would say to `v1/query`, `v1/querybatch` and `v1/vulns/ID`."""
        if path.endswith("/querybatch"):
            known = [self._known(query) for query in question["queries"]]
            return {
                "results": [
                    {"vulns": [{"id": _ID, "modified": "2026-11-01T00:00:00Z"}]} if bad else {} for bad in known
                ]
            }
        if path.endswith("/query"):
            return {"vulns": [_entry(self.bad)]} if self._known(question) else {}
        return _entry(self.bad)

    def _known(self, query: dict[str, Any]) -> bool:
        name = query["package"]["name"]
        self.asked.add(name)
        return bool(name == self.bad)


@contextmanager
def serving() -> Iterator[Service]:
    """The service, on a port of this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._say(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self._say({})

        def _say(self, question: dict[str, Any]) -> None:
            body = json.dumps(service.answer(self.path, question)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    service = Service(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
