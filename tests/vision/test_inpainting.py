"""Inpainting: only the hole changes, what is put there fits, and networks are given what they expect."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.vision import inpainting

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def sample(name: str = "portrait.jpg") -> np.ndarray:
    pixels = cv2.cvtColor(cv2.imread(str(SAMPLES / name)), cv2.COLOR_BGR2RGB)
    return cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def lettering(shape: tuple[int, int], thick: int = 4) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for row, text in enumerate(("COPYRIGHT", "all rights", "reserved")):
        at = (10, shape[0] // 4 * (row + 1))
        cv2.putText(mask, text, at, cv2.FONT_HERSHEY_SIMPLEX, shape[1] / 240, 1, thick)
    return mask.astype(bool)


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one[where] - other[where]) ** 2)))


@pytest.mark.parametrize("method", ["multiscale", "telea", "navier_stokes"])
def test_only_the_hole_changes(method: inpainting.Method) -> None:
    pixels = sample()
    mask = lettering(pixels.shape[:2])
    done: list[float] = []
    filled = inpainting.fill(pixels, mask, method, done.append)
    np.testing.assert_array_equal(filled[~mask], pixels[~mask])
    assert (filled[mask] != pixels[mask]).mean() > 0.5
    assert 0 <= filled.min() <= filled.max() <= 1
    assert done[-1] == 1


@pytest.mark.parametrize("name", ["portrait.jpg", "mug.jpg", "duck.jpg"])
@pytest.mark.parametrize("thick", [2, 6])
def test_it_comes_nearer_than_the_two_of_opencv(name: str, thick: int) -> None:
    pixels = sample(name)
    mask = lettering(pixels.shape[:2], thick)
    marked = np.where(mask[..., None], np.float32(1), pixels)
    ours = psnr(inpainting.fill(marked, mask), pixels, mask)
    for method in ("telea", "navier_stokes"):
        assert ours > psnr(inpainting.fill(marked, mask, method), pixels, mask)


def test_stripes_go_on_across_a_hole() -> None:
    x = np.mgrid[0:120, 0:160][1]
    pixels = np.repeat((0.5 + 0.4 * np.sin(x * np.pi / 5))[..., None], 3, axis=2).astype(np.float32)
    mask = np.zeros((120, 160), bool)
    mask[50:64, 60:100] = True
    filled = inpainting.fill(np.where(mask[..., None], 0, pixels).astype(np.float32), mask)
    assert np.abs(filled - pixels)[mask].mean() < 0.08


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (40, 3)])
def test_what_cannot_be_filled_stays(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((*shape, 3), np.float32)
    np.testing.assert_array_equal(inpainting.fill(pixels, np.ones(shape, bool)), pixels)
    np.testing.assert_array_equal(inpainting.fill(pixels, np.zeros(shape, bool)), pixels)
    some = np.zeros(shape, bool)
    some[0, 0] = True
    assert np.isfinite(inpainting.fill(pixels, some)).all()


class TestNetworks:
    """What a network is given, by one that answers with something known."""

    def answer(self, interface: str, seen: list[tuple[np.ndarray, np.ndarray]]):
        def run(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
            seen.append((picture, mask))
            red = np.zeros_like(picture)
            red[:, 0] = 255.0
            return red

        return run

    @pytest.mark.parametrize("interface", ["lama", "migan"])
    @pytest.mark.parametrize("shape", [(600, 900), (90, 700), (200, 150)])
    def test_it_sees_the_surroundings_in_its_own_terms(self, interface: str, shape: tuple[int, int]) -> None:
        pixels = np.full((*shape, 3), 0.5, np.float32)
        mask = np.zeros(shape, bool)
        mask[40:70, 50:120] = True
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        filled = inpainting.fill_with_network(self.answer(interface, seen), interface, pixels, mask)
        np.testing.assert_allclose(filled[mask], [[1, 0, 0]] * int(mask.sum()), atol=1e-5)
        np.testing.assert_array_equal(filled[~mask], pixels[~mask])
        for picture, hole in seen:
            assert picture.shape == (1, 3, 512, 512)
            assert hole.shape == (1, 1, 512, 512)
            open_ = hole[0, 0] == (1 if interface == "lama" else 0)
            assert 0 < open_.mean() < 0.5
            known = picture[0, 0][~open_]
            assert known.mean() == pytest.approx(0.5 if interface == "lama" else 127.5, rel=0.02)

    def test_a_large_hole_is_filled_coarsely_and_then_in_parts(self) -> None:
        pixels = np.full((900, 1600, 3), 0.5, np.float32)
        mask = np.zeros((900, 1600), bool)
        mask[200:700, 200:1300] = True
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        filled = inpainting.fill_with_network(self.answer("lama", seen), "lama", pixels, mask)
        assert len(seen) > 4
        np.testing.assert_allclose(filled[mask][:, 0], 1, atol=1e-5)
        np.testing.assert_array_equal(filled[~mask], pixels[~mask])
