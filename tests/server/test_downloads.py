"""Downloads that the service carries on: watched, stopped at once, begun again. Half a second."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator

import pytest

from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import Store, write_user_entries
from darkroom.server.downloads import Download, Downloads
from darkroom.settings import Settings
from tests.models.serving import Mirror

DATA = os.urandom(300_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A server with the file of the model ``net``, which the user's catalogue knows."""
    with Mirror().serving() as served:
        served.files["net.onnx"] = DATA
        digest = hashlib.sha256(DATA).hexdigest()
        file = ModelFile(name="net.onnx", url=f"{served.url}/net.onnx", sha256=digest, digest_source="this test")
        write_user_entries([ModelEntry(name="net", task="matte", files=(file,), licence="MIT", commercial=True)])
        yield served


def downloads() -> Downloads:
    return Downloads(Store.from_settings(Settings()))


async def until(queue: asyncio.Queue[Download | None], *states: str) -> Download:
    """The next thing that is told with one of these states."""
    while True:
        told = await asyncio.wait_for(queue.get(), 20)
        assert told is not None
        if told.state in states:
            return told


@pytest.mark.anyio
async def test_what_was_downloaded_is_known_afterwards(mirror: Mirror) -> None:
    carried = downloads()
    assert carried.all() == []
    async with carried.listen() as queue:
        carried.start("net")
        assert carried.start("net").state == "downloading", "one download, however often it is asked for"
        await until(queue, "here")
    assert [(known.name, known.state) for known in carried.all()] == [("net", "here")]
    assert len(mirror.requests) == 1
    carried.close()


@pytest.mark.anyio
async def test_one_that_is_stopped_counts_as_stopped_at_once_and_can_be_begun_again(mirror: Mirror) -> None:
    mirror.slow = 0.02
    carried = downloads()
    async with carried.listen() as queue:
        carried.start("net")
        while (await until(queue, "downloading")).progress == 0:
            pass
        stopped = carried.cancel("net")
        assert stopped is not None
        assert stopped.state == "missing"
        await until(queue, "missing")
        # The first one's thread may still be at it: its end is not taken for that of the second.
        assert carried.start("net").state == "downloading"
        assert (await until(queue, "here", "missing", "failed")).state == "here"
    carried.close()


@pytest.mark.anyio
async def test_one_that_has_ended_has_nothing_to_stop(mirror: Mirror) -> None:
    carried = downloads()
    assert carried.cancel("net") is None
    async with carried.listen() as queue:
        carried.start("net")
        await until(queue, "here")
    known = carried.cancel("net")
    assert known is not None
    assert known.state == "here"
    carried.close()
