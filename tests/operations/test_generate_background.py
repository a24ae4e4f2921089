"""A product in a scene: placed where it is said, untouched inside, cut out when it has to be, the same by its seed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from darkroom.errors import InvalidParameters
from darkroom.image import Image
from darkroom.operations.generate_background import GenerateBackground
from tests.operations.running import run
from tests.vision.products import product

STYLES = ("white", "transparent", "studio", "marble_desk", "wooden_table", "living_room", "outdoor", "custom")


def vase(kind: Any = np.uint8, size: tuple[int, int] = (160, 120)) -> Image:
    """A blue product on nothing, 60 wide and 80 high, that ends above the picture's lower edge."""
    width, height = size
    pixels = np.zeros((height, width, 4), kind)
    pixels[20:100, 50:110] = np.array((40, 80, 200, 255)) * (np.iinfo(kind).max // 255)
    return Image.from_array(pixels)


@pytest.mark.parametrize("style", STYLES)
def test_every_style(style: Any) -> None:
    image = vase()
    result, step = run(GenerateBackground(style=style, lighting="natural"), image)
    again, _ = run(GenerateBackground(style=style, lighting="natural"), image)
    assert result.size == image.size
    assert result.has_alpha == (style == "transparent")
    np.testing.assert_array_equal(result.to_array(), again.to_array())
    assert step.method == "builtin"
    assert step.changed["cut_out"] is False
    assert step.changed["scene"] == f"{style}, natural, front"


def test_another_seed_is_another_scene() -> None:
    first, other = (run(GenerateBackground(style="marble_desk", seed=seed), vase())[0].to_float() for seed in (0, 1))
    assert np.abs(first - other).mean() > 0.002


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_inside_of_the_subject_is_untouched(kind: Any) -> None:
    image = vase(kind)
    result, _ = run(GenerateBackground(style="wooden_table", match=0, size=80 / 120), image)
    assert result.bits == image.bits
    blue = np.all(np.abs(result.to_float()[..., :3] - image.to_float()[60, 80, :3]) < 0.003, axis=2)
    rows, columns = np.nonzero(blue)
    assert len(rows) >= 0.93 * 60 * 80
    # It stands centred, with its base on the line the view says.
    assert (columns.min() + columns.max()) / 2 == pytest.approx(79.5, abs=1)
    assert rows.max() == pytest.approx(0.84 * 120, abs=2)


def test_size_and_position() -> None:
    options: dict[str, Any] = {"style": "white", "shadow": 0, "match": 0}
    wide, _ = run(GenerateBackground(size=0.3, position=0.0, width=400, height=300, **options), vase())
    assert wide.size == (400, 300)
    there = np.nonzero((wide.to_array() < 250).any(axis=2))
    assert there[1].min() <= 1
    assert there[0].max() - there[0].min() + 1 == pytest.approx(90, abs=2)


def test_the_shadow_falls_to_the_far_side_and_can_be_off() -> None:
    with_one, without = (
        run(GenerateBackground(style="white", lighting="dramatic", shadow=shadow, size=0.4), vase())[0].to_float()
        for shadow in (1, 0)
    )
    dark = (without - with_one).mean(axis=2)
    assert dark[:, 110:].sum() > 5 * dark[:, :45].sum()
    assert dark.max() > 0.2


def test_transparent_keeps_the_shadow_in_its_alpha() -> None:
    pixels = run(GenerateBackground(style="transparent", lighting="dramatic", size=0.4), vase())[0].to_float()
    alpha, subject = pixels[..., 3], pixels[..., 2] > 0.5
    assert alpha[subject].min() > 0.98
    shade = (alpha > 0.05) & (alpha < 0.95) & ~subject
    assert shade.sum() > 50
    assert pixels[shade][:, :3].max() < 0.6
    assert alpha[:10].max() == 0


def test_a_picture_without_alpha_is_cut_out_first() -> None:
    picture, matte = product("bottle", "white")
    result, step = run(GenerateBackground(style="living_room", method="grabcut"), Image.from_array(picture))
    assert step.changed["cut_out"] is True
    assert result.size == (640, 520)
    plain, _ = run(GenerateBackground(style="transparent", shadow=0, method="grabcut"), Image.from_array(picture))
    high = np.ptp(np.nonzero(matte > 0.5)[0])
    assert plain.to_float()[..., 3].sum() == pytest.approx(matte.sum() * (0.62 * 520 / high) ** 2, rel=0.15)


def test_what_the_picture_cuts_off_below_stands_on_the_frame() -> None:
    pixels = np.zeros((120, 100, 4), np.uint8)
    cv2.circle(pixels, (50, 40), 20, (200, 150, 120, 255), -1)
    pixels[60:, 20:80] = (90, 90, 160, 255)
    result, step = run(GenerateBackground(style="transparent"), Image.from_array(pixels))
    alpha = result.to_float()[..., 3]
    assert step.changed["stands_on_the_surface"] is False
    assert alpha[-1].max() == 1
    assert ((alpha == 0) | (alpha > 0.3)).mean() > 0.97, "no shadow"


def test_from_above_it_lies_in_the_middle() -> None:
    pixels = run(GenerateBackground(style="transparent", perspective="top_down", shadow=0), vase())[0].to_float()
    rows = np.nonzero(pixels[..., 3] > 0.5)[0]
    assert (rows.min() + rows.max()) / 2 == pytest.approx(59.5, abs=1)


def test_reflection_darkens_what_is_below() -> None:
    first, mirrored = (
        run(GenerateBackground(style="studio", shadow=0, reflection=share), vase())[0].to_float() for share in (0, 0.8)
    )
    below = mirrored[103:108, 70:90]
    assert below[..., 2].mean() > below[..., 0].mean() + 0.1, "the blue of the product"
    assert np.abs(first - mirrored)[:90].max() < 0.02


def test_animations_keep_their_frames() -> None:
    image = vase()
    moved = image.map(lambda frame: frame.embed(5, 0, frame.width, frame.height))
    both = image.with_frames((image.frames[0], moved.frames[0]))
    result, _ = run(GenerateBackground(style="studio", size=0.4, match=0, shadow=0), both)
    assert len(result.frames) == 2
    assert np.abs(result.to_float(0) - result.to_float(1)).max() > 0.2


def test_nothing_to_place() -> None:
    with pytest.raises(InvalidParameters, match="transparent everywhere"):
        run(GenerateBackground(), Image.from_array(np.zeros((30, 30, 4), np.uint8)))


def test_wrong_values() -> None:
    for wrong in ({"style": "beach"}, {"size": 0}, {"color": "no colour"}, {"seed": -1}, {"surface": "sand"}):
        with pytest.raises(ValidationError):
            GenerateBackground(**wrong)  # type: ignore[arg-type]
