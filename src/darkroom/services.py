"""Wires what a picture needs on its way, from settings; jobs/wiring.py wires who carries jobs out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.settings import Settings, load_settings

if TYPE_CHECKING:
    from darkroom.codecs.decoding import Needed
    from darkroom.image import Image
    from darkroom.operation import Models
    from darkroom.providers.chain import Chain


@dataclass(frozen=True, slots=True)
class Services:
    """What the whole path needs: the settings in force, the models with their engines, and who carries things out."""

    settings: Settings
    models: Models
    chain: Chain

    def decode(
        self,
        source: Path | bytes,
        *,
        svg_size: tuple[int, int] | None = None,
        name: str | None = None,
        needed: Needed | None = None,
        warnings: list[str] | None = None,
    ) -> Image:
        """Decode a picture within the limits in force: the one door that every picture comes in by.

        A worker process replaces it by one that also holds decoding to its limits of time and memory. Raises
        InputError.
        """
        from darkroom import codecs

        limits = self.settings.limits
        return codecs.decode(source, limits=limits, svg_size=svg_size, name=name, needed=needed, warnings=warnings)

    def admit(self, memory: int) -> None:
        """Called before so many bytes of memory are taken, at the worst.

        A worker process waits here until there is room beside the others. Raises Cancelled.
        """

    def open_image(self, reference: str) -> Image:
        """Open a second picture that a parameter names by path. Raises InputError."""
        return self.decode(Path(reference).expanduser())


def build_services(settings: Settings | None = None) -> Services:
    """Wire everything for these settings, by default those in force. Loads no engine and no model."""
    from darkroom.engines.sessions import Runtime
    from darkroom.models.store import Store
    from darkroom.providers.chain import Chain, discovered

    settings = settings or load_settings()
    return Services(
        settings=settings,
        models=Runtime(settings.engine, Store.from_settings(settings)),
        chain=Chain(settings, discovered(settings)),
    )
