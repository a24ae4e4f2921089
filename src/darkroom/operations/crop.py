"""Cut a rectangle out of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, model_validator

from darkroom.errors import InvalidParameters
from darkroom.operation import Context, Operation

if TYPE_CHECKING:
    from darkroom.image import Image


class Crop(Operation, name="crop"):
    """Cut out a rectangle, or cut off an empty border."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-needs": [
                *({"required": [side]} for side in ("left", "top", "width", "height")),
                {"required": ["trim"], "properties": {"trim": {"const": True}}},
            ]
        }
    )

    left: int | None = Field(default=None, ge=0, le=65_499, description="First column to keep, in pixels; empty is 0.")
    top: int | None = Field(default=None, ge=0, le=65_499, description="First row to keep, in pixels; empty is 0.")
    width: int | None = Field(
        default=None, ge=1, le=65_500, description="Columns to keep; empty is all that are right of left."
    )
    height: int | None = Field(default=None, ge=1, le=65_500, description="Rows to keep; empty is all below top.")
    trim: bool = Field(
        default=False,
        description="Cut off the border instead: what is transparent, or, without transparency, of one colour.",
    )
    threshold: float = Field(
        default=10.0, ge=0, le=255, description="How far a pixel may differ and still be border, of 255; for trim."
    )
    margin: int = Field(default=0, ge=0, le=10_000, description="Pixels of border to leave on every side; for trim.")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Crop:
        boxed = [side for side in (self.left, self.top, self.width, self.height) if side is not None]
        if self.trim and boxed:
            raise ValueError("give trim, or left, top, width and height, not both")
        if not self.trim and not boxed:
            raise ValueError("give left, top, width or height, or trim")
        return self

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The rectangle's size; None for trim."""
        if self.trim:
            return None
        return (self.width or width - (self.left or 0), self.height or height - (self.top or 0))

    def moves(self) -> bool:
        """True: the rectangle fills the result."""
        return True

    def apply(self, image: Image, context: Context) -> Image:
        """Cut the same rectangle out of every frame."""
        left, top, width, height = self._trimmed(image, context) if self.trim else self._box(image)
        context.note(box=[left, top, width, height])
        if (left, top, width, height) == (0, 0, *image.size):
            return image
        return image.map(lambda frame: frame.crop(left, top, width, height))

    def _box(self, image: Image) -> tuple[int, int, int, int]:
        left, top = self.left or 0, self.top or 0
        for name, start, side in (("left", left, image.width), ("top", top, image.height)):
            if start >= side:
                raise InvalidParameters(
                    f"crop: {name} is {start}, outside a picture of {image.width} x {image.height}.",
                    cure=f"{name} may be 0 to {side - 1} here.",
                    field=name,
                )
        width, height = self.width or image.width - left, self.height or image.height - top
        for name, start, extent, side in (("width", left, width, image.width), ("height", top, height, image.height)):
            if start + extent > side:
                raise InvalidParameters(
                    f"crop: {name} {extent} from {start} on ends outside a picture of {image.width} x {image.height}.",
                    cure=f"{name} may be 1 to {side - start} here.",
                    field=name,
                )
        return left, top, width, height

    def _trimmed(self, image: Image, context: Context) -> tuple[int, int, int, int]:
        """The box of what is not border in any frame; the whole picture where all of it is."""
        step = image.maximum / 255
        boxes: list[tuple[int, int, int, int]] = []
        for frame in image.frames:
            if image.has_alpha:
                found = frame[3].find_trim(threshold=self.threshold * step, background=[0])
            else:
                found = frame.find_trim(threshold=self.threshold * step, background=_border_colour(frame))
            if found[2] and found[3]:
                boxes.append((found[0], found[1], found[2], found[3]))
        if not boxes:
            context.warn("The whole picture is border; nothing was cut off.")
            return (0, 0, *image.size)
        left = max(0, min(box[0] for box in boxes) - self.margin)
        top = max(0, min(box[1] for box in boxes) - self.margin)
        right = min(image.width, max(box[0] + box[2] for box in boxes) + self.margin)
        bottom = min(image.height, max(box[1] + box[3] for box in boxes) + self.margin)
        return left, top, right - left, bottom - top


def _border_colour(frame: Any) -> list[float]:
    """The median of the four corners, channel by channel."""
    corners = [frame(x, y) for x in (0, frame.width - 1) for y in (0, frame.height - 1)]
    return [sum(sorted(values)[1:3]) / 2 for values in zip(*corners, strict=True)]
