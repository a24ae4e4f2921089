"""What the tests of engines share: a store of files, a step of a report, and small ONNX networks."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.engines.engine import Engine
from darkroom.engines.sessions import Runtime
from darkroom.errors import ModelMissing, UnknownModel
from darkroom.models.architectures.graph import Builder
from darkroom.models.catalogue import ModelEntry, ModelFile
from darkroom.operation import Context
from darkroom.report import StepReport
from darkroom.settings import Settings


@dataclass(frozen=True)
class Stored:
    """A model on this machine."""

    entry: ModelEntry
    path: Path
    digest: str
    digest_source: str


class FolderStore:
    """Models that are files the test wrote: what the runtime asks of the model store."""

    def __init__(self) -> None:
        self.models: dict[str, tuple[ModelEntry, Path | None]] = {}

    def add(
        self, name: str, path: Path | None, *, architecture: Any = "onnx", scale: int = 1, task: Any = "upscale"
    ) -> None:
        entry = ModelEntry(
            name=name,
            task=task,
            architecture=architecture,
            scale=scale,
            files=(ModelFile(name="weights"),),
            licence="MIT",
            commercial=True,
        )
        self.models[name] = (entry, path)

    def entry(self, name: str) -> ModelEntry:
        if name not in self.models:
            raise UnknownModel(f"There is no model named {name}.")
        return self.models[name][0]

    def entries(self) -> list[ModelEntry]:
        return [entry for entry, _ in self.models.values()]

    def ready(self, name: str) -> bool:
        self.entry(name)
        return self.models[name][1] is not None

    def ensure(self, name: str, on_progress: Any) -> Stored:
        path = self.models[name][1]
        if path is None:
            raise ModelMissing(f"{name} is not here.", cure=f"darkroom models pull {name}")
        return Stored(self.entry(name), path, hashlib.sha256(path.read_bytes()).hexdigest(), "the test")


@pytest.fixture
def store() -> FolderStore:
    return FolderStore()


@pytest.fixture
def make_runtime(store: FolderStore, settings: Settings, tmp_path: Path) -> Callable[..., Runtime]:
    def make(**changes: Any) -> Runtime:
        changed = settings.with_changes({f"engine.{key}": value for key, value in changes.items()})
        return Runtime(changed.engine, store)

    return make


@pytest.fixture
def report() -> StepReport:
    return StepReport(operation="upscale")


@pytest.fixture
def step(settings: Settings, report: StepReport) -> Context:
    return Context(settings=settings, models=Runtime(settings.engine, FolderStore()), step=report, open_image=_no_image)


def _no_image(reference: str) -> Any:
    raise AssertionError(reference)


def blur_network(path: Path, scale: int = 2, gain: float = 1.0) -> Path:
    """A 3 x 3 mean times ``gain``, then every pixel repeated: a network whose result is known."""
    build = Builder("blur")
    weight = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        weight[channel, channel] = gain / 9
    value = build.convolve("input", weight, None)
    path.write_bytes(build.finish(build.enlarge(value, scale) if scale > 1 else value, 3))
    return path


def raw_network(path: Path, operators: list[tuple[str, list[float]]]) -> Path:
    """A chain of operators with a constant each, of any numbers."""
    build = Builder("raw")
    value = "input"
    for operator, constant in operators:
        value = build.node(operator, value, build.constant(np.array(constant, np.float32)))
    path.write_bytes(build.finish(value, 3))
    return path


def usable(found: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine; the test is skipped where it is not installed."""
    if found.name == "pytorch" and importlib.util.find_spec("torchvision") is None:
        # spandrel imports torchvision for two architectures that are not tried here; its public build does not load
        # beside the CPU build of torch.
        for name in ("", ".ops", ".models", ".models.vgg", ".transforms", ".transforms.functional"):
            monkeypatch.setitem(sys.modules, f"torchvision{name}", _AnyModule(f"torchvision{name}"))
    if not found.installed():
        pytest.skip(f"the {found.name} extra is not installed")
    return found


class _AnyModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
