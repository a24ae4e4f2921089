"""Visible watermarks: working out their opacity and colour, and taking them back out.

A mark is blended over a picture: ``J = (1 - alpha) * I + alpha * W`` (Dekel, Rubinstein, Liu and Freeman, "On the
effectiveness of visible watermarks", CVPR 2017). Where alpha and W are known, I is too. They are told here from the
border of the mark: the pixels on its two sides were alike before, so that in all such pairs together the inner one is
a straight line of the outer one, whose slope is 1 - alpha and whose height is alpha * W.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision import dct, inpainting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NEAR = 5.0
"""Pixels between the two of a pair."""
FEWEST = 60
"""Pairs without which nothing can be told."""
OPAQUE = 0.88
"""Opacity from which on too little of the picture is left under the mark to bring it back: it is filled instead."""
FAINT = 0.04
"""Opacity below which there is no mark to speak of."""
ROUNDS = 4
"""Of telling the shape by the line and the line by the shape."""
USUAL = 120.0
"""Pairs that the colour of the whole mark counts as much as, where it is told for a part of it."""
REFINED, TRACES = 5, 0.12
"""Rounds of taking the traces of a mark into account, and up to which strength they are such, 0.0 to 1.0."""
STEADY = 0.5
"""How much the colour that was found counts against what each pixel says."""
PRIOR = 0.01
"""How much the shape that was found counts against what the colours say, where these say little."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark: ``alpha``, ``height x width``, and ``colour``, ``height x width x 3``, float32, 0.0 to 1.0.

    ``apart`` is how far, 0.0 to 1.0, the pairs at its border lie from the straight line: how little it is understood.
    """

    alpha: Array
    colour: Array
    apart: float

    @property
    def opacity(self) -> float:
        """Of the inside of the mark, 0.0 to 1.0: single pixels may have more."""
        there = self.alpha[self.alpha > self.alpha.max() / 3]
        return float(np.quantile(there, 0.7)) if there.size else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """``inner = slope * outer + height``, one slope for all channels; ``apart`` is the usual distance from it."""

    slope: float
    height: Array
    apart: float


def solve(pictures: Sequence[Array], mask: Array) -> Mark | None:
    """Opacity and colour of a mark that all pictures have in the same place; None where they cannot be told.

    Args:
        pictures: one or more, ``height x width x 3``, float32, 0.0 to 1.0.
        mask: ``height x width``, bool: where the mark is, a pixel or two more rather than less.
    """
    outside = ~mask
    inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inside.sum() < FEWEST:
        inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    line = _line(pictures, inside, outside)
    if line is None:
        return None
    # What was taken for the inside has edges and gaps in it, so that the mark seems fainter than it is: where it is
    # strongest is its inside.
    inside = np.zeros_like(inside)
    shape = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    for turn in range(ROUNDS):
        shape = _shape(pictures, line, inside, outside, shape)
        full = float(np.quantile(shape[mask], 0.95)) if turn < ROUNDS - 1 else 1.0
        smooth = cv2.medianBlur(shape, 3) if turn < 2 else shape
        inside, outside = smooth > 0.85 * full, shape < 0.04 * full
        if inside.sum() < FEWEST:
            break
        again = _line(pictures, inside, outside)
        if again is None:
            break
        line = again
        shape = np.clip(shape / full, 0, 1)
    if line.slope > 1 - FAINT and float(np.abs(line.height).max()) < FAINT:
        return None
    if line.slope > 1 - FAINT:
        line = Line(1 - FAINT, line.height, line.apart)
    height = _height(pictures, line, inside, outside)
    shape = np.clip(_shape(pictures, line, inside, outside, np.clip(shape, 0, 1), height, fine=True), 0, 1)
    if len(pictures) > 1 and line.slope > 1 - OPAQUE:
        for _ in range(REFINED):
            shape, height = _refined(pictures, line, height, shape, mask)
    opacity = 1 - line.slope
    colour = np.clip(height / opacity, 0, 1).astype(np.float32)
    return Mark((opacity * shape).astype(np.float32), colour, line.apart)


def remove(pixels: Array, mark: Mark, on_progress: Callable[[float], None] | None = None) -> tuple[Array, Array]:
    """Take a mark out; gives the picture and where it had to be filled because too little was left of it.

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0, with the mark.
        mark: of the same size.
        on_progress: called with the fraction that is done.
    """
    alpha = mark.alpha[..., None]
    bare = (pixels - alpha * mark.colour) / np.maximum(1 - alpha, 1 - OPAQUE)
    lost = mark.alpha > OPAQUE
    # What the blend cannot have made is a sign that the mark is not understood there.
    lost |= (np.maximum(bare - 1, -bare).max(axis=2) > 0.08) & (mark.alpha > 0.5)
    bare = np.clip(bare, 0, 1)
    lost = cv2.dilate(lost.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0 if lost.any() else lost
    result = np.where(mark.alpha[..., None] > 0, bare, pixels).astype(np.float32)
    return inpainting.fill(result, lost, on_progress=on_progress or dct.silent), lost


def left_over(pixels: Array, mark: Mark) -> float:
    """How much of a mark is still in a picture: the opacity that its border would now be told to have, 0.0 or more."""
    inside, outside = mark.alpha > 0.85 * mark.opacity, mark.alpha < 0.03 * mark.opacity
    line = _line([pixels], inside, outside)
    if line is None:
        return 0.0
    shift = float(np.abs(line.height - (1 - line.slope) * mark.colour[inside].mean(axis=0)).max())
    return max(abs(1 - line.slope), shift)


def _line(pictures: Sequence[Array], inside: Array, outside: Array) -> Line | None:
    """The line through all pairs of a pixel inside and the nearest one outside, robustly."""
    found = _pairs(inside, outside)
    if found is None:
        return None
    near, row, column = found
    inner = np.concatenate([picture[near] for picture in pictures]).astype(np.float64)
    outer = np.concatenate([picture[row, column] for picture in pictures]).astype(np.float64)
    trust = np.ones(len(inner))
    slope, height, apart = 1.0, np.zeros(3), 1.0
    for _ in range(15):
        share = trust / trust.sum()
        middle, other = share @ inner, share @ outer
        up, across = inner - middle, outer - other
        both = float((share[:, None] * up * across).sum())
        wide, high = float((share[:, None] * across**2).sum()), float((share[:, None] * up**2).sum())
        # On a plain surface, or where nothing is left of it, only an opaque mark can be told. Else neither side is
        # without noise, and the line lies between the two regressions (reduced major axis).
        slope = 0.0 if wide < 1e-5 or both <= 0 else min((high / wide) ** 0.5, 1.2)
        height = middle - slope * other
        rest = np.abs(inner - slope * outer - height).max(axis=1)
        apart = 1.4826 * float(np.median(rest)) + 1e-4
        trust = 1 / (1 + (rest / (1.5 * apart)) ** 2) ** 2
    return Line(slope, height, apart)


def _pairs(inside: Array, outside: Array) -> tuple[Array, Array, Array] | None:
    """Pixels inside near the border, and row and column of the nearest pixel outside for each of them."""
    if not inside.any() or not outside.any():
        return None
    away, labels = cv2.distanceTransformWithLabels(
        (~outside).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(outside)
    places: Any = np.zeros((int(labels.max()) + 1, 2), np.int64)
    places[labels[outside]] = np.stack([rows, columns], axis=1)
    near = inside & (away <= max(NEAR, float(np.quantile(away[inside], 0.1)) + 1))
    if near.sum() < FEWEST:
        return None
    row, column = places[labels[near]].T
    return near, row, column


def _refined(pictures: Sequence[Array], line: Line, height: Array, shape: Array, mask: Array) -> tuple[Array, Array]:
    """Shape and height again, from what is left of the mark in all pictures when it is taken out by these.

    Traces of a mark are weak, sharp and the same in every picture; what the pictures show is not. Without weak detail a
    picture is what it should be there (in the place of the regularisers of Dekel et al.).
    """
    opacity = 1 - line.slope
    above, below = np.zeros(shape.shape, np.float32), np.zeros(shape.shape, np.float32)
    guesses: list[Array] = []
    for picture in pictures:
        bare = np.clip((picture - shape[..., None] * height) / (1 - opacity * shape[..., None]), 0, 1)
        planes = [np.ascontiguousarray(bare[..., band]) for band in range(3)]
        guess = np.dstack([dct.shrink(plane, TRACES, inpainting.PLACES) for plane in planes])
        step = (height - opacity * guess).astype(np.float32)
        above += ((picture - guess) * step).sum(axis=2)
        below += (step**2).sum(axis=2)
        guesses.append(guess)
    weight = PRIOR * len(pictures)
    shape = np.clip((above + weight * shape) / (below + weight), 0, min(1.25, 0.97 / opacity))
    shape = np.where(mask, shape, 0.0).astype(np.float32)
    there = shape[..., None]
    rest = sum(picture - (1 - opacity * there) * guess for picture, guess in zip(pictures, guesses, strict=True))
    weight = STEADY * len(pictures)
    return shape, (there * rest + weight * height) / (len(pictures) * there**2 + weight)


def _height(pictures: Sequence[Array], line: Line, inside: Array, outside: Array) -> Array:
    """The line's height at each pixel, ``height x width x 3``: the colour of a mark may change along it."""
    found = _pairs(inside, outside)
    wide = np.broadcast_to(line.height.astype(np.float32), (*inside.shape, 3)).copy()
    if found is None:
        return wide
    near, row, column = found
    total, weights = np.zeros_like(wide), np.zeros(inside.shape, np.float32)
    for picture in pictures:
        height = picture[near] - line.slope * picture[row, column]
        rest = np.abs(height - line.height).max(axis=1)
        trust = 1 / (1 + (rest / (3 * line.apart)) ** 2) ** 2
        total[near] += trust[:, None] * height
        weights[near] += trust
    reach = max(4.0, min(inside.shape) / 60)
    count = 2 * np.pi * reach**2
    total = cv2.GaussianBlur(total, (0, 0), reach) * count
    weights = cv2.GaussianBlur(weights, (0, 0), reach)[..., None] * count
    return (total + USUAL * wide) / (weights + USUAL)


