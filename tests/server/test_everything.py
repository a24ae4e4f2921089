"""The whole studio by settings alone: PostgreSQL, Redis, a Celery worker, a bucket, a virus scanner. About 40 seconds.

Then its parts fail one after the other, while the service and its worker go on.
"""

from __future__ import annotations

import io
import json
import queue
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image as Pillow
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.server.conftest import SAMPLES, Service
from tests.servers import EICAR, SIGNATURE, Clamd, Postgres, Redis, running
from tests.storage.s3_server import S3Server, serving

PORTRAIT = SAMPLES / "portrait.jpg"
BUCKET = "darkroom-everything"
LONGEST_SECONDS = 40.0
"""Until a job is done whose message was lost: it is looked for after some seconds."""


@dataclass
class Studio:
    """A service and a worker, and all that they stand on."""

    service: Service
    worker: subprocess.Popen[bytes]
    postgres: Postgres
    redis: Redis
    clamd: Clamd
    bucket: S3Server

    @property
    def client(self) -> httpx.Client:
        return self.service.client

    def stored(self) -> list[str]:
        """Names of the objects in the bucket."""
        listing = self.bucket.ask("GET", f"/{BUCKET}", {"list-type": "2"}).decode()
        return [part.partition("</Key>")[0] for part in listing.split("<Key>")[1:]]

    def ready(self, *sick: str) -> bool:
        """Whether /ready says that these are not well, and all others are."""
        answer = self.client.get("/ready")
        found = answer.json()["dependencies"]
        assert set(found) == {"database", "storage", "queue", "scanner"}
        assert answer.status_code == (200 if all(one["ok"] for one in found.values()) else 503)

        return {name for name, one in found.items() if not one["ok"]} == set(sick)

    def submit(self, image: str, *operations: str, **more: Any) -> str:
        answer = self.client.post(f"/api/v1/images/{image}/process", json={"operations": [*operations], **more})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]


def until(true: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with ExitStack() as stack:
        postgres, redis, clamd = (stack.enter_context(running(kind)) for kind in (Postgres, Redis, Clamd))
        bucket = stack.enter_context(serving(tmp_path_factory.mktemp("swift")))
        bucket.make_bucket(BUCKET)
        folder = tmp_path_factory.mktemp("studio")
        service = Service(
            folder,
            DARKROOM_DATABASE__URL=postgres.new_database(),
            DARKROOM_JOBS__BROKER_URL=redis.url,
            DARKROOM_STORAGE__KIND="s3",
            DARKROOM_STORAGE__S3__ENDPOINT=bucket.endpoint,
            DARKROOM_STORAGE__S3__BUCKET=BUCKET,
            DARKROOM_STORAGE__S3__ACCESS_KEY=bucket.access_key,
            DARKROOM_STORAGE__S3__SECRET_KEY=bucket.secret_key,
            DARKROOM_SCANNING__ENABLED="true",
            DARKROOM_SCANNING__ADDRESS=f"127.0.0.1:{clamd.port}",
        )
        stack.callback(service.end)
        with (folder / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "darkroom", "worker"], env=service.environment, stdout=log, stderr=log
            )
        stack.callback(worker.wait)
        stack.callback(worker.kill)
        yield Studio(service, worker, postgres, redis, clamd, bucket)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        assert '"level": "error"' not in service.log.read_text(), "nothing was unexpected"


