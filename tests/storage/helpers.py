"""What tests of storages do again and again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from darkroom.storage.storage import Storage, Stored

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def put(storage: Storage, content: bytes, most: int | None = None) -> Stored:
    return await storage.put(pieces(content), most=most)


async def read(storage: Storage, digest: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([block async for block in await storage.open(digest, start, length)])


async def listed(storage: Storage) -> list[str]:
    return [found.digest async for found in storage.list()]


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
