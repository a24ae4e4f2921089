"""Filling holes in a picture from what is around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from darkroom.vision import dct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Method = Literal["multiscale", "telea", "navier_stokes"]

SIDE = 512
"""Side of what inpainting networks are given, in pixels."""
MARGIN = 48
"""Pixels about a hole that have a say in what is put there."""
THIN = 2.0
"""Half the width of a hole, in pixels, that is filled at once; wider ones are first filled in a smaller picture."""
FIRST, LAST, ROUNDS = 0.6, 0.025, 28
"""Thresholds of frequencies, 0.0 to 1.0, from the first round to the last, and how many rounds there are."""
PLACES = tuple((down, across) for down in range(0, 8, 2) for across in range(down // 2 % 2 * 2, 8, 4))
"""Places of the grid in one round; the next round takes them shifted."""


def fill(
    pixels: Array, mask: Array, method: Method = "multiscale", on_progress: Callable[[float], None] | None = None
) -> Array:
    """Fill what the mask covers; everything else stays exactly as it is.

    ``multiscale`` looks for the picture that is simplest in the cosine transform of small blocks and agrees with all
    that is known (Guleryuz, "Nonlinear approximation based image recovery", 2006), from coarse to fine, so that wide
    holes are bridged too. ``telea`` (2004) marches inwards, ``navier_stokes`` (Bertalmio, Bertozzi and Sapiro, 2001)
    continues lines of equal brightness; both are OpenCV's, in eight bits.

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0.
        mask: ``height x width``, bool: True is to be filled. Where it covers all, there is nothing to fill it from, and
            the picture comes back.
        method: which of the three.
        on_progress: called with the fraction that is done.
    """
    result = pixels.copy()
    if not mask.any() or mask.all():
        return result
    tell = on_progress or dct.silent
    areas = _areas(mask)
    for done, area in enumerate(areas):
        part, hole = pixels[area], mask[area]
        if method == "multiscale":
            filled = _multiscale(part, hole)
        else:
            flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS
            eight = np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8)
            filled = cv2.inpaint(eight, hole.astype(np.uint8), 5, flag).astype(np.float32) / np.float32(255)
        result[area][hole] = np.clip(filled[hole], 0, 1)
        tell((done + 1) / len(areas))
    return result


def _areas(mask: Array) -> list[tuple[slice, slice]]:
    """Rectangles that hold every hole with its surroundings; holes near each other share one."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    return [
        (slice(int(top), int(top + high)), slice(int(left), int(left + wide)))
        for left, top, wide, high, _ in boxes[1:count]
    ]


