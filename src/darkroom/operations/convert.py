"""How the result is written: format, quality, metadata, or a size in bytes to stay within."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from darkroom.image import Encoding
from darkroom.operation import Context, Operation
from darkroom.parameters import BYTES

if TYPE_CHECKING:
    from darkroom.image import Image

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "kib": 1024, "mib": 1_048_576}
_LOSSY = ("jpeg", "webp", "avif")


class Convert(Operation, name="convert"):
    """Choose format, quality, metadata or file size of the result.

    The pixels are left as they are; the choice is carried out when the result is written, and the last one counts.
    """

    format: Literal["jpeg", "png", "webp", "avif", "tiff", "gif", "bmp", "svg"] | None = Field(
        default=None, description="Format of the result; empty keeps the source's own, or png where it cannot be kept."
    )
    quality: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Quality of jpeg, webp and avif; with target_size the highest that is tried. Empty means the "
        "source's own for a JPEG (80 to 95), else 90 for jpeg, 85 for webp, 60 for avif.",
    )
    lossless: bool | None = Field(
        default=None, description="Write webp or avif without loss; empty does so where the source had none."
    )
    subsampling: Literal["auto", "4:4:4", "4:2:0"] | None = Field(
        default=None,
        description="Resolution of the colours in jpeg and avif: 4:4:4 is full, 4:2:0 half; auto is full from "
        "quality 90 on.",
    )
    metadata: Literal["private", "keep", "none"] | None = Field(
        default=None,
        description="private keeps copyright, artist, colour profile and resolution only; keep keeps all but the "
        "thumbnail; none keeps nothing.",
    )
    target_size: Annotated[int, BYTES] | None = Field(
        default=None,
        ge=100,
        le=10**12,
        description="Most bytes of the result, as a number or as text like 200kB or 1.5MiB: the highest quality "
        "that fits is taken. For jpeg, webp and avif.",
    )
    embed: bool = Field(default=False, description="With format svg: write an SVG that holds the pixels as a PNG.")
    effort: int | None = Field(
        default=None,
        ge=0,
        le=9,
        description="How hard to compress png, webp, avif and gif, 0 (fast) to 9 (small); empty is a middle way.",
    )

    @field_validator("target_size", mode="before")
    @classmethod
    def _read_size(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-zA-Z]*)", value.strip())
        if found is None or found[2].lower() not in _UNITS:
            raise ValueError("a size is a number of bytes, or a number with B, kB, MB, KiB or MiB")
        return int(float(found[1]) * _UNITS[found[2].lower()])

    @model_validator(mode="after")
    def _fits_together(self) -> Convert:
        if self.format is not None and self.format not in _LOSSY:
            for field in ("quality", "target_size"):
                if getattr(self, field) is not None:
                    raise ValueError(f"{field} is for jpeg, webp and avif; {self.format} is lossless")
            if self.lossless is False:
                raise ValueError(f"{self.format} cannot be written with loss; choose jpeg, webp or avif")
        if self.format == "jpeg" and self.lossless:
            raise ValueError("jpeg cannot be written lossless; choose png, webp, avif or tiff")
        if self.lossless and (self.quality is not None or self.target_size is not None):
            raise ValueError("lossless leaves no quality to choose; leave out quality and target_size")
        if self.format == "svg" and not self.embed:
            raise ValueError(
                "pixels cannot be turned into svg, which is made of shapes; choose another format, or embed=true for "
                "an SVG that holds the pixels as a PNG"
            )
        if self.embed and self.format != "svg":
            raise ValueError("embed is for format=svg")
        return self

    def apply(self, image: Image, context: Context) -> Image:
        """Set how the picture will be written."""
        return image.with_encoding(
            Encoding(
                format=self.format,
                quality=self.quality,
                subsampling=self.subsampling,
                lossless=self.lossless,
                metadata=self.metadata,
                target_bytes=self.target_size,
                embed=self.embed,
                effort=self.effort,
            )
        )
