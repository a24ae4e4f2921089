"""How much nearer alpha matting brings a coarse mask to the reference alpha.

    python benchmarks/matting.py [--data FOLDER] [--quick]

The coarse mask is what a network of 320 pixels would give of the reference: shrunk to 320 pixels, made soft at the
edge, and enlarged again. From it the trimap of remove_background's defaults is made and solved. SAD in thousands of
pixels, MSE in thousandths, over the whole picture.
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
from common import ROOT, bars, tell
from PIL import Image as Pillow

sys.path.insert(0, str(ROOT))

from darkroom.operations.remove_background import RemoveBackground
from darkroom.vision import matting

LONGEST, COARSE = 1200, 320
PAIRS = {
    "elephant": ("elephant.png", "elephant.fba_alpha.png"),
    "lemur": ("lemur.png", "lemur_alpha.png"),
    "levin": ("levin_source.png", "levin_matlab_alpha.png"),
    "troll": ("troll.png", "troll.fba_alpha.png"),
}


def pairs(folder: Path) -> dict[str, tuple[Any, Any]]:
    """Pictures, ``height x width x 3`` uint8, with their reference alpha, ``height x width`` float32."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, (picture, alpha) in PAIRS.items():
        if (folder / picture).exists():
            pixels = np.asarray(Pillow.open(folder / picture).convert("RGB"))
            truth = np.asarray(Pillow.open(folder / alpha).convert("L")).astype(np.float32) / 255
            factor = min(1.0, LONGEST / max(pixels.shape[:2]))
            size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
            found[name] = (
                cv2.resize(pixels, size, interpolation=cv2.INTER_AREA),
                cv2.resize(truth, size, interpolation=cv2.INTER_AREA),
            )
    return found


def drawn() -> dict[str, tuple[Any, Any]]:
    """One that needs no data: threads before a gradient."""
    chance = np.random.default_rng(0)
    alpha = np.zeros((300, 400), np.float32)
    cv2.circle(alpha, (200, 150), 70, 1.0, -1, cv2.LINE_AA)
    for turn in chance.uniform(0, 2 * np.pi, 60):
        tip = (round(200 + 105 * np.cos(turn)), round(150 + 105 * np.sin(turn)))
        cv2.line(alpha, (200, 150), tip, 1.0, 1, cv2.LINE_AA)
    behind = np.linspace(40, 120, 400, dtype=np.float32)[None, :, None] * np.array((0.6, 1.0, 0.8), np.float32)
    pixels = np.broadcast_to(behind, (300, 400, 3)) * (1 - alpha[..., None]) + 220 * alpha[..., None]
    return {"threads, drawn": (np.rint(pixels).astype(np.uint8), alpha)}


def coarse(truth: Any) -> Any:
    """The mask of a network that works at 320 pixels."""
    small = cv2.resize(truth, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur((small > 0.5).astype(np.float32), (0, 0), 1.0)
    return cv2.resize(soft, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="one picture that is drawn")
    chosen = parser.parse_args()
    found = {} if chosen.quick else pairs(chosen.data / "images" / "matting_gt")
    usual = RemoveBackground()
    rows: list[dict[str, Any]] = []
    better = 0
    for name, (pixels, truth) in (found or drawn()).items():
        mask = coarse(truth)
        started = time.perf_counter()
        trimap = matting.trimap_from_mask(
            mask, usual.foreground_threshold, usual.background_threshold, usual.erode_size
        )
        alpha = matting.solve_alpha(pixels, trimap, mask=mask)
        seconds = time.perf_counter() - started
        sad = [float(np.abs(one - truth).sum()) / 1000 for one in (mask, alpha)]
        mse = [float(((one - truth) ** 2).mean()) * 1000 for one in (mask, alpha)]
        better += sad[1] < sad[0] and mse[1] < mse[0]
        rows.append(
            {
                "picture": name,
                "SAD, mask": round(sad[0], 2),
                "SAD, refined": round(sad[1], 2),
                "MSE, mask": round(mse[0], 2),
                "MSE, refined": round(mse[1], 2),
                "s": round(seconds, 2),
            }
        )
        print(rows[-1], flush=True)
    mean = {name: round(statistics.mean(row[name] for row in rows), 2) for name in list(rows[0])[1:]}
    rows.append({"picture": "mean", **mean})
    tell("matting", rows, "python benchmarks/matting.py")
    print(f"better in both on {better} of {len(rows) - 1}")
    values = {f"{kind}, {row['picture']}": row[f"SAD, {kind}"] for row in rows[:-1] for kind in ("mask", "refined")}
    bars("matting", "Distance from the reference alpha, SAD in thousands", values, "thousand pixels", ours="refined")


if __name__ == "__main__":
    main()
