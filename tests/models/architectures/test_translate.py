"""Weights become ONNX graphs that give what PyTorch gives.

Where torch is installed the graphs are held against it, and otherwise against a forward pass written here in plain
NumPy; the test's id says which.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from darkroom.engines.engine import Graph, Plan
from darkroom.engines.openvino import OpenVino
from darkroom.errors import UnsupportedModel
from darkroom.models.architectures.translate import recognise, translate
from darkroom.models.weights import read_tensors

State = Mapping[str, Any]
TORCH = importlib.util.find_spec("torch") is not None
WITNESS = "torch" if TORCH else "numpy"


def convolve(x: Any, weight: Any, bias: Any) -> Any:
    """3 x 3 convolution with zero padding, channels first."""
    if TORCH:
        import torch

        return torch.nn.functional.conv2d(
            x, torch.from_numpy(np.array(weight)), torch.from_numpy(np.array(bias)), padding=1
        )
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.stack([padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=1)
    flat = weight.astype(np.float64).reshape(len(weight), -1) @ windows.reshape(-1, height * width)
    return flat.reshape(-1, height, width) + bias.astype(np.float64)[:, None, None]


def start(x: Any) -> Any:
    """``height x width x 3`` to what the forward passes below work on."""
    if TORCH:
        import torch

        return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None]
    return x.transpose(2, 0, 1).astype(np.float64)


def finish(y: Any) -> Any:
    return y[0].numpy() if TORCH else y


def negative_part(x: Any, slope: Any) -> Any:
    if TORCH:
        import torch

        slope = torch.as_tensor(np.array(slope, np.float32)).reshape(-1, 1, 1)
        return torch.where(x > 0, x, x * slope)
    return np.where(x > 0, x, x * np.reshape(slope, (-1, 1, 1)))


def join(parts: list[Any]) -> Any:
    if TORCH:
        import torch

        return torch.cat(parts, 1)
    return np.concatenate(parts)


def repeat(x: Any, times: int) -> Any:
    if TORCH:
        import torch

        return torch.nn.functional.interpolate(x, scale_factor=times, mode="nearest")
    return x.repeat(times, 1).repeat(times, 2)


def shuffle(x: Any, times: int) -> Any:
    if TORCH:
        import torch

        return torch.nn.functional.pixel_shuffle(x, times)
    channels, height, width = x.shape
    packed = x.reshape(channels // times**2, times, times, height, width).transpose(0, 3, 1, 4, 2)
    return packed.reshape(-1, height * times, width * times)


def unshuffle(x: Any, times: int) -> Any:
    if TORCH:
        import torch

        return torch.nn.functional.pixel_unshuffle(x, times)
    channels, height, width = x.shape
    packed = x.reshape(channels, height // times, times, width // times, times).transpose(0, 2, 4, 1, 3)
    return packed.reshape(-1, height // times, width // times)


def srvgg(state: State, x: Any) -> Any:
    y = x
    count = max(int(key.split(".")[1]) for key in state)
    for index in range(count + 1):
        weight = state.get(f"body.{index}.weight")
        if weight is None:
            y = negative_part(y, [0.1])
        elif weight.ndim == 4:
            y = convolve(y, weight, state[f"body.{index}.bias"])
        else:
            y = negative_part(y, weight)
    scale = round((state[f"body.{count}.bias"].shape[0] / 3) ** 0.5)
    return shuffle(y, scale) + repeat(x, scale)


def rrdbnet(state: State, x: Any, folds: int) -> Any:
    def layer(y: Any, name: str) -> Any:
        return convolve(y, state[f"{name}.weight"], state[f"{name}.bias"])

    y = first = layer(unshuffle(x, folds) if folds > 1 else x, "conv_first")
    for block in range(sum(key.endswith("rdb1.conv1.weight") for key in state)):
        entered = y
        for dense in (1, 2, 3):
            parts = [y]
            for conv in range(1, 5):
                parts.append(negative_part(layer(join(parts), f"body.{block}.rdb{dense}.conv{conv}"), [0.2]))
            y = layer(join(parts), f"body.{block}.rdb{dense}.conv5") * 0.2 + y
        y = y * 0.2 + entered
    y = first + layer(y, "conv_body")
    for name in ("conv_up1", "conv_up2"):
        if f"{name}.weight" in state:
            y = negative_part(layer(repeat(y, 2), name), [0.2])
    return layer(negative_part(layer(y, "conv_hr"), [0.2]), "conv_last")


def random_rrdbnet(blocks: int, features: int, growth: int, folds: int, ups: int = 2) -> dict[str, Any]:
    numbers = np.random.default_rng(5)
    state: dict[str, Any] = {}

    def add(name: str, out: int, seen: int) -> None:
        spread = np.sqrt(2 / (9 * seen))
        state[f"{name}.weight"] = (numbers.standard_normal((out, seen, 3, 3)) * spread).astype(np.float32)
        state[f"{name}.bias"] = (numbers.standard_normal(out) * 0.1).astype(np.float32)

    add("conv_first", features, 3 * folds**2)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                out = features if conv == 5 else growth
                add(f"body.{block}.rdb{dense}.conv{conv}", out, features + (conv - 1) * growth)
    for name in ["conv_body", "conv_hr"] + [f"conv_up{number}" for number in range(1, ups + 1)]:
        add(name, features, features)
    add("conv_last", 3, features)
    return state


def old_names(state: State, blocks: int) -> dict[str, Any]:
    """The names of the first ESRGAN releases, for a network of scale 4."""
    plain = {"conv_first": "model.0", "conv_up1": "model.3", "conv_up2": "model.6", "conv_hr": "model.8"}
    plain |= {"conv_last": "model.10", "conv_body": f"model.1.sub.{blocks}"}
    found: dict[str, Any] = {}
    for key, values in state.items():
        layer, _, kind = key.rpartition(".")
        if layer in plain:
            found[f"{plain[layer]}.{kind}"] = values
        else:
            _, block, dense, conv = layer.split(".")
            found[f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{kind}"] = values
    return found


def run(state: State, x: Any, precision: Any, folder: Path) -> Any:
    graph = Graph("test", "0" * 64, "onnx", lambda: translate(state, "test").onnx)
    engine = OpenVino()
    device = next(device for device in engine.devices() if device.kind == "cpu")
    if precision not in device.precisions:
        pytest.skip(f"not in CI: this processor does not compute in {precision}")
    compiled = engine.compile(graph, Plan(device, precision, folder))
    return compiled.run(x.transpose(2, 0, 1)[None])[0]


def psnr(a: Any, b: Any) -> float:
    """Of results clipped to a picture's range."""
    a, b = np.clip(a, 0, 1), np.clip(b, 0, 1)
    return float(10 * np.log10(1 / max(np.mean((a.astype(np.float64) - b) ** 2), 1e-20)))


