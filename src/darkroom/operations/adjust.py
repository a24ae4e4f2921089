"""Change light and colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from darkroom.operation import Context, Operation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from darkroom.image import Image

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue in brightness, from ITU-R BT.709, which sRGB shares its primaries with."""


class Adjust(Operation, name="adjust"):
    """Change brightness, contrast, saturation, gamma and sharpness, or balance colour and contrast automatically."""

    brightness: float = Field(
        default=0.0, ge=-1, le=1, description="Added to every channel, as a share of full white; 0 changes nothing."
    )
    contrast: float = Field(default=1.0, ge=0, le=4, description="Spread about mid-grey; 1 changes nothing.")
    saturation: float = Field(default=1.0, ge=0, le=4, description="Strength of colour: 0 is grey, 1 changes nothing.")
    gamma: float = Field(
        default=1.0, ge=0.1, le=10, description="Above 1 lightens the middle tones, below 1 darkens them."
    )
    sharpen: float = Field(
        default=0.0, ge=0, le=10, description="Sharpening of brightness at edges; 1 is mild, 0 changes nothing."
    )
    grayscale: bool = Field(default=False, description="Turn the picture grey.")
    auto_contrast: bool = Field(
        default=False, description="Stretch the tones so that half a percent is black and half a percent white."
    )
    auto_colour: bool = Field(
        default=False, description="Remove a colour cast, as if the brighter parts were grey on average."
    )

    def apply(self, image: Image, context: Context) -> Image:
        """In this order: colour cast, contrast stretch, brightness, contrast, gamma, saturation, sharpness.

        All but the last two are one table per channel, worked out in floating point, so that 16 bits stay 16 bits and
        neutral values leave every pixel as it is. Alpha is not touched.
        """
        curves = self._curves(image, context)
        if curves is not None:
            image = _with_curves(image, curves)
        if self.grayscale or self.saturation == 0:
            grey = [list(LUMA)] * 3
            image = replace(_colours(image, lambda frame: frame.recomb(grey)), grey=True)
        elif self.saturation != 1:
            s = self.saturation
            matrix = [[s * (row == column) + (1 - s) * LUMA[column] for column in range(3)] for row in range(3)]
            image = _colours(image, lambda frame: frame.recomb(matrix))
        if self.sharpen > 0:
            image = _colours(image, lambda frame: frame.sharpen(sigma=1.0, m1=0, m2=self.sharpen))
        return image

    def _curves(self, image: Image, context: Context) -> NDArray[np.float64] | None:
        """New value, 0.0 to 1.0, for every value of red, green and blue: ``levels x 3``; None where nothing changes."""
        import numpy as np

        toned = (self.brightness, self.contrast, self.gamma) != (0.0, 1.0, 1.0)
        if not (toned or self.auto_colour or self.auto_contrast):
            return None
        curves = np.repeat(np.linspace(0.0, 1.0, image.maximum + 1)[:, None], 3, axis=1)
        if self.auto_colour or self.auto_contrast:
            from darkroom.vision.tone import balance_gains, from_linear, stretch_limits, to_linear

            seen = _sample(image)
            if self.auto_colour:
                gains = balance_gains(seen)
                context.note(colour_gains=[round(float(gain), 3) for gain in gains])
                curves = from_linear(to_linear(curves) * gains)
                seen = from_linear(to_linear(seen) * gains)
            if self.auto_contrast:
                low, high = stretch_limits(seen)
                context.note(stretched_from=[round(low, 4), round(high, 4)])
                curves = (curves - low) / (high - low)
        curves = (curves + self.brightness - 0.5) * self.contrast + 0.5
        return np.clip(curves, 0.0, 1.0) ** (1.0 / self.gamma)


def _with_curves(image: Image, curves: NDArray[np.float64]) -> Image:
    import numpy as np
    import pyvips

    kind = np.uint16 if image.bits == 16 else np.uint8
    table = np.rint(curves * image.maximum).astype(kind)
    lut: Any = pyvips.Image.new_from_memory(
        table.tobytes(), image.maximum + 1, 1, 3, "ushort" if image.bits == 16 else "uchar"
    )
    return _colours(image, lambda frame: frame.maplut(lut))


def _colours(image: Image, change: Callable[[Any], Any]) -> Image:
    """Apply a change to red, green and blue, and leave alpha as it is."""

    def changed(frame: Any) -> Any:
        if frame.bands == 3:
            return change(frame)
        colours = change(frame[:3].copy(interpretation=frame.interpretation))
        return colours.bandjoin(frame[3].cast(colours.format))

    return image.map(changed)


def _sample(image: Image) -> NDArray[np.float64]:
    """Colours of the pixels that can be seen, of every frame, ``n x 3``, 0.0 to 1.0, from a copy 256 pixels wide.

    All frames are taken together, so that an animation does not flicker.
    """
    import numpy as np

    parts: list[Any] = []
    factor = min(1.0, 256 / max(image.size))
    small = image.map_premultiplied(lambda frame: frame.resize(factor)) if factor < 1 else image
    for index in range(len(small.frames)):
        pixels = small.to_float(index).reshape(-1, 4 if small.has_alpha else 3).astype(np.float64)
        parts.append(pixels[pixels[:, 3] > 0.5, :3] if small.has_alpha else pixels)
    seen = np.concatenate(parts)
    return seen if len(seen) else np.full((1, 3), 0.5)
