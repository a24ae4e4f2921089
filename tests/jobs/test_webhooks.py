"""Messages to webhooks: they arrive at least once, signed, whatever the receiver does and whoever is killed.

The receivers are real servers; time is given by the test. About 6 seconds.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from darkroom.database.connection import Database
from darkroom.database.schema import DeliveryRow
from darkroom.egress import Egress
from darkroom.errors import ConfigurationError, DeliveryNotFound, SignatureInvalid
from darkroom.jobs.deliveries import DeliveryStore
from darkroom.jobs.outbox import host_of
from darkroom.jobs.signatures import new_secret, verify
from darkroom.jobs.store import JobStore, NewJob
from darkroom.jobs.webhooks import AT_ONE_HOST, JITTER, LONGEST_ASKED, PAUSES, SPARE_SECONDS, Deliverer, webhook_secrets
from darkroom.settings import Settings

BODY = '{"type":"job.completed","timestamp":"2026-11-21T10:00:00Z","data":{"name":"Schuh \u00fc.png"}}'


class Clock:
    """The time, which passes as the test says."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_seconds(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Receiver:
    """A server that notes what it is sent, and answers as it is told; with 204 when nothing is left to say."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/hook?token=secret")
        self.requests: list[Request] = []
        self.answers: list[Response] = []
        self.came = threading.Semaphore(0)
        server.expect_request("/hook", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        request.get_data(cache=True)
        self.requests.append(request)
        self.came.release()
        return self.answers.pop(0) if self.answers else Response(status=204)

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> DeliveryStore:
    return DeliveryStore(database, clock)


@pytest.fixture
def deliverer(settings: Settings, database: Database, clock: Clock) -> Deliverer:
    return Deliverer(settings, database, clock=clock)


@pytest.fixture
def receiver(httpserver: HTTPServer) -> Receiver:
    return Receiver(httpserver)


def message(database: Database, clock: Clock, url: str, **changes: Any) -> str:
    """A message that is due; gives its identifier."""
    with database.session() as session:
        moment = clock()
        row = DeliveryRow(
            **{"event": "job.completed", "url": url, "host": host_of(url), "body": BODY, "not_before": moment,
               "created": moment, **changes}
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


# --- the usual way ---------------------------------------------------------------------------------------------------


def test_a_job_that_ends_is_told_and_the_receiver_can_trust_it(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    """From the job to the receiver, with the threads that a server runs."""
    jobs = JobStore(database)
    deliverer = Deliverer(settings, database)
    deliverer.start()
    try:
        row, _ = jobs.submit(NewJob(source="0" * 64, operations=[], webhook_url=receiver.url, owner="me"))
        jobs.cancel(row.id)
        deliverer.wake()
        assert receiver.came.acquire(timeout=10)
    finally:
        deliverer.stop()
    (request,) = receiver.requests
    verify(webhook_secrets(settings, database), dict(request.headers), request.get_data())
    assert request.json is not None
    assert request.json["type"] == "job.cancelled"
    assert request.json["data"]["id"] == row.id
    assert request.headers["content-type"] == "application/json"
    (told,) = DeliveryStore(database).listed(job_id=row.id)
    assert (told.state, told.status, told.attempts, told.id) == ("delivered", 204, 1, receiver.ids[0])
    assert told.finished is not None


def test_the_body_is_signed_as_it_is_sent(
    deliverer: Deliverer, settings: Settings, database: Database, clock: Clock, receiver: Receiver
) -> None:
    message(database, clock, receiver.url)
    assert deliverer.deliver_next()
    assert not deliverer.deliver_next()
    (request,) = receiver.requests
    assert request.get_data() == BODY.encode()
    secrets = webhook_secrets(settings, database)
    verify(secrets, dict(request.headers), BODY.encode(), moment=clock())
    with pytest.raises(SignatureInvalid):
        verify([new_secret()], dict(request.headers), BODY.encode(), moment=clock())


def test_while_secrets_rotate_both_receivers_understand(
    settings: Settings, database: Database, clock: Clock, receiver: Receiver
) -> None:
    old, fresh = new_secret(), new_secret()
    rotating = settings.with_changes({"webhooks.secrets": [fresh, old]})
    message(database, clock, receiver.url)
    Deliverer(rotating, database, clock=clock).deliver_next()
    (request,) = receiver.requests
    for secret in (old, fresh):
        verify([secret], dict(request.headers), BODY.encode(), moment=clock())


def test_the_secret_of_a_database_is_shared_and_a_wrong_one_is_refused_at_the_start(
    settings: Settings, database: Database
) -> None:
    (own,) = webhook_secrets(settings, database)
    assert webhook_secrets(settings, Database(str(database.url))) == [own]
    with pytest.raises(ConfigurationError, match="24 to 64"):
        Deliverer(settings.with_changes({"webhooks.secrets": ["whsec_short"]}), database)


def test_it_is_in_the_ledger_without_its_query(
    deliverer: Deliverer, settings: Settings, database: Database, clock: Clock, receiver: Receiver
) -> None:
    message(database, clock, receiver.url, job_id="j" * 32)
    deliverer.deliver_next()
    (entry,) = Egress(settings).ledger.entries(purpose="webhook")
    assert (entry.path, entry.method, entry.job, entry.status) == ("/hook", "POST", "j" * 32, 204)
    assert entry.sent == len(BODY.encode())


# --- receivers that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 404, 302, 304])
def test_whatever_is_not_2xx_is_sent_again_later_under_the_same_identifier(
    status: int, deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock, receiver: Receiver
) -> None:
    receiver.answers = [Response("no", status, {"Location": "/hook"})]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.status, row.attempts) == ("pending", status, 1)
    assert row.error == f"127.0.0.1 answered with status {status}."
    pause = (row.not_before - clock()).total_seconds()
    assert PAUSES[0] <= pause <= PAUSES[0] * (1 + JITTER)
    clock.pass_seconds(pause - 0.001)
    assert not deliverer.deliver_next()
    clock.pass_seconds(0.001)
    assert deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.status, row.attempts, row.error) == ("delivered", 204, 2, None)
    assert receiver.ids == [known, known]
    times = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert times[1] > times[0], "each attempt has its own time"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_may_ask_for_a_pause(
    status: int,
    form: str,
    deliverer: Deliverer,
    store: DeliveryStore,
    database: Database,
    clock: Clock,
    receiver: Receiver,
) -> None:
    asked = "120" if form == "seconds" else format_datetime(clock() + timedelta(seconds=120), usegmt=True)
    receiver.answers = [Response(status=status, headers={"Retry-After": asked})]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    assert store.get(known).not_before == clock() + timedelta(seconds=120)
    clock.pass_seconds(119)
    assert not deliverer.deliver_next()
    clock.pass_seconds(1)
    assert deliverer.deliver_next()
    assert store.get(known).state == "delivered"


@pytest.mark.parametrize(
    ("asked", "status", "most"),
    [("9" * 400, 503, LONGEST_ASKED), ("-5", 503, 6), ("soon", 429, 6), ("0", 429, 6), ("600", 500, 6)],
)
def test_but_not_for_any_pause(
    asked: str, status: int, most: float, deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock,
    receiver: Receiver,
) -> None:  # fmt: skip
    receiver.answers = [Response(status=status, headers={"Retry-After": asked})]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    assert PAUSES[0] <= (store.get(known).not_before - clock()).total_seconds() <= most


def test_after_so_many_attempts_it_is_given_up(
    settings: Settings, store: DeliveryStore, database: Database, clock: Clock, receiver: Receiver
) -> None:
    deliverer = Deliverer(settings, database, clock=clock)
    receiver.answers = [Response(status=500) for _ in range(settings.webhooks.attempts)]
    known = message(database, clock, receiver.url)
    started = clock()
    while deliverer.deliver_next():
        clock.moment = max(store.get(known).not_before, clock())
    row = store.get(known)
    assert (row.state, row.status, row.attempts) == ("failed", 500, settings.webhooks.attempts)
    assert row.finished is not None
    assert len(receiver.requests) == settings.webhooks.attempts
    assert timedelta(days=1) < clock() - started < timedelta(days=2)


def test_who_is_gone_is_not_asked_again(
    deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock, receiver: Receiver
) -> None:
    receiver.answers = [Response(status=410)]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.status, row.attempts) == ("failed", 410, 1)


def test_a_receiver_that_is_away_is_asked_again_and_its_address_is_not_kept_in_the_error(
    deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock
) -> None:
    with HTTPServer("127.0.0.1", 0) as server:
        url = server.url_for("/hook?token=secret").replace("//", "//me:password@")
    known = message(database, clock, url)
    deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.status) == ("pending", None)
    assert row.error is not None
    assert "failed" in row.error
    assert "secret" not in row.error
    assert "password" not in row.error


@pytest.mark.parametrize(
    "url", ["ftp://shop.example/", "nonsense", "http://[::1", "http://a b/", "http://127.0.0.1:x/"]
)
def test_what_is_no_address_ends_in_an_error(
    url: str, deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock
) -> None:
    known = message(database, clock, url)
    deliverer.deliver_next()
    row = store.get(known)
    assert row.error
    assert row.status is None


def test_an_answer_without_end_is_not_read(
    settings: Settings, store: DeliveryStore, database: Database, clock: Clock, httpserver: HTTPServer
) -> None:
    left = threading.Event()

    def for_ever() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            left.set()

    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(for_ever(), 200))
    known = message(database, clock, httpserver.url_for("/hook"))
    Deliverer(settings, database, clock=clock).deliver_next()
    assert store.get(known).state == "delivered"
    assert left.wait(10)


# --- what is not allowed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.1.2.3/hook", "private"),
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("http://localhost/hook", "own network"),
        ("http://[::ffff:10.0.0.1]/hook", "private"),
        ("http://2130706433/hook", "loopback"),
    ],
)
def test_an_address_of_the_own_network_is_refused_at_once(
    url: str, said: str, deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock
) -> None:
    known = message(database, clock, url)
    deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.attempts, row.status) == ("failed", 1, None)
    assert said in (row.error or "")


def test_a_redirect_into_the_own_network_leads_nowhere(
    deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock, receiver: Receiver
) -> None:
    receiver.answers = [Response(status=307, headers={"Location": "http://10.0.0.1/"})]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    assert store.get(known).status == 307
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("change", [{"offline": True}, {"egress.webhook": False}])
def test_what_the_settings_do_not_allow_fails_at_once_and_may_be_sent_later(
    change: dict[str, Any],
    settings: Settings,
    store: DeliveryStore,
    database: Database,
    clock: Clock,
    receiver: Receiver,
) -> None:
    known = message(database, clock, receiver.url)
    Deliverer(settings.with_changes(change), database, clock=clock).deliver_next()
    assert store.get(known).state == "failed"
    assert "was not contacted" in (store.get(known).error or "")
    assert receiver.requests == []
    store.replay(known)
    Deliverer(settings, database, clock=clock).deliver_next()
    assert store.get(known).state == "delivered"


def test_a_name_that_is_not_known_now_may_be_later(
    deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that is away for a minute must not cost all messages."""
    monkeypatch.setattr("darkroom.addresses.system_resolve", lambda host, port: [])
    known = message(database, clock, "https://shop.example/hook")
    deliverer.deliver_next()
    row = store.get(known)
    assert (row.state, row.error) == ("pending", "shop.example has no address.")


