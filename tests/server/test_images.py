"""Stored pictures: uploading, looking at them, their files, and work on them."""

from __future__ import annotations

import hashlib
import io
import threading
import uuid
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image as Pillow
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"


def test_a_picture_is_stored_once_and_listed(service: Service) -> None:
    first, second = service.upload(PORTRAIT, PORTRAIT, store_id="shop 7", product_id="sku-1")
    assert first["id"] != second["id"]
    assert first["newest"]["digest"] == second["newest"]["digest"] == hashlib.sha256(PORTRAIT.read_bytes()).hexdigest()
    assert (first["newest"]["width"], first["newest"]["height"], first["newest"]["format"]) == (512, 600, "jpeg")
    files = [path for path in (service.folder / "data").rglob("*") if path.name == first["newest"]["digest"]]
    assert len(files) == 1
    listed = service.client.get("/api/v1/images", params={"store_id": "shop 7", "product_id": "sku-1"}).json()
    assert [one["id"] for one in listed["items"]] == [second["id"], first["id"]]


def test_lists_come_in_pages(service: Service) -> None:
    made = [service.upload(PORTRAIT, store_id="paged")[0]["id"] for _ in range(5)]
    found: list[str] = []
    after = None
    while True:
        page = service.client.get(
            "/api/v1/images", params={"store_id": "paged", "most": 2} | ({"after": after} if after else {})
        ).json()
        found += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == made[::-1]
    wrong = service.client.get("/api/v1/images", params={"after": "bm9uZQ"})
    assert wrong.json()["field"] == "after"


def test_one_bad_file_costs_the_others_nothing(client: httpx.Client) -> None:
    answer = client.post(
        "/api/v1/images/upload",
        files=[
            ("file", ("good.jpg", PORTRAIT.read_bytes())),
            ("file", ("bad.jpg", b"not a picture")),
            ("file", ("../../evil\u202egpj.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")),
        ],
    )
    assert answer.status_code == 207
    told = answer.json()
    assert [one["name"] for one in told["images"]] == ["good.jpg"]
    assert [(one["name"], one["problem"]["code"]) for one in told["errors"]] == [
        ("bad.jpg", "unsupported_format"),
        ("evilgpj.svg", "unsafe_content"),
    ]


def test_too_many_and_too_large_are_refused(client: httpx.Client) -> None:
    many = client.post("/api/v1/images/upload", files=[("file", ("a.jpg", PORTRAIT.read_bytes()))] * 11)
    assert (many.status_code, many.json()["code"]) == (413, "limit_exceeded")
    large = client.post("/api/v1/images/upload", files=[("file", ("a.bmp", b"BM" + bytes(50_000_001)))])
    assert (large.status_code, large.json()["code"]) == (413, "limit_exceeded")
    none = client.post("/api/v1/images/upload", files=[("store_id", (None, "shop"))])
    assert (none.status_code, none.json()["field"]) == (422, "file")


def test_all_that_is_known_of_a_picture(client: httpx.Client, portrait: dict[str, Any]) -> None:
    plain = client.get(f"/api/v1/images/{portrait['id']}/info").json()
    assert plain["faces"] is None
    assert plain["picture"]["width"] == 512
    assert plain["colour"]["dominant"][0]["share"] > 0.1
    assert [one["number"] for one in plain["all_versions"]] == [0]
    seen = client.get(f"/api/v1/images/{portrait['id']}/info", params={"faces": True}).json()
    assert len(seen["faces"]) == 1


