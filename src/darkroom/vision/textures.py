"""Surfaces drawn by noise: marble, wood, stone, plaster. Seeded, so that the same seed draws the same surface.

Noise is a sum of random grids enlarged smoothly (Perlin, "An image synthesizer", SIGGRAPH 1985, with values in the
place of gradients); what bends it is noise too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Random = np.random.Generator

Surface = Callable[["Random", "tuple[int, int]", float], "Array"]
"""Draws ``height x width`` pixels at so many pixels a metre: float32, ``height x width x 3``, sRGB, 0.0 to 1.0."""


def noise(
    random: Random, shape: tuple[int, int], cells: tuple[float, float], octaves: int = 5, gain: float = 0.5
) -> Array:
    """Smooth random values of about -1.0 to 1.0, float32, ``height x width``.

    Args:
        random: where chance comes from.
        shape: height and width.
        cells: of the coarsest grid, down and across; each octave has twice as many.
        octaves: grids that are added up; finer than the pixels is left out.
        gain: strength of each octave compared with the one before.
    """
    height, width = shape
    total, weight = np.zeros(shape, np.float32), 0.0
    for octave in range(octaves):
        down, across = cells[0] * 2**octave, cells[1] * 2**octave
        if octave and (down > height / 2 and across > width / 2):
            break
        grid = random.standard_normal((int(np.ceil(down)) + 4, int(np.ceil(across)) + 4)).astype(np.float32)
        # A part of the enlarged grid, at a random place: its lines are not to lie at the picture's border.
        start = random.uniform(1.0, 1.9, 2)
        if height > 6 * down or width > 6 * across:
            rows, columns = _spline(height, down, start[0], len(grid)), _spline(width, across, start[1], grid.shape[1])
            layer = 1.5 * (rows @ grid @ columns.T)
        else:
            # OpenCV rounds positions to 1/32 of a cell, which is too coarse where cells are large.
            matrix = np.array([[across / width, 0.0, start[1]], [0.0, down / height, start[0]]], np.float32)
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            layer = cv2.warpAffine(grid, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        strength = gain**octave
        total += strength * layer
        weight += strength**2
    return total / (1.6 * weight**0.5)


def _spline(count: int, cells: float, start: float, knots: int) -> Array:
    """Weights of a cubic B-spline, ``count x knots``: ``count`` pixels over ``cells`` cells from ``start`` on."""
    place = start + np.arange(count, dtype=np.float64) * cells / count
    away = np.abs(place[:, None] - np.arange(knots))
    near, far = 2 / 3 - away**2 + away**3 / 2, np.clip(2 - away, 0, None) ** 3 / 6
    return np.where(away < 1, near, far).astype(np.float32)


def marble(random: Random, shape: tuple[int, int], density: float) -> Array:
    """White marble with grey veins that run aslant, come and go."""
    height, width = shape
    size = (height / density, width / density)
    tilt = random.uniform(0.5, 0.8) * random.choice([-1, 1])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, along = x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)
    low, high = float(across.min()), float(along.min())
    across, along = across - low, along - high
    span = (float(along.max()) + 1, float(across.max()) + 1)
    bend = [noise(random, shape, (4 * size[0], 4 * size[1]), 7, 0.56) for _ in range(2)]
    cloud = noise(random, shape, (4 * size[0], 4 * size[1]), 6, 0.6)
    rough = noise(random, shape, (40 * size[0], 40 * size[1]), 4, 0.7)
    picture = np.full((*shape, 3), (0.925, 0.922, 0.915), np.float32)
    picture += 0.016 * cloud[..., None] * np.array((1.0, 1.0, 0.95), np.float32)
    scale = min(1.0, 640 / max(span))
    grid = (max(8, round(span[0] * scale)), max(8, round(span[1] * scale)))
    metres = (span[0] / density, span[1] / density)
    # Bold veins, fine ones, hair lines: cells a metre across, half width in metres, darkness, how far they bend.
    kinds = (
        (1.5, 0.0030, 0.44, 0.07),
        (3.0, 0.0020, 0.26, 0.06),
        (5.0, 0.0011, 0.19, 0.05),
        (10.0, 0.0006, 0.14, 0.04),
    )
    for cells, half, dark, bent in kinds:
        field = noise(random, grid, (0.4 * cells * metres[0], cells * metres[1]), 3, 0.45)
        fade = noise(random, grid, (1.5 * metres[0], 1.5 * metres[1]), 3)
        # How far it is to the line where the noise is zero: its value by its slope, with a floor where it is flat.
        slope = np.hypot(
            cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=0.125)
        )
        slope = cv2.GaussianBlur(slope, (0, 0), 2)
        slope = np.maximum(slope, 0.4 * slope.mean()) * (density * scale)
        place = [
            ((line + bent * density * curve) * scale).astype(np.float32)
            for line, curve in zip((across, along), bend, strict=True)
        ]
        field, slope, fade = (
            cv2.remap(values, place[0], place[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
            for values in (field, slope, fade)
        )
        there = np.clip(0.42 + 0.8 * fade + 0.25 * rough, 0.0, 1.2)
        signed = field / np.maximum(slope, 1e-6)
        away = np.abs(signed)
        core = np.exp(-((away / (half * (0.35 + there))) ** 1.1))
        # The cloud beside a vein lies on one side of it more than on the other.
        side = np.where(signed > 0, 1.0, 0.35)
        mist = np.exp(-away / (half * (9 + 6 * cloud).clip(3, 20))) * side * (0.8 + 0.5 * rough).clip(0.2, 1.5)
        vein = dark * there * (0.8 * core + 0.38 * mist)
        picture -= vein[..., None] * np.array((1.0, 0.97, 0.92), np.float32)
    picture += 0.006 * noise(random, shape, (400 * size[0], 400 * size[1]), 1)[..., None]
    return np.clip(picture, 0.0, 1.0)


def wood(
    random: Random,
    shape: tuple[int, int],
    density: float,
    *,
    light: tuple[float, float, float] = (0.76, 0.58, 0.40),
    dark: tuple[float, float, float] = (0.47, 0.30, 0.17),
    plank: float = 0.16,
    worn: float = 0.0,
) -> Array:
    """Planks that run from left to right: year rings cut flat, grain, pores, knots, gaps.

    Args:
        random: where chance comes from.
        shape: height and width.
        density: pixels a metre.
        light: colour of the early wood, sRGB.
        dark: colour of the late wood.
        plank: width of one in metres.
        worn: 0.0 to 1.0, how far weather has taken the colour out.
    """
    height, width = shape
    metres = width / density
    wide = max(4, round(plank * density))
    fair, deep = np.array(light, np.float32), np.array(dark, np.float32)
    picture = np.empty((*shape, 3), np.float32)
    top = -int(random.integers(0, wide))
    while top < height:
        rows = slice(max(top, 0), min(top + wide, height))
        count = wide
        y = (np.arange(count, dtype=np.float32)[:, None] / density) - plank / 2
        x = np.arange(width, dtype=np.float32)[None] / density
        part = (count, width)
        # A board is a plane through a log: how far each point lies from the pith tells its ring.
        pith = random.uniform(-0.35, 0.35) * plank
        depth = random.uniform(0.015, 0.05) + random.uniform(-0.012, 0.012) * x
        depth = depth + 0.010 * noise(random, part, (1, 1.5 * metres), 3)
        for _ in range(random.poisson(0.45 * metres)):
            middle = (random.uniform(0, metres), random.uniform(-0.3, 0.3) * plank)
            long, short = random.uniform(0.05, 0.1), random.uniform(0.012, 0.02)
            swell = np.exp(-(((x - middle[0]) / long) ** 2) - ((y - middle[1]) / short) ** 2)
            depth = depth + random.uniform(0.015, 0.03) * swell
        away = np.hypot(y - pith, np.maximum(depth, 0.004))
        away = away + 0.0012 * noise(random, part, (plank * 40, 6 * metres), 3)
        ring = away * random.uniform(150, 210) + 2 * random.uniform()
        phase = ring - np.floor(ring)
        late = np.where(phase < 0.8, (phase / 0.8) ** 2.2, (1 - phase) / 0.2)
        vary = 0.65 + 0.35 * noise(random, (1, width), (1, 2 * metres), 2)
        grain = noise(random, part, (plank * 900, 14 * metres), 3, 0.7)
        broad = noise(random, part, (plank * 60, 2.2 * metres), 3)
        pores = np.clip(noise(random, part, (plank * 1400, 45 * metres), 1) - 0.55, 0, 1)
        mix = np.clip(0.20 + 0.45 * late * vary + 0.10 * grain + 0.14 * broad, 0, 1)[..., None]
        board = fair + (deep - fair) * mix
        board = board * (1 - 0.35 * pores[..., None])
        board = board * (1 + random.uniform(-0.11, 0.08)) * (1 + random.uniform(-0.02, 0.02, 3)).astype(np.float32)
        edge = np.minimum(np.arange(count), count - 1 - np.arange(count)).astype(np.float32) / density
        gap = np.clip(edge / 0.0012, 0, 1)
        bevel = 1 - 0.28 * np.exp(-edge / 0.003)
        board = board * (0.16 + 0.84 * gap * bevel)[:, None, None]
        picture[rows] = board[rows.start - top : rows.stop - top]
        top += wide
    if worn:
        grey = picture @ np.array((0.30, 0.45, 0.25), np.float32)
        silver = grey[..., None] * np.array((1.08, 1.05, 1.0), np.float32) + 0.06
        picture += worn * (silver - picture)
    return np.clip(picture, 0.0, 1.0)


def stone(random: Random, shape: tuple[int, int], density: float) -> Array:
    """Sanded grey stone with specks and small pits."""
    size = (shape[0] / density, shape[1] / density)
    cloud = noise(random, shape, (5 * size[0], 5 * size[1]), 6, 0.6)
    speck = noise(random, shape, (320 * size[0], 320 * size[1]), 2, 0.8)
    pits = np.clip(noise(random, shape, (150 * size[0], 150 * size[1]), 2) - 0.9, 0, 1)
    level = 0.60 + 0.035 * cloud + 0.022 * speck - 0.35 * pits
    tint = np.array((1.02, 1.0, 0.965), np.float32)
    warm = 0.012 * noise(random, shape, (3 * size[0], 3 * size[1]), 3)[..., None] * np.array((1, 0.2, -1), np.float32)
    return np.clip(level[..., None] * tint + warm, 0.0, 1.0).astype(np.float32)
