"""Taking a model of the user's own into the store and into ``models.toml``."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from darkroom.errors import InputNotFound, InvalidParameters, UnsupportedModel
from darkroom.models.catalogue import ModelEntry, Task, clash, user_entries
from darkroom.models.store import Store, write_user_entries
from darkroom.settings import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_SOURCE = "computed when it was added"


def add_model(
    store: Store,
    file: Path,
    *,
    name: str,
    task: Task,
    licence: str,
    scale: int | None = None,
    commercial: bool | None = None,
    preprocessing: Mapping[str, Any] | None = None,
) -> ModelEntry:
    """Copy a weights file into the store and write its entry; the architecture is read from the file.

    Args:
        store: where to.
        file: ``.pth``, ``.safetensors`` or ``.onnx``.
        name: what to call the model.
        task: what it does.
        licence: of the weights, by SPDX name where there is one.
        scale: how much larger its output is; needed only for an ``.onnx`` upscaler.
        commercial: whether commercial use is allowed, where known.
        preprocessing: for matte networks; see :class:`darkroom.models.catalogue.Preprocessing`.

    Raises:
        InputNotFound, InvalidParameters, ModelCorrupt, UnsafeWeights, UnsupportedModel, OutputError.
    """
    if not file.is_file():
        raise InputNotFound(f"There is no file {file}.", cure="Correct the path.")
    architecture, scale = _inspect(file, task, scale)
    stored = f"{re.sub(r'[^A-Za-z0-9._-]', '-', name)}{file.suffix.lower()}"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    described = {"name": stored, "sha256": digest, "digest_source": DIGEST_SOURCE, "bytes": file.stat().st_size}
    try:
        entry = ModelEntry.model_validate(
            {
                "name": name,
                "task": task,
                "architecture": architecture,
                "scale": scale,
                "files": [described],
                "licence": licence,
                "commercial": commercial,
                "summary": f"Added from {file.name}.",
                "preprocessing": dict(preprocessing or {}) if task == "matte" else None,
            }
        )
    except ValidationError as error:
        raise InvalidParameters(f"The model cannot be added: {explain(error)}.", cure="Correct that value.") from error
    taken = clash(entry, store.entries())
    if taken is not None:
        raise InvalidParameters(
            f"There is already a model or a model's file named {taken!r}.", cure="Choose another --name.", field="name"
        )
    store.install(file, entry, entry.files[0], file.name)
    write_user_entries([*user_entries(), entry])
    return entry


def _inspect(file: Path, task: Task, scale: int | None) -> tuple[str, int]:
    """Architecture and scale. Raises where the file cannot be used for the task."""
    suffix = file.suffix.lower()
    if suffix == ".onnx":
        from darkroom.models.weights import read_onnx

        read_onnx(file)
        if task == "upscale" and scale is None:
            raise InvalidParameters(
                "An ONNX file does not say how much larger its output is.", cure="Add --scale.", field="scale"
            )
        return "onnx", scale or 1
    if suffix not in (".pth", ".pt", ".safetensors"):
        raise InvalidParameters(
            f"{file.name} is not a weights file.", cure="Give a .pth, .safetensors or .onnx file.", field="file"
        )
    from darkroom.models.architectures.translate import recognise
    from darkroom.models.weights import read_tensors

    tensors = read_tensors(file)
    try:
        traits = recognise(tensors, file.name)
    except UnsupportedModel:
        if scale is None:
            raise
        return "torch", scale
    if scale is not None and scale != traits.scale:
        raise InvalidParameters(
            f"{file.name} enlarges {traits.scale} times, not {scale}.", cure="Leave out --scale.", field="scale"
        )
    return traits.architecture, traits.scale
