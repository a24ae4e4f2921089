"""The dispatcher: real jobs on real pictures by real worker processes, killed in the middle of it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request as Asked
from werkzeug import Response

from darkroom import codecs
from darkroom.database.connection import Database
from darkroom.database.schema import ImageRow, VersionRow
from darkroom.errors import CorruptImage, DownloadInterrupted, OfflineRefused
from darkroom.image import Encoding, Image
from darkroom.intake import Intake
from darkroom.jobs import carrying
from darkroom.jobs.carrying import may_pass
from darkroom.jobs.dispatcher import Dispatcher, lane_of
from darkroom.jobs.store import DONE, JobStore, NewJob
from darkroom.ledger import Ledger
from darkroom.pipeline import Pipeline
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage

HALF: list[dict[str, Any]] = [{"type": "resize", "scale": 0.5}]


def png(seed: int = 0, side: int = 40) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    return codecs.encode(Image.from_array(pixels), Encoding(format="png"), warnings=[]).data


async def whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def read(storage: LocalStorage, digest: str) -> bytes:
    return b"".join([piece async for piece in await storage.open(digest)])


class House:
    """A database, a storage and a dispatcher of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/darkroom.sqlite3"
        self.database = Database(self.url)
        self.database.migrate()
        self.store = JobStore(self.database)
        self.storage = LocalStorage(folder / "files")

    def keep(self, data: bytes) -> str:
        return asyncio.run(self.storage.put(whole(data), most=None)).digest

    def submit(self, data: bytes, operations: list[dict[str, Any]] | None = None, **more: Any) -> str:
        new = NewJob(source=self.keep(data), operations=HALF if operations is None else operations, **more)
        return self.store.submit(new)[0].id

    def ended(self, *jobs: str, seconds: float = 60) -> list[str]:
        """The states of these jobs, once all are at their end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            states = [self.store.get(job).state for job in jobs]
            if all(state in DONE for state in states):
                return states
            time.sleep(0.05)
        raise AssertionError(f"still {states}")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def working(house: House) -> Iterator[Dispatcher]:
    settings = Settings()
    dispatcher = Dispatcher(settings, house.store, house.storage, intake=Intake(settings, house.storage, scanner=None))
    dispatcher.start()
    yield dispatcher
    dispatcher.stop()


def test_a_job_becomes_a_file_a_report_and_a_version(house: House, working: Dispatcher) -> None:
    with house.database.session() as session:
        image = ImageRow(name="a.png")
        session.add(image)
        session.flush()
    job = house.submit(png(), image_id=image.id, name="a.png", encoding={"format": "webp"})
    working.wake()
    assert house.ended(job) == ["completed"]
    row = house.store.get(job)
    assert row.report is not None
    assert row.report["output"]["format"] == "webp"
    assert row.report["input"]["name"] == "a.png"
    result = asyncio.run(read(house.storage, row.result or ""))
    assert codecs.decode(result, limits=Settings().limits).size == (20, 20)
    with house.database.session(reading=True) as session:
        version = session.scalars(select(VersionRow)).one()
        assert (version.image_id, version.digest, version.width, version.format) == (image.id, row.result, 20, "webp")


def test_a_picture_named_by_an_address_is_fetched_first(
    house: House, working: Dispatcher, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/shop/a.png").respond_with_data(png(), content_type="image/png")
    with house.database.session() as session:
        image = ImageRow(name="a.png")
        session.add(image)
        session.flush()
    url = httpserver.url_for("/shop/a.png")
    row, _ = house.store.submit(NewJob(source="", source_url=url, operations=HALF, image_id=image.id))
    assert row.state == "scanning"
    working.wake([row])
    assert house.ended(row.id) == ["completed"]
    with house.database.session(reading=True) as session:
        versions = session.scalars(select(VersionRow).order_by(VersionRow.number)).all()
        assert [(version.number, version.width) for version in versions] == [(0, 40), (1, 20)]
        assert versions[0].digest == house.store.get(row.id).source
    assert [entry.job for entry in Ledger(Settings().egress.ledger).entries(purpose="source")] == [row.id]


@pytest.mark.parametrize(
    ("path", "code"), [("http://169.254.169.254/a.png", "address_refused"), ("/text", "unsupported_format")]
)
def test_what_may_not_come_in_fails_for_good(
    house: House, working: Dispatcher, httpserver: HTTPServer, path: str, code: str
) -> None:
    httpserver.expect_request("/text").respond_with_data("no picture")
    url = path if "://" in path else httpserver.url_for(path)
    row, _ = house.store.submit(NewJob(source="", source_url=url, operations=HALF))
    working.wake([row])
    assert house.ended(row.id) == ["failed"]
    failed = house.store.get(row.id)
    assert failed.error is not None
    assert (failed.error["code"], failed.attempts) == (code, 1)


def test_a_server_that_takes_its_time_is_left_when_the_job_is_cancelled_or_the_dispatcher_ends(
    house: House, httpserver: HTTPServer
) -> None:
    over = threading.Event()

    def hang(_: Asked) -> Response:
        over.wait(30)
        return Response(png())

    httpserver.expect_request("/slow.png").respond_with_handler(hang)
    settings = Settings()
    dispatcher = Dispatcher(
        settings, house.store, house.storage, light=0, heavy=0, intake=Intake(settings, house.storage, scanner=None)
    )
    first, second = (
        house.store.submit(NewJob(source="", source_url=httpserver.url_for("/slow.png"), operations=HALF))[0].id
        for _ in range(2)
    )
    dispatcher.start()
    try:
        until = time.monotonic() + 10
        while not all(house.store.get(job).holder for job in (first, second)) and time.monotonic() < until:
            time.sleep(0.02)
        house.store.cancel(first)
        started = time.monotonic()
        dispatcher.stop()
        assert time.monotonic() - started < 8
    finally:
        over.set()
    assert house.store.get(first).state == "cancelled"
    given_back = house.store.get(second)
    assert (given_back.state, given_back.holder, given_back.attempts) == ("scanning", None, 0)


def test_pictures_that_were_made_beside_it_are_kept_too(house: House, working: Dispatcher) -> None:
    with house.database.session() as session:
        image = ImageRow(name="a.png")
        session.add(image)
        session.flush()
    operations = [{"type": "sizes", "sizes": ["thumbnail=10", "medium=20"]}]
    job = house.submit(png(), operations, image_id=image.id)
    assert house.ended(job) == ["completed"]
    with house.database.session(reading=True) as session:
        names = {version.name: version.width for version in session.scalars(select(VersionRow))}
    assert names == {"": 40, "thumbnail": 10, "medium": 20}


def test_bad_input_costs_its_own_job_and_is_not_tried_again(house: House, working: Dispatcher) -> None:
    bad = house.submit(png()[:200])
    gone = house.store.submit(NewJob(source="0" * 64, operations=HALF))[0].id
    good = house.submit(png(1))
    assert house.ended(bad, good) == ["failed", "completed"]
    assert house.store.get(bad).attempts == 1
    assert house.store.get(bad).error["code"] == "corrupt_image"  # type: ignore[index]
    assert house.ended(gone) == ["failed"]


def test_light_work_does_not_wait_behind_heavy(house: House, working: Dispatcher) -> None:
    slow = [{"type": "remove_background", "method": "grabcut"}]
    heavy = [house.submit(png(number, 900), slow, lane="heavy") for number in range(3)]
    light = house.submit(png(9))
    assert house.ended(light, seconds=20) == ["completed"]
    assert any(house.store.get(job).state != "completed" for job in heavy)
    for job in heavy:
        house.store.cancel(job)
    assert set(house.ended(*heavy)) <= {"completed", "cancelled"}


def test_a_running_job_is_cancelled(house: House, working: Dispatcher) -> None:
    slow = [{"type": "remove_background", "method": "grabcut", "alpha_matting": True}] * 8
    job = house.submit(png(side=1500), slow, lane="heavy")
    until = time.monotonic() + 30
    while house.store.get(job).state == "pending" and time.monotonic() < until:
        time.sleep(0.02)
    house.store.cancel(job)
    assert house.ended(job) == ["cancelled"]


def test_what_may_pass_and_what_cannot() -> None:
    assert may_pass(DownloadInterrupted("busy"))
    assert not may_pass(OfflineRefused("offline"))
    assert not may_pass(CorruptImage("broken"))
    assert lane_of(Pipeline(["resize:width=3"])) == "light"
    assert lane_of(Pipeline(["resize:width=3", "upscale"])) == "heavy"


def test_ending_gives_jobs_back(house: House) -> None:
    slow = [{"type": "remove_background", "method": "grabcut", "alpha_matting": True}] * 8
    job = house.submit(png(side=1500), slow, lane="heavy")
    first = Dispatcher(Settings(), house.store, house.storage)
    first.start()
    until = time.monotonic() + 30
    while house.store.get(job).state == "pending" and time.monotonic() < until:
        time.sleep(0.02)
    first.stop()
    row = house.store.get(job)
    assert (row.state, row.attempts) == ("pending", 0)


PROGRAM = """
import sys, time
from pathlib import Path
from darkroom.database.connection import Database
from darkroom.jobs import carrying, dispatcher
from darkroom.jobs.store import JobStore
from darkroom.settings import Settings
from darkroom.storage.local import LocalStorage