def test_files_come_whole_or_in_part(client: httpx.Client, portrait: dict[str, Any]) -> None:
    data, url = PORTRAIT.read_bytes(), f"/api/v1/images/{portrait['id']}/download"
    whole = client.get(url)
    assert whole.content == data
    tag = whole.headers["etag"]
    for known in (tag, f'"another", W/{tag}', "*"):
        assert client.get(url, headers={"If-None-Match": known}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"another"'}).status_code == 200
    for wanted, expected in (
        ("0-0", data[:1]),
        ("100-199", data[100:200]),
        ("-5", data[-5:]),
        ("61000-", data[61000:]),
    ):
        part = client.get(url, headers={"Range": f"bytes={wanted}"})
        assert (part.status_code, part.content) == (206, expected)
    assert client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"another"'}).status_code == 200
    assert client.get(url, headers={"Range": "bytes=99999999-"}).json()["code"] == "range"
    for none in ("5-2", "-", "a-b"):
        assert client.get(url, headers={"Range": f"bytes={none}"}).status_code == 200, "what is no range is ignored"
    head = client.head(url)
    assert (head.headers["content-length"], head.content) == (str(len(data)), b"")


def test_a_thumbnail_is_made_once(client: httpx.Client, portrait: dict[str, Any]) -> None:
    url = f"/api/v1/images/{portrait['id']}/thumbnail"
    small = client.get(url, params={"size": 64, "version": 0})
    assert Pillow.open(io.BytesIO(small.content)).size == (55, 64)
    assert "immutable" in small.headers["cache-control"]
    assert client.get(url, params={"size": 64}).content == small.content


def test_work_makes_a_new_version(service: Service, portrait: dict[str, Any]) -> None:
    answer = service.client.post(
        f"/api/v1/images/{portrait['id']}/process",
        json={"operations": [{"type": "resize", "width": 100}], "generate_sizes": ["tiny=20"]},
    )
    assert answer.status_code == 202
    job = service.wait(answer.json()["id"])
    assert job["state"] == "completed", job["error"]
    assert job["progress"] == 1.0
    assert [step["operation"] for step in job["report"]["steps"]] == ["resize", "sizes"]
    assert job["result"]["width"] == 100
    info = service.client.get(f"/api/v1/images/{portrait['id']}/info").json()
    assert [(one["number"], one["name"], one["width"]) for one in info["all_versions"]] == [
        (1, "", 100),
        (1, "tiny", 17),
        (0, "", 512),
    ]
    for version, width in ((None, 100), (0, 512), (1, 100)):
        query = {"version": version} if version is not None else {}
        file = service.client.get(f"/api/v1/images/{portrait['id']}/download", params=query)
        assert Pillow.open(io.BytesIO(file.content)).width == width
    named = service.client.get(f"/api/v1/images/{portrait['id']}/download", params={"version": 1, "name": "tiny"})
    assert Pillow.open(io.BytesIO(named.content)).width == 17


def test_a_stored_picture_may_be_named_by_an_operation(service: Service, portrait: dict[str, Any]) -> None:
    (behind,) = service.upload(SAMPLES / "mug.jpg")
    work = {"operations": [{"type": "replace_background", "background": "image", "image": behind["id"]}]}
    answer = service.client.post(f"/api/v1/images/{portrait['id']}/process", json=work)
    job = service.wait(answer.json()["id"])
    assert job["state"] == "completed", job["error"]
    work["operations"][0]["image"] = "0" * 32
    unknown = service.client.post(f"/api/v1/images/{portrait['id']}/process", json=work)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "image_not_found")


