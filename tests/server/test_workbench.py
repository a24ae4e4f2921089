"""Places at the workbench: light work never waits for heavy, and who gets no seat is told so at once. 25 seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from darkroom.errors import TooManyRequests
from darkroom.jobs.budget import Budget
from darkroom.jobs.worker import WAITING
from darkroom.operation import Extent
from darkroom.pipeline import Pipeline
from darkroom.server.keys import LOCAL
from darkroom.server.routes import images
from darkroom.server.studio import Studio
from darkroom.server.workbench import MOST_TURNS, Workbench
from darkroom.services import build_services
from darkroom.settings import Settings
from tests.jobs.conftest import png, whole
from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"
CUT_OUT = [{"type": "remove_background", "method": "grabcut", "alpha_matting": True}] * 6


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


def signed(service: Service, image: str, operations: list[dict[str, Any]]) -> str:
    body = {"operations": operations, "extension": "jpg"}
    return service.client.post(f"/api/v1/images/{image}/link", json=body).json()["url"]


def test_a_thumbnail_does_not_wait_for_signed_addresses_with_heavy_work(start: Callable[..., Service]) -> None:
    """More of them than have a turn at once; none is done in the time that it may take."""
    service = start(DARKROOM_LIMITS__SYNC_SECONDS="4")
    (known,) = service.upload(PORTRAIT)
    thumbnail = f"/api/v1/images/{known['id']}/thumbnail"
    assert service.client.get(thumbnail, params={"size": 20}).status_code == 200, "its worker has started"
    heavy = [
        signed(service, known["id"], [{"type": "rotate", "angle": number + 1}, *CUT_OUT])
        for number in range(MOST_TURNS + 4)
    ]
    answered: list[int] = []

    def ask(url: str) -> None:
        with contextlib.suppress(httpx.HTTPError):
            answered.append(httpx.get(url, timeout=30).status_code)

    for url in heavy:
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    opened = f"darkroom_http_requests_open {len(heavy) + 1}"
    until(lambda: opened in service.client.get("/metrics").text)
    time.sleep(0.5)
    assert service.client.get(thumbnail, params={"size": 21}).status_code == 200
    assert answered == []


@pytest.mark.anyio
async def test_a_seat_is_free_once_it_was_left() -> None:
    bench = Workbench(Settings().with_changes({"limits.sync_concurrency": 1}), Budget(0))
    bench.refuse_where_full()
    async with bench.seat():
        with pytest.raises(TooManyRequests):
            bench.refuse_where_full()
        with pytest.raises(TooManyRequests):
            await bench.seat().__aenter__()
    async with bench.seat():
        pass


class Slow:
    """A web server whose picture comes only once it may."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked = 0
        self.may = threading.Event()
        self.url = server.url_for("/slow.jpg")
        server.expect_request("/slow.jpg").respond_with_handler(self._answer)

    def _answer(self, _: Request) -> Response:
        self.asked += 1
        self.may.wait(30)
        return Response(PORTRAIT.read_bytes(), content_type="image/jpeg")


@pytest.fixture
def slow(httpserver: HTTPServer) -> Iterator[Slow]:
    made = Slow(httpserver)
    yield made
    made.may.set()


def fetched(service: Service, slow: Slow, timeout: float = 30) -> httpx.Response:
    body = {"url": slow.url, "operations": ["resize:width=9"]}
    return httpx.post(f"{service.url}/api/v1/images/process/sync", json=body, timeout=timeout)


def assert_no_seat(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) >= 1


def test_nothing_is_fetched_or_received_for_who_gets_no_seat(start: Callable[..., Service], slow: Slow) -> None:
    service = start(DARKROOM_LIMITS__SYNC_CONCURRENCY="1")
    (known,) = service.upload(PORTRAIT)
    long = {"image_id": known["id"], "operations": ["upscale:method=builtin,scale=4"] * 2}

    url = f"{service.url}/api/v1/images/process/sync"

    def work() -> None:
        # It is ended with the service; until it has the seat, one of those below may have it.
        with contextlib.suppress(httpx.HTTPError):
            while httpx.post(url, json=long, timeout=60).status_code == 429:
                pass

    threading.Thread(target=work, daemon=True).start()
    widths = itertools.count(9)
    until(lambda: httpx.post(url, json=long | {"operations": [f"resize:width={next(widths)}"]}).status_code == 429)

    assert_no_seat(fetched(service, slow))
    assert slow.asked == 0

    # No more is sent than the beginning of a file: the answer does not wait for the rest.
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(
            b"POST /local-media/process HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + bytes(1000)
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 429 ")


def test_a_slow_server_of_pictures_keeps_nobody_from_work(start: Callable[..., Service], slow: Slow) -> None:
    service = start(DARKROOM_LIMITS__SYNC_CONCURRENCY="1")
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(fetched(service, slow)))
    waiting.start()
    until(lambda: slow.asked == 1)
    (known,) = service.upload(PORTRAIT)
    work = {"image_id": known["id"], "operations": ["resize:width=9"]}
    assert service.client.post("/api/v1/images/process/sync", json=work).status_code == 200
    slow.may.set()
    waiting.join()
    assert [answer.status_code for answer in answers] == [200]


@pytest.mark.anyio
async def test_who_asks_what_is_known_of_a_picture_waits_for_a_turn(tmp_path: Path, settings: Settings) -> None:
    studio = Studio(settings)
    studio.prepare()
    taken = await studio.intake.take(whole(png()), name="a.png", declared_type=None)
    known = studio.pictures.add(taken, owner=LOCAL.id, store_id="", product_id="")
    async with contextlib.AsyncExitStack() as others:
        for _ in range(MOST_TURNS):
            await others.enter_async_context(studio.bench.turn(Pipeline([])))
        asked = asyncio.create_task(images.info(known.row.id, studio, LOCAL))
        assert (await asyncio.wait([asked], timeout=2.0))[0] == set()
    assert (await asked).picture.width == 40
    studio.bench.close()
    studio.database.close()


def test_jobs_and_who_waits_share_the_memory(start: Callable[..., Service], settings: Settings) -> None:
    """There is room for one of two: the job waits until the address is answered."""
    one = Pipeline(CUT_OUT).memory(Extent(512, 600), build_services(settings).models)
    service = start(DARKROOM_LIMITS__MEMORY=str(one * 3 // 2))
    (known,) = service.upload(PORTRAIT)
    url, answered = signed(service, known["id"], CUT_OUT), threading.Event()

    def ask() -> None:
        httpx.get(url, timeout=60).raise_for_status()
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    until(lambda: "darkroom_http_requests_open 2" in service.client.get("/metrics").text)
    time.sleep(1.5)
    job = service.client.post(f"/api/v1/images/{known['id']}/process", json={"operations": CUT_OUT[:1]}).json()["id"]
    until(lambda: service.client.get(f"/api/v1/jobs/{job}").json()["doing"] == WAITING)
    assert not answered.is_set()
    assert service.wait(job)["state"] == "completed"
    assert answered.wait(10)
