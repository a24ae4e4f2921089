"""Servers that are no clamd."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
