"""Repair what compression did to a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.errors import ExtraMissing, InvalidParameters, LicenceRefused, ModelMissing, NetworkError
from darkroom.operation import Context, Extent, Models, Network, Operation
from darkroom.operations.inpaint import Inpaint
from darkroom.operations.upscale import Upscale
from darkroom.parameters import Box, ModelName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.jpeg import Grid

    Array = NDArray[Any]

DEFAULT_MODEL = "fbcnn-color"
GOOD = 92
"""From this quality on there is nothing to repair that anybody sees."""
BANDED = 0.002
"""Share of a picture from which on its steps are worth smoothing."""
REPAIRING = 110
"""Bytes for each pixel at work (measured: 85 to 100)."""


class FixArtifacts(Operation, name="fix_artifacts"):
    """Measure what JPEG compression did to a picture, blocks, ringing and steps in smooth tones, and repair it."""

    tasks = ("deblocking", "inpainting")

    deblock: Literal["auto", "builtin", "model", "off"] = Field(
        default="auto",
        description="builtin needs no model; model runs a network; auto takes a network if one is ready, else builtin.",
    )
    model: ModelName | None = Field(
        default=None, description=f"Name of a deblocking model; empty takes {DEFAULT_MODEL}."
    )
    strength: float = Field(default=1.0, ge=0, le=1, description="How much of the repair is taken.")
    quality: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="The JPEG quality to repair, as libjpeg counts; empty takes the file's, or finds it in the pixels.",
    )
    where: Literal["auto", "all"] = Field(
        default="auto",
        description="auto repairs only regions in which blocks are found, where the pixels have to tell; all the "
        "whole picture.",
    )
    deband: bool = Field(default=True, description="Smooth steps in runs of tones, with dithering.")
    denoise: float = Field(default=0.0, ge=0, le=1, description="Also take noise away: how much of it.")
    fill: list[Box] = Field(
        default=[],
        max_length=200,
        description="Also fill these rectangles from what is around them, as inpaint does: [left, top, width, height] "
        "each, pixels, or shares of the picture where all four are at most 1.",
    )
    scale: Literal[1, 2, 3, 4] = Field(
        default=1, description="Also enlarge so many times afterwards; see upscale, whose defaults it takes."
    )

    def apply(self, image: Image, context: Context) -> Image:
        """Measure, repair what is there, measure again. A picture without artifacts comes back as it is."""
        network = self._network(context)
        context.method("model" if network else "builtin")
        before: list[dict[str, Any]] = []
        after: list[dict[str, Any]] = []
        frames: list[Any] = []
        done: set[str] = set()
        for index in range(len(image.frames)):

            def advance(fraction: float, doing: str, index: int = index) -> None:
                context.progress(0.9 * (index + fraction) / len(image.frames), doing)

            pixels = image.to_float(index)
            made, measured, again, did = self._repair(image, pixels, network, advance)
            before.append(measured)
            after.append(again)
            done |= did
            frames.append(image.with_array(made).frames[0] if did else image.frames[index])
        single = len(before) == 1
        context.note(before=before[0] if single else before, after=after[0] if single else after, repaired=sorted(done))
        result = image.with_frames(tuple(frames)) if done else image
        if self.fill:
            result = Inpaint(boxes=self.fill).apply(result, context)
            context.method("model" if network else "builtin")
        if self.scale > 1:
            result = self._upscale().apply(result, context)
        return result

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """``scale`` times as large."""
        return (width * self.scale, height * self.scale)

    def working_memory(self, picture: Extent, models: Models) -> int:
        """A few copies in floats, or a network; or the enlarger."""
        network = 0
        if self.deblock in ("auto", "model"):
            name = self.model or DEFAULT_MODEL
            network = models.memory(name) if models.ready(name) else 0
        own = REPAIRING * picture.pixels + network + 2 * picture.bytes + 60_000_000
        if self.fill:
            own = max(own, Inpaint(boxes=self.fill).working_memory(picture, models))
        return max(own, self._upscale().working_memory(picture, models) if self.scale > 1 else 0)

    def _upscale(self) -> Upscale:
        return Upscale.model_validate({"scale": self.scale})

    def _network(self, context: Context) -> Network | None:
        if self.deblock not in ("auto", "model"):
            return None
        name = self.model or DEFAULT_MODEL
        entry = context.models.find(name)
        if entry.task != "deblocking":
            raise InvalidParameters(
                f"fix_artifacts: {entry.name} is no deblocking model.",
                cure="`darkroom models list` shows which are.",
                field="model",
            )
        if self.deblock == "auto" and self.model is None and not context.models.ready(name):
            return None
        try:
            return context.models.network(name, context)
        except (ModelMissing, NetworkError, LicenceRefused, ExtraMissing) as error:
            if self.deblock == "model":
                raise
            context.fallback(f"the network {name}", "builtin", str(error), lasting=isinstance(error, ModelMissing))
            return None

    def _repair(
        self, image: Image, pixels: Array, network: Network | None, advance: Callable[[float, str], None]
    ) -> tuple[Array, dict[str, Any], dict[str, Any], set[str]]:
        """One frame repaired, what was measured before and after, and what was done."""
        import numpy as np

        from darkroom.vision import banding, jpeg, noise

        colours, done = np.ascontiguousarray(pixels[..., :3]), set[str]()
        advance(0.0, "measure")
        grid, subsampled, source = self._grid(image, colours)
        measured = self._measure(colours, grid, source)
        made = colours
        if grid is not None and grid.quality < GOOD and self.deblock != "off":
            if network is not None:
                network_made = network.enlarge(
                    colours, tile=None, overlap=None, progress=lambda part, _: advance(0.1 + 0.6 * part, "deblock")
                )
                made = colours + np.float32(self.strength) * (np.clip(network_made, 0, 1) - colours)
            else:
                made = jpeg.deblock(
                    colours,
                    grid.quality,
                    subsampled=subsampled,
                    place=grid.place,
                    strength=self.strength,
                    on_progress=lambda part: advance(0.1 + 0.6 * part, "deblock"),
                )
            if self.where == "auto" and source == "pixels":
                share = jpeg.regions(colours, grid)[..., None]
                measured["share"] = round(float(share.mean()), 3)
                made = colours + share * (made - colours)
            done.add("blocks")
        if self.denoise:
            made, level = noise.denoise(made, self.denoise, lambda part: advance(0.7 + 0.1 * part, "denoise"))
            measured["noise"] = round(255 * level, 2)
            if level >= noise.SILENT:
                done.add("noise")
        if self.deband:
            advance(0.85, "deband")
            levels = made * np.float32(255)
            # Repaired pixels are no whole levels; what a file shows of them is.
            banded = banding.mask(np.rint(levels))
            if banded.mean() >= BANDED:
                levels = banding.smooth(levels, banded, dither=image.bits == 8)
                made = levels / np.float32(255)
                done.add("bands")
        if not done:
            return pixels, measured, measured, done
        if image.grey and np.ptp(colours, axis=2).max() == 0:
            made = np.repeat(made.mean(axis=2, keepdims=True), 3, axis=2)
        result = pixels.copy()
        result[..., :3] = np.clip(made, 0, 1)
        after = self._measure(np.ascontiguousarray(result[..., :3]), grid, None)
        return result, measured, after, done

    def _grid(self, image: Image, colours: Array) -> tuple[Grid | None, bool, str | None]:
        """The blocks, whether colour has half the size, and who says so: the parameter, the file, or the pixels."""
        from darkroom.vision import jpeg

        found = jpeg.find_grid(colours)
        place = found.place if found is not None else (0, 0)
        if self.quality is not None:
            return jpeg.Grid(place, self.quality), True, "asked for"
        origin = image.origin
        whole = origin.format == "jpeg" and (origin.width, origin.height) in (image.size, image.size[::-1])
        # The file's own quality counts if nothing has moved the grid since; a second saving may hide a worse first.
        if whole and origin.quality is not None and (found is None or found.quality >= origin.quality - 5):
            if origin.orientation not in (None, 1) and found is not None:
                return found, origin.subsampling != "4:4:4", "pixels"
            return jpeg.Grid((0, 0), origin.quality), origin.subsampling != "4:4:4", "file"
        return found, True, "pixels" if found is not None else None

    def _measure(self, colours: Array, grid: Grid | None, source: str | None) -> dict[str, Any]:
        """Numbers for the report: levels of eight bits, and shares of the picture."""
        import numpy as np

        from darkroom.vision import banding, jpeg

        luma = np.ascontiguousarray(colours @ np.array([0.299, 0.587, 0.114], np.float32)) * np.float32(255)
        measured: dict[str, Any] = {
            "blocking": round(jpeg.blocking(luma, grid.place), 3) if grid else 0.0,
            "ringing": round(jpeg.ringing(luma), 3),
            "banding": round(float(banding.mask(np.rint(colours * np.float32(255))).mean()), 4),
        }
        if grid is not None and source is not None:
            measured |= {"quality": grid.quality, "quality_from": source, "grid": list(grid.place)}
        return measured
