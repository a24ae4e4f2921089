"""Colours as people write them: CSS names, ``#rgb``, ``#rrggbb``, ``#rrggbbaa``, ``rgb(...)``, ``transparent``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

RGBA = tuple[int, int, int, int]


_FUNCTION = re.compile(r"rgba?\(\s*(.+?)\s*\)")


def parse_colour(text: str) -> RGBA:
    """Red, green, blue and alpha, 0 to 255, as CSS Color 4 reads them. Raises ValueError saying what is allowed."""
    from PIL import ImageColor

    wanted = text.strip().lower()
    if wanted in ("transparent", "none"):
        return (0, 0, 0, 0)
    function = _FUNCTION.fullmatch(wanted)
    try:
        if function:
            return _from_function(re.split(r"[\s,/]+", function[1]))
        if wanted.startswith("#") or wanted in ImageColor.colormap:
            found = ImageColor.getrgb(wanted)
            return (*found[:3], found[3] if len(found) == 4 else 255)
    except ValueError:
        pass
    raise ValueError(
        f"{text!r} is not a colour; write a CSS name, #rgb, #rrggbb, #rrggbbaa, rgb(r g b / a) or transparent"
    )


def _from_function(parts: list[str]) -> RGBA:
    """The arguments of ``rgb()``: 0 to 255 or per cent, and alpha 0 to 1 or per cent; beyond that they are clamped."""
    if len(parts) not in (3, 4):
        raise ValueError("three or four values")
    whole = [255.0, 255.0, 255.0, 1.0]
    shares = [
        float(part[:-1]) / 100 if part.endswith("%") else float(part) / top
        for part, top in zip(parts, whole, strict=False)
    ]
    red, green, blue, alpha = (round(255 * min(max(share, 0.0), 1.0)) for share in [*shares, 1.0][:4])
    return (red, green, blue, alpha)


def _checked(text: str) -> str:
    parse_colour(text)
    return text


Colour = Annotated[str, Field(max_length=64, json_schema_extra={"format": "colour"}), AfterValidator(_checked)]
"""A parameter that holds a colour; it stays the text that was written."""


def at_depth(colour: RGBA, maximum: int) -> list[float]:
    """The colour in values of 0 to ``maximum`` (255 or 65535)."""
    return [value / 255 * maximum for value in colour]
