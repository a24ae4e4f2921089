"""Every colour space that a file may come in, made into sRGB."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from darkroom.codecs.vips import vips, with_fields

if TYPE_CHECKING:
    import pyvips

SPACES = {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4, b"Lab ": 3}
"""Data colour spaces of profiles that can be honoured, and how many channels each has."""


_LAB = ("lab", "labs", "labq")


class Settled(NamedTuple):
    """A frame in sRGB, whether its source had one colour channel, and whether any sample was changed."""

    frame: pyvips.Image
    grey: bool
    changed: bool


def srgb_profile() -> bytes:
    """The sRGB profile that is written into results; it is libvips' own and always the same."""
    return bytes(vips().Operation.call("profile_load", "srgb"))


def to_srgb(frame: pyvips.Image, profile: bytes | None, warnings: list[str]) -> Settled:
    """``frame`` as sRGB of 3 or 4 channels, 8 or 16 bits, by its own interpretation and ``profile``.

    The transform is relative colorimetric with black point compensation, as photo editors do it by default. A profile
    that cannot be used is a warning, and the picture is taken for what it would be without one: sRGB, sRGB's grey, or
    CMYK of the usual offset press.
    """
    source, frame = frame, _plain(frame)
    kind = str(frame.interpretation)
    colours = {"cmyk": 4, "b-w": 1, "grey16": 1}.get(kind, 3 if frame.bands >= 3 else 1)
    if kind == "multiband":
        colours = 1 if frame.bands < 3 else 3
    colour = frame[0] if colours == 1 else frame[:colours]
    alpha = frame[colours] if frame.bands > colours else None
    wide = frame.format == "ushort"
    if kind in _LAB:
        colour, wide = colour.colourspace("rgb16"), True
    elif profile is not None and (problem := unusable(profile, colours)) is not None:
        warnings.append(f"The embedded colour profile {problem}; the colours were taken as {_default(colours)}.")
        profile = None
    untouched = kind not in _LAB and colours != 4 and (profile is None or is_srgb(profile, colours))
    if kind not in _LAB and not untouched:
        colour = _transform(colour, profile, colours, wide)
    grey = colours == 1
    if grey:
        one = colour[min(1, colour.bands - 1)]
        colour = one.bandjoin([one, one])
    changed = grey or not untouched or frame is not source
    result = frame if not changed else colour if alpha is None else colour.bandjoin(alpha)
    return Settled(result.copy(interpretation="rgb16" if wide else "srgb"), grey, changed)


def _default(colours: int) -> str:
    return {1: "grey with sRGB's tone curve", 4: "CMYK of the usual offset press"}.get(colours, "sRGB")


def _plain(frame: pyvips.Image) -> pyvips.Image:
    """The frame with unsigned 8 or 16 bit samples, unless it is Lab."""
    if frame.interpretation in _LAB:
        return frame
    if frame.format in ("uchar", "ushort"):
        return frame
    if frame.format == "uint":
        return (frame / 65537).rint().cast("ushort")
    if frame.format in ("float", "double"):
        if frame.interpretation == "scrgb":
            return frame.colourspace("rgb16")
        return (frame * 65535).rint().cast("ushort")
    return frame.cast("ushort" if frame.format in ("short", "int") else "uchar")


def _transform(colour: pyvips.Image, profile: bytes | None, colours: int, wide: bool) -> pyvips.Image:
    """Convert through a profile; without one, through libvips' CMYK profile."""
    space = {1: "grey16" if wide else "b-w", 4: "cmyk"}.get(colours, "rgb16" if wide else "srgb")
    colour = colour.copy(interpretation=space)
    if profile is not None:
        colour = with_fields(colour, (), {"icc-profile-data": (vips().GValue.blob_type, profile)})
    keywords: dict[str, Any] = {"embedded": True} if profile is not None else {"input_profile": "cmyk"}
    return colour.icc_transform(
        "srgb", intent="relative", black_point_compensation=True, depth=16 if wide else 8, **keywords
    )


def unusable(profile: bytes, colours: int) -> str | None:
    """Why ``profile`` cannot be used for a picture of ``colours`` channels, as the end of a sentence; None."""
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return "is not a profile"
    space = profile[16:20]
    if SPACES.get(space) != colours:
        return f"is for {space.decode('latin-1').strip() or 'nothing'} and does not fit the picture"
    return None if _works(profile, colours) else "is broken"


