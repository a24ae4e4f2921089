"""The jobs in the database, which is the truth about them: whoever carries one out holds a lease on it.

A job is pending until somebody leases it, processing while the lease is renewed, and then completed, failed, cancelled
or quarantined. One whose picture is named by an address is scanning before that, leased too while somebody fetches and
checks it. A lease that runs out, because its holder was killed, makes the job wait again; a job that has killed its
worker twice is quarantined. A result counts only from the holder of the lease, so that no job is finished twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, case, delete, func, or_, select, tuple_

from darkroom.database.schema import BatchRow, ImageRow, JobRow, VersionRow, identifier, now
from darkroom.errors import BatchNotFound, DarkroomError, ImageNotFound, JobNotFound, WorkerDied
from darkroom.jobs.idempotency import Row, find, once
from darkroom.jobs.outbox import announce

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database
    from darkroom.intake import Taken

State = Literal["scanning", "pending", "processing", "completed", "failed", "cancelled", "quarantined"]
Lane = Literal["light", "heavy"]
LANES: tuple[Lane, ...] = ("light", "heavy")
DONE: tuple[State, ...] = ("completed", "failed", "cancelled", "quarantined")
WAITING: tuple[State, ...] = ("pending", "scanning")
"""States in which a job can be leased."""
HELD: tuple[State, ...] = ("processing", "scanning")
"""States in which a job can have a holder."""

MOST_ATTEMPTS = 4
"""Of a job whose failure may pass."""
MOST_DEATHS = 2
"""Workers that a job may kill before it is quarantined."""
MOST_LOSSES = 10
"""How often a job may be begun before it is quarantined where its holder is gone without a word each time."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds before a second attempt, twice as long before each further one."""


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture that a job is going to fetch, of the job's owner and name: it is there as soon as the job is."""

    store_id: str = ""
    product_id: str = ""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is made of. ``source`` is the digest of the picture's file in the storage.

    ``source_url`` is the address of a picture that is still to be fetched and scanned; ``source`` is then empty, and
    ``picture`` is what it becomes. ``pictures`` are second ones that the operations name: what they call each, and its
    digest. ``fingerprint`` is of the request that the ``idempotency_key`` stands for.
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
    fingerprint: str | None = None
    source_url: str | None = None
    picture: NewPicture | None = None


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
        self.database = database

    def submit(self, new: NewJob) -> tuple[JobRow, bool]:
        """Accept a job: from here on it is never lost. Gives the row, and False where the key was there before.

        Raises Conflict where the key was used with another request.
        """

        def accept(session: Session) -> JobRow:
            row = _added(session, new)
            session.flush()
            return row

        return once(self.database, JobRow, new.owner, new.idempotency_key, new.fingerprint, accept)

    def batch(
        self,
        owner: str,
        webhook_url: str | None,
        jobs: Sequence[NewJob],
        idempotency_key: str | None = None,
        fingerprint: str | None = None,
    ) -> tuple[BatchRow, list[JobRow]]:
        """Accept several jobs that belong together: all of them or none; no jobs where the key was there before.

        Raises Conflict where the key was used with another request.
        """
        rows: list[JobRow] = []

        def accept(session: Session) -> BatchRow:
            row = BatchRow(
                owner=owner, webhook_url=webhook_url, idempotency_key=idempotency_key, fingerprint=fingerprint
            )
            session.add(row)
            session.flush()
            rows[:] = [_added(session, replace(new, owner=owner, batch_id=row.id)) for new in jobs]
            session.flush()
            return row

        row, fresh = once(self.database, BatchRow, owner, idempotency_key, fingerprint, accept)
        return row, rows if fresh else []

    def lease(self, lanes: Sequence[Lane], holder: str, seconds: float) -> JobRow | None:
        """The next job of these lanes, held for so long from now; None where none waits."""
        return self._lease(holder, seconds, [JobRow.state == "pending", JobRow.lane.in_(lanes)])

    def lease_scan(self, holder: str, seconds: float) -> JobRow | None:
        """The next job whose picture is to be fetched and scanned, held as by :meth:`lease`; None where none waits."""
        return self._lease(holder, seconds, [JobRow.state == "scanning"])

    def lease_one(
        self, job_id: str, holder: str, seconds: float, *, states: Sequence[State] = WAITING
    ) -> JobRow | None:
        """This job, held as by :meth:`lease`; None where it does not wait: done, another's, forgotten, or too early.

        Its state says what is to be done: ``scanning``, or ``processing``. Only one in these ``states`` is leased.
        """
        # Whoever else has the row for this moment may be about to give it back: they are waited for.
        return self._lease(holder, seconds, [JobRow.id == job_id, JobRow.state.in_(states)], skip_locked=False)

    def _lease(
        self, holder: str, seconds: float, wanted: Sequence[ColumnElement[bool]], *, skip_locked: bool = True
    ) -> JobRow | None:
        with self.database.session() as session:
            moment = now()
            row = session.scalar(
                select(JobRow)
                .where(*wanted, *_free(moment))
                .order_by(JobRow.priority.desc(), JobRow.created)
                .limit(1)
                .with_for_update(skip_locked=skip_locked)
            )
            if row is None:
                return None
            row.state = "processing" if row.state == "pending" else row.state
            row.holder, row.held_until = holder, moment + timedelta(seconds=seconds)
            row.attempts += 1
            row.started = row.started or moment
            row.progress, row.doing = 0.0, ""
            return row

    def waiting(self, lanes: Sequence[Lane], seconds: float, most: int = 1000) -> list[JobRow]:
        """Jobs that could be leased, and could have been for so long; in the order in which they should be."""
        moment = now() - timedelta(seconds=seconds)
        with self.database.session(reading=True) as session:
            return list(
                session.scalars(
                    select(JobRow)
                    .where(JobRow.state.in_(WAITING), JobRow.lane.in_(lanes), JobRow.changed <= moment, *_free(moment))
                    .order_by(JobRow.priority.desc(), JobRow.created)
                    .limit(most)
                )
            )

    def scanned(self, job_id: str, holder: str, taken: Taken) -> bool:
        """The picture is stored and found good: it is its image's first version, and the job can be carried out.

        All of it or nothing; False where the lease is somebody else's by now, or the job was cancelled.
        """
        with self.database.session() as session:
            row = self._held(session, job_id, holder, ("scanning",))
            if row is None:
                return False
            row.source, row.state = taken.digest, "pending"
            row.name = row.name or taken.name[:255]
            # From here on it is other work, which may fail as often by itself.
            row.attempts = row.deaths = 0
            row.holder, row.held_until, row.not_before, row.error = None, None, None, None
            if self._next_version(session, row) == 0:
                # It was given, not made: what came of the job is another version.
                session.add(
                    VersionRow(
                        image_id=row.image_id,
                        number=0,
                        digest=taken.digest,
                        bytes=taken.bytes,
                        format=taken.format,
                        width=taken.width or 0,
                        height=taken.height or 0,
                        frames=taken.frames or 1,
                    )
                )
            return True

    def renew(self, job_id: str, holder: str, seconds: float, progress: float, doing: str) -> bool:
        """Keep a lease, and say how far the job is; False where it was cancelled or is somebody else's by now."""
        with self.database.session() as session:
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
        with self.database.session() as session:
            row = self._held(session, job_id, holder, ("processing",))
            if row is None:
                return False
            row.progress, row.doing, row.error = 1.0, "", None
            row.result, row.report = made[0].digest, report
            _end(session, row, "completed")
            number = self._next_version(session, row)
            if number is not None:
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
        with self.database.session() as session:
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
                _wait(row)
                row.not_before = now() + timedelta(seconds=pause)
            else:
                _end(session, row, "failed")
            return row.state  # pyright: ignore[reportReturnType]

    def cancelled(self, job_id: str, holder: str) -> bool:
        """The job has stopped because it was to be cancelled; where nobody has asked for that, it waits again.

        False for that, and where the lease is somebody else's.
        """
        with self.database.session() as session:
            row = self._held(session, job_id, holder)
            if row is None:
                return False
            if row.cancel:
                _end(session, row, "cancelled")
            else:
                _wait(row)
            return row.cancel

    def cancel(self, job_id: str) -> JobRow:
        """Ask a job to stop: at once where nothing is made of it yet, else at its next report of progress.

        Raises JobNotFound.
        """
        with self.database.session() as session:
            row = self._one(session, job_id)
            if row.state in WAITING:
                _end(session, row, "cancelled")
            elif row.state == "processing":
                row.cancel = True
            return row

    def requeue(self, job_id: str) -> JobRow:
        """Have a job that has failed, was cancelled or quarantined done again.

        Raises JobNotFound; ImageNotFound where its picture was deleted, so that its files may be gone already.
        """
        with self.database.session() as session:
            row = self._one(session, job_id)
            image = session.get(ImageRow, row.image_id, with_for_update=True) if row.image_id is not None else None
            if image is not None and image.deleted is not None:
                raise picture_deleted(row)
            if row.state in DONE and row.state != "completed":
                row.state = _first_state(row)
                row.attempts, row.deaths, row.error = 0, 0, None
                row.cancel, row.not_before, row.finished, row.progress = False, None, None, 0.0
            return row

    def release(self, job_id: str, holder: str) -> None:
        """Give a lease back, as the holder ends: the job waits again, and the attempt does not count."""
        with self.database.session() as session:
            row = self._held(session, job_id, holder)
            if row is not None and row.cancel:
                _end(session, row, "cancelled")
            elif row is not None:
                _wait(row)
                row.attempts -= 1

    def expire(self) -> int:
        """Make jobs wait again whose holder has not been heard of; gives how many.

        That is nobody's fault, a server may be ended at any time; but a job that has been lost so often that it must
        be what ends its holder is quarantined.
        """
        with self.database.session() as session:
            lost = session.scalars(
                select(JobRow)
                .where(JobRow.state.in_(HELD), JobRow.held_until < now())
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
                    _wait(row)
            return len(lost)

    def get(self, job_id: str) -> JobRow:
        """One job. Raises JobNotFound."""
        with self.database.session(reading=True) as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise _unknown(job_id)
            return row

    def listed(
        self,
        *,
        owner: str | None = None,
        states: Collection[str] = (),
        batch_id: str | None = None,
        image_id: str | None = None,
        after: tuple[datetime, str] | None = None,
        most: int = 50,
    ) -> list[JobRow]:
        """Jobs, the newest first, from behind a time of creation and id on; of any state where none is named."""
        wanted = {"owner": owner, "batch_id": batch_id, "image_id": image_id}
        order = (
            select(JobRow)
            .filter_by(**{name: value for name, value in wanted.items() if value is not None})
            .order_by(JobRow.created.desc(), JobRow.id.desc())
            .limit(most)
        )
        if states:
            order = order.where(JobRow.state.in_(states))
        if after is not None:
            order = order.where(tuple_(JobRow.created, JobRow.id) < after)
        with self.database.session(reading=True) as session:
            return list(session.scalars(order))

    def known(self, kind: type[Row], owner: str, key: str | None, fingerprint: str) -> Row | None:
        """The job or batch that was submitted with an idempotency key. Raises Conflict as :meth:`submit`."""
        with self.database.session(reading=True) as session:
            return find(session, kind, owner, key, fingerprint)

    def get_batch(self, batch_id: str) -> BatchRow:
        """One batch. Raises BatchNotFound."""
        with self.database.session(reading=True) as session:
            row = session.get(BatchRow, batch_id)
            if row is None:
                raise BatchNotFound(f"There is no batch {batch_id}.", cure="Batches are forgotten after a while.")
            return row

    def batches(
        self, owner: str | None = None, after: tuple[datetime, str] | None = None, most: int = 50
    ) -> list[BatchRow]:
        """Batches, the newest first, from behind a time of creation and id on."""
        order = select(BatchRow).order_by(BatchRow.created.desc(), BatchRow.id.desc()).limit(most)
        if owner is not None:
            order = order.where(BatchRow.owner == owner)
        if after is not None:
            order = order.where(tuple_(BatchRow.created, BatchRow.id) < after)
        with self.database.session(reading=True) as session:
            return list(session.scalars(order))

    def counts(self, batch_id: str) -> tuple[dict[str, int], float]:
        """How many jobs of a batch are in each state, and their mean progress; those that have ended count whole."""
        ended = case((JobRow.state.in_(DONE), 1.0), else_=JobRow.progress)
        with self.database.session(reading=True) as session:
            rows = session.execute(
                select(JobRow.state, func.count(), func.sum(ended))
                .where(JobRow.batch_id == batch_id)
                .group_by(JobRow.state)
            ).all()
        total = sum(count for _, count, _ in rows)
        return {state: count for state, count, _ in rows}, sum(done for _, _, done in rows) / max(total, 1)

    def cancel_all(self, *, batch_id: str | None = None, image_id: str | None = None) -> int:
        """Ask every job of a batch, or on a picture, to stop that has not ended; gives how many."""
        wanted = {"batch_id": batch_id, "image_id": image_id}
        with self.database.session(reading=True) as session:
            ids = session.scalars(
                select(JobRow.id)
                .filter_by(**{name: value for name, value in wanted.items() if value is not None})
                .where(JobRow.state.not_in(DONE))
            ).all()
        for job_id in ids:
            self.cancel(job_id)
        return len(ids)

    def depth(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self.database.session(reading=True) as session:
            return {
                state: count
                for state, count in session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
            }

    def purge(self, finished_before: datetime) -> int:
        """Forget jobs that were finished before a time; gives how many."""
        with self.database.session() as session:
            gone = session.connection().execute(delete(JobRow).where(JobRow.finished < finished_before))
            return gone.rowcount

    @staticmethod
    def _held(session: Session, job_id: str, holder: str, states: Sequence[State] = HELD) -> JobRow | None:
        return session.scalar(
            select(JobRow)
            .where(JobRow.id == job_id, JobRow.holder == holder, JobRow.state.in_(states))
            .with_for_update()
        )

    @staticmethod
    def _next_version(session: Session, row: JobRow) -> int | None:
        """The number of the next version of a job's picture; None where it has none, or that was deleted.

        Until the end of the transaction nobody else gets one.
        """
        if row.image_id is None or session.get(ImageRow, row.image_id, with_for_update=True) is None:
            return None
        last = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.image_id == row.image_id))
        return 0 if last is None else last + 1

    @staticmethod
    def _one(session: Session, job_id: str) -> JobRow:
        row = session.scalar(select(JobRow).where(JobRow.id == job_id).with_for_update())
        if row is None:
            raise _unknown(job_id)
        return row


