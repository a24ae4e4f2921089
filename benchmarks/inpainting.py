"""How near a filled picture comes to the one that was there, against OpenCV's two ways.

    python benchmarks/inpainting.py [--data FOLDER] [--quick]

Every pair is a clean picture (``watermark/clean_image*`` and ``sr_hr``) under an overlay of ``watermark``, fully
opaque, filled where the overlay is. PSNR in dB inside the mask.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import ROOT, plot, psnr, tell
from PIL import Image as Pillow

sys.path.insert(0, str(ROOT))

from darkroom.vision import inpainting

METHODS: tuple[inpainting.Method, ...] = ("multiscale", "telea", "navier_stokes")


def overlays(folder: Path) -> dict[str, Any]:
    """Opacity of each overlay, 0.0 to 1.0."""
    stamp = np.asarray(Pillow.open(folder / "overlay_auth.png").convert("RGBA"))[..., 3]
    ring = np.asarray(Pillow.open(folder / "overlay_alpha.png").convert("L"))
    lines = 255 - np.asarray(Pillow.open(folder / "clean_watermark.png").convert("L"))
    return {"stamp": stamp / 255, "ring and bar": ring / 255, "lines of text": lines / 255}


def drawn() -> dict[str, Any]:
    """One that needs no data."""
    letters = np.zeros((300, 300), np.uint8)
    cv2.putText(letters, "SAMPLE", (10, 160), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 255, 8)
    return {"letters": letters / 255}


def placed(overlay: Any, shape: tuple[int, ...]) -> Any:
    """Where an overlay, six tenths of the picture's shorter side, lies in the middle of it."""
    factor = 0.6 * min(shape[:2]) / max(overlay.shape)
    size = (round(overlay.shape[1] * factor), round(overlay.shape[0] * factor))
    small = cv2.resize(overlay.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mask = np.zeros(shape[:2], np.float32)
    top, left = (shape[0] - size[1]) // 2, (shape[1] - size[0]) // 2
    mask[top : top + size[1], left : left + size[0]] = small
    return cv2.dilate((mask > 0.02).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="one small picture")
    chosen = parser.parse_args()
    images = chosen.data / "images"
    paths = [*sorted((images / "watermark").glob("clean_image*.png")), *sorted((images / "sr_hr").glob("*_HR.png"))]
    marks = overlays(images / "watermark") if paths else drawn()
    if chosen.quick or not paths:
        paths = paths[:1] or [ROOT / "samples" / "portrait.jpg"]
    rows: list[dict[str, Any]] = []
    gains: list[float] = []
    for mark, overlay in marks.items():
        reached: dict[str, list[float]] = {method: [] for method in METHODS}
        taken, pixels_filled, better = 0.0, 0, 0
        for path in paths:
            pixels = np.asarray(Pillow.open(path).convert("RGB")).astype(np.float32) / 255
            if chosen.quick:
                pixels = pixels[:160, :160]
            mask = placed(overlay, pixels.shape)
            marked = np.where(mask[..., None], np.float32(1), pixels)
            for method in METHODS:
                started = time.perf_counter()
                filled = inpainting.fill(marked, mask, method)
                taken += time.perf_counter() - started if method == "multiscale" else 0.0
                reached[method].append(float(psnr(filled[mask], pixels[mask])))
            pixels_filled += mask.size
            ours, *others = (reached[method][-1] for method in METHODS)
            gains.append(ours - max(others))
            better += ours > max(others)
        rows.append(
            {
                "overlay": mark,
                "pictures": len(paths),
                **{f"{method}, dB": round(statistics.mean(found), 2) for method, found in reached.items()},
                "nearer than both": f"{better} of {len(paths)}",
                "s per megapixel": round(taken / pixels_filled * 1e6, 2),
            }
        )
        print(rows[-1], flush=True)
    least = round(min(gains), 3)
    tell("inpainting", rows, "python benchmarks/inpainting.py", gain_mean=statistics.mean(gains), gain_least=least)
    print(f"least gain over the better of the two: {least} dB")
    with plot("inpainting", "Gain of multiscale over the better of OpenCV's two, PSNR inside the mask") as axes:
        axes.bar(range(len(gains)), gains)
        axes.set_xlabel("pair")
        axes.set_ylabel("dB")


if __name__ == "__main__":
    main()
