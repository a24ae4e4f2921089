"""Deletes the files in the storage that no row of the database names any more.

Files are read from the storage one after the other and looked up some hundred at a time, so that a storage of any size
is swept in the same memory. Left alone is what is younger than a day (its row may be to come) and what is older than
the database: that was put there under another one. Why a file that is stored again meanwhile is safe is told in
:mod:`darkroom.jobs.claims`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, exists, or_, select, true, union_all

from darkroom.database.schema import ImageRow, JobRow, ResultRow, VersionRow
from darkroom.jobs.claims import BEGIN_SECONDS, claims_of, doom, exclude_claims, spare

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database
    from darkroom.storage.storage import Storage, Stored

CHUNK = 500
AT_ONCE = 8
"""Files that are being deleted."""
KNOWN = ~exists().where(ImageRow.id == JobRow.image_id, ImageRow.deleted.is_not(None))
"""Of a job: nobody has deleted its picture."""
TO_DO = or_(JobRow.finished.is_(None), KNOWN & (JobRow.state != "completed"))
"""Of a job: it may be done, or done again, so that what it works on is needed."""
NAMES = ((VersionRow.digest, true()), (JobRow.source, TO_DO), (JobRow.result, KNOWN), (ResultRow.digest, true()))
"""Columns that name files, and where that counts; besides them, ``JobRow.pictures`` does, of jobs ``TO_DO``."""


@dataclass(slots=True)
class Swept:
    """Files that were deleted, and their bytes."""

    files: int = 0
    bytes: int = 0


class Sweeper:
    """One sweep over a storage. ``dry_run`` only counts; ``stopping`` ends it between two chunks."""

    def __init__(
        self, database: Database, storage: Storage, stopping: threading.Event, *, dry_run: bool = False
    ) -> None:
        self._database = database
        self._storage = storage
        self._stopping = stopping
        self._dry_run = dry_run
        self.swept = Swept()

    async def sweep(self, *, after: datetime, before: datetime) -> None:
        """Delete what no row names of the files that were stored between two times.

        ``swept`` has what went until then also where it raises: DatabaseFailed, StorageFailed, NetworkError.
        """
        chunk: list[Stored] = []
        files = self._storage.list()
        try:
            async for stored in files:
                if after < stored.modified < before:
                    chunk.append(stored)
                if len(chunk) == CHUNK:
                    await self._look_through(chunk)
                    chunk = []
                if self._stopping.is_set():
                    return
        finally:
            await files.aclose()
        await self._look_through(chunk)

    async def _look_through(self, chunk: Sequence[Stored]) -> None:
        with self._database.session(reading=True) as session:
            unnamed = _without(chunk, _named(session, chunk))
        while unnamed and not self._stopping.is_set():
            if self._dry_run:
                with self._database.session(reading=True) as session:
                    unnamed = _unwanted(session, unnamed)
                self._count(unnamed)
                return
            unnamed = await self._delete(unnamed)

    async def _delete(self, files: Sequence[Stored]) -> list[Stored]:
        """Delete those that still nobody wants; gives those for which there was no time."""
        with self._database.session() as session:
            exclude_claims(session, self._database)
            files = _unwanted(session, files)
            doom(session, [stored.digest for stored in files])
        until = time.monotonic() + BEGIN_SECONDS
        done = 0
        while done < len(files) and time.monotonic() < until:
            now = files[done : done + AT_ONCE]
            ends = await asyncio.gather(
                *(self._storage.delete(stored.digest) for stored in now), return_exceptions=True
            )
            # What failed may still happen: its mark stays until it is too old to mean anything.
            gone = [stored for stored, end in zip(now, ends, strict=True) if not isinstance(end, BaseException)]
            spare(self._database, [stored.digest for stored in gone])
            self._count(gone)
            for end in ends:
                if isinstance(end, BaseException):
                    spare(self._database, [stored.digest for stored in files[done + AT_ONCE :]])
                    raise end
            done += AT_ONCE
        spare(self._database, [stored.digest for stored in files[done:]])
        return list(files[done:])

    def _count(self, files: Sequence[Stored]) -> None:
        self.swept.files += len(files)
        self.swept.bytes += sum(stored.size for stored in files)


def _unwanted(session: Session, files: Sequence[Stored]) -> list[Stored]:
    """Those that neither a row nor a claim names."""
    left = _without(files, _named(session, files))
    return _without(left, _pictured(session, left)) if left else left


def _without(files: Sequence[Stored], digests: set[str]) -> list[Stored]:
    return [stored for stored in files if stored.digest not in digests]


def _named(session: Session, files: Sequence[Stored]) -> set[str]:
    """What rows and claims name; asked at once, as one may take another's place from one question to the next."""
    digests = [stored.digest for stored in files]
    named = (select(column).where(column.in_(digests), counts) for column, counts in NAMES)
    every = union_all(*named, claims_of(digests))
    return {digest for digest in session.scalars(every) if digest}


def _pictured(session: Session, files: Sequence[Stored]) -> set[str]:
    """Second pictures of jobs. They are in no index, so all jobs that need some are looked through."""
    digests = {stored.digest for stored in files}
    having = select(JobRow.pictures).where(cast(JobRow.pictures, Text) != "{}", TO_DO)
    rows = session.scalars(having.execution_options(yield_per=CHUNK))
    return {digest for pictures in rows for digest in pictures.values() if digest in digests}
