"""Crop to what matters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from darkroom.face_finder import SMALL, FaceFinder, seen
from darkroom.operation import Context, Extent, Models, Operation
from darkroom.operations.resize import scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.cropping import Box
    from darkroom.vision.faces import Face

    Array = NDArray[Any]

GRAVITIES = ("auto", "face", "center", "attention", "entropy")
_POINT = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*,\s*([0-9]*\.?[0-9]+)\s*")
_RATIO = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*[:/x]\s*([0-9]+(?:\.[0-9]+)?)\s*")

SALIENT = 320
"""Longer side at which attention is worked out: a crop needs no more detail."""


class SmartCrop(Operation, name="smart_crop"):
    """Crop to a size or proportion around faces, what draws the eye, or a focal point."""

    tasks = ("face_detection",)

    model_config = ConfigDict(
        json_schema_extra={"x-needs": [{"required": ["width", "height"]}, {"required": ["aspect"]}]}
    )

    width: int | None = Field(default=None, ge=1, le=65_500, description="Exact width of the result, in pixels.")
    height: int | None = Field(default=None, ge=1, le=65_500, description="Exact height of the result, in pixels.")
    aspect: str | None = Field(
        default=None, max_length=32, description="Proportion instead of a size, such as 1:1 or 16:9; nothing is scaled."
    )
    gravity: str = Field(
        default="auto",
        max_length=40,
        description="auto takes faces, else attention, else the centre; face keeps all faces in frame where the "
        "proportion allows; attention goes by what draws the eye; entropy by detail; center; or a focal point x,y as "
        "fractions of width and height, such as 0.5,0.3.",
    )
    padding: float = Field(
        default=0.4, ge=0, le=3, description="Space about each face where there is room, as a share of the face."
    )

    @field_validator("gravity")
    @classmethod
    def _known_gravity(cls, value: str) -> str:
        wanted = value.strip().lower().replace("centre", "center")
        if wanted in GRAVITIES:
            return wanted
        point = _POINT.fullmatch(wanted)
        if point and float(point[1]) <= 1 and float(point[2]) <= 1:
            return wanted
        raise ValueError(f"must be one of {', '.join(GRAVITIES)}, or x,y with both 0 to 1")

    @field_validator("aspect")
    @classmethod
    def _known_aspect(cls, value: str | None) -> str | None:
        if value is not None and not 0.01 <= _ratio(value) <= 100:
            raise ValueError("must be a proportion such as 1:1 or 16:9, between 1:100 and 100:1")
        return value

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> SmartCrop:
        if self.aspect is not None and (self.width is not None or self.height is not None):
            raise ValueError("give aspect, or width and height, not both")
        if self.aspect is None and (self.width is None or self.height is None):
            raise ValueError("give width and height, or aspect")
        return self

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size of the result."""
        if self.width is not None and self.height is not None:
            return (self.width, self.height)
        from darkroom.vision.cropping import largest

        return largest(width, height, _ratio(self.aspect or "1:1"))

    def moves(self) -> bool:
        """True: the window fills the result."""
        return True

    def working_memory(self, picture: Extent, models: Models) -> int:
        """A small picture to look at, whatever the size; the result."""
        return super().working_memory(picture, models) + picture.bytes + 100_000_000

    def apply(self, image: Image, context: Context) -> Image:
        """Choose one window for all frames, cut it out, scale it to the size asked for."""
        box, gravity, faces = self._choose(image, context)
        context.note(
            gravity=gravity,
            box=[box.left, box.top, box.width, box.height],
            faces=[
                {
                    "box": [round(value) for value in (face.left, face.top, face.width, face.height)],
                    "score": round(face.score, 3),
                    "in_frame": box.contains(face),
                }
                for face in faces
            ],
        )
        outside = sum(not box.contains(face) for face in faces)
        if outside and gravity == "face":
            context.warn(f"{outside} of {len(faces)} faces did not fit into the frame whole.")
        cropped = image.map(lambda frame: frame.crop(box.left, box.top, box.width, box.height))
        if self.width is None or self.height is None:
            return cropped
        growth = max(self.width / box.width, self.height / box.height)
        context.note(enlarged=round(growth, 3))
        if growth > 1.001:
            context.warn(f"The crop was enlarged {growth:.2f} times; upscale first for more detail.")
        return scale(cropped, self.width, self.height)

    def _choose(self, image: Image, context: Context) -> tuple[Box, str, list[Face]]:
        """The window, what it was chosen by in the end, and the faces found."""
        import numpy as np

        from darkroom.vision import cropping

        width, height = image.size
        aspect = self.width / self.height if self.width and self.height else _ratio(self.aspect or "1:1")
        point = _POINT.fullmatch(self.gravity)
        if point:
            size = cropping.largest(width, height, aspect)
            return cropping.about(width, height, size, float(point[1]) * width, float(point[2]) * height), "point", []
        if self.gravity == "center":
            size = cropping.largest(width, height, aspect)
            return cropping.about(width, height, size, width / 2, height / 2), "center", []
        if self.gravity in ("auto", "face"):
            finder = FaceFinder(context, insist=self.gravity == "face")
            if finder.network is not None:
                context.method("model")
            faces = finder.find(image)
            if faces:
                box, _ = cropping.around_faces(width, height, aspect, faces, self.padding)
                return box, "face", faces
            if self.gravity == "face":
                context.fallback("face", "attention", "no face was found", lasting=True)
        pixels, _ = seen(image, SMALL)
        if self.gravity == "entropy":
            return cropping.heaviest(cropping.detail(pixels), width, height, aspect), "entropy", []
        from darkroom.vision.saliency import saliency_map

        likely = saliency_map(_shrunk(pixels, SALIENT))
        if float(np.ptp(likely)) < 0.02:
            size = cropping.largest(width, height, aspect)
            return cropping.about(width, height, size, width / 2, height / 2), "center", []
        return cropping.heaviest(likely**2, width, height, aspect), "attention", []


def _ratio(text: str) -> float:
    """Width over height of a proportion, 0.0 for what is none."""
    match = _RATIO.fullmatch(text)
    return float(match[1]) / float(match[2]) if match and float(match[2]) > 0 else 0.0


def _shrunk(pixels: Array, side: int) -> Array:
    import cv2

    factor = min(1.0, side / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
