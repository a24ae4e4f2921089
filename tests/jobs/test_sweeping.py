"""Files that no row names go, and no others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from tests.storage.conftest import s3_server, s3_settings  # noqa: F401
from tests.storage.helpers import digest_of, listed, put, run
from tests.storage.s3_server import S3Server

from darkroom.database.connection import Database
from darkroom.database.schema import ClaimRow, ImageRow, JobRow, ResultRow, VersionRow, now
from darkroom.errors import StorageFailed
from darkroom.jobs import sweeping
from darkroom.jobs.sweeping import Sweeper
from darkroom.storage import build
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import Storage


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def sweep(
    database: Database,
    storage: Storage,
    *,
    after: datetime | None = None,
    before: datetime | None = None,
    dry_run: bool = False,
) -> Sweeper:
    """As a day later, where nothing else is said."""
    sweeper = Sweeper(database, storage, threading.Event(), dry_run=dry_run)
    day = timedelta(days=1)
    run(sweeper.sweep(after=after or now() - day, before=before or now() + day))
    return sweeper


def version(session: Session, digest: str) -> None:
    image = ImageRow(name="a.png")
    session.add(image)
    session.flush()
    session.add(VersionRow(image_id=image.id, number=0, digest=digest, bytes=9, format="png", width=3, height=2))


NAMES: dict[str, Callable[[Session, str], None]] = {
    "a version": version,
    "a job's source": lambda session, digest: session.add(JobRow(source=digest, operations=[])),
    "a job's result": lambda session, digest: session.add(JobRow(result=digest, operations=[])),
    "a job's mask": lambda session, digest: session.add(
        JobRow(operations=[], pictures={"m": digest_of(b""), "n": digest})
    ),
    "a kept result": lambda session, digest: session.add(
        ResultRow(key="k", source="", digest=digest, bytes=9, format="png", width=3, height=2, report={})
    ),
    "another sweeper's mark": lambda session, digest: session.add(ClaimRow(digest=digest, doomed=True)),
    "a claim": lambda session, digest: session.add(ClaimRow(digest=digest)),
}


@pytest.mark.parametrize("what", NAMES)
def test_what_is_named_stays(what: str, database: Database, storage: LocalStorage) -> None:
    wanted, unwanted = run(put(storage, b"wanted")).digest, run(put(storage, b"unwanted"))
    with database.session() as session:
        NAMES[what](session, wanted)
        session.add_all(JobRow(operations=[]) for _ in range(3))
    swept = sweep(database, storage).swept
    assert (swept.files, swept.bytes) == (1, unwanted.size)
    assert run(listed(storage)) == [wanted]


@pytest.mark.parametrize(
    ("state", "deleted", "kept"),
    [
        ("pending", False, ["mask", "result", "source"]),
        ("pending", True, ["mask", "source"]),
        ("failed", False, ["mask", "result", "source"]),
        ("failed", True, []),
        ("completed", False, ["result"]),
        ("completed", True, []),
    ],
)
def test_a_job_keeps_what_it_may_need_and_what_came_of_it_as_long_as_its_picture_is_there(
    state: str, deleted: bool, kept: list[str], database: Database, storage: LocalStorage
) -> None:
    named = {name: run(put(storage, name.encode())).digest for name in ("source", "result", "mask")}
    with database.session() as session:
        image = ImageRow(name="a.png", deleted=now() if deleted else None)
        session.add(image)
        session.flush()
        job = JobRow(image_id=image.id, state=state, source=named["source"], result=named["result"], operations=[])
        job.pictures, job.finished = {"m": named["mask"]}, None if state == "pending" else now()
        session.add(job)
    sweep(database, storage)
    assert set(run(listed(storage))) == {named[name] for name in kept}


def test_what_is_young_stays_and_what_was_there_before_the_database_too(
    database: Database, storage: LocalStorage
) -> None:
    """A server that is started with an empty database by mistake must not empty the storage of another one."""
    digest = run(put(storage, b"content")).digest
    assert sweep(database, storage, before=now() - timedelta(hours=1)).swept.files == 0
    assert sweep(database, storage, after=now() + timedelta(hours=1)).swept.files == 0
    assert run(listed(storage)) == [digest]


def test_a_dry_run_counts_and_leaves(database: Database, storage: LocalStorage) -> None:
    kept = run(put(storage, b"a mask")).digest
    with database.session() as session:
        NAMES["a job's mask"](session, kept)
    run(put(storage, b"unwanted"))
    swept = sweep(database, storage, dry_run=True).swept
    assert (swept.files, swept.bytes) == (1, 8)
    assert len(run(listed(storage))) == 2


@pytest.mark.parametrize("chunk", [1, 3, 7, 20])
def test_chunk_by_chunk(chunk: int, database: Database, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "CHUNK", chunk)
    digests = [run(put(storage, bytes([number]))).digest for number in range(14)]
    with database.session() as session:
        for digest in digests[::2]:
            version(session, digest)
    assert sweep(database, storage).swept.files == 7
    assert set(run(listed(storage))) == set(digests[::2])


def test_what_there_was_no_time_for_is_looked_up_once_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No deletion is begun long after it was decided: one that was wanted again meanwhile stays."""

    class Slow(LocalStorage):
        async def delete(self, digest: str) -> bool:
            await asyncio.sleep(0.05)
            if not wanted:
                wanted.extend(sorted(digests - {digest})[-1:])
                with database.session() as session:
                    version(session, wanted[0])
            return await super().delete(digest)

    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    monkeypatch.setattr(sweeping, "BEGIN_SECONDS", 0.02)
    storage = Slow(tmp_path / "files")
    digests = {run(put(storage, bytes([number]))).digest for number in range(5)}
    wanted: list[str] = []
    assert sweep(database, storage).swept.files == 4
    assert run(listed(storage)) == wanted
    with database.session(reading=True) as session:
        assert session.query(ClaimRow).count() == 0


def test_a_storage_that_fails_ends_the_sweep_and_its_marks_stay_for_what_may_still_happen(
    database: Database, tmp_path: Path
) -> None:
    class Failing(LocalStorage):
        async def delete(self, digest: str) -> bool:
            raise StorageFailed("The bucket is away.")

    storage = Failing(tmp_path / "files")
    for number in range(20):
        run(put(storage, bytes([number])))
    with pytest.raises(StorageFailed):
        sweep(database, storage)
    assert len(run(listed(storage))) == 20
    with database.session(reading=True) as session:
        assert session.query(ClaimRow).count() == sweeping.AT_ONCE


def test_who_is_to_stop_stops(database: Database, storage: LocalStorage) -> None:
    run(put(storage, b"unwanted"))
    stopping = threading.Event()
    stopping.set()
    sweeper = Sweeper(database, storage, stopping)
    run(sweeper.sweep(after=now() - timedelta(days=1), before=now() + timedelta(days=1)))
    assert sweeper.swept.files == 0


@pytest.mark.parametrize("kind", ["s3", "both"])
def test_buckets_are_swept_too(kind: str, s3_server: S3Server, database: Database, tmp_path: Path) -> None:  # noqa: F811
    storage = build(s3_settings(s3_server, tmp_path, kind))
    wanted = run(put(storage, b"wanted")).digest
    run(put(storage, b"unwanted"))
    with database.session() as session:
        version(session, wanted)
    assert sweep(database, storage).swept.files == 1
    assert run(listed(storage)) == [wanted]
