"""A folder: full disks, killed processes, other file systems, and what others have put there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from darkroom.errors import StorageFailed
from darkroom.storage.local import LocalStorage
from darkroom.storage.storage import key_of
from tests.storage.helpers import digest_of, files_in, listed, put, read, run

PUTTING = """
import asyncio, os, resource, sys
from pathlib import Path
from darkroom.storage.local import LocalStorage

async def chunks():
    for number in range(50):
        yield bytes(100_000)
    {then}
    yield b"end"

{before}
asyncio.run(LocalStorage(Path(sys.argv[1])).put(chunks(), most=None))
"""


def putting(folder: Path, before: str = "", then: str = "pass") -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(PUTTING).format(before=before, then=then)
    return subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    done = putting(tmp_path, before="resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))")
    assert done.returncode == 1
    assert "StorageFailed: The disk is full" in done.stderr
    assert "Make room there." in done.stderr
    assert files_in(tmp_path) == []


def test_a_killed_put_leaves_nothing_but_what_clean_takes(tmp_path: Path) -> None:
    done = putting(tmp_path, then="os.kill(os.getpid(), 9)")
    assert done.returncode == -signal.SIGKILL
    storage = LocalStorage(tmp_path)
    assert run(listed(storage)) == []
    (left,) = files_in(tmp_path)
    assert left.parent == tmp_path / "partial"
    assert run(storage.clean(0)) == 1
    assert files_in(tmp_path) == []


def test_lies_under_its_digest_and_nowhere_else(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    digest = run(put(storage, b"content")).digest
    path = tmp_path / digest[:2] / digest[2:4] / digest
    assert files_in(tmp_path) == [path]
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o077 == 0, "nobody else's"


def test_without_links_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: object, target: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    storage = LocalStorage(tmp_path)
    digest = run(put(storage, b"content")).digest
    assert run(read(storage, digest)) == b"content"
    assert len(files_in(tmp_path)) == 1


def test_a_file_that_was_cut_off_by_others_is_replaced(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    path = tmp_path / key_of(digest_of(b"content"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cont")
    run(put(storage, b"content"))
    assert path.read_bytes() == b"content"
    assert files_in(tmp_path) == [path]


def test_what_others_put_there_is_not_listed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    digest = run(put(storage, b"content")).digest
    for name in (
        ".DS_Store",
        "ab/notes.txt",
        f"{digest[:2]}/{digest[2:4]}/other",
        f"00/00/{digest}",
        "partial/x",
        "cd",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert run(listed(storage)) == [digest]


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    storage, content = LocalStorage(tmp_path), bytes(5_000_000)

    async def work() -> bytes:
        digest = (await put(storage, content)).digest
        blocks = await storage.open(digest)
        first = await anext(blocks)
        assert await storage.delete(digest)
        return first + b"".join([block async for block in blocks])

    assert run(work()) == content


def test_a_file_that_is_cut_off_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)

    async def work() -> None:
        digest = (await put(storage, bytes(5_000_000))).digest
        blocks = await storage.open(digest)
        await anext(blocks)
        os.truncate(tmp_path / key_of(digest), 2_000_000)
        with pytest.raises(StorageFailed, match="cut off"):
            async for _ in blocks:
                pass

    run(work())


def test_a_folder_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = LocalStorage(tmp_path / "file")
    calls = (put(storage, b"content"), storage.check(), storage.stat("0" * 64), storage.open("0" * 64), listed(storage))
    for call in calls:
        with pytest.raises(StorageFailed, match="cannot be used: Not a directory"):
            run(call)
