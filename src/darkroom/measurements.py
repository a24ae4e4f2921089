"""What this machine was measured to do: seconds for each megapixel by model, device and precision, and what follows.

``darkroom bench`` measures and stores it; ``engine.quality`` and ``engine.within`` choose by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from darkroom.settings import EngineSettings, PrecisionChoice

BUILTIN = "builtin"
"""Stands for a model's name where an operation works without one."""


class Measurement(BaseModel):
    """One way to carry out one task, tried out."""

    model_config = ConfigDict(extra="forbid")

    task: str = Field(description="upscale or matte.")
    model: str = Field(description="Catalogue name, or builtin.")
    engine: str = Field(default="", description="Inference engine; empty for builtin.")
    device: str = Field(default="cpu", description="cpu or gpu.")
    precision: str = Field(default="", description="What it was computed in; empty for builtin.")
    seconds: float | None = Field(default=None, description="Seconds for each megapixel of the picture given.")
    memory: int | None = Field(default=None, description="Peak resident memory of the process, in bytes.")
    problem: str | None = Field(default=None, description="Why there is no figure.")


class Measurements(BaseModel):
    """What was measured on one machine on one day."""

    model_config = ConfigDict(extra="forbid")

    machine: str = Field(description="The processor, its cores, and the engines with their versions.")
    version: str = Field(description="Version of Darkroom.")
    measured: str = Field(description="Day and time, UTC.")
    rows: list[Measurement] = Field(default_factory=list[Measurement])


def file_of(settings: EngineSettings) -> Path:
    """Where they are kept: beside the compiled networks, which are this machine's too."""
    return settings.cache / "measurements.json"


def load(settings: EngineSettings) -> Measurements | None:
    """What was stored; None where nothing was, or nothing that can be read."""
    try:
        return Measurements.model_validate_json(file_of(settings).read_bytes())
    except (OSError, ValidationError):
        return None


def save(settings: EngineSettings, found: Measurements) -> None:
    """Store them whole or not at all."""
    from darkroom.codecs import write_atomically

    path = file_of(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, found.model_dump_json(indent=2).encode())


def describe_machine() -> str:
    """What the figures depend on: processor, cores, engines. Loads no engine."""
    import importlib.metadata
    import os
    import platform

    from darkroom.engines.device import engines

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = " ".join(lines[0].partition(":")[2].split()) if lines else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{name}, {cores} cores"]
    for engine in engines():
        if engine.installed():
            for distribution in {"openvino": ["openvino"], "pytorch": ["torch"]}.get(
                engine.name, ["onnxruntime", "onnxruntime-gpu"]
            ):
                try:
                    parts.append(f"{distribution} {importlib.metadata.version(distribution)}")
                except importlib.metadata.PackageNotFoundError:
                    continue
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model and what to compute it in, and why; ``late`` where even the quickest takes longer than is left."""

    model: str
    precision: PrecisionChoice
    why: str
    late: bool = False


EXACTNESS = ("fp32", "tf32", "fp16", "bf16", "int8")
"""Precisions, the most exact first."""


def choose(
    rows: Sequence[Measurement],
    task: str,
    names: Sequence[str],
    *,
    quality: str,
    megapixels: float,
    seconds: float | None,
) -> Choice | None:
    """The model, of ``names`` (the best first), and precision for a picture of ``megapixels``, all frames together.

    ``best`` is the first model at its most exact, ``fast`` the quickest of all, ``balanced`` the first at what its
    device computes in by itself; ``seconds`` then takes the first in that order that is done in time, else the
    quickest. None where nothing that could be chosen was measured.
    """
    known: list[tuple[Measurement, float]] = []
    for name in names:
        ways = [row for row in rows if (row.task, row.model) == (task, name) and row.seconds is not None]
        ways.sort(key=lambda row: EXACTNESS.index(row.precision) if row.precision in EXACTNESS else len(EXACTNESS))
        if quality != "best" and any(row.precision not in ("fp32", "int8") for row in ways):
            # fp32 is what one asks for; the device's own choice looks the same and is several times as fast.
            ways = [row for row in ways if row.precision != "fp32"]
        known += [(row, (row.seconds or 0.0) * megapixels) for row in ways]
    if not known:
        return None
    quickest = min(known, key=lambda one: one[1])

    def chosen(way: tuple[Measurement, float], why: str, *, late: bool = False) -> Choice:
        row, estimate = way
        precision: Any = row.precision
        return Choice(row.model, precision, f"{row.model} in {row.precision}, about {_seconds(estimate)}: {why}", late)

    if seconds is not None:
        if quality == "fast":
            known = [quickest]
        fitting = next((way for way in known if way[1] <= seconds), None)
        if fitting is not None:
            return chosen(fitting, f"the best that is done within {_seconds(seconds)}")
        return chosen(quickest, f"the quickest, but only {_seconds(seconds)} are left", late=True)
    if quality == "fast":
        return chosen(quickest, "the quickest here")
    return chosen(known[0], "the most exact here" if quality == "best" else "the usual")


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 10 else f"{value:.2g} s"
