"""Carries one job out that somebody has leased: fetches and scans its picture, or makes its result.

The same for whoever leases: a lane of this process or a task of Celery's. While the work goes on the lease is renewed;
where that is no longer possible the work stops. What cannot be written down at its end, because the database is away
for a moment, is tried until the lease is over, and then left to whoever gets the job next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from darkroom.errors import (
    AddressRefused,
    Cancelled,
    DarkroomError,
    DatabaseFailed,
    EgressRefused,
    NetworkError,
    OfflineRefused,
    OutOfMemory,
    ScannerUnavailable,
    ServiceError,
    StorageFailed,
    WorkerDied,
)
from darkroom.image import Encoding
from darkroom.jobs.results import Results, key_of, models_of, named, repeatable
from darkroom.jobs.store import Made
from darkroom.models.store import Store
from darkroom.pipeline import Pipeline
from darkroom.processing import Request
from darkroom.storage.storage import fetch, put_bytes

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow, ResultRow
    from darkroom.intake import Intake
    from darkroom.jobs.store import JobStore
    from darkroom.jobs.worker import Outcome, WorkerPool
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage, Stored

log = logging.getLogger("darkroom.jobs")

LEASE_SECONDS = 30.0
"""How long nothing may be heard of a holder before its job goes to another."""
RENEW_SECONDS = 2.0
LOOK_SECONDS = 0.5
"""How often who carries a job out looks whether it is to end."""
AGAIN_SECONDS = 0.5
"""Pause before the database is asked again that has just failed."""

T = TypeVar("T")

Ended = Callable[["JobRow", str, "Mapping[str, Any] | None", "DarkroomError | None"], None]
"""Is told of a job that was worked on here: its row as it was leased, the state that it is in now, its report where it
is completed, and what it failed with where it did not. Must not raise."""


@dataclass(frozen=True, slots=True)
class Means:
    """What is needed to carry jobs out. Once ``stopping`` is set, those that run are given back.

    ``intake`` is None where pictures named by an address are somebody else's to fetch.
    """

    settings: Settings
    store: JobStore
    storage: Storage
    intake: Intake | None = None
    ended: Ended | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def results(self) -> Results:
        """Those that are kept, so that the same request is a lookup."""
        return Results(self.store.database, self.storage)


def holder_name(what: str) -> str:
    """A name to hold leases by, that nobody else has: this machine, this process, ``what`` it is, and chance."""
    return f"{platform.node()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:8]}-{what}"[:64]


def process(row: JobRow, holder: str, means: Means, pool: WorkerPool) -> None:
    """Make the result of a job, in a process of ``pool``: from its lease to its end. Raises nothing of the job's."""
    with _ending(row, holder, means):
        with tempfile.TemporaryDirectory(prefix="darkroom-job-", ignore_cleanup_errors=True) as folder:
            far: list[Any] = [0.0, ""]
            work = _process(row, means, pool, Path(folder), far)
            made, report = asyncio.run(_leased(work, row, holder, means, far))
        done = _told(lambda: means.store.complete(row.id, holder, made, report), means)
        if done and means.ended is not None:
            means.ended(row, "completed", report, None)
        log.info("job %s: %s", row.id, "completed" if done else "done too late, its lease was another's")


def scan(row: JobRow, holder: str, means: Means) -> bool:
    """Fetch, check and store a job's picture: from its lease until it is pending; True where it is."""
    assert means.intake is not None
    assert row.source_url is not None
    with _ending(row, holder, means):
        work = means.intake.fetch(row.source_url, job=row.id)
        taken = asyncio.run(_leased(work, row, holder, means, [0.0, "fetching the picture"]))
        return _told(lambda: means.store.scanned(row.id, holder, taken), means)
    return False