def picture_deleted(row: JobRow) -> ImageNotFound:
    """What to say of a job whose picture is gone."""
    return ImageNotFound(
        f"The picture of the job {row.id} was deleted, with all that came of it.", cure="Upload it again."
    )


def _unknown(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id}.", cure="Jobs are forgotten after a while.")


def _added(session: Session, new: NewJob) -> JobRow:
    values: dict[str, Any] = {name: getattr(new, name) for name in NewJob.__slots__ if name != "picture"}
    row = JobRow(**values | {"name": new.name[:255]})
    row.state = _first_state(row)
    if new.picture is not None:
        row.image_id = identifier()
        session.add(ImageRow(id=row.image_id, name=row.name, owner=row.owner, **asdict(new.picture)))
    session.add(row)
    return row


def _first_state(row: JobRow) -> State:
    return "scanning" if row.source_url is not None and not row.source else "pending"


def _free(moment: datetime) -> list[ColumnElement[bool]]:
    """What is so of a job that nobody holds and whose pause was over by then."""
    return [JobRow.holder.is_(None), or_(JobRow.not_before.is_(None), JobRow.not_before <= moment)]


def _wait(row: JobRow) -> None:
    """Let the job go, for the next one to lease it."""
    row.state = "pending" if row.state == "processing" else row.state
    row.holder, row.held_until = None, None


def _end(session: Session, row: JobRow, state: State) -> None:
    """The job is over: every end of every job comes by here, in the transaction that ends it."""
    row.state, row.finished, row.holder, row.held_until = state, now(), None, None
    announce(session, row)
