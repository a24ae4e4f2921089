"""JPEG: the grid and the quality are found in the pixels, and repair brings them nearer to what they were."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom import jpeg_tables
from darkroom.vision import jpeg

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def saved(pixels: np.ndarray, quality: int, subsampling: int = 2) -> np.ndarray:
    """Through a JPEG file and back, 0.0 to 1.0."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Pillow.open(file).convert("RGB")).astype(np.float32) / 255


def sample(name: str) -> np.ndarray:
    """A bundled picture made half as large, which no longer has blocks of its own."""
    pixels = cv2.resize(cv2.imread(str(SAMPLES / name)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_the_tables_are_those_that_libjpeg_writes(quality: int) -> None:
    file = io.BytesIO()
    Pillow.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
    tables = Pillow.open(file).quantization  # type: ignore[attr-defined]
    assert tuple(tables[0]) == jpeg_tables.steps(quality)
    assert tuple(tables[1]) == jpeg_tables.steps(quality, chroma=True)


def test_zigzag_goes_through_every_place_once() -> None:
    assert sorted(jpeg_tables.ZIGZAG) == list(range(64))
    assert jpeg_tables.ZIGZAG[:6] == (0, 1, 8, 16, 9, 2)


@pytest.mark.parametrize("name", ["mug.jpg", "duck.jpg", "portrait.jpg"])
@pytest.mark.parametrize(("quality", "cut"), [(10, (0, 0)), (30, (3, 5)), (50, (7, 1)), (75, (4, 4))])
def test_grid_and_quality_are_found_in_the_pixels_of_a_cropped_picture(
    name: str, quality: int, cut: tuple[int, int]
) -> None:
    found = jpeg.find_grid(saved(sample(name), quality)[cut[0] :, cut[1] :])
    assert found is not None
    assert found.place == cut
    assert abs(found.quality - quality) <= 1, "neighbours have the same steps in low frequencies"


@pytest.mark.parametrize("name", ["mug.jpg", "duck.jpg", "portrait.jpg"])
def test_no_grid_is_found_where_none_is(name: str) -> None:
    assert jpeg.find_grid(sample(name).astype(np.float32) / 255) is None


@pytest.mark.parametrize("name", ["mug.jpg", "duck.jpg", "portrait.jpg"])
@pytest.mark.parametrize("quality", [10, 30, 50])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_repair_brings_every_picture_nearer_to_what_it_was(name: str, quality: int, subsampling: int) -> None:
    clean = sample(name)
    file = saved(clean, quality, subsampling)
    clean = clean.astype(np.float32) / 255
    done: list[float] = []
    repaired = jpeg.deblock(file, quality, subsampled=subsampling == 2, on_progress=done.append)
    assert psnr(repaired, clean) > psnr(file, clean) + 0.2
    assert done == sorted(done)
    luma = [picture @ np.array([0.299, 0.587, 0.114], np.float32) * 255 for picture in (file, repaired)]
    assert jpeg.blocking(luma[1], (0, 0)) < 0.5 * jpeg.blocking(luma[0], (0, 0))
    half = jpeg.deblock(file, quality, subsampled=subsampling == 2, strength=0.5)
    whole = (repaired > 0) & (repaired < 1)
    np.testing.assert_allclose(half[whole], ((file + repaired) / 2)[whole], atol=1e-5)


def test_repair_follows_a_grid_that_was_cut() -> None:
    clean = sample("mug.jpg")
    cut = np.s_[3:, 6:]
    file, clean = saved(clean, 20, 0)[cut], clean.astype(np.float32)[cut] / 255
    right = jpeg.deblock(file, 20, subsampled=False, place=(3, 6))
    wrong = jpeg.deblock(file, 20, subsampled=False, place=(7, 2))
    assert psnr(right, clean) > psnr(wrong, clean) + 0.1


def test_only_the_region_with_blocks_is_found() -> None:
    """A picture without blocks, and the right half of it with blocks."""
    clean = sample("portrait.jpg").astype(np.float32) / 255
    mixed = clean.copy()
    half = clean.shape[1] // 16 * 8
    mixed[:, half:] = saved(sample("portrait.jpg"), 25)[:, half:]
    found = jpeg.find_grid(mixed)
    assert found == jpeg.Grid((0, 0), 25)
    where = jpeg.regions(mixed, found)
    assert where[:, half + 24 :].mean() > 0.9
    textured = np.abs(cv2.Laplacian(clean.mean(axis=2), cv2.CV_32F)) > 0.02
    assert where[:, : half - 40][textured[:, : half - 40]].mean() < 0.35


def test_ringing_is_measured_near_edges() -> None:
    clean = np.full((128, 128, 3), 230, np.uint8)
    cv2.putText(clean, "ring", (10, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 3)
    luma = [picture.mean(axis=2) * 255 for picture in (clean.astype(np.float32) / 255, saved(clean, 20))]
    assert jpeg.ringing(luma[1]) > jpeg.ringing(luma[0]) + 0.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (17, 9)])
def test_small_pictures_are_no_trouble(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((*shape, 3), np.float32)
    assert jpeg.find_grid(pixels) is None
    assert jpeg.deblock(pixels, 20, subsampled=True).shape == pixels.shape
    assert jpeg.blocking(pixels[..., 0], (0, 0)) >= 0
    assert jpeg.ringing(pixels[..., 0]) == 0
