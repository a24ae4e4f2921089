"""Putting a cut-out into a scene: its shadow, its reflection, and its edges and colour matched to the scene's.

Pictures are ``height x width x 3``, mattes ``height x width``, float32, 0.0 to 1.0, of the size of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision import tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

LONGEST = 1000
"""Pixels of the longer side that shadows are worked out at: they are soft."""
BANDS = (0.0, 0.04, 0.12, 0.3, 0.62, 1.0)
"""Heights, 1.0 the top of the product, between which the softness of a shadow is blended."""
TOUCHING = 0.14
"""Lower parts of the outline within this of the lowest, by the product's height, stand on the surface."""
THICK = 0.07
"""How far a lying product rises above the surface, by its size."""


@dataclass(frozen=True, slots=True)
class Shade:
    """Where light is kept off the surface, 0.0 to 1.0: by the product's body, and in the crevice under it."""

    cast: Array
    contact: Array


def shadow(alpha: Array, across: float, away: float, soft: float) -> Shade:
    """The shadow of an upright product on the surface that it stands on.

    Its matte is laid down on the surface away from the light, softer and softer from the base to the top, as that of
    a light that is not a point is. The crevice under it, where hardly any light comes, is dark by itself.

    Args:
        alpha: the product's matte.
        across: where it falls, pixels to the right for each pixel of height.
        away: the same upwards in the picture.
        soft: standard deviation of its blur, for each pixel of height.
    """
    small = _small(alpha)
    box = _box(small)
    if box is None:
        return Shade(np.zeros_like(alpha), np.zeros_like(alpha))
    top, bottom, _, _ = box
    tall = max(1.0, float(bottom - top))
    lowest = _outline(small, bottom, tall)
    touching = lowest >= bottom - TOUCHING * tall
    # A round base is lowest in its middle: what is around it stands on the surface too.
    base = float(np.average(lowest[touching])) if touching.any() else float(bottom)
    height, width = small.shape
    rise = base - np.arange(height, dtype=np.float32)[:, None] - 0.5
    cast = np.zeros_like(small)
    # Row y of the matte, at height t over the base, falls on row base - away * t, moved across * t.
    away = away if abs(away) > 0.02 else 0.02
    forward = np.array([[1.0, -across, across * base], [0.0, away, base - away * base]], np.float64)
    marks = [tall * share for share in BANDS]
    for index, mark in enumerate(marks):
        below = marks[index - 1] if index else mark - 1.0
        above = marks[index + 1] if index + 1 < len(marks) else mark + 1e6
        rising = np.clip((rise - below) / (mark - below), 0, 1) if index else np.ones_like(rise)
        falling = np.clip((above - rise) / (above - mark), 0, 1)
        band = small * rising * falling * np.exp(-np.maximum(rise, 0) / (1.6 * tall))
        laid = cv2.warpAffine(band, forward, (width, height), flags=cv2.INTER_LINEAR)
        spread = max(0.6, soft * mark)
        cast += cv2.GaussianBlur(laid, (0, 0), spread, sigmaY=max(0.6, spread * max(abs(away) / 0.45, 0.35)))
    rows = np.arange(height, dtype=np.float32)[:, None]
    near = small * np.clip(1 - (lowest[None] - rows) / (0.05 * tall), 0, 1) * touching[None]
    flat = max(0.30, min(1.0, abs(away) * 2))
    contact = np.zeros_like(small)
    for reach, strength in ((0.006, 0.55), (0.025, 0.60)):
        spread = max(0.6, reach * tall)
        moved = cv2.warpAffine(
            near, np.array([[1, 0, 0.3 * across * spread], [0, 1, 0.6 * spread * flat]]), (width, height)
        )
        contact = np.maximum(
            contact, strength * np.clip(2.2 * cv2.GaussianBlur(moved, (0, 0), spread, sigmaY=spread * flat), 0, 1)
        )
    return Shade(_full(np.clip(cast, 0, 1), alpha), _full(contact, alpha))


def dropped(alpha: Array, across: float, down: float, soft: float) -> Shade:
    """The shadow of a product that lies on the surface, seen from above; arguments as those of an upright one."""
    small = _small(alpha)
    box = _box(small)
    if box is None:
        return Shade(np.zeros_like(alpha), np.zeros_like(alpha))
    thick = THICK * max(box[1] - box[0], box[3] - box[2])
    height, width = small.shape
    cast = np.zeros_like(small)
    layers = 8
    for layer in range(1, layers + 1):
        rise = thick * layer / layers
        moved = cv2.warpAffine(small, np.array([[1, 0, across * rise], [0, 1, down * rise]]), (width, height))
        spread = max(0.8, (0.12 + 1.6 * soft) * rise)
        cast = np.maximum(cast, cv2.GaussianBlur(moved, (0, 0), spread) * (1 - 0.25 * layer / layers))
    contact = 0.55 * cv2.GaussianBlur(small, (0, 0), max(0.8, 0.10 * thick))
    return Shade(_full(cast, alpha), _full(contact, alpha))


