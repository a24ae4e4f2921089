"""The parts of the running service, wired together from settings: the only place that knows all of them.

What carries jobs out is wired by :mod:`darkroom.jobs.wiring`, for workers as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from darkroom.addresses import is_loopback
from darkroom.database.connection import Database
from darkroom.database.schema import BatchRow, ImageRow, JobRow, VersionRow
from darkroom.errors import ConfigurationError, DarkroomError
from darkroom.jobs.claims import build_claimed
from darkroom.jobs.deliveries import DeliveryStore
from darkroom.jobs.results import Results
from darkroom.jobs.store import JobStore
from darkroom.server import files, schemas, settings_view, views
from darkroom.server.archive import Packed
from darkroom.server.downloads import Downloads
from darkroom.server.keys import KeyStore
from darkroom.server.metrics import Metrics
from darkroom.server.parts import Parts, refuse_offline
from darkroom.server.pictures import Pictures
from darkroom.server.rates import Rates
from darkroom.server.signing import url_keys
from darkroom.server.telemetry import Telemetry
from darkroom.server.trials import trials, tried
from darkroom.server.watcher import Watcher
from darkroom.server.work import Order, order_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from darkroom.jobs.webhooks import Deliverer
    from darkroom.server.schemas import Work
    from darkroom.settings import Settings

T = TypeVar("T")

log = logging.getLogger("darkroom.server")

FRESH_SECONDS = 1.0
BATCH_SHOWN = 4
"""Jobs of a batch that stand for it in lists."""


class Studio:
    """What the routes work with. Made without touching anything; :meth:`start` brings it up.

    Raises what :class:`Parts` and :meth:`Database.from_settings` raise.
    """

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
        self._changing = asyncio.Lock()
        self._trying = asyncio.Lock()
        self._tried: tuple[float, schemas.Readiness | None] = (0.0, None)
        self._started = False
        self._use(self._parts_for(settings))
        self.downloads = Downloads(self.models)
        self.rates = Rates(settings)

    def _parts_for(self, settings: Settings) -> Parts:
        refuse_offline(settings, self.database, self.telemetry)
        return Parts(
            settings,
            database=self.database,
            storage=self.storage,
            results=self.results,
            ended=self.telemetry.job if self.telemetry is not None else None,
        )

    def _use(self, parts: Parts) -> None:
        """Have requests that come from now on go by these parts."""
        self._parts = parts
        self.settings = parts.settings
        self.scanner, self.intake, self.models = parts.scanner, parts.intake, parts.models
        self.bench, self.making, self.carrier = parts.bench, parts.making, parts.carrier

    @property
    def deliverer(self) -> Deliverer:
        """Sends messages to webhooks; there once the service is prepared."""
        return self._parts.deliverer

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
        self._parts.prepare()
        self.url_keys = url_keys(self.settings, self.database)

    def start(self) -> None:
        """Begin to carry jobs out; nothing where it has begun.

        Raises DatabaseFailed, ConfigurationError, NetworkError.
        """
        if self._started:
            return
        if not hasattr(self, "url_keys"):
            self.prepare()
        if self.telemetry is not None:
            self.telemetry.start()
        self._parts.begin()
        self._started = True

    def submitted(self, rows: Sequence[JobRow]) -> None:
        """There are new jobs: have them carried out."""
        self.carrier.wake(rows)
        if self.telemetry is not None:
            self.telemetry.submitted(rows)

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
                .join(ImageRow, ImageRow.id == VersionRow.image_id)
                .where(JobRow.batch_id == batch_id, JobRow.state == "completed", ImageRow.deleted.is_(None))
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

    async def readiness(self) -> schemas.Readiness:
        """Everything that the service stands on, tried just now: at most once a second, whoever asks how often."""
        async with self._trying:
            tried, found = self._tried
            if found is None or time.monotonic() - tried > FRESH_SECONDS:
                found = await self._readiness()
                self._tried = time.monotonic(), found
            return found

    async def _readiness(self) -> schemas.Readiness:
        wanted = trials(self.database, self.storage, self.carrier.check, self.scanner)
        found = await tried(wanted, whole=not self.needs_key)
        jobs: dict[str, int] = {}
        with contextlib.suppress(DarkroomError):
            jobs = await asyncio.to_thread(self.jobs.depth)
        needed = [name for name in found if name != "scanner" or self.settings.scanning.policy == "fail_closed"]
        return schemas.Readiness(ready=all(found[name].ok for name in needed), dependencies=found, jobs=jobs)

    async def change(self, changes: Mapping[str, Any]) -> None:
        """Go on with other settings, from now on and after a restart: new values by dotted path, None takes one back.

        Jobs that run are given back and begun again, downloads of models go on. What somebody waits for is finished
        with the settings that it was begun with; but where another word is said on what may leave this machine it is
        stopped, which raises Restarting there, and after one on ``offline`` downloads are stopped too.

        Raises:
            InvalidParameters: see :func:`darkroom.server.settings_view.changing`.
            SettingsConflict: the service cannot do its work with them.
            DarkroomError: they cannot be kept, or do not allow what the service needs. All goes on as before then.
        """
        # Whoever asked may leave; what is half changed is not left so.
        await asyncio.shield(asyncio.create_task(self._change(changes)))

    async def _change(self, changes: Mapping[str, Any]) -> None:
        async with self._changing:
            before, parts = self._parts, await asyncio.to_thread(self._kept, changes)
            await asyncio.to_thread(parts.begin)
            self._use(parts)
            if before.settings.offline != parts.settings.offline:
                self.downloads.close()
                self.downloads = Downloads(parts.models)
            if _leaving(before.settings) == _leaving(parts.settings):
                before.bench.retire()
            else:
                await asyncio.to_thread(before.bench.close)
            await asyncio.to_thread(before.end)

    def _kept(self, changes: Mapping[str, Any]) -> Parts:
        """The parts for changed settings, once those have been written down."""
        with settings_view.changing(changes) as stored:
            # What the command line said when the service was started stays, but for what is changed now.
            parts = self._parts_for(
                self.settings.with_changes({path: settings_view.value_at(stored, path) for path in changes})
            )
            parts.prepare()
        return parts

    def hang_up(self) -> None:
        """Tell whoever listens to events that there is nothing more to come. Safe to call from a signal handler."""
        self.watcher.close()
        self.downloads.hang_up()

    async def stop(self) -> None:
        """End: jobs that run are given back, and wait for whoever comes next."""
        self.hang_up()
        async with self._changing:
            self.downloads.close()
            await self.rates.close()
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self.bench.close()
        self._parts.end()
        self.database.close()
        if self.telemetry is not None:
            self.telemetry.close()


def _leaving(settings: Settings) -> tuple[object, ...]:
    """What of the settings says whether pictures may leave this machine."""
    return settings.offline, settings.providers
