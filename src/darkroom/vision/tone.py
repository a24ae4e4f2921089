"""Tone and colour balance, measured on a list of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

GAIN_RANGE = (0.6, 1.7)
"""How far a channel may be changed: a stronger cast is more likely the picture's subject than its light."""


def to_linear(values: Array) -> Array:
    """SRGB values, 0.0 to 1.0, as linear light (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0.04045) + 0.055) / 1.055) ** 2.4)


def from_linear(light: Array) -> Array:
    """Linear light as sRGB values, clipped to 0.0 to 1.0."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


def balance_gains(colours: Array) -> Array:
    """Factor for red, green and blue, in linear light, that takes a colour cast away; brightness is kept.

    Shades of grey with the sixth Minkowski norm (Finlayson and Trezzi, "Shades of gray and colour constancy", 2004):
    between assuming that all is grey on average (first norm) and that the brightest is white (infinite norm).

    Args:
        colours: ``n x 3``, 0.0 to 1.0, sRGB.
    """
    light = to_linear(colours)
    norm = np.maximum((light**6).mean(axis=0) ** (1 / 6), 1e-4)
    gains = np.clip(norm.mean() / norm, *GAIN_RANGE)
    weights = np.array((0.2126, 0.7152, 0.0722))
    before, after = (light @ weights).mean(), ((light * gains) @ weights).mean()
    return np.clip(gains * (before / max(after, 1e-6)), *GAIN_RANGE)


def stretch_limits(colours: Array, share: float = 0.005) -> tuple[float, float]:
    """The values that become black and white: all but ``share`` of all values at either end lie between them.

    A picture of one tone is left as it is: (0.0, 1.0).

    Args:
        colours: ``n x 3``, 0.0 to 1.0, sRGB.
        share: of values cut off at each end, 0.0 to 0.5.
    """
    low, high = (float(value) for value in np.quantile(colours, (share, 1 - share)))
    return (low, high) if high - low > 0.02 else (0.0, 1.0)


def lift_shadows(pixels: Array, amount: float) -> Array:
    """Lighten what lies in the dark, and leave what lies in the light.

    The light that falls on each part is estimated from the brightest channel and smoothed along edges (Guo, Li and
    Ling, "LIME: low-light image enhancement via illumination map estimation", 2017; guided filter: He, Sun and Tang,
    2013); each part is divided by a power of its light, so that detail and hue stay.

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0.
        amount: 0.0 to 1.0; 1.0 shows nearly all that the dark holds.
    """
    import cv2

    brightest = pixels.max(axis=2)
    factor = min(1.0, 512 / max(brightest.shape))
    size = (max(1, round(brightest.shape[1] * factor)), max(1, round(brightest.shape[0] * factor)))
    small = cv2.resize(brightest, size, interpolation=cv2.INTER_AREA)
    radius, epsilon = 2 * (max(size) // 32) + 1, 0.01
    mean = cv2.blur(small, (radius, radius))
    variance = np.maximum(cv2.blur(small * small, (radius, radius)) - mean * mean, 0)
    slope = variance / (variance + epsilon)
    offset = mean - slope * mean
    large = brightest.shape[::-1]
    slope, offset = (cv2.resize(cv2.blur(part, (radius, radius)), large) for part in (slope, offset))
    # Black holds nothing to show but noise: light never counts as less than this.
    light = np.clip(slope * brightest + offset, 0.03, 1.0)
    gain = light ** np.float32(-0.6 * amount)
    # Beyond white there is nothing: what would be clipped is brought in softly.
    return (1 - (1 - np.clip(pixels, 0, 1)) ** gain[..., None]).astype(np.float32) if amount else pixels
