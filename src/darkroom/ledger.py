"""The ledger: every outgoing connection, written down before it is made, in a SQLite file of the owner's.

Bytes are those of the bodies that were sent and received; of an address host, port and path are kept and neither its
query nor user name and password, which may be secrets.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from darkroom.errors import LedgerUnwritable

WAIT_SECONDS = 15.0
"""How long another process may hold the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One connection.

    ``at`` is in UTC, ISO 8601. ``address`` is what was contacted, empty where a proxy resolved the name. ``what`` says
    in words what was sent; ``job`` is whose work it was for. ``status`` is HTTP's, 0 where there was no answer.
    ``outcome`` is ``started``, ``done``, ``refused`` or ``failed``.
    """

    at: str
    purpose: str
    method: str
    scheme: str
    host: str
    port: int
    path: str
    address: str
    what: str
    job: str
    sent: int = 0
    received: int = 0
    status: int = 0
    outcome: str = "started"


COLUMNS = tuple(field.name for field in fields(Entry))
_TABLE = f"""
CREATE TABLE IF NOT EXISTS egress (
    id INTEGER PRIMARY KEY,
    {", ".join(f"{field.name} {'INTEGER' if field.type == 'int' else 'TEXT'} NOT NULL" for field in fields(Entry))}
)
"""


class Ledger:
    """The file. Safe to use from several threads and processes; made when it is first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def begin(self, entry: Entry) -> int:
        """Write a connection down that is about to be made; gives its number. Raises LedgerUnwritable."""
        marks = ", ".join("?" for _ in COLUMNS)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, closing(self._connect()) as connection, connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(_TABLE)
                done = connection.execute(
                    f"INSERT INTO egress ({', '.join(COLUMNS)}) VALUES ({marks})", tuple(asdict(entry).values())
                )
                return int(done.lastrowid or 0)
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnwritable(
                f"{self.path} cannot be written ({error}), so {entry.host} was not contacted: nothing leaves this "
                "machine that is not written down.",
                cure="Make room, or name another file with egress.ledger.",
            ) from error

    def end(self, number: int, *, sent: int, received: int, status: int, outcome: str) -> None:
        """Say how a connection ended. Raises LedgerUnwritable."""
        try:
            with self._lock, closing(self._connect()) as connection, connection:
                connection.execute(
                    "UPDATE egress SET sent = ?, received = ?, status = ?, outcome = ? WHERE id = ?",
                    (sent, received, status, outcome, number),
                )
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnwritable(
                f"{self.path} cannot be written ({error}).", cure="Make room, or name another file with egress.ledger."
            ) from error

    def entries(self, *, since: datetime | None = None, purpose: str | None = None) -> Iterator[Entry]:
        """What was written, the oldest first, from ``since`` on and for one purpose where these are given."""
        if not self.path.exists():
            return
        wanted, values = ["1"], list[str]()
        if since is not None:
            wanted.append("at >= ?")
            values.append(since.astimezone(UTC).isoformat(timespec="milliseconds"))
        if purpose is not None:
            wanted.append("purpose = ?")
            values.append(purpose)
        try:
            with closing(self._connect()) as connection:
                order = f"SELECT {', '.join(COLUMNS)} FROM egress WHERE {' AND '.join(wanted)} ORDER BY id"
                for row in connection.execute(order, values):
                    yield Entry(*row)
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def totals(self) -> dict[str, tuple[int, int]]:
        """Bytes that were sent and received, by purpose. Raises LedgerUnwritable."""
        if not self.path.exists():
            return {}
        try:
            with closing(self._connect()) as connection:
                order = "SELECT purpose, SUM(sent), SUM(received) FROM egress GROUP BY purpose"
                return {purpose: (sent, received) for purpose, sent, received in connection.execute(order)}
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=WAIT_SECONDS)


def _unreadable(path: Path, error: sqlite3.Error) -> LedgerUnwritable:
    return LedgerUnwritable(f"{path} cannot be read: {error}.", cure="Move it away; a new one is made.")


def now() -> str:
    """The time as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
