"""Addresses of pictures with operations in them, which only who has a key can write: ``/i/SIGNATURE/OPERATIONS/NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.image import Encoding, Format
from darkroom.pipeline import Pipeline

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says: recipe, then operations; ``extension`` None is the picture's own, ``auto`` by Accept."""

    image_id: str
    operations: Pipeline | None = None
    recipe: str | None = None
    extension: str | None = None
    expires: int | None = None
    """Unix seconds."""
    version: int | None = None
    quality: int | None = None
    download: str | None = None

    def work(self, settings: Settings) -> tuple[Pipeline, Encoding]:
        """All operations, those of the recipe first, and how to write the result, as far as the address says.

        With the extension ``auto`` the format is left open. Raises UnknownRecipe, InvalidParameters.
        """
        raise NotImplementedError


def url_keys(settings: Settings, database: Database) -> list[str]:
    """The keys that addresses are signed with: the first signs, all are accepted. Raises DatabaseFailed."""
    raise NotImplementedError


def path_of(address: Address, keys: Sequence[str]) -> str:
    """The signed path, ``/i/...``, percent-encoded. Raises InvalidParameters for what cannot be written."""
    raise NotImplementedError


def read(signature: str, operations: str, name: str, keys: Sequence[str], now: float) -> Address:
    """What an address says whose three parts these are, percent-decoded. ``now`` in Unix seconds.

    Raises SignatureInvalid (forged, or its time is over), InvalidParameters, UnknownOperation.
    """
    raise NotImplementedError


def negotiate(accept: str | None, extension: str) -> list[Format]:
    """The formats to answer in, the best first; one that cannot have alpha is passed over where there is any.

    Raises NotAcceptable, InvalidParameters.
    """
    raise NotImplementedError