@lru_cache(maxsize=64)
def _probe(colours: int) -> pyvips.Image:
    """A small 8 bit picture that holds an even lattice of all colours of that many channels."""
    import numpy as np

    steps = {1: 256, 3: 9, 4: 5}[colours]
    axis = np.rint(np.linspace(0, 255, steps)).astype(np.uint8)
    lattice = np.stack(np.meshgrid(*[axis] * colours, indexing="ij"), axis=-1).reshape(1, -1, colours)
    data = lattice.tobytes()
    return vips().Image.new_from_memory(data, lattice.shape[1], 1, colours, "uchar").copy_memory()


_verdicts: dict[tuple[str, int], tuple[bool, bool]] = {}


def _judge(profile: bytes, colours: int) -> tuple[bool, bool]:
    """(whether the profile works, whether it changes nothing), found out by sending a lattice of colours through it."""
    import numpy as np
    import PIL.ImageCms

    key = (hashlib.sha256(profile).hexdigest(), colours)
    if key not in _verdicts:
        if len(_verdicts) >= 256:
            _verdicts.clear()
        probe = _probe(colours)
        try:
            # libvips quietly goes on without a profile that it cannot use; this path to the same engine complains.
            PIL.ImageCms.buildTransform(
                PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                PIL.ImageCms.createProfile("sRGB"),
                {1: "L", 3: "RGB", 4: "CMYK"}[colours],
                "RGB",
                PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC,
            )
            there = _transform(probe, profile, colours, wide=False).numpy().astype(int)
            here = probe.numpy().astype(int).reshape(1, -1, colours)
            same = colours in (1, 3) and int(np.abs(there - here).max()) <= 1
            _verdicts[key] = (True, same)
        except (vips().Error, PIL.ImageCms.PyCMSError, OSError, ValueError):
            _verdicts[key] = (False, False)
    return _verdicts[key]


def _works(profile: bytes, colours: int) -> bool:
    return _judge(profile, colours)[0]


def is_srgb(profile: bytes, colours: int) -> bool:
    """True if ``profile`` is sRGB (or grey with its curve) in all but name: it moves no colour by more than one step.

    Pixels that come with such a profile are kept as they are, so that no rounding is added.
    """
    return _judge(profile, colours)[1]


def profile_name(profile: bytes) -> str | None:
    """The description that a profile gives of itself; None where it gives none that can be read."""
    count = int.from_bytes(profile[128:132], "big")
    for index in range(min(count, 100)):
        entry = profile[132 + 12 * index : 144 + 12 * index]
        if entry[:4] != b"desc":
            continue
        start, length = int.from_bytes(entry[4:8], "big"), int.from_bytes(entry[8:12], "big")
        tag = profile[start : start + min(length, 4096)]
        if tag[:4] == b"desc":
            size = int.from_bytes(tag[8:12], "big")
            text = tag[12 : 12 + size].split(b"\x00")[0].decode("latin-1")
        elif tag[:4] == b"mluc":
            size, at = int.from_bytes(tag[20:24], "big"), int.from_bytes(tag[24:28], "big")
            text = tag[at : at + size].decode("utf-16-be", "ignore")
        else:
            return None
        return "".join(letter for letter in text if letter.isprintable()).strip()[:100] or None
    return None


@lru_cache(maxsize=1)
def grey_profile() -> bytes:
    """A profile for one channel with sRGB's tone curve, after ICC.1:2010 (version 4): always the same bytes."""
    import struct

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def text(words: str) -> bytes:
        letters = words.encode("utf-16-be")
        return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(letters), 28) + letters

    # IEC 61966-2-1: the parameters of its curve in the form (a*x + b)**g above d, c*x below.
    curve = b"para" + struct.pack(">IHH", 0, 3, 0)
    curve += b"".join(fixed(value) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    white = b"XYZ " + bytes(4) + fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    tags = [
        (b"desc", text("Grey with sRGB's tone curve")),
        (b"cprt", text("No copyright, use freely")),
        (b"wtpt", white),
        (b"kTRC", curve),
    ]
    at, table, heap = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags:
        body = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(heap), len(body))
        heap += body
    header = struct.pack(">I4sI4s4s4s", at + len(heap), bytes(4), 0x04200000, b"mntr", b"GRAY", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(24 + 4)
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return header.ljust(128, b"\x00") + table + heap
