"""A real clamd with two signatures, and servers that are none."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import environment, free_port, needed

EICAR = b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X"[::-1]
"""The test file of eicar.org, which every scanner calls infected; written backwards, lest it calls this one so."""
SIGNATURE = "Darkroom.Eicar"
STREAM_MAX = 2_000_000
"""StreamMaxLength of the clamd of the tests, in bytes."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Clamd:
    port: int
    socket: Path


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"zPING\0")
        return connection.recv(16) == b"PONG\0"
    return False


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """ClamAV's own daemon on a free port and a socket, knowing the EICAR file and nothing else."""
    program = needed("clamd")
    # Short, since the path of a socket may have no more than 107 bytes.
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:
        folder = Path(name)
        (folder / "db").mkdir()
        (folder / "db" / "test.hdb").write_text(f"{hashlib.md5(EICAR).hexdigest()}:{len(EICAR)}:{SIGNATURE}\n")
        served = Clamd(free_port(), folder / "s")
        (folder / "clamd.conf").write_text(
            f"Foreground yes\nDatabaseDirectory {folder / 'db'}\nTemporaryDirectory {folder}\nTCPAddr 127.0.0.1\n"
            f"TCPSocket {served.port}\nLocalSocket {served.socket}\nStreamMaxLength {STREAM_MAX}\nMaxThreads 4\n"
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "--config-file", folder / "clamd.conf"],
                stdout=log,
                stderr=log,
                env=environment(program),
            )
        try:
            until = time.monotonic() + 60
            while not _answers(served.port):
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"clamd did not start: {(folder / 'log').read_text()}")
                time.sleep(0.05)
            yield served
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


Behave = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Behave], int]]:
    """Start a server that does with each connection what it is told to; gives its port."""
    listening: list[socket.socket] = []
    open_ones: list[socket.socket] = []

    def start(behave: Behave) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                open_ones.append(connection)
                with contextlib.suppress(OSError):
                    behave(connection)

        threading.Thread(target=run, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for one in listening:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
    for one in open_ones:
        one.close()
