"""Enlarge a picture two, three or four times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from darkroom.canvas import IN_MEMORY, Canvas
from darkroom.errors import (
    ExtraMissing,
    InvalidParameters,
    LicenceRefused,
    ModelMissing,
    NetworkError,
)
from darkroom.operation import Context, Extent, Models, Network, Operation
from darkroom.parameters import ModelName, Pixels

if TYPE_CHECKING:
    import numpy as np
    import pyvips
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.models.catalogue import ModelEntry

    Strips = Callable[[NDArray[Any], Callable[[float, str], None]], Iterator[tuple[int, NDArray[np.float32]]]]

GENERAL = "realesr-general-x4v3"
"""The network whose denoising can be turned down, by mixing in the weights of the one below."""
GENERAL_NOISY = "realesr-general-wdn-x4v3"
PREFERRED = ("realesrgan-x4plus", "realesrgan-x2plus", GENERAL)
DRAWINGS = ("realesrgan-x4plus-anime-6b", "realesr-animevideov3")
"""Networks made for drawings, which paint photographs flat: the last resort of a choice that is left to us."""

MAPS = 10
"""Floats for each value of a strip that the builtin way has at a time (measured)."""


class Upscale(Operation, name="upscale"):
    """Enlarge a picture two to four times, with a super-resolution network or by edge-aware interpolation."""

    tasks = ("upscale",)

    scale: Literal[2, 3, 4] = Field(default=2, description="How many times as wide and as high the result is.")
    method: Literal["auto", "model", "builtin"] = Field(
        default="auto",
        description="model runs a network; builtin interpolates and sharpens along edges, without any download; "
        "auto takes a network if one is ready and says in the report what it took.",
    )
    model: ModelName | None = Field(
        default=None,
        description="Name of an upscale model; empty takes realesrgan-x2plus for scale 2 and realesrgan-x4plus above, "
        "or another that is ready. Its own scale may differ: the result is resized.",
    )
    denoise_strength: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How much noise realesr-general-x4v3 removes, 0 to 1; empty is 1. No other model has it.",
    )
    tile: Pixels | None = Field(
        default=None,
        ge=32,
        le=2048,
        description="Longest side of a tile, in input pixels; empty or auto takes what suits.",
    )
    overlap: Pixels | None = Field(
        default=None,
        ge=0,
        le=256,
        description="How many input pixels a tile sees beyond its own, at most a quarter of tile; empty or auto takes "
        "what suits the network.",
    )

    @field_validator("tile", "overlap", "model", "denoise_strength", mode="before")
    @classmethod
    def _auto_is_empty(cls, value: Any) -> Any:
        return None if value in ("auto", "") else value

    @field_validator("model")
    @classmethod
    def _no_model_for_builtin(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("method") == "builtin":
            raise ValueError("method builtin uses no model")
        return value

    @field_validator("denoise_strength")
    @classmethod
    def _no_denoising_without_model(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("method") == "builtin":
            raise ValueError("method builtin does not denoise")
        return value

    @field_validator("overlap")
    @classmethod
    def _overlap_fits_tile(cls, value: int | None, info: ValidationInfo) -> int | None:
        tile = info.data.get("tile")
        if value is not None and tile is not None and value * 4 > tile:
            raise ValueError(f"may be at most a quarter of tile, {tile // 4}")
        return value

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """``scale`` times as large."""
        return (width * self.scale, height * self.scale)

    def working_memory(self, picture: Extent, models: Models) -> int:
        """The picture in a few copies, strips of the result, and the network where one is ready; no whole result."""
        from darkroom.vision.enlarge import REACH, STRIP

        name = self._wanted(models)
        if self.model is None and not models.ready(name):
            name = next((entry.name for entry in self._ready(models)), name)
        network = models.memory(name, self.tile) if self.method != "builtin" else 0
        rows = (STRIP + 2 * REACH) * self.scale
        strips = picture.width * self.scale * rows * 3 * 4 * MAPS
        bleeding = 50 * picture.pixels if picture.bands == 4 else 0
        return 3 * picture.bytes + bleeding + strips + network + min(self.result(picture).bytes, IN_MEMORY)

    def apply(self, image: Image, context: Context) -> Image:
        """Run the network, or the builtin enlarger where there is none and ``method`` is auto."""
        if self.method == "builtin":
            return self._builtin(image, context)
        try:
            network = self._network(context, image.width * image.height * len(image.frames) / 1e6)
        except (ModelMissing, NetworkError, LicenceRefused, ExtraMissing) as error:
            if self.method == "model":
                raise
            wanted = f"the network {self._wanted(context.models)}"
            context.fallback(wanted, "builtin", str(error), lasting=isinstance(error, ModelMissing))
            return self._builtin(image, context)
        context.method("model")
        return self._with_network(image, context, network)

    def _wanted(self, models: Models) -> str:
        """The model that was asked for, or the usual one for this scale."""
        if self.model is not None:
            return models.find(self.model).name
        if self.denoise_strength is not None:
            return GENERAL
        return "realesrgan-x2plus" if self.scale == 2 else "realesrgan-x4plus"

    def _network(self, context: Context, megapixels: float) -> Network:
        name = self._wanted(context.models)
        if self.denoise_strength is not None and name != GENERAL:
            raise InvalidParameters(
                f"upscale: {name} has no denoise_strength.",
                cure=f"Leave it out, or set model to {GENERAL}.",
                field="denoise_strength",
            )
        entry = context.models.find(name)
        if entry.task != "upscale":
            raise InvalidParameters(
                f"upscale: {name} is a model for {entry.task}.",
                cure="`darkroom models list` shows which upscale.",
                field="model",
            )
        free = self.model is None and self.denoise_strength is None
        ready = self._ready(context.models) if free else []
        photographic = [one.name for one in ready if one.name not in DRAWINGS] or [one.name for one in ready]
        chosen = None
        if free:
            left = context.seconds_left()
            chosen = context.models.choose("upscale", photographic, megapixels, left, context)
        if chosen is not None:
            return context.models.network(chosen[0], context, precision=chosen[1])
        if free and not context.models.ready(name):
            other = ready[0] if ready else None
            if other is not None:
                context.note(chosen=f"{other.name}, because it is ready and {name} is not")
                if other.name in DRAWINGS:
                    context.warn(f"{other.name} is made for drawings and paints photographs flat.")
                name = other.name
        blend = None
        if self.denoise_strength is not None and self.denoise_strength < 1:
            blend = {GENERAL: self.denoise_strength, GENERAL_NOISY: 1 - self.denoise_strength}
        return context.models.network(name, context, blend=blend)

    def _ready(self, models: Models) -> list[ModelEntry]:
        """The models that are ready, the best first: large enough, for photographs, by known authors, in that order."""
        found = [entry for entry in models.installed("upscale") if entry.name != GENERAL_NOISY]
        usual = self._wanted(models)

        def rank(entry: ModelEntry) -> tuple[bool, bool, bool, int]:
            known = PREFERRED.index(entry.name) if entry.name in PREFERRED else len(PREFERRED)
            return (entry.name != usual, entry.name in DRAWINGS, entry.scale < self.scale, known)

        return sorted(found, key=rank)

    def _with_network(self, image: Image, context: Context, network: Network) -> Image:
        if network.scale != self.scale:
            context.note(resized=f"from the network's {network.scale} times to {self.scale} times, by Lanczos")

        def strips(
            pixels: NDArray[Any], progress: Callable[[float, str], None]
        ) -> Iterator[tuple[int, NDArray[np.float32]]]:
            return network.strips(pixels, tile=self.tile, overlap=self.overlap, progress=progress)

        return self._every_frame(image, context, strips, network.scale)

    def _builtin(self, image: Image, context: Context) -> Image:
        from darkroom.vision.enlarge import enlarge_strips

        context.method("builtin")

        def strips(
            pixels: NDArray[Any], progress: Callable[[float, str], None]
        ) -> Iterator[tuple[int, NDArray[np.float32]]]:
            for row, strip in enlarge_strips(pixels, self.scale):
                progress(row / (pixels.shape[0] * self.scale), "enlarge")
                yield row, strip

        return self._every_frame(image, context, strips, self.scale)

    def _every_frame(self, image: Image, context: Context, strips: Strips, scale: int) -> Image:
        count = len(image.frames)
        frames: list[Any] = []
        for index in range(count):

            def advance(fraction: float, doing: str, index: int = index) -> None:
                where = f"frame {index + 1} of {count}, " if count > 1 else ""
                context.progress((index + fraction) / count, where + doing)

            enlarged = image.with_frames((_enlarge(image, index, strips, scale, advance),))
            if scale != self.scale:
                enlarged = _resize(enlarged, image.width * self.scale, image.height * self.scale)
            frames.append(enlarged.frames[0])
        return image.with_frames(tuple(frames))


def _enlarge(
    image: Image, index: int, strips: Strips, scale: int, progress: Callable[[float, str], None]
) -> pyvips.Image:
    """One frame, ``scale`` times as large in the same type; of the result no more than a strip is in memory.

    Colours are bled under what is not seen before they are enlarged, so that no leftover colour shines through at
    edges; alpha is enlarged in the same way as the colours, and held within its neighbourhood, so that what was clear
    or solid stays exactly so.
    """
    import numpy as np

    from darkroom.vision.enlarge import bleed, limits

    pixels = image.to_array(index)
    height, width, bands = pixels.shape
    colours, alpha = pixels[..., :3], pixels[..., 3] if bands == 4 else None
    constant = alpha is None or bool((alpha == alpha[0, 0]).all())
    if alpha is not None and not constant:
        colours = bleed(colours, alpha)
    # A picture that was grey stays exactly grey: a network answers with three channels that differ a little.
    grey = image.grey and bool((colours == colours[..., :1]).all())

    def first(fraction: float, doing: str) -> None:
        progress(fraction if constant else fraction / 2, doing)

    def second(fraction: float, doing: str) -> None:
        progress(0.5 + fraction / 2, f"alpha, {doing}")

    with Canvas(height * scale, width * scale, 3, bits=image.bits) as canvas:
        for _, strip in strips(np.ascontiguousarray(colours), first):
            part = np.broadcast_to(strip.mean(axis=2, keepdims=True), strip.shape) if grey else strip
            canvas.add(_whole(part, pixels.dtype))
        frame = canvas.finish()
    if alpha is None:
        return frame
    if constant:
        return frame.bandjoin(int(alpha[0, 0]))
    with Canvas(height * scale, width * scale, 1, bits=image.bits) as canvas:
        for row, strip in strips(np.repeat(alpha[..., None], 3, axis=2), second):
            lowest, highest = limits(alpha, scale, rows=(row, row + strip.shape[0]))
            part = np.clip(_whole(strip.mean(axis=2), pixels.dtype), lowest, highest)
            canvas.add(part[..., None])
        return frame.bandjoin(canvas.finish())


def _whole(values: NDArray[np.float32], kind: Any) -> NDArray[Any]:
    """0.0 to 1.0 as whole numbers of that type, clipped and rounded."""
    import numpy as np

    top = np.iinfo(kind).max
    return np.rint(np.clip(values, 0.0, 1.0) * np.float32(top)).astype(kind)


def _resize(image: Image, width: int, height: int) -> Image:
    """Resize by Lanczos; alpha premultiplied. Enlarging is OpenCV's, which keeps pixel centres where they belong."""
    if width < image.width:
        horizontal, vertical = width / image.width, height / image.height
        return image.map_premultiplied(
            lambda frame: frame.resize(horizontal, vscale=vertical, kernel="lanczos3")  # pyright: ignore
        )
    from darkroom.vision.enlarge import lanczos

    return image.with_array(lanczos(image.to_array(), (width, height)))
