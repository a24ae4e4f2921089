"""The runtime: models loaded once, kept while there is room, and one inference lane for each device."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from darkroom.engines import device as devices
from darkroom.engines.engine import Compiled, Device, Engine, Graph, Precision
from darkroom.errors import BadResult, OutOfMemory, UnsupportedModel
from darkroom.report import ModelUse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from darkroom.models.architectures.graph import Traits
    from darkroom.models.catalogue import ModelEntry, Task
    from darkroom.operation import Progress, Step
    from darkroom.settings import EngineSettings

SMALLEST_TILE = 64
"""Where memory runs out with tiles of this size, smaller ones would not help: the next step is the CPU."""


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
class _Source:
    """Where a network's weights come from: one file, or several of one architecture to be mixed."""

    entry: ModelEntry
    parts: tuple[tuple[StoredModel, float], ...]
    digest: str

    @property
    def file(self) -> Path:
        """The first weights file."""
        return self.parts[0][0].path


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and how a network runs."""

    engine: Engine
    device: Device
    precision: Precision


Shape = tuple[int, int, int, int]
T = TypeVar("T")
_Key = tuple[str, str, str, str, Shape | None]


class Runtime:
    """Finds models, loads them and keeps them ready. Safe from several threads; loads nothing until asked to."""

    def __init__(self, settings: EngineSettings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._lanes: dict[str, threading.RLock] = {}
        self._sessions: OrderedDict[_Key, tuple[Compiled, int]] = OrderedDict()
        self._traits: dict[str, tuple[Traits | None, tuple[devices.Form, ...]]] = {}

    def find(self, name: str) -> ModelEntry:
        """The catalogue entry of that name. Raises UnknownModel."""
        return self.store.entry(name)

    def ready(self, name: str) -> bool:
        """True if the model can be used now without a download."""
        return self.store.ready(name)

    def installed(self, task: Task) -> list[ModelEntry]:
        """The entries of that task which can be used now without a download, in the catalogue's order."""
        return [entry for entry in self.store.entries() if entry.task == task and self.store.ready(entry.name)]

    def network(
        self,
        name: str,
        step: Step,
        *,
        precision: Literal["auto", "fp32"] | None = None,
        blend: Mapping[str, float] | None = None,
    ) -> LoadedNetwork:
        """Load a model and put it on its device; see :class:`darkroom.operation.Models`.

        The weights of a ``blend`` are mixed as deep network interpolation does (Wang et al., arXiv 1811.10515): each
        tensor is the sum of the same tensors times their share. ``name`` need not be in it, and gives the entry.
        """
        entry = self.find(name)
        shares = dict(blend) if blend else {name: 1.0}
        parts = tuple((self._ensure(part, step), share) for part, share in shares.items() if share)
        source = _Source(entry, parts, _digest(parts))
        traits, forms = self._look(source)
        engine, device = devices.choose(self.settings, forms, entry.name, step)
        full = self.settings.precision == "fp32" or precision == "fp32"
        place = _Place(engine, device, "fp32" if full else device.precisions[0])
        network = LoadedNetwork(self, source, traits=traits, forms=forms, place=place, step=step)
        network.report()
        return network

    def _ensure(self, name: str, step: Step) -> StoredModel:
        def advance(fraction: float, doing: str) -> None:
            step.progress(0.0, f"{doing or 'download'} {name} {fraction:.0%}")

        return self.store.ensure(name, advance)

    def _look(self, source: _Source) -> tuple[Traits | None, tuple[devices.Form, ...]]:
        """What the network is like, and in which forms engines can have it. The file is read once."""
        with self._reading:
            if source.digest not in self._traits:
                self._traits[source.digest] = _inspect(source)
            return self._traits[source.digest]

    def lane(self, device: Device) -> threading.RLock:
        """The lock of a device: one network at a time loads or runs there, and nothing else waits for it."""
        with self._guard:
            return self._lanes.setdefault(device.id, threading.RLock())

    def session(self, source: _Source, place: _Place, forms: tuple[devices.Form, ...], shape: Shape | None) -> Compiled:
        """The loaded network, from memory where it is kept. To be called within the device's lane."""
        key = (source.digest, place.engine.name, place.device.id, place.precision, shape)
        with self._guard:
            if key in self._sessions:
                self._sessions.move_to_end(key)
                return self._sessions[key][0]
        graph = _graph(source, place.engine, forms)
        compiled = place.engine.compile(
            graph,
            place.device,
            place.precision,
            threads=self.settings.threads,
            cache=self.settings.cache,
            shape=shape,
        )
        with self._guard:
            self._sessions[key] = (compiled, _estimate(graph, shape))
            while len(self._sessions) > 1 and sum(size for _, size in self._sessions.values()) > self.settings.memory:
                self._sessions.popitem(last=False)
        return compiled

    def loaded(self) -> list[tuple[str, str, str]]:
        """(digest, device, precision) of every network kept ready, least recently used first."""
        with self._guard:
            return [(key[0], key[2], key[3]) for key in self._sessions]

    def release(self) -> None:
        """Let go of every loaded network; what is running ends undisturbed."""
        with self._guard:
            self._sessions.clear()


