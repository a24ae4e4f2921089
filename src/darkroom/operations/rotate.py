"""Turn and mirror a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.colour import Colour, at_depth, parse_colour
from darkroom.operation import Context, Operation

if TYPE_CHECKING:
    from darkroom.image import Image


class Rotate(Operation, name="rotate"):
    """Turn a picture by any angle, and mirror it."""

    angle: float = Field(default=0.0, ge=-360, le=360, description="Degrees, clockwise. Multiples of 90 lose nothing.")
    expand: bool = Field(
        default=True, description="Make the picture large enough to hold all of it; otherwise corners are cut off."
    )
    background: Colour | None = Field(
        default=None, description="Colour of the new corners; empty is transparent where the picture is, else white."
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none", description="Mirror before turning: horizontal swaps left and right, vertical top and bottom."
    )

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size of the result."""
        if not self.expand:
            return (width, height)
        quarters = self.angle / 90
        if quarters == round(quarters):
            return (height, width) if round(quarters) % 2 else (width, height)
        cosine, sine = abs(math.cos(math.radians(self.angle))), abs(math.sin(math.radians(self.angle)))
        # A hair is taken off before rounding up, so that what is whole but for floating point stays whole.
        return (
            max(1, math.ceil(width * cosine + height * sine - 1e-6)),
            max(1, math.ceil(width * sine + height * cosine - 1e-6)),
        )

    def moves(self) -> bool:
        """True: it is turned or mirrored."""
        return True

    def apply(self, image: Image, context: Context) -> Image:
        """Mirror, then turn, every frame."""
        if self.flip in ("horizontal", "both"):
            image = image.map(lambda frame: frame.fliphor())
        if self.flip in ("vertical", "both"):
            image = image.map(lambda frame: frame.flipver())
        quarters = self.angle / 90
        if quarters != round(quarters):
            return self._turned(image)
        turns = round(quarters) % 4
        if turns == 0:
            return image
        if turns == 2 or self.expand or image.width == image.height:
            return image.map(lambda frame: frame.rot(f"d{turns * 90}"))
        return self._turned(image)

    def _turned(self, image: Image) -> Image:
        """By any angle about the centre, bicubic, alpha premultiplied, the edge antialiased."""
        import pyvips

        width, height = self.output_size(image.width, image.height) or image.size
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        rgba = parse_colour(self.background) if self.background else (0, 0, 0, 0)
        if not self.background and not image.has_alpha:
            rgba = (255, 255, 255, 255)
        # The picture's centre is to land on the canvas's; libvips counts from the middle of the first pixel.
        middle, target = ((image.width - 1) / 2, (image.height - 1) / 2), ((width - 1) / 2, (height - 1) / 2)
        shift = (
            target[0] - (cosine * middle[0] - sine * middle[1]),
            target[1] - (sine * middle[0] + cosine * middle[1]),
        )
        bicubic = pyvips.Interpolate.new("bicubic")

        def turned(frame: Any) -> Any:
            return frame.affine(
                [cosine, -sine, sine, cosine],
                interpolate=bicubic,
                oarea=[0, 0, width, height],
                odx=shift[0],
                ody=shift[1],
                background=[0, 0, 0, 0],
                premultiplied=True,
                extend="background",
            )

        full = image.maximum
        opaque = image if image.has_alpha else image.map(lambda frame: frame.bandjoin(full))
        result = opaque.map_premultiplied(turned)
        if rgba[3] == 0:
            return result
        colour = at_depth(rgba, full)
        if rgba[3] == 255:
            return result.map(lambda frame: frame.flatten(background=colour[:3], max_alpha=full))
        return result.map(lambda frame: _over(frame, colour, full))


def _over(frame: Any, colour: list[float], full: int) -> Any:
    """The frame over a half-transparent colour."""
    alpha = frame[3].cast("float") / full
    behind = colour[3] / full * (1 - alpha)
    total = alpha + behind
    colours = frame[:3] * alpha + [value for value in colour[:3]] * behind.bandjoin([behind, behind])
    return (colours / total).bandjoin(total * full)
