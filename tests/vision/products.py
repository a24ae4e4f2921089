"""Product pictures on plain backgrounds, drawn with their exact outline: what a supplier sends, and the truth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Array = np.ndarray[Any, Any]
BACKGROUNDS = {"white": (250, 250, 249), "grey": (196, 197, 199), "blue": (70, 120, 178), "black": (18, 18, 20)}
SHAPES = ("bottle", "ring", "box", "shoe", "leaf")


def product(shape: str, background: str, *, seed: int = 0, size: tuple[int, int] = (640, 520)) -> tuple[Array, Array]:
    """A picture, ``height x width x 3`` uint8, and its true matte, ``height x width`` float32, 0.0 to 1.0.

    The background falls off in light, the product has shading, a texture and a soft shadow; the whole has noise and
    has been a JPEG of quality 88.
    """
    rng = np.random.default_rng([seed, SHAPES.index(shape), list(BACKGROUNDS).index(background)])
    width, height = size
    matte = _outline(shape, width * 3, height * 3, rng)
    matte = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    ground = np.array(BACKGROUNDS[background], np.float32)
    falloff = 1 - rng.uniform(0.02, 0.10) * (x * rng.uniform(-1, 1) + y * rng.uniform(0.2, 1)) ** 2
    scene = ground * falloff[..., None]
    shift = np.array([[1, 0, width * 0.025], [0, 1, height * 0.02]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(matte, shift, size), (0, 0), width * 0.018)
    scene = scene * (1 - 0.32 * shadow[..., None])
    hue = rng.uniform(0, 180)
    colour = cv2.cvtColor(np.uint8([[[hue, rng.uniform(150, 220), rng.uniform(120, 200)]]]), cv2.COLOR_HSV2RGB)[0, 0]  # type: ignore[list-item]
    shading = 0.72 + 0.4 * (1 - np.abs(x - rng.uniform(0.35, 0.6)) * 1.5)
    weave = 1 + 0.10 * np.sin(x * rng.uniform(40, 90)) * np.sin(y * rng.uniform(40, 90))
    thing = colour.astype(np.float32) * (shading * weave)[..., None]
    label = (np.abs(y - 0.55) < 0.07).astype(np.float32)[..., None]
    thing = thing * (1 - 0.7 * label) + np.array((235, 226, 204), np.float32) * 0.7 * label
    picture = thing * matte[..., None] + scene * (1 - matte[..., None])
    picture = np.clip(picture + rng.normal(0, 2.0, picture.shape), 0, 255).astype(np.uint8)
    packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return cv2.imdecode(packed, cv2.IMREAD_COLOR), matte


def _outline(shape: str, width: int, height: int, rng: np.random.Generator) -> Array:
    canvas = np.zeros((height, width), np.float32)
    cx, cy, s = width / 2 + rng.uniform(-0.05, 0.05) * width, height / 2, min(width, height) * rng.uniform(0.85, 1.05)

    def at(points: list[tuple[float, float]]) -> Array:
        return np.array([[cx + px * s, cy + py * s] for px, py in points], np.int32)

    if shape == "bottle":
        cv2.fillPoly(
            canvas,
            [
                at(
                    [
                        (-0.15, 0.4),
                        (-0.15, -0.1),
                        (-0.06, -0.22),
                        (-0.06, -0.4),
                        (0.06, -0.4),
                        (0.06, -0.22),
                        (0.15, -0.1),
                        (0.15, 0.4),
                    ]
                )
            ],
            1.0,
        )
    elif shape == "ring":
        cv2.ellipse(canvas, (int(cx), int(cy)), (int(0.36 * s), int(0.3 * s)), 15, 0, 360, 1.0, -1)
        cv2.ellipse(canvas, (int(cx), int(cy)), (int(0.2 * s), int(0.15 * s)), 15, 0, 360, 0.0, -1)
    elif shape == "box":
        cv2.fillPoly(
            canvas, [at([(-0.34, -0.2), (0.05, -0.32), (0.36, -0.18), (0.34, 0.2), (-0.03, 0.36), (-0.33, 0.2)])], 1.0
        )
    elif shape == "shoe":
        cv2.ellipse(canvas, (int(cx - 0.08 * s), int(cy + 0.12 * s)), (int(0.4 * s), int(0.14 * s)), 0, 0, 360, 1.0, -1)
        cv2.ellipse(
            canvas, (int(cx + 0.17 * s), int(cy - 0.06 * s)), (int(0.17 * s), int(0.26 * s)), 12, 0, 360, 1.0, -1
        )
    else:
        angle = np.linspace(0, 2 * np.pi, 400)
        radius = 0.28 + 0.09 * np.sin(5 * angle + rng.uniform(0, 6)) + 0.03 * np.sin(11 * angle)
        cv2.fillPoly(canvas, [at(list(zip(radius * np.cos(angle), radius * np.sin(angle), strict=True)))], 1.0)
    return cv2.GaussianBlur(canvas, (0, 0), 2.0)
