"""Traces, as a collector gets them: what is in them, what never is, and who may be told. About ten seconds."""

from __future__ import annotations

import gzip
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from darkroom import addresses
from darkroom.database.schema import JobRow, identifier, now
from darkroom.egress import Egress
from darkroom.errors import AddressRefused, ConfigurationError, EgressRefused, ExtraMissing, OfflineRefused
from darkroom.server.telemetry import Telemetry
from darkroom.settings import Settings
from tests.server.conftest import SAMPLES, Service

SECRET = "nobody-elses-business"
SECONDS = 20.0


class Collector:
    """Takes traces in, as OpenTelemetry's protocol sends them over HTTP."""

    def __init__(self, server: HTTPServer) -> None:
        self.bodies: list[bytes] = []
        self.url = server.url_for("").rstrip("/")
        server.expect_request("/v1/traces", method="POST").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        data = request.get_data()
        self.bodies.append(gzip.decompress(data) if request.headers.get("Content-Encoding") == "gzip" else data)
        return Response(b"", content_type="application/x-protobuf")

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for body in list(self.bodies)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait(self, wanted: Callable[[Any], bool], count: int = 1) -> list[Any]:
        """So many spans that are wanted, as soon as they have come."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            found = [span for span in self.spans if wanted(span)]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"there are only {[span.name for span in self.spans]}")


@pytest.fixture
def collector(httpserver: HTTPServer) -> Iterator[Collector]:
    yield Collector(httpserver)
    httpserver.check_assertions()


def attributes(span: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes if one.value.ListFields()
    }


def test_a_request_links_to_its_job_whose_operations_are_in_it(
    start: Callable[..., Service], collector: Collector
) -> None:
    service = start(DARKROOM_SERVER__TELEMETRY=collector.url, OTEL_BSP_SCHEDULE_DELAY="100")
    files = {"file": (f"{SECRET}.jpg", (SAMPLES / "portrait.jpg").read_bytes())}
    (image,) = service.client.post("/api/v1/images/upload", files=files).json()["images"]
    work = {"operations": ["resize:width=100", "rotate:angle=90"]}
    job = service.client.post(f"/api/v1/images/{image['id']}/process?x={SECRET}", json=work).json()["id"]
    service.wait(job)
    service.client.get("/health")

    (whole,) = collector.wait(lambda span: span.name == "job light")
    assert whole.trace_id.hex() == job
    about = attributes(whole)
    assert (about["darkroom.job.id"], about["darkroom.job.state"]) == (job, "completed")
    assert 0 < whole.end_time_unix_nano - whole.start_time_unix_nano < 60e9
    parts = collector.wait(lambda span: span.parent_span_id == whole.span_id, 4)
    assert [part.name for part in parts] == ["decode", "resize", "rotate", "encode"]
    assert {part.trace_id.hex() for part in parts} == {job}
    assert attributes(parts[1])["darkroom.operation"] == "resize"
    for before, after in itertools.pairwise(parts):
        assert before.end_time_unix_nano == after.start_time_unix_nano

    (request,) = collector.wait(lambda span: span.name.endswith("/images/{image_id}/process"))
    assert request.trace_id != whole.trace_id
    assert [(link.trace_id, link.span_id) for link in request.links] == [(whole.trace_id, whole.span_id)]
    assert attributes(request)["http.route"] == "/api/v1/images/{image_id}/process"
    assert 202 in attributes(request).values()

    assert not any("health" in span.name for span in collector.spans)
    for body in collector.bodies:
        for hidden in (SECRET, "127.0.0.1", "python-httpx", image["id"]):
            assert hidden.encode() not in body


def test_an_error_is_a_code_and_no_words(start: Callable[..., Service], collector: Collector) -> None:
    service = start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100")
    files = {"file": (f"{SECRET}.jpg", (SAMPLES / "portrait.jpg").read_bytes()[:9000])}
    (image,) = service.client.post("/api/v1/images/upload", files=files).json()["images"]
    job = service.client.post(f"/api/v1/images/{image['id']}/process", json={"operations": ["rotate"]}).json()["id"]
    assert service.wait(job)["state"] == "failed"
    (whole,) = collector.wait(lambda span: span.name == "job light")
    assert attributes(whole)["error.type"] == "corrupt_image"
    assert whole.status.message == ""
    service.client.get(f"/api/v1/images/{SECRET}")
    collector.wait(lambda span: span.name.endswith("/images/{image_id}"))
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_what_waits_is_sent_at_the_end(start: Callable[..., Service], collector: Collector) -> None:
    service = start(DARKROOM_SERVER__TELEMETRY=collector.url, OTEL_BSP_SCHEDULE_DELAY="60000")
    service.client.get("/api/v1/operations")
    service.end()
    assert [span.name for span in collector.spans] == ["GET /api/v1/operations"]


def test_a_worker_tells_of_its_jobs(start: Callable[..., Service], collector: Collector) -> None:
    service = start(DARKROOM_JOBS__LIGHT="0")
    (image,) = service.upload(SAMPLES / "portrait.jpg")
    job = service.client.post(f"/api/v1/images/{image['id']}/process", json={"operations": ["rotate:angle=90"]}).json()
    worker = subprocess.Popen(
        [sys.executable, "-m", "darkroom", "worker", "--queue", "light"],
        env={**service.environment, "DARKROOM_SERVER__TELEMETRY": collector.url},
        stderr=subprocess.DEVNULL,
    )
    try:
        service.wait(job["id"])
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    assert [span.trace_id.hex() for span in collector.spans if span.name == "job light"] == [job["id"]]


def row(**changes: Any) -> JobRow:
    moment = now()
    values = {"id": identifier(), "lane": "heavy", "attempts": 1, "created": moment - timedelta(seconds=3)}
    return JobRow(**{**values, "started": moment - timedelta(seconds=2), **changes})


def report(seconds: float) -> dict[str, Any]:
    return {"seconds": seconds, "decode_seconds": 0.1, "encode_seconds": 0.1, "steps": []}


def told(collector: Collector, *jobs: tuple[Any, ...]) -> list[Any]:
    telemetry = Telemetry(Settings(), collector.url)
    telemetry.start()
    for job in jobs:
        telemetry.job(*job)
    telemetry.close()
    return collector.spans


def test_a_job_that_was_looked_up_has_no_parts(collector: Collector) -> None:
    assert [span.name for span in told(collector, (row(), "completed", report(30.0)))] == ["job heavy"]
    assert len(told(collector, (row(), "completed", report(0.5)))) == 1 + 3


def test_an_attempt_is_a_span_of_the_same_trace(collector: Collector) -> None:
    error = AddressRefused("not there", cure="")
    first = row()
    second = row(id=first.id, attempts=2)
    spans = told(collector, (first, "pending", None, error), (second, "completed", report(0.5)))
    wholes = [span for span in spans if span.name == "job heavy"]
    assert {span.trace_id.hex() for span in wholes} == {first.id}
    assert len({span.span_id for span in wholes}) == 2
    assert attributes(wholes[0])["darkroom.job.waited_seconds"] == pytest.approx(1.0, abs=0.2)


def test_nobody_is_told_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Telemetry.from_settings(Settings()) is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
    with pytest.raises(ConfigurationError, match="collector:4317"):
        Telemetry.from_settings(Settings())


class TestWhoMayBeTold:
    @pytest.fixture(autouse=True)
    def names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {"collector.lan": ["192.168.7.7"], "collector.example": ["93.184.216.34"]}
        monkeypatch.setattr(addresses, "system_resolve", lambda host, _: known.get(host, []))

    def test_it_is_written_down(self) -> None:
        telemetry = Telemetry(Settings(), "http://collector.lan:4318")
        telemetry.start()
        telemetry.close()
        (entry,) = Egress(Settings()).ledger.entries(purpose="telemetry")
        assert (entry.scheme, entry.host, entry.port, entry.address) == ("otlp", "collector.lan", 4318, "192.168.7.7")

    @pytest.mark.parametrize(("change", "error"), [("offline", OfflineRefused), ("egress.telemetry", EgressRefused)])
    def test_it_is_refused_by_the_policy(self, change: str, error: type[Exception]) -> None:
        settings = Settings().with_changes({change: change == "offline"})
        with pytest.raises(error, match="telemetry"):
            Telemetry(settings, "http://collector.lan:4318").start()

    def test_only_encrypted_to_the_public_network(self) -> None:
        with pytest.raises(AddressRefused, match="does not encrypt"):
            Telemetry(Settings(), "http://collector.example:4318").start()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.fastapi", None)
    with pytest.raises(ExtraMissing) as raised:
        Telemetry(Settings(), "http://127.0.0.1:4318")
    assert "darkroom-studio[telemetry]" in json.dumps(raised.value.to_dict())
