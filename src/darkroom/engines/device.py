"""Which engine and device a network runs on, and what there is to choose from on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.engines.engine import Device, Engine, Form, Precision
from darkroom.errors import ConfigurationError, DarkroomError, DeviceUnavailable, ExtraMissing, UnsupportedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from darkroom.operation import Step
    from darkroom.settings import EngineSettings, PrecisionChoice

GPU_CURE = (
    "On NVIDIA: pip install 'darkroom-studio[pytorch]' with a CUDA build of torch, or onnxruntime-gpu in place of "
    "onnxruntime. `darkroom doctor` shows what each engine finds."
)


def engines() -> tuple[Engine, ...]:
    """Every engine there is, installed or not, in the order they are tried on a CPU. Loads none of them."""
    from darkroom.engines.onnxruntime import OnnxRuntime
    from darkroom.engines.openvino import OpenVino
    from darkroom.engines.pytorch import PyTorch

    return (OpenVino(), OnnxRuntime(), PyTorch())


@dataclass(frozen=True, slots=True)
class Survey:
    """What one engine offers here; ``problem`` says why it offers nothing, with the command that mends it."""

    engine: str
    version: str | None
    devices: tuple[Device, ...]
    problem: str | None = None


def survey() -> tuple[Survey, ...]:
    """Load every engine that is installed and ask what it can run on."""
    found: list[Survey] = []
    for engine in engines():
        try:
            found.append(Survey(engine.name, engine.version(), engine.devices()))
        except DarkroomError as error:
            found.append(Survey(engine.name, None, (), str(error)))
    return tuple(found)


def nvidia_here() -> bool:
    """True if there is a driver for an NVIDIA GPU: asked before a library is loaded that takes seconds to say no."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def choose(settings: EngineSettings, forms: Sequence[Form], model: str, step: Step) -> tuple[Engine, Device]:
    """The engine and device for a network that is to be had in these ``forms``.

    ``auto`` prefers a GPU that works, and asks for one nothing that is not installed. A GPU that is asked for and not
    there ends in a noted fallback to the CPU, or in DeviceUnavailable where it is required. Raises ExtraMissing,
    UnsupportedModel, DeviceUnavailable, ConfigurationError.
    """
    if settings.require is not None and settings.device not in ("auto", settings.require):
        raise ConfigurationError(
            f"engine.device is {settings.device} and engine.require is {settings.require}.",
            cure="Ask for one of them.",
            field="engine.require",
        )
    able = _able(settings, forms, model)
    wanted = settings.require or settings.device
    if wanted == "gpu" or (wanted == "auto" and nvidia_here()):
        found = _gpu(able, asked=wanted == "gpu")
        if found is not None:
            return found
        names = ", ".join(engine.name for engine in able)
        reason = f"no GPU that {names} can use was found"
        if settings.require == "gpu":
            raise DeviceUnavailable(f"{model} is to run on a GPU, and {reason}.", cure=GPU_CURE, field="engine.require")
        if wanted == "gpu":
            step.fallback("gpu", "cpu", f"{reason}. {GPU_CURE}")
    return on_cpu(able, model)


def precision(device: Device, wanted: PrecisionChoice, step: Step) -> Precision:
    """What to compute in: the device's own choice for ``auto``, and, noted, where it does not have what is wanted."""
    if wanted == "auto" or wanted in device.precisions:
        return device.precisions[0] if wanted == "auto" else wanted
    step.fallback(wanted, device.precisions[0], f"{device.name} does not compute in {wanted}")
    return device.precisions[0]


def on_cpu(able: Sequence[Engine], model: str) -> tuple[Engine, Device]:
    """The first of these engines that has a CPU device. Raises DeviceUnavailable."""
    for engine in able:
        for device in engine.devices():
            if device.kind == "cpu":
                return engine, device
    raise DeviceUnavailable(f"No engine can run {model} on the CPU here.", cure="`darkroom doctor` shows why.")


def _able(settings: EngineSettings, forms: Sequence[Form], model: str) -> list[Engine]:
    """The installed engines that can read the network, among those that the settings allow."""
    allowed = [engine for engine in engines() if settings.engine in ("auto", engine.name)]
    readers = [engine for engine in allowed if any(form in engine.reads for form in forms)]
    if not readers:
        raise UnsupportedModel(
            f"{settings.engine} cannot run {model}, which is to be had as {' or '.join(forms)} only.",
            cure="Set engine.engine to auto.",
            field="engine.engine",
        )
    able = [engine for engine in readers if engine.installed()]
    if not able:
        raise ExtraMissing(
            f"{model} needs {' or '.join(engine.name for engine in readers)}, which is not installed.",
            cure=" or ".join(f"pip install 'darkroom-studio[{engine.name}]'" for engine in readers),
        )
    return able


def _gpu(able: Sequence[Engine], *, asked: bool) -> tuple[Engine, Device] | None:
    # PyTorch first: it reads the weights themselves and computes in fp16, channels last.
    for engine in sorted(able, key=lambda engine: engine.name != "pytorch"):
        for device in engine.devices():
            if device.kind == "gpu" and (asked or not device.integrated):
                return engine, device
    return None
