"""Bytes into pictures: limits from the header first, then the pixels, upright and in sRGB."""

from __future__ import annotations

import io
import os
import re
import warnings as python_warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from darkroom.codecs import containers, metadata
from darkroom.codecs.colour import profile_name, to_srgb
from darkroom.codecs.sniffing import cure_for, identify, sniff, unpack_svg
from darkroom.codecs.vips import field, vips, with_fields
from darkroom.errors import CorruptImage, InputNotFound, LimitExceeded, UnsupportedFormat
from darkroom.image import Animation, Format, Image, Metadata, Origin, Subsampling

if TYPE_CHECKING:
    import pyvips

    from darkroom.settings import Limits

Needed = Callable[[int, int], tuple[int, int] | None]
"""The size that is needed of a picture of this (width, height); None is all of it."""

_LOSSLESS: tuple[Format, ...] = ("png", "tiff", "gif", "bmp", "svg", "ppm", "ico")


@dataclass(slots=True)
class _Source:
    """A file being decoded."""

    data: bytes
    name: str
    limits: Limits
    svg_size: tuple[int, int] | None
    needed: Needed | None
    warnings: list[str]


@dataclass(slots=True)
class _Loaded:
    """Frames as the file holds them, in memory, and what the file says about them.

    ``orientation`` is an EXIF orientation that has not been applied yet. ``size`` is the file's where the frames are
    smaller.
    """

    frames: list[pyvips.Image]
    size: tuple[int, int] | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: tuple[float, float] | None = None
    orientation: int = 1
    bits: int | None = None
    quality: int | None = None
    subsampling: Subsampling | None = None
    lossless: bool | None = None
    delays: tuple[int, ...] = ()
    loop: int = 0


def decode(
    source: Path | bytes | BinaryIO,
    *,
    limits: Limits,
    svg_size: tuple[int, int] | None = None,
    name: str | None = None,
    needed: Needed | None = None,
    warnings: list[str] | None = None,
) -> Image:
    """Decode a picture whole, into memory: upright, sRGB, 8 or 16 bits, every frame.

    Type and dimensions are read from the content first and held against ``limits``; only then are pixels decoded.
    ``svg_size`` is the (width, height) in pixels that an SVG is drawn to fit. ``name`` is what to call the picture in
    messages; a path has its own. What was not kept is appended to ``warnings`` as sentences.

    ``needed`` says how much is needed of a picture of that size, upright: a JPEG that has more than twice of it to each
    side is decoded at a half, a quarter or an eighth where that is even, which costs less (:attr:`Image.reduced_from`).

    Raises InputNotFound, UnsupportedFormat, LimitExceeded or CorruptImage.
    """
    data, called = _read(source, limits, name)
    file = _Source(data, called or "The picture", limits, svg_size, needed, [])
    format = sniff(data)
    if format is None:
        raise _refusal(file)
    loaded = _load(file, format)
    image = _settle(file, format, loaded, called)
    if warnings is not None:
        warnings += [note for note in dict.fromkeys(file.warnings) if note not in warnings]
    return image


def _read(source: Path | bytes | BinaryIO, limits: Limits, name: str | None) -> tuple[bytes, str | None]:
    """The bytes and what to call them; never more than the limit is read."""
    most = limits.input_bytes
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        name = name or path.name
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                data = b"" if size > most else file.read(most + 1)
        except FileNotFoundError as error:
            raise InputNotFound(f"There is no file {path}.", cure="Check the path.") from error
        except IsADirectoryError as error:
            raise InputNotFound(f"{path} is a folder, not a picture.", cure="Name the files in it.") from error
        except OSError as error:
            raise InputNotFound(
                f"{path} cannot be read: {error.strerror or error}.", cure="Check its permissions."
            ) from error
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data, size = bytes(source), len(source)
    else:
        data, size = source.read(most + 1), 0
    size = max(size, len(data))
    if size > most:
        measure = f"{size / 1e6:.1f} MB" if size > most + 1 else f"more than {most / 1e6:.1f} MB"
        raise LimitExceeded(
            f"{name or 'The picture'} has {measure}; the limit is {most / 1e6:.1f} MB.",
            cure="Give a smaller file, or raise limits.input_bytes.",
        )
    return data, name


