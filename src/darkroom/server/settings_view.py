"""The settings that a page may show and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darkroom.settings import Settings

CHANGEABLE = (
    "providers.local_first",
    "providers.cloud_fallback",
    "providers.consent",
    "models.auto_download",
    "offline",
    "output.metadata",
    "engine.device",
    "engine.precision",
    "engine.quality",
    "strict",
)
"""Dotted paths."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as a page shows it: ``schema`` is JSON schema; ``locked`` says why it cannot be changed, None if so."""

    value: Any
    default: Any
    description: str
    schema: dict[str, Any]
    locked: str | None


def read(settings: Settings) -> dict[str, Shown]:
    """Every changeable setting by its dotted path."""
    raise NotImplementedError


def store(changes: Mapping[str, Any]) -> Settings:
    """Write changes down, so that they outlive a restart, and give the settings that are in force now.

    None takes a change back. Raises InvalidParameters with ``field`` for what is not changeable, locked or not allowed.
    """
    raise NotImplementedError
