"""Where a visible watermark is: what several pictures share, what one picture repeats, what looks written in a region.

Pictures are ``height x width x 3``, float32, 0.0 to 1.0; masks ``height x width``, bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

FEWEST = 4
"""Pictures, or repetitions in one, from which on what they share can be told from chance."""
WEAK, STRONG, LENGTH = 0.008, 0.02, 15
"""Steps between neighbours that belong to an edge, that make one, and how many of these an edge has at least."""
DOUBT = 1.3
"""How many times the spread among the pictures a step must be to count."""
FLAT = 0.06
"""Steps of the opacity, as a share of the whole, that are as likely nothing."""
REACH = 80.0
"""Pixels over which opacity that nothing holds up fades: errors are not to be carried far."""
INSIDE, CRISP = 0.35, 0.12
"""Share of the full opacity that is inside the mark, and step at its border that is a border."""
AROUND = 25
"""Pixels around what was found that are looked at next."""
LARGEST = 0.6
"""Share of the picture from which on what was found is not a mark."""
ROUNDS = 4
ROWS = 64
"""Rows that are sorted at a time, for the sake of memory."""
NEAREST = 56
"""Pixels between two repetitions at least: what repeats more closely is fabric, a fence, a wall."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """A mark that one picture repeats: windows ``size`` (width, height) at ``places`` (left, top) all show the same.

    ``whole`` are the places whose window lies within the picture.
    """

    size: tuple[int, int]
    places: list[tuple[int, int]]
    whole: list[tuple[int, int]]

    def windows(self, picture: Array) -> list[Array]:
        """What each whole window shows."""
        width, height = self.size
        return [np.ascontiguousarray(picture[top : top + height, left : left + width]) for left, top in self.whole]

    def spread(self, window: Array, shape: tuple[int, int]) -> Array:
        """A picture of ``height x width`` that shows a window at each place, the larger value where they overlap."""
        result = np.zeros((*shape, *window.shape[2:]), window.dtype)
        for left, top in self.places:
            rows, columns = _overlap(top, self.size[1], shape[0]), _overlap(left, self.size[0], shape[1])
            if rows[0] < rows[1] and columns[0] < columns[1]:
                part = np.s_[rows[0] : rows[1], columns[0] : columns[1]]
                cut = window[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
                result[part] = np.maximum(result[part], cut)
        return result


def shared(pictures: Sequence[Array], sensitivity: float = 0.5) -> Array | None:
    """The mask of a mark that all pictures have in the same place; None where they share none.

    Edges that are in every picture with the same sign start it (the median of gradients of Dekel et al., CVPR 2017,
    made strict). At these edges the colour of the mark is told as :mod:`darkroom.vision.watermark` tells it. With the
    colour, each picture says how fast opacity changes from each pixel to the next; what they say together is summed
    up to the opacity itself (Poisson's equation, with a term that lets it fade where nothing holds it up).

    Args:
        pictures: four or more of one size; of fewer nothing is said.
        sensitivity: 0.0 to 1.0, how faint a mark may be; 0.5 finds none in pictures that share none.
    """
    if len(pictures) < FEWEST:
        return None
    factor = 2.0 ** (1 - 2 * sensitivity)
    steps, seeds = _seeds(pictures, factor)
    if not seeds.any():
        return None
    told = _colour(pictures, steps, seeds)
    if told is None:
        return None
    opacity, colour = told
    changes = [_change(pictures, colour, axis) for axis in (1, 0)]
    strength = np.hypot(*changes)
    keep = np.maximum(0, 1 - (FLAT * opacity / np.maximum(strength, 1e-6)) ** 2)
    crisp = cv2.dilate(strength.astype(np.float32), np.ones((3, 3), np.uint8)) > CRISP * opacity
    found = seeds
    for _ in range(ROUNDS):
        near = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((31, 31), np.uint8))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * AROUND + 1, 2 * AROUND + 1))
        trusted = keep * (cv2.dilate(near, disc) > 0)
        level = _summed(changes[0] * trusted, changes[1] * trusted)
        found = _bordered(level > INSIDE * opacity, crisp)
        if not found.any():
            return None
    # Soft edges belong to it, and what is thinner than the blur of the gradients.
    found = cv2.dilate(found.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return found if found.mean() < LARGEST else None


def tiled(picture: Array, sensitivity: float = 0.5) -> tuple[Tiling, Array] | None:
    """How one picture repeats a mark, and the mask of all of them; None where it repeats none.

    Fine structure that comes again in two directions gives the distances; the windows at these distances are then
    pictures that share a mark.
    """
    height, width = picture.shape[:2]
    for first, second in _lattices(picture):
        size = (abs(first[0]) + abs(second[0]), abs(first[1]) + abs(second[1]))
        if size[0] > 0.6 * width or size[1] > 0.6 * height:
            continue
        tiling = _tiling(first, second, size, (height, width))
        if len(tiling.whole) < FEWEST:
            continue
        window = shared(tiling.windows(picture), sensitivity)
        if window is not None and window.mean() > 0.002:
            return tiling, tiling.spread(window, (height, width))
    return None


def strokes(picture: Array, sensitivity: float = 0.5) -> Array | None:
    """What looks written over a part of a picture that has a mark; None where nothing stands out.

    Thin and lighter, or thin and darker than what is around it (top-hat transform, Meyer, 1979), of one tone. Letters
    cannot be told from what else is thin in a picture: the part has to be one where a mark is.

    Args:
        picture: the part.
        sensitivity: 0.0 to 1.0, how little it may stand out.
    """
    grey = picture.mean(axis=2)
    best: Array | None = None
    highest = 0.0
    for level in (grey, 1 - grey):
        raised = np.zeros_like(grey)
        for share in (0.06, 0.15):
            side = max(5, round(min(grey.shape) * share) | 1)
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
            smooth = cv2.GaussianBlur(level, (0, 0), 0.7)
            raised = np.maximum(raised, level - cv2.morphologyEx(smooth, cv2.MORPH_OPEN, disc))
        top = float(raised.max())
        if top < 0.03:
            continue
        split = cv2.threshold((raised / top * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
        least = max(0.03, split / 255 * top * 2.0 ** (0.5 - sensitivity))
        strong, weak = raised > least, raised > 0.5 * least
        count, labels, boxes = _parts(weak)
        area = boxes[:, cv2.CC_STAT_AREA]
        kept = (np.bincount(labels[strong], minlength=count) > 0.25 * area) & (area >= 12)
        kept &= boxes[:, cv2.CC_STAT_HEIGHT] >= 5
        kept[0] = False
        found = kept[labels]
        core = found & strong
        if not core.any():
            continue
        tone = np.median(picture[core], axis=0)
        apart = float(np.median(np.abs(picture[core] - tone).max(axis=1)))
        score = float(np.median(raised[found])) * float(found.sum()) ** 0.5 / (apart + 0.03)
        if score > highest:
            best, highest = found, score
    if best is None:
        return None
    # Outlines, shadows and the traces of compression lie around the strokes, the wider the thicker these are.
    inner = cv2.distanceTransform(best.astype(np.uint8), cv2.DIST_L2, 3)
    side = 2 * round(2 + 0.5 * float(np.quantile(inner[best], 0.9))) + 1
    return cv2.dilate(best.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0


def written(picture: Array, where: Array, sensitivity: float = 0.5) -> float:
    """Share of a mask, 0.0 to 1.0, that looks written in a picture: what is left of a mark where it was filled."""
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    if not rows.size:
        return 0.0
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = strokes(np.ascontiguousarray(picture[part]), sensitivity)
    return 0.0 if found is None else float((found & where[part]).sum() / where.sum())


def _seeds(pictures: Sequence[Array], factor: float) -> tuple[list[Array], Array]:
    """The part of each step, across and down, that nearly all pictures have, and where it makes edges."""
    exceptions = len(pictures) // 8
    steps: list[Array] = []
    for axis in (1, 0):
        each = np.stack([_step(picture, axis).mean(axis=2) for picture in pictures])
        sign = np.sign(each.sum(axis=0))
        agreed = np.partition(sign * each, exceptions, axis=0)[exceptions]
        steps.append(sign * np.maximum(agreed, 0))
    size = np.hypot(*steps)
    weak = cv2.dilate((size > WEAK * factor).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels, _ = _parts(weak > 0)
    # Fewer pictures agree by chance more often: their edges have to be longer.
    length = LENGTH * max(1.0, (5 / len(pictures)) ** 5)
    kept = np.bincount(labels.ravel(), weights=(size > STRONG * factor).ravel(), minlength=count) >= length
    kept[0] = False
    return steps, kept[labels]


def _parts(mask: Array) -> tuple[int, Array, Array]:
    """How many connected parts a mask has, each pixel's part, 0 for none, and what OpenCV measures of each."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return count, np.asarray(labels, np.intp), np.asarray(boxes)


def _step(picture: Array, axis: int) -> Array:
    """From each pixel to the next, across (1) or down (0)."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.6)
    return np.diff(smooth, axis=axis, append=np.take(smooth, [-1], axis=axis))


def _colour(pictures: Sequence[Array], steps: list[Array], seeds: Array) -> tuple[float, Array] | None:
    """Opacity and colour of the mark, from the two sides of its edges; which of them is inside shows in the slope."""
    size = np.hypot(*steps)
    rows, columns = np.nonzero(seeds & (size > 0.5 * np.quantile(size[seeds], 0.8)))
    if len(rows) < 8:
        return None
    toward = np.stack([step[rows, columns] for step in steps]) / size[rows, columns]
    height, width = seeds.shape

    def side(picture: Array, away: float) -> Array:
        row = np.clip(np.rint(rows + away * toward[1]), 0, height - 1).astype(int)
        column = np.clip(np.rint(columns + away * toward[0]), 0, width - 1).astype(int)
        return picture[row, column]

    bright = np.concatenate([side(picture, 2.5) for picture in pictures]).astype(np.float64)
    dark = np.concatenate([side(picture, -1.5) for picture in pictures]).astype(np.float64)
    slope, level = _line(bright, dark)
    if slope > 1:
        slope, level = _line(dark, bright)
    if not 0 <= slope < 0.97:
        return None
    return 1 - slope, np.clip(level / (1 - slope), 0, 1).astype(np.float32)


def _line(inner: Array, outer: Array) -> tuple[float, Array]:
    """Slope and height of ``inner = slope * outer + height``, robustly, neither side being without noise."""
    trust = np.ones(len(inner))
    slope, level = 1.0, np.zeros(3)
    for _ in range(20):
        share = trust / trust.sum()
        middle, other = share @ inner, share @ outer
        up, across = inner - middle, outer - other
        slope = float(np.sqrt((share[:, None] * up**2).sum() / max(1e-9, (share[:, None] * across**2).sum())))
        level = middle - slope * other
        rest = np.abs(inner - slope * outer - level).max(axis=1)
        trust = 1 / (1 + (rest / (1.5 * (1.4826 * float(np.median(rest)) + 1e-4))) ** 2) ** 2
    return slope, level


def _change(pictures: Sequence[Array], colour: Array, axis: int) -> Array:
    """How fast opacity changes from each pixel to the next: the middle of what pictures and channels say.

    Where the mark differs from a picture by c, a change of opacity by d changes the picture by c * d.
    """
    steps = [_step(picture, axis) for picture in pictures]
    contrasts = [colour - cv2.GaussianBlur(picture, (0, 0), 2.0) for picture in pictures]
    result = np.empty(pictures[0].shape[:2], np.float32)
    for top in range(0, len(result), ROWS):
        rows = np.s_[top : top + ROWS]
        contrast = np.concatenate([np.moveaxis(each[rows], 2, 0) for each in contrasts])
        step = np.concatenate([np.moveaxis(each[rows], 2, 0) for each in steps])
        least = np.where(contrast < 0, -0.03, 0.03)
        said = step / np.where(np.abs(contrast) < 0.03, least, contrast)
        trust = contrast**2 + 1e-5
        middle = _middle(said, trust)
        spread = _middle(np.abs(said - middle), trust)
        result[rows] = middle * np.maximum(0, 1 - (DOUBT * spread / np.maximum(np.abs(middle), 1e-6)) ** 2)
    return result


def _middle(values: Array, weights: Array) -> Array:
    """Weighted median along the first axis."""
    order = np.argsort(values, axis=0)
    values, weights = np.take_along_axis(values, order, 0), np.take_along_axis(weights, order, 0)
    total = np.cumsum(weights, axis=0)
    place = (total >= 0.5 * total[-1]).argmax(axis=0)
    return np.take_along_axis(values, place[None], 0)[0]


def _summed(across: Array, down: Array) -> Array:
    """What has these steps, nearest in squares, and is small where nothing says otherwise; by cosine transform."""
    height, width = across.shape
    # OpenCV transforms even sizes.
    padding = ((0, height % 2), (0, width % 2))
    across, down = np.pad(across, padding), np.pad(down, padding)
    across[:, -1], down[-1] = 0, 0
    source = across + down
    source[:, 1:] -= across[:, :-1]
    source[1:] -= down[:-1]
    rows, columns = (2 * np.cos(np.pi * np.arange(length) / length) - 2 for length in source.shape)
    scale = rows[:, None] + columns[None] - 1 / REACH**2
    return cv2.idct((cv2.dct(source.astype(np.float32)) / scale).astype(np.float32))[:height, :width]


def _bordered(found: Array, crisp: Array) -> Array:
    """Those parts of a mask whose border is crisp."""
    count, labels, boxes = _parts(found)
    border = found & ~(cv2.erode(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    long = np.bincount(labels[border], minlength=count)
    good = np.bincount(labels[border], weights=crisp[border], minlength=count) > 0.6 * np.maximum(long, 1)
    good &= boxes[:, cv2.CC_STAT_AREA] >= 6
    good[0] = False
    return good[labels]


def _lattices(picture: Array) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of distances (right, down) at which fine structure comes again, the likeliest first."""
    grey = picture.mean(axis=2)
    height, width = grey.shape
    if min(height, width) < 3 * NEAREST:
        return []
    fine = np.clip(grey - cv2.GaussianBlur(grey, (0, 0), 3.0), -0.06, 0.06)
    # Everywhere alike, so that strong texture in one place does not decide.
    fine = fine / (np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 25.0)) + 0.01)
    fine -= fine.mean()
    shape = (cv2.getOptimalDFTSize(2 * height), cv2.getOptimalDFTSize(2 * width))
    spectrum = np.fft.rfft2(fine, shape)
    count = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(fine), shape)) ** 2, shape)
    alike = np.fft.irfft2(np.abs(spectrum) ** 2, shape) / np.maximum(count, 1) / max(float((fine**2).mean()), 1e-9)
    down, right = height * 3 // 5, width * 3 // 5
    alike = np.roll(alike, (down, right), (0, 1))[: 2 * down + 1, : 2 * right + 1].astype(np.float32)
    y, x = np.mgrid[-down : down + 1, -right : right + 1]
    near = np.hypot(x, y) < NEAREST
    alike[near] = 0
    sharp = alike - cv2.GaussianBlur(alike, (0, 0), 8.0)
    usual = 1.4826 * float(np.median(np.abs(sharp[~near])))
    peaks = (
        (sharp >= cv2.dilate(sharp, np.ones((9, 9), np.uint8))) & (sharp > max(7 * usual, 0.03)) & ((y > 0) | (x > 0))
    )
    peaks &= (y >= 0) & ~near
    places = np.argwhere(peaks)
    places = places[np.argsort(-sharp[peaks])][:12]
    distances = [(int(x[row, column]), int(y[row, column])) for row, column in places]
    cells: dict[frozenset[tuple[int, int]], tuple[float, tuple[int, int], tuple[int, int]]] = {}
    for index, one in enumerate(distances):
        for other in distances[index + 1 :]:
            first, second = _shortest(one, other)
            area = abs(first[0] * second[1] - first[1] * second[0])
            if area > NEAREST**2 and min(np.hypot(*first), np.hypot(*second)) >= NEAREST:
                same = frozenset(max(each, (-each[0], -each[1])) for each in (first, second))
                count_before = cells.get(same, (0.0, first, second))[0]
                cells[same] = (count_before - 1, first, second)
    # What most of the distances are made of; of those the smallest is the mark's own.
    ranked = sorted(cells.values(), key=lambda cell: (cell[0], abs(cell[1][0] * cell[2][1] - cell[1][1] * cell[2][0])))
    return [(first, second) for _, first, second in ranked[:4]]


