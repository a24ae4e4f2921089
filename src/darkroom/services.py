"""The one place that wires implementations together, from settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.settings import Settings, load_settings

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.operation import Models


@dataclass(frozen=True, slots=True)
class Services:
    """What the whole path needs: the settings in force, and the models with the engines behind them."""

    settings: Settings
    models: Models

    def open_image(self, reference: str) -> Image:
        """Open a second picture that a parameter names by path. Raises InputError."""
        from darkroom import codecs

        return codecs.decode(Path(reference).expanduser(), limits=self.settings.limits)


def build_services(settings: Settings | None = None) -> Services:
    """Wire everything for these settings, by default those in force. Loads no engine and no model."""
    from darkroom.engines.sessions import Runtime
    from darkroom.models.store import Store

    settings = settings or load_settings()
    return Services(settings=settings, models=Runtime(settings.engine, Store.from_settings(settings)))
