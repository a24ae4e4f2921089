"""Connections: answers leave at once, and those that never become a request are closed after a while."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle


def impatient(seconds: float) -> type[H11Protocol]:
    """The protocol of uvicorn, which sends at once what it has, and closes connections on which no request begins.

    None within ``seconds``, that is: it looks at each connection that often, so one may last twice as long. What has
    begun is left alone here: its body is :class:`darkroom.server.patience.Patient`'s. By h11, headers have at most
    64 KB.
    """

    class Impatient(H11Protocol):
        _look: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            # asyncio does so where a socket names its protocol, which those of uvicorn's listening one do not: the end
            # of each answer would wait for the client's acknowledgement of its beginning, 40 ms.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._look = self.loop.call_later(seconds, self._looked, None)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._look is not None:
                self._look.cancel()
            super().connection_lost(exc)

        def _looked(self, before: RequestResponseCycle | None) -> None:
            """Close it where there is no other request than ``before``, which is answered."""
            # There is none before the first request, whatever its annotation says.
            now: RequestResponseCycle | None = getattr(self, "cycle", None)
            if now is before and (now is None or now.response_complete):
                self.transport.close()
            else:
                self._look = self.loop.call_later(seconds, self._looked, now)

    return Impatient
