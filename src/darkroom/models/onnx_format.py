"""The ONNX file format, as much of it as Darkroom needs: writing the graphs it makes, looking into those it is given.

An ONNX file is one protocol buffer; https://github.com/onnx/onnx/blob/main/onnx/onnx.proto names its messages and
numbers their fields, and https://protobuf.dev/programming-guides/encoding/ says how they lie in bytes. The onnx package
does the same and more in 37 MB; the tests hold this page to it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Attribute = int | float | str | list[int]
FLOAT, INT64 = 1, 7
"""Element types of tensors (TensorProto.DataType)."""
_TYPES = {"<f4": FLOAT, "<i8": INT64}
_EXTERNAL = 1
_DEEPEST = 20


class Malformed(ValueError):
    """The bytes are not a whole protocol buffer, or not one of these messages."""


# Writing


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def tensor(name: str, values: NDArray[Any]) -> bytes:
    """A TensorProto of float32 or int64."""
    data = np.ascontiguousarray(values)
    kind = _TYPES[data.dtype.newbyteorder("<").str]
    dims = b"".join(_integer(1, size) for size in data.shape)
    return dims + _integer(2, kind) + _bytes(8, name) + _bytes(9, data.astype(data.dtype.newbyteorder("<")).tobytes())


def node(
    operator: str, inputs: Sequence[str], output: str, attributes: dict[str, int | float | str | list[int]]
) -> bytes:
    """A NodeProto with one output."""
    parts = [_bytes(1, name) for name in inputs] + [_bytes(2, output), _bytes(4, operator)]
    return b"".join(parts + [_bytes(5, _attribute(name, value)) for name, value in attributes.items()])


def _attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto; its last field says of which type it is."""
    head = _bytes(1, name)
    if isinstance(value, float):
        return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, 1)
    if isinstance(value, int):
        return head + _integer(3, value) + _integer(20, 2)
    if isinstance(value, str):
        return head + _bytes(4, value) + _integer(20, 3)
    return head + b"".join(_integer(8, item) for item in value) + _integer(20, 7)


def _value(name: str, shape: Sequence[int | str | None]) -> bytes:
    """A ValueInfoProto of float32; a dimension is a number, a name, or open."""
    dims = b""
    for size in shape:
        dims += _bytes(1, b"" if size is None else _bytes(2, size) if isinstance(size, str) else _integer(1, size))
    kind = _bytes(1, _integer(1, FLOAT) + _bytes(2, dims))
    return _bytes(1, name) + _bytes(2, kind)


def model(
    name: str,
    nodes: Sequence[bytes],
    tensors: Sequence[bytes],
    source: tuple[str, Sequence[int | str | None]],
    result: tuple[str, Sequence[int | str | None]],
    *,
    opset: int,
    ir_version: int,
) -> bytes:
    """A ModelProto with one input and one output."""
    graph = b"".join(
        [_bytes(1, part) for part in nodes]
        + [_bytes(2, name)]
        + [_bytes(5, part) for part in tensors]
        + [_bytes(11, _value(*source)), _bytes(12, _value(*result))]
    )
    version = _bytes(8, _bytes(1, "") + _integer(2, opset))
    return _integer(1, ir_version) + _bytes(2, "darkroom") + _bytes(7, graph) + version


# Reading


@dataclass(frozen=True, slots=True)
class Summary:
    """What a model is from outside.

    ``shape`` is that of the first input that is not a weight, None where a dimension is open, or None where there is no
    such input; ``external`` is true if any tensor keeps its values in another file.
    """

    nodes: int
    outputs: int
    shape: tuple[int | None, ...] | None
    external: bool


def summarise(data: bytes) -> Summary:
    """Look into a model. Raises Malformed."""
    graphs = [part for field, part in _fields(memoryview(data)) if field == 7]
    if not graphs:
        raise Malformed("there is no graph")
    parts: dict[int, list[Any]] = {}
    for field, part in _fields(_message(graphs[-1])):
        parts.setdefault(field, []).append(part)
    weights = {_text(tensor_part, 8) for tensor_part in parts.get(5, [])}
    inputs = [part for part in parts.get(11, []) if _text(part, 1) not in weights]
    return Summary(
        nodes=len(parts.get(1, [])),
        outputs=len(parts.get(12, [])),
        shape=_shape(inputs[0]) if inputs else None,
        external=_graph_external(_message(graphs[-1]), 0) or _functions_external(memoryview(data)),
    )


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field: a number for varints and fixed ones, the bytes for the rest."""
    at, end = 0, len(data)
    while at < end:
        key, at = _read_varint(data, at)
        field, kind = key >> 3, key & 7
        if field == 0:
            raise Malformed("a field has the number 0")
        if kind == 0:
            value, at = _read_varint(data, at)
            yield field, value
            continue
        if kind == 2:
            size, at = _read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise Malformed(f"a field has the wire type {kind}")
        if at + size > end:
            raise Malformed("it ends too early")
        yield field, data[at : at + size]
        at += size


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Malformed("it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("a number is too long")


def _message(part: int | memoryview) -> memoryview:
    if isinstance(part, int):
        raise Malformed("a number stands where a message should")
    return part


def _text(part: int | memoryview, field: int) -> bytes:
    found = [value for number, value in _fields(_message(part)) if number == field]
    return bytes(_message(found[-1])) if found else b""


def _inner(part: int | memoryview, field: int) -> list[memoryview]:
    return [_message(value) for number, value in _fields(_message(part)) if number == field]


def _shape(value: int | memoryview) -> tuple[int | None, ...]:
    """Dimensions of a ValueInfoProto."""
    sizes: list[int | None] = []
    for kind in _inner(value, 2):
        for tensor_type in _inner(kind, 1):
            for shape in _inner(tensor_type, 2):
                for dim in _inner(shape, 1):
                    known = [
                        size for number, size in _fields(dim) if number == 1 and isinstance(size, int) and size > 0
                    ]
                    sizes.append(known[-1] if known else None)
    return tuple(sizes)


def _graph_external(graph: memoryview, depth: int) -> bool:
    """True if a tensor of this graph or of one inside it keeps its values elsewhere."""
    if depth > _DEEPEST:
        raise Malformed("graphs are nested too deeply")
    for field, part in _fields(graph):
        if field == 5 and _tensor_external(part):
            return True
        if field == 15 and any(_tensor_external(half) for number in (1, 2) for half in _inner(part, number)):
            return True
        if field == 1 and any(_attribute_external(attribute, depth) for attribute in _inner(part, 5)):
            return True
    return False


def _functions_external(data: memoryview) -> bool:
    """The same for the functions that a model defines beside its graph."""
    return any(
        _attribute_external(attribute, 0)
        for function in _inner(data, 25)
        for inner in _inner(function, 7)
        for attribute in _inner(inner, 5)
    )


def _attribute_external(attribute: memoryview, depth: int) -> bool:
    for field, part in _fields(attribute):
        if field in (5, 10) and _tensor_external(part):
            return True
        if field in (6, 11) and _graph_external(_message(part), depth + 1):
            return True
        if field in (22, 23) and any(_tensor_external(half) for number in (1, 2) for half in _inner(part, number)):
            return True
    return False


def _tensor_external(part: int | memoryview) -> bool:
    return any(field == 13 or (field == 14 and value == _EXTERNAL) for field, value in _fields(_message(part)))
