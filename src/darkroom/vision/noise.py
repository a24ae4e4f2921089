"""Noise: how much there is, and taking it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision import dct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CUT = 2.7
"""Noise levels below which a frequency is noise: the usual bound for hard thresholds."""
CHROMA = 1.3
"""Noise of colour is seen more than what is lost with it."""
SILENT = 0.004
"""Noise, 0.0 to 1.0, below which there is none to speak of: a level of eight bits."""

BLOCK = 8
"""Side of the blocks, in details of two pixels, among which the calmest are looked for."""
CLIPPED = 0.03


def estimate(plane: Array) -> float:
    """Standard deviation of the noise of ``height x width``, float32, 0.0 to 1.0, in the same units.

    From the finest diagonal detail, which pictures have least of (Donoho and Johnstone, 1994), where the picture is
    calmest: texture is no noise, and noise is everywhere. Where black or white are clipped, noise is too.
    """
    high, wide = plane.shape[0] // (2 * BLOCK), plane.shape[1] // (2 * BLOCK)
    if high * wide < 4:
        return 0.0
    part = plane[: high * 2 * BLOCK, : wide * 2 * BLOCK]
    diagonal = (part[::2, ::2] - part[1::2, ::2] - part[::2, 1::2] + part[1::2, 1::2]) / 2
    squares = (diagonal**2).reshape(high, BLOCK, wide, BLOCK).mean(axis=(1, 3))
    means = part.reshape(high, 2 * BLOCK, wide, 2 * BLOCK).mean(axis=(1, 3))
    seen = squares[(means > CLIPPED) & (means < 1 - CLIPPED)]
    if seen.size < 4:
        return 0.0
    # Of the mean of 64 squares of noise alone, a tenth lies below 0.78 of what it is on average.
    return float(np.sqrt(np.quantile(seen, 0.1) / 0.78))


def denoise(
    pixels: Array, strength: float = 1.0, on_progress: Callable[[float], None] | None = None
) -> tuple[Array, float]:
    """Take noise away in brightness and, more of it, in colour; gives the result and the noise that was found.

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0.
        strength: how much of it, 0.0 to 1.0.
        on_progress: called with the fraction that is done.
    """
    tell = on_progress or dct.silent
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YCrCb)
    found = [estimate(planes[..., channel]) for channel in range(3)]
    if max(found) < SILENT or strength == 0:
        return pixels, max(found)
    done: list[Array] = []
    for channel, level in enumerate(found):
        plane = planes[..., channel]
        if channel == 0:
            made = dct.shrink(plane, CUT * level, on_progress=lambda part: tell(0.6 * part))
        else:
            # Colour is coarse, for the eye and in most files: half the size, twice the noise's reach.
            small = (max(1, plane.shape[1] // 2), max(1, plane.shape[0] // 2))
            half = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
            rest = half - dct.shrink(half, CHROMA * CUT * max(level, found[0] / 4) / 2)
            made = plane - cv2.resize(rest, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
            fine = made - cv2.GaussianBlur(made, (0, 0), 1.0)
            made = made - fine * np.float32(np.abs(fine) < CUT * level)
            tell(0.6 + 0.2 * channel)
        done.append(plane + np.float32(strength) * (made - plane))
    result = cv2.cvtColor(cv2.merge(done), cv2.COLOR_YCrCb2RGB)
    return np.clip(result, 0.0, 1.0), max(found)
