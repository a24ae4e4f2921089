"""What lies behind the surface, out of focus: a wall, a room, a garden. Linear light, drawn small and blurred.

Blur by a disc in linear light is what a lens does: lights far away become discs of their own colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision import tone
from darkroom.vision.textures import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Random = np.random.Generator

Backdrop = Callable[["Random", int, int, float], "Array"]
"""Draws ``height x width x 3`` linear light: where chance comes from, width, height, and the side of the light."""

LONGEST = 720
"""Pixels of the longer side that these are drawn at: nothing in them is sharp."""


def small(width: int, height: int) -> tuple[int, int]:
    """Width and height to draw a backdrop at that is shown at this size."""
    factor = min(1.0, LONGEST / max(width, height))
    return max(4, round(width * factor)), max(4, round(height * factor))


def disc_blur(light: Array, radius: float) -> Array:
    """Blur by a disc of that radius in pixels, with a soft rim."""
    if radius < 0.5:
        return light
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return cv2.filter2D(light, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101)


def wall(random: Random, width: int, height: int, colour: Array, side: float) -> Array:
    """A painted wall, lighter on the side the light comes from.

    Args:
        random: where chance comes from.
        width: in pixels.
        height: in pixels.
        colour: of the paint, linear light.
        side: where the light comes from, -1.0 left to 1.0 right.
    """
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall = 0.96 + 0.10 * side * x - 0.10 * y - 0.07 * (x * x + y * y)
    cloud = noise(random, (height, width), (3, 3 * width / height), 4)
    return (fall * (1 + 0.012 * cloud))[..., None] * colour


def room(random: Random, width: int, height: int, side: float) -> Array:
    """A living room: a window on the side of the light, a sofa, a plant, a lamp, pictures; all far out of focus."""
    wide = width / height
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = _light(205, 193, 178)
    x = np.linspace(0, wide, width, dtype=np.float32)[None]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    if side > 0:
        x = wide - x
    # The window lights the wall around it.
    glow = np.exp(-((np.maximum(x - 0.2 * wide, 0) / (0.45 * wide)) ** 2))
    canvas *= (0.50 + 0.55 * glow * (1 - 0.25 * y))[..., None]
    floor = y > 0.86
    canvas = np.where(floor[..., None], _light(128, 96, 68) * (0.5 + 0.7 * glow)[..., None], canvas)

    def box(left: float, top: float, right: float, bottom: float, colour: Array, soft: float = 0.0) -> None:
        inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
        if soft:
            across = np.maximum(np.maximum(left + soft - x, x - right + soft), 0)
            down = np.maximum(np.maximum(top + soft - y, y - bottom + soft), 0)
            inside = soft - np.hypot(across, down)
        cover = np.clip(inside * height + 0.5, 0, 1)[..., None]
        canvas[:] = canvas * (1 - cover) + colour * cover

    def ball(middle: tuple[float, float], radii: tuple[float, float], turn: float, colour: Array) -> None:
        sine, cosine = np.sin(turn), np.cos(turn)
        across, down = x - middle[0], y - middle[1]
        away = np.hypot((across * cosine + down * sine) / radii[0], (down * cosine - across * sine) / radii[1])
        cover = np.clip((1 - away) * min(radii) * height + 0.5, 0, 1)[..., None]
        canvas[:] = canvas * (1 - cover) + colour * cover

    # Window with panes and something green beyond it, and a curtain that it shines through.
    left = random.uniform(0.02, 0.06) * wide
    right = left + random.uniform(0.20, 0.25) * wide
    box(left - 0.015, 0.03, right + 0.015, 0.70, _light(238, 234, 226))
    box(left, 0.05, right, 0.68, _light(250, 250, 248) * 2.6)
    for _ in range(14):
        leaf = (random.uniform(left, right), random.uniform(0.40, 0.66))
        ball(leaf, (0.05, 0.04), 0.0, _light(150, 190, 120) * random.uniform(0.9, 2.0))
    middle = (left + right) / 2
    box(middle - 0.008, 0.05, middle + 0.008, 0.68, _light(225, 222, 214))
    box(left, 0.34, right, 0.352, _light(225, 222, 214))
    folds = 1 + 0.22 * np.sin(x * 95 + 2 * np.sin(x * 23))
    curtain = (np.clip((right + 0.11 - x) * height, 0, 1) * np.clip((x - right + 0.03) * height, 0, 1) * (y < 0.84))[
        ..., None
    ]
    canvas[:] = canvas * (1 - 0.9 * curtain) + 0.9 * curtain * folds[..., None] * _light(236, 228, 214) * 1.15
    # Pictures on the wall.
    start = random.uniform(0.50, 0.56) * wide
    for index in range(2):
        edge = start + index * 0.19 * min(wide, 1.4)
        high = random.uniform(0.12, 0.16)
        box(edge, high, edge + 0.14, high + 0.20, _light(58, 48, 40))
        box(edge + 0.010, high + 0.010, edge + 0.130, high + 0.190, _light(226, 220, 208) * 0.8)
        tint = _light(*random.choice([(176, 120, 86), (98, 122, 120), (190, 160, 110), (120, 104, 92)]))
        ball((edge + 0.07, high + 0.11), (0.038, 0.05), random.uniform(0, 3), tint)
    # Sofa with cushions.
    cloth = _light(*random.choice([(122, 134, 140), (150, 128, 108), (108, 118, 104), (136, 110, 96)])) * 0.8
    sofa = (0.46 * wide, 0.97 * wide)
    box(sofa[0], 0.54, sofa[1], 0.90, cloth * 0.92, 0.04)
    box(sofa[0] + 0.03, 0.70, sofa[1] - 0.03, 0.80, cloth * 1.12, 0.03)
    for edge in (sofa[0] - 0.03, sofa[1] - 0.07):
        box(edge, 0.60, edge + 0.10, 0.90, cloth * 1.02, 0.04)
    for index in range(3):
        place = sofa[0] + 0.12 + index * (sofa[1] - sofa[0] - 0.24) / 2.4 + random.uniform(-0.02, 0.02)
        tint = _light(*random.choice([(214, 196, 168), (190, 122, 84), (86, 104, 106), (206, 172, 112)]))
        ball((place, 0.655), (0.075, 0.065), random.uniform(-0.3, 0.3), tint * 0.75)
    # A plant in a pot, a lamp that is on.
    foot = random.uniform(0.385, 0.42) * wide
    for _ in range(26):
        lean = random.uniform(-1.1, 1.1)
        long = random.uniform(0.10, 0.19)
        tip = (foot + 0.6 * long * np.sin(lean) * 1.6, 0.60 - 0.75 * long * np.cos(lean))
        ball(
            tip, (random.uniform(0.016, 0.034), long * 0.6), lean * 0.8, _light(78, 108, 66) * random.uniform(0.4, 2.0)
        )
    box(foot - 0.05, 0.66, foot + 0.05, 0.86, _light(196, 178, 156) * 0.75, 0.02)
    lamp = sofa[1] - 0.02
    box(lamp - 0.005, 0.34, lamp + 0.005, 0.86, _light(70, 58, 48))
    ball((lamp, 0.30), (0.20, 0.22), 0.0, canvas + 0.0)
    warm = np.exp(-(((x - lamp) / 0.22) ** 2) - ((y - 0.34) / 0.26) ** 2)[..., None]
    canvas += 0.30 * warm * _light(255, 206, 140)
    box(lamp - 0.075, 0.24, lamp + 0.075, 0.37, _light(255, 222, 170) * 1.9, 0.02)
    return disc_blur(canvas, 0.026 * height * max(1.0, min(wide, 1.6)))


def garden(random: Random, width: int, height: int, side: float) -> Array:
    """Trees against the sky, far out of focus, with the sun coming through the leaves."""
    wide = width / height
    x = np.linspace(0, wide, width, dtype=np.float32)[None]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    toward = x / wide if side > 0 else 1 - x / wide
    sky = _light(214, 230, 238) * 1.25
    canvas = np.broadcast_to(sky, (height, width, 3)).astype(np.float32)
    lawn = _light(128, 156, 74)
    # Rows of trees from far and pale to near and dark, each a crowd of leaves.
    for depth, (top, count, size, green, veil) in enumerate(
        (
            (0.34, 240, 0.055, (138, 164, 96), 0.50),
            (0.26, 260, 0.060, (104, 138, 66), 0.25),
            (0.12, 240, 0.065, (72, 106, 48), 0.08),
        )
    ):
        crown = noise(random, (1, 512), (1, 3.2 * wide), 4)[0]
        line = np.interp(x[0] / wide, np.linspace(0, 1, 512), crown)[None]
        fill = np.clip((y - top - 0.06 - 0.16 * line) * 20, 0, 1)[..., None] * (0.8 if depth < 2 else 0.0)
        below = _light(*green) * 0.75 * (1 - veil) + sky * veil * 0.7
        canvas = np.ascontiguousarray(canvas * (1 - fill) + fill * below, np.float32)
        for _ in range(count):
            spot = random.uniform(-0.05, wide + 0.05)
            reach = top + 0.16 * float(crown[int(np.clip(spot / wide, 0, 0.999) * 511)])
            if depth == 2:
                # The nearest stand at the sides and leave the middle open.
                reach += 0.55 * max(0.0, 1 - abs(spot / wide - 0.5) * 2.6)
            place = random.uniform(min(reach, 0.78), 0.80)
            lit = 0.55 + 0.9 * random.uniform() * (0.4 + 0.6 * (1 - place))
            lit *= 0.85 + 0.35 * (spot / wide if side > 0 else 1 - spot / wide)
            tint = _light(*green) * lit * random.uniform((0.85, 0.9, 0.7), (1.2, 1.1, 1.1))
            tint = tint * (1 - veil) + sky * veil * 0.8
            middle = (round(spot * height * 16), round(place * height * 16))
            axes = (random.uniform(0.6, 1.6, 2) * size * height * 8).astype(int)
            colour = tuple(float(value) for value in tint)
            cv2.ellipse(
                canvas, middle, (int(axes[0]), int(axes[1])), random.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_8, 4
            )
    # The lawn, with bands of shade.
    edge = np.clip((y - 0.72 - 0.01 * np.sin(x * 7)) * 14, 0, 1)[..., None]
    shade = noise(random, (height, width), (9, 2.5 * wide), 3)
    grass = lawn * (0.85 + 0.35 * np.clip(shade, -1, 1) + 0.25 * toward)[..., None]
    canvas = np.ascontiguousarray(canvas * (1 - edge) + grass * edge, np.float32)
    # Sun through the leaves: small and very bright, so that the lens makes discs of them.
    for _ in range(int(46 * wide)):
        spot = (random.uniform(0, wide), abs(random.normal(0, 0.24)) + 0.02)
        if spot[1] > 0.66:
            continue
        strength = random.uniform(5, 16) * (0.5 + (spot[0] / wide if side > 0 else 1 - spot[0] / wide))
        colour = _light(*random.choice([(255, 250, 226), (238, 244, 196), (255, 236, 190)])) * strength
        middle = (round(spot[0] * height * 16), round(spot[1] * height * 16))
        size = round(random.uniform(0.004, 0.009) * height * 16)
        there = tuple(float(value) for value in colour)
        cv2.circle(canvas, middle, max(8, size), there, -1, cv2.LINE_8, 4)
    haze = np.exp(-(((1 - toward) / 0.5) ** 2) - (y / 0.7) ** 2)[..., None]
    canvas = canvas + 0.22 * haze * _light(255, 244, 214)
    return disc_blur(canvas.astype(np.float32), 0.030 * height * max(1.0, min(wide, 1.5)))


def _light(red: float, green: float, blue: float) -> Array:
    """A colour written as sRGB levels, 0 to 255, in linear light."""
    return tone.to_linear(np.array((red, green, blue), np.float32) / 255).astype(np.float32)
