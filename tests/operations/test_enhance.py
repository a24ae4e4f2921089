"""Enhance: each step by its switch, in order."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.image import Animation, Image
from darkroom.operations.adjust import Adjust
from darkroom.operations.enhance import Enhance
from tests.operations.running import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
OFF = {"denoise": 0, "low_light": 0, "auto_contrast": False, "auto_colour": False, "sharpen": 0}


def sample(name: str = "mug.jpg") -> np.ndarray:
    pixels = cv2.resize(cv2.imread(str(SAMPLES / name)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def test_with_every_switch_off_nothing_changes() -> None:
    image = Image.from_array(sample())
    np.testing.assert_array_equal(run(Enhance(**OFF), image)[0].to_array(), image.to_array())


@pytest.mark.parametrize("switch", [{"auto_contrast": True}, {"auto_colour": True}, {"sharpen": 2.0}])
def test_light_and_colour_are_those_of_adjust(switch: dict[str, float]) -> None:
    image = Image.from_array(sample())
    ours, _ = run(Enhance(**{**OFF, **switch}), image)
    np.testing.assert_array_equal(ours.to_array(), run(Adjust(**switch), image)[0].to_array())


def test_noise_is_taken_away_and_reported() -> None:
    clean = sample().astype(np.float32)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
    result, step = run(Enhance(**{**OFF, "denoise": 1}), Image.from_array(noisy))
    assert step.changed["noise"] == pytest.approx(12 * 0.67, rel=0.35)
    assert np.mean((result.to_array() - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)


def test_shadows_are_lifted_and_light_stays() -> None:
    pixels = sample().astype(np.float32)
    pixels[:, : pixels.shape[1] // 2] *= 0.15
    dark = Image.from_array(pixels.astype(np.uint8))
    result, _ = run(Enhance(**{**OFF, "low_light": 1}), dark)
    half = pixels.shape[1] // 2
    before, after = dark.to_array().astype(float), result.to_array().astype(float)
    assert after[:, : half - 20].mean() > 2 * before[:, : half - 20].mean()
    assert after[:, half + 40 :].mean() < 1.3 * before[:, half + 40 :].mean()
    assert after.max() <= 255
    assert (after[before.max(axis=2) > 250].min(initial=255)) >= 240
    lifted = [run(Enhance(**{**OFF, "low_light": amount}), dark)[0].to_array().mean() for amount in (0, 0.3, 0.6, 1)]
    assert lifted == sorted(lifted)


def test_it_enlarges_first() -> None:
    operation = Enhance(scale=3, method="builtin")
    result, step = run(operation, Image.from_array(sample()[:60, :80]))
    assert result.size == (240, 180) == operation.output_size(80, 60)
    assert step.changed["stretched_from"]


def test_alpha_bits_grey_and_frames_are_kept() -> None:
    pixels = np.dstack([sample(), np.random.default_rng(0).integers(0, 255, sample().shape[:2], np.uint8)])
    wide = Image.from_array(pixels.astype(np.uint16) * 257)
    result, _ = run(Enhance(low_light=0.5), wide)
    assert result.bits == 16
    np.testing.assert_array_equal(result.to_array()[..., 3], wide.to_array()[..., 3])
    moving = Image(Image.from_array(sample()).frames * 2, animation=Animation(delays=(50, 70)))
    assert run(Enhance(low_light=0.5), moving)[0].animation == moving.animation
    noisy = cv2.cvtColor(sample(), cv2.COLOR_RGB2GRAY) // 2 + np.random.default_rng(0).integers(
        0, 60, sample().shape[:2], np.uint8
    )
    result, _ = run(Enhance(low_light=0.5, auto_colour=False, sharpen=0), Image.from_array(noisy))
    assert np.ptp(result.to_array(), axis=2).max() == 0


@pytest.mark.parametrize("size", [(1, 1), (2, 300)])
def test_small_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert run(Enhance(low_light=0.5), Image.from_array(pixels))[0].size == size[::-1]
