"""Worker processes, seen from the caller: each runs :func:`darkroom.processing.process` on one picture at a time.

A decoder that crashes, hangs or fills the memory costs one worker and fails one job, with an error that says so; the
worker is replaced and the caller lives on. Workers are fresh interpreters, never forks, keep models loaded between
jobs, and end when their parent does, even when that is killed.

Every worker has one thread here that owns it: it starts the process, hands it one job at a time, watches the clock and
ends the process when a limit is passed. What a worker sends back is JSON and plain bytes, never a pickle, so that a
decoder that was taken over by a hostile file cannot run code in the caller.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from darkroom import errors
from darkroom.errors import Cancelled, DarkroomError, LimitExceeded, TimedOut, WorkerDied
from darkroom.jobs.budget import Budget

if TYPE_CHECKING:
    from darkroom.jobs.budget import Share
    from darkroom.operation import Progress
    from darkroom.processing import Request
    from darkroom.report import Report
    from darkroom.settings import Settings

START_SECONDS = 60.0
"""How long a worker may take from its start until it can take a job."""
CANCEL_SECONDS = 5.0
"""How long a worker may take to stop by itself when its job is cancelled, before it is killed."""
LOOK_SECONDS = 0.1
"""How often it is looked whether a limit of time has passed."""
WAITING = "waiting for memory"
"""What a job says that it does until there is room beside the others."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from darkroom.jobs.child import serve; serve(int(sys.argv[1]))"
)
_numbers = itertools.count(1)
_OUT_OF_MEMORY = ("failed to allocate", "bad_alloc", "out of memory", "cannot allocate memory", "memoryerror")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job ended in: the receipt, and the encoded picture or the path that it was written to."""

    report: Report
    data: bytes | None
    path: Path | None
    attachments: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Pictures that operations made beside it, by name, where the bytes came back."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Tells a worker that the job of this number may take the memory that it has asked for."""

    number: int


class Job:
    """One picture on its way through a pool."""

    def __init__(self, request: Request, output: Path | None, on_progress: Progress | None) -> None:
        self.request = request
        self.output = output
        self.number = next(_numbers)
        self.future: Future[Outcome] = Future()
        """For ``concurrent.futures.wait`` and ``asyncio.wrap_future``; it fails with a DarkroomError.

        Running from when a worker has it on: cancelling the future then does nothing, :meth:`cancel` stops the work.
        """
        self._on_progress = on_progress
        self._cancelled_at: float | None = None
        self._worker: _Worker | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What to call the picture in a message."""
        source = self.request.source
        return self.request.name or (source.name if isinstance(source, Path) else "the picture")

    def result(self, timeout: float | None = None) -> Outcome:
        """Wait for the end. Raises the DarkroomError that the job failed with, or TimeoutError after ``timeout``."""
        return self.future.result(timeout)

    def done(self) -> bool:
        """True once there is a result or an error."""
        return self.future.done()

    def cancel(self) -> None:
        """Ask the job to stop: it then fails with Cancelled, at once where it has not started.

        A worker that does not stop within a few seconds is killed. Does nothing once the job is done.
        """
        with self._lock:
            if self._cancelled_at is None:
                self._cancelled_at = time.monotonic()
            if self._worker is not None:
                self._worker.send(self.number)

    def _advance(self, fraction: float, doing: str) -> None:
        if self._on_progress is not None:
            self._on_progress(fraction, doing)

    def _given_to(self, worker: _Worker | None) -> bool:
        """Note who works on it; False if it was cancelled before."""
        with self._lock:
            self._worker = worker
            return self._cancelled_at is None


class WorkerPool:
    """Processes that carry requests out, as a context manager.

    ::

        with WorkerPool(settings, workers=2) as pool:
            jobs = [pool.submit(Request(path, pipeline)) for path in paths]
            for job in jobs:
                print(job.result().report.output)

    The workers start at once, so that their imports overlap with what the caller still has to do. ``limits`` of the
    settings hold: ``decode_seconds`` and ``decode_memory`` for decoding, ``job_seconds`` for the whole job, and
    ``memory`` for all that runs at once: what would take more together waits, and waiting takes nothing of its
    ``job_seconds``. Several pools of one program are given the same ``budget``. Safe to use from several threads.
    """

    def __init__(self, settings: Settings, *, workers: int = 1, budget: Budget | None = None) -> None:
        if workers < 1:
            raise ValueError("a pool needs one worker at least")
        self.settings = settings
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        budget = budget or Budget.from_settings(settings)
        self._slots = [_Slot(self._queue, settings, budget, number) for number in range(workers)]
        for slot in self._slots:
            slot.start()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        return [worker.process.pid for slot in self._slots if (worker := slot.worker) is not None]

    def submit(self, request: Request, *, output: Path | None = None, on_progress: Progress | None = None) -> Job:
        """Queue one picture; jobs start in the order they were submitted.

        Args:
            request: what to do. Its source must be a path or bytes: an Image does not cross into another process.
            output: where the worker writes the result, whole or not at all; without it the bytes come back.
            on_progress: called from a thread of the pool with a fraction, 0.0 to 1.0, and what is being done.

        Raises:
            RuntimeError: the pool is closed.
            TypeError: the source is an Image.
        """
        if not isinstance(request.source, (Path, bytes)):
            raise TypeError("a worker takes a path or bytes, not an Image")
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            job = Job(request, output, on_progress)
            self._queue.put(job)
        return job

    def close(self) -> None:
        """End every worker now; jobs that are not done fail with Cancelled. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for _ in self._slots:
            self._queue.put(None)
        for slot in self._slots:
            slot.stop()
        for slot in self._slots:
            slot.join(timeout=10.0)
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None and job.future.set_running_or_notify_cancel():
                    _fail(job, Cancelled(f"{job.name} was not started: the pool was closed."))


