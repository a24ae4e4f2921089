"""A bucket: what fails there, what is written down, and what is sent."""

from __future__ import annotations

import contextlib
import random
import socket
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom.egress import Egress
from darkroom.errors import (
    ConfigurationError,
    EgressRefused,
    InvalidParameters,
    LedgerUnwritable,
    OfflineRefused,
    StorageFailed,
)
from darkroom.settings import Settings
from darkroom.storage import build
from darkroom.storage.signing import Keys, presign
from darkroom.storage.storage import key_of
from tests.storage.conftest import BUCKET, s3_settings
from tests.storage.flaky import Asked, Fate, Flaky
from tests.storage.helpers import digest_of, listed, put, read, run
from tests.storage.s3_server import S3Server

LARGE = bytes(range(256)) * 50_000
"""12.8 MB: three parts of 5 MiB."""
PARTS = {"multipart_bytes": 5 << 20}


@pytest.fixture
def flaky(s3_server: S3Server) -> Iterator[Flaky]:
    with Flaky().before(s3_server.endpoint) as proxy:
        yield proxy


def with_changes(settings: Settings, **changes: object) -> Settings:
    return settings.with_changes({f"storage.s3.{name}": value for name, value in changes.items()})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("content", [b"small" * 1000, LARGE], ids=["small", "large"])
def test_errors_half_of_the_time_never_make_half_a_file(
    s3_server: S3Server, flaky: Flaky, tmp_path: Path, content: bytes, seed: int
) -> None:
    direct = s3_settings(s3_server, tmp_path, **PARTS)
    chance = random.Random(seed)
    fates: list[Fate] = [500, 503, "pass", "pass"]
    met: list[Fate] = []

    def decide(asked: Asked) -> Fate:
        met.append(chance.choice(fates))
        return met[-1]

    flaky.decide = decide
    storage = build(with_changes(direct, endpoint=flaky.endpoint, retries=6, retry_seconds=20))

    async def work() -> bool:
        try:
            stored = await put(storage, content)
            assert await read(storage, stored.digest) == content
        except StorageFailed:
            return False
        return True

    async def look() -> list[str]:
        there = await listed(build(direct))
        for digest in there:
            assert await read(build(direct), digest) == content
        return there

    if run(work()):
        assert run(look()) == [digest_of(content)]
    else:
        run(look())
    assert {"pass"} < set(met), "it did fail"
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("content", [b"small" * 1000, LARGE], ids=["small", "large"])
def test_a_lost_answer_is_not_a_lost_file(s3_server: S3Server, flaky: Flaky, tmp_path: Path, content: bytes) -> None:
    lost: set[tuple[str, str]] = set()

    def decide(asked: Asked) -> Fate:
        """Lose the first answer to every different request that writes."""
        if asked.method in ("GET", "HEAD") or (asked.method, asked.path) in lost:
            return "pass"
        lost.add((asked.method, asked.path))
        return "lose"

    flaky.decide = decide
    storage = build(with_changes(s3_settings(s3_server, tmp_path, **PARTS), endpoint=flaky.endpoint, retries=3))

    async def work() -> None:
        stored = await put(storage, content)
        assert await read(storage, stored.digest) == content

    run(work())
    assert lost


@pytest.mark.parametrize("always", [False, True])
def test_half_an_answer_is_not_a_file(s3_server: S3Server, flaky: Flaky, tmp_path: Path, always: bool) -> None:
    direct = s3_settings(s3_server, tmp_path)
    digest = run(put(build(direct), LARGE)).digest
    flaky.decide = lambda asked: (
        "cut" if asked.method == "GET" and (always or sum(a.method == "GET" for a in flaky.asked) % 2) else "pass"
    )
    storage = build(with_changes(direct, endpoint=flaky.endpoint, retries=2, retry_seconds=5))
    if always:
        with pytest.raises(StorageFailed):
            run(read(storage, digest))
        return
    with contextlib.suppress(StorageFailed):
        assert run(read(storage, digest)) == LARGE


def test_a_service_without_conditions_is_written_to_all_the_same(
    s3_server: S3Server, flaky: Flaky, tmp_path: Path
) -> None:
    flaky.decide = lambda asked: 501 if "if-none-match" in asked.headers else "pass"
    storage = build(with_changes(s3_settings(s3_server, tmp_path), endpoint=flaky.endpoint, retries=0))

    async def work() -> None:
        stored = await put(storage, b"first")
        assert await read(storage, stored.digest) == b"first"
        flaky.asked.clear()
        await put(storage, b"second")

    run(work())
    assert ["if-none-match" in asked.headers for asked in flaky.asked if asked.method == "PUT"] == [False]


