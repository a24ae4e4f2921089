"""Jobs in the database: never lost, never finished twice, whoever is killed and whenever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import booleans, integers, sampled_from
from sqlalchemy import delete, select
from tests.servers import Postgres

from darkroom.database.connection import Database
from darkroom.database.schema import BatchRow, ImageRow, JobRow, VersionRow, now
from darkroom.errors import Conflict, DownloadInterrupted, ImageNotFound, JobNotFound, WorkerDied
from darkroom.intake import Taken
from darkroom.jobs.store import DONE, HELD, MOST_ATTEMPTS, MOST_LOSSES, JobStore, Made, NewJob, NewPicture

PASSING = DownloadInterrupted("The line was busy.")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def new(**changes: object) -> NewJob:
    values: dict[str, object] = {"source": "0" * 64, "operations": [{"type": "resize", "width": 9}], "name": "a.png"}
    return NewJob(**{**values, **changes})  # type: ignore[arg-type]


def made(digit: str) -> list[Made]:
    return [Made(name="", digest=digit * 64, bytes=9, format="png", width=3, height=2, frames=1)]


def by_address(**changes: object) -> NewJob:
    return new(source="", source_url="https://shop.example/a.png", **changes)


def taken(digit: str) -> Taken:
    return Taken(
        digest=digit * 64, bytes=9, name="a.png", format="png", media_type="image/png", width=3, height=2, frames=1
    )


def awake(database: Database) -> None:
    """Let all pauses and leases be over."""
    with database.session() as session:
        for row in session.query(JobRow):
            row.not_before = None
            if row.held_until is not None:
                row.held_until = now() - timedelta(seconds=1)


def test_the_usual_way(store: JobStore) -> None:
    row, fresh = store.submit(new())
    assert (row.state, fresh) == ("pending", True)
    leased = store.lease(["light"], "one", 60)
    assert leased is not None
    assert (leased.id, leased.state, leased.attempts) == (row.id, "processing", 1)
    assert store.lease(["light"], "two", 60) is None
    assert store.renew(row.id, "one", 60, 0.5, "resize")
    assert store.get(row.id).progress == 0.5
    assert store.complete(row.id, "one", made("f"), {"seconds": 1})
    done = store.get(row.id)
    assert (done.state, done.result, done.report, done.progress) == ("completed", "f" * 64, {"seconds": 1}, 1.0)
    assert done.finished is not None
    assert done.holder is None


def test_priority_then_age_and_light_beside_heavy(store: JobStore) -> None:
    first = store.submit(new(name="first"))[0]
    heavy = store.submit(new(lane="heavy"))[0]
    urgent = store.submit(new(priority=5))[0]
    order = [store.lease(["light"], "one", 60) for _ in range(3)]
    assert [row.id if row else None for row in order] == [urgent.id, first.id, None]
    found = store.lease(["heavy", "light"], "two", 60)
    assert found is not None
    assert found.id == heavy.id


class TestIdempotencyKeys:
    def test_make_one_job_for_each_owner(self, store: JobStore) -> None:
        one, fresh = store.submit(new(idempotency_key="k", owner="me", fingerprint="1"))
        again, known = store.submit(new(idempotency_key="k", owner="me", fingerprint="1"))
        other, _ = store.submit(new(idempotency_key="k", owner="you", fingerprint="2"))
        assert (fresh, known) == (True, False)
        assert again.id == one.id
        assert other.id != one.id

    def test_stand_for_one_request(self, store: JobStore) -> None:
        job, _ = store.submit(new(idempotency_key="k", fingerprint="1"))
        batch, _ = store.batch("", None, [new()], "k", "1")
        found = store.known(JobRow, "", "k", "1"), store.known(BatchRow, "", "k", "1")
        assert [row.id for row in found if row] == [job.id, batch.id]
        for again in (
            lambda: store.submit(new(idempotency_key="k", fingerprint="2")),
            lambda: store.batch("", None, [new()], "k", "2"),
            lambda: store.known(JobRow, "", "k", "2"),
            lambda: store.known(BatchRow, "", "k", "2"),
        ):
            with pytest.raises(Conflict, match="another request"):
                again()
        assert len(store.listed()) == 2

    def test_from_before_there_were_fingerprints_stand_for_whatever_is_asked(self, store: JobStore) -> None:
        old, _ = store.submit(new(idempotency_key="k"))
        assert store.submit(new(idempotency_key="k", fingerprint="1"))[0].id == old.id

    @pytest.mark.parametrize("kind", ["job", "batch"])
    def test_that_come_at_once_leave_one_of_everything(self, kind: str, store: JobStore, database: Database) -> None:
        """Two say the same and all others something else: whoever is first decides which of them is refused."""
        barrier = threading.Barrier(6)

        def ask(number: int) -> str:
            said = "same" if number < 2 else str(number)
            job = by_address(picture=NewPicture("shop", "shoe"))
            barrier.wait()
            try:
                if kind == "job":
                    return store.submit(replace(job, idempotency_key="k", fingerprint=said))[0].id
                return store.batch("", None, [job, job], "k", said)[0].id
            except Conflict:
                return "refused"

        with ThreadPoolExecutor(6) as pool:
            told = Counter(pool.map(ask, range(6)))
        assert told["refused"] in (4, 5)
        assert len(told) == 2
        jobs = store.listed()
        assert len(jobs) == (1 if kind == "job" else 2)
        with database.session(reading=True) as session:
            pictures = session.scalars(select(ImageRow)).all()
        assert {row.id for row in pictures} == {job.image_id for job in jobs}, "none is left of who came too late"
        assert {(row.name, row.store_id, row.product_id) for row in pictures} == {("a.png", "shop", "shoe")}


def test_a_failure_that_may_pass_is_tried_again_later_and_not_for_ever(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new())
    for attempt in range(MOST_ATTEMPTS):
        assert store.lease(["light"], "one", 60) is not None
        state = store.fail(row.id, "one", PASSING, passing=True)
        assert state == ("pending" if attempt < MOST_ATTEMPTS - 1 else "failed")
        assert store.lease(["light"], "one", 60) is None, "there is a pause"
        awake(database)
    assert store.get(row.id).error["code"] == "download_interrupted"  # type: ignore[index]


def test_a_failure_that_cannot_pass_is_final_until_somebody_asks_again(store: JobStore) -> None:
    row, _ = store.submit(new())
    store.lease(["light"], "one", 60)
    assert store.fail(row.id, "one", PASSING, passing=False) == "failed"
    assert store.requeue(row.id).state == "pending"
    assert store.lease(["light"], "one", 60) is not None


def test_a_job_whose_picture_was_deleted_is_not_done_again(store: JobStore, database: Database) -> None:
    with database.session() as session:
        session.add(ImageRow(id="i", name="a.png", deleted=now()))
    row, _ = store.submit(new(image_id="i"))
    store.cancel(row.id)
    with pytest.raises(ImageNotFound, match="was deleted"):
        store.requeue(row.id)
    assert store.get(row.id).state == "cancelled"


def test_who_kills_two_workers_is_quarantined(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new())
    states = []
    for _ in range(2):
        store.lease(["light"], "one", 60)
        states.append(store.fail(row.id, "one", WorkerDied("It is gone."), passing=False, died=True))
        awake(database)
    assert states == ["pending", "quarantined"]


def test_a_holder_that_is_gone_loses_its_lease_and_its_result_does_not_count(
    store: JobStore, database: Database
) -> None:
    row, _ = store.submit(new())
    store.lease(["light"], "dead", 60)
    assert store.expire() == 0
    awake(database)
    assert store.expire() == 1
    leased = store.lease(["light"], "alive", 60)
    assert leased is not None
    assert not store.complete(row.id, "dead", made("1"), {})
    assert not store.renew(row.id, "dead", 60, 0.9, "late")
    assert store.fail(row.id, "dead", PASSING, passing=True) is None
    assert store.complete(row.id, "alive", made("2"), {})
    assert not store.complete(row.id, "alive", made("3"), {}), "once"
    assert store.get(row.id).result == "2" * 64


def test_who_loses_every_holder_is_quarantined_in_the_end(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new())
    for _ in range(MOST_LOSSES):
        assert store.lease(["light"], "one", 60) is not None
        awake(database)
        store.expire()
    assert store.get(row.id).state == "quarantined"
    assert store.get(row.id).error["code"] == "worker_died"  # type: ignore[index]


def test_cancelling(store: JobStore) -> None:
    waiting, _ = store.submit(new())
    assert store.cancel(waiting.id).state == "cancelled"
    running, _ = store.submit(new())
    store.lease(["light"], "one", 60)
    assert store.cancel(running.id).state == "processing"
    assert not store.renew(running.id, "one", 60, 0.1, ""), "it is told to stop"
    assert store.cancelled(running.id, "one")
    assert store.get(running.id).state == "cancelled"
    assert store.cancel(running.id).state == "cancelled", "again is harmless"
    with pytest.raises(JobNotFound):
        store.cancel("nobody")


def test_what_nobody_asked_to_cancel_is_not_lost(store: JobStore) -> None:
    """As where a holder stops because the database was away for too long, and then is back."""
    row, _ = store.submit(new())
    store.lease(["light"], "one", 60)
    assert not store.cancelled(row.id, "one")
    assert store.get(row.id).state == "pending"


def test_a_holder_that_ends_while_its_job_is_to_be_cancelled(store: JobStore) -> None:
    row, _ = store.submit(new())
    store.lease(["light"], "one", 60)
    store.cancel(row.id)
    store.release(row.id, "one")
    assert store.get(row.id).state == "cancelled"


def test_a_server_that_ends_gives_its_jobs_back(store: JobStore) -> None:
    row, _ = store.submit(new())
    store.lease(["light"], "one", 60)
    store.release(row.id, "one")
    leased = store.lease(["light"], "two", 60)
    assert leased is not None
    assert leased.attempts == 1


class TestPicturesNamedByAnAddress:
    def image(self, database: Database) -> str:
        with database.session() as session:
            row = ImageRow(name="a.png")
            session.add(row)
            session.flush()
            return row.id

    def versions(self, database: Database) -> list[tuple[int, str, int, str]]:
        with database.session(reading=True) as session:
            rows = session.scalars(select(VersionRow).order_by(VersionRow.number))
            return [(row.number, row.digest[0], row.width, row.format) for row in rows]

    def test_are_fetched_before_anything_is_made_of_them(self, store: JobStore, database: Database) -> None:
        row, _ = store.submit(by_address(image_id=self.image(database), name=""))
        assert row.state == "scanning"
        assert store.lease(["light"], "lane", 60) is None
        leased = store.lease_scan("one", 60)
        assert leased is not None
        assert (leased.id, leased.state, leased.holder, leased.attempts) == (row.id, "scanning", "one", 1)
        assert store.lease_scan("two", 60) is None
        assert store.renew(row.id, "one", 60, 0.0, "fetching")
        assert not store.complete(row.id, "one", made("9"), {}), "nothing can come of it yet"
        assert store.scanned(row.id, "one", taken("5"))
        assert not store.scanned(row.id, "one", taken("6")), "once"
        waiting = store.get(row.id)
        assert (waiting.state, waiting.source, waiting.holder, waiting.attempts) == ("pending", "5" * 64, None, 0)
        assert waiting.name == "a.png"
        assert store.lease(["light"], "lane", 60) is not None
        assert store.complete(row.id, "lane", made("7"), {})
        assert self.versions(database) == [(0, "5", 3, "png"), (1, "7", 3, "png")]

    def test_whose_size_nobody_can_tell_yet(self, store: JobStore, database: Database) -> None:
        row, _ = store.submit(by_address(image_id=self.image(database)))
        store.lease_scan("one", 60)
        store.scanned(row.id, "one", replace(taken("5"), width=None, height=None, frames=None))
        assert self.versions(database) == [(0, "5", 0, "png")]

    def test_two_jobs_on_one_picture_make_one_first_version(self, store: JobStore, database: Database) -> None:
        image = self.image(database)
        for holder in ("one", "two"):
            store.submit(by_address(image_id=image))
            leased = store.lease_scan(holder, 60)
            assert leased is not None
            assert store.scanned(leased.id, holder, taken("5"))
        assert self.versions(database) == [(0, "5", 3, "png")]

    def test_are_tried_again_where_that_may_help(self, store: JobStore, database: Database) -> None:
        row, _ = store.submit(by_address())
        for attempt in range(MOST_ATTEMPTS):
            assert store.lease_scan("one", 60) is not None
            state = store.fail(row.id, "one", PASSING, passing=True)
            assert state == ("scanning" if attempt < MOST_ATTEMPTS - 1 else "failed")
            assert store.lease_scan("one", 60) is None, "there is a pause"
            awake(database)
        assert store.requeue(row.id).state == "scanning"
        store.lease_scan("one", 60)
        assert store.fail(row.id, "one", PASSING, passing=False) == "failed"

    def test_go_to_another_where_the_holder_is_gone(self, store: JobStore, database: Database) -> None:
        row, _ = store.submit(by_address())
        store.lease_scan("dead", 60)
        awake(database)
        assert store.expire() == 1
        assert store.get(row.id).state == "scanning"
        assert store.lease_scan("alive", 60) is not None
        assert not store.scanned(row.id, "dead", taken("1"))
        store.release(row.id, "alive")
        assert (store.get(row.id).state, store.get(row.id).attempts) == ("scanning", 1)

    def test_are_cancelled_at_once(self, store: JobStore) -> None:
        row, _ = store.submit(by_address())
        store.lease_scan("one", 60)
        assert store.cancel(row.id).state == "cancelled"
        assert not store.renew(row.id, "one", 60, 0.0, "")
        assert not store.scanned(row.id, "one", taken("5"))

    def test_asked_for_again_once_it_is_here_it_is_not_fetched_again(self, store: JobStore) -> None:
        row, _ = store.submit(by_address())
        store.lease_scan("one", 60)
        store.scanned(row.id, "one", taken("5"))
        store.cancel(row.id)
        assert store.requeue(row.id).state == "pending"


def test_one_job_is_leased_by_its_name_only_while_it_waits(store: JobStore, database: Database) -> None:
    row, _ = store.submit(new(lane="heavy"))
    other, _ = store.submit(by_address())
    assert store.lease_one("nobody", "one", 60) is None
    leased = store.lease_one(row.id, "one", 60)
    assert leased is not None
    assert (leased.id, leased.state) == (row.id, "processing")
    assert store.lease_one(row.id, "two", 60) is None, "it is held"
    store.fail(row.id, "one", PASSING, passing=True)
    assert store.lease_one(row.id, "two", 60) is None, "there is a pause"
    awake(database)
    assert store.lease_one(row.id, "two", 60) is not None
    store.complete(row.id, "two", made("1"), {})
    assert store.lease_one(row.id, "three", 60) is None, "it is done"
    scanning = store.lease_one(other.id, "one", 60)
    assert scanning is not None
    assert scanning.state == "scanning"


def test_what_waits_for_long_is_listed_in_the_order_of_leases(store: JobStore, database: Database) -> None:
    first = store.submit(new())[0]
    urgent = store.submit(by_address(priority=5))[0]
    heavy = store.submit(new(lane="heavy"))[0]
    held = store.submit(new(priority=9))[0]
    assert store.lease_one(held.id, "one", 60) is not None
    assert [row.id for row in store.waiting(["light"], 0)] == [urgent.id, first.id]
    assert [row.id for row in store.waiting(["light", "heavy"], 0, most=2)] == [urgent.id, first.id]
    assert [row.id for row in store.waiting(["heavy"], 0)] == [heavy.id]
    assert store.waiting(["light", "heavy"], 60) == []


def test_batches_lists_and_counts(store: JobStore) -> None:
    batch, rows = store.batch("me", None, [new(name=str(number)) for number in range(3)])
    assert {row.batch_id for row in rows} == {batch.id}
    assert len(store.listed(batch_id=batch.id)) == 3
    assert len(store.listed(owner="you")) == 0
    assert len(store.listed(states=["pending"], most=2)) == 2
    assert store.depth() == {"pending": 3}
    store.cancel(rows[0].id)
    assert store.purge(now() + timedelta(seconds=1)) == 1
    assert store.depth() == {"pending": 2}
    with pytest.raises(JobNotFound):
        store.get(rows[0].id)


def test_several_processes_share_the_jobs_and_finish_each_once(store: JobStore, database_url: str) -> None:
    program = (
        "import sys; from darkroom.database.connection import Database\n"
        "from darkroom.jobs.store import JobStore, Made\n"
        "made = Made(name='', digest=sys.argv[2] * 64, bytes=9, format='png', width=3, height=2, frames=1)\n"
        "store = JobStore(Database(sys.argv[1])); done = 0\n"
        "while (row := store.lease(['light'], sys.argv[2], 60)) is not None:\n"
        "    done += store.complete(row.id, sys.argv[2], [made], {})\n"
        "print(done)\n"
    )
    for number in range(40):
        store.submit(new(name=str(number)))
    running = [
        subprocess.Popen([sys.executable, "-c", program, database_url, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    counts = [int(process.communicate()[0]) for process in running]
    assert sum(counts) == 40
    assert store.depth() == {"completed": 40}


def test_leases_are_quick_with_many_jobs(store: JobStore, database: Database) -> None:
    with database.session() as session:
        session.add_all(JobRow(source="0" * 64, operations=[]) for _ in range(5000))
    started = time.perf_counter()
    for _ in range(20):
        assert store.lease(["light"], "one", 60) is not None
    assert time.perf_counter() - started < 2.0


class Life(RuleBasedStateMachine):
    """Whatever happens, in whatever order: what is finished stays as it is, and what is accepted is never lost."""

    jobs = Bundle("jobs")
    url = "sqlite://"

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(self.url)
        self.database.migrate()
        with self.database.session() as session:
            session.execute(delete(JobRow))
        self.store = JobStore(self.database)
        self.accepted: set[str] = set()
        self.ended: dict[str, tuple[str, str | None]] = {}

    @rule(target=jobs, lane=sampled_from(["light", "heavy"]), priority=integers(0, 3))
    def submit(self, lane: str, priority: int) -> str:
        row, _ = self.store.submit(new(lane=lane, priority=priority))
        self.accepted.add(row.id)
        return row.id

    @rule(target=jobs)
    def submit_by_address(self) -> str:
        row, _ = self.store.submit(by_address())
        self.accepted.add(row.id)
        return row.id

    @rule(holder=sampled_from(["one", "two"]))
    def lease_scan(self, holder: str) -> None:
        self.store.lease_scan(holder, 60)

    @rule(job=jobs, holder=sampled_from(["one", "two"]))
    def lease_one(self, job: str, holder: str) -> None:
        self.store.lease_one(job, holder, 60)

    @rule(job=jobs, holder=sampled_from(["one", "two"]))
    def scanned(self, job: str, holder: str) -> None:
        self.store.scanned(job, holder, taken("5"))

    @rule(job=jobs, holder=sampled_from(["one", "two"]))
    def release(self, job: str, holder: str) -> None:
        self.store.release(job, holder)

    @rule(holder=sampled_from(["one", "two"]))
    def lease(self, holder: str) -> None:
        self.store.lease(["light", "heavy"], holder, 60)

    @rule(job=jobs, holder=sampled_from(["one", "two"]))
    def complete(self, job: str, holder: str) -> None:
        self.store.complete(job, holder, made(holder[0]), {})

    @rule(job=jobs, holder=sampled_from(["one", "two"]), passing=booleans(), died=booleans())
    def fail(self, job: str, holder: str, passing: bool, died: bool) -> None:
        self.store.fail(job, holder, PASSING, passing=passing, died=died)

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        self.store.cancel(job)

    @rule()
    def pass_time(self) -> None:
        awake(self.database)
        self.store.expire()

    @invariant()
    def nothing_is_lost_and_what_is_finished_stays(self) -> None:
        rows = {row.id: row for row in self.store.listed(most=1000)}
        assert set(rows) == self.accepted
        for job, row in rows.items():
            if job in self.ended:
                assert (row.state, row.result) == self.ended[job]
            elif row.state in DONE:
                self.ended[job] = (row.state, row.result)
            if row.state == "scanning":
                assert not row.source
            if row.state in ("pending", "processing", "completed"):
                assert row.source
                assert (row.holder is not None) == (row.state == "processing")
            assert (row.holder is None) == (row.held_until is None)
            assert row.holder is None or row.state in HELD
            assert (row.finished is not None) == (row.state in DONE)

    def teardown(self) -> None:
        self.database.close()


TestLife = Life.TestCase
TestLife.settings = hypothesis_settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_a_life_in_postgresql(postgres: Postgres) -> None:
    class There(Life):
        url = postgres.new_database()

    run_state_machine_as_test(
        There, settings=hypothesis_settings(max_examples=8, stateful_step_count=30, deadline=None)
    )