class _Worker:
    """A running worker process and the connection to it."""

    def __init__(self, settings: Settings) -> None:
        ours, theirs = socket.socketpair()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=self.errors,
                stderr=self.errors,
                pass_fds=(theirs.fileno(),),
            )
        self.connection = Connection(ours.detach())
        self._send_lock = threading.Lock()
        self.started = time.monotonic()
        self.ready = False
        self.send(settings)

    def send(self, message: Any) -> None:
        """Send, unless the worker is gone: that is noticed when its answer is awaited."""
        with self._send_lock, contextlib.suppress(OSError):
            self.connection.send(message)

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> None:
        """Kill the process if it lives and give back what it held here."""
        self.process.kill()
        self.process.wait()
        self.connection.close()
        self.errors.close()

    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - 4000))
        return self.errors.read().decode(errors="replace").strip()


class _Slot(threading.Thread):
    """The thread that owns one worker.

    It is this thread that starts the process, because the kernel ties the child's life to the thread that made it.
    """

    def __init__(self, jobs: queue.SimpleQueue[Job | None], settings: Settings, budget: Budget, number: int) -> None:
        super().__init__(name=f"darkroom-worker-{number}", daemon=True)
        self._jobs = jobs
        self._settings = settings
        self._budget = budget
        self._stopping = False
        self.worker: _Worker | None = None

    def stop(self) -> None:
        """End the worker, and with it the job it is doing."""
        self._stopping = True
        worker = self.worker
        if worker is not None:
            worker.kill()

    def run(self) -> None:
        try:
            while not self._stopping:
                self._prepare()
                job = self._jobs.get()
                if job is None:
                    break
                if not job.future.set_running_or_notify_cancel():
                    # Whoever waited for it has cancelled the future itself: nobody is there to be told anything.
                    continue
                problem = self._prepare()
                if self._stopping:
                    _fail(job, Cancelled(f"{job.name} was not started: the pool was closed."))
                elif self.worker is None:
                    _fail(job, WorkerDied(f"No worker process could be started: {problem}."))
                else:
                    self._do(job, self.worker)
        finally:
            self._discard()

    def _prepare(self) -> OSError | None:
        """See that a living worker is here, or say why none could be started."""
        if self.worker is not None and self.worker.process.poll() is not None:
            self._discard()
        if self.worker is None:
            try:
                self.worker = _Worker(self._settings)
            except OSError as error:
                return error
        return None

    def _discard(self) -> None:
        if self.worker is not None:
            worker, self.worker = self.worker, None
            worker.end()

    def _do(self, job: Job, worker: _Worker) -> None:
        if not job._given_to(worker):  # pyright: ignore[reportPrivateUsage]
            _fail(job, Cancelled(f"{job.name} was cancelled before it started."))
            return
        rested, conversation = worker.ready, _Conversation(job, worker, self._settings, self._budget)
        try:
            outcome = conversation.outcome()
        except _Lost as lost:
            self._discard()
            if rested and not conversation.begun and isinstance(lost.error, WorkerDied) and not self._stopping:
                # It died between two jobs, and the system had not said so yet: this one goes to a fresh worker.
                self._prepare()
                if self.worker is not None:
                    self._do(job, self.worker)
                    return
            stopped = Cancelled(f"{job.name} was stopped: the pool was closed.")
            _fail(job, stopped if self._stopping else lost.error)
        except DarkroomError as error:
            _fail(job, error)
        except Exception as error:
            self._discard()
            _fail(job, error)
        else:
            job.future.set_result(outcome)
        finally:
            # Not before: a worker that had to go is gone by now, and its memory with it.
            conversation.end()
            job._given_to(None)  # pyright: ignore[reportPrivateUsage]


