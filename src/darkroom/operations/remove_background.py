"""Cut a picture's subject out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from darkroom.errors import ExtraMissing, InvalidParameters, LicenceRefused, ModelMissing, NetworkError
from darkroom.mask import read_mask
from darkroom.operation import Context, Extent, MaskName, Models, Network, Operation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image

    Array = NDArray[Any]
    Strokes = tuple[Array | None, Array | None]
    """Where to keep and where to remove, each ``height x width``, bool."""

DEFAULT_MODEL = "isnet-general-use"
PREFERRED = (DEFAULT_MODEL, "birefnet-general", "birefnet-general-lite", "u2net", "silueta", "u2netp")
"""Models for any subject, the best first: what a choice that is left to us takes of those that are ready."""

EMPTY = 0.0005
"""Coverage below which a mask is called empty."""
SOLVING = 75
"""Bytes for each pixel while a mask becomes a matte (measured: 57 to 71)."""


class RemoveBackground(Operation, name="remove_background"):
    """Cut out the subject: what is behind it becomes transparent."""

    tasks = ("matte",)

    method: Literal["auto", "model", "grabcut", "watershed", "edges"] = Field(
        default="auto",
        description="model runs a network; grabcut, watershed and edges need none (grabcut suits most pictures, edges "
        "clear outlines on calm backgrounds); auto takes a network if one is ready, else grabcut, and says which.",
    )
    model: str | None = Field(
        default=None,
        max_length=200,
        description=f"Name of a matte model; empty takes {DEFAULT_MODEL}, or another that is ready.",
    )
    keep: MaskName | None = Field(
        default=None,
        max_length=4096,
        description="Path of a picture with white strokes on black over what is subject and was lost: what they run "
        "through is kept with them.",
    )
    remove: MaskName | None = Field(
        default=None,
        max_length=4096,
        description="The same over what is background and was kept; where both are white it is removed.",
    )
    alpha_matting: bool = Field(
        default=False, description="Work out half-transparent pixels from the colours: for hair, fur and fine edges."
    )
    foreground_threshold: int = Field(
        default=240, ge=1, le=255, description="From this value of the mask on a pixel is subject; for alpha_matting."
    )
    background_threshold: int = Field(
        default=10, ge=0, le=254, description="Up to this value of the mask a pixel is background; for alpha_matting."
    )
    erode_size: int = Field(
        default=10, ge=0, le=200, description="Width in pixels of the band that is worked out; for alpha_matting."
    )
    decontaminate: bool = Field(
        default=True, description="Estimate the subject's own colours at its soft edge, so that no fringe is left."
    )
    only_mask: bool = Field(default=False, description="Give the mask itself, as a grey picture: white is the subject.")

    def apply(self, image: Image, context: Context) -> Image:
        """Find the matte of every frame and make it the alpha; an alpha that was there is multiplied in."""
        import numpy as np

        if self.background_threshold >= self.foreground_threshold:
            raise InvalidParameters(
                "remove_background: background_threshold must be below foreground_threshold.",
                cure=f"It may be 0 to {self.foreground_threshold - 1} here.",
                field="background_threshold",
            )
        network = self._network(context, image.width * image.height * len(image.frames) / 1e6)
        method = "model" if network else "grabcut" if self.method == "auto" else self.method
        context.method(method if network or self.method != "auto" else "builtin")
        if self.method == "auto" and not network:
            context.note(algorithm="grabcut")
        strokes = self._strokes(image, context)
        coverage: list[float] = []
        frames: list[Any] = []
        for index in range(len(image.frames)):

            def advance(fraction: float, doing: str, index: int = index) -> None:
                context.progress((index + fraction) / len(image.frames), doing)

            pixels = image.to_array(index)
            alpha = self._alpha(pixels[..., :3], method, network, strokes, context, advance)
            coverage.append(float(alpha.mean()))
            if image.has_alpha:
                alpha = alpha * (pixels[..., 3].astype(np.float32) / image.maximum)
            frames.append(self._result(image, pixels, alpha).frames[0])
            advance(1.0, "cut out")
        context.note(coverage=round(sum(coverage) / len(coverage), 4))
        self._judge(coverage, network, context)
        result = image.with_frames(tuple(frames))
        if self.only_mask:
            from dataclasses import replace

            return replace(result, grey=True)
        return result

    def _network(self, context: Context, megapixels: float) -> Network | None:
        if self.method not in ("auto", "model"):
            return None
        name = self.model or DEFAULT_MODEL
        entry = context.models.find(name)
        if entry.task != "matte" or entry.preprocessing is None:
            raise InvalidParameters(
                f"remove_background: {entry.name} is not a matte model.",
                cure="`darkroom models list` shows which are.",
                field="model",
            )
        precision = None
        if self.model is None:
            ready = [other.name for other in context.models.installed("matte")]
            usual = [other for other in PREFERRED if other in ready]
            chosen = context.models.choose("matte", usual, megapixels, context.seconds_left(), context)
            if chosen is not None:
                name, precision = chosen
            elif name not in ready and usual:
                context.note(chosen=f"{usual[0]}, because it is ready and {name} is not")
                name = usual[0]
        try:
            return context.models.network(name, context, precision=precision)
        except (ModelMissing, NetworkError, LicenceRefused, ExtraMissing) as error:
            if self.method == "model":
                raise
            context.fallback(f"the network {name}", "builtin", str(error), lasting=isinstance(error, ModelMissing))
            return None

    def _strokes(self, image: Image, context: Context) -> Strokes | None:
        """What is certainly subject and certainly background; None where nothing is said."""
        keep, remove = (
            read_mask(name, image, context) if name is not None else None for name in (self.keep, self.remove)
        )
        for name, stroke in (("keep", keep), ("remove", remove)):
            if stroke is not None and not stroke.any():
                context.warn(f"The strokes of {name} are nowhere white, and change nothing.")
        return None if keep is None and remove is None else (keep, remove)

    def _alpha(
        self,
        pixels: Array,
        method: str,
        network: Network | None,
        strokes: Strokes | None,
        context: Context,
        advance: Any,
    ) -> Array:
        """The matte of one frame, ``height x width``, float32, 0.0 to 1.0."""
        import cv2

        from darkroom.vision import matting, segmentation
        from darkroom.vision.strokes import mend

        height, width = pixels.shape[:2]
        eight = pixels if pixels.dtype.itemsize == 1 else (pixels >> 8).astype("uint8")
        if network is not None:
            from darkroom.vision.checks import mask_fault
            from darkroom.vision.matte_network import prepare, read

            how = network.entry.preprocessing
            assert how is not None
            advance(0.05, f"run {network.entry.name}")
            # An empty or full mask is computed again more carefully, and refused if it stays so.
            made = network.predict(prepare(pixels, how), check=lambda raw: mask_fault(read(raw, how)))
            rough = read(made, how)
            alpha = cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR)
            context.check_cancelled()
        else:
            advance(0.05, "find the subject")
            found = segmentation.METHODS[method](eight)
            if found.plain:
                context.note(background="plain")
            advance(0.5, "follow the outline")
            alpha = matting.refine_alpha(eight, found.mask)
        if strokes is not None:
            context.check_cancelled()
            alpha = mend(eight, alpha, *strokes)
        if self.alpha_matting:
            trimap = matting.trimap_from_mask(
                alpha, self.foreground_threshold, self.background_threshold, self.erode_size
            )
            for stroke, value in zip(strokes or (None, None), (1, 0), strict=True):
                if stroke is not None:
                    trimap[stroke] = value
            if not ((trimap == 1).any() and (trimap == 0).any()):
                context.warn("Alpha matting was left out: the mask has no certain subject or no certain background.")
            else:
                alpha = matting.solve_alpha(
                    pixels, trimap, lambda part: advance(0.5 + 0.4 * part, "alpha matting"), mask=alpha
                )
        return alpha

    def _result(self, image: Image, pixels: Array, alpha: Array) -> Image:
        """One frame with its alpha, or the mask as a picture."""
        import numpy as np

        from darkroom.vision.matting import estimate_foreground

        opacity = np.rint(alpha * image.maximum).astype(pixels.dtype)
        if self.only_mask:
            return image.with_array(opacity[..., None])
        colours = estimate_foreground(pixels[..., :3], alpha) if self.decontaminate else pixels[..., :3]
        result = np.empty((*opacity.shape, 4), pixels.dtype)
        result[..., :3], result[..., 3] = colours, opacity
        return image.with_array(result)

    def _judge(self, coverage: list[float], network: Network | None, context: Context) -> None:
        """Say so of an empty or full mask that was made without a network."""
        empty, full = max(coverage) < EMPTY, min(coverage) > 1 - EMPTY
        if network is None and (empty or full):
            what = "nothing" if empty else "everything"
            context.warn(f"No subject was found: the mask holds {what}. A network may do better: darkroom models pull.")

    def working_memory(self, picture: Extent, models: Models) -> int:
        """Mask, matte and colours in floats, several times over; and the network where one is ready."""
        names = [self.model] if self.model else [name for name in PREFERRED if models.ready(name)]
        network = models.memory(names[0]) if names and self.method in ("auto", "model") else 0
        return SOLVING * picture.pixels + 60_000_000 + network + 2 * picture.bytes
