"""Two storages that hold the same: what one lacks is written again from the other, and one may fail."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from darkroom.errors import DarkroomError, FileMissing, NetworkError, StorageFailed
from darkroom.storage.spool import Spooled, in_thread, spooled
from darkroom.storage.storage import Storage, Stored, missing

log = logging.getLogger("darkroom.storage")
T = TypeVar("T")
FAILURES = (StorageFailed, NetworkError)
"""What one of the two may raise without the whole failing."""


class BothStorage:
    """Writes to both, reads from the first that has a file.

    ``counters`` has, for each of the two by its name, ``NAME.failed`` and ``NAME.repaired``, and how often a file was
    found ``NAME.damaged``.
    """

    def __init__(self, first: Storage, second: Storage, spool: Path) -> None:
        self._both = (first, second)
        self._spool = spool
        self._repairs: dict[str, asyncio.Task[int]] = {}
        self.counters: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "both"

    async def put(self, chunks: AsyncIterator[bytes], *, most: int | None) -> Stored:
        """See :class:`Storage`. Done where one of the two has it; the other is given it by :meth:`repair`."""
        async with spooled(self._spool, chunks, most) as whole:
            return await self.keep(whole)

    async def keep(self, whole: Spooled) -> Stored:
        """See :class:`Storage`."""
        return next(found for found in await self._each(lambda storage: storage.keep(whole)) if found is not None)

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        """See :class:`Storage`. Where one fails while it is read, the other goes on from there."""
        errors: list[DarkroomError] = []
        lacking: list[Storage] = []
        for place, storage in enumerate(self._both):
            try:
                content = await storage.open(digest, start, length)
            except FileMissing:
                lacking.append(storage)
                continue
            except FAILURES as error:
                errors.append(self._failed(storage, error))
                continue
            for other in lacking:
                self._repair_soon(digest, storage, other)
            return self._read(content, storage, self._both[place + 1 :], digest, start, length)
        raise errors[0] if errors else missing(digest)

    async def _read(
        self,
        content: AsyncGenerator[bytes],
        storage: Storage,
        others: tuple[Storage, ...],
        digest: str,
        start: int,
        length: int | None,
    ) -> AsyncGenerator[bytes]:
        given = 0
        while True:
            try:
                async with contextlib.aclosing(content):
                    async for block in content:
                        given += len(block)
                        yield block
                return
            except FAILURES as error:
                self._failed(storage, error)
                if not others:
                    raise
                storage, others = others[0], others[1:]
                try:
                    content = await storage.open(digest, start + given, None if length is None else length - given)
                except (FileMissing, *FAILURES):
                    raise error from None

    async def stat(self, digest: str) -> Stored | None:
        """See :class:`Storage`. Fails where neither has it and one cannot be asked: it may be there."""
        errors: list[DarkroomError] = []
        for storage in self._both:
            try:
                found = await storage.stat(digest)
            except FAILURES as error:
                errors.append(self._failed(storage, error))
                continue
            if found is not None:
                return found
        if errors:
            raise errors[0]
        return None

    async def delete(self, digest: str) -> bool:
        """See :class:`Storage`. Fails where one of the two fails, so that nothing stays that was to go: try again."""
        running = self._repairs.get(digest)
        if running is not None:
            await asyncio.wait([running])
        there = False
        failed: list[tuple[Storage, DarkroomError]] = []
        # The first once more: a repair may have written it again from the second just before that was deleted.
        for storage in (*self._both, self._both[0]):
            try:
                there = await storage.delete(digest) or there
            except FAILURES as error:
                failed.append((storage, self._failed(storage, error)))
        if failed:
            names = " and ".join(dict.fromkeys(storage.name for storage, _ in failed))
            raise StorageFailed(
                f"{digest} could not be deleted in {names}: {failed[0][1].message}", cure="Delete it again later."
            ) from failed[0][1]
        return there

    async def list(self) -> AsyncGenerator[Stored]:
        """See :class:`Storage`. What either has; where one fails, what the other has."""
        async with contextlib.aclosing(self._pairs(strict=False)) as pairs:
            async for first, second in pairs:
                found = first or second
                if found is not None:
                    yield found

    async def url(self, digest: str, seconds: int, *, name: str, content_type: str) -> str | None:
        """See :class:`Storage`. Only of a storage that has the file now."""
        for storage in self._both:
            try:
                link = await storage.url(digest, seconds, name=name, content_type=content_type)
                if link is not None and await storage.stat(digest) is not None:
                    return link
            except FAILURES as error:
                self._failed(storage, error)
        return None

    async def check(self) -> float:
        """See :class:`Storage`. The slower one's seconds; fails where both fail."""
        return max(found for found in await self._each(lambda storage: storage.check()) if found is not None)

    async def clean(self, older_than_seconds: float) -> int:
        """See :class:`Storage`."""
        gone = await self._each(lambda storage: storage.clean(older_than_seconds))
        return sum(found for found in gone if found is not None)

    async def repair(self) -> int:
        """Walk both and write again what one lacks, and what is damaged where sizes differ; gives how many files.

        Raises StorageFailed or NetworkError where one of the two cannot be listed. A file that cannot be repaired is
        warned of and counted, and left.
        """
        first, second = self._both
        repaired = 0
        async with contextlib.aclosing(self._pairs(strict=True)) as pairs:
            async for here, there in pairs:
                if here is None and there is not None:
                    repaired += await self._copy(there.digest, second, first)
                elif there is None and here is not None:
                    repaired += await self._copy(here.digest, first, second)
                elif here is not None and there is not None and here.size != there.size:
                    repaired += await self._settle(here.digest)
        return repaired

    async def wait(self) -> None:
        """Wait for the repairs that reading has begun."""
        while self._repairs:
            await asyncio.wait(list(self._repairs.values()))

    async def _each(self, work: Callable[[Storage], Awaitable[T]]) -> tuple[T | None, ...]:
        """Have both do something at the same time; None for one that fails. Raises where both do."""
        done = await asyncio.gather(*(work(storage) for storage in self._both), return_exceptions=True)
        found: list[T | None] = []
        errors: list[DarkroomError] = []
        for storage, result in zip(self._both, done, strict=True):
            if isinstance(result, FAILURES):
                errors.append(self._failed(storage, result))
                found.append(None)
            elif isinstance(result, BaseException):
                raise result
            else:
                found.append(result)
        if len(errors) == len(self._both):
            raise errors[0]
        return tuple(found)

    async def _pairs(self, *, strict: bool) -> AsyncGenerator[tuple[Stored | None, Stored | None]]:
        """Both listings side by side, in the order of digests."""
        iterators = [storage.list() for storage in self._both]
        heads: dict[int, Stored | None] = {}

        async def forward(place: int) -> None:
            try:
                heads[place] = await anext(iterators[place], None)
            except FAILURES as error:
                self._failed(self._both[place], error)
                if strict or len(failed) == 1:
                    raise
                failed.add(place)
                heads[place] = None

        failed: set[int] = set()
        async with contextlib.aclosing(iterators[0]), contextlib.aclosing(iterators[1]):
            await forward(0)
            await forward(1)
            while True:
                digests = [head.digest for head in heads.values() if head is not None]
                if not digests:
                    return
                least = min(digests)
                pair = tuple(head if head is not None and head.digest == least else None for head in heads.values())
                yield pair[0], pair[1]
                for place, head in enumerate(pair):
                    if head is not None:
                        await forward(place)

    def _repair_soon(self, digest: str, source: Storage, target: Storage) -> None:
        if digest not in self._repairs:
            task = asyncio.ensure_future(self._copy(digest, source, target))
            self._repairs[digest] = task
            task.add_done_callback(lambda _: self._repairs.pop(digest, None))

    async def _copy(self, digest: str, source: Storage, target: Storage) -> int:
        """Write a file again where it is lacking; 1 where that was done. What is damaged is not copied."""
        try:
            async with spooled(self._spool, await source.open(digest)) as whole:
                if whole.digest != digest:
                    self.counters[f"{source.name}.damaged"] += 1
                    log.warning("storage %s has a damaged file %s", source.name, digest)
                    return 0
                await target.keep(whole)
            if await source.stat(digest) is None:
                # Deleted meanwhile: it is not to come back.
                await target.delete(digest)
                return 0
        except FileMissing:
            return 0
        except FAILURES as error:
            log.warning("%s could not be written again to storage %s: %s", digest, target.name, error)
            self.counters[f"{target.name}.failed"] += 1
            return 0
        self.counters[f"{target.name}.repaired"] += 1
        log.info("%s was written again to storage %s", digest, target.name)
        return 1

    async def _settle(self, digest: str) -> int:
        """Two copies differ: replace the one that is damaged by the other."""
        for source, target in (self._both, self._both[::-1]):
            try:
                if await _is_whole(source, digest) and not await _is_whole(target, digest):
                    self.counters[f"{target.name}.damaged"] += 1
                    return await self._copy(digest, source, target)
            except FAILURES as error:
                self._failed(source, error)
        log.warning("both storages have a damaged file %s", digest)
        return 0

    def _failed(self, storage: Storage, error: DarkroomError) -> DarkroomError:
        self.counters[f"{storage.name}.failed"] += 1
        log.warning("storage %s fails: %s", storage.name, error)
        return error


async def _is_whole(storage: Storage, digest: str) -> bool:
    hashed = hashlib.sha256()
    try:
        async for block in await storage.open(digest):
            await in_thread(hashed.update, block)
    except FileMissing:
        return False
    return hashed.hexdigest() == digest