class _Lost(Exception):
    """The worker is gone or has to go; ``error`` is what the job fails with."""

    def __init__(self, error: DarkroomError) -> None:
        super().__init__(error)
        self.error = error


class _Conversation:
    """One job, from handing it over to its answer."""

    def __init__(self, job: Job, worker: _Worker, settings: Settings, budget: Budget) -> None:
        self._job = job
        self._worker = worker
        self._limits = settings.limits
        self._budget = budget
        self._share: Share | None = None
        self._stage = "start"
        self._job_ends: float | None = None
        self._decode_ends: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the worker has said that it works on the job."""
        return self._stage != "start"

    def outcome(self) -> Outcome:
        """Raises the job's DarkroomError, or _Lost with one."""
        self._worker.send((self._job.number, self._job.request, self._job.output))
        if self._worker.ready:
            self._job_ends = time.monotonic() + self._limits.job_seconds
        while True:
            message = self._receive()
            kind = message["kind"]
            if kind == "ready":
                self._worker.ready = True
                self._job_ends = time.monotonic() + self._limits.job_seconds
            elif kind == "stage":
                self._enter(message["stage"])
            elif kind == "memory":
                self._admit(message["bytes"])
            elif kind == "progress":
                self._job._advance(message["fraction"], message["doing"])  # pyright: ignore[reportPrivateUsage]
            elif kind == "failed":
                raise _rebuild_error(message)
            elif kind == "done":
                return self._finish(message)

    def end(self) -> None:
        """Give back what memory it had."""
        if self._share is not None:
            self._share.end()

    def _admit(self, needed: int) -> None:
        """Tell the worker that it may go on, once there is room; the clock of the job stands still until then."""
        self._share = self._budget.ask(needed)
        if not self._share.wait(0.0):
            self._job._advance(0.0, WAITING)  # pyright: ignore[reportPrivateUsage]
            if not self._wait_for(self._share):
                return
        self._worker.send(Admitted(self._job.number))

    def _wait_for(self, share: Share) -> bool:
        """Wait until there is room; False where the worker has something to say first: it was cancelled, or died."""
        asked, ends = time.monotonic(), self._job_ends
        self._job_ends = None
        try:
            while not share.wait(LOOK_SECONDS):
                if self._connection_ready(0.0):
                    return False
                self._check_clock()
            return True
        finally:
            self._job_ends = ends + time.monotonic() - asked if ends is not None else None

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._decode_ends = time.monotonic() + self._limits.decode_seconds if stage == "decode" else None

    def _finish(self, message: dict[str, Any]) -> Outcome:
        from darkroom.report import Report

        data = self._bytes() if message["data"] else None
        attachments = {str(name): self._bytes() for name in message["attachments"]}
        report = Report.model_validate(message["report"])
        return Outcome(report, data, self._job.output if data is None else None, attachments)

    def _receive(self) -> dict[str, Any]:
        while not self._connection_ready():
            self._check_clock()
        try:
            message: dict[str, Any] = json.loads(self._bytes())
        except ValueError as error:
            raise _Lost(WorkerDied(f"The worker's answer about {self._job.name} was not readable.")) from error
        return message

    def _connection_ready(self, seconds: float = LOOK_SECONDS) -> bool:
        try:
            return self._worker.connection.poll(seconds)
        except (EOFError, OSError) as error:
            raise _Lost(self._obituary()) from error

    def _bytes(self) -> bytes:
        try:
            return self._worker.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise _Lost(self._obituary()) from error

    def _check_clock(self) -> None:
        """Raises _Lost when the job is over a limit of time or does not stop when told to."""
        now = time.monotonic()
        name, limits = self._job.name, self._limits
        if self._decode_ends is not None and now > self._decode_ends:
            raise _Lost(
                TimedOut(
                    f"Decoding {name} took longer than {limits.decode_seconds:g} seconds and was stopped.",
                    cure="If you trust the file, raise limits.decode_seconds.",
                )
            )
        if self._job_ends is not None and now > self._job_ends:
            raise _Lost(
                TimedOut(
                    f"{name} took longer than {limits.job_seconds:g} seconds and was stopped.",
                    cure="Raise limits.job_seconds (--timeout on the command line), or ask for less.",
                )
            )
        cancelled_at = self._job._cancelled_at  # pyright: ignore[reportPrivateUsage]
        if cancelled_at is not None and now > cancelled_at + CANCEL_SECONDS:
            raise _Lost(Cancelled(f"{name} was cancelled, and its worker was killed because it did not stop."))
        if not self._worker.ready and now > self._worker.started + START_SECONDS:
            raise _Lost(
                WorkerDied(
                    f"The worker process was not ready within {START_SECONDS:g} seconds.",
                    cure="The machine may be overloaded; `darkroom doctor` shows what is wrong.",
                )
            )

    def _obituary(self) -> DarkroomError:
        """The error for a worker that ended by itself: what killed it, while it did what."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._worker.process.wait(5.0)
        status = self._worker.process.poll()
        words = self._worker.last_words()
        name = self._job.name
        doing = {"start": "starting", "decode": f"decoding {name}"}.get(self._stage, f"working on {name}")
        if self._stage == "decode" and any(sign in words.lower() for sign in _OUT_OF_MEMORY):
            return too_much_memory(name, self._limits.decode_memory)
        how = f"ended with status {status}"
        if status is not None and status < 0:
            with contextlib.suppress(ValueError):
                how = f"was ended by {signal.Signals(-status).name}"
        reason = ""
        if status == -signal.SIGKILL:
            reason = " The system may have run out of memory."
        cure = "Only this picture is affected; the file may be damaged or hostile."
        if self._stage == "start":
            cure = "`darkroom doctor` shows what is wrong."
        died = WorkerDied(f"The worker process {how} while {doing}.{reason}", cure=cure)
        if words:
            died.add_note(f"The worker's last words: {words}")
        return died


def too_much_memory(name: str, limit: int) -> LimitExceeded:
    """The error for a picture that could not be decoded within ``limit`` bytes of memory."""
    return LimitExceeded(
        f"Decoding {name} needs more than {limit / 1e6:.0f} MB of memory.",
        cure="If you trust the file, raise limits.decode_memory.",
    )


def _rebuild_error(message: dict[str, Any]) -> DarkroomError:
    """The error that a worker described: its class is found by name among our own."""
    kind = getattr(errors, message["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, DarkroomError)):
        kind = DarkroomError
    error = kind(message["message"], cure=message["cure"], field=message["field"])
    if message["trace"]:
        error.add_note(f"In the worker process:\n{message['trace']}")
    return error


def _fail(job: Job, error: Exception) -> None:
    job.future.set_exception(error)
