"""AuraSR: a GAN that enlarges tiles of 64 x 64 pixels four times, in PyTorch, from its tensors alone.

The network is the upsampler of GigaGAN (Kang et al., arXiv 2303.05511), with the names that the published checkpoints
have: a U-Net of residual blocks, a few of its levels with attention. Its convolutions are StyleGAN2's (Karras et al.,
arXiv 1912.04958), modulated by a style and normalised, with a bank of kernels each, which the style mixes by a softmax.

The style is made from noise and from nothing else. Every tile is to get the same, so the noise is drawn once from a
fixed seed and the banks are mixed when the network is loaded: what runs is a network of plain convolutions, a third of
the size, in which nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darkroom.errors import UnsupportedModel
from darkroom.models.architectures.graph import Traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Mapping[str, "NDArray[Any]"]
Shape = tuple[int, ...]

SIDE = 64
"""Side of the pictures that it was trained on; its attention has seen no others."""
OVERLAP = 16
"""Input pixels that tiles see beyond their own; half of them are cross-faded."""
SEED = 0

# What the checkpoints' configuration says and their tensors do not; the same in every one that was published.
HEADS = 8
SKIP = 0.4
"""Factor of the maps that the way down hands to the way up."""
STYLE_RATE = 0.1
"""Equalised learning rate of the style's layers (Karras et al., arXiv 1710.10196): a factor of their weights."""
SLOPE = 0.2
SMALLEST_NORM = 1e-8


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the tensors say of the network.

    ``widths`` are the channels from the level of the result to the coarsest, each level half as large as the one
    before; the last ``halvings`` of these steps are also the way down. ``blocks`` on every level, with ``kernels`` in
    each bank. ``down_layers``, ``middle_layers`` and ``up_layers`` count the layers of attention, on each level in the
    order of the calculation, ``heads_width`` the channels of all heads together, and ``hidden`` how many times wider
    the layer between is. ``style`` has the numbers of noise, of style, and of layers between them.
    """

    channels: int
    widths: tuple[int, ...]
    halvings: int
    blocks: int
    kernels: int
    down_layers: tuple[int, ...]
    middle_layers: int
    up_layers: tuple[int, ...]
    heads_width: int
    hidden: int
    style: tuple[int, int, int]

    @property
    def scale(self) -> int:
        """How much larger the result is."""
        return 2 ** (len(self.widths) - 1 - self.halvings)

    def downs(self) -> Iterator[tuple[int, int]]:
        """Channels into and out of every level of the way down."""
        first = len(self.widths) - 1 - self.halvings
        return zip(self.widths[first:-1], self.widths[first + 1 :], strict=True)

    def ups(self) -> Iterator[tuple[int, int]]:
        """Channels into and out of every level of the way up."""
        return zip(self.widths[:0:-1], self.widths[-2::-1], strict=True)

    def residual_blocks(self) -> Iterator[tuple[str, int, int]]:
        """Name, channels in and channels out of every residual block, in the order in which the style is dealt out."""
        for level, (seen, _) in enumerate(self.downs()):
            for block in range(self.blocks):
                yield f"downs.{level}.0.{block}", seen, seen
        for name in ("mid_block1", "mid_block2"):
            yield name, self.widths[-1], self.widths[-1]
        for level, (_, out) in enumerate(self.ups()):
            for block in range(self.blocks):
                yield f"ups.{level}.0.{block}", out * 2 if level < self.halvings else out, out
        yield "final_res_block", self.widths[0], self.widths[0]


def layout(sizes: Sizes) -> dict[str, Shape]:
    """Name and shape of every tensor of a network of these sizes."""
    noise, style, depth = sizes.style
    shapes: dict[str, Shape] = {}

    def convolution(name: str, out: int, seen: int, side: int) -> None:
        shapes.update({f"{name}.weight": (out, seen, side, side), f"{name}.bias": (out,)})

    def linear(name: str, out: int, seen: int) -> None:
        shapes.update({f"{name}.weight": (out, seen), f"{name}.bias": (out,)})

    def attention(name: str, width: int, layers: int) -> None:
        for layer in (f"{name}.layers.{number}" for number in range(layers)):
            shapes[f"{layer}.0.norm.g"] = (1, width, 1, 1)
            # A number that nothing is multiplied by; the checkpoints have it all the same.
            shapes[f"{layer}.0.attend.scale"] = (1,)
            shapes[f"{layer}.0.to_qkv.weight"] = (3 * sizes.heads_width, width, 1, 1)
            convolution(f"{layer}.0.to_out", width, sizes.heads_width, 1)
            shapes[f"{layer}.1.0.g"] = (1, width, 1, 1)
            convolution(f"{layer}.1.1", width * sizes.hidden, width, 1)
            convolution(f"{layer}.1.3", width, width * sizes.hidden, 1)

    for layer in range(depth):
        linear(f"style_network.net.{2 * layer}", style, style if layer else noise)
    dealt = 0
    for name, seen, out in sizes.residual_blocks():
        shapes[f"{name}.block1.proj.weights"] = (sizes.kernels, out, seen, 3, 3)
        shapes[f"{name}.block2.proj.weights"] = (sizes.kernels, out, out, 3, 3)
        dealt += seen + out + 2 * sizes.kernels
        if seen != out:
            convolution(f"{name}.res_conv", out, seen, 1)
    linear("style_to_conv_modulations", dealt, style)
    convolution("init_conv", next(sizes.downs())[0], sizes.channels, 7)
    for level, (seen, out) in enumerate(sizes.downs()):
        attention(f"downs.{level}.1.0", seen, sizes.down_layers[level])
        convolution(f"downs.{level}.1.1", out, seen, 3)
    attention("mid_attn", sizes.widths[-1], sizes.middle_layers)
    for level, (seen, out) in enumerate(sizes.ups()):
        convolution(f"ups.{level}.1.0.conv", out, seen, 3)
        attention(f"ups.{level}.1.1", out, sizes.up_layers[level])
    convolution("final_to_rgb", sizes.channels, sizes.widths[0], 1)
    return shapes


def measure(state: State, name: str) -> Sizes | None:
    """The sizes of these tensors; None where they are not AuraSR's. Raises UnsupportedModel where they contradict."""
    if "style_to_conv_modulations.weight" not in state or not any(key.startswith("style_network.") for key in state):
        return None
    try:
        sizes = _sizes(state)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise _damaged(name, f"what tells its size is missing ({error})") from error
    if not 0 < sizes.halvings < len(sizes.widths) or SIDE % 2**sizes.halvings or sizes.heads_width % HEADS:
        raise _damaged(name, "its levels or its heads are of another number")
    wanted = layout(sizes)
    for key, shape in wanted.items():
        if key not in state:
            raise _damaged(name, f"{key} is missing")
        if state[key].shape != shape:
            raise _damaged(name, f"{key} is of shape {state[key].shape}, not {shape}")
    for key in state:
        if key not in wanted:
            raise _damaged(name, f"it has no {key}")
    return sizes


