"""How time and memory grow with the picture, from 0.1 to 100 megapixels.

    python benchmarks/growth.py [--quick]

Each operation on each size runs in a process of its own, whose peak memory is its own, from a JPEG file to the JPEG of
the result; the time is from decoding to encoding. A line of slope 1 on the plot, whose axes are logarithmic, is time
that grows with the pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from common import house, measured, plot, srvgg, tell, write_picture

OPERATIONS = {
    "resize to 1080 wide": ("resize:width=1080", 100.0),
    "smart_crop": ("smart_crop:width=1080,height=1080", 100.0),
    "remove_background, builtin": ("remove_background:method=grabcut", 25.0),
    "upscale x2, builtin": ("upscale:scale=2,method=builtin", 25.0),
    "upscale x4, compact network": ("upscale:scale=4,model=sr", 6.0),
}
SIZES = (0.1, 0.4, 1.5, 6.0, 25.0, 100.0)


def one(operation: str, path: Path) -> dict[str, float]:
    """One operation on one picture, in this process."""
    from darkroom.image import Encoding
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request, process
    from darkroom.services import build_services

    services = build_services()
    encoding = Encoding(format="jpeg")

    def run() -> Any:
        return process(Request(path, Pipeline([operation]), encoding=encoding), services).report

    # Loading and compiling is not what grows; the second time is like every other.
    run()
    report = run()
    return {"seconds": report.seconds, "memory": report.peak_memory or 0, "estimate": report.memory_estimate or 0}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest sizes only")
    parser.add_argument("--one", nargs=2, metavar=("OPERATION", "FILE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one[0], Path(chosen.one[1]))))
        return
    rows: list[dict[str, Any]] = []
    with house() as place:
        place.add("sr", srvgg(16), task="upscale", scale=4)
        sizes = SIZES[: 2 if chosen.quick else None]
        paths: dict[float, Path] = {}
        for size in sizes:
            # Drawn here: to draw a large picture takes more memory than to work on it.
            width = round((size * 1e6 * 4 / 3) ** 0.5)
            paths[size] = write_picture(place.folder / f"{size}.jpg", width, width * 3 // 4)
        for name, (operation, most) in OPERATIONS.items():
            for size in sizes:
                if size > most:
                    break
                command = [sys.executable, str(Path(__file__)), "--one", operation, str(paths[size])]
                run = measured(command, environment={**os.environ, **place.environment})
                found = json.loads(run.output.strip().splitlines()[-1])
                rows.append(
                    {
                        "operation": name,
                        "megapixels": size,
                        "seconds": round(found["seconds"], 3),
                        "s per megapixel": round(found["seconds"] / size, 3),
                        "peak memory, MB": round(found["memory"] / 1e6),
                        "foreseen, MB": round(found["estimate"] / 1e6),
                    }
                )
                print(rows[-1], flush=True)
    tell("growth", rows, "python benchmarks/growth.py")
    for column, name in (("seconds", "growth-time"), ("peak memory, MB", "growth-memory")):
        with plot(name, f"{column} against megapixels") as axes:
            for operation in OPERATIONS:
                own = [row for row in rows if row["operation"] == operation]
                points = [row["megapixels"] for row in own], [row[column] for row in own]
                axes.plot(*points, marker="o", markersize=3, label=operation)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("megapixels of the input")
            axes.set_ylabel(column)
            axes.legend(fontsize=8, frameon=False)
            axes.grid(alpha=0.25, which="both")


if __name__ == "__main__":
    main()
