"""Make a picture better at one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.operation import Context, Extent, Models, Operation
from darkroom.operations.adjust import Adjust
from darkroom.operations.upscale import Upscale
from darkroom.parameters import ModelName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image

    Array = NDArray[Any]

WORKING = 90
"""Bytes for each pixel while noise is taken away and shadows are lifted (measured: 60 to 80)."""


class Enhance(Operation, name="enhance"):
    """Enlarge, take noise away, lift shadows, stretch contrast, balance colour and sharpen, in that order."""

    tasks = ("upscale",)

    scale: Literal[1, 2, 3, 4] = Field(default=1, description="How many times as large; 1 leaves the size.")
    method: Literal["auto", "model", "builtin"] = Field(default="auto", description="How to enlarge; see upscale.")
    model: ModelName | None = Field(default=None, description="Model to enlarge with; see upscale.")
    denoise: float = Field(
        default=0.5, ge=0, le=1, description="How much of the noise that is found is taken away; 0 is none of it."
    )
    low_light: float = Field(
        default=0.0, ge=0, le=1, description="How far shadows are lifted; light parts stay. 0 leaves them."
    )
    auto_contrast: bool = Field(
        default=True, description="Stretch the tones so that half a percent is black and half a percent white."
    )
    auto_colour: bool = Field(default=True, description="Remove a colour cast.")
    sharpen: float = Field(
        default=1.0, ge=0, le=3, description="Sharpening of brightness at edges; 1 is mild, 0 changes nothing."
    )

    def apply(self, image: Image, context: Context) -> Image:
        """Each step that is on, in order; the report has what each found."""
        if self.scale > 1:
            image = self._upscale().apply(image, context)
        if self.denoise > 0 or self.low_light > 0:
            image = self._clean(image, context)
        return Adjust(auto_contrast=self.auto_contrast, auto_colour=self.auto_colour, sharpen=self.sharpen).apply(
            image, context
        )

    def _upscale(self) -> Upscale:
        return Upscale.model_validate({"scale": self.scale, "method": self.method, "model": self.model})

    def _clean(self, image: Image, context: Context) -> Image:
        import numpy as np

        from darkroom.vision import noise, tone

        frames: list[Any] = []
        levels: list[float] = []
        for index in range(len(image.frames)):
            pixels = image.to_float(index)
            colours = np.ascontiguousarray(pixels[..., :3])
            made, level = noise.denoise(colours, self.denoise)
            levels.append(level)
            if self.low_light > 0:
                made = tone.lift_shadows(made, self.low_light)
            context.progress((index + 1) / len(image.frames), "take noise away")
            if made is colours:
                frames.append(image.frames[index])
                continue
            if image.grey and np.ptp(colours, axis=2).max() == 0:
                made = np.repeat(made.mean(axis=2, keepdims=True), 3, axis=2)
            pixels[..., :3] = made
            frames.append(image.with_array(pixels).frames[0])
        context.note(noise=round(255 * max(levels), 2))
        return image.with_frames(tuple(frames))

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """``scale`` times as large."""
        return (width * self.scale, height * self.scale)

    def working_memory(self, picture: Extent, models: Models) -> int:
        """The enlarger, and then what the result takes in floats."""
        enlarging = 0
        if self.scale > 1:
            enlarging = self._upscale().working_memory(picture, models)
        result = self.result(picture)
        cleaning = WORKING * result.pixels if self.denoise or self.low_light else 0
        return max(enlarging, cleaning + 3 * result.bytes + 60_000_000)
