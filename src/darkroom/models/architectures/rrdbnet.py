"""RRDBNet: the network of ESRGAN and Real-ESRGAN, in its new and its old key names.

Residual-in-residual dense blocks between a first convolution and nearest-neighbour enlargement in steps of two; the
x2 and x1 networks fold the input's pixels into channels first. Source: Wang et al., ESRGAN (arXiv 1809.00219) and
Real-ESRGAN (arXiv 2107.10833); key names as in BasicSR's ``rrdbnet_arch.py`` and in the first ESRGAN releases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.models.architectures.graph import Builder, Traits, repacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Mapping[str, "NDArray[Any]"]
SLOPE = 0.2
RESIDUAL = 0.2


def _renamed(state: State) -> dict[str, NDArray[Any]] | None:
    """The tensors under today's names; None where they are not of this architecture or of a variant with more layers.

    The first releases wrote ``model.1.sub.N.RDB1.conv1.0.weight`` for ``body.N.rdb1.conv1.weight`` and numbered the
    layers after the blocks: 3 and 6 the two enlargements, 8 and 10 the last convolutions (one number earlier for each
    enlargement that a x2 or x1 network lacks, which is why they are counted from the end).
    """
    if "conv_first.weight" in state:
        return dict(state)
    if "model.0.weight" not in state:
        return None
    trunk = max((int(m[1]) for key in state if (m := re.match(r"model\.1\.sub\.(\d+)\.weight", key))), default=None)
    tail = sorted({int(m[1]) for key in state if (m := re.fullmatch(r"model\.(\d+)\.weight", key)) and int(m[1]) > 1})
    if trunk is None or len(tail) < 2:
        return None
    names = {0: "conv_first", tail[-2]: "conv_hr", tail[-1]: "conv_last"}
    names |= {layer: f"conv_up{number}" for number, layer in enumerate(tail[:-2], 1)}
    found: dict[str, NDArray[Any]] = {}
    for key, tensor in state.items():
        kind = key.rpartition(".")[2]
        if block := re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(?:weight|bias)", key):
            found[f"body.{block[1]}.rdb{block[2]}.conv{block[3]}.{kind}"] = tensor
        elif re.fullmatch(rf"model\.1\.sub\.{trunk}\.(?:weight|bias)", key):
            found[f"conv_body.{kind}"] = tensor
        elif (layer := re.fullmatch(r"model\.(\d+)\.(?:weight|bias)", key)) and int(layer[1]) in names:
            found[f"{names[int(layer[1])]}.{kind}"] = tensor
        else:
            return None
    return found


def _blocks(state: State) -> int:
    return 1 + max(
        (int(m[1]) for key in state if (m := re.match(r"body\.(\d+)\.rdb1\.conv1\.weight", key))), default=-1
    )


def _expected(blocks: int, ups: int) -> set[str]:
    layers = ["conv_first", "conv_body", "conv_hr", "conv_last"] + [f"conv_up{number}" for number in range(1, ups + 1)]
    layers += [
        f"body.{block}.rdb{dense}.conv{conv}" for block in range(blocks) for dense in (1, 2, 3) for conv in range(1, 6)
    ]
    return {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def recognise(state: State) -> Traits | None:
    """What the network is like; None where these are not its tensors."""
    found = _renamed(state)
    if found is None:
        return None
    blocks = _blocks(found)
    ups = sum(f"conv_up{number}.weight" in found for number in (1, 2, 3))
    if blocks == 0 or set(found) != _expected(blocks, ups) or not _fits(found, blocks, ups):
        return None
    channels, seen = int(found["conv_last.weight"].shape[0]), int(found["conv_first.weight"].shape[1])
    folds = {channels: 1, channels * 4: 2, channels * 16: 4}.get(seen)
    if folds is None or 2**ups % folds:
        return None
    # The receptive field is hundreds of pixels, but what lies beyond a dozen hardly matters: with these overlaps tiles
    # are more than 70 dB from the whole picture, and wider than the 10 pixels that the authors take, without blending.
    features, growth = int(found["conv_first.weight"].shape[0]), int(found["body.0.rdb1.conv1.weight"].shape[0])
    # The largest maps are those of the last convolutions, two at a time; in the trunk, a dense block beside its stream.
    trunk, tail = 4 * features + 8 * growth, 2 * features * 4**ups
    values = channels * (1 + (2**ups // folds) ** 2) + (trunk + tail) // folds**2
    return Traits(
        "rrdbnet", 2**ups // folds, channels, multiple=folds, overlap=12 if folds == 1 else 8 * folds, values=values
    )


def _fits(state: State, blocks: int, ups: int) -> bool:
    """Whether the shapes are those of the architecture, for any number of features and growth channels."""
    first, growing = state["conv_first.weight"], state["body.0.rdb1.conv1.weight"]
    if first.ndim != 4 or growing.ndim != 4:
        return False
    features, growth = int(first.shape[0]), int(growing.shape[0])
    if min(features, growth) < 1:
        return False
    wanted = {f"conv_up{number}": (features, features) for number in range(1, ups + 1)}
    wanted |= {"conv_body": (features, features), "conv_hr": (features, features)}
    wanted |= {"conv_last": (int(state["conv_last.weight"].shape[0]), features)}
    wanted |= {"conv_first": (features, int(first.shape[1]))}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                out = features if conv == 5 else growth
                wanted[f"body.{block}.rdb{dense}.conv{conv}"] = (out, features + (conv - 1) * growth)
    return all(
        state[f"{layer}.weight"].shape == (out, seen, 3, 3) and state[f"{layer}.bias"].shape == (out,)
        for layer, (out, seen) in wanted.items()
    )


def emit(state: State, name: str) -> bytes:
    """The ONNX model of tensors that :func:`recognise` took."""
    traits, found = recognise(state), _renamed(state)
    assert traits is not None
    assert found is not None
    build = Builder(name)

    def convolve(value: str, layer: str, factor: float = 1.0) -> str:
        weight, bias = found[f"{layer}.weight"], found[f"{layer}.bias"]
        if factor != 1.0:
            weight, bias = weight.astype(np.float32) * np.float32(factor), bias.astype(np.float32) * np.float32(factor)
        return build.convolve(value, weight, bias)

    value, folds = "input", traits.multiple
    if folds > 1:
        value = build.unshuffle(value, folds)
        found["conv_first.weight"] = repacked(found["conv_first.weight"], folds)
    first = value = convolve(value, "conv_first")
    for block in range(_blocks(found)):
        entered = value
        for dense in (1, 2, 3):
            grown = [value]
            for conv in range(1, 5):
                joined = grown[0] if conv == 1 else build.node("Concat", *grown, axis=1)
                grown.append(build.leaky(convolve(joined, f"body.{block}.rdb{dense}.conv{conv}"), SLOPE))
            # The factor on the way back is folded into the weights: a multiplication less for every pixel.
            last = convolve(build.node("Concat", *grown, axis=1), f"body.{block}.rdb{dense}.conv5", RESIDUAL)
            value = build.node("Add", last, value)
        scaled = build.node("Mul", value, build.constant(np.array(RESIDUAL, np.float32)))
        value = build.node("Add", scaled, entered)
    value = build.node("Add", convolve(value, "conv_body"), first)
    for number in range(1, 4):
        if f"conv_up{number}.weight" in found:
            value = build.leaky(convolve(build.enlarge(value, 2), f"conv_up{number}"), SLOPE)
    value = build.leaky(convolve(value, "conv_hr"), SLOPE)
    return build.finish(convolve(value, "conv_last"), traits.channels)