def reflection(colours: Array, alpha: Array, strength: float) -> tuple[Array, Array]:
    """What a shining surface shows of a product that stands on it: colours, and how much of them.

    Each column is mirrored at its own lowest point where that stands on the surface, so that round bases touch their
    reflection all along.

    Args:
        colours: of the product.
        alpha: its matte.
        strength: 0.0 to 1.0, at the base; it fades within two fifths of the height.
    """
    box = _box(alpha)
    if box is None:
        return colours, np.zeros_like(alpha)
    top, bottom, left, right = box
    tall = max(1.0, float(bottom - top))
    lowest = _outline(alpha, bottom, tall)
    smooth = max(3, round(0.02 * tall) | 1)
    mirror = np.where(lowest >= bottom - TOUCHING * tall, lowest, float(bottom)).astype(np.float32)
    mirror = cv2.blur(mirror[None], (smooth, 1))[0]
    # Only what lies below the outline, and no further than it can be seen.
    seen = np.s_[int(mirror[left:right].min()) : min(alpha.shape[0], bottom + int(0.5 * tall) + 1), left:right]
    rows = np.arange(alpha.shape[0], dtype=np.float32)[seen[0], None]
    below = rows - mirror[None, left:right]
    columns = np.broadcast_to(np.arange(left, right, dtype=np.float32)[None], below.shape)
    source = [np.ascontiguousarray(columns), (mirror[None, left:right] - below).astype(np.float32)]
    both = np.dstack([colours * alpha[..., None], alpha])
    turned = cv2.remap(both, source[0], source[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    fade = np.where(below > 0, np.clip(1 - below / (0.42 * tall), 0, 1) ** 1.6, 0.0)
    # It loses its edges with distance: three blurs, blended.
    blurred = turned
    for share in (0.15, 0.4):
        softer = cv2.GaussianBlur(turned, (0, 0), max(0.5, 0.035 * share * tall))
        weight = np.clip(below / (share * tall), 0, 1)[..., None]
        blurred = blurred * (1 - weight) + softer * weight
    cover = blurred[..., 3]
    shown, there = np.zeros_like(colours), np.zeros_like(alpha)
    shown[seen] = np.clip(blurred[..., :3] / np.maximum(cover, 1e-3)[..., None], 0, 1)
    there[seen] = cover * fade * strength
    return shown, there


def matched(
    colours: Array, alpha: Array, scene: Array, gains: tuple[float, float, float], across: float, amount: float
) -> Array:
    """A product's colours under the light of the scene; its edges take on what shines around them from behind.

    Args:
        colours: of the product, sRGB.
        alpha: its matte.
        scene: what it stands in front of, sRGB.
        gains: the light's colour, linear, green 1.0.
        across: how much darker, 0.0 to 1.0, the side is that the light does not come from; its sign tells the side.
        amount: 0.0 leaves it as it is, 1.0 is the whole of it.
    """
    if amount <= 0:
        return colours
    box = _box(alpha)
    light = tone.to_linear(colours).astype(np.float32) * (1 + amount * (np.array(gains, np.float32) - 1))
    if box is not None and across:
        left, right = box[2], box[3]
        place = np.clip((np.arange(alpha.shape[1], dtype=np.float32) - left) / max(1, right - left), 0, 1)
        place = place if across > 0 else 1 - place
        light *= (1 - amount * abs(across) * place**1.5)[None, :, None]
    lit = tone.from_linear(light).astype(np.float32)
    reach = max(1.0, 0.006 * max(alpha.shape))
    inner = cv2.GaussianBlur(alpha, (0, 0), reach)
    around = _full(cv2.GaussianBlur(_small(scene), (0, 0), 0.02 * LONGEST), scene)
    wrap = (0.5 * amount * alpha * (1 - inner))[..., None]
    return (lit + (around - lit) * wrap).astype(np.float32)


def _small(picture: Array) -> Array:
    factor = min(1.0, LONGEST / max(picture.shape[:2]))
    if factor == 1.0:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _full(picture: Array, like: Array) -> Array:
    if picture.shape[:2] == like.shape[:2]:
        return picture
    return cv2.resize(picture, (like.shape[1], like.shape[0]), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _box(alpha: Array) -> tuple[int, int, int, int] | None:
    """Top, bottom, left and right of what is there, the ends exclusive."""
    rows, columns = np.nonzero((alpha > 0.1).any(axis=1))[0], np.nonzero((alpha > 0.1).any(axis=0))[0]
    if not rows.size:
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _outline(alpha: Array, bottom: int, tall: float) -> Array:
    """The lower end of each column, in rows; where nothing is, or it is far from standing, it lies far above."""
    there = alpha > 0.5
    lowest = alpha.shape[0] - np.argmax(there[::-1], axis=0).astype(np.float32)
    lowest[~there.any(axis=0)] = bottom - 10 * tall
    return lowest
