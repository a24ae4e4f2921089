"""A folder and a bucket together: one may fail, and what one lacks comes back."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from darkroom.errors import StorageFailed
from darkroom.settings import Settings
from darkroom.storage import build
from darkroom.storage.both import BothStorage
from darkroom.storage.local import LocalStorage
from darkroom.storage.s3 import S3Storage
from darkroom.storage.storage import key_of
from tests.storage.conftest import s3_settings
from tests.storage.helpers import digest_of, listed, put, read, run
from tests.storage.s3_server import S3Server

LARGE = bytes(range(256)) * 50_000


@pytest.fixture
def settings(s3_server: S3Server, tmp_path: Path) -> Settings:
    return s3_settings(s3_server, tmp_path, "both", retries=0)


def both(settings: Settings) -> BothStorage:
    built = build(settings)
    assert isinstance(built, BothStorage)
    return built


def local(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.storage.folder)


def bucket(settings: Settings) -> S3Storage:
    built = build(settings.with_changes({"storage.kind": "s3"}))
    assert isinstance(built, S3Storage)
    return built


def without_bucket(settings: Settings) -> Settings:
    return settings.with_changes({"storage.s3.secret_key": "wrong"})


def without_folder(settings: Settings) -> Settings:
    file = settings.storage.folder.with_name("no-folder")
    file.write_text("")
    return settings.with_changes({"storage.folder": file})


def test_both_have_what_was_put(settings: Settings) -> None:
    async def work() -> None:
        digest = (await put(both(settings), LARGE)).digest
        assert await read(local(settings), digest) == LARGE
        assert await read(bucket(settings), digest) == LARGE

    run(work())


@pytest.mark.parametrize("lost", ["local", "s3"])
def test_works_on_while_one_fails_and_repairs_it_later(
    settings: Settings, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = both(without_bucket(settings) if lost == "s3" else without_folder(settings))

    async def work() -> None:
        with caplog.at_level(logging.WARNING, "darkroom.storage"):
            digest = (await put(broken, b"content")).digest
        assert f"storage {lost} fails" in caplog.text
        assert await read(broken, digest) == b"content"
        assert await listed(broken) == [digest]
        assert await broken.stat(digest) is not None
        assert await broken.check() > 0
        assert await broken.clean(0) == 0
        assert broken.counters[f"{lost}.failed"] >= 3
        with pytest.raises(StorageFailed):
            await broken.repair()
        whole = both(settings)
        assert await whole.repair() == 1
        assert await whole.repair() == 0
        assert whole.counters == {f"{lost}.repaired": 1}
        assert await read(local(settings), digest) == await read(bucket(settings), digest) == b"content"

    run(work())


def test_fails_where_both_fail(settings: Settings) -> None:
    storage = both(without_folder(without_bucket(settings)))
    for call in (put(storage, b"content"), storage.stat("0" * 64), storage.check(), listed(storage)):
        with pytest.raises(StorageFailed):
            run(call)


def test_does_not_say_missing_of_what_it_cannot_know(settings: Settings) -> None:
    storage = both(without_bucket(settings))
    for call in (storage.stat("0" * 64), storage.open("0" * 64)):
        with pytest.raises(StorageFailed):
            run(call)


def test_reading_repairs_in_passing(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings)
        digest = (await put(storage, LARGE)).digest
        await local(settings).delete(digest)
        assert await read(storage, digest, 5, 10) == LARGE[5:15]
        await storage.wait()
        assert await read(local(settings), digest) == LARGE
        assert storage.counters == {"local.repaired": 1}

    run(work())


def test_the_other_goes_on_where_one_breaks_off(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings)
        digest = (await put(storage, LARGE)).digest
        blocks = await storage.open(digest, 7)
        first = await anext(blocks)
        os.truncate(settings.storage.folder / key_of(digest), 2_000_000)
        assert first + b"".join([block async for block in blocks]) == LARGE[7:]
        assert storage.counters == {"local.failed": 1}
        assert await storage.repair() == 1
        assert await read(local(settings), digest) == LARGE
        assert storage.counters["local.damaged"] == 1

    run(work())


def test_what_is_damaged_is_not_spread(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings)
        digest = (await put(storage, b"content")).digest
        await bucket(settings).delete(digest)
        (settings.storage.folder / key_of(digest)).write_bytes(b"CONTENT")
        assert await storage.repair() == 0
        assert await listed(bucket(settings)) == []
        assert storage.counters == {"local.damaged": 1}

    run(work())


def test_deleting_is_of_both_or_an_error(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings)
        digest = (await put(storage, b"content")).digest
        with pytest.raises(StorageFailed, match=r"could not be deleted in s3: .*Delete it again"):
            await both(without_bucket(settings)).delete(digest)
        assert await storage.delete(digest) is True
        assert await storage.delete(digest) is False
        assert await listed(storage) == []

    run(work())


def test_what_is_deleted_while_it_is_repaired_does_not_come_back(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings)
        digest = (await put(storage, LARGE)).digest
        await local(settings).delete(digest)
        await read(storage, digest, 0, 1)
        assert await storage.delete(digest) is True
        await storage.wait()
        assert await listed(local(settings)) == await listed(bucket(settings)) == []

    run(work())


def test_lists_what_either_has_in_order(settings: Settings) -> None:
    async def work() -> None:
        digests = [(await put(both(settings), bytes([number]))).digest for number in range(9)]
        for digest in digests[:3]:
            await local(settings).delete(digest)
        for digest in digests[3:6]:
            await bucket(settings).delete(digest)
        storage = both(settings)
        assert await listed(storage) == sorted(digests)
        assert await storage.repair() == 6
        assert await listed(local(settings)) == await listed(bucket(settings)) == sorted(digests)

    run(work())


def test_links_only_to_what_the_bucket_has(settings: Settings) -> None:
    async def work() -> None:
        digest = (await put(both(settings), b"content")).digest
        assert await both(settings).url(digest, 60, name="a", content_type="image/png")
        await bucket(settings).delete(digest)
        assert await both(settings).url(digest, 60, name="a", content_type="image/png") is None
        assert await both(without_bucket(settings)).url(digest, 60, name="a", content_type="image/png") is None

    run(work())


def test_offline_the_folder_does_alone(settings: Settings) -> None:
    async def work() -> None:
        storage = both(settings.with_changes({"offline": True}))
        digest = (await put(storage, b"content")).digest
        assert digest == digest_of(b"content")
        assert await read(storage, digest) == b"content"

    run(work())
