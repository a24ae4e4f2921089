"""Opening the database, and bringing it to the tables of this version."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from darkroom.addresses import is_loopback
from darkroom.egress import Egress
from darkroom.errors import ConfigurationError, DatabaseFailed, ExtraMissing

if TYPE_CHECKING:
    from alembic.config import Config

    from darkroom.settings import Settings

BUSY_SECONDS = 15.0
"""How long SQLite waits for another writer, where the address does not say: ``sqlite:////path/file?timeout=5``."""
CONNECT_SECONDS = 10
"""How long PostgreSQL may take to accept a connection."""
ENCRYPTED = ("require", "verify-ca", "verify-full")
"""Values of ``sslmode`` in a PostgreSQL address with which nothing goes unencrypted."""
READING = "darkroom_reading"
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database, by its address: ``sqlite:////path/file`` or ``postgresql+psycopg://user@host/name``.

    Safe to use from several threads and processes. Nothing is contacted before it is used.

    Raises:
        ConfigurationError: it is no such address.
        ExtraMissing: what speaks to PostgreSQL is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            self.is_sqlite = self.url.get_backend_name() == "sqlite"
            options: dict[str, Any] = {}
            if self.is_sqlite and self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
                if "timeout" not in self.url.query:
                    options["connect_args"] = {"timeout": BUSY_SECONDS}
            elif not self.is_sqlite:
                # A server that was started again has closed what the pool still has.
                options = {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
            self.engine: Engine = create_engine(self.url, **options)
        except ArgumentError as error:
            raise ConfigurationError(
                f"database.url is no address of a database: {_reason(error)}.",
                cure="Write sqlite:////path/file or postgresql+psycopg://user:password@host/name.",
                field="database.url",
            ) from error
        except ImportError as error:
            raise ExtraMissing(
                f"What speaks to {self.url.get_backend_name()} is not installed ({error.name}).",
                cure="pip install 'darkroom-studio[scale]'",
            ) from error
        if self.is_sqlite:
            _settle_sqlite(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def is_remote(self) -> bool:
        """Whether its address leads to another machine."""
        return any(not is_loopback(host) for host, _ in _servers(self.url))

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        """The database that the settings name; one in the network is permitted, and written down, here.

        Raises what the class and :meth:`Egress.attach` raise.
        """
        database = cls(settings.database.url.get_secret_value())
        encrypted = database.url.query.get("sslmode") in ENCRYPTED
        for host, port in _servers(database.url):
            Egress(settings).attach(host, port, "database", scheme="postgresql", encrypted=encrypted, what="jobs")
        return database

    @contextlib.contextmanager
    def session(self, *, reading: bool = False) -> Generator[Session]:
        """A transaction: committed at the end, rolled back by an error. Raises DatabaseFailed.

        ``reading`` says that nothing will be written: on SQLite it then waits for no writer.
        """
        try:
            with self._sessions.begin() as session:
                session.connection(execution_options={READING: reading})
                yield session
        except SQLAlchemyError as error:
            raise DatabaseFailed(
                f"The database {self.url.render_as_string(hide_password=True)} failed: {_reason(error)}.",
                cure="Look at its log, and try again.",
            ) from error

    def check(self) -> None:
        """Ask it something. Raises DatabaseFailed."""
        with self.session() as session:
            session.execute(text("SELECT 1"))

    def migrate(self) -> None:
        """Bring it to the tables of this version; nothing where it has them. Raises DatabaseFailed."""
        from alembic import command

        try:
            with self.engine.begin() as connection:
                if not self.is_sqlite:
                    # Several servers may start at once: one of them does it.
                    connection.execute(text("SELECT pg_advisory_xact_lock(7277001)"))
                config = self._config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except SQLAlchemyError as error:
            raise DatabaseFailed(
                f"The tables of {self.url.render_as_string(hide_password=True)} could not be brought up to date: "
                f"{_reason(error)}.",
                cure="Look at its log; nothing was changed.",
            ) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _config(self) -> Config:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        return config


def _servers(url: URL) -> list[tuple[str, int]]:
    """The hosts and ports that a PostgreSQL address leads to; none for a socket of this machine, or SQLite."""
    if url.get_backend_name() == "sqlite":
        return []
    written = url.normalized_query
    named = [url.host] if url.host else []
    named += [host for key in ("host", "hostaddr") for value in written.get(key, ()) for host in value.split(",")]
    if not named:
        # What the library under it takes where the address says nothing.
        named = [host for host in (os.environ.get("PGHOSTADDR"), os.environ.get("PGHOST")) if host]
    found: list[tuple[str, int]] = []
    for host in named:
        name, _, port = host.partition(":") if host.count(":") == 1 else (host, "", "")
        if not name.startswith("/"):
            found.append((name, int(port) if port.isdecimal() else url.port or 5432))
    return found


def _settle_sqlite(engine: Engine) -> None:
    """Readers beside one writer, foreign keys, and transactions that begin when they are begun."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver is not to begin transactions by itself: they begin below, as writers.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # A reader that turns into a writer half way fails at once where another is writing; who begins as one waits.
        reading = connection.get_execution_options().get(READING, False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