def may_pass(error: DarkroomError) -> bool:
    """Whether the same job may succeed at another time."""
    if isinstance(error, (OfflineRefused, EgressRefused, AddressRefused)):
        return False
    return isinstance(error, (NetworkError, OutOfMemory, StorageFailed, ServiceError, ScannerUnavailable))


class _GivenBack(Exception):
    """Its holder ends before the job does."""


class _Lost(Exception):
    """The job was cancelled, or its lease is another's by now."""


@contextlib.contextmanager
def _ending(row: JobRow, holder: str, means: Means) -> Generator[None]:
    """Says how a job ended, by the error that the work raises. Until then all lines of the log have its id."""
    with structlog.contextvars.bound_contextvars(job=row.id):
        try:
            yield
        except Exception as error:
            try:
                _say(error, row, holder, means)
            except DatabaseFailed as failed:
                log.warning("job %s is left to whoever gets it next: %s", row.id, failed)


def _say(error: Exception, row: JobRow, holder: str, means: Means) -> None:
    store, stopping = means.store, means.stopping.is_set()
    if isinstance(error, DatabaseFailed):
        raise error
    # Who ends a holder often ends its worker too: all processes of a group get the signal.
    if isinstance(error, _GivenBack) or (stopping and isinstance(error, WorkerDied)):
        _told(lambda: store.release(row.id, holder), means)
    elif isinstance(error, (_Lost, Cancelled)):
        _told(lambda: store.cancelled(row.id, holder), means)
    else:
        known = error if isinstance(error, DarkroomError) else _unexpected(row, error)
        passing, died = may_pass(known), isinstance(known, WorkerDied)
        state = _told(lambda: store.fail(row.id, holder, known, passing=passing, died=died), means)
        if state is not None and means.ended is not None:
            means.ended(row, state, None, known)
        log.warning("job %s: %s, now %s", row.id, known, state)


def _unexpected(row: JobRow, error: Exception) -> DarkroomError:
    name = row.name or "the picture"
    if isinstance(error, OSError):
        return StorageFailed(
            f"{name} cannot be worked on here: {error.strerror or error}.", cure="Make room in the temporary folder."
        )
    log.error("job %s: something unexpected", row.id, exc_info=error)
    return DarkroomError(
        f"Something unexpected happened with {name}: {type(error).__name__}: {error}.",
        cure="This is a fault of Darkroom; its log shows where.",
    )


async def _leased(work: Coroutine[Any, Any, T], row: JobRow, holder: str, means: Means, far: list[Any]) -> T:
    """The result of some work; meanwhile the lease is renewed and told how ``far`` it is.

    Raises what the work raises; _GivenBack, _Lost where it was stopped.
    """
    task = asyncio.ensure_future(work)
    renewed = asked = time.monotonic()
    stopped: Exception | None = None
    while not task.done():
        await asyncio.wait([task], timeout=min(LOOK_SECONDS, RENEW_SECONDS))
        now = time.monotonic()
        if task.done():
            break
        if means.stopping.is_set():
            stopped = _GivenBack()
        elif now - asked >= RENEW_SECONDS:
            asked = now
            try:
                held = await asyncio.to_thread(means.store.renew, row.id, holder, LEASE_SECONDS, *far)
                renewed = now
            except DarkroomError as error:
                log.warning("%s", error)
                # Somebody else may have it by now; two must not work on it for longer than that.
                held = now - renewed <= LEASE_SECONDS
            stopped = None if held else _Lost()
        if stopped is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()
            raise stopped
    return task.result()


