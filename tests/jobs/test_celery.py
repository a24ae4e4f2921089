"""Jobs through a real Redis, with workers as processes: ``darkroom worker`` and what it does. About 25 seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from tests.jobs.conftest import HALF, SLOW, House, png, until
from tests.servers import Postgres, Redis

from darkroom.errors import ConfigurationError, EgressRefused, ExtraMissing, OfflineRefused
from darkroom.jobs import celery
from darkroom.jobs.celery import CeleryCarrier, CeleryWorker
from darkroom.jobs.store import NewJob
from darkroom.ledger import Ledger
from darkroom.settings import Settings

WORKER = """
import sys
from darkroom.jobs import celery
celery.SWEEP_SECONDS, celery.AGAIN_SECONDS = 0.5, 0.5
from darkroom.cli.main import main
sys.argv[1:] = ["worker", *sys.argv[1:]]
main()
"""


@pytest.fixture
def clean(redis: Redis) -> Redis:
    """Redis without anything in it."""
    redis.ask("FLUSHALL")
    return redis


@pytest.fixture
def settings(clean: Redis) -> Settings:
    return Settings().with_changes({"jobs.broker_url": clean.url})


@pytest.fixture
def sender(settings: Settings, house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[CeleryCarrier]:
    """One that looks for lost messages only when it is asked."""
    monkeypatch.setattr(celery, "SWEEP_SECONDS", 3600.0)
    carrier = CeleryCarrier(settings, house.store)
    carrier.start()
    yield carrier
    carrier.stop()


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(house: House, settings: Settings) -> Iterator[Start]:
    """Start a ``darkroom worker`` on the house's database and storage."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, broker: str = settings.jobs.broker_url.get_secret_value()) -> subprocess.Popen[bytes]:
        environment = {
            "DARKROOM_DATABASE__URL": house.url,
            "DARKROOM_STORAGE__FOLDER": str(house.folder / "files"),
            "DARKROOM_STORAGE__SPOOL": str(house.folder / "spool"),
            "DARKROOM_JOBS__BROKER_URL": broker,
        }
        with (house.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", WORKER, *arguments], env=os.environ | environment, stdout=log, stderr=log
            )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


def messages(redis: Redis, queue: str) -> list[dict[str, Any]]:
    """What lies in a queue, of any priority."""
    found = []
    for number in range(10):
        name = f"darkroom:{queue}" + (f"\\x06\\x16{number}" if number else "")
        answer = redis.ask("LRANGE", f'"{name}"', "0", "-1").decode()
        found += [json.loads(line) for line in answer.split("\r\n") if line.startswith("{")]
    return found


def test_jobs_are_done_by_workers_elsewhere(house: House, sender: CeleryCarrier, start: Start, clean: Redis) -> None:
    start()
    rows = [house.store.get(house.submit(png(number), lane=lane)) for number, lane in enumerate(("light", "heavy") * 3)]
    sender.wake(rows)
    assert house.ended(*(row.id for row in rows)) == ["completed"] * 6
    assert {row.id for row in rows} == {row.id for row in house.store.listed() if row.attempts == 1}
    until(lambda: clean.ask("HLEN", "darkroom:unacked") == b":0\r\n")
    assert messages(clean, "light") == messages(clean, "heavy") == []
    lines = [json.loads(line) for line in (house.folder / "worker.log").read_text().splitlines()]
    told = {(line.get("job"), line["event"]) for line in lines}
    assert {(row.id, f"job {row.id}: completed") for row in rows} <= told, "the job has a field of its own"


def test_a_message_has_the_jobs_identifier_and_nothing_of_the_job(
    house: House, sender: CeleryCarrier, clean: Redis
) -> None:
    urgent = house.submit(png(), name="secret.png", lane="heavy", priority=5)
    usual = house.submit(png(1), name="secret.png", lane="heavy")
    fetched = house.submit_url("https://shop.example/secret.png", lane="heavy")
    sender.wake([house.store.get(job) for job in (usual, urgent, fetched)])
    until(lambda: len(messages(clean, "heavy")) == 2 and len(messages(clean, "light")) == 1)
    first, second = messages(clean, "heavy")
    (third,) = messages(clean, "light")
    assert "secret" not in json.dumps([first, second, third])
    assert [message["headers"]["argsrepr"] for message in (first, second, third)] == [
        f"['{urgent}']",
        f"['{usual}']",
        f"['{fetched}']",
    ]
    assert [message["headers"]["task"] for message in (first, third)] == ["darkroom.process", "darkroom.scan"]


