"""Jobs through Celery and Redis, to any number of machines that run ``darkroom worker``.

The table of jobs stays the truth. A message carries a job's identifier and nothing else, and says no more than that
there may be something to do: who gets one leases that job in the table, and where that is not possible (it is done,
cancelled, or held by another) ends quietly. So messages may come twice or not at all. Whoever sends or takes them also
looks now and then for jobs that wait though nobody has a message for them, as after Redis has lost its memory or a
machine its power, and sends theirs again.

There are two queues, ``light`` and ``heavy``, as there are lanes; pictures named by an address are fetched by way of
the light one. A batch is its jobs, each with a message of its own. No results are kept in Redis.
"""

from __future__ import annotations

import importlib
import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from darkroom.addresses import is_loopback
from darkroom.database.schema import now
from darkroom.egress import Egress
from darkroom.errors import ConfigurationError, DarkroomError, ExtraMissing, QueueFailed
from darkroom.jobs import carrying
from darkroom.jobs.budget import Budget
from darkroom.jobs.carrier import CLEAN_UP_SECONDS, CleanUp
from darkroom.jobs.carrying import Ended, Means, holder_name
from darkroom.jobs.store import LANES, Lane, State
from darkroom.jobs.worker import WorkerPool

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow
    from darkroom.intake import Intake
    from darkroom.jobs.store import JobStore
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

log = logging.getLogger("darkroom.jobs")

PROCESS, SCAN, CLEAN_UP = "darkroom.process", "darkroom.scan", "darkroom.clean_up"
SWEEP_SECONDS = 5.0
"""How often it is looked for jobs whose message or holder is lost."""
AGAIN_SECONDS = 10.0
"""How long a job waits before its message may be called lost."""
MOST_AGAIN = 1000
"""Messages that are sent again at a time."""
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 30.0
"""How long Redis may take to accept a connection, and to answer."""
FREE_SECONDS = 0.05
"""How often a worker of Celery's looks whether a thread of it is free."""
PREFIX = "darkroom:"
"""What the names of all that is kept in Redis start with."""
_ENVIRONMENT = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")


@dataclass(frozen=True, slots=True)
class _Note:
    """What is to be sent of a job: its identifier, by which task and queue, and how soon (0 is first, 9 last)."""

    job_id: str
    task: str
    queue: Lane
    priority: int

    @classmethod
    def of(cls, row: JobRow) -> _Note:
        scanning = row.state == "scanning"
        lane: Lane = "heavy" if row.lane == "heavy" and not scanning else "light"
        return cls(row.id, SCAN if scanning else PROCESS, lane, min(max(5 - row.priority, 0), 9))


class CeleryCarrier:
    """Sends the messages of jobs. A :class:`darkroom.jobs.carrier.Carrier`; the work is done elsewhere.

    While Redis is away nothing is lost and nobody waits: what could not be sent is found in the table later.

    Args:
        settings: ``jobs.broker_url`` is where Redis is.
        store: of the jobs.
        cleans: whether to have some worker do housekeeping now and then.

    Raises:
        ExtraMissing: Celery is not installed.
        ConfigurationError: the address is none of Redis.
        NetworkError: the settings do not allow to contact Redis.
    """

    def __init__(self, settings: Settings, store: JobStore, *, cleans: bool = False) -> None:
        _permit(settings)
        self._settings = settings
        self._store = store
        self._app = _app(settings)
        self._cleans = cleans
        self._asked: queue.SimpleQueue[Sequence[_Note] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="darkroom-sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not sent yet is found in the table by whoever comes next."""
        self._stopping.set()
        self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=15.0)
        self._app.close()

    def wake(self, rows: Sequence[JobRow] = ()) -> None:
        """Send these jobs, or where none is named all that wait and have no message."""
        self._asked.put([_Note.of(row) for row in rows] if rows else None)

    def check(self) -> str:
        """Try Redis. Raises QueueFailed."""
        return _check(self._settings)

    def _run(self) -> None:
        sweeps, cleans = 0.0, 0.0
        while not self._stopping.is_set():
            try:
                notes, asked = self._asked.get(timeout=max(0.0, sweeps - time.monotonic())), True
            except queue.Empty:
                notes, asked = None, False
            if self._stopping.is_set():
                break
            try:
                # Also where there is something to send all the time.
                if time.monotonic() >= sweeps:
                    sweeps = time.monotonic() + SWEEP_SECONDS
                    self._store.expire()
                    self._send_again(AGAIN_SECONDS)
                if notes is not None:
                    self._send(notes)
                elif asked:
                    self._send_again(0.0)
                if self._cleans and time.monotonic() >= cleans:
                    self._app.send_task(CLEAN_UP, queue="light", priority=9, expires=CLEAN_UP_SECONDS)
                    cleans = time.monotonic() + CLEAN_UP_SECONDS
            except Exception as error:
                # The database or Redis is away for a moment. What waits to be sent is in the table.
                log.warning("jobs were not sent, which is tried again: %s", error)
                self._forget()

    def _forget(self) -> None:
        try:
            while True:
                self._asked.get_nowait()
        except queue.Empty:
            pass

    def _send(self, notes: Sequence[_Note]) -> None:
        for note in notes:
            self._app.send_task(note.task, args=[note.job_id], queue=note.queue, priority=note.priority)

    def _send_again(self, seconds: float) -> None:
        """Send jobs that have waited for so long, as many as there are fewer messages than jobs that wait."""
        rows = self._store.waiting(LANES, 0.0, MOST_AGAIN)
        if not rows:
            return
        long_ago = now() - timedelta(seconds=seconds)
        with self._app.connection_for_write() as connection:
            for name in LANES:
                here = [row for row in rows if _Note.of(row).queue == name]
                if here:
                    missing = len(here) - connection.default_channel.queue_declare(name).message_count
                    late = [_Note.of(row) for row in here if row.changed <= long_ago]
                    self._send(late[: max(0, missing)])


