"""Take a watermark out of a picture that one has the right to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.errors import InvalidParameters
from darkroom.operation import Context, Extent, MaskName, Models, Operation, PictureName
from darkroom.operations.inpaint import Box, Filler, Inpaint, filled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.watermark import Mark
    from darkroom.vision.watermark_finding import Tiling

    Array = NDArray[Any]

WORKING = 240
"""Bytes for each pixel of each picture at work (measured: 150 to 200)."""
GONE = 0.06
"""What is left of a mark's opacity when nobody sees it any more."""
STILL_THERE = 0.3
"""Share of the mask that looks written after filling, from which on the mark may still be seen."""
LONGEST = 1000
"""Pixels of the longer side that a mark is looked for at; one that is repeated, at one and a half times that."""
REGIONS: dict[str, Box] = {
    "top_left": (0.0, 0.0, 0.4, 0.25),
    "top": (0.0, 0.0, 1.0, 0.25),
    "top_right": (0.6, 0.0, 0.4, 0.25),
    "center": (0.05, 0.35, 0.9, 0.3),
    "bottom_left": (0.0, 0.75, 0.4, 0.25),
    "bottom": (0.0, 0.75, 1.0, 0.25),
    "bottom_right": (0.6, 0.75, 0.4, 0.25),
}
"""Left, top, width and height of each region, as shares of the picture."""