def _digest(parts: tuple[tuple[StoredModel, float], ...]) -> str:
    if len(parts) == 1 and parts[0][1] == 1.0:
        return parts[0][0].digest
    return hashlib.sha256("+".join(f"{part.digest}*{share!r}" for part, share in parts).encode()).hexdigest()


def _estimate(graph: Graph, shape: Shape | None) -> int:
    """Bytes that a loaded network holds, roughly: its weights twice over, and the maps between its layers.

    No engine says what it holds. Real-ESRGAN's networks keep some eight maps of 64 channels alive at a time.
    """
    pixels = shape[0] * shape[2] * shape[3] if shape else 0
    return 2 * graph.size + pixels * 64 * 8 * 2


def _state(source: _Source) -> dict[str, NDArray[Any]]:
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


def _inspect(source: _Source) -> tuple[Traits | None, tuple[devices.Form, ...]]:
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
    try:
        return recognise(_state(source), source.entry.name), ("onnx", "state")
    except UnsupportedModel:
        if source.entry.architecture != "torch":
            raise
        return Traits("torch", source.entry.scale, overlap=32, multiple=8), ("state",)


def _graph(source: _Source, engine: Engine, forms: tuple[devices.Form, ...]) -> Graph:
    from darkroom.models.architectures.translate import translate
    from darkroom.models.weights import read_onnx

    name = source.entry.name
    if source.entry.architecture == "onnx":
        return Graph(name, source.digest, read_onnx(source.file).data)
    state = _state(source)
    if "state" in engine.reads or "onnx" not in forms:
        return Graph(name, source.digest, None, state)
    return Graph(name, source.digest, translate(state, name).onnx)


