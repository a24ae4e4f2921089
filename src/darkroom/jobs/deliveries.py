"""The messages to webhooks in the database, and how far each is: pending, delivered or failed.

Whoever takes a message pushes the time forward at which it is due: while it is sent nobody else takes it, and when its
sender is killed it is due again. So a message arrives at least once, and its identifier is always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, select, tuple_

from darkroom.database.schema import DeliveryRow, now
from darkroom.errors import DeliveryNotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database


class DeliveryStore:
    """Messages, by a database. Every method is one transaction; all raise DatabaseFailed where it is not well."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock

    def take(self, seconds: float, *, but: Collection[str] = ()) -> DeliveryRow | None:
        """The message that has been due the longest, for so many seconds nobody else's; None where none is due.

        ``but`` are hosts that are left alone. The attempt counts from now on.
        """
        moment = self._clock()
        due = (
            select(DeliveryRow)
            .where(DeliveryRow.state == "pending", DeliveryRow.not_before <= moment, DeliveryRow.host.not_in(list(but)))
            .order_by(DeliveryRow.not_before)
            .limit(1)
        )
        with self._database.session(reading=True) as session:
            # Looking costs no writer its turn; most looks find nothing.
            if session.scalar(due) is None:
                return None
        with self._database.session() as session:
            row = session.scalar(due.with_for_update(skip_locked=True))
            if row is not None:
                row.not_before = moment + timedelta(seconds=seconds)
                row.attempts += 1
            return row

    def delivered(self, row: DeliveryRow, status: int) -> None:
        """A message has arrived, whoever else may be sending it."""
        with self._database.session() as session:
            kept = self._pending(session, row)
            if kept is not None:
                kept.state, kept.status, kept.error, kept.finished = "delivered", status, None, self._clock()

    def failed(self, row: DeliveryRow, *, status: int | None, error: str, again: datetime | None) -> None:
        """An attempt has failed: due again at a time, or given up where that is None.

        Says nothing where somebody else has begun another attempt since.
        """
        with self._database.session() as session:
            kept = self._pending(session, row)
            if kept is None or kept.attempts != row.attempts:
                return
            kept.status, kept.error = status, error
            if again is None:
                kept.state, kept.finished = "failed", self._clock()
            else:
                kept.not_before = again

    def get(self, delivery_id: str) -> DeliveryRow:
        """One message. Raises DeliveryNotFound."""
        with self._database.session(reading=True) as session:
            row = session.get(DeliveryRow, delivery_id)
            if row is None:
                raise _unknown(delivery_id)
            return row

    def listed(
        self,
        *,
        owner: str | None = None,
        job_id: str | None = None,
        batch_id: str | None = None,
        state: str | None = None,
        after: tuple[datetime, str] | None = None,
        most: int = 50,
    ) -> list[DeliveryRow]:
        """Messages, the newest first, from behind a time of creation and id on."""
        wanted = [
            DeliveryRow.owner == owner if owner is not None else None,
            DeliveryRow.job_id == job_id if job_id is not None else None,
            DeliveryRow.batch_id == batch_id if batch_id is not None else None,
            DeliveryRow.state == state if state is not None else None,
            tuple_(DeliveryRow.created, DeliveryRow.id) < after if after is not None else None,
        ]
        with self._database.session(reading=True) as session:
            order = (
                select(DeliveryRow)
                .where(and_(True, *(clause for clause in wanted if clause is not None)))
                .order_by(DeliveryRow.created.desc(), DeliveryRow.id.desc())
                .limit(most)
            )
            return list(session.scalars(order))

    def replay(self, delivery_id: str) -> DeliveryRow:
        """Have a message that was delivered or given up sent once more, under the same identifier, from now on.

        One that is still pending stays as it is. Raises DeliveryNotFound.
        """
        with self._database.session() as session:
            row = session.scalar(select(DeliveryRow).where(DeliveryRow.id == delivery_id).with_for_update())
            if row is None:
                raise _unknown(delivery_id)
            if row.state != "pending":
                row.state, row.attempts, row.not_before = "pending", 0, self._clock()
                row.status, row.error, row.finished = None, None, None
            return row

    @staticmethod
    def _pending(session: Session, row: DeliveryRow) -> DeliveryRow | None:
        return session.scalar(
            select(DeliveryRow).where(DeliveryRow.id == row.id, DeliveryRow.state == "pending").with_for_update()
        )


def _unknown(delivery_id: str) -> DeliveryNotFound:
    return DeliveryNotFound(f"There is no message {delivery_id}.", cure="Messages are forgotten after a while.")
