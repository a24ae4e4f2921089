"""``/api/v1/operations``, ``/recipes`` and ``/models``: what there is to do, and with what."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path as FilePath

from fastapi import APIRouter, Request

from darkroom.errors import InvalidParameters, LimitExceeded, ModelCorrupt
from darkroom.models.bundle import import_models
from darkroom.operation import registry
from darkroom.recipe import recipes as all_recipes
from darkroom.safety.validation import safe_name
from darkroom.server import schemas
from darkroom.server.dependencies import BODY, Keeper, Reader, TheStudio, problems
from darkroom.server.multipart import UPLOAD_BYTES, Multipart
from darkroom.server.routes.local_media import ModelName, status

router = APIRouter(tags=["catalogue"])

MODEL_BYTES = 4_000_000_000
"""Longest model file that is taken over the network."""


@router.get("/operations", responses=problems())
async def operations(who: Reader) -> list[schemas.OperationInfo]:
    """Every operation with the JSON schema of its parameters, from which forms are made."""
    return [
        schemas.OperationInfo(
            name=name,
            summary=kind.summary(),
            lane="heavy" if kind.tasks else "light",
            tasks=list(kind.tasks),
            json_schema=kind.model_json_schema(),
        )
        for name, kind in registry().items()
    ]


@router.get("/recipes", responses=problems())
async def recipes(studio: TheStudio, who: Reader) -> list[schemas.RecipeInfo]:
    """Every recipe, built in and the owner's own; one that is not well is left out."""
    found = await asyncio.to_thread(all_recipes, studio.settings, [])
    return [
        schemas.RecipeInfo(
            name=recipe.name,
            description=recipe.description,
            builtin=recipe.builtin,
            operations=recipe.pipeline.to_json(),
            output=schemas.Output(
                format=recipe.output.format, quality=recipe.output.quality, metadata=recipe.output.metadata
            ),
        )
        for recipe in found.values()
    ]


@router.get("/models", responses=problems())
async def models(studio: TheStudio, who: Reader) -> schemas.ModelsStatus:
    """Every model: what it is for, its licence, and whether it is here."""
    return await asyncio.to_thread(status, studio)


@router.delete("/models/{name}", status_code=204, responses=problems(404))
async def remove_model(name: ModelName, studio: TheStudio, who: Keeper) -> None:
    """Delete a model's files."""
    await asyncio.to_thread(studio.models.remove, name)


@router.post(
    "/models/import",
    status_code=201,
    max_body_size=UPLOAD_BYTES,
    responses=problems(404, 409, 500, 507, *BODY),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                }
            },
        }
    },
)
async def import_model(request: Request, studio: TheStudio, who: Keeper) -> schemas.ModelsStatus:
    """Bring a model as a file: one that the catalogue knows by its name, or what `darkroom models export` made."""
    taken = False
    form = Multipart(request, MODEL_BYTES)
    async for part in form.parts():
        if part.filename is None or taken:
            raise InvalidParameters("The form is to have one file, and nothing else.", field=part.name[:50])
        taken = True
        with tempfile.TemporaryDirectory(prefix="darkroom-model-") as folder:
            path = FilePath(folder) / safe_name(part.filename)
            size = 0
            with path.open("wb") as file:
                async for chunk in part.chunks():
                    size += len(chunk)
                    if size > MODEL_BYTES:
                        raise LimitExceeded(f"{path.name} is longer than {MODEL_BYTES / 1e9:g} GB.")
                    await asyncio.to_thread(file.write, chunk)
            try:
                await asyncio.to_thread(import_models, studio.models, path)
            except ModelCorrupt as error:
                # What was sent is at fault, not what is kept here.
                raise InvalidParameters(error.message, cure=error.cure, field="file") from error
    if not taken:
        raise InvalidParameters("The form has no file.", field="file")
    return await asyncio.to_thread(status, studio)
