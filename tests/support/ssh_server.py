"""A real ssh server of this user's on a free port, for one test."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.trees import write_tree

_PROGRAMS = "/usr/sbin:/usr/local/sbin:/usr/libexec"


class SshServer:
    """What a client needs to be let in."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        self.user = getpass.getuser()

    @property
    def command(self) -> str:
        """How git calls ssh: with the key and the known hosts of the folder, and nothing of the user's own."""
        return f"ssh -F {self.folder}/config"

    def forget_host(self) -> None:
        """Make the host a stranger."""
        (self.folder / "known").write_text("")

    def know_host(self, key: str = "host") -> None:
        """Know the host by the public half of a key."""
        kind, text = (self.folder / f"{key}.pub").read_text().split()[:2]
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    def make_key(self, name: str) -> None:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run a server while the context lasts. The test is skipped where there is none to run."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{_PROGRAMS}")
    if program is None or shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh server is installed here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = SshServer(write_tree(folder, {}), port)
    for name in ("host", "key"):
        server.make_key(name)
    server.know_host()
    (folder / "allowed").write_text((folder / "key.pub").read_text())
    served = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "PidFile": "none",
        "UsePAM": "no",
        "AuthorizedKeysFile": folder / "allowed",
        "StrictModes": "no",
        "PermitRootLogin": "yes",
    }
    asked = {
        "Port": port,
        "IdentityFile": folder / "key",
        "IdentitiesOnly": "yes",
        "KexAlgorithms": "curve25519-sha256",  # newer ones take longer for each connection
        "UserKnownHostsFile": folder / "known",
        "GlobalKnownHostsFile": "/dev/null",
    }
    (folder / "served").write_text("".join(f"{key} {value}\n" for key, value in served.items()))
    (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in asked.items()))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "served")], stderr=log)
    try:
        _wait(process, port, folder / "log")
        yield server
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            pytest.skip(f"the ssh server does not start here: {log.read_text()[-300:]}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.skip("the ssh server does not answer")
