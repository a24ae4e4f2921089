"""Draw the bundled sample pictures that are ours: two product photographs and a logo.

The photographs are path-traced from signed distance fields (after Hart, "Sphere tracing", 1996, and the distance
functions every shader programmer knows), with a softbox sampled directly, diffuse bounces, a gloss coat and the grain
that sampling leaves. Run it to make them again: ``python samples/make.py`` takes some minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray
HERE = Path(__file__).parent
STEPS, FAR, NEAR = 90, 14.0, 1e-3
BOX = (-0.52, 0.76, -0.39)  # the way to the softbox
WARM = np.float32((1.0, 0.975, 0.94))


def length(v: Array) -> Array:
    """Euclidean length along the last axis."""
    return np.sqrt((v * v).sum(-1))


def smooth_union(a: Array, b: Array, k: float) -> Array:
    """Two distances joined with a fillet of about ``k``."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b + (a - b) * h - k * h * (1 - h)


def ellipsoid(p: Array, centre: tuple[float, ...], radii: tuple[float, ...]) -> Array:
    """Approximate distance to an ellipsoid."""
    q = (p - np.float32(centre)) / np.float32(radii)
    k = length(q)
    return (k - 1) * min(radii) * 0.98


def cylinder(p: Array, radius: float, low: float, high: float, edge: float) -> Array:
    """An upright cylinder with rounded edges."""
    d = np.stack(
        [
            np.hypot(p[..., 0], p[..., 2]) - radius + edge,
            np.abs(p[..., 1] - (low + high) / 2) - (high - low) / 2 + edge,
        ],
        -1,
    )
    return np.minimum(d.max(-1), 0) + length(np.maximum(d, 0)) - edge


class Mug:
    """A stoneware mug with a glazed band, on a teal sweep of paper."""

    background = (0.13, 0.36, 0.40)
    eye, look = (1.7, 2.35, -5.6), (0.12, 0.72, 0.0)
    gloss = 0.35

    @staticmethod
    def distance(p: Array) -> Array:
        """Distance to the mug standing on y = 0."""
        outer = cylinder(p, 0.85 + 0.03 * np.sin(p[..., 1] * 2.2), 0.0, 1.75, 0.09)
        cup = np.maximum(outer, -cylinder(p, 0.76, 0.14, 2.6, 0.12))
        q = p - np.float32((0.92, 0.88, 0.0))
        ring = np.stack([np.hypot(q[..., 0] * 0.95, q[..., 1] * 0.82) - 0.44, q[..., 2]], -1)
        handle = np.maximum(length(ring) - 0.115, 0.80 - np.hypot(p[..., 0], p[..., 2]))
        return smooth_union(cup, handle, 0.06)

    @staticmethod
    def colour(p: Array) -> Array:
        """Cream stoneware, a rust band with a zigzag, coffee-brown inside the foot."""
        cream, rust, ink = (
            np.float32((0.86, 0.79, 0.66)),
            np.float32((0.62, 0.20, 0.08)),
            np.float32((0.10, 0.14, 0.22)),
        )
        angle = np.arctan2(p[..., 2], p[..., 0])
        zigzag = np.abs(((angle * 14 / np.pi) % 2) - 1) * 0.16
        out = np.broadcast_to(cream, p.shape).copy()
        body = np.hypot(p[..., 0], p[..., 2]) < 0.93
        out[body & (np.abs(p[..., 1] - 1.12) < 0.2)] = rust
        out[body & (np.abs(p[..., 1] - 1.04 - zigzag) < 0.035)] = cream
        out[(p[..., 1] < 0.16)] = ink
        speck = np.sin(p[..., 0] * 91) * np.sin(p[..., 1] * 83 + 1) * np.sin(p[..., 2] * 97 + 2) > 0.93
        out[speck] *= 0.62
        return out


