"""Banding: found in runs of tones that were rounded, and nowhere else; smoothed by a level, and dithered."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.vision import banding

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def run_of_tones() -> np.ndarray:
    """Smooth, in levels, not rounded."""
    y, x = np.mgrid[0:300, 0:500].astype(np.float32)
    return np.stack([40 + x / 25, 60 + x / 20, 90 + x / 40 + y / 60], axis=2)


def test_steps_are_found_in_a_rounded_run_of_tones_only() -> None:
    assert banding.mask(np.rint(run_of_tones())).mean() > 0.9
    assert not banding.mask(np.full((90, 90, 3), 128, np.float32)).any(), "a plain surface has none"
    noisy = run_of_tones() + np.random.default_rng(0).normal(0, 2, (300, 500, 3))
    assert not banding.mask(np.rint(noisy).astype(np.float32)).any()
    photograph = cv2.imread(str(SAMPLES / "portrait.jpg")).astype(np.float32)
    assert banding.mask(photograph).mean() < 0.002


@pytest.mark.parametrize("dither", [True, False])
def test_what_is_seen_comes_nearer_to_the_run_of_tones(dither: bool) -> None:
    tones = run_of_tones()
    steps = np.rint(tones)
    smooth = banding.smooth(steps, banding.mask(steps), dither=dither)

    def seen(pixels: np.ndarray) -> float:
        """What the eye makes of it: not single pixels."""
        return float(np.abs(cv2.GaussianBlur(pixels - tones, (0, 0), 4)).mean())

    assert seen(smooth) < 0.6 * seen(steps)
    assert np.abs(smooth - steps).max() <= banding.ALLOWED + 0.5
    if dither:
        np.testing.assert_array_equal(smooth, np.rint(smooth))
        np.testing.assert_array_equal(smooth, banding.smooth(steps, banding.mask(steps), dither=True))


def test_nothing_changes_outside() -> None:
    steps = np.rint(run_of_tones())
    where = np.zeros((300, 500), bool)
    where[100:200, 100:300] = True
    smooth = banding.smooth(steps, where, dither=True)
    changed = (smooth != steps).any(axis=2)
    assert changed[120:180, 120:280].any()
    changed[80:220, 80:320] = False
    assert not changed.any()
