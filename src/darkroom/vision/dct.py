"""The cosine transform of 8 x 8 blocks, at every place of the grid: what noise and JPEG's rounding are removed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 8
_index = np.arange(SIDE)
_waves = np.cos((2 * _index[None, :] + 1) * _index[:, None] * np.pi / (2 * SIDE)) * np.sqrt(2 / SIDE)
_waves[0] /= np.sqrt(2)
BASIS = _waves.astype(np.float32)
"""The orthonormal cosine transform (DCT-II), ``8 x 8``: one frequency in a row."""

EVERY = tuple((down, across) for down in range(SIDE) for across in range(SIDE))
"""Every place that the grid can have."""
SIXTEEN = tuple((down, across) for down in range(0, SIDE, 2) for across in range(down // 2 % 2, SIDE, 2))
"""A quarter of the places, spread evenly: nearly as good as all."""


def silent(fraction: float) -> None:
    """Progress that nobody asked for."""


def padded(plane: Array, place: tuple[int, int] = (0, 0)) -> tuple[Array, tuple[slice, slice]]:
    """A plane mirrored at its borders so that whole blocks cover it, the grid beginning at ``place``; and where it is.

    Args:
        plane: ``height x width``, float32.
        place: (down, across) of the first block's corner, 0 to 7 pixels before the plane's.
    """
    height, width = plane.shape
    down, across = place
    below, right = -(down + height) % SIDE, -(across + width) % SIDE
    mode = "symmetric"
    larger = np.pad(plane, ((down, below), (across, right)), mode=mode)
    return larger, (slice(down, down + height), slice(across, across + width))


def forward(plane: Array) -> Array:
    """Blocks of a plane whose sides are multiples of 8 to frequencies where the pixels were: ``h/8 x 8 x w/8 x 8``."""
    height, width = plane.shape
    columns = np.matmul(BASIS, plane.reshape(height // SIDE, SIDE, width))
    both = columns.reshape(-1, SIDE) @ BASIS.T
    return both.reshape(height // SIDE, SIDE, width // SIDE, SIDE)


def backward(blocks: Array) -> Array:
    """Frequencies as :func:`forward` gives them to the plane."""
    high, _, wide, _ = blocks.shape
    rows = (blocks.reshape(-1, SIDE) @ BASIS).reshape(high, SIDE, wide * SIDE)
    return np.matmul(BASIS.T, rows).reshape(high * SIDE, wide * SIDE)


def shrink(
    plane: Array,
    threshold: Array | float,
    places: Sequence[tuple[int, int]] = SIXTEEN,
    on_progress: Callable[[float], None] | None = None,
) -> Array:
    """Remove what is weak in the blocks of many grids, and take the mean of what is left.

    A frequency weaker than its threshold is noise and goes; blocks that need few frequencies count for more, because
    there fewer of them can be noise (Guleryuz, "Weighted overcomplete denoising", 2003).

    Args:
        plane: ``height x width``, float32, any range.
        threshold: for every frequency, ``8 x 8``, or one for all. The mean of a block always stays.
        places: of the grid, as in :data:`EVERY`.
        on_progress: called with the fraction that is done.
    """
    limits = np.broadcast_to(np.asarray(threshold, np.float32), (SIDE, SIDE)).copy()
    limits[0, 0] = 0.0
    limits = limits[None, :, None, :]
    total, weights = np.zeros(plane.shape, np.float32), np.zeros(plane.shape, np.float32)
    for done, place in enumerate(places):
        larger, inside = padded(plane, place)
        blocks = forward(larger)
        kept = np.abs(blocks) >= limits
        blocks *= kept
        share = 1.0 / kept.sum(axis=(1, 3), keepdims=True, dtype=np.float32).clip(1.0)
        weight = np.broadcast_to(share, blocks.shape).reshape(larger.shape)
        total += (backward(blocks) * weight)[inside]
        weights += weight[inside]
        if on_progress is not None:
            on_progress((done + 1) / len(places))
    return total / weights
