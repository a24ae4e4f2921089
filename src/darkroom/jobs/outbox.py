"""Messages to webhooks, written in the transaction that ends a job: neither is there without the other.

A message tells what became of a job or of a whole batch. It has no picture in it and no report; who wants these asks
the service for them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from darkroom.database.schema import BatchRow, DeliveryRow, JobRow, now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_NAMED = 250
"""Jobs that a batch's message names; it is to stay small, about 20 kB."""


def announce(session: Session, row: JobRow) -> None:
    """Write what is to be said of a job that has just ended: its own message, and its batch's where it was the last.

    ``row`` is finished and changed no more in this transaction. A job that is done again ends again, and so does its
    batch: that is said again, in messages of their own.
    """
    if row.webhook_url is not None:
        session.add(_message(f"job.{row.state}", row.webhook_url, row.owner, _job(row), row.finished, job_id=row.id))
    if row.batch_id is None:
        return
    session.flush()
    # Two jobs may end at the same moment, each still seeing the other unfinished: one waits here for the other's end.
    batch = session.scalar(
        select(BatchRow).where(BatchRow.id == row.batch_id, BatchRow.webhook_url.is_not(None)).with_for_update()
    )
    if batch is None or batch.webhook_url is None:
        return
    left = select(JobRow.id).where(JobRow.batch_id == batch.id, JobRow.finished.is_(None)).limit(1)
    if session.scalar(left) is None:
        session.add(
            _message(
                "batch.completed",
                batch.webhook_url,
                batch.owner,
                _batch(session, batch),
                row.finished,
                batch_id=batch.id,
            )
        )


def _message(
    event: str,
    url: str,
    owner: str,
    data: dict[str, Any],
    moment: datetime | None,
    *,
    job_id: str | None = None,
    batch_id: str | None = None,
) -> DeliveryRow:
    content = {"type": event, "timestamp": _written(moment or now()), "data": data}
    return DeliveryRow(
        owner=owner,
        event=event,
        url=url,
        host=host_of(url),
        body=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        job_id=job_id,
        batch_id=batch_id,
    )


def _job(row: JobRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "image_id": row.image_id,
        "batch_id": row.batch_id,
        "name": row.name,
        "created": _written(row.created),
        "started": _written(row.started),
        "finished": _written(row.finished),
        "attempts": row.attempts,
        "error": {name: row.error.get(name) for name in ("code", "message", "cure")} if row.error else None,
        "result": row.result,
    }


def _batch(session: Session, batch: BatchRow) -> dict[str, Any]:
    of_batch = JobRow.batch_id == batch.id
    counts = session.execute(select(JobRow.state, func.count()).where(of_batch).group_by(JobRow.state)).all()
    named = session.execute(
        select(JobRow.id, JobRow.state).where(of_batch).order_by(JobRow.created, JobRow.id).limit(MOST_NAMED)
    ).all()
    total = sum(count for _, count in counts)
    return {
        "id": batch.id,
        "created": _written(batch.created),
        "counts": dict(sorted((state, count) for state, count in counts)),
        "jobs": [{"id": job_id, "state": state} for job_id, state in named],
        "jobs_left_out": total - len(named),
    }


def host_of(url: str) -> str:
    """The host of an address, empty where it has none that can be read."""
    try:
        return (urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
