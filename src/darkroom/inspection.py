"""Looking at a picture without changing it: what it is, its EXIF, its colours, and its faces where asked for."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from darkroom.pipeline import Pipeline
from darkroom.processing import Request, Result
from darkroom.report import Report

if TYPE_CHECKING:
    from PIL import Image as Pillow

    from darkroom.image import Image
    from darkroom.services import Services

COLOURS = 5
"""Colours that are told at most."""
LOOKED_AT = 256
"""Longer side, at least, of what colours are told from."""
LONGEST_TEXT = 1000
"""Characters of an EXIF text that are told."""


@dataclass(frozen=True, slots=True)
class Inspection(Request):
    """A picture to be looked at; what is found comes as JSON in place of a picture."""

    pipeline: Pipeline = field(default_factory=lambda: Pipeline([]))
    faces: bool = False


def inspect(inspection: Inspection, services: Services) -> Result:
    """Decode and look. Raises DarkroomError.

    The result's data is JSON: ``picture`` (a PictureReport), ``exif``, ``colour`` and ``faces``, which is null where
    they were not asked for.
    """
    from darkroom import codecs
    from darkroom.version import version

    report = Report(version=version())
    assert not hasattr(inspection.source, "frames")
    image = services.decode(inspection.source, name=inspection.name, warnings=report.warnings)  # pyright: ignore
    report.input = codecs.describe(image)
    services.admit(inspection.pipeline.check_memory(image, services.settings, services.models))
    found = {
        "picture": report.input.model_dump(mode="json"),
        "exif": exif_of(image.metadata.exif),
        "colour": colour_of(image),
        "faces": _faces(image, services) if inspection.faces else None,
    }
    return Result(json.dumps(found).encode(), image, report)


def exif_of(block: bytes | None) -> dict[str, Any]:
    """EXIF by the names of its standard, JSON-ready; empty where there is none or it cannot be read."""
    if block is None:
        return {}
    from PIL import ExifTags
    from PIL.Image import Exif

    read = Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read.load(block)
            parts: list[tuple[dict[int, Any], dict[int, str]]] = [
                (dict(read), ExifTags.TAGS),
                (dict(read.get_ifd(ExifTags.IFD.Exif)), ExifTags.TAGS),
                (dict(read.get_ifd(ExifTags.IFD.GPSInfo)), ExifTags.GPSTAGS),
            ]
    except Exception:
        return {}
    found: dict[str, Any] = {}
    for values, names in parts:
        for tag, value in values.items():
            name, told = names.get(tag), _plain(value)
            if name is not None and told is not None and name not in ("ExifOffset", "GPSInfo", "MakerNote"):
                found[name] = told
    return dict(sorted(found.items()))


def _plain(value: Any) -> Any:
    """A value of EXIF as JSON has them; None where it is only bytes."""
    if isinstance(value, str):
        return value.strip("\0 ")[:LONGEST_TEXT]
    if isinstance(value, bytes):
        text = value.strip(b"\0 ")
        return text.decode("ascii")[:LONGEST_TEXT] if text and text.isascii() and len(text) < 64 else None
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value[:64]]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return round(number, 6) if abs(number) < float("inf") else None


def colour_of(image: Image) -> dict[str, Any]:
    """The average colour and those that stand out, by median cut (Heckbert 1982) of what is not transparent."""
    import numpy as np
    from PIL import Image as Pillow

    from darkroom.face_finder import seen

    pixels, _ = seen(image, LOOKED_AT)
    average = pixels.reshape(-1, 3).mean(axis=0)
    quantised: Pillow.Image = Pillow.fromarray(np.ascontiguousarray(pixels)).quantize(COLOURS)
    palette = quantised.getpalette() or []
    counts: Any = quantised.getcolors() or []
    total = sum(count for count, _ in counts)
    return {
        "average": _hexadecimal(average),
        "dominant": [
            {"color": _hexadecimal(palette[3 * index : 3 * index + 3]), "share": round(count / total, 4)}
            for count, index in sorted(counts, reverse=True)
        ],
        "grey": image.grey,
        "alpha": image.has_alpha,
        "profile": image.origin.profile,
        "space": image.origin.colour,
    }


def _hexadecimal(colour: Any) -> str:
    return "#" + "".join(f"{round(float(value)):02x}" for value in colour)


def _faces(image: Image, services: Services) -> list[dict[str, Any]]:
    from darkroom.face_finder import FaceFinder
    from darkroom.operation import Context
    from darkroom.report import StepReport

    context = Context(
        settings=services.settings,
        models=services.models,
        step=StepReport(operation="faces"),
        open_image=services.open_image,
    )
    return [
        {
            "left": round(face.left, 1),
            "top": round(face.top, 1),
            "width": round(face.width, 1),
            "height": round(face.height, 1),
            "score": round(face.score, 3),
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.landmarks],
        }
        for face in FaceFinder(context, insist=False).find(image.first_frame())
    ]
