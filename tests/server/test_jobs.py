"""Jobs and batches, as they happen."""

from __future__ import annotations

import io
import json
import signal
import zipfile
from collections.abc import Callable
from typing import Any

from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"
SLOW = {"operations": ["upscale:method=builtin,scale=4", "upscale:method=builtin,scale=3"]}


def events(service: Service, path: str) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    with service.client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:"):
                found.append((kind, json.loads(line[5:])))
    return found


def test_a_job_tells_how_far_it_is_until_it_ends(service: Service, portrait: dict[str, Any]) -> None:
    job = service.client.post(f"/api/v1/images/{portrait['id']}/process", json={"operations": ["enhance"]}).json()
    told = [body for kind, body in events(service, f"/api/v1/jobs/{job['id']}/events") if kind == "job"]
    assert told[-1]["state"] == "completed"
    assert told[-1]["report"]["steps"][0]["operation"] == "enhance"
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)


def test_a_job_can_be_cancelled_and_done_again(service: Service, portrait: dict[str, Any]) -> None:
    job = service.client.post(f"/api/v1/images/{portrait['id']}/process", json=SLOW).json()
    service.client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert service.wait(job["id"])["state"] == "cancelled"
    again = service.client.post(f"/api/v1/jobs/{job['id']}/retry").json()
    assert again["state"] == "pending"
    service.client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert service.wait(job["id"])["state"] == "cancelled"


def test_a_batch_is_one_thing(service: Service) -> None:
    images = service.upload(PORTRAIT, SAMPLES / "mug.jpg", SAMPLES / "logo.png")
    body = {
        "images": [{"image_id": one["id"]} for one in images],
        "work": {"operations": ["resize:width=40"], "output": {"format": "webp"}},
    }
    headers = {"Idempotency-Key": "batch-1"}
    batch = service.client.post("/api/v1/images/batch", json=body, headers=headers).json()
    assert batch["total"] == 3
    assert service.client.post("/api/v1/images/batch", json=body, headers=headers).json()["id"] == batch["id"]
    told = events(service, f"/api/v1/batches/{batch['id']}/events")
    assert told[-1][1] == service.client.get(f"/api/v1/batches/{batch['id']}").json()
    assert (told[-1][1]["done"], told[-1][1]["progress"], told[-1][1]["counts"]) == (True, 1.0, {"completed": 3})
    archive = service.client.get(f"/api/v1/batches/{batch['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as bundle:
        assert bundle.testzip() is None
        assert sorted(bundle.namelist()) == ["logo.webp", "manifest.json", "mug.webp", "portrait.webp"]
        manifest = json.loads(bundle.read("manifest.json"))
        assert {one["source"] for one in manifest} == {"portrait.jpg", "mug.jpg", "logo.png"}
    jobs = service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]
    assert len(jobs) == 3
    assert [one["type"] for one in batch["operations"]] == ["resize"]
    assert sorted(batch["image_ids"]) == sorted(one["id"] for one in images)


def test_jobs_are_listed_by_one_state_or_by_several(service: Service, portrait: dict[str, Any]) -> None:
    url = f"/api/v1/images/{portrait['id']}/process"
    done, failed = (
        service.client.post(url, json={"operations": [text]}).json()["id"]
        for text in ("resize:width=41", "crop:left=5000")
    )
    for job in (done, failed):
        service.wait(job)

    def listed(*states: str) -> list[str]:
        found = service.client.get("/api/v1/jobs", params={"image_id": portrait["id"], "state": states}).json()["items"]
        return [one["id"] for one in found]

    assert listed("completed") == [done]
    assert listed("failed", "cancelled") == [failed]
    assert listed("completed", "failed") == [failed, done] == listed()


