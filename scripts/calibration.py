"""Make ``src/darkroom/engines/calibration.jpg``, the pictures that networks are calibrated with for int8.

Twelve squares of 64 pixels in three rows: parts of the samples at several sizes, and drawn ones for what those lack
(noise, fine stripes, lettering, a dark gradient). The last two are left to measure with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SIDE = 64


def part(name: str, x: float, y: float, size: float) -> Any:
    """A square of a sample: its middle and side as fractions of the picture's width."""
    picture = cv2.imread(str(ROOT / "samples" / name))
    width = picture.shape[1]
    half = int(size * width / 2)
    left, top = int(x * width) - half, int(y * width) - half
    left, top = max(left, 0), max(top, 0)
    return cv2.resize(picture[top : top + 2 * half, left : left + 2 * half], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def drawn() -> list[Any]:
    """Noise, stripes, lettering and a dark gradient."""
    numbers = np.random.default_rng(5)
    noise = cv2.GaussianBlur(numbers.normal(128, 90, (SIDE, SIDE, 3)), (0, 0), 0.7)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    stripes = 128 + 127 * np.sin((rows**2 + columns**2) / 110)
    letters = np.full((SIDE, SIDE, 3), (235, 245, 250), np.uint8)
    for line, text in enumerate(("Aa7#", "Bgk&", "%Rz?")):
        cv2.putText(letters, text, (2, 19 + 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (40, 20, 200 * line % 255), 1)
    dark = np.stack([columns * 0.6, rows * 0.5, columns * 0.2 + rows * 0.2], 2) + numbers.normal(0, 4, (SIDE, SIDE, 3))
    return [np.clip(picture, 0, 255).astype(np.uint8) for picture in (noise, np.dstack([stripes] * 3), letters, dark)]


def main() -> None:
    """Write the file."""
    pictures = [
        part("portrait.jpg", 0.5, 0.5, 0.9),
        part("portrait.jpg", 0.45, 0.4, 0.3),
        part("mug.jpg", 0.5, 0.45, 0.6),
        part("mug.jpg", 0.6, 0.4, 0.2),
        part("duck.jpg", 0.5, 0.5, 0.7),
        part("duck.jpg", 0.55, 0.35, 0.2),
        *drawn(),
        part("portrait.jpg", 0.55, 0.5, 0.2),
        part("duck.jpg", 0.4, 0.55, 0.35),
    ]
    sheet = np.vstack([np.hstack(pictures[row : row + 4]) for row in range(0, len(pictures), 4)])
    cv2.imwrite(str(ROOT / "src" / "darkroom" / "engines" / "calibration.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 95])


if __name__ == "__main__":
    main()
