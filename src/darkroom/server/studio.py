"""The parts of the running service, wired together from settings: the only place that knows all of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, TypeVar

from darkroom import storage as storages
from darkroom.addresses import is_loopback
from darkroom.database.connection import Database
from darkroom.errors import ConfigurationError
from darkroom.intake import Intake
from darkroom.jobs.dispatcher import Dispatcher
from darkroom.jobs.store import JobStore
from darkroom.models.store import Store
from darkroom.safety.scanning import Scanner
from darkroom.server.downloads import Downloads
from darkroom.server.keys import KeyStore
from darkroom.server.making import Making
from darkroom.server.metrics import Metrics
from darkroom.server.pictures import Pictures
from darkroom.server.rates import Rates
from darkroom.server.results import Results
from darkroom.server.signing import url_keys
from darkroom.server.watcher import Watcher
from darkroom.server.work import Order, order_of
from darkroom.server.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from darkroom.server.schemas import Work
    from darkroom.settings import Settings

T = TypeVar("T")

log = logging.getLogger("darkroom.server")


class Studio:
    """What the routes work with. Made without touching anything; :meth:`start` brings it up."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings.database.url.get_secret_value())
        self.storage = storages.build(settings)
        self.jobs = JobStore(self.database)
        self.pictures = Pictures(self.database)
        self.keys = KeyStore(self.database)
        self.watcher = Watcher(self.database)
        self.results = Results(self.database, self.storage)
        self.metrics = Metrics(self)
        self._lock = threading.Lock()
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
        self.carrier = Dispatcher(
            settings, self.jobs, self.storage, light=settings.jobs.light, heavy=settings.jobs.heavy
        )

    @property
    def needs_key(self) -> bool:
        """Whether requests need a key: off this machine always."""
        return self.settings.server.require_key or not is_loopback(self.settings.server.host)

    def start(self) -> None:
        """Bring the database up to date and begin to carry jobs out. Raises DatabaseFailed, ConfigurationError."""
        self.database.migrate()
        if self.needs_key and not self.keys.any():
            server = self.settings.server
            raise ConfigurationError(
                f"The service would listen on {server.host} and has no API key.",
                cure="Make one first: darkroom keys create NAME",
                field="server.host",
            )
        self.url_keys = url_keys(self.settings, self.database)
        self.carrier.start()

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

    async def change(self, settings: Settings) -> None:
        """Go on with other settings: work that runs is given back and begun again."""
        await asyncio.to_thread(self._change, settings)

    def _change(self, settings: Settings) -> None:
        with self._lock:
            self.carrier.stop()
            self.downloads.close()
            self.bench.close()
            self._wire(settings)
            self.carrier.start()

    async def stop(self) -> None:
        """End: jobs that run are given back, and wait for whoever comes next."""
        self.watcher.close()
        self.downloads.close()
        await self.rates.close()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        with self._lock:
            self.carrier.stop()
            self.bench.close()
            self.database.close()
