"""Another background: exact colours, gradients as CSS draws them, pictures fitted, edges mixed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from darkroom.errors import InvalidParameters
from darkroom.image import Animation, Image
from darkroom.operation import build
from darkroom.operations.replace_background import ReplaceBackground
from tests.operations.running import run
from tests.vision.products import product


def cutout(kind: type = np.uint8) -> Image:
    """Red, with alpha rising from left to right over 41 pixels."""
    top = np.iinfo(kind).max
    pixels = np.zeros((21, 41, 4), kind)
    pixels[..., 0] = top
    pixels[..., 3] = np.rint(np.linspace(0, top, 41)).astype(kind)
    return Image.from_array(pixels)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_colour_is_mixed_by_alpha(kind: type) -> None:
    image = cutout(kind)
    result, step = run(ReplaceBackground(color="blue"), image)
    share = image.to_float()[..., 3]
    assert (result.bits, result.has_alpha) == (image.bits, False)
    np.testing.assert_allclose(result.to_float()[..., 0], share, atol=1.5 / image.maximum)
    np.testing.assert_allclose(result.to_float()[..., 2], 1 - share, atol=1.5 / image.maximum)
    assert step.method == "builtin"


def test_a_half_transparent_colour_leaves_an_alpha() -> None:
    result, _ = run(ReplaceBackground(color="#0000ff80"), cutout())
    assert result.to_array()[5, 0].tolist() == [0, 0, 255, 128]
    assert result.to_array()[5, 40].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("angle", "first", "last"),
    [(180, (0, 5), (20, 5)), (0, (20, 5), (0, 5)), (90, (5, 0), (5, 40)), (270, (5, 40), (5, 0))],
)
def test_a_gradient_runs_as_in_css(angle: float, first: tuple[int, int], last: tuple[int, int]) -> None:
    clear = cutout().map(lambda frame: frame[:3].bandjoin(0))
    result, _ = run(ReplaceBackground(background="gradient", colors="black white", angle=angle), clear)
    pixels = result.to_array()
    assert int(pixels[first].max()) < 12
    assert int(pixels[last].min()) > 243


def test_a_radial_gradient_runs_outwards() -> None:
    clear = cutout().map(lambda frame: frame[:3].bandjoin(0))
    operation = ReplaceBackground(background="gradient", shape="radial", colors="white rgb(0 0 0) white")
    pixels = run(operation, clear)[0].to_array()
    assert int(pixels[10, 20].min()) > 240
    assert int(pixels[10, 20 + 11].max()) < 40


@pytest.mark.parametrize("fit", ["cover", "contain", "stretch", "tile"])
def test_a_picture_is_fitted(fit: str) -> None:
    behind = Image.from_array(np.full((10, 10, 3), (10, 200, 30), np.uint8))
    clear = cutout().map(lambda frame: frame[:3].bandjoin(0))
    operation = ReplaceBackground(background="image", image="green.png", fit=fit, color="black")
    result, _ = run(operation, clear, open_image=lambda name: {"green.png": behind}[name])
    pixels = result.to_array()
    assert result.size == (41, 21)
    assert pixels[10, 20].tolist() == [10, 200, 30]
    assert pixels[10, 0].tolist() == ([0, 0, 0] if fit == "contain" else [10, 200, 30])


def test_a_picture_of_another_depth_keeps_its_colours() -> None:
    behind = Image.from_array(np.full((10, 10, 3), (10, 200, 30), np.uint8))
    clear = cutout(np.uint16).map(lambda frame: frame[:3].bandjoin(0))
    result, _ = run(ReplaceBackground(background="image", image="x", blur=2), clear, open_image=lambda _: behind)
    assert result.bits == 16
    assert np.abs(result.to_array()[10, 20].astype(int) - np.array((10, 200, 30)) * 257).max() <= 257


def test_a_shadow_darkens_what_is_below_the_subject() -> None:
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[60:140, 60:140] = (200, 40, 40, 255)
    plain = run(ReplaceBackground(), Image.from_array(pixels))[0].to_array()
    shaded = run(ReplaceBackground(shadow=1.0), Image.from_array(pixels))[0].to_array()
    assert plain[142, 100].tolist() == [255, 255, 255]
    assert int(shaded[142, 100].max()) < 215
    assert int(shaded[20, 20].min()) >= 254


def test_what_has_no_alpha_is_cut_out_first() -> None:
    pixels, matte = product("box", "grey", seed=1, size=(320, 260))
    result, step = run(ReplaceBackground(color="#00ff00", method="grabcut"), Image.from_array(pixels))
    assert step.method == "grabcut"
    assert result.to_array()[3, 3].tolist() == [0, 255, 0]
    inside = matte == 1
    assert np.abs(result.to_array()[inside].astype(int) - pixels[inside]).mean() < 3


def test_transparent_leaves_the_cutout_as_it_is() -> None:
    result, _ = run(ReplaceBackground(background="transparent"), cutout())
    np.testing.assert_array_equal(result.to_array(), cutout().to_array())


def test_every_frame_gets_the_background() -> None:
    moving = replace(cutout(), frames=cutout().frames * 2, animation=Animation((30, 40)))
    result, _ = run(ReplaceBackground(color="blue"), moving)
    assert (len(result.frames), result.animation) == (2, Animation((30, 40)))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"background": "image"}, "go together"),
        ({"image": "a.png"}, "go together"),
        ({"background": "gradient", "colors": "red"}, "two to eight"),
        ({"background": "gradient", "colors": "red reddish"}, "not a colour"),
        ({"color": "reddish"}, "not a colour"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameters, match=said):
        build("replace_background", parameters)
