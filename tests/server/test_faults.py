"""What the service stands on fails for a while: it says so, leaves nothing half done, and goes on. About 15 seconds."""

from __future__ import annotations

import contextlib
import io
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image as Pillow

from tests.conftest import NEVER_IN_CI
from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"
PATIENCE = 1.5
"""Seconds that the service's SQLite waits for another writer."""
ROOM = 4_000_000
"""Bytes that a file may have while the disk is full."""


def upload(service: Service, data: bytes, name: str = "a.jpg") -> httpx.Response:
    return service.client.post("/api/v1/images/upload", files={"file": (name, data)})


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, answer.json()["code"]) == (status, code)


@contextlib.contextmanager
def full_disk(service: Service) -> Iterator[None]:
    """No file of the service can become longer than ROOM, as on a disk without room."""
    if not hasattr(resource, "prlimit"):
        pytest.skip(f"{NEVER_IN_CI}only Linux limits another process")
    before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)


def large_picture() -> bytes:
    """More bytes than there is room for."""
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3), np.uint8)
    made = io.BytesIO()
    Pillow.fromarray(noise).save(made, "BMP")
    assert len(made.getvalue()) > ROOM
    return made.getvalue()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One whose database is waited for no longer than PATIENCE."""
    folder = tmp_path_factory.mktemp("faults")
    made = Service(folder, DARKROOM_DATABASE__URL=f"sqlite:///{folder}/darkroom.sqlite3?timeout={PATIENCE}")
    yield made
    made.end()
    assert '"level": "error"' not in made.log.read_text(), "nothing was unexpected"


def test_a_full_disk_costs_what_is_sent_and_nothing_else(service: Service) -> None:
    large = large_picture()
    with full_disk(service):
        assert is_problem(upload(service, large, "a.bmp"), 503, "storage")
        at_once = service.client.post(
            "/local-media/process", files={"file": ("a.bmp", large)}, data={"operations": '["resize:width=9"]'}
        )
        assert is_problem(at_once, 503, "storage")
        assert "full" in at_once.json()["detail"]
        assert upload(service, PORTRAIT.read_bytes()).status_code == 201, "there is room for small ones"
        assert list(service.folder.rglob("*.partial")) == []
    answer = upload(service, large, "a.bmp")
    assert answer.status_code == 201
    known = answer.json()["images"][0]
    assert service.client.get(f"/api/v1/images/{known['id']}/download").content == large


def test_a_job_waits_until_there_is_room(service: Service) -> None:
    """Its result cannot be stored at first; it is tried again, and comes."""
    (known,) = service.upload(PORTRAIT)
    work = {"operations": ["upscale:method=builtin,scale=3"], "output": {"format": "bmp"}}
    with full_disk(service):
        job = service.client.post(f"/api/v1/images/{known['id']}/process", json=work).json()["id"]
        until(lambda: (service.client.get(f"/api/v1/jobs/{job}").json()["error"] or {}).get("code") == "storage")
        assert service.client.get(f"/api/v1/jobs/{job}").json()["state"] == "pending"
    done = service.wait(job)
    assert (done["state"], done["result"]["format"]) == ("completed", "bmp")
    assert list(service.folder.rglob("*.partial")) == []


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.05)


@contextlib.contextmanager
def locked(service: Service) -> Iterator[sqlite3.Connection]:
    """Nobody but the test may write to the service's database."""
    with contextlib.closing(sqlite3.connect(service.folder / "darkroom.sqlite3", check_same_thread=False)) as other:
        other.isolation_level = None
        other.execute("PRAGMA busy_timeout=5000")
        other.execute("BEGIN EXCLUSIVE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


def test_a_locked_database_is_waited_for_and_then_said(service: Service) -> None:
    (known,) = service.upload(PORTRAIT)

    before = len(service.client.get("/api/v1/images").json()["items"])
    with locked(service) as other:
        threading.Timer(PATIENCE / 2, other.execute, ["ROLLBACK"]).start()
        began = time.monotonic()
        assert upload(service, PORTRAIT.read_bytes()).status_code == 201
        assert time.monotonic() - began > PATIENCE / 3

    with locked(service):
        refused = upload(service, PORTRAIT.read_bytes())
        assert is_problem(refused, 503, "database")
        assert str(service.folder) in refused.json()["detail"], "the owner, at the machine, is told where"
        work = {"operations": ["resize:width=9"]}
        refused = service.client.post(f"/api/v1/images/{known['id']}/process", json=work)
        assert is_problem(refused, 503, "database")
        # Who only reads waits for nobody.
        began = time.monotonic()
        assert service.client.get(f"/api/v1/images/{known['id']}").status_code == 200
        assert time.monotonic() - began < PATIENCE
        until(lambda: service.client.get("/ready").status_code == 503)

    until(lambda: service.client.get("/ready").status_code == 200)
    job = service.client.post(f"/api/v1/images/{known['id']}/process", json=work).json()["id"]
    assert service.wait(job)["state"] == "completed"
    after = len(service.client.get("/api/v1/images").json()["items"])
    assert after == before + 1, "what was refused is not there"


def test_where_it_is_kept_is_told_to_nobody_but_the_owner(start: Callable[..., Service], tmp_path: Path) -> None:
    place = tmp_path / "service-0" / "darkroom.sqlite3"
    place.parent.mkdir()
    address = f"sqlite:///{place}?timeout={PATIENCE}"
    service = start(DARKROOM_SERVER__REQUIRE_KEY="true", DARKROOM_DATABASE__URL=address, keys=[["--scope", "write"]])
    service.client.headers["X-API-Key"] = service.keys[0]
    assert upload(service, PORTRAIT.read_bytes()).status_code == 201
    with locked(service):
        refused = upload(service, PORTRAIT.read_bytes())
        assert is_problem(refused, 503, "database")
        until(lambda: service.client.get("/ready").status_code == 503)
        ready = httpx.get(f"{service.url}/ready")
        for answer in (refused, ready):
            assert str(tmp_path) not in answer.text
            assert "sqlite3" not in answer.text
        assert ready.json()["dependencies"]["database"]["problem"] == refused.json()["detail"]
    assert f"{place}" in service.log.read_text(), "whoever looks after it is told"
