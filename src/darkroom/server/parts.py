"""Those parts of the service that are made anew when its owner changes a setting while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darkroom import storage as storages
from darkroom.errors import SettingsConflict
from darkroom.intake import Intake
from darkroom.jobs import celery
from darkroom.jobs.carrier import carrier
from darkroom.jobs.housekeeping import Housekeeping
from darkroom.jobs.webhooks import Deliverer
from darkroom.models.store import Store
from darkroom.safety.scanning import Scanner
from darkroom.server.making import Making
from darkroom.server.workbench import Workbench

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.jobs.carrying import Ended
    from darkroom.jobs.results import Results
    from darkroom.jobs.store import JobStore
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
        jobs: JobStore,
        results: Results,
        ended: Ended | None,
    ) -> None:
        self.settings = settings
        self._database = database
        self._deliverer: Deliverer | None = None
        self.scanner = Scanner.from_settings(settings)
        self.intake = Intake(settings, storage, self.scanner)
        self.models = Store.from_settings(settings)
        self.bench = Workbench(settings)
        self.making = Making(settings, storage, results, self.bench, self.models)
        # A storage of its own: it is used on another thread's event loop, for long.
        self._housekeeping = Housekeeping(settings, database, storages.build(settings))
        self.carrier = carrier(
            settings, jobs, storage, intake=self.intake, clean_up=self._housekeeping.look, ended=ended
        )

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
