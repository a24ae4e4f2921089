"""The networks alone: microseconds for each input pixel, against PyTorch as people run it, and against the chip.

    python benchmarks/networks.py [--weights FOLDER] [--quick]

RRDBNet x4 and x2 (23 blocks, Real-ESRGAN's) and the compact network with 32 convolutions, on tiles of the size that
Darkroom takes. PyTorch eager in fp32 is what the reference packages do; it needs ``make torch`` and is left out where
it is not here. Every way runs the same weights: random ones, or, for the compact network, ``compact-lite-x4.pth`` of
``--weights``. The ways take turns, and the least time of each counts. PSNR is of the result against PyTorch's, or else
against our fp32. The ceiling is the best rate of 3 x 3 convolutions of several widths in the same run. What a GPU would
do is not measured where there is none.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from common import bars, house, multiplications, psnr, rrdbnet, side_by_side, srvgg, tell

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


def ceiling(folder: Path) -> dict[str, float]:
    """Tera-operations a second of the best of several 3 x 3 convolutions, by precision."""
    from darkroom.engines.engine import Graph, Plan
    from darkroom.engines.openvino import OpenVino
    from darkroom.models.architectures.graph import Builder

    engine = OpenVino()
    device = next(device for device in engine.devices() if device.kind == "cpu")
    found: dict[str, float] = {}
    for channels, side in ((128, 128), (192, 96), (256, 96), (512, 64)):
        build = Builder("ceiling")
        numbers = np.random.default_rng(0)
        value = "input"
        for _ in range(4):
            weight = numbers.standard_normal((channels, channels, 3, 3)) / (3 * channels**0.5)
            value = build.convolve(value, weight.astype(np.float32), None)
        data = build.finish(value, channels)
        batch = numbers.random((1, channels, side, side), np.float32)
        works: dict[str, Any] = {}
        for precision in device.precisions:
            if precision == "int8":
                continue
            graph = Graph("ceiling", f"ceiling{channels}" * 4, "onnx", lambda data=data: data)
            compiled = engine.compile(graph, Plan(device, precision, folder, 0, batch.shape))
            works[precision] = lambda compiled=compiled, batch=batch: compiled.run(batch)
        operations = 2 * 4 * 9 * channels**2 * side**2
        for precision, seconds in side_by_side(works, 5).items():
            found[precision] = max(found.get(precision, 0.0), operations / seconds / 1e12)
    return found


def profile(data: bytes, side: int) -> list[dict[str, Any]]:
    """Share of the time by kind of layer, as OpenVINO counts it, in the device's usual precision."""
    from darkroom.engines.openvino import OpenVino

    OpenVino().devices()
    import openvino

    core = openvino.Core()
    model = core.read_model(data)
    model.reshape([1, 3, side, side])
    compiled = core.compile_model(model, "CPU", {"PERF_COUNT": True, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    batch = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    best: dict[str, tuple[float, str]] = {}
    widths = {
        node.get_friendly_name(): node.get_output_partial_shape(0)[1].get_length()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution"
    }
    for _ in range(4):
        request.infer({0: batch})
        for part in request.profiling_info:
            seconds = part.real_time.total_seconds()
            kind = part.node_type
            if kind == "Convolution":
                width = widths.get(part.node_name) or widths.get(part.node_name.removesuffix("/WithoutBiases"), 0)
                kind = f"convolutions to {width} channels" if width else "convolutions"
            if seconds > 0:
                best[part.node_name] = (min(best.get(part.node_name, (seconds, kind))[0], seconds), kind)
    total: Counter[str] = Counter()
    for seconds, kind in best.values():
        total[kind] += seconds
    whole = sum(total.values())
    return [
        {"layers": kind, "us per pixel": round(seconds / side**2 * 1e6, 2), "share": f"{seconds / whole:.0%}"}
        for kind, seconds in total.most_common(6)
    ]


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
    rows: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    with house() as place:
        most = ceiling(place.folder)
        print(f"ceiling: {', '.join(f'{value:.2f} TFLOP/s in {name}' for name, value in most.items())}")
        for name, state in networks.items():
            side = 64 if chosen.quick else SIDES[name]
            data = translate(state, name).onnx
            operations = 2 * multiplications(state, 2 if name.endswith("x2") else 1)
            batch = np.ascontiguousarray(np.random.default_rng(0).random((1, 3, side, side), np.float32))
            batch = np.clip(0.5 + 0.3 * (batch - 0.5), 0, 1)
            works: dict[str, Any] = {}
            reference = eager(name, state)
            if reference is not None:
                works["PyTorch eager fp32"] = lambda reference=reference, batch=batch: reference(batch)
            engines = [OpenVino(), *([OnnxRuntime()] if OnnxRuntime().installed() else [])]
            for engine in engines:
                device = next(device for device in engine.devices() if device.kind == "cpu")
                for precision in device.precisions:
                    graph = Graph(name, name.replace(" ", "") * 4, "onnx", lambda data=data: data)
                    label = f"Darkroom, {engine.name} {precision}"
                    try:
                        compiled = engine.compile(graph, Plan(device, precision, place.folder, 0, batch.shape))
                    except DarkroomError as error:
                        print(f"{name}: {label} is left out: {error.message}")
                        continue
                    works[label] = lambda compiled=compiled, batch=batch: compiled.run(batch)
            times = side_by_side(works, 1 if chosen.quick else 3)
            exact = works.get("PyTorch eager fp32", works["Darkroom, openvino fp32"])()
            slowest = times.get("PyTorch eager fp32")
            for label, seconds in times.items():
                rows.append(
                    {
                        "network": name,
                        "run by": label,
                        "us per pixel": round(seconds / side**2 * 1e6, 2),
                        "times PyTorch": f"{slowest / seconds:.1f}" if slowest else "",
                        "PSNR, dB": "" if label.startswith("PyTorch") else f"{psnr(works[label](), exact):.1f}",
                        "TFLOP/s": round(operations * side**2 / seconds / 1e12, 2),
                    }
                )
            # The machine may have been busy the first time.
            most = {precision: max(most[precision], rate) for precision, rate in ceiling(place.folder).items()}
            if name == "RRDBNet x4":
                shares = profile(data, side)
    for row in rows:
        precision = str(row["run by"]).rpartition(" ")[2]
        limit = most.get("bf16" if precision == "int8" and "bf16" in most else precision, most["fp32"])
        of = " of bf16" if precision == "int8" else ""
        row["of the measured ceiling"] = f"{row['TFLOP/s'] / limit:.0%}{of}"
    gpu = {"network": "all", "run by": "a GPU: PyTorch fp16, ONNX Runtime CUDA", "us per pixel": "not measured"}
    rows.append(gpu)
    tell("networks", rows, "python benchmarks/networks.py --weights FOLDER", ceiling=most)
    tell("profile", shares, "python benchmarks/networks.py", ceiling=most)
    first = {str(row["run by"]): float(row["us per pixel"]) for row in rows if row["network"] == "RRDBNet x4"}
    bars("networks", "RRDBNet x4, microseconds for each input pixel (less is better)", first, "us")


if __name__ == "__main__":
    main()
