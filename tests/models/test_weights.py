"""The weights reader reads tensors, whoever wrote them and when, and runs nothing that is in a file."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from darkroom.errors import DarkroomError, ModelCorrupt, ModelMissing, UnsafeWeights
from darkroom.models.weights import read_onnx, read_tensors

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
KINDS = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "BFloat16Storage": "<u2",
    "ByteStorage": "|u1",
}


class Storage:
    """Raw numbers that tensors are windows on, as PyTorch's storages are."""

    def __init__(self, kind: str, values: Any) -> None:
        self.kind = kind
        self.raw = np.asarray(values, KINDS[kind]).tobytes()
        self.count = len(values)


class Tensor:
    """Pickles as a PyTorch tensor does: a call of ``_rebuild_tensor_v2`` with a reference to the storage."""

    def __init__(self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.arguments = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self) -> Any:
        return _named("torch._utils", "_rebuild_tensor_v2"), self.arguments


def tensor(values: Any, kind: str = "FloatStorage") -> Tensor:
    array = np.asarray(values, KINDS[kind])
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(Storage(kind, array.ravel()), 0, array.shape, strides)


def _named(module: str, name: str) -> Any:
    """A function that pickles as ``module.name``, without that module being here."""
    if module not in sys.modules:
        sys.modules[module] = types.ModuleType(module)

    def stand_in(*_: Any) -> None:
        raise AssertionError

    stand_in.__module__, stand_in.__qualname__, stand_in.__name__ = module, name, name
    vars(sys.modules[module])[name] = stand_in
    return stand_in


@pytest.fixture(autouse=True)
def _pretend_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of PyTorch's modules for the pickler to write; gone after the test."""
    for name in ("torch", "torch._utils"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, storages: list[Storage], legacy: bool) -> None:
        super().__init__(stream, protocol=2)
        self.storages, self.legacy = storages, legacy

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        if obj not in self.storages:
            self.storages.append(obj)
        parts = ("storage", _named("torch", obj.kind), str(self.storages.index(obj)), "cpu", obj.count)
        return (*parts, None) if self.legacy else parts


def as_zip(content: Any, *, compress: bool = False, raw: bytes | None = None) -> bytes:
    """The layout of PyTorch 1.6 and later."""
    storages: list[Storage] = []
    stream = io.BytesIO()
    _Pickler(stream, storages, legacy=False).dump(content)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", stream.getvalue() if raw is None else raw)
        for index, storage in enumerate(storages):
            archive.writestr(f"archive/data/{index}", storage.raw)
        archive.writestr("archive/version", "3\n")
    return target.getvalue()


