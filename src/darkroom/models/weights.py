"""Reads weights files without running anything that is in them.

A ``.pth`` file is a pickle, and a pickle is a program: loading one with the usual tools runs whatever its author put
in. Here the program is read by a machine of our own that knows tensors, containers and plain values and nothing else.
Whatever it does not know it refuses with UnsafeWeights, naming it; there is no code in this module that could import or
call what a file names. ``.safetensors`` and ``.onnx`` files hold no programs, and are checked for being whole.

Layouts as PyTorch writes them (``torch/serialization.py``: the zip of 1.6 and later, and the legacy stream before),
and as https://github.com/huggingface/safetensors describes them.
"""

from __future__ import annotations

import io
import json
import math
import pickletools
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from darkroom.errors import ModelCorrupt, ModelMissing, UnsafeWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tensors = dict[str, "NDArray[Any]"]

WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
"""Where training programs keep the tensors inside a checkpoint; Real-ESRGAN's own files use the first two."""

MOST_ITEMS = 1_000_000
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_BFLOAT = "bfloat16"
_STORAGES: dict[str, str] = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": _BFLOAT,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
_SAFETENSORS: dict[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": _BFLOAT,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}


def read_tensors(path: Path) -> Tensors:
    """The tensors of a ``.pth`` or ``.safetensors`` file by name, told apart by content.

    Checkpoints are unwrapped (see WRAPPERS), and the ``module.`` that parallel training puts before every name is taken
    off. float16 stays, bfloat16 becomes float32; arrays may share memory and are not to be written to. Raises
    UnsafeWeights, ModelCorrupt, ModelMissing.
    """
    data = _read(path)
    try:
        if data[:4] == b"PK\x03\x04":
            found = _unwrap(_read_zip(data, path.name), path.name)
        elif data[8:9] == b"{" and path.suffix != ".pth":
            found = _read_safetensors(data, path.name)
        elif data[:1] == b"\x80":
            found = _unwrap(_read_legacy(data, path.name), path.name)
        elif data[8:9] == b"{":
            found = _read_safetensors(data, path.name)
        else:
            raise ModelCorrupt(
                f"{path.name} is neither a PyTorch weights file nor a safetensors file.",
                cure="Give a .pth, .safetensors or .onnx file.",
            )
    except (
        zipfile.BadZipFile,
        struct.error,
        UnicodeDecodeError,
        ValueError,
        OverflowError,
        KeyError,
        EOFError,
    ) as error:
        raise _corrupt(path.name, str(error) or type(error).__name__) from error
    except (RecursionError, NotImplementedError, TypeError, IndexError, OSError) as error:
        raise _corrupt(path.name, f"its structure makes no sense ({type(error).__name__})") from error
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"The weights file {path.name} cannot be read: {error.strerror}.") from error


def _corrupt(name: str, reason: str) -> ModelCorrupt:
    return ModelCorrupt(f"The weights file {name} cannot be read: {reason}.", cure="Download it again, whole.")


# --- what a pickle may hold -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Storage:
    """A flat run of numbers that tensors are windows on."""

    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Global:
    """A name that a pickle mentions and that is allowed: ``module.name``. It is never imported."""

    path: str


class _Opaque:
    """Something harmless that no network needs: a scalar, a device, a hook list."""


_REBUILD = {
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
}
_HARMLESS = {
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "_codecs.encode",
    "torch.device",
    "torch.Size",
} | {
    f"torch.{kind}"
    for kind in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
_ALLOWED = (
    _REBUILD | _HARMLESS | {"collections.OrderedDict"} | {f"torch.{name}" for name in _STORAGES}
    | {"torch.storage.UntypedStorage"}
)  # fmt: skip


def _strided(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    """A window on a storage, its bounds checked: never more elements than the storage has."""
    values = storage.values
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > 16 or not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise ValueError("a tensor's size or stride is not possible")
    count = math.prod(size)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True)) if count else 0
    if count > values.size or last >= max(values.size, 1):
        raise ValueError(f"a tensor of {count} numbers reaches beyond its storage of {values.size}")
    steps = [step * values.itemsize for step in stride]
    view = np.lib.stride_tricks.as_strided(values[offset:], shape=size, strides=steps, writeable=False)
    return np.zeros(size, values.dtype) if count == 0 else view


