"""``darkroom worker``: carries out jobs that the service has accepted, on this machine or any other."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.options import LogJson
from darkroom.errors import InvalidParameters

if TYPE_CHECKING:
    from darkroom.jobs.store import Lane

app = typer.Typer()


@app.command()
def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Only jobs of this queue: light or heavy. May be given twice.", metavar="light|heavy"),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Jobs at once of each queue, in place of jobs.light and jobs.heavy."),
    ] = None,
    log_json: LogJson = False,
) -> None:
    """Carry out jobs of the service until Ctrl-C or SIGTERM; those that run then are given back.

    Jobs come from the broker that jobs.broker_url names, or where there is none from the database itself.
    """
    from darkroom.database.connection import Database
    from darkroom.jobs.claims import build_claimed
    from darkroom.jobs.store import LANES
    from darkroom.jobs.wiring import build_workshop
    from darkroom.server import logs
    from darkroom.server.telemetry import Telemetry
    from darkroom.settings import load_settings

    for name in queue or ():
        if name not in LANES:
            raise InvalidParameters(f"There is no queue {name!r}.", cure=f"Known: {', '.join(LANES)}.", field="queue")
    logs.configure(json=True if log_json else None)
    lanes: list[Lane] = [lane for lane in LANES if not queue or lane in queue]
    settings = load_settings()
    telemetry = Telemetry.from_settings(settings)
    database = Database.from_settings(settings)
    database.migrate()
    workshop = build_workshop(
        settings,
        database,
        build_claimed(settings, database),
        lanes=lanes,
        concurrency=concurrency,
        ended=telemetry.job if telemetry is not None else None,
    )
    if telemetry is not None:
        telemetry.start()
    try:
        workshop.carrier.start()
        logging.getLogger("darkroom.jobs").info("ready for %s jobs", " and ".join(lanes))
        threading.Event().wait()
    except KeyboardInterrupt:
        # To be told to stop is how it ends.
        pass
    finally:
        workshop.carrier.stop()
        if telemetry is not None:
            telemetry.close()
