"""How much nearer a JPEG comes to the picture that it was made from, repaired without a network.

    python benchmarks/artifacts.py [--data FOLDER] [--quick]

Every picture of ``sr_hr`` is saved as a JPEG (libjpeg, colour of half the size) and repaired as ``fix_artifacts`` does
it, but for the smoothing of steps in tones; beside it the filters that people reach for, each at the best of three
settings for that quality. PSNR in dB over all channels. Time is the median of three on one picture of 1080p.
"""

from __future__ import annotations

import argparse
import io
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

from darkroom.vision import jpeg

QUALITIES = (10, 30, 50)


def saved(pixels: Any, quality: int) -> Any:
    """Through a JPEG file and back, uint8."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file).convert("RGB"))


def unit(pixels: Any) -> Any:
    return pixels.astype(np.float32) / 255


def others(pixels: Any) -> dict[str, list[Any]]:
    """The same picture through filters that know nothing of JPEG."""
    return {
        "bilateral filter": [cv2.bilateralFilter(pixels, 0, spread, 2) for spread in (8, 16, 32)],
        "non-local means": [cv2.fastNlMeansDenoisingColored(pixels, None, h, h, 5, 15) for h in (2, 4, 8)],
    }


def _mean_and_least(gains: list[list[float]]) -> str:
    """Of the setting that is best on average."""
    best = int(np.mean(gains, axis=0).argmax())
    each = [gain[best] for gain in gains]
    return f"{statistics.mean(each):.2f} ({min(each):.2f})"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="two small pictures")
    chosen = parser.parse_args()
    paths = sorted((chosen.data / "images" / "sr_hr").glob("*_HR.png"))
    if chosen.quick:
        paths = paths[:2] or sorted((ROOT / "samples").glob("*.jpg"))[:2]
    pictures = {path.stem.removesuffix("_HR"): np.asarray(Pillow.open(path).convert("RGB")) for path in paths}
    if chosen.quick:
        pictures = {name: pixels[:128, :128] for name, pixels in pictures.items()}
    rows: list[dict[str, Any]] = []
    gains: dict[int, dict[str, float]] = {}
    for quality in QUALITIES:
        gains[quality] = {}
        filtered: dict[str, list[list[float]]] = {}
        found = 0
        for name, pixels in pictures.items():
            file = saved(pixels, quality)
            before = psnr(unit(file), unit(pixels))
            repaired = jpeg.deblock(unit(file), quality, subsampled=True)
            gains[quality][name] = float(psnr(repaired, unit(pixels)) - before)
            for method, made in others(file).items():
                filtered.setdefault(method, []).append([psnr(unit(one), unit(pixels)) - before for one in made])
            grid = jpeg.find_grid(unit(file[3:, 5:]))
            found += grid is not None and grid.place == (3, 5) and abs(grid.quality - quality) <= 1
        rows.append(
            {
                "JPEG quality": quality,
                "gain, mean, dB": round(statistics.mean(gains[quality].values()), 2),
                "gain, least, dB": round(min(gains[quality].values()), 2),
                "pictures nearer": f"{sum(gain > 0 for gain in gains[quality].values())} of {len(pictures)}",
                **{f"{method}, mean (least), dB": _mean_and_least(each) for method, each in filtered.items()},
                "grid and quality found in a crop": f"{found} of {len(pictures)}",
            }
        )
        print(rows[-1], flush=True)
    sample = cv2.resize(next(iter(pictures.values())), (192, 108) if chosen.quick else (1920, 1080))
    file, taken = unit(saved(sample, 30)), list[float]()
    for _ in range(3):
        started = time.perf_counter()
        jpeg.deblock(file, 30, subsampled=True)
        taken.append(time.perf_counter() - started)
    each = [{"quality": quality, **made} for quality, made in gains.items()]
    seconds = round(statistics.median(taken), 2)
    tell("artifacts", rows, "python benchmarks/artifacts.py", each=each, seconds_1080p=seconds)
    print(f"1080p: {seconds} s")
    with plot("artifacts", "JPEG repair without a network, gain in PSNR") as axes:
        for quality, made in gains.items():
            axes.plot(list(made), list(made.values()), marker="o", label=f"quality {quality}")
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.tick_params(axis="x", rotation=70)
        axes.set_ylabel("dB")
        axes.legend()


if __name__ == "__main__":
    main()
