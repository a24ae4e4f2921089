"""What JPEG did to a picture, and undoing it: quantisation tables, the grid of blocks, repair within what was kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.jpeg_tables import steps
from darkroom.vision import dct
from darkroom.vision.dct import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

THRESHOLD = 0.4
"""Share of a quantisation step below which a frequency in a shifted block is JPEG's doing and not the picture's."""
WITHIN = 0.6
"""How far, in half steps, a repaired frequency may be from the one in the file: it was rounded to that."""
UNLIKE, AMONG = 0.6, 0.75
"""Mean distance from multiples, 1.0 for any picture, from which on a quality's steps are not a picture's, and not those
of one of its regions."""
TOGETHER, MANY = 6, 300
"""Side of the tiles, in blocks, that are of one kind; and how many of them are looked at."""


def table(quality: int, *, chroma: bool = False) -> Array:
    """The quantisation steps of a quality, 1 to 100, as libjpeg makes them: ``8 x 8``, float32."""
    return np.array(steps(quality, chroma=chroma), np.float32).reshape(8, 8)


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks found in the pixels: how much of the first one is cut off, down and across, and their quality."""

    place: tuple[int, int]
    quality: int


def find_grid(pixels: Array) -> Grid | None:
    """Look for JPEG's blocks in a picture that may since have been cropped and saved as something else.

    Differences across the borders of blocks are larger than those beside them (Wang, Bovik and Evans, "Blind
    measurement of blocking artifacts", 2000); the quality is the one whose steps the frequencies are multiples of (Fan
    and de Queiroz, "Identification of bitmap compression history", 2003). None where they are multiples of nothing.

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0.
    """
    luma = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY) * np.float32(255)
    if min(luma.shape) < 32:
        return None
    place = ((8 - _phase(luma.T)) % 8, (8 - _phase(luma)) % 8)
    quality = _quality(luma, place)
    return None if quality is None else Grid(place, quality)


def blocking(plane: Array, place: tuple[int, int]) -> float:
    """How much steeper a plane, 0 to 255, is across the borders of its blocks than beside them, in levels."""
    found: list[float] = []
    for picture, begun in ((plane, place[1]), (plane.T, place[0])):
        steep = _steps(picture)
        phase = (np.arange(steep.shape[1]) + 2 + begun) % 8
        if (phase == 0).any():
            found.append(float(steep[:, phase == 0].mean()))
    return max(float(np.mean(found)), 0.0) if found else 0.0


def _steps(plane: Array) -> Array:
    """How much the difference between neighbours in a row stands out among those beside it."""
    steep = np.abs(np.diff(plane, axis=1))
    # Strong edges are the picture's own, wherever they lie.
    return np.clip(steep[:, 1:-1] - (steep[:, :-2] + steep[:, 2:]) / 2, -8, 8)


def _phase(plane: Array) -> int:
    """The first column of a block, 0 to 7: where differences stand out most."""
    columns = _steps(plane).mean(axis=0)
    where = (np.arange(len(columns)) + 2) % 8
    return int(np.argmax([columns[where == phase].mean() for phase in range(8)]))


