"""What the packs say of libraries is compared with a package index: here one that this test serves."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import freshness
import pytest
from packaging.version import Version
from support.packs import make_pack, persona_text
from support.trees import write_tree

TODAY = "2026-11-24"


def page(name: str, version: str, uploaded: str, **more: object) -> dict[str, object]:
    file = {"filename": f"{name}-{version}.tar.gz", "upload-time": f"{uploaded}T10:00:00Z", "yanked": False, **more}
    return {"name": name, "versions": [version], "files": [file]}


PAGES: dict[str, dict[str, object]] = {
    "polars": page("polars", "3.1.0", "2026-10-01"),
    "redis": page("redis", "8.1.4", "2026-10-01"),
    "locust": page("locust", "2.0.0", "2022-01-01"),
    "memray": page("memray", "1.20.0", "2026-10-01", **{"requires-python": "<3.12"}),
    "scalene": page("scalene", "2.4.0", "2026-10-01", yanked=True),
    "granian": page("granian", "2.8.1", "2026-10-01", **{"core-metadata": True}),
}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/").split("/")[-1]
        if name.endswith(".metadata"):
            body = b"Metadata-Version: 2.1\nName: granian\nSummary: Deprecated, use another one.\n\n"
        elif name in PAGES:
            body = json.dumps(PAGES[name]).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    address = f"http://127.0.0.1:{server.server_port}"
    for row in PAGES.values():
        for file in row["files"]:  # type: ignore[attr-defined]
            file["url"] = f"{address}/files/{file['filename']}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    server.server_close()


STALE = {
    "an older version": ("Polars 2 for frames.", "says 2, the newest is 3.1.0 (2026-10-01)"),
    "an older minor version": ("redis-py 8.0 for caching.", "says 8.0, the newest is 8.1.4"),
    "nothing for years": ("locust for load tests.", "no release since 2.0.0 (2022-01-01)"),
    "another Python": ("memray 1.20 for memory.", "needs Python <3.12, the pack's code runs on 3.13"),
    "taken back": ("scalene 2.4 for lines.", "was taken back"),
    "words of an end": ("Granian 2.8 as server.", "its page says `deprecated`"),
    "not there": ("Hypothesis for properties.", "is not on the index"),
}
FRESH = ("redis-py 8.1 for caching.", "redis-py 8 for caching.", "redis-py for caching.", "No library at all.")


def said(text: str, index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    parameters = {"python_version": {"type": "string", "default": "3.13", "description": "Python."}}
    persona = persona_text(body=f"You help. {{#identity}}\n\n- {text} {{#tool-x}}\n")
    write_tree(folder, make_pack(personas={"reviewer": persona}, parameters=parameters))
    code = freshness.main([str(folder), "--index", index, "--today", TODAY])
    return code, capsys.readouterr().out


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("name", STALE)
def test_a_stale_claim_is_listed_with_its_rule(
    name: str, index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = STALE[name]
    code, out = said(text, index, tmp_path / "pack", capsys)
    assert code == 1
    assert expected in out
    assert "personas/reviewer.md:7: tool-x: " in out


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("text", FRESH)
def test_a_claim_that_holds_is_not_listed(
    text: str, index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(text, index, tmp_path / "pack", capsys)
    assert (code, out.count("\n")) == (0, 2 if out.startswith("\n") else 1)


def test_the_day_of_a_check_counts() -> None:
    library = freshness.Library("x", "x", "x")
    claim = freshness.Claim("f", 1, "r", library, None, date(2026, 1, 1), None)
    newest = freshness.Known(Version("1.0"), date(2026, 11, 1))
    assert list(freshness.stale(claim, newest, date(2026, 11, 24))) == [
        "was checked on 2026-01-01, more than 120 days ago"
    ]
    assert list(freshness.stale(claim, newest, date(2026, 2, 1))) == []
