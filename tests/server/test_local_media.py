"""Processing at once, and models: what a desktop app needs."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image as Pillow

from tests.server.conftest import SAMPLES, Service, own_model

PORTRAIT = SAMPLES / "portrait.jpg"


def process(client: httpx.Client, path: Path, operations: object) -> httpx.Response:
    return client.post(
        "/local-media/process",
        data={"operations": operations if isinstance(operations, str) else json.dumps(operations)},
        files={"file": (path.name, path.read_bytes())},
    )


def test_a_picture_is_processed_and_its_receipt_comes_with_it(client: httpx.Client) -> None:
    answer = process(client, PORTRAIT, [{"type": "resize", "width": 128}, "convert:format=png"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert Pillow.open(io.BytesIO(answer.content)).size == (128, 150)
    report = json.loads(answer.headers["darkroom-report"])
    assert [step["operation"] for step in report["steps"]] == ["resize", "convert"]
    assert report["output"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert 'filename="portrait.png"' in answer.headers["content-disposition"]
    linked = answer.headers["link"].partition("<")[2].partition(">")[0]
    assert client.get(linked).json() == report


def test_the_same_again_is_a_lookup(client: httpx.Client) -> None:
    first = process(client, PORTRAIT, ["resize:width=97"])
    second = process(client, PORTRAIT, [{"type": "resize", "width": 97}])
    assert first.headers["darkroom-cache"] == "miss"
    assert second.headers["darkroom-cache"] == "hit"
    assert second.content == first.content
    assert process(client, PORTRAIT, ["resize:width=98"]).headers["darkroom-cache"] == "miss"


def test_what_is_sent_is_not_kept(service: Service, tmp_path: Path) -> None:
    before = service.client.get("/api/v1/images").json()
    path = tmp_path / "own.png"
    Pillow.new("RGB", (64, 64), "#123456").save(path)
    assert process(service.client, path, ["resize:width=31"]).status_code == 200
    assert service.client.get("/api/v1/images").json() == before
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert [path for path in service.folder.rglob("*") if path.name.startswith(digest[:16])] == []


def test_a_recipe_and_an_output_may_be_named(client: httpx.Client) -> None:
    answer = process(client, PORTRAIT, {"recipe": "web-small", "output": {"format": "avif"}})
    assert answer.headers["content-type"] == "image/avif"


@pytest.mark.parametrize(
    ("operations", "code", "step", "field"),
    [
        ("[{", "invalid_parameters", None, "operations"),
        ([], "invalid_parameters", None, None),
        (["sharpen_everything"], "unknown_operation", None, None),
        (["rotate", {"type": "resize", "width": -3}], "invalid_parameters", 1, "width"),
        (
            [{"type": "replace_background", "background": "image", "image": "/etc/passwd"}],
            "invalid_parameters",
            None,
            None,
        ),
        ({"recipe": "no-such-recipe"}, "unknown_recipe", None, None),
        ({"recipe": "../../etc/passwd"}, "invalid_parameters", None, "recipe"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_field(
    client: httpx.Client, operations: object, code: str, step: int | None, field: str | None
) -> None:
    answer = process(client, PORTRAIT, operations)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code
    assert (problem["step"], problem["field"]) == (step, field)
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_what_is_no_picture_costs_only_its_own_request(client: httpx.Client, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    assert process(client, text, ["resize:width=9"]).json()["code"] == "unsupported_format"
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(PORTRAIT.read_bytes()[:20_000])
    answer = process(client, broken, ["resize:width=9"])
    assert (answer.status_code, answer.json()["code"]) == (422, "corrupt_image")
    assert process(client, PORTRAIT, ["resize:width=9"]).status_code == 200


def test_no_more_than_a_few_are_worked_on_at_once(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_LIMITS__SYNC_CONCURRENCY="1")
    process(service.client, PORTRAIT, ["resize:width=8"])  # its worker has started
    answers: list[httpx.Response] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=service.url, timeout=60) as client:
            answers.append(process(client, PORTRAIT, [f"upscale:method=builtin,scale={2 + number % 2}"]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    (refused,) = [answer for answer in answers if answer.status_code == 429]
    assert refused.json()["code"] == "too_many_requests"
    assert int(refused.headers["retry-after"]) >= 1


def test_models_are_listed_with_their_licence(client: httpx.Client) -> None:
    found = client.get("/local-media/models/status").json()
    model = next(one for one in found["models"] if one["name"] == "realesrgan-x4plus")
    assert model["state"] == "missing"
    assert model["licence"] == "BSD-3-Clause"
    assert model["commercial"] is True
    assert found["auto_download"] is False


def test_a_model_is_downloaded_with_progress_and_can_be_removed(start: Callable[..., Service], tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    data = b"weights" * 100_000
    (mirror / "own.onnx").write_bytes(data)
    own_model(tmp_path / "service-0", data)
    service = start(DARKROOM_MODELS__MIRROR=str(mirror))
    states: list[str] = []
    with service.client.stream("GET", "/local-media/models/events") as events:
        begun = service.client.post("/local-media/models/download/own-matte")
        assert begun.status_code == 202
        assert begun.json()["state"] == "downloading"
        for line in events.iter_lines():
            if line.startswith("data:"):
                states.append(json.loads(line[5:])["state"])
                if states[-1] != "downloading":
                    break
    assert states[-1] == "here"
    with service.client.stream("GET", "/local-media/models/events") as events:
        known = next(json.loads(line[5:]) for line in events.iter_lines() if line.startswith("data:"))
    assert (known["name"], known["state"]) == ("own-matte", "here"), "who comes later hears how it is now"
    found = {one["name"]: one for one in service.client.get("/api/v1/models").json()["models"]}
    assert (found["own-matte"]["state"], found["own-matte"]["own"]) == ("here", True)
    assert service.client.post("/local-media/models/download/own-matte").json()["state"] == "here"
    assert service.client.delete("/api/v1/models/own-matte").status_code == 204
    assert service.client.post("/local-media/models/download/nobody").json()["code"] == "unknown_model"


def test_who_does_not_wait_is_not_worked_for(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_LIMITS__SYNC_CONCURRENCY="1")
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=service.url, timeout=1.5) as hurried:
        process(hurried, PORTRAIT, ["upscale:method=builtin,scale=4", "upscale:method=builtin,scale=4"])
    until = time.monotonic() + 15
    while (answer := process(service.client, PORTRAIT, ["resize:width=8"])).status_code == 429:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert answer.status_code == 200


def test_those_who_leave_take_no_worker_with_them(start: Callable[..., Service]) -> None:
    """As the page does all the time: it gives a preview up when the next one is asked for."""
    service = start(DARKROOM_LIMITS__SYNC_SECONDS="20")
    assert process(service.client, PORTRAIT, ["remove_background:method=grabcut"]).status_code == 200
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=service.url, timeout=1.0) as hurried:
        process(hurried, PORTRAIT, ["upscale:method=builtin,scale=4", "upscale:method=builtin,scale=4"])
    answer = process(service.client, PORTRAIT, ["remove_background:method=edges"])
    assert answer.status_code == 200, answer.text
