"""The main job on the bundled pictures, by the command line, with no model and no connection.

``make demo`` runs it. Every command is printed as you would type it; the results and a before-and-after sheet are left
in ``demo-results/``.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DARKROOM = Path(sys.executable).parent / "darkroom"
SAMPLES, RESULTS = Path("samples"), Path("demo-results")

STEPS: list[tuple[str, str, str, list[str]]] = [
    ("Cut out a product", "mug.jpg", "mug-cutout.png", ["remove_background"]),
    ("Product on white, square, ready for a shop", "mug.jpg", "mug-shop.jpg", ["--recipe", "product-white"]),
    (
        "Another background",
        "duck.jpg",
        "duck-sunset.jpg",
        ["replace_background:background=gradient,colors=#ffd9a0 #f07c6c,shadow=0.4"],
    ),
    ("Crop to the face", "portrait.jpg", "portrait-avatar.jpg", ["smart_crop:width=512,height=512,gravity=face"]),
    ("Enlarge four times", "logo.png", "logo-x4.png", ["upscale:scale=4"]),
    ("Make it small for the web", "portrait.jpg", "portrait-web.webp", ["--recipe", "web-small"]),
]


def run(arguments: list[str]) -> None:
    """Run ``darkroom process`` and stop with its exit code if it fails."""
    print(f"   $ darkroom process {shlex.join(arguments)}", flush=True)
    started = time.perf_counter()
    done = subprocess.run([str(DARKROOM), "process", *arguments, "--overwrite", "--offline"], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    print(f"   done in {time.perf_counter() - started:.1f} s\n", flush=True)


def sheet(pairs: list[tuple[str, Path, Path]], target: Path) -> None:
    """A picture of every before and after, the transparent ones on a checkerboard."""
    import pyvips

    side, gap = 420, 24

    def cell(path: Path) -> pyvips.Image:
        picture = pyvips.Image.thumbnail(str(path), side, height=side, size="both")
        if picture.hasalpha():
            tiles = (pyvips.Image.xyz(picture.width, picture.height) // 14).cast("uchar")
            board = ((tiles[0] + tiles[1]) % 2 * 28 + 214).cast("uchar")
            picture = board.bandjoin([board, board]).copy(interpretation="srgb").composite(picture, "over").flatten()
        return picture.gravity("centre", side, side, extend="background", background=[255, 255, 255])

    def label(text: str, width: int) -> pyvips.Image:
        ink = pyvips.Image.text(text, font="sans 13", dpi=96)
        return ink.invert().gravity("west", width, 44, extend="background", background=[255])

    rows = []
    for title, before, after in pairs:
        pictures = cell(before).join(cell(after), "horizontal", shim=gap, background=[255, 255, 255])
        words = label(title, pictures.width)
        rows.append(words.bandjoin([words, words]).copy(interpretation="srgb").join(pictures, "vertical"))
    grid = pyvips.Image.arrayjoin(rows, across=2, shim=gap * 2, background=[255, 255, 255])
    grid.embed(gap, gap, grid.width + 2 * gap, grid.height + 2 * gap, extend="white").write_to_file(
        str(target), Q=90, keep="none"
    )


def main() -> None:
    """Run every step, then draw the sheet."""
    print("Darkroom: the main job on the bundled pictures, offline, with no model.\n")
    started = time.perf_counter()
    (ROOT / RESULTS).mkdir(exist_ok=True)
    for title, source, target, arguments in STEPS:
        print(f"{title}:")
        run([str(SAMPLES / source), "-o", str(RESULTS / target), *arguments])
    pairs = [(title, ROOT / SAMPLES / source, ROOT / RESULTS / target) for title, source, target, _ in STEPS]
    sheet(pairs, ROOT / RESULTS / "before-after.jpg")
    print(f"All of it in {time.perf_counter() - started:.0f} s. The results are in {RESULTS}/:")
    for path in sorted((ROOT / RESULTS).iterdir()):
        print(f"   {RESULTS / path.name}  ({path.stat().st_size / 1000:.0f} kB)")
    print(f"\nOpen {RESULTS}/before-after.jpg to see every picture before and after.")
    serve = f"{DARKROOM.relative_to(ROOT) if DARKROOM.is_relative_to(ROOT) else DARKROOM} serve"
    built = (ROOT / "src" / "darkroom" / "server" / "page" / "index.html").is_file()
    print(f"The studio page: {'' if built else '`make page` once, then '}`{serve}`, then http://127.0.0.1:8765/")


if __name__ == "__main__":
    main()