class LoadedNetwork:
    """A network for one step of one pipeline; what is loaded behind it is shared.

    The interface is :class:`darkroom.operation.Network`.
    """

    def __init__(
        self,
        runtime: Runtime,
        source: _Source,
        *,
        traits: Traits | None,
        forms: tuple[devices.Form, ...],
        place: _Place,
        step: Step,
    ) -> None:
        self._runtime = runtime
        self._source = source
        self._traits = traits
        self._forms: tuple[devices.Form, ...] = forms
        self._place = place
        self._said = place.precision
        self._step = step

    @property
    def entry(self) -> ModelEntry:
        """The catalogue entry."""
        return self._source.entry

    @property
    def scale(self) -> int:
        """How much larger the output is, as the weights say it."""
        return self._traits.scale if self._traits else self.entry.scale

    def report(self, precision: Precision | None = None) -> None:
        """Write model, engine and device into the report, and the precision, which an engine may choose otherwise."""
        place = self._place
        self._said = precision or place.precision
        for part, _ in self._source.parts:
            use = ModelUse(
                name=part.entry.name,
                digest=part.digest,
                digest_source=part.digest_source,
                licence=part.entry.licence,
                commercial=part.entry.commercial,
            )
            self._step.used_model(use, engine=place.engine.name, device=place.device.kind, precision=self._said)

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on ``n x channels x height x width``, float32; gives its first output as float32.

        A result with NaN or infinity in it is computed again in fp32. Raises InferenceFailed, OutOfMemory, BadResult.
        """
        return self._until_it_fits(lambda: self._careful(lambda: self._run(batch, None), _finite))

    def predict_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """As :meth:`predict`, giving every output by its name."""

        def finite(results: dict[str, NDArray[np.float32]]) -> bool:
            return all(_finite(result) for result in results.values())

        return self._until_it_fits(lambda: self._careful(lambda: self._run_all(batch), finite))

    def _until_it_fits(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except OutOfMemory as error:
                self._to_cpu(error)

    def enlarge(
        self, pixels: NDArray[Any], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> NDArray[np.float32]:
        """Run an image-to-image network tile by tile; see :class:`darkroom.operation.Network`."""
        import numpy as np

        scale = self.scale
        result = np.empty((pixels.shape[0] * scale, pixels.shape[1] * scale, 3), np.float32)
        for row, strip in self.strips(pixels, tile=tile, overlap=overlap, progress=progress):
            result[row : row + strip.shape[0]] = strip
        return result

    def strips(
        self, pixels: NDArray[Any], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """As :meth:`enlarge`, giving the result in strips from the top: first row, and ``rows x width x 3``.

        ``pixels`` may also be uint8 or uint16. When memory runs out, the strips start again from row 0.
        """
        from darkroom.engines import tiles

        if self._traits is None or self._traits.channels not in (1, 3):
            raise UnsupportedModel(
                f"{self.entry.name} does not take pictures as n x channels x height x width of one or three channels.",
                cure="Choose another model.",
            )
        attempt: int | None = tile
        while True:
            size, margin = tiles.choose(
                int(pixels.shape[0]),
                int(pixels.shape[1]),
                tile=attempt,
                overlap=overlap,
                traits=self._traits,
                device=self._place.device,
            )
            try:
                yield from tiles.strips(
                    pixels,
                    self._tile,
                    tile=size,
                    overlap=margin,
                    scale=self.scale,
                    multiple=self._traits.multiple,
                    channels=self._traits.channels,
                    progress=progress,
                )
                return
            except OutOfMemory as error:
                larger = max(size)
                if larger // 2 >= SMALLEST_TILE and self._traits.fixed is None:
                    attempt = larger // 2
                    self._step.fallback(f"tiles of {larger} pixels", f"tiles of {attempt}", error.message)
                else:
                    self._to_cpu(error)
                    attempt = tile

    def _tile(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        count, channels, height, width = batch.shape
        result = self._careful(lambda: self._run(batch, (count, channels, height, width)), _picture_check(batch))
        wanted = (batch.shape[2] * self.scale, batch.shape[3] * self.scale)
        if result.shape[2:] != wanted:
            size = f"{batch.shape[3]} x {batch.shape[2]} pixels"
            raise UnsupportedModel(
                f"{self.entry.name} made {size} into an array of {result.shape}, not {self.scale} times as large.",
                cure="Correct the scale of its catalogue entry.",
            )
        return result

    def _to_cpu(self, error: OutOfMemory) -> None:
        """Move to the CPU after memory ran out on a GPU, noted in the report. Re-raises on the CPU itself."""
        if self._place.device.kind == "cpu" or self._runtime.settings.require == "gpu":
            raise error
        settings = self._runtime.settings.model_copy(update={"device": "cpu"})
        engine, device = devices.choose(settings, self._forms, self.entry.name, self._step)
        self._step.fallback(self._place.device.name, "cpu", error.message)
        full = self._place.precision == "fp32"
        self._place = _Place(engine, device, "fp32" if full else device.precisions[0])
        self.report()

    def _careful(self, run: Callable[[], T], plausible: Callable[[T], bool]) -> T:
        """Run once; where the result is not plausible, run again in fp32, and refuse it if it still is not."""
        result = run()
        if plausible(result):
            return result
        if self._place.precision != "fp32":
            wanted = self._place.precision
            self._place = replace(self._place, precision="fp32")
            self._step.fallback(
                wanted, "fp32", f"the result of {self.entry.name} in {wanted} was not a plausible picture"
            )
            self.report()
            result = run()
            if plausible(result):
                return result
        raise BadResult(
            f"The result of {self.entry.name} is not a picture (black, or not numbers at all) and was refused.",
            cure="Try another model, or check the file with `darkroom models verify`.",
        )

    def _run(self, batch: NDArray[np.float32], shape: Shape | None) -> NDArray[np.float32]:
        return self._on_device(shape, lambda compiled: compiled.run(batch))

    def _run_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return self._on_device(None, lambda compiled: compiled.run_all(batch))

    def _on_device(self, shape: Shape | None, work: Callable[[Compiled], T]) -> T:
        place = self._place
        with self._runtime.lane(place.device):
            try:
                compiled = self._runtime.session(self._source, place, self._forms, shape)
                if compiled.precision != self._said:
                    self.report(compiled.precision)
                return work(compiled)
            except MemoryError as error:
                raise OutOfMemory(f"{self.entry.name} ran out of memory on {place.device.name}.") from error


def _finite(result: NDArray[np.float32]) -> bool:
    import numpy as np

    return bool(np.isfinite(result).all())


def _picture_check(batch: NDArray[np.float32]) -> Any:
    """A check for the result of a picture: finite, and not black where the picture is not."""
    import numpy as np

    def plausible(result: NDArray[np.float32]) -> bool:
        if not np.isfinite(result).all():
            return False
        return bool(result.max() > 1 / 255 or batch.mean() < 4 / 255)

    return plausible
