"""Keeps the house: what is older than the settings allow goes, and the files that nobody wants any more.

Every server may run it; one at a time does the work, once an hour.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from darkroom.database.leases import Lease
from darkroom.database.schema import now
from darkroom.errors import DarkroomError
from darkroom.jobs.claims import CLAIM_HOURS
from darkroom.jobs.retention import Forgotten, Retention
from darkroom.jobs.sweeping import Sweeper, Swept
from darkroom.storage.both import BothStorage
from darkroom.storage.spool import clean_folder, in_thread

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

log = logging.getLogger("darkroom.housekeeping")

NAME = "housekeeping"
LATELY_SECONDS = 2700.0
"""What was done so long ago is not done again: everybody looks once an hour, and nobody at the same time."""
LEASE_SECONDS = 3600.0
GRACE = timedelta(hours=CLAIM_HOURS)
"""How old a file must be to be taken for one that nobody wants, or for what an upload has left behind."""


@dataclass(slots=True)
class Cleaned:
    """What went: rows that were forgotten, files of the storage, files that were cut off, and files written again.

    ``problems`` says what could not be done; it is tried again the next time.
    """

    forgotten: Forgotten = field(default_factory=Forgotten)
    swept: Swept = field(default_factory=Swept)
    leftovers: int = 0
    repaired: int = 0
    problems: list[str] = field(default_factory=list[str])


class Housekeeping:
    """The work of one round.

    ``storage`` is one of its own, not one that a server's requests use at the same time: it is used in other event
    loops.
    """

    def __init__(
        self, settings: Settings, database: Database, storage: Storage, *, clock: Callable[[], datetime] = now
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._clock = clock
        self._lease = Lease(database, NAME, LEASE_SECONDS, clock=clock)
        self._stopping = threading.Event()

    def look(self) -> None:
        """Do it where it was not done lately, whoever did it; carriers call this about once an hour. Never raises."""
        try:
            cleaned = self.run_once(unless_done_since=self._clock() - timedelta(seconds=LATELY_SECONDS))
            if cleaned is not None:
                log.info("housekeeping: %s", cleaned)
        except Exception as error:
            log.warning("%s", error, exc_info=not isinstance(error, DarkroomError))

    def stop(self) -> None:
        """End; what is being done is left at the next opportunity, and goes on the next time."""
        self._stopping.set()

    def run_once(self, *, dry_run: bool = False, unless_done_since: datetime | None = None) -> Cleaned | None:
        """Do it now; None where another server is at it, or it was done since the time that is given.

        ``dry_run`` deletes nothing and gives what would go; files that only the rows of the same run name are not
        counted. Raises DatabaseFailed.
        """
        if dry_run:
            return self._clean(dry_run=True)
        if not self._lease.take(unless_done_since=unless_done_since):
            return None
        done = False
        try:
            cleaned = self._clean(dry_run=False)
            done = not self._stopping.is_set()
            return cleaned
        finally:
            self._lease.give_back(done=done)

    def _clean(self, *, dry_run: bool) -> Cleaned:
        cleaned = Cleaned()
        retention = Retention(self._settings.retention, self._database, dry_run=dry_run, clock=self._clock)
        cleaned.forgotten = retention.forget()
        asyncio.run(self._clean_storage(cleaned, dry_run=dry_run))
        return cleaned

    async def _clean_storage(self, cleaned: Cleaned, *, dry_run: bool) -> None:
        sweeper = Sweeper(self._database, self._storage, self._stopping, dry_run=dry_run)
        cleaned.swept = sweeper.swept
        with _noting(cleaned):
            # What was there before this database was put there under another one.
            await sweeper.sweep(after=self._lease.made(), before=self._clock() - GRACE)
        if dry_run or self._stopping.is_set():
            return
        old = GRACE.total_seconds()
        with _noting(cleaned):
            cleaned.leftovers += await in_thread(clean_folder, self._settings.storage.spool, old)
            cleaned.leftovers += await self._storage.clean(old)
        if isinstance(self._storage, BothStorage) and not self._stopping.is_set():
            with _noting(cleaned):
                cleaned.repaired = await self._storage.repair()


@contextmanager
def _noting(cleaned: Cleaned) -> Generator[None]:
    """What one step cannot do does not keep the others from being done."""
    try:
        yield
    except DarkroomError as error:
        log.warning("%s", error)
        cleaned.problems.append(str(error))