def _damaged(name: str, reason: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"The tensors of {name} have AuraSR's names but do not make one network: {reason}.",
        cure="Check the file with `darkroom models verify`, or download it again.",
    )


def _sizes(state: State) -> Sizes:
    def count(pattern: str, step: int = 1) -> int:
        return next(number for number in range(len(state) + 1) if pattern.format(number * step) not in state)

    def layers(name: str) -> int:
        return count(name + ".layers.{}.0.to_qkv.weight")

    ups, halvings = count("ups.{}.1.0.conv.weight"), count("downs.{}.1.1.weight")
    steps = [state[f"ups.{level}.1.0.conv.weight"].shape[:2] for level in reversed(range(ups))]
    grown, width = state["mid_attn.layers.0.1.1.weight"].shape[:2]
    style, noise = state["style_network.net.0.weight"].shape[:2]
    return Sizes(
        channels=state["final_to_rgb.weight"].shape[0],
        widths=(steps[0][0], *(seen for _, seen in steps)),
        halvings=halvings,
        blocks=count("downs.0.0.{}.block1.proj.weights"),
        kernels=state["mid_block1.block1.proj.weights"].shape[0],
        down_layers=tuple(layers(f"downs.{level}.1.0") for level in range(halvings)),
        middle_layers=layers("mid_attn"),
        up_layers=tuple(layers(f"ups.{level}.1.1") for level in range(ups)),
        heads_width=state["mid_attn.layers.0.0.to_out.weight"].shape[1],
        hidden=grown // width,
        # Activations are numbered too: every other one is a layer.
        style=(noise, style, count("style_network.net.{}.weight", 2)),
    )


