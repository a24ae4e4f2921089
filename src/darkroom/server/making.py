"""Results that somebody waits for: looked up where they were made before, else made at once and kept."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.database.schema import identifier
from darkroom.image import Format
from darkroom.jobs.results import Results, key_of, models_of, named, repeatable
from darkroom.jobs.store import Made
from darkroom.processing import Request
from darkroom.storage.storage import fetch, put_bytes

if TYPE_CHECKING:
    from darkroom.jobs.worker import Outcome
    from darkroom.models.store import Store
    from darkroom.server.work import Order
    from darkroom.server.workbench import Workbench
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage


Place = AbstractAsyncContextManager[object]
"""A seat or a turn; see :class:`darkroom.server.workbench.Workbench`."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A result: its file is stored under ``digest``; ``key`` is where its report is kept."""

    key: str
    digest: str
    bytes: int
    format: Format
    report: dict[str, Any]
    cached: bool


@dataclass(slots=True)
class _Going:
    """A result that is being made, and how many wait for it."""

    task: asyncio.Task[Finished]
    waiting: int = 0


class Making:
    """Makes results for those who wait. The same request at the same time is made once."""

    def __init__(self, settings: Settings, storage: Storage, results: Results, bench: Workbench, models: Store) -> None:
        self._settings = settings
        self._storage = storage
        self._results = results
        self._bench = bench
        self._models = models
        self._going: dict[str, _Going] = {}

    async def make(self, source: Path | str, digest: str, order: Order, *, name: str, place: Place) -> Finished:
        """The result of an order on a file: a path, or the digest of a stored one. Raises DarkroomError.

        It is made in the ``place`` at the workbench, which is entered for it; a lookup needs none.
        """
        key, models = await asyncio.to_thread(self._key, digest, order)
        if key is None:
            return await self._made(None, models, source, digest, order, name, place)
        kept = await self._results.find(key)
        if kept is not None:
            format: Any = kept.format
            return Finished(key, kept.digest, kept.bytes, format, named(kept.report, name), cached=True)
        going = self._going.get(key)
        if going is None:
            begun = going = _Going(asyncio.create_task(self._made(key, models, source, digest, order, name, place)))
            self._going[key] = begun
            begun.task.add_done_callback(lambda _: self._forget(key, begun))
        finished = await self._awaited(key, going)
        # Who waits for the same may call it otherwise.
        return replace(finished, report=named(finished.report, name))

    async def _awaited(self, key: str, going: _Going) -> Finished:
        """The result that is being made, which is stopped when the last who waits for it leaves."""
        going.waiting += 1
        try:
            return await asyncio.shield(going.task)
        finally:
            going.waiting -= 1
            if not going.waiting:
                # It may take a moment to end: who comes meanwhile begins anew, and is not stopped with it.
                self._forget(key, going)
                going.task.cancel()

    def _forget(self, key: str, going: _Going) -> None:
        """Nobody joins it any more; another that was begun under its key stays."""
        if self._going.get(key) is going:
            del self._going[key]

    def _key(self, digest: str, order: Order) -> tuple[str | None, dict[str, str]]:
        """The key of a result, None where it is not to be kept, and the models that it is made of."""
        if not repeatable(order.pipeline, self._settings):
            return None, {}
        models = models_of(order.pipeline, self._models)
        pipeline, encoding = order.pipeline, order.encoding
        return key_of(digest, pipeline, encoding, order.pictures, models=models, settings=self._settings), models

    async def _made(
        self,
        key: str | None,
        models: dict[str, str],
        source: Path | str,
        digest: str,
        order: Order,
        name: str,
        place: Place,
    ) -> Finished:
        async with place:
            outcome = await self._carried_out(source, order, name)
        about = outcome.report.output
        assert outcome.data is not None
        assert about is not None
        assert about.format is not None
        stored = await put_bytes(self._storage, outcome.data)
        made = Made("", stored.digest, stored.size, about.format, about.width, about.height, about.frames)
        if key is None or not repeatable(order.pipeline, self._settings, outcome.report, models):
            # Kept all the same, under a key that nobody else has: its report is asked for.
            key = identifier() * 2
        await self._results.keep(key, digest, made, outcome.report)
        format: Any = about.format
        return Finished(key, stored.digest, stored.size, format, outcome.report.model_dump(mode="json"), cached=False)

    async def _carried_out(self, source: Path | str, order: Order, name: str) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="darkroom-request-") as folder:
            paths: dict[str, Path] = {}
            for wanted in (source, *order.pictures.values()):
                if isinstance(wanted, str) and wanted not in paths:
                    paths[wanted] = Path(folder) / str(len(paths))
                    await fetch(self._storage, wanted, paths[wanted])
            return await self._bench.run(
                Request(
                    source if isinstance(source, Path) else paths[source],
                    order.pipeline,
                    encoding=order.encoding,
                    name=name,
                    pictures={reference: paths[digest] for reference, digest in order.pictures.items()},
                )
            )
