"""Shadows fall away from the light and lose their edges, reflections touch, colours are changed as far as asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from darkroom.vision import placing

SIDE = 240


def post(left: int = 110, right: int = 130, top: int = 80, bottom: int = 200) -> np.ndarray:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[top:bottom, left:right] = 1.0
    return alpha


@pytest.mark.parametrize("across", [-0.8, 0.8])
def test_a_shadow_falls_away_from_the_light(across: float) -> None:
    cast = placing.shadow(post(), across, 0.3, 0.1).cast
    columns = (cast * np.arange(SIDE)).sum() / cast.sum()
    assert (columns > 120) == (across > 0)
    # The top of the post, 120 pixels over its base, falls 96 pixels to the side and 36 up.
    there = cast[200 - 40 : 200 - 15, :]
    tip = 120 + round(across * 105)
    assert there[:, tip - 12 : tip + 12].max() > 0.05
    assert cast[:100].max() < 0.02


def test_a_shadow_is_sharp_at_the_foot_and_soft_at_the_tip() -> None:
    cast = placing.shadow(post(100, 140), 0.0, 0.5, 0.2).cast
    near, far = cast[194], cast[150]
    assert near.max() > far.max()
    assert np.abs(np.diff(near)).max() / near.max() > 2 * np.abs(np.diff(far)).max() / far.max()


def test_the_crevice_is_at_the_foot_only() -> None:
    contact = placing.shadow(post(), 0.3, 0.3, 0.2).contact
    assert contact[198:204, 112:128].max() > 0.3
    assert contact[:180].max() < 0.02


def test_what_hangs_does_not_touch() -> None:
    """A handle that ends far above the base throws a shadow, and has no crevice under it."""
    alpha = post()
    alpha[120:140, 130:170] = 1.0
    contact = placing.shadow(alpha, 0.3, 0.3, 0.2).contact
    assert contact[140:160, 145:170].max() < 0.02


def test_a_lying_product_has_its_shadow_beside_it() -> None:
    alpha = post(80, 160, 80, 160)
    cast = placing.dropped(alpha, 0.8, 0.8, 0.1).cast
    assert cast[161:164, 110:160].mean() > 3 * cast[76:79, 80:130].mean()
    assert cast[100:150, 161:163].mean() > 3 * cast[100:150, 77:79].mean()


def test_nothing_has_no_shadow() -> None:
    nothing = np.zeros((40, 40), np.float32)
    for shade in (placing.shadow(nothing, 0.5, 0.3, 0.1), placing.dropped(nothing, 0.5, 0.5, 0.1)):
        assert shade.cast.max() == 0
        assert shade.contact.max() == 0
    assert placing.reflection(np.zeros((40, 40, 3), np.float32), nothing, 0.5)[1].max() == 0


def test_a_reflection_touches_a_round_base_all_along_and_fades() -> None:
    alpha = post(70, 170, 60, 190)
    cv2.ellipse(alpha, (120, 189), (50, 14), 0, 0, 360, 1.0, -1)
    colours = np.zeros((SIDE, SIDE, 3), np.float32)
    colours[..., 0] = np.linspace(0, 1, SIDE)[:, None]
    shown, cover = placing.reflection(colours, alpha, 0.5)
    for column in (78, 100, 120, 140, 162):
        lowest = int(np.nonzero(alpha[:, column] > 0.5)[0][-1])
        assert cover[lowest + 3, column] > 0.35
        assert shown[lowest + 3, column, 0] == pytest.approx(colours[lowest - 2, column, 0], abs=0.03)
    assert cover[215, 120] < cover[206, 120]
    assert cover[:186].max() < 0.02


def test_matching_nothing_changes_nothing() -> None:
    colours = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    same = placing.matched(colours, post(), np.zeros_like(colours), (1.2, 1.0, 0.8), 0.4, 0.0)
    np.testing.assert_array_equal(same, colours)


def test_colours_follow_the_light_and_the_far_side_darkens() -> None:
    colours = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    alpha = post(60, 180, 40, 200)
    lit = placing.matched(colours, alpha, colours, (1.2, 1.0, 0.8), 0.4, 1.0)
    assert lit[120, 70, 0] > lit[120, 70, 1] > lit[120, 70, 2]
    assert lit[120, 170].mean() < 0.9 * lit[120, 70].mean()
    other = placing.matched(colours, alpha, colours, (1.0, 1.0, 1.0), -0.4, 1.0)
    assert other[120, 70].mean() < 0.9 * other[120, 170].mean()


def test_edges_take_on_what_is_behind_and_the_inside_does_not() -> None:
    colours = np.full((SIDE, SIDE, 3), 0.2, np.float32)
    bright = np.ones_like(colours)
    alpha = post(60, 180, 40, 200)
    lit = placing.matched(colours, alpha, bright, (1.0, 1.0, 1.0), 0.0, 1.0)
    assert lit[120, 60].mean() > 0.25
    np.testing.assert_allclose(lit[120, 120], 0.2, atol=1e-3)
