"""How long a scene takes, how much memory, and a sheet to look at: every style and lighting.

    python benchmarks/scenes.py [--quick]

Seconds are for a cut-out mug placed into a new scene, in a process of its own, decoding and encoding left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import ROOT, bars, tell
from PIL import Image as Pillow

sys.path.insert(0, str(ROOT))

STYLES = ("white", "studio", "marble_desk", "wooden_table", "living_room", "outdoor")
LIGHTINGS = ("soft", "natural", "dramatic")
SAMPLES = ("mug.jpg", "duck.jpg")
SHEET = ROOT / "docs" / "images" / "scenes.jpg"
PROGRAM = """
import json, sys, time
import darkroom
cut, style, width, height = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
image = darkroom.open(cut)
small = {"type": "generate_background", "style": style, "width": 64, "height": 64}
darkroom.process(image, small)
started = time.perf_counter()
result = darkroom.process(image, {**small, "width": width, "height": height})
step = result.report.steps[0]
print(json.dumps([step.seconds, step.peak_memory, result.report.memory_estimate]))
"""


def cut_out(path: Path, folder: Path) -> Path:
    """The sample without its background."""
    import darkroom

    target = folder / f"{path.stem}.png"
    darkroom.process(path, {"type": "remove_background", "method": "grabcut", "alpha_matting": True}, output=target)
    return target


def sheet(cuts: list[Path]) -> None:
    """Every style, one a row; every lighting and every sample across it."""
    import darkroom

    rows: list[Any] = []
    for style in STYLES:
        row: list[Any] = []
        for index, lighting in enumerate(LIGHTINGS):
            for cut in cuts:
                scene = {"type": "generate_background", "style": style, "lighting": lighting, "seed": 5 + index}
                made = darkroom.process(cut, {**scene, "width": 800, "height": 640, "size": 0.58})
                picture = Pillow.fromarray(made.image.to_array()[..., :3])
                row.append(np.asarray(picture.resize((320, 256), Pillow.Resampling.LANCZOS)))
        rows.append(np.hstack(row))
    Pillow.fromarray(np.vstack(rows)).save(SHEET, quality=82, optimize=True, progressive=True)
    print(f"{SHEET.relative_to(ROOT)}: {SHEET.stat().st_size // 1000} kB")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small, one style, no sheet")
    chosen = parser.parse_args()
    sizes = {"0.3 MP": (640, 480)} if chosen.quick else {"1080p": (1920, 1080), "12 MP": (4000, 3000)}
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        cuts = [cut_out(ROOT / "samples" / name, Path(folder)) for name in SAMPLES]
        for style in STYLES[1:3] if chosen.quick else STYLES:
            row: dict[str, Any] = {"style": style}
            for name, size in sizes.items():
                order = [sys.executable, "-c", PROGRAM, str(cuts[0]), style, *map(str, size)]
                done = subprocess.run(order, capture_output=True, text=True, check=True)
                seconds, peak, estimate = json.loads(done.stdout)
                row[f"{name}, s"] = round(seconds, 2)
                row[f"{name}, peak MB"] = round(peak / 1e6)
                row[f"{name}, foreseen MB"] = round(estimate / 1e6)
            rows.append(row)
            print(row, flush=True)
        if not chosen.quick:
            sheet(cuts)
    tell("scenes", rows, "python benchmarks/scenes.py")
    first = next(iter(sizes))
    bars("scenes", f"A scene of {first}, seconds", {row["style"]: row[f"{first}, s"] for row in rows}, "s", ours="")


if __name__ == "__main__":
    main()
