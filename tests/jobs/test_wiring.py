"""Who carries jobs out, by the settings and by what the program is there for."""

from __future__ import annotations

import pytest
from tests.jobs.conftest import House, png, until

from darkroom.jobs.celery import CeleryCarrier, CeleryWorker
from darkroom.jobs.dispatcher import Dispatcher
from darkroom.jobs.store import LANES, Lane
from darkroom.jobs.wiring import build_workshop
from darkroom.jobs.worker import WAITING
from darkroom.settings import Settings

BROKER = {"jobs.broker_url": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize(
    ("changes", "lanes", "kind"),
    [
        ({}, None, Dispatcher),
        ({}, LANES, Dispatcher),
        (BROKER, None, CeleryCarrier),
        (BROKER, LANES, CeleryWorker),
    ],
)
def test_with_a_broker_the_service_leaves_jobs_to_workers(
    house: House, changes: dict[str, str], lanes: tuple[Lane, ...] | None, kind: type[object]
) -> None:
    settings = Settings().with_changes(changes)
    workshop = build_workshop(settings, house.database, house.storage, lanes=lanes)
    assert type(workshop.carrier) is kind
    assert workshop.budget.total == settings.limits.most_memory()


@pytest.mark.parametrize(
    ("lanes", "concurrency", "threads"),
    [
        (None, None, {"light": 0, "heavy": 3, "scan": 2}),
        (LANES, None, {"light": 1, "heavy": 3, "scan": 2}),
        (LANES, 4, {"light": 4, "heavy": 4, "scan": 2}),
        (("light",), None, {"light": 1, "heavy": 0, "scan": 2}),
        (("heavy",), 2, {"light": 0, "heavy": 2, "scan": 0}),
    ],
)
def test_a_worker_does_one_job_at_least_of_each_lane_that_it_is_there_for(
    house: House, lanes: tuple[Lane, ...] | None, concurrency: int | None, threads: dict[str, int]
) -> None:
    """Pictures are fetched by who does light work; the sweeper and the cleaner are always there."""
    settings = Settings().with_changes({"jobs.light": 0, "jobs.heavy": 3})
    workshop = build_workshop(settings, house.database, house.storage, lanes=lanes, concurrency=concurrency)
    workshop.carrier.start()
    try:
        assert workshop.carrier.check() == f"this process, {sum(threads.values()) + 1} lanes"
    finally:
        workshop.carrier.stop()


def test_all_that_it_does_takes_of_one_budget(house: House) -> None:
    """What else the program does has all of it: the job goes on once that is given back."""
    workshop = build_workshop(Settings(), house.database, house.storage)
    other = workshop.budget.ask(workshop.budget.total)
    workshop.carrier.start()
    try:
        job = house.submit(png())
        until(lambda: house.store.get(job).doing == WAITING)
        other.end()
        assert house.ended(job) == ["completed"]
    finally:
        workshop.carrier.stop()
