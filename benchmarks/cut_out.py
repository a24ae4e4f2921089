"""How good and how fast background removal is without any model.

    python benchmarks/cut_out.py [--data FOLDER] [--json FILE]

Agreement is mean intersection over union with outlines drawn by people (``salient_gt`` of the data folder, as the tests
use it) and with exact outlines (the tests' product pictures). Times are of the whole operation on a bundled sample
enlarged to that size, the median of three.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.operations.running import run  # noqa: E402
from tests.vision.products import BACKGROUNDS, SHAPES, product  # noqa: E402

from darkroom.image import Image  # noqa: E402
from darkroom.operations.remove_background import RemoveBackground  # noqa: E402
from darkroom.vision.matting import solve_alpha  # noqa: E402
from darkroom.vision.segmentation import METHODS  # noqa: E402


def agreement(mask: Any, truth: Any) -> float:
    found = cv2.resize(mask, (truth.shape[1], truth.shape[0]), interpolation=cv2.INTER_LINEAR) > 0.5
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def photographs(folder: Path, prefix: str, method: str) -> float:
    reached = []
    for path in sorted(folder.glob(f"{prefix}_*.jpg")):
        truth = np.asarray(Pillow.open(next(folder.glob(f"{path.stem}.gt.*"))).convert("L")) > 127
        reached.append(agreement(METHODS[method](np.asarray(Pillow.open(path).convert("RGB"))).mask, truth))
    return float(np.mean(reached))


def products(method: str) -> float:
    drawn = [product(shape, background, seed=seed) for seed in (0, 1) for background in BACKGROUNDS for shape in SHAPES]
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
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "results" / "cut_out.json")
    chosen = parser.parse_args()
    rows: list[dict[str, str]] = []

    def add(what: str, figure: str) -> None:
        rows.append({"what": what, "figure": figure})
        print(f"{what:58s} {figure}")

    if chosen.data.is_dir():
        salient = chosen.data / "images" / "salient_gt"
        add("agreement, 8 photographs of the GrabCut set", f"{photographs(salient, 'grabcut', 'grabcut'):.3f}")
        add("agreement, 20 photographs of ECSSD", f"{photographs(salient, 'ecssd', 'grabcut'):.3f}")
        error, taken = matting(chosen.data / "images" / "matting_gt")
        add("alpha matting of fur (lemur, 680 x 440), squared error", f"{error:.5f} in {taken:.1f} s")
    else:
        print(f"{chosen.data} is not here: the photographs are left out", file=sys.stderr)
    add("agreement, 40 drawn products on plain backgrounds", f"{products('grabcut'):.3f}")
    add("remove_background at 1080p", f"{seconds(1920, 1080):.1f} s")
    add("remove_background at 12 megapixels", f"{seconds(4000, 3000):.1f} s")
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "columns": ["what", "figure"],
        "rows": rows,
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, no model",
        "command": "python benchmarks/cut_out.py",
    }
    chosen.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
