"""Several stored files as one ZIP, made while it is sent: nothing of it lies in memory or on disk."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darkroom.errors import FileMissing

if TYPE_CHECKING:
    from datetime import datetime

    from darkroom.storage.storage import Storage

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Packed:
    """A file of the archive: its digest in the storage, its name there, and what the manifest says of it."""

    digest: str
    name: str
    made: datetime
    about: dict[str, Any]


class _Drain:
    """What a ZIP is written into: hands on what has come, and cannot go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits here for long."""

    def taken(self) -> bytes:
        data = bytes(self._waiting)
        self._waiting.clear()
        return data


async def archive_of(storage: Storage, packed: Sequence[Packed]) -> AsyncIterator[bytes]:
    """The bytes of a ZIP of these files, in pieces; pictures are stored as they are, for they are small already.

    Names that come twice get a number. A file that is gone meanwhile is left out, and the manifest says so.
    """
    drain = _Drain()
    taken: set[str] = {MANIFEST}
    manifest: list[dict[str, Any]] = []
    writing: Any = drain
    with zipfile.ZipFile(writing, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle:
        for file in packed:
            name = _free(file.name, taken)
            try:
                pieces = await storage.open(file.digest)
            except FileMissing:
                manifest.append({**file.about, "file": None, "error": "the file is not stored any more"})
                continue
            info = zipfile.ZipInfo(name, file.made.timetuple()[:6])
            with bundle.open(info, "w", force_zip64=True) as member:
                async for piece in pieces:
                    member.write(piece)
                    yield drain.taken()
            manifest.append({**file.about, "file": name})
            yield drain.taken()
        bundle.writestr(MANIFEST, json.dumps(manifest, indent=2) + "\n")
        yield drain.taken()
    yield drain.taken()


def _free(name: str, taken: set[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    free, number = name, 2
    while free.lower() in taken:
        free = f"{stem or name}-{number}{dot}{suffix}" if dot else f"{name}-{number}"
        number += 1
    taken.add(free.lower())
    return free
