"""Those parts of the service that are made anew when its owner changes a setting while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darkroom.errors import SettingsConflict
from darkroom.jobs import celery
from darkroom.jobs.webhooks import Deliverer
from darkroom.jobs.wiring import build_workshop
from darkroom.models.store import Store
from darkroom.server.making import Making
from darkroom.server.workbench import Workbench

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.jobs.carrying import Ended
    from darkroom.jobs.results import Results
    from darkroom.server.telemetry import Telemetry
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage


class Parts:
    """What depends on settings that may change; the other arguments stay as they are while the service runs.

    Nothing is started, but all that the settings do not allow is refused here. Raises ConfigurationError, ExtraMissing,
    NetworkError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        storage: Storage,
        results: Results,
        ended: Ended | None,
    ) -> None:
        self.settings = settings
        self._database = database
        self._deliverer: Deliverer | None = None
        workshop = build_workshop(settings, database, storage, ended=ended)
        self.scanner, self.intake, self.carrier = workshop.scanner, workshop.intake, workshop.carrier
        self._housekeeping = workshop.housekeeping
        self.models = Store.from_settings(settings)
        self.bench = Workbench(settings, workshop.budget)
        self.making = Making(settings, storage, results, self.bench, self.models)

    @property
    def deliverer(self) -> Deliverer:
        """Sends messages to webhooks; there once :meth:`prepare` has been called."""
        assert self._deliverer is not None
        return self._deliverer

    def prepare(self) -> None:
        """What needs a database with tables. Raises ConfigurationError, DatabaseFailed."""
        self._deliverer = Deliverer(self.settings, self._database)

    def begin(self) -> None:
        """Begin to carry jobs out, and to send messages."""
        self.carrier.start()
        self.deliverer.start()

    def end(self) -> None:
        """Give back the jobs that run, and send no more. The workbench is left: somebody may wait for what it does."""
        self._housekeeping.stop()
        self.carrier.stop()
        self.deliverer.stop()


def refuse_offline(settings: Settings, database: Database, telemetry: Telemetry | None) -> None:
    """Raises SettingsConflict where the service is to be offline and stands on something that is not on this machine.

    Connections of the database, the storage and the collector of traces are as old as the service: they would go on.
    """
    if not settings.offline:
        return
    far = {
        "database.url": database.is_remote,
        "jobs.broker_url": celery.is_remote(settings),
        "storage.kind": settings.storage.kind != "local",
        "server.telemetry": telemetry is not None and telemetry.is_remote,
    }
    found = [path for path, is_far in far.items() if is_far]
    if found:
        raise SettingsConflict(
            f"The service cannot be offline: it stands on what {' and '.join(found)} says, which is not this machine.",
            cure="Leave offline off, or set that to something on this machine and start the service again.",
            field="offline",
        )
