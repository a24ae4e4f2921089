"""The engine seam: what runs networks, seen from the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Device:
    """A place where networks run: ``kind`` cpu or gpu, ``name`` for a person, the fastest ``precisions`` first."""

    kind: Literal["cpu", "gpu"]
    name: str
    precisions: tuple[Precision, ...]
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A network to load: an ONNX model as bytes, and the weights file that it came from, for engines that read that.

    ``digest`` identifies the weights, for caches and the report.
    """

    digest: str
    onnx: bytes | None
    weights: Path | None = None


class Compiled(Protocol):
    """A network on a device."""

    device: Device
    precision: Precision

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """``n x channels x height x width`` float32 in, the first output as float32. Raises OutOfMemory, InferenceFailed."""
        ...


class Engine(Protocol):
    """One inference library. Importing its module loads nothing; the library is loaded by the first call."""

    name: str

    def devices(self) -> tuple[Device, ...]:
        """What this engine can run on here, best first. Raises ExtraMissing where the library is not installed."""
        ...

    def compile(self, graph: Graph, device: Device, precision: Precision, *, threads: int, cache: Path) -> Compiled:
        """Load a network. Raises UnsupportedModel, OutOfMemory."""
        ...
