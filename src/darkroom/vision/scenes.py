"""Scenes to put a product in: a surface in true perspective, what lies behind it, and the light on both.

A pinhole camera looks at a level surface that ends at its far edge; behind it is a backdrop that is out of focus.
Everything is drawn in linear light and comes out as sRGB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from darkroom.vision import backdrops, textures, tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Lighting = Literal["soft", "dramatic", "natural"]
Perspective = Literal["front", "angle", "top_down"]

WIDE = 0.9
"""Metres that the frame's longer side shows where the product stands."""
LENS = 1.7
"""How far away the product is, by the length of the frame's longer side there: a lens of about 60 mm."""
FINEST = 2600.0
"""Pixels a metre that a surface is drawn with at most: beyond, it is enlarged."""
GRAIN = 0.006
"""Noise of film, standard deviation of sRGB values: smooth gradients are not to show steps."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a scene.

    ``x`` and ``y`` are where a shadow falls on the surface for each metre of height: to the right, and away from the
    camera. ``key`` and ``ambient`` are the colours of its two parts, linear, on the surface together about 1.0.
    ``soft`` is how fast a shadow loses its edge with height, ``dark`` how dark it is, 0.0 to 1.0. ``pool`` is the
    radius of the lit part in frames, ``backdrop`` how light what lies behind is.
    """

    x: float
    y: float
    key: tuple[float, float, float]
    ambient: tuple[float, float, float]
    soft: float
    dark: float
    pool: float
    backdrop: float
    window: bool = False

    @property
    def side(self) -> float:
        """Where it comes from: -1.0 left, 1.0 right."""
        return -1.0 if self.x > 0 else 1.0

    @property
    def gains(self) -> tuple[float, float, float]:
        """Its colour, both parts together, linear, green 1.0."""
        red, green, blue = (key + ambient for key, ambient in zip(self.key, self.ambient, strict=True))
        return red / green, 1.0, blue / green


LIGHTS: dict[Lighting, Light] = {
    "soft": Light(0.30, 0.25, (0.50, 0.50, 0.495), (0.50, 0.50, 0.505), 0.22, 0.55, 1.6, 1.0),
    "dramatic": Light(0.95, 0.30, (0.98, 0.90, 0.80), (0.035, 0.037, 0.042), 0.06, 0.9, 0.62, 0.20),
    "natural": Light(0.70, 0.45, (0.72, 0.68, 0.60), (0.34, 0.37, 0.41), 0.10, 0.68, 2.2, 0.95, window=True),
}


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera looks from.

    ``pitch`` is how far down it looks in degrees, ``edge`` and ``stand`` are the rows, 0.0 top to 1.0 bottom, of the
    surface's far edge and of the product's base. Seen from above there is no edge, and the product lies.
    """

    pitch: float
    edge: float
    stand: float


VIEWS: dict[Perspective, View] = {
    "front": View(9.0, 0.63, 0.84),
    "angle": View(30.0, 0.30, 0.80),
    "top_down": View(90.0, -1.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where each pixel meets the surface: metres to the right and away from the product, and how far it is.

    ``x``, ``z``: ``height x width``, float32. ``distance``: 1.0 where the product stands. ``there``: how much of the
    pixel the surface covers, 0.0 to 1.0.
    """

    x: Array
    z: Array
    distance: Array
    there: Array


