"""What a storage is: files kept under the SHA-256 of their bytes, whole or not there at all.

A file's name is ``ab/cd/<digest>``, where ``abcd`` are the digest's first four digits; nothing that a user says becomes
part of it. What is stored is never changed, so the same content twice is one file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from darkroom.errors import FileMissing, InvalidParameters

if TYPE_CHECKING:
    from darkroom.storage.spool import Spooled

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/((?:\1)(?:\2)[0-9a-f]{60})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is stored: its digest (64 lowercase hexadecimal digits), size in bytes, and since when (UTC)."""

    digest: str
    size: int
    modified: datetime


class Storage(Protocol):
    """Keeps files by their digest. Safe to use from several tasks and processes at once.

    Every method may raise StorageFailed, and where a network is between also NetworkError (offline, not allowed, the
    ledger not writable); each that takes a digest raises InvalidParameters where it is none.
    """

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    async def put(self, chunks: AsyncIterator[bytes], *, most: int | None) -> Stored:
        """Store what ``chunks`` give, and say under which digest.

        Nothing is to be seen of it until it is whole and on disk; cancelled or failed, nothing remains.

        Args:
            chunks: the content, in pieces of any size; an error that it raises passes through.
            most: bytes that are allowed; None is any number.

        Raises:
            LimitExceeded: the content is longer than ``most``.
            StorageFailed: it cannot be stored.
        """
        ...

    async def keep(self, whole: Spooled) -> Stored:
        """Store a file that is whole and whose digest is known; the file itself stays where it is."""
        ...

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        """The content, in pieces: ``length`` bytes from ``start`` on, fewer where the file ends before.

        Whoever leaves before the end closes it (``aclose``).

        Raises FileMissing before anything is read; StorageFailed, now or while reading, where it cannot be read whole.
        """
        ...

    async def stat(self, digest: str) -> Stored | None:
        """Size and time of a file, or None where it is not stored."""
        ...

    async def delete(self, digest: str) -> bool:
        """Delete a file; False where it was not stored."""
        ...

    def list(self) -> AsyncGenerator[Stored]:
        """Every file that is stored, in the order of digests."""
        ...

    async def url(self, digest: str, seconds: int, *, name: str, content_type: str) -> str | None:
        """A link by which anybody may fetch the file for so many seconds, or None where there is no such thing.

        Args:
            digest: of the file; whether it is there is not looked up.
            seconds: 1 to 604800 (a week).
            name: what a browser is to call the file.
            content_type: what it is to be sent as.
        """
        ...

    async def check(self) -> float:
        """Write, read and delete a few bytes; gives the seconds that it took. Raises StorageFailed."""
        ...

    async def clean(self, older_than_seconds: float) -> int:
        """Delete what puts have left behind that were cut off so long ago; gives how many pieces."""
        ...


async def fetch(storage: Storage, digest: str, path: Path) -> None:
    """Bring a stored file to a path. Raises FileMissing, StorageFailed."""
    pieces = await storage.open(digest)
    with path.open("wb") as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)


async def put_bytes(storage: Storage, data: bytes) -> Stored:
    """Store what is in memory. Raises StorageFailed."""

    async def whole() -> AsyncIterator[bytes]:
        yield data

    return await storage.put(whole(), most=None)


def key_of(digest: str) -> str:
    """The name that a file of this digest has: ``ab/cd/<digest>``. Raises InvalidParameters."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidParameters(
            f"{digest[:80]!r} is not the digest of a file.", cure="Give its SHA-256, 64 digits 0-9a-f.", field="digest"
        )
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def digest_in(key: str) -> str | None:
    """The digest of the file that has this name, or None where it is no such name."""
    found = _KEY.fullmatch(key)
    return found[3] if found else None


def missing(digest: str) -> FileMissing:
    """The error for a file that is not stored."""
    return FileMissing(f"No file {digest} is stored.", cure="It was deleted, or never stored here.")


def span(size: int, start: int, length: int | None) -> tuple[int, int]:
    """First byte and byte after the last of what is asked for, within a file of ``size`` bytes.

    Raises InvalidParameters where a number is negative.
    """
    for field, value in (("start", start), ("length", length)):
        if value is not None and value < 0:
            raise InvalidParameters(f"{field} is {value}.", cure="Give 0 or more.", field=field)
    start = min(start, size)
    return start, size if length is None else min(start + length, size)
