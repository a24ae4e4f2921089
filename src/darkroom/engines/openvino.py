"""OpenVINO, the default engine: ONNX models on the CPU, in bf16 where the processor has it, and on Intel GPUs."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.engines.engine import Compiled, Device, Form, Graph, Plan, Precision, is_out_of_memory
from darkroom.errors import ExtraMissing, InferenceFailed, OutOfMemory, UnsupportedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HINTS: dict[Precision, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
"""What is not computed in int8 is computed in the best that the device has beside it."""
_loading = threading.Lock()
CACHE_BYTES = 2_000_000_000
"""Most bytes of compiled networks kept on disk: one of Real-ESRGAN's large network is 68 MB for each shape."""


@cache
def _core() -> Any:
    # The library sends usage statistics when it is imported. Without this helper package it uses a stub that does not.
    sys.modules["openvino_telemetry"] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino
    except ImportError as error:
        raise ExtraMissing(
            "OpenVINO is not installed.", cure="pip install --force-reinstall darkroom-studio"
        ) from error
    return openvino.Core()


def _load() -> Any:
    with _loading:
        return _core()


def _cpu_precisions(core: Any) -> tuple[Precision, ...]:
    """Bf16 first where the processor computes in it, int8 last.

    OpenVINO lists BF16 as a capability of every AVX-512 processor and emulates it on the older ones, slower than
    fp32; what it would choose by itself is the better witness.
    """
    default = core.get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name()
    floats: tuple[Precision, ...] = ("bf16", "fp32") if default == "bf16" else ("fp32",)
    quantised = "INT8" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return (*floats, "int8") if quantised else floats


class OpenVino:
    """The OpenVINO engine."""

    name = "openvino"
    reads: tuple[Form, ...] = ("onnx",)

    def installed(self) -> bool:
        """True where the library is here."""
        return importlib.util.find_spec("openvino") is not None

    def version(self) -> str:
        """The library's version. Raises ExtraMissing."""
        try:
            return importlib.metadata.version("openvino")
        except importlib.metadata.PackageNotFoundError as error:
            raise ExtraMissing("OpenVINO is not installed.", cure="pip install darkroom-studio") from error

    def devices(self) -> tuple[Device, ...]:
        """Intel GPUs first, then the CPU. Raises ExtraMissing."""
        core = _load()
        found: list[Device] = []
        for name in core.available_devices:
            if name.startswith("GPU"):
                kind = str(core.get_property(name, "DEVICE_TYPE"))
                found.append(
                    Device(
                        "gpu",
                        name,
                        str(core.get_property(name, "FULL_DEVICE_NAME")),
                        ("fp16", "fp32"),
                        memory=int(core.get_property(name, "GPU_DEVICE_TOTAL_MEM_SIZE")),
                        integrated="INTEGRATED" in kind.upper(),
                    )
                )
        if "CPU" in core.available_devices:
            title = " ".join(str(core.get_property("CPU", "FULL_DEVICE_NAME")).split())
            found.append(Device("cpu", "CPU", title, _cpu_precisions(core)))
        return tuple(found)

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        """Load an ONNX model, from the cache of compiled networks where it has been before.

        Raises UnsupportedModel (also where int8 is asked for and loses too much), OutOfMemory.
        """
        if graph.form != "onnx":
            raise UnsupportedModel(
                f"{graph.name} cannot be turned into an ONNX graph, and OpenVINO runs nothing else.",
                cure="pip install 'darkroom-studio[pytorch]' runs it with PyTorch.",
            )
        core = _load()
        # The precision is always stated: left open, OpenVINO takes bf16 by itself.
        rest = plan.device.precisions[0] if plan.precision == "int8" else plan.precision
        config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": _HINTS[rest], "PERFORMANCE_HINT": "LATENCY"}
        if plan.threads and plan.device.kind == "cpu":
            config["INFERENCE_NUM_THREADS"] = plan.threads
            # OpenVINO binds its threads to the first cores: several processes would all compute on the same ones.
            config["ENABLE_CPU_PINNING"] = False
        kept = _kept(core, graph, plan)
        try:
            compiled = _from_cache(core, kept, plan.device, config)
            if compiled is None:
                compiled = core.compile_model(self._model(core, graph, plan), plan.device.id, config)
                _keep(core, compiled, kept, plan.device)
                _prune(plan.cache / "openvino")
            kinds = tuple(np.dtype(source.get_element_type().to_dtype()) for source in compiled.inputs)
            return _Session(graph.name, plan.device, plan.precision, compiled.create_infer_request(), kinds)
        except MemoryError as error:
            raise OutOfMemory(f"There is not enough memory to load {graph.name}.") from error
        except (RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"There is not enough memory to load {graph.name}: {_line(error)}") from error
            raise UnsupportedModel(
                f"OpenVINO cannot load {graph.name}: {_line(error)}",
                cure="Check the file with `darkroom models verify`, or try another engine.",
            ) from error

    def _model(self, core: Any, graph: Graph, plan: Plan) -> Any:
        # compile_model() takes bytes for a path, and can abort the process; read_model() does not.
        data = graph.onnx()
        model = core.read_model(data)
        if plan.precision == "int8":
            from darkroom.engines import quantising

            found = quantising.calibrated(core, data, graph, plan)
            model = quantising.quantise(model, found.ranges)
        if plan.shape is not None:
            model.reshape({model.input(0).any_name: list(plan.shape)})
        return model


