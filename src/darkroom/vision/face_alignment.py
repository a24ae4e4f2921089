"""Faces in a standard pose: cut out upright, eyes and mouth always in one place, and put back where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision.faces import Face, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

TEMPLATE = (
    np.array(
        [
            [192.98138, 239.94708],
            [318.90277, 240.1936],
            [256.63416, 314.01935],
            [201.26117, 371.41043],
            [313.08905, 371.15118],
        ],
        np.float64,
    )
    / 512
)
"""Where the five landmarks lie in an aligned face, as fractions of its side: the pose of FFHQ, which networks for faces
are trained on (Karras et al., CVPR 2019; the numbers are those of facexlib)."""
ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)
"""The same in pixels of the 112 x 112 that networks take which tell people apart (Deng et al., CVPR 2019)."""
IN_BOX = ((0.31, 0.38), (0.69, 0.38), (0.50, 0.58), (0.35, 0.78), (0.65, 0.78))
"""Where they lie in the box of a frontal cascade, roughly: for detectors that find no landmarks."""
LEAST_EYES = 2.0
"""Pixels between the eyes below which there is no face to speak of."""


def landmarks_of(face: Face) -> tuple[Point, ...]:
    """The five landmarks, guessed from the box where the detector found none."""
    if face.landmarks:
        return face.landmarks
    return tuple((face.left + x * face.width, face.top + y * face.height) for x, y in IN_BOX)


def alignment(landmarks: tuple[Point, ...], side: int) -> Array | None:
    """The ``2 x 3`` matrix that takes the picture's coordinates to those of the aligned face of ``side`` pixels.

    Turning, scaling and moving only, by least squares over the landmarks (Umeyama, PAMI 1991). None where they are no
    face: all in one place, or not numbers.
    """
    source = np.asarray(landmarks, np.float64)
    if source.shape != TEMPLATE.shape or not np.isfinite(source).all():
        return None
    if np.hypot(*(source[1] - source[0])) < LEAST_EYES and np.hypot(*(source[3] - source[0])) < LEAST_EYES:
        return None
    if np.abs(source - source.mean(axis=0)).max() < LEAST_EYES:
        return None
    return _similarity(source, TEMPLATE * side - 0.5)


def _similarity(source: Array, target: Array) -> Array:
    """Turn, scale and move, ``2 x 3``, that take points to others with the least squared error."""
    # As complex numbers a turn with a scale is one factor.
    at, wanted = source @ np.array([1, 1j]), target @ np.array([1, 1j])
    middle, centre = at.mean(), wanted.mean()
    factor = (np.conj(at - middle) * (wanted - centre)).sum() / (np.abs(at - middle) ** 2).sum()
    shift = centre - factor * middle
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def for_embedding(face: Array) -> Array:
    """An aligned face as SFace takes it (Zhong et al., TIP 2021): ``1 x 3 x 112 x 112``, RGB, 0 to 255.

    Args:
        face: ``side x side x 3``, float32, 0.0 to 1.0.
    """
    matrix = _similarity(TEMPLATE * face.shape[0] - 0.5, ARCFACE)
    blurred = cv2.GaussianBlur(face, (0, 0), max(0.4 / scale_of(matrix), 0.1))
    small = cv2.warpAffine(blurred, matrix, (112, 112), borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.clip(small, 0, 1).transpose(2, 0, 1)[None] * np.float32(255))


def scale_of(matrix: Array) -> float:
    """How many pixels of the aligned face one pixel of the picture is."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def crop(pixels: Array, matrix: Array, side: int) -> Array:
    """The aligned face, ``side x side x channels``, float32, in the range of ``pixels`` (float32); by Lanczos.

    What lies outside of the picture is its edge, mirrored. A face that is larger is averaged down first.
    """
    factor = scale_of(matrix)
    shrink = max(1, int(1 / factor))
    if shrink > 1:
        height, width = pixels.shape[0] // shrink, pixels.shape[1] // shrink
        pixels = cv2.resize(pixels[: height * shrink, : width * shrink], (width, height), interpolation=cv2.INTER_AREA)
        matrix = matrix @ _scaled(float(shrink))
    size, kind = (side, side), cv2.INTER_LANCZOS4
    cut = cv2.warpAffine(pixels, matrix, size, flags=kind, borderMode=cv2.BORDER_REFLECT_101)
    return np.clip(cut, pixels.min(), pixels.max())


def _scaled(factor: float) -> Array:
    """``3 x 3``: coordinates of a picture made ``factor`` times smaller to those of the picture."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])


def feather(side: int) -> Array:
    """How much of an aligned face is put back, ``side x side``, 1.0 over the face, falling to 0.0 before the border."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    # An oval about eyes, nose, mouth and chin; a little of forehead and cheeks.
    away = np.sqrt(((x - 0.5) / 0.40) ** 2 + ((y - 0.55) / 0.43) ** 2)
    inside = np.clip((1.0 - away) / 0.3, 0, 1)
    return (inside * inside * (3 - 2 * inside)).astype(np.float32)


def put_back(shape: tuple[int, int], change: Array, matrix: Array) -> tuple[slice, slice, Array]:
    """A change to the aligned face as a change to the picture: the part of it that is touched, and what to add there.

    Adding what changed, and not the face itself, leaves all detail of the picture that the change does not concern.

    Args:
        shape: (height, width) of the picture.
        change: ``side x side x channels``, float32, already multiplied by :func:`feather`.
        matrix: from the picture to the aligned face.
    """
    side, factor = change.shape[0], scale_of(matrix)
    if factor > 1:
        # What is finer than the picture's pixels would turn to noise.
        change = cv2.GaussianBlur(change, (0, 0), max(0.4 * factor, 0.3), borderType=cv2.BORDER_REPLICATE)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    corners = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]], float) @ back.T
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, [shape[1], shape[0]])
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 0, [shape[1], shape[0]])
    if right <= left or bottom <= top:
        return slice(0, 0), slice(0, 0), np.zeros((0, 0, change.shape[2]), np.float32)
    local = back.copy()
    local[:, 2] -= (left, top)
    part = cv2.warpAffine(
        change, local, (int(right - left), int(bottom - top)), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT
    )
    return slice(int(top), int(bottom)), slice(int(left), int(right)), part.reshape(bottom - top, right - left, -1)
