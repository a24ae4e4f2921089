"""The detector of the operations that look for faces: the network where it is here, else the cascades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkroom.errors import ExtraMissing, LicenceRefused, ModelMissing, NetworkError
from darkroom.operation import Context, Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.faces import Face

    Array = NDArray[Any]

DETECTOR = "yunet"
SMALL, LARGE = 640, 2560
"""Longer sides of the pictures that the cascades, and the network, look at."""


class FaceFinder:
    """Finds faces in one picture or frame after the other.

    The report says which detector it is. ``insist``: that the network is not here is a fallback, and an error in
    strict mode; else the cascades are as good.
    """

    def __init__(self, context: Context, *, insist: bool) -> None:
        ready = {entry.name for entry in context.models.installed("face_detection")}
        name = DETECTOR if DETECTOR in ready or not ready else sorted(ready)[0]
        self.network: Network | None = None
        try:
            self.network = context.models.network(name, context)
        except (ModelMissing, NetworkError, LicenceRefused, ExtraMissing) as error:
            if insist:
                context.fallback(f"the face detector {name}", "Haar cascade", str(error))
        context.note(detector=name if self.network else "haar")

    def find(self, image: Image, frame: int = 0) -> list[Face]:
        """The faces of one frame, the surest first, in the picture's coordinates."""
        return self.find_in(*seen(image, LARGE if self.network else SMALL, frame))

    def find_in(self, pixels: Array, factor: float = 1.0) -> list[Face]:
        """The faces of ``height x width x 3``, uint8, RGB, in coordinates ``factor`` times as large."""
        from darkroom.vision import faces

        if self.network is None:
            found = faces.find_with_haar(pixels)
        else:
            found = faces.find_with_yunet(pixels, self.network.predict_all)
        return [faces.moved(face, factor) for face in found]


def seen(image: Image, side: int, frame: int = 0) -> tuple[Array, float]:
    """A frame as a person sees it, ``height x width x 3`` uint8, transparent parts white; and its scale.

    A larger one is averaged down to between ``side`` and twice that, its longer side; the scale, 1.0 or more, is how
    many of the picture's pixels one of its pixels is.
    """
    from dataclasses import replace

    still = replace(image, frames=image.frames[frame : frame + 1], animation=None)
    factor = max(1, max(image.size) // side)
    if factor > 1:
        still = still.map(lambda part: part.shrink(factor, factor))
    if still.has_alpha:
        top = still.maximum
        still = still.map(lambda part: part.flatten(background=[top] * 3, max_alpha=top))
    pixels = still.to_array()
    return pixels if pixels.dtype.itemsize == 1 else (pixels >> 8).astype("uint8"), float(factor)
