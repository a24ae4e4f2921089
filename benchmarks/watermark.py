"""How near a picture comes to what it was before its watermark, worked out from five pictures that have the same one.

    python benchmarks/watermark.py [--data FOLDER] [--quick]

Five clean pictures under the same overlay at three opacities, rounded to eight bits; the mask is where the overlay is,
two pixels wider. PSNR in dB inside the mark, against the same pictures with the mark filled.
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
from common import ROOT, bars, psnr, tell
from PIL import Image as Pillow

sys.path.insert(0, str(ROOT))

from darkroom.vision import inpainting, watermark

SIDE, PICTURES = 440, 5


def overlays(folder: Path) -> dict[str, tuple[Any, Any]]:
    """Colour and opacity of each overlay, 0.0 to 1.0."""
    stamp = np.asarray(Pillow.open(folder / "overlay_auth.png").convert("RGBA")).astype(np.float32) / 255
    ring = np.asarray(Pillow.open(folder / "overlay_copyright.png").convert("RGB")).astype(np.float32) / 255
    where = np.asarray(Pillow.open(folder / "overlay_alpha.png").convert("L")).astype(np.float32) / 255
    lines = 1 - np.asarray(Pillow.open(folder / "clean_watermark.png").convert("L")).astype(np.float32) / 255
    black = np.zeros((*lines.shape, 3), np.float32)
    return {"stamp, one colour": (stamp[..., :3], stamp[..., 3]), "ring, shaded": (ring, where), "text": (black, lines)}


def drawn() -> dict[str, tuple[Any, Any]]:
    """One that needs no data."""
    letters = np.zeros((400, 400), np.uint8)
    cv2.putText(letters, "SAMPLE", (10, 220), cv2.FONT_HERSHEY_SIMPLEX, 3.0, 255, 14)
    return {"letters": (np.ones((400, 400, 3), np.float32), letters.astype(np.float32) / 255)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="small pictures, one opacity")
    chosen = parser.parse_args()
    images = chosen.data / "images"
    paths = [*sorted((images / "watermark").glob("clean_image*.png")), *sorted((images / "sr_hr").glob("*_HR.png"))]
    marks = overlays(images / "watermark") if paths else drawn()
    paths = paths or sorted((ROOT / "samples").glob("*.jpg"))
    side = 160 if chosen.quick else SIDE
    loaded = [np.asarray(Pillow.open(path).convert("RGB")).astype(np.float32) / 255 for path in paths]
    clean = [pixels[:side, :side] for pixels in loaded if min(pixels.shape[:2]) >= side][:PICTURES]
    rows: list[dict[str, Any]] = []
    for mark, (colour, shape) in marks.items():
        size = round(0.6 * side)
        wide, high = (round(length * size / max(shape.shape)) for length in shape.shape[::-1])
        top, left = (side - high) // 2, (side - wide) // 2
        place = np.s_[top : top + high, left : left + wide]
        alpha, ink = np.zeros((side, side), np.float32), np.zeros((side, side, 3), np.float32)
        alpha[place] = cv2.resize(shape, (wide, high), interpolation=cv2.INTER_AREA)
        ink[place] = cv2.resize(colour, (wide, high), interpolation=cv2.INTER_AREA)
        where = cv2.dilate((alpha > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        touched = alpha > 0.01
        for opacity in (0.5,) if chosen.quick else (0.3, 0.5, 0.7):
            share = (opacity * alpha)[..., None]
            given = [(np.rint(((1 - share) * one + share * ink) * 255) / 255).astype(np.float32) for one in clean]
            started = time.perf_counter()
            found = watermark.solve(given, where)
            seconds = time.perf_counter() - started
            undone, filled = [], []
            for before, pixels in zip(given, clean, strict=True):
                bare = watermark.remove(before, found)[0] if found is not None else before
                undone.append(float(psnr(bare[touched], pixels[touched])))
                filled.append(float(psnr(inpainting.fill(before, where)[touched], pixels[touched])))
            rows.append(
                {
                    "overlay": mark,
                    "opacity": opacity,
                    "opacity found": round(found.opacity, 2) if found is not None else 0,
                    "blend undone, mean, dB": round(statistics.mean(undone), 1),
                    "least, dB": round(min(undone), 1),
                    "filled, mean, dB": round(statistics.mean(filled), 1),
                    "s for the mark": round(seconds, 1),
                }
            )
            print(rows[-1], flush=True)
    tell("watermark", rows, "python benchmarks/watermark.py")
    values = {f"{row['overlay']}, {row['opacity']}": row["blend undone, mean, dB"] for row in rows}
    bars("watermark", "What was under the mark, from five pictures, PSNR", values, "dB", ours="")


if __name__ == "__main__":
    main()