class RemoveWatermark(Operation, name="remove_watermark"):
    """Find a watermark and take it out: worked out where several pictures or repetitions tell it, else filled."""

    tasks = ("inpainting",)

    mask: MaskName | None = Field(
        default=None,
        max_length=4096,
        description="Path of a picture that is white where the mark is, its soft edges too; without it the mark is "
        "looked for.",
    )
    like: list[PictureName] = Field(
        default=[],
        max_length=50,
        description="Paths of further pictures of the same size with the same mark in the same place; with three or "
        "more the mark is found, with four its opacity and colour are told well.",
    )
    region: Literal["anywhere", "top_left", "top", "top_right", "center", "bottom_left", "bottom", "bottom_right"] = (
        Field(
            default="anywhere",
            description="Where a mark is, if known: whatever looks written there is taken for it. anywhere finds what "
            "several pictures share or one repeats.",
        )
    )
    box: Box | None = Field(
        default=None,
        description="The same as [left, top, width, height], pixels or shares of the picture where all are at most 1.",
    )
    sensitivity: float = Field(default=0.5, ge=0, le=1, description="How faint a mark may be to be found.")
    show_mask: bool = Field(default=False, description="Give the mask too, beside the result.")
    model: str | None = Field(
        default=None, max_length=200, description="Inpainting model for what has to be filled; see inpaint."
    )

    def apply(self, image: Image, context: Context) -> Image:
        """Find it, undo the blend where that can be told, else fill; then look whether the mark is gone."""
        import numpy as np

        from darkroom.image import Image as Picture
        from darkroom.vision import watermark_finding as finding

        others = [self._other(path, image, context) for path in self.like]
        first = np.ascontiguousarray(image.to_float()[..., :3])
        context.progress(0.0, "look for the mark")
        how, where, tiling = self._find(image, first, others, context)
        how = how if where is not None else "nothing"
        share = 0.0 if where is None else round(float(where.mean()), 5)
        context.note(found=how, share=share, pictures=1 + len(others))
        if where is None or not where.any():
            reason = "The mask is empty" if how == "mask" else "No watermark was found"
            more = (
                "" if how == "mask" else " Say where it is with region, box or mask, or give more pictures with like."
            )
            context.warn(f"{reason}: nothing was removed.{more}")
            return image
        if self.show_mask:
            context.attach("mask", Picture.from_array(where.astype(np.uint8) * 255), found=how)
        filler = Filler(context, "auto", self.model)
        frames: list[Any] = []
        notes: list[dict[str, Any]] = []
        for index in range(len(image.frames)):

            def advance(fraction: float, index: int = index) -> None:
                context.progress(0.2 + 0.8 * (index + fraction) / len(image.frames), "remove the mark")

            pixels = image.to_float(index)
            colours = np.ascontiguousarray(pixels[..., :3])
            mark = self._solved(colours, others, where, tiling)
            undone = self._undone(image, index, colours, mark, advance, context) if mark is not None else None
            if undone is not None:
                frame, note = undone
            else:
                made = filled(image, index, pixels, where, filler, advance)
                frame = made.frames[0]
                left = finding.written(made.to_float()[..., :3], where, self.sensitivity)
                note = {"how": "filled", "left_over": round(left, 4)}
                if left > STILL_THERE:
                    context.warn("What was filled still looks written; look at it.")
            frames.append(frame)
            notes.append(note)
        context.method("blend" if any(note["how"] == "blend undone" for note in notes) else filler.method)
        context.note(mark=notes[0] if len(notes) == 1 else notes)
        return image.with_frames(tuple(frames))

    def working_memory(self, picture: Extent, models: Models) -> int:
        """Every picture in floats, what looking takes, and what filling takes."""
        filling = Inpaint(boxes=[(0, 0, 1, 1)], model=self.model).working_memory(picture, models)
        looking = 0 if self.mask is not None else 200_000_000
        return filling + looking + WORKING * picture.pixels + 40 * picture.pixels * len(self.like)

    def _find(
        self, image: Image, first: Array, others: list[Array], context: Context
    ) -> tuple[str, Array | None, Tiling | None]:
        """How the mark was found, where it is, and how it repeats if it does and can be worked out from that."""
        from darkroom.vision import watermark_finding as finding

        if self.mask is not None:
            return "mask", Inpaint(mask=self.mask, grow=0).hole(image, context), None
        if others:
            return "shared", self._grown(finding.shared, [first, *others], first.shape[:2]), None
        if self.region == "anywhere" and self.box is None:
            small, factor = _shrunk(first, round(1.5 * LONGEST))
            found = finding.tiled(small, self.sensitivity)
            if found is None:
                return "nothing", None, None
            tiling, where = found
            return "tiled", _enlarged(where, first.shape[:2], factor), tiling if factor == 1 else None
        top, bottom, left, right = self._place(*first.shape[:2])
        return "written", self._written(first, top, bottom, left, right), None

    def _place(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, bottom, left and right of where to look, in pixels."""
        left, top, wide, high = self.box or REGIONS[self.region]
        across, down = (width, height) if max(left, top, wide, high) <= 1 else (1, 1)
        start, upper = min(max(0, round(left * across)), width - 1), min(max(0, round(top * down)), height - 1)
        return upper, max(upper + 1, round((top + high) * down)), start, max(start + 1, round((left + wide) * across))

    def _written(self, first: Array, top: int, bottom: int, left: int, right: int) -> Array | None:
        import numpy as np

        from darkroom.vision import watermark_finding as finding

        part = np.ascontiguousarray(first[top:bottom, left:right])
        small, factor = _shrunk(part, LONGEST)
        found = finding.strokes(small, self.sensitivity)
        if found is None:
            return None
        where = np.zeros(first.shape[:2], bool)
        where[top:bottom, left:right] = _enlarged(found, part.shape[:2], factor)
        return where

    def _grown(self, find: Callable[..., Array | None], pictures: list[Array], shape: tuple[int, int]) -> Array | None:
        small = [_shrunk(picture, LONGEST) for picture in pictures]
        found = find([picture for picture, _ in small], self.sensitivity)
        return None if found is None else _enlarged(found, shape, small[0][1])

    def _solved(self, colours: Array, others: list[Array], where: Array, tiling: Tiling | None) -> Mark | None:
        """Opacity and colour of the mark, where several pictures or repetitions tell them."""
        import numpy as np

        from darkroom.vision import watermark

        if others:
            return watermark.solve([colours, *others], where)
        if tiling is None:
            return None
        masks = tiling.windows(where)
        mark = watermark.solve(tiling.windows(colours), np.any(masks, axis=0))
        if mark is None:
            return None
        shape = colours.shape[:2]
        return watermark.Mark(tiling.spread(mark.alpha, shape), tiling.spread(mark.colour, shape), mark.apart)

    def _undone(
        self,
        image: Image,
        index: int,
        colours: Array,
        mark: Mark,
        advance: Callable[[float], None],
        context: Context,
    ) -> tuple[Any, dict[str, Any]] | None:
        """The frame with the blend undone, and what is told of it; None where too much of the mark is left."""
        import numpy as np

        from darkroom.vision import watermark

        bare, lost = watermark.remove(colours, mark, advance)
        left = watermark.left_over(bare, mark)
        if left > GONE:
            context.warn(f"Undoing the blend left {left:.0%} of the mark, so it was filled instead.")
            return None
        result = image.to_array(index)
        touched = (mark.alpha > 0) | lost
        result[..., :3][touched] = np.rint(bare[touched] * image.maximum).astype(result.dtype)
        note = {
            "how": "blend undone",
            "opacity": round(mark.opacity, 3),
            "left_over": round(left, 4),
            "filled": round(float(lost.mean()), 5),
        }
        return image.with_array(result).frames[0], note

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


def _shrunk(picture: Array, longest: int) -> tuple[Array, float]:
    """A picture no longer than that, and by what its sides were divided."""
    import cv2

    factor = max(picture.shape[:2]) / longest
    if factor <= 1:
        return picture, 1.0
    size = (max(1, round(picture.shape[1] / factor)), max(1, round(picture.shape[0] / factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), factor


def _enlarged(mask: Array, shape: tuple[int, int], factor: float) -> Array:
    """A mask at ``height x width``, wider by what may have been lost when the picture was made smaller."""
    import cv2
    import numpy as np

    if factor == 1:
        return mask
    large = cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 0.3
    side = 2 * round(factor / 2) + 1
    return cv2.dilate(large.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