def _kept(core: Any, graph: Graph, plan: Plan) -> Path:
    """Where the compiled network is kept.

    OpenVINO has a cache of its own, which needs the model to look it up: reading the weights and writing the graph
    takes most of a second that a second start need not spend. What a compiled network depends on is in this name.
    """
    machine = core.get_property(plan.device.id, "FULL_DEVICE_NAME")
    about = (importlib.metadata.version("openvino"), machine, os.cpu_count(), plan.threads, plan.shape)
    key = hashlib.sha256(repr(about).encode()).hexdigest()[:24]
    return folder_of(graph, plan) / f"{key}.blob"


def folder_of(graph: Graph, plan: Plan) -> Path:
    """The folder of what is kept of a network in one precision."""
    return plan.cache / "openvino" / f"{graph.digest[:24]}-{plan.precision}"


def _from_cache(core: Any, path: Path, device: Device, config: dict[str, Any]) -> Any:
    """The compiled network in ``path``; None where there is none, or none that this OpenVINO takes."""
    try:
        # Mapped, not read: processes that use the same network share its pages.
        data = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return None
    import openvino

    try:
        return core.import_model(openvino.Tensor(np.asarray(data)), device.id, config)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return None


def _keep(core: Any, compiled: Any, path: Path, device: Device) -> None:
    """Write a compiled network beside where it belongs and rename it, so that no partial one is ever found."""
    if "EXPORT_IMPORT" not in core.get_property(device.id, "OPTIMIZATION_CAPABILITIES"):
        return
    partial = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(compiled.export_model().getbuffer())
        partial.replace(path)
    except OSError:
        # A full disk or a folder that may not be written to costs the next start its quickness and nothing else.
        with contextlib.suppress(OSError):
            partial.unlink()


def _prune(folder: Path) -> None:
    """Delete the compiled networks that have not been used for longest, until the folder is within CACHE_BYTES.

    Another process may do the same at the same time; OpenVINO compiles again what it does not find.
    """
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("*/*.blob"):
        with contextlib.suppress(OSError):
            about = path.stat()
            found.append((max(about.st_atime, about.st_mtime), about.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= CACHE_BYTES:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size


def _line(error: BaseException) -> str:
    """The last telling line of a native error: the first ones name source files of the library."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    device: Device
    precision: Precision
    request: Any
    kinds: tuple[np.dtype[Any], ...]

    def run(self, batch: NDArray[np.float32], *more: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._infer(batch, *more)[0], dtype=np.float32)

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        # OpenVINO keeps the names of inner tensors that became one with an output: the output goes by each of them.
        return {
            name: np.asarray(result, dtype=np.float32)
            for output, result in self._infer(batch).items()
            for name in output.names
        }

    def _infer(self, *batches: NDArray[np.float32]) -> Any:
        if len(batches) != len(self.kinds):
            raise InferenceFailed(f"{self.name} takes {len(self.kinds)} inputs, not {len(batches)}.")
        given = {
            place: np.ascontiguousarray(batch, dtype=kind)
            for place, (batch, kind) in enumerate(zip(batches, self.kinds, strict=True))
        }
        try:
            return self.request.infer(given, share_inputs=True)
        except (RuntimeError, ValueError, MemoryError) as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"{self.name} ran out of memory on {self.device.name}.") from error
            raise InferenceFailed(f"OpenVINO failed to run {self.name}: {_line(error)}") from error
