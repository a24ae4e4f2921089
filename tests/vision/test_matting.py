"""Alpha and the colours beneath it, against references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom.vision.matting import estimate_foreground, refine_alpha, solve_alpha, trimap_from_mask


def read(path: Path, mode: str) -> Any:
    return np.asarray(Pillow.open(path).convert(mode))


@pytest.fixture
def lemur(pictures: Path) -> tuple[Any, Any, Any, Any]:
    """Picture, trimap, reference alpha, reference foreground."""
    folder = pictures / "matting_gt"
    levels = read(folder / "lemur_trimap.png", "L")
    trimap = np.where(levels < 10, 0, np.where(levels > 245, 1, 0.5)).astype(np.float32)
    alpha = read(folder / "lemur_alpha.png", "L").astype(np.float32) / 255
    return read(folder / "lemur.png", "RGB"), trimap, alpha, read(folder / "lemur_foreground.png", "RGB")


def test_fur_is_solved_for(lemur: tuple[Any, Any, Any, Any]) -> None:
    """Mean squared error where alpha was open; measured 0.0008."""
    pixels, trimap, reference, _ = lemur
    alpha = solve_alpha(pixels, trimap)
    unknown = trimap == 0.5
    assert float(((alpha - reference)[unknown] ** 2).mean()) < 0.0015
    np.testing.assert_array_equal(alpha[~unknown], trimap[~unknown])


def test_a_large_picture_keeps_its_fine_edge() -> None:
    """A soft edge at 1600 pixels, above the size that is solved at."""
    x = np.linspace(0, 1, 1600, dtype=np.float32)
    alpha = np.repeat(np.clip((x - 0.49) / 0.02, 0, 1)[None], 300, 0)
    pixels = np.array((0.9, 0.2, 0.1)) * alpha[..., None] + np.array((0.1, 0.3, 0.8)) * (1 - alpha[..., None])
    trimap = np.where(np.abs(x - 0.5) < 0.03, 0.5, (x > 0.5).astype(np.float32))[None].repeat(300, 0).astype(np.float32)
    assert np.abs(solve_alpha(pixels.astype(np.float32), trimap) - alpha).max() < 0.06


def test_a_trimap_without_both_sides_is_left_alone() -> None:
    trimap = np.full((20, 20), 0.5, np.float32)
    trimap[:5] = 1
    np.testing.assert_array_equal(solve_alpha(np.zeros((20, 20, 3), np.uint8), trimap), trimap)


def test_no_fringe_of_the_old_background_is_left(lemur: tuple[Any, Any, Any, Any]) -> None:
    """On magenta, against the composite of the true foreground: less than half the error of doing nothing."""
    pixels, _, alpha, foreground = lemur
    new, share = np.array((255, 0, 255)), alpha[..., None]
    truth = share * foreground + (1 - share) * new
    soft = (alpha > 0) & (alpha < 1)

    def error(colours: Any) -> float:
        return float(np.abs(share * colours + (1 - share) * new - truth)[soft].mean())

    assert error(estimate_foreground(pixels, alpha)) < 0.5 * error(pixels)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_what_is_opaque_is_untouched_and_what_is_clear_is_black(kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (40, 50, 3), kind)
    alpha = np.random.default_rng(1).choice(np.float32([0, 0.4, 1]), (40, 50)).astype(np.float32)
    result = estimate_foreground(pixels, alpha)
    assert result.dtype == kind
    np.testing.assert_array_equal(result[alpha == 1], pixels[alpha == 1])
    assert not result[alpha == 0].any()


def test_trimap_thresholds_and_erosion() -> None:
    mask = np.repeat(np.clip(np.linspace(-1, 2, 90), 0, 1)[None], 40, 0).astype(np.float32)
    narrow = trimap_from_mask(mask, 240, 10, 0)
    np.testing.assert_array_equal(narrow == 1, mask * 255 >= 240)
    np.testing.assert_array_equal(narrow == 0, mask * 255 <= 10)
    wide = trimap_from_mask(mask, 240, 10, 5)
    assert (wide == 0.5).sum() == (narrow == 0.5).sum() + 2 * 5 * 40


def test_a_rough_mask_is_fitted_to_the_edge() -> None:
    truth = np.zeros((400, 500), np.float32)
    cv2.circle(truth, (250, 200), 120, 1.0, -1, cv2.LINE_AA)
    share = truth[..., None]
    pixels = (np.array((220, 60, 40)) * share + np.array((40, 90, 160)) * (1 - share)).astype(np.uint8)
    rough = np.zeros((200, 250), np.float32)
    cv2.circle(rough, (125, 100), 60, 1.0, -1)
    before = cv2.resize(rough, (500, 400), interpolation=cv2.INTER_LINEAR)
    assert np.abs(refine_alpha(pixels, rough) - truth).mean() < 0.8 * np.abs(before - truth).mean()