async def _process(
    row: JobRow, means: Means, pool: WorkerPool, folder: Path, far: list[Any]
) -> tuple[list[Made], dict[str, Any]]:
    """What comes of a job, and its report: looked up where the same was made before."""
    pipeline, encoding, storage = Pipeline(row.operations), Encoding(**row.encoding), means.storage
    key, models = await asyncio.to_thread(_key, row, pipeline, encoding, means)
    kept = await _looked_up(key, means)
    if kept is not None:
        made = Made("", kept.digest, kept.bytes, kept.format, kept.width, kept.height, kept.frames)
        return [made], named(kept.report, row.name or None)
    source = folder / "source"
    digests = {row.source: source}
    for digest in row.pictures.values():
        digests.setdefault(digest, folder / f"picture-{len(digests)}")
    for digest, path in digests.items():
        await fetch(storage, digest, path)
    request = Request(
        source,
        pipeline,
        encoding=encoding,
        name=row.name or None,
        pictures={reference: digests[digest] for reference, digest in row.pictures.items()},
    )

    def advance(fraction: float, doing: str) -> None:
        far[:] = fraction, doing

    job = pool.submit(request, on_progress=advance)
    try:
        while not (await asyncio.to_thread(wait, [job.future], LOOK_SECONDS)).done:
            pass
    except BaseException:
        job.cancel()
        raise
    outcome = job.result()
    made = await _kept(outcome, means)
    if key is not None and repeatable(pipeline, means.settings, outcome.report, models):
        try:
            await means.results.keep(key, row.source, made[0], outcome.report)
        except DatabaseFailed as failed:
            # The same request will be work again. That is no reason to do this one again.
            log.warning("job %s: its result is not kept for others: %s", row.id, failed)
    return made, outcome.report.model_dump(mode="json")


async def _looked_up(key: str | None, means: Means) -> ResultRow | None:
    """The result that is kept under the key; None where none is, or nobody can say."""
    try:
        return await means.results.find(key) if key is not None else None
    except DatabaseFailed as failed:
        log.warning("%s", failed)
        return None


def _key(row: JobRow, pipeline: Pipeline, encoding: Encoding, means: Means) -> tuple[str | None, dict[str, str]]:
    """The key under which a result is kept, None where it is not, and the models that it is made of."""
    if not repeatable(pipeline, means.settings):
        return None, {}
    models = models_of(pipeline, Store.from_settings(means.settings))
    return key_of(row.source, pipeline, encoding, row.pictures, models=models, settings=means.settings), models


async def _kept(outcome: Outcome, means: Means) -> list[Made]:
    """Store the result and what was made beside it; the result comes first.

    The database, in which files are claimed, may be away for a moment: what was made is not thrown away for that.
    """
    assert outcome.data is not None
    assert outcome.report.output is not None
    made: list[Made] = []
    parts = [("", outcome.data, outcome.report.output)]
    parts += [(part.name or "", outcome.attachments[part.name or ""], part) for part in outcome.report.attachments]
    for name, data, about in parts:
        stored = await _stored(data, means)
        made.append(
            Made(
                name=name,
                digest=stored.digest,
                bytes=stored.size,
                format=about.format or "",
                width=about.width,
                height=about.height,
                frames=about.frames,
            )
        )
    return made


async def _stored(data: bytes, means: Means) -> Stored:
    patience = _Patience(means)
    while True:
        try:
            return await put_bytes(means.storage, data)
        except DatabaseFailed as error:
            if not patience.lasts(error):
                raise
            await asyncio.sleep(AGAIN_SECONDS)


def _told(say: Callable[[], T], means: Means) -> T:
    """Tell the database something, again where it is away, while patience lasts. Raises DatabaseFailed."""
    patience = _Patience(means)
    while True:
        try:
            return say()
        except DatabaseFailed as error:
            if not patience.lasts(error) or means.stopping.wait(AGAIN_SECONDS):
                raise


class _Patience:
    """How long a database is waited for that fails: for as long as a lease, and while its holder goes on."""

    def __init__(self, means: Means) -> None:
        self._stopping = means.stopping
        self._until = time.monotonic() + LEASE_SECONDS

    def lasts(self, error: DatabaseFailed) -> bool:
        """Whether to ask again after this."""
        if time.monotonic() > self._until or self._stopping.is_set():
            return False
        log.warning("%s", error)
        return True
