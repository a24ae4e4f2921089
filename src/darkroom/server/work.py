"""What a request wants, made ready: its operations, how to write the result, and the stored pictures they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from darkroom.errors import InvalidParameters
from darkroom.image import Encoding
from darkroom.operation import Operation, build
from darkroom.pipeline import Pipeline
from darkroom.recipe import find_recipe
from darkroom.server.schemas import Output, Work

if TYPE_CHECKING:
    from darkroom.server.pictures import Pictures
    from darkroom.settings import Settings

_REFERENCE = re.compile(r"([0-9a-f]{32})(?:@(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """What to do with a picture. ``pictures`` has the digest of each stored one that operations name."""

    pipeline: Pipeline
    encoding: Encoding
    pictures: dict[str, str]

    def encoding_as_json(self) -> dict[str, Any]:
        """How to write the result, as a job keeps it: what is said, without what is left open."""
        values = {name: getattr(self.encoding, name) for name in Encoding.__slots__}
        return {name: value for name, value in values.items() if value is not None and value is not False}


def order_of(work: Work, settings: Settings, pictures: Pictures, owner: str | None) -> Order:
    """Make a request's work ready. Asks the database.

    Raises UnknownRecipe, InvalidParameters, and ImageNotFound for a picture that is not there or not the owner's.
    """
    operations: list[Operation] = []
    encoding = encoding_of(work.output)
    if work.recipe is not None:
        recipe = find_recipe(work.recipe, settings)
        operations += recipe.pipeline.operations
        encoding = encoding.over(recipe.encoding())
    operations += work.operations
    if work.generate_sizes:
        operations.append(build("sizes", {} if work.generate_sizes is True else {"sizes": work.generate_sizes}))
    return ordered(Pipeline(operations), encoding, pictures, owner)


def ordered(pipeline: Pipeline, encoding: Encoding, pictures: Pictures, owner: str | None) -> Order:
    """The order for operations that are read already. Raises as :func:`order_of`."""
    named = [reference for operation in pipeline.operations for reference in operation.pictures()]
    return Order(pipeline, encoding, {reference: _digest(reference, pictures, owner) for reference in named})


def encoding_of(output: Output) -> Encoding:
    """How to write a result, from the request's words."""
    return Encoding(**output.model_dump())


def _digest(reference: str, pictures: Pictures, owner: str | None) -> str:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidParameters(
            f"{reference[:100]!r} is not the id of a stored picture.",
            cure="Upload the picture first, and give its id, or id@version.",
        )
    return pictures.version(found[1], owner, int(found[2]) if found[2] else None).digest
