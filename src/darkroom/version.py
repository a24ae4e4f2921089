"""The version, from the installed package."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """Darkroom's version, as installed."""
    from importlib.metadata import version as installed

    return installed("darkroom-studio")
