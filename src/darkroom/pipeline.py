"""Operations in order, with progress and cancellation; and the ways a pipeline is written down."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from darkroom.errors import InvalidParameters, LimitExceeded
from darkroom.operation import Attachment, Context, Extent, Models, Operation, Progress, build, find_operation
from darkroom.report import Report, StepReport, peak_memory

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.providers.chain import Chain
    from darkroom.settings import Settings

TEXT_LENGTH = 20_000
"""Characters of an operation's text form; the JSON form may be longer."""
Written = Operation | str | Mapping[str, Any]
"""An operation, its text form ``upscale:scale=2``, or its JSON form ``{"type": "upscale", "scale": 2}``."""


def parse(written: Written) -> Operation:
    """Read one operation. Raises UnknownOperation or InvalidParameters."""
    if isinstance(written, Operation):
        return written
    if isinstance(written, str):
        return _parse_text(written)
    values = dict(written)
    name = values.pop("type", None)
    if not isinstance(name, str):
        raise InvalidParameters(
            "An operation needs a type.", cure='For example {"type": "upscale", "scale": 2}.', field="type"
        )
    return build(name, values)


def _parse_text(text: str) -> Operation:
    """``name`` or ``name:key=value,key=value``.

    A comma belongs to the value unless ``key=`` follows it; a value that begins like a JSON string, list or object is
    read as one, so that ``image="a,b=c.png"`` can be written. Dashes in names are taken for underscores.
    """
    name, _, rest = text.partition(":")
    if len(text) > TEXT_LENGTH:
        raise InvalidParameters(
            f"The text of {name[:40]!r} has {len(text)} characters; {TEXT_LENGTH} are the most.",
            cure="Write the operation as a JSON object.",
        )
    values: dict[str, str] = {}
    position = 0
    while position < len(rest):
        key = re.compile(r"([a-z][a-z0-9_-]*)=").match(rest, position)
        if key is None:
            raise InvalidParameters(
                f"{text[:200]!r}: {rest[position:][:200]!r} is not key=value.",
                cure=f"Write {name[:40]}:key=value,key=value.",
                field=rest[position:].partition("=")[0][:40],
            )
        field = key[1].replace("-", "_")
        if field in values:
            raise InvalidParameters(f"{text!r}: {field} is given twice.", field=field)
        values[field], position = _take_value(rest, key.end())
    return parse_fields(name.strip().replace("-", "_"), values)


def _take_value(text: str, start: int) -> tuple[str, int]:
    """The value that begins at ``start``, and where the next ``key=`` begins."""
    if text[start : start + 1] in ('"', "[", "{"):
        # Brackets may be nested deeper than Python can follow.
        with contextlib.suppress(ValueError, RecursionError):
            _, length = json.JSONDecoder().raw_decode(text[start:])
            end = start + length
            if text[end : end + 1] in ("", ","):
                return text[start:end], end + 1
    following = re.compile(r",(?=[a-z][a-z0-9_-]*=)").search(text, start)
    return (text[start : following.start()], following.end()) if following else (text[start:], len(text))


def parse_fields(name: str, values: Mapping[str, str]) -> Operation:
    """An operation from texts, as a command line gives them.

    Each text is read as JSON (``2``, ``true``, ``[10, 20]``) where the field takes that, else as it stands, else as a
    list of its comma-separated parts. Raises UnknownOperation, or InvalidParameters about the text as it was given.
    """
    kind = find_operation(name)
    readings = {
        key: [_as_json(text), text, [_as_json(part) for part in text.split(",")]] for key, text in values.items()
    }
    chosen = dict.fromkeys(values, 0)
    while True:
        try:
            return kind.model_validate({key: readings[key][choice] for key, choice in chosen.items()})
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} & set(values)
        untried = [key for key in wrong if chosen[key] + 1 < len(readings[key])]
        if not untried:
            return build(name, {key: values[key] if key in wrong else readings[key][chosen[key]] for key in values})
        for key in untried:
            chosen[key] += 1


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def as_text(operation: Operation) -> str:
    """The text form of an operation, without what is at its default; :func:`parse` reads it back."""
    given = operation.model_dump(mode="json", exclude={"type"}, exclude_defaults=True)
    parts = ",".join(f"{key}={_value_as_text(value)}" for key, value in given.items())
    return f"{operation.name}:{parts}" if parts else operation.name


def _value_as_text(value: Any) -> str:
    if isinstance(value, str) and _take_value(value, 0) == (value, len(value)) and _as_json(value) == value:
        return value
    return json.dumps(value, separators=(",", ":"))


PROGRAM = 250_000_000
"""Bytes of the program itself with its libraries and an inference engine, before any picture (measured: 90 to 220)."""


