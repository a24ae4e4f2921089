"""Saliency: what a picture is of weighs more than what is behind it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.vision.saliency import saliency_map


@pytest.mark.parametrize("place", [(20, 30), (60, 120), (40, 70)])
def test_what_stands_out_weighs_most(place: tuple[int, int]) -> None:
    pixels = np.full((120, 200, 3), (90, 140, 90), np.uint8)
    top, left = place
    pixels[top : top + 30, left : left + 40] = (210, 40, 40)
    found = saliency_map(pixels)
    inside = found[top : top + 30, left : left + 40].mean()
    assert inside > 0.7
    assert inside > 4 * np.delete(found.ravel(), np.s_[:0]).mean() or found.mean() < 0.2


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_any_size_gives_a_map_of_that_size_between_0_and_1(width: int, height: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    found = saliency_map(pixels)
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