def _refusal(file: _Source) -> UnsupportedFormat | CorruptImage:
    if not file.data:
        return CorruptImage(f"{file.name} is empty: it has no bytes.", cure="Fetch or save it again.")
    kind = identify(file.data)
    what = f"is of a type that is not read: {kind}" if kind else "is not a picture of any known type"
    return UnsupportedFormat(f"{file.name} {what}.", cure=cure_for(kind))


def _load(file: _Source, format: Format) -> _Loaded:
    """Decode with the reader for ``format`` and turn whatever it complains about into an error of ours."""
    try:
        if format == "ico":
            return _load_ico(file)
        if format in ("bmp", "ppm"):
            return _load_with_pillow(file, format)
        if format == "avif" and file.data[8:12] == b"avis":
            return _load_with_pillow(file, format)
        return _load_with_vips(file, format)
    except vips().Error as error:
        raise _corrupt(file, format, _first_line(error)) from error


def _corrupt(file: _Source, format: Format, reason: str) -> CorruptImage | UnsupportedFormat:
    if re.search(r"not configured|[Uu]nsupported|not supported", reason):
        return UnsupportedFormat(
            f"{file.name} is a {format.upper()} of a kind that is not read: {reason}.",
            cure="Open it in another program and save it as PNG or as an ordinary TIFF.",
        )
    return CorruptImage(
        f"{file.name} is damaged or cut off and cannot be decoded whole as {format.upper()}: {reason}.",
        cure="Fetch or export it again; repairing software may save a part of it.",
    )