def _quality(luma: Array, place: tuple[int, int]) -> int | None:
    """The quality whose steps the frequencies of the blocks at ``place`` are multiples of; None for no quality."""
    blocks, clear = _blocks(luma, place)
    high, wide = (size // TOGETHER for size in blocks.shape[:2])
    if high * wide < 2:
        return None
    inside = np.s_[: high * TOGETHER, : wide * TOGETHER]
    tiles = (blocks[inside] * clear[inside][..., None, None]).reshape(high, TOGETHER, wide, TOGETHER, 8, 8)
    tiles = tiles.transpose(0, 2, 1, 3, 4, 5).reshape(high * wide, -1, 8, 8)
    # A few hundred tiles from all over the picture say as much as all of them.
    tiles = tiles[:: max(1, len(tiles) // MANY)]
    best, most = None, max(1.0, 0.1 * len(tiles))
    for quality in range(5, 93):
        apart, count = (part.sum(axis=1) for part in _apart(tiles, table(quality)))
        if count.sum() < 100:
            continue
        # Part of the picture may be of another kind: each tile has its own say, the clearer the more.
        telling = count >= 8
        clear_ones = np.clip(UNLIKE - apart[telling] / count[telling], 0, None)
        agreed = float(clear_ones.sum()) / UNLIKE
        if agreed > most:
            best, most = quality, agreed
    return best


def _blocks(luma: Array, place: tuple[int, int]) -> tuple[Array, Array]:
    """The frequencies of every whole block, ``high x wide x 8 x 8``, and which have no clipped pixels."""
    whole = luma[(8 - place[0]) % 8 :, (8 - place[1]) % 8 :]
    whole = np.ascontiguousarray(whole[: whole.shape[0] // 8 * 8, : whole.shape[1] // 8 * 8])
    pixels = whole.reshape(whole.shape[0] // 8, 8, -1, 8)
    # Clipped pixels are no longer what the file's frequencies make.
    clear: Array = np.all((pixels > 1) & (pixels < 254), axis=(1, 3))
    return dct.forward(whole - 128).transpose(0, 2, 1, 3), clear


def _apart(blocks: Array, size: Array) -> tuple[Array, Array]:
    """How far the low frequencies of ``... x 8 x 8`` are from multiples of steps, summed, and how many say something.

    Away from multiples by a quarter of a step on average, which is 1.0 here, is what any other picture is.
    """
    apart, count = np.zeros(blocks.shape[:-2], np.float32), np.zeros(blocks.shape[:-2], np.float32)
    for row in range(5):
        for column in range(5 - row):
            step = float(size[row, column])
            if row + column == 0 or step < 3:
                continue
            values = blocks[..., row, column]
            telling = np.abs(values) > 0.7 * step
            apart += telling * 4 * np.abs(values / step - np.rint(values / step))
            count += telling
    return apart, count


def regions(pixels: Array, grid: Grid) -> Array:
    """Where a picture is of that grid, ``height x width``, float32, 0.0 to 1.0: a part of it may be pasted in.

    Where nothing speaks for or against it, it counts as such.
    """
    luma = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY) * np.float32(255)
    blocks, clear = _blocks(luma, grid.place)
    apart, count = _apart(blocks, table(grid.quality))
    about = (9, 9)
    near, said = cv2.blur(apart * clear, about), cv2.blur(count * clear, about)
    alike = ((near < AMONG * said) | (said < 0.1)).astype(np.uint8)
    # Single blocks of another opinion are chance.
    alike = cv2.morphologyEx(cv2.morphologyEx(alike, cv2.MORPH_CLOSE, np.ones((5, 5))), cv2.MORPH_OPEN, np.ones((5, 5)))
    wide = np.repeat(np.repeat(alike, 8, axis=0), 8, axis=1).astype(np.float32)
    top, left = (8 - grid.place[0]) % 8, (8 - grid.place[1]) % 8
    rest = ((top, luma.shape[0] - top - wide.shape[0]), (left, luma.shape[1] - left - wide.shape[1]))
    return cv2.GaussianBlur(np.pad(wide, rest, mode="edge"), (0, 0), 4.0)


def ringing(plane: Array) -> float:
    """How much more a plane, 0 to 255, trembles near strong edges than away from them, in levels; 0 or more."""
    if min(plane.shape) < 16:
        return 0.0
    across, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(plane, cv2.CV_32F, 0, 1) / 8
    steep = np.hypot(across, down)
    edges = (steep > 24).astype(np.uint8)
    near = cv2.dilate(edges, np.ones((13, 13), np.uint8)) > cv2.dilate(edges, np.ones((5, 5), np.uint8))
    calm = steep < 6
    tremble = np.abs(plane - cv2.blur(plane, (3, 3)))
    close, away = tremble[near & calm], tremble[~near & (edges == 0) & calm]
    if close.size < 64 or away.size < 64:
        return 0.0
    return max(float(close.mean() - away.mean()), 0.0)


def deblock(
    pixels: Array,
    quality: int,
    *,
    subsampled: bool,
    place: tuple[int, int] = (0, 0),
    strength: float = 1.0,
    on_progress: Callable[[float], None] | None = None,
) -> Array:
    """Repair a picture that was a JPEG of that quality.

    What quantisation added is weak in blocks whose grid is another than the file's, so it is removed there, over many
    such grids (Nosratinia, "Enhancement of JPEG-compressed images by re-application of JPEG", 2001); then every
    frequency is brought back to where rounding can have taken it from (Zakhor, "Iterative procedures for reduction of
    blocking effects", 1992).

    Args:
        pixels: ``height x width x 3``, float32, 0.0 to 1.0.
        quality: 1 to 100, as libjpeg counts.
        subsampled: whether colour has half the size.
        place: (down, across) of the file's grid: how many pixels of its first block are cut off.
        strength: how much of the repair is taken, 0.0 to 1.0.
        on_progress: called with the fraction that is done.
    """
    tell = on_progress or silent
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YCrCb) * np.float32(255)
    luma = _repair(planes[..., 0], table(quality), place, lambda part: tell(0.6 * part))
    done = [luma]
    coarse = table(quality, chroma=True)
    for channel in (1, 2):
        plane = planes[..., channel]
        if subsampled and min(plane.shape) > 1:
            small = (-(-plane.shape[1] // 2), -(-plane.shape[0] // 2))
            half = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
            change = _repair(half, coarse, (place[0] // 2, place[1] // 2), None) - half
            whole = plane + cv2.resize(change, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
            done.append((whole + _followed(luma, whole)) / 2)
        else:
            done.append(_repair(plane, coarse, place, None))
        tell(0.6 + 0.2 * channel)
    repaired = cv2.cvtColor(cv2.merge(done) / np.float32(255), cv2.COLOR_YCrCb2RGB)
    return np.clip(pixels + np.float32(strength) * (repaired - pixels), 0.0, 1.0)


def _followed(luma: Array, plane: Array) -> Array:
    """Colour that follows the edges of brightness, which the file has in full (guided filter: He et al., 2013)."""

    def mean(values: Array) -> Array:
        return cv2.blur(values, (7, 7))

    light, colour = mean(luma), mean(plane)
    slope = (mean(luma * plane) - light * colour) / (mean(luma * luma) - light * light + 10.0)
    return mean(slope) * luma + mean(colour - slope * light)


def _repair(plane: Array, size: Array, place: tuple[int, int], tell: Callable[[float], None] | None) -> Array:
    places = [((down + place[0]) % 8, (across + place[1]) % 8) for down, across in dct.SIXTEEN]
    smooth = dct.shrink(plane, THRESHOLD * size, places, tell)
    kept, inside = dct.padded(plane - 128, place)
    wanted, _ = dct.padded(smooth - 128, place)
    size = size[None, :, None, :]
    middle = np.rint(dct.forward(kept) / size) * size
    near = np.clip(dct.forward(wanted), middle - WITHIN / 2 * size, middle + WITHIN / 2 * size)
    return dct.backward(near)[inside] + 128
