"""What goes into a matte network and what comes out of it, as its authors do both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.models.catalogue import Preprocessing

    Array = NDArray[Any]


def prepare(pixels: Array, how: Preprocessing) -> Array:
    """The batch that a matte network takes.

    Args:
        pixels: ``height x width x 3``, uint8 or uint16, RGB.
        how: the catalogue entry's pre-processing.

    Returns:
        ``1 x 3 x how.size[1] x how.size[0]``, float32.
    """
    top = float(np.iinfo(pixels.dtype).max)
    # Large pictures are averaged on the way down, or thin things would be skipped over.
    smaller = how.size[0] * how.size[1] < pixels.shape[0] * pixels.shape[1]
    resized = cv2.resize(pixels, how.size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4)
    values = resized.astype(np.float32)
    if how.order == "bgr":
        values = values[..., ::-1]
    if how.scale == "max":
        values = values / max(float(values.max()), 1e-6)
    elif how.scale == "unit":
        values = values / top
    else:
        values = values * (255 / top)
    values = (values - np.asarray(how.mean, np.float32)) / np.asarray(how.std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)


def read(output: Array, how: Preprocessing) -> Array:
    """The mask in a matte network's first output.

    Args:
        output: ``1 x channels x height x width``, or without leading ones, float32; some networks put channels last.
        how: the catalogue entry's pre-processing.

    Returns:
        ``height x width``, float32, 0.0 to 1.0.
    """
    planes = np.asarray(output, np.float32)
    while planes.ndim > 3:
        planes = planes[0]
    if planes.ndim == 2:
        planes = planes[None]
    if planes.shape[-1] <= 4 < planes.shape[0]:
        planes = planes.transpose(2, 0, 1)
    if how.output == "softmax":
        spread = np.exp(planes - planes.max(axis=0))
        mask = (spread / spread.sum(axis=0))[how.channel]
    else:
        mask = planes[how.channel]
    if how.output == "sigmoid":
        mask = 1 / (1 + np.exp(-np.clip(mask, -60, 60)))
    elif how.output == "minmax":
        low, high = float(mask.min()), float(mask.max())
        mask = (mask - low) / max(high - low, 1e-6)
    return np.clip(mask, 0, 1).astype(np.float32)
