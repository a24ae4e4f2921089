"""One leased job, from its lease to its end, while what it stands on fails: the database, the disk, the bucket."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.jobs.conftest import HALF, SLOW, House, png, read
from tests.storage.conftest import s3_server, s3_settings
from tests.storage.flaky import Flaky
from tests.storage.s3_server import S3Server

from darkroom import codecs
from darkroom.database import connection
from darkroom.errors import (
    AddressRefused,
    CorruptImage,
    DarkroomError,
    DownloadInterrupted,
    Infected,
    OfflineRefused,
    ScannerUnavailable,
    StorageFailed,
)
from darkroom.image import Encoding, Image
from darkroom.jobs import carrying, store
from darkroom.jobs.carrying import Means, holder_name, may_pass, process
from darkroom.jobs.claims import ClaimedStorage
from darkroom.jobs.dispatcher import Dispatcher
from darkroom.jobs.results import Results
from darkroom.jobs.store import NewJob
from darkroom.jobs.worker import WorkerPool
from darkroom.settings import Settings
from darkroom.storage import build

__all__ = ["s3_server"]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(Settings()) as pool:
        yield pool


@pytest.mark.parametrize("error", [DownloadInterrupted("busy"), StorageFailed("full"), ScannerUnavailable("away")])
def test_what_may_pass(error: DarkroomError) -> None:
    assert may_pass(error)


@pytest.mark.parametrize(
    "error", [OfflineRefused("offline"), AddressRefused("private"), CorruptImage("broken"), Infected("virus")]
)
def test_what_cannot(error: DarkroomError) -> None:
    assert not may_pass(error)


def test_the_lease_is_longer_than_what_renews_it_and_names_fit_the_table() -> None:
    assert carrying.LEASE_SECONDS > 5 * carrying.RENEW_SECONDS
    names = {holder_name("light-12") for _ in range(100)}
    assert len(names) == 100
    assert max(len(name) for name in names) <= 64


def test_a_job_that_makes_no_sense_fails_and_harms_nobody(house: House, pool: WorkerPool) -> None:
    means = Means(Settings(), house.store, house.storage)
    house.submit(png(), [{"type": "no such operation"}])
    house.store.submit(NewJob(source="0" * 64, operations=HALF))
    house.submit(png(), encoding={"format": 7})
    for code in ("unknown_operation", "file_missing", "error"):
        row = house.store.lease(["light"], "one", 60)
        assert row is not None
        process(row, "one", means, pool)
        failed = house.store.get(row.id)
        assert failed.error is not None
        assert (failed.state, failed.error["code"]) == ("failed", code)


def test_work_stops_where_the_lease_is_lost(house: House, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "RENEW_SECONDS", 0.1)
    job = house.submit(png(side=1500), SLOW)
    row = house.store.lease(["light"], "one", 60)
    assert row is not None
    working = threading.Thread(target=process, args=(row, "one", Means(Settings(), house.store, house.storage), pool))
    working.start()
    with house.database.session() as session:
        session.merge(row).holder = "another"
    working.join(20)
    assert not working.is_alive()
    assert house.store.get(job).holder == "another", "and it is left to them"


@pytest.mark.parametrize("moment", ["looked up", "made", "stored", "kept"])
def test_a_database_that_is_locked_for_a_while_is_waited_for(
    house: House, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """SQLite, held by another program for longer than Darkroom waits at once, from some moment of a job on."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    house = House(house.folder)
    storage = ClaimedStorage(house.storage, house.database, house.folder / "spool")
    means = Means(Settings(), house.store, storage)
    other = sqlite3.connect(house.folder / "darkroom.sqlite3", isolation_level=None, check_same_thread=False)
    freed: list[threading.Timer] = []

    def lock() -> None:
        if not freed:
            other.execute("BEGIN IMMEDIATE")
            freed.append(threading.Timer(1.0, other.execute, ["ROLLBACK"]))
            freed[0].start()

    owner, name = {
        "looked up": (Results, "find"), "made": (WorkerPool, "submit"),
        "stored": (ClaimedStorage, "put"), "kept": (Results, "keep"),
    }[moment]  # fmt: skip
    usual = getattr(owner, name)

    def locked(*arguments: object, **named: object) -> object:
        lock()
        return usual(*arguments, **named)

    job = house.submit(png())
    row = house.store.lease(["light"], "one", 60)
    assert row is not None
    monkeypatch.setattr(owner, name, locked)
    process(row, "one", means, pool)
    freed[0].join()
    done = house.store.get(job)
    assert (done.state, done.attempts) == ("completed", 1), "what was made is not thrown away"
    other.close()


