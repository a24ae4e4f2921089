"""Enlarging without a network, and what enlarging of any kind needs for alpha: pure functions of arrays.

The enlarger starts from Lanczos interpolation, its ringing cut off where it leaves the range of the four source
pixels around, and then goes back and forth: the result, made small again, must give the picture it came from, and what
is missing is added (iterative back-projection: Irani and Peleg, Improving resolution by image registration, 1991).
Between the rounds it is sharpened, and every pixel is held between the darkest and the brightest of the source pixels
around it. That last step is what knows about edges: they become steep, and no halo can form beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 4
SHARPENING = 0.2
REACH = 32
"""Source pixels around a pixel that can have a part in it."""
STRIP = 96
"""Source rows enlarged at a time."""
VISIBLE = 4 / 255
"""Colours of pixels less opaque than this are not seen, and often leftovers."""


def enlarge(pixels: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Enlarge ``height x width x channels``, float32, any range, by a whole number of times; sharp and without halos.

    Channels are treated apart: pass colours that are not multiplied by alpha, bled (see :func:`bleed`) where there is
    any. The result is within the range of the source.
    """
    if scale == 1:
        return pixels.copy()
    height, width = pixels.shape[:2]
    large = (width * scale, height * scale)
    darkest, brightest = limits(pixels, scale)
    result = np.clip(_resize(pixels, large, cv2.INTER_LANCZOS4), *_between(pixels, scale))
    for turn in range(ROUNDS):
        if turn:
            result += SHARPENING * (result - _flat(cv2.GaussianBlur(result, (0, 0), scale / 2), result))
        missing = pixels - _resize(result, (width, height), cv2.INTER_AREA)
        result += _resize(missing, large, cv2.INTER_LINEAR)
        np.clip(result, darkest, brightest, out=result)
    return result


def enlarge_strips(pixels: NDArray[Any], scale: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """As :func:`enlarge`, for uint8 or uint16 (taken as 0.0 to 1.0) or float32, in strips from the top.

    Each item is the first row of the strip in the result, and the strip. Memory follows the width of the picture.
    """
    height = pixels.shape[0]
    for top in range(0, height, STRIP):
        bottom = min(top + STRIP, height)
        first, last = max(top - REACH, 0), min(bottom + REACH, height)
        part = enlarge(to_unit(pixels[first:last]), scale)
        yield top * scale, part[(top - first) * scale : (bottom - first) * scale]


def lanczos(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Interpolate ``height x width x 3 or 4``, uint8 or uint16, up to (width, height), alpha premultiplied."""
    if pixels.shape[2] == 3:
        return _resize(pixels, size, cv2.INTER_LANCZOS4)
    top = np.iinfo(pixels.dtype).max
    mixed = to_unit(pixels)
    mixed[..., :3] *= mixed[..., 3:]
    large = np.clip(_resize(mixed, size, cv2.INTER_LANCZOS4), 0.0, 1.0)
    large[..., :3] /= np.maximum(large[..., 3:], 0.5 / top)
    return np.rint(np.clip(large, 0.0, 1.0) * top).astype(pixels.dtype)


def limits(
    pixels: NDArray[Any], scale: int, *, rows: tuple[int, int] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The darkest and the brightest of the 3 x 3 source pixels around each pixel of the enlarged picture, interpolated.

    Same type as ``pixels``: float32, uint8 or uint16. ``rows``, the first of the enlarged picture and one past the
    last, asks for some of them only.
    """
    first, last = rows if rows is not None else (0, pixels.shape[0] * scale)
    # A pixel of source more than the kernel and the interpolation reach, to either side.
    top, bottom = max(first // scale - 3, 0), min(-(-last // scale) + 3, pixels.shape[0])
    part = pixels[top:bottom]
    kernel = np.ones((3, 3), np.uint8)
    large = (part.shape[1] * scale, part.shape[0] * scale)
    darkest = _resize(_flat(cv2.erode(part, kernel), part), large, cv2.INTER_LINEAR)
    brightest = _resize(_flat(cv2.dilate(part, kernel), part), large, cv2.INTER_LINEAR)
    wanted = slice(first - top * scale, last - top * scale)
    return darkest[wanted], brightest[wanted]


def _between(pixels: NDArray[Any], scale: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The darkest and the brightest of the four source pixels that each pixel of the enlarged picture lies between."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    quarters = (padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    # Pixel p of the result lies at (p + 1/2) / scale - 1/2 in the source; the padding shifts that by one.
    height, width = pixels.shape[:2]
    rows: NDArray[np.intp] = (2 * np.arange(height * scale) + 1 + scale) // (2 * scale)
    columns: NDArray[np.intp] = (2 * np.arange(width * scale) + 1 + scale) // (2 * scale)
    where: Any = np.ix_(rows, columns)
    return np.minimum.reduce(quarters)[where], np.maximum.reduce(quarters)[where]


def bleed(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Carry the colours of what is seen into what is not, so that mixing neighbours leaves no fringe.

    ``colours`` is ``height x width x 3`` and ``alpha`` ``height x width``, both uint8 or uint16. Pixels at least as
    opaque as VISIBLE keep their colour exactly; others take that of the nearest seen ones, by averages over ever larger
    squares (the pull-push of Gortler et al., The Lumigraph, 1996).
    """
    seen = alpha >= VISIBLE * np.iinfo(alpha.dtype).max
    if seen.all() or not seen.any():
        return colours
    weight = seen.astype(np.float32)
    filled = _fill(colours.astype(np.float32) * weight[..., None], weight)
    return np.where(seen[..., None], colours, np.rint(filled).astype(colours.dtype))


def _fill(sums: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted colours to colours, holes filled from the picture at half the size."""
    known = sums / np.maximum(weight, np.float32(1e-6))[..., None]
    height, width = weight.shape
    if weight.min() > 0 or (height == 1 and width == 1):
        return np.asarray(known, np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    coarse = _fill(_resize(sums, half, cv2.INTER_AREA), _resize(weight, half, cv2.INTER_AREA))
    share = np.minimum(weight, np.float32(1))[..., None]
    return np.asarray(known * share + _resize(coarse, (width, height), cv2.INTER_LINEAR) * (1 - share), np.float32)


def to_unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """uint8 and uint16 to float32 from 0.0 to 1.0; float32 as it is."""
    if pixels.dtype.kind == "u":
        return pixels.astype(np.float32) * np.float32(1.0 / np.iinfo(pixels.dtype).max)
    return pixels


def _resize(pixels: NDArray[Any], size: tuple[int, int], how: int) -> NDArray[Any]:
    """OpenCV's resize to (width, height), with a last axis of one kept."""
    resized = cv2.resize(pixels, size, interpolation=how)
    return resized.reshape(size[1], size[0], *pixels.shape[2:])


def _flat(result: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Give back the last axis of one that OpenCV drops."""
    return result.reshape(like.shape)
