"""Rows of the database as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from darkroom.jobs.store import DONE
from darkroom.report import Report
from darkroom.safety.validation import MEDIA_TYPES
from darkroom.server import schemas

if TYPE_CHECKING:
    from darkroom.database.schema import BatchRow, JobRow, VersionRow
    from darkroom.server.pictures import Known
    from darkroom.settings import Settings

API = "/api/v1"


def link(settings: Settings, path: str) -> str:
    """A path of the service as others reach it; where nobody says how, the path alone, which is right for who asked."""
    return settings.server.public_url.rstrip("/") + path


def version(row: VersionRow, settings: Settings) -> schemas.Version:
    """One version of a picture."""
    where = f"{API}/images/{row.image_id}/download?version={row.number}" + (f"&name={row.name}" if row.name else "")
    format: Any = row.format
    return schemas.Version(
        number=row.number,
        name=row.name,
        digest=row.digest,
        bytes=row.bytes,
        format=format,
        media_type=MEDIA_TYPES[format][0],
        width=row.width,
        height=row.height,
        frames=row.frames,
        created=row.created,
        job_id=row.job_id,
        links={"download": link(settings, where)},
    )


def picture(known: Known, settings: Settings, warnings: list[str] | None = None) -> schemas.Picture:
    """A picture, by its newest version."""
    here = f"{API}/images/{known.row.id}"
    return schemas.Picture(
        id=known.row.id,
        name=known.row.name,
        created=known.row.created,
        store_id=known.row.store_id,
        product_id=known.row.product_id,
        versions=known.versions,
        newest=version(known.newest, settings) if known.newest is not None else None,
        links={
            name: link(settings, here + rest)
            for name, rest in (
                ("self", ""),
                ("info", "/info"),
                ("download", "/download"),
                ("thumbnail", "/thumbnail"),
                ("process", "/process"),
            )
        },
        warnings=warnings or [],
    )


def job(row: JobRow, settings: Settings, result: VersionRow | None = None, *, whole: bool = True) -> schemas.Job:
    """A job; ``whole`` has its report too."""
    here = f"{API}/jobs/{row.id}"
    links = {
        "self": link(settings, here),
        "events": link(settings, f"{here}/events"),
        "cancel": link(settings, f"{here}/cancel"),
        "retry": link(settings, f"{here}/retry"),
    }
    if row.state == "completed":
        links["result"] = link(settings, f"{here}/result")
    if row.image_id is not None:
        links["image"] = link(settings, f"{API}/images/{row.image_id}")
    state: Any = row.state
    lane: Any = row.lane
    return schemas.Job(
        id=row.id,
        state=state,
        lane=lane,
        priority=row.priority,
        image_id=row.image_id,
        batch_id=row.batch_id,
        name=row.name,
        operations=row.operations,
        progress=row.progress,
        doing=row.doing,
        attempts=row.attempts,
        created=row.created,
        started=row.started,
        finished=row.finished,
        error=schemas.Fault(**row.error) if row.error is not None else None,
        report=Report.model_validate(row.report) if whole and row.report is not None else None,
        result=version(result, settings) if result is not None else None,
        webhook_url=row.webhook_url,
        links=links,
    )


def batch(
    row: BatchRow,
    counts: Mapping[str, int],
    progress: float,
    operations: list[dict[str, Any]],
    image_ids: list[str],
    settings: Settings,
) -> schemas.Batch:
    """A batch, by how many of its jobs are in which state; ``progress`` is the mean of its jobs'."""
    here = f"{API}/batches/{row.id}"
    links = {name: link(settings, f"{here}/{name}") for name in ("events", "cancel", "archive")}
    return schemas.Batch(
        id=row.id,
        created=row.created,
        done=sum(counts.get(state, 0) for state in DONE) == sum(counts.values()),
        total=sum(counts.values()),
        counts=dict(counts),
        progress=progress,
        operations=operations,
        image_ids=image_ids,
        webhook_url=row.webhook_url,
        links={"self": link(settings, here), "jobs": link(settings, f"{API}/jobs?batch_id={row.id}"), **links},
    )
