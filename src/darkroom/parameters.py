"""Kinds of parameters: what an operation's JSON schema says of a value beside its type.

``unit`` of a number says what it counts, ``format`` of a text what it names. Forms, previews and clients go by them,
never by the description: that is for people.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

PIXELS: Final = Field(json_schema_extra={"unit": "pixels"})
"""A length in the picture: it means another share of the picture once that is scaled."""
DEGREES: Final = Field(json_schema_extra={"unit": "degrees"})
LEVELS: Final = Field(json_schema_extra={"unit": "levels"})
"""Steps of 255 between black and white."""
BYTES: Final = Field(json_schema_extra={"unit": "bytes"})
UNITS = ("pixels", "degrees", "levels", "bytes")

Pixels = Annotated[int, PIXELS]
Box = Annotated[tuple[float, float, float, float], PIXELS]
"""Left, top, width and height: pixels, or shares of the picture where all four are at most 1."""

PictureName = Annotated[str, Field(json_schema_extra={"format": "picture"})]
"""What a parameter calls a second picture: a path on the command line, a stored picture in the service."""
MaskName = Annotated[str, Field(json_schema_extra={"format": "mask"})]
"""The same for a mask, which is white on black and can be painted; :func:`darkroom.mask.read_mask` reads it."""
ModelName = Annotated[str, Field(max_length=200, json_schema_extra={"format": "model"})]
"""A model in the catalogue."""
FocalPoint = Annotated[str, Field(max_length=40, json_schema_extra={"format": "focal-point"})]
"""A point x,y as fractions of width and height; or a word for one, where the parameter has some."""


def names_pictures(rules: dict[str, Any]) -> bool:
    """Whether a field of a JSON schema, or what it is a list or choice of, names a picture."""
    parts: list[dict[str, Any]] = [rules.get("items", {}), *rules.get("anyOf", [])]
    return rules.get("format") in ("picture", "mask") or any(names_pictures(part) for part in parts if part)
