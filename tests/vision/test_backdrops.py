"""What is out of focus behind the surface: light is kept by the blur, the light comes from the side that is asked."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.vision import backdrops


def test_a_point_of_light_becomes_a_disc_of_the_same_light() -> None:
    light = np.zeros((61, 61, 3), np.float32)
    light[30, 30] = 100.0
    disc = backdrops.disc_blur(light, 8.0)
    assert disc[..., 0].sum() == pytest.approx(100.0, rel=1e-3)
    assert disc[30, 37, 0] == pytest.approx(float(disc[30, 30, 0]), rel=0.01)
    assert disc[30, 41, 0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_array_equal(backdrops.disc_blur(light, 0.2), light)


@pytest.mark.parametrize("draw", [backdrops.room, backdrops.garden])
@pytest.mark.parametrize("size", [(200, 120), (60, 200), (200, 12)])
def test_drawn_at_any_size_and_repeatable(draw: backdrops.Backdrop, size: tuple[int, int]) -> None:
    first, again, other = (draw(np.random.default_rng(seed), *size, -1.0) for seed in (1, 1, 2))
    assert first.shape == (size[1], size[0], 3)
    assert np.isfinite(first).all()
    assert first.min() >= 0
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.001


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_window_is_on_the_side_of_the_light(side: float) -> None:
    picture = backdrops.room(np.random.default_rng(1), 240, 140, side).mean(axis=2)
    left, right = picture[:90, :80].mean(), picture[:90, -80:].mean()
    assert (left > right) == (side < 0)


def test_a_wall_is_lighter_towards_the_light() -> None:
    paint = np.array((0.5, 0.4, 0.3), np.float32)
    wall = backdrops.wall(np.random.default_rng(1), 200, 120, paint, 1.0)
    assert wall[:, 150:].mean() > 1.05 * wall[:, :50].mean()
    np.testing.assert_allclose(wall.mean(axis=(0, 1)) / paint, 0.9, atol=0.06)


def test_small_keeps_the_shape() -> None:
    assert backdrops.small(4000, 3000) == (720, 540)
    assert backdrops.small(100, 50) == (100, 50)