def test_what_is_there_is_not_sent_again(s3_server: S3Server, flaky: Flaky, tmp_path: Path) -> None:
    storage = build(with_changes(s3_settings(s3_server, tmp_path), endpoint=flaky.endpoint))
    run(put(storage, b"content"))
    flaky.asked.clear()
    run(put(storage, b"content"))
    assert [asked.method for asked in flaky.asked] == ["HEAD"]


def test_a_damaged_file_is_replaced(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_settings(s3_server, tmp_path)
    storage, s3 = build(settings), settings.storage.s3
    keys = Keys(s3_server.access_key, s3_server.secret_key, s3_server.region)
    link = presign(keys, "PUT", f"{s3.url}/{s3.prefix}/{key_of(digest_of(b'content'))}", 60)
    urllib.request.urlopen(urllib.request.Request(link, b"cont", method="PUT"))
    run(put(storage, b"content"))
    assert run(read(storage, digest_of(b"content"))) == b"content"


def test_a_wrong_secret_is_a_clear_error(s3_server: S3Server, tmp_path: Path) -> None:
    storage = build(s3_settings(s3_server, tmp_path, secret_key="not-the-secret"))
    for call in (storage.check(), put(storage, b"content"), storage.stat("0" * 64), listed(storage), storage.clean(0)):
        with pytest.raises(
            StorageFailed, match=r"(refuses the keys|does not allow this).*\(403.*Check storage\.s3\."
        ) as caught:
            run(call)
        assert "not-the-secret" not in str(caught.value)
    with pytest.raises(StorageFailed, match=r"refuses the keys \(403 SignatureDoesNotMatch\)"):
        run(storage.check())


def test_a_bucket_that_is_not_there_is_a_clear_error(s3_server: S3Server, tmp_path: Path) -> None:
    storage = build(s3_settings(s3_server, tmp_path, bucket="nobody-made-this"))
    for call in (storage.check(), put(storage, b"content"), listed(storage)):
        with pytest.raises(StorageFailed, match=r"nobody-made-this .* is not there"):
            run(call)


def test_a_service_that_does_not_answer_is_a_clear_error(s3_server: S3Server, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        storage = build(s3_settings(s3_server, tmp_path, endpoint=endpoint, retries=0))
        with pytest.raises(StorageFailed, match=r"127\.0\.0\.1.*cannot be used.*Check storage\.s3\.endpoint"):
            run(storage.check())


def test_encryption_is_asked_for(s3_server: S3Server, flaky: Flaky, tmp_path: Path) -> None:
    """Swift does not encrypt so, and says so: the request is what is looked at, and the error."""
    changes = {"endpoint": flaky.endpoint, "server_side_encryption": "aws:kms", "kms_key": "key-7", "retries": 0}
    storage = build(with_changes(s3_settings(s3_server, tmp_path, **PARTS), **changes))
    for content in (b"content", LARGE):
        flaky.asked.clear()
        with pytest.raises(StorageFailed, match=r"unset storage\.s3\.server_side_encryption"):
            run(put(storage, content))
        sent = [asked.headers for asked in flaky.asked if asked.method in ("PUT", "POST")]
        assert sent[0]["x-amz-server-side-encryption"] == "aws:kms"
        assert sent[0]["x-amz-server-side-encryption-aws-kms-key-id"] == "key-7"


def test_the_environment_changes_nothing(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else files would go where neither settings nor ledger say."""
    for name, value in {
        "ENDPOINT": "http://127.0.0.1:9",
        "ENDPOINT_URL": "http://127.0.0.1:9",
        "ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "ACCESS_KEY_ID": "somebody",
        "SECRET_ACCESS_KEY": "else",
        "SESSION_TOKEN": "token",
        "REGION": "eu-west-1",
        "BUCKET": "another",
        "SKIP_SIGNATURE": "true",
        "VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "S3_EXPRESS": "true",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    storage = build(s3_settings(s3_server, tmp_path, retries=0))
    assert run(storage.check()) > 0
    assert run(put(storage, b"content")).size == 7


def test_every_operation_is_in_the_ledger_once(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_settings(s3_server, tmp_path)
    storage = build(settings)

    async def work() -> None:
        stored = await put(storage, b"content")
        assert await read(storage, stored.digest, 2) == b"ntent"
        await storage.delete(stored.digest)

    run(work())
    entries = list(Egress(settings).ledger.entries(purpose="storage"))
    assert [(e.method, e.sent, e.received, e.status, e.outcome) for e in entries] == [
        ("PUT", 7, 0, 200, "done"),
        ("HEAD", 0, 0, 200, "done"),
        ("GET", 0, 5, 206, "done"),
        ("DELETE", 0, 0, 204, "done"),
    ]
    assert {entry.host for entry in entries} == {"127.0.0.1"}
    assert entries[0].path.endswith(key_of(digest_of(b"content")))
    assert entries[0].what == "a file, 7 bytes"


def test_a_failure_is_in_the_ledger(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_settings(s3_server, tmp_path, secret_key="wrong")
    with pytest.raises(StorageFailed):
        run(build(settings).check())
    (entry,) = Egress(settings).ledger.entries()
    assert (entry.status, entry.outcome) == (403, "failed")


def test_a_read_that_is_left_is_in_the_ledger_with_what_came(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_settings(s3_server, tmp_path)
    storage = build(settings)

    async def work() -> None:
        stored = await put(storage, LARGE)
        content = await storage.open(stored.digest)
        await anext(content)
        await content.aclose()

    run(work())
    *_, entry = Egress(settings).ledger.entries()
    assert (entry.method, entry.received, entry.outcome) == ("GET", 8 << 20, "failed")


@pytest.mark.parametrize(
    ("change", "error"), [({"offline": True}, OfflineRefused), ({"egress.storage": False}, EgressRefused)]
)
def test_what_is_off_contacts_nobody(
    s3_server: S3Server, flaky: Flaky, tmp_path: Path, change: dict[str, bool], error: type[Exception]
) -> None:
    settings = with_changes(s3_settings(s3_server, tmp_path), endpoint=flaky.endpoint).with_changes(change)
    storage = build(settings)
    for call in (
        put(storage, b"content"), storage.open("0" * 64), storage.stat("0" * 64), storage.delete("0" * 64),
        listed(storage), storage.check(), storage.clean(0),
    ):  # fmt: skip
        with pytest.raises(error):
            run(call)
    assert flaky.asked == []
    assert run(storage.url("0" * 64, 60, name="a", content_type="image/png")), "a link contacts nobody"


def test_what_cannot_be_written_down_is_not_sent(s3_server: S3Server, flaky: Flaky, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = with_changes(s3_settings(s3_server, tmp_path), endpoint=flaky.endpoint)
    storage = build(settings.with_changes({"egress.ledger": tmp_path / "file" / "ledger"}))
    with pytest.raises(LedgerUnwritable):
        run(put(storage, b"content"))
    assert flaky.asked == []


def test_clean_aborts_uploads_that_were_cut_off(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_settings(s3_server, tmp_path)
    storage, prefix = build(settings), settings.storage.s3.prefix

    def uploads() -> int:
        return s3_server.ask("GET", f"/{BUCKET}", {"uploads": "", "prefix": prefix}).count(b"<UploadId>")

    for number in range(3):
        s3_server.ask("POST", f"/{BUCKET}/{prefix}/{key_of(digest_of(bytes([number])))}", {"uploads": ""})
    s3_server.ask("POST", f"/{BUCKET}/{prefix}/of-somebody-else", {"uploads": ""})
    assert uploads() == 4
    assert run(storage.clean(3600)) == 0
    assert uploads() == 4
    assert run(storage.clean(-5)) == 3
    assert uploads() == 1


def test_other_files_of_the_bucket_are_left_alone(s3_server: S3Server, tmp_path: Path) -> None:
    here, there = s3_settings(s3_server, tmp_path), s3_settings(s3_server, tmp_path)

    async def work() -> None:
        stored = await put(build(there), b"content")
        assert await listed(build(here)) == []
        assert await build(here).stat(stored.digest) is None
        assert await build(here).delete(stored.digest) is False
        assert await listed(build(there)) == [stored.digest]

    run(work())


@pytest.mark.parametrize("field", ["bucket", "access_key", "secret_key"])
def test_what_is_not_set_is_named(s3_server: S3Server, tmp_path: Path, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        build(s3_settings(s3_server, tmp_path, **{field: ""}))


def test_addresses_of_the_bucket() -> None:
    def url(**changes: object) -> str:
        return with_changes(Settings(), bucket="shop", **changes).storage.s3.url

    assert url() == "https://s3.us-east-1.amazonaws.com/shop"
    assert url(path_style=False, region="eu-west-1") == "https://shop.s3.eu-west-1.amazonaws.com"
    assert url(endpoint="http://minio:9000/") == "http://minio:9000/shop"
    assert with_changes(Settings(), bucket="shop", link_endpoint="https://cdn.example.org").storage.s3.link_url == (
        "https://cdn.example.org/shop"
    )


def test_signs_as_amazons_example() -> None:
    """The example of "Authenticating Requests: Using Query Parameters" in the Amazon S3 API Reference."""
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    link = presign(keys, "GET", url, 86400, at=datetime(2013, 5, 24, tzinfo=UTC))
    assert link.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    assert "wJalr" not in repr(keys)


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_links_live_a_week_at_most(s3_server: S3Server, tmp_path: Path, seconds: int) -> None:
    with pytest.raises(InvalidParameters, match="1 to 604800"):
        run(build(s3_settings(s3_server, tmp_path)).url("0" * 64, seconds, name="a", content_type="image/png"))