def as_legacy(content: Any) -> bytes:
    """The layout before: five pickles in a row, then the numbers."""
    storages: list[Storage] = []
    stream = io.BytesIO()
    pickle.dump(MAGIC, stream, 2)
    pickle.dump(PROTOCOL, stream, 2)
    pickle.dump({"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2}}, stream, 2)
    _Pickler(stream, storages, legacy=True).dump(content)
    pickle.dump([str(index) for index in range(len(storages))], stream, 2)
    for storage in storages:
        stream.write(struct.pack("<q", storage.count) + storage.raw)
    return stream.getvalue()


LAYOUTS = pytest.mark.parametrize("layout", [as_zip, as_legacy])
Layout = Callable[[Any], bytes]


def read(folder: Path, data: bytes, name: str = "weights.pth") -> dict[str, Any]:
    path = folder / name
    path.write_bytes(data)
    return read_tensors(path)


@LAYOUTS
def test_tensors_are_read_in_both_layouts(layout: Layout, tmp_path: Path) -> None:
    weight = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    found = read(tmp_path, layout(OrderedDict(weight=tensor(weight), step=tensor([7], "LongStorage"))))
    assert list(found) == ["weight", "step"]
    assert found["weight"].dtype == np.float32
    np.testing.assert_array_equal(found["weight"], weight)
    np.testing.assert_array_equal(found["step"], [7])


@LAYOUTS
def test_windows_on_one_storage_keep_offset_and_stride(layout: Layout, tmp_path: Path) -> None:
    storage = Storage("FloatStorage", np.arange(12))
    content = {"whole": Tensor(storage, 0, (3, 4), (4, 1)), "turned": Tensor(storage, 1, (4, 2), (1, 4))}
    found = read(tmp_path, layout(content))
    np.testing.assert_array_equal(found["turned"], np.arange(12).reshape(3, 4)[:2].T + 1)
    np.testing.assert_array_equal(found["whole"], np.arange(12).reshape(3, 4))


@LAYOUTS
def test_narrow_floats_are_read(layout: Layout, tmp_path: Path) -> None:
    halves = np.array([1.5, -0.25, 65504], np.float16)
    # bfloat16 is the upper half of a float32.
    brains = (np.array([1.5, -0.25, 3e38], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    found = read(tmp_path, layout({"half": tensor(halves, "HalfStorage"), "brain": tensor(brains, "BFloat16Storage")}))
    assert found["half"].dtype == np.float16
    np.testing.assert_array_equal(found["half"], halves)
    np.testing.assert_allclose(found["brain"], [1.5, -0.25, 3e38], rtol=0.01)


@pytest.mark.parametrize("wrapper", ["params_ema", "params", "state_dict", "model"])
def test_checkpoints_are_unwrapped(wrapper: str, tmp_path: Path) -> None:
    content = {"epoch": 3, wrapper: OrderedDict({"module.body.weight": tensor([1, 2])}), "loss": 0.5}
    assert list(read(tmp_path, as_zip(content))) == ["body.weight"]


def test_averaged_weights_are_preferred(tmp_path: Path) -> None:
    found = read(tmp_path, as_zip({"params": {"a": tensor([1])}, "params_ema": {"a": tensor([2])}}))
    assert found["a"] == [2]


def test_parameters_and_scalars_of_numpy_do_no_harm(tmp_path: Path) -> None:
    class Parameter:
        def __reduce__(self) -> Any:
            return _named("torch._utils", "_rebuild_parameter"), (tensor([4.0]), True, OrderedDict())

    found = read(tmp_path, as_zip({"a": Parameter(), "best": np.float64(0.5)}))
    assert list(found) == ["a"]
    assert found["a"] == [4.0]


def test_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": np.eye(3, dtype=np.float32), "b": np.ones(2, np.float16)}, path)
    found = read_tensors(path)
    np.testing.assert_array_equal(found["a"], np.eye(3))
    assert found["b"].dtype == np.float16


def test_bfloat16_of_safetensors_is_read(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    found = read(tmp_path, struct.pack("<Q", len(header)) + header + b"\xc0\x3f\x80\xbe", "w.safetensors")
    np.testing.assert_array_equal(found["a"], [1.5, -0.25])


@pytest.mark.parametrize("name", ["realesr-animevideov3", "compact-lite-x4"])
def test_real_weights_are_read(name: str, shared: Path) -> None:
    found = read_tensors(shared / "models" / "upscale" / f"{name}.pth")
    assert found["body.0.weight"].shape == (64, 3, 3, 3)
    assert all(np.isfinite(values).all() for values in found.values())


# --- what must not run ------------------------------------------------------------------------------------------------


class Call:
    """Pickles as a call of anything with anything."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments

    def __call__(self) -> None:
        """Pickle wants what it writes as a call's function to be callable."""


def attacks(sentinel: Path) -> dict[str, Any]:
    import os
    import subprocess

    touch = f"open({str(sentinel)!r}, 'w').close()"
    return {
        "os.system": Call(os.system, f"touch {sentinel}"),
        "eval": Call(eval, touch),
        "exec": Call(exec, touch),
        "subprocess": Call(subprocess.run, ["touch", str(sentinel)]),
        "open": Call(open, str(sentinel), "w"),
        "getattr": Call(Call(getattr, Call(__import__, "builtins"), "eval"), touch),
        "import": Call(Call(getattr, Call(__import__, "os"), "system"), f"touch {sentinel}"),
        "inside_tensors": {"a": tensor([1.0]), "b": [{"c": (Call(os.system, f"touch {sentinel}"),)}]},
        "as_key": {Call(os.system, f"touch {sentinel}"): tensor([1.0])},
        "in_ordered_dict": OrderedDict([("a", tensor([1.0])), ("b", Call(eval, touch))]),
    }


@LAYOUTS
@pytest.mark.parametrize("attack", list(attacks(Path("x"))))
def test_code_in_a_pickle_is_named_and_not_run(attack: str, layout: Layout, tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    with pytest.raises(UnsafeWeights, match="nothing in it was run"):
        read(tmp_path, layout(attacks(sentinel)[attack]))
    assert not sentinel.exists()


def test_the_sentinel_of_these_tests_works(tmp_path: Path) -> None:
    """The usual loader does run such a file: the test above would see it."""
    sentinel = tmp_path / "ran"
    pickle.loads(pickle.dumps(attacks(sentinel)["eval"]))
    assert sentinel.exists()


def test_a_bare_pickle_is_not_run_either(tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    with pytest.raises(UnsafeWeights, match="eval"):
        read(tmp_path, pickle.dumps(attacks(sentinel)["eval"], 4))
    assert not sentinel.exists()


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (b"cposix\nsystem\n(S'true'\ntR.", "posix.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"),
        (b"(S'true'\nios\nsystem\n.", "INST"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00}X\x01\x00\x00\x00aK\x01sb.", "a state for"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02X\x01\x00\x00\x00x)R.", "a call of str"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "a call of torch.FloatStorage"),
        (b"\x80\x02X\x04\x00\x00\x00evilQ.", "reference to something"),
        (b"\x80\x02ccollections\nOrderedDict\nq\x00.", ""),
    ],
)
def test_programs_written_by_hand(program: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError) as caught:
        read(tmp_path, as_zip({}, raw=program))
    assert isinstance(caught.value, UnsafeWeights) == bool(named)
    assert named in str(caught.value)


# --- what is broken ---------------------------------------------------------------------------------------------------


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="compressed"):
        read(tmp_path, as_zip({"a": tensor(np.zeros(10_000_000))}, compress=True))


@LAYOUTS
@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5,), (1,)),
        (3, (2,), (1,)),
        (0, (2, 2), (4, 1)),
        (-1, (2,), (1,)),
        (0, (10**6, 10**6), (0, 0)),
        (0, (2,), (-1,)),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(
    layout: Layout, offset: int, size: Any, stride: Any, tmp_path: Path
) -> None:
    with pytest.raises(ModelCorrupt):
        read(tmp_path, layout({"a": Tensor(Storage("FloatStorage", range(4)), offset, size, stride)}))


@LAYOUTS
def test_a_storage_larger_than_the_file_takes_no_memory(layout: Layout, tmp_path: Path) -> None:
    storage = Storage("FloatStorage", range(4))
    storage.count = 10**14
    with pytest.raises(ModelCorrupt, match=r"larger than the file|shorter than it says"):
        read(tmp_path, layout({"a": Tensor(storage, 0, (4,), (1,))}))


def test_a_huge_memo_index_takes_no_memory(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt):
        read(tmp_path, as_zip({}, raw=b"\x80\x02}r\xff\xff\xff\x7f."))


def test_no_tensors_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="no named tensors"):
        read(tmp_path, as_zip({"epoch": 3}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"none\.pth"):
        read_tensors(tmp_path / "none.pth")


def _samples() -> list[bytes]:
    """Whole files to damage, written once with names of PyTorch's that vanish again."""
    before = dict(sys.modules)
    for name in ("torch", "torch._utils"):
        sys.modules[name] = types.ModuleType(name)
    try:
        content = {"params": OrderedDict(a=tensor(np.arange(6.0).reshape(2, 3)), b=tensor([1.0]))}
        header = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        return [as_zip(content), as_legacy(content), struct.pack("<Q", len(header)) + header + bytes(8)]
    finally:
        for name in ("torch", "torch._utils"):
            sys.modules.pop(name)
            if name in before:
                sys.modules[name] = before[name]


SAMPLES = _samples()
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(sample=st.sampled_from(SAMPLES), cut=st.floats(0, 1))
def test_a_truncated_file_is_an_error_of_ours(sample: bytes, cut: float, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError):
        read(tmp_path, sample[: min(int(cut * len(sample)), len(sample) - 1)])


@FUZZ
@given(sample=st.sampled_from(SAMPLES), where=st.floats(0, 1), damage=st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_an_error_of_ours(sample: bytes, where: float, damage: bytes, tmp_path: Path) -> None:
    start = int(where * (len(sample) - 1))
    with contextlib.suppress(DarkroomError):
        read(tmp_path, sample[:start] + damage + sample[start + len(damage) :])


@FUZZ
@given(start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04"]), data=st.binary(max_size=300))
def test_random_bytes_are_an_error_of_ours(start: bytes, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError):
        read(tmp_path, start + data)


@FUZZ
@given(data=st.binary(min_size=1, max_size=120))
def test_random_programs_are_an_error_of_ours(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError):
        read(tmp_path, as_zip({}, raw=b"\x80\x02" + data + b"."))


# --- ONNX -------------------------------------------------------------------------------------------------------------


def _onnx(**external: str) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [2.0])
    for key, value in external.items():
        weight.data_location = TensorProto.EXTERNAL
        weight.ClearField("float_data")
        weight.external_data.add(key=key, value=value)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "h", 8]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", values[:1], values[1:], [weight])
    return helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def test_an_onnx_model_tells_its_input(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_onnx())
    assert read_onnx(path).shape == (1, 3, None, 8)
    assert read_onnx(path).data == _onnx()


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_onnx(location="../../etc/passwd"))
    with pytest.raises(UnsafeWeights, match="other files"):
        read_onnx(path)


@pytest.mark.parametrize("cut", [0, 10, -10])
def test_a_broken_onnx_model_is_refused(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(_onnx()[:cut])
    with pytest.raises(ModelCorrupt):
        read_onnx(path)


@FUZZ
@given(where=st.floats(0, 1), damage=st.binary(min_size=1, max_size=6))
def test_a_damaged_onnx_model_is_read_or_an_error_of_ours(where: float, damage: bytes, tmp_path: Path) -> None:
    path, whole = tmp_path / "m.onnx", _onnx()
    start = int(where * (len(whole) - 1))
    path.write_bytes(whole[:start] + damage + whole[start + len(damage) :])
    with contextlib.suppress(DarkroomError):
        read_onnx(path)


def test_reading_weights_needs_no_torch() -> None:
    source = importlib.util.find_spec("darkroom.models.weights")
    assert source is not None
    assert source.origin is not None
    text = Path(source.origin).read_text()
    assert "import torch" not in text
    assert "import pickle\n" not in text
