"""Noise: how much is found is how much there is, and taking it away brings the picture nearer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.vision import noise

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def sample(name: str) -> np.ndarray:
    pixels = cv2.imread(str(SAMPLES / name))
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("level", [0.02, 0.05, 0.1])
def test_the_level_is_found(level: float) -> None:
    plane = sample("mug.jpg").mean(axis=2)
    noisy = plane + np.random.default_rng(0).normal(0, level, plane.shape).astype(np.float32)
    assert noise.estimate(noisy) == pytest.approx(level, rel=0.25)
    assert noise.estimate(plane) < 0.01


@pytest.mark.parametrize("name", ["mug.jpg", "duck.jpg", "portrait.jpg"])
@pytest.mark.parametrize("level", [0.04, 0.1])
def test_the_picture_comes_nearer_and_half_the_strength_half_way(name: str, level: float) -> None:
    clean = sample(name)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, level, clean.shape).astype(np.float32), 0, 1)
    result, found = noise.denoise(noisy)
    half, _ = noise.denoise(noisy, 0.5)
    assert found > 0.5 * level
    assert psnr(result, clean) > psnr(noisy, clean) + 4
    assert psnr(noisy, clean) < psnr(half, clean) < psnr(result, clean)


def test_a_picture_without_noise_is_given_back_itself() -> None:
    y, x = np.mgrid[0:64, 0:64].astype(np.float32) / 64
    clean = np.stack([x, y, (x + y) / 2], axis=2) * 0.8 + 0.1
    result, found = noise.denoise(clean)
    assert result is clean
    assert found < noise.SILENT


@pytest.mark.parametrize("shape", [(1, 1), (2, 90), (9, 9)])
def test_small_pictures_are_no_trouble(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((*shape, 3), np.float32)
    assert noise.denoise(pixels)[0].shape == pixels.shape