# --- many, and at once -----------------------------------------------------------------------------------------------


def test_a_receiver_that_does_not_answer_holds_up_nobody_else(
    settings: Settings, store: DeliveryStore, database: Database, receiver: Receiver
) -> None:
    """Its messages take as many places as one host may have; they are cut off by the clock."""
    clock = Clock()
    with HTTPServer("127.0.0.1", 0) as slow:
        enough, asked = threading.Event(), threading.Semaphore(0)

        def wait(_: Request) -> Response:
            asked.release()
            enough.wait(20)
            return Response(status=200)

        slow.expect_request("/hook").respond_with_handler(wait)
        stuck = [message(database, clock, slow.url_for("/hook"), host="slow.example") for _ in range(20)]
        fine = [message(database, clock, receiver.url) for _ in range(10)]
        deliverer = Deliverer(settings.with_changes({"webhooks.timeout_seconds": 30}), database, clock=clock)
        deliverer.start()
        try:
            for _ in range(10):
                assert receiver.came.acquire(timeout=10)
            states = [store.get(known).attempts for known in stuck]
            assert sum(states) == AT_ONE_HOST
        finally:
            enough.set()
            deliverer.stop()
    assert sorted(receiver.ids) == sorted(fine)


def test_a_receiver_that_drips_its_answer_is_cut_off(
    settings: Settings, store: DeliveryStore, database: Database, clock: Clock
) -> None:
    """Byte by byte it could hold a connection for hours."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                try:
                    while True:
                        connection.sendall(b"x")
                        stopped.wait(0.05)
                except OSError:
                    stopped.set()

        stopped = threading.Event()
        dripping = threading.Thread(target=drip)
        dripping.start()
        known = message(database, clock, f"http://127.0.0.1:{listening.getsockname()[1]}/hook")
        quick = settings.with_changes({"webhooks.timeout_seconds": 0.5})
        started = datetime.now(UTC)
        Deliverer(quick, database, clock=clock).deliver_next()
        assert datetime.now(UTC) - started < timedelta(seconds=5)
        assert store.get(known).error == "127.0.0.1 took too long."
        dripping.join(10)
        assert stopped.is_set()


def test_several_servers_send_each_message_once(settings: Settings, database: Database, receiver: Receiver) -> None:
    clock = Clock()
    sent = {message(database, clock, receiver.url) for _ in range(30)}
    servers = [Deliverer(settings, Database(str(database.url)), clock=clock) for _ in range(3)]
    for server in servers:
        server.start()
    for _ in sent:
        assert receiver.came.acquire(timeout=20)
    for server in servers:
        server.stop()
    assert sorted(receiver.ids) == sorted(sent)
    assert {row.state for row in DeliveryStore(database).listed()} == {"delivered"}


SENDING = """
import sys
from datetime import datetime
from darkroom.database.connection import Database
from darkroom.jobs.webhooks import Deliverer
from darkroom.settings import Settings
moment = datetime.fromisoformat(sys.argv[2])
Deliverer(Settings(), Database(sys.argv[1]), clock=lambda: moment).deliver_next()
"""


def test_what_is_killed_in_the_middle_is_sent_again(
    deliverer: Deliverer,
    settings: Settings,
    store: DeliveryStore,
    database: Database,
    clock: Clock,
    httpserver: HTTPServer,
) -> None:
    """The receiver has it, the sender dies before it knows: it comes once more, under the same identifier."""
    ids: list[str] = []
    started = threading.Event()
    sender: list[subprocess.Popen[bytes]] = []

    def answer(request: Request) -> Response:
        ids.append(request.headers["webhook-id"])
        if len(ids) == 1:
            started.wait(10)
            os.kill(sender[0].pid, signal.SIGKILL)
            sender[0].wait()
        return Response(status=200)

    httpserver.expect_request("/hook").respond_with_handler(answer)
    known = message(database, clock, httpserver.url_for("/hook"))
    sender.append(subprocess.Popen([sys.executable, "-c", SENDING, str(database.url), clock().isoformat()]))
    started.set()
    assert sender[0].wait(20) == -signal.SIGKILL
    assert (store.get(known).state, store.get(known).attempts) == ("pending", 1)
    assert not deliverer.deliver_next(), "it may still be on its way"
    clock.pass_seconds(settings.webhooks.timeout_seconds + SPARE_SECONDS)
    assert deliverer.deliver_next()
    assert ids == [known, known]
    assert (store.get(known).state, store.get(known).attempts) == ("delivered", 2)


# --- looking, and sending again --------------------------------------------------------------------------------------


def test_replay_sends_it_again_under_the_same_identifier(
    deliverer: Deliverer, store: DeliveryStore, database: Database, clock: Clock, receiver: Receiver
) -> None:
    receiver.answers = [Response(status=200), Response(status=410)]
    known = message(database, clock, receiver.url)
    deliverer.deliver_next()
    for state in ("delivered", "failed"):
        assert store.get(known).state == state
        row = store.replay(known)
        assert (row.state, row.attempts, row.finished, row.error) == ("pending", 0, None, None)
        assert deliverer.deliver_next()
    assert store.get(known).state == "delivered"
    assert receiver.ids == [known] * 3
    with pytest.raises(DeliveryNotFound):
        store.replay("nobody")


def test_what_is_pending_is_not_hurried_by_a_replay(store: DeliveryStore, database: Database, clock: Clock) -> None:
    known = message(database, clock, "https://shop.example/", not_before=clock() + timedelta(hours=1))
    assert store.replay(known).not_before == clock() + timedelta(hours=1)


def test_a_late_failure_does_not_undo_what_another_has_begun(
    store: DeliveryStore, database: Database, clock: Clock
) -> None:
    known = message(database, clock, "https://shop.example/")
    late = store.take(60)
    clock.pass_seconds(61)
    second = store.take(60)
    assert late is not None
    assert second is not None
    store.failed(late, status=500, error="late", again=None)
    assert store.get(known).state == "pending"
    store.delivered(late, 200)
    store.failed(second, status=500, error="it has arrived all the same", again=None)
    assert (store.get(known).state, store.get(known).error) == ("delivered", None)


def test_messages_are_found_by_what_they_are_about(store: DeliveryStore, database: Database, clock: Clock) -> None:
    about: list[dict[str, Any]] = [{"owner": "me", "job_id": "j1"}, {"owner": "me", "batch_id": "b1"}, {"owner": "you"}]
    made = []
    for changes in about:
        clock.pass_seconds(1)
        made.append(message(database, clock, "https://shop.example/", **changes))
    assert [row.id for row in store.listed()] == made[::-1]
    assert [row.id for row in store.listed(owner="me")] == made[1::-1]
    assert [row.id for row in store.listed(job_id="j1")] == made[:1]
    assert [row.id for row in store.listed(batch_id="b1")] == made[1:2]
    assert [row.id for row in store.listed(after=(clock(), ""), most=1)] == made[1:2]
    assert store.listed(state="failed") == []
    assert store.get(made[0]).owner == "me"
    with pytest.raises(DeliveryNotFound):
        store.get("nobody")
