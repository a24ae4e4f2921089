"""Taking pictures in: received, held against what is allowed, searched for viruses, and only then stored."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from darkroom.egress import Egress
from darkroom.errors import DownloadFailed, LimitExceeded
from darkroom.image import Format
from darkroom.safety.scanning import Scanner, admit
from darkroom.safety.validation import HEAD_BYTES, SVG_BYTES, Accepted, check_upload
from darkroom.storage.spool import Spooled, spooled

if TYPE_CHECKING:
    from pathlib import Path

    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

FETCH_SECONDS = 120.0
"""How long fetching a picture by its address may take."""
WAITING_PIECES = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that is stored. ``width``, ``height`` and ``frames`` are what its header claims, where it says."""

    digest: str
    bytes: int
    name: str
    format: Format
    media_type: str
    width: int | None
    height: int | None
    frames: int | None
    warnings: list[str] = field(default_factory=list[str])


class Intake:
    """The one way by which files come into the storage from outside. Nothing is decoded here.

    ``scanner`` is None where uploads are not searched.
    """

    def __init__(self, settings: Settings, storage: Storage, scanner: Scanner | None) -> None:
        self._settings = settings
        self._storage = storage
        self._scanner = scanner

    async def take(
        self, chunks: AsyncIterator[bytes], *, name: str, declared_type: str | None, most: int | None = None
    ) -> Taken:
        """Take a file in that comes in pieces; it lies in the spool folder until it is found good.

        Args:
            chunks: the content; an error that it raises passes through.
            name: as the client gave it.
            declared_type: its Content-Type, where it has one.
            most: bytes that are allowed, besides ``limits.input_bytes``.

        Raises:
            InputError: it is not of an allowed type, too large, damaged, unsafe or infected.
            ScannerUnavailable: nobody could search it, and it is not taken without.
            StorageFailed: it cannot be stored.
        """
        async with self.received(chunks, name=name, declared_type=declared_type, most=most) as (accepted, whole, noted):
            await self._storage.keep(whole)
            return _taken(accepted, whole, noted)

    @contextlib.asynccontextmanager
    async def received(
        self, chunks: AsyncIterator[bytes], *, name: str, declared_type: str | None, most: int | None = None
    ) -> AsyncGenerator[tuple[Accepted, Spooled, list[str]]]:
        """A file that was found good and lies in the spool folder until the block ends; and warnings about it.

        Takes and raises what :meth:`take` does, but for the storage.
        """
        limits = self._settings.limits
        allowed = limits.input_bytes if most is None else min(most, limits.input_bytes)
        async with spooled(self._settings.storage.spool, chunks, allowed) as whole:
            head = await asyncio.to_thread(_head, whole)
            accepted = await asyncio.to_thread(check_upload, head, name, declared_type, whole.size, limits)
            warnings: list[str] = []
            await admit(
                whole.path,
                name=accepted.name,
                scanner=self._scanner,
                policy=self._settings.scanning.policy,
                warnings=warnings,
            )
            yield accepted, whole, warnings

    async def fetch(self, url: str, *, job: str = "") -> Taken:
        """Take in the picture at an address, through the one door to the network; ``job`` is for its ledger.

        Raises NetworkError too: not allowed, refused, not reached, or an answer that is none.
        """
        received = _Received(self._settings, url, job)
        name = unquote(urlsplit(url).path.rpartition("/")[2]) or "picture"
        try:
            return await self.take(received.pieces(), name=name, declared_type=None)
        except LimitExceeded as error:
            raise LimitExceeded(f"The picture at {name} is too large. {error.message}", cure=error.cure) from error


class _Received:
    """The body of an answer, read on a thread of its own, as an asynchronous stream."""

    def __init__(self, settings: Settings, url: str, job: str) -> None:
        self._egress = Egress(settings, job)
        self._url = url
        self._most = settings.limits.input_bytes
        self._pieces: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(WAITING_PIECES)
        self._left = threading.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        # No thread of the loop's own waits for a piece: a few servers that are slow would take them all.
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="darkroom-fetch", daemon=True).start()
        try:
            while (piece := await self._pieces.get()) is not None:
                self._room.release()
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            self._left.set()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        end: BaseException | None = None
        try:
            with self._egress.stream(
                self._url, "source", what="nothing", most=self._most + 1, seconds=FETCH_SECONDS
            ) as answer:
                if answer.status != 200:
                    raise DownloadFailed(
                        f"The address of the picture answered with status {answer.status}.",
                        cure="Open the address in a browser, and correct it.",
                    )
                for piece in answer.chunks:
                    if not self._give(piece, loop):
                        return
        except BaseException as error:
            end = error
        self._give(end, loop)

    def _give(self, piece: bytes | BaseException | None, loop: asyncio.AbstractEventLoop) -> bool:
        """Hand a piece over; False where nobody reads any more."""
        while not self._left.is_set():
            if self._room.acquire(timeout=0.2):
                # The loop may have ended just now.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
                    return True
        return False


def _head(whole: Spooled) -> bytes:
    """As much of a file as validation wants: of an SVG, whose text is read whole, all that may be."""
    path: Path = whole.path
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if whole.size > len(head) and (b"<svg" in head[:4096].lower() or head[:2] == b"\x1f\x8b"):
            head += file.read(SVG_BYTES)
    return head


def _taken(accepted: Accepted, whole: Spooled, warnings: list[str]) -> Taken:
    return Taken(
        digest=whole.digest,
        bytes=whole.size,
        name=accepted.name,
        format=accepted.format,
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
        frames=accepted.frames,
        warnings=warnings,
    )
