"""The runtime: models loaded once, kept while there is room and use for them, one inference lane for each device."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from darkroom.engines import device as devices
from darkroom.engines.engine import Compiled, Device, Engine, Form, Graph, Plan, Precision, Shape
from darkroom.engines.tiles import SIDE_CPU
from darkroom.errors import UnsupportedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from darkroom.engines.network import LoadedNetwork
    from darkroom.models.architectures.graph import Traits
    from darkroom.models.catalogue import ModelEntry, Task
    from darkroom.operation import Progress, Step
    from darkroom.settings import EngineSettings, PrecisionChoice


class StoredModel(Protocol):
    """A model that is on this machine."""

    @property
    def entry(self) -> ModelEntry:
        """Its catalogue entry."""
        ...

    @property
    def path(self) -> Path:
        """Its weights file."""
        ...

    @property
    def digest(self) -> str:
        """The sha256 of that file."""
        ...

    @property
    def digest_source(self) -> str:
        """Who says so."""
        ...


class Store(Protocol):
    """What the runtime asks of the model store."""

    def entry(self, name: str) -> ModelEntry:
        """The catalogue entry of that name. Raises UnknownModel."""
        ...

    def entries(self) -> list[ModelEntry]:
        """Every catalogue entry."""
        ...

    def ready(self, name: str) -> bool:
        """True if the model's files are here."""
        ...

    def ensure(self, name: str, on_progress: Progress) -> StoredModel:
        """The model, downloaded first where that is allowed. Raises ModelError, NetworkError."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where a network's weights come from: one file, or several of one architecture to be mixed."""

    entry: ModelEntry
    parts: tuple[tuple[StoredModel, float], ...]
    digest: str

    @property
    def file(self) -> Path:
        """The first weights file."""
        return self.parts[0][0].path


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a network runs."""

    engine: Engine
    device: Device
    precision: Precision


_Key = tuple[str, str, str, str, Shape | None]


@dataclass(slots=True)
class _Kept:
    """A network that is ready, how many bytes it holds, and when it was last asked for."""

    compiled: Compiled
    size: int
    used: float


class Runtime:
    """Finds models, loads them and keeps them ready. Safe from several threads; loads nothing until asked to."""

    def __init__(self, settings: EngineSettings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._lanes: dict[str, threading.RLock] = {}
        self._sessions: OrderedDict[_Key, _Kept] = OrderedDict()
        self.loads = 0
        """How many networks were compiled, or read from what was compiled before."""
        self._idle: threading.Timer | None = None
        self._traits: dict[str, tuple[Traits | None, tuple[Form, ...]]] = {}

    def find(self, name: str) -> ModelEntry:
        """The catalogue entry of that name. Raises UnknownModel."""
        return self.store.entry(name)

    def ready(self, name: str) -> bool:
        """True if the model can be used now without a download."""
        return self.store.ready(name)

    def memory(self, name: str, tile: int | None = None) -> int:
        """Bytes that the model takes, loaded and at work on a tile of that side (None: the usual one), roughly.

        0 where it is not ready. Raises UnknownModel.
        """
        if not self.store.ready(name):
            return 0
        entry = self.store.entry(name)
        stored = self.store.ensure(name, _silent)
        source = Source(entry, ((stored, 1.0),), stored.digest)
        traits, _ = self._look(source)
        shape: Shape | None = None
        if traits is not None:
            usual = SIDE_CPU * traits.multiple
            height, width = traits.fixed or (tile or usual, tile or usual)
            shape = (1, traits.channels, height, width)
        # Compiled, it holds its weights in its own order; compiling it for the first time takes them once more.
        return stored.path.stat().st_size + _held(source, traits, "fp32", shape)

    def installed(self, task: Task) -> list[ModelEntry]:
        """The entries of that task which can be used now without a download, in the catalogue's order."""
        return [entry for entry in self.store.entries() if entry.task == task and self.store.ready(entry.name)]

    def choose(
        self, task: Task, names: Sequence[str], megapixels: float, seconds: float | None, step: Step
    ) -> tuple[str, PrecisionChoice] | None:
        """The model and precision by what was measured here; see :class:`darkroom.operation.Models`."""
        from darkroom import measurements

        quality = self.settings.quality
        if quality == "balanced" and seconds is None:
            return None
        if self.settings.precision != "auto" or not names:
            return None
        found = measurements.load(self.settings)
        rows = found.rows if found is not None and found.machine == measurements.describe_machine() else []
        chosen = measurements.choose(rows, task, names, quality=quality, megapixels=megapixels, seconds=seconds)
        if chosen is None:
            state = "Nothing was measured here yet" if not rows else f"No model for {task} that is here was measured"
            step.warn(f"{state}, so quality and time could not be kept to: run `darkroom bench`.")
            return None
        step.note(chosen=chosen.why)
        if chosen.late:
            step.warn(f"It will take longer than asked for: {chosen.why}.")
        return chosen.model, chosen.precision

    def network(
        self,
        name: str,
        step: Step,
        *,
        precision: PrecisionChoice | None = None,
        blend: Mapping[str, float] | None = None,
    ) -> LoadedNetwork:
        """Load a model and put it on its device; see :class:`darkroom.operation.Models`.

        The weights of a ``blend`` are mixed as deep network interpolation does (Wang et al., arXiv 1811.10515): each
        tensor is the sum of the same tensors times their share. ``name`` need not be in it, and gives the entry.
        """
        from darkroom.engines.network import LoadedNetwork

        entry = self.find(name)
        shares = dict(blend) if blend else {name: 1.0}
        parts = tuple((self._ensure(part, step), share) for part, share in shares.items() if share)
        source = Source(entry, parts, _digest(parts))
        traits, forms = self._look(source)
        engine, device = devices.choose(self.settings, forms, entry.name, step)
        place = Place(engine, device, devices.precision(device, precision or self.settings.precision, step))
        network = LoadedNetwork(self, source, traits=traits, forms=forms, place=place, step=step)
        network.report()
        return network

    def _ensure(self, name: str, step: Step) -> StoredModel:
        def advance(fraction: float, doing: str) -> None:
            step.progress(0.0, f"{doing or 'download'} {name} {fraction:.0%}")

        return self.store.ensure(name, advance)

    def _look(self, source: Source) -> tuple[Traits | None, tuple[Form, ...]]:
        """What the network is like, and in which forms engines can have it. The file is read once."""
        with self._reading:
            if source.digest not in self._traits:
                self._traits[source.digest] = _inspect(source)
            return self._traits[source.digest]

    def lane(self, device: Device) -> threading.RLock:
        """The lock of a device: one network at a time loads or runs there, and nothing else waits for it."""
        with self._guard:
            return self._lanes.setdefault(device.id, threading.RLock())

    def session(
        self, source: Source, place: Place, forms: tuple[Form, ...], traits: Traits | None, shape: Shape | None
    ) -> Compiled:
        """The loaded network, from memory where it is kept. To be called within the device's lane."""
        key = (source.digest, place.engine.name, place.device.id, place.precision, shape)
        with self._guard:
            if key in self._sessions:
                self._sessions.move_to_end(key)
                self._sessions[key].used = time.monotonic()
                return self._sessions[key].compiled
        size = _held(source, traits, place.precision, shape)
        self._make_room(size)
        plan = Plan(place.device, place.precision, self.settings.cache, self.settings.threads, shape)
        compiled = place.engine.compile(_graph(source, place.engine, forms), plan)
        with self._guard:
            self.loads += 1
            self._sessions[key] = _Kept(compiled, size, time.monotonic())
            self._watch(self.settings.idle_seconds)
        return compiled

    def _make_room(self, size: int) -> None:
        """Let the networks go that were not used for longest, before another of ``size`` bytes is loaded."""
        with self._guard:
            gone = [
                self._sessions.popitem(last=False)
                for _ in range(len(self._sessions))
                if sum(kept.size for kept in self._sessions.values()) + size > self.settings.memory
            ]
        if gone:
            gone.clear()
            give_back_memory()

    def _watch(self, seconds: float) -> None:
        """Look in ``seconds`` for networks that nobody uses any more, unless that is arranged already."""
        if self._idle is None:
            self._idle = threading.Timer(seconds, self._let_idle_go)
            self._idle.daemon = True
            self._idle.start()

    def _let_idle_go(self) -> None:
        now = time.monotonic()
        with self._guard:
            self._idle = None
            old = [key for key, kept in self._sessions.items() if now - kept.used >= self.settings.idle_seconds]
            gone = [self._sessions.pop(key) for key in old]
            if self._sessions:
                oldest = min(kept.used for kept in self._sessions.values())
                self._watch(max(oldest + self.settings.idle_seconds - now, 0.01))
        if gone:
            gone.clear()
            give_back_memory()

    def loaded(self) -> list[tuple[str, str, str]]:
        """(digest, device, precision) of every network kept ready, least recently used first."""
        with self._guard:
            return [(key[0], key[2], key[3]) for key in self._sessions]

    def release(self) -> None:
        """Let go of every loaded network; what is running ends undisturbed."""
        with self._guard:
            self._sessions.clear()
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
        give_back_memory()


