"""Networks of convolutions in int8: which numbers occur where, and whether the result is still good enough.

A processor with AMX or VNNI multiplies eight-bit integers twice to four times as fast as bf16 or fp32. The inputs of
every convolution become 256 steps between the least and the largest value that pictures cause there (static calibration
after training; Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference, arXiv 1712.05877), its weights 255 steps between the largest of each output channel and its negative. The
first convolution, which sees the picture itself, and whatever lies between convolutions stay as they are. Networks
whose blocks are added to a stream that is not quantised (RRDBNet) stand this well; a plain chain of convolutions
(SRVGG) adds up the error of each and does not, and is refused.

The pictures are always the same, so that what a network gives does not depend on what it saw first.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.errors import OutputError, UnsupportedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.engines.engine import Graph, Plan

ENOUGH = 40.0
"""Least PSNR against fp32, in decibels, with which int8 is used."""
SIDE = 64
"""Of the pictures that networks are calibrated with, in pixels; they lie in rows in one file."""
HELD_OUT = 2
"""How many of them, the last, are left to measure with."""
SPREADS = (100.0, 99.99)
"""Percentiles of the values that the steps reach to, tried in turn: the rare largest ones make the steps coarse."""
METHOD = 1
"""Counts changes of the method: what was found with an older one is found again."""

Place = str
"""A tensor of the network, by the name and the output of the node that makes it."""
Ranges = dict[Place, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Least and largest value of each tensor that is quantised, and the PSNR in dB that is left against fp32."""

    ranges: Ranges
    psnr: float


def calibrated(core: Any, data: bytes, graph: Graph, plan: Plan) -> Calibration:
    """What was found for this network, now or earlier. Raises UnsupportedModel where int8 loses too much."""
    from darkroom.codecs import write_atomically
    from darkroom.engines.openvino import folder_of

    path = folder_of(graph, plan) / "calibration.json"
    found = _read(path)
    if found is None:
        found = _calibrate(core, data, graph.name)
        content = {"method": METHOD, "psnr": found.psnr, "ranges": found.ranges}
        # Where nothing can be kept, the next start finds it again.
        with contextlib.suppress(OSError, OutputError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(content).encode())
    if found.psnr < ENOUGH:
        raise UnsupportedModel(
            f"{graph.name} in int8 is {found.psnr:.1f} dB from its results in fp32, and {ENOUGH:g} are wanted.",
            cure="Leave the precision at auto.",
        )
    return found


