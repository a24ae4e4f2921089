"""The only whole path: bytes in, operations, bytes out; called by library, command line, service and workers alike."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.image import Encoding, Image
from darkroom.operation import Progress
from darkroom.pipeline import Pipeline
from darkroom.report import PictureReport, Report, peak_memory

if TYPE_CHECKING:
    from darkroom.services import Services


@dataclass(frozen=True, slots=True)
class Request:
    """One picture's work.

    ``source`` is a path or the bytes themselves; ``name`` is what to call bytes in the report. ``encoding`` says how
    to write the result where no ``convert`` step does. ``svg_size`` is the (width, height) that an SVG is drawn to fit.
    """

    source: Path | bytes | Image
    pipeline: Pipeline
    encoding: Encoding = field(default_factory=Encoding)
    name: str | None = None
    svg_size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The encoded picture, the picture itself, and the receipt."""

    data: bytes
    image: Image
    report: Report

    @property
    def format(self) -> str:
        """The format of ``data``."""
        assert self.report.output is not None
        assert self.report.output.format is not None
        return self.report.output.format


def process(
    request: Request,
    services: Services,
    *,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Result:
    """Decode, run the pipeline, encode. Raises DarkroomError; never writes a file."""
    from darkroom import codecs
    from darkroom.version import version

    settings = services.settings
    report = Report(version=version())
    started = time.perf_counter()
    if isinstance(request.source, Image):
        image = request.source
    else:
        image = services.decode(request.source, svg_size=request.svg_size, name=request.name, warnings=report.warnings)
    report.input = codecs.describe(image)
    report.decode_seconds = time.perf_counter() - started

    def pipeline_progress(fraction: float, doing: str) -> None:
        if on_progress is not None:
            on_progress(min(0.02 + 0.93 * fraction, 0.95), doing)

    image = request.pipeline.run(
        image,
        settings=settings,
        models=services.models,
        open_image=services.open_image,
        report=report,
        on_progress=pipeline_progress,
        is_cancelled=is_cancelled,
    )
    if on_progress is not None:
        on_progress(0.95, "encode")
    encode_started = time.perf_counter()
    wanted = image.encoding.over(request.encoding).over(
        Encoding(quality=settings.output.quality, metadata=settings.output.metadata)
    )
    encoded = codecs.encode(image, wanted, warnings=report.warnings)
    report.encode_seconds = time.perf_counter() - encode_started
    report.output = PictureReport(
        **encoded.description.model_dump(exclude={"bytes", "sha256"}),
        bytes=len(encoded.data),
        sha256=hashlib.sha256(encoded.data).hexdigest(),
    )
    report.seconds = time.perf_counter() - started
    report.peak_memory = peak_memory()
    if on_progress is not None:
        on_progress(1.0, "done")
    return Result(encoded.data, image, report)
