"""Finding faces: YuNet's output decoded, and the Haar cascades that come with OpenCV 4."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Point = tuple[float, float]

STRIDES = (8, 16, 32)
SIDE = 640
"""What YuNet is fed: pictures are fitted into a square of this side."""
HAAR_SIDE = 640
"""The longer side at which the cascades look: at 1000 they find no more faces and take twice as long."""
LEAST_HAAR = 0.4
"""Below this score a cascade's find is more often a wallpaper than a face."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its box in pixels from the top left, and how sure the detector is, 0.0 to 1.0.

    ``landmarks`` are (x, y) of the eye on the picture's left, the other eye, the tip of the nose, the corner of the
    mouth on the left, the other corner; none where the detector does not find them.
    """

    left: float
    top: float
    width: float
    height: float
    score: float
    landmarks: tuple[Point, ...] = ()

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


def find_with_yunet(
    pixels: Array, run: Callable[[Array], Mapping[str, Array]], *, threshold: float = 0.6, overlap: float = 0.3
) -> list[Face]:
    """Find faces with YuNet (Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", 2023).

    The picture is looked at whole, and, where it is much larger than the network's input, also in four overlapping
    quarters, so that small faces in large pictures are found.

    Args:
        pixels: ``height x width x 3``, uint8, RGB.
        run: takes ``1 x 3 x 640 x 640`` float32, BGR, 0 to 255, and gives the network's outputs by name.
        threshold: the least score, 0.0 to 1.0.
        overlap: boxes that share more than this (intersection over union) are one face.
    """
    height, width = pixels.shape[:2]
    views = [(0, 0, width, height)]
    if max(height, width) > 2 * SIDE:
        half_width, half_height = round(width * 0.6), round(height * 0.6)
        views += [
            (left, top, half_width, half_height)
            for left in (0, width - half_width)
            for top in (0, height - half_height)
        ]
    found: list[Face] = []
    for left, top, view_width, view_height in views:
        factor = SIDE / max(view_width, view_height)
        size = (max(1, round(view_width * factor)), max(1, round(view_height * factor)))
        view = pixels[top : top + view_height, left : left + view_width]
        square = np.zeros((SIDE, SIDE, 3), np.float32)
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        square[: size[1], : size[0]] = cv2.resize(view, size, interpolation=method)
        batch = np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1)[None])
        for face in _decode(run(batch), threshold):
            found.append(moved(face, 1 / factor, left, top))
    return _merged([_clipped(face, width, height) for face in found], overlap)


def _decode(outputs: Mapping[str, Array], threshold: float) -> list[Face]:
    """Boxes and landmarks from the outputs cls, obj, bbox and kps at each stride: anchor-free, one cell a candidate."""
    faces: list[Face] = []
    for stride in STRIDES:
        columns = SIDE // stride
        score = np.sqrt(
            np.clip(np.asarray(outputs[f"cls_{stride}"]).reshape(-1), 0, 1)
            * np.clip(np.asarray(outputs[f"obj_{stride}"]).reshape(-1), 0, 1)
        )
        boxes = np.asarray(outputs[f"bbox_{stride}"]).reshape(-1, 4)
        places = np.asarray(outputs[f"kps_{stride}"], float).reshape(-1, 10)
        for index in np.flatnonzero(score >= threshold):
            row, column = divmod(int(index), columns)
            dx, dy, log_width, log_height = (float(value) for value in boxes[index])
            wide, high = float(np.exp(log_width)) * stride, float(np.exp(log_height)) * stride
            x, y = (column + dx) * stride, (row + dy) * stride
            points = tuple(((column + px) * stride, (row + py) * stride) for px, py in places[index].reshape(5, 2))
            faces.append(Face(x - wide / 2, y - high / 2, wide, high, float(score[index]), points))
    return faces


def find_with_haar(pixels: Array) -> list[Face]:
    """Find faces with OpenCV's Haar cascades (Viola and Jones, CVPR 2001): frontal, then profiles of both sides.

    Needs no model. A profile counts only where no frontal face was found, and only where both the size and the number
    of agreeing detections make an accident unlikely.

    Args:
        pixels: ``height x width x 3``, uint8, RGB.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, HAAR_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    grey = cv2.createCLAHE(2.0, (8, 8)).apply(grey)
    least = max(20, round(min(size) * 0.06))

    def detect(name: str, picture: Array, step: float) -> list[Face]:
        boxes, _, weights = _cascade(name).detectMultiScale3(
            picture, step, 6, minSize=(least, least), outputRejectLevels=True
        )
        return [
            Face(float(x), float(y), float(w), float(h), float(np.clip(np.ravel(weight)[0] / 10, 0, 1)))
            for (x, y, w, h), weight in zip(boxes, weights, strict=False)
        ]

    found = [face for face in detect("frontalface_default", grey, 1.15) if face.score > LEAST_HAAR]
    if not found:
        flipped = np.ascontiguousarray(grey[:, ::-1])
        mirrored = [
            Face(size[0] - face.left - face.width, face.top, face.width, face.height, face.score)
            for face in detect("profileface", flipped, 1.2)
        ]
        found = [face for face in [*detect("profileface", grey, 1.2), *mirrored] if face.score > LEAST_HAAR]
    return _merged([_clipped(moved(face, 1 / factor), width, height) for face in found], 0.3)


@cache
def _cascade(name: str) -> Any:
    return cv2.CascadeClassifier(os.path.join(cv2.data.haarcascades, f"haarcascade_{name}.xml"))  # pyright: ignore


def moved(face: Face, factor: float, left: float = 0.0, top: float = 0.0) -> Face:
    """The same face in a picture that is ``factor`` times as large and reaches further to the left and top."""
    return Face(
        face.left * factor + left,
        face.top * factor + top,
        face.width * factor,
        face.height * factor,
        face.score,
        tuple((x * factor + left, y * factor + top) for x, y in face.landmarks),
    )


def _clipped(face: Face, width: int, height: int) -> Face:
    """The part of a face's box inside the picture."""
    left, top = max(0.0, face.left), max(0.0, face.top)
    right, bottom = min(float(width), face.left + face.width), min(float(height), face.top + face.height)
    return replace(face, left=left, top=top, width=max(0.0, right - left), height=max(0.0, bottom - top))


def _merged(faces: list[Face], overlap: float) -> list[Face]:
    """One box for each face, the surest first (non-maximum suppression).

    A box that lies almost whole inside a kept one is the same face too, cut by the edge of a view.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if face.area <= 0:
            continue
        shared = [(_shared(face, other), other) for other in kept]
        if all(
            both <= overlap * (face.area + other.area - both) and both <= 0.8 * min(face.area, other.area)
            for both, other in shared
        ):
            kept.append(face)
    return kept


def _shared(one: Face, other: Face) -> float:
    wide = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    high = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, wide) * max(0.0, high)
