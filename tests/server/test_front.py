"""What every request passes: keys, names, origins, lengths; and what is asked by whoever looks after the service."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from pytest_httpserver import HTTPServer

from tests.server.conftest import SAMPLES, Service

PORTRAIT = SAMPLES / "portrait.jpg"


def test_health_and_readiness_need_no_key(client: httpx.Client) -> None:
    assert client.get("/health").json()["status"] == "ok"
    ready = client.get("/ready").json()
    assert ready["ready"] is True
    assert set(ready["dependencies"]) == {"database", "storage", "queue"}
    assert all(one["ok"] and one["seconds"] >= 0 for one in ready["dependencies"].values())


def test_what_is_not_well_is_said(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SCANNING__ENABLED="true", DARKROOM_SCANNING__ADDRESS="127.0.0.1:1")
    answer = service.client.get("/ready")
    assert answer.status_code == 503
    scanner = answer.json()["dependencies"]["scanner"]
    assert scanner["ok"] is False
    assert "127.0.0.1:1" in scanner["problem"] or "reached" in scanner["problem"]
    refused = service.client.post("/api/v1/images/upload", files={"file": ("a.jpg", PORTRAIT.read_bytes())})
    assert (refused.status_code, refused.json()["code"]) == (503, "scanner_unavailable")


def test_prometheus_reads_the_numbers(service: Service, portrait: dict[str, Any]) -> None:
    job = service.client.post(f"/api/v1/images/{portrait['id']}/process", json={"operations": ["rotate:angle=270"]})
    service.wait(job.json()["id"])
    text = service.client.get("/metrics").text
    assert 'darkroom_http_requests_total{method="POST",route="/api/v1/images/{image_id}/process",status="202"}' in text
    assert 'darkroom_operation_seconds_count{operation="rotate"}' in text
    assert 'darkroom_jobs{state="completed"}' in text
    assert text.endswith("# EOF\n")


def logged(service: Service) -> list[dict[str, Any]]:
    """The lines of its log."""
    return [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]


def test_every_line_of_the_log_has_the_request(service: Service) -> None:
    service.client.get("/api/v1/operations?secret=hidden", headers={"X-Request-ID": "mine-1"})
    service.client.get("/api/v1/operations")  # a line is written after its answer
    (line,) = [line for line in logged(service) if line.get("request") == "mine-1"]
    assert (line["path"], line["status"]) == ("/api/v1/operations", 200)
    assert "hidden" not in service.log.read_text()


def test_every_line_of_the_log_about_a_job_has_its_id(
    service: Service, portrait: dict[str, Any], tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook").respond_with_data("")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(PORTRAIT.read_bytes()[:20_000])
    for known, state in ((portrait, "completed"), (service.upload(broken)[0], "failed")):
        work = {"operations": ["rotate:angle=90"], "webhook_url": httpserver.url_for("/hook")}
        job = service.client.post(f"/api/v1/images/{known['id']}/process", json=work).json()["id"]
        assert service.wait(job)["state"] == state
        until = time.monotonic() + 10
        while len(found := [line for line in logged(service) if line.get("job") == job]) < 2:
            assert time.monotonic() < until, found
            time.sleep(0.05)
        assert [line["logger"] for line in found] == ["darkroom.jobs", "darkroom.webhooks"]
        assert state in found[0]["event"]
        assert all("request" not in line for line in found), "the one that submitted it is long answered"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"])
def test_a_name_that_is_not_ours_is_not_answered(client: httpx.Client, host: str) -> None:
    answer = client.get("/api/v1/images", headers={"Host": host})
    if answer.status_code != 400:  # the server's own word for what is no name at all
        assert (answer.status_code, answer.json()["code"]) == (403, "host_refused")
        assert "key" not in answer.text
    assert client.get("/api/v1/images", headers={"Host": "localhost:1234"}).status_code == 200


def test_another_page_may_not_change_anything(client: httpx.Client) -> None:
    files = {"file": ("a.jpg", PORTRAIT.read_bytes())}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = client.post("/api/v1/images/upload", files=files, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
        assert "key" not in answer.text
    own = str(client.base_url).rstrip("/")
    assert client.post("/api/v1/images/upload", files=files, headers={"Origin": own}).status_code == 201


def test_a_page_that_is_allowed_may(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SERVER__CORS_ORIGINS='["https://shop.example"]')
    headers = {"Origin": "https://shop.example"}
    asked = service.client.options("/api/v1/images", headers={**headers, "Access-Control-Request-Method": "POST"})
    assert asked.headers["access-control-allow-origin"] == "https://shop.example"
    files = {"file": ("a.jpg", PORTRAIT.read_bytes())}
    assert service.client.post("/api/v1/images/upload", files=files, headers=headers).status_code == 201


def test_a_long_body_is_cut_off(client: httpx.Client) -> None:
    answer = client.post(
        "/api/v1/images/process", content=b'{"a":"' + b"a" * 5_000_000, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_with_keys_each_sees_its_own(start: Callable[..., Service]) -> None:
    scopes = (["--scope", "read", "--scope", "write"], ["--scope", "read", "--scope", "write"], ["--scope", "admin"])
    service = start(DARKROOM_SERVER__REQUIRE_KEY="true", keys=scopes)
    anna, berta, admin = service.keys
    client = service.client
    for headers in ({}, bearer("dk_" + "a" * 43), bearer("nonsense"), {"X-API-Key": "dk_nonsense"}):
        answer = client.get("/api/v1/images", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    files = {"file": ("a.jpg", PORTRAIT.read_bytes())}
    (known,) = client.post("/api/v1/images/upload", files=files, headers={"X-API-Key": anna}).json()["images"]
    job = client.post(
        f"/api/v1/images/{known['id']}/process", json={"operations": ["rotate:angle=90"]}, headers=bearer(anna)
    ).json()
    for path in (f"/api/v1/images/{known['id']}", f"/api/v1/jobs/{job['id']}"):
        assert [client.get(path, headers=bearer(key)).status_code for key in service.keys] == [200, 404, 200]
    theirs = client.post(f"/api/v1/jobs/{job['id']}/cancel", headers=bearer(berta))
    assert theirs.status_code == 404
    assert client.get("/api/v1/images", headers=bearer(berta)).json()["items"] == []
    assert len(client.get("/api/v1/images", headers=bearer(admin)).json()["items"]) == 1
    settings = client.patch("/api/v1/settings", json={"changes": {"strict": True}}, headers=bearer(anna))
    assert (settings.status_code, settings.json()["code"]) == (403, "not_allowed")


def test_what_only_reads_cannot_write(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SERVER__REQUIRE_KEY="true", keys=[["--scope", "read"]])
    files = {"file": ("a.jpg", PORTRAIT.read_bytes())}
    answer = service.client.post("/api/v1/images/upload", files=files, headers=bearer(service.keys[0]))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "write" in answer.json()["detail"]


def test_a_revoked_key_is_refused(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SERVER__REQUIRE_KEY="true", keys=[["--scope", "read"]])
    (key,) = service.keys
    service.run("keys", "revoke", key)
    assert service.client.get("/api/v1/images", headers=bearer(key)).status_code == 401


def test_a_key_is_held_to_its_rate(start: Callable[..., Service]) -> None:
    service = start(DARKROOM_SERVER__REQUESTS_PER_MINUTE="3", keys=[["--scope", "read"]])
    answers = [service.client.get("/api/v1/images", headers=bearer(service.keys[0])) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_a_service_for_others_does_not_start_without_a_key(tmp_path: Any) -> None:
    environment = {
        "PATH": "/usr/bin",
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "darkroom", "serve", "--host", "0.0.0.0", "--port", "0"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    assert "darkroom keys create" in done.stderr


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(service: Service, portrait: dict[str, Any]) -> None:
    """Head and body are sent one after the other: 40 ms each time, if the second waited for that of the first."""
    took: list[float] = []
    for _ in range(60):
        started = time.perf_counter()
        service.client.get(f"/api/v1/images/{portrait['id']}/download").raise_for_status()
        took.append(time.perf_counter() - started)
    # At first a client confirms at once.
    assert min(took[30:]) < 0.035
