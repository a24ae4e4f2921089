"""Pictures into bytes: format, quality, size and metadata as asked, and a word about whatever could not be kept."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from darkroom.codecs import containers, metadata
from darkroom.codecs.colour import grey_profile, srgb_profile
from darkroom.codecs.sniffing import READ
from darkroom.codecs.vips import vips, with_fields
from darkroom.errors import NotAcceptable, OutputError
from darkroom.image import Animation, Encoding, Format, Image, Subsampling
from darkroom.report import PictureReport

if TYPE_CHECKING:
    import pyvips

WRITTEN: tuple[Format, ...] = ("jpeg", "png", "webp", "avif", "tiff", "gif", "bmp")
"""The formats that are written."""

LOSSY: tuple[Format, ...] = ("jpeg", "webp", "avif")
"""The formats that a quality, and with it a target size, applies to."""

ANIMATED: tuple[Format, ...] = ("gif", "webp")
"""The formats that an animation is written in."""

WITHOUT_ALPHA: tuple[Format, ...] = ("jpeg", "bmp")
"""The formats that have no transparency."""

_WIDE: tuple[Format, ...] = ("png", "tiff", "avif")
_GREY: tuple[Format, ...] = ("jpeg", "png", "tiff", "bmp")
_MOST: dict[Format, int] = {"jpeg": 65_500, "webp": 16_383, "avif": 16_384, "gif": 65_535}

QUALITY: dict[Format, int] = {"jpeg": 90, "webp": 85, "avif": 60}
"""Quality where none is asked for. AVIF's scale differs: its 60 looks about as good as JPEG's 85 to 90."""

_JPEG_FLOOR, _JPEG_CEILING = 80, 95


@dataclass(frozen=True, slots=True)
class Encoded:
    """A written picture: its bytes, and what they are."""

    data: bytes
    description: PictureReport


class _Plan(NamedTuple):
    """What will be written, everything resolved."""

    format: Format
    quality: int | None
    subsampling: Subsampling | None
    lossless: bool
    effort: int | None
    policy: str
    grey: bool


def describe(image: Image) -> PictureReport:
    """A picture as it stands, with what is known of the file it came from."""
    origin = image.origin
    width, height = image.full_size
    return PictureReport(
        name=origin.name,
        format=origin.format,
        bytes=origin.bytes,
        width=width,
        height=height,
        frames=len(image.frames),
        bits=image.bits,
        alpha=image.has_alpha,
        profile=origin.profile,
        quality=origin.quality,
        subsampling=origin.subsampling,
        lossless=origin.lossless,
    )


def default_format(image: Image) -> Format:
    """The format that a picture is written in where none is asked for: its own, else PNG.

    PNG also takes over from a format that cannot be written (SVG, ICO, PPM), and from JPEG and BMP where the picture
    has become transparent; WebP takes over from AVIF where there is more than one frame.
    """
    own = image.origin.format
    if image.is_animated and own not in ANIMATED:
        return "webp"
    if own is None or own not in WRITTEN or not _holds(own, image):
        return "png"
    return own


def _chosen(image: Image, encoding: Encoding) -> Format:
    """The format to write: what is asked for. Raises NotAcceptable where none of several holds the picture."""
    if encoding.format is not None:
        return encoding.format
    if encoding.formats is None:
        return default_format(image)
    for format in encoding.formats:
        if _holds(format, image):
            return format
    names = " nor ".join(format.upper() for format in encoding.formats)
    raise NotAcceptable(
        f"The result is transparent in places, which {names} cannot be.",
        cure="Take PNG, WebP or AVIF too; or name the format, and the result is put on white.",
    )


def _holds(format: Format, image: Image) -> bool:
    """Whether the picture keeps its transparency, where it has any."""
    return format not in WITHOUT_ALPHA or not image.has_alpha or _opaque(image)


def encode(image: Image, encoding: Encoding, *, warnings: list[str] | None = None) -> Encoded:
    """Write ``image`` as ``encoding`` says; what it leaves open is settled so that nothing is lost unasked.

    - ``format``: the first of ``formats`` that holds the picture; without them the source's own where it can be written
      and holds the picture, else PNG.
    - ``lossless`` (WebP, AVIF): as the source was; a quality, subsampling or target size means lossy.
    - ``quality``: for a JPEG that came as a JPEG, its own, held between 80 and 95: a lower one would add damage of its
      own to what is there, a higher one only bytes; else :data:`QUALITY`.
    - ``subsampling``: a JPEG's own where it is 4:4:4 or 4:2:0 (4:4:4 for the kinds between); else 4:4:4 from quality 90
      on and 4:2:0 below.
    - ``target_bytes``: the highest quality that fits, found by bisection.
    - ``effort``: 0 (fast) to 9 (small).

    The same picture and encoding always give the same bytes. Whatever could not be kept is appended to ``warnings``.
    Raises OutputError, NotAcceptable where none of ``formats`` holds the picture.
    """
    notes: list[str] = []
    format = _chosen(image, encoding)
    if format == "svg":
        result = _embed(image, encoding, notes)
    else:
        if encoding.format is None and encoding.formats is None and image.origin.format not in (None, format):
            own = str(image.origin.format).upper()
            reason = "has no transparency" if image.origin.format in WRITTEN else "is not written"
            reason = "is written as a still picture only" if image.is_animated else reason
            notes.append(f"The result is {'WebP' if format == 'webp' else 'PNG'}, because {own} {reason}.")
        result = _encode(image, encoding, format, notes)
    if warnings is not None:
        warnings += [note for note in dict.fromkeys(notes) if note not in warnings]
    return result


def _encode(image: Image, encoding: Encoding, format: Format, notes: list[str]) -> Encoded:
    if format not in WRITTEN:
        raise OutputError(f"{format.upper()} is read but not written.", cure="Choose png, or another raster format.")
    most = _MOST.get(format)
    if most is not None and max(image.size) > most:
        raise OutputError(
            f"The result has {image.width} x {image.height} pixels; {format.upper()} holds {most} to a side.",
            cure="Choose png or tiff, or make the picture smaller.",
        )
    lossless = _lossless(image, encoding, format)
    if encoding.target_bytes is not None and lossless:
        raise OutputError(
            f"A target size needs a quality to lower, and {format.upper()} "
            f"{'is lossless' if format not in LOSSY else 'was asked for lossless'}.",
            cure="Choose jpeg, webp or avif without lossless.",
            field="target_bytes",
        )
    picture = _fit(image, format, notes)
    grey = picture.grey and format in _GREY and _is_grey(picture)
    quality = None if lossless else encoding.quality or _quality(image, format)
    plan = _Plan(
        format=format,
        quality=quality,
        subsampling=None,
        lossless=lossless,
        effort=encoding.effort,
        policy=encoding.metadata or "private",
        grey=grey,
    )
    write = _writer(picture, plan, notes)

    def attempt(at: int | None) -> tuple[bytes, _Plan]:
        chosen = plan._replace(quality=at, subsampling=_subsampling(image, encoding, format, at) if not grey else None)
        return write(chosen), chosen

    if encoding.target_bytes is not None:
        data, plan = _fit_bytes(attempt, encoding.target_bytes, encoding.quality or 100, format)
    else:
        data, plan = attempt(quality)
    bits = {"avif": 12}.get(format, 16) if picture.bits == 16 else 8
    return Encoded(
        data,
        PictureReport(
            format=format,
            bytes=len(data),
            width=picture.width,
            height=picture.height,
            frames=len(picture.frames),
            bits=bits,
            alpha=picture.has_alpha,
            profile=None if plan.policy == "none" or format in ("gif", "bmp") else "grey" if grey else "sRGB",
            quality=plan.quality,
            subsampling=plan.subsampling,
            lossless=lossless if format != "gif" else None,
            metadata=plan.policy,
        ),
    )


def _lossless(image: Image, encoding: Encoding, format: Format) -> bool:
    if format == "jpeg":
        return False
    if format not in LOSSY:
        return True
    if encoding.lossless is not None:
        return encoding.lossless
    if encoding.quality is not None or encoding.target_bytes is not None or encoding.subsampling not in (None, "auto"):
        return False
    # Pixels without an origin were made by a program, which alone knows what may be lost of them.
    return image.origin.lossless is True or image.origin.format is None


def _quality(image: Image, format: Format) -> int:
    own = image.origin.quality
    if format == "jpeg" and image.origin.format == "jpeg" and own is not None:
        return min(max(own, _JPEG_FLOOR), _JPEG_CEILING)
    return QUALITY[format]


def _subsampling(image: Image, encoding: Encoding, format: Format, quality: int | None) -> Subsampling | None:
    if quality is None:
        return None
    if format == "webp":
        return "4:2:0"  # lossy WebP knows no other
    if encoding.subsampling in ("4:4:4", "4:2:0"):
        return encoding.subsampling
    if image.origin.format == "jpeg" == format and encoding.target_bytes is None:
        return image.origin.subsampling or "4:4:4"
    return "4:4:4" if quality >= 90 else "4:2:0"


def _fit_bytes(
    attempt: Callable[[int | None], tuple[bytes, _Plan]], target: int, highest: int, format: Format
) -> tuple[bytes, _Plan]:
    """The encoding of the highest quality, 1 to ``highest``, of at most ``target`` bytes."""
    best: tuple[bytes, _Plan] | None = None
    smallest: int | None = None
    low, high = 1, highest
    while low <= high:
        middle = (low + high + 1) // 2
        found = attempt(middle)
        if len(found[0]) <= target:
            best, low = found, middle + 1
        else:
            smallest = min(smallest or len(found[0]), len(found[0]))
            high = middle - 1
    if best is None:
        raise OutputError(
            f"Even at the lowest quality the {format.upper()} has {smallest} bytes; the target is {target}.",
            cure="Make the picture smaller, choose avif or webp, or allow more bytes.",
            field="target_bytes",
        )
    return best


# --- making the pixels fit the format --------------------------------------------------------------------------------


def _fit(image: Image, format: Format, notes: list[str]) -> Image:
    """The picture with what ``format`` cannot hold taken off, each loss noted; pixels are in memory afterwards."""
    name = format.upper()
    if image.is_animated and format not in ANIMATED:
        notes.append(f"{name} is written as a still picture: the first of {len(image.frames)} frames was kept.")
        image = image.first_frame()
    frames = [frame.copy_memory() for frame in image.frames]
    image = image.with_frames(tuple(frames))
    if image.has_alpha and format in WITHOUT_ALPHA:
        if not _opaque(image):
            notes.append(f"{name} has no transparency: the picture was put on white.")
            top = image.maximum
            image = image.with_frames(tuple(f.flatten(background=[top] * 3, max_alpha=top) for f in image.frames))
        else:
            image = image.with_frames(tuple(frame[:3] for frame in image.frames))
    if image.bits == 16 and format not in _WIDE:
        notes.append(f"{name} holds 8 bits a channel: the picture's 16 were rounded.")
        image = image.with_frames(tuple(to_8_bits(frame) for frame in image.frames))
    elif image.bits == 16 and format == "avif":
        notes.append("AVIF holds 12 bits a channel: the picture's 16 were rounded.")
    if format == "gif":
        _note_gif_losses(image, notes)
    return image.with_frames(tuple(_stated(frame).copy_memory() for frame in image.frames))


def _stated(frame: pyvips.Image) -> pyvips.Image:
    return frame.copy(interpretation="rgb16" if frame.format == "ushort" else "srgb")


def to_8_bits(frame: pyvips.Image) -> pyvips.Image:
    """16 bit samples rounded to 8; libvips' own conversion cuts the lower byte off, which darkens by half a step."""
    return ((frame + 128.0) / 257).floor().cast("uchar").copy(interpretation="srgb")


