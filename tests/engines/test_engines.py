"""One contract for every engine, run on those that are installed here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engines.conftest import usable

from darkroom.engines.engine import Compiled, Device, Engine, Graph, Plan, Precision, Shape, is_out_of_memory
from darkroom.engines.onnxruntime import OnnxRuntime
from darkroom.engines.openvino import OpenVino
from darkroom.engines.pytorch import PyTorch
from darkroom.errors import InferenceFailed, UnsupportedModel
from darkroom.models.architectures.translate import translate

ENGINES = [OpenVino(), OnnxRuntime(), PyTorch()]


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return usable(request.param, monkeypatch)


@pytest.fixture(params=ENGINES[:2], ids=lambda engine: engine.name)
def onnx_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return usable(request.param, monkeypatch)


def cpu(engine: Engine) -> Device:
    return next(device for device in engine.devices() if device.kind == "cpu")


def state() -> dict[str, Any]:
    """An SRVGGNetCompact of scale 4 with three layers."""
    numbers = np.random.default_rng(8)
    found: dict[str, Any] = {}
    for index, (out, seen) in {0: (64, 3), 2: (64, 64), 4: (48, 64)}.items():
        found[f"body.{index}.weight"] = (numbers.standard_normal((out, seen, 3, 3)) / 20).astype(np.float32)
        found[f"body.{index}.bias"] = (numbers.standard_normal(out) / 10).astype(np.float32)
    for index in (1, 3):
        found[f"body.{index}.weight"] = numbers.random(64).astype(np.float32)
    return found


def graph(engine: Engine) -> Graph:
    tensors = state()
    if "onnx" in engine.reads:
        return Graph("small", "d" * 64, "onnx", lambda: translate(tensors, "small").onnx)
    return Graph("small", "d" * 64, "state", lambda: tensors)


def load(
    engine: Engine,
    folder: Path,
    network: Graph | None = None,
    precision: Precision = "fp32",
    shape: Shape | None = None,
    threads: int = 0,
) -> Compiled:
    """The network, by default the small one, on the CPU."""
    return engine.compile(network or graph(engine), Plan(cpu(engine), precision, folder, threads, shape))


def test_every_engine_gives_the_same(engine: Engine, tmp_path: Path) -> None:
    batch = np.random.default_rng(0).random((1, 3, 24, 20), np.float32)
    result = load(engine, tmp_path, threads=1).run(batch)
    assert result.shape == (1, 3, 96, 80)
    assert result.dtype == np.float32
    reference = OpenVino()
    wanted = load(reference, tmp_path).run(batch)
    np.testing.assert_allclose(result, wanted, atol=2e-5)


def test_a_fixed_shape_gives_the_same(engine: Engine, tmp_path: Path) -> None:
    batch = np.random.default_rng(0).random((1, 3, 16, 32), np.float32)
    free = load(engine, tmp_path)
    fixed = load(engine, tmp_path, shape=(1, 3, 16, 32))
    np.testing.assert_allclose(fixed.run(batch), free.run(batch), atol=1e-5)


def test_results_are_the_callers_own(engine: Engine, tmp_path: Path) -> None:
    """A second run must not write over the first one's result."""
    compiled = load(engine, tmp_path)
    first = compiled.run(np.zeros((1, 3, 8, 8), np.float32))
    kept = first.copy()
    compiled.run(np.ones((1, 3, 8, 8), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_a_wrong_input_is_an_error_of_ours(engine: Engine, tmp_path: Path) -> None:
    compiled = load(engine, tmp_path)
    with pytest.raises(InferenceFailed, match="small"):
        compiled.run(np.zeros((1, 5, 8, 8), np.float32))


@pytest.mark.parametrize("broken", [b"", b"not a model", b"\x08\x09"])
def test_a_broken_model_is_an_error_of_ours(onnx_engine: Engine, broken: bytes, tmp_path: Path) -> None:
    network = Graph("small", "0" * 64, "onnx", lambda: broken)
    with pytest.raises(UnsupportedModel, match="small"):
        load(onnx_engine, tmp_path, network)


def test_a_network_in_the_wrong_form_is_refused(engine: Engine, tmp_path: Path) -> None:
    states = Graph("small", "0" * 64, "state", state)
    wrong = states if "onnx" in engine.reads else Graph("small", "0" * 64, "onnx", lambda: b"x")
    with pytest.raises(UnsupportedModel, match="small"):
        load(engine, tmp_path, wrong)


def test_unknown_architectures_are_refused_by_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = usable(PyTorch(), monkeypatch)
    with pytest.raises(UnsupportedModel, match="spandrel"):
        load(engine, tmp_path, Graph("odd", "0" * 64, "state", lambda: {"a": np.ones(3)}))


def test_compiled_networks_are_cached_by_precision_and_shape(tmp_path: Path) -> None:
    engine = OpenVino()
    device = cpu(engine)
    batch = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    results: dict[Any, Any] = {}
    for _ in range(2):
        for precision in (one for one in device.precisions if one != "int8"):
            for shape in (None, (1, 3, 16, 16)):
                compiled = load(engine, tmp_path, precision=precision, shape=shape)
                result = compiled.run(batch)
                np.testing.assert_array_equal(results.setdefault((precision, shape), result), result)
    assert len(list(tmp_path.rglob("*.blob"))) == len(results)
    if "bf16" in device.precisions:
        assert 0 < abs(results["bf16", None] - results["fp32", None]).max() < 0.05


def test_a_damaged_cache_is_compiled_again(tmp_path: Path) -> None:
    engine = OpenVino()
    shape = (1, 3, 16, 16)
    batch = np.ones(shape, np.float32)
    wanted = load(engine, tmp_path, shape=shape).run(batch)
    (blob,) = tmp_path.rglob("*.blob")
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:100])
    result = load(engine, tmp_path, shape=shape).run(batch)
    np.testing.assert_array_equal(result, wanted)


def test_nothing_is_sent_or_written_behind_the_users_back(tmp_path: Path) -> None:
    """Both libraries report to their makers unless they are kept from it; on a build machine they are silent anyway."""
    program = """
import os, socket, sys
tried = []
def refuse(self, address): tried.append(address); raise OSError
socket.socket.connect = refuse
from darkroom.engines.openvino import OpenVino
from darkroom.engines.onnxruntime import OnnxRuntime
OpenVino().devices()
if OnnxRuntime().installed():
    OnnxRuntime().devices()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
assert sys.modules["openvino_telemetry"] is None
print(tried)
"""
    quiet = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shown = subprocess.run([sys.executable, "-c", program], env=quiet, capture_output=True, text=True, check=False)
    assert shown.stdout.strip() == "[]", shown.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("Failed to allocate 3 bytes"), True),
        (RuntimeError("shape mismatch"), False),
    ],
)
def test_out_of_memory_is_told_by_its_words(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) == expected