def _first_line(error: Exception) -> str:
    """The most telling line of a libvips error: the first that a decoder wrote."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("unable to", "source: bad seek"))]
    return told[0].rstrip(".") if told else "its header makes no sense"


def check_size(file_name: str, width: int, height: int, frames: int, limits: Limits) -> None:
    """Raises LimitExceeded where the dimensions in a header are beyond what is allowed."""
    if frames > limits.frames:
        raise LimitExceeded(
            f"{file_name} has {frames} frames; the limit is {limits.frames}.",
            cure="Cut the animation, or raise limits.frames.",
        )
    if max(width, height) > limits.dimension:
        raise LimitExceeded(
            f"{file_name} has {width} x {height} pixels; the limit is {limits.dimension} to a side.",
            cure="Give a smaller picture, or raise limits.dimension.",
        )
    pixels = width * height * frames
    if pixels > limits.pixels:
        times = f" in {frames} frames" if frames > 1 else ""
        raise LimitExceeded(
            f"{file_name} has {width} x {height} pixels{times}, {pixels / 1e6:.0f} megapixels; "
            f"the limit is {limits.pixels / 1e6:.0f}.",
            cure="Give a smaller picture, or raise limits.pixels.",
        )


# --- libvips -----------------------------------------------------------------------------------------------------


def _load_with_vips(file: _Source, format: Format) -> _Loaded:
    pyvips = vips()
    if format == "svg":
        return _load_svg(file)
    options: dict[str, Any] = {"access": "sequential", "fail_on": "error"}
    if format == "jpeg":
        # The plain reader takes the base picture of an Ultra HDR file, whose brightness is meant for any screen.
        header = pyvips.Image.jpegload_buffer(file.data, **options)
    elif format == "png":
        header = pyvips.Image.pngload_buffer(file.data, **options)
    elif format == "webp":
        header = pyvips.Image.webpload_buffer(file.data, **options)
    elif format == "gif":
        header = pyvips.Image.gifload_buffer(file.data, **options)
    elif format == "avif":
        header = pyvips.Image.heifload_buffer(file.data, **options)
        if field(header, "heif-compression") != "av1":
            raise UnsupportedFormat(f"{file.name} is of a type that is not read: HEIC.", cure=cure_for("HEIC"))
    else:
        try:
            header = pyvips.Image.tiffload_buffer(file.data, **options)
        except pyvips.Error:
            # libvips leaves out a few kinds of TIFF: 12 bits a sample and 8 bit Lab, among others.
            return _load_with_pillow(file, format)
    orientation = int(field(header, "orientation") or 1)
    full = (header.width, header.height)
    pages = int(field(header, "n-pages") or 1)
    frames = pages if format in ("webp", "gif") else 1
    check_size(file.name, header.width, header.height, frames, file.limits)
    if frames > 1:
        load = pyvips.Image.webpload_buffer if format == "webp" else pyvips.Image.gifload_buffer
        strip = load(file.data, n=-1, **options).copy_memory()
        width, height = header.width, header.height
        pictures = [strip.crop(0, height * index, width, height) for index in range(strip.height // height)]
    else:
        shrink = _shrink(file, *full, orientation) if format == "jpeg" else 1
        if shrink > 1:
            header = pyvips.Image.jpegload_buffer(file.data, shrink=shrink, **options)
        # Still lazy: profile and bit depth are dealt with as the rows come in, so that pixels are held once only.
        pictures = [header]
    if pages > 1 and format == "tiff":
        file.warnings.append(f"It holds {pages} pages; only the first was read.")
    bits = int(field(header, "bits-per-sample") or 0) or (16 if header.format == "ushort" else 8)
    if format == "avif" and header.format == "ushort":
        # libvips gives the samples in the upper bits: full white is 65472 at 10 bits.
        top = (1 << bits) - 1
        pictures = [((frame >> (16 - bits)) * (65535 / top)).rint().cast("ushort") for frame in pictures]
        pictures = [frame.copy(interpretation=header.interpretation) for frame in pictures]
    loaded = _Loaded(
        frames=pictures,
        size=full if (header.width, header.height) != full else None,
        profile=field(header, "icc-profile-data"),
        exif=field(header, "exif-data"),
        xmp=field(header, "xmp-data"),
        iptc=field(header, "iptc-data"),
        orientation=orientation,
        bits=8 if format == "gif" else bits,
    )
    if loaded.exif is not None:
        loaded.exif = loaded.exif.removeprefix(b"Exif\x00\x00")
    if frames > 1:
        delays = tuple(int(delay) for delay in field(header, "delay") or ())
        loaded.delays = (delays + (100,) * frames)[:frames]
        loaded.loop = int(field(header, "loop") or 0)
    if format in ("jpeg", "tiff") and field(header, "resolution-unit") is not None:
        loaded.resolution = (header.xres * 25.4, header.yres * 25.4)
    _ADDITIONS.get(format, _nothing)(file, loaded)
    return loaded


def _shrink(file: _Source, width: int, height: int, orientation: int) -> int:
    """By how much a JPEG of this size may be decoded smaller: 1, 2, 4 or 8.

    Twice of what is needed is left, as libvips does for thumbnails: the kernel that scales the rest then decides how
    sharp the result is. Only where no pixel is left over at an edge, so that nothing is shifted by a part of one.
    """
    if file.needed is None:
        return 1
    turned = orientation >= 5
    wanted = file.needed(*((height, width) if turned else (width, height)))
    if wanted is None:
        return 1
    wide, high = reversed(wanted) if turned else wanted
    return max(
        by
        for by in (1, 2, 4, 8)
        if by == 1 or (width % by == height % by == 0 and width >= 2 * by * wide and height >= 2 * by * high)
    )


def _load_svg(file: _Source) -> _Loaded:
    pyvips = vips()
    try:
        data = unpack_svg(file.data, file.limits.input_bytes)
    except ValueError as error:
        raise _corrupt(file, "svg", str(error)) from error
    if len(data) > file.limits.input_bytes:
        raise LimitExceeded(
            f"{file.name} unpacks to more than {file.limits.input_bytes / 1e6:.1f} MB, the limit.",
            cure="Give a smaller file, or raise limits.input_bytes.",
        )
    scale = 1.0
    if file.svg_size is not None:
        small = pyvips.Image.svgload_buffer(data)
        scale = min(file.svg_size[0] / small.width, file.svg_size[1] / small.height)
    drawn = pyvips.Image.svgload_buffer(data, scale=scale, fail_on="error")
    check_size(file.name, drawn.width, drawn.height, 1, file.limits)
    return _Loaded(frames=[drawn], bits=8)


def _nothing(file: _Source, loaded: _Loaded) -> None:
    """Most formats say all they have through libvips."""


def _add_jpeg(file: _Source, loaded: _Loaded) -> None:
    found = containers.read_jpeg(file.data)
    loaded.quality, loaded.subsampling = found.quality, found.subsampling
    if field(loaded.frames[0], "gainmap-data") is not None or found.gain_map:
        file.warnings.append("It holds a gain map for HDR screens; the picture for ordinary screens was kept.")


def _add_png(file: _Source, loaded: _Loaded) -> None:
    found = containers.read_png(file.data)
    loaded.exif = loaded.exif or found.exif
    loaded.xmp = loaded.xmp or found.xmp
    loaded.resolution = found.resolution
    if found.frames > 1:
        file.warnings.append(f"It is an animated PNG of {found.frames} frames; only the first was read.")
    if loaded.exif is not None and loaded.orientation == 1:
        loaded.orientation = metadata.orientation(loaded.exif)


def _add_webp(file: _Source, loaded: _Loaded) -> None:
    loaded.lossless = containers.webp_is_lossless(file.data)


def _add_avif(file: _Source, loaded: _Loaded) -> None:
    # The decoder has applied the rotation and the mirroring of the container, beside which EXIF's does not count.
    loaded.orientation = 1


def _add_tiff(file: _Source, loaded: _Loaded) -> None:
    loaded.exif = metadata.from_tiff(file.data)


_ADDITIONS = {"jpeg": _add_jpeg, "png": _add_png, "webp": _add_webp, "avif": _add_avif, "tiff": _add_tiff}


# --- Pillow ------------------------------------------------------------------------------------------------------


@contextmanager
def _pillow(file: _Source, format: Format) -> Generator[Any]:
    """Open with Pillow, allowing it the one format that the content was found to be."""
    import struct

    import PIL.Image
    from PIL import UnidentifiedImageError

    allowed = {"bmp": ["BMP"], "ppm": ["PPM"], "ico": ["ICO"], "tiff": ["TIFF"], "avif": ["AVIF"]}[format]
    try:
        with python_warnings.catch_warnings():
            # Our own limits are checked below, with numbers and a cure.
            python_warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(file.data), formats=allowed) as picture:
                yield picture
    except UnidentifiedImageError as error:
        raise _corrupt(file, format, "its header makes no sense, or it is of a rare kind") from error
    except PIL.Image.DecompressionBombError as error:
        raise LimitExceeded(
            f"{file.name} claims more pixels than are read of a {format.upper()}: {error}",
            cure="Give a smaller picture, or a PNG or TIFF.",
        ) from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        struct.error,
        EOFError,
        KeyError,
        IndexError,
        TypeError,
        OverflowError,
        AttributeError,
        RuntimeError,
        ZeroDivisionError,
    ) as error:
        raise _corrupt(file, format, str(error).rstrip(".") or type(error).__name__) from error


def _load_with_pillow(file: _Source, format: Format) -> _Loaded:
    """BMP, PPM, AVIF sequences and the TIFFs that libvips does not read."""
    with _pillow(file, format) as picture:
        frames = int(getattr(picture, "n_frames", 1)) if format == "avif" else 1
        check_size(file.name, picture.width, picture.height, frames, file.limits)
        profile = picture.info.get("icc_profile")
        exif = bytes(picture.getexif().tobytes()) if format == "avif" and picture.getexif() else None
        loaded = _Loaded(frames=[], profile=profile, exif=exif)
        for index in range(frames):
            if frames > 1:
                picture.seek(index)
            picture.load()
            pixels, loaded.bits = _from_pillow(picture, format)
            loaded.frames.append(pixels)
            if frames > 1:
                loaded.delays += (round(float(picture.info.get("duration") or 100)),)
        if format == "tiff":
            # Pillow turns a TIFF upright while it loads it.
            loaded.exif = metadata.from_tiff(file.data)
        resolution = picture.info.get("dpi")
        if resolution and min(resolution) > 1:
            loaded.resolution = (float(resolution[0]), float(resolution[1]))
    return loaded


def _from_pillow(picture: Any, format: Format) -> tuple[pyvips.Image, int]:
    """Pillow's pixels as a libvips image in memory, and how many bits a sample had."""
    import numpy as np

    mode: str = picture.mode
    if mode in ("P", "PA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info or mode == "PA" else "RGB")
    elif mode == "1":
        picture = picture.convert("L")
    elif mode in ("La", "RGBa"):
        picture = picture.convert(mode[:-1].upper() + "A")
    elif mode in ("YCbCr", "HSV", "RGBX"):
        picture = picture.convert("RGB")
    mode = picture.mode
    pixels = np.asarray(picture)
    if mode == "F":
        raise ValueError("pixels of this kind are not read")
    bits = 1 if picture.mode == "1" else 8
    if mode.startswith("I"):
        # 12 bit samples come as they are; a portable map wider than 8 bits comes stretched to 16.
        bits = 12 if format == "tiff" and 12 in np.atleast_1d(picture.tag_v2.get(258, 16)) else 16
        pixels = np.clip(pixels.astype(np.int64), 0, 65535)
        pixels = np.rint(pixels * (65535 / ((1 << bits) - 1))).clip(0, 65535).astype(np.uint16)
    if mode == "LAB":
        # Arrays hold a and b as signed bytes, as the file does; libvips counts L to 100.
        lightness = pixels[..., :1].astype(np.float32) * np.float32(100 / 255)
        pixels = np.concatenate([lightness, pixels[..., 1:].view(np.int8).astype(np.float32)], axis=2)
    height, width = pixels.shape[:2]
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}[str(pixels.dtype)]
    frame = vips().Image.new_from_memory(np.ascontiguousarray(pixels), width, height, bands, kind)
    meaning = {"LAB": "lab", "CMYK": "cmyk"}.get(mode)
    if meaning is None:
        wide = kind == "ushort"
        meaning = ("grey16" if wide else "b-w") if bands < 3 else ("rgb16" if wide else "srgb")
    return frame.copy(interpretation=meaning), bits


