"""PyTorch with spandrel, an extra: NVIDIA GPUs in fp16, and the architectures that have no ONNX graph here."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from darkroom.engines.engine import Compiled, Device, Graph, Precision, is_out_of_memory
from darkroom.errors import ExtraMissing, InferenceFailed, OutOfMemory, UnsupportedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_loading = threading.Lock()


@cache
def _libraries() -> tuple[Any, Any]:
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise _missing(str(error)) from error
    try:
        spandrel: Any = importlib.import_module("spandrel")
    except (ImportError, RuntimeError) as error:
        # spandrel needs torchvision, which refuses to load beside a torch of another build.
        raise _missing(f"spandrel does not load: {error}") from error
    return torch, spandrel


def _load() -> tuple[Any, Any]:
    with _loading:
        return _libraries()


def _missing(reason: str) -> ExtraMissing:
    return ExtraMissing(
        f"PyTorch with spandrel is not to be had ({reason}).", cure="pip install 'darkroom-studio[pytorch]'"
    )


class PyTorch:
    """The PyTorch engine: runs the tensors of a weights file through spandrel's architectures."""

    name = "pytorch"
    reads: tuple[Literal["onnx", "state"], ...] = ("state",)

    def installed(self) -> bool:
        """True where both libraries are here."""
        return all(importlib.util.find_spec(name) is not None for name in ("torch", "spandrel"))

    def version(self) -> str:
        """Versions of both libraries. Raises ExtraMissing."""
        try:
            return f"torch {importlib.metadata.version('torch')}, spandrel {importlib.metadata.version('spandrel')}"
        except importlib.metadata.PackageNotFoundError as error:
            raise _missing("not installed") from error

    def devices(self) -> tuple[Device, ...]:
        """Every CUDA GPU, then the CPU. Raises ExtraMissing."""
        torch, _ = _load()
        found: list[Device] = []
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            about = torch.cuda.get_device_properties(index)
            found.append(Device("gpu", f"cuda:{index}", about.name, ("fp16", "fp32"), memory=about.total_memory))
        found.append(Device("cpu", "cpu", "CPU", ("fp32",)))
        return tuple(found)

    def compile(
        self,
        graph: Graph,
        device: Device,
        precision: Precision,
        *,
        threads: int,
        cache: Path,
        shape: tuple[int, int, int, int] | None = None,
    ) -> Compiled:
        """Build spandrel's network around the tensors. Raises UnsupportedModel, OutOfMemory, ExtraMissing.

        ``shape`` and ``cache`` change nothing: the network takes any shape.
        """
        torch, spandrel = _load()
        if graph.state is None:
            raise UnsupportedModel(
                f"{graph.name} is an ONNX model, which PyTorch does not run.", cure="Set engine.engine to auto."
            )
        if threads and device.kind == "cpu":
            torch.set_num_threads(threads)
        try:
            state = {name: torch.from_numpy(np.array(tensor)) for name, tensor in graph.state.items()}
            described = spandrel.ModelLoader().load_from_state_dict(state)
            half = precision == "fp16" and described.supports_half
            network = described.model.eval().to(device.id, memory_format=torch.channels_last)
            network = network.half() if half else network.float()
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"There is not enough memory to load {graph.name}.") from error
            raise UnsupportedModel(
                f"spandrel does not know the architecture of {graph.name}, or not its sizes: {error}",
                cure="Convert it to ONNX and add that.",
            ) from error
        return _Session(graph.name, device, "fp16" if half else "fp32", torch, network, int(described.scale))


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    device: Device
    precision: Precision
    torch: Any
    network: Any
    scale: int

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"output": self.run(batch)}

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        torch = self.torch
        try:
            with torch.inference_mode():
                tensor = torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)).to(self.device.id)
                tensor = tensor.contiguous(memory_format=torch.channels_last)
                result = self.network(tensor.half() if self.precision == "fp16" else tensor)
                return np.asarray(result.float().cpu().numpy(), dtype=np.float32)
        except Exception as error:
            if is_out_of_memory(error):
                if self.device.kind == "gpu":
                    torch.cuda.empty_cache()
                raise OutOfMemory(f"{self.name} ran out of memory on {self.device.name}.") from error
            raise InferenceFailed(f"PyTorch failed to run {self.name}: {error}") from error
