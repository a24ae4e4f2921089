"""Colours as people write them: CSS names, ``#rgb``, ``#rrggbb``, ``#rrggbbaa``, ``rgb(...)``, ``transparent``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

RGBA = tuple[int, int, int, int]


def parse_colour(text: str) -> RGBA:
    """Red, green, blue and alpha, 0 to 255. Raises ValueError saying what is allowed."""
    from PIL import ImageColor

    wanted = text.strip().lower()
    if wanted in ("transparent", "none"):
        return (0, 0, 0, 0)
    try:
        found = ImageColor.getrgb(wanted)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a colour; write a CSS name, #rgb, #rrggbb, #rrggbbaa, rgb(r,g,b) or transparent"
        ) from None
    return (*found[:3], found[3] if len(found) == 4 else 255)


def _checked(text: str) -> str:
    parse_colour(text)
    return text


Colour = Annotated[str, Field(max_length=64), AfterValidator(_checked)]
"""A parameter that holds a colour; it stays the text that was written."""


def at_depth(colour: RGBA, maximum: int) -> list[float]:
    """The colour in values of 0 to ``maximum`` (255 or 65535)."""
    return [value / 255 * maximum for value in colour]
