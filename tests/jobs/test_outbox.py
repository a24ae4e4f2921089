"""Messages to webhooks: written with the end that they tell of, and a batch's exactly once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from darkroom.database.connection import Database
from darkroom.database.schema import DeliveryRow, JobRow, now
from darkroom.errors import DownloadInterrupted, WorkerDied
from darkroom.jobs.outbox import MOST_NAMED, announce, host_of
from darkroom.jobs.store import MOST_LOSSES, JobStore, Made, NewJob

URL = "https://shop.example/hooks?token=1"
BROKEN = DownloadInterrupted("The line was busy.", cure="Try again.")
Ending = Callable[[JobStore, str], object]


@pytest.fixture
def database(database_url: str) -> Database:
    made = Database(database_url)
    made.migrate()
    return made


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def new(**changes: Any) -> NewJob:
    return NewJob(**{"source": "0" * 64, "operations": [], "name": "a.png", "owner": "me", **changes})


def made(digit: str = "f") -> list[Made]:
    return [Made(name="", digest=digit * 64, bytes=9, format="png", width=3, height=2, frames=1)]


def messages(database: Database, event: str | None = None) -> list[DeliveryRow]:
    with database.session(reading=True) as session:
        found = session.scalars(select(DeliveryRow).order_by(DeliveryRow.created)).all()
        return [row for row in found if event in (None, row.event)]


def content(row: DeliveryRow) -> dict[str, Any]:
    return json.loads(row.body)


def completed(store: JobStore, job: str) -> None:
    assert store.complete(job, "one", made(), {"steps": ["much"]})


def given_up(store: JobStore, job: str) -> None:
    for _ in range(MOST_LOSSES):
        with store.database.session() as session:
            session.get_one(JobRow, job).held_until = now() - timedelta(seconds=1)
        store.expire()
        store.lease(["light"], "one", 60)


ENDINGS: dict[str, tuple[str, Ending]] = {
    "completed": ("completed", completed),
    "failed": ("failed", lambda store, job: store.fail(job, "one", BROKEN, passing=False)),
    "cancelled by its holder": ("cancelled", lambda store, job: (store.cancel(job), store.cancelled(job, "one"))),
    "cancelled while it failed": (
        "cancelled",
        lambda store, job: (store.cancel(job), store.fail(job, "one", BROKEN, passing=True)),
    ),
    "lost too often": ("quarantined", given_up),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_every_end_is_told_once_with_what_became_of_the_job(how: str, store: JobStore, database: Database) -> None:
    state, end = ENDINGS[how]
    row, _ = store.submit(new(webhook_url=URL, image_id=None))
    store.lease(["light"], "one", 60)
    assert messages(database) == []
    end(store, row.id)
    done = store.get(row.id)
    assert done.state == state
    (message,) = messages(database)
    assert (message.event, message.url, message.host) == (f"job.{state}", URL, "shop.example")
    assert (message.owner, message.job_id, message.state, message.attempts) == ("me", row.id, "pending", 0)
    said = content(message)
    assert said["type"] == message.event
    assert datetime.fromisoformat(said["timestamp"]) == done.finished
    assert said["timestamp"].endswith("Z")
    data = said["data"]
    assert (data["id"], data["state"], data["name"], data["attempts"]) == (row.id, state, "a.png", done.attempts)
    assert data["result"] == ("f" * 64 if state == "completed" else None)
    assert (data["error"] is None) == (done.error is None)
    assert set(data) == {
        "id", "state", "image_id", "batch_id", "name", "created", "started", "finished", "attempts", "error", "result",
    }  # fmt: skip


def test_an_error_is_told_with_its_cure(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new(webhook_url=URL))
    for _ in range(2):
        store.lease(["light"], "one", 60)
        store.fail(row.id, "one", WorkerDied("It is gone.", cure="Look."), passing=False, died=True)
        with database.session() as session:
            session.get_one(JobRow, row.id).not_before = None
    (message,) = messages(database)
    assert message.event == "job.quarantined"
    assert content(message)["data"]["error"] == {"code": "worker_died", "message": "It is gone.", "cure": "Look."}


def test_a_job_that_waits_is_cancelled_with_a_message_and_one_without_an_address_ends_quietly(
    store: JobStore, database: Database
) -> None:
    store.cancel(store.submit(new(webhook_url=URL))[0].id)
    store.cancel(store.submit(new())[0].id)
    assert [row.event for row in messages(database)] == ["job.cancelled"]


def test_a_failure_that_may_pass_is_not_told(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new(webhook_url=URL))
    store.lease(["light"], "one", 60)
    store.fail(row.id, "one", BROKEN, passing=True)
    assert messages(database) == []


def test_no_message_of_an_end_that_was_taken_back(store: JobStore, database: Database) -> None:
    """The job's end and its message are one transaction: whoever is killed in between has done neither."""

    def half_done(job: str) -> None:
        with database.session() as session:
            held = session.get_one(JobRow, job)
            held.state, held.finished = "completed", now()
            announce(session, held)
            session.flush()
            assert session.scalar(select(DeliveryRow.event)) == "job.completed"
            raise RuntimeError

    row, _ = store.submit(new(webhook_url=URL))
    with pytest.raises(RuntimeError):
        half_done(row.id)
    assert store.get(row.id).state == "pending"
    assert messages(database) == []


