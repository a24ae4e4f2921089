"""Alpha: from a rough mask to the opacity of every pixel, and the cut-out's own colours beneath it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

GUIDE_SIDE = 800
"""The longer side at which the guided filter's coefficients are worked out."""
SOLVE_SIDE = 720
"""The longer side at which alpha is solved for; above it, its linear relation to the colours is carried over."""

PATCH = 32
"""Side of the squares that alpha is solved in."""
PATCH_MARGIN = 2
"""Pixels beyond a square that have a part in it: a window of 3 x 3 within a window of 3 x 3."""
SQUARE = 128
"""Side of the squares that colours are estimated in."""
NARROW = 7
"""Window of the second blur of the colours."""
EPSILON = 1e-6
"""How far colours in a window must spread, squared, before alpha follows them: above the noise of a photograph."""
CERTAIN, LIKELY = 100.0, 0.004
"""How much a pixel that is known counts, and one that the mask is sure about: against colours, about 1."""


def refine_alpha(pixels: Array, mask: Array) -> Array:
    """Fit a rough mask to the edges of a picture, at full size.

    A fast guided filter (He and Sun, "Fast guided filter", arXiv 1505.00996; the colour form of He et al., ECCV
    2010): alpha is taken to be linear in the colours within a small window. The coefficients are worked out on a small
    copy and applied to every pixel of the large one, so that time hardly grows with the picture.

    Args:
        pixels: ``height x width x 3``, uint8 or float 0.0 to 1.0.
        mask: any size, float32, 0.0 to 1.0.

    Returns:
        ``height x width``, float32, 0.0 to 1.0.
    """
    height, width = pixels.shape[:2]
    guide = _shrunk(pixels, GUIDE_SIDE)
    rough = cv2.resize(mask, (guide.shape[1], guide.shape[0]), interpolation=cv2.INTER_LINEAR)
    radius = max(2, round(max(guide.shape) / 200))
    slope, offset = _linear_fit(guide, rough, radius, 1e-4)
    alpha = _apply_fit(pixels, slope, offset)
    # Away from the outline the mask is certain, and must stay exactly 0 or 1.
    solid = (rough > 0.5).astype(np.uint8)
    reach = np.ones((4 * radius + 1, 4 * radius + 1), np.uint8)
    inside, outside = cv2.erode(solid, reach), 1 - cv2.dilate(solid, reach)
    size = (width, height)
    alpha[cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST) > 0] = 1
    alpha[cv2.resize(outside, size, interpolation=cv2.INTER_NEAREST) > 0] = 0
    # What is left of a filter's softness on either side of a hard edge is stretched away.
    return np.clip((alpha - 0.08) / 0.84, 0, 1)


def trimap_from_mask(mask: Array, foreground_threshold: int, background_threshold: int, erode_size: int) -> Array:
    """What is certain and what is not: 1.0 subject, 0.0 background, 0.5 to be worked out.

    Args:
        mask: ``height x width``, float32, 0.0 to 1.0.
        foreground_threshold: from this value of 255 on a pixel is subject.
        background_threshold: up to this value of 255 it is background.
        erode_size: by how many pixels both are drawn back, which widens what is to be worked out.
    """
    levels = mask * 255
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * erode_size + 1, 2 * erode_size + 1))
    # Beyond the picture's border is more of the same, not background.
    replicate = cv2.BORDER_REPLICATE
    front = cv2.erode((levels >= foreground_threshold).astype(np.uint8), kernel, borderType=replicate)
    back = cv2.erode((levels <= background_threshold).astype(np.uint8), kernel, borderType=replicate)
    trimap = np.full(mask.shape, 0.5, np.float32)
    trimap[back > 0] = 0
    trimap[front > 0] = 1
    return trimap


