"""Whole processes, as a person starts them: ``darkroom ...``, from the command to the written file, with a warm cache.

    python benchmarks/whole.py [--full] [--quick]

Networks of the official sizes with random weights; a drawn picture of 1920 x 1080. Memory is that of the program and
its worker process together, looked at fifty times a second. "Inside" is from decoding to encoding, without the start of
Python and of the worker. ``--full`` adds 3840 x 2160 four times as large, which takes minutes. The aims beside the
figures are for the whole process, those of smart_crop for the inside.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import Run, bars, best, house, rrdbnet, tell, u2net, write_picture

HD, UHD = (1920, 1080), (3840, 2160)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="3840 x 2160 four times as large too: minutes")
    parser.add_argument("--quick", action="store_true", help="small networks and pictures, once each")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with house() as place:
        blocks = 2 if chosen.quick else 23
        place.add("x4plus", rrdbnet(blocks), task="upscale", scale=4)
        place.add("x2plus", rrdbnet(blocks, folds=2), task="upscale", scale=2)
        place.add("u2", u2net(), task="matte")
        factor = 6 if chosen.quick else 1
        hd = write_picture(place.folder / "hd.jpg", HD[0] // factor, HD[1] // factor)
        tiny = write_picture(place.folder / "tiny.png", 64, 64)

        def time(
            what: str,
            source: Path,
            *arguments: str,
            aim: str = "",
            room: str = "",
            times: int = 1,
            warm: bool = True,
            out: str = "out.jpg",
        ) -> None:
            command = [*arguments, str(source), "-o", str(place.folder / out), "--overwrite", "--json"]
            if warm and not chosen.quick:
                place.darkroom(*command)
            run = best(lambda: place.darkroom(*command), 1 if chosen.quick else times)
            rows.append(
                {
                    "what": what,
                    "picture": _size(source),
                    "whole process, s": round(run.seconds, 2),
                    "inside, s": round(_inside(run), 2),
                    "aim, s": aim,
                    "peak memory, MB": round(run.memory / 1e6),
                    "aim, MB": room,
                }
            )
            print(rows[-1], flush=True)

        two, four = ("upscale", "--scale", "2", "--model", "x2plus"), ("upscale", "--scale", "4", "--model", "x4plus")
        cut = ("remove_background", "--model", "u2")
        time("start of a cached network", tiny, *four, aim="1")
        time("upscale x2, RRDBNet x2", hd, *two, aim="12", room="1500")
        time("the same in int8", hd, *two, "--precision", "int8")
        time("remove_background, U2-Net's size", hd, *cut, out="out.png")
        time("the same with alpha matting", hd, *cut, "--alpha-matting", out="out.png")
        time("remove_background, builtin", hd, "remove_background", "--method", "grabcut", out="out.png")
        for megapixels, aim in ((1, ""),) if chosen.quick else ((12, "0.15"), (24, ""), (50, ""), (100, "1")):
            width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
            large = write_picture(place.folder / f"{megapixels}.jpg", width, width * 3 // 4)
            time("smart_crop to 1080 x 1080", large, "smart_crop", "--width", "1080", "--height", "1080", aim=aim)
        steps = ("remove_background:model=u2", "upscale:scale=2,model=x2plus", "smart_crop:width=1080,height=1080")
        time("these three steps", hd, "process", *steps, aim="30", out="out.png")
        time("upscale x4, RRDBNet x4", hd, *four, aim="50", room="1500", times=1)
        time("the same in int8", hd, *four, "--precision", "int8", times=1)
        if chosen.full:
            uhd = write_picture(place.folder / "uhd.jpg", *UHD)
            time("upscale x4, RRDBNet x4", uhd, *four, room="2000", times=1, warm=False)
    tell("whole", rows, "python benchmarks/whole.py --full")
    values = {f"{row['what']}, {row['picture']}": float(row["whole process, s"]) for row in rows}
    bars("whole", "Whole processes, seconds", values, "s", ours="upscale")


def _inside(run: Run) -> float:
    """Seconds from decoding to encoding, as the program reports them."""
    reports = [line for line in run.output.splitlines() if line.startswith('{"input"')]
    return float(json.loads(reports[-1])["report"]["seconds"])


def _size(path: Path) -> str:
    import cv2

    pixels = cv2.imread(str(path))
    assert pixels is not None
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    return f"{pixels.shape[1]} x {pixels.shape[0]}" if megapixels < 10 else f"{megapixels:.0f} megapixels"


if __name__ == "__main__":
    main()
