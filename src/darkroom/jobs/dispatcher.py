"""Carries jobs of the database out on this machine, in worker processes, by leases.

Three kinds of lanes: light work (decode, resize, encode) never waits behind a network, and neither waits for pictures
that are still to be fetched. Each lane is a thread, for light and heavy work with a worker process of its own, that
leases a job, carries it out (:mod:`darkroom.jobs.carrying`) and leases the next. A lane that is killed with its process
loses its lease, and the job goes to another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darkroom.errors import DarkroomError, ServiceError
from darkroom.jobs import carrying
from darkroom.jobs.budget import Budget
from darkroom.jobs.carrier import CLEAN_UP_SECONDS, CleanUp
from darkroom.jobs.carrying import Ended, Means, holder_name
from darkroom.jobs.store import Lane
from darkroom.jobs.worker import WorkerPool

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow
    from darkroom.intake import Intake
    from darkroom.jobs.store import JobStore
    from darkroom.pipeline import Pipeline
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

log = logging.getLogger("darkroom.jobs")

IDLE_SECONDS = 1.0
"""How often a lane looks by itself; what is submitted in this process wakes it at once."""
SCANS = 2
"""Pictures that are fetched at once. They cost a thread each and no process."""


class Dispatcher:
    """Lanes over one job table. Start it once; several on one database, also of several machines, share the jobs.

    A :class:`darkroom.jobs.carrier.Carrier`.

    Args:
        settings: that worker processes get.
        store: of the jobs.
        storage: of their files.
        light: lanes for light work.
        heavy: lanes for work that may use a network.
        intake: fetches pictures that are named by an address; without it those jobs wait for another process.
        clean_up: housekeeping, done at the start and then every hour on a thread of its own.
        ended: is told of jobs that were worked on here.
        budget: memory that the lanes share with what else the program does; by default one of their own.
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
        self._woken = threading.Condition()
        budget = budget or Budget.from_settings(settings)
        counts: dict[Lane, int] = {"light": light, "heavy": heavy}
        self._threads: list[threading.Thread] = [
            _Lane(self._means, self._woken, budget, lane, number)
            for lane, count in counts.items()
            for number in range(count)
        ]
        if intake is not None:
            self._threads += [_ScanLane(self._means, self._woken, number) for number in range(SCANS)]
        self._threads.append(threading.Thread(target=self._sweep, name="darkroom-sweeper", daemon=True))
        self._cleaner = None
        if clean_up is not None:
            self._cleaner = threading.Thread(target=self._clean, args=(clean_up,), name="darkroom-cleaner", daemon=True)

    def start(self) -> None:
        """Begin to work. Returns at once."""
        for thread in self._threads:
            thread.start()
        if self._cleaner is not None:
            self._cleaner.start()

    def stop(self) -> None:
        """End: jobs that run are given back, and wait for whoever comes next."""
        self._means.stopping.set()
        self.wake()
        until = time.monotonic() + 15.0
        for thread in [*self._threads, *([self._cleaner] if self._cleaner is not None else [])]:
            if thread.is_alive():
                thread.join(timeout=max(0.0, until - time.monotonic()))

    def wake(self, rows: Sequence[JobRow] = ()) -> None:
        """There may be something to do."""
        with self._woken:
            self._woken.notify_all()

    def check(self) -> str:
        """Whether all lanes live. Raises ServiceError."""
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        if dead:
            raise ServiceError(
                f"{len(dead)} lanes of {len(self._threads)} have ended.", cure="Start the service again."
            )
        return f"this process, {len(self._threads)} lanes"

    def _sweep(self) -> None:
        """Give back to all what nobody has been heard of."""
        while not self._means.stopping.wait(carrying.LEASE_SECONDS / 3):
            try:
                if self._means.store.expire():
                    self.wake()
            except DarkroomError as error:
                log.warning("%s", error)

    def _clean(self, clean_up: CleanUp) -> None:
        while True:
            try:
                clean_up()
            except Exception as error:
                log.warning("housekeeping: %s", error)
            if self._means.stopping.wait(CLEAN_UP_SECONDS):
                return


class _Waiting(threading.Thread):
    """A thread that does one job after the other, and waits where there is none."""

    def __init__(self, means: Means, woken: threading.Condition, what: str) -> None:
        super().__init__(name=holder_name(what), daemon=True)
        self._means = means
        self._woken = woken

    def run(self) -> None:
        while not self._means.stopping.is_set():
            try:
                if self._one():
                    continue
            except DarkroomError as error:
                # The database is away for a moment.
                log.warning("%s", error)
            except Exception:
                log.exception("%s: something unexpected", self.name)
            with self._woken:
                if not self._means.stopping.is_set():
                    self._woken.wait(IDLE_SECONDS)

    def _one(self) -> bool:
        """Do the next job; False where none waits. Raises DarkroomError where nobody can say."""
        raise NotImplementedError


class _Lane(_Waiting):
    """One worker process, and the thread that feeds it."""

    def __init__(self, means: Means, woken: threading.Condition, budget: Budget, lane: Lane, number: int) -> None:
        super().__init__(means, woken, f"{lane}-{number}")
        self._budget = budget
        self._kind: Lane = lane
        self._pool: WorkerPool | None = None

    def run(self) -> None:
        with WorkerPool(self._means.settings, budget=self._budget) as self._pool:
            super().run()

    def _one(self) -> bool:
        assert self._pool is not None
        row = self._means.store.lease([self._kind], self.name, carrying.LEASE_SECONDS)
        if row is not None:
            carrying.process(row, self.name, self._means, self._pool)
        return row is not None


class _ScanLane(_Waiting):
    """A thread that fetches and scans pictures."""

    def __init__(self, means: Means, woken: threading.Condition, number: int) -> None:
        super().__init__(means, woken, f"scan-{number}")

    def _one(self) -> bool:
        row = self._means.store.lease_scan(self.name, carrying.LEASE_SECONDS)
        if row is not None and carrying.scan(row, self.name, self._means):
            with self._woken:
                self._woken.notify_all()
        return row is not None


def lane_of(pipeline: Pipeline) -> Lane:
    """Heavy where an operation may use a network."""
    return "heavy" if any(operation.tasks for operation in pipeline.operations) else "light"
