"""Watermarks: opacity and colour are told from several pictures, and what was under the mark comes back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.vision import inpainting, watermark

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SIDE = 240


def pictures() -> list[np.ndarray]:
    """Five views of the bundled pictures."""
    found = []
    for name, turns in (("portrait.jpg", 0), ("mug.jpg", 0), ("duck.jpg", 1), ("portrait.jpg", 2), ("mug.jpg", 3)):
        pixels = cv2.cvtColor(cv2.imread(str(SAMPLES / name)), cv2.COLOR_BGR2RGB)
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        found.append(np.ascontiguousarray(np.rot90(small, turns)).astype(np.float32) / 255)
    return found


def shape() -> np.ndarray:
    """Letters with soft edges, 0.0 to 1.0."""
    large = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    for row in range(3):
        cv2.putText(large, "SAMPLE", (60, 300 * row + 240), cv2.FONT_HERSHEY_SIMPLEX, 6.5, 255, 44)
    return cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def marked(pixels: np.ndarray, opacity: float, colour: tuple[float, float, float]) -> np.ndarray:
    alpha = (opacity * shape())[..., None]
    return (np.rint(((1 - alpha) * pixels + alpha * np.array(colour)) * 255) / 255).astype(np.float32)


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one[where] - other[where]) ** 2)))


@pytest.mark.parametrize(("opacity", "colour"), [(0.3, (1, 1, 1)), (0.5, (0, 0, 0)), (0.6, (0.8, 0.1, 0.1))])
def test_five_pictures_tell_the_mark_and_get_back_what_was_under_it(
    opacity: float, colour: tuple[float, float, float]
) -> None:
    clean = pictures()
    given = [marked(pixels, opacity, colour) for pixels in clean]
    where = cv2.dilate((shape() > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    mark = watermark.solve(given, where)
    assert mark is not None
    inside = shape() > 0.99
    assert np.median(mark.alpha[inside]) == pytest.approx(opacity, abs=0.06)
    assert np.abs(np.median(mark.colour[inside], axis=0) - colour).max() < 0.12
    touched = shape() > 0.004
    gained = []
    for before, pixels in zip(given, clean, strict=True):
        bare, _ = watermark.remove(before, mark)
        np.testing.assert_array_equal(bare[~where], before[~where])
        gained.append(psnr(bare, pixels, touched) - psnr(inpainting.fill(before, where), pixels, touched))
        assert watermark.left_over(bare, mark) < watermark.left_over(before, mark) / 3
    assert np.mean(gained) > 5


def test_an_opaque_mark_is_filled() -> None:
    clean = pictures()
    where = cv2.dilate((shape() > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    given = [marked(pixels, 1.0, (1, 1, 1)) for pixels in clean]
    mark = watermark.solve(given, where)
    assert mark is not None
    bare, lost = watermark.remove(given[0], mark)
    assert lost[shape() > 0.99].all()
    assert psnr(bare, clean[0], where) > psnr(given[0], clean[0], where) + 3


def test_where_there_is_no_mark_none_is_told() -> None:
    where = cv2.dilate((shape() > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    mark = watermark.solve(pictures(), where)
    assert mark is None or mark.alpha.max() < 0.15
    assert watermark.solve(pictures(), np.zeros((SIDE, SIDE), bool)) is None
