"""Image: what flows between operations.

Inside Darkroom a picture is always sRGB, RGB or RGBA, upright, 8 or 16 bits a channel, alpha not premultiplied. The
pixels are libvips images, one per frame; arrays go in and out as ``height x width x channels``, RGB(A), never BGR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyvips
    from numpy.typing import NDArray

Format = Literal["jpeg", "png", "webp", "avif", "tiff", "gif", "bmp", "svg", "ppm", "ico"]
Subsampling = Literal["auto", "4:4:4", "4:2:0"]


@dataclass(frozen=True, slots=True)
class Animation:
    """Timing of an animated picture: ``delays`` in milliseconds, one per frame; ``loop`` 0 means for ever."""

    delays: tuple[int, ...]
    loop: int = 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """What came with the pixels. Blocks are raw bytes as found; ``copyright`` and ``artist`` are read out of them.

    ``icc`` is the source's own profile: the pixels have already been converted from it into sRGB.
    ``resolution`` is (horizontal, vertical) in pixels per inch.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    icc: bytes | None = None
    copyright: str | None = None
    artist: str | None = None
    resolution: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the pixels came from: the decoded file's format, its profile's name, its lossy settings where known."""

    format: Format | None = None
    name: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    frames: int | None = None
    colour: str | None = None
    profile: str | None = None
    orientation: int | None = None
    quality: int | None = None
    subsampling: Subsampling | None = None
    lossless: bool | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the result should be written; None leaves the choice to the request, then to the format's default.

    ``formats`` are those to choose from where ``format`` is open, the best first: the first one is taken that holds the
    picture's transparency.
    """

    format: Format | None = None
    quality: int | None = None
    subsampling: Subsampling | None = None
    lossless: bool | None = None
    metadata: Literal["private", "keep", "none"] | None = None
    target_bytes: int | None = None
    embed: bool = False
    effort: int | None = None
    formats: tuple[Format, ...] | None = None

    def over(self, other: Encoding) -> Encoding:
        """This encoding with what it leaves open taken from ``other``; ``embed`` is on where either has it on."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values = {name: getattr(other, name) if value is None else value for name, value in values.items()}
        return Encoding(**{**values, "embed": self.embed or other.embed})


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of one or more frames of the same size. Immutable: every method returns another.

    ``grey`` says that the source had one colour channel; it is a wish to be written so, and the encoder checks that
    red, green and blue are still equal before it does.
    """

    frames: tuple[pyvips.Image, ...]
    animation: Animation | None = None
    metadata: Metadata = field(default_factory=Metadata)
    origin: Origin = field(default_factory=Origin)
    encoding: Encoding = field(default_factory=Encoding)
    grey: bool = False
    reduced_from: tuple[int, int] | None = None
    """The size that the picture has, where it was decoded smaller because the first operation needs no more."""

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.frames[0].width

    @property
    def height(self) -> int:
        """Pixels down, of one frame."""
        return self.frames[0].height

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of one frame."""
        return (self.width, self.height)

    @property
    def full_size(self) -> tuple[int, int]:
        """(width, height) of the picture that was given, which may be more than was decoded of it."""
        return self.reduced_from or self.size

    @property
    def bits(self) -> Literal[8, 16]:
        """Bits per channel."""
        return 16 if self.frames[0].format == "ushort" else 8

    @property
    def maximum(self) -> int:
        """The value of full white, or full opacity: 255 or 65535."""
        return 65535 if self.bits == 16 else 255

    @property
    def has_alpha(self) -> bool:
        """True for RGBA."""
        return self.frames[0].bands == 4

    @property
    def is_animated(self) -> bool:
        """True with more than one frame."""
        return len(self.frames) > 1

    def with_frames(self, frames: tuple[pyvips.Image, ...]) -> Image:
        """The same picture with other pixels: all else (timing, metadata, origin, encoding) is carried over."""
        return replace(self, frames=frames)

    def with_encoding(self, encoding: Encoding) -> Image:
        """The same picture, to be written in another way; what ``encoding`` leaves open stays as it was."""
        return replace(self, encoding=encoding.over(self.encoding))

    def first_frame(self) -> Image:
        """A still picture of the first frame."""
        return replace(self, frames=self.frames[:1], animation=None)

    def map(self, change: Callable[[pyvips.Image], pyvips.Image]) -> Image:
        """Apply a libvips computation to every frame. The result of ``change`` is cast back to this bit depth, sRGB.

        Alpha is not premultiplied; use :meth:`map_premultiplied` where ``change`` mixes neighbouring pixels.
        """
        return self.with_frames(tuple(_settle(change(frame), self.bits) for frame in self.frames))

    def map_premultiplied(self, change: Callable[[pyvips.Image], pyvips.Image]) -> Image:
        """As :meth:`map`, with the colours multiplied by alpha before and divided by it after, in float.

        Nothing is done about alpha where there is none.
        """
        if not self.has_alpha:
            return self.map(change)
        top = self.maximum

        def premultiplied(frame: pyvips.Image) -> pyvips.Image:
            return change(frame.premultiply(max_alpha=top)).unpremultiply(max_alpha=top)

        return self.map(premultiplied)

    def map_arrays(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Image:
        """Apply a function from what :meth:`to_array` gives to what :meth:`from_array` takes to every frame."""
        return self.with_frames(tuple(_from_array(change(_to_array(frame)), self.bits) for frame in self.frames))

    def to_array(self, frame: int = 0) -> NDArray[Any]:
        """One frame as ``height x width x 3 or 4``, uint8 or uint16, RGB(A); a copy."""
        return _to_array(self.frames[frame])

    def to_float(self, frame: int = 0) -> NDArray[np.float32]:
        """One frame as ``height x width x 3 or 4``, float32, 0.0 to 1.0, RGB(A)."""
        import numpy as np

        return self.to_array(frame).astype(np.float32) / np.float32(self.maximum)

    def with_array(self, array: NDArray[Any]) -> Image:
        """This picture with its pixels replaced by one frame; as :meth:`from_array`, all else is carried over."""
        return replace(self, frames=(_from_array(array, self.bits),), animation=None)

    @staticmethod
    def from_array(array: NDArray[Any], bits: Literal[8, 16] = 8) -> Image:
        """A still picture from ``height x width x (1, 3 or 4)`` or ``height x width``.

        uint8 and uint16 are taken as they are; floats are 0.0 to 1.0, clipped and rounded to ``bits``. Raises
        ValueError for any other shape or type.
        """
        return Image(frames=(_from_array(array, bits),), grey=array.ndim == 2 or array.shape[2] == 1)


def _settle(frame: pyvips.Image, bits: int) -> pyvips.Image:
    """Cast to ``bits`` with rounding, clipped, and mark as sRGB."""
    target = "ushort" if bits == 16 else "uchar"
    if frame.format != target:
        if frame.format in ("float", "double"):
            frame = frame.rint()
        frame = frame.cast(target)
    return frame.copy(interpretation="rgb16" if bits == 16 else "srgb")


def _to_array(frame: pyvips.Image) -> NDArray[Any]:
    import numpy as np

    kind = np.uint16 if frame.format == "ushort" else np.uint8
    # The memory that libvips wrote to is the array's own: nobody else has it.
    return np.frombuffer(frame.write_to_memory(), dtype=kind).reshape(frame.height, frame.width, frame.bands)


def _from_array(array: NDArray[Any], bits: int) -> pyvips.Image:
    import numpy as np
    import pyvips

    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(f"a picture is height x width x 1, 3 or 4, not {array.shape}")
    if array.dtype.kind == "f":
        top, kind = (65535, np.uint16) if bits == 16 else (255, np.uint8)
        array = np.rint(np.clip(array, 0.0, 1.0) * top).astype(kind)
    if array.dtype.type not in (np.uint8, np.uint16):
        raise ValueError(f"a picture holds uint8, uint16 or floats, not {array.dtype}")
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    height, width, bands = array.shape
    wide = array.dtype == np.uint16
    data = array.tobytes()
    frame = pyvips.Image.new_from_memory(data, width, height, bands, "ushort" if wide else "uchar")
    return frame.copy(interpretation="rgb16" if wide else "srgb")
