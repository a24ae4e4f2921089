"""Operations in order, with progress and cancellation; and the ways a pipeline is written down."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from darkroom.errors import InvalidParameters, LimitExceeded
from darkroom.operation import Context, Models, Operation, Progress, build
from darkroom.report import Report, StepReport, peak_memory

if TYPE_CHECKING:
    from darkroom.image import Image
    from darkroom.settings import Settings

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
    """``name`` or ``name:key=value,key=value``; a comma belongs to the value unless ``key=`` follows it."""
    name, _, rest = text.partition(":")
    values: dict[str, Any] = {}
    for part in re.split(r",(?=[a-z_]+=)", rest) if rest else []:
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidParameters(
                f"{text!r}: {part!r} is not key=value.", cure=f"Write {name}:key=value,key=value.", field=key
            )
        if key in values:
            raise InvalidParameters(f"{text!r}: {key} is given twice.", field=key)
        values[key] = value
    return build(name, values)


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

    def to_json(self) -> list[dict[str, Any]]:
        """The JSON form, every default resolved."""
        return [{"type": operation.name, **operation.parameters()} for operation in self.operations]

    def run(
        self,
        image: Image,
        *,
        settings: Settings,
        models: Models,
        open_image: Callable[[str], Image],
        report: Report,
        on_progress: Progress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Image:
        """Run every operation on ``image``, adding one StepReport each to ``report``.

        ``on_progress`` is called with the fraction of the whole list, 0.0 to 1.0. Raises DarkroomError.
        """
        count = len(self.operations)
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
            )
            context.progress(0.0)
            check_output(operation, image, settings)
            started = time.perf_counter()
            image = operation.apply(image, context)
            step.seconds = time.perf_counter() - started
            step.peak_memory = peak_memory()
            context.progress(1.0)
        return image


def check_output(operation: Operation, image: Image, settings: Settings) -> None:
    """Raises LimitExceeded if the result of ``operation`` would have more pixels than ``limits.output_pixels``."""
    size = operation.output_size(image.width, image.height)
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
