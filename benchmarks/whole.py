"""Whole processes, as a person starts them: ``darkroom ...``, from the command to the written file, with a warm cache.

    python benchmarks/whole.py [--full] [--quick]

Networks of the official sizes with random weights; a drawn picture of 1920 x 1080. Memory is that of the program and
its worker process together, looked at fifty times a second. ``--full`` adds 3840 x 2160 four times as large, which
takes minutes. The aims stand beside the figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from common import House, Run, bars, best, house, rrdbnet, tell, u2net, write_picture

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

        def add(what: str, picture: str, aim: str, run: Run) -> None:
            rows.append(
                {
                    "what": what,
                    "picture": picture,
                    "seconds": round(run.seconds, 2),
                    "aim, s": aim,
                    "peak memory, MB": round(run.memory / 1e6),
                }
            )
            print(rows[-1])

        def time(what: str, source: Path, *arguments: str, aim: str = "", times: int = 2, out: str = "out.png") -> None:
            command = [*arguments, str(source), "-o", str(place.folder / out), "--overwrite", "--quiet"]
            place.darkroom(*command)
            size = f"{_size(source)}"
            add(what, size, aim, best(lambda: place.darkroom(*command), 1 if chosen.quick else times))

        time("start of a cached network, 64 x 64", tiny, "upscale", "--scale", "4", "--model", "x4plus", aim="1")
        time("upscale x2, RRDBNet x2", hd, "upscale", "--scale", "2", "--model", "x2plus", aim="12", out="out.jpg")
        int8 = ("upscale", "--scale", "2", "--model", "x2plus", "--precision", "int8")
        time("the same in int8", hd, *int8, out="out.jpg")
        time("remove_background, U2-Net's size", hd, "remove_background", "--model", "u2")
        time("the same with alpha matting", hd, "remove_background", "--model", "u2", "--alpha-matting")
        time("remove_background, builtin", hd, "remove_background", "--method", "grabcut")
        _crops(place, time, chosen.quick)
        steps = ("remove_background:model=u2", "upscale:scale=2,model=x2plus", "smart_crop:width=1080,height=1080")
        time("these three steps", hd, "process", *steps, aim="30", times=1)
        four = ("upscale", "--scale", "4", "--model", "x4plus")
        time("upscale x4, RRDBNet x4", hd, *four, aim="50", times=1, out="out.jpg")
        time("the same in int8", hd, *four, "--precision", "int8", times=1, out="out.jpg")
        if chosen.full:
            uhd = write_picture(place.folder / "uhd.jpg", *UHD)
            command = [*four, str(uhd), "-o", str(place.folder / "out.jpg"), "--overwrite", "--quiet"]
            add("upscale x4, RRDBNet x4", "3840 x 2160", "2000 MB", place.darkroom(*command))
    tell("whole", rows, "python benchmarks/whole.py --full")
    values = {f"{row['what']}, {row['picture']}": float(row["seconds"]) for row in rows}
    bars("whole", "Whole processes, seconds", values, "s", ours="upscale")


def _crops(place: House, time: Any, quick: bool) -> None:
    for megapixels, aim in ((1, ""),) if quick else ((12, "0.15"), (50, ""), (100, "1")):
        width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
        large = write_picture(place.folder / f"{megapixels}.jpg", width, width * 3 // 4)
        time("smart_crop to 1080 x 1080", large, "smart_crop", "--width", "1080", "--height", "1080", aim=aim)


def _size(path: Path) -> str:
    import cv2

    pixels = cv2.imread(str(path))
    assert pixels is not None
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    return f"{pixels.shape[1]} x {pixels.shape[0]}" if megapixels < 10 else f"{megapixels:.0f} megapixels"


if __name__ == "__main__":
    main()
