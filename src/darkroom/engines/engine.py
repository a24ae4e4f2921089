"""The engine seam: what runs networks, seen from the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["fp32", "tf32", "bf16", "fp16", "int8"]
"""tf32 is fp32 whose products NVIDIA's tensor cores make from ten bits of mantissa; bf16 has seven, fp16 ten."""
Form = Literal["onnx", "state"]
"""What a network is to be had as: an ONNX model, or the tensors of a weights file."""
Shape = tuple[int, int, int, int]
"""Of a network's input: number of pictures, channels, height, width."""
State = Mapping[str, "NDArray[Any]"]


@dataclass(frozen=True, slots=True)
class Device:
    """A place where networks run.

    ``kind`` is cpu or gpu, ``id`` the engine's own word for it, ``name`` one for a person, ``memory`` its own memory in
    bytes where it has one. ``precisions`` are what it can compute in: the first is taken unless another is asked for,
    and int8, which loses more than the others, is never the first. An ``integrated`` GPU shares the CPU's memory and is
    taken only when a GPU is asked for.
    """

    kind: Literal["cpu", "gpu"]
    id: str
    name: str
    precisions: tuple[Precision, ...]
    memory: int | None = None
    integrated: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A network to load.

    ``read`` gives it in the ``form`` said: an ONNX model as bytes, or the tensors of a weights file by name for engines
    that know architectures. An engine that finds the compiled network in its cache need not read it at all.
    ``digest`` identifies the weights, for caches and the report. ``name`` is the model's name, for messages.
    """

    name: str
    digest: str
    form: Form
    read: Callable[[], bytes | State]

    def onnx(self) -> bytes:
        """The ONNX model; only where ``form`` says so."""
        return cast("bytes", self.read())

    def state(self) -> State:
        """The tensors; only where ``form`` says so."""
        return cast("State", self.read())


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is to be loaded.

    ``shape`` fixes the input, which lets an engine plan for it; None leaves the shape as the model has it. ``threads``
    0 means every core. ``cache`` is the folder where engines keep what they compiled.
    """

    device: Device
    precision: Precision
    cache: Path
    threads: int = 0
    shape: Shape | None = None


class Compiled(Protocol):
    """A network on a device. Not safe from several threads: the runtime lets one in at a time."""

    @property
    def device(self) -> Device:
        """Where it runs."""
        ...

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        ...

    def run(self, batch: NDArray[np.float32], *more: NDArray[np.float32]) -> NDArray[np.float32]:
        """``n x channels x height x width`` float32 in, the first output as float32. ``more`` are further inputs.

        Raises OutOfMemory, InferenceFailed.
        """
        ...

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """As :meth:`run`, giving every output by its name."""
        ...


class Engine(Protocol):
    """One inference library. Importing its module loads nothing; the library is loaded by the first call."""

    name: str
    reads: tuple[Form, ...]
    """The forms of a Graph that this engine takes."""

    def installed(self) -> bool:
        """True where the library is here; looks for it without loading it."""
        ...

    def version(self) -> str:
        """The library's version. Raises ExtraMissing where it is not installed."""
        ...

    def devices(self) -> tuple[Device, ...]:
        """What this engine can run on here, best first. Raises ExtraMissing where the library is not installed."""
        ...

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        """Load a network. Raises UnsupportedModel, OutOfMemory, ExtraMissing."""
        ...


def is_out_of_memory(error: BaseException) -> bool:
    """True if an engine's error says that memory ran out. The libraries say it in words only."""
    if isinstance(error, MemoryError):
        return True
    words = ("out of memory", "bad_alloc", "bad alloc", "cannot allocate", "failed to allocate", "out_of_resources")
    return any(word in str(error).lower() for word in words)
