"""Recipes: a named list of operations with how to write the result, kept as YAML.

Built-in ones lie in ``recipes/`` beside this file, the user's own in the folder that ``settings.recipes`` names; a
path works too. A recipe of the user's that has a built-in's name takes its place: what someone wrote on their own
machine is what they mean.

::

    name: web-small
    description: Fit into 1600 x 1600, as WebP.
    operations:
      - type: resize
        width: 1600
      - convert:format=webp        # the short form of the command line is read too
    output:
      format: webp
      quality: 80
    place: 10                    # lower ones are offered earlier; 0 where nothing is said
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import DarkroomError, InvalidParameters, UnknownRecipe
from darkroom.image import Encoding, Format
from darkroom.operation import Operation, suggest
from darkroom.pipeline import Pipeline, parse

if TYPE_CHECKING:
    from darkroom.settings import Settings

FOLDER = Path(__file__).parent / "recipes"
_SUFFIXES = (".yaml", ".yml")


class Output(BaseModel):
    """How a recipe writes its result, where no option says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | None = Field(default=None, description="jpeg, png, webp, avif, tiff, gif, bmp.")
    quality: int | None = Field(default=None, ge=1, le=100, description="Lossy quality.")
    metadata: Literal["private", "keep", "none"] | None = Field(default=None, description="Metadata policy.")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    place: int = Field(default=0, ge=-1000, le=1000)
    operations: list[Any] = Field(min_length=1)
    output: Output = Field(default_factory=Output)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe, read and checked."""

    name: str
    description: str
    pipeline: Pipeline
    output: Output
    path: Path
    place: int = 0
    """Where it is offered among others: the lower, the earlier."""

    @property
    def builtin(self) -> bool:
        """True for one that came with Darkroom."""
        return self.path.parent == FOLDER

    def encoding(self) -> Encoding:
        """How to write the result, as far as the recipe says."""
        return Encoding(format=self.output.format, quality=self.output.quality, metadata=self.output.metadata)


def builtin_recipes() -> list[Recipe]:
    """The recipes that come with Darkroom, as they are offered."""
    return sorted((read_recipe(path) for path in _files(FOLDER)), key=_offered)


def _offered(recipe: Recipe) -> tuple[int, str]:
    return recipe.place, recipe.name


def recipes(settings: Settings, wrong: list[DarkroomError] | None = None) -> dict[str, Recipe]:
    """Every recipe by name, as they are offered, the user's own laid over the built-in ones.

    What is the matter with a wrong file is added to ``wrong``; without such a list it is raised: InvalidParameters.
    """
    found: dict[str, Recipe] = {}
    for path in _files(FOLDER) + _files(settings.recipes):
        try:
            recipe = read_recipe(path)
        except DarkroomError as error:
            if wrong is None:
                raise
            wrong.append(error)
        else:
            found[recipe.name] = recipe
    return {recipe.name: recipe for recipe in sorted(found.values(), key=_offered)}


def find_recipe(name: str, settings: Settings) -> Recipe:
    """A recipe by name, or by path where ``name`` has a folder or ends in ``.yaml``.

    A broken file of another name does not get in the way. Raises UnknownRecipe, InvalidParameters.
    """
    path = Path(name).expanduser()
    if path.suffix in _SUFFIXES or len(path.parts) > 1:
        return read_recipe(path)
    files = {path.stem: path for folder in (FOLDER, settings.recipes) for path in _files(folder)}
    if name in files and not _has_other_name(files[name]):
        return read_recipe(files[name])
    known = recipes(settings, wrong=[])
    if name in known:
        return known[name]
    raise UnknownRecipe(
        f"There is no recipe named {name!r}.", cure=f"{suggest(name, known)} Your own belong in {settings.recipes}."
    )


def read_recipe(path: Path) -> Recipe:
    """Read one file. Raises UnknownRecipe if it is not there, InvalidParameters naming file, step and field."""
    import yaml

    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnknownRecipe(f"There is no recipe file {path}.", cure="`darkroom recipes` lists the names.") from error
    except OSError as error:
        raise UnknownRecipe(f"The recipe {path} cannot be read: {error.strerror}.", cure="Check it.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidParameters(f"The recipe {path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise InvalidParameters(
            f"The recipe {path} must be a mapping with name, description and operations.", cure=_EXAMPLE
        )
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        from darkroom.settings import explain

        raise InvalidParameters(f"The recipe {path}: {explain(error)}.", cure=_EXAMPLE) from error
    steps = [_step(path, number, written) for number, written in enumerate(file.operations, 1)]
    return Recipe(file.name or path.stem, file.description, Pipeline(steps), file.output, path, file.place)


_EXAMPLE = (
    "It needs operations, a list such as: [remove_background, {type: resize, width: 1600}]; docs/batch.md has one."
)


def _step(path: Path, number: int, written: Any) -> Operation:
    """One operation of a recipe: its short form, or a mapping with ``type``."""
    where = f"The recipe {path}, step {number}: "
    if isinstance(written, dict) and not all(isinstance(key, str) for key in cast(dict[Any, Any], written)):
        raise InvalidParameters(f"{where}every key must be text.", field="operations")
    if not isinstance(written, (str, dict)):
        raise InvalidParameters(f"{where}{written!r} is not an operation.", cure=_EXAMPLE, field="operations")
    try:
        return parse(cast("str | dict[str, Any]", written))
    except InvalidParameters as error:
        raise type(error)(where + error.message, cure=error.cure, field=error.field) from error


def _has_other_name(path: Path) -> bool:
    try:
        return read_recipe(path).name != path.stem
    except DarkroomError:
        return False


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