def _opaque(image: Image) -> bool:
    return all(frame[3].min() == image.maximum for frame in image.frames)


def _is_grey(image: Image) -> bool:
    return all((f[0] - f[1]).abs().max() == 0 and (f[1] - f[2]).abs().max() == 0 for f in image.frames)


def _few_colours(image: Image) -> bool:
    """True if no frame has more than 255 colours, so that a palette with one place for transparency holds them all."""
    import numpy as np

    for frame in image.frames:
        pixels = frame.numpy().reshape(-1, frame.bands).astype(np.uint32)
        packed = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
        if frame.bands == 4:
            packed = packed[pixels[:, 3] >= 128]
        seen = np.zeros(1 << 24, bool)
        seen[packed] = True
        if int(seen.sum()) > 255:
            return False
    return True


def _note_gif_losses(image: Image, notes: list[str]) -> None:
    if not _few_colours(image):
        notes.append("GIF holds 256 colours a frame: the colours were reduced.")
    if image.has_alpha:
        soft = any(sum(frame[3].hist_find().numpy()[0, 1:255]) > 0 for frame in image.frames)
        if soft:
            notes.append("GIF is either opaque or transparent: half-transparent pixels became one or the other.")
    if image.animation and any(delay % 10 for delay in image.animation.delays):
        notes.append("GIF counts time in hundredths of a second: frame delays were rounded.")


