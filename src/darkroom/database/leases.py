"""Leases on work that only one of several servers does at a time; who is killed loses it when the time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from darkroom.database.schema import LeaseRow, identifier, now

if TYPE_CHECKING:
    from darkroom.database.connection import Database


class Lease:
    """One server's claim to a work whose row the migrations have made. All methods raise DatabaseFailed."""

    def __init__(self, database: Database, name: str, seconds: float, *, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._name = name
        self._for = timedelta(seconds=seconds)
        self._clock = clock
        self._holder = identifier()

    def take(self, *, unless_done_since: datetime | None = None) -> bool:
        """Take the work up; False where another has it, or it was done to its end since the time that is given."""
        moment = self._clock()
        free = [LeaseRow.name == self._name, or_(LeaseRow.holder.is_(None), LeaseRow.until < moment)]
        if unless_done_since is not None:
            free.append(or_(LeaseRow.done.is_(None), LeaseRow.done < unless_done_since))
        with self._database.session() as session:
            taken = session.connection().execute(
                update(LeaseRow).where(*free).values(holder=self._holder, until=moment + self._for)
            )
            return taken.rowcount == 1

    def give_back(self, *, done: bool) -> None:
        """Leave the work to whoever comes next, and say whether it was done to its end."""
        values = {"holder": None, "done": self._clock()} if done else {"holder": None}
        with self._database.session() as session:
            session.connection().execute(
                update(LeaseRow).where(LeaseRow.name == self._name, LeaseRow.holder == self._holder).values(values)
            )

    def made(self) -> datetime:
        """When the tables of this database were made."""
        with self._database.session(reading=True) as session:
            return session.get_one(LeaseRow, self._name).created
