"""The service against whoever means it ill: every attack ends in a documented error, and the next good request is
answered. About 40 seconds.

After each test the service must live, and nothing may lie in its folders for temporary files.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import itertools
import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

import darkroom.errors
from darkroom.codecs import metadata
from darkroom.database.connection import Database
from darkroom.database.schema import now
from darkroom.errors import DarkroomError, InvalidParameters
from darkroom.operation import registry
from darkroom.pipeline import parse
from darkroom.safety.headers import read_header
from darkroom.server.keys import KeyStore
from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"
QUIET_SECONDS = 1.0
RATE = 2000
"""Least bytes a second of uploads."""
widths = itertools.count(100)
"""So that the good request is no lookup."""
LONGEST_SECONDS = 15.0
"""That one hostile file may cost, its decoding's ten included."""

STATUSES = {
    kind.code: kind.http_status
    for kind in vars(darkroom.errors).values()
    if isinstance(kind, type) and issubclass(kind, DarkroomError)
}
"""Every code that docs/errors.md documents."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with little patience, whose temporary files are seen."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tmp").mkdir()
    service = Service(
        folder,
        TMPDIR=str(folder / "tmp"),
        DARKROOM_SERVER__UPLOAD_SECONDS=str(QUIET_SECONDS),
        DARKROOM_SERVER__UPLOAD_RATE=str(RATE),
        DARKROOM_LIMITS__SYNC_CONCURRENCY="8",
        DARKROOM_JOBS__LIGHT="3",
    )
    yield service
    workers = psutil.Process(service.process.pid).children(recursive=True)
    service.end()
    assert psutil.wait_procs(workers, timeout=10)[1] == [], "no worker outlives the service"
    assert leftovers(service) == []
    assert '"level": "error"' not in service.log.read_text(), "nothing was unexpected"


@pytest.fixture(autouse=True)
def unharmed(guarded: Service) -> Iterator[None]:
    """After every test the service is the same process, has nothing half done, and does its work."""
    yield
    assert guarded.process.poll() is None
    until(lambda: not leftovers(guarded))
    good = processed(guarded, PORTRAIT.read_bytes(), "good.jpg", f'["resize:width={next(widths)}"]')
    assert (good.status_code, good.headers["darkroom-cache"]) == (200, "miss")


def leftovers(service: Service) -> list[str]:
    found = [*(service.folder / "tmp").iterdir(), *service.folder.rglob("*.partial")]
    return [str(path) for path in found]


def until(true: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


def uploaded(service: Service, data: bytes, name: str, **form: str) -> httpx.Response:
    return service.client.post("/api/v1/images/upload", files={"file": (name, data)}, data=form)


def processed(service: Service, data: bytes, name: str, operations: str = '["resize:width=7"]') -> httpx.Response:
    files, form = {"file": (name, data)}, {"operations": operations}
    return service.client.post("/local-media/process", files=files, data=form)


def assert_refused(answer: httpx.Response, *codes: str) -> None:
    """That an answer is a problem document with a code that is documented, of the status that belongs to it."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert STATUSES[problem["code"]] == problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert not codes or problem["code"] in codes, problem
    assert len(answer.content) < 8000, "it does not give back what was sent"


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(pictures: Path) -> list[Path]:
    """Damaged, lying and oversized files, bombs, and other types under the names of pictures."""
    found = sorted((pictures / "hostile").iterdir())
    assert len(found) > 50
    return found


def ended_well(service: Service, job: dict[str, Any]) -> bool:
    """Whether a job was completed; else it failed with a code of the picture's fault."""
    done = service.wait(job["id"])
    if done["state"] == "completed":
        return True
    assert done["state"] == "failed"
    assert 400 <= STATUSES[done["error"]["code"]] < 500, done["error"]
    assert done["error"]["message"]
    return False


