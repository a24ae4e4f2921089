"""Image: immutable, RGB(A), 8 or 16 bits; alpha treated as well as the colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.image import Animation, Encoding, Image, Origin


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([3, 4]), st.sampled_from([np.uint8, np.uint16]))
def test_arrays_come_back_as_they_went_in(width: int, height: int, bands: int, kind: type):
    array = np.random.default_rng(width).integers(0, np.iinfo(kind).max, (height, width, bands), kind)
    image = Image.from_array(array)
    assert np.array_equal(image.to_array(), array)
    assert image.size == (width, height)
    assert image.has_alpha == (bands == 4)
    assert image.maximum == np.iinfo(kind).max


def test_floats_are_rounded_and_clipped():
    array = np.array([[[-0.5, 0.5, 1.5]]], np.float32)
    assert Image.from_array(array).to_array().tolist() == [[[0, 128, 255]]]
    assert Image.from_array(array, bits=16).to_array().tolist() == [[[0, 32768, 65535]]]
    assert Image.from_array(array, bits=16).to_float().max() == 1.0


def test_one_channel_becomes_three_and_is_remembered():
    image = Image.from_array(np.full((2, 3), 9, np.uint8))
    assert image.grey
    assert image.to_array().shape == (2, 3, 3)


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 3, 2), (3,), (2, 2, 2, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="height x width"):
        Image.from_array(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="uint8, uint16 or floats"):
        Image.from_array(np.zeros((2, 2, 3), np.int32))


def test_a_picture_does_not_change_with_the_array_it_was_made_from():
    array = np.zeros((4, 4, 3), np.uint8)
    image = Image.from_array(array)
    array[:] = 200
    assert image.to_array().max() == 0
    taken = image.to_array()
    taken[:] = 200
    assert image.to_array().max() == 0


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_mixing_premultiplied_lets_no_hidden_colour_through(kind: type):
    """Half opaque white, half transparent green: white must stay white at the border, only thinner."""
    top = np.iinfo(kind).max
    array = np.zeros((16, 16, 4), kind)
    array[:, :8] = top
    array[:, 8:, 1] = top
    blurred = Image.from_array(array).map_premultiplied(lambda frame: frame.gaussblur(2)).to_array()
    assert blurred.dtype == kind
    seen = blurred[..., 3] > top // 20
    assert blurred[..., :3][seen].min() >= top - top // 100
    assert 0 < blurred[8, 8, 3] < top


def test_map_keeps_depth_rounding_and_all_else():
    image = Image.from_array(np.full((4, 4, 3), 100, np.uint8)).with_encoding(Encoding(format="png"))
    changed = image.map(lambda frame: frame * 1.006)
    assert changed.to_array().max() == 101
    assert changed.encoding == image.encoding
    assert changed.frames[0].interpretation == "srgb"


def test_frames_and_stills():
    frame = Image.from_array(np.zeros((4, 6, 3), np.uint8)).frames[0]
    moving = Image((frame, frame), Animation((40, 60), 2), origin=Origin(format="gif"))
    assert moving.is_animated
    assert moving.map(lambda f: f.invert()).animation == Animation((40, 60), 2)
    still = moving.first_frame()
    assert (still.is_animated, still.animation, still.origin.format) == (False, None, "gif")


def test_an_encoding_yields_only_what_it_leaves_open():
    ours = Encoding(quality=70, lossless=False, effort=0)
    theirs = Encoding(format="webp", quality=90, lossless=True, effort=5, embed=True)
    assert ours.over(theirs) == Encoding(format="webp", quality=70, lossless=False, effort=0, embed=True)
