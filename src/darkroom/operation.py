"""What every operation is, and all it may touch.

An operation is its parameters (a frozen pydantic model that refuses unknown fields) and one function from picture to
picture. A file in ``operations/`` that defines one registers it by being there.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import pkgutil
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import Cancelled, FallbackRefused, InvalidParameters, UnknownOperation
from darkroom.report import Fallback, ModelUse, StepReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from darkroom.image import Image
    from darkroom.models.catalogue import ModelEntry, Task
    from darkroom.settings import PrecisionChoice, Settings

Progress = Callable[[float, str], None]
"""Called with a fraction, 0.0 to 1.0, and what is being done."""

ATTACHMENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

log = logging.getLogger("darkroom.operation")
GROUP = "darkroom.operations"
"""Entry points by which packages bring operations: a module, or the class itself."""
PICTURE, MASK = "picture", "mask"
"""Formats, in a JSON schema, of a text that names a second picture; a mask is one that can be painted."""
PictureName = Annotated[str, Field(json_schema_extra={"format": PICTURE})]
"""What a parameter calls a second picture: a path on the command line, a stored picture in the service."""
MaskName = Annotated[str, Field(json_schema_extra={"format": MASK})]
"""The same for a mask, which is white on black; :func:`darkroom.mask.read_mask` reads it."""
_registry: dict[str, type[Operation]] = {}


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a picture is: pixels across and down, channels, bytes for each of their values, and frames."""

    width: int
    height: int
    bands: int = 3
    depth: int = 1
    frames: int = 1

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.width * self.height

    @property
    def bytes(self) -> int:
        """Of all frames."""
        return self.pixels * self.bands * self.depth * self.frames


class Operation(BaseModel, ABC):
    """The root of all operations: ``class Upscale(Operation, name="upscale")``.

    The class docstring's first line is the operation's summary everywhere it is shown; every field has a description
    and bounds. ``type`` is added by the subclass machinery, so that an operation is ``{"type": "upscale", ...}`` in
    JSON. One that cannot do with nothing said has ``x-needs`` in its JSON schema: ways to say enough, each a schema of
    which ``required`` and ``properties`` are read, so that forms know it before they ask. (``anyOf`` would say it too,
    and spoil the types that clients make of it.)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    """Its name on the command line, in JSON and in recipes."""
    tasks: ClassVar[tuple[str, ...]] = ()
    """The catalogue's model tasks that it can use; empty for one that needs no network."""

    def __init_subclass__(cls, *, name: str | None = None, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if name is None:
            return
        cls.name = name
        # pydantic collects fields after this hook, so a tag added here becomes a field like any other.
        cls.__annotations__ = {"type": Literal[name], **cls.__annotations__}  # pyright: ignore
        cls.type = name  # pyright: ignore

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str | None = None, **keywords: Any) -> None:
        super().__pydantic_init_subclass__(**keywords)
        if name is None:
            return
        known = _registry.get(name)
        if known is not None and known.__module__ != cls.__module__:
            raise TypeError(f"two operations are named {name}: {known.__module__} and {cls.__module__}")
        _registry[name] = cls

    @abstractmethod
    def apply(self, image: Image, context: Context) -> Image:
        """Carry the operation out. Raises DarkroomError; does no input or output of its own."""

    def output_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Size of the result for a picture of this size, where parameters alone decide it; None where they do not.

        The pipeline holds it against ``limits.output_pixels`` before it starts.
        """
        return (width, height)

    def moves(self) -> bool:
        """Whether what the picture shows lies elsewhere in the result, in shares of its width and height.

        Before and after are then looked at side by side and not one over the other.
        """
        return False

    def needed_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The size that it scales a picture of this size down to before all else; None where it looks at every pixel.

        Where it comes first a JPEG is then decoded smaller, at twice that size or more: :attr:`Image.reduced_from`.
        """
        return None

    def result(self, picture: Extent) -> Extent:
        """How large the result is, as far as parameters alone say it."""
        size = self.output_size(picture.width, picture.height)
        return picture if size is None else replace(picture, width=size[0], height=size[1])

    def working_memory(self, picture: Extent, models: Models) -> int:
        """Bytes that :meth:`apply` takes beside the picture it is given, at its worst: more rather than less.

        The pipeline holds it against ``limits.memory`` before it starts. By default the result, twice.
        """
        return 2 * max(self.result(picture).bytes, picture.bytes)

    def pictures(self) -> list[str]:
        """What its parameters call second pictures, in order: a mask, a background."""
        found: list[str] = []
        for name in _picture_fields(type(self)):
            value: Any = getattr(self, name)
            if value is not None:
                found += value if isinstance(value, list) else [value]
        return found

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def parameters(self) -> dict[str, Any]:
        """Every parameter with its resolved value, JSON-ready, without the tag."""
        return self.model_dump(mode="json", exclude={"type"})