def _silent(fraction: float, doing: str) -> None:
    """Progress of what is here already."""


def give_back_memory() -> None:
    """Return freed memory to the system: glibc keeps what large networks leave in pieces."""
    import gc

    gc.collect()
    if sys.platform == "linux":
        import contextlib
        import ctypes

        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


def _digest(parts: tuple[tuple[StoredModel, float], ...]) -> str:
    if len(parts) == 1 and parts[0][1] == 1.0:
        return parts[0][0].digest
    return hashlib.sha256("+".join(f"{part.digest}*{share!r}" for part, share in parts).encode()).hexdigest()


def _held(source: Source, traits: Traits | None, precision: Precision, shape: Shape | None) -> int:
    """Bytes that a loaded network holds, roughly: its weights, and the maps between its layers. No engine says it."""
    weights = sum(part.path.stat().st_size for part, _ in source.parts[:1])
    pixels = shape[0] * shape[2] * shape[3] if shape else 0
    values = traits.values if traits else 0
    return 2 * weights + pixels * values * (4 if precision in ("fp32", "tf32") else 2)


def _state(source: Source) -> dict[str, NDArray[Any]]:
    """The tensors of the weights file, or the mix of several. Raises ModelError."""
    from darkroom.models.weights import read_tensors

    mixed: dict[str, Any] = {}
    for part, share in source.parts:
        tensors = read_tensors(part.path)
        if len(source.parts) == 1 and share == 1.0:
            return tensors
        if mixed and {k: v.shape for k, v in mixed.items()} != {k: v.shape for k, v in tensors.items()}:
            raise UnsupportedModel(
                f"{part.entry.name} cannot be mixed with {source.parts[0][0].entry.name}: their tensors differ.",
                cure="Only networks of the same architecture and size can be mixed.",
            )
        for key, tensor in tensors.items():
            mixed[key] = mixed.get(key, 0.0) + share * tensor.astype("float32")
    return mixed