def _load_ico(file: _Source) -> _Loaded:
    """The largest picture of an icon, of those of most colours; it is a PNG or a bitmap without its file header."""
    data = file.data
    count = int.from_bytes(data[4:6], "little")
    entries: list[tuple[int, int, int, int]] = []
    for index in range(count):
        entry = data[6 + 16 * index : 22 + 16 * index]
        if len(entry) < 16:
            raise _corrupt(file, "ico", "its directory is cut off")
        width, height = entry[0] or 256, entry[1] or 256
        size, start = int.from_bytes(entry[8:12], "little"), int.from_bytes(entry[12:16], "little")
        entries.append((width * height, int.from_bytes(entry[6:8], "little"), start, size))
    _, _, start, size = max(entries)
    payload = data[start : start + size]
    if len(payload) < size or size < 40:
        raise _corrupt(file, "ico", "its largest picture is cut off")
    if payload.startswith(b"\x89PNG\r\n\x1a\n"):
        inner = _Source(payload, file.name, file.limits, None, None, file.warnings)
        loaded = _load_with_vips(inner, "png")
    else:
        width = abs(int.from_bytes(payload[4:8], "little", signed=True))
        height = abs(int.from_bytes(payload[8:12], "little", signed=True)) // 2
        check_size(file.name, width, height, 1, file.limits)
        if width > 256 or height > 256 or width * height == 0:
            raise _corrupt(file, "ico", f"an icon of {width} x {height} pixels cannot be")
        with _pillow(file, "ico") as picture:
            picture.load()
            frame, bits = _from_pillow(picture, "ico")
        loaded = _Loaded(frames=[frame], bits=bits)
    if count > 1:
        file.warnings.append(f"It holds {count} icons; the largest was read.")
    return loaded


