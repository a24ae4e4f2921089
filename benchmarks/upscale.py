"""How long enlarging a 1080p picture takes, how much memory, and how good the builtin way is.

    python benchmarks/upscale.py [--json FILE] [--pairs FOLDER] [--quick]

The networks have random weights, written here: speed and memory do not depend on what the numbers are. Every case runs
in a process of its own, so that its peak memory is its own; times are wall and processor seconds of the ``upscale``
step, the first with an empty cache of compiled networks and the second with a filled one. ``--pairs`` names a folder of
``*_HR.png`` and ``*_LRx4.png`` and adds PSNR and SSIM of Lanczos and of the builtin enlarger on luma.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1920, 1080


@dataclass(frozen=True)
class Case:
    """One network on one size of picture."""

    name: str
    blocks: int
    folds: int
    scale: int
    height: int = HEIGHT
    width: int = WIDTH


CASES = (
    Case("builtin", 0, 1, 2),
    Case("srvgg-16-x4", 16, 1, 4),
    Case("rrdbnet-23-x2", 23, 2, 2),
    Case("rrdbnet-6-x4", 6, 1, 4, 540, 960),
)


def weights(case: Case) -> dict[str, Any]:
    """Random tensors of the official networks' sizes, tamed so that the result stays a picture."""
    import numpy as np

    numbers = np.random.default_rng(0)
    state: dict[str, Any] = {}

    def add(name: str, out: int, seen: int) -> None:
        state[f"{name}.weight"] = (numbers.standard_normal((out, seen, 3, 3)) / (6 * seen**0.5)).astype(np.float32)
        state[f"{name}.bias"] = np.full(out, 0.05, np.float32)

    if case.name.startswith("srvgg"):
        for index in range(case.blocks + 2):
            add(f"body.{2 * index}", 48 if index > case.blocks else 64, 3 if index == 0 else 64)
        for index in range(case.blocks + 1):
            state[f"body.{2 * index + 1}.weight"] = np.full(64, 0.2, np.float32)
        return state
    add("conv_first", 64, 3 * case.folds**2)
    for block in range(case.blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                add(f"body.{block}.rdb{dense}.conv{conv}", 64 if conv == 5 else 32, 64 + (conv - 1) * 32)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        add(name, 64, 64)
    add("conv_last", 3, 64)
    state["conv_last.bias"] += 0.4
    return state


class OneModel:
    """A model store of one file."""

    def __init__(self, case: Case, path: Path) -> None:
        from darkroom.models.catalogue import ModelEntry, ModelFile

        self.path = path
        self.digest = case.name.encode().hex().ljust(64, "0")
        self._entry = ModelEntry(
            name=case.name,
            task="upscale",
            architecture="srvgg" if case.name.startswith("srvgg") else "rrdbnet",
            scale=case.scale,
            files=(ModelFile(name=path.name),),
            licence="none",
        )

    def entry(self, name: str) -> Any:
        return self._entry

    def entries(self) -> list[Any]:
        return [self._entry]

    def ready(self, name: str) -> bool:
        return True

    def ensure(self, name: str, on_progress: Any) -> Any:
        return Stored(self._entry, self.path, self.digest, "made by this benchmark")


@dataclass(frozen=True)
class Stored:
    """The model as the runtime wants it."""

    entry: Any
    path: Path
    digest: str
    digest_source: str


def run_case(case: Case, folder: Path) -> dict[str, Any]:
    """Enlarge one picture in this process."""
    import cv2
    import numpy as np

    from darkroom.engines.sessions import Runtime
    from darkroom.image import Image
    from darkroom.operation import Context
    from darkroom.operations.upscale import Upscale
    from darkroom.report import StepReport, peak_memory
    from darkroom.settings import Settings

    settings = Settings().with_changes({"engine.cache": str(folder / "compiled"), "engine.device": "cpu"})
    coarse = np.random.default_rng(1).integers(0, 256, (case.height // 20, case.width // 20, 3), np.uint8)
    image = Image.from_array(cv2.resize(coarse, (case.width, case.height), interpolation=cv2.INTER_CUBIC))
    builtin = case.name == "builtin"
    operation = Upscale(scale=case.scale, method="builtin") if builtin else Upscale(scale=case.scale, model=case.name)
    runtime = Runtime(settings.engine, OneModel(case, folder / f"{case.name}.safetensors"))
    report = StepReport(operation="upscale")
    context = Context(settings=settings, models=runtime, step=report, open_image=_no_image)
    wall, processor = time.perf_counter(), time.process_time()
    result = operation.apply(image, context)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    assert result.size == (case.width * case.scale, case.height * case.scale)
    assert not report.fallbacks, report.fallbacks
    return {
        "case": case.name,
        "from": f"{case.width}x{case.height}",
        "scale": case.scale,
        "engine": report.engine or "builtin",
        "precision": report.precision or "",
        "seconds": round(wall, 2),
        "processor_seconds": round(processor, 2),
        "peak_memory_mb": round((peak_memory() or 0) / 1e6),
    }


def _no_image(reference: str) -> Any:
    raise AssertionError(reference)


def measure_speed(quick: bool) -> list[dict[str, Any]]:
    """Every case twice, each in a process of its own."""
    from safetensors.numpy import save_file

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in CASES[:2] if quick else CASES:
            if case.blocks:
                save_file(weights(case), folder / f"{case.name}.safetensors")
            for cache in ("empty", "filled") if case.blocks else ("",):
                command = [sys.executable, __file__, "--case", case.name, "--folder", name]
                shown = subprocess.run(command, capture_output=True, text=True, check=False)
                if shown.returncode:
                    raise SystemExit(shown.stderr)
                rows.append(json.loads(shown.stdout) | {"cache": cache})
    return rows


def measure_quality(folder: Path) -> dict[str, Any]:
    """Mean PSNR and SSIM on luma over pairs of a scale of four."""
    import cv2
    import numpy as np

    from darkroom.vision.enlarge import enlarge

    def luma(pixels: Any) -> Any:
        whole = np.rint(np.clip(pixels, 0, 1) * 255)
        return 16 + whole @ np.array([24.966, 128.553, 65.481]) / 255

    def ssim(a: Any, b: Any) -> float:
        def mean(values: Any) -> Any:
            return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

        ma, mb = mean(a), mean(b)
        va, vb, both = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
        one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        return float(np.mean((2 * ma * mb + one) * (2 * both + two) / ((ma**2 + mb**2 + one) * (va + vb + two))))

    found: dict[str, list[tuple[float, float]]] = {"lanczos": [], "builtin": []}
    for small in sorted(folder.glob("*_LRx4.png")):
        source = cv2.imread(str(small)).astype(np.float32) / 255
        truth = cv2.imread(str(small.with_name(small.name.replace("LRx4", "HR")))).astype(np.float32) / 255
        results = {
            "lanczos": cv2.resize(source, None, fx=4, fy=4, interpolation=cv2.INTER_LANCZOS4),
            "builtin": enlarge(source, 4),
        }
        for name, result in results.items():
            height, width = min(truth.shape[0], result.shape[0]), min(truth.shape[1], result.shape[1])
            a, b = luma(result[:height, :width]), luma(truth[:height, :width])
            error = np.mean((a[4:-4, 4:-4] - b[4:-4, 4:-4]) ** 2)
            found[name].append((float(10 * np.log10(255**2 / error)), ssim(a, b)))
    return {
        name: {
            "pairs": len(rows),
            "psnr": round(sum(psnr for psnr, _ in rows) / len(rows), 2),
            "ssim": round(sum(ssim for _, ssim in rows) / len(rows), 4),
        }
        for name, rows in found.items()
        if rows
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    results = Path(__file__).parent / "results" / "upscale.json"
    parser.add_argument("--json", type=Path, default=results, help="where to write the figures")
    parser.add_argument("--pairs", type=Path, help="folder of *_HR.png and *_LRx4.png")
    parser.add_argument("--quick", action="store_true", help="only the builtin way and the smallest network")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        case = next(case for case in CASES if case.name == chosen.case)
        print(json.dumps(run_case(case, chosen.folder)))
        return
    machine = platform.processor() or platform.machine()
    figures: dict[str, Any] = {"machine": machine, "speed": measure_speed(chosen.quick)}
    print(f"{'case':<15}{'from':<11}{'x':<3}{'engine':<11}{'precision':<11}{'cache':<8}", end="")
    print(f"{'wall s':>8}{'cpu s':>8}{'peak MB':>9}")
    for row in figures["speed"]:
        print(
            f"{row['case']:<15}{row['from']:<11}{row['scale']:<3}{row['engine']:<11}{row['precision']:<11}"
            f"{row['cache']:<8}{row['seconds']:>8.1f}{row['processor_seconds']:>8.1f}{row['peak_memory_mb']:>9}"
        )
    if chosen.pairs:
        figures["quality"] = measure_quality(chosen.pairs)
        for name, row in figures["quality"].items():
            print(f"{name}: {row['psnr']} dB, SSIM {row['ssim']}, mean of {row['pairs']} pairs")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(_table(figures), indent=2) + "\n")


def _table(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures as the documentation shows them."""
    rows = [
        {
            "network (random weights)": row["case"],
            "picture": f"{row['from']}, x{row['scale']}",
            "computed in": row["precision"] or "builtin",
            "seconds": row["seconds"],
            "processor seconds": row["processor_seconds"],
            "peak memory, MB": row["peak_memory_mb"],
        }
        for row in figures["speed"]
        if row["cache"] != "empty"
    ]
    return {
        "columns": list(rows[0]),
        "rows": rows,
        "quality": figures.get("quality"),
        "machine": f"{figures['machine']}, {len(os.sched_getaffinity(0))} cores",
        "command": "python benchmarks/upscale.py",
    }


if __name__ == "__main__":
    main()
