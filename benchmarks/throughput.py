"""A folder of pictures through the worker processes: one worker, or two that fill each other's gaps.

    python benchmarks/throughput.py --pictures FOLDER [--quick]

A dozen pictures of about a megapixel each, workers warm. One worker with every thread is how networks are usually run;
two with half the threads each, and two with all of them, overlap decoding, network and encoding.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from common import House, bars, house, picture, srvgg, tell, u2net

WAYS = {"one worker": (1, 0), "two, half the threads each": (2, -2), "two, all threads each": (2, 0)}
PIPELINES = {
    "cut out, builtin": "remove_background:method=grabcut",
    "cut out, U2-Net's size": "remove_background:method=model,model=u2",
    "enlarge four times, compact network": "upscale:scale=4,model=sr",
    "resize": "resize:width=400",
}


def pictures(place: House, folder: Path | None, count: int, megapixels: float) -> list[Path]:
    """Files of about that size: from a folder, or drawn."""
    import cv2

    made: list[Path] = []
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".jpeg", ".png")) if folder else []
    for number in range(count):
        pixels: Any = cv2.imread(str(found[number % len(found)])) if found else None
        if pixels is None:
            pixels = picture(1200, 900, seed=number)
        factor = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
        made.append(place.folder / f"{number}.jpg")
        cv2.imwrite(str(made[-1]), cv2.resize(pixels, None, fx=factor, fy=factor))
    return made


def run(paths: list[Path], operation: str, workers: int, threads: int) -> float:
    """Seconds for all of them, after one each to warm up."""
    from darkroom.image import Encoding
    from darkroom.jobs.worker import WorkerPool
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request
    from darkroom.settings import load_settings

    share = max(1, (os.cpu_count() or 1) // -threads) if threads < 0 else threads
    with WorkerPool(load_settings({"engine.threads": share}), workers=workers) as pool:

        def all_of(some: list[Path]) -> None:
            requests = [Request(path, Pipeline([operation]), encoding=Encoding(format="png")) for path in some]
            for job in [pool.submit(request) for request in requests]:
                job.result()

        all_of(paths[:workers])
        started = time.perf_counter()
        all_of(paths)
        return time.perf_counter() - started


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="folder of pictures; drawn ones without it")
    parser.add_argument("--quick", action="store_true", help="few and small pictures, two pipelines, one round")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with house() as place:
        os.environ.update(place.environment)
        place.add("u2", u2net(), task="matte")
        place.add("sr", srvgg(16), task="upscale", scale=4)
        paths = pictures(place, chosen.pictures, 4 if chosen.quick else 12, 0.1 if chosen.quick else 1.0)
        for what, operation in list(PIPELINES.items())[-1 if chosen.quick else 0 :]:
            times: dict[str, float] = {}
            for _ in range(1 if chosen.quick else 2):
                for name, (workers, threads) in WAYS.items():
                    seconds = run(paths, operation, workers, threads)
                    times[name] = min(times.get(name, seconds), seconds)
            row: dict[str, Any] = {"pipeline": what, "pictures": len(paths)}
            row |= {f"{name}, s": round(value, 2) for name, value in times.items()}
            row["gain of the default"] = f"{times['one worker'] / times['two, all threads each']:.2f}x"
            rows.append(row)
    tell("throughput", rows, "python benchmarks/throughput.py --pictures FOLDER")
    values = {row["pipeline"]: float(row["gain of the default"][:-1]) for row in rows}
    bars("throughput", "Pictures in the same time, two workers against one", values, "x", ours="")


if __name__ == "__main__":
    main()
