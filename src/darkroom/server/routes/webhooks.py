"""``/api/v1/webhooks``: the messages that were sent, or could not be, and sending one again."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query

from darkroom.database.schema import DeliveryRow
from darkroom.errors import DeliveryNotFound
from darkroom.jobs.webhooks import webhook_secrets
from darkroom.server import schemas
from darkroom.server.dependencies import Owner, Reader, TheStudio, Writer, after_of, cursor_of, owner_of, problems
from darkroom.server.keys import Principal
from darkroom.server.studio import Studio

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

DeliveryId = Annotated[str, Path(pattern=schemas.ID, description="Of the message.")]


@router.get("/secrets", responses=problems())
async def secrets(studio: TheStudio, who: Owner) -> schemas.WebhookSecrets:
    """What receivers verify signatures with: the settings' secrets, else the one that the service made for itself."""
    return schemas.WebhookSecrets(
        secrets=await asyncio.to_thread(webhook_secrets, studio.settings, studio.database),
        made_here=not studio.settings.webhooks.secrets,
    )


@router.get("/deliveries", responses=problems())
async def listed(
    studio: TheStudio,
    who: Reader,
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query()] = None,
    job_id: Annotated[str | None, Query(pattern=schemas.ID, description="Only about this job.")] = None,
    batch_id: Annotated[str | None, Query(pattern=schemas.ID, description="Only about this batch.")] = None,
    after: Annotated[str | None, Query(max_length=300, description="What `next` of the page before says.")] = None,
    most: Annotated[int, Query(ge=1, le=500, description="Messages of a page.")] = 50,
) -> schemas.Page[schemas.Delivery]:
    """Messages to webhooks, the newest first."""
    rows = await asyncio.to_thread(
        studio.deliveries.listed,
        owner=owner_of(who),
        state=state,
        job_id=job_id,
        batch_id=batch_id,
        after=after_of(after),
        most=most,
    )
    last = rows[-1] if len(rows) == most else None
    return schemas.Page(
        items=[_shown(row) for row in rows], next=cursor_of(last.created, last.id) if last is not None else None
    )


@router.get("/deliveries/{delivery_id}", responses=problems(404))
async def one(delivery_id: DeliveryId, studio: TheStudio, who: Reader) -> schemas.Delivery:
    """A message: what it says, and how often it was sent."""
    return _shown(await _delivery(studio, delivery_id, who))


@router.post("/deliveries/{delivery_id}/replay", status_code=202, responses=problems(404))
async def replay(delivery_id: DeliveryId, studio: TheStudio, who: Writer) -> schemas.Delivery:
    """Send a message once more, under the same identifier; one that is still pending is sent anyway."""
    await _delivery(studio, delivery_id, who)
    row = await asyncio.to_thread(studio.deliveries.replay, delivery_id)
    studio.deliverer.wake()
    return _shown(row)


async def _delivery(studio: Studio, delivery_id: str, who: Principal) -> DeliveryRow:
    row = await asyncio.to_thread(studio.deliveries.get, delivery_id)
    owner = owner_of(who)
    if owner is not None and row.owner != owner:
        raise DeliveryNotFound(f"There is no message {delivery_id}.", cure="Messages are forgotten after a while.")
    return row


def _shown(row: DeliveryRow) -> schemas.Delivery:
    state: Any = row.state
    return schemas.Delivery(
        id=row.id,
        event=row.event,
        url=row.url,
        job_id=row.job_id,
        batch_id=row.batch_id,
        state=state,
        attempts=row.attempts,
        status=row.status,
        error=row.error,
        created=row.created,
        not_before=row.not_before,
        finished=row.finished,
        body=json.loads(row.body),
    )
