"""From the tensors of a weights file to a network that any ONNX engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darkroom.errors import UnsupportedModel
from darkroom.models.architectures import rrdbnet, srvgg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.models.architectures.graph import Traits


@dataclass(frozen=True, slots=True)
class Translated:
    """What a network is like, and its ONNX model."""

    traits: Traits
    onnx: bytes


def recognise(state: Mapping[str, NDArray[Any]], name: str) -> Traits:
    """What the network of these tensors is like. Raises UnsupportedModel where the architecture is not known here."""
    for architecture in (srvgg, rrdbnet):
        traits = architecture.recognise(state)
        if traits is not None:
            return traits
    keys = ", ".join(list(state)[:3])
    raise UnsupportedModel(
        f"The tensors of {name} ({len(state)} of them: {keys}, ...) are neither RRDBNet's nor SRVGGNetCompact's.",
        cure="pip install 'darkroom-studio[pytorch]' brings spandrel, which knows some forty architectures; "
        "or convert the network to ONNX and add that.",
    )


def translate(state: Mapping[str, NDArray[Any]], name: str) -> Translated:
    """The ONNX model of these tensors. Raises UnsupportedModel."""
    traits = recognise(state, name)
    architecture = {"srvgg": srvgg, "rrdbnet": rrdbnet}[traits.architecture]
    return Translated(traits, architecture.emit(state, name))
