"""What came of operations on pictures, kept so that the same request is a lookup.

A result's key is made of everything that decides what it looks like. What may come out otherwise the next time is not
kept: what a service in the cloud made, what was made in another way than was wanted because memory ran out or somebody
did not answer, what was chosen by the time that was left, and what operations of other packages made, of which nobody
knows whether they draw lots. The operations of Darkroom draw none: ``generate_background`` takes its chance from its
``seed``. Machines that share jobs are taken to have the same models.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from darkroom import measurements
from darkroom.database.schema import ResultRow, now
from darkroom.errors import StorageFailed
from darkroom.image import Encoding
from darkroom.jobs.store import Made
from darkroom.pipeline import Pipeline
from darkroom.report import Report
from darkroom.version import version

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.models.store import Store
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage

USED = timedelta(hours=1)
"""How exact the time is at which a result was last asked for."""
OWN = "darkroom.operations."
"""The package of operations that are known to draw no lots."""


def models_of(pipeline: Pipeline, store: Store) -> dict[str, str]:
    """The models that are here and that these operations might use: name, and SHA-256 of the weights.

    A model that comes, goes or changes makes another key. The first look at a large one reads all of it. Raises
    ConfigurationError for a wrong models.toml, ModelCorrupt.
    """
    tasks = {task for operation in pipeline.operations for task in operation.tasks}
    found: dict[str, str] = {}
    for entry in store.entries():
        path = store.path(entry) if entry.task in tasks and store.ready(entry.name) else None
        if path is not None:
            found[entry.name] = store.digest_of(path, entry.files[0])[0]
    return found


def key_of(
    source: str,
    pipeline: Pipeline,
    encoding: Encoding,
    pictures: Mapping[str, str],
    *,
    models: Mapping[str, str],
    settings: Settings,
) -> str:
    """The key of a result, 64 hexadecimal digits: SHA-256 over everything that decides what it looks like.

    Args:
        source: digest of the picture's file.
        pipeline: the operations; every default counts as if it were written.
        encoding: as it was asked for.
        pictures: what the operations call second pictures, and the digest of each.
        models: what :func:`models_of` gives.
        settings: those that decide over pixels count.
    """
    usual = Encoding(quality=settings.output.quality, metadata=settings.output.metadata)
    parts: dict[str, Any] = {
        "source": source,
        "operations": pipeline.to_json(),
        "encoding": asdict(encoding.over(usual)),
        "pictures": dict(pictures),
        "models": dict(models),
        "settings": _deciding(settings),
        "version": version(),
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def repeatable(
    pipeline: Pipeline, settings: Settings, report: Report | None = None, models: Mapping[str, str] | None = None
) -> bool:
    """Whether the same request gives the same file again, so that its result may be kept.

    Asked without a report it says whether to look for one; with the report of the work, and the ``models`` that its key
    was made of, whether to keep what was made. Pictures that operations made beside the result are not kept, so neither
    is a result that has some.
    """
    if settings.engine.within is not None:
        return False
    if not all(type(operation).__module__.startswith(OWN) for operation in pipeline.operations):
        return False
    if report is None:
        return True
    if report.attachments or any(step.cloud for step in report.steps):
        return False
    if not all(fallback.lasting for step in report.steps for fallback in step.fallbacks):
        return False
    # One that was fetched for this work, or that another machine has otherwise, is not in the key.
    known = models or {}
    return all(known.get(use.name) == use.digest for step in report.steps for use in step.models)


def named(report: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """A receipt, as JSON, of a picture of this name: results are shared by all, what each calls a picture is not."""
    picture = report["input"]
    return {**report, "input": {**picture, "name": name} if picture is not None else None}


class Results:
    """Kept results, by a database and the storage that has their files. Raises DatabaseFailed where it is not well."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    async def find(self, key: str) -> ResultRow | None:
        """The result that was kept under this key; None where there is none, or its file is not stored any more.

        That it was asked for is written down, once an hour. A storage that does not answer counts as one without it.
        """
        row = await asyncio.to_thread(self._row, key)
        # Said before the file is looked for: from then on nobody forgets the result, and its file stays.
        if row is None or (row.used < now() - USED and not await asyncio.to_thread(self._note_use, key)):
            return None
        try:
            stored = await self._storage.stat(row.digest)
        except StorageFailed:
            return None
        return row if stored is not None else None

    async def keep(self, key: str, source: str, made: Made, report: Report) -> None:
        """Keep a result whose file is stored already; one that was kept under the key before is replaced.

        ``source`` is the digest of the picture that it was made of. Whether it may be kept says :func:`repeatable`.
        """
        await asyncio.to_thread(self._keep, key, source, made, named(report.model_dump(mode="json"), None))

    def _row(self, key: str) -> ResultRow | None:
        with self._database.session(reading=True) as session:
            return session.get(ResultRow, key)

    def _note_use(self, key: str) -> bool:
        """Write down that a result was asked for; False where it was forgotten meanwhile."""
        moment = now()
        with self._database.session() as session:
            old = ResultRow.used < moment - USED
            session.execute(update(ResultRow).where(ResultRow.key == key, old).values(used=moment))
            return session.get(ResultRow, key) is not None

    def _keep(self, key: str, source: str, made: Made, report: dict[str, Any]) -> None:
        moment = now()
        values = {name: value for name, value in asdict(made).items() if name != "name"}
        values |= {"source": source, "report": report, "created": moment, "used": moment}
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        # One statement: of several servers that made the same at once, none fails.
        with self._database.session() as session:
            session.execute(
                insert(ResultRow)
                .values(key=key, **values)
                .on_conflict_do_update(index_elements=[ResultRow.key], set_=values)
            )


def _deciding(settings: Settings) -> dict[str, Any]:
    """The settings that may change pixels."""
    engine, providers = settings.engine, settings.providers
    chosen = measurements.file_of(engine) if engine.quality != "balanced" else None
    return {
        "engine": engine.model_dump(
            mode="json", include={"engine", "device", "require", "precision", "quality", "within"}
        ),
        # What was measured chooses the model where quality is not the usual.
        "measured": hashlib.sha256(chosen.read_bytes()).hexdigest() if chosen is not None and chosen.is_file() else "",
        "models": settings.models.model_dump(mode="json", include={"auto_download", "commercial_only"}),
        "faces": settings.faces.model_dump(mode="json"),
        "providers": providers.model_dump(mode="json", include={"local_first", "cloud_fallback", "consent", "chain"}),
        "cloud": not settings.offline and settings.egress.cloud,
        "clouds": [providers.cloudinary.ready, providers.openai_images.ready],
        "strict": settings.strict,
    }