class Duck:
    """A rubber duck on a light grey sweep."""

    background = (0.62, 0.62, 0.60)
    eye, look = (-2.6, 1.7, -5.4), (0.0, 0.82, 0.0)
    gloss = 0.5

    @staticmethod
    def distance(p: Array) -> Array:
        """Distance to the duck standing on y = 0."""
        body = ellipsoid(p, (0.1, 0.62, 0.0), (1.05, 0.62, 0.78))
        tail = ellipsoid(p, (1.02, 0.95, 0.0), (0.36, 0.24, 0.30))
        head = length(p - np.float32((-0.55, 1.52, 0.0))) - 0.52
        beak = ellipsoid(p, (-1.1, 1.44, 0.0), (0.30, 0.10, 0.22))
        side = np.stack([p[..., 0], p[..., 1], np.abs(p[..., 2])], -1)
        wing = ellipsoid(side, (0.32, 0.75, 0.70), (0.52, 0.30, 0.14))
        eyes = length(side - np.float32((-0.90, 1.66, 0.26))) - 0.085
        whole = smooth_union(smooth_union(body, head, 0.22), tail, 0.25)
        whole = smooth_union(whole, wing, 0.05)
        return np.minimum(np.minimum(np.maximum(whole, -p[..., 1]), smooth_union(beak, whole + 0.02, 0.03)), eyes)

    @staticmethod
    def colour(p: Array) -> Array:
        """Yellow, with an orange beak and black eyes."""
        out = np.broadcast_to(np.float32((0.93, 0.66, 0.05)), p.shape).copy()
        out[ellipsoid(p, (-1.1, 1.44, 0.0), (0.30, 0.10, 0.22)) < 0.025] = (0.80, 0.22, 0.03)
        side = np.stack([p[..., 0], p[..., 1], np.abs(p[..., 2])], -1)
        out[length(side - np.float32((-0.90, 1.66, 0.26))) < 0.10] = (0.015, 0.015, 0.02)
        return out


def march(scene: type, origin: Array, way: Array) -> tuple[Array, Array]:
    """Distance along each ray to the object (FAR where it misses), and which rays hit it; the floor is apart."""
    count = len(origin)
    t = np.full(count, 0.02, np.float32)
    alive = np.arange(count)
    hit = np.zeros(count, bool)
    for _ in range(STEPS):
        d = scene.distance(origin[alive] + way[alive] * t[alive, None])
        t[alive] += d * 0.9
        hit[alive[d < NEAR]] = True
        alive = alive[(d >= NEAR) & (t[alive] < FAR)]
        if not len(alive):
            break
    return t, hit


def normal(scene: type, p: Array) -> Array:
    """The gradient of the distance, normalised."""
    e = np.float32(2e-3)
    axes = np.eye(3, dtype=np.float32) * e
    n = np.stack([scene.distance(p + a) - scene.distance(p - a) for a in axes], -1)
    return n / np.maximum(length(n)[..., None], 1e-9)


def sky(way: Array, seen: Array) -> Array:
    """Dim walls; and the softbox above and behind the camera for rays that may see it, since others sample it."""
    box = np.exp(-((way[:, 0] - BOX[0]) ** 2 + (way[:, 2] - BOX[2]) ** 2) / 0.09) * (way[:, 1] > 0) * seen
    fill = np.clip(way[:, 1] * 0.5 + 0.5, 0, 1) * 0.55
    return (fill + 7.0 * box)[:, None] * WARM


def softbox(p: Array, n: Array, scene: type, rng: np.random.Generator) -> Array:
    """Light that reaches each point straight from the softbox: one shadow ray each, towards a random part of it."""
    way = np.float32(BOX) + rng.normal(size=p.shape).astype(np.float32) * np.float32((0.16, 0.05, 0.16))
    way /= length(way)[:, None]
    facing = np.clip((way * n).sum(-1), 0, 1)
    lit = np.zeros(len(p), np.float32)
    towards = np.flatnonzero(facing > 0)
    _, shadowed = march(scene, p[towards], way[towards])
    lit[towards] = facing[towards] * ~shadowed
    return 0.95 * lit[:, None] * WARM


def scatter(n: Array, rng: np.random.Generator) -> Array:
    """Directions about ``n``, cosine-weighted."""
    v = rng.normal(size=n.shape).astype(np.float32)
    v = n + v / length(v)[:, None]
    return v / np.maximum(length(v)[:, None], 1e-6)