# --- writing ---------------------------------------------------------------------------------------------------------


class _Blocks(NamedTuple):
    """What goes beside the pixels."""

    exif: bytes | None
    xmp: bytes | None
    iptc: bytes | None
    icc: bytes | None
    resolution: tuple[float, float] | None
    rights: metadata.Rights


def _blocks(image: Image, plan: _Plan, notes: list[str]) -> _Blocks:
    held, name = image.metadata, plan.format.upper()
    found = metadata.Rights(held.copyright, held.artist)
    if plan.policy == "none":
        return _Blocks(None, None, None, None, None, metadata.Rights())
    if plan.format in ("gif", "bmp"):
        lost = [word for word, value in (("copyright", found.copyright), ("artist", found.artist)) if value]
        if plan.policy == "keep":
            blocks = (("EXIF", held.exif), ("XMP", held.xmp), ("IPTC", held.iptc))
            lost = [word for word, value in blocks if value] or lost
        if lost:
            notes.append(f"{name} has no place for metadata: {', '.join(lost)} could not be kept.")
        return _Blocks(None, None, None, None, held.resolution, metadata.Rights())
    icc = grey_profile() if plan.grey else srgb_profile()
    if plan.policy == "private":
        return _Blocks(metadata.minimal(found), None, None, icc, held.resolution, found)
    exif, xmp, iptc = metadata.minimal(found) if held.exif is None else None, None, None
    if held.exif is not None:
        exif = metadata.corrected(held.exif, image.width, image.height)
        if exif is None:
            exif = metadata.minimal(found)
            notes.append("The EXIF block is damaged and could not be kept.")
    if plan.format == "jpeg" and exif is not None and len(exif) > 65_000:
        exif = metadata.minimal(found)
        notes.append("The EXIF block is longer than a JPEG can hold and could not be kept.")
    if image.origin.format == "tiff":
        notes.append("Of the source's own TIFF fields, only copyright, artist and resolution are kept.")
    elif plan.format == "tiff" and held.exif is not None and held.exif != metadata.minimal(found):
        notes.append("Of EXIF, TIFF files keep only copyright and artist here.")
    if held.xmp is not None:
        xmp = metadata.corrected_xmp(held.xmp)
        if plan.format == "jpeg" and len(xmp) > 65_000:
            xmp = None
            notes.append("The XMP block is longer than a JPEG can hold and could not be kept.")
    if held.iptc is not None:
        if plan.format in ("jpeg", "tiff"):
            iptc = held.iptc
        else:
            notes.append(f"{name} has no place for IPTC, which could not be kept.")
    return _Blocks(exif, xmp, iptc, icc, held.resolution, found)


