"""What the architectures share: a small builder of ONNX graphs, and what the runtime must know of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.models import onnx_format

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPSET = 17
IR_VERSION = 9
"""What every onnxruntime since 1.16 reads; the onnx package's own defaults are newer than the engines take."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the runtime must know of an image-to-image network.

    ``channels`` in and out, ``scale`` of the output, ``multiple`` that its input size must be divisible by, ``overlap``
    in input pixels that its tiles should share, and a ``fixed`` (height, width) where it takes no other. ``values`` is
    how many numbers it keeps for each input pixel when it keeps most, input and output included.
    """

    architecture: str
    scale: int
    channels: int = 3
    multiple: int = 1
    overlap: int = 16
    fixed: tuple[int, int] | None = None
    values: int = 1000


@dataclass(slots=True)
class Builder:
    """Grows an ONNX graph node by node. Methods take and give the names of values."""

    name: str
    nodes: list[bytes] = field(default_factory=list[bytes])
    initializers: list[bytes] = field(default_factory=list[bytes])
    count: int = 0

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add one operator with one output."""
        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(onnx_format.node(operator, inputs, output, attributes))
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """Add a tensor; floats of any width become float32."""
        self.count += 1
        name = f"c{self.count}"
        kind = np.float32 if values.dtype.kind == "f" else values.dtype
        self.initializers.append(onnx_format.tensor(name, values.astype(kind)))
        return name

    def convolve(self, value: str, weight: NDArray[Any], bias: NDArray[Any] | None) -> str:
        """Convolution with stride 1 and zero padding that keeps the size: ``weight`` is out x in x k x k, k odd."""
        inputs = [value, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        pad = weight.shape[2] // 2
        return self.node("Conv", *inputs, kernel_shape=list(weight.shape[2:]), pads=[pad] * 4)

    def leaky(self, value: str, slope: float) -> str:
        """Leaky rectifier."""
        return self.node("LeakyRelu", value, alpha=slope)

    def enlarge(self, value: str, times: int) -> str:
        """Repeat every pixel ``times`` by ``times``."""
        scales = self.constant(np.array([1, 1, times, times], np.float32))
        return self.node(
            "Resize",
            value,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def shuffle(self, value: str, times: int) -> str:
        """Channels to pixels, in PyTorch's pixel_shuffle order."""
        return self.node("DepthToSpace", value, blocksize=times, mode="CRD")

    def unshuffle(self, value: str, times: int) -> str:
        """Pixels to channels. ONNX counts them by position and then channel, PyTorch the other way: see repacked."""
        return self.node("SpaceToDepth", value, blocksize=times)

    def finish(self, result: str, channels: int) -> bytes:
        """The model as bytes: input ``input``, output ``output``, ``1 x channels x any x any``, float32."""
        return onnx_format.model(
            self.name,
            [*self.nodes, onnx_format.node("Identity", [result], "output", {})],
            self.initializers,
            ("input", (1, channels, "height", "width")),
            ("output", (1, channels, None, None)),
            opset=OPSET,
            ir_version=IR_VERSION,
        )


def repacked(weight: NDArray[Any], times: int) -> NDArray[Any]:
    """A convolution's weights, out x in x k x k, for input folded by ONNX in place of PyTorch's ``pixel_unshuffle``."""
    out, seen, *kernel = weight.shape
    channels = seen // times**2
    return weight.reshape(out, channels, times**2, *kernel).swapaxes(1, 2).reshape(out, seen, *kernel)