def ground(width: int, height: int, perspective: Perspective) -> Ground:
    """The surface as the camera sees it; its far edge is level and softened by less than a pixel."""
    view = VIEWS[perspective]
    unit = WIDE / max(width, height)
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    columns = np.arange(width, dtype=np.float32)[None] + 0.5 - width / 2
    if perspective == "top_down":
        x = np.broadcast_to(columns * unit, (height, width))
        z = np.broadcast_to((height / 2 - rows) * unit, (height, width))
        ones = np.ones((height, width), np.float32)
        return Ground(x.astype(np.float32), z.astype(np.float32), ones, ones)
    focal = LENS * max(width, height)
    pitch = np.radians(view.pitch)
    # The ray through the product's base, and from it the camera's height.
    base = pitch + np.arctan2(view.stand * height - height / 2, focal)
    far = focal * unit
    ray = far / np.cos(base - pitch)
    high, near = ray * np.sin(base), ray * np.cos(base)
    down = pitch + np.arctan2(rows - height / 2, focal)
    hit = np.maximum(down, np.radians(0.3))
    z = high / np.tan(hit) - near
    # How far away along the camera's axis, which is what size depends on.
    depth = high / np.sin(hit) * np.cos(down - pitch)
    x = columns * depth / focal
    there = np.clip((rows - view.edge * height) / 1.0 + 0.5, 0, 1)
    shape = (height, width)
    return Ground(
        np.broadcast_to(x, shape).astype(np.float32),
        np.broadcast_to(z, shape).astype(np.float32),
        np.broadcast_to(depth / far, shape).astype(np.float32),
        np.broadcast_to(there, shape).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class Material:
    """What a style is made of: the surface, its shine (0.0 to 1.0), the paint of the wall or what else is behind."""

    surface: textures.Surface
    shine: float
    wall: tuple[float, float, float] | None = None
    behind: backdrops.Backdrop | None = None
    turned: bool = False
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """Seamless paper of a colour, sRGB, 0.0 to 1.0; without a colour, nothing but white."""

    colour: tuple[float, float, float] | None


WALNUT = partial(textures.wood, light=(0.60, 0.42, 0.27), dark=(0.36, 0.22, 0.12))
OAK = partial(textures.wood, light=(0.80, 0.66, 0.49), dark=(0.60, 0.44, 0.28), plank=0.22)
DECK = partial(textures.wood, worn=0.45, plank=0.12)

STYLES: dict[str, Material | Paper] = {
    "white": Paper(None),
    "marble_desk": Material(textures.marble, 0.35, wall=(0.84, 0.82, 0.795)),
    "wooden_table": Material(WALNUT, 0.16, wall=(0.775, 0.735, 0.68)),
    "living_room": Material(OAK, 0.14, behind=backdrops.room),
    "outdoor": Material(DECK, 0.05, behind=backdrops.garden, turned=True, leaves=True),
}


def custom(surface: str, wall: tuple[float, float, float]) -> Material | Paper:
    """A wall of a colour, sRGB, 0.0 to 1.0, behind a surface: paper, marble, oak, walnut, deck or stone."""
    if surface == "paper":
        return Paper(wall)
    drawn: dict[str, tuple[textures.Surface, float]] = {
        "marble": (textures.marble, 0.35),
        "oak": (OAK, 0.14),
        "walnut": (WALNUT, 0.16),
        "deck": (DECK, 0.05),
        "stone": (textures.stone, 0.10),
    }
    texture, shine = drawn[surface]
    return Material(texture, shine, wall=wall, turned=surface == "deck")


def foreshortening(perspective: Perspective) -> float:
    """How many pixels up one pixel's length away from the camera is, where the product stands."""
    return float(np.sin(np.radians(VIEWS[perspective].pitch) + np.arctan((VIEWS[perspective].stand - 0.5) / LENS)))


def texture_pixels(width: int, height: int, perspective: Perspective) -> int:
    """How many pixels the surface is drawn with for a frame of this size."""
    factor = 64 / max(width, height)
    place = ground(max(2, round(width * factor)), max(2, round(height * factor)), perspective)
    seen = _seen(place)
    density = min(FINEST, max(width, height) / WIDE)
    *_, wide, deep = _span(place.x[seen], place.z[seen])
    return round(wide * deep * density**2)


def draw(
    scene: Material | Paper,
    lighting: Lighting,
    perspective: Perspective,
    width: int,
    height: int,
    seed: int,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Array:
    """A scene without anything in it: ``height x width x 3``, float32, linear light, 0.0 to 1.0.

    Args:
        scene: what it is made of.
        lighting: of it.
        perspective: where the camera is.
        width: in pixels.
        height: in pixels.
        seed: the same seed draws the same scene.
        on_progress: called with the fraction that is done.
    """
    random = np.random.default_rng(seed)
    light = LIGHTS[lighting]
    if isinstance(scene, Paper):
        if scene.colour is None:
            return np.ones((height, width, 3), np.float32)
        picture = _sweep(light, perspective, width, height, scene.colour)
    else:
        picture = _table(random, scene, light, perspective, width, height, on_progress)
    on_progress(0.85)
    picture = _rolled_off(picture)
    grain = random.standard_normal((height, width, 1), dtype=np.float32)
    # In linear light the same step of sRGB is smaller in the dark.
    picture += GRAIN * grain * (0.05 + 1.1 * np.sqrt(np.maximum(picture, 0)) * 1.2)
    return np.clip(picture, 0.0, 1.0)


def _sweep(
    light: Light,
    perspective: Perspective,
    width: int,
    height: int,
    colour: tuple[float, float, float],
) -> Array:
    """Seamless paper that curves up behind the product, with a pool of light on it."""
    view = VIEWS[perspective]
    paper = tone.to_linear(np.array(colour, np.float32))
    x = (np.arange(width, dtype=np.float32)[None] + 0.5 - width / 2) / max(width, height)
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    flat = np.array(light.key, np.float32) + np.array(light.ambient, np.float32)
    if perspective == "top_down":
        level = np.ones((height, width), np.float32)
        middle = 0.5
    else:
        # The floor takes the light from above, the wall less; between them the paper curves.
        bend = 1 / (1 + np.exp(-(y - view.edge + 0.02) / 0.075))
        level = 0.91 + 0.10 * bend - 0.10 * np.clip(view.edge - y, 0, 1) ** 1.5
        middle = view.edge - 0.02
    ratio = height / max(width, height)
    away = np.hypot((x - 0.10 * light.side), (y - middle) * ratio)
    pool = np.exp(-((away / (0.62 * light.pool)) ** 2))
    ambient = np.array(light.ambient, np.float32)
    lit = ambient + np.array(light.key, np.float32) * (pool[..., None] * 0.9 + (0.16 if light.pool > 1 else 0.0))
    lit = lit / flat.max() * (1.04 if light.pool > 1 else 0.9)
    if light.window:
        lit *= 1 - 0.16 * _panes(x * WIDE, (middle - y) * ratio * WIDE * 1.4, 0.5)[..., None]
    return (level[..., None] * lit * paper).astype(np.float32)


def _table(
    random: np.random.Generator,
    material: Material,
    light: Light,
    perspective: Perspective,
    width: int,
    height: int,
    on_progress: Callable[[float], None],
) -> Array:
    """A surface, and what lies behind its far edge."""
    view = VIEWS[perspective]
    place = ground(width, height, perspective)
    surface = _sampled(random, material, place, width, height)
    on_progress(0.5)
    key, ambient = np.array(light.key, np.float32), np.array(light.ambient, np.float32)
    lit = ambient + key * _on_surface(random, light, place, material.leaves)[..., None]
    surface = surface * lit
    if perspective == "top_down":
        return surface
    small_width, small_height = backdrops.small(width, height)
    # What is behind is as large from every height; looking down, one sees its lower part only.
    whole_rows = max(4, round(VIEWS["front"].edge * small_height)) + small_height // 12
    rows = min(whole_rows, max(4, round(view.edge * small_height)) + small_height // 12)
    if material.behind is not None:
        behind = material.behind(random, small_width, whole_rows, light.side)[whole_rows - rows :]
    else:
        paint = tone.to_linear(np.array(material.wall, np.float32)).astype(np.float32)
        behind = backdrops.wall(random, small_width, whole_rows, paint, light.side)[whole_rows - rows :]
        if light.window:
            y = np.linspace(0.8 * rows / whole_rows, 0.0, rows, dtype=np.float32)[:, None]
            x = np.linspace(-0.5, 0.5, small_width, dtype=np.float32)[None]
            panes = cv2.GaussianBlur(_panes(x - 0.25 * y, y - 0.1, 0.35), (0, 0), 0.012 * small_width)
            behind = behind * (1.08 - 0.30 * panes[..., None])
    if light.pool < 1:
        x = np.linspace(-0.5, 0.5, small_width, dtype=np.float32)[None]
        y = np.linspace(-0.5, 0.5, rows, dtype=np.float32)[:, None]
        spot = np.exp(-(((x - 0.16 * light.side) / 0.36) ** 2) - ((y - 0.15) / 0.55) ** 2)
        behind = behind * (light.backdrop * (0.35 + 1.5 * spot))[..., None] * (key / key.max())
    else:
        behind = behind * light.backdrop * (0.5 + 0.5 * (key + ambient) / (key + ambient).max())
    # The surface mirrors what is behind it, the more the flatter one looks at it (Schlick, 1994), and not sharply.
    mirror = cv2.GaussianBlur(behind[::-1], (0, 0), 0.03 * small_height)
    edge = round(view.edge * height)
    tall = max(1, round(rows * height / small_height))
    mirror = cv2.resize(mirror, (width, tall), interpolation=cv2.INTER_CUBIC)
    behind = cv2.resize(behind, (width, tall), interpolation=cv2.INTER_CUBIC)
    over = min(height - edge, tall)
    lines = (np.arange(edge, edge + over) - height / 2) / (LENS * max(width, height))
    glance = 1 - np.sin(np.radians(view.pitch) + np.arctan(lines))
    fresnel = (0.04 + 0.96 * np.clip(glance, 0, 1) ** 5)[:, None, None].astype(np.float32)
    fade = np.linspace(1, 0, over, dtype=np.float32)[:, None, None]
    share = material.shine * 1.6 * fresnel * fade
    surface[edge : edge + over] = surface[edge : edge + over] * (1 - share) + mirror[:over] * share
    # Its far edge catches the light, and is as far out of focus as it is away.
    rounding = np.exp(-(((np.arange(height) - edge) / (0.004 * height)) ** 2)).astype(np.float32)[:, None, None]
    surface *= 1 + 0.18 * rounding
    whole = np.empty_like(surface)
    cut = min(tall, height)
    whole[:cut] = behind[:cut]
    whole[cut:] = surface[cut:]
    soft = max(0.7, 0.0032 * max(width, height))
    there = cv2.GaussianBlur(np.ascontiguousarray(place.there), (0, 0), soft)[..., None]
    # A dark line where the backdrop ends behind the edge keeps the table from floating.
    shade = np.exp(-np.clip(edge - np.arange(height), 0, None) / (0.03 * height)).astype(np.float32)[:, None, None]
    whole *= 1 - 0.14 * shade
    return whole * (1 - there) + surface * there


def _sampled(random: np.random.Generator, material: Material, place: Ground, width: int, height: int) -> Array:
    """The surface as the camera sees it, linear light: drawn flat, then looked up, coarser where it is out of focus."""
    seen = _seen(place)
    x, z, distance = place.x[seen], place.z[seen], place.distance[seen]
    density = min(FINEST, max(width, height) / WIDE)
    low_x, high_x, low_z, span_x, span_z = _span(x, z)
    shape = (max(8, round(span_z * density)), max(8, round(span_x * density)))
    flat = material.surface(random, (shape[1], shape[0]) if material.turned else shape, density)
    if material.turned:
        flat = flat.transpose(1, 0, 2)
    flat = tone.to_linear(flat).astype(np.float32)
    across = (x - (low_x + high_x) / 2 + span_x / 2) * density
    down = (z - low_z) * density
    if material.turned:
        # A gap in the middle of the frame would lead the eye away from the product.
        across = across + 0.04 * density
    # Level of the pyramid by how many pixels of it one pixel shows, or by how far out of focus it is.
    tilt = np.gradient(z, axis=0)
    footprint = np.sqrt(np.maximum(np.abs(tilt) * density, 1e-3) * np.maximum(distance, 1e-3))
    blurred = 0.012 * max(width, height) * np.abs(1 - 1 / distance)
    level = np.log2(np.maximum(1.0, np.hypot(footprint, blurred)))
    result = np.zeros((*x.shape, 3), np.float32)
    layer, last = flat, int(np.ceil(float(level.max())))
    for step in range(last + 1):
        weight = np.clip(1 - np.abs(level - step), 0, 1)
        if weight.any():
            rows = np.nonzero(weight.any(axis=1))[0]
            part = np.s_[rows[0] : rows[-1] + 1]
            scale = 0.5**step
            maps = [((line[part] + 0.5) * scale - 0.5).astype(np.float32) for line in (across, down)]
            drawn = cv2.remap(layer, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            result[part] += weight[part][..., None] * drawn
        if step < last:
            layer = cv2.pyrDown(layer) if min(layer.shape[:2]) > 4 else layer
    whole = np.empty((height, width, 3), np.float32)
    whole[seen] = result
    whole[: seen.start] = 0.0
    return whole


def _seen(place: Ground) -> slice:
    """The rows that show the surface, and two more."""
    return slice(max(0, int(np.argmax(place.there[:, 0] > 0)) - 2), None)


def _span(x: Array, z: Array) -> tuple[float, float, float, float, float]:
    """Left and right end and near end of what is seen in metres, and how wide and how deep it is drawn.

    What is far away is small: only what is near needs the full density, so that the far part may repeat mirrored.
    """
    low_x, high_x, low_z, high_z = float(x.min()), float(x.max()), float(z.min()), float(z.max())
    return low_x, high_x, low_z, min(high_x - low_x, 1.6), min(high_z - low_z, 1.5)


def _on_surface(random: np.random.Generator, light: Light, place: Ground, leaves: bool) -> Array:
    """How much of the key light reaches each point of the surface, about 0.0 to 1.0."""
    x, z = place.x - 0.04 * light.side, place.z - 0.02
    reach = 0.5 * light.pool
    level = np.exp(-((np.hypot(x, z) / reach) ** 2))
    if light.pool > 1:
        level = 0.45 + 0.55 * level
        level = level * (1 + 0.10 * light.side * np.clip(place.x, -1, 1))
    if light.window:
        shade = _leaves(random, x, z) if leaves else _panes(x, z, 0.22)
        level = level * (1 - 0.62 * shade)
    return level.astype(np.float32)


def _panes(x: Array, z: Array, soft: float) -> Array:
    """Where the frame of a window, and the wall around it, keep the sun off: 0.0 lit to 1.0 shaded.

    Args:
        x: metres to the right.
        z: metres away.
        soft: how far the edges are blurred, in tenths of a metre.
    """
    # The window's light falls aslant.
    across, along = x + 0.55 * z, z - 0.25 * x
    edge = 0.1 * soft

    def bars(place: Array, start: float, wide: float, bar: float, count: int) -> Array:
        lit = np.zeros_like(place)
        for index in range(count):
            left = start + index * (wide + bar)
            lit = lit + _step(place - left, edge) * _step(left + wide - place, edge)
        return lit

    lit = bars(across, -0.40, 0.27, 0.035, 3) * bars(along, -0.42, 0.30, 0.035, 3)
    return 1 - np.clip(lit, 0, 1)


def _leaves(random: np.random.Generator, x: Array, z: Array) -> Array:
    """The shade of leaves, with the sun between them; arguments and result as those of the window."""
    cells = 512
    crowd = textures.noise(random, (cells, cells), (16, 16), 3, 0.55)
    crowd = cv2.GaussianBlur(crowd, (0, 0), 3.0)
    shade = _step(crowd - 0.02 + 0.35 * textures.noise(random, (cells, cells), (3, 3), 2), 0.5)
    # The tree is to the side: its shade thins out where the product stands.
    across, along = ((line + 1.0) * (cells / 2.0) for line in (x, z))
    drawn = cv2.remap(
        shade, across.astype(np.float32), along.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.clip(drawn, 0, 1) * (1 - 0.55 * np.exp(-((x / 0.25) ** 2) - (z / 0.25) ** 2))


def _step(value: Array, soft: float) -> Array:
    return 1 / (1 + np.exp(-np.clip(value / (0.25 * soft + 1e-6), -30, 30)))


def _rolled_off(light: Array) -> Array:
    """Bright light bent under 1.0 instead of cut off there; what is below 0.75 stays as it is."""
    over = np.maximum(light - 0.75, 0)
    return np.where(light > 0.75, 0.75 + 0.25 * (1 - np.exp(-over / 0.25)), light).astype(np.float32)
