"""Cutting out: with real networks and without, and what is kept of every kind of picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from darkroom import codecs
from darkroom.errors import BadResult, FallbackRefused, InvalidParameters, ModelMissing
from darkroom.image import Animation, Image
from darkroom.models.adding import add_model
from darkroom.models.store import Store
from darkroom.operations.remove_background import RemoveBackground
from darkroom.settings import Limits, Settings
from tests.operations.running import run
from tests.vision.products import product

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PORTRAIT = {
    "sinet": (
        "SINet.onnx",
        {
            "size": (320, 320),
            "mean": (102.890434, 111.25247, 126.91212),
            "std": (62.93292 * 255, 62.82138 * 255, 66.355705 * 255),
            "scale": "byte",
            "order": "bgr",
            "output": "softmax",
            "channel": 1,
        },
    ),
    "prisma": (
        "prisma_nchw.onnx",
        {"size": (256, 256), "mean": (0, 0, 0), "std": (1, 1, 1), "scale": "unit", "output": "probability"},
    ),
}


@pytest.fixture
def picture() -> tuple[Image, Any]:
    pixels, matte = product("shoe", "blue", seed=5, size=(320, 260))
    return Image.from_array(pixels), matte


def test_without_a_model_the_builtin_way_is_taken_and_said(picture: tuple[Image, Any]) -> None:
    image, matte = picture
    result, step = run(RemoveBackground(), image)
    assert step.method == "builtin"
    assert step.fallbacks[0].wanted == "the network isnet-general-use"
    assert step.changed["background"] == "plain"
    assert step.changed["coverage"] == pytest.approx(matte.mean(), abs=0.01)
    assert np.abs(result.to_float()[..., 3] - matte).mean() < 0.01


def test_strict_turns_that_into_an_error(picture: tuple[Image, Any]) -> None:
    with pytest.raises(FallbackRefused, match="isnet-general-use"):
        run(RemoveBackground(), picture[0], settings=Settings(strict=True))


def test_asking_for_a_model_that_is_not_here_is_an_error_with_the_command(picture: tuple[Image, Any]) -> None:
    with pytest.raises(ModelMissing) as caught:
        run(RemoveBackground(method="model", model="u2net"), picture[0])
    assert caught.value.cure == "Get it with: darkroom models pull u2net"


@pytest.mark.parametrize("method", ["grabcut", "watershed", "edges"])
def test_a_way_that_was_asked_for_is_no_fallback(method: str, picture: tuple[Image, Any]) -> None:
    _, step = run(RemoveBackground(method=method), picture[0], settings=Settings(strict=True))
    assert step.method == method
    assert step.fallbacks == []


@pytest.mark.parametrize("name", PORTRAIT)
def test_real_networks_cut_out_people(name: str, shared: Path, settings: Settings) -> None:
    """Against masks that a larger network predicted."""
    file, how = PORTRAIT[name]
    add_model(
        Store.from_settings(settings), shared / "models/portrait" / file,
        name=name, task="matte", licence="MIT", preprocessing=how,
    )  # fmt: skip
    people = shared / "images/people"
    image = codecs.decode(people / "u2_download.jpeg", limits=Limits())
    truth = np.asarray(Pillow.open(people / "u2_download.u2net_human_mask.png").convert("L").resize(image.size)) > 127
    result, step = run(RemoveBackground(model=name), image)
    mask = result.to_array()[..., 3] > 127
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85
    assert step.method == "model"
    assert step.models[0].name == name
    assert step.models[0].digest_source == "computed when it was added"
    assert step.engine == "openvino"


def test_an_empty_mask_from_a_network_is_refused(shared: Path, settings: Settings) -> None:
    file, how = PORTRAIT["prisma"]
    add_model(
        Store.from_settings(settings), shared / "models/portrait" / file,
        name="prisma", task="matte", licence="MIT", preprocessing=how,
    )  # fmt: skip
    with pytest.raises(BadResult, match="mask is empty"):
        run(RemoveBackground(model="prisma"), Image.from_array(np.full((64, 64, 3), 250, np.uint8)))


def test_sixteen_bits_and_alpha_and_grey_are_kept(picture: tuple[Image, Any]) -> None:
    image, matte = picture
    deep = Image.from_array(image.to_array().astype(np.uint16) * 257)
    assert run(RemoveBackground(), deep)[0].bits == 16
    half = np.dstack([image.to_array(), np.full(matte.shape, 128, np.uint8)])
    result, _ = run(RemoveBackground(), Image.from_array(half))
    assert int(result.to_array()[..., 3].max()) == 128, "an alpha that was there is multiplied in"
    grey = Image.from_array(image.to_array()[..., :1])
    assert run(RemoveBackground(), grey)[0].grey


def test_every_frame_of_an_animation_is_cut_out(picture: tuple[Image, Any]) -> None:
    image, _ = picture
    moving = replace(image, frames=(image.frames[0], image.frames[0].fliphor()), animation=Animation((70, 80)))
    result, _ = run(RemoveBackground(), moving)
    assert result.animation == Animation((70, 80))
    one, other = result.to_array(0)[..., 3], result.to_array(1)[:, ::-1, 3]
    assert np.abs(one.astype(int) - other).mean() < 3


def test_only_the_mask(picture: tuple[Image, Any]) -> None:
    image, matte = picture
    result, _ = run(RemoveBackground(only_mask=True), image)
    assert (result.grey, result.has_alpha) == (True, False)
    assert np.abs(result.to_float()[..., 0] - matte).mean() < 0.01


def test_alpha_matting_keeps_the_outline(picture: tuple[Image, Any]) -> None:
    image, matte = picture
    result, _ = run(RemoveBackground(alpha_matting=True, erode_size=4), image)
    assert np.abs(result.to_float()[..., 3] - matte).mean() < 0.015


def test_thresholds_must_not_cross(picture: tuple[Image, Any]) -> None:
    with pytest.raises(InvalidParameters) as caught:
        run(RemoveBackground(foreground_threshold=50, background_threshold=60), picture[0])
    assert caught.value.field == "background_threshold"


def strokes(image: Image, **drawn: list[tuple[float, float]]) -> Callable[[str], Image]:
    """Opens a picture with a line through points, given as shares, by its name."""

    def opened(name: str) -> Image:
        canvas = np.zeros((image.height, image.width), np.uint8)
        points = (np.array(drawn[name]) * image.size).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, max(3, image.width // 60))
        return Image.from_array(canvas)

    return opened


@pytest.mark.parametrize("method", ["grabcut", "watershed"])
def test_strokes_mend_the_builtin_ways(method: Any, pictures: Path) -> None:
    """A meerkat of which only the head was found, by a line along its back; measured 0.51 to 0.88 with GrabCut."""
    image = codecs.decode(pictures / "salient_gt/ecssd_0161.jpg", limits=Limits())
    truth = np.asarray(Pillow.open(pictures / "salient_gt/ecssd_0161.gt.png").convert("L")) > 127
    line = strokes(image, back=[(0.62, 0.62), (0.7, 0.63), (0.78, 0.55), (0.87, 0.6)])
    reached = []
    for keep in (None, "back"):
        result, _ = run(RemoveBackground(method=method, keep=keep), image, open_image=line)
        mask = result.to_float()[..., 3] > 0.5
        reached.append(float((mask & truth).sum() / (mask | truth).sum()))
    before, after = reached
    assert after > before + 0.15


def test_strokes_mend_the_mask_of_a_network(shared: Path, settings: Settings) -> None:
    """A network for portraits takes the flag behind her for a part of her."""
    file, how = PORTRAIT["sinet"]
    add_model(
        Store.from_settings(settings), shared / "models/portrait" / file,
        name="sinet", task="matte", licence="MIT", preprocessing=how,
    )  # fmt: skip
    image = codecs.decode(SAMPLES / "portrait.jpg", limits=Limits())
    plain, _ = run(RemoveBackground(model="sinet"), image)
    arm = [(0.2, 0.7), (0.14, 0.9)]
    mended, step = run(RemoveBackground(model="sinet", remove="arm"), image, open_image=strokes(image, arm=arm))
    assert step.method == "model"
    before, after = plain.to_float()[..., 3], mended.to_float()[..., 3]
    sleeve = np.s_[440:560, 60:120]
    assert before[sleeve].mean() > 0.9
    assert after[sleeve].mean() < 0.2
    assert np.array_equal(before[:300, 256:], after[:300, 256:])


def test_strokes_are_certain_in_alpha_matting_too(picture: tuple[Image, Any]) -> None:
    image, _ = picture
    opened = strokes(image, here=[(0.02, 0.1), (0.2, 0.1)])
    result, _ = run(RemoveBackground(keep="here", alpha_matting=True), image, open_image=opened)
    drawn = opened("here").to_array()[..., 0] > 127
    assert (result.to_array()[..., 3][drawn] == 255).all()


def test_strokes_that_are_nowhere_are_said_to_be(picture: tuple[Image, Any]) -> None:
    image, _ = picture
    black = Image.from_array(np.zeros((image.height, image.width), np.uint8))
    result, step = run(RemoveBackground(remove="black"), image, open_image=lambda _: black)
    assert step.warnings == ["The strokes of remove are nowhere white, and change nothing."]
    assert np.array_equal(result.to_array(), run(RemoveBackground(), image)[0].to_array())


def test_a_model_for_something_else_is_refused(picture: tuple[Image, Any]) -> None:
    with pytest.raises(InvalidParameters, match="not a matte model"):
        run(RemoveBackground(model="yunet"), picture[0])