def _inspect(source: Source) -> tuple[Traits | None, tuple[Form, ...]]:
    from darkroom.engines import aura_sr
    from darkroom.models.architectures.graph import Traits
    from darkroom.models.architectures.translate import recognise
    from darkroom.models.weights import read_onnx

    if source.entry.architecture == "onnx":
        if len(source.parts) > 1:
            raise UnsupportedModel(f"{source.entry.name} is an ONNX model; only weights files can be mixed.")
        shape: tuple[int | None, ...] = read_onnx(source.file).shape
        if len(shape) != 4:
            return None, ("onnx",)
        high, wide = shape[2], shape[3]
        fixed = (high, wide) if high is not None and wide is not None else None
        return Traits("onnx", source.entry.scale, shape[1] or 3, fixed=fixed), ("onnx",)
    state = _state(source)
    try:
        return recognise(state, source.entry.name), ("onnx", "state")
    except UnsupportedModel:
        if source.entry.architecture != "torch":
            raise
    traits = aura_sr.recognise(state, source.entry.name)
    return traits or Traits("torch", source.entry.scale, overlap=32, multiple=8), ("state",)


def _graph(source: Source, engine: Engine, forms: tuple[Form, ...]) -> Graph:
    """The network in the form that the engine takes; nothing is read before the engine asks for it."""
    from darkroom.models.architectures.translate import translate
    from darkroom.models.weights import read_onnx

    name = source.entry.name
    if source.entry.architecture == "onnx":
        return Graph(name, source.digest, "onnx", lambda: read_onnx(source.file).data)
    if "state" in engine.reads or "onnx" not in forms:
        return Graph(name, source.digest, "state", lambda: _state(source))
    return Graph(name, source.digest, "onnx", lambda: translate(_state(source), name).onnx)