@cache
def _picture_fields(kind: type[Operation]) -> tuple[str, ...]:
    """The parameters that may name a picture. A schema takes a millisecond to make, on every request."""
    fields: dict[str, Any] = kind.model_json_schema().get("properties", {})
    return tuple(name for name, rules in fields.items() if _names_pictures(rules))


def _names_pictures(rules: dict[str, Any]) -> bool:
    """Whether a field of a JSON schema, or what it is a list or choice of, names a picture."""
    parts: list[dict[str, Any]] = [rules.get("items", {}), *rules.get("anyOf", [])]
    return rules.get("format") in (PICTURE, MASK) or any(_names_pictures(part) for part in parts if part)


class Network(Protocol):
    """A loaded model, ready on its device. Calls are safe from several threads."""

    @property
    def entry(self) -> ModelEntry:
        """The catalogue entry, with task, scale and pre-processing."""
        ...

    @property
    def scale(self) -> int:
        """How much larger the result of an image-to-image network is."""
        ...

    def predict(
        self,
        batch: NDArray[np.float32],
        *more: NDArray[np.float32],
        check: Callable[[NDArray[np.float32]], str | None] = ...,
    ) -> NDArray[np.float32]:
        """Run the network on ``n x channels x height x width``, float32; gives its first output as float32.

        ``more`` are further inputs, in the network's order.

        ``check`` says in a clause what is wrong with a result, None for nothing: it is then computed again more
        carefully. Without one, numbers that are none are wrong. Raises InferenceFailed, OutOfMemory or BadResult.
        """
        ...

    def predict_all(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """As :meth:`predict`, giving every output by its name."""
        ...

    def enlarge(
        self, pixels: NDArray[np.float32], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> NDArray[np.float32]:
        """Run an image-to-image network tile by tile.

        ``pixels`` is ``height x width x 3``, float32, 0.0 to 1.0; the result is ``height*scale x width*scale x 3``,
        not clipped. ``tile`` and ``overlap`` are in input pixels; None takes what suits network and device. Out of
        memory ends in smaller tiles, then the CPU, each noted in the report. Raises InferenceFailed, OutOfMemory,
        BadResult.
        """
        ...

    def strips(
        self, pixels: NDArray[Any], *, tile: int | None, overlap: int | None, progress: Progress
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """As :meth:`enlarge`, giving the result in strips from the top: the first row and ``rows x width x 3``.

        ``pixels`` may also be uint8 or uint16. After running out of memory it starts again from row 0.
        """
        ...


class Models(Protocol):
    """What an operation may ask of the model store and the engines."""

    def find(self, name: str) -> ModelEntry:
        """The catalogue entry of that name. Raises UnknownModel, which lists near names."""
        ...

    def ready(self, name: str) -> bool:
        """True if the model can be used now without a download."""
        ...

    def memory(self, name: str, tile: int | None = None) -> int:
        """Bytes that the model takes, loaded and at work on a tile of that side (None: the usual one), roughly.

        0 where it is not ready. Raises UnknownModel.
        """
        ...

    def installed(self, task: Task) -> list[ModelEntry]:
        """The entries of that task which can be used now without a download, in the catalogue's order."""
        ...

    def choose(
        self, task: Task, names: Sequence[str], megapixels: float, seconds: float | None, step: Step
    ) -> tuple[str, PrecisionChoice] | None:
        """The model, of ``names`` (the best first), and the precision that the settings' quality and time ask for.

        ``seconds`` are what is left of the time, None where there is no limit. Says why in the report. None where the
        settings ask for nothing special, or nothing was measured, which is warned of.
        """
        ...

    def network(
        self,
        name: str,
        step: Step,
        *,
        precision: PrecisionChoice | None = None,
        blend: Mapping[str, float] | None = None,
    ) -> Network:
        """Load a model (downloading it first where the settings allow) and put it on its device.

        ``blend`` gives the weights of several catalogue entries of one architecture to be mixed into one network.
        Raises UnknownModel, ModelMissing, ModelCorrupt, UnsafeWeights, UnsupportedModel, LicenceRefused,
        DeviceUnavailable, DownloadFailed.
        """
        ...


class Step(Protocol):
    """The part of a Context that engines and models write to."""

    def progress(self, fraction: float, doing: str = "") -> None:
        """Tell the caller how far this step is, 0.0 to 1.0. Raises Cancelled when the caller wants to stop."""
        ...

    def warn(self, message: str) -> None:
        """Put a warning, a whole sentence, into the report."""
        ...

    def fallback(self, wanted: str, used: str, reason: str, *, lasting: bool = False) -> None:
        """Note that something else is done than what was wanted. Raises FallbackRefused in strict mode.

        ``lasting`` says that it would be so again with the same picture, settings and models.
        """
        ...

    def note(self, **found: Any) -> None:
        """Put what the step found out or changed into the report; values are JSON-ready."""
        ...

    def used_model(self, use: ModelUse, *, engine: str, device: str, precision: str) -> None:
        """Note that a model takes part, and where it runs."""
        ...

    def loaded(self, name: str) -> None:
        """Note that a model had to be loaded, which takes time."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture that an operation makes beside its result: a smaller size, a face. ``about`` is JSON-ready."""

    name: str
    image: Image
    about: dict[str, Any]


class Context:
    """All that an operation may touch: models, settings, progress, cancellation and its part of the report."""

    def __init__(
        self,
        *,
        settings: Settings,
        models: Models,
        step: StepReport,
        open_image: Callable[[str], Image],
        on_progress: Progress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        begun: float | None = None,
        attachments: list[Attachment] | None = None,
    ) -> None:
        self.settings = settings
        self._attachments = attachments if attachments is not None else []
        self._begun = begun
        self.models = models
        self.step = step
        self.open_image = open_image
        """Opens a second picture that a parameter names (a background, a mask). Raises InputError."""
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled

    def progress(self, fraction: float, doing: str = "") -> None:
        """Tell the caller how far this step is, 0.0 to 1.0. Raises Cancelled when the caller wants to stop."""
        self.check_cancelled()
        if self._on_progress is not None:
            self._on_progress(min(max(fraction, 0.0), 1.0), doing or self.step.operation)

    def seconds_left(self) -> float | None:
        """What is left of ``engine.within`` for this picture; None where there is no such limit."""
        within = self.settings.engine.within
        if within is None:
            return None
        return max(within - (time.perf_counter() - self._begun if self._begun is not None else 0.0), 0.0)

    def check_cancelled(self) -> None:
        """Raises Cancelled when the caller wants to stop."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled(f"{self.step.operation} was cancelled.")

    def warn(self, message: str) -> None:
        """Put a warning, a whole sentence, into the report."""
        if message not in self.step.warnings:
            self.step.warnings.append(message)

    def fallback(self, wanted: str, used: str, reason: str, *, lasting: bool = False) -> None:
        """Note that something else is done than what was wanted. Raises FallbackRefused in strict mode.

        ``lasting`` says that it would be so again with the same picture, settings and models.
        """
        if self.settings.strict:
            raise FallbackRefused(
                f"{self.step.operation}: {wanted} was wanted and not to be had: {reason}",
                cure=f"Without strict mode {used} is used instead.",
            )
        noted = Fallback(wanted=wanted, used=used, reason=reason, lasting=lasting)
        if noted not in self.step.fallbacks:
            self.step.fallbacks.append(noted)

    def note(self, **found: Any) -> None:
        """Put what the step found out or changed into the report; values are JSON-ready."""
        self.step.changed.update(found)

    def attach(self, name: str, image: Image, **about: Any) -> None:
        """Give a further picture beside the result; later operations do not see it.

        ``name`` becomes part of its file's name; where it is taken already, a number is added. It is written like the
        result unless its own encoding says otherwise.
        """
        if not ATTACHMENT_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a further picture")
        taken = {attachment.name for attachment in self._attachments}
        numbered = (f"{name}-{number}" for number in itertools.count(2))
        free = name if name not in taken else next(other for other in numbered if other not in taken)
        self._attachments.append(Attachment(free, image, about))

    def method(self, name: str) -> None:
        """Say in the report how the step is done: builtin, model, or the algorithm's name."""
        self.step.method = name

    def used_model(self, use: ModelUse, *, engine: str, device: str, precision: str) -> None:
        """Note that a model takes part, and where it runs."""
        if use not in self.step.models:
            self.step.models.append(use)
        self.step.engine, self.step.device, self.step.precision = engine, device, precision

    def loaded(self, name: str) -> None:
        """Note that a model had to be loaded, which takes time."""
        if name not in self.step.loaded:
            self.step.loaded.append(name)


@cache
def _import_all() -> None:
    from darkroom import operations

    for module in pkgutil.iter_modules(operations.__path__):
        importlib.import_module(f"{operations.__name__}.{module.name}")
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception:
            # A package that is not well costs its own operation and nothing else.
            log.warning("The operation %s of %s does not load.", point.name, point.value, exc_info=True)


def registry() -> Mapping[str, type[Operation]]:
    """Every operation by name, in alphabetical order."""
    _import_all()
    return dict(sorted(_registry.items()))


def find_operation(name: str) -> type[Operation]:
    """The operation of that name. Raises UnknownOperation, naming the nearest and listing all."""
    known = registry()
    if name in known:
        return known[name]
    raise UnknownOperation(f"There is no operation named {name!r}.", cure=suggest(name, known))


def suggest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """A cure for a wrong name: the nearest known one and the whole list."""
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    listing = ", ".join(known) or "none"
    return f"Did you mean {near[0]}? Known: {listing}." if near else f"Known: {listing}."


def _shortly(value: Any) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def build(name: str, parameters: Mapping[str, Any]) -> Operation:
    """An operation from its name and parameters. Raises UnknownOperation or InvalidParameters naming field and rule."""
    kind = find_operation(name)
    try:
        return kind.model_validate(dict(parameters))
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        message = re.sub(r"^(Value|Assertion) error, ", "", problem["msg"])
        fields = [f for f in kind.model_fields if f != "type"]
        if problem["type"] == "extra_forbidden":
            raise InvalidParameters(
                f"{name} has no parameter {field!r}.", cure=suggest(field, fields), field=field
            ) from error
        given = "" if problem["type"] == "missing" or not field else f", not {_shortly(problem['input'])}"
        subject = f"{name}: {field}" if field else name
        described = kind.model_fields[str(problem["loc"][0])].description if problem["loc"] else None
        raise InvalidParameters(
            f"{subject}: {message}{given}.", cure=f"{field}: {described}" if described else None, field=field or None
        ) from error