def test_a_picture_goes_all_the_way(studio: Studio, httpserver: HTTPServer) -> None:
    got: queue.Queue[dict[str, Any]] = queue.Queue()

    def receive(request: Request) -> Response:
        got.put(json.loads(request.data))
        return Response(status=204)

    httpserver.expect_request("/hook", method="POST").respond_with_handler(receive)
    httpserver.expect_request("/mug.jpg").respond_with_data((SAMPLES / "mug.jpg").read_bytes())
    client = studio.client
    until(lambda: studio.ready())
    about = client.get("/ready").json()["dependencies"]
    assert about["database"]["about"] == "postgresql"
    assert about["storage"]["about"].startswith("s3")
    assert about["scanner"]["about"].startswith("ClamAV")

    (known,) = studio.service.upload(PORTRAIT)
    assert [name.rpartition("/")[2] for name in studio.stored()] == [known["newest"]["digest"]]
    job = studio.submit(known["id"], "resize:width=100", webhook_url=httpserver.url_for("/hook"))
    done = studio.service.wait(job)
    assert done["state"] == "completed", done["error"]
    told = got.get(timeout=20)
    assert (told["type"], told["data"]["id"]) == ("job.completed", job)
    result = client.get(f"/api/v1/jobs/{job}/result")
    assert Pillow.open(io.BytesIO(result.content)).width == 100

    body = {
        "images": [{"image_id": known["id"], "version": 0}, {"url": httpserver.url_for("/mug.jpg")}],
        "work": {"operations": ["resize:width=50"]},
    }
    batch = client.post("/api/v1/images/batch", json=body).json()
    until(lambda: client.get(f"/api/v1/batches/{batch['id']}").json()["done"])
    archive = client.get(f"/api/v1/batches/{batch['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as bundle:
        assert sorted(bundle.namelist()) == ["manifest.json", "mug.jpg", "portrait.jpg"]

    small = client.get(f"/api/v1/images/{known['id']}/thumbnail", params={"size": 64, "version": 0})
    assert max(Pillow.open(io.BytesIO(small.content)).size) == 64
    link = client.post(f"/api/v1/images/{known['id']}/link", json={"operations": ["resize:width=20"]}).json()["url"]
    assert Pillow.open(io.BytesIO(httpx.get(link).content)).width == 20
    assert client.delete(f"/api/v1/images/{known['id']}").status_code == 204
    assert httpx.get(link).status_code == client.get(f"/api/v1/images/{known['id']}").status_code == 404
    assert studio.service.run("clean", "--json")


def infected() -> bytes:
    """A picture that shows well, and has the test file of all scanners in its comment."""
    made = io.BytesIO()
    Pillow.new("RGB", (40, 40), "#123456").save(made, "JPEG", comment=EICAR)
    return made.getvalue()


def test_what_is_infected_is_kept_nowhere(studio: Studio, httpserver: HTTPServer) -> None:
    client, before = studio.client, studio.stored()
    images = client.get("/api/v1/images").json()
    answer = client.post("/api/v1/images/upload", files={"file": ("bad.jpg", infected())})
    assert (answer.status_code, answer.json()["code"]) == (422, "infected")
    assert SIGNATURE in answer.json()["detail"]
    answer = client.post(
        "/local-media/process", files={"file": ("bad.jpg", infected())}, data={"operations": '["resize:width=9"]'}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "infected")
    assert client.get("/api/v1/images").json() == images
    httpserver.expect_request("/bad.jpg").respond_with_data(infected())
    work = {"url": httpserver.url_for("/bad.jpg"), "operations": ["resize:width=9"]}
    sync = client.post("/api/v1/images/process/sync", json=work)
    assert (sync.status_code, sync.json()["code"]) == (422, "infected")
    job = studio.service.wait(client.post("/api/v1/images/process", json=work).json()["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "infected")
    assert studio.stored() == before
    assert not [path for path in studio.service.folder.rglob("*") if path.is_file() and EICAR in path.read_bytes()]
    for log in ("log", "worker.log"):
        assert SIGNATURE in (studio.service.folder / log).read_text()


def test_without_the_scanner_nothing_is_taken(studio: Studio) -> None:
    files = {"file": ("a.jpg", PORTRAIT.read_bytes())}
    studio.clamd.kill()
    until(lambda: studio.ready("scanner"))
    answer = studio.client.post("/api/v1/images/upload", files=files)
    assert (answer.status_code, answer.json()["code"]) == (503, "scanner_unavailable")
    studio.clamd.start()
    until(lambda: studio.ready())
    assert studio.client.post("/api/v1/images/upload", files=files).status_code == 201


def test_redis_and_the_database_are_killed_and_jobs_complete(studio: Studio) -> None:
    (known,) = studio.service.upload(PORTRAIT)
    studio.redis.kill()
    until(lambda: studio.ready("queue"))
    while_away = studio.submit(known["id"], "resize:width=90")
    studio.redis.start()
    until(lambda: studio.ready())
    after = studio.submit(known["id"], "resize:width=91")
    assert studio.service.wait(after)["state"] == "completed"

    running_now = studio.submit(known["id"], "upscale:method=builtin,scale=2", "resize:width=92")
    studio.postgres.kill()
    until(lambda: studio.ready("database"))
    for path in ("/api/v1/images", f"/api/v1/jobs/{running_now}"):
        answer = studio.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "database")
    answer = studio.client.post("/api/v1/images/upload", files={"file": ("a.jpg", PORTRAIT.read_bytes())})
    assert (answer.status_code, answer.json()["code"]) == (503, "database")
    assert studio.client.get("/health").status_code == 200
    studio.postgres.start()
    until(studio.ready)
    last = studio.submit(known["id"], "resize:width=93")
    for job in (while_away, running_now, last):
        assert studio.service.wait(job)["state"] == "completed"
    assert studio.worker.poll() is None
    assert studio.service.process.poll() is None
