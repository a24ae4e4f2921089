"""The jobs in the database, which is the truth about them: whoever carries one out holds a lease on it.

A job is pending until somebody leases it, processing while the lease is renewed, and then completed, failed, cancelled
or quarantined. A lease that runs out, because its holder was killed, makes the job pending again; a job that has
killed its worker twice is quarantined. A result counts only from the holder of the lease, so that no job is finished
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from darkroom.database.schema import BatchRow, JobRow, VersionRow, now
from darkroom.errors import DarkroomError, JobNotFound, WorkerDied
from darkroom.jobs.outbox import announce

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database

State = Literal["scanning", "pending", "processing", "completed", "failed", "cancelled", "quarantined"]
Lane = Literal["light", "heavy"]
DONE: tuple[State, ...] = ("completed", "failed", "cancelled", "quarantined")

MOST_ATTEMPTS = 4
"""Of a job whose failure may pass."""
MOST_DEATHS = 2
"""Workers that a job may kill before it is quarantined."""
MOST_LOSSES = 10
"""How often a job may be begun before it is quarantined where its holder is gone without a word each time."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds before a second attempt, twice as long before each further one."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is made of. ``source`` is the digest of the picture's file in the storage.

    ``pictures`` are second ones that the operations name: what they call each, and its digest.
    """

    source: str
    operations: list[dict[str, Any]]
    name: str = ""
    encoding: dict[str, Any] = field(default_factory=dict[str, Any])
    pictures: dict[str, str] = field(default_factory=dict[str, str])
    lane: Lane = "light"
    priority: int = 0
    owner: str = ""
    image_id: str | None = None
    batch_id: str | None = None
    webhook_url: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A file that came of a job: the result, whose name is empty, or a picture that was made beside it."""

    name: str
    digest: str
    bytes: int
    format: str
    width: int
    height: int
    frames: int


