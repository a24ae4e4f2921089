"""The same request twice makes one job, or one batch: told by an Idempotency-Key that the client has made up.

With the key the fingerprint of the request is kept, so that another request under the same key is refused and not
taken for the first one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from darkroom.database.schema import BatchRow, JobRow
from darkroom.errors import Conflict, DatabaseFailed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from darkroom.database.connection import Database

Row = TypeVar("Row", JobRow, BatchRow)


def fingerprint(request: Any) -> str:
    """SHA-256 of a request in canonical form, 64 hexadecimal digits. ``request`` is what JSON can hold."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def find(session: Session, kind: type[Row], owner: str, key: str | None, said: str | None) -> Row | None:
    """What was accepted under a key; None without a key. ``said`` is the fingerprint of what is asked for now.

    Raises Conflict where that is another request. What was accepted before there were fingerprints is taken for it.
    """
    if key is None:
        return None
    row = session.scalar(select(kind).where(kind.owner == owner, kind.idempotency_key == key))
    if row is not None and None is not row.fingerprint != said:
        raise Conflict(
            f"The Idempotency-Key {key} was used with another request.", cure="Use a new one.", field="Idempotency-Key"
        )
    return row


def once(
    database: Database, kind: type[Row], owner: str, key: str | None, said: str | None, accept: Callable[[Session], Row]
) -> tuple[Row, bool]:
    """What ``accept`` adds in one transaction, and True; where the key was there before what it stands for, and False.

    Raises what :func:`find` raises, DatabaseFailed.
    """

    def attempt() -> tuple[Row, bool]:
        with database.session() as session:
            row = find(session, kind, owner, key, said)
            return (row, False) if row is not None else (accept(session), True)

    try:
        return attempt()
    except DatabaseFailed as error:
        if key is None or not isinstance(error.__cause__, IntegrityError):
            raise
        # Somebody else came first with the same key, in this very moment: now it is found.
        return attempt()
