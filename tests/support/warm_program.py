"""`agentpack` on a path: a program that has the process of `warm.py` run the command on its own streams."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support import warm

_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({place!r})
socket.send_fds(line, [b"!"], [0, 1, 2])
line.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
sys.exit(int(line.recv(64)))
"""


@contextmanager
def warm_program() -> Iterator[Path]:
    """A folder with the program, which works for as long as this lasts."""
    with TemporaryDirectory() as folder:  # the way to a socket has to be short
        yield from _working(Path(folder), f"{folder}/line")


def _working(programs: Path, place: str) -> Iterator[Path]:
    (programs / "agentpack").write_text(_PROGRAM.format(python=sys.executable, place=place))
    (programs / "agentpack").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen()
        serving = threading.Thread(target=_serve, args=(door,))
        serving.start()
        try:
            yield programs
        finally:
            door.shutdown(socket.SHUT_RDWR)  # which ends the wait for another command
            serving.join()


def _serve(door: socket.socket) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return
        with line:
            _, streams, _, _ = socket.recv_fds(line, 1, 3)
            with line.makefile("rb") as words:
                arguments, here, environment = json.loads(words.readline())
            code = warm.start(streams, arguments, here, environment=environment)()
            for stream in streams:
                os.close(stream)
            line.sendall(b"%d" % (code if code >= 0 else 128 - code))
