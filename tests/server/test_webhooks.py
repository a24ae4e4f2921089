"""Messages to webhooks, as the service sends them: signed, seen, and sent again."""

from __future__ import annotations

import json
import queue
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from darkroom.jobs.signatures import verify
from tests.server.conftest import Service


def test_a_job_that_has_ended_is_told_of(service: Service, portrait: dict[str, Any], httpserver: HTTPServer) -> None:
    got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    def receive(request: Request) -> Response:
        got.put((dict(request.headers), request.data))
        return Response(status=204)

    httpserver.expect_request("/hook", method="POST").respond_with_handler(receive)
    work = {"operations": ["rotate:angle=90"], "webhook_url": httpserver.url_for("/hook")}
    job = service.client.post(f"/api/v1/images/{portrait['id']}/process", json=work).json()
    headers, raw = got.get(timeout=20)
    body = json.loads(raw)
    assert (body["type"], body["data"]["id"]) == ("job.completed", job["id"])
    known = service.client.get("/api/v1/webhooks/secrets").json()
    assert known["made_here"] is True
    verify(known["secrets"], headers, raw)
    known = {"state": "pending"}
    while known["state"] == "pending":
        (known,) = service.client.get("/api/v1/webhooks/deliveries", params={"job_id": job["id"]}).json()["items"]
    assert (known["state"], known["status"]) == ("delivered", 204)
    assert known["id"] == headers["Webhook-Id"]
    service.client.post(f"/api/v1/webhooks/deliveries/{known['id']}/replay")
    assert got.get(timeout=20)[0]["Webhook-Id"] == headers["Webhook-Id"]
    unknown = service.client.get(f"/api/v1/webhooks/deliveries/{'0' * 32}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "delivery_not_found")


@pytest.mark.parametrize(
    "url",
    ["http://10.1.2.3/x", "http://127.0.0.2:9/x", "http://[::1]/x", "http://169.254.169.254/", "http://nas.local/"],
)
def test_a_webhook_that_could_never_be_told_is_refused_with_the_request(
    service: Service, portrait: dict[str, Any], url: str
) -> None:
    here = f"/api/v1/images/{portrait['id']}/process"
    before = service.client.get("/api/v1/jobs", params={"image_id": portrait["id"]}).json()
    image, work = {"image_id": portrait["id"]}, {"operations": ["rotate:angle=90"]}
    for path, body, field in (
        (here, {**work, "webhook_url": url}, "webhook_url"),
        ("/api/v1/images/process", {**image, **work, "webhook_url": url}, "webhook_url"),
        ("/api/v1/images/batch", {"images": [image], "work": work, "webhook_url": url}, "webhook_url"),
        ("/api/v1/images/batch", {"images": [image], "work": {**work, "webhook_url": url}}, "work.webhook_url"),
    ):
        answer = service.client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameters")
        assert (answer.json()["field"], "private_hosts" in answer.json()["cure"]) == (field, True)
    assert service.client.get("/api/v1/jobs", params={"image_id": portrait["id"]}).json() == before
    named = {**work, "webhook_url": "https://no.such.name.example/x"}
    assert service.client.post(here, json=named).status_code == 202, "names are looked up when the message is sent"
