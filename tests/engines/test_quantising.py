"""int8: held where the network stands it, refused where it does not, the same whatever was seen before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.engines import quantising
from darkroom.engines.engine import Compiled, Device, Graph, Plan, Precision
from darkroom.engines.openvino import OpenVino
from darkroom.errors import UnsupportedModel
from darkroom.models.architectures.graph import Builder
from darkroom.models.architectures.translate import translate
from darkroom.models.weights import read_tensors


def residual_network() -> bytes:
    """The picture twice as large, with a little detail from blocks of convolutions: what stands int8 well."""
    numbers = np.random.default_rng(2)
    build = Builder("residual")

    def weight(out: int, seen: int, size: float) -> Any:
        return (size * numbers.standard_normal((out, seen, 3, 3)) / (3 * seen**0.5)).astype(np.float32)

    value = first = build.convolve("input", weight(16, 3, 1.0), np.zeros(16, np.float32))
    for _ in range(3):
        inner = build.leaky(build.convolve(value, weight(16, 16, 1.0), np.zeros(16, np.float32)), 0.2)
        joined = build.node("Concat", value, inner, axis=1)
        value = build.node("Add", value, build.convolve(joined, weight(16, 32, 0.2), np.zeros(16, np.float32)))
    detail = build.convolve(build.node("Add", value, first), weight(12, 16, 0.1), np.zeros(12, np.float32))
    return build.finish(build.node("Add", build.shuffle(detail, 2), build.enlarge("input", 2)), 3)


def cpu() -> Device:
    device = next(device for device in OpenVino().devices() if device.kind == "cpu")
    if "int8" not in device.precisions:
        pytest.skip("not in CI: this processor does not compute in int8")
    return device


def load(data: bytes, precision: Precision, folder: Path, name: str = "net") -> Compiled:
    graph = Graph(name, name * 8, "onnx", lambda: data)
    return OpenVino().compile(graph, Plan(cpu(), precision, folder, shape=(1, 3, 48, 48)))


def psnr(one: Any, other: Any) -> float:
    return float(-10 * np.log10(quantising.error(one, other)))


def test_a_residual_network_stands_int8(tmp_path: Path) -> None:
    data = residual_network()
    batch = quantising.pictures()[-1][:, :, :48, :48]
    exact, quick = load(data, "fp32", tmp_path).run(batch), load(data, "int8", tmp_path).run(batch)
    assert not np.array_equal(exact, quick)
    assert psnr(exact, quick) >= quantising.ENOUGH
    (found,) = tmp_path.rglob("calibration.json")
    assert json.loads(found.read_text())["psnr"] >= quantising.ENOUGH


def test_it_does_not_depend_on_what_was_seen(tmp_path: Path) -> None:
    data = residual_network()
    batch = np.random.default_rng(0).random((1, 3, 48, 48), np.float32)
    first = load(data, "int8", tmp_path / "a")
    first.run(np.zeros_like(batch))
    again = load(data, "int8", tmp_path / "b")
    np.testing.assert_array_equal(first.run(batch), again.run(batch))


def test_a_second_start_does_not_calibrate_or_read_again(tmp_path: Path) -> None:
    data = residual_network()
    batch = np.random.default_rng(0).random((1, 3, 48, 48), np.float32)
    wanted = load(data, "int8", tmp_path).run(batch)

    def unread() -> bytes:
        raise AssertionError("the network was read, although it is in the cache")

    graph = Graph("net", "net" * 8, "onnx", unread)
    cached = OpenVino().compile(graph, Plan(cpu(), "int8", tmp_path, shape=(1, 3, 48, 48)))
    np.testing.assert_array_equal(cached.run(batch), wanted)


def test_a_chain_that_loses_too_much_is_refused(shared: Path, tmp_path: Path) -> None:
    """Real weights: each of 32 plain convolutions adds its error."""
    state = read_tensors(shared / "models" / "upscale" / "compact-lite-x4.pth")
    data = translate(state, "compact").onnx
    for _ in range(2):
        with pytest.raises(UnsupportedModel, match="dB from its results in fp32"):
            load(data, "int8", tmp_path, "compact")


def test_a_network_of_one_size_is_refused(tmp_path: Path) -> None:
    build = Builder("fixed")
    value = build.convolve("input", np.ones((4, 5, 3, 3), np.float32), None)
    data = build.finish(build.convolve(value, np.ones((5, 4, 3, 3), np.float32), None), 5)
    with pytest.raises(UnsupportedModel, match="calibrated"):
        OpenVino().compile(Graph("five", "five" * 8, "onnx", lambda: data), Plan(cpu(), "int8", tmp_path))


def test_the_sheet_has_pictures_to_calibrate_and_to_measure_with() -> None:
    pictures = quantising.pictures()
    assert len(pictures) > 2 * quantising.HELD_OUT
    for picture in pictures:
        assert picture.shape == (1, 3, quantising.SIDE, quantising.SIDE)
        assert 0 <= picture.min() < picture.max() <= 1