def test_hostile_files_as_uploads_and_in_a_batch(guarded: Service, hostile: list[Path]) -> None:
    stored: list[dict[str, Any]] = []
    for path in hostile:
        began = time.monotonic()
        answer = uploaded(guarded, path.read_bytes(), path.name)
        if answer.status_code == 201:
            (known,) = answer.json()["images"]
            stored.append(known)
            for what in ("info", "thumbnail"):
                seen = guarded.client.get(f"/api/v1/images/{known['id']}/{what}")
                assert seen.status_code == 200 or assert_refused(seen) is None
        else:
            assert_refused(answer, "unsupported_format", "limit_exceeded", "corrupt_image", "unsafe_content")
        assert time.monotonic() - began < LONGEST_SECONDS, path.name
    body = {"images": [{"image_id": one["id"]} for one in stored], "work": {"operations": ["resize:width=9"]}}
    batch = guarded.client.post("/api/v1/images/batch", json=body).json()
    jobs = guarded.client.get("/api/v1/jobs", params={"batch_id": batch["id"], "most": 500}).json()["items"]
    done = [ended_well(guarded, job) for job in jobs]
    assert len(done) == len(stored)
    assert any(done), "some can be read all the same"
    archive = guarded.client.get(f"/api/v1/batches/{batch['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as bundle:
        assert bundle.testzip() is None
        assert len(bundle.namelist()) == sum(done) + 1


def test_hostile_files_processed_at_once(guarded: Service, hostile: list[Path]) -> None:
    for path in hostile:
        began = time.monotonic()
        answer = processed(guarded, path.read_bytes(), path.name)
        assert answer.status_code == 200 or assert_refused(answer) is None
        assert time.monotonic() - began < LONGEST_SECONDS, path.name


def test_hostile_files_at_addresses(guarded: Service, hostile: list[Path], httpserver: HTTPServer) -> None:
    for path in hostile:
        httpserver.expect_request(f"/{path.name}").respond_with_data(path.read_bytes(), content_type="image/jpeg")
    urls = [httpserver.url_for(f"/{path.name}") for path in hostile]
    work = {"operations": ["resize:width=8"]}
    single = [guarded.client.post("/api/v1/images/process", json={"url": url, **work}).json() for url in urls[::9]]
    body = {"images": [{"url": url} for url in urls], "work": work}
    batch = guarded.client.post("/api/v1/images/batch", json=body).json()
    for url in urls:
        answer = guarded.client.post("/api/v1/images/process/sync", json={"url": url, **work})
        assert answer.status_code == 200 or assert_refused(answer) is None
    for url in urls[::3]:
        answer = guarded.client.post("/api/v1/images/fetch", json={"url": url})
        assert answer.status_code == 201 or assert_refused(answer) is None
    jobs = guarded.client.get("/api/v1/jobs", params={"batch_id": batch["id"], "most": 500}).json()["items"]
    assert len(jobs) == len(hostile)
    done = [ended_well(guarded, job) for job in jobs + single]
    assert any(done)
    assert not all(done)


def test_what_draws_may_be_stored_but_never_runs(guarded: Service) -> None:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    (known,) = uploaded(guarded, drawing, "a.svg").json()["images"]
    got = guarded.client.get(f"/api/v1/images/{known['id']}/download")
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-type"] == "image/svg+xml"
    polyglot = b"GIF89a\1\0\1\0\0\0\0;<html><script>alert(1)</script></html>"
    assert_refused(uploaded(guarded, polyglot, "page.html"), "unsupported_format")  # it is said to be HTML
    files = {"file": ("page.html", polyglot, "application/octet-stream")}
    (known,) = guarded.client.post("/api/v1/images/upload", files=files).json()["images"]
    assert known["name"] == "page.gif"
    shown = guarded.client.get(f"/api/v1/images/{known['id']}/download")
    assert shown.headers["content-type"] == "image/gif"
    for answer in (got, shown):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "sandbox" in answer.headers["content-security-policy"]
    page = b"<!doctype html><script>alert(1)</script>"
    for data, name, code in (
        (page, "a.html", "unsupported_format"),
        (page, "a.svg", "unsupported_format"),
        (drawing.replace(b"<rect", b"<script>alert(1)</script><rect"), "a.svg", "unsafe_content"),
        (drawing.replace(b"<rect", b"<rect onload='alert(1)'"), "drawing", "unsafe_content"),
        (b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + drawing, "a.svg", "unsafe_content"),
    ):
        assert_refused(uploaded(guarded, data, name), code)


# --- names and places ------------------------------------------------------------------------------------------------

NAMES = [
    "../../../../etc/passwd.jpg", "..\\..\\windows\\system32\\a.jpg", "/etc/cron.d/a.jpg", "C:\\a.jpg", "....//a.jpg",
    "a.jpg\0.exe", "a\r\nSet-Cookie: b=c.jpg", 'a";filename="b.exe.jpg', "\u202egpj.exe", "CON.jpg", ".htaccess",
    "%2e%2e%2fa.jpg", "a" * 5000 + ".jpg", "\u30d5\u30a9\u30c8 \U0001f600.jpg", "", " ", "~root.jpg", "$(id).jpg",
    "-rf.jpg", "a;b.jpg",
]  # fmt: skip


def test_names_lead_nowhere_and_say_nothing_to_a_browser(guarded: Service) -> None:
    before = {path for path in guarded.folder.parent.rglob("*.jpg")}
    for name in NAMES:
        escaped = name.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + escaped + b'"\r\n\r\n'
        body += PORTRAIT.read_bytes() + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = guarded.client.post("/api/v1/images/upload", content=body, headers=headers)
        if ("\r\n" in name or "\0" in name) and answer.status_code != 201:
            assert_refused(answer, "invalid_parameters")
            continue
        known = answer.json()["images"][0]
        assert not set(known["name"]) & set('/\\:"<>|?*\r\n\0\u202e'), known["name"]
        assert not known["name"].startswith(".")
        assert len(known["name"].encode()) <= 200
        got = guarded.client.get(f"/api/v1/images/{known['id']}/download")
        assert "set-cookie" not in got.headers
        message = Message()
        message["Content-Disposition"] = got.headers["content-disposition"]
        assert message.get_content_disposition() == "inline"
        assert (message.get_filename() or "").rpartition(".")[2] == "jpg"
        assert re.fullmatch(
            r"inline; filename=\"[\w. ()-]+\"; filename\*=UTF-8''[\w.%~-]+", message["Content-Disposition"]
        )
    assert {path for path in guarded.folder.parent.rglob("*.jpg")} == before


@pytest.mark.parametrize(
    "shop", ["../..", "a\nb", "a\0b", "a" * 201, "<script>", "\u0430", "a'; DROP TABLE images; --"]
)
def test_groups_have_plain_names(guarded: Service, shop: str) -> None:
    assert_refused(uploaded(guarded, PORTRAIT.read_bytes(), "a.jpg", store_id=shop), "invalid_parameters")
    assert_refused(guarded.client.get("/api/v1/images", params={"store_id": shop}), "invalid_parameters")


def test_paths_lead_to_routes_or_nowhere(guarded: Service) -> None:
    (known,) = guarded.upload(PORTRAIT)
    secret = "darkroom.sqlite3"
    tried = [
        "/../../../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
        "/static/../../etc/passwd", "/assets/..%5c..%5cetc", "/docs/../../../etc/passwd", "/etc/passwd%00.png",
        "/api/v1/images/../../../../etc/passwd", f"/api/v1/images/..%2f{known['id']}", "/api/v1/images/%00",
        f"/api/v1/images/{known['id']}/download?name=../../{secret}",
        f"/api/v1/images/{known['id']}/download?name=..%2f{secret}&version=0",
        f"/api/v1/images/{known['id'].upper()}", f"/api/v1/images/{known['id']}%0a",
        f"/api/v1/images/{known['id']}/../",
        "/api/v1/jobs/../settings", "/local-media/reports/../../x", "/local-media/reports/" + "g" * 64,
        f"/i/a/b/../../{known['id']}", f"/i/../../{known['id']}.jpg/a/b", "/i/%2e%2e/%2e%2e/passwd", "/i///",
        "/i/a/b/" + "c" * 9000,
    ]  # fmt: skip
    for path in tried:
        status, _headers, body = raw(guarded, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert 400 <= status < 500, path
        assert b"root:" not in body
        assert json.loads(body)["status"] == status, path
    for method in ("DELETE", "PUT", "TRACE", "CONNECT", "BREW", "OPTIONS"):
        answer = guarded.client.request(method, "/api/v1/models/..%2f..%2fetc%2fpasswd")
        assert 400 <= answer.status_code < 500, method
    # Whatever is made up as a method is one number among those that are counted.
    text = guarded.client.get("/metrics").text
    assert "BREW" not in text
    assert 'method="other"' in text


def raw(service: Service, *pieces: bytes, pause: float = 0.0, end: bool = False) -> tuple[int, str, bytes]:
    """Status, headers and body of the answer to bytes as they are; ``end`` sends no more after them."""
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        for piece in pieces:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(piece)
            time.sleep(pause)
        if end:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while b"\r\n\r\n" not in got and (more := connection.recv(65536)):
                got += more
            head, _, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            while length is not None and len(body) < int(length[1]) and (more := connection.recv(65536)):
                body += more
            return int(head.split(b" ", 2)[1]), head.decode("latin-1").lower(), body
    return 0, "", b""


# --- slow, broken and endless requests -------------------------------------------------------------------------------

FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


def upload_head(length: int | None, path: str = "/api/v1/images/upload") -> bytes:
    sized = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return (
        b"POST " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n" + sized + b"\r\n\r\n"
    )


@pytest.mark.parametrize("path", ["/api/v1/images/upload", "/local-media/process"])
def test_an_upload_that_stops_is_given_up(guarded: Service, path: str) -> None:
    before = guarded.client.get("/api/v1/images").json()
    began = time.monotonic()
    status, headers, body = raw(guarded, upload_head(100_000, path) + FORM + PORTRAIT.read_bytes()[:5000])
    assert time.monotonic() - began < QUIET_SECONDS + 5
    assert (status, json.loads(body)["code"]) == (504, "timed_out")
    assert "connection: close" in headers
    assert guarded.client.get("/api/v1/images").json() == before


def test_a_body_of_json_that_stops_is_given_up(guarded: Service) -> None:
    head = b"POST /api/v1/images/process HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    status, _, body = raw(guarded, head + b'Content-Length: 100\r\n\r\n{"url"')
    assert (status, json.loads(body)["code"]) == (504, "timed_out")


def test_an_upload_that_drips_is_given_up(guarded: Service) -> None:
    """Each byte comes in time, and all together too slowly."""
    parts = urlsplit(guarded.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(upload_head(1_000_000) + FORM)
        connection.settimeout(QUIET_SECONDS / 6)
        began, got = time.monotonic(), b""
        while b"}" not in got and time.monotonic() - began < 20:
            try:
                got += connection.recv(65536)
            except TimeoutError:
                connection.sendall(b"a")
    assert QUIET_SECONDS / 2 < time.monotonic() - began < QUIET_SECONDS + 5
    assert b" 504 " in got
    assert b"less than 2000 bytes a second" in got


@pytest.mark.parametrize("before", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "later"])
def test_a_connection_that_never_becomes_a_request_is_closed(guarded: Service, before: bytes) -> None:
    parts = urlsplit(guarded.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(before + b"GET /health HTTP/1.1\r\n")
        connection.settimeout(QUIET_SECONDS / 6)
        began, got = time.monotonic(), None
        while got != b"" and time.monotonic() - began < 20:
            try:
                got = connection.recv(65536)
            except TimeoutError:
                connection.sendall(b"X: a\r\n")
            except ConnectionResetError:
                break
    assert time.monotonic() - began < 2 * QUIET_SECONDS + 5


def test_an_upload_that_is_slow_enough_is_taken(guarded: Service) -> None:
    body = FORM + PORTRAIT.read_bytes() + b"\r\n--x--\r\n"
    pieces = [body[at : at + 20_000] for at in range(0, len(body), 20_000)]
    assert raw(guarded, upload_head(len(body)), *pieces, pause=QUIET_SECONDS / 3)[0] == 201


@pytest.mark.parametrize("abort", ["closed", "reset"])
def test_an_upload_that_is_aborted_leaves_nothing(guarded: Service, abort: str) -> None:
    before, files = guarded.client.get("/api/v1/images").json(), stored_files(guarded)
    parts = urlsplit(guarded.url)
    for path in ("/api/v1/images/upload", "/local-media/process"):
        for sent in (0, 10, len(FORM) + 10, len(FORM) + 30_000):
            connection = socket.create_connection((parts.hostname or "", parts.port or 0))
            connection.sendall(upload_head(500_000, path) + (FORM + PORTRAIT.read_bytes())[:sent])
            if abort == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
    until(lambda: not leftovers(guarded))
    assert guarded.client.get("/api/v1/images").json() == before
    assert stored_files(guarded) == files


def stored_files(service: Service) -> set[str]:
    """Names of the files that are kept, which are their digests."""
    return {path.name for path in (service.folder / "data").rglob("*") if re.fullmatch("[0-9a-f]{64}", path.name)}


def test_many_that_are_slow_keep_nobody_from_their_work(guarded: Service, httpserver: HTTPServer) -> None:
    """Forty uploads that send nothing, forty pictures at addresses that answer nothing, and one who only asks."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg"
    parts = urlsplit(guarded.url)
    body = json.dumps({"url": address, "operations": ["resize:width=9"]}).encode()
    fetching = (
        b"POST /api/v1/images/process/sync HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(silent)
        for number in range(80):
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            connection.sendall(fetching + body if number % 2 else upload_head(500_000) + FORM)
        taken = [stack.enter_context(silent.accept()[0]) for _ in range(40)]
        began = time.monotonic()
        assert guarded.client.get("/api/v1/images").status_code == 200
        assert processed(guarded, PORTRAIT.read_bytes(), "a.jpg").status_code == 200
        assert time.monotonic() - began < 8.0
        assert len(taken) == 40


def test_what_is_longer_than_allowed_is_cut_off(guarded: Service) -> None:
    # An endless part that nobody asked for, and an endless file.
    chunk = b"%x\r\n%b\r\n" % (1 << 20, bytes(1 << 20))
    for path, form, most in (
        ("/local-media/process", FORM.replace(b'name="file"', b'name="other"'), 2),
        ("/local-media/process", FORM, 80),
        ("/api/v1/models/import", FORM.replace(b"a.jpg", b"../../a.onnx"), 2),
    ):
        start = upload_head(None, path) + b"%x\r\n%b\r\n" % (len(form), form)
        pieces = [chunk] * most if most > 2 else [chunk, b"0\r\n\r\n"]
        status, _, body = raw(guarded, start, *pieces)
        assert 400 <= status < 500, body
        assert json.loads(body)["code"] in ("limit_exceeded", "invalid_parameters")
    answer = guarded.client.post("/api/v1/jobs/" + "0" * 32 + "/cancel", content=bytes(5_000_000))
    assert_refused(answer, "limit_exceeded")


def test_too_many_of_anything(guarded: Service) -> None:
    data = PORTRAIT.read_bytes()
    many = guarded.client.post("/api/v1/images/upload", files=[("file", ("a.jpg", data))] * 11)
    assert many.status_code == 207
    assert [one["problem"]["code"] for one in many.json()["errors"]] == ["limit_exceeded"]
    fields = [("file", (f"{number}.txt", b"")) for number in range(300)]
    assert_refused(
        guarded.client.post("/local-media/process", files=fields),
        "invalid_parameters",
        "limit_exceeded",
        "corrupt_image",
    )
    twice = [("store_id", (None, "a")), ("store_id", (None, "b")), ("file", ("a.jpg", data))]
    assert_refused(guarded.client.post("/api/v1/images/upload", files=twice), "invalid_parameters")
    for extra in (("operations", (None, "[]")), ("file", ("b.jpg", data)), ("else", (None, "a"))):
        for place in (0, 1, 2):
            form = [("operations", (None, '["resize:width=9"]')), ("file", ("a.jpg", data))]
            form.insert(place, extra)
            assert_refused(guarded.client.post("/local-media/process", files=form), "invalid_parameters")
    body = {"images": [{"image_id": "0" * 32}] * 1001, "work": {"operations": ["enhance"]}}
    assert_refused(guarded.client.post("/api/v1/images/batch", json=body), "invalid_parameters")
    for operations in (["enhance"] * 51, ["enhance"] * 50_000):
        assert_refused(processed(guarded, data, "a.jpg", json.dumps(operations)), "invalid_parameters")


def test_a_batch_that_is_not_accepted_leaves_no_places_for_pictures(guarded: Service) -> None:
    body = {
        "images": [{"url": "https://shop.example/a.jpg", "store_id": "nobody"}, {"image_id": "0" * 32}],
        "work": {"operations": ["enhance"]},
    }
    assert_refused(guarded.client.post("/api/v1/images/batch", json=body), "image_not_found")
    assert guarded.client.get("/api/v1/images", params={"store_id": "nobody"}).json()["items"] == []


def test_requests_that_are_two_at_once_are_none(guarded: Service) -> None:
    """What a proxy in front may read in another way is refused."""
    good = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in (
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + good,
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n X: folded\r\nA b: c\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ):
        status, _, _ = raw(guarded, head, end=True)
        assert status == 0 or 400 <= status < 500, head[:90]


# --- values ----------------------------------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}
BOMBS = [
    b"[" * 100_000, b'{"a":' * 50_000, b'{"operations":' + b"[" * 100_000, b'[{"operations":' * 10_000, b'"' * 99,
    b'{"operations":[{"type":"resize","width":' + b"9" * 4000 + b"}]}",
    b'{"operations":[{"type":"resize","width":' + b"9" * 50_000 + b"}]}",
    b'{"operations":[{"type":"resize","width":1e999}]}', b'{"operations":[{"type":"rotate","angle":NaN}]}',
    b'{"operations":[{"type":"rotate","angle":-Infinity}]}', b'{"operations":["resize:width=NaN"]}',
    b'{"operations":["resize:width=' + b"[" * 10_000 + b'"]}', b'{"operations":["\\ud800"]}',
    b'{"operations":["resize:' + b",".join(b"a%d=[" % number for number in range(90_000)) + b'"]}',
    b'{"operations":[{"type":"\\ud800"}]}', b'{"operations":["resize:\\ud800=1"]}', b'{"\\ud800":1}',
    b'{"operations":["generate_background:prompt=\\ud800"]}',
    b'{"operations":["enhance"],"generate_sizes":["\\ud800=3"]}',
    b'{"operations":["enhance"],"generate_sizes":["a=' + b"9" * 400 + b'"]}', b"\xff\xfe", b"\0", b"null", b"NaN",
    b"1", b"[]",
    b'{"operations":[{"type":"convert","format":"jpeg","target_size":"' + b"9" * 400 + b'"}]}',
    b'{"operations":["enhance"],"webhook_url":"http://[::1%25eth0]/"}',
    b'{"operations":["enhance"],"webhook_url":"javascript:alert(1)"}',
    b'{"operations":["enhance"],"webhook_url":"file:///etc/passwd"}', b'{"operations":["enhance"],"priority":1e400}',
    b'{"operations":["enhance"],"recipe":"../../etc/passwd"}', b'{"operations":["enhance"],"__class__":"x"}',
    b'{"operations":[{"type":"resize","width":9,"__init__":{}}]}',
    b'{"operations":[{"type":"replace_background","background":"image","image":"/etc/passwd"}]}',
]  # fmt: skip


def test_bombs_of_json_are_refused_at_once(guarded: Service) -> None:
    (known,) = guarded.upload(PORTRAIT)
    for bomb in BOMBS:
        began = time.monotonic()
        for path in (
            f"/api/v1/images/{known['id']}/process",
            f"/api/v1/images/{known['id']}/link",
            "/api/v1/images/batch",
        ):
            assert_refused(guarded.client.post(path, content=bomb, headers=JSON))
        assert_refused(guarded.client.patch("/api/v1/settings", content=bomb, headers=JSON))
        with contextlib.suppress(UnicodeDecodeError):
            assert_refused(processed(guarded, PORTRAIT.read_bytes(), "a.jpg", bomb.decode()))
        assert time.monotonic() - began < 3.0, bomb[:60]


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def test_numbers_and_moments_that_are_too_large(guarded: Service) -> None:
    (known,) = guarded.upload(PORTRAIT)
    here = f"/api/v1/images/{known['id']}"
    for number in (-1, 2**31, 2**63, 10**30, "9" * 5000, "0x1", "1e3", "\u0663\u0661", "NaN"):
        for path in ("/download", "/info", "/thumbnail"):
            answer = guarded.client.get(here + path, params={"version": number})
            assert_refused(answer, "invalid_parameters", "file_missing")
    for seconds in (0, 10**10, 10**30):
        assert_refused(guarded.client.post(f"{here}/link", json={"seconds": seconds}), "invalid_parameters")
    good = "2026-11-20T12:00:00+00:00"
    for after in (
        cursor("0001-01-01T00:00:00+14:00", "0" * 32), cursor(good, "\ud800"), cursor(good, "\0"), cursor(good, 7),
        cursor(7, 7), cursor(),
        cursor("2026-11-20", "0" * 32), "[" * 299, base64.urlsafe_b64encode(b"[" * 220).decode(), "\u00e9", "=",
        "null", "a" * 301,
    ):  # fmt: skip
        for path in ("/api/v1/images", "/api/v1/jobs", "/api/v1/batches", "/api/v1/webhooks/deliveries"):
            assert_refused(guarded.client.get(path, params={"after": after}), "invalid_parameters")
    for since in ("1e300", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "now", "2026-11-20"):
        answer = guarded.client.get("/api/v1/egress", params={"since": since})
        assert answer.status_code == 200 or assert_refused(answer, "invalid_parameters") is None
    for wanted in (
        "bytes=-0",
        "bytes=5-1",
        "bytes=" + "9" * 400 + "-",
        "bytes=0-0,1-1",
        "lines=1-",
        "bytes=\u0663-",
        "bytes=a",
    ):
        answer = guarded.client.get(f"{here}/download", headers={"Range": wanted.encode()})
        assert answer.status_code in (200, 206, 416)


letters = st.text(st.characters(codec=None), max_size=30)
simple = st.none() | st.booleans() | st.integers() | st.floats() | letters | st.binary(max_size=9)
anything = st.recursive(simple, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3))


@functools.cache
def fields() -> list[tuple[str, str]]:
    return [(name, field) for name, kind in registry().items() for field in kind.model_fields if field != "type"]


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_value_of_any_parameter_is_unexpected(data: st.DataObject) -> None:
    name, field = data.draw(st.sampled_from(fields()))
    value = data.draw(anything)
    with contextlib.suppress(InvalidParameters):
        parse({"type": name, field: value})
    with contextlib.suppress(InvalidParameters):
        parse(f"{name}:{field}={value}")


LONG = 20_000
TEXTS = [
    " " * LONG, "1" * LONG, "1" * LONG + "x", "1." * LONG, "rgb(" + " " * LONG, "rgb(" + "1 " * LONG,
    "1" + " " * LONG + "!",
    " " * LONG + "1" + " " * LONG + "x", "[" * LONG, "," * LONG, "#" * LONG, "a" * LONG, "a=1," * LONG,
    "0." + "0" * LONG, "1:" * LONG,
]  # fmt: skip


def test_no_text_takes_long_to_be_refused() -> None:
    """Patterns whose time grows faster than the text (ReDoS) show here."""
    for name, field in fields():
        for text in TEXTS:
            for value in (text, [text]):
                began = time.perf_counter()
                with contextlib.suppress(InvalidParameters):
                    parse({"type": name, field: value})
                assert time.perf_counter() - began < 1.0, (name, field, text[:20])
    for head in (
        b"P6" + b" " * 500_000 + b"x",
        b"P6" + b"#\n" * 250_000,
        b"P6 " + b"1" * 500_000,
        b"P5\n" + b"# \n " * 200_000 + b"7",
    ):
        began = time.perf_counter()
        read_header(head, "ppm")
        assert time.perf_counter() - began < 1.0, head[:20]
    began = time.perf_counter()
    metadata.corrected_xmp(b"<xmp:Thumbnails>" * 50_000)
    metadata.corrected_xmp(b"tiff:Orientation" + b" " * 500_000)
    assert time.perf_counter() - began < 1.0


# --- who asks, and for what ------------------------------------------------------------------------------------------


def test_addresses_of_pictures_cannot_be_forged(guarded: Service) -> None:
    (known,), (other,) = guarded.upload(PORTRAIT), guarded.upload(SAMPLES / "mug.jpg")
    client = guarded.client
    link = client.post(
        f"/api/v1/images/{known['id']}/link", json={"operations": ["resize:width=20"], "extension": "png"}
    )
    _, _, signature, operations, name = urlsplit(link.json()["url"]).path.split("/")
    assert client.get(f"/i/{signature}/{operations}/{name}").status_code == 200
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for forged in (
        (flipped, operations, name), (signature[:-1], operations, name), (signature + "A", operations, name),
        ("-", operations, name),
        (signature, operations.replace("20", "9000"), name), (signature, operations + "~expires=9999999999", name),
        (signature, operations, name.replace(known["id"], other["id"])),
        (signature, operations, name.replace("png", "jpg")),
        ("%00", operations, name), ("%ff%fe", operations, name), (signature.lower(), operations, name),
    ):  # fmt: skip
        assert_refused(client.get("/i/" + "/".join(forged)), "signature")
    brief = client.post(f"/api/v1/images/{known['id']}/link", json={"seconds": 1}).json()["url"]
    path = urlsplit(brief).path
    assert client.get(path).status_code in (200, 403)
    until(lambda: client.get(path).status_code == 403)
    assert_refused(client.get(path), "signature")


def test_keys_that_are_over_or_for_other_things(tmp_path: Path) -> None:
    place = tmp_path / "keyed"
    database = Database(f"sqlite:///{place}/data/darkroom/darkroom.sqlite3")
    database.migrate()
    store = KeyStore(database)
    (reads, _), (writes, _) = (store.create(scope, [scope]) for scope in ("read", "write"))
    service = Service(place, DARKROOM_SERVER__REQUIRE_KEY="true")
    try:
        brief, _ = store.create("brief", ["admin"], now() + timedelta(seconds=1.5))
        client = service.client

        def ask(method: str, path: str, key: str, **more: Any) -> httpx.Response:
            return client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **more)

        assert ask("GET", "/api/v1/images", brief).status_code in (200, 401)
        for method, path, key in (
            ("POST", "/api/v1/images/upload", reads), ("POST", "/local-media/process", reads),
            ("GET", "/api/v1/images", writes),
            ("POST", "/local-media/models/download/x", writes), ("DELETE", "/api/v1/models/x", writes),
            ("GET", "/metrics", writes),
            ("DELETE", f"/api/v1/images/{'0' * 32}", reads), ("POST", f"/api/v1/jobs/{'0' * 32}/cancel", reads),
        ):  # fmt: skip
            assert_refused(ask(method, path, key), "not_allowed")
        until(lambda: ask("GET", "/api/v1/images", brief).status_code == 401)
        assert_refused(ask("GET", "/api/v1/images", brief), "not_authenticated")
        for header in (
            b"Bearer",
            b"Basic YTpi",
            b"Bearer \xff\xfe",
            b"Bearer " + b"dk_" * 5000,
            b"bearer dk_",
            reads.encode(),
        ):
            answer = client.get("/api/v1/images", headers={"Authorization": header})
            assert_refused(answer, "not_authenticated", "too_many_requests")
    finally:
        service.end()


PRIVATE = [
    "http://127.0.0.2/", "http://localhost:1/", "http://0.0.0.0/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "http://0x7f.1/", "http://0177.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://[fd00::1]/", "http://metadata.google.internal/", "http://127.0.0.1.:1/", "http://router.local/",
    "http://\uff11\uff12\uff17.0.0.2/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/",
    "//169.254.169.254/", "http://", "http://[",
    "data:image/png;base64,AAAA",
]  # fmt: skip


def test_no_redirect_leads_into_the_own_network(guarded: Service, httpserver: HTTPServer) -> None:
    jobs: list[dict[str, Any]] = []
    for number, target in enumerate(PRIVATE):
        path = f"/to/{number}.jpg"
        location = {"Location": target.encode().decode("latin-1")}
        httpserver.expect_request(path).respond_with_data(b"", status=302, headers=location)
        body = {"url": httpserver.url_for(path), "operations": ["resize:width=9"]}
        if target.startswith("http://[::") or "metadata" in target:
            jobs.append(guarded.client.post("/api/v1/images/process", json=body).json())
        answer = guarded.client.post("/api/v1/images/process/sync", json=body)
        # That another server's answer is none is 502, and nobody's fault here.
        assert answer.json()["code"] in ("address_refused", "download_failed"), target
        answer = guarded.client.post("/api/v1/images/fetch", json={"url": httpserver.url_for(path)})
        assert answer.json()["code"] in ("address_refused", "download_failed"), target
    assert [guarded.wait(job["id"])["error"]["code"] for job in jobs] == ["address_refused"] * 3
    httpserver.expect_request("/loop").respond_with_data(b"", status=302, headers={"Location": "/loop"})
    answer = guarded.client.post(
        "/api/v1/images/process/sync", json={"url": httpserver.url_for("/loop"), "operations": ["enhance"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (502, "download_failed")
    made = guarded.client.get("/api/v1/egress", params={"purpose": "source", "most": 1000}).json()["entries"]
    assert {entry["host"] for entry in made if entry["outcome"] != "refused"} == {"127.0.0.1"}


def test_an_answer_without_end_is_cut_off(guarded: Service) -> None:
    """A picture at an address that says it is short, or nothing, and goes on."""
    listener = socket.create_server(("127.0.0.1", 0))

    def flood() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8\xff")
                    for _ in range(600):
                        connection.sendall(bytes(1 << 20))

    threading.Thread(target=flood, daemon=True).start()
    with listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg"
        answer = guarded.client.post("/api/v1/images/process/sync", json={"url": url, "operations": ["enhance"]})
    assert answer.json()["code"] in ("limit_exceeded", "download_failed")