carrying.LEASE_SECONDS, carrying.RENEW_SECONDS, dispatcher.IDLE_SECONDS = 2.0, 0.3, 0.1
made = dispatcher.Dispatcher(Settings(), JobStore(Database(sys.argv[1])), LocalStorage(Path(sys.argv[2])))
made.start()
time.sleep(600)
"""


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_finished_twice(
    house: House, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Servers and workers are killed while they work; whoever comes next finishes each job once."""
    chance = random.Random(7)
    jobs = [house.submit(png(number, 120), name=f"{number}.png") for number in range(60)]
    kills = 0
    until = time.monotonic() + 150

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", PROGRAM, house.url, str(tmp_path / "files")])

    server = start()
    try:
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.6, 2.5))
            if house.store.depth() == {"completed": len(jobs)}:
                break
            workers = psutil.Process(server.pid).children(recursive=True)
            if workers and chance.random() < 0.5:
                os.kill(chance.choice(workers).pid, signal.SIGKILL)
            else:
                server.kill()
                server.wait()
                server = start()
            kills += 1
    finally:
        server.kill()
        server.wait()
    record_property("kills", kills)
    print(f"{kills} kills, {house.store.depth()}")
    assert house.store.depth() == {"completed": len(jobs)}
    for job in jobs:
        row = house.store.get(job)
        assert codecs.decode(asyncio.run(read(house.storage, row.result or "")), limits=Settings().limits).size == (
            60,
            60,
        )


def test_the_lease_is_longer_than_what_renews_it() -> None:
    assert carrying.LEASE_SECONDS > 5 * carrying.RENEW_SECONDS