def test_nothing_is_accepted_while_the_database_is_locked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    house = House(house.folder)
    dispatcher = Dispatcher(Settings(), house.store, house.storage, heavy=0)
    dispatcher.start()
    try:
        other = sqlite3.connect(house.folder / "darkroom.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DarkroomError, match="locked"):
            house.submit(png())
        other.execute("ROLLBACK")
        other.close()
        assert house.ended(house.submit(png())) == ["completed"], "and it goes on without a new start"
    finally:
        dispatcher.stop()


FULL = """
import resource, signal, sys
from pathlib import Path
from darkroom.database.connection import Database
from darkroom.jobs.carrying import Means, process
from darkroom.jobs.claims import ClaimedStorage
from darkroom.jobs.store import JobStore
from darkroom.jobs.worker import WorkerPool
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage

folder = Path(sys.argv[1])
store, storage = JobStore(Database(f"sqlite:///{folder}/darkroom.sqlite3")), LocalStorage(folder / "files")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with WorkerPool(Settings()) as pool:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    process(store.lease(["light"], "one", 60), "one", Means(Settings(), store, storage), pool)
    print(store.listed()[0].state, store.listed()[0].error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    row = store.lease(["light"], "one", 60)
    process(row, "one", Means(Settings(), store, storage), pool)
    print(store.get(row.id).state)
"""


def test_a_disk_that_is_full_for_a_while_costs_an_attempt(house: House) -> None:
    """The system refuses to write more than a million bytes into a file: the result has a few more."""
    flat = codecs.encode(Image.from_array(np.zeros((600, 600, 3), np.uint8)), Encoding(format="png"), warnings=[])
    job = house.submit(flat.data, [], encoding={"format": "bmp"})
    done = subprocess.run(
        [sys.executable, "-c", f"from darkroom.jobs import store; store.FIRST_PAUSE = 0.0\n{FULL}", str(house.folder)],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("pending {'code': 'storage'"), done.stderr
    assert "File too large" in first
    assert second == "completed"
    assert house.store.get(job).attempts == 2
    assert list((house.folder / "files" / "partial").iterdir()) == []


def test_a_bucket_that_fails_half_the_time_is_asked_again(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With hardly any of the storage's own repetitions, so that it is the jobs which are tried again."""
    monkeypatch.setattr(store, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(store, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(store, "MOST_ATTEMPTS", 30)
    chance, flaky = random.Random(3), Flaky()
    with flaky.before(s3_server.endpoint):
        settings = s3_settings(s3_server, tmp_path, endpoint=flaky.endpoint, retries=1)
        house = House(tmp_path, storage=build(settings))
        jobs = [house.submit(png(number)) for number in range(4)]
        flaky.decide = lambda asked: 503 if chance.random() < 0.5 else "pass"
        dispatcher = Dispatcher(settings, house.store, house.storage, heavy=0)
        dispatcher.start()
        assert house.ended(*jobs) == ["completed"] * len(jobs)
        flaky.decide = lambda asked: "pass"
        dispatcher.stop()
        assert sum(house.store.get(job).attempts for job in jobs) > len(jobs), "something did fail"
        for job in jobs:
            data = asyncio.run(read(house.storage, house.store.get(job).result or ""))
            assert codecs.decode(data, limits=settings.limits).size == (20, 20)