class _Machine:
    """A pickle machine that knows tensors, containers and plain values.

    ``storage`` turns what a persistent id says (its parts as PyTorch writes them) into a _Storage.
    """

    def __init__(self, name: str, storage: Callable[[tuple[Any, ...]], _Storage] | None) -> None:
        self.name = name
        self.storage = storage
        self.copied = 0

    def load(self, stream: BinaryIO) -> Any:
        """Read one pickle; the stream stands right behind it afterwards."""
        stack: list[Any] = []
        marks: list[int] = []
        memo: dict[int, Any] = {}

        def since_mark() -> list[Any]:
            start = marks.pop()
            items = stack[start:]
            del stack[start:]
            return items

        for opcode, argument, _ in pickletools.genops(stream):
            match opcode.name:
                case "PROTO" | "FRAME":
                    pass
                case "STOP":
                    return stack.pop()
                case "MARK":
                    marks.append(len(stack))
                case "NONE":
                    stack.append(None)
                case "NEWTRUE":
                    stack.append(True)
                case "NEWFALSE":
                    stack.append(False)
                case (
                    "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "INT" | "LONG" | "BINFLOAT" | "FLOAT"
                    | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8" | "UNICODE" | "SHORT_BINSTRING" | "BINSTRING"
                    | "STRING" | "SHORT_BINBYTES" | "BINBYTES"
                ):  # fmt: skip
                    stack.append(argument)
                case "EMPTY_DICT":
                    stack.append({})
                case "EMPTY_LIST":
                    stack.append([])
                case "EMPTY_TUPLE":
                    stack.append(())
                case "TUPLE":
                    stack.append(tuple(since_mark()))
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    count = int(opcode.name[-1])
                    if len(stack) < count:
                        raise ValueError("the pickle takes more than it has")
                    items = tuple(stack[-count:])
                    del stack[-count:]
                    stack.append(items)
                case "APPEND":
                    item = stack.pop()
                    self._container(stack[-1], list).append(item)
                case "APPENDS":
                    items = since_mark()
                    self._container(stack[-1], list).extend(items)
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    self._container(stack[-1], dict)[key] = value
                case "SETITEMS":
                    items = since_mark()
                    self._container(stack[-1], dict).update(zip(items[::2], items[1::2], strict=True))
                case "BINPUT" | "LONG_BINPUT" | "PUT":
                    memo[int(argument)] = stack[-1]  # pyright: ignore[reportArgumentType]
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "BINGET" | "LONG_BINGET" | "GET":
                    stack.append(memo[int(argument)])  # pyright: ignore[reportArgumentType]
                case "POP":
                    stack.pop()
                case "GLOBAL":
                    stack.append(self._named(str(argument).replace(" ", ".", 1)))
                case "STACK_GLOBAL":
                    second, first = stack.pop(), stack.pop()
                    stack.append(self._named(f"{first}.{second}"))
                case "BINPERSID":
                    stack.append(self._persistent(stack.pop()))
                case "REDUCE":
                    arguments, what = stack.pop(), stack.pop()
                    stack.append(self._call(what, arguments))
                case "BUILD":
                    # The only thing with a state in a checkpoint is an OrderedDict (its _metadata) or a scalar's type:
                    # neither matters here.
                    stack.pop()
                    if not isinstance(stack[-1], (OrderedDict, _Opaque)):
                        raise self._unsafe(f"a state for {type(stack[-1]).__name__}")
                case _:
                    raise self._unsafe(f"the pickle instruction {opcode.name}")
        raise ValueError("the pickle does not end")

    def _unsafe(self, what: str) -> UnsafeWeights:
        return UnsafeWeights(
            f"{self.name} holds more than tensors: {what[:200]}. Loading it the usual way could run code, so it was "
            "not loaded and nothing in it was run.",
            cure="Use a .safetensors file of the same weights, or one from the model's own authors.",
        )

    def _container(self, value: Any, kind: type[Any]) -> Any:
        if not isinstance(value, kind):
            raise self._unsafe(f"items for {type(value).__name__}")
        return value

    def _named(self, path: str) -> _Global:
        if path not in _ALLOWED:
            raise self._unsafe(f"the name {path}")
        return _Global(path)

    def _persistent(self, parts: Any) -> _Storage:
        if self.storage is None or not isinstance(parts, tuple) or len(parts) < 5 or parts[0] != "storage":  # pyright: ignore
            raise self._unsafe("a reference to something that is not a tensor's storage")
        return self.storage(parts)  # pyright: ignore[reportUnknownArgumentType]

    def _call(self, what: Any, arguments: Any) -> Any:
        if not isinstance(what, _Global) or not isinstance(arguments, tuple):
            raise self._unsafe(f"a call of {type(what).__name__}")
        given: tuple[Any, ...] = arguments  # pyright: ignore[reportUnknownVariableType]
        if what.path in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"):
            storage, offset, size, stride = given[:4]
            if not isinstance(storage, _Storage) or not isinstance(size, tuple) or not isinstance(stride, tuple):
                raise self._unsafe("a tensor that is not made of a storage")
            window: tuple[Any, Any] = (size, stride)  # pyright: ignore[reportUnknownVariableType]
            return _strided(storage, offset, *window)
        if what.path in _REBUILD:
            if not given or not isinstance(given[0], np.ndarray):
                raise self._unsafe("a parameter that is not a tensor")
            return given[0]  # pyright: ignore[reportUnknownVariableType]
        if what.path == "collections.OrderedDict":
            if not all(isinstance(item, (list, tuple)) for item in given):
                raise self._unsafe("an OrderedDict of something else than pairs")
            # One list made into a million mappings would fill the memory from a small file.
            self.copied += sum(len(item) for item in given)
            if self.copied > MOST_ITEMS:
                raise ValueError("it builds more mappings than any network has tensors")
            ordered: OrderedDict[Any, Any] = OrderedDict(*given)
            return ordered
        if what.path in _HARMLESS:
            return _Opaque()
        raise self._unsafe(f"a call of {what.path}")


