"""Aligned faces before and after: the builtin restoration, the blend of the two, and whether it is the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

STRUCTURE = 48
"""Side at which two faces are compared: eyes, brows, nose and mouth are there, pores and lashes are not."""


def blend(before: Array, after: Array, strength: float) -> Array:
    """``strength * after + (1 - strength) * before``, float32."""
    return (np.float32(strength) * after + np.float32(1 - strength) * before).astype(np.float32)


def clarify(face: Array, blur: float) -> Array:
    """Make an enlarged face clearer without a network: noise smoothed along its edges, then its edges steeper.

    Args:
        face: ``side x side x 3``, float32, 0.0 to 1.0.
        blur: how many of its pixels one pixel of the picture became, 1.0 or more.
    """
    smooth = cv2.bilateralFilter(face, 0, 0.025, float(np.clip(0.4 * blur, 1.0, 6.0)))
    sigma = float(np.clip(0.35 * blur, 0.8, 8.0))
    fine = smooth - cv2.GaussianBlur(smooth, (0, 0), sigma)
    result = smooth + 1.2 * fine
    # Held between what lies around, so that no halo forms at steep edges.
    reach = 2 * max(1, round(0.7 * blur)) + 1
    kernel = np.ones((reach, reach), np.uint8)
    return np.clip(result, cv2.erode(face, kernel), cv2.dilate(face, kernel))


def same_light(face: Array, reference: Array) -> Array:
    """``face`` with the brightness and colour that ``reference`` has at large; detail stays its own.

    Networks shift both a little, differently from frame to frame, which flickers.
    """
    sigma = face.shape[0] / 16
    return face + cv2.GaussianBlur(reference, (0, 0), sigma) - cv2.GaussianBlur(face, (0, 0), sigma)


def structure(face: Array) -> Array:
    """What a face is told by where no network for it is here: its light and dark places, coarsely, as a unit vector.

    Args:
        face: aligned, ``side x side x 3``, float32, 0.0 to 1.0.
    """
    grey = cv2.resize(
        face @ np.array([0.299, 0.587, 0.114], np.float32), (STRUCTURE,) * 2, interpolation=cv2.INTER_AREA
    )
    coarse = cv2.GaussianBlur(grey, (0, 0), 1.0)
    # Light from one side and the tone of the skin are not what tells a face.
    local = coarse - cv2.GaussianBlur(coarse, (0, 0), 6.0)
    y, x = (np.mgrid[0:STRUCTURE, 0:STRUCTURE] + 0.5) / STRUCTURE
    weight = np.exp(-(((x - 0.5) / 0.22) ** 2 + ((y - 0.58) / 0.22) ** 2))
    vector = (local * weight).ravel()
    vector -= vector.mean()
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-6 else vector


def drift(before: Array, after: Array) -> float:
    """How far two descriptions of a face (unit vectors) are apart: 0.0 the same, 1.0 nothing in common."""
    return float(np.clip(1.0 - np.dot(before.ravel(), after.ravel()), 0.0, 1.0))
