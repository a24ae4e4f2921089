"""What every storage does: the same tests on a folder, on a real S3 server and on both together."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.errors import FileMissing, InvalidParameters, LimitExceeded
from darkroom.settings import Settings
from darkroom.storage import build
from darkroom.storage.storage import Storage
from tests.storage.helpers import digest_of, files_in, listed, pieces, put, read, run

ABSENT = "0" * 64
LARGE = bytes(range(256)) * 80_000
"""20 MB: in parts where there are parts, in several pieces where pieces are asked for."""


@pytest.mark.parametrize("content", [b"", b"a picture", LARGE], ids=["empty", "small", "large"])
def test_gives_back_what_was_put(storage: Storage, content: bytes) -> None:
    async def work() -> None:
        stored = await put(storage, content)
        assert (stored.digest, stored.size) == (digest_of(content), len(content))
        assert abs(stored.modified - datetime.now(UTC)) < timedelta(minutes=1)
        assert await read(storage, stored.digest) == content
        found = await storage.stat(stored.digest)
        assert found is not None
        assert (found.digest, found.size) == (stored.digest, stored.size)

    run(work())


@pytest.mark.parametrize(
    ("start", "length"), [(0, 3), (5, None), (8_388_600, 20), (19_000_000, 5_000_000), (0, 0), (30_000_000, 5)]
)
def test_gives_a_range(storage: Storage, start: int, length: int | None) -> None:
    async def work() -> None:
        stored = await put(storage, LARGE)
        wanted = LARGE[start:] if length is None else LARGE[start : start + length]
        assert await read(storage, stored.digest, start, length) == wanted

    run(work())


def test_the_same_content_is_stored_once(storage: Storage) -> None:
    async def work() -> None:
        first, second, third = await asyncio.gather(*(put(storage, b"the same" * 1000) for _ in range(3)))
        assert first.digest == second.digest == third.digest
        assert await listed(storage) == [first.digest]
        again = await put(storage, b"the same" * 1000)
        assert again.modified == (await storage.stat(first.digest)).modified  # type: ignore[union-attr]

    run(work())


def test_lists_in_order_and_deletes(storage: Storage) -> None:
    async def work() -> None:
        digests = sorted([(await put(storage, bytes([number]))).digest for number in range(20)])
        assert await listed(storage) == digests
        assert await storage.delete(digests[3]) is True
        assert await storage.delete(digests[3]) is False
        assert await storage.stat(digests[3]) is None
        assert await listed(storage) == digests[:3] + digests[4:]

    run(work())


def test_what_is_not_there_is_missing(storage: Storage) -> None:
    async def work() -> None:
        assert await storage.stat(ABSENT) is None
        assert await storage.delete(ABSENT) is False
        with pytest.raises(FileMissing, match=ABSENT):
            await storage.open(ABSENT)
        assert await listed(storage) == []

    run(work())


@pytest.mark.parametrize(
    "digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "ab/cd", "\u0660" * 64]
)
def test_only_digests_are_names(storage: Storage, digest: str) -> None:
    async def work() -> None:
        for call in (storage.open(digest), storage.stat(digest), storage.delete(digest)):
            with pytest.raises(InvalidParameters):
                await call
        with pytest.raises(InvalidParameters):
            await storage.url(digest, 60, name="a", content_type="image/png")

    run(work())


def test_negative_ranges_are_refused(storage: Storage) -> None:
    async def work() -> None:
        stored = await put(storage, b"content")
        for start, length in ((-1, None), (0, -1)):
            with pytest.raises(InvalidParameters):
                await storage.open(stored.digest, start, length)

    run(work())


def test_more_than_is_allowed_is_refused_and_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(LimitExceeded):
            await put(storage, bytes(2_500_001), most=2_500_000)
        assert await listed(storage) == []
        assert await storage.stat(digest_of(bytes(2_500_001))) is None
        assert (await put(storage, bytes(2_500_000), most=2_500_000)).size == 2_500_000

    run(work())
    assert not [path for path in files_in(tmp_path) if path.suffix == ".partial"]


def test_a_put_that_is_cancelled_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    async def work() -> None:
        halfway = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            async for piece in pieces(LARGE[:5_000_000]):
                yield piece
            halfway.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(storage.put(slow(), most=None))
        await halfway.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await listed(storage) == []

    run(work())
    assert not [path for path in files_in(tmp_path) if path.suffix == ".partial"]


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.08, 0.2, 0.5])
def test_cancelled_at_any_time_it_is_whole_or_not_there(storage: Storage, tmp_path: Path, after: float) -> None:
    async def work() -> None:
        task = asyncio.create_task(put(storage, LARGE))
        await asyncio.wait([task], timeout=after)
        task.cancel()
        await asyncio.wait([task])
        for digest in await listed(storage):
            assert await read(storage, digest) == LARGE
        assert await put(storage, LARGE)
        assert await read(storage, digest_of(LARGE)) == LARGE

    run(work())
    assert not [path for path in files_in(tmp_path) if path.suffix == ".partial"]


def test_an_error_of_whoever_sends_passes_through(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half a file"
        raise ConnectionResetError("the sender is gone")

    async def work() -> None:
        with pytest.raises(ConnectionResetError, match="the sender is gone"):
            await storage.put(broken(), most=None)
        assert await listed(storage) == []

    run(work())


def test_check_writes_reads_and_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    async def work() -> None:
        assert 0 < await storage.check() < 30
        assert await listed(storage) == []
        assert await storage.clean(0) == 0

    run(work())


def test_clean_takes_what_is_old_and_nothing_else(storage: Storage, tmp_path: Path, storage_settings: Settings) -> None:
    async def work() -> None:
        stored = await put(storage, b"content")
        kind = storage_settings.storage.kind
        folder = tmp_path / ("spool" if kind == "s3" else "files/partial")
        left = folder / "abc.partial"
        folder.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
        assert await storage.clean(3600) == 0
        assert left.exists()
        time.sleep(0.05)
        assert await storage.clean(0) == 1
        assert not left.exists()
        assert await listed(storage) == [stored.digest]

    run(work())


def test_links_lead_to_the_file_under_the_wanted_name(storage: Storage, storage_settings: Settings) -> None:
    async def work() -> str | None:
        stored = await put(storage, b"content")
        return await storage.url(stored.digest, 60, name='b/a"d é.png', content_type="image/png")

    link = run(work())
    if storage_settings.storage.kind == "local":
        assert link is None
        return
    assert link is not None
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"content"
        assert answer.headers["content-type"] == "image/png"
        assert (
            answer.headers["content-disposition"]
            == "attachment; filename=\"bad _.png\"; filename*=UTF-8''bad%20%C3%A9.png"
        )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link[:-1] + ("0" if link[-1] != "0" else "1"))


CONTENTS = st.binary(max_size=40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), CONTENTS),
        st.tuples(st.just("delete"), CONTENTS),
        st.tuples(st.just("list"), st.just(b"")),
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_behaves_as_a_dictionary(storage: Storage, steps: list[tuple[str, bytes]]) -> None:
    async def work() -> None:
        for digest in await listed(storage):
            await storage.delete(digest)
        known: dict[str, bytes] = {}
        for step, content in steps:
            digest = digest_of(content)
            if step == "put":
                assert (await put(storage, content)).digest == digest
                known[digest] = content
            elif step == "delete":
                assert await storage.delete(digest) is (known.pop(digest, None) is not None)
            else:
                assert await listed(storage) == sorted(known)
        for digest, content in known.items():
            assert await read(storage, digest) == content

    run(work())


def test_building_touches_nothing(storage_settings: Settings, tmp_path: Path) -> None:
    build(storage_settings)
    assert files_in(tmp_path) == []
