"""Remove watermark: undone from several pictures, filled from one, and nothing touched outside."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from darkroom.errors import InvalidParameters
from darkroom.image import Image
from darkroom.operation import Attachment, build
from tests.operations.running import run
from tests.vision.test_watermark import marked, pictures, psnr, shape
from tests.vision.test_watermark_finding import repeated


def as_image(pixels: np.ndarray) -> Image:
    return Image.from_array(np.rint(pixels * 255).astype(np.uint8))


@pytest.fixture
def files() -> Callable[[str], Image]:
    """The mask, and the pictures that have the mark, by name."""
    where = cv2.dilate((shape() > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8))
    found = {"mask": Image.from_array(where * 255)}
    for number, pixels in enumerate(pictures()):
        found[str(number)] = as_image(marked(pixels, 0.5, (1, 1, 1)))
    return found.__getitem__


def test_with_several_pictures_the_blend_is_undone(files: Callable[[str], Image]) -> None:
    image = files("0")
    operation = build("remove_watermark", {"mask": "mask", "like": ["1", "2", "3", "4"]})
    result, step = run(operation, image, open_image=files)
    note = step.changed["mark"]
    assert note["how"] == "blend undone"
    assert note["opacity"] == pytest.approx(0.5, abs=0.1)
    assert note["left_over"] < 0.06
    assert step.changed["pictures"] == 5
    touched = shape() > 0.004
    clean = pictures()[0]
    assert psnr(result.to_float(), clean, touched) > psnr(image.to_float(), clean, touched) + 10
    outside = files("mask").to_array()[..., 0] == 0
    np.testing.assert_array_equal(result.to_array()[outside], image.to_array()[outside])


def test_a_single_picture_is_filled(files: Callable[[str], Image]) -> None:
    image = files("0")
    result, step = run(build("remove_watermark", {"mask": "mask"}), image, open_image=files)
    assert step.changed["mark"]["how"] == "filled"
    assert step.changed["mark"]["left_over"] < 0.6
    assert step.method == "multiscale"
    touched = shape() > 0.004
    assert psnr(result.to_float(), pictures()[0], touched) > psnr(image.to_float(), pictures()[0], touched)
    outside = files("mask").to_array()[..., 0] == 0
    np.testing.assert_array_equal(result.to_array()[outside], image.to_array()[outside])


def test_the_mark_is_found_by_what_several_pictures_share(files: Callable[[str], Image]) -> None:
    image = files("0")
    attachments: list[Attachment] = []
    operation = build("remove_watermark", {"like": ["1", "2", "3", "4"], "show_mask": True})
    result, step = run(operation, image, open_image=files, attachments=attachments)
    assert step.changed["found"] == "shared"
    assert step.changed["mark"]["how"] == "blend undone"
    touched, clean = shape() > 0.004, pictures()[0]
    assert psnr(result.to_float(), clean, touched) > psnr(image.to_float(), clean, touched) + 10
    (mask,) = attachments
    assert mask.name == "mask"
    outside = mask.image.to_array()[..., 0] == 0
    assert outside.mean() > 0.4
    np.testing.assert_array_equal(result.to_array()[outside], image.to_array()[outside])


def test_a_mark_that_one_picture_repeats_is_undone() -> None:
    pixels, words = repeated(0.4, (160, 0), (0, 110))
    clean, _ = repeated(0.0, (160, 0), (0, 110))
    result, step = run(build("remove_watermark", {}), as_image(pixels))
    assert step.changed["found"] == "tiled"
    assert step.changed["mark"]["how"] == "blend undone"
    assert psnr(result.to_float(), clean, words) > psnr(pixels, clean, words) + 8


def test_in_a_region_what_looks_written_is_filled() -> None:
    pixels = pictures()[0]
    marked_corner = pixels.copy()
    letters = np.zeros(pixels.shape[:2], np.uint8)
    cv2.putText(letters, "(c) me", (158, 228), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2, cv2.LINE_AA)
    marked_corner[letters > 127] = 1.0
    image = as_image(marked_corner)
    result, step = run(build("remove_watermark", {"region": "bottom_right"}), image)
    again, _ = run(build("remove_watermark", {"box": [0.6, 0.75, 0.4, 0.25]}), image)
    assert step.changed["found"] == "written"
    assert step.changed["mark"]["how"] == "filled"
    assert psnr(result.to_float(), pixels, letters > 127) > psnr(marked_corner, pixels, letters > 127) + 8
    np.testing.assert_array_equal(result.to_array()[:180], image.to_array()[:180])
    np.testing.assert_array_equal(result.to_array(), again.to_array())


def test_where_nothing_is_found_nothing_changes() -> None:
    image = as_image(pictures()[0])
    result, step = run(build("remove_watermark", {}), image)
    assert result is image
    assert step.changed["found"] == "nothing"
    assert "No watermark was found" in step.warnings[0]
    assert "region" in step.warnings[0]


def test_an_empty_mask_leaves_the_picture_as_it_is(files: Callable[[str], Image]) -> None:
    image = files("0")
    black = Image.from_array(np.zeros((image.height, image.width), np.uint8))
    result, step = run(build("remove_watermark", {"mask": "black"}), image, open_image=lambda _: black)
    assert result is image
    assert "nothing was removed" in step.warnings[0]


def test_pictures_of_another_size_are_refused(files: Callable[[str], Image]) -> None:
    small = as_image(np.zeros((20, 20, 3), np.float32))
    with pytest.raises(InvalidParameters, match="20 x 20"):
        run(
            build("remove_watermark", {"mask": "mask", "like": ["small"]}),
            files("0"),
            open_image=lambda name: small if name == "small" else files(name),
        )
