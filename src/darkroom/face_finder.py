"""What operations with faces share: finding them and telling whose they are, by networks where those are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkroom.errors import DarkroomError, ExtraMissing, LicenceRefused, ModelMissing, NetworkError
from darkroom.operation import Context, Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.vision.faces import Face

    Array = NDArray[Any]

DETECTOR = "yunet"
SMALL, LARGE = 640, 2560
"""Longer sides of the pictures that the cascades, and the network, look at."""
OTHER_EMBEDDING, OTHER_STRUCTURE = 0.637, 0.2
"""Distances from which two faces are two people's: for SFace the bound of its authors, for structure where one in a
hundred pairs of strangers begins (38 faces)."""
SAME_STRUCTURE = 0.1
"""Up to here structure takes two faces for one person's: rather one person twice than two people as one."""


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
                wanted = f"the face detector {name}"
                context.fallback(wanted, "Haar cascade", str(error), lasting=isinstance(error, ModelMissing))
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


class FaceIdentity:
    """Tells whose face it is: by a network for that where one is here, else by places of light and dark."""

    def __init__(self, context: Context) -> None:
        self._network: Network | None = None
        self.name = "structure"
        ready = context.models.installed("face_embedding")
        if ready:
            try:
                self._network = context.models.network(ready[0].name, context, precision="fp32")
                self.name = ready[0].name
            except DarkroomError as error:
                context.fallback(f"the face embedding {ready[0].name}", "structure", str(error))

    @property
    def other(self) -> float:
        """From how far apart two descriptions are of two people."""
        return OTHER_EMBEDDING if self._network else OTHER_STRUCTURE

    @property
    def same(self) -> float:
        """Up to how far apart two descriptions are of one person."""
        return OTHER_EMBEDDING if self._network else SAME_STRUCTURE

    def describe(self, face: Array) -> Array:
        """What an aligned face (``side x side x 3``, float32, 0.0 to 1.0) is told by: a unit vector."""
        import numpy as np

        from darkroom.vision import face_alignment, face_restoration

        if self._network is None:
            return face_restoration.structure(face)
        vector = self._network.predict(face_alignment.for_embedding(face)).ravel()
        return vector / max(float(np.linalg.norm(vector)), 1e-6)


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
