"""Steps in what should be a smooth run of tones: how much of a picture has them, and smoothing them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

REACH = 12.0
"""Pixels over which a run of tones is smoothed: steps are further apart the worse they are seen."""
ALLOWED = 1.25
"""Levels of eight bits by which a pixel may change: a step is one, and what is more is the picture's own."""


def mask(pixels: Array) -> Array:
    """Where a run of tones has steps, ``height x width``, bool.

    There the picture is flat from pixel to pixel and yet rises or falls at large: nothing but rounding does that; a
    plain surface does not rise, and all else is not flat.

    Args:
        pixels: ``height x width x 3``, float32, in levels of eight bits, 0.0 to 255.0.
    """
    if min(pixels.shape[:2]) < 8:
        return np.zeros(pixels.shape[:2], bool)
    luma = np.ascontiguousarray(pixels @ np.array([0.299, 0.587, 0.114], np.float32))
    kernel = np.ones((3, 3), np.uint8)
    span = np.zeros(luma.shape, np.float32)
    for channel in range(3):
        plane = np.ascontiguousarray(pixels[..., channel])
        span = np.maximum(span, cv2.dilate(plane, kernel) - cv2.erode(plane, kernel))
    flat = cv2.blur((span < 0.25).astype(np.float32), (9, 9))
    steps = cv2.blur((span > ALLOWED + 1).astype(np.float32), (9, 9))
    broad = cv2.GaussianBlur(luma, (0, 0), REACH)
    slope = np.hypot(cv2.Sobel(broad, cv2.CV_32F, 1, 0), cv2.Sobel(broad, cv2.CV_32F, 0, 1)) / 8
    found = (flat > 0.35) & (steps == 0) & (slope > 0.01) & (slope < 0.5) & (np.abs(luma - broad) < 3 * ALLOWED)
    # A run of tones is wide; specks are chance.
    opened = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    return opened.astype(bool)


def smooth(pixels: Array, where: Array, *, dither: bool, seed: int = 0) -> Array:
    """Smooth the steps in ``where`` away, no pixel by more than :data:`ALLOWED` levels.

    Args:
        pixels: as in :func:`mask`.
        where: ``height x width``, bool; its border is blended.
        dither: add noise of a level before rounding to whole levels, so that the smooth run does not get steps again
            (triangular noise: Lipshitz, Wannamaker and Vanderkooy, 1992).
        seed: of that noise: the same picture gives the same result.
    """
    share = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 4.0)
    share = np.clip(2 * share - 0.5, 0.0, 1.0)[..., None]
    # Averages over what is in the run of tones only, so that nothing beside it leaks in.
    weight = where.astype(np.float32)
    total = np.maximum(cv2.GaussianBlur(weight, (0, 0), REACH), 1e-3)[..., None]
    mean = cv2.GaussianBlur(pixels * weight[..., None], (0, 0), REACH) / total
    change = np.clip(mean - pixels, -ALLOWED, ALLOWED)
    result = pixels + share * change
    if dither:
        noise = np.random.default_rng(seed)
        one, other = (noise.random((*where.shape, 1), np.float32) for _ in range(2))
        result = np.where(share > 0, np.rint(result + share * (one - other) * 0.5), result)
    return np.clip(result, 0.0, 255.0)