class CeleryWorker:
    """Takes jobs from Redis and carries them out, until it is stopped; also sends again what was lost.

    A :class:`darkroom.jobs.carrier.Carrier`. Each queue has threads of its own, and each thread a worker process, which
    the limits of the settings end without harm to others.

    Args:
        settings: that worker processes get.
        store: of the jobs.
        storage: of their files.
        light: jobs at once of the queue for light work; 0 takes none from it.
        heavy: jobs at once of the queue for work that may use a network.
        intake: fetches pictures that are named by an address.
        clean_up: housekeeping, done when a message asks for it.
        ended: is told of jobs that were worked on here.
        budget: memory that all of them share; by default one of their own.

    Raises as :class:`CeleryCarrier`.
    """

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        storage: Storage,
        *,
        light: int = 1,
        heavy: int = 1,
        intake: Intake | None = None,
        clean_up: CleanUp | None = None,
        ended: Ended | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._means = Means(settings, store, storage, intake, ended)
        self._sender = CeleryCarrier(settings, store)
        self._processes = _Processes(settings, budget or Budget.from_settings(settings))
        self._clean_up = clean_up
        counts: dict[Lane, int] = {"light": light, "heavy": heavy}
        self._threads = [
            threading.Thread(
                target=self._consume, args=(name, self._app(), count), name=f"darkroom-{name}", daemon=True
            )
            for name, count in counts.items()
            if count
        ]

    def start(self) -> None:
        """Begin."""
        self._sender.start()
        _state().should_stop = None
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End: no more jobs are taken, and those that run are given back."""
        self._means.stopping.set()
        _state().should_stop = os.EX_OK
        until = time.monotonic() + 15.0
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=max(0.0, until - time.monotonic()))
        self._processes.close()
        self._sender.stop()

    def wake(self, rows: Sequence[JobRow] = ()) -> None:
        """Send these jobs, or where none is named all that wait and have no message."""
        self._sender.wake(rows)

    def check(self) -> str:
        """Try Redis. Raises QueueFailed."""
        return _check(self._means.settings)

    def _app(self) -> Any:
        """An application of Celery's with the tasks: one for each queue, since it is there that queues are chosen."""
        app = _app(self._means.settings)
        # Its threads take the tasks from the one that is the default; all have the same.
        app.set_default()
        # Shared ones would be those of whatever worker was made in this process before, and has ended.
        app.task(name=PROCESS, shared=False)(self._process)
        app.task(name=SCAN, shared=False)(self._scan)
        app.task(name=CLEAN_UP, shared=False)(self._clean)
        return app

    def _consume(self, name: Lane, app: Any, threads: int) -> None:
        while not self._means.stopping.is_set():
            try:
                app.WorkController(
                    pool="threads",
                    consumer_cls=_consumer_class(),
                    concurrency=threads,
                    queues=[name],
                    hostname=holder_name(name),
                    use_eventloop=False,
                    task_events=False,
                    without_gossip=True,
                    without_mingle=True,
                    without_heartbeat=True,
                ).start()
            except Exception:
                log.exception("queue %s: something unexpected", name)
            self._means.stopping.wait(1.0)

    def _process(self, job_id: str) -> None:
        """One message: lease that job, and make its result. Batches are no more than their jobs."""
        row = self._leased(job_id, "pending")
        if row is not None:
            carrying.process(row, row.holder or "", self._means, self._processes.mine())

    def _scan(self, job_id: str) -> None:
        """One message: lease that job, and fetch and scan its picture."""
        if self._means.intake is None:
            return
        row = self._leased(job_id, "scanning")
        if row is not None and carrying.scan(row, row.holder or "", self._means):
            row.state = "pending"
            self._sender.wake([row])

    def _leased(self, job_id: str, state: State) -> JobRow | None:
        """The job, held by a name that nobody else has; None where there is nothing to do."""
        if self._means.stopping.is_set():
            return None
        holder, lease = holder_name("celery"), carrying.LEASE_SECONDS
        with structlog.contextvars.bound_contextvars(job=job_id):
            try:
                row = self._means.store.lease_one(job_id, holder, lease, states=(state,))
            except DarkroomError as error:
                # The database is away for a moment. The job waits there, and is sent again.
                log.warning("job %s: %s", job_id, error)
                return None
            if row is None:
                log.info("job %s does not wait: its message is an old one", job_id)
        return row

    def _clean(self) -> None:
        if self._clean_up is not None:
            self._clean_up()


