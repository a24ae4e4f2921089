"""The store: what is in it is whole and right, whatever the network, the disk or another process does."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom import egress
from darkroom.errors import (
    DownloadFailed,
    LicenceRefused,
    ModelCorrupt,
    ModelMissing,
    OfflineRefused,
    UnknownModel,
)
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.models.store import PINNED, Store, write_user_entries
from darkroom.settings import Settings
from tests.models.serving import Mirror

DATA = os.urandom(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror().serving() as served:
        served.files["net.onnx"] = DATA
        yield served


def know(mirror: Mirror, **changes: Any) -> None:
    """Put a model of that server into the user's catalogue."""
    file = ModelFile.model_validate(
        {"name": "net.onnx", "url": f"{mirror.url}/net.onnx", "sha256": SHA256, "digest_source": "this test"} | changes
    )
    write_user_entries([ModelEntry(name="net", task="matte", files=(file,), licence="MIT", commercial=True)])


def store(**changes: Any) -> Store:
    return Store.from_settings(Settings().with_changes({k.replace("__", "."): v for k, v in changes.items()}))


def clean(kept: Store) -> bool:
    """Nothing in the folder looks like a model."""
    return not kept.folder.exists() or not [
        path for path in kept.folder.iterdir() if path.suffix not in (".partial", ".tag", ".lock")
    ]


