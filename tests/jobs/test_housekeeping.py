"""Housekeeping: what is too old goes, on one server at a time, and nothing else does.

Time is given by the test; files and databases are real. About 3 seconds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.storage.helpers import digest_of, files_in, listed, put, run

from darkroom.database.connection import Database
from darkroom.database.leases import Lease
from darkroom.database.schema import (
    Base,
    BatchRow,
    ClaimRow,
    DeliveryRow,
    ImageRow,
    JobRow,
    LeaseRow,
    ResultRow,
    VersionRow,
    now,
)
from darkroom.jobs.dispatcher import Dispatcher
from darkroom.jobs.housekeeping import LEASE_SECONDS, NAME, Cleaned, Housekeeping
from darkroom.jobs.retention import CHUNK
from darkroom.jobs.store import JobStore
from darkroom.settings import Settings
from darkroom.storage.both import BothStorage
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import Stored

DAY = timedelta(days=1)


class Clock:
    """The time, which passes as the test says: files and rows that are made now grow old by it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings().with_changes({"storage.folder": tmp_path / "files", "storage.spool": tmp_path / "spool"})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.storage.folder)


def clean(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock, *, dry_run: bool = False
) -> Cleaned:
    cleaned = Housekeeping(settings, database, storage, clock=clock).run_once(dry_run=dry_run)
    assert cleaned is not None
    return cleaned


def keep(database: Database, *rows: Base) -> None:
    with database.session() as session:
        session.add_all(rows)


def count(database: Database, kind: type[Base]) -> int:
    with database.session(reading=True) as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def picture(database: Database, storage: LocalStorage, content: bytes, deleted: datetime | None = None) -> str:
    """A picture with one version; gives the digest."""
    stored = run(put(storage, content))
    with database.session() as session:
        image = ImageRow(name="a.png", deleted=deleted)
        session.add(image)
        session.flush()
        session.add(
            VersionRow(
                image_id=image.id, number=0, digest=stored.digest, bytes=stored.size, format="png", width=3, height=2
            )
        )
    return stored.digest


# --- what goes, and when ---------------------------------------------------------------------------------------------


