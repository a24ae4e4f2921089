"""Traces for a collector that speaks OpenTelemetry's protocol over HTTP: a span for each request and each job.

Off unless ``server.telemetry`` or ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a collector. A job is a trace of its own, whose
number is the job's id, with its operations in it; the request that submitted it links to it. What is sent is numbers
and names of our own: no pictures, no names of files, no addresses that were asked for, no texts of errors. Attributes
are let through by name, so that what a library adds later stays here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from darkroom.addresses import is_loopback
from darkroom.database.schema import now
from darkroom.egress import Egress
from darkroom.errors import ConfigurationError, DarkroomError, ExtraMissing
from darkroom.version import version

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from darkroom.database.schema import JobRow
    from darkroom.settings import Settings

NEEDED = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.instrumentation.fastapi")
"""Packages of the extra ``telemetry``, besides the SDK."""
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ALLOWED = frozenset(
    [
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
        "error.type",
    ]
)
"""Attributes that are sent, besides our own, which begin with ``darkroom.``."""
QUIET = "/health$,/ready$,/metrics$"
"""Requests that are no traces: those of whoever looks after the service."""
MOST_LINKS = 100
"""Jobs that a request links to at most."""

_ids: ContextVar[tuple[int, int] | None] = ContextVar("darkroom_span", default=None)
"""The trace and span that the next span is to be, where that is chosen."""


class Telemetry:
    """Spans of one process, sent in the background. What cannot be sent is left out, and nobody waits for it.

    Args:
        settings: ``egress`` says whether the collector may be contacted.
        endpoint: its address, http or https, without ``/v1/traces``.

    Raises:
        ExtraMissing: OpenTelemetry is not installed.
        ConfigurationError: it is no such address.
    """

    def __init__(self, settings: Settings, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                f"{endpoint[:200]!r} is no address of a collector.",
                cure="Write http://host:4318 or https://host, in server.telemetry or in OTEL_EXPORTER_OTLP_ENDPOINT.",
                field="server.telemetry",
            )
        self._settings = settings
        self._endpoint = endpoint
        self._provider = _provider()
        self._tracer = self._provider.get_tracer("darkroom", version())

    @classmethod
    def from_settings(cls, settings: Settings) -> Telemetry | None:
        """As the settings, else the environment, say; None where nobody is to be told. Raises what the class does."""
        endpoint = settings.server.telemetry or os.environ.get(ENDPOINT, "").strip()
        return cls(settings, endpoint) if endpoint else None

    @property
    def is_remote(self) -> bool:
        """Whether the collector is on another machine."""
        return not is_loopback(urlsplit(self._endpoint).hostname or "")

    def start(self) -> None:
        """Begin to send. Raises NetworkError where the settings do not allow it."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        parts = urlsplit(self._endpoint)
        encrypted = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if encrypted else 80)
        what = "traces: which requests and jobs, and how long"
        Egress(self._settings).attach(host, port, "telemetry", scheme="otlp", encrypted=encrypted, what=what)
        exporter = OTLPSpanExporter(f"{self._endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(_bare_exporter(exporter)))

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end."""
        self._provider.shutdown()

    def instrument(self, app: FastAPI) -> None:
        """Have each request of an application be a span."""
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=self._provider, excluded_urls=QUIET, exclude_spans=["receive", "send"]
        )

    def submitted(self, rows: Sequence[JobRow]) -> None:
        """Link the request that is being answered to the jobs that came of it."""
        from opentelemetry.trace import SpanContext, TraceFlags, get_current_span

        span = get_current_span()
        for row in rows[:MOST_LINKS]:
            trace, number = _of_job(row.id)
            span.add_link(SpanContext(trace, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)))

    def job(
        self, row: JobRow, state: str, report: Mapping[str, Any] | None = None, error: DarkroomError | None = None
    ) -> None:
        """Tell of a job that this process has worked on; see :data:`darkroom.jobs.carrying.Ended`."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        ended = now()
        started = row.started or ended
        token = _ids.set(_of_job(row.id, row.attempts))
        try:
            span = self._tracer.start_span(
                f"job {row.lane}",
                context=Context(),
                start_time=_nanoseconds(started),
                attributes={
                    "darkroom.job.id": row.id,
                    "darkroom.job.state": state,
                    "darkroom.job.lane": row.lane,
                    "darkroom.job.attempts": row.attempts,
                    "darkroom.job.waited_seconds": max((started - row.created).total_seconds(), 0.0),
                },
            )
        finally:
            _ids.reset(token)
        if error is not None:
            span.set_attribute("error.type", error.code)
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span, Context())
        for name, begins, ends, attributes in _parts(report, started, ended):
            part = self._tracer.start_span(name, context=inside, start_time=begins, attributes=attributes)
            part.end(ends)
        span.end(_nanoseconds(ended))


def _of_job(job_id: str, attempt: int = 1) -> tuple[int, int]:
    """Trace and span of a job: its identifier, which is as long as a trace's; an attempt after the first is another."""
    number = int(job_id, 16)
    return number, ((number >> 64) + max(attempt, 1) - 1) % (1 << 64) or 1


def _parts(
    report: Mapping[str, Any] | None, started: datetime, ended: datetime
) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """What was done in a job, one after the other up to its end: name, beginning, end in nanoseconds, attributes.

    Nothing where the job took less time than its report tells of: it was looked up.
    """
    if report is None or report["seconds"] > (ended - started).total_seconds():
        return
    at = _nanoseconds(ended) - round(1e9 * report["seconds"])
    steps: list[tuple[str, float, dict[str, Any]]] = [("decode", report["decode_seconds"], {})]
    for step in report["steps"]:
        about = {"darkroom.operation": step["operation"], "darkroom.provider": step["provider"]}
        about |= {f"darkroom.{name}": step[name] for name in ("method", "device") if step.get(name)}
        if step.get("models"):
            about["darkroom.models"] = [model["name"] for model in step["models"]]
        steps.append((step["operation"], step["seconds"], about))
    for name, seconds, attributes in [*steps, ("encode", report["encode_seconds"], {})]:
        end = at + round(1e9 * seconds)
        yield name, at, end, attributes
        at = end


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e9)


def _provider() -> TracerProvider:
    """Makes spans, and sends them nowhere yet."""
    try:
        for needed in NEEDED:
            importlib.import_module(needed)
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    except ImportError as error:
        raise ExtraMissing(
            "A collector of traces is named, and OpenTelemetry is not installed.",
            cure="pip install 'darkroom-studio[telemetry]'",
        ) from error

    class Ids(RandomIdGenerator):
        """Random numbers, but for spans whose number is chosen."""

        def generate_trace_id(self) -> int:
            chosen = _ids.get()
            return super().generate_trace_id() if chosen is None else chosen[0]

        def generate_span_id(self) -> int:
            chosen = _ids.get()
            return super().generate_span_id() if chosen is None else chosen[1]

    about = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "darkroom"), "service.version": version()}
    return TracerProvider(resource=Resource.create(about), id_generator=Ids())


def _bare_exporter(exporter: SpanExporter) -> SpanExporter:
    """Sends spans with what may be sent and nothing else."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Status

    def bare(span: ReadableSpan) -> ReadableSpan:
        attributes = {
            name: value
            for name, value in (span.attributes or {}).items()
            if name in ALLOWED or name.startswith("darkroom.")
        }
        return ReadableSpan(
            span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=attributes,
            links=span.links,
            kind=span.kind,
            # Without the words, which are an error's; nor what was raised, which is an event.
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    class Bare(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export([bare(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Bare()
