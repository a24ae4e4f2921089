"""Downloads of models that the service carries on, one after the other, and those who watch them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from darkroom.errors import Cancelled, DarkroomError

if TYPE_CHECKING:
    from darkroom.models.store import Store

log = logging.getLogger("darkroom.server")


@dataclass(frozen=True, slots=True)
class Download:
    """How far a download is, 0.0 to 1.0, and why it failed."""

    name: str
    state: Literal["downloading", "here", "failed", "missing"]
    progress: float = 0.0
    doing: str = ""
    error: DarkroomError | None = None


class Downloads:
    """The downloads of this process. To be used from its event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="darkroom-download")
        self._known: dict[str, Download] = {}
        self._stops: dict[str, threading.Event] = {}
        self._listeners: set[asyncio.Queue[Download | None]] = set()

    def of(self, name: str) -> Download | None:
        """The last download of a model, None where there was none."""
        return self._known.get(name)

    def all(self) -> list[Download]:
        """The last download of every model that had one."""
        return list(self._known.values())

    def start(self, name: str) -> Download:
        """Begin to download a model, or give how far it is. Raises UnknownModel."""
        entry = self._store.entry(name)
        known = self._known.get(entry.name)
        if known is not None and known.state == "downloading":
            return known
        if self._store.path(entry) is not None:
            return Download(entry.name, "here", 1.0)
        begun = Download(entry.name, "downloading")
        stop = self._stops[entry.name] = threading.Event()
        self._tell(begun)
        loop = asyncio.get_running_loop()
        self._threads.submit(self._pull, entry.name, stop, loop)
        return begun

    def cancel(self, name: str) -> Download | None:
        """Stop a download; what has come is kept, and the next one goes on from there. Raises UnknownModel.

        It counts as stopped at once, though its thread hears of it only when the next bytes have come.
        """
        entry = self._store.entry(name)
        stop = self._stops.get(entry.name)
        if stop is not None and not stop.is_set() and self._known[entry.name].state == "downloading":
            stop.set()
            self._tell(Download(entry.name, "missing"))
        return self._known.get(entry.name)

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncGenerator[asyncio.Queue[Download | None]]:
        """A queue of what happens from now on; None in it says that the service ends."""
        queue: asyncio.Queue[Download | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def hang_up(self) -> None:
        """Tell everybody that there is nothing more to come."""
        for queue in self._listeners:
            queue.put_nowait(None)

    def close(self) -> None:
        """Stop all downloads."""
        self.hang_up()
        for stop in self._stops.values():
            stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _pull(self, name: str, stop: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        told = -1.0

        def tell(download: Download) -> None:
            with contextlib.suppress(RuntimeError):  # the service has ended meanwhile
                loop.call_soon_threadsafe(self._went, download, stop)

        def advance(fraction: float, doing: str) -> None:
            nonlocal told
            if stop.is_set():
                raise Cancelled(f"The download of {name} was stopped.", cure="Start it again: it goes on from there.")
            if fraction - told >= 0.005 or fraction >= 1.0:
                told = fraction
                tell(Download(name, "downloading", fraction, doing))

        try:
            self._store.pull(name, advance)
            tell(Download(name, "here", 1.0))
        except Cancelled:
            tell(Download(name, "missing"))
        except DarkroomError as error:
            log.warning("%s", error)
            tell(Download(name, "failed", error=error))
        except Exception as error:
            log.exception("the download of %s failed", name)
            tell(Download(name, "failed", error=DarkroomError(f"The download of {name} failed: {error}.")))

    def _went(self, download: Download, stop: threading.Event) -> None:
        """A thread's word; that of one which was stopped counts no more, but for a model that is here after all."""
        if (self._stops[download.name] is stop and not stop.is_set()) or download.state == "here":
            self._tell(download)

    def _tell(self, download: Download) -> None:
        self._known[download.name] = download
        for queue in self._listeners:
            queue.put_nowait(download)
