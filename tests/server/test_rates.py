"""How much one may ask for: a moving minute, requests at once, wrong keys. Two seconds, more where there is Redis."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

import pytest

from darkroom.errors import TooManyRequests
from darkroom.server import rates
from darkroom.server.keys import LOCAL, Principal
from darkroom.server.rates import ADDRESSES, WRONG_KEYS, Rates
from darkroom.settings import Settings
from tests.servers import Redis, running

SHOP = Principal("1" * 32, "the shop", frozenset({"read"}))
OTHER = Principal("2" * 32, "another", frozenset({"read"}))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def limited(minute: int = 0, at_once: int = 0, redis: str = "") -> Rates:
    return Rates(
        Settings().with_changes(
            {
                "server.requests_per_minute": minute,
                "server.concurrent_requests": at_once,
                "jobs.broker_url": redis,
            }
        )
    )


async def let_in(rates: Rates, who: Principal) -> bool:
    try:
        async with rates.admit(who):
            return True
    except TooManyRequests:
        return False


@pytest.mark.anyio
class TestAMinute:
    async def test_of_each_key_by_itself(self) -> None:
        rates = limited(minute=3)
        assert [await let_in(rates, SHOP) for _ in range(5)] == [True] * 3 + [False] * 2
        assert await let_in(rates, OTHER)
        assert await let_in(rates, LOCAL)

    async def test_says_when_to_ask_again(self) -> None:
        rates = limited(minute=1)
        assert await let_in(rates, SHOP)
        with pytest.raises(TooManyRequests, match="the shop") as caught:
            async with rates.admit(SHOP):
                pytest.fail("it was let in")
        assert 55 < caught.value.retry_after <= 60

    async def test_moves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import limits.storage.memory

        moment = 1000.0
        monkeypatch.setattr(limits.storage.memory.time, "time", lambda: moment)
        rates = limited(minute=2)
        assert await let_in(rates, SHOP)
        moment += 30
        assert await let_in(rates, SHOP)
        moment += 29
        assert not await let_in(rates, SHOP)
        moment += 2
        assert await let_in(rates, SHOP), "the first is more than a minute ago"
        assert not await let_in(rates, SHOP), "the second is not"

    async def test_any_number(self) -> None:
        rates = limited()
        assert all([await let_in(rates, SHOP) for _ in range(2000)])


@pytest.mark.anyio
class TestAtOnce:
    async def test_as_many_as_are_allowed(self) -> None:
        rates = limited(at_once=2)
        async with rates.admit(SHOP), rates.admit(SHOP):
            assert not await let_in(rates, SHOP)
            assert await let_in(rates, OTHER)
        assert await let_in(rates, SHOP)

    async def test_counted_down_after_an_error_too(self) -> None:
        rates = limited(at_once=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with rates.admit(SHOP):
                    raise ZeroDivisionError
        assert await let_in(rates, SHOP)

    async def test_counted_down_where_the_minute_is_used_up(self) -> None:
        rates = limited(minute=1, at_once=1)
        assert await let_in(rates, SHOP)
        assert not await let_in(rates, SHOP)
        with pytest.raises(TooManyRequests, match="of this minute"):
            async with rates.admit(SHOP):
                pytest.fail("it was let in")

    async def test_nothing_is_kept_of_those_who_are_gone(self) -> None:
        rates = limited(at_once=2)
        for number in range(50):
            assert await let_in(rates, Principal(str(number), "somebody", frozenset()))
        assert len(rates._open) == 0


class TestWrongKeys:
    def test_so_many_from_one_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moment = 1000.0
        monkeypatch.setattr(rates.time, "monotonic", lambda: moment)
        counted = limited()
        for _ in range(WRONG_KEYS):
            assert counted.blocked("192.0.2.1") == 0.0
            counted.failed("192.0.2.1")
            moment += 1
        assert counted.blocked("192.0.2.1") == pytest.approx(60 - WRONG_KEYS)
        assert counted.blocked("192.0.2.2") == 0.0
        moment += 60 - WRONG_KEYS
        assert counted.blocked("192.0.2.1") == 0.0, "the first of them is a minute ago"
        counted.failed("192.0.2.1")
        assert counted.blocked("192.0.2.1") > 0.0

    def test_an_address_written_otherwise_is_the_same(self) -> None:
        counted = limited()
        for number in range(WRONG_KEYS):
            counted.failed(f"2001:db8::{number:x}")
        assert counted.blocked("2001:0db8:0000:0000::ffff")
        assert not counted.blocked("2001:db8:1::1")
        for _ in range(WRONG_KEYS):
            counted.failed("::ffff:192.0.2.7")
        assert counted.blocked("192.0.2.7")

    def test_memory_is_bounded(self) -> None:
        counted = limited()
        for number in range(ADDRESSES + 100):
            counted.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        counted.failed("x" * 100_000)
        assert len(counted._wrong) == ADDRESSES
        assert max(len(place) for place in counted._wrong) <= 64
        for _ in range(1000):
            counted.failed("192.0.2.1")
        assert len(counted._wrong["192.0.2.1"]) == WRONG_KEYS


@pytest.mark.anyio
class TestRedis:
    async def test_all_servers_count_together(self, redis: Redis) -> None:
        first, second = limited(minute=4, redis=redis.url), limited(minute=4, redis=redis.url)
        try:
            turns = [await let_in(server, SHOP) for server in (first, second) * 3]
            assert turns == [True] * 4 + [False] * 2
            with pytest.raises(TooManyRequests) as caught:
                async with second.admit(SHOP):
                    pytest.fail("it was let in")
            assert 50 < caught.value.retry_after <= 60
            assert await let_in(first, OTHER)
        finally:
            await first.close()
            await second.close()

    async def test_one_that_falls_away_lets_in_and_says_so_once(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running(Redis) as redis:
            server = limited(minute=5, redis=redis.url)
            assert await let_in(server, SHOP)
            redis.kill()
            with caplog.at_level(logging.WARNING, "darkroom.server.rates"):
                turns = [await let_in(server, SHOP) for _ in range(5)]
                assert turns == [True] * 4 + [False], "by this server's own count"
                assert len(caplog.records) == 1
                monkeypatch.setattr(rates.time, "monotonic", lambda: server._shared_from)
                redis.start()
                assert await let_in(server, OTHER)
            assert [record.message for record in caplog.records[1:]] == ["Redis counts requests again."]
            await server.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://192.0.2.1/0", {"host": "192.0.2.1", "port": 6379}),
        ("rediss://user:word@[2001:db8::1]/2", {"host": "2001:db8::1", "port": 6379, "db": 2, "username": "user"}),
        ("redis://192.0.2.1:7000", {"host": "192.0.2.1", "port": 7000}),
        ("redis+socket:///run/redis.sock", {"path": "/run/redis.sock"}),
    ],
)
def test_whatever_way_the_address_of_redis_is_written(url: str, place: dict[str, object]) -> None:
    shared = limited(minute=1, redis=url)._shared
    assert shared is not None
    assert place.items() <= rates._client(shared).connection_pool.connection_kwargs.items()


@pytest.mark.anyio
async def test_a_redis_that_is_not_there_costs_its_limit_and_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, caplog.at_level(logging.WARNING, "darkroom.server.rates"):
        port = silent.getsockname()[1]
        server = limited(minute=2, redis=f"redis://127.0.0.1:{port}/0")
        began = asyncio.get_running_loop().time()
        assert [await let_in(server, SHOP) for _ in range(3)] == [True, True, False]
        assert asyncio.get_running_loop().time() - began < 5 * rates.SHARED_SECONDS, "it is asked once in a while"
        assert "each server counts its own" in caplog.text
        assert len(caplog.records) == 1
        monkeypatch.setattr(rates, "AWAY_SECONDS", 0.0)
        with contextlib.suppress(TooManyRequests):
            async with server.admit(SHOP):
                pass
        assert len(caplog.records) == 1, "said once, not at every try"
        await server.close()
