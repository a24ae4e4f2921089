"""How much one may ask for: requests in a minute and at once for each key, and wrong keys for each address."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from darkroom.server.keys import Principal

if TYPE_CHECKING:
    from darkroom.settings import Settings


class Rates:
    """The limits of ``settings.server``. To be used from one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def admit(self, principal: Principal, cost: int = 1) -> AsyncGenerator[None]:
        """Let a request in, and count it until the end of the block; ``cost`` is how many requests it counts for.

        Raises TooManyRequests, before the block begins.
        """
        yield

    def failed(self, address: str) -> None:
        """Note that somebody at this address came with a wrong key."""

    def blocked(self, address: str) -> float:
        """Seconds for which nobody at this address is answered; 0.0 where they are. To be asked before ``verify``."""
        return 0.0

    async def close(self) -> None:
        """Give connections back."""
