"""The quantisation tables of JPEG's standard (ITU-T T.81, annex K), as libjpeg scales them by quality."""

from __future__ import annotations

from functools import cache

LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, *(99,) * 38,
)  # fmt: skip
ZIGZAG = tuple(
    row * 8 + column
    for row, column in sorted(
        ((row, column) for row in range(8) for column in range(8)),
        key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]),
    )
)
"""Place in a table, row by row, of the values as a file has them."""


@cache
def steps(quality: int, *, chroma: bool = False) -> tuple[int, ...]:
    """The 64 steps of a quality, 1 to 100, row by row, each 1 to 255."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(max((value * scale + 50) // 100, 1), 255) for value in (CHROMA if chroma else LUMA))