def test_a_picture_named_by_an_address_is_fetched_by_a_worker(
    house: House, sender: CeleryCarrier, start: Start, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/a.png").respond_with_data(png())
    start()
    job = house.submit_url(httpserver.url_for("/a.png"), lane="heavy")
    sender.wake([house.store.get(job)])
    assert house.ended(job) == ["completed"]


def test_a_worker_of_one_queue_leaves_the_other_alone(house: House, sender: CeleryCarrier, start: Start) -> None:
    start("--queue", "light", "--concurrency", "2")
    light, heavy = house.submit(png()), house.submit(png(1), lane="heavy")
    sender.wake([house.store.get(job) for job in (light, heavy)])
    assert house.ended(light) == ["completed"]
    assert house.state(heavy) == "pending"


def test_what_redis_has_lost_is_sent_again_and_what_comes_twice_is_harmless(
    house: House, sender: CeleryCarrier, start: Start, clean: Redis
) -> None:
    done = house.submit(png())
    rows = [house.store.get(done), *(house.store.get(house.submit(png(number))) for number in range(1, 4))]
    sender.wake(rows * 3)
    until(lambda: len(messages(clean, "light")) == 12)
    sender.wake()
    clean.kill()
    clean.start()
    start()
    assert house.ended(*(row.id for row in rows)) == ["completed"] * 4
    sender.wake(rows)
    again = house.submit(png(9))
    sender.wake([house.store.get(again)])
    assert house.ended(again) == ["completed"]
    assert {row.attempts for row in house.store.listed()} == {1}


def test_no_more_is_sent_again_than_is_missing(house: House, sender: CeleryCarrier, clean: Redis) -> None:
    """However long nobody takes the messages, and however often it is looked for lost ones."""
    rows = [house.store.get(house.submit(png(number))) for number in range(6)]
    sender.wake(rows[:2])
    for _ in range(3):
        sender.wake()
    until(lambda: len(messages(clean, "light")) >= 6)
    sender.stop()
    assert len(messages(clean, "light")) == 6


def test_told_to_end_a_worker_gives_its_job_back_and_another_has_it(
    house: House, sender: CeleryCarrier, start: Start
) -> None:
    job = house.submit(png(side=1500), SLOW, lane="heavy")
    first = start("--queue", "heavy")
    sender.wake([house.store.get(job)])
    until(lambda: house.state(job) == "processing")
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    row = house.store.get(job)
    assert (row.state, row.holder, row.attempts) == ("pending", None, 0)
    start("--queue", "heavy")
    until(lambda: house.state(job) == "processing")
    house.store.cancel(job)
    assert house.ended(job) == ["cancelled"]


def test_without_a_broker_a_worker_takes_jobs_from_the_database(tmp_path: Path, postgres: Postgres) -> None:
    """Several machines may share one PostgreSQL so."""
    house = House(tmp_path, postgres.new_database())
    environment = {
        "DARKROOM_DATABASE__URL": house.url,
        "DARKROOM_STORAGE__FOLDER": str(house.folder / "files"),
    }
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, "--queue", "light"], env=os.environ | environment)
        for _ in range(2)
    ]
    try:
        jobs = [house.submit(png(number)) for number in range(6)]
        assert house.ended(*jobs) == ["completed"] * 6
        assert {house.store.get(job).attempts for job in jobs} == {1}
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(20) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def test_housekeeping_is_done_by_a_worker(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[bool] = []
    worker = CeleryWorker(settings, house.store, house.storage, heavy=0, clean_up=lambda: done.append(True))
    server = CeleryCarrier(settings, house.store, cleans=True)
    worker.start()
    server.start()
    try:
        until(lambda: done)
    finally:
        server.stop()
        worker.stop()
    assert done == [True]


def test_redis_away_nobody_waits_and_nothing_is_lost(
    house: House, settings: Settings, start: Start, clean: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery, "SWEEP_SECONDS", 0.5)
    monkeypatch.setattr(celery, "AGAIN_SECONDS", 0.5)
    clean.kill()
    carrier = CeleryCarrier(settings, house.store)
    carrier.start()
    try:
        job = house.submit(png())
        carrier.wake([house.store.get(job)])
        start()
        clean.start()
        assert house.ended(job) == ["completed"]
    finally:
        clean.start()
        carrier.stop()


@pytest.mark.parametrize(
    ("changes", "error"), [({"offline": True}, OfflineRefused), ({"egress.broker": False}, EgressRefused)]
)
def test_a_broker_in_the_network_needs_the_owners_leave(
    house: House, changes: dict[str, Any], error: type[Exception]
) -> None:
    settings = Settings().with_changes({"jobs.broker_url": "redis://user:word@192.168.7.7:6380/1", **changes})
    with pytest.raises(error, match=r"192\.168\.7\.7"):
        CeleryCarrier(settings, house.store).start()
    assert list(Ledger(settings.egress.ledger).entries()) == []


def test_a_broker_on_this_machine_is_no_outgoing_connection(house: House, settings: Settings) -> None:
    carrier = CeleryCarrier(settings.with_changes({"offline": True}), house.store)
    carrier.start()
    carrier.stop()
    assert list(Ledger(settings.egress.ledger).entries()) == []


@pytest.mark.parametrize("url", ["amqp://host/", "redis", "redis://host:port/"])
def test_an_address_that_is_none_of_redis(house: House, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"jobs\.broker_url") as raised:
        CeleryCarrier(Settings().with_changes({"jobs.broker_url": url}), house.store)
    assert url not in raised.value.message


def test_without_the_extra_it_says_what_to_install(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(ExtraMissing, match=r"darkroom-studio\[scale\]"):
        CeleryCarrier(settings, house.store)


def test_the_environment_does_not_go_before_the_settings(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch, clean: Redis
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://198.51.100.7:6379/0")
    carrier = CeleryCarrier(settings, house.store)
    carrier.start()
    new = NewJob(source=house.keep(png()), operations=HALF)
    carrier.wake([house.store.submit(new)[0]])
    until(lambda: len(messages(clean, "light")) == 1)
    carrier.stop()
