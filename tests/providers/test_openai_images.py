"""An images endpoint, spoken by a server of this machine: what leaves, what comes of it, and what if it fails."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from darkroom.egress import Egress
from darkroom.errors import ProviderFailed
from darkroom.image import Image
from darkroom.pipeline import Pipeline
from darkroom.processing import Request, process
from darkroom.services import build_services
from darkroom.settings import Settings


def scene(colour: tuple[int, int, int] = (10, 200, 30)) -> str:
    data = io.BytesIO()
    Pillow.new("RGB", (96, 64), colour).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def settings(server: HTTPServer, **changes: Any) -> Settings:
    return Settings().with_changes(
        {
            "providers.consent": True,
            "providers.chain": {"generate_background": ["openai_images", "local"]},
            "providers.openai_images.api_url": server.url_for("/v1"),
            "providers.openai_images.api_key": "a key",
            **changes,
        }
    )


def product() -> Image:
    pixels = np.zeros((80, 120, 4), np.uint8)
    pixels[20:60, 40:80] = (200, 40, 40, 255)
    return Image.from_array(pixels)


def run(found: Settings, **options: Any) -> Any:
    step = {"type": "generate_background", "style": "outdoor", "prompt": "by the sea", "match": 0, **options}
    return process(Request(product(), Pipeline([step])), build_services(found))


def test_only_the_prompt_leaves_and_the_product_is_placed_here(httpserver: HTTPServer) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: Asked) -> Response:
        asked.append({"body": request.get_json(), "key": request.headers["Authorization"]})
        return Response(json.dumps({"data": [{"b64_json": scene()}]}), content_type="application/json")

    httpserver.expect_request("/v1/images/generations", method="POST").respond_with_handler(answer)
    found = settings(httpserver)
    result = run(found)
    (one,) = asked
    assert one["key"] == "Bearer a key"
    assert one["body"]["size"] == "1536x1024"
    assert "by the sea" in one["body"]["prompt"]
    assert "outdoors" in one["body"]["prompt"]
    assert set(one["body"]) == {"model", "prompt", "n", "size"}
    pixels = result.image.to_array()
    assert pixels.shape == (80, 120, 3)
    assert np.abs(pixels[2, 2].astype(int) - (10, 200, 30)).max() <= 2
    assert (np.abs(pixels.astype(int) - (200, 40, 40)).max(axis=2) < 3).sum() > 800, "the product is there"
    step = result.report.steps[0]
    assert (step.provider, step.changed["sent"]) == ("openai_images", "the prompt")
    (entry,) = Egress(found).ledger.entries()
    assert entry.sent == len(json.dumps(one["body"]).encode())
    assert "by the sea" in entry.what


def test_in_edit_mode_the_subject_goes_too(httpserver: HTTPServer) -> None:
    received: list[bytes] = []

    def answer(request: Asked) -> Response:
        received.append(request.files["image"].read())
        assert "by the sea" in request.form["prompt"]
        return Response(json.dumps({"data": [{"b64_json": scene((1, 2, 250))}]}), content_type="application/json")

    httpserver.expect_request("/v1/images/edits", method="POST").respond_with_handler(answer)
    found = settings(httpserver, **{"providers.openai_images.send_picture": True})
    result = run(found)
    with Pillow.open(io.BytesIO(received[0])) as sent:
        assert sent.mode == "RGBA"
    assert np.abs(result.image.to_array()[..., :3].astype(int) - (1, 2, 250)).max() <= 2
    (entry,) = Egress(found).ledger.entries()
    assert entry.what.startswith("the subject")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, '{"error": {"message": "wrong key"}}', "wrong key"),
        (429, '{"error": {"message": "slow down"}}', "slow down"),
        (500, "oh no", "not in JSON"),
        (200, '{"data": []}', "holds no picture"),
        (200, '{"data": [{"b64_json": "%%%"}]}', "holds no picture"),
        (200, '{"data": [{"b64_json": "aGVsbG8="}]}', ""),
    ],
)
def test_failure_falls_to_the_scene_drawn_here(httpserver: HTTPServer, status: int, body: str, said: str) -> None:
    httpserver.expect_request("/v1/images/generations").respond_with_data(body, status, content_type="application/json")
    report = run(settings(httpserver)).report
    assert report.steps[0].provider == "local"
    assert said in report.steps[0].fallbacks[0].reason
    assert report.processing_mode == "local"
    with pytest.raises((ProviderFailed, Exception)):
        run(settings(httpserver, **{"providers.chain": {"generate_background": ["openai_images"]}}))


def test_without_consent_not_even_the_prompt_leaves(httpserver: HTTPServer) -> None:
    found = settings(httpserver, **{"providers.consent": False})
    report = run(found).report
    assert report.steps[0].provider == "local"
    assert httpserver.log == []
    assert list(Egress(found).ledger.entries()) == []
    assert any("prompt was not used" in warning for warning in report.all_warnings())
