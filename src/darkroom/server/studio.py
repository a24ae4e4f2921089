"""The parts of the running service, wired together from settings: the only place that knows all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from darkroom import storage as storages
from darkroom.addresses import is_loopback
from darkroom.database.connection import Database
from darkroom.database.schema import BatchRow, JobRow, VersionRow
from darkroom.errors import ConfigurationError, DarkroomError
from darkroom.image import Encoding, Format
from darkroom.intake import Intake
from darkroom.jobs.carrier import carrier
from darkroom.jobs.claims import build_claimed
from darkroom.jobs.deliveries import DeliveryStore
from darkroom.jobs.housekeeping import Housekeeping
from darkroom.jobs.results import Results
from darkroom.jobs.store import JobStore
from darkroom.jobs.webhooks import Deliverer
from darkroom.models.store import Store
from darkroom.safety.scanning import Scanner
from darkroom.server import files, schemas, views
from darkroom.server.archive import Packed
from darkroom.server.downloads import Downloads
from darkroom.server.keys import KeyStore
from darkroom.server.making import Making
from darkroom.server.metrics import Metrics
from darkroom.server.pictures import Pictures
from darkroom.server.rates import Rates
from darkroom.server.signing import url_keys
from darkroom.server.telemetry import Telemetry
from darkroom.server.trials import trials, tried
from darkroom.server.watcher import Watcher
from darkroom.server.work import Order, order_of
from darkroom.server.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from darkroom.server.schemas import Work
    from darkroom.settings import Settings

T = TypeVar("T")

log = logging.getLogger("darkroom.server")

FRESH_SECONDS = 1.0
BATCH_SHOWN = 4
"""Jobs of a batch that stand for it in lists."""
MOST_WAITING = 16
"""Thumbnails and transformed pictures that are made at once; the others wait before they have taken anything."""


class Studio:
    """What the routes work with. Made without touching anything; :meth:`start` brings it up."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database.from_settings(settings)
        self.storage = build_claimed(settings, self.database)
        self.jobs = JobStore(self.database)
        self.pictures = Pictures(self.database)
        self.deliveries = DeliveryStore(self.database)
        self.keys = KeyStore(self.database)
        self.watcher = Watcher(self.database)
        self.results = Results(self.database, self.storage)
        self.metrics = Metrics(self)
        self.telemetry = Telemetry.from_settings(settings)
        self._lock = threading.Lock()
        self._trying = asyncio.Lock()
        self._tried: tuple[float, schemas.Readiness | None] = (0.0, None)
        self._wire(settings)

    def _wire(self, settings: Settings) -> None:
        """What depends on settings that may change while the service runs."""
        self.settings = settings
        self.scanner = Scanner.from_settings(settings)
        self.intake = Intake(settings, self.storage, self.scanner)
        self.models = Store.from_settings(settings)
        self.downloads = Downloads(self.models)
        self.rates = Rates(settings)
        self.bench = Workbench(settings)
        self.making = Making(settings, self.storage, self.results, self.bench, self.models)
        # A storage of its own: it is used on another thread's event loop, for long.
        self.housekeeping = Housekeeping(settings, self.database, storages.build(settings))
        self.carrier = carrier(
            settings,
            self.jobs,
            self.storage,
            intake=self.intake,
            clean_up=self.housekeeping.look,
            ended=self.telemetry.job if self.telemetry is not None else None,
        )
        self.thumbnails = asyncio.Semaphore(MOST_WAITING)

    @property
    def needs_key(self) -> bool:
        """Whether requests need a key: off this machine always."""
        return self.settings.server.require_key or not is_loopback(self.settings.server.host)

    def prepare(self) -> None:
        """Bring the database up to date, and see that it may be served. Raises DatabaseFailed, ConfigurationError."""
        self.database.migrate()
        if self.needs_key and not self.keys.any():
            server = self.settings.server
            raise ConfigurationError(
                f"The service would listen on {server.host} and has no API key.",
                cure="Make one first: darkroom keys create NAME",
                field="server.host",
            )
        self.url_keys = url_keys(self.settings, self.database)

    def start(self) -> None:
        """Begin to carry jobs out. Raises DatabaseFailed, ConfigurationError, NetworkError."""
        if not hasattr(self, "url_keys"):
            self.prepare()
        if self.telemetry is not None:
            self.telemetry.start()
        self._begin()

    def submitted(self, rows: Sequence[JobRow]) -> None:
        """There are new jobs: have them carried out."""
        self.carrier.wake(rows)
        if self.telemetry is not None:
            self.telemetry.submitted(rows)

    def _begin(self) -> None:
        # Its secret may be one that the database keeps, so it is made where there is one.
        self.deliverer = Deliverer(self.settings, self.database)
        self.carrier.start()
        self.deliverer.start()

    def _end(self) -> None:
        self.housekeeping.stop()
        self.carrier.stop()
        self.deliverer.stop()
        self.bench.close()

    async def ordered(self, work: Work, owner: str | None) -> Order:
        """A request's work, made ready; see :func:`order_of`."""
        return await asyncio.to_thread(order_of, work, self.settings, self.pictures, owner)

    async def events(self, queue: asyncio.Queue[T | None], ping_seconds: float) -> AsyncGenerator[T | None]:
        """What comes in a queue until the service ends; None where nothing came for a while."""
        while True:
            try:
                item = await asyncio.wait_for(queue.get(), ping_seconds)
            except TimeoutError:
                yield None
                continue
            if item is None:
                return
            yield item

    def batch(self, row: BatchRow) -> schemas.Batch:
        """A batch as the API shows it. Asks the database."""
        counts, progress = self.jobs.counts(row.id)
        some = self.jobs.listed(batch_id=row.id, most=BATCH_SHOWN)
        here = self.pictures.among(job.image_id for job in some if job.image_id is not None)
        operations = some[0].operations if some else []
        return views.batch(row, counts, progress, operations, here, self.settings)

    def results_of(self, batch_id: str) -> list[Packed]:
        """The files that came of a batch, in the order of its jobs. Asks the database."""
        with self.database.session(reading=True) as session:
            found = session.execute(
                select(JobRow, VersionRow)
                .join(VersionRow, VersionRow.job_id == JobRow.id)
                .where(JobRow.batch_id == batch_id, JobRow.state == "completed")
                .order_by(JobRow.created, JobRow.id, VersionRow.name)
            ).all()
        packed: list[Packed] = []
        for job, version in found:
            format: Any = version.format
            stem = job.name.rpartition(".")[0] or job.name
            name = files.named(f"{stem}.{version.name}.x" if version.name else job.name, format)
            about = {"source": job.name, "image_id": job.image_id, "job_id": job.id, "sha256": version.digest}
            size = {"bytes": version.bytes, "width": version.width, "height": version.height, "format": format}
            packed.append(Packed(version.digest, name, version.created, {**about, **size}))
        return packed

    async def negotiated(self, version: VersionRow, order: Order, formats: Sequence[Format]) -> Order:
        """An order that writes the best of these formats; one without alpha only where the picture has none."""
        chosen = formats[0]
        if chosen == "jpeg" and version.format not in ("jpeg", "bmp", "ppm") and len(formats) > 1:
            chosen = formats[1]
        return replace(order, encoding=order.encoding.over(Encoding(format=chosen)))

    async def readiness(self) -> schemas.Readiness:
        """Everything that the service stands on, tried just now: at most once a second, whoever asks how often."""
        async with self._trying:
            tried, found = self._tried
            if found is None or time.monotonic() - tried > FRESH_SECONDS:
                found = await self._readiness()
                self._tried = time.monotonic(), found
            return found

    async def _readiness(self) -> schemas.Readiness:
        found = await tried(trials(self.database, self.storage, self.carrier.check, self.scanner))
        jobs: dict[str, int] = {}
        with contextlib.suppress(DarkroomError):
            jobs = await asyncio.to_thread(self.jobs.depth)
        needed = [name for name in found if name != "scanner" or self.settings.scanning.policy == "fail_closed"]
        return schemas.Readiness(ready=all(found[name].ok for name in needed), dependencies=found, jobs=jobs)

    async def change(self, settings: Settings) -> None:
        """Go on with other settings: work that runs is given back and begun again."""
        await asyncio.to_thread(self._change, settings)

    def _change(self, settings: Settings) -> None:
        with self._lock:
            self._end()
            self.downloads.close()
            self._wire(settings)
            self._begin()

    def hang_up(self) -> None:
        """Tell whoever listens to events that there is nothing more to come. Safe to call from a signal handler."""
        self.watcher.close()
        self.downloads.hang_up()

    async def stop(self) -> None:
        """End: jobs that run are given back, and wait for whoever comes next."""
        self.hang_up()
        self.downloads.close()
        await self.rates.close()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        with self._lock:
            self._end()
            self.database.close()
        if self.telemetry is not None:
            self.telemetry.close()