def picture(path: Path, side: int | None) -> Any:
    found = cv2.imread(str(path))
    assert found is not None
    return np.ascontiguousarray(found[:side, :side, ::-1]).astype(np.float32) / 255


@pytest.mark.parametrize("witness", [WITNESS])
@pytest.mark.parametrize(("precision", "least"), [("fp32", 60), ("bf16", 45)])
@pytest.mark.parametrize("name", ["jpeg_artifacts/baboon.lq", "jpeg_artifacts/comic.lq", "sr_hr/set5_002_LRx4"])
@pytest.mark.parametrize("model", ["realesr-animevideov3", "compact-lite-x4"])
def test_real_weights_give_what_pytorch_gives(
    model: str, name: str, precision: str, least: float, witness: str, shared: Path, tmp_path: Path
) -> None:
    state = read_tensors(shared / "models" / "upscale" / f"{model}.pth")
    x = picture(shared / "images" / f"{name}.png", None if witness == "torch" else 48)
    result = run(state, x, precision, tmp_path)
    assert psnr(result, finish(srvgg(state, start(x)))) >= least


@pytest.mark.parametrize("witness", [WITNESS])
@pytest.mark.parametrize(("folds", "scale"), [(1, 4), (2, 2), (4, 1)])
def test_rrdbnet_of_random_weights(folds: int, scale: int, witness: str, tmp_path: Path) -> None:
    state = random_rrdbnet(2, 16, 8, folds)
    x = np.random.default_rng(1).random((24, 32, 3), np.float32)
    wanted = finish(rrdbnet(state, start(x), folds))
    result = run(state, x, "fp32", tmp_path)
    assert result.shape == (3, 24 * scale, 32 * scale)
    assert abs(result - wanted).max() < 1e-4 * max(abs(wanted).max(), 1), witness


def test_old_key_names_are_the_same_network(tmp_path: Path) -> None:
    state = random_rrdbnet(2, 8, 4, 1)
    x = np.random.default_rng(1).random((16, 16, 3), np.float32)
    np.testing.assert_array_equal(run(old_names(state, 2), x, "fp32", tmp_path), run(state, x, "fp32", tmp_path))


def test_srvgg_without_slopes(tmp_path: Path) -> None:
    """Variants with a leaky rectifier have no tensors for it."""
    numbers = np.random.default_rng(2)
    shapes = {0: (8, 3), 2: (8, 8), 4: (12, 8)}
    state: dict[str, Any] = {}
    for index, (out, seen) in shapes.items():
        state[f"body.{index}.weight"] = numbers.standard_normal((out, seen, 3, 3)).astype(np.float32) / 8
        state[f"body.{index}.bias"] = numbers.standard_normal(out).astype(np.float32)
    x = numbers.random((16, 16, 3), np.float32)
    assert recognise(state, "test").scale == 2
    np.testing.assert_allclose(run(state, x, "fp32", tmp_path), finish(srvgg(state, start(x))), atol=1e-4)


def test_graphs_are_of_a_version_that_engines_read() -> None:
    model = onnx.load_model_from_string(translate(random_rrdbnet(1, 8, 4, 2), "test").onnx)
    onnx.checker.check_model(model)
    assert model.ir_version == 9
    assert [opset.version for opset in model.opset_import] == [17]


@pytest.mark.parametrize("folds", [1, 2, 4])
def test_traits_of_rrdbnet(folds: int) -> None:
    traits = recognise(random_rrdbnet(1, 8, 4, folds), "test")
    assert (traits.architecture, traits.scale, traits.multiple) == ("rrdbnet", 4 // folds, folds)


def broken(change: str) -> dict[str, Any]:
    state = random_rrdbnet(1, 8, 4, 1)
    match change:
        case "a missing layer":
            del state["conv_hr.weight"]
        case "a layer too many":
            state["conv_extra.weight"] = state["conv_hr.weight"]
        case "a wrong shape":
            state["body.0.rdb2.conv3.weight"] = state["body.0.rdb2.conv3.weight"][:, :-1]
        case "a wrong bias":
            state["conv_hr.bias"] = state["conv_hr.bias"][:-1]
        case "wrong channels":
            state["conv_first.weight"] = state["conv_first.weight"][:, :2]
        case _:
            return {}
    return state


@pytest.mark.parametrize(
    "change",
    ["a missing layer", "a layer too many", "a wrong shape", "a wrong bias", "wrong channels", "nothing at all"],
)
def test_tensors_that_do_not_fit_are_refused(change: str) -> None:
    with pytest.raises(UnsupportedModel, match=r"test \(\d+ of them|The tensors of test"):
        translate(broken(change), "test")
