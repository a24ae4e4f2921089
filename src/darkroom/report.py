"""Report: the execution receipt that grows beside every picture.

What was done, by whom, on what, how long, with which warnings. The command line prints it, the service returns it, a
job stores it, the page shows it.
"""

from __future__ import annotations

import contextlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=False)


class PictureReport(_Part):
    """A picture as it came in or went out."""

    name: str | None = Field(default=None, description="File name, where it had one.")
    format: str | None = Field(default=None, description="jpeg, png, webp, avif, tiff, gif, bmp, svg.")
    bytes: int | None = Field(default=None, description="Size of the file.")
    width: int = Field(description="Pixels across.")
    height: int = Field(description="Pixels down, of one frame.")
    frames: int = Field(default=1, description="Frames; 1 for a still picture.")
    bits: int = Field(default=8, description="Bits per channel.")
    alpha: bool = Field(default=False, description="Whether it has an alpha channel.")
    profile: str | None = Field(default=None, description="Name of the colour profile it came with.")
    quality: int | None = Field(default=None, description="Lossy quality, 1 to 100.")
    subsampling: str | None = Field(default=None, description="Chroma subsampling: 4:4:4 or 4:2:0.")
    lossless: bool | None = Field(default=None, description="Whether the encoding keeps every pixel.")
    metadata: str | None = Field(default=None, description="Metadata policy it was written with.")
    sha256: str | None = Field(default=None, description="Digest of the file's bytes.")


class AttachmentReport(PictureReport):
    """A picture that was made beside the result; ``name`` tells it from the others."""

    about: dict[str, Any] = Field(default_factory=dict, description="What the operation says of it.")


class ModelUse(_Part):
    """A model that took part in a step."""

    name: str = Field(description="Catalogue name.")
    digest: str = Field(description="sha256 of the weights file.")
    digest_source: str = Field(description="Who says that this is the digest; or that nobody does and it was pinned.")
    licence: str = Field(description="The model's licence.")
    commercial: bool | None = Field(description="Whether commercial use is allowed; empty where not known.")


class Fallback(_Part):
    """Something was wanted, something else was done."""

    wanted: str
    used: str
    reason: str
    lasting: bool = Field(
        default=False,
        description="Whether it would be so again with the same picture, settings and models: a model is not here.",
    )


class StepReport(_Part):
    """One operation, carried out."""

    operation: str = Field(description="Name of the operation.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Every parameter, defaults resolved.")
    provider: str = Field(default="local", description="Who carried it out.")
    cloud: bool = Field(default=False, description="Whether a service in the cloud carried it out.")
    method: str = Field(default="builtin", description="How: builtin, model, or the algorithm's name.")
    models: list[ModelUse] = Field(default_factory=list[ModelUse], description="Models that took part.")
    loaded: list[str] = Field(default_factory=list[str], description="Models that had to be loaded for it.")
    engine: str | None = Field(default=None, description="Inference engine, where a network ran.")
    device: str = Field(default="cpu", description="Where it ran.")
    precision: str | None = Field(default=None, description="fp32, bf16, fp16 or int8, where a network ran.")
    seconds: float = Field(default=0.0, description="Wall time of the step.")
    width: int | None = Field(default=None, description="Pixels across, of what it made.")
    height: int | None = Field(default=None, description="Pixels down, of one frame of what it made.")
    moved: bool = Field(
        default=False,
        description="Whether what the picture shows lies elsewhere now, in shares of its width and height: it was "
        "cropped, turned, padded.",
    )
    peak_memory: int | None = Field(default=None, description="Peak resident memory of the process so far, in bytes.")
    changed: dict[str, Any] = Field(default_factory=dict, description="What the step found out or changed.")
    warnings: list[str] = Field(default_factory=list[str])
    fallbacks: list[Fallback] = Field(default_factory=list[Fallback])


class Report(_Part):
    """The whole receipt of one picture."""

    input: PictureReport | None = None
    steps: list[StepReport] = Field(default_factory=list[StepReport])
    output: PictureReport | None = None
    attachments: list[AttachmentReport] = Field(
        default_factory=list[AttachmentReport], description="Pictures that were made beside the result."
    )
    warnings: list[str] = Field(default_factory=list[str], description="What could not be kept, and what to know.")
    processing_mode: Literal["local", "cloud", "mixed"] = "local"
    seconds: float = 0.0
    decode_seconds: float = 0.0
    encode_seconds: float = 0.0
    memory_estimate: int | None = Field(
        default=None,
        description="Bytes of memory that were foreseen for it; it is refused where they are not to be had.",
    )
    peak_memory: int | None = Field(default=None, description="Peak resident memory of the process, in bytes.")
    version: str = Field(default="", description="Version of Darkroom.")

    def tell_mode(self) -> None:
        """Say where the steps were carried out: here, in the cloud, or both."""
        clouds = [step.cloud for step in self.steps]
        self.processing_mode = "local" if not any(clouds) else "cloud" if all(clouds) else "mixed"

    def all_warnings(self) -> list[str]:
        """Every warning and fallback of picture and steps, in order, each a sentence."""
        lines = list(self.warnings)
        for step in self.steps:
            lines += [f"{step.operation}: {warning}" for warning in step.warnings]
            lines += [f"{step.operation}: wanted {f.wanted}, used {f.used}: {f.reason}" for f in step.fallbacks]
        return lines


def peak_memory() -> int | None:
    """Peak resident memory of this process in bytes; None where the system does not say."""
    # Linux hands the peak that getrusage tells down from parent to child; this one is the process's own.
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
        import sys
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
