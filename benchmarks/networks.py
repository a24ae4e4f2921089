"""The networks alone: microseconds for each input pixel, against PyTorch as people run it, and against the chip.

    python benchmarks/networks.py [--weights FOLDER] [--quick]

RRDBNet x4 and x2 (23 blocks, Real-ESRGAN's) and the compact network with 32 convolutions, on tiles of the size that
Darkroom takes. PyTorch eager in fp32 is what the reference packages do; it needs ``make torch`` and is left out where
it is not here. Every way runs the same weights: random ones, or, for the compact network, ``compact-lite-x4.pth`` of
``--weights``. The ways take turns, and the least time of each counts. PSNR is of the result against PyTorch's, or else
against our fp32. The ceiling is the best rate of chains of 3 x 3 convolutions of several widths, which take turns with
the networks, so that noise meets both. What a GPU would do is not measured where there is none.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import bars, house, multiplications, psnr, rrdbnet, side_by_side, srvgg, tell

EAGER = "PyTorch eager fp32"
SIDES = {"RRDBNet x4": 192, "RRDBNet x2": 384, "compact x4": 192}


def eager(name: str, state: Any) -> Any:
    """The network in PyTorch, written as its authors do, with those weights; None where PyTorch is not here."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch
    from torch.nn import functional

    weights = {key: torch.from_numpy(np.array(value)) for key, value in state.items()}

    def conv(value: Any, layer: str) -> Any:
        return functional.conv2d(value, weights[f"{layer}.weight"], weights[f"{layer}.bias"], padding=1)

    def lrelu(value: Any) -> Any:
        return functional.leaky_relu(value, 0.2, inplace=True)

    def dense(value: Any, prefix: str) -> Any:
        grown = [value]
        for number in range(1, 5):
            grown.append(lrelu(conv(torch.cat(grown, 1), f"{prefix}.conv{number}")))
        return conv(torch.cat(grown, 1), f"{prefix}.conv5") * 0.2 + value

    def compact(value: Any) -> Any:
        last = max(int(key.split(".")[1]) for key in weights)
        result = value
        for index in range(0, last + 1, 2):
            result = conv(result, f"body.{index}")
            if index < last:
                result = functional.prelu(result, weights[f"body.{index + 1}.weight"])
        enlarged = functional.interpolate(value, scale_factor=4, mode="nearest")
        return functional.pixel_shuffle(result, 4) + enlarged

    def residual(value: Any) -> Any:
        blocks = 1 + max(int(key.split(".")[1]) for key in weights if key.startswith("body."))
        folded = functional.pixel_unshuffle(value, 2) if name.endswith("x2") else value
        first = result = conv(folded, "conv_first")
        for block in range(blocks):
            entered = result
            for number in (1, 2, 3):
                result = dense(result, f"body.{block}.rdb{number}")
            result = result * 0.2 + entered
        result = first + conv(result, "conv_body")
        for layer in ("conv_up1", "conv_up2"):
            result = lrelu(conv(functional.interpolate(result, scale_factor=2, mode="nearest"), layer))
        return conv(lrelu(conv(result, "conv_hr")), "conv_last")

    network = compact if name.startswith("compact") else residual

    def run(batch: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(batch)).numpy()

    return run


