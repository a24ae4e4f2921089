"""Content that comes in pieces becomes a file of known digest, under a temporary name, before it is stored."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import ParamSpec, TypeVar

from darkroom.errors import LimitExceeded, StorageFailed

BLOCK = 1 << 20
"""Bytes that are written and read at once."""
_ENDING = ".partial"
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A whole file on disk, its SHA-256 and its size in bytes. Gone when the block that made it ends."""

    path: Path
    digest: str
    size: int


@contextlib.asynccontextmanager
async def spooled(folder: Path, chunks: AsyncIterator[bytes], most: int | None = None) -> AsyncGenerator[Spooled]:
    """Write the content into ``folder`` under a random name, flushed to the disk, hashed on the way.

    The file is deleted at the end of the block, however it ends. Raises LimitExceeded past ``most`` bytes,
    StorageFailed where it cannot be written, and whatever ``chunks`` raise.
    """
    with _saying_what_failed(folder):
        folder.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(suffix=_ENDING, dir=folder)
    path, file = Path(name), FileIO(number, "wb")
    hashed, size, waiting = hashlib.sha256(), 0, bytearray()

    def write(block: bytes) -> None:
        hashed.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[file.write(rest) :]

    def finish(block: bytes) -> None:
        write(block)
        os.fsync(file.fileno())

    try:
        async for chunk in chunks:
            size += len(chunk)
            if most is not None and size > most:
                raise LimitExceeded(
                    f"The file is larger than the {most / 1e6:g} MB that are allowed.", cure="Send a smaller file."
                )
            waiting += chunk
            if len(waiting) >= BLOCK:
                with _saying_what_failed(folder):
                    await in_thread(write, bytes(waiting))
                waiting.clear()
        with _saying_what_failed(folder):
            await in_thread(finish, bytes(waiting))
            file.close()
        yield Spooled(path, hashed.hexdigest(), size)
    finally:
        file.close()
        with contextlib.suppress(OSError):
            path.unlink()


def clean_folder(folder: Path, older_than_seconds: float) -> int:
    """Delete temporary files that nobody has written to for so long; gives how many. Raises StorageFailed."""
    gone = 0
    before = time.time() - older_than_seconds
    with _saying_what_failed(folder):
        if not folder.is_dir():
            return 0
        for path in folder.glob(f"*{_ENDING}"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= before:
                    path.unlink()
                    gone += 1
    return gone


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As :func:`asyncio.to_thread`, but also when cancelled it is not left before the thread is done.

    So nothing is closed or deleted that the thread still works on.
    """
    running = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise


@contextlib.contextmanager
def _saying_what_failed(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise failed(folder, error) from error


def failed(folder: Path, error: OSError) -> StorageFailed:
    """An error of the file system's in ours."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageFailed(f"The disk is full: {folder} ({reason}).", cure="Make room there.")
    return StorageFailed(f"{folder} cannot be used: {reason}.", cure="Check the folder, its disk and its permissions.")