def _writer(image: Image, plan: _Plan, notes: list[str]) -> Callable[[_Plan], bytes]:
    """A function that writes the picture at a quality; all that does not depend on it is done here, once."""
    blocks = _blocks(image, plan, notes)
    if plan.format == "bmp":
        return lambda chosen: _write_bmp(image, blocks)
    frames = image.frames
    if plan.grey:
        frames = tuple(_one_channel(frame) for frame in frames)
    strip = frames[0] if len(frames) == 1 else vips().Image.arrayjoin(list(frames), across=1).copy_memory()
    dots = blocks.resolution or (72.0, 72.0)
    strip = strip.copy(xres=dots[0] / 25.4, yres=dots[1] / 25.4)
    strip = _dressed(strip, image.height, image.animation, blocks, plan)
    return lambda chosen: _write(strip, image, chosen, blocks)


def _one_channel(frame: pyvips.Image) -> pyvips.Image:
    one = frame[1] if frame.bands == 3 else frame[1].bandjoin(frame[3])
    return one.copy(interpretation="grey16" if frame.format == "ushort" else "b-w")


def _dressed(
    strip: pyvips.Image, height: int, animation: Animation | None, blocks: _Blocks, plan: _Plan
) -> pyvips.Image:
    """The pixels with exactly the blocks that libvips is to write."""
    blob, number, numbers = vips().GValue.blob_type, vips().GValue.gint_type, vips().GValue.array_int_type
    stale = ("exif-", "icc-", "xmp-", "iptc-", "photoshop-", "orientation", "png-comment")
    remove = [name for name in strip.get_fields() if name.startswith(stale)]
    add: dict[str, tuple[int, Any]] = {}
    for name, value in (("icc-profile-data", blocks.icc), ("xmp-data", blocks.xmp), ("iptc-data", blocks.iptc)):
        if value is not None:
            add[name] = (blob, value)
    if plan.format == "avif":
        add |= _exif_fields(blocks.exif)
    if animation is not None and plan.format in ANIMATED:
        add["page-height"] = (number, height)
        add["delay"] = (numbers, list(animation.delays))
        add["loop"] = (number, animation.loop)
    return with_fields(strip, remove, add)


