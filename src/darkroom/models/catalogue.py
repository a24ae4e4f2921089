"""What models exist: ``catalogue.toml`` beside this file, and the user's own ``models.toml``, in one form."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal["matte", "upscale", "face_detection", "face_restoration", "inpainting", "deblocking"]
Architecture = Literal["onnx", "rrdbnet", "srvgg", "torch"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Part):
    """One file of a model. A digest stands beside who says so."""

    name: str = Field(description="File name in the store.")
    url: str | None = Field(default=None, description="Where it is downloaded from; empty for a file added by hand.")
    sha256: str | None = Field(
        default=None, pattern="^[0-9a-f]{64}$", description="Digest; empty pins the first download."
    )
    digest_source: str | None = Field(default=None, description="Where the digest was found.")
    md5: str | None = Field(
        default=None, pattern="^[0-9a-f]{32}$", description="For files whose authors publish only this."
    )
    bytes: int | None = Field(default=None, ge=1, description="Size, for progress and checks.")


class Preprocessing(_Part):
    """How a matte network wants its input and what its output means, as its authors do it."""

    size: tuple[int, int] = Field(default=(320, 320), description="(width, height) that the picture is stretched to.")
    mean: tuple[float, float, float] = Field(default=(0.485, 0.456, 0.406), description="Subtracted, after scaling.")
    std: tuple[float, float, float] = Field(default=(0.229, 0.224, 0.225), description="Divided by, after the mean.")
    scale: Literal["max", "unit", "byte"] = Field(
        default="unit", description="max divides by the picture's brightest value, unit by 255, byte leaves 0 to 255."
    )
    order: Literal["rgb", "bgr"] = Field(default="rgb", description="Channel order.")
    output: Literal["minmax", "sigmoid", "probability", "softmax"] = Field(
        default="minmax",
        description="minmax stretches to 0..1, sigmoid and softmax are applied, probability is used as it is.",
    )
    channel: int = Field(default=0, ge=0, description="Which output channel is the foreground.")


class ModelEntry(_Part):
    """One model of the catalogue."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Its name everywhere.")
    task: Task = Field(description="What it does.")
    architecture: Architecture = Field(default="onnx", description="How its weights become a network.")
    summary: str = Field(default="", description="One line for a person choosing a model.")
    scale: int = Field(default=1, ge=1, le=8, description="How much larger its output is, for upscale.")
    files: tuple[ModelFile, ...] = Field(min_length=1, description="Its files; the first is the weights.")
    licence: str = Field(description="Licence of the weights, by SPDX name where there is one.")
    commercial: bool | None = Field(
        default=None, description="Whether commercial use is allowed; empty where not known."
    )
    source: str = Field(default="", description="The project that published it.")
    preprocessing: Preprocessing | None = Field(default=None, description="For matte networks.")
