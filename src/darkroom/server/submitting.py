"""Requests for work become jobs: each is accepted whole, with the pictures that it is going to fetch, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from darkroom.database.schema import BatchRow, JobRow
from darkroom.jobs.dispatcher import lane_of
from darkroom.jobs.idempotency import fingerprint
from darkroom.jobs.store import NewJob, NewPicture
from darkroom.safety.validation import safe_name
from darkroom.server import schemas
from darkroom.server.dependencies import owner_of

if TYPE_CHECKING:
    from darkroom.server.keys import Principal
    from darkroom.server.studio import Studio
    from darkroom.server.work import Order


async def submit(studio: Studio, who: Principal, source: schemas.Source, work: schemas.Work, key: str | None) -> JobRow:
    """A job for a picture; the one that there is already for the same request with the same key.

    Raises Conflict where the key was used with another request, and what :meth:`Studio.ordered` raises.
    """
    # What was asked for, not what it means by now: a picture may have a newer version when the client asks again.
    said = fingerprint(
        {
            **source.model_dump(mode="json", include=set(schemas.Source.model_fields)),
            **work.model_dump(mode="json", include=set(schemas.Work.model_fields)),
        }
    )
    row = await asyncio.to_thread(studio.jobs.known, JobRow, who.id, key, said)
    if row is None:
        order = await studio.ordered(work, owner_of(who))
        new = await _new_job(studio, who, source, work, order, key, said)
        row, fresh = await asyncio.to_thread(studio.jobs.submit, new)
        if fresh:
            studio.submitted([row])
    return row


async def submit_batch(studio: Studio, who: Principal, body: schemas.BatchRequest, key: str | None) -> BatchRow:
    """A job for each of several pictures: all are accepted, or none. As :func:`submit`."""
    said = fingerprint(body.model_dump(mode="json"))
    row = await asyncio.to_thread(studio.jobs.known, BatchRow, who.id, key, said)
    if row is None:
        order = await studio.ordered(body.work, owner_of(who))
        jobs = [await _new_job(studio, who, source, body.work, order) for source in body.images]
        webhook = str(body.webhook_url) if body.webhook_url is not None else None
        row, rows = await asyncio.to_thread(studio.jobs.batch, who.id, webhook, jobs, key, said)
        if rows:
            studio.submitted(rows)
    return row


async def _new_job(
    studio: Studio,
    who: Principal,
    source: schemas.Source,
    work: schemas.Work,
    order: Order,
    key: str | None = None,
    said: str | None = None,
) -> NewJob:
    """A job for a picture; one at an address gets its place among the stored ones with it."""
    if source.url is not None:
        name = safe_name(unquote(source.url.path or "").rpartition("/")[2] or "picture")
        image_id, digest, url = None, "", str(source.url)
        picture = NewPicture(source.store_id, source.product_id)
    else:
        assert source.image_id is not None
        version = await asyncio.to_thread(studio.pictures.version, source.image_id, owner_of(who), source.version)
        known = await asyncio.to_thread(studio.pictures.get, source.image_id, owner_of(who))
        image_id, digest, url, name, picture = source.image_id, version.digest, None, known.row.name, None
    return NewJob(
        source=digest,
        source_url=url,
        picture=picture,
        operations=order.pipeline.to_json(),
        name=name,
        encoding=order.encoding_as_json(),
        pictures=order.pictures,
        lane=lane_of(order.pipeline),
        priority=work.priority,
        owner=who.id,
        image_id=image_id,
        webhook_url=str(work.webhook_url) if work.webhook_url is not None else None,
        idempotency_key=key,
        fingerprint=said,
    )
