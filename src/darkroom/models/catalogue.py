"""What models exist: ``catalogue.toml`` beside this file, and the user's own ``models.toml``, in one form."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import ConfigurationError
from darkroom.settings import config_folder, explain

Task = Literal["matte", "upscale", "face_detection", "face_restoration", "face_embedding", "inpainting", "deblocking"]
Architecture = Literal["onnx", "rrdbnet", "srvgg", "torch"]


Pixels = Annotated[int, Field(ge=8, le=8192)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Part):
    """One file of a model. A digest stands beside who says so."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$", description="File name in the store.")
    also_named: tuple[str, ...] = Field(default=(), description="Names under which rembg keeps the same file.")
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

    size: tuple[Pixels, Pixels] = Field(
        default=(320, 320), description="(width, height) that the picture is stretched to."
    )
    mean: tuple[Finite, Finite, Finite] = Field(default=(0.485, 0.456, 0.406), description="Subtracted, after scaling.")
    std: tuple[Positive, Positive, Positive] = Field(
        default=(0.229, 0.224, 0.225), description="Divided by, after the mean."
    )
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
    aliases: tuple[str, ...] = Field(default=(), description="Other names it is known by.")
    licence: str = Field(description="Licence of the weights, by SPDX name where there is one.")
    commercial: bool | None = Field(
        default=None, description="Whether commercial use is allowed; empty where not known."
    )
    licence_note: str = Field(default="", description="What else is to be known of the licence.")
    source: str = Field(default="", description="The project that published it.")
    preprocessing: Preprocessing | None = Field(default=None, description="For matte networks.")
    interface: Literal["lama", "migan"] = Field(
        default="lama",
        description="For inpainting networks: lama takes 0 to 1 and a mask of what to fill, migan bytes and a mask of "
        "what is known.",
    )


class _Catalogue(_Part):
    model: tuple[ModelEntry, ...] = ()


@cache
def builtin_entries() -> tuple[ModelEntry, ...]:
    """The catalogue that comes with Darkroom."""
    text = resources.files("darkroom.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(text, "catalogue.toml")


def user_file() -> Path:
    """The user's own catalogue."""
    return config_folder() / "models.toml"


def user_entries() -> tuple[ModelEntry, ...]:
    """The user's own entries. Raises ConfigurationError naming file, entry and field."""
    path = user_file()
    if not path.is_file():
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text.", cure="Save it as UTF-8.") from error
    entries = parse_catalogue(text, str(path))
    known = list(builtin_entries())
    for entry in entries:
        name = clash(entry, known)
        if name is not None:
            raise ConfigurationError(
                f"{path}: there is already a model or a model's file named {name!r}.",
                cure="Give yours another name.",
                field="name",
            )
        known.append(entry)
    return entries


def clash(entry: ModelEntry, known: Iterable[ModelEntry]) -> str | None:
    """A name, alias or file name of ``entry`` that one of the others has too, in any case; None where there is none.

    File names count because the store keeps all files in one folder: whose file it is must never be in doubt.
    """
    taken = {name for other in known for name in _all_names(other)}
    return next((name for name in sorted(_all_names(entry)) if name in taken), None)


def _all_names(entry: ModelEntry) -> set[str]:
    files = {name.lower() for file in entry.files for name in (file.name, *file.also_named)}
    return names_of(entry) | files


def names_of(entry: ModelEntry) -> set[str]:
    """Every name of an entry, in lower case."""
    return {entry.name.lower(), *(alias.lower() for alias in entry.aliases)}


def parse_catalogue(text: str, name: str) -> tuple[ModelEntry, ...]:
    """Read a catalogue in TOML; ``name`` is what to call it. Raises ConfigurationError naming entry and field."""
    try:
        tree: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not TOML: {error}.", cure="Correct that line.") from error
    try:
        return _Catalogue.model_validate(tree).model
    except ValidationError as error:
        raise ConfigurationError(
            f"{name} is wrong: {explain(error)}.", cure="See docs/models.md for the form of an entry."
        ) from error
