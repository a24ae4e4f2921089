"""The only whole path: bytes in, operations, bytes out; called by library, command line, service and workers alike."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.errors import InputNotFound
from darkroom.image import Encoding, Image
from darkroom.operation import Attachment, Progress
from darkroom.pipeline import Pipeline
from darkroom.report import AttachmentReport, PictureReport, Report, peak_memory

if TYPE_CHECKING:
    from darkroom.codecs import Encoded
    from darkroom.codecs.decoding import Needed
    from darkroom.services import Services


@dataclass(frozen=True, slots=True)
class Request:
    """One picture's work.

    ``source`` is a path or the bytes themselves; ``name`` is what to call bytes in the report. ``encoding`` says how
    to write the result where no ``convert`` step does. ``svg_size`` is the (width, height) that an SVG is drawn to fit.

    ``pictures`` says which second pictures the operations may name, and where each lies: a service gives it, so that
    nobody's parameter opens a file of this machine. Without it they are paths.
    """

    source: Path | bytes | Image
    pipeline: Pipeline
    encoding: Encoding = field(default_factory=Encoding)
    name: str | None = None
    svg_size: tuple[int, int] | None = None
    pictures: Mapping[str, Path] | None = None

    def path_of(self, reference: str) -> str:
        """Where a second picture lies that an operation names. Raises InputNotFound where it may not name it."""
        if self.pictures is None:
            return reference
        if reference not in self.pictures:
            raise InputNotFound(f"There is no stored picture {reference!r}.", cure="Upload it, and give its id.")
        return str(self.pictures[reference])


@dataclass(frozen=True, slots=True)
class Result:
    """The encoded picture, the picture itself, and the receipt."""

    data: bytes
    image: Image
    report: Report
    attachments: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """The encoded pictures that operations made beside it, by name; ``report.attachments`` describes each."""

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
        image = services.decode(
            request.source,
            svg_size=request.svg_size,
            name=request.name,
            needed=_needed(request.pipeline, services),
            warnings=report.warnings,
        )
    report.input = codecs.describe(image)
    report.decode_seconds = time.perf_counter() - started

    def pipeline_progress(fraction: float, doing: str) -> None:
        if on_progress is not None:
            on_progress(min(0.02 + 0.93 * fraction, 0.95), doing)

    extra: list[Attachment] = []
    image = request.pipeline.run(
        image,
        settings=settings,
        models=services.models,
        open_image=lambda reference: services.open_image(request.path_of(reference)),
        report=report,
        chain=services.chain,
        attachments=extra,
        admit=services.admit,
        on_progress=pipeline_progress,
        is_cancelled=is_cancelled,
    )
    if on_progress is not None:
        on_progress(0.95, "encode")
    encode_started = time.perf_counter()
    usual = request.encoding.over(Encoding(quality=settings.output.quality, metadata=settings.output.metadata))
    encoded = codecs.encode(image, image.encoding.over(usual), warnings=report.warnings)
    report.output = PictureReport.model_validate(_described(encoded))
    attachments: dict[str, bytes] = {}
    for attachment in extra:
        made = codecs.encode(attachment.image, attachment.image.encoding.over(usual), warnings=report.warnings)
        attachments[attachment.name] = made.data
        report.attachments.append(
            AttachmentReport.model_validate({**_described(made), "name": attachment.name, "about": attachment.about})
        )
    report.encode_seconds = time.perf_counter() - encode_started
    report.seconds = time.perf_counter() - started
    report.peak_memory = peak_memory()
    if on_progress is not None:
        on_progress(1.0, "done")
    return Result(encoded.data, image, report, attachments)


def _needed(pipeline: Pipeline, services: Services) -> Needed | None:
    """How much of the picture the first operation needs; all of it where a cloud service may be asked for it."""
    if not pipeline.operations or any(provider.cloud for provider in services.chain.order(pipeline.operations[0])):
        return None
    return pipeline.operations[0].needed_size


def _described(encoded: Encoded) -> dict[str, Any]:
    """A picture as it went out, with the size and digest of its file."""
    return {
        **encoded.description.model_dump(),
        "bytes": len(encoded.data),
        "sha256": hashlib.sha256(encoded.data).hexdigest(),
    }


def attachment_path(output: Path, attachment: AttachmentReport) -> Path:
    """Where a picture that was made beside the result goes: ``shoe.jpg`` has its ``shoe.thumbnail.jpg``."""
    from darkroom.codecs import extension

    assert attachment.format is not None
    made: Any = attachment.format
    return output.with_name(f"{output.stem}.{attachment.name}{extension(made)}")


def manifest_path(output: Path) -> Path:
    """Where the list of all files of one result goes."""
    return output.with_name(f"{output.stem}.manifest.json")


def write(output: Path, data: bytes, report: Report, attachments: Mapping[str, bytes]) -> None:
    """Write a result; with further pictures, those and a list of all files first, so that the result's means all are.

    Each is written whole or not at all. Raises OutputError.
    """
    from darkroom.codecs import write_atomically

    if attachments:
        files = [{**report.output.model_dump(mode="json"), "name": None, "file": output.name}] if report.output else []
        for attachment in report.attachments:
            path = attachment_path(output, attachment)
            write_atomically(path, attachments[attachment.name or ""])
            files.append({**attachment.model_dump(mode="json"), "file": path.name})
        source = report.input.name if report.input else None
        manifest = {"source": source, "files": files, "version": report.version}
        write_atomically(manifest_path(output), (json.dumps(manifest, indent=2) + "\n").encode())
    write_atomically(output, data)
