"""SRVGGNetCompact: the small networks of Real-ESRGAN (realesr-animevideov3, realesr-general-x4v3) and of many others.

A row of 3 x 3 convolutions with an activation after each but the last, pixel shuffle, and the input enlarged by
repetition added on top. Source: Wang et al., Real-ESRGAN (arXiv 2107.10833) and its repository's ``srvgg_arch.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.models.architectures.graph import Builder, Traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Mapping[str, "NDArray[Any]"]
_KEY = re.compile(r"body\.(\d+)\.(weight|bias)")
SLOPE = 0.1
"""Of the leaky rectifier, in the variants that have no slopes of their own."""


def recognise(state: State) -> Traits | None:
    """What the network is like; None where these are not its tensors."""
    rows = _convolutions(state)
    if rows is None:
        return None
    first, last = state[f"body.{rows[0]}.weight"], state[f"body.{rows[-1]}.weight"]
    channels = int(first.shape[1])
    scale = isqrt(int(last.shape[0]) // channels)
    if scale < 1 or channels * scale * scale != last.shape[0]:
        return None
    # The receptive field is a pixel for each convolution; what lies in its outer half hardly matters.
    values = 2 * max(int(first.shape[0]), int(last.shape[0])) + 3 * channels * scale**2
    return Traits("srvgg", scale, channels, overlap=12 if len(rows) <= 20 else 16, values=values)


def _convolutions(state: State) -> list[int] | None:
    """Indices of the convolutions in ``body``, checked for fitting each other."""
    if not state or not all(_KEY.fullmatch(key) for key in state):
        return None
    weights = {int(key.split(".")[1]): tensor for key, tensor in state.items() if key.endswith(".weight")}
    rows = sorted(index for index, tensor in weights.items() if tensor.ndim == 4)
    if len(rows) < 2 or rows[0] != 0:
        return None
    for before, after in pairwise(rows):
        if after - before != 2 or weights[after].shape[1] != weights[before].shape[0]:
            return None
        slopes = weights.get(before + 1)
        if slopes is not None and slopes.shape not in ((1,), (weights[before].shape[0],)):
            return None
    if any(weights[row].shape[2:] != (3, 3) for row in rows):
        return None
    return rows


def emit(state: State, name: str) -> bytes:
    """The ONNX model of tensors that :func:`recognise` took."""
    traits, rows = recognise(state), _convolutions(state)
    assert traits is not None
    assert rows is not None
    build = Builder(name)
    value = "input"
    # With learned slopes the activation is PReLU; without, the authors' choices are a plain or a leaky rectifier, which
    # leave no trace in the file. Their networks and those of others that have no slopes use the leaky one.
    for row in rows:
        value = build.convolve(value, state[f"body.{row}.weight"], state.get(f"body.{row}.bias"))
        if row == rows[-1]:
            break
        slopes = state.get(f"body.{row + 1}.weight")
        if slopes is None:
            value = build.leaky(value, SLOPE)
        else:
            value = build.node("PRelu", value, build.constant(np.reshape(slopes, (-1, 1, 1))))
    if traits.scale > 1:
        value = build.shuffle(value, traits.scale)
        base = build.enlarge("input", traits.scale)
    else:
        base = "input"
    return build.finish(build.node("Add", value, base), traits.channels)
