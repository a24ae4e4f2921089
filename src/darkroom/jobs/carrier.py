"""Who carries jobs out: this process by itself, or machines that take them from a broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from darkroom.database.schema import JobRow
    from darkroom.intake import Intake
    from darkroom.jobs.budget import Budget
    from darkroom.jobs.carrying import Ended
    from darkroom.jobs.store import JobStore
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

CLEAN_UP_SECONDS = 3600.0
"""How often housekeeping is done."""

CleanUp = Callable[[], object]
"""One round of housekeeping: deletes what is old. Harmless where two do it at once."""


class Carrier(Protocol):
    """Sees that the jobs of a database are carried out. The table is the truth: whatever is lost here is found there.

    Every method is safe to call from any thread and returns without waiting for jobs, but for :meth:`stop`.
    """

    def start(self) -> None:
        """Begin. Raises NetworkError where the settings do not allow the connection that it needs."""
        ...

    def stop(self) -> None:
        """End: jobs that run here are given back, and wait for whoever comes next. Harmless before :meth:`start`."""
        ...

    def wake(self, rows: Sequence[JobRow] = ()) -> None:
        """There are jobs to do: these, or where none is named some that this process does not know."""
        ...

    def check(self) -> str:
        """Try what it needs, and say who carries jobs out. Raises ServiceError, NetworkError."""
        ...


def carrier(
    settings: Settings,
    store: JobStore,
    storage: Storage,
    *,
    intake: Intake | None = None,
    clean_up: CleanUp | None = None,
    ended: Ended | None = None,
    budget: Budget | None = None,
) -> Carrier:
    """The carrier that the settings ask for: Celery where ``jobs.broker_url`` is set, else this process.

    Args:
        settings: ``jobs`` says who, and how many at once.
        store: of the jobs.
        storage: of their files.
        intake: by which pictures come in that are named by an address; without it those jobs wait for another process.
        clean_up: housekeeping, which is done now and then. With a broker its workers do it, not this process.
        ended: is told of jobs that were worked on in this process.
        budget: memory that they share with what else the process does; by default one of their own.

    Raises:
        ExtraMissing: Celery is not installed.
    """
    wanted = settings.jobs
    if wanted.broker_url.get_secret_value():
        from darkroom.jobs.celery import CeleryCarrier

        return CeleryCarrier(settings, store, cleans=clean_up is not None)
    from darkroom.jobs.dispatcher import Dispatcher

    return Dispatcher(
        settings,
        store,
        storage,
        light=wanted.light,
        heavy=wanted.heavy,
        intake=intake,
        clean_up=clean_up,
        ended=ended,
        budget=budget,
    )
