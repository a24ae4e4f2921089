"""``remove_background`` against rembg with the same ONNX file, models loaded, with and without alpha matting.

    python benchmarks/rembg.py --rembg PYTHON [--model FILE] [--picture FILE --alpha FILE] [--hard FILE] [--quick]

``PYTHON`` is the interpreter of an environment in which ``pip install "rembg[cpu]"`` was done. Without ``--model`` a
network of U2-Net's size with random weights is used, whose mask is what is bright. Both see the same picture of 1920 x
1080 pixels as an array and give the cut-out as an array; the ways take turns, and the least time of each counts. How
long rembg's alpha matting takes depends on the picture: ``--hard`` adds one of which what is bright is no one subject,
so that much of the outline has to be worked out.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import House, bars, house, picture, psnr, side_by_side, tell

THEIRS = """
import sys, time
import numpy as np
from PIL import Image
from rembg import new_session, remove
session = new_session("u2net_custom", model_path=sys.argv[1])
out = sys.argv[3]
print("ready", flush=True)
for line in sys.stdin:
    matting = line.strip() == "matting"
    image = Image.open(sys.argv[2]).convert("RGB")
    started = time.perf_counter()
    result = remove(image, session=session, alpha_matting=matting)
    array = np.asarray(result)
    seconds = time.perf_counter() - started
    np.save(out, array[..., 3])
    print("seconds", seconds, flush=True)
"""


class Theirs:
    """rembg in an interpreter of its own, which times itself."""

    def __init__(self, python: Path, model: Path, shown: Path, out: Path, house: House) -> None:
        command = [str(python), "-c", THEIRS, str(model), str(shown), str(out)]
        self._out = out
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**house.environment, "U2NET_HOME": str(model.parent)},
        )
        assert self._process.stdout is not None
        while self._process.stdout.readline().strip() != "ready":
            if self._process.poll() is not None:
                raise SystemExit(f"rembg does not start in {python}")

    def run(self, matting: bool) -> float:
        """Seconds of one picture."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("matting\n" if matting else "plain\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            # Its matting library prints warnings to the same place.
            if line.startswith("seconds "):
                return float(line.split()[1])
        raise SystemExit("rembg ended; its error stands above")

    def alpha(self) -> Any:
        """The alpha of the last picture, 0.0 to 1.0."""
        return np.load(self._out).astype(np.float32) / 255

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def ours(place: House, name: str, matting: bool) -> Any:
    """A function that cuts out with everything loaded."""
    import os

    os.environ.update(place.environment)
    from darkroom.operation import Context
    from darkroom.operations.remove_background import RemoveBackground
    from darkroom.report import StepReport
    from darkroom.services import build_services
    from darkroom.settings import load_settings

    services = build_services(load_settings())
    operation = RemoveBackground(method="model", model=name, alpha_matting=matting)

    def run(image: Any) -> Any:
        step = StepReport(operation="remove_background")
        context = Context(settings=services.settings, models=services.models, step=step, open_image=services.open_image)
        return operation.apply(image, context).to_array()

    return run


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rembg", type=Path, required=True, help="Python of an environment with rembg")
    parser.add_argument("--model", type=Path, help="an ONNX file of U2-Net's family; 320 x 320")
    parser.add_argument("--picture", type=Path, help="a photograph to cut out, instead of a drawn picture")
    parser.add_argument("--alpha", type=Path, help="its true alpha: the subject is made light, all else dark")
    parser.add_argument("--hard", type=Path, help="a photograph of which what is bright is no one subject")
    parser.add_argument("--quick", action="store_true", help="one round, a small picture")
    chosen = parser.parse_args()
    import cv2

    from darkroom.image import Image

    width, height = (640, 360) if chosen.quick else (1920, 1080)
    rows: list[dict[str, Any]] = []
    with house() as place:
        from common import u2net

        model = place.add("u2", chosen.model.read_bytes() if chosen.model else u2net(), task="matte")
        shown = place.folder / "picture.png"
        theirs = Theirs(chosen.rembg, model, shown, place.folder / "alpha.npy", place)
        pictures = [("one subject", subject(chosen, width, height))]
        if chosen.hard:
            pictures.append(("a ragged mask", photograph(chosen.hard, width, height)))
        try:
            for (which, pixels), matting in itertools.product(pictures, (False, True)):
                cv2.imwrite(str(shown), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
                what = f"{which}, {'with alpha matting' if matting else 'mask only'}"
                image = Image.from_array(pixels)
                run = ours(place, "u2", matting)
                measured: list[float] = []
                rounds = 1 if chosen.quick or (matting and which != "one subject") else 2 if matting else 5
                times = side_by_side(
                    {
                        "ours": lambda run=run, image=image: run(image),
                        "theirs": lambda m=matting, to=measured: to.append(theirs.run(m)),
                    },
                    rounds,
                )
                mine, other = run(image)[..., 3].astype(np.float32) / 255, theirs.alpha()
                kept = (mine >= 0.5, other >= 0.5)
                union = np.logical_or(*kept).sum()
                slow = min(measured[1:])
                rows.append(
                    {
                        "what": what,
                        "rembg, s": round(slow, 3),
                        "Darkroom, s": round(times["ours"], 3),
                        "times as fast": round(slow / times["ours"], 1),
                        "alphas apart, dB": round(psnr(mine, other), 1),
                        "agreement (IoU)": round(float(np.logical_and(*kept).sum() / union), 3) if union else "",
                    }
                )
                print(rows[-1], file=sys.stderr)
        finally:
            theirs.close()
    given = "".join(f" --{name} {name.upper()}" for name in ("picture", "alpha", "hard") if getattr(chosen, name))
    tell("rembg", rows, f"python benchmarks/rembg.py --rembg PYTHON{given}", picture=f"{width} x {height}")
    values = {f"{who}, {row['what']}": row[f"{who}, s"] for row in rows for who in ("rembg", "Darkroom")}
    bars("rembg", f"Cutting out at {width} x {height}, the same network of U2-Net's size", values, "s")


def photograph(path: Path, width: int, height: int) -> Any:
    """A file at that size, RGB."""
    import cv2

    read = cv2.imread(str(path))
    assert read is not None, path
    return cv2.cvtColor(cv2.resize(read, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)


def subject(chosen: argparse.Namespace, width: int, height: int) -> Any:
    """A picture whose subject is what is bright: drawn, or a photograph made so with its true alpha."""
    if not chosen.picture:
        return picture(width, height)
    pixels = photograph(chosen.picture, width, height)
    if not chosen.alpha:
        return pixels
    share = photograph(chosen.alpha, width, height).astype(np.float32) / 255
    return (share * (165 + 0.35 * pixels) + (1 - share) * 0.35 * pixels).astype(np.uint8)


if __name__ == "__main__":
    main()
