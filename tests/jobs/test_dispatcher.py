"""The dispatcher: real jobs on real pictures by real worker processes. What kills it is in test_kills.py."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from tests.jobs.conftest import HALF, SLOW, House, png, read, until
from werkzeug import Request as Asked
from werkzeug import Response

from darkroom import codecs
from darkroom.database.schema import VersionRow
from darkroom.intake import Intake
from darkroom.jobs.dispatcher import Dispatcher, lane_of
from darkroom.jobs.store import NewJob
from darkroom.ledger import Ledger
from darkroom.pipeline import Pipeline
from darkroom.settings import Settings


@pytest.fixture
def working(house: House) -> Iterator[Dispatcher]:
    settings = Settings()
    dispatcher = Dispatcher(settings, house.store, house.storage, intake=Intake(settings, house.storage, scanner=None))
    dispatcher.start()
    yield dispatcher
    dispatcher.stop()


def test_a_job_becomes_a_file_a_report_and_a_version(house: House, working: Dispatcher) -> None:
    image = house.image()
    job = house.submit(png(), image_id=image, name="a.png", encoding={"format": "webp"})
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
        assert (version.image_id, version.digest, version.width, version.format) == (image, row.result, 20, "webp")


def test_a_picture_named_by_an_address_is_fetched_first(
    house: House, working: Dispatcher, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/shop/a.png").respond_with_data(png(), content_type="image/png")
    image = house.image()
    job = house.submit_url(httpserver.url_for("/shop/a.png"), image_id=image)
    working.wake([house.store.get(job)])
    assert house.ended(job) == ["completed"]
    with house.database.session(reading=True) as session:
        versions = session.scalars(select(VersionRow).order_by(VersionRow.number)).all()
        assert [(version.number, version.width) for version in versions] == [(0, 40), (1, 20)]
        assert versions[0].digest == house.store.get(job).source
    assert [entry.job for entry in Ledger(Settings().egress.ledger).entries(purpose="source")] == [job]


@pytest.mark.parametrize(
    ("path", "code"), [("http://169.254.169.254/a.png", "address_refused"), ("/text", "unsupported_format")]
)
def test_what_may_not_come_in_fails_for_good(
    house: House, working: Dispatcher, httpserver: HTTPServer, path: str, code: str
) -> None:
    httpserver.expect_request("/text").respond_with_data("no picture")
    job = house.submit_url(path if "://" in path else httpserver.url_for(path))
    assert house.ended(job) == ["failed"]
    failed = house.store.get(job)
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
    first, second = (house.submit_url(httpserver.url_for("/slow.png")) for _ in range(2))
    dispatcher.start()
    try:
        until(lambda: all(house.store.get(job).holder for job in (first, second)))
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
    image = house.image()
    operations = [{"type": "sizes", "sizes": ["thumbnail=10", "medium=20"]}]
    job = house.submit(png(), operations, image_id=image)
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
    job = house.submit(png(side=1500), SLOW, lane="heavy")
    until(lambda: house.state(job) == "processing")
    house.store.cancel(job)
    assert house.ended(job) == ["cancelled"]


def test_what_may_use_a_network_is_heavy() -> None:
    assert lane_of(Pipeline(["resize:width=3"])) == "light"
    assert lane_of(Pipeline(["resize:width=3", "upscale"])) == "heavy"


def test_housekeeping_is_done_at_the_start_and_costs_nobody_his_dispatcher(house: House) -> None:
    done = threading.Event()

    def clean_up() -> None:
        done.set()
        raise OSError("no room for housekeeping")

    dispatcher = Dispatcher(Settings(), house.store, house.storage, light=1, heavy=0, clean_up=clean_up)
    dispatcher.start()
    assert done.wait(10)
    assert house.ended(house.submit(png())) == ["completed"]
    dispatcher.stop()


def test_ending_gives_jobs_back(house: House) -> None:
    job = house.submit(png(side=1500), SLOW, lane="heavy")
    first = Dispatcher(Settings(), house.store, house.storage)
    first.start()
    until(lambda: house.state(job) == "processing")
    first.stop()
    row = house.store.get(job)
    assert (row.state, row.attempts) == ("pending", 0)