def test_pictures_go_after_their_days_and_their_files_with_them(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    settings = settings.with_changes({"retention.image_days": 10})
    picture(database, storage, b"old")
    clock.ahead = timedelta(days=9.9)
    assert clean(settings, database, storage, clock) == Cleaned()
    clock.ahead = timedelta(days=10.1)
    cleaned = clean(settings, database, storage, clock)
    assert (cleaned.forgotten.pictures, cleaned.forgotten.versions, cleaned.swept.files) == (1, 1, 1)
    assert files_in(storage.folder) == []
    with database.session(reading=True) as session:
        assert session.scalars(select(ImageRow.deleted)).one() is not None, "who asks is told that it is deleted"
    clock.ahead += 1.1 * DAY
    assert clean(settings, database, storage, clock) == Cleaned()
    assert count(database, ImageRow) == 0


def test_without_days_pictures_stay_for_ever(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    digest = picture(database, storage, b"old")
    clock.ahead = timedelta(days=5000)
    assert clean(settings, database, storage, clock) == Cleaned()
    assert run(listed(storage)) == [digest]


def test_what_somebody_has_deleted_goes_with_its_versions_but_not_what_another_picture_shares(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    picture(database, storage, b"deleted", deleted=now())
    picture(database, storage, b"shared", deleted=now())
    shared = picture(database, storage, b"shared")
    clock.ahead = 2 * DAY
    cleaned = clean(settings, database, storage, clock)
    assert (cleaned.forgotten.pictures, cleaned.forgotten.versions, cleaned.swept.files) == (0, 2, 1)
    assert run(listed(storage)) == [shared]
    assert count(database, ImageRow) == 1


def test_of_a_deleted_picture_nothing_is_left_but_its_jobs_words(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    """Its versions, the results of its jobs, and what was made of its files and kept, also by who only looked."""
    given, made, looked, shared, copy = (run(put(storage, c)).digest for c in (b"0", b"1", b"2", b"shared", b"3"))
    result = {"bytes": 1, "format": "png", "width": 3, "height": 2}
    keep(database, ImageRow(id="i", name="a.png"), ImageRow(id="other", name="b.png"))
    keep(
        database,
        *(
            VersionRow(image_id="i", number=n, digest=digest, **result)
            for n, digest in enumerate([given, made, shared])
        ),
        VersionRow(image_id="other", number=0, digest=shared, **result),
        JobRow(image_id="i", state="completed", finished=now(), source=given, result=made, operations=[]),
        JobRow(image_id="i", state="failed", finished=now(), source=made, operations=[]),
        ResultRow(key="of the job", source=given, digest=made, report={}, **result),
        ResultRow(key="a thumbnail", source=made, digest=looked, report={}, **result),
        ResultRow(key="of both", source=shared, digest=copy, report={}, **result),
    )
    clock.ahead = 1.1 * DAY
    assert clean(settings, database, storage, clock) == Cleaned()
    with database.session() as session:
        session.get_one(ImageRow, "i").deleted = now()
    expected = clean(settings, database, storage, clock, dry_run=True).forgotten
    cleaned = clean(settings, database, storage, clock)
    assert (cleaned.forgotten.versions, cleaned.forgotten.results, cleaned.swept.files) == (3, 2, 3)
    assert expected == cleaned.forgotten
    assert set(run(listed(storage))) == {shared, copy}, "what another picture has, and what was made of it"
    assert count(database, JobRow) == 2


def test_a_picture_that_was_never_fetched_goes_with_its_job(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    keep(
        database,
        ImageRow(id="failed", name="a.png"),
        ImageRow(id="coming", name="b.png"),
        JobRow(image_id="failed", state="failed", finished=now(), operations=[]),
        JobRow(image_id="coming", state="scanning", operations=[]),
    )
    clock.ahead = 29 * DAY
    clean(settings, database, storage, clock)
    assert count(database, ImageRow) == 2, "the job may be done again"
    clock.ahead = 31 * DAY
    clean(settings, database, storage, clock)
    with database.session(reading=True) as session:
        assert session.scalars(select(ImageRow.id)).all() == ["coming"]


def test_a_deleted_picture_keeps_its_row_as_long_as_a_job_may_add_to_it(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    keep(database, ImageRow(id="i", name="a.png", deleted=now()), JobRow(id="j", image_id="i", operations=[]))
    clock.ahead = 5 * DAY
    clean(settings, database, storage, clock)
    assert count(database, ImageRow) == 1
    with database.session() as session:
        session.delete(session.get_one(JobRow, "j"))
    clean(settings, database, storage, clock)
    assert count(database, ImageRow) == 0


def test_jobs_go_with_messages_and_batches_after_their_days(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    source, result = (run(put(storage, content)).digest for content in (b"source", b"result"))
    keep(
        database,
        BatchRow(id="ended"),
        BatchRow(id="open"),
        JobRow(id="done", batch_id="ended", state="completed", finished=now(), source=source, result=result,
               operations=[]),
        JobRow(id="half", batch_id="open", state="completed", finished=now(), operations=[]),
        JobRow(id="waits", batch_id="open", operations=[], pictures={"mask": source}),
        DeliveryRow(event="job.completed", url="", body="", state="delivered", finished=now()),
        DeliveryRow(id="due", event="job.completed", url="", body=""),
    )  # fmt: skip
    clock.ahead = 29 * DAY
    assert clean(settings, database, storage, clock) == Cleaned()
    clock.ahead = 31 * DAY
    expected = clean(settings, database, storage, clock, dry_run=True).forgotten
    cleaned = clean(settings, database, storage, clock)
    forgotten = cleaned.forgotten
    assert (forgotten.jobs, forgotten.messages, forgotten.batches) == (2, 1, 1)
    assert expected == forgotten
    assert run(listed(storage)) == [source], "another job still has it as a mask"
    with database.session(reading=True) as session:
        assert session.scalars(select(JobRow.id)).all() == ["waits"]
        assert session.scalars(select(BatchRow.id)).all() == ["open"]
        assert session.scalars(select(DeliveryRow.id)).all() == ["due"]


def test_where_jobs_have_no_days_they_stay(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    keep(database, BatchRow(), JobRow(state="failed", finished=now(), operations=[]))
    clock.ahead = timedelta(days=5000)
    forever = Settings(**settings.model_dump() | {"retention": {"job_days": None}})
    assert clean(forever, database, storage, clock) == Cleaned()
    assert (count(database, JobRow), count(database, BatchRow)) == (1, 1)


def test_kept_results_go_when_nobody_has_asked_for_a_week(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    about = {"source": "", "bytes": 9, "format": "png", "width": 3, "height": 2, "report": {}}
    idle, used = (run(put(storage, content)).digest for content in (b"idle", b"used"))
    keep(
        database,
        ResultRow(key="idle", digest=idle, **about),
        ResultRow(key="used", digest=used, used=now() + 3 * DAY, **about),
    )
    clock.ahead = 8 * DAY
    cleaned = clean(settings, database, storage, clock)
    assert (cleaned.forgotten.results, cleaned.swept.files) == (1, 1)
    assert run(listed(storage)) == [used]


def test_old_claims_are_forgotten(settings: Settings, database: Database, storage: LocalStorage, clock: Clock) -> None:
    keep(database, ClaimRow(digest=digest_of(b"")), ClaimRow(digest=digest_of(b""), doomed=True))
    clean(settings, database, storage, clock)
    assert count(database, ClaimRow) == 2
    clock.ahead = 1.1 * DAY
    clean(settings, database, storage, clock)
    assert count(database, ClaimRow) == 0


def test_more_rows_than_one_transaction_takes(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    keep(database, *(DeliveryRow(event="e", url="", body="", finished=now()) for _ in range(2 * CHUNK + 1)))
    clock.ahead = 31 * DAY
    assert clean(settings, database, storage, clock).forgotten.messages == 2 * CHUNK + 1
    assert count(database, DeliveryRow) == 0


def test_a_dry_run_deletes_nothing(settings: Settings, database: Database, storage: LocalStorage, clock: Clock) -> None:
    settings = settings.with_changes({"retention.image_days": 10})
    kept = picture(database, storage, b"too old")
    loose = run(put(storage, b"nobody's")).digest
    clock.ahead = 11 * DAY
    cleaned = clean(settings, database, storage, clock, dry_run=True)
    assert (cleaned.forgotten.pictures, cleaned.forgotten.versions, cleaned.swept.files) == (1, 1, 1)
    assert set(run(listed(storage))) == {kept, loose}
    with database.session(reading=True) as session:
        assert session.scalars(select(ImageRow.deleted)).all() == [None]
        assert session.get_one(LeaseRow, NAME).done is None


def test_what_uploads_have_left_behind_goes(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    for folder in (storage.partial, settings.storage.spool):
        folder.mkdir(parents=True)
        for name, hours in (("old.partial", 25), ("young.partial", 23)):
            (folder / name).write_bytes(b"half")
            then = now().timestamp() - hours * 3600
            os.utime(folder / name, (then, then))
    assert clean(settings, database, storage, clock).leftovers == 2
    assert [path.name for path in files_in(storage.partial)] == ["young.partial"]


def test_of_two_storages_one_gets_what_it_lacks(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock, tmp_path: Path
) -> None:
    other = LocalStorage(tmp_path / "other")
    digest = picture(database, storage, b"only here")
    both = BothStorage(storage, other, settings.storage.spool)
    cleaned = Housekeeping(settings, database, both, clock=clock).run_once()
    assert cleaned is not None
    assert cleaned.repaired == 1
    assert run(listed(other)) == [digest]


def test_a_storage_that_fails_does_not_keep_the_rows(
    settings: Settings, database: Database, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "files").write_bytes(b"no folder")
    keep(database, JobRow(state="failed", finished=now(), operations=[]))
    clock.ahead = 31 * DAY
    cleaned = clean(settings, database, LocalStorage(tmp_path / "files"), clock)
    assert cleaned.forgotten.jobs == 1
    assert cleaned.problems
    assert str(tmp_path / "files") in cleaned.problems[0]


# --- one at a time, every hour ---------------------------------------------------------------------------------------


class Waiting(LocalStorage):
    """A storage whose list waits."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.go_on = threading.Event(), threading.Event()

    async def list(self) -> AsyncGenerator[Stored]:
        self.begun.set()
        self.go_on.wait(10)
        return
        yield  # pyright: ignore[reportUnreachable]


def test_one_server_at_a_time(settings: Settings, database: Database, storage: LocalStorage, clock: Clock) -> None:
    waiting = Waiting(storage.folder)
    first = threading.Thread(target=Housekeeping(settings, database, waiting, clock=clock).run_once)
    first.start()
    assert waiting.begun.wait(10)
    second = Housekeeping(settings, database, storage, clock=clock)
    assert second.run_once() is None
    assert second.run_once(dry_run=True) is not None, "looking is always possible"
    waiting.go_on.set()
    first.join()
    assert second.run_once() is not None


def test_a_server_that_is_killed_at_it_holds_nobody_up_for_ever(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    assert Lease(database, NAME, LEASE_SECONDS, clock=clock).take()
    house = Housekeeping(settings, database, storage, clock=clock)
    assert house.run_once() is None
    clock.ahead = timedelta(seconds=LEASE_SECONDS + 1)
    assert house.run_once() is not None


def test_once_an_hour_among_all_servers(
    settings: Settings, database: Database, storage: LocalStorage, clock: Clock
) -> None:
    houses = [Housekeeping(settings, database, storage, clock=clock) for _ in range(3)]
    hour = timedelta(hours=1)
    assert [house.run_once(unless_done_since=clock() - hour) is not None for house in houses] == [True, False, False]
    clock.ahead = hour + timedelta(seconds=1)
    assert [house.run_once(unless_done_since=clock() - hour) is not None for house in houses] == [True, False, False]


def test_of_many_that_begin_at_once_one_has_the_lease(database: Database) -> None:
    together, taken = threading.Barrier(8), list[bool]()

    def take() -> None:
        own = Database(str(database.url))
        lease = Lease(own, NAME, 60)
        together.wait()
        taken.append(lease.take())
        own.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_dispatcher_does_it_and_stops(settings: Settings, database: Database, storage: LocalStorage) -> None:
    waiting = Waiting(storage.folder)
    house = Housekeeping(settings, database, waiting)
    dispatcher = Dispatcher(settings, JobStore(database), storage, light=0, heavy=0, clean_up=house.look)
    dispatcher.start()
    assert waiting.begun.wait(10)
    house.stop()
    waiting.go_on.set()
    dispatcher.stop()
    assert Lease(database, NAME, 60).take(), "given back"
