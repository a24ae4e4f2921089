"""Contact sheets: many small pictures on one, in groups, each with a line below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CELL, GAP, LINE, HEAD = 192, 12, 22, 30
"""Side of a picture, space about it, height of the line below it, and of a group's heading; in pixels."""
COLUMNS = 6
PAPER, INK, FAINT = 0.975, 0.13, 0.45


def sheet(groups: Sequence[tuple[str, Sequence[tuple[Array, str]]]]) -> Array:
    """A sheet of pictures.

    Args:
        groups: a heading (none where empty) and its pictures, ``height x width x 3``, float32, 0.0 to 1.0, each with
            what to write below it. Letters beyond ASCII are shown as question marks.

    Returns:
        ``height x width x 3``, float32, 0.0 to 1.0.
    """
    columns = min(COLUMNS, max((len(pictures) for _, pictures in groups), default=1))
    width = columns * (CELL + GAP) + GAP
    rows = [_group(heading, pictures, columns, width) for heading, pictures in groups]
    bottom = np.full((GAP, width, 3), PAPER, np.float32)
    return np.vstack([*rows, bottom])


def _group(heading: str, pictures: Sequence[tuple[Array, str]], columns: int, width: int) -> Array:
    lines = -(-len(pictures) // columns)
    head = HEAD if heading else 0
    height = GAP + head + lines * (CELL + LINE) + max(lines - 1, 0) * GAP
    paper = np.full((height, width, 3), PAPER, np.float32)
    if heading:
        _write(paper, heading, (GAP, GAP + 18), 0.55, INK, width - 2 * GAP)
    for index, (picture, below) in enumerate(pictures):
        row, column = divmod(index, columns)
        left, top = GAP + column * (CELL + GAP), GAP + head + row * (CELL + LINE + GAP)
        small = thumbnail(picture)
        y, x = top + (CELL - small.shape[0]) // 2, left + (CELL - small.shape[1]) // 2
        paper[y : y + small.shape[0], x : x + small.shape[1]] = small
        _write(paper, below, (left, top + CELL + 15), 0.42, FAINT, CELL)
    return paper


def thumbnail(picture: Array) -> Array:
    """A picture as it lies on the sheet, its longer side :data:`CELL` pixels."""
    factor = CELL / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(picture, size, interpolation=method), 0, 1)


def _write(paper: Array, text: str, at: tuple[int, int], size: float, ink: float, room: int) -> None:
    """Write a line, cut off where there is no more room."""
    plain = text.encode("ascii", "replace").decode()
    while plain and cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] > room:
        plain = plain[:-1]
    # Drawn in eight bits: OpenCV smooths letters only there.
    letters = np.zeros(paper.shape[:2], np.uint8)
    cv2.putText(letters, plain, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    cover = letters[..., None].astype(np.float32) / 255
    paper += (ink - paper) * cover
