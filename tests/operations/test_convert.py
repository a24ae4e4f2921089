"""convert: a choice about how the result is written."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.errors import InvalidParameters
from darkroom.image import Encoding, Image
from darkroom.operation import build
from darkroom.operations.convert import Convert
from darkroom.pipeline import parse
from tests.operations.running import run

PIXELS = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)


def test_it_sets_the_encoding_and_leaves_the_pixels():
    image = Image.from_array(PIXELS)
    done, _ = run(parse("convert:format=webp,quality=70,metadata=none"), image)
    assert done.encoding == Encoding(format="webp", quality=70, metadata="none")
    assert np.array_equal(done.to_array(), PIXELS)


def test_the_last_convert_counts_and_keeps_what_it_leaves_open():
    image = Image.from_array(PIXELS).with_encoding(Encoding(format="jpeg", metadata="keep", lossless=True, effort=9))
    changed = image.with_encoding(Encoding(format="webp", lossless=False, effort=0))
    assert changed.encoding == Encoding(format="webp", metadata="keep", lossless=False, effort=0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("200kB", 200_000), ("1.5MB", 1_500_000), ("100KiB", 102_400), ("2 mib", 2_097_152), ("4096", 4096), (5000, 5000)],
)
def test_a_target_size_is_read_as_people_write_it(text, size: int):
    operation = build("convert", {"format": "jpeg", "target_size": text})
    assert isinstance(operation, Convert)
    assert operation.target_size == size
    assert parse({"type": "convert", **operation.parameters()}) == operation


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"format": "heic"}, "format"),
        ({"quality": 0}, "quality"),
        ({"quality": 101}, "quality"),
        ({"effort": 10}, "effort"),
        ({"target_size": "big"}, "a size is a number of bytes"),
        ({"target_size": "10"}, "target_size"),
        ({"format": "png", "quality": 80}, "png is lossless"),
        ({"format": "tiff", "target_size": 5000}, "tiff is lossless"),
        ({"format": "png", "lossless": False}, "cannot be written with loss"),
        ({"format": "jpeg", "lossless": True}, "cannot be written lossless"),
        ({"format": "webp", "lossless": True, "quality": 80}, "no quality to choose"),
        ({"format": "svg"}, "made of shapes"),
        ({"format": "png", "embed": True}, "embed is for format=svg"),
        ({"colour": 1}, "no parameter 'colour'"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters: dict, told: str):
    with pytest.raises(InvalidParameters, match=told):
        build("convert", parameters)