# --- into the form that operations see ----------------------------------------------------------------------------


def _settle(file: _Source, format: Format, loaded: _Loaded, name: str | None) -> Image:
    """sRGB, upright, and everything that is known about where it came from."""
    first = loaded.frames[0]
    width, height = loaded.size or (first.width, first.height)
    try:
        frames: list[pyvips.Image] = []
        grey = False
        for frame in loaded.frames:
            settled = to_srgb(frame, loaded.profile, file.warnings)
            grey = settled.grey
            # The frames of an animation that need no transform stay views of the one strip that was decoded.
            pixels = settled.frame.copy_memory() if len(loaded.frames) == 1 or settled.changed else settled.frame
            frames.append(_upright(_bare(pixels), loaded.orientation))
    except vips().Error as error:
        raise _corrupt(file, format, _first_line(error)) from error
    resolution = loaded.resolution
    if resolution is not None and not all(1 <= value <= 100_000 for value in resolution):
        resolution = None
    if resolution is not None and loaded.orientation >= 5:
        resolution = (resolution[1], resolution[0])
    rights = metadata.rights(loaded.exif, loaded.xmp, loaded.iptc)
    return Image(
        frames=tuple(frames),
        animation=Animation(loaded.delays, loaded.loop) if len(frames) > 1 else None,
        metadata=Metadata(
            exif=loaded.exif,
            xmp=loaded.xmp,
            iptc=loaded.iptc,
            icc=loaded.profile,
            copyright=rights.copyright,
            artist=rights.artist,
            resolution=resolution,
        ),
        origin=Origin(
            format=format,
            name=name,
            bytes=len(file.data),
            width=width,
            height=height,
            bits=loaded.bits,
            frames=len(frames),
            colour=str(first.interpretation),
            profile=profile_name(loaded.profile) if loaded.profile else None,
            orientation=loaded.orientation,
            quality=loaded.quality,
            subsampling=loaded.subsampling,
            lossless=True if format in _LOSSLESS else loaded.lossless if format != "jpeg" else False,
        ),
        grey=grey,
        reduced_from=None if loaded.size is None else (height, width) if loaded.orientation >= 5 else (width, height),
    )


def _bare(frame: pyvips.Image) -> pyvips.Image:
    """The pixels without any of the blocks that came with them: those live in Image.metadata, in one place."""
    return with_fields(frame, [name for name in frame.get_fields() if name not in _PIXEL_FIELDS], {})


_PIXEL_FIELDS = frozenset(
    ["width", "height", "bands", "format", "coding", "interpretation", "xres", "yres", "xoffset", "yoffset", "filename"]
)


def _upright(frame: pyvips.Image, orientation: int) -> pyvips.Image:
    """Undo an EXIF orientation, 1 to 8; anything else is taken for 1."""
    match orientation:
        case 2:
            return frame.fliphor()
        case 3:
            return frame.rot180()
        case 4:
            return frame.flipver()
        case 5:
            return frame.rot90().fliphor()
        case 6:
            return frame.rot90()
        case 7:
            return frame.rot270().fliphor()
        case 8:
            return frame.rot270()
        case _:
            return frame
