"""How close enlarged pictures come to the originals: networks with real weights, the builtin way, and Lanczos.

    python benchmarks/fidelity.py --pairs FOLDER --weights FOLDER [--quick]

``--pairs`` holds ``NAME_HR.png`` beside ``NAME_LRx4.png``; PSNR and SSIM (Wang et al., 2004) on luma, four pixels of
border left out, as is usual. Networks trained on the damage of photographs from the web (Real-ESRGAN's) sharpen and
clean, and score lower here than they look.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import bars, house, tell

NETWORKS = {"realesr-animevideov3": "anime-video", "compact-lite-x4": "compact-lite"}


def luma(pixels: Any) -> Any:
    """Rec. 601 luma of RGB, 0.0 to 1.0, on the usual 16 to 235."""
    return 16 + np.rint(np.clip(pixels, 0, 1) * 255) @ np.array([65.481, 128.553, 24.966]) / 255


def ssim(a: Any, b: Any) -> float:
    """Structural similarity with a Gaussian window of 11 pixels."""
    import cv2

    def mean(values: Any) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * ma * mb + one) * (2 * both + two) / ((ma**2 + mb**2 + one) * (va + vb + two))))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="two pairs")
    chosen = parser.parse_args()
    import cv2

    pairs = sorted(chosen.pairs.glob("*_LRx4.png"))[: 2 if chosen.quick else None]
    if not pairs:
        raise SystemExit(f"{chosen.pairs} holds no *_LRx4.png")
    rows: list[dict[str, Any]] = []
    with house() as place:
        from darkroom.models.weights import read_tensors

        for name, short in NETWORKS.items():
            place.add(short, read_tensors(chosen.weights / f"{name}.pth"), task="upscale", scale=4)
        for label, enlarge in ways(place).items():
            scores: list[tuple[float, float]] = []
            seconds = pixels = 0.0
            for small in pairs:
                source = cv2.cvtColor(_read(small), cv2.COLOR_BGR2RGB)
                truth = _read(small.with_name(small.name.replace("LRx4", "HR")))[..., ::-1].astype(np.float64) / 255
                enlarge(source)
                started = time.perf_counter()
                result = enlarge(source)
                seconds += time.perf_counter() - started
                pixels += source.shape[0] * source.shape[1]
                height, width = min(truth.shape[0], result.shape[0]), min(truth.shape[1], result.shape[1])
                a, b = luma(result[:height, :width])[4:-4, 4:-4], luma(truth[:height, :width])[4:-4, 4:-4]
                scores.append((float(10 * np.log10(255**2 / np.mean((a - b) ** 2))), ssim(a, b)))
            psnr, similar = np.mean(scores, axis=0)
            rows.append(
                {
                    "enlarged x4 by": label,
                    "PSNR, dB": f"{psnr:.2f}",
                    "SSIM": f"{similar:.4f}",
                    "s per megapixel": f"{seconds / pixels * 1e6:.2f}",
                }
            )
            print(rows[-1])
    tell("fidelity", rows, "python benchmarks/fidelity.py --pairs FOLDER --weights FOLDER", pairs=len(pairs))
    bars("fidelity", f"SSIM, mean of {len(pairs)} pairs", {r["enlarged x4 by"]: float(r["SSIM"]) for r in rows}, "")


def _read(path: Path) -> Any:
    import cv2

    pixels = cv2.imread(str(path))
    assert pixels is not None, path
    return pixels


def ways(place: Any) -> dict[str, Callable[[Any], Any]]:
    """Each way to enlarge: from ``height x width x 3`` uint8 to floats, 0.0 to 1.0."""
    import os

    import cv2

    os.environ.update(place.environment)
    from darkroom.image import Image
    from darkroom.operation import Context
    from darkroom.operations.upscale import Upscale
    from darkroom.report import StepReport
    from darkroom.services import build_services
    from darkroom.settings import load_settings

    def lanczos(source: Any) -> Any:
        return cv2.resize(source, None, fx=4, fy=4, interpolation=cv2.INTER_LANCZOS4) / 255

    found: dict[str, Callable[[Any], Any]] = {"Lanczos": lanczos}

    def by(operation: Upscale, precision: str) -> Callable[[Any], Any]:
        services = build_services(load_settings({"engine.precision": precision}))

        def enlarge(source: Any) -> Any:
            context = Context(
                settings=services.settings,
                models=services.models,
                step=StepReport(operation="upscale"),
                open_image=services.open_image,
            )
            return operation.apply(Image.from_array(source), context).to_array() / 255

        return enlarge

    found["Darkroom, builtin"] = by(Upscale(scale=4, method="builtin"), "auto")
    for name, short in NETWORKS.items():
        for precision in ("fp32", "auto"):
            label = f"Darkroom, {name}, {precision if precision != 'auto' else 'usual precision'}"
            found[label] = by(Upscale(scale=4, model=short), precision)
    return found


if __name__ == "__main__":
    main()
