"""Where to crop: windows of a given proportion, placed around faces, a focal point, or what weighs most."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.vision.faces import Face

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    def contains(self, face: Face, slack: float = 1.0) -> bool:
        """True if the face's box lies inside, give or take ``slack`` pixels."""
        return (
            face.left >= self.left - slack
            and face.top >= self.top - slack
            and face.left + face.width <= self.left + self.width + slack
            and face.top + face.height <= self.top + self.height + slack
        )


def largest(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Size of the largest window of this aspect (width / height) in a picture; at least 1 x 1."""
    if width / height > aspect:
        return max(1, min(width, round(height * aspect))), height
    return width, max(1, min(height, round(width / aspect)))


def about(width: int, height: int, size: tuple[int, int], x: float, y: float) -> Box:
    """The window of that size centred on (x, y), in pixels, moved as little as needed to lie in the picture."""
    left = min(max(round(x - size[0] / 2), 0), width - size[0])
    top = min(max(round(y - size[1] / 2), 0), height - size[1])
    return Box(left, top, *size)


def around_faces(
    width: int, height: int, aspect: float, faces: Sequence[Face], padding: float
) -> tuple[Box, list[Face]]:
    """The window for faces, and the faces that it holds.

    The window is the largest that fits. It holds all faces if it can, else those that together are largest; it is
    centred on them by area, a little low, which leaves headroom, and moved so that all of them stay inside.

    Args:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        aspect: width / height of the window.
        faces: at least one.
        padding: space to keep about each face where there is room, as a share of its size.
    """
    size = largest(width, height, aspect)
    chosen = _heaviest_that_fits(size, faces)
    total = sum(face.area for face in chosen)
    x = sum((face.left + face.width / 2) * face.area for face in chosen) / total
    y = sum((face.top + face.height * 0.6) * face.area for face in chosen) / total
    centred = about(width, height, size, x, y)
    left = _held(centred.left, size[0], width, [(f.left, f.left + f.width, padding * f.width) for f in chosen])
    top = _held(centred.top, size[1], height, [(f.top, f.top + f.height, padding * f.height) for f in chosen])
    return Box(left, top, *size), chosen


def _heaviest_that_fits(size: tuple[int, int], faces: Sequence[Face]) -> list[Face]:
    """The set of faces, largest in sum of area, whose common box is no larger than ``size``."""

    def spans(group: Sequence[Face]) -> bool:
        wide = max(f.left + f.width for f in group) - min(f.left for f in group)
        high = max(f.top + f.height for f in group) - min(f.top for f in group)
        return wide <= size[0] and high <= size[1]

    if spans(faces):
        return list(faces)
    # The best window touches a face's left edge and a face's top edge: those are all that need trying.
    best: list[Face] = []
    for left, top in itertools.product({face.left for face in faces}, {face.top for face in faces}):
        held = [
            face
            for face in faces
            if left <= face.left
            and face.left + face.width <= left + size[0]
            and top <= face.top
            and face.top + face.height <= top + size[1]
        ]
        if sum(face.area for face in held) > sum(face.area for face in best):
            best = held
    # Every face is larger than the window: the largest, cut.
    return best or [max(faces, key=lambda face: face.area)]


def _held(start: int, extent: int, whole: int, spans: list[tuple[float, float, float]]) -> int:
    """Where the window starts on one axis so that it holds every (from, to, padding), padding only where it fits."""
    for share in (1.0, 0.5, 0.25, 0.0):
        first = min(low - share * pad for low, _, pad in spans)
        last = max(high + share * pad for _, high, pad in spans)
        if last - first <= extent:
            start = min(max(start, int(np.ceil(last - extent))), int(np.floor(first)))
            break
    return min(max(start, 0), whole - extent)


def heaviest(weights: Array, width: int, height: int, aspect: float) -> Box:
    """The largest window of this aspect that holds the most weight; of equals the one nearest the centre.

    Args:
        weights: any size, float32, not negative: a map of the picture.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        aspect: width / height of the window.
    """
    size = largest(width, height, aspect)
    rows, columns = weights.shape
    window = (max(1, round(size[0] * columns / width)), max(1, round(size[1] * rows / height)))
    sums = cv2.integral(np.ascontiguousarray(weights, np.float64))
    held = (
        sums[window[1] :, window[0] :]
        - sums[: -window[1], window[0] :]
        - sums[window[1] :, : -window[0]]
        + sums[: -window[1], : -window[0]]
    )
    total = max(float(sums[-1, -1]), 1e-9)
    y, x = np.mgrid[0 : held.shape[0], 0 : held.shape[1]]
    off = np.hypot(x - (held.shape[1] - 1) / 2, y - (held.shape[0] - 1) / 2) / max(rows, columns)
    best = int(np.argmax(held / total - 1e-3 * off))
    row, column = divmod(best, held.shape[1])
    middle = ((column + window[0] / 2) * width / columns, (row + window[1] / 2) * height / rows)
    return about(width, height, size, *middle)


def detail(pixels: Array) -> Array:
    """Local entropy of brightness, in bits, at a small size: where there is most to see.

    Args:
        pixels: ``height x width x 3``, uint8, RGB.
    """
    factor = min(1.0, 160 / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    shares = np.stack([cv2.blur((grey // 16 == level).astype(np.float32), (9, 9)) for level in range(16)])
    return -(shares * np.log2(np.maximum(shares, 1e-9))).sum(axis=0)
