"""Masks: second pictures that say, white on black, where something holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.operation import Context


def read_mask(name: str, image: Image, context: Context) -> NDArray[Any]:
    """Where a mask is white, ``height x width`` of ``image``, bool.

    A grey counts as white from 128 of 255 on, what is transparent as black. A mask of another size is scaled, which is
    warned of. Raises InputError where it cannot be opened.
    """
    import cv2
    import numpy as np

    found = context.open_image(name)
    pixels = found.to_float()
    white = pixels[..., :3].max(axis=2) * (pixels[..., 3] if pixels.shape[2] == 4 else 1)
    if found.size != image.size:
        context.warn(f"The mask is {found.width} x {found.height} and was scaled to {image.width} x {image.height}.")
        white = cv2.resize(white, image.size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(white >= 0.5)
