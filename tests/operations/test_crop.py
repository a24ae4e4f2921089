"""Crop: a rectangle of exactly these pixels, or the border cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import InvalidParameters
from darkroom.image import Image
from darkroom.operation import build
from darkroom.operations.crop import Crop
from tests.operations.running import run


def noise(width: int, height: int, channels: int = 3) -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, 255, (height, width, channels), np.uint8))


@given(st.data())
def test_keeps_exactly_these_pixels(data: st.DataObject) -> None:
    image = noise(data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30)))
    left, top = data.draw(st.integers(0, image.width - 1)), data.draw(st.integers(0, image.height - 1))
    width, height = data.draw(st.integers(1, image.width - left)), data.draw(st.integers(1, image.height - top))
    crop = Crop(left=left, top=top, width=width, height=height)
    result, step = run(crop, image)
    assert result.size == crop.output_size(*image.size)
    np.testing.assert_array_equal(result.to_array(), image.to_array()[top : top + height, left : left + width])
    assert step.changed["box"] == [left, top, width, height]


def test_what_is_left_out_reaches_to_the_edge() -> None:
    assert run(Crop(left=3), noise(10, 8))[0].size == (7, 8)
    assert run(Crop(height=3), noise(10, 8))[0].size == (10, 3)


@pytest.mark.parametrize(
    ("crop", "field", "allowed"),
    [
        (Crop(left=10), "left", "0 to 9"),
        (Crop(top=8), "top", "0 to 7"),
        (Crop(left=4, width=7), "width", "1 to 6"),
        (Crop(height=9), "height", "1 to 8"),
    ],
)
def test_outside_the_picture_is_an_error_that_says_what_is_allowed(crop: Crop, field: str, allowed: str) -> None:
    with pytest.raises(InvalidParameters, match=allowed) as caught:
        run(crop, noise(10, 8))
    assert caught.value.field == field


def test_trims_a_border_of_one_colour() -> None:
    pixels = np.full((20, 30, 3), 250, np.uint8)
    pixels[5:9, 7:19] = (10, 200, 30)
    assert run(Crop(trim=True), Image.from_array(pixels))[1].changed["box"] == [7, 5, 12, 4]
    assert run(Crop(trim=True, margin=2), Image.from_array(pixels))[1].changed["box"] == [5, 3, 16, 8]


def test_trims_what_is_transparent_whatever_its_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    pixels[..., 3] = 0
    pixels[5:9, 7:19, 3] = 255
    assert run(Crop(trim=True), Image.from_array(pixels))[1].changed["box"] == [7, 5, 12, 4]


def test_trims_sixteen_bits_alike() -> None:
    pixels = np.full((20, 30, 3), 65000, np.uint16)
    pixels[5:9, 7:19] = 1000
    assert run(Crop(trim=True), Image.from_array(pixels))[1].changed["box"] == [7, 5, 12, 4]


def test_a_picture_that_is_all_border_is_left_alone() -> None:
    blank = Image.from_array(np.full((9, 9, 3), 77, np.uint8))
    result, step = run(Crop(trim=True), blank)
    assert result.size == (9, 9)
    assert step.warnings


@pytest.mark.parametrize("parameters", [{}, {"trim": True, "left": 3}])
def test_what_cannot_be_meant_is_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidParameters, match="trim"):
        build("crop", parameters)
