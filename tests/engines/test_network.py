"""Bad results are caught before they leave, and computed again: smaller tiles, fp32, the CPU; else an error.

The faults are injected in an engine of the test's own, one for each way in which drivers and half precision go wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.engines.conftest import FolderStore, blur_network

from darkroom.engines import device as devices
from darkroom.engines import quantising
from darkroom.engines.engine import Compiled, Device, Form, Graph, Plan, Precision
from darkroom.engines.openvino import OpenVino
from darkroom.engines.sessions import Runtime
from darkroom.errors import BadResult, FallbackRefused
from darkroom.operation import Context
from darkroom.report import StepReport
from darkroom.settings import Settings
from darkroom.vision.checks import mask_fault

Make = Callable[..., Runtime]
Fault = Callable[[Any], Any]

NAN: Fault = lambda result: np.where(result > result.mean(), np.nan, result)  # noqa: E731
FAULTS: dict[str, Fault] = {
    "nan": NAN,
    "black": lambda result: result * 0,
    "constant": lambda result: np.full_like(result, result.mean()),
    "too light": lambda result: result + 0.4,
    "channels in the wrong order": lambda result: result[:, ::-1],
}


@dataclass
class Injecting:
    """Two devices that double a picture's size; ``fault`` spoils the result where ``where`` says so."""

    fault: Fault
    where: Callable[[Plan, Any], bool]
    kinds: tuple[Literal["cpu", "gpu"], ...] = ("gpu", "cpu")
    name: str = "pytorch"
    reads: tuple[Form, ...] = ("onnx", "state")

    def installed(self) -> bool:
        return True

    def version(self) -> str:
        return "1"

    def devices(self) -> tuple[Device, ...]:
        precisions: dict[str, tuple[Precision, ...]] = {"gpu": ("fp16", "fp32"), "cpu": ("bf16", "fp32")}
        return tuple(Device(kind, f"{kind}:0", f"Test {kind}", precisions[kind]) for kind in self.kinds)

    def compile(self, graph: Graph, plan: Plan) -> Compiled:
        return _Session(self, plan)


@dataclass
class _Session:
    engine: Injecting
    plan: Plan

    @property
    def device(self) -> Device:
        return self.plan.device

    @property
    def precision(self) -> Precision:
        return self.plan.precision

    def run(self, batch: Any) -> Any:
        result = batch.repeat(2, 2).repeat(2, 3)
        return self.engine.fault(result) if self.engine.where(self.plan, batch) else result

    def run_all(self, batch: Any) -> Any:
        return {"out": self.run(batch)}


