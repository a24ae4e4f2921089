"""The database: made by its migrations, the same as its tables say, and clear where it is not well."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Boolean, DateTime, Float, Integer, MetaData, Table, insert, inspect, select

from darkroom.database.connection import MIGRATIONS, Database
from darkroom.database.schema import Base, BatchRow, ImageRow, JobRow, VersionRow
from darkroom.errors import (
    AddressRefused,
    ConfigurationError,
    DatabaseFailed,
    EgressRefused,
    ExtraMissing,
    OfflineRefused,
)
from darkroom.ledger import Ledger
from darkroom.settings import Settings
from tests.servers import Postgres, running


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(ImageRow(name="kept.png"))
    database.migrate()
    with database.session(reading=True) as session:
        assert session.scalars(select(ImageRow.name)).all() == ["kept.png"]
    assert set(inspect(database.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_rows_of_every_earlier_version_are_kept(database_url: str) -> None:
    database = Database(database_url)
    _migrate(database, "0001")
    with database.engine.begin() as connection:
        old = MetaData()
        old.reflect(connection)
        moment = datetime.now(UTC)
        for name in ("images", "batches", "jobs", "results"):
            connection.execute(insert(old.tables[name]).values(**_filled(old.tables[name], moment)))
    database.migrate()
    with database.session(reading=True) as session:
        job, batch = session.scalars(select(JobRow)).one(), session.scalars(select(BatchRow)).one()
        assert (job.idempotency_key, job.fingerprint, job.finished) == ("words", None, moment)
        assert (batch.idempotency_key, batch.fingerprint) == ("words", None)
        assert session.scalars(select(ImageRow.name)).all() == ["words"]
    _migrate(database, "0001", back=True)
    database.migrate()
    with database.session(reading=True) as session:
        assert session.scalars(select(JobRow.id)).one() == job.id
    database.close()


def _migrate(database: Database, revision: str, *, back: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, revision)


def _filled(table: Table, moment: datetime) -> dict[str, Any]:
    """A row with something in every column."""
    kinds: list[tuple[type[Any], Any]] = [(DateTime, moment), (Boolean, True), (Integer, 1), (Float, 0.5), (JSON, {})]
    return {
        column.name: next((value for kind, value in kinds if isinstance(column.type, kind)), "words")
        for column in table.columns
    }


def test_several_may_start_at_once(database_url: str) -> None:
    wrong: list[Exception] = []

    def start() -> None:
        try:
            database = Database(database_url)
            database.migrate()
            database.close()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_times_keep_their_meaning(database: Database) -> None:
    rome = timezone(timedelta(hours=1))
    with database.session() as session:
        session.add(ImageRow(name="a", created=datetime(2026, 11, 20, 13, tzinfo=rome)))
    with database.session(reading=True) as session:
        found = session.scalars(select(ImageRow)).one()
        assert found.created == datetime(2026, 11, 20, 12, tzinfo=UTC)
        assert found.created.tzinfo is UTC
    with pytest.raises(DatabaseFailed, match="time zone"), database.session() as session:
        session.add(ImageRow(name="b", created=datetime(2026, 11, 20)))


def test_an_error_takes_everything_back(database: Database) -> None:
    def half_done() -> None:
        with database.session() as session:
            session.add(ImageRow(name="a"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with pytest.raises(DatabaseFailed), database.session() as session:
        session.add(VersionRow(image_id="nobody", number=0, digest="", bytes=0, format="png", width=1, height=1))
    with database.session(reading=True) as session:
        assert session.scalars(select(ImageRow)).all() == []


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.session() as writing:
        writing.add(ImageRow(name="a"))
        writing.flush()
        with database.session(reading=True) as session:
            assert session.scalars(select(ImageRow)).all() == []


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.sqlite3").write_bytes(b"no database at all, for sure" * 100)
    broken = Database(f"sqlite:///{tmp_path}/broken.sqlite3")
    with pytest.raises(DatabaseFailed, match=r"broken\.sqlite3"):
        broken.check()
    with pytest.raises(DatabaseFailed, match="could not be brought up to date"):
        broken.migrate()


def from_settings(url: str, **changes: object) -> Database:
    return Database.from_settings(Settings().with_changes({"database.url": url, **changes}))


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgresql+psycopg://me:word@192.168.7.7/jobs", [("192.168.7.7", 5432)]),
        (
            "postgresql+psycopg://me@/jobs?host=192.168.7.7:6000&host=192.168.7.8:6001",
            [("192.168.7.7", 6000), ("192.168.7.8", 6001)],
        ),
        ("postgresql+psycopg://me@127.0.0.1:6000/jobs", []),
        ("postgresql+psycopg:///jobs?host=/run/postgresql", []),
        ("postgresql+psycopg:///jobs", []),
    ],
)
def test_a_database_in_the_network_is_written_down(url: str, places: list[tuple[str, int]]) -> None:
    from_settings(url)
    found = list(Ledger(Settings().egress.ledger).entries())
    assert [(entry.host, entry.port) for entry in found] == places
    assert {entry.purpose for entry in found} <= {"database"}
    assert "word" not in str(found)


def test_a_database_in_the_network_needs_the_owners_leave(tmp_path: Path) -> None:
    url = "postgresql+psycopg://me:word@192.168.7.7/jobs"
    with pytest.raises(OfflineRefused, match="offline"):
        from_settings(url, offline=True)
    with pytest.raises(EgressRefused, match="database"):
        from_settings(url, **{"egress.database": False})
    with pytest.raises(AddressRefused, match="does not encrypt"):
        from_settings("postgresql+psycopg://me@8.8.8.8/jobs")
    from_settings("postgresql+psycopg://me@8.8.8.8/jobs?sslmode=verify-full")
    from_settings(f"sqlite:///{tmp_path}/a.sqlite3", offline=True).check()


def test_an_address_that_is_none() -> None:
    for url in ("nonsense", "mysql+nothing://host/name"):
        with pytest.raises(ConfigurationError, match=r"database\.url"):
            Database(url)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r"darkroom-studio\[scale\]"):
        Database("postgresql+psycopg://me@127.0.0.1/jobs")


def test_a_server_that_is_started_again_is_found_again() -> None:
    """One of its own, since others use that of the session."""
    with running(Postgres) as server:
        database = Database(server.new_database())
        database.migrate()
        server.kill()
        with pytest.raises(DatabaseFailed, match="failed"):
            database.check()
        server.start()
        database.check()
        database.close()
