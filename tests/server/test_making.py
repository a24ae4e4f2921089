"""Results that somebody waits for: made once for all who wait, and stopped when nobody does. Two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from darkroom.database.connection import Database
from darkroom.image import Encoding
from darkroom.jobs.budget import Budget
from darkroom.jobs.results import Results
from darkroom.models.store import Store
from darkroom.pipeline import Pipeline
from darkroom.server.making import Finished, Making
from darkroom.server.work import Order
from darkroom.server.workbench import Workbench
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage
from tests.jobs.conftest import png, whole

ORDER = Order(Pipeline(["resize:width=9"]), Encoding(format="png"), {})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Slow(LocalStorage):
    """Takes a while to begin reading, and a while to notice that nobody wants it any more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = asyncio.Event()
        self.opened = 0

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        self.opened += 1
        self.asked.set()
        try:
            await asyncio.sleep(0.3)
        finally:
            await asyncio.shield(asyncio.sleep(0.3))
        return await super().open(digest, start, length)


class Made:
    """What is wanted of a stored picture, and who makes it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        database = Database(f"sqlite:///{folder}/darkroom.sqlite3")
        database.migrate()
        self.storage = Slow(folder / "files")
        self.bench = Workbench(settings, Budget.from_settings(settings))
        results = Results(database, self.storage)
        self._making = Making(settings, self.storage, results, self.bench, Store.from_settings(settings))
        self.digest = ""

    def wanted(self) -> asyncio.Task[Finished]:
        """Somebody who waits for it."""
        place = self.bench.turn(ORDER.pipeline)
        return asyncio.create_task(self._making.make(self.digest, self.digest, ORDER, name="a.png", place=place))


@pytest.fixture
async def made(tmp_path: Path, settings: Settings) -> AsyncIterator[Made]:
    one = Made(tmp_path, settings)
    one.digest = (await one.storage.put(whole(png()), most=None)).digest
    yield one
    one.bench.close()


@pytest.mark.anyio
async def test_all_who_wait_for_the_same_get_it_from_one(made: Made) -> None:
    first, second = made.wanted(), made.wanted()
    await made.storage.asked.wait()
    third = made.wanted()
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).digest == (await third).digest
    assert made.storage.opened == 1
    assert (await made.wanted()).cached


@pytest.mark.anyio
async def test_who_comes_while_it_is_stopped_gets_it_all_the_same(made: Made) -> None:
    last = made.wanted()
    await made.storage.asked.wait()
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last
    assert not (await made.wanted()).cached
    assert made.storage.opened == 2
