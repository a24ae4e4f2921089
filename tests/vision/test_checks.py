"""What cannot be a result is told, and what can be one is let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from darkroom.vision.checks import mask_fault, number_fault, picture_fault, seam_fault


def scene(side: int = 96) -> Any:
    """A soft picture with a light and a dark half, ``1 x 3 x side x side``."""
    noise = np.random.default_rng(4).random((3, side, side), np.float32)
    soft = np.stack([cv2.GaussianBlur(channel, (0, 0), 3) for channel in noise])
    soft[:, :, : side // 2] *= 0.4
    return soft[None]


def enlarged(picture: Any, scale: int = 2) -> Any:
    return picture.repeat(scale, 2).repeat(scale, 3)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_picture_itself_larger_is_a_result(scale: int) -> None:
    assert picture_fault(scene(), enlarged(scene(), scale)) is None


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda result: np.where(result > 0.5, np.nan, result), "NaN"),
        (lambda result: np.where(result > 0.5, np.inf, result), "NaN or infinity"),
        (lambda result: result * 0, "black"),
        (lambda result: np.full_like(result, result.mean()), "the same"),
        (lambda result: result + 0.3, "mean"),
        (lambda result: 1 - result[:, :, ::-1, ::-1], "made small again|mean"),
        (lambda result: result[..., ::-1] * 3 - 0.6, "made small again|mean"),
    ],
)
def test_what_cannot_be_a_result_is_told(spoil: Any, reason: str) -> None:
    import re

    fault = picture_fault(scene(), spoil(enlarged(scene())).astype(np.float32))
    assert fault is not None
    assert re.search(reason, fault)


def test_one_bad_picture_of_a_batch_is_found() -> None:
    both = np.concatenate([scene(), scene()])
    result = enlarged(both)
    result[1] = 0
    assert picture_fault(both, result) == "it is black"


def test_dark_and_plain_pictures_are_let_through() -> None:
    black, grey = np.zeros((1, 3, 32, 32), np.float32), np.full((1, 3, 32, 32), 0.5, np.float32)
    assert picture_fault(black, enlarged(black)) is None
    assert picture_fault(grey, enlarged(grey)) is None


def test_pictures_smaller_than_a_block_are_compared_too() -> None:
    tiny = np.full((1, 3, 5, 7), 0.6, np.float32)
    assert picture_fault(tiny, enlarged(tiny)) is None
    assert picture_fault(tiny, enlarged(tiny) * 0.3) is not None


def test_seams_are_felt() -> None:
    one = np.random.default_rng(1).random((20, 8, 3), np.float32)
    assert seam_fault(one, one + 0.01) is None
    assert seam_fault(one, one + 0.1) is not None
    assert seam_fault(one[:0], one[:0]) is None


def test_masks_must_find_something_and_leave_something() -> None:
    mask = np.zeros((64, 64), np.float32)
    assert mask_fault(mask) == "its mask is empty"
    assert mask_fault(1 - mask) == "its mask is full"
    mask[10:20, 10:20] = 1
    assert mask_fault(mask) is None
    mask[0, 0] = np.nan
    assert mask_fault(mask) is not None


def test_numbers_of_any_array() -> None:
    assert number_fault(np.array([3e38, -3e38, 3e38], np.float32)) is None
    assert number_fault(np.array([[1, np.nan]], np.float32)) is not None


@pytest.mark.parametrize("scale", [2, 4])
def test_real_pictures_enlarged_by_interpolation_pass(shared: Path, scale: int) -> None:
    """Eight real pictures: no check takes an honest result for a bad one."""
    paths = sorted((shared / "images" / "sr_hr").glob("*_LRx4.png"))[:8]
    assert len(paths) == 8
    for path in paths:
        picture = cv2.imread(str(path))
        assert picture is not None
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        small, big = (image.astype(np.float32).transpose(2, 0, 1)[None] / 255 for image in (picture, large))
        assert picture_fault(small, big) is None, path.name
