"""Why no file is lost that is stored while files that nobody wants are swept away.

Content that is stored already is not stored twice, so a new picture may be an old file that no row names any more and
that the sweeper is about to delete. The age of the file says nothing then, and the row that will name it is not written
yet. So whoever stores a file claims it first, in the database:

- Who stores writes a claim and only then looks whether the file is there. The claim stands for a day; the row that
  names the file is written long before.
- The sweeper marks files as doomed that neither a row nor a claim names, in one transaction, and only then deletes
  them.
- A file has one mark at a time: what one sweeper is deleting another leaves alone, so that who takes a mark away is
  who has made it.
- Both transactions exclude each other. Either the claim is there first: then the file is not doomed. Or the file is
  doomed first: then the claim waits until the file is gone, and it is stored anew.
- A sweeper that is killed leaves marks behind. They mean nothing after ``DOOM_SECONDS``, and no deletion is begun later
  than ``BEGIN_SECONDS`` after its mark, so that none is left running by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, delete, or_, select, text

from darkroom.database.schema import ClaimRow, now
from darkroom.storage.spool import Spooled, in_thread, spooled

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage, Stored

CLAIM_HOURS = 24.0
BEGIN_SECONDS, DOOM_SECONDS = 60.0, 600.0
WAIT_SECONDS = 0.1
_LOCK = 7277002


class ClaimedStorage:
    """A storage in which every file is claimed before it is stored. What servers and dispatchers store goes here.

    As any :class:`Storage`; besides, storing raises DatabaseFailed.
    """

    def __init__(self, storage: Storage, database: Database, spool: Path) -> None:
        self._storage = storage
        self._database = database
        self._spool = spool

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._storage.name

    async def put(self, chunks: AsyncIterator[bytes], *, most: int | None) -> Stored:
        """See :class:`Storage`."""
        async with spooled(self._spool, chunks, most) as whole:
            return await self.keep(whole)

    async def keep(self, whole: Spooled) -> Stored:
        """See :class:`Storage`."""
        while not await in_thread(claim, self._database, whole.digest):
            await asyncio.sleep(WAIT_SECONDS)
        return await self._storage.keep(whole)

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        """See :class:`Storage`."""
        return await self._storage.open(digest, start, length)

    async def stat(self, digest: str) -> Stored | None:
        """See :class:`Storage`."""
        return await self._storage.stat(digest)

    async def delete(self, digest: str) -> bool:
        """See :class:`Storage`."""
        return await self._storage.delete(digest)

    def list(self) -> AsyncGenerator[Stored]:
        """See :class:`Storage`."""
        return self._storage.list()

    async def url(self, digest: str, seconds: int, *, name: str, content_type: str) -> str | None:
        """See :class:`Storage`."""
        return await self._storage.url(digest, seconds, name=name, content_type=content_type)

    async def check(self) -> float:
        """See :class:`Storage`."""
        return await self._storage.check()

    async def clean(self, older_than_seconds: float) -> int:
        """See :class:`Storage`."""
        return await self._storage.clean(older_than_seconds)


def build_claimed(settings: Settings, database: Database) -> ClaimedStorage:
    """The storage that these settings name, with claims in this database. Raises ConfigurationError."""
    from darkroom.storage import build
    from darkroom.storage.local import LocalStorage

    storage = build(settings)
    # Beside the files, where there is a folder: what is whole there is linked and not copied.
    spool = storage.partial if isinstance(storage, LocalStorage) else settings.storage.spool
    return ClaimedStorage(storage, database, spool)


def claim(database: Database, digest: str) -> bool:
    """Claim a file that is about to be stored; False while it is being deleted. Raises DatabaseFailed."""
    with database.session() as session:
        _exclude(session, database, shared=True)
        doomed = select(ClaimRow.id).where(ClaimRow.digest == digest, ClaimRow.doomed.is_(True), _fresh())
        if session.scalar(doomed.limit(1)) is not None:
            return False
        session.add(ClaimRow(digest=digest))
        return True


def exclude_claims(session: Session, database: Database) -> None:
    """Until the end of this transaction nobody claims a file."""
    _exclude(session, database, shared=False)


def claims_of(digests: Sequence[str]) -> Select[str]:
    """A query for those of these digests whose files are claimed, or are being deleted by another sweeper already."""
    return select(ClaimRow.digest).where(ClaimRow.digest.in_(digests), or_(ClaimRow.doomed.is_(False), _fresh()))


def doom(session: Session, digests: Iterable[str]) -> None:
    """Mark files as being deleted, in a transaction of :func:`exclude_claims`."""
    session.add_all(ClaimRow(digest=digest, doomed=True) for digest in digests)


def spare(database: Database, digests: Sequence[str]) -> None:
    """Take the marks away: the files are deleted, or stay. Raises DatabaseFailed."""
    with database.session() as session:
        session.execute(delete(ClaimRow).where(ClaimRow.digest.in_(digests), ClaimRow.doomed.is_(True)))


def _fresh() -> ColumnElement[bool]:
    return ClaimRow.created > now() - timedelta(seconds=DOOM_SECONDS)


def _exclude(session: Session, database: Database, *, shared: bool) -> None:
    """SQLite has one writer at a time anyway."""
    if not database.is_sqlite:
        kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        session.execute(text(f"SELECT {kind}({_LOCK})"))
