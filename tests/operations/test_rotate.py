"""Rotate: quarters lose nothing, other angles leave clean edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.image import Image
from darkroom.operations.rotate import Rotate
from tests.operations.running import run

FLIPS = [("horizontal", np.s_[:, ::-1]), ("vertical", np.s_[::-1]), ("both", np.s_[::-1, ::-1])]
CORNERS = [(None, [255, 255, 255]), ("black", [0, 0, 0]), ("transparent", [0, 0, 0, 0])]


def noise(width: int, height: int, channels: int = 3, kind: type = np.uint8) -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, np.iinfo(kind).max, (height, width, channels), kind))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("quarters", range(-4, 5))
def test_quarters_are_exact_and_clockwise(quarters: int, kind: type) -> None:
    image = noise(7, 5, 4, kind)
    result, _ = run(Rotate(angle=90 * quarters), image)
    np.testing.assert_array_equal(result.to_array(), np.rot90(image.to_array(), -quarters))


@pytest.mark.parametrize(("flip", "slices"), FLIPS)
def test_flips_are_exact(flip: str, slices: object) -> None:
    image = noise(7, 5)
    np.testing.assert_array_equal(run(Rotate(flip=flip), image)[0].to_array(), image.to_array()[slices])


@given(st.integers(1, 40), st.integers(1, 40), st.floats(-360, 360), st.booleans())
def test_the_size_is_the_one_that_was_promised(width: int, height: int, angle: float, expand: bool) -> None:
    rotate = Rotate(angle=angle, expand=expand)
    assert run(rotate, noise(width, height))[0].size == rotate.output_size(width, height)


@pytest.mark.parametrize("angle", [1, 30, 45, 137, -20])
def test_everything_is_still_there_and_centred(angle: float) -> None:
    pixels = np.zeros((60, 90, 4), np.uint8)
    pixels[...] = (200, 30, 60, 255)
    result, _ = run(Rotate(angle=angle), Image.from_array(pixels))
    alpha = result.to_array()[..., 3].astype(float) / 255
    assert abs(alpha.sum() - 60 * 90) < 0.02 * 60 * 90
    y, x = np.mgrid[0 : result.height, 0 : result.width]
    assert abs((alpha * x).sum() / alpha.sum() - (result.width - 1) / 2) < 0.1
    assert abs((alpha * y).sum() / alpha.sum() - (result.height - 1) / 2) < 0.1


def test_edges_are_antialiased_without_a_fringe() -> None:
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[...] = (250, 240, 20, 255)
    turned = run(Rotate(angle=20), Image.from_array(pixels))[0].to_array()
    soft = (turned[..., 3] > 10) & (turned[..., 3] < 245)
    assert soft.sum() > 60
    assert np.abs(turned[soft][:, :3].astype(int) - (250, 240, 20)).max() <= 6


@pytest.mark.parametrize(("background", "corner"), CORNERS)
def test_new_corners_have_the_background(background: str | None, corner: list[int]) -> None:
    result, _ = run(Rotate(angle=45, background=background), noise(40, 40))
    assert result.to_array()[0, 0].tolist() == corner


def test_a_half_transparent_background_shows_in_the_corners_only() -> None:
    result, _ = run(Rotate(angle=45, background="#0000ff80"), Image.from_array(np.full((40, 40, 3), 90, np.uint8)))
    assert result.to_array()[0, 0].tolist() == [0, 0, 255, 128]
    assert result.to_array()[28, 28].tolist() == [90, 90, 90, 255]


def test_without_expanding_the_size_stays() -> None:
    image = noise(40, 30)
    assert run(Rotate(angle=33, expand=False), image)[0].size == (40, 30)
    assert run(Rotate(angle=90, expand=False), image)[0].size == (40, 30)


def test_turning_back_and_forth_changes_little() -> None:
    y, x = np.mgrid[0:120, 0:120]
    smooth = np.stack([127 + 100 * np.sin(x / 14), 127 + 100 * np.cos(y / 17), (x + y) / 240 * 255], -1).astype(
        np.uint8
    )
    there, _ = run(Rotate(angle=12.5, expand=False), Image.from_array(smooth))
    back, _ = run(Rotate(angle=-12.5, expand=False), there)
    middle = np.s_[35:85, 35:85]
    assert np.abs(back.to_array()[middle].astype(int) - smooth[middle]).max() <= 3
