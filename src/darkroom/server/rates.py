"""How much one may ask for: requests in a minute and at once for each key, and wrong keys for each address.

Requests in a minute are counted in a moving window: in Redis where ``jobs.broker_url`` names one, so that all servers
count together, else in this process. Requests at once and wrong keys are counted in this process.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from darkroom.errors import TooManyRequests
from darkroom.server.keys import Principal

if TYPE_CHECKING:
    from limits.aio.strategies import MovingWindowRateLimiter as SharedLimiter

    from darkroom.settings import Settings

log = logging.getLogger("darkroom.server.rates")

WRONG_KEYS = 20
"""Wrong keys from one address within a minute, after which it is not answered."""
ADDRESSES = 10_000
"""Addresses that are remembered at most; the one that has been quiet the longest is forgotten first."""
MINUTE = 60.0
SHARED_SECONDS = 0.5
"""How long Redis may take to count a request."""
AWAY_SECONDS = 10.0
"""How long Redis is left alone after it did not answer."""


class Rates:
    """The limits of ``settings.server``, for one event loop.

    Where Redis does not answer, requests are let in as far as this process alone has counted, and the log says so once.
    """

    def __init__(self, settings: Settings) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        server = settings.server
        self._at_once = server.concurrent_requests
        self._open: Counter[str] = Counter()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._item = RateLimitItemPerMinute(server.requests_per_minute) if server.requests_per_minute else None
        self._own = MovingWindowRateLimiter(MemoryStorage())
        broker = settings.jobs.broker_url.get_secret_value()
        self._shared: SharedLimiter | None = _shared(broker) if broker and self._item is not None else None
        self._shared_from = 0.0
        """When Redis is asked again, by the monotonic clock; 0.0 while it answers."""

    @asynccontextmanager
    async def admit(self, principal: Principal) -> AsyncGenerator[None]:
        """Let a request in, and count it among those that are open until the end of the block.

        Args:
            principal: who asks.

        Raises:
            TooManyRequests: before the block begins.
        """
        name = principal.id or "local"
        if self._at_once and self._open[name] >= self._at_once:
            raise TooManyRequests(
                f"{principal.name} has {self._open[name]} requests open.",
                cure="Wait until some of them are answered, or raise server.concurrent_requests.",
            )
        # Counted before Redis is waited for: else all that wait at once would be let in.
        self._open[name] += 1
        try:
            await self._count(principal, name)
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def failed(self, address: str) -> None:
        """Note that somebody at this address came with a wrong key."""
        place = _place(address)
        times = self._wrong.setdefault(place, deque(maxlen=WRONG_KEYS))
        times.append(time.monotonic())
        self._wrong.move_to_end(place)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)

    def blocked(self, address: str) -> float:
        """Seconds for which nobody at this address is answered; 0.0 where they are.

        To be asked before a key is looked up. Of IPv6 the first 64 bits count, which are one customer's.
        """
        times = self._wrong.get(_place(address))
        if times is None or len(times) < WRONG_KEYS:
            return 0.0
        return max(times[0] + MINUTE - time.monotonic(), 0.0)

    async def close(self) -> None:
        """Give the connections to Redis back."""
        if self._shared is not None:
            await _client(self._shared).aclose()

    async def _count(self, principal: Principal, name: str) -> None:
        if self._item is None:
            return
        # Counted here too, so that there is a count to go by where Redis falls away.
        let_in = self._own.hit(self._item, name)
        again = self._own.get_window_stats(self._item, name).reset_time
        shared = await self._count_shared(name)
        if shared is not None:
            let_in, again = shared
        if not let_in:
            raise TooManyRequests(
                f"{principal.name} has made its {self._item.amount} requests of this minute.",
                cure="Wait, or raise server.requests_per_minute.",
                retry_after=max(again - time.time(), 0.1),
            )

    async def _count_shared(self, name: str) -> tuple[bool, float] | None:
        """Whether all servers together let it in, and when (Unix seconds) to ask again; None where Redis is away."""
        from limits.errors import StorageError

        if self._shared is None or self._item is None or time.monotonic() < self._shared_from:
            return None
        try:
            async with asyncio.timeout(SHARED_SECONDS):
                let_in = await self._shared.hit(self._item, name)
                stats = None if let_in else await self._shared.get_window_stats(self._item, name)
        except (StorageError, OSError, TimeoutError) as error:
            if not self._shared_from:
                log.warning("Redis does not count requests (%s); each server counts its own until it does.", error)
            self._shared_from = time.monotonic() + AWAY_SECONDS
            return None
        if self._shared_from:
            log.warning("Redis counts requests again.")
            self._shared_from = 0.0
        return let_in, stats.reset_time if stats is not None else 0.0


def _shared(url: str) -> SharedLimiter:
    """A limiter that counts in Redis; connects when it is first used."""
    from limits.aio.storage import RedisStorage
    from limits.aio.strategies import MovingWindowRateLimiter

    storage = RedisStorage(
        f"async+{_location(url)}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="darkroom:rates",
        socket_timeout=SHARED_SECONDS,
        socket_connect_timeout=SHARED_SECONDS,
    )
    return MovingWindowRateLimiter(storage)


def _location(url: str) -> str:
    """The address of Redis as the library that counts wants it: with its port, and its own word for a socket."""
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        return url.replace("redis+socket", "redis+unix", 1)
    return parts._replace(netloc=parts.netloc if parts.port else f"{parts.netloc.rstrip(':')}:6379").geturl()


def _client(limiter: SharedLimiter) -> Any:
    """The client of Redis that a limiter of :func:`_shared` has."""
    storage: Any = limiter.storage
    return storage.bridge.get_connection()


def _place(address: str) -> str:
    """What is counted as one address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(found), 64), strict=False))
