"""Which engine and device: what is asked for, or an error that says what to install."""

from __future__ import annotations

from typing import Any

import pytest

from darkroom.engines import device as devices
from darkroom.engines.device import choose, survey
from darkroom.engines.pytorch import PyTorch
from darkroom.errors import ConfigurationError, ExtraMissing, UnsupportedModel
from darkroom.operation import Context
from darkroom.settings import Settings


def engine_settings(**changes: Any) -> Any:
    return Settings().with_changes({f"engine.{key}": value for key, value in changes.items()}).engine


def test_the_default_is_openvino_on_the_cpu(step: Context) -> None:
    engine, device = choose(engine_settings(device="cpu"), ("onnx", "state"), "m", step)
    assert (engine.name, device.kind) == ("openvino", "cpu")


def test_an_engine_by_name(step: Context) -> None:
    pytest.importorskip("onnxruntime", reason="the onnxruntime extra is not installed")
    engine, _ = choose(engine_settings(engine="onnxruntime", device="cpu"), ("onnx",), "m", step)
    assert engine.name == "onnxruntime"


def test_an_extra_that_is_missing_names_itself(step: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PyTorch, "installed", lambda self: False)
    with pytest.raises(ExtraMissing, match=r"pip install 'darkroom-studio\[pytorch\]'"):
        choose(engine_settings(), ("state",), "m", step)
    with pytest.raises(ExtraMissing, match=r"pip install 'darkroom-studio\[pytorch\]'"):
        choose(engine_settings(engine="pytorch"), ("onnx", "state"), "m", step)


def test_an_engine_that_cannot_read_the_network(step: Context) -> None:
    with pytest.raises(UnsupportedModel, match="openvino cannot run m"):
        choose(engine_settings(engine="openvino"), ("state",), "m", step)


def test_contradictory_wishes_are_refused(step: Context) -> None:
    with pytest.raises(ConfigurationError, match=r"engine\.require is gpu"):
        choose(engine_settings(device="cpu", require="gpu"), ("onnx",), "m", step)


def test_the_survey_lists_every_engine_and_mends_what_is_missing() -> None:
    found = {entry.engine: entry for entry in survey()}
    assert list(found) == ["openvino", "onnxruntime", "pytorch"]
    assert found["openvino"].problem is None
    assert found["openvino"].devices[-1].kind == "cpu"
    for name in ("onnxruntime", "pytorch"):
        assert found[name].devices or f"darkroom-studio[{name}]" in str(found[name].problem)


def test_looking_for_engines_loads_none() -> None:
    import subprocess
    import sys

    program = "import sys; from darkroom.engines.device import engines; [e.installed() for e in engines()]; "
    program += "print([m for m in ('openvino', 'onnxruntime', 'torch', 'onnx') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_an_integrated_gpu_waits_to_be_asked(step: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from darkroom.engines.engine import Device
    from darkroom.engines.openvino import OpenVino

    both = (Device("gpu", "GPU.0", "Integrated", ("fp16",), integrated=True), Device("cpu", "CPU", "CPU", ("fp32",)))
    monkeypatch.setattr(OpenVino, "devices", lambda self: both)
    monkeypatch.setattr(devices, "nvidia_here", lambda: True)
    monkeypatch.setattr(devices, "engines", lambda: (OpenVino(),))
    assert choose(engine_settings(), ("onnx",), "m", step)[1].kind == "cpu"
    assert choose(engine_settings(device="gpu"), ("onnx",), "m", step)[1].kind == "gpu"