class Pipeline:
    """A list of operations, run one after the other on one picture."""

    def __init__(self, operations: Sequence[Written] | Written) -> None:
        single = isinstance(operations, (str, Operation, Mapping))
        self.operations: tuple[Operation, ...] = tuple(
            parse(written)
            for written in ([operations] if single else operations)  # pyright: ignore
        )

    @staticmethod
    def from_json(text: str) -> Pipeline:
        """Read ``[{"type": "upscale", "scale": 2}, ...]``. Raises InvalidParameters."""
        try:
            parts: Any = json.loads(text)
        except ValueError as error:
            raise InvalidParameters(f"The operations are not JSON: {error}.") from error
        if not isinstance(parts, list):
            raise InvalidParameters("The operations must be a JSON list.", field="operations")
        return Pipeline([part if isinstance(part, (str, dict)) else {"type": part} for part in parts])  # pyright: ignore

    def to_text(self) -> str:
        """The operations as one writes them on a command line, separated by spaces."""
        return " ".join(as_text(operation) for operation in self.operations)

    def to_json(self) -> list[dict[str, Any]]:
        """The JSON form, every default resolved."""
        return [{"type": operation.name, **operation.parameters()} for operation in self.operations]

    def memory(self, picture: Extent, models: Models) -> int:
        """Bytes that the process takes at its worst for a picture of this size: more rather than less."""
        worst = 0
        for operation in self.operations:
            worst = max(worst, picture.bytes + operation.working_memory(picture, models))
            picture = operation.result(picture)
        return PROGRAM + max(worst, 2 * picture.bytes)

    def run(
        self,
        image: Image,
        *,
        settings: Settings,
        models: Models,
        open_image: Callable[[str], Image],
        report: Report,
        chain: Chain | None = None,
        attachments: list[Attachment] | None = None,
        admit: Callable[[int], None] | None = None,
        on_progress: Progress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Image:
        """Run every operation on ``image``, adding one StepReport each to ``report``.

        ``chain`` picks who carries each out, this machine where there is none. Pictures that operations make beside the
        result are added to ``attachments``. ``admit`` is called with the bytes that all takes at its worst, and returns
        when it may.

        ``on_progress`` is called with the fraction of the whole list, 0.0 to 1.0. Raises LimitExceeded before anything
        is done where it would not fit into ``limits.memory``; DarkroomError.
        """
        report.memory_estimate = self.check_memory(image, settings, models)
        if admit is not None:
            admit(report.memory_estimate)
        count, begun = len(self.operations), time.perf_counter()
        for index, operation in enumerate(self.operations):
            step = StepReport(operation=operation.name, parameters=operation.parameters())
            report.steps.append(step)

            def advance(fraction: float, doing: str, index: int = index) -> None:
                if on_progress is not None:
                    on_progress((index + fraction) / count, doing)

            context = Context(
                settings=settings,
                models=models,
                step=step,
                open_image=open_image,
                on_progress=advance,
                is_cancelled=is_cancelled,
                begun=begun,
                attachments=attachments,
            )
            context.progress(0.0)
            check_output(operation, image, settings)
            started = time.perf_counter()
            given = image
            image = operation.apply(image, context) if chain is None else chain.carry_out(image, operation, context)
            step.seconds = time.perf_counter() - started
            step.width, step.height = image.full_size
            step.moved = image is not given and operation.moves()
            step.peak_memory = peak_memory()
            context.progress(1.0)
        report.tell_mode()
        return image

    def check_memory(self, image: Image, settings: Settings, models: Models) -> int:
        """Bytes that this picture will take at most. Raises LimitExceeded, with the numbers, if that is too much."""
        width, height = image.full_size
        picture = Extent(width, height, 4 if image.has_alpha else 3, image.bits // 8, len(image.frames))
        needed, allowed = self.memory(picture, models), settings.limits.most_memory()
        if needed > allowed:
            raise LimitExceeded(
                f"{self.to_text()} on {width} x {height} pixels needs up to {needed / 1e6:.0f} MB "
                f"of memory; the limit is {allowed / 1e6:.0f}.",
                cure="Work on a smaller picture, or raise limits.memory if the machine has it.",
            )
        return needed


def check_output(operation: Operation, image: Image, settings: Settings) -> None:
    """Raises LimitExceeded if the result of ``operation`` would have more pixels than ``limits.output_pixels``."""
    size = operation.output_size(*image.full_size)
    if size is None:
        return
    pixels = size[0] * size[1] * len(image.frames)
    if pixels > settings.limits.output_pixels:
        frames = f" in {len(image.frames)} frames" if image.is_animated else ""
        raise LimitExceeded(
            f"{operation.name} would make {size[0]} x {size[1]} pixels{frames}, {pixels / 1e6:.0f} megapixels; "
            f"the limit is {settings.limits.output_pixels / 1e6:.0f}.",
            cure="Ask for less, or raise limits.output_pixels.",
        )