def _multiscale(pixels: Array, hole: Array) -> Array:
    """Fill a hole in a picture whose surroundings are all here."""
    width = float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max())
    if width > THIN and min(pixels.shape[:2]) >= 16:
        weight = (~hole).astype(np.float32)[..., None]
        size = (-(-pixels.shape[1] // 2), -(-pixels.shape[0] // 2))
        share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        half = cv2.resize(pixels * weight, size, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)[..., None]
        coarse = _multiscale(half, share < 0.3)
        start = cv2.resize(coarse, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        first = FIRST / 4
    else:
        start, first = _spread(pixels, hole), FIRST
    filled = np.where(hole[..., None], start, pixels).astype(np.float32)
    for turn in range(ROUNDS):
        threshold = first * (LAST / first) ** (turn / (ROUNDS - 1))
        places = [((down + turn) % 8, (across + 3 * turn) % 8) for down, across in PLACES]
        for channel in range(3):
            plane = np.ascontiguousarray(filled[..., channel])
            filled[..., channel][hole] = dct.shrink(plane, threshold, places)[hole]
    return filled


def _spread(pixels: Array, hole: Array) -> Array:
    """What is known, spread smoothly into what is not."""
    known = (~hole).astype(np.float32)
    result = pixels * known[..., None]
    total, weights = np.zeros_like(pixels), np.zeros_like(known)
    for reach in (2.0, 8.0, 32.0):
        blurred = cv2.GaussianBlur(result, (0, 0), reach)
        share = cv2.GaussianBlur(known, (0, 0), reach)
        # A nearer neighbour says more than a farther one, wherever it says anything.
        trust = np.where(weights < 1e-3, share, 0.0)
        total += (blurred / np.maximum(share, 1e-6)[..., None]) * trust[..., None]
        weights += trust
    mean = pixels[~hole].mean(axis=0)
    return np.where(weights[..., None] > 1e-3, total / np.maximum(weights, 1e-6)[..., None], mean)


def fill_with_network(
    run: Callable[[Array, Array], Array],
    interface: Literal["lama", "migan"],
    pixels: Array,
    mask: Array,
    on_progress: Callable[[float], None] | None = None,
) -> Array:
    """Fill by a network, a square of :data:`SIDE` pixels at a time, cut out about the hole.

    A hole that is larger than half of a square is first filled in a smaller picture, which is then refined square by
    square: each is shown what is there by then.

    Args:
        run: takes ``1 x 3 x SIDE x SIDE`` and ``1 x 1 x SIDE x SIDE`` float32, as ``interface`` has them, and gives
            ``1 x 3 x SIDE x SIDE``.
        interface: ``lama``: 0.0 to 1.0, the mask is 1.0 where to fill, the result 0.0 to 255.0 (Suvorov et al., WACV
            2022); ``migan``: 0 to 255, the mask is 255 where the picture is known (Sargsyan et al., ICCV 2023).
        pixels: as in :func:`fill`.
        mask: as in :func:`fill`.
        on_progress: as in :func:`fill`.
    """
    result = pixels.copy()
    if not mask.any() or mask.all():
        return result
    tell = on_progress or dct.silent
    areas = _areas(mask)
    for done, area in enumerate(areas):
        for square in _squares(area, mask.shape):
            hole = mask[square]
            if hole.any():
                made = _in_square(run, interface, result[square], hole)
                result[square][hole] = np.clip(made, 0, 1)[hole]
        tell((done + 1) / len(areas))
    return result


def _squares(area: tuple[slice, slice], shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """What is given to the network for one area: one square that holds it, shrunk where it is large, then its parts."""
    tall, wide = (part.stop - part.start for part in area)
    side = max(tall, wide, min(SIDE, *shape[:2]))
    whole = tuple(_about(part, side, length) for part, length in zip(area, shape, strict=False))
    squares = [(whole[0], whole[1])]
    if side > SIDE:
        # The parts were filled coarsely by then; each is filled again from what is around it.
        starts = [range(part.start, max(part.stop - SIDE // 2, part.start + 1), SIDE // 2) for part in area]
        squares += [
            (_about(slice(top, top + SIDE), SIDE, shape[0]), _about(slice(left, left + SIDE), SIDE, shape[1]))
            for top in starts[0]
            for left in starts[1]
        ]
    return squares


def _about(part: slice, side: int, length: int) -> slice:
    """A stretch of ``side`` about another, inside of ``length`` where it can be."""
    start = (part.start + part.stop - side) // 2
    start = max(0, min(start, length - side))
    return slice(start, min(start + side, length))


def _in_square(run: Callable[[Array, Array], Array], interface: str, pixels: Array, hole: Array) -> Array:
    height, width = hole.shape
    side = max(height, width)
    rest = ((0, side - height), (0, side - width))
    how = "symmetric" if side <= 2 * min(hole.shape) else "edge"
    padded, open_ = np.pad(pixels, (*rest, (0, 0)), mode=how), np.pad(hole, rest, mode=how)
    method = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    picture = np.clip(cv2.resize(padded, (SIDE, SIDE), interpolation=method), 0, 1)
    wanted = cv2.resize(open_.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0
    batch = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
    mask = wanted[None, None].astype(np.float32)
    if interface == "migan":
        made = run(np.rint(batch * 255), (1 - mask) * 255) / 255
    else:
        made = run(batch * (1 - mask), mask)
        # Exports differ in the last step: some give bytes, some shares.
        made = made / 255 if made.max() > 2 else made
    square = cv2.resize(np.ascontiguousarray(made[0].transpose(1, 2, 0)), (side, side), interpolation=cv2.INTER_CUBIC)
    return square[:height, :width]
