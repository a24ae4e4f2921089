"""The library's few functions: open, process, process_async, save. Safe to call from several threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from darkroom.image import Encoding, Image
from darkroom.operation import Progress
from darkroom.pipeline import Pipeline, Written
from darkroom.processing import Request, Result, write
from darkroom.processing import process as run
from darkroom.services import Services, build_services

if TYPE_CHECKING:
    from darkroom.settings import Settings

Source = str | Path | bytes | BinaryIO | Image


def open(source: str | Path | bytes | BinaryIO, *, svg_size: tuple[int, int] | None = None) -> Image:
    """Decode a picture from a path, bytes or a binary stream; the type is told by content, never by name.

    ``svg_size`` is the (width, height) that an SVG is drawn to fit. Raises InputError.
    """
    from darkroom import codecs
    from darkroom.settings import load_settings

    where = Path(source) if isinstance(source, str) else source
    return codecs.decode(where, limits=load_settings().limits, svg_size=svg_size)


def save(image: Image, path: str | Path, **encoding: Any) -> None:
    """Encode a picture by the path's suffix and write it whole or not at all.

    Keywords are those of :class:`darkroom.Encoding`: ``quality``, ``lossless``, ``metadata`` and so on. Raises
    OutputError.
    """
    from darkroom import codecs

    target = Path(path)
    wanted = Encoding(**encoding).over(Encoding(format=codecs.format_of(target)))
    codecs.write_atomically(target, codecs.encode(image, wanted.over(image.encoding), warnings=None).data)


def process(
    source: Source,
    operations: Pipeline | Sequence[Written] | Written,
    *,
    output: str | Path | None = None,
    encoding: Encoding | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    services: Services | None = None,
    on_progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Result:
    """Run operations on one picture; give back the encoded result, the picture and the report.

    Args:
        source: a path, the file's bytes, a binary stream, or an :class:`Image`.
        operations: a :class:`Pipeline`, or operations in any written form: instances, ``"upscale:scale=2"``,
            ``{"type": "upscale", "scale": 2}``.
        output: also write the result here, whole or not at all; its suffix gives the format. Pictures that operations
            make beside it go into the same folder, and a list of them.
        encoding: how to write the result, where no ``convert`` operation says.
        settings: a whole :class:`Settings`, or changes to the ones in force by dotted path:
            ``{"engine.device": "cpu", "strict": True}``.
        services: what :func:`darkroom.services.build_services` made; pass one to keep models loaded between calls.
        on_progress: called with a fraction, 0.0 to 1.0, and what is being done.
        is_cancelled: asked now and then; true ends the work with Cancelled.

    Raises:
        DarkroomError: see :mod:`darkroom.errors` for the tree.
    """
    from darkroom import codecs

    services = services or _services(settings)
    wanted = encoding or Encoding()
    if output is not None:
        wanted = wanted.over(Encoding(format=codecs.format_of(Path(output))))
    request = Request(
        source=_read(source),
        pipeline=operations if isinstance(operations, Pipeline) else Pipeline(operations),
        encoding=wanted,
    )
    result = run(request, services, on_progress=on_progress, is_cancelled=is_cancelled)
    if output is not None:
        write(Path(output), result.data, result.report, result.attachments)
    return result


async def process_async(source: Source, operations: Pipeline | Sequence[Written] | Written, **keywords: Any) -> Result:
    """:func:`process` on a thread of its own, for servers: the event loop stays free.

    When the awaiting task is cancelled, the work stops at its next report of progress.
    """
    import asyncio
    import threading

    stop = threading.Event()
    asked = keywords.pop("is_cancelled", None)

    def is_cancelled() -> bool:
        return stop.is_set() or (asked is not None and asked())

    try:
        return await asyncio.to_thread(partial(process, source, operations, is_cancelled=is_cancelled, **keywords))
    except asyncio.CancelledError:
        stop.set()
        raise


def _services(settings: Settings | Mapping[str, Any] | None) -> Services:
    from darkroom.settings import load_settings

    if settings is None or isinstance(settings, Mapping):
        return build_services(load_settings(dict(settings) if settings else None))
    return build_services(settings)


def _read(source: Source) -> Path | bytes | Image:
    if isinstance(source, str):
        return Path(source)
    if isinstance(source, (Path, bytes, Image)):
        return source
    return source.read()
