"""The engine seam: what runs networks, seen from the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Device:
    """A place where networks run.

    ``kind`` is cpu or gpu, ``id`` the engine's own word for it, ``name`` one for a person, ``precisions`` the fastest
    first, ``memory`` its own memory in bytes where it has one. An ``integrated`` GPU shares the CPU's memory and is
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
    """A network to load: an ONNX model as bytes, or the tensors of a weights file for engines that know architectures.

    ``digest`` identifies the weights, for caches and the report. ``name`` is the model's name, for messages.
    """

    name: str
    digest: str
    onnx: bytes | None
    state: Mapping[str, NDArray[Any]] | None = None

    @property
    def size(self) -> int:
        """Bytes of the weights, roughly."""
        if self.onnx is not None:
            return len(self.onnx)
        return sum(tensor.nbytes for tensor in (self.state or {}).values())


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

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """``n x channels x height x width`` float32 in, the first output as float32.

        Raises OutOfMemory, InferenceFailed.
        """
        ...

    def run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """As :meth:`run`, giving every output by its name."""
        ...


class Engine(Protocol):
    """One inference library. Importing its module loads nothing; the library is loaded by the first call."""

    name: str
    reads: tuple[Literal["onnx", "state"], ...]
    """What a Graph must hold for this engine: an ONNX model, the tensors, or either."""

    def installed(self) -> bool:
        """True where the library is here; looks for it without loading it."""
        ...

    def version(self) -> str:
        """The library's version. Raises ExtraMissing where it is not installed."""
        ...

    def devices(self) -> tuple[Device, ...]:
        """What this engine can run on here, best first. Raises ExtraMissing where the library is not installed."""
        ...

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
        """Load a network.

        ``shape`` fixes the input to ``n, channels, height, width``, which lets the engine plan for it; None leaves the
        shape as the model has it. ``threads`` 0 means every core. Raises UnsupportedModel, OutOfMemory, ExtraMissing.
        """
        ...


def is_out_of_memory(error: BaseException) -> bool:
    """True if an engine's error says that memory ran out. The libraries say it in words only."""
    if isinstance(error, MemoryError):
        return True
    words = ("out of memory", "bad_alloc", "bad alloc", "cannot allocate", "failed to allocate", "out_of_resources")
    return any(word in str(error).lower() for word in words)