def trace(scene: type, origin: Array, way: Array, rng: np.random.Generator, depth: int, seen: Array) -> Array:
    """Light along each ray, linear RGB. ``seen`` says which rays may look into the softbox itself."""
    light = sky(way, seen)
    t, hit = march(scene, origin, way)
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(way[:, 1] < -1e-4, -origin[:, 1] / way[:, 1], np.inf)
    on_floor = (floor > 1e-3) & (~hit | (floor < t)) & (floor < 60)
    reach = np.where(on_floor, floor, t)
    touched = hit | on_floor
    if depth == 0:
        light[touched] = 0.12
        return light
    p = origin[touched] + way[touched] * reach[touched, None].astype(np.float32)
    ground = on_floor[touched]
    n = np.where(ground[:, None], np.float32((0, 1, 0)), normal(scene, p)).astype(np.float32)
    albedo = np.where(ground[:, None], np.float32(scene.background), scene.colour(p))
    bounced = scatter(n, rng)
    facing = -(way[touched] * n).sum(-1)
    shine = ~ground & (rng.random(len(p)) < scene.gloss * (0.08 + 0.92 * (1 - np.clip(facing, 0, 1)) ** 5))
    mirrored = way[touched] - 2 * (way[touched] * n).sum(-1)[:, None] * n
    bounced[shine] = mirrored[shine]
    raised = p + n * np.float32(6e-3)
    direct = softbox(raised, n, scene, rng)
    onward = trace(scene, raised, bounced.astype(np.float32), rng, depth - 1, shine)
    light[touched] = np.where(shine[:, None], onward, albedo * (onward + direct))
    return light


def paper(scene: type, way: Array, light: Array, eye: Array) -> Array:
    """Let the floor run up into a seamless sweep of paper behind the object."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(way[:, 1] < -1e-4, -eye[1] / way[:, 1], 60.0)
    _, hit = march(scene, np.broadcast_to(eye, way.shape).astype(np.float32), way)
    blend = np.clip((far - 7.2) / 5.5, 0, 1) * ~hit
    blend = (blend * blend * (3 - 2 * blend))[:, None]
    wall = np.float32(scene.background) * np.float32(1.02) * (1 - 0.35 * np.clip(way[:, 1:2] + 0.12, 0, 1))
    return light * (1 - blend) + wall * blend


def photograph(scene: type, width: int, height: int, samples: int, seed: int) -> Image.Image:
    """Take the picture: ``samples`` rays a pixel, filmic tone curve, sRGB."""
    rng = np.random.default_rng(seed)
    eye, look = np.float32(scene.eye), np.float32(scene.look)
    ahead = (look - eye) / np.linalg.norm(look - eye)
    right = np.cross(np.float32((0, 1, 0)), ahead)
    right /= np.linalg.norm(right)
    up = np.cross(ahead, right)
    total = np.zeros((height, width, 3), np.float32)
    for _ in range(samples):
        for top in range(0, height, 100):
            rows = np.arange(top, min(top + 100, height))
            y, x = np.meshgrid(rows, np.arange(width), indexing="ij")
            u = (x + rng.random(x.shape) - width / 2) / height
            v = -(y + rng.random(y.shape) - height / 2) / height
            way = ahead + (u[..., None] * right + v[..., None] * up) * 0.56
            way = (way / length(way)[..., None]).astype(np.float32).reshape(-1, 3)
            origin = np.broadcast_to(eye, way.shape).astype(np.float32)
            light = trace(scene, origin, way, rng, 3, np.ones(len(way), bool))
            total[rows] += np.minimum(paper(scene, way, light, eye), 4).reshape(len(rows), width, 3)
    exposed = total / samples * 0.62
    film = exposed * (2.51 * exposed + 0.03) / (exposed * (2.43 * exposed + 0.59) + 0.14)  # Narkowicz's ACES fit
    srgb = np.where(film <= 0.0031308, film * 12.92, 1.055 * np.clip(film, 1e-6, 1) ** (1 / 2.4) - 0.055)
    return Image.fromarray((np.clip(srgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def logo(size: int = 96) -> Image.Image:
    """A small logo with soft, half-transparent edges: an aperture."""
    big = size * 8
    picture = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((big * 0.04, big * 0.04, big * 0.96, big * 0.96), fill=(24, 32, 48, 255))
    for blade in range(6):
        a = np.pi / 3 * blade
        corner = [(0.5 + r * np.cos(a + s), 0.5 + r * np.sin(a + s)) for r, s in ((0.42, 0), (0.42, 1.0), (0.2, 1.25))]
        tone = 120 + blade * 22
        draw.polygon([(big * x, big * y) for x, y in corner], fill=(tone, 140 + blade * 12, 90 + blade * 8, 255))
    draw.ellipse((big * 0.36, big * 0.36, big * 0.64, big * 0.64), fill=(0, 0, 0, 0))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    """Write every sample beside this file."""
    for name, scene, seed in (("mug", Mug, 1), ("duck", Duck, 2)):
        photograph(scene, 1200, 1000, 32, seed).save(HERE / f"{name}.jpg", quality=93, subsampling=0)
    logo().save(HERE / "logo.png", optimize=True)


if __name__ == "__main__":
    main()
