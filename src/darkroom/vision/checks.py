"""What a result cannot be, whatever the network: pure functions of arrays that say what is wrong with it.

Drivers that compute nonsense, sums that overflow in half precision and weights that are not what they seem all show in
the same few ways. Each check gives a reason, a whole clause for a person, or None where nothing speaks against the
result; none of them can say that a result is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 1 / 255
"""One step of an eight-bit picture."""
BLOCK = 16
"""Side, in source pixels, of the squares whose means are compared."""
MEAN_APART = 0.15
"""Largest difference of a channel's mean: networks that remove noise or haze stay below 0.05."""
BLOCKS_APART = 0.25
"""Largest root mean square difference of the squares' means: a picture in the wrong place or order has more."""
SEAM_APART = 0.06
"""Largest mean difference between two tiles where both give the same pixels: networks that see far stay below 0.01."""
EMPTY = 0.0005
"""Share of a mask that must be foreground, and of one that must not be, for it to say anything."""


def number_fault(result: NDArray[np.float32]) -> str | None:
    """NaN or infinity, in any result."""
    # The sum of finite numbers of a picture's size is finite, and is had in one pass without a copy.
    with np.errstate(over="ignore", invalid="ignore"):
        return None if np.isfinite(result.sum(dtype=np.float64)) else "it has numbers that are none (NaN or infinity)"


def picture_fault(source: NDArray[np.float32], result: NDArray[np.float32]) -> str | None:
    """For ``n x channels x height x width`` and the same pictures a whole number of times as large, 0.0 to 1.0 both.

    What an enlarged picture shows must be what the picture shows: made small again, it has its means.
    """
    fault = number_fault(result)
    if fault is not None:
        return fault
    for picture, enlarged in zip(source, result, strict=True):
        fault = _one_picture(picture, enlarged)
        if fault is not None:
            return fault
    return None


def _one_picture(source: NDArray[np.float32], result: NDArray[np.float32]) -> str | None:
    if result.max() <= STEP and source.mean() >= 4 * STEP:
        return "it is black"
    small, large = _means(source, BLOCK), _means(result, BLOCK * result.shape[1] // source.shape[1])
    if small.shape != large.shape:
        return None
    np.clip(large, 0.0, 1.0, out=large)
    if np.ptp(result) < STEP / 4 and np.ptp(small) > 4 * STEP:
        return "every pixel of it is the same"
    apart = np.abs(small.mean(axis=(1, 2)) - large.mean(axis=(1, 2))).max()
    if apart > MEAN_APART:
        return f"its mean is {apart:.2f} from the picture's, of 1"
    apart = float(np.sqrt(np.mean((small - large) ** 2)))
    if apart > BLOCKS_APART:
        return f"made small again it is {apart:.2f} from the picture, of 1"
    return None


def _means(picture: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Means of the squares of a ``channels x height x width`` picture; its own mean where it is smaller than one."""
    channels, height, width = picture.shape
    rows, columns = height // block, width // block
    if rows == 0 or columns == 0:
        return picture.mean(axis=(1, 2), keepdims=True)
    whole = picture[:, : rows * block, : columns * block]
    return whole.reshape(channels, rows, block, columns, block).mean(axis=(2, 4))


def seam_fault(one: NDArray[np.float32], other: NDArray[np.float32]) -> str | None:
    """For what two neighbouring tiles say of the same pixels, 0.0 to 1.0: they must agree before they are blended."""
    if one.size == 0:
        return None
    apart = float(np.abs(one - other).mean())
    return f"its tiles differ by {apart:.2f}, of 1, where they meet" if apart > SEAM_APART else None


def mask_fault(mask: NDArray[np.float32]) -> str | None:
    """For a mask or matte of any shape, 0.0 to 1.0: one that is empty, or full, has found nothing."""
    fault = number_fault(mask)
    if fault is not None:
        return fault
    share = float(mask.mean())
    if share < EMPTY:
        return "its mask is empty"
    if share > 1 - EMPTY:
        return "its mask is full"
    return None
