"""What came of operations on pictures, kept so that the same request is a lookup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from darkroom.database.schema import ResultRow
from darkroom.image import Encoding
from darkroom.jobs.store import Made
from darkroom.pipeline import Pipeline
from darkroom.report import Report

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.models.store import Store
    from darkroom.settings import Settings
    from darkroom.storage.storage import Storage


def models_of(pipeline: Pipeline, store: Store) -> dict[str, str]:
    """The installed models that these operations might use: name and SHA-256."""
    raise NotImplementedError


def key_of(
    source: str,
    pipeline: Pipeline,
    encoding: Encoding,
    pictures: Mapping[str, str],
    *,
    models: Mapping[str, str],
    settings: Settings,
) -> str:
    """The key of a result: SHA-256, 64 hexadecimal digits, over everything that decides what it looks like."""
    raise NotImplementedError


def repeatable(pipeline: Pipeline, settings: Settings, report: Report | None = None) -> bool:
    """Whether the same request gives the same result: before the work (no report) and after it."""
    raise NotImplementedError


class Results:
    """Kept results, by a database and the storage."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    async def find(self, key: str) -> ResultRow | None:
        """A kept result whose file is still stored, else None."""
        raise NotImplementedError

    async def keep(self, key: str, made: Made, report: Report) -> None:
        """Keep a result."""
        raise NotImplementedError
