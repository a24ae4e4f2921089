"""How good and how fast background removal is without any model.

    python benchmarks/cut_out.py [--data FOLDER] [--quick]

Agreement is mean intersection over union with outlines drawn by people (``salient_gt`` of the data folder, as the tests
use it) and with exact outlines (the tests' product pictures). Times are of the whole operation on a bundled sample
enlarged to that size, the median of three.
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
from common import ROOT, tell
from PIL import Image as Pillow

sys.path.insert(0, str(ROOT))

from tests.operations.running import run
from tests.vision.products import BACKGROUNDS, SHAPES, product

from darkroom.image import Image
from darkroom.operations.remove_background import RemoveBackground
from darkroom.vision.matting import solve_alpha
from darkroom.vision.segmentation import METHODS


def agreement(mask: Any, truth: Any) -> float:
    found = cv2.resize(mask, (truth.shape[1], truth.shape[0]), interpolation=cv2.INTER_LINEAR) > 0.5
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def photographs(folder: Path, prefix: str, method: str) -> float:
    reached = []
    for path in sorted(folder.glob(f"{prefix}_*.jpg")):
        truth = np.asarray(Pillow.open(next(folder.glob(f"{path.stem}.gt.*"))).convert("L")) > 127
        reached.append(agreement(METHODS[method](np.asarray(Pillow.open(path).convert("RGB"))).mask, truth))
    return float(np.mean(reached))


def products(method: str, seeds: tuple[int, ...]) -> float:
    drawn = [product(shape, background, seed=seed) for seed in seeds for background in BACKGROUNDS for shape in SHAPES]
    return float(np.mean([agreement(METHODS[method](pixels).mask, matte > 0.5) for pixels, matte in drawn]))


def seconds(width: int, height: int) -> float:
    sample = np.asarray(Pillow.open(ROOT / "samples" / "portrait.jpg").convert("RGB").resize((width, height)))
    image = Image.from_array(sample)
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        run(RemoveBackground(method="grabcut"), image)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def matting(folder: Path) -> tuple[float, float]:
    """Mean squared error in the open part of the lemur's trimap, and seconds."""
    pixels = np.asarray(Pillow.open(folder / "lemur.png").convert("RGB"))
    levels = np.asarray(Pillow.open(folder / "lemur_trimap.png").convert("L"))
    reference = np.asarray(Pillow.open(folder / "lemur_alpha.png").convert("L")) / 255
    trimap = np.where(levels < 10, 0, np.where(levels > 245, 1, 0.5)).astype(np.float32)
    started = time.perf_counter()
    alpha = solve_alpha(pixels, trimap)
    return float(((alpha - reference)[trimap == 0.5] ** 2).mean()), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="half of the products and a small picture, nothing else")
    chosen = parser.parse_args()
    rows: list[dict[str, str]] = []

    def add(what: str, figure: str) -> None:
        rows.append({"what": what, "figure": figure})

    if chosen.quick:
        add("agreement, 20 drawn products on plain backgrounds", f"{products('grabcut', (0,)):.3f}")
        add("remove_background at 640 x 360", f"{seconds(640, 360):.1f} s")
        tell("cut_out", rows, "python benchmarks/cut_out.py")
        return
    if chosen.data.is_dir():
        salient = chosen.data / "images" / "salient_gt"
        add("agreement, 8 photographs of the GrabCut set", f"{photographs(salient, 'grabcut', 'grabcut'):.3f}")
        add("agreement, 20 photographs of ECSSD", f"{photographs(salient, 'ecssd', 'grabcut'):.3f}")
        error, taken = matting(chosen.data / "images" / "matting_gt")
        add("alpha matting of fur (lemur, 680 x 440), squared error", f"{error:.5f} in {taken:.1f} s")
    else:
        print(f"{chosen.data} is not here: the photographs are left out", file=sys.stderr)
    add("agreement, 40 drawn products on plain backgrounds", f"{products('grabcut', (0, 1)):.3f}")
    add("remove_background at 1080p", f"{seconds(1920, 1080):.1f} s")
    add("remove_background at 12 megapixels", f"{seconds(4000, 3000):.1f} s")
    tell("cut_out", rows, "python benchmarks/cut_out.py")


if __name__ == "__main__":
    main()
