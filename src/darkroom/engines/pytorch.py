"""PyTorch with spandrel, an extra: NVIDIA GPUs in fp16, and the architectures that have no ONNX graph here.

AuraSR, which spandrel does not know, is built by :mod:`darkroom.engines.aura_sr`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.engines import aura_sr
from darkroom.engines.engine import Compiled, Device, Form, Graph, Plan, Precision, Shape, is_out_of_memory
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
    # Architectures under licences that do not allow commercial use are a package of their own; who wants them has it.
    if importlib.util.find_spec("spandrel_extra_arches") is not None:
        importlib.import_module("spandrel_extra_arches").install(ignore_duplicates=True)
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
    reads: tuple[Form, ...] = ("state",)

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

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        """Build the network around the tensors. Raises UnsupportedModel, OutOfMemory, ExtraMissing.

        On a GPU with a fixed ``shape`` the whole network is captured in a CUDA graph, which is started as one.
        """
        torch, spandrel = _load()
        if graph.form != "state":
            raise UnsupportedModel(
                f"{graph.name} is an ONNX model, which PyTorch does not run.", cure="Set engine.engine to auto."
            )
        device = plan.device
        if plan.threads and device.kind == "cpu":
            torch.set_num_threads(plan.threads)
        if device.kind == "gpu":
            # Tiles have one shape: cuDNN may try its algorithms once. fp32 means fp32, also where it has TF32.
            torch.backends.cudnn.benchmark = plan.shape is not None
            torch.backends.cudnn.allow_tf32 = False
        try:
            network, half = _build(torch, spandrel, graph, plan)
        except UnsupportedModel:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(f"There is not enough memory to load {graph.name}.") from error
            raise UnsupportedModel(
                f"spandrel does not know the architecture of {graph.name}, or not its sizes: {error}",
                cure="Convert it to ONNX and add that.",
            ) from error
        session = _Session(graph.name, device, "fp16" if half else "fp32", torch, network)
        if device.kind == "gpu" and plan.shape is not None:
            session.captured = _capture(session, plan.shape)
        return session


def _build(torch: Any, spandrel: Any, graph: Graph, plan: Plan) -> tuple[Any, bool]:
    """The network on its device, and whether it is in fp16."""
    tensors = graph.state()
    if aura_sr.measure(tensors, graph.name) is not None:
        return aura_sr.load(torch, tensors, graph.name, plan.device.id), False
    state = {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}
    described = spandrel.ModelLoader().load_from_state_dict(state)
    half = plan.precision == "fp16" and described.supports_half
    network = described.model.eval().to(plan.device.id, memory_format=torch.channels_last)
    return (network.half() if half else network.float()), half


@dataclass(slots=True)
class _Captured:
    """A CUDA graph with the tensors that it reads and writes."""

    graph: Any
    source: Any
    result: Any


def _capture(session: _Session, shape: Shape) -> _Captured | None:
    """Record the network on one shape, so that one call starts its hundreds of kernels; None where it cannot be."""
    torch = session.torch
    try:
        with torch.inference_mode():
            source = session.tensor(np.zeros(shape, np.float32))
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            # cuDNN chooses its algorithms before the recording, on a stream beside, as PyTorch asks for.
            with torch.cuda.stream(beside):
                for _ in range(3):
                    session.network(source)
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                result = session.network(source)
                result = result[0] if isinstance(result, (tuple, list)) else result  # pyright: ignore
    except RuntimeError as error:
        if is_out_of_memory(error):
            torch.cuda.empty_cache()
            raise OutOfMemory(f"{session.name} ran out of memory on {session.device.name}.") from error
        return None
    return _Captured(graph, source, result)


@dataclass(slots=True)
class _Session:
    name: str
    device: Device
    precision: Precision
    torch: Any
    network: Any
    captured: _Captured | None = None

    def tensor(self, batch: NDArray[np.float32]) -> Any:
        """The batch on the device, channels last, in the network's type."""
        torch = self.torch
        tensor = torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)).to(self.device.id)
        tensor = tensor.half() if self.precision == "fp16" else tensor
        return tensor.contiguous(memory_format=torch.channels_last)

    def _called(self, source: Any) -> Any:
        """The network's picture: some give further values with it. Those that add noise add the same each time."""
        with self.torch.random.fork_rng(devices=[self.device.id] if self.device.kind == "gpu" else []):
            self.torch.manual_seed(0)
            result = self.network(source)
        return result[0] if isinstance(result, (tuple, list)) else result  # pyright: ignore

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"output": self.run(batch)}

    def run(self, batch: NDArray[np.float32], *more: NDArray[np.float32]) -> NDArray[np.float32]:
        if more:
            raise InferenceFailed(f"{self.name} takes one input through PyTorch, not {1 + len(more)}.")
        torch = self.torch
        try:
            with torch.inference_mode():
                source = self.tensor(batch)
                if self.captured is not None and self.captured.source.shape == source.shape:
                    self.captured.source.copy_(source)
                    self.captured.graph.replay()
                    result = self.captured.result
                else:
                    result = self._called(source)
                return np.asarray(result.float().cpu().numpy(), dtype=np.float32)
        except Exception as error:
            if is_out_of_memory(error):
                if self.device.kind == "gpu":
                    torch.cuda.empty_cache()
                raise OutOfMemory(f"{self.name} ran out of memory on {self.device.name}.") from error
            raise InferenceFailed(f"PyTorch failed to run {self.name}: {error}") from error
