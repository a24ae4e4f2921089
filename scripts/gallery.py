"""Make docs/gallery: before and after of every operation, from the bundled pictures, without any model.

    python scripts/gallery.py [NAME...]

What is before has been spoilt here where there is something to mend. What each function says is its caption.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import darkroom

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "gallery"
WIDE, HIGH, GAP = 560, 420, 12
PAPER = 247
"""Grey around the pictures."""

Array = np.ndarray[Any, Any]
Order = dict[str, Any]


def sample(name: str) -> Array:
    """A bundled picture, ``height x width x 3``, uint8."""
    return darkroom.open(ROOT / "samples" / name).to_array()[..., :3]


def made(picture: Array, order: Order) -> Array:
    """What Darkroom makes of it."""
    return darkroom.process(darkroom.Image.from_array(np.ascontiguousarray(picture)), order).image.to_array()


def shown(picture: Array, *, sharp: bool = False) -> Array:
    """A picture within one half of a sheet, on a checkerboard where it is transparent."""
    height, width = picture.shape[:2]
    factor = min(WIDE / width, HIGH / height)
    if picture.shape[2] == 4:
        rows, columns = np.mgrid[0:height, 0:width] // max(4, round(12 / factor))
        board = np.where((rows + columns) % 2, 255, 225)[..., None]
        alpha = picture[..., 3:] / 255
        picture = np.rint(picture[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST if sharp else cv2.INTER_CUBIC
    small = cv2.resize(picture, size, interpolation=way)
    sheet = np.full((HIGH, WIDE, 3), PAPER, np.uint8)
    top, left = (HIGH - size[1]) // 2, (WIDE - size[0]) // 2
    sheet[top : top + size[1], left : left + size[0]] = small
    return sheet


def compressed(picture: Array, quality: int) -> Array:
    """What a JPEG of that quality is decoded to."""
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return darkroom.open(data).to_array()


def adjust() -> tuple[Array, Array, Order]:
    """A cast and little contrast."""
    order = {"type": "adjust", "auto_contrast": True, "auto_colour": True}
    spoilt = np.rint(60 + sample("duck.jpg") * np.array((0.62, 0.5, 0.36))).astype(np.uint8)
    return shown(spoilt), shown(made(spoilt, order)), order


def convert() -> tuple[Array, Array, Order]:
    """The same picture at a quarter of the bytes."""
    order = {"type": "convert", "format": "avif", "quality": 50}
    before = darkroom.process(ROOT / "samples" / "mug.jpg", {"type": "convert", "format": "jpeg"})
    after = darkroom.process(ROOT / "samples" / "mug.jpg", order)
    sides: list[Array] = []
    for result, name in ((before, "JPEG"), (after, "AVIF")):
        side = shown(result.image.to_array()[..., :3])
        cv2.rectangle(side, (0, HIGH - 44), (WIDE, HIGH), (30, 30, 30), -1)
        words = f"{name}, {result.report.output.bytes // 1000} kB"
        cv2.putText(side, words, (16, HIGH - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
        sides.append(side)
    return sides[0], sides[1], order


def crop() -> tuple[Array, Array, Order]:
    """An empty border."""
    order = {"type": "crop", "trim": True}
    bordered = cv2.copyMakeBorder(sample("portrait.jpg"), 90, 140, 160, 70, cv2.BORDER_CONSTANT, value=(255,) * 3)
    return shown(bordered), shown(made(bordered, order)), order


def enhance() -> tuple[Array, Array, Order]:
    """Too dark, yellowish and full of noise."""
    order = {"type": "enhance", "low_light": 0.6, "denoise": 0.9}
    chance = np.random.default_rng(0)
    dark = sample("duck.jpg")[::2, ::2] * np.array((0.36, 0.30, 0.22)) + chance.normal(0, 7, (500, 600, 3))
    spoilt = np.clip(np.rint(dark), 0, 255).astype(np.uint8)
    return shown(spoilt), shown(made(spoilt, order)), order


def extract_faces() -> tuple[Array, Array, Order]:
    """Every face of a picture, upright and square."""
    order = {"type": "extract_faces", "resize": 400, "restore": False}
    whole = sample("portrait.jpg")
    turned = made(whole, {"type": "rotate", "angle": 12, "background": "white"})[..., :3]
    return shown(turned), shown(made(turned, order)), order


def fix_artifacts() -> tuple[Array, Array, Order]:
    """A part of a JPEG of quality 12, twice as large."""
    order = {"type": "fix_artifacts"}
    spoilt = compressed(sample("portrait.jpg"), 12)
    part = np.s_[90:300, 120:400]
    return shown(spoilt[part], sharp=True), shown(made(spoilt, order)[part], sharp=True), order


def generate_background() -> tuple[Array, Array, Order]:
    """A product in a scene that is drawn for it."""
    order = {"type": "generate_background", "style": "marble_desk", "lighting": "natural", "width": 1120, "height": 840}
    cut = made(sample("mug.jpg"), {"type": "remove_background", "alpha_matting": True})
    return shown(sample("mug.jpg")), shown(made(cut, order)), order


def inpaint() -> tuple[Array, Array, Order]:
    """Scratches and a stain, by their colour."""
    order = {"type": "inpaint", "color": "#ff00ff", "tolerance": 60}
    spoilt = sample("portrait.jpg").copy()
    for start, end in (((60, 0), (210, 599)), ((420, 40), (330, 599)), ((0, 330), (511, 250))):
        cv2.line(spoilt, start, end, (255, 0, 255), 3, cv2.LINE_8)
    cv2.ellipse(spoilt, (400, 480), (34, 22), 20, 0, 360, (255, 0, 255), -1, cv2.LINE_8)
    return shown(spoilt), shown(made(spoilt, order)), order


def remove_background() -> tuple[Array, Array, Order]:
    """A cut-out."""
    order = {"type": "remove_background", "alpha_matting": True}
    return shown(sample("mug.jpg")), shown(made(sample("mug.jpg"), order)), order


def remove_watermark() -> tuple[Array, Array, Order]:
    """A proof mark, which the picture itself tells because it comes again."""
    order: Order = {"type": "remove_watermark"}
    picture = cv2.resize(sample("duck.jpg"), (840, 700), interpolation=cv2.INTER_AREA)
    words = np.zeros(picture.shape[:2], np.uint8)
    for row in range(-1, 8):
        for column in range(-1, 6):
            place = (190 * column + 95 * (row % 2), 110 * row + 60)
            cv2.putText(words, "PROOF", place, cv2.FONT_HERSHEY_SIMPLEX, 1.1, 255, 3, cv2.LINE_AA)
    alpha = 0.45 * words[..., None] / 255
    marked = np.rint(picture * (1 - alpha) + 255 * alpha).astype(np.uint8)
    return shown(marked), shown(made(marked, order)), order


def replace_background() -> tuple[Array, Array, Order]:
    """A gradient behind the subject."""
    order = {
        "type": "replace_background",
        "background": "gradient",
        "colors": "#ffe3b8 #f59a7a",
        "shadow": 0.5,
    }
    return shown(sample("duck.jpg")), shown(made(sample("duck.jpg"), order)), order


def resize() -> tuple[Array, Array, Order]:
    """Filled to a square."""
    order = {"type": "resize", "width": 600, "height": 600, "mode": "fill"}
    return shown(sample("mug.jpg")), shown(made(sample("mug.jpg"), order)), order


def restore_faces() -> tuple[Array, Array, Order]:
    """A small and compressed face; without a model only so much can be done."""
    order = {"type": "restore_faces", "strength": 1.0}
    small = cv2.resize(sample("portrait.jpg"), (256, 300), interpolation=cv2.INTER_AREA)
    spoilt = compressed(small, 30)
    part = np.s_[30:240, 20:230]
    return shown(spoilt[part], sharp=True), shown(made(spoilt, order)[part], sharp=True), order


def rotate() -> tuple[Array, Array, Order]:
    """Turned by any angle."""
    order = {"type": "rotate", "angle": 15, "background": "transparent"}
    return shown(sample("portrait.jpg")), shown(made(sample("portrait.jpg"), order)), order


def sizes() -> tuple[Array, Array, Order]:
    """Several sizes in one pass."""
    order = {"type": "sizes", "sizes": ["thumbnail=70", "medium=150", "large=310"]}
    result = darkroom.process(ROOT / "samples" / "mug.jpg", order)
    sheet = np.full((HIGH, WIDE, 3), PAPER, np.uint8)
    left = 8
    for data in result.attachments.values():
        picture = darkroom.open(data).to_array()[..., :3]
        height, width = picture.shape[:2]
        width = min(width, WIDE - left - 8)
        sheet[HIGH - 30 - height : HIGH - 30, left : left + width] = picture[:, :width]
        left += width + 10
    return shown(sample("mug.jpg")), sheet, order


def smart_crop() -> tuple[Array, Array, Order]:
    """To the face."""
    order = {"type": "smart_crop", "width": 400, "height": 400, "gravity": "face"}
    return shown(sample("portrait.jpg")), shown(made(sample("portrait.jpg"), order)), order


def upscale() -> tuple[Array, Array, Order]:
    """Four times as large; pixels as they were on the left."""
    order = {"type": "upscale", "scale": 4}
    small = cv2.resize(sample("portrait.jpg")[60:320, 100:420], (128, 104), interpolation=cv2.INTER_AREA)
    return shown(small, sharp=True), shown(made(small, order)), order


SHEETS: dict[str, Callable[[], tuple[Array, Array, Order]]] = {
    sheet.__name__: sheet
    for sheet in (
        adjust,
        convert,
        crop,
        enhance,
        extract_faces,
        fix_artifacts,
        generate_background,
        inpaint,
        remove_background,
        remove_watermark,
        replace_background,
        resize,
        restore_faces,
        rotate,
        sizes,
        smart_crop,
        upscale,
    )
}


def main(names: list[str]) -> None:
    """Write a picture for each name, all without one."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or list(SHEETS):
        before, after, order = SHEETS[name]()
        sheet = np.hstack([before, np.full((HIGH, GAP, 3), 255, np.uint8), after])
        path = FOLDER / f"{name}.jpg"
        cv2.imwrite(str(path), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 84, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB, {order}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
