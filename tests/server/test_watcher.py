"""Changes of jobs reach everybody who listens for them, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from darkroom.database.connection import Database
from darkroom.jobs.store import JobStore, NewJob
from darkroom.server import watcher as watching
from darkroom.server.watcher import Watcher


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    database = Database(f"sqlite:///{tmp_path}/darkroom.sqlite3")
    database.migrate()
    return JobStore(database)


def new(owner: str) -> NewJob:
    return NewJob(source="0" * 64, operations=[], owner=owner)


def test_everybody_gets_what_is_theirs(store: JobStore) -> None:
    async def run() -> tuple[list[str], list[str]]:
        watcher = Watcher(store.database)
        async with watcher.listen(lambda row: row.owner == "a") as a, watcher.listen(lambda row: True) as everybody:
            first, _ = store.submit(new("a"))
            second, _ = store.submit(new("b"))
            got = [await asyncio.wait_for(everybody.get(), 5) for _ in range(2)]
            assert {row.id for row in got if row} == {first.id, second.id}
            store.lease(["light"], "me", 30)
            changed = await asyncio.wait_for(everybody.get(), 5)
            assert changed is not None
            seen = [await asyncio.wait_for(a.get(), 5) for _ in range(2)]
            watcher.close()
            assert await asyncio.wait_for(a.get(), 5) is None
            return [changed.id, changed.state], [row.state for row in seen if row]

    changed, states = asyncio.run(run())
    assert changed[1] == "processing"
    assert states == ["pending", "processing"]


def test_a_change_is_told_once(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.01)

    async def run() -> int:
        watcher = Watcher(store.database)
        async with watcher.listen(lambda row: True) as queue:
            store.submit(new("a"))
            await asyncio.wait_for(queue.get(), 5)
            await asyncio.sleep(0.2)
            return queue.qsize()

    assert asyncio.run(run()) == 0


def test_who_does_not_read_loses_the_oldest(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WAITING", 2)

    async def run() -> None:
        watcher = Watcher(store.database)
        async with watcher.listen(lambda row: True) as queue:
            rows = [store.submit(new(str(number)))[0] for number in range(4)]
            while queue.qsize() < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            left = [queue.get_nowait(), queue.get_nowait()]
        assert [row.id for row in left if row] == [row.id for row in rows[2:]]

    asyncio.run(run())