def _shape(
    pictures: Sequence[Array],
    line: Line,
    inside: Array,
    outside: Array,
    before: Array,
    height: Array | None = None,
    *,
    fine: bool = False,
) -> Array:
    """How much of the mark's full opacity each pixel has, 0.0 to 1.0: its edges are soft.

    What lay under the edge is first guessed from what is on both sides of it, with the mark taken out of its inside.
    """
    above, below = np.zeros(before.shape, np.float32), np.zeros(before.shape, np.float32)
    opacity = 1 - line.slope
    edge = ~inside & ~outside
    for picture in pictures:
        bare = picture.copy()
        unknown = edge
        if line.slope > 1 - OPAQUE:
            under = line.height if height is None else height[inside]
            bare[inside] = np.clip((picture[inside] - under) / line.slope, 0, 1)
        else:
            unknown = edge | inside
        guess = inpainting.fill(bare, unknown, "multiscale" if fine else "telea")
        step = ((line.height if height is None else height) - opacity * guess).astype(np.float32)
        above += ((picture - guess) * step).sum(axis=2)
        below += (step**2).sum(axis=2)
    weight = PRIOR * len(pictures)
    shape = np.clip((above + weight * before) / (below + weight), 0, 4)
    shape[inside] = 1.0
    return np.where(outside, 0.0, shape).astype(np.float32)
