"""How long a client may take to send a request: whoever sends nothing, or drips, is not waited for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from darkroom.errors import TimedOut

if TYPE_CHECKING:
    from starlette.types import Message, Receive


class Patient:
    """What receives a request, in place of the server's own ``receive``. Once the body is whole it waits for ever.

    Only the time that is spent waiting for the client counts, not what is done with its bytes meanwhile.

    Args:
        receive: the server's.
        quiet_seconds: how long nothing may come in.
        rate: bytes in a second that must come in on average, from ``quiet_seconds`` on; 0 is any number.
    """

    def __init__(self, receive: Receive, quiet_seconds: float, rate: int) -> None:
        self._receive = receive
        self._quiet = quiet_seconds
        self._rate = rate
        self._whole = False
        self._received = 0
        self._waited = 0.0
        self.gave_up = False
        """Whether the client was too slow: its connection is then of no more use."""

    async def __call__(self) -> Message:
        """The next piece of the request. Raises TimedOut."""
        if self._whole:
            return await self._receive()
        seconds, what = self._quiet, f"The request sent nothing for {self._quiet:g} seconds"
        if self._rate and self._waited > self._received / self._rate:
            seconds += self._received / self._rate - self._waited
            what = f"The request came in at less than {self._rate} bytes a second"
        started = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(seconds, 0.0))
        except TimeoutError as error:
            self.gave_up = True
            raise TimedOut(f"{what}, and was given up.", cure="Send it again, over a better connection.") from error
        self._waited += time.monotonic() - started
        self._received += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message
