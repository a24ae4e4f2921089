"""Large pictures through a network, tile by tile, on arrays alone.

Every tile has the same shape, so that an engine compiles a network once. A tile is the part of the picture that it
answers for (its core) with a margin around it, ``overlap`` pixels wide, which the network needs to see: neighbouring
tiles are cross-faded where their cores meet, and never use the outer half of their margins. Beyond the edge the picture
is reflected. Results leave in strips as wide as the picture, so memory follows its width and not its area.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.errors import BadResult
from darkroom.vision.checks import seam_fault
from darkroom.vision.enlarge import to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.engines.engine import Device
    from darkroom.models.architectures.graph import Traits

SIDE_CPU = 224
"""Longest side of a tile on the CPU, in pixels that the network computes on: more does not stay in the caches of two
cores, and takes half as long again for each pixel (measured with Real-ESRGAN's largest network in bf16)."""
SIDE_GPU = 640
BATCH_GPU = 4
"""Tiles that a GPU is given at a time; a CPU is busy with one."""
STEP = 8
"""Sides of tiles are multiples of this many pixels that the network computes on."""
FADE = 8
"""Widest cross-fade to either side of a seam, in input pixels."""

Progress = Callable[[float, str], None]
Run = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601, which networks of one channel are trained on."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the tiles of one direction lie.

    ``starts`` are the first pixels of the cores, ``seams[i]`` the pixel where tile ``i + 1`` takes over from ``i``;
    the cross-fade reaches ``fade`` pixels to either side of it.
    """

    length: int
    tile: int
    overlap: int
    fade: int
    starts: tuple[int, ...]
    seams: tuple[int, ...]

    def window(self, index: int) -> NDArray[np.intp]:
        """Which pixels of the picture tile ``index`` sees, reflected beyond the edges: ``tile`` indices."""
        first = self.starts[index] - self.overlap
        return reflect(np.arange(first, first + self.tile), self.length)

    def used(self, index: int) -> tuple[int, int]:
        """The pixels that tile ``index`` writes, the cross-fades included: first, and one past the last."""
        first = 0 if index == 0 else self.seams[index - 1] - self.fade
        last = self.length if index == len(self.starts) - 1 else self.seams[index] + self.fade
        return first, last


def reflect(index: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Fold indices into 0..length-1 by reflection about the first and the last pixel, which are not repeated."""
    if length == 1:
        return np.zeros_like(index)
    period = 2 * (length - 1)
    folded = np.mod(index, period)
    return np.minimum(folded, period - folded)


def lay(length: int, tile: int, overlap: int, multiple: int = 1) -> Axis:
    """Spread tiles evenly over ``length`` pixels.

    ``multiple`` is what a network's input size must be a multiple of; tiles start on it too, since a network that
    folds pixels into channels gives other results at other phases. Raises ValueError where no core is left.
    """
    core = tile - 2 * overlap
    if length < 1 or core < multiple or tile % multiple or overlap % multiple:
        raise ValueError(f"tiles of {tile} with overlap {overlap} and multiple {multiple} do not cover {length} pixels")
    count = max(1, -(-length // core))
    if count == 1:
        return Axis(length, tile, overlap, 0, (0,), ())
    last = -(-(length - core) // multiple) * multiple
    starts = tuple(index * last // (count - 1) // multiple * multiple for index in range(count))
    seams = tuple((starts[index + 1] + min(starts[index] + core, length)) // 2 for index in range(count - 1))
    # A quarter of the core keeps the cross-fades of neighbouring seams apart where the margin is wide for the tile.
    return Axis(length, tile, overlap, min(overlap // 2, core // 4, FADE), starts, seams)


def choose(
    height: int, width: int, *, tile: int | None, overlap: int | None, traits: Traits, device: Device
) -> tuple[tuple[int, int], int]:
    """The (height, width) of the tiles and their overlap, for a picture, a network and a device.

    ``tile`` and ``overlap`` in input pixels, None for what suits. A ``tile`` that is given is the longest side; the
    picture is divided evenly into tiles no larger, so that little is computed twice, and their sides are rounded up to
    steps that keep the number of different shapes, each compiled and cached, low.
    """
    step = traits.multiple
    margin = traits.overlap if overlap is None else -(-overlap // step) * step
    if traits.fixed is not None:
        return traits.fixed, min(margin, min(traits.fixed) // 4 // step * step)
    if tile is None:
        # A network that folds pixels into channels works on a picture that much smaller.
        tile = max((SIDE_GPU if device.kind == "gpu" else SIDE_CPU) * step, 4 * margin)
    largest = max(-(-tile // step) * step, 4 * step)
    margin = min(margin, largest // 4 // step * step)

    def fit(length: int) -> int:
        count = -(-length // (largest - 2 * margin))
        grain = STEP * step
        return min(largest, -(-(-(-length // count) + 2 * margin) // grain) * grain)

    return (fit(height), fit(width)), margin


def busiest(pixels: NDArray[Any], side: int) -> tuple[slice, slice]:
    """Rows and columns of the square of ``side`` pixels in which the picture changes most; the whole of a small one."""
    height, width = pixels.shape[:2]
    if height <= side or width <= side:
        return slice(0, min(side, height)), slice(0, min(side, width))
    step = max(1, side // 16)
    coarse = to_unit(np.ascontiguousarray(pixels[::step, ::step, :3])).mean(axis=2)
    change = np.zeros_like(coarse)
    change[:, 1:] += np.abs(np.diff(coarse, axis=1))
    change[1:] += np.abs(np.diff(coarse, axis=0))
    # Sums over squares, from sums over everything above and to the left.
    total = np.pad(change, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    reach = side // step
    sums = total[reach:, reach:] - total[:-reach, reach:] - total[reach:, :-reach] + total[:-reach, :-reach]
    row, column = np.unravel_index(int(np.argmax(sums)), sums.shape)
    top, left = min(int(row) * step, height - side), min(int(column) * step, width - side)
    return slice(top, top + side), slice(left, left + side)


def strips(
    pixels: NDArray[Any],
    run: Run,
    *,
    tile: tuple[int, int],
    overlap: int,
    scale: int,
    multiple: int = 1,
    channels: int = 3,
    batch: int = 1,
    first: int = 0,
    progress: Progress | None = None,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Run an image-to-image network over a picture, giving the result in strips from the top.

    ``pixels`` is ``height x width x channels``: float32 as it is, or uint8 and uint16, which become 0.0 to 1.0 tile by
    tile. ``run`` takes ``batch x channels x tile height x tile width`` float32 and gives the same ``scale`` times as
    large. ``tile`` is (height, width). A network of one channel sees the luma and gives grey. Rows of the picture above
    ``first`` are only looked at. Each item is the first output row of a strip and the strip, ``rows x width*scale x
    channels``, float32, not clipped. ``progress`` hears of every batch of tiles and may raise to stop. Raises
    ValueError where tile and overlap do not fit each other, or ``run`` gives another shape; BadResult where tiles do
    not agree on what they share.
    """
    above = max(first - overlap, 0) // multiple * multiple
    down = lay(pixels.shape[0] - above, tile[0], overlap, multiple)
    across = lay(pixels.shape[1], tile[1], overlap, multiple)
    columns = len(across.starts)
    total = len(down.starts) * columns
    skipped = (first - above) * scale
    # A strip waits until the tiles below it agree with it.
    waiting: tuple[int, NDArray[np.float32]] | None = None
    held: NDArray[np.float32] | None = None
    written = 0
    for row in range(len(down.starts)):
        top, bottom = down.used(row)
        offset = (down.starts[row] - overlap) * scale
        rows = slice(top * scale - offset, bottom * scale - offset)
        band = np.empty(((bottom - top) * scale, pixels.shape[1] * scale, 3), np.float32)
        window = down.window(row) + above
        for start in range(0, columns, batch):
            together = range(start, min(start + batch, columns))
            if progress is not None:
                done = row * columns + start
                before = above / pixels.shape[0]
                progress(before + (1 - before) * done / total, f"tile {done + 1} of {total}")
            results = _run(pixels, run, window, [across.window(column) for column in together], channels, batch)
            if results.shape[0] < len(together) or results.shape[2:] != (tile[0] * scale, tile[1] * scale):
                raise ValueError(f"{tile[1]} x {tile[0]} pixels became {results.shape}, not {scale} times as large")
            for column, result in zip(together, results, strict=False):
                left, right = across.used(column)
                shift = (across.starts[column] - overlap) * scale
                part = result[:, rows, left * scale - shift : right * scale - shift].transpose(1, 2, 0)
                fade = 2 * across.fade * scale if column else 0
                if fade:
                    _fade_in(band[:, left * scale : left * scale + fade], part[:, :fade], axis=1)
                band[:, left * scale + fade : right * scale] = part[:, fade:]
        if held is not None and held.shape[0]:
            _fade_in(held, band[: held.shape[0]], axis=0)
            band[: held.shape[0]] = held
        if waiting is not None:
            yield waiting
            waiting = None
        keep = 2 * down.fade * scale if row < len(down.starts) - 1 else 0
        ready = band[: band.shape[0] - keep]
        if written + ready.shape[0] > skipped:
            unseen = max(skipped - written, 0)
            waiting = (above * scale + written + unseen, ready[unseen:])
        held = band[band.shape[0] - keep :].copy()
        written += band.shape[0] - keep
    if waiting is not None:
        yield waiting
    if progress is not None:
        progress(1.0, f"tile {total} of {total}")


def _run(
    pixels: NDArray[Any],
    run: Run,
    down: NDArray[np.intp],
    across: list[NDArray[np.intp]],
    channels: int,
    batch: int,
) -> NDArray[np.float32]:
    """Several tiles of a row at once; where a row ends with fewer than ``batch``, the last one is run again."""
    seen = np.empty((batch, channels, down.size, across[0].size), np.float32)
    for number in range(batch):
        part = to_unit(pixels[np.ix_(down, across[min(number, len(across) - 1)])])
        if channels == 1:
            part = part @ LUMA[:, None]
        seen[number] = part.transpose(2, 0, 1)
    return run(seen)


def _fade_in(under: NDArray[np.float32], over: NDArray[np.float32], *, axis: int) -> None:
    """Cross-fade from ``under`` to ``over`` along ``axis``, into ``under``. Equal values stay exactly equal.

    Raises BadResult where they are too different to be the same pixels.
    """
    fault = seam_fault(under, over)
    if fault is not None:
        raise BadResult(fault)
    size = under.shape[axis]
    ramp = ((np.arange(size, dtype=np.float32) + 0.5) / size).astype(np.float32)
    under += (over - under) * np.expand_dims(ramp, tuple(other for other in range(under.ndim) if other != axis))
