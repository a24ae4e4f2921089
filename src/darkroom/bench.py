"""Measure what this machine does in a second, with the models that are here; see :mod:`darkroom.measurements`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from darkroom.errors import DarkroomError
from darkroom.measurements import BUILTIN, Measurement, Measurements, describe_machine
from darkroom.operation import Context, Operation
from darkroom.report import StepReport, peak_memory
from darkroom.services import Services, build_services
from darkroom.version import version

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.settings import Settings

ENOUGH = 1.0
"""Seconds that a run must last to count; a shorter one is repeated on a larger picture."""
FIRST, LARGEST = 0.02, 2.0
"""Megapixels of the first and of the largest picture that is tried."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to measure, not yet measured."""

    task: str
    model: str
    precision: str
    device: str


def trials(settings: Settings) -> list[Trial]:
    """Everything there is to measure here: the builtin ways, and every model that is ready on every device."""
    from darkroom.engines.device import survey

    services = build_services(settings)
    found: list[Trial] = []
    devices = {device.kind: device for part in reversed(survey()) for device in reversed(part.devices)}
    for task in ("upscale", "matte"):
        found.append(Trial(task, BUILTIN, "", "cpu"))
        for entry in services.models.installed(task):
            if task == "matte" and entry.preprocessing is None:
                continue
            for kind, device in sorted(devices.items()):
                found += [Trial(task, entry.name, precision, kind) for precision in device.precisions]
    return found


def measure(settings: Settings, wanted: list[Trial], found: Measurements) -> Iterator[Trial]:
    """Measure one after the other into ``found``, giving each before it is begun, so that one can stop in between."""
    for trial in wanted:
        yield trial
        found.rows.append(_measure(settings, trial))


def nothing_yet() -> Measurements:
    """Measurements of this machine, without any."""
    return Measurements(
        machine=describe_machine(), version=version(), measured=datetime.now(UTC).isoformat(timespec="seconds")
    )


def _measure(settings: Settings, trial: Trial) -> Measurement:
    row = Measurement(task=trial.task, model=trial.model, device=trial.device, precision=trial.precision)
    changes: dict[str, Any] = {"engine.quality": "balanced", "limits.memory": 10**13}
    if trial.model != BUILTIN:
        changes |= {"engine.precision": trial.precision, "engine.device": trial.device}
    services = build_services(settings.with_changes(changes))
    try:
        operation = _operation(trial, services)
        _forget_peak()
        return _run(services, operation, trial, row)
    except DarkroomError as error:
        return row.model_copy(update={"problem": error.message})
    finally:
        release = getattr(services.models, "release", None)
        if release is not None:
            release()


def _operation(trial: Trial, services: Services) -> Operation:
    from darkroom.operations.remove_background import RemoveBackground
    from darkroom.operations.upscale import Upscale

    if trial.task == "matte":
        if trial.model == BUILTIN:
            return RemoveBackground(method="grabcut")
        return RemoveBackground(method="model", model=trial.model)
    if trial.model == BUILTIN:
        return Upscale(scale=2, method="builtin")
    scale: Any = min(max(services.models.find(trial.model).scale, 2), 4)
    return Upscale(scale=scale, method="model", model=trial.model)


def _run(services: Services, operation: Operation, trial: Trial, row: Measurement) -> Measurement:
    megapixels = FIRST if trial.task == "upscale" else 0.5
    while True:
        image = sample(megapixels)
        report = StepReport(operation=operation.name)
        context = Context(
            settings=services.settings, models=services.models, step=report, open_image=services.open_image
        )
        # The first run loads, compiles and fills caches.
        operation.apply(image, context)
        refused = [fallback.reason for fallback in report.fallbacks if fallback.wanted == trial.precision]
        if refused or (trial.precision and report.precision != trial.precision):
            reason = refused[0] if refused else f"it is computed in {report.precision}"
            return row.model_copy(update={"problem": reason})
        started = time.perf_counter()
        operation.apply(image, context).to_array()
        seconds = time.perf_counter() - started
        if seconds >= ENOUGH or megapixels >= LARGEST:
            return row.model_copy(
                update={
                    "engine": report.engine or "",
                    "seconds": seconds / megapixels,
                    "memory": peak_memory(),
                }
            )
        megapixels = min(LARGEST, megapixels * min(max(1.2 * ENOUGH / max(seconds, 1e-3), 2.0), 8.0))


def sample(megapixels: float) -> Image:
    """A picture of that size with a subject on a plain background, and some texture."""
    import cv2
    import numpy as np

    from darkroom.image import Image

    width = max(round((megapixels * 1e6 * 4 / 3) ** 0.5), 32)
    height = max(width * 3 // 4, 24)
    texture = np.random.default_rng(1).normal(0, 9, (height, width, 1)).astype(np.float32)
    pixels = np.full((height, width, 3), (206, 214, 222), np.float32)
    cv2.ellipse(pixels, (width // 2, height // 2), (width // 4, height // 3), 20, 0, 360, (160, 60, 40), -1)
    cv2.circle(pixels, (width * 5 // 12, height // 3), height // 12, (250, 240, 200), -1)
    return Image.from_array(np.clip(pixels + texture, 0, 255).astype(np.uint8))


def _forget_peak() -> None:
    """Start the peak of resident memory anew, where the system can."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as switch:
        switch.write("5")
