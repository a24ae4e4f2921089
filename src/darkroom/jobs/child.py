"""The worker process itself: takes requests from its parent one after the other, and ends with it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Generator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from darkroom.errors import Cancelled, CorruptImage, DarkroomError
from darkroom.inspection import Inspection, inspect
from darkroom.jobs.worker import Admitted, too_much_memory
from darkroom.services import Services, build_services

if TYPE_CHECKING:
    from darkroom.codecs.decoding import Needed
    from darkroom.image import Image
    from darkroom.processing import Request
    from darkroom.settings import Settings

PROGRESS_SECONDS = 0.05
"""Progress of one and the same thing is told to the parent no more often than this."""


def serve(descriptor: int) -> None:
    """Work on requests that come over the socket ``descriptor`` until it is closed."""
    _end_with_parent()
    # Ctrl-C reaches the whole group of processes; what to do about it is the parent's to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = Connection(descriptor)
    try:
        settings: Settings = parent.recv()
        worker = _Child(parent, settings)
        worker.tell(kind="ready")
        while True:
            message: Any = parent.recv()
            if isinstance(message, tuple):
                number, request, output = cast("tuple[int, Request, Path | None]", message)
                worker.work(number, request, output)
    except (EOFError, OSError):
        return


def _end_with_parent() -> None:
    """Have the kernel kill this process when the parent dies, even while native code keeps Python from noticing."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)


class _Child:
    """The state of the process between jobs: the services with their loaded models, and the way to the parent."""

    def __init__(self, parent: Connection, settings: Settings) -> None:
        from darkroom.processing import process, write

        self._parent = parent
        self._limit = settings.limits.decode_memory
        importlib.import_module("darkroom.codecs")  # before the first picture comes
        self._write = write
        self._process = process
        self._services = _GuardedServices(build_services(settings), self)
        self._number = 0
        self._told = 0.0
        self._doing = ""
        self._name = "the picture"

    def tell(self, **message: Any) -> None:
        """Send a message to the parent."""
        self._parent.send_bytes(json.dumps(message).encode())

    def work(self, number: int, request: Request, output: Path | None) -> None:
        """Do one job and tell how it ended; ``number`` is what the parent calls it by to cancel it."""
        self._number = number
        source = request.source
        self._name = request.name or (source.name if isinstance(source, Path) else "the picture")
        self._told = 0.0
        try:
            if isinstance(request, Inspection):
                result = inspect(request, self._services)
            else:
                result = self._process(
                    request,
                    self._services,
                    on_progress=self._on_progress,
                    is_cancelled=self._is_cancelled,
                )
            if output is not None:
                self._write(output, result.data, result.report, result.attachments)
        except Exception as error:
            known = error if isinstance(error, DarkroomError) else self._unexpected(error)
            trace = "".join(traceback.format_exception(error))
            self.tell(kind="failed", **{"class": type(known).__name__}, trace=trace, **known.to_dict())
            return
        sent = [result.data, *result.attachments.values()] if output is None else []
        names = list(result.attachments) if sent else []
        self.tell(kind="done", report=result.report.model_dump(mode="json"), data=output is None, attachments=names)
        for data in sent:
            self._parent.send_bytes(data)

    def _unexpected(self, error: Exception) -> DarkroomError:
        if isinstance(error, MemoryError):
            from darkroom.errors import OutOfMemory

            return OutOfMemory(f"There was not enough memory for {self._name}.", cure="Work on a smaller picture.")
        return DarkroomError(
            f"Something unexpected happened with {self._name}: {type(error).__name__}: {error}.",
            cure="This is a fault of Darkroom; --debug shows where.",
        )

    def _on_progress(self, fraction: float, doing: str) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS or doing != self._doing or fraction >= 1.0:
            self._told, self._doing = now, doing
            self.tell(kind="progress", fraction=fraction, doing=doing)

    def _is_cancelled(self) -> bool:
        if not self._parent.poll(0):
            return False
        try:
            return self._parent.recv() == self._number
        except (EOFError, OSError):
            os._exit(1)

    def wait_for_memory(self, needed: int) -> None:
        """Wait until the parent says that so many bytes may be taken. Raises Cancelled."""
        self.tell(kind="memory", bytes=needed)
        while (message := self._parent.recv()) != Admitted(self._number):
            if message == self._number:
                raise Cancelled(f"{self._name} was cancelled while it waited for memory.")

    @contextlib.contextmanager
    def decoding(self, name: str | None) -> Generator[None]:
        """Hold decoding to the limit of memory; the parent holds it to the limit of time."""
        self.tell(kind="stage", stage="decode")
        try:
            with _memory_limited(self._limit):
                yield
        except MemoryError as error:
            raise too_much_memory(name or self._name, self._limit) from error
        except CorruptImage as error:
            # libvips reports an allocation that failed like any other trouble with the file.
            if any(sign in str(error).lower() for sign in ("out of memory", "unable to allocate")):
                raise too_much_memory(name or self._name, self._limit) from error
            raise
        finally:
            self.tell(kind="stage", stage="work")


class _GuardedServices(Services):
    """The services of a worker: every picture, the second ones that parameters name too, is decoded under limits.

    What is done with it then waits for memory.
    """

    _child: _Child

    def __init__(self, services: Services, child: _Child) -> None:
        super().__init__(services.settings, services.models, services.chain)
        object.__setattr__(self, "_child", child)

    def decode(
        self,
        source: Path | bytes,
        *,
        svg_size: tuple[int, int] | None = None,
        name: str | None = None,
        needed: Needed | None = None,
        warnings: list[str] | None = None,
    ) -> Image:
        """As :meth:`Services.decode`, within ``limits.decode_seconds`` and ``limits.decode_memory``."""
        with self._child.decoding(name or (source.name if isinstance(source, Path) else None)):
            return super().decode(source, svg_size=svg_size, name=name, needed=needed, warnings=warnings)

    def admit(self, memory: int) -> None:
        """As :meth:`Services.admit`: beside the other workers of the program."""
        self._child.wait_for_memory(memory)


@contextlib.contextmanager
def _memory_limited(limit: int) -> Generator[None]:
    """Let the process take ``limit`` bytes more of private memory than it has now; Linux only.

    RLIMIT_DATA counts what can be written (heap, anonymous maps, thread stacks) and not the address space that
    allocators merely reserve, so it is close to what would become resident.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = _private_memory() + limit
    if soft != resource.RLIM_INFINITY:
        allowed = min(allowed, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _private_memory() -> int:
    """Bytes of private writable memory of this process, as the kernel counts them for RLIMIT_DATA."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not say how much memory this process has")
