"""The database: made by its migrations, the same as its tables say, and clear where it is not well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from darkroom.database.connection import Database
from darkroom.database.schema import Base, ImageRow, VersionRow
from darkroom.errors import DatabaseFailed


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
