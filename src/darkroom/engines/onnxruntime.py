"""ONNX Runtime, an extra: reaches what OpenVINO does not, above all CUDA."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.engines.engine import Compiled, Device, Form, Graph, Plan, Precision, is_out_of_memory
from darkroom.errors import ExtraMissing, InferenceFailed, OutOfMemory, UnsupportedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_loading = threading.Lock()
_KINDS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


@cache
def _library() -> Any:
    # A session reports to its makers over the network unless this is set before the import; the library's own switch,
    # disable_telemetry_events(), does not stop it.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        library: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise _missing() from error
    library.set_default_logger_severity(3)
    return library


def _load() -> Any:
    with _loading:
        return _library()


def _missing() -> ExtraMissing:
    return ExtraMissing("ONNX Runtime is not installed.", cure="pip install 'darkroom-studio[onnxruntime]'")


class OnnxRuntime:
    """The ONNX Runtime engine: the CPU, and NVIDIA GPUs where the CUDA build is installed."""

    name = "onnxruntime"
    reads: tuple[Form, ...] = ("onnx",)

    def installed(self) -> bool:
        """True where the library is here."""
        return importlib.util.find_spec("onnxruntime") is not None

    def version(self) -> str:
        """The library's version. Raises ExtraMissing."""
        if not self.installed():
            raise _missing()
        for distribution in ("onnxruntime", "onnxruntime-gpu"):
            try:
                return importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
        return str(_load().__version__)

    def devices(self) -> tuple[Device, ...]:
        """The NVIDIA GPU where the CUDA provider is built in, then the CPU. Raises ExtraMissing."""
        library = _load()
        found: list[Device] = []
        if "CUDAExecutionProvider" in library.get_available_providers():
            found.append(Device("gpu", "CUDAExecutionProvider", "NVIDIA GPU (CUDA)", ("tf32", "fp32")))
        found.append(Device("cpu", "CPUExecutionProvider", "CPU", ("fp32",)))
        return tuple(found)

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        """Load an ONNX model. Raises UnsupportedModel, OutOfMemory, ExtraMissing.

        Its sessions take any shape at no cost on the CPU, and there ``shape`` and ``cache`` change nothing.
        """
        if graph.form != "onnx":
            raise UnsupportedModel(
                f"{graph.name} cannot be turned into an ONNX graph, and ONNX Runtime runs nothing else.",
                cure="pip install 'darkroom-studio[pytorch]' runs it with PyTorch.",
            )
        library = _load()
        device = plan.device
        options = library.SessionOptions()
        options.intra_op_num_threads = plan.threads
        try:
            session = library.InferenceSession(graph.onnx(), options, providers=_providers(device, plan.precision))
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"There is not enough memory to load {graph.name}.") from error
            raise UnsupportedModel(
                f"ONNX Runtime cannot load {graph.name}: {error}",
                cure="Check the file with `darkroom models verify`, or try another engine.",
            ) from error
        if device.id not in session.get_providers():
            raise UnsupportedModel(
                f"ONNX Runtime did not put {graph.name} on {device.name}: a CUDA library is missing."
            )
        sources = tuple((source.name, _KINDS.get(source.type, np.float32)) for source in session.get_inputs())
        return _Session(graph.name, device, plan.precision, session, sources)


def _providers(device: Device, precision: Precision) -> list[Any]:
    if device.kind == "cpu":
        return [device.id]
    # Tiles have one shape, so trying every algorithm once pays. What CUDA lacks an operator for runs on the CPU.
    options = {
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "1",
        "use_tf32": "1" if precision == "tf32" else "0",
    }
    return [(device.id, options), "CPUExecutionProvider"]


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    device: Device
    precision: Precision
    session: Any
    sources: tuple[tuple[str, Any], ...]

    def run(self, batch: NDArray[np.float32], *more: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._infer((batch, *more), [self.session.get_outputs()[0].name])[0]

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self._infer((batch,), names), strict=True))

    def _infer(self, batches: tuple[NDArray[np.float32], ...], names: list[str]) -> list[NDArray[np.float32]]:
        if len(batches) != len(self.sources):
            raise InferenceFailed(f"{self.name} takes {len(self.sources)} inputs, not {len(batches)}.")
        given = {
            name: np.ascontiguousarray(batch, dtype=kind)
            for (name, kind), batch in zip(self.sources, batches, strict=True)
        }
        try:
            results = self.session.run(names, given)
            return [np.asarray(result, dtype=np.float32) for result in results]
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"{self.name} ran out of memory on {self.device.name}.") from error
            raise InferenceFailed(f"ONNX Runtime failed to run {self.name}: {error}") from error
