"""Separating a picture's subject from its background without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from darkroom.vision.saliency import saliency_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

COARSE_SIDE = 320
"""The longer side at which the subject is found."""
FINE_SIDE = 800
"""The longer side at which its outline is found."""
BACKGROUND, SUBJECT, LIKELY_BACKGROUND, LIKELY_SUBJECT = range(4)
"""What GrabCut's masks hold (cv2.GC_BGD and so on)."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A subject found: ``mask`` is ``height x width``, float32, 0.0 to 1.0, at the size it was worked out at.

    ``plain`` says that the background was found to be of one colour: the mask is certain, and soft at its outline.
    """

    mask: Array
    plain: bool = False


def by_grabcut(pixels: Array) -> Segmentation:
    """Find the subject by its saliency and its colours, by GrabCut, first coarse and then along the outline.

    GrabCut is Rother et al., "GrabCut", SIGGRAPH 2004. Where the background is plain, what differs from it is the
    subject, and nothing has to be guessed.

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.
    """
    fine = shrink(pixels, FINE_SIDE)
    plain = _difference_from_plain(fine)
    if plain is not None:
        return Segmentation(_along_edges(fine, plain), plain=True)
    small = shrink(pixels, COARSE_SIDE)
    likely = saliency_map(small)
    # Nothing may be salient enough: the bar is lower in a picture without anything that stands out.
    bar = 0.4 * min(1.0, float(np.percentile(likely, 98)) / 0.9)
    labels = np.full(likely.shape, LIKELY_BACKGROUND, np.uint8)
    labels[likely > bar] = LIKELY_SUBJECT
    labels[likely > max(0.95, bar)] = SUBJECT
    labels[likely < bar / 4] = BACKGROUND
    mask = _significant(_grabcut(small, labels, rounds=4), likely)
    return Segmentation(refine(pixels, mask))


def by_watershed(pixels: Array) -> Segmentation:
    """Flood the gradient from what is certainly subject and certainly background (Meyer, 1992; OpenCV's watershed).

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.
    """
    small = shrink(pixels, FINE_SIDE)
    likely = saliency_map(small)
    plain = _difference_from_plain(small)
    if plain is not None:
        likely = plain
    peak = float(np.percentile(likely, 98))
    reach = max(2, round(max(small.shape[:2]) / 130))
    markers = np.zeros(likely.shape, np.int32)
    markers[cv2.dilate((likely >= 0.25 * peak).astype(np.uint8), _disc(reach)) == 0] = 1
    markers[cv2.erode((likely > 0.6 * peak).astype(np.uint8), _disc(reach)) > 0] = 2
    if not (markers == 2).any():
        return Segmentation(np.zeros(likely.shape, np.float32))
    smooth = cv2.bilateralFilter(small, 7, 50, 5)
    flooded = cv2.watershed(smooth, markers)
    # The watershed leaves a line of -1 between the basins and around the picture.
    mask = cv2.morphologyEx((flooded == 2).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return Segmentation(_significant(mask, likely))


def by_edges(pixels: Array) -> Segmentation:
    """Close the outlines that Canny's edge detector finds and fill them; for clear outlines on calm backgrounds.

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.
    """
    small = shrink(pixels, FINE_SIDE)
    likely = saliency_map(small)
    smooth = cv2.bilateralFilter(small, 7, 40, 5)
    # The threshold is the one that parts weak from strong gradients best (Otsu, 1979).
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    slopes = np.abs(cv2.Sobel(lab, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(lab, cv2.CV_32F, 0, 1))
    high, _ = cv2.threshold(np.clip(slopes.max(axis=2), 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    high = max(16.0, high / 2)
    edges = np.maximum.reduce([cv2.Canny(lab[..., channel], high / 2.5, high) for channel in range(3)])
    reach = max(2, round(max(small.shape[:2]) / 130))
    closed = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, _disc(reach))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(likely.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    filled = cv2.morphologyEx(filled, cv2.MORPH_OPEN, _disc(reach))
    return Segmentation(_significant(filled, likely))


METHODS = {"grabcut": by_grabcut, "watershed": by_watershed, "edges": by_edges}
"""The builtin ways, by the name of the parameter's value."""


def shrink(pixels: Array, side: int) -> Array:
    """The picture with its longer side at most ``side`` pixels, averaged."""
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _disc(radius: int) -> Array:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _grabcut(pixels: Array, labels: Array, rounds: int) -> Array:
    """0 or 1 for every pixel; ``labels`` where there is nothing to separate."""
    subject = (labels & 1).astype(np.uint8)
    if subject.all() or not subject.any():
        return subject
    cv2.setRNGSeed(1)
    state = labels.copy()
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), state, None, *models, rounds, cv2.GC_INIT_WITH_MASK)  # pyright: ignore
    return (state & 1).astype(np.uint8)


