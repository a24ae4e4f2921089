"""The same request under one Idempotency-Key is accepted once, another one under it is refused."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest
from pytest_httpserver import HTTPServer

from tests.server.conftest import SAMPLES, Service

SMALL: dict[str, Any] = {"operations": [{"type": "resize", "width": 40}]}


def key() -> dict[str, str]:
    """A header with a key that nobody has used."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json().get("field")) == (409, "Idempotency-Key")


def test_the_same_key_gives_the_same_job(service: Service, portrait: dict[str, Any]) -> None:
    url, headers = f"/api/v1/images/{portrait['id']}/process", key()
    first = service.client.post(url, json=SMALL, headers=headers).json()
    written_otherwise = {"operations": ["resize:width=40"], "priority": 0}
    assert service.client.post(url, json=written_otherwise, headers=headers).json()["id"] == first["id"]
    by_name = {"image_id": portrait["id"], **SMALL}
    assert service.client.post("/api/v1/images/process", json=by_name, headers=headers).json()["id"] == first["id"]
    service.wait(first["id"])
    assert service.client.post(url, json=SMALL, headers=headers).json()["id"] == first["id"], "the picture is newer now"
    service.client.delete(f"/api/v1/images/{portrait['id']}")
    assert service.client.post(url, json=SMALL, headers=headers).json()["id"] == first["id"]
    assert service.client.post(url, json=SMALL, headers=key()).status_code == 404


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"operations": ["resize:width=41"]}, {}),
        ({**SMALL, "output": {"format": "webp"}}, {}),
        ({**SMALL, "priority": 3}, {}),
        ({**SMALL, "webhook_url": "https://example.org/done"}, {}),
        (SMALL, {"version": 0}),
    ],
)
def test_any_difference_is_another_request(
    service: Service, portrait: dict[str, Any], body: dict[str, Any], query: dict[str, int]
) -> None:
    url, headers = f"/api/v1/images/{portrait['id']}/process", key()
    assert service.client.post(url, json=SMALL, headers=headers).status_code == 202
    assert refused(service.client.post(url, json=body, params=query, headers=headers))
    assert service.client.post(url, json=body, params=query, headers=key()).status_code == 202


def test_a_batch_of_other_pictures_or_work_is_another_request(service: Service) -> None:
    one, other = service.upload(SAMPLES / "portrait.jpg", SAMPLES / "mug.jpg")
    headers, body = key(), {"images": [{"image_id": one["id"]}], "work": SMALL}

    def ask(**changes: Any) -> httpx.Response:
        return service.client.post("/api/v1/images/batch", json={**body, **changes}, headers=headers)

    first = ask()
    assert ask().json()["id"] == first.json()["id"]
    assert refused(ask(images=[{"image_id": other["id"]}]))
    assert refused(ask(images=[*body["images"], {"image_id": other["id"]}]))
    assert refused(ask(work={"operations": ["rotate:angle=90"]}))
    assert refused(ask(webhook_url="https://example.org/done"))


@pytest.mark.parametrize("kind", ["job", "batch"])
def test_the_same_request_many_times_at_once_is_accepted_once(
    service: Service, httpserver: HTTPServer, kind: str
) -> None:
    """By address, so that a place for the picture is made: of those who come too late none is left behind."""
    httpserver.expect_request("/a.jpg").respond_with_data((SAMPLES / "mug.jpg").read_bytes(), content_type="image/jpeg")
    shop, headers = uuid.uuid4().hex, key()
    picture = {"url": httpserver.url_for("/a.jpg"), "store_id": shop}
    body = {"images": [picture, picture], "work": SMALL} if kind == "batch" else {**picture, **SMALL}
    path = "/api/v1/images/batch" if kind == "batch" else "/api/v1/images/process"

    def ask(_: int) -> httpx.Response:
        return service.client.post(path, json=body, headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    found = service.client.get("/api/v1/images", params={"store_id": shop}).json()["items"]
    assert len(found) == (2 if kind == "batch" else 1)
    for image in found:
        (job,) = service.client.get("/api/v1/jobs", params={"image_id": image["id"]}).json()["items"]
        assert service.wait(job["id"])["state"] == "completed"


def test_a_batch_that_is_refused_leaves_no_pictures(service: Service, httpserver: HTTPServer) -> None:
    shop = uuid.uuid4().hex
    body = {
        "images": [{"url": httpserver.url_for("/a.jpg"), "store_id": shop}, {"image_id": "0" * 32}],
        "work": SMALL,
    }
    assert service.client.post("/api/v1/images/batch", json=body).status_code == 404
    assert service.client.get("/api/v1/images", params={"store_id": shop}).json()["items"] == []
