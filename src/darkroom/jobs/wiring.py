"""Wires what carries jobs out, from settings: the same for the service and for ``darkroom worker``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom import storage as storages
from darkroom.intake import Intake
from darkroom.jobs.budget import Budget
from darkroom.jobs.housekeeping import Housekeeping
from darkroom.jobs.store import JobStore
from darkroom.safety.scanning import Scanner

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.jobs.carrier import Carrier
    from darkroom.jobs.carrying import Ended
    from darkroom.jobs.store import Lane
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Workshop:
    """Who carries jobs out in a program, and the parts by which it is done; ``scanner`` is None where none is set.

    ``budget`` is the memory of the whole program: what else it does takes of the same.
    """

    carrier: Carrier
    intake: Intake
    scanner: Scanner | None
    housekeeping: Housekeeping
    budget: Budget


def build_workshop(
    settings: Settings,
    database: Database,
    storage: Storage,
    *,
    lanes: Sequence[Lane] | None = None,
    concurrency: int | None = None,
    ended: Ended | None = None,
) -> Workshop:
    """Wire everything for these settings. Starts nothing.

    Args:
        settings: ``jobs`` says how many at once, and by way of which broker.
        database: of the jobs.
        storage: of their files, in which each is claimed.
        lanes: what a program carries out that is there for nothing else, at least one job at once of each. None is the
            service: it carries out what ``jobs.light`` and ``jobs.heavy`` say, and with a broker nothing itself.
        concurrency: jobs at once of each of these ``lanes``, in place of those settings.
        ended: is told of jobs that were worked on in this program.

    Raises:
        ExtraMissing: there is a broker, and Celery is not installed.
        ConfigurationError: the address is none of a broker's.
    """
    store, scanner, budget = JobStore(database), Scanner.from_settings(settings), Budget.from_settings(settings)
    intake = Intake(settings, storage, scanner)
    # A storage of its own: it is used on another thread's event loop, for long.
    housekeeping = Housekeeping(settings, database, storages.build(settings))
    counts: dict[Lane, int] = {"light": settings.jobs.light, "heavy": settings.jobs.heavy}
    if lanes is not None:
        counts = {lane: (concurrency or max(1, count)) if lane in lanes else 0 for lane, count in counts.items()}
    broker = bool(settings.jobs.broker_url.get_secret_value())
    carrier: Carrier
    if broker and lanes is None:
        from darkroom.jobs.celery import CeleryCarrier

        carrier = CeleryCarrier(settings, store, cleans=True)
    else:
        if broker:
            from darkroom.jobs.celery import CeleryWorker as Working
        else:
            from darkroom.jobs.dispatcher import Dispatcher as Working
        carrier = Working(
            settings,
            store,
            storage,
            light=counts["light"],
            heavy=counts["heavy"],
            # Who does no light work fetches no pictures either: with a broker they come by way of that queue.
            intake=intake if lanes is None or "light" in lanes else None,
            clean_up=housekeeping.look,
            ended=ended,
            budget=budget,
        )
    return Workshop(carrier, intake, scanner, housekeeping, budget)