def _read(path: Any) -> Calibration | None:
    try:
        content: Any = json.loads(path.read_text())
        if content["method"] != METHOD:
            return None
        return Calibration({place: (low, high) for place, (low, high) in content["ranges"].items()}, content["psnr"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pictures() -> list[NDArray[np.float32]]:
    """What networks are calibrated with, ``1 x 3 x SIDE x SIDE`` each, 0.0 to 1.0; the last two to measure with."""
    import cv2

    data = np.frombuffer(resources.files("darkroom.engines").joinpath("calibration.jpg").read_bytes(), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    sheet = decoded.astype(np.float32) / 255
    rows, columns = sheet.shape[0] // SIDE, sheet.shape[1] // SIDE
    cut = sheet[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    return list(np.ascontiguousarray(cut.transpose(0, 2, 4, 1, 3)).reshape(-1, 1, 3, SIDE, SIDE))


def _calibrate(core: Any, data: bytes, name: str) -> Calibration:
    model = core.read_model(data)
    shape = model.input(0).get_partial_shape()
    if len(shape) != 4 or not shape[1].is_static or shape[1].get_length() not in (1, 3) or shape[2].is_static:
        raise UnsupportedModel(
            f"{name} does not take pictures of any size, and only such networks are calibrated for int8.",
            cure="Leave the precision at auto.",
        )
    sheet = pictures()
    if shape[1].get_length() == 1:
        sheet = [picture.mean(axis=1, keepdims=True) for picture in sheet]
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    reference = core.compile_model(model, "CPU", exact)
    tests = [(picture, reference(picture)[0].copy()) for picture in sheet[-HELD_OUT:]]
    seen = _values(core, data, sheet[:-HELD_OUT])
    best = Calibration({}, -math.inf)
    for spread in SPREADS:
        ranges = {place: found[spread] for place, found in seen.items()}
        network = core.compile_model(quantise(core.read_model(data), ranges), "CPU", exact)
        errors = [error(network(picture)[0], wanted) for picture, wanted in tests]
        psnr = -10 * math.log10(max(sum(errors) / len(errors), 1e-12)) if np.isfinite(errors).all() else -math.inf
        if psnr > best.psnr:
            best = Calibration(ranges, psnr)
    if not math.isfinite(best.psnr):
        return Calibration({}, 0.0)
    return best


def error(result: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean square of the difference between two pictures, 0.0 to 1.0."""
    return float(np.mean((np.clip(result, 0, 1) - np.clip(wanted, 0, 1)) ** 2))


def _values(core: Any, data: bytes, sheet: list[NDArray[np.float32]]) -> dict[Place, dict[float, tuple[float, float]]]:
    """Between which values, for each of SPREADS, those that pictures cause lie, in every tensor to be quantised."""
    model = core.read_model(data)
    places: dict[Place, Any] = {}
    for _, sources in _convolutions(model):
        places.update({_place(source): source for source in sources})
    first = len(model.outputs)
    for source in places.values():
        model.add_outputs(source)
    network = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = {place: dict.fromkeys(SPREADS, (0.0, 1e-6)) for place in places}
    for picture in sheet:
        results = network(picture)
        for number, found in enumerate(seen.values()):
            values = results[first + number]
            for spread in SPREADS:
                low, high = np.percentile(values, [100 - spread, spread])
                found[spread] = (min(found[spread][0], float(low)), max(found[spread][1], float(high)))
    return seen


def _place(source: Any) -> Place:
    return f"{source.get_node().get_friendly_name()}:{source.get_index()}"


def _convolutions(model: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Every convolution but those on the picture itself, with the tensors that reach it, those of a Concat apart."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Convolution":
            continue
        made = node.input_value(0)
        joined = made.get_node()
        if joined.get_type_name() == "Concat" and joined.get_axis() == 1:
            sources = [joined.input_value(number) for number in range(joined.get_input_size())]
        else:
            sources = [made]
        if not any(_is_picture(source) for source in sources):
            yield node, sources


def _is_picture(source: Any) -> bool:
    """True for the network's input, also where only its pixels were moved."""
    node = source.get_node()
    while node.get_type_name() in ("SpaceToDepth", "Transpose", "Reshape", "Pad"):
        node = node.input_value(0).get_node()
    return node.get_type_name() == "Parameter"


def quantise(model: Any, ranges: Ranges) -> Any:
    """Round what every convolution takes to the steps of int8; OpenVINO then computes them in it. Changes ``model``.

    The tensors of a Concat are rounded before it, each to steps of its own: it then moves a quarter of the bytes.
    """
    import openvino.opset13 as ops

    rounded: dict[Place, Any] = {}
    joined: dict[str, Any] = {}

    def steps(source: Any) -> Any:
        place = _place(source)
        if place not in rounded:
            low, high = np.float32(ranges[place][0]), np.float32(ranges[place][1])
            rounded[place] = ops.fake_quantize(source, low, high, low, high, 256).output(0)
        return rounded[place]

    for node, sources in list(_convolutions(model)):
        if len(sources) == 1:
            node.input(0).replace_source_output(steps(sources[0]))
        else:
            name = node.input_value(0).get_node().get_friendly_name()
            if name not in joined:
                joined[name] = ops.concat([steps(source) for source in sources], 1).output(0)
            node.input(0).replace_source_output(joined[name])
        values = np.asarray(node.input_value(1).get_node().data, np.float32)
        step = np.maximum(np.abs(values).max(axis=(1, 2, 3), keepdims=True), np.float32(1e-8)) / np.float32(127)
        whole = ops.convert(ops.constant(np.rint(values / step).astype(np.int8)), "f32")
        node.input(1).replace_source_output(ops.multiply(whole, ops.constant(step)).output(0))
    model.validate_nodes_and_infer_types()
    return model
