"""Forgets what is older than the settings say: pictures, jobs with their messages, kept results.

Only rows go here; the files that they named are nobody's then, and go when the storage is swept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update

from darkroom.database.schema import Base, BatchRow, ClaimRow, DeliveryRow, ImageRow, JobRow, ResultRow, VersionRow, now
from darkroom.jobs.claims import CLAIM_HOURS
from darkroom.jobs.store import JobStore

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.settings import RetentionSettings

CHUNK = 1000
"""Rows that one transaction deletes."""


@dataclass(slots=True)
class Forgotten:
    """How many rows went: pictures that became too old, versions of all deleted ones, and so on."""

    pictures: int = 0
    versions: int = 0
    jobs: int = 0
    batches: int = 0
    messages: int = 0
    results: int = 0


class Retention:
    """What the settings say, carried out. ``dry_run`` only counts. All methods raise DatabaseFailed."""

    def __init__(
        self,
        settings: RetentionSettings,
        database: Database,
        *,
        dry_run: bool = False,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._settings = settings
        self._database = database
        self._dry_run = dry_run
        self._clock = clock

    def forget(self) -> Forgotten:
        """Forget all that is due."""
        gone = Forgotten()
        if self._settings.job_days is not None:
            self._forget_jobs(gone, self._days_ago(self._settings.job_days))
        # After the jobs, as a picture stays while it has some.
        self._forget_pictures(gone)
        gone.results += self._delete(ResultRow, ResultRow.used < self._days_ago(self._settings.cache_days))
        self._delete(ClaimRow, ClaimRow.created < self._days_ago(CLAIM_HOURS / 24))
        return gone

    def _forget_pictures(self, gone: Forgotten) -> None:
        """Pictures that are too old are deleted as if somebody had; of deleted ones the versions go, then the rest.

        Before the versions what was kept of work on them, where no other picture has the same file.
        """
        deleted: ColumnElement[bool] = ImageRow.deleted.is_not(None)
        if self._settings.image_days is not None:
            old = ImageRow.created < self._days_ago(self._settings.image_days)
            gone.pictures = self._count(ImageRow, ImageRow.deleted.is_(None), old)
            if not self._dry_run:
                with self._database.session() as session:
                    session.execute(
                        update(ImageRow).where(ImageRow.deleted.is_(None), old).values(deleted=self._clock())
                    )
            deleted = or_(deleted, old)
        files = select(VersionRow.digest).join(ImageRow, ImageRow.id == VersionRow.image_id)
        others = files.where(VersionRow.digest == ResultRow.source, ~deleted)
        gone.results += self._delete(ResultRow, ResultRow.source.in_(files.where(deleted)), ~others.exists())
        gone.versions = self._delete(VersionRow, VersionRow.image_id.in_(select(ImageRow.id).where(deleted)))
        # A job adds its result to its picture, so the row stays as long as there is one that may. Also those go that
        # were never fetched, with the job that could have been done again.
        self._delete(
            ImageRow,
            func.coalesce(ImageRow.deleted, ImageRow.created) < self._days_ago(1),
            ~exists().where(JobRow.image_id == ImageRow.id),
            ~exists().where(VersionRow.image_id == ImageRow.id),
        )

    def _forget_jobs(self, gone: Forgotten, before: datetime) -> None:
        if self._dry_run:
            gone.jobs = self._count(JobRow, JobRow.finished < before)
        else:
            gone.jobs = JobStore(self._database).purge(before)
        gone.messages = self._delete(DeliveryRow, DeliveryRow.finished < before)
        gone.batches = self._delete(
            BatchRow,
            BatchRow.created < before,
            ~exists().where(JobRow.batch_id == BatchRow.id, or_(JobRow.finished.is_(None), JobRow.finished >= before)),
        )

    def _days_ago(self, days: float) -> datetime:
        return self._clock() - timedelta(days=days)

    def _count(self, kind: type[Base], *condition: ColumnElement[bool]) -> int:
        with self._database.session(reading=True) as session:
            return session.scalar(select(func.count()).select_from(kind).where(*condition)) or 0

    def _delete(self, kind: type[Base], *condition: ColumnElement[bool]) -> int:
        """Delete rows, some at a time so that nobody waits long; gives how many."""
        if self._dry_run:
            return self._count(kind, *condition)
        gone, key = 0, kind.__mapper__.primary_key[0]
        while True:
            with self._database.session() as session:
                chunk = session.scalars(select(key).where(*condition).limit(CHUNK)).all()
                # The condition once more: a row may have been used since it was found.
                session.execute(
                    delete(kind).where(key.in_(chunk), *condition).execution_options(synchronize_session=False)
                )
            gone += len(chunk)
            if len(chunk) < CHUNK:
                return gone