def recognise(state: State, name: str) -> Traits | None:
    """What the network is like; None where the tensors are not AuraSR's. Raises UnsupportedModel."""
    sizes = measure(state, name)
    if sizes is None:
        return None
    # On the level of the result: what a block takes, what it makes of it, and the same once more to work in.
    values = sizes.channels * (1 + sizes.scale**2) + 4 * sizes.widths[0] * sizes.scale**2
    return Traits(
        "aurasr",
        sizes.scale,
        sizes.channels,
        # Tiles start where the way down halves without a remainder, so that it halves all of them alike.
        multiple=2**sizes.halvings,
        overlap=OVERLAP,
        fixed=(SIDE, SIDE),
        values=values,
    )


def load(torch: Any, state: State, name: str, device: str) -> Upsampler:
    """The network on a device, in fp32, its style drawn and its kernels mixed. Raises UnsupportedModel.

    It was published in fp32, and nothing is known of its range in less.
    """
    sizes = measure(state, name)
    if sizes is None:
        raise UnsupportedModel(f"The tensors of {name} are not AuraSR's.")

    def tensor(key: str) -> Any:
        return torch.from_numpy(np.array(state[key], np.float32))

    ready: dict[str, Any] = {}
    with torch.inference_mode():
        dealt = iter(_dealt(torch, tensor, sizes))
        for block, _, _ in sizes.residual_blocks():
            for part in ("block1", "block2"):
                ready[f"{block}.{part}"] = _mixed(torch, tensor(f"{block}.{part}.proj.weights"), *next(dealt))
        for key in state:
            if not key.startswith("style_") and not key.endswith((".proj.weights", ".attend.scale")):
                ready[key] = tensor(key)
        for key, value in ready.items():
            form = torch.channels_last if value.ndim == 4 else torch.contiguous_format
            ready[key] = value.to(device, memory_format=form)
    return Upsampler(torch, ready, sizes)


def _dealt(torch: Any, tensor: Any, sizes: Sizes) -> Iterator[tuple[Any, Any]]:
    """For every modulated convolution, in order: the factors of its channels, and what its kernels count for."""
    functional = torch.nn.functional
    noise, _, depth = sizes.style
    # From a generator of its own on the CPU, so that every device and every run has the same style.
    style = torch.randn((1, noise), generator=torch.Generator().manual_seed(SEED))
    style = functional.normalize(style, dim=1)
    for layer in (f"style_network.net.{2 * number}" for number in range(depth)):
        made = functional.linear(style, tensor(f"{layer}.weight") * STYLE_RATE, tensor(f"{layer}.bias") * STYLE_RATE)
        style = functional.leaky_relu(made, SLOPE)
    name = "style_to_conv_modulations"
    rest = functional.linear(style, tensor(f"{name}.weight"), tensor(f"{name}.bias"))[0]
    for _, seen, out in sizes.residual_blocks():
        for width in (seen, out):
            factors, shares, rest = rest.split((width, sizes.kernels, rest.shape[0] - width - sizes.kernels))
            yield factors, shares


def _mixed(torch: Any, bank: Any, factors: Any, shares: Any) -> Any:
    """One kernel, ``out x in x 3 x 3``, of a ``bank`` of them: mixed, modulated, and every output's norm made one."""
    kernel = torch.tensordot(shares.softmax(dim=0), bank, dims=1) * (factors + 1).reshape(1, -1, 1, 1)
    return kernel * kernel.square().sum(dim=(1, 2, 3), keepdim=True).clamp(min=SMALLEST_NORM).rsqrt()


