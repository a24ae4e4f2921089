"""Carries jobs of the database out on this machine, in worker processes, by leases.

Two kinds of lanes: light work (decode, resize, encode) never waits behind a network. Each lane is a thread with a
worker process of its own: it leases a job, hands it over, renews the lease while it runs, and says how it ended. A
lane that is killed with its process loses its lease, and the job goes to another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.errors import (
    Cancelled,
    DarkroomError,
    EgressRefused,
    NetworkError,
    OfflineRefused,
    OutOfMemory,
    ServiceError,
    StorageFailed,
    WorkerDied,
)
from darkroom.image import Encoding
from darkroom.jobs.store import Lane, Made
from darkroom.jobs.worker import WorkerPool
from darkroom.pipeline import Pipeline
from darkroom.processing import Request

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow
    from darkroom.jobs.store import JobStore
    from darkroom.jobs.worker import Job, Outcome
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

log = logging.getLogger("darkroom.jobs")

LEASE_SECONDS = 30.0
"""How long nothing may be heard of a lane before its job goes to another."""
RENEW_SECONDS = 2.0
IDLE_SECONDS = 1.0
"""How often a lane looks by itself; what is submitted in this process wakes it at once."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all lanes work with."""

    settings: Settings
    store: JobStore
    storage: Storage
    stopping: threading.Event = field(default_factory=threading.Event)
    woken: threading.Condition = field(default_factory=threading.Condition)


class Dispatcher:
    """Lanes over one job table. Start it once; several on one database, also of several machines, share the jobs."""

    def __init__(
        self, settings: Settings, store: JobStore, storage: Storage, *, light: int = 1, heavy: int = 1
    ) -> None:
        self._shared = _Shared(settings, store, storage)
        name = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        counts: dict[Lane, int] = {"light": light, "heavy": heavy}
        self._lanes = [
            _Lane(self._shared, lane, f"{name}-{lane}-{number}")
            for lane, count in counts.items()
            for number in range(count)
        ]
        self._sweeper = threading.Thread(target=self._sweep, name="darkroom-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to work. Returns at once."""
        for lane in self._lanes:
            lane.start()
        self._sweeper.start()

    def stop(self) -> None:
        """End: jobs that run are given back, and wait for whoever comes next."""
        self._shared.stopping.set()
        self.wake()
        for lane in self._lanes:
            lane.join(timeout=15.0)
        self._sweeper.join(timeout=5.0)

    def wake(self) -> None:
        """There may be something to do."""
        with self._shared.woken:
            self._shared.woken.notify_all()

    def _sweep(self) -> None:
        """Give back to all what nobody has been heard of."""
        while not self._shared.stopping.wait(LEASE_SECONDS / 3):
            try:
                if self._shared.store.expire():
                    self.wake()
            except DarkroomError as error:
                log.warning("%s", error)


class _Lane(threading.Thread):
    """One worker process, and the thread that feeds it."""

    def __init__(self, shared: _Shared, lane: Lane, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._of = shared
        self._kind: Lane = lane

    def run(self) -> None:
        of = self._of
        with WorkerPool(of.settings) as pool:
            while not of.stopping.is_set():
                try:
                    row = of.store.lease([self._kind], self.name, LEASE_SECONDS)
                    if row is not None:
                        self._carry_out(row, pool)
                        continue
                except DarkroomError as error:
                    # The database is away for a moment: the lease is renewed by nobody and runs out.
                    log.warning("%s", error)
                with of.woken:
                    of.woken.wait(IDLE_SECONDS)

    def _carry_out(self, row: JobRow, pool: WorkerPool) -> None:
        """One job, from its lease to its end."""
        of = self._of
        try:
            with tempfile.TemporaryDirectory(prefix="darkroom-job-") as folder:
                source = Path(folder) / "source"
                digests = {row.source: source}
                for digest in row.pictures.values():
                    digests.setdefault(digest, Path(folder) / f"picture-{len(digests)}")
                asyncio.run(_fetch(of.storage, digests))
                request = Request(
                    source,
                    Pipeline(row.operations),
                    encoding=Encoding(**row.encoding),
                    name=row.name or None,
                    pictures={reference: digests[digest] for reference, digest in row.pictures.items()},
                )
                outcome = self._watched(row, request, pool)
                made = asyncio.run(_kept(of.storage, outcome))
            done = of.store.complete(row.id, self.name, made, outcome.report.model_dump(mode="json"))
            log.info("job %s: %s", row.id, "completed" if done else "done too late, its lease was another's")
        except _GivenBack:
            of.store.release(row.id, self.name)
        except Cancelled:
            of.store.cancelled(row.id, self.name)
        except DarkroomError as error:
            state = of.store.fail(row.id, self.name, error, passing=may_pass(error), died=isinstance(error, WorkerDied))
            log.warning("job %s: %s, now %s", row.id, error, state)

    def _watched(self, row: JobRow, request: Request, pool: WorkerPool) -> Outcome:
        """The worker's result; meanwhile the lease is renewed and the progress told."""
        of = self._of
        far: list[Any] = [0.0, ""]

        def advance(fraction: float, doing: str) -> None:
            far[:] = fraction, doing

        job: Job = pool.submit(request, on_progress=advance)
        renewed = time.monotonic()
        while not wait([job.future], timeout=RENEW_SECONDS).done:
            if of.stopping.is_set():
                raise _GivenBack
            try:
                if not of.store.renew(row.id, self.name, LEASE_SECONDS, *far):
                    job.cancel()
                renewed = time.monotonic()
            except DarkroomError as error:
                log.warning("%s", error)
                if time.monotonic() - renewed > LEASE_SECONDS:
                    # Somebody else may have it by now; two must not work on it for longer than that.
                    job.cancel()
        return job.result()


class _GivenBack(Exception):
    """The dispatcher ends before the job does."""


def may_pass(error: DarkroomError) -> bool:
    """Whether the same job may succeed at another time."""
    if isinstance(error, (OfflineRefused, EgressRefused)):
        return False
    return isinstance(error, (NetworkError, OutOfMemory, StorageFailed, ServiceError))


def lane_of(pipeline: Pipeline) -> Lane:
    """Heavy where an operation may use a network."""
    return "heavy" if any(operation.tasks for operation in pipeline.operations) else "light"


async def _fetch(storage: Storage, files: Mapping[str, Path]) -> None:
    """Bring files here, by digest. Raises FileMissing, StorageFailed."""
    for digest, path in files.items():
        with path.open("wb") as file:
            async for piece in await storage.open(digest):
                file.write(piece)


async def _kept(storage: Storage, outcome: Outcome) -> list[Made]:
    """Store the result and what was made beside it; the result comes first."""
    assert outcome.data is not None
    assert outcome.report.output is not None
    made: list[Made] = []
    parts = [("", outcome.data, outcome.report.output)]
    parts += [(part.name or "", outcome.attachments[part.name or ""], part) for part in outcome.report.attachments]
    for name, data, about in parts:
        stored = await storage.put(_whole(data), most=None)
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


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
