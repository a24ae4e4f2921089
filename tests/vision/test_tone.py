"""Tone and colour balance, measured on a list of colours."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.vision.tone import GAIN_RANGE, balance_gains, from_linear, stretch_limits, to_linear


def test_linear_light_and_back() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(from_linear(to_linear(values)), values, atol=1e-9)
    assert to_linear(np.array(0.5)) == pytest.approx(0.21404, abs=1e-5)


def test_grey_needs_no_gain() -> None:
    np.testing.assert_allclose(balance_gains(np.linspace(0, 1, 50)[:, None].repeat(3, 1)), 1.0, atol=1e-6)


def test_gains_undo_a_cast_and_stay_within_bounds() -> None:
    light = np.random.default_rng(0).uniform(0, 0.6, (500, 1)).repeat(3, 1)
    gains = balance_gains(from_linear(light * (1.2, 1.0, 0.8)))
    balanced = np.array((1.2, 1.0, 0.8)) * gains
    np.testing.assert_allclose(balanced / balanced.mean(), 1.0, atol=1e-6)
    extreme = balance_gains(np.array([[0.9, 0.05, 0.05]]))
    assert GAIN_RANGE[0] <= extreme.min() <= extreme.max() <= GAIN_RANGE[1]


def test_limits_leave_out_a_share_at_either_end() -> None:
    values = np.linspace(0.2, 0.7, 10_001)[:, None].repeat(3, 1)
    assert stretch_limits(values, 0.01) == pytest.approx((0.205, 0.695), abs=1e-3)
    assert stretch_limits(np.full((10, 3), 0.4)) == (0.0, 1.0)