def _kind(storage: Any) -> str:
    """The number type of a storage class."""
    name = storage.path.rpartition(".")[2] if isinstance(storage, _Global) else ""
    if name not in _STORAGES:
        raise ValueError(f"storages of type {name or 'unknown'} are not read")
    return _STORAGES[name]


def _width(kind: str) -> int:
    return 2 if kind == _BFLOAT else np.dtype(kind).itemsize


def _numbers(data: bytes | memoryview, kind: str, swapped: bool = False) -> NDArray[Any]:
    """Raw bytes as an array of native numbers; bfloat16 is the upper half of a float32."""
    if kind == _BFLOAT:
        halves = np.frombuffer(data, dtype=">u2" if swapped else "<u2").astype(np.uint32)
        return (halves << 16).view(np.float32)
    values = np.frombuffer(data, dtype=np.dtype(kind).newbyteorder(">") if swapped else kind)
    return values.astype(values.dtype.newbyteorder("=")) if swapped else values


# --- the two layouts of a .pth file -----------------------------------------------------------------------------------


def _read_zip(data: bytes, name: str) -> Any:
    """PyTorch 1.6 and later: a zip, never compressed, of ``data.pkl`` and one file for each storage."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        # A zip that unpacks to more than the file is no weights file: PyTorch stores without compressing.
        if any(e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1 for e in entries):
            raise ValueError("it is compressed or encrypted, which PyTorch never does")
        if sum(e.file_size for e in entries) > len(data):
            raise ValueError("its parts claim to be larger than the file")
        roots = [e.filename for e in entries if e.filename == "data.pkl" or e.filename.endswith("/data.pkl")]
        if len(roots) != 1:
            raise ValueError("there is no data.pkl in it")
        root = roots[0].removesuffix("data.pkl")
        names = {entry.filename for entry in entries}
        order = f"{root}byteorder"
        swapped = order in names and archive.read(order).strip() == b"big"
        storages: dict[str, _Storage] = {}

        def storage(parts: tuple[Any, ...]) -> _Storage:
            key, count = str(parts[2]), parts[4]
            if key not in storages:
                kind = _kind(parts[1])
                raw = archive.read(f"{root}data/{key}")
                if type(count) is not int or count < 0 or len(raw) < count * _width(kind):
                    raise ValueError(f"storage {key[:40]} is shorter than it says")
                storages[key] = _Storage(_numbers(memoryview(raw)[: count * _width(kind)], kind, swapped))
            return storages[key]

        return _Machine(name, storage).load(io.BytesIO(archive.read(roots[0])))


def _read_legacy(data: bytes, name: str) -> Any:
    """Before PyTorch 1.6: five pickles in a row (magic, protocol, system, content, storage keys), then the bytes.

    The content comes before the bytes it speaks of, so every storage is an array of zeros that is filled afterwards;
    its size is checked against the file before it is made.
    """
    stream = io.BytesIO(data)
    plain = _Machine(name, None)
    if plain.load(stream) != _MAGIC:
        raise UnsafeWeights(
            f"{name} is a pickle but not a PyTorch weights file. It was not loaded and nothing in it was run.",
            cure="Give a .pth, .safetensors or .onnx file.",
        )
    if plain.load(stream) != _PROTOCOL:
        raise ValueError("it is of a version of PyTorch's format that is not known")
    system = plain.load(stream)
    swapped = isinstance(system, dict) and system.get("little_endian") is False  # pyright: ignore
    storages: dict[str, tuple[str, NDArray[Any]]] = {}
    claimed = 0

    def storage(parts: tuple[Any, ...]) -> _Storage:
        nonlocal claimed
        key, count, kind = str(parts[2]), parts[4], _kind(parts[1])
        if key not in storages:
            if type(count) is not int or count < 0:
                raise ValueError(f"storage {key[:40]} has an impossible size")
            claimed += count * _width(kind)
            if claimed > len(data):
                raise ValueError("its storages claim to be larger than the file")
            native = np.dtype(np.float32) if kind == _BFLOAT else np.dtype(kind).newbyteorder("=")
            storages[key] = (kind, np.zeros(count, native))
        values = storages[key][1]
        if len(parts) > 5 and parts[5] is not None:
            _, offset, size = parts[5]
            return _Storage(_strided(_Storage(values), offset, (size,), (1,)))
        return _Storage(values)

    content = _Machine(name, storage).load(stream)
    keys = [str(key) for key in plain.load(stream)]
    if set(keys) != set(storages) or len(keys) != len(storages):
        raise ValueError("its list of storages does not match its tensors")
    for key in keys:
        kind, values = storages[key]
        (count,) = struct.unpack(">q" if swapped else "<q", stream.read(8))
        raw = stream.read(values.size * _width(kind))
        if count != values.size or len(raw) != values.size * _width(kind):
            raise ValueError("it ends before its tensors do")
        values[:] = _numbers(raw, kind, swapped)
    return content


def _unwrap(content: Any, name: str) -> Tensors:
    """The mapping of tensors inside a checkpoint."""
    top = _tensors_of(content)
    for wrapper in WRAPPERS if isinstance(content, dict) else ():
        inner = _tensors_of(content.get(wrapper))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if inner:
            return inner
    if top:
        return top
    raise ModelCorrupt(
        f"There are no named tensors in {name}.",
        cure=f"A checkpoint keeps them at its top or under {', '.join(WRAPPERS)}.",
    )


def _tensors_of(content: Any) -> Tensors:
    """The named tensors of a mapping; nothing where it is none."""
    items: Any = content.items() if isinstance(content, dict) else ()  # pyright: ignore
    return {key: value for key, value in items if isinstance(key, str) and isinstance(value, np.ndarray)}


# --- formats without programs -----------------------------------------------------------------------------------------


def _read_safetensors(data: bytes, name: str) -> Tensors:
    """A length, a JSON header, and the bytes."""
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(len(data) - 8, 100_000_000):
        raise ValueError("its header is longer than the file")
    header: dict[str, Any] = dict(json.loads(data[8 : 8 + length].decode("utf-8")))
    body = memoryview(data)[8 + length :]
    found: Tensors = {}
    for key, about in header.items():
        if key == "__metadata__":
            continue
        kind = _SAFETENSORS.get(about["dtype"])
        if kind is None:
            raise ValueError(f"tensors of type {str(about['dtype'])[:20]} are not read")
        place: list[Any] = list(about["data_offsets"])
        shape: tuple[Any, ...] = tuple(about["shape"])
        if len(place) != 2 or not all(type(n) is int and n >= 0 for n in (*place, *shape)):
            raise ValueError("a tensor's place or shape is not possible")
        first, last = place
        if not first <= last <= len(body) or last - first != math.prod(shape) * _width(kind):
            raise ValueError(f"tensor {key[:60]} reaches beyond the file")
        found[key] = _numbers(body[first:last], kind).reshape(shape)
    if not found:
        raise ModelCorrupt(f"There are no tensors in {name}.")
    return found


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A checked ONNX model: its bytes, and the shape of its first input, None where a dimension is open."""

    data: bytes
    shape: tuple[int | None, ...]


def read_onnx(path: Path) -> OnnxFile:
    """Read an ONNX model and check that it is whole and keeps all its weights inside.

    Raises ModelCorrupt, ModelMissing, UnsafeWeights.

    Weights kept in other files are refused: a model could name any file of this machine as its weights.
    """
    from darkroom.models.onnx_format import Malformed, summarise

    data = _read(path)
    try:
        found = summarise(data)
    except Malformed as error:
        raise ModelCorrupt(
            f"{path.name} is not an ONNX model, or not a whole one: {error}.", cure="Download it again."
        ) from error
    if not found.nodes or not found.outputs:
        raise ModelCorrupt(f"{path.name} has no network in it.", cure="Give a .onnx file of a whole network.")
    if found.external:
        raise UnsafeWeights(
            f"{path.name} keeps weights in other files, and could name any file of this machine as such.",
            cure="Save it with its weights inside: onnx.save(model, path, save_as_external_data=False).",
        )
    if found.shape is None:
        raise ModelCorrupt(f"{path.name} has no input.")
    return OnnxFile(data, found.shape)
