"""Finding the subject without a network, measured against outlines drawn by people and against exact ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom.vision.segmentation import METHODS, Segmentation, by_edges, by_grabcut, by_watershed
from tests.vision.products import BACKGROUNDS, SHAPES, product


def agreement(found: Segmentation, truth: Any) -> float:
    """Intersection over union of the masks at 0.5, at the truth's size."""
    size = (truth.shape[1], truth.shape[0])
    mask = cv2.resize(found.mask, size, interpolation=cv2.INTER_LINEAR) > 0.5
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


@pytest.mark.parametrize(("prefix", "least"), [("grabcut", 0.80), ("ecssd", 0.68)])
def test_photographs(prefix: str, least: float, pictures: Path) -> None:
    """Mean over each set; measured 0.895 and 0.697. No picture of either set had a part in fitting anything."""
    reached = []
    for path in sorted((pictures / "salient_gt").glob(f"{prefix}_*.jpg")):
        truth = next(path.parent.glob(f"{path.stem}.gt.*"))
        pixels, mask = np.asarray(Pillow.open(path).convert("RGB")), np.asarray(Pillow.open(truth).convert("L")) > 127
        reached.append(agreement(by_grabcut(pixels), mask))
    assert len(reached) == {"grabcut": 8, "ecssd": 20}[prefix]
    assert np.mean(reached) >= least


def test_products_on_plain_backgrounds() -> None:
    """Mean over shapes and backgrounds; measured 0.983."""
    reached = []
    for background in BACKGROUNDS:
        for shape in SHAPES:
            pixels, matte = product(shape, background, seed=1)
            found = by_grabcut(pixels)
            assert found.plain, f"{shape} on {background}"
            reached.append(agreement(found, matte > 0.5))
    assert np.mean(reached) >= 0.97
    assert min(reached) >= 0.94


def test_a_shadow_stays_behind() -> None:
    pixels, matte = product("box", "white", seed=3)
    mask = cv2.resize(by_grabcut(pixels).mask, (matte.shape[1], matte.shape[0]))
    around = cv2.dilate((matte > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert mask[around].mean() < 0.002


def test_a_hole_is_a_hole() -> None:
    pixels, matte = product("ring", "grey", seed=2)
    mask = cv2.resize(by_grabcut(pixels).mask, (matte.shape[1], matte.shape[0]))
    y, x = (int(v) for v in np.argwhere(matte > 0.5).mean(axis=0))
    assert matte[y, x] == 0
    assert mask[y, x] < 0.1


@pytest.mark.parametrize("shape", ["box", "shoe", "leaf"])
@pytest.mark.parametrize(("method", "background"), [(by_watershed, "grey"), (by_edges, "black")])
def test_the_other_ways_work_on_what_suits_them(method: Any, background: str, shape: str) -> None:
    """Watershed on any calm background; edges where the whole outline is clear."""
    pixels, matte = product(shape, background, seed=4)
    assert agreement(method(pixels), matte > 0.5) > 0.8


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30)])
def test_blank_and_tiny_pictures_are_no_trouble(method: Any, size: tuple[int, int]) -> None:
    found = method(np.full((*size, 3), 128, np.uint8))
    assert found.mask.dtype == np.float32
    assert 0 <= found.mask.min() <= found.mask.max() <= 1