def test_a_batch_with_a_picture_that_is_not_there_is_not_accepted(service: Service, portrait: dict[str, Any]) -> None:
    before = service.client.get("/api/v1/batches").json()
    body = {
        "images": [{"image_id": portrait["id"]}, {"image_id": "0" * 32}],
        "work": {"operations": ["resize:width=40"]},
    }
    answer = service.client.post("/api/v1/images/batch", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")
    assert service.client.get("/api/v1/batches").json() == before


def test_the_same_work_again_is_a_lookup(service: Service, portrait: dict[str, Any]) -> None:
    url, work = f"/api/v1/images/{portrait['id']}/process", {"operations": ["enhance", "resize:width=203"]}
    first = service.wait(service.client.post(url, json=work | {"operations": work["operations"]}).json()["id"])
    body = work | {"output": {}}
    second = service.wait(service.client.post(url, json=body, params={"version": 0}).json()["id"])
    assert second["result"]["digest"] == first["result"]["digest"]
    assert second["report"] == first["report"]


def test_a_kept_result_does_not_say_what_others_call_the_picture(start: Callable[..., Service]) -> None:
    service = start(keys=[[], []], DARKROOM_SERVER__REQUIRE_KEY="true")
    body, data = {"operations": ["resize:width=77"]}, PORTRAIT.read_bytes()
    told: list[Any] = []
    for number, key in enumerate(service.keys):
        service.client.headers["Authorization"] = f"Bearer {key}"
        name = f"whose-{number}.jpg"
        files = {"file": (name, data)}
        (known,) = service.client.post("/api/v1/images/upload", files=files).json()["images"]
        job = service.client.post(f"/api/v1/images/{known['id']}/process", json=body).json()
        report = service.wait(job["id"])["report"]
        sync = service.client.post("/api/v1/images/process/sync", json={"image_id": known["id"], "version": 0, **body})
        form = {"operations": json.dumps(body["operations"])}
        media = service.client.post("/local-media/process", files=files, data=form)
        assert [sync.headers["darkroom-cache"], media.headers["darkroom-cache"]] == ["hit", "hit"]
        for one in (report, *(json.loads(answer.headers["darkroom-report"]) for answer in (sync, media))):
            assert one["input"].pop("name") == name
            told.append(one)
        address = media.links["describedby"]["url"]
        assert service.client.get(address).json()["input"]["name"] == name
        assert "whose" not in service.client.get(address.partition("?")[0]).text
    assert all(one == told[0] for one in told), "the rest is of the same result"


def test_of_a_deleted_picture_the_results_are_gone(service: Service) -> None:
    one, other = service.upload(PORTRAIT, SAMPLES / "mug.jpg")
    body = {
        "images": [{"image_id": one["id"]}, {"image_id": other["id"]}, {"image_id": one["id"]}],
        "work": {"operations": ["resize:width=51"]},
    }
    batch = service.client.post("/api/v1/images/batch", json=body).json()
    jobs = service.client.get("/api/v1/jobs", params={"batch_id": batch["id"]}).json()["items"]
    first, second = [job for job in jobs if job["image_id"] == one["id"]]
    for job in jobs:
        service.wait(job["id"])
    assert service.client.get(f"/api/v1/jobs/{first['id']}/result").status_code == 200
    service.client.delete(f"/api/v1/images/{one['id']}")
    for job in (first, second):
        gone = service.client.get(f"/api/v1/jobs/{job['id']}/result")
        assert (gone.status_code, gone.json()["code"]) == (404, "image_not_found")
        assert "was deleted" in gone.json()["detail"]
        known = service.client.get(f"/api/v1/jobs/{job['id']}").json()
        assert (known["state"], known["result"]) == ("completed", None)
    archive = service.client.get(f"/api/v1/batches/{batch['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as bundle:
        assert sorted(bundle.namelist()) == ["manifest.json", "mug.jpg"]
    service.client.delete(f"/api/v1/images/{other['id']}")
    assert service.client.get(f"/api/v1/batches/{batch['id']}/archive").status_code == 409


def test_a_job_on_a_deleted_picture_is_not_done_again(service: Service) -> None:
    (known,) = service.upload(PORTRAIT)
    job = service.client.post(f"/api/v1/images/{known['id']}/process", json=SLOW).json()
    service.client.delete(f"/api/v1/images/{known['id']}")
    assert service.wait(job["id"])["state"] == "cancelled"
    again = service.client.post(f"/api/v1/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["code"]) == (404, "image_not_found")


def test_jobs_survive_the_end_of_the_service(start: Callable[..., Service]) -> None:
    service = start()
    (known,) = service.upload(PORTRAIT)
    jobs = [
        service.client.post(f"/api/v1/images/{known['id']}/process", json=SLOW | {"priority": number}).json()["id"]
        for number in range(3)
    ]
    service.wait(jobs[0], "processing")
    service.restart(signal.SIGTERM)
    found = {one["id"]: one for one in service.client.get("/api/v1/jobs").json()["items"]}
    assert set(found) == set(jobs)
    assert all(one["state"] in ("pending", "processing") for one in found.values())
    assert service.wait(jobs[-1], "processing")["attempts"] == 1
    assert service.client.get(f"/api/v1/jobs/{jobs[0]}").json()["attempts"] == 0
    for job in jobs:
        service.client.post(f"/api/v1/jobs/{job}/cancel")
        service.wait(job)
