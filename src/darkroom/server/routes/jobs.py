"""``/api/v1/jobs`` and ``/api/v1/batches``: how far work is, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from darkroom.database.schema import BatchRow, JobRow
from darkroom.errors import BatchNotFound, Conflict, JobNotFound
from darkroom.jobs.store import DONE, picture_deleted
from darkroom.server import files, schemas, views
from darkroom.server.archive import archive_of
from darkroom.server.dependencies import Reader, TheStudio, Writer, after_of, cursor_of, hide, owner_of, problems
from darkroom.server.keys import Principal
from darkroom.server.studio import Studio
from darkroom.storage.signing import disposition

router = APIRouter(tags=["jobs"])

PING_SECONDS = 15.0

JobId = Annotated[str, Path(pattern=schemas.ID, description="Of the job.")]
BatchId = Annotated[str, Path(pattern=schemas.ID, description="Of the batch.")]


@router.get("/jobs", responses=problems())
async def listed(
    studio: TheStudio,
    who: Reader,
    state: Annotated[list[schemas.State] | None, Query(max_length=7, description="Only those in one of these.")] = None,
    batch_id: Annotated[str | None, Query(pattern=schemas.ID, description="Only those of this batch.")] = None,
    image_id: Annotated[str | None, Query(pattern=schemas.ID, description="Only those on this picture.")] = None,
    after: Annotated[str | None, Query(max_length=300, description="What `next` of the page before says.")] = None,
    most: Annotated[int, Query(ge=1, le=500, description="Jobs of a page.")] = 50,
) -> schemas.Page[schemas.Job]:
    """Jobs, the newest first, without their reports."""
    rows = await asyncio.to_thread(
        studio.jobs.listed,
        owner=owner_of(who),
        states=state or (),
        batch_id=batch_id,
        image_id=image_id,
        after=after_of(after),
        most=most,
    )
    last = rows[-1] if len(rows) == most else None
    return schemas.Page(
        items=[views.job(row, studio.settings, whole=False) for row in rows],
        next=cursor_of(last.created, last.id) if last is not None else None,
    )


@router.get("/jobs/events", response_class=EventSourceResponse, responses=problems())
async def all_events(studio: TheStudio, who: Reader) -> AsyncIterator[ServerSentEvent]:
    """What becomes of all your jobs from now on, as server-sent events named `job`, each a Job."""
    async with studio.watcher.listen(lambda row: not hide(row, who)) as queue:
        async for row in studio.events(queue, PING_SECONDS):
            yield _event(studio, row)


@router.get("/jobs/{job_id}", responses=problems(404))
async def one(job_id: JobId, studio: TheStudio, who: Reader) -> schemas.Job:
    """A job: its state, how far it is, and its report once it is completed."""
    row = await _job(studio, job_id, who)
    result = await asyncio.to_thread(studio.pictures.made_by, row.id) if row.state == "completed" else None
    return views.job(row, studio.settings, result)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, responses=problems(404))
async def events(job_id: JobId, studio: TheStudio, who: Reader) -> AsyncIterator[ServerSentEvent]:
    """A job as it is now and whenever it changes, as server-sent events named `job`; ends with the job."""
    async with studio.watcher.listen(lambda row: row.id == job_id) as queue:
        now = await _job(studio, job_id, who)
        yield _event(studio, now)
        if now.state in DONE:
            return
        async for row in studio.events(queue, PING_SECONDS):
            yield _event(studio, row)
            if row is not None and row.state in DONE:
                return


@router.post("/jobs/{job_id}/cancel", responses=problems(404))
async def cancel(job_id: JobId, studio: TheStudio, who: Writer) -> schemas.Job:
    """Stop a job: at once where it waits, else at its next report of progress. One that has ended stays as it is."""
    await _job(studio, job_id, who)
    row = await asyncio.to_thread(studio.jobs.cancel, job_id)
    return views.job(row, studio.settings)


@router.post("/jobs/{job_id}/retry", responses=problems(404, 409))
async def retry(job_id: JobId, studio: TheStudio, who: Writer) -> schemas.Job:
    """Have a job done again that failed, was cancelled or quarantined."""
    row = await _job(studio, job_id, who)
    if row.state not in DONE or row.state == "completed":
        raise Conflict(f"The job is {row.state}.", cure="Only one that has failed or was stopped is.")
    row = await asyncio.to_thread(studio.jobs.requeue, job_id)
    studio.submitted([row])
    return views.job(row, studio.settings)


@router.get(
    "/jobs/{job_id}/result",
    responses={**files.documented(200, 206, 304, 307), **problems(404, 409, 416)},
    response_class=Response,
)
async def result(job_id: JobId, request: Request, studio: TheStudio, who: Reader) -> Response:
    """The file that came of a job."""
    row = await _job(studio, job_id, who)
    if row.state != "completed":
        raise Conflict(f"The job has no result: it is {row.state}.", cure="Wait until it is completed.")
    made = await asyncio.to_thread(studio.pictures.made_by, row.id)
    if made is None:
        raise picture_deleted(row)
    format: Any = made.format
    return await files.answer(
        request,
        studio.storage,
        digest=made.digest,
        size=made.bytes,
        format=format,
        name=files.named(row.name, format),
        settings=studio.settings,
    )


@router.get("/batches", responses=problems())
async def batches(
    studio: TheStudio,
    who: Reader,
    after: Annotated[str | None, Query(max_length=300, description="What `next` of the page before says.")] = None,
    most: Annotated[int, Query(ge=1, le=200, description="Batches of a page.")] = 50,
) -> schemas.Page[schemas.Batch]:
    """Batches, the newest first."""
    rows = await asyncio.to_thread(studio.jobs.batches, owner_of(who), after_of(after), most)
    last = rows[-1] if len(rows) == most else None
    return schemas.Page(
        items=[await asyncio.to_thread(studio.batch, row) for row in rows],
        next=cursor_of(last.created, last.id) if last is not None else None,
    )


@router.get("/batches/{batch_id}", responses=problems(404))
async def batch(batch_id: BatchId, studio: TheStudio, who: Reader) -> schemas.Batch:
    """A batch: how many of its jobs are in which state."""
    return await asyncio.to_thread(studio.batch, await _batch(studio, batch_id, who))


@router.get("/batches/{batch_id}/events", response_class=EventSourceResponse, responses=problems(404))
async def batch_events(batch_id: BatchId, studio: TheStudio, who: Reader) -> AsyncIterator[ServerSentEvent]:
    """Events named `job` for each job of a batch that changes, and `batch` after each; ends with the last job."""
    row = await _batch(studio, batch_id, who)
    async with studio.watcher.listen(lambda job: job.batch_id == batch_id) as queue:
        now = await asyncio.to_thread(studio.batch, row)
        yield ServerSentEvent(event="batch", data=now)
        if now.done:
            return
        async for job in studio.events(queue, PING_SECONDS):
            yield _event(studio, job)
            if job is not None and job.state in DONE:
                now = await asyncio.to_thread(studio.batch, row)
                yield ServerSentEvent(event="batch", data=now)
                if now.done:
                    return


@router.post("/batches/{batch_id}/cancel", responses=problems(404))
async def cancel_batch(batch_id: BatchId, studio: TheStudio, who: Writer) -> schemas.Batch:
    """Stop every job of a batch that has not ended."""
    row = await _batch(studio, batch_id, who)
    await asyncio.to_thread(studio.jobs.cancel_all, batch_id=batch_id)
    return await asyncio.to_thread(studio.batch, row)


@router.get(
    "/batches/{batch_id}/archive",
    responses={
        200: {
            "description": "A ZIP.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(404, 409),
    },
    response_class=Response,
)
async def archive(batch_id: BatchId, studio: TheStudio, who: Reader) -> Response:
    """All results of a batch in one ZIP, with a list of what each came of; made as it is sent."""
    await _batch(studio, batch_id, who)
    found = await asyncio.to_thread(studio.results_of, batch_id)
    if not found:
        raise Conflict(
            "No job of the batch has a result.", cure="Wait until one is completed, of a picture that is not deleted."
        )
    headers = {"Content-Disposition": disposition(f"darkroom-{batch_id[:8]}.zip")}
    return StreamingResponse(archive_of(studio.storage, found), media_type="application/zip", headers=headers)


async def _job(studio: Studio, job_id: str, who: Principal) -> JobRow:
    """A job that somebody may see. Raises JobNotFound."""
    row = await asyncio.to_thread(studio.jobs.get, job_id)
    if hide(row, who):
        raise JobNotFound(f"There is no job {job_id}.", cure="Jobs are forgotten after a while.")
    return row


async def _batch(studio: Studio, batch_id: str, who: Principal) -> BatchRow:
    row = await asyncio.to_thread(studio.jobs.get_batch, batch_id)
    owner = owner_of(who)
    if owner is not None and row.owner != owner:
        raise BatchNotFound(f"There is no batch {batch_id}.", cure="Batches are forgotten after a while.")
    return row


def _event(studio: Studio, row: JobRow | None) -> ServerSentEvent:
    if row is None:
        return ServerSentEvent(comment="still here")
    return ServerSentEvent(event="job", data=views.job(row, studio.settings, whole=row.state == "completed"))
