"""``/api/v1/settings`` and ``/egress``: what the owner of the machine wants to see and change."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from darkroom.egress import PURPOSES, Purpose
from darkroom.errors import InvalidParameters
from darkroom.ledger import Entry, Ledger
from darkroom.server import schemas, settings_view
from darkroom.server.dependencies import BODY, Owner, Reader, TheStudio, problems
from darkroom.settings import Settings

router = APIRouter(tags=["owner"])


@router.get("/settings", responses=problems())
async def settings(studio: TheStudio, who: Reader) -> schemas.SettingsView:
    """The settings that may be changed here, with what is allowed, and why one is locked where it is."""
    return _shown(studio.settings)


@router.patch("/settings", responses=problems(409, 500, *BODY))
async def change(body: schemas.SettingsChange, studio: TheStudio, who: Owner) -> schemas.SettingsView:
    """Change settings, from now on and after a restart: all or none. Jobs that run are begun again with them.

    They say what may leave this machine, whoever's it is: a key needs the scope admin.
    """
    await studio.change(body.changes)
    return _shown(studio.settings)


@router.get("/egress", responses=problems())
async def egress(
    studio: TheStudio,
    who: Owner,
    since: Annotated[datetime | None, Query(description="Only from then on.")] = None,
    purpose: Annotated[Purpose | None, Query(description="Only for this purpose.")] = None,
    most: Annotated[int, Query(ge=1, le=1000, description="Connections that are listed.")] = 100,
) -> schemas.EgressSummary:
    """Every connection that was made from this machine: when, to whom, why, and how many bytes.

    Whoever's work it was for: a key needs the scope admin.
    """
    if since is not None:
        try:
            if since.tzinfo is None:
                raise ValueError
            # A time in year 1 or 9999 may have none elsewhere.
            since = since.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidParameters(
                "since has no time zone, or is none.", cure="Write 2026-11-20T12:00:00Z.", field="since"
            ) from error
    return await asyncio.to_thread(_summary, studio.settings, since, purpose, most)


def _summary(settings: Settings, since: datetime | None, purpose: str | None, most: int) -> schemas.EgressSummary:
    newest: deque[Entry] = deque(maxlen=most)
    made: Counter[str] = Counter()
    sent = received = 0
    for entry in Ledger(settings.egress.ledger).entries(since=since, purpose=purpose):
        newest.appendleft(entry)
        made[entry.purpose] += entry.outcome != "refused"
        sent += entry.sent
        received += entry.received
    return schemas.EgressSummary(
        connections=sum(made.values()),
        sent=sent,
        received=received,
        by_purpose=dict(made),
        offline=settings.offline,
        allowed={purpose: _allowed(settings, purpose) for purpose in PURPOSES},
        entries=[
            schemas.Connection(**{name: value for name, value in asdict(entry).items() if name != "address"})
            for entry in newest
        ],
    )


def _allowed(settings: Settings, purpose: Purpose) -> bool:
    """Whether connections for a purpose may be made now; to a cloud only with the owner's consent."""
    if settings.offline or not settings.egress.allows(purpose):
        return False
    return purpose != "cloud" or settings.providers.consent


def _shown(settings: Settings) -> schemas.SettingsView:
    return schemas.SettingsView(
        settings={
            path: schemas.SettingInfo(
                value=shown.value,
                default=shown.default,
                description=shown.description,
                json_schema=shown.schema,
                locked=shown.lock.reason if shown.lock is not None else None,
                lock=shown.lock.kind if shown.lock is not None else None,
            )
            for path, shown in settings_view.read(settings).items()
        }
    )