def _consumer_class() -> Any:
    """Celery's consumer, which looks often whether a thread is free again.

    A thread that is done with its job wakes nobody: the loop would sleep for seconds before it takes the next message.
    """
    base: Any = _library("celery.worker.consumer").Consumer

    class Consumer(base):
        def loop_args(self) -> Any:
            consumer, connection, *others = super().loop_args()
            return consumer, _Impatient(connection), *others

    return Consumer


class _Impatient:
    """A connection that is not waited for as long as it is asked to."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def drain_events(self, timeout: float) -> Any:
        return self._connection.drain_events(timeout=min(timeout, FREE_SECONDS))


class _Processes:
    """A worker process for each thread that asks for one."""

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self._settings = settings
        self._budget = budget
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[WorkerPool] = []

    def mine(self) -> WorkerPool:
        """That of the thread which asks."""
        pool: WorkerPool | None = getattr(self._local, "pool", None)
        if pool is None:
            pool = self._local.pool = WorkerPool(self._settings, budget=self._budget)
            with self._lock:
                self._all.append(pool)
        return pool

    def close(self) -> None:
        """End them all."""
        with self._lock:
            for pool in self._all:
                pool.close()


def _library(name: str) -> Any:
    try:
        importlib.import_module("redis")
        return importlib.import_module(name)
    except ImportError as error:
        raise ExtraMissing("Celery is not installed.", cure="pip install 'darkroom-studio[scale]'") from error


def _state() -> Any:
    return _library("celery.worker.state")


def _app(settings: Settings) -> Any:
    """An application of Celery's as the settings say. Contacts nobody."""
    celery = _library("celery")
    _place(settings)
    for name in _ENVIRONMENT:
        # They would go before the address in the settings, which is the one that is permitted and written down.
        os.environ.pop(name, None)
    app: Any = celery.Celery("darkroom", broker=settings.jobs.broker_url.get_secret_value(), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue="light",
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.2},
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "priority_steps": list(range(10)),
            # Only what takes longer than any job may is given to another by Redis itself.
            "visibility_timeout": settings.limits.job_seconds + 3600.0,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
            "socket_keepalive": True,
        },
    )
    app.conf.task_queues = [_library("kombu").Queue(name) for name in LANES]
    return app


def try_broker(settings: Settings) -> str:
    """Contact Redis once, as the settings allow, and say what waits there.

    Raises QueueFailed, NetworkError, ConfigurationError, and ExtraMissing where Celery is not installed.
    """
    _permit(settings)
    return _check(settings)


def _check(settings: Settings) -> str:
    """Ask Redis for an answer. Raises QueueFailed."""
    redis = _library("redis")
    url = settings.jobs.broker_url.get_secret_value().replace("redis+socket://", "unix://", 1)
    client = redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS)
    try:
        client.ping()
        waiting = {name: client.llen(f"{PREFIX}{name}") for name in LANES}
    except redis.exceptions.RedisError as error:
        raise QueueFailed(
            f"Redis does not answer: {error}.", cure="Start it; until then jobs wait in the database, and none is lost."
        ) from error
    finally:
        client.close()
    return "redis, " + ", ".join(f"{count} {name}" for name, count in waiting.items())


def _place(settings: Settings) -> tuple[str, str, int] | None:
    """Scheme, host and port of Redis; None for a socket of this machine. Raises ConfigurationError."""
    try:
        parts = urlsplit(settings.jobs.broker_url.get_secret_value())
        if parts.scheme == "redis+socket" and parts.path:
            return None
        if parts.scheme in ("redis", "rediss"):
            return parts.scheme, parts.hostname or "localhost", parts.port or 6379
    except ValueError:
        pass
    raise ConfigurationError(
        "jobs.broker_url is no address of Redis.",
        cure="Write redis://host:6379/0, rediss://host:6379/0 or redis+socket:///path.",
        field="jobs.broker_url",
    )


def is_remote(settings: Settings) -> bool:
    """Whether ``jobs.broker_url`` leads to another machine. Raises ConfigurationError where it leads nowhere."""
    place = _place(settings) if settings.jobs.broker_url.get_secret_value() else None
    return place is not None and not is_loopback(place[1])


def _permit(settings: Settings) -> None:
    place = _place(settings)
    if place is not None:
        scheme, host, port = place
        what = "identifiers of jobs"
        Egress(settings).attach(host, port, "broker", scheme=scheme, encrypted=scheme == "rediss", what=what)