def _significant(mask: Array, likely: Array) -> Array:
    """The mask without specks: parts that carry at least 15 % of the weight of the heaviest, pinholes closed."""
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts = cv2.connectedComponents(mask)
    if count > 2:
        weights = np.bincount(parts.ravel(), weights=likely.ravel(), minlength=count)[1:]
        keep = np.flatnonzero(weights >= 0.15 * weights.max()) + 1
        mask = np.isin(parts, keep).astype(np.uint8)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(1 - mask)
    pinhole = mask.size / 2000
    for part in range(1, count):
        if boxes[part, cv2.CC_STAT_AREA] < pinhole:
            mask[parts == part] = 1
    return mask.astype(np.float32)


def refine(pixels: Array, mask: Array) -> Array:
    """A mask with its outline worked out again at FINE_SIDE, in a band about the coarse one.

    Args:
        pixels: ``height x width x 3``, uint8, sRGB.
        mask: smaller, ``height x width``, float32, 0 or 1.
    """
    fine = shrink(pixels, FINE_SIDE)
    size = (fine.shape[1], fine.shape[0])
    if mask.shape == fine.shape[:2] or not 0 < mask.mean() < 1:
        return cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR).round()
    coarse = (cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.uint8)
    reach = max(2, round(1.5 * size[0] / mask.shape[1]))
    labels = np.where(coarse > 0, LIKELY_SUBJECT, LIKELY_BACKGROUND).astype(np.uint8)
    labels[cv2.erode(coarse, _disc(reach)) > 0] = SUBJECT
    labels[cv2.dilate(coarse, _disc(reach)) == 0] = BACKGROUND
    outline = _grabcut(fine, labels, rounds=1)
    return cv2.medianBlur(outline, 3).astype(np.float32)


def _difference_from_plain(small: Array) -> Array | None:
    """0 or 1 for every pixel of a picture on a plain background; None where the background is not plain.

    A quadratic surface is fitted to the border's colours, in linear light, which takes in lighting that falls off;
    the border must follow it closely on most of its length. A shadow, the background's own colour times less light
    and without a steep edge, stays background.
    """
    linear = _to_linear(small)
    height, width = small.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).astype(np.float32)
    band = max(3, round(0.03 * max(height, width)))
    border = np.ones((height, width), bool)
    border[band:-band, band:-band] = False
    samples, colours = terms[border], linear[border]
    seen = _lab(linear)[border]
    kept = np.linalg.norm(seen - np.median(seen, axis=0), axis=1) < 25
    if kept.mean() < 0.6:
        return None
    off = np.zeros(len(seen), np.float32)
    surface = np.zeros((6, 3), np.float32)
    for _ in range(4):
        surface = np.linalg.lstsq(samples[kept], colours[kept], rcond=None)[0]
        off = np.linalg.norm(seen - _lab((samples @ surface)[None])[0], axis=1)
        kept = off < max(3.0, 2.5 * float(np.median(off)))
    noise = float(np.median(off)) * 1.5
    if kept.mean() < 0.75 or noise > 4.5:
        return None
    ground = np.clip(terms @ surface, 1e-3, 1).astype(np.float32)
    smooth = cv2.GaussianBlur(linear, (0, 0), 0.8)
    lit = (smooth * ground).sum(-1) / (ground * ground).sum(-1)
    here = _lab(smooth)
    off_hue = np.linalg.norm(here - _lab(ground * np.clip(lit, 0, 1.5)[..., None]), axis=2)
    darker = _lab(ground)[..., 0] - here[..., 0]
    bar = max(3.5, 2.2 * noise)
    steep = cv2.dilate(_steepness(here[..., 0]), np.ones((3, 3), np.uint8)) > 5
    different = (off_hue > bar) | (darker < -bar) | (darker > 38) | ((darker > bar) & steep)
    if not 0.002 < float(different.mean()) < 0.9:
        return None
    reach = max(1, round(max(height, width) / 160))
    solid = cv2.morphologyEx(different.astype(np.uint8), cv2.MORPH_CLOSE, _disc(reach))
    # What lies inside the outline and has the background's hue may be a grey part of the product, or a hole: a hole
    # shows the background itself, though part of it may lie in shadow.
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(solid)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    same = ((off_hue < max(2.5, 1.6 * noise)) & (darker > -max(2.5, 1.6 * noise)) & ~steep).astype(np.uint8)
    holes = _really_open(cv2.morphologyEx(same & filled, cv2.MORPH_OPEN, _disc(2 * reach)), np.abs(darker) < bar)
    mask = cv2.morphologyEx(filled & (1 - holes), cv2.MORPH_OPEN, _disc(1))
    # Light that the subject throws into its own shadow colours it a little. What is faint and lies outside the hull of
    # all that is not, is such a shadow; inside it may be a label.
    strong = off_hue[(mask > 0) & (off_hue > 2 * bar)]
    if strong.size:
        faint = off_hue < 0.4 * float(np.median(strong))
        core = cv2.morphologyEx(mask & ~faint, cv2.MORPH_OPEN, _disc(reach))
        if core.any():
            hull: Array = np.zeros(mask.shape, np.uint8)
            cv2.fillConvexPoly(hull, cv2.convexHull(cv2.findNonZero(core)), 1)
            candidates: Array = (mask > 0) & (hull == 0) & faint & (np.abs(darker) < 32)
            shadow = _soft_parts(
                cv2.morphologyEx(candidates.astype(np.uint8), cv2.MORPH_OPEN, _disc(reach)), mask, steep
            )
            mask &= 1 - shadow
            # Crumbs of it, faint and thin, go with it.
            thick: Array = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(3 * reach))
            crumbs = faint & (thick == 0) & (hull == 0) & (cv2.dilate(shadow, _disc(3 * reach)) > 0)
            mask[crumbs] = 0
    return _significant(mask, np.ones(mask.shape, np.float32))


