"""Secrets that the service makes for itself, kept in the database so that all its servers have the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from darkroom.database.schema import SecretRow
from darkroom.errors import DatabaseFailed

if TYPE_CHECKING:
    from darkroom.database.connection import Database


def kept_secret(database: Database, name: str, make: Callable[[], str]) -> str:
    """The secret of this name, made with ``make`` where there is none yet; of several makers the first one's counts.

    ``name`` has at most 64 characters, what ``make`` gives at most 200. Raises DatabaseFailed.
    """
    with database.session(reading=True) as session:
        known = session.get(SecretRow, name)
    if known is not None:
        return known.value
    try:
        with database.session() as session:
            known = session.get(SecretRow, name)
            if known is None:
                known = SecretRow(name=name, value=make())
                session.add(known)
            return known.value
    except DatabaseFailed as error:
        if not isinstance(error.__cause__, IntegrityError):
            raise
        # Another server came first, in this very moment.
        with database.session(reading=True) as session:
            return session.get_one(SecretRow, name).value
