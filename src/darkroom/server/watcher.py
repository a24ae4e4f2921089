"""Tells those who listen what becomes of jobs: one look into the database for all of them, and none for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from darkroom.database.schema import JobRow, now
from darkroom.errors import DarkroomError

if TYPE_CHECKING:
    from darkroom.database.connection import Database

log = logging.getLogger("darkroom.server")

POLL_SECONDS = 0.3
OVERLAP = timedelta(seconds=5)
"""Other servers' clocks may be behind, and their transactions still open: what is so old is looked at again."""
WAITING = 1000
"""Changes that a listener may leave unread before the oldest are passed over."""

Wanted = Callable[[JobRow], bool]


class Watcher:
    """Changes of jobs as they happen, whoever carries them out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[asyncio.Queue[JobRow | None], Wanted] = {}
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def listen(self, wanted: Wanted) -> AsyncGenerator[asyncio.Queue[JobRow | None]]:
        """A queue of every job that changes from now on and is ``wanted``; None in it says that the service ends."""
        queue: asyncio.Queue[JobRow | None] = asyncio.Queue(WAITING)
        self._listeners[queue] = wanted
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield queue
        finally:
            self._listeners.pop(queue, None)

    def close(self) -> None:
        """Tell everybody that there is nothing more to come."""
        for queue in self._listeners:
            _put(queue, None)
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        since = now()
        seen: dict[str, datetime] = {}
        while self._listeners:
            try:
                rows = await asyncio.to_thread(self._changed, since - OVERLAP)
            except DarkroomError as error:
                log.warning("%s", error)
                rows = []
            for row in rows:
                if seen.get(row.id) == row.changed:
                    continue
                seen[row.id] = row.changed
                since = max(since, row.changed)
                for queue, wanted in self._listeners.items():
                    if wanted(row):
                        _put(queue, row)
            seen = {job: changed for job, changed in seen.items() if changed >= since - 2 * OVERLAP}
            await asyncio.sleep(POLL_SECONDS)

    def _changed(self, since: datetime) -> list[JobRow]:
        with self._database.session(reading=True) as session:
            return list(session.scalars(select(JobRow).where(JobRow.changed >= since).order_by(JobRow.changed)))


def _put(queue: asyncio.Queue[JobRow | None], row: JobRow | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(row)
