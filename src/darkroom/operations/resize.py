"""Make a picture larger or smaller."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from darkroom.colour import Colour, at_depth, parse_colour
from darkroom.operation import Context, Operation

if TYPE_CHECKING:
    from darkroom.image import Image

Side = Literal["center", "top", "bottom", "left", "right", "top-left", "top-right", "bottom-left", "bottom-right"]


class Resize(Operation, name="resize"):
    """Resize a picture: to fit, fill, stretch or be padded to a size."""

    model_config = ConfigDict(
        json_schema_extra={"x-needs": [{"required": ["width"]}, {"required": ["height"]}, {"required": ["scale"]}]}
    )

    width: int | None = Field(
        default=None, ge=1, le=65_500, description="Target width in pixels; empty follows from the height."
    )
    height: int | None = Field(
        default=None, ge=1, le=65_500, description="Target height in pixels; empty follows from the width."
    )
    scale: float | None = Field(
        default=None, ge=0.001, le=16, description="A factor instead of a size: 0.5 halves width and height."
    )
    mode: Literal["fit", "fill", "stretch", "pad"] = Field(
        default="fit",
        description="fit stays within the size; fill covers it and cuts off what is over; stretch ignores the "
        "proportions; pad fits and fills the rest with background. All but fit give exactly the size.",
    )
    enlarge: bool = Field(
        default=False,
        description="Let fit, scale and pad make a picture larger than it is. fill and stretch do so when they must.",
    )
    background: Colour | None = Field(
        default=None, description="Colour of the padding; empty is transparent where the picture is, else white."
    )
    gravity: Side = Field(default="center", description="What fill keeps, and where pad puts the picture.")
    kernel: Literal["nearest", "linear", "cubic", "lanczos3"] = Field(
        default="lanczos3", description="Interpolation; nearest keeps pixel art sharp."
    )
    linear: bool = Field(default=False, description="Mix pixels in linear light: truer for fine bright detail, slower.")

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Resize:
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise ValueError("give scale, or width and height, not both")
        if self.scale is None and self.width is None and self.height is None:
            raise ValueError("give width, height or scale")
        if self.mode != "fit" and (self.width is None or self.height is None):
            raise ValueError(f"mode {self.mode} needs width and height")
        return self

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size of the result."""
        if self.mode != "fit":
            return (self.width or width, self.height or height)
        return self._scaled(width, height)

    def moves(self) -> bool:
        """True where something is cut off or padded."""
        return self.mode in ("fill", "pad")

    def needed_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size of the result, but for pixel art and where light is mixed."""
        return None if self.linear or self.kernel == "nearest" else self._scaled(width, height)

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        """The size of the picture itself, before anything is cut off or padded; at least 1 x 1."""
        if self.mode == "stretch":
            return (self.width or width, self.height or height)
        if self.scale is not None:
            factor = self.scale
        else:
            factors = [
                target / side for target, side in ((self.width, width), (self.height, height)) if target is not None
            ]
            factor = max(factors) if self.mode == "fill" else min(factors)
        if not self.enlarge and self.mode != "fill":
            factor = min(factor, 1.0)
        scaled = (max(1, round(width * factor)), max(1, round(height * factor)))
        # Rounding must not leave fill a pixel short, nor the side that was asked for a pixel off.
        if self.mode == "fill":
            return (max(scaled[0], self.width or 1), max(scaled[1], self.height or 1))
        return (min(scaled[0], self.width or scaled[0]), min(scaled[1], self.height or scaled[1]))

    def apply(self, image: Image, context: Context) -> Image:
        """Scale every frame, then cut off or pad."""
        full = image.full_size
        image = replace(image, reduced_from=None)
        width, height = self._scaled(*full)
        growth = max(width / full[0], height / full[1])
        if growth > 1:
            context.warn(f"The picture was enlarged {growth:.2f} times by interpolation; upscale draws more detail.")
        elif not self.enlarge and self.mode == "fit" and self._wants_more(full):
            context.warn("The picture is smaller than the size asked for and was not enlarged; enlarge allows it.")
        scaled = scale(image, width, height, kernel=self.kernel, linear=self.linear)
        if self.mode == "fill":
            wide, high = self.width or width, self.height or height
            left, top = place(width - wide, height - high, self.gravity)
            return scaled.map(lambda frame: frame.crop(left, top, wide, high))
        if self.mode == "pad":
            left, top = place((self.width or width) - width, (self.height or height) - height, self.gravity)
            return pad(scaled, left, top, self.width or width, self.height or height, self.background)
        return scaled

    def _wants_more(self, size: tuple[int, int]) -> bool:
        if self.scale is not None:
            return self.scale > 1
        return all(side is None or side > own for side, own in zip((self.width, self.height), size, strict=True))


def place(spare_width: int, spare_height: int, gravity: Side) -> tuple[int, int]:
    """(left, top) of a box in a space that is larger by the spare pixels."""
    left = 0 if "left" in gravity else spare_width if "right" in gravity else spare_width // 2
    top = 0 if "top" in gravity else spare_height if "bottom" in gravity else spare_height // 2
    return left, top


def scale(image: Image, width: int, height: int, *, kernel: str = "lanczos3", linear: bool = False) -> Image:
    """Every frame scaled to exactly ``width x height``, alpha premultiplied, the bit depth kept."""
    if (width, height) == image.size:
        return image

    def resized(frame: Any) -> Any:
        scaled = frame.resize(width / frame.width, vscale=height / frame.height, kernel=kernel)
        if (scaled.width, scaled.height) != (width, height):
            scaled = scaled.gravity("north-west", width, height, extend="copy")
        return scaled

    if not linear:
        return image.map_premultiplied(resized)
    top = image.maximum

    def in_linear_light(frame: Any) -> Any:
        colours = frame[:3].copy(interpretation=frame.interpretation).colourspace("scrgb")
        if frame.bands == 3:
            return resized(colours).colourspace(frame.interpretation)
        alpha = resized(frame[3].cast("float") / top)
        mixed = resized(colours * (frame[3].cast("float") / top)) / (alpha < 1e-6).ifthenelse(1, alpha)
        back = mixed.copy(interpretation="scrgb").colourspace(frame.interpretation)
        return back.cast("float").bandjoin(alpha * top)

    return image.map(in_linear_light)


def pad(image: Image, left: int, top: int, width: int, height: int, background: str | None) -> Image:
    """Every frame on a canvas of ``width x height``; a background with transparency gives the picture an alpha."""
    rgba = parse_colour(background) if background else ((0, 0, 0, 0) if image.has_alpha else (255, 255, 255, 255))
    colour = at_depth(rgba, image.maximum)
    transparent = rgba[3] < 255

    def padded(frame: Any) -> Any:
        if transparent and frame.bands == 3:
            frame = frame.bandjoin(image.maximum)
        return frame.embed(left, top, width, height, extend="background", background=colour[: frame.bands])

    return image.map(padded)
