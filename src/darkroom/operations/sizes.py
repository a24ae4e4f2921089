"""Several sizes of one picture in one pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from darkroom.operation import ATTACHMENT_NAME, Context, Extent, Models, Operation
from darkroom.operations.resize import scale

if TYPE_CHECKING:
    from darkroom.image import Image

USUAL = ("thumbnail=200", "medium=800", "large=1600")
LARGEST = 16_384
_WRITTEN = re.compile(r"\s*(?:([A-Za-z0-9_-]+)\s*=\s*)?([0-9]+)\s*")


class Sizes(Operation, name="sizes"):
    """Make a thumbnail, a medium and a large size, or any others, beside the picture."""

    sizes: list[str] = Field(
        default=list(USUAL),
        min_length=1,
        max_length=32,
        description=f"NAME=PIXELS each, or PIXELS alone, 1 to {LARGEST}: the length of the chosen edge.",
    )
    edge: Literal["longer", "shorter", "width", "height"] = Field(
        default="longer", description="Which edge of the picture is given that many pixels."
    )
    enlarge: bool = Field(
        default=False, description="Enlarge a picture that is smaller; else it keeps its size, and a warning says so."
    )

    @field_validator("sizes")
    @classmethod
    def _written_well(cls, value: list[str]) -> list[str]:
        names: set[str] = set()
        for written in value:
            name, pixels = _read(written)
            if not ATTACHMENT_NAME.fullmatch(name) or not 1 <= pixels <= LARGEST:
                raise ValueError(f"must be NAME=PIXELS, such as thumbnail=200, with 1 to {LARGEST} pixels")
            if name in names:
                raise ValueError(f"has two sizes named {name!r}")
            names.add(name)
        return value

    def working_memory(self, picture: Extent, models: Models) -> int:
        """All sizes are held until they are written."""
        made = sum(width * height for width, height in self._targets(picture.width, picture.height).values())
        return super().working_memory(picture, models) + 2 * made * picture.bands * picture.depth * picture.frames

    def apply(self, image: Image, context: Context) -> Image:
        """Scale to every size; the picture itself is passed on as it is."""
        targets = self._targets(*image.size)
        wanted = dict(map(_read, self.sizes))
        for done, (name, (width, height)) in enumerate(targets.items()):
            context.progress(done / len(targets), name)
            context.attach(name, scale(image, width, height))
            if self._edge(width, height) < wanted[name]:
                context.warn(f"{name} has the picture's own size, {width} x {height}: enlarge is off.")
        context.note(sizes={name: list(size) for name, size in targets.items()})
        return image

    def _targets(self, width: int, height: int) -> dict[str, tuple[int, int]]:
        targets: dict[str, tuple[int, int]] = {}
        for name, pixels in map(_read, self.sizes):
            factor = pixels / self._edge(width, height)
            if not self.enlarge:
                factor = min(factor, 1.0)
            targets[name] = (max(1, round(width * factor)), max(1, round(height * factor)))
        return targets

    def _edge(self, width: int, height: int) -> int:
        return {"longer": max(width, height), "shorter": min(width, height), "width": width, "height": height}[
            self.edge
        ]


def _read(written: str) -> tuple[str, int]:
    """Name and pixels; a size without a name is called by its pixels. (``""``, 0) for what is none."""
    match = _WRITTEN.fullmatch(written)
    return ((match[1] or match[2]).lower(), int(match[2])) if match else ("", 0)
