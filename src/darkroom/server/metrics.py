"""What Prometheus may ask: requests of this process, and what the database and the ledger know at that moment.

Jobs are told of by every server from the database, whoever carried them out: take the largest of several, not the sum.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import select

from darkroom.database.schema import JobRow, now
from darkroom.errors import DarkroomError
from darkroom.ledger import Ledger

if TYPE_CHECKING:
    from darkroom.server.studio import Studio

MEDIA_TYPE = CONTENT_TYPE_LATEST
disable_created_metrics()
SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
MOST_JOBS = 10_000
"""Jobs that are counted at one question at most; what is left comes with the next."""


class Metrics:
    """The numbers of one service."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._since = now()
        self._counted: set[str] = set()
        self.requests = Counter(
            "darkroom_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "darkroom_http_request_seconds",
            "Time until a request was answered whole.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.open = Gauge("darkroom_http_requests_open", "Requests that are being answered.", registry=self._registry)
        self._jobs = Counter("darkroom_jobs_ended", "Jobs that have ended.", ("state",), registry=self._registry)
        self._operations = Histogram(
            "darkroom_operation_seconds",
            "Time that an operation took in a job.",
            ("operation",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._models = Counter(
            "darkroom_model_loads", "Models that had to be loaded for a job.", ("model",), registry=self._registry
        )
        self._registry.register(_Now(studio))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them. Asks the database and the ledger."""
        with self._lock:
            self._count_jobs()
            return generate_latest(self._registry)

    def _count_jobs(self) -> None:
        """Count the jobs that have ended since the last question."""
        try:
            with self._studio.database.session(reading=True) as session:
                rows = session.scalars(
                    select(JobRow).where(JobRow.finished > self._since).order_by(JobRow.finished).limit(MOST_JOBS)
                ).all()
        except DarkroomError:
            return
        for row in rows:
            if row.id in self._counted or row.finished is None:
                continue
            self._jobs.labels(row.state).inc()
            report: dict[str, Any] = row.report or {}
            for step in report.get("steps", []):
                self._operations.labels(step["operation"]).observe(step["seconds"])
                for model in step.get("loaded", []):
                    self._models.labels(model).inc()
        if rows:
            # Transactions end a little later than the time that they write down.
            assert rows[-1].finished is not None
            self._since = max(self._since, rows[-1].finished - timedelta(seconds=30))
            self._counted = {row.id for row in rows if row.finished is not None and row.finished > self._since}


class _Now(Collector):
    """What is asked at the moment of the question."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        jobs = GaugeMetricFamily(
            "darkroom_jobs", "Jobs in each state; those that wait are the queue.", labels=["state"]
        )
        try:
            for state, count in self._studio.jobs.depth().items():
                jobs.add_metric([state], count)
        except DarkroomError:
            pass
        yield jobs
        sent = CounterMetricFamily("darkroom_egress_sent_bytes", "Bytes that left this machine.", labels=["purpose"])
        got = CounterMetricFamily("darkroom_egress_received_bytes", "Bytes that came in for it.", labels=["purpose"])
        try:
            for purpose, (out, back) in Ledger(self._studio.settings.egress.ledger).totals().items():
                sent.add_metric([purpose], out)
                got.add_metric([purpose], back)
        except DarkroomError:
            pass
        yield sent
        yield got

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is asked before the first question."""
        return iter(())