def solve_alpha(
    pixels: Array,
    trimap: Array,
    on_progress: Callable[[float], None] | None = None,
    *,
    mask: Array | None = None,
) -> Array:
    """Alpha where the trimap leaves it open.

    Closed-form matting (Levin, Lischinski and Weiss, CVPR 2006) solved by conjugate gradients from coarse to fine. The
    matting Laplacian is never built: its product with a picture is two box-filter passes (He, Sun and Tang, "Fast
    matting using large kernel matting Laplacian matrices", CVPR 2010). Above SOLVE_SIDE the solution's local linear
    relation to the colours is applied to the full picture.

    Args:
        pixels: ``height x width x 3``, uint8 or float 0.0 to 1.0.
        trimap: ``height x width``, float32: 0.0, 1.0, and 0.5 for what is to be worked out.
        on_progress: called with a fraction, 0.0 to 1.0.
        mask: the mask that the trimap was made of: where colours say nothing, it is what is most likely.
    """
    unknown = (trimap > 0) & (trimap < 1)
    if not unknown.any() or not (trimap == 1).any() or not (trimap == 0).any():
        return trimap.copy()
    alpha: Array | None = None
    sides = [side for side in (SOLVE_SIDE // 4, SOLVE_SIDE // 2) if side < max(trimap.shape)] + [SOLVE_SIDE]
    guide = _shrunk(pixels, SOLVE_SIDE)
    for index, side in enumerate(sides):
        guide = _shrunk(pixels, side)
        size = (guide.shape[1], guide.shape[0])
        coarse = cv2.resize(trimap, size, interpolation=cv2.INTER_AREA)
        known = (coarse < 1e-3) | (coarse > 1 - 1e-3)
        start = coarse if alpha is None else cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR)
        start = np.where(known, coarse.round(), start).astype(np.float32)
        values, weight = coarse.round(), np.where(known, CERTAIN, 0.0)
        if mask is not None:
            likely = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
            values = np.where(known, values, likely)
            weight = np.where(known, CERTAIN, LIKELY * (2 * likely - 1) ** 2)
        alpha = _conjugate_gradients(guide, start, known, values, weight, rounds=(80, 40, 20)[index])
        if on_progress is not None:
            on_progress((index + 1) / len(sides))
    assert alpha is not None
    if alpha.shape != trimap.shape:
        slope, offset = _linear_fit(guide, alpha, 1, EPSILON)
        alpha = _apply_fit(pixels, slope, offset)
    return np.where(unknown, np.clip(alpha, 0, 1), trimap).astype(np.float32)


def estimate_foreground(pixels: Array, alpha: Array) -> Array:
    """The subject's own colours where it is half-transparent, so that nothing of the old background shines through.

    Blur fusion (Forte, "Approximate fast foreground colour estimation", ICIP 2021), twice: wide, then narrow. Where
    alpha is 1 the colours are those of the picture, bit for bit; where it is 0 they are black, so that the removed
    background is not in the file.

    Args:
        pixels: ``height x width x 3``, uint8, uint16 or float 0.0 to 1.0.
        alpha: ``height x width``, float32, 0.0 to 1.0.

    Returns:
        Colours of the type and shape of ``pixels``.
    """
    result = pixels.copy()
    top = {"u1": 255.0, "u2": 65535.0}.get(pixels.dtype.str[1:], 1.0)
    # A network's mask is nearly 0 and nearly 1 almost everywhere: what the file cannot tell from them is them.
    least = 0.5 / (255.0 if top == 1.0 else top)
    clear = alpha <= least
    np.copyto(result, 0, where=clear[..., None])
    soft = ~clear & (alpha < 1 - least)
    if not soft.any():
        return result
    # The wide blur needs no detail: it is done on a small copy.
    small = _shrunk(pixels, 400)
    small_alpha = cv2.resize(alpha, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    wide = max(3, round(max(small.shape) / 12)) | 1
    front, back = _blur_fusion(small, small, small, small_alpha, wide)
    for square in _squares(soft):
        # The narrow blur sees its window to either side.
        rows, columns = (slice(max(part.start - NARROW, 0), part.stop + NARROW) for part in square)
        wider = rows, columns
        here = pixels[wider].astype(np.float32) / np.float32(top)
        fronts, backs = (_enlarged(part, alpha.shape, wider) for part in (front, back))
        colours, _ = _blur_fusion(here, fronts, backs, alpha[wider], NARROW)
        inner = tuple(slice(part.start - wide.start, None) for part, wide in zip(square, wider, strict=True))
        colours = np.clip(colours[inner][: soft[square].shape[0], : soft[square].shape[1]], 0, 1) * np.float32(top)
        if pixels.dtype.kind == "u":
            colours = np.rint(colours)
        np.copyto(result[square], colours.astype(pixels.dtype), where=soft[square][..., None])
    return result


def _enlarged(small: Array, shape: tuple[int, ...], part: tuple[slice, slice]) -> Array:
    """Some rows and columns of ``small`` enlarged to ``shape`` (height, width), linearly; as cv2.resize would."""
    down, across = small.shape[0] / shape[0], small.shape[1] / shape[1]
    top, left = part[0].start, part[1].start
    size = (min(part[1].stop, shape[1]) - left, min(part[0].stop, shape[0]) - top)
    back = np.array([[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(small, back, size, flags=how, borderMode=cv2.BORDER_REPLICATE)


def _squares(where: Array) -> Iterator[tuple[slice, slice]]:
    """The squares of a grid in which something is true: rows and columns."""
    height, width = where.shape
    for top in range(0, height, SQUARE):
        for left in range(0, width, SQUARE):
            square = slice(top, min(top + SQUARE, height)), slice(left, min(left + SQUARE, width))
            if where[square].any():
                yield square


def _blur_fusion(pixels: Array, front: Array, back: Array, alpha: Array, window: int) -> tuple[Array, Array]:
    """One pass: blurred estimates of front and back, then the front corrected to compose to the picture again."""
    share = alpha[..., None]
    box = (window, window)

    def blurred(colours: Array, weight: Array) -> Array:
        return cv2.blur(colours * weight, box) / (cv2.blur(weight[..., 0], box)[..., None] + 1e-5)

    wide_front, wide_back = blurred(front, share), blurred(back, 1 - share)
    corrected = wide_front + share * (pixels - share * wide_front - (1 - share) * wide_back)
    return corrected, wide_back


def _shrunk(pixels: Array, side: int) -> Array:
    """As float32, 0.0 to 1.0, with the longer side at most ``side``."""
    factor = min(1.0, side / max(pixels.shape[:2]))
    size = (max(2, round(pixels.shape[1] * factor)), max(2, round(pixels.shape[0] * factor)))
    top = {"u1": 255.0, "u2": 65535.0}.get(pixels.dtype.str[1:], 1.0)
    small = pixels if factor == 1.0 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(top)


class _Windows:
    """Means and inverse covariances of the colours in the square window about every pixel, channel by channel."""

    def __init__(self, guide: Array, radius: int, epsilon: float) -> None:
        self.box = (2 * radius + 1, 2 * radius + 1)
        self.guide = [np.ascontiguousarray(guide[..., channel]) for channel in range(3)]
        self.mean = [self.blur(channel) for channel in self.guide]
        pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        rr, rg, rb, gg, gb, bb = (
            self.blur(self.guide[i] * self.guide[j]) - self.mean[i] * self.mean[j] for i, j in pairs
        )
        rr, gg, bb = rr + epsilon, gg + epsilon, bb + epsilon
        # The inverse of a symmetric 3 x 3 matrix, by its cofactors.
        i00, i01, i02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        i11, i12, i22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        determinant = rr * i00 + rg * i01 + rb * i02
        self.inverse = tuple(part / determinant for part in (i00, i01, i02, i11, i12, i22))

    def blur(self, array: Array) -> Array:
        return cv2.blur(array, self.box, borderType=cv2.BORDER_REFLECT)

    def fit(self, values: Array) -> tuple[list[Array], Array]:
        """Slope for each channel and offset of the best linear map from colours to ``values`` in every window."""
        mean = self.blur(values)
        r, g, b = (
            self.blur(channel * values) - middle * mean for channel, middle in zip(self.guide, self.mean, strict=True)
        )
        i00, i01, i02, i11, i12, i22 = self.inverse
        slope = [i00 * r + i01 * g + i02 * b, i01 * r + i11 * g + i12 * b, i02 * r + i12 * g + i22 * b]
        for part, middle in zip(slope, self.mean, strict=True):
            mean -= part * middle
        return slope, mean

    def laplacian(self, values: Array) -> Array:
        """The matting Laplacian times ``values``, divided by the number of pixels in a window."""
        slope, offset = self.fit(values)
        result = values - self.blur(offset)
        for part, channel in zip(slope, self.guide, strict=True):
            result -= self.blur(part) * channel
        return result


def _linear_fit(guide: Array, values: Array, radius: int, epsilon: float) -> tuple[list[Array], Array]:
    windows = _Windows(guide, radius, epsilon)
    slope, offset = windows.fit(values)
    return [windows.blur(part) for part in slope], windows.blur(offset)


def _apply_fit(pixels: Array, slope: list[Array], offset: Array) -> Array:
    """The linear map, carried to the full size and applied to every pixel, in strips."""
    height, width = pixels.shape[:2]
    top = {"u1": 255.0, "u2": 65535.0}.get(pixels.dtype.str[1:], 1.0)
    result = cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR)
    for channel in range(3):
        part = cv2.resize(slope[channel], (width, height), interpolation=cv2.INTER_LINEAR)
        part *= pixels[..., channel]
        result += part / np.float32(top)
    return result


class _Patches:
    """Squares of a picture laid one below the other, each with a margin: work on them is work where it is needed.

    ``inner`` are the pixels of the picture that the squares answer for, as indices into it flattened.
    """

    def __init__(self, needed: Array) -> None:
        height, width = needed.shape
        rows, columns = -(-height // PATCH), -(-width // PATCH)
        padded = np.zeros((rows * PATCH, columns * PATCH), bool)
        padded[:height, :width] = needed
        tops, lefts = np.nonzero(padded.reshape(rows, PATCH, columns, PATCH).any(axis=(1, 3)))
        span = np.arange(-PATCH_MARGIN, PATCH + PATCH_MARGIN)
        down, across = tops[:, None] * PATCH + span, lefts[:, None] * PATCH + span
        core = (span >= 0) & (span < PATCH)
        answers = (core & (down < height))[:, :, None] & (core & (across < width))[:, None, :]
        index = _mirrored(down, height)[:, :, None] * width + _mirrored(across, width)[:, None, :]
        self._index = index.reshape(-1, span.size)
        self._at = np.flatnonzero(answers)
        self.inner = index.reshape(-1)[self._at]

    def gather(self, picture: Array) -> Array:
        """The squares of ``height x width`` or ``height x width x channels``, margins included, as one picture."""
        return picture.reshape(-1, *picture.shape[2:])[self._index]

    def of(self, gathered: Array) -> Array:
        """The inner pixels of what lies like :meth:`gather`'s result, in the order of ``inner``."""
        return gathered.reshape(-1)[self._at]


def _mirrored(index: Array, length: int) -> Array:
    """Indices folded into 0..length-1 about the picture's edges, as BORDER_REFLECT folds them."""
    folded = np.mod(index, 2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)


def _conjugate_gradients(guide: Array, start: Array, known: Array, values: Array, weights: Array, rounds: int) -> Array:
    """Minimise alpha' L alpha + sum of weights * (alpha - values)^2, from ``start``, near what is not known."""
    patches = _Patches(cv2.dilate((~known).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    # In double precision: the covariances are differences of nearly equal numbers, and their inverses are large.
    windows = _Windows(patches.gather(guide.astype(np.float64)), 1, EPSILON)
    inner = patches.inner
    weight = weights.reshape(-1)[inner]
    around = np.zeros(known.shape, np.float64)

    def times(vector: Array) -> Array:
        around.reshape(-1)[inner] = vector
        return patches.of(windows.laplacian(patches.gather(around))) + weight * vector

    scale = 1.0 / (1.0 + weight)  # Jacobi's preconditioner: the Laplacian's diagonal is about 1 everywhere
    alpha = start.astype(np.float64).reshape(-1)[inner]
    # What lies beyond the squares is known, and stays; a direction has no part in it.
    around[:] = start
    rest = weight * values.reshape(-1)[inner] - times(alpha)
    around[:] = 0
    ready = scale * rest
    way = ready.copy()
    power = float((rest * ready).sum())
    first = power
    for _ in range(rounds):
        if power <= 1e-7 * max(first, 1e-12) or power < 1e-9:
            break
        product = times(way)
        step = power / max(float((way * product).sum()), 1e-20)
        alpha += step * way
        rest -= step * product
        ready = scale * rest
        power, before = float((rest * ready).sum()), power
        way = ready + power / before * way
    result = start.copy()
    result.reshape(-1)[inner] = np.clip(alpha, 0, 1)
    return result
