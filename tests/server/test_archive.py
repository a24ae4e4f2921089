"""A ZIP that is made while it is sent: whole, with every name once, and honest about what is missing."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom.server.archive import Packed, archive_of
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import put_bytes

NOW = datetime(2026, 11, 21, 12, 30, 2, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def packed(storage: LocalStorage, name: str, data: bytes) -> Packed:
    stored = asyncio.run(put_bytes(storage, data))
    return Packed(stored.digest, name, NOW, {"source": name})


def archive(storage: LocalStorage, files: list[Packed]) -> tuple[zipfile.ZipFile, list[int]]:
    async def made() -> tuple[bytes, list[int]]:
        pieces = [piece async for piece in archive_of(storage, files)]
        return b"".join(pieces), [len(piece) for piece in pieces]

    data, sizes = asyncio.run(made())
    return zipfile.ZipFile(io.BytesIO(data)), sizes


def test_it_holds_the_files_with_their_times(storage: LocalStorage) -> None:
    bundle, _ = archive(storage, [packed(storage, "a.png", b"one"), packed(storage, "schuh ä.jpg", b"two" * 1000)])
    assert bundle.testzip() is None
    assert bundle.read("schuh ä.jpg") == b"two" * 1000
    assert bundle.getinfo("a.png").date_time == (2026, 11, 21, 12, 30, 2)
    assert json.loads(bundle.read("manifest.json")) == [
        {"source": "a.png", "file": "a.png"},
        {"source": "schuh ä.jpg", "file": "schuh ä.jpg"},
    ]


def test_names_that_come_twice_get_a_number(storage: LocalStorage) -> None:
    names = ["a.png", "A.png", "a.png", "b", "b", "manifest.json"]
    bundle, _ = archive(storage, [packed(storage, name, str(index).encode()) for index, name in enumerate(names)])
    assert bundle.namelist() == ["a.png", "A-2.png", "a-3.png", "b", "b-2", "manifest-2.json", "manifest.json"]


def test_a_file_that_is_gone_is_told(storage: LocalStorage) -> None:
    gone = packed(storage, "gone.png", b"gone")
    asyncio.run(storage.delete(gone.digest))
    bundle, _ = archive(storage, [gone, packed(storage, "here.png", b"here")])
    told = json.loads(bundle.read("manifest.json"))
    assert [one["file"] for one in told] == [None, "here.png"]
    assert "not stored" in told[0]["error"]


def test_a_long_file_is_sent_in_pieces(storage: LocalStorage) -> None:
    bundle, sizes = archive(storage, [packed(storage, "long.bin", bytes(5_000_000))])
    assert len(bundle.read("long.bin")) == 5_000_000
    assert max(sizes) < 2_000_000
