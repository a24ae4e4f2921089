"""Saliency: how much each place of a picture belongs to what the picture is of.

A blend of classical cues, each a page of arithmetic, none learned from pictures; only their six weights were fitted
(logistic regression on cut-outs that are not among those the tests measure on).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[Any]  # float32; OpenCV does not say so in its types

WORKING_SIDE = 160
"""The longer side, in pixels, at which the cues are computed."""
FAR = 1e3

# Weight of each cue in the logistic blend, in the order of `_cues`, and the bias.
_WEIGHTS = np.array((5.11, -1.30, 1.15, 2.85, 2.55, 2.32), np.float32)
_BIAS = np.float32(-5.68)


def saliency_map(pixels: NDArray[np.uint8]) -> Float:
    """How likely each pixel is part of the subject.

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.

    Returns:
        ``height x width``, float32, 0.0 to 1.0; smooth, at the precision of a picture 160 pixels wide.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    cues = np.stack(_cues(small), axis=-1)
    likely = 1.0 / (1.0 + np.exp(-(cues @ _WEIGHTS + _BIAS)))
    return cv2.resize(likely.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def _cues(small: NDArray[Any]) -> list[Float]:
    """The cues, each ``height x width``: barrier (twice), enclosure, contrast, rarity, focus."""
    flat = cv2.bilateralFilter(small, 7, 40, 5)
    lab = cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    seeds = _background_seeds(*small.shape[:2])
    barrier = np.add.reduce([_barrier_distance(lab[..., channel], seeds) for channel in range(3)])
    return [
        np.sqrt(_stretch(barrier)),
        _rank(barrier),
        _stretch(_geodesic_distance(_edges(lab), seeds)),
        np.sqrt(_stretch(_border_contrast(lab))),
        _centre_rarity(lab),
        _rank(_focus(small)),
    ]


def _background_seeds(height: int, width: int) -> NDArray[np.bool_]:
    """The picture's border, without the middle of its lower edge: that is where things stand or are cut off."""
    seeds = np.zeros((height, width), bool)
    seeds[0] = seeds[-1] = True
    seeds[:, 0] = seeds[:, -1] = True
    seeds[-1, width // 5 : width - width // 5] = False
    return seeds


def _neighbours(array: Float, fill: float) -> list[Float]:
    """The array moved by one pixel in each of four directions."""
    padded = np.pad(array, 1, constant_values=fill)
    return [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]


def _barrier_distance(channel: Float, seeds: NDArray[np.bool_], rounds: int = 150) -> Float:
    """Minimum barrier distance to the seeds: the least (highest - lowest) value on any path.

    Strand et al., "The minimum barrier distance", CVIU 2013; as a saliency cue Zhang et al., "Minimum barrier salient
    object detection at 80 FPS", ICCV 2015. Relaxed for all pixels at once, which NumPy does faster than a raster scan.
    """
    distance = np.where(seeds, 0, FAR).astype(np.float32)
    high, low = channel.copy(), channel.copy()
    for _ in range(rounds):
        changed = False
        for reached, above, below in zip(
            _neighbours(distance, FAR), _neighbours(high, FAR), _neighbours(low, -FAR), strict=True
        ):
            new_high, new_low = np.maximum(above, channel), np.minimum(below, channel)
            better = (reached < FAR) & (new_high - new_low < distance - 1e-4)
            if better.any():
                changed = True
                high, low = np.where(better, new_high, high), np.where(better, new_low, low)
                distance = np.where(better, high - low, distance)
        if not changed:
            break
    return distance


def _geodesic_distance(cost: Float, seeds: NDArray[np.bool_], rounds: int = 400) -> Float:
    """Least sum of ``cost`` on any path to the seeds (Wei et al., "Geodesic saliency", ECCV 2012)."""
    distance = np.where(seeds, 0, FAR).astype(np.float32)
    for _ in range(rounds):
        before = distance
        for reached in _neighbours(distance, FAR):
            distance = np.minimum(distance, reached + cost)
        if float(np.abs(before - distance).max()) < 1e-4:
            break
    return distance


def _edges(lab: Float) -> Float:
    """Strength of the colour gradient, 0.01 to 1.01; the strongest twentieth counts as full."""
    squares = [
        cv2.Sobel(lab[..., channel], cv2.CV_32F, *direction) ** 2
        for channel in range(3)
        for direction in ((1, 0), (0, 1))
    ]
    gradient = np.sqrt(np.add.reduce(squares))
    return (np.clip(gradient / (np.percentile(gradient, 95) + 1e-3), 0, 1) + 0.01).astype(np.float32)


def _border_contrast(lab: Float) -> Float:
    """Colour distance to the nearest of the main colours of any side of the picture."""
    band = max(3, int(0.08 * max(lab.shape[:2])))
    sides = (lab[:band], lab[-band:], lab[:, :band], lab[:, -band:])
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 0.5)
    distances: list[Float] = []
    for side in sides:
        colours = np.ascontiguousarray(side.reshape(-1, 3))
        cv2.setRNGSeed(1)
        _, labels, centres = cv2.kmeans(colours, 3, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # pyright: ignore
        shares = np.bincount(labels.ravel(), minlength=3) / len(colours)
        # A colour of less than a tenth of a side may be the subject, reaching the border.
        distances += [
            np.linalg.norm(lab - centre, axis=2) + 20 * (share < 0.1)
            for centre, share in zip(centres, shares, strict=True)
        ]
    return np.minimum.reduce(distances)


def _centre_rarity(lab: Float) -> Float:
    """Log-likelihood ratio of each colour: seen near the centre against seen on the border; about -1 to 1."""
    bins = 12
    height, width = lab.shape[:2]
    low, span = np.array((0, -60, -60), np.float32), np.array((100, 120, 120), np.float32)
    index = np.clip((lab - low) / span * bins, 0, bins - 1).astype(np.intp) @ np.array((bins * bins, bins, 1))
    y, x = np.mgrid[0:height, 0:width]
    near_centre = np.exp(-((y / height - 0.5) ** 2 + (x / width - 0.5) ** 2) / 0.08)
    band = max(3, int(0.08 * max(height, width)))
    border = np.ones((height, width), bool)
    border[band:-band, band:-band] = False

    def histogram(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.bincount(index.ravel(), weights=weights.ravel(), minlength=bins**3).reshape(bins, bins, bins)
        for axis in range(3):
            padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
            counts = (np.take(padded, range(bins), axis) + 2 * counts + np.take(padded, range(2, bins + 2), axis)) / 4
        return counts.ravel() / counts.sum()

    ratio = np.log((histogram(near_centre) + 1e-4) / (histogram(border.astype(np.float64)) + 1e-4))[index]
    return cv2.GaussianBlur(ratio.astype(np.float32), (0, 0), 2) / 4


def _focus(small: NDArray[Any]) -> Float:
    """Fine detail around each pixel: what a photographer focused on has it, a blurred background has not."""
    light = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    detail = np.abs(light - cv2.GaussianBlur(light, (0, 0), 1.5))
    return cv2.GaussianBlur(detail, (0, 0), 8)


def _stretch(array: Float) -> Float:
    return (array - array.min()) / (np.ptp(array) + 1e-6)


def _rank(array: Float) -> Float:
    """Each value's place in the order of all, 0.0 to 1.0."""
    ranks = np.empty(array.size, np.float32)
    ranks[np.argsort(array, axis=None, kind="stable")] = np.linspace(0, 1, array.size, dtype=np.float32)
    return ranks.reshape(array.shape)
