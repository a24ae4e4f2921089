"""How near a picture comes to what it was before its watermark, worked out from five pictures that have the same one.

    python benchmarks/watermark.py [--data FOLDER] [--quick]

Five clean pictures under the same overlay at three opacities, rounded to eight bits; the mask is where the overlay is,
two pixels wider, or is found in the pictures. PSNR in dB inside the mark, against the same pictures with the mark
filled. Then how often a mark is found that is there, and one that is not.
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

from darkroom.vision import inpainting, watermark, watermark_finding

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


def searched(images: Path, quick: bool) -> None:
    """How often a mark is found that is there, and one that is not; on pictures without any, and with one drawn."""
    folders = [images / name for name in ("sr_hr", "animals", "landscape", "products", "cars", "people")]
    paths = [
        path for folder in folders for path in sorted(folder.glob("*")) if path.suffix in (".png", ".jpg", ".jpeg")
    ]
    paths = [path for path in paths if not any(part in path.name for part in ("alpha", "out", "label", "LRx", "mask"))]
    paths = (paths or sorted((ROOT / "samples").glob("*.jpg")))[: 4 if quick else None]
    pictures: list[Any] = []
    for path in paths:
        with Pillow.open(path) as opened:
            small = opened.convert("RGB")
        small.thumbnail((1000, 1000))
        if min(small.size) >= 400:
            pictures.append(np.asarray(small).astype(np.float32) / 255)
    letters = np.zeros((150, 210), np.uint8)
    cv2.putText(letters, "SAMPLE", (25, 85), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3, cv2.LINE_AA)
    turned = cv2.warpAffine(letters, cv2.getRotationMatrix2D((105, 75), 25, 1), (210, 150)).astype(np.float32) / 255
    chance = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for opacity in (0.0, 0.2, 0.4):
        hits, covered = 0, []
        for picture in pictures:
            height, width = picture.shape[:2]
            mark = np.tile(turned, (height // 150 + 1, width // 210 + 1))[:height, :width, None] * opacity
            found = watermark_finding.tiled(((1 - mark) * picture + mark).astype(np.float32))
            hits += found is not None
            if found is not None and opacity:
                truth = mark[..., 0] > 0.05 * opacity
                covered.append(float((found[1] & truth).sum() / truth.sum()))
        rows.append(_row("repeated in one picture", opacity, len(pictures), hits, covered))
    cut = [picture[:400, :400] for picture in pictures]
    sets = 4 if quick else 40
    false = 0
    for _ in range(sets):
        some = [cut[index] for index in chance.choice(len(cut), min(5, len(cut)), replace=False)]
        false += watermark_finding.shared(some) is not None
    rows.append(_row("shared by five pictures", 0.0, sets, false, []))
    tell("watermark_finding", rows, "python benchmarks/watermark.py")


def _row(kind: str, opacity: float, tries: int, hits: int, covered: list[float]) -> dict[str, Any]:
    name = f"{kind}, opacity {opacity}" if opacity else f"{kind}: none there"
    share = round(statistics.mean(covered), 2) if covered else ""
    return {"mark": name, "pictures or sets": tries, "found": hits, "share of it in the mask": share}


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
            looked = watermark_finding.shared(given)
            alone = watermark.solve(given, looked) if looked is not None else None
            undone, unaided, filled = [], [], []
            for before, pixels in zip(given, clean, strict=True):
                bare = watermark.remove(before, found)[0] if found is not None else before
                undone.append(float(psnr(bare[touched], pixels[touched])))
                bare = watermark.remove(before, alone)[0] if alone is not None else before
                unaided.append(float(psnr(bare[touched], pixels[touched])))
                filled.append(float(psnr(inpainting.fill(before, where)[touched], pixels[touched])))
            rows.append(
                {
                    "overlay": mark,
                    "opacity": opacity,
                    "opacity found": round(found.opacity, 2) if found is not None else 0,
                    "blend undone, mean, dB": round(statistics.mean(undone), 1),
                    "least, dB": round(min(undone), 1),
                    "mask found by itself, mean, dB": round(statistics.mean(unaided), 1),
                    "filled, mean, dB": round(statistics.mean(filled), 1),
                    "s for the mark": round(seconds, 1),
                }
            )
            print(rows[-1], flush=True)
    tell("watermark", rows, "python benchmarks/watermark.py")
    values = {f"{row['overlay']}, {row['opacity']}": row["blend undone, mean, dB"] for row in rows}
    searched(images, chosen.quick)
    bars("watermark", "What was under the mark, from five pictures, PSNR", values, "dB", ours="")


if __name__ == "__main__":
    main()
