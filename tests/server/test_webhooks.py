"""Messages to webhooks, as the service sends them: signed, seen, and sent again."""

from __future__ import annotations

import json
import queue
from typing import Any

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
