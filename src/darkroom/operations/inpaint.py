"""Fill parts of a picture from what is around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from darkroom.colour import Colour, parse_colour
from darkroom.errors import ExtraMissing, InvalidParameters, LicenceRefused, ModelMissing, NetworkError
from darkroom.mask import read_mask
from darkroom.operation import Context, Extent, MaskName, Models, Network, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from darkroom.image import Image

    Array = NDArray[Any]

PREFERRED = ("lama", "migan")
"""Inpainting models, the best first."""
WORKING = 160
"""Bytes for each pixel at work, where the hole is everywhere (measured: 110 to 140)."""

Box = tuple[float, float, float, float]


class Inpaint(Operation, name="inpaint"):
    """Fill what a mask, boxes or a colour point out from what is around it; all else stays as it is."""

    tasks = ("inpainting",)

    model_config = ConfigDict(
        json_schema_extra={"x-needs": [{"required": ["mask"]}, {"required": ["boxes"]}, {"required": ["color"]}]}
    )

    mask: MaskName | None = Field(
        default=None, max_length=4096, description="Path of a picture that is white where to fill and black elsewhere."
    )
    boxes: list[Box] = Field(
        default=[],
        max_length=200,
        description="Rectangles to fill, [left, top, width, height] each: pixels, or shares of the picture where all "
        "four are at most 1.",
    )
    color: Colour | None = Field(default=None, description="Fill where the picture has this colour.")
    tolerance: float = Field(default=12.0, ge=0, le=255, description="How far from that colour, in levels of 255.")
    grow: int = Field(default=2, ge=0, le=100, description="Pixels by which all of that is made wider.")
    method: Literal["auto", "model", "multiscale", "telea", "navier_stokes"] = Field(
        default="auto",
        description="model runs a network; multiscale is Darkroom's own; telea and navier_stokes are OpenCV's; auto "
        "takes a network if one is ready, else multiscale.",
    )
    model: str | None = Field(
        default=None, max_length=200, description=f"Name of an inpainting model; empty takes {PREFERRED[0]}."
    )

    @model_validator(mode="after")
    def _something_to_fill(self) -> Inpaint:
        if self.mask is None and not self.boxes and self.color is None:
            raise ValueError("say what to fill: mask, boxes or color")
        for left, top, width, height in self.boxes:
            if width <= 0 or height <= 0 or left < 0 or top < 0:
                raise ValueError("boxes are [left, top, width, height], with a size above 0")
        return self

    def apply(self, image: Image, context: Context) -> Image:
        """Fill every frame; alpha stays, and so does every pixel outside."""
        given = read_mask(self.mask, image, context) if self.mask is not None else None
        filler = Filler(context, self.method, self.model)
        shares: list[float] = []
        frames: list[Any] = []
        for index in range(len(image.frames)):

            def advance(fraction: float, index: int = index) -> None:
                context.progress((index + fraction) / len(image.frames), "fill")

            pixels = image.to_float(index)
            hole = self._hole(pixels, given)
            shares.append(float(hole.mean()))
            if not hole.any():
                frames.append(image.frames[index])
                continue
            frames.append(filled(image, index, pixels, hole, filler, advance).frames[0])
        context.method(filler.method)
        context.note(filled=round(sum(shares) / len(shares), 5))
        if not any(shares):
            context.warn("There was nothing to fill: the mask is empty.")
            return image
        if min(shares) == 1:
            context.warn("All of the picture is to be filled, and there is nothing to fill it from.")
        return image.with_frames(tuple(frames))

    def working_memory(self, picture: Extent, models: Models) -> int:
        """A few copies in floats about the holes, or a network."""
        names = [self.model] if self.model else [name for name in PREFERRED if models.ready(name)]
        network = models.memory(names[0]) if names and self.method in ("auto", "model") else 0
        return WORKING * picture.pixels + 2 * picture.bytes + network + 60_000_000

    def hole(self, image: Image, context: Context) -> Array:
        """What is to be filled in the first frame, ``height x width``, bool."""
        given = read_mask(self.mask, image, context) if self.mask is not None else None
        return self._hole(image.to_float(), given)

    def _hole(self, pixels: Array, given: Array | None) -> Array:
        """What is to be filled, ``height x width``, bool."""
        import cv2
        import numpy as np

        height, width = pixels.shape[:2]
        hole = np.zeros((height, width), bool) if given is None else given.copy()
        for left, top, wide, high in self.boxes:
            across, down = (width, height) if max(left, top, wide, high) <= 1 else (1, 1)
            first, last = round(left * across), round((left + wide) * across)
            upper, lower = round(top * down), round((top + high) * down)
            hole[upper : max(lower, upper + 1), first : max(last, first + 1)] = True
        if self.color is not None:
            wanted = np.array(parse_colour(self.color)[:3], np.float32) / 255
            hole |= np.abs(pixels[..., :3] - wanted).max(axis=2) <= (self.tolerance + 0.5) / 255
        if self.grow and hole.any():
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * self.grow + 1,) * 2)
            hole = cv2.dilate(hole.astype(np.uint8), kernel) > 0
        return hole


def filled(
    image: Image, index: int, pixels: Array, hole: Array, filler: Filler, advance: Callable[[float], None]
) -> Image:
    """One frame with its hole filled; every value outside is the very same."""
    import numpy as np

    made = filler.fill(np.ascontiguousarray(pixels[..., :3]), hole, advance)
    if image.grey and np.ptp(pixels[..., :3], axis=2).max() == 0:
        made = np.repeat(made.mean(axis=2, keepdims=True), 3, axis=2)
    result = image.to_array(index)
    result[..., :3][hole] = np.rint(np.clip(made[hole], 0, 1) * image.maximum).astype(result.dtype)
    return image.with_array(result)


class Filler:
    """Fills holes by one method; falls back from a network to Darkroom's own, and says so."""

    def __init__(self, context: Context, method: str, model: str | None) -> None:
        self._context = context
        self._network = self._load(method, model) if method in ("auto", "model") else None
        self.method = "model" if self._network else "multiscale" if method in ("auto", "model") else method

    def fill(self, pixels: Array, hole: Array, advance: Callable[[float], None]) -> Array:
        """Fill ``height x width x 3``, float32, 0.0 to 1.0, where ``hole`` is True."""
        from darkroom.vision import inpainting

        if self._network is None:
            method: Any = self.method
            return inpainting.fill(pixels, hole, method, advance)
        network = self._network
        return inpainting.fill_with_network(network.predict, network.entry.interface, pixels, hole, advance)

    def _load(self, method: str, model: str | None) -> Network | None:
        models = self._context.models
        ready = [entry.name for entry in models.installed("inpainting")]
        name = model or next((name for name in [*PREFERRED, *ready] if name in ready), PREFERRED[0])
        entry = models.find(name)
        if entry.task != "inpainting":
            raise InvalidParameters(
                f"{entry.name} is no inpainting model.", cure="`darkroom models list` shows which are.", field="model"
            )
        if method == "auto" and model is None and name not in ready:
            return None
        try:
            return models.network(name, self._context, precision="fp32")
        except (ModelMissing, NetworkError, LicenceRefused, ExtraMissing) as error:
            if method == "model":
                raise
            self._context.fallback(
                f"the network {name}", "multiscale", str(error), lasting=isinstance(error, ModelMissing)
            )
            return None
