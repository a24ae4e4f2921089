"""Files in a folder, each under its digest; temporary ones beside them, in ``partial/``."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from darkroom.errors import StorageFailed
from darkroom.storage.spool import BLOCK, Spooled, clean_folder, failed, in_thread, spooled
from darkroom.storage.storage import Stored, digest_in, key_of, missing, span


class LocalStorage:
    """A folder. A file appears by a hard link or a rename, so it is whole whenever it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder / "partial"
        """Where files wait until they are whole."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "local"

    async def put(self, chunks: AsyncIterator[bytes], *, most: int | None) -> Stored:
        """See :class:`Storage`."""
        async with spooled(self.partial, chunks, most) as whole:
            return await self.keep(whole)

    async def keep(self, whole: Spooled) -> Stored:
        """See :class:`Storage`."""
        return await in_thread(self._keep, whole)

    async def open(self, digest: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes]:
        """See :class:`Storage`. A file that is deleted meanwhile is read to its end all the same."""
        path = self._path(digest)
        try:
            file = await in_thread(open, path, "rb", buffering=0)
        except FileNotFoundError:
            raise missing(digest) from None
        except OSError as error:
            raise failed(self.folder, error) from error
        try:
            first, end = span(os.fstat(file.fileno()).st_size, start, length)
        except BaseException:
            file.close()
            raise
        return self._read(file, first, end)

    async def _read(self, file: BinaryIO, first: int, end: int) -> AsyncGenerator[bytes]:
        with file:
            while first < end:
                try:
                    block = await in_thread(os.pread, file.fileno(), min(BLOCK, end - first), first)
                except OSError as error:
                    raise failed(self.folder, error) from error
                if not block:
                    raise StorageFailed(f"A file in {self.folder} was cut off while it was read.")
                first += len(block)
                yield block

    async def stat(self, digest: str) -> Stored | None:
        """See :class:`Storage`."""
        return await in_thread(self._stat, self._path(digest))

    async def delete(self, digest: str) -> bool:
        """See :class:`Storage`."""
        path = self._path(digest)
        try:
            await in_thread(path.unlink)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise failed(self.folder, error) from error
        return True

    async def list(self) -> AsyncGenerator[Stored]:
        """See :class:`Storage`. Folder by folder: files that come or go meanwhile may be given or not."""
        for first in await in_thread(_names, self.folder):
            if len(first) == 2 and (self.folder / first).is_dir():
                for second in await in_thread(_names, self.folder / first):
                    for found in await in_thread(self._in, first, second):
                        yield found

    async def url(self, digest: str, seconds: int, *, name: str, content_type: str) -> str | None:
        """See :class:`Storage`. A folder has no links."""
        key_of(digest)
        return None

    async def check(self) -> float:
        """See :class:`Storage`."""
        return await in_thread(self._check)

    async def clean(self, older_than_seconds: float) -> int:
        """See :class:`Storage`."""
        return await in_thread(clean_folder, self.partial, older_than_seconds)

    def _path(self, digest: str) -> Path:
        return self.folder / key_of(digest)

    def _stat(self, path: Path) -> Stored | None:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failed(self.folder, error) from error
        return Stored(path.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _in(self, first: str, second: str) -> tuple[Stored, ...]:
        if not (self.folder / first / second).is_dir():
            return ()
        found = (
            self._stat(self.folder / first / second / name)
            for name in _names(self.folder / first / second)
            if digest_in(f"{first}/{second}/{name}")
        )
        return tuple(stored for stored in found if stored is not None)

    def _keep(self, whole: Spooled) -> Stored:
        path = self._path(whole.digest)
        try:
            already = self._stat(path)
            if already is not None and already.size == whole.size:
                return already
            _make_folders(self.folder, path.parent)
            try:
                os.link(whole.path, path)
            except FileExistsError:
                # Another put was quicker, or what is there was damaged by other hands.
                now = self._stat(path)
                if now is None or now.size != whole.size:
                    self._copy(whole, path)
            except OSError:
                # Another file system, or one without links.
                self._copy(whole, path)
            _sync_folder(path.parent)
        except OSError as error:
            raise failed(self.folder, error) from error
        stored = self._stat(path)
        if stored is None:
            raise StorageFailed(f"{path} was deleted while it was stored.", cure="Store it again.")
        return stored

    def _copy(self, whole: Spooled, path: Path) -> None:
        """Copy under a temporary name, flush to the disk, then rename over what is there."""
        self.partial.mkdir(parents=True, exist_ok=True)
        partial = self.partial / f"{secrets.token_hex(8)}.partial"
        try:
            with whole.path.open("rb") as source, partial.open("xb") as target:
                shutil.copyfileobj(source, target, BLOCK)
                target.flush()
                os.fsync(target.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    def _check(self) -> float:
        began = time.perf_counter()
        written = secrets.token_bytes(32)
        path = self.partial / f"{secrets.token_hex(8)}.partial"
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("xb") as file:
                    file.write(written)
                    file.flush()
                    os.fsync(file.fileno())
                read = path.read_bytes()
            finally:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise failed(self.folder, error) from error
        if read != written:
            raise StorageFailed(f"{self.folder} does not give back what was written.", cure="Check its disk.")
        return time.perf_counter() - began


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise failed(folder, error) from error


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folders of a file, each flushed into the one above."""
    for made in (root, folder.parent, folder):
        if not made.is_dir():
            made.mkdir(parents=True, exist_ok=True)
            _sync_folder(made.parent)


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder; where a file system cannot, it keeps them in its own time."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
