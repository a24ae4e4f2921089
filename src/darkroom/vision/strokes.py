"""Strokes that mend a matte: a line is drawn through what is wrong, and the rest of that goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision import segmentation
from darkroom.vision.matting import refine_alpha
from darkroom.vision.segmentation import BACKGROUND, LIKELY_BACKGROUND, SUBJECT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 480
"""The longer side at which it is found out how far a stroke goes."""
REACH, SHORTEST = 0.75, 0.05
"""How far a stroke goes: a share of its length, which is taken for this share of the picture's longer side at least."""
ROUNDS = 2
"""How often the colours of what stays are learned anew, without what the stroke has taken."""
LEAST = 50
"""Pixels from which colours can be learned."""


def mend(pixels: Array, alpha: Array, keep: Array | None, remove: Array | None) -> Array:
    """A matte with the strokes forced in, and with them what they were drawn through.

    Each stroke gives the colours of its side, the part of the matte that says otherwise the colours of the other; a
    graph cut with both (GrabCut, Rother et al., SIGGRAPH 2004, its colours held) says what belongs to the stroke, of
    what is connected with it and not far from it. The outline is then worked out again. The matte stays as it is
    everywhere else. Where strokes contradict each other ``remove`` wins.

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.
        alpha: ``height x width``, float32, 0.0 to 1.0.
        keep: ``height x width``, bool: what is certainly subject.
        remove: the same for what is certainly background.

    Returns:
        ``height x width``, float32, 0.0 to 1.0.
    """
    none = np.zeros(alpha.shape, bool)
    remove = none if remove is None else remove
    keep = none if keep is None else keep & ~remove
    small = segmentation.shrink(pixels, SIDE)
    size = (small.shape[1], small.shape[0])
    before = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.5
    out = _shrunk(remove, size)
    sides = ((_shrunk(keep, size) & ~out, True), (out, False))
    after = before
    for (stroke, subject), (other, _) in (sides, sides[::-1]):
        after = np.where(_taken(small, stroke, other, after == subject), subject, after)
    result = alpha.copy()
    changed = after != before
    if changed.any():
        rough = segmentation.refine(pixels, after.astype(np.float32))
        fresh = refine_alpha(pixels, rough)
        share = _around(changed, rough.shape, alpha.shape)
        result += share * (fresh - result)
    result[keep], result[remove] = 1, 0
    return result


def _shrunk(stroke: Array, size: tuple[int, int]) -> Array:
    """A stroke at another size: however thin it is, it stays."""
    return cv2.resize(stroke.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0


def _taken(small: Array, stroke: Array, other: Array, here: Array) -> Array:
    """What goes over to the stroke's side, bool; ``here`` is what is on it already, ``other`` must not go over."""
    own = stroke & ~here
    taken = own
    if not own.any():
        return taken
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    mine = _mixture(colours[own])
    labels = np.where(_within(stroke), LIKELY_BACKGROUND, BACKGROUND).astype(np.uint8)
    labels[here] = SUBJECT
    labels[other], labels[stroke] = BACKGROUND, SUBJECT
    for _ in range(ROUNDS):
        rest = ~here & ~taken
        if np.count_nonzero(rest) < LEAST:
            break
        state, theirs = labels.copy(), _mixture(colours[rest])
        cv2.grabCut(colours, state, None, theirs, mine.copy(), 1, cv2.GC_EVAL_FREEZE_MODEL)  # pyright: ignore
        taken = _connected(((state & 1) > 0) & ~here, own)
    return taken


def _within(stroke: Array) -> Array:
    """What the parts of a stroke reach, each as far as it is long."""
    near = np.zeros(stroke.shape, bool)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(stroke.astype(np.uint8))
    for part in range(1, count):
        length = float(np.hypot(boxes[part, cv2.CC_STAT_WIDTH], boxes[part, cv2.CC_STAT_HEIGHT]))
        away = cv2.distanceTransform((parts != part).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        near |= away <= REACH * max(length, SHORTEST * max(stroke.shape))
    return near


def _connected(region: Array, seeds: Array) -> Array:
    """The connected parts of a region that hold a seed."""
    _, parts = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    held = np.unique(parts[seeds & region])
    return np.isin(parts, held[held > 0])


def _mixture(colours: Array, most: int = 5) -> Array:
    """Colours, ``n x 3``, as the Gaussian mixture that OpenCV's GrabCut takes: weights, means, covariances in a row."""
    samples = colours[np.linspace(0, len(colours) - 1, min(len(colours), 4000)).astype(int)].astype(np.float32)
    count = min(most, max(1, len(samples) // 20))
    labels: Array = np.zeros(len(samples), int)
    if count > 1:
        cv2.setRNGSeed(1)
        stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
        labels = cv2.kmeans(samples, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)[1].ravel()  # pyright: ignore
    weights, centres = np.zeros(most), np.zeros((most, 3))
    # A camera's noise is the least spread; it also gives components without a weight a matrix that can be inverted.
    spreads = np.repeat(20.0 * np.eye(3)[None], most, axis=0)
    for part in range(count):
        members = samples[labels == part]
        weights[part], centres[part] = len(members) / len(samples), members.mean(axis=0)
        if len(members) > 3:
            spreads[part] += np.cov(members.T)
    return np.concatenate([weights, centres.ravel(), spreads.ravel()])[None]


def _around(changed: Array, fine: tuple[int, ...], full: tuple[int, ...]) -> Array:
    """How much of a matte is made anew, 0.0 to 1.0, at its full size: what has changed, and the outline about it."""
    wide = cv2.resize(changed.astype(np.float32), fine[::-1], interpolation=cv2.INTER_LINEAR)
    reach = max(3, round(max(fine) / 60))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    soft = cv2.blur(cv2.dilate((wide > 0).astype(np.float32), disc), (reach, reach))
    return np.clip(cv2.resize(soft, full[::-1], interpolation=cv2.INTER_LINEAR), 0, 1)
