"""Scenes: true perspective, no steps in gradients, the light where it is said to be, the same seed the same scene."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.vision import scenes, tone

LIGHTINGS, PERSPECTIVES = get_args(scenes.Lighting), get_args(scenes.Perspective)
EVERY = {**scenes.STYLES, "studio": scenes.Paper((0.9, 0.9, 0.88)), "stone": scenes.custom("stone", (0.2, 0.4, 0.5))}


@given(st.sampled_from(PERSPECTIVES), st.integers(40, 300), st.integers(40, 300))
def test_straight_lines_stay_straight(perspective: scenes.Perspective, width: int, height: int) -> None:
    """Perspective maps the surface as a homography does: depth times position is affine in the pixels."""
    place = scenes.ground(width, height, perspective)
    rows = slice(int(np.argmax(place.there[:, 0] > 0)) + 1, None)
    columns = place.x[rows] / place.distance[rows]
    np.testing.assert_allclose(np.diff(columns, axis=1), scenes.WIDE / max(width, height), rtol=2e-3)
    if perspective != "top_down":
        inverse = 1 / place.distance[rows][:, 0]
        lines = np.diff(inverse)
        np.testing.assert_allclose(lines, lines.mean(), rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("perspective", ["front", "angle"])
def test_the_product_stands_at_the_origin(perspective: scenes.Perspective) -> None:
    place = scenes.ground(400, 300, perspective)
    row = round(scenes.VIEWS[perspective].stand * 300)
    assert abs(float(place.z[row, 200])) < 0.02
    assert float(place.distance[row, 200]) == pytest.approx(1.0, abs=0.02)
    assert float(place.x[row, 399]) == pytest.approx(scenes.WIDE / 2, rel=0.02)
    assert (np.diff(place.z[row - 20 :, 0]) < 0).all(), "further down is nearer"


def test_looking_from_above_shortens_less() -> None:
    assert scenes.foreshortening("front") < 0.4 < scenes.foreshortening("angle") < scenes.foreshortening("top_down")
    assert scenes.foreshortening("top_down") == pytest.approx(1.0)


@pytest.mark.parametrize("style", list(EVERY))
@pytest.mark.parametrize("perspective", PERSPECTIVES)
@pytest.mark.parametrize("lighting", LIGHTINGS)
def test_every_scene_is_drawn(style: str, lighting: scenes.Lighting, perspective: scenes.Perspective) -> None:
    first, again = (scenes.draw(EVERY[style], lighting, perspective, 96, 72, seed=3) for _ in range(2))
    assert (first.shape, first.dtype) == ((72, 96, 3), np.float32)
    assert np.isfinite(first).all()
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, again)
    if style != "white":
        assert np.abs(first - scenes.draw(EVERY[style], lighting, perspective, 96, 72, seed=4)).mean() > 1e-4


@pytest.mark.parametrize("size", [(16, 16), (300, 40), (40, 300), (17, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    for scene in EVERY.values():
        assert scenes.draw(scene, "natural", "front", *size, seed=0).shape == (size[1], size[0], 3)


def test_smooth_gradients_show_no_steps() -> None:
    """In 8 bits neighbouring rows of a plain wall differ by the noise of film, so that no level forms a band."""
    drawn = scenes.draw(EVERY["studio"], "dramatic", "front", 400, 300, seed=0)
    levels = np.rint(tone.from_linear(drawn) * 255)[..., 1]
    same = (np.diff(levels, axis=1) == 0).mean()
    assert same < 0.6


def test_a_spot_lights_the_product_and_leaves_the_corners_dark() -> None:
    picture = scenes.draw(EVERY["wooden_table"], "dramatic", "top_down", 200, 200, seed=0).mean(axis=2)
    assert picture[80:120, 80:120].mean() > 3 * picture[:20, -20:].mean()


def test_the_surface_ends_where_the_view_says() -> None:
    picture = scenes.draw(scenes.custom("walnut", (0.9, 0.9, 0.9)), "soft", "front", 300, 300, seed=0).mean(axis=2)
    edge = round(scenes.VIEWS["front"].edge * 300)
    assert picture[edge - 30 : edge - 15].mean() > 2 * picture[edge + 15 : edge + 30].mean()


def test_leaves_and_windows_let_some_light_through() -> None:
    base = scenes.draw(EVERY["outdoor"], "soft", "top_down", 200, 200, seed=0).mean(axis=2)
    dappled = scenes.draw(EVERY["outdoor"], "natural", "top_down", 200, 200, seed=0).mean(axis=2)
    ratio = dappled / base
    assert np.quantile(ratio, 0.95) > 1.2 * np.quantile(ratio, 0.05)


def test_memory_follows_the_surface() -> None:
    assert scenes.texture_pixels(1920, 1080, "front") > scenes.texture_pixels(960, 540, "front")
    assert scenes.texture_pixels(16_000, 12_000, "angle") < 1.6 * 1.5 * scenes.FINEST**2 + 1