class JobStore:
    """Jobs, by a database. Every method is one transaction; all raise DatabaseFailed where it is not well."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, new: NewJob) -> tuple[JobRow, bool]:
        """Accept a job: from here on it is never lost. Gives the row, and False where the key was there before."""
        try:
            with self._database.session() as session:
                if new.idempotency_key is not None:
                    known = session.scalar(_by_key(new.owner, new.idempotency_key))
                    if known is not None:
                        return known, False
                row = JobRow(
                    **{name: getattr(new, name) for name in NewJob.__slots__}  # pyright: ignore[reportUnknownMemberType]
                )
                session.add(row)
                session.flush()
                return row, True
        except DarkroomError as error:
            if not isinstance(error.__cause__, IntegrityError) or new.idempotency_key is None:
                raise
            # Somebody else came first with the same key, in this very moment.
            with self._database.session() as session:
                return session.scalars(_by_key(new.owner, new.idempotency_key)).one(), False

    def batch(self, owner: str, webhook_url: str | None, jobs: Sequence[NewJob]) -> tuple[BatchRow, list[JobRow]]:
        """Accept several jobs that belong together: all of them or none."""
        with self._database.session() as session:
            row = BatchRow(owner=owner, webhook_url=webhook_url)
            session.add(row)
            session.flush()
            rows = [JobRow(**{name: getattr(new, name) for name in NewJob.__slots__}) for new in jobs]
            for job in rows:
                job.batch_id, job.owner = row.id, owner
            session.add_all(rows)
            session.flush()
            return row, rows

    def lease(self, lanes: Sequence[Lane], holder: str, seconds: float) -> JobRow | None:
        """The next job of these lanes, held for so long from now; None where none waits."""
        with self._database.session() as session:
            moment = now()
            waiting = (
                select(JobRow)
                .where(
                    JobRow.state == "pending",
                    JobRow.lane.in_(lanes),
                    or_(JobRow.not_before.is_(None), JobRow.not_before <= moment),
                )
                .order_by(JobRow.priority.desc(), JobRow.created)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            row = session.scalar(waiting)
            if row is None:
                return None
            row.state, row.holder = "processing", holder
            row.held_until = moment + timedelta(seconds=seconds)
            row.attempts += 1
            row.started = row.started or moment
            row.progress, row.doing = 0.0, ""
            return row

    def renew(self, job_id: str, holder: str, seconds: float, progress: float, doing: str) -> bool:
        """Keep a lease, and say how far the job is; False where it was cancelled or is somebody else's by now."""
        with self._database.session() as session:
            row = self._held(session, job_id, holder)
            if row is None or row.cancel:
                return False
            row.held_until = now() + timedelta(seconds=seconds)
            row.progress, row.doing = max(row.progress, progress), doing[:200]
            return True

    def complete(self, job_id: str, holder: str, made: Sequence[Made], report: dict[str, Any]) -> bool:
        """The job is done, and what came of it is a new version of its picture: both or neither.

        ``made`` has the result first. False where the lease is somebody else's by now, whose result counts then.
        """
        with self._database.session() as session:
            row = self._held(session, job_id, holder)
            if row is None:
                return False
            row.progress, row.doing, row.error = 1.0, "", None
            row.result, row.report = made[0].digest, report
            _end(session, row, "completed")
            if row.image_id is not None:
                last = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.image_id == row.image_id))
                number = 0 if last is None else last + 1
                session.add_all(
                    VersionRow(image_id=row.image_id, job_id=row.id, number=number, **asdict(part)) for part in made
                )
            return True

    def fail(
        self, job_id: str, holder: str, error: DarkroomError, *, passing: bool, died: bool = False
    ) -> State | None:
        """The job has failed: tried again later where that may pass, else for good.

        Gives the state it has now, None where the lease is somebody else's.
        """
        with self._database.session() as session:
            row = self._held(session, job_id, holder)
            if row is None:
                return None
            row.error = error.to_dict()
            row.deaths += died
            if row.cancel:
                _end(session, row, "cancelled")
            elif row.deaths >= MOST_DEATHS:
                _end(session, row, "quarantined")
            elif (passing or died) and row.attempts < MOST_ATTEMPTS:
                pause = min(FIRST_PAUSE * 2 ** (row.attempts - 1), LONGEST_PAUSE)
                row.state, row.holder, row.held_until = "pending", None, None
                row.not_before = now() + timedelta(seconds=pause)
            else:
                _end(session, row, "failed")
            return row.state  # pyright: ignore[reportReturnType]

    def cancelled(self, job_id: str, holder: str) -> bool:
        """The job has stopped because it was to be cancelled."""
        with self._database.session() as session:
            row = self._held(session, job_id, holder)
            if row is not None:
                _end(session, row, "cancelled")
            return row is not None

    def cancel(self, job_id: str) -> JobRow:
        """Ask a job to stop: at once where it waits, else at its next report of progress. Raises JobNotFound."""
        with self._database.session() as session:
            row = self._one(session, job_id)
            if row.state in ("pending", "scanning"):
                _end(session, row, "cancelled")
            elif row.state == "processing":
                row.cancel = True
            return row

    def requeue(self, job_id: str) -> JobRow:
        """Have a job that has failed, was cancelled or quarantined done again. Raises JobNotFound."""
        with self._database.session() as session:
            row = self._one(session, job_id)
            if row.state in DONE and row.state != "completed":
                row.state, row.attempts, row.deaths, row.error = "pending", 0, 0, None
                row.cancel, row.not_before, row.finished, row.progress = False, None, None, 0.0
            return row

    def release(self, job_id: str, holder: str) -> None:
        """Give a lease back, as the holder ends: the job waits again, and the attempt does not count."""
        with self._database.session() as session:
            row = self._held(session, job_id, holder)
            if row is not None:
                row.state, row.holder, row.held_until = "pending", None, None
                row.attempts -= 1

    def expire(self) -> int:
        """Make jobs wait again whose holder has not been heard of; gives how many.

        That is nobody's fault, a server may be ended at any time; but a job that has been lost so often that it must
        be what ends its holder is quarantined.
        """
        with self._database.session() as session:
            lost = session.scalars(
                select(JobRow)
                .where(JobRow.state == "processing", JobRow.held_until < now())
                # Batches are locked as their jobs end: everybody in the same order.
                .order_by(JobRow.batch_id)
                .with_for_update(skip_locked=True)
            ).all()
            for row in lost:
                if row.cancel:
                    _end(session, row, "cancelled")
                elif row.attempts >= MOST_LOSSES:
                    gone = WorkerDied(
                        f"{row.name or 'The picture'} was given up: {row.attempts} times its holder was gone.",
                        cure="Look at the picture, and at the log; then start it again.",
                    )
                    row.error = gone.to_dict()
                    _end(session, row, "quarantined")
                else:
                    row.state, row.holder, row.held_until = "pending", None, None
            return len(lost)

    def get(self, job_id: str) -> JobRow:
        """One job. Raises JobNotFound."""
        with self._database.session(reading=True) as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise _unknown(job_id)
            return row

    def listed(
        self,
        *,
        owner: str | None = None,
        state: str | None = None,
        batch_id: str | None = None,
        before: datetime | None = None,
        most: int = 50,
    ) -> list[JobRow]:
        """Jobs, the newest first, from before a time on."""
        wanted = [
            JobRow.owner == owner if owner is not None else None,
            JobRow.state == state if state is not None else None,
            JobRow.batch_id == batch_id if batch_id is not None else None,
            JobRow.created < before if before is not None else None,
        ]
        with self._database.session(reading=True) as session:
            order = (
                select(JobRow)
                .where(and_(True, *(clause for clause in wanted if clause is not None)))
                .order_by(JobRow.created.desc(), JobRow.id)
                .limit(most)
            )
            return list(session.scalars(order))

    def depth(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self._database.session(reading=True) as session:
            return {
                state: count
                for state, count in session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
            }

    def purge(self, finished_before: datetime) -> int:
        """Forget jobs that were finished before a time; gives how many."""
        with self._database.session() as session:
            gone = session.connection().execute(delete(JobRow).where(JobRow.finished < finished_before))
            return gone.rowcount

    @staticmethod
    def _held(session: Session, job_id: str, holder: str) -> JobRow | None:
        return session.scalar(
            select(JobRow)
            .where(JobRow.id == job_id, JobRow.holder == holder, JobRow.state == "processing")
            .with_for_update()
        )

    @staticmethod
    def _one(session: Session, job_id: str) -> JobRow:
        row = session.scalar(select(JobRow).where(JobRow.id == job_id).with_for_update())
        if row is None:
            raise _unknown(job_id)
        return row


def _unknown(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id}.", cure="Jobs are forgotten after a while.")


def _by_key(owner: str, key: str) -> Select[JobRow]:
    return select(JobRow).where(JobRow.owner == owner, JobRow.idempotency_key == key)


def _end(session: Session, row: JobRow, state: State) -> None:
    row.state, row.finished, row.holder, row.held_until = state, now(), None, None
    announce(session, row)
