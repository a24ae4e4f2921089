"""Adjust: neutral values change nothing, the others do what their descriptions say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from darkroom.image import Animation, Image
from darkroom.operations.adjust import Adjust
from tests.operations.running import run


def noise(channels: int = 3, kind: type = np.uint8, low: float = 0.0, high: float = 1.0) -> Image:
    top = np.iinfo(kind).max
    return Image.from_array(
        np.random.default_rng(0).integers(int(low * top), int(high * top), (40, 50, channels), kind, endpoint=True)
    )


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_neutral_values_leave_every_pixel(kind: type) -> None:
    image = noise(4, kind)
    np.testing.assert_array_equal(run(Adjust(), image)[0].to_array(), image.to_array())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("adjust", "expected"),
    [
        (Adjust(brightness=0.2), lambda v: v + 0.2),
        (Adjust(contrast=1.5), lambda v: (v - 0.5) * 1.5 + 0.5),
        (Adjust(gamma=2.0), lambda v: v**0.5),
        (Adjust(brightness=-0.1, contrast=0.7, gamma=0.8), lambda v: ((v - 0.1 - 0.5) * 0.7 + 0.5).clip(0) ** 1.25),
        (Adjust(saturation=0.0), lambda v: (v @ (0.2126, 0.7152, 0.0722))[..., None].repeat(3, -1)),
        (Adjust(grayscale=True), lambda v: (v @ (0.2126, 0.7152, 0.0722))[..., None].repeat(3, -1)),
    ],
)
def test_each_does_what_it_says_at_either_depth(adjust: Adjust, expected: object, kind: type) -> None:
    image = noise(3, kind)
    result, _ = run(adjust, image)
    assert result.bits == image.bits
    wanted = np.clip(expected(image.to_float().astype(float)), 0, 1)  # type: ignore[operator]
    assert np.abs(result.to_float() - wanted).max() <= 1.5 / image.maximum


def test_alpha_is_not_touched() -> None:
    image = noise(4)
    tones = {"brightness": 0.3, "contrast": 2, "gamma": 0.5, "auto_contrast": True, "auto_colour": True}
    everything = Adjust(saturation=2, sharpen=2, **tones)
    result, _ = run(everything, image)
    np.testing.assert_array_equal(result.to_array()[..., 3], image.to_array()[..., 3])


def test_saturation_spreads_colours_and_keeps_brightness() -> None:
    image = noise(3, low=0.35, high=0.65)
    result, _ = run(Adjust(saturation=1.8), image)
    luma = np.array((0.2126, 0.7152, 0.0722))
    assert np.abs(result.to_float() @ luma - image.to_float() @ luma).max() < 0.01
    assert np.ptp(result.to_float(), axis=2).mean() > 1.7 * np.ptp(image.to_float(), axis=2).mean()


def test_grayscale_is_written_with_one_channel() -> None:
    assert run(Adjust(grayscale=True), noise())[0].grey


def test_auto_contrast_uses_the_whole_range() -> None:
    result, step = run(Adjust(auto_contrast=True), noise(low=0.3, high=0.6))
    assert result.to_array().min() == 0
    assert result.to_array().max() == 255
    assert step.changed["stretched_from"] == pytest.approx([0.3, 0.6], abs=0.02)


def test_auto_contrast_leaves_a_picture_of_one_tone() -> None:
    flat = Image.from_array(np.full((20, 20, 3), 90, np.uint8))
    np.testing.assert_array_equal(run(Adjust(auto_contrast=True), flat)[0].to_array(), flat.to_array())


def test_auto_colour_removes_a_cast() -> None:
    grey = np.random.default_rng(1).uniform(0.1, 0.8, (60, 60, 1)).repeat(3, -1)
    warm = Image.from_array((grey * (1.0, 0.8, 0.6)).astype(np.float32))
    before, after = warm.to_float(), run(Adjust(auto_colour=True), warm)[0].to_float()
    assert np.ptp(before.mean((0, 1))) > 0.15
    assert np.ptp(after.mean((0, 1))) < 0.03


def test_automatic_values_are_the_same_for_every_frame() -> None:
    dark, light = (Image.from_array(np.full((8, 8, 3), v, np.uint8)).frames[0] for v in (60, 180))
    moving = replace(Image((dark, light)), animation=Animation((50, 50)))
    result, _ = run(Adjust(auto_contrast=True), moving)
    assert [int(result.to_array(n)[0, 0, 0]) for n in (0, 1)] == [0, 255]


def test_sharpening_steepens_an_edge() -> None:
    edge = np.interp(np.arange(60), [28, 32], [60.0, 180.0])[None, :, None].repeat(20, 0).repeat(3, 2).astype(np.uint8)
    result, _ = run(Adjust(sharpen=3), Image.from_array(edge))
    assert np.ptp(result.to_array()[10, 26:34, 0]) > np.ptp(edge[10, 26:34, 0]) + 5
    np.testing.assert_array_equal(result.to_array()[:, :20], edge[:, :20])