def _shortest(first: tuple[int, int], second: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The shortest two distances that make the same lattice as these two (Lagrange and Gauss)."""
    while True:
        if first[0] ** 2 + first[1] ** 2 > second[0] ** 2 + second[1] ** 2:
            first, second = second, first
        length = first[0] ** 2 + first[1] ** 2
        times = round((first[0] * second[0] + first[1] * second[1]) / max(1, length))
        if times == 0:
            return first, second
        second = (second[0] - times * first[0], second[1] - times * first[1])


def _tiling(first: tuple[int, int], second: tuple[int, int], size: tuple[int, int], shape: tuple[int, int]) -> Tiling:
    """All places of a window that reach into a picture of ``height x width``."""
    height, width = shape
    places: list[tuple[int, int]] = []
    reach = range(-40, 41)
    for one in reach:
        for two in reach:
            left, top = one * first[0] + two * second[0], one * first[1] + two * second[1]
            if -size[0] < left < width and -size[1] < top < height:
                places.append((left, top))
    whole = [
        (left, top)
        for left, top in places
        if left >= 0 and top >= 0 and left + size[0] <= width and top + size[1] <= height
    ]
    return Tiling(size, places, whole)


def _overlap(start: int, length: int, whole: int) -> tuple[int, int]:
    return max(start, 0), min(start + length, whole)
