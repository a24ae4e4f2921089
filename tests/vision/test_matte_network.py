"""What goes into a matte network and what comes out, as the authors of each do both."""

from __future__ import annotations

import numpy as np
import pytest

from darkroom.models.catalogue import Preprocessing, builtin_entries
from darkroom.vision.matte_network import prepare, read

PIXELS = np.random.default_rng(0).integers(0, 200, (30, 40, 3), np.uint8)


def test_as_u2net_wants_it() -> None:
    """Divided by the brightest value, then ImageNet's mean and deviation."""
    batch = prepare(PIXELS, Preprocessing(size=(40, 30), scale="max"))
    expected = (PIXELS / PIXELS.max() - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(batch[0].transpose(1, 2, 0), expected, atol=1e-5)
    assert batch.dtype == np.float32


@pytest.mark.parametrize(("scale", "top"), [("unit", 255), ("byte", 1)])
def test_the_other_scales_and_order(scale: str, top: int) -> None:
    how = Preprocessing(size=(40, 30), scale=scale, mean=(0, 0, 0), std=(1, 1, 1), order="bgr")
    np.testing.assert_allclose(prepare(PIXELS, how)[0].transpose(1, 2, 0), PIXELS[..., ::-1] / top, atol=1e-4)


def test_sixteen_bits_give_the_same_batch() -> None:
    how = Preprocessing(size=(40, 30), scale="unit")
    np.testing.assert_allclose(prepare(PIXELS.astype(np.uint16) * 257, how), prepare(PIXELS, how), atol=1e-5)


@pytest.mark.parametrize(
    ("output", "planes", "expected"),
    [
        ("minmax", [[2.0, 4.0, 6.0]], [0, 0.5, 1]),
        ("sigmoid", [[-100.0, 0.0, 100.0]], [0, 0.5, 1]),
        ("probability", [[-0.2, 0.5, 1.3]], [0, 0.5, 1]),
    ],
)
def test_outputs_of_every_kind(output: str, planes: list[list[float]], expected: list[float]) -> None:
    result = read(np.array(planes, np.float32)[None, None], Preprocessing(output=output))
    np.testing.assert_allclose(result[0], expected, atol=1e-6)


def test_softmax_takes_its_channel_wherever_the_channels_are() -> None:
    planes = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    expected = 1 / (1 + np.exp(planes[0] - planes[1]))
    how = Preprocessing(output="softmax", channel=1)
    np.testing.assert_allclose(read(planes[None], how), expected, atol=1e-6)
    np.testing.assert_allclose(read(planes.transpose(1, 2, 0)[None], how), expected, atol=1e-6)


def test_every_matte_model_of_the_catalogue_says_how() -> None:
    for entry in builtin_entries():
        assert (entry.preprocessing is not None) == (entry.task == "matte"), entry.name