@dataclass(frozen=True, slots=True)
class Upsampler:
    """The network, ready to run: ``n x channels x 64 x 64``, 0.0 to 1.0, to the same ``sizes.scale`` times as large."""

    torch: Any
    tensors: Mapping[str, Any]
    sizes: Sizes

    def __call__(self, picture: Any) -> Any:
        """Run it.

        In training, noise of a thousandth was added to the picture. It is left out: rounding to eight bits, which
        pictures come with, is as much.
        """
        sizes = self.sizes
        value = self._convolve("init_conv", picture.clamp(0, 1))
        kept: list[Any] = []
        for level in range(sizes.halvings):
            for block in range(sizes.blocks):
                value = self._block(f"downs.{level}.0.{block}", value)
                kept.append(value)
            value = self._attend(f"downs.{level}.1.0", value, sizes.down_layers[level])
            value = self._convolve(f"downs.{level}.1.1", value, stride=2)
        value = self._block("mid_block1", value)
        value = self._attend("mid_attn", value, sizes.middle_layers)
        value = self._block("mid_block2", value)
        for level, layers in enumerate(sizes.up_layers):
            value = self.torch.nn.functional.interpolate(value, scale_factor=2.0, mode="nearest")
            value = self._convolve(f"ups.{level}.1.0.conv", value)
            for block in range(sizes.blocks):
                if kept:
                    value = self.torch.cat((value, kept.pop() * SKIP), dim=1)
                value = self._block(f"ups.{level}.0.{block}", value)
            value = self._attend(f"ups.{level}.1.1", value, layers)
        return self._convolve("final_to_rgb", self._block("final_res_block", value))

    def _convolve(self, name: str, value: Any, stride: int = 1) -> Any:
        weight = self.tensors[f"{name}.weight"]
        bias = self.tensors.get(f"{name}.bias")
        return self.torch.nn.functional.conv2d(value, weight, bias, stride=stride, padding=weight.shape[2] // 2)

    def _block(self, name: str, value: Any) -> Any:
        """Two modulated convolutions beside what enters them."""
        functional = self.torch.nn.functional
        inner = functional.silu(functional.conv2d(value, self.tensors[f"{name}.block1"], padding=1))
        inner = functional.silu(functional.conv2d(inner, self.tensors[f"{name}.block2"], padding=1))
        beside = self._convolve(f"{name}.res_conv", value) if f"{name}.res_conv.weight" in self.tensors else value
        return inner + beside

    def _attend(self, name: str, value: Any, layers: int) -> Any:
        """Layers of a transformer (Vaswani et al., arXiv 1706.03762) that norms before each part; pixels are words."""
        functional = self.torch.nn.functional
        count, _, height, width = value.shape
        for layer in (f"{name}.layers.{number}" for number in range(layers)):
            asked = self._convolve(f"{layer}.0.to_qkv", self._normed(f"{layer}.0.norm.g", value))
            # n x 3 x heads x channels x pixels, of which attention wants the pixels before the channels.
            asked = asked.reshape(count, 3, HEADS, -1, height * width).transpose(-1, -2)
            answer = functional.scaled_dot_product_attention(*asked.unbind(1))
            answer = answer.transpose(-1, -2).reshape(count, -1, height, width)
            value = value + self._convolve(f"{layer}.0.to_out", answer)
            hidden = functional.gelu(self._convolve(f"{layer}.1.1", self._normed(f"{layer}.1.0.g", value)))
            value = value + self._convolve(f"{layer}.1.3", hidden)
        return value

    def _normed(self, name: str, value: Any) -> Any:
        """Every pixel divided by the root mean square of its channels."""
        return self.torch.nn.functional.normalize(value, dim=1) * self.tensors[name] * value.shape[1] ** 0.5