def scene(height: int = 300, width: int = 340) -> Any:
    noise = np.random.default_rng(4).random((height, width, 3), np.float32) * np.array([1.6, 0.8, 0.6], np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    soft[: height // 2] *= 0.5
    return soft


def large_tiles(plan: Plan, batch: Any) -> bool:
    return max(batch.shape[2:]) > 100


def half(plan: Plan, batch: Any) -> bool:
    return plan.precision != "fp32"


def on_gpu(plan: Plan, batch: Any) -> bool:
    return plan.device.kind == "gpu"


def always(plan: Plan, batch: Any) -> bool:
    return True


@pytest.fixture
def network(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    def make(fault: Fault, where: Any, **changes: Any) -> Any:
        monkeypatch.setattr(devices, "engines", lambda: (Injecting(fault, where),))
        store.add("double", blur_network(tmp_path / "double.onnx"), scale=2)
        return make_runtime(device="gpu", **changes).network("double", step)

    return make


def run(network: Any, tile: int = 140) -> Any:
    return network.enlarge(scene(), tile=tile, overlap=8, progress=lambda fraction, doing: None)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("where", "remedies"),
    [
        (large_tiles, ["tiles of"]),
        (half, ["tiles of", "fp32"]),
        (on_gpu, ["tiles of", "fp32", "cpu"]),
    ],
)
def test_a_bad_result_is_computed_again_with_more_care(
    network: Any, report: StepReport, fault: str, where: Any, remedies: list[str]
) -> None:
    result = run(network(FAULTS[fault], where))
    np.testing.assert_allclose(result, scene().repeat(2, 0).repeat(2, 1), atol=1e-6)
    used = [fallback.used for fallback in report.fallbacks]
    assert len(used) == len(remedies)
    assert all(one.startswith(remedy) for one, remedy in zip(used, remedies, strict=True))
    assert all("refused" in fallback.reason for fallback in report.fallbacks)
    assert report.device == ("cpu" if "cpu" in remedies else "gpu")


@pytest.mark.parametrize("fault", FAULTS)
def test_what_stays_bad_is_an_error_and_no_strip(network: Any, report: StepReport, fault: str) -> None:
    broken = network(FAULTS[fault], always)
    made: list[Any] = []
    with pytest.raises(BadResult, match="double was refused"):
        made.extend(broken.strips(scene(), tile=140, overlap=8, progress=lambda fraction, doing: None))
    assert made == []


def test_tiles_that_disagree_are_a_fault(network: Any, report: StepReport) -> None:
    """Each tile alone could be right: only where they meet it shows that one is lighter than the other."""
    count = 0

    def flicker(result: Any) -> Any:
        nonlocal count
        count += 1
        return result + (0.12 if count % 2 else 0.0)

    result = run(network(flicker, large_tiles))
    np.testing.assert_allclose(result, scene().repeat(2, 0).repeat(2, 1), atol=1e-6)
    assert "where they meet" in report.fallbacks[0].reason


def test_after_a_failure_it_goes_on_below_what_was_made(network: Any) -> None:
    """The lower half fails in half precision: the strips above it are not made a second time."""
    rows = scene(height=400)

    def below(plan: Plan, batch: Any) -> bool:
        return half(plan, batch) and bool(batch.mean() > 0.45)

    seen: list[tuple[int, int]] = []
    parts: list[Any] = []
    broken = network(NAN, below)
    for row, strip in broken.strips(rows, tile=80, overlap=8, progress=lambda fraction, doing: None):
        seen.append((row, strip.shape[0]))
        parts.append(strip)
    assert [row for row, _ in seen] == [sum(count for _, count in seen[:number]) for number in range(len(seen))]
    np.testing.assert_allclose(np.concatenate(parts), rows.repeat(2, 0).repeat(2, 1), atol=1e-6)


def test_strict_mode_takes_no_second_try(
    make_runtime: Make, store: FolderStore, settings: Settings, report: StepReport, tmp_path: Path, network: Any
) -> None:
    broken = network(NAN, half)
    strict = settings.with_changes({"strict": True})
    broken._step.settings = strict
    with pytest.raises(FallbackRefused):
        run(broken)


def test_a_check_of_the_operations_own_is_kept_to(network: Any, report: StepReport) -> None:
    empty = network(lambda result: result * 0, half)
    batch = np.full((1, 3, 16, 16), 0.5, np.float32)
    assert empty.predict(batch, check=mask_fault).mean() == pytest.approx(0.5)
    assert [fallback.used for fallback in report.fallbacks] == ["fp32"]
    with pytest.raises(BadResult, match="mask is full"):
        network(lambda result: result * 0 + 1, always).predict(batch, check=mask_fault)


def test_int8_is_left_where_the_network_does_not_stand_it(
    make_runtime: Make, store: FolderStore, step: Context, report: StepReport, tmp_path: Path
) -> None:
    device = next(device for device in OpenVino().devices() if device.kind == "cpu")
    if "int8" not in device.precisions:
        pytest.skip("not in CI: this processor does not compute in int8")
    numbers = np.random.default_rng(1)
    state = {"body.0.weight": numbers.standard_normal((16, 3, 3, 3)), "body.2.weight": np.zeros((12, 16, 3, 3))}
    state["body.2.weight"][:, :, 1, 1] = 1e-5
    state["body.2.weight"][:, 0, 1, 1] = 30
    state |= {"body.0.bias": np.zeros(16), "body.2.bias": np.zeros(12), "body.1.weight": np.ones(16)}
    # The first channel says next to nothing and is multiplied by much; the others, loud and unheard, set its steps.
    state["body.0.weight"][0] *= 0.001
    state["body.0.weight"][1:] *= 30
    save_file({name: values.astype(np.float32) for name, values in state.items()}, tmp_path / "loud.safetensors")
    store.add("loud", tmp_path / "loud.safetensors", architecture="srvgg")
    run(make_runtime(precision="int8", device="cpu").network("loud", step), tile=64)
    (fallback,) = report.fallbacks
    assert (fallback.wanted, fallback.used) == ("int8", device.precisions[0])
    assert f"{quantising.ENOUGH:g} are wanted" in fallback.reason
    assert report.precision == device.precisions[0]


def test_a_precision_that_the_device_lacks_is_noted(network: Any, report: StepReport) -> None:
    run(network(NAN, lambda plan, batch: False, precision="bf16"))
    assert report.fallbacks[0].wanted == "bf16"
    assert report.precision == "fp16"


def test_networks_that_nobody_uses_are_unloaded(
    make_runtime: Make, store: FolderStore, step: Context, tmp_path: Path
) -> None:
    store.add("blur", blur_network(tmp_path / "blur.onnx"), scale=2)
    runtime = make_runtime(idle_seconds=0.5)
    loaded = runtime.network("blur", step)
    loaded.predict(np.zeros((1, 3, 8, 8), np.float32))
    assert len(runtime.loaded()) == 1
    ends = time.monotonic() + 10
    while runtime.loaded() and time.monotonic() < ends:
        time.sleep(0.05)
    assert runtime.loaded() == []
    assert loaded.predict(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 3, 16, 16)
