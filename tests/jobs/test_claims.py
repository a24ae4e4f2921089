"""A file that is stored again just as it is swept away is not lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.storage.helpers import digest_of, files_in, listed, put, read, run

from darkroom.database.connection import Database
from darkroom.database.schema import ClaimRow, ImageRow, VersionRow, now
from darkroom.jobs.claims import DOOM_SECONDS, ClaimedStorage, build_claimed, claim, spare
from darkroom.jobs.sweeping import Sweeper
from darkroom.settings import Settings
from darkroom.storage import build
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import Storage

CONTENT = b"a picture that somebody had before"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


class Slow(LocalStorage):
    """A folder whose deletions wait, between the decision and the deed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.deciding, self.go_on = threading.Event(), threading.Event()

    async def delete(self, digest: str) -> bool:
        self.deciding.set()
        await asyncio.to_thread(self.go_on.wait, 10)
        return await super().delete(digest)


def sweeping(database: Database, storage: Storage) -> Sweeper:
    """A sweep as a day later: all that is stored now is old enough."""
    sweeper = Sweeper(database, storage, threading.Event())
    run(sweeper.sweep(after=now() - timedelta(days=1), before=now() + timedelta(days=1)))
    return sweeper


def forget_claims(database: Database) -> None:
    with database.session() as session:
        session.query(ClaimRow).delete()


def name(database: Database, digest: str) -> None:
    with database.session() as session:
        image = ImageRow(name="a.png")
        session.add(image)
        session.flush()
        session.add(VersionRow(image_id=image.id, number=0, digest=digest, bytes=9, format="png", width=3, height=2))


def stored_during_a_deletion(database: Database, slow: Slow, storing: Storage) -> str:
    """Store content again after it was decided that its file goes; gives its digest."""
    digest = run(put(slow, CONTENT)).digest
    sweep = threading.Thread(target=sweeping, args=(database, slow))
    sweep.start()
    assert slow.deciding.wait(10)
    store = threading.Thread(target=lambda: run(put(storing, CONTENT)))
    store.start()
    store.join(0.5)
    slow.go_on.set()
    sweep.join()
    store.join()
    name(database, digest)
    return digest


def test_what_is_stored_again_while_it_is_deleted_is_there(database: Database, tmp_path: Path) -> None:
    slow = Slow(tmp_path / "files")
    digest = stored_during_a_deletion(database, slow, ClaimedStorage(slow, database, tmp_path / "spool"))
    assert run(read(slow, digest)) == CONTENT
    with database.session(reading=True) as session:
        assert [row.doomed for row in session.scalars(select(ClaimRow))] == [False]


def test_these_eyes_would_see_it_lost(database: Database, tmp_path: Path) -> None:
    slow = Slow(tmp_path / "files")
    digest = stored_during_a_deletion(database, slow, slow)
    assert run(slow.stat(digest)) is None


def test_what_is_claimed_is_not_swept_before_its_row_is_written(database: Database, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    digest = run(put(ClaimedStorage(storage, database, tmp_path / "spool"), CONTENT)).digest
    assert sweeping(database, storage).swept.files == 0
    forget_claims(database)
    assert sweeping(database, storage).swept.files == 1
    assert run(storage.stat(digest)) is None


def test_the_marks_of_a_sweeper_that_was_killed_mean_nothing_after_a_while(database: Database) -> None:
    digest = digest_of(CONTENT)
    with database.session() as session:
        session.add(ClaimRow(digest=digest, doomed=True))
    assert not claim(database, digest)
    assert claim(database, digest_of(b"other"))
    with database.session() as session:
        for row in session.scalars(select(ClaimRow)):
            row.created = now() - timedelta(seconds=DOOM_SECONDS + 1)
    assert claim(database, digest)
    spare(database, [digest])
    with database.session(reading=True) as session:
        kept = session.scalars(select(ClaimRow.doomed).where(ClaimRow.digest == digest)).all()
        assert kept == [False], "only the mark is taken away"


def test_many_store_again_what_is_being_swept(database: Database, tmp_path: Path) -> None:
    """Four servers store sixty old files again and name them, while two sweep without pause: none is lost."""
    storage = LocalStorage(tmp_path / "files")
    contents = [f"picture {number}".encode() for number in range(60)]
    for content in contents:
        run(put(storage, content))
    done = threading.Event()

    def sweep() -> None:
        own = Database(str(database.url))
        while not done.is_set():
            sweeping(own, LocalStorage(tmp_path / "files"))
        own.close()

    def store(number: int) -> None:
        own = Database(str(database.url))
        claiming = ClaimedStorage(LocalStorage(tmp_path / "files"), own, tmp_path / "spool")
        for content in contents[number::4]:
            name(own, run(put(claiming, content)).digest)
            forget_claims_of(own, digest_of(content))
        own.close()

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    stores = [threading.Thread(target=store, args=(number,)) for number in range(4)]
    for thread in (*sweepers, *stores):
        thread.start()
    for thread in stores:
        thread.join()
    done.set()
    for thread in sweepers:
        thread.join()
    assert set(run(listed(storage))) == {digest_of(content) for content in contents}


def forget_claims_of(database: Database, digest: str) -> None:
    """As if the row had been written a day after."""
    with database.session() as session:
        session.query(ClaimRow).filter_by(digest=digest, doomed=False).delete()


def test_behaves_as_the_storage_that_it_stands_before(database: Database, tmp_path: Path) -> None:
    settings = Settings().with_changes({"storage.folder": tmp_path / "files"})
    storage = build_claimed(settings, database)
    digest = run(put(storage, CONTENT)).digest
    assert files_in(tmp_path / "files") == [tmp_path / "files" / digest[:2] / digest[2:4] / digest]
    assert storage.name == "local"
    assert run(read(storage, digest, 2, 7)) == CONTENT[2:9]
    assert run(listed(storage)) == run(listed(build(settings))) == [digest]
    assert (found := run(storage.stat(digest))) is not None
    assert found.size == len(CONTENT)
    assert run(storage.url(digest, 60, name="a", content_type="image/png")) is None
    assert run(storage.check()) >= 0
    assert run(storage.clean(0)) == 0
    assert run(storage.delete(digest))
    assert run(listed(storage)) == []
