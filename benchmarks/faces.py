"""How many of the faces that OpenCV's YuNet finds Darkroom finds too, with the same weights and without any.

    python benchmarks/faces.py [--data FOLDER] [--quick]

Every photograph of people; a face is found where boxes overlap by 0.4 (intersection over union). OpenCV's detector sees
the whole photograph in its 640 pixels, with its own thresholds; Darkroom's is used as its operations use it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import ROOT, bars, tell

sys.path.insert(0, str(ROOT))

import darkroom
from darkroom.face_finder import LARGE, SMALL, seen
from darkroom.vision import faces

OVERLAP, SIDE = 0.4, 640


def overlap(one: Any, other: Any) -> float:
    """Intersection over union of two boxes: left, top, width, height."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def boxes(found: list[faces.Face], factor: float) -> list[tuple[float, ...]]:
    """Boxes in the picture's own coordinates."""
    moved = [faces.moved(face, factor) for face in found]
    return [(face.left, face.top, face.width, face.height) for face in moved]


def opencv(detector: Any, pixels: Any) -> list[tuple[float, ...]]:
    """Boxes that OpenCV's own class finds in a photograph."""
    factor = SIDE / max(pixels.shape[:2])
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)[..., ::-1]
    found = detector.detect(square)[1]
    return [] if found is None else [tuple(float(value) / factor for value in face[:4]) for face in found]


def matched(truth: list[Any], found: list[Any]) -> int:
    """How many of the boxes of ``truth`` are found, each by a box of its own."""
    rest = list(found)
    hits = 0
    for box in truth:
        best = max(rest, key=lambda other: overlap(box, other), default=None)
        if best is not None and overlap(box, best) >= OVERLAP:
            rest.remove(best)
            hits += 1
    return hits


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="two photographs")
    chosen = parser.parse_args()
    weights = chosen.data / "models" / "faces"
    every = sorted((chosen.data / "images" / "people").glob("*"))
    paths = [path for path in every if not any(part in path.name for part in ("mask", "alpha", ".out."))]
    if not paths:
        sys.exit("There are no photographs: --data names the folder that has images/people and models/faces.")
    if chosen.quick:
        paths = paths[:2]
    theirs: Any = cv2.FaceDetectorYN.create(str(weights / "yunet_n_640_640.onnx"), "", (SIDE, SIDE))
    network = cv2.dnn.readNetFromONNX(str(weights / "yunet_n_640_640.onnx"))
    names = network.getUnconnectedOutLayersNames()

    def run(batch: Any) -> dict[str, Any]:
        network.setInput(batch)
        return dict(zip(names, network.forward(names), strict=True))

    total = {"opencv": 0, "found": 0, "more": 0, "haar": 0, "haar more": 0}
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(paths, 1):
        image = darkroom.open(path)
        pixels, _ = seen(image, 100_000)
        height, width = pixels.shape[:2]
        truth = opencv(theirs, pixels)
        started = time.perf_counter()
        view, factor = seen(image, LARGE)
        ours = boxes(faces.find_with_yunet(view, run), factor)
        seconds = time.perf_counter() - started
        view, factor = seen(image, SMALL)
        cascades = boxes(faces.find_with_haar(view), factor)
        hits, haar = matched(truth, ours), matched(truth, cascades)
        total["opencv"] += len(truth)
        total["found"] += hits
        total["more"] += len(ours) - hits
        total["haar"] += haar
        total["haar more"] += len(cascades) - haar
        rows.append(
            {
                "photograph": f"{number}, {width} x {height}",
                "OpenCV's YuNet": len(truth),
                "of these found": hits,
                "more found": len(ours) - hits,
                "of these by cascades": haar,
                "s": round(seconds, 2),
            }
        )
        print({"name": path.name, **rows[-1]}, flush=True)
    share, cascade = (100 * total[name] / max(1, total["opencv"]) for name in ("found", "haar"))
    whole = {
        "photograph": "all",
        "OpenCV's YuNet": total["opencv"],
        "of these found": total["found"],
        "more found": total["more"],
        "of these by cascades": total["haar"],
    }
    tell("faces", [*rows, whole], "python benchmarks/faces.py")
    print(f"{share:.1f} % with the network, {cascade:.1f} % without")
    values = {"Darkroom, YuNet": share, "Darkroom, no model": cascade}
    bars("faces", "Faces of OpenCV's YuNet that are found", values, "%", ours="Darkroom, YuNet")


if __name__ == "__main__":
    main()
