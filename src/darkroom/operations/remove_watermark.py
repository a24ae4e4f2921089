"""Take a watermark out of a picture that one has the right to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from darkroom.errors import InvalidParameters
from darkroom.operation import Context, Extent, Models, Operation
from darkroom.operations.inpaint import Filler, Inpaint, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image

    Array = NDArray[Any]

WORKING = 240
"""Bytes for each pixel of each picture at work (measured: 150 to 200)."""
GONE = 0.06
"""What is left of a mark's opacity when nobody sees it any more."""


class RemoveWatermark(Operation, name="remove_watermark"):
    """Take a watermark out: worked out from several pictures that have the same one, or filled."""

    tasks = ("inpainting",)

    mask: str = Field(
        max_length=4096,
        description="Path of a picture that is white where the mark is, its soft edges too, and black elsewhere.",
    )
    like: list[str] = Field(
        default=[],
        max_length=50,
        description="Paths of further pictures of the same size with the same mark in the same place; with four or "
        "more its opacity and colour are told well.",
    )
    model: str | None = Field(
        default=None, max_length=200, description="Inpainting model for what has to be filled; see inpaint."
    )

    def apply(self, image: Image, context: Context) -> Image:
        """Undo the blend where several pictures tell it, else fill; then look whether the mark is gone."""
        import numpy as np

        from darkroom.vision import watermark

        place = Inpaint(mask=self.mask, grow=0)
        where = place.hole(image, context)
        if not where.any():
            context.warn("The mask is empty: nothing was removed.")
            return image
        filler = Filler(context, "auto", self.model)
        others = [self._other(path, image, context) for path in self.like]
        frames: list[Any] = []
        notes: list[dict[str, Any]] = []
        for index in range(len(image.frames)):

            def advance(fraction: float, index: int = index) -> None:
                context.progress((index + fraction) / len(image.frames), "remove the mark")

            pixels = image.to_float(index)
            colours = np.ascontiguousarray(pixels[..., :3])
            mark = watermark.solve([colours, *others], where) if others else None
            note: dict[str, Any] = {"how": "filled"}
            if mark is not None:
                bare, lost = watermark.remove(colours, mark, advance)
                left = watermark.left_over(bare, mark)
                note = {
                    "how": "blend undone",
                    "opacity": round(mark.opacity, 3),
                    "left_over": round(left, 4),
                    "filled": round(float(lost.mean()), 5),
                }
                if left <= GONE:
                    result = image.to_array(index)
                    touched = mark.alpha > 0
                    touched |= lost
                    result[..., :3][touched] = np.rint(bare[touched] * image.maximum).astype(result.dtype)
                    frames.append(image.with_array(result).frames[0])
                    notes.append(note)
                    continue
                context.warn(f"Undoing the blend left {left:.0%} of the mark, so it was filled instead.")
                note["how"] = "filled"
            frames.append(filled(image, index, pixels, where, filler, advance).frames[0])
            notes.append(note)
        context.method("blend" if any(note["how"] == "blend undone" for note in notes) else filler.method)
        context.note(mark=notes[0] if len(notes) == 1 else notes, pictures=1 + len(others))
        return image.with_frames(tuple(frames))

    def working_memory(self, picture: Extent, models: Models) -> int:
        """Every picture in floats, and what filling takes."""
        filling = Inpaint(mask=self.mask, model=self.model).working_memory(picture, models)
        return filling + WORKING * picture.pixels + 40 * picture.pixels * len(self.like)

    def _other(self, path: str, image: Image, context: Context) -> Array:
        import numpy as np

        other = context.open_image(path)
        if other.size != image.size:
            raise InvalidParameters(
                f"remove_watermark: {path} is {other.width} x {other.height} pixels, the picture {image.width} x "
                f"{image.height}.",
                cure="Give pictures of one size, with the mark in the same place.",
                field="like",
            )
        return np.ascontiguousarray(other.to_float()[..., :3])
