"""A database, a storage and small pictures: what carriers of jobs are tested on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom import codecs
from darkroom.database.connection import Database
from darkroom.database.schema import ImageRow
from darkroom.image import Encoding, Image
from darkroom.jobs.store import DONE, JobStore, NewJob
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import Storage

HALF: list[dict[str, Any]] = [{"type": "resize", "scale": 0.5}]
SLOW: list[dict[str, Any]] = [{"type": "remove_background", "method": "grabcut", "alpha_matting": True}] * 8


def png(seed: int = 0, side: int = 40) -> bytes:
    """A picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    return codecs.encode(Image.from_array(pixels), Encoding(format="png"), warnings=[]).data


async def whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def read(storage: Storage, digest: str) -> bytes:
    """A stored file."""
    return b"".join([piece async for piece in await storage.open(digest)])


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


class House:
    """A database, by its address or in the folder, and a storage of the test's own."""

    def __init__(self, folder: Path, url: str = "", storage: Storage | None = None) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/darkroom.sqlite3"
        self.database = Database(self.url)
        self.database.migrate()
        self.store = JobStore(self.database)
        self.storage = storage or LocalStorage(folder / "files")

    def keep(self, data: bytes) -> str:
        """Store a file; gives its digest."""
        return asyncio.run(self.storage.put(whole(data), most=None)).digest

    def image(self) -> str:
        """A picture without versions; gives its identifier."""
        with self.database.session() as session:
            row = ImageRow(name="a.png")
            session.add(row)
            session.flush()
            return row.id

    def submit(self, data: bytes, operations: list[dict[str, Any]] | None = None, **more: Any) -> str:
        """A job on a picture; gives its identifier."""
        new = NewJob(source=self.keep(data), operations=HALF if operations is None else operations, **more)
        return self.store.submit(new)[0].id

    def submit_url(self, url: str, **more: Any) -> str:
        """A job on a picture at an address; gives its identifier."""
        return self.store.submit(NewJob(source="", source_url=url, operations=HALF, **more))[0].id

    def state(self, job: str) -> str:
        """That of a job."""
        return self.store.get(job).state

    def ended(self, *jobs: str, seconds: float = 60) -> list[str]:
        """The states of these jobs, once all are at their end."""
        until(lambda: all(self.state(job) in DONE for job in jobs), seconds)
        return [self.state(job) for job in jobs]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One with SQLite."""
    return House(tmp_path)
