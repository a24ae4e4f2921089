"""Put another background behind the subject."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from darkroom.colour import Colour, at_depth, parse_colour
from darkroom.operation import Context, Extent, Models, Operation, PictureName
from darkroom.operations.remove_background import RemoveBackground
from darkroom.operations.resize import scale

if TYPE_CHECKING:
    from darkroom.image import Image


class ReplaceBackground(Operation, name="replace_background"):
    """Put a colour, a gradient, a picture or nothing behind the subject."""

    tasks = ("matte",)

    model_config = ConfigDict(
        json_schema_extra={
            "x-needs": [
                {"required": ["image"]},
                {"properties": {"background": {"enum": ["color", "gradient", "transparent"]}}},
            ]
        }
    )

    background: Literal["color", "gradient", "image", "transparent"] = Field(
        default="color", description="What to put behind the subject."
    )
    color: Colour = Field(default="white", description="The colour, for background color.")
    colors: str = Field(
        default="white #d9d9d9",
        max_length=400,
        description="Two to eight colours separated by spaces, for background gradient.",
    )
    shape: Literal["linear", "radial"] = Field(
        default="linear", description="linear runs along angle, radial from the centre outwards; for gradient."
    )
    angle: float = Field(
        default=180.0,
        ge=-360,
        le=360,
        description="Where a linear gradient runs to in degrees: 0 up, 90 right, 180 down.",
    )
    image: PictureName | None = Field(
        default=None, max_length=4096, description="Path of the picture to put behind, for background image."
    )
    fit: Literal["cover", "contain", "stretch", "tile"] = Field(
        default="cover", description="How that picture fills the frame; contain leaves color around it."
    )
    blur: float = Field(default=0.0, ge=0, le=200, description="Blur of that picture, in pixels.")
    shadow: float = Field(
        default=0.0, ge=0, le=1, description="Darkness of a soft shadow below the subject; 0 is none."
    )
    method: Literal["auto", "model", "grabcut", "watershed", "edges"] = Field(
        default="auto", description="How a picture without transparency is cut out first; see remove_background."
    )
    model: str | None = Field(default=None, max_length=200, description="Matte model for that; see remove_background.")

    @field_validator("colors")
    @classmethod
    def _two_to_eight(cls, value: str) -> str:
        stops = _stops(value)
        if not 2 <= len(stops) <= 8:
            raise ValueError("must be two to eight colours separated by spaces")
        for stop in stops:
            parse_colour(stop)
        return value

    @model_validator(mode="after")
    def _image_is_named(self) -> ReplaceBackground:
        if (self.background == "image") != (self.image is not None):
            raise ValueError("background image and the parameter image go together")
        return self

    def apply(self, image: Image, context: Context) -> Image:
        """Cut out what has no alpha yet, then lay every frame over the background.

        Colours are mixed as browsers and image editors mix them, in sRGB as it is and not in linear light, so that a
        soft edge looks the same as it did in the cut-out.
        """
        if image.has_alpha:
            context.method("builtin")
        else:
            image = RemoveBackground(method=self.method, model=self.model).apply(image, context)
        if self.background == "transparent":
            return image
        behind = self._background(image, context)
        top = image.maximum
        shadow = self._shadow(image) if self.shadow > 0 else None

        def laid(frame: Any) -> Any:
            base = shadow(frame, behind) if shadow else behind
            return _over(frame, base, top)

        result = image.map(laid)
        if behind.bands == 4:
            return result
        return result.map(lambda frame: frame[:3].copy(interpretation=frame.interpretation))

    def working_memory(self, picture: Extent, models: Models) -> int:
        """What the cut-out takes, and the picture it is laid over."""
        cut_out = RemoveBackground(method=self.method, model=self.model).working_memory(picture, models)
        return 4 * picture.bytes + (0 if picture.bands == 4 else cut_out)

    def _background(self, image: Image, context: Context) -> Any:
        """The background at the size and depth of the picture, three bands, or four where it is not opaque."""
        if self.background == "color":
            return _plain(image, at_depth(parse_colour(self.color), image.maximum))
        if self.background == "gradient":
            return self._gradient(image)
        return self._picture(image, context)

    def _gradient(self, image: Image) -> Any:
        import numpy as np

        width, height = image.size
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        x, y = x - (width - 1) / 2, y - (height - 1) / 2
        if self.shape == "radial":
            along = np.hypot(x, y) / max(float(np.hypot(width, height)) / 2, 1e-6)
        else:
            # As CSS: the line is as long as it takes for the corners to have the first and last colour.
            sine, cosine = np.sin(np.radians(self.angle)), -np.cos(np.radians(self.angle))
            reach = max(abs(width * sine) + abs(height * cosine), 1e-6)
            along = (x * sine + y * cosine) / reach + 0.5
        stops = np.array([parse_colour(stop) for stop in _stops(self.colors)], np.float32) / 255
        places = np.linspace(0, 1, len(stops))
        bands = 4 if (stops[:, 3] < 1).any() else 3
        colours = np.stack([np.interp(along, places, stops[:, band]) for band in range(bands)], axis=-1)
        if image.bits == 8:
            # Half a level of noise keeps a long gradient from showing steps.
            colours += np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1)) / 255
        return image.with_array(colours).frames[0]

    def _picture(self, image: Image, context: Context) -> Any:
        behind = context.open_image(self.image or "").first_frame()
        top = behind.maximum
        if behind.has_alpha:
            colour = at_depth(parse_colour(self.color), top)[:3]
            behind = behind.map(lambda frame: frame.flatten(background=colour, max_alpha=top))
        width, height = image.size
        if self.fit == "tile":
            across, down = -(-width // behind.width), -(-height // behind.height)
            behind = behind.map(lambda frame: frame.replicate(across, down).crop(0, 0, width, height))
        else:
            ratios = (width / behind.width, height / behind.height)
            if self.fit == "stretch":
                size = (width, height)
            else:
                factor = max(ratios) if self.fit == "cover" else min(ratios)
                size = (max(1, round(behind.width * factor)), max(1, round(behind.height * factor)))
                if self.fit == "cover":
                    size = (max(size[0], width), max(size[1], height))
            behind = scale(behind, *size)
            colour = at_depth(parse_colour(self.color), top)[:3]
            behind = behind.map(
                lambda frame: frame.gravity("centre", width, height, extend="background", background=colour)
            )
        if self.blur > 0:
            behind = behind.map(lambda frame: frame.gaussblur(self.blur, precision="float"))
        frame = behind.frames[0]
        if behind.bits != image.bits:
            frame = frame.cast("float") * (image.maximum / top)
        return image.first_frame().map(lambda _: frame).frames[0]

    def _shadow(self, image: Image) -> Callable[[Any, Any], Any]:
        """Darken the background where the subject's lower edge would throw its shadow."""
        spread = max(2.0, max(image.size) / 60)
        top = image.maximum

        def darkened(frame: Any, behind: Any) -> Any:
            alpha = frame[3].cast("float") / top
            lowered = alpha.embed(0, round(spread), frame.width, frame.height + round(spread)).crop(
                0, 0, frame.width, frame.height
            )
            light = 1 - self.shadow * 0.6 * lowered.gaussblur(spread, precision="float")
            colours = behind[:3] * light
            return colours.bandjoin(behind[3].cast("float")) if behind.bands == 4 else colours

        return darkened


def _stops(text: str) -> list[str]:
    """Colours separated by spaces; spaces within brackets belong to the colour."""
    import re

    return re.findall(r"[^\s(]+(?:\([^)]*\))?", text)


def _plain(image: Image, colour: list[float]) -> Any:
    """One colour, as large as the picture."""
    bands = 3 if colour[3] >= image.maximum else 4
    pixel = image.frames[0][0].new_from_image(colour[:bands])
    return pixel.cast(image.frames[0].format).copy(interpretation=image.frames[0].interpretation)


def _over(frame: Any, behind: Any, top: int) -> Any:
    """RGBA over RGB or RGBA (Porter and Duff, 1984), not premultiplied, in float; RGBA comes out."""
    alpha = frame[3].cast("float") / top
    if behind.bands == 3:
        return (frame[:3] * alpha + behind * (1 - alpha)).bandjoin(float(top))
    rest = (behind[3].cast("float") / top) * (1 - alpha)
    total = alpha + rest
    colours = (frame[:3] * alpha + behind[:3] * rest) / (total < 1e-6).ifthenelse(1, total)
    return colours.bandjoin(total * top)