def test_a_picture_is_fetched_from_its_address(service: Service, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/shop/portrait.jpg").respond_with_data(PORTRAIT.read_bytes(), content_type="image/jpeg")
    body = {"url": httpserver.url_for("/shop/portrait.jpg"), "operations": ["resize:width=60"], "store_id": "fetched"}
    job = service.client.post("/api/v1/images/process", json=body).json()
    assert job["state"] in ("scanning", "pending", "processing", "completed")
    done = service.wait(job["id"])
    assert done["state"] == "completed", done["error"]
    assert done["result"]["width"] == 60, "what came of it, not what was fetched"
    assert Pillow.open(io.BytesIO(service.client.get(f"/api/v1/jobs/{job['id']}/result").content)).width == 60
    (known,) = service.client.get("/api/v1/images", params={"store_id": "fetched"}).json()["items"]
    assert (known["name"], known["versions"]) == ("portrait.jpg", 2)
    sync = service.client.post("/api/v1/images/process/sync", json=body)
    assert Pillow.open(io.BytesIO(sync.content)).width == 60
    told = service.client.get("/api/v1/egress", params={"purpose": "source"}).json()
    assert told["entries"][0]["path"] == "/shop/portrait.jpg"
    assert told["entries"][0]["received"] == len(PORTRAIT.read_bytes())


def test_a_picture_that_was_not_fetched_is_not_listed_until_it_is(service: Service, httpserver: HTTPServer) -> None:
    here = threading.Event()

    def answer(request: Request) -> Response:
        data = PORTRAIT.read_bytes() if here.is_set() else b"We are closed."
        return Response(data, content_type="image/jpeg")

    httpserver.expect_request("/shop/shoe.jpg").respond_with_handler(answer)
    shop = {"store_id": uuid.uuid4().hex}
    body = {"url": httpserver.url_for("/shop/shoe.jpg"), "operations": ["resize:width=60"], **shop}
    job = service.wait(service.client.post("/api/v1/images/process", json=body).json()["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "unsupported_format")
    assert service.client.get("/api/v1/images", params=shop).json()["items"] == []
    for rest in ("", "/info", "/download", "/thumbnail"):
        missing = service.client.get(f"/api/v1/images/{job['image_id']}{rest}")
        assert (missing.status_code, missing.json()["code"]) == (404, "file_missing")
        assert missing.json()["detail"] == f"shoe.jpg could not be fetched. {job['error']['message']}"
        assert job["id"] in missing.json()["cure"]
    here.set()
    service.client.post(f"/api/v1/jobs/{job['id']}/retry")
    assert service.wait(job["id"])["state"] == "completed"
    (known,) = service.client.get("/api/v1/images", params=shop).json()["items"]
    assert (known["id"], known["versions"]) == (job["image_id"], 2)


def test_a_picture_that_is_being_fetched_is_listed_and_not_once_its_job_is_cancelled(
    service: Service, httpserver: HTTPServer
) -> None:
    go_on = threading.Event()

    def answer(request: Request) -> Response:
        go_on.wait(20)
        return Response(PORTRAIT.read_bytes(), content_type="image/jpeg")

    httpserver.expect_request("/slow.jpg").respond_with_handler(answer)
    shop = {"store_id": uuid.uuid4().hex}
    body = {"url": httpserver.url_for("/slow.jpg"), "operations": ["resize:width=60"], **shop}
    job = service.client.post("/api/v1/images/process", json=body).json()
    here = f"/api/v1/images/{job['image_id']}"
    (known,) = service.client.get("/api/v1/images", params=shop).json()["items"]
    assert (known["id"], known["newest"], known["versions"]) == (job["image_id"], None, 0)
    assert service.client.get(here).json()["newest"] is None
    assert "still being fetched" in service.client.get(f"{here}/download").json()["cure"]
    service.client.post(f"/api/v1/jobs/{job['id']}/cancel")
    service.wait(job["id"], "cancelled")
    go_on.set()
    assert service.client.get("/api/v1/images", params=shop).json()["items"] == []
    assert "Its job was cancelled." in service.client.get(here).json()["detail"]
    assert service.client.delete(here).status_code == 204


@pytest.mark.parametrize("url", ["http://127.0.0.2/a.jpg", "http://[::1]/a.jpg", "http://169.254.169.254/latest"])
def test_addresses_of_the_own_network_are_refused(service: Service, url: str) -> None:
    answer = service.client.post("/api/v1/images/process/sync", json={"url": url, "operations": ["resize:width=9"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "address_refused")
    job = service.client.post("/api/v1/images/process", json={"url": url, "operations": ["resize:width=9"]}).json()
    assert service.wait(job["id"])["error"]["code"] == "address_refused"


def test_what_is_deleted_is_gone(service: Service) -> None:
    (known,) = service.upload(PORTRAIT)
    assert service.client.delete(f"/api/v1/images/{known['id']}").status_code == 204
    for rest in ("", "/info", "/download", "/thumbnail"):
        answer = service.client.get(f"/api/v1/images/{known['id']}{rest}")
        assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")


def test_a_broken_picture_fails_its_job_with_a_clear_error(service: Service, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(PORTRAIT.read_bytes()[:20_000])
    (known,) = service.upload(broken)
    answer = service.client.post(f"/api/v1/images/{known['id']}/process", json={"operations": ["resize:width=9"]})
    job = service.wait(answer.json()["id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "corrupt_image")
    assert "broken.jpg" in job["error"]["message"]
    assert service.client.get(f"/api/v1/jobs/{job['id']}/result").json()["code"] == "conflict"


def test_a_picture_at_an_address_is_stored_and_written_down(service: Service, httpserver: HTTPServer) -> None:
    data = (SAMPLES / "duck.jpg").read_bytes()
    httpserver.expect_request("/shoes/red%20shoe.jpg").respond_with_data(data, content_type="image/jpeg")
    httpserver.expect_request("/shoes/red shoe.jpg").respond_with_data(data, content_type="image/jpeg")
    answer = service.client.post(
        "/api/v1/images/fetch", json={"url": httpserver.url_for("/shoes/red%20shoe.jpg"), "store_id": "shop"}
    )
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    assert (stored["name"], stored["store_id"], stored["newest"]["bytes"]) == ("red shoe.jpg", "shop", len(data))
    assert service.client.get(stored["links"]["download"]).content == data
    entry = service.client.get("/api/v1/egress", params={"purpose": "source"}).json()["entries"][0]
    assert (entry["host"], entry["received"]) == ("127.0.0.1", len(data))


def test_what_lies_at_an_address_is_checked_like_an_upload(service: Service, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/letter.jpg").respond_with_data(b"Dear all,", content_type="image/jpeg")
    answer = service.client.post("/api/v1/images/fetch", json={"url": httpserver.url_for("/letter.jpg")})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")
    assert service.client.post("/api/v1/images/fetch", json={"url": "file:///etc/passwd"}).status_code == 422
