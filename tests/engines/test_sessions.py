"""The runtime loads once, keeps within its memory, and says whatever it does differently from what was wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.engines.conftest import FolderStore, blur_network, raw_network

from darkroom.engines import device as devices
from darkroom.engines.engine import Compiled, Device, Graph, Plan, Precision
from darkroom.engines.openvino import OpenVino
from darkroom.engines.sessions import Runtime
from darkroom.errors import (
    BadResult,
    DeviceUnavailable,
    FallbackRefused,
    ModelMissing,
    OutOfMemory,
    UnknownModel,
    UnsafeWeights,
    UnsupportedModel,
)
from darkroom.operation import Context
from darkroom.report import StepReport
from darkroom.settings import Settings

Make = Callable[..., Runtime]


def silent(fraction: float, doing: str) -> None:
    """Progress that nobody watches."""


def noise(height: int, width: int) -> Any:
    return np.random.default_rng(3).random((height, width, 3), np.float32)


def compact(path: Path, seed: int, features: int = 8) -> Path:
    """A small SRVGGNetCompact of scale 2."""
    numbers = np.random.default_rng(seed)
    state: dict[str, Any] = {}
    for index, (out, seen) in {0: (features, 3), 2: (12, features)}.items():
        state[f"body.{index}.weight"] = (numbers.standard_normal((out, seen, 3, 3)) / (1.25 * features)).astype(
            np.float32
        )
        state[f"body.{index}.bias"] = np.full(out, 0.1, np.float32)
    state["body.1.weight"] = np.full(features, 0.25, np.float32)
    save_file(state, path)
    return path


def test_a_model_is_found_run_and_reported(
    make_runtime: Make, store: FolderStore, step: Context, report: StepReport, tmp_path: Path
) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(precision="fp32").network("blur", step)
    batch = np.ones((1, 3, 8, 8), np.float32)
    result = network.predict(batch)
    assert result.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(result[0, :, 2:-2, 2:-2], 1, atol=1e-5)
    assert [(use.name, use.digest_source, use.licence) for use in report.models] == [("blur", "the test", "MIT")]
    assert (report.engine, report.device, report.precision) == ("openvino", "cpu", "fp32")
    assert report.fallbacks == []


def test_pictures_are_enlarged_in_tiles(make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(precision="fp32").network("blur", step)
    pixels = noise(50, 70)
    whole = network.enlarge(pixels, tile=None, overlap=None, progress=silent)
    tiled = network.enlarge(pixels, tile=32, overlap=4, progress=silent)
    assert whole.shape == (100, 140, 3)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_what_is_not_there_is_said(make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path) -> None:
    runtime = make_runtime()
    store.add("absent", None)
    store.add("here", blur_network(tmp_path / "blur.onnx"))
    assert [entry.name for entry in runtime.installed("upscale")] == ["here"]
    assert runtime.installed("matte") == []
    assert not runtime.ready("absent")
    with pytest.raises(ModelMissing, match="pull absent"):
        runtime.network("absent", step)
    with pytest.raises(UnknownModel):
        runtime.network("nobody", step)


def test_unsafe_weights_end_in_an_error(make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(b"\x80\x02cposix\nsystem\nX\x05\x00\x00\x00false\x85R.")
    store.add("evil", path, architecture="rrdbnet")
    with pytest.raises(UnsafeWeights, match="posix"):
        make_runtime().network("evil", step)


def test_a_wrong_scale_of_an_entry_is_found_out(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx", scale=2), scale=4)
    network = make_runtime().network("blur", step)
    with pytest.raises(UnsupportedModel, match="not 4 times as large"):
        network.enlarge(noise(20, 20), tile=None, overlap=None, progress=silent)


# --- loading ----------------------------------------------------------------------------------------------------------


def test_a_network_is_loaded_once_for_many_threads(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    runtime = make_runtime(precision="fp32")
    pixels = noise(40, 40)
    wanted = runtime.network("blur", step).enlarge(pixels, tile=None, overlap=None, progress=silent)
    runtime.release()
    results: list[Any] = []

    def work() -> None:
        results.append(runtime.network("blur", step).enlarge(pixels, tile=None, overlap=None, progress=silent))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for result in results:
        np.testing.assert_array_equal(result, wanted)
    assert len(runtime.loaded()) == 1


def test_the_least_recently_used_network_goes_first(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    runtime = make_runtime(memory=100_000_000)
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        store.add(name, compact(tmp_path / f"{name}.safetensors", seed, features=256), architecture="srvgg")
    for name in ("a", "b", "a", "c"):
        # Maps of this size count as 72 MB in bf16: one fits within the budget, two do not.
        runtime.network(name, step).enlarge(noise(224, 224), tile=256, overlap=8, progress=silent)
    digests = [digest for digest, _, _ in runtime.loaded()]
    assert digests == [store.ensure("c", silent).digest]


def test_precision_and_device_are_kept_apart(
    make_runtime: Make, store: FolderStore, step: Context, report: StepReport, tmp_path: Path
) -> None:
    if "bf16" not in OpenVino().devices()[-1].precisions:
        pytest.skip("not in CI: this processor does not compute in bf16")
    store.add("blur", compact(tmp_path / "c.safetensors", 1), architecture="srvgg")
    runtime = make_runtime()
    quick = runtime.network("blur", step).enlarge(noise(64, 64), tile=None, overlap=None, progress=silent)
    assert report.precision == "bf16"
    exact = runtime.network("blur", step, precision="fp32").enlarge(
        noise(64, 64), tile=None, overlap=None, progress=silent
    )
    assert report.precision == "fp32"
    assert 0 < abs(quick - exact).max() < 0.02
    assert {precision for _, _, precision in runtime.loaded()} == {"bf16", "fp32"}


def test_mixed_weights_lie_between(make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        store.add(name, compact(tmp_path / f"{name}.safetensors", seed), architecture="srvgg")
    runtime = make_runtime(precision="fp32")
    pixels = noise(16, 16)

    def result(**blend: float) -> Any:
        return runtime.network("a", step, blend=blend).enlarge(pixels, tile=None, overlap=None, progress=silent)

    first, second = (
        runtime.network(name, step).enlarge(pixels, tile=None, overlap=None, progress=silent) for name in "ab"
    )
    np.testing.assert_array_equal(result(a=1.0, b=0.0), first)
    np.testing.assert_array_equal(result(a=0.0, b=1.0), second)
    middle = result(a=0.5, b=0.5)
    assert abs(middle - first).max() > 1e-3
    assert abs(middle - second).max() > 1e-3
    # Weights are mixed, not results: only nearby does that come to the same.
    np.testing.assert_allclose(result(a=0.999, b=0.001), first, atol=5e-3)


def test_networks_of_different_shape_do_not_mix(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("a", compact(tmp_path / "a.safetensors", 1), architecture="srvgg")
    save_file({"body.0.weight": np.zeros((1, 1, 3, 3), np.float32)}, tmp_path / "b.safetensors")
    store.add("b", tmp_path / "b.safetensors", architecture="srvgg")
    with pytest.raises(UnsupportedModel, match="cannot be mixed"):
        make_runtime().network("a", step, blend={"a": 0.5, "b": 0.5})


# --- results that are not pictures ------------------------------------------------------------------------------------


def test_a_black_or_impossible_result_is_refused(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("black", raw_network(tmp_path / "black.onnx", [("Mul", [0.0])]))
    store.add("nan", raw_network(tmp_path / "nan.onnx", [("Mul", [0.0]), ("Div", [0.0])]))
    runtime = make_runtime()
    for name in ("black", "nan"):
        with pytest.raises(BadResult, match=name):
            runtime.network(name, step).enlarge(noise(16, 16), tile=None, overlap=None, progress=silent)
    with pytest.raises(BadResult, match="nan"):
        runtime.network("nan", step).predict(np.ones((1, 3, 8, 8), np.float32))


def test_black_stays_allowed_where_the_picture_is_black(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx", scale=1))
    result = (
        make_runtime()
        .network("blur", step)
        .enlarge(np.zeros((16, 16, 3), np.float32), tile=None, overlap=None, progress=silent)
    )
    assert not result.any()


# --- other devices: an engine of the test's own, with the faults that real ones have ----------------------------------


@dataclass
class Faulty:
    """An engine with a GPU that repeats pixels, spoils them in fp16, and has room for small tiles."""

    name: str = "pytorch"
    reads: tuple[Literal["onnx", "state"], ...] = ("onnx", "state")
    room: int = 10**9
    spoils: bool = False
    kinds: tuple[Literal["cpu", "gpu"], ...] = ("gpu",)

    def installed(self) -> bool:
        return True

    def version(self) -> str:
        return "1"

    def devices(self) -> tuple[Device, ...]:
        return tuple(Device(kind, f"{kind}:0", f"Test {kind}", ("fp16", "fp32")) for kind in self.kinds)

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        return FaultySession(plan.device, plan.precision, self)


@dataclass
class FaultySession:
    device: Device
    precision: Precision
    engine: Faulty

    def run(self, batch: Any) -> Any:
        if batch.shape[2] * batch.shape[3] > self.engine.room:
            raise OutOfMemory("The test device is full.")
        result = batch.repeat(2, 2).repeat(2, 3)
        return result * np.nan if self.engine.spoils and self.precision == "fp16" else result


def use(monkeypatch: pytest.MonkeyPatch, *engines: Any) -> None:
    monkeypatch.setattr(devices, "engines", lambda: engines)


def test_memory_running_out_ends_in_smaller_tiles(
    make_runtime: Make,
    store: FolderStore,
    step: Context,
    report: StepReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, Faulty(room=120 * 120))
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(device="gpu").network("blur", step)
    pixels = noise(400, 400)
    result = network.enlarge(pixels, tile=512, overlap=8, progress=silent)
    np.testing.assert_allclose(result, pixels.repeat(2, 0).repeat(2, 1), atol=1e-6)
    assert report.device == "gpu"
    assert [fallback.wanted for fallback in report.fallbacks] == [
        "tiles of 416 pixels",
        "4 tiles at a time",
        "tiles of 152 pixels",
    ]
    assert "full" in report.fallbacks[0].reason


def test_memory_running_out_at_last_ends_on_the_cpu(
    make_runtime: Make,
    store: FolderStore,
    step: Context,
    report: StepReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, OpenVino(), Faulty(room=10))
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(device="gpu").network("blur", step)
    assert report.device == "gpu"
    result = network.enlarge(np.ones((100, 100, 3), np.float32), tile=None, overlap=None, progress=silent)
    np.testing.assert_allclose(result, 1, atol=0.01)
    assert report.device == "cpu"
    assert report.engine == "openvino"
    assert report.fallbacks[-1].used == "cpu"
    np.testing.assert_allclose(network.predict(np.ones((1, 3, 8, 8), np.float32))[0, :, 4:-4, 4:-4], 1, atol=0.01)


def test_a_required_gpu_is_not_left(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, OpenVino(), Faulty(room=10))
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(require="gpu").network("blur", step)
    with pytest.raises(OutOfMemory):
        network.enlarge(noise(32, 32), tile=None, overlap=None, progress=silent)


def test_a_spoiled_result_is_computed_again_in_fp32(
    make_runtime: Make,
    store: FolderStore,
    step: Context,
    report: StepReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, Faulty(spoils=True))
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    network = make_runtime(device="gpu").network("blur", step)
    result = network.enlarge(noise(32, 32), tile=None, overlap=None, progress=silent)
    assert np.isfinite(result).all()
    assert report.precision == "fp32"
    assert [(fallback.wanted, fallback.used) for fallback in report.fallbacks] == [("fp16", "fp32")]


def test_strict_mode_refuses_every_fallback(
    make_runtime: Make, store: FolderStore, report: StepReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make_runtime(device="gpu")
    strict = Context(settings=Settings(strict=True), models=runtime, step=report, open_image=pytest.fail)
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    use(monkeypatch, Faulty(spoils=True))
    with pytest.raises(FallbackRefused, match="fp16"):
        runtime.network("blur", strict).enlarge(noise(32, 32), tile=None, overlap=None, progress=silent)
    use(monkeypatch, OpenVino())
    if any(device.kind == "gpu" for device in OpenVino().devices()):
        pytest.skip("not in CI: this machine has a GPU for OpenVINO")
    with pytest.raises(FallbackRefused, match="gpu was wanted"):
        runtime.network("blur", strict)


def test_a_gpu_that_is_not_there(
    make_runtime: Make,
    store: FolderStore,
    step: Context,
    report: StepReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, Faulty(kinds=("cpu",)))
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    with pytest.raises(DeviceUnavailable, match=r"darkroom-studio\[pytorch\]"):
        make_runtime(require="gpu").network("blur", step)
    make_runtime(device="gpu").network("blur", step)
    assert [(fallback.wanted, fallback.used) for fallback in report.fallbacks] == [("gpu", "cpu")]
