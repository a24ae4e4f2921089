"""Pictures by signed addresses: in the best format that a client takes and that loses no transparency; links."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image as Pillow

from tests.server.conftest import SAMPLES, Service
from tests.storage.conftest import BUCKET, s3_server  # noqa: F401
from tests.storage.s3_server import S3Server

MODERN = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SMALL = "resize:width=90"
CUT_OUT = [SMALL, "remove_background"]
SIDE = 40


@pytest.fixture(scope="module")
def pictures(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Identifiers: a photograph; PNGs without alpha, with alpha that is opaque everywhere, and with a hole."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255
    Pillow.fromarray(pixels[..., :3]).save(folder / "plain.png")
    Pillow.fromarray(pixels).save(folder / "opaque.png")
    pixels[10:20, 10:20, 3] = 0
    Pillow.fromarray(pixels).save(folder / "hole.png")
    names = ["plain.png", "opaque.png", "hole.png"]
    stored = service.upload(SAMPLES / "portrait.jpg", *(folder / name for name in names))
    return {Path(one["name"]).stem: one["id"] for one in stored}


def link(client: httpx.Client, image: str, *operations: str, **more: Any) -> str:
    answer = client.post(f"/api/v1/images/{image}/link", json={"operations": list(operations), **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["url"]


def hole(data: bytes) -> bool:
    """Whether a picture is transparent somewhere."""
    picture = Pillow.open(io.BytesIO(data))
    return int(np.asarray(picture.convert("RGBA"))[..., 3].min()) < 128


@pytest.mark.parametrize(
    ("image", "operations", "accept", "format", "transparent"),
    [
        ("portrait", CUT_OUT, MODERN, "avif", True),
        ("portrait", CUT_OUT, "image/webp,*/*", "webp", True),
        ("portrait", CUT_OUT, "*/*", "png", True),
        ("portrait", CUT_OUT, "text/html", "png", True),
        ("portrait", CUT_OUT, "image/jpeg", "png", True),
        ("portrait", [SMALL], MODERN, "avif", False),
        ("portrait", [SMALL], "image/jpeg, image/webp;q=0.5", "jpeg", False),
        ("portrait", [SMALL], "image/jpeg;q=0, */*", "png", False),
        ("plain", [], "*/*", "jpeg", False),
        ("opaque", [], "*/*", "jpeg", False),
        ("hole", [], "*/*", "png", True),
        ("hole", [], "image/jpeg, image/webp;q=0.5", "webp", True),
        ("hole", ["crop:left=0,top=0,width=8,height=8"], "*/*", "jpeg", False),
        ("portrait", [SMALL], "image/jpeg, image/png;q=0", "jpeg", False),
    ],
)
def test_the_best_format_that_loses_no_transparency(
    client: httpx.Client,
    pictures: dict[str, str],
    image: str,
    operations: list[str],
    accept: str,
    format: str,
    transparent: bool,
) -> None:
    answer = client.get(link(client, pictures[image], *operations), headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{format}"
    assert answer.headers["vary"] == "Accept"
    assert Pillow.open(io.BytesIO(answer.content)).format == format.upper()
    assert hole(answer.content) == transparent


def test_transparency_is_lost_only_where_the_address_asks_for_it(
    client: httpx.Client, pictures: dict[str, str]
) -> None:
    only_jpeg = {"Accept": "image/jpeg, image/png;q=0"}
    refused = client.get(link(client, pictures["hole"]), headers=only_jpeg)
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    named = client.get(link(client, pictures["hole"], extension="jpg"), headers=only_jpeg)
    assert (named.status_code, named.headers["content-type"], "vary" in named.headers) == (200, "image/jpeg", False)
    assert Pillow.open(io.BytesIO(named.content)).getpixel((15, 15)) == pytest.approx((255, 255, 255), abs=25)


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_lead_to_where_others_reach_the_service(start: Callable[..., Service]) -> None:
    service = start(
        DARKROOM_SERVER__PUBLIC_URL="https://pictures.example.com/",
        DARKROOM_SERVER__CDN_URL="https://cdn.example.com/darkroom/",
    )
    (known,) = service.upload(SAMPLES / "logo.png")
    for one in (known["links"]["download"], known["newest"]["links"]["download"]):
        assert one.startswith(f"https://pictures.example.com/api/v1/images/{known['id']}/download")
    there = link(service.client, known["id"], SMALL)
    assert there.startswith("https://cdn.example.com/darkroom/i/")
    for host in ("pictures.example.com", "cdn.example.com"):
        path = urlsplit(there).path.removeprefix("/darkroom")
        assert service.client.get(path, headers={"Host": host}).status_code == 200
        assert service.client.get("/health", headers={"Origin": f"https://{host}"}).status_code == 200
    assert service.client.get("/health", headers={"Host": "others.example.com"}).status_code == 403


def test_without_a_cache_in_front_signed_addresses_lead_to_the_service(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SERVER__PUBLIC_URL="https://pictures.example.com")
    (known,) = service.upload(SAMPLES / "logo.png")
    assert link(service.client, known["id"], SMALL).startswith("https://pictures.example.com/i/")


@pytest.mark.parametrize("links", ["presigned", "proxied"])
def test_downloads_come_from_the_bucket_where_the_settings_say_so(
    links: str,
    start: Callable[..., Service],
    s3_server: S3Server,  # noqa: F811
) -> None:
    service = start(
        DARKROOM_STORAGE__KIND="s3",
        DARKROOM_STORAGE__S3__ENDPOINT=s3_server.endpoint,
        DARKROOM_STORAGE__S3__BUCKET=BUCKET,
        DARKROOM_STORAGE__S3__PREFIX=f"links-{links}",
        DARKROOM_STORAGE__S3__ACCESS_KEY=s3_server.access_key,
        DARKROOM_STORAGE__S3__SECRET_KEY=s3_server.secret_key,
        DARKROOM_SERVER__LINKS=links,
    )
    (known,) = service.upload(SAMPLES / "logo.png")
    data = (SAMPLES / "logo.png").read_bytes()
    answer = service.client.get(f"/api/v1/images/{known['id']}/download")
    if links == "proxied":
        assert (answer.status_code, answer.content) == (200, data)
        return
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    there = answer.headers["location"]
    assert there.startswith(f"{s3_server.endpoint}/{BUCKET}/links-presigned/")
    from_bucket = httpx.get(there)
    assert (from_bucket.status_code, from_bucket.content) == (200, data)
    assert from_bucket.headers["content-type"] == "image/png"
    assert "logo.png" in from_bucket.headers["content-disposition"]
    # Who has changed anything of it gets nothing.
    assert httpx.get(there.replace("X-Amz-Expires=", "X-Amz-Expires=9")).status_code == 403
    job = service.client.post(f"/api/v1/images/{known['id']}/process", json={"operations": [SMALL]}).json()
    assert service.wait(job["id"])["state"] == "completed"
    result = service.client.get(f"/api/v1/jobs/{job['id']}/result")
    assert Pillow.open(io.BytesIO(httpx.get(result.headers["location"]).content)).width == 90
