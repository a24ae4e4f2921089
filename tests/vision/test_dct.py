"""The cosine transform: exact there and back, and what is left of noise when it is shrunk."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from darkroom.vision import dct


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 7), st.integers(0, 7))
def test_there_and_back_is_the_plane(height: int, width: int, down: int, across: int) -> None:
    plane = np.random.default_rng(0).random((height, width), np.float32)
    larger, inside = dct.padded(plane, (down, across))
    np.testing.assert_array_equal(larger[inside], plane)
    assert larger.shape[0] % 8 == larger.shape[1] % 8 == 0
    np.testing.assert_allclose(dct.backward(dct.forward(larger))[inside], plane, atol=1e-5)


def test_it_is_the_transform_of_opencv() -> None:
    block = np.random.default_rng(0).random((8, 8), np.float32)
    np.testing.assert_allclose(dct.forward(block).reshape(8, 8), cv2.dct(block), atol=1e-5)


def test_noise_goes_and_edges_stay() -> None:
    y, x = np.mgrid[0:96, 0:96]
    clean = (((x - 40) ** 2 + (y - 50) ** 2 < 900) * 0.6 + 0.2).astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 0.08, clean.shape).astype(np.float32)
    done: list[float] = []
    result = dct.shrink(noisy, 2.7 * 0.08, on_progress=done.append)
    assert np.mean((result - clean) ** 2) < 0.15 * np.mean((noisy - clean) ** 2)
    assert done[-1] == 1
    np.testing.assert_allclose(dct.shrink(clean, 0.0), clean, atol=1e-5)