def _really_open(holes: Array, exact: Array) -> Array:
    """Those connected parts of which a third at least looks exactly like the background."""
    count, parts = cv2.connectedComponents(holes)
    shares = np.bincount(parts.ravel(), weights=exact.ravel(), minlength=count) / np.bincount(
        parts.ravel(), minlength=count
    )
    keep = np.flatnonzero(shares >= 1 / 3)
    return np.isin(parts, keep[keep > 0]).astype(np.uint8)


def _soft_parts(candidates: Array, mask: Array, steep: Array) -> Array:
    """Those connected parts whose edge against the background is soft on most of its length, as a shadow's is."""
    count, parts = cv2.connectedComponents(candidates)
    outside = cv2.dilate(1 - mask, np.ones((5, 5), np.uint8)) > 0
    soft = np.zeros_like(mask)
    for part in range(1, count):
        here = parts == part
        edge = here & outside
        if edge.any() and float(steep[edge].mean()) < 0.35:
            soft[here] = 1
    return soft


def _along_edges(fine: Array, mask: Array) -> Array:
    """Soft alpha, 0.0 to 1.0, along the mask's outline: where each pixel lies between the colours on either side."""
    reach = max(2, round(max(mask.shape) / 130))
    solid = cv2.medianBlur((mask > 0.5).astype(np.uint8), 2 * (reach // 2) + 3)
    inside = cv2.erode(solid, _disc(reach)).astype(np.float32)
    outside = 1 - cv2.dilate(solid, _disc(reach)).astype(np.float32)
    linear = _to_linear(fine)
    window = (6 * reach + 1, 6 * reach + 1)

    def mean(weight: Array) -> tuple[Array, Array]:
        total = cv2.blur(weight, window)
        return cv2.blur(linear * weight[..., None], window) / np.maximum(total, 1e-4)[..., None], total

    (front, front_weight), (back, back_weight) = mean(inside), mean(outside)
    span = front - back
    between = ((linear - back) * span).sum(-1) / np.maximum((span * span).sum(-1), 1e-5)
    known = (front_weight > 1e-3) & (back_weight > 1e-3) & ((span * span).sum(-1) > 2e-3)
    band = (inside == 0) & (outside == 0)
    alpha = np.where(band & known, np.clip(between * 1.12 - 0.06, 0, 1), mask)
    return alpha.astype(np.float32)


def _to_linear(pixels: Array) -> Array:
    """uint8 sRGB as linear light, float32, 0.0 to 1.0."""
    levels = np.linspace(0, 1, 256)
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return table[pixels]


def _lab(linear: Array) -> Array:
    """CIE Lab of linear light, ``height x width x 3`` float32."""
    return cv2.cvtColor(np.ascontiguousarray(linear, np.float32), cv2.COLOR_LRGB2Lab)


def _steepness(light: Array) -> Array:
    """Change of lightness over two pixels."""
    smooth = cv2.GaussianBlur(light, (0, 0), 0.8)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.hypot(across, down) / 4
