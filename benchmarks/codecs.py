"""Decode, resize, encode: a 12 megapixel JPEG to 1600 pixels, against Pillow and sharp.

    python benchmarks/codecs.py [--sharp FOLDER] [--quick]

``--sharp`` names the ``node_modules`` in which ``npm install sharp`` was done; it is left out where it is not here.
Everything runs warm in one process each; the ways take turns, and the least time of each counts.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

from common import bars, house, side_by_side, tell, write_picture

THEIRS = """
const sharp = require(process.argv[1] + '/sharp');
const source = require('fs').readFileSync(process.argv[2]);
const lines = require('readline').createInterface({input: process.stdin});
(async () => { for await (const kind of lines) {
  const started = process.hrtime.bigint();
  const image = sharp(source).resize(1600);
  await (kind === 'jpeg' ? image.jpeg({quality: 85}) : image.webp({quality: 80})).toBuffer();
  console.log(Number(process.hrtime.bigint() - started) / 1e9);
} })();
"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sharp", type=Path, help="a node_modules folder with sharp")
    parser.add_argument("--quick", action="store_true", help="a small picture, one round")
    chosen = parser.parse_args()
    from PIL import Image as Pillow

    from darkroom.image import Encoding
    from darkroom.pipeline import Pipeline
    from darkroom.processing import Request, process
    from darkroom.services import build_services

    rows: list[dict[str, Any]] = []
    with house() as place:
        size = (400, 300) if chosen.quick else (4000, 3000)
        path = write_picture(place.folder / "in.jpg", *size)
        data = path.read_bytes()
        services = build_services()
        node = shutil.which("node")
        sharp = None
        if chosen.sharp and node:
            command = [node, "-e", THEIRS, str(chosen.sharp.resolve()), str(path)]
            sharp = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ours(kind: Any) -> None:
            encoding = Encoding(format=kind, quality=85 if kind == "jpeg" else 80)
            process(Request(data, Pipeline(["resize:width=1600"]), encoding=encoding), services)

        def pillow(kind: str) -> None:
            image = Pillow.open(io.BytesIO(data))
            image.draft("RGB", (1600, 1200))
            image = image.resize((1600, 1200), Pillow.Resampling.LANCZOS)
            image.save(io.BytesIO(), kind, quality=85 if kind == "jpeg" else 80)

        def theirs(kind: str) -> None:
            assert sharp is not None
            assert sharp.stdin is not None
            assert sharp.stdout is not None
            sharp.stdin.write(kind + "\n")
            sharp.stdin.flush()
            sharp.stdout.readline()

        for kind in ("jpeg", "webp"):
            works: dict[str, Any] = {
                "Darkroom": lambda kind=kind: ours(kind),
                "Pillow": lambda kind=kind: pillow(kind),
            }
            if sharp is not None:
                works["sharp"] = lambda kind=kind: theirs(kind)
            times = side_by_side(works, 1 if chosen.quick else 7)
            row: dict[str, Any] = {"12 megapixel JPEG to 1600 pixels as": kind}
            row |= {f"{name}, ms": round(seconds * 1000) for name, seconds in times.items()}
            rows.append(row)
        if sharp is not None:
            sharp.kill()
            sharp.wait()
    tell("codecs", rows, "python benchmarks/codecs.py --sharp FOLDER")
    values = {
        f"{column[:-4]}, {row['12 megapixel JPEG to 1600 pixels as']}": float(row[column])
        for row in rows
        for column in row
        if column.endswith(", ms")
    }
    bars("codecs", "Decode, resize, encode, milliseconds", values, "ms")


if __name__ == "__main__":
    main()