class TestPull:
    def test_is_whole_recorded_and_told(self, mirror: Mirror) -> None:
        know(mirror)
        seen: list[float] = []
        stored = store().pull("net", lambda part, _: seen.append(part))
        assert stored.path.read_bytes() == DATA
        assert (stored.digest, stored.digest_source) == (SHA256, "this test")
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        record = json.loads(stored.path.with_name("net.onnx.json").read_text())
        assert (record["sha256"], record["origin"], record["bytes"]) == (SHA256, f"{mirror.url}/net.onnx", len(DATA))
        assert store().ready("net")

    def test_a_second_time_asks_nobody(self, mirror: Mirror) -> None:
        know(mirror)
        store().pull("net")
        store().pull("net")
        assert len(mirror.requests) == 1

    def test_goes_on_where_it_broke_off(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.cut_after = 100_000
        assert store().pull("net").digest == SHA256
        (_, first), (_, second) = mirror.requests
        assert first is None
        assert second == "bytes=100000-"

    def test_starts_over_when_the_file_has_changed(self, mirror: Mirror) -> None:
        know(mirror)
        folder = store().folder
        folder.mkdir(parents=True)
        (folder / "net.onnx.partial").write_bytes(b"of another version")
        (folder / "net.onnx.partial.tag").write_text('"zero"')
        assert store().pull("net").digest == SHA256

    def test_starts_over_when_the_server_knows_no_ranges(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.cut_after, mirror.ranges = 100_000, False
        assert store().pull("net").digest == SHA256

    def test_another_range_than_asked_for_is_not_appended(self, mirror: Mirror) -> None:
        know(mirror, sha256=None, digest_source=None)
        mirror.cut_after, mirror.wrong_range = 100_000, True
        assert store().pull("net").path.read_bytes() == DATA

    def test_what_was_whole_but_not_yet_named_is_not_fetched_again(self, mirror: Mirror) -> None:
        know(mirror)
        folder = store().folder
        folder.mkdir(parents=True)
        (folder / "net.onnx.partial").write_bytes(DATA)
        (folder / "net.onnx.partial.tag").write_text(mirror.etag)
        assert store().pull("net").digest == SHA256
        assert mirror.requests == [("net.onnx", f"bytes={len(DATA)}-")]

    def test_tries_again_what_may_pass(self, mirror: Mirror, capsys: pytest.CaptureFixture[str]) -> None:
        know(mirror)
        mirror.statuses = [503, 429]
        assert store().pull("net").digest == SHA256
        assert capsys.readouterr().out == "", "standard output belongs to pictures and JSON"

    def test_does_not_try_again_what_cannot(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.statuses = [404]
        with pytest.raises(DownloadFailed, match="answered 404"):
            store().pull("net")
        assert len(mirror.requests) == 1
        assert clean(store())

    def test_tampered_is_refused_and_deleted(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.files["net.onnx"] = DATA[:-1] + bytes([DATA[-1] ^ 1])
        with pytest.raises(ModelCorrupt, match="not the file that it should be"):
            store().pull("net")
        assert not (store().folder / "net.onnx.partial").exists()
        assert clean(store())
        assert not store().ready("net")

    def test_the_wrong_size_is_refused(self, mirror: Mirror) -> None:
        know(mirror, bytes=len(DATA) - 7)
        with pytest.raises(ModelCorrupt, match="bytes instead of"):
            store().pull("net")
        assert clean(store())

    def test_unreachable_leaves_nothing(self, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("darkroom.models.store.ATTEMPTS", 2)
        know(mirror, url="http://127.0.0.1:9/net.onnx")
        with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 failed"):
            store().pull("net")
        assert clean(store())

    def test_a_server_that_says_nothing_is_given_up(self, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("darkroom.models.store.ATTEMPTS", 1)
        monkeypatch.setattr(egress, "READ_SECONDS", 0.3)
        mirror.slow = 2.0
        know(mirror)
        started = time.monotonic()
        with pytest.raises(DownloadFailed):
            store().pull("net")
        assert time.monotonic() - started < 2
        assert clean(store())

    def test_offline_asks_nobody(self, mirror: Mirror) -> None:
        know(mirror)
        with pytest.raises(OfflineRefused, match="offline"):
            store(offline=True).pull("net")
        assert mirror.requests == []

    def test_a_password_in_an_address_is_not_repeated(self, mirror: Mirror) -> None:
        know(mirror, url=mirror.url.replace("//", "//me:secret@") + "/gone.onnx")
        with pytest.raises(DownloadFailed) as caught:
            store().pull("net")
        assert "secret" not in str(caught.value)


class TestProcesses:
    PULL = "from darkroom.models.store import Store; from darkroom.settings import load_settings; "
    PULL += "Store.from_settings(load_settings()).pull('net')"

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", self.PULL], stderr=subprocess.PIPE)

    def test_two_that_pull_one_model_download_it_once(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.slow = 0.02
        both = [self.start(), self.start()]
        assert [process.wait(30) for process in both] == [0, 0]
        assert len(mirror.requests) == 1
        assert store().ensure("net").digest == SHA256

    def test_one_that_was_killed_leaves_no_model_and_the_next_goes_on(self, mirror: Mirror) -> None:
        know(mirror)
        mirror.slow = 0.1
        process = self.start()
        partial = store().folder / "net.onnx.partial"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (partial.exists() and partial.stat().st_size > 0):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert clean(store())
        have = partial.stat().st_size
        assert 0 < have < len(DATA)
        mirror.slow = 0.0
        assert store().pull("net").digest == SHA256
        assert mirror.requests[-1][1] == f"bytes={have}-"


class TestDigests:
    def test_an_md5_of_the_authors_is_held_to(self, mirror: Mirror) -> None:
        know(mirror, sha256=None, md5=hashlib.md5(DATA).hexdigest(), digest_source="md5 of its authors")
        assert store().pull("net").digest_source == "md5 of its authors"
        mirror.files["net.onnx"] = b"other"
        store().remove("net")
        know(mirror, sha256=None, md5=hashlib.md5(DATA).hexdigest())
        with pytest.raises(ModelCorrupt):
            store().pull("net")

    def test_without_one_the_first_file_is_pinned_and_held_to(self, mirror: Mirror) -> None:
        know(mirror, sha256=None, digest_source=None)
        stored = store().pull("net")
        assert stored.digest_source == PINNED
        stored.path.unlink()
        mirror.files["net.onnx"] = b"another file"
        with pytest.raises(ModelCorrupt, match="pinned"):
            store().pull("net")

    def test_a_record_does_not_stand_above_the_catalogue(self, mirror: Mirror) -> None:
        """A file that came under another entry is measured by the entry that asks for it."""
        know(mirror, sha256=None, digest_source=None)
        store().pull("net")
        know(mirror, sha256=None, md5="0" * 32)
        with pytest.raises(ModelCorrupt, match="not the file that it should be"):
            store().ensure("net")

    def test_verify_finds_what_has_changed(self, mirror: Mirror) -> None:
        know(mirror)
        stored = store().pull("net")
        assert [verdict.problem for verdict in store().verify()] == [""]
        stored.path.write_bytes(DATA[:-1] + b"?")
        assert "changed" in store().verify()[0].problem
        with pytest.raises(ModelCorrupt, match="changed"):
            store().ensure("net")


class TestEnsure:
    def test_downloads_only_if_allowed(self, mirror: Mirror) -> None:
        know(mirror)
        with pytest.raises(ModelMissing) as caught:
            store().ensure("net")
        assert caught.value.cure == "Get it with: darkroom models pull net"
        assert mirror.requests == []
        assert store(models__auto_download=True).ensure("net").digest == SHA256

    def test_commercial_only(self, mirror: Mirror) -> None:
        file = ModelFile(name="net.onnx", url=f"{mirror.url}/net.onnx")
        write_user_entries(
            [ModelEntry(name="net", task="matte", files=(file,), licence="CC-BY-NC-4.0", commercial=False)]
        )
        with pytest.raises(LicenceRefused, match=r"CC-BY-NC-4\.0"):
            store(models__commercial_only=True).pull("net")
        assert store().pull("net").entry.commercial is False

    def test_a_file_of_rembg_is_used_where_it_is(self, mirror: Mirror, tmp_path: Path) -> None:
        know(mirror)
        theirs = tmp_path / "u2net"
        theirs.mkdir()
        (theirs / "net.onnx").write_bytes(DATA)
        assert store().ensure("net").path == theirs / "net.onnx"
        (theirs / "net.onnx").write_bytes(b"something else")
        with pytest.raises(ModelCorrupt):
            store().ensure("net")

    def test_names_in_any_spelling(self) -> None:
        assert store().entry("RealESRGAN_x4plus").name == "realesrgan-x4plus"
        assert store().entry("U2NET").name == "u2net"
        with pytest.raises(UnknownModel, match="Did you mean u2net"):
            store().entry("u2nett")


class TestMirror:
    def test_as_an_address(self, mirror: Mirror) -> None:
        know(mirror, url="http://127.0.0.1:9/elsewhere/net.onnx")
        assert store(models__mirror=f"{mirror.url}/models/").pull("net").digest == SHA256
        assert mirror.requests == [("net.onnx", None)]

    def test_as_a_folder_without_any_connection(self, mirror: Mirror, tmp_path: Path) -> None:
        know(mirror)
        (tmp_path / "files").mkdir()
        (tmp_path / "files/net.onnx").write_bytes(DATA)
        assert store(models__mirror=str(tmp_path / "files"), offline=True).pull("net").digest == SHA256
        assert mirror.requests == []


def test_rm_leaves_nothing(mirror: Mirror) -> None:
    know(mirror)
    kept = store()
    kept.pull("net")
    kept.remove("net")
    assert clean(kept)
    with pytest.raises(UnknownModel):
        store().entry("net")