def _exif_fields(exif: bytes | None) -> dict[str, tuple[int, Any]]:
    """An EXIF block as libvips holds it, which is what its AVIF writer works from; a JPEG is made to carry it over."""
    if exif is None:
        return {}
    pyvips = vips()
    carrier = containers.add_to_jpeg(pyvips.Image.black(8, 8).jpegsave_buffer(keep=0), exif)
    read = pyvips.Image.jpegload_buffer(carrier)
    return {name: (read.get_typeof(name), read.get(name)) for name in read.get_fields() if name.startswith("exif-")}


def _write(strip: pyvips.Image, image: Image, plan: _Plan, blocks: _Blocks) -> bytes:
    # VipsForeignKeep: exif 1, xmp 2, iptc 4, icc 8. EXIF is put in by ourselves, byte for byte, except for AVIF.
    keep = 0 if plan.policy == "none" else 2 | 4 | 8
    chroma = {"4:4:4": "off", "4:2:0": "on"}.get(plan.subsampling or "", "auto")
    quality: dict[str, Any] = {} if plan.quality is None else {"Q": plan.quality}
    try:
        match plan.format:
            case "jpeg":
                data = strip.jpegsave_buffer(keep=keep, optimize_coding=True, subsample_mode=chroma, **quality)
                return containers.add_to_jpeg(data, blocks.exif, blocks.resolution)
            case "png":
                effort = 6 if plan.effort is None else plan.effort
                data = strip.pngsave_buffer(keep=keep, compression=effort)
                return containers.add_to_png(data, blocks.exif, blocks.resolution)
            case "webp":
                effort = 4 if plan.effort is None else min(6, plan.effort)
                # Colours under full transparency belong to the picture where it is to be kept whole.
                data = strip.webpsave_buffer(
                    keep=keep, effort=effort, lossless=plan.lossless, exact=plan.lossless, **quality
                )
                return containers.add_to_webp(data, blocks.exif, image.size, image.has_alpha)
            case "avif":
                effort = 3 if plan.effort is None else plan.effort
                return _write_avif(strip, plan, keep | (1 if blocks.exif else 0), effort, quality, chroma)
            case "tiff":
                large = image.width * image.height * strip.bands * (image.bits // 8) > 3_900_000_000
                data = strip.tiffsave_buffer(
                    keep=keep, compression="deflate", predictor="horizontal", bigtiff=large, resunit="inch"
                )
                return data if large else metadata.add_to_tiff(data, metadata.tiff_fields(blocks.rights))
            case _:
                few = _few_colours(image)
                effort = 7 if plan.effort is None else max(1, plan.effort)
                # With few colours every one is kept: no palette borrowed from the frame before, no hasty one.
                return strip.gifsave_buffer(
                    keep=keep,
                    effort=max(7, effort) if few else effort,
                    dither=0.0 if few else 1.0,
                    interpalette_maxerror=0 if few else 3,
                    keep_duplicate_frames=True,
                )
    except vips().Error as error:
        reason = str(error).strip().splitlines()[0]
        raise OutputError(
            f"The picture cannot be written as {plan.format.upper()}: {reason}.", cure="Choose another format."
        ) from error


def _write_avif(
    strip: pyvips.Image, plan: _Plan, keep: int, effort: int, quality: dict[str, Any], chroma: str
) -> bytes:
    depth = 8
    if strip.format == "ushort":
        # The writer takes the upper 12 bits; rounding here makes full white of 65535 full white of 4095.
        depth = 12
        strip = ((strip * (4095 / 65535)).rint().cast("ushort") << 4).copy(interpretation="rgb16")
    return strip.heifsave_buffer(
        keep=keep,
        compression="av1",
        effort=effort,
        lossless=plan.lossless,
        bitdepth=depth,
        subsample_mode="off" if plan.lossless else chroma,
        **quality,
    )


def _write_bmp(image: Image, blocks: _Blocks) -> bytes:
    import PIL.Image

    pixels = image.to_array()
    picture = PIL.Image.fromarray(pixels[..., 1] if image.grey and _is_grey(image) else pixels)
    stream = io.BytesIO()
    picture.save(stream, "BMP", dpi=blocks.resolution or (72.0, 72.0))
    return stream.getvalue()


def _embed(image: Image, encoding: Encoding, notes: list[str]) -> Encoded:
    """An SVG that holds the picture as a PNG, where that is asked for."""
    if not encoding.embed:
        raise OutputError(
            "Pixels cannot be turned into SVG, which is made of shapes.",
            cure=f"Choose a raster format, or embed=true for an SVG that holds the pixels as a PNG. Read: {READ}.",
            field="format",
        )
    if encoding.target_bytes is not None:
        raise OutputError(
            "A target size needs a quality to lower, and an SVG embeds a PNG, which is lossless.",
            cure="Choose jpeg, webp or avif.",
            field="target_bytes",
        )
    inner = _encode(image, replace(encoding, format="png"), "png", notes)
    notes.append("The SVG holds the picture as pixels: it does not gain sharpness when it is enlarged.")
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{image.width}" height="{image.height}" '
        f'viewBox="0 0 {image.width} {image.height}">'
        f'<image width="{image.width}" height="{image.height}" '
        f'href="data:image/png;base64,{base64.b64encode(inner.data).decode()}"/></svg>\n'
    )
    data = text.encode()
    changes = {"format": "svg", "bytes": len(data)}
    return Encoded(data, inner.description.model_copy(update=changes))