def test_a_batch_is_told_when_its_last_job_ends(store: JobStore, database: Database) -> None:
    batch, rows = store.batch("me", URL, [new(name=str(number)) for number in range(3)])
    other, _ = store.batch("me", None, [new(name="other")])
    store.cancel(rows[1].id)
    leased = store.lease(["light"], "one", 60)
    assert leased is not None
    completed(store, leased.id)
    assert messages(database) == []
    last = next(row for row in rows if row.id not in (rows[1].id, leased.id))
    store.lease(["light"], "one", 60)
    store.fail(last.id, "one", BROKEN, passing=False)
    (message,) = messages(database)
    assert (message.event, message.batch_id, message.job_id) == ("batch.completed", batch.id, None)
    data = content(message)["data"]
    assert data["id"] == batch.id
    assert data["counts"] == {"cancelled": 1, "completed": 1, "failed": 1}
    assert {job["id"]: job["state"] for job in data["jobs"]} == {
        leased.id: "completed", rows[1].id: "cancelled", last.id: "failed",
    }  # fmt: skip
    assert data["jobs_left_out"] == 0
    for row in store.listed(batch_id=other.id):
        store.cancel(row.id)
    assert len(messages(database)) == 1


def test_a_batch_that_ends_again_is_told_again(store: JobStore, database: Database) -> None:
    _, (row,) = store.batch("me", URL, [new()])
    store.cancel(row.id)
    store.requeue(row.id)
    store.lease(["light"], "one", 60)
    completed(store, row.id)
    counts = [content(message)["data"]["counts"] for message in messages(database)]
    assert counts == [{"cancelled": 1}, {"completed": 1}]


def test_the_message_of_a_large_batch_stays_small(store: JobStore, database: Database) -> None:
    _, rows = store.batch("me", URL, [new() for _ in range(MOST_NAMED + 50)])
    for row in rows:
        store.cancel(row.id)
    (message,) = messages(database)
    data = content(message)["data"]
    assert (len(data["jobs"]), data["jobs_left_out"]) == (MOST_NAMED, 50)
    assert data["counts"] == {"cancelled": MOST_NAMED + 50}
    assert len(message.body) < 20_000


def test_jobs_of_a_batch_that_end_at_the_same_moment_make_one_message(database: Database) -> None:
    store = JobStore(database)
    for _ in range(5):
        batch, rows = store.batch("me", URL, [new() for _ in range(8)])
        together = threading.Barrier(8)

        def end(job: str, together: threading.Barrier = together) -> None:
            own = JobStore(Database(str(database.url)))
            together.wait()
            own.cancel(job)

        threads = [threading.Thread(target=end, args=(row.id,)) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = [row for row in messages(database, "batch.completed") if row.batch_id == batch.id]
        assert len(told) == 1
        assert content(told[0])["data"]["counts"] == {"cancelled": 8}


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://Shop.example:8/x", "shop.example"), ("https://[::1]/", "::1"), ("http://[::1", ""), ("nonsense", "")],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert host_of(url) == host