def ceiling(precisions: tuple[str, ...], *, quick: bool = False) -> dict[tuple[str, float], Callable[[], Any]]:
    """Chains of 3 x 3 convolutions of several widths, by precision and how many operations each is."""
    import openvino
    import openvino.opset13 as ops

    core = openvino.Core()
    numbers = np.random.default_rng(0)
    works: dict[tuple[str, float], Callable[[], Any]] = {}
    for channels, side in ((128, 64),) if quick else ((128, 128), (192, 96), (256, 96), (512, 64)):
        batch = numbers.standard_normal((1, channels, side, side), np.float32)
        weights = numbers.standard_normal((4, channels, channels, 3, 3), np.float32) / np.float32(3 * channels**0.5)
        for precision in precisions:
            start = value = ops.parameter([1, channels, side, side], np.float32)
            for weight in weights:
                kernel = ops.constant(weight)
                if precision == "int8":
                    most = np.abs(weight).max()
                    value = ops.fake_quantize(value, *map(np.float32, (-4, 4, -4, 4)), 256)
                    kernel = ops.fake_quantize(kernel, -most, most, -most, most, 255)
                value = ops.convolution(value, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
            hint = {"bf16": "bf16", "int8": "bf16" if "bf16" in precisions else "f32"}.get(precision, "f32")
            options = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
            request = core.compile_model(openvino.Model([value], [start]), "CPU", options).create_infer_request()
            operations = 2.0 * weights.size * side**2
            works[precision, operations] = lambda request=request, batch=batch: request.infer({0: batch})
    return works


def profile(data: bytes, side: int) -> list[dict[str, Any]]:
    """Share of the time by kind of layer, as OpenVINO counts it, in the device's usual precision."""
    import openvino

    core = openvino.Core()
    model = core.read_model(data)
    model.reshape([1, 3, side, side])
    kinds: dict[str, str] = {}
    computed: Counter[str] = Counter()
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution":
            _, out, height, width = node.get_output_shape(0)
            larger = f", {height / side:g} x the size" if height != side else ""
            kind = f"convolutions to {out} channels{larger}"
            computed[kind] += 2 * int(np.prod(node.get_input_shape(1))) * height * width
            # The last layer goes by the name of the network's output.
            kinds.update(dict.fromkeys((node.get_friendly_name(), *_heirs(node)), kind))
    compiled = core.compile_model(model, "CPU", {"PERF_COUNT": True, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    batch = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    best: dict[str, tuple[float, str]] = {}
    for _ in range(4):
        request.infer({0: batch})
        for part in request.profiling_info:
            seconds = part.real_time.total_seconds()
            kind = kinds.get(part.node_name, part.node_type)
            if seconds > 0:
                best[part.node_name] = (min(best.get(part.node_name, (seconds, kind))[0], seconds), kind)
    total: Counter[str] = Counter()
    for seconds, kind in best.values():
        total[kind] += seconds
    whole = sum(total.values())
    return [
        {
            "layers": kind,
            "us per pixel": round(seconds / side**2 * 1e6, 2),
            "share": f"{seconds / whole:.0%}",
            "TFLOP/s": f"{computed[kind] / seconds / 1e12:.2f}" if computed[kind] else "",
        }
        for kind, seconds in total.most_common(6)
    ]


def _heirs(node: Any) -> list[str]:
    """The outputs of the network that a layer's result goes to, if only by way of its bias."""
    users = [taker.get_node() for taker in node.output(0).get_target_inputs()]
    if len(users) == 1 and users[0].get_type_name() == "Add":
        users = [taker.get_node() for taker in users[0].output(0).get_target_inputs()]
    return [name for user in users if user.get_type_name() == "Result" for name in user.input_value(0).get_names()]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", type=Path, help="folder with compact-lite-x4.pth")
    parser.add_argument("--quick", action="store_true", help="small networks and tiles, one round")
    chosen = parser.parse_args()
    from darkroom.engines.engine import Graph, Plan
    from darkroom.engines.onnxruntime import OnnxRuntime
    from darkroom.engines.openvino import OpenVino
    from darkroom.errors import DarkroomError
    from darkroom.models.architectures.translate import translate
    from darkroom.models.weights import read_tensors

    blocks = 2 if chosen.quick else 23
    compact = srvgg(4 if chosen.quick else 32)
    if chosen.weights:
        compact = read_tensors(chosen.weights / "compact-lite-x4.pth")
    networks = {"RRDBNet x4": rrdbnet(blocks), "RRDBNet x2": rrdbnet(blocks, folds=2), "compact x4": compact}
    engines = [OpenVino(), *([OnnxRuntime()] if OnnxRuntime().installed() else [])]
    devices = [next(device for device in engine.devices() if device.kind == "cpu") for engine in engines]
    limits = ceiling(devices[0].precisions, quick=chosen.quick)
    most: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    with house() as place:
        for name, state in networks.items():
            side = 64 if chosen.quick else SIDES[name]
            data = translate(state, name).onnx
            operations = 2 * multiplications(state, 2 if name.endswith("x2") else 1) * side**2
            batch = np.random.default_rng(0).random((1, 3, side, side), np.float32) * 0.3 + 0.35
            works: dict[Any, Callable[[], Any]] = dict(limits)
            reference = eager(name, state)
            if reference is not None:
                works[EAGER] = lambda reference=reference, batch=batch: reference(batch)
            for engine, device in zip(engines, devices, strict=True):
                for precision in device.precisions:
                    graph = Graph(name, name.replace(" ", "") * 4, "onnx", lambda data=data: data)
                    label = f"Darkroom, {engine.name} {precision}"
                    try:
                        compiled = engine.compile(graph, Plan(device, precision, place.folder, 0, batch.shape))
                    except DarkroomError as error:
                        print(f"{name}: {label} is left out: {error.message}")
                        continue
                    works[label] = lambda compiled=compiled, batch=batch: compiled.run(batch)
            times = side_by_side(works, 1 if chosen.quick else 4)
            for precision, amount in limits:
                most[precision] = max(most.get(precision, 0.0), amount / times.pop((precision, amount)) / 1e12)
            exact = np.array(works.get(EAGER, works["Darkroom, openvino fp32"])())
            slowest = times.get(EAGER)
            for label, seconds in times.items():
                rows.append(
                    {
                        "network": name,
                        "run by": label,
                        "us per pixel": round(seconds / side**2 * 1e6, 2),
                        "times PyTorch": f"{slowest / seconds:.1f}" if slowest else "",
                        "PSNR, dB": "" if label == EAGER else decibels(psnr(works[label](), exact)),
                        "TFLOP/s": round(operations / seconds / 1e12, 2),
                    }
                )
            if name == "RRDBNet x4":
                shares = profile(data, side)
    for row in rows:
        precision = row["run by"].rpartition(" ")[2]
        row["of the measured ceiling"] = f"{row['TFLOP/s'] / most[precision]:.0%} of {most[precision]:.2f}"
    gpu = {"network": "all", "run by": "a GPU: PyTorch fp16, ONNX Runtime CUDA", "us per pixel": "not measured"}
    rows.append(gpu)
    tell("networks", rows, "python benchmarks/networks.py --weights FOLDER", ceiling=most)
    tell("profile", shares, "python benchmarks/networks.py --weights FOLDER", ceiling=most)
    first = {str(row["run by"]): float(row["us per pixel"]) for row in rows if row["network"] == "RRDBNet x4"}
    bars("networks", "RRDBNet x4, microseconds for each input pixel (less is better)", first, "us")


def decibels(value: float) -> str:
    """As text; what differs in the last digits of a float only is not told apart."""
    return f"{value:.1f}" if value < 110 else "over 110"


if __name__ == "__main__":
    main()
