"""Work that somebody waits for: done at once in worker processes of the service, at most a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING

from darkroom.errors import Cancelled, Restarting, TimedOut, TooManyRequests
from darkroom.jobs.dispatcher import lane_of
from darkroom.jobs.worker import WorkerPool

if TYPE_CHECKING:
    from darkroom.jobs.budget import Budget
    from darkroom.jobs.store import Lane
    from darkroom.jobs.worker import Outcome
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request
    from darkroom.settings import Settings

WORKERS: dict[Lane, int] = {"light": 2, "heavy": 1}
"""Processes of each lane: what needs a network uses every core by itself."""
MOST_TURNS = 16
"""Results of each lane that have their turn at once; the others wait before they have taken anything."""


class Workbench:
    """Worker processes, begun when they are first needed, and the places before them.

    Light work has processes and places of its own, so that a thumbnail never waits behind a network. Work takes a place
    of one of two kinds first: a seat, where a picture may be of any size and work of any length, or a turn.
    The ``budget`` is the memory that it shares with the jobs that the program carries out.
    """

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self._settings = settings
        self._budget = budget
        self._pools: dict[Lane, WorkerPool] = {}
        self._lock = threading.Lock()
        self._taken = 0
        self._open = 0
        self._retired = self._closed = False
        self._turns: dict[Lane, asyncio.Semaphore] = {lane: asyncio.Semaphore(MOST_TURNS) for lane in WORKERS}

    @contextlib.asynccontextmanager
    async def seat(self) -> AsyncGenerator[None]:
        """One of ``limits.sync_concurrency``, for somebody who would rather be told that there is none than wait.

        Raises TooManyRequests where all are taken.
        """
        self.refuse_where_full()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def refuse_where_full(self) -> None:
        """Raise TooManyRequests where all seats are taken.

        For whoever is about to receive or fetch a picture: a seat is not held meanwhile, since three senders or servers
        that are slow would then keep everybody from work, but nothing comes in for whom there is none.
        """
        most = self._settings.limits.sync_concurrency
        if self._taken >= most:
            raise TooManyRequests(
                f"{most} pictures are being worked on already.",
                cure="Try again in a moment, or submit it as a job: jobs wait their turn.",
                retry_after=2.0,
            )

    def turn(self, pipeline: Pipeline) -> asyncio.Semaphore:
        """One of those for what pages ask for by the dozen, which wait for each other; a context manager too."""
        return self._turns[lane_of(pipeline)]

    async def run(self, request: Request) -> Outcome:
        """Carry a request out. Whoever stops waiting stops the work.

        Raises DarkroomError; Restarting where it is closed meanwhile.
        """
        self._open += 1
        try:
            return await self._run(request)
        finally:
            self._open -= 1
            self._rest()

    async def _run(self, request: Request) -> Outcome:
        pool = await asyncio.to_thread(self._pool, lane_of(request.pipeline))
        with self._lock:
            if self._closed:
                raise _restarting()
            job = pool.submit(request)
        seconds = self._settings.limits.sync_seconds
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job.future), seconds)
        except TimeoutError as error:
            raise TimedOut(
                f"{job.name} took longer than {seconds:g} seconds while somebody waited, and was stopped.",
                cure="Submit it as a job, which may take longer.",
            ) from error
        except Cancelled as error:
            if self._closed:
                raise _restarting() from error
            raise
        finally:
            job.cancel()

    def retire(self) -> None:
        """End the processes once nobody waits for them any more. To be called from the event loop of :meth:`run`."""
        self._retired = True
        self._rest()

    def close(self) -> None:
        """End the processes now; what they are doing is stopped."""
        with self._lock:
            self._closed = True
            pools, self._pools = self._pools, {}
        _end(pools.values())

    def _rest(self) -> None:
        if self._retired and not self._open:
            pools, self._pools = self._pools, {}
            # Who has just been answered does not wait for it.
            threading.Thread(target=_end, args=(pools.values(),), name="darkroom-retiring", daemon=True).start()

    def _pool(self, lane: Lane) -> WorkerPool:
        with self._lock:
            if self._closed:
                raise _restarting()
            if lane not in self._pools:
                self._pools[lane] = WorkerPool(self._settings, workers=WORKERS[lane], budget=self._budget)
            return self._pools[lane]


def _end(pools: Iterable[WorkerPool]) -> None:
    for pool in pools:
        pool.close()


def _restarting() -> Restarting:
    return Restarting("The work was stopped: the service ends, or what may leave it was changed.", cure="Ask again.")
