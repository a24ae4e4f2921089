"""Surfaces: the same seed draws the same one, noise has no seams or steps, each surface is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.vision import textures

SURFACES = {"marble": textures.marble, "wood": textures.wood, "stone": textures.stone}


@pytest.mark.parametrize("name", list(SURFACES))
def test_the_seed_decides(name: str) -> None:
    draw = SURFACES[name]
    first, again, other = (draw(np.random.default_rng(seed), (120, 160), 200.0) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.005
    assert (first.dtype, first.shape) == (np.float32, (120, 160, 3))
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("shape", [(8, 8), (9, 300), (300, 9)])
@pytest.mark.parametrize("name", list(SURFACES))
def test_any_shape(name: str, shape: tuple[int, int]) -> None:
    drawn = SURFACES[name](np.random.default_rng(0), shape, 400.0)
    assert drawn.shape == (*shape, 3)
    assert np.isfinite(drawn).all()


def test_noise_of_few_cells_is_smooth() -> None:
    """Where one cell is hundreds of pixels the values change by little from one to the next, everywhere."""
    values = textures.noise(np.random.default_rng(1), (900, 900), (2, 2), 1)
    steps = np.abs(np.diff(values, axis=1))
    assert steps.max() < 0.012
    assert np.abs(np.diff(values, n=2, axis=1)).max() < 0.0005
    assert 0.1 < values.std() < 1.5


def test_noise_has_its_strength_whatever_the_octaves() -> None:
    spread = [textures.noise(np.random.default_rng(2), (256, 256), (24, 24), octaves).std() for octaves in (1, 3, 6)]
    assert max(spread) < 1.6 * min(spread)


def test_wood_runs_along_its_planks() -> None:
    grey = textures.wood(np.random.default_rng(3), (400, 600), 800.0).mean(axis=2)
    along, across = np.abs(np.diff(grey, axis=1)).mean(), np.abs(np.diff(grey, axis=0)).mean()
    assert across > 2 * along
    gaps = (grey.mean(axis=1) < 0.5 * np.median(grey)).sum()
    assert gaps >= 2


def test_marble_is_pale_with_dark_veins() -> None:
    grey = textures.marble(np.random.default_rng(3), (600, 600), 600.0).mean(axis=2)
    assert np.median(grey) > 0.82
    assert grey.min() < 0.68
    assert (grey < 0.75).mean() < 0.08
